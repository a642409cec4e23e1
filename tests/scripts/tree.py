"""A throw-away source tree for the tests of scripts/check-*: write files, run the real script on it, read what it says."""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'scripts')


class TreeCase(unittest.TestCase):
    script = ''
    base = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for path, text in self.base.items():
            self.put(path, text)

    def put(self, path, text):
        whole = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, 'w', encoding='utf-8') as file:
            file.write(text)

    def run_script(self):
        done = subprocess.run([sys.executable, os.path.join(SCRIPTS, self.script), self.root],
                              capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, done.stdout

    def assert_clean(self):
        self.assertEqual(self.run_script(), (0, ''))

    def assert_fault(self, where, *words):
        code, said = self.run_script()
        self.assertEqual(code, 1)
        hits = [line for line in said.splitlines() if line.startswith(where + ':')]
        self.assertTrue(hits, f'nothing said about {where}:\n{said}')
        for word in words:
            self.assertTrue(any(word in hit for hit in hits), f'{word!r} not in {hits}')
