#!/usr/bin/env python3
"""A partner without bongsu: his TAXII 2.1 server is read and pushed to under his one name.

    tests/scenario/taxii_partner.py

The servers: medallion and OpenTAXII from PyPI, as they are (skipped by name where they are not installed: scripts/setup --test),
and another bongsu's TAXII. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import urllib.request

from node import Node, Report, wait_for
from servers import PASSWORD, READER, TAXII, VENV, indicator, medallion, openssl, opentaxii, post_21

ROOT = pathlib.Path(__file__).resolve().parents[2]
GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
LOGIN = f'{READER}:{PASSWORD}'
REPORT = Report('taxii_partner')


def marked(number, space, marking=CLEAR, **more):
    return indicator(number, space, object_marking_refs=[marking], **more)


def fetch(base, collection, user=LOGIN):
    """All versions of all objects that a server of others holds."""
    request = urllib.request.Request(f'{base}collections/{collection}/objects/?limit=50&match[version]=all',
                                     headers={'Accept': TAXII})
    if user:
        request.add_header('Authorization', 'Basic ' + base64.b64encode(user.encode()).decode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer).get('objects', [])


def status(node, partner):
    return next((line for line in node.must('peer', 'list').lines if line.get('audience') == partner), {})


def again(node, partner, *ways):
    """Another run of each way, waited for."""
    for way in ways or ('out', 'in'):
        feed = f'{partner}.{way}'
        runs = node.must('feed', 'show', feed).one.get('runs', 0)
        node.run('feed', 'run', feed)
        wait_for(lambda: node.must('feed', 'show', feed).one.get('runs', 0) > runs or
                 node.must('feed', 'show', feed).one.get('failures', 0) > 0, 60, 0.2)


def add(node, folder, *things):
    path = os.path.join(folder, 'things.json')
    pathlib.Path(path).write_text(json.dumps({'objects': things}), encoding='ascii')
    node.must('add', path, '--source', 'desk')


def secret_file(folder, name, words):
    path = os.path.join(folder, name)
    pathlib.Path(path).write_text(words + '\n', encoding='ascii')
    return path


def both_ways(node, folder, name, child, base, collection, *credentials):
    """One command ties the two directions; nothing goes round in three rounds of both."""
    if not REPORT.check(f'{name}: the server runs', child.up, child.said()):
        return None
    said = node.run('peer', 'add-taxii', name, '--country', 'US', '--server', base, '--in', collection, '--out', collection,
                    '--private', '--every', '1h', *credentials)
    REPORT.check(f'{name}: one command declares both ways', said.good and 'declared' in said.text, said)
    REPORT.check(f'{name}: nothing runs before he is started', wait_for(
        lambda: 'paused' in node.must('feed', 'show', f'{name}.in').one.get('trouble', ''), 30, 0.2))
    node.must('peer', 'start', name, '--history')
    ours = marked(1, 0x11, name='ours')
    add(node, folder, ours)
    wait_for(lambda: node.status(name).get('released', 0) > 0)
    for _ in range(3):
        again(node, name)
    return ours


def look_medallion(node, folder, child, base, collection, *credentials):
    his, close = marked(2, 0x12, GREEN), marked(3, 0x12, AMBER)
    ours = both_ways(node, folder, 'isac', child, base, collection, *credentials)
    if not ours:
        return None
    post_21(base, collection, [his, close])
    for _ in range(3):
        again(node, 'isac')
    there = [obj['id'] for obj in fetch(base, collection)]
    REPORT.equal('isac: three rounds later each object is there once', sorted(there),
                 sorted([ours['id'], his['id'], close['id']]))
    now = status(node, 'isac')
    REPORT.equal('isac: what he has was counted', (now.get('in_new'), now.get('out_pushed'), now.get('out_unconfirmed')),
                 (2, 1, 0))
    REPORT.check('isac: both cursors are shown', now.get('in_cursor') and now.get('out_cursor'), now)
    REPORT.check('isac: status too', node.status('isac').get('out_pushed') == 1, node.status('isac'))
    REPORT.equal('isac: what he says is his', node.copies(his['id'])[-1].get('source'), 'peer.isac')
    why = node.run('policy', 'explain', his['id'], 'isac').text
    REPORT.check('isac: it does not go back, and why is said', 'origin' in why or 'returned' in why, why)
    return ours


def look_onward(node):
    """His GREEN may go on; his AMBER wants his grant."""
    node.must('peer', 'add-taxii', 'jp', '--country', 'JP')
    node.must('peer', 'start', 'jp', '--history')
    his, close = marked(2, 0x12, GREEN), marked(3, 0x12, AMBER)
    wait_for(lambda: node.status('jp').get('released', 0) >= 2)
    goes = [any(line.get('released') for line in node.must('policy', 'explain', obj['id'], 'jp').lines) for obj in (his, close)]
    REPORT.equal('what he gave goes on where his marking lets it', goes, [True, False])


def look_pause(node, base, collection):
    node.must('peer', 'pause', 'isac')
    post_21(base, collection, [marked(4, 0x12, GREEN)])
    again(node, 'isac')
    REPORT.check('paused: neither way runs', all('paused' in status(node, 'isac').get(f'{way}_trouble', '')
                                                 for way in ('in', 'out')), status(node, 'isac'))
    REPORT.equal('paused: nothing is taken in', status(node, 'isac').get('in_new'), 2)
    node.must('peer', 'start', 'isac')
    REPORT.check('started: it is read at once', wait_for(lambda: status(node, 'isac').get('in_new') == 3, 30, 0.2))
    node.must('source', 'accept', 'peer.isac', '--tlp-max', 'tlp:green', '--because', 'agreed')
    post_21(base, collection, [marked(5, 0x12, AMBER)])
    again(node, 'isac', 'in')
    REPORT.check('the inbound policy holds under his name', status(node, 'isac').get('in_refused', 0) > 0 and
                 status(node, 'isac').get('in_new') == 3, status(node, 'isac'))


def recalled(node, thing, partner):
    """What `recall status` says of this partner."""
    return next((line for line in node.run('recall', 'status', thing['id']).lines if line.get('holder') == partner), {})


def take_back(node, thing, partner):
    node.must('recall', thing['id'], '--because', 'a source is in danger', '--yes')
    wait_for(lambda: recalled(node, thing, 'this node').get('state') == 'destroyed')
    again(node, partner, 'out')
    return recalled(node, thing, partner)


def words_about(there, thing):
    return [obj for obj in there if obj['type'] == 'note' and obj.get('object_refs') == [thing['id']]]


def look_note(node, folder, name, base, collection, user=LOGIN, read=True, number=7):
    """Of an object that this node did not make a note says that it was called back; nothing of it is said again."""
    secret = marked(number, 0x13, GREEN, name='canarycalledback')
    add(node, folder, secret)
    wait_for(lambda: again(node, name, 'out') or any(obj['id'] == secret['id'] for obj in fetch(base, collection, user)), 30)
    row = take_back(node, secret, name)
    REPORT.equal(f'{name}: he cannot confirm, and what was done is said',
                 (row.get('state'), row.get('said_there'), bool(row.get('said_at'))), ('cannot confirm', 'note taken', True))
    there = fetch(base, collection, user)
    notes = words_about(there, secret)
    REPORT.equal(f'{name}: one note is there', len(notes), 1)
    REPORT.check(f'{name}: marked as it was, and asking to delete it', notes and notes[0].get('object_marking_refs') == [GREEN]
                 and 'Delete it' in notes[0]['content'] and 'called back' in notes[0]['content'], notes)
    REPORT.check(f'{name}: its creator is there', notes and any(obj['id'] == notes[0]['created_by_ref'] for obj in there))
    REPORT.equal(f'{name}: nothing of it is said again',
                 [obj['id'] for obj in there if 'canarycalledback' in json.dumps(obj)], [secret['id']])
    for _ in range(2):
        again(node, name, *(('out', 'in') if read else ('out',)))
    REPORT.equal(f'{name}: it is said once', len(words_about(fetch(base, collection, user), secret)), 1)
    REPORT.check(f'{name}: it does not come in again from there', not node.run('get', secret['id']).good)


def look_deleted(node, folder, name, base, collection):
    node.must('peer', 'add-taxii', name, '--server', base, '--in', collection, '--out', collection, '--private', '--every', '1h',
              '--delete')
    secret = marked(8, 0x13, GREEN)
    add(node, folder, secret)
    wait_for(lambda: again(node, name, 'out') or any(obj['id'] == secret['id'] for obj in fetch(base, collection)), 30)
    row = take_back(node, secret, name)
    REPORT.equal(f'{name}: deleted there, and a note says why',
                 (row.get('state'), row.get('there'), row.get('said_there')), ('cannot confirm', 'deleted', 'note taken'))
    there = fetch(base, collection)
    REPORT.check(f'{name}: the object is gone there', not [obj for obj in there if obj['id'] == secret['id']]
                 and len(words_about(there, secret)) == 1, there)


def look_revoked(node, folder, name, base, collection, user=LOGIN):
    """What left changed is this node's own: it is revoked there, without its content."""
    policy = os.path.join(folder, 'redacting.policy')
    pathlib.Path(policy).write_text('language 1\nrelease part if tlp <= green and onward to all with redact "description"\n',
                                    encoding='ascii')
    node.must('policy', 'activate', policy, '--untested', '--because', 'a test')
    secret = marked(9, 0x13, GREEN, name='canaryminted', description='inner words')
    add(node, folder, secret)

    def made():
        return [obj for obj in fetch(base, collection, user) if obj.get('name') == 'canaryminted']

    wait_for(lambda: again(node, name, 'out') or made(), 30)
    before = made()
    if not REPORT.check(f'{name}: it left under another name', before and before[0]['id'] != secret['id'], before):
        return
    row = take_back(node, secret, name)
    REPORT.equal(f'{name}: its revocation was taken', (row.get('state'), row.get('said_there')),
                 ('cannot confirm', 'revoked version taken'))
    versions = [obj for obj in fetch(base, collection, user) if obj['id'] == before[0]['id']]
    last = max(versions, key=lambda obj: obj['modified'])
    REPORT.check(f'{name}: the newest version is revoked, and says nothing', last.get('revoked') is True and
                 'canaryminted' not in json.dumps(last) and '192.0.2' not in json.dumps(last), last)
    node.must('policy', 'activate', str(ROOT / 'share' / 'default.policy'))


def look_opentaxii(node, folder, child, base, collection):
    """Pushed to alone: what 0.9.3 answers to readers is no STIX (spec_version)."""
    if not REPORT.check('opentaxii: the server runs', child.up, child.said()):
        return
    node.must('peer', 'add-taxii', 'opentaxii', '--server', base, '--out', collection, '--private', '--every', '1h')
    node.must('peer', 'start', 'opentaxii')
    look_note(node, folder, 'opentaxii', base, collection, None, False, 17)


# --- another bongsu's TAXII ---

def certificate_pin(node):
    pem = openssl('s_client', '-connect', f'127.0.0.1:{node.port}', '-showcerts')
    return hashlib.sha256(openssl('pkey', '-pubin', '-outform', 'DER',
                                  given=openssl('x509', '-pubkey', '-noout', given=pem))).hexdigest()


def look_bongsu(node, folder):
    """Its view is read and its inbox pushed to: what it gave does not come back to it, and the other way round."""
    far = Node(folder, 'far', 'US')
    far.start()
    try:
        far.must('source', 'add', 'desk')
        far.must('peer', 'add-taxii', 'kr', '--country', 'KR')
        far.must('policy', 'activate', str(ROOT / 'share' / 'default.policy'))
        far.must('peer', 'start', 'kr')
        made = far.must('taxii', 'add', 'kr', '--audience', 'kr', '--read', '--submit', '--token')
        token = next(line['token'] for line in made.lines if 'token' in line)
        theirs, ours = marked(21, 0x21, GREEN), marked(22, 0x22, GREEN)
        add(far, folder, theirs)
        wait_for(lambda: far.status('kr').get('released') == 1)
        node.must('peer', 'add-taxii', 'us', '--country', 'US', '--server', f'https://127.0.0.1:{far.port}/api/',
                  '--in', 'release', '--out', 'inbox', '--private', '--every', '1h',
                  '--token-file', secret_file(folder, 'us.token', token), '--pin', certificate_pin(far))
        node.must('peer', 'start', 'us')
        add(node, folder, ours)
        for _ in range(3):
            again(node, 'us')
        wait_for(lambda: far.copies(ours['id']), 30, 0.2)
        held = [one.copies(obj['id']) for one, obj in ((node, theirs), (far, ours))]
        REPORT.equal('bongsu: each has both, once', [(len(copies), copies[-1].get('source')) for copies in held],
                     [(1, 'peer.us'), (1, 'peer.kr')])
        counts = (len(far.copies(theirs['id'])), len(node.copies(ours['id'])), status(node, 'us').get('in_new'),
                  far.status('kr').get('released'))
        REPORT.equal('bongsu: nothing came back to either', counts, (1, 1, 1, 1))
        row = take_back(node, ours, 'us')
        REPORT.equal('bongsu: the note is taken', (row.get('state'), row.get('said_there')), ('cannot confirm', 'note taken'))
        about = [line['id'] for line in far.must('find', '--type', 'note', '--wait').lines if 'id' in line]
        REPORT.equal('bongsu: and is found there', len(about), 1)
        for _ in range(2):
            again(node, 'us')
        REPORT.check('bongsu: it does not go round', not node.copies(about[0]) and status(node, 'us').get('in_new') == 1,
                     status(node, 'us'))
    finally:
        far.stop()


def look_commands(node, base, collection):
    refused = node.run('peer', 'add-taxii', 'x', '--server', base)
    REPORT.check('a server without a collection is refused', not refused.good and '--in' in refused.err, refused)
    refused = node.run('peer', 'add-taxii', 'x', '--server', base, '--in', collection)
    REPORT.check('a private address is refused unless it is declared', not refused.good and '--private' in refused.err, refused)
    REPORT.check('...and nobody was added', not status(node, 'x'), status(node, 'x'))
    refused = node.run('peer', 'add-taxii', 'jp', '--country', 'JP')
    REPORT.check('a partner that is there is not added again', not refused.good and 'of that name' in refused.err, refused)
    refused = node.run('feed', 'add', 'y', '--kind', 'taxii21', '--url', base, '--collection', collection, '--private',
                       '--partner', 'isac', '--source', 'desk')
    REPORT.check('a partner and another source are refused', not refused.good and '--partner alone' in refused.err, refused)
    node.stop()
    now = status(node, 'isac')
    REPORT.equal('a stopped node tells how far both ways came', (now.get('in_state'), now.get('out_state'),
                                                                 bool(now.get('in_cursor')), bool(now.get('out_cursor'))),
                 ('stopped', 'stopped', True, True))
    node.start()


def look_remove(node):
    node.must('peer', 'remove', 'isac')
    REPORT.check('removed: both feeds are gone, with their credentials',
                 not [line for line in node.must('feed', 'list').lines if line.get('name', '').startswith('isac')]
                 and not list(pathlib.Path(node.dir, 'feeds').glob('feed-isac*')))


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-partner-')
    node = Node(folder, 'kr', 'KR')
    children = []
    try:
        node.start()
        node.must('source', 'add', 'desk')
        node.must('policy', 'activate', str(ROOT / 'share' / 'default.policy'))
        if VENV.exists():
            credentials = ('--user', READER, '--password-file', secret_file(folder, 'password', PASSWORD))
            children.append(medallion(folder, []))
            if look_medallion(node, folder, *children[-1], *credentials):
                look_onward(node)
                look_note(node, folder, 'isac', *children[-1][1:])
                look_deleted(node, folder, 'isac', *children[-1][1:])
                look_revoked(node, folder, 'isac', *children[-1][1:])
                look_pause(node, *children[-1][1:])
                look_commands(node, *children[-1][1:])
                look_remove(node)
            children.append(opentaxii(folder, []))
            look_opentaxii(node, folder, *children[-1])
        else:
            REPORT.skip('medallion and OpenTAXII', 'build/venv-servers is not there: scripts/setup --test')
        look_bongsu(node, folder)
    finally:
        node.stop()
        for child in children:
            child[0].end()
        if not REPORT.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
