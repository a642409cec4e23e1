#!/usr/bin/env python3
"""tests/scenario/pulls.py [--one-process]: a node reads real servers on a schedule and loses nothing, and gives them a view.

The servers: another bongsu by TAXII 2.1; medallion (memory backend) and OpenTAXII (SQLite) from PyPI, started as they are; the
medallion of TAXII 2.0; medallion behind an nginx that wants a client certificate; a live stream as OpenCTI's; a folder of MISP
events and a bundle behind Python's file server. Those of others (servers.py) are skipped by name where they are not installed
(scripts/setup --test).
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import ssl
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

from node import Node, Report, wait_for
from servers import (FORM_20, NGINX_PROGRAM, PASSWORD, READER, TAXII, VENV, VENV_20, Authority, Breaking, Stream, file_server,
                     indicator, medallion, nginx, openssl, opentaxii, post_20)

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPENCTI = 'extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba'
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT / '..' / 'shared' / 'data'))


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


# --- what is looked at ---

def look_taxii(report, node, name, child, base, collection, counts, *credentials):
    if not report.check(f'{name}: the server runs', child.up, child.said()):
        return
    declare(report, node, name, 'taxii21', base, '--collection', collection, *credentials)
    got = settled(node, name)
    report.equal(f'{name}: all arrive, and once', (got.get('new'), got.get('refused'), got.get('error')), (*counts, None))
    got = again(node, name)
    report.equal(f'{name}: nothing is new the next time', (got.get('new'), got.get('error')), (counts[0], None))


# --- TAXII 2.0 ---

def old(kind, number, **more):
    """An object of STIX 2.0: no spec_version, and words that 2.1 has no longer."""
    return {'type': kind, 'id': f'{kind}--00000020-0000-4000-8000-{number:012x}', 'created': '2017-01-01T00:00:00.000Z',
            'modified': '2017-01-01T00:00:00.000Z', **more}


def old_objects(count, first=0):
    """Indicators; every tenth is a malware, which the one before it indicates."""
    made = []
    for number in range(first, first + count):
        if number % 10 == 8:
            made.append(old('malware', number, labels=['trojan'], name=f'trojan {number}'))
        elif number % 10 == 9:
            made.append(old('relationship', number, relationship_type='indicates', target_ref=made[-1]['id'],
                            source_ref=made[-2]['id']))
        else:
            made.append(old('indicator', number, labels=['malicious-activity'], valid_from='2017-01-01T00:00:00Z',
                            pattern=f"[ipv4-addr:value = '198.51.100.{number}']"))
    return made


def look_taxii20(report, node, child, base, collection, there, *credentials):
    """medallion 1.1 insists on `Range: items=`, leaves the last item of every range out, and knows nothing of STIX 2.1."""
    name = 'medallion20'
    if not report.check(f'{name}: the server runs', child.up, child.said()):
        return
    node.must('source', 'add', name, '--profile', 'lenient', '--because', 'it speaks STIX 2.0')
    declare(report, node, name, 'taxii20', base, '--collection', collection, *credentials)
    got = settled(node, name)
    report.equal(f'{name}: all arrive, and once', (got.get('new'), got.get('refused'), got.get('error')), (len(there), 0, None))
    report.check(f'{name}: in several pages', got.get('calls', 0) > 3, got)
    look_old(report, node, name, there)
    calls = got.get('calls')
    got = again(node, name)
    report.equal(f'{name}: nothing is new the next time, which costs one call',
                 (got.get('new'), got.get('calls'), got.get('error')), (len(there), calls + 1, None))
    later = old_objects(60, 200)
    report.equal(f'{name}: it takes more', post_20(base, collection, later), len(later))
    got = again(node, name)
    report.equal(f'{name}: what is added later arrives, and once', (got.get('new'), got.get('refused'), got.get('error')),
                 (len(there) + len(later), 0, None))
    look_old(report, node, name, [*there, *later])
    newer = [indicator(number, 0x21) for number in range(5)]
    report.equal(f'{name}: it takes STIX 2.1 as well', post_20(base, collection, newer), len(newer))
    got = again(node, name)
    report.equal(f'{name}: STIX 2.1 among it arrives', (got.get('new'), got.get('refused')),
                 (len(there) + len(later) + len(newer), 0))
    copies = node.copies(newer[0]['id'])
    report.check(f'{name}: and stays as it is', copies and json.loads(copies[-1]['object']) == newer[0], copies)


def look_old(report, node, name, wanted):
    """What is held of it is STIX 2.1 with the same content, and its references go to what is held."""
    lines = node.run('export', '--source', name, '--format', 'lines', json_too=False).err.splitlines()
    held = {obj['id']: obj for obj in map(json.loads, lines)}
    report.check(f'{name}: each is STIX 2.1 now', all(obj['spec_version'] == '2.1' for obj in held.values()))
    for kind, member in (('indicator', 'pattern'), ('malware', 'name')):
        report.equal(f'{name}: every {kind} is there, once', sorted(obj[member] for obj in held.values() if obj['type'] == kind),
                     sorted(obj[member] for obj in wanted if obj['type'] == kind))
    pairs = [(held.get(obj['source_ref'], {}).get('pattern'), held.get(obj['target_ref'], {}).get('name'))
             for obj in held.values() if obj['type'] == 'relationship']
    names = {obj['id']: obj.get('pattern', obj.get('name')) for obj in wanted}
    report.equal(f'{name}: relationships follow to what their ends became', sorted(map(repr, pairs)),
                 sorted(repr((names[obj['source_ref']], names[obj['target_ref']])) for obj in wanted
                        if obj['type'] == 'relationship'))


# --- client certificates ---

def look_certificates(report, node, folder, children, *credentials):
    """nginx answers 400 to who shows no certificate, or a wrong one; others break off, in the handshake or just behind it."""
    authority = Authority(tempfile.mkdtemp(dir=folder))
    for name in ('server', 'client'):
        authority.sign(name)
    authority.make('stranger', '-x509', '-days', '2')
    objects = [indicator(number, 9) for number in range(60)]
    children.append(medallion(folder, objects))
    behind, collection = children[-1][1:]
    children.append(nginx(authority, behind[:-len('/api1/')]))
    child, base = children[-1]
    if not report.check('certificates: nginx runs', child.up, child.said()):
        return
    server, files = file_server(folder, authority.server_context())
    with open(os.path.join(folder, 'one.json'), 'w', encoding='ascii') as file:
        json.dump(indicator(0, 8), file)
    for who in (None, 'stranger', 'client'):
        words = () if who is None else ('--cert', authority.path(f'{who}.pem'), '--key', authority.path(f'{who}.key'))
        for kind, url, more, new in (('taxii21', base + 'api1/', ('--collection', collection, *credentials), len(objects)),
                                     ('stix', files + 'one.json', (), 1)):
            name = f'{kind}-{who or "nobody"}'
            declare(report, node, name, kind, url, '--ca', authority.path('ca.pem'), *more, *words)
            got = settled(node, name)
            told = (got.get('new'), got.get('error'), 'client certificate' in got.get('trouble', ''),
                    '--cert' in got.get('what_next', ''))
            wanted = (new, None, False, False) if who == 'client' else (0, 'denied', True, True)
            how = 'all arrives' if who == 'client' else 'refused, and told why'
            report.check(f'certificates: {name}: {how}', told == wanted, got)
    server.shutdown()
    authority.sign('other', 'DNS:other.example')
    server, files = file_server(folder, authority.server_context('other'))
    declare(report, node, 'misnamed', 'stix', files + 'one.json', '--ca', authority.path('ca.pem'), *words)
    got = settled(node, 'misnamed')
    report.equal('certificates: a server under another name is not asked', (got.get('new'), got.get('error')), (0, 'denied'))
    server.shutdown()
    refused = node.run('feed', 'add', 'mixed', '--kind', 'stix', '--url', files, '--private', '--cert',
                       authority.path('client.pem'), '--key', authority.path('stranger.key'))
    report.check("certificates: another's key is refused at once", not refused.good and 'key is not' in refused.err, refused)


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
    pem = openssl('s_client', '-connect', f'127.0.0.1:{far.port}', '-showcerts')
    der = openssl('pkey', '-pubin', '-outform', 'DER', given=openssl('x509', '-pubkey', '-noout', given=pem))
    pin = hashlib.sha256(der).hexdigest()
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
    kept = os.path.join(node.dir, 'feeds', 'feed-bongsu.json')
    report.equal('the token stands apart from the keys, for the edge to read and no one else',
                 (oct(os.stat(kept).st_mode & 0o777), oct(os.stat(os.path.dirname(kept)).st_mode & 0o007)), ('0o640', '0o0'))
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


def look_hashes(report, node, server_folder, base):
    """A folder with events and hashes.csv alone; then the node dies in the midst of a run, which goes on at the next start."""
    folder = pathlib.Path(server_folder, 'hashes')
    folder.mkdir()

    def put(number, value):
        name = f'5eed0000-0000-4000-8000-{number:012x}'
        event = {'uuid': name, 'info': f'event {number}', 'date': '2026-01-01', 'timestamp': '1767225600', 'published': True,
                 'distribution': '3', 'Attribute': [{'uuid': f'5eed0000-0000-4000-8001-{number:012x}', 'type': 'domain',
                                                     'value': value, 'to_ids': True, 'timestamp': '1767225600'}]}
        (folder / f'{name}.json').write_text(json.dumps({'Event': event}), encoding='ascii')
        return f'{hashlib.md5(value.encode()).hexdigest()},{name}\n'

    rows = [put(number, f'a{number}.example') for number in range(4)]
    (folder / 'hashes.csv').write_text(''.join(rows), encoding='ascii')
    declare(report, node, 'hashes', 'misp', base + 'hashes/', '--every', '1d')
    got = settled(node, 'hashes')
    report.equal('hashes.csv: the events that it names are fetched', (got.get('calls'), got.get('error'), got.get('refused')),
                 (2 + len(rows), None, 0))
    report.check('hashes.csv: what is not seen that way is told', 'no manifest.json' in got.get('trouble', ''), got)
    got = again(node, 'hashes')
    report.equal('hashes.csv: nothing changed', got.get('calls'), 4 + len(rows))
    held = got.get('new', 0)
    time.sleep(1.1)  # Last-Modified counts seconds
    slow = put(9, 'b.example')
    os.remove(folder / slow.split(',')[1].replace('\n', '.json'))
    os.mkfifo(folder / slow.split(',')[1].replace('\n', '.json'))  # whoever reads it waits
    (folder / 'hashes.csv').write_text(''.join(rows) + slow, encoding='ascii')
    node.must('feed', 'run', 'hashes')
    wait_for(lambda: show(node, 'hashes').get('state') == 'running', 60, 0.1)
    wait_for(lambda: show(node, 'hashes').get('calls', 0) >= 7 + len(rows), 60, 0.1)
    node.kill('parent')
    os.remove(folder / slow.split(',')[1].replace('\n', '.json'))
    put(9, 'b.example')
    report.check('a run that was cut is told by a stopped node', 'cut off' in show(node, 'hashes').get('cut', ''))
    node.start()
    wait_for(lambda: 'cut' not in show(node, 'hashes'), 90, 0.3)
    got = show(node, 'hashes')
    report.check('and it went on, a day before its time', got.get('error') is None and got.get('new', 0) > held and
                 'its last run was cut off' in node.said(), got)
    node.must('feed', 'remove', 'hashes')


def look_breaks(report, node, folder):
    """Bodies that end with their connection: what is JSON must close, TLS must end in form, a list has no end of its own."""
    authority = Authority(tempfile.mkdtemp(dir=folder))
    authority.sign('server')
    context = authority.server_context()
    context.verify_mode = ssl.CERT_NONE
    bundle = json.dumps({'objects': [indicator(number, 10) for number in range(20)]}).encode()
    listed = ''.join(f'198.51.100.{number}\n' for number in range(1, 21)).encode()
    for name, kind, server, body, cut, error in (
            ('plain-whole', 'stix', Breaking(), bundle, False, None),
            ('plain-half', 'stix', Breaking(), bundle[:2000], False, 'closed'),
            ('tls-whole', 'stix', Breaking(context), bundle, False, None),
            ('tls-half', 'stix', Breaking(context), bundle[:2000], False, 'closed'),
            ('tls-list', 'list', Breaking(context), listed, False, None),
            ('tls-list-cut', 'list', Breaking(context), listed[:-40], True, 'closed')):
        server.body, server.cut = body, cut
        words = ('--ca', authority.path('ca.pem')) if server.context else ()
        declare(report, node, name, kind, server.url, *words)
        got = settled(node, name)
        report.equal(f'an answer without a length, {name}', (got.get('error'), got.get('new', 0) + got.get('duplicate', 0) > 0),
                     (error, error is None))
        node.must('feed', 'remove', name)
        server.end()


def extended(number, **more):
    """As OpenCTI sends it: with its own extension, whose updated_at is what it calls the object's change."""
    return indicator(number, 3, extensions={OPENCTI: {'extension_type': 'property-extension', 'type': 'Indicator',
                                                      'id': f'{number:08x}-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'is_inferred': False,
                                                      'updated_at': '2026-01-01T00:00:00.000Z'}}, **more)


def counts(node, feed, *names):
    """Waits until the counts are these; what they are then."""
    wait_for(lambda: all(show(node, feed).get(name) == wanted for name, wanted in names), 60, 0.2)
    got = show(node, feed)
    return tuple((name, got.get(name)) for name, _ in names)


def tagged(node, tag):
    return {line['id'] for line in node.run('find', '--tag', tag, '--limit', '1000', '--wait').lines if 'id' in line}


def look_opencti(report, node, folder):
    stream = Stream()
    secret = os.path.join(folder, 'opencti.token')
    with open(secret, 'w', encoding='ascii') as file:
        file.write(Stream.TOKEN)
    objects = [extended(number) for number in range(20)]
    names = [obj['id'] for obj in objects]
    for obj in objects:
        stream.put('create', obj)
    declare(report, node, 'opencti', 'opencti', stream.url, '--token-file', secret)

    def look(what, *wanted):
        report.equal(f'opencti: {what}', counts(node, 'opencti', *wanted), wanted)

    look('what was created is taken in', ('new', 20), ('refused', 0))
    report.check('opencti: byte for byte, with its extension', json.loads(node.copies(names[0])[-1]['object']) == objects[0])
    stream.put('update', extended(0, modified='2026-02-01T00:00:00.000Z', labels=['changed']), {
        'patch': [{'op': 'add', 'path': '/labels/0', 'value': 'changed'}],
        'reverse_patch': [{'op': 'remove', 'path': '/labels/0'}]})
    stream.put('delete', objects[1])
    stream.put('merge', extended(2, modified='2026-02-01T00:00:00.000Z'), {'sources': [objects[3], objects[4]], 'deletions': []})
    look('update, delete and merge', ('new', 22), ('withdrawn', 3), ('state', 'running'))
    report.equal('opencti: the deleted one is tagged so, and held', (tagged(node, 'feed.deleted'), len(node.copies(names[1]))),
                 ({names[1]}, 1))
    report.equal('opencti: those that were merged are tagged so', tagged(node, 'feed.merged'), {names[3], names[4]})
    stream.put('create', objects[1])  # it may be seen again
    stream.put('update', extended(3, modified='2026-03-01T00:00:00.000Z'))
    look('what comes again is taken in', ('new', 23), ('duplicate', 1))
    report.equal('opencti: and is tagged no longer', (tagged(node, 'feed.deleted'), tagged(node, 'feed.merged')),
                 (set(), {names[4]}))
    report.equal('opencti: the whole was asked for first, and deletions', [stream.asked[0].get(name) for name in (
        'from', 'listen-delete', 'accept', 'recover-date')], ['0-0', 'true', 'text/event-stream', None])
    look_resume(report, node, stream, look)
    recovered = Stream()
    recovered.put('create', extended(200))
    declare(report, node, 'recovers', 'opencti', recovered.url, '--token-file', secret, '--from', '2026-01-31T00:00:00Z')
    report.equal('opencti: --from', counts(node, 'recovers', ('new', 1)), (('new', 1),))
    report.equal('opencti: recovers from that time', recovered.asked[0].get('recover-date'), '2026-01-31T00:00:00Z')
    recovered.end()
    node.must('feed', 'remove', 'recovers')


def look_resume(report, node, stream, look):
    """Behind the last event that was taken in: after a restart, after the server ended the session; and what it refuses with."""
    last, before = stream.last(), len(stream.asked)
    node.stop()
    stream.put('create', extended(99))
    node.start()
    look('a restart goes on behind the last event', ('new', 24), ('duplicate', 1))
    report.equal('opencti: it named that event', (stream.asked[before].get('from'), stream.asked[before].get('last-event-id')),
                 (last, last))
    last, before = stream.last(), len(stream.asked)
    stream.end_sessions()
    report.check('opencti: the end of a session is told', wait_for(lambda: 'the server ended the stream' in node.said(), 60, 0.2))
    stream.put('create', extended(100))
    node.run('feed', 'run', 'opencti')  # where it does not go on by itself already
    look('and the next one goes on', ('new', 25), ('duplicate', 1))
    report.equal('opencti: from where the last one ended', stream.asked[before].get('last-event-id'), last)
    for status, error, words in ((410, 'wrongstate', 'has been stopped'), (401, 'denied', 'other credentials')):
        stream.status = status
        stream.end_sessions()
        wait_for(lambda: node.run('feed', 'run', 'opencti') and words in show(node, 'opencti').get('trouble', ''), 90, 0.5)
        got = show(node, 'opencti')
        report.check(f'opencti: {status} is told', got.get('error') == error and words in got.get('trouble', ''), got)
    stream.end()


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
    report.check('removed, and its credentials', not os.path.exists(os.path.join(node.dir, 'feeds', 'feed-bongsu.json'))
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
        refused = node.run('feed', 'add', 'inside', '--kind', 'stix', '--url', base + 'nothing.json')
        told = not refused.good and '--private' in refused.err
        report.check('a private address is refused unless it is declared', told, refused)
        by_name = base.replace('127.0.0.1', '127.1')  # no address in form, and one when it is asked for
        node.run('feed', 'add', 'inside', '--kind', 'stix', '--url', by_name + 'nothing.json')
        report.equal('... also behind a name', settled(node, 'inside').get('error'), 'denied')
        report.equal('what is not there is told', settled(node, 'first').get('error'), 'notfound')
        wanted = look_bongsu(report, node, folder, one_process)
        password = os.path.join(folder, 'reader')
        with open(password, 'w', encoding='ascii') as file:
            file.write(PASSWORD + '\n')
        credentials = ('--user', READER, '--password-file', password)
        if VENV.exists():
            children.append(medallion(folder, [indicator(number, 4) for number in range(120)]))
            look_taxii(report, node, 'medallion', *children[-1], (120, 0), *credentials)
            children.append(opentaxii(folder, [indicator(number, 5) for number in range(230)]))
            # 0.9.3 answers with the type where spec_version belongs: every object is read, refused for that, and kept.
            look_taxii(report, node, 'opentaxii', *children[-1], (0, 230), '--limit', '50')
            kept = [line for line in node.run('quarantine', 'list').lines if line.get('source') == 'opentaxii']
            report.equal('opentaxii: what is wrong with them is said, and their bytes are kept',
                         (len(kept), {line.get('pointer') for line in kept}), (230, {'/spec_version'}))
            login = f'{READER}:{PASSWORD}'
            look_push(report, node, 'medallion', *children[0][1:], wanted, *credentials, user=login)
            # It keeps the objects, then cannot write its status (a UUID is no JSON) and answers 500: its manifest tells.
            look_push(report, node, 'opentaxii', *children[1][1:], wanted)
            look_push_again(report, node, folder, wanted,
                            {'medallion': (*children[0][1:], login), 'opentaxii': (*children[1][1:], None)})
            if NGINX_PROGRAM:
                look_certificates(report, node, folder, children, *credentials)
            else:
                report.skip('client certificates', 'nginx is not there: scripts/setup --test')
        else:
            report.skip('medallion and OpenTAXII', 'build/venv-servers is not there: scripts/setup --test')
        if VENV_20.exists():
            there = old_objects(130)
            children.append(medallion(folder, there, FORM_20))
            look_taxii20(report, node, *children[-1], there, *credentials)
        else:
            report.skip('medallion of TAXII 2.0', 'build/venv-taxii20 is not there: scripts/setup --test')
        look_echo(report, node, folder, server_folder, base)
        look_misp(report, node, server_folder, base)
        look_hashes(report, node, server_folder, base)
        look_breaks(report, node, folder)
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
