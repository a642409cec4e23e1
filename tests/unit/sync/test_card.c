/* Node cards: printing and parsing are inverses, every rule of SYNC.md section 1 refuses, no prefix and no
 * changed byte passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sync/card.h"

#define NOW_US INT64_C(1795300000000000)
#define DAY_US (INT64_C(86400) * 1000000)

/* Of all keys; each test is run with every suite (OF_EVERY_SUITE). */
static uint16_t suite_now = SUITE_1;

static struct sign_key key_of(uint8_t number)
{
    struct sign_seed seed = {suite_now, {number}};
    struct sign_key key;
    assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
    return key;
}

static struct sync_card card_of(const char *node)
{
    struct sync_card card = {.country = "KR",
                             .number = 7,
                             .issued_us = NOW_US,
                             .expires_us = NOW_US + 365 * DAY_US,
                             .identity_count = 2,
                             .address_count = 2};
    memcpy(card.node, node, strlen(node));
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++)
        card.key[i] = key_of((uint8_t)(i + 1)).public;
    card.identities[0].b[0] = 1;
    card.identities[1].b[15] = 0xab;
    memcpy(card.addresses[0].host, "kr.example", 11);
    card.addresses[0].port = 7443;
    memcpy(card.addresses[1].host, "2001:db8::1", 12);
    card.addresses[1].port = 443;
    card.addresses[1].ipv6 = true;
    return card;
}

static void print(const struct sync_card *card, struct buf *out)
{
    struct sign_key root = key_of(1);
    buf_init(out, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(card, &root, out, NULL), ERR_OK);
}

/* Where the words stand in a text; with an end behind it, which a buffer has only by chance. */
static char *find(struct buf *text, const char *words)
{
    buf_putc(text, '\0');
    text->len--;
    char *at = strstr((char *)text->at, words);
    assert_non_null(at);
    return at;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct sync_card card = card_of("kr"), read;
    struct buf text;
    print(&card, &text);
    assert_int_equal(sync_card_parse(buf_str(&text), &read, NULL), ERR_OK);
    assert_memory_equal(&card, &read, sizeof card);
    char head[64];
    (void)snprintf(head, sizeof head, "bongsu/card/v1/suite%u\nnode kr\ncountry KR\nnumber 7\n", suite_now);
    assert_true(str_starts(buf_str(&text), str_of(head)));
    assert_int_equal(sync_card_valid(&read, NOW_US, NULL), ERR_OK);
    assert_int_equal(sync_card_valid(&read, NOW_US - DAY_US, NULL), ERR_OK);
    assert_int_equal(sync_card_valid(&read, NOW_US - DAY_US - 1, NULL), ERR_EXPIRED);
    assert_int_equal(sync_card_valid(&read, read.expires_us - 1, NULL), ERR_OK);
    assert_int_equal(sync_card_valid(&read, read.expires_us, NULL), ERR_EXPIRED);
    buf_deinit(&text);
}

/* Every rule that a card's fields can break: nothing of it is printed or signed. */
static void test_refuses_to_sign(void **state)
{
    (void)state;
    struct sign_key root = key_of(1), other = key_of(99);
    for (unsigned rule = 0; rule < 12; rule++) {
        struct sync_card card = card_of("kr");
        struct fault fault = {.code = ERR_OK};
        struct buf out;
        switch (rule) {
        case 0:
            card.node[0] = 'K';
            break;
        case 1:
            card.country[1] = 'r';
            break;
        case 2:
            card.number = 0;
            break;
        case 3:
            card.expires_us = card.issued_us;
            break;
        case 4:
            card.expires_us = card.issued_us + 1101 * DAY_US;
            break;
        case 5:
            card.key[SYNC_CARD_COSIGN] = card.key[SYNC_CARD_DISPOSITION];
            break;
        case 6:
            card.identities[1] = card.identities[0];
            break;
        case 7:
            card.addresses[0].port = 0;
            break;
        case 8:
            card.addresses[0].host[2] = '/';
            break;
        case 9:
            card.addresses[1].ipv6 = false; /* colons without brackets */
            break;
        case 10:
            card.addresses[1] = card.addresses[0];
            break;
        default:
            card.number = UINT64_MAX;
        }
        buf_init(&out, LIMIT_CARD_BYTES);
        assert_int_equal(sync_card_sign(&card, &root, &out, &fault), ERR_INVALID);
        assert_int_equal(fault.code, ERR_INVALID);
        assert_int_equal(out.len, 0);
        card = card_of("kr");
        assert_int_equal(sync_card_sign(&card, &other, &out, NULL), ERR_USAGE);
        buf_deinit(&out);
    }
}

static void test_no_prefix_passes(void **state)
{
    (void)state;
    struct sync_card card = card_of("kr"), read;
    struct buf text;
    print(&card, &text);
    for (size_t len = 0; len < text.len; len++) {
        uint8_t *exact = malloc(len + 1);
        memcpy(exact, text.at, len);
        struct fault fault = {.code = ERR_OK};
        assert_int_not_equal(sync_card_parse(str_from_bytes(bytes_of(exact, len)), &read, &fault), ERR_OK);
        assert_int_not_equal(fault.code, ERR_OK);
        free(exact);
    }
    buf_deinit(&text);
}

static void test_no_changed_byte_passes(void **state)
{
    (void)state;
    struct sync_card card = card_of("kr"), read;
    struct buf text;
    print(&card, &text);
    for (size_t i = 0; i < text.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text.at[i] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(sync_card_parse(buf_str(&text), &read, NULL), ERR_OK);
            text.at[i] ^= (uint8_t)(1u << bit);
        }
    assert_int_equal(sync_card_parse(buf_str(&text), &read, NULL), ERR_OK);
    buf_deinit(&text);
}

/* Texts that the root key did sign, but that are not the one spelling of a card. */
static void test_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        err_t err;
    } rows[] = {
        {"node kr", "node  kr", ERR_INVALID},
        {"node kr\ncountry KR", "country KR\nnode kr", ERR_SYNTAX},
        {"number 7", "number 07", ERR_SYNTAX},
        {"number 7", "number 7\nnumber 7", ERR_SYNTAX},
        {"v1/suite1", "v2/suite1", ERR_VERSION},
        {"address kr.example:7443", "address kr.example:07443", ERR_SYNTAX},
        {"address kr.example:7443", "address kr.example:70000", ERR_SYNTAX},
        {"address kr.example:7443", "address kr.example", ERR_SYNTAX},
        {"address [2001", "note hello\naddress [2001", ERR_SYNTAX},
        {"identity identity--00000000-0000-0000-0000-0000000000ab",
         "identity identity--00000000-0000-0000-0000-0000000000AB", ERR_SYNTAX},
        {"country KR", "country KOR", ERR_SYNTAX},
    };
    struct sync_card card = card_of("kr"), read;
    struct sign_key root = key_of(1);
    struct note_key key;
    struct buf text, changed;
    print(&card, &text);
    assert_int_equal(note_key_make(STR("bongsu/kr/root"), NOTE_SIGNATURE, &root.public, &key), ERR_OK);
    struct note note;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_init(&changed, LIMIT_CARD_BYTES);
        const char *at = find(&text, rows[i].from);
        assert_int_equal(note_parse(buf_str(&text), &note, NULL), ERR_OK);
        size_t head = (size_t)(at - note.text.at), skip = strlen(rows[i].from);
        buf_put(&changed, note.text.at, head);
        buf_put_str(&changed, str_of(rows[i].to));
        buf_put(&changed, at + skip, note.text.len - head - skip);
        struct buf whole;
        buf_init(&whole, LIMIT_CARD_BYTES);
        assert_int_equal(note_begin(buf_str(&changed), &whole), ERR_OK);
        assert_int_equal(note_sign(buf_str(&changed), &key, &root, &whole), ERR_OK);
        assert_int_equal(sync_card_parse(buf_str(&whole), &read, NULL), rows[i].err);
        buf_deinit(&whole);
        buf_deinit(&changed);
    }
    buf_deinit(&text);
}

static void test_replaces(void **state)
{
    (void)state;
    struct sync_card held = card_of("kr"), next = held;
    assert_int_equal(sync_card_replaces(&held, &next, NULL), ERR_EXISTS);
    next.number = 6;
    assert_int_equal(sync_card_replaces(&held, &next, NULL), ERR_EXISTS);
    next.number = 8;
    assert_int_equal(sync_card_replaces(&held, &next, NULL), ERR_OK);
    next.key[SYNC_CARD_TLS] = key_of(50).public;
    assert_int_equal(sync_card_replaces(&held, &next, NULL), ERR_OK);
    next.key[SYNC_CARD_ROOT] = key_of(51).public;
    assert_int_equal(sync_card_replaces(&held, &next, NULL), ERR_CONFLICT);
    next = card_of("us");
    next.number = 8;
    assert_int_equal(sync_card_replaces(&held, &next, NULL), ERR_CONFLICT);
}

static void test_words(void **state)
{
    (void)state;
    char words[SYNC_CARD_WORDS_SIZE], others[SYNC_CARD_WORDS_SIZE];
    struct sync_card card = card_of("kr"), other = card_of("us");
    sync_card_words(&card, words);
    /* Computed from SYNC.md by a program that shares no code with this one. */
    assert_string_equal(words, "jojun mazug mosaf divok fimog valif vijik madak");
    sync_card_words(&other, others);
    assert_string_not_equal(words, others);
    card.number++;
    card.key[SYNC_CARD_TLS] = key_of(50).public;
    sync_card_words(&card, others);
    assert_string_equal(words, others);
}

static void test_receipt_keys(void **state)
{
    (void)state;
    struct sync_card card = card_of("kr");
    struct note_key key;
    sync_card_receipt_key(&card, SYNC_CARD_COSIGN, &key);
    assert_true(str_eq(note_key_name(&key), STR("bongsu/kr/cosign")));
    assert_int_equal(key.type, NOTE_COSIGNATURE);
    sync_card_receipt_key(&card, SYNC_CARD_DISPOSITION, &key);
    assert_true(str_eq(note_key_name(&key), STR("bongsu/kr/disposition")));
    assert_int_equal(key.type, NOTE_SIGNATURE);
    assert_int_equal(sync_card_ledger_key(&card, STR("bongsu/kr/us-cisa/0"), &key), ERR_OK);
    assert_true(sign_public_eq(&key.public, &card.key[SYNC_CARD_LEDGER]));
}

static err_t pulled_out(const void *ctx, struct bytes message, struct signature *out)
{
    (void)ctx;
    (void)message;
    (void)out;
    return ERR_IO;
}

/* A key elsewhere signs as one in memory does; where it cannot, there is no card. */
static void test_another_signer(void **state)
{
    (void)state;
    struct sync_card card = card_of("kr"), read;
    struct sign_key root = key_of(1);
    struct buf by_key, by_signer;
    struct fault fault = {0};
    print(&card, &by_key);
    buf_init(&by_signer, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign_by(&card, sign_hand_of(&root), &by_signer, NULL), ERR_OK);
    assert_true(str_eq(buf_str(&by_key), buf_str(&by_signer)));
    assert_int_equal(sync_card_parse(buf_str(&by_signer), &read, NULL), ERR_OK);
    buf_clear(&by_signer);
    struct sign_hand token = {&root.public, pulled_out, NULL};
    assert_int_equal(sync_card_sign_by(&card, token, &by_signer, &fault), ERR_IO);
    assert_non_null(strstr(fault.what, "signed"));
    buf_deinit(&by_signer);
    buf_deinit(&by_key);
}

/* --- suites --- */

/* What is answered to a card with `other` where `line` stood, well signed as it is. */
static err_t parse_with(struct buf *card, const char *line, const char *other, struct sync_card *out)
{
    struct sign_key root = key_of(1);
    struct note_key key;
    struct note note;
    struct buf body, changed;
    buf_init(&body, LIMIT_CARD_BYTES);
    buf_init(&changed, LIMIT_CARD_BYTES);
    const char *found = find(card, line);
    assert_int_equal(note_parse(buf_str(card), &note, NULL), ERR_OK);
    size_t at = (size_t)(found - note.text.at), behind = at + strlen(line);
    buf_put(&body, note.text.at, at);
    buf_put_str(&body, str_of(other));
    buf_put(&body, note.text.at + behind, note.text.len - behind);
    assert_int_equal(note_key_make(STR("bongsu/kr/root"), NOTE_SIGNATURE, &root.public, &key), ERR_OK);
    assert_int_equal(note_begin(buf_str(&body), &changed), ERR_OK);
    assert_int_equal(note_sign(buf_str(&body), &key, &root, &changed), ERR_OK);
    err_t err = sync_card_parse(buf_str(&changed), out, NULL);
    buf_deinit(&body);
    buf_deinit(&changed);
    return err;
}

static void test_minimum(void **state)
{
    (void)state;
    static const char *const bad[] = {"minimum-suite 0\n",  "minimum-suite 1\n",
                                      "minimum-suite 02\n", "minimum-suite 65536\n",
                                      "minimum-suite\n",    "minimum-suite 2\nminimum-suite 2\n"};
    struct sync_card card = card_of("kr"), read;
    struct fault fault = {.code = ERR_OK};
    struct buf text;
    card.minimum = 3;
    print(&card, &text);
    assert_int_equal(sync_card_parse(buf_str(&text), &read, NULL), ERR_OK);
    assert_memory_equal(&card, &read, sizeof card);
    for (unsigned least = 0; least <= 6; least++)
        assert_int_equal(sync_card_enough(&card, least, &fault),
                         least <= suite_now ? ERR_OK : ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.what, "suite 6 is the least"));
    /* Other spellings are refused; what a later program asks for is read. */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse_with(&text, "minimum-suite 3\n", bad[i], &read), ERR_SYNTAX);
    assert_int_equal(parse_with(&text, "minimum-suite 3\n", "minimum-suite 9\n", &read), ERR_OK);
    assert_int_equal(read.minimum, 9);
    buf_deinit(&text);
}

/* Another name is for people: what a card is, and what its words are, says the first name. */
static void test_known_as(void **state)
{
    (void)state;
    static const char *const bad[] = {"known-as\n", "known-as \n", "known-as ncsc-kr\nknown-as ncsc-kr\n",
                                      "minimum-suite 2\nknown-as ncsc-kr\n"};
    static const char *const wrong[] = {"known-as kr\n", "known-as NCSC\n", "known-as a/b\n"};
    struct sync_card card = card_of("kr"), renamed = card_of("kr"), read;
    struct buf text;
    char before[SYNC_CARD_WORDS_SIZE], after[SYNC_CARD_WORDS_SIZE];
    memcpy(renamed.known_as, "ncsc-kr", 8);
    renamed.number++;
    print(&renamed, &text);
    assert_int_equal(sync_card_parse(buf_str(&text), &read, NULL), ERR_OK);
    assert_memory_equal(&renamed, &read, sizeof read);
    assert_int_equal(sync_card_replaces(&card, &read, NULL), ERR_OK);
    sync_card_words(&card, before);
    sync_card_words(&read, after);
    assert_string_equal(before, after);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse_with(&text, "known-as ncsc-kr\n", bad[i], &read), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(parse_with(&text, "known-as ncsc-kr\n", wrong[i], &read), ERR_INVALID);
    assert_int_equal(parse_with(&text, "known-as ncsc-kr\n", "known-as a\nminimum-suite 2\n", &read), ERR_OK);
    assert_string_equal(read.known_as, "a");
    assert_int_equal(read.minimum, 2);
    buf_deinit(&text);
}

/* All keys of one suite; a lower one never replaces a higher one, and says so before it says anything else.
 */
static void test_suites_apart(void **state)
{
    (void)state;
    struct fault fault = {.code = ERR_OK};
    struct buf out;
    suite_now = SUITE_1;
    struct sync_card low = card_of("kr");
    suite_now = SUITE_2;
    struct sync_card high = card_of("kr"), mixed = card_of("kr");
    struct sign_key root = key_of(1);
    mixed.key[SYNC_CARD_TLS] = low.key[SYNC_CARD_TLS];
    buf_init(&out, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&mixed, &root, &out, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.what, "tls key is not of the card's suite"));
    low.number = high.number + 1;
    assert_int_equal(sync_card_replaces(&high, &low, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.what, "a downgrade"));
    high.number = low.number + 1;
    assert_int_equal(sync_card_replaces(&low, &high, &fault), ERR_CONFLICT); /* another root key */
    /* A card says its suite; another number over the same keys is none. */
    print(&high, &out);
    char *number = find(&out, "suite2");
    static const char *const others[] = {"suite1", "suite4", "suite6", "suite0"};
    for (size_t i = 0; i < 4; i++) {
        memcpy(number, others[i], 6);
        assert_int_not_equal(sync_card_parse(buf_str(&out), &mixed, NULL), ERR_OK);
    }
    buf_deinit(&out);
}

static int of_suite(void **state)
{
    suite_now = *(const uint16_t *)*state;
    return 0;
}

#define OF_SUITE(test, number)                                                                               \
    {                                                                                                        \
#test " of suite " #number, test, of_suite, NULL, &suites[(number)-1]                                \
    }
#define OF_EVERY_SUITE(test)                                                                                 \
    OF_SUITE(test, 1), OF_SUITE(test, 2), OF_SUITE(test, 3), OF_SUITE(test, 4), OF_SUITE(test, 5)

int main(void)
{
    static uint16_t suites[] = {SUITE_1, SUITE_2, SUITE_3, SUITE_4, SUITE_5};
    const struct CMUnitTest tests[] = {
        OF_EVERY_SUITE(test_round_trip),
        OF_EVERY_SUITE(test_refuses_to_sign),
        OF_EVERY_SUITE(test_no_prefix_passes),
        OF_EVERY_SUITE(test_no_changed_byte_passes),
        OF_SUITE(test_one_spelling, 1),
        OF_EVERY_SUITE(test_replaces),
        OF_EVERY_SUITE(test_minimum),
        OF_EVERY_SUITE(test_known_as),
        OF_SUITE(test_words, 1),
        OF_EVERY_SUITE(test_receipt_keys),
        OF_SUITE(test_another_signer, 1),
        cmocka_unit_test(test_suites_apart),
    };
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
