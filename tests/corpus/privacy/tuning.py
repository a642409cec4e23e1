"""Sentences, mails and logs of the tuning part: what the recognisers may be adjusted by."""
import re
import uuid

import values as v

# Slots: {x} a value that a word beside it names; {y} one whose form alone must do.
REGISTRATION = {
    'ko': ['유출된 파일에 피해자의 주민등록번호 {x} 가 포함되어 있었다.', '신청인 주민번호는 {x}입니다.', '주민등록번호: {x}',
           '고객 DB에서 이름, 주민번호({x}), 주소가 평문으로 노출됨', 'jumin_no={x} 필드가 암호화되지 않은 채 전송되었습니다.',
           '피싱 페이지는 성명과 주민 번호 {x}를 입력하도록 요구한다.', '외국인등록번호 {x} 소지자에게 안내 문자를 보냄',
           '첨부한 신분증 사본에서 {x}를 확인했습니다.', '{x} (주민등록번호) 유출 의심'],
    'en': ['The dump contains the resident registration number {x} of one employee.', 'RRN: {x}',
    'user rrn={x} found in cleartext',
           'Victim identity: resident registration no. {x}, confirmed by phone.', 'alien registration number {x} was on the scan',
           '{{"jumin":"{x}","status":"leaked"}}', 'The form asked for a national ID ({x}) before the download.'],
}
TEMPLATES = {
    'registration': REGISTRATION,
    'passport': {
        'ko': ['여권번호 {x} 사본이 다크웹에 게시되었다.', '출장자 여권 {x}, 유효기간 2031년', '여권번호: {x}',
        '탈취된 예약 정보(여권번호 {x})'],
        'en': ['Passport {x} was offered for sale.', 'passport no: {x}',
        'The traveller\'s passport number {x} appears in the archive.',
               'passport_number={x}'],
    },
    'licence': {
        'ko': ['운전면허번호 {x} 로 본인 인증을 시도함', '면허번호: {x}', '렌터카 고객의 운전면허 {x} 가 유출되었습니다.'],
        'en': ['Driver\'s licence {x} uploaded by the attacker.', 'driver license no {x}', 'licence_no={x}'],
    },
    'business': {
        'ko': ['사업자등록번호 {x} 로 위장한 세금계산서 메일', '공급자 사업자번호: {x}', '해당 업체(사업자 {x})에 통보함'],
        'en': ['The invoice names business registration number {x}.', 'brn: {x}', 'Supplier business no. {x} is fake.'],
    },
    'phone': {
        'ko': ['담당자 연락처 {x} 로 전화 바랍니다.', '휴대폰: {x}', '스미싱 문자 수신번호 {x}', '피해자 전화번호({x})를 확보함',
               '긴급 시 {x}로 연락 주세요. 전화가 안 되면 메일로', 'Tel. {x}', '사고 신고자 휴대전화 {x}, 익명 요청', '팩스 {x}'],
        'en': ['Call the victim at {x} before noon.', 'phone: {x}', 'Mobile {x} received the smishing text.', 'tel={x}',
               'The reporter can be reached on {x}.', 'contact_phone={x}'],
    },
    'ssn': {
        'en': ['SSN: {x}', 'The spreadsheet lists the social security number {x}.', 'ssn={x}',
        'Employee SSN {x} was exfiltrated.',
               'Attackers asked for the last name and social security number ({x}).'],
        'ko': ['미국 직원의 SSN {x} 이 포함됨', '사회보장번호(SSN): {x}'],
    },
    'card': {
        'ko': ['결제에 사용된 카드번호 {x} 정지 요청', '신용카드 {x} 가 탈취되었다.', '카드: {x}'],
        'en': ['Card number {x} was skimmed.', 'pan={x}', 'credit card {x} exp 11/29',
        'The skimmer sent the card {x} to its server.'],
    },
    'email': {
        'ko': ['피해자 {x} 앞으로 악성 첨부가 발송되었다.', '수신: {x}', '메일은{x}로 보내 주세요.', '담당자 이메일 {x}입니다.',
               '{x}에서 유출된 자격증명', '연락처: 김담당 <{x}>'],
        'en': ['The message was delivered to {x} at 09:12.', 'To: {x}', 'user={x} action=login result=fail',
        'Please write to {x}.',
               'rcpt=<{x}> status=sent', '{x}:Winter2026! appeared in the combo list', 'mailto:{x}?subject=hello'],
    },
    'path': {
        'ko': ['악성코드는 {x} 아래에 자신을 복사한다.', '경로: {x}'],
        'en': ['Dropped file: {x}', 'The process was started from {x} by the user.', 'path="{x}" action=create'],
    },
}
# Without any word that names the value.
PLAIN = ['{y}', '- {y}', '값: {y}', '"{y}"', '2026-11-02 10:22:31 INFO field1={y} ok', '| {y} |', '확인 결과 {y} 로 나타남',
         'we saw {y} in the response body', '홍길동,{y},서울', 'row 17: {y}', '<td>{y}</td>', '다음 값이 노출됨: {y}']


def joined(rng, groups, *separators):
    return rng.choice(separators).join(groups)


def registration(rng, foreign):
    kind = 'kr-frn' if foreign else 'kr-rrn'
    form = rng.randrange(8)
    checked = rng.random() < 0.7
    if form == 0:  # bare, named
        return kind, 'x', ''.join(v.registration(rng, foreign, checked, last=2008))
    if form == 1:  # bare, by its checksum alone
        return kind, 'y', ''.join(v.registration(rng, foreign, True, last=2000))
    groups = v.registration(rng, foreign, checked)
    if form == 2:
        return kind, 'x', ' '.join(groups)
    if form == 3:
        return kind, 'y', v.wide('-'.join(groups))
    return kind, rng.choice('xy'), joined(rng, groups, '-', '-', '-', '\u2013', ' - ')


def phone(rng):
    form = rng.randrange(9)
    if form < 3:
        groups = v.mobile(rng)
        return 'kr-phone', rng.choice('xy'), joined(rng, groups, '-', '-', '.', ' ', '')
    if form == 3:
        area, exchange, number = v.land(rng)
        text = rng.choice((f'{area}-{exchange}-{number}', f'({area}) {exchange}-{number}', f'{area}) {exchange}-{number}'))
        return 'kr-phone', rng.choice('xy'), text
    if form == 4:
        return 'kr-phone', 'x', joined(rng, v.land(rng), '.', ' ', '')
    if form == 5:
        groups = v.mobile(rng)
        text = rng.choice(('+82-10-{}-{}', '+82 10 {} {}', '+8210{}{}', '+82 (0)10-{}-{}', '82-10-{}-{}')).format(*groups[1:])
        return 'kr-phone', rng.choice('xy'), text
    if form == 6:
        return 'kr-phone', rng.choice('xy'), joined(rng, ('070', f'1{v.digits(rng, 3)}', v.digits(rng, 4)), '-', '-', ' ')
    if form == 7:
        return 'kr-phone', rng.choice('xy'), v.wide('-'.join(v.mobile(rng)))
    return 'kr-phone', rng.choice('xy'), joined(rng, v.old_mobile(rng), '-', '-', '.')


def us_phone(rng):
    area, exchange, number = v.us_phone(rng)
    form = rng.randrange(7)
    named = ('{}.{}.{}', '{} {} {}', '{}{}{}')
    alone = ('({}) {}-{}', '+1 {} {} {}', '+1-{}-{}-{}', '{}-{}-{}', '+1{}{}{}', '1-{}-{}-{}')
    if form < 2:
        return 'us-phone', 'x', rng.choice(named).format(area, exchange, number)
    return 'us-phone', rng.choice('xy'), rng.choice(alone).format(area, exchange, number)


NAMES = ('minji.kim', 'jh_park', 'seoyeon', 'j.lee82', 'kim-taeho', 'dohyun.choi', 'anna.smith', 'rjones', 'o.brien',
     'maria+work',
         'hgildong', 'sujin1990', 'a.b.c', 't_kang', 'yuna-oh', 'max.mueller')
DOMAINS = ('example.com', 'example.org', 'mail.example.net', 'corp.example', 'hanbit.co.test', 'sub.dept.example.co.kr.test')


def email(rng):
    local, domain = rng.choice(NAMES), rng.choice(DOMAINS)
    form = rng.randrange(8)
    if form == 0:
        return 'email', 'y', f'{local}{rng.choice(("[@]", "[at]", "(at)", " [at] "))}{domain.replace(".", "[.]")}'
    if form == 1:
        return 'email', 'y', f'{local}@{domain.replace(".", rng.choice(("[.]", "(dot)", "[dot]")))}'
    if form == 2:
        local = rng.choice(('홍길동', '김영희', '박철수'))
        return 'email', 'y', f'{local}@{rng.choice(("예시.테스트", "메일.예시.한국", "example.com"))}'
    return 'email', 'x', f'{local}@{domain}'


def card(rng):
    number = v.card(rng)
    form = rng.randrange(4)
    if form == 0:
        return ('card', 'x' if len(number) != 16 else rng.choice('xy'), number)
    return 'card', rng.choice('xy'), joined(rng, v.card_groups(number), '-', ' ', '-')


def ssn(rng):
    groups = v.ssn(rng)
    form = rng.randrange(4)
    if form == 0:
        return 'us-ssn', 'x', ''.join(groups)
    if form == 1:
        return 'us-ssn', 'x', ' '.join(groups)
    return 'us-ssn', rng.choice('xy'), '-'.join(groups)


def licence(rng):
    groups = v.licence(rng)
    form = rng.randrange(4)
    if form == 0:
        return 'kr-licence', 'x', ''.join(groups)
    if form == 1:
        return 'kr-licence', 'x', ' '.join(groups)
    return 'kr-licence', rng.choice('xy'), '-'.join(groups)


def business(rng):
    number = v.business(rng)
    if rng.randrange(3) == 0:
        return 'kr-business', 'x', number
    return 'kr-business', rng.choice('xy'), f'{number[:3]}-{number[3:5]}-{number[5:]}'


def passport(rng):
    return 'kr-passport', 'x', v.passport(rng, rng.random() < 0.5)


MAKERS = [('registration', lambda rng: registration(rng, False), 210), ('registration', lambda rng: registration(rng, True), 120),
          ('phone', phone, 260), ('phone', us_phone, 120), ('email', email, 200), ('card', card, 120), ('ssn', ssn, 120),
          ('licence', licence, 90), ('business', business, 90), ('passport', passport, 80)]


def positives(rng):
    yield from usual(rng)
    yield from odd(rng)


def usual(rng):
    for group, make, count in MAKERS:
        for _ in range(count):
            kind, slot, value = make(rng)
            lang = rng.choice(('ko', 'en'))
            if group == 'email' and slot == 'y':
                yield lang, rng.choice(PLAIN).format(y=v.mark(kind, value))
            elif slot == 'x':
                yield lang, rng.choice(TEMPLATES[group][lang]).format(x=v.mark(kind, value))
            else:
                yield lang, rng.choice(PLAIN).format(y=v.mark(kind, value))
    for _ in range(60):
        name = rng.choice(('minji', 'hong.gildong', 'jhpark', 'asmith', 'k.taeho', '김민지'))
        style = rng.choice(('C:\\Users\\{}\\AppData\\Roaming\\svc.exe', '/home/{}/.ssh/id_ed25519', '/Users/{}/Library/x.plist',
                            'C:\\\\Users\\\\{}\\\\Desktop\\\\a.lnk', 'c:\\users\\{}\\downloads\\invoice.zip'))
        lang = rng.choice(('ko', 'en'))
        yield lang, rng.choice(TEMPLATES['path'][lang]).format(x=style.format(v.mark('account', name)))
    for _ in range(120):  # several in one text
        a, b, c = rng.sample([m for _, m, _ in MAKERS[:6]], 3)
        parts = [v.mark(kind, value) for kind, slot, value in (a(rng), b(rng), c(rng)) if slot == 'y']
        if parts:
            yield 'ko', rng.choice(('유출 항목: {}', '명단\n{}', 'leaked: {}')).format(rng.choice((', ', ' / ',
                 '\n')).join(parts))


# Marks that are not usual, escapes, other widths, what cannot be seen: the value stands in one of PLACES of its kind.
MARKS = ('_', '/', '\u00b7', ':', '~', '--', '\u200b-\u200b', '\u00ad', '\n', '-\n', '\uff0d', '%2D', '&#45;',
'\u2012', '(')
PLACES = {
    'kr-rrn': ('주민번호 {x}', 'rrn {x} leaked', '주민등록번호: {x}, 성명', 'resident {x}'),
    'kr-frn': ('외국인등록번호 {x}', 'alien registration {x}'),
    'kr-phone': ('전화 {x}', '연락처: {x}', 'call {x} back', 'tel {x}'),
    'us-phone': ('call {x} now', 'phone {x}'),
    'us-ssn': ('SSN {x}', 'ssn: {x}', 'social security {x}'),
    'card': ('카드 {x}', 'card {x} charged', 'visa {x}'),
    'kr-licence': ('운전면허 {x}', 'driver license {x}'),
}


def parted(groups, mark):
    if mark == '(':
        return f'{groups[0]}({groups[1]})' if len(groups) == 2 else f'{groups[0]}({groups[1]}){"-".join(groups[2:])}'
    return mark.join(groups)


def odd_groups(rng):
    birth_of = v.registration(rng)
    date = birth_of[0]
    return rng.choice((
        ('kr-rrn', birth_of), ('kr-rrn', v.registration(rng, checked=False)), ('kr-frn', v.registration(rng, True)),
        ('kr-rrn', (date[:2], date[2:4], date[4:], birth_of[1])), ('kr-phone', v.mobile(rng)), ('kr-phone', v.land(rng)),
        ('us-phone', v.us_phone(rng)), ('us-ssn', v.ssn(rng)), ('card', v.card_groups(v.card(rng))),
        ('kr-licence', v.licence(rng)),
    ))


def odd(rng):
    for i in range(420):
        kind, groups = odd_groups(rng)
        mark = MARKS[i % len(MARKS)]
        if mark == '\u00ad' and kind in ('us-phone', 'kr-phone'):
            mark = '_'
        value = parted(groups, mark)
        if mark[0] not in '%&' and rng.random() < 0.1:
            value = v.wide(value)
        yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, value))
    for form in ('{} AT {} DOT co DOT kr', '{} at {} dot com', '{}%40{}.com', '{}&#64;{}.com',
    '{}\uff20{}.com', '"{} kim"@{}.com',
                 '{}@{} dot com'):
        for local in ('minsu', 'j.doe', 'lee99', 'park-y'):
            yield 'en', f'write to {v.mark("email", form.format(local, rng.choice(("example", "corp-example"))))} please'
    for _ in range(20):
        letter, rest = rng.choice('MSRG'), v.digits(rng, 8)
        form = rng.choice((f'{letter.lower()}{rest}', f'{letter} {rest}', v.wide(letter + rest)))
        yield 'en', f'passport {v.mark("kr-passport", form)}'
        yield 'en', f'SSN{v.mark("us-ssn", "".join(v.ssn(rng)))} seen'


# Added later: every dash that Unicode has, HTML's ways to write one, and what cannot be seen, at any place inside.
DASHES = tuple(chr(c) for c in (*range(0x2010, 0x2016), 0x2043, 0x2212, 0xfe58, 0xfe63, 0xff0d))
ENTITIES = ('&#45;', '&#x2d;', '&#X2D;', '&#045;', '&ndash;', '&mdash;', '&#8211;', '&#x2013;', '&hyphen;', '&minus;',
            '&amp;#45;', '&nbsp;', '&#160;', '&#xa0;')
UNSEEN = tuple(chr(c) for c in (0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x202a, 0x2060, 0x2066,
                                0x3164, 0xfe0f, 0xfeff, 0xffa0)) + ('&zwj;', '&#8203;', '&#x200b;', '%E2%80%8B')
AT_SIGNS = ('@', '&#64;', '&#x40;', '&commat;', '%40', '\uff20')
DOTS = ('.', '&#46;', '&period;', '%2E', '\uff0e', '\u3002', '[.]')


def hidden(rng, text):
    """With something unseen behind one or two of its characters; no soft hyphen between digits, where it is a dash."""
    places = rng.sample(range(1, len(text)), min(rng.randrange(1, 3), len(text) - 1))
    for at in sorted(places, reverse=True):
        what = rng.choice(UNSEEN)
        text = text[:at] + ('\u200b' if what == '\u00ad' and text[at - 1].isdigit() else what) + text[at:]
    return text


def spelled(rng):
    for mark in (*DASHES, *ENTITIES):
        for _ in range(6):
            kind, groups = odd_groups(rng)
            yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, mark.join(groups)))
    for _ in range(200):
        kind, groups = odd_groups(rng)
        joined_by = rng.choice(('-', '-', '\u2013', ' '))
        yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, joined_by.join(hidden(rng, group) for group in groups)))
    for _ in range(120):
        name, domain = rng.choice(NAMES).replace('+', '.'), rng.choice(DOMAINS)
        domain = '.'.join(domain.split('.')).replace('.', rng.choice(DOTS))
        if rng.random() < 0.4:
            name = hidden(rng, name)
        yield 'en', f'write to {v.mark("email", name + rng.choice(AT_SIGNS) + domain)} please'


# The same where nobody is.
PLAIN_DASHES = ('2026{d}11{d}{2}', 'pages {2}{d}{2}', 'CVE{d}2026{d}{5}', '{4}{d}{4}', 'ISO 27001{d}{4}', 'RFC {4}{d}{2}',
                'v{1}{d}{2}{d}{4}', '{6}{d}{4}', 'sha{3}{d}{2}', 'a{d}{6}{d}{3}', 'from {2} {d} to {2}')


# Added last: digits in other scripts and dress, letters for digits, a number in thousands, escapes of programs, links of
# messengers, Korea's words for the signs of an address.
ZEROS = (0x660, 0x6f0, 0x966, 0xe50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1fbf0)
CIRCLED = {c: chr(0x24ea if c == '0' else 0x245f + int(c)) for c in '0123456789'}
RAISED = dict(zip('0123456789', '\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079', strict=True))
LINKS = ('https://wa.me/{}', 'wa.me/{}?text=hi', 'https://api.whatsapp.com/send?phone={}', 'whatsapp://send?phone={}',
         'tg://resolve?phone={}', 'viber://chat?number={}', 'https://t.me/+{}')
SNAILS = ('{}골뱅이{}', '{}[골뱅이]{}', '{} 골뱅이 {}', '{}(골뱅이){}', '{} [골뱅이] {}')
SPOKEN_DOTS = ('.', '닷', '쩜', ' 닷 ', '[닷]')


def dressed(rng, value):
    form = rng.randrange(5)
    if form == 0:
        return ''.join(CIRCLED.get(c, c) for c in value)
    if form == 1:
        return ''.join(RAISED.get(c, c) for c in value)
    if form == 2:
        return ''.join(f'{c}\ufe0f\u20e3' if c.isdigit() else c for c in value[:-1]) + value[-1]
    zero = rng.choice(ZEROS)
    return ''.join(chr(zero + int(c)) if c.isdigit() else c for c in value)


def with_letters(rng, value):
    """At most every other digit is a letter, and the first 0 or 1 is one."""
    places = [i for i, c in enumerate(value) if c in '01']
    most = sum(c.isdigit() for c in value) // 2
    for i in places[:1] + [i for i in places[1:most] if rng.random() < 0.5]:
        value = value[:i] + rng.choice('Oo' if value[i] == '0' else 'Il') + value[i + 1:]
    return value


def rewritten(rng):
    for _ in range(150):
        kind, groups = odd_groups(rng)
        yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, dressed(rng, '-'.join(groups))))
    for _ in range(80):
        kind, groups = rng.choice((('kr-phone', v.mobile(rng)), ('kr-rrn', v.registration(rng)), ('kr-phone', v.land(rng)),
                                   ('kr-frn', v.registration(rng, True)), ('us-phone', v.us_phone(rng))))
        yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, with_letters(rng, '-'.join(groups))))
    for _ in range(30):
        yield 'ko', rng.choice(PLAIN).format(y=v.mark('kr-phone', with_letters(rng, '-'.join(v.mobile(rng)))))
    for _ in range(30):
        bare = ''.join(v.registration(rng, first=1950, last=1999))
        yield 'ko', rng.choice(PLACES['kr-rrn']).format(x=v.mark('kr-rrn', f'{int(bare):,}'))
    for _ in range(40):
        kind, groups = odd_groups(rng)
        escaped = ''.join(f'\\u{ord(c):04x}' if c.isdigit() and rng.random() < 0.7 else c for c in '-'.join(groups))
        yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, escaped))
    for link in LINKS:
        plus = '+' if link.endswith('+{}') else ''
        for kind, number in (('kr-phone', '82' + ''.join(v.mobile(rng))[1:]), ('us-phone', '1' + ''.join(v.us_phone(rng))),
                             ('phone', '491510' + v.digits(rng, 7))):
            yield 'en', f'he answers at {link.replace("+", "").format(v.mark(kind, plus + number))} only'
    for form in SNAILS:
        for dot in SPOKEN_DOTS:
            local, domain = rng.choice(('minsu', 'j.doe', 'lee99', 'park-y')), rng.choice(('example.com', 'mail.example.org'))
            yield 'ko', f'메일은 {v.mark("email", form.format(local, domain.replace(".", dot)))} 로'


# The same where nobody is.
DRESSED_NONE = (
    '\u2460 {3} \u2461 {3} \u2462 {3}', 'CO\u2082 {3}\u00b2', 'wa.me/message/A{5}', 't.me/c/{10}/{3}', 't.me/+A{8}bC',
    'zalo.me/g/a{6}', 'https://discord.example/channels/{18}', '합계 {3},{3},{3},{3}', '9,99{1},{3},{3},{3}원',
    'OIL-{3}-{4}', 'lot IO-{4}-{4}', 'ID0{1}O{3}', 'ISO-IO{2}-{3}', 'Il {3} lO', 'lol-{4} Olo', 'C:\\Users\\Public\\u0039x',
    '동해골뱅이무침. 맛있다', '을지로 골뱅이 {2}번', '골뱅이@2x.png', '{2} 닷새 뒤', '쩜오 {4}', '\u0663\u0665\u066a {2}',
    'v\u00b9.{2}',
    '\\x31\\xc0\\x50\\x68{2}', '"\\u0031\\u0032"', '{3},{3}', '1,{3},{3},{3},{3},{3}',
)


def rewritten_none(rng):
    for text in DRESSED_NONE:
        for _ in range(6):
            yield 'ko', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


# A word that says otherwise, and what it must not hide: the word that is nearer, a right checksum.
OTHERWISE = {
    'public': ('법인등록번호 {}', '법인등록번호: {}', '법인번호 {}', '등기번호 {}', '(법인등록번호 {})',
               '법인등록번호는 {} 이다', 'corporate registration number {}', 'company registration no. {}', 'jurir_no={}'),
    'counter': ('접수번호 {}', '송장번호: {}', '운송장번호 {}', '일련번호 {} 확인', '문서번호는 {}', 'serial number {}',
                'tracking no. {}', 'malware_{}.exe', 'beacon_{}.dll'),
    'ssn': ('SKU {}', 'sku: {}', 'part number {}', '일련번호 {}', 'serial no. {}'),
}
NOT_HIDDEN = ('법인등록번호가 아니라 주민등록번호 {}', '주민(법인)등록번호 {}', '주민등록번호/법인등록번호 {}',
              '법인등록번호 없음, 대표자 {}', '접수번호 7, 피해자 {}', '법인 대표 주민번호 {}', '송장번호 확인 중 {} 유출')


def unchecked(rng):
    return '-'.join(v.registration(rng, checked=False))


def told_apart(rng):
    for text in OTHERWISE['public']:
        for checked in (True, False) * 4:
            yield 'ko', text.format('-'.join(v.registration(rng, checked=checked)))
    for text in OTHERWISE['counter']:
        for _ in range(8):
            yield 'ko', text.format(unchecked(rng))
    for text in OTHERWISE['ssn']:
        for _ in range(8):
            yield 'en', text.format('-'.join(v.ssn(rng)))
    for text in NOT_HIDDEN:
        for _ in range(8):
            yield 'ko', text.format(v.mark('kr-rrn', unchecked(rng)))
    for _ in range(12):
        person = v.mark('kr-rrn', unchecked(rng))
        yield 'ko', f'법인등록번호 {unchecked(rng)}, 대표 {person}'
        yield 'ko', f'접수번호 {v.mark("kr-rrn", "-".join(v.registration(rng)))}'


def linked(rng):
    for link in ('hxxps://wa[.]me/{}', 'https://wa[.]me/{}?text=hi', 'wa(.)me/{}', 'hxxps://api[.]whatsapp[.]com/send?phone={}'):
        for kind, number in (('kr-phone', '82' + ''.join(v.mobile(rng))[1:]), ('us-phone', '1' + ''.join(v.us_phone(rng))),
                             ('phone', '491510' + v.digits(rng, 7))):
            yield 'en', f'contact: {link.format(v.mark(kind, number))}'
    for link in ('https://zalo.me/{}', 'hxxps://zalo[.]me/{}', 'zalo.me/{}'):
        for _ in range(4):
            yield 'ko', f'접촉 경로 {link.format(v.mark("phone", "09" + v.digits(rng, 8)))}'
    for text in ('https://zalo.me/0{10}', 'iowa[.]me/49{10}', 'hxxps://wa[.]example/49{10}', 'wa[.]me/message/A{5}',
                 'zalo[.]me/g/a{6}'):
        for _ in range(4):
            yield 'en', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


def snails(rng):
    for text in ('best 골뱅이 restaurant.com 추천', 'IPA 골뱅이 beer.com 안주', '을지로 top{2} 골뱅이 food.example.com',
                 'No{1} 골뱅이 shop.org 세일'):
        for _ in range(3):
            yield 'ko', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)
    for text in ('이메일 {}', '연락은 {} 로', '{} 로 메일 바람', 'email {}', '주소: {}'):
        for local in ('minsu', 'j.doe', 'lee99'):
            yield 'ko', text.format(v.mark('email', f'{local} 골뱅이 example.com'))


# Added after all of the above: the sign at the word before it alone, top levels in words.
SPOKEN = (
    '{}골뱅이 {}.com', '{}골뱅이 {}.co.kr', '{}골뱅이 {}닷컴', '{}골뱅이{}닷컴', '{} 골뱅이 {} 닷컴',
    '{} 골뱅이 {}점컴', '{}@{}닷컴', '{}@{} 닷컴', '{}@{}점컴', '{}@{}쩜넷', '{}@{}닷오알지',
    '{}@{}닷씨오닷케이알', '{}@{}점com', '{}골뱅이 {} 닷 com',
)
SPOKEN_NONE = (
    '골뱅이 example.com 식당', '을지로골뱅이 example{1}.com 예약', '골뱅이 example{1} 닷컴',
    '{1}골뱅이 food.com {2}번', 'IPA골뱅이 무침.맛있다', 'IPA골뱅이 {1}.{1}kg', 'best 골뱅이 을지로닷컴 {2}위',
    'best 골뱅이shop{1}.com 추천', '백화점 닷컴 {2}호', '닷넷 {1}.0 개발',
)


def spoken(rng):
    for form in SPOKEN:
        for text in ('{} 로 보냈다', '어제 {}, 오늘은 없음', '명단: {}'):
            local, domain = rng.choice(('minsu', 'j.doe', 'lee99', 'park-y')), rng.choice(('example', 'corp-example', 'naver'))
            yield 'ko', text.format(v.mark('email', form.format(local, domain)))
    for text in SPOKEN_NONE:
        for _ in range(3):
            yield 'ko', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


# Some digits of a number in another dress, the first one among them: what numbers an item is grown together with it.
ITEM_DIGITS = (0x2460, 0x2474, 0x2488, 0x24f5, 0x2776, 0x2780, 0x278a)
RUNS_NONE = ('\u2460\uccab\uc9f8\u2461\ub458\uc9f8', '\u2460 {3} \u2461 {4}', '\u2460{4}-{2}-{2}', '{4}-{2}-{2}\u2462',
             '\u2460{1} \u2461{6} \u2462{6}')


def in_runs(rng):
    makers = (('kr-rrn', lambda: v.registration(rng)), ('kr-frn', lambda: v.registration(rng, True)),
              ('kr-phone', lambda: v.mobile(rng)))
    for first in ITEM_DIGITS:
        for kind, make in makers:
            value = '-'.join(make())
            places = {i for i, c in enumerate(value) if c in '123456789' and rng.random() < 0.4} or {len(value) - 1}
            value = ''.join(chr(first + int(c) - 1) if i in places and c in '123456789' else c for i, c in enumerate(value))
            yield 'ko', rng.choice(PLACES[kind]).format(x=v.mark(kind, value))
    for text in RUNS_NONE:
        for _ in range(3):
            yield 'ko', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


def lettered(rng):
    for mark in ('.', ' '):
        for _ in range(8):
            number = with_letters(rng, mark.join(v.mobile(rng)))
            yield 'ko', f'그는 {v.mark("kr-phone", number)} 를 썼다'
    for text in ('v1O.{4}.{4}', 'lOl.{4}.{4}', 'O1O.{4}.{3}', 'IO {4} {4}'):
        for _ in range(3):
            yield 'en', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


def later(rng):
    return [*spellings(rng), *rewritten(rng), *rewritten_none(rng), *numbered(rng), *numbered_none(rng),
            *told_apart(rng), *linked(rng), *snails(rng), *lettered(rng), *spoken(rng),
            *in_runs(rng)]


# Added last: digits that number items and notes, or were put there to hide what they are grown together with.
ITEMS = (0x2460, 0x2474, 0x2488, 0x24f5, 0x2776, 0x2780, 0x278a)
NUMBERED = {
    'kr-phone': lambda rng: rng.choice(('-', '.', '')).join(v.mobile(rng)), 'us-phone': lambda rng: '-'.join(v.us_phone(rng)),
    'kr-rrn': lambda rng: '-'.join(v.registration(rng)), 'kr-frn': lambda rng: '-'.join(v.registration(rng, True)),
    'us-ssn': lambda rng: '-'.join(v.ssn(rng)), 'card': lambda rng: '-'.join(v.card_groups(v.card(rng))),
    'kr-licence': lambda rng: '-'.join(v.licence(rng)), 'email': lambda rng: f'{rng.choice(NAMES)}@{rng.choice(DOMAINS[:4])}',
}


def numbered(rng):
    for kind, make in NUMBERED.items():
        for first in ITEMS:
            marks = [chr(first + i) for i in range(3)]
            yield 'ko', rng.choice(('연락처 {}', '명단: {}', '{}')).format(''.join(m + v.mark(kind, make(rng)) for m in marks))
        for _ in range(6):
            yield 'en', f'{v.mark(kind, make(rng))}{RAISED["1"]}, {v.mark(kind, make(rng))}{RAISED["2"]}) were told'
            yield 'en', f'the list says {v.mark(kind, make(rng))}{chr(rng.choice(ZEROS) + rng.randrange(10))}'
            yield 'ko', f'1\ufe0f\u20e3{v.mark(kind, make(rng))} 2\ufe0f\u20e3{v.mark(kind, make(rng))}'
            if kind != 'email':  # there it may be of the name
                yield 'ko', f'전화{RAISED["2"]}{v.mark(kind, make(rng))} 각주'
                yield 'ko', f'{chr(rng.choice(ZEROS) + 9)}{v.mark(kind, make(rng))}'
                yield 'ko', f'\u24ea{v.mark(kind, make(rng))}\u2460\u2461'


# The same where nobody is.
NUMBERED_NONE = (
    '\u2460{3}-{2}\u2461{3}-{2}\u2462{3}-{2}', '\u2776{4}\u2777{4}', '\u2474 1,{3}원 \u2475 2,{3}원',
    '\u2488 개요 \u2489 {2}쪽', '면적 {3}m\u00b2, {2}km\u00b2', '10\u00b3{2}', 'x\u00b2+y\u00b2={3}',
    '표 {1}\u00b9, {4}\u00b2', '1\ufe0f\u20e3 {4} 2\ufe0f\u20e3 {4}', 'v1.{2}\u00b9 v2.{2}\u00b2', 'img@2x.png\u00b2',
    '@user{4}\u00b2', 'kim@host\u00b9', '{4}\u0660{3}', '\u24ea{5}', 'SHA-{3}\u2460\u2461', 'RFC {4}\u00b9\u00b2',
    'CVE-2026-{4}\u00b9, CVE-2026-{4}\u00b2', '\u24601.{1}.{2}.3\u2461{2}.{2}.{1}.4', '\u00b9{4}-{2}-{2}',
)


def numbered_none(rng):
    for text in NUMBERED_NONE:
        for _ in range(6):
            yield 'ko', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


def spellings(rng):
    rows = list(spelled(rng))
    for text in PLAIN_DASHES:
        for mark in (*DASHES[:6], '\u2212', '&#45;', '&ndash;', '\u200b', '&nbsp;'):
            rows.append(('en', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text.replace('{d}', mark))))
    return rows


# The same marks where nobody is named.
UNMARKED = (
    'released 2026/11/{2}', 'v{1}_{2}_{4}', 'range 2026/10/01~2026/11/{2}', 'part {3}_{2}_{4}A', 'build {6}_{4}', 'at 10:{2}:{2}',
    'img_{6}_{6}.png', '/var/log/{6}/{7}.log', 'https://example.com/{6}/{7}?page={2}', 'https://example.com/a%20b%2F{6}%20{5}',
    'ratio {3}/{4}', 'ports 8080~8090', 'lot {4}--{4}', '{6}\n{6}\n{6}', 'size {3}&#215;{4}', 'CVE-2026-{5}/CVE-2026-{5}',
    'file_{8}_{6}.zip', 'ip 10.0.{2}.{2}:{4}', '2001:db8:{4}:{4}:{4}:{4}', 'key {4}:{4}',
    'matrix 0 1 0 1 1 0 1 0', 'see {2}·{2}·{2}',
    '50%20off at 10%', 'look at the dot com years', 'meet at noon', 'he said "hello"@all', 'SSN{3}',
    'card{2}', 'tel{3}', 'item M {6}',
    'S {4} and R {4}', 'sha256:{9}{9}{9}{9}', 'asset_{4}_{4}_{4}', 'row 1\n{7}\n{7}', 'tag {4}/{2}/{5}',
    'order {6}/{7}', 'ticket {6}_{7}',
)


def unmarked(rng):
    for text in UNMARKED:
        for _ in range(8):
            yield 'en', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)


def hex_string(rng, count):
    return ''.join(rng.choice('0123456789abcdef') for _ in range(count))


def negatives(rng):
    d = v.digits
    makers = [
        ('sha256', 60, lambda: hex_string(rng, 64)),
        ('md5', 20, lambda: hex_string(rng, 32)),
        ('ms2027', 60, lambda: str(rng.randrange(1798761600000, 1814400000000))),
        ('ms', 40, lambda: str(rng.choice((1598918400000, 1698796800000, 1898640000000)) + rng.randrange(15000000000))),
        ('s', 40, lambda: str(rng.randrange(1500000000, 1900000000))),
        ('id13', 40, lambda: d(rng, 13)),
        ('uuid', 30, lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4))),
        ('ip', 30, lambda: '.'.join(str(rng.randrange(256)) for _ in range(4)) + rng.choice(('', ':8443', '/24'))),
        ('version', 25, lambda: rng.choice(('10.0.19045.', '6.1.7601.', '115.0.5790.')) + d(rng, 4)),
        ('cve', 25, lambda: f'CVE-20{rng.randrange(10, 27)}-{d(rng, rng.choice((4, 5, 7)))}'),
        ('time', 30,
             lambda: f'20{rng.randrange(10, 30)}-0{rng.randrange(1, 10)}-{rng.randrange(10, 29)}T09:{rng.randrange(10, 60)}:'
                             f'{rng.randrange(10, 60)}.{d(rng, 3)}Z'),
        ('isbn', 20, lambda: f'978-89-{d(rng, 4)}-{d(rng, 3)}-{d(rng, 1)}'),
    ]
    frames = {
        'sha256': ['SHA256: {}', 'hash {} 확인', '{}', 'file {}.bin dropped'], 'md5': ['MD5 {}', '{}'],
        'ms2027': ['"ts":{}', 'timestamp={}', '{} GET /index', '시각 {} 에 접속', 'event at {}'],
        'ms': ['"time":{}', '{} WARN disk', '타임스탬프 {}', 'lastSeen={}'], 's': ['{} login', 'epoch {}', 'exp={}', '"iat":{}'],
        'id13': ['주문번호 {}', 'order {}', '운송장 {} 조회', 'trace_id={}', 'EAN {}', 'ticket id {}', '상품코드 {}'],
        'uuid': ['{}', 'indicator--{}', 'session {}'], 'ip': ['src={}', '{} 에서 접속', 'dst {} blocked'],
        'version': ['version {}', '버전 {}', 'Windows {}', 'chrome/{}'], 'cve': ['{}', '취약점 {} 악용', 'exploits {}'],
        'time': ['{}', 'created {}', '{} 발생'], 'isbn': ['ISBN {}', '도서 {}'],
    }
    for name, count, make in makers:
        for _ in range(count):
            yield 'en', rng.choice(frames[name]).format(make())
    yield from fixed(rng)
    yield from unmarked(rng)


FIXED = [
    '대표번호 1588-{4} 로 문의', '112에 신고', '고객센터 1544-{4}', 'call 1-800-555-{4}', '계좌 110-{3}-{6} 으로 이체',
    '계좌번호 {6}-{2}-{6}',
    '금액 1,{3},{3}원', '좌표 37.{6}, 127.{6}', 'mac 00:1a:{2}:{2}:{2}:{2}', 'AS{5}', 'port 1024-65535', 'KB50{5}',
    'IMEI 35{12}9',
    'pid={5} ppid={4}', 'bytes={10} pkts={6}', 'HTTP/1.1 200 {7}', 'npm install left-pad@1.{1}.{1}',
    'git clone git@github.example:org/repo.git',
    'logo@2x.png', 'systemctl status getty@tty1.service', '@user{4} 님이 리트윗',
    'https://user:⟦credential|pa{4}⟧@db.example.com/x',
    'Message-ID: <{14}.{4}@mail.example.com>', '문의: noreply@example.com', 'abuse@example.org 로 신고', 'security@corp.example',
    'contact cert@example.com', '991332-1{6}', '주민번호 형식 오류 900230-2{6}', 'SSN 000-12-{4}', 'SSN 666-{2}-{4}',
    'sample 078-05-1120',
    '912-{2}-{4}', 'RFC 2119', '/home/ubuntu/app', 'C:\\Users\\Public\\Documents', '~root/.bashrc',
    'https://example.com/home/news',
    'part number M{8}', '모델 S{8}', 'ticket G{8}', 'snowflake 17{16}', 'tweet 18{17}', 'inode {10}', 'uid={10}',
    '바코드 880{10}',
    '택배 {4}-{4}-{4}', 'build 20261101{4}', '1.2.{3}-{1}', 'firmware v{2}.{2}.{4}', 'offset 0x{8}', 'RT 0.{12}', 'nonce {16}',
    'invoice 2026-{4}-{4}', '문서번호 제2026-{5}호', '사건번호 2026고단{4}', 'D-{3}-{4}', 'LOT {4}-{2}-{4}', 'trial {3}-{3}',
    '2026.11.{2}',
    '회의 시간 14:30-15:30', 'GPT-4 {6}', '010', '82', 'ratio 12.{4}.{4}', '범위 100-200-3000', 'CRC {9}', 'ean {8}',
    'line {3}:{2}',
    'Bearer {10}.{10}', 'eth0: {3}.{3}', 'scp app.tgz deploy_host:/srv', '17{14}', '"size":{9}', 'rev {7}', 'id-{12}', 'x{13}y',
    'a-{6}-{7}',
    '{4}-{4}-{4}-{4}-{4}-{4}', 'MAC {12}', 'salt={9}', '점수 {2}-{2}-{4}', 'seq={9} ack={9}', '{1}-{6}-{7}-{2}',
]


def fixed(rng):
    import re
    for text in FIXED:
        for _ in range(5):
            yield 'ko', re.sub(r'\{(\d+)\}', lambda m: v.digits(rng, int(m.group(1))), text)
