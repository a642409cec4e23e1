#!/usr/bin/env python3
"""tests/bench/node.py WHAT DIR [OBJECTS]: figures of whole nodes, driven as an operator would. One JSON row a figure.

WHAT: sync (first synchronisation), latency (release to arrival), taxii (a page against nginx), size (memory, start).
The nodes are of build/release; DIR is an empty directory.
"""
import contextlib
import getpass
import http.client
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

import live

BUILD = os.environ.get('BONGSU_BUILD', 'build/release')
AUDIENCES = 9  # beside the one real partner
WRK_SECONDS = 5
TAXII = 'application/taxii+json;version=2.1'


def row(name, value, unit, floor, ratio, note):
    print(json.dumps({'name': name, 'value': round(value, 6), 'unit': unit, 'floor': round(floor, 6), 'ratio': round(ratio, 3),
                      'note': note}), flush=True)


def corpus(base, name, objects, skip=0):
    """A file of generated objects, one a line, without the first `skip`."""
    with open(base / name, 'wb') as out:
        subprocess.run([os.path.join(live.ROOT, BUILD, 'tests/bench/bench_corpus'), str(objects), str(skip)], stdout=out,
                       check=True)
    return str(base / name)


def add_timed(node, path):
    began = time.monotonic()
    node.do('add', path, '--source', 'feed')
    return time.monotonic() - began


def received(us):
    return us.status()[1]['kr'].get('received', 0)


def cpu_seconds(node):
    return {pid: sum(float(word) for word in pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').split()[13:15]) / 100
            for pid in node.processes()}


def bench_sync(base, objects):
    kr, us = live.pair(BUILD, base)
    path = corpus(base, 'objects', objects)
    took = add_timed(kr, path)
    ingest = objects / took
    before = [cpu_seconds(node) for node in (kr, us)]
    began = time.monotonic()
    live.start(kr, us, '--history')
    wanted = kr.status()[1]['us']['released']
    live.wait_until(lambda: received(us) >= objects, 900, 0.25)
    seconds = time.monotonic() - began
    after = [cpu_seconds(node) for node in (kr, us)]
    used = ', '.join(f'{node.name} {sum(late.values()) - sum(early.values()):.1f} s'
                     for node, early, late in zip((kr, us), before, after))
    row('ingest_by_add', ingest, 'objects/s', ingest, 1, f'{objects} objects by bongsu add, partner paused, whole node')
    row('first_synchronisation', objects / seconds, 'objects/s', ingest, objects / seconds / ingest,
        f'{objects} objects by history in {seconds:.1f} s, both nodes on the same cores; CPU {used}; floor: ingest_by_add')
    assert received(us) == kr.status()[1]['us']['ledger_visible'] and wanted <= objects
    for node in (kr, us):
        node.stop()


def post_on_time(kr, token, bodies, start, every, late):
    """Open loop: body k of `bodies` leaves at its own time whether or not the one before was acknowledged in time."""
    context = ssl._create_unverified_context()
    link = http.client.HTTPSConnection('127.0.0.1', kr.port, context=context)
    headers = {'Accept': TAXII, 'Content-Type': TAXII, 'Authorization': f'Bearer {token}'}
    for number, body in bodies:
        due = start + number * every
        pause = due - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        link.request('POST', '/api/collections/inbox/objects/', body, headers)
        answer = link.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f'POST: {answer.status}')
        late.append(time.monotonic() - due)


def bench_latency(base, objects):
    """Capacity first: what leaves kr by `add` and stands at us. Then half of it, by TAXII on four connections."""
    seconds, per_post, links = float(os.environ.get('SECONDS_OPEN', '20')), 100, 4
    kr, us = live.pair(BUILD, base)
    for number in range(AUDIENCES):
        kr.do('peer', 'add-taxii', f'reader{number}', '--country', 'JP')
        kr.do('peer', 'start', f'reader{number}')
    live.start(kr, us)
    live.wait_until(lambda: us.status()[1]['kr'].get('link') == 'following')
    token = kr.token('feed', '--source', 'feed', '--submit')
    path = corpus(base, 'first', objects)
    began = time.monotonic()
    add_timed(kr, path)
    live.wait_until(lambda: received(us) >= objects, 900, 0.1)
    capacity = objects / (time.monotonic() - began)
    busy = us.status()[1]['kr']
    us.stop()
    us.serve()  # its quantiles begin again
    live.wait_until(lambda: received(us) >= objects)
    rate = capacity / 2
    count = int(rate * seconds / per_post)
    more = pathlib.Path(corpus(base, 'more', count * per_post, skip=objects)).read_text(encoding='ascii').splitlines()
    bodies = [(k, '{"objects":[' + ','.join(more[k * per_post:(k + 1) * per_post]) + ']}') for k in range(count)]
    merged = kr.status()[0]['applied_lsn']
    late = []
    start = time.monotonic() + 0.2
    threads = [threading.Thread(target=post_on_time, args=(kr, token, bodies[i::links], start, per_post / rate, late))
               for i in range(links)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    live.wait_until(lambda: received(us) >= objects + count * per_post, 120)
    node, line = kr.status()[0], us.status()[1]['kr']
    late.sort()
    note = (f'{count * per_post / took:.0f} objects/s, half of {capacity:.0f}, {took:.0f} s, 1 partner and {AUDIENCES} TAXII '
            f'audiences, index {"merged meanwhile" if node["applied_lsn"] > merged else "NOT merged meanwhile"}')
    for quantile in ('p50', 'p99'):
        value = line[f'latency_{quantile}_us'] / 1000
        row(f'release_to_arrival_{quantile}', value, 'ms', 50, value / 50, note + '; floor: the aim')
    row('capacity_10_partners', capacity, 'objects/s', 0, 0, f'{objects} by bongsu add until the partner holds them; '
        f'p99 then {busy["latency_p99_us"] / 1000:.0f} ms')
    row('due_to_acknowledged_p99', late[int(len(late) * 0.99)] * 1000, 'ms', late[len(late) // 2] * 1000, 0,
        f'a POST of {per_post} objects, from the moment it was due; floor: p50')
    for one in (kr, us):
        one.stop()


NGINX = '''daemon off; user {user}; worker_processes 1; pid {base}/nginx.pid; error_log {base}/nginx.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types {{}} default_type "{media}";
  open_file_cache max=10;
  client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4;
  scgi_temp_path {base}/t5;
  server {{ listen 127.0.0.1:{plain}; root {base}/www; }}
  server {{ listen 127.0.0.1:{tls} ssl; root {base}/www; ssl_certificate {base}/cert; ssl_certificate_key {base}/key;
           ssl_protocols TLSv1.3; }} }}
'''


@contextlib.contextmanager
def nginx(base, page, plain, tls):
    (base / 'www').mkdir()
    (base / 'www' / 'page').write_bytes(page)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', base / 'key', '-out', base / 'cert',
                    '-subj', '/CN=localhost', '-days', '2'], check=True, stderr=subprocess.DEVNULL)
    (base / 'nginx.conf').write_text(NGINX.format(base=base, plain=plain, tls=tls, media=TAXII,
                                                   user=getpass.getuser()))
    with subprocess.Popen(['taskset', '-c', '0', 'nginx', '-c', str(base / 'nginx.conf'), '-e', str(base / 'nginx.log')],
                          stderr=subprocess.DEVNULL) as server:
        time.sleep(0.5)
        try:
            yield server.pid
        finally:
            server.terminate()


def wrk(url, token=''):
    """Requests a second on eight connections, wrk alone on core 1."""
    out = subprocess.run(['taskset', '-c', '1', 'wrk', '-t1', '-c8', f'-d{WRK_SECONDS}s', '-H', f'Accept: {TAXII}', '-H',
                          f'Authorization: Bearer {token}', url], stdout=subprocess.PIPE, text=True, check=True).stdout
    if 'Non-2xx' in out:
        raise RuntimeError(out)
    return float(next(line.split()[1] for line in out.splitlines() if line.startswith('Requests/sec')))


def fetch(link, path, token):
    began = time.monotonic()
    link.request('GET', path, headers={'Accept': TAXII, 'Authorization': f'Bearer {token}'})
    answer = link.getresponse()
    body = answer.read()
    return time.monotonic() - began, answer.status, body


def processor_seconds(pids):
    return sum(sum(int(word) for word in pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rsplit(')', 1)[1]
                   .split()[11:13]) for pid in pids) / os.sysconf('SC_CLK_TCK')


def children(pid):
    return [int(word) for word in pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii').split()]


def role_of(node, role):
    return [pid for pid in node.processes() if pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')[1:3] ==
            [b'--role', role.encode()]]


def measured(url, token, pids):
    """Pages a second, and milliseconds of processor a page in those processes."""
    before = processor_seconds(pids)
    rate = wrk(url, token)
    return rate, (processor_seconds(pids) - before) * 1000 / (rate * WRK_SECONDS)


def against(name, ours, floor, note):
    """Three rounds, one after the other in each: the round in the middle."""
    rounds = []
    for _ in range(3):
        static, mine = measured(*floor), measured(*ours)
        rounds.append((mine[0] / static[0], mine, static))
    ratio, mine, static = sorted(rounds)[1]
    row(name, mine[0], 'pages/s', static[0], ratio, f'{note}; processor a page {mine[1]:.2f} ms, nginx {static[1]:.2f} ms; '
        f'median of 3 rounds, ratios {", ".join(f"{one[0]:.2f}" for one in sorted(rounds))}')


@contextlib.contextmanager
def bench_net(page, port):
    """The server of src/net by itself, with those bytes."""
    with subprocess.Popen(['taskset', '-c', '0', os.path.join(live.ROOT, BUILD, 'tests/bench/bench_net'), page,
                           str(port)]) as server:
        time.sleep(0.5)
        try:
            yield server.pid
        finally:
            server.terminate()


def bench_taxii(base, objects):
    base.chmod(0o755)
    kr = live.Node(BUILD, base, 'kr', 'KR')
    kr.serve(cpus='0')
    kr.activate()
    kr.do('source', 'add', 'feed')
    kr.do('peer', 'add-taxii', 'jp', '--country', 'JP')
    kr.do('peer', 'start', 'jp')
    add_timed(kr, corpus(base, 'objects', max(objects, 3000)))
    token = kr.token('jp', '--audience', 'jp')
    path = '/api/collections/release/objects/?limit=1000'
    link = http.client.HTTPSConnection('127.0.0.1', kr.port, context=ssl._create_unverified_context())
    live.wait_until(lambda: fetch(link, path, token)[2].count(b'"spec_version"') >= 1000)
    core = role_of(kr, 'core') + role_of(kr, 'edge')
    before = processor_seconds(core)
    first = sorted(fetch(link, f'{path}&added_after={1900 + k}-01-01T00:00:00Z', token)[0]  # pages nobody asked for before
                   for k in range(100))
    spent = (processor_seconds(core) - before) * 10
    page = fetch(link, path, token)[2]
    plain, tls, net = free_port(), free_port(), free_port()
    with nginx(base, page, plain, tls) as master, bench_net(base / 'www' / 'page', net) as server:
        workers = children(master)
        other = http.client.HTTPSConnection('127.0.0.1', tls, context=ssl._create_unverified_context())
        static = sorted(fetch(other, '/page', '')[0] for _ in range(100))
        ciphers = {one.sock.cipher()[0] for one in (link, other)}
        against('taxii_page_tls', (f'https://127.0.0.1:{kr.port}{path}', token, role_of(kr, 'edge')),
                (f'https://127.0.0.1:{tls}/page', '', workers),
                f'1,000 objects, {len(page)} bytes, kept by edge, {" and ".join(sorted(ciphers))}, 8 connections; floor: '
                'nginx, the same bytes; both on core 0, wrk on core 1')
        against('taxii_page_plain', (f'http://127.0.0.1:{net}/page', '', [server]),
                (f'http://127.0.0.1:{plain}/page', '', workers),
                'the server of src/net alone: a node does not listen without TLS; floor: nginx, plain, sendfile')
    row('taxii_page_first', first[50] * 1000, 'ms', static[50] * 1000, static[50] / first[50],
        f'a page that nobody asked for before, median of 100, one connection; processor of core and edge {spent:.1f} ms; '
        'floor: nginx TLS, the same client')
    kr.stop()


def free_port():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def bench_size(base, objects):
    kr = live.Node(BUILD, base, 'kr', 'KR')
    kr.serve()
    kr.activate()
    kr.do('source', 'add', 'feed')
    for number in range(AUDIENCES + 1):
        kr.do('peer', 'add-taxii', f'reader{number}', '--country', 'JP')
        kr.do('peer', 'start', f'reader{number}')
    took = add_timed(kr, corpus(base, 'objects', objects))
    live.wait_until(lambda: kr.status()[0]['settled'])
    fed = kr.anonymous_mib()
    kr.stop()
    ready = sorted(restart(kr) for _ in range(3))
    rest = kr.anonymous_mib()
    held = kr.status()[0]['objects']
    for name, parts, when in (('anonymous_memory_fed', fed, f'after {objects} objects in {took:.0f} s'),
                              ('anonymous_memory', rest, 'after a start')):
        total = sum(mib for mib, _ in parts)
        row(name, total, 'MiB', 300, total / 300,
            f'{held} objects, 10 audiences, all roles, {when}: {by_role(parts)}; floor: the aim')
    row('start_until_ready', ready[1], 's', 1, ready[1], f'{held} objects, from exec to READY=1, median of 3; floor: the aim')
    kr.stop()


def by_role(parts):
    return ', '.join(f'{role} {mib:.0f}' for mib, role in parts)


def restart(node):
    node.stop()
    return node.serve()


def main():
    what = {'sync': bench_sync, 'latency': bench_latency, 'taxii': bench_taxii, 'size': bench_size}[sys.argv[1]]
    base = pathlib.Path(sys.argv[2]).resolve()
    base.mkdir(parents=True, exist_ok=True)
    what(base, int(sys.argv[3]) if len(sys.argv) > 3 else 200000)


if __name__ == '__main__':
    main()
