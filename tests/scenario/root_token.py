#!/usr/bin/env python3
"""The root key of a node in a token that others wrote (SoftHSM, over PKCS#11): made there, never here, and its cards are
cards like any other: a partner takes them, over the line as well. What is wrong with a token is said, and changes nothing.

    tests/scenario/root_token.py

SoftHSM and OpenSC's pkcs11-tool. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys

from node import Folder, Node, Report, program, wait_for

REPORT = Report('root_token')
MODULE = '/usr/lib/softhsm/libsofthsm2.so'
PIN = '24681357'
# The suite of a node, what its keys are to OpenSC and here, and keys that are none of its suite's.
SUITES = ((1, 'EC:edwards25519', 'Ed25519', 'EC:prime256v1', 'no such Ed25519 key'),
          (2, 'EC:prime256v1', 'P-256', 'EC:edwards25519', 'no such P-256 key'),
          (5, 'EC:secp384r1', 'P-384', 'EC:prime256v1', 'the key is no P-384 key'))


def uri(name, token='roots', module=MODULE):
    return f'pkcs11:token={token};object={name}?module-path={module}'


class Tokens:
    """SoftHSM's, in the test's own folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / 'tokens').mkdir()
        conf = self.folder / 'softhsm2.conf'
        conf.write_text(f'directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\n', encoding='ascii')
        os.environ['SOFTHSM2_CONF'] = str(conf)
        self.make('roots')

    def make(self, label):
        subprocess.run(['softhsm2-util', '--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '87654321'],
                       check=True, capture_output=True)

    def tool(self, *words):
        """OpenSC's word."""
        return subprocess.run(['pkcs11-tool', '--module', MODULE, '--token-label', 'roots', '--login', '--pin', PIN, *words],
                              check=True, capture_output=True, text=True).stdout

    def keygen(self, label, kind, number):
        self.tool('--keypairgen', '--key-type', kind, '--label', label, '--id', number)

    def public(self, label):
        """The public half, as pkcs11-tool prints the point of the key."""
        said = self.tool('--list-objects', '--type', 'pubkey')
        blocks = [block for block in said.split('Public Key Object') if f'label:      {label}\n' in block]
        point = re.search(r'EC_POINT:\s*04(?:20|41|61)([0-9a-f]+)', blocks[0]).group(1)
        return base64.b64encode(bytes.fromhex(point)).decode()


def member(card, word):
    return re.search(rf'^{word} (\S+)$', card, re.M).group(1)


def card_of(node):
    return node.run('card', json_too=False).err


def renew(node, where, *more, pin=PIN):
    path = pathlib.Path(node.dir).parent / 'given.pin'
    path.write_text(pin + '\n', encoding='ascii')
    return node.run('card', '--renew', '--root-key', where, '--passphrase-file', path, *more, json_too=False)


def peer(node, name):
    return next(line for line in node.ask('peer.list') if line['audience'] == name)


def look_at_making(tokens, kr, suite, kind):
    card = card_of(kr)
    REPORT.equal('the card names the key that the token holds', member(card, 'root'), tokens.public('kr'))
    said = tokens.tool('--list-objects', '--type', 'privkey')
    REPORT.check('the private half never leaves the token', 'never extractable' in said and 'always sensitive' in said, said)
    REPORT.check('there is no root key on the disk', not os.path.exists(os.path.join(kr.dir, 'root.key')))
    wrong = tokens.folder / 'wrong'
    done = subprocess.run([program(), 'init', wrong, '--name', 'wrong', '--country', 'KR', '--root-key', uri('wrong'),
                           '--passphrase-file', '/dev/null'], capture_output=True, text=True, check=False)
    REPORT.check('an init without its PIN is refused', done.returncode == 1 and 'PIN' in done.stderr, done)
    REPORT.check('...and leaves nothing behind', not wrong.exists())
    tokens.keygen('theirs', kind, '07')
    theirs = Node(tokens.folder, 'th', 'TH', token=(uri('theirs'), PIN), suite=suite)
    REPORT.equal("a key that the token's own tools made is taken", member(card_of(theirs), 'root'), tokens.public('theirs'))


def look_at_the_line(kr, us):
    """A partner takes what the token signs."""
    for node in (kr, us):
        node.start()
    us.knows(kr, 'kr', start=False)
    kr.knows(us, 'us', start=False)
    for node, other in ((kr, 'us'), (us, 'kr')):
        node.must('policy', 'activate', str(pathlib.Path(__file__).parents[2] / 'share/default.policy'), '--untested',
                  '--because', 'test')
        node.must('peer', 'start', other)
    up = wait_for(lambda: peer(us, 'kr').get('link') == 'following')
    REPORT.check('two nodes are linked by them', up, peer(us, 'kr'))
    done = renew(kr, uri('kr'), '--rotate', 'all', '--from', 'now')
    REPORT.check('the token signs the next card of a node that runs', done.good, done)
    REPORT.equal('...with the next number', member(card_of(kr), 'number'), '2')
    took = wait_for(lambda: peer(us, 'kr').get('card') == 2 and peer(us, 'kr').get('link') == 'following')
    REPORT.check('the partner has it by the line', took, peer(us, 'kr'))


def refused(what, node, want, *words, **more):
    before = card_of(node)
    done = renew(node, *words, **more)
    REPORT.check(what, not done.good and re.search(want, done.err), done)
    if card_of(node) != before:
        REPORT.check(f'{what}: nothing changes', False, card_of(node))


def look_at_faults(tokens, kr, kind, called, other, want):
    refused('a wrong PIN', kr, 'not the PIN', uri('kr'), pin='11111111')
    refused('no such token', kr, 'no token fits', uri('kr', token='others'))
    refused('no such key', kr, f'no such {called} key', uri('nobody'))
    refused('no such module', kr, 'no PKCS#11 module', uri('kr', module='/nonexistent.so'))
    refused('a library that is no module', kr, 'no PKCS#11 module', uri('kr', module='/lib/x86_64-linux-gnu/libz.so.1'))
    refused('no URI at all', kr, 'not a PKCS#11 URI', 'pkcs11:token')
    refused('an unknown word', kr, 'not a PKCS#11 URI', uri('kr').replace(';', ';colour=red;'))
    refused('a URI without a key', kr, 'names no key', f'pkcs11:token=roots?module-path={MODULE}')
    refused('a PIN in the URI', kr, 'holds a PIN', uri('kr') + f'&pin-value={PIN}')
    refused("another node's key", kr, 'another root key', uri('theirs'))
    tokens.keygen('curve', other, '08')
    refused('a key of another kind', kr, want, uri('curve'))
    tokens.keygen('kr', kind, '09')
    refused('two keys of one name', kr, 'several keys', uri('kr'))
    tokens.make('roots')
    refused('two tokens of one name', kr, 'several tokens', uri('kr'))
    done = kr.run('init', os.path.join(tokens.folder, 'new'), '--name', 'new', '--country', 'KR', '--root-key', 'root.key',
                  json_too=False)
    REPORT.check('a path is no token', done.status == 2 and 'URI' in done.err, done)
    (tokens.folder / 'tokens').rename(tokens.folder / 'drawer')
    refused('the token lies in a drawer', kr, 'does not start', uri('kr'))


def tokens_of(suite, kind, called, other, want):
    REPORT.say(f'suite {suite}: {called}')
    with Folder() as folder:
        tokens = Tokens(folder)
        kr, us = Node(folder, 'kr', 'KR', token=(uri('kr'), PIN), suite=suite), Node(folder, 'us', 'US')
        try:
            look_at_making(tokens, kr, suite, kind)
            look_at_the_line(kr, us)
            look_at_faults(tokens, kr, kind, called, other, want)
            said = kr.said() + us.said()
            REPORT.check('no diagnostic has the PIN', PIN not in said)
        except Exception as why:  # pylint: disable=broad-except
            REPORT.check('the scenario goes to its end', False, repr(why))
        finally:
            for node in (kr, us):
                node.stop()


def main():
    for tool in ('softhsm2-util', 'pkcs11-tool'):
        if not shutil.which(tool):
            REPORT.skip('everything', f'{tool} is not here')
            return REPORT.finish()
    for row in SUITES:
        tokens_of(*row)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
