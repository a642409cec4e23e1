"""Canonical text of every JSON file in the corpus against Python: the package rfc8785 where it is installed, and always
sorting by UTF-16 code units over the json module. Needs build/dev; the corpus is BONGSU_DATA or ../shared/data."""
import decimal
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT.parent / 'shared' / 'data')) / 'stix'
TOOL = ROOT / 'build' / 'dev' / 'tests' / 'unit' / 'json' / 'canon_file'
FILES_PER_CALL = 200


class Twin(ValueError):
    pass


def object_of(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Twin
    return dict(pairs)


def number_text(value):
    """ECMAScript's Number::toString by its own words, from the digits that repr gives."""
    if value == 0:
        return '0'
    sign, digits, exponent = decimal.Decimal(repr(float(value))).normalize().as_tuple()
    text, n = ''.join(map(str, digits)), len(digits) + exponent
    if n > 21 or n <= -6:
        form = text[0] + ('.' + text[1:] if len(text) > 1 else '') + 'e%+d' % (n - 1)
    elif n <= 0:
        form = '0.' + '0' * -n + text
    else:
        form = text[:n].ljust(n, '0') + ('.' + text[n:] if len(text) > n else '')
    return '-' * sign + form


def canon(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode('utf-16-be'))
        return '{' + ','.join(canon(name) + ':' + canon(value[name]) for name in names) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(canon, value)) + ']'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return json.dumps(value, ensure_ascii=False)


def corpus():
    return sorted(path for path in DATA.rglob('*') if path.suffix in ('.json', '.stix', '.stix2', '.jsonld') and path.is_file())


def ours(paths):
    out = []
    for i in range(0, len(paths), FILES_PER_CALL):
        run = subprocess.run([TOOL, *paths[i:i + FILES_PER_CALL]], check=True, stdout=subprocess.PIPE)
        out += run.stdout.decode('utf-8').split('\n')[:-1]
    return out


def read(path):
    """The value, or None with the reason when a strict reader has to refuse the file."""
    try:
        return json.loads(path.read_bytes().decode('utf-8'), object_pairs_hook=object_of), None
    except Twin:
        return None, 'duplicate_name'
    except ValueError as error:
        return None, str(error)


@pytest.fixture(scope='module')
def pairs():
    if not TOOL.exists():
        pytest.skip('build/dev has no canon_file: run scripts/build dev')
    paths = corpus()
    if not paths:
        pytest.skip(f'no corpus under {DATA}')
    return list(zip(paths, ours(paths), strict=True))


def test_agrees_with_the_reference(pairs):
    compared = 0
    for path, line, in pairs:
        value, reason = read(path)
        if reason is not None:
            assert line.startswith('! '), f'{path}: taken here, refused there: {reason}'
            continue
        assert line == canon(value), path
        compared += 1
    assert compared > 100


def test_agrees_with_rfc8785(pairs):
    rfc8785 = pytest.importorskip('rfc8785')
    for path, line in pairs:
        value, reason = read(path)
        if reason is None:
            assert line.encode('utf-8') == rfc8785.dumps(value), path
