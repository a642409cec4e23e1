#!/usr/bin/env python3
"""tests/bench/node.py WHAT DIR [OBJECTS]: figures of whole nodes, driven as an operator would. One JSON row a figure.

WHAT: sync (first synchronisation), vouched (the same with what the origin signs), latency (release to arrival), recall (to
suspended at the partner), taxii (a page against nginx), pages (the last against the first), export (a view as MISP's feed),
size (memory, start).
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
WRK_SECONDS = float(os.environ.get('WRK_SECONDS', '2'))  # of each of three rounds
PAGES = (1, 100, 1000)  # objects a page
READERS = 4  # identities, each with an audience and a rule of its own
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


def bench_sync(base, objects, vouched=False):
    kr, us = live.pair(BUILD, base)
    if vouched:
        kr.do('peer', 'vouch', 'us', '--because', 'measured')
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
    row('first_synchronisation_vouched' if vouched else 'first_synchronisation', objects / seconds, 'objects/s', ingest,
        objects / seconds / ingest,
        f'{objects} objects by history in {seconds:.1f} s, both nodes on the same cores; CPU {used}; floor: ingest_by_add')
    assert received(us) == kr.status()[1]['us']['ledger_visible'] and wanted <= objects
    for node in (kr, us):
        node.stop()


def bench_vouched(base, objects):
    bench_sync(base, objects, True)


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


def held(node, identifier):
    return subprocess.run([node.exe, 'get', identifier, '--dir', str(node.dir)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def recall_all(kr, us, names, goes_on, every=0.1):
    """Calls one back every so often, whether or not the one before has arrived, as long as goes_on(leaves behind). Seconds
    from the command until us has the object no more, one a recall, and the leaves that us was behind at most."""
    began, took, behind, names = {}, [], 0, list(names)
    due = time.monotonic()
    while began or names:
        if names and time.monotonic() >= due:
            due = time.monotonic() + every
            line = kr.status()[1]['us']
            left = line['ledger_size'] - line['receipted']
            if not goes_on(left):
                names = []
                continue
            name = names.pop()
            began[name], behind = time.monotonic(), max(behind, left)
            kr.do('recall', name, '--yes', '--because', 'measuring')
        for name in [name for name in began if not held(us, name)]:
            took.append(time.monotonic() - began.pop(name))
        time.sleep(0.002)
    return took, behind


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def bench_recall(base, objects):
    """All that kr has waits for us, and while us fetches it as fast as it can, objects that us has held for long are called back
    one by one."""
    few, wanted = 200, 60
    kr, us = live.pair(BUILD, base)
    live.start(kr, us)
    old = corpus(base, 'old', few)
    add_timed(kr, old)
    live.wait_until(lambda: received(us) >= few)
    names = [json.loads(line)['id'] for line in pathlib.Path(old).read_text(encoding='ascii').splitlines()][:2 * wanted]
    idle, _ = recall_all(kr, us, names[wanted:wanted + 10], lambda _: True)
    us.do('peer', 'pause', 'kr')
    add_timed(kr, corpus(base, 'backlog', objects, skip=few))
    live.wait_until(lambda: kr.status()[1]['us']['ledger_size'] >= objects)
    us.do('peer', 'start', 'kr')
    live.wait_until(lambda: received(us) > few, every=0.02)
    busy, behind = recall_all(kr, us, names[:wanted], lambda left: left > 0)
    note = (f'{len(busy)} recalls while us fetched {objects} objects that waited for it, at most {behind} leaves behind; one '
            'every tenth of a second; floor: the same without a backlog')
    for name, part in (('p50', 0.5), ('p99', 0.99)):
        row(f'recall_to_suspended_{name}', quantile(busy, part), 's', quantile(idle, part), quantile(busy, part) /
            quantile(idle, part), note)
    for node in (kr, us):
        node.stop()


NGINX = '''daemon off; user {user}; worker_processes 1; pid {base}/nginx.pid; error_log {base}/nginx.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types {{}} default_type "{media}";
  open_file_cache max=10; gzip_static on;
  client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4;
  scgi_temp_path {base}/t5;
  server {{ listen 127.0.0.1:{plain}; root {base}/www; }}
  server {{ listen 127.0.0.1:{tls} ssl; root {base}/www; ssl_certificate {base}/cert; ssl_certificate_key {base}/key;
           ssl_protocols TLSv1.3; }} }}
'''


@contextlib.contextmanager
def nginx(base, pages, plain, tls):
    """Serves /1, /100 ...: the bytes that the node serves, and packed those that it packed."""
    (base / 'www').mkdir()
    for count, forms in pages.items():
        for coding, body in forms.items():
            (base / 'www' / (f'{count}.gz' if coding == 'gzip' else f'{count}')).write_bytes(body)
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


# One request an identity, made ahead; one after another, over all connections.
WRK = '''local made, turn = {{}}, 0
init = function()
  for i, token in ipairs({{{tokens}}}) do
    made[i] = wrk.format("GET", nil, {{["Accept"] = "{media}", ["Accept-Encoding"] = "{coding}",
                                      ["Authorization"] = "Bearer " .. token}})
  end
end
request = function() turn = turn % #made + 1 return made[turn] end
'''


def wrk(url, script):
    """Requests a second on eight connections, wrk alone on core 1."""
    out = subprocess.run(['taskset', '-c', '1', 'wrk', '-t1', '-c8', f'-d{WRK_SECONDS:g}s', '-s', script, url],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    if 'Non-2xx' in out or 'Socket errors' in out:
        raise RuntimeError(out)
    return float(next(line.split()[1] for line in out.splitlines() if line.startswith('Requests/sec')))


def fetch(link, path, token, coding='identity'):
    began = time.monotonic()
    link.request('GET', path, headers={'Accept': TAXII, 'Accept-Encoding': coding, 'Authorization': f'Bearer {token}'})
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


def measured(url, script, pids):
    """Pages a second, and milliseconds of processor a page in those processes."""
    before = processor_seconds(pids)
    rate = wrk(url, script)
    return max(rate, 1e-9), (processor_seconds(pids) - before) * 1000 / max(rate * WRK_SECONDS, 1)


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
def bench_net(files, port):
    """The server of src/net by itself: /0, /1 ... are those files."""
    with subprocess.Popen(['taskset', '-c', '0', os.path.join(live.ROOT, BUILD, 'tests/bench/bench_net'), str(port),
                           *files]) as server:
        time.sleep(0.5)
        try:
            yield server.pid
        finally:
            server.terminate()


def readers_of(base, kr, objects):
    """Identities whose views hold the objects, each by a rule of its own; their tokens."""
    names = [f'reader{number}' for number in range(READERS)]
    kr.do('source', 'add', 'feed')
    for name in names:
        kr.do('peer', 'add-taxii', name, '--country', 'JP')
        kr.do('peer', 'start', name)
    kr.activate('language 1\n' + ''.join(f'release to-{name} if tlp <= green and onward to {name}\n' for name in names))
    add_timed(kr, corpus(base, 'objects', max(objects, 3000)))
    return [kr.token(name, '--audience', name) for name in names]


def compare(base, kr, tokens, pages, path, other):
    """Each size, with and without TLS, as it is and packed, beside nginx on the same core."""
    plain, tls, net = free_port(), free_port(), free_port()
    scripts = {}
    for coding in ('identity', 'gzip'):
        scripts[coding] = str(base / f'{coding}.lua')
        pathlib.Path(scripts[coding]).write_text(WRK.format(
            tokens=', '.join(f'"{token}"' for token in tokens), media=TAXII, coding=coding), encoding='ascii')
    with nginx(base, pages, plain, tls) as master:
        files = [(count, coding) for count in PAGES for coding in ('identity', 'gzip')]
        names = [str(base / 'www' / (f'{count}.gz' if coding == 'gzip' else f'{count}')) for count, coding in files]
        with bench_net(names, net) as server:
            workers = children(master)
            for number, (count, coding) in enumerate(files):
                note = f'{count} objects, {len(pages[count][coding])} bytes, {coding}, 8 connections'
                against(f'taxii_{count}_tls_{coding}',
                        (f'https://127.0.0.1:{kr.port}{path}{count}', scripts[coding], role_of(kr, 'edge')),
                        (f'https://127.0.0.1:{tls}/{count}', scripts[coding], workers),
                        f'{note}, {READERS} identities, a rule each; floor: nginx, the same bytes; both on core 0, wrk on core 1')
                against(f'taxii_{count}_plain_{coding}', (f'http://127.0.0.1:{net}/{number}', scripts[coding], [server]),
                        (f'http://127.0.0.1:{plain}/{count}', scripts[coding], workers),
                        f'{note}; the server of src/net alone: a node does not listen without TLS; floor: nginx, sendfile')
        link = http.client.HTTPSConnection('127.0.0.1', tls, context=ssl._create_unverified_context())
        return sorted(fetch(link, '/1000', '')[0] for _ in range(100)), {link.sock.cipher()[0], other.sock.cipher()[0]}


def bench_taxii(base, objects):
    base.chmod(0o755)
    kr = live.Node(BUILD, base, 'kr', 'KR')
    kr.serve(cpus='0')
    tokens = readers_of(base, kr, objects)
    path = '/api/collections/release/objects/?limit='
    link = http.client.HTTPSConnection('127.0.0.1', kr.port, context=ssl._create_unverified_context())
    live.wait_until(lambda: all(fetch(link, path + '1000', token)[2].count(b'"spec_version"') >= 1000 for token in tokens))
    core = role_of(kr, 'core') + role_of(kr, 'edge')
    before = processor_seconds(core)
    first = sorted(fetch(link, f'{path}1000&added_after={1900 + k}-01-01T00:00:00Z', tokens[0])[0]  # nobody asked for these
                   for k in range(100))
    spent = (processor_seconds(core) - before) * 10
    pages = {count: {coding: fetch(link, f'{path}{count}', tokens[0], coding)[2] for coding in ('identity', 'gzip')}
             for count in PAGES}
    static, ciphers = compare(base, kr, tokens, pages, path, link)
    link.close()  # idle for longer than the node keeps a connection; the next request opens another
    packing = sorted(fetch(link, f'{path}1000&added_after={1800 + k}-01-01T00:00:00Z', tokens[0], 'gzip')[0] for k in range(20))
    row('taxii_page_first', first[50] * 1000, 'ms', static[50] * 1000, static[50] / first[50],
        f'a page that nobody asked for before, median of 100, one connection; processor of core and edge {spent:.1f} ms; packed '
        f'by gzip besides {packing[10] * 1000:.1f} ms; floor: nginx TLS ({" and ".join(sorted(ciphers))}), the same client')
    kr.stop()


def free_port():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def last_begins(ask, first, now):
    """An added_after behind which the last page stands, nearly full: dates in a view are unique and rise."""
    low, high = first, now
    while True:
        middle = (low + high) // 2
        page = json.loads(ask(f'&added_after={stamp(middle)}')[2])
        count = len(page.get('objects', []))
        if not page.get('more') and count >= 900:
            return middle, count
        if page.get('more'):
            low = middle
        else:
            high = middle


def stamp(microseconds):
    whole, part = divmod(microseconds, 1000000)
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole)) + f'.{part:06d}Z'


def bench_pages(base, objects):
    """Does a page cost the same wherever it stands? Pages that nobody asked for before, the first and the last of a view."""
    kr = live.Node(BUILD, base, 'kr', 'KR')
    kr.serve()
    kr.activate()
    kr.do('source', 'add', 'feed')
    kr.do('peer', 'add-taxii', 'jp', '--country', 'JP')
    kr.do('peer', 'start', 'jp')
    began = int(time.time() * 1000000)
    path = corpus(base, 'objects', objects)
    took = add_timed(kr, path)
    pathlib.Path(path).unlink()
    live.wait_until(lambda: kr.status()[1]['jp']['released'] >= objects, seconds=7200, every=2)
    token = kr.token('jp', '--audience', 'jp')
    link = http.client.HTTPSConnection('127.0.0.1', kr.port, context=ssl._create_unverified_context(), timeout=600)

    def ask(query):
        return fetch(link, f'/api/collections/release/objects/?limit=1000{query}', token)
    # What nobody polled for is signed a stretch at a time as readers come: a page of the end stands behind all of it.
    live.wait_until(lambda: ask('')[1] == 200 and kr.status()[1]['jp']['ledger_visible'] >= objects, seconds=600)
    last, count = last_begins(ask, began, int(time.time() * 1000000))
    times = {'first': [], 'last': []}
    for k in range(1, 42):  # in turns, so that both have the same weather
        times['first'].append(ask(f'&added_after={stamp(began - k)}')[0] * 1000)
        times['last'].append(ask(f'&added_after={stamp(last - k)}')[0] * 1000)
    first, end = (sorted(times[name])[20] for name in ('first', 'last'))
    row('taxii_page_last', end, 'ms', first, end / first,
        f'the last {count} of {objects} objects, taken in in {took:.0f} s, against the first 1,000, pages nobody asked for '
        'before, medians of 41; the aim is at most 1.5')
    kr.stop()


def bench_export(base, objects):
    """What a view shows, written as events, each page of it past the guard's reader; beside it the same objects as lines."""
    kr = live.Node(BUILD, base, 'kr', 'KR')
    kr.serve()
    kr.activate()
    kr.do('source', 'add', 'feed')
    kr.do('peer', 'add-taxii', 'reader', '--country', 'JP')
    kr.do('peer', 'start', 'reader')
    add_timed(kr, corpus(base, 'objects', objects))
    live.wait_until(lambda: kr.status()[0]['settled'])
    took = {'misp': [], 'lines': []}
    for number in range(3):
        for what, words in (('lines', ('export', '--format', 'lines')),
                            ('misp', ('misp', 'export', 'reader', base / f'feed{number}'))):
            began = time.monotonic()
            kr.do(*map(str, words))
            took[what].append(time.monotonic() - began)
    misp, lines = (sorted(took[what])[1] for what in ('misp', 'lines'))
    shown = kr.status()[1]['reader']['released']
    row('misp_export', shown / misp, 'objects/s', shown / lines, lines / misp,
        f'a view of {shown} objects as a directory of events, median of 3; floor: bongsu export of {objects} as lines')
    kr.stop()


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
    what = {'sync': bench_sync, 'vouched': bench_vouched, 'latency': bench_latency, 'recall': bench_recall, 'taxii': bench_taxii,
            'pages': bench_pages, 'export': bench_export, 'size': bench_size}[sys.argv[1]]
    base = pathlib.Path(sys.argv[2]).resolve()
    base.mkdir(parents=True, exist_ok=True)
    what(base, int(sys.argv[3]) if len(sys.argv) > 3 else 200000)


if __name__ == '__main__':
    main()
