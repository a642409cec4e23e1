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
             ('collection == inbox', 'no collection `inbox`', 'source =='))
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


def main():
    place = Place()
    try:
        place.make('kr', 'KR')
        for test in (test_slips, test_certificate, test_sources, test_taxii, test_find, test_feeds, test_add, test_lint, test_get,
                     test_quarantine):
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
