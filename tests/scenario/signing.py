"""Operators' own keys, for operators.py: what one signs with ssh-keygen counts, and nothing else does; who reads the log
verifies it with ssh-keygen alone. `place` is its Desk, `desk` the module's accounts and objects."""
import hashlib
import json
import re
import subprocess

import keep
from test_cli import PROGRAM, check, skip, until


class Hand:
    """An operator with a key of his own."""

    def __init__(self, place, account, name, kind=('-t', 'ed25519')):
        self.place, self.account, self.key = place, account, place.path / name
        subprocess.run(['ssh-keygen', '-q', *kind, '-N', '', '-C', f'{name}@desk', '-f', self.key], check=True)
        self.public = self.key.with_suffix('.pub').read_text().strip()
        printed = subprocess.run(['ssh-keygen', '-l', '-f', self.key], capture_output=True, text=True, check=True).stdout
        self.fingerprint = printed.split()[1]
        self.row = f'{account} {self.public}'
        self.said = f'{account} (key {self.fingerprint.removeprefix("SHA256:")[:16]})'

    def text(self, *words):
        """What --to-sign prints, alone and exactly."""
        path = self.place.path / 't'
        with open(path, 'wb') as out:
            done = subprocess.run([PROGRAM, *map(str, words), '--to-sign', '--dir', 'kr'], stdout=out, stderr=subprocess.PIPE,
                                  user=self.account, group=self.place.group, extra_groups=[], cwd=self.place.path, check=False)
        check(f'{" ".join(map(str, words))}: a text to sign', done.returncode == 0, done.stderr.decode())
        return path.read_text()

    def sign(self, text, namespace='bongsu', name='t', **options):
        path = self.place.path / name
        path.write_text(text)
        signed = path.with_name(f'{name}.sig')
        signed.unlink(missing_ok=True)
        subprocess.run(['ssh-keygen', '-q', '-Y', 'sign', '-n', namespace, *options.get('more', ()), '-f', self.key, path],
                       check=True, capture_output=True)
        return signed

    def say(self, what, status, pattern, *words):
        """Printed, signed, said."""
        signed = self.sign(self.text(*words))
        self.place.tried(what, status, pattern, self.account, *words, '--signature', signed)
        return signed


def approving(place, desk, kim, lee):
    """One with a key, one without: each counts in his way, and nothing that is not over these words does."""
    thing, other = desk.indicator(21, desk.AMBER), desk.indicator(22, desk.AMBER)
    place.hand_in(thing, other)
    until('they wait', lambda: all('by rule eyes' in place.why(it) for it in (thing, other)))
    words = ('approve', thing['id'], 'us', '--because', 'read "it"')
    place.tried('status says who signs with what', 0, re.escape(f'{kim.account} signs with {kim.fingerprint}'), desk.SERVICE,
                'status')
    place.tried('without a signature it is not his word', 1, f'{kim.account} signs what he says here.*--to-sign', kim.account,
                *words)
    text = kim.text(*words)
    check('a person reads what he signs', text.startswith(f'bongsu/operator-word/v1\nnode: kr\noperator: {kim.account}\n'
                                                          f'word: approve\nobject: {thing["id"]}\n') and
          '\npartner: us\nrule: eyes\npolicy: sha256 ' in text and text.endswith('\nbecause: "read \\"it\\""\nagain: 0\n'), text)
    stranger = Hand(place, kim.account, 'stranger')
    wrong = [('another key', stranger.sign(text, name='w1'),
              f'of another key .{re.escape(stranger.fingerprint)}. than {kim.account} has'),
             ('another use', kim.sign(text, namespace='git', name='w2'), 'made for git, and not for bongsu'),
             ('another object', kim.sign(kim.text(*(w if w != thing['id'] else other['id'] for w in words)), name='w3'),
              'over other words'),
             ('another reason', kim.sign(kim.text(*words[:-1], 'glanced at it'), name='w4'), 'over other words'),
             ('a hand in the text', kim.sign(text.replace('partner: us', 'partner: uk'), name='w5'), 'over other words'),
             ("lee's key", lee.sign(text, name='w6'), 'of another key')]
    whole = kim.sign(text).read_text()
    for what, content, pattern in (('cut', whole[:len(whole) // 2], 'no signature of OpenSSH'),
                                   ('no signature', text, 'no signature'),
                                   ('one byte', whole.replace('U1NIU0lH', 'U1NIU0lI'), 'no signature of OpenSSH')):
        path = place.path / f'w-{what.replace(" ", "-")}'
        path.write_text(content)
        wrong.append((what, path, pattern))
    for what, path, pattern in wrong:
        place.tried(f'signed by {what}', 1, pattern, kim.account, *words, '--signature', path)
    place.tried('root has no key', 1, 'root has no key here that a signature could be of|root is none of them', 'root', *words,
                '--signature', place.path / 't.sig')
    place.tried('nor has lee', 1, f'{lee.account} has no key here', lee.account, *words, '--signature', place.path / 't.sig')
    place.tried('nothing was said yet', 1, 'counted so far: nobody', 'root', *words)
    signed = kim.sign(text)
    place.tried('kim signs', 0, 'approved', kim.account, *words, '--signature', signed)
    place.tried('the log names the key', 1, re.escape(f'counted so far: {kim.said}'), 'root', *words)
    place.tried('the same signature again', 1, 'over other words', kim.account, *words, '--signature', signed)
    place.tried('kim thinks again, which waits for nothing', 0, 'denied', kim.account, 'deny', thing['id'], 'us', '--because',
                'no')
    place.tried('his old word does not come back', 1, 'over other words', kim.account, *words, '--signature', signed)
    check('a second time is counted', kim.text(*words).endswith('\nagain: 1\n'))
    kim.say('kim signs anew', 0, 'approved', *words)
    place.tried('lee, by his account', 0, 'approved', lee.account, *words)
    until('it goes', lambda: 'Released' in place.why(thing))
    check('by both', f'by {kim.said}, {lee.account}' in place.why(thing), place.why(thing))


def activating(place, desk, kim, lee):
    """Both with keys: a policy is signed twice, and proposed anew it is another."""
    policy = place.policy('language 1\npartner us {tlp-max amber}\nhold eyes if tlp == amber until approved by 2\n'
                          'release g if tlp <= amber to us\nactivation by 2\n# signed\n')
    sha = hashlib.sha256(policy.read_bytes()).hexdigest()
    activate, confirm = ('policy', 'activate', policy), ('policy', 'confirm', sha[:12])
    place.tried('an activation is signed', 1, 'signs what he says here', kim.account, *activate)
    first = kim.say('kim activates', 0, re.escape(f'Not in force yet: the policy that {kim.said} activated'), *activate)
    first.rename(place.path / 'first.sig')
    place.tried('a confirmation is signed', 1, 'signs what he says here', lee.account, *confirm)
    kim.say('nobody agrees with himself, signed or not', 1, 'you activated it yourself', *confirm)
    old = lee.sign(lee.text(*confirm), name='old')
    kim.say('kim activates it anew', 0, 'Not in force yet', *activate)
    place.tried('who signed the one before did not see this one', 1, 'over other words', lee.account, *confirm,
                '--signature', old)
    place.tried('and the first activation is spent', 1, 'over other words', kim.account, *activate, '--signature',
                place.path / 'first.sig')
    lee.say('lee confirms', 0, 'in force', *confirm)
    place.tried('it is', 0, '# signed', desk.SERVICE, 'policy', 'show')
    place.tried('nothing waits', 1, 'no policy waits', lee.account, *confirm, '--signature', old)


def renewed(place, desk, kim, lee):
    """Another key is another word; and where all are to sign, who has none counts for nothing."""
    thing = desk.indicator(23, desk.AMBER)
    place.hand_in(thing)
    until('it waits', lambda: 'by rule eyes' in place.why(thing))
    words = ('approve', thing['id'], 'us', '--because', 'read it')
    kim.say('kim signs', 0, 'approved', *words)
    fresh = Hand(place, kim.account, 'fresh', kind=('-t', 'ecdsa', '-b', '256'))
    place.declare(fresh.row, lee.row)
    place.again()
    lee.say('lee signs', 0, 'approved', *words)
    place.tried('what the old key signed counts no more', 1, re.escape(f'counted so far: {lee.said} '), 'root', *words)
    fresh.say('kim signs with the new one', 0, 'approved', *words)
    until('it goes', lambda: 'Released' in place.why(thing))
    place.declare(kim.row, lee.account)
    with open(place.path / 'kr' / 'bongsu.yaml', 'a', encoding='utf-8') as conf:
        conf.write('operators-sign: required\n')
    place.again()
    thing = desk.indicator(24, desk.AMBER)
    place.hand_in(thing)
    check('the log says who counts for nothing', f'{lee.account} counts for nothing: it has no key, and operators-sign is '
          'required' in place.log('kr'), place.log('kr')[-800:])
    place.tried('and there are no two', 1, 'this node has no operator but', lee.account, 'approve', thing['id'], 'us',
                '--because', 'x')
    place.declare(kim.row, lee.row)
    place.again()
    return fresh


def destroying(place, desk, kim, lee):
    """Suspending never waits for a key, and counts only when it is signed."""
    plain, signed = desk.indicator(25, desk.GREEN), desk.indicator(26, desk.GREEN)
    place.hand_in(plain, signed)
    place.tried('unsigned it is suspended all the same', 0, 'suspended.*not signed|not signed.*suspended', kim.account, 'spill',
                plain['id'], '--because', 'told')
    kim.say('signed', 0, 'suspended', 'spill', signed['id'], '--because', 'told')
    destroy = ('spill', 'destroy', plain['id'], '--because', 'seen')
    place.tried('destroying is signed', 1, 'signs what he says here', lee.account, *destroy)
    lee.say('who suspended it unsigned is nobody', 0, 'noted, and nothing is destroyed yet', *destroy)
    destroy = ('spill', 'destroy', signed['id'], '--because', 'seen')

    def gone():
        got, said = place.by(lee.account, *destroy, '--signature', lee.sign(lee.text(*destroy)))
        return got == 0 and 'gone: 1 objects' in said
    until('who signed it is the first', gone)
    thing = desk.indicator(27, desk.GREEN)
    place.hand_in(thing)
    recall = ('recall', thing['id'], '--because', 'wrong')
    got, said = place.by(kim.account, *recall, '--yes', '--json')
    line = next(json.loads(x) for x in said.splitlines() if '"waits"' in x)
    check('called back unsigned', got == 0 and line['waits'], said)
    confirm = ('recall', 'confirm', line['recall'])
    lee.say('lee is the first officer then', 0, 'a second officer has to confirm', *confirm)
    place.tried('kim confirms with nothing', 1, 'signs what he says here', kim.account, *confirm)
    kim.say('kim signs it', 0, 'confirmed: it is destroyed now', *confirm)
    thing = desk.indicator(28, desk.GREEN)
    place.hand_in(thing)
    place.tried('an order is signed', 1, 'signs what he says here', kim.account, 'hold', 'legal', thing['id'],
                '--because', 'court')
    kim.say('so', 0, 'noted', 'hold', 'legal', thing['id'], '--because', 'court')
    lee.say('and its end', 0, 'lifted', 'hold', 'legal', 'lift', thing['id'], '--because', 'over')
    place.tried('whose marking stands is signed', 1, 'signs what he says here', kim.account, 'marking', 'keep', '--source',
                'rumour', '--because', 'x')
    kim.say('so', 0, 'until a second operator says it too', 'marking', 'keep', '--source', 'rumour', '--because', 'x')
    lee.say('and again', 0, "the owners' markings stand", 'marking', 'keep', '--source', 'rumour', '--because', 'x')


def verified(place, path, name):
    """By ssh-keygen alone, against a file of signers that somebody keeps elsewhere."""
    with open(path, 'rb') as text:
        done = subprocess.run(['ssh-keygen', '-Y', 'verify', '-f', place.path / 'signers', '-I', name, '-n', 'bongsu', '-s',
                               f'{path}.sig'], stdin=text, capture_output=True, check=False)
    return done.returncode == 0


def reading(place, desk, kim, fresh, lee):
    """Every word that was signed stands in the log with its key, through a reindex, and is verified outside."""
    (place.path / 'signers').write_text(''.join(f'{hand.account} namespaces="bongsu" {hand.public}\n'
                                                for hand in (kim, fresh, lee)))

    def words():
        return [json.loads(x) for x in place.by(desk.SERVICE, 'words', '--json')[1].splitlines()][:-1]
    before = words()
    kinds = {(row['operator'], row['word']) for row in before}
    check('all kinds of words are there', {word for _, word in kinds} >= {
        'policy activate', 'policy confirm', 'approve', 'spill', 'spill destroy', 'recall confirm', 'hold legal',
        'hold legal lift', 'marking keep'}, kinds)
    check('each with its key', {row['fingerprint'] for row in before} == {kim.fingerprint, fresh.fingerprint, lee.fingerprint})
    place.tried('as a table', 0, f'NUMBER.*{re.escape(lee.fingerprint)}', desk.SERVICE, 'words')
    for row in (before[0], before[-1]):
        path = place.path / f'word-{row["number"]}'
        got, out, err = place.run('words', 'write', row['number'], path, '--dir', 'kr')
        check('a word is written', got == 0 and 'ssh-keygen -Y verify -f' in out, out + err)
        check('ssh-keygen verifies it', path.read_text() == row['text'] and verified(place, path, row['operator']))
        check('by the line that is printed too', subprocess.run(out.splitlines()[-1], shell=True, cwd=place.path, check=False,
                                                               capture_output=True).returncode == 0, out)
        path.write_text(row['text'].replace('node: kr', 'node: us'))
        check('and nothing else', not verified(place, path, row['operator']))
    place.tried('one by its number', 0, str(before[1]['number']), desk.SERVICE, 'words', before[1]['number'])
    place.tried('no other number', 1, 'no word has this number', desk.SERVICE, 'words', before[1]['number'] + 1)
    place.stop('kr')
    place.expect(0, 'made again', 'reindex', 'kr')
    place.start('kr')
    check('made again from the log they are the same', words() == before)


def forgotten(place, desk):
    """Last, as it moves the clock: when evidence-days are over his name and his key stay, and nothing to be verified."""
    if not keep.other_clock().exists():
        return skip('the end of what was signed', 'tests/clock was not built')
    place.stop('kr')
    with open(place.path / 'kr' / 'bongsu.yaml', 'a', encoding='utf-8') as conf:
        conf.write('evidence-days: 30\n')
    keep.start_ahead(place, 40)
    place.tried('the clock is believed', 0, 'confirmed', desk.SERVICE, 'retention', 'confirm', '--because', 'it was off')

    def words():
        return [json.loads(x) for x in place.by(desk.SERVICE, 'words', '--json')[1].splitlines()][:-1]
    until('what was signed is forgotten', lambda: all(row['forgotten'] for row in words()))
    row = words()[0]
    check('whose it was is not', row['operator'] in (desk.KIM, desk.LEE) and 'word' not in row and
          row['because'].startswith('(the words were forgotten by retention on ') and
          row['signature'].startswith('(the words were forgotten '), row)
    path = place.path / 'gone'
    got, out, err = place.run('words', 'write', row['number'], path, '--dir', 'kr')
    check('nothing is written of it', got == 1 and 'is forgotten' in err and not list(place.path.glob('gone*')), out + err)
    return None


def signing(place, desk):
    kim, lee = Hand(place, desk.KIM, 'kim'), Hand(place, desk.LEE, 'lee')
    place.tried('two by their accounts', 0, 'Not in force yet', desk.KIM, 'policy', 'activate',
                place.policy(desk.POLICY + 'activation by 2\n'))
    place.tried('both', 0, 'in force', desk.LEE, 'policy', 'confirm',
                hashlib.sha256((desk.POLICY + 'activation by 2\n').encode()).hexdigest())
    place.declare(kim.row, desk.LEE)
    place.again()
    approving(place, desk, kim, lee)
    place.declare(kim.row, lee.row)
    place.again()
    activating(place, desk, kim, lee)
    fresh = renewed(place, desk, kim, lee)
    destroying(place, desk, kim, lee)
    reading(place, desk, kim, fresh, lee)
