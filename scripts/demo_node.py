"""A bongsu node that the demo drives: by the program itself, as an operator would. Standard library only."""
import json
import os
import signal
import socket
import subprocess
import time

START_SECONDS = 20
STOP_SECONDS = 5
PASSPHRASE = 'only for the demo'


class Failure(Exception):
    """A step that did not do what it should; its text is for people."""


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Node:
    def __init__(self, binary, root, name, country):
        self.binary, self.name, self.country = binary, name, country
        self.dir = os.path.join(root, name)
        self.log_path = os.path.join(root, name + '.log')
        self.passphrase = os.path.join(root, name + '.passphrase')
        self.port = free_port()
        self.process = None

    def run(self, *args, fine=(0,)):
        """Runs `bongsu ARGS` for this node; returns its standard output."""
        done = subprocess.run([self.binary, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={**os.environ, 'BONGSU_DIR': self.dir, 'BONGSU_PASSPHRASE_FILE': self.passphrase})
        if done.returncode not in fine:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise Failure(f'{self.name}: bongsu {" ".join(args)}: {" / ".join(said[-3:]) or done.returncode}')
        return done.stdout

    def ask(self, *args, fine=(0,)):
        """An operator's command to this node; its answer as a list of JSON lines."""
        return [json.loads(line) for line in self.run(*args, '--json', fine=fine).splitlines() if line.startswith('{')]

    def init(self):
        with open(self.passphrase, 'w', encoding='utf-8') as file:
            file.write(PASSPHRASE + '\n')
        self.run('init', self.dir, '--name', self.name, '--country', self.country, '--listen', f'127.0.0.1:{self.port}')

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([self.binary, 'serve', self.dir], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with open(self.log_path, encoding='utf-8') as log:  # a command before that would open the store itself
                if 'ready, https' in log.read():
                    return
            time.sleep(0.1)
        raise Failure(f'{self.name} did not start:\n{self.log_tail()}')

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log_tail(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as log:
            return ''.join(log.readlines()[-10:])

    def status(self):
        """(the node's own line, {audience: its line})"""
        lines = self.ask('status')
        return (next((line for line in lines if 'node' in line), {}),
                {line['audience']: line for line in lines if 'audience' in line})

    def rules(self, audience):
        """{(effect, rule): objects} of what this audience does not get."""
        lines = [line for line in self.ask('status', 'rules', audience) if 'rule' in line]
        return {(line['effect'], line['rule']): line['objects'] for line in lines if line['effect'] != 'release'}

    def add(self, source, *paths):
        """({disposition: objects}, what was said of each that was refused)."""
        lines = self.ask('add', *paths, '--source', source, fine=(0, 1))
        totals = next((line for line in lines if 'new' in line), {})
        return totals, [line for line in lines if isinstance(line.get('refused'), str)]

    def leaves(self, audience):
        return [line for line in self.ask('ledger', 'show', audience) if 'seq' in line]

    def released(self, audience):
        """Ids that this node's ledger for the audience carries."""
        return {leaf['id'] for leaf in self.leaves(audience) if leaf.get('id')}

    def copies(self, identifier):
        return [line for line in self.ask('object', 'show', identifier, fine=(0, 1)) if 'object' in line]

    def explain(self, identifier, audience):
        """One sentence: why it did or did not leave. None: it is not held."""
        said = [line['say'] for line in self.ask('policy', 'explain', identifier, audience, fine=(0, 1)) if 'say' in line]
        return said[-1] if said else None
