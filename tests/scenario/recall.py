#!/usr/bin/env python3
"""What was given out is called back: three nodes, kr -> us -> fr, and not a word of it is left on any of their disks.

    tests/scenario/recall.py

Standard library only. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import recall_chosen
import recall_held
from node import Node, Report, program, put_away, wait_for

POLICY = 'language 1\nrelease open if tlp <= green to all\n'
CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
WORD = 'canarycalledback'
REPORT = Report('recall')
VERIFY = os.path.join(os.path.dirname(os.path.dirname(program())), 'verify', 'bongsu-verify')


def indicator(number, word):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012d}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': word,
            'description': f'{word} in the description', 'pattern': f"[file:name = '{word}-{number}.exe']",
            'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z', 'object_marking_refs': [CLEAR]}


def add(node, folder, *things):
    path = os.path.join(folder, 'things.jsonl')
    pathlib.Path(path).write_text('\n'.join(map(json.dumps, things)), encoding='utf-8')
    return node.add(path, 'desk')


def holds(node, thing):
    return node.run('get', thing['id']).good


def finds(node, word):
    return node.run('find', '--text', word, '--wait').text.count('indicator--') > 0


def files_with(node, word):
    """Files below the node's folder in which the word stands: log, index, search file, keys, whatever there is."""
    return [str(path) for path in pathlib.Path(node.dir).rglob('*')
            if path.is_file() and word.encode() in path.read_bytes()]


def leaves(node, audience, op):
    urgent = ('--urgent',) if op == 'recall' else ()
    return [line for line in node.must('ledger', 'show', audience, *urgent).lines if line.get('op') == op]


def rows(node, thing):
    """Who has it: holder -> the line of `recall status`."""
    return {line['holder']: line for line in node.must('recall', 'status', thing['id']).lines if 'holder' in line}


def state(node, thing, holder):
    answer = node.run('recall', 'status', thing['id'])
    return next((line['state'] for line in answer.lines if line.get('holder') == holder), None)


class Chain:
    def __init__(self, folder):
        self.folder = folder
        self.kr, self.us, self.fr = (Node(folder, name, name.upper()) for name in ('kr', 'us', 'fr'))
        for node in self.all():
            node.start()
        for one, other in ((self.kr, self.us), (self.us, self.fr)):
            one.knows(other, other.name)
            other.knows(one, one.name)
        for node in self.all():
            path = os.path.join(folder, 'policy')
            pathlib.Path(path).write_text(POLICY, encoding='utf-8')
            if node is self.kr:
                node.must('peer', 'add-taxii', 'au', '--country', 'AU')
                node.must('peer', 'start', 'au')
            node.must('policy', 'activate', path, '--untested', '--because', 'test')
        self.kr.must('source', 'add', 'desk')

    def all(self):
        return (self.kr, self.us, self.fr)


def travels(chain):
    """From the first to the third by the second's own ledger; a partner who is away is told when he comes."""
    secret, stays = indicator(1, WORD), indicator(2, 'stayingword')
    kr, us, fr = chain.all()
    REPORT.check('two objects are handed in', add(kr, chain.folder, secret, stays).good)
    REPORT.check('both arrive at the third', wait_for(lambda: holds(fr, secret) and holds(fr, stays)))
    for node in chain.all():
        REPORT.check(f'{node.name} finds it', finds(node, WORD))
        REPORT.check(f'its word stands on the disk of {node.name}', files_with(node, WORD))
    dry = kr.must('recall', secret['id'], '--dry-run')
    REPORT.check('what it would reach is said before', dry.lines[0].get('objects') == 1 and
                 [line['holder'] for line in dry.lines if 'holder' in line] == ['us', 'au'], dry)
    REPORT.check('...and nothing is changed', holds(kr, secret))
    REPORT.check('without a reason it is refused', 'needs a reason' in repr(kr.run('recall', secret['id'], '--yes')))
    fr.stop()
    for name in ('source', 'owner', 'tag', 'marking', 'since', 'value', 'rule', 'policy', 'released-since', 'to', 'incident'):
        said = kr.run('recall', f'--{name}', '', '--because', 'an unset variable', '--yes')
        REPORT.check(f'an empty --{name} does not mean everything', not said.good and 'is empty' in repr(said))
    REPORT.check('an empty identifier neither', not kr.run('recall', '', '--because', 'an unset variable', '--yes').good)
    REPORT.check('it is called back', kr.run('recall', secret['id'], '--because', 'a source is in danger', '--yes').good)
    REPORT.check('nobody gets it here any more', not holds(kr, secret) and not finds(kr, WORD))
    REPORT.check('it is destroyed here', wait_for(lambda: state(kr, secret, 'this node') == 'destroyed'))
    REPORT.check('...and at who had it', wait_for(lambda: state(us, secret, 'this node') == 'destroyed'))
    REPORT.check('...who has answered that it is gone', wait_for(lambda: state(kr, secret, 'us') == 'done'), rows(kr, secret))
    REPORT.check('who reads by TAXII cannot confirm', state(kr, secret, 'au') == 'cannot confirm', rows(kr, secret))
    REPORT.check('who is away is asked', state(us, secret, 'fr') == 'pending', rows(us, secret))
    fr.start()
    REPORT.check('...and told when he comes', wait_for(lambda: state(fr, secret, 'this node') == 'destroyed'))
    REPORT.check('...and answers', wait_for(lambda: state(us, secret, 'fr') == 'done'), rows(us, secret))
    for node in chain.all():
        REPORT.check(f'{node.name} neither shows nor finds it', not holds(node, secret) and not finds(node, WORD))
        REPORT.check(f'no file of {node.name} holds its word', wait_for(lambda n=node: not files_with(n, WORD)),
                     files_with(node, WORD))
        REPORT.check(f'its neighbour stays at {node.name}', holds(node, stays) and finds(node, 'stayingword'))
    for one, audience in ((kr, 'us'), (us, 'fr')):
        REPORT.equal(f'the urgent ledger of {one.name} for {audience} says so once', len(leaves(one, audience, 'recall')), 1)
        REPORT.check('...and the main one does not', all(line.get('op') != 'recall'
                                                         for line in one.must('ledger', 'show', audience).lines))
        REPORT.check('...and it verifies', one.must('ledger', 'verify', audience, '--urgent').lines[0]['leaves'] == 1)
    return secret


def proves(chain):
    """That it was called back, and when, to whoever has two cards and no node."""
    kr, us, _ = chain.all()
    cards = []
    for node in (kr, us):
        cards += ['--card', node.card()]
    proof, whole = os.path.join(chain.folder, 'recall.proof'), os.path.join(chain.folder, 'urgent')
    kr.must('ledger', 'prove', 'us', '0', '--urgent', '--out', proof)
    kr.must('ledger', 'export', 'us', whole, '--urgent')
    for command, thing, said in (('proof', proof, 'recall'), ('ledger', whole, '')):
        done = subprocess.run([VERIFY, command, *cards, thing], capture_output=True, text=True, check=False)
        REPORT.check(f'bongsu-verify {command} agrees', done.returncode == 0 and '/urgent' in done.stdout and
                     said in done.stdout, done)


def comes_again(chain, secret):
    """The same words from the same source; and by every disk made again."""
    kr, us, fr = chain.all()
    add(kr, chain.folder, secret)
    REPORT.check('the same is not taken in again', not holds(kr, secret))
    for node in chain.all():
        node.stop()
        REPORT.check(f'the store of {node.name} is whole', node.run('check').good)
        REPORT.check(f'{node.name} is made again from its log', node.run('reindex').good)
        REPORT.check(f'...and whole', node.run('check').good)
        node.start()
        REPORT.check(f'{node.name} holds nothing of it', not holds(node, secret) and not files_with(node, WORD))
    REPORT.check('the recall stands after all that', state(us, secret, 'this node') == 'destroyed' and
                 state(us, secret, 'fr') == 'done', rows(us, secret))


def carried(chain):
    """An address that nobody marked goes back with the only object that said how secret it is, node by node."""
    kr, us, fr = chain.all()
    address = {'type': 'ipv4-addr', 'spec_version': '2.1', 'id': 'ipv4-addr--00000000-0000-4000-8000-000000000077',
               'value': '203.0.113.77'}
    carrier = {'type': 'observed-data', 'spec_version': '2.1', 'id': 'observed-data--00000000-0000-4000-8000-000000000077',
               'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'number_observed': 1,
               'first_observed': '2026-01-01T00:00:00Z', 'last_observed': '2026-01-01T00:00:00Z',
               'object_refs': [address['id']], 'object_marking_refs': [CLEAR]}
    REPORT.check('an observation and its address are handed in', add(kr, chain.folder, address, carrier).good)
    REPORT.check('both arrive at the third', wait_for(lambda: holds(fr, address) and holds(fr, carrier)))
    before = {one.name: len(leaves(one, audience, 'expire')) for one, audience in ((kr, 'us'), (us, 'fr'))}
    REPORT.check('the observation is called back', kr.run('recall', carrier['id'], '--because', 'wrong sensor', '--yes').good)
    REPORT.check('it is destroyed at the third', wait_for(lambda: state(fr, carrier, 'this node') == 'destroyed'))
    for one, audience in ((kr, 'us'), (us, 'fr')):
        REPORT.check(f'{one.name} takes back from {audience} what it carried',
                     wait_for(lambda o=one, a=audience: len(leaves(o, a, 'expire')) == before[o.name] + 1),
                     leaves(one, audience, 'expire'))


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-recall-')
    chain = None
    try:
        chain = Chain(folder)
        secret = travels(chain)
        proves(chain)
        carried(chain)
        comes_again(chain, secret)
        recall_chosen.run(REPORT, folder)
        recall_held.run(REPORT, folder)
    finally:
        put_away(REPORT, chain.all() if chain else (), folder)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
