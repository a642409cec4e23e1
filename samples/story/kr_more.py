"""Three small Korean files that come later: the operator's sensor, an update, and a version that nobody else may see."""
from .base import Desk, at, flow, ip4, ip6, sco, stix_id, to_id
from .kr import CERT, GATELOOM, HANBIT, LATE, REVOKED_INDICATOR, kr
from .observables import C2_FIRST, EMS_SERVER, LURE_DOMAIN, RELAY

SENSOR = "identity/hanbit-sensor"
SUPERSEDED = GATELOOM
TIGHTENED = "indicator/kr-snort"

# ---- kr-sensor.json: source kr-sensor on node kr ----------------------------------------------------------------------
sensor = Desk(author=SENSOR, lang="ko")
sensor.add(SENSOR, "01-20 00:00", "tlp:green", name="한빛 경계 센서 3호", identity_class="system", sectors=["telecommunications"],
           description="한빛텔레콤 로밍 경계에 놓인 감지기. 견본에만 있다.")

USER_PLANE = [ip4("192.0.2.41"), ip4("192.0.2.42")]
ROAMING = ip6("2001:db8:41::2")
PROBES = [
    flow("03-16 03:00:01", RELAY, USER_PLANE[0], 2152, "ipv4", "udp", "gtp-user", src_port=2152, src_packets=12),
    flow("03-16 03:00:05", RELAY, USER_PLANE[1], 2152, "ipv4", "udp", "gtp-user", src_port=2152, src_packets=9),
    flow("03-16 03:02:40", RELAY, USER_PLANE[0], 8805, "ipv4", "udp", "pfcp", src_port=8805, src_packets=3),
    flow("03-16 03:05:11", USER_PLANE[0], C2_FIRST, 443, "ipv4", "tcp", "tls", src_port=41200, src_byte_count=220144),
]
# The two contested observables: kr-feed ships RELAY unmarked, kr-cert ships LURE_DOMAIN as CLEAR.
sensor.observe("tlp:amber", RELAY, LURE_DOMAIN)
sensor.observe("tlp:clear", C2_FIRST)
sensor.observe("tlp:green", EMS_SERVER, *USER_PLANE, ROAMING, sco("mac-addr", value="00:00:5e:00:53:41"), *PROBES)
sensor.table("observed-data", "key when marks first_observed last_observed number_observed object_refs", [
    ("sensor-probe", "03-16 04:00", "tlp:green", at("03-16 03:00:01"), at("03-16 03:02:40"), 24,
     [*PROBES[:3], RELAY, *USER_PLANE]),
    ("sensor-leak", "03-16 04:05", "tlp:green", at("03-16 03:05:11"), at("03-16 03:05:59"), 1, [PROBES[3], C2_FIRST]),
    ("sensor-lookup", "03-16 04:10", "tlp:amber", at("03-16 02:58:00"), at("03-16 02:58:00"), 2, [LURE_DOMAIN]),
])
sensor.table("sighting", "key when marks count sighting_of_ref observed_data_refs where_sighted_refs", [
    ("sensor-c2", "03-16 04:20", "tlp:green", 1, "indicator/kr-c2-first", ["observed-data/sensor-leak"], [HANBIT]),
    ("sensor-lure", "03-16 04:25", "tlp:amber", 2, "indicator/kr-lure-domain", ["observed-data/sensor-lookup"], [HANBIT]),
])
sensor.add("note/sensor-probe", "03-16 04:30", "tlp:green", abstract="중계기에서 온 탐색",
           content="같은 주소가 사용자 평면의 두 포트를 차례로 두드렸다.", object_refs=["observed-data/sensor-probe"])


# ---- kr-update.json: source kr-cert again, two weeks later -------------------------------------------------------------
def newer(handle, when, **changes):
    """The author's newer version of an object of kr-cert.json."""
    old = next(item for item in kr.objects if item["id"] == stix_id(handle))
    return {**old, "modified": at(when), **changes}


update = Desk(author=CERT, lang="ko")
update.objects.append(newer(REVOKED_INDICATOR, "03-25 06:00", revoked=True))
update.objects.append(newer(
    SUPERSEDED, "03-25 06:10", aliases=["게이트룸"],
    description="장비 관리 서버의 감사 모듈로 위장하는 백도어. 3월 하순부터는 광 접속 감시 설비에서도 나온다."))
update.add("language-content/en malware/gateloom", "03-02 10:10", "tlp:clear", modified="03-25 06:20", lang=None,
           object_ref=SUPERSEDED, object_modified=at("03-25 06:10"),
           contents={"en": {"description": "A backdoor that poses as the audit module of an element manager; since late March "
                                           "also found in fibre splice monitors."}})
update.add(LATE, "03-12 05:00", name="늦게 온 이용 조건", definition_type="statement",
           definition={"statement": "받은 기관 안에서만 쓴다."})

# ---- kr-tighten.json: a newer version, RED, of an indicator that was CLEAR: the older one is superseded without words ---
tighten = Desk(author=CERT, lang="ko")
tighten.objects.append(newer(TIGHTENED, "03-26 06:00", object_marking_refs=[to_id("tlp:red")],
                             description="수사 중이므로 회의에 있던 사람만 안다."))
