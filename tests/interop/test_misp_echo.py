"""What comes back from a MISP: STIX that a node holds goes through misp-stix into a MISP event and out of it as STIX, and is read
back by the node, handed in at its TAXII server, or added from a file.

What is no echo is explained by a row of misp_echoes.txt, of the road, the type and the members that differ.
Needs build/dev and the sample data."""
import collections
import json
import os
import pathlib
import socket
import subprocess
import sys
import uuid

import pymisp
import pytest
from misp_stix_converter import ExternalSTIX2toMISPParser, InternalSTIX2toMISPParser, MISPtoSTIX21Parser
from stix2.parsing import parse as stix2_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT.parent / 'shared' / 'data'))
TOOL = ROOT / 'build/dev/tests/unit/feeds/interop_misp_tool'
os.environ.setdefault('BONGSU', str(ROOT / 'build/dev/src/cli/bongsu'))
sys.path.insert(0, str(ROOT / 'tests' / 'scenario'))
from node import Node, wait_for  # noqa: E402
from servers import file_server  # noqa: E402
from taxii_node import Taxii, live  # noqa: E402

EVENTS = sorted((DATA / 'misp' / 'events').glob('*.json'))
STIX = ('spec-examples/*.json', 'idioms-2.1/*.json', 'ioc/*', 'oasis-interop/*/*.json', 'atlas/*.json')
CAMPAIGN = ('kr-cert', 'us-cert', 'jp-taxii', 'kr-sensor')
WHEN = '1790000000'  # of this MISP's clock
ORGC = {'name': 'CERT-X', 'uuid': 'aaaaaaaa-0000-4000-8000-000000000001'}
pytestmark = pytest.mark.skipif(not EVENTS, reason='the sample data is absent')


# --- what leaves ---

def foreign():
    """STIX that no MISP made, a list a bundle."""
    yield [item for name in CAMPAIGN for item in json.loads((ROOT / f'samples/campaign/{name}.json').read_bytes())['objects']]
    for path in sorted(path for pattern in STIX for path in (DATA / 'stix').glob(pattern)):
        try:
            bundle = json.loads(path.read_bytes())
        except ValueError:
            continue  # some are wrong on purpose
        if isinstance(bundle, dict) and bundle.get('spec_version') != '2.0':
            yield [item for item in bundle.get('objects', []) if isinstance(item, dict) and 'id' in item and 'type' in item]


def published():
    """The sample events as MISP gives them to everybody."""
    for path in EVENTS:
        root = json.loads(path.read_bytes())
        for entry in root.get('response', [root]):
            event = {**entry['Event'], 'published': True, 'distribution': '3'}
            for part in (*event.get('Attribute', []), *event.get('Object', [])):
                part['distribution'] = '5'
            yield event


def our_stix(folder):
    for event in published():
        (folder / 'event.json').write_text(json.dumps({'Event': event}), encoding='utf-8')
        done = subprocess.run([TOOL, 'stix', folder / 'event.json'], capture_output=True, check=True)
        yield json.loads(done.stdout)['objects']


def their_stix(_folder):
    return (as_stix(event) for event in published())


# --- there and back ---

def into_misp(parser, objects):
    """The event, with what a MISP server gives to what lacks it."""
    reader = parser()
    bundle = {'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': objects}
    reader.load_stix_bundle(stix2_parse(bundle, allow_custom=True, interoperability=True))
    reader.parse_stix_bundle(**({'single_event': True} if parser is ExternalSTIX2toMISPParser else {}))
    event = json.loads(reader.misp_event.to_json())
    dressed = {'Orgc': ORGC, 'timestamp': WHEN, 'date': '2026-09-01', 'threat_level_id': '4', 'analysis': '0', **event,
               'published': True, 'publish_timestamp': WHEN, 'distribution': '3'}
    for part in (*dressed.get('Attribute', []), *dressed.get('Object', [])):
        for one in (part, *part.get('Attribute', [])):
            one.setdefault('timestamp', WHEN)
            one.setdefault('distribution', '5')
            for sighting in one.get('Sighting', []):
                sighting.setdefault('uuid', str(uuid.uuid4()))
    return dressed


def as_stix(event):
    writer = MISPtoSTIX21Parser()
    writer.parse_misp_event({'Event': event})
    return json.loads(writer.bundle.serialize())['objects']


def round_trip(parser, bundles):
    """[what left], [what came back], [events]."""
    out, back, events = [], [], []
    for objects in bundles:
        try:
            event = into_misp(parser, objects)
            returned = as_stix(event)
        except Exception:  # noqa: BLE001, pylint: disable=broad-except
            continue  # what python-stix2 or misp-stix cannot read never gets into a MISP
        out += objects
        back += returned
        events.append(event)
    return out, back, events


ROADS = {
    'foreign': lambda folder: round_trip(ExternalSTIX2toMISPParser, foreign()),
    'ours': lambda folder: round_trip(InternalSTIX2toMISPParser, our_stix(folder)),
    'ours taken for foreign': lambda folder: round_trip(ExternalSTIX2toMISPParser, our_stix(folder)),
    'theirs': lambda folder: round_trip(InternalSTIX2toMISPParser, their_stix(folder)),
}


# --- a node that reads it ---

class Reading:
    def __init__(self, folder):
        self.folder = folder / 'far'
        self.folder.mkdir()
        self.node = Node(str(folder), 'kr', 'KR')
        self.node.start()
        self.server, self.base = file_server(str(self.folder))
        self.node.must('source', 'add', 'desk')

    def close(self):
        self.node.stop()
        self.server.shutdown()

    def hold(self, objects):
        """By id, what of it is held: the samples have some that STIX forbids, and several versions."""
        path = self.folder.parent / 'out.json'
        path.write_text(json.dumps({'objects': objects}), encoding='utf-8')
        self.node.run('add', str(path), '--source', 'desk')
        return {line['id'] for line in self.node.run('find', '--source', 'desk', '--all', '--limit', '100000', '--wait').lines
                if 'id' in line}

    def read(self, name, objects):
        (self.folder / f'{name}.json').write_text(json.dumps({'objects': objects}), encoding='utf-8')
        self.node.must('feed', 'add', name, '--kind', 'stix', '--url', f'{self.base}{name}.json', '--private')
        assert wait_for(lambda: self.shown(name).get('runs', 0) > 0, 120, 0.3), self.shown(name)
        return self.shown(name)

    def shown(self, name):
        return self.node.run('feed', 'show', name).one

    def metrics(self):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(os.path.join(self.node.dir, 'metrics.sock'))
            link.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
            return b''.join(iter(lambda: link.recv(65536), b'')).decode()

    def taken(self, name):
        """Ids of what this source alone said, and what waits in quarantine as another word about something."""
        found = self.node.run('find', '--source', name, '--all', '--limit', '100000', '--wait').lines
        waits = self.node.run('quarantine', 'list', '--limit', '100000').lines
        return ({line['id'] for line in found if line.get('sources') == name} |
                {line['what'].split()[0] for line in waits if line.get('source') == name and line.get('reason') == 'conflict'})


@pytest.fixture
def reading(tmp_path):
    made = Reading(tmp_path)
    yield made
    made.close()


# --- what is no echo ---

def rows():
    for line in (pathlib.Path(__file__).parent / 'misp_echoes.txt').read_text(encoding='utf-8').splitlines():
        if line and not line.startswith('#'):
            road, kind, member, reason = (part.strip() for part in line.split(' | '))
            yield {name for name in ROADS if road == 'all' or name in road.split(' or ')}, kind, member, reason


def differing(versions, came):
    """Members in which it differs from every version that is held."""
    return set.intersection(*({name for name in one.keys() | came.keys() if one.get(name) != came.get(name)}
                              for one in versions))


@pytest.mark.parametrize('road', ROADS)
def test_what_comes_back_is_an_echo(reading, tmp_path, road):
    out, back, _ = ROADS[road](tmp_path)
    held = reading.hold(out)
    known = collections.defaultdict(list)
    for item in out:
        known[item['id']].append(item)
    returned = {item['id']: item for item in back}
    got = reading.read('misp', back)
    # What never left comes under a name of MISP's own: that is new, and is not asked about here.
    echoes = [key for key in returned if key in held]
    taken = reading.taken('misp')
    no_echo = {key: returned[key] for key in echoes if key in taken}
    used, loose = collections.Counter(), []
    table = [row for row in rows() if road in row[0]]
    for key, item in no_echo.items():
        members = differing(known[key], item)
        row = next((row for row in table if row[1] == item['type'] and row[2] in members), None)
        if row is None:
            loose.append((key, sorted(members)))
        else:
            used[row[1:]] += 1
    print(f'\n{road}: {len(echoes)} came back under their id, {got.get("echo")} echoes, {len(no_echo)} not:',
          sorted((*row[:2], count) for row, count in used.items()))
    assert not loose, loose[:10]
    assert len(echoes) - len(no_echo) > 2600
    assert got.get('echo', 0) >= len(echoes) - len(no_echo)
    assert [row[1:] for row in table if not used[row[1:]]] == [], 'rows that explain nothing'


def test_what_is_said_about_an_echo_counts(reading, tmp_path):
    """A sighting and a reference that somebody makes in MISP, of what it has from here."""
    objects = next(our_stix(tmp_path))
    held = reading.hold(objects)
    event = into_misp(InternalSTIX2toMISPParser, objects)
    seen = next(item for item in event['Attribute'] if item['to_ids'] and f'indicator--{item["uuid"]}' in held)
    about = {'type': '0', 'date_sighting': WHEN, 'uuid': str(uuid.uuid4()), 'Organisation': ORGC}
    seen['Sighting'] = [about]
    got = reading.read('misp', as_stix(event))
    taken = reading.taken('misp')
    assert f'sighting--{about["uuid"]}' in taken and f'indicator--{seen["uuid"]}' not in taken
    assert got['echo'] > 0 and got['new'] > 0
    assert {key.split('--')[0] for key in taken & held} == {'report'}  # MISP's event is another report
    assert f'bongsu_feed_objects_total{{feed="misp",became="echo"}} {got["echo"]}\n' in reading.metrics()
    edges = reading.node.run('graph', f'indicator--{seen["uuid"]}').lines
    assert any(f'sighting--{about["uuid"]}' in json.dumps(line) for line in edges), edges


CHANGES = {
    'another value': lambda item: item.update(pattern=item['pattern'].replace("= '", "= 'x")),
    'a description': lambda item: item.update(description='seen at our site'),
    'a name': lambda item: item.update(name='seen at our site'),
    'a label that judges': lambda item: item['labels'].append('misp:confidence-level="completely-confident"'),
    'a label that attributes': lambda item: item['labels'].append('misp-galaxy:threat-actor="APT28"'),
    'a stricter marking': lambda item: item.update(
        object_marking_refs=['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed']),
    'revoked': lambda item: item.update(revoked=True),
    'an end': lambda item: item.update(valid_until='2030-01-01T00:00:00Z'),
}


@pytest.mark.parametrize('change', CHANGES)
def test_what_somebody_changed_there_is_no_echo(reading, tmp_path, change):
    out, back, _ = round_trip(InternalSTIX2toMISPParser, [next(our_stix(tmp_path))])
    held = reading.hold(out)
    item = next(item for item in back if item['type'] == 'indicator' and item['id'] in held)
    CHANGES[change](item)
    reading.read('misp', back)
    assert {key for key in reading.taken('misp') if key.startswith('indicator--')} == {item['id']}


# --- handed in ---

class Platform:
    """A MISP that has a node's view by TAXII alone, and hands in what it holds."""

    def __init__(self, folder):
        self.taxii = Taxii('build/dev', folder)
        self.out, self.back, _ = round_trip(InternalSTIX2toMISPParser, [next(our_stix(folder))])
        self.taxii.kr.do('add', '-', '--source', 'feed', input='\n'.join(json.dumps(item) for item in self.out))
        wanted = {item['id'] for item in self.out if item['type'] == 'indicator'}
        live.wait_until(lambda: wanted <= {item['id'] for item in self.taxii.objects('release')}, 60)
        self.view = {item['id']: item for item in self.taxii.objects('release')}

    def echoes(self):
        lines = self.taxii.kr.do('source', 'list', '--json').splitlines()
        return next(line['echo'] for line in map(json.loads, lines) if line.get('name') == 'peer.jp')

    def hand_in(self, objects):
        """Echoes that it added, and what of all that was handed in stands in the workspace."""
        before = self.echoes()
        answer = self.taxii.post({'objects': objects})
        assert answer.status_code == 202, answer.text[:500]
        return self.echoes() - before, {item['id']: item for item in self.taxii.objects('workspace')}


@pytest.fixture
def platform(tmp_path):
    made = Platform(tmp_path)
    yield made
    made.taxii.kr.stop()


def test_what_a_platform_hands_in_is_an_echo(platform):
    rewritten = next(item for item in platform.back if item['type'] == 'indicator' and item['id'] in platform.view)
    assert platform.hand_in([rewritten]) == (0, {rewritten['id']: rewritten})  # nobody said that it rewrites
    platform.taxii.kr.do('source', 'add', 'peer.jp', '--rewrites')
    rest = [item for item in platform.back if item['id'] != rewritten['id']]
    count, kept = platform.hand_in(rest)
    known = [item for item in rest if item['id'] in platform.view]
    explained = [row for row in rows() if 'ours' in row[0]]
    for item in known:
        members = differing([platform.view[item['id']]], item)
        if item['id'] in kept and members:
            assert any(row[1] == item['type'] and row[2] in members for row in explained), (item, members)
    assert count > 0.9 * len(known) > 20
    # What never left comes under a name of MISP's own: that is new.
    assert {item['id'] for item in rest} - set(platform.view) <= set(kept)
    assert platform.hand_in(rest)[0] == count and platform.echoes() == 2 * count


@pytest.mark.parametrize('change', CHANGES)
def test_what_somebody_changed_on_a_platform_is_no_echo(platform, change):
    item = next(item for item in platform.back if item['type'] == 'indicator' and item['id'] in platform.view)
    platform.taxii.kr.do('source', 'add', 'peer.jp', '--rewrites')
    CHANGES[change](item)
    assert platform.hand_in([item]) == (0, {item['id']: item})


def test_what_is_added_from_a_file_is_an_echo(reading, tmp_path):
    out, back, _ = round_trip(InternalSTIX2toMISPParser, [next(our_stix(tmp_path))])
    held = reading.hold(out)
    path = tmp_path / 'back.json'
    path.write_text(json.dumps({'objects': [item for item in back if item['id'] in held and item['type'] == 'indicator']}),
                    encoding='utf-8')
    reading.node.must('source', 'add', 'misp', '--rewrites')
    got = reading.node.run('add', str(path), '--source', 'misp').one
    assert got['echo'] > 5 and not got['new'] + got['assertion'] + got['conflict'], got
    assert f'bongsu_echoes_total{{source="misp"}} {got["echo"]}\n' in reading.metrics()
