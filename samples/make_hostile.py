#!/usr/bin/env python3
"""Writes samples/hostile/: tiny inputs that are each wrong in one way, and expected.json with what must become of them.

    samples/make_hostile.py                 write the files
    samples/make_hostile.py --check         write nothing; exit 1 and name each file that differs
    samples/make_hostile.py --large FOLDER  write the two big ones into FOLDER: too deep by far, and too large by one byte

Python 3.9 or later, standard library only.
"""
import argparse
import json
import pathlib
import sys

from story.base import WELL_KNOWN, Desk, file, ip4, sco, stix_id, url
from story.output import settle

FOLDER = pathlib.Path(__file__).resolve().parent / "hostile"
OBJECT_BYTES_MAX = 2 << 20  # the largest object that bongsu takes

desk = Desk(lang="en")


def indicator(key):
    """A good object to spoil."""
    return desk.add(f"indicator/hostile {key}", "04-01 00:00", "tlp:clear", name=f"hostile sample {key}", pattern_type="stix",
                    pattern="[ipv4-addr:value = '198.51.100.250']", indicator_types=["unknown"])


def bundle(*texts, key="bundle"):
    """A bundle around objects that are already text, so that what is wrong in them stays wrong."""
    head = '{"type": "bundle", "id": "%s", "objects": [\n' % stix_id("bundle/hostile " + key)
    return head + ",\n".join(texts) + "\n]}\n"


def text(value):
    return json.dumps(value, ensure_ascii=False)


def spoiled(key, old, new):
    """One good object as text with one thing replaced; the thing must be there."""
    good = text(indicator(key))
    if good.count(old) != 1:
        raise ValueError(f"{key}: {old!r} stands {good.count(old)} times")
    return good.replace(old, new)


def too_precise(digits):
    """latitude is a float of the standard's own, and 37.5 a good one: only the digits are at fault."""
    place = text(desk.add("location/hostile precise", "04-01 00:00", "tlp:clear", name="precise", latitude=37.5, longitude=127))
    return place.replace('"latitude": 37.5', f'"latitude": {digits}')


def too_big(digits):
    return text(file("big.img", "hostile big", size=1)).replace('"size": 1', f'"size": {digits}')


def without(key, name):
    made = indicator(key)
    return text({own: value for own, value in made.items() if own != name})


def five():
    """Four good observables and one that is not: its neighbours must not suffer."""
    good = [ip4("198.51.100.251"), ip4("198.51.100.252"), url("https://five.example/"), sco("mutex", name="five")]
    bad = {"type": "domain-name", "spec_version": "2.1", "id": sco("domain-name", value="five.example")["id"]}  # no value
    return bundle(*(text(item) for item in good[:2] + [bad] + good[2:]), key="five")


def conflict():
    """One id and one modified, two contents: STIX leaves it undefined, so the later one is set aside."""
    first = indicator("conflict")
    return bundle(text(first), text({**first, "name": "the same version, saying something else"}), key="conflict")


def red_as_clear():
    """A definition that borrows the id of TLP:RED and calls itself clear, and an object that is RED and wants out."""
    borrowed = {"type": "marking-definition", "spec_version": "2.1", "id": WELL_KNOWN["tlp:red"],
                "created": "2026-04-01T00:00:00.000Z", "name": "TLP:CLEAR", "extensions": {
                    "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
                        "extension_type": "property-extension", "tlp_2_0": "clear"}}}
    secret = {**indicator("red as clear"), "object_marking_refs": [WELL_KNOWN["tlp:red"]]}
    return bundle(text(borrowed), text(secret), key="red")


def truncated():
    whole = bundle(*(text(indicator(f"truncated {part}")) for part in "abc"), key="truncated")
    return whole[:whole.rindex('"pattern_type"')]


# file: bytes or text, objects that may be accepted (at most), what is wrong, where it is written
INPUTS = {
    "duplicate-names.json": (
        spoiled("duplicate", '"name": ', '"name": "shown to one parser", "name": '), 0,
        "the property name stands twice, so two parsers read two objects", "RFC 8259 section 4; RFC 7493 section 2.3"),
    "lone-surrogate.json": (
        spoiled("surrogate", "hostile sample surrogate", "half a pair \\ud83d alone"), 0,
        "an escaped surrogate without its other half is no character", "RFC 8259 section 8.2; RFC 7493 section 2.1"),
    "invalid-utf8.json": (
        spoiled("utf8", "hostile sample utf8", "@").encode().replace(b"@", b"\xc3\x28"), 0,
        "bytes c3 28 are not UTF-8", "RFC 8259 section 8.1"),
    "number-beyond-2-53.json": (
        too_big("9007199254740993"), 0, "2^53 + 1 changes its value in a parser that uses doubles",
        "STIX 2.1 section 2.10; RFC 7493 section 2.2"),
    "number-not-round-trip.json": (
        too_precise("37.500000000000000001"), 0,
        "more digits than a double holds, so a copy would differ from what was signed",
        "RFC 7493 section 2.2; RFC 8785 section 3.2.2.3"),
    "truncated-bundle.json": (truncated(), 2, "cut off inside the third object", "RFC 8259 section 2"),
    "deep-nesting.json": (
        spoiled("deep", '"lang": "en"', '"lang": "en", "x_deep": ' + "[" * 1000 + "]" * 1000), 0,
        "a list nested 1,000 deep: bongsu takes 64", "RFC 8259 section 9"),
    "missing-required.json": (
        without("required", "pattern_type"), 0, "an indicator without pattern_type", "STIX 2.1 section 4.7"),
    "bad-timestamp.json": (
        spoiled("time", '"modified": "2026-04-01T00:00:00.000Z"', '"modified": "2026-04-31T09:00:00.000+09:00"'), 0,
        "April has no 31st, and a STIX time ends in Z", "STIX 2.1 section 2.16"),
    "modified-before-created.json": (
        spoiled("order", '"modified": "2026-04-01T00:00:00.000Z"', '"modified": "2026-03-01T00:00:00.000Z"'), 0,
        "modified is earlier than created", "STIX 2.1 section 3.2"),
    "wrong-id-prefix.json": (
        spoiled("prefix", '"id": "indicator--', '"id": "malware--'), 0,
        "an indicator whose id says malware", "STIX 2.1 section 2.9"),
    "null-value.json": (
        spoiled("null", '"name": "hostile sample null"', '"name": null'), 0,
        "a property may be absent, never null", "STIX 2.1 section 2: no type of it is null"),
    "one-bad-of-five.json": (five(), 4, "the third of five objects lacks its value", "STIX 2.1 section 6.4"),
    "same-version-twice.json": (conflict(), 1, "same id and modified, other content", "STIX 2.1 section 3.6"),
    "red-as-clear.json": (
        red_as_clear(), 2, "TLP ids are built in: whatever the first object says, the second is RED and never leaves",
        "STIX 2.1 section 7.2.1.4; TLP 2.0"),
}


def make():
    made = {name: row[0] if isinstance(row[0], bytes) else row[0].encode() for name, row in INPUTS.items()}
    facts = {name: {"accepted_at_most": row[1], "wrong": row[2], "section": row[3], "bytes": len(made[name])}
             for name, row in INPUTS.items()}
    made["expected.json"] = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    return made


def large(folder):
    folder.mkdir(parents=True, exist_ok=True)
    deep = spoiled("very deep", '"lang": "en"', '"lang": "en", "x_deep": ' + "[" * 1000000 + "]" * 1000000)
    (folder / "very-deep.json").write_text(deep)
    short = text({**indicator("too large"), "description": ""})
    filling = "x" * (OBJECT_BYTES_MAX + 1 - len(short))
    (folder / "too-large.json").write_text(short.replace('"description": "', '"description": "' + filling))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing")
    parser.add_argument("--large", type=pathlib.Path, metavar="FOLDER", help="write the two large inputs here")
    options = parser.parse_args()
    if options.large:
        large(options.large)
        return 0
    return settle(FOLDER, make(), options.check, "samples/make_hostile.py")


if __name__ == "__main__":
    sys.exit(main())
