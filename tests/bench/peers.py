#!/usr/bin/env python3
"""bongsu beside the TAXII 2.1 servers that others wrote, on the same objects: peers.py DIRECTORY [--to N] [--only NAME...]

medallion keeps objects in memory, OpenTAXII in SQLite or in PostgreSQL; bongsu decides by a policy who may see each object
and appends it to a signed ledger before anybody can read it. At each size: taking in (POSTs of 1,000), the first page, the last
page, a filtered page (of a hundredth of the objects), and 100 pollers at once. A server is left out from the first size at which
one request takes more than LONGEST_S. Prints a table of times, of ratios to bongsu, and writes build/bench/peers.json.
"""
import argparse
import base64
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from live import ROOT, Node, wait_until  # noqa: E402

TAXII = 'application/taxii+json;version=2.1'
SIZES = (1000, 2000, 5000, 10000, 20000, 50000, 100000)
BATCH, PAGE, POLLERS, POLL_S, LONGEST_S = 1000, 100, 100, 5, 60
VENV = ROOT / 'build' / 'venv-servers' / 'bin'
USER, PASSWORD = 'reader', 'a password for measuring'
RARE = 'tool'  # one object in a hundred


def free_port():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def stix(number):
    """Object number `number`: as large as those of real feeds, valid for every one of the servers."""
    kind = RARE if number % 100 == 0 else 'indicator'
    stamp = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(1700000000 + number)) + '.000Z'
    body = {'type': kind, 'spec_version': '2.1', 'id': f'{kind}--{number:08x}-0000-4000-8000-000000000000',
            'created': stamp, 'modified': stamp, 'name': f'object {number}', 'description': 'x' * 300,
            'object_marking_refs': ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487']}
    if kind == 'indicator':
        body |= {'pattern': f"[ipv4-addr:value = '198.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}']",
                 'pattern_type': 'stix', 'valid_from': stamp}
    return body


class Server:
    """One server under test: `root` is the API root, `reads` and `writes` the collections in it."""

    name = ''
    context = None

    def __init__(self, base):
        self.base = pathlib.Path(base) / self.name
        self.base.mkdir(parents=True)
        self.port = free_port()
        self.process = None
        self.authorization = 'Basic ' + base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()

    def begin(self, command, **more):
        with open(self.base / 'log', 'ab') as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.base, **more)

    def ask(self, url, body=None, authorization=None):
        """Seconds, and the answer. A status that is no success ends the program with what the server said."""
        headers = {'Accept': TAXII, 'Authorization': authorization or self.authorization}
        if body is not None:
            headers['Content-Type'] = TAXII
        request = urllib.request.Request(url, data=body, headers=headers)
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_S, context=self.context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            raise RuntimeError(f'{self.name}: {refused.code} {refused.read()[:300]}') from refused
        return time.monotonic() - began, json.loads(text or b'{}')

    def up(self):
        try:
            self.ask(self.reads + 'objects/?limit=1')
            return True
        except (OSError, RuntimeError):
            return False

    def post(self, objects):
        body = json.dumps({'objects': objects}).encode()
        return self.ask(self.writes + 'objects/', body)[0]

    def settle(self, _objects):
        """Until a reader can see what was posted."""

    def page(self, **query):
        text = '&'.join(f'{name.replace("match_", "match[")}{"]" if name.startswith("match_") else ""}={value}'
                        for name, value in query.items())
        return self.ask(f'{self.reads}objects/?{text}')

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)


class Bongsu(Server):
    name = 'bongsu'
    context = ssl._create_unverified_context()

    def __init__(self, base):
        super().__init__(base)
        node = self.node = Node(os.environ.get('BONGSU_BUILD', 'build/release'), self.base, 'kr', 'KR')
        node.serve()
        node.activate()
        node.do('source', 'add', 'feed')
        for name in ('reader', 'writer'):
            node.do('peer', 'add-taxii', name, '--country', 'JP')
        node.do('peer', 'start', 'reader')
        self.authorization = 'Bearer ' + node.token(USER, '--audience', 'reader')
        self.writer = 'Bearer ' + node.token('writer', '--audience', 'writer', '--source', 'feed', '--submit')
        root = f'https://127.0.0.1:{node.port}/api/collections/'
        self.reads, self.inbox = root + 'release/', root + 'inbox/objects/'

    def post(self, objects):
        return self.ask(self.inbox, json.dumps({'objects': objects}).encode(), self.writer)[0]

    def settle(self, objects):
        def seen():
            audience = self.node.status()[1]['reader']
            return audience['released'] >= objects
        wait_until(seen)

    def stop(self):
        self.node.stop()


class Medallion(Server):
    name = 'medallion'

    def __init__(self, base):
        super().__init__(base)
        root, collection = 'api', str(uuid.uuid4())
        (self.base / 'data.json').write_text(json.dumps({
            '/discovery': {'title': 'bench', 'default': f'http://127.0.0.1:{self.port}/{root}/',
                           'api_roots': [f'http://127.0.0.1:{self.port}/{root}/']},
            root: {'information': {'title': 'bench', 'versions': [TAXII], 'max_content_length': 100 << 20},
                   'status': [], 'collections': [{'id': collection, 'title': 'bench', 'can_read': True, 'can_write': True,
                                                  'media_types': ['application/stix+json;version=2.1'],
                                                  'objects': [], 'manifest': []}]}}))
        (self.base / 'config.json').write_text(json.dumps({
            'backend': {'module': 'medallion.backends.memory_backend', 'module_class': 'MemoryBackend',
                        'filename': str(self.base / 'data.json')},
            'users': {USER: PASSWORD}, 'taxii': {'max_page_size': BATCH}}))
        self.reads = self.writes = f'http://127.0.0.1:{self.port}/{root}/collections/{collection}/'
        self.begin([VENV / 'medallion', '--host', '127.0.0.1', '--port', str(self.port), str(self.base / 'config.json')])


class OpenTaxii(Server):
    name = 'opentaxii-sqlite'

    def database(self):
        return f'sqlite:///{self.base}/data.db'

    def __init__(self, base):
        super().__init__(base)
        database = self.database()
        (self.base / 'opentaxii.yml').write_text(json.dumps({
            'domain': f'127.0.0.1:{self.port}', 'support_basic_auth': True,
            'auth_api': {'class': 'opentaxii.auth.sqldb.SQLDatabaseAPI',
                         'parameters': {'db_connection': f'sqlite:///{self.base}/auth.db', 'create_tables': True,
                                        'secret': 'for measuring'}},
            'taxii1': None,
            'taxii2': {'title': 'bench', 'description': 'bench', 'contact': 'nobody', 'max_content_length': 100 << 20,
                       'public_discovery': True, 'allow_custom_properties': True,
                       'persistence_api': {'class': 'opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI',
                                           'parameters': {'db_connection': database, 'create_tables': True}}},
            'logging': {'opentaxii': 'warning', 'root': 'warning'}}))
        environment = {**os.environ, 'OPENTAXII_CONFIG': str(self.base / 'opentaxii.yml')}

        def run(tool, *args):
            done = subprocess.run([VENV / tool, *args], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                raise RuntimeError(f'{tool}: {done.stdout[-800:]}')
            return done.stdout
        run('opentaxii-create-account', '-u', USER, '-p', PASSWORD, '--admin')
        run('opentaxii-add-api-root', '-t', 'bench', '--default')
        # The tools print no ids; the choices of the next one are they.
        root = re.search(r'\{([0-9a-f-]{36})\}', run('opentaxii-add-collection', '--help')).group(1)
        run('opentaxii-add-collection', '-r', root, '-t', 'bench', '-a', 'bench', '--public', '--public-write')
        self.reads = self.writes = f'http://127.0.0.1:{self.port}/taxii2/{root}/collections/bench/'
        self.begin([VENV / 'gunicorn', '--bind', f'127.0.0.1:{self.port}', '--workers', '2', '--timeout', '300',
                    '--pythonpath', str(ROOT / 'tests' / 'bench'), 'opentaxii_app:app'], env=environment)


    def up(self):
        """A token: its passwords are stretched anew with every request that brings one."""
        login = json.dumps({'username': USER, 'password': PASSWORD}).encode()
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}/management/auth', data=login,
                                         headers={'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_S) as answer:
                self.authorization = 'Bearer ' + json.load(answer)['token']
        except OSError:
            return False
        return super().up()


class OpenTaxiiPostgres(OpenTaxii):
    name = 'opentaxii-postgresql'

    def database(self):
        """A cluster of its own, as the user who runs this, or as postgres when that is root."""
        tools = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))[-1]
        self.data, self.tools = self.base / 'cluster', tools
        self.as_user = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] if os.getuid() == 0 else []
        port = free_port()
        for parent in [self.base, *self.base.parents][:2]:
            parent.chmod(0o755)
        self.data.mkdir()
        if self.as_user:
            shutil.chown(self.data, 'postgres')
        self.run_tool('initdb', '-A', 'trust', '-U', 'bench', '-D', str(self.data))
        self.run_tool('pg_ctl', '-w', '-D', str(self.data), '-l', str(self.data / 'log'), '-o',
                      f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", 'start')
        return f'postgresql://bench@127.0.0.1:{port}/postgres'

    def run_tool(self, tool, *args):
        done = subprocess.run([*self.as_user, self.tools / tool, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, cwd='/', stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f'{tool}: {done.stdout[-800:]}')

    def stop(self):
        super().stop()
        self.run_tool('pg_ctl', '-m', 'fast', '-D', str(self.data), 'stop')


SERVERS = (Bongsu, Medallion, OpenTaxii, OpenTaxiiPostgres)


def last_page(server, total):
    """The page that ends the collection: where it begins is found by walking with the largest pages."""
    query, took, seen = {'limit': BATCH}, 0.0, 0
    while True:
        took, page = server.page(**query)
        seen += len(page.get('objects', []))
        if not page.get('more'):
            break
        query = {'limit': BATCH, 'next': page['next']}
    if seen != total:
        raise RuntimeError(f'{server.name}: {seen} of {total} objects in its pages')
    return min([took] + [server.page(**query)[0] for _ in range(2)])


def poll(server):
    """Requests a second of POLLERS clients that ask for the first page, by wrk."""
    done = subprocess.run(['wrk', '-t2', f'-c{POLLERS}', f'-d{POLL_S}s', '--timeout', f'{LONGEST_S}s', '-H', f'Accept: {TAXII}',
                           '-H', f'Authorization: {server.authorization}', f'{server.reads}objects/?limit={PAGE}'],
                          stdout=subprocess.PIPE, text=True, check=True)
    if 'Non-2xx' in done.stdout:
        raise RuntimeError(f'{server.name}: {done.stdout}')
    return float(re.search(r'Requests/sec:\s+([\d.]+)', done.stdout).group(1))


def measure(server, have, size):
    """Brings the server from `have` objects to `size`; figures by name. Times in seconds, rates a second."""
    began = time.monotonic()
    for first in range(have, size, BATCH):
        server.post([stix(number) for number in range(first, min(first + BATCH, size))])
    posted = time.monotonic() - began
    server.settle(size)
    # One time through after any server: whoever keeps pages answers from them later, and that is how it is polled.
    cold = server.page(limit=PAGE)[0]
    return {'ingest': (size - have) / posted,
            'first page, cold': cold,
            'first page': statistics.median(server.page(limit=PAGE)[0] for _ in range(5)),
            'filtered page': statistics.median(server.page(limit=PAGE, match_type=RARE)[0] for _ in range(3)),
            'last page': last_page(server, size),
            'pollers': poll(server)}


def climb(kind, base, sizes):
    """{size: figures} until the server is done or too slow, and why it stopped."""
    found, have, size = {}, 0, sizes[0]
    server = kind(base)
    try:
        wait_until(server.up, seconds=20)
        for size in sizes:
            found[size] = measure(server, have, size)
            figures = ' '.join(f'{name} {value:.4g};' for name, value in found[size].items())
            print(f'{server.name:22} {size:8} {figures}', flush=True)
            have = size
        return found, 'went all the way'
    except TimeoutError:
        return found, f'one request took more than {LONGEST_S} s on the way to {size}'
    except (OSError, RuntimeError, subprocess.CalledProcessError) as failure:
        return found, f'failed on the way to {size}: {str(failure)[:200]}'
    finally:
        server.stop()


def table(results, sizes):
    names = list(next(iter(results['bongsu'][0].values())))
    rates = {'ingest', 'pollers'}
    for name in names:
        unit = 'a second' if name in rates else 'ms'
        print(f'\n{name} ({unit}; in brackets: how many times bongsu is better)')
        print(f'{"objects":>10}' + ''.join(f'{server:>32}' for server in results))
        for size in sizes:
            cells = []
            for server, (found, _) in results.items():
                if size not in found or size not in results['bongsu'][0]:
                    cells.append('-')
                    continue
                value, ours = found[size][name], results['bongsu'][0][size][name]
                ratio = ours / value if name in rates and value > 0 else value / ours
                if value == 0:
                    cells.append(f'none in {POLL_S} s')
                    continue
                shown = f'{value if name in rates else value * 1000:.4g}'
                cells.append(shown if server == 'bongsu' else f'{shown} ({ratio:.3g})')
            print(f'{size:>10}' + ''.join(f'{cell:>32}' for cell in cells))
    for server, (_, why) in results.items():
        print(f'{server}: {why}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('directory')
    parser.add_argument('--to', type=int, default=SIZES[-1])
    parser.add_argument('--only', nargs='*')
    options = parser.parse_args()
    sizes = [size for size in SIZES if size <= options.to]
    results = {}
    for kind in SERVERS:
        if not options.only or kind.name in options.only:
            results[kind.name] = climb(kind, options.directory, sizes)
    table(results, sizes)
    out = ROOT / 'build' / 'bench' / 'peers.json'
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = {server: {'figures': found, 'end': why} for server, (found, why) in results.items()}
    out.write_text(json.dumps(rows, indent=1) + '\n')


if __name__ == '__main__':
    main()
