#!/usr/bin/env python3
"""tests/scenario/pulls.py [--one-process]: a node reads real servers on a schedule and loses nothing, and gives them a view.

The servers: another bongsu by TAXII 2.1; medallion (memory backend) and OpenTAXII (SQLite) from PyPI, started as they are; a live
stream as OpenCTI's; a folder of MISP events and a bundle behind Python's file server. Without the servers of others
(build/venv-servers, by scripts/setup --test) those two are skipped by name.
"""
import base64
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from node import Node, Report, free_port, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT / '..' / 'shared' / 'data'))
VENV = ROOT / 'build' / 'venv-servers' / 'bin' / 'python'
TAXII = 'application/taxii+json;version=2.1'


def indicator(number, space, **more):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--{space:08x}-0000-4000-8000-{number:012x}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'pattern_type': 'stix',
            'pattern': f"[ipv4-addr:value = '192.0.2.{number % 250}']", 'valid_from': '2026-01-01T00:00:00Z', **more}


def show(node, feed):
    return node.run('feed', 'show', feed).one


def settled(node, feed, runs=1, seconds=90):
    """Waits until so many runs are over; what is known of the feed then."""
    wait_for(lambda: show(node, feed).get('runs', 0) >= runs or show(node, feed).get('failures', 0) > 0, seconds, 0.3)
    return show(node, feed)


def declare(report, node, name, kind, url, *more):
    answer = node.run('feed', 'add', name, '--kind', kind, '--url', url, '--private', *more)
    return report.check(f'{name}: declared', answer.good, answer)


def again(node, feed):
    """Once more, now; what is known of it then."""
    runs = show(node, feed).get('runs', 0)
    node.must('feed', 'run', feed)
    return settled(node, feed, runs + 1)


# --- servers ---

class Child:
    """A server of others, ended by its own number."""

    def __init__(self, words, folder, port, env=None):
        self.log = open(os.path.join(folder, f'server-{port}.log'), 'wb')
        self.process = subprocess.Popen(words, cwd=folder, stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})})
        self.up = wait_for(lambda: self.answers(port) or self.process.poll() is not None, 60) and self.process.poll() is None

    @staticmethod
    def answers(port):
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return True
        except OSError:
            return False

    def said(self):
        with open(self.log.name, encoding='utf-8', errors='replace') as file:
            return file.read()[-2000:]

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


MEDALLION = """
import sys
sys.argv = ['medallion', '--port', {port!r}, {conf!r}]
from medallion.scripts.run import main
main()
"""


def medallion(folder, objects):
    """The memory backend over its own kind of data file; objects come in bunches that share a date."""
    port, collection = free_port(), '91a7b528-80eb-42ed-a74d-c6fbd5a26116'
    dates = [f'2026-02-01T00:00:{number // 40:02d}.{number // 40:06d}Z' for number in range(len(objects))]
    manifest = [{'id': obj['id'], 'date_added': date, 'version': obj['modified'],
                 'media_type': 'application/stix+json;version=2.1'} for obj, date in zip(objects, dates)]
    data = {'/discovery': {'title': 'medallion', 'default': f'http://127.0.0.1:{port}/api1/',
                           'api_roots': [f'http://127.0.0.1:{port}/api1/']},
            'api1': {'information': {'title': 'api1', 'versions': [TAXII], 'max_content_length': 104857600}, 'status': [],
                     'collections': [{'id': collection, 'title': 'one', 'can_read': True, 'can_write': True,
                                      'media_types': ['application/stix+json;version=2.1'], 'objects': objects,
                                      'manifest': manifest}]}}
    conf = {'backend': {'module': 'medallion.backends.memory_backend', 'module_class': 'MemoryBackend',
                        'filename': os.path.join(folder, 'medallion.json')},
            'users': {'reader': 'password of the reader'}, 'taxii': {'max_page_size': 50}}
    for name, value in (('medallion.json', data), ('medallion.conf', conf)):
        with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
            json.dump(value, file)
    program = MEDALLION.format(port=str(port), conf=os.path.join(folder, 'medallion.conf'))
    return Child([str(VENV), '-c', program], folder, port), f'http://127.0.0.1:{port}/api1/', collection


OPENTAXII = """
import json, sys
from opentaxii.cli import app
with app.app_context():
    api = app.taxii_server.servers.taxii2.persistence.api
    root = api.add_api_root(title='api1', description=None, default=True)
    collection = api.add_collection(api_root_id=str(root.id), title='one', description=None, alias=None, is_public=True,
                                    is_public_write=True)
    print(json.dumps([str(root.id), str(collection.id)]), file=open('opentaxii.ids', 'w'))
app.run(port={port})
"""


def opentaxii(folder, objects):
    port = free_port()
    conf = f"""---
domain: "127.0.0.1:{port}"
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters:
    db_connection: sqlite:///{folder}/opentaxii-auth.db
    create_tables: yes
    secret: not a secret
taxii1:
taxii2:
  contact: nobody
  description: a test
  title: opentaxii
  max_content_length: 104857600
  public_discovery: true
  allow_custom_properties: true
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters:
      db_connection: sqlite:///{folder}/opentaxii.db
      create_tables: yes
logging:
  opentaxii: info
  root: info
"""
    path = os.path.join(folder, 'opentaxii.yml')
    with open(path, 'w', encoding='ascii') as file:
        file.write(conf)
    child = Child([str(VENV), '-c', OPENTAXII.format(port=port)], folder, port, {'OPENTAXII_CONFIG': path})
    if not child.up:
        return child, '', ''
    with open(os.path.join(folder, 'opentaxii.ids'), encoding='ascii') as file:
        root, collection = json.load(file)
    base = f'http://127.0.0.1:{port}/taxii2/{root}/'
    for at in range(0, len(objects), 50):
        request = urllib.request.Request(f'{base}collections/{collection}/objects/', method='POST',
                                         data=json.dumps({'objects': objects[at:at + 50]}).encode(),
                                         headers={'Content-Type': TAXII, 'Accept': TAXII})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
        except urllib.error.HTTPError as error:  # 0.9.3 keeps the objects, then cannot write its own status: a UUID is no JSON
            if error.code != 500:
                raise
    return child, base, collection


class Stream:
    """OpenCTI's /stream/ID: `connected`, `heartbeat`, and events with ids; goes on behind the id that it is given."""

    def __init__(self):
        self.events, self.asked, self.held = [], [], []
        stream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                stream.serve(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_port}/stream/0f1c'
        self.cut = threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, kind, data, context=None):
        at = len(self.events)
        body = {'version': '4', 'type': kind, 'scope': 'external', 'message': f'{kind}s an object',
                'origin': {'referer': 'background_task'}, 'data': data}
        if context is not None:
            body['context'] = context
        self.events.append((f'16202495{at:05d}-0', kind, json.dumps(body)))

    def serve(self, request):
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        if request.headers.get('Authorization') != 'Bearer a token':
            request.send_error(401)
            return
        request.send_response(200)
        request.send_header('Content-Type', 'text/event-stream; charset=utf-8')
        request.send_header('Connection', 'close')
        request.end_headers()
        request.wfile.write(b'id: 0-0\nevent: connected\ndata: {"connectionId": "x"}\n\n')
        last, at = request.headers.get('from') or '0-0', 0
        self.cut.clear()
        try:
            while not self.cut.is_set():
                for ident, kind, data in self.events[at:]:
                    at += 1
                    if ident > last or last == '0-0':
                        request.wfile.write(f'id: {ident}\nevent: {kind}\ndata: {data}\n\n'.encode())
                request.wfile.write(b'event: heartbeat\ndata: 1\n\n')
                request.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass
        request.close_connection = True

    def end(self):
        self.cut.set()
        self.server.shutdown()
        self.server.server_close()


def file_server(folder):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **more):
            super().__init__(*args, directory=folder, **more)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f'http://127.0.0.1:{server.server_port}/'


# --- what is looked at ---

def look_taxii(report, node, name, child, base, collection, counts, *credentials):
    if not report.check(f'{name}: the server runs', child.up, child.said()):
        return
    declare(report, node, name, 'taxii21', base, '--collection', collection, *credentials)
    got = settled(node, name)
    report.equal(f'{name}: all arrive, and once', (got.get('new'), got.get('refused'), got.get('error')), (*counts, None))
    got = again(node, name)
    report.equal(f'{name}: nothing is new the next time', (got.get('new'), got.get('error')), (counts[0], None))


def held_there(base, collection, user=None):
    """The ids that a server of others holds, as any reader gets them."""
    found, after = [], ''
    while True:
        request = urllib.request.Request(f'{base}collections/{collection}/manifest/?limit=1000{after}', headers={'Accept': TAXII})
        if user:
            request.add_header('Authorization', 'Basic ' + base64.b64encode(user.encode()).decode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        found += [row['id'] for row in page.get('objects', [])]
        if not page.get('more') or not page.get('next'):
            return found
        after = '&next=' + urllib.parse.quote(str(page['next']))


def prepare_view(node, folder):
    """An audience `out` of the node, and what it is shown; one object is not for it."""
    objects = [indicator(number, 7) for number in range(130)]
    objects[77]['object_marking_refs'] = ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1']
    node.must('source', 'add', 'out-desk', '--assume', 'tlp:clear', '--because', 'a test')
    node.must('peer', 'add-taxii', 'out', '--country', 'KR')
    node.must('policy', 'activate', str(ROOT / 'share' / 'default.policy'))
    node.must('peer', 'start', 'out')
    add_objects(node, folder, 'out-desk', objects)
    return {obj['id'] for obj in objects} - {objects[77]['id']}


def add_objects(node, folder, source, objects):
    path = os.path.join(folder, f'{uuid.uuid4()}.json')
    with open(path, 'w', encoding='ascii') as file:
        json.dump({'objects': objects}, file)
    node.must('add', path, '--source', source)


def pushed(node, name, count, seconds=60):
    wait_for(lambda: show(node, name).get('pushed') == count or show(node, name).get('failures', 0) > 1, seconds, 0.3)
    got = show(node, name)
    return got.get('pushed'), got.get('failed'), got.get('unconfirmed')


def look_push(report, node, name, base, collection, wanted, *credentials, user=None):
    """Exactly the view arrives there, once; also what is released later, after a restart."""
    before = held_there(base, collection, user)
    answer = node.run('feed', 'add', f'to-{name}', '--kind', 'taxii21-push', '--url', base, '--collection', collection,
                      '--audience', 'out', '--private', '--every', '5s', *credentials)
    report.check(f'push to {name}: declared', answer.good, answer)
    report.equal(f'push to {name}: all is counted', pushed(node, f'to-{name}', len(wanted)), (len(wanted), 0, 0))
    there = held_there(base, collection, user)
    report.equal(f'push to {name}: exactly the view is there, and once', sorted(there), sorted([*before, *wanted]))


def look_push_again(report, node, folder, wanted, servers):
    node.stop()
    node.start()
    later = indicator(500, 7)
    calls = {name: show(node, f'to-{name}').get('calls') for name in servers}
    add_objects(node, folder, 'out-desk', [later])
    for name, (base, collection, user) in servers.items():
        report.equal(f'push to {name}: after a restart only what is new', pushed(node, f'to-{name}', len(wanted) + 1),
                     (len(wanted) + 1, 0, 0))
        there = held_there(base, collection, user)
        report.check(f'push to {name}: it is there, once, and cost few calls', there.count(later['id']) == 1
                     and show(node, f'to-{name}').get('calls') - calls[name] <= 3, show(node, f'to-{name}'))


def openssl(given, *words):
    return subprocess.run(['openssl', *words], input=given, capture_output=True, check=False).stdout


def look_bongsu(report, node, folder, one_process):
    far = Node(folder, 'far', 'KR', one_process)
    far.start()
    objects = [indicator(number, 1) for number in range(700)]
    path = os.path.join(folder, 'far.json')
    with open(path, 'w', encoding='ascii') as file:
        json.dump({'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': objects}, file)
    far.must('source', 'add', 'desk', '--assume', 'tlp:clear', '--because', 'a test')
    far.must('peer', 'add-taxii', 'us', '--country', 'US')
    far.must('policy', 'activate', str(ROOT / 'share' / 'default.policy'))
    far.must('peer', 'start', 'us')
    far.must('add', path, '--source', 'desk')
    secret = os.path.join(folder, 'us.token')
    token = next(line['token'] for line in far.must('taxii', 'add', 'us', '--audience', 'us', '--read', '--token').lines
                 if 'token' in line and isinstance(line['token'], str))
    with open(secret, 'w', encoding='ascii') as file:
        file.write(token + '\n')
    pem = openssl(b'', 's_client', '-connect', f'127.0.0.1:{far.port}', '-showcerts')
    der = openssl(openssl(pem, 'x509', '-pubkey', '-noout'), 'pkey', '-pubin', '-outform', 'DER')
    pin = openssl(der, 'dgst', '-sha256', '-r').split()[0].decode()
    wait_for(lambda: far.status('us').get('released') == 700, 60)
    url = f'https://127.0.0.1:{far.port}/api/collections/release/'
    declare(report, node, 'bongsu', 'taxii21', url, '--token-file', secret, '--pin', pin, '--limit', '90')
    got = settled(node, 'bongsu')
    report.equal('bongsu: all arrive, and once', (got.get('new'), got.get('refused'), got.get('error')), (700, 0, None))
    copies = node.copies(objects[5]['id'])
    report.check('bongsu: byte for byte', copies and json.dumps(objects[5]) in json.dumps(copies[-1]).replace('\\"', '"'), copies)
    declare(report, node, 'stranger', 'taxii21', url, '--token-file', secret, '--pin', '0' * 64)
    got = settled(node, 'stranger')
    report.equal('another key than the one that is pinned: nothing is asked', (got.get('new'), got.get('error')), (0, 'denied'))
    kept = os.path.join(node.dir, 'keys', 'feed-bongsu.json')
    report.equal('the token stands in the keys, mode 0600', oct(os.stat(kept).st_mode & 0o777), '0o600')
    found = [str(path) for path in pathlib.Path(node.dir).rglob('*')
             if path.is_file() and path.name != 'feed-bongsu.json' and path.name != 'feed-stranger.json'
             and token.encode() in path.read_bytes()]
    report.equal('the token stands nowhere else', (found, token in node.said()), ([], False))
    wanted = look_inbox(report, node, folder, far, secret, pin)
    far.stop()
    return wanted


def look_inbox(report, node, folder, far, secret, pin):
    """The view goes into another bongsu's inbox: write-only, so that nothing can be asked there."""
    wanted = prepare_view(node, folder)
    far.must('taxii', 'add', 'us', '--audience', 'us', '--read', '--submit')
    names = json.loads(urllib_get(far.port, '/api/collections/', secret))['collections']
    inbox = next(row['id'] for row in names if row['can_write'] and not row['can_read'])
    answer = node.run('feed', 'add', 'to-bongsu', '--kind', 'taxii21-push', '--url', f'https://127.0.0.1:{far.port}/api/',
                      '--collection', inbox, '--audience', 'out', '--private', '--every', '5s', '--token-file', secret,
                      '--pin', pin)
    report.check('push to bongsu: declared', answer.good, answer)
    report.equal('push to bongsu: all is counted', pushed(node, 'to-bongsu', len(wanted)), (len(wanted), 0, 0))
    held = {line['id'] for line in far.run('find', '--limit', '2000', '--wait').lines if 'id' in line}
    held = {ident for ident in held if ident.startswith('indicator--00000007')}
    report.equal('push to bongsu: exactly the view is there', held, wanted)
    node.must('feed', 'remove', 'to-bongsu')
    return wanted


def urllib_get(port, path, secret):
    with open(secret, encoding='ascii') as file:
        token = file.read().strip()
    request = urllib.request.Request(f'https://127.0.0.1:{port}{path}',
                                     headers={'Accept': TAXII, 'Authorization': f'Bearer {token}'})
    with urllib.request.urlopen(request, timeout=30, context=ssl._create_unverified_context()) as answer:
        return answer.read()


def look_echo(report, node, folder, server_folder, base):
    """What this node released comes back: as it is, with another date, and with another label."""
    ours = [indicator(number, 2, labels=['ours']) for number in range(3)]
    path = os.path.join(folder, 'ours.json')
    with open(path, 'w', encoding='ascii') as file:
        json.dump({'objects': ours}, file)
    node.must('source', 'add', 'desk')
    node.must('add', path, '--source', 'desk')
    back = [ours[0], dict(ours[1], modified='2026-06-01T00:00:00.000Z', created_by_ref=f'identity--{uuid.uuid4()}'),
            dict(ours[2], modified='2026-06-01T00:00:00.000Z', labels=['theirs'])]
    with open(os.path.join(server_folder, 'back.json'), 'w', encoding='ascii') as file:
        json.dump({'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': back}, file)
    declare(report, node, 'back', 'stix', base + 'back.json')
    got = settled(node, 'back')
    report.equal('echo: unchanged and rewritten are counted, other content is taken in',
                 (got.get('echo'), got.get('duplicate'), got.get('new', 0) + got.get('asserted', 0)), (2, 1, 1))
    report.equal('echo: the rewritten one is not held', len(node.copies(ours[1]['id'])), 1)


def look_misp(report, node, server_folder, base):
    events = sorted((DATA / 'misp' / 'events').glob('*.json'))[:4]
    if not events:
        report.skip('misp', 'the events are not here')
        return
    folder = os.path.join(server_folder, 'misp')
    os.mkdir(folder)
    manifest = {}
    for path in events:
        event = json.loads(path.read_text(encoding='utf-8'))
        event = event.get('Event') or event['response'][0]['Event']
        manifest[event['uuid']] = {'timestamp': event['timestamp'], 'info': event['info'], 'date': event.get('date')}
        with open(os.path.join(folder, event['uuid'] + '.json'), 'w', encoding='utf-8') as file:
            json.dump({'Event': event}, file)
    with open(os.path.join(folder, 'manifest.json'), 'w', encoding='utf-8') as file:
        json.dump(manifest, file)
    declare(report, node, 'misp', 'misp', base + 'misp')
    got = settled(node, 'misp')
    report.check('misp: the events are taken in', got.get('new', 0) > len(events) and got.get('error') is None, got)
    report.equal('misp: the manifest and each event are asked for', got.get('calls'), 1 + len(manifest))
    held = got.get('new')
    got = again(node, 'misp')
    report.equal('misp: an unchanged manifest costs one call', got.get('calls'), 2 + len(manifest))
    first = next(iter(manifest))
    manifest[first]['timestamp'] = str(int(manifest[first]['timestamp']) + 1)
    time.sleep(1.1)  # Last-Modified counts seconds
    with open(os.path.join(folder, 'manifest.json'), 'w', encoding='utf-8') as file:
        json.dump(manifest, file)
    got = again(node, 'misp')
    report.equal('misp: only the event that changed is fetched again', (got.get('calls'), got.get('new')),
                 (4 + len(manifest), held))


def look_opencti(report, node, folder):
    stream = Stream()
    secret = os.path.join(folder, 'opencti.token')
    with open(secret, 'w', encoding='ascii') as file:
        file.write('a token')
    objects = [indicator(number, 3) for number in range(20)]
    for obj in objects:
        stream.put('create', obj)
    declare(report, node, 'opencti', 'opencti', stream.url, '--token-file', secret)
    wait_for(lambda: show(node, 'opencti').get('new') == 20, 30, 0.2)
    report.equal('opencti: what was created is taken in', show(node, 'opencti').get('new'), 20)
    stream.put('update', dict(objects[0], modified='2026-02-01T00:00:00.000Z', labels=['changed']))
    stream.put('delete', objects[1])
    stream.put('merge', dict(objects[2], modified='2026-02-01T00:00:00.000Z'), {'sources': [objects[3]]})
    wait_for(lambda: show(node, 'opencti').get('withdrawn') == 2, 30, 0.2)
    got = show(node, 'opencti')
    report.equal('opencti: update, delete and merge', (got.get('new'), got.get('withdrawn'), got.get('state')),
                 (22, 2, 'running'))
    report.equal('opencti: the whole was asked for first', stream.asked[0].get('from'), '0-0')
    before = len(stream.asked)
    node.stop()
    stream.put('create', indicator(99, 3))
    node.start()
    wait_for(lambda: show(node, 'opencti').get('new') == 23, 30, 0.2)
    got = show(node, 'opencti')
    report.equal('opencti: a restart goes on behind the last event', (got.get('new'), got.get('duplicate')), (23, 0))
    report.equal('opencti: it named that event', stream.asked[before].get('last-event-id'), '1620249500022-0')
    stream.end()
    wait_for(lambda: show(node, 'opencti').get('failures', 0) > 0, 30, 0.2)
    report.equal('opencti: the end of a stream is told', show(node, 'opencti').get('error'), 'closed')


def look_commands(report, node):
    refused = node.run('feed', 'add', 'x', '--kind', 'nosuch', '--url', 'https://h.example/')
    report.check('a kind that is none: the kinds are named', not refused.good and 'taxii21' in refused.err, refused)
    refused = node.run('feed', 'add', 'x', '--kind', 'stix', '--url', 'ftp://h.example/')
    report.check('an address that is none', not refused.good, refused)
    answer = node.run('feed', 'pause', 'back')
    report.check('paused', answer.good and show(node, 'back').get('state') == 'paused', answer)
    refused = node.run('feed', 'run', 'back')
    report.check('a paused feed does not run', not refused.good and 'resume' in refused.err, refused)
    node.must('feed', 'resume', 'back')
    node.stop()
    got = show(node, 'back')
    report.equal('a stopped node tells how it went', (got.get('state'), got.get('echo')), ('stopped', 2))
    refused = node.run('feed', 'run', 'back')
    report.check('a stopped node runs nothing', not refused.good and 'serve' in refused.err, refused)
    node.must('feed', 'remove', 'bongsu')
    report.check('removed, and its credentials', not os.path.exists(os.path.join(node.dir, 'keys', 'feed-bongsu.json'))
                 and not node.run('feed', 'show', 'bongsu').good)


def main():
    one_process = '--one-process' in sys.argv[1:]
    report = Report('pulls')
    folder = tempfile.mkdtemp(prefix='bongsu-pulls-')
    server_folder = os.path.join(folder, 'web')
    os.mkdir(server_folder)
    node = Node(folder, 'us', 'US', one_process)
    server, base = file_server(server_folder)
    children = []
    try:
        node.start()
        declare(report, node, 'first', 'stix', base + 'nothing.json')
        node.run('feed', 'add', 'inside', '--kind', 'stix', '--url', base + 'nothing.json')
        report.equal('a private address is refused unless it is declared', settled(node, 'inside').get('error'), 'denied')
        report.equal('what is not there is told', settled(node, 'first').get('error'), 'notfound')
        wanted = look_bongsu(report, node, folder, one_process)
        if VENV.exists():
            password = os.path.join(folder, 'reader')
            with open(password, 'w', encoding='ascii') as file:
                file.write('password of the reader\n')
            children.append(medallion(folder, [indicator(number, 4) for number in range(120)]))
            look_taxii(report, node, 'medallion', *children[-1], (120, 0), '--user', 'reader', '--password-file', password)
            children.append(opentaxii(folder, [indicator(number, 5) for number in range(230)]))
            # 0.9.3 answers with the type where spec_version belongs: every object is read, refused for that, and kept.
            look_taxii(report, node, 'opentaxii', *children[-1], (0, 230), '--limit', '50')
            kept = [line for line in node.run('quarantine', 'list').lines if line.get('source') == 'opentaxii']
            report.equal('opentaxii: what is wrong with them is said, and their bytes are kept',
                         (len(kept), {line.get('pointer') for line in kept}), (230, {'/spec_version'}))
            login = 'reader:password of the reader'
            look_push(report, node, 'medallion', *children[0][1:], wanted, '--user', 'reader', '--password-file', password,
                      user=login)
            # It keeps the objects, then cannot write its status (a UUID is no JSON) and answers 500: its manifest tells.
            look_push(report, node, 'opentaxii', *children[1][1:], wanted)
            look_push_again(report, node, folder, wanted,
                            {'medallion': (*children[0][1:], login), 'opentaxii': (*children[1][1:], None)})
        else:
            report.skip('medallion and OpenTAXII', 'build/venv-servers is not there: scripts/setup --test')
        look_echo(report, node, folder, server_folder, base)
        look_misp(report, node, server_folder, base)
        look_opencti(report, node, folder)
        look_commands(report, node)
    finally:
        node.stop()
        for child in children:
            child[0].end()
        server.shutdown()
        if not report.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
