#!/usr/bin/env python3
"""tests/corpus/test_must.py BONGSU: every line of STIX 2.1 with MUST is a row of stix-must.tsv, and each row is so.

The example that keeps the rule must not bring the finding; the one that breaks it must, at the level, section and place
of the row. Ends with "N passed, N failed, N skipped".
"""
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
LINES_WITH_MUST = 412  # of the text, Errata 01
LEVELS = ('error', 'warning', 'remark')
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


def rows():
    for number, line in enumerate((HERE / 'stix-must.tsv').read_text().splitlines(), 1):
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


def main():
    bongsu = str(pathlib.Path(sys.argv[1]).resolve())
    objects, passed, failed, covered, cases = minimal(), 0, 0, set(), []
    with tempfile.TemporaryDirectory() as folder:
        for number, row in rows():
            covered.add(int(row[0]))
            if row[3] not in LEVELS:
                good = row[3] in ('no', 'elsewhere') and len(row) == 5 and row[4] != ''
                passed, failed = passed + good, failed + (not good)
                if not good:
                    print(f'FAILED: stix-must.tsv:{number}: neither an example nor a reason')
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
            good = finding not in found[keeps] and not cautious and finding in found[breaks]
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f'FAILED: stix-must.tsv:{number}: {rule}: wanted {finding}; kept {sorted(found[keeps])}, '
                      f'broken {sorted(found[breaks])}')
    if len(covered) != LINES_WITH_MUST:
        failed += 1
        print(f'FAILED: stix-must.tsv has {len(covered)} lines of the text, not {LINES_WITH_MUST}')
    print(f'{passed} passed, {failed} failed, 0 skipped')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
