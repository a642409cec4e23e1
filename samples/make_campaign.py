#!/usr/bin/env python3
"""Writes the sample campaign: samples/campaign/*.json from the tables in samples/story/.

    samples/make_campaign.py           write the files
    samples/make_campaign.py --check   write nothing; exit 1 and name each file that differs from its tables
    samples/make_campaign.py --role R  print the id that plays a part, such as red_in_report; without R, all of them

Python 3.9 or later, standard library only. The same tables always give the same bytes.
"""
import argparse
import json
import pathlib
import sys
from collections import Counter

from story import facts, jp, kr, kr_feed, kr_more, us
from story.base import stix_id
from story.output import settle

FOLDER = pathlib.Path(__file__).resolve().parent / "campaign"

# file, its source, its node, what it is wrapped in, its objects
FILES = [
    ("kr-cert.json", "kr-cert", "kr", "bundle", kr.kr.objects),
    ("kr-feed-unmarked.jsonl", "kr-feed", "kr", "lines", kr_feed.feed.objects),
    ("kr-sensor.json", "kr-sensor", "kr", "bundle", kr_more.sensor.objects),
    ("kr-update.json", "kr-cert", "kr", "bundle", kr_more.update.objects),
    ("kr-tighten.json", "kr-cert", "kr", "bundle", kr_more.tighten.objects),
    ("us-cert.json", "us-cert", "us", "bundle", us.us.objects),
    ("us-forged.json", "us-rumour", "us", "bundle", us.forged.objects),
    ("jp-taxii.json", "jp", "kr", "envelope", jp.jp.objects),
]


def pretty(value):
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def wrap(name, wrapping, objects):
    """The text of one file."""
    if wrapping == "lines":
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects)
    if wrapping == "envelope":  # TAXII 2.1 section 3.7
        return pretty({"objects": objects})
    return pretty({"type": "bundle", "id": stix_id("bundle/" + name), "objects": objects})


def make():
    """{file name: bytes} of everything in samples/campaign."""
    texts = {name: wrap(name, wrapping, objects) for name, _, _, wrapping, objects in FILES}
    texts["expected.json"] = pretty(facts.expected(FILES))
    return {name: text.encode() for name, text in texts.items()}


def show(role):
    roles = facts.roles()
    if role and role not in roles:
        print(f"no part is called {role}; there are: {' '.join(roles)}", file=sys.stderr)
        return 1
    print(roles[role] if role else "\n".join(f"{name:28} {value}" for name, value in roles.items()))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing")
    parser.add_argument("--role", nargs="?", const="", metavar="R", help="print the id that plays the part R, or all parts")
    options = parser.parse_args()
    if options.role is not None:
        return show(options.role)
    files = make()
    status = settle(FOLDER, files, options.check, "samples/make_campaign.py")
    if status == 0:
        count = Counter()
        for _, _, node, _, objects in FILES:
            count[node] += len(objects)
        print(f"{len(files)} files, {sum(count.values())} objects: " + ", ".join(f"{node} {n}" for node, n in count.items()))
    return status


if __name__ == "__main__":
    sys.exit(main())
