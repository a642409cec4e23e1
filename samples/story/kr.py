"""The Korean desk: what the sample's national CERT knows of the attack on Hanbit Telecom. Source kr-cert on node kr."""
from .base import Desk, at, hashes, mitre, phase
from .observables import (
    BEACON, C2_FIRST, C2_SECOND, C2_SIX, CERTIFICATE, DROP_URL, EMS_CARD, EMS_SERVER, EMS_SOFTWARE, FIBERGNAT_FILE,
    FIRMWARE_ARTIFACT, FIRMWARE_FILE, GATELOOM_FILE, GATELOOM_MUTEX, GATELOOM_PROCESS, HOSTING_AS, LOADER_DIR,
    LOADER_FETCH, LURE_DOMAIN, LURE_DOMAIN_KO, LURE_MAIL, LURE_SENDER, LURE_URL, MAINTENANCE_USER, SALTWICK_FILE,
    SALTWICK_KEY, STAGING, SUPPLIER_DOMAIN, TOLLBELL_FILE, VICTIM_BOX)

CERT = "identity/kr-csirt"
HANBIT = "identity/hanbit-telecom"
RADIO = "identity/corvid-peak"
FIBRE = "identity/shiosai-fibre"
HERON = "intrusion-set/paper-heron"
FERRY = "campaign/ferry-crossing"
GATELOOM = "malware/gateloom"
FIBERGNAT = "malware/fibergnat"
TOLLBELL = "malware/tollbell"
SALTWICK = "malware/saltwick"

RED_INDICATOR = "indicator/kr-operator-panel"
RED_REPORT = "report/kr-attribution"
AMBER_INDICATOR = "indicator/kr-maintenance-login"
REVOKED_INDICATOR = "indicator/kr-shared-cdn"
FORGED_TARGET = "indicator/kr-gateloom-file"
GRANULAR = "incident/kr-ems"
STATEMENT = "marking-definition/kr-operator-terms"
UNKNOWN = "marking-definition/kr-unregistered"
LATE = "marking-definition/kr-late-terms"  # used here, defined only in kr-update.json
UNREGISTERED_EXTENSION = "extension-definition--5f0c1f7e-8f0a-4e0b-9a51-6a2f6f1e7c11"  # defined nowhere, on purpose

kr = Desk(author=CERT, lang="ko")

# ---- who, and where -------------------------------------------------------------------------------------------------
kr.table("identity", "key when name identity_class sectors description", [
    ("kr-csirt", "01-05 00:00", "KR-CSIRT sample", "organization", ["government"],
     "견본에만 있는 대한민국 침해사고 대응팀. 실제 기관이 아니다."),
    ("hanbit-telecom", "01-05 00:10", "한빛텔레콤", "organization", ["telecommunications"],
     "가상의 이동통신사. 영문명 Hanbit Telecom."),
    ("corvid-peak", "01-05 00:20", "Corvid Peak Radio", "organization", ["technology"],
     "한빛텔레콤에 무선 장비를 공급하는 가상의 미국 업체."),
    ("shiosai-fibre", "01-05 00:30", "潮騒光ファイバー", "organization", ["technology"],
     "해저 구간 광섬유를 공급하는 가상의 일본 업체. 영문명 Shiosai Fibre."),
    ("kr-operators", "01-05 00:40", "국내 이동통신사", "class", ["telecommunications"], "국내 이동통신사 전체를 가리킨다."),
], marks="tlp:clear")

kr.table("location", "key when name country city latitude longitude", [
    ("seoul", "01-05 01:00", "서울 핵심망 센터", "KR", "Seoul", 37.5, 127.0),
    ("busan", "01-05 01:01", "부산 해저 케이블 육양국", "KR", "Busan", 35.1, 129.1),
    ("fukuoka", "01-05 01:02", "후쿠오카 접속 설비", "JP", "Fukuoka", 33.6, 130.4),
    ("colorado", "01-05 01:03", "콜로라도 장비 시험장", "US", "Boulder", 40.0, -105.3),
], marks="tlp:clear")

# ---- markings of our own --------------------------------------------------------------------------------------------
kr.add(STATEMENT, "01-06 00:00", name="한빛텔레콤 제공 조건", definition_type="statement",
       definition={"statement": "한빛텔레콤이 제공한 정보. 방어 목적으로만 쓰고 출처를 밝히지 않는다."})
kr.add(UNKNOWN, "01-06 00:05", name="이용 범위 시험 표시",
       extensions={UNREGISTERED_EXTENSION: {"extension_type": "property-extension", "audience_tier": "three"}})

# ---- the adversary --------------------------------------------------------------------------------------------------
kr.add("threat-actor/tidewright", "03-20 02:00", "tlp:green", name="물때지기", aliases=["Tidewright"],
       threat_actor_types=["spy"], roles=["director"], sophistication="advanced", resource_level="organization",
       primary_motivation="organizational-gain", first_seen=at("01-11 00:00"),
       description="종이왜가리의 지휘 통신에서 한 사람으로 보이는 운영자. 한국 시각 오전에만 활동한다.")
kr.add(HERON, "03-02 01:00", "tlp:clear", name="종이왜가리", aliases=["Paper Heron"], first_seen=at("01-11 00:00"),
       goals=["통신망 유지보수 경로 확보", "가입자 이동 기록 열람"], resource_level="organization",
       primary_motivation="organizational-gain",
       description="통신사와 그 공급사를 함께 노리는 침입 집합. 공급사의 원격 유지보수 계정을 발판으로 삼는다.")
kr.add(FERRY, "03-02 01:30", "tlp:clear", name="나루터 작전", aliases=["Ferry Crossing"], first_seen=at("02-17 00:00"),
       objective="공급사를 거쳐 통신사 핵심망에 닿기",
       description="거짓 패치 안내 메일로 시작해 장비 관리 서버와 사용자 평면 장비까지 번진 공격.")

kr.table("attack-pattern", "key when name description external_references kill_chain_phases", [
    ("supplier-firmware", "03-02 02:00", "공급사 펌웨어 변조", "정식 배포본에 적재기를 끼워 넣는다.", mitre("T1195.002"), phase("initial-access")),
    ("patch-lure", "03-02 02:01", "거짓 패치 안내 메일", "장비사 기술지원을 사칭해 점검 결과 문서를 보낸다.", mitre("T1566.001"), phase("initial-access")),
    ("maintenance-login", "03-02 02:02", "유지보수 계정 도용", "훔친 공급사 계정으로 장비 관리 서버에 들어온다.", mitre("T1078"),
     phase("privilege-escalation")),
    ("ems-exploit", "03-02 02:03", "관리 서버 취약점 악용", "공개된 관리 화면의 인증 우회를 쓴다.", mitre("T1190"), phase("initial-access")),
    ("shell-on-ems", "03-02 02:04", "관리 서버 셸 실행", "점검 스크립트로 위장한 셸 명령을 돌린다.", mitre("T1059.004"), phase("execution")),
    ("tunnel-in-gtp", "03-02 02:05", "사용자 평면 터널 은닉", "명령을 가입자 통신과 같은 터널에 숨긴다.", mitre("T1572"), phase("command-and-control")),
    ("session-watch", "03-02 02:06", "세션 기록 엿보기", "세션 설정 메시지에서 이동 기록을 추린다.", mitre("T1040"), phase("collection")),
    ("log-trim", "03-02 02:07", "접속 기록 삭제", "관리 서버의 접속 기록에서 자기 줄만 지운다.", mitre("T1070"), phase("defense-evasion")),
], marks="tlp:clear")

kr.table("malware", "key when marks name malware_types capabilities description sample_refs", [
    ("gateloom", "03-02 03:00", "tlp:clear", "GATELOOM", ["backdoor"], ["communicates-with-c2", "hides-artifacts"],
     "장비 관리 서버의 감사 모듈로 위장하는 백도어.", [GATELOOM_FILE]),
    ("fibergnat", "03-02 03:10", "tlp:clear", "FIBERGNAT", ["dropper"], ["installs-other-components"],
     "무선 장비 펌웨어와 접속 설비에서 함께 발견된 적재기.", [FIBERGNAT_FILE]),
    ("tollbell", "03-05 03:00", "tlp:green", "TOLLBELL", ["spyware"], ["captures-system-state-data", "exfiltrates-data"],
     "사용자 평면 장비에서 세션 기록을 추려 터널로 내보내는 도구.", [TOLLBELL_FILE]),
    ("saltwick", "03-05 03:10", "tlp:clear", "SALTWICK", ["downloader"], ["steals-authentication-credentials"],
     "점검 문서에 숨은 매크로. 유지보수 계정 정보를 훔친다.", [SALTWICK_FILE]),
], is_family=True)

kr.table("malware-analysis", "key when marks product version result result_name analysis_sco_refs sample_ref", [
    ("gateloom-static", "03-03 05:00", "tlp:clear", "sample-static", "2.1", "malicious", "Backdoor.Gateloom", [GATELOOM_MUTEX],
     GATELOOM_FILE),
    ("saltwick-dynamic", "03-06 05:00", "tlp:clear", "sample-sandbox", "9.0", "malicious", "Macro.Saltwick", [SALTWICK_KEY],
     SALTWICK_FILE),
    ("firmware-diff", "03-11 05:00", "tlp:amber", "sample-firmware-diff", "0.8", "suspicious", "Firmware.Guest", [FIBERGNAT_FILE],
     FIRMWARE_FILE),
])

kr.table("tool", "key when name tool_types description", [
    ("pathrunner", "03-04 01:00", "pathrunner", ["remote-access"], "공개된 포트 중계 도구. 공급사망과 통신사망을 잇는 데 쓰였다."),
    ("ringlist", "03-04 01:10", "ringlist", ["network-capture"], "세션 관리 기능의 접속점을 나열하는 점검 도구. 본래는 정상 도구이다."),
], marks="tlp:clear")

kr.table("vulnerability", "key when marks name description external_references", [
    ("ems-bypass", "03-04 02:00", "tlp:clear", "SVD-2026-0001", "장비 관리 서버 5.2.0 이하의 인증 우회.",
     [{"source_name": "sample-vulnerability-desk", "external_id": "SVD-2026-0001"}]),
    ("ru-unsigned", "03-04 02:05", "tlp:amber", "SVD-2026-0002", "무선 장비가 임시 수정본의 서명을 확인하지 않는다. 수정본 배포 전.",
     [{"source_name": "sample-vulnerability-desk", "external_id": "SVD-2026-0002"}]),
    ("splice-default", "03-04 02:10", "tlp:green", "SVD-2026-0003", "광 접속 감시 설비의 출고 비밀번호가 모두 같다.",
     [{"source_name": "sample-vulnerability-desk", "external_id": "SVD-2026-0003"}]),
])

kr.table("infrastructure", "key when marks name infrastructure_types description first_seen", [
    ("c2-front", "03-02 04:00", "tlp:clear", "지휘 서버 앞단", ["command-and-control"], "443번 포트로 신호를 받는 두 대.", at("01-28 00:00")),
    ("staging", "03-02 04:10", "tlp:clear", "적재기 배포 서버", ["staging"], "적재기를 내려 주는 서버.", at("02-01 00:00")),
    ("lure-sites", "03-02 04:20", "tlp:clear", "사칭 안내 사이트", ["phishing"], "패치 안내를 흉내 낸 사이트.", at("02-10 00:00")),
    ("operator-panel", "03-18 04:00", "tlp:amber+strict", "운영자 화면", ["command-and-control"], "운영자가 접속하는 관리 화면.",
     at("02-02 00:00")),
])

AMBER_WORDS = [{"marking_ref": "tlp:amber", "selectors": ["description"]}]
kr.table("incident", "key when marks name description granular_markings", [
    ("kr-lure", "02-20 00:00", "tlp:clear", "거짓 패치 안내 메일 수신", "한빛텔레콤 NOC가 사칭 메일을 받고 문서를 열었다.", None),
    ("kr-ems", "02-21 00:00", "tlp:green", "장비 관리 서버 침해", "관리 서버에서 GATELOOM이 발견되었다. 담당자 연락 체계는 별도로 공유한다.",
     AMBER_WORDS),
    ("kr-upf", "03-05 00:00", "tlp:amber", "사용자 평면 장비 침해", "두 대의 사용자 평면 장비에서 세션 기록이 새어 나갔다.", None),
])

kr.table("course-of-action", "key when name description", [
    ("patch-ems", "03-06 01:00", "관리 서버 갱신", "장비 관리 서버를 5.2.3 이상으로 올리고 관리 화면을 사설망 안에 둔다."),
    ("rotate-maintenance", "03-06 01:05", "유지보수 계정 교체", "공급사 계정을 모두 새로 만들고 접속할 때마다 승인한다."),
    ("block-lure", "03-06 01:10", "사칭 도메인 차단", "알려진 사칭 도메인과 배포 서버를 이름 풀이와 경계에서 막는다."),
    ("check-firmware", "03-06 01:15", "펌웨어 서명 확인", "설치 전에 배포본의 해시를 공급사와 전화로 맞춘다."),
    ("watch-tunnels", "03-06 01:20", "터널 끝점 감시", "허용 목록에 없는 터널 끝점이 나타나면 경보를 낸다."),
], marks="tlp:clear")

# ---- indicators -----------------------------------------------------------------------------------------------------


def sha(item):
    return item["hashes"]["SHA-256"]


kr.table("indicator", "key when marks name indicator_types pattern description", [
    ("kr-c2-first", "03-02 06:00", "tlp:clear", "GATELOOM 지휘 서버 1", ["malicious-activity"],
     "[ipv4-addr:value = '203.0.113.66']", "1월 28일부터 쓰인 지휘 서버."),
    ("kr-c2-second", "03-02 06:01", "tlp:clear", "GATELOOM 지휘 서버 2", ["malicious-activity"],
     "[ipv4-addr:value = '203.0.113.140']", "앞 서버가 막히자 옮겨 온 곳."),
    ("kr-c2-six", "03-02 06:02", "tlp:green", "GATELOOM 지휘 서버 (IPv6)", ["malicious-activity"],
     "[ipv6-addr:value = '2001:db8:6e:4::66']", "같은 서버의 IPv6 주소."),
    ("kr-staging", "03-02 06:03", "tlp:clear", "적재기 배포 서버", ["malicious-activity"],
     "[ipv4-addr:value = '198.51.100.23'] OR [url:value = 'http://198.51.100.23:8443/a/fg.bin']", "FIBERGNAT을 내려 준다."),
    ("kr-lure-domain", "03-02 06:04", "tlp:clear", "사칭 도메인", ["malicious-activity"],
     f"[domain-name:value IN ('ems-update.hanbit-care.example', '{LURE_DOMAIN_KO['value']}')]", "패치 안내를 사칭한다."),
    ("kr-supplier-domain", "03-02 06:05", "tlp:clear", "공급사 사칭 도메인", ["malicious-activity"],
     "[domain-name:value = 'firmware.corvid-peak-support.example']", "무선 장비사 기술지원을 사칭한다."),
    ("kr-gateloom-file", "03-02 06:06", "tlp:clear", "GATELOOM 파일", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{sha(GATELOOM_FILE)}']", "감사 모듈로 위장한 공유 라이브러리."),
    ("kr-fibergnat-file", "03-02 06:07", "tlp:clear", "FIBERGNAT 파일", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{sha(FIBERGNAT_FILE)}']", "적재기 본체."),
    ("kr-saltwick-file", "03-05 06:00", "tlp:clear", "SALTWICK 문서", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{sha(SALTWICK_FILE)}' AND file:name LIKE '점검결과_%']", "매크로가 든 점검 결과 문서."),
    ("kr-tollbell-file", "03-05 06:01", "tlp:green", "TOLLBELL 파일", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{sha(TOLLBELL_FILE)}']", "사용자 평면 장비에서 나왔다."),
    ("kr-lure-mail", "03-05 06:02", "tlp:clear", "사칭 메일", ["malicious-activity"],
     "[email-message:from_ref.value = 'support@corvid-peak-support.example' AND email-message:subject LIKE '[긴급]%']",
     "기술지원을 사칭한 메일."),
    ("kr-beacon-chain", "03-05 06:03", "tlp:green", "적재 후 신호", ["anomalous-activity"],
     "([network-traffic:dst_port = 8443] FOLLOWEDBY [network-traffic:dst_ref.value = '203.0.113.66']) WITHIN 300 SECONDS",
     "내려받은 지 5분 안에 신호를 보낸다."),
    ("kr-shared-cdn", "03-05 06:04", "tlp:clear", "공유 배포망 주소", ["anomalous-activity"],
     "[ipv4-addr:value = '198.51.100.88']", "배포 서버로 의심된다. 여러 고객이 함께 쓰는 주소일 수 있다."),
    (AMBER_INDICATOR.split("/")[1], "03-10 06:00", "tlp:amber", "도용된 유지보수 계정", ["compromised"],
     "[user-account:account_login = 'cpmaint']", "공급사가 계정을 모두 바꿀 때까지 승인 없이 내보내지 않는다."),
    ("kr-firmware-image", "03-11 06:00", "tlp:amber", "변조된 펌웨어", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{sha(FIRMWARE_FILE)}']", "수정본이 나오기 전까지 공급사와만 나눈다."),
    (RED_INDICATOR.split("/")[1], "03-18 06:00", "tlp:red", "운영자 화면 인증서", ["attribution"],
     f"[x509-certificate:hashes.'SHA-256' = '{hashes('certificate of the panel')['SHA-256']}']",
     "수사 중인 단서. 회의에 있던 사람만 안다."),
    ("kr-subscriber-tip", "03-12 06:00", "tlp:clear " + STATEMENT, "신고된 접속점", ["anomalous-activity"],
     "[domain-name:value = 'relay-7.hanbit-care.example']", "한빛텔레콤이 조건을 붙여 건넨 단서."),
    ("kr-tier-three", "03-12 06:10", UNKNOWN, "범위 표시 시험", ["anomalous-activity"],
     "[domain-name:value = 'relay-8.hanbit-care.example']", "아무도 등록하지 않은 표시가 붙어 있다."),
    ("kr-late-terms", "03-12 06:20", "tlp:clear " + LATE, "조건 미도착 단서", ["anomalous-activity"],
     "[domain-name:value = 'relay-9.hanbit-care.example']", "표시의 정의가 아직 오지 않았다."),
], pattern_type="stix")
kr.add("indicator/kr-yara", "03-06 06:00", "tlp:clear", name="GATELOOM 야라 규칙", indicator_types=["malicious-activity"],
       pattern_type="yara", pattern='rule sample_gateloom { strings: $a = "ems-audit-7f3a" condition: $a }',
       description="뮤텍스 이름을 찾는 규칙.")
kr.add("indicator/kr-snort", "03-06 06:10", "tlp:clear", name="적재기 요청 규칙", indicator_types=["malicious-activity"],
       pattern_type="snort", description="적재기를 내려받는 요청을 잡는 규칙.",
       pattern='alert tcp any any -> 198.51.100.23 8443 (msg:"sample loader"; content:"/a/fg.bin"; sid:9000001; rev:1;)')

# ---- what was seen --------------------------------------------------------------------------------------------------
kr.observe("tlp:clear", C2_FIRST, C2_SECOND, STAGING, LURE_DOMAIN, LURE_DOMAIN_KO, SUPPLIER_DOMAIN, LURE_URL, DROP_URL,
           HOSTING_AS, LURE_SENDER, CERTIFICATE, LOADER_DIR, GATELOOM_FILE, FIBERGNAT_FILE, SALTWICK_FILE, EMS_SOFTWARE,
           GATELOOM_MUTEX, SALTWICK_KEY)
kr.observe("tlp:green", C2_SIX, TOLLBELL_FILE, EMS_SERVER, BEACON, LOADER_FETCH)
kr.observe("tlp:amber", FIRMWARE_FILE, FIRMWARE_ARTIFACT, VICTIM_BOX, LURE_MAIL, MAINTENANCE_USER, GATELOOM_PROCESS, EMS_CARD)

kr.table("observed-data", "key when marks first_observed last_observed number_observed object_refs", [
    ("kr-beacon", "02-21 02:00", "tlp:green", at("02-19 18:04"), at("02-20 23:50"), 412, [BEACON, EMS_SERVER, C2_FIRST]),
    ("kr-fetch", "02-21 02:10", "tlp:green", at("02-19 18:01"), at("02-19 18:02"), 1, [LOADER_FETCH, FIBERGNAT_FILE, STAGING]),
    ("kr-mail", "02-20 02:00", "tlp:amber", at("02-17 00:12"), at("02-17 00:12"), 3, [LURE_MAIL, LURE_SENDER, SALTWICK_FILE]),
    ("kr-process", "02-21 02:20", "tlp:amber", at("02-19 18:03"), at("02-20 23:50"), 1, [GATELOOM_PROCESS, GATELOOM_MUTEX]),
])
kr.table("sighting", "key when marks count sighting_of_ref observed_data_refs where_sighted_refs first_seen last_seen", [
    ("kr-c2-at-hanbit", "03-02 07:00", "tlp:green", 412, "indicator/kr-c2-first", ["observed-data/kr-beacon"],
     [HANBIT, "location/seoul"], at("02-19 18:04"), at("02-20 23:50")),
    ("kr-fetch-at-hanbit", "03-02 07:05", "tlp:green", 1, "indicator/kr-staging", ["observed-data/kr-fetch"], [HANBIT],
     at("02-19 18:01"), at("02-19 18:02")),
    ("kr-mail-at-hanbit", "03-05 07:00", "tlp:amber", 3, "indicator/kr-lure-mail", ["observed-data/kr-mail"], [HANBIT],
     at("02-17 00:12"), at("02-17 00:12")),
    ("kr-gateloom-elsewhere", "03-09 07:00", "tlp:clear", 2, GATELOOM, None, ["identity/kr-operators"],
     at("03-08 00:00"), at("03-09 00:00")),
])

# ---- how it hangs together ------------------------------------------------------------------------------------------
kr.link("tlp:clear", [
    ("03-02 08:00", FERRY, "attributed-to", HERON),
    ("03-02 08:01", FERRY, "targets", HANBIT),
    ("03-02 08:02", FERRY, "targets", RADIO),
    ("03-02 08:03", FERRY, "targets", FIBRE),
    ("03-02 08:04", FERRY, "uses", GATELOOM),
    ("03-02 08:05", FERRY, "uses", FIBERGNAT),
    ("03-02 08:06", FERRY, "uses", "attack-pattern/patch-lure"),
    ("03-02 08:07", HERON, "uses", "attack-pattern/supplier-firmware"),
    ("03-02 08:08", HERON, "uses", "attack-pattern/maintenance-login"),
    ("03-02 08:09", HERON, "uses", "tool/pathrunner", "공급사망에서 통신사망으로 넘어올 때 썼다."),
    ("03-02 08:10", HERON, "targets", "location/busan"),
    ("03-02 08:11", FIBERGNAT, "downloads", GATELOOM_FILE),
    ("03-02 08:12", FIBERGNAT, "drops", GATELOOM),
    ("03-02 08:13", GATELOOM, "beacons-to", "infrastructure/c2-front"),
    ("03-02 08:14", GATELOOM, "uses", "attack-pattern/log-trim"),
    ("03-02 08:15", "infrastructure/c2-front", "consists-of", C2_FIRST),
    ("03-02 08:16", "infrastructure/c2-front", "consists-of", C2_SECOND),
    ("03-02 08:17", "infrastructure/staging", "delivers", FIBERGNAT),
    ("03-02 08:18", "infrastructure/staging", "consists-of", STAGING),
    ("03-02 08:19", "infrastructure/lure-sites", "consists-of", LURE_DOMAIN),
    ("03-02 08:20", "infrastructure/lure-sites", "hosts", SALTWICK),
    ("03-02 08:21", "indicator/kr-c2-first", "indicates", GATELOOM),
    ("03-02 08:22", "indicator/kr-c2-second", "indicates", GATELOOM),
    ("03-02 08:23", "indicator/kr-staging", "indicates", "infrastructure/staging"),
    ("03-02 08:24", "indicator/kr-lure-domain", "indicates", FERRY),
    ("03-02 08:25", "indicator/kr-supplier-domain", "indicates", FERRY),
    ("03-02 08:26", "indicator/kr-gateloom-file", "indicates", GATELOOM),
    ("03-02 08:27", "indicator/kr-fibergnat-file", "indicates", FIBERGNAT),
    ("03-05 08:00", "indicator/kr-saltwick-file", "indicates", SALTWICK),
    ("03-05 08:01", "indicator/kr-c2-first", "based-on", "observed-data/kr-beacon"),
    ("03-05 08:02", SALTWICK, "exfiltrates-to", "infrastructure/lure-sites"),
    ("03-05 08:03", "attack-pattern/ems-exploit", "targets", "vulnerability/ems-bypass"),
    ("03-06 08:00", "course-of-action/patch-ems", "mitigates", "vulnerability/ems-bypass"),
    ("03-06 08:01", "course-of-action/block-lure", "mitigates", "indicator/kr-lure-domain"),
    ("03-06 08:02", "course-of-action/rotate-maintenance", "mitigates", "attack-pattern/maintenance-login"),
    ("03-06 08:03", EMS_SOFTWARE, "related-to", "vulnerability/ems-bypass"),
    ("03-06 08:04", "malware-analysis/gateloom-static", "characterizes", GATELOOM),
    ("03-06 08:05", "malware-analysis/saltwick-dynamic", "dynamic-analysis-of", SALTWICK),
    ("03-06 08:06", "incident/kr-lure", "related-to", FERRY),
])
kr.link("tlp:green", [
    ("03-05 08:10", HERON, "uses", TOLLBELL),
    ("03-05 08:11", TOLLBELL, "uses", "attack-pattern/tunnel-in-gtp"),
    ("03-05 08:12", TOLLBELL, "uses", "attack-pattern/session-watch"),
    ("03-05 08:13", "course-of-action/watch-tunnels", "mitigates", TOLLBELL),
    ("03-05 08:14", "indicator/kr-tollbell-file", "indicates", TOLLBELL),
    ("03-20 08:00", HERON, "attributed-to", "threat-actor/tidewright"),
    ("03-20 08:01", FIBERGNAT, "exploits", "vulnerability/splice-default"),
])
kr.link("tlp:amber", [
    ("03-11 08:00", FIBERGNAT, "exploits", "vulnerability/ru-unsigned"),
    ("03-11 08:01", "course-of-action/check-firmware", "mitigates", "vulnerability/ru-unsigned"),
    ("03-11 08:02", AMBER_INDICATOR, "indicates", "attack-pattern/maintenance-login"),
    ("03-11 08:03", "indicator/kr-firmware-image", "indicates", FIBERGNAT),
    ("03-18 08:00", "threat-actor/tidewright", "owns", "infrastructure/operator-panel"),
])

# ---- what people wrote ----------------------------------------------------------------------------------------------
kr.table("note", "key when marks abstract content object_refs", [
    ("kr-time-zone", "03-07 01:00", "tlp:clear", "활동 시각", "지휘 서버 접속은 한국 시각 09시에서 12시 사이에 몰려 있다.", [HERON]),
    ("kr-supplier-call", "03-07 01:10", "tlp:green", "공급사 통화", "두 공급사 모두 같은 시기에 유지보수 계정 잠금을 겪었다고 한다.", [RADIO, FIBRE]),
    ("kr-approval", "03-10 01:00", "tlp:amber", "승인 요청", "계정 교체가 끝나면 이 지표를 상대국에 알려도 된다는 답을 받았다.", [AMBER_INDICATOR]),
], authors=["견본 분석 1반"])
kr.table("opinion", "key when marks opinion explanation object_refs", [
    ("kr-cdn-doubt", "03-08 01:00", "tlp:clear", "disagree", "여러 고객이 함께 쓰는 주소라 근거가 약하다.", [REVOKED_INDICATOR]),
    ("kr-actor-doubt", "03-21 01:00", "tlp:green", "neutral", "한 사람이라는 근거는 활동 시각뿐이다.", ["threat-actor/tidewright"]),
], authors=["견본 분석 2반"])
kr.table("grouping", "key when marks name context description object_refs", [
    ("kr-lure-kit", "03-06 02:00", "tlp:clear", "사칭 도구 모음", "suspicious-activity", "메일에서 첫 적재까지 쓰인 것들.",
     [LURE_DOMAIN, LURE_URL, LURE_SENDER, SALTWICK, "indicator/kr-lure-domain", CERTIFICATE]),
    ("kr-firmware-case", "03-11 02:00", "tlp:amber", "펌웨어 건", "malware-analysis", "변조된 펌웨어를 함께 살펴보는 묶음.",
     [FIRMWARE_FILE, FIRMWARE_ARTIFACT, "indicator/kr-firmware-image", "malware-analysis/firmware-diff", EMS_CARD]),
])
kr.table("report", "key when marks name report_types description object_refs", [
    ("kr-first-alert", "03-02 09:00", "tlp:clear", "나루터 작전 1차 경보", ["campaign"], "통신사와 공급사는 아래 지표를 바로 적용하기 바란다.",
     [FERRY, HERON, GATELOOM, FIBERGNAT, "indicator/kr-c2-first", "indicator/kr-c2-second", "indicator/kr-staging",
      "indicator/kr-lure-domain", FORGED_TARGET, "course-of-action/patch-ems"]),
    ("kr-user-plane", "03-09 09:00", "tlp:green", "사용자 평면 도구 분석", ["malware"], "TOLLBELL이 세션 기록을 추리는 방법과 찾는 방법.",
     [TOLLBELL, "indicator/kr-tollbell-file", "course-of-action/watch-tunnels", TOLLBELL_FILE]),
    # GREEN itself, but it names a RED indicator: what it refers to may not leave, so neither may it.
    (RED_REPORT.split("/")[1], "03-20 09:00", "tlp:green", "종이왜가리의 배후에 관하여", ["threat-actor", "intrusion-set"],
     "운영자 화면에서 얻은 단서를 정리했다.", [HERON, "threat-actor/tidewright", RED_INDICATOR]),
])
# Refers to the report that is held, so it is held as well: closure is transitive.
kr.add("note/kr-on-attribution", "03-21 02:00", "tlp:green", abstract="배후 보고서에 대하여",
       content="상대국과 나누기 전에 붉은 지표를 뺀 판을 새로 써야 한다.", object_refs=[RED_REPORT])

kr.translate("tlp:clear", "en", [
    ("03-02 10:00", HERON, {"name": "Paper Heron", "goals": ["Hold telecom maintenance paths", "Read subscribers' movements"],
     "description": "An intrusion set that goes for telecom operators and their suppliers together, starting from the suppliers' "
                    "remote maintenance accounts."}),
    ("03-02 10:05", FERRY, {"name": "Operation Ferry Crossing", "objective": "Reach an operator's core by way of its suppliers"}),
    ("03-02 10:10", GATELOOM, {"description": "A backdoor that poses as the audit module of an element manager."}),
    ("03-02 10:15", HANBIT, {"name": "Hanbit Telecom", "description": "An invented mobile operator."}),
    ("03-02 10:20", "report/kr-first-alert", {"name": "Operation Ferry Crossing: first alert",
     "description": "Operators and suppliers are asked to apply these indicators at once."}),
    ("03-02 10:25", "course-of-action/patch-ems", {"name": "Update the element manager",
     "description": "Move to 5.2.3 or later and keep the management page inside the private network."}),
])
kr.translate("tlp:green", "en", [
    ("03-09 10:00", "report/kr-user-plane", {"name": "A user-plane tool, taken apart",
     "description": "How TOLLBELL picks out session records, and how to find it."}),
])
