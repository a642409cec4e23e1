"""The sample's files are what its tables make, and what the tables promise of them is true of the files themselves."""
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
SAMPLES = os.path.join(ROOT, 'samples')
CAMPAIGN = os.path.join(SAMPLES, 'campaign')
DOCUMENTATION = [ipaddress.ip_network(net) for net in
                 ('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32')]  # RFC 5737, RFC 3849
NAME = re.compile(r'\b(?:[a-z0-9-]+\.)+(?:example|test|com|net|org|kr|us|jp)\b')


def read(name, folder=CAMPAIGN):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        return file.read()


def objects(name):
    text = read(name)
    if name.endswith('.jsonl'):
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)['objects']


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.expected = json.loads(read('expected.json'))
        cls.role = cls.expected['roles']
        cls.content = {name: objects(name) for name in cls.expected['files']}
        cls.everything = [item for items in cls.content.values() for item in items]

    def one(self, file, role):
        return next(item for item in self.content[file] if item['id'] == self.role[role])

    def has_mark(self, item, mark):
        return self.expected['well_known_markings'][mark] in item.get('object_marking_refs', [])

    def test_counts_are_those_of_the_files(self):
        for name, facts in self.expected['files'].items():
            self.assertEqual(facts['objects'], len(self.content[name]), name)
            self.assertEqual(facts['objects'], sum(facts['by_type'].values()), name)
            self.assertEqual(facts['objects'], sum(facts['by_marking'].values()), name)

    def test_only_documentation_addresses_and_names(self):
        texts = [read(name) for name in self.content]
        for found in re.findall(r'\b\d+\.\d+\.\d+\.\d+\b', ''.join(texts)):
            self.assertTrue(any(ipaddress.ip_address(found) in net for net in DOCUMENTATION[:3]), found)
        for item in self.everything:
            if item['type'] == 'ipv6-addr':
                self.assertIn(ipaddress.ip_address(item['value']), DOCUMENTATION[3])
        for found in NAME.findall(''.join(texts)):
            self.assertRegex(found, r'\.(example|test)$')

    def test_one_reference_dangles_on_purpose(self):
        known = {item['id'] for item in self.everything} | set(self.expected['well_known_markings'].values())
        uuid = r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
        named = set(re.findall(r'"([a-z0-9-]+--' + uuid + ')"', ''.join(json.dumps(items) for items in self.content.values())))
        self.assertEqual(sorted(named - known), self.expected['dangling_by_design'])

    def test_the_feed_says_nothing_of_itself(self):
        for item in self.content['kr-feed-unmarked.jsonl']:
            self.assertNotIn('object_marking_refs', item)
            self.assertNotIn('created_by_ref', item)

    def test_roles_are_played(self):
        red = self.one('kr-cert.json', 'red_in_report')
        report = self.one('kr-cert.json', 'report_with_red')
        self.assertTrue(self.has_mark(red, 'tlp:red'))
        self.assertTrue(self.has_mark(report, 'tlp:green'))
        self.assertIn(red['id'], report['object_refs'])
        self.assertTrue(self.has_mark(self.one('kr-cert.json', 'amber_for_approval'), 'tlp:amber'))
        self.assertTrue(self.one('kr-update.json', 'revoked_indicator')['revoked'])
        self.assertNotIn('object_marking_refs', self.one('kr-feed-unmarked.jsonl', 'contested_sco'))
        self.assertTrue(self.has_mark(self.one('kr-sensor.json', 'contested_sco'), 'tlp:amber'))
        self.assertTrue(self.has_mark(self.one('kr-cert.json', 'contested_sco_marked_clear'), 'tlp:clear'))
        self.assertTrue(self.has_mark(self.one('kr-sensor.json', 'contested_sco_marked_clear'), 'tlp:amber'))
        self.assertTrue(self.has_mark(self.one('kr-tighten.json', 'tightened_indicator'), 'tlp:red'))
        self.assertIn('granular_markings', self.one('kr-cert.json', 'granular_marked'))

    def test_the_forgery_differs_in_nothing_but_time_and_revoked(self):
        true, forged = self.one('kr-cert.json', 'forged_target'), self.one('us-forged.json', 'forged_target')
        self.assertGreater(forged['modified'], true['modified'])
        self.assertEqual({**true, 'modified': forged['modified'], 'revoked': True}, forged)

    def test_translations_name_an_existing_version(self):
        versions = {(item['id'], item.get('modified')) for item in self.everything}
        for item in self.everything:
            if item['type'] == 'language-content':
                self.assertIn((item['object_ref'], item['object_modified']), versions)

    def test_red_and_its_referrers_are_outside_every_set_that_leaves(self):
        sets = self.expected['sets']
        held = set(sets['held_by_red_indicator'])
        for role in ('red_in_report', 'report_with_red', 'note_on_report_with_red'):
            self.assertIn(self.role[role], held, role)
        for name, ids in sets.items():
            if 'up_to_green' in name:
                self.assertFalse(held & set(ids), name)


    def test_the_readme_counts_as_the_files_do(self):
        readme = read('README.md', SAMPLES)
        for name, facts in self.expected['files'].items():
            row = next(line for line in readme.splitlines() if line.startswith(f'| `{name}`'))
            self.assertEqual(row.split('|')[3].strip(), str(facts['objects']), name)
        totals = self.expected['totals']
        self.assertIn(f"{totals['objects']} STIX 2.1 objects, {totals['types']} types", ' '.join(readme.split()))

    def test_every_role_is_in_some_file_but_the_unregistered_one(self):
        known = {item['id'] for item in self.everything}
        self.assertEqual([role for role, value in self.role.items() if value not in known], ['unregistered_extension'])


class Makers(unittest.TestCase):
    def check(self, script, root=SAMPLES):
        return subprocess.run([sys.executable, '-B', os.path.join(root, script), '--check'], capture_output=True, text=True)

    def test_committed_files_are_what_the_tables_make(self):
        for script in ('make_campaign.py', 'make_hostile.py'):
            done = self.check(script)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_changed_file_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, 'samples')
            shutil.copytree(SAMPLES, copy)
            for script, victim in (('make_campaign.py', 'campaign/us-cert.json'), ('make_hostile.py', 'hostile/null-value.json')):
                with open(os.path.join(copy, victim), 'a', encoding='utf-8') as file:
                    file.write(' ')
                done = self.check(script, copy)
                self.assertEqual(done.returncode, 1)
                self.assertIn(victim, done.stderr)


if __name__ == '__main__':
    unittest.main()
