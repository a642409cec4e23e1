#!/usr/bin/env python3
"""Personal data from arrival to partners: masked, replaced, held, explained, found; what the record keeps of the search.

    tests/scenario/personal.py [PROGRAM]

Ends with "N passed, N failed, N skipped".
"""
import json
import re
import sys

import personal_kinds
from test_cli import PROGRAM, ROOT, Place, check, counted, until

CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
MAIL, RRN, PHONE = 'Kim.Minsu@example.co.kr', '900101-1234568', '010-2345-6789'
POLICY = '''language 1
agreement mou { partners [jp] basis "MOU 2026/3" }
deny never if personal-data to ca
release rest if always to ca
hold pii if personal-data to jp until approved with basis
release masked if always to us with mask-personal-data
release tokens if always to eu with pseudonymise-personal-data
release open if always to jp
'''


def indicator(number, text):
    return {'type': 'indicator', 'spec_version': '2.1', 'id': f'indicator--00000000-0000-4000-8000-{number:012}',
            'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'description': text,
            'pattern': f"[ipv4-addr:value = '198.51.100.{number}']", 'pattern_type': 'stix',
            'valid_from': '2026-01-01T00:00:00Z', 'object_marking_refs': [CLEAR]}


def released(place):
    return {line['audience']: line['released'] for line in place.lines('status', '--dir', 'kr') if 'audience' in line}


def found(place, value):
    return place.lines('privacy', 'find', value, '--dir', 'kr')


def find(place, value):
    lines = found(place, value)
    check(f'find {value}', any('read' in line for line in lines), lines)
    return lines


def tokens_of(place, kr):
    """The pseudonyms in each indicator that eu got."""
    found(place, 'nobody at all')  # a search signs what was decided and nobody read yet
    ids = [line['id'] for line in place.lines('ledger', 'show', 'eu', *kr) if line.get('id', '').startswith('indicator')]
    texts = []
    for number, name in enumerate(dict.fromkeys(ids)):
        place.expect(0, '', 'ledger', 'prove', 'eu', name, '--out', f'eu{number}.proof', '--object', f'eu{number}.json', *kr)
        texts.append(json.loads((place.path / f'eu{number}.json').read_text()).get('description', ''))
    return [re.findall(r'\[pseudonym:[^]]*\]', text) for text in texts if 'pseudonym:' in text]


def spellings(place, kr):
    """The same person in another hand: one pseudonym each, which opens to one form, and one search for both."""
    other = indicator(4, 'victim KIM.Minsu&#64;EXAMPLE.co.kr, RRN 900101\u20131234568, call +82\u200b-10-2345\u22126789')
    number = {**indicator(5, 'a form'), 'x_mobile': 1023456789}
    (place.path / 'd.json').write_text(json.dumps({'objects': [other, number]}))
    place.expect(0, 'new', 'add', 'd.json', '--source', 'feed', *kr)
    until('eu gets the other hand', lambda: len(tokens_of(place, kr)) == 2)
    one, two = tokens_of(place, kr)
    check('one pseudonym for every spelling', len(one) == 3 and one == two, (one, two))
    for token, value in zip(one, (MAIL.lower(), RRN.replace('-', ''), PHONE.replace('-', ''))):
        place.expect(0, f'^{re.escape(value)}\n$', 'privacy', 'reveal', token, *kr)
    for value, ids in ((MAIL, [other['id']]), (PHONE, [number['id'], other['id']]), (RRN, [other['id']])):
        lines = find(place, value)
        places = {line.get('id') for line in lines if line.get('place') == 'held'}
        check(f'{value} is found in the other hand', places >= set(ids), lines)


def looked_up(place, source, other):
    """A partner calls and names what he has: every command knows what it stands for."""
    kr = ['--dir', 'kr']

    def seen():
        found(place, 'nobody at all')  # a search signs what was decided and nobody read yet
        return [line for line in place.lines('ledger', 'show', 'us', *kr) if 'seq' in line]

    until('us has it', lambda: len(seen()) == 3)
    leaves = seen()
    his = next(line['id'] for line in leaves if line['id'].startswith('indicator--') and line['id'] not in (source, other))
    told = f'{his} is what partner us has of {source}'
    check('us has it by another name', his != source, leaves)
    status, out, err = place.run('get', his, *kr)
    good = status == 0 and json.loads(out)['id'] == source and told in err
    check('get shows the object and says so beside it', good, out + err)
    first = place.lines('get', his, *kr)[0]
    check('and tells programs', [first.get(key) for key in ('minted', 'partners', 'stands_for', 'held')] ==
          [his, 'us', source, False], first)
    recall = ('recall', his, '--dry-run')
    for words in (('versions', his), ('policy', 'explain', his, 'us'), ('graph', his), ('find', his), recall):
        place.expect(0, told, *words, *kr)
        lines = place.lines(*words, *kr)
        check(f'{words[0]} --json as well', any(line.get('stands_for') == source for line in lines), lines)
    place.expect(0, '1 objects in 1 versions', 'recall', his, '--dry-run', *kr)
    place.expect(0, told, 'ledger', 'prove', 'us', his, *kr)
    status, out, err = place.run('ledger', 'prove', 'us', his, '--out', '-', *kr)
    good = status == 0 and out.startswith('c2sp.org/tlog-proof') and told in err
    check('a proof on standard output is nothing but the proof', good, out + err)
    place.expect(0, f'us has it as {his}', 'ledger', 'prove', 'us', source, *kr)
    place.expect(2, 'ledger prove', 'ledger', 'open', 'us', his, '--because', 'audit', *kr)
    place.expect(1, f'minted for a partner from {source}', 'object', 'show', his, *kr)
    place.expect(0, told + '(?s:.*)tagged; the object is decided again', 'tag', 'add', his, 'asked', *kr)
    lines = place.lines('find', '--tag', 'asked', *kr)
    check('the tag is on the object here', [line.get('id') for line in lines[:1]] == [source], lines)
    place.expect(0, told, 'tag', 'remove', his, 'asked', *kr)
    nobody = 'indicator--00000000-0000-4000-8000-00000000ffff'
    place.expect(0, 'tagged, and not here yet', 'tag', 'add', nobody, 'asked', *kr)
    check('and tells programs', place.lines('tag', 'remove', nobody, 'asked', *kr)[0].get('held') is False)
    status, out, err = place.run('get', nobody, *kr)
    check('of what stands for nothing, nothing is said', status == 1 and 'is what' not in out + err, out + err)
    place.expect(0, told, 'approve', his, 'us', '--because', 'asked', *kr)


def test(place):
    kr = ['--dir', 'kr']
    place.expect(0, '5[0-9] right, 0 wrong', 'policy', 'test', ROOT / 'tests' / 'golden' / 'personal.policy')
    place.make('kr', 'KR')
    place.start('kr')
    place.expect(0, 'declared', 'source', 'add', 'feed', *kr)
    for name in ('us', 'eu', 'jp', 'ca'):
        place.expect(0, '', 'peer', 'add-taxii', name, '--country', name.upper(), *kr)
        place.expect(0, '', 'peer', 'start', name, *kr)
    (place.path / 'a.policy').write_text(POLICY)
    place.expect(0, '', 'policy', 'activate', 'a.policy', *kr)
    one, two = indicator(1, f'victim {MAIL}, RRN {RRN}, call {PHONE}'), indicator(2, 'nobody')
    (place.path / 'a.json').write_text(json.dumps({'objects': [one, two]}))
    bad = {'objects': [{'type': 'indicator', 'name': f'tell {MAIL.upper()}'}]}
    (place.path / 'bad.json').write_text(json.dumps(bad))
    place.expect(0, 'new', 'add', 'a.json', '--source', 'feed', *kr)
    place.run('add', 'bad.json', '--source', 'feed', *kr)
    until('us and eu get both and who minted, jp one',
          lambda: [released(place).get(name) for name in ('us', 'eu', 'jp')] == [3, 3, 1])

    rows = {line['audience']: line for line in place.lines('status', *kr) if 'audience' in line}
    told = {name: (rows[name]['waiting'], rows[name]['personal_held'], rows[name]['personal_denied']) for name in rows}
    check('status counts what waits and what personal data keeps', told == {
        'us': (0, 0, 0), 'eu': (0, 0, 0), 'jp': (1, 1, 0), 'ca': (0, 0, 1)}, told)
    place.expect(0, '1 are held and 0 denied for the personal data', 'status', *kr)
    place.expect(0, 'email at /description.*masked', 'policy', 'explain', one['id'], 'us', *kr)
    place.expect(0, 'kr-rrn at /description.*replaced by a pseudonym', 'policy', 'explain', one['id'], 'eu', *kr)
    place.expect(0, 'kr-phone at /description.*held', 'policy', 'explain', one['id'], 'jp', *kr)

    looked_up(place, one['id'], two['id'])

    for value in (MAIL.lower(), RRN.replace('-', ''), '+82 10-2345-6789', PHONE.replace('-', '')):
        lines = find(place, value)
        places = [line['place'] for line in lines if 'place' in line]
        check(f'{value} stands in the object', 'held' in places and 'released' not in places and 'minted' not in places, lines)
    lines = find(place, MAIL)
    check('and in what was refused', any(line.get('place') == 'quarantine' for line in lines), lines)
    check('with its place', any(line.get('pointers') == '/description' for line in lines), lines)
    check('nobody else', not any('place' in line for line in find(place, '010-2345-6780')))
    place.expect(2, 'pii lets nothing go without a basis.*--because', 'approve', one['id'], 'jp', *kr)
    place.expect(0, '', 'approve', one['id'], 'jp', '--because', 'warrant 12/2026', *kr)
    until('jp gets it', lambda: released(place).get('jp') == 2)
    until('released to jp, and to nobody else', lambda: [line['audience'] for line in found(place, MAIL)
                                                         if line.get('place') == 'released' and line['when'] > '2026'] == ['jp'])

    place.expect(0, 'on the basis of .*: warrant 12/2026', 'policy', 'explain', one['id'], 'jp', *kr)
    place.expect(0, 'warrant 12/2026', 'ledger', 'open', 'jp', '1', '--because', 'audit 3', *kr)

    # What became of it, counted; what holds none counts nowhere.
    table = place.run('privacy', 'report', *kr)[1]
    rows = [line for line in place.lines('privacy', 'report', *kr) if 'outcome' in line]
    told = sorted((x['audience'], x['outcome'], x['objects'], x['rule'], x['basis'], x['approver']) for x in rows)
    who = next((x[5] for x in told if x[5]), '')
    check('the report counts each outcome once', told == [
        ('ca', 'denied', 1, 'never', '', ''), ('eu', 'pseudonymised', 1, 'tokens', '', ''),
        ('jp', 'held', 1, 'pii', 'MOU 2026/3', ''), ('jp', 'released', 1, 'open', 'MOU 2026/3', who),
        ('us', 'masked', 1, 'masked', '', '')] and who != '', told)
    check('and how often with a stated basis', [x['based'] for x in rows if x['outcome'] == 'released'] == [1], rows)
    check('by week', all(x['week'].startswith('20') and '-W' in x['week'] for x in rows), rows)
    check('and never says the value', not any(value in json.dumps(rows) + table for value in (MAIL, RRN, PHONE)), table)

    # A name that is masked or replaced whole is counted as what it is.
    person = {'type': 'identity', 'spec_version': '2.1', 'id': 'identity--00000000-0000-4000-8000-000000000003',
              'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z', 'name': '홍길동',
              'identity_class': 'Individual', 'object_marking_refs': [CLEAR]}
    (place.path / 'c.json').write_text(json.dumps(person))
    place.expect(0, 'new', 'add', 'c.json', '--source', 'feed', *kr)
    until('us and eu get the person as well', lambda: [released(place).get(name) for name in ('us', 'eu')] == [4, 4])
    rows = [line for line in place.lines('privacy', 'report', *kr) if 'outcome' in line]
    told = sorted((x['audience'], x['outcome'], x['objects']) for x in rows)
    check('and is no release', told == [('ca', 'denied', 2), ('eu', 'pseudonymised', 2), ('jp', 'held', 2), ('jp', 'released', 1),
                                        ('us', 'masked', 2)], told)

    spellings(place, kr)

    # The search is told, the value is not.
    status, out, err = place.run('access', '--json', *kr)
    check('the search is in the record', 'privacy.find ' in out, out + err)
    check('its value is not', MAIL.lower() not in out.lower() and RRN not in out, out)
    # Erasure is a recall: every version, what was minted, and what was refused.
    holds = len({line['lsn'] for line in found(place, MAIL) if line.get('place') in ('held', 'quarantine')})
    dry = place.lines('privacy', 'erase', MAIL, '--dry-run', *kr)[0]
    check('erasure counts before', (dry['versions'], dry['dry_run']) == (holds, True) and holds >= 2, dry)
    listed = [line for line in place.lines('privacy', 'erase', MAIL, '--dry-run', *kr) if 'place' in line]
    check('and lists each, with what was minted of it', {line['lsn'] for line in listed} == {
        line['lsn'] for line in found(place, MAIL) if line.get('place') in ('held', 'minted', 'quarantine')}, listed)
    row = next(line for line in listed if line['place'] == 'held' and line['id'] == one['id'])
    told = [row[key] for key in ('type', 'source', 'pointers', 'partners')]
    check('with type, source, where it is, who has it', told == ['indicator', 'feed', '/description', 'us, eu, jp'], row)
    refused = [line['partners'] for line in listed if line['place'] == 'quarantine']
    check('what was refused nobody has', refused[:1] == [''], listed)
    place.expect(0, f'PLACE .*PARTNERS(?s:.*)held +{one["id"]} +indicator', 'privacy', 'erase', MAIL, '--dry-run', *kr)
    check('the list does not say the value', MAIL not in json.dumps(listed), listed)
    leaves = [line for line in place.lines('ledger', 'show', 'us', *kr) if line.get('id')]
    place.expect(2, '--yes', 'privacy', 'erase', MAIL, '--because', 'request 4/2026', *kr)
    check('and changes nothing', any(line.get('place') == 'held' for line in found(place, MAIL)))
    place.expect(0, 'called back', 'privacy', 'erase', MAIL, '--because', 'request 4/2026', '--yes', *kr)
    until('nothing kept holds it', lambda: not any('place' in line for line in found(place, MAIL)))
    theirs = [line['id'] for line in leaves if line['id'] != one['id'] and line['id'].startswith('indicator--')]
    told = [place.run('get', name, *kr) for name in theirs]
    named = [err for status, out, err in told
             if status == 1 and re.search(f'minted for us.* from {one["id"]} was called back on 20.*request 4/2026', err)]
    check('the name that a partner has leads to what was erased', len(named) == 1, (theirs, told))
    for words in (('versions', one['id']), ('policy', 'explain', one['id'], 'us'), ('ledger', 'prove', 'us', one['id'])):
        said = ''.join(place.run(*words, *kr)[1:])
        check(f'{words[0]} says when it went', said.count('was called back on 20') == 1, said)
    check('nor a part of it', not any('place' in line for line in find(place, RRN)))
    place.expect(0, two['id'], 'get', two['id'], *kr)
    rows = place.lines('recall', 'status', one['id'], *kr)
    check('who had it is known', {row['holder']: row['state'] for row in rows if 'holder' in row} == {
        'this node': 'destroyed', 'us': 'cannot confirm', 'eu': 'cannot confirm', 'jp': 'cannot confirm'}, rows)
    check('the value stands nowhere on the disk', not any(MAIL.encode() in path.read_bytes()
                                                          for path in (place.path / 'kr').rglob('*') if path.is_file()))
    out = place.run('access', '--json', *kr)[1]
    check('who erased is in the record', 'privacy.erase ' in out and MAIL.lower() not in out.lower(), out)
    place.stop('kr')


def main():
    place = Place()
    try:
        test(place)
        personal_kinds.test(place.path / 'kinds', PROGRAM, check)
    finally:
        place.close()
    print(f'{counted["passed"]} passed, {counted["failed"]} failed, {counted["skipped"]} skipped', flush=True)
    return 1 if counted['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
