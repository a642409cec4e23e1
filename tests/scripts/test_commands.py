"""No message, page or guide names a command that the table of commands does not have."""
import glob
import os
import re
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
WORD = r'[a-z][a-z0-9-]*'
NAMED = rf'bongsu\s+({WORD})(?:\s+({WORD}))?'
# In a C string: at its beginning, in backticks, or behind a bracket, comma or semicolon.
IN_STRING = re.compile(rf'(?:^|[`(;,:]\s*){NAMED}')
# In a page: in backticks, or where a line of a listing begins.
LISTING = re.compile(r'^```.*?^```|^    .*$', re.M | re.S)
SPAN = re.compile(r'`[^`\n]+(?:\n[^`\n]+)?`')
MAN = re.compile(rf'\b(?:Ql|Cm|Nm) {NAMED}')
# First words of what is hashed, sealed or written into key files: no commands.
LABELS = {'audience', 'box', 'key', 'leaf', 'log', 'person', 'pseudonym', 'pseudonyms', 'receipt', 'reconcile', 'refused', 'root',
          'scalar', 'seal', 'stream', 'trail', 'voucher', 'words'}


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def below(*patterns):
    return sorted(path for pattern in patterns for path in glob.glob(os.path.join(ROOT, pattern), recursive=True))


def table():
    rows = re.compile(r'\.words = "([^"]+)"')
    return {words for path in below('src/cli/*.c') for words in rows.findall(text_of(path))}


def strings_of(source):
    """What the strings of a C source say; neighbours are one."""
    source = re.sub(r'/\*.*?\*/|//[^\n]*', ' ', source, flags=re.S)
    source = re.sub(r'(?<!\\)"\s*\n\s*"', '', source)
    return re.findall(r'"((?:[^"\\\n]|\\.)*)"', source)


def named_in(path):
    """Pairs of words behind `bongsu`, where a command is meant."""
    text = text_of(path)
    if path.endswith(('.c', '.h', '.inc')):
        for string in strings_of(text):
            yield from IN_STRING.findall(string.replace('\\n', ' '))
        return
    for span in SPAN.findall(text):
        yield from re.findall(rf'^`(?:\$ )?{NAMED}', span)
    for listing in LISTING.findall(text):
        yield from re.findall(rf'^(?:\$ | *){NAMED}', listing, re.M)


def unknown(words, commands):
    """None when it is a command, a family of them, help, or a label."""
    first, second = words
    families = {command.split()[0] for command in commands if ' ' in command}
    known = first in LABELS or first == 'help' or first in commands or (first in families and not second)
    return None if known or f'{first} {second}' in commands else f'{first} {second}'.strip()


class Commands(unittest.TestCase):
    def test_each_that_is_named_is_there(self):
        commands = table()
        self.assertGreater(len(commands), 60)
        pages = below('docs/**/*.md', '*.md', 'packaging/*.md', 'share/*.policy', 'share/*.expect')
        sources = below('src/**/*.[ch]')
        self.assertGreater(len(pages), 30)
        seen, wrong = 0, []
        for path in pages + sources:
            for words in named_in(path):
                seen += 1
                bad = unknown(words, commands)
                if bad is not None:
                    wrong.append(f'{os.path.relpath(path, ROOT)}: bongsu {bad}')
        self.assertGreater(seen, 200)
        self.assertEqual(wrong, [], '\n'.join(wrong))

    def test_man_pages(self):
        commands = table()
        named = [words for path in below('docs/man/*.[1-9]') for words in MAN.findall(text_of(path))]
        self.assertGreater(len(named), 10)
        self.assertEqual([bad for bad in (unknown(words, commands) for words in named) if bad], [])

    def test_it_sees_what_is_wrong(self):
        commands = {'object show', 'find', 'peer list'}
        for said, bad in (('read (`bongsu show ID`)', 'show'), ('bongsu peer lst', 'peer lst'), ('see; bongsu fnd x', 'fnd x')):
            found = [unknown(words, commands) for words in IN_STRING.findall(said)]
            self.assertEqual(found, [bad])
        for said in ('bongsu peer list', '(bongsu find X)', 'bongsu peer', '`bongsu help find`', 'a bongsu node'):
            self.assertEqual([unknown(words, commands) for words in IN_STRING.findall(said) if unknown(words, commands)], [])


if __name__ == '__main__':
    unittest.main()
