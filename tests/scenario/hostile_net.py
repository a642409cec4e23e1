#!/usr/bin/env python3
"""tests/scenario/hostile_net.py [--connections N] [--seconds S] [--ratio R]: honest readers among hostile connections.

Fifty readers poll a page of a release view, first alone, then while N connections trickle, half-close, reset, never read, or
send hostile HTTP/1.1 and HTTP/2: requests cut two ways, header bombs, packed bombs, rapid resets, continuation floods, pings,
settings, shut windows. Every honest answer must be the right one; edge's own memory stays bounded; afterwards no descriptor is
left. How much slower the slowest hundredth of honest answers became is printed, and held to --ratio where that is given (the
machine must be otherwise idle for that: the hostile side runs on it too).
"""
import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import random
import re
import resource
import socket
import ssl
import struct
import sys
import time
import zlib

from node import Folder, Node, Report, open_files, stops, wait_for

TAXII = 'application/taxii+json;version=2.1'
PATH = '/api/collections/release/objects/?limit=100'
POLICY = 'language 1\nrelease open if tlp <= green and onward to all\n'
OBJECTS, READERS, PAUSE_S, LIVES_S = 200, 50, 0.2, 15
# Edge's own: what bodies and answers may hold (256 MiB), kept pages (32 MiB), and connections of 64 KiB each.
MEMORY_KIB_MAX = (256 + 32 + 64) << 10
MEMORY_KIB_EACH = 96


# --- frames of HTTP/2, RFC 9113, and literals of HPACK, RFC 7541 section 6.2.2 ---

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9


def frame(kind, flags, stream, payload=b''):
    return len(payload).to_bytes(3, 'big') + bytes((kind, flags)) + stream.to_bytes(4, 'big') + payload


def literal(name, value):
    return b'\0' + bytes((len(name),)) + name + bytes((len(value),)) + value


def head(method, path, *more):
    return b''.join(literal(name, value) for name, value in (
        (b':method', method), (b':scheme', b'https'), (b':authority', b'kr'), (b':path', path), *more))


def opening(*settings):
    return PREFACE + frame(SETTINGS, 0, 0, b''.join(struct.pack('>HI', *one) for one in settings))


# --- hostile connections: each a coroutine over (reader, writer, seconds to live) ---

async def drain(reader, seconds):
    """Reads until the node closes."""
    async def all_of_it():
        while await reader.read(65536):
            pass
    await asyncio.wait_for(all_of_it(), seconds)


async def trickle(writer, data, seconds):
    """A byte at a time, half a second apart."""
    end = time.monotonic() + seconds
    for at in range(len(data)):
        if time.monotonic() > end:
            return
        writer.write(data[at:at + 1])
        await writer.drain()
        await asyncio.sleep(0.5)


async def slow_hello(reader, writer, seconds):
    writer.write(b'\x16\x03\x01')
    await drain(reader, seconds)


async def slow_head(_, writer, seconds):
    await trickle(writer, b'GET /taxii2/ HTTP/1.1\r\nHost: kr\r\n' + b'X-Filler: aaaa\r\n' * 100, seconds)


async def slow_body(_, writer, seconds):
    writer.write(b'POST /api/collections/inbox/objects/ HTTP/1.1\r\nHost: kr\r\nContent-Length: 10000000\r\n\r\n' + b'x' * 50000)
    await trickle(writer, b'x' * 1000, seconds)


async def slow_chunks(_, writer, seconds):
    writer.write(b'POST /taxii2/ HTTP/1.1\r\nHost: kr\r\nTransfer-Encoding: chunked\r\n\r\n')
    await trickle(writer, b'1\r\nx\r\n' * 200, seconds)


async def half_close(reader, writer, seconds):
    writer.write(b'GET /taxii2/ HTTP/1.1\r\nHost: kr\r\n\r\n')
    if writer.can_write_eof():
        writer.write_eof()
    await drain(reader, seconds)


async def reset(_, writer, __):
    writer.write(b'GET /taxii2/ HTTP/1.1\r\nHost: kr\r\n\r\n' * 20)
    sock = writer.get_extra_info('socket')
    if sock is not None:  # None: the node was faster
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    writer.transport.abort()


async def never_reads(reader, writer, seconds):
    reader._transport.pause_reading()
    writer.write(b'GET /taxii2/ HTTP/1.1\r\nHost: kr\r\n\r\n' * 2000)
    await asyncio.sleep(seconds)


async def header_bomb(reader, writer, seconds):
    writer.write(b'GET / HTTP/1.1\r\nHost: kr\r\n' + b'X-A: b\r\n' * 20000)
    await drain(reader, seconds)


async def smuggle(reader, writer, seconds):
    writer.write(b'POST /taxii2/ HTTP/1.1\r\nHost: kr\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / '
                 b'HTTP/1.1\r\nHost: kr\r\n\r\n')
    await drain(reader, seconds)


BOMB = zlib.compress(b'\0' * (64 << 20), 9, 31)


async def packed_bomb(reader, writer, seconds):
    writer.write(b'POST /taxii2/ HTTP/1.1\r\nHost: kr\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n' % len(BOMB) + BOMB)
    await drain(reader, seconds)


async def rapid_reset(reader, writer, seconds):
    one = head(b'GET', b'/taxii2/')
    writer.write(opening() + b''.join(frame(HEADERS, 5, stream, one) + frame(RST_STREAM, 0, stream, b'\0\0\0\x08')
                                      for stream in range(1, 4001, 2)))
    await drain(reader, seconds)


async def continuations(reader, writer, seconds):
    writer.write(opening() + frame(HEADERS, 1, 1, head(b'GET', b'/')) + frame(CONTINUATION, 0, 1, literal(b'x-a', b'b')) * 5000)
    await drain(reader, seconds)


async def table_bomb(reader, writer, seconds):
    """An entry of 4 KB, named again and again for one byte each."""
    entry = b'\x40\x03x-a\x7f' + bytes(((3900 - 127) % 128 + 128, (3900 - 127) // 128)) + b'v' * 3900
    block = head(b'GET', b'/') + entry + b'\xbe' * 10000
    writer.write(opening() + b''.join(frame(HEADERS, 5, stream, block) for stream in range(1, 61, 2)))
    await drain(reader, seconds)


async def pings(reader, writer, seconds):
    writer.write(opening() + frame(PING, 0, 0, b'8 octets') * 5000)
    await drain(reader, seconds)


async def settings_flood(reader, writer, seconds):
    writer.write(opening() + frame(SETTINGS, 0, 0) * 5000)
    await drain(reader, seconds)


async def shut_window(_, writer, seconds):
    writer.write(opening((4, 0)) + b''.join(frame(HEADERS, 5, stream, head(b'GET', b'/taxii2/')) for stream in range(1, 200, 2)))
    await asyncio.sleep(seconds)


async def many_bodies(_, writer, seconds):
    """A hundred uploads at once, none of which ends."""
    writer.write(opening() + b''.join(frame(HEADERS, 4, stream, head(b'POST', b'/taxii2/')) + frame(DATA, 0, stream, b'x' * 5000)
                                      for stream in range(1, 200, 2)))
    await asyncio.sleep(seconds)


# What it does, and what TLS agrees on: None is no TLS at all.
KINDS = ((slow_hello, None), (slow_head, 'http/1.1'), (slow_body, 'http/1.1'), (slow_chunks, 'http/1.1'),
         (half_close, 'http/1.1'),
         (reset, 'http/1.1'), (never_reads, 'http/1.1'), (header_bomb, 'http/1.1'), (smuggle, 'http/1.1'),
         (packed_bomb, 'http/1.1'), (rapid_reset, 'h2'), (continuations, 'h2'), (table_bomb, 'h2'), (pings, 'h2'),
         (settings_flood, 'h2'), (shut_window, 'h2'), (many_bodies, 'h2'))


def context(protocol):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols([protocol])
    return made


async def slot(number, port, contexts, end, done):
    """One connection after another of one kind, until the time is over."""
    act, protocol = KINDS[number % len(KINDS)]
    await asyncio.sleep(random.random() * 2)
    while time.monotonic() < end:
        writer = None
        seconds = min(LIVES_S, max(0.1, end - time.monotonic()))
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection('127.0.0.1', port, ssl=contexts[protocol]), seconds)
            await asyncio.wait_for(act(reader, writer, seconds), seconds + 1)
        except (OSError, asyncio.TimeoutError, ssl.SSLError, asyncio.IncompleteReadError, RuntimeError):
            pass
        if writer is not None:
            writer.transport.abort()
            done[act.__name__] = done.get(act.__name__, 0) + 1
        await asyncio.sleep(1 + random.random() * 2)


async def all_slots(port, connections, seconds, done):
    contexts = {None: None, 'http/1.1': context('http/1.1'), 'h2': context('h2')}
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # connections that break are what this is for
    end = time.monotonic() + seconds
    await asyncio.gather(*(slot(number, port, contexts, end, done) for number in range(connections)))


def besiege(port, connections, seconds, timed, out):
    """`timed`: attackers have machines of their own, so where times count they get what this one has to spare."""
    done = {}
    if timed:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(5)
    asyncio.run(all_slots(port, connections, seconds, done))
    out.put(done)


# --- honest readers ---

async def read_once(reader, writer, token):
    writer.write(f'GET {PATH} HTTP/1.1\r\nHost: kr\r\nAccept: {TAXII}\r\nAuthorization: Bearer {token}\r\n\r\n'.encode())
    top = await reader.readuntil(b'\r\n\r\n')
    length = re.search(rb'Content-Length: (\d+)', top)
    body = await reader.readexactly(int(length.group(1))) if length else b''
    return int(top[9:12]), body


async def poll(port, token, want, end, times, wrong, secure):
    writer = None
    await asyncio.sleep(random.random() * PAUSE_S)
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            if writer is None:
                reader, writer = await asyncio.wait_for(asyncio.open_connection('127.0.0.1', port, ssl=secure), 30)
                began = time.monotonic()
            status, body = await asyncio.wait_for(read_once(reader, writer, token), 30)
            if status != 200 or body != want:
                wrong.append(status)
            times.append(time.monotonic() - began)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            wrong.append(repr(error))
            writer = None
        await asyncio.sleep(PAUSE_S)
    if writer is not None:
        writer.transport.abort()


async def all_readers(port, token, want, seconds):
    times, wrong, end = [], [], time.monotonic() + seconds
    await asyncio.gather(*(poll(port, token, want, end, times, wrong, context('http/1.1')) for _ in range(READERS)))
    return times, wrong


def read_honestly(port, token, want, seconds, out):
    out.put(asyncio.run(all_readers(port, token, want, seconds)))


# --- what is looked at ---

def memory_kib(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        lines = dict(line.split(':', 1) for line in file)
    return int(lines['RssAnon'].split()[0])


def p99(times):
    return sorted(times)[int(len(times) * 0.99)] if times else 0.0


def prepare(node, folder):
    with open(f'{folder}/policy', 'w', encoding='ascii') as file:
        file.write(POLICY)
    node.must('policy', 'activate', f'{folder}/policy')
    node.must('source', 'add', 'feed', '--assume', 'tlp:clear', '--because', 'made for this test', '--until', '2100-01-01')
    node.must('peer', 'add-taxii', 'jp', '--country', 'JP')
    node.must('peer', 'start', 'jp')
    with open(f'{folder}/objects', 'w', encoding='ascii') as file:
        for number in range(OBJECTS):
            file.write(json.dumps({
                'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
                'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'beacon {number}',
                'indicator_types': ['unknown'], 'pattern': "[ipv4-addr:value = '192.0.2.1']", 'pattern_type': 'stix',
                'valid_from': '2026-01-01T00:00:00Z'}) + '\n')
    node.must('add', f'{folder}/objects', '--source', 'feed')
    wait_for(lambda: node.status()['settled'], 30)
    lines = node.must('taxii', 'add', 'jp', '--audience', 'jp', '--token').lines
    return next(line['token'] for line in lines if 'token' in line)


def first_page(node, token):
    link = http.client.HTTPSConnection('127.0.0.1', node.port, timeout=30, context=ssl._create_unverified_context())
    link.request('GET', PATH, headers={'Accept': TAXII, 'Authorization': f'Bearer {token}'})
    answer = link.getresponse()
    return answer.status, answer.read()


def at_once(*jobs):
    """Each (function, arguments) in a process of its own; what each put."""
    outs = [multiprocessing.Queue() for _ in jobs]
    processes = [multiprocessing.Process(target=job, args=(*args, out)) for (job, *args), out in zip(jobs, outs)]
    for process in processes:
        process.start()
    return processes, outs


def siege(report, node, token, args):
    status, want = first_page(node, token)
    report.check('the view has its page', status == 200 and want.count(b'"id"') == 100, (status, want[:300]))
    edge = node.roles().get('edge', node.process.pid)
    processes, outs = at_once((read_honestly, node.port, token, want, max(3, args.seconds / 4)))
    calm, wrong = outs[0].get()
    processes[0].join()
    report.equal('alone, every reader gets its page', wrong, [])
    before, used = len(open_files(edge)), node.cpu()
    processes, outs = at_once((besiege, node.port, args.connections, args.seconds, args.ratio > 0),
                              (read_honestly, node.port, token, want, args.seconds))
    most, links, end = 0, 0, time.monotonic() + args.seconds
    while time.monotonic() < end:
        most, links = max(most, memory_kib(edge)), max(links, len(open_files(edge)))
        time.sleep(0.25)
    done, (times, wrong) = outs[0].get(), outs[1].get()
    used = {role: round(spent - used.get(role, 0), 1) for role, spent in node.cpu().items()}
    for process in processes:
        process.join()
    report.equal('every kind of hostile connection was made', sorted(set(act.__name__ for act, _ in KINDS) - set(done)), [])
    report.equal('meanwhile every reader gets its page, every time', wrong[:5], [])
    allowed = MEMORY_KIB_MAX + MEMORY_KIB_EACH * args.connections
    report.check('edge\'s own memory stays bounded', most < allowed, f'{most >> 10} MiB of {allowed >> 10}')
    report.check('no descriptor is left', wait_for(lambda: len(open_files(edge)) <= before, 30), (before, len(open_files(edge))))
    report.check('afterwards the page is the same', first_page(node, token) == (200, want))
    ratio = p99(times) / p99(calm)
    report.say(f'{sum(done.values())} hostile connections, at most {links} descriptors and {most >> 10} MiB of edge\'s own')
    report.say(f'processor seconds in {args.seconds:g} s: {used}')
    report.say(f'{len(times)} honest answers: p99 {p99(times) * 1000:.1f} ms, alone {p99(calm) * 1000:.1f} ms, ratio {ratio:.2f}')
    if args.ratio:
        report.check(f'the slowest hundredth of them stays within {args.ratio} times', ratio <= args.ratio, f'{ratio:.2f}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--connections', type=int, default=200)
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--ratio', type=float, default=0)
    parser.add_argument('--one-process', action='store_true')
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < args.connections + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, args.connections + 200), hard))
    report = Report('hostile_net')
    with Folder() as folder:
        node = Node(folder, 'kr', 'KR', args.one_process)
        node.start()
        try:
            roles = node.roles()
            siege(report, node, prepare(node, folder), args)
            report.equal('no role ended', node.roles(), roles)
            report.equal('the node is well', node.status()['health'], 'good')
            stops(report, node)
        finally:
            if node.running():
                node.process.kill()
                node.process.wait()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
