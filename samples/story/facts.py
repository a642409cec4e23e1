"""What follows from the sample's data alone, computed: counts, the ids that play a part, and which objects may leave together.

Nothing here knows bongsu: it is a second opinion that a test or the demo compares a node's answers with.
"""
from collections import Counter

from . import kr, kr_feed, kr_more, us
from .base import WELL_KNOWN, stix_id
from .observables import LURE_DOMAIN, RELAY

MARK_NAMES = {value: name for name, value in WELL_KNOWN.items()}
MARK_NAMES.update({stix_id(kr.STATEMENT): "statement", stix_id(kr.UNKNOWN): "unknown", stix_id(kr.LATE): "late-statement"})
UP_TO_GREEN = {"tlp:clear", "tlp:green", "tlp1:white", "tlp1:green"}


def marks(item):
    return [MARK_NAMES[mark] for mark in item.get("object_marking_refs", [])]


def references(value):
    """Every id-shaped string anywhere in an object but its own id, its type's names and its extensions' keys."""
    found = set()
    rest = [item for name, item in value.items() if name != "id"]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest.extend(item.values())
        elif isinstance(item, list):
            rest.extend(item)
        elif isinstance(item, str) and len(item) > 38 and item[-38:-36] == "--" and item[-12:].isalnum():
            found.add(item)
    return found


def own_mark_allows(item, also):
    """Do this object's own markings let it go to a reader who may have up to GREEN?"""
    names = marks(item) + [MARK_NAMES[part["marking_ref"]] for part in item.get("granular_markings", [])]
    return bool(names) and all(name in UP_TO_GREEN or name in also for name in names)


def may_leave(objects, also=()):
    """The largest set of ids that may leave together to a reader of up to GREEN: all marked so, and closed under reference.

    Markings follow whoever refers to them and are not counted. An id with several variants counts when one of them may go.
    """
    chosen = {item["id"] for item in objects if own_mark_allows(item, also)}
    while True:
        kept = set()
        for item in objects:
            ends = {end for end in references(item) if not end.startswith(("marking-definition--", "extension-definition--"))}
            if item["id"] in chosen and own_mark_allows(item, also) and ends <= chosen:
                kept.add(item["id"])
        if kept == chosen:
            return chosen
        chosen = kept


def reaching(objects, goal):
    """The goal and everything that refers to it, directly or by way of others."""
    reached = {goal}
    while True:
        more = {item["id"] for item in objects if references(item) & reached} - reached
        if not more:
            return reached
        reached |= more


def describe(source, node, wrapping, objects):
    """One file's row."""
    return {
        "source": source, "node": node, "wrapping": wrapping, "objects": len(objects),
        "by_type": dict(sorted(Counter(item["type"] for item in objects).items())),
        "by_marking": dict(sorted(Counter("+".join(marks(item)) or "none" for item in objects).items())),
    }


def roles():
    """The ids that the demo speaks of by the part they play."""
    named = {
        "kr_identity": kr.CERT, "us_identity": us.CERT, "campaign": kr.FERRY, "intrusion_set": kr.HERON,
        "red_in_report": kr.RED_INDICATOR, "report_with_red": kr.RED_REPORT,
        "note_on_report_with_red": "note/kr-on-attribution", "report_that_leaves": "report/kr-first-alert",
        "amber_for_approval": kr.AMBER_INDICATOR, "revoked_indicator": kr.REVOKED_INDICATOR,
        "superseded_object": kr_more.SUPERSEDED, "tightened_indicator": kr_more.TIGHTENED, "forged_target": kr.FORGED_TARGET,
        "granular_marked": kr.GRANULAR, "statement_marking": kr.STATEMENT, "statement_marked": "indicator/kr-subscriber-tip",
        "unknown_marking": kr.UNKNOWN, "unknown_marked": "indicator/kr-tier-three", "late_marking": kr.LATE,
        "late_marked": "indicator/kr-late-terms", "us_sighting_of_kr": "sighting/us-of-kr-staging",
        "jp_sighting_of_kr": "sighting/jp-of-kr-staging", "translated_object": kr.HERON,
        "translation": f"language-content/en {kr.HERON}",
    }
    ids = {role: stix_id(handle) for role, handle in named.items()}
    return {**ids, "contested_sco": RELAY["id"], "contested_sco_marked_clear": LURE_DOMAIN["id"],
            "unregistered_extension": kr.UNREGISTERED_EXTENSION}


def versions(files):
    """(id, modified) pairs, and the times of the versions that the demo watches."""
    watched = ("revoked_indicator", "superseded_object", "tightened_indicator", "forged_target")
    named = roles()
    found = {role: {} for role in watched}
    for name, _, _, _, objects in files:
        for item in objects:
            for role in watched:
                if item["id"] == named[role]:
                    found[role][name] = item["modified"]
    return found


def dangling(files):
    """References that no file of the sample can satisfy."""
    everything = [item for row in files for item in row[4]]
    known = {item["id"] for item in everything} | set(WELL_KNOWN.values())
    named = set().union(*(references(item) for item in everything))
    keys = {key for item in everything for key in item.get("extensions", {}) if key.startswith("extension-definition--")}
    return sorted((named | keys) - known)


def expected(files):
    """All of expected.json."""
    content = {row[0]: row[4] for row in files}
    cert = content["kr-cert.json"]
    us_cert = content["us-cert.json"]
    everything = [item for row in files for item in row[4]]
    feed = kr_feed.feed.objects
    sets = {
        "kr_cert_up_to_green": may_leave(cert),
        "kr_cert_up_to_green_once_statement_is_clear": may_leave(cert, also=("statement",)),
        "kr_cert_and_sensor_up_to_green": may_leave(cert + content["kr-sensor.json"]),
        "us_cert_up_to_green_without_kr": may_leave(us_cert),
        "us_cert_up_to_green_with_kr": may_leave(cert + us_cert) & {item["id"] for item in us_cert},
        "held_by_red_indicator": reaching(cert, stix_id(kr.RED_INDICATOR)),
        "held_by_amber_for_approval": reaching(cert, stix_id(kr.AMBER_INDICATOR)),
    }
    return {
        "about": "made by samples/make_campaign.py from the sample's data alone; sets leave marking-definitions out",
        "files": {name: describe(source, node, wrapping, objects) for name, source, node, wrapping, objects in files},
        "totals": {"objects": len(everything), "ids": len({item["id"] for item in everything}),
                   "versions": len({(item["id"], item.get("modified", item.get("created"))) for item in everything}),
                   "types": len({item["type"] for item in everything}), "unmarked_in_feed": len(feed)},
        "roles": roles(),
        "versions": versions(files),
        "dangling_by_design": dangling(files),
        "well_known_markings": WELL_KNOWN,
        "counts": {name: len(ids) for name, ids in sets.items()},
        "sets": {name: sorted(ids) for name, ids in sets.items()},
    }
