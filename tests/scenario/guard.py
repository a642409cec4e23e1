#!/usr/bin/env python3
"""tests/scenario/guard.py [--one-process]: a policy lets RED go to everybody; the guard, whom nobody told so, does not.

kr releases a GREEN and a RED object to us, which follows its ledger, and to jp, which reads by TAXII. Neither gets the page; the
finding is logged, stands in `status` and survives a restart, and others are served. `guard resume` lets go what was found and
nothing else. A guard that is killed is replaced, and what was released before needs no second release.

isac and jp are also pushed to, each at a small TAXII server of this test: nothing arrives that a reader would not get, also when
the guard found it in a page, and what is taken back there later is told through a guard that remembers nothing. au's view is
exported for MISP: the guard reads that as well.
"""
import http.server
import json
import os
import sys
import threading

from node import Folder, Node, Report, wait_for
from pages import OBJECTS, Reader

RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
POLICY = 'language 1\nrelease everything if has tlp to all\n'
ID = 'tool--00000000-0000-4000-8000-{:012d}'


def tool(number, marking, **more):
    return json.dumps({'type': 'tool', 'spec_version': '2.1', 'id': ID.format(number), 'created': '2026-01-01T00:00:00.000Z',
                       'modified': '2026-01-01T00:00:00.000Z', 'name': 'a tool', 'object_marking_refs': [marking], **more})


class Far(http.server.BaseHTTPRequestHandler):
    """Takes what it is given, by collection: /api/collections/NAME/objects/."""
    protocol_version = 'HTTP/1.1'
    given = {}
    calls = []

    def say(self, status, what):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/taxii+json;version=2.1')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.calls.append(self.path)
        self.say(200, {'title': 'far', 'versions': ['application/taxii+json;version=2.1'], 'max_content_length': 1 << 20})

    def do_DELETE(self):
        self.calls.append(self.path)
        self.say(200, {})

    def do_POST(self):
        self.calls.append(self.path)
        objects = json.loads(self.rfile.read(int(self.headers['Content-Length'])))['objects']
        self.given.setdefault(self.path.split('/')[3], []).extend(objects)
        self.say(202, {'id': '2d086da7-4bdc-4f91-900e-d77486753710', 'status': 'complete', 'total_count': len(objects),
                       'success_count': len(objects), 'failure_count': 0, 'pending_count': 0})

    def log_message(self, *args):
        pass


class Story:
    def __init__(self, report, folder, one_process):
        self.report, self.folder = report, folder
        self.kr, self.us = Node(folder, 'kr', 'KR', one_process), Node(folder, 'us', 'US', one_process)
        self.write('policy', POLICY)
        for node in (self.kr, self.us):
            node.start()
            node.must('policy', 'activate', f'{folder}/policy')
        self.kr.must('source', 'add', 'own')
        self.kr.knows(self.us, 'us-cisa')
        self.us.knows(self.kr, 'kr-cert')
        self.readers = {}
        self.far = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Far)
        threading.Thread(target=self.far.serve_forever, daemon=True).start()
        self.kr.must('peer', 'add-taxii', 'isac', '--country', 'US')
        self.kr.must('peer', 'start', 'isac')
        self.push('isac')
        for name in ('jp', 'au'):
            self.kr.must('peer', 'add-taxii', name, '--country', name.upper())
            self.kr.must('peer', 'start', name)
            lines = self.kr.must('taxii', 'add', name, '--audience', name, '--token').lines
            self.readers[name] = Reader(self.kr, next(line['token'] for line in lines if 'token' in line))

    def write(self, name, text):
        with open(f'{self.folder}/{name}', 'w', encoding='ascii') as file:
            file.write(text)

    def add(self, *objects):
        self.write('objects', '\n'.join(objects))
        self.kr.must('add', f'{self.folder}/objects', '--source', 'own')

    def push(self, audience):
        self.kr.must('feed', 'add', f'to-{audience}', '--kind', 'taxii21-push', '--audience', audience, '--private', '--delete',
                     '--url', f'http://127.0.0.1:{self.far.server_address[1]}/api/', '--collection', audience, '--every', '1h')

    def given(self, audience):
        """What stands at the server that this audience is pushed to, after another run."""
        feed = f'to-{audience}'

        def ends():
            line = self.kr.must('feed', 'show', feed).one
            return line.get('runs', 0), line.get('failures', 0)
        before = ends()
        if self.kr.run('feed', 'run', feed).good:
            wait_for(lambda: ends() != before, 20)
        return [one['id'] for one in Far.given.get(audience, [])]

    def trouble(self, audience):
        return self.kr.must('feed', 'show', f'to-{audience}').one.get('trouble', '')

    def held(self, audience):
        """The rule by which pages to this partner are held."""
        lines = self.kr.must('status').lines
        return next((line['rule'] for line in lines if line.get('guard') == audience), None)

    def has(self, number):
        return self.us.run('get', ID.format(number)).good

    def objects(self, name):
        status, _, body = self.readers[name].get(OBJECTS)
        return [one['id'] for one in json.loads(body).get('objects', [])] if status == 200 else status

    def look_at_what_goes(self):
        report = self.report
        self.add(tool(1, GREEN))
        report.check('what is marked GREEN goes to us', wait_for(lambda: self.has(1)))
        report.equal('and to jp', self.objects('jp'), [ID.format(1)])
        report.check('the guard counts what it looked at',
                     wait_for(lambda: self.kr.status().get('guarded_objects', 0) >= 2, 20), self.kr.status())
        report.equal('it is pushed to isac', self.given('isac'), [ID.format(1)])
        report.equal('and held nothing', self.kr.status().get('guard_held'), 0)

    def look_at_what_stays(self):
        report = self.report
        self.add(tool(2, RED), tool(3, GREEN))
        report.check('what is marked RED stops the ledger to us', wait_for(lambda: self.held('us-cisa') == 'ceiling'))
        report.equal('us has neither the RED one', self.has(2), False)
        report.equal('nor what stands on the same page', self.has(3), False)
        report.equal('a reader is told to come again', self.objects('jp'), 503)
        report.equal('its view is held as well', self.held('jp'), 'ceiling')
        calls = len(Far.calls)
        report.equal('none of it is pushed either', self.given('isac'), [ID.format(1)])
        report.equal('nor anything else given', [path for path in Far.calls[calls:] if path.endswith('/objects/')], [])
        report.equal('its audience is held', self.held('isac'), 'ceiling')
        report.check('the feed says why', 'held by the guard: the rule ceiling' in self.trouble('isac'), self.trouble('isac'))
        self.push('jp')
        report.equal('nothing is pushed to whom a page is held from', self.given('jp'), [])
        report.check('and its feed says so', 'held by the guard' in self.trouble('jp'), self.trouble('jp'))
        report.equal('no call of it is made', [path for path in Far.calls if '/jp/' in path], [])
        folder = f'{self.folder}/feed-au'
        written = self.kr.run('misp', 'export', 'au', folder)
        report.check('an export for MISP is refused',
                     not written.good and 'the guard holds what is for au' in written.err, written)
        report.equal('and nothing of the view stands in its folder',
                     [name for name in os.listdir(folder) if name.endswith('.json')] if os.path.isdir(folder) else [], [])
        report.equal('that view is held too', self.held('au'), 'ceiling')
        report.check('the finding is logged', 'held by the rule ceiling' in self.kr.said())
        report.check('and says nothing of what was found', ID.format(2) not in self.kr.said())
        self.kr.stop()
        self.kr.start()
        report.equal('a restart forgets nothing', (self.held('us-cisa'), self.objects('jp')), ('ceiling', 503))

    def look_at_going_on(self):
        report = self.report
        report.equal('going on needs a reason', self.kr.run('guard', 'resume', 'jp').good, False)
        self.kr.must('guard', 'resume', 'jp', '--because', 'RED is theirs')
        report.equal('what was found is let go', self.objects('jp'), [ID.format(n) for n in (1, 2, 3)])
        report.check('it is pushed as well, by itself', wait_for(
            lambda: [one['id'] for one in Far.given.get('jp', [])] == [ID.format(n) for n in (1, 2, 3)], 20), Far.given.get('jp'))
        report.equal('the other stays held', self.held('us-cisa'), 'ceiling')
        self.add(tool(4, RED))
        report.check('the next one is held again', wait_for(lambda: self.objects('jp') == 503, 20))
        self.write('policy', 'language 1\npartner jp { tlp-max red }\npartner us-cisa { tlp-max red }\n'
                   'partner isac { tlp-max red }\n' + POLICY[11:])
        self.kr.must('policy', 'activate', f'{self.folder}/policy')
        for name in ('jp', 'us-cisa', 'isac'):
            self.kr.must('guard', 'resume', name, '--because', 'the policy says so now')
        report.equal('what the policy says outright goes', self.objects('jp'), [ID.format(n) for n in (1, 2, 3, 4)])
        report.check('to us as well', wait_for(lambda: self.has(4)))
        report.check('and to isac\'s server', wait_for(lambda: [one['id'] for one in Far.given['isac']] ==
                                                    [ID.format(n) for n in (1, 2, 3, 4)], 20), Far.given['isac'])
        report.equal('to whom it says nothing it does not', self.objects('au'), 503)

    def look_at_deaths(self):
        report = self.report
        for role in ('guard', 'edge', 'core'):
            if not self.kr.kill(role):
                report.skip(f'{role} killed', 'all roles are one process')
                continue
            report.check(f'{role} killed: the same page again',
                         wait_for(lambda: self.objects('jp') == [ID.format(n) for n in (1, 2, 3, 4)], 30))
            wait_for(lambda: self.kr.run('status').good, 20)
        self.add(tool(5, GREEN, x_seen=[ID.format(1)]))
        report.check('and releases go on', wait_for(lambda: self.has(5)))
        report.check('to readers too', wait_for(lambda: self.objects('jp')[-1:] == [ID.format(5)], 20))

    def look_at_taking_back(self):
        """A word about what was called back passes a guard that never saw the object."""
        report, thing = self.report, ID.format(6)
        self.add(tool(6, GREEN))
        report.check('what goes on is pushed', wait_for(lambda: self.given('isac')[-2:] == [ID.format(5), thing], 20))
        self.kr.kill('guard')
        wait_for(lambda: self.objects('jp') != 503, 30)
        self.kr.must('recall', thing, '--because', 'a source is in danger', '--yes')

        def notes():
            self.given('isac')
            return [one for one in Far.given['isac'] if one['type'] == 'note' and one['object_refs'] == [thing]]
        report.check('a note about what is called back arrives', wait_for(notes, 30, 0.5), self.trouble('isac'))
        report.check('and who says so', any(one['type'] == 'identity' for one in Far.given['isac']))
        report.check('it was to be deleted', any(f'objects/{thing}/' in path for path in Far.calls), Far.calls[-4:])
        report.equal('for that nothing is held', self.held('isac'), None)

    def look_at_narrowing(self):
        """The guard passes a leaf that narrows: us may pass on no further what it has, and takes it back from nz."""
        report, us = self.report, self.us
        us.must('peer', 'add-taxii', 'nz', '--country', 'NZ')
        us.must('peer', 'start', 'nz', '--history')

        def why():
            return ' '.join(line.get('say', '') for line in us.must('policy', 'explain', ID.format(1), 'nz').lines)
        report.check('us passes it on', wait_for(lambda: 'Released (rule' in why(), 20), why())
        self.write('policy', 'language 1\npartner jp { tlp-max red }\npartner us-cisa { tlp-max red }\n'
                   'release theirs if has tlp to jp\nrelease ours if has tlp to us-cisa with reshare partners [fr]\n')
        self.kr.must('policy', 'activate', f'{self.folder}/policy')

        def leaves():
            lines = self.kr.must('ledger', 'show', 'us-cisa').lines
            return [line for line in lines if line.get('op') == 'narrow']
        report.check('what us has is narrowed in its ledger', wait_for(lambda: len(leaves()) == 5, 20), leaves())
        report.check('and says how far it goes', all(line['onward'] == 'partners fr' for line in leaves()), leaves())
        report.check('us takes it back', wait_for(lambda: 'Released' not in why(), 20), why())
        report.check('and says by whose word', 'kr-cert gave it to this node with a limit on passing it on: partners fr' in why(),
                     why())
        report.check('us keeps it', self.has(1) and self.has(5))
        report.equal('nothing is held', self.held('us-cisa'), None)

    def look_at_revoking(self):
        """What this node made itself is revoked there, past a guard that never saw it."""
        report, thing = self.report, ID.format(7)
        self.write('policy', 'language 1\npartner isac { tlp-max red }\n'
                   'release part if tlp <= green and onward to isac with redact "description"\n')
        self.kr.must('policy', 'activate', f'{self.folder}/policy')
        self.add(tool(7, GREEN, description='canarydescription'))

        def made():
            self.given('isac')
            return [one for one in Far.given['isac'] if one['type'] == 'tool' and one['name'] == 'a tool' and
                    one['id'] not in [ID.format(n) for n in range(8)]]
        report.check('what is made for isac is pushed', wait_for(made, 20, 0.5), self.trouble('isac'))
        self.kr.kill('guard')
        wait_for(lambda: self.objects('jp') != 503, 30)
        self.kr.must('recall', thing, '--because', 'a source is in danger', '--yes')

        def revoked():
            self.given('isac')
            return [one for one in Far.given['isac'] if one.get('revoked') and one['id'] in [one['id'] for one in made()]]
        report.check('and revoked when it is called back', wait_for(revoked, 30, 0.5), self.trouble('isac'))
        report.equal('for that nothing is held either', self.held('isac'), None)

    def look_at_texts(self):
        """Who may read any name in a text gets it as it was written: the guard was told so, and counts."""
        report = self.report
        self.write('policy', 'language 1\npartner jp { names-in-texts any }\nrelease part if tlp <= green to jp\n')
        self.kr.must('policy', 'activate', f'{self.folder}/policy')
        named = self.kr.status().get('guard_named', 0)
        self.add(tool(8, RED), tool(9, GREEN, description=f'compare {ID.format(8)}.'))
        report.check('a text goes that names what jp has not', wait_for(lambda: ID.format(9) in str(self.objects('jp')), 20),
                     self.held('jp'))
        report.check('it is counted', wait_for(lambda: self.kr.status().get('guard_named', 0) > named, 20))
        report.equal('and nothing held', self.held('jp'), None)


def main():
    report = Report('guard')
    with Folder() as folder:
        story = Story(report, folder, '--one-process' in sys.argv)
        try:
            story.look_at_what_goes()
            story.look_at_what_stays()
            story.look_at_going_on()
            story.look_at_deaths()
            story.look_at_taking_back()
            story.look_at_narrowing()
            story.look_at_revoking()
            story.look_at_texts()
        finally:
            story.far.shutdown()
            for node in (story.kr, story.us):
                node.stop()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
