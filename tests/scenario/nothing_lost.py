#!/usr/bin/env python3
"""tests/scenario/nothing_lost.py: every STIX object and every MISP event of the sample data goes into a live node, and comes out.

An object comes out with the same canonical hash (RFC 8785, by a package that others wrote) and the very bytes of its file, as it
is or beside what was minted from it, or it stands in quarantine with a reason and its bytes. A MISP event comes out of `bongsu
misp export` as the same event when it is published; else it is put together again from what is held, by docs/protocol/MISP.md.
The counts are printed and must add up. Data: $BONGSU_DATA or ../shared/data. Runs in
build/venv, for the package rfc8785.
"""
import base64
import collections
import hashlib
import json
import os
import pathlib
import re
import sys

from node import ROOT, Folder, Node, Report

DATA = pathlib.Path(os.environ.get('BONGSU_DATA', ROOT.parent / 'shared' / 'data'))
MISP = 'extension-definition--8a1f6d4e-52c7-4b0f-9d3a-6e7c0b95f2d1'
ID = re.compile(r'[a-z0-9-]+--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
STAMP = re.compile(r'("\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.0+|(\.\d*?[1-9])0+)Z"')
# Folder of the data, how its source is declared. What has no row must hold nothing of STIX.
SOURCES = (('atlas', ()), ('attack-ics', ('--rewrites',)), ('idioms-2.1', ()), ('ioc', ()), ('oasis-interop', ()),
           ('spec-examples', ()), ('stix20', ('--profile', 'lenient')))
DISPOSITIONS = ('new', 'duplicate', 'seen', 'assertion', 'echo', 'conflict', 'refused')

try:
    import rfc8785
except ImportError:
    rfc8785 = None


def digest(value):
    """Of the canonical form; what RFC 8785 cannot say (integers beyond 2^53) by its text, so that it still has a name."""
    try:
        text = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError):
        text = b'no canonical form ' + json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()


def meaning(value):
    """What STIX 2.1 section 3.6 compares: not how many zeros end a timestamp, not a default that is written out."""
    text = STAMP.sub(r'\1\2Z"', json.dumps(value, sort_keys=True, ensure_ascii=False))
    return {name: part for name, part in json.loads(text).items() if (name, part) not in (('revoked', False), ('lang', 'en'))}


def parsed(data):
    try:
        return json.loads(data)
    except ValueError:
        return None


# --- what the files hold ---

class Files:
    """The JSON files of one folder and the objects in them; what is no STIX, by name."""

    def __init__(self, folder):
        self.paths, self.bytes, self.other = [], {}, []
        self.count, self.distinct = 0, {}  # digest -> (id, paths, object)
        for path in sorted(path for path in folder.rglob('*') if path.is_file()):
            root = parsed(path.read_bytes())
            if path.suffix not in ('.json', '.stix2') or not self.take(path, root):
                self.other.append(path)

    def take(self, path, root):
        """Objects stand in a bundle, or alone in a file. Without a type it is a fragment: handed in all the same."""
        if not isinstance(root, dict) or 'values' in root and 'uuid' in root:  # the latter: a MISP galaxy
            return False
        self.paths.append(path)
        self.bytes[path] = path.read_bytes()
        for thing in root['objects'] if root.get('type') == 'bundle' and isinstance(root.get('objects'), list) else [root]:
            self.count += 1
            identifier = thing.get('id') if isinstance(thing, dict) else None
            self.distinct.setdefault(digest(thing), (identifier, [], thing))[1].append(path)
        return True


# --- what the node holds ---

def exported(node, source, form):
    """All that the command line writes out of this source; values behind one another."""
    done = node.run('export', '--all', '--source', source, '--format', form, json_too=False, seconds=170)
    if not done.good:
        raise RuntimeError(f'export of {source}: {done!r}')
    values, at, reader = [], 0, json.JSONDecoder()
    while done.err[at:].strip():
        at += len(done.err[at:at + 4096]) - len(done.err[at:at + 4096].lstrip())
        value, at = reader.raw_decode(done.err, at)
        values.append(value)
    return values


class Held:
    """Of one source: copies and quarantine entries by the digest of what came."""

    def __init__(self, node, source, identifiers):
        self.copies, self.quarantine = {}, {}
        lines = exported(node, source, 'lines')
        for identifier in sorted(identifiers | {thing['id'] for thing in lines}):
            for copy in self.shown(node, identifier):
                if copy.get('source') == source and not copy['quarantined']:  # other lines are sentences
                    came = copy.get('original', copy['object'])
                    self.copies[digest(json.loads(came))] = ('original' in copy, came.encode(), copy)
        for entry in node.ask('quarantine.list'):
            if entry['source'] == source:
                shown = node.ask('quarantine.show', number=str(entry['number']))[0]
                came = shown['text'].encode() if 'text' in shown else base64.b64decode(shown['base64'])
                self.quarantine[digest(parsed(came))] = (entry, came)

    @staticmethod
    def shown(node, identifier):
        try:
            return node.copies(identifier)
        except ConnectionError:
            return []


def found(files, key, held):
    """What became of one distinct object: (word, detail)."""
    def in_file(came):
        return any(came in files.bytes[path] for path in files.distinct[key][1])
    if key in held.copies:
        mended, came, copy = held.copies[key]
        if not in_file(came):
            return 'lost', 'other bytes than those of its file'
        if mended and not copy['mended']:
            return 'lost', 'minted without a word about what was changed'
        return ('mended', '') if mended else ('equal', '')
    if key in held.quarantine:
        entry, came = held.quarantine[key]
        good = in_file(came) and entry['what'] and entry['bytes'] == len(came)
        return ('quarantined', entry['what']) if good else ('lost', f'in quarantine, but not whole: {entry}')
    thing = files.distinct[key][2]
    near = [json.loads(came) for _, came, copy in held.copies.values() if thing.get('id') and thing['id'] in copy['object']]
    if meaning(thing) in [meaning(other) for other in near]:
        return 'same', ''
    return 'lost', 'nowhere'


def stix_source(report, node, name, options):
    files = Files(DATA / 'stix' / name)
    node.must('source', 'add', name, *options)
    added = node.run('add', *files.paths, '--source', name, seconds=170)
    told = collections.Counter()
    for line in added.lines:
        told.update({word: line[word] for word in DISPOSITIONS if isinstance(line.get(word), int)})
    held = Held(node, name, {identifier for identifier, _, _ in files.distinct.values() if isinstance(identifier, str)})
    fates, reasons, lost = collections.Counter(), collections.Counter(), []
    for key, (identifier, paths, _) in files.distinct.items():
        word, detail = found(files, key, held)
        fates[word] += 1
        if word == 'quarantined':
            reasons[ID.sub('an object', detail)] += 1
        if word == 'lost':
            lost.append((identifier, paths[0].name, detail))
    distinct = len(files.distinct)
    report.say(f'{name}: {files.count} objects in {len(files.paths)} files, {distinct} distinct: {fates["equal"]} equal, '
               f'{fates["same"]} the same but for zeros or defaults, {fates["mended"]} mended, '
               f'{fates["quarantined"]} quarantined; {dict(told)}')
    for why, number in reasons.most_common():
        report.say(f'   {number:5} quarantined: {why}')
    report.equal(f'{name}: nothing is lost', lost[:5], [])
    report.equal(f'{name}: equal, the same, mended and quarantined are all',
                 sum(fates[word] for word in ('equal', 'same', 'mended', 'quarantined')), distinct)
    report.equal(f'{name}: the node answered for every object', sum(told.values()), files.count)
    authors = {json.loads(copy['object'])['created_by_ref'] for mended, _, copy in held.copies.values() if mended}
    strays = [key for key in held.quarantine if key not in files.distinct]
    strays += [came for key, (_, came, copy) in held.copies.items()
               if key not in files.distinct and json.loads(copy['object'])['id'] not in authors]  # the node's own identity
    report.equal(f'{name}: nothing is held that did not come in', strays[:5], [])
    out = {digest(thing) for thing in exported(node, name, 'original')}
    wanted = {digest(json.loads(copy['object'])) for _, _, copy in held.copies.values()}
    report.check(f'{name}: export gives each of them, and no other', out == wanted, sorted(out ^ wanted)[:5])
    return files, fates


def stix(report, node):
    rows = {name: stix_source(report, node, name, options) for name, options in SOURCES}
    others = [path for path in (DATA / 'stix').rglob('*')
              if path.is_file() and path.parts[len((DATA / 'stix').parts)] not in rows]
    for path in sorted(others):
        report.check(f'not STIX: {path.relative_to(DATA)}', not isinstance(parsed(path.read_bytes()), dict) or
                     parsed(path.read_bytes()).get('type') != 'bundle')
    fates = sum((fates for _, fates in rows.values()), collections.Counter())
    report.say(f'all: {sum(files.count for files, _ in rows.values())} objects, '
               f'{sum(len(files.distinct) for files, _ in rows.values())} distinct, {dict(fates)}')


# --- MISP ---

EMPTY = {'null': lambda: None, 'list': list, 'dictionary': dict}


def fill(value):
    """Members that STIX cannot hold, by what x_empty says of them, at any depth."""
    if isinstance(value, list):
        return [fill(one) for one in value]
    if not isinstance(value, dict):
        return value
    filled = {name: fill(one) for name, one in value.items() if name != 'x_empty'}
    for kind, names in value.get('x_empty', {}).items():
        filled.update({name: EMPTY[kind]() for name in names})
    return filled


def put_back(element, pieces):
    """MISP.md, section 2: what stayed here goes to its old place."""
    mine = [piece for piece in pieces if piece['of'] == element.get('uuid')]
    for piece in sorted((piece for piece in mine if 'position' in piece), key=lambda piece: piece['position']):
        element.setdefault(piece['member'], []).insert(piece['position'], piece['value'])
    element.update({piece['member']: piece['value'] for piece in mine if 'position' not in piece})
    for inner in element.get('Attribute', []):
        put_back(inner, pieces)
    return element


def rebuilt(things):
    """Events by uuid, from the objects that are held."""
    left = collections.defaultdict(lambda: collections.defaultdict(list))
    for thing in things:
        extension = thing.get('extensions', {}).get(MISP, {})
        if 'event' in extension:
            left[extension['event']][extension['kind']].append(extension)
    events = {}
    for uuid, kinds in left.items():
        pieces = [fill(piece) for extension in kinds['local'] for piece in extension['pieces']]
        event = put_back(fill(kinds['event'][0]['data']), pieces)
        for kind, member in (('attribute', 'Attribute'), ('object', 'Object'), ('report', 'EventReport')):
            rows = sorted(kinds[kind], key=lambda extension: extension['position'])
            if rows:
                event[member] = [put_back(fill(row['data']), pieces) for row in rows]
        events[uuid] = event
    return events


def leaves(element):
    """What MISP passes on of it (MISP.md, section 2)."""
    here = {'ShadowAttribute', 'RelatedEvent', 'RelatedAttribute', 'Feed', 'Server', 'user_id', 'event_creator_email'}
    out = {name: value for name, value in element.items() if name not in here or value == []}
    for name in ('Tag', 'Galaxy'):
        if name in out:
            out[name] = [entry for entry in out[name] if not local(entry)]
    for name in ('Attribute', 'Object'):
        if name in out:
            out[name] = [leaves(inner) for inner in out[name]]
    return out


def differences(wanted, got, at=''):
    """Where two JSON values part, for a report."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [row for name in sorted({*wanted, *got}) for row in differences(wanted.get(name), got.get(name), f'{at}/{name}')]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [row for i, pair in enumerate(zip(wanted, got)) for row in differences(*pair, f'{at}/{i}')]
    return [] if wanted == got else [(at, str(wanted)[:200], str(got)[:200])]


def local(entry):
    return (entry.get('local') or entry.get('local_only') or not entry.get('exportable', True) or
            any(cluster.get('local') or str(cluster.get('distribution')) == '0' for cluster in entry.get('GalaxyCluster', [])))


def events_of(path):
    root = json.loads(path.read_bytes())
    return [entry['Event'] for entry in root.get('response', [root])]


def misp(report, folder, published):
    """`published`: the same events as if somebody had published them to everybody; else as they are."""
    node = Node(folder, 'pub' if published else 'misp', 'KR')
    how = 'published' if published else 'as it is'
    events = [event for path in sorted((DATA / 'misp' / 'events').glob('*.json')) for event in events_of(path)]
    if published:
        events = [{**event, 'published': True, 'distribution': '3'} for event in events]
    policy, file, out = (os.path.join(folder, f'{node.name}.{end}') for end in ('policy', 'json', 'feed'))
    pathlib.Path(policy).write_text('language 1\nrelease everything if always to all\n', encoding='ascii')
    pathlib.Path(file).write_text(json.dumps({'response': [{'Event': event} for event in events]}), encoding='utf-8')
    node.start()
    try:
        node.must('peer', 'add-taxii', 'all', '--country', 'US')
        node.must('peer', 'start', 'all')
        node.must('policy', 'activate', policy)
        added = node.run('add', file, '--source', 'misp', '--as', 'misp', seconds=170)
        report.check(f'MISP {how}: bongsu add takes all of it', added.good and not added.one['refused'], added)
        report.check(f'MISP {how}: bongsu misp export', node.run('misp', 'export', 'all', out, seconds=170).good)
        lines = node.run('export', '--all', '--format', 'lines', json_too=False, seconds=170).err.splitlines()
        back = rebuilt(json.loads(line) for line in lines)
        left = {name[:-5]: json.loads(pathlib.Path(out, name).read_bytes())['Event'] for name in os.listdir(out)
                if name.endswith('.json') and name != 'manifest.json'}
        counts = collections.Counter()
        for event in events:
            uuid, goes = event['uuid'], event['published'] and int(event['distribution']) in (3, 5)
            counts['exported' if goes else 'held'] += 1
            report.check(f'MISP {how}: {uuid} put together again is the same', digest(back.get(uuid)) == digest(event))
            if goes:
                apart = differences(leaves(event), left.get(uuid))
                report.check(f'MISP {how}: {uuid} exported is the same', digest(left.get(uuid)) == digest(leaves(event)), apart)
        report.equal(f'MISP {how}: only what is published leaves', len(left), counts['exported'])
        report.say(f'MISP {how}: {len(events)} events, {counts["exported"]} exported, {counts["held"]} stay')
    finally:
        node.stop()


def main():
    report = Report('nothing lost')
    if rfc8785 is None or not (DATA / 'stix').is_dir() or not (DATA / 'misp').is_dir():
        report.skip('every object and event', 'no build/venv with rfc8785' if rfc8785 is None else f'{DATA} is not there')
        return report.finish()
    with Folder() as folder:
        node = Node(folder, 'kr', 'KR')
        node.start()
        try:
            stix(report, node)
        finally:
            node.stop()
        misp(report, folder, False)
        misp(report, folder, True)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
