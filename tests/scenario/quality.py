#!/usr/bin/env python3
"""The report on sources: every number of `bongsu report quality` is compared with an account kept here, from the same input.

    tests/scenario/quality.py [PROGRAM]

The account knows what was handed in, by whom and in what order, and nothing of the program. Standard library only. Ends with
"N passed, N failed, N skipped".
"""
import collections
import csv
import datetime
import io
import json
import random
import sys
import time

from test_cli import Place, check, counted

GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
COUNTS = ('objects', 'versions', 'assertions', 'delivered', 'seen', 'repeated', 'duplicates', 'conflicts', 'conflicts_again',
          'refused', 'refused_again', 'mended', 'opinions', 'opinions_about', 'disagreeing_about', 'sightings',
          'sightings_about', 'indicators', 'expired', 'unmarked', 'safety', 'unreadable')
LISTED = ('198.51.100.1',)
VIEWS = ('strongly-disagree', 'disagree', 'neutral', 'agree', 'strongly-agree')


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


class Account:
    """What each source brought, by the rules of the report as bongsu(1) states them."""

    def __init__(self):
        self.counts = collections.defaultdict(collections.Counter)
        self.reasons = collections.defaultdict(collections.Counter)
        self.delays = collections.defaultdict(list)
        self.ahead = collections.Counter()
        self.held = {}     # id -> (owner, {modified: (content, {sources})})
        self.waiting = set()  # conflicts and refusals that are known
        self.now = time.time()

    def deliver(self, source, thing):
        row = self.counts[source]
        row['delivered'] += 1
        row['unmarked'] += not thing.get('object_marking_refs')
        row['safety'] += any(f"'{value}'" in thing.get('pattern', '') for value in LISTED)
        row['indicators'] += thing['type'] == 'indicator'
        row['expired'] += 'valid_until' in thing and thing['valid_until'] <= stamp(self.now)
        self.delays[source].append(
            self.now - datetime.datetime.fromisoformat(thing['modified'].replace('Z', '+00:00')).timestamp())

    def judge(self, source, thing):
        row = self.counts[source]
        if thing['type'] == 'sighting':
            row['sightings'] += 1
            about = [thing['sighting_of_ref']]
        else:
            row['opinions'] += 1
            about = thing['object_refs']
        for name in about:
            owner = self.held[name][0]
            if owner == source:
                continue
            if thing['type'] == 'sighting':
                self.counts[owner]['sightings_about'] += 1
            else:
                self.counts[owner]['opinions_about'] += 1
                self.counts[owner]['disagreeing_about'] += 'disagree' in thing['opinion']

    def add(self, source, thing):
        row, text = self.counts[source], json.dumps(thing, sort_keys=True)
        if thing['id'] not in self.held:
            self.held[thing['id']] = (source, {thing['modified']: (text, {source})})
            row['objects'] += 1
            self.deliver(source, thing)
            if thing['type'] in ('sighting', 'opinion'):
                self.judge(source, thing)
            return
        owner, versions = self.held[thing['id']]
        if thing['modified'] not in versions:
            versions[thing['modified']] = (text, {source})
            row['versions' if owner == source else 'assertions'] += 1
            self.deliver(source, thing)
            return
        content, sources = versions[thing['modified']]
        if content != text:
            known = (source, thing['id'], text) in self.waiting
            row['conflicts_again' if known else 'conflicts'] += 1
            self.waiting.add((source, thing['id'], text))
        elif source in sources:
            row['repeated'] += 1
        else:
            row['seen'] += 1
            sources.add(source)
            self.ahead[owner] += 1
            self.deliver(source, thing)

    def refuse(self, source, text, reason):
        known = (source, text) in self.waiting
        self.counts[source]['refused_again' if known else 'refused'] += 1
        if not known:
            self.reasons[source][reason] += 1
        self.waiting.add((source, text))

    def row(self, source):
        row = dict(self.counts[source])
        row['duplicates'] = row.get('seen', 0) + row.get('repeated', 0)
        return {name: row.get(name, 0) for name in COUNTS}


def make(draw, number, now):
    """An object of any of the kinds that the report looks at, without judgements."""
    name = f'{number:012x}'
    age = draw.choice([5, 600, 86400, 86400 * 30]) * draw.uniform(1, 3)
    thing = {'type': draw.choice(['indicator', 'malware', 'tool']), 'spec_version': '2.1', 'created': stamp(now - 10 ** 8),
             'modified': stamp(now - age), 'name': f'이름 {number}'}
    thing['id'] = f'{thing["type"]}--00000000-0000-4000-8000-{name}'
    if thing['type'] == 'malware':
        thing['is_family'] = False
    if thing['type'] == 'indicator':
        thing.update(pattern=f"[ipv4-addr:value = '198.51.100.{number % 3}']", pattern_type='stix',
                     valid_from=stamp(now - 10 ** 8))
        if draw.random() < 0.5:
            thing['valid_until'] = stamp(now + draw.choice([-86400, 86400]))
    if draw.random() < 0.6:
        thing['object_marking_refs'] = [GREEN]
    return thing


def judgement(draw, number, held, now):
    name, when = f'{number:012x}', stamp(now - 50)
    base = {'spec_version': '2.1', 'created': when, 'modified': when, 'object_marking_refs': [GREEN]}
    if draw.random() < 0.5:
        return {'type': 'sighting', 'id': f'sighting--00000000-0000-4000-8000-{name}', 'sighting_of_ref': draw.choice(held),
                **base}
    return {'type': 'opinion', 'id': f'opinion--00000000-0000-4000-8000-{name}', 'opinion': draw.choice(VIEWS),
            'object_refs': draw.sample(held, 2), **base}


def hand_in(place, source, things):
    text = '\n'.join(thing if isinstance(thing, str) else json.dumps(thing, ensure_ascii=False) for thing in things)
    place.run('add', '-', '--source', source, '--dir', 'kr', given=text.encode())


def season(place, account, draw):
    """Batches of every source in turn: new things, and things that were there already."""
    things, number = [], 0
    for turn in range(12):
        source = ('kr-cert', 'us-feed', 'jp-feed')[turn % 3]
        batch = []
        for _ in range(draw.randrange(10, 30)):
            number += 1
            kind = draw.random()
            old = draw.choice(things) if things else None
            if kind < 0.45 or len(things) < 10:
                thing = make(draw, number, account.now)
            elif kind < 0.65:
                thing = old
            elif kind < 0.75:
                thing = {**old, 'modified': stamp(account.now - 5)[:-1] + f'.{number:06}Z', 'name': f'새 이름 {number}'}
            elif kind < 0.85:
                thing = {**old, 'name': f'딴 이름 {draw.randrange(2)}'}
            else:
                thing = judgement(draw, number, [t['id'] for t in things], account.now)
            batch.append(thing)
            account.add(source, thing)
            if thing.get('name') == f'이름 {number}':
                things.append(thing)
        hand_in(place, source, batch)
        bad = [json.dumps({**make(draw, 1, account.now), 'type': 'malware', 'id': f'malware--{draw.randrange(3)}'}),
               '{"type":"tool","spec_version":"2.1"']
        for text in bad:
            account.refuse(source, text, 'short' if text.endswith('"2.1"') else 'invalid')
            hand_in(place, source, [text])


def totals(lines):
    """By source: a week may end while the test runs."""
    rows = {}
    for line in lines:
        if 'week' in line:
            row = rows.setdefault(line['source'], collections.Counter())
            row.update({name: line[name] for name in COUNTS})
    return rows


def compare(place, account, when):
    rows = totals(place.lines('report', 'quality', '--dir', 'kr'))
    check(f'{when}: the sources', set(rows) == set(account.counts), (sorted(rows), sorted(account.counts)))
    for source in sorted(account.counts):
        wanted, got = account.row(source), rows.get(source, {})
        check(f'{when}: {source}', all(got.get(name, 0) == wanted[name] for name in COUNTS),
              {name: (got.get(name, 0), wanted[name]) for name in COUNTS if got.get(name, 0) != wanted[name]})


def rank(values, permille):
    return sorted(values)[-(-len(values) * permille // 1000) - 1]


def spreads(place, account):
    lines = [line for line in place.lines('report', 'quality', '--dir', 'kr') if 'week' in line]
    for line in lines:
        delays = account.delays[line['source']]
        if len(lines) != len(account.counts):
            continue  # it is Monday now
        check(f'{line["source"]}: delays are counted', line['delay_count'] == len(delays), (line['delay_count'], len(delays)))
        for name, permille in (('median', 500), ('p90', 900)):
            wanted, got = rank(delays, permille), line[f'delay_{name}_ms'] / 1000
            slack = 0.07 * wanted + time.time() - account.now
            check(f'{line["source"]}: {name} of the delay', abs(got - wanted) <= slack, (got, wanted))
        check(f'{line["source"]}: behind', line['behind_count'] == line['seen'], line)
        reasons = dict(part.rsplit(': ', 1) for part in line['reasons'].split(', '))
        told = collections.Counter()
        for reason, count in reasons.items():
            told[reason.split()[0]] += int(count)
        check(f'{line["source"]}: reasons', told == account.reasons[line['source']],
              (told, account.reasons[line['source']]))
    year, week, _ = datetime.datetime.fromtimestamp(time.time(), datetime.timezone.utc).isocalendar()
    check('the week is the one of ISO 8601', lines[-1]['week'] == f'{year}-W{week:02}', lines[-1]['week'])


def forms(place, account):
    text = place.run('report', 'quality', '--format', 'csv', '--dir', 'kr')[1]
    rows = list(csv.DictReader(io.StringIO(text)))
    check('CSV has the same counts', totals([{**row, **{n: int(row[n]) for n in COUNTS}} for row in rows]) ==
          totals(place.lines('report', 'quality', '--dir', 'kr')), text)
    out = place.expect(0, 'SOURCE +WEEK +NEW', 'report', 'quality', '--dir', 'kr')
    check('a table has a line each', sum(name in out for name in account.counts) == len(account.counts), out)
    only = place.lines('report', 'quality', '--source', 'us-feed', '--dir', 'kr')
    check('--source', totals(only) == {'us-feed': totals(place.lines('report', 'quality', '--dir', 'kr'))['us-feed']}, only)
    place.expect(0, 'Nothing arrived', 'report', 'quality', '--since', '2100-01-01', '--dir', 'kr')
    check('--since reaches back', totals(place.lines('report', 'quality', '--since', '2020-01-01', '--dir', 'kr')) ==
          totals(place.lines('report', 'quality', '--dir', 'kr')))
    place.expect(1, 'there is no source nobody', 'report', 'quality', '--source', 'nobody', '--dir', 'kr')
    place.expect(2, 'is no time', 'report', 'quality', '--since', 'x', '--dir', 'kr')
    place.expect(2, '--weeks is a number', 'report', 'quality', '--weeks', '0', '--dir', 'kr')
    place.expect(2, '--format is', 'report', 'quality', '--format', 'xml', '--dir', 'kr')


def closing(place, account):
    """A refusal that was closed stays in the report; a mended object counts."""
    entries = place.lines('quarantine', 'list', '--dir', 'kr')
    entry = next(e for e in entries if e.get('source') == 'us-feed' and e.get('code') == 'short')
    place.expect(0, '', 'quarantine', 'drop', str(entry['number']), '--dir', 'kr')
    place.expect(0, '', 'source', 'add', 'old-feed', '--profile', 'lenient', '--because', 'test', '--dir', 'kr')
    lenient = {'type': 'tool', 'id': 'tool--00000000-0000-4000-8000-00000000ffff', 'created': stamp(account.now),
               'modified': stamp(account.now), 'name': '도구', 'labels': ['remote-access']}
    hand_in(place, 'old-feed', [lenient])
    rows = totals(place.lines('report', 'quality', '--dir', 'kr'))
    check('what was mended is counted', rows['old-feed']['mended'] == 1 and rows['old-feed']['delivered'] >= 1, rows)
    del rows['old-feed']
    check('a closed refusal is counted still', rows['us-feed']['refused'] == account.row('us-feed')['refused'], rows)


def main():
    place, draw = Place(), random.Random(7)
    try:
        place.make('kr', 'KR')
        (place.path / 'listed.txt').write_text('\n'.join(LISTED))
        place.expect(0, '', 'list', 'add', 'listed', '--kind', 'string', '--file', 'listed.txt', '--because', 'test',
                     '--dir', 'kr')
        account = Account()
        season(place, account, draw)
        compare(place, account, 'of a node that does not run')
        place.start('kr')
        season_two = random.Random(8)
        for _ in range(3):  # the same again changes the counts of repetitions alone
            thing = make(season_two, 10 ** 6, account.now)
            account.add('kr-cert', thing)
            hand_in(place, 'kr-cert', [thing])
        compare(place, account, 'of a node that runs')
        spreads(place, account)
        forms(place, account)
        place.stop('kr')
        compare(place, account, 'after a restart')
        place.expect(0, 'made again', 'reindex', 'kr')
        compare(place, account, 'after a reindex')
        closing(place, account)
    finally:
        place.close()
    print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped')
    sys.exit(counted['failed'] != 0)


if __name__ == '__main__':
    main()
