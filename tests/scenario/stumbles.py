#!/usr/bin/env python3
"""What a stranger stumbled over: each is asked again, and must be answered so that he can go on.

    tests/scenario/stumbles.py [PROGRAM]

Standard library, and curl. Ends with "N passed, N failed, N skipped".
"""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys

sys.dont_write_bytecode = True

from test_cli import PROGRAM, Place, check, counted, skip, until  # noqa: E402  (the one place is beside this file)

KR = ('--dir', 'kr')


def obj(**more):
    """A campaign that is new once."""
    return {'type': 'campaign', 'spec_version': '2.1', 'id': 'campaign--3f3f4f8a-54cd-4a52-9a31-1c0a9d9a7a01', 'name': 'one',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', **more}


# --- slips in a policy ---

def test_slips(place):
    place.start('kr')
    place.run('peer', 'add-taxii', 'us-cisa', '--country', 'US', *KR)
    text = 'language 1\n%s\ndeny d if source == %s\nrelease r if own and tlp <= green to all%s\n'
    slips = (('partner us-cisa { tlpmax green }', 'kr-cert', '', 'did you mean `tlp-max`'),
             ('partner us-cisa { country USA }', 'kr-cert', '', 'did you mean `US`'),
             ('deny c if partner.country == usa', 'kr-cert', '', 'did you mean `US`'),
             ('partner us-cisa { purposes [NETDEFF] }', 'kr-cert', '', 'did you mean `NETDEF`'),
             ('deny c if victim.sector == enrgy', 'kr-cert', '', 'did you mean `energy`'))
    for head, source, duty, says in slips:
        (place.path / 'slip.policy').write_text(text % (head, source, duty))
        for word in ('check', 'activate'):
            place.expect(1, says, 'policy', word, 'slip.policy', *KR)
    place.run('source', 'add', 'kr-cert', *KR)
    (place.path / 'slip.policy').write_text(text % ('', 'kr-cret', ' with redact "pattern"'))
    place.expect(0, 'no source `kr-cret` here, so this matches nothing; did you mean `kr-cert`', 'policy', 'check', 'slip.policy',
                 *KR)
    place.expect(0, 'withheld as a whole .indicator.', 'policy', 'check', 'slip.policy', *KR)
    names = (('source == kr-cret', 'no source `kr-cret`', 'did you mean `kr-cert`'),
             ('owner == kr-cret', 'no source `kr-cret`', 'did you mean `kr-cert`'),
             ('owner in [kr-cert kr-cret]', 'no source `kr-cret`', 'did you mean `kr-cert`'),
             ('not owner != kr-cret', 'no source `kr-cret`', 'did you mean `kr-cert`'),
             ('origin-node == krr', 'no node `krr`', 'did you mean `kr`'),
             ('signed-by == krr', 'no node `krr`', 'did you mean `kr`'))
    for condition, says, meant in names:
        (place.path / 'slip.policy').write_text(f'language 1\ndeny d if {condition}\nrelease r if own to all\n')
        for word in ('check', 'diff', 'activate'):
            place.expect(0, f'{says} here, so this matches nothing; .*{meant}', 'policy', word, 'slip.policy', *KR)
            lines = place.lines('policy', word, 'slip.policy', *KR)
            check(f'{word} tells programs', any(says in line.get('warning', '') for line in lines), lines)
    (place.path / 'slip.policy').write_text(text % ('', 'kr-cert', ''))
    out = place.run('policy', 'check', 'slip.policy', *KR)[1]
    check('a source that is there is not warned of', 'matches nothing' not in out and 'well formed' in out, out)
    (place.path / 'slip.policy').write_text('language 1\ndeny d if owner == kr-cert and origin-node == kr\n')
    out = place.run('policy', 'check', 'slip.policy', *KR)[1]
    check('nor an owner, nor this node', 'matches nothing' not in out and 'well formed' in out, out)
    place.stop('kr')


def test_retired(place):
    """A policy that an earlier version took: the log is read, and what means nothing any more is told."""
    write = os.path.join(os.path.dirname(PROGRAM), '..', '..', 'tests', 'unit', 'gate', 'log_policy')
    if not os.access(write, os.X_OK):
        return skip('a policy of an earlier version', 'log_policy is not built')
    before = place.run('policy', 'show', *KR)[1]
    text = 'language 1\n# 한국\ndeny d if collection == inbox\nrelease r if own to all\n'
    done = subprocess.run([write, 'kr/store', 'kr', text], cwd=place.path, capture_output=True, timeout=60)
    check('it stands in the log', done.returncode == 0, done)
    gone = 'line 3, column 11: `collection` was taken out of the language: no object has it'
    says = f'The policy in force, {gone}.*write `source ==`'
    place.start('kr')
    for running in (True, False):
        place.expect(0, says, 'status', *KR)
        got, out, err = place.run('policy', 'show', *KR)
        check('policy show prints the text alone', got == 0 and out.rstrip('\n') == text.rstrip('\n'), out)
        check('and warns beside it', re.search(says, err), err)
        lines = place.lines('policy', 'show', *KR)
        check('a program is told the line',
              any(one.get('line') == 3 and 'taken out' in one.get('warning', '') for one in lines), lines)
        if running:
            place.stop('kr')
    (place.path / 'old.policy').write_text(text)
    for word in ('check', 'diff', 'activate'):
        place.expect(1, f'{gone}; write `source ==`', 'policy', word, 'old.policy', *KR)
    place.expect(1, gone, 'policy', 'check', 'old.policy')
    (place.path / 'new.policy').write_text(before or text.replace('collection == inbox', 'revoked'))
    place.expect(0, 'in force', 'policy', 'activate', 'new.policy', *KR)
    out, err = place.run('status', *KR)[1:]
    check('a new policy ends it', 'taken out' not in out + err, out + err)


# --- the certificate that the node shows ---

def port_of(place):
    return int(re.search(r'^listen: "127.0.0.1:(\d+)"', (place.path / 'kr/bongsu.yaml').read_text(), re.M).group(1))


def handshake(port, pem, name):
    """The certificate shown (DER) to a client that trusts `pem` alone and looks for `name` in it; or what it complains of."""
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        with socket.create_connection(('127.0.0.1', port), 20) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
            return tls.getpeercert(binary_form=True)
    except ssl.SSLError as error:
        return str(error)


def key_of(place):
    pem = place.run('card', 'kr', '--tls-certificate')[1].encode()
    return subprocess.run(['openssl', 'x509', '-pubkey', '-noout'], input=pem, capture_output=True, check=True).stdout


def test_certificate(place):
    status, pem, err = place.run('card', 'kr', '--tls-certificate')
    check('card --tls-certificate prints one certificate and no words',
          status == 0 and pem.count('BEGIN CERTIFICATE') == 1 and err == '', pem + err)
    check('it is the same each time', place.run('card', 'kr', '--tls-certificate')[1] == pem)
    place.start('kr')
    port = port_of(place)
    shown = ssl.PEM_cert_to_DER_cert(pem)
    for name in ('127.0.0.1', 'kr'):
        got = handshake(port, pem, name)
        check(f'a client that trusts it finds {name} in it', got == shown, got)
    got = handshake(port, pem, 'us')
    check('and no other name', isinstance(got, str) and 'mismatch' in got, got)
    if shutil.which('curl') is None:
        skip('curl --cacert', 'there is no curl')
    else:
        (place.path / 'kr.pem').write_text(pem)
        done = subprocess.run(['curl', '-sS', '--cacert', 'kr.pem', '-o', 'body', '-w', '%{http_code}',
                               f'https://127.0.0.1:{port}/taxii2/'], cwd=place.path, capture_output=True, timeout=60)
        check('curl --cacert gets an answer', done.stdout == b'401', done)
    key = key_of(place)
    place.stop('kr')
    conf = place.path / 'kr/bongsu.yaml'
    before = conf.read_text()
    conf.write_text(before.replace('addresses:\n', 'addresses:\n  - "kr.example:443"\n  - "[2001:db8::1]:443"\n'))
    other = place.run('card', 'kr', '--tls-certificate')[1]
    check('other addresses make another certificate', other != pem and 'BEGIN' in other, other)
    check('over the same key', key_of(place) == key, other)
    place.start('kr')
    for name in ('127.0.0.1', 'kr.example', '2001:db8::1'):
        got = handshake(port, other, name)
        check(f'after the change {name} is found in it', got == ssl.PEM_cert_to_DER_cert(other), got)
    place.stop('kr')
    conf.write_text(before + 'certificate: own.pem\ncertificate-key: own.key\n')
    place.expect(1, 'shows the certificate in kr/own.pem .clients trust that file', 'card', 'kr', '--tls-certificate')
    conf.write_text(before)


# --- names that nobody knows ---

def test_sources(place):
    text = json.dumps(obj()).encode()
    place.expect(0, 'declared', 'source', 'add', 'certfeed', *KR)
    place.expect(0, r'^1 new\ncertfed is a new source: nothing .*bongsu source add certfed\ndid you mean certfeed\?', 'add',
                 '-', '--source', 'certfed', *KR, given=text)
    got, out, err = place.run('add', '-', '--source', 'certfed', *KR, given=text)
    check('the second time it is known', got == 0 and 'new source' not in out + err, out + err)
    got, out, err = place.run('add', '-', '--source', 'somethingelse', '--json', *KR, given=text)
    check('--json says it in the totals', got == 0 and json.loads(out)['source_new'] is True, out + err)
    got, out, err = place.run('add', '-', '--source', 'certfeed', *KR, given=text)
    check('of a declared one nothing is said', got == 0 and 'new source' not in out + err, out + err)
    place.expect(1, 'there is no source certfee; did you mean certfeed', 'find', 'x', '--source', 'certfee', *KR)


def test_taxii(place):
    place.expect(0, '', 'peer', 'add-taxii', 'jp', '--country', 'JP', *KR)
    add = ('taxii', 'add', 'jp', *KR)
    place.expect(1, 'there is no source nippon .bongsu source add NAME', *add, '--audience', 'jp', '--source', 'nippon')
    place.expect(1, 'there is no audience nippon .bongsu peer add-taxii', *add, '--audience', 'nippon', '--source', 'certfeed')
    check('neither left an identity', not [one for one in place.lines('taxii', 'list', *KR) if 'name' in one])
    place.expect(0, 'Token', *add, '--audience', 'jp', '--source', 'certfeed', '--token')


def test_find(place):
    for slip in ('203.0.113.0/33', '203.0.113.999', '203.0.113.0/-1', '2001:db8::1::2', '2001:db8::/129', '/33'):
        place.expect(0, f'nothing found: {re.escape(slip)} is no address and no network', 'find', slip, *KR)
    for fine in ('198.51.100.7', '198.51.100.0/24', '2001:db8::7', 'nothing.example', '1.2.3', '10:20'):
        place.expect(0, r'^nothing found\n', 'find', fine, *KR)
    place.expect(0, 'found: indcator is no type of STIX 2.1: did you mean `indicator`', 'find', 'x', '--type', 'indcator', *KR)
    place.expect(0, 'nothing found: x-mine is no type of STIX 2.1\n', 'find', 'x', '--type', 'x-mine', *KR)
    place.expect(0, r'^nothing found\n', 'find', 'x', '--type', 'campaign', *KR)


# --- feeds ---

def test_feeds(place):
    for host in ('127.0.0.1', 'localhost:8443', '[::1]:8443', '192.168.1.1', '[::ffff:10.0.0.1]'):
        place.expect(1, 'is an address of this machine or network .--private', 'feed', 'add', 'near', '--kind', 'stix', '--url',
                     f'https://{host}/x', *KR)
    check('none was declared', not [one for one in place.lines('feed', 'list', *KR) if 'name' in one])
    port = port_of(place)
    place.start('kr')
    place.expect(0, 'declared', 'feed', 'add', 'near', '--kind', 'stix', '--url', f'https://127.0.0.1:{port}/x', '--private', *KR)
    until('the feed failed', lambda: place.lines('feed', 'show', 'near', *KR)[0].get('trouble'))
    place.expect(0, r'TROUBLE +WHAT NEXT\n.*\ntrouble: the server: its certificate is not trusted.*\nwhat next.*--ca F', 'feed',
                 'show', 'near', *KR)
    got, out, _ = place.run('feed', 'show', 'near', *KR)
    check('of an address nothing is said', 'private' not in out, out)
    place.expect(0, 'TROUBLE +WHAT NEXT', 'feed', 'list', *KR)
    for words in (('serve', 'kr'), ('serve', 'kr', '--one-process')):
        got, out, err = place.run(*words)
        said = (out + err).splitlines()
        check(f'a second {words} says one thing', got != 0 and len(said) == 1 and 'runs already' in said[0], said)
    place.stop('kr')
    place.expect(0, 'removed', 'feed', 'remove', 'near', *KR)


# --- what add and lint say ---

def test_add(place):
    loose = json.dumps(obj(id='campaign--3f3f4f8a-54cd-4a52-9a31-1c0a9d9a7a02', aliases=[])).encode()
    got, out, err = place.run('add', '-', '--source', 'certfeed', *KR, given=loose)
    warned = json.loads(place.run('lint', '-', '--json', given=loose)[1].splitlines()[-1])['warnings']
    word = 'warning' if warned == 1 else 'warnings'
    check('add says how to see the warnings', warned > 0 and f'{warned} {word} (bongsu lint FILE shows them)\n' in out, out + err)
    (place.path / 'list').write_text('2001:DB8::1\n')
    add = ('--source', 'certfeed', *KR)
    place.expect(1, r'line 1: 2001:DB8::1: it is not of type ipv4-addr\n', 'add', 'list', '--as', 'list', '--map',
                 'type=ipv4-addr', *add)
    (place.path / 'list').write_text('a b c\n')
    place.expect(1, 'line 1: a b c: no type could be told from it', 'add', 'list', '--as', 'list', '--source', 'certfeed', *KR)
    (place.path / 'table').write_text('kind,value\n\x1b[31m,x\n')
    got, out, err = place.run('add', 'table', '--as', 'csv', '--map', 'type=col:kind value=col:value', *add)
    check('a type in a table does not drive the terminal', got == 1 and 'no type' in err and '\x1b' not in out + err, out + err)


def test_lint(place):
    got, out, err = place.run('lint', 'gone\x1b[31m\n.json')
    check('a missing file with an escape in its name', got == 1 and '\x1b' not in out + err and err.count('\n') == 1, repr(err))
    got, out, err = place.run('find', 'x', '--format', 'y', '--dir', 'no\x1bwhere')
    check('usage is clean', '\x1b' not in out + err, repr(err))
    os.mkfifo(place.path / 'pipe')
    for words in (('lint', '/dev/zero'), ('lint', 'pipe'), ('add', '/dev/zero', '--source', 'certfeed', *KR)):
        place.expect(1, 'it is no file but a device or a pipe; give it as standard input', *words)
    (place.path / 'good.json').write_text(json.dumps(obj()))
    done = subprocess.run(['bash', '-c', '"$0" lint <(cat good.json) && cat good.json | "$0" lint -', PROGRAM], cwd=place.path,
                          capture_output=True, timeout=60)
    check('a pipe of the shell and standard input are read', done.returncode == 0, done)


def test_get(place):
    for tag in ('../x', 'ko_KR', ''):
        place.expect(2, 'no language tag', 'get', obj()['id'], '--lang', tag, *KR)
    place.expect(0, 'no translation', 'get', obj()['id'], '--lang', 'ko-KR', *KR)


def test_quarantine(place):
    for i in range(3):
        place.run('add', '-', '--source', 'one', *KR, given=json.dumps(obj(created=f'x{i}')).encode())
    place.run('add', '-', '--source', 'two', *KR, given=json.dumps(obj(created='y')).encode())
    place.run('add', '-', '--source', 'two', *KR, given=json.dumps(obj(name='one')).encode())
    place.run('add', '-', '--source', 'two', *KR, given=json.dumps(obj(name='another')).encode())
    listed = [one for one in place.lines('quarantine', 'list', *KR) if 'number' in one]
    numbers = [one['number'] for one in listed]

    def some(*words):
        return [one['number'] for one in place.lines('quarantine', 'list', *words, *KR) if 'number' in one]
    check('the newest two', len(numbers) >= 4 and some('--limit', '2') == numbers[-2:], numbers)
    check('more than there are', some('--limit', '1000') == numbers)
    check('of a source', some('--source', 'one') == [one['number'] for one in listed if one['source'] == 'one'])
    check('all of it', len(some('--source', 'one')) == 3, listed)
    for reason in ('refused', 'conflict', 'piece'):
        check(f'for {reason}', some('--reason', reason) == [one['number'] for one in listed if one['reason'] == reason])
    check('both reasons are there', {one['reason'] for one in listed} >= {'refused', 'conflict'}, listed)
    check('of a source, the newest', some('--source', 'one', '--limit', '1') == some('--source', 'one')[-1:])
    place.expect(2, 'no number above 0', 'quarantine', 'list', '--limit', '0', *KR)
    place.expect(2, 'refused, conflict or piece', 'quarantine', 'list', '--reason', 'x', *KR)
    place.expect(1, 'there is no source thre', 'quarantine', 'list', '--source', 'thre', *KR)


# --- what programs are told ---

def commands(place):
    """Every command, and how many positions it wants."""
    listed = re.findall(r'^  ([a-z][a-z0-9 -]*?)  +\S', place.run('--help')[1].partition('\n\n')[2], re.M)
    for words in listed:
        first = place.run(*words.split(), '--help')[1].splitlines()[0]
        yield words.split(), len(re.findall(r'[A-Z]{2,}', re.sub(r'\[[^]]*\]', '', first)))


def refused(place, *words):
    """The last line that a program gets of what was refused, or what is wrong with the answer."""
    status, out, err = place.run(*words, '--json')
    try:
        last = [json.loads(line) for line in out.splitlines()][-1]
    except (ValueError, IndexError):
        return f'status {status}, no JSON: {out}{err}'
    good = status in (1, 2) and last.get('done') is True and isinstance(last.get('error'), dict) and \
        sorted(last['error']) == ['code', 'next', 'what'] and isinstance(last['error']['what'], str)
    return last['error'] if good else f'status {status}: {out}{err}'


# Where there is no node there is nothing to ask: these ask none, begin one, or tell of each file in lines of their own.
ALONE = ('privacy scan', 'bundle read', 'bundle watch', 'diff', 'init', 'restore', 'lint', 'privacy preview',
         'privacy measure', 'ledger verify')
UNKNOWN = 'indicator--00000000-0000-4000-8000-0000000000ff'
REFUSALS = (('feed', 'show', 'nix'), ('get', 'x'), ('get', UNKNOWN), ('get', UNKNOWN, '--lang', 'x_y'), ('words', '7'),
            ('words', 'write', '7', 'word'), ('words', 'write', 'x', 'word'), ('tag', 'add', UNKNOWN, 'a b'),
            ('peer', 'start', 'nix'), ('peer', 'remove', 'nix'), ('policy', 'check', 'nowhere'),
            ('policy', 'activate', 'nowhere'), ('policy', 'confirm', 'aaaa'), ('policy', 'explain', UNKNOWN, 'nix'),
            ('holds', 'show', '7', 'nix'), ('source', 'accept', 'nix', '--anything'), ('graph', UNKNOWN),
            ('taxii', 'limit', 'nix'), ('report', 'quality', '--weeks', 'x'), ('quarantine', 'drop', '7'),
            ('hold', 'legal', 'lift', UNKNOWN), ('recall', 'status', UNKNOWN + 'x'), ('nix',), ('peer', 'nix'))


def test_refusals(place):
    place.start('kr')
    every = list(commands(place))
    check('all commands are listed', len(every) > 80, len(every))
    for words, _ in every:
        said = refused(place, *words, '--no-such-option')
        check(f'{" ".join(words)}: an option that is not there', isinstance(said, dict) and said['code'] == 'usage', said)
    for words, count in every:
        if ' '.join(words) in ALONE:
            continue
        said = refused(place, *words, *['x'] * count, '--dir', 'nowhere')
        check(f'{" ".join(words)}: where no node is', isinstance(said, dict), said)
    (place.path / 'bad.policy').write_text('language 1\nrelease r if own\n')
    (place.path / 'own.policy').write_text('language 1\nrelease r if own to all\n')
    for words in (('policy', 'check', 'bad.policy'), ('policy', 'test', 'own.policy')):
        said = refused(place, *words)
        check(f'{" ".join(words)} without a node', isinstance(said, dict) and said['code'] == 'failed', said)
    wrong = 'partner us-cisa country US\nexample a\n  object ' + json.dumps(obj()) + '\n  expect us-cisa deny built-in.default\n'
    for examples in ('nonsense\n', wrong):
        (place.path / 'own.expect').write_text(examples)
        said = refused(place, 'policy', 'activate', 'own.policy', *KR)
        check(f'policy activate: {examples[:8]}', isinstance(said, dict) and said['code'] == 'failed', said)
        out = place.run('policy', 'activate', 'own.policy', '--json', *KR)[1]
        check('there is one last line', out.count('"done":true') == 1, out)
    for words in REFUSALS:
        said = refused(place, *words, *KR)
        check(f'{" ".join(words)}', isinstance(said, dict), said)
    place.stop('kr')


def test_small_words(place):
    """What is bounded is told as it is given, a built-in marking needs no word, a backup says what it is not."""
    place.start('kr')
    place.run('source', 'add', 'one', *KR)
    place.expect(0, '', 'source', 'accept', 'one', '--volume', '500/90m', '--because', 'a test', *KR)
    place.expect(0, r'WINDOW\s.*\n.*\s90m\s', 'source', 'accepted', *KR)
    rows = place.lines('source', 'accepted', *KR)
    check('and for programs in seconds too', rows[0]['window'] == '90m' and rows[0]['window_s'] == 5400, rows)
    for word in ('94868c89-83c2-464b-929b-a1a8aa3c8487', '613f2e26-407d-48c7-9eca-b8e91df99dc9'):
        place.expect(1, 'built in and says its level itself', 'marking', 'classify', f'marking-definition--{word}', '--as',
                     'tlp:clear', '--because', 'a test', *KR)
    place.expect(0, 'is still told by a token that somebody kept', 'privacy', 'reveal', '--help')
    place.expect(0, r'The key file in kept is no registered copy', 'backup', 'kept', *KR)
    place.expect(0, r'The key file in apart is no registered copy', 'backup', 'kept-2', '--secrets', 'apart', *KR)
    place.stop('kr')


def test_unversioned(place):
    """An observable has no version: none is told."""
    name = {'type': 'domain-name', 'spec_version': '2.1', 'id': 'domain-name--3f3f4f8a-54cd-5a52-9a31-1c0a9d9a7a07',
            'value': 'a.example', 'object_marking_refs': ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487']}
    place.start('kr')
    (place.path / 'hold.policy').write_text('language 1\nhold h if type == domain-name until approved\n'
                                            'release r if type == domain-name to all\n')
    (place.path / 'name.json').write_text(json.dumps(name))
    place.run('source', 'add', 'one', *KR)
    place.run('peer', 'add-taxii', 'jp-cert', '--country', 'JP', *KR)
    place.expect(0, 'in force', 'policy', 'activate', 'hold.policy', *KR)
    place.expect(0, '', 'peer', 'start', 'jp-cert', *KR)
    place.expect(0, '1 new', 'add', 'name.json', '--source', 'one', *KR)

    def queued():
        return [row for row in place.lines('holds', 'list', *KR) if row.get('id') == name['id']]
    until('it waits', lambda: len(queued()) == 1)
    waits = queued()
    check('nor in the queue', 'version' not in waits[0], waits)
    shown = [row for row in place.lines('holds', 'show', name['id'], 'jp-cert', *KR) if 'number' in row]
    check('nor for who reads it', len(shown) == 1 and 'version' not in shown[0], shown)
    out = place.expect(0, 'approved for jp-cert: number [0-9]+; ', 'holds', 'approve', waits[0]['number'], 'jp-cert', *KR)
    check('nor in the answer', '1970' not in out, out)
    place.stop('kr')


def test_empty(place):
    """A list with nothing in it says so to people, and gives programs no line."""
    place.make('bare', 'KR')
    for words, says in (('source list', 'no sources'), ('source accepted', 'nothing is bounded'),
                        ('extension list', 'no extensions'), ('peer list', 'no partners'), ('holds list', 'Nothing is held here'),
                        ('taxii list', 'no identities'),
                        ('quarantine list', 'no entries in quarantine'), ('feed list', 'no feeds'), ('list show', 'no lists'),
                        ('spill list', 'nothing was suspended'), ('hold legal list', 'No order keeps anything here'),
                        ('access', 'no such requests'), ('marking kept', 'no such words')):
        place.expect(0, f'^{says}', *words.split(), '--dir', 'bare')
        got, out, err = place.run(*words.split(), '--json', '--dir', 'bare')
        check(f'{words} --json gives the last line alone', got == 0 and err == '' and out.count('\n') == 1 and
              json.loads(out) == {'done': True, 'error': None}, out + err)
    place.run('source', 'add', 'one', '--dir', 'bare')
    out = place.expect(0, 'one', 'source', 'list', '--dir', 'bare')
    check('and what is there is listed alone', 'no sources' not in out, out)


def test_small(place):
    place.start('kr')
    tag = '한국-공유'
    place.expect(0, 'tagged, and not here yet', 'tag', 'add', UNKNOWN, tag, *KR)
    for wrong in ('한국 공유', '공' * 22):
        place.expect(1, 'the tag was not added: it cannot be one .up to 64 bytes of UTF-8 without blanks', 'tag', 'add', UNKNOWN,
                     wrong, *KR)
    place.expect(0, 'No order keeps anything here', 'hold', 'legal', 'list', *KR)
    for end in ('', '.sig', '.signers'):
        (place.path / f'word{end}').write_text('mine')
        place.expect(1, f'word{end} is there already: nothing was written', 'words', 'write', '1', 'word', *KR)
        check('it is as it was', (place.path / f'word{end}').read_text() == 'mine')
        (place.path / f'word{end}').unlink()
    place.stop('kr')
    conf = place.path / 'kr/bongsu.yaml'
    before = conf.read_text()
    conf.write_text(before + 'operators: ["kim ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ"]\n')
    place.expect(1, 'a kind that is not taken, such as ssh-rsa: ssh-ed25519, .* and ecdsa-sha2-nistp256 are', 'status', *KR)
    conf.write_text(before)


def main():
    place = Place()
    try:
        place.make('kr', 'KR')
        for test in (test_slips, test_retired, test_certificate, test_sources, test_taxii, test_find, test_feeds, test_add,
                     test_lint, test_get, test_quarantine, test_refusals, test_small_words, test_unversioned, test_empty,
                     test_small):
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
