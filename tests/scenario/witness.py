#!/usr/bin/env python3
"""The log of the whole node and its witnesses: two of our own making (one honest, one that lies in every way), and litewitness,
which others wrote. What they cosign is proved to the partner by bongsu-verify; kills, a witness that is away, and a backup that
comes back change none of it.

    tests/scenario/witness.py

Standard library, openssl, and go for litewitness. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import base64
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from node import ROOT, Folder, Node, Report, free_port, program, wait_for

REPORT = Report('witness')
POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
WHY = ('--because', 'the disk died, the backup of yesterday is the newest')
SPKI = bytes.fromhex('302a300506032b6570032100')  # RFC 8410: what stands before the 32 bytes of an Ed25519 key
DASH = '\u2014 '


def sha(data):
    return hashlib.sha256(data).digest()


def key_id(name, kind, public):
    return sha(name.encode() + b'\n' + bytes([kind]) + public)[:4]


def vkey(name, kind, public):
    return f'{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(bytes([kind]) + public).decode()}'


def consistent(old, size, proof, old_root, root):
    """RFC 9162 section 2.1.4.2."""
    if old == size:
        return not proof and old_root == root
    if old == 0:
        return not proof
    if old & (old - 1) == 0:
        proof = [old_root] + proof
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    if not proof:
        return False
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha(b'\1' + c + fr), sha(b'\1' + c + sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha(b'\1' + sr + c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


class Ed25519:
    """openssl, a process each time: there is no Ed25519 in the standard library."""

    def __init__(self, folder, name):
        self.folder, self.pem = folder, os.path.join(folder, name + '.pem')
        self.run('genpkey', '-algorithm', 'ed25519', '-out', self.pem)
        self.public = self.run('pkey', '-in', self.pem, '-pubout', '-outform', 'DER')[-32:]

    @staticmethod
    def run(*words):
        return subprocess.run(['openssl', *words], check=True, capture_output=True).stdout

    def sign(self, message):
        path = self.pem + '.message'
        pathlib.Path(path).write_bytes(message)
        return self.run('pkeyutl', '-sign', '-inkey', self.pem, '-rawin', '-in', path)

    @staticmethod
    def verify(folder, public, message, signature):
        place = pathlib.Path(folder)
        (place / 'v.der').write_bytes(SPKI + public)
        (place / 'v.message').write_bytes(message)
        (place / 'v.signature').write_bytes(signature)
        done = subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', place / 'v.der', '-rawin',
                               '-in', place / 'v.message', '-sigfile', place / 'v.signature'], capture_output=True, check=False)
        return done.returncode == 0


class Witness:
    """C2SP tlog-witness, add-checkpoint, by the letter. `lie`: what it does instead."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, re.sub('[^a-z0-9]', '-', name))
        os.mkdir(self.folder)
        self.name, self.key, self.lie = name, Ed25519(self.folder, 'key'), None
        self.logs, self.state, self.asked, self.refused, self.seen = {}, {}, 0, [], []
        self.port = free_port()
        self.server = None

    def vkey(self):
        return vkey(self.name, 4, self.key.public)

    def url(self):
        return f'http://127.0.0.1:{self.port}/w/'

    def knows(self, log_vkey):
        origin, _, key = log_vkey.split('+', 2)
        self.logs[origin] = base64.b64decode(key)[1:]

    def start(self):
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length'] or 0))
                status, answer = witness.answer(self.path, body)
                if status is None:  # never answers
                    time.sleep(60)
                    return
                self.send_response(status)
                self.send_header('content-length', str(len(answer)))
                if status == 409:
                    self.send_header('content-type', 'text/x.tlog.size')
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', self.port), Handler)
        self.server.handle_error = lambda *_: None  # whoever hangs up on a liar is right
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def cosign(self, text, now, key=None):
        signature = (key or self.key).sign(f'cosignature/v1\ntime {now}\n'.encode() + text)
        line = key_id(self.name, 4, self.key.public) + now.to_bytes(8, 'big') + signature
        return f'{DASH}{self.name} {base64.b64encode(line).decode()}\n'.encode()

    def answer(self, path, body):
        self.asked += 1
        self.seen.append(body)
        if self.lie:
            return self.lie(self, body)
        status, answer = self.judge(path, body)
        if status != 200:
            self.refused.append((status, answer))
        return status, answer

    def judge(self, path, body):
        if path != '/w/add-checkpoint':
            return 404, b'no such path\n'
        head, _, note = body.partition(b'\n\n')
        lines = head.decode().split('\n')
        if not re.fullmatch(r'old (0|[1-9][0-9]*)', lines[0]) or len(lines) > 64:
            return 400, b'no old size\n'
        old, proof = int(lines[0][4:]), [base64.b64decode(line, validate=True) for line in lines[1:]]
        text, _, signatures = note.partition(b'\n\n')
        text += b'\n'
        origin, size, root = text.decode().split('\n')[:3]
        size, root = int(size), base64.b64decode(root)
        if origin not in self.logs:
            return 404, b'unknown origin\n'
        wanted = key_id(origin, 1, self.logs[origin])
        good = False
        for line in signatures.decode().splitlines():
            name, signed = line[len(DASH):].rsplit(' ', 1)
            signed = base64.b64decode(signed, validate=True)
            if name == origin and signed[:4] == wanted:
                good = Ed25519.verify(self.folder, self.logs[origin], text, signed[4:])
        if not good:
            return 403, b'no trusted signature\n'
        if old > size:
            return 400, b'old is larger\n'
        held, held_root = self.state.get(origin, (0, sha(b'')))
        if old != held:
            return 409, f'{held}\n'.encode()
        if not consistent(old, size, proof, held_root, root):
            return 422, b'not consistent\n'
        self.state[origin] = (size, root)
        return 200, self.cosign(text, int(time.time()))


# --- one that lies ---

def text_of(body):
    return body.partition(b'\n\n')[2].partition(b'\n\n')[0] + b'\n'


def lies(stranger):
    def other_tree(witness, body):
        origin, size = text_of(body).decode().split('\n')[:2]
        return 200, witness.cosign(f'{origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n'.encode(), int(time.time()))

    def forged(witness, body):
        return 200, witness.cosign(text_of(body), int(time.time()), stranger)

    return {
        'signs another root': other_tree,
        'signs by another key': forged,
        'stands at a size that it never saw': lambda witness, body: (409, b'999999\n'),
        'stands at another size each time': lambda witness, body: (409, f'{witness.asked % 2}\n'.encode()),
        'says no number': lambda witness, body: (409, b'<script>\n'),
        'answers with a page': lambda witness, body: (200, b'<html>' + b'x' * 4000),
        'answers without end': lambda witness, body: (200, b'x' * (8 << 20)),
        'signs in the future': lambda witness, body: (200, witness.cosign(text_of(body), int(time.time()) + 10 * 86400)),
        'signs without a time': lambda witness, body: (200, witness.cosign(text_of(body), 0)),
        'sends elsewhere': lambda witness, body: (302, b''),
        'fails': lambda witness, body: (500, b'no\n'),
        'never answers': lambda witness, body: (None, b''),
    }


# --- litewitness ---

class Lite:
    """filippo.io/torchwood/cmd/litewitness, behind its ssh-agent."""

    def __init__(self, folder):
        self.folder, self.name, self.port = os.path.join(folder, 'lite'), 'lite.example/w', free_port()
        self.running = self.agent = None
        os.mkdir(self.folder)

    def build(self):
        """Why not; None: it is built."""
        if not all(shutil.which(name) for name in ('go', 'ssh-agent', 'ssh-add', 'ssh-keygen')):
            return 'go or ssh-agent is not installed'
        place = ROOT / 'tests' / 'interop' / 'go-witness'
        fetched = subprocess.run(['go', 'mod', 'download'], cwd=place, capture_output=True, text=True, timeout=300, check=False)
        if fetched.returncode != 0:
            return 'its modules cannot be fetched: ' + fetched.stderr.strip()[-200:]
        subprocess.run(['go', 'build', '-o', os.path.join(self.folder, 'litewitness'), 'filippo.io/torchwood/cmd/litewitness'],
                       cwd=place, check=True, timeout=600)
        return None

    def start(self, log_vkey):
        def here(name):
            return os.path.join(self.folder, name)
        origin, _, key = log_vkey.split('+', 2)
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', here('key')], check=True)
        self.agent = subprocess.Popen(['ssh-agent', '-D', '-a', here('agent')], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(here('agent')), 10)
        subprocess.run(['ssh-add', '-q', here('key')], check=True, env=dict(os.environ, SSH_AUTH_SOCK=here('agent')),
                       stdin=subprocess.DEVNULL)
        told = subprocess.run(['ssh-keygen', '-l', '-f', here('key.pub')], check=True, capture_output=True, text=True)
        words = [here('litewitness'), '-name', self.name, '-db', here('db'), '-ssh-agent', here('agent'),
                 '-key', told.stdout.split()[1], '-listen', f'127.0.0.1:{self.port}']
        with open(here('log'), 'wb') as log:
            self.running = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(lambda: 'vkey=' in self.said(), 20)
        db = sqlite3.connect(here('db'))
        with db:  # as witnessctl add-log and add-key do
            db.execute('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)',
                       (origin, base64.b64encode(sha(b'')).decode()))
            db.execute('INSERT INTO key (origin, key) VALUES (?, ?)', (origin, log_vkey))
        db.close()
        return re.search(r'vkey=(\S+)', self.said()).group(1).strip('"')

    def said(self):
        try:
            return pathlib.Path(self.folder, 'log').read_text(encoding='utf-8', errors='replace')
        except FileNotFoundError:
            return ''

    def stop(self):
        for process in (self.running, self.agent):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(10)


# --- the node ---

def indicator(number):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'number {number}',
            'pattern': f"[file:name = '{number}.exe']", 'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z',
            'object_marking_refs': [CLEAR]}


def configure(node, witnesses, every=1):
    path = pathlib.Path(node.dir, 'bongsu.yaml')
    text = path.read_text(encoding='utf-8').split('\n# test\n')[0] + f'\n# test\nlog-every: {every}\n'
    if witnesses:
        text += 'witnesses:\n' + ''.join(f'  - url: "{url}"\n    key: "{key}"\n' for url, key in witnesses)
    path.write_text(text, encoding='utf-8')


def log_of(node):
    lines = node.must('ledger', 'log').lines
    return lines[0], {line['witness']: line for line in lines[1:] if 'witness' in line}


def cosigned(node, name):
    return log_of(node)[1].get(name, {}).get('cosigned', 0)


def verify(*words):
    tool = pathlib.Path(program()).parents[1] / 'verify' / 'bongsu-verify'
    done = subprocess.run([tool, words[0], '--json', *map(str, words[1:])], capture_output=True, text=True, check=False)
    return done.returncode == 0, json.loads(done.stdout.splitlines()[0]) if done.stdout.startswith('{') else {'err': done.stderr}


class World:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.kr, self.us = (Node(folder, name, name.upper()) for name in ('kr', 'us'))
        configure(self.kr, [])
        (self.folder / 'policy').write_text(POLICY, encoding='utf-8')
        for node in (self.kr, self.us):
            node.start()
        for node, other in ((self.kr, self.us), (self.us, self.kr)):
            node.knows(other, other.name)
            node.must('policy', 'activate', self.folder / 'policy', '--untested', '--because', 'test')
            node.must('peer', 'start', other.name)
            node.must('source', 'add', 'desk')
        self.count = 0

    def release(self, count):
        path = self.folder / 'things.jsonl'
        path.write_text('\n'.join(json.dumps(indicator(self.count + n)) for n in range(count)), encoding='utf-8')
        self.kr.must('add', path, '--source', 'desk')
        self.count += count
        return wait_for(lambda: self.kr.status('us').get('receipted') == self.count, 30, 0.2)

    def again(self, witnesses):
        self.kr.stop()
        configure(self.kr, witnesses)
        self.kr.start()

    def prove(self, name, *more):
        out = self.folder / name
        return out, self.kr.run('ledger', 'prove-log', 'us', '--out', out, '--checkpoint', str(out) + '.checkpoint', *more)


def honest(world, witness):
    head, _ = log_of(world.kr)
    REPORT.check('it says under which key witnesses have to know it', head.get('vkey', '').startswith('bongsu-log/kr/0+'), head)
    REPORT.check('an entry a second, without a partner or a witness', wait_for(lambda: log_of(world.kr)[0]['visible'] >= 3, 20))
    world.again([(witness.url(), witness.vkey())])
    REPORT.check('a witness that does not know the log is told of',
                 wait_for(lambda: '404' in log_of(world.kr)[1][witness.name]['trouble'], 20), log_of(world.kr))
    lines = world.kr.must('status').lines
    REPORT.check('status tells of it', any(witness.name in line.get('say', '') and '404' in line['say'] for line in lines), lines)
    witness.knows(head['vkey'])
    world.kr.stop()
    world.kr.start()
    REPORT.check('an honest witness cosigns', wait_for(lambda: cosigned(world.kr, witness.name) >= 4, 30), log_of(world.kr))
    said = [line['say'] for line in world.kr.must('status').lines if 'entries of the log' in line.get('say', '')]
    REPORT.check('status says how far, and when',
                 len(said) == 1 and re.search(r'cosigned [1-9]\d* of \d+ .* last at 20', said[0]), said)
    grown = cosigned(world.kr, witness.name)
    REPORT.check('...and goes on', wait_for(lambda: cosigned(world.kr, witness.name) >= grown + 3, 30), log_of(world.kr))
    REPORT.check('nothing that it was asked was wrong', all(status in (404, 409) for status, _ in witness.refused),
                 witness.refused[-3:])


def says_nothing(world, witness):
    """All that the witness ever saw, and the whole log: not one byte of what is the partner's."""
    seen = b''.join(witness.seen)
    words = [b'bongsu/kr/us', b'us/0', b'indicator']
    REPORT.check('the witness was told nothing of partners', not any(word in seen for word in words))
    sizes = {len(base64.b64decode(line)) for body in witness.seen for line in body.partition(b'\n\n')[0].split(b'\n')[1:]}
    REPORT.check('...but hashes', sizes <= {32}, sizes)


def proofs(world, witness):
    keys, card = world.folder / 'witnesses', world.kr.card()
    keys.write_text(witness.vkey() + '\n', encoding='utf-8')
    REPORT.check('what is released is acknowledged', world.release(5))
    before = log_of(world.kr)[0]['visible']
    wait_for(lambda: cosigned(world.kr, witness.name) > before + 1, 30)
    out, answer = world.prove('first.tlog-proof')
    REPORT.check('a proof is written', answer.good, answer)
    good, said = verify('proof', '--card', card, '--keys', keys, '--cosigners', '1', '--since', str(out) + '.checkpoint', out)
    REPORT.check('bongsu-verify believes it, with the card and the key of the witness', good, said)
    REPORT.equal('...and says which ledger', (said.get('ledger'), said.get('ledger_size')), ('bongsu/kr/us/0', 5))
    export = world.folder / 'export'
    world.kr.must('ledger', 'export', 'us', export)
    good, said = verify('ledger', '--card', card, '--since', str(out) + '.checkpoint', export)
    REPORT.check('the ledger itself goes with what was logged', good, said)
    world.release(2)
    before = log_of(world.kr)[0]['visible']
    wait_for(lambda: cosigned(world.kr, witness.name) > before + 1, 30)
    later, _ = world.prove('later.tlog-proof')
    good, said = verify('proof', '--card', card, '--keys', keys, '--since', str(out) + '.checkpoint', later)
    REPORT.check('another checkpoint is not what stands there', not good and 'why' in said, said)
    text = out.read_text(encoding='utf-8')
    for what, changed in (('index', re.sub(r'index (\d+)', lambda m: f'index {int(m[1]) + 1}', text)),
                          ('extra', text.replace('extra AQ', 'extra AR', 1)),
                          ('cosignature', text[:-8] + ('A' if text[-8] != 'A' else 'B') + text[-7:])):
        bad = world.folder / 'bad'
        bad.write_text(changed, encoding='utf-8')
        good, said = verify('proof', '--card', card, '--keys', keys, '--cosigners', '1', bad)
        REPORT.check(f'a proof with another {what} is refused', changed != text and not good, said)
    early = world.kr.run('ledger', 'prove-log', 'us', '--at', '0')
    REPORT.check('before anything was shown the log says nothing of it', not early.good and early.error['code'] == 'notfound',
                 early)
    return out


def liar(world, witness, other):
    for what, lie in lies(Ed25519(str(world.folder), 'stranger')).items():
        other.lie, other.asked = lie, 0
        world.again([(witness.url(), witness.vkey()), (other.url(), other.vkey())])
        asked = wait_for(lambda: other.asked > 0, 20)
        before = cosigned(world.kr, witness.name)
        REPORT.check(f'one that {what}: the honest one goes on',
                     asked and wait_for(lambda: cosigned(world.kr, witness.name) > before, 20))
        if what != 'never answers':
            wait_for(lambda: log_of(world.kr)[1][other.name]['failures'] > 0, 20)
            line = log_of(world.kr)[1][other.name]
            REPORT.check(f'one that {what}: nothing of it counts, and it is told', line['cosigned'] == 0 and line['trouble'] and
                         'script' not in line['trouble'], line)
        REPORT.check(f'one that {what}: it is not asked at every turn', other.asked <= 6, other.asked)
    REPORT.check('releases went on meanwhile', world.release(1))
    other.lie = None


def kills(world, witness):
    for role in ('keeper', 'core', 'edge', 'guard', 'parent'):
        before = cosigned(world.kr, witness.name)
        world.kr.kill(role)
        if role == 'parent':
            world.kr.start()
        REPORT.check(f'{role} killed: the log goes on, cosigned', wait_for(
            lambda: world.kr.run('ledger', 'log').good and cosigned(world.kr, witness.name) > before + 1, 40, 0.3))
    REPORT.check('the witness never saw a log that did not grow', not [one for one in witness.refused if one[0] == 422],
                 witness.refused)
    checked = world.kr.run('check')
    REPORT.check('bongsu check finds it whole', checked.good, checked)


def lite_too(world, witness, lite):
    why = lite.build()
    if why:
        REPORT.skip('litewitness', why)
        return
    key = lite.start(log_of(world.kr)[0]['vkey'])
    world.again([(witness.url(), witness.vkey()), (f'http://127.0.0.1:{lite.port}', key)])
    REPORT.check('litewitness cosigns', wait_for(lambda: cosigned(world.kr, lite.name) > 0, 30),
                 (log_of(world.kr), lite.said()[-1000:]))
    before = cosigned(world.kr, lite.name)
    REPORT.check('...and goes on', wait_for(lambda: cosigned(world.kr, lite.name) > before + 2, 30), lite.said()[-1000:])
    keys = world.folder / 'both'
    keys.write_text(witness.vkey() + '\n' + key + '\n', encoding='utf-8')

    def both():
        out, answer = world.prove('both.tlog-proof')
        return answer.good and verify('proof', '--card', world.kr.card(), '--keys', keys, '--cosigners', '2', out)[0]
    REPORT.check('a proof with the signatures of both', wait_for(both, 20, 0.3))


def restored(world, witness):
    backup, fresh, old = world.folder / 'backup', world.folder / 'fresh', pathlib.Path(world.kr.dir)
    world.kr.must('backup', backup)
    before = cosigned(world.kr, witness.name)
    wait_for(lambda: cosigned(world.kr, witness.name) > before + 2, 30)
    world.kr.stop()
    world.kr.must('restore', backup, fresh)
    shutil.copytree(old / 'keeper', fresh / 'keeper')
    shutil.rmtree(old)
    os.rename(fresh, old)
    configure(world.kr, [(witness.url(), witness.vkey())])
    world.kr.start()

    def told():
        return any('does not sign the log of the node' in line.get('say', '') for line in world.kr.must('status').lines)
    REPORT.check('a backup that came back is found out', wait_for(told, 20), world.kr.must('ledger', 'log').lines)
    size = log_of(world.kr)[0]['visible']
    time.sleep(3)
    REPORT.equal('it signs no more', log_of(world.kr)[0]['visible'], size)
    REPORT.check('the witness never saw two histories', not [one for one in witness.refused if one[0] == 422], witness.refused)
    REPORT.check('not without a reason', not world.kr.run('ledger', 'log', '--anew').good)
    world.kr.must('ledger', 'log', '--anew', *WHY)
    wait_for(lambda: log_of(world.kr)[0]['visible'] > 0, 20)
    head = log_of(world.kr)[0]
    REPORT.check('by a word it begins anew, under another name', head['origin'] == 'bongsu-log/kr/1' and head['visible'] > 0,
                 head)
    witness.knows(head['vkey'])
    world.kr.stop()
    world.kr.start()
    REPORT.check('and is cosigned once the witness knows it', wait_for(lambda: cosigned(world.kr, witness.name) > 0, 30),
                 log_of(world.kr))


def main():
    with Folder() as folder:
        world = World(folder)
        witness, other, lite = Witness(folder, 'witness.example/w1'), Witness(folder, 'liar.example/w'), Lite(folder)
        try:
            witness.start()
            other.start()
            honest(world, witness)
            proofs(world, witness)
            says_nothing(world, witness)
            liar(world, witness, other)
            lite_too(world, witness, lite)
            kills(world, witness)
            restored(world, witness)
        finally:
            for one in (witness, other, lite, world.kr, world.us):
                one.stop()
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
