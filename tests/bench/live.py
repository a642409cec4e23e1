"""A real node, driven through its command line: what the benchmarks and the interop tests share."""
import atexit
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
POLICY = 'language 1\nrelease open if tlp <= green and onward to all\n'


class Node:
    """`build` is a build directory; the node lives in `base`/`name` and listens on a free port of loopback."""

    def __init__(self, build, base, name, country):
        self.exe = os.path.join(ROOT, build, 'src', 'cli', 'bongsu')
        self.base, self.name, self.country = pathlib.Path(base), name, country
        self.dir = self.base / name
        self.process = None
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        passphrase = self.base / 'passphrase'
        passphrase.write_text('a passphrase for measuring\n')
        self.run('init', str(self.dir), '--name', name, '--country', country, '--listen', f'127.0.0.1:{self.port}',
                 '--passphrase-file', str(passphrase))

    def run(self, *args, **more):
        """Output of one command; a command that fails ends the program."""
        done = subprocess.run([self.exe, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              **more)
        if done.returncode != 0:
            raise RuntimeError(f'bongsu {" ".join(args)}: {done.stderr.strip()[-500:]} {done.stdout.strip()[-500:]}')
        return done.stdout

    def do(self, *args, **more):
        return self.run(*args, '--dir', str(self.dir), **more)

    def serve(self, *options, cpus=None):
        """Starts the node; returns seconds from exec until it says READY=1."""
        path = str(self.base / f'{self.name}.notify')
        pathlib.Path(path).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, \
                open(self.base / f'{self.name}.log', 'ab') as log:
            notify.bind(path)
            notify.settimeout(120)
            pin = ['taskset', '-c', cpus] if cpus else []
            began = time.monotonic()
            atexit.register(self.stop)  # no node outlives the program, however that ends
            self.process = subprocess.Popen([*pin, self.exe, 'serve', str(self.dir), *options], stdout=log, stderr=log,
                                            env={**os.environ, 'NOTIFY_SOCKET': path})
            while b'READY=1' not in notify.recv(4096):
                pass
            return time.monotonic() - began

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=10)
            self.process = None

    def status(self):
        """The node's own line, and a line for each audience."""
        lines = [json.loads(line) for line in self.do('status', '--json').splitlines() if line.startswith('{')]
        node = next(line for line in lines if 'health' in line)
        return node, {line['audience']: line for line in lines if 'audience' in line}

    def card(self):
        path = self.base / f'{self.name}.card'
        path.write_text(self.run('card', str(self.dir)))
        return str(path)

    def activate(self, text=POLICY):
        path = self.base / 'policy'
        path.write_text(text)
        self.do('policy', 'activate', str(path))

    def token(self, name, *args):
        """A TAXII identity with a bearer token."""
        return re.search(r'Token, shown this once: (\S+)', self.do('taxii', 'add', name, '--token', *args)).group(1)

    def processes(self):
        """The node's processes: the parent and the roles."""
        def children(pid):
            text = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii')
            return [int(word) for word in text.split()]
        pids = [self.process.pid]
        for pid in pids:
            pids += children(pid)
        return pids

    def anonymous_mib(self):
        """RssAnon over all roles, largest first: mapped files do not count, by role."""
        found = []
        for pid in self.processes():
            text = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='ascii')
            words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
            role = words[2].decode() if words[1:2] == [b'--role'] else 'parent'
            found.append((int(re.search(r'RssAnon:\s+(\d+)', text).group(1)) / 1024, role))
        return sorted(found, reverse=True)


def pair(build, base, **serve):
    """kr and us, serving, each the other's partner, both links paused."""
    kr, us = Node(build, base, 'kr', 'KR'), Node(build, base, 'us', 'US')
    for node in (kr, us):
        node.serve(**serve)
    for node, other in ((kr, us), (us, kr)):
        node.do('peer', 'add', other.card(), '--audience', other.name)
        node.activate()
    kr.do('source', 'add', 'feed')
    return kr, us


def start(kr, us, *options):
    """What is released to us begins to flow; us calls last, so that it finds an open door."""
    kr.do('peer', 'start', 'us', *options)
    us.do('peer', 'start', 'kr')


def wait_until(what, seconds=600, every=0.1):
    """Seconds until what() is true."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > seconds:
            raise TimeoutError('it did not come true in time')
        time.sleep(every)
    return time.monotonic() - began
