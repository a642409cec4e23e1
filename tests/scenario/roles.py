#!/usr/bin/env python3
"""tests/scenario/roles.py: what each role of a running, connected node has in hand, as the kernel tells it.

core holds no socket; edge holds no file of the store and none of the signing keys; keeper and guard hold neither socket nor
store; each role is filtered by seccomp and can gain no privileges; what keeper and edge hold of keys is locked in memory, and
nobody else of the account can look into a role. Which files each may open is asked of the system itself by a unit test (app
confine): the kernel does not tell it of others.
"""
import os
import sys

from node import SAMPLES, Folder, Pair, Report, open_files, stops


def mapped(pid):
    with open(f'/proc/{pid}/maps', encoding='utf-8', errors='replace') as file:
        return {line.split(None, 5)[5].strip() for line in file if len(line.split(None, 5)) > 5}


def status(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return {name: value.strip() for name, value in (line.split(':', 1) for line in file)}


def locked_kib(facts):
    return int(facts.get('VmLck', '0 kB').split()[0])


def look_hidden(report, node, roles):
    """Without privileges nothing of a role can be read, not even by its own account."""
    for role in ('edge', 'guard', 'core', 'keeper'):
        try:
            os.listdir(f'/proc/{roles[role]}/fd')
            seen = True
        except PermissionError:
            seen = False
        report.check(f'{node.name}: nobody else of the account looks into {role}', not seen)


def look(report, node):
    roles = node.roles()
    report.equal(f'{node.name}: there are four roles, their launcher and the parent', sorted(roles),
                 ['core', 'edge', 'guard', 'keeper', 'launcher', 'parent'])
    facts = {role: status(pid) for role, pid in roles.items()}
    for role in ('edge', 'guard', 'core', 'keeper'):
        report.equal(f'{node.name}: {role} can gain no privilege', facts[role].get('NoNewPrivs'), '1')
        report.equal(f'{node.name}: {role} is filtered by seccomp', facts[role].get('Seccomp'), '2')
    for role in ('edge', 'keeper'):
        report.check(f'{node.name}: {role} has its keys locked in memory', locked_kib(facts[role]) > 0, facts[role].get('VmLck'))
    for role in ('guard', 'core'):
        report.equal(f'{node.name}: {role} has none', locked_kib(facts[role]), 0)
    want = 'open' if 'has no Landlock' in node.said() else 'bounded'
    report.equal(f'{node.name}: it says which files its roles may open', node.status().get('files'), want)
    report.equal(f'{node.name}: it says that they share an account', node.status().get('accounts'), 'one')
    if os.geteuid() == 0:
        look_inside(report, node, roles)
    else:
        look_hidden(report, node, roles)


def look_inside(report, node, roles):
    # What it had in hand when it began belongs to whoever started it: standard error may be a socket, as under systemd.
    files = {role: open_files(pid) for role, pid in roles.items()}
    sockets = {role: [name for name in names if name.startswith('socket:')] for role, names in files.items()}
    store, keys = os.path.join(node.dir, 'store') + '/', os.path.join(node.dir, 'keys') + '/'
    report.equal(f'{node.name}: core holds no socket', sockets.get('core'), [])
    report.equal(f'{node.name}: keeper holds no socket', sockets.get('keeper'), [])
    report.equal(f'{node.name}: guard holds no socket', sockets.get('guard'), [])
    report.check(f'{node.name}: edge holds sockets', sockets.get('edge'))
    for role in ('edge', 'guard', 'keeper', 'launcher', 'parent'):
        held = [name for name in files.get(role, []) + sorted(mapped(roles[role])) if name.startswith(store)]
        report.equal(f'{node.name}: {role} holds no file of the store', held, [])
    report.check(f'{node.name}: core holds the store', any(name.startswith(store) for name in files['core']))
    for role in ('edge', 'guard', 'core', 'launcher', 'parent'):
        held = [name for name in files[role] if name.startswith(keys) or name.endswith('/root.key')]
        report.equal(f'{node.name}: {role} holds no signing key', held, [])
    for role in ('edge', 'guard', 'core', 'keeper', 'parent'):
        held = [name for name in files[role] if name.endswith('/bongsu.yaml')]
        report.equal(f'{node.name}: {role} keeps no configuration open', held, [])


def main():
    report = Report('roles')
    with Folder() as folder:
        pair = Pair(folder)
        try:
            if len(pair.kr.roles()) == 1:
                report.skip('what each role holds', 'this program runs all roles in one process')
                return report.finish()
            pair.kr.add(SAMPLES / 'campaign' / 'kr-cert.json', 'kr-cert')
            report.check('both are in step', pair.settle())
            for node in pair.both:
                look(report, node)
            for role in ('edge', 'guard', 'core', 'keeper'):
                pair.kr.kill(role)
            report.check('in step again after each role was replaced', pair.settle())
            look(report, pair.kr)
            for node in pair.both:
                stops(report, node)
        finally:
            pair.end()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
