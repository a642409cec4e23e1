"""The man pages: every command and option of the command line stands in bongsu(1), and each page is well formed."""
import glob
import os
import re
import shutil
import subprocess
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
PAGES = sorted(glob.glob(os.path.join(ROOT, 'docs', 'man', '*.[1-9]')))
COMMAND = re.compile(r'\.words = "([^"]+)"(.*?)(?=\.words = "|\Z)', re.S)
OPTION = re.compile(r'\{"([a-z-]+)",\s*CLI_')

# Table of src/policy, its rows, how many there are at least; section of the page, and where names stand in it.
POLICY_TABLES = (
    ('compare.c', r'^    \{"([a-z.-]+)", subject_', 30, 'CONDITIONS', r'^\.It (Cm .*)$'),
    ('words.c', r'\[POLICY_RULE_\w+\] = "(built-in[a-z.-]+)"', 16, 'RULES THAT ARE ALWAYS THERE', r'^\.It Li (\S+)$'),
    ('statement.c', r'^    \{"([a-z-]+)", (?:check_\w+|NULL),', 12, 'ATTRIBUTES', r'^\.It (Cm .*)$'),
)


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def commands():
    sources = sorted(glob.glob(os.path.join(ROOT, 'src', 'cli', '*.c')))
    return [(words, OPTION.findall(row)) for source in sources for words, row in COMMAND.findall(text_of(source))]


class Man(unittest.TestCase):
    def test_every_command_and_option(self):
        if not os.path.isdir(os.path.join(ROOT, 'src', 'cli')):
            self.skipTest('there is no command line yet')
        page = ''.join(text_of(os.path.join(ROOT, 'docs', 'man', name)) for name in ('bongsu.1', 'bongsu-serve.1'))
        items = re.findall(r'^\.It (.*)$', page, re.M)
        self.assertGreater(len(commands()), 30)
        for words, options in commands():
            item = next((item for item in items if re.search(rf'\bCm {re.escape(words)}( (Ar|Fl|Oo|Op|,)|$)', item)), None)
            self.assertIsNotNone(item, f'bongsu {words}')
            for option in options:
                if option != 'because':
                    self.assertIn(f'Fl -{option}', page, f'bongsu {words} --{option}')

    def test_no_command_is_made_up(self):
        known = {words for words, _ in commands()}
        if not known:
            self.skipTest('there is no command line yet')
        page = text_of(os.path.join(ROOT, 'docs', 'man', 'bongsu.1'))
        for item in re.findall(r'^\.It (Cm .*)$', page, re.M):
            for words in re.findall(r'Cm ([a-z -]+?)(?= (?:Ar|Fl|Oo|Op|,)| *$)', item):
                self.assertIn(words.strip(), known, item)

    def test_the_policy_page_has_what_the_tables_have(self):
        page = text_of(os.path.join(ROOT, 'docs', 'man', 'bongsu-policy.5'))
        parts = dict(re.findall(r'^\.Sh (.*?)\n(.*?)(?=^\.Sh |\Z)', page, re.M | re.S))
        for source, row, least, part, mark in POLICY_TABLES:
            rows = re.findall(row, text_of(os.path.join(ROOT, 'src', 'policy', source)), re.M)
            self.assertGreaterEqual(len(rows), least, source)
            there = set(re.findall(mark, parts[part], re.M))
            words = {word for item in there for word in item.split()}
            for name in rows:
                self.assertIn(name, words, f'{part} of bongsu-policy(5) lacks {name} ({source})')
        built_in = set(re.findall(POLICY_TABLES[1][1], text_of(os.path.join(ROOT, 'src', 'policy', 'words.c')), re.M))
        self.assertEqual(set(re.findall(r'\bbuilt-in\.[a-z-]+', page)) - built_in, set(), 'no rule is made up')

    def test_pages_are_well_formed(self):
        self.assertGreater(len(PAGES), 3)
        for page in PAGES:
            for part in ('.Dd ', '.Dt ', '.Sh NAME', '.Nd '):
                self.assertIn(part, text_of(page), page)
        if shutil.which('groff') is None:
            self.skipTest('groff is not installed')
        for page in PAGES:
            done = subprocess.run(['groff', '-mdoc', '-Tutf8', '-ww', page], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ''), page)


if __name__ == '__main__':
    unittest.main()
