#!/usr/bin/env python3
"""tests/scenario/accounts.py: a node whose roles run in accounts of their own, started as the packaged unit starts it.

Root, a mount namespace and setpriv are needed; else all of it is skipped. The accounts are those of
packaging/bongsu.sysusers.conf in copies of /etc/passwd and /etc/group that only this run sees.

Looked at: what each role is to the kernel; what each account can open of a node and do to the others, by a process of that
account without any sandbox, as on a kernel without Landlock; that the node starts so or not at all; crashes, stopping, keys
that change, a backup that comes back; and that all can be one account's again.
"""
import ctypes
import errno
import grp
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import node as nodes
from node import SAMPLES, Folder, Node, Report, stops, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / 'packaging' / 'bongsu.service'
SYSUSERS = ROOT / 'packaging' / 'bongsu.sysusers.conf'
ACCOUNT = {'parent': 'bongsu', 'launcher': 'bongsu', 'core': 'bongsu', 'edge': 'bongsu-edge', 'guard': 'bongsu-guard',
           'keeper': 'bongsu-keeper'}
EVERYBODY = sorted(set(ACCOUNT.values()))
FIRST_NUMBER = 64900  # of accounts that no system has; below those that a login gets
REPORT = Report('accounts')
LIBC, PTRACE_ATTACH = ctypes.CDLL(None, use_errno=True), 16


# --- the accounts, and what the unit grants ---

def make_accounts(folder):
    """In this mount namespace alone."""
    users, groups = (pathlib.Path(f'/etc/{name}').read_text(encoding='utf-8') for name in ('passwd', 'group'))
    for number, (kind, name) in enumerate(re.findall(r'^([ug]) (\S+)', SYSUSERS.read_text(encoding='utf-8'), re.M), FIRST_NUMBER):
        users = '\n'.join(line for line in users.splitlines() if not line.startswith(name + ':')) + '\n'
        groups = '\n'.join(line for line in groups.splitlines() if not line.startswith(name + ':')) + '\n'
        groups += f'{name}:x:{number}:\n'
        users += f'{name}:x:{number}:{number}::/:/usr/sbin/nologin\n' if kind == 'u' else ''
    for name, text in (('passwd', users), ('group', groups)):
        path = folder / name
        path.write_text(text, encoding='utf-8')
        subprocess.run(['mount', '--bind', str(path), f'/etc/{name}'], check=True)


def without(name):
    """As if the account had never been made."""
    path = pathlib.Path('/etc/passwd')
    kept = path.read_text(encoding='utf-8')
    path.write_text(''.join(line for line in kept.splitlines(True) if not line.startswith(name + ':')), encoding='utf-8')
    return kept


def of_unit(key):
    return re.findall(rf'^{key}=(.*)$', UNIT.read_text(encoding='utf-8'), re.M)


def granted():
    return sorted(word.removeprefix('CAP_').lower() for line in of_unit('AmbientCapabilities') for word in line.split())


def as_unit(capabilities):
    """User=, Group=, SupplementaryGroups=, AmbientCapabilities=, CapabilityBoundingSet= and NoNewPrivileges=."""
    held = ','.join(f'+{name}' for name in capabilities)
    ambient = [f'--inh-caps=-all,{held}', f'--ambient-caps=-all,{held}'] if capabilities else ['--inh-caps=-all']
    return ['setpriv', f'--reuid={of_unit("User")[0]}', f'--regid={of_unit("Group")[0]}',
            f'--groups={of_unit("SupplementaryGroups")[0]}', '--bounding-set=-all' + (',' + held if held else ''), *ambient,
            '--no-new-privs', '--']


class Divided(Node):
    """A node as packaging/README.md makes one, and its unit starts it."""

    def __init__(self, folder, name, country, capabilities=None):
        self.words, self.capabilities = ['--accounts'], granted() if capabilities is None else capabilities
        os.makedirs(os.path.join(folder, name))
        os.chown(os.path.join(folder, name), pwd.getpwnam('bongsu').pw_uid, pwd.getpwnam('bongsu').pw_gid)
        super().__init__(folder, name, country)
        for path in (self.dir, *pathlib.Path(self.dir).rglob('*')):
            os.chown(path, pwd.getpwnam('bongsu').pw_uid, pwd.getpwnam('bongsu').pw_gid)

    def divide(self, *more):
        return subprocess.run([nodes.program(), 'accounts', self.dir, *more], capture_output=True, text=True, check=False)

    def start(self, seconds=60, wait=True):
        self.before = as_unit(self.capabilities)
        return super().start(seconds, wait)

    def serve_words(self):
        return self.words


def as_account(account, call):
    """call() in a process of this account, its group and nothing else: what it answers, as a word."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            who = pwd.getpwnam(account)
            os.setgroups([])
            os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
            os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)
            os.write(writes, str(call()).encode())
        except OSError as error:
            os.write(writes, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    with os.fdopen(reads, 'rb') as file:
        return file.read().decode()


# --- looks ---

def numbers(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return {name: value.split() for name, value in (line.split(':', 1) for line in file)}


def look_at_kernel(node, roles):
    bounds = sum(1 << {'kill': 5, 'setgid': 6, 'setuid': 7}[name] for name in granted())
    for role, account in ACCOUNT.items():
        facts, who = numbers(roles[role]), pwd.getpwnam(account)
        unit = account == 'bongsu'
        group = grp.getgrnam(of_unit('Group')[0]).gr_gid if unit else who.pw_gid
        groups = sorted({grp.getgrnam(name).gr_gid for name in of_unit('SupplementaryGroups')}) if unit else []
        REPORT.equal(f'{role} runs as {account}, for good', facts['Uid'], [str(who.pw_uid)] * 4)
        REPORT.equal(f'{role} is of its group, for good', facts['Gid'], [str(group)] * 4)
        REPORT.equal(f'{role} is of no group beside', sorted(int(one) for one in facts['Groups']), groups)
        for name in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb'):
            held = bounds if role == 'launcher' else 0
            REPORT.equal(f'{role}: {name}', int(facts[name][0], 16), held)
        REPORT.check(f'{role}: CapBnd is within the unit', int(facts['CapBnd'][0], 16) & ~bounds == 0, facts['CapBnd'])
        REPORT.equal(f'{role} can gain no privilege', facts['NoNewPrivs'], ['1'])
        if role != 'parent':
            REPORT.equal(f'{role} is filtered by seccomp', facts['Seccomp'], ['2'])
    REPORT.equal('status says it', node.status().get('accounts'), 'separate')
    REPORT.check('the log says it', 'accounts separate' in node.said())


MAY_READ = {  # whoever is in no column may not
    'bongsu.yaml': ('bongsu',), 'card': ('bongsu',), 'root.key': (), 'keys/tls': ('bongsu-edge',),
    'keys/ledger': ('bongsu-keeper',), 'keys/cosign': ('bongsu-keeper',), 'keys/disposition': ('bongsu-keeper',),
    'keys/recall': ('bongsu-keeper',), 'keys/sealing': ('bongsu-keeper',), 'keys/policy': ('bongsu-keeper',),
    'keeper/anchor': ('bongsu-keeper',), 'feeds/feed-far.json': ('bongsu', 'bongsu-edge'), 'cards/1': ('bongsu',),
}
MAY_LIST = {'store': ('bongsu',), 'store/log': ('bongsu',), 'access': ('bongsu',), 'feeds': ('bongsu', 'bongsu-edge'),
            'keys-edge': ('bongsu-edge',), 'keys-keeper': ('bongsu-keeper',), 'keeper': ('bongsu-keeper',)}


def look_at_files(node):
    def reading(path):
        def call():
            with open(path, 'rb') as file:
                return len(file.read()) > 0
        return call
    for table, make in ((MAY_READ, reading), (MAY_LIST, lambda path: lambda: os.listdir(path) is not None)):
        for name, may in table.items():
            got = [account for account in EVERYBODY if as_account(account, make(os.path.join(node.dir, name))) == 'True']
            REPORT.equal(f'who opens {name}', got, sorted(may))
    segment = next((pathlib.Path(node.dir) / 'store' / 'log').iterdir())
    REPORT.equal('who opens the log', [who for who in EVERYBODY if as_account(who, reading(segment)) == 'True'], ['bongsu'])


def look_at_planting(node):
    """What the node's own account, and so core, can put where another role's stands."""
    here = pathlib.Path(node.dir)
    tries = {
        'the configuration is written': lambda: open(here / 'bongsu.yaml', 'a', encoding='ascii').close(),
        'the configuration is replaced': lambda: os.rename(here / 'card', here / 'bongsu.yaml'),
        'keys are moved away': lambda: os.rename(here / 'keys', here / 'keys.old'),
        'the anchor is moved away': lambda: os.rename(here / 'keeper', here / 'keeper.old'),
        'a key is removed': lambda: os.unlink(here / 'keys' / 'ledger'),
        'a key is made': lambda: open(here / 'keys' / 'new', 'w', encoding='ascii').close(),
        'an anchor is made': lambda: open(here / 'keeper' / 'new', 'w', encoding='ascii').close(),
        'the root key is removed': lambda: os.unlink(here / 'root.key'),
        'rights are widened': lambda: os.chmod(here, 0o777),
    }
    for what, call in tries.items():
        for account in EVERYBODY:
            if account != 'bongsu-keeper' or not what.startswith(('a key', 'an anchor')):
                REPORT.equal(f'{account}: not so that {what}', as_account(account, call), 'PermissionError')
    made = as_account('bongsu', lambda: os.mkdir(here / 'store' / 'own') is None)
    REPORT.equal('core makes names in its own directory', made, 'True')
    os.rmdir(here / 'store' / 'own')


def look_at_processes(roles):
    """Other accounts' processes can be neither signalled, traced nor looked into."""
    for account in EVERYBODY:
        for role in (role for role, owner in ACCOUNT.items() if owner != account):
            for what, call in (('signal', lambda role=role: os.kill(roles[role], 0)),
                               ('look at the memory of', lambda role=role: open(f'/proc/{roles[role]}/mem', 'rb').close()),
                               ('look at the files of', lambda role=role: os.listdir(f'/proc/{roles[role]}/fd'))):
                REPORT.equal(f'{account} cannot {what} {role}', as_account(account, call), 'PermissionError')
            traced = as_account(account, lambda role=role: (LIBC.ptrace(PTRACE_ATTACH, roles[role], None, None),
                                                            ctypes.get_errno()))
            REPORT.equal(f'{account} cannot trace {role}', traced, str((-1, errno.EPERM)))


def refuses(node, what, pattern):
    before = len(node.said())
    node.start(wait=False)
    ended = wait_for(lambda: node.process.poll() is not None, 20)
    said = node.said()[before:]
    REPORT.check(f'{what}: it does not start', ended and node.process.returncode == 1, said)
    REPORT.check(f'{what}: it says why', re.search(pattern, said) is not None, said)
    if not ended:
        node.stop()


def look_at_refusals(node):
    here = pathlib.Path(node.dir)
    kept = without('bongsu-keeper')
    refuses(node, 'without an account', 'no account bongsu-keeper')
    pathlib.Path('/etc/passwd').write_text(kept, encoding='utf-8')
    for name in granted():
        node.capabilities = [other for other in granted() if other != name]
        refuses(node, f'without the capability {name}', 'may not change accounts')
    node.capabilities = granted()
    os.chown(here / 'keys' / 'ledger', pwd.getpwnam('bongsu').pw_uid, -1)
    refuses(node, 'with a key of the node', 'keys/ledger does not belong to bongsu-keeper')
    REPORT.check('nor is it taken for what root left there', node.divide().returncode == 1)
    os.chown(here / 'keys' / 'ledger', pwd.getpwnam('bongsu-keeper').pw_uid, -1)
    os.chmod(here / 'keys' / 'tls', 0o644)
    refuses(node, 'with a key that others can open', 'keys/tls can be opened by others')
    REPORT.equal('which root mends', node.divide().returncode, 0)
    os.chmod(here, 0o771)
    refuses(node, 'in a directory that is not sticky', 'sticky')
    REPORT.equal('which root mends too', node.divide().returncode, 0)


def look_at_links(node):
    """root gives away nothing that was put there to be given away."""
    here, far = pathlib.Path(node.dir), pathlib.Path(node.dir).parent / 'far'
    far.write_text('of root\n', encoding='ascii')
    for what, make in (('a link', os.symlink), ('a second name', os.link)):
        make(far, here / 'keys' / 'planted')
        REPORT.equal(f'{what} among the keys is refused', node.divide().returncode, 1)
        os.unlink(here / 'keys' / 'planted')
        REPORT.equal(f'...and {what} leads nowhere', os.stat(far).st_uid, 0)
    os.rename(here / 'access', here / 'access.old')
    os.symlink(far.parent, here / 'access')
    REPORT.equal('a link for a directory is refused', node.divide().returncode, 1)
    REPORT.equal('...and leads nowhere', os.stat(far).st_uid, 0)
    os.unlink(here / 'access')
    os.rename(here / 'access.old', here / 'access')
    REPORT.equal('no node, no accounts', subprocess.run([nodes.program(), 'accounts', str(far.parent)], capture_output=True,
                                                        check=False).returncode, 1)
    REPORT.equal('all as it was', node.divide().returncode, 0)


def by_account(node, account, *words):
    who = pwd.getpwnam(account)
    return subprocess.run([nodes.program(), *map(str, words), '--dir', node.dir], capture_output=True, text=True, check=False,
                          user=who.pw_uid, group=who.pw_gid, extra_groups=[])


def look_at_commands(node):
    """On a stopped node: the node's account asks; what touches keys is root's."""
    REPORT.equal('sudo -u bongsu bongsu status', by_account(node, 'bongsu', 'status').returncode, 0)
    REPORT.equal('sudo -u bongsu bongsu check', by_account(node, 'bongsu', 'check').returncode, 0)
    for account in ('bongsu-edge', 'bongsu-guard', 'bongsu-keeper'):
        REPORT.check(f'not {account}', by_account(node, account, 'status').returncode != 0)
    refused = by_account(node, 'bongsu', 'backup', pathlib.Path(node.dir).parent / 'no')
    REPORT.check('a backup, which has the keys, is not for it', refused.returncode == 1 and 'not permitted' in refused.stderr,
                 refused.stderr)


def renewed(node):
    done = subprocess.run([nodes.program(), 'card', node.dir, '--renew', '--rotate', 'all', '--from', 'now', '--passphrase-file',
                           node.passphrase], capture_output=True, text=True, check=False)
    REPORT.equal('root signs a card with new keys', (done.returncode, done.stderr.count('in force')), (0, 1))
    here = pathlib.Path(node.dir)
    owners = {pwd.getpwuid(path.stat().st_uid).pw_name for path in (here / 'keys-keeper').iterdir()}
    REPORT.equal('new keys are keeper\'s at once', owners, {'bongsu-keeper'})
    REPORT.equal('the new TLS key is edge\'s', pwd.getpwuid((here / 'keys' / 'tls').stat().st_uid).pw_name, 'bongsu-edge')
    REPORT.equal('the card is the node\'s', pwd.getpwuid((here / 'card').stat().st_uid).pw_name, 'bongsu')


def roles_of(node):
    roles = {}

    def there():
        roles.clear()
        roles.update(node.roles())
        return sorted(roles) == sorted(ACCOUNT) and node.run('status').good
    wait_for(there, 30)
    return roles


def look_at_life(node, other):
    """Crashes, by whoever may: each role is there again, in its account; the end of supervisor or launcher ends all."""
    for role in ('edge', 'guard', 'core', 'keeper'):
        before = roles_of(node)
        os.kill(before[role], signal.SIGKILL)
        wait_for(lambda before=before, role=role: node.roles().get(role) not in (None, before[role]), 30)
        after = roles_of(node)
        REPORT.equal(f'{role} is there again, as {ACCOUNT[role]}', numbers(after[role])['Uid'][0],
                     str(pwd.getpwnam(ACCOUNT[role]).pw_uid))
        REPORT.equal(f'{role} has no capability again', numbers(after[role])['CapPrm'], ['0' * 16])
    REPORT.check('in step after that', settled(node, other))
    for role in ('launcher', 'parent'):
        pids = roles_of(node)
        node.kill(role)
        REPORT.check(f'without {role} nothing goes on', not any(os.path.exists(f'/proc/{pid}') for pid in pids.values()), pids)
        node.start()
    REPORT.check('and in step again', settled(node, other))
    pids = list(roles_of(node).values())
    stops(REPORT, node)
    REPORT.check('nothing is left after SIGTERM', not any(os.path.exists(f'/proc/{pid}') for pid in pids))


def settled(node, other):
    def true():
        mine, theirs = node.status('us-cisa'), other.status('kr-cert')
        return mine.get('ledger_size', 0) > 0 and mine.get('ledger_size') == theirs.get('received') == mine.get('receipted')
    try:
        return wait_for(true, 60, 0.2)
    except RuntimeError:
        return False


def back_again(node):
    """A backup of root's, restored by root: the unit's first command makes it a node of its accounts."""
    backup, fresh, old = pathlib.Path(node.dir).parent / 'backup', pathlib.Path(node.dir).parent / 'fresh', pathlib.Path(node.dir)
    node.must('backup', backup)
    node.must('restore', backup, fresh)
    shutil.rmtree(old)
    os.rename(fresh, old)
    refuses(node, 'a node that root restored', 'not permitted|not divided')
    done = node.divide()
    REPORT.equal('it is divided', (done.returncode, done.stderr), (0, ''))
    node.start()
    REPORT.check('without its anchor it signs nothing', wait_for(lambda: 'the anchor is gone' in node.said(), 20))
    node.must('peer', 'epoch', 'us-cisa', '--because', 'test')
    anchor = old / 'keeper' / 'anchor'
    REPORT.check('keeper makes an anchor in its own account', wait_for(anchor.exists, 20) and
                 pwd.getpwuid(anchor.stat().st_uid).pw_name == 'bongsu-keeper')
    stops(REPORT, node)


def join(node):
    REPORT.equal('all is one account\'s again', node.divide('--one').returncode, 0)
    here = pathlib.Path(node.dir)
    owners = {pwd.getpwuid(path.stat().st_uid).pw_name for path in (here, *here.rglob('*'))}
    REPORT.equal('...every file of it', owners, {'bongsu'})
    node.words, node.capabilities = [], []
    node.start()
    facts = {role: numbers(pid) for role, pid in roles_of(node).items()}
    REPORT.equal('and it runs as one', {facts[role]['Uid'][0] for role in facts}, {str(pwd.getpwnam('bongsu').pw_uid)})
    REPORT.equal('which status says', node.status().get('accounts'), 'one')
    stops(REPORT, node)


def look(folder):
    kr, us = Divided(folder, 'kr', 'KR'), Node(folder, 'us', 'US')
    refuses(kr, 'before its files are divided', 'not divided among the accounts')
    first = kr.divide()
    REPORT.equal('root divides them', (first.returncode, first.stderr), (0, ''))
    REPORT.equal('and again, which changes nothing', kr.divide().returncode, 0)
    try:
        for node in (kr, us):
            node.start()
            node.must('policy', 'activate', nodes.POLICY)
        kr.knows(us, 'us-cisa')
        us.knows(kr, 'kr-cert')
        kr.must('source', 'add', 'kr-cert')
        kr.add(SAMPLES / 'campaign' / 'kr-cert.json', 'kr-cert')
        secret = pathlib.Path(folder) / 'token'
        secret.write_text('a token\n', encoding='ascii')
        feed = kr.run('feed', 'add', 'far', '--kind', 'misp', '--url', 'https://127.0.0.1:9/x', '--token-file', secret,
                      '--private')
        REPORT.check('a feed with credentials', feed.good, feed)
        REPORT.check('they are in step', settled(kr, us), kr.said()[-1500:])
        roles = roles_of(kr)
        look_at_kernel(kr, roles)
        look_at_files(kr)
        look_at_planting(kr)
        look_at_processes(roles)
        look_at_life(kr, us)
        look_at_commands(kr)
        look_at_links(kr)
        look_at_refusals(kr)
        kr.start()
        renewed(kr)
        REPORT.check('in step with new keys', settled(kr, us), kr.said()[-1500:])
        stops(REPORT, kr)
        back_again(kr)
        join(kr)
        for node in (kr, us):
            stops(REPORT, node) if node.running() else None
    finally:
        for node in (kr, us):
            node.stop()


def main():
    if len(sys.argv) > 1:
        os.environ['BONGSU'] = sys.argv[1]
    if os.environ.get('BONGSU_ACCOUNTS_INSIDE') != '1':
        able = os.geteuid() == 0 and shutil.which('setpriv') and subprocess.run(
            ['unshare', '--mount', 'true'], capture_output=True, check=False).returncode == 0
        if able:
            return subprocess.run(['unshare', '--mount', sys.executable, __file__, *sys.argv[1:]], check=False,
                                  env={**os.environ, 'BONGSU_ACCOUNTS_INSIDE': '1'}).returncode
        REPORT.skip('roles in accounts of their own', 'root, setpriv and a mount namespace are needed')
        return REPORT.finish()
    with tempfile.TemporaryDirectory() as etc, Folder() as folder:
        os.chmod(folder, 0o755)
        make_accounts(pathlib.Path(etc))
        try:
            look(folder)
        finally:
            for name in ('passwd', 'group'):
                subprocess.run(['umount', f'/etc/{name}'], check=False)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
