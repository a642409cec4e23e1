"""The observables that more than one desk speaks of. Addresses and names come from ranges kept for documentation
(RFC 5737, RFC 3849, RFC 5398, RFC 7042, RFC 2606); every hash is that of an invented string."""
from .base import domain, file, flow, hashes, ip4, ip6, sco, url

# The attackers' side.
C2_FIRST = ip4("203.0.113.66")
C2_SECOND = ip4("203.0.113.140")
C2_SIX = ip6("2001:db8:6e:4::66")
STAGING = ip4("198.51.100.23")
RELAY = ip4("203.0.113.77")  # contested: kr-feed has it unmarked, kr-sensor marks it AMBER
LURE_DOMAIN = sco("domain-name", value="ems-update.hanbit-care.example", resolves_to_refs=[C2_FIRST])  # contested too
LURE_DOMAIN_KO = domain("한빛점검.example".encode("idna").decode())
SUPPLIER_DOMAIN = domain("firmware.corvid-peak-support.example")
LURE_URL = url("https://ems-update.hanbit-care.example/notice/2026-02/patch.html")
DROP_URL = url("http://198.51.100.23:8443/a/fg.bin")
HOSTING_AS = sco("autonomous-system", number=64500, name="Sample Hosting Collective", rir="APNIC")
LURE_SENDER = sco("email-addr", value="support@corvid-peak-support.example", display_name="Corvid Peak 기술지원")
CERTIFICATE = sco(
    "x509-certificate", serial_number="36:f7:d4:32:f4:ab:70:ea", hashes=hashes("certificate of the lure"),
    is_self_signed=False, issuer="CN=Sample Issuing CA 2, O=Example Trust", subject="CN=ems-update.hanbit-care.example",
    validity_not_before="2026-02-10T00:00:00Z", validity_not_after="2026-05-11T00:00:00Z")

# Files.
LOADER_DIR = sco("directory", path="/opt/ems/lib/.cache")
GATELOOM_FILE = sco("file", name="libemsaudit.so.2", size=184320, hashes=hashes("gateloom 1", "SHA-256", "SHA-512"),
                    parent_directory_ref=LOADER_DIR)
FIBERGNAT_FILE = file("fg.bin", "fibergnat 1", size=61440)
TOLLBELL_FILE = file("upfstat", "tollbell 1", size=98304)
SALTWICK_FILE = file("점검결과_20260217.docm", "saltwick carrier", size=45210)
FIRMWARE_FILE = file("cp-ru-7.4.1-hotfix2.img", "radio unit firmware with a guest", size=33554432)
FIRMWARE_ARTIFACT = sco("artifact", mime_type="application/octet-stream", url="https://vault.example/cp-ru-7.4.1-hotfix2.img",
                        hashes=hashes("radio unit firmware with a guest"))

# The victims' side.
EMS_SERVER = ip4("192.0.2.20")
BUILD_SERVER = ip4("192.0.2.130")
SPLICE_SERVER = ip4("192.0.2.210")
VICTIM_BOX = sco("email-addr", value="noc@hanbit-telecom.example", display_name="한빛텔레콤 NOC")
LURE_MAIL = sco("email-message", is_multipart=False, date="2026-02-17T00:12:31Z", from_ref=LURE_SENDER, to_refs=[VICTIM_BOX],
                subject="[긴급] 기지국 장비 보안 패치 안내",
                body="안녕하세요. 첨부된 점검 결과를 확인하신 뒤 금일 중으로 패치를 적용해 주시기 바랍니다.")
EMS_SOFTWARE = sco("software", name="Sample Element Manager", vendor="Corvid Peak Radio", version="5.2.0",
                   cpe="cpe:2.3:a:corvid_peak:element_manager:5.2.0:*:*:*:*:*:*:*")
MAINTENANCE_USER = sco("user-account", user_id="1107", account_login="cpmaint", account_type="unix", is_privileged=True,
                       display_name="원격 유지보수 계정")
GATELOOM_PROCESS = sco("process", key="gateloom on the element manager", pid=4127, created_time="2026-02-19T18:03:11Z",
                       command_line="/opt/ems/bin/emsd --audit /opt/ems/lib/.cache/libemsaudit.so.2",
                       image_ref=GATELOOM_FILE, creator_user_ref=MAINTENANCE_USER)
GATELOOM_MUTEX = sco("mutex", name="Global\\ems-audit-7f3a")
SALTWICK_KEY = sco("windows-registry-key", key="HKEY_CURRENT_USER\\Software\\Sample\\Saltwick",
                   values=[{"name": "seed", "data": "나루터", "data_type": "REG_SZ"}])
EMS_CARD = sco("mac-addr", value="00:00:5e:00:53:1c")

# What was on the wire.
BEACON = flow("02-19 18:04:00", EMS_SERVER, C2_FIRST, 443, "ipv4", "tcp", "tls", src_port=50112,
              src_byte_count=1840, dst_byte_count=912)
LOADER_FETCH = flow("02-19 18:01:22", EMS_SERVER, STAGING, 8443, "ipv4", "tcp", "http", src_port=50044,
                    dst_byte_count=61702)
