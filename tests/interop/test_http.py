"""HTTP/1.1 and HTTP/2 as others speak them (curl, h2, h2load) against a whole node: the same answers by both, packed bodies
both ways, uploads in chunks and with 100-continue, and how what is not understood is refused.

BONGSU_BUILD names the build directory.
"""
import gzip
import email.utils
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import uuid
import zlib

import h2.config
import h2.connection
import h2.events
import pytest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'bench'))
import live  # noqa: E402

TAXII = 'application/taxii+json;version=2.1'
PAGE = '/api/collections/release/objects/?limit=300'  # uploads come behind them
INBOX = '/api/collections/inbox/objects/'
OBJECTS = 300


def indicator(name, more=''):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--{name}', 'created': '2026-01-01T00:00:00.000Z',
            'modified': '2026-01-01T00:00:00.000Z', 'indicator_types': ['unknown'], 'pattern': "[ipv4-addr:value = '192.0.2.1']",
            'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z', 'description': 'beacon ' + more}


def envelope(count=1, more=''):
    return json.dumps({'objects': [indicator(uuid.uuid4(), more) for _ in range(count)]}).encode()


def build():
    for name in filter(None, (os.environ.get('BONGSU_BUILD'), 'build/dev', 'build')):
        if os.access(os.path.join(ROOT, name, 'src/cli/bongsu'), os.X_OK):
            return name
    return pytest.skip('bongsu is not built')


@pytest.fixture(scope='module', name='node')
def one_node(tmp_path_factory):
    kr = live.Node(build(), tmp_path_factory.mktemp('kr'), 'kr', 'KR')
    kr.serve()
    kr.activate()
    kr.do('source', 'add', 'feed', '--assume', 'tlp:clear', '--because', 'made for this test', '--until', '2100-01-01')
    kr.do('peer', 'add-taxii', 'jp', '--country', 'JP')
    kr.do('peer', 'start', 'jp')
    kr.reader = kr.token('jp', '--audience', 'jp')
    kr.feeder = kr.token('feed', '--source', 'feed', '--submit')
    kr.do('add', '-', '--source', 'feed', input='\n'.join(json.dumps(indicator(uuid.UUID(int=(4 << 76) + (2 << 62) + i)))
                                                          for i in range(OBJECTS)))
    live.wait_until(lambda: kr.status()[0]['settled'], 20)
    yield kr
    kr.stop()


def curl(node, path, *words, token=None):
    """Status, fields in lower case, body, version."""
    done = subprocess.run(['curl', '-sk', '-i', '--raw', '-w', '\n%{http_version} %{http_code}', '-H', f'Accept: {TAXII}', '-H',
                           f'Authorization: Bearer {token or node.reader}', *words, f'https://127.0.0.1:{node.port}{path}'],
                          capture_output=True, timeout=60, check=True).stdout
    said, _, last = done.rpartition(b'\n')
    top, _, body = said.partition(b'\r\n\r\n')
    while b' 100 ' in top.split(b'\r\n', 1)[0] + b' ':
        top, _, body = body.partition(b'\r\n\r\n')
    fields = dict(line.split(': ', 1) for line in top.decode('latin-1').lower().split('\r\n')[1:])
    version, status = last.decode().split()
    return int(status), fields, body, version


def unzstd(body):
    return subprocess.run(['zstd', '-dc'], input=body, capture_output=True, check=True).stdout


def plain_page(node):
    status, fields, body, _ = curl(node, PAGE, '--http1.1')
    assert status == 200 and len(json.loads(body)['objects']) == OBJECTS and 'content-encoding' not in fields
    return body


def test_both_versions_say_the_same(node):
    for path in ('/taxii2/', '/api/', '/api/collections/', PAGE, PAGE[:-3] + '7',
                 '/api/collections/none/', '/nothing/'):
        one, two = curl(node, path, '--http1.1'), curl(node, path, '--http2')
        head = curl(node, path, '--http2', '--head')
        for answer in (one, two, head):  # each has one, and they may be a second apart
            email.utils.parsedate_to_datetime(answer[1].pop('date'))
        assert (one[3], two[3]) == ('1.1', '2')
        assert one[:3] == two[:3]
        assert (head[0], head[1], head[2]) == (two[0], two[1], b'')


@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
def test_options_of_the_server_as_a_whole(node, version):
    """RFC 9110 section 9.3.7: the same for everybody, known or not, and nothing of what is there."""
    asked = [curl(node, '', version, '-X', 'OPTIONS', '--request-target', '*', token=token) for token in (None, 'nonsense')]
    for status, fields, body, _ in asked:
        fields.pop('date')
        assert (status, body) == (204, b'') and fields == {'allow': 'get, head, post, delete, options'}
    assert curl(node, '/*', version, '-X', 'OPTIONS')[0] == 404


@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
def test_pages_are_packed_for_who_asks(node, version):
    plain = plain_page(node)
    for wish, coding, unpack in (('gzip', 'gzip', gzip.decompress), ('gzip, zstd', 'zstd', unzstd),
                                 ('deflate, gzip, br', 'gzip', gzip.decompress),
                                 ('gzip;q=0.2, zstd;q=0.1', 'gzip', gzip.decompress),
                                 ('*', 'gzip', gzip.decompress), ('identity;q=0, zstd', 'zstd', unzstd)):
        for _ in range(2):  # made, and kept
            status, fields, body, _ = curl(node, PAGE, version, '-H', f'Accept-Encoding: {wish}')
            assert (status, fields['content-encoding'], fields['vary']) == (200, coding, 'accept-encoding')
            assert len(body) < len(plain) / 2 and int(fields['content-length']) == len(body)
            assert unpack(body) == plain
    for wish in ('', 'identity', 'br', 'gzip;q=0', 'zstd;q=0, gzip;q=0', '*;q=0, identity'):
        status, fields, body, _ = curl(node, PAGE, version, '-H', f'Accept-Encoding: {wish}' if wish else 'Accept-Encoding;')
        assert status == 200 and 'content-encoding' not in fields and body == plain
        assert fields['vary'] == 'accept-encoding'
    assert curl(node, PAGE, version, '-H', 'Accept-Encoding: br, identity;q=0')[0] == 406
    small = curl(node, '/taxii2/', version, '-H', 'Accept-Encoding: gzip')
    assert small[0] == 200 and 'content-encoding' not in small[1]
    forced = curl(node, '/taxii2/', version, '-H', 'Accept-Encoding: gzip, identity;q=0')
    assert gzip.decompress(forced[2]) == small[2]


def test_curl_unpacks_what_it_gets(node):
    plain = plain_page(node)
    said = subprocess.run(['curl', '-sk', '--compressed', '-H', f'Accept: {TAXII}', '-H', f'Authorization: Bearer {node.reader}',
                           f'https://127.0.0.1:{node.port}{PAGE}'], capture_output=True, timeout=60, check=True).stdout
    assert said == plain


def post(node, path, data, *words):
    file = node.base / 'upload'
    file.write_bytes(data)
    return curl(node, path, '-X', 'POST', '-H', f'Content-Type: {TAXII}', '--data-binary', f'@{file}', *words, token=node.feeder)


def zstd(data):
    return subprocess.run(['zstd', '-c'], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
@pytest.mark.parametrize('words', [(), ('-H', 'Expect: 100-continue'), ('-H', 'Transfer-Encoding: chunked'),
                                   ('-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue')], ids=' '.join)
@pytest.mark.parametrize('pack', [bytes, gzip.compress, zstd])
def test_uploads(node, version, words, pack):
    coding = {bytes: (), gzip.compress: ('-H', 'Content-Encoding: gzip'), zstd: ('-H', 'Content-Encoding: zstd')}[pack]
    status, _, body, _ = post(node, INBOX, pack(envelope(50)), version, *words, *coding)
    assert status == 202 and json.loads(body)['success_count'] == 50, body


@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
def test_what_is_packed_badly_is_refused(node, version):
    good = gzip.compress(envelope(20))
    for data, coding, status in ((good, 'br', 415), (good, 'gzip, gzip', 415), (good, 'zstd', 400), (good[:-1], 'gzip', 400),
                                 (good + b'x', 'gzip', 400), (zlib.compress(envelope()), 'gzip', 400), (b'', 'gzip', 400),
                                 (zlib.compress(b'[' * (64 << 20), 9, 31), 'gzip', 413),
                                 (zstd(b'\0' * (64 << 20)), 'zstd', 413)):
        answer = post(node, INBOX, data, version, '-H', f'Content-Encoding: {coding}')
        assert answer[0] == status, (coding, len(data), answer)
        if status == 415:
            assert answer[1]['accept-encoding'] == 'gzip, zstd' and b'pack it once' in answer[2]
    twice = post(node, INBOX, gzip.compress(good), version, '-H', 'Content-Encoding: gzip')
    assert twice[0] == 400 and b'packed by gzip, perhaps twice' in twice[2], twice
    assert post(node, INBOX, envelope(), version)[0] == 202


class Http2:
    """One connection of h2's, over TLS."""

    def __init__(self, node):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(['h2'])
        self.link = context.wrap_socket(socket.create_connection(('127.0.0.1', node.port), 20))
        assert self.link.selected_alpn_protocol() == 'h2'
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.status, self.bodies, self.ended, self.reset = {}, {}, set(), {}

    def ask(self, node, path, method='GET', token=None, ends=True, more=()):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(':method', method), (':path', path), (':scheme', 'https'), (':authority', 'kr'),
                                      ('accept', TAXII), ('authorization', f'Bearer {token or node.reader}'), *more], ends)
        return stream

    def turn(self):
        self.link.sendall(self.h2.data_to_send())
        data = self.link.recv(65536)
        assert data, 'the node closed the connection'
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.status[event.stream_id] = int(dict(event.headers)[b':status'])
            elif isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b'') + event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.reset[event.stream_id] = event.error_code
                self.ended.add(event.stream_id)

    def send_body(self, stream, data):
        while data:
            window = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            if window == 0:
                self.turn()
                continue
            self.h2.send_data(stream, data[:window], window == len(data))
            data = data[window:]
            self.link.sendall(self.h2.data_to_send())


def test_a_hundred_pages_side_by_side(node):
    plain, client = plain_page(node), Http2(node)
    streams = [client.ask(node, PAGE) for _ in range(100)]
    while len(client.ended) < len(streams):
        client.turn()
    assert all(client.status[stream] == 200 and client.bodies[stream] == plain for stream in streams)


def test_an_upload_under_flow_control(node):
    client, body = Http2(node), envelope(20, 'x' * 100000)
    stream = client.ask(node, INBOX, 'POST', node.feeder, False, [('content-type', TAXII)])
    client.send_body(stream, body)
    while stream not in client.ended:
        client.turn()
    assert client.status[stream] == 202 and json.loads(client.bodies[stream])['success_count'] == 20


def test_an_upload_that_is_too_long_leaves_the_connection_alone(node):
    client = Http2(node)
    stream = client.ask(node, INBOX, 'POST', node.feeder, False, [('content-type', TAXII), ('content-length', '99999999')])
    while stream not in client.ended:
        client.turn()
    assert client.status[stream] == 413
    stream = client.ask(node, '/taxii2/')
    while stream not in client.ended:
        client.turn()
    assert client.status[stream] == 200


def say(node, request):
    """What comes back by HTTP/1.1 until the node closes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(('127.0.0.1', node.port), 20)) as link:
        link.sendall(request)
        said = b''
        while part := link.recv(65536):
            said += part
    return said


def test_targets_and_expectations(node):
    """RFC 9112 section 3.2.2 (URLs), RFC 9110 sections 15.5.15 (414) and 10.1.1 (417), RFC 6585 section 5 (431)."""
    fields = f'Accept: {TAXII}\r\nAuthorization: Bearer {node.reader}\r\nConnection: close\r\n'
    for target, more, status in (
            ('/taxii2/', '', 200), (f'https://127.0.0.1:{node.port}/taxii2/', '', 200), ('https://kr.example/taxii2/', '', 200),
            ('HTTPS://kr.example/api/collections/?limit=1', '', 200), ('http://kr.example/taxii2/', '', 200),
            ('https://kr.example', '', 404), ('https://kr.example/api/../taxii2/', '', 400), ('https:///taxii2/', '', 400),
            ('https://a@kr.example/taxii2/', '', 400), ('ftp://kr.example/taxii2/', '', 400), ('/' + 'a' * 9000, '', 414),
            ('/' + 'a' * 20000, '', 414), ('/taxii2/', 'Expect: 100-continue\r\n', 200), ('/taxii2/', 'Expect: magic\r\n', 417),
            ('/taxii2/', 'X-A: ' + 'a' * 20000 + '\r\n', 431), ('/taxii2/', 'X-A: a\r\n' * 70, 431)):
        said = say(node, f'GET {target} HTTP/1.1\r\nHost: other.example\r\n{fields}{more}\r\n'.encode())
        assert said.split(b'\r\n\r\n')[-2].rpartition(b'HTTP/1.1 ')[2][:3] == b'%d' % status, (target[:60], more[:20], said[:300])
    once = say(node, f'GET https://kr.example/taxii2/ HTTP/1.1\r\n{fields}\r\n'.encode())
    assert once.startswith(b'HTTP/1.1 400 '), once  # Host is wanted all the same


def test_a_header_bomb_costs_its_stream_alone(node):
    client = Http2(node)
    for more, status in (([('x-a', 'v' * 900)] * 40, 431), ([('expect', 'magic')], 417), ([], 200)):
        stream = client.ask(node, '/taxii2/', more=more)
        while stream not in client.ended:
            client.turn()
        assert client.status[stream] == status and stream not in client.reset


def refused_streams(link, wanted):
    """The streams that the node refuses (RFC 9113 section 7: REFUSED_STREAM), once there are so many; or those of 20 s."""
    data, refused, end = b'', set(), time.monotonic() + 20
    link.settimeout(1)
    while len(refused) < wanted and time.monotonic() < end:
        try:
            data += link.recv(65536)
        except TimeoutError:
            continue
        while len(data) >= 9 and len(data) >= 9 + (length := int.from_bytes(data[:3], 'big')):
            if data[3] == 3 and data[9:13] == b'\0\0\0\x07':
                refused.add(int.from_bytes(data[5:9], 'big'))
            data = data[9 + length:]
    return refused


def test_streams_that_stay_open_leave_room_for_others(node):
    clients = [Http2(node) for _ in range(180)]
    for _ in range(100):
        clients[0].ask(node, INBOX, 'POST', node.feeder, False, [('content-type', TAXII)])
    opening = clients[0].h2.data_to_send()  # the same for all of them
    for client in clients:
        client.link.sendall(opening)
    assert refused_streams(clients[-1].link, 99) == set(range(3, 201, 2))  # each connection may always have one
    assert curl(node, '/taxii2/', token=node.reader)[0] == 200
    for client in clients:
        client.link.close()


def test_h2load(node):
    if shutil.which('h2load') is None:
        pytest.skip('h2load is not installed')
    said = subprocess.run(['h2load', '-n', '500', '-c', '10', '-m', '20', '-H', f'Accept: {TAXII}', '-H',
                           f'Authorization: Bearer {node.reader}', f'https://127.0.0.1:{node.port}{PAGE}'],
                          capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.search(r'500 succeeded, 0 failed, 0 errored', said), said
    assert 'Application protocol: h2' in said


def test_packing_can_be_switched_off(node):
    """`compress: false` in bongsu.yaml; uploads are another matter."""
    conf, plain = node.dir / 'bongsu.yaml', plain_page(node)
    text = conf.read_text()
    conf.write_text(text + '\ncompress: false\n')
    node.stop()
    node.serve()
    try:
        for wish, status in (('gzip', 200), ('zstd, gzip;q=0.5', 200), ('*', 200), ('gzip, identity;q=0', 406)):
            for version in ('--http1.1', '--http2'):
                answer = curl(node, PAGE, version, '-H', f'Accept-Encoding: {wish}')
                assert answer[0] == status and 'content-encoding' not in answer[1]
                assert status != 200 or answer[2] == plain
        assert post(node, INBOX, gzip.compress(envelope(5)), '-H', 'Content-Encoding: gzip')[0] == 202
    finally:
        conf.write_text(text)
        node.stop()
        node.serve()


def records(node, requests):
    """Lengths of the encrypted TLS records with which each of these requests is answered, on one connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(come, go)
    raw, seen, answers = b'', [], []
    with socket.create_connection(('127.0.0.1', node.port), timeout=20) as link:
        def turn(step):
            nonlocal raw
            while True:
                try:
                    result = step()
                    link.sendall(go.read())
                    return result
                except ssl.SSLWantReadError:
                    link.sendall(go.read())
                    part = link.recv(65536)
                    assert part
                    raw += part
                    come.write(part)
        turn(tls.do_handshake)
        for path in requests:
            raw, answer, wanted = b'', b'', None
            turn(lambda said=f'GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {TAXII}\r\nAuthorization: Bearer {node.reader}\r\n\r\n':
                 tls.write(said.encode()))
            while wanted is None or len(answer) < wanted:
                answer += turn(lambda: tls.read(1 << 20))
                head, found, _ = answer.partition(b'\r\n\r\n')
                if found:
                    wanted = len(head) + 4 + int(re.search(rb'content-length: (\d+)', head.lower()).group(1))
            answers.append(answer)
            lengths = []
            while raw:
                kind, size = raw[0], int.from_bytes(raw[3:5], 'big')
                assert kind == 23 and len(raw) >= 5 + size
                lengths.append(size)
                raw = raw[5 + size:]
            seen.append(lengths)
    return seen, answers


def test_records_can_be_padded(node):
    """`pad-records: 4096`: what an observer sees are classes of sizes; the answers are the same."""
    conf, paths = node.dir / 'bongsu.yaml', ['/taxii2/', '/api/', '/api/collections/', PAGE]
    text = conf.read_text()
    bare, plain = records(node, paths)
    assert len({size for sizes in bare[:3] for size in sizes}) > 1
    conf.write_text(text + '\npad-records: 4096\n')
    node.stop()
    node.serve()
    try:
        padded, answers = records(node, paths)
        tag, full = 16, 16384 + 1 + 16  # a full record has its kind behind its content, and no room for more
        assert all((size - tag) % 4096 == 0 or size == full for sizes in padded for size in sizes), padded
        assert padded[3][-1] != full and padded[3] != bare[3]
        assert padded[0] == padded[1] == padded[2] == [4096 + tag]
        assert [answer.partition(b'\r\n\r\n')[2] for answer in answers] == [answer.partition(b'\r\n\r\n')[2] for answer in plain]
    finally:
        conf.write_text(text)
        node.stop()
        node.serve()
