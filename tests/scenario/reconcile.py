#!/usr/bin/env python3
"""One of two nodes forgets what the other one gave it: comparing the two finds it, and fetches it again.

    tests/scenario/reconcile.py

Standard library only. BONGSU names the program; bongsu-lose, which plants the fault into the index of a node that does not
run, is built beside it (tests/lose). Ends with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from node import Report, linked, program, wait_for

POLICY = 'language 1\ndeny secret if tag "secret"\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
REPORT = Report('reconcile')
COUNT = 5000


def lose_program():
    return pathlib.Path(program()).resolve().parents[2] / 'tests' / 'lose' / 'bongsu-lose'


def identifier(number):
    return f'indicator--00000000-0000-4000-8000-{number:012d}'


def indicator(number):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': identifier(number),
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
            'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
            'object_marking_refs': [CLEAR]}


class Both:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.kr, self.us = linked(folder, POLICY)

    def add(self, first, count):
        path = self.folder / 'things.jsonl'
        path.write_text('\n'.join(json.dumps(indicator(first + n)) for n in range(count)), encoding='utf-8')
        self.kr.must('add', path, '--source', 'desk')

    def in_step(self):
        def true():
            mine, theirs = self.kr.status('us'), self.us.status('kr')
            same = mine.get('ledger_size') == theirs.get('received') == mine.get('receipted')
            return same and theirs.get('link') == 'following'
        return wait_for(true, 60, 0.3)

    def lose(self, numbers):
        self.us.stop()
        for number in numbers:
            done = subprocess.run([lose_program(), os.path.join(self.us.dir, 'store'), identifier(number)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            REPORT.check(f'the index forgets {number}', done.returncode == 0, done.stdout)
        self.us.start()
        REPORT.check('and is in step, as if nothing had been', self.in_step())


def compare(node, name, what):
    answer = node.run('peer', 'reconcile', name)
    REPORT.check(what, answer.good, answer)
    return answer.lines[0] if answer.good else {}


def tells(node, text):
    return any(text in line.get('say', '') for line in node.run('status').lines)


def nothing_differs(both):
    size = both.kr.status('us')['ledger_size']
    figures = compare(both.us, 'kr', 'us compares')
    REPORT.equal('all leaves', figures.get('leaves'), size)
    REPORT.equal('in one round trip', figures.get('round_trips'), 1)
    REPORT.equal('nothing differs', [figures.get(name) for name in ('missing', 'given_no_more', 'fetches')], [0, 0, 0])
    REPORT.check('in a few bytes', figures.get('bytes', 10000) < 200, figures)
    REPORT.check('status has nothing to say of it', not tells(both.us, 'not here any more'))


def found_and_mended(both):
    numbers = (7, 2500, 4999)
    for number in numbers:
        REPORT.check(f'us has {number}', both.us.run('get', identifier(number)).good)
    both.lose(numbers)
    for number in numbers:
        REPORT.check(f'{number} is gone', not both.us.run('get', identifier(number)).good)
    figures = compare(both.us, 'kr', 'us compares')
    REPORT.equal('what is missing is found', figures.get('missing'), len(numbers))
    REPORT.equal('and fetched', figures.get('fetched'), len(numbers))
    REPORT.check('in at most three round trips, and one for them',
                 figures.get('round_trips', 9) <= 3 and figures.get('fetches') == 1, figures)
    REPORT.check('and under 5 kB', figures.get('bytes', 9999) < 5000, figures)
    for number in numbers:
        REPORT.check(f'{number} is here again', both.us.run('get', identifier(number)).good)
        copy = next((line for line in both.us.run('object', 'show', identifier(number)).lines if line.get('newest')), {})
        REPORT.check('with what its origin signed', copy.get('origin') == 'kr' and copy.get('origin_verified') is True, copy)
    REPORT.check('status tells it', tells(both.us, '3 were not here any more'), both.us.run('status').lines)
    row = both.us.status('kr')
    REPORT.equal('and with which partner', (row.get('lost'), row.get('fetched_again')), (3, 3))
    nothing_differs(both)


def taken_back_meanwhile(both):
    """Lost, and denied since: it is not fetched."""
    both.lose((11,))
    both.kr.must('tag', 'add', identifier(11), 'secret')
    REPORT.check('its end is told', both.in_step())
    figures = compare(both.us, 'kr', 'us compares')
    REPORT.equal('it is not fetched', (figures.get('fetched'), figures.get('missing')), (0, 0))
    REPORT.check('and not here', not both.us.run('get', identifier(11)).good)


def the_guard_passes_it(both):
    REPORT.check('the guard held nothing', sum(line.get('guard_held', 0) for line in both.kr.run('status').lines) == 0)
    answer = both.us.run('peer', 'reconcile', 'nobody')
    REPORT.check('a partner that is none', not answer.good, answer)
    both.kr.must('peer', 'pause', 'us')
    REPORT.check('a link that does not stand', wait_for(lambda: both.us.status('kr').get('link') != 'following', 40, 0.3))
    answer = both.us.run('peer', 'reconcile', 'kr')
    REPORT.check('is said to be none', not answer.good and 'not followed' in repr(answer), answer)


def main():
    if not lose_program().exists():
        REPORT.skip('all', 'tests/lose/bongsu-lose is not built')
        return REPORT.finish()
    folder = tempfile.mkdtemp(prefix='bongsu-reconcile.')
    both = Both(folder)
    try:
        both.kr.must('peer', 'vouch', 'us', '--because', 'agreed')
        both.add(0, COUNT)
        REPORT.check('in step', both.in_step())
        nothing_differs(both)
        found_and_mended(both)
        taken_back_meanwhile(both)
        the_guard_passes_it(both)
    finally:
        for node in (both.kr, both.us):
            node.stop()
        if not REPORT.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
