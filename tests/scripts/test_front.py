"""The front of the build: the package table is well formed, and nothing passes by doing nothing."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))


def run(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


class Front(unittest.TestCase):
    def test_packages(self):
        seen = set()
        with open(os.path.join(ROOT, 'scripts', 'packages.txt'), encoding='utf-8') as file:
            rows = [line.split() for line in file if line.strip() and not line.startswith('#')]
        for row in rows:
            self.assertEqual(len(row), 3, f'{row}: group, package, reason of one word')
            self.assertIn(row[0], ('build', 'demo', 'test', 'bench', 'deb'))
            self.assertNotIn(tuple(row[:2]), seen)
            seen.add(tuple(row[:2]))
        self.assertEqual({row[0] for row in rows}, {'build', 'demo', 'test', 'bench', 'deb'})

    def test_pins(self):
        with open(os.path.join(ROOT, 'tests', 'interop', 'requirements.txt'), encoding='utf-8') as file:
            for line in file:
                if line.strip() and not line.startswith('#'):
                    self.assertRegex(line, r'^[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*$')

    def test_unknown_preset_and_option(self):
        self.assertEqual(run('scripts/build', 'fast').returncode, 2)
        self.assertEqual(run('scripts/setup', '--fast').returncode, 2)

    def test_targets_without_their_program_fail_and_say_so(self):
        with tempfile.TemporaryDirectory() as empty:
            shutil.copy(os.path.join(ROOT, 'Makefile'), empty)
            for target, missing in (('sim', 'tests/sim/meson.build'), ('bench', 'tests/bench/run'),
                                    ('soak', 'tests/scenario/soak')):
                done = run('make', target, cwd=empty)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f'make {target}: {missing} does not exist', done.stderr)

    def test_help_names_every_target(self):
        with open(os.path.join(ROOT, 'Makefile'), encoding='utf-8') as file:
            text = file.read()
        listed = text.split('.PHONY:')[1].split('\n\n')[0].replace('\\', ' ').split()
        said = run('make', 'help').stdout
        for target in listed:
            self.assertRegex(said, rf'(?m)^  {target} +\S')
