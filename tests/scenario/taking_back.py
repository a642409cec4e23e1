#!/usr/bin/env python3
"""tests/scenario/taking_back.py [--one-process]: what a slow reader still gets once something was taken back.

A page of several MB is asked for, the first of it read, and then nothing. Once the command that takes something of it back
has returned, the reader gets no more than its own system had received before, and an error instead of an end: over HTTP/1.1
and HTTP/2, plain and packed, by TAXII and as a partner's node. Asking again gives what is left. A release, and what is taken
from others, break nothing off.
"""
import base64
import json
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import sys

from node import Folder, Node, Report, wait_for

OPEN = 'language 1\nrelease open if tlp <= green and onward and type == indicator to all\n' \
       'release more if tlp <= green and onward and type == tool to jp\n'
SHUT = 'language 1\ndeny late if type == indicator\n' + OPEN.split('\n', 1)[1]
ANY = 'language 1\nrelease any if tlp <= red to all\n'
RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
TAXII = 'application/taxii+json;version=2.1'
OBJECTS = '/api/collections/release/objects/?limit=1000'
FEED = '/bongsu/v1/feed?epoch=0&from={}&max=1000&wait=0'
COUNT, TEXT = 500, 6000  # 3 MB
BEGIN = 64 << 10         # read before the reader rests
RECORD = 17 << 10        # that the TLS of the reader may hold besides

random.seed(4)


def text_of(length):
    """Packs to half at best."""
    return ''.join(random.choices('abcdefghijklmnop', k=length))


def indicator(number):
    return json.dumps({'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
                       'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'pattern_type': 'stix',
                       'indicator_types': ['malicious-activity'], 'pattern': f"[file:name = 'x{number}']",
                       'valid_from': '2026-01-01T00:00:00Z', 'description': text_of(TEXT)})


def tool(number, **more):
    return json.dumps({'type': 'tool', 'spec_version': '2.1', 'id': f'tool--00000000-0000-4000-8000-{number:012d}',
                       'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': 'a tool', **more})


def tls_of(folder, node):
    """The node's TLS key, and a certificate for it, as OpenSSL takes them."""
    with open(f'{node.dir}/keys/tls', encoding='ascii') as file:
        seed = bytes.fromhex(file.read().split()[-1].rstrip('.'))
    key, cert = f'{folder}/{node.name}.key', f'{folder}/{node.name}.pem'
    der = bytes.fromhex('302e020100300506032b657004220420') + seed
    with open(key, 'w', encoding='ascii') as file:
        file.write(f'-----BEGIN PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END PRIVATE KEY-----\n')
    subprocess.run(['openssl', 'req', '-x509', '-new', '-key', key, '-subj', f'/CN={node.name}', '-days', '2',
                    '-out', cert], check=True, capture_output=True)
    return cert, key


class Slow:
    """One answer, read as slowly as it is told to."""

    def __init__(self, port, path, fields, http2=False, tls=None):
        context = ssl._create_unverified_context()
        if tls is not None:
            context.load_cert_chain(*tls)
        context.set_alpn_protocols(['h2'] if http2 else ['http/1.1'])
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 10)
        plain.settimeout(30)
        plain.connect(('127.0.0.1', port))
        self.window = plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.link = context.wrap_socket(plain, suppress_ragged_eofs=False)
        self.status, self.broken, self.ended, self.data = 0, False, False, b''
        self.raw, self.body, self.head, self.length = 0, b'', {}, None
        self.http2 = http2
        self.link.sendall(self.begin2(path, fields) if http2 else self.begin1(path, fields))

    @staticmethod
    def begin1(path, fields):
        lines = ''.join(f'{name}: {value}\r\n' for name, value in fields.items())
        return f'GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n'.encode()

    @staticmethod
    def begin2(path, fields):
        """Windows so large that only the reader is slow; every field a literal that nobody indexes (RFC 7541 section 6.2.2)."""
        def frame(kind, flags, stream, payload):
            return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload

        def field(name, value):
            return b'\0' + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        block = b''.join(field(name.lower(), value) for name, value in
                         {':method': 'GET', ':scheme': 'https', ':authority': 'a', ':path': path, **fields}.items())
        return (b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(4, 0, 0, struct.pack('>HI', 4, 0x7fffffff)) +
                frame(8, 0, 0, struct.pack('>I', 0x7f000000)) + frame(1, 5, 1, block))

    def take1(self):
        if self.length is None:
            top, found, rest = self.data.partition(b'\r\n\r\n')
            if not found:
                return
            lines = top.decode('latin-1').split('\r\n')
            self.status = int(lines[0].split()[1])
            self.length = int(next(line.split()[1] for line in lines if line.lower().startswith('content-length:')))
            self.data = rest
        self.body, self.data = self.body + self.data, b''
        self.ended = len(self.body) >= self.length

    def take2(self):
        while len(self.data) >= 9 and len(self.data) - 9 >= int.from_bytes(self.data[:3], 'big'):
            size, kind, flags = int.from_bytes(self.data[:3], 'big'), self.data[3], self.data[4]
            payload, self.data = self.data[9:9 + size], self.data[9 + size:]
            if kind == 1:  # :status is an index of the static table, or a literal on the name of index 8
                self.status = {0x88: 200}.get(payload[0], 503)
            elif kind == 0:
                self.body += payload
            self.broken = self.broken or kind == 3
            self.ended = self.ended or (kind in (0, 1) and flags & 1 != 0)

    def read(self, least):
        """Until the body has so much, it ends or it breaks."""
        while len(self.body) < least and not self.ended and not self.broken:
            try:
                part = self.link.recv(16 << 10)
            except OSError:  # a reset, or an end that TLS does not vouch for
                self.broken = True
                return self
            self.broken = part == b''
            self.raw += len(part)
            self.data += part
            self.take2() if self.http2 else self.take1()
        return self

    def rest(self):
        """Bytes that still came; closed afterwards."""
        before = self.raw
        self.read(1 << 30)
        self.link.close()
        return self.raw - before


class Story:
    def __init__(self, report, folder, one_process):
        self.report, self.folder = report, folder
        self.kr, jp = Node(folder, 'kr', 'KR', one_process), Node(folder, 'jp', 'JP')
        self.kr.start()
        self.kr.must('source', 'add', 'feed', '--assume', 'tlp:clear', '--because', 'made for this test', '--until', '2100-01-01')
        self.kr.knows(jp, 'jp')
        self.tls = tls_of(folder, jp)
        self.kr.must('peer', 'add-taxii', 'au', '--country', 'AU')
        self.kr.must('peer', 'start', 'au')
        self.activate(OPEN)
        self.tokens = {name: self.token(name) for name in ('jp', 'au')}
        self.add(*[tool(number) for number in range(3)], *[indicator(number) for number in range(COUNT)])

    def write(self, name, text):
        with open(f'{self.folder}/{name}', 'w', encoding='ascii') as file:
            file.write(text)
        return f'{self.folder}/{name}'

    def activate(self, text):
        self.kr.must('policy', 'activate', self.write('policy', text))

    def token(self, name):
        lines = self.kr.must('taxii', 'add', name, '--audience', name, '--token').lines
        return next(line['token'] for line in lines if 'token' in line)

    def add(self, *objects):
        self.kr.must('add', self.write('objects', '\n'.join(objects)), '--source', 'feed')
        self.settle()

    def settle(self):
        self.report.check('what was handed in is decided', wait_for(lambda: self.kr.status()['settled'], 60, 0.05))

    def ask(self, name, how, packed=False):
        if how == 'node':
            # Leaves that were taken back are given without content: those of now stand at the end.
            size = self.kr.status(name)['ledger_visible']
            return Slow(self.kr.port, FEED.format(size - COUNT), {'Accept': '*/*'}, tls=self.tls)
        fields = {'Accept': TAXII, 'Authorization': f'Bearer {self.tokens[name]}'}
        return Slow(self.kr.port, OBJECTS, {**fields, **({'Accept-Encoding': 'gzip'} if packed else {})}, http2=how == 'http2')

    def begin(self, name, how, packed=False):
        slow = self.ask(name, how, packed).read(BEGIN)
        self.report.check(f'{how}: a page is under way', slow.status == 200 and not slow.ended and len(slow.body) >= BEGIN,
                          (slow.status, len(slow.body)))
        return slow

    def is_cut(self, what, slow):
        more = slow.rest()
        self.report.check(f'{what}: no more than what the reader had received comes', more <= slow.window + RECORD,
                          (more, slow.window))
        self.report.check(f'{what}: the reader sees that it is not whole', slow.broken and not slow.ended)

    def is_whole(self, what, slow, count):
        slow.rest()
        self.report.check(f'{what}: it goes on to its end', slow.ended and not slow.broken, len(slow.body))
        self.report.equal(f'{what}: with all of it', len(json.loads(slow.body)['objects']) if slow.ended else 0, count)

    def ids(self, name, how='http/1.1'):
        slow = self.ask(name, how)
        slow.rest()
        return [one['id'] for one in json.loads(slow.body).get('objects', [])] if slow.status == 200 else None

    def opened_again(self):
        self.activate(OPEN)
        self.settle()
        self.report.check('it is released again', wait_for(lambda: len(self.ids('jp') or []) >= COUNT, 30))

    def look_at_policies(self):
        for how in ('http/1.1', 'http2', 'node'):
            slow = [self.begin('jp', how, packed) for packed in ((False, True) if how != 'node' else (False,))]
            self.activate(SHUT)
            for at, one in enumerate(slow):
                self.is_cut(f'a policy that denies, {how}{", packed" if at else ""}', one)
            if how != 'node':
                left = [f'tool--00000000-0000-4000-8000-{number:012d}' for number in range(3)]
                self.report.check(f'{how}: asked again, what is left comes', wait_for(lambda: self.ids('jp', how) == left, 30),
                                  self.ids('jp', how))
            self.opened_again()

    def look_at_releases(self):
        """Slow readers of both views, while things are released to both."""
        slow = [(how, self.begin(name, how)) for name in ('jp', 'au') for how in ('http/1.1', 'http2')]
        self.add(indicator(COUNT))
        self.report.check('the release is there', wait_for(lambda: len(self.ids('au') or []) == COUNT + 1, 30))
        self.kr.must('taxii', 'add', 'more', '--audience', 'au', '--token')
        for at, (how, one) in enumerate(slow):
            self.is_whole(f'a release, {how}', one, COUNT + (3 if at < 2 else 0))

    def look_at_spills(self):
        """What one of them had is suspended: the other, who never had it, notices nothing."""
        jp, au, node = self.begin('jp', 'http2'), self.begin('au', 'http2'), self.begin('jp', 'node')
        self.kr.must('spill', 'tool--00000000-0000-4000-8000-000000000001', '--because', 'must not be here')
        self.is_cut('a spill', jp)
        self.is_cut('a spill, to a node', node)
        self.is_whole('a spill of what another had', au, COUNT + 1)

    def look_at_partners(self):
        jp, au, node = self.begin('jp', 'http/1.1'), self.begin('au', 'http/1.1'), self.begin('jp', 'node')
        self.kr.must('peer', 'pause', 'jp')
        self.is_cut('a pause', jp)
        self.is_cut('a pause, to a node', node)
        self.kr.must('taxii', 'remove', 'au')
        self.is_cut('a reader removed', au)
        self.kr.must('peer', 'start', 'jp')
        slow = self.begin('jp', 'http2')
        self.token('jp')
        self.is_cut('a token replaced', slow)
        self.tokens['jp'] = self.token('jp')
        slow = self.begin('jp', 'http/1.1')
        self.kr.must('peer', 'remove', 'jp')
        self.is_cut('a partner removed', slow)


    def look_at_the_guard(self):
        """It finds fault with a page for somebody: what he is still reading is broken off."""
        self.tokens['au'] = self.token('au')
        self.activate(ANY)
        self.settle()
        self.report.check('everything is released', wait_for(lambda: len(self.ids('au') or []) > COUNT, 30))
        slow, before = self.begin('au', 'http2'), self.resets()
        self.add(tool(9, object_marking_refs=[RED]))
        self.report.check('what the guard must not pass is held', wait_for(lambda: self.ids('au') is None, 30))
        self.report.check('and told of', wait_for(lambda: self.resets() > before, 30))
        self.is_cut('what the guard holds', slow)

    def resets(self):
        return self.kr.said().count('connections were reset')

    def look_at_a_stuck_edge(self):
        """A command is not told that it is done before edge has said so, and does not wait for ever."""
        edge = self.kr.roles().get('edge')
        if edge is None:
            self.report.skip('an edge that is stuck', 'all roles are one process')
            return
        slow, before = self.begin('jp', 'http/1.1'), self.resets()
        os.kill(edge, signal.SIGSTOP)
        try:
            self.activate(SHUT)
        finally:
            os.kill(edge, signal.SIGCONT)
        self.report.check('the log says for what nobody waited', 'edge has not said that answers' in self.kr.said())
        self.report.check('then edge sees to it', wait_for(lambda: self.resets() > before, 30))
        self.is_cut('an edge that was stuck', slow)
        self.opened_again()


def main():
    report = Report('taking_back')
    with Folder() as folder:
        story = Story(report, folder, '--one-process' in sys.argv)
        try:
            story.look_at_policies()
            story.look_at_releases()
            story.look_at_spills()
            story.look_at_a_stuck_edge()
            story.look_at_partners()
            story.look_at_the_guard()
        finally:
            story.kr.stop()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
