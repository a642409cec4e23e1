#!/usr/bin/env python3
"""What a partner has to say of what he was given comes back in his own ledger: sightings and opinions, also of what was made
for him alone, and such an answer can be called back.

    tests/scenario/answers.py

Standard library only. BONGSU names the program. Ends with "N passed, N failed, N skipped".
"""
import json
import pathlib
import shutil
import sys
import tempfile

from node import Report, linked, wait_for

GIVEN = 'language 1\nrelease open if tlp <= green with redact "description" to all\n'
ANSWERS = 'language 1\nrelease answers if type == sighting or type == opinion to kr\n'
GREEN = 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da'
TIME = '2026-01-01T00:00:00.000Z'
REPORT = Report('answers')


def identifier(kind, number):
    return f'{kind}--00000000-0000-4000-8000-{number:012d}'


def thing(kind, number, **members):
    return {'type': kind, 'spec_version': '2.1', 'id': identifier(kind, number), 'created': TIME, 'modified': TIME,
            'object_marking_refs': [GREEN], **members}


def indicator(number):
    return thing('indicator', number, name=f'number {number}', description='kept here', pattern=f"[file:name = '{number}.exe']",
                 pattern_type='stix', valid_from='2026-01-01T00:00:00Z')


def add(node, folder, *things):
    path = pathlib.Path(folder) / 'things.jsonl'
    path.write_text('\n'.join(json.dumps(one) for one in things), encoding='utf-8')
    return node.must('add', path, '--source', 'desk')


def held(node, wanted):
    """What this node shows of the object, or None."""
    answer = node.run('get', wanted)
    return answer.text if answer.good else None


def name_at(node, name):
    """Under which identifier the node has the indicator of that name."""
    for line in node.run('find', name).lines:
        if line.get('type') == 'indicator':
            return line['id']
    return None


def answers_come_back(kr, us, folder):
    add(kr, folder, indicator(1))
    REPORT.check('us has it', wait_for(lambda: name_at(us, 'number 1')))
    there = name_at(us, 'number 1')
    REPORT.check('under a name made for us', there not in (None, identifier('indicator', 1)), there)
    add(us, folder, thing('sighting', 1, sighting_of_ref=there, count=7),
        thing('opinion', 1, opinion='strongly-agree', object_refs=[there]),
        thing('note', 1, content='for us alone', object_refs=[there]))
    for kind in ('sighting', 'opinion'):
        wanted = identifier(kind, 1)
        REPORT.check(f'the {kind} comes back', wait_for(lambda wanted=wanted: held(kr, wanted)))
        REPORT.check(f'the {kind} is of what it was made of, in the graph',
                     wanted in kr.run('graph', identifier('indicator', 1)).text)
        REPORT.check(f'the {kind} stands in the ledger of who says it', us.run('ledger', 'prove', 'kr', wanted).good)
    REPORT.check('nothing else does', held(kr, identifier('note', 1)) is None)


def an_answer_is_called_back(kr, us):
    us.must('recall', identifier('sighting', 1), '--because', 'a machine of our own', '--yes')
    REPORT.check('it is gone where it was said to', wait_for(lambda: held(kr, identifier('sighting', 1)) is None))
    REPORT.check('who had it says that it is done', wait_for(lambda: '"done"' in us.run('recall', 'status').text),
                 us.run('recall', 'status').text)


def main():
    folder = tempfile.mkdtemp(prefix='bongsu-answers.')
    kr, us = linked(folder, GIVEN)
    try:
        path = pathlib.Path(folder) / 'answers'
        path.write_text(ANSWERS, encoding='utf-8')
        us.must('policy', 'activate', path, '--untested', '--because', 'test')
        answers_come_back(kr, us, folder)
        an_answer_is_called_back(kr, us)
    finally:
        kr.stop()
        us.stop()
        if not REPORT.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return REPORT.finish()


if __name__ == '__main__':
    sys.exit(main())
