#!/usr/bin/env python3
"""tests/scenario/disk.py: disks that lie, refuse and fill up.

A byte changed while the node was stopped, a folder that cannot be written, a disk that fills up: a clear error, nothing
acknowledged is lost in silence, what is durable is served where the log allows it.
"""
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from hostile import bundle, indicator, raw, write
from node import POLICY, Folder, Node, Report, program, wait_for

OBJECTS, TMPFS_MIB = 300, 80


def filled(folder, name='kr'):
    node = Node(folder, name, name.upper())
    node.start()
    node.must('policy', 'activate', POLICY)
    for first in range(0, OBJECTS, OBJECTS // 3):
        path = write(folder, 'some.json', bundle(*(raw(indicator(number)) for number in range(first, first + OBJECTS // 3))))
        assert node.add(path, 'some').one['new'] == OBJECTS // 3
    node.stop()
    return node


def try_start(node):
    """True: it runs. False: it ended by itself, and said why."""
    began = len(node.said())
    node.start(wait=False)
    wait_for(lambda: '"ready, ' in node.said()[began:] or node.process.poll() is not None, 30, 0.02)
    return node.process.poll() is None, node.said()[began:]


def kill(node):
    if node.running():
        node.process.kill()
        node.process.wait()


def held(node):
    """How many of every tenth object are shown with their exact bytes, and how many otherwise."""
    count, wrong = 0, 0
    for number in range(0, OBJECTS, 10):
        item = indicator(number)
        try:
            texts = [copy['object'].encode() for copy in node.copies(item['id'])]
        except (OSError, ValueError, KeyError):
            texts = []
        count += raw(item) in texts
        wrong += any(text != raw(item) for text in texts)
    return count, wrong


def one_byte(report, clean, folder, seed):
    """Changes one byte anywhere in the log. Never a crash by signal, never a changed object, never silence."""
    dice = random.Random(seed)
    whole = sum(1 for _ in range(0, OBJECTS, 10))
    outcomes = {}
    for turn in range(6):
        shutil.rmtree(clean.dir)
        shutil.copytree(os.path.join(folder, 'clean'), clean.dir)
        path = sorted(glob.glob(os.path.join(clean.dir, 'store', 'log', '*')))[0]
        with open(path, 'r+b') as file:
            data = file.read()
            end = len(data.rstrip(b'\0'))
            at = dice.randrange(64, end) if turn else end // 2
            file.seek(at)
            file.write(bytes([data[at] ^ (1 << dice.randrange(8))]))
        runs, said = try_start(clean)
        levels = [json.loads(line).get('level') for line in said.splitlines() if line[:1] == '{']
        told = any(level in ('error', 'warning') for level in levels)
        if runs:
            count, wrong = held(clean)
            health = clean.ask('status')[0]
            outcome = f'{health["health"]}, {count} of {whole} served'
            report.check(f'byte {at}: no object is shown changed', not wrong, (count, wrong))
            report.check(f'byte {at}: it is told (log, health or check)', told or health['health'] != 'good'
                         or not clean.run('check').good, health)
            if health['health'] != 'good':
                report.check(f'byte {at}: says why and what next', health.get('why') and health.get('next'), health)
                answer = clean.add(write(folder, 'one.json', raw(indicator(9000))), 'some')
                report.check(f'byte {at}: takes nothing in', answer.status == 1 and answer.err, answer)
                clean.stop()
        else:
            outcome = 'does not start'
            report.check(f'byte {at}: it serves what is durable', False, said[-1000:])
        report.check(f'byte {at}: check finds it', not clean.run('check').good)
        outcomes[at] = outcome
        kill(clean)
    report.say(f'one byte changed at: {outcomes}')


def read_only(report, folder):
    """Root may write anywhere, so the node is looked at through a read-only bind mount."""
    node = filled(folder, 'ro')
    mount = ['mount', '--bind', '-o', 'ro', node.dir, node.dir]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        report.skip('a folder that cannot be written', 'mounting it needs root')
        return
    try:
        subprocess.run(['mount', '-o', 'remount,bind,ro', node.dir], capture_output=True, check=False)
        runs, said = try_start(node)
        report.check('a folder that cannot be written: a clear error', not runs and node.process.returncode == 1
                     and '"level":"error"' in said and '"next"' in said, (runs, said[-1500:]))
        answer = node.run('status')
        report.check('the command line says so too', answer.good or (answer.status == 1 and 'bongsu: ' in answer.err), answer)
    finally:
        kill(node)
        subprocess.run(['umount', node.dir], check=False)
    node.start()
    report.equal('writable again, nothing is lost', held(node), (OBJECTS // 10, 0))
    node.stop()


def disk_full(report):
    place = tempfile.mkdtemp(prefix='bongsu-full-')
    mount = ['mount', '-t', 'tmpfs', '-o', f'size={TMPFS_MIB}m', 'tmpfs', place]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        os.rmdir(place)
        report.skip('a disk that fills up', 'mounting one needs root')
        return
    node = None
    try:
        with Folder() as folder:
            node = Node(place, 'kr', 'KR')
            node.start()
            node.must('policy', 'activate', POLICY)
            acknowledged, last = [], None
            for batch in range(200):
                numbers = range(batch * 200, batch * 200 + 200)
                texts = [raw(indicator(number, description='f' * 4000)) for number in numbers]
                path = write(folder, 'batch.json', bundle(*texts))
                last = node.add(path, 'full')
                if not last.good:
                    break
                acknowledged.append(batch)
            report.check('a disk that fills up: the addition fails with a clear error', last.status == 1
                         and 'bongsu: ' in last.err, last)
            report.check('the node still answers, and says that it is read-only', wait_for(
                lambda: node.run('status').one and node.status()['health'] == 'read-only', 10), node.run('status'))
            if node.running():
                some = [batch * 200 + 7 for batch in acknowledged[::5]]
                lost = [number for number in some if not node.copies(indicator(number)['id'])]
                report.check(f'what was acknowledged is served ({len(acknowledged)} batches)', acknowledged and not lost,
                             lost)
            took = node.stop()
            report.check('it stops', took < 5, took)
            subprocess.run(['mount', '-o', f'remount,size={4 * TMPFS_MIB}m', place], check=True)
            node.start()
            lost = [batch for batch in acknowledged if not node.copies(indicator(batch * 200 + 199)['id'])]
            report.check('with room again, after a restart, nothing acknowledged is lost', not lost, lost)
            answer = node.add(path, 'full')
            report.check('and it takes in again', answer.good, answer)
            node.stop()
            answer = node.run('check')
            report.check('check finds nothing', answer.good, answer)
    finally:
        if node is not None:
            kill(node)
        time.sleep(0.1)
        subprocess.run(['umount', place], check=False)
        shutil.rmtree(place, ignore_errors=True)


def main():
    report = Report('disk')
    with Folder() as folder:
        clean = filled(folder)
        shutil.copytree(clean.dir, os.path.join(folder, 'clean'))
        try:
            one_byte(report, clean, folder, int(os.environ.get('SEED', '1')))
            read_only(report, folder)
        finally:
            kill(clean)
    disk_full(report)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
