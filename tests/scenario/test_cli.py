#!/usr/bin/env python3
"""Drives the command line as somebody who makes mistakes: every refusal says what, why and what to do, with its exit status.

    tests/scenario/test_cli.py [PROGRAM]

Standard library only. Ends with "N passed, N failed, N skipped".
"""
import fcntl
import glob
import gzip
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from node import suite_words

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAMPAIGN = ROOT / 'samples' / 'campaign'
POLICY = ROOT / 'share' / 'default.policy'
WAIT_S = 30
MARKING = '00000000-0000-4000-8000-000000000000'
counted = {'passed': 0, 'failed': 0, 'skipped': 0}


def newest_program():
    built = [path for path in ROOT.glob('build*/**/src/cli/bongsu') if 'asan' not in path.parts]
    if not built:
        sys.exit('test_cli: there is no build/*/src/cli/bongsu; run `make build`')
    return str(max(built, key=lambda path: path.stat().st_mtime))


PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else newest_program()


def check(what, good, detail=''):
    counted['passed' if good else 'failed'] += 1
    if not good:
        print(f'FAILED: {what}: {detail}', flush=True)


def skip(what, why):
    counted['skipped'] += 1
    print(f'skipped: {what}: {why}', flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Place:
    """A folder with nodes; ends only what it started."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='bongsu-cli-'))
        self.running = {}
        (self.path / 'pass').write_text('passphrase one\n')
        (self.path / 'short').write_text('short\n')

    def run(self, *words, given=b'', env=None, limit=None, of=resource.RLIMIT_DATA):
        def bound():
            resource.setrlimit(of, (limit, limit))
        done = subprocess.run([PROGRAM, *map(str, words)], input=given, capture_output=True, cwd=self.path, timeout=180,
                              env={**os.environ, 'BONGSU_DIR': '', **(env or {})}, preexec_fn=bound if limit else None)
        return done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace')

    def expect(self, status, pattern, *words, **more):
        """The status, and the pattern in what it printed on either stream."""
        got, out, err = self.run(*words, **more)
        good = got == status and re.search(pattern, out + err, re.S) is not None
        check(' '.join(map(str, words)), good, f'status {got}, wanted {status} and /{pattern}/:\n{out}{err}')
        return out

    def lines(self, *words, **more):
        return [json.loads(line) for line in self.run(*words, '--json', **more)[1].splitlines()]

    def make(self, name, country):
        self.expect(0, 'words: (?:[a-z]{5} ){7}[a-z]{5}', 'init', name, '--name', name, '--country', country, '--listen',
                    f'127.0.0.1:{free_port()}', '--passphrase-file', 'pass', *suite_words(name))
        (self.path / f'{name}.card').write_text(self.run('card', name)[1])

    def declare(self, name, *accounts):
        """Operators, who come by the group that the node runs under: this process's. Counts from the next start."""
        os.chmod(self.path, 0o755)
        os.chmod(self.path / name, 0o710)
        with open(self.path / name / 'bongsu.yaml', 'a') as conf:
            conf.write(f'operators: [{", ".join(accounts)}]\n')

    def by(self, account, *words):
        """A command of another account in this process's group; needs root."""
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=self.path, timeout=120,
                              user=account, group=os.getgid(), extra_groups=[], env={**os.environ, 'BONGSU_DIR': ''},
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def start(self, name):
        with open(self.path / f'{name}.log', 'ab') as log:
            at = log.tell()
            self.running[name] = subprocess.Popen([PROGRAM, 'serve', name], cwd=self.path, stdin=subprocess.DEVNULL,
                                                  stdout=log, stderr=log)
        until(f'{name} is ready', lambda: 'ready' in self.log(name)[at:])

    def stop(self, name):
        process = self.running.pop(name)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=20)
        check(f'{name} stops with status 0', status == 0, status)
        return time.monotonic() - began

    def log(self, name):
        return (self.path / f'{name}.log').read_text()

    def close(self):
        for process in self.running.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.path)


def until(what, good, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if good():
            check(what, True)
            return True
        time.sleep(0.1)
    check(what, False, f'not within {seconds} s')
    return False


def objects_of(name):
    return json.loads((CAMPAIGN / name).read_text())['objects']


def test_install(place):
    """What `make install` puts where, and that it is all of it."""
    build = pathlib.Path(PROGRAM).parents[2]
    if not (build / 'build.ninja').is_file() or shutil.which('meson') is None:
        return skip('installation', 'the program does not stand in a build directory')
    root = os.path.join(place.path, 'installed')
    done = subprocess.run(['meson', 'install', '-C', str(build), '--no-rebuild', '--destdir', root], capture_output=True,
                          text=True, check=False)
    check('meson install', done.returncode == 0, done.stdout + done.stderr)
    found = {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}
    prefix = '' if any(name.startswith('usr/bin/') for name in found) else 'local/'
    pages = {f'usr/{prefix}share/man/man{page.suffix[1]}/{page.name}' for page in (ROOT / 'docs' / 'man').iterdir()}
    wanted = pages | {f'usr/{prefix}bin/bongsu', f'usr/{prefix}bin/bongsu-verify', f'usr/{prefix}share/bongsu/default.policy',
                      f'usr/{prefix}share/bongsu/default.expect',
                      f'usr/{prefix}share/bongsu/misp-extension.json', f'usr/{prefix}share/bongsu/misp-extension.schema.json',
                      'usr/lib/systemd/system/bongsu.service', 'usr/lib/sysusers.d/bongsu.conf'}
    check('what is installed', found == wanted, sorted(found ^ wanted))
    done = subprocess.run([os.path.join(root, f'usr/{prefix}bin/bongsu'), '--version'], capture_output=True, text=True,
                          check=False)
    check('the installed program runs', done.returncode == 0 and 'bongsu' in done.stdout, done.stdout + done.stderr)


def test_meant(place):
    """What there is can be asked for, and what was mistyped is told."""
    rows = re.findall(r'^  ([a-z][a-z -]*?) {2,}', place.run('--help')[1], re.M)
    families = {row.split()[0] for row in rows if ' ' in row}
    check('--help lists commands and families', len(rows) > 60 and {'policy', 'privacy', 'peer'} <= families, rows)
    for family in families:
        own = [row for row in rows if row.startswith(family + ' ')]
        for words in ((family, '--help'), (family, '-h'), ('help', family)):
            status, out, err = place.run(*words)
            check(f'{words} lists its commands', status == 0 and err == '' and
                  all(re.search(rf'^  {row} +\S', out, re.M) for row in own), out + err)
    for row in rows:
        wide = [line for line in place.run(*row.split(), '--help')[1].splitlines() if len(line) > 120]
        check(f'{row} --help fits a terminal', wide == [], wide)
    out = place.expect(0, r'^bongsu policy test FILE \[EXAMPLES\] \[options\]\n.*\n  EXAMPLES  ', 'help', 'policy', 'test')
    check('policy test offers no node', '--dir' not in out, out)
    place.expect(0, 'activation by 2.*policy confirm.*broken off', 'policy', 'activate', '--help')
    place.expect(0, 'Budgets are\\s+not looked at', 'policy', 'diff', '--help')
    place.expect(0, '^bongsu status rules AUDIENCE', 'status', 'rules', '--help')
    for words, said in (('polcy', 'no command polcy; did you mean `policy`'), ('policy chekc', 'did you mean `policy check`'),
                        ('policy chekc --help', 'did you mean `policy check`'), ('help polcy', 'did you mean `policy`'),
                        ('status ruels', 'what is ruels. did you mean `status rules`'),
                        ('status --jsn', 'no option --jsn; did you mean --json'),
                        ('peer add x --audiance us', 'did you mean --audience'),
                        ('prove', 'no command prove; but there is.*ledger prove'),
                        ('show ID', 'but there is.*object show'), ('--dir kr status', 'options stand behind the command')):
        place.expect(2, said, *words.split())
    for word in ('zzzzzz', 'a\x1b[31mb'):
        status, out, err = place.run(word)
        check(f'nothing is near {word!r}', status == 2 and 'did you mean' not in err and '\x1b' not in err, err)
    verify = os.path.join(os.path.dirname(PROGRAM), '..', 'verify', 'bongsu-verify')
    if os.path.exists(verify):
        done = subprocess.run([verify, '--help'], capture_output=True, text=True, check=False)
        check('bongsu-verify --help', done.returncode == 0 and done.stdout.startswith('usage: bongsu-verify'), done)


def test_policy_alone(place):
    """Without a node a policy is read by itself; without an example no test is good."""
    path = place.path / 'alone.policy'
    path.write_text('language 1\nrelease r if own to us-cisa\nrelease s if own and tlp == green to us-cisa\n')
    said = 'line 3, .*never decides.*well formed .2 rules.\n.*without a node.*partners: us-cisa, and one that is not named'
    place.expect(0, said, 'policy', 'check', path)
    got = place.lines('policy', 'check', path)
    check('policy check --json without a node', got[-1] == {'rules': 2, 'node': False} and got[0]['line'] == 3, got)
    place.expect(0, '^the policy is well formed .*partners: one that is not named$', 'policy', 'check', POLICY)
    path.write_text('language 1\npartner jp {}\ndeny d if partner != jp\nrelease r if own and tlp == green to jp\n')
    place.expect(0, '^the policy is well formed', 'policy', 'check', path)
    path.write_text('language 1\ndeny d if partner == another-partner\n')
    place.expect(0, '^the policy is well formed', 'policy', 'check', path)
    place.expect(1, 'there is no .*alone.expect: no example.*expect PARTNER', 'policy', 'test', path)
    (place.path / 'alone.expect').write_text('# none yet\n')
    place.expect(1, 'alone.expect: line 1: there is no example .example NAME', 'policy', 'test', path)
    (place.path / 'alone.expect').unlink()
    for text, said in (('deny d if tpl == red', 'line 2, column 11: `tpl`.*did you mean `tlp`'),
                       ('deny d if zzzzzz', 'personal-data revoked origin onward approved partner\\)'),
                       ('deny d if own\nagreement a {}', '`agreement` stands before the first rule .move it up\\)')):
        path.write_text(f'language 1\n{text}\n')
        place.expect(1, said, 'policy', 'check', path)


def test_usage(place):
    place.expect(0, 'COMMAND --help', '--help')
    place.expect(2, 'there is no command pear', 'pear')
    place.expect(2, 'peer what.*peer add.*peer remove', 'peer')
    place.expect(2, 'there is no option --nix', 'status', '--nix')
    place.expect(2, '--dir wants DIR', 'status', '--dir')
    place.expect(2, 'CARD is missing', 'peer', 'add')
    place.expect(1, 'which node', 'status')
    test_meant(place)
    place.expect(1, 'there is no node in nowhere .*bongsu init', 'status', '--dir', 'nowhere')
    place.expect(1, 'there is no node in nowhere', 'serve', 'nowhere')


LINTED = """{"type":"bundle","id":"bundle--56d0ccf7-086c-4bda-9623-96e7b1c828f9","objects":[
{"type":"url","spec_version":"2.1","id":"url--1a934324-08e6-5103-9bc7-aa19d7c221a2","value":"https://five.example/"},
  {"value":7,"type":"domain-name","spec_version":"2.1","id":"domain-name--1fee8347-17fd-5975-888e-835992254fe3"},
{"name":"봉수","revoked":1,"type":"identity","spec_version":"2.1","id":"identity--56d0ccf7-086c-4bda-9623-96e7b1c828f9",\
"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","lang":"en"}
]}
"""


def test_lint(place):
    """Lines and columns of LINTED were counted by hand: the 7 and the 1."""
    (place.path / 'two.json').write_text(LINTED)
    first, second = 'two.json:3:12: error: object 1 domain-name--[-0-9a-f]+, /value: ', 'two.json:4:24: error: object 2 identity'
    place.expect(1, f'^{first}.*\n{second}.*?/revoked: .*\ntwo.json: 3 objects, 2 errors, 0 warnings, 0 remarks\n'
                 '1 file: 3 objects, 2 errors', 'lint', 'two.json')
    told = place.lines('lint', 'two.json')
    check('lint --json has a line each', [line.get('level') for line in told] == ['error', 'error', None, None], told)
    check('lint --json has the place', [(line['line'], line['column'], line['pointer'], line['object']) for line in told[:2]] ==
          [(3, 12, '/value', 1), (4, 24, '/revoked', 2)], told)
    check('the offset is of the byte', [LINTED.encode()[line['offset']:][:1] for line in told[:2]] == [b'7', b'1'], told)
    check('lint --json counts', (told[-1]['files'], told[-1]['objects'], told[-1]['errors']) == (1, 3, 2), told[-1])
    place.expect(1, '^-:3:12: error', 'lint', '-', given=LINTED.encode())
    place.expect(1, '^-:3:12: error', 'lint', '-', given=gzip.compress(LINTED.encode()))
    for path in sorted(CAMPAIGN.glob('*.json*')):
        if path.name != 'expected.json':
            place.expect(0, ' 0 errors, 0 warnings, ', 'lint', path, '--strict')
    hostile = ROOT / 'samples' / 'hostile'
    for name, row in json.loads((hostile / 'expected.json').read_text()).items():
        total = place.lines('lint', hostile / name)[-1]
        of_a_node = name == 'red-as-clear.json'  # by its policy
        check(f'lint {name}', (total['errors'] > 0) != of_a_node, (total, row))


UNPACKED_MAX = 288 << 20  # of the file without a name, when what packs best by gzip, 1030 for one, is known for a bomb
BOMB = 'bomb.*: it unpacks to more than 128 MiB and 500 times its size: if that is meant, unpack it first '


def zstd(data, *words):
    return subprocess.run(['zstd', '-q', '-c', *words], input=data, capture_output=True, check=True).stdout


def test_lint_packed(place):
    """Both codings are held to the same, and a bomb is known by its first pieces."""
    if shutil.which('zstd') is None:
        return skip('lint of zstd', 'there is no zstd program')
    packers = {'gz': gzip.compress, 'zst': zstd}
    url = b'{"type":"url","spec_version":"2.1","id":"url--1a934324-08e6-5103-9bc7-aa19d7c221a2","value":"https://five.example/"}'
    lines = {'a line of 100 MB': b'{"type":"' + b'a' * (100 << 20) + b'"}',
             'a line of one object over and over': b'{"objects":[' + b','.join([url] * ((16 << 20) // len(url))) + b']}'}
    for what, line in lines.items():
        plain = place.run('lint', '-', given=line)
        check(f'{what}, plain', ('larger than 2097152 bytes' in plain[1]) == ('100' in what) == (plain[0] != 0), plain)
        for name, pack in packers.items():
            check(f'{what}, {name}', place.run('lint', '-', given=pack(line)) == plain)
    for name, pack in packers.items():
        (place.path / f'bomb.{name}').write_bytes(pack(bytes(16 << 20)) * 128)
        place.expect(1, BOMB, 'lint', f'bomb.{name}', limit=UNPACKED_MAX, of=resource.RLIMIT_FSIZE)
        place.expect(1, f'is damaged: not what {name[:2]}.* packs from byte', 'lint', '-', given=pack(url) + b'behind its end')
        place.expect(1, 'the input ends too early', 'lint', '-', given=pack(url)[:-1])
        place.expect(1, 'this is packed by (gzip|zstd), perhaps twice', 'lint', '-', given=pack(pack(url)))
    wide = zstd(bytes(1 << 20), '--long=28', '--no-check')  # from a pipe: the frame does not say its size
    place.expect(1, 'takes a window of more than 128 MiB: pack it without --long', 'lint', '-', given=wide)


def test_lint_levels(place):
    address = {'type': 'ipv4-addr', 'spec_version': '2.1', 'id': 'ipv4-addr--8a2aedd5-2586-51d9-ad91-e230d16548c1',
               'value': '198.51.100.251'}
    other = {**address, 'id': 'ipv4-addr--8a2aedd5-2586-51d9-ad91-e230d16548c2'}
    place.expect(0, '^-: 1 object, 0 errors, 0 warnings, 0 remarks', 'lint', '-', given=json.dumps(address).encode())
    place.expect(1, f'warning: .*, /id: .* give the id {address["id"]} .STIX 2.1, 2.9.\n.* 1 warning, 0 remarks\n', 'lint', '-',
                 '--strict', given=json.dumps(other).encode())
    odd = json.dumps({**address, 'x': 1}).encode()
    place.expect(0, 'warning: object 0 ipv4.*, /x: .*11.1.1.*1 warning, 0 remarks', 'lint', '-', given=odd)
    place.expect(1, '1 warning, 0 remarks', 'lint', '-', '--strict', given=odd)
    many = json.dumps({**address, **{f'X{i}': 1 for i in range(20)}}).encode()
    place.expect(0, ' 20 warnings, 0 remarks\n', 'lint', '-', given=many)
    twice = odd + b'\n' + json.dumps({**address, 'x': 1, 'Y': 2}).encode() + b'\n'
    said = '^-: 2 objects, .*\n +3  warning  .*11.1.1., first at -:1:.*\n1 file: 2 objects, 0 errors, 3 warnings'
    place.expect(0, said, 'lint', '-', '--kinds', given=twice)
    kinds = place.lines('lint', '-', '--kinds', given=twice)[1:-1]
    kinds = [(line['level'], line['count'], line['section']) for line in kinds]
    check('lint --kinds --json', kinds == [('warning', 3, '11.1.1')], kinds)
    (place.path / 'listed.txt').write_text('# ours\n198.51.100.0/24\n')
    listed = json.dumps(address).encode()
    place.expect(0, 'remark: object 0 .*, /value: its value is on the list cidr:listed.txt.* 1 remark\n', 'lint', '-',
                 '--lists', 'broad,cidr:listed.txt', given=listed)
    place.expect(0, ' 0 remarks\n', 'lint', '-', '--lists', 'broad', given=listed)
    place.expect(0, 'on the list reserved', 'lint', '-', '--lists', 'reserved', given=listed)
    place.expect(1, 'KIND:FILE, a warninglist', 'lint', '-', '--lists', 'cidr:', given=listed)
    place.expect(1, 'nothing.txt: not found', 'lint', '-', '--lists', 'domain:nothing.txt', given=listed)
    worse = {**address, 'id': 'nothing', 'value': 7, 'resolves_to_refs': ['x', address['id']], 'extensions': 'none'}
    told = place.lines('lint', '-', given=json.dumps(worse).encode())
    check('every error of an object is told', [(line['section'], line['pointer']) for line in told if 'level' in line] == [
        ('2.9', '/id'), ('2.15', '/value'), ('2.9', '/resolves_to_refs/0'), ('6.8.1', '/resolves_to_refs/1'),
        ('2.3', '/extensions')], told)
    bundle = {'type': 'bundle', 'id': 'tool--x', 'spec_version': '2.0', 'objects': []}
    said = 'warning: bundle, /id: .*2.9.*\n.*/spec_version: .*8.1.*\n.*/objects: .*2.12.*\n.* 0 objects, 0 errors, 3 warnings'
    place.expect(0, said, 'lint', '-',
                 given=json.dumps(bundle).encode())
    wild = json.dumps({**address, 'id': 'ipv4-addr--\x1b[2J\n\u009b1m'}, ensure_ascii=False).encode()
    out = place.expect(1, 'error: object 0 ipv4-addr-- \\[2J  1m', 'lint', '-', given=wild)
    check('no control character comes through', re.search('[\0-\x09\x0b-\x1f\x7f-\x9f]', out) is None, ascii(out))
    broken = b'{"type":\n' + json.dumps(address).encode() + b'\nnonsense\n'
    place.expect(1, '-:3:1: error: object 2: ', 'lint', '-', given=json.dumps(address).encode() + b'\n{}\nnonsense\n')
    place.expect(1, ' error: ', 'lint', '-', given=broken)
    place.expect(1, 'nofile: not found .it was not looked at', 'lint', 'nofile')
    place.expect(1, 'it is empty', 'lint', '-')
    place.expect(2, 'FILE is missing', 'lint')
    line = json.dumps(address).encode() + b'\n'
    (place.path / 'long.jsonl').write_bytes(line * ((48 << 20) // len(line)) + b'{}\n')
    place.expect(1, f'^long.jsonl:{(48 << 20) // len(line) + 1}:1: error', 'lint', 'long.jsonl', limit=24 << 20)
    (place.path / 'long.jsonl').unlink()
    place.expect(1, 'larger than 2097152 bytes', 'lint', '-', given=b'{"a":"' + b'a' * (2 << 20) + b'"}')


EXTENSION = 'extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e'


def write_extension(place):
    """An extension whose schema asks for a rank from 1 to 10; answers what makes an indicator with one."""
    stamps = {'spec_version': '2.1', 'created': '2014-02-20T09:16:08.989Z', 'modified': '2014-02-20T09:16:08.989Z'}
    definition = {'type': 'extension-definition', 'id': EXTENSION, **stamps, 'name': 'Foo', 'version': '1.2.1',
                  'created_by_ref': 'identity--11b76a96-5d2b-45e0-8a5a-f6994f370731', 'schema': 'https://example.com/foo',
                  'extension_types': ['property-extension']}
    schema = {'required': ['rank'], 'properties': {'rank': {'type': 'integer', 'minimum': 1, 'maximum': 10}}}
    bundle = {'type': 'bundle', 'id': 'bundle--11b76a96-5d2b-45e0-8a5a-f6994f370731', 'objects': [definition]}
    (place.path / 'foo.json').write_text(json.dumps(bundle))
    (place.path / 'foo.schema').write_text(json.dumps(schema))
    (place.path / 'inline.json').write_text(json.dumps({**definition, 'schema': json.dumps(schema)}))
    return lambda number, rank: json.dumps(
        {'type': 'malware', 'id': f'malware--00000000-0000-4000-8000-{number:012d}', **stamps, 'is_family': False,
         'extensions': {EXTENSION: {'extension_type': 'property-extension', 'rank': rank}}}).encode()


def test_extension_lint(place):
    malware = write_extension(place)
    place.expect(0, ' 0 warnings', 'lint', '-', given=malware(1, 11))
    said = f'warning: .*, /extensions/{EXTENSION}/rank: rank is above 10 .Foo. .STIX 2.1, 7.3.\n.* 1 warning'
    place.expect(0, said, 'lint', '-', '--extension', 'foo.json', '--schema', 'foo.schema', given=malware(1, 11))
    place.expect(1, said, 'lint', '-', '--strict', '--extension', 'inline.json', given=malware(1, 11))
    place.expect(0, ' 0 warnings', 'lint', '-', '--extension', 'inline.json', given=malware(1, 10))
    place.expect(1, 'its schema is no JSON text', 'lint', '-', '--extension', 'foo.json', given=malware(1, 10))
    place.expect(1, 'it holds no extension-definition', 'lint', '-', '--extension', 'two.json', given=malware(1, 10))
    place.expect(1, '--schema goes with --extension', 'lint', '-', '--schema', 'foo.schema', given=malware(1, 10))


def test_extension(place):
    """At a node that does not run, and once by the control socket of one that does."""
    malware = write_extension(place)
    place.expect(0, 'declared', 'source', 'add', 'careful', '--profile', 'strict', '--dir', 'xx')
    place.expect(1, 'its schema is no JSON text.*nothing was registered', 'extension', 'add', 'foo.json', '--dir', 'xx')
    (place.path / 'bad.schema').write_text('{"properties":{"rank":{"pattern":"a"}}}')
    place.expect(1, 'schema:/properties/rank/pattern: "pattern" is no keyword that is checked here', 'extension', 'add',
                 'foo.json', '--schema', 'bad.schema', '--dir', 'xx')
    place.expect(1, 'it holds no extension-definition', 'extension', 'add', 'two.json', '--dir', 'xx')
    place.expect(1, 'no such extension', 'extension', 'remove', EXTENSION, '--dir', 'xx')
    place.expect(0, 'registered', 'extension', 'add', 'foo.json', '--schema', 'foo.schema', '--because', 'told', '--dir', 'xx')
    place.expect(0, f'{EXTENSION} +Foo +1.2.1 +property-extension +1', 'extension', 'list', '--dir', 'xx')
    check('another node has none', place.lines('extension', 'list', '--dir', 'kr') == [{'done': True, 'error': None}])
    told = place.lines('extension', 'show', EXTENSION, '--dir', 'xx')
    check('extension show --json', (told[0]['name'], json.loads(told[0]['definition'])['id'], json.loads(told[1]['schema'])
                                    ['required']) == ('Foo', EXTENSION, ['rank']), told)
    place.expect(1, 'rank is above 10', 'add', '-', '--source', 'careful', '--dir', 'xx', given=malware(1, 11))
    place.expect(0, '1 new', 'add', '-', '--source', 'careful', '--dir', 'xx', given=malware(2, 10))
    place.expect(0, 'removed', 'extension', 'remove', EXTENSION, '--dir', 'xx')
    check('nothing is registered', place.lines('extension', 'list', '--dir', 'xx') == [{'done': True, 'error': None}])
    place.expect(0, '1 new', 'add', '-', '--source', 'careful', '--dir', 'xx', given=malware(3, 11))


def test_init(place):
    init = ['init', 'x', '--name', 'x', '--country', 'KR', '--passphrase-file']
    place.expect(1, 'a passphrase has 8 to', *init, 'short')
    check('a refused init leaves nothing behind', not (place.path / 'x').exists())
    place.expect(1, 'nofile: not found', *init, 'nofile')
    place.expect(2, 'country', 'init', 'x', '--name', 'x', '--country', 'kr', '--passphrase-file', 'pass')
    place.expect(2, 'node is not a name', 'init', 'x', '--name', 'X X', '--country', 'KR', '--passphrase-file', 'pass')
    place.expect(2, 'HOST:PORT', *init, 'pass', '--listen', 'nowhere')
    place.expect(1, 'the one above it is missing', 'init', 'a/b/c', '--name', 'x', '--country', 'KR', '--passphrase-file', 'pass')
    place.make('kr', 'KR')
    place.make('us', 'US')
    place.expect(1, 'not host:port', *init, 'pass', '--listen', '127.0.0.1:0')
    check('an init for no address leaves nothing behind', not (place.path / 'x').exists())
    place.expect(1, 'there is a node in kr already', 'init', 'kr', '--name', 'kr', '--country', 'KR', '--passphrase-file', 'pass')
    place.expect(1, 'not the passphrase', 'card', 'us', '--renew', '--passphrase-file', 'short')
    conf = place.path / 'kr' / 'bongsu.yaml'
    text = conf.read_text()
    conf.write_text(text.replace('country:', 'contry:'))
    line = 1 + text[:text.index('country: ')].count('\n')
    place.expect(1, f'line {line}', 'status', '--dir', 'kr')
    conf.write_text(text)


def test_stopped(place):
    """Commands of a node that does not run."""
    place.expect(0, r'kr \(KR\): not running.*0 objects.*no policy: nothing leaves', 'status', '--dir', 'kr')
    place.expect(0, 'made again.*0 objects', 'reindex', 'kr')
    place.expect(0, 'whole', 'check', '--dir', 'kr')


def test_together(place):
    """Commands that overlap share the store that the first one began: its end must cut off nobody."""
    place.make('many', 'KR')
    text = json.dumps({'type': 'tool', 'spec_version': '2.1', 'id': f'tool--{MARKING}', 'created': '2026-01-01T00:00:00Z',
                       'modified': '2026-01-01T00:00:00Z', 'name': 'one'}).encode()
    place.run('add', '-', '--source', 'feed', '--dir', 'many', given=text)
    failed = []
    for gap in (0, 0.003, 0.01, 0.03):
        running = []
        for _ in range(12):
            running.append(subprocess.Popen([PROGRAM, 'versions', f'tool--{MARKING}', '--dir', 'many'], cwd=place.path,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            time.sleep(gap)
        for process in running:
            out, err = process.communicate(timeout=60)
            if process.returncode != 0 or b'feed' not in out or err:
                failed.append((gap, process.returncode, out[-200:], err[-200:]))
    check('commands that overlap are all answered', not failed, failed[:3])
    place.expect(0, 'whole', 'check', '--dir', 'many')


def test_running(place):
    place.start('kr')
    place.start('us')
    place.expect(1, 'the node in kr runs .*stop it first', 'reindex', 'kr')
    place.expect(1, 'runs already', 'serve', 'kr')
    conf = (place.path / 'kr' / 'bongsu.yaml').read_text()
    place.make('xx', 'JP')
    port = re.search(r'^listen: "(.*)"', conf, re.M).group(1)
    other = place.path / 'xx' / 'bongsu.yaml'
    other.write_text(re.sub(r'^listen: .*', f'listen: "{port}"', other.read_text(), flags=re.M))
    got, _, err = place.run('serve', 'xx')
    said = [json.loads(line) for line in err.splitlines()]
    check('a taken port ends serve', got == 1, got)
    check('a taken port is named', any(port.split(':')[1] in line['what'] for line in said), err)
    check('it says what to do', any('next' in line for line in said), err)


def test_start_beside_a_command(place):
    """Who asks while the node starts may have the store open still: the node waits for its end."""
    place.make('late', 'KR')
    place.expect(0, 'not running', 'status', '--dir', 'late')
    with (place.path / 'late' / 'store' / 'LOCK').open('rb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(1, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        place.start('late')
    place.expect(0, 'running', 'status', '--dir', 'late')
    place.stop('late')


def test_sources(place):
    kr = ['--dir', 'kr']
    place.expect(0, 'declared', 'source', 'add', 'kr-cert', *kr)
    place.expect(2, 'needs a reason .*--because', 'source', 'add', 'kr-feed', '--assume', 'tlp:clear', *kr)
    place.expect(2, 'purple is not a TLP level .*amber', 'source', 'add', 'f', '--assume', 'purple', '--because', 'x', *kr)
    place.expect(2, 'that is over', 'source', 'add', 'f', '--assume', 'clear', '--because', 'x', '--until', '2020-01-01', *kr)
    place.expect(2, 'not a date', 'source', 'add', 'f', '--until', 'soon', *kr)
    place.expect(1, 'names are of', 'source', 'add', 'A B', *kr)
    place.expect(0, 'declared', 'source', 'add', 'kr-feed', '--assume', 'tlp:clear', '--because', '공개 자료', '--until',
                 '2099-01-01', *kr)
    place.expect(0, r'kr-feed +own +standard +yes +no +0 +clear +2099-01-01', 'source', 'list', *kr)


def test_accept(place):
    kr = ['--dir', 'kr']
    words = ['source', 'accept', 'picky', *kr, '--because', 'agreed']
    place.expect(0, 'declared', 'source', 'add', 'picky', *kr)
    place.expect(2, 'No type is no type', *words, '--types', 'No type')
    place.expect(2, 'is no identity', *words, '--identities', 'malware--' + MARKING)
    place.expect(2, 'pink is not a TLP level', *words, '--tlp-max', 'pink')
    for volume in ('5', '5/1y', 'x/1d', '0/1d', '5XB/1d'):
        place.expect(2, 'volume: objects, bytes or both', *words, '--volume', volume)
    for quota in ('sighting', 'sighting=5', 'sighting=0/1d', 'sighting=5/1y', 'Sighting=5/1d', 'sigting=5/1d',
                  'sighting=1/1d,sighting=2/1d'):
        place.expect(2, 'quota: |types: ', *words, '--quota', quota)
    place.expect(0, r'picky +any +any +any .*sighting=1000/1d,opinion=200/90m +0', *words, '--quota',
                 'sighting=1000/1d,opinion=200/90m')
    place.expect(2, 'or --anything', *words)
    place.expect(2, 'stands alone', *words, '--anything', '--types', 'indicator')
    place.expect(2, 'needs a reason', *words[:-2], '--types', 'indicator')
    place.expect(2, 'did you mean `indicator`', *words, '--types', 'indicatr,malware')
    place.expect(2, 'a type has a-z', *words, '--types', '지표')
    place.expect(1, 'no source nobody', 'source', 'accept', 'nobody', '--anything', *kr)
    place.expect(0, 'picky +identity +any +any +1d +0 +2 +0 +1000000.*in force', *words, '--types', 'identity', '--volume',
                 '2,1MB/1d')
    things = [{'type': 'identity', 'spec_version': '2.1', 'id': f'identity--0000000{n}{MARKING[8:]}', 'name': 'x',
               'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z'} for n in (1, 2, 3)]
    things.append(dict(things[0], type='campaign', id='campaign--' + MARKING))
    (place.path / 'picky.json').write_text(json.dumps({'objects': things}))
    place.expect(1, 'number of objects accepted.*campaign are not accepted', 'add', 'picky.json', '--source', 'picky', *kr)
    waiting = [line for line in place.lines('quarantine', 'list', *kr) if line.get('source') == 'picky']
    check('what is outside waits', [line['code'] for line in waiting] == ['denied', 'denied'], waiting)
    for line in waiting:
        place.expect(1, 'refused again', 'quarantine', 'retry', line['number'], *kr)
    place.expect(0, 'everything is accepted', *words, '--anything')
    for line in waiting:
        place.expect(0, 'new', 'quarantine', 'retry', line['number'], *kr)


def test_add(place):
    kr = ['--dir', 'kr']
    place.expect(2, '--source NAME is needed', 'add', CAMPAIGN / 'kr-cert.json', *kr)
    count = len(objects_of('kr-cert.json'))
    place.expect(0, f'{count} new', 'add', CAMPAIGN / 'kr-cert.json', '--source', 'kr-cert', *kr)
    place.expect(0, f'0 new, {count} duplicate', 'add', CAMPAIGN / 'kr-cert.json', '--source', 'kr-cert', *kr)
    place.expect(0, r'\d+ new', 'add', CAMPAIGN / 'kr-feed-unmarked.jsonl', '--source', 'kr-feed', *kr)
    sensor = (CAMPAIGN / 'kr-sensor.json').read_bytes()
    count = len(objects_of('kr-sensor.json'))
    place.expect(0, r'\d+ new', 'add', '-', '--source', 'kr-sensor', *kr, given=gzip.compress(sensor))
    again = f'0 new, {count} duplicate'
    place.expect(0, again, 'add', '-', '--source', 'kr-sensor', *kr, given=sensor)
    (place.path / 's.gz').write_bytes(gzip.compress(sensor[:700]) + gzip.compress(sensor[700:]))
    place.expect(0, again, 'add', 's.gz', '--source', 'kr-sensor', *kr)
    place.expect(1, '1 refused.*this is packed by gzip, perhaps twice', 'add', '-', '--source', 'kr-sensor', *kr,
                 given=gzip.compress(gzip.compress(sensor)))
    kept = [line['number'] for line in place.lines('quarantine', 'list', *kr) if 'packed by gzip' in line.get('what', '')]
    check('and is kept for that reason', len(kept) == 1, kept)
    for number in kept:
        place.expect(0, '', 'quarantine', 'drop', number, *kr)
    (place.path / 'cut.gz').write_bytes(gzip.compress(sensor)[:400])
    place.expect(1, 'cut.gz: the input ends too early', 'add', 'cut.gz', '--source', 'kr-sensor', *kr)
    (place.path / 'bomb.gz').write_bytes(gzip.compress(bytes(16 << 20)) * 128)
    place.expect(1, BOMB, 'add', 'bomb.gz', '--source', 'kr-sensor', *kr, limit=UNPACKED_MAX, of=resource.RLIMIT_FSIZE)
    if shutil.which('zstd'):
        packed = zstd(sensor)
        place.expect(0, again, 'add', '-', '--source', 'kr-sensor', *kr, given=packed)
        place.expect(1, 'ends too early', 'add', '-', '--source', 'kr-sensor', *kr, given=packed[:300])
    else:
        skip('add of zstd', 'there is no zstd program')
    (place.path / 'empty').write_bytes(b'')
    place.expect(1, '0 new.*empty: it is empty.*is a directory.*not found', 'add', 'empty', '.', 'nothing', '--source', 'kr-cert',
                 *kr)


def test_refusals(place):
    kr = ['--dir', 'kr']
    good = objects_of('kr-cert.json')[0]
    bad = {**good, 'id': good['type'] + '--' + MARKING, 'created': '나중에'}
    text = json.dumps({'type': 'bundle', 'id': 'bundle--' + MARKING, 'objects': [good, bad]}, ensure_ascii=False)
    (place.path / 'bad.json').write_text(text)
    at = text.encode().index('"나중에"'.encode())
    place.expect(1, rf'bad.json: object 1 {bad["id"]}, byte {at}, /created: .*STIX 2.1.*quarantine show \d+', 'add', 'bad.json',
                 '--source', 'kr-cert', *kr)
    line = place.lines('add', 'bad.json', '--source', 'kr-cert', *kr)[0]
    place_of = (line['object'], line['id'], line['pointer'], line['offset'])
    check('a refusal as JSON', place_of == (1, bad['id'], '/created', at), line)
    number = line['number']
    got, out, err = place.run('quarantine', 'show', number, *kr)
    exact = json.dumps(bad, ensure_ascii=False)
    check('quarantine show gives the exact bytes', got == 0 and out == exact, out)
    check('and tells the rest beside them', '/created' in err and 'kr-cert' in err, err)
    inside = exact.encode().index('"나중에"'.encode())
    check('with the place in what is kept', f'byte {inside} of' in ' '.join(err.split()), err)
    place.expect(0, rf'{number} .*/created', 'quarantine', 'list', *kr)
    place.expect(1, 'refused again', 'quarantine', 'retry', number, *kr)
    same = [line['number'] for line in place.lines('quarantine', 'list', *kr) if 'number' in line]
    check('retried in vain: the entry stays as it was', same == [int(number)], same)
    place.expect(1, rf'quarantine show {number}', 'add', 'bad.json', '--source', 'kr-cert', *kr)
    same = [line['number'] for line in place.lines('quarantine', 'list', *kr) if 'number' in line]
    check('added again: the same entry', same == [int(number)], same)
    place.expect(0, 'dropped', 'quarantine', 'drop', number, *kr)
    place.expect(1, 'no such entry', 'quarantine', 'drop', number, *kr)
    place.expect(2, 'not a number', 'quarantine', 'show', 'x', *kr)
    (place.path / 'broken').write_bytes(b'{"type":"bundle","objects":[\xff]}')
    place.expect(1, 'byte 28', 'add', 'broken', '--source', 'kr-cert', *kr)


def generated(count):
    for i in range(count):
        yield json.dumps({'type': 'ipv4-addr', 'spec_version': '2.1', 'id': f'ipv4-addr--{i:08x}-0000-4000-8000-000000000000',
                          'value': f'10.{i >> 16}.{i >> 8 & 255}.{i & 255}', 'x_text': 'x' * 200})


def test_large(place):
    """More than the program may have in memory: the data segment is bounded to a fraction of the file."""
    path = place.path / 'large.json'
    with open(path, 'w') as file:
        file.write('{"type":"bundle","id":"bundle--' + MARKING + '","objects":[')
        file.write(','.join(generated(20000)))
        pad = ',"x_pad":["' + 'y' * (250 << 20) + '"]'
        file.write(']' + pad + '}')
    got, out, err = place.run('add', path, '--source', 'large', '--dir', 'us', limit=120 << 20)
    check('a file larger than memory goes in', got == 0 and '20000 new' in out, out + err)
    with open(path, 'w') as file:
        file.write('{"objects":[' + ','.join(generated(20000)))
    got, out, err = place.run('add', path, '--source', 'large', '--dir', 'us')
    check('a large file that breaks off says where', got == 1 and f'byte {path.stat().st_size}' in err, err)
    check('and what was whole is there', '20000 duplicate' in out, out)
    path.unlink()


def test_policy(place):
    kr = ['--dir', 'kr']
    place.expect(1, 'there is no policy', 'policy', 'show', *kr)
    text = POLICY.read_text()
    at = text.index('release')
    (place.path / 'bad.policy').write_text(text.replace('release', 'relase'))
    for what in ('check', 'activate', 'diff'):
        place.expect(1, r'line \d+, column \d+: .*did you mean .release', 'policy', what, 'bad.policy', *kr)
    check('the policy has the word', at > 0)
    place.expect(0, 'well formed', 'policy', 'check', POLICY, *kr)
    place.expect(0, 'in force', 'policy', 'activate', POLICY, *kr)
    place.expect(0, 'Nothing here would be', 'policy', 'diff', POLICY, *kr)


def test_policy_examples(place):
    examples = POLICY.with_suffix('.expect').read_text()
    place.expect(0, r'right .*RED never leaves.*\n1\d right, 0 wrong', 'policy', 'test', POLICY)
    shutil.copy(POLICY, place.path / 'my.policy')
    beside = place.path / 'my.expect'
    place.expect(1, 'my.expect', 'policy', 'test', 'my.policy')
    beside.write_text(examples.replace('deny red', 'release open', 1))
    place.expect(1, r'WRONG.*deny by red, expected release by open.*deny red decides: .*1 wrong', 'policy', 'test', 'my.policy')
    code, out, _ = place.run('policy', 'test', 'my.policy', '--json')
    lines = [json.loads(line) for line in out.splitlines()]
    check('policy test --json', code == 1 and [line['rule'] for line in lines if not line['right']] == ['red'], out)
    activate = ('policy', 'activate', 'my.policy', '--dir', 'kr')
    place.expect(1, 'was not touched: the examples in my.expect do not hold', *activate)
    place.expect(2, '--untested wants --because', *activate, '--untested')
    place.expect(0, 'in force', *activate, '--untested', '--because', 'to see that it can be done')
    beside.write_text(examples.replace('country US', 'country usa', 1))
    place.expect(1, r'my.expect: line 2: `usa` is no two-letter code.*did you mean `US`', 'policy', 'test', 'my.policy')
    beside.write_text(examples)
    (place.path / 'named.policy').write_text(POLICY.read_text() + 'deny far if partner == kr\n')
    said = r'my.expect: line \d+: the policy names `kr`: say `partner kr`'
    place.expect(1, said, 'policy', 'test', 'named.policy', 'my.expect')
    beside.write_text(examples.replace('expect us-cisa deny red', 'expect us-cisa perhaps red', 1))
    place.expect(1, r'my.expect: line \d+: expect PARTNER deny.hold.release RULE', 'policy', 'test', 'my.policy')
    beside.write_text(examples.replace('"type": "indicator"', '"type": "indicator', 1))
    place.expect(1, r'my.expect: line \d+: the object', 'policy', 'test', 'my.policy')
    place.expect(2, 'what is more', 'policy', 'test', 'my.policy', 'my.expect', 'more')


def test_peers(place):
    kr = ['--dir', 'kr']
    place.expect(2, 'audience is missing', 'peer', 'add', 'us.card', *kr)
    place.expect(1, 'our own card', 'peer', 'add', 'kr.card', '--audience', 'me', *kr)
    place.expect(1, 'the card is refused', 'peer', 'add', 'pass', '--audience', 'me', *kr)
    place.expect(0, r'Words of its root key.*telephone.*Paused, without history.*would release [1-9]\d\d, hold', 'peer', 'add',
                 'us.card', '--audience', 'us-cisa', *kr)
    place.expect(0, 'Words', 'peer', 'add', 'kr.card', '--audience', 'kr-kisa', '--dir', 'us')
    place.expect(0, 'cannot prove', 'peer', 'add-taxii', 'jp', '--country', 'JP', *kr)
    place.expect(0, '', 'card', 'us', '--renew', '--passphrase-file', 'pass')
    (place.path / 'us2.card').write_text(place.run('card', 'us')[1])
    place.expect(0, '', 'peer', 'add', 'us2.card', '--audience', 'us-cisa', *kr)
    place.expect(1, 'not newer', 'peer', 'add', 'us.card', '--audience', 'us-cisa', *kr)
    place.expect(1, 'there is no partner nobody', 'peer', 'start', 'nobody', *kr)
    place.expect(0, 'started', 'peer', 'start', 'us-cisa', '--history', *kr)
    place.expect(0, 'started', 'peer', 'start', 'kr-kisa', '--dir', 'us')
    until('us receives', lambda: partner(place, 'us', 'kr-kisa').get('received', 0) > 100)
    until('kr has the receipt', lambda: partner(place, 'kr', 'us-cisa')['receipted'] > 100)


def partner(place, name, audience):
    return [line for line in place.lines('status', '--dir', name) if line.get('audience') == audience][0]


def test_deciding(place):
    kr = ['--dir', 'kr']
    indicator = [thing['id'] for thing in objects_of('kr-cert.json') if thing['type'] == 'indicator'][0]
    marking = [thing['id'] for thing in objects_of('kr-cert.json') if thing.get('definition_type') == 'statement'][0]
    place.expect(0, 'decides.*Released .rule', 'policy', 'explain', indicator, 'us-cisa', *kr)
    place.expect(2, 'not a STIX identifier', 'policy', 'explain', 'x', 'us-cisa', *kr)
    place.expect(1, 'no such object', 'policy', 'explain', f'indicator--{MARKING}', 'us-cisa', *kr)
    place.expect(0, 'tagged', 'tag', 'add', indicator, '나라:급함', *kr)
    place.expect(0, 'removed', 'tag', 'remove', indicator, '나라:급함', *kr)
    place.expect(1, 'not removed', 'tag', 'remove', indicator, '나라:급함', *kr)
    place.expect(2, 'needs a reason', 'marking', 'classify', marking, '--as', 'tlp:clear', *kr)
    for name, meant in (('US', 'did you mean USA'), ('usa', 'did you mean USA'), ('QQQ', 'no three-letter code'),
                        ('KOR,,USA', 'no three-letter code')):
        place.expect(2, meant, 'marking', 'classify', marking, '--as', 'tlp:green', '--rel-to', name, '--because', 'x', *kr)
    place.expect(0, 'REL TO KOR,FVEY.*FVEY is no community of the policy in force', 'marking', 'classify', marking, '--as',
                 'tlp:amber', '--rel-to', 'KOR,FVEY', '--because', 'x', *kr)
    place.expect(0, 'classified as tlp:amber, REL TO KOR,USA; what carries it is decided again\n$', 'marking', 'classify',
                 marking, '--as', 'tlp:amber', '--rel-to', 'KOR,USA', '--because', 'x', *kr)
    place.expect(1, "peer.us-cisa is a partner's source", 'source', 'add', 'peer.us-cisa', '--assume', 'tlp:clear', '--because',
                 'x', *kr)
    place.expect(1, 'another version is the newest.*bongsu object show ID', 'approve', indicator, 'us-cisa', '--version',
                 '2020-01-01T00:00:00Z', *kr)
    place.expect(0, 'classified as tlp:clear', 'marking', 'classify', marking, '--as', 'tlp:clear', '--because', '공개', *kr)
    place.expect(1, 'add what carries it', 'marking', 'classify', f'marking-definition--{MARKING}', '--as', 'clear',
                 '--because', 'x', *kr)
    place.expect(0, 'denied.*taken back', 'deny', indicator, 'us-cisa', *kr)
    place.expect(0, 'Denied by rule built-in.operator', 'policy', 'explain', indicator, 'us-cisa', *kr)
    place.expect(0, 'approved', 'approve', indicator, 'us-cisa', *kr)
    for kind in ('partner', 'source', 'rule'):
        place.expect(1, f'there is no {kind} nix', 'stop-release', f'--{kind}', 'nix', *kr)
    for more in ([], ['--partner', 'us-cisa'], ['--source', 'kr-cert'], ['--rule', 'open']):
        place.expect(0, 'are stopped', 'stop-release', *more, *kr)
        words = ' '.join(more)
        place.expect(0, rf'STOPPED: nothing is released.*stop-release {words + " " if words else ""}--lift', 'status', *kr)
        lines = place.lines('status', *kr)
        stops = [(line['stop'], line['name']) for line in lines if 'stop' in line]
        wanted = [(more[0][2:], more[1]) if more else ('all', '')]
        check(f'status --json names the stop {words}', stops == wanted and lines[0]['stops'] == 1, lines)
        place.expect(0, 'go on', 'stop-release', *more, '--lift', *kr)
        place.expect(1, 'no such stop', 'stop-release', *more, '--lift', *kr)
    check('status names no stop that was lifted', not [line for line in place.lines('status', *kr) if 'stop' in line])
    place.expect(2, 'one of partner', 'stop-release', '--partner', 'us-cisa', '--rule', 'open', *kr)


def test_people(place):
    """Holds with a deadline are listed and decided; a difference is counted before it is made."""
    kr = ['--dir', 'kr']
    rule = 'hold ask if type == indicator to us-cisa deadline 48h remind 24h default deny\n'
    thing = {'type': 'indicator', 'spec_version': '2.1', 'id': 'indicator--0b7d7ffc-7f2b-4a57-9a5a-3d1f7c0a4e11',
             'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'pattern_type': 'stix',
             'pattern': "[ipv4-addr:value = '198.51.100.77']", 'valid_from': '2026-01-01T00:00:00Z',
             'object_marking_refs': ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb']}
    (place.path / 'asking.policy').write_text(POLICY.read_text() + rule)
    (place.path / 'asked.json').write_text(json.dumps(thing))
    place.expect(0, 'in force', 'policy', 'activate', 'asking.policy', *kr)
    place.expect(0, '1 new', 'add', 'asked.json', '--source', 'kr-cert', *kr)
    def waits(*words):
        return [line for line in place.lines('holds', 'list', *words, *kr) if line.get('id') == thing['id']]
    until('the object waits', waits)
    line = waits('--audience', 'us-cisa')[0]
    good = line['rule'] == 'ask' and line['default'] == 'deny' and line['deadline'] > line['since']
    check('the queue says by which rule and until when', good, line)
    check('and what ends it', line['ended_by'] == f'bongsu holds approve {line["number"]} us-cisa', line)
    carried = {**thing, 'id': 'indicator--0b7d7ffc-7f2b-4a57-9a5a-3d1f7c0a4e12', 'object_marking_refs':
               ['marking-definition--0b7d7ffc-7f2b-4a57-9a5a-3d1f7c0a4e13']}
    (place.path / 'carried.json').write_text(json.dumps(carried))
    place.expect(0, '1 new', 'add', 'carried.json', '--source', 'kr-cert', *kr)
    def held():
        return [x for x in place.lines('holds', 'list', '--audience', 'us-cisa', *kr) if x.get('id') == carried['id']]
    until('what no approval ends stands in the queue', held)
    check('with what does', held()[0]['ended_by'] == f'{carried["object_marking_refs"][0]} has to arrive', held())
    place.expect(1, 'no approval ends.*has to arrive', 'holds', 'approve', held()[0]['number'], 'us-cisa', *kr)
    queued = [x['queued'] for x in place.lines('status', *kr) if x.get('audience') == 'us-cisa' and 'queued' in x]
    check('status counts what the queue lists', queued == [len([x for x in place.lines('holds', 'list', '--audience',
                                                                                       'us-cisa', *kr) if 'id' in x])])
    place.expect(0, 'wait for a person before they go to us-cisa', 'status', *kr)
    def late():
        return next(x for x in place.lines('status', *kr) if x.get('audience') == 'us-cisa' and 'queued' in x)
    times = [x['deadline'] for x in place.lines('holds', 'list', '--audience', 'us-cisa', *kr) if x.get('deadline')]
    check('status says the nearest deadline', (late()['reminded'], late()['next_deadline']) == (0, min(times)), late())
    check('and nothing of a reminder yet', 'past their reminder' not in place.run('status', *kr)[1])
    (place.path / 'hasty.policy').write_text(POLICY.read_text() + rule.replace('remind 24h', 'remind 1s'))
    place.expect(0, 'in force', 'policy', 'activate', 'hasty.policy', *kr)
    until('status counts what is past its reminder', lambda: late()['reminded'] == late()['waiting'] > 0)
    place.expect(0, 'of them are past their reminder; the nearest deadline is 20', 'status', *kr)
    metrics = scrape(place.path / 'kr' / 'metrics.sock')
    counted_there = re.search(r'bongsu_reminded_objects\{partner="us-cisa"\} (\d+)', metrics)
    check('metrics too', counted_there is not None and int(counted_there[1]) == late()['reminded'], metrics[-3000:])
    deadline = re.search(r'bongsu_hold_deadline_seconds\{partner="us-cisa"\} (\d+)', metrics)
    check('with the nearest deadline', deadline is not None and int(deadline[1]) > time.time(), deadline)
    place.expect(0, 'in force', 'policy', 'activate', 'asking.policy', *kr)
    place.expect(0, 'us-cisa: 1 would newly go out, 0 that it has', 'policy', 'diff', POLICY, *kr)
    (place.path / 'denying.policy').write_text(POLICY.read_text() + 'deny ask if type == indicator to us-cisa\n')
    place.expect(0, 'us-cisa: [1-9][0-9]* that wait would be denied', 'policy', 'diff', 'denying.policy', *kr)
    told = [x for x in place.lines('policy', 'diff', 'denying.policy', *kr) if x.get('change') == 'denied']
    check('a line says both effects', told and (told[0]['now_effect'], told[0]['then_effect'],
                                                told[0]['then']) == ('hold', 'deny', 'ask'), told)
    cut = POLICY.read_text().replace('to all ', 'to all with redact "name" ')
    (place.path / 'cut.policy').write_text(cut)
    place.expect(0, 'us-cisa: [0-9]+ would leave in another form: 0 newly whole, [1-9][0-9]* newly in part', 'policy', 'diff',
                 'cut.policy', *kr)
    place.expect(0, 'Held for a person by rule ask', 'holds', 'show', thing['id'], 'us-cisa', *kr)
    newer = {**thing, 'modified': '2026-02-01T00:00:00.000Z', 'description': 'nobody has read this'}
    (place.path / 'newer.json').write_text(json.dumps(newer))
    read = line['number']
    check('the queue names the version', line['version'].startswith('2026-01-01T00:00:00'), line)
    place.expect(0, '1 new', 'add', 'newer.json', '--source', 'kr-cert', *kr)
    place.expect(1, 'does not wait|another version', 'holds', 'approve', read, 'us-cisa', *kr)
    place.expect(1, 'another version is the newest.*2026-02-01', 'approve', thing['id'], 'us-cisa', '--version',
                 thing['modified'], *kr)
    until('the newer version waits', lambda: waits()[0]['number'] != read)
    place.expect(1, 'does not wait', 'holds', 'approve', read, 'us-cisa', *kr)
    place.expect(2, 'no time', 'approve', thing['id'], 'us-cisa', '--version', 'new', *kr)
    shown = [one for one in place.lines('holds', 'show', thing['id'], 'us-cisa', *kr) if 'number' in one]
    check('holds show says which version it is about', shown[0]['number'] == waits()[0]['number'], shown)
    place.expect(0, 'approved.*version 2026-02-01.*rule ask asked', 'holds', 'approve', shown[0]['number'], 'us-cisa', *kr)
    until('an approval lets it go', lambda: 'Released' in place.run('policy', 'explain', thing['id'], 'us-cisa', *kr)[1])
    check('what was approved waits no longer', not waits())
    rival = {**newer, 'object_marking_refs': ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1']}
    (place.path / 'rival.json').write_text(json.dumps(rival))
    place.expect(0, 'declared', 'source', 'add', 'rival-feed', *kr)
    place.run('add', 'rival.json', '--source', 'rival-feed', *kr)
    until('explain names whose stricter copy binds', lambda: 'that rival-feed brought (number' in place.run(
        'policy', 'explain', thing['id'], 'us-cisa', *kr)[1])
    (place.path / 'slow.policy').write_text('language 1\nbudget slow to us-cisa 1 objects per 30d\n'
                                            'release slowly if type == indicator to us-cisa\n')
    place.expect(0, 'in force', 'policy', 'activate', 'slow.policy', '--untested', '--because', 'test', *kr)
    late = {**thing, 'id': 'indicator--0b7d7ffc-7f2b-4a57-9a5a-3d1f7c0a4e14'}
    (place.path / 'late.json').write_text(json.dumps(late))
    place.expect(0, '1 new', 'add', 'late.json', '--source', 'kr-cert', *kr)
    until('explain says when a budget has room again', lambda: 'budget has room again from 20' in place.run(
        'policy', 'explain', late['id'], 'us-cisa', *kr)[1])
    place.expect(1, 'no approval ends rule built-in.budget.*room again from 20', 'approve', late['id'], 'us-cisa', *kr)
    place.expect(0, 'denied for us-cisa', 'deny', late['id'], 'us-cisa', *kr)
    (place.path / 'brief.policy').write_text('language 1\nrelease brief if type == indicator to us-cisa with expire 1s\n')
    place.expect(0, 'in force', 'policy', 'activate', 'brief.policy', '--untested', '--because', 'test', *kr)
    brief = {**thing, 'id': 'indicator--0b7d7ffc-7f2b-4a57-9a5a-3d1f7c0a4e15'}
    (place.path / 'brief.json').write_text(json.dumps(brief))
    place.expect(0, '1 new', 'add', 'brief.json', '--source', 'kr-cert', *kr)
    until('explain says that its time is over', lambda: 'time with it is over; only a newer version' in place.run(
        'policy', 'explain', brief['id'], 'us-cisa', *kr)[1])
    place.expect(1, 'no approval ends rule built-in.expired.*newer version', 'approve', brief['id'], 'us-cisa', *kr)
    ended = POLICY.read_text().replace('deny ', 'agreement mou { partners [us-cisa]; valid-until 2020-01-01 }\ndeny ', 1)
    (place.path / 'ended.policy').write_text(ended)
    place.expect(0, 'in force', 'policy', 'activate', 'ended.policy', *kr)
    place.expect(0, 'agreement mou with us-cisa ended 2020-01-01.*peer pause us-cisa', 'status', *kr)
    place.expect(1, 'no policy waits', 'policy', 'confirm', '01234567', *kr)
    place.expect(0, 'in force', 'policy', 'activate', POLICY, *kr)


def test_two_operators(place):
    """What waits for a second operator is read, and confirmed by its digest. From here on no policy comes into force."""
    kr = ['--dir', 'kr']
    (place.path / 'two.policy').write_text(POLICY.read_text() + 'activation by 2\n')
    place.expect(0, 'No policy waits', 'policy', 'pending', *kr)
    place.expect(0, 'in force.*wants two operators', 'policy', 'activate', 'two.policy', *kr)
    place.expect(1, 'no operators.*operators: ', 'policy', 'activate', 'two.policy', *kr)
    if os.geteuid() != 0:
        return skip('two operators', 'needs root')
    place.stop('kr')
    place.declare('kr', 'daemon', 'bin')
    place.start('kr')

    def daemon(status, pattern, *words):
        got, out, err = place.by('daemon', *words, *kr)
        check('daemon: ' + ' '.join(map(str, words)), got == status and re.search(pattern, out + err, re.S), (got, out, err))
    digests = []
    for number in range(2):
        (place.path / 'next.policy').write_text(POLICY.read_text() + f'# {number}\n')
        daemon(0, 'Not in force yet.*policy confirm', 'policy', 'activate', 'next.policy')
        place.expect(0, rf'# {number}', 'policy', 'pending', *kr)
        digests.append(hashlib.sha256((place.path / 'next.policy').read_bytes()).hexdigest())
    place.expect(0, f'policy confirm {digests[1][:8]}', 'status', *kr)
    place.expect(1, 'another policy waits', 'policy', 'confirm', digests[0][:12], *kr)
    place.expect(2, 'first 8 characters', 'policy', 'confirm', digests[1][:7], *kr)
    daemon(1, 'you activated it yourself', 'policy', 'confirm', digests[1])
    return place.expect(1, 'is none of them.*counted so far: daemon', 'policy', 'confirm', digests[1], *kr)


def test_definitions(place):
    """ACS 3.0 and TLP 2.0 under ids of their own, without a marking: they go along with what carries them, and not alone."""
    kr = ['--dir', 'kr']
    when = {'spec_version': '2.1', 'created': '2026-01-01T00:00:00.000Z'}
    acs = {'extension_type': 'property-extension', 'identifier': 'i', 'create_date_time': '2018-05-27T14:10:26.723Z',
           'responsible_entity_custodian': 'USA.DHS',
           'policy_reference': 'urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit',
           'control_set': {'classification': 'U', 'formal_determination': ['PUBREL']}}
    tlp = {'extension_type': 'property-extension', 'tlp_2_0': 'amber'}
    for number, (extension, said) in enumerate((('3a65884d-005a-4290-8335-cb2d778a83ce', acs),
                                                ('60a3c5c5-0d10-413e-aab3-9e08dde9e88d', tlp))):
        uuid = f'00000000-0000-4000-8000-0000000000d{number}'
        marking = {**when, 'type': 'marking-definition', 'id': f'marking-definition--{uuid}', 'name': f'own {number}',
                   'extensions': {f'extension-definition--{extension}': said}}
        thing = {**when, 'type': 'indicator', 'id': f'indicator--{uuid}', 'modified': when['created'], 'pattern_type': 'stix',
                 'pattern': "[url:value = 'http://x.test/']", 'valid_from': when['created'],
                 'object_marking_refs': [marking['id']]}
        (place.path / 'definition.json').write_text(json.dumps(marking))
        (place.path / 'marked.json').write_text(json.dumps(thing))
        place.expect(0, '1 new', 'add', 'definition.json', '--source', 'kr-cert', *kr)
        explain = ('policy', 'explain', marking['id'], 'us-cisa', *kr)
        place.expect(0, 'built-in.follows.*Not released by itself: it goes along with what names it', *explain)
        place.expect(0, '1 new', 'add', 'marked.json', '--source', 'kr-cert', *kr)
        if number == 1:
            place.expect(0, 'Not released by itself', *explain)
            place.expect(0, 'tagged', 'tag', 'add', thing['id'], 'share:us-cisa', *kr)
            place.expect(0, 'approved', 'approve', thing['id'], 'us-cisa', *kr)
        until('an unmarked definition goes along', lambda e=explain: 'Released along with what names it' in place.run(*e)[1])
        got = [line for line in place.lines('ledger', 'show', 'us-cisa', *kr) if line.get('id', '').endswith(uuid)]
        check('with what names it, and before it', [line['id'] for line in got] == [marking['id'], thing['id']], got)


def test_ledger(place):
    kr = ['--dir', 'kr']
    indicator = [thing['id'] for thing in objects_of('kr-cert.json') if thing['type'] == 'indicator'][0]
    place.expect(0, r'all \d+ leaves were made again', 'ledger', 'verify', 'us-cisa', *kr)
    place.expect(0, rf'release +{indicator}', 'ledger', 'show', 'us-cisa', *kr)
    place.expect(0, 'proves leaf', 'ledger', 'prove', 'us-cisa', indicator, '--out', 'p.proof', *kr)
    raw = place.run('object', 'show', indicator, '--raw', *kr)[1]
    (place.path / 'o.json').write_text(raw)
    check('object show --raw is the object', json.loads(raw)['id'] == indicator, raw)
    place.expect(0, 'holds exactly.*verified: in the ledger bongsu/kr/us-cisa/0', 'ledger', 'verify-proof', 'p.proof', '--card',
                 'kr.card', '--object', 'o.json')
    place.expect(1, 'not what was released', 'ledger', 'verify-proof', 'p.proof', '--card', 'kr.card', '--object', 'pass')
    place.expect(1, 'the card is of us', 'ledger', 'verify-proof', 'p.proof', '--card', 'us.card')
    place.expect(2, '--card FILE is needed', 'ledger', 'verify-proof', 'p.proof')
    proof = (place.path / 'p.proof').read_text()
    index = int(re.search(r'^index (\d+)$', proof, re.M).group(1))
    (place.path / 'q.proof').write_text(proof.replace(f'index {index}', f'index {index + 1}'))
    place.expect(1, 'does not verify', 'ledger', 'verify-proof', 'q.proof', '--card', 'kr.card')
    place.expect(1, 'nothing of it was released', 'ledger', 'prove', 'us-cisa', f'indicator--{MARKING}', '--out', 'r', *kr)
    check('a failed proof writes no file', not (place.path / 'r').exists())


def scrape(path):
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        link.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        answer = b''
        while piece := link.recv(65536):
            answer += piece
    return answer.decode()


def test_watching(place):
    place.expect(0, r'kr \(KR\): running on port \d+ since .*healthy.*in quarantine.*a policy is in force.*us-cisa +started',
                 'status', '--dir', 'kr')
    node = place.lines('status', '--dir', 'kr')[0]
    check('status --json has the node', node['running'] and node['health'] == 'good' and node['objects'] > 200, node)
    watch = subprocess.Popen([PROGRAM, 'status', '--watch', '--json', '--dir', 'kr'], cwd=place.path, stdout=subprocess.PIPE)
    seen = 0
    while seen < 2:
        seen += '"node":' in watch.stdout.readline().decode()
    watch.kill()
    watch.wait()
    watch.stdout.close()
    check('status --watch goes on', True)
    metrics = scrape(place.path / 'kr' / 'metrics.sock')
    check('metrics', '200 OK' in metrics and re.search(rf'^bongsu_objects {node["objects"]}$', metrics, re.M), metrics[:500])
    check('metrics name the partner', 'us-cisa' in metrics, metrics[-500:])
    place.expect(0, 'whole', 'check', '--dir', 'kr')
    check('check --json', place.lines('check', '--dir', 'kr')[-1] == {'done': True, 'error': None})


def test_streams(place):
    """Output that is lost is no success, and what came closed is not taken for a socket of the node."""
    for words in (['card', 'kr'], ['status'], ['status', '--json'], ['source', 'list'], ['find'], ['--help'],
                  ['report', 'quality', '--format', 'csv']):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([PROGRAM, *words], cwd=place.path, stdout=full, stderr=subprocess.PIPE, timeout=60,
                                  env={**os.environ, 'BONGSU_DIR': 'kr'})
        check(f'{" ".join(words)} on a full disk', done.returncode == 1 and b'could not be written' in done.stderr, done)
    for closed, words, said in ((0, ['add', '-', '--source', 'kr-cert'], b'refused to read'),
                                (1, ['status'], b'could not be written'), (1, ['find'], b'could not be written')):
        done = subprocess.run([PROGRAM, *words], cwd=place.path, stderr=subprocess.PIPE, timeout=60, close_fds=False,
                              env={**os.environ, 'BONGSU_DIR': 'kr'}, preexec_fn=lambda fd=closed: os.close(fd))
        check(f'{" ".join(words)} with descriptor {closed} closed', done.returncode == 1 and said in done.stderr, done)


def test_ending(place):
    until_gone = time.monotonic()
    place.expect(0, 'removed', 'peer', 'remove', 'us-cisa', '--dir', 'kr')
    until('the removed partner is cut off within a second', lambda: partner(place, 'us', 'kr-kisa').get('link') != 'following',
          max(0.5, 1.5 - (time.monotonic() - until_gone)))
    place.expect(1, 'there is no partner us-cisa', 'peer', 'start', 'us-cisa', '--dir', 'kr')
    objects = place.lines('status', '--dir', 'kr')[0]['objects']
    for name in ('kr', 'us'):
        check(f'{name} stops within two seconds', place.stop(name) < 2.5)
    place.expect(0, f'made again from the log: {objects} objects', 'reindex', 'kr')
    place.expect(0, 'whole', 'check', '--dir', 'kr')
    said = place.log('kr') + place.log('us')
    check('diagnostics are JSON lines', all(json.loads(line)['what'] for line in said.splitlines()))
    seeds = [word for path in glob.glob(str(place.path / '*' / 'keys' / '*')) for word in pathlib.Path(path).read_text().split()
             if len(word) == 64]
    check('there are keys to look for', len(seeds) >= 14, len(seeds))
    check('no key stands in a diagnostic', not any(seed in said for seed in [*seeds, 'passphrase one']))


def main():
    place = Place()
    try:
        for test in (test_install, test_usage, test_policy_alone, test_lint, test_lint_packed, test_lint_levels,
                     test_extension_lint, test_init,
                     test_stopped, test_together, test_running, test_start_beside_a_command, test_extension, test_sources,
                     test_accept,
                     test_add, test_refusals, test_large,
                     test_policy, test_policy_examples, test_peers, test_deciding, test_people, test_definitions, test_ledger,
                     test_watching, test_streams, test_two_operators, test_ending):
            try:
                test(place)
            except Exception as error:  # the other tests all the same
                check(test.__name__, False, repr(error))
    finally:
        place.close()
    print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped', flush=True)
    return 1 if counted['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
