"""bongsu-verify is small and alone: what somebody who trusts nobody can read in an afternoon, and build by hand."""
import glob
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
SOURCES = sorted(glob.glob(os.path.join(ROOT, 'src', 'verify', '*')))


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


class Verify(unittest.TestCase):
    def test_is_under_1500_lines(self):
        lines = sum(text_of(path).count('\n') for path in SOURCES)
        self.assertGreater(lines, 500)
        self.assertLess(lines, 1500)

    def test_uses_the_heap_nowhere(self):
        for path in SOURCES:
            self.assertNotRegex(text_of(path), r'\b(malloc|calloc|realloc|alloca|free)\(', path)

    def test_builds_alone(self):
        """Its own folder, libsodium and libcrypto: nothing of the project's build is needed."""
        code = [path for path in SOURCES if path.endswith('.c')]
        with tempfile.TemporaryDirectory() as place:
            os.mkdir(os.path.join(place, 'verify'))
            for path in SOURCES:
                os.symlink(path, os.path.join(place, 'verify', os.path.basename(path)))
            program = os.path.join(place, 'bongsu-verify')
            made = ['cc', '-std=c17', '-I', place, '-DBONGSU_VERSION="0"', '-o', program, *code, '-lsodium', '-lcrypto']
            done = subprocess.run(made, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            done = subprocess.run([program], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertTrue(re.match('usage: bongsu-verify proof', done.stderr), done.stderr)


if __name__ == '__main__':
    unittest.main()
