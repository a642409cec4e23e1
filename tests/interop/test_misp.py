"""MISP events against misp-stix and pymisp (pinned): our STIX read by misp-stix keeps every attribute; ids and patterns
are those of misp-stix but for the rows of misp_differences.txt; the feed we write is one that pymisp loads. Needs build/dev."""
import collections
import hashlib
import json
import os
import pathlib
import re
import subprocess
import uuid

import pymisp
import pytest
from misp_stix_converter import InternalSTIX2toMISPParser, MISPtoSTIX21Parser
from stix2.parsing import parse as stix2_parse
from stix2patterns.v21.pattern import Pattern

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT.parent / 'shared' / 'data')) / 'misp' / 'events'
TOOL = ROOT / 'build/dev/tests/unit/feeds/interop_misp_tool'
BONGSU = ROOT / 'build/dev/src/cli/bongsu'
FILES = sorted(DATA.glob('*.json'))
pytestmark = pytest.mark.skipif(not FILES, reason='the sample events are absent')


def events(path):
    with open(path, encoding='utf-8') as file:
        root = json.load(file)
    return [entry['Event'] for entry in root['response']] if 'response' in root else [root['Event']]


def ours(path):
    done = subprocess.run([TOOL, 'stix', path], capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.decode().split('\n') if line]


def theirs(event):
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({'Event': event})
    return json.loads(parser.bundle.serialize())


def attributes(event):
    for attribute in event.get('Attribute', []):
        yield attribute
    for item in event.get('Object', []):
        yield from item['Attribute']


def differences():
    rows = []
    for line in (pathlib.Path(__file__).parent / 'misp_differences.txt').read_text(encoding='utf-8').splitlines():
        if line and not line.startswith('#'):
            kind, pattern, reason = (part.strip() for part in re.split(r'(?<!\\)\|', line))
            rows.append((kind, re.compile('^(?:' + pattern.replace('\\|', '|') + ')$'), reason))
    return rows


def by_id(bundle):
    return {item['id']: item for item in bundle['objects']}


def found(path):
    """(who, type, what) of each difference in ids and patterns."""
    for event, bundle in zip(events(path), ours(path)):
        mine, other = by_id(bundle), by_id(theirs(event))
        for identifier in mine.keys() ^ other.keys():
            kind = identifier.split('--')[0]
            who = 'relationship' if kind == 'relationship' else 'ours' if identifier in mine else 'theirs'
            yield who, kind, identifier
        for identifier in mine.keys() & other.keys():
            one, two = mine[identifier].get('pattern'), other[identifier].get('pattern')
            if one != two:
                yield 'pattern', re.sub(r'\W.*', '', one.lstrip('[')) if one else '', f'{one} / {two}'


def test_every_difference_is_explained():
    rows, used, same = [row for row in differences() if not row[0].startswith('object ')], collections.Counter(), 0
    for path in FILES:
        for who, kind, what in found(path):
            row = next((row for row in rows if row[0] == who and row[1].match(kind)), None)
            assert row, f'{path.name}: {who} {kind}: {what}'
            used[row] += 1
        same += sum(len(by_id(bundle).keys() & by_id(theirs(event)).keys())
                    for event, bundle in zip(events(path), ours(path)))
    print(f'{same} objects with the same id; differences: {sorted((row[0], row[2], count) for row, count in used.items())}')
    assert same > 2000
    assert not [row for row in rows if not used[row]], 'rows that explain nothing'


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem[:40])
def test_misp_stix_reads_every_attribute(path):
    for event, bundle in zip(events(path), ours(path)):
        parser = InternalSTIX2toMISPParser()
        parser.load_stix_bundle(stix2_parse(bundle, allow_custom=True, interoperability=True))
        parser.parse_stix_bundle()
        values = collections.Counter(str(attribute.value) for attribute in parser.misp_event.attributes)
        for item in parser.misp_event.objects:
            values.update(str(attribute.value) for attribute in item.attributes)
        missing = [a['value'] for a in attributes(event)
                   if not any(part in values for part in (a['value'], *a['value'].split('|')))]
        # An object's pattern says what detects; its other attributes are in our extension alone.
        silent = {a['value'] for item in event.get('Object', []) if any(b['to_ids'] for b in item['Attribute'])
                  for a in item['Attribute'] if not a['to_ids']}
        assert [value for value in missing if value not in silent] == []
        assert parser.misp_event.uuid == event['uuid']


def test_pymisp_loads_the_feed(tmp_path):
    bundles = b'\n'.join(json.dumps(bundle).encode() for path in FILES for bundle in ours(path))
    subprocess.run([TOOL, 'feed', tmp_path], input=bundles, check=True)
    manifest = json.loads((tmp_path / 'manifest.json').read_bytes())
    hashes = {tuple(line.split(',')) for line in (tmp_path / 'hashes.csv').read_text().split()}
    originals = {event['uuid']: event for path in FILES for event in events(path)}
    assert manifest.keys() == originals.keys()
    count = 0
    for uuid, entry in manifest.items():
        text = (tmp_path / f'{uuid}.json').read_bytes()
        assert entry['integrity:sha256'] == hashlib.sha256(text).hexdigest()
        assert json.loads(text)['Event'] == originals[uuid], uuid
        event = pymisp.MISPEvent()
        event.load(json.loads(text))
        assert entry.keys() >= {'info', 'Orgc', 'analysis', 'timestamp', 'date', 'threat_level_id'}
        for attribute in attributes(originals[uuid]):
            composite = '|' in attribute['type'] or attribute['type'] == 'malware-sample'
            for part in attribute['value'].split('|', 1) if composite else [attribute['value']]:
                assert (hashlib.md5(part.encode()).hexdigest(), uuid) in hashes
            count += 1
    print(f'{len(manifest)} events in, {len(manifest)} the same events out, {count} attributes')


def everything():
    """An event with every feature of the core format that pymisp can build."""
    event = pymisp.MISPEvent()
    event.from_dict(info='모든 것', distribution=3, threat_level_id=1, analysis=1, date='2026-01-01', published=True,
                    timestamp=1767225600, publish_timestamp=1767225601, uuid='dddddddd-0000-4000-8000-000000000001',
                    Orgc={'name': 'CERT-X', 'uuid': 'aaaaaaaa-0000-4000-8000-000000000001', 'id': '1'})
    one = event.add_attribute('ip-dst', '198.51.100.9', uuid='dddddddd-0000-4000-8000-000000000002', timestamp=1767225600,
                              first_seen='2026-01-01T00:00:00.123456+00:00', last_seen='2026-01-02T00:00:00+00:00')
    one.add_tag('tlp:green')
    for kind in ('0', '1', '2'):  # seen, false positive, expiration
        one.add_sighting({'type': kind, 'date_sighting': 1767225700, 'source': 'a sensor', 'value': '198.51.100.9',
                          'uuid': f'dddddddd-0000-4000-8000-00000000001{kind}'})
    item = event.add_object(name='file', uuid='dddddddd-0000-4000-8000-000000000003', timestamp=1767225600, distribution=5,
                            comment='', deleted=False)
    item.add_attribute('filename', 'a.exe', type='filename', uuid='dddddddd-0000-4000-8000-000000000004')
    item.add_reference(one.uuid, 'related-to', uuid='dddddddd-0000-4000-8000-000000000005')
    event.add_event_report('a report', '# text', uuid='dddddddd-0000-4000-8000-000000000006', distribution=5)
    whole = json.loads(event.to_json())
    # pymisp leaves out the times of what was edited: the server gives them.
    for part in (whole, *whole['Attribute'], *whole['Object'], *whole['Object'][0]['Attribute'], *whole['EventReport']):
        part['timestamp'] = '1767225600'
    about = {'object_uuid': one.uuid, 'object_type': 'Attribute', 'authors': 'A', 'orgc_uuid': ORGC, 'distribution': '3',
             'created': '2026-01-01 00:00:00', 'modified': '2026-01-01 00:00:00'}
    whole['Attribute'][0]['Note'] = [{**about, 'uuid': 'dddddddd-0000-4000-8000-000000000007', 'note': 'n', 'language': 'ko'}]
    whole['Attribute'][0]['Opinion'] = [{**about, 'uuid': 'dddddddd-0000-4000-8000-000000000008', 'opinion': '80', 'comment': ''}]
    return whole


ORGC = 'aaaaaaaa-0000-4000-8000-000000000001'


def test_an_event_with_everything_comes_back(tmp_path):
    event = everything()
    bundles = ours(written(tmp_path, event))
    out = tmp_path / 'out'
    out.mkdir()
    subprocess.run([TOOL, 'feed', out], input=json.dumps(bundles[0]).encode(), check=True)
    assert json.loads((out / f'{event["uuid"]}.json').read_bytes())['Event'] == event
    assert len(event['Attribute'][0]['Sighting']) == 3 and event['Attribute'][0]['Note'] and event['EventReport']


# --- one object of every template ---

HERE = pathlib.Path(__file__).parent
DEFINITIONS = pathlib.Path(pymisp.__file__).parent / 'data/misp-objects/objects'


def uuid_of(*words):
    return str(uuid.uuid5(uuid.UUID(ORGC), ' '.join(map(str, words))))


def cells(line):
    return [cell.strip().replace('\\|', '|') for cell in re.split(r'(?<!\\)\|', line)]


def attribute_of(template, cell, of, place, to_ids):
    relation, value = cell.split(' = ', 1)
    value, _, data = value.partition(' @ ')
    kinds = json.loads((DEFINITIONS / template / 'definition.json').read_bytes())['attributes']
    kind = kinds.get(relation, {}).get('misp-attribute', 'text')
    made = {'uuid': uuid_of(of, place), 'type': kind, 'object_relation': relation, 'value': value, 'category': 'Other',
            'to_ids': to_ids, 'timestamp': '1767225600', 'distribution': '5', 'comment': ''}
    return {**made, 'data': data} if data else made


def object_of(number, line, to_ids):
    line, _, target = line.partition(' => ')
    template, *rest = cells(line)
    own = uuid_of(number, to_ids)
    made = {'uuid': own, 'name': template, 'meta-category': 'misc', 'timestamp': '1767225600', 'distribution': '5',
            'comment': '', 'Attribute': [attribute_of(template, cell, own, place, to_ids) for place, cell in enumerate(rest)]}
    return made, target.strip()


def refer(made):
    """References to the object of a later row."""
    for number, (item, target) in enumerate(made):
        if target:
            other = next(later for later, _ in made[number + 1:] if later['name'] == target)
            kind = 'annotates' if item['name'] == 'annotation' else 'contains' if 'registry' in target else 'includes'
            item['ObjectReference'] = [{'uuid': uuid_of(item['uuid'], 'to'), 'object_uuid': item['uuid'],
                                        'referenced_uuid': other['uuid'], 'relationship_type': kind,
                                        'timestamp': '1767225600', 'Object': {'name': target, 'uuid': other['uuid']}}]
    return [item for item, _ in made]


def templates(to_ids):
    rows = (HERE / 'misp_objects.txt').read_text(encoding='utf-8').splitlines()
    made = [object_of(number, line, to_ids) for number, line in enumerate(rows) if line and not line.startswith('#')]
    return {'uuid': uuid_of('event', to_ids), 'info': 'one of each', 'date': '2026-01-01', 'timestamp': '1767225600',
            'publish_timestamp': '1767225601', 'published': True, 'distribution': '3', 'analysis': '2', 'threat_level_id': '4',
            'Orgc': {'name': 'CERT-X', 'uuid': ORGC}, 'Attribute': [], 'Object': refer(made)}


def compared_paths(pattern):
    """What a STIX pattern compares: the parser refuses what is none."""
    found = Pattern(pattern).inspect().comparisons
    return {f'{kind}:' + '.'.join(step if isinstance(step, str) else f'[{step}]' if isinstance(step, int) else '[*]'
                                  for step in path) for kind, rows in found.items() for path, _, _ in rows}


def written(folder, event):
    (folder / 'in.json').write_text(json.dumps({'Event': event}), encoding='utf-8')
    return folder / 'in.json'


def shape_of(bundle, own):
    """What stands for an object: its STIX types, types of the observables, paths of the pattern."""
    items = {item['id']: item for item in bundle['objects']}
    mine = {item['type']: item for key, item in items.items() if key.endswith(own)}
    observed = sorted(ref.split('--')[0] for ref in mine.get('observed-data', {}).get('object_refs', []))
    indicator = mine.get('indicator', {})
    paths = compared_paths(indicator['pattern']) if indicator.get('pattern_type') == 'stix' else set()
    names = {kind for kind in mine if not items[f'{kind}--{own}'].get('object_refs') or kind in ('note', 'observed-data')}
    return {'types': names | set(observed), 'observed': observed, 'paths': paths}


def object_differences(event, bundle, other):
    for item in event['Object']:
        mine, their = shape_of(bundle, item['uuid']), shape_of(other, item['uuid'])
        for what in ('types', 'paths'):
            for who, some in (('ours', mine[what] - their[what]), ('theirs', their[what] - mine[what])):
                for one in some:
                    yield f'object {who}', f"{item['name']} {one}"
        if collections.Counter(mine['observed']) != collections.Counter(their['observed']):
            yield 'object observed', f"{item['name']} {mine['observed']} {their['observed']}"


def test_every_difference_of_an_object_is_explained(tmp_path):
    rows, used = [row for row in differences() if row[0].startswith('object ')], set()
    for to_ids in (False, True):
        event = templates(to_ids)
        bundle, = ours(written(tmp_path, event))
        for who, what in object_differences(event, bundle, theirs(event)):
            row = next((row for row in rows if row[0] == who and row[1].match(what)), None)
            assert row, f'{who}: {what}'
            used.add(row)
    assert not [row for row in rows if row not in used], 'rows that explain nothing'


@pytest.mark.parametrize('to_ids', [False, True], ids=['said', 'detecting'])
def test_one_object_of_every_template_comes_back(tmp_path, to_ids):
    event = templates(to_ids)
    bundle, = ours(written(tmp_path, event))
    custom = {item['x_misp_name'] for item in bundle['objects'] if item['type'] == 'x-misp-object'}
    assert custom == {'pe', 'pe-section', 'registry-key-value', 'weakness'}
    for item in bundle['objects']:
        stix2_parse(item, allow_custom=True)
    out = tmp_path / 'out'
    out.mkdir()
    subprocess.run([TOOL, 'feed', out], input=json.dumps(bundle).encode(), check=True)
    assert json.loads((out / f'{event["uuid"]}.json').read_bytes())['Event'] == event
    print(f'{len(event["Object"])} objects of {len({item["name"] for item in event["Object"]})} templates')


BAD = ['', ' ', "'", '\\', '"', '\u0001', '-1', '007', '1e400', '9' * 30, '1.5', 'true', '::1', '198.51.100.1/33', 'a|b', '181',
       '2026-13-45T99:99:99Z', '2020-01-01T00:00:00Z', 'AF_INET', 'REG_SZ', 'x' * 70000, '\uac00', '\U0001f600', 'A' * 40,
       'x\0y', '999.1.1.1', '1:2:3']


@pytest.mark.parametrize('value', BAD, ids=range(len(BAD)))
def test_a_bad_value_never_makes_an_invalid_object(tmp_path, value):
    """In every attribute, and in every second one: STIX as python-stix2 and our own check read it."""
    for chosen in (slice(None), slice(0, None, 2), slice(1, None, 2)):
        event = templates(True)
        for item in event['Object']:
            for attribute in item['Attribute'][chosen]:
                attribute['value'] = value
        bundle, = ours(written(tmp_path, event))
        for item in bundle['objects']:
            stix2_parse(item, allow_custom=True)
        (tmp_path / 'out.json').write_text(json.dumps(bundle), encoding='utf-8')
        done = subprocess.run([BONGSU, 'lint', tmp_path / 'out.json'], capture_output=True, text=True, check=False)
        assert ' 0 errors' in done.stdout and done.returncode == 0, done.stdout + done.stderr
