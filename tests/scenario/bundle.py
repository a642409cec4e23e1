#!/usr/bin/env python3
"""Two nodes and no network between them: everything travels in sealed files, kr -> us, and receipts come back.

    tests/scenario/bundle.py

Standard library only. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from node import Node, Report, free_port, program, put_away, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
OBJECTS = int(os.environ.get('OBJECTS', '20000'))
MEMORY_KIB = 64 << 10  # for a page of 6 MiB, sealed, in base64 and again: whatever the number of entries
REPORT = Report('bundle')


def indicator(number, word='word'):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'{word} {number}',
            'description': f'{word} in the description ' * 12, 'pattern': f"[file:name = '{word}-{number}.exe']",
            'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z', 'object_marking_refs': [CLEAR]}


# A small process between: what a child takes is counted from its parent's size on.
MEASURE = ('import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], check=False, stderr=subprocess.DEVNULL);'
           'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)')


def measured(node, *words):
    """Runs a command; its status, its lines, and the largest memory that its process took, in KiB."""
    done = subprocess.run([sys.executable, '-c', MEASURE, program(), *map(str, words), '--dir', node.dir, '--json'],
                          stdout=subprocess.PIPE, check=False)
    *lines, memory = done.stdout.splitlines()
    lines = [json.loads(line) for line in lines]
    return done.returncode, [line for line in lines if not line.get('done')], int(memory)


class Apart:
    """Both know each other's card; the addresses in them lead nowhere."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.kr, self.us = (Node(folder, name, name.upper()) for name in ('kr', 'us'))
        (self.folder / 'policy').write_text(POLICY, encoding='utf-8')
        for node in self.both():
            conf = pathlib.Path(node.dir) / 'bongsu.yaml'
            text = conf.read_text(encoding='utf-8')
            conf.write_text(text.replace(f':{node.port}', f':{free_port()}'), encoding='utf-8')
            node.start()
        for node, other in ((self.kr, self.us), (self.us, self.kr)):
            node.knows(other, other.name)
            node.must('policy', 'activate', self.folder / 'policy', '--untested', '--because', 'test')
        self.kr.must('source', 'add', 'desk')

    def both(self):
        return self.kr, self.us

    def add(self, *things):
        path = self.folder / 'things.jsonl'
        path.write_text('\n'.join(map(json.dumps, things)), encoding='utf-8')
        return self.kr.must('add', path, '--source', 'desk', seconds=300)

    def path(self, name):
        return str(self.folder / name)

    def volumes(self, name):
        return sorted(str(path) for path in self.folder.glob(name + '.[0-9][0-9][0-9]'))

    def held(self):
        return self.us.status('kr').get('received', 0)


def holder(node, thing, name):
    answer = node.run('recall', 'status', thing['id'])
    return next((line['state'] for line in answer.lines if line.get('holder') == name), None)


def holds(node, number):
    return node.run('get', indicator(number)['id']).good


def bytes_of(node, number):
    return node.copies(indicator(number)['id'])


def reads(apart, *files, good=True):
    answer = apart.us.run('bundle', 'read', *files, seconds=600)
    REPORT.check(f'read {", ".join(os.path.basename(file) for file in files[:4])}{": all well" if good else ": told"}',
                 answer.good == good, answer)
    return answer


def in_volumes(apart):
    """A first transfer of everything: volumes, an interruption, every order, and what is broken."""
    kr, us = apart.both()
    apart.add(*map(indicator, range(OBJECTS)))
    REPORT.check('everything is decided', wait_for(lambda: kr.status('us').get('ledger_size') == OBJECTS, 120))
    before = kr.memory()['core']
    status, _, memory = measured(kr, 'bundle', 'write', 'us', '--out', apart.path('all'), '--volume-size', '2M')
    REPORT.check('it is written', status == 0)
    REPORT.check('...in constant memory', memory < MEMORY_KIB, f'{memory} KiB')
    REPORT.check('...also of the node', kr.memory()['core'] - before < 2 * MEMORY_KIB, f'{before} {kr.memory()}')
    volumes = apart.volumes('all')
    REPORT.check('in volumes', len(volumes) >= 4, volumes)
    REPORT.check('of the size that was asked for', all(os.path.getsize(path) <= 2 << 20 for path in volumes))
    REPORT.check('nothing of it can be read on the way',
                 not any(b'indicator' in pathlib.Path(path).read_bytes() for path in volumes))
    lost = volumes[1]
    whole = pathlib.Path(lost).read_bytes()
    os.rename(lost, apart.path('kept'))
    REPORT.check('what is missing is written again, and nothing else',
                 kr.run('bundle', 'write', 'us', '--out', apart.path('all'), '--volume-size', '2M').good and
                 os.path.exists(lost))
    os.rename(apart.path('kept'), lost)
    broken = apart.path('broken')
    for name, content in (('a changed bit', whole[:len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 4]) +
                           whole[len(whole) // 2 + 1:]), ('a cut', whole[:-1000]), ('too much', whole + b'\0' * 40)):
        pathlib.Path(broken).write_bytes(content)
        answer = reads(apart, volumes[0], broken, good=False)
        REPORT.check(f'{name} is told', any(line.get('outcome') == 'refused' for line in answer.lines), answer)
    held = apart.held()
    answer = reads(apart, volumes[-1], good=False)
    REPORT.check('what is missing is named', f'entries {held}..' in repr(answer) and 'volume' in repr(answer), answer)
    REPORT.equal('...and nothing of it was taken', apart.held(), held)
    status, lines, memory = measured(us, 'bundle', 'read', *reversed(volumes), '--receipt', apart.path('first.receipt'))
    REPORT.check('in any order', status == 0, lines)
    REPORT.check('...in constant memory', memory < MEMORY_KIB, f'{memory} KiB')
    REPORT.equal('everything arrived', apart.held(), OBJECTS)
    answer = reads(apart, *volumes, volumes[0])
    REPORT.equal('again: nothing twice', sum(line.get('taken', 0) for line in answer.lines), 0)
    for number in (0, OBJECTS // 2, OBJECTS - 1):
        REPORT.check(f'object {number} is the same, byte for byte',
                     [line.get('text') for line in bytes_of(kr, number)] == [line.get('text') for line in bytes_of(us, number)])


def receipts(apart):
    """By file, signed; by telephone, told."""
    kr, us = apart.both()
    REPORT.equal('no receipt yet', kr.status('us').get('receipted'), 0)
    spoken = reads(apart, apart.volumes('all')[0]).lines[-1]
    words = [str(spoken['size']), *spoken['words'].split()]
    REPORT.check('another word is not taken', not kr.run('bundle', 'receipt', 'us', *words[:-1], 'babab').good)
    REPORT.check('nor another number', not kr.run('bundle', 'receipt', 'us', str(spoken['size'] - 1), *words[1:]).good)
    REPORT.check('words are taken', kr.run('bundle', 'receipt', 'us', *words).good)
    REPORT.equal('...and are no receipt', kr.status('us').get('receipted'), 0)
    answer = kr.must('bundle', 'write', 'us', '--out', apart.path('none'))
    REPORT.check('...but nothing more is to be written', not os.path.exists(apart.path('none')), answer)
    changed = pathlib.Path(apart.path('first.receipt')).read_text(encoding='ascii')
    at = changed.rindex('receipt ') + 60
    pathlib.Path(apart.path('other.receipt')).write_text(
        changed[:at] + ('A' if changed[at] != 'A' else 'B') + changed[at + 1:], encoding='ascii')
    REPORT.check('a changed receipt is refused', not kr.run('bundle', 'receipt', 'us', apart.path('other.receipt')).good)
    REPORT.check('the file is a receipt', kr.run('bundle', 'receipt', 'us', apart.path('first.receipt')).good)
    REPORT.equal('...for everything', kr.status('us').get('receipted'), OBJECTS)


def one_way(apart):
    """No receipts: each bundle begins before the end of the one before. One of them is lost. A directory is watched."""
    kr, us = apart.both()
    drop = apart.folder / 'drop'
    drop.mkdir()
    size = OBJECTS
    for turn in range(3):
        apart.add(*(indicator(OBJECTS + 10 * turn + i) for i in range(10)))
        size += 10
        REPORT.check(f'ten more ({turn})', wait_for(lambda want=size: kr.status('us').get('ledger_size') == want))
        kr.must('bundle', 'write', 'us', '--out', drop / f'b{turn}', '--overlap', 25)
        if turn == 1:
            os.unlink(drop / 'b1')
    (drop / 'noise').write_bytes(b'this is no bundle')
    us.must('bundle', 'watch', drop, '--once', '--receipts', apart.folder)
    REPORT.equal('a lost bundle is made good by the next', apart.held(), size)
    REPORT.check('what was read is put away', sorted(os.listdir(drop / 'done')) == ['b0', 'b2'], os.listdir(drop / 'done'))
    REPORT.check('what was refused has its reason beside it',
                 sorted(os.listdir(drop / 'refused')) == ['noise', 'noise.reason'], os.listdir(drop / 'refused'))
    REPORT.check('a receipt is there', (apart.folder / f'kr-{size}.receipt').exists())
    kr.must('bundle', 'receipt', 'us', apart.folder / f'kr-{size}.receipt')
    return size


def with_origins(apart, size):
    """What its origin signed of it goes in the file as over the line, where an operator lets it go."""
    kr, us = apart.both()
    for number, told in ((OBJECTS + 90, False), (OBJECTS + 91, True)):
        if told:
            kr.must('peer', 'vouch', 'us', '--because', 'agreed')
        size += 1
        apart.add(indicator(number))
        REPORT.check('it is decided', wait_for(lambda want=size: kr.status('us').get('ledger_size') == want))
        kr.must('bundle', 'write', 'us', '--out', apart.path(f'origin-{number}'))
        reads(apart, apart.path(f'origin-{number}'))
        copy = next((line for line in us.run('object', 'show', indicator(number)['id']).lines if line.get('newest')), {})
        REPORT.check('the origin\'s signature came with it, and holds' if told else 'without a word no signature goes',
                     (copy.get('origin'), copy.get('origin_verified')) == (('kr', True) if told else (None, None)), copy)
    return size


def recalled(apart, size):
    """What was given out by file is called back by file."""
    kr, us = apart.both()
    thing = indicator(7)
    REPORT.check('it is held there', holds(us, 7))
    kr.must('recall', thing['id'], '--yes', '--because', 'a source is in danger')
    REPORT.check('the recall is decided', wait_for(lambda: kr.status('us').get('ledger_size') == size + 1))
    kr.must('bundle', 'write', 'us', '--out', apart.path('recall'))
    reads(apart, apart.path('recall'))
    REPORT.check('it is gone there', wait_for(lambda: not holds(us, 7)))
    REPORT.check('the issuer waits for his word', holder(kr, thing, 'us') == 'pending')
    REPORT.check('it is destroyed there', wait_for(lambda: holder(us, thing, 'this node') == 'destroyed'))
    us.must('bundle', 'read', apart.path('recall'), '--receipt', apart.path('gone.receipt'))
    kr.must('bundle', 'receipt', 'us', apart.path('gone.receipt'))
    REPORT.equal('he has signed that it is gone', holder(kr, thing, 'us'), 'done')
    us.must('bundle', 'read', apart.path('recall'), '--receipt', apart.path('again.receipt'))
    REPORT.check('...and signs it again until he knows that it arrived',
                 kr.run('bundle', 'receipt', 'us', apart.path('again.receipt')).good)
    REPORT.check('its neighbour is not', holds(us, 8))


def guarded(apart):
    """A policy that lets too much go: the guard's reader looks at bundles as well."""
    kr = apart.kr
    size = kr.status('us').get('ledger_size')
    (apart.folder / 'loose').write_text(POLICY.replace('green', 'red'), encoding='utf-8')
    kr.must('policy', 'activate', apart.folder / 'loose', '--untested', '--because', 'test')
    apart.add({**indicator(OBJECTS + 100), 'object_marking_refs': [RED]})
    REPORT.check('the policy lets it go', wait_for(lambda: kr.status('us').get('ledger_size') == size + 1))
    answer = kr.run('bundle', 'write', 'us', '--out', apart.path('loose.bundle'))
    REPORT.check('the guard does not', not answer.good and 'guard' in repr(answer), answer)
    REPORT.check('nothing stands under its name', not os.path.exists(apart.path('loose.bundle')))
    REPORT.check('it is held from then on', not kr.run('bundle', 'write', 'us', '--out', apart.path('more')).good)


def to_nobody_else(apart):
    """Another node, and the issuer himself, can do nothing with it."""
    other = Node(str(apart.folder), 'fr', 'FR')
    try:
        other.start()
        other.knows(apart.kr, 'kr')
        answer = other.run('bundle', 'read', apart.volumes('all')[0])
        REPORT.check('another node is told whom it is for', not answer.good and 'sealed to us' in repr(answer), answer)
        REPORT.check('the issuer reads nothing of it', not apart.kr.run('bundle', 'read', apart.volumes('all')[0]).good)
    finally:
        other.stop()


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-bundle-')
    apart = None
    try:
        apart = Apart(folder)
        in_volumes(apart)
        receipts(apart)
        recalled(apart, with_origins(apart, one_way(apart)))
        to_nobody_else(apart)
        guarded(apart)
        for node in apart.both():
            node.stop()
            REPORT.check(f'the store of {node.name} is whole', node.run('check', seconds=600).good)
    finally:
        put_away(REPORT, apart.both() if apart else (), folder)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
