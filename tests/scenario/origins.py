#!/usr/bin/env python3
"""What its origin signed reaches who gets an object from a third node: three live nodes, kr -> us -> fr.

    tests/scenario/origins.py

Standard library and openssl alone. BONGSU names the program; bongsu-verify stands beside it.
Ends with "N passed, N failed, N skipped".
"""
import base64
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

from node import Node, Report, program, put_away, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
REPORT = Report('origins')
VERIFY = os.path.join(os.path.dirname(os.path.dirname(program())), 'verify', 'bongsu-verify')
ED25519 = bytes.fromhex('302a300506032b6570032100')  # the head of such a public key in DER


def indicator(number):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
            'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
            'object_marking_refs': [CLEAR]}


def add(node, folder, *things):
    path = os.path.join(folder, 'things.jsonl')
    pathlib.Path(path).write_text('\n'.join(map(json.dumps, things)), encoding='utf-8')
    return node.add(path, 'desk')


def copy(node, thing):
    """The newest copy as `object show --json` gives it; {}: none."""
    return next((line for line in node.run('object', 'show', thing['id']).lines if line.get('newest')), {})


def arrives(node, thing):
    return wait_for(lambda: copy(node, thing))


class Chain:
    def __init__(self, folder):
        self.folder = folder
        self.kr, self.us, self.fr = (Node(folder, name, name.upper()) for name in ('kr', 'us', 'fr'))
        for node in self.all():
            node.start()
        for one, other in ((self.kr, self.us), (self.us, self.fr)):
            one.knows(other, other.name)
            other.knows(one, one.name)
        path = os.path.join(folder, 'policy')
        pathlib.Path(path).write_text(POLICY, encoding='utf-8')
        for node in self.all():
            node.must('policy', 'activate', path, '--untested', '--because', 'test')
        self.kr.must('source', 'add', 'desk')
        self.kr.must('peer', 'add-taxii', 'au', '--country', 'AU')

    def all(self):
        return (self.kr, self.us, self.fr)


def nothing_before(chain):
    thing = indicator(1)
    add(chain.kr, chain.folder, thing)
    REPORT.check('an object arrives at the third', arrives(chain.fr, thing))
    for node in chain.all():
        REPORT.check(f'{node.name} was told of no origin', 'origin' not in copy(node, thing), copy(node, thing))


def travels(chain):
    thing = indicator(2)
    for node, to in ((chain.kr, 'us'), (chain.us, 'fr')):
        said = node.must('peer', 'vouch', to, '--because', 'agreed')
        REPORT.check(f'{node.name} lets it go to {to}', 'gets with each object' in said.text, said)
    add(chain.kr, chain.folder, thing)
    REPORT.check('another one arrives', arrives(chain.fr, thing))
    at_us, at_fr = copy(chain.us, thing), copy(chain.fr, thing)
    REPORT.check('us verified it by the card of its partner',
                 at_us.get('origin') == 'kr' and at_us.get('origin_verified') and at_us.get('origin_card') == 1, at_us)
    REPORT.check('fr knows no card of that name', at_fr.get('origin') == 'kr' and at_fr.get('origin_verified') is False, at_fr)
    REPORT.check('it is the same', at_us['voucher'] == at_fr['voucher'])
    return thing


def is_known(chain):
    """An operator of fr has the card of kr, and no link to it."""
    thing = indicator(3)
    chain.fr.must('peer', 'add', chain.kr.card(), '--audience', 'origin-kr')
    add(chain.kr, chain.folder, thing)
    REPORT.check('a third arrives', arrives(chain.fr, thing))
    at_fr = copy(chain.fr, thing)
    REPORT.check('fr verified it', at_fr.get('origin_verified') is True and at_fr.get('origin_card') == 1, at_fr)
    for command in (('versions', thing['id']), ('policy', 'explain', thing['id'], 'us'), ('object', 'show', thing['id'])):
        said = chain.fr.run(*command)
        REPORT.check(f'`{command[0]}` says so', 'origin: kr, signed, verified (card 1)' in said.text, said)
    return thing, at_fr


def by_others(chain, thing, at_fr):
    """Somebody without bongsu: the card, the bytes of the object, the voucher, SYNC.md, and openssl."""
    card = pathlib.Path(chain.kr.card()).read_text(encoding='utf-8')
    key = base64.b64decode(next(line.split()[1] for line in card.splitlines() if line.startswith('ledger ')))
    voucher, at = base64.b64decode(at_fr['voucher']), 0

    def take(size):
        nonlocal at
        at += size
        return voucher[at - size:at]

    def blob():
        return take(struct.unpack('>I', take(4))[0])

    suite, node, _, limits, signature = take(2), blob(), take(4), blob(), blob()
    REPORT.check('it has the form of SYNC.md', (suite, node, at) == (b'\0\1', b'kr', len(voucher)), voucher)
    content = hashlib.sha256(at_fr['object'].encode()).digest()
    said = b'bongsu voucher v1\0' + suite + struct.pack('>I', len(node)) + node + content + \
        struct.pack('>I', len(limits)) + limits
    REPORT.check('openssl verifies it', verifies(chain.folder, key, said, signature))
    REPORT.check('...and nothing else', not verifies(chain.folder, key, said + b'x', signature))


def verifies(folder, key, said, signature):
    for name, what in (('key', ED25519 + key), ('said', said), ('signature', signature)):
        pathlib.Path(folder, name).write_bytes(what)
    done = subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', 'key', '-keyform', 'DER', '-rawin', '-in', 'said',
                           '-sigfile', 'signature'], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def in_court(chain, thing):
    """Two files and the origin's card, and no node: what us proves of what it passed on, and what fr shows of what it got."""
    proof, released, signed = (os.path.join(chain.folder, name) for name in ('fr.tlog-proof', 'fr.object', 'fr.voucher'))
    chain.us.must('ledger', 'prove', 'fr', thing['id'], '--out', proof, '--object', released, '--voucher', signed)
    court('what us released', chain.us, ('proof', '--object', released, proof), 'bongsu/us/fr/')
    court('what kr signed', chain.kr, ('voucher', '--object', released, signed), 'origin         kr')
    court('kr, by the card of us', chain.us, ('voucher', '--object', released, signed), 'no given card of kr', good=False)
    shown, held = os.path.join(chain.folder, 'shown.object'), os.path.join(chain.folder, 'shown.voucher')
    for word, path in (('--raw', shown), ('--voucher', held)):
        with open(path, 'wb') as file:
            subprocess.run([program(), 'object', 'show', thing['id'], word, '--dir', chain.fr.dir], stdout=file, check=True)
    court('what fr shows of it', chain.kr, ('voucher', '--object', shown, held), hashlib.sha256(content(shown)).hexdigest())
    for path in (shown, held):
        whole = pathlib.Path(path).read_bytes()
        for at in range(0, len(whole), 29):
            pathlib.Path(path).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            if court(None, chain.kr, ('voucher', '--object', shown, held), ''):
                REPORT.check(f'byte {at} of {path}', False)
        pathlib.Path(path).write_bytes(whole)
    REPORT.check('...and nothing else', court(None, chain.kr, ('voucher', '--object', shown, held), ''))
    REPORT.check('of what went without nothing is shown', not chain.us.run(
        'ledger', 'prove', 'fr', indicator(1)['id'], '--out', proof, '--voucher', signed).good)
    REPORT.check('nor by fr', not chain.fr.run('object', 'show', indicator(1)['id'], '--voucher').good)


def content(path):
    return pathlib.Path(path).read_bytes().rstrip(b'\n')


def court(what, node, words, wanted, good=True):
    """bongsu-verify, with that node's card alone."""
    kind, *others = words
    done = subprocess.run([VERIFY, kind, '--card', node.card(), *others], capture_output=True, text=True, check=False)
    held = (done.returncode == 0) == good and wanted in done.stdout
    if what is not None:
        REPORT.check(f'a court {"knows" if good else "does not know"}: {what}', held, done)
    return held


def outlives(chain, thing):
    chain.fr.stop()
    chain.fr.must('reindex')
    chain.fr.start()
    REPORT.check('it outlives a restart and a reindex', copy(chain.fr, thing).get('origin_verified') is True)


def ends(chain):
    thing = indicator(4)
    said = chain.us.must('peer', 'vouch', 'fr', '--stop', '--because', 'agreed no more')
    REPORT.check('us ends it', 'no signatures' in said.text, said)
    add(chain.kr, chain.folder, thing)
    REPORT.check('a fourth arrives', arrives(chain.fr, thing))
    REPORT.check('...without', 'origin' not in copy(chain.fr, thing) and copy(chain.us, thing).get('origin_verified') is True)
    REPORT.check('who takes part by TAXII gets none', not chain.kr.run('peer', 'vouch', 'au').good)
    for node in chain.all():
        status = node.must('status')
        held = 'HELD' in status.text or 'held by the guard' in status.text
        REPORT.check(f'the guard of {node.name} held nothing', not held, status)


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-origins-')
    chain = None
    try:
        chain = Chain(folder)
        nothing_before(chain)
        travels(chain)
        thing, at_fr = is_known(chain)
        by_others(chain, thing, at_fr)
        in_court(chain, thing)
        outlives(chain, thing)
        ends(chain)
    finally:
        put_away(REPORT, chain.all() if chain else (), folder)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
