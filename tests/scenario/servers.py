"""Servers that the scenario tests pull from: those of others, started as they are, and plain ones of our own.

From PyPI by scripts/setup --test: medallion 3 and OpenTAXII (build/venv-servers), and the last medallion of TAXII 2.0
(build/venv-taxii20). From Debian: nginx. What is started is ended by its own number.
"""
import base64
import getpass
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid

from node import free_port, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / 'build' / 'venv-servers' / 'bin' / 'python'
VENV_20 = ROOT / 'build' / 'venv-taxii20' / 'bin' / 'python'
NGINX_PROGRAM = shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin')
TAXII = 'application/taxii+json;version=2.1'


def indicator(number, space, **more):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--{space:08x}-0000-4000-8000-{number:012x}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'pattern_type': 'stix',
            'pattern': f"[ipv4-addr:value = '192.0.2.{number % 250}']", 'valid_from': '2026-01-01T00:00:00Z', **more}


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


# Both run in Werkzeug's own server; the older one speaks TAXII 2.0 and keeps only a hash of the password.
MEDALLION = """
import sys
sys.argv = ['medallion', '--port', {port!r}, {conf!r}]
from medallion.scripts.run import main
main()
"""
READER, PASSWORD, COLLECTION = 'reader', 'password of the reader', '91a7b528-80eb-42ed-a74d-c6fbd5a26116'


def hash_of(password):
    """As werkzeug.security writes it."""
    return 'pbkdf2:sha256:1000$salt$' + hashlib.pbkdf2_hmac('sha256', password.encode(), b'salt', 1000).hex()


FORM_21 = {'media': 'application/stix+json;version=2.1', 'python': VENV,
           'row': lambda obj, media: {'version': obj.get('modified', obj['created']), 'media_type': media},
           'conf': {'backend': {'module': 'medallion.backends.memory_backend'}, 'users': {READER: PASSWORD}}}
FORM_20 = {'media': 'application/vnd.oasis.stix+json; version=2.0', 'python': VENV_20,
           'row': lambda obj, media: {'versions': [obj['modified']], 'media_types': [media]},
           'conf': {'backend': {'module': 'medallion.backends.taxii.memory_backend'},
                    'auth': {'module': 'medallion.backends.auth.memory_auth', 'module_class': 'AuthMemoryBackend',
                             'users': {READER: hash_of(PASSWORD)}}}}


def medallion(folder, objects, form=FORM_21):
    """The memory backend over its own kind of data file; objects come in bunches that share a date."""
    port = free_port()
    dates = [f'2026-02-01T00:00:{number // 40:02d}.{number // 40:06d}Z' for number in range(len(objects))]
    manifest = [{'id': obj['id'], 'date_added': date, **form['row'](obj, form['media'])} for obj, date in zip(objects, dates)]
    data = {'/discovery': {'title': 'medallion', 'default': f'http://127.0.0.1:{port}/api1/',
                           'api_roots': [f'http://127.0.0.1:{port}/api1/']},
            'api1': {'information': {'title': 'api1', 'versions': [TAXII], 'max_content_length': 104857600}, 'status': [],
                     'collections': [{'id': COLLECTION, 'title': 'one', 'can_read': True, 'can_write': True,
                                      'media_types': [form['media']], 'objects': objects, 'manifest': manifest}]}}
    names = [os.path.join(folder, f'medallion-{port}.{kind}') for kind in ('json', 'conf')]
    conf = {**form['conf'], 'taxii': {'max_page_size': 50}}
    conf['backend'] = {**conf['backend'], 'module_class': 'MemoryBackend', 'filename': names[0]}
    for name, value in zip(names, (data, conf)):
        with open(name, 'w', encoding='ascii') as file:
            json.dump(value, file)
    program = MEDALLION.format(port=str(port), conf=names[1])
    return Child([str(form['python']), '-c', program], folder, port), f'http://127.0.0.1:{port}/api1/', COLLECTION


def post(base, collection, body, content, accept):
    """As its reader and writer; how many it says it took."""
    login = base64.b64encode(f'{READER}:{PASSWORD}'.encode()).decode()
    request = urllib.request.Request(f'{base}collections/{collection}/objects/', data=json.dumps(body).encode(), method='POST',
                                     headers={'Content-Type': content, 'Accept': accept, 'Authorization': f'Basic {login}'})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)['success_count']


def post_20(base, collection, objects):
    """A bundle to a TAXII 2.0 collection."""
    bundle = {'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'spec_version': '2.0', 'objects': objects}
    return post(base, collection, bundle, FORM_20['media'], 'application/vnd.oasis.taxii+json; version=2.0')


def post_21(base, collection, objects):
    return post(base, collection, {'objects': objects}, TAXII, TAXII)


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

    TOKEN = 'a token'

    def __init__(self):
        self.events, self.asked, self.status = [], [], 200
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
        self.sessions = 0  # so many have been ended
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, kind, data, context=None):
        at = len(self.events)
        body = {'version': '4', 'type': kind, 'scope': 'external', 'message': f'{kind}s an object',
                'origin': {'referer': 'background_task'}, 'data': data}
        if context is not None:
            body['context'] = context
        self.events.append((f'16202495{at:05d}-0', kind, json.dumps(body)))

    def last(self):
        return self.events[-1][0]

    def serve(self, request):
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        status = self.status if request.headers.get('Authorization') == f'Bearer {self.TOKEN}' else 401
        if status != 200:
            request.send_error(status)
            return
        request.send_response(200)
        request.send_header('Content-Type', 'text/event-stream; charset=utf-8')
        request.send_header('Connection', 'close')
        request.end_headers()
        request.wfile.write(b'id: 0-0\nevent: connected\ndata: {"connectionId": "x"}\n\n')
        last, at, session = request.headers.get('from') or '0-0', 0, self.sessions
        try:
            while session == self.sessions:
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

    def end_sessions(self):
        """As OpenCTI does after a day: whoever reads now is sent away, and may come again."""
        self.sessions += 1

    def end(self):
        self.end_sessions()
        self.server.shutdown()
        self.server.server_close()


class Page:
    """A text that changes, at one address; each version has its ETag. `served`: versions that somebody was told of."""

    def __init__(self):
        self.version, self.body, self.statuses, self.served = 0, b'', [], set()
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                version, body = page.version, page.body
                same = self.headers.get('If-None-Match') == f'"{version}"'
                page.statuses.append(304 if same else 200)
                self.send_response(page.statuses[-1])
                self.send_header('ETag', f'"{version}"')
                if not same:
                    self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                if not same:
                    self.wfile.write(body)
                page.served.add(version)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}/list.txt'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, text):
        self.version, self.body = self.version + 1, text.encode()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Breaking:
    """Answers HTTP/1.0 without a length: the body ends with the connection. Over TLS (`context`) with close_notify, or, once
    `cut` is set, without."""

    def __init__(self, context=None):
        self.body, self.cut, self.asked, self.context = b'', False, 0, context
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.url = f'http{"s" if context else ""}://127.0.0.1:{self.socket.getsockname()[1]}/'
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(30)
            try:
                self.answer(connection)
            except OSError:
                pass
            connection.close()

    def answer(self, plain):
        connection = self.context.wrap_socket(plain, server_side=True) if self.context else plain
        connection.recv(65536)
        self.asked += 1
        connection.sendall(b'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n' + self.body)
        if self.context and not self.cut:
            connection.unwrap()
        else:
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def end(self):
        self.socket.close()


# --- certificates, and servers that want one of their clients ---

def openssl(*words, given=b''):
    return subprocess.run(['openssl', *map(str, words)], input=given, capture_output=True, check=True).stdout


class Authority:
    """Signs certificates for 127.0.0.1; NAME.pem and NAME.key stand in the folder, its own is ca.pem."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.make('ca', '-x509', '-days', '2')

    def path(self, name):
        return str(self.folder / name)

    def make(self, name, *more):
        return openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={name}',
                       '-keyout', self.path(f'{name}.key'), '-out', self.path(f'{name}.pem'), *more)

    def sign(self, name, host='IP:127.0.0.1'):
        self.make(name)
        with open(self.path('ext'), 'w', encoding='ascii') as file:
            file.write(f'subjectAltName={host}\n')
        openssl('x509', '-req', '-days', '2', '-in', self.path(f'{name}.pem'), '-out', self.path(f'{name}.pem'),
                '-CAcreateserial', '-CA', self.path('ca.pem'), '-CAkey', self.path('ca.key'), '-extfile', self.path('ext'))

    def server_context(self, name='server'):
        """Of a server that breaks the handshake off when its client shows no certificate of ours."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f'{name}.pem'), self.path(f'{name}.key'))
        context.load_verify_locations(self.path('ca.pem'))
        context.verify_mode = ssl.CERT_REQUIRED
        return context


NGINX = """daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
        ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;
        location / {{ proxy_pass {behind}; proxy_set_header Host $host; {login} }}
    }}
}}
"""


def nginx(authority, behind, login=None):
    """Lets whoever shows a certificate of this authority through to the server behind it; with `login` nothing else is needed
    there."""
    port, folder = free_port(), authority.path('')
    path = authority.path('nginx.conf')
    with open(path, 'w', encoding='ascii') as file:
        user = f'user {getpass.getuser()};' if os.getuid() == 0 else ''
        words = f'proxy_set_header Authorization "Basic {base64.b64encode(login.encode()).decode()}";' if login else ''
        file.write(NGINX.format(folder=folder.rstrip('/'), port=port, behind=behind, user=user, login=words))
    return Child([NGINX_PROGRAM, '-c', path, '-e', authority.path('nginx.log')], folder, port), f'https://127.0.0.1:{port}/'


def linger(request, _):
    """After a handshake that failed: closing over what was not read would reset the connection, and the alert would be lost."""
    try:
        while os.read(request.fileno(), 65536):
            pass
    except OSError:
        pass


def file_server(folder, context=None):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **more):
            super().__init__(*args, directory=folder, **more)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    if context is not None:
        server.handle_error = linger
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f'http{"s" if context else ""}://127.0.0.1:{server.server_port}/'


