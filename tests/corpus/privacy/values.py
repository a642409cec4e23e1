"""Numbers that look like personal data and are nobody's, for the corpora of tests/corpus/privacy.

Registration numbers name a region (96 to 99) that never was given out, mobile numbers a network prefix (010-0, 010-1) that
is not assigned, North American ones the exchange 555-01 kept for fiction, cards the prefixes of the issuers' test cards,
addresses the domains reserved for examples. Checksums are right unless a function says otherwise.
"""
import datetime

RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
AREAS = ('02', '031', '032', '033', '041', '042', '043', '044', '051', '052', '053', '054', '055', '061', '062', '063', '064')
US_AREAS = ('202', '212', '213', '303', '312', '404', '415', '503', '512', '602', '617', '702', '713', '808', '907')
CARD_PREFIXES = (('400000', 16), ('411111', 16), ('424242', 16), ('510510', 16), ('555555', 16), ('222300', 16),
                 ('378282', 15), ('371449', 15), ('601111', 16), ('353011', 16), ('620000', 16), ('305693', 14), ('385200', 14))


def digits(rng, count):
    return ''.join(str(rng.randrange(10)) for _ in range(count))


def birth(rng, first, last):
    day = datetime.date(first, 1, 1) + datetime.timedelta(rng.randrange((datetime.date(last, 12, 31)
                                                                        - datetime.date(first, 1, 1)).days))
    return day.strftime('%y%m%d'), day.year


def registration(rng, foreign=False, checked=True, first=1945, last=2019):
    """(six digits, seven digits)."""
    date, year = birth(rng, first, last)
    mark = (1 if year < 2000 else 3) + (4 if foreign else 0) + rng.randrange(2)
    body = f'{date}{mark}{rng.randrange(96, 100)}{digits(rng, 3)}'
    total = sum(w * int(d) for w, d in zip(RRN_WEIGHTS, body, strict=True))
    last_digit = ((13 if foreign else 11) - total % 11) % 10
    if not checked:
        last_digit = (last_digit + 1 + rng.randrange(9)) % 10
    return date, f'{body[6:]}{last_digit}'


def business(rng, checked=True):
    body = f'{rng.randrange(900, 999)}{rng.randrange(1, 100):02d}{digits(rng, 4)}'
    total = sum(w * int(d) for w, d in zip((1, 3, 7, 1, 3, 7, 1, 3, 5), body, strict=True)) + int(body[8]) * 5 // 10
    last = (10 - total % 10) % 10
    return body + str(last if checked else (last + 1 + rng.randrange(9)) % 10)


def licence(rng):
    region = rng.choice([*range(11, 27), 28])
    return f'{region}', f'{rng.randrange(100):02d}', digits(rng, 6), digits(rng, 2)


def passport(rng, new):
    letter = rng.choice('MMMMSRG')
    return f'{letter}{digits(rng, 3)}{rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ")}{digits(rng, 4)}' if new else letter + digits(rng, 8)


def mobile(rng):
    return '010', f'{rng.randrange(2)}{digits(rng, 3)}', digits(rng, 4)


def old_mobile(rng):
    return rng.choice(('011', '016', '017', '018', '019')), f'1{digits(rng, 2)}', digits(rng, 4)


def land(rng):
    return rng.choice(AREAS), f'1{digits(rng, rng.choice((2, 3)))}', digits(rng, 4)


def us_phone(rng):
    return rng.choice(US_AREAS), '555', f'01{digits(rng, 2)}'


def ssn(rng):
    area = rng.choice([n for n in range(1, 900) if n not in (0, 666, 78, 219)])
    return f'{area:03d}', f'{rng.randrange(1, 100):02d}', f'{rng.randrange(1, 10000):04d}'


def luhn(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        n = int(c) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str((10 - total % 10) % 10)


def card(rng):
    prefix, length = rng.choice(CARD_PREFIXES)
    body = prefix + digits(rng, length - 1 - len(prefix))
    return body + luhn(body)


def card_groups(number):
    cuts = {16: (4, 8, 12), 15: (4, 10), 14: (4, 10)}[len(number)]
    return [number[a:b] for a, b in zip((0, *cuts), (*cuts, len(number)), strict=True)]


def wide(text):
    """Full-width digits."""
    return ''.join(chr(0xFF10 + int(c)) if c.isdigit() and c.isascii() else c for c in text)


def mark(kind, value):
    return f'\u27e6{kind}|{value}\u27e7'
