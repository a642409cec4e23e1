"""src/stix/digit.inc has every digit that Python's Unicode database knows, with its value, and claims no other character."""
import os
import re
import unicodedata
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
ROW = re.compile(r"^DIGITS\(0x([0-9a-f]+), 0x([0-9a-f]+), '(.)', (\d+), (WIDE|ALWAYS|ZERO|ITEM|RAISED)\)$")


def rows():
    with open(os.path.join(ROOT, 'src', 'stix', 'digit.inc'), encoding='utf-8') as file:
        lines = [line.rstrip() for line in file if line.startswith('DIGITS')]
    return [(int(m[1], 16), int(m[2], 16), m[3], int(m[4]), m[5]) for m in map(ROW.match, lines)]


class Digits(unittest.TestCase):
    def setUp(self):
        self.rows = rows()
        self.read = {code: chr(ord(char) + (code - first) % cycle)
                     for first, last, char, cycle, _ in self.rows for code in range(first, last + 1)}

    def test_in_order(self):
        ends = [end for row in self.rows for end in row[:2]]
        self.assertEqual(ends, sorted(ends))
        self.assertTrue(all(a[1] < b[0] for a, b in zip(self.rows, self.rows[1:], strict=False)))

    def test_every_digit(self):
        wrong = {hex(code): (value, self.read.get(code)) for code in range(0x80, 0x110000)
                 if (value := unicodedata.digit(chr(code), None)) is not None and self.read.get(code) != str(value)}
        self.assertEqual(wrong, {})

    def test_nothing_else(self):
        """What this Python does not know as a digit it does not know at all (a later Unicode), or it is full width."""
        wrong = {hex(code): char for code, char in self.read.items() if unicodedata.digit(chr(code), None) is None
                 and unicodedata.category(chr(code)) != 'Cn' and unicodedata.normalize('NFKC', chr(code)) != char}
        self.assertEqual(wrong, {})


if __name__ == '__main__':
    unittest.main()
