"""tests/run must count what ran, name what was skipped, and never call a broken or empty run a success."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'run')


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        os.mkdir(os.path.join(self.root, 'tests'))
        shutil.copy(RUN, os.path.join(self.root, 'tests', 'run'))

    def run_rows(self, *rows, arguments=()):
        with open(os.path.join(self.root, 'tests', 'stages.txt'), 'w', encoding='utf-8') as file:
            file.write('\n'.join(rows) + '\n')
        done = subprocess.run([sys.executable, os.path.join(self.root, 'tests', 'run'), *arguments],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()

    def assert_closes(self, rows, code, closing, *said):
        got, lines = self.run_rows(*rows)
        self.assertEqual((got, lines[-1]), (code, closing), '\n'.join(lines))
        for text in said:
            self.assertIn(text, lines)

    def test_exit(self):
        self.assert_closes(['a | yes | 1 | exit | true', 'b | no | 1 | exit | true'], 0, '2 passed, 0 failed, 0 skipped')
        self.assert_closes(['a | yes | 1 | exit | echo why; false'], 1, '0 passed, 1 failed, 0 skipped', '  | why')

    def test_a_failing_pipe_fails(self):
        self.assert_closes(['a | yes | 1 | exit | false | cat'], 1, '0 passed, 1 failed, 0 skipped')

    def test_tap(self):
        text = r'printf "ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no data\nok 4 # SKIP d\nnot okay\n"'
        self.assert_closes([f't | yes | 1 | tap | {text}'], 1, '1 passed, 1 failed, 2 skipped',
                           'failed: t: b', 'skipped: t: c', 'skipped: t: d')

    def test_lines(self):
        self.assert_closes([r'l | yes | 1 | lines | printf "9 passed, 9 failed\n3 passed, 0 failed, 1 skipped\n"'],
                           0, '3 passed, 0 failed, 1 skipped', 'skipped: l: not named')
        self.assert_closes([r'l | yes | 1 | lines | printf "skipped: x: no disk\n3 passed, 1 failed, 1 skipped\n"'],
                           1, '3 passed, 1 failed, 1 skipped', 'skipped: l: x: no disk')

    def test_nothing_ran(self):
        for counter in ('tap', 'lines', 'pytest', 'meson build/dev'):
            self.assert_closes([f'n | yes | 1 | {counter} | true'], 1, '0 passed, 1 failed, 0 skipped',
                               'failed: n: ran no test')
        self.assertEqual(self.run_rows('a | no | 1 | exit | true', arguments=['--check']),
                         (1, ['0 passed, 0 failed, 0 skipped']))

    def test_status_without_a_failed_test(self):
        self.assert_closes(['s | yes | 1 | tap | echo "ok 1 - a"; exit 3'], 1, '1 passed, 1 failed, 0 skipped',
                           'failed: s: its command ended with status 3')

    def test_time_is_bounded(self):
        self.assert_closes(['s | yes | 0 | tap | sleep 60; echo "ok 1 - a"'], 1, '0 passed, 1 failed, 0 skipped',
                           'failed: s: stopped after 0 minutes')

    def meson(self, *entries):
        log = os.path.join(self.root, 'log')
        with open(log, 'w', encoding='utf-8') as file:
            file.write('\n'.join(entries) + '\n')
        return 'm | yes | 1 | meson b | mkdir -p b/meson-logs; cp log b/meson-logs/testlog.json'

    def test_meson(self):
        self.assert_closes([self.meson(
            r'{"name": "json", "result": "OK", "stdout": "1..2\nok 1 - a\nok 2 # SKIP b\n"}',
            r'{"name": "core", "result": "FAIL", "stdout": "ok 1 - c\nnot ok 2 - d\n"}',
            r'{"name": "crash", "result": "ERROR", "stdout": "ok 1 - e\n"}',
            r'{"name": "plain", "result": "OK", "stdout": ""}',
            r'{"name": "late", "result": "TIMEOUT"}')], 1, '4 passed, 3 failed, 1 skipped',
            'failed: m: core: d', 'failed: m: crash: error', 'failed: m: late: timeout', 'skipped: m: json: b')

    def test_an_old_report_is_not_counted(self):
        self.run_rows(self.meson(r'{"name": "x", "result": "OK", "stdout": ""}'))
        self.assert_closes(['m | yes | 1 | meson b | true'], 1, '0 passed, 1 failed, 0 skipped')

    def test_pytest(self):
        report = ('<testsuite><testcase classname="c" name="a"/><testcase classname="c" name="b"><failure/></testcase>'
                  '<testcase classname="c" name="d"><skipped message="no data"/></testcase></testsuite>')
        self.assert_closes([f"p | yes | 1 | pytest | echo '{report}' > build/test-logs/p.xml; exit 1"],
                           1, '1 passed, 1 failed, 1 skipped', 'failed: p: c.b', 'skipped: p: c.d: no data')

    def test_bad_rows_and_names(self):
        for row in ('a | maybe | 1 | exit | true', 'a | yes | 1 | guess | true', 'a | yes | 1 | meson | true', 'a'):
            self.assertEqual(self.run_rows(row)[0], 1)
        self.assertEqual(self.run_rows('a | yes | 1 | exit | true', arguments=['b'])[0], 1)


class Tap(unittest.TestCase):
    def tap(self, text, code):
        done = subprocess.run([os.path.join(os.path.dirname(RUN), 'tap'), 'sh', '-c', f'printf "{text}"; exit {code}'],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_a_skip_is_no_failure(self):
        self.assertEqual(self.tap(r'not ok 2 # SKIP no_data\n', 0), (0, 'ok 2 - no_data # SKIP\n'))

    def test_a_failure_stays_one(self):
        self.assertEqual(self.tap(r'not ok 2 - a # SKIP\nok 3 - b\n', 7), (7, 'not ok 2 - a # SKIP\nok 3 - b\n'))
