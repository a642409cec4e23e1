#!/usr/bin/env python3
"""The ten situations of docs/guide/policy.md, run as they stand: every `sh` block in one shell, in an empty folder; the lines of
the `text` block behind it must be said, in that order.

    tests/scenario/guide_policy.py [PROGRAM]

Standard library only. Ends with "N passed, N failed, N skipped".
"""
import os
import re
import subprocess
import sys
import tempfile

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


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, 'build/dev/src/cli/bongsu'))
    with open(os.path.join(root, 'docs/guide/policy.md'), encoding='utf-8') as guide:
        found = blocks(guide.read())
    script = ''.join('echo "%s"\n%s' % (MARK % i, body) for i, (body, _) in enumerate(found))
    script += 'echo "%s"\n' % (MARK % len(found))
    environment = dict(os.environ, PATH=os.path.dirname(program) + ':' + os.environ['PATH'])
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(['bash', '-e'], input=script, cwd=folder, env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=300)
    passed = failed = 0
    for i, (_, lines) in enumerate(found):
        start, end = run.stdout.find(MARK % i), run.stdout.find(MARK % (i + 1))
        said = run.stdout[start:end] if 0 <= start < end else None
        missing = 'it ends before' if said is None else first_missing(said, lines)
        if missing is None:
            passed += 1
            continue
        failed += 1
        print('FAILED: block %d: %s\n%s' % (i, missing, run.stdout[start:] if said is None else said))
    if len(found) != 11:  # the node and the ten
        failed += 1
        print('FAILED: %d blocks, not 11' % len(found))
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
