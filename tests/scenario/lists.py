#!/usr/bin/env python3
"""Safety holds with all of MISP's warninglists: what stands on one is held, what stands on none leaves, and operators decide.

    tests/scenario/lists.py [PROGRAM]

Needs pymispwarninglists (tests/interop/requirements.txt). Ends with "N passed, N failed, N skipped".
"""
import ipaddress
import json
import pathlib
import random
import re
import sys
import uuid

from test_cli import POLICY, Place, check, counted, skip, until

CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
TYPES = ('cidr', 'hostname', 'string')
PATHS = {32: 'MD5', 40: "'SHA-1'", 64: "'SHA-256'", 128: "'SHA-512'"}


ODD = ["[url:value = 'http://2130706433/']", "[url:value = 'HTTP://u:p@0x7F.1:80/']", "[domain-name:value = 'localhost.']",
       "[ipv6-addr:value = '::ffff:10.0.0.1']", "[url:value = 'http://[::ffff:a00:1]/']", "[ipv4-addr:value = '127.1']",
       "[url:value = 'hxxp://10[.]0[.]0[.]1/']", "[url:value = 'http://%31%30.0.0.1/']", "[ipv4-addr:value LIKE '10.0.0.1']",
       "[ipv4-addr:value MATCHES '^10\\\\.0\\\\.0\\\\.1$']", "[ipv4-addr:value = '192.0.2.1:80']",
       "[domain-name:value = 'example.com:443']", "[url:value = 'http:\\\\\\\\example.com']",
       "[url:value = '//example.com/x']", "[url:value = 'example.com/x']", "[ipv4-addr:value = '192.0.2.*']",
       "[ipv4-addr:value = '192.0.2.0-192.0.2.255']", "[ipv6-addr:value = '2002:c000:201::1']",
       "[ipv4-addr:value LIKE '192.0.2.%']", "[domain-name:value NOT != 'example.com']",
       "[artifact:url = 'http://*.example.com/']",
       "[ipv4-addr:value LIKE '198.51.100._']", "[ipv4-addr:value LIKE '_27.0.0.1']",
       "[ipv4-addr:value MATCHES '^192\\\\.168\\\\.[0-9]+\\\\.1$']",
       "[ipv6-addr:value LIKE 'fe80::_']", "[domain-name:value LIKE '%d.example']",
       "[domain-name:value MATCHES '^b.d\\\\.example$']",
       "[url:value LIKE 'http://198.51.100._/x']", "[url:value LIKE 'http://%d.example/x']"]
BROAD = ["[domain-name:value != 'evil.su']", "[url:value MATCHES '^1']", "[ipv4-addr:value LIKE '1%']",
         "[ipv4-addr:value ISSUBSET '0.0.0.0/1']", "[domain-name:value > 'a']", "[domain-name:value NOT LIKE '%.evil.su']",
         "[url:value MATCHES '.']", "[ipv4-addr:value = '9.*']", "[file:hashes.MD5 = h'd41d8cd98f00b204e9800998ecf8427e']",
         "[file:size > 0]", "[network-traffic:dst_port >= 0]",
         "[url:value LIKE 'https://%']", "[url:value MATCHES '^https?://[^/]+/']",
         "[file:hashes.MD5 LIKE 'd41d8cd98f00b204%']"]
NARROW = ["[domain-name:value LIKE '%.evil.su']", "[ipv4-addr:value != '8.8.4.4' AND domain-name:value = 'evil.su']",
          "[url:value LIKE '%paypal.com.%']", "[domain-name:value = '*.evil.su']",
          "[x509-certificate:serial_number = 'd4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e']",
          "[ipv4-addr:value = '8.8.4.4:53']",
          "[url:value LIKE 'http://%/gate.php']", "[url:value MATCHES '^https?://[^/]+/[a-z]{8}[.]php$']",
          "[ipv4-addr:value LIKE '8.8.4.1__']", "[file:size > 10000 AND file:name = 'evil']"]


def pattern(value):
    """A pattern that compares what `value` looks like."""
    text = value.replace('\\', '\\\\').replace("'", "\\'")
    try:
        version = ipaddress.ip_network(value, strict=False).version
        return f"[ipv{version}-addr:value = '{text}']"
    except ValueError:
        pass
    if re.fullmatch(r'[0-9a-fA-F]+', value) and len(value) in PATHS:
        return f"[file:hashes.{PATHS[len(value)]} = '{text}']"
    if re.fullmatch(r'[A-Za-z0-9_.-]+\.[A-Za-z][A-Za-z0-9-]*', value):
        return f"[domain-name:value = '{text}']"
    return f"[file:name = '{text}']"


def indicator(value):
    name = uuid.uuid5(uuid.NAMESPACE_URL, value)
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--{uuid.UUID(bytes=name.bytes, version=4)}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'pattern': pattern(value),
            'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z', 'object_marking_refs': [CLEAR]}


def sample(kind, entries, chosen):
    """Three values that the list is about."""
    for entry in chosen.sample(entries, min(3, len(entries))):
        if kind == 'cidr':
            network = ipaddress.ip_network(entry, strict=False)
            yield str(network[chosen.randrange(min(network.num_addresses, 1 << 30))])
        elif kind == 'hostname':
            yield 'www.' + entry.lstrip('.')
        else:
            yield entry


def strangers(chosen):
    """Values that are on no list: names that nobody has, addresses whose networks are on none (asked of the lists themselves)."""
    return [f'{uuid.UUID(int=chosen.getrandbits(128), version=4).hex[:20]}.evil-{n}.su' for n in range(100)]


def released(place):
    return next(line['released'] for line in place.lines('status', '--dir', 'kr') if line.get('audience') == 'us')


def rules(place):
    return {line['rule']: line['objects'] for line in place.lines('status', 'rules', 'us', '--dir', 'kr') if 'rule' in line}


def give_lists(place, folder):
    """Every list that can be used, and what is on them."""
    chosen, values, refused = random.Random(4), set(), 0
    for path in sorted(folder.glob('*/list.json')):
        said = json.loads(path.read_text())
        name = re.sub(r'[^a-z0-9._-]', '-', path.parent.name.lower())[:60]
        usable = said['type'] in TYPES
        status, out, err = place.run('list', 'add', name, '--file', path, '--because', 'MISP', '--dir', 'kr')
        check(f'list {name}', (status == 0) == usable, out + err)
        refused += not usable
        if usable:
            values.update(sample(said['type'], said['list'], chosen))
    check('substrings and regular expressions are refused', refused > 0, refused)
    return {value for value in values if value.strip() == value and value}


def add(place, name, values):
    (place.path / name).write_text(json.dumps({'objects': [indicator(value) for value in sorted(values)]}))
    place.expect(0, 'new', 'add', name, '--source', 'feed', '--dir', 'kr')


def built_in(place, before):
    """The lists that need no file: hosts in odd spellings, patterns that match nearly everything."""
    kr = ['--dir', 'kr']
    for name in ('reserved', 'broad'):
        place.expect(0, '', 'list', 'add', name, '--kind', name, '--because', 'test', *kr)
    objects = []
    for number, text in enumerate(ODD + BROAD + NARROW):
        objects.append({**indicator(f'odd {number}'), 'pattern': text})
    (place.path / 'odd.json').write_text(json.dumps({'objects': objects}))
    place.expect(0, 'new', 'add', 'odd.json', '--source', 'feed', *kr)
    until('what is narrow leaves', lambda: released(place) == before + len(NARROW))
    check('the rest is held', rules(place).get('built-in.safety') == len(ODD + BROAD), rules(place))
    place.expect(0, 'broad has .domain-name:value != ', 'policy', 'explain', objects[len(ODD)]['id'], 'us', *kr)
    place.expect(0, 'reserved has http://2130706433/', 'policy', 'explain', objects[0]['id'], 'us', *kr)
    status, out, err = place.run('lint', 'odd.json', '--lists', 'reserved,broad')
    check('lint says the same', status == 0 and out.count('is on the list') == len(ODD + BROAD), out + err)


def test(place, folder):
    kr = ['--dir', 'kr']
    place.make('kr', 'KR')
    place.start('kr')
    place.expect(0, 'declared', 'source', 'add', 'feed', *kr)
    place.expect(0, '', 'peer', 'add-taxii', 'us', '--country', 'US', *kr)
    place.expect(0, '', 'peer', 'start', 'us', *kr)
    place.expect(0, '', 'policy', 'activate', POLICY, *kr)
    held, free = give_lists(place, folder), set(strangers(random.Random(5)))
    shown = [line for line in place.lines('list', 'show', *kr) if 'name' in line]
    check('all of them are in force', len(shown) > 100 and all(line['state'] == 'in force' for line in shown), len(shown))
    add(place, 'held.json', held)
    add(place, 'free.json', free)
    until('what is on no list leaves', lambda: released(place) == len(free))
    until('the rest is held', lambda: rules(place).get('built-in.safety') == len(held))
    # A restart says the same.
    place.stop('kr')
    place.start('kr')
    check('the same after a restart', rules(place).get('built-in.safety') == len(held), rules(place))
    one, two = [indicator(value)['id'] for value in sorted(held)[:2]]
    place.expect(0, 'built-in.safety.*on a list, and not approved', 'policy', 'explain', one, 'us', *kr)
    place.expect(0, '', 'approve', one, 'us', '--because', 'it is the point', *kr)
    place.expect(0, '', 'tag', 'add', two, 'safety:ok', *kr)
    until('what operators let go leaves', lambda: released(place) == len(free) + 2)
    place.expect(2, 'needs a reason', 'list', 'remove', shown[0]['name'], *kr)
    for line in shown:
        place.expect(0, 'decided again', 'list', 'remove', line['name'], '--because', 'the test is over', *kr)
    until('without lists nothing is held', lambda: released(place) == len(free) + len(held))
    built_in(place, len(free) + len(held))
    place.stop('kr')


def main():
    try:
        import pymispwarninglists
    except ImportError:
        skip('lists', 'pymispwarninglists is not installed')
        print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped', flush=True)
        return 0
    place = Place()
    try:
        test(place, pathlib.Path(pymispwarninglists.__file__).parent / 'data' / 'misp-warninglists' / 'lists')
    finally:
        place.close()
    print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped', flush=True)
    return 1 if counted['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
