"""Clients of the field against a live node: OpenCTI's TAXII ingester and taxii-post connector, MISP's client, cytaxii2; and what
an operator and an attacker see of the server.

The request sequences of OpenCTI and MISP are fixtures of our own, written after how those clients behave: which headers they
send, what they leave out, how they follow pages.
"""
import base64
import contextlib
import http.client
import json
import ssl
import subprocess
import time
import uuid
import warnings

import pytest
import requests
import stix2
import stix2.exceptions

import taxii_node
from taxii_node import PASSWORD, TAXII
from test_taxii import build_path
from test_taxii_oasis import thing

RELEASE, INBOX, SPACE = (f'/api/collections/{name}/' for name in ('release', 'inbox', 'workspace'))


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    taxii = taxii_node.Taxii(build_path('src/cli/bongsu'), tmp_path_factory.mktemp('kr'))
    taxii.kr.do('add', '-', '--source', 'feed', input='\n'.join(json.dumps(thing(n)) for n in range(1, 24)))
    taxii_node.live.wait_until(lambda: len(taxii.objects('release')) == 23, 20)
    yield taxii
    taxii.kr.stop()


# --- OpenCTI: the TAXII feed ingester

class Ingester:
    """It keeps added_after and next between ticks; within a tick it follows `more`, with both parameters or with next alone."""

    def __init__(self, node, auth, keeps_added_after, cert=None):
        self.node, self.auth, self.cert, self.keeps = node, auth, cert, keeps_added_after
        self.added_after, self.next, self.seen = None, None, []

    def page(self, limit):
        """One request; True while the server has more."""
        params = {'limit': limit} if limit else {}
        if self.added_after and (self.keeps or not self.next):
            params['added_after'] = self.added_after
        if self.next:
            params['next'] = self.next
        answer = requests.get(f'{self.node.url}{RELEASE}objects/', params=params, timeout=10, cert=self.cert,
                              verify=str(self.node.base / 'tls.pem'), headers={'Accept': TAXII, **self.auth})
        assert answer.status_code == 200 and answer.headers['Content-Type'] == TAXII
        page = answer.json()
        self.seen += [one['id'] for one in page.get('objects', [])]
        if not page.get('more'):  # only a whole reading moves the date
            self.added_after, self.next = answer.headers.get('X-TAXII-Date-Added-Last', self.added_after), None
            return False
        self.next = page['next']
        return True

    def tick(self, limit=None, pages=100):
        done = 1
        while self.page(limit) and done < pages:
            done += 1
        return done


def auth_of(node, scheme):
    """Fields, and a pair of files, by which the ingester shows who it is."""
    if scheme == 'certificate':
        if not (node.base / 'ingester.pem').exists():
            key = taxii_node.certificate(node.base, 'ingester')
            node.kr.do('taxii', 'add', 'ingester', '--audience', 'jp', '--read', '--certificate', key)
        return {}, tuple(str(node.base / f'ingester.{end}') for end in ('pem', 'key'))
    words = f'Bearer {node.tokens["jp"]}' if scheme == 'bearer' else \
        'Basic ' + base64.b64encode(f'jp:{PASSWORD}'.encode()).decode()
    return {'Authorization': words}, None


@pytest.mark.parametrize('keeps', [True, False], ids=['added_after and next', 'next alone'])
@pytest.mark.parametrize('scheme', ['basic', 'bearer', 'certificate'])
def test_opencti_ingester(node, keeps, scheme):
    auth, cert = auth_of(node, scheme)
    whole = len(node.objects('release'))
    ingester = Ingester(node, auth, keeps, cert)
    assert ingester.tick(limit=5) == -(-whole // 5)
    assert len(ingester.seen) == len(set(ingester.seen)) == whole
    assert ingester.tick() == 1 and len(ingester.seen) == whole  # nothing new: an empty page, and the date stays
    assert ingester.added_after


@pytest.mark.parametrize('keeps', [True, False], ids=['added_after and next', 'next alone'])
def test_opencti_ingester_goes_on_between_ticks(node, keeps):
    """A tick that ends in the middle keeps `next`; what is released meanwhile comes behind it, and later by the date alone."""
    first = 300 if keeps else 310
    ingester = Ingester(node, auth_of(node, 'basic')[0], keeps)
    ingester.tick(limit=5, pages=2)
    whole = len(node.objects('release'))
    for number in (first, first + 1):
        node.kr.do('add', '-', '--source', 'feed', input=json.dumps(thing(number)))
        taxii_node.live.wait_until(lambda: thing(number)['id'] in [one['id'] for one in node.objects('release')], 20)
        ingester.tick(limit=5)
        assert ingester.seen[-1] == thing(number)['id'] and not ingester.next
    assert len(ingester.seen) == len(set(ingester.seen)) == whole + 2


# --- OpenCTI: taxii-post

def opencti_post(node, one, who='jp', collection='inbox'):
    """One object a request, wrapped in a bundle, as application/stix+json."""
    bundle = {'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': [one]}
    return node.ask('POST', f'/api/collections/{collection}/objects/', who, data=json.dumps(bundle),
                    headers={'Content-Type': 'application/stix+json; version=2.1'})


def test_opencti_taxii_post(node):
    extended = thing(200, x_opencti_score=80, extensions={
        'extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba': {'extension_type': 'property-extension', 'id': 'x'}})
    for one in (extended, thing(201), thing(200)):
        assert opencti_post(node, one).status_code == 202
    assert opencti_post(node, extended).json()['success_count'] == 1  # it posts again after a restart
    assert node.get(f'{SPACE}objects/{extended["id"]}/').json()['objects'] == [extended]


def test_opencti_taxii_post_without_what_its_configuration_drops(node):
    """It may leave out markings and the creator, and never asks for the status: that is another version, nothing else."""
    creator = 'identity--00000000-0000-4000-8000-000000000001'
    marked = thing(205, object_marking_refs=['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'], created_by_ref=creator)
    bare = thing(205, version=1)
    for one in (marked, bare, bare):
        answer = opencti_post(node, one)
        assert answer.status_code == 202 and answer.headers['Content-Type'] == TAXII
        assert (answer.json()['total_count'], answer.json()['success_count']) == (1, 1)
    held = node.get(f'{SPACE}objects/{marked["id"]}/?match[version]=all').json()['objects']
    assert held == [marked, bare]
    refused = opencti_post(node, {'type': 'indicator', 'id': 'indicator--x'})
    assert refused.status_code == 202 and refused.json()['failures'][0]['message']


def test_a_strict_identity_sends_what_the_standard_allows(node):
    node.tokens['strict'] = node.kr.token('strict', '--audience', 'jp', '--strict')
    assert opencti_post(node, thing(202), 'strict').status_code == 415
    bundle = {'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': [thing(202)]}
    assert node.post(bundle, who='strict').status_code == 400
    assert node.post({'objects': [thing(202)]}, who='strict').status_code == 202


# --- MISP: its TAXII client

def test_misp_client(node):
    auth = {'Authorization': 'basic ' + base64.b64encode(f'jp:{PASSWORD}'.encode()).decode(), 'Content-Type': TAXII}
    root = node.get('/api/', who=None, headers=auth).json()
    assert root['max_content_length'] > 0
    seen, params = [], {'limit': 50}
    while True:
        page = node.get(RELEASE + 'objects/', who=None, headers=auth, params=params).json()
        seen += page['objects']
        if not page.get('more'):
            break
        params['next'] = page['next']
    assert seen == node.objects('release') and len(seen) >= 23
    body = json.dumps({'objects': [thing(n) for n in range(210, 230)]})
    assert len(body) < root['max_content_length']
    assert node.post(body, 'inbox', headers=auth, who=None).status_code == 202


# --- cytaxii2

def test_cytaxii2(node, monkeypatch):
    cytaxii2 = pytest.importorskip('cytaxii2').cytaxii2
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(node.base / 'tls.pem'))
    client = cytaxii2.cytaxii2(f'{node.url}/taxii2/', 'jp', PASSWORD)
    assert client.discovery_request()['response']['default'] == '/api/'
    client.api_root = f'{node.url}/api/'  # it does not resolve the relative one
    assert client.root_discovery()['response']['versions'] == [TAXII]
    found = {one['alias']: one for one in client.collection_request()['response']['collections']}
    assert set(found) == {'release', 'inbox', 'workspace'}
    release, inbox = found['release']['id'], found['inbox']['id']
    assert client.collection_data_request(collection_id=release)['response']['id'] == release
    seen, page = [], {'next': None, 'more': True}
    while page.get('more'):
        page = client.poll_request(collection_id=release, limit=7, next=page['next'])['response']
        assert len(page['objects']) <= 7
        seen += [one['id'] for one in page['objects']]
    assert seen == [one['id'] for one in node.objects('release')] and len(seen) == len(set(seen)) >= 23

    def ids(**filters):
        return [one['id'] for one in client.poll_request(collection_id=release, **filters)['response'].get('objects', [])]
    assert ids(object_id=thing(3)['id']) == [thing(3)['id']]
    assert ids(object_type='malware') == [] and ids(object_type='indicator,malware') == seen
    manifest = client.request_handler(method='GET', url=f'{client.api_root}collections/{release}/manifest/')
    manifest = manifest['response']['objects']
    assert [row['id'] for row in manifest] == seen
    after = manifest[-4]['date_added']
    assert ids(added_after=after) == seen[-3:]
    assert client.poll_request(collection_id=inbox)['status_code'] == 403
    sent = client.inbox_request(collection_id=inbox, stix_bundle=json.dumps({'objects': [thing(240)]}))
    assert sent['status_code'] == 202 and sent['response']['success_count'] == 1
    status = client.request_handler(method='GET', url=f'{client.api_root}status/{sent["response"]["id"]}/')
    assert (status['status_code'], status['response']) == (200, sent['response'])
    stranger = cytaxii2.cytaxii2(f'{node.url}/taxii2/', 'jp', 'another password')
    assert stranger.discovery_request()['status_code'] == 401


# --- what comes out is STIX

def test_what_is_served_is_valid_stix(node):
    for one in node.objects('release'):
        assert stix2.parse(one, allow_custom=False).id == one['id']


def test_stix2_validator_agrees(node, tmp_path):
    validator = pytest.importorskip('stix2validator')
    bundle = {'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': node.objects('release')}
    assert validator.validate_string(json.dumps(bundle)).is_valid


# --- the access record

def lines(node, *args):
    return [json.loads(line) for line in node.kr.do('access', '--json', *args).splitlines() if '"time"' in line]


def test_access_says_who_read_what(node):
    node.tokens['watched'] = node.kr.token('watched', '--audience', 'jp')
    since = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    size = len(node.get(RELEASE + 'objects/?limit=3', 'watched').content)
    node.post({'objects': [thing(250), thing(251)]}, 'inbox', 'watched')
    node.get('/api/nothing/', 'watched')
    found = lines(node, '--identity', 'watched')
    assert [(one['method'], one['what'], one['collection'], one['status'], one['objects']) for one in found] == [
        ('GET', 'objects', 'release', 200, 3), ('POST', 'objects', 'inbox', 202, 2), ('GET', '', '', 404, 0)]
    assert [(one.get('audience'), one.get('source')) for one in found] == [('jp', None), (None, 'peer.jp'), ('', None)]
    assert found[0]['bytes'] == size and found[0]['by'] == 'core'
    assert lines(node, '--identity', 'watched', '--collection', 'inbox') == found[1:2]
    assert lines(node, '--identity', 'watched', '--since', since) == found
    assert not lines(node, '--identity', 'watched', '--since', '2099-01-01')
    assert lines(node, '--identity', 'watched', '--limit', '1') == found[2:]


def test_pages_given_again_by_edge_are_in_the_record(node):
    node.tokens['polling'] = node.kr.token('polling', '--audience', 'jp')
    for _ in range(20):
        assert node.get(RELEASE + 'objects/?limit=2', 'polling').status_code == 200

    def requests_made():
        return sum(one['requests'] for one in lines(node, '--identity', 'polling'))
    taxii_node.live.wait_until(lambda: requests_made() == 20, 10)
    found = lines(node, '--identity', 'polling')
    assert {one['by'] for one in found} == {'core', 'edge'} and sum(one['objects'] for one in found) == 40


def test_strangers_are_counted_and_push_nothing_out(node):
    for _ in range(30):
        assert node.get('/api/', who=None, headers={'Authorization': 'Bearer x'}).status_code == 401
    found = [one for one in lines(node) if one['who'] == '' and one['status'] == 401]
    assert sum(one['requests'] for one in found) >= 30 and len(found) < 10


def test_the_record_outlives_a_restart(node):
    before = lines(node, '--identity', 'watched')
    node.kr.stop()
    node.kr.serve()
    assert before and lines(node, '--identity', 'watched') == before


# --- limits

def test_limits_answer_429_with_retry_after(node):
    node.tokens['slow'] = node.kr.token('slow', '--audience', 'jp')
    node.kr.do('taxii', 'limit', 'slow', '--requests', '5', '--objects', '3')
    answers = [node.get(RELEASE + 'objects/', 'slow') for _ in range(8)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 3
    assert 1 <= int(answers[-1].headers['Retry-After']) <= 60 and answers[-1].json()['http_status'] == '429'
    assert node.get(RELEASE + 'objects/').status_code == 200
    node.kr.do('taxii', 'limit', 'slow', '--requests', '0')
    assert node.post({'objects': [thing(n) for n in (260, 261, 262)]}, 'inbox', 'slow').status_code == 202
    assert node.post({'objects': [thing(263)]}, 'inbox', 'slow').status_code == 429


# --- attackers

def guess(node, source, password):
    """The status of one request of jp's from an address of loopback."""
    link = http.client.HTTPSConnection('127.0.0.1', node.kr.port, timeout=20, source_address=(source, 0),
                                       context=ssl.create_default_context(cafile=node.base / 'tls.pem'))
    with contextlib.closing(link):
        link.request('GET', '/api/', headers={'Accept': TAXII, 'Authorization': 'Basic ' + base64.b64encode(
            f'jp:{password}'.encode()).decode()})
        return link.getresponse().status


def test_a_stranger_who_guesses_does_not_lock_the_owner_out(node):
    node.kr.stop()
    node.kr.serve()  # no password is remembered
    said = [guess(node, '127.0.0.2', f'guess {number}') for number in range(20)]
    assert set(said) == {401, 429}
    assert guess(node, '127.0.0.1', PASSWORD) == 200
    assert guess(node, '127.0.0.2', PASSWORD) == 200  # proven now, wherever it comes from
    assert guess(node, '127.0.0.2', PASSWORD + '!') in (401, 429)


TRAVERSAL = ['/api/collections/release/../../../etc/passwd', '/api/collections/%2e%2e/%2e%2e/taxii2/', '/taxii2/..;/api/',
             '/api/collections/release%2fobjects/', '/api/collections/release/objects/..%5c..%5c', '/api//collections/',
             '/api/collections/release/objects/%00/', '/api/./collections/', '//evil.example/api/']


@pytest.mark.parametrize('path', TRAVERSAL)
def test_path_traversal(node, path):
    curl = ['curl', '-sk', '--path-as-is', '-o', '/dev/null', '-w', '%{http_code}', '-H']
    out = subprocess.run([*curl, f'Authorization: Bearer {node.tokens["jp"]}', node.url + path], capture_output=True, text=True,
                         check=True)
    assert out.stdout in ('400', '404')


def test_identifiers_of_other_audiences_look_like_none(node):
    """What another source handed in, and what nobody did: the same answers, byte for byte."""
    secret, nothing = thing(900), thing(901)
    assert node.post({'objects': [secret]}, 'workspace', 'other').json()['success_count'] == 1
    for method, path in (('GET', 'objects/{}/'), ('GET', 'objects/{}/versions/'), ('DELETE', 'objects/{}/'),
                         ('HEAD', 'objects/{}/'), ('GET', 'objects/?match[id]={}'),
                         ('GET', 'manifest/?match[id]={}&match[version]=all')):
        for place in (RELEASE, SPACE):
            told = [node.ask(method, place + path.format(one['id'])) for one in (secret, nothing)]
            assert told[0].status_code == told[1].status_code and told[0].content == told[1].content
            assert {name: value for name, value in told[0].headers.items() if name != 'Date'} == \
                   {name: value for name, value in told[1].headers.items() if name != 'Date'}


def test_a_submission_does_not_tell_what_others_hold(node):
    others = [thing(910), thing(911, x_note='theirs')]
    assert node.post({'objects': others}, 'workspace', 'other').json()['success_count'] == 2
    told = node.post({'objects': [thing(910), thing(911), thing(912)]}, 'workspace').json()  # equal, differing, new
    assert told['success_count'] == 3 and not told['failure_count']
    for n in (910, 911, 912):
        assert node.get(f'{SPACE}objects/{thing(n)["id"]}/').json()['objects'] == [thing(n)]
        assert node.ask('DELETE', f'{SPACE}objects/{thing(n)["id"]}/').status_code == 200
    assert node.get(f'{SPACE}objects/{thing(911)["id"]}/', 'other').json()['objects'] == [others[1]]


def test_collections_of_others_are_not_found(node):
    theirs = {one['id'] for one in node.get('/api/collections/', 'other').json()['collections']}
    mine = {one['id'] for one in node.get('/api/collections/').json()['collections']}
    assert theirs and not theirs & mine
    for one in theirs:
        assert node.get(f'/api/collections/{one}/').status_code == 404


# --- HTTP

def test_etag_and_if_none_match(node):
    first = node.get(RELEASE + 'objects/?limit=4')
    again = node.get(RELEASE + 'objects/?limit=4', headers={'If-None-Match': first.headers['ETag']})
    assert (again.status_code, again.content) == (304, b'') and again.headers['ETag'] == first.headers['ETag']


@pytest.mark.parametrize('span', ['bytes=0-9', 'bytes=99999999-', 'items=0-0', 'items 0-0', 'items 5-1'])
def test_a_range_is_not_heard(node, span):
    """TAXII 2.1 pages by limit and next: there is no 206 or 416, and a Range, of 2.0 or of HTTP, changes nothing."""
    for path in ('/taxii2/', '/api/', '/api/collections/', RELEASE, RELEASE + 'objects/', RELEASE + 'manifest/',
                 f'{RELEASE}objects/{thing(1)["id"]}/', f'{RELEASE}objects/{thing(1)["id"]}/versions/', SPACE + 'objects/'):
        whole, part = node.get(path), node.get(path, headers={'Range': span, 'If-Range': '"x"'})
        assert (part.status_code, part.content) == (200, whole.content)
        assert not {'Content-Range', 'Accept-Ranges'} & set(part.headers)
    assert node.get('/api/nothing/', headers={'Range': span}).status_code == 404


@pytest.mark.parametrize('version, taken', [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                                            (ssl.TLSVersion.TLSv1_3, True)])
def test_tls_1_2_at_least(node, version, taken):
    context = ssl.create_default_context(cafile=node.base / 'tls.pem')
    context.set_ciphers('ALL:@SECLEVEL=0')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # of what is tried here
        context.minimum_version = context.maximum_version = version
    link = http.client.HTTPSConnection('127.0.0.1', node.kr.port, timeout=20, context=context)
    with contextlib.closing(link):
        if taken:
            link.request('GET', '/api/', headers={'Accept': TAXII})
            assert link.getresponse().status == 401 and link.sock.version() == version.name.replace('_', '.')
        else:
            with pytest.raises(ssl.SSLError):
                link.connect()


def test_options_and_head(node):
    for path in ('/taxii2/', '/api/', '/api/collections/', RELEASE, RELEASE + 'objects/', RELEASE + 'manifest/'):
        options, head, got = (node.ask(method, path) for method in ('OPTIONS', 'HEAD', 'GET'))
        assert options.status_code == 200 and 'GET, HEAD' in options.headers['Allow'] and options.content == b''
        assert head.status_code == 200 and head.content == b''
        assert head.headers['Content-Type'] == got.headers['Content-Type'] == TAXII


@pytest.mark.parametrize('accept, status', [
    ('*/*', 200), ('*/*, application/taxii+json;q=0', 406), (f'*/*;q=0, {TAXII}', 200), (f'application/*, {TAXII};q=0.000', 406)])
def test_the_closest_range_of_accept_counts(node, accept, status):
    assert node.get('/api/collections/', headers={'Accept': accept}).status_code == status


def test_next_goes_on_with_the_same_filters_in_another_order(node):
    first = node.get(RELEASE + 'objects/?limit=2&match[type]=indicator,malware&match[version]=all').json()
    again = node.get(f'{RELEASE}objects/?match[version]=all&match[type]=malware,indicator&limit=2&next={first["next"]}')
    assert again.status_code == 200 and len(again.json()['objects']) == 2
    assert node.get(f'{RELEASE}objects/?match[type]=indicator&match[version]=all&next={first["next"]}').status_code == 400


def test_what_is_no_object_has_its_place_for_an_id(node):
    """TAXII 2.1 section 4.3.1: any value may be the id of what has none; these are no one's identifiers."""
    status = node.post({'objects': [17, thing(950), {'type': 'indicator'}]}).json()
    assert [one['id'] for one in status['failures']] == ['/objects/0', '/objects/2']
    assert [one['id'] for one in status['successes']] == [thing(950)['id']]


def test_cors_for_configured_origins_alone(node):
    asked = node.ask('OPTIONS', RELEASE + 'objects/', who=None, headers={
        'Origin': 'https://console.example', 'Access-Control-Request-Method': 'GET', 'Accept': None})
    assert asked.status_code == 204 and asked.headers['Access-Control-Allow-Origin'] == 'https://console.example'
    got = node.get('/api/', headers={'Origin': 'https://console.example'})
    assert got.headers['Access-Control-Allow-Origin'] == 'https://console.example' and 'Origin' in got.headers['Vary']
    other = node.get('/api/', headers={'Origin': 'https://evil.example'})
    assert 'Access-Control-Allow-Origin' not in other.headers
