"""The Japanese desk: it runs no bongsu node, and posts what it saw at the fibre supplier to Korea's TAXII inbox."""
from .base import Desk, at, domain, file, flow, ip4, mitre, phase
from .kr import FIBERGNAT, FIBRE, HERON
from .observables import SPLICE_SERVER, STAGING

CERT = "identity/jp-csirt"

jp = Desk(author=CERT, lang="ja")
jp.add(CERT, "01-05 00:00", "tlp:clear", name="JP-CSIRT sample", identity_class="organization", sectors=["government"],
       description="見本にだけある架空の対応チーム。")
jp.add("location/jp-landing", "01-05 01:00", "tlp:clear", name="見本陸揚局", country="JP", administrative_area="JP-40")
jp.add("incident/jp-splice", "03-03 00:00", "tlp:clear", name="接続監視装置への侵入",
       description="潮騒光ファイバーの監視装置で、身に覚えのない保守ログインが見つかった。")
jp.add("attack-pattern/jp-default-login", "03-03 01:00", "tlp:clear", name="出荷時の合言葉", external_references=mitre("T1078"),
       kill_chain_phases=phase("initial-access"), description="変えられていない出荷時の合言葉で入る。")
jp.add("malware/jp-fibergnat-splice", "03-03 02:00", "tlp:green", name="FIBERGNAT (監視装置版)", malware_types=["dropper"],
       is_family=False, description="監視装置の更新領域に置かれていた。")
jp.add("course-of-action/jp-new-password", "03-03 03:00", "tlp:clear", name="合言葉の変更",
       description="監視装置ごとに合言葉を変え、保守口を閉じる。")

SPLICE_FILE = file("spmon.upd", "fibergnat in a splice monitor", size=65536)
MIRROR = domain("splice-mirror.example")
FETCH = flow("03-01 15:20:00", SPLICE_SERVER, STAGING, 8443, "ipv4", "tcp", "http", src_port=50330)
SCANNER = ip4("198.51.100.200")
jp.observe("tlp:clear", STAGING, MIRROR, SCANNER, SPLICE_FILE)
jp.observe("tlp:green", SPLICE_SERVER, FETCH)
jp.add("observed-data/jp-fetch", "03-03 04:00", "tlp:green", first_observed=at("03-01 15:20"), last_observed=at("03-02 15:20"),
       number_observed=2, object_refs=[FETCH, SPLICE_SERVER, STAGING])
jp.table("indicator", "key when marks name indicator_types pattern description", [
    ("jp-splice-file", "03-03 05:00", "tlp:clear", "監視装置の更新領域のファイル", ["malicious-activity"],
     f"[file:hashes.'SHA-256' = '{SPLICE_FILE['hashes']['SHA-256']}']", "監視装置で見つかったもの。"),
    ("jp-mirror", "03-03 05:05", "tlp:clear", "偽の更新元", ["malicious-activity"], "[domain-name:value = 'splice-mirror.example']",
     "正規の更新元をまねた名前。"),
    ("jp-scanner", "03-03 05:10", "tlp:green", "保守口を探す走査元", ["anomalous-activity"], "[ipv4-addr:value = '198.51.100.200']",
     "保守口だけを順に試す。"),
], pattern_type="stix")
jp.link("tlp:clear", [
    ("03-13 01:00", "incident/jp-splice", "related-to", FIBRE),
    ("03-13 01:05", "course-of-action/jp-new-password", "mitigates", "attack-pattern/jp-default-login"),
    ("03-13 01:10", HERON, "uses", "attack-pattern/jp-default-login"),
])
jp.link("tlp:green", [
    ("03-13 01:20", "malware/jp-fibergnat-splice", "variant-of", FIBERGNAT),
    ("03-13 01:25", "indicator/jp-splice-file", "indicates", "malware/jp-fibergnat-splice"),
])
jp.add("sighting/jp-of-kr-staging", "03-13 02:00", "tlp:green", sighting_of_ref="indicator/kr-staging", count=2,
       observed_data_refs=["observed-data/jp-fetch"], where_sighted_refs=[FIBRE, "location/jp-landing"],
       first_seen=at("03-01 15:20"), last_seen=at("03-02 15:20"))
jp.add("opinion/jp-on-kr-alert", "03-13 02:10", "tlp:clear", opinion="agree", explanation="同じ配布元を日本でも見た。",
       object_refs=["report/kr-first-alert"])
jp.translate("tlp:clear", "en", [
    ("03-13 03:00", "incident/jp-splice", {"name": "Intrusion into a splice monitor",
     "description": "Shiosai Fibre found maintenance logins that nobody had made."}),
])
