"""The United States desk: the radio-unit vendor's side of the same attack. Sources us-cert and us-rumour on node us.

This desk marks with TLP 1.0 where its older tools do, and calls the intrusion set by a number of its own.
"""
from .base import Desk, at, file, flow, ip4, mitre, phase, sco, stix_id
from .kr import FIBERGNAT, FERRY, FORGED_TARGET, HERON, RADIO, kr
from .observables import BUILD_SERVER, FIBERGNAT_FILE, FIRMWARE_FILE, STAGING, SUPPLIER_DOMAIN

CERT = "identity/us-cert"
CLUSTER = "intrusion-set/us-cluster-0417"
GUEST = "malware/us-fibergnat-guest"

us = Desk(author=CERT, lang="en")

us.table("identity", "key when name identity_class sectors description", [
    ("us-cert", "01-05 00:00", "US sample CERT", "organization", ["government"], "An invented national CERT of the sample."),
    ("us-integrator", "01-05 00:10", "Mesa Line Integration", "organization", ["technology"],
     "An invented contractor that runs the vendor's build servers."),
], marks="tlp1:white")
us.add("location/us-lab", "01-05 01:00", "tlp1:white", name="Vendor test range", country="US", administrative_area="US-CO")

us.add(CLUSTER, "02-27 15:00", "tlp1:white", name="Cluster 0417", first_seen=at("01-09 00:00"),
       primary_motivation="organizational-gain", goals=["Ship altered firmware to operators abroad"],
       description="Activity in a radio vendor's build environment. We believe Seoul follows the same people under another name.")
us.add("campaign/us-quiet-release", "02-27 15:10", "tlp1:white", name="Quiet Release", first_seen=at("01-09 00:00"),
       description="A hotfix left the vendor's build server with a loader inside and reached two operators.")
us.table("attack-pattern", "key when name description external_references kill_chain_phases", [
    ("us-build-tamper", "02-27 16:00", "Altered build step",
     "A step of the build script was replaced between check-in and signing.",
     mitre("T1195.002"), phase("initial-access")),
    ("us-ssh-hop", "02-27 16:05", "Hop over remote shell", "The contractor's jump host was used to reach the build server.",
     mitre("T1021.004"), phase("lateral-movement")),
    ("us-web-shell", "02-27 16:10", "Shell behind the ticket page", "A page on the ticket server answered commands.",
     mitre("T1505.003"), phase("persistence")),
], marks="tlp1:white")
us.add(GUEST, "02-28 15:00", "tlp1:green", name="FIBERGNAT, firmware guest", malware_types=["dropper"], is_family=False,
       sample_refs=[FIBERGNAT_FILE], capabilities=["installs-other-components", "evades-av"],
       description="The loader as it sits inside the radio unit's hotfix image.")
us.add("malware-analysis/us-guest-emulation", "02-28 17:00", "tlp1:green", product="sample-emulator", result="malicious",
       version="4.4", analysis_started=at("02-28 15:30"), analysis_ended=at("02-28 16:40"), sample_ref=FIRMWARE_FILE,
       analysis_sco_refs=[FIBERGNAT_FILE, STAGING])
us.add("tool/us-jumpbox", "02-28 15:20", "tlp1:white", name="jumpline", tool_types=["remote-access"],
       description="The contractor's own remote access tool, used with stolen keys.")
us.add("vulnerability/us-unsigned-hotfix", "03-01 15:00", "tlp:amber", name="SVD-2026-0002",
       description="The radio unit accepts a hotfix without checking its signature. No fix yet.",
       external_references=[{"source_name": "sample-vulnerability-desk", "external_id": "SVD-2026-0002"}])
us.table("infrastructure", "key when marks name infrastructure_types description", [
    ("us-drop", "02-28 18:00", "tlp1:white", "Loader drop", ["staging"], "Where the guest asks for its second part."),
    ("us-ticket-server", "02-28 18:05", "tlp:amber+strict", "Ticket server", ["command-and-control"],
     "A server of the contractor that is still being watched with its consent."),
])
us.table("incident", "key when marks name description", [
    ("us-build", "02-27 14:00", "tlp1:white", "Build server intrusion at Corvid Peak Radio", "One hotfix image was altered."),
    ("us-jump", "02-27 14:10", "tlp1:amber", "Jump host intrusion at Mesa Line", "Keys of four engineers were copied."),
])
us.table("course-of-action", "key when name description", [
    ("us-rebuild", "03-01 16:00", "Rebuild and compare", "Build the hotfix twice on separate machines and compare the images."),
    ("us-rotate-keys", "03-01 16:05", "Replace engineers' keys", "Issue new keys on hardware tokens and close the jump host."),
], marks="tlp1:white")

# ---- observables, indicators ----------------------------------------------------------------------------------------
ODD_HOURS = flow("02-14 08:41:00", BUILD_SERVER, STAGING, 8443, "ipv4", "tcp", "http", src_port=50901, dst_byte_count=61702)
SHELL_FILE = file("ticket_old.php", "shell behind the ticket page", size=3311)
SECOND_DROP = ip4("198.51.100.24")
us.observe("tlp1:white", SUPPLIER_DOMAIN, STAGING, SECOND_DROP, FIBERGNAT_FILE, SHELL_FILE)
us.observe("tlp1:green", BUILD_SERVER, ODD_HOURS, FIRMWARE_FILE, sco("user-account", account_login="mesa-build",
           account_type="ldap"))
us.add("observed-data/us-odd-hours", "02-27 18:00", "tlp1:green", first_observed=at("02-14 08:41"),
       last_observed=at("02-25 08:43"),
       number_observed=11, object_refs=[ODD_HOURS, BUILD_SERVER, STAGING])
us.table("indicator", "key when marks name indicator_types pattern description", [
    ("us-drop-second", "02-28 19:00", "tlp1:white", "Second loader drop", ["malicious-activity"],
     "[ipv4-addr:value = '198.51.100.24']",
     "The second address the guest asks."),
    ("us-firmware", "02-28 19:05", "tlp1:green", "Altered hotfix image", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{FIRMWARE_FILE['hashes']['SHA-256']}']",
     "The image as it was offered for download."),
    ("us-shell", "02-28 19:10", "tlp1:white", "Shell behind the ticket page", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{SHELL_FILE['hashes']['SHA-256']}' AND file:name = 'ticket_old.php']",
     "Found behind the contractor's ticket page."),
    ("us-vendor-lookalike", "02-28 19:15", "tlp1:white", "Lookalike of the vendor's firmware site", ["malicious-activity"],
     "[domain-name:value = 'firmware.corvid-peak-support.example']",
     "Registered a week before the hotfix."),
    ("us-jump-keys", "03-01 19:00", "tlp1:amber", "Copied keys in use", ["compromised"],
     "[network-traffic:dst_port = 22 AND network-traffic:src_ref.value = '203.0.113.140']",
     "Logins with the copied keys."),
    ("us-watched", "03-01 19:05", "tlp1:red", "The watched session", ["attribution"],
     "[network-traffic:dst_ref.value = '192.0.2.131' AND network-traffic:dst_port = 8080]",
     "Under observation; for the people in the room only."),
], pattern_type="stix")

# ---- relationships, and what this desk says about Korean objects ----------------------------------------------------
us.link("tlp1:white", [
    ("03-02 15:00", "campaign/us-quiet-release", "attributed-to", CLUSTER),
    ("03-02 15:01", "campaign/us-quiet-release", "uses", "attack-pattern/us-build-tamper"),
    ("03-02 15:02", CLUSTER, "uses", "attack-pattern/us-ssh-hop"),
    ("03-02 15:03", CLUSTER, "uses", "attack-pattern/us-web-shell"),
    ("03-02 15:04", CLUSTER, "uses", "tool/us-jumpbox"),
    ("03-02 15:05", "campaign/us-quiet-release", "targets", "identity/us-integrator"),
    ("03-02 15:06", "infrastructure/us-drop", "consists-of", STAGING),
    ("03-02 15:07", "infrastructure/us-drop", "consists-of", SECOND_DROP),
    ("03-02 15:08", "indicator/us-drop-second", "indicates", "infrastructure/us-drop"),
    ("03-02 15:09", "indicator/us-shell", "indicates", "attack-pattern/us-web-shell"),
    ("03-02 15:10", "indicator/us-vendor-lookalike", "indicates", "campaign/us-quiet-release"),
    ("03-02 15:11", "course-of-action/us-rebuild", "mitigates", "attack-pattern/us-build-tamper"),
    ("03-02 15:12", "course-of-action/us-rotate-keys", "mitigates", "attack-pattern/us-ssh-hop"),
    # The next ones name Korean objects: complete only where those have arrived.
    ("03-10 15:00", CLUSTER, "related-to", HERON, "Same loader, same drop server, same hours."),
    ("03-10 15:01", "campaign/us-quiet-release", "related-to", FERRY),
    ("03-10 15:02", "incident/us-build", "related-to", RADIO),
])
us.link("tlp1:green", [
    ("03-02 15:20", CLUSTER, "uses", GUEST),
    ("03-02 15:21", "indicator/us-firmware", "indicates", GUEST),
    ("03-10 15:10", GUEST, "variant-of", FIBERGNAT),
])
us.link("tlp:amber", [("03-02 15:30", GUEST, "exploits", "vulnerability/us-unsigned-hotfix")])
us.table("sighting", "key when marks count sighting_of_ref observed_data_refs where_sighted_refs first_seen last_seen", [
    ("us-of-kr-staging", "03-10 16:00", "tlp1:green", 11, "indicator/kr-staging", ["observed-data/us-odd-hours"], [RADIO],
     at("02-14 08:41"), at("02-25 08:43")),
    ("us-of-kr-fibergnat", "03-10 16:05", "tlp1:white", 1, "indicator/kr-fibergnat-file", None, [RADIO],
     at("02-25 00:00"), at("02-25 00:00")),
    ("us-of-kr-c2", "03-10 16:10", "tlp1:white", 4, "indicator/kr-c2-second", None, ["identity/us-integrator"],
     at("03-04 00:00"), at("03-09 00:00")),
])
us.table("opinion", "key when marks opinion explanation object_refs", [
    ("us-on-kr-report", "03-11 15:00", "tlp1:white", "strongly-agree", "Matches what we hold, hour by hour.",
     ["report/kr-first-alert"]),
    ("us-on-kr-cdn", "03-11 15:05", "tlp1:white", "strongly-disagree", "A content network that our agencies use every day.",
     ["indicator/kr-shared-cdn"]),
], authors=["Sample watch floor"])
us.add("note/us-hours", "03-11 15:10", "tlp1:white", abstract="Working hours", object_refs=[CLUSTER],
       authors=["Sample watch floor"],
       content="Commands reached the build server between 00:00 and 03:00 UTC, on working days in Seoul and Tokyo.")
us.add("grouping/us-hotfix", "03-11 15:20", "tlp1:green", name="Hotfix case", context="malware-analysis",
       object_refs=["indicator/us-firmware", GUEST, FIRMWARE_FILE, "malware-analysis/us-guest-emulation"])
us.add("report/us-quiet-release", "03-12 15:00", "tlp1:white", name="Quiet Release: a vendor's hotfix with a guest",
       report_types=["campaign", "attack-pattern"],
       description="What operators that bought the hotfix should look for this week.",
       object_refs=["campaign/us-quiet-release", CLUSTER, "indicator/us-drop-second", "indicator/us-shell",
                    "indicator/us-vendor-lookalike", "course-of-action/us-rebuild"])
us.translate("tlp1:white", "ko", [
    ("03-12 16:00", "report/us-quiet-release", {"name": "조용한 배포: 손님이 든 장비사 수정본",
     "description": "수정본을 받은 통신사가 이번 주에 살펴볼 것."}),
    ("03-12 16:05", "course-of-action/us-rebuild", {"name": "다시 만들어 견주기", "description": "수정본을 서로 다른 두 기계에서 만들어 견준다."}),
    ("03-12 16:10", CLUSTER, {"name": "0417 무리", "goals": ["바꿔치기한 펌웨어를 해외 통신사에 보내기"]}),
])

# ---- us-forged.json: source us-rumour, which is not the owner of what it speaks of -----------------------------------
forged = Desk(lang="en")
TARGET = next(item for item in kr.objects if item["id"] == stix_id(FORGED_TARGET))
# Everything says "Korea revoked this", and nothing but the way it came says otherwise.
forged.objects.append({**TARGET, "modified": at("03-28 03:14:15.926"), "revoked": True})
forged.add("note/us-rumour", "03-28 03:20", "tlp1:white", abstract="Heard on a mailing list", object_refs=[FORGED_TARGET],
           content="Somebody says that Seoul took this indicator back. We have not asked Seoul.")
