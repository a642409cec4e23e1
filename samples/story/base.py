"""Vocabulary of the sample campaign: ids, times, markings, and the desk that collects one file's objects.

The story itself is in the other files of this folder, as tables. In them
  * an object is named by a handle, "type/key"; its id is a function of the handle (stix_id), so rows may refer forward;
  * any property whose name ends in _ref or _refs takes handles, SCOs made by the functions below, or markings ("tlp:green");
  * a time is "MM-DD hh:mm" of 2026, UTC.
Nothing here reads a clock, a random source or the network: the same tables always give the same bytes.
"""
import hashlib
import json
import uuid

SCO_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1 section 2.9

# TLP 1.0 (STIX 2.1 section 7.2.1.4) and TLP 2.0 (OASIS common objects) are named by id and never defined in our files.
MARKINGS = {
    "tlp1:white": "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "tlp1:green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "tlp1:amber": "f88d31f6-486f-44da-b317-01333bde0b82",
    "tlp1:red": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
    "tlp:clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "tlp:green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "tlp:amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "tlp:amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "tlp:red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
WELL_KNOWN = {name: "marking-definition--" + value for name, value in MARKINGS.items()}

# Which properties make an SCO's id (STIX 2.1 section 2.9 and each type's own section).
ID_PROPERTIES = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "extensions", "parent_directory_ref"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": ("start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}
STARTS = {"indicator": "valid_from", "report": "published"}  # required times that our story sets to the creation
HASH_ORDER = ("MD5", "SHA-1", "SHA-256", "SHA-512")


def at(when):
    """'03-02 09:10' or '03-02 09:10:42.125' -> a STIX timestamp with milliseconds at least."""
    day, clock = when.split(" ")
    if clock.count(":") == 1:
        clock += ":00"
    if "." not in clock:
        clock += ".000"
    return f"2026-{day}T{clock}Z"


def stix_id(handle):
    """The id of an SDO, SRO or marking: shaped as the UUIDv4 that section 2.9 asks for, derived from the handle."""
    kind = handle.split("/", 1)[0]
    digest = hashlib.sha256(("bongsu sample campaign " + handle).encode()).digest()
    return f"{kind}--{uuid.UUID(bytes=digest[:16], version=4)}"


def to_id(value):
    """What stands in a _ref property -> the id that belongs there."""
    if isinstance(value, dict):
        return value["id"]
    if value in WELL_KNOWN:
        return WELL_KNOWN[value]
    return value if "--" in value else stix_id(value)


def resolve(value, name=""):
    """Replaces handles by ids in every _ref and _refs property, at any depth. The input is ours: depth is small."""
    if name.endswith("_refs"):
        return [to_id(item) for item in value]
    if name.endswith("_ref"):
        return to_id(value)
    if isinstance(value, dict):
        return {key: resolve(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item) for item in value]
    return value


def hashes(text, *algorithms):
    """Hashes of an invented string: no file anywhere has them for a reason."""
    made = {"MD5": hashlib.md5, "SHA-1": hashlib.sha1, "SHA-256": hashlib.sha256, "SHA-512": hashlib.sha512}
    return {name: made[name](("bongsu sample file " + text).encode()).hexdigest() for name in algorithms or ("SHA-256",)}


def sco_id(kind, body, key):
    """Section 2.9: UUIDv5 over the RFC 8785 form of the id contributing properties; a process has none, so a UUIDv4."""
    if kind == "process":
        return stix_id("process/" + key)
    chosen = {name: body[name] for name in ID_PROPERTIES[kind] if name in body}
    if "hashes" in chosen:
        best = next(name for name in HASH_ORDER if name in chosen["hashes"])
        chosen["hashes"] = {best: chosen["hashes"][best]}
    # For text, integers and ASCII names this is RFC 8785; the tables hold nothing else.
    text = json.dumps(chosen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{kind}--{uuid.uuid5(SCO_NAMESPACE, text)}"


def sco(kind, key="", **properties):
    """A cyber observable, unmarked: a file that ships it decides its marking (Desk.observe)."""
    body = resolve(properties)
    return {"type": kind, "spec_version": "2.1", "id": sco_id(kind, body, key), **body}


def mitre(technique):
    """An external reference to a technique by its number only: the words beside it are ours."""
    return [{"source_name": "mitre-attack", "external_id": technique}]


def phase(tactic):
    return [{"kill_chain_name": "mitre-attack", "phase_name": tactic}]


def ip4(value):
    return sco("ipv4-addr", value=value)


def ip6(value):
    return sco("ipv6-addr", value=value)


def domain(value):
    return sco("domain-name", value=value)


def url(value):
    return sco("url", value=value)


def file(name, text, **properties):
    return sco("file", name=name, hashes=hashes(text), **properties)


def flow(start, source, target, port, *protocols, **properties):
    """One recorded network flow. Its start is part of its id, as text: whole seconds are written without a fraction."""
    return sco("network-traffic", start=at(start).replace(".000Z", "Z"), src_ref=source, dst_ref=target, dst_port=port,
               protocols=list(protocols), **properties)


class Desk:
    """One file of the sample: who writes it, and its objects in order."""

    def __init__(self, author=None, lang=None):
        self.author = author
        self.lang = lang
        self.objects = []

    def add(self, handle, when, marks="", modified=None, **properties):
        """One object. marks: markings parted by blanks. A property given as None is left out."""
        head = {"type": handle.split("/", 1)[0], "spec_version": "2.1", "id": stix_id(handle)}
        if self.author:
            head["created_by_ref"] = self.author
        head["created"] = at(when)
        if head["type"] != "marking-definition":  # it has no modified: section 7.2.1
            head["modified"] = at(modified or when)
            if self.lang:
                head["lang"] = self.lang
        if head["type"] in STARTS:
            head[STARTS[head["type"]]] = at(when)
        head.update(properties)
        if marks:
            head["object_marking_refs"] = marks.split()
        made = resolve({name: value for name, value in head.items() if value is not None})
        self.objects.append(made)
        return made

    def table(self, kind, columns, rows, **common):
        """Many objects of one type: columns names what each row holds; common is what all rows share."""
        names = columns.split()
        for row in rows:
            if len(row) != len(names):
                raise ValueError(f"{kind} {row[0]}: {len(row)} cells for {len(names)} columns")
            cells = dict(zip(names, row))
            self.add(f"{kind}/{cells.pop('key')}", **{**common, **cells})

    def link(self, marks, rows, **common):
        """Relationships: (when, source, verb, target) or, with a fifth cell, a description."""
        for when, source, verb, target, *rest in rows:
            ends = "+".join(end if isinstance(end, str) else end["id"] for end in (source, target))
            self.add(f"relationship/{verb} {ends}", when, marks, relationship_type=verb, source_ref=source,
                     target_ref=target, description=rest[0] if rest else None, **common)

    def translate(self, marks, lang, rows, **common):
        """Language content (section 7.1): (when, handle of an object in this file, {property: translation})."""
        for when, handle, words in rows:
            latest = [item for item in self.objects if item["id"] == stix_id(handle)][-1]
            self.add(f"language-content/{lang} {handle}", when, marks, lang=None, object_ref=handle,
                     object_modified=latest["modified"], contents={lang: words}, **common)

    def observe(self, marks, *observables):
        """Ships observables under a marking of this file's choosing."""
        for item in observables:
            extra = {"object_marking_refs": [to_id(mark) for mark in marks.split()]} if marks else {}
            self.objects.append({**item, **extra})
