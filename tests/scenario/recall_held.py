"""What stands in a recall's way, and what it leaves behind: an order to keep evidence, a partner who does not answer, a backup.

For recall.py, which runs it. Standard library only.
"""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess

from node import Node, program, wait_for
from recall_chosen import Desk, SECOND, indicator

OPERATOR = 'daemon'  # an account that every Debian has


def metric(node, name):
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(os.path.join(node.dir, 'metrics.sock'))
        link.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        said = b''.join(iter(lambda: link.recv(65536), b'')).decode()
    return next((int(line.split()[1]) for line in said.splitlines() if line.startswith(f'bongsu_{name} ')), None)


def by_operator(node, *words):
    who = pwd.getpwnam(OPERATOR)
    return subprocess.run([program(), *words, '--dir', node.dir], capture_output=True, text=True, user=who.pw_uid, group=0,
                          extra_groups=[], timeout=120, check=False)


def state(node, thing, holder):
    lines = node.run('recall', 'status', thing['id']).lines
    return next((line['state'] for line in lines if line.get('holder') == holder), None)


def pair(folder):
    os.chmod(folder, 0o755)
    one, other = Node(folder, 'ka', 'KR'), Node(folder, 'ub', 'US')
    with open(os.path.join(other.dir, 'bongsu.yaml'), 'a', encoding='utf-8') as conf:
        conf.write(f'operators: [{OPERATOR}]\n')
    os.chmod(other.dir, 0o750)
    for node in (one, other):
        node.start()
    one.knows(other, other.name)
    other.knows(one, one.name)
    one.must('source', 'add', 'desk')
    return one, other


def held(report, desk, other):
    """An order at the partner: suspended and kept, answered so, and gone when the order is lifted."""
    thing, node = indicator(201, name='evidence'), desk.node
    desk.add('desk', thing)
    report.check('it arrives', wait_for(lambda: other.run('get', thing['id']).good))
    order = ('hold', 'legal', thing['id'], '--because', 'court order 12/2026')
    alone = other.run(*order)
    report.check('an order is for a declared operator', not alone.good and 'declared operator' in repr(alone), alone)
    done = by_operator(other, *order)
    report.check('an operator sets it', done.returncode == 0, done)
    report.check('...for what is held',
                 by_operator(other, 'hold', 'legal', indicator(999)['id'], '--because', 'x').returncode == 1)
    report.check('...and it is listed', [(line['object'], line['by']) for line in other.must('hold', 'legal', 'list').lines] ==
                 [(thing['id'], OPERATOR)])
    node.must('recall', thing['id'], '--because', 'test', '--yes')
    report.check('the issuer is told that it is held under order',
                 wait_for(lambda: state(node, thing, 'ub') == 'held under order'), state(node, thing, 'ub'))
    report.check('...and it is gone at the issuer', wait_for(lambda: state(node, thing, 'this node') == 'destroyed'))
    report.check('at the holder nobody gets it', not other.run('get', thing['id']).good)
    report.equal('...and it is kept', state(other, thing, 'this node'), 'held under order')
    report.equal('the metric says so', metric(node, 'recall_held') is not None, True)
    other.stop()
    other.start()
    report.equal('...after a restart too', state(other, thing, 'this node'), 'held under order')
    report.check('only an operator lifts it', not other.run('hold', 'legal', 'lift', thing['id'], '--because', 'x').good)
    lifted = by_operator(other, 'hold', 'legal', 'lift', thing['id'], '--because', 'the case is closed')
    report.check('he lifts it', lifted.returncode == 0, lifted)
    report.check('then it goes', wait_for(lambda: state(other, thing, 'this node') == 'destroyed'))
    report.check('...and the issuer is told', wait_for(lambda: state(node, thing, 'ub') == 'done'), state(node, thing, 'ub'))


def overdue(report, desk, other):
    """Who lets the deadline pass is told of without being asked about."""
    thing, node = indicator(202), desk.node
    desk.add('desk', thing)
    report.check('one more arrives', wait_for(lambda: other.run('get', thing['id']).good))
    report.check('nothing is overdue', 'OVERDUE' not in node.said() and metric(node, 'recall_overdue') == 0)
    other.stop()
    report.check('a deadline is a time', not node.run('recall', thing['id'], '--because', 'x', '--yes', '--within', '0s').good)
    node.must('recall', thing['id'], '--because', 'test', '--yes', '--within', '2s')
    report.check('the alarm comes by itself', wait_for(lambda: 'OVERDUE: 1 times' in node.said()), node.said()[-1500:])
    report.equal('the metric counts it', metric(node, 'recall_overdue'), 1)
    report.check('status says it', any(line.get('recall_overdue') == 1 for line in node.must('status').lines))
    report.equal('recall status names it', state(node, thing, 'ub'), 'OVERDUE')
    other.start()
    report.check('who comes late answers', wait_for(lambda: state(node, thing, 'ub') == 'done'))
    report.check('...and status is quiet', not any('recall_overdue' in line for line in node.must('status').lines))


def restored(report, desk, folder):
    """A backup of before the recall opens it by the key file of then, and by nothing else."""
    node, thing = desk.node, indicator(203, name='saltwordinbackup', description='saltwordinbackup')
    desk.add('desk', thing)
    report.check('it is held before', node.run('get', thing['id']).good)
    node.stop()
    backup = os.path.join(folder, 'backup')
    shutil.copytree(node.dir, backup, ignore=lambda _, names: [name for name in names if name.endswith('.sock')])
    node.start()
    node.must('recall', thing['id'], '--because', 'test', '--yes')
    report.check('it is destroyed here', wait_for(lambda: state(node, thing, 'this node') == 'destroyed'))
    node.stop()
    keys = next(path for path in pathlib.Path(node.dir).rglob('keys') if any(path.glob('*')) and path.parent.name == 'store')
    place = keys.relative_to(node.dir)
    for name, with_keys, opens in (('whole', True, True), ('of today', False, False), ('none', None, False)):
        path = os.path.join(folder, 'restored ' + name)
        shutil.copytree(backup, path)
        if not with_keys:
            shutil.rmtree(os.path.join(path, place))
            if with_keys is False:
                shutil.copytree(keys, os.path.join(path, place))
            # Index and search file are made again from the log: what they hold in clear is no part of this.
            shutil.rmtree(os.path.join(path, place.parent, 'index'), ignore_errors=True)
        got = subprocess.run([program(), 'get', thing['id'], '--dir', path], capture_output=True, text=True, timeout=120,
                             check=False)
        report.check(f'a restored backup, key file {name}: {"opens" if opens else "does not open"} it',
                     ('saltwordinbackup' in got.stdout) == opens, got)
        logs = [log for log in pathlib.Path(path).rglob('log/*') if log.is_file()]
        report.check(f'...and its log holds no word of it ({name})', logs and
                     not any(b'saltwordinbackup' in log.read_bytes() for log in logs), logs)


def run(report, folder):
    if os.geteuid() != 0:
        return report.skip('legal hold', 'needs root')
    one, other = pair(folder)
    try:
        desk = Desk(report, one, folder)
        desk.activate(SECOND)
        held(report, desk, other)
        overdue(report, desk, other)
        restored(report, desk, folder)
    finally:
        one.stop()
        other.stop()
    return None
