#!/usr/bin/env python3
"""Two persons: what one administrator can try alone, with root and the node's account, that two operators pass, and what
keys of their own add (signing.py).

    tests/scenario/operators.py [PROGRAM]

The node runs under an account of its own, as the Debian package has it, and its operators are two others: run as root, or
all of it is skipped. Standard library only. Ends with "N passed, N failed, N skipped".
"""
import hashlib
import json
import os
import pwd
import re
import socket
import stat
import subprocess
import sys

import signing
from test_cli import PROGRAM, Place, check, counted, skip, until

SERVICE, KIM, LEE, OTHER = 'games', 'daemon', 'bin', 'sys'  # accounts that every Debian has
AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
POLICY = '''language 1
partner us {tlp-max amber}
hold eyes if tlp == amber until approved by 2
hold one if tlp == green until approved
release o if tlp <= amber to us
'''
RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
DIR = ('--dir', 'kr')


def indicator(number, marking):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': f'thing {number}',
            'pattern': f"[ipv4-addr:value = '198.51.100.{number}']", 'pattern_type': 'stix',
            'valid_from': '2026-01-01T00:00:00Z', 'object_marking_refs': [marking]}


class Desk(Place):
    """A node of the account SERVICE, whose group the operators are in."""

    def __init__(self):
        super().__init__()
        os.chmod(self.path, 0o755)
        self.group = pwd.getpwnam(SERVICE).pw_gid

    def own(self):
        for path in (self.path / 'kr', *(self.path / 'kr').rglob('*')):
            os.chown(path, pwd.getpwnam(SERVICE).pw_uid, self.group)
        os.chmod(self.path / 'kr', 0o710)

    def by(self, account, *words, first=(), group=None):
        """A command of this account, in the node's group; `first`: what it runs it through."""
        who = pwd.getpwnam(account)
        done = subprocess.run([*first, PROGRAM, *map(str, words), *DIR], capture_output=True, text=True, cwd=self.path,
                              timeout=120, user=who.pw_uid, group=self.group if group is None else group, extra_groups=[],
                              env={**os.environ, 'BONGSU_DIR': ''}, check=False)
        return done.returncode, done.stdout + done.stderr

    def tried(self, what, status, pattern, account, *words, **more):
        got, said = self.by(account, *words, **more)
        check(what, got == status and re.search(pattern, said, re.S) is not None,
              f'{account}: {" ".join(map(str, words))}: status {got}, wanted {status} and /{pattern}/:\n{said}')

    def start(self, name, first=()):
        self.own()  # what root did to the stopped node is root's
        with open(self.path / f'{name}.log', 'ab') as log:
            at = log.tell()
            self.running[name] = subprocess.Popen([*first, PROGRAM, 'serve', name], cwd=self.path, stdin=subprocess.DEVNULL,
                                                  stdout=log, stderr=log, user=SERVICE, group=self.group, extra_groups=[],
                                                  umask=0o077)
        until(f'{name} is ready', lambda: '"ready' in self.log(name)[at:])

    def again(self, **more):
        self.stop('kr')
        self.start('kr', **more)

    def declare(self, *names):
        path = self.path / 'kr' / 'bongsu.yaml'
        kept = [line for line in path.read_text().splitlines() if not line.startswith('operators:')]
        path.write_text('\n'.join(kept + ([f'operators: [{", ".join(names)}]'] if names else [])) + '\n')

    def policy(self, text):
        (self.path / 'p.policy').write_text(text)
        return self.path / 'p.policy'

    def hand_in(self, *things):
        (self.path / 'o.json').write_text('\n'.join(map(json.dumps, things)))
        self.tried('handed in', 0, 'new', SERVICE, 'add', self.path / 'o.json', '--source', 'desk')

    def why(self, thing):
        return self.by(SERVICE, 'policy', 'explain', thing['id'], 'us')[1]

    def mode(self):
        return stat.S_IMODE(os.stat(self.path / 'kr' / 'control.sock').st_mode)


def namespaced(*accounts):
    """unshare, so that this account's number reads there as another's; empty when the kernel or the tool has none."""
    own, shown = (pwd.getpwnam(name) for name in accounts)
    words = ['unshare', '-U', f'--map-user={shown.pw_uid}', f'--map-group={pwd.getpwnam(SERVICE).pw_gid}']
    tried = subprocess.run([*words, 'true'], capture_output=True, user=own.pw_uid, group=own.pw_gid, extra_groups=[], check=False)
    return words if tried.returncode == 0 else []


def undeclared(place):
    """A node without operators: what one may do is done, what needs two is refused and said beforehand."""
    amber, green = indicator(1, AMBER), indicator(2, GREEN)
    place.start('kr')
    check('without operators the socket is the account\'s alone', place.mode() == 0o600, oct(place.mode()))
    for words in (('peer', 'add-taxii', 'us', '--country', 'US'), ('source', 'add', 'desk'), ('peer', 'start', 'us')):
        place.tried(' '.join(words), 0, '', SERVICE, *words)
    policy = place.policy(POLICY)
    place.tried('check warns', 0, 'wants two operators.*this node has none.*operators: ', SERVICE, 'policy', 'check', policy)
    place.tried('activate warns', 0, 'in force.*wants two operators', SERVICE, 'policy', 'activate', policy)
    place.tried('status warns', 0, 'wants two operators', SERVICE, 'status')
    place.hand_in(amber, green)
    until('both wait', lambda: 'by rule eyes' in place.why(amber) and 'by rule one' in place.why(green))
    for account in (SERVICE, 'root'):
        place.tried('what needs two is refused', 1, 'rule eyes waits for two operators.*no operators.*operators: ', account,
                    'approve', amber['id'], 'us', '--because', 'alone')
    place.tried('what needs one goes', 0, 'approved', SERVICE, 'approve', green['id'], 'us', '--because', 'read it')
    until('and leaves', lambda: 'Released' in place.why(green))
    return amber


def alone(place, amber):
    """All that one administrator has: root, the node's account, and whoever else the machine knows."""
    place.declare(KIM, LEE, SERVICE, 'nobody', 'no-such-account')
    place.again()
    check('with operators the socket is the group\'s too', place.mode() == 0o660, oct(place.mode()))
    for name, why in ((SERVICE, 'the node runs as it'), ('nobody', "nobody's number"), ('no-such-account', 'no such account')):
        check(f'{name} counts for nothing, and the log says why', f'operator {name} counts for nothing' in place.log('kr') and
              why in place.log('kr'), place.log('kr')[-1500:])
    place.tried('status names those who count', 0, f'operators: {KIM}, {LEE} ', SERVICE, 'status')
    approve = ('approve', amber['id'], 'us', '--because', 'alone')
    for account in ('root', SERVICE):
        place.tried(f'{account} is nobody', 1, rf'{account} is none of them \({KIM}, {LEE}\).*counted so far: nobody', account,
                    *approve)
    place.tried('another account of the group is not served', 1, f'{OTHER} is no operator of this node', OTHER, 'status')
    place.tried('nor is one outside the group', 1, 'does not answer', OTHER, *approve, group=pwd.getpwnam('nobody').pw_gid)
    place.tried('an operator counts once', 0, 'approved', KIM, *approve)
    place.tried('and once only', 0, 'approved', KIM, *approve)
    place.tried('root is told who counted', 1, f'counted so far: {KIM}', 'root', *approve)
    line = [json.loads(x) for x in place.by(SERVICE, 'holds', 'list', '--json')[1].splitlines()][0]
    check('the queue counts one of two', (line['approvals'], line['approvals_needed'], line['approved_by']) == (1, 2, KIM), line)
    for account, shown in ((SERVICE, LEE), ('root', LEE)):
        spaced = namespaced(account, shown)
        if not spaced:
            skip('user namespaces', 'this kernel lets nobody make one')
            continue
        got, said = place.by(account, *approve, first=spaced)
        check(f'{account} as {shown} of a namespace', got == 1 and 'is none of them' in said, said)
    place.stop('kr')
    check('nothing went yet', 'by rule eyes' in place.why(amber), place.why(amber))


def stopped(place, amber):
    approve = ('approve', amber['id'], 'us', '--because', 'offline')
    for account in ('root', SERVICE):
        place.tried(f'stopped, {account}', 1, 'the node is stopped.*bongsu serve', account, *approve)
    place.tried('stopped, an operator', 1, 'does not run', LEE, *approve)
    spaced = namespaced(SERVICE, LEE)
    if spaced:
        place.tried('stopped, by a namespace', 1, 'the node is stopped', SERVICE, *approve, first=spaced)
        place.start('kr', first=spaced)
        got, said = place.by(SERVICE, *approve, first=())
        check('served in a namespace', got == 1 and 'user namespace' in said, said)
        check('which the log says', 'in a user namespace nobody counts' in place.log('kr'), place.log('kr')[-800:])
        place.stop('kr')
    else:
        skip('a node in a user namespace', 'this kernel lets nobody make one')
    place.start('kr')
    check('still nothing went', 'by rule eyes' in place.why(amber), place.why(amber))
    place.tried('what one says of a stopped node is not said by an operator', 1, f'counted so far: {KIM}', 'root', *approve)


def two(place, amber):
    place.tried('the second operator', 0, 'approved for us: .*decided again', LEE, 'approve', amber['id'], 'us', '--because',
                'read it too')
    until('and it goes', lambda: 'Released' in place.why(amber))
    check('both stand in it', f'by {KIM}, {LEE}' in place.why(amber), place.why(amber))


def removed(place):
    """Whoever is declared no more counts no more; what his word let go stays."""
    thing = indicator(3, AMBER)
    place.hand_in(thing)
    until('it waits', lambda: 'by rule eyes' in place.why(thing))
    place.tried('kim', 0, 'approved by one of two for us: .*another', KIM, 'approve', thing['id'], 'us', '--because', 'a')
    place.declare(LEE, OTHER)
    place.again()
    place.tried('kim is gone', 1, 'no operator of this node', KIM, 'status')
    place.tried('lee alone', 0, 'approved', LEE, 'approve', thing['id'], 'us', '--because', 'b')
    place.tried('is one', 1, f'counted so far: {LEE} ', 'root', 'approve', thing['id'], 'us', '--because', 'c')
    check('so it waits', 'by rule eyes' in place.why(thing), place.why(thing))
    place.tried('with who came', 0, 'approved', OTHER, 'approve', thing['id'], 'us', '--because', 'd')
    until('it goes', lambda: 'Released' in place.why(thing))
    place.declare(KIM, LEE)
    place.again()


def activation(place):
    """`activation by 2`, and a policy that nobody alone can replace."""
    place.tried('a policy that asks for two', 0, 'in force', SERVICE, 'policy', 'activate', place.policy(POLICY +
                                                                                                  'activation by 2\n'))
    policy = place.policy(POLICY + '# another\n')
    sha = hashlib.sha256(policy.read_bytes()).hexdigest()
    for account in ('root', SERVICE):
        place.tried(f'{account} activates nothing', 1, r'two operators \(activation by 2\), and .* is none of them', account,
                    'policy', 'activate', policy)
    place.tried('kim activates', 0, f'Not in force yet: the policy that {KIM} activated', KIM, 'policy', 'activate', policy)
    for account in ('root', SERVICE):
        place.tried(f'{account} confirms nothing', 1, f'is none of them.*counted so far: {KIM}', account,
                    'policy', 'confirm', sha)
    place.tried('nobody agrees with himself', 1, 'you activated it yourself', KIM, 'policy', 'confirm', sha)
    place.stop('kr')
    place.tried('stopped', 1, 'the node is stopped', SERVICE, 'policy', 'confirm', sha)
    place.declare(LEE, OTHER)
    place.start('kr')
    place.tried('who activated it is gone', 1, f'{KIM}, who activated it, is no operator', LEE, 'policy', 'confirm', sha)
    place.declare(KIM, LEE)
    place.again()
    place.tried('lee confirms', 0, 'in force', LEE, 'policy', 'confirm', sha)
    place.tried('it is', 0, '# another', SERVICE, 'policy', 'show')


def destroying(place):
    """Two operators stand for it: who suspended it and who asks, or two who ask."""
    first, second = indicator(4, GREEN), indicator(5, GREEN)
    place.hand_in(first, second)
    place.tried('kim suspends', 0, 'suspended', KIM, 'spill', first['id'], '--because', 'told')
    place.tried('root suspends', 0, 'suspended', 'root', 'spill', second['id'], '--because', 'at night')
    destroy = ('spill', 'destroy')
    for account in ('root', SERVICE):
        place.tried(f'{account} destroys nothing', 1, 'two operators have it destroyed, and .* is none of them', account,
                    *destroy, first['id'], '--because', 'x')
    place.tried('nobody destroys alone', 1, 'nobody destroys alone', KIM, *destroy, first['id'], '--because', 'x')
    place.stop('kr')
    place.tried('stopped', 1, 'the node is stopped', SERVICE, *destroy, first['id'], '--because', 'x')
    place.start('kr')

    def gone(account, thing):
        def ask():
            got, said = place.by(account, *destroy, thing['id'], '--because', 'confirmed')
            return got == 0 and 'gone: 1 objects' in said
        return ask
    until('lee destroys what kim suspended', gone(LEE, first))
    for _ in range(2):
        place.tried('what root suspended needs two who ask', 0, 'noted, and nothing is destroyed yet', KIM, *destroy,
                    second['id'], '--because', 'x')
    until('lee is the second', gone(LEE, second))


def recalling(place):
    """Beyond the budget a recall suspends at once, and two operators have it destroyed; with 0 that is each recall."""
    with open(place.path / 'kr' / 'bongsu.yaml', 'a', encoding='utf-8') as conf:
        conf.write('recall-objects: 0\n')
    place.again()
    things = [indicator(6, GREEN), indicator(7, GREEN)]
    place.hand_in(*things)
    recall = ('recall', '--text', 'thing', '--source', 'desk')
    got, said = place.by(KIM, *recall, '--because', 'test', '--yes', '--json')
    line = json.loads(said.splitlines()[0])
    check('kim calls all of a source back', got == 0 and line['waits'] and line['objects'] >= 2, said)
    check('at once nobody gets it', place.by(SERVICE, 'get', things[0]['id'])[0] == 1)
    confirm = ('recall', 'confirm', line['recall'])
    place.tried('root confirms nothing', 1, 'wants two operators, and root is none of them', 'root', *confirm)
    place.tried('nobody is two', 1, 'yours is the first word already', KIM, *confirm)

    def states():
        rows = [json.loads(x) for x in place.by(SERVICE, 'recall', 'status', line['recall'], '--json')[1].splitlines()]
        return {row['state'] for row in rows if row.get('holder') == 'this node'}
    check('it waits', states() == {'waits for officers'}, states())
    place.tried('lee confirms', 0, 'confirmed: it is destroyed now', LEE, *confirm)
    until('all of it is destroyed', lambda: states() == {'destroyed'})


def metric(place, start):
    """The figure of the metric whose line begins so; None: there is no such line."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(place.path / 'kr' / 'metrics.sock'))
        link.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        said = b''.join(iter(lambda: link.recv(65536), b'')).decode()
    return next((int(line.split()[1]) for line in said.splitlines() if line.startswith(f'bongsu_{start} ')), None)


def tightening(place):
    """A source's RED copies bind at once; many are told; the owners' markings stand by the word of two, where the policy wants
    two, and one takes that back."""
    with open(place.path / 'kr' / 'bongsu.yaml', 'a', encoding='utf-8') as conf:
        conf.write('tightened-objects: 2\n')
    place.again()
    things = [indicator(n, GREEN) for n in (11, 12, 13)]
    place.tried('their source', 0, '', SERVICE, 'source', 'add', 'rumour', '--foreign')
    place.tried('a policy that asks for two', 0, 'in force', SERVICE, 'policy', 'activate', place.policy(
        'language 1\npartner us {tlp-max amber}\nrelease g if tlp <= green to us\nactivation by 2\n'))
    place.hand_in(*things)
    until('they leave', lambda: all('Released' in place.why(thing) for thing in things))
    copies = [dict(thing, name='rumour', object_marking_refs=[RED]) for thing in things]
    (place.path / 'o.json').write_text('\n'.join(map(json.dumps, copies)))
    place.by(SERVICE, 'add', place.path / 'o.json', '--source', 'rumour')
    until('RED copies take them', lambda: all('binds as well' in place.why(thing) and 'Denied' in place.why(thing)
                                              for thing in things))
    until('the log says so', lambda: 'rumour tightened more than 2 objects' in place.log('kr'))
    place.tried('status says so', 0, 'TIGHTENED: stricter copies by rumour bind 3 objects', SERVICE, 'status')
    check('metrics count it', (metric(place, 'tightened_objects{source="rumour"}'), metric(place, 'tightened_alarms')) == (3, 1))
    keep = ('marking', 'keep', '--source', 'rumour', '--because', 'they withdrew it')
    place.tried('without a reason nothing stands', 2, 'needs a reason', KIM, *keep[:-2])
    place.tried('root lets nothing stand', 1, r'two operators \(activation by 2\), and root is none', 'root', *keep)
    place.tried('kim is one', 0, 'until a second operator says it too', KIM, *keep)
    place.tried('and one only', 1, 'yours is the first word', KIM, *keep)
    place.tried('it is listed', 0, 'rumour *waits for a second operator', SERVICE, 'marking', 'kept')
    check('nothing changed', 'Denied' in place.why(things[0]), place.why(things[0]))
    place.tried('lee is the second', 0, 'the owners\' markings stand', LEE, *keep)
    until('they leave again', lambda: all('Released' in place.why(thing) for thing in things))
    check('explain says by whose word', f'does not bind: the owner\'s marking stands by the word of {KIM} and {LEE}, until it is '
          'taken back (they withdrew it)' in place.why(things[0]), place.why(things[0]))
    check('status is quiet', 'TIGHTENED' not in place.by(SERVICE, 'status')[1])
    check('...and metrics', metric(place, 'tightened_alarms') == 0)
    place.tried('one takes it back', 0, 'bind again', 'root', *keep, '--lift')
    until('and they are denied', lambda: all('Denied' in place.why(thing) for thing in things))


def one_account(place):
    """Two names of one account are one person."""
    with open('/etc/passwd', encoding='utf-8') as file:
        names = {}
        for line in file:
            names.setdefault(line.split(':')[2], []).append(line.split(':')[0])
    twins = next((found for found in names.values() if len(found) > 1), None)
    if twins is None:
        return skip('two names of one account', 'this machine has none (unit test: app operators)')
    place.declare(*twins[:2])
    place.again()
    return place.tried('they count once', 0, 'wants two operators', SERVICE, 'status')


def main():
    if os.geteuid() != 0:
        skip('two persons', 'needs root')
    else:
        place = Desk()
        try:
            place.make('kr', 'KR')
            place.own()
            amber = undeclared(place)
            alone(place, amber)
            stopped(place, amber)
            two(place, amber)
            removed(place)
            destroying(place)
            activation(place)
            recalling(place)
            tightening(place)
            signing.signing(place, sys.modules[__name__])
            one_account(place)
            signing.forgotten(place, sys.modules[__name__])
        finally:
            place.close()
    print(f"{counted['passed']} passed, {counted['failed']} failed, {counted['skipped']} skipped")
    return 1 if counted['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
