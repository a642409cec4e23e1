#!/usr/bin/env python3
"""Drives the real program: two nodes, kr and us, follow each other; roles are killed; what converged is compared with
samples/campaign/expected.json. Standard library only. Ends with "N passed, N failed".

    tests/scenario/two_nodes.py [--one-process] PROGRAM
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from node import open_files

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
CAMPAIGN = os.path.join(ROOT, 'samples', 'campaign')
PROGRAM = os.path.abspath([word for word in sys.argv[1:] if not word.startswith('--')][0])
ONE_PROCESS = '--one-process' in sys.argv
WAIT_S = 20


def sample(name):
    with open(os.path.join(CAMPAIGN, name), encoding='utf-8') as file:
        return json.load(file)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Node:
    def __init__(self, place, name, country):
        self.name, self.dir = name, os.path.join(place, name)
        self.process = None
        self.log = os.path.join(place, f'{name}.log')
        self.run('init', self.dir, '--name', name, '--country', country, '--listen', f'127.0.0.1:{free_port()}')
        self.card = os.path.join(place, f'{name}.card')
        with open(self.card, 'wb') as file:
            file.write(self.run('card', self.dir).stdout)

    def run(self, *words, fails=False):
        done = subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              env=dict(os.environ, BONGSU_DIR=self.dir))
        if (done.returncode != 0) != fails:
            raise AssertionError(f'bongsu {" ".join(words)}: status {done.returncode}\n{done.stdout.decode()}\n'
                                 f'{done.stderr.decode()}')
        return done

    def lines(self, *words):
        return [json.loads(line) for line in self.run(*words, '--json').stdout.splitlines()]

    def start(self):
        words = ['--one-process'] if ONE_PROCESS else []
        before = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen([PROGRAM, 'serve', self.dir, *words], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        until(lambda: b'"ready, ' in open(self.log, 'rb').read()[before:], f'{self.name} is ready')

    def stop(self):
        began = time.monotonic()
        self.process.terminate()
        status = self.process.wait(timeout=10)
        return status, time.monotonic() - began

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def roles(self):
        """Process numbers of the roles, by name; their parent is the launcher, whose parent is the node."""
        roles = [(parent, words[2], number) for parent, words, number in self.processes() if words[1:2] == ['--role']]
        launchers = {number for parent, name, number in roles if name == 'launcher' and parent == self.process.pid}
        return {name: number for parent, name, number in roles if parent in launchers}

    @staticmethod
    def processes():
        """All of this machine: parent, words, number."""
        for number in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{number}/stat', encoding='utf-8') as file:
                    parent = int(file.read().rsplit(')', 1)[1].split()[1])
                with open(f'/proc/{number}/cmdline', 'rb') as file:
                    words = file.read().decode('utf-8', 'replace').split('\0')
            except OSError:
                continue
            yield parent, words, int(number)

    def partner(self):
        return next(line for line in self.lines('status') if 'audience' in line)

    def add(self, name, source, fails=False):
        return self.run('add', os.path.join(CAMPAIGN, name), '--source', source, fails=fails)

    def ledger(self, audience):
        return [line for line in self.lines('ledger', 'show', audience) if 'seq' in line]


def until(true, what):
    """Waits; a question that a restarting node breaks off is asked again."""
    def holds():
        try:
            return true()
        except (AssertionError, StopIteration, IndexError, KeyError):
            return False
    end = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f'never: {what}')
        time.sleep(0.02)


def in_step(sender, receiver):
    one, other = sender.partner(), receiver.partner()
    size = one['ledger_size']
    return (one['ledger_visible'] == size and one['receipted'] == size and other['received'] == size and
            (size == 0 or other['received_root'] == one['ledger_root']))


class Story:
    def __init__(self, place):
        self.kr, self.us = Node(place, 'kr', 'KR'), Node(place, 'us', 'US')
        self.expected = sample('expected.json')
        self.sampled = {thing['id'] for thing in sample('kr-cert.json')['objects']}

    def both_in_step(self):
        return in_step(self.kr, self.us) and in_step(self.us, self.kr)

    def test_01_commands_work_before_the_node_runs(self):
        for node in (self.kr, self.us):
            node.run('policy', 'activate', os.path.join(ROOT, 'share', 'default.policy'))
            assert node.lines('status')[0]['policy'] is True
        self.kr.run('peer', 'add', self.us.card, '--audience', 'us-cisa')
        self.us.run('peer', 'add', self.kr.card, '--audience', 'kr-kisa')

    def test_02_a_card_of_ones_own_is_refused(self):
        self.kr.run('peer', 'add', self.kr.card, '--audience', 'me', fails=True)

    def test_03_both_start(self):
        self.kr.start()
        self.us.start()
        self.kr.run('peer', 'start', 'us-cisa')
        self.us.run('peer', 'start', 'kr-kisa')

    def test_04_a_second_node_of_the_directory_is_refused(self):
        self.kr.run('serve', self.kr.dir, fails=True)

    def test_05_the_campaign_arrives_as_the_policy_lets_it(self):
        self.kr.add('kr-cert.json', 'kr-cert')
        until(lambda: self.gone(self.sampled) == set(self.expected['sets']['kr_cert_up_to_green']) and
              self.both_in_step(), 'kr-cert.json has arrived')

    def gone(self, among=None):
        """What left for us-cisa, marking definitions left out."""
        ids = {line['id'] for line in self.kr.ledger('us-cisa') if not line['id'].startswith('marking-definition--')}
        return ids if among is None else ids & among

    def test_06_what_left_is_the_expected_set(self):
        wanted = set(self.expected['sets']['kr_cert_up_to_green'])
        gone = self.gone(self.sampled)
        assert gone == wanted, (sorted(gone - wanted), sorted(wanted - gone))
        minted = sorted(name.split('--')[0] for name in self.gone() - self.sampled)
        assert minted == ['identity', 'incident'], minted  # without the AMBER description, and who minted it

    def test_07_it_arrives_byte_for_byte(self):
        for line in self.kr.ledger('us-cisa')[:20]:
            sent = self.kr.lines('object', 'show', line['id'])[0]['object']
            assert sent in [copy.get('object') for copy in self.us.lines('object', 'show', line['id'])]

    def test_08_both_directions_and_nothing_goes_back(self):
        assert self.us.partner()['ledger_size'] == 0
        self.us.add('us-cert.json', 'us-cert')
        until(lambda: self.us.partner()['ledger_size'] > 0 and self.both_in_step(), 'us-cert.json has arrived')
        own = {thing['id'] for thing in sample('us-cert.json')['objects']}
        stray = {line['id'] for line in self.us.ledger('kr-kisa')} - own
        assert not stray, stray

    def test_09_adding_again_is_harmless(self):
        held = self.kr.lines('status')[0]['objects']
        said = self.kr.lines('add', os.path.join(CAMPAIGN, 'kr-cert.json'), '--source', 'kr-cert')[-1]
        assert said['new'] == 0 and self.kr.lines('status')[0]['objects'] == held, said

    def test_10_unmarked_waits_for_its_source(self):
        before = self.kr.partner()['released']
        self.kr.add('kr-feed-unmarked.jsonl', 'kr-feed')
        until(lambda: self.kr.lines('status')[0]['settled'] and self.both_in_step(), 'kr-feed is decided')
        assert self.kr.partner()['released'] == before
        self.kr.run('source', 'add', 'kr-feed', '--assume', 'tlp:clear', '--because', 'the feed is public')
        until(lambda: self.kr.partner()['released'] > before and self.both_in_step(), 'the declared feed has arrived')

    def test_11_the_red_one_is_explained(self):
        said = self.kr.lines('policy', 'explain', self.expected['roles']['red_in_report'], 'us-cisa')
        assert any(line.get('by_rule') == 'red' and line['released'] is False for line in said), said

    def test_12_roles_open_what_they_may(self):
        if ONE_PROCESS:
            return
        roles = self.kr.roles()
        assert sorted(roles) == ['core', 'edge', 'guard', 'keeper'], roles
        for name in ('core', 'guard', 'keeper'):
            sockets = [file for file in open_files(roles[name]) if file.startswith('socket:')]
            assert not sockets, (name, sockets)
        edge = open_files(roles['edge'])
        assert not [file for file in edge if file.startswith(self.kr.dir + '/')], edge
        assert [file for file in edge if file.startswith('socket:')]

    def test_13_killed_roles_come_back(self):
        if ONE_PROCESS:
            return
        for number, name in enumerate(('edge', 'core', 'guard', 'keeper', 'core', 'guard', 'edge')):
            node = (self.kr, self.us)[number % 2]
            until(lambda: len(node.roles()) == 4, 'all roles run')
            os.kill(node.roles()[name], signal.SIGKILL)
            until(lambda: len(node.roles()) == 4, f'{name} is back')
        until(lambda: self.kr.lines('status')[0]['running'], 'kr answers')
        self.kr.add('kr-update.json', 'kr-cert')
        until(self.both_in_step, 'they are in step after the kills')

    def test_14_the_ledgers_verify(self):
        self.kr.run('ledger', 'verify', 'us-cisa')
        self.us.run('ledger', 'verify', 'kr-kisa')
        first = self.kr.ledger('us-cisa')[0]
        proof = [line for line in self.kr.lines('ledger', 'prove', 'us-cisa', first['id']) if 'seq' in line][-1]
        assert proof['seq'] == first['seq'] and first['seq'] < proof['tree_size'] <= self.kr.partner()['ledger_visible']

    def verify(self, *words):
        """bongsu-verify, which knows nothing but the two cards: its status, and a dictionary for each file."""
        program = os.path.join(os.path.dirname(os.path.dirname(PROGRAM)), 'verify', 'bongsu-verify')
        done = subprocess.run([program, words[0], '--json', '--card', self.kr.card, '--card', self.us.card, *words[1:]],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def test_14a_a_court_can_verify_what_was_released(self):
        place = os.path.dirname(self.kr.card)
        leaf = [line for line in self.kr.ledger('us-cisa') if line['op'] == 'release'][-1]
        proof, thing = os.path.join(place, 'a.tlog-proof'), os.path.join(place, 'a.json')
        self.kr.run('ledger', 'prove', 'us-cisa', str(leaf['seq']), '--out', proof, '--object', thing)
        with open(thing, encoding='utf-8') as file:
            assert json.load(file)['id'] == leaf['id']
        status, (said,) = self.verify('proof', '--cosigners', '1', '--object', thing, proof)
        assert status == 0 and said['verified'] is True, said
        assert (said['log'], said['index'], said['op'], said['time']) == (
            'bongsu/kr/us-cisa/0', leaf['seq'], 'release', leaf['time']), said
        assert said['cosigner_1'].startswith('bongsu/us/cosign at 20') and len(said['card_words'].split()) == 8, said
        status, (said,) = self.verify('proof', '--object', self.kr.card, proof)
        assert status == 1 and said['verified'] is False and 'does not open to the bytes' in said['why'], said
        self.kr.run('ledger', 'prove', 'us-cisa', leaf['id'], '--out', proof)
        assert self.verify('proof', proof)[1][0]['index'] == leaf['seq']
        refused = self.kr.run('ledger', 'prove', 'us-cisa', '999999', fails=True)
        assert b'leaf 999999 is not there' in refused.stderr, refused.stderr

    def test_14b_a_leaf_is_opened_to_oversight(self):
        place = os.path.dirname(self.kr.card)
        leaf = [line for line in self.kr.ledger('us-cisa') if line['op'] == 'release'][-1]
        opened = os.path.join(place, 'reason.tlog-proof')
        words = ('ledger', 'open', 'us-cisa', str(leaf['seq']), '--out', opened)
        assert b'needs a reason' in self.kr.run(*words, fails=True).stderr
        assert not os.path.exists(opened)
        self.kr.run(*words, '--because', 'the audit of November')
        status, (said,) = self.verify('proof', opened)
        assert status == 0 and said['verified'] is True and 'object_sha256' not in said, said
        assert said['rule'] and said['source'].startswith('kr-') and len(said['policy_sha256']) == 64, said
        record = [line for line in self.kr.lines('access') if line.get('what') == f'ledger.open us-cisa/{leaf["seq"]}']
        assert len(record) == 1 and record[0]['who'], record

    def test_14c_a_whole_ledger_is_verified_elsewhere(self):
        place = os.path.dirname(self.kr.card)
        folder, size = os.path.join(place, 'us.ledger'), self.kr.partner()['ledger_visible']
        self.kr.run('ledger', 'export', 'us-cisa', folder)
        assert b'holds a ledger already' in self.kr.run('ledger', 'export', 'us-cisa', folder, fails=True).stderr
        status, (said,) = self.verify('ledger', '--since', os.path.join(folder, 'receipt', 'checkpoint'), folder)
        assert status == 0 and (said['tree_size'], said['opened'], said['held_by']) == (size, size, 'us'), said
        entries = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        assert len(entries) > 5, entries
        for path in entries:
            with open(path, 'rb') as file:
                whole = file.read()
            with open(path, 'wb') as file:
                file.write(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:] if len(whole) > 40 else whole[:-1])
            status, (said,) = self.verify('ledger', folder)
            assert status == 1 and said['verified'] is False and said['why'], path
            with open(path, 'wb') as file:
                file.write(whole)
        assert self.verify('ledger', folder)[0] == 0

    def test_15_metrics_tell_the_same(self):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(os.path.join(self.kr.dir, 'metrics.sock'))
            link.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
            text = b''.join(iter(lambda: link.recv(65536), b'')).decode()
        assert f'bongsu_released_objects{{partner="us-cisa"}} {self.kr.partner()["released"]}\n' in text

    def test_16_they_stop_within_two_seconds(self):
        for node in (self.kr, self.us):
            status, took = node.stop()
            assert status == 0, status
            assert took < 2.5, took  # two, and what a busy machine adds

    def test_17_the_store_is_whole(self):
        for node in (self.kr, self.us):
            node.run('check')

    def halted(self):
        return next(line for line in self.us.lines('peer', 'list') if line['audience'] == 'kr-kisa')['link'] == 'alarm'

    def test_18_a_partner_set_back_stops_the_link_until_a_person_lets_it_go_on(self):
        store, old, newest = (os.path.join(self.kr.dir, name) for name in ('store', 'old', 'newest'))
        shutil.copytree(store, old)
        for node in (self.kr, self.us):
            node.start()
        self.us.run('peer', 'evidence', 'kr-kisa', fails=True)
        self.kr.add('kr-sensor.json', 'kr-cert')
        until(self.both_in_step, 'in step before the backup comes back')
        size = self.kr.partner()['ledger_size']
        self.kr.stop()
        os.rename(store, newest)
        os.rename(old, store)
        self.kr.start()
        until(self.halted, 'the link stands still')
        shown = self.us.lines('peer', 'evidence', 'kr-kisa')[0]
        assert f'\n{size}\n' in shown['held'], shown
        self.us.stop()
        self.us.start()
        until(self.halted, 'it stands still after a restart')
        assert b'only with a reason' in self.us.run('peer', 'resume', 'kr-kisa', fails=True).stderr
        self.kr.stop()
        os.rename(store, old)
        os.rename(newest, store)
        self.kr.start()
        until(lambda: self.kr.partner()['ledger_size'] == size, 'kr is back')
        assert self.halted()
        self.us.run('peer', 'resume', 'kr-kisa', '--because', 'kr restored its newest log (Lee, by telephone)')
        until(self.both_in_step, 'in step again')
        for node in (self.kr, self.us):
            node.stop()
            node.run('check')


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix='bongsu-') as place:
        secret = os.path.join(place, 'passphrase')
        with open(secret, 'w', encoding='utf-8') as file:
            file.write('a passphrase for tests\n')
        os.environ['BONGSU_PASSPHRASE_FILE'] = secret
        story = Story(place)
        try:
            for name in sorted(name for name in dir(story) if name.startswith('test_')):
                try:
                    getattr(story, name)()
                    passed += 1
                except (AssertionError, KeyError, IndexError, StopIteration, subprocess.TimeoutExpired, OSError) as why:
                    failed += 1
                    print(f'FAILED {name}: {why!r}'[:2000], flush=True)
            if failed:
                for node in (story.kr, story.us):
                    if os.path.exists(node.log):
                        print(open(node.log, encoding='utf-8').read()[-3000:])
        finally:
            story.kr.kill()
            story.us.kill()
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
