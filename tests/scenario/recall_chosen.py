"""What a recall can be about: a query, a source, an incident, a rule, a policy, a time; counted and asked about before.

For recall.py, which runs it. Standard library only.
"""
import json
import os
import pathlib
import pty
import subprocess
import time

from node import Node, program, wait_for

CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
FIRST = 'language 1\nrelease open if tlp == clear to all\nrelease inner if tlp == green to all\n'
SECOND = 'language 1\nrelease open if tlp <= green to all\n'


def thing(kind, number, **more):
    return {'type': kind, 'spec_version': '2.1', 'id': f'{kind}--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', **more}


def indicator(number, marking=CLEAR, **more):
    return thing('indicator', number, pattern=f"[file:name = 'chosen-{number}.exe']", pattern_type='stix',
                 valid_from='2026-01-01T00:00:00Z', object_marking_refs=[marking], **more)


class Desk:
    def __init__(self, report, node, folder):
        self.report, self.node, self.folder = report, node, folder

    def add(self, source, *things):
        path = os.path.join(self.folder, 'chosen.jsonl')
        pathlib.Path(path).write_text('\n'.join(map(json.dumps, things)), encoding='utf-8')
        self.node.must('add', path, '--source', source)

    def activate(self, text):
        path = os.path.join(self.folder, 'chosen.policy')
        pathlib.Path(path).write_text(text, encoding='utf-8')
        return self.node.must('policy', 'activate', path, '--untested', '--because', 'test').lines

    def held(self, *things):
        return [self.node.run('get', one['id']).good for one in things]

    def released(self, one, leaves=1):
        """Decided, whoever has looked at it."""
        return wait_for(lambda: self.node.must('recall', one['id'], '--dry-run').lines[0]['leaves'] == leaves)

    def takes(self, what, goes, stays, *words, objects=None, versions=None, leaves=None):
        """A dry run counts and changes nothing; then it goes, and nothing else does."""
        dry = self.node.run('recall', *words, '--dry-run')
        line = dry.lines[0] if dry.lines else {}
        wanted = {'objects': objects or len(goes), 'versions': versions or len(goes), 'partners': 1,
                  'leaves': leaves or len(goes), 'dry_run': True}
        self.report.check(f'{what}: it is counted before', {key: line.get(key) for key in wanted} == wanted, dry)
        self.report.check(f'{what}: and nothing is changed', all(self.held(*goes)), dry)
        unasked = self.node.run('recall', *words, '--because', 'test')
        self.report.check(f'{what}: nobody is asked, so nothing goes', not unasked.good and '--yes' in unasked.err and
                          all(self.held(*goes)), unasked)
        done = self.node.run('recall', *words, '--because', 'test', '--yes')
        self.report.check(f'{what}: it is called back', done.good and not any(self.held(*goes)), done)
        self.report.check(f'{what}: the rest stays', all(self.held(*stays)), self.held(*stays))
        number = next((line['recall'] for line in done.lines if line.get('recall')), 0)
        rows = self.node.run('recall', 'status', number)
        self.report.equal(f'{what}: its number shows it and nothing else',
                          {row['object'] for row in rows.lines if 'object' in row},
                          {one['id'] for one in goes})
        again = self.node.run('recall', *words, '--because', 'test', '--yes')
        self.report.check(f'{what}: once', not again.good, again)


def asks(desk, one):
    """On a terminal it shows what it would reach and waits for a word."""
    for word, goes in (('n\n', False), ('y\n', True)):
        ours, theirs = pty.openpty()
        with subprocess.Popen([program(), 'recall', one['id'], '--because', 'test', '--dir', desk.node.dir], stdin=theirs,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            os.write(ours, word.encode())
            said = process.stdout.read().decode()
            process.wait()
        os.close(ours)
        os.close(theirs)
        desk.report.check(f'asked, and {word.strip()!r} said', 'Call it back? [y/N]' in said and
                          '1 objects in 1 versions' in said and desk.held(one) == [not goes], said)


def run(report, folder):
    node = Node(folder, 'kz', 'KZ')
    try:
        node.start()
        chosen(Desk(report, node, folder))
    finally:
        node.stop()


def chosen(desk):
    report, node = desk.report, desk.node
    node.must('peer', 'add-taxii', 'au', '--country', 'AU')
    node.must('peer', 'start', 'au')
    for source in ('desk', 'feed', 'world'):
        node.must('source', 'add', source)
    desk.activate(FIRST)
    words = [indicator(101, name='redfox one'), indicator(102, description='of redfox and others')]
    newer = {**words[0], 'modified': '2026-01-02T00:00:00.000Z', 'name': 'redfox once more'}
    green = [indicator(111, GREEN), indicator(112, GREEN)]
    theirs = thing('attack-pattern', 121, name='a technique', object_marking_refs=[CLEAR])
    inside = [indicator(131), thing('malware', 132, name='m', is_family=False, object_marking_refs=[CLEAR])]
    report_ = thing('report', 133, name='incident 7', published='2026-01-01T00:00:00Z', object_marking_refs=[CLEAR],
                    object_refs=[one['id'] for one in (*inside, theirs)])
    feeds = [indicator(141), indicator(142)]
    asked, stays = indicator(151), indicator(152)
    desk.add('desk', *words, *green, *inside, asked, stays)
    desk.add('world', theirs)
    desk.add('desk', report_)
    desk.add('feed', *feeds)
    everything = (*words, *green, *inside, asked, stays, theirs, report_, *feeds)
    report.check('all of it is released', all([desk.released(one) for one in everything]))
    desk.add('desk', newer)
    report.check('a newer version follows', desk.released(newer, leaves=2))
    moment = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 1))
    time.sleep(2)  # what comes now is released later than that second
    digest = next(line['digest'] for line in desk.activate(SECOND) if 'digest' in line)
    late = indicator(161, GREEN)
    desk.add('desk', late)
    report.check('what came last, too', desk.released(late))

    report.check('nothing said is nothing called back', 'what is to be called back' in node.run('recall', '--dry-run').err)
    report.check('what is no time is refused', not node.run('recall', '--since', 'yesterday-ish', '--dry-run').good)
    asks(desk, asked)
    desk.takes('a query', words, [stays, *green, *feeds], '--text', 'redfox', versions=3, leaves=3)
    desk.takes('a source', feeds, [stays, theirs], '--source', 'feed')
    desk.takes('an incident', [report_, *inside], [theirs, stays], '--incident', report_['id'])
    desk.takes('a rule, and a policy', [late], [stays, *green], '--rule', 'open', '--policy', digest)
    desk.takes('a rule', green, [stays], '--rule', 'inner', '--to', 'au')
    desk.takes('a time and a type', [theirs], [stays], '--released-until', moment, '--type', 'attack-pattern')
    desk.takes('an identifier', [stays], [], stays['id'], '--released-since', '2026-01-01')
