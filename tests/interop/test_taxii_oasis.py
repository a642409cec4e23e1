"""The TAXII 2.1 interoperability table of OASIS (44 rows; CSD01, section 4.1), row by row, against a live node.

The table and the example bundles come from BONGSU_DATA/stix/oasis-interop; without them the tests are skipped. A row is the
function named by its test_id. Rows that the table marks optional are report-only: their test shows what bongsu answers.
"""
import json
import pathlib
import tomllib
import uuid

import pytest
import requests

import taxii_node
from taxii_node import DATA, PASSWORD, TAXII
from test_taxii import build_path

TABLE = pathlib.Path(DATA, 'stix', 'oasis-interop', 'taxii-interop', 'manifest.toml')
BUNDLES = pathlib.Path(DATA, 'stix', 'oasis-interop', 'interop')
ROWS = tomllib.loads(TABLE.read_text(encoding='utf-8'))['requirement'] if TABLE.exists() else []
RELEASE, INBOX, SPACE = (f'/api/collections/{name}/' for name in ('release', 'inbox', 'workspace'))

pytestmark = pytest.mark.skipif(not ROWS, reason='the interoperability table is not there (BONGSU_DATA)')


def thing(number, kind='indicator', version=0, **more):
    one = {'type': kind, 'spec_version': '2.1', 'id': f'{kind}--00000000-0000-4000-8000-{number:012d}',
           'created': '2026-01-01T00:00:00.000Z', 'modified': f'2026-01-01T00:00:{version:02d}.000Z', **more}
    if kind == 'indicator':
        one.update(pattern=f"[ipv4-addr:value = '192.0.2.{number % 250}']", pattern_type='stix',
                   valid_from='2026-01-01T00:00:00Z', indicator_types=['malicious-activity'])
    return one | ({'name': f'number {number}', 'is_family': False} if kind == 'malware' else {})


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    taxii = taxii_node.Taxii(build_path('src/cli/bongsu'), tmp_path_factory.mktemp('kr'))
    feed = [thing(n) for n in range(1, 9)] + [thing(n, 'malware') for n in range(9, 13)]
    for part, wanted in ((feed, 12), ([thing(n, version=1) for n in range(1, 4)], 15)):
        taxii.kr.do('add', '-', '--source', 'feed', input='\n'.join(map(json.dumps, part)))
        taxii_node.live.wait_until(
            lambda count=wanted: len(taxii.objects('release', **{'match[version]': 'all'})) == count, 20)
    yield taxii
    taxii.kr.stop()


def manifest(node, **params):
    answer = node.get(RELEASE + 'manifest/', params=params)
    assert answer.status_code == 200 and answer.headers['Content-Type'] == TAXII
    return answer.json().get('objects', [])


def refused(answer, status):
    assert answer.status_code == status, answer.text
    error = answer.json()
    assert error['title'] and error['http_status'] == str(status) and answer.headers['Content-Type'] == TAXII
    return True


# --- 3.1 authentication

def tc_3_1_1_missing_authorization(node):
    answer = node.get('/taxii2/', who=None)
    assert refused(answer, 401) and 'Basic' in answer.headers['WWW-Authenticate']


def tc_3_1_2_authorization_error(node):
    for header in ('Basic !!!', 'Basic anA6d3Jvbmc=', 'Bearer nonsense', 'Nonsense x'):
        assert refused(node.get('/taxii2/', who=None, headers={'Authorization': header}), 401)


def tc_3_1_3_certificate_auth(node):
    key = taxii_node.certificate(node.base, 'client')
    pair = (str(node.base / 'client.pem'), str(node.base / 'client.key'))
    assert refused(node.get('/taxii2/', who=None, cert=pair), 401)
    node.kr.do('taxii', 'add', 'machine', '--audience', 'jp', '--read', '--certificate', key)
    assert node.get('/taxii2/', who=None, cert=pair).status_code == 200
    assert node.get(RELEASE + 'objects/', who=None, cert=pair).json()['objects']


def tc_3_1_4_http_basic(node):
    assert node.get('/taxii2/', who=None, auth=('jp', PASSWORD)).status_code == 200
    assert refused(node.get('/taxii2/', who=None, auth=('jp', PASSWORD + 'x')), 401)


# --- 3.2 - 3.4 discovery, API root, collections

def tc_3_2_1_get_discovery(node):
    answer = node.get('/taxii2/')
    found = answer.json()
    assert answer.headers['Content-Type'] == TAXII and found['title'] and found['default'] in found['api_roots']


def tc_3_3_1_get_api_root(node):
    found = node.get('/api/').json()
    assert found['title'] and TAXII in found['versions'] and found['max_content_length'] > 0


def tc_3_3_2_incorrect_api_root(node):
    answer = node.get('/nothing/')
    assert answer.status_code == 404
    assert refused(node.get('/api/nothing/'), 404)


def tc_3_4_1_get_collections(node):
    found = node.get('/api/collections/').json()['collections']
    assert [one['id'] for one in found] == sorted(one['id'] for one in found) and len(found) == 3
    for one in found:
        assert one['title'] and isinstance(one['can_read'], bool) and isinstance(one['can_write'], bool)
        assert uuid.UUID(one['id']).version == 4 and one['media_types'] == ['application/stix+json;version=2.1']


# --- 3.5 collection

def rights(node, alias):
    one = node.get(f'/api/collections/{alias}/').json()
    assert node.get(f'/api/collections/{one["id"]}/').json() == one
    return one['can_read'], one['can_write']


def tc_3_5_1_1_write_only_collection(node):
    assert rights(node, 'inbox') == (False, True)


def tc_3_5_1_2_read_write_collection(node):
    assert rights(node, 'workspace') == (True, True)


def tc_3_5_1_3_read_only_collection(node):
    assert rights(node, 'release') == (True, False)


def tc_3_5_1_4_no_read_no_write_collection(node):
    # A collection without rights does not exist for who asks, as the document permits.
    assert refused(node.get('/api/collections/workspace/', 'reader'), 404)
    assert len(node.get('/api/collections/', 'reader').json()['collections']) == 1


def tc_3_5_2_1_read_write_only_forbidden(node):
    for path in ('objects/', 'manifest/', f'objects/{thing(1)["id"]}/', f'objects/{thing(1)["id"]}/versions/'):
        assert refused(node.get(INBOX + path), 403)


def tc_3_5_2_2_write_read_only_forbidden(node):
    assert refused(node.post({'objects': [thing(50)]}, 'release'), 403)


def tc_3_5_2_3_delete_forbidden(node):
    for place in (RELEASE, INBOX):
        assert refused(node.ask('DELETE', f'{place}objects/{thing(1)["id"]}/'), 403)


def tc_3_5_2_4_delete_not_found(node):
    assert refused(node.ask('DELETE', f'{SPACE}objects/{thing(1)["id"]}/', 'reader'), 404)


def tc_3_5_3_incorrect_collection(node):
    for name in ('nothing', str(uuid.uuid4()), '..%2frelease', '%2e%2e', 'release%00'):
        for path in ('', 'objects/', 'manifest/'):
            assert node.get(f'/api/collections/{name}/{path}').status_code in (400, 404)


# --- 3.6 - 3.9 reading

def tc_3_6_1_get_manifest(node):
    answer = node.get(RELEASE + 'manifest/')
    records = answer.json()['objects']
    dates = [one['date_added'] for one in records]
    assert len(records) == 12 and dates == sorted(set(dates))
    assert answer.headers['X-TAXII-Date-Added-First'] == dates[0] and answer.headers['X-TAXII-Date-Added-Last'] == dates[-1]
    for one in records:
        assert len(one['date_added']) == 27 and one['id'] and one['version']
        assert one['media_type'] == 'application/stix+json;version=2.1'


def tc_3_7_1_get_objects(node):
    answer = node.get(RELEASE + 'objects/')
    assert [one['id'] for one in answer.json()['objects']] == [one['id'] for one in manifest(node)]
    assert answer.headers['X-TAXII-Date-Added-First'] and 'more' not in answer.json()


def tc_3_7_2_no_objects(node):
    answer = node.get(RELEASE + 'objects/', params={'match[type]': 'campaign'})
    assert answer.status_code == 200 and answer.json() == {} and 'X-TAXII-Date-Added-First' not in answer.headers


def tc_3_8_1_get_object(node):
    one = node.get(f'{RELEASE}objects/{thing(2)["id"]}/').json()['objects']
    assert one == [thing(2, version=1)]


def tc_3_8_2_object_not_found(node):
    for place in (RELEASE, SPACE):
        assert refused(node.get(f'{place}objects/indicator--{uuid.uuid4()}/'), 404)


def tc_3_9_1_get_versions(node):
    answer = node.get(f'{RELEASE}objects/{thing(2)["id"]}/versions/')
    assert answer.json() == {'versions': ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z']}
    assert answer.headers['X-TAXII-Date-Added-Last']


# --- 3.10 - 3.12 writing

def tc_3_10_1_add_objects(node):
    answer = node.post({'objects': [thing(100), thing(101, 'malware')]})
    status = answer.json()
    assert answer.status_code == 202 and answer.headers['Content-Type'] == TAXII
    assert (status['status'], status['total_count'], status['success_count']) == ('complete', 2, 2)
    assert node.get(f'{SPACE}objects/{thing(100)["id"]}/').json()['objects'] == [thing(100)]


def tc_3_11_1_get_status(node):
    status = node.post({'objects': [thing(102)]}).json()
    assert node.get(f'/api/status/{status["id"]}/').json() == status
    assert refused(node.get(f'/api/status/{status["id"]}/', 'other'), 404)
    assert refused(node.get(f'/api/status/{uuid.uuid4()}/'), 404)


def tc_3_11_2_get_all_status_properties(node):
    status = node.post({'objects': [thing(103), {'type': 'indicator', 'id': 'nonsense'}]}).json()
    assert uuid.UUID(status['id']).version == 4 and len(status['request_timestamp']) == 27
    assert status['total_count'] == status['success_count'] + status['failure_count'] + status['pending_count'] == 2
    assert status['successes'] == [{'id': thing(103)['id'], 'version': thing(103)['modified']}]
    assert status['failures'][0]['message'] and 'pendings' not in status


def tc_3_12_1_delete_object(node):
    path = f'{SPACE}objects/{thing(104)["id"]}/'
    node.post({'objects': [thing(104), thing(104, version=1)]})
    answer = node.ask('DELETE', path, params={'match[version]': 'first'})
    assert (answer.status_code, answer.content) == (200, b'')
    assert node.get(path, params={'match[version]': 'all'}).json()['objects'] == [thing(104, version=1)]
    assert node.ask('DELETE', path).status_code == 200
    assert refused(node.ask('DELETE', path), 404) and refused(node.get(path), 404)


# --- 3.13 filters

def tc_3_13_1_1_added_after(node):
    dates = [one['date_added'] for one in manifest(node)]
    after = [one['date_added'] for one in manifest(node, added_after=dates[4])]
    assert after == dates[5:] and not manifest(node, added_after=dates[-1])
    assert refused(node.get(RELEASE + 'manifest/', params={'added_after': 'yesterday'}), 400)


def tc_3_13_1_2_limit(node):
    assert len(manifest(node, limit=5)) == 5
    for wrong in ('0', '-1', 'x', '1.5', ''):
        assert refused(node.get(RELEASE + 'manifest/', params={'limit': wrong}), 400)


def tc_3_13_1_3_match_id(node):
    assert [one['id'] for one in manifest(node, **{'match[id]': thing(5)['id']})] == [thing(5)['id']]


def tc_3_13_1_4_match_type(node):
    assert {one['id'].split('--')[0] for one in manifest(node, **{'match[type]': 'malware'})} == {'malware'}


def tc_3_13_1_5_match_version(node):
    def versions(which):
        return sorted(one['version'] for one in manifest(node, **{'match[id]': thing(1)['id'], 'match[version]': which}))
    old, new = thing(1)['modified'], thing(1, version=1)['modified']
    assert versions('first') == [old] and versions('last') == [new] and versions('all') == [old, new]
    assert versions(old) == [old] and versions(f'{old},last') == [old, new] and not versions('2020-01-01T00:00:00Z')
    assert refused(node.get(RELEASE + 'manifest/', params={'match[version]': 'newest'}), 400)


def tc_3_13_1_6_match_spec_version(node):
    assert len(manifest(node, **{'match[spec_version]': '2.1'})) == 12
    assert not manifest(node, **{'match[spec_version]': '2.0'})
    assert len(manifest(node, **{'match[spec_version]': '2.0,2.1'})) == 12


def tc_3_13_1_7_logical_or(node):
    wanted = {thing(3)['id'], thing(6)['id']}
    assert {one['id'] for one in manifest(node, **{'match[id]': ','.join(wanted)})} == wanted


def tc_3_13_1_8_logical_and(node):
    assert not manifest(node, **{'match[id]': thing(3)['id'], 'match[type]': 'malware'})
    assert len(manifest(node, **{'match[id]': thing(3)['id'], 'match[type]': 'indicator'})) == 1


def tc_3_13_1_9_logical_or_and(node):
    found = manifest(node, **{'match[id]': f'{thing(3)["id"]},{thing(9, "malware")["id"]}', 'match[type]': 'malware,campaign'})
    assert [one['id'] for one in found] == [thing(9, 'malware')['id']]


def tc_3_13_1_10_duplicate_filter(node):
    assert refused(node.get(RELEASE + 'manifest/?match[type]=indicator&match[type]=malware'), 400)


# --- 3.14, 3.15

def tc_3_14_1_pagination(node):
    for path, member in (('objects/', 'objects'), ('manifest/', 'objects'), (f'objects/{thing(1)["id"]}/versions/', 'versions')):
        whole, pages, params = node.get(RELEASE + path).json()[member], [], {'limit': 1}
        while True:
            page = node.get(RELEASE + path, params=params).json()
            pages += page[member]
            if not page.get('more'):
                break
            params['next'] = page['next']
        assert pages == whole
    assert refused(node.get(RELEASE + 'objects/', params={'next': params['next']}), 400)  # of another endpoint


def tc_3_15_1_custom_properties(node):
    custom = thing(105, x_score=7, x_nested={'a': [1, 2]})
    assert node.post({'objects': [custom]}).json()['success_count'] == 1
    assert node.get(f'{SPACE}objects/{custom["id"]}/').json()['objects'] == [custom]


REPORT_ONLY = {'Tier 1': 'match[indicator_types]', 'Tier 2': 'match[name]', 'Tier 3': 'match[pattern]',
               'Relationships': 'match[relationships-all]', 'Calculation': 'match[confidence-gte]'}


@pytest.mark.parametrize('row', ROWS, ids=lambda row: f'{row["section"]} {row["test_case"]}')
def test_row(node, row, record_property):
    record_property('disposition', row['disposition'])
    if row['disposition'] == 'REPORT_ONLY':
        # Optional filters: not offered, and refused rather than ignored.
        assert row['verification'] == 'Optional'
        assert refused(node.get(RELEASE + 'objects/', params={REPORT_ONLY[row['test_case']]: 'x'}), 400)
        return
    globals()[row['test_id']](node)


def test_the_table_is_whole():
    assert len(ROWS) == 44 and sum(row['verification'] == 'Mandatory' for row in ROWS) == 39


def bundles():
    for path in sorted(BUNDLES.rglob('*.json')):
        content = json.loads(path.read_text(encoding='utf-8'))
        if isinstance(content, dict) and content.get('type') == 'bundle' and content.get('objects'):
            yield path.relative_to(BUNDLES), content


def key(one):
    """A version has one content; of what has no versions each content stands for itself."""
    version = one.get('modified', one.get('created'))
    return one['id'], version or json.dumps(one, sort_keys=True)


def test_example_bundles_come_back_as_they_went_in(node):
    """Every object of every example bundle is taken and read back the same, or refused with a reason and a pointer."""
    taken, refusals = {}, []
    for name, bundle in bundles():
        status = node.post({'objects': bundle['objects']}, who='other').json()
        assert status['total_count'] == len(bundle['objects'])
        failed = {one['id'] for one in status.get('failures', [])}
        refusals += [(str(name), one['message']) for one in status.get('failures', [])]
        assert all(message.startswith('/objects/') for _, message in refusals)
        for one in bundle['objects']:
            if one.get('id') not in failed:
                taken.setdefault(key(one), one)
    found = {key(one): one for one in node.objects(who='other', **{'match[version]': 'all'})}
    assert len(taken) > 100 and found == taken
    print(f'{len(taken)} objects of the example bundles came back, {len(refusals)} were refused')
    for name, message in refusals:
        print(f'  {name}: {message}')


def test_another_server_is_not_reached_by_host(node):
    assert requests.get(node.url + '/api/', headers={'Host': 'evil.example', 'Accept': TAXII}, timeout=10,
                        verify=str(node.base / 'tls.pem')).status_code == 401
