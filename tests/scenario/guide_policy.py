#!/usr/bin/env python3
"""The ten situations of docs/guide/policy.md, run as they stand: every `sh` block in one shell, in an empty folder; the lines of
the `text` block behind it must be said, in that order, and nothing else about what is released, held or denied. Every
`policy` block of the guides, and every recipe, must be one that `bongsu policy check` takes without a warning.

    tests/scenario/guide_policy.py [PROGRAM]

Standard library only. Ends with "N passed, N failed, N skipped".
"""
import os
import re
import subprocess
import sys
import tempfile

GUIDES = ('policy.md', 'personal-data.md')
MARK = '=== block %d ==='


def blocks(text):
    """(command, expected lines) for each sh block, in order."""
    found = []
    for kind, body in re.findall(r'^```(\w*)\n(.*?)^```$', text, re.M | re.S):
        if kind == 'sh':
            found.append((body, []))
        elif kind == 'text' and found:
            found[-1][1].extend(body.splitlines())
    return found


def first_missing(said, lines):
    """The first line that is not said behind the one before it, or None."""
    at = 0
    for line in lines:
        at = said.find(line, at)
        if at < 0:
            return line
        at += len(line)
    return None


def ends(lines):
    """What became of each object, in order: only that may be said, and all of it."""
    return [line.split()[0] for line in lines if re.match('(Released|Held|Denied)[ ,.]', line)]


def what_is_wrong(said, lines):
    missing = first_missing(said, lines)
    if missing is not None:
        return missing
    got, wanted = ends(said.splitlines()), ends(lines)
    return None if got == wanted else 'it says %s, and the guide %s' % (got, wanted)


def policies(guide):
    """(name, text) of what a guide shows as policy: its `policy` blocks, and the recipes of its table."""
    with open(guide, encoding='utf-8') as file:
        text = file.read()
    name = os.path.basename(guide)
    found = [(f'{name}: block {i}', body) for i, body in enumerate(re.findall(r'^```policy\n(.*?)^```$', text, re.M | re.S))]
    for wanted, written in re.findall(r'^\| ([^|]*) \| (`(?:deny|hold|release|source) .*) \|$', text, re.M):
        parts = re.findall(r'`([^`]+)`', written)
        if parts[-1].startswith('...'):  # what stands above the rules, and how a condition goes on
            parts[-1] = 'release r if tlp <= green' + parts[-1][3:] + ' to all'
        found.append((f'{name}: {wanted}', '\n'.join(parts)))
    return [(title, body if body.startswith('language') else 'language 1\n' + body) for title, body in found]


def is_well_formed(program, environment, title, body):
    """Without a word but the last two lines, which say that it is."""
    run = subprocess.run([program, 'policy', 'check', '-'], input=body, env=environment, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, timeout=60)
    good = run.returncode == 0 and run.stdout.startswith('the policy is well formed')
    if not good:
        print('FAILED: %s: %s' % (title, run.stdout))
    return good


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, 'build/dev/src/cli/bongsu'))
    with open(os.path.join(root, 'docs/guide/policy.md'), encoding='utf-8') as guide:
        found = blocks(guide.read())
    script = ''.join('echo "%s"\n%s' % (MARK % i, body) for i, (body, _) in enumerate(found))
    script += 'echo "%s"\n' % (MARK % len(found))
    alone = {key: value for key, value in os.environ.items() if key != 'BONGSU_DIR'}
    environment = dict(alone, PATH=os.path.dirname(program) + ':' + os.environ['PATH'])
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(['bash', '-e'], input=script, cwd=folder, env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=300)
    passed = failed = 0
    for i, (_, lines) in enumerate(found):
        start, end = run.stdout.find(MARK % i), run.stdout.find(MARK % (i + 1))
        said = run.stdout[start:end] if 0 <= start < end else None
        missing = 'it ends before' if said is None else what_is_wrong(said, lines)
        if missing is None:
            passed += 1
            continue
        failed += 1
        print('FAILED: block %d: %s\n%s' % (i, missing, run.stdout[start:] if said is None else said))
    if len(found) != 11:  # the node and the ten
        failed += 1
        print('FAILED: %d blocks, not 11' % len(found))
    shown = [one for name in GUIDES for one in policies(os.path.join(root, 'docs/guide', name))]
    for title, body in shown:
        good = is_well_formed(program, environment, title, body)
        passed, failed = passed + good, failed + (not good)
    if len(shown) < 10:  # three blocks and seven recipes
        failed += 1
        print('FAILED: %d policies, not 10' % len(shown))
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
