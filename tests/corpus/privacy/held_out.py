"""Sentences, mails and logs of the part that is set aside: written before the recognisers first ran, and not looked at while
they are adjusted. It shares the arithmetic of values.py with the tuning part, neither sentences nor ways to write a number.
"""
import re

import values as v

# {r} resident, {f} foreigner, {p} passport, {l} licence, {b} business, {k} Korean phone, {u} US phone, {s} SSN, {e} address,
# {c} card, {a} account in a path. A capital letter: without separators, so that the sentence has to name it.
SENTENCES = {
    'ko': [
        '침해사고 보고: 공격자는 인사 시스템에서 직원 성명과 주민등록번호({r}), 휴대전화({k})를 내려받았다.',
        '○○병원 환자 명부에는 환자 주민번호 {r}와 보호자 연락처 {k}가 함께 저장되어 있었음',
        '해당 게시글에는 "주민 {R}" 이라는 문구가 있다.', '비밀번호 초기화 요청자의 주민등록번호는 {R} 이다.',
        '국내 체류 외국인 {f} 의 체류지 정보 변경 알림을 사칭함', '외국인등록증 번호 {F} 확인 요망',
        '여행사 예약 DB: 여권 {p}, 항공편 KE017',
        '신고인 여권번호는 {p}이며 사본은 파기함', '차량 대여 이력(운전면허 {l})이 유출 경로로 추정됨',
        '면허번호 {L} 를 입력하라는 화면',
        '가짜 견적서의 사업자등록번호는 {b}로 실제 업체의 것이다.', '세금계산서 발행처 사업자 번호 {B}',
        '피해 기업({b})에 유선 통보',
        '스미싱 발신번호 {k}, 회신을 유도', '택배 사칭 문자가 {k} 번호로 발송됨', '담당자(홍과장, {k})에게 전달 완료',
        '통화 기록상 상대 번호는 {K}',
        '내선 안내: {k}', '수신자 {e} 외 12명에게 동일한 첨부가 전달되었다.', '계정 {e}의 로그인 실패 43회',
        '문의는 {e} 또는 {k}로 부탁드립니다.',
        '[보낸사람] {e} [제목] 급여명세서', '카드사 통보: {c} 부정 사용 승인 3건', '결제창에 입력된 카드 {C}, CVC 포함',
        '미국 지사 직원 SSN {s} 노출',
        '해외 고객 전화 {u} 로 발신', '감염 PC 경로 {a}\\AppData\\Local\\Temp\\k.dll', '엑셀 17행: 김○○ | {r} | {k} | {e}',
        '민원인 정보(성명/주민번호/전화): 이○○/{r}/{k}', '영수증 번호와 함께 카드번호 {c} 가 그대로 찍혀 있음',
    ],
    'en': [
        'During triage we recovered a CSV whose second column holds resident registration numbers such as {r}.',
        'The ARC of the contractor ({f}) was visible in the screenshot.', 'One row reads "Kim, {r}, {k}".',
        'KYC record: national ID {R}, phone {k}', 'Her passport ({p}) was used to open the mule account.', 'stolen passport: {p}',
        'driver\'s license {l} photographed front and back', 'Seller lists a driver licence {L} for 40 USD',
        'business registration {b} was spoofed',
        'We called back on {k} and got no answer.', 'Ring {u} and ask for the duty officer.', 'voicemail left at {u}',
        'The help desk impostor gave {u} as a callback number', 'SMS from {u}: your parcel is waiting', 'cell {U}, verified',
        'Applicant Social Security number on file: {s}', 'W-2 data (name, {s}, wages) exfiltrated via FTP',
        'social security {S} was typed into the fake portal',
        'Phish reported by {e}, forwarded by {e}.', 'smtp: RCPT TO:<{e}> 250 OK',
        'Authentication failure for {e} from 203.0.113.9',
        'Reply-To was changed to {e}', 'paste line: {e}|hunter2|2026', 'cardholder data: {c}', 'Amex {c} charged twice',
        'debit card {C} present in memory dump', 'artifact: {a}/Downloads/resume.iso', 'copied to {a}\\Start Menu\\run.bat',
        'contact sheet -- {k} / {u} / {e}', 'victim #3: {s}, {u}, {e}',
    ],
}
NEGATIVE = {
    'ko': [
        '로그 시각 {MS2027} 에 연결 종료', '[{MS2027}] 프로세스 시작', '수집 시각(ms): {MS}', '접수 {S} 기준',
        '파일 해시는 {SHA} 이다.', '배송 조회 번호 {N12}',
        '주문 {N13} 이 취소되었습니다.', '관리번호 {N13}', '고객센터는 1577-{N4} 입니다.', '경찰 112, 상담 118',
        '입금 계좌: {N3}-{N6}-{N2}-{N3}',
        '예산 {N3},{N3},000원', '공문 {N4}-{N4}호', 'IP 대역 {IP}/16', '버전 {N2}.{N1}.{N4}.{N2}', 'CVE-2026-{N5} 패치',
        '특허 제10-{N7}호',
        '{SHA1} 파일이 발견됨', 'ISBN 979-11-{N4}-{N3}-{N1}', '2027-0{N1}-1{N1} 09:00', '민원 메일: help@example.com',
        '발신 전용(do-not-reply@example.org)',
        '장비 시리얼 {N10}', '바코드 {N13}', '전력 {N4}.{N2} kWh, 온도 {N2}.{N1}', '규격 {N3}-{N2}-{N3}',
        '도로명 {N2}-{N1}, 우편번호 {N5}',
    ],
    'en': [
        '{MS2027} DEBUG heartbeat', 'event_time: {MS2027}', 't={MS}', 'iat {S} exp {S}', 'sha-256 {SHA}', 'commit {SHA1}',
        '{UUID}', 'session {UUID} closed',
        'waybill {N12}', 'order #{N13} refunded', 'asset {N10}', 'tracking no. {N4} {N4} {N4} {N2}', 'upc {N12}',
        'ISBN-13: 978-1-{N4}-{N4}-{N1}',
        'flow {IP}:{N4} -> {IP}:443', 'ver {N1}.{N2}.{N4}', 'Mozilla/5.0 Chrome/{N3}.0.{N4}.{N2}', 'CVE-2025-{N5}', 'CWE-{N3}',
        'asn {N5}', 'len={N4} id={N5}',
        'Content-Length: {N9}', 'ETag "{N10}-{N5}"', 'offset {N8} size {N7}', 'references: <{N8}.{N6}@lists.example.net>',
        'ssh git@code.example.org',
        'icon@3x.jpeg', 'pip install pkg@2.{N1}.{N1}', 'root@web01:~#', 'postmaster@example.com bounced it',
        'lat 51.{N6} lon -0.{N6}', 'MTU 1500 RTT {N3}.{N3}',
        '2026-09-{D2}T10:{D2}:{D2}.{N6}Z', 'invoice total 1{N1},{N3}.{N2}', 'toll free 1-888-{N3}-{N4}', 'model {N3}-{N2}A',
        'BTC block {N6}', '0x{HEX16}',
        'mac {HEX2}:{HEX2}:{HEX2}:{HEX2}:{HEX2}:{HEX2}', 'SSN field empty (000-00-0000)', 'test SSN 987-65-4320 rejected',
        'S/N M{N8}', 'part R{N8} in stock',
        '/home/jenkins/build.log', 'C:\\Users\\Administrator\\Desktop', 'uuid={UUID} ts={MS2027}', 'user-agent id {N15}',
        'span={HEX16} parent={HEX16}',
        'nginx {N1}.{N2}.{N1}', 'score {N2}/{N3}', 'partition {N2} offset {N12}', 'lsn {N10}', 'queue depth {N4}',
        'dose {N3}.{N1} mg',
    ],
}


def spaced(rng, groups, bare):
    return ''.join(groups) if bare else rng.choice(('-', '-', '-', '-', ' ')).join(groups)


def value(rng, slot):
    bare = slot.isupper()
    slot = slot.lower()
    if slot in 'rf':
        groups = v.registration(rng, slot == 'f', rng.random() < 0.6, first=1950, last=2008)
        return v.mark('kr-rrn' if slot == 'r' else 'kr-frn', ''.join(groups) if bare else rng.choice(('-', '-',
             '\u2010')).join(groups))
    if slot == 'p':
        return v.mark('kr-passport', v.passport(rng, rng.random() < 0.6))
    if slot == 'l':
        return v.mark('kr-licence', spaced(rng, v.licence(rng), bare))
    if slot == 'b':
        n = v.business(rng)
        return v.mark('kr-business', n if bare else f'{n[:3]}-{n[3:5]}-{n[5:]}')
    if slot == 'k':
        groups = rng.choice((v.mobile, v.mobile, v.land, v.old_mobile))(rng) if not bare else v.mobile(rng)
        if not bare and groups[0] == '010' and rng.random() < 0.3:
            return v.mark('kr-phone', rng.choice(('+82 10-{}-{}', '+82-10 {} {}', '+82.10.{}.{}',
                 '0082-10-{}-{}')).format(*groups[1:]))
        return v.mark('kr-phone', spaced(rng, groups, bare))
    if slot == 'u':
        a, b, c = v.us_phone(rng)
        forms = ('({}) {}-{}', '{}-{}-{}', '+1 ({}) {}-{}', '+1.{}.{}.{}', '{}.{}.{}', '1 {} {} {}', '({}){}-{}')
        return v.mark('us-phone', f'{a}{b}{c}' if bare else rng.choice(forms).format(a, b, c))
    if slot == 's':
        return v.mark('us-ssn', ''.join(v.ssn(rng)) if bare else '-'.join(v.ssn(rng)))
    if slot == 'c':
        n = v.card(rng)
        return v.mark('card', n if bare else rng.choice((' ', '-')).join(v.card_groups(n)))
    if slot == 'a':
        return rng.choice(('D:\\Users\\{}', '/home/{}', '/Users/{}')).format(v.mark('account', rng.choice(('wjlee', 'p.novak',
             'sora', 'd-yun'))))
    local = rng.choice(('eunji', 'b.taylor', 'lim_sh', 'kwon77', 'ines.garcia', 'zhao-l', 'ops.oncall7', '이수민'))
    domain = rng.choice(('example.net', 'staff.example.com', 'univ.example', 'gov.test'))
    return v.mark('email', local + rng.choice(('@', '@', '@', '[@]', '(at)')) + rng.choice((domain, domain, domain.replace('.',
         '[.]'))))


def number(rng, name):
    ranges = {'MS2027': (1798761600000, 1814400000000), 'MS': (1577836800000, 1900000000000), 'S': (1577836800, 1900000000)}
    if name in ranges:
        return str(rng.randrange(*ranges[name]))
    hexes = {'SHA': 64, 'SHA1': 40, 'HEX16': 16, 'HEX2': 2}
    if name in hexes:
        return f'{rng.getrandbits(4 * hexes[name]):0{hexes[name]}x}'
    if name == 'UUID':
        h = f'{rng.getrandbits(128):032x}'
        return f'{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}'
    if name == 'IP':
        return '.'.join(str(rng.randrange(1, 255)) for _ in range(4))
    if name == 'D2':
        return f'{rng.randrange(10, 29)}'
    return v.digits(rng, int(name[1:]))


# Ways to write a value that are not usual, none of them in the other part. {0}, {1} ...: groups.
ODD = {
    'kr-rrn': ('{0}\uff0f{1}', '{0}\u318d{1}', '{0}\u30fb{1}', '{0}\uff1a{1}', '{0}\u301c{1}', '{0}\u2015{1}',
               '{0}%2d{1}', '{0}%252D{1}',
               '{0}&#x2d;{1}', '{0}&ndash;{1}', '{0}&amp;#45;{1}', '{0} _ {1}', '{0}\u2060-{1}',
               '{0}\ufeff-{1}', '{0} / {1}',
               '{0}\u2010\u2010{1}', '{0}\uff08{1}\uff09', '{0} ~ {1}', '{0}\u2003-\u2003{1}'),
    'kr-phone': ('{0}%20{1}%20{2}', '{0}\u30fb{1}\u30fb{2}', '{0}\uff0f{1}\uff0f{2}', '{0}_{1}-{2}',
                 '{0}&nbsp;{1}&nbsp;{2}', '{0}\u2015{1}\u2015{2}',
                 '{0}/{1}-{2}', '{0}&#8209;{1}&#8209;{2}', '{0}\u200d-{1}\u200d-{2}', '{0}({1}){2}'),
    'us-ssn': ('{0}\u2015{1}\u2015{2}', '{0}%2d{1}%2d{2}', '{0}\uff0f{1}\uff0f{2}', '{0}\u2022{1}\u2022{2}',
               '{0} / {1} / {2}', '{0}&mdash;{1}&mdash;{2}'),
    'card': ('{0}%2d{1}%2d{2}%2d{3}', '{0}\u2022{1}\u2022{2}\u2022{3}', '{0}\uff0f{1}\uff0f{2}\uff0f{3}',
             '{0}&nbsp;{1}&nbsp;{2}&nbsp;{3}', '{0} / {1} / {2} / {3}'),
    'email': ('{0}%2540{1}.net', '{0}&commat;{1}.net', '{0}&#x40;{1}.net', '{0} AT {1} DOT ac DOT kr',
              '{0} (at) {1} dot net', '"{0} lee"@{1}.net',
              '{0}\uff20{1}\uff0enet', '{0}\u200b@{1}.net'),
}
ODD_IN = {
    'kr-rrn': ('민원인 주민 {}', '신청서의 주민등록 번호 {}', 'the registration no was {}', 'http://form.example/apply?jumin={}'),
    'kr-phone': ('문의 {}', '담당자 연락처 {}', 'mobile: {}', '휴대폰({})'),
    'us-ssn': ('Social Security Number {}', 'his SSN, {}', 'q=ssn+{}'),
    'card': ('카드번호 {}', 'paid with card {}', 'mastercard or visa: {}'),
    'email': ('회신: {}', 'reply to {}', 'owner, {}'),
}
ODD_NONE = (
    '기간 2026/09/{D2} ~ 2026/10/{D2}', '모델 {N3}/{N2}/{N4} 사양', '경로 /data/{N6}/{N7}/{N4}',
    'GET /v{N1}/items/{N6}/{N7} HTTP/1.1',
    'https://cdn.example/{SHA1}/{N6}_{N7}.js', 'q=a%20b%20{N6}%20{N4}', 'width&nbsp;{N3}&nbsp;{N4}',
    'scan_{N6}_{N6}_{N2}.pdf', '{N4}:{N4}:{N4}',
    'fe80::{HEX2}{HEX2}:{N4}:{N4}:{N4}', '품번 {N3}・{N4}', '{N6}\n{N6}\n', 'r{N6}~r{N6}',
    'frame 0 0 1 0 1 1 1 0 1', 'arrive at the station',
    'starting at 9 dot matrix', 'the "quoted" @ sign', 'chip M {N7}', 'zone S {N3}', 'sum {N3}(+{N2})',
    'revision {N2}_{N2}_{N4}', 'sha1/{SHA1}',
    '{UUID}/{N6}', '10%25 of {N6}', '100%완료 {N6}/{N7}', 'frames {N6}--{N6}', 'asn {N5}/{N2}',
    'pos ({N6}) ({N7})', 'epoch {MS2027}/{MS2027}',
)


def odd_groups(rng, kind):
    if kind == 'kr-rrn':
        return v.registration(rng, checked=rng.random() < 0.5, first=1950, last=2008)
    if kind == 'kr-phone':
        return v.mobile(rng) if rng.random() < 0.6 else v.land(rng)
    if kind == 'us-ssn':
        return v.ssn(rng)
    if kind == 'card':
        return v.card_groups('510510' + (body := v.digits(rng, 9)) + v.luhn('510510' + body))
    return rng.choice(('sejin', 'm.brown', 'yoo_k', 'hana7')), rng.choice(('example', 'dept-example'))


def odd(rng):
    for kind, forms in ODD.items():
        for form in forms:
            for i in range(6):
                lang = 'ko' if i % 2 else 'en'
                yield lang, rng.choice(ODD_IN[kind]).format(v.mark(kind, form.format(*odd_groups(rng, kind))))
    for _ in range(12):
        date, rest = v.registration(rng, first=1950, last=1999)
        apart = ' '.join(date) + ' - ' + ' '.join(rest)
        full = rng.choice((f'19{date[:2]}-{date[2:4]}-{date[4:]}-{rest}', f'{date[:2]}.{date[2:4]}.{date[4:]}-{rest}', apart))
        yield 'ko', f'주민등록 {v.mark("kr-rrn", full)} 기재'


def positives(rng):
    yield from odd(rng)
    for _ in range(9):
        for lang, sentences in SENTENCES.items():
            for sentence in sentences:
                yield lang, re.sub(r'\{([a-zA-Z])\}', lambda m: value(rng, m.group(1)), sentence)


def negatives(rng):
    for sentence in ODD_NONE:
        for _ in range(6):
            yield 'en', re.sub(r'\{([A-Z0-9]+)\}', lambda m: number(rng, m.group(1)), sentence)
    for _ in range(5):
        for lang, sentences in NEGATIVE.items():
            for sentence in sentences:
                yield lang, re.sub(r'\{([A-Z0-9]+)\}', lambda m: number(rng, m.group(1)), sentence)
