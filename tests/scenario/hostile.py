#!/usr/bin/env python3
"""tests/scenario/hostile.py [--megabytes N]: what strangers send to one running node.

Every prefix of a valid bundle, samples/hostile, text that parsers disagree on between good neighbours, bundles far larger than
memory is meant to hold, connections that send three bytes and wait, requests that two HTTP parsers would cut differently. Each is
refused or taken in clearly, what is refused stands in quarantine byte for byte, neighbours get in, memory stays bounded, no role
ends.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import uuid

from node import SAMPLES, Folder, Node, Report, POLICY, program, stops

CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
MEMORY_KIB_MAX = 768 << 10  # of one role: two batches, the table of what the index has not taken in (192 MiB), parsers
KEPT_BYTES_MAX = 1 << 30  # of one refusal: LIMIT_REFUSED_BYTES
SLOW_CONNECTIONS, SLOW_SECONDS = 200, 3


def indicator(number, **more):
    name = uuid.UUID(int=(0x6c << 120) + (4 << 76) + (2 << 62) + number)
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--{name}', 'created': '2026-04-01T00:00:00.000Z',
            'modified': '2026-04-01T00:00:00.000Z', 'name': f'neighbour {number}', 'pattern_type': 'stix',
            'pattern': "[domain-name:value = 'n.example']", 'valid_from': '2026-04-01T00:00:00.000Z',
            'indicator_types': ['unknown'], 'object_marking_refs': [CLEAR], **more}


def raw(value):
    return json.dumps(value, ensure_ascii=False).encode()


def bundle(*parts):
    return b'{"type": "bundle", "id": "bundle--' + str(uuid.UUID(int=4 << 76 | 2 << 62)).encode() + b'", "objects": [' + \
        b', '.join(parts) + b']}'


def quarantined(node, number):
    line = node.ask('quarantine.show', number=str(number))[0]
    return base64.b64decode(line['base64']) if 'base64' in line else line['text'].encode()


def numbers(node):
    return [line['number'] for line in node.ask('quarantine.list')]


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, 'wb') as file:
        file.write(data)
    return path


def send_batches(node, source, batches):
    """The batches of one `add`, one at a time; the lines of each answer."""
    answers = []
    with node.connect() as link:
        stream = link.makefile('rb')
        link.sendall(json.dumps({'command': 'add', 'args': {'source': source}}).encode() + b'\n')
        for batch in batches:
            link.sendall(struct.pack('>I', len(batch)) + batch)
            lines = []
            while not lines or ('batch' not in lines[-1] and not lines[-1].get('done')):
                line = stream.readline()
                if not line:
                    raise ConnectionError('the node broke off')
                lines.append(json.loads(line))
            answers.append(lines)
            if lines[-1].get('done'):
                break
        else:
            link.sendall(struct.pack('>I', 0))
            stream.readline()
    return answers


def prefixes(report, node):
    whole = bundle(raw(indicator(1)), raw(indicator(2, name='둘째')))  # in Korean: prefixes end inside letters too
    before = set(numbers(node))
    parts = [whole[:end] for end in range(1, len(whole))]
    answers = send_batches(node, 'prefixes', parts)
    report.equal('every prefix of a bundle is answered', len(answers), len(parts))
    bad, lost, empty, numbered = [], [], 0, set()
    for part, lines in zip(parts, answers):
        told = [line for line in lines if 'refused' in line and 'batch' not in line]
        if len(told) != 1 or lines[-1]['refused'] != 1 or not told[0].get('what'):
            bad.append(lines)
            continue
        kept = quarantined(node, told[0]['number']) if told[0]['number'] else b''
        taken = lines[-1]['new'] + lines[-1]['duplicate']
        ahead = part[:len(part) - len(kept)]
        numbered.add(told[0]['number'])
        empty += not kept
        ends = kept or part.rstrip().endswith((b'}', b','))
        if not part.endswith(kept) or not ends or ahead.count(b'"id": "indicator--') != taken or (not taken and ahead):
            lost.append((part, lines, kept))
    report.equal('each is refused once, and says why', bad, [])
    report.equal('what was not taken in stands in quarantine', lost, [])
    report.equal('and nothing else does: no entry without bytes', set(numbers(node)) - before, numbered - {0})
    report.check('where nothing was left there is none', 0 < empty < len(parts), empty)
    answers = send_batches(node, 'prefixes', [whole])
    report.equal('the whole bundle is taken in', answers[0][-1].get('duplicate'), 2)


def samples(report, node):
    expected = json.loads((SAMPLES / 'hostile' / 'expected.json').read_text(encoding='utf-8'))
    for name, facts in expected.items():
        path = SAMPLES / 'hostile' / name
        data, before = path.read_bytes(), set(numbers(node))
        answer = node.add(path, 'samples')
        taken, wrong = answer.one.get('new', 0), [line for line in answer.lines if isinstance(line.get('refused'), str)]
        report.check(f'{name}: takes in at most {facts["accepted_at_most"]}', taken <= facts['accepted_at_most'], answer)
        if name == 'red-as-clear.json':
            continue
        report.check(f'{name}: is refused with a reason', answer.status == 1 and wrong and all(line['what'] for line in wrong),
                     answer)
        kept = [quarantined(node, number) for number in numbers(node) if number not in before]
        report.check(f'{name}: its bytes are kept', len(kept) == len(wrong) and all(part in data for part in kept),
                     (len(kept), len(wrong)))
        if name == 'one-bad-of-five.json':
            report.equal(f'{name}: the good neighbours get in', taken, 4)


def spoiled(number):
    """Name -> one object that no two parsers read alike, or that breaks a limit."""
    def replaced(old, new):
        number[0] += 1
        text = raw(indicator(number[0], name='SPOIL'))
        assert text.count(old) == 1
        return text.replace(old, new)
    return {
        '10,000 levels deep': replaced(b'"SPOIL"', b'"x", "x_deep": ' + b'[' * 10000 + b']' * 10000),
        '10,000 objects deep': replaced(b'"SPOIL"', b'"x", "x_deep": ' + b'{"a":' * 10000 + b'1' + b'}' * 10000),
        'invalid UTF-8': replaced(b'SPOIL', b'\xc3\x28'),
        'overlong UTF-8': replaced(b'SPOIL', b'\xc0\xaf'),
        'a surrogate in UTF-8': replaced(b'SPOIL', b'\xed\xa0\x80'),
        'beyond U+10FFFF': replaced(b'SPOIL', b'\xf4\x90\x80\x80'),
        'a lone high surrogate': replaced(b'SPOIL', b'\\ud83d'),
        'a lone low surrogate': replaced(b'SPOIL', b'\\ude00'),
        'surrogates the wrong way round': replaced(b'SPOIL', b'\\ude00\\ud83d'),
        'a duplicate name': replaced(b'"SPOIL"', b'"x", "name": "y"'),
        'a duplicate name, once escaped': replaced(b'"SPOIL"', b'"x", "\\u006eame": "y"'),
        'a duplicate name far down': replaced(b'"SPOIL"', b'"x", "x_more": [{"a": {"b": 1, "b": 1}}]'),
        'a control character': replaced(b'SPOIL', b'\x01'),
        '2^53 + 1': replaced(b'"SPOIL"', b'"x", "confidence": 9007199254740993'),
        '-2^53 - 1': replaced(b'"SPOIL"', b'"x", "x_number": -9007199254740993'),
        '10^30': replaced(b'"SPOIL"', b'"x", "x_number": 1000000000000000000000000000000'),
        '1e400': replaced(b'"SPOIL"', b'"x", "x_number": 1e400'),
        'a number that does not round-trip': replaced(b'"SPOIL"', b'"x", "x_number": 0.10000000000000000000001'),
        'a leading zero': replaced(b'"SPOIL"', b'"x", "x_number": 007'),
        'NaN': replaced(b'"SPOIL"', b'"x", "x_number": NaN'),
        'a list as object': b'[1, 2, 3]',
        'a string as object': b'"indicator"',
        'a null as object': b'null',
    }


def neighbours(report, node, folder):
    number = [1000]
    for name, bad in spoiled(number).items():
        number[0] += 2
        good = [raw(indicator(number[0] - 1)), raw(indicator(number[0]))]
        before = set(numbers(node))
        answer = node.add(write(folder, 'spoiled.json', bundle(good[0], bad, good[1])), 'spoiled')
        kept = [quarantined(node, entry) for entry in numbers(node) if entry not in before]
        report.check(f'{name}: refused alone, its neighbours get in', answer.status == 1 and answer.one.get('refused') == 1
                     and answer.one.get('new') == 2, answer)
        report.check(f'{name}: its bytes are kept', kept == [bad], kept)


def told(answer):
    """The numbers of the quarantine entries that an `add` told."""
    return [line['number'] for line in answer.lines if isinstance(line.get('refused'), str)]


def digest(node, number):
    """SHA-256 of what `quarantine show` writes, and how much it is."""
    words = [program(), 'quarantine', 'show', str(number), '--dir', node.dir]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as shown:
        sums, size = hashlib.sha256(), 0
        while part := shown.stdout.read(1 << 20):
            sums.update(part)
            size += len(part)
    return sums.hexdigest(), size


def kept_whole(report, node, name, answer, data):
    """Every byte of it comes back, and adding it again keeps nothing more."""
    entries = told(answer)
    report.check(f'{name}: one entry', len(entries) == 1 and entries[0] > 0, entries)
    report.equal(f'{name}: its bytes are kept, all of them', digest(node, entries[0]),
                 (hashlib.sha256(data).hexdigest(), len(data)))


def large_objects(report, node, folder):
    number = 5000
    for name, size in (('one byte above 2 MiB', (2 << 20) + 1), ('64 MiB', 64 << 20)):
        bad = raw(indicator(number, description=''))
        bad = raw(indicator(number, description='x' * (size - len(bad))))
        good = [raw(indicator(number + 1)), raw(indicator(number + 2))]
        number += 3
        answer = node.add(write(folder, 'large.json', bundle(good[0], bad, good[1])), 'large')
        report.check(f'an object of {name}: refused with a reason, its neighbours get in', len(bad) == size
                     and answer.status == 1 and answer.one.get('new') == 2 and answer.one.get('refused') == 1,
                     repr(answer)[:1000])
        kept_whole(report, node, f'an object of {name}', answer, bad)
    deep = raw(indicator(number)).replace(b'"pattern_type"', b'"x_deep": ' + b'[' * 900000 + b']' * 900000 + b', "pattern_type"')
    answer = node.add(write(folder, 'large.json', bundle(deep, raw(indicator(number + 1)))), 'large')
    report.check('900,000 levels: refused with a reason, its neighbour gets in', answer.status == 1
                 and answer.one.get('new') == 1, repr(answer)[:1000])
    biggest = raw(indicator(number + 2, description=''))
    biggest = raw(indicator(number + 2, description='x' * ((2 << 20) - len(biggest))))
    answer = node.add(write(folder, 'large.json', biggest), 'large')
    report.check('an object of exactly 2 MiB is taken in', answer.good and answer.one.get('new') == 1, repr(answer)[:1000])


def write_big(path, megabytes):
    """A valid bundle of indicators, written piece by piece; how many."""
    count, size = 0, 0
    with open(path, 'wb') as file:
        file.write(b'{"type": "bundle", "id": "bundle--' + str(uuid.UUID(int=4 << 76 | 2 << 62)).encode() + b'", "objects": [\n')
        while size < megabytes << 20:
            text = b',\n'.join(raw(indicator(1_000_000 + count + i, description='d' * 600)) for i in range(1000))
            file.write((b',\n' if count else b'') + text)
            size += len(text)
            count += 1000
        file.write(b'\n]}\n')
    return count


class Watch:
    """The most memory of its own that a role had while this was looking; pages of mapped files are the kernel's to take back."""

    def __init__(self, node):
        self.node, self.most, self.over = node, {}, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def run(self):
        while not self.over.wait(0.05):
            for role, pid in self.node.roles().items():
                try:
                    with open(f'/proc/{pid}/status', encoding='ascii') as file:
                        lines = dict(line.split(':', 1) for line in file)
                    own = sum(int(lines[name].split()[0]) for name in ('RssAnon', 'RssShmem'))
                    self.most[role] = max(self.most.get(role, 0), own)
                except (OSError, KeyError, ValueError):
                    pass


def sum_of(path, start=0):
    """SHA-256 and size of the file from there on, of as much of it as quarantine keeps."""
    sums, size = hashlib.sha256(), 0
    with open(path, 'rb') as file:
        file.seek(start)
        while part := file.read(min(1 << 20, KEPT_BYTES_MAX - size)):
            sums.update(part)
            size += len(part)
    return sums.hexdigest(), size


def big_bundle(report, node, folder, megabytes):
    path = os.path.join(folder, 'big.json')
    count, objects = write_big(path, megabytes), node.status()['objects']
    began = time.monotonic()
    answer = node.add(path, 'big', seconds=3600)
    took = time.monotonic() - began
    report.check(f'a bundle of {megabytes} MB is taken in', answer.good and answer.one.get('new') == count,
                 repr(answer)[-1000:])
    report.equal('all of it is held', node.status()['objects'], objects + count)
    report.say(f'{count} objects, {megabytes} MB in {took:.1f} s')
    os.truncate(path, os.path.getsize(path) - 100)
    cut = node.add(path, 'big', seconds=3600)
    report.check('the same without its end: what is whole is known already, the rest is refused', cut.status == 1
                 and cut.one.get('new') == 0 and cut.one.get('duplicate') == count - 1 and cut.one.get('refused') == 1,
                 repr(cut)[-1000:])
    os.unlink(path)


def write_giant(path, megabytes, head, tail):
    """`head`, many letters, `tail`: one value of that size."""
    with open(path, 'wb') as file:
        file.write(head)
        for number in range(megabytes):
            file.write(f'{number:08} 봉수 '.encode() + b'x' * ((1 << 20) - 16))
        file.write(tail)


def giants(report, node, folder, megabytes):
    """One object of that size between two good ones; one that never closes; a list that never closes."""
    path, number = os.path.join(folder, 'giant.json'), 900_000
    one = raw(indicator(number)).replace(b'"neighbour', b'"')
    at = one.index(b'"name": "') + len(b'"name": "')
    good = [raw(indicator(number + 1)), raw(indicator(number + 2))]
    opened = bundle(good[0], b'').rsplit(b']', 1)[0]
    for name, head, tail, size, new in (
            ('one object of', opened + one[:at], one[at:] + b', ' + good[1] + b']}', len(one) - at, 2),
            ('an object that never closes, of', opened + one[:at], b'', 0, 0),
            ('a text that is no JSON, of', b'beacon ', b'', 0, 0)):
        write_giant(path, megabytes, head, tail)
        whole = sum_of(path, len(opened) if head.startswith(opened) else 0)
        if new:  # the object alone, without its neighbours
            with open(path, 'rb+') as file:
                file.truncate(len(opened) + at + (megabytes << 20) + size)
            whole = sum_of(path, len(opened))
            with open(path, 'ab') as file:
                file.write(b', ' + good[1] + b']}')
        began = time.monotonic()
        answer = node.add(path, 'giant', seconds=3600)
        took = time.monotonic() - began
        report.check(f'{name} {megabytes} MB: refused with a reason, its neighbours get in', answer.status == 1
                     and answer.one.get('refused') == 1 and answer.one.get('new') == new
                     and all(line['what'] for line in answer.lines if isinstance(line.get('refused'), str)), repr(answer)[-1000:])
        entries = told(answer)
        report.check(f'{name} {megabytes} MB: in one entry of the quarantine', len(entries) == 1 and entries[0] in numbers(node),
                     entries)
        report.equal(f'{name} {megabytes} MB: its bytes are kept, up to 1 GiB', digest(node, entries[0]), whole)
        before = node.status()['log_bytes']
        again = node.add(path, 'giant', seconds=3600)
        report.check(f'{name} {megabytes} MB, again: the same entry, nothing more is kept', told(again) == entries
                     and node.status()['log_bytes'] == before, (told(again), entries))
        report.say(f'{name} {megabytes} MB: refused and kept in {took:.1f} s')
        node.must('quarantine', 'drop', str(entries[0]))
        report.check(f'{name} {megabytes} MB: dropped at once', entries[0] not in numbers(node))
    os.unlink(path)


def small_lines(report, node, folder, megabytes):
    """Millions of values that are no objects: what is cut is never gathered."""
    path = os.path.join(folder, 'lines.json')
    with open(path, 'wb') as file:
        file.write(b'{"objects":[0')
        for _ in range(megabytes):
            file.write(b',0' * (1 << 19))
    words = [program(), 'add', path, '--source', 'tiny', '--dir', node.dir, '--json']
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as adding:
        most, refused = 0, 0
        for number, line in enumerate(adding.stdout):
            refused += line.startswith(b'{"object"')
            if number % 10000 == 0:
                with open(f'/proc/{adding.pid}/status', encoding='ascii') as file:
                    most = max(most, int(re.search(r'RssAnon:\s*(\d+)', file.read()).group(1)))
    report.check(f'a list of {megabytes << 19} numbers: each is refused', refused >= megabytes << 19, refused)
    report.check('the program that hands them in stays small', 0 < most < MEMORY_KIB_MAX // 4, f'{most >> 10} MiB')
    os.unlink(path)


def big(report, node, folder, megabytes):
    with Watch(node) as watch:
        big_bundle(report, node, folder, megabytes)
        giants(report, node, folder, megabytes)
        small_lines(report, node, folder, 1)
    report.check(f'no role has more than {MEMORY_KIB_MAX >> 10} MiB of its own', watch.most
                 and max(watch.most.values()) < MEMORY_KIB_MAX, watch.most)
    report.say('own memory at most ' + ', '.join(f'{role} {kib >> 10} MiB' for role, kib in sorted(watch.most.items())))


# --- the network ---

def tls(node):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    link = socket.create_connection(('127.0.0.1', node.port), 10)
    return context.wrap_socket(link)


def exchange(node, request):
    """Everything that comes back until the node closes, or ten seconds of nothing."""
    with tls(node) as link:
        link.settimeout(10)
        data = b''
        try:
            link.sendall(request)
            while part := link.recv(65536):
                data += part
        except (TimeoutError, OSError):
            pass
        return data


def answers(said):
    return len(re.findall(rb'(?:^|\n|})HTTP/1\.1 \d\d\d ', said))


def good_request(node):
    said = exchange(node, b'GET /taxii2/ HTTP/1.1\r\nHost: kr\r\nConnection: close\r\n\r\n')
    return said.startswith(b'HTTP/1.1 ') and said[9:12] in (b'200', b'401', b'404', b'406')


def slow(report, node):
    report.check('the node answers HTTPS', good_request(node))
    links = []
    for number in range(SLOW_CONNECTIONS):
        link = socket.create_connection(('127.0.0.1', node.port), 10)
        link.sendall((b'\x16\x03\x01', b'GET', b'\x16')[number % 3])
        links.append(link)
    time.sleep(0.5)
    before = node.cpu()
    time.sleep(SLOW_SECONDS)
    after = node.cpu()
    used = {role: round(after[role] - before[role], 2) for role in after if role in before}
    report.check(f'{SLOW_CONNECTIONS} connections that send three bytes and wait cost nothing', used
                 and max(used.values()) < SLOW_SECONDS * 0.1, used)
    report.say(f'{SLOW_CONNECTIONS} slow connections: processor seconds in {SLOW_SECONDS} s: {used}')
    report.check('meanwhile others are answered', good_request(node))
    inside = [tls(node) for _ in range(20)]
    for link in inside:
        link.sendall(b'GET')
    before = node.cpu()
    time.sleep(SLOW_SECONDS)
    after = node.cpu()
    used = {role: round(after[role] - before[role], 2) for role in after if role in before}
    report.check('nor do such requests inside TLS', used and max(used.values()) < SLOW_SECONDS * 0.1, used)
    report.check('meanwhile others are answered still', good_request(node))
    for link in links + inside:
        link.close()


CHUNKED, BODY = b'0\r\n\r\n', b'GET /second HTTP/1.1\r\nHost: kr\r\n\r\n'
SMUGGLED = {
    'length and chunks': b'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
    'chunks and length': b'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n',
    'two lengths that differ': b'Content-Length: 0\r\nContent-Length: 34\r\n',
    'two lengths that agree': b'Content-Length: 0\r\nContent-Length: 0\r\n',
    'a list of lengths': b'Content-Length: 0, 34\r\n',
    'a length with a sign': b'Content-Length: +0\r\n',
    'a length in hexadecimal': b'Content-Length: 0x0\r\n',
    'a length with a space inside': b'Content-Length: 0 0\r\n',
    'an empty length': b'Content-Length: \r\n',
    'a length beyond 64 bits': b'Content-Length: 18446744073709551617\r\n',
    'a space before the colon': b'Content-Length : 0\r\n',
    'a space before the colon of the coding': b'Transfer-Encoding : chunked\r\n',
    'a folded line': b'X-A: 1\r\n Content-Length: 0\r\n',
    'a bare LF': b'X-A: 1\nContent-Length: 0\r\n',
    'a bare CR': b'X-A: 1\rContent-Length: 0\r\n',
    'a NUL': b'X-A: 1\0Content-Length: 0\r\n',
    'a line without a colon': b'Content-Length\r\n',
    'an unknown coding': b'Transfer-Encoding: xchunked\r\n',
    'two codings': b'Transfer-Encoding: chunked, identity\r\n',
    'chunked twice': b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'a second host': b'Host: other\r\n',
}


def smuggling(report, node):
    for name, fields in SMUGGLED.items():
        said = exchange(node, b'POST /taxii2/ HTTP/1.1\r\nHost: kr\r\n' + fields + b'\r\n' + CHUNKED + BODY)
        good = said.startswith((b'HTTP/1.1 400 ', b'HTTP/1.1 501 ') if 'coding' in name else b'HTTP/1.1 400 ')
        report.check(f'HTTP with {name}: 400, one answer, closed', good and answers(said) == 1, said[:400])
    for name, line in {'no host': b'GET / HTTP/1.1\r\n\r\n',
                       'a bare LF after the request line': b'GET / HTTP/1.1\nHost: kr\r\n\r\n',
                       'two spaces': b'GET  / HTTP/1.1\r\nHost: kr\r\n\r\n',
                       'version 0.9': b'GET /\r\n\r\n', 'a tab for a space': b'GET\t/ HTTP/1.1\r\nHost: kr\r\n\r\n',
                       'a space before a name': b'GET / HTTP/1.1\r\n Host: kr\r\n\r\n'}.items():
        said = exchange(node, line + BODY)
        report.check(f'HTTP with {name}: 400, one answer, closed', said.startswith(b'HTTP/1.1 400 ')
                     and answers(said) == 1, said[:400])
    for name, body in {'no number': b'zz\r\n\r\n', 'a size of 2^64': b'10000000000000000\r\nx\r\n0\r\n\r\n',
                       'a bare LF': b'1\nx\r\n0\r\n\r\n', 'no end of the data': b'1\r\nxx0\r\n\r\n'}.items():
        said = exchange(node, b'POST /taxii2/ HTTP/1.1\r\nHost: kr\r\nTransfer-Encoding: chunked\r\n\r\n' + body + BODY)
        report.check(f'a chunk with {name}: no second request is seen', answers(said) <= 1
                     and (not said or said.startswith(b'HTTP/1.1 4')), said[:400])
    said = exchange(node, b'GET / HTTP/1.1\r\nHost: kr\r\nX-A: ' + b'a' * (1 << 20) + b'\r\n\r\n')
    report.check('a head of 1 MiB: 431 or 400, closed', said.startswith((b'HTTP/1.1 431 ', b'HTTP/1.1 400 ')) or not said,
                 said[:200])
    report.check('after all that the node answers HTTPS', good_request(node))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--megabytes', type=int, default=64)
    parser.add_argument('--one-process', action='store_true')
    args = parser.parse_args()
    report = Report('hostile')
    with Folder() as folder:
        node = Node(folder, 'kr', 'KR', args.one_process)
        node.start()
        try:
            node.must('policy', 'activate', POLICY)
            roles = node.roles()
            prefixes(report, node)
            samples(report, node)
            neighbours(report, node, folder)
            large_objects(report, node, folder)
            slow(report, node)
            smuggling(report, node)
            big(report, node, folder, args.megabytes)
            report.equal('no role ended', node.roles(), roles)
            report.equal('the node is well', node.status()['health'], 'good')
            stops(report, node)
            answer = node.run('check', seconds=1800)
            report.check('check finds nothing', answer.good, answer)
        finally:
            if node.running():
                node.process.kill()
                node.process.wait()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
