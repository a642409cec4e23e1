#!/usr/bin/env python3
"""What is not to be kept: spilled content is destroyed by two operators, and what was kept long enough is forgotten.

    tests/scenario/keep.py [PROGRAM]

The operators are the users `daemon` and `bin`: run as root, or what needs two is skipped. Standard library only. Ends with
"N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import sys
import time

from test_cli import PROGRAM, Place, check, counted, skip, until

NUMBER = 0
KR = ('--dir', 'kr')


def indicator(word):
    global NUMBER
    NUMBER += 1
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{NUMBER:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': word,
            'pattern': f"[ipv4-addr:value = '198.51.100.{NUMBER % 256}']", 'pattern_type': 'stix',
            'valid_from': '2026-01-01T00:00:00Z'}


def hand_in(place, *things, source='feed'):
    text = '\n'.join(x if isinstance(x, str) else json.dumps(x) for x in things)
    place.run('add', '-', '--source', source, *KR, given=text.encode())


def words(place):
    """Everything that stands readable below the node's store, the index apart."""
    found = b''
    for path in (place.path / 'kr' / 'store').rglob('*'):
        if path.is_file() and 'index' not in path.parts:
            found += path.read_bytes()
    return found


def spilled(place):
    secret, stays = indicator('spilledword'), indicator('stayingword')
    stays['description'] = f"see {secret['id']}"
    between = {**{name: stays[name] for name in ('spec_version', 'created', 'modified')}, 'type': 'relationship',
               'id': 'relationship--00000000-0000-4000-8000-000000000001', 'relationship_type': 'related-to',
               'source_ref': stays['id'], 'target_ref': secret['id']}
    hand_in(place, secret, stays, between)
    hand_in(place, 'not json: ' + json.dumps(secret))
    name = secret['id']
    until('both are found', lambda: len(place.lines('find', '--text', 'spilledword', '--wait', *KR)) >= 1 and
          b'spilledword' in words(place))
    place.expect(1, 'suspend it first', 'spill', 'destroy', name, '--because', 'test', *KR)
    if os.geteuid() != 0:
        return skip('two operators', 'needs root')
    answer = {}
    status, said, err = place.by('daemon', 'spill', name, '--because', 'told by telephone', *KR)
    check('what names it is listed: in a text, by a relationship', status == 0 and stays['id'] in said and between['id'] in said,
          (said, err))
    place.expect(1, 'none of them', 'spill', 'destroy', name, '--because', 'test', *KR)
    place.expect(2, 'needs a reason', 'spill', 'destroy', name, *KR)
    status, said, err = place.by('daemon', 'spill', 'destroy', name, '--because', 'test', *KR)
    check('nobody destroys alone', status == 1 and 'nobody destroys alone' in err, (said, err))

    def destroyed():
        answer['said'] = place.by('bin', 'spill', 'destroy', name, '--because', 'confirmed', *KR)
        return answer['said'][0] == 0 or 'in a moment' not in answer['said'][2]
    until('who has it was told', destroyed)
    status, said, err = answer['said']
    check('another operator destroys it', status == 0 and 'gone: 1 objects' in said and '1 entries of the quarantine' in said,
          (said, err))
    check('no file holds its word any more', b'spilledword' not in words(place))
    place.expect(0, 'destroyed', 'spill', 'list', *KR)
    place.expect(0, name, 'spill', 'list', *KR)  # its identifier is evidence
    for how in (('find', '--text', 'spilledword', '--wait'), ('export',), ('quarantine', 'list')):
        said = place.run(*how, *KR)[1]
        there = 'spilledword' in said or f'"id":"{name}"' in said.replace('": "', '":"')
        check(f'{how[0]} says nothing of it', not there, said)
    place.expect(1, '', 'get', name, *KR)
    check('its neighbour stays', stays['id'] in place.run('find', '--text', 'stayingword', '--wait', *KR)[1])
    hand_in(place, secret)
    place.expect(1, '', 'get', name, *KR)
    place.stop('kr')
    place.expect(0, 'whole', 'check', *KR)
    place.expect(0, 'made again', 'reindex', 'kr')
    place.expect(0, 'whole', 'check', *KR)
    place.expect(1, '', 'get', name, *KR)
    place.start('kr')
    check('nor after all was made again', b'spilledword' not in words(place))


def secrets(place):
    return (place.path / 'kr' / 'store' / 'keys' / 'secrets.key').read_bytes()[4096:]


def forgotten(place):
    """What was dropped goes with the next run; what waits stays as long as it is to wait."""
    kept = lambda: next(x for x in place.lines('retention', *KR) if 'last_run' in x)
    until('the first run notes the time', lambda: 'last_run' in kept() and kept()['last_run'])
    hand_in(place, '{"type":"indicator","name":"droppedword"}', '{"type":"indicator","name":"waitingword"}')
    numbers = [x['number'] for x in place.lines('quarantine', 'list', *KR) if 'number' in x]
    check('both wait', len(numbers) == 2, numbers)
    place.expect(0, '', 'quarantine', 'drop', numbers[0], *KR)
    rows = {x['what']: x for x in place.lines('retention', *KR) if 'what' in x}
    check('retention says what is due', rows['refused input, closed']['due'] == 1 and rows['refused input']['count'] == 1 and
          rows['refused input']['due'] == 0 and rows['refused input']['kept'] == '90 days', rows)
    place.expect(1, 'nothing is to be confirmed', 'retention', 'confirm', '--because', 'test', *KR)
    place.expect(0, 'kept for 90 days', 'status', *KR)
    place.stop('kr')
    before = secrets(place)
    with open(place.path / 'kr' / 'bongsu.yaml', 'a') as conf:
        conf.write('quarantine-days: 7\n')
    place.start('kr')  # its first turn is a run
    until('what was dropped is forgotten', lambda: kept()['forgotten_quarantined'] == 1)
    place.expect(0, 'kept for 7 days.*', 'status', *KR)
    check('what waits is there', [x['number'] for x in place.lines('quarantine', 'list', *KR) if 'number' in x] == numbers[1:],
          place.run('quarantine', 'list', *KR)[1])
    place.stop('kr')
    after = secrets(place)
    gone = [n for n in range(0, len(before), 32) if before[n:n + 32] != after[n:n + 32] and any(before[n:n + 32])]
    check('one secret was overwritten', len(gone) == 1 and not any(after[gone[0]:gone[0] + 32]), gone)
    place.expect(0, 'whole', 'check', *KR)
    place.start('kr')


def holding(place, word):
    """The files below the node's folder that hold it, the index among them."""
    return [str(path) for path in (place.path / 'kr').rglob('*') if path.is_file() and word in path.read_bytes()]


def other_clock():
    """Beside the program under test."""
    return pathlib.Path(PROGRAM).resolve().parents[2] / 'tests' / 'clock' / 'clock.so'


def start_ahead(place, days):
    """The node, by a clock that stands so many days ahead."""
    os.environ |= {'LD_PRELOAD': str(other_clock()), 'BONGSU_CLOCK_DAYS': str(days)}
    place.start('kr')
    for name in ('LD_PRELOAD', 'BONGSU_CLOCK_DAYS'):
        del os.environ[name]


def words_forgotten(place):
    """What people wrote is in no file in clear, and is forgotten after evidence-days; what was said stays."""
    reason = 'zebrareason of the third floor'
    kept = lambda: next(x for x in place.lines('retention', *KR) if 'last_run' in x)
    rows = lambda: {x['what']: x for x in place.lines('retention', *KR) if 'what' in x}
    told = lambda: [x['because'] for x in place.lines('spill', 'list', *KR) if x.get('id') == thing['id']]
    thing = indicator('plainword')
    hand_in(place, thing)
    place.expect(0, '', 'spill', thing['id'], '--because', reason, *KR)
    check('why is told', told() == [reason], told())
    days = rows()['what people wrote, by days']
    check('words have no end where nobody says so', days['count'] >= 1 and days['due'] == 0 and 'ever' in days['kept'], days)
    check('no words of an earlier version', 'what people wrote, earlier versions' not in rows(), rows())
    place.stop('kr')
    check('no file holds the words', not holding(place, b'zebrareason'), holding(place, b'zebrareason'))
    check('a name in clear is found', holding(place, b'feed'))
    if not other_clock().exists():
        return skip('the end of words', 'tests/clock was not built')
    with open(place.path / 'kr' / 'bongsu.yaml', 'a') as conf:
        conf.write('evidence-days: 30\n')
    start_ahead(place, 40)
    check('a clock that jumped forgets nothing', told() == [reason], told())
    place.expect(0, 'THE CLOCK', 'retention', *KR)
    place.expect(0, 'confirmed', 'retention', 'confirm', '--because', 'it was off', *KR)
    until('the words are forgotten', lambda: kept()['forgotten_words'] >= 1)
    check('and that is told', len(told()) == 1 and told()[0].startswith('(the words were forgotten by retention on '), told())
    place.stop('kr')
    place.expect(0, 'whole', 'check', *KR)
    place.expect(0, 'made again', 'reindex', 'kr')
    place.expect(0, 'whole', 'check', *KR)
    start_ahead(place, 40)
    check('an index made again knows no more', told()[0].startswith('(the words were forgotten by retention on '), told())


def let_go_by_time(place):
    """A clock that jumped ends no embargo and no deadline, until somebody confirms it. The node runs 40 days ahead by now."""
    if not other_clock().exists():
        return skip('what time lets go', 'tests/clock was not built')
    end = time.strftime('%Y-%m-%d', time.gmtime(time.time() + 70 * 86400))
    common = {'spec_version': '2.1', 'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z'}
    things = [indicator('embargoed'),
              {**common, 'type': 'tool', 'id': 'tool--00000000-0000-4000-8000-000000000001', 'name': 'asked about'},
              {**common, 'type': 'malware', 'id': 'malware--00000000-0000-4000-8000-000000000001', 'name': 'at once',
               'is_family': False}]
    (place.path / 'timed.policy').write_text(
        f'language 1\nhold embargo if type == indicator until {end}\n'
        'hold ask if type == tool deadline 20d default release\nrelease open if tlp <= green to all\n')
    place.expect(0, '', 'peer', 'add-taxii', 'jp', '--country', 'JP', *KR)
    place.expect(0, 'started', 'peer', 'start', 'jp', *KR)
    place.expect(0, 'in force', 'policy', 'activate', 'timed.policy', *KR)
    released = lambda: ['Released' in place.run('policy', 'explain', thing['id'], 'jp', *KR)[1] for thing in things]
    settled = lambda: place.lines('status', *KR)[0]['settled']
    hand_in(place, *things)
    until('what waits for no time left', lambda: released() == [False, False, True])
    place.stop('kr')
    start_ahead(place, 100)
    until('all is decided by the clock that jumped', settled)
    check('it lets nothing go', released() == [False, False, True], released())
    place.expect(0, 'THE CLOCK.*nothing leaves by time alone', 'status', *KR)
    place.expect(0, 'The clock is not believed', 'policy', 'explain', things[0]['id'], 'jp', *KR)
    check('the log says so, and what to do', 'nothing leaves by time alone' in place.log('kr') and
          'bongsu retention confirm' in place.log('kr'), place.log('kr')[-2000:])
    place.stop('kr')
    start_ahead(place, 100)
    until('all is decided after a restart', settled)
    check('nor does a restart', released() == [False, False, True], released())
    place.expect(0, 'confirmed', 'retention', 'confirm', '--because', 'looked at the clock', *KR)
    until('what was confirmed goes', lambda: released() == [True, True, True])
    check('nothing waits for the clock any more', 'THE CLOCK' not in place.run('status', *KR)[1])


def main():
    place = Place()
    try:
        place.make('kr', 'KR')
        place.declare('kr', 'daemon', 'bin')
        place.expect(0, '', 'source', 'add', 'feed', '--assume', 'tlp:clear', '--until', '2100-01-01', '--because', 'test', *KR)
        place.start('kr')
        forgotten(place)
        spilled(place)
        words_forgotten(place)
        let_go_by_time(place)
    finally:
        place.close()
    print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped')
    sys.exit(counted['failed'] != 0)


if __name__ == '__main__':
    main()
