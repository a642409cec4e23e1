#!/usr/bin/env python3
"""tests/scenario/campaign.py [--one-process]: the sample campaign between two nodes, in both directions.

What should leave comes from samples/campaign/expected.json, which is computed from the data alone by a program that knows
nothing of bongsu. What us holds is compared byte for byte with what kr released, and the other way round.
"""
import json
import sys

from node import POLICY, SAMPLES, Folder, Pair, Report, stops, wait_for, whole

CAMPAIGN = SAMPLES / 'campaign'
FACTS = json.loads((CAMPAIGN / 'expected.json').read_text(encoding='utf-8'))
ROLE, SETS = FACTS['roles'], {name: set(ids) for name, ids in FACTS['sets'].items()}
DEFINITIONS = ('marking-definition--', 'extension-definition--')


def objects_of(name):
    text = (CAMPAIGN / name).read_text(encoding='utf-8')
    if name.endswith('.jsonl'):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return json.loads(text)['objects']


def leaves(node, audience):
    """Of the whole ledger; `ledger show` prints the newest 1,000, and the campaign has fewer."""
    lines = node.must('ledger', 'show', audience).lines
    return [line for line in lines if 'seq' in line]


SAMPLED = {item['id'] for name in FACTS['files'] for item in objects_of(name) if 'id' in item}


def ids(rows):
    """Without what was minted, which no file of the campaign holds."""
    return {row['id'] for row in rows if row.get('id') in SAMPLED and not row['id'].startswith(DEFINITIONS)}


def minted(rows):
    return {row['id'] for row in rows if row.get('id') and row['id'] not in SAMPLED}


def texts(node, identifier, source=None, version=None):
    """The exact texts that a node holds of an object."""
    found = []
    for copy in node.run('object', 'show', identifier).lines:
        if 'object' not in copy:  # what a minted identifier stands for
            continue
        item = json.loads(copy['object'])
        if source is not None and not source(copy['source']):
            continue
        if version is not None and item.get('modified', item.get('created', '')) != version:
            continue
        found.append(copy['object'])
    return found


def holds(node, identifier):
    return node.run('object', 'show', identifier).good


def same_bytes(report, pair, node):
    """Everything in node's ledger stands at the other one, as the same bytes, under the same version."""
    other, wrong, looked = pair.other(node), [], 0
    source = 'peer.' + pair.audience[other.name]
    for leaf in leaves(node, pair.audience[node.name]):
        if not leaf.get('id'):
            continue
        looked += 1
        own = texts(node, leaf['id'], lambda name: not name.startswith('peer.'), leaf['version'] or None)
        if leaf['id'] in minted([leaf]) and not own:
            own = texts(other, leaf['id'], None, leaf['version'] or None)  # kept by its maker for that partner alone
        theirs = texts(other, leaf['id'], lambda name: name == source, leaf['version'] or None)
        if not theirs or any(text not in own for text in theirs):
            wrong.append(leaf)
    report.check(f'{other.name} holds byte for byte what {node.name} released ({looked} leaves)', looked > 0 and not wrong,
                 wrong[:3])


def receipts(report, pair, node):
    row = node.status(pair.audience[node.name])
    report.check(f'{node.name}: everything that it shows is receipted, nothing refused',
                 row['ledger_visible'] > 0 and row['receipted'] == row['ledger_visible'] and row['refused_there'] == 0, row)
    back = pair.other(node).status(pair.audience[pair.other(node).name])
    report.equal(f'{node.name}: both sides name the same root', back.get('received_root'), row['ledger_root'])


def nothing_back(report, pair, when):
    for node in pair.both:
        own = set()
        for name, facts in FACTS['files'].items():
            if facts['node'] == node.name:
                own |= {item['id'] for item in objects_of(name)}
        foreign = ids(leaves(node, pair.audience[node.name])) - own
        report.check(f'{node.name}: nothing goes back to whom it came from, {when}', not foreign, sorted(foreign)[:5])


def settle(report, pair, when):
    report.check(f'both are in step {when}', pair.settle(), [node.must('status').text for node in pair.both])


def declare(pair):
    """Whose a source is, is stated: what comes from one that nobody declared is not the node's own."""
    for name, facts in FACTS['files'].items():
        if facts['node'] in ('kr', 'us') and facts['source'] not in ('us-rumour', 'jp'):
            node = pair.kr if facts['node'] == 'kr' else pair.us
            node.must('source', 'add', facts['source'], '--because', f'scenario: {name}')


def unmarked_before(report, pair):
    answer = pair.kr.add(CAMPAIGN / 'kr-feed-unmarked.jsonl', 'kr-feed')
    report.equal('kr takes in the feed', answer.one.get('new'), FACTS['files']['kr-feed-unmarked.jsonl']['objects'])
    settle(report, pair, 'with an unmarked feed')
    report.equal('nothing of an unmarked feed leaves', leaves(pair.kr, 'us-cisa'), [])
    report.equal('all of it is held', pair.kr.status('us-cisa')['held'], FACTS['totals']['unmarked_in_feed'])


def both_directions(report, pair):
    for node, name in ((pair.kr, 'kr-cert'), (pair.us, 'us-cert')):
        answer = node.add(CAMPAIGN / f'{name}.json', name)
        report.equal(f'{node.name} takes in {name}.json', (answer.status, answer.one.get('new')),
                     (0, FACTS['files'][f'{name}.json']['objects']))
        again = node.add(CAMPAIGN / f'{name}.json', name)
        report.equal(f'{node.name}: adding it again changes nothing', (again.one.get('new'), again.one.get('duplicate')),
                     (0, FACTS['files'][f'{name}.json']['objects']))
    settle(report, pair, 'after both files')
    report.equal('what kr released is what the data says', ids(leaves(pair.kr, 'us-cisa')), SETS['kr_cert_up_to_green'])
    report.equal('what us released is what the data says', ids(leaves(pair.us, 'kr-cert')), SETS['us_cert_up_to_green_with_kr'])
    for node in pair.both:
        same_bytes(report, pair, node)
        receipts(report, pair, node)
    nothing_back(report, pair, 'after both files')


def withheld(report, pair):
    for role in ('red_in_report', 'report_with_red', 'note_on_report_with_red', 'amber_for_approval', 'granular_marked',
                 'statement_marked', 'unknown_marked', 'late_marked'):
        report.check(f'{role} stays', not holds(pair.us, ROLE[role]) and holds(pair.kr, ROLE[role]))
        report.check(f'{role}: kr can say why', pair.kr.run('policy', 'explain', ROLE[role], 'us-cisa').good)
    report.check('report_that_leaves is there', holds(pair.us, ROLE['report_that_leaves']))


def cut(report, pair):
    """A GREEN incident whose description is AMBER leaves as another object, without the description."""
    found = sorted(minted(leaves(pair.kr, 'us-cisa')))
    report.equal('one object is minted, and who minted it', [one.split('--')[0] for one in found], ['identity', 'incident'])
    theirs = [json.loads(text) for text in texts(pair.us, found[-1])]
    source = next(item for item in objects_of('kr-cert.json') if item['id'] == ROLE['granular_marked'])
    report.check('the minted incident says nothing that is AMBER', len(theirs) == 1 and theirs[0]['name'] == source['name'] and
                 'description' not in theirs[0] and 'granular_markings' not in theirs[0] and
                 theirs[0]['created_by_ref'] == found[0], theirs)
    report.check('kr does not hold what it minted as an object', not holds(pair.kr, found[-1]))


def approval(report, pair):
    """An AMBER object of our own leaves to whom it is tagged for: after ten minutes, or when a person says so."""
    held = sorted(SETS['held_by_amber_for_approval'] | {ROLE['amber_for_approval']})
    before = pair.kr.status('us-cisa')['held']
    for identifier in held:
        pair.kr.must('tag', 'add', identifier, 'share:us-cisa', '--because', 'scenario')
    settle(report, pair, 'after the tags')
    report.check('tagged AMBER waits', not any(holds(pair.us, identifier) for identifier in held))
    report.check('it counts as held', pair.kr.status('us-cisa')['held'] > before, pair.kr.status('us-cisa'))
    pair.kr.must('approve', ROLE['amber_for_approval'], 'us-cisa', '--because', 'scenario')
    report.check('approved AMBER arrives', wait_for(lambda: holds(pair.us, ROLE['amber_for_approval']), 30))
    pair.kr.run('approve', ROLE['red_in_report'], 'us-cisa', '--because', 'scenario')
    settle(report, pair, 'after the approval')
    report.check('nobody can approve RED', not holds(pair.us, ROLE['red_in_report']))
    same_bytes(report, pair, pair.kr)


def newer_versions(report, pair):
    pair.kr.must('add', CAMPAIGN / 'kr-update.json', '--source', 'kr-cert')
    for role in ('revoked_indicator', 'superseded_object'):
        version = FACTS['versions'][role]['kr-update.json']
        report.check(f'{role}: the newer version arrives', wait_for(
            lambda identifier=ROLE[role], when=version: texts(pair.us, identifier, version=when), 30))
        rows = [json.loads(copy['object'])['modified'] for copy in pair.us.run('object', 'show', ROLE[role]).lines
                if copy['newest']]
        report.equal(f'{role}: it is the newest that us holds', rows, [version])
    newest = [json.loads(copy['object']) for copy in pair.us.run('object', 'show', ROLE['revoked_indicator']).lines
              if copy['newest']]
    report.check('the revocation is there', newest and newest[0].get('revoked') is True, newest)
    settle(report, pair, 'after the update')
    ops = {leaf['op'] for leaf in leaves(pair.kr, 'us-cisa') if leaf.get('id') == ROLE['revoked_indicator']}
    report.check('its leaf says revoke', 'revoke' in ops, ops)
    same_bytes(report, pair, pair.kr)
    size = len(leaves(pair.kr, 'us-cisa'))
    pair.kr.must('add', CAMPAIGN / 'kr-tighten.json', '--source', 'kr-cert')
    report.check('a version that became RED tells the partner something', wait_for(
        lambda: len(leaves(pair.kr, 'us-cisa')) > size, 30))
    settle(report, pair, 'after it became RED')
    added = leaves(pair.kr, 'us-cisa')[size:]
    report.equal('... that the older one is no longer current', [leaf['op'] for leaf in added], ['supersede'])
    report.check('... and nothing else', not any(leaf.get('id') for leaf in added), added)
    report.equal('us never holds the RED version', texts(pair.us, ROLE['tightened_indicator'],
                                                         version=FACTS['versions']['tightened_indicator']['kr-tighten.json']), [])


def contested(report, pair):
    pair.kr.must('add', CAMPAIGN / 'kr-sensor.json', '--source', 'kr-sensor')
    settle(report, pair, 'after the sensor')
    report.check('an SCO, unmarked here and AMBER there, stays', not holds(pair.us, ROLE['contested_sco']))
    theirs = texts(pair.us, ROLE['contested_sco_marked_clear'])
    own = texts(pair.kr, ROLE['contested_sco_marked_clear'], lambda name: name == 'kr-cert')
    report.check('of an SCO that is CLEAR here and AMBER there only the CLEAR one leaves', len(theirs) == 1 and theirs == own,
                 theirs)
    both = SETS['kr_cert_and_sensor_up_to_green']
    report.check('what the sensor says up to GREEN leaves', both <= ids(leaves(pair.kr, 'us-cisa')),
                 sorted(both - ids(leaves(pair.kr, 'us-cisa')))[:5])


def unmarked_after(report, pair):
    pair.kr.must('source', 'add', 'kr-feed', '--assume', 'tlp:clear', '--because', 'scenario')
    feed = {item['id'] for item in objects_of('kr-feed-unmarked.jsonl')}
    report.check('once somebody answers for the feed, it leaves', wait_for(
        lambda: feed <= ids(leaves(pair.kr, 'us-cisa')), 30), sorted(feed - ids(leaves(pair.kr, 'us-cisa')))[:5])
    settle(report, pair, 'after the feed')
    report.equal('all of it arrives', sorted(identifier for identifier in feed if not holds(pair.us, identifier)), [])
    wanted = texts(pair.kr, ROLE['contested_sco'], lambda name: name == 'kr-feed')
    report.check("the contested SCO leaves as the feed's variant, never as the sensor's",
                 texts(pair.us, ROLE['contested_sco']) == wanted != [], texts(pair.us, ROLE['contested_sco']))
    same_bytes(report, pair, pair.kr)


def forged(report, pair):
    answer = pair.us.add(CAMPAIGN / 'us-forged.json', 'us-rumour')
    report.equal('a forged revocation is kept as somebody\'s assertion', answer.one.get('assertion'), 1)
    settle(report, pair, 'after the forgery')
    good = FACTS['versions']['forged_target']['kr-cert.json']
    for node in pair.both:
        copies = node.run('object', 'show', ROLE['forged_target']).lines
        newest = [json.loads(copy['object']) for copy in copies if copy['newest']]
        report.check(f'{node.name}: it revokes nothing', [item['modified'] for item in newest] == [good]
                     and not any(item.get('revoked') for item in newest), newest)
    report.equal('it does not reach kr', len(pair.kr.run('object', 'show', ROLE['forged_target']).lines), 1)
    report.check('nor does us revoke it at kr', not any(leaf.get('id') == ROLE['forged_target']
                                                        for leaf in leaves(pair.us, 'kr-cert')))


def once_each(report, pair):
    for node in pair.both:
        seen = [(leaf['id'], leaf['version'], leaf['op']) for leaf in leaves(node, pair.audience[node.name]) if leaf.get('id')]
        report.equal(f'{node.name}: nothing is released twice', len(seen), len(set(seen)))


def restart(report, pair):
    """What is known is known after a restart too; and the roots are the same."""
    before = {node.name: node.status(pair.audience[node.name])['ledger_root'] for node in pair.both}
    for node in pair.both:
        stops(report, node)
        node.start()
    settle(report, pair, 'after a restart of both')
    report.equal('a restart changes no root', {node.name: node.status(pair.audience[node.name])['ledger_root']
                                               for node in pair.both}, before)


def main():
    report = Report('campaign in one process' if '--one-process' in sys.argv else 'campaign')
    with Folder() as folder:
        pair = Pair(folder, '--one-process' in sys.argv, home={'kr': [ROLE['kr_identity']], 'us': [ROLE['us_identity']]})
        try:
            report.check('a bad policy changes nothing', not pair.kr.run('policy', 'activate', __file__).good
                         and pair.kr.run('policy', 'show').good and POLICY.exists())
            declare(pair)
            for step in (unmarked_before, both_directions, withheld, cut, forged, approval, newer_versions, contested,
                         unmarked_after, once_each, restart):
                step(report, pair)
            nothing_back(report, pair, 'at the end')
            for node in pair.both:
                receipts(report, pair, node)
                whole(report, node, pair.audience[node.name], 'while it runs')
            for node in pair.both:
                stops(report, node)
                whole(report, node, pair.audience[node.name], 'while it is stopped')
        finally:
            pair.end()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
