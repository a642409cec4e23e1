#!/usr/bin/env python3
"""tests/corpus/privacy/make_corpus.py [--check]: writes tuning.tsv and held-out.tsv from their sentences and fixed seeds.

A row: "text", the language, "-", the text, in which \\u27e6KIND|VALUE\\u27e7 stands around what is to be found; "\\n", "\\t" and
"\\\\" are escapes. With --check it says whether the files are what it would write. written.tsv, objects.tsv and
held-out-written.tsv are by hand.
"""
import pathlib
import random
import sys

import held_out
import tuning

HERE = pathlib.Path(__file__).parent
PARTS = [('tuning.tsv', tuning, 20261122), ('held-out.tsv', held_out, 731)]


def escape(text):
    return text.replace('\\', '\\\\').replace('\n', '\\n').replace('\t', '\\t')


def lines(part, seed):
    rng = random.Random(seed)
    rows = [*part.positives(rng), *part.negatives(rng)]
    rng.shuffle(rows)
    if hasattr(part, 'later'):  # behind what was there: its random numbers stay
        rows += part.later(random.Random(seed + 1))
    return [f'text\t{lang}\t-\t{escape(text)}' for lang, text in rows]


def main():
    same = True
    for name, part, seed in PARTS:
        text = f'# Made by make_corpus.py with seed {seed}: nobody\'s data.\n' + '\n'.join(lines(part, seed)) + '\n'
        path = HERE / name
        if '--check' in sys.argv[1:]:
            same = same and path.exists() and path.read_text(encoding='utf-8') == text
        else:
            path.write_text(text, encoding='utf-8')
    if not same:
        print('the corpus is not what make_corpus.py writes')
    return 0 if same else 1


if __name__ == '__main__':
    sys.exit(main())
