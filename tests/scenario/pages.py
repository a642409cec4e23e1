#!/usr/bin/env python3
"""tests/scenario/pages.py [--one-process]: pages of a release view that edge keeps.

A page that was asked for before comes from edge, the same in every byte. After a command was acknowledged that changes what is
shown or who may ask, and after a release, the very next request is core's to answer. What changes in another view makes no
difference. Which of the two answered shows in core's own count of requests.
"""
import http.client
import json
import ssl
import sys
import time

from node import Folder, Node, Report, wait_for

POLICY = 'language 1\nrelease open if tlp <= green and onward to all\n'
TAXII = 'application/taxii+json;version=2.1'
OBJECTS = '/api/collections/release/objects/?limit=1000'


def indicator(number, second=0):
    return json.dumps({'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
                       'created': '2026-01-01T00:00:00.000Z', 'modified': f'2026-01-01T00:00:{second:02d}.000Z',
                       'indicator_types': ['malicious-activity'], 'pattern': f"[ipv4-addr:value = '192.0.2.{number}']",
                       'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z'})


class Reader:
    """One connection, one token."""

    def __init__(self, node, token):
        self.node, self.token, self.link = node, token, None

    def get(self, path=OBJECTS, method='GET', accept=TAXII):
        for attempt in range(50):  # an edge that was killed comes back
            try:
                if self.link is None:
                    self.link = http.client.HTTPSConnection('127.0.0.1', self.node.port, timeout=20,
                                                            context=ssl._create_unverified_context())
                self.link.request(method, path, headers={'Accept': accept, 'Authorization': f'Bearer {self.token}'})
                answer = self.link.getresponse()
                fields = sorted(field for field in answer.getheaders() if field[0] != 'Date')  # every answer has its own
                return answer.status, fields, answer.read()
            except (OSError, http.client.HTTPException):
                self.link = None
                if attempt == 49:
                    raise
                time.sleep(0.1)

    def ids(self):
        status, _, body = self.get()
        return [one['id'] for one in json.loads(body).get('objects', [])] if status == 200 else status


class Kept:
    def __init__(self, report, folder, one_process):
        self.report, self.folder = report, folder
        self.node = Node(folder, 'kr', 'KR', one_process)
        self.node.start()
        self.write('policy', POLICY)
        self.node.must('policy', 'activate', f'{folder}/policy')
        self.node.must('source', 'add', 'feed', '--assume', 'tlp:clear', '--because', 'made for this test', '--until',
                       '2100-01-01')
        for audience in ('jp', 'au'):
            self.node.must('peer', 'add-taxii', audience, '--country', audience.upper())
            self.node.must('peer', 'start', audience)
        self.jp, self.au = Reader(self.node, self.token('jp')), Reader(self.node, self.token('au'))

    def write(self, name, text):
        with open(f'{self.folder}/{name}', 'w', encoding='ascii') as file:
            file.write(text)

    def token(self, name):
        lines = self.node.must('taxii', 'add', name, '--audience', name, '--token').lines
        return next(line['token'] for line in lines if 'token' in line)

    def add(self, *objects):
        """Added, and decided."""
        self.write('objects', '\n'.join(objects))
        self.node.must('add', f'{self.folder}/objects', '--source', 'feed')
        self.report.check('what was added is decided', wait_for(lambda: self.node.status()['settled'], 30, 0.01))

    def asked(self, what):
        """The answer, and whether core was asked for it."""
        before = self.node.status()['requests']
        answer = what()
        return answer, self.node.status()['requests'] - before

    def keep(self):
        """A page that edge has."""
        self.jp.get()
        _, times = self.asked(self.jp.get)
        self.report.equal('a page asked for again comes from edge', times, 0)

    def look_at_pages(self):
        report = self.report
        self.add(*[indicator(number) for number in range(30)])
        report.equal('the first read of a view holds what was released before it', len(self.jp.ids()), 30)
        (first, times) = self.asked(lambda: self.jp.get(OBJECTS + '&match[type]=indicator'))
        report.equal('a page not asked for before is core\'s to make', times, 1)
        (again, times) = self.asked(lambda: self.jp.get(OBJECTS + '&match[type]=indicator'))
        report.equal('asked for again it comes from edge', times, 0)
        report.equal('in the same bytes, with the same fields', again, first)
        report.check('with its dates', any(name == 'X-TAXII-Date-Added-Last' for name, _ in again[1]), again[1])
        report.equal('another identity has its own', self.asked(self.au.get)[1], 1)
        report.equal('a stranger gets none', Reader(self.node, 'x' * 77).get()[0], 401)
        report.equal('nor does who cannot read the answer', self.jp.get(accept='text/html')[0], 406)
        head = self.jp.get(method='HEAD')
        report.equal('HEAD says what GET says', (head[0], head[1], head[2]), (200, self.jp.get()[1], b''))

    def look_at_releases(self):
        report = self.report
        self.keep()
        self.add(indicator(30))
        report.equal('a release is in the very next answer', len(self.jp.ids()), 31)
        self.keep()
        self.add(indicator(3, second=1))
        body = json.loads(self.jp.get()[2])['objects']
        report.equal('a newer version replaces the older one there',
                     [one['modified'][17:19] for one in body if one['id'].endswith('-000000000003')], ['01'])

    def look_at_commands(self):
        report = self.report
        self.keep()
        self.node.must('stop-release', '--partner', 'jp')
        page, times = self.asked(self.jp.get)
        report.equal('after a stop the next request is core\'s', times, 1)
        self.add(indicator(40))
        report.check('the other view has the release', self.au.ids()[-1].endswith('-000000000040'))
        again, times = self.asked(self.jp.get)
        report.equal('what is released to another changes no byte of a page', again, page)
        report.equal('nor who answers', times, 0)
        self.node.must('stop-release', '--partner', 'jp', '--lift')
        report.check('lifted, it is released',
                     wait_for(lambda: self.jp.ids()[-1].endswith('-000000000040'), 30))
        self.keep()
        self.node.must('deny', 'indicator--00000000-0000-4000-8000-000000000001', 'jp')
        report.equal('after a refusal the next request is core\'s', self.asked(self.jp.get)[1], 1)
        self.keep()
        self.node.must('peer', 'pause', 'jp')
        report.equal('after a pause as well', self.asked(self.jp.get)[1], 1)
        self.node.must('peer', 'start', 'jp')

    def look_at_rights(self):
        report = self.report
        self.keep()
        token = self.token('jp')
        report.equal('a token that was replaced is refused at once', self.jp.get()[0], 401)
        self.jp = Reader(self.node, token)
        self.keep()
        self.node.must('taxii', 'remove', 'jp')
        report.equal('the token of a removed identity is refused at once', self.jp.get()[0], 401)
        self.jp = Reader(self.node, self.token('jp'))
        self.keep()
        self.node.must('peer', 'remove', 'jp')
        report.equal('a removed partner has no pages left', self.jp.get()[0], 404)
        self.au.get()
        report.equal('others have theirs', self.asked(self.au.get)[1], 0)

    def look_at_deaths(self):
        report, before = self.report, self.au.get()
        for role in ('edge', 'guard', 'core', 'keeper'):
            if not self.node.kill(role):
                report.skip(f'{role} killed', 'all roles are one process')
                continue
            report.check(f'{role} killed: the same page again', wait_for(lambda: self.au.get() == before, 20))
            wait_for(lambda: self.node.run('status').good, 20)
        self.add(indicator(50))
        report.check('and releases go on', wait_for(lambda: str(self.au.ids()[-1]).endswith('-000000000050'), 20))


def main():
    report = Report('pages')
    with Folder() as folder:
        kept = Kept(report, folder, '--one-process' in sys.argv)
        try:
            kept.look_at_pages()
            kept.look_at_releases()
            kept.look_at_commands()
            kept.look_at_rights()
            kept.look_at_deaths()
        finally:
            kept.node.stop()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
