#!/usr/bin/env python3
"""Nodes of different suites follow each other: every pair of suites comes into step, with receipts, a recall and a bundle, and
bongsu-verify agrees with the cards alone. A card sets the least suite of partners, and a downgrade is refused.

    tests/scenario/suites.py

Standard library and openssl. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from node import Node, Report, linked, program, put_away, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
VERIFY = os.path.join(os.path.dirname(os.path.dirname(program())), 'verify', 'bongsu-verify')
REPORT = Report('suites')
COUNT = 40
PAIRS = ((2, 1), (1, 2), (2, 2), (3, 2), (4, 5))
SPKI = {65: '3059301306072a8648ce3d020106082a8648ce3d030107034200', 97: '3076301006072a8648ce3d020106052b81040022036200'}


def indicator(number):
    return json.dumps({'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
                       'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
                       'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
                       'object_marking_refs': [CLEAR]})


def thing(number):
    return json.loads(indicator(number))['id']


class Pair:
    """kr and us, each of a suite, following each other."""

    def __init__(self, folder, suites):
        self.folder = pathlib.Path(folder)
        self.name = f'{suites[0]} with {suites[1]}'
        os.environ['BONGSU_SUITES'] = f'kr={suites[0]} us={suites[1]}'
        self.suites = suites
        self.kr, self.us = linked(folder, POLICY)

    def check(self, what, good, detail=''):
        return REPORT.check(f'{self.name}: {what}', good, detail)

    def path(self, name):
        return str(self.folder / name)

    def add(self, *numbers):
        path = self.folder / 'things.jsonl'
        path.write_text('\n'.join(map(indicator, numbers)), encoding='utf-8')
        self.kr.must('add', path, '--source', 'desk')

    def receipted(self, size):
        return wait_for(lambda: self.kr.status('us').get('receipted') == size and
                        self.us.status('kr').get('received') == size, 30)

    def verify(self, *words, good=True):
        done = subprocess.run([VERIFY, words[0], '--card', self.kr.card(), '--card', self.us.card(), *words[1:]],
                              capture_output=True, text=True, check=False)
        self.check(f'bongsu-verify {words[0]} {"agrees" if good else "refuses"}', (done.returncode == 0) == good, done)
        return done.stdout


def flipped(path, at):
    """Beside it, the same with one bit of one base64 digit changed."""
    data = bytearray(pathlib.Path(path).read_bytes())
    data[at] = ord('B') if data[at] == ord('A') else ord('A')
    other = str(path) + '.changed'
    pathlib.Path(other).write_bytes(data)
    return other


def in_step(pair):
    pair.add(*range(COUNT))
    pair.check('in step, with receipts', pair.receipted(COUNT), (pair.kr.status('us'), pair.us.status('kr')))
    pair.check('what arrived is the same, byte for byte',
               [line.get('text') for line in pair.kr.copies(thing(0))] == [line.get('text') for line in pair.us.copies(thing(0))])
    for node, suite in zip((pair.kr, pair.us), pair.suites):
        pair.check(f'the card of {node.name} says its suite',
                   pathlib.Path(node.card()).read_text(encoding='utf-8').startswith(f'bongsu/card/v1/suite{suite}\n'))
        status = node.status()
        head = next(pathlib.Path(node.dir, 'store', 'log').glob('*.seg')).read_bytes()[:12]
        pair.check(f'so do the store of {node.name} and its status',
                   status['store_suite'] == suite and head[10:] == bytes([0, suite]), (status, head))
    pair.check('nobody raises an alarm', not any('"level":"error"' in node.said() for node in (pair.kr, pair.us)),
               pair.kr.said() + pair.us.said())


def tls(pair):
    """The certificate holds the key of the card."""
    for node, suite in zip((pair.kr, pair.us), pair.suites):
        done = subprocess.run([program(), 'card', node.dir, '--tls-certificate'], capture_output=True, check=True)
        key = subprocess.run(['openssl', 'x509', '-noout', '-pubkey'], input=done.stdout, capture_output=True, check=True).stdout
        der = base64.b64decode(b''.join(key.splitlines()[1:-1]))
        card = pathlib.Path(node.card()).read_text(encoding='utf-8')
        wanted = base64.b64decode(re.search(r'^tls (\S+)$', card, re.M).group(1))
        pair.check(f'the TLS key of {node.name} is the one on its card', der.endswith(wanted) and
                   len(wanted) == (0, 32, 65, 65, 97, 97)[suite], card)


def openssl_agrees(pair):
    """Of a suite of OpenSSL: the root key's signature over the card, by openssl's own program."""
    card = pathlib.Path(pair.kr.card()).read_text(encoding='utf-8')
    text, lines = card[:card.rindex('\n\n') + 1], card[card.rindex('\n\n') + 2:]
    point = base64.b64decode(re.search(r'^root (\S+)$', card, re.M).group(1))
    spki = bytes.fromhex(SPKI[len(point)]) + point
    pathlib.Path(pair.path('root.der')).write_bytes(spki)
    pathlib.Path(pair.path('text')).write_text(text, encoding='utf-8')
    pathlib.Path(pair.path('signature')).write_bytes(base64.b64decode(lines.split()[2])[4:])
    done = subprocess.run(['openssl', 'dgst', '-sha256' if len(point) == 65 else '-sha384',
                           '-verify', pair.path('root.der'), '-keyform', 'DER', '-signature',
                           pair.path('signature'), pair.path('text')], capture_output=True, text=True, check=False)
    pair.check('openssl verifies the card', done.returncode == 0, done)


def proofs(pair):
    """What somebody can look at who has the two cards, and nothing else."""
    export, proof = pair.path('export'), pair.path('one.proof')
    pair.kr.must('ledger', 'export', 'us', export)
    said = pair.verify('ledger', export)
    pair.check('...with the receipt of the partner', 'held_by' in said and f'held           {COUNT}' in said, said)
    pair.kr.must('ledger', 'prove', 'us', '3', '--out', proof)
    pair.verify('proof', proof)
    text = pathlib.Path(proof).read_text(encoding='utf-8')
    pair.verify('proof', flipped(proof, text.rindex(' ') + 30), good=False)
    checkpoint, note = os.path.join(export, 'receipt', 'checkpoint'), os.path.join(export, 'receipt', 'disposition')
    pair.verify('checkpoint', '--receipt', note, checkpoint)
    text = pathlib.Path(note).read_text(encoding='utf-8')
    pair.verify('checkpoint', '--receipt', flipped(note, text.rindex(' ') + 30), checkpoint, good=False)


def recall(pair):
    pair.kr.must('recall', thing(7), '--yes', '--because', 'a source is in danger')
    pair.check('a recall is confirmed by signature', wait_for(
        lambda: next((line['state'] for line in pair.kr.run('recall', 'status', thing(7)).lines if line.get('holder') == 'us'),
                     None) == 'done', 30), pair.kr.run('recall', 'status', thing(7)))


def bundle(pair):
    """The same ledger in a file, sealed by the recipient's suite, while only one of both is up at a time."""
    out = pair.path('all')
    pair.us.stop()
    pair.add(*range(COUNT, COUNT + 5))
    pair.kr.must('bundle', 'write', 'us', '--out', out, '--from', '0')
    pair.kr.stop()
    pair.us.start()
    head = pathlib.Path(out).read_bytes()[4:40].decode('ascii', 'replace')
    pair.check("a bundle is of the recipient's suite", head.startswith(f'bongsu/bundle/v1/suite{pair.suites[1]}\n'), head)
    pair.check('nothing of it can be read on the way', b'number' not in pathlib.Path(out).read_bytes())
    whole = bytearray(pathlib.Path(out).read_bytes())
    whole[len(whole) // 2] ^= 1
    pathlib.Path(out + '.changed').write_bytes(whole)
    pair.check('a changed bundle is refused', not pair.us.run('bundle', 'read', out + '.changed').good)
    answer = pair.us.run('bundle', 'read', out, '--receipt', pair.path('receipt'))
    pair.check('the bundle is read', answer.good and pair.us.run('get', thing(COUNT + 4)).good, answer)
    pair.kr.start()
    pair.check('...and its receipt taken', pair.kr.run('bundle', 'receipt', 'us', pair.path('receipt')).good)


def renewal(pair):
    """Another ledger key of the same suite, while they follow each other."""
    subprocess.run([program(), 'card', pair.kr.dir, '--renew', '--rotate', 'all', '--from', 'now', '--passphrase-file',
                    pair.kr.passphrase], check=True, capture_output=True)
    pair.add(COUNT + 5)
    pair.check('keys change, and they stay in step', pair.receipted(COUNT + 6),
               (pair.kr.status('us'), pair.us.status('kr'), pair.kr.said()[-1500:]))


def pairs():
    for suites in PAIRS:
        folder = tempfile.mkdtemp(prefix='bongsu-suites-')
        pair = None
        try:
            pair = Pair(folder, suites)
            in_step(pair)
            tls(pair)
            if suites[0] > 1:
                openssl_agrees(pair)
            proofs(pair)
            recall(pair)
            bundle(pair)
            renewal(pair)
            for node in (pair.kr, pair.us):
                node.stop()
                pair.check(f'the store of {node.name} is whole', node.run('check').good)
        finally:
            put_away(REPORT, (pair.kr, pair.us) if pair else (), folder)


def configured(folder):
    """OpenSSL's own configuration says who computes: where no provider has what it asks for, a node of suite 2 is not made."""
    conf = pathlib.Path(folder) / 'openssl.cnf'
    conf.write_text('openssl_conf = start\n[start]\nalg_section = algorithms\n[algorithms]\ndefault_properties = fips=yes\n',
                    encoding='ascii')
    phrase = pathlib.Path(folder) / 'phrase'
    phrase.write_text('correct horse battery staple\n', encoding='ascii')
    for suite, good in ((2, False), (1, True)):
        done = subprocess.run([program(), 'init', os.path.join(folder, f'n{suite}'), '--name', 'n', '--country', 'KR', '--suite',
                               str(suite), '--passphrase-file', phrase], capture_output=True, text=True, check=False,
                              env=dict(os.environ, OPENSSL_CONF=str(conf)))
        REPORT.check(f'suite {suite} under a configuration that nothing fits', (done.returncode == 0) == good and
                     (good or 'not supported' in done.stderr), done)
    done = subprocess.run([program(), 'init', os.path.join(folder, 'n9'), '--name', 'n', '--country', 'KR', '--suite', '6'],
                          capture_output=True, text=True, check=False)
    REPORT.check('there is no suite 6', done.returncode == 2 and 'a number from 1 to 5' in done.stderr, done)


# --- the least suite, and downgrades ---

def asks_for(node, suite):
    """As its operator writes it; read at the next start."""
    conf = pathlib.Path(node.dir) / 'bongsu.yaml'
    text = re.sub(r'^(# )?minimum-suite: .*$', f'minimum-suite: {suite}', conf.read_text(encoding='utf-8'), flags=re.M)
    conf.write_text(text, encoding='utf-8')


def refused(node, other, words, audience=None):
    answer = node.run('peer', 'add', other.card(), '--audience', audience or other.name)
    REPORT.check(f'{node.name} refuses the card of {other.name}: {words}', not answer.good and re.search(words, repr(answer)),
                 answer)


def minimum(folder):
    """Who asks for suite 2 takes no card of suite 1: not at the beginning, and not later."""
    os.environ['BONGSU_SUITES'] = 'kr=2 us=1'
    kr, us = linked(folder, POLICY)
    nodes = [kr, us]
    try:
        REPORT.check('in step as long as nobody asks for more', wait_for(
            lambda: kr.status('us').get('ledger_size') is not None and us.status('kr').get('received') is not None, 30))
        kr.stop()
        asks_for(kr, 2)
        kr.start()
        REPORT.check('a partner below the least suite is told so at hello', wait_for(
            lambda: 'below minimum-suite' in kr.said() and 'no version or suite' in us.said(), 60), us.said()[-800:])
        REPORT.check('...and is not followed', wait_for(lambda: 'suite 2 is the least' in kr.said(), 30), kr.said()[-800:])
        path = pathlib.Path(folder) / 'one'
        path.write_text(indicator(1), encoding='utf-8')
        kr.must('add', path, '--source', 'desk')
        wait_for(lambda: kr.status('us').get('ledger_size') == 1, 20)
        REPORT.check('...and gets nothing', not wait_for(lambda: us.status('kr').get('received'), 5), us.status('kr'))
        out = os.path.join(folder, 'small')
        answer = kr.run('bundle', 'write', 'us', '--out', out, '--from', '0')
        REPORT.check('...nor a bundle', not answer.good and 'suite 2 is the least' in repr(answer), answer)
        us.must('add', path, '--source', 'desk')
        wait_for(lambda: us.status('kr').get('ledger_size') == 1, 20)
        us.must('bundle', 'write', 'kr', '--out', out, '--from', '0')
        answer = kr.run('bundle', 'read', out)
        REPORT.check('...and takes none of his', not answer.good and 'suite 2 is the least' in repr(answer), answer)
        other = Node(folder, 'nz', 'NZ')
        refused(kr, other, 'suite 1, and suite 2 is the least')
        subprocess.run([program(), 'card', kr.dir, '--renew', '--passphrase-file', kr.passphrase], check=True,
                       capture_output=True)
        REPORT.check('its card says the least suite',
                     '\nminimum-suite 2\n' in pathlib.Path(kr.card()).read_text(encoding='utf-8'))
        kr.stop()
        asks_for(kr, 1)
        kr.start()
        REPORT.check('asked for less, they go on', wait_for(lambda: us.status('kr').get('received') == 1, 90), us.said()[-800:])
    finally:
        for node in nodes:
            node.stop()


def downgrade(folder):
    """kr was of suite 2; whoever shows a card of suite 1 in its name is refused, whatever the audience is called."""
    os.environ['BONGSU_SUITES'] = 'kr=2 us=2'
    kr, us = linked(folder, POLICY)
    try:
        elsewhere = os.path.join(folder, 'elsewhere')
        os.mkdir(elsewhere)
        older = Node(elsewhere, 'kr', 'KR', suite=1)
        refused(us, older, 'a downgrade')
        refused(us, older, 'a downgrade', 'korea')
        us.must('peer', 'remove', 'kr', '--because', 'test')
        refused(us, older, 'a downgrade', 'korea')
    finally:
        kr.stop()
        us.stop()


def thief_of(folder, kr, us):
    """Somebody with the name and the address of kr, a card of suite 1 and, as cards are no secret, that of us."""
    elsewhere = os.path.join(folder, 'elsewhere')
    os.mkdir(elsewhere)
    thief = Node(elsewhere, 'kr', 'KR', suite=1)
    conf = pathlib.Path(thief.dir) / 'bongsu.yaml'
    conf.write_text(conf.read_text(encoding='utf-8').replace(f':{thief.port}', f':{kr.port}'), encoding='utf-8')
    thief.port = kr.port
    thief.start()
    policy = pathlib.Path(folder) / 'thief.policy'
    policy.write_text(POLICY, encoding='utf-8')
    thief.must('policy', 'activate', policy, '--untested', '--because', 'test')
    thief.knows(us, 'us')
    thief.must('peer', 'start', 'us')
    thief.must('source', 'add', 'desk')
    return thief


def downgraded(node, audience):
    return 'a downgrade, refused' in node.status(audience).get('downgrade', '')


def shown(folder):
    """Both ask for suite 2. Somebody sits at the address of kr with a card of suite 1 in its name, is called, and calls: refused
    and told on either way, and nothing flows. kr comes back, and they go on."""
    os.environ['BONGSU_SUITES'] = 'kr=2 us=2'
    kr, us = linked(folder, POLICY)
    thief = None

    def add(node, number):
        path = pathlib.Path(folder) / f'{number}.json'
        path.write_text(indicator(number), encoding='utf-8')
        node.must('add', path, '--source', 'desk')
    try:
        for node in (kr, us):
            node.stop()
            asks_for(node, 2)
            node.start()
        add(kr, 1)
        REPORT.check('in step under a least suite', wait_for(lambda: us.status('kr').get('received') == 1, 60), us.said()[-800:])
        REPORT.check('...with no word of a downgrade', 'downgrade' not in us.status('kr') and 'downgrade' not in us.said())
        kr.stop()
        thief = thief_of(folder, kr, us)
        add(thief, 2)
        add(us, 3)
        REPORT.check('a card of a lower suite is told in the log, by whoever calls', wait_for(
            lambda: 'somebody showed a card of suite 1 in the name of kr' in us.said(), 60), us.said()[-1500:])
        REPORT.check('...and by whoever is called', wait_for(
            lambda: 'a card that kr showed is not taken' in us.said(), 60), us.said()[-1500:])
        REPORT.check('...and in the status', downgraded(us, 'kr'), us.status('kr'))
        text = us.run('status', json_too=False).err
        REPORT.check('...as people read it', 'a downgrade, refused' in text and 'by another way' in text, text)
        time.sleep(3)
        REPORT.check('nothing flows in', not us.run('get', thing(2)).good and us.status('kr').get('received') == 1,
                     us.status('kr'))
        REPORT.check('...nor out', not thief.run('get', thing(3)).good and not thief.status('us').get('received'),
                     thief.status('us'))
        REPORT.check('it is said once, not at every call', us.said().count('somebody showed a card of suite 1') == 1)
        thief.stop()
        kr.start()
        add(kr, 4)
        REPORT.check('kr comes back, and they are in step', wait_for(
            lambda: us.status('kr').get('received') == 2 and kr.status('us').get('received') == 1, 90),
            (us.status('kr'), us.said()[-1500:]))
        REPORT.check('...with the word of what was, and nothing stopped', downgraded(us, 'kr') and
                     us.status('kr').get('state') == 'started' and 'alarm' not in us.status('kr'), us.status('kr'))
    finally:
        for node in (kr, us, thief):
            if node:
                node.stop()


def main():
    pairs()
    for part in (configured, minimum, downgrade, shown):
        folder = tempfile.mkdtemp(prefix='bongsu-suites-')
        part(folder)
        if not REPORT.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
