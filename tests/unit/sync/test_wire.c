/* The bodies of the protocol: writing and reading are inverses, no prefix and no longer input passes, bounds
 * hold, and whatever a changed byte does, reading stays inside the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "ledger/voucher.h"
#include "sync/wire.h"

static struct hash hash_of(uint8_t byte)
{
    struct hash hash;
    memset(hash.b, byte, HASH_SIZE);
    return hash;
}

/* One reader for every kind of body, so that one loop tests all. */
enum kind { HELLO, WELCOME, PAGE, RECEIPT, RECEIVED, KINDS };

static err_t read_kind(enum kind kind, struct bytes wire)
{
    struct sync_hello hello;
    struct sync_welcome welcome;
    struct sync_page page;
    struct sync_receipt receipt;
    uint64_t received;
    switch (kind) {
    case HELLO:
        return sync_hello_read(wire, &hello);
    case WELCOME:
        return sync_welcome_read(wire, &welcome);
    case PAGE:
        return sync_page_read(wire, &page, NULL);
    case RECEIPT:
        return sync_receipt_read(wire, &receipt);
    default:
        return sync_received_read(wire, &received);
    }
}

static const struct sync_refusal refusals[] = {{3, ERR_INVALID}, {9, ERR_LIMIT}};

static const uint8_t trail_bytes[LIMIT_TRAIL_BYTES] = {1, 2, 3};

static struct bytes trail_at(uint64_t seq)
{
    return seq == 40 ? bytes_of(NULL, 0) : bytes_of(trail_bytes, sizeof trail_bytes);
}

/* What an origin signed, in `memory`; `long_one`: as long as any can be. */
static struct bytes voucher_in(bool long_one, struct buf *memory)
{
    static char name[LIMIT_NAME_BYTES], limits[LIMIT_RESHARE_BYTES];
    static const uint8_t signature[LIMIT_VOUCHER_SIGNATURE_BYTES];
    memset(name, 'a', sizeof name);
    memset(limits, 'x', sizeof limits);
    limits[sizeof limits - 1] = '\n';
    struct voucher voucher = {SUITE_1, STR("kr"), 7, STR("never\n"), bytes_of(signature, 64)};
    if (long_one)
        voucher = (struct voucher) {2, (struct str) {name, sizeof name}, 7,
                                    (struct str) {limits, sizeof limits}, bytes_of(signature, 64)};
    buf_init(memory, LIMIT_VOUCHER_BYTES);
    voucher_write(memory, &voucher);
    assert_int_equal(buf_err(memory), ERR_OK);
    return buf_bytes(memory);
}

static void page_make(struct buf *out)
{
    struct buf memory;
    struct bytes voucher = voucher_in(false, &memory);
    struct merkle_proof proof = {.count = 2, .at = {hash_of(1), hash_of(2)}};
    sync_page_head_write(out, 5, 40, 0);
    for (uint64_t seq = 40; seq < 43; seq++) {
        struct leaf leaf = {LEAF_RELEASE, 5, seq, 1000 + (int64_t)seq, hash_of(3), hash_of(4)};
        struct leaf_opening opening = {hash_of(5), hash_of(6), LEAF_SUBJECT_NONE};
        struct str object = seq == 41 ? STR("") : STR("{\"type\":\"indicator\"}");
        struct sync_beside beside = {
            .hops = 1, .limits = {seq == 42 ? STR("never\n") : STR(""), hash_of(7)}, .trail = trail_at(seq)};
        beside.voucher = seq == 40 ? bytes_of(NULL, 0) : voucher;
        sync_entry_write(out, &leaf, &opening, bytes_from_str(object), &beside);
    }
    buf_deinit(&memory);
    sync_page_count_set(out, 0, 3);
    sync_page_tail_write(out, STR("a checkpoint of any sixty-four or more bytes, which is not looked at"),
                         &proof);
}

static void make(enum kind kind, struct buf *out)
{
    struct sync_hello hello = {2, 1, {1, 3}, {1}, 5, 40, hash_of(7)};
    struct sync_welcome welcome = {
        SYNC_GO_ON, 1, 1, STR("bongsu/kr/us/0"), 50, 40, STR("checkpoint"), {.count = 1, .at = {hash_of(8)}}};
    struct sync_receipt receipt = {5,          40, STR("cosignature"), STR("disposition"), 1,
                                   hash_of(9), 2,  {NULL, 0}};
    buf_init(out, LIMIT_SYNC_PAGE_BYTES);
    switch (kind) {
    case HELLO:
        sync_hello_write(out, &hello);
        break;
    case WELCOME:
        sync_welcome_write(out, &welcome);
        break;
    case PAGE:
        page_make(out);
        break;
    case RECEIPT:
        sync_receipt_write(out, &receipt, refusals);
        break;
    default:
        sync_received_write(out, 40);
    }
    assert_int_equal(buf_err(out), ERR_OK);
}

/* In memory of exactly that size, so that the sanitizer sees a read past the end. */
static err_t read_exact(enum kind kind, const struct buf *buf, size_t len)
{
    uint8_t *exact = malloc(len + (len == 0));
    memcpy(exact, buf->at, len);
    err_t err = read_kind(kind, bytes_of(exact, len));
    free(exact);
    return err;
}

static void test_lengths(void **state)
{
    (void)state;
    for (enum kind kind = HELLO; kind < KINDS; kind++) {
        struct buf buf;
        make(kind, &buf);
        assert_int_equal(read_exact(kind, &buf, buf.len), ERR_OK);
        for (size_t len = 0; len < buf.len; len++)
            assert_int_not_equal(read_exact(kind, &buf, len), ERR_OK);
        wr_u8(&buf, 0);
        assert_int_equal(read_exact(kind, &buf, buf.len), ERR_INVALID);
        buf_deinit(&buf);
    }
}

static void test_changed_bytes_stay_inside(void **state)
{
    (void)state;
    for (enum kind kind = HELLO; kind < KINDS; kind++) {
        struct buf buf;
        size_t refused = 0;
        make(kind, &buf);
        for (size_t i = 0; i < buf.len; i++)
            for (unsigned bit = 0; bit < 8; bit++) {
                buf.at[i] ^= (uint8_t)(1u << bit);
                refused += read_exact(kind, &buf, buf.len) != ERR_OK;
                buf.at[i] ^= (uint8_t)(1u << bit);
            }
        assert_true(refused >= 8); /* at least every change of the format byte */
        buf_deinit(&buf);
    }
}

static void test_hello(void **state)
{
    (void)state;
    struct buf buf;
    struct sync_hello hello;
    make(HELLO, &buf);
    assert_int_equal(sync_hello_read(buf_bytes(&buf), &hello), ERR_OK);
    assert_int_equal(hello.version_count, 2);
    assert_int_equal(hello.versions[1], 3);
    assert_int_equal(hello.suites[0], 1);
    assert_int_equal(hello.epoch, 5);
    assert_int_equal(hello.size, 40);
    hello.versions[1] = 1; /* not rising */
    buf_clear(&buf);
    sync_hello_write(&buf, &hello);
    assert_int_equal(sync_hello_read(buf_bytes(&buf), &hello), ERR_INVALID);
    hello.versions[1] = 3;
    hello.size = 0; /* with an epoch and a root that is not empty */
    buf_clear(&buf);
    sync_hello_write(&buf, &hello);
    assert_int_equal(sync_hello_read(buf_bytes(&buf), &hello), ERR_INVALID);
    hello.epoch = 0;
    hello.root = merkle_empty();
    buf_clear(&buf);
    sync_hello_write(&buf, &hello);
    assert_int_equal(sync_hello_read(buf_bytes(&buf), &hello), ERR_OK);
    buf_deinit(&buf);
}

static void test_welcome_rules(void **state)
{
    (void)state;
    struct sync_welcome good = {SYNC_GO_ON, 1, 1, STR("o"), 5, 4, STR("note"), {.count = 0}}, read;
    for (unsigned rule = 0; rule < 7; rule++) {
        struct sync_welcome bad = good;
        switch (rule) {
        case 0:
            bad.receipted = 6;
            break;
        case 1:
            bad.checkpoint.len = 0;
            break;
        case 2:
            bad.size = bad.receipted = 0;
            break;
        case 3:
            bad.verdict = SYNC_AHEAD;
            bad.proof.count = 1;
            break;
        case 4:
            bad.verdict = SYNC_VERDICTS;
            break;
        case 5:
            bad.verdict = SYNC_NOTHING_IN_COMMON;
            break;
        default:
            bad.suite = 0;
        }
        struct buf buf;
        buf_init(&buf, LIMIT_SYNC_BODY_BYTES);
        sync_welcome_write(&buf, &bad);
        assert_int_equal(sync_welcome_read(buf_bytes(&buf), &read), ERR_INVALID);
        buf_clear(&buf);
        sync_welcome_write(&buf, &good);
        assert_int_equal(sync_welcome_read(buf_bytes(&buf), &read), ERR_OK);
        buf_deinit(&buf);
    }
}

static void test_feed_query(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "epoch=1&from=2&max=3",
        "epoch=1&from=2&max=3&wait=4&wait=4",
        "epoch=1&from=02&max=3&wait=4",
        "epoch=1&from=-2&max=3&wait=4",
        "epoch=1&from=2&max=0&wait=4",
        "epoch=1&from=2&max=1001&wait=4",
        "epoch=1&from=2&max=3&wait=31",
        "epoch=4294967296&from=2&max=3&wait=4",
        "epoch=1&from=9223372036854775808&max=3&wait=4",
        "epoch=1&from=&max=3&wait=4",
        "epoch=1&from=2&max=3&wait=4&vouchers=0",
        "epoch=1&from=2&max=3&wait=4&vouchers=",
        "epoch=1&from=2&max=3&wait=4&vouchers=1&vouchers=1",
    };
    struct sync_feed feed = {7, 123456789012, 1000, 30, false}, read;
    struct buf buf;
    buf_init(&buf, 256);
    sync_feed_write(&buf, &feed);
    assert_int_equal(sync_feed_read(buf_str(&buf), &read), ERR_OK);
    assert_int_equal(read.epoch, feed.epoch);
    assert_int_equal(read.from, feed.from);
    assert_int_equal(read.max, feed.max);
    assert_int_equal(read.wait_s, feed.wait_s);
    assert_false(read.vouchers);
    feed.vouchers = true;
    buf_clear(&buf);
    sync_feed_write(&buf, &feed);
    assert_int_equal(sync_feed_read(buf_str(&buf), &read), ERR_OK);
    assert_true(read.vouchers);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sync_feed_read(str_of(bad[i]), &read), ERR_INVALID);
    buf_deinit(&buf);
}

/* The query of `fetch`. */
static void test_vouchers_query(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        err_t err;
        bool wanted;
    } rows[] = {{"", ERR_OK, false},
                {SYNC_QUERY_VOUCHERS, ERR_OK, true},
                {"vouchers=0", ERR_INVALID, false},
                {"vouchers=01", ERR_INVALID, false},
                {"vouchers=", ERR_INVALID, false},
                {"vouchers=1&vouchers=1", ERR_INVALID, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool wanted = false;
        assert_int_equal(sync_vouchers_read(str_of(rows[i].query), &wanted), rows[i].err);
        assert_int_equal(wanted, rows[i].wanted);
    }
}

static void test_page(void **state)
{
    (void)state;
    struct buf buf;
    struct sync_page page;
    make(PAGE, &buf);
    assert_int_equal(sync_page_read(buf_bytes(&buf), &page, NULL), ERR_OK);
    assert_int_equal(page.epoch, 5);
    assert_int_equal(page.from, 40);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.proof.count, 2);
    struct rd rd = rd_of(page.entries);
    struct sync_entry first = sync_entry_next(&rd), second = sync_entry_next(&rd);
    assert_int_equal(first.parts, SYNC_OPENING | SYNC_OBJECT);
    assert_int_equal(first.beside.hops, 1);
    assert_int_equal(first.beside.trail.len, 0);
    assert_true(str_eq(str_from_bytes(first.object), STR("{\"type\":\"indicator\"}")));
    assert_int_equal(second.parts, SYNC_OPENING);
    assert_int_equal(second.beside.hops, 0);
    assert_int_equal(second.beside.trail.len, 0); /* there is no object that it could be about */
    struct sync_entry third = sync_entry_next(&rd);
    struct hash salt = hash_of(7);
    assert_int_equal(first.beside.limits.text.len, 0);
    assert_int_equal(third.parts, SYNC_OPENING | SYNC_OBJECT | SYNC_LIMITS | SYNC_TRAIL | SYNC_VOUCHER);
    struct buf memory;
    struct bytes voucher = voucher_in(false, &memory);
    assert_true(bytes_eq(third.beside.voucher, voucher));
    assert_true(first.beside.voucher.len == 0 && second.beside.voucher.len == 0);
    buf_deinit(&memory);
    assert_true(str_eq(third.beside.limits.text, STR("never\n")));
    assert_memory_equal(third.beside.limits.salt.b, salt.b, HASH_SIZE);
    assert_int_equal(third.beside.trail.len, LIMIT_TRAIL_BYTES);
    assert_memory_equal(third.beside.trail.at, trail_bytes, LIMIT_TRAIL_BYTES);
    struct leaf leaf;
    assert_int_equal(leaf_decode(second.leaf, &leaf), ERR_OK);
    assert_int_equal(leaf.seq, 41);
    buf_deinit(&buf);
}

/* A page of `count` leaves with objects of `size` bytes. */
static err_t big_page(uint32_t count, size_t size)
{
    struct leaf leaf = {.op = LEAF_RELEASE};
    struct leaf_opening opening = {.subject_seq = LEAF_SUBJECT_NONE};
    struct merkle_proof proof = {.count = 0};
    struct sync_page page;
    struct fault fault = {.code = ERR_OK};
    struct buf buf;
    uint8_t *object = calloc(1, size);
    buf_init(&buf, 64u << 20);
    sync_page_head_write(&buf, 0, 0, count);
    for (uint32_t i = 0; i < count; i++)
        sync_entry_write(&buf, &leaf, &opening, bytes_of(object, size), &(struct sync_beside) {.hops = 1});
    sync_page_tail_write(&buf, STR("checkpoint"), &proof);
    err_t err = sync_page_read(buf_bytes(&buf), &page, &fault);
    assert_int_equal(fault.code, err);
    buf_deinit(&buf);
    free(object);
    return err;
}

static err_t limited_page(struct str text)
{
    struct leaf leaf = {.op = LEAF_RELEASE};
    struct leaf_opening opening = {.subject_seq = LEAF_SUBJECT_NONE};
    struct merkle_proof proof = {.count = 0};
    struct sync_beside beside = {.hops = 1, .limits = {.text = text}};
    struct sync_page page;
    struct buf buf;
    buf_init(&buf, 1 << 16);
    sync_page_head_write(&buf, 0, 0, 1);
    sync_entry_write(&buf, &leaf, &opening, bytes_from_str(STR("{}")), &beside);
    sync_page_tail_write(&buf, STR("checkpoint"), &proof);
    err_t err = sync_page_read(buf_bytes(&buf), &page, NULL);
    buf_deinit(&buf);
    return err;
}

static void limits_are_whole_lines_within_bounds(void **state)
{
    (void)state;
    char text[LIMIT_RESHARE_BYTES + 1];
    memset(text, 'x', sizeof text);
    text[LIMIT_RESHARE_BYTES - 1] = text[LIMIT_RESHARE_BYTES] = '\n';
    assert_int_equal(limited_page(STR("never\ncountry US\n")), ERR_OK);
    assert_int_equal(limited_page(STR("anything that is not known\n")), ERR_OK);
    assert_int_equal(limited_page((struct str) {text, LIMIT_RESHARE_BYTES}), ERR_OK);
    assert_int_equal(limited_page((struct str) {text, LIMIT_RESHARE_BYTES + 1}), ERR_LIMIT);
    assert_int_equal(limited_page(STR("never")), ERR_INVALID);
    assert_int_equal(limited_page(STR("\xff\n")), ERR_INVALID);
}

/* What goes beside an object goes with nothing else, and nothing else goes. */
static void parts_are_those_that_are_known(void **state)
{
    (void)state;
    enum { PARTS_AT = 19 + LEAF_SIZE };
    const bool known[33] = {[0] = true,  [1] = true,  [3] = true,  [5] = true,  [7] = true, [11] = true,
                            [15] = true, [19] = true, [23] = true, [27] = true, [31] = true};
    struct buf memory;
    struct bytes voucher = voucher_in(false, &memory);
    for (unsigned parts = 0; parts < sizeof known; parts++) {
        struct leaf leaf = {.op = LEAF_RELEASE};
        struct leaf_opening opening = {.subject_seq = LEAF_SUBJECT_NONE};
        struct sync_beside beside = {.hops = 1, .limits = {.text = STR("")}};
        struct rd rd;
        struct buf buf;
        buf_init(&buf, 1 << 16);
        beside.limits.text = (parts & SYNC_LIMITS) != 0 ? STR("never\n") : STR("");
        beside.trail = trail_at((parts & SYNC_TRAIL) != 0 ? 41 : 40);
        beside.voucher = (parts & SYNC_VOUCHER) != 0 ? voucher : bytes_of(NULL, 0);
        sync_page_head_write(&buf, 0, 0, 1);
        sync_entry_write(&buf, &leaf, parts == 0 ? NULL : &opening,
                         bytes_from_str((parts & SYNC_OBJECT) != 0 ? STR("{}") : STR("")), &beside);
        buf.at[PARTS_AT] = (uint8_t)parts;
        rd = rd_of(bytes_of(buf.at + 19, buf.len - 19));
        (void)sync_entry_next(&rd);
        assert_int_equal(rd.err == ERR_OK && rd.left == 0, known[parts]);
        buf_deinit(&buf);
    }
    buf_deinit(&memory);
}

/* The longest page that an issuer can have to make fits. */
static void the_longest_page(void **state)
{
    (void)state;
    static uint8_t object[LIMIT_OBJECT_BYTES], trail[LIMIT_TRAIL_BYTES];
    static char limits[LIMIT_RESHARE_BYTES], note[LIMIT_NOTE_BYTES];
    struct merkle_proof proof = {.count = MERKLE_PROOF_MAX};
    struct sync_page page;
    struct buf buf, memory;
    struct leaf leaf = {.op = LEAF_RELEASE};
    struct leaf_opening opening = {.subject_seq = LEAF_SUBJECT_NONE};
    memset(limits, 'x', sizeof limits);
    limits[sizeof limits - 1] = '\n';
    struct sync_beside beside = {.hops = 1,
                                 .limits = {.text = {limits, sizeof limits}},
                                 .trail = bytes_of(trail, sizeof trail),
                                 .voucher = voucher_in(true, &memory)};
    buf_init(&buf, LIMIT_SYNC_PAGE_BYTES);
    sync_page_head_write(&buf, 0, 1, LIMIT_SYNC_PAGE_LEAVES);
    for (uint32_t i = 0; i < LIMIT_SYNC_PAGE_LEAVES; i++) {
        size_t size = i + 1 == LIMIT_SYNC_PAGE_LEAVES ? LIMIT_OBJECT_BYTES
                                                      : LIMIT_CHECKPOINT_BYTES / (LIMIT_SYNC_PAGE_LEAVES - 1);
        sync_entry_write(&buf, &leaf, &opening, bytes_of(object, size), &beside);
    }
    sync_page_tail_write(&buf, (struct str) {note, sizeof note}, &proof);
    assert_int_equal(buf_err(&buf), ERR_OK);
    assert_int_equal(sync_page_read(buf_bytes(&buf), &page, NULL), ERR_OK);
    buf_deinit(&buf);
    buf_deinit(&memory);
}

static void test_page_bounds(void **state)
{
    (void)state;
    assert_int_equal(big_page(1000, 700), ERR_OK);
    assert_int_equal(big_page(1001, 1), ERR_LIMIT);
    assert_int_equal(big_page(2, 2u << 20), ERR_OK);
    assert_int_equal(big_page(1, (2u << 20) + 1), ERR_LIMIT);
    assert_int_equal(big_page(3, (3u << 19) + 1), ERR_LIMIT); /* two of them are over 3 MiB before the last */
    assert_int_equal(big_page(3, 3u << 19), ERR_OK);
}

static void test_receipt(void **state)
{
    (void)state;
    struct buf buf;
    struct sync_receipt receipt;
    make(RECEIPT, &buf);
    assert_int_equal(sync_receipt_read(buf_bytes(&buf), &receipt), ERR_OK);
    assert_int_equal(receipt.refusal_count, 2);
    struct hash digest = hash_of(9);
    digest = disposition_refused_add(&digest, 3, ERR_INVALID);
    digest = disposition_refused_add(&digest, 9, ERR_LIMIT);
    struct hash made = sync_receipt_digest(&receipt);
    assert_memory_equal(made.b, digest.b, HASH_SIZE);
    static const struct sync_refusal falling[] = {{9, 4}, {9, 4}}, beyond[] = {{3, 4}, {40, 4}};
    struct buf other;
    buf_init(&other, LIMIT_SYNC_BODY_BYTES);
    sync_receipt_write(&other, &receipt, falling);
    assert_int_equal(read_kind(RECEIPT, buf_bytes(&other)), ERR_INVALID);
    buf_clear(&other);
    sync_receipt_write(&other, &receipt, beyond);
    assert_int_equal(read_kind(RECEIPT, buf_bytes(&other)), ERR_INVALID);
    buf_deinit(&other);
    buf_deinit(&buf);
}

static void test_shown(void **state)
{
    (void)state;
    struct sync_shown shown = {.held = 7, .count = 2, .cards = {STR("one"), STR("two")}}, back;
    struct buf wire;
    buf_init(&wire, 64 << 10);
    sync_shown_write(&wire, &shown);
    assert_int_equal(sync_shown_read(buf_bytes(&wire), &back), ERR_OK);
    assert_true(back.held == 7 && back.count == 2 && str_eq(back.cards[1], STR("two")));
    for (size_t len = 0; len < wire.len; len++)
        assert_int_not_equal(sync_shown_read(bytes_of(wire.at, len), &back), ERR_OK);
    wire.at[9] = 0;
    assert_int_not_equal(sync_shown_read(buf_bytes(&wire), &back), ERR_OK);
    wire.at[9] = 3;
    assert_int_not_equal(sync_shown_read(buf_bytes(&wire), &back), ERR_OK);
    /* An empty card, and one that is too long. */
    shown = (struct sync_shown) {.count = 1, .cards = {STR("")}};
    buf_clear(&wire);
    sync_shown_write(&wire, &shown);
    assert_int_equal(sync_shown_read(buf_bytes(&wire), &back), ERR_INVALID);
    static char large[LIMIT_CARD_BYTES + 1];
    shown.cards[0] = (struct str) {large, sizeof large};
    buf_clear(&wire);
    sync_shown_write(&wire, &shown);
    assert_int_not_equal(sync_shown_read(buf_bytes(&wire), &back), ERR_OK);
    buf_deinit(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_changed_bytes_stay_inside),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_welcome_rules),
        cmocka_unit_test(test_feed_query),
        cmocka_unit_test(test_vouchers_query),
        cmocka_unit_test(test_page),
        cmocka_unit_test(parts_are_those_that_are_known),
        cmocka_unit_test(test_page_bounds),
        cmocka_unit_test(the_longest_page),
        cmocka_unit_test(limits_are_whole_lines_within_bounds),
        cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
