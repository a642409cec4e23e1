"""Every kind of personal data with everything that a policy can do about it, to a partner's node that runs: what is in its store
afterwards. Part of personal.py (stage `personal`).

One object for each pair: a source for each treatment, values of their own, so that nothing of one case hides another.
"""
import json
import os
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'corpus' / 'privacy'))
sys.dont_write_bytecode = True

import values as v  # noqa: E402

CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
TIMES = {'created': '2026-01-01T00:00:00.000Z', 'modified': '2026-01-01T00:00:00.000Z'}
TREATMENTS = ('denied', 'masked', 'replaced', 'held', 'based')
POLICY = '''language 1
deny never if source == denied and personal-data to all
hold waits if source == held and personal-data to all until approved
hold basis if source == based and personal-data to all until approved with basis
release masked if source == masked to all with mask-personal-data
release tokens if source == replaced to all with pseudonymise-personal-data
release open if source in [denied held based desk] to all
'''
SEEN, PLACE = 'indicator--00000000-0000-4000-8000-00000000aaaa', 'identity--00000000-0000-4000-8000-{:012}'


def common(kind, number):
    return {'type': kind, 'spec_version': '2.1', 'id': f'{kind}--00000000-0000-4000-8000-{number:012}', **TIMES,
            'object_marking_refs': [CLEAR]}


def text(number, words):
    return {**common('indicator', number), 'description': words, 'pattern': f"[file:name = 'a{number}.exe']",
            'pattern_type': 'stix', 'valid_from': '2026-01-01T00:00:00Z'}


def person(number, value):
    return {**common('identity', number), 'name': value, 'identity_class': 'individual'}


def sighting(number, value):
    return {**common('sighting', number), 'sighting_of_ref': SEEN, 'where_sighted_refs': [value]}


def in_words(words):
    return lambda number, value: text(number, words.format(value))


CIRCLED = {'0': '\u24ea', **{str(n): chr(0x245f + n) for n in range(1, 10)}}
# (kind, how a value is made, the object that holds it)
TABLE = [
    ('kr-rrn', lambda r, n: '-'.join(v.registration(r)), in_words('주민번호 {} 유출')),
    ('kr-frn', lambda r, n: '-'.join(v.registration(r, True)), in_words('외국인등록번호 {} 유출')),
    ('kr-passport', lambda r, n: v.passport(r, n % 2 == 0), in_words('여권 {} 사본')),
    ('kr-licence', lambda r, n: '-'.join(v.licence(r)), in_words('운전면허 {} 도용')),
    ('kr-business', lambda r, n: v.business(r), in_words('사업자등록번호 {} 위조')),
    ('kr-phone', lambda r, n: '-'.join(v.mobile(r)), in_words('연락처 {} 확인')),
    ('us-ssn', lambda r, n: '-'.join(v.ssn(r)), in_words('SSN {} leaked')),
    ('us-phone', lambda r, n: '-'.join(v.us_phone(r)), in_words('call {} back')),
    ('phone', lambda r, n: f'+44 7700 900{v.digits(r, 3)}', in_words('caller {} asked')),
    ('email', lambda r, n: f'{v.digits(r, 6)}.kim@example.com', in_words('told by {} yesterday')),
    ('card', lambda r, n: '-'.join(v.card_groups(v.card(r))), in_words('card {} charged')),
    ('name', lambda r, n: f'홍길동{v.digits(r, 6)}', person),
    ('account', lambda r, n: f'gildong{v.digits(r, 6)}', in_words('dropped in C:\\Users\\{}\\x.exe')),
    ('credential', lambda r, n: f'Sesam{v.digits(r, 6)}!', in_words('mysql --password={} was run')),
    ('victim-reference', lambda r, n: PLACE.format(n + 900000), sighting),
    # The same in another hand.
    ('kr-rrn', lambda r, n: '-'.join(v.registration(r)).replace('0', 'O').replace('1', 'l', 1), in_words('주민번호 {} 유출')),
    ('kr-phone', lambda r, n: ''.join(CIRCLED.get(c, c) for c in '-'.join(v.mobile(r))), in_words('연락처 {} 확인')),
    ('kr-phone', lambda r, n: f'82{"".join(v.mobile(r))[1:]}', in_words('https://wa.me/{}?text=hi')),
    ('email', lambda r, n: f'{v.digits(r, 6)}.lee골뱅이example닷com', in_words('{} 에게서 들음')),
]
GOES = {'denied': None, 'masked': 'without', 'replaced': 'without', 'held': None, 'based': 'with'}


class Case:
    def __init__(self, number, row, treatment):
        self.number, self.treatment = number, treatment
        self.kind, make, thing = row
        self.value = make(random.Random(number), number)
        self.object = thing(number, self.value)

    def name(self):
        return f'{self.kind}, {self.treatment}'

    def marker(self):
        """What tells the object that came of it from all others, whatever its identifier: what a reference of it says."""
        return f'case {self.number}.'


def cases():
    made = [Case(100 + number, row, treatment) for number, (row, treatment)
            in enumerate((row, treatment) for row in TABLE for treatment in TREATMENTS)]
    for case in made:
        case.object['external_references'] = [{'source_name': 'desk', 'description': case.marker()}]
    return made


def beside(made):
    """What the sightings name: an indicator, and offices whose own identifiers are the values looked for."""
    yield {**text(0, 'seen'), 'id': SEEN}
    for case in made:
        if case.kind == 'victim-reference':
            yield {**common('identity', 0), 'id': case.value, 'name': 'Example Power', 'identity_class': 'organization'}


def store_of(node):
    """Every object in that store."""
    lines = [line for line in node.must('export', '--all', '--format', 'lines', json_too=False).err.splitlines() if line]
    return [json.loads(line) for line in lines]


def add(kr, folder, source, objects):
    path = pathlib.Path(folder) / f'{source}.jsonl'
    path.write_text('\n'.join(map(json.dumps, objects)), encoding='utf-8')
    kr.must('add', path, '--source', source)


def look(case, here, us, check):
    """`here`: what the partner has of it."""
    goes = GOES[case.treatment]
    told = json.dumps(here, ensure_ascii=False)
    if goes is None:
        check(f'{case.name()}: nothing of it is at the partner', here == [], told)
    else:
        check(f'{case.name()}: it is at the partner', len(here) == 1, told)
    said = json.dumps([{name: value for name, value in one.items() if name != 'id'} for one in us], ensure_ascii=False)
    check(f'{case.name()}: the value is {"" if goes == "with" else "not "}in its store', (case.value in said) == (goes == 'with'),
          told)
    if case.treatment == 'masked' and case.kind != 'victim-reference':
        check(f'{case.name()}: stars stand for it', '*' in told or '\uff0a' in told, told)
    if case.treatment == 'replaced' and case.kind != 'victim-reference':
        check(f'{case.name()}: a pseudonym stands for it', f'[pseudonym:{case.kind}:' in told, told)


def test(folder, program, check):
    folder.mkdir()
    os.environ['BONGSU'] = program
    from node import linked, wait_for
    header = (ROOT / 'src' / 'privacy' / 'privacy.h').read_text(encoding='utf-8')
    kinds = re.findall(r'\bX\(\w+, "([a-z-]+)"', header)
    check('every kind that the program knows has its row', kinds == list(dict.fromkeys(row[0] for row in TABLE)), kinds)
    kr, us = linked(folder, POLICY)
    try:
        made = cases()
        add(kr, folder, 'desk', beside(made))
        for treatment in TREATMENTS:
            kr.must('source', 'add', treatment)
            add(kr, folder, treatment, [case.object for case in made if case.treatment == treatment])
        waiting = len(TABLE) * 2
        check('what waits for a person waits', wait_for(lambda: kr.status('us').get('personal_held') == waiting, 30),
              kr.status('us'))
        for case in made:
            if case.treatment == 'based':
                check(f'{case.name()}: no approval without a basis', not kr.run('approve', case.object['id'], 'us').good)
                kr.must('approve', case.object['id'], 'us', '--because', f'warrant {case.number}')
        going = sum(GOES[case.treatment] is not None for case in made)

        def came():
            return sum('case ' in json.dumps(one) for one in store_of(us))

        check('what may go has come', wait_for(lambda: came() >= going, 30), (came(), going))
        check('and nothing is under way', wait_for(lambda: kr.status('us').get('receipted') == kr.status('us').get('released')
                                                   == us.status('kr').get('received'), 30), (kr.status('us'), us.status('kr')))
        theirs = store_of(us)
        for case in made:
            look(case, [one for one in theirs if case.marker() in json.dumps(one)], theirs, check)
            if case.kind != 'victim-reference':  # the other reader: everything that is kept, refused input too
                found = [line for line in us.must('privacy', 'find', case.value).lines if 'place' in line]
                check(f'{case.name()}: so says privacy find there', bool(found) == (GOES[case.treatment] == 'with'), found)
    finally:
        for node in (kr, us):
            node.stop()
