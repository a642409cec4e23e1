#!/usr/bin/env python3
"""tests/scenario/soak.py [--kills N] [--objects M] [--one-process] [--boundaries] [--batch B] [--seed S]: kill -9 in a transfer.

Both nodes take in generated objects while any role of either is ended at random moments, or, with --boundaries, at one of its own
writes and syncs. Afterwards: nothing that was
acknowledged is lost, nothing is there twice, nothing RED crossed, both sides agree, and check and ledger verify find nothing.
A whole node that was ended (role `parent`) is started again, as systemd would.
"""
import argparse
import json
import random
import sys
import threading
import time
import uuid

from boundary import PHASES, Board, Reviver, library
from node import Adder, Folder, Pair, Report, stops, wait_for, whole

CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
SCO_SPACE = uuid.UUID('00abedb4-aa42-466c-9c01-fed23315a9b7')  # STIX 2.1 section 2.9
WAIT_SECONDS = 300


class Objects:
    """Valid STIX 2.1, the same for the same seed: indicators, addresses, relationships between them, newer versions, some RED."""

    def __init__(self, country, count, seed):
        self.random = random.Random(f'{seed} {country}')
        self.country = country
        self.texts, self.ids, self.crosses = [], [], []
        self.free = []  # places of indicators that may leave and have one version
        self.identity = self.common('identity', CLEAR, name=f'Soak {country}', identity_class='organization')
        self.put(self.identity, True)
        while len(self.texts) < count:
            self.next()

    def uuid(self):
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def when(self, day, count):
        return f'2026-04-{day:02}T{count // 3600 % 24:02}:{count // 60 % 60:02}:{count % 60:02}.{count % 1000:03}Z'

    def common(self, kind, marking, **more):
        when = self.when(1, len(self.texts))
        head = {'type': kind, 'spec_version': '2.1', 'id': f'{kind}--{self.uuid()}', 'created': when, 'modified': when}
        if kind != 'identity':
            head['created_by_ref'] = self.identity['id']
        return {**head, **more, 'object_marking_refs': [marking]}

    def put(self, item, crosses):
        self.texts.append(json.dumps(item, ensure_ascii=False))
        self.ids.append(item['id'])
        self.crosses.append(crosses)

    def indicator(self, marking):
        number = self.random.getrandbits(32)
        return self.common('indicator', marking, name=f'침해지표 {number:08x}', pattern_type='stix', valid_from=self.when(1, 0),
                           pattern=f"[domain-name:value = 'h{number:08x}.example']", indicator_types=['malicious-activity'],
                           description='x' * self.random.randrange(600))

    def next(self):
        dice = self.random.random()
        if dice < 0.60 or len(self.free) < 2:
            self.put(self.indicator(self.random.choice((CLEAR, GREEN))), True)
            self.free.append(len(self.texts) - 1)
        elif dice < 0.70:
            value = f'2001:db8:{0 if self.country == "KR" else 1}::{len(self.texts):x}'
            name = uuid.uuid5(SCO_SPACE, json.dumps({'value': value}, separators=(',', ':')))
            self.put({'type': 'ipv6-addr', 'spec_version': '2.1', 'id': f'ipv6-addr--{name}', 'value': value,
                      'object_marking_refs': [GREEN]}, True)
        elif dice < 0.85:
            one, two = self.random.sample(self.free[-200:], 2)
            self.put(self.common('relationship', CLEAR, relationship_type='related-to', source_ref=self.ids[one],
                                 target_ref=self.ids[two]), True)
        elif dice < 0.92:
            self.put(self.indicator(RED), False)
        else:
            old = json.loads(self.texts[self.free.pop(self.random.randrange(len(self.free)))])
            old.update(modified=self.when(2, len(self.texts)), description='a newer version')
            self.put(old, True)


def progress(adders):
    return sum(len(adder.acknowledged) for adder in adders) / sum(len(adder.texts) for adder in adders)


class Killer:
    """Ends roles at random moments, evenly over the transfer, until the count is reached."""

    def __init__(self, pair, adders, kills, seed, report):
        self.pair, self.adders, self.kills, self.report = pair, adders, kills, report
        self.random = random.Random(f'{seed} kills')
        self.done, self.by_role, self.waits = 0, {}, []
        self.failure = None

    def due(self):
        """So many kills belong before this much of the transfer."""
        return self.done < self.kills and progress(self.adders) * self.kills >= self.done * 0.95

    def kill_one(self):
        node = self.random.choice(self.pair.both)
        roles = sorted(node.roles())
        role = self.random.choice(roles)
        time.sleep(self.random.random() * 0.15)
        if not node.kill(role):
            return
        self.done += 1
        self.by_role[role] = self.by_role.get(role, 0) + 1
        began = time.monotonic()
        if role in ('parent', 'launcher'):
            node.start(60)
        else:
            wait_for(lambda: role in node.roles(), 30, 0.01)
        self.waits.append(time.monotonic() - began)

    def run(self, over):
        try:
            while self.done < self.kills and not over.is_set():
                if self.due():
                    self.kill_one()
                else:
                    time.sleep(0.01)
        except (RuntimeError, OSError) as error:
            self.failure = str(error)

    def pause(self, _adder):
        """The adders wait for the killer, so that every kill falls into the transfer."""
        while self.failure is None and self.done < self.kills and progress(self.adders) * self.kills > self.done + 0.3:
            time.sleep(0.01)

    def tell(self):
        self.report.check('a killed node starts again', self.failure is None, self.failure)
        self.report.check(f'{self.done} of {self.kills} kills fell into the transfer', self.done >= self.kills * 0.9,
                          self.by_role)


class Boundaries(Reviver):
    """Every life of a node ends at one of its own writes and syncs; as many as the work has."""

    PATIENCE = 0.15  # seconds a batch: what ends a node is work, and that is what the adders bring

    def __init__(self, pair, adders, board, kills, report):
        super().__init__(pair.both, board)
        self.adders, self.kills, self.report = adders, kills, report

    def pause(self, _adder):
        """As the other killer's: the ends belong into the transfer."""
        end = time.monotonic() + self.PATIENCE
        while self.failure is None and progress(self.adders) * self.kills > self.done + 0.3 and time.monotonic() < end:
            time.sleep(0.01)

    def tell(self):
        met, ended = self.board.met(), self.board.ended()
        self.report.check('a node that ended at a boundary starts again', self.failure is None, self.failure)
        self.report.check(f'{self.done} lives ended at a boundary', self.done >= self.kills * 0.8, self.kills)
        for (call, kind), count in sorted(met.items()):
            parts = [f'{ended.get((call, kind, phase), 0)} {phase}' for phase in PHASES]
            self.report.say(f'{call} of {kind}: met {count} times, ended {", ".join(parts)}')
        for kind in ('log', 'keys', 'anchor'):  # LMDB's own writes: store prefix
            missing = [call for call in ('write', 'sync') if not any(ended.get((call, kind, phase)) for phase in PHASES)]
            self.report.check(f'lives ended at writes and at syncs of {kind}', not missing, missing)
        waits = sorted(self.waits)
        self.report.say(f'{len(waits)} starts that came to an end: {waits[len(waits) // 2]:.2f} s in the median, '
                        f'{waits[-1]:.2f} s the longest')


def transfer(report, adders, killer, patience):
    """Both ways at once."""
    over, results = threading.Event(), {}
    threads = [threading.Thread(target=lambda adder=adder: results.update(
        {adder.node.name: adder.run(killer.pause, patience)})) for adder in adders]
    ending = threading.Thread(target=killer.run, args=(over,))
    began = time.monotonic()
    for thread in threads + [ending]:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    ending.join()
    killer.tell()
    for adder in adders:
        report.check(f'{adder.node.name}: everything is acknowledged in the end', results.get(adder.node.name),
                     f'{len(adder.acknowledged)} of {len(adder.texts)}')
        report.check(f'{adder.node.name}: nothing good is refused', not adder.refusals, adder.refusals[:3])
    report.say(f'{sum(len(adder.texts) for adder in adders)} objects in {time.monotonic() - began:.1f} s, {killer.done} kills, '
               f'{sum(adder.breaks for adder in adders)} broken additions, longest wait for a role '
               f'{max(killer.waits, default=0):.2f} s')
    return {adder.node.name: adder for adder in adders}


def newest_of(made):
    """id -> place of its newest version."""
    return {identifier: place for place, identifier in enumerate(made.ids)}


def held_here(report, node, made, acknowledged):
    lost, twice, total = [], [], 0
    places = {}
    for place in acknowledged:
        places.setdefault(made.ids[place], []).append(place)
    for identifier, wanted in places.items():
        try:
            held = [copy['object'] for copy in node.copies(identifier)]
        except (OSError, ValueError) as error:
            held = [str(error)]
        total += len(held)
        if any(made.texts[place] not in held for place in wanted):
            lost.append(identifier)
        if len(held) != len(set(held)) or len(held) > len(wanted):
            twice.append(identifier)
    report.check(f'{node.name}: nothing acknowledged is lost ({len(acknowledged)} objects)', not lost, (len(lost), lost[:3]))
    report.check(f'{node.name}: nothing is there twice', not twice, (len(twice), twice[:3]))
    return total


def held_there(report, other, made, name):
    missing, twice, leaked, total = [], [], [], 0
    for identifier, place in newest_of(made).items():
        held = [copy['object'] for copy in other.copies(identifier)]
        total += len(held)
        if made.crosses[place] and made.texts[place] not in held:
            missing.append(identifier)
        if not made.crosses[place] and held:
            leaked.append(identifier)
        if len(held) != len(set(held)) or any(text not in made.texts for text in held if len(held) > 1):
            twice.append(identifier)
    report.check(f'{other.name}: the newest of all that {name} may release is there, byte for byte', not missing,
                 (len(missing), missing[:3]))
    report.check(f'{other.name}: nothing of {name} is there twice', not twice, (len(twice), twice[:3]))
    report.check(f'{other.name}: nothing RED of {name} is there', not leaked, (len(leaked), leaked[:3]))
    return total


def roots(pair):
    return [(pair.row(node.ask('status'), node)['ledger_root'],
             pair.row(pair.other(node).ask('status'), pair.other(node)).get('received_root')) for node in pair.both]


def look(report, pair, objects, adders):
    total = {node.name: held_here(report, node, objects[node.name], adders[node.name].acknowledged) for node in pair.both}
    for node in pair.both:
        other = pair.other(node)
        total[other.name] += held_there(report, other, objects[node.name], node.name)
    for node in pair.both:
        report.equal(f'{node.name}: it holds those objects and no others', node.ask('status')[0]['objects'], total[node.name])
    for node, (ours, theirs) in zip(pair.both, roots(pair)):
        report.equal(f'{node.name}: both sides agree on its root', theirs, ours)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=10)
    parser.add_argument('--objects', type=int, default=2000, help='of both nodes together')
    parser.add_argument('--one-process', action='store_true')
    parser.add_argument('--batch', type=int, default=50, help='objects handed in at once')
    parser.add_argument('--boundaries', action='store_true', help='each life ends at one of its own writes and syncs')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    args = parser.parse_args()
    report = Report(('boundaries' if args.boundaries else 'soak') + (' in one process' if args.one_process else ''))
    if args.boundaries and library() is None:
        report.skip('lives that end at boundaries', 'tests/boundary was not built beside the program')
        return report.finish()
    report.say(f'seed {args.seed}, {args.kills} kills, {args.objects} objects')
    objects = {name.lower(): Objects(name, args.objects // 2, args.seed) for name in ('KR', 'US')}
    with Folder() as folder:
        pair = Pair(folder, args.one_process)
        try:
            adders = [Adder(node, 'soak', objects[node.name].texts, args.batch) for node in pair.both]
            killer = (Boundaries(pair, adders, Board(folder, args.seed), args.kills, report) if args.boundaries
                      else Killer(pair, adders, args.kills, args.seed, report))
            adders = transfer(report, adders, killer, WAIT_SECONDS + args.kills * 10)
            report.check('both are in step in the end', pair.settle(WAIT_SECONDS),
                         [node.must('status').text for node in pair.both])
            look(report, pair, objects, adders)
            for node in pair.both:
                whole(report, node, pair.audience[node.name], 'while it runs')
            for node in pair.both:
                stops(report, node)
                whole(report, node, pair.audience[node.name], 'while it is stopped')
                report.say(f'{node.name} said ' + (', '.join(sorted(set(troubles(node)))) or 'nothing'))
        finally:
            pair.end()
    return report.finish()


def troubles(node):
    """What the log said above a notice, without what a kill has to cause."""
    for line in node.said().splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            yield line[:200]
            continue
        if value.get('level') != 'notice' and ' ended ' not in value.get('what', ''):
            yield f"{value.get('role')}/{value.get('room')}: {value.get('what')}"[:200]


if __name__ == '__main__':
    sys.exit(main())
