#!/usr/bin/env python3
"""A partner behind a bad line: kr and us in network namespaces of their own, a relay between them (tests/scenario/relay.py).

    tests/scenario/slow.py [--objects N] [--kbit N] [--delay MS] [--loss PERCENT] [--broken SECONDS]
                           [--ratio R] [--seed N] [--sample BYTES] [--patience SECONDS]

us catches up kr's history. Beside it, over the same line right before and after, a plain TCP transfer; the ratio of the two
times for the same bytes on the wire (as us's interface counts them coming in) is printed, and may not pass R if one is given.
Then the line is dead for a while.
Nothing may be lost or doubled. Standard library only. Needs root, ip and /dev/net/tun: skipped by name where there is none.
"""
import argparse
import subprocess
import sys
import time

from node import Adder, Folder, Pair, Report, stops, wait_for, whole
from relay import Relay, cannot
from soak import Objects, held_there, troubles

SEND = '''import socket, sys
with socket.create_server((sys.argv[1], 9)) as door:
    print('open', flush=True)
    link, _ = door.accept()
    with link:
        link.sendall(bytes(int(sys.argv[2])))
'''
TAKE = '''import socket, sys
with socket.create_connection((sys.argv[1], 9), 120) as link:
    size = 0
    while part := link.recv(65536):
        size += len(part)
print(size)
'''
PONG = '''import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
    door.bind((sys.argv[1], 7))
    print('open', flush=True)
    while True:
        door.sendto(*door.recvfrom(100))
'''
PING = '''import socket, sys, time
times = []
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    link.settimeout(5)
    for number in range(int(sys.argv[2])):
        began = time.monotonic()
        link.sendto(b'%d' % number, (sys.argv[1], 7))
        try:
            while link.recv(100) != b'%d' % number:
                pass
            times.append(time.monotonic() - began)
        except TimeoutError:
            pass
print(sorted(times)[len(times) // 2] if times else -1)
'''


def python(end, text, *words):
    return end.words(sys.executable, '-c', text, *map(str, words))


def beside(end, text, *words):
    """A server in that namespace, ready."""
    server = subprocess.Popen(python(end, text, end.address, *words), stdout=subprocess.PIPE)
    server.stdout.readline()
    return server


def round_trip(relay):
    server = beside(relay.a, PONG)
    try:
        return float(subprocess.run(python(relay.b, PING, relay.a.address, 9), check=True, capture_output=True,
                                    timeout=120).stdout)
    finally:
        server.kill()
        server.wait()


def raw(relay, size):
    """Seconds for a byte on the wire, of one TCP connection that carries `size` bytes from a to b."""
    before = relay.b.arrived_bytes()
    server = beside(relay.a, SEND, size)
    began = time.monotonic()
    got = subprocess.run(python(relay.b, TAKE, relay.a.address), check=True, capture_output=True).stdout
    took = time.monotonic() - began
    server.wait()
    if int(got) != size:
        raise RuntimeError(f'{got} bytes instead of {size}')
    return took / (relay.b.arrived_bytes() - before)


def prepared(report, folder, relay, made):
    """kr holds the objects, us is in touch with it, and nothing was released yet."""
    pair = Pair(folder, start=False, places={'kr': {'address': relay.a.address, 'before': relay.a.words()},
                                             'us': {'address': relay.b.address, 'before': relay.b.words()}})
    adder = Adder(pair.kr, 'history', made.texts)
    report.check('kr takes the objects in', adder.run(seconds=300) and not adder.refusals, adder.refusals[:3])
    return pair


class Watch:
    """How far us is, once a second; the longest time without a page."""

    def __init__(self, pair):
        self.pair, self.held, self.moved, self.longest = pair, 0, time.monotonic(), 0.0

    def done(self):
        try:
            row = self.pair.row(self.pair.us.ask('status'), self.pair.us)
        except (OSError, ValueError):
            return False
        held, now = row.get('received', 0), time.monotonic()
        if held != self.held:
            self.longest = max(self.longest, now - self.moved)
            self.held, self.moved = held, now
        return self.held > 0 and self.pair.in_step()


def catch_up(report, relay, pair, args):
    before = raw(relay, args.sample)
    arrived, began = relay.b.arrived_bytes(), time.monotonic()
    pair.kr.must('peer', 'start', pair.audience['kr'], '--history')
    pair.us.must('peer', 'start', pair.audience['us'])
    watch = Watch(pair)
    good = wait_for(watch.done, args.patience, 0.25)
    took, size = time.monotonic() - began, relay.b.arrived_bytes() - arrived
    report.check('us catches up', good, f'{watch.held} leaves after {took:.0f} s; us said {sorted(set(troubles(pair.us)))}')
    after = raw(relay, args.sample)
    raw_s = size * (before + after) / 2
    report.say(f'{watch.held} leaves in {took:.1f} s, {size} bytes on the wire; raw TCP before and after: '
               f'{8e-3 / before:.1f} and {8e-3 / after:.1f} kbit/s, {raw_s:.1f} s for as many bytes: ratio {took / raw_s:.2f}')
    report.say(f'longest time without a page {watch.longest:.1f} s; {relay.said()}')
    report.check('the line carries no more than it should', min(before, after) * args.kbit * 125 > 0.9, (before, after))
    if args.ratio > 0:
        report.check(f'within {args.ratio:g} times the time of a raw transfer', took <= args.ratio * raw_s,
                     f'{took / raw_s:.2f} times')


def break_line(report, relay, pair, made, args):
    """The line is dead for a while, comes back for a moment, in which a page may have begun, and is dead once more."""
    adder = Adder(pair.kr, 'later', made.texts)
    first = pair.row(pair.us.ask('status'), pair.us).get('received', 0)
    relay.broken = True
    report.check('kr takes objects in while the line is dead', adder.run(seconds=60) and not adder.refusals,
                 adder.refusals[:3])
    time.sleep(args.broken)
    relay.broken = False
    time.sleep(1 + 4 * args.delay / 1000)
    relay.broken = True
    time.sleep(args.broken)
    relay.broken = False
    began = time.monotonic()

    def row():
        return pair.row(pair.us.ask('status'), pair.us)
    moves = wait_for(lambda: row().get('received', 0) > first, 240, 0.25)
    report.check(f'after twice {args.broken:g} s without a packet, the link recovers by itself', moves, row())
    report.say(f'the first page after the break came {time.monotonic() - began:.1f} s after the line was back')
    report.check('and both are in step again', pair.settle(args.patience), [node.must('status').text for node in pair.both])


def run(report, relay, args):
    there_and_back = 1000 * round_trip(relay)
    report.say(f'seed {args.seed}; {args.kbit:g} kbit/s, {2 * args.delay:g} ms there and back, {args.loss:g} % lost; '
               f'measured: round trip {there_and_back:.0f} ms')
    report.check('the line is as long as it should', there_and_back >= 2 * args.delay, there_and_back)
    made, later = Objects('KR', args.objects, args.seed), Objects('KR', max(50, args.objects // 20), f'{args.seed} later')
    with Folder() as folder:
        pair = None
        try:
            pair = prepared(report, folder, relay, made)
            catch_up(report, relay, pair, args)
            break_line(report, relay, pair, later, args)
            for some, name in ((made, 'history'), (later, 'what came later')):
                held_there(report, pair.us, some, f'kr ({name})')
            for node in pair.both:
                whole(report, node, pair.audience[node.name])
                stops(report, node)
                report.say(f'{node.name} said ' + (', '.join(sorted(set(troubles(node)))) or 'nothing'))
        finally:
            if pair is not None:
                pair.end()


def main():
    words = argparse.ArgumentParser()
    for name, kind, usual in (('--objects', int, 200), ('--kbit', float, 512), ('--delay', float, 50), ('--loss', float, 2),
                              ('--broken', float, 5), ('--seed', int, 1), ('--sample', int, 100000),
                              ('--patience', float, 120), ('--ratio', float, 0)):
        words.add_argument(name, type=kind, default=usual)
    args = words.parse_args()
    report = Report('slow')
    missing = cannot()
    if missing is not None:
        report.skip('a partner behind a bad line', missing)
        return report.finish()
    with Relay(args.kbit * 1000, args.delay / 1000, args.loss / 100, args.seed) as relay:
        run(report, relay, args)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
