#!/usr/bin/env python3
"""tests/scenario/feeds.py: real feeds (ATT&CK for ICS, indicator bundles, OASIS examples) from kr to us.

Each file is a source of its own. Before anybody answers for them nothing unmarked leaves and `policy explain` names the rule;
afterwards us holds exactly what a solver that knows nothing of bongsu computes from the files: markings, then references, by
value, everywhere.
The data stays outside the repository ($BONGSU_DATA or ../shared/data); without it this is one skipped test.
"""
import json
import os
import pathlib
import re
import sys
import time

from node import Folder, Pair, Report, whole

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT / '..' / 'shared' / 'data')) / 'stix'
ID = re.compile(r'^[a-z0-9-]+--[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
# TLP 1.0 and 2.0, by the identifiers of the standard: the wide ones leave, the others stay (kr owns none of this).
WIDE = {'613f2e26-407d-48c7-9eca-b8e91df99dc9', '34098fce-860f-48ae-8e50-ebd3cc5e41da',
        '94868c89-83c2-464b-929b-a1a8aa3c8487', 'bab4a63c-aed9-4cf5-a766-dfca5abac2bb'}
NARROW = {'f88d31f6-486f-44da-b317-01333bde0b82', '5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
          '55d920b0-5e8b-4f79-9ee9-91f868d9b421', '939a9414-2ddd-4d32-a0cd-375ea402b003',
          'e828b379-4e03-4974-9ac4-e53a884c97c1'}
WIDE, NARROW = ({'marking-definition--' + end for end in ends} for ends in (WIDE, NARROW))


def files():
    found = [DATA / 'attack-ics' / 'ics-attack-18.1.json']
    found += sorted((DATA / 'ioc').glob('*.stix2')) + sorted((DATA / 'spec-examples').glob('*.json'))
    return [path for path in found if path.is_file()]


def objects_of(path):
    with open(path, encoding='utf-8') as file:
        root = json.load(file)
    return root['objects'] if root.get('type') == 'bundle' else [root]


def references(value, own):
    """Every identifier that stands as a value, or as the name of an extension, anywhere."""
    todo, found = [value], set()
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            found.update(name for name in part if name.startswith('extension-definition--'))
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, str) and ID.match(part):
            found.add(part)
    return found - {own} - WIDE - NARROW


def markings(item):
    refs = set(item.get('object_marking_refs', []))
    return refs | {row['marking_ref'] for row in item.get('granular_markings', []) if 'marking_ref' in row}


def expected(held, classified):
    """The largest set whose members are marked for leaving and refer to nothing outside."""
    stay = {key for key, item in held.items() if key in WIDE | NARROW or markings(item) & NARROW
            or markings(item) - WIDE - classified}
    leave = set(held) - stay
    while True:
        out = {key for key in leave if references(held[key], key) - leave}
        if not out:
            return leave - alone(held, leave)
        leave -= out


def alone(held, leave):
    """Unmarked definitions that nothing which goes by itself needs, be it through other definitions: nobody asks for them."""
    waiting = {key for key in leave if key.split('--')[0] in ('marking-definition', 'extension-definition')
               and not markings(held[key])}
    going = leave - waiting
    while going:
        going = set().union(*(references(held[key], key) for key in going)) & waiting
        waiting -= going
    return waiting


def load(report, pair, paths):
    """Adds every file under a source of its own; one row a file. What kr holds by identifier, first come first kept."""
    held = {}
    for path in paths:
        objects = objects_of(path)
        answer = pair.kr.add(path, path.stem.lower().replace('_', '-'), seconds=300)
        counts = {key: number for key, number in answer.one.items() if isinstance(number, int) and number}
        report.say(f'   {path.name}: {len(objects)} objects: {counts}')
        taken = sum(counts.get(word, 0) for word in ('new', 'duplicate', 'seen', 'assertion', 'echo', 'conflict', 'refused'))
        report.equal(f'{path.name}: every object is answered for', taken, len(objects))
        for item in objects:
            held.setdefault(item['id'], item)
    return held


def held_by(node, identifiers):
    return {key for key in identifiers if holds(node, key)}


def holds(node, identifier):
    try:
        return bool(node.copies(identifier))
    except ConnectionError:
        return False


def texts(node, identifier):
    return {copy['object'] for copy in node.copies(identifier)}


def main():
    report = Report('feeds')
    paths = files()
    if len(paths) < 2:
        report.skip('real feeds between two nodes', 'the data is not here')
        return report.finish()
    with Folder() as folder:
        pair = Pair(folder)
        try:
            run(report, pair, paths)
        finally:
            pair.end()
    return report.finish()


def run(report, pair, paths):
    held = load(report, pair, paths)
    pair.settle(120)
    unmarked = next(key for key, item in held.items() if item['type'] == 'indicator' and not markings(item))
    answer = pair.kr.run('policy', 'explain', unmarked, 'us-cisa')
    report.check('explain says why an unmarked object stays', 'unmarked' in answer.text, answer.text)
    early = held_by(pair.us, held)
    report.check('before anybody answers, nothing without a TLP leaves', all(markings(held[key]) & WIDE for key in early), early)
    statements = {key for key, item in held.items() if item['type'] == 'marking-definition'
                  and item.get('definition_type') == 'statement'}
    for path in paths:
        pair.kr.must('source', 'add', path.stem.lower().replace('_', '-'), '--assume', 'tlp:clear', '--because', 'published')
    for key in sorted(statements):
        pair.kr.must('marking', 'classify', key, '--as', 'tlp:clear', '--because', 'a copyright line')
    start = time.monotonic()
    report.check('both are in step', pair.settle(300))
    report.say(f'   in step {time.monotonic() - start:.1f} s after the last answer (two settling waits included)')
    wanted = expected(held, statements)
    got = held_by(pair.us, held)
    report.say(f'   {len(held)} identifiers, {len(wanted)} may leave, us holds {len(got)}')
    report.equal('us holds what may leave', (sorted(wanted - got)[:5], sorted(got - wanted)[:5]), ([], []))
    wrong = [key for key in got if not texts(pair.us, key) <= texts(pair.kr, key)]
    report.check(f'{len(got)} objects are the same bytes', not wrong, wrong[:5])
    whole(report, pair.kr, 'us-cisa')


if __name__ == '__main__':
    sys.exit(main())
