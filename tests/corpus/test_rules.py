#!/usr/bin/env python3
"""tests/corpus/test_rules.py BONGSU must|should: lines of STIX 2.1 with the word are rows of stix-WORD.tsv, and each is so.

The example that keeps the rule must not bring the finding; the one that breaks it must, at the level, section and place
of the row. Where the text of the standard lies beside the repository, its lines are compared with those of the table.
Ends with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
SHARED = pathlib.Path(os.environ['BONGSU_DATA']).parent if 'BONGSU_DATA' in os.environ else HERE.parent.parent.parent / 'shared'
TEXT = SHARED / 'specs' / 'stix-v2.1.md'  # with Errata 01
WORDS = {  # the table: how many lines have the word, and how it is written
    'must': (412, r'\bMUST\b'),
    'should': (105, r'\b(SHOULD|RECOMMENDED)\b'),
}
LEVELS = ('error', 'warning', 'remark')
REASONS = ('no', 'elsewhere')
OWN = {'type': 'x-own', 'id': 'x-own--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f', 'x_some': 1}
BUNDLE = {'type': 'bundle', 'id': 'bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f', 'objects': [OWN]}


def minimal():
    objects = {'x-own': OWN, 'bundle': BUNDLE}
    for line in (HERE.parent / 'vectors' / 'stix_minimal.jsonl').read_text().splitlines():
        value = json.loads(line)['object']
        objects[value['type']] = value
    return objects


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def example(objects, base, patch):
    if '+' not in base:
        return merge(objects[base], patch)
    listed = [merge(objects[name], one) for name, one in zip(base.split('+'), patch, strict=True)]
    return {'type': 'bundle', 'id': BUNDLE['id'], 'objects': listed}


def rows(table):
    for number, line in enumerate(table.read_text().splitlines(), 1):
        if not line.startswith('#'):
            yield number, line.split('\t')


def lint(bongsu, paths):
    """File -> set of (level, section, pointer)."""
    out = subprocess.run([bongsu, 'lint', '--json', *paths], capture_output=True, text=True, check=False)
    found = {path: set() for path in paths}
    for line in map(json.loads, out.stdout.splitlines()):
        if 'level' in line:
            found[line['file']].add((line['level'], line['section'], line['pointer']))
    return found


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, good, what):
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        if not good:
            print(f'FAILED: {what}')


def check_lines(tally, table, word, covered):
    count, pattern = WORDS[word]
    tally.check(len(covered) == count, f'{table.name} has {len(covered)} lines of the text, not {count}')
    if not TEXT.exists():
        tally.skipped += 1
        print(f'skipped: the lines of {table.name} beside those of the standard: its text is not there')
        return
    lines = {number for number, line in enumerate(TEXT.read_text().splitlines(), 1) if re.search(pattern, line)}
    tally.check(lines == covered, f'{table.name} lacks lines {sorted(lines - covered)}, has {sorted(covered - lines)} besides')


def main():
    bongsu, word = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2]
    table = HERE / f'stix-{word}.tsv'
    objects, tally, covered, cases = minimal(), Tally(), set(), []
    with tempfile.TemporaryDirectory() as folder:
        for number, row in rows(table):
            covered.add(int(row[0]))
            if row[3] not in LEVELS:
                good = row[3] in REASONS and len(row) == 5 and row[4] != ''
                tally.check(good, f'{table.name}:{number}: neither an example nor a reason')
                continue
            _, _, rule, level, base, keeps, breaks, section, pointer = row
            paths = []
            for name, patch in (('keeps', keeps), ('breaks', breaks)):
                path = pathlib.Path(folder) / f'{number}.{name}.json'
                path.write_text(json.dumps(example(objects, base, json.loads(patch))))
                paths.append(str(path))
            cases.append((number, rule, (level, section, pointer), *paths))
        found = lint(bongsu, [path for case in cases for path in case[3:]])
        for number, rule, finding, keeps, breaks in cases:
            cautious = [f for f in found[keeps] if f[0] != 'remark' and not f[2] == '/id']
            tally.check(finding not in found[keeps] and not cautious and finding in found[breaks],
                        f'{table.name}:{number}: {rule}: wanted {finding}; kept {sorted(found[keeps])}, '
                        f'broken {sorted(found[breaks])}')
    check_lines(tally, table, word, covered)
    print(f'{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped')
    return tally.failed > 0


if __name__ == '__main__':
    sys.exit(main())
