"""Nodes that end at their own writes and syncs: the board of tests/boundary/boundary.c, and who starts them again."""
import mmap
import os
import pathlib
import struct
import threading
import time

from node import program

CALLS = ('write', 'sync', 'size', 'rename', 'unlink')
KINDS = ('log', 'keys', 'index', 'ledger', 'anchor', 'search')
PHASES = ('before', 'within', 'behind')
HEAD = 3  # seed, lives, ends


def library():
    """Beside the program under test; None where it was not built."""
    path = pathlib.Path(program()).parents[2] / 'tests' / 'boundary' / 'boundary.so'
    return path if path.exists() else None


class Board:
    """What all lives count in, as boundary.c lays it out: words of 64 bits."""

    def __init__(self, folder, seed):
        self.path = os.path.join(folder, 'board')
        words = HEAD + len(CALLS) * len(KINDS) * (1 + len(PHASES))
        with open(self.path, 'w+b') as file:
            file.write(struct.pack('<Q', seed & (1 << 63) - 1).ljust(words * 8, b'\0'))
            file.flush()
            self.map = mmap.mmap(file.fileno(), words * 8)
        self.env = {**os.environ, 'LD_PRELOAD': str(library()), 'BONGSU_BOUNDARY': self.path}

    def word(self, at):
        return struct.unpack_from('<Q', self.map, at * 8)[0]

    @property
    def lives(self):
        return self.word(1)

    @property
    def ends(self):
        return self.word(2)

    def met(self):
        """(call, kind) -> how often it was passed."""
        names = [(call, kind) for call in CALLS for kind in KINDS]
        return {name: self.word(HEAD + at) for at, name in enumerate(names) if self.word(HEAD + at)}

    def ended(self):
        """(call, kind, phase) -> how many lives ended there."""
        names = [(call, kind, phase) for call in CALLS for kind in KINDS for phase in PHASES]
        first = HEAD + len(CALLS) * len(KINDS)
        return {name: self.word(first + at) for at, name in enumerate(names) if self.word(first + at)}


def said_since(node, place):
    with open(node.log, 'rb') as file:
        file.seek(place)
        return file.read()


class Reviver:
    """Starts each node again as soon as it ended, until the work is done; then without the board."""

    def __init__(self, nodes, board):
        self.nodes, self.board = nodes, board
        self.waits, self.failure = [], None  # seconds to ready, of those that got there
        self.lock = threading.Lock()

    @property
    def done(self):
        return self.board.ends

    def start_one(self, node):
        before, began = os.path.getsize(node.log), time.monotonic()
        node.start(wait=False)
        while node.process.poll() is None and time.monotonic() - began < 60:
            if b'"ready, ' in said_since(node, before):
                with self.lock:
                    self.waits.append(time.monotonic() - began)
                return
            time.sleep(0.01)
        if node.process.poll() is None:
            self.failure = f'{node.name} is not ready after 60 s'

    def keep(self, node, over):
        node.stop()
        node.env = self.board.env
        while not over.is_set() and self.failure is None:
            if node.running():
                time.sleep(0.005)
                continue
            # What ends by itself, and not at a boundary, says so in its log.
            status = None if node.process is None else node.process.returncode
            if status not in (None, 0, -9, 137):
                self.failure = f'{node.name} ended with {status}: {said_since(node, max(0, os.path.getsize(node.log) - 1500))}'
            else:
                self.start_one(node)
        node.stop()
        node.env = None
        node.start()

    def run(self, over):
        keepers = [threading.Thread(target=self.keep, args=(node, over)) for node in self.nodes]
        for keeper in keepers:
            keeper.start()
        for keeper in keepers:
            keeper.join()
