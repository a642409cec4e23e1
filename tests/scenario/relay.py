"""A bad line between two network namespaces: a relay over two TUN devices that limits, delays and drops IP packets.

    with Relay(rate=64000, delay=0.3, loss=0.05, seed=1) as relay:
        relay.a.words('python3', ...)   the words that run a program at that end; relay.a.address is where it listens

For kernels without netem. Needs root, `ip` and /dev/net/tun: cannot() says what is missing. A packet waits in a queue of
bounded bytes (what does not fit is dropped), takes its size over the rate to go out, is lost with the given chance on the way,
and arrives after the delay. TCP on both sides is the kernel's own and feels all of it. Each way has a line of its own.
"""
import collections
import fcntl
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES_MAX = 65536
QUEUE_SECONDS = 2.0  # what a modem keeps: as long as the queue of a line that is loaded on purpose
QUEUE_BYTES_MIN = 16000


def ip(*words):
    subprocess.run(['ip', *words], check=True, capture_output=True, timeout=30)


def cannot():
    """Why there is no relay here; None: there is one."""
    if os.geteuid() != 0:
        return 'needs root'
    if shutil.which('ip') is None:
        return 'needs the program ip'
    try:
        with Relay(rate=1e6, delay=0, loss=0):
            return None
    except (OSError, subprocess.SubprocessError) as error:
        return f'no namespace or no TUN device: {error}'


class End:
    """A namespace with one TUN device, whose other side the relay holds."""

    def __init__(self, name, address, other):
        self.name, self.address, self.other, self.fd = name, address, other, -1

    def open(self):
        ip('netns', 'add', self.name)
        self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack('16sH14x', self.name.encode(), IFF_TUN | IFF_NO_PI))
        ip('link', 'set', self.name, 'netns', self.name)
        for words in (('link', 'set', 'lo', 'up'), ('addr', 'add', self.address, 'peer', self.other, 'dev', self.name),
                      ('link', 'set', self.name, 'up')):
            ip('-n', self.name, *words)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        subprocess.run(['ip', 'netns', 'del', self.name], check=False, capture_output=True, timeout=30)

    def words(self, *program):
        return ['ip', 'netns', 'exec', self.name, *program]

    def arrived_bytes(self):
        """What the interface counted coming in, IP headers included."""
        out = subprocess.run(self.words('cat', f'/sys/class/net/{self.name}/statistics/rx_bytes'), check=True,
                             capture_output=True, timeout=30).stdout
        return int(out)


class Line:
    """One way. Times are of the monotonic clock."""

    def __init__(self, relay, to, seed):
        self.relay, self.to, self.random = relay, to, random.Random(seed)
        self.free = 0.0  # when the last packet of the queue is out
        self.flying = collections.deque()  # (when it arrives, packet): the delay is one, so they keep their order
        self.lost = self.full = self.passed = 0

    def put(self, packet, now):
        relay = self.relay
        waits = max(0.0, self.free - now)
        if waits > 0 and waits * relay.rate / 8 + len(packet) > relay.queue_bytes:
            self.full += 1
            return
        self.free = max(now, self.free) + len(packet) * 8 / relay.rate
        if relay.broken or self.random.random() < relay.loss:
            self.lost += 1
            return
        self.flying.append((self.free + relay.delay, packet))

    def deliver(self, now):
        while self.flying and self.flying[0][0] <= now:
            packet = self.flying.popleft()[1]
            if self.relay.broken:
                continue
            self.passed += 1
            try:
                os.write(self.to.fd, packet)
            except OSError:
                self.lost += 1

    def due(self):
        return self.flying[0][0] if self.flying else None


class Relay:
    """`rate` bit/s each way, `delay` seconds one way, `loss` the chance of each packet. `broken` drops everything."""

    def __init__(self, rate, delay, loss, seed=1):
        self.rate, self.delay, self.loss = rate, delay, loss
        self.queue_bytes = max(QUEUE_BYTES_MIN, int(rate / 8 * QUEUE_SECONDS))
        self.broken = False
        mark = f'{os.getpid() % 100000:x}'
        number = os.getpid() % 250
        self.a = End(f'bsa{mark}', f'10.231.{number}.1', f'10.231.{number}.2')
        self.b = End(f'bsb{mark}', f'10.231.{number}.2', f'10.231.{number}.1')
        self.lines = {self.a: Line(self, self.b, f'{seed} to b'), self.b: Line(self, self.a, f'{seed} to a')}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        try:
            self.a.open()
            self.b.open()
        except BaseException:
            self.close()
            raise
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.close()

    def close(self):
        self.a.close()
        self.b.close()

    def run(self):
        ends = {self.a.fd: self.a, self.b.fd: self.b}
        while not self.over.is_set():
            dues = [due for due in (line.due() for line in self.lines.values()) if due is not None]
            pause = min(dues) - time.monotonic() if dues else 0.2
            ready, _, _ = select.select(list(ends), [], [], min(0.2, max(0.0, pause)))
            for fd in ready:
                self.take(ends[fd])
            for line in self.lines.values():
                line.deliver(time.monotonic())

    def take(self, end):
        for _ in range(64):  # then what is due has its turn
            try:
                packet = os.read(end.fd, PACKET_BYTES_MAX)
            except (BlockingIOError, OSError):
                return
            self.lines[end].put(packet, time.monotonic())

    def said(self):
        to_b, to_a = self.lines[self.a], self.lines[self.b]
        return (f'to b {to_b.passed} packets passed, {to_b.lost} lost, {to_b.full} did not fit the queue; to a {to_a.passed}, '
                f'{to_a.lost}, {to_a.full}')
