"""Reading C sources for the checks: files of the project, comments and strings blanked, file-scope statements.

Nothing here understands C fully; it understands C as clang-format 14 leaves it, which scripts/format guarantees.
"""
import os
import re
import subprocess

C_SUFFIXES = ('.c', '.h', '.cpp', '.inc')


def project_files(root):
    """Paths of tracked and new, not ignored files relative to root; a tree without git is walked instead."""
    git = subprocess.run(['git', '-C', root, 'ls-files', '-co', '--exclude-standard', '-z'],
                         capture_output=True, check=False)
    if git.returncode == 0:
        names = sorted(set(git.stdout.decode().split('\0')) - {''})
        return [name for name in names if os.path.isfile(os.path.join(root, name))]
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ('.git', 'build', '__pycache__'))
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
        return file.read()


TOKEN = re.compile(r'''//(?:[^\n\\]|\\.|\\\n)*          # line comment
                     | /\*.*?\*/                        # block comment
                     | R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"   # raw string
                     | "(?:[^"\\\n]|\\.|\\\n)*"         # string
                     | '(?:[^'\\\n]|\\.)+'              # character
                     ''', re.X | re.S)


def blank(text, strings=True):
    """The same text, line for line, with comments (and, if asked, what strings hold) turned into spaces."""
    def hide(match):
        found = match.group(0)
        if found[0] != '/':
            if not strings or len(found) < 3:
                return found
            return found[0] + re.sub(r'[^\n]', ' ', found[1:-1]) + found[-1]
        return re.sub(r'[^\n]', ' ', found)
    return TOKEN.sub(hide, text)


def blank_directives(text):
    """Preprocessor lines (with their continuations) turned into spaces: braces in macros are nobody's function."""
    return re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text, flags=re.M)


class Piece:
    """A function body or a file-scope statement: kind, first and last line, text with nested braces as {}."""

    def __init__(self, kind, first, last, text):
        self.kind, self.first, self.last, self.text = kind, first, last, text


def _brace_kind(head):
    bare = re.sub(r'__attribute__\s*\(\(.*?\)\)|\[\[.*?\]\]', ' ', head, flags=re.S)
    if re.match(r'\s*(inline\s+)?namespace\b|\s*extern\s+""?|\s*extern\s+"\s*"|\s*class\b', bare):
        return 'scope'
    if '=' in bare.split('(')[0] or re.match(r'\s*(typedef\s+)?(struct|union|enum)\b[^(]*$', bare):
        return 'value'
    return 'function' if '(' in bare else 'value'


def pieces(text):
    """Functions and statements at file scope of a blanked text, in order."""
    found, stack, statement, line, start = [], [], '', 1, None
    for char in blank_directives(text):
        inner = any(kind != 'scope' for kind, _ in stack)
        if char == '{':
            kind = 'inner' if inner else _brace_kind(statement)
            stack.append((kind, line))
            if kind == 'scope':
                statement, start = '', None
            elif not inner:
                statement += '{'
        elif char == '}' and stack:
            kind, first = stack.pop()
            if kind == 'function':
                found.append(Piece('function', first, line, statement))
                statement, start = '', None
            elif kind == 'value':
                statement += '}'
        elif not inner:
            if char == ';':
                if statement.strip():
                    found.append(Piece('statement', start or line, line, statement.strip()))
                statement, start = '', None
            elif not (char.isspace() and start is None):
                start = start or line
                statement += char
        if char == '\n':
            line += 1
    return found
