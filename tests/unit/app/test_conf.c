#define _XOPEN_SOURCE 700
#include "app_test.h"

#include "app/certificate.h"
#include "app/conf.h"
#include "app/init.h"
#include "app/keys.h"

static err_t parse(const char *text, struct conf *out, struct fault *fault)
{
    *fault = (struct fault) {0};
    return conf_parse(str_of(text), "/srv/kr", out, fault);
}

static void reads(void **state)
{
    struct conf conf;
    struct fault fault;
    (void)state;
    assert_int_equal(parse("node: kr\ncountry: KR\nlisten: \"[::1]:7443\"\naddresses:\n  - kr.example:443\n",
                           &conf, &fault),
                     ERR_OK);
    assert_string_equal(conf.node, "kr");
    assert_true(conf.listen.ipv6);
    assert_string_equal(conf.listen.host, "::1");
    assert_int_equal(conf.listen.port, 7443);
    assert_int_equal(conf.address_count, 1);
    assert_string_equal(conf.addresses[0].host, "kr.example");
    assert_string_equal(conf.control, "/srv/kr/control.sock");
    assert_true(conf.compress);
    assert_int_equal(conf.pad_records, 0);
    static const char head[] = "node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\n";
    static const char *const words[] = {"false", "no", "true", "yes"};
    for (size_t i = 0; i < 4; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%scompress: %s\n", head, words[i]);
        assert_int_equal(parse(text, &conf, &fault), ERR_OK);
        assert_int_equal(conf.compress, i >= 2);
    }
    static const struct {
        const char *text;
        err_t err;
    } pads[] = {
        {"0", ERR_OK}, {"4096", ERR_OK}, {"16384", ERR_OK}, {"16385", ERR_INVALID}, {"-1", ERR_INVALID}};
    for (size_t i = 0; i < sizeof pads / sizeof *pads; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%spad-records: %s\n", head, pads[i].text);
        assert_int_equal(parse(text, &conf, &fault), pads[i].err);
        if (pads[i].err == ERR_OK)
            assert_int_equal(conf.pad_records, strtoul(pads[i].text, NULL, 10));
    }
}

/* What follows the digits would be passed over, and days be destroyed that were years. */
static void numbers_are_digits_alone(void **state)
{
    (void)state;
    static const char *const keys[] = {"access-days",    "quarantine-days",   "evidence-days",
                                       "recall-objects", "tightened-objects", "minimum-suite",
                                       "log-every",      "pad-records"};
    static const char *const values[] = {
        "10y", "90d", "30 days", "1e3", "0x10", "1.0", "10k",
        "-1",  "+1",  "\"\"",    "~",   "1_0",  "٣",   "99999999999999999999"};
    struct conf conf;
    struct fault fault;
    char text[192];
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            fault = (struct fault) {.code = ERR_OK};
            (void)snprintf(text, sizeof text, "node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\n%s: %s\n",
                           keys[k], values[i]);
            if (parse(text, &conf, &fault) == ERR_OK)
                fail_msg("taken: %s: %s", keys[k], values[i]);
            assert_non_null(strstr(fault.what, keys[k]));
        }
        (void)snprintf(text, sizeof text, "node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\n%s: 1\n", keys[k]);
        assert_int_equal(parse(text, &conf, &fault), ERR_OK);
    }
}

#define KEY_1 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgguwDx1VBVAGwr6R4FW4aJsalrbjtvYi6PZdF9WA6p"
#define KEY_2 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIEiJXDIAYIjcxd8XNaFzrMs1jIYp5oJLqVqt4+03B7n"

static void reads_operators(void **state)
{
    static const char head[] = "node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\n";
    static const struct {
        const char *text;
        err_t err;
        size_t count;
    } cases[] = {
        {"", ERR_OK, 0},
        {"operators: []\n", ERR_OK, 0},
        {"operators: [kim, \"lee@example.kr\"]\n", ERR_OK, 2},
        {"operators:\n  - kim\n  - l33\n", ERR_OK, 2},
        {"operators: [root]\n", ERR_INVALID, 0},
        {"operators: [kim, kim]\n", ERR_INVALID, 0},
        {"operators: [\"kim, lee\"]\n", ERR_INVALID, 0},
        {"operators: [\"kim (node stopped)\"]\n", ERR_INVALID, 0},
        {"operators: kim\n", ERR_SYNTAX, 0},
        {"operators: [a-name-longer-than-an-account-may-have-on-it]\n", ERR_INVALID, 0},
        {"operators:\n  - kim " KEY_1 " kim@desk\n  - \"lee " KEY_2 "\"\n  - pak\n", ERR_OK, 3},
        {"operators: [kim " KEY_1 ", lee]\noperators-sign: required\n", ERR_OK, 2},
        {"operators: [lee]\noperators-sign: maybe\n", ERR_INVALID, 0},
        {"operators: [kim " KEY_1 ", lee " KEY_1 "]\n", ERR_INVALID, 0},
        {"operators: [kim " KEY_1 ", kim " KEY_2 "]\n", ERR_INVALID, 0},
        {"operators: [kim ssh-rsa AAAA]\n", ERR_INVALID, 0},
        {"operators: [kim ssh-ed25519]\n", ERR_INVALID, 0},
        {"operators: [kim AAAAC3NzaC1lZDI1NTE5AAAAIAgguwDx1VBVAGwr6R4FW4aJsalrbjtvYi6PZdF9WA6p]\n",
         ERR_INVALID, 0},
        {"operators: [" KEY_1 "]\n", ERR_INVALID, 0},
    };
    struct conf conf, again;
    struct fault fault;
    struct buf text;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char whole[512];
        (void)snprintf(whole, sizeof whole, "%s%s", head, cases[i].text);
        assert_int_equal(parse(whole, &conf, &fault), cases[i].err);
        if (cases[i].err != ERR_OK)
            continue;
        assert_int_equal(conf.operator_count, cases[i].count);
        buf_init(&text, 64 << 10);
        conf_write(&text, &conf);
        assert_int_equal(conf_parse(buf_str(&text), "/srv/kr", &again, &fault), ERR_OK);
        assert_memory_equal(&again, &conf, sizeof conf);
        buf_deinit(&text);
    }
}

static void reads_key_copies(void **state)
{
    static const struct {
        const char *text;
        err_t err;
        size_t count;
    } cases[] = {
        {"", ERR_OK, 0},
        {"key-copies: []\n", ERR_OK, 0},
        {"key-copies: [/media/safe/kr]\n", ERR_OK, 1},
        {"key-copies: [/media/safe/kr, /media/safe/kr2, /srv/kr2]\n", ERR_OK, 3},
        {"key-copies: [\"\"]\n", ERR_SYNTAX, 0},
        {"key-copies: [media/safe]\n", ERR_INVALID, 0},
        {"key-copies: [/]\n", ERR_INVALID, 0},
        {"key-copies: [/media/safe/]\n", ERR_INVALID, 0},
        {"key-copies: [/media//safe]\n", ERR_INVALID, 0},
        {"key-copies: [/media/../srv/kr/store/keys]\n", ERR_INVALID, 0},
        {"key-copies: [/media/./safe]\n", ERR_INVALID, 0},
        {"key-copies: [/srv/kr/store/keys]\n", ERR_INVALID, 0},
        {"key-copies: [/srv/kr]\n", ERR_INVALID, 0},
        {"key-copies: [/srv]\n", ERR_INVALID, 0},
        {"key-copies: [/media/safe, /media/safe]\n", ERR_INVALID, 0},
        {"key-copies: [/media/safe, /media/safe/below]\n", ERR_INVALID, 0},
        {"key-copies: [/1, /2, /3, /4, /5, /6, /7, /8]\n", ERR_OK, 8},
        {"key-copies: [/1, /2, /3, /4, /5, /6, /7, /8, /9]\n", ERR_SYNTAX, 0},
    };
    struct conf conf;
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\n%s",
                       cases[i].text);
        if (parse(text, &conf, &fault) != cases[i].err)
            fail_msg("%s: %s", cases[i].text, fault.what);
        if (cases[i].err == ERR_OK)
            assert_int_equal(conf.key_copy_count, cases[i].count);
        if (cases[i].count == 1)
            assert_string_equal(conf.key_copies[0], "/media/safe/kr");
    }
}

static void reads_witnesses(void **state)
{
    static const char head[] = "node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\n";
    struct sign_key secret;
    struct note_key keys[2];
    struct buf vkeys[3];
    static const struct {
        const char *text; /* 0, 1, 2 stand for keys: two cosigners, and a log */
        err_t err;
        unsigned every_s;
        size_t count;
    } cases[] = {
        {"", ERR_OK, 0, 0},
        {"log-every: 60\n", ERR_OK, 60, 0},
        {"log-every: 86401\n", ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example\", key: \"0\"}\n", ERR_OK, 600, 1},
        {"witnesses:\n  - {url: \"https://w.example/a/\", key: \"0\"}\n"
         "  - {url: \"http://[::1]:80\", key: \"1\"}\nlog-every: 1\n",
         ERR_OK, 1, 2},
        {"witnesses:\n  - {url: \"https://w.example\", key: \"0\"}\nlog-every: 0\n", ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example\", key: \"0\"}\n"
         "  - {url: \"https://v.example\", key: \"0\"}\n",
         ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example\", key: \"2\"}\n", ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example\", key: \"x\"}\n", ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"w.example\", key: \"0\"}\n", ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example?x\", key: \"0\"}\n", ERR_INVALID, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example\"}\n", ERR_SYNTAX, 0, 0},
        {"witnesses:\n  - {url: \"https://w.example\", key: \"0\", pin: x}\n", ERR_SYNTAX, 0, 0},
    };
    struct conf conf;
    struct fault fault;
    uint8_t seed[SIGN_SEED_SIZE] = {1};
    (void)state;
    assert_int_equal(sign_start(), ERR_OK);
    secret = sign_key_from_seed(seed);
    static const char *const names[] = {"w.example/1", "w.example/2", "bongsu-log/us/0"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(note_key_make(str_of(names[i]), i < 2 ? NOTE_COSIGNATURE : NOTE_SIGNATURE,
                                       &secret.public, &keys[0]),
                         ERR_OK);
        buf_init(&vkeys[i], 512);
        note_key_print(&keys[0], &vkeys[i]);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf whole;
        buf_init(&whole, 4096);
        buf_put_str(&whole, STR(head));
        for (const char *at = cases[i].text; *at != '\0'; at++) {
            if (at[0] >= '0' && at[0] <= '2' && at[-1] == '"')
                buf_put_str(&whole, buf_str(&vkeys[at[0] - '0']));
            else
                buf_putc(&whole, *at);
        }
        assert_int_equal(conf_parse(buf_str(&whole), "/srv/kr", &conf, &fault), cases[i].err);
        buf_deinit(&whole);
        if (cases[i].err != ERR_OK)
            continue;
        assert_int_equal(conf.log_every_s, cases[i].every_s);
        assert_int_equal(conf.witness_count, cases[i].count);
        if (conf.witness_count == 2) {
            assert_string_equal(conf.witnesses[0].url, "https://w.example/a");
            assert_true(str_eq(note_key_name(&conf.witnesses[1].key), STR("w.example/2")));
        }
    }
    for (size_t i = 0; i < 3; i++)
        buf_deinit(&vkeys[i]);
}

static void refuses_with_a_line(void **state)
{
    struct conf conf;
    struct fault fault;
    (void)state;
    assert_int_equal(parse("node: kr\ncountry: KR\nlisten: \"127.0.0.1:1\"\nsecrets: yes\n", &conf, &fault),
                     ERR_SYNTAX);
    assert_non_null(strstr(fault.what, "line 4"));
    assert_int_equal(parse("node: KR\ncountry: KR\nlisten: \"127.0.0.1:1\"\n", &conf, &fault), ERR_INVALID);
    assert_int_equal(parse("node: kr\ncountry: kr\nlisten: \"127.0.0.1:1\"\n", &conf, &fault), ERR_INVALID);
    assert_int_equal(parse("node: kr\ncountry: KR\nlisten: \"127.0.0.1\"\n", &conf, &fault), ERR_INVALID);
    assert_int_equal(parse("node: kr\ncountry: KR\n", &conf, &fault), ERR_SYNTAX);
    assert_int_equal(parse("node: kr\ncountry: KR\nlisten: \"1.2.3.4:70000\"\n", &conf, &fault), ERR_INVALID);
}

static void writes_what_it_reads(void **state)
{
    struct conf conf, again;
    struct fault fault;
    struct buf text;
    (void)state;
    assert_int_equal(
        parse("node: kr\ncountry: KR\nlisten: \"127.0.0.1:7443\"\naddresses: [\"[2001:db8::1]:1\"]\n", &conf,
              &fault),
        ERR_OK);
    buf_init(&text, 64 << 10);
    conf_write(&text, &conf);
    assert_int_equal(conf_parse(buf_str(&text), "/srv/kr", &again, &fault), ERR_OK);
    assert_memory_equal(&again, &conf, sizeof conf);
    buf_deinit(&text);
}

/* A node is made once; its root key opens with its passphrase alone, and signs the next card. */
static void makes_a_node(void **state)
{
    char *dir = scratch_new(), root[700];
    const struct os *os = os_linux();
    struct conf conf = {
        .node = "kr", .country = "KR", .listen = {"127.0.0.1", 7443, false}, .address_count = 1};
    struct sync_card first, next;
    struct sign_key key;
    struct fault fault = {0};
    (void)state;
    conf.addresses[0] = conf.listen;
    (void)snprintf(conf.dir, sizeof conf.dir, "%s/node", dir);
    (void)snprintf(root, sizeof root, "%s/node/root.key", dir);
    assert_int_equal(init_node(os, &conf, NULL, STR("short"), &first, &fault), ERR_INVALID);
    assert_int_equal(init_node(os, &conf, NULL, STR("long enough a passphrase"), &first, &fault), ERR_OK);
    assert_int_equal(init_node(os, &conf, NULL, STR("long enough a passphrase"), &next, &fault), ERR_EXISTS);
    assert_int_equal(keys_root_open(os, root, STR("another passphrase"), &key), ERR_DENIED);
    struct init_renewal renewal = {
        .root_path = root, .secret = STR("long enough a passphrase"), .same_identities = true};
    assert_int_equal(init_card_renew(os, &conf, &renewal, &next, &fault), ERR_OK);
    assert_int_equal(next.number, 2);
    assert_memory_equal(next.key, first.key, sizeof next.key);
    scratch_free(dir);
}

static int64_t shift_us;

static int64_t shifted(void *ctx)
{
    return os_linux()->wall_us(ctx) + shift_us;
}

static uint64_t in_force(const struct os *os, const struct conf *conf, struct sync_card *out)
{
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    assert_int_equal(init_card_read(os, conf->dir, out, &text, NULL), ERR_OK);
    buf_deinit(&text);
    return out->number;
}

static err_t waiting(const struct os *os, const struct conf *conf, struct sync_card *out)
{
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = init_card_read_next(os, conf->dir, out, &text);
    buf_deinit(&text);
    return err;
}

static bool is_kept(const struct os *os, const struct conf *conf, uint64_t number)
{
    struct sync_card card;
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    bool kept = init_card_read_past(os, conf->dir, number, &text) == ERR_OK &&
                sync_card_parse(buf_str(&text), &card, NULL) == ERR_OK && card.number == number;
    buf_deinit(&text);
    return kept;
}

/* The next card waits, begins by the clock wherever its file stands, and what cannot wait goes before it. */
static void cards_follow_each_other(void **state)
{
    const int64_t day_us = INT64_C(86400000000);
    char *dir = scratch_new(), root[700];
    struct os os = *os_linux();
    struct conf conf = {.node = "kr", .country = "KR"};
    struct sync_card first, next, card;
    struct uuid home = {{1}};
    struct fault fault = {0};
    (void)state;
    os.wall_us = shifted;
    shift_us = 0;
    (void)snprintf(conf.dir, sizeof conf.dir, "%s/node", dir);
    (void)snprintf(root, sizeof root, "%s/node/root.key", dir);
    assert_int_equal(init_node(&os, &conf, NULL, STR("long enough a passphrase"), &first, &fault), ERR_OK);
    struct init_renewal renewal = {.root_path = root,
                                   .secret = STR("long enough a passphrase"),
                                   .identities = &home,
                                   .identity_count = 1};
    assert_int_equal(init_card_renew(&os, &conf, &renewal, &next, &fault), ERR_OK);
    assert_int_equal(waiting(&os, &conf, &card), ERR_NOTFOUND);
    renewal = (struct init_renewal) {.root_path = root,
                                     .secret = renewal.secret,
                                     .same_identities = true,
                                     .rotate = 1u << SYNC_CARD_LEDGER | 1u << SYNC_CARD_SEALING,
                                     .from_us = shifted(NULL) + 3 * day_us};
    assert_int_equal(init_card_renew(&os, &conf, &renewal, &next, &fault), ERR_OK);
    assert_true(next.number == 3 && next.identity_count == 1);
    assert_false(sign_public_eq(&next.key[SYNC_CARD_LEDGER], &first.key[SYNC_CARD_LEDGER]));
    assert_true(sign_public_eq(&next.key[SYNC_CARD_TLS], &first.key[SYNC_CARD_TLS]));
    assert_int_equal(in_force(&os, &conf, &card), 2);
    assert_int_equal(waiting(&os, &conf, &card), ERR_OK);
    /* One waits at a time. */
    assert_int_equal(init_card_renew(&os, &conf, &renewal, &card, &fault), ERR_EXISTS);
    assert_non_null(strstr(fault.what, "card 3 is signed and begins at"));
    /* Its time comes. */
    shift_us = 3 * day_us + 1000000;
    assert_int_equal(in_force(&os, &conf, &card), 3);
    assert_int_equal(waiting(&os, &conf, &card), ERR_NOTFOUND);
    /* Another waits; a theft goes before it, with the keys of now but for the stolen one. */
    renewal.from_us = shifted(NULL) + 3 * day_us;
    renewal.rotate = 1u << SYNC_CARD_COSIGN;
    assert_int_equal(init_card_renew(&os, &conf, &renewal, &card, &fault), ERR_OK);
    assert_int_equal(in_force(&os, &conf, &first), 3);
    renewal.now = true;
    renewal.rotate = 1u << SYNC_CARD_TLS;
    assert_int_equal(init_card_renew(&os, &conf, &renewal, &card, &fault), ERR_OK);
    assert_int_equal(card.number, 5);
    assert_true(sign_public_eq(&card.key[SYNC_CARD_COSIGN], &first.key[SYNC_CARD_COSIGN]));
    assert_true(sign_public_eq(&card.key[SYNC_CARD_LEDGER], &next.key[SYNC_CARD_LEDGER]));
    assert_int_equal(in_force(&os, &conf, &card), 5);
    shift_us += 4 * day_us;
    assert_int_equal(in_force(&os, &conf, &card), 5);
    renewal.above = 40;
    assert_int_equal(init_card_renew(&os, &conf, &renewal, &card, &fault), ERR_OK);
    assert_int_equal(card.number, 41);
    /* Of the private keys those of the card in force are left, and every sealing one. */
    for (unsigned use = SYNC_CARD_TLS; use < SYNC_CARD_KEYS; use++) {
        struct sign_seed seed;
        bool same = sign_public_eq(&first.key[use], &card.key[use]);
        assert_int_equal(keys_find_seed(&os, conf.dir, (enum sync_card_key)use, &card.key[use], &seed),
                         ERR_OK);
        assert_int_equal(keys_find_seed(&os, conf.dir, (enum sync_card_key)use, &first.key[use], &seed),
                         same || use == SYNC_CARD_SEALING ? ERR_OK : ERR_NOTFOUND);
    }
    for (uint64_t number = 1; number <= 5; number++)
        assert_true(is_kept(&os, &conf, number));
    assert_true(is_kept(&os, &conf, 41) && !is_kept(&os, &conf, 6));
    scratch_free(dir);
}

static void names_of(const char *listen, const char *addresses, char out[300])
{
    struct conf conf;
    struct fault fault;
    struct buf names;
    char text[300];
    (void)snprintf(text, sizeof text, "node: kr\ncountry: KR\nlisten: \"%s\"\naddresses: [%s]\n", listen,
                   addresses);
    assert_int_equal(parse(text, &conf, &fault), ERR_OK);
    buf_init(&names, 4096);
    certificate_names(&conf, &names);
    (void)snprintf(out, 300, "%.*s", STR_ARG(buf_str(&names)));
    buf_deinit(&names);
}

/* What the certificate names: each once, nothing that stands for every address, nothing that its text form
 * would read as another kind of name. */
static void names_in_the_certificate(void **state)
{
    char names[300];
    (void)state;
    names_of("127.0.0.1:7443", "", names);
    assert_string_equal(names, "DNS:kr,IP:127.0.0.1");
    names_of("0.0.0.0:1", "\"[2001:db8::1]:1\", kr.example:1, kr.example:2", names);
    assert_string_equal(names, "DNS:kr,IP:2001:db8::1,DNS:kr.example");
    names_of("[::]:1", "\"a,b:1\", \"192.0.2.0/24:1\", 192.0.2.1:443", names);
    assert_string_equal(names, "DNS:kr,IP:192.0.2.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads),
                                       cmocka_unit_test(numbers_are_digits_alone),
                                       cmocka_unit_test(reads_operators),
                                       cmocka_unit_test(reads_key_copies),
                                       cmocka_unit_test(reads_witnesses),
                                       cmocka_unit_test(refuses_with_a_line),
                                       cmocka_unit_test(writes_what_it_reads),
                                       cmocka_unit_test(names_in_the_certificate),
                                       cmocka_unit_test(makes_a_node),
                                       cmocka_unit_test(cards_follow_each_other)};
    return sign_start() != ERR_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
