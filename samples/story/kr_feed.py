"""An automatic Korean feed, as such feeds are: no creator, no marking, microseconds in its times. Source kr-feed on node kr.

Nothing of it may leave until somebody answers for the source: bongsu source add kr-feed --assume tlp:clear --because ...
"""
from .base import Desk, domain, file, flow, ip4, ip6, sco, url
from .observables import RELAY

feed = Desk()

SCANNERS = [ip4(f"198.51.100.{last}") for last in (101, 104, 109, 113, 118, 122, 127, 131)]
RELAYS = [RELAY] + [ip4(f"203.0.113.{last}") for last in (201, 205, 209)]
LURES = [domain(f"{word}.hanbit-care.example") for word in ("billing", "point", "roaming", "event", "usim", "my")]
KITS = [file(name, "kit " + name, size=size) for name, size in (
    ("청구서.lnk", 2048), ("usim_check.apk", 812345), ("점검안내.hwpx", 73114), ("rucfg.sh", 911), ("emsd.patch", 4410),
    ("upfstat.bak", 98304))]

feed.observe("", *SCANNERS, *RELAYS, ip6("2001:db8:6e:4::101"), ip6("2001:db8:6e:4::104"))
feed.observe("", *LURES, domain("cp-mirror.test"), domain("splice-monitor.test"))
feed.observe("", *(url(f"https://{item['value']}/login") for item in LURES[:5]), url("http://203.0.113.201/rucfg.sh"))
feed.observe("", *KITS)
feed.observe("", sco("autonomous-system", number=64501, name="Sample Transit Two"),
             sco("autonomous-system", number=64510), sco("email-addr", value="bill@hanbit-care.example"),
             sco("email-addr", value="event@hanbit-care.example"), sco("directory", path="/var/tmp/.rucfg"),
             sco("mutex", name="Global\\rucfg-lock"),
             sco("software", name="Sample Radio Shell", vendor="Corvid Peak Radio", version="7.4.1"),
             flow("03-15 21:10:04", RELAYS[1], RELAY, 2152, "ipv4", "udp", "gtp-user", src_port=2152),
             flow("03-15 21:10:09", RELAYS[2], RELAY, 2152, "ipv4", "udp", "gtp-user", src_port=2152))

# The feed's indicators, one for each thing above that it thinks worth blocking.
BLOCK = [("ipv4-addr:value", item["value"]) for item in SCANNERS[:6] + RELAYS]
BLOCK += [("domain-name:value", item["value"]) for item in LURES]
BLOCK += [("file:hashes.'SHA-256'", item["hashes"]["SHA-256"]) for item in KITS[:4]]
BLOCK += [("url:value", "http://203.0.113.201/rucfg.sh")]
for number, (path, value) in enumerate(BLOCK):
    feed.add(f"indicator/feed {number}", f"03-15 22:{number:02}:07.{(number * 48271 + 101003) % 1000000:06}",
             pattern=f"[{path} = '{value}']", pattern_type="stix", indicator_types=["malicious-activity"])
