"""ARCHITECTURE.md against the tree: the table of rooms says what scripts/layers.txt says, and what the pages name is there."""
import os
import re
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
PAGES = ('README.md', 'ARCHITECTURE.md', 'docs/threat-model.md', 'docs/protocol/README.md', 'docs/status.md',
         'docs/performance.md', 'docs/guide/two-partners.md', 'docs/guide/disk-dies.md')
ROW = re.compile(r'^\| `([a-z0-9]+)` \| ([a-z0-9 ]*?) ?\| (.+?) \| (.+?) \|$', re.M)
LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)')
NAMED = re.compile(r'`((?:src|tests|docs|scripts|samples|share|packaging)/[A-Za-z0-9_./-]+)`')


def text_of(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def layers():
    rows = [line.split(':') for line in text_of('scripts/layers.txt').splitlines() if not line.startswith('#')]
    return [(room, rooms.split()) for room, rooms in rows]


def pages():
    return [page for page in PAGES if os.path.exists(os.path.join(ROOT, page))]


class Architecture(unittest.TestCase):
    def test_rooms_and_includes(self):
        told = [(row[0], row[1].split()) for row in ROW.findall(text_of('ARCHITECTURE.md'))]
        self.assertEqual(told, layers())

    def test_first_files_exist(self):
        for room, _, _, first in ROW.findall(text_of('ARCHITECTURE.md')):
            if os.path.isdir(os.path.join(ROOT, 'src', room)):
                for name in re.findall(r'`([^`]+)`', first):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, 'src', room, name)), f'src/{room}/{name}')

    def test_links_lead_somewhere(self):
        for page in pages():
            for target in LINK.findall(text_of(page)):
                if '://' not in target:
                    whole = os.path.join(ROOT, os.path.dirname(page), target)
                    self.assertTrue(os.path.exists(whole), f'{page}: {target}')

    def test_named_files_exist(self):
        """Of rooms that are not there yet (docs/status.md says which) nothing can be checked."""
        for page in pages():
            for name in NAMED.findall(text_of(page)):
                room = re.match(r'src/([a-z0-9]+)/', name)
                if room and not os.path.isdir(os.path.join(ROOT, 'src', room.group(1))):
                    continue
                self.assertTrue(os.path.exists(os.path.join(ROOT, name)), f'{page}: {name}')


class Status(unittest.TestCase):
    """docs/status.md: a claim names what shows it, and what it names is there."""

    def rows(self):
        for line in text_of('docs/status.md').splitlines():
            cells = [cell.strip() for cell in line.split('|')[1:-1]] if line.startswith('|') else []
            if cells and cells[0] not in ('capability', '---'):
                self.assertEqual(len(cells), 4, line)
                yield cells

    def test_every_claim_is_shown(self):
        count = 0
        for capability, state, shown, missing in self.rows():
            count += 1
            self.assertIn(state, ('works', 'in part', 'missing'), capability)
            self.assertTrue(shown or state == 'missing', f'{capability}: what shows it?')
            self.assertTrue(missing or state == 'works', f'{capability}: what is missing?')
        self.assertGreater(count, 50)

    def test_named_tests_exist(self):
        for capability, _, shown, _ in self.rows():
            for room, name in re.findall(r'`([a-z]+) ([a-z0-9 ]+)`', shown):
                folder, name = os.path.join(ROOT, 'tests', 'unit', room), name.replace(' ', '_')
                if os.path.isdir(folder):
                    names = (f'test_{name}.c', f'test_{room}_{name}.c')
                    self.assertTrue(set(names) & set(os.listdir(folder)), f'{capability}: {room} {name}')

    def test_named_targets_exist(self):
        targets = re.findall(r'^([a-z-]+):', text_of('Makefile'), re.M)
        for page in pages():
            for names in re.findall(r'`make ([a-z -]+)`', text_of(page)):
                for name in names.split():
                    self.assertIn(name, targets, page)


if __name__ == '__main__':
    unittest.main()
