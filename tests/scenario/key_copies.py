#!/usr/bin/env python3
"""Registered copies of the key file: us keeps two of them on other disks. What kr calls back is in neither any more; while one is
in a drawer nobody says that it is done; and a disk that comes back forgets it before us answers.

    tests/scenario/key_copies.py

Standard library only. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import shutil
import sys
import tempfile

from node import Report, linked, put_away, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
HEAD, SECRET = 4096, 32
REPORT = Report('key copies')


def indicator(number):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
            'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
            'object_marking_refs': [CLEAR]}


def state(node, thing, holder):
    answer = node.run('recall', 'status', thing['id'])
    return next((line['state'] for line in answer.lines if line.get('holder') == holder), None)


def copies(node):
    """Folder -> state, and how many there are of what."""
    lines = node.must('keys', 'copies').lines
    return ({line['folder']: line['state'] for line in lines if 'folder' in line},
            next(line for line in lines if 'registered' in line))


def secrets(path):
    """Those that are there, of a file that looks like a key file."""
    raw = pathlib.Path(path).read_bytes()
    return {raw[at:at + SECRET] for at in range(HEAD, len(raw), SECRET)} - {bytes(SECRET)}


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.disks = [os.path.join(folder, name) for name in ('safe', 'usb')]
        self.kr, self.us = linked(folder, POLICY)
        self.keys = os.path.join(self.us.dir, 'store', 'keys', 'secrets.key')
        for disk in self.disks:
            os.mkdir(disk, 0o700)
        with open(os.path.join(self.us.dir, 'bongsu.yaml'), 'a', encoding='utf-8') as conf:
            conf.write(f'key-copies: {json.dumps(self.disks)}\n')
        self.us.stop()
        self.us.start()

    def add(self, *things):
        path = os.path.join(self.folder, 'things.jsonl')
        pathlib.Path(path).write_text('\n'.join(map(json.dumps, things)), encoding='utf-8')
        self.kr.must('add', path, '--source', 'desk')
        REPORT.check('it arrives at us', wait_for(lambda: all(self.us.run('get', thing['id']).good for thing in things)))

    def file(self, which):
        return os.path.join(self.disks[which], 'secrets.key')

    def equal(self):
        """As many as there were when it was asked, or a moment later."""
        return wait_for(lambda: all(secrets(self.file(which)) == secrets(self.keys) for which in (0, 1)))

    def take(self, which):
        os.rename(self.disks[which], self.disks[which] + '.drawer')

    def bring(self, which):
        os.rename(self.disks[which] + '.drawer', self.disks[which])

    def recall(self, thing):
        """Called back by kr; the secrets that the key file of us lost."""
        before = secrets(self.keys)
        self.kr.must('recall', thing['id'], '--because', 'a source is in danger', '--yes')
        REPORT.check('us destroys it', wait_for(lambda: not self.us.run('get', thing['id']).good and before - secrets(self.keys)))
        return before - secrets(self.keys)


def both_there(place):
    thing, stays = indicator(1), indicator(2)
    place.add(thing, stays)
    REPORT.check('both disks hold what the key file holds', place.equal(), copies(place.us))
    REPORT.equal('...and are said to', list(copies(place.us)[0].values()), ['current'] * 2)
    REPORT.check('...open to the node alone', all(os.stat(place.file(w)).st_mode & 0o777 == 0o600 for w in (0, 1)))
    gone = place.recall(thing)
    REPORT.check('us answers that it is gone', wait_for(lambda: state(place.kr, thing, 'us') == 'done'))
    for which in (0, 1):
        held = secrets(place.file(which))
        REPORT.check('a disk has lost its secret', gone and not gone & held)
        REPORT.check('...and no other', held == secrets(place.keys) and held)
    REPORT.equal('us says so, too', state(place.us, thing, 'this node'), 'destroyed')


def one_away(place, killed):
    thing = indicator(10 + len(killed))
    place.add(thing)
    place.equal()
    place.take(1)
    gone = place.recall(thing)
    REPORT.check('us cannot confirm it while a disk is away',
                 wait_for(lambda: state(place.us, thing, 'this node') == 'cannot confirm'), copies(place.us))
    REPORT.equal('...which is named', copies(place.us)[0], {place.disks[0]: 'current', place.disks[1]: 'unreachable'})
    REPORT.check('the disk in the drawer opens it', gone <= secrets(place.disks[1] + '.drawer/secrets.key'))
    REPORT.check('the other one does not', not gone & secrets(place.file(0)))
    REPORT.equal('kr waits for the answer', state(place.kr, thing, 'us'), 'pending')
    status = next((line for line in place.us.must('status').lines if 'key_copies_away' in line), {})
    REPORT.equal('status names it', (status.get('key_copies_away'), status.get('unconfirmed')), (1, 1))
    for role in killed:
        was = place.us.roles().get('core')
        REPORT.check(f'kill -9 of {role}', place.us.kill(role))
        if role == 'parent':
            place.us.start()
        wait_for(lambda w=was: place.us.roles().get('core') not in (None, w) and place.us.run('status').good)
        REPORT.equal('it cannot confirm it after that', state(place.us, thing, 'this node'), 'cannot confirm')
    REPORT.equal('kr has heard nothing else', state(place.kr, thing, 'us'), 'pending')
    place.bring(1)
    REPORT.check('the disk comes back, and us answers', wait_for(lambda: state(place.kr, thing, 'us') == 'done'),
                 copies(place.us))
    REPORT.check('it has lost the secret before', not gone & secrets(place.file(1)))
    REPORT.equal('us is sure of it', state(place.us, thing, 'this node'), 'destroyed')
    REPORT.equal('nothing is open', copies(place.us)[1].get('unconfirmed'), 0)


def seen_as(place, what):
    """Also where the role has to begin anew to reach another folder."""
    def true():
        answer = place.us.run('keys', 'copies')
        return any(line.get('folder') == place.disks[1] and line['state'] == what for line in answer.lines)
    return wait_for(true, 60, 0.3)


def another_disk(place):
    """An empty folder where the disk was, and the other's file."""
    place.take(1)
    os.mkdir(place.disks[1])
    REPORT.check('an empty folder is no copy', seen_as(place, 'unreachable'), copies(place.us))
    REPORT.equal('...and nothing is made in it', os.listdir(place.disks[1]), [])
    shutil.copy(place.file(0), place.file(1))
    before = pathlib.Path(place.file(1)).read_bytes()
    REPORT.check('the file of another copy is none', seen_as(place, 'foreign'), copies(place.us))
    place.add(indicator(20))
    seen_as(place, 'foreign')
    REPORT.check('...and is not written', pathlib.Path(place.file(1)).read_bytes() == before)
    shutil.rmtree(place.disks[1])
    place.bring(1)
    REPORT.check('the disk itself is', seen_as(place, 'current'), copies(place.us))
    REPORT.check('...and holds all again', place.equal())


def lost(place):
    thing, later = indicator(30), indicator(31)
    place.add(thing)
    place.equal()
    place.take(1)
    answer = place.us.run('keys', 'copies', 'forget', place.disks[1])
    REPORT.check('without a reason nothing is forgotten', not answer.good and 'needs a reason' in repr(answer))
    answer = place.us.run('keys', 'copies', 'forget', place.disks[0] + 'x', '--because', 'a typo')
    REPORT.check('nor what is not registered', not answer.good and 'no copy is registered' in repr(answer))
    place.us.must('keys', 'copies', 'forget', place.disks[1], '--because', 'the train took it')
    rows = [line for line in place.us.must('keys', 'copies').lines if line.get('state') == 'lost']
    REPORT.check('it is lost, and why', len(rows) == 1 and rows[0]['because'] == 'the train took it', rows)
    place.recall(thing)
    REPORT.check('what it held is never confirmed', wait_for(lambda: state(place.us, thing, 'this node') == 'cannot confirm'))
    place.add(later)
    place.recall(later)
    REPORT.check('what came later is', wait_for(lambda: state(place.kr, later, 'us') == 'done'))
    REPORT.equal('...and the other still not', state(place.kr, thing, 'us'), 'pending')


def replaced(place):
    """The first disk is overwritten by the node, and another begins."""
    disk = place.disks[0]
    answer = place.us.run('keys', 'copies', 'forget', disk, '--erase', '--because', 'a larger one')
    REPORT.check('a disk is given up in good order', answer.good and answer.lines[0].get('held') is False, answer)
    REPORT.check('nothing is left on it', not secrets(place.file(0)))
    place.us.stop()
    place.us.start()
    REPORT.check('bongsu.yaml names it: a new copy is begun there',
                 wait_for(lambda: secrets(place.file(0)) == secrets(place.keys)))


def restored(place):
    """The key file dies; a copy takes its place."""
    place.us.stop()
    os.unlink(place.keys)
    REPORT.check('without its key file us is not whole', not place.us.run('check').good)
    shutil.copy(place.file(0), place.keys)
    REPORT.check('with a copy it is', place.us.run('check').good, place.us.run('check'))
    place.us.start()
    REPORT.check('what stands opens', place.us.run('get', indicator(2)['id']).good)
    for number in (1, 11, 12, 31):
        REPORT.check('what was called back does not', not place.us.run('get', indicator(number)['id']).good)
    REPORT.check('...after the index is made again', place.us.stop() is not None and place.us.run('reindex').good and
                 place.us.run('check').good)


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-key-copies-')
    place = None
    try:
        place = Place(folder)
        both_there(place)
        one_away(place, ('core',))
        one_away(place, ('parent', 'core'))
        another_disk(place)
        lost(place)
        replaced(place)
        restored(place)
    finally:
        put_away(REPORT, (place.kr, place.us) if place else (), folder)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
