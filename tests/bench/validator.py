"""validator.py BENCH BUNDLE [OBJECTS]: one row for results.json, checking by `bench_stix` (the program BENCH) beside
stix2-validator, both given the text of the same bundle, cut to its first OBJECTS (default 300) objects.

stix2-validator runs in this process, its schemas loaded by a run before, its checks of SHOULDs once on and once off; the
faster of the two is the floor. bench_stix always does both and always parses patterns and derives identifiers.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

try:
    from stix2validator import ValidationOptions, validate_string
except ImportError:
    sys.exit('stix2-validator is missing: scripts/setup --test puts the pinned one into build/venv')

ROUNDS = 3


def seconds(text, **options):
    """Processor time of the best of ROUNDS; the bundle has to be valid, or less than all of it was checked."""
    wanted = ValidationOptions(version='2.1', silent=True, **options)
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        result = validate_string(text, wanted)
        took = time.process_time() - start
        best = took if best is None else min(best, took)
        if not result.is_valid:
            sys.exit(f'stix2-validator refuses the bundle: {result.errors}')
    return best


def ours(bench, text):
    """The row of bench_stix for parsing and checking."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        file.write(text)
        file.flush()
        out = subprocess.run([bench, file.name], check=True, capture_output=True, text=True).stdout
    return next(row for row in map(json.loads, out.splitlines()) if row['name'] == 'stix check')


def main():
    bundle = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding='utf-8'))
    del bundle['objects'][int(sys.argv[3]) if len(sys.argv) > 3 else 300:]
    text = json.dumps(bundle, separators=(',', ':'))
    validate_string(text, ValidationOptions(version='2.1', silent=True))
    must, full = seconds(text, disabled='all'), seconds(text)
    row, floor = ours(sys.argv[1], text), len(text) / min(must, full) / 1e6
    note = (f'{len(bundle["objects"])} objects, parse and check; floor: stix2-validator in one process, '
            f'{len(bundle["objects"]) / must:.0f} objects/s for MUSTs, {len(bundle["objects"]) / full:.0f} with SHOULDs')
    print(json.dumps({'name': 'stix check, stix2-validator', 'value': row['value'], 'unit': 'MB/s',
                      'floor': round(floor, 4), 'ratio': round(row['value'] / floor, 1), 'note': note}))


main()
