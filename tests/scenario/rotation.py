#!/usr/bin/env python3
"""Keys change while two nodes follow each other: nothing is lost, nobody raises an alarm, whoever stole a key is a stranger,
roles that are killed on the way come back with the right keys, an identity moves by the cards of both its homes, a node gets
another name and another address, and a removed partner is out within a second.

    tests/scenario/rotation.py

Standard library and openssl. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import base64
import datetime
import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import threading
import time

from node import Adder, Folder, Node, Report, free_port, program, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
HOME = 'identity--00000000-0000-4000-8000-0000000000aa'
REPORT = Report('rotation')
COUNT = 1000
HELLO = bytes.fromhex('01' '0101' '010001' '00000000' '0000000000000000'
                      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')


def indicator(number):
    return json.dumps({'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
                       'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
                       'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
                       'object_marking_refs': [CLEAR]})


def soon(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


class Key:
    """A TLS key as somebody has it who copied the file."""

    def __init__(self, folder, path):
        seed = bytes.fromhex(pathlib.Path(path).read_text(encoding='ascii').split()[-1])
        name = pathlib.Path(folder) / f'stolen-{os.path.basename(path)}-{time.monotonic_ns()}'
        self.key, self.cert = f'{name}.key', f'{name}.pem'
        der = base64.b64encode(bytes.fromhex('302e020100300506032b657004220420') + seed).decode()
        pathlib.Path(self.key).write_text(f'-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n', encoding='ascii')
        subprocess.run(['openssl', 'req', '-x509', '-new', '-key', self.key, '-subj', '/CN=thief', '-days', '2',
                        '-out', self.cert], check=True, capture_output=True)

    def link(self, port, seconds=20):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.cert, self.key)
        return http.client.HTTPSConnection('127.0.0.1', port, timeout=seconds, context=context)

    def post(self, port, path, body):
        """Status, fields but the date, body."""
        link = self.link(port)
        link.request('POST', path, body, {'content-type': 'application/vnd.bongsu.sync'})
        answer = link.getresponse()
        said = answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() != 'date'], answer.read()
        link.close()
        return said


class Both:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.kr, self.us = (Node(folder, name, name.upper()) for name in ('kr', 'us'))
        self.nodes = (self.kr, self.us)
        (self.folder / 'policy').write_text(POLICY, encoding='utf-8')
        for node in self.nodes:
            node.start()
        for node, other in ((self.kr, self.us), (self.us, self.kr)):
            self.join(node, other)

    def join(self, node, other):
        node.knows(other, other.name, start=False)
        if not node.status().get('policy'):
            node.must('policy', 'activate', self.folder / 'policy', '--untested', '--because', 'test')
            node.must('source', 'add', 'desk')
        node.must('peer', 'start', other.name)

    def peer(self, node, name=None):
        lines = node.ask('peer.list')
        return next(line for line in lines if line['audience'] == (name or self.other(node).name))

    def other(self, node):
        return self.us if node is self.kr else self.kr

    def in_step(self):
        try:
            for node in self.nodes:
                here, there = node.ask('status'), self.peer(self.other(node))
                sent = next(line for line in here if line.get('audience') == self.other(node).name)
                if not here[0]['settled'] or sent['ledger_size'] != there['received'] or \
                        sent['receipted'] != sent['ledger_size']:
                    return False
            return True
        except (OSError, ValueError, KeyError, StopIteration):
            return False

    def holds(self, number):
        """Both use card `number`, and both know it of each other."""
        try:
            return all(node.ask('status')[0].get('card') == number and self.peer(node).get('card') == number and
                       'next_card' not in self.peer(node) for node in self.nodes)
        except (OSError, ValueError):
            return False

    def renew(self, node, *words):
        done = subprocess.run([program(), 'card', node.dir, '--renew', '--passphrase-file', node.passphrase, *words],
                              capture_output=True, check=False)
        return REPORT.check(f'{node.name} signs a card {" ".join(words)}', done.returncode == 0, done.stderr)

    def troubles(self):
        """What was said to be wrong, of both."""
        found = []
        for node in self.nodes:
            for line in node.said().splitlines():
                try:
                    value = json.loads(line)
                except ValueError:
                    continue
                if value.get('level') == 'error' or value.get('severity') == 'error':
                    found.append((node.name, line[:300]))
        return found

    # --- the looks ---

    def look_at_cards(self):
        REPORT.check('each knows that the other has its card', wait_for(
            lambda: all(self.peer(node).get('our_card_there') == 1 for node in self.nodes), 20), self.peer(self.kr))
        self.renew(self.kr)
        REPORT.check('a renewed card travels by itself', wait_for(lambda: self.peer(self.us).get('card') == 2, 10),
                     self.peer(self.us))
        REPORT.check('and its owner knows', wait_for(lambda: self.peer(self.kr).get('our_card_there') == 2, 10),
                     self.peer(self.kr))
        self.renew(self.us)
        REPORT.check('the other way too', wait_for(lambda: self.peer(self.kr).get('card') == 2, 10))

    def look_at_every_key(self):
        old = {node.name: Key(self.folder, f'{node.dir}/keys/tls') for node in self.nodes}
        proof = self.folder / 'before.tlog-proof'
        adders = [Adder(node, 'desk', [indicator(first + n) for n in range(COUNT // 2)], 10)
                  for node, first in ((self.kr, 0), (self.us, 5000))]
        threads = [threading.Thread(target=adder.run, args=(lambda _: time.sleep(0.2),)) for adder in adders]
        for thread in threads:
            thread.start()
        wait_for(lambda: self.peer(self.us).get('received', 0) > 20, 20)
        self.kr.must('ledger', 'prove', 'us', '1', '--out', proof)
        at = soon(5)
        for node in self.nodes:
            self.renew(node, '--rotate', 'all', '--from', at)
        REPORT.check('the next card is held aside', wait_for(
            lambda: all(self.peer(node).get('next_card') == 3 and self.peer(node)['card'] == 2 for node in self.nodes), 4),
                     self.peer(self.us))
        REPORT.equal('the old keys hold until then', old['kr'].post(self.us.port, '/bongsu/v1/hello', HELLO)[0], 200)
        REPORT.check('every key has changed on both sides', wait_for(lambda: self.holds(3), 30),
                     (self.kr.status(), self.peer(self.us), self.peer(self.kr)))
        for thread in threads:
            thread.join()
        REPORT.check('all are in step', wait_for(self.in_step, 60), (self.peer(self.us), self.peer(self.kr)))
        for node, adder in zip(self.nodes, adders):
            REPORT.equal(f'{node.name}: every object was acknowledged', len(adder.acknowledged), COUNT // 2)
            REPORT.check(f'{node.name}: every one of them is on the other side', all(
                self.other(node).copies(json.loads(text)['id']) for text in adder.texts[::25]))
            REPORT.check(f'{node.name}: as many leaves as objects', self.peer(self.other(node))['received'] >= COUNT // 2)
        neutral = old['kr'].post(self.us.port, '/bongsu/v1/hello', HELLO)
        stranger = Key(self.folder, f'{self.us.dir}/keys/policy').post(self.us.port, '/bongsu/v1/hello', HELLO)
        REPORT.check('the old key is a stranger\'s, byte for byte', neutral == stranger and neutral[0] == 404,
                     (neutral, stranger))
        REPORT.check('nobody raised an alarm', not self.troubles() and not any(
            'alarm' in self.peer(node) or self.peer(node)['link'] == 'alarm' for node in self.nodes), self.troubles())
        self.verify(proof)

    @staticmethod
    def verifier():
        return os.path.join(os.path.dirname(os.path.dirname(program())), 'verify', 'bongsu-verify')

    def verify(self, proof):
        """What the key of before signed stays provable by the card of then, and the ledger by the card of now."""
        verifier = self.verifier()
        cards = {}
        for number in ('2', '3'):
            cards[number] = self.folder / f'kr-{number}.card'
            with open(cards[number], 'wb') as file:
                subprocess.run([program(), 'card', self.kr.dir, '--number', number], check=True, stdout=file,
                               stderr=subprocess.DEVNULL)
        status = {number: subprocess.run([verifier, 'proof', '--card', cards[number], proof], capture_output=True,
                                         check=False).returncode for number in cards}
        REPORT.equal('a proof of before is verified by the card of then, and by no other', status, {'2': 0, '3': 1})
        both = subprocess.run([verifier, 'proof', '--card', cards['3'], '--card', cards['2'], proof], capture_output=True,
                              check=False)
        REPORT.equal('also when both cards are given', both.returncode, 0)
        self.kr.must('ledger', 'export', 'us', self.folder / 'ledger')
        done = subprocess.run([verifier, 'ledger', '--card', cards['3'], '--card', self.us.card(), self.folder / 'ledger'],
                              capture_output=True, check=False)
        REPORT.equal('the ledger is verified by the card of now', done.returncode, 0)

    def look_at_kills(self):
        """Every role of both, around the moment."""
        adder = Adder(self.kr, 'desk', [indicator(10000 + n) for n in range(100)], 5)
        thread = threading.Thread(target=adder.run, args=(lambda _: time.sleep(0.1),))
        for node in self.nodes:
            self.renew(node, '--rotate', 'all', '--from', soon(2))
        thread.start()
        for step in range(12):
            self.nodes[step % 2].kill(('keeper', 'edge', 'core', 'guard')[step // 2 % 4])
            time.sleep(0.35)
        thread.join()
        REPORT.check('after kills every key has changed', wait_for(lambda: self.holds(4), 90),
                     (self.kr.status(), self.peer(self.us), self.peer(self.kr)))
        REPORT.check('and all are in step', wait_for(self.in_step, 90), (self.peer(self.us), self.peer(self.kr)))
        self.kr.stop()
        self.renew(self.kr, '--rotate', 'ledger', '--from', soon(1))
        time.sleep(1.5)
        self.kr.start()
        REPORT.check('a node that was down when its card began uses it from its start', wait_for(
            lambda: self.kr.status().get('card') == 5 and self.peer(self.us).get('card') == 5, 30),
                     (self.kr.status(), self.peer(self.us)))
        REPORT.check('and is in step', wait_for(self.in_step, 60), (self.peer(self.us), self.peer(self.kr)))
        self.kr.stop()
        for node in self.nodes:
            self.renew(node, '--rotate', 'all', '--from', 'now')
        self.kr.start()
        REPORT.check('both changed every key while the line was down, and find each other', wait_for(
            lambda: self.peer(self.us).get('card') == 6 and self.peer(self.kr).get('card') == 5, 30),
                     (self.peer(self.us), self.peer(self.kr)))
        REPORT.check('and are in step', wait_for(self.in_step, 60), (self.peer(self.us), self.peer(self.kr)))

    def tls_now(self, node):
        return max(pathlib.Path(node.dir, 'keys-edge').glob('tls.*'), key=lambda path: path.stat().st_mtime_ns)

    def look_at_a_theft(self):
        stolen = Key(self.folder, self.tls_now(self.kr))
        REPORT.equal('the thief is let in', stolen.post(self.us.port, '/bongsu/v1/hello', HELLO)[0], 200)
        held = stolen.link(self.us.port)
        size = self.peer(self.kr)['received']
        held.request('GET', f'/bongsu/v1/feed?epoch=0&from={self.us.status("kr")["ledger_visible"]}&max=10&wait=30')
        self.renew(self.kr, '--rotate', 'tls,ledger', '--from', 'now')
        REPORT.check('the new card is there', wait_for(lambda: self.peer(self.us).get('card') == 7, 10), self.peer(self.us))
        said = stolen.post(self.us.port, '/bongsu/v1/hello', HELLO)
        REPORT.equal('the thief gets the neutral answer', (said[0], said[2]), (404, b''))
        try:
            ended = held.getresponse().status != 200
        except (http.client.HTTPException, OSError):
            ended = True
        REPORT.check('and what he had open is cut', ended)
        REPORT.check('the true ones go on', wait_for(self.in_step, 60), (self.peer(self.us), self.peer(self.kr), size))
        card = self.folder / 'old.card'
        with open(card, 'wb') as file:
            subprocess.run([program(), 'card', self.kr.dir, '--number', '4'], check=True, stdout=file, stderr=subprocess.DEVNULL)
        answer = self.us.run('peer', 'add', card, '--audience', 'kr')
        REPORT.check('an older card is not taken by hand either', not answer.good, answer)

    def look_at_another_root(self):
        """Its operators lost the root key: it is another node, and a person has to read words."""
        twin = Node(self.folder / 'twin', 'kr', 'KR')
        answer = self.us.run('peer', 'add', twin.card(), '--audience', 'kr')
        REPORT.check('a card by another root key is refused', not answer.good and 'root key' in answer.text, answer)
        REPORT.equal('and the one that is held stays', self.peer(self.us)['card'], 7)

    def look_at_homes(self):
        au = Node(self.folder, 'au', 'AU')
        au.start()
        self.kr.at_home([HOME])
        self.renew(self.kr)  # keeps what the one before names
        try:
            for node in self.nodes:
                self.join(au, node)
                self.join(node, au)
            self.us.at_home([HOME])
            self.renew(self.us)
            wait_for(lambda: self.peer(au, 'us')['card'] == self.us.status()['card'], 10)
            time.sleep(0.5)
            REPORT.check('two cards name it: it stays where it is', 'is at home at us now' not in au.said())
            self.kr.at_home([])
            self.renew(self.kr)
            REPORT.check('the old home lets it go: it is at home where the other card says', wait_for(
                lambda: 'is at home at us now' in au.said(), 10), au.said()[-1500:])
        finally:
            au.stop()

    def edit(self, node, before, after):
        path = pathlib.Path(node.dir) / 'bongsu.yaml'
        text = path.read_text(encoding='utf-8')
        REPORT.check(f'{node.name}: bongsu.yaml holds {before!r}', before in text)
        path.write_text(text.replace(before, after), encoding='utf-8')

    def look_at_another_name(self):
        """What people say changes; what was signed, what the audience is called and who may ask do not."""
        proof, size = self.folder / 'renamed.tlog-proof', self.us.status('kr')['ledger_visible']
        self.edit(self.kr, '# known-as: ncsc-kr', 'known-as: ncsc-kr')
        self.renew(self.kr)
        REPORT.check('a name for people travels with the card', wait_for(
            lambda: self.peer(self.us).get('known_as') == 'ncsc-kr', 10), self.peer(self.us))
        said = self.us.run('status').text
        REPORT.check('status says it', 'kr: the node kr goes by ncsc-kr now' in said, said)
        answer = self.us.run('peer', 'pause', 'ncsc-kr')
        REPORT.check('a command takes the name of the audience alone, and says so',
                     not answer.good and 'the card of kr says' in answer.text, answer)
        self.kr.add(self.written([indicator(70000)]), 'desk')
        self.us.add(self.written([indicator(70001)]), 'desk')
        REPORT.check('both ledgers go on', wait_for(
            lambda: self.in_step() and self.us.status('kr')['ledger_visible'] == size + 1, 20), self.us.status('kr'))
        self.kr.must('ledger', 'prove', 'us', '1', '--out', proof)
        done = subprocess.run([self.verifier(), 'proof', '--card', self.kr.card(), proof], capture_output=True, check=False)
        REPORT.equal('a proof is verified by the card with the new name', done.returncode, 0)

    def look_at_another_address(self):
        """The card of the new address goes ahead; then the node moves."""
        old, new = self.kr.port, free_port()
        self.edit(self.kr, f'127.0.0.1:{old}', f'127.0.0.1:{new}')
        self.renew(self.kr)
        number = self.kr.status()['card']
        wait_for(lambda: self.peer(self.us).get('card') == number, 10)
        self.kr.stop()
        self.kr.port = new
        self.kr.start()
        self.kr.add(self.written([indicator(70002)]), 'desk')
        REPORT.check('a node that moved is found where its card says', wait_for(self.in_step, 30), self.peer(self.us))

    def written(self, texts):
        path = self.folder / 'more.jsonl'
        path.write_text('\n'.join(texts), encoding='utf-8')
        return path

    def look_at_a_removal(self):
        key = Key(self.folder, self.tls_now(self.kr))
        held = key.link(self.us.port)
        held.request('GET', f'/bongsu/v1/feed?epoch=0&from={self.us.status("kr")["ledger_visible"]}&max=10&wait=30')
        time.sleep(0.2)
        self.us.must('peer', 'remove', 'kr')
        began = time.monotonic()
        try:
            status = held.getresponse().status
        except (http.client.HTTPException, OSError):
            status = None
        took = time.monotonic() - began
        REPORT.check(f'a removed partner is out within a second ({took:.2f} s)', status != 200 and took < 1, (status, took))
        REPORT.equal('and unknown from then on', key.post(self.us.port, '/bongsu/v1/hello', HELLO)[0], 404)
        card = pathlib.Path(self.kr.card()).read_bytes()
        body = b'\x01' + bytes(8) + b'\x01' + len(card).to_bytes(4, 'big') + card
        REPORT.equal('whatever card he shows', key.post(self.us.port, '/bongsu/v1/card', body)[0], 404)

    def stop(self):
        for node in self.nodes:
            node.stop()
            done = node.run('check')
            REPORT.check(f'{node.name}: the store is whole', done.good, done)


def main():
    if not shutil.which('openssl'):
        REPORT.skip('everything', 'openssl is not here')
        return REPORT.finish()
    with Folder() as folder:
        os.mkdir(os.path.join(folder, 'twin'))
        both = Both(folder)
        try:
            both.look_at_cards()
            both.look_at_every_key()
            both.look_at_kills()
            both.look_at_a_theft()
            both.look_at_another_root()
            both.look_at_homes()
            both.look_at_another_name()
            both.look_at_another_address()
            both.look_at_a_removal()
        except Exception as why:  # pylint: disable=broad-except
            REPORT.check('the scenario goes to its end', False, repr(why))
            for node in both.nodes:
                print(node.said()[-4000:])
        finally:
            both.stop()
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
