#!/usr/bin/env python3
"""tests/scenario/feeds_in.py: MISP events, tables and lists through the command line, what of them leaves, and to whom.

The events are made here. One has parts of every distribution; one is not published; one is for a sharing group, which nobody gets
until an operator says who is in it, and then exactly those. Tables have bad rows; a list is added again when it has changed, and
pulled from a server that serves other things in between.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import uuid

from node import Folder, Node, Report, program, wait_for
from servers import Page

GROUP = 'c0ffee00-1111-4222-8333-444455556666'
ORG = {'id': '1', 'name': 'CERT-X', 'uuid': 'aaaaaaaa-0000-4000-8000-000000000001'}
SPACE = uuid.UUID('8a1f6d4e-52c7-4b0f-9d3a-6e7c0b95f2d1')
OURS = uuid.UUID('8a1f6d4e-52c7-4b0f-9d3a-6e7c0b95f2d2')
POLICY = 'language 1\nrelease everything if always to all\n'


def attribute(number, kind, value, distribution='5', **more):
    return {'uuid': f'bbbbbbbb-0000-4000-8000-{number:012x}', 'type': kind, 'category': 'Network activity', 'value': value,
            'to_ids': True, 'timestamp': '1767225600', 'distribution': distribution, 'comment': '', 'deleted': False, **more}


def event(number, distribution, attributes, published=True, **more):
    return {'uuid': f'cccccccc-0000-4000-8000-{number:012x}', 'info': f'event {number}', 'date': '2026-01-01',
            'published': published, 'timestamp': '1767225600', 'publish_timestamp': '1767225601', 'analysis': '2',
            'threat_level_id': '2', 'distribution': distribution, 'Orgc': ORG, 'Attribute': attributes, **more}


def shared(number, attributes):
    return event(number, '4', attributes, sharing_group_id='7', SharingGroup={'uuid': GROUP, 'name': 'three of us'})


class Run:
    def __init__(self, folder, report):
        self.folder, self.report, self.count = folder, report, 0
        self.node = Node(folder, 'kr', 'KR')

    def file(self, text):
        self.count += 1
        path = os.path.join(self.folder, f'in-{self.count}')
        pathlib.Path(path).write_text(text if isinstance(text, str) else json.dumps(text), encoding='utf-8')
        return path

    def add(self, text, source, *more):
        return self.node.run('add', self.file(text), '--source', source, *more)

    def export(self, audience):
        """What the partner's MISP would find: uuid -> event; the directory is used again and again."""
        out = pathlib.Path(self.folder, 'feed-' + audience)
        answer = self.node.run('misp', 'export', audience, out)
        self.report.check(f'misp export {audience}', answer.good, answer)
        events = {path.stem: json.loads(path.read_bytes())['Event'] for path in out.iterdir()
                  if path.suffix == '.json' and path.stem != 'manifest'}
        manifest = json.loads((out / 'manifest.json').read_bytes())
        self.report.equal(f'{audience}: manifest.json names the files', set(manifest), set(events))
        return events

    def lines(self, *words):
        """Objects that an export gives."""
        answer = self.node.run('export', '--all', *words, '--format', 'lines', json_too=False)
        return [json.loads(line) for line in answer.err.splitlines()]


def distributions(run):
    report, narrow = run.report, '198.51.100.66'
    ours = event(1, '3', [attribute(1, 'ip-dst', '198.51.100.1', '3'), attribute(2, 'ip-dst', narrow, '0'),
                          attribute(3, 'ip-dst', '198.51.100.3', '1'), attribute(4, 'domain', 'inherits.example', '5')])
    hidden = event(2, '3', [attribute(21, 'ip-dst', '198.51.100.21')], published=False)
    own = event(3, '0', [attribute(31, 'ip-dst', '198.51.100.31', '3')])
    broken = event(4, '9', [attribute(41, 'ip-dst', '198.51.100.41', '3')])
    answer = run.add({'response': [{'Event': one} for one in (ours, hidden, own, broken)]}, 'misp', '--as', 'misp')
    report.check('events are taken in', answer.good and 'event 2 is not published' in answer.err, answer)
    for audience in ('us', 'jp'):
        out = run.export(audience)
        report.equal(f'{audience}: distribution 0, unpublished and unreadable stay', set(out), {ours['uuid']})
        values = [one['value'] for one in out[ours['uuid']]['Attribute']]
        report.equal(f'{audience}: the narrowest of event and attribute', values, ['198.51.100.1', 'inherits.example'])
    bytes_out = ''.join(path.read_text() for path in pathlib.Path(run.folder, 'feed-us').iterdir())
    report.check('no trace of what stays', narrow not in bytes_out and '198.51.100.21' not in bytes_out)
    marking = 'marking-definition--51f0a7c2-3d6b-5e19-8c4a-7b2e9d0f6a31'
    run.node.must('marking', 'classify', marking, '--as', 'tlp:green', '--because', 'partners are of the community')
    values = [one['value'] for one in run.export('us')[ours['uuid']]['Attribute']]
    report.equal('distribution 1 leaves once it is classified', values, ['198.51.100.1', '198.51.100.3', 'inherits.example'])
    stays = 'marking-definition--4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842'
    refused = run.node.run('marking', 'classify', stays, '--as', 'tlp:clear', '--because', 'by mistake')
    report.check('"stays here" cannot be classified', not refused.good, refused)
    why = run.node.run('policy', 'explain', f'observed-data--{attribute(2, "", "")["uuid"]}', 'us', json_too=False)
    report.check('explain names the rule', 'built-in.unknown' in why.err, why)
    return ours


def changed(run, ours):
    """A newer timestamp: the same event, with one attribute more and one gone."""
    newer = copy.deepcopy(ours)
    newer.update(timestamp='1767312000', info='event 1, newer')
    newer['Attribute'] = [one for one in newer['Attribute'] if one['value'] != '198.51.100.3']
    newer['Attribute'] += [attribute(5, 'url', 'http://new.example/a', '3', timestamp='1767312000')]
    answer = run.add({'Event': newer}, 'misp', '--as', 'misp')
    run.report.check('a changed event is taken in', answer.good and answer.one['new'] > 0, answer)
    out = run.export('us')[ours['uuid']]
    run.report.equal('its new text leaves', out['info'], 'event 1, newer')
    run.report.check('its new attribute leaves', 'http://new.example/a' in [one['value'] for one in out['Attribute']], out)
    again = run.add({'Event': newer}, 'misp', '--as', 'misp')
    run.report.check('the same again is nothing new', again.good and again.one['new'] == 0 and not again.one['conflict'], again)
    bare = {'uuid': str(uuid.uuid4()), 'type': 'text'}
    mixed = event(5, '3', [attribute(51, 'ip-dst', '198.51.100.51'), bare, attribute(51, 'text', 'again'),
                           attribute(52, 'domain', 'evil[.]example')])
    two = run.add({'Event': mixed}, 'misp', '--as', 'misp')
    told = [line for line in two.lines if 'refused' in line and 'pointer' in line]
    run.report.equal('what cannot be read of an event is refused, each with its pointer', [line['pointer'] for line in told],
                     ['/Event/Attribute/1', '/Event/Attribute/2'])
    kept = [run.node.run('quarantine', 'show', str(line['number'])).one for line in told]
    run.report.equal('and kept as it came', json.loads(kept[0]['text']), bare)
    run.report.check('with the true reason', 'no type or no value' in kept[0]['what'] and 'one uuid' in kept[1]['what'], kept)
    run.report.equal('the rest of it leaves', [one['value'] for one in run.export('us')[mixed['uuid']]['Attribute']],
                     ['198.51.100.51', 'evil[.]example'])
    run.report.check('what is defanged is told', '1 value is not what its type says' in two.err, two.err)
    again = run.node.run('quarantine', 'retry', str(told[0]['number']))
    run.report.check('it is no STIX that could be tried again', not again.good and 'of another format' in again.err, again)
    none = run.add({'Event': {'info': 'no uuid'}}, 'misp', '--as', 'misp')
    reasons = [line['what'] for line in none.lines if 'refused' in line and 'what' in line]
    run.report.equal('an event that is none is refused for one reason', reasons,
                     ['event 1: this is no MISP event: it has no uuid'])
    empty = run.add([], 'misp', '--as', 'misp')
    run.report.check('a file without events says so', empty.good and 'it holds no events' in empty.err, empty)


def sharing_groups(run):
    """Nobody, then exactly the partners that the operator names; with a second group, only who is in both."""
    report, node = run.report, run.node
    both = shared(11, [attribute(111, 'ip-dst', '203.0.113.11')])
    mixed = event(12, '3', [attribute(121, 'ip-dst', '203.0.113.12', '3'),
                            attribute(122, 'ip-dst', '203.0.113.13', '4', sharing_group_id='7', SharingGroup={'uuid': GROUP})])
    bare = event(13, '4', [attribute(131, 'ip-dst', '203.0.113.14')], sharing_group_id='7')
    marking = f'marking-definition--{uuid.uuid5(SPACE, uuid.UUID(GROUP).bytes)}' if sys.version_info >= (3, 12) else None
    early = node.run('misp', 'sharing-group', GROUP, '--partners', 'us', '--as', 'tlp:green', '--because', 'agreed')
    report.check('a group that nothing carries cannot be mapped', not early.good, early)
    answer = run.add({'response': [{'Event': one} for one in (both, mixed, bare)]}, 'misp', '--as', 'misp')
    report.check('the events are taken in', answer.good, answer)
    if marking:
        report.check('the marking is UUIDv5 of the group', len(node.copies(marking)) == 1, marking)
    for audience in ('us', 'jp', 'tw'):
        out = run.export(audience)
        gone = {both['uuid'], bare['uuid']} & set(out)
        report.check(f'{audience}: a group that is not mapped goes to nobody', not gone, gone)
        report.equal(f'{audience}: not even in an open event', [one['value'] for one in out[mixed['uuid']]['Attribute']],
                     ['203.0.113.12'])
    for words, what in ((('--partners', 'us,xx', '--because', 'a'), 'there is no partner xx'),
                        (('--because', 'a'), 'which partners'), (('--partners', 'us'), 'needs a reason')):
        answer = node.run('misp', 'sharing-group', GROUP, '--as', 'tlp:green', *words, json_too=False)
        report.check(f'refused: {what}', not answer.good and what in answer.err, answer)
    node.must('misp', 'sharing-group', GROUP, '--partners', 'us,jp', '--as', 'tlp:green', '--because', 'agreed in May')
    for audience, wanted in (('us', True), ('jp', True), ('tw', False)):
        out = run.export(audience)
        report.equal(f'{audience}: gets what is for the group', both['uuid'] in out, wanted)
        report.equal(f'{audience}: also inside an open event', len(out[mixed['uuid']]['Attribute']), 2 if wanted else 1)
        report.check(f'{audience}: a group without uuid is nobody\'s', bare['uuid'] not in out)
    why = node.run('policy', 'explain', f'report--{both["uuid"]}', 'tw', json_too=False)
    report.check('explain says why not tw', 'built-in.onward' in why.err and 'for some partners alone' in why.err, why)
    node.must('peer', 'add-taxii', 'fr', '--country', 'FR')
    node.must('peer', 'start', 'fr', '--history')
    report.check('who is added later is not in it', both['uuid'] not in run.export('fr'))
    node.stop()
    node.start()
    run.add({'Event': shared(14, [attribute(141, 'ip-dst', '203.0.113.15')])}, 'misp', '--as', 'misp')
    for audience, wanted in (('jp', True), ('tw', False)):
        report.equal(f'{audience}: the map outlives a restart', shared(14, [])['uuid'] in run.export(audience), wanted)
    node.must('misp', 'sharing-group', GROUP, '--partners', 'us', '--as', 'tlp:green', '--because', 'jp has left')
    run.add({'Event': shared(15, [attribute(151, 'ip-dst', '203.0.113.16')])}, 'misp', '--as', 'misp')
    for audience, wanted in (('us', True), ('jp', False)):
        report.equal(f'{audience}: the map was changed', shared(15, [])['uuid'] in run.export(audience), wanted)


TABLE = '''# a feed
ip;seen;family;note
198.51.100.77;2026-02-03T04:05:06Z;botnet;"semicolon ; and ""quotes"""
not an address;2026-02-03;botnet;x
hxxp://evil[.]example/p;2026-02-03;botnet;x
198.51.100[.]78;2026-02-04;wiper;
'''


def tables(run):
    report = run.report
    row = 'type=ipv4-addr value=col:ip valid_from=col:seen labels=feed,col:family description=col:note delimiter=;'
    answer = run.add(TABLE, 'table', '--as', 'csv', '--map', row)
    report.check('the good rows of a table go in', answer.one.get('new') == 2, answer)
    report.check('the bad ones are told with their lines', not answer.good and 'line 4: not an address' in answer.err and
                 'line 5: http://evil' in answer.err.replace('hxxp', 'http').replace('[.]', '.'), answer.err)
    report.check('what was defanged is said', 'armed again' in answer.err, answer.err)
    made = {thing['pattern']: thing for thing in run.lines('--source', 'table')}
    wanted = "[ipv4-addr:value = '198.51.100.77']"
    report.equal('two indicators', set(made), {wanted, "[ipv4-addr:value = '198.51.100.78']"})
    thing = made.get(wanted, {})
    report.equal('with what the columns say', (thing.get('valid_from'), thing.get('labels'), thing.get('description')),
                 ('2026-02-03T04:05:06.000Z', ['feed', 'botnet'], 'semicolon ; and "quotes"'))
    wanted = 'indicator--' + str(uuid.uuid5(OURS, 'table\n' + wanted))
    report.equal('the id follows from source and pattern', thing.get('id'), wanted)
    again = run.add(TABLE, 'table', '--as', 'csv', '--map', row)
    report.check('the same table again is nothing new', again.one.get('new') == 0 and again.one.get('duplicate') == 2, again)
    for wrong in ('value=col:nothing', 'type=horse', 'value'):
        report.check(f'refused: --map {wrong}', not run.add(TABLE, 'table', '--as', 'csv', '--map', wrong).good)
    report.check('--as csv needs --map', not run.add(TABLE, 'table', '--as', 'csv').good)
    report.check('--as pear', not run.add(TABLE, 'table', '--as', 'pear').good)


def lists(run):
    report = run.report
    for wrong in ('bogus=1', 'name=col:2', 'header=no'):
        answer = run.add('a.example\n', 'list', '--as', 'list', '--map', wrong)
        report.check(f'refused: a list with --map {wrong}', not answer.good and wrong.split('=')[0] in answer.err,
                     answer)
    answer = run.add('999.999.999.999\n\x1b[31m\n', 'list', '--as', 'list', '--map', 'type=ipv4-addr')
    report.check('no false indicators, told without control characters', not answer.good and answer.one['new'] == 0 and
                 'line 1: 999.999' in answer.err and '\x1b' not in answer.err, answer)
    first, second = '# list\n192.0.2.1\nbad.example\n\n', 'bad.example\n192.0.2.2\n'
    gone, stays, new = "[ipv4-addr:value = '192.0.2.1']", "[domain-name:value = 'bad.example']", "[ipv4-addr:value = '192.0.2.2']"
    run.node.must('source', 'add', 'list', '--assume', 'tlp:clear', '--because', 'a test')
    answer = run.add(first, 'list', '--as', 'list')
    report.check('a list goes in', answer.good and answer.one['new'] == 2, answer)
    report.equal('the partner gets it', ends_released(run, gone, 1), [False])
    steps = ((first, second, 'one new, one gone', gone), (second, first, 'one gone, one back', new),
             (first, first, 'the same', new))
    for before, after, what, ended in steps:
        answer = run.add(after, 'list', '--as', 'list', '--previous', run.file(before))
        taken = answer.one.get('new'), answer.one.get('duplicate'), answer.one.get('conflict')
        report.equal(f'{what}: only what differs goes in', (answer.good, taken), (True, (0 if before == after else 2, 0, 0)))
        newest = {thing['pattern']: thing for thing in sorted(run.lines('--source', 'list'), key=lambda thing: thing['modified'])}
        report.equal(f'{what}: what has ended', [name for name in newest if 'valid_until' in newest[name]], [ended])
        report.check(f'{what}: nothing is revoked, created stays', not any('revoked' in thing for thing in newest.values())
                     and {thing['created'] for thing in newest.values()} == {'2026-01-01T00:00:00.000Z'}, newest)
        ends_released(run, gone, 2 if after == second else 3)
    half_lost(run)
    report.equal('the partner gets the end of the one that went, and its return', ends_released(run, gone, 3),
                 [False, True, False])
    report.equal('the one that stays is released once', ends_released(run, stays, 1), [False])


def half_lost(run):
    """A list that lost more than half is not believed, unless it is told how few it may have."""
    report = run.report
    before = run.file(''.join(f'h{n}.example\n' for n in range(5)))
    page = '<html>\n<body>not found</body>\n'

    def add(text, *more):
        return run.add(text, 'halves', '--as', 'list', '--previous', before, *more)
    for text, more, said in (('h0.example\nh1.example\n', (), 'had 5 values and has 2: less than half'),
                             (page, (), 'had 5 values and has 0'),
                             ('h0.example\nh1.example\nh2.example\n', ('--least', '4'), 'has 3: fewer than --least'),
                             ('h0.example\nh1.example\n', ('--least', '3'), 'fewer than --least')):
        answer = add(text, *more)
        report.check(f'not believed: {said}', not answer.good and said in answer.err and '--least' in answer.err
                     and answer.one['new'] == 0, answer)
    answer = add('h0.example\nh1.example\nh2.example\nh2.example\n')
    report.check('three of five are believed: two end', answer.good and answer.one['new'] == 2, answer)
    answer = add('h0.example\n', '--least', '1')
    report.check('one of five is believed with --least 1: four end', answer.good and 'gone and end now' in answer.err
                 and '4 are gone' in answer.err, answer)
    for words in (('--least', '1'), ('--previous', before, '--least', 'some')):
        answer = run.add('h0.example\n', 'halves', '--as', 'list', *words)
        report.check(f'usage: {words[0]}', answer.status == 2 and '--least N' in answer.err, answer)


def ends_released(run, pattern, count, source='list'):
    """Of each version of a list's indicator in the partner's ledger, once there are so many: has it an end?"""
    ident = f"indicator--{uuid.uuid5(OURS, source + chr(10) + pattern)}"

    def versions():
        run.node.must('misp', 'export', 'us', os.path.join(run.folder, 'feed-us'))  # a view is signed when it is read
        return [leaf['version'] for leaf in run.node.must('ledger', 'show', 'us').lines if leaf.get('id') == ident]
    wait_for(lambda: len(versions()) >= count, 60, 0.2)
    held = {thing['modified']: thing for thing in (json.loads(copy['object']) for copy in run.node.copies(ident))}
    return ['valid_until' in held[version] for version in versions()]


class Pulled:
    """A list on a schedule: `feed` and what it is served."""

    def __init__(self, run, page):
        self.run, self.page, self.node, self.report = run, page, run.node, run.report
        self.node.must('source', 'add', 'pulled', '--assume', 'tlp:clear', '--because', 'a test')

    def declare(self, *more):
        answer = self.node.run('feed', 'add', 'pulled', '--kind', 'list', '--url', self.page.url, '--private', '--every', '1h',
                               '--map', 'type=ipv4-addr labels=blocked', *more)
        self.report.check('a list is declared', answer.good, answer)

    def show(self):
        return self.node.run('feed', 'show', 'pulled').one

    def serve(self, *numbers, text=None):
        """What is known of the feed when it has read this version, however often it tried."""
        self.page.put(''.join(f'198.51.100.{number}\n' for number in numbers) if text is None else text)
        return self.again()

    def again(self):
        self.page.served.clear()
        self.node.run('feed', 'run', 'pulled')  # it may run by itself, after a failure
        wait_for(lambda: self.page.version in self.page.served and self.show().get('state') == 'waiting', 90, 0.2)
        return self.show()

    def released(self, number, wanted):
        """The partner gets these versions; False: one without an end."""
        self.report.equal(f'the partner gets the versions of {number}',
                          ends_released(self.run, f"[ipv4-addr:value = '198.51.100.{number}']", len(wanted), 'pulled'), wanted)

    def wants(self, what, got, new, ended, error=None):
        self.report.equal(f'a list on a schedule: {what}', [got.get(name, 0) for name in ('new', 'withdrawn', 'duplicate',
                                                            'conflict', 'refused')] + [got.get('error')],
                          [new, ended, 0, 0, 0, error])


def pulled(run):
    """A list that changes behind an HTTP server: what differs goes in, what cannot be right is told and ends nothing."""
    report, page = run.report, Page()
    feed = Pulled(run, page)
    try:
        feed.declare()
        feed.wants('all of it', feed.serve(1, 2, 3, 4), 4, 0)
        feed.released(4, [False])
        feed.wants('nothing changed', feed.again(), 4, 0)
        report.equal('a list on a schedule: that costs one 304', page.statuses[-1], 304)
        feed.wants('one new, one gone', feed.serve(1, 2, 3, 5), 6, 1)
        feed.released(4, [False, True])
        wrong = feed.serve(text='<!DOCTYPE html>\n<title>503</title>\n198.51.100.1\n')
        feed.wants('a page instead of a list', wrong, 6, 1, 'invalid')
        report.check('the page is told', 'HTML' in wrong['trouble'] and 'nothing ended' in wrong['what_next'], wrong)
        feed.wants('an empty answer', feed.serve(), 6, 1, 'denied')
        wrong = feed.serve(1)
        feed.wants('a list that lost most of it', wrong, 6, 1, 'denied')
        report.check('how to take it all the same is told', 'had 4 values and has 1' in wrong['trouble'] and
                     '--least' in wrong['what_next'], wrong)
        feed.wants('one is back, one in other order', feed.serve(5, 4, 1, 2, 3), 7, 1)
        feed.released(4, [False, True, False])
        run.node.stop()
        run.node.start()
        feed.wants('the same after a restart', feed.again(), 7, 1)
        report.equal('a list on a schedule: that too costs one 304', page.statuses[-1], 304)
        feed.declare('--least', '1')
        feed.wants('so few, allowed', feed.serve(1), 11, 5)
        for number, wanted in ((4, [False, True, False, True]), (1, [False]), (5, [False, True])):
            feed.released(number, wanted)
    finally:
        page.end()


PEAK = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def memory(run):
    """An export holds one event at a time: three times as many of the same size cost a fraction of their text."""
    def big(first, count):
        def one(number, k):
            return attribute(1000 * number + k, 'domain', f'host{k}.of{number}.example', comment='x' * 30000)
        return [{'Event': event(number, '3', [one(number, k) for k in range(60)])} for number in range(first, first + count)]

    def peak(out):
        # Through a small process: what a child is charged with begins with the memory of who started it.
        done = subprocess.run([sys.executable, '-c', PEAK, program(), 'misp', 'export', 'us', out, '--dir', run.node.dir],
                              capture_output=True, text=True, check=False)
        run.report.equal('a large view is exported', done.returncode, 0)
        return int(done.stdout) << 10

    def text():
        return sum(len(line) for line in run.node.run('export', '--all', '--source', 'big', '--format', 'lines',
                                                      json_too=False).err.splitlines())
    out = os.path.join(run.folder, 'feed-big')
    seen = []
    for first, count in ((100, 4), (104, 8)):
        run.add({'response': big(first, count)}, 'big', '--as', 'misp')
        seen.append((peak(out), text()))
    (before, small), (after, large) = seen
    run.report.check('memory does not follow the view', after - before < (large - small) / 3, (before, small, after, large))
    run.report.say(f'export: {small >> 10} KiB of objects in {before >> 10} KiB, {large >> 10} KiB in {after >> 10} KiB')
    left = sorted(name for name in os.listdir(out) if not name.endswith('.json'))
    run.report.equal('nothing else is left in the directory', left, ['hashes.csv'])


def main():
    report = Report('feeds in')
    with Folder() as folder:
        run = Run(folder, report)
        run.node.start()
        try:
            for audience in ('us', 'jp', 'tw'):
                run.node.must('peer', 'add-taxii', audience, '--country', audience.upper())
                run.node.must('peer', 'start', audience)
            run.node.must('policy', 'activate', run.file(POLICY))
            run.node.must('source', 'add', 'misp', '--rewrites')
            changed(run, distributions(run))
            sharing_groups(run)
            tables(run)
            lists(run)
            pulled(run)
            memory(run)
        finally:
            run.node.stop()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
