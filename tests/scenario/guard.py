#!/usr/bin/env python3
"""tests/scenario/guard.py [--one-process]: a policy lets RED go to everybody; the guard, whom nobody told so, does not.

kr releases a GREEN and a RED object to us, which follows its ledger, and to jp, which reads by TAXII. Neither gets the page; the
finding is logged, stands in `status` and survives a restart, and others are served. `guard resume` lets go what was found and
nothing else. A guard that is killed is replaced, and what was released before needs no second release.
"""
import json
import sys

from node import Folder, Node, Report, wait_for
from pages import OBJECTS, Reader

RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
POLICY = 'language 1\nrelease everything if has tlp to all\n'
ID = 'tool--00000000-0000-4000-8000-{:012d}'


def tool(number, marking, **more):
    return json.dumps({'type': 'tool', 'spec_version': '2.1', 'id': ID.format(number), 'created': '2026-01-01T00:00:00.000Z',
                       'modified': '2026-01-01T00:00:00.000Z', 'name': 'a tool', 'object_marking_refs': [marking], **more})


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
        report.equal('and held nothing', self.kr.status().get('guard_held'), 0)

    def look_at_what_stays(self):
        report = self.report
        self.add(tool(2, RED), tool(3, GREEN))
        report.check('what is marked RED stops the ledger to us', wait_for(lambda: self.held('us-cisa') == 'ceiling'))
        report.equal('us has neither the RED one', self.has(2), False)
        report.equal('nor what stands on the same page', self.has(3), False)
        report.equal('a reader is told to come again', self.objects('jp'), 503)
        report.equal('its view is held as well', self.held('jp'), 'ceiling')
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
        report.equal('the other stays held', self.held('us-cisa'), 'ceiling')
        self.add(tool(4, RED))
        report.check('the next one is held again', wait_for(lambda: self.objects('jp') == 503, 20))
        self.write('policy', 'language 1\npartner jp { tlp-max red }\npartner us-cisa { tlp-max red }\n' + POLICY[11:])
        self.kr.must('policy', 'activate', f'{self.folder}/policy')
        for name in ('jp', 'us-cisa'):
            self.kr.must('guard', 'resume', name, '--because', 'the policy says so now')
        report.equal('what the policy says outright goes', self.objects('jp'), [ID.format(n) for n in (1, 2, 3, 4)])
        report.check('to us as well', wait_for(lambda: self.has(4)))
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


def main():
    report = Report('guard')
    with Folder() as folder:
        story = Story(report, folder, '--one-process' in sys.argv)
        try:
            story.look_at_what_goes()
            story.look_at_what_stays()
            story.look_at_going_on()
            story.look_at_deaths()
            story.look_at_narrowing()
        finally:
            for node in (story.kr, story.us):
                node.stop()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
