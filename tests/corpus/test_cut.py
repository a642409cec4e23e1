"""Every object of the sample campaign, cut along every selector that it has, one at a time: what bongsu takes out is gone, the
rest is as it was, and stix2-validator has nothing to say against what is left. Needs build/dev."""
import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / 'build' / 'dev' / 'tests' / 'unit' / 'stix' / 'cut_out'
SAMPLES = ('kr-cert.json', 'us-cert.json', 'kr-sensor.json')


def selectors(value, path=''):
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in parts:
        here = (path + '.' if path else '') + (f'[{name}]' if isinstance(value, list) else name)
        yield here
        yield from selectors(inner, here)


def without(value, parts):
    """The same taken out by other means; None: nothing is left of it."""
    if not parts:
        return None
    at = int(parts[0][1:-1]) if isinstance(value, list) else parts[0]
    left = without(value[at], parts[1:])
    if isinstance(value, list):
        made = value[:at] + ([] if left is None else [left]) + value[at + 1:]
    else:
        made = {name: (left if name == at else inner) for name, inner in value.items() if name != at or left is not None}
    return made or None


def test_what_is_left_is_stix():
    pytest.importorskip('stix2validator')
    from stix2validator import ValidationOptions, validate_parsed_json
    objects = [item for name in SAMPLES
               for item in json.loads((ROOT / 'samples' / 'campaign' / name).read_text(encoding='utf-8'))['objects']
               if 'granular_markings' not in item]
    # Who made it is always replaced: here by the same.
    cases = [(selector, item) for item in objects for selector in selectors(item) if selector != 'created_by_ref']
    text = ''.join(f'{selector}\0{json.dumps(item)}\0' for selector, item in cases)
    lines = subprocess.run([TOOL], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == len(cases)
    options = ValidationOptions(version='2.1', disabled='all', silent=True)
    kept = {}
    for (selector, item), line in zip(cases, lines):
        if not line:
            continue
        left = json.loads(line)
        assert left == without(item, re.split(r'\.', selector)), (selector, item['id'])
        kept[(item['type'], re.sub(r'\[[0-9]+\]', '[]', selector))] = left
    assert len(kept) > 50
    for (kind, selector), left in kept.items():
        result = validate_parsed_json(left, options)
        assert result.is_valid, (kind, selector, [str(error) for error in result.errors])
