#!/usr/bin/env python3
"""tests/bench/find.py DIR [OBJECTS]: indexing and finding in a whole node, beside a bare SQLite full-text table of the same.

The floor is what somebody would write in an afternoon: the objects' strings in one contentless FTS5 table (unicode61); the
identifier, type and text of each in a table beside it, with an index on the first two; all in the process that asks. It cannot
forget, and knows no networks, no Korean and no sources. The node is asked over its control socket, a connection a question;
both give the 100 newest that answer. BONGSU_BUILD names another build; DIR is an empty directory.
"""
import json
import os
import pathlib
import random
import socket
import sqlite3
import sys
import time

import live
from node import BUILD, add_timed, corpus, row

QUESTIONS, LIMIT, BATCH = 101, 100, 1024


# --- the floor ---

def strings(value):
    """Every string below, in the order of the text."""
    found, left = [], [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, (list, dict)):
            left += reversed(list(one.values() if isinstance(one, dict) else one))
    return found


class Bare:
    """One database in write-ahead mode; a transaction a batch, as the node's search file has them."""

    def __init__(self, base):
        self.link = sqlite3.connect(base / 'bare.db', isolation_level=None)
        self.link.executescript("PRAGMA journal_mode=wal; PRAGMA synchronous=normal; CREATE VIRTUAL TABLE words USING fts5(text, "
                                "content='', tokenize='unicode61'); CREATE TABLE objects(number INTEGER PRIMARY KEY, id TEXT, "
                                "type TEXT, body TEXT); CREATE INDEX ids ON objects(id); CREATE INDEX types ON objects(type)")

    def fill(self, path):
        """Seconds that it took."""
        began, number = time.monotonic(), 0
        with open(path, encoding='utf-8') as file:
            self.link.execute('BEGIN')
            for number, line in enumerate(file, 1):
                obj = json.loads(line)
                self.link.execute('INSERT INTO words(rowid, text) VALUES (?, ?)', (number, '\n'.join(strings(obj))))
                self.link.execute('INSERT INTO objects VALUES (?, ?, ?, ?)', (number, obj['id'], obj['type'], line))
                if number % BATCH == 0:
                    self.link.execute('COMMIT')
                    self.link.execute('BEGIN')
            self.link.execute('COMMIT')
        return time.monotonic() - began

    def ask(self, where, what):
        full_text = where == 'words MATCH ?'
        table = 'words JOIN objects ON number = words.rowid' if full_text else 'objects'
        order = 'words.rowid' if full_text else 'number'
        found = self.link.execute(f'SELECT body FROM {table} WHERE {where} ORDER BY {order} DESC LIMIT {LIMIT}', (what,))
        return found.fetchall()


# --- the node ---

def ask(node, command, **args):
    """Lines of one answer but the last two, which say how far the index is and that it is over."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(node.dir / 'control.sock'))
        link.sendall(json.dumps({'command': command, 'args': args}).encode() + b'\n')
        with link.makefile('rb') as stream:
            lines = stream.read().splitlines()
    end = json.loads(lines[-1])
    if end.get('done') is not True or end.get('error'):
        raise RuntimeError(f'{command} {args}: {lines[-1]!r}')
    return [line for line in lines[:-1] if b'"id":' in line or b'"object":' in line]


def until_indexed(node):
    node.do('find', '--limit', '1', '--wait')


def indexing(node, path, objects, base):
    """From nothing: the search file is thrown away and made again. And while objects come in."""
    began = time.monotonic()
    took = add_timed(node, path)
    until_indexed(node)
    behind = time.monotonic() - began
    node.stop()
    files = list((node.dir / 'store').glob('search.db*'))
    assert files
    for file in files:
        file.unlink()
    node.serve()
    began = time.monotonic()
    until_indexed(node)
    alone = time.monotonic() - began
    bare = Bare(base)
    floor = bare.fill(path)
    row('find_indexing', objects / alone, 'objects/s', objects / floor, floor / alone,
        f'{objects} objects from the log into an empty search file; floor: bare SQLite FTS5, parsing in Python included')
    row('find_indexing_beside_ingest', objects / behind, 'objects/s', objects / took, took / behind,
        f'from the first object handed in to the last one found; floor: their ingest by bongsu add, {took:.1f} s')
    return bare


# --- both asked ---

def questions(path, count):
    """name, what the node is asked, what the floor is asked; as many of each as are asked. `count` objects stand in the file."""
    sample = random.Random(1)
    step = count // (50 * QUESTIONS) or 1
    with open(path, encoding='utf-8') as file:
        objects = [json.loads(line) for number, line in enumerate(file) if number % step == number // step % step]
    sample.shuffle(objects)
    words = sorted({word for obj in objects for word in obj.get('description', '').split()})
    addresses = [obj['value'] for obj in objects if obj['type'] == 'ipv4-addr']
    hashes = [obj['hashes']['SHA-256'] for obj in objects if obj['type'] == 'file']
    types = ['malware', 'sighting', 'ipv4-addr', 'indicator', 'relationship', 'file']
    for number in range(QUESTIONS):
        ident, kind, pair = objects[number]['id'], types[number % len(types)], sample.sample(words, 2)
        yield 'id', ('get', {'id': ident}), ('id = ?', ident)
        yield 'type', ('find', {'type': kind}), ('type = ?', kind)
        yield 'address', ('find', {'values': addresses[number]}), ('words MATCH ?', f'"{addresses[number]}"')
        yield 'hash', ('find', {'values': hashes[number]}), ('words MATCH ?', f'"{hashes[number]}"')
        yield 'text', ('find', {'text': ' '.join(pair)}), ('words MATCH ?', ' AND '.join(pair))


def timed(ask_one, *args, **more):
    began = time.perf_counter()
    found = len(ask_one(*args, **more))
    return (time.perf_counter() - began) * 1000, found


def finding(node, bare, path, objects):
    """In turns, so that both have the same weather. Both must find as many."""
    times, counts, differ = {}, {}, {}
    for name, (command, args), question in questions(path, objects):
        limit = {'limit': str(LIMIT)} if command == 'find' else {}
        mine, here = timed(ask, node, command, **args, **limit)
        floor, there = timed(bare.ask, *question)
        times.setdefault(name, []).append((mine, floor))
        counts[name] = counts.get(name, 0) + here
        differ[name] = differ.get(name, 0) + (here != there)
    for name, pairs in times.items():
        mine, floor = (sorted(column)[len(pairs) // 2] for column in zip(*pairs))
        same = 'the same number each' if not differ[name] else f'{differ[name]} answers differ in number'
        row(f'find_{name}', mine, 'ms', floor, mine / floor,
            f'median of {len(pairs)}, {counts[name] / len(pairs):.0f} objects an answer, {objects} held; {same}; floor: bare '
            'SQLite in the process that asks')


def command_line(node, path):
    """What a person waits for: a process, its answer in a table, its end."""
    with open(path, encoding='utf-8') as file:
        ident = json.loads(file.readline())['id']
    mine = sorted(timed(lambda: [node.do('get', ident)])[0] for _ in range(21))[10]
    floor = sorted(timed(lambda: [node.run('--version')])[0] for _ in range(21))[10]
    row('find_command', mine, 'ms', floor, mine / floor, 'median of 21, `bongsu get ID` as a process; floor: `bongsu --version`')


def main():
    base, objects = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    base.mkdir(parents=True, exist_ok=True)
    node = live.Node(BUILD, base, 'kr', 'KR')
    node.serve()
    node.do('source', 'add', 'feed')
    path = corpus(base, 'objects', objects)
    bare = indexing(node, path, objects, base)
    finding(node, bare, path, objects)
    command_line(node, path)
    node.stop()


if __name__ == '__main__':
    main()
