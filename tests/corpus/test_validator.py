"""The verdicts of stix2-validator and of `bongsu lint`, object by object, over all STIX 2.1 of the samples.

Every difference has to fall under a row of validator-differences.tsv, which says who is right and why, and how many
there are. Of the releases of stix2-validator, 3.2.0 is pinned: the package of 3.3.1 comes without its schemas. Equal
objects count once.
"""
import collections
import json
import multiprocessing
import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
BONGSU = ROOT / 'build/dev/src/cli/bongsu'
DATA = pathlib.Path(os.environ.get('BONGSU_DATA') or ROOT.parent / 'shared/data') / 'stix'
FOLDERS = ('atlas', 'attack-ics', 'idioms-2.1', 'ioc', 'oasis-interop', 'spec-examples')


def objects_of(path):
    try:
        value = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, UnicodeDecodeError):
        return []
    if isinstance(value, dict) and isinstance(value.get('objects'), list):
        value = value['objects']
    return [x for x in (value if isinstance(value, list) else [value])
            if isinstance(x, dict) and x.get('type') not in (None, 'bundle')]


def samples():
    seen = {}
    for folder in FOLDERS:
        for path in sorted((DATA / folder).rglob('*')):
            if path.suffix in ('.json', '.stix2'):
                for value in objects_of(path):
                    seen.setdefault(json.dumps(value, sort_keys=True), value)
    return list(seen.values())


def validate(value):
    """What stix2-validator refuses it for."""
    from stix2validator import ValidationOptions, validate_parsed_json
    try:
        result = validate_parsed_json(value, ValidationOptions(version='2.1', disabled='all', silent=True))
        return [str(error) for error in result.errors or []]
    except Exception as error:  # a crash of the other program is its verdict
        return [f'crashed: {type(error).__name__}: {error}']


def lint(values, path):
    path.write_text(''.join(json.dumps(value) + '\n' for value in values), encoding='utf-8')
    out = subprocess.run([BONGSU, 'lint', '--json', path], capture_output=True, text=True, check=False)
    errors = [[] for _ in values]
    for line in map(json.loads, out.stdout.splitlines()):
        if line.get('level') == 'error' and 'other' not in line:  # theirs sees one object at a time
            errors[line['object']].append(f'{line["section"]} {line["pointer"]}: {line["what"]}')
    return errors


def rows():
    for line in (HERE / 'validator-differences.tsv').read_text(encoding='utf-8').splitlines():
        if line and not line.startswith('#'):
            who, pattern, count, _section, _right = line.split('\t')
            yield who, re.compile(pattern), int(count)


def test_every_difference_is_explained(tmp_path):
    pytest.importorskip('stix2validator')
    values = samples()
    if not values:
        pytest.skip(f'no samples in {DATA}')
    with multiprocessing.Pool(2) as pool:
        theirs = pool.map(validate, values, chunksize=50)
    ours = lint(values, tmp_path / 'all.jsonl')
    explained, unexplained = collections.Counter(), []
    table = list(rows())
    for value, they, we in zip(values, theirs, ours):
        if bool(they) == bool(we):
            continue
        who, said = ('bongsu', we) if we else ('validator', they)
        for number, (row_who, pattern, _count) in enumerate(table):
            if row_who == who and any(pattern.search(text) for text in said):
                explained[number] += 1
                break
        else:
            unexplained.append(f'{who} alone refuses {value.get("id")}: {said}')
    print(f'{len(values)} objects: {sum(map(bool, theirs))} refused by stix2-validator, {sum(map(bool, ours))} by bongsu, '
          f'{sum(explained.values()) + len(unexplained)} verdicts differ')
    assert not unexplained, '\n'.join(text[:300] for text in unexplained)
    assert [explained[number] for number in range(len(table))] == [count for _, _, count in table]
