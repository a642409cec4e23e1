"""Real TAXII 2.1 clients (taxii2-client; stix2's TAXIICollectionSource and Sink) against the TAXII server.

Every test runs twice: against a whole node (HTTPS with a certificate of the operator's, `jp` takes part by TAXII alone), and
against the handlers over plain HTTP with the unit tests' gate behind them. BONGSU_BUILD names the build directory.
"""
import json
import os
import subprocess
import sys
import time
import uuid

import pytest
import requests
import stix2
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'bench'))
import live  # noqa: E402

TAXII = 'application/taxii+json;version=2.1'
VERSIONS = '/api/collections/release/manifest/?match[version]=all'
HARNESS = 'tests/unit/taxii/taxii_harness'


def build_path(program):
    for build in filter(None, (os.environ.get('BONGSU_BUILD'), 'build/dev', 'build')):
        if os.access(os.path.join(ROOT, build, program), os.X_OK):
            return build
    return pytest.skip(f'{program} is not built')


def harness():
    path = os.path.join(ROOT, build_path(HARNESS), HARNESS)
    with subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        node = json.loads(process.stdout.readline())
        yield {**node, 'url': f'http://127.0.0.1:{node["port"]}'}
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def feed():
    """20 indicators; the first five have a second version."""
    for i in range(25):
        yield json.dumps({'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{i % 20:012d}',
                          'created': '2026-01-01T00:00:00.000Z', 'modified': f'2026-01-01T00:00:0{i // 20}.000Z',
                          'indicator_types': ['malicious-activity'], 'pattern': f"[ipv4-addr:value = '192.0.2.{i}']",
                          'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z'})


def certify(base):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-keyout', base / 'tls.key', '-out', base / 'tls.pem', '-subj', '/CN=kr', '-addext',
                    'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)


def live_node(base, patch):
    kr = live.Node(build_path('src/cli/bongsu'), base, 'kr', 'KR')
    certify(base)
    with open(kr.dir / 'bongsu.yaml', 'a', encoding='utf-8') as conf:
        conf.write(f'\ncertificate: {base}/tls.pem\ncertificate-key: {base}/tls.key\n')
    (base / 'password').write_text('correct horse battery\n')  # as editors and echo end a line
    patch.setenv('REQUESTS_CA_BUNDLE', str(base / 'tls.pem'))
    kr.serve()
    kr.activate()
    kr.do('source', 'add', 'feed', '--assume', 'tlp:clear', '--because', 'made for this test', '--until', '2100-01-01')
    kr.do('peer', 'add-taxii', 'jp', '--country', 'JP')
    kr.do('peer', 'start', 'jp')
    token = kr.token('jp', '--audience', 'jp', '--password-file', str(base / 'password'))
    node = {'url': f'https://127.0.0.1:{kr.port}', 'user': 'jp', 'password': 'correct horse battery', 'token': token}
    # The second versions come when the first are out: a version that is no longer the newest is not released.
    for part, wanted in ((slice(0, 20), 20), (slice(20, 25), 25)):
        kr.do('add', '-', '--source', 'feed', input='\n'.join(list(feed())[part]))
        live.wait_until(lambda count=wanted: len(get(node, VERSIONS).json().get('objects', [])) == count, 20)
    yield node
    began = time.monotonic()
    kr.stop()
    assert time.monotonic() - began < 2.5


@pytest.fixture(scope='module', params=['node', 'handlers'])
def node(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield from live_node(tmp_path_factory.mktemp('kr'), patch) if request.param == 'node' else harness()


@pytest.fixture
def collections(node):
    server = Server(node['url'] + '/taxii2/', user=node['user'], password=node['password'])
    return {collection.custom_properties.get('alias', collection.title.lower()): collection
            for collection in server.api_roots[0].collections}


def indicator(**more):
    return stix2.Indicator(pattern="[ipv4-addr:value = '198.51.100.7']", pattern_type='stix',
                           valid_from='2026-01-01T00:00:00Z', **more)


def get(node, path, **more):
    headers = {'Accept': TAXII, 'Authorization': f'Bearer {node["token"]}', **more.pop('headers', {})}
    return requests.get(node['url'] + path, headers=headers, timeout=10, **more)


def test_discovery_and_root(node):
    server = Server(node['url'] + '/taxii2/', user=node['user'], password=node['password'])
    assert server.title and server.default.url == server.api_roots[0].url
    root = server.default
    assert root.versions == [TAXII]
    assert root.max_content_length == 10 * 1024 * 1024


class Bearer(requests.auth.AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers['Authorization'] = f'Bearer {self.token}'
        return request


@pytest.mark.parametrize('scheme', [Bearer, TokenAuth])
def test_bearer_token(node, scheme):
    root = ApiRoot(node['url'] + '/api/', auth=scheme(node['token']))
    assert len(root.collections) == 3
    with pytest.raises(requests.HTTPError):
        ApiRoot(node['url'] + '/api/', auth=Bearer(node['token'][:-1])).refresh()


def test_collections_and_their_rights(collections):
    rights = {name: (one.can_read, one.can_write) for name, one in collections.items()}
    assert rights == {'release': (True, False), 'inbox': (False, True), 'workspace': (True, True)}


def test_pages_hold_every_live_object_once(collections):
    seen = []
    pages = 0
    for page in as_pages(collections['release'].get_objects, per_request=7):
        seen += [one['id'] for one in page.get('objects', [])]
        pages += 1
    assert len(seen) == len(set(seen)) == 20 and pages == 3


def test_manifest_and_added_after(collections):
    manifest = collections['release'].get_manifest()['objects']
    dates = [record['date_added'] for record in manifest]
    assert dates == sorted(set(dates)) and len(dates) == 20
    rest = collections['release'].get_objects(added_after=dates[14])['objects']
    assert [one['id'] for one in rest] == [record['id'] for record in manifest[15:]]


def test_filters_and_versions(collections):
    release = collections['release']
    wanted = 'indicator--00000000-0000-4000-8000-000000000003'
    assert [one['id'] for one in release.get_objects(id=wanted)['objects']] == [wanted]
    assert len(release.get_objects(id=wanted, version='all')['objects']) == 2
    assert release.get_objects(type='malware') == {}
    assert release.object_versions(wanted)['versions'] == ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z']
    assert release.get_object(wanted)['objects'][0]['modified'] == '2026-01-01T00:00:01.000Z'


def test_submission_with_status(node, collections):
    envelope = {'objects': [json.loads(indicator().serialize()), {'type': 'indicator', 'id': 'nonsense'}]}
    status = collections['inbox'].add_objects(envelope)
    assert (status.status, status.total_count, status.success_count, status.failure_count) == ('complete', 2, 1, 1)
    assert status.failures[0]['message'].startswith('/objects/1')
    assert status.successes[0]['id'] == envelope['objects'][0]['id']
    status.refresh()
    assert status.success_count == 1
    with pytest.raises(requests.HTTPError) as refused:
        ApiRoot(node['url'] + '/api/', user=node['user'], password=node['password']).get_status(str(uuid.uuid4()))
    assert refused.value.response.status_code == 404


def test_rights_are_kept_by_the_server(node, collections):
    assert get(node, '/api/collections/inbox/objects/').status_code == 403
    response = requests.post(f'{node["url"]}/api/collections/release/objects/', data='{"objects":[{}]}', timeout=10,
                             headers={'Accept': TAXII, 'Content-Type': TAXII, 'Authorization': f'Bearer {node["token"]}'})
    assert response.status_code == 403
    assert response.json()['http_status'] == '403'


def test_opencti_posts_a_bundle_as_stix(node):
    bundle = stix2.Bundle(indicator()).serialize()
    response = requests.post(f'{node["url"]}/api/collections/inbox/objects/', data=bundle, timeout=10,
                             headers={'Accept': TAXII, 'Content-Type': 'application/stix+json; version=2.1',
                                      'Authorization': f'Bearer {node["token"]}'})
    assert response.status_code == 202 and response.json()['success_count'] == 1


def test_misp_writes_basic_in_lower_case(node):
    # The header as MISP's client sends it, with a Content-Type on GET.
    token = requests.auth._basic_auth_str(node['user'], node['password']).replace('Basic', 'basic')
    response = get(node, '/api/collections/release/objects/?limit=50',
                   headers={'Authorization': token, 'Content-Type': TAXII})
    assert response.status_code == 200 and len(response.json()['objects']) == 20


def test_opencti_leaves_added_after_out_when_it_follows_next(node):
    objects = '/api/collections/release/objects/'
    page = get(node, objects, params={'limit': 5, 'added_after': '2020-01-01T00:00:00Z'}).json()
    rest = get(node, objects, params={'limit': 100, 'next': page['next']}).json()
    assert len(page['objects']) == 5 and len(rest['objects']) == 15 and not rest.get('more')


def test_stix2_source_and_sink(collections):
    sink = stix2.TAXIICollectionSink(collections['workspace'])
    source = stix2.TAXIICollectionSource(collections['workspace'])
    first = indicator(name='one')
    second = first.new_version(name='two')
    sink.add([first, second])
    assert source.get(first.id).name == 'two'
    assert sorted(one.name for one in source.all_versions(first.id)) == ['one', 'two']
    found = source.query([stix2.Filter('type', '=', 'indicator'), stix2.Filter('id', '=', first.id)])
    assert [one.name for one in found] == ['two']
    assert source.get('indicator--' + str(uuid.uuid4())) is None


def test_stix2_source_reads_the_release_view(collections):
    source = stix2.TAXIICollectionSource(collections['release'])
    assert len(source.query([stix2.Filter('type', '=', 'indicator')])) == 20


def test_an_unknown_client_learns_nothing(node):
    for path in ('/taxii2/', '/api/', '/api/collections/', '/api/nothing/'):
        response = requests.get(node['url'] + path, timeout=10)
        assert response.status_code == 401 and 'WWW-Authenticate' in response.headers


def test_collection_by_url_alone(node, collections):
    again = Collection(collections['release'].url, user=node['user'], password=node['password'])
    assert again.id == collections['release'].id
