#!/usr/bin/env python3
"""A disk dies and a backup comes back: kr forgot what it had signed for us. Nothing goes on by itself; then the operators of both
say so, and the two are in step again under a new epoch.

    tests/scenario/restored.py

Standard library only. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

from node import Report, linked, program, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
REPORT = Report('restored')
WHY = ('--because', 'the disk died, the backup of yesterday is the newest')


def indicator(number):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
            'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
            'object_marking_refs': [CLEAR]}


class Both:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.kr, self.us = linked(folder, POLICY)

    def add(self, node, first, count):
        path = self.folder / 'things.jsonl'
        path.write_text('\n'.join(json.dumps(indicator(first + n)) for n in range(count)), encoding='utf-8')
        node.must('add', path, '--source', 'desk')

    def backup(self, *more):
        """While it runs."""
        answer = self.kr.run('backup', self.folder / 'backup', *more)
        REPORT.check('a running node is backed up', answer.good, answer)
        return answer.one

    def restore(self, anchor=True):
        """Onto a new disk; of the old one at most the anchor is left."""
        self.kr.stop()
        old, fresh = pathlib.Path(self.kr.dir), self.folder / 'fresh'
        answer = self.kr.run('restore', self.folder / 'backup', fresh)
        REPORT.check('a node is made of the backup', answer.good, answer)
        for name in ('keeper',) if anchor else ():
            shutil.copytree(old / name, fresh / name)
        shutil.rmtree(old)
        os.rename(fresh, old)
        self.kr.start()
        REPORT.equal('nothing leaves it by itself', self.kr.status('us').get('state'), 'paused')


def in_step(both, count):
    """us holds all that the present ledger of kr has, kr knows it, and as many of the objects as there are."""
    def true():
        mine, theirs = both.kr.status('us'), both.us.status('kr')
        return (mine.get('ledger_size') == theirs.get('received') == mine.get('receipted') and
                sum(both.us.run('get', indicator(n)['id']).good for n in (0, count - 1)) == 2)
    return wait_for(true, 60, 0.3)


def link(node, name):
    return node.status(name).get('link')


def stands_still(both):
    REPORT.check('the link stands still', wait_for(lambda: link(both.us, 'kr') == 'alarm', 60), both.us.status('kr'))


def resumed(both, epoch):
    """The two words that it takes, and nothing less."""
    answer = both.us.run('peer', 'resume', 'kr', '--epoch', 'x', *WHY)
    REPORT.check('what is no number is refused', not answer.good and '1 to' in repr(answer), answer)
    answer = both.us.run('peer', 'resume', 'kr', '--epoch', epoch)
    REPORT.check('and what has no reason', not answer.good and 'reason' in repr(answer), answer)
    both.us.must('peer', 'resume', 'kr', '--epoch', epoch, *WHY)


def behind(both):
    """The anchor is there, the log is older: what kr signed since is lost."""
    both.add(both.kr, 0, 200)
    REPORT.check('in step', in_step(both, 200))
    both.backup()
    both.add(both.kr, 200, 100)
    REPORT.check('in step, further on', in_step(both, 300))
    both.restore()
    both.kr.must('peer', 'start', 'us')
    stands_still(both)
    both.add(both.kr, 300, 50)
    REPORT.equal('nothing of it arrives', both.us.run('get', indicator(349)['id']).good, False)
    REPORT.check('a ledger begins anew only with a reason', not both.kr.run('peer', 'epoch', 'us').good)
    answer = both.kr.run('peer', 'epoch', 'us', '--epoch', '0', *WHY)
    REPORT.check('and only upwards', not answer.good, answer)
    epoch = both.kr.must('peer', 'epoch', 'us', *WHY).lines[0].get('epoch')
    REPORT.equal('the next number', epoch, 1)
    REPORT.equal('paused, until somebody has looked', both.kr.status('us').get('state'), 'paused')
    both.kr.must('recall', indicator(1)['id'], '--yes', '--because', 'it was recalled after the backup')
    both.kr.must('peer', 'start', 'us')
    REPORT.check('us does not follow by itself', wait_for(lambda: 'another epoch' in both.kr.status('us').get('alarm', '') or
                                                          link(both.us, 'kr') == 'alarm', 20))
    both.us.must('peer', 'resume', 'kr', *WHY)
    stands_still(both)
    both.us.must('peer', 'resume', 'kr', '--epoch', 3, *WHY)
    stands_still(both)
    REPORT.check('not another one than was agreed to',
                 wait_for(lambda: 'another ledger' in both.us.status('kr').get('trouble', ''), 20), both.us.status('kr'))
    both.kr.must('peer', 'epoch', 'us', '--epoch', 4, *WHY)
    both.kr.must('peer', 'start', 'us')
    resumed(both, 4)
    REPORT.check('in step again', in_step(both, 350), (both.kr.status('us'), both.us.status('kr')))
    REPORT.check('what was lost at kr is there still', both.us.run('get', indicator(250)['id']).good)
    REPORT.equal('...and at kr it is not', both.kr.run('get', indicator(250)['id']).good, False)
    both.us.stop()
    both.us.start()
    both.add(both.kr, 400, 10)
    REPORT.check('and stays so through a restart', in_step(both, 410))
    answer = both.us.run('peer', 'resume', 'kr', '--epoch', 5, *WHY)
    REPORT.check('a link that goes is not resumed', not answer.good, answer)


def forgotten(both):
    """The anchor is gone as well: kr does not know what it signed, in any epoch."""
    both.backup()
    both.add(both.kr, 500, 20)
    REPORT.check('in step', in_step(both, 520))
    both.restore(anchor=False)
    both.add(both.kr, 600, 5)
    REPORT.check('it says that it signs nothing', 'the anchor is gone' in both.kr.said())
    both.add(both.us, 700, 5)
    epoch = both.kr.must('peer', 'epoch', 'us', *WHY).lines[0].get('epoch')
    REPORT.equal('a number that nobody has seen', epoch, 5)
    both.kr.must('peer', 'start', 'us')
    stands_still(both)
    resumed(both, epoch)
    REPORT.check('in step again', in_step(both, 605), (both.kr.status('us'), both.us.status('kr')))
    REPORT.check('it signs, and receipts too', wait_for(
        lambda: both.us.status('kr').get('receipted') == both.us.status('kr').get('ledger_size'), 30), both.us.status('kr'))
    both.kr.stop()
    both.kr.start()
    both.add(both.kr, 800, 5)
    REPORT.check('and after a restart', in_step(both, 805))
    REPORT.equal('it is restored no more', both.kr.run('status').text.count('"restored":true'), 0)
    for node in (both.kr, both.us):
        node.stop()
        answer = node.run('check')
        REPORT.check(f'{node.name} is whole', answer.good, answer)
    answer = both.kr.run('peer', 'epoch', 'us', *WHY)
    REPORT.check('a stopped node begins nothing', not answer.good and 'does not run' in repr(answer), answer)


def what_is_refused(both):
    """A changed byte, half of it, a folder with something else, a place that is taken."""
    folder, kr = both.folder, both.kr
    copies = folder / 'copies', folder / 'secrets'
    kr.must('backup', copies[0], '--secrets', copies[1])
    sums = subprocess.run(['sha256sum', '-c', '--quiet', 'SHA256SUMS'], cwd=copies[0], check=False)
    REPORT.equal('sha256sum agrees', sums.returncode, 0)
    kept = kr.must('backup', copies[0], '--secrets', copies[1]).one
    REPORT.check('again, to the same folder', kept['files'] > 0, kept)
    left_out = ('root.key', 'anchor', 'keeper')
    REPORT.check('no root key, no anchor', not any(path.name in left_out for path in folder.glob('c*/**/*')))
    REPORT.check('nothing secret in the first', not any('keys' in path.parts for path in copies[0].glob('**/*')))
    for what, words, why in (('half of it', (copies[0], folder / 'n1'), 'was not among it'),
                             ('a place that is taken', (copies[0], kr.dir, '--secrets', copies[1]), 'something is in it'),
                             ('no backup', (folder, folder / 'n2'), 'no finished backup')):
        answer = kr.run('restore', *words)
        REPORT.check(f'{what} is refused', not answer.good and why in answer.err, answer)
    for line, why in (('../../evil', 'names what no backup holds'), ('keys/../../evil', 'names what no backup holds'),
                      ('store/log/spare.seg', 'names what no backup holds')):
        list_of_sums = copies[0] / 'SHA256SUMS'
        text = list_of_sums.read_text(encoding='utf-8')
        list_of_sums.write_text(f'{"0" * 64}  {line}\n{text}', encoding='utf-8')
        answer = kr.run('restore', copies[0], folder / 'n3', '--secrets', copies[1])
        REPORT.check(f'{line} is refused', not answer.good and why in answer.err, answer)
        list_of_sums.write_text(text, encoding='utf-8')
    with open(next(copies[0].glob('store/log/*.seg')), 'r+b') as log:
        log.seek(5000)
        byte = log.read(1)[0]
        log.seek(5000)
        log.write(bytes([byte ^ 1]))
    answer = kr.run('restore', copies[0], folder / 'n4', '--secrets', copies[1])
    REPORT.check('a flipped bit is refused', not answer.good and 'is not what was backed up' in answer.err, answer)
    plain = folder / 'plain'
    both.us.must('backup', plain)
    for what, words, why in (('another node', (plain,), 'another node'), ('secrets left out', (copies[0],), 'was made with'),
                             ('secrets within', (folder / 'n5', '--secrets', folder / 'n5' / 'in'), 'are not apart'),
                             ('the node itself', (os.path.join(kr.dir, 'backup'),), 'own directory')):
        answer = kr.run('backup', *words)
        REPORT.check(f'no backup: {what}', not answer.good and why in answer.err, answer)
    answer = both.us.run('backup', plain, '--secrets', folder / 'n6')
    REPORT.check('no backup: secrets taken out', not answer.good and 'was made without' in answer.err, answer)
    (folder / 'n7').mkdir()
    (folder / 'n7' / 'something').write_text('', encoding='utf-8')
    answer = kr.run('restore', copies[0], folder / 'n7', '--secrets', copies[1])
    REPORT.check('a folder with something in it is refused', not answer.good and 'something is in it' in answer.err, answer)
    answer = kr.run('backup', folder)
    REPORT.check('nothing is written over', not answer.good and 'holds something' in answer.err, answer)


def busy(both):
    """It is written to while it is copied: what was acknowledged before is in every copy, and each is whole."""
    stop = threading.Event()

    def adding():
        first = 10000
        while not stop.is_set():
            both.add(both.kr, first, 100)
            first += 100
    both.add(both.kr, 9000, 1)
    thread = threading.Thread(target=adding)
    thread.start()
    for round_ in range(3):
        both.kr.must('backup', both.folder / 'live')
        shutil.rmtree(both.folder / 'copy', ignore_errors=True)
        answer = both.kr.run('restore', both.folder / 'live', both.folder / 'copy')
        REPORT.check(f'a copy of a busy node, {round_ + 1}', answer.good, answer)
        done = subprocess.run([program(), 'check', '--dir', both.folder / 'copy'], stdout=subprocess.PIPE, check=False)
        REPORT.check('...is whole', done.returncode == 0, done.stdout)
        done = subprocess.run([program(), 'get', indicator(9000)['id'], '--dir', both.folder / 'copy'],
                              stdout=subprocess.PIPE, check=False)
        REPORT.check('...with what was acknowledged before', b'number 9000' in done.stdout, done.stdout)
    stop.set()
    thread.join()


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-restored.')
    both = Both(folder)
    try:
        what_is_refused(both)
        behind(both)
        busy(both)
        forgotten(both)
    finally:
        for node in (both.kr, both.us):
            node.stop()
        if not REPORT.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
