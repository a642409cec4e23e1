#!/usr/bin/env python3
"""tests/scenario/ais.py: CISA's AIS 2.0 by configuration alone, as far as it is publicly described.

A TAXII 2.1 server of others (medallion behind nginx, which takes a client certificate for a login) stands for AIS: its objects
carry ACS 3.0 markings, and one identity stands for every submitter who is not named. What is not public (addresses, enrolment,
the profile's own rules) is not played. Skipped by name where the servers are not installed (scripts/setup --test).
"""
import json
import os
import shutil
import sys
import tempfile
import uuid

from node import Node, Report, wait_for
from pulls import add_objects, again, held_there, pushed, settled, show, urllib_get
from servers import NGINX_PROGRAM, PASSWORD, READER, VENV, Authority, indicator, medallion, nginx, post_21

ACS = 'extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce'
WHEN = {'spec_version': '2.1', 'created': '2026-01-01T00:00:00.000Z'}
ANONYMOUS = {**WHEN, 'type': 'identity', 'id': 'identity--00000a15-0000-4000-8000-000000000000', 'modified': WHEN['created'],
             'name': 'anonymous', 'identity_class': 'organization'}
US = {**ANONYMOUS, 'id': 'identity--00000a15-0000-4000-8000-00000000000f', 'name': 'our CERT'}
SHARING = [{'rule_effect': 'permit', 'sharing_scope': ['FOREIGNGOV']}]
DENIED = [{'rule_effect': 'deny', 'sharing_scope': ['FOREIGNGOV']}]
PUBLIC = 'unclassified, released to the public'
# name: (what the marking adds, defaults of privilege and sharing, the state that policy sees, how it was read)
MARKINGS = {'public': ({}, 'permit', 'permit', 'known', PUBLIC),
            'members': ({'formal_determination': ['AIS']}, 'permit', 'permit', 'known', 'not public: read as red'),
            'nationals': ({'permitted_nationalities': ['KOR', 'USA']}, 'permit', 'permit', 'known', 'limited by nationality'),
            'organisations': ({'permitted_organizations': ['KOR.KISA']}, 'permit', 'permit', 'known', 'limited by nationality'),
            'foreign-denied': ({'further_sharing': DENIED}, 'permit', 'permit', 'known', 'limited by nationality'),
            'foreign-permitted': ({'further_sharing': SHARING}, 'permit', 'deny', 'known', 'denied by default')}
POLICY = """language 1
deny    back      if source == "ais" and partner == "cisa"   # what AIS gave does not go back to AIS
deny    red       if has tlp and tlp == red
hold    unmarked  if marking none and not marking assumed
release open      if tlp <= green and onward to all
"""


def definition(number, name, space):
    """An ACS 3.0 marking as the schema of the OASIS common objects has it."""
    more, privilege, sharing, _, _ = MARKINGS[name]
    controls = {'classification': 'U', 'formal_determination': ['PUBREL'], **more}
    rules = controls.pop('further_sharing', None)
    acs = {'extension_type': 'property-extension', 'identifier': f'isa:guide.19001.ACS3-{uuid.UUID(int=number)}',
           'create_date_time': WHEN['created'], 'responsible_entity_custodian': 'USA.DHS',
           'policy_reference': f'urn:isa:policy:acs:ns:v3.0?privdefault={privilege}&sharedefault={sharing}',
           'control_set': controls, **({'further_sharing': rules} if rules else {})}
    return {**WHEN, 'type': 'marking-definition', 'id': f'marking-definition--{space:08x}-0000-4000-8000-{number:012x}',
            'name': name, 'extensions': {ACS: acs}}


def marked(number, space, marking, creator=ANONYMOUS):
    return indicator(number, space, created_by_ref=creator['id'], object_marking_refs=[marking['id']])


def explain(node, ident, partner):
    answer = node.run('policy', 'explain', ident, partner, json_too=False)
    return answer.err


def view(node, partner, secret):
    objects = json.loads(urllib_get(node.port, '/api/collections/release/objects/', secret[partner])).get('objects', [])
    return {obj['id'] for obj in objects}


def prepare(node, folder):
    """Two partners and AIS itself take part by TAXII; a file with the token of each."""
    secret = {}
    for partner, country in (('jp', 'JP'), ('us', 'US'), ('cisa', 'US')):
        node.must('peer', 'add-taxii', partner, '--country', country)
        lines = node.must('taxii', 'add', partner, '--audience', partner, '--read', '--token').lines
        secret[partner] = os.path.join(folder, f'{partner}.token')
        with open(secret[partner], 'w', encoding='ascii') as file:
            file.write(next(line['token'] for line in lines if isinstance(line.get('token'), str)) + '\n')
    path = os.path.join(folder, 'ais.policy')
    with open(path, 'w', encoding='ascii') as file:
        file.write(POLICY)
    node.must('policy', 'activate', path)
    for partner in secret:
        node.must('peer', 'start', partner)
    return secret


def look_pull(report, node, feed, there):
    """Without a certificate nothing; with it all, byte for byte and once."""
    url, collection, certificate, authority = feed
    trust = ('--ca', authority.path('ca.pem'), '--private')
    node.must('feed', 'add', 'nobody', '--kind', 'taxii21', '--url', url, '--collection', collection, *trust)
    got = settled(node, 'nobody')
    report.check('without the certificate nothing, and the reason', got.get('error') == 'denied' and not got.get('new')
                 and 'client certificate' in got.get('trouble', ''), got)
    node.must('feed', 'remove', 'nobody')
    node.must('feed', 'add', 'ais', '--kind', 'taxii21', '--url', url, '--collection', collection, '--every', '1h', *certificate,
              *trust)
    got = settled(node, 'ais')
    report.equal('all arrive, and once', (got.get('new'), got.get('refused'), got.get('error')), (len(there), 0, None))
    report.check('byte for byte', all(json.loads(node.copies(obj['id'])[-1]['object']) == obj for obj in there))
    report.equal('nothing is new the next time', (again(node, 'ais').get('new'), show(node, 'ais').get('error')),
                 (len(there), None))


def look_markings(report, node, things, secret):
    """How each was read, and who gets what carries it; then an operator gives what is limited to one partner."""
    for name, (_, _, _, state, why) in MARKINGS.items():
        said = explain(node, things[name]['id'], 'jp')
        report.check(f'{name}: {state}, {why}', why in said and state in said, said)
        good = 'Released' in said or 'To be released' in said if name == 'public' else 'Denied by rule' in said
        report.check(f'{name}: {"may" if name == "public" else "may not"} go', good, said)
    public = {ANONYMOUS['id'], things['public']['id'], things['public']['object_marking_refs'][0]}
    for partner in ('jp', 'us'):
        report.check(f'{partner} gets the public one, its marking and the anonymous creator',
                     wait_for(lambda p=partner: view(node, p, secret) == public, 60, 0.3), view(node, partner, secret))
    for name in ('nationals', 'foreign-permitted'):
        answer = node.run('marking', 'classify', things[name]['object_marking_refs'][0], '--as', 'tlp:green', '--partners', 'us',
                          '--because', 'read by a person: KOR and USA')
        report.check(f'{name}: an operator says whom it lets have it', answer.good, answer)
    given = public | {part for name in ('nationals', 'foreign-permitted')
                      for part in (things[name]['id'], things[name]['object_marking_refs'][0])}
    report.check('us gets them', wait_for(lambda: view(node, 'us', secret) == given, 60, 0.3), view(node, 'us', secret))
    report.equal('jp does not', view(node, 'jp', secret), public)
    may, may_not = (explain(node, things['nationals']['id'], partner) for partner in ('us', 'jp'))
    report.check('explain: us may', 'Released' in may and 'classified by an operator, for some partners alone' in may, may)
    report.check('explain: jp may not, by built-in.onward', 'Denied by rule built-in.onward' in may_not, may_not)


def look_submitter(report, node, folder, there, extra):
    """One identity stands for many: it is nobody's, so that each object belongs to the source that brought it first."""
    def owners(*words):
        return {line['id']: line.get('owner') for line in node.run('find', '--limit', '1000', '--wait', *words).lines
                if 'id' in line}
    ours = [obj['id'] for obj in there if obj.get('created_by_ref') == ANONYMOUS['id']]
    report.equal("every anonymous submitter's object is the feed's", owners('--creator', ANONYMOUS['id']),
                 {ident: 'ais' for ident in ours})
    node.must('source', 'add', 'isac', '--foreign')
    other = indicator(900, 0xa17, created_by_ref=ANONYMOUS['id'])
    later = dict(ANONYMOUS, modified='2026-06-01T00:00:00.000Z', name='taken over')
    taken = dict(there[-1], modified='2026-06-01T00:00:00.000Z', labels=['taken-over'])
    add_objects(node, folder, 'isac', [other, later, taken])
    report.equal("what another brings under the same creator is that one's own", owners('--source', 'isac').get(other['id']),
                 'isac')
    newest = {ident: json.loads(copy['object'])['modified'] for ident in (ANONYMOUS['id'], taken['id'])
              for copy in node.copies(ident) if copy.get('current')}
    report.equal('nobody takes over the identity, nor what the other brought', newest, dict.fromkeys(newest, WHEN['created']))
    report.equal('both are held still', len(newest), 2)
    node.must('identity', 'bind', ANONYMOUS['id'], 'ais')
    answer = node.must('add', extra, '--source', 'isac')
    report.equal('bound to the feed, what names it is an assertion from another',
                 (answer.one.get('new'), answer.one.get('assertion')), (0, 1))


def look_push(report, node, folder, feed, secret):
    """What is ours goes to AIS by the certificate, what is AIS's does not; and what AIS makes of it is known again."""
    url, collection, certificate, authority, behind = feed
    marking = definition(1, 'public', 0xa18)
    mine = [US, marking, *(marked(number, 0xa18, marking, US) for number in range(3)),
            marked(7, 0xa18, {'id': 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'}, US)]
    node.must('source', 'add', 'desk')
    add_objects(node, folder, 'desk', mine)
    wanted = {obj['id'] for obj in mine[:-1]}
    report.check('the view of AIS: ours, without what is red', wait_for(lambda: view(node, 'cisa', secret) == wanted, 60, 0.3),
                 view(node, 'cisa', secret))
    before, login = held_there(behind, collection, f'{READER}:{PASSWORD}'), f'{READER}:{PASSWORD}'
    node.must('feed', 'add', 'to-ais', '--kind', 'taxii21-push', '--url', url, '--collection', collection, '--audience', 'cisa',
              '--every', '5s', '--ca', authority.path('ca.pem'), '--private', *certificate)
    report.equal('pushed, each once', pushed(node, 'to-ais', len(wanted)), (len(wanted), 0, 0))
    report.equal('exactly they are there', sorted(held_there(behind, collection, login)), sorted([*before, *wanted]))
    got = show(node, 'ais')
    after = again(node, 'ais')
    report.equal('read back, ours are echoes', (after.get('new') - got.get('new'), after.get('echo', 0) - got.get('echo', 0)),
                 (0, len(wanted)))
    hidden = dict(mine[2], created_by_ref=ANONYMOUS['id'], modified='2026-06-01T00:00:00.000Z')
    return hidden


def look_anonymised(report, node, base, collection, hidden):
    """AIS takes our name off and dates it anew: an echo, and no second version."""
    report.equal('AIS publishes ours without our name', post_21(base, collection, [hidden]), 1)
    before = show(node, 'ais')
    after = again(node, 'ais')
    report.equal('that is an echo', (after.get('new') - before.get('new'), after.get('refused')), (0, before.get('refused')))
    report.check('counted as one', after.get('echo', 0) > before.get('echo', 0), after)
    creators = [json.loads(copy['object']).get('created_by_ref') for copy in node.copies(hidden['id'])]
    report.equal('and ours stays as it is', creators, [US['id']])


def main():
    report = Report('ais')
    if not VENV.exists() or not NGINX_PROGRAM:
        report.skip('AIS', 'medallion or nginx is not there: scripts/setup --test')
        return report.finish()
    folder = tempfile.mkdtemp(prefix='bongsu-ais-')
    node, children = Node(folder, 'kr', 'KR'), []
    try:
        node.start()
        secret = prepare(node, folder)
        authority = Authority(tempfile.mkdtemp(dir=folder))
        for name in ('server', 'client'):
            authority.sign(name)
        markings = [definition(number, name, 0xa15) for number, name in enumerate(MARKINGS)]
        things = {marking['name']: marked(number, 0xa15, marking) for number, marking in enumerate(markings)}
        there = [ANONYMOUS, *markings, *things.values()]
        children.append(medallion(folder, there))
        _, behind, collection = children[0]
        children.append(nginx(authority, behind[:-len('/api1/')], f'{READER}:{PASSWORD}'))
        if not report.check('the servers run', all(child[0].up for child in children), [child[0].said() for child in children]):
            return report.finish()
        certificate = ('--cert', authority.path('client.pem'), '--key', authority.path('client.key'))
        feed = (children[1][1] + 'api1/', collection, certificate, authority)
        look_pull(report, node, feed, there)
        look_markings(report, node, things, secret)
        extra = os.path.join(folder, 'extra.json')
        with open(extra, 'w', encoding='ascii') as file:
            json.dump(indicator(901, 0xa17, created_by_ref=ANONYMOUS['id']), file)
        look_submitter(report, node, folder, there, extra)
        hidden = look_push(report, node, folder, (*feed, behind), secret)
        look_anonymised(report, node, behind, collection, hidden)
    finally:
        node.stop()
        for child in children:
            child[0].end()
        if not report.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
