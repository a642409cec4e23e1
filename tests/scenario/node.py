"""Nodes of the scenario tests: real programs in a folder of their own, on free loopback ports.

What a test needs: Node (start, stop, kill a role, run a command line, ask over the control socket), Adder (hands in objects and
remembers what was acknowledged), pair (two nodes that know each other), Report (counts and names what was looked at).
Ends only processes that it started, each by its own number. BONGSU names another program than the one of this tree.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / 'samples'
POLICY = ROOT / 'share' / 'default.policy'
PASSPHRASE = 'scenario passphrase'
ROLES = ('parent', 'launcher', 'core', 'edge', 'guard', 'keeper')
STOP_SECONDS = 5  # the program promises two; a busy machine may take longer, a stuck program takes for ever


def open_files(pid):
    """What the process has open, as /proc names it."""
    found = []
    for number in os.listdir(f'/proc/{pid}/fd'):
        try:
            found.append(os.readlink(f'/proc/{pid}/fd/{number}'))
        except OSError:
            pass
    return found


def children_of(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def program():
    """The program under test: $BONGSU, or the newest build of this tree."""
    if os.environ.get('BONGSU'):
        return os.path.abspath(os.environ['BONGSU'])
    built = [path for path in ROOT.glob('build*/**/src/cli/bongsu') if 'asan' not in path.parts and 'tsan' not in path.parts]
    if not built:
        sys.exit('tests/scenario: there is no build/*/src/cli/bongsu; run `make build`')
    return str(max(built, key=lambda path: path.stat().st_mtime))


class Report:
    """Each look is one test. The last line is what tests/run counts."""

    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, [], []
        self.lock = threading.Lock()
        self.began = time.monotonic()

    def check(self, what, good, detail=''):
        with self.lock:
            if good:
                self.passed += 1
                print(f'ok: {self.name}: {what}', flush=True)
            else:
                self.failed.append(what)
                print(f'FAILED: {self.name}: {what}: {str(detail)[:2000]}', flush=True)
        return bool(good)

    def equal(self, what, got, wanted):
        return self.check(what, got == wanted, f'{got!r} instead of {wanted!r}')

    def skip(self, what, why):
        self.skipped.append(what)
        print(f'skipped: {self.name}: {what}: {why}', flush=True)

    def say(self, text):
        print(f'   {self.name}: {text}', flush=True)

    def finish(self):
        self.say(f'{time.monotonic() - self.began:.1f} s')
        if not self.passed and not self.failed and not self.skipped:
            self.failed.append('nothing was looked at')
        print(f'{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped', flush=True)
        return 1 if self.failed else 0


class Answer:
    """What a command printed with --json: its lines but the last, and the error of the last."""

    def __init__(self, status, out, err):
        self.status, self.err, self.text = status, err, out
        self.lines, self.error = [], None
        for line in out.splitlines():
            value = json.loads(line)
            if value.get('done') is True:
                self.error = value.get('error')
            else:
                self.lines.append(value)

    @property
    def good(self):
        return self.status == 0

    @property
    def one(self):
        return self.lines[-1] if self.lines else {}

    def __repr__(self):
        return f'status {self.status}, {self.text[-600:]} {self.err[-600:]}'


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def wait_for(what, seconds=60, every=0.05):
    """True once what() is true; False after that many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(every)
    return bool(what())


def suite_words(name):
    """For `init`: what BONGSU_SUITES says ("kr=2 us=3", "*=2")."""
    said = dict(word.split('=') for word in os.environ.get('BONGSU_SUITES', '').split())
    suite = said.get(name, said.get('*'))
    return ['--suite', suite] if suite else []


class Node:
    def __init__(self, folder, name, country, one_process=False, address='127.0.0.1', before=(), token=None, suite=None):
        """`address`: where it listens; `before`: words before those that start it, of `ip netns exec` perhaps; `token`: URI
        and PIN of its root key, which else is a file; `suite`: of its keys, 1 unless BONGSU_SUITES says another ("kr=2 us=3")."""
        self.name, self.country, self.one_process, self.before = name, country, one_process, list(before)
        self.dir = os.path.join(folder, name)
        self.log = os.path.join(folder, name + '.log')
        self.passphrase = os.path.join(folder, f'{name}.pin' if token else 'passphrase')
        self.port = free_port()
        self.process = None
        self.env = None  # of its processes; None: ours
        self.stops = []  # how long each SIGTERM took, seconds
        with open(self.passphrase, 'w', encoding='utf-8') as file:
            file.write((token[1] if token else PASSPHRASE) + '\n')
        root = ['--root-key', token[0]] if token else []
        root += ['--suite', str(suite)] if suite else suite_words(name)
        subprocess.run([program(), 'init', self.dir, '--name', name, '--country', country, '--listen', f'{address}:{self.port}',
                        '--passphrase-file', self.passphrase, *root], check=True, stdout=subprocess.DEVNULL)

    # --- life ---

    def start(self, seconds=60, wait=True):
        before = self.said().count('"ready, ') if wait else 0
        words = self.before + [program(), 'serve', self.dir, *self.serve_words()]
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env)
        if not wait:
            return True
        good = wait_for(lambda: self.said().count('"ready, ') > before or self.process.poll() is not None, seconds, 0.02)
        if not good or self.process.poll() is not None:
            raise RuntimeError(f'{self.name} does not start: {self.said()[-2000:]}')
        return True

    def serve_words(self):
        """Options of `serve`."""
        return ['--one-process'] if self.one_process else []

    def said(self):
        try:
            with open(self.log, encoding='utf-8', errors='replace') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; how many seconds it took. Ended by force when it takes much too long."""
        if not self.running():
            return 0.0
        children = [pid for role, pid in self.roles().items() if role != 'parent']
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS * 4)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        took = time.monotonic() - began
        wait_for(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in children), 5, 0.01)
        self.stops.append(took)
        return took

    def roles(self):
        """Role -> process number, with the launcher that starts them; only `parent` when all run in one process."""
        found = {'parent': self.process.pid} if self.running() else {}
        waiting = list(found.values())
        while waiting:
            for child in children_of(waiting.pop()):
                try:
                    with open(f'/proc/{child}/cmdline', 'rb') as file:
                        words = file.read().split(b'\0')
                except OSError:
                    continue
                if len(words) > 2 and words[1] == b'--role':
                    found[words[2].decode()] = child
                    waiting.append(child)
        return found

    def kill(self, role):
        """kill -9 of one role; False when it was not there. A killed parent or launcher takes all with it."""
        pid = self.roles().get(role)
        if pid is None:
            return False
        whole = role in ('parent', 'launcher')
        children = [other for name, other in self.roles().items() if name != 'parent'] if whole else []
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if whole:
            self.process.wait()
            wait_for(lambda: not any(os.path.exists(f'/proc/{child}') for child in children), 5, 0.005)
        return True

    def memory(self):
        """Role -> largest resident memory so far, KiB."""
        found = {}
        for role, pid in self.roles().items():
            try:
                with open(f'/proc/{pid}/status', encoding='ascii') as file:
                    found[role] = int(re.search(r'VmHWM:\s*(\d+)', file.read()).group(1))
            except (OSError, AttributeError):
                pass
        return found

    def cpu(self):
        """Role -> processor seconds used so far."""
        found = {}
        for role, pid in self.roles().items():
            try:
                with open(f'/proc/{pid}/stat', encoding='ascii') as file:
                    parts = file.read().rsplit(')', 1)[1].split()
                found[role] = (int(parts[11]) + int(parts[12])) / os.sysconf('SC_CLK_TCK')
            except OSError:
                pass
        return found

    # --- the command line ---

    def run(self, *words, seconds=120, json_too=True):
        done = subprocess.run([program(), *map(str, words), '--dir', self.dir] + (['--json'] if json_too else []),
                              capture_output=True, timeout=seconds, check=False)
        out, err = done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace')
        return Answer(done.returncode, out if json_too else '', err if json_too else out + err)

    def must(self, *words, **more):
        answer = self.run(*words, **more)
        if not answer.good:
            raise RuntimeError(f'{self.name}: bongsu {" ".join(map(str, words))}: {answer!r}')
        return answer

    def add(self, path, source, seconds=120):
        return self.run('add', path, '--source', source, seconds=seconds)

    def status(self, audience=None):
        lines = self.must('status').lines
        if audience is None:
            return lines[0]
        return next((line for line in lines[1:] if line.get('audience') == audience), {})

    def card(self):
        path = self.dir + '.card'
        with open(path, 'wb') as file:
            subprocess.run([program(), 'card', self.dir], check=True, stdout=file, stderr=subprocess.DEVNULL)
        return path

    def at_home(self, identities):
        """Signs a card that names these identities."""
        path = self.dir + '.identities'
        with open(path, 'w', encoding='ascii') as file:
            file.write('\n'.join(identities) + '\n')
        subprocess.run([program(), 'card', self.dir, '--renew', '--identities', path, '--passphrase-file', self.passphrase],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def knows(self, other, audience, start=True):
        self.must('peer', 'add', other.card(), '--audience', audience)
        if start:
            self.must('peer', 'start', audience)

    # --- the control socket, without a process for each question ---

    def connect(self):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(60)
        link.connect(os.path.join(self.dir, 'control.sock'))
        return link

    def ask(self, command, **args):
        """Lines of one answer; ConnectionError when the node goes away meanwhile."""
        with self.connect() as link:
            link.sendall(json.dumps({'command': command, 'args': args}).encode() + b'\n')
            data = b''
            while True:
                part = link.recv(1 << 20)
                if not part:
                    break
                data += part
        lines = [json.loads(line) for line in data.splitlines()]
        if not lines or lines[-1].get('done') is not True:
            raise ConnectionError('no whole answer')
        error = lines[-1].get('error')
        if error and error.get('code') in ('closed', 'busy'):
            raise ConnectionError(error.get('what'))
        return lines[:-1]

    def copies(self, identifier):
        """Every copy held of an object, with its exact text."""
        return self.ask('object.show', id=identifier)


def linked(folder, policy):
    """kr and us, running, each the other's partner under this policy, each with a source `desk`."""
    kr, us = (Node(folder, name, name.upper()) for name in ('kr', 'us'))
    path = pathlib.Path(folder) / 'policy'
    path.write_text(policy, encoding='utf-8')
    for node in (kr, us):
        node.start()
    for node, other in ((kr, us), (us, kr)):
        node.knows(other, other.name)
        node.must('policy', 'activate', path, '--untested', '--because', 'test')
        node.must('peer', 'start', other.name)
        node.must('source', 'add', 'desk')
    return kr, us


class Adder:
    """Hands in objects in batches, several ahead; `acknowledged` holds the indices that the node has said are durable."""

    AHEAD = 4

    def __init__(self, node, source, texts, batch=50):
        self.node, self.source, self.texts, self.batch = node, source, texts, batch
        self.acknowledged, self.refusals, self.breaks = set(), [], 0
        self.totals = {}

    def batches(self):
        wanted = [index for index in range(len(self.texts)) if index not in self.acknowledged]
        return [wanted[at:at + self.batch] for at in range(0, len(wanted), self.batch)]

    def session(self, pause):
        out, back = [], 0
        with self.node.connect() as link:
            stream = link.makefile('rb')
            link.sendall(json.dumps({'command': 'add', 'args': {'source': self.source}}).encode() + b'\n')
            for indices in self.batches() + [[]]:
                while len(out) - back >= self.AHEAD or (not indices and back < len(out)):
                    back = self.take(stream, out, back)
                body = '\n'.join(self.texts[index] for index in indices).encode()
                link.sendall(struct.pack('>I', len(body)) + body)
                if indices:
                    out.append(indices)
                    pause(self)
            return json.loads(stream.readline() or b'{}').get('done') is True

    def take(self, stream, out, back):
        line = stream.readline()
        if not line.endswith(b'\n'):
            raise ConnectionError('the node broke off')
        value = json.loads(line)
        if value.get('done'):
            raise ConnectionError(str(value.get('error')))
        if 'refused' in value and 'batch' not in value:
            self.refusals.append(value)
            return back
        for word, count in value.items():
            self.totals[word] = self.totals.get(word, 0) + count
        self.acknowledged.update(out[back])
        return back + 1

    def run(self, pause=lambda adder: None, seconds=3600):
        """True once everything is acknowledged. `pause` is called after each batch sent."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.session(pause) and len(self.acknowledged) == len(self.texts):
                    return True
            except (OSError, ValueError):
                pass
            self.breaks += 1
            time.sleep(0.05)
        return False


class Folder:
    """A temporary folder with a short name (a socket's path has at most 107 bytes); kept when KEEP is set."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix='bongsu-')
        return self.path

    def __exit__(self, kind, *rest):
        if os.environ.get('KEEP'):
            print(f'kept: {self.path}', flush=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Pair:
    """kr and us, each started, each a partner of the other, with the shipped policy; `start` begins to release."""

    def __init__(self, folder, one_process=False, start=True, home=None, places=None):
        """`places`: name -> further arguments of Node."""
        made, places = {}, places or {}
        makers = [threading.Thread(target=lambda name=name, country=country: made.update(
            {name: Node(folder, name, country, one_process, **places.get(name, {}))}))
            for name, country in (('kr', 'KR'), ('us', 'US'))]
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
        self.kr, self.us = made['kr'], made['us']
        self.both = (self.kr, self.us)
        self.audience = {'kr': 'us-cisa', 'us': 'kr-cert'}  # of the other, as this one calls it
        for node in self.both:
            if home:
                node.at_home(home[node.name])
            node.start()
            node.must('policy', 'activate', POLICY)
        for node, other in ((self.kr, self.us), (self.us, self.kr)):
            node.knows(other, self.audience[node.name], start)

    def other(self, node):
        return self.us if node is self.kr else self.kr

    def in_step(self):
        """Nothing left to decide, sign, send or receipt, on either side."""
        try:
            views = {node.name: node.ask('status') for node in self.both}
        except (OSError, ValueError):
            return False
        for node in self.both:
            head, sent = views[node.name][0], self.row(views[node.name], node)
            got = self.row(views[self.other(node).name], self.other(node))
            if head['jobs'] or sent['ledger_size'] != sent['ledger_visible'] or sent['receipted'] != sent['ledger_visible']:
                return False
            if got.get('received', 0) != sent['ledger_visible']:
                return False
        return True

    def row(self, lines, node):
        return next(line for line in lines if line.get('audience') == self.audience[node.name])

    def settle(self, seconds=60, still=0.5):
        """Waits until both are in step and stay so for a while: what was added last has been decided by then."""
        def steady():
            if not self.in_step():
                return False
            before = [self.mark(node) for node in self.both]
            time.sleep(still)
            return self.in_step() and before == [self.mark(node) for node in self.both]
        return wait_for(steady, seconds, 0.1)

    def mark(self, node):
        lines = node.ask('status')
        return lines[0]['objects'], self.row(lines, node)['ledger_size']

    def stop(self):
        return [node.stop() for node in self.both]

    def end(self):
        """Whatever happened: nothing of it runs on."""
        for node in self.both:
            if node.running():
                node.process.kill()
                node.process.wait()


def whole(report, node, audience, when=''):
    """check and ledger verify."""
    answer = node.run('check', seconds=600)
    report.check(f'{node.name}: check {when}'.strip(), answer.good, answer)
    answer = node.run('ledger', 'verify', audience, seconds=600)
    report.check(f'{node.name}: ledger verify {audience} {when}'.strip(), answer.good, answer)
    return answer.one


def stops(report, node):
    took = node.stop()
    report.check(f'{node.name}: SIGTERM stops it within {STOP_SECONDS} s', took < STOP_SECONDS and node.process.returncode == 0,
                 f'{took:.2f} s, status {node.process.returncode}')
    report.say(f'{node.name} stopped in {took:.2f} s')


def put_away(report, nodes, folder):
    """At the end: the nodes stop, and what they wrote goes, unless somebody has to look at it."""
    for node in nodes:
        node.stop()
    if report.failed:
        print(f'kept: {folder}')
    else:
        shutil.rmtree(folder, ignore_errors=True)
