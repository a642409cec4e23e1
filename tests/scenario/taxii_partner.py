#!/usr/bin/env python3
"""A partner without bongsu: his TAXII 2.1 server is read and pushed to under his one name.

    tests/scenario/taxii_partner.py

The servers: medallion and OpenTAXII from PyPI, as they are (skipped by name where they are not installed: scripts/setup --test),
and another bongsu's TAXII. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import base64
import json
import os
import pathlib
import shutil
import sys
import tempfile
import urllib.request

from node import Node, Report, wait_for
from servers import PASSWORD, READER, TAXII, VENV, indicator, medallion, opentaxii, post_21

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
                look_pause(node, *children[-1][1:])
                look_remove(node)
        else:
            REPORT.skip('medallion and OpenTAXII', 'build/venv-servers is not there: scripts/setup --test')
    finally:
        node.stop()
        for child in children:
            child[0].end()
        if not REPORT.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
