"""MISP events against misp-stix and pymisp (pinned): our STIX read by misp-stix keeps every attribute; ids and patterns
are those of misp-stix but for the rows of misp_differences.txt; the feed we write is one that pymisp loads. Needs build/dev."""
import collections
import hashlib
import json
import os
import pathlib
import re
import subprocess

import pymisp
import pytest
from misp_stix_converter import InternalSTIX2toMISPParser, MISPtoSTIX21Parser
from stix2.parsing import parse as stix2_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT.parent / 'shared' / 'data')) / 'misp' / 'events'
TOOL = ROOT / 'build/dev/tests/unit/feeds/interop_misp_tool'
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
    rows, used, same = differences(), collections.Counter(), 0
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
    (tmp_path / 'in.json').write_text(json.dumps({'Event': event}), encoding='utf-8')
    bundles = ours(tmp_path / 'in.json')
    out = tmp_path / 'out'
    out.mkdir()
    subprocess.run([TOOL, 'feed', out], input=json.dumps(bundles[0]).encode(), check=True)
    assert json.loads((out / f'{event["uuid"]}.json').read_bytes())['Event'] == event
    assert len(event['Attribute'][0]['Sighting']) == 3 and event['Attribute'][0]['Note'] and event['EventReport']
