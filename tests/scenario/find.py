#!/usr/bin/env python3
"""Searching through the command line: every answer of find is compared with a plain scan over the same objects.

    tests/scenario/find.py [PROGRAM]

The scan knows nothing of the program: ipaddress, unicodedata and loops. Standard library only. Ends with "N passed, N failed,
N skipped".
"""
import csv
import hashlib
import io
import ipaddress
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import unicodedata

from test_cli import CAMPAIGN, PROGRAM, ROOT, Place, check, counted, skip

DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT.parent / 'shared' / 'data'))
NO_TEXT = {'id', 'type', 'spec_version', 'created', 'modified', 'pattern_type', 'pattern', 'payload_bin', 'url', 'cpe',
           'serial_number'}
VALUES = {'value', 'name', 'aliases', 'x_mitre_aliases', 'external_id', 'url', 'key', 'path', 'command_line', 'display_name',
          'user_id', 'account_login', 'cpe', 'serial_number', 'issuer', 'subject'}
STAMP = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$')
DOMAIN = re.compile(r'[a-z0-9_-]+(\.[a-z0-9_-]+)*\.[a-z][a-z0-9_-]*\.?')
ID = re.compile(r'[a-z0-9-]+--[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$')


# --- the plain scan ---

def strings(value, name='', hashes=False):
    """(name, inside a hashes dictionary, text) of every string below."""
    if isinstance(value, str):
        yield name, hashes, value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, name, hashes)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, key, hashes or name == 'hashes')


def literals(pattern):
    """What the pattern compares with, not negated, by = or IN."""
    for m in re.finditer(r"(NOT\s+)?(!=|=|\bIN\s*\(|\bLIKE|\bMATCHES)\s*((?:'(?:\\.|[^'\\])*'\s*,?\s*)+)", pattern):
        if m[1] or m[2] in ('!=', 'LIKE', 'MATCHES'):
            continue
        for text in re.findall(r"'((?:\\.|[^'\\])*)'", m[3]):
            yield re.sub(r'\\(.)', r'\1', text)


def values(thing):
    for name, hashes, text in strings(thing):
        if not hashes and name in VALUES:
            yield text.strip()
        if name == 'pattern' and thing.get('pattern_type', 'stix') == 'stix':
            yield from literals(text)


def host(text):
    m = re.match(r'[^/]{1,13}://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)', text)
    if m:
        return m[1].strip('[]')
    return text.split('@', 1)[1] if '@' in text else text


def network(text):
    try:
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if net.version == 6 and net.prefixlen >= 96 and net.network_address.ipv4_mapped:
        net = ipaddress.ip_network((net.network_address.ipv4_mapped, net.prefixlen - 96), strict=False)
    return net


def fold(text):
    """Without accents, in lower case; Hangul composed."""
    text = ''.join(c for c in unicodedata.normalize('NFD', text) if not 0x300 <= ord(c) <= 0x36f)
    return unicodedata.normalize('NFC', text).lower()


def has_word(text, word):
    """Latin words as a whole, Hangul anywhere."""
    text, word = fold(text), fold(word)
    if re.search('[가-힣]', word):
        return word in text
    return re.search(r'(?<![a-z0-9])' + re.escape(word) + r'(?![a-z0-9])', text) is not None


def texts(thing):
    if thing.get('pattern_type', 'stix') != 'stix':
        yield thing['pattern']
    for name, hashes, text in strings(thing):
        if not (hashes or name in NO_TEXT or name.endswith(('_ref', '_refs')) or ID.match(text) or STAMP.match(text)):
            yield text


class Scan:
    """Objects as they were handed in, by source; only what stands: the newest version of what is versioned."""

    def __init__(self):
        self.things = []  # (source, object)

    def add(self, source, things):
        self.things += [(source, thing) for thing in things]

    def current(self):
        newest = {}
        for _, thing in self.things:
            version = thing.get('modified') or thing.get('created') or ''
            newest[thing['id']] = max(newest.get(thing['id'], ''), version)
        return [(s, t) for s, t in self.things if (t.get('modified') or t.get('created') or '') == newest[t['id']]]

    def ids(self, good, source=None):
        return {t['id'] for s, t in self.current() if (source is None or s == source) and good(t)}

    def near(self, asked):
        net = ipaddress.ip_network(asked)

        def good(thing):
            for text in values(thing):
                other = network(host(text)) or network(text)
                if other and other.version == net.version and (other.subnet_of(net) or net.subnet_of(other)):
                    return True
            return False
        return self.ids(good)

    def below(self, domain):
        return self.ids(lambda t: any(('.' + d.rstrip('.')).endswith('.' + domain)
                                      for v in values(t) for d in [host(v).lower()] if DOMAIN.fullmatch(d)))

    def digest(self, text):
        wanted = text.lower()
        return self.ids(lambda t: any(v.lower() == wanted for v in values(t)) or
                        any(h and text_.lower() == wanted for _, h, text_ in strings(t)))

    def word(self, *words):
        return self.ids(lambda t: all(any(has_word(x, w) for x in texts(t)) for w in words))


# --- looks ---

def found(place, node, *words):
    status, out, err = place.run('find', *words, '--limit', '1000000', '--json', '--dir', node)
    lines = [json.loads(line) for line in out.splitlines()]
    return {line['id'] for line in lines if 'id' in line} if status == 0 else (status, err)


def same(place, node, wanted, *words):
    got = found(place, node, *words)
    good = got == wanted
    detail = got
    if not isinstance(got, tuple):
        detail = f'{len(got)}, not {len(wanted)}: lacks {sorted(wanted - got)[:3]}, has {sorted(got - wanted)[:3]}'
    check('find ' + ' '.join(words), good, detail)
    return len(wanted)


def objects_of(path):
    text = path.read_text()
    try:
        whole = json.loads(text)
        return whole['objects'] if 'objects' in whole else [whole]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


CAMPAIGN_FILES = [('kr-cert.json', 'kr-cert'), ('kr-sensor.json', 'kr-sensor'), ('kr-update.json', 'kr-cert'),
                  ('kr-feed-unmarked.jsonl', 'feed')]


def campaign(place):
    """The sample campaign, whose texts are Korean."""
    scan = Scan()
    place.make('kr', 'KR')
    for name, source in CAMPAIGN_FILES:
        place.run('add', CAMPAIGN / name, '--source', source, '--dir', 'kr')
        scan.add(source, objects_of(CAMPAIGN / name))
    same(place, 'kr', scan.word('공격'), '--text', '공격')  # of a node that does not run
    place.start('kr')
    everything = scan.ids(lambda t: True)
    seen = 0
    for kind in sorted({t['type'] for _, t in scan.things}):
        seen += same(place, 'kr', scan.ids(lambda t, kind=kind: t['type'] == kind), '--type', kind)
    check('every type was found', seen == len(everything), f'{seen} of {len(everything)}')
    same(place, 'kr', everything)
    for source in ('kr-cert', 'kr-sensor', 'feed'):
        same(place, 'kr', scan.ids(lambda t: True, source), '--source', source)
    for label in sorted({x for _, t in scan.things for x in t.get('labels', [])}):
        same(place, 'kr', scan.ids(lambda t, label=label: label in t.get('labels', [])), '--label', label)
    for sector in sorted({x for _, t in scan.things for x in t.get('sectors', [])}):
        same(place, 'kr', scan.ids(lambda t, sector=sector: sector in t.get('sectors', [])), '--sector', sector)
    networks = sorted({str(n) for _, t in scan.things for v in values(t) for n in [network(host(v))] if n})
    check('the sample has addresses', len(networks) > 3, networks)
    for net in networks + ['198.51.100.0/24', '203.0.113.0/25', '0.0.0.0/0', '::/0', '2001:db8::/32']:
        same(place, 'kr', scan.near(net), net)
    hits = 0
    for domain in sorted({host(v).lower() for _, t in scan.things for v in values(t) if '.' in host(v)}):
        if re.fullmatch(r'[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+', domain):
            for top in (domain, domain.split('.', 1)[1], domain.rsplit('.', 1)[1]):
                hits += same(place, 'kr', scan.below(top), '.' + top)
    check('domains were found', hits > 10, hits)
    for digest in sorted({x for _, t in scan.things for _, h, x in strings(t) if h}):
        same(place, 'kr', scan.digest(digest), digest)
        same(place, 'kr', scan.digest(digest), digest.upper() if digest == digest.lower() else digest.lower())
    korean = sorted({w for _, t in scan.things for x in texts(t) for w in re.findall('[가-힣]{2,}', x)})
    check('the sample has Korean words', len(korean) > 50, len(korean))
    for word in random.Random(1).sample(korean, 25):
        same(place, 'kr', scan.word(word[:2]), '--text', word[:2])
        same(place, 'kr', scan.word(word), '--text', unicodedata.normalize('NFD', word))
    latin = sorted({w.lower() for _, t in scan.things for x in texts(t) for w in re.findall('[A-Za-z]{4,}', x)})
    for word in random.Random(2).sample(latin, 15):
        same(place, 'kr', scan.word(word), '--text', word.upper())
    same(place, 'kr', scan.word('공격', '장비'), '--text', '공격 장비')
    same(place, 'kr', set(), '--text', '없는낱말입니다')
    for level, uuid in (('tlp:clear', '94868c89-83c2-464b-929b-a1a8aa3c8487'),
                        ('tlp:red', 'e828b379-4e03-4974-9ac4-e53a884c97c1')):
        ref = 'marking-definition--' + uuid
        marked = scan.ids(lambda t, ref=ref: ref in t.get('object_marking_refs', []) or
                          any(g.get('marking_ref') == ref for g in t.get('granular_markings', [])))
        same(place, 'kr', marked, '--marking', ref)
        check(f'{level} finds at least these', marked <= found(place, 'kr', '--marking', level))
    return scan


def combined(place, scan):
    malware = next(t for _, t in scan.current() if t['type'] == 'malware')
    place.run('tag', 'add', malware['id'], 'share:all', '--dir', 'kr')
    same(place, 'kr', {malware['id']}, '--tag', 'share:all')
    same(place, 'kr', set(), '--tag', 'share:none')
    same(place, 'kr', scan.ids(lambda t: t['type'] == 'malware', 'kr-cert'), '--type', 'malware', '--source', 'kr-cert',
         '--owner', 'kr-cert')
    same(place, 'kr', set(), '--until', '2020-01-01')
    same(place, 'kr', scan.ids(lambda t: t['type'] == 'malware'), '--since', '2020-01-01', '--type', 'malware')
    for name in ('created', 'modified'):
        times = sorted(t[name] for _, t in scan.current() if name in t)
        then = times[len(times) // 2]
        since = scan.ids(lambda t, name=name, then=then: t.get(name, '') >= then)
        same(place, 'kr', since, f'--{name}-since', then)
        same(place, 'kr', scan.ids(lambda t, name=name: name in t) - since, f'--{name}-until', then)
    starts = sorted(t['valid_from'] for _, t in scan.current() if t['type'] == 'indicator')
    then = starts[len(starts) // 2]
    same(place, 'kr', scan.ids(lambda t: t['type'] == 'indicator' and t['valid_from'] <= then < t.get('valid_until', '9')),
         '--type', 'indicator', '--valid-at', then)
    place.expect(2, 'valid-at is no time', 'find', '--valid-at', 'noon', '--dir', 'kr')
    values_ = [t['value'] for _, t in scan.things if t['type'] == 'domain-name']
    same(place, 'kr', scan.ids(lambda t: any(host(v).lower() in values_ for v in values(t))), *values_)
    # A second source that says the same is named beside the first.
    text = json.dumps(malware)
    place.run('add', '-', '--source', 'second', '--dir', 'kr', given=text.encode())
    lines = place.lines('find', malware['name'], '--type', 'malware', '--dir', 'kr')
    names = [line.get('sources') for line in lines if line.get('id') == malware['id']]
    check('all sources of an object stand in one line', names == ['kr-cert, second'], names)
    same(place, 'kr', {malware['id']}, '--source', 'second')
    place.expect(2, '--text has no word', 'find', '--text', '...', '--dir', 'kr')
    place.expect(2, '--text is empty', 'find', '--text', '', '--dir', 'kr')
    place.expect(2, '--label is empty', 'find', '--label', '', '--dir', 'kr')
    for option, given in (('--creator', 'identity--x'), ('--creator', 'kr-cert'), ('--marking', 'marking-definition--x')):
        place.expect(2, f'{given} is not a STIX identifier', 'find', option, given, '--dir', 'kr')
    place.expect(1, 'there is no source nobody', 'find', '--source', 'nobody', '--dir', 'kr')
    place.expect(2, 'is no time', 'find', '--since', 'yesterday', '--dir', 'kr')
    place.expect(2, '--format is', 'find', '--format', 'xml', '--dir', 'kr')
    place.expect(0, 'nothing found', 'find', 'no.such.thing', '--dir', 'kr')
    place.expect(2, 'no number above 0', 'export', '--limit', '0', '--dir', 'kr')


def formats(place, scan):
    wanted = scan.ids(lambda t: t['type'] == 'indicator')
    bundle = json.loads(place.run('find', '--type', 'indicator', '--format', 'bundle', '--dir', 'kr')[1])
    check('a bundle holds what was found', bundle['type'] == 'bundle' and {o['id'] for o in bundle['objects']} == wanted)
    lines = place.run('export', '--type', 'indicator', '--dir', 'kr')[1].splitlines()
    check('export gives an object a line', {json.loads(line)['id'] for line in lines} == wanted and len(lines) == len(wanted))
    text = place.run('export', '--type', 'indicator', '--format', 'csv', '--dir', 'kr')[1]
    rows = list(csv.DictReader(io.StringIO(text)))
    check('CSV has a row an object', {row['id'] for row in rows} == wanted and all(row['type'] == 'indicator' for row in rows))
    # Bytes with line ends and blanks of their own, a name that a spreadsheet would run, and one that drives a terminal.
    odd = ('{ "type" : "tool",\n"spec_version":"2.1", "id":"tool--00000000-0000-4000-8000-00000000000a",'
           '"created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","name":"=cmd\\u001b[31m \\"q\\""}')
    place.run('add', '-', '--source', 'odd', '--dir', 'kr', given=odd.encode())
    out = place.run('get', 'tool--00000000-0000-4000-8000-00000000000a', '--format', 'original', '--dir', 'kr')[1]
    check('the original is exactly what came', out == odd, out)
    out = place.run('export', '--source', 'odd', '--format', 'original', '--dir', 'kr')[1]
    check('export gives originals', out == odd + '\n', out)
    out = place.run('export', '--source', 'odd', '--dir', 'kr')[1]
    check('a line stays one line', out.count('\n') == 1 and json.loads(out) == json.loads(odd), out)
    row = next(csv.DictReader(io.StringIO(place.run('export', '--source', 'odd', '--format', 'csv', '--dir', 'kr')[1])))
    check('a cell is no formula and drives no terminal', row['name'] == "'=cmd [31m \"q\"", row['name'])
    out = place.run('find', '--source', 'odd', '--dir', 'kr')[1]
    check('a table drives no terminal', '\x1b' not in out and 'tool--' in out, out)
    scan.add('odd', [json.loads(odd)])


def states(place, scan):
    """What is over is shown as over: revoked, or behind its valid_until; what stands, or ends later, is not."""
    def thing(number, **more):
        return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-0000000005{number:02d}',
                'created': '2020-01-01T00:00:00.000Z', 'modified': '2020-01-01T00:00:00.000Z', 'pattern_type': 'stix',
                'pattern': "[domain-name:value = 'ends.example']", 'valid_from': '2020-01-01T00:00:00Z', 'name': f'end{number}',
                **more}
    # A valid_until of another type is somebody's own property and ends nothing.
    other = {'type': 'tool', 'spec_version': '2.1', 'id': 'tool--00000000-0000-4000-8000-000000000504', 'name': 'end4',
             'created': '2020-01-01T00:00:00.000Z', 'modified': '2020-01-01T00:00:00.000Z', 'valid_until': '2020-02-01T00:00:00Z'}
    things = [thing(0), thing(1, valid_until='2020-02-01T00:00:00Z'), thing(2, valid_until='2999-01-01T00:00:00Z'),
              thing(3, revoked=True, valid_until='2020-02-01T00:00:00Z'), other]
    wanted = {'end0': '', 'end1': 'ended', 'end2': '', 'end3': 'revoked', 'end4': ''}
    place.run('add', '-', '--source', 'states', '--dir', 'kr', given='\n'.join(map(json.dumps, things)).encode())
    words = ('--source', 'states', '--wait', '--dir', 'kr')
    lines = [json.loads(line) for line in place.run('find', *words, '--json')[1].splitlines()]
    got = {line['name']: line.get('state', '') for line in lines if 'name' in line}
    check('JSON says which are over', got == wanted, got)
    got = {line['name']: line.get('valid_until') for line in lines if 'name' in line}
    check('and since when', got == {t['name']: t.get('valid_until') if t is not other else None for t in things}, got)
    rows = list(csv.DictReader(io.StringIO(place.run('export', '--source', 'states', '--format', 'csv', '--dir', 'kr')[1])))
    check('CSV says which are over', {row['name']: row['state'] for row in rows} == wanted, rows)
    check('and ends with its number', all(row['lsn'].isdigit() for row in rows), rows)
    table = place.run('find', *words)[1].splitlines()
    at = table[0].find('STATE ')
    got = {line.split()[1]: line[at:at + 8].strip() for line in table[1:] if at > 0 and 'end' in line}
    check('the table says which are over', got == wanted, table)
    scan.add('states', things)


def one_object(place):
    name = 'malware--00000000-0000-4000-8000-00000000000b'

    def version(modified, **more):
        return {'type': 'malware', 'spec_version': '2.1', 'id': name, 'created': '2026-01-01T00:00:00Z', 'modified': modified,
                'is_family': False, 'name': 'one', 'aliases': ['a', 'b'], **more}
    first = version('2026-01-01T00:00:00Z')
    second = version('2026-02-01T00:00:00.000Z', name='two', aliases=['a', 'c'], capabilities=['x'])

    def content(number, modified, ko, lang='ko'):
        return {'type': 'language-content', 'spec_version': '2.1',
                'id': f'language-content--00000000-0000-4000-8000-00000000000{number}',
                'created': '2026-01-01T00:00:00Z', 'modified': '2026-01-01T00:00:00Z', 'object_ref': name,
                **({'object_modified': modified} if modified else {}), 'contents': {lang: ko}}
    things = [first, second, content(1, '2026-01-01T00:00:00Z', {'name': '옛 이름'}),
              content(2, '2026-02-01T00:00:00Z',
                      {'name': '새 이름', 'aliases': ['', '다'], 'id': 'x', 'nothing': 'y', 'modified': 'z'}, 'ko-KR')]
    place.run('add', '-', '--source', 'lang', '--dir', 'kr', given=json.dumps({'objects': things}).encode())
    check('get gives the newest', json.loads(place.run('get', name, '--dir', 'kr')[1]) == second)
    out = place.run('get', name, '--version', '2026-01-01T00:00:00.000Z', '--dir', 'kr')[1]
    check('get gives a version', json.loads(out) == first, out)
    lines = place.lines('get', name, '--all', '--dir', 'kr')
    check('get --all gives all', [json.loads(x['object']) for x in lines if 'object' in x] == [first, second])
    place.expect(1, 'no such object', 'get', name, '--version', '2025-01-01T00:00:00Z', '--dir', 'kr')
    place.expect(1, 'no such object', 'get', name[:-1] + 'f', '--dir', 'kr')
    place.expect(2, 'not a STIX identifier', 'get', 'x', '--dir', 'kr')
    merged = json.loads(place.run('get', name, '--lang', 'ko', '--dir', 'kr')[1])
    check('--lang merges the translation of that version only',
          merged == {**second, 'name': '새 이름', 'aliases': ['a', '다']}, merged)
    merged = json.loads(place.run('get', name, '--lang', 'KO', '--version', '2026-01-01T00:00:00Z', '--dir', 'kr')[1])
    check('--lang merges into an older version', merged == {**first, 'name': '옛 이름'}, merged)
    status, out, err = place.run('get', name, '--lang', 'de', '--dir', 'kr')
    check('--lang says that there is no translation', json.loads(out) == second and 'no translation' in err, err)
    lines = [x for x in place.lines('versions', name, '--dir', 'kr') if 'version' in x]
    check('versions lists both', [x['version'] for x in lines] == [first['modified'], second['modified']] and
          lines[1]['newest'], lines)
    wanted = [{'pointer': '/aliases/1', 'before': 'b', 'after': 'c'}, {'pointer': '/capabilities/0', 'after': 'x'},
              {'pointer': '/modified', 'before': first['modified'], 'after': second['modified']},
              {'pointer': '/name', 'before': 'one', 'after': 'two'}]
    told = place.lines('diff', name, '--dir', 'kr')
    check('diff tells property by property', told == wanted, told)
    back = place.lines('diff', name, second['modified'], str(lines[0]['lsn']), '--dir', 'kr')
    check('diff takes versions and positions', [x['pointer'] for x in back] == [x['pointer'] for x in wanted] and
          back[3] == {'pointer': '/name', 'before': 'two', 'after': 'one'}, back)
    place.expect(0, r'- /name: "one"\n\+ /name: "two"', 'diff', name, '--dir', 'kr')
    place.expect(1, 'there is no copy 7', 'diff', name, '7', 'lang', '--dir', 'kr')
    return things


def graph(place, scan):
    """Against a breadth-first search over the objects."""
    things = {t['id']: t for _, t in scan.current()}
    start = next(t['id'] for t in things.values() if t['type'] == 'campaign')
    skip_names = ('created_by_ref', 'object_marking_refs', 'marking_ref')
    edges = set()
    for thing in things.values():
        if thing['type'] == 'relationship':
            edges.add((thing['source_ref'], thing['target_ref']))
            continue
        for name, _, text in strings(thing):
            if ID.match(text) and text != thing['id'] and name not in skip_names:
                edges.add((thing['id'], text))
    for depth in (0, 1, 2, 3):
        near = {start}
        for _ in range(depth):
            near |= {b for a, b in edges if a in near} | {a for a, b in edges if b in near}
        lines = place.lines('graph', start, '--depth', str(depth), '--dir', 'kr')
        nodes = {x['id'] for x in lines if 'id' in x}
        check(f'graph of depth {depth} has the right objects', nodes == near & set(things), sorted(nodes ^ near)[:4])
        told = {(x['from'], x['to']) for x in lines if 'from' in x}
        wanted = {(a, b) for a, b in edges if a in near and b in near}
        check(f'graph of depth {depth} has the right edges', depth == 0 or told == wanted, sorted(told ^ wanted)[:3])
        bundle = json.loads(place.run('graph', start, '--depth', str(depth), '--format', 'bundle', '--dir', 'kr')[1])
        between = {t['id'] for t in things.values() if t['type'] == 'relationship'
                   and {t['source_ref'], t['target_ref']} <= near} if depth else set()
        got = [thing['id'] for thing in bundle['objects']]
        check(f'graph of depth {depth} as a bundle', set(got) == nodes | between and len(set(got)) == len(got),
              sorted(set(got) ^ (nodes | between))[:4])
        check('of the objects as they are', all(thing == things[thing['id']] for thing in bundle['objects']))
    check('graph gives dot', place.run('graph', start, '--format', 'dot', '--dir', 'kr')[1].startswith('digraph'))


def damage(place, scan):
    """The search file is derived: without it, or with noise in it, the answers are the same."""
    file = place.path / 'kr' / 'store' / 'search.db'
    wanted = scan.word('공격')
    for name in ('search.db', 'search.db-wal', 'search.db-shm'):
        (file.parent / name).unlink(missing_ok=True)
    same(place, 'kr', wanted, '--text', '공격')
    for name in ('search.db-wal', 'search.db-shm'):
        (file.parent / name).unlink(missing_ok=True)
    size = max(file.stat().st_size, 65536)
    file.write_bytes(hashlib.shake_256(b'noise').digest(size))
    same(place, 'kr', wanted, '--text', '공격')
    check('its mode is 0600', file.stat().st_mode & 0o777 == 0o600, oct(file.stat().st_mode))
    place.expect(0, 'made again', 'reindex', 'kr')
    same(place, 'kr', wanted, '--text', '공격')


def rss(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', pathlib.Path(f'/proc/{pid}/status').read_text())[1])


def children_of(parent):
    return subprocess.run(['ps', '-o', 'pid=', '--ppid', str(parent)], capture_output=True, text=True).stdout.split()


def core_of(parent):
    """Roles are children of the launcher, which is the node's only child."""
    for pid in [role for launcher in children_of(parent) for role in children_of(launcher)]:
        if b'core' in pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0'):
            return int(pid)
    raise LookupError(f'process {parent} has no core')


def slow_reader(place, scan):
    """A reader that stops reading costs the node nothing; everybody else is served meanwhile."""
    count, filler = 20000, 'x' * 2000
    text = '\n'.join(json.dumps({'type': 'tool', 'spec_version': '2.1', 'id': f'tool--00000000-0000-4000-8001-{i:012x}',
                                 'created': '2026-01-01T00:00:00Z', 'modified': '2026-01-01T00:00:00Z', 'name': f'bulk {i}',
                                 'description': filler}) for i in range(count))
    place.start('kr')
    place.run('add', '-', '--source', 'bulk', '--dir', 'kr', given=text.encode())
    same(place, 'kr', scan.word('공격'), '--text', '공격')
    core = core_of(place.running['kr'].pid)
    whole = place.run('export', '--source', 'bulk', '--dir', 'kr')[1]
    names = [json.loads(x)['name'] for x in whole.splitlines()]
    check('export gives everything in order', names == [f'bulk {i}' for i in range(count)])
    before = rss(core)
    slow = subprocess.Popen([PROGRAM, 'export', '--source', 'bulk', '--dir', 'kr'], cwd=place.path, stdout=subprocess.PIPE)
    slow.stdout.read(100)
    for _ in range(10):
        same(place, 'kr', scan.word('공격'), '--text', '공격')
    grown = rss(core) - before
    check('a reader that stopped takes no memory', grown < 16384, f'{grown} KiB for {len(whole) >> 10} KiB')
    slow.kill()
    slow.wait()
    slow.stdout.close()
    left = subprocess.Popen([PROGRAM, 'export', '--source', 'bulk', '--dir', 'kr'], cwd=place.path, stdout=subprocess.PIPE)
    rest = left.stdout.read(1000)
    time.sleep(0.2)
    rest += left.stdout.read()
    left.wait()
    left.stdout.close()
    check('who reads late gets everything', rest.decode() == whole, len(rest))
    place.stop('kr')


def real_data(place):
    """Real feeds: samples of their values against the scan."""
    files = sorted((DATA / 'stix').glob('ioc/**/*.json')) + sorted((DATA / 'stix' / 'attack-ics').glob('*.json'))[:1]
    if not files:
        skip('find over real data', f'{DATA} is not there (BONGSU_DATA)')
        return
    scan = Scan()
    place.make('real', 'KR')
    for number, path in enumerate(files):
        place.run('add', path, '--source', f'file-{number}', '--dir', 'real')
    place.start('real')
    lines = place.run('export', '--all', '--format', 'lines', '--dir', 'real')[1].splitlines()
    scan.add('any', [json.loads(line) for line in lines])
    check('the real data came in', len(lines) > 1000, len(lines))
    draw = random.Random(3)
    everything = sorted({v for _, t in scan.things for v in values(t) if v})
    for value in draw.sample(everything, min(60, len(everything))):
        if '\n' in value or value.startswith(('.', '-')) or value.endswith('*') or network(value):
            continue
        digest = scan.digest(value)
        got = found(place, 'real', value)
        check(f'find {value[:60]!r}', digest <= got, sorted(digest - got)[:3] if isinstance(got, set) else got)
    for net in sorted({str(n) for v in everything for n in [network(host(v))] if n})[:12]:
        same(place, 'real', scan.near(net), net)
    same(place, 'real', scan.near('10.0.0.0/8'), '10.0.0.0/8')
    domains = sorted({host(v).lower() for v in everything if re.fullmatch(r'[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+', host(v).lower())})
    for domain in draw.sample(domains, 12):
        same(place, 'real', scan.below(domain.split('.', 1)[-1]), '.' + domain.split('.', 1)[-1])
    words = {w.lower() for _, t in scan.things for x in texts(t) if x.isascii()
             for w in re.findall('(?<![A-Za-z0-9])[A-Za-z]{5,20}(?![A-Za-z0-9])', x)}
    for word in draw.sample(sorted(words), 25):
        same(place, 'real', scan.word(word), '--text', word)


def main():
    place = Place()
    try:
        scan = campaign(place)
        combined(place, scan)
        formats(place, scan)
        states(place, scan)
        one_object(place)
        graph(place, scan)
        place.stop('kr')
        damage(place, scan)
        slow_reader(place, scan)
        real_data(place)
    finally:
        place.close()
    print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped')
    return counted['failed'] > 0


if __name__ == '__main__':
    sys.exit(main())
