"""The tables of conformance in docs/protocol say what the tests say: every test that they name exists, every row has one, and the
versions are those of the pins."""
import os
import pathlib
import re
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTOCOL, INTEROP, UNIT = ROOT / 'docs' / 'protocol', ROOT / 'tests' / 'interop', ROOT / 'tests' / 'unit' / 'taxii'
DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT / '..' / 'shared' / 'data'))
OASIS = DATA / 'stix' / 'oasis-interop' / 'taxii-interop' / 'manifest.toml'
FILES = {**{name: UNIT / f'test_{name}.c' for name in ('general', 'read', 'resource', 'identity')},
         'on_gate': UNIT / 'test_taxii_on_gate.c', 'oasis': INTEROP / 'test_taxii_oasis.py',
         'field': INTEROP / 'test_taxii_field.py', 'clients': INTEROP / 'test_taxii.py'}
CHECKLIST = [f'{letter}{number}' for letter, last in (('G', 9), ('P', 10), ('R', 10)) for number in range(1, last + 1)]


def tables(name):
    """The tables of a page: lists of rows, titles and rulers left out."""
    found, rows = [], []
    for line in (PROTOCOL / name).read_text(encoding='utf-8').splitlines() + ['']:
        if line.startswith('|'):
            rows.append([cell.strip() for cell in line.strip('|').split('|')])
        elif rows:
            found.append(rows[2:])
            rows = []
    return found


def functions(path):
    """The tests that a file runs: of Python by their names, of C those that main lists."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.py':
        return set(re.findall(r'^def ((?:test|tc)_\w+)\(', text, re.M))
    return set(re.findall(r'(?:ROW|cmocka_unit_test\w*)\(\s*(\w+)', text))


class Conformance(unittest.TestCase):
    def test_every_row_of_the_checklist_names_tests_that_exist(self):
        (rows,) = tables('TAXII.md')
        self.assertEqual([row[0] for row in rows], CHECKLIST)
        have = {name: functions(path) for name, path in FILES.items()}
        for row, _, shown in rows:
            cited = re.findall(r'`(\w+):(\w+)`', shown)
            self.assertTrue(cited, f'{row} names no test')
            self.assertEqual(shown, ', '.join(f'`{file}:{name}`' for file, name in cited), f'{row}: something else stands there')
            for file, name in cited:
                self.assertIn(name, have[file], f'{row}: {file} has no such test')

    def test_the_table_of_oasis_is_that_of_the_tests(self):
        rows = tables('INTEROP.md')[0]
        self.assertEqual((len(rows), sum(row[2] == 'mandatory' for row in rows)), (44, 39))
        named = [row[3].strip('`') for row in rows if row[2] == 'mandatory']
        self.assertEqual(sorted(named), sorted(name for name in functions(FILES['oasis']) if name.startswith('tc_')))
        for section, case, needed, test, answer in rows:
            self.assertTrue(answer, f'{section} {case} has no outcome')
            if needed == 'optional':
                self.assertEqual((test, answer[:11]), ('`test_row`', 'report-only'), case)
            else:
                self.assertTrue(test.startswith(f'`tc_{section.replace(".", "_")}_'), f'{section}: {test}')

    @unittest.skipUnless(OASIS.exists(), 'the interoperability table is not there (BONGSU_DATA)')
    def test_the_table_of_oasis_is_theirs(self):
        theirs = tomllib.loads(OASIS.read_text(encoding='utf-8'))['requirement']
        self.assertEqual([row[:4] for row in tables('INTEROP.md')[0]],
                         [[row['section'], row['test_case'], row['verification'].lower(), f"`{row.get('test_id', 'test_row')}`"]
                          for row in theirs])

    def test_programs_have_the_versions_of_their_pins(self):
        stages = {line.split('|')[0].strip() for line in (ROOT / 'tests' / 'stages.txt').read_text(encoding='utf-8').splitlines()}
        for program, version, pin, shown, where in tables('INTEROP.md')[1]:
            file = pin.strip('`')
            text = (ROOT / 'scripts' / file if file == 'packages.txt' else INTEROP / file).read_text(encoding='utf-8')
            line = {'packages.txt': rf'test +{program} ', 'go-tlog/go.mod': rf'\t{program} {version}$',
                    'go-witness/go.mod': rf'\t{program} {version} // indirect$'}.get(file, rf'{program}=={re.escape(version)}$')
            self.assertRegex(text, f'(?m)^{line}', f'{program} is not pinned so in {file}')
            self.assertTrue(shown, program)
            for stage in where.split(', '):
                self.assertIn(stage.strip('`'), stages, program)


if __name__ == '__main__':
    unittest.main()
