#include "sync/wire.h"

#include "core/wr.h"
#include "ledger/voucher.h"
#include "net/exchange.h"

enum { HEAD_COUNT_AT = 1 + 2 + 4 + 8, REFUSAL_SIZE = 8 + 2, NUMBER_CHARS = 20 };

void sync_proof_write(struct buf *out, const struct merkle_proof *proof)
{
    must(proof->count <= MERKLE_PROOF_MAX);
    wr_u8(out, (uint8_t)proof->count);
    for (size_t i = 0; i < proof->count; i++)
        wr_bytes(out, bytes_of(proof->at[i].b, HASH_SIZE));
}

static void fail(struct rd *rd, err_t err)
{
    if (rd->err == ERR_OK)
        rd->err = err;
}

void sync_proof_read(struct rd *rd, struct merkle_proof *out)
{
    out->count = rd_u8(rd);
    if (out->count > MERKLE_PROOF_MAX) {
        fail(rd, ERR_LIMIT);
        out->count = 0;
    }
    for (size_t i = 0; i < out->count; i++)
        rd_copy(rd, out->at[i].b, HASH_SIZE);
}

static void format_read(struct rd *rd)
{
    if (rd_u8(rd) != SYNC_FORMAT)
        fail(rd, ERR_VERSION);
}

/* --- hello --- */

void sync_hello_write(struct buf *out, const struct sync_hello *hello)
{
    must(hello->version_count >= 1 && hello->version_count <= SYNC_OFFERS_MAX);
    must(hello->suite_count >= 1 && hello->suite_count <= SYNC_OFFERS_MAX);
    wr_u8(out, SYNC_FORMAT);
    wr_u8(out, (uint8_t)hello->version_count);
    for (size_t i = 0; i < hello->version_count; i++)
        wr_u8(out, hello->versions[i]);
    wr_u8(out, (uint8_t)hello->suite_count);
    for (size_t i = 0; i < hello->suite_count; i++)
        wr_u16(out, hello->suites[i]);
    wr_u32(out, hello->epoch);
    wr_u64(out, hello->size);
    wr_bytes(out, bytes_of(hello->root.b, HASH_SIZE));
}

/* A count of 1 to 8. */
static size_t offers_read(struct rd *rd)
{
    size_t count = rd_u8(rd);
    if (count >= 1 && count <= SYNC_OFFERS_MAX)
        return count;
    fail(rd, ERR_INVALID);
    return 0;
}

err_t sync_hello_read(struct bytes wire, struct sync_hello *out)
{
    struct rd rd = rd_of(wire);
    struct sync_hello hello = {.epoch = 0};
    format_read(&rd);
    hello.version_count = offers_read(&rd);
    for (size_t i = 0; i < hello.version_count; i++) {
        hello.versions[i] = rd_u8(&rd);
        if (i > 0 && hello.versions[i] <= hello.versions[i - 1])
            fail(&rd, ERR_INVALID);
    }
    hello.suite_count = offers_read(&rd);
    for (size_t i = 0; i < hello.suite_count; i++) {
        hello.suites[i] = rd_u16(&rd);
        if (i > 0 && hello.suites[i] <= hello.suites[i - 1])
            fail(&rd, ERR_INVALID);
    }
    hello.epoch = rd_u32(&rd);
    hello.size = rd_u64(&rd);
    rd_copy(&rd, hello.root.b, HASH_SIZE);
    struct hash empty = merkle_empty();
    if (hello.size > MERKLE_SIZE_MAX)
        fail(&rd, ERR_LIMIT);
    if (hello.size == 0 && (hello.epoch != 0 || !hash_eq(&hello.root, &empty)))
        fail(&rd, ERR_INVALID);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = hello;
    return err;
}

void sync_welcome_write(struct buf *out, const struct sync_welcome *welcome)
{
    wr_u8(out, SYNC_FORMAT);
    wr_u8(out, (uint8_t)welcome->verdict);
    wr_u8(out, welcome->version);
    wr_u16(out, welcome->suite);
    wr_blob(out, bytes_from_str(welcome->origin));
    wr_u64(out, welcome->size);
    wr_u64(out, welcome->receipted);
    wr_blob(out, bytes_from_str(welcome->checkpoint));
    sync_proof_write(out, &welcome->proof);
}

static bool welcome_ok(const struct sync_welcome *welcome)
{
    bool common = welcome->version != 0 && welcome->suite != 0;
    bool none = welcome->version == 0 && welcome->suite == 0;
    if (welcome->verdict >= SYNC_VERDICTS || (welcome->verdict == SYNC_NOTHING_IN_COMMON ? !none : !common))
        return false;
    bool go_on = welcome->verdict == SYNC_GO_ON;
    if (welcome->size > MERKLE_SIZE_MAX || (go_on && welcome->receipted > welcome->size))
        return false;
    if ((welcome->size == 0) != (welcome->checkpoint.len == 0))
        return false;
    return go_on || welcome->proof.count == 0;
}

err_t sync_welcome_read(struct bytes wire, struct sync_welcome *out)
{
    struct rd rd = rd_of(wire);
    struct sync_welcome welcome;
    format_read(&rd);
    welcome.verdict = (enum sync_verdict)rd_u8(&rd);
    welcome.version = rd_u8(&rd);
    welcome.suite = rd_u16(&rd);
    welcome.origin = str_from_bytes(rd_blob(&rd, LEDGER_ORIGIN_MAX));
    welcome.size = rd_u64(&rd);
    welcome.receipted = rd_u64(&rd);
    welcome.checkpoint = str_from_bytes(rd_blob(&rd, LIMIT_NOTE_BYTES));
    sync_proof_read(&rd, &welcome.proof);
    err_t err = rd_end(&rd);
    if (err == ERR_OK && !welcome_ok(&welcome))
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = welcome;
    return err;
}

/* --- feed --- */

void sync_feed_write(struct buf *out, const struct sync_feed *feed)
{
    buf_printf(out, "epoch=%u&from=%llu&max=%u&wait=%u", (unsigned)feed->epoch,
               (unsigned long long)feed->from, feed->max, feed->wait_s);
    if (feed->vouchers)
        buf_put_str(out, STR("&" SYNC_QUERY_VOUCHERS));
}

/* Exactly once, decimal, one spelling. */
static bool number_query(struct str query, struct str name, uint64_t max, uint64_t *out)
{
    char text[NUMBER_CHARS];
    size_t len;
    unsigned count;
    return exchange_query(query, name, text, sizeof text, &len, &count) == ERR_OK && count == 1 &&
           note_text_u64((struct str) {text, len}, max, out);
}

/* Once or not at all. */
err_t sync_vouchers_read(struct str query, bool *out)
{
    char text[NUMBER_CHARS];
    size_t len;
    unsigned count;
    if (exchange_query(query, STR("vouchers"), text, sizeof text, &len, &count) != ERR_OK || count > 1 ||
        (count == 1 && !str_eq((struct str) {text, len}, STR("1"))))
        return ERR_INVALID;
    *out = count == 1;
    return ERR_OK;
}

err_t sync_feed_read(struct str query, struct sync_feed *out)
{
    uint64_t epoch, from, max, wait;
    bool vouchers;
    if (!number_query(query, STR("epoch"), UINT32_MAX, &epoch) ||
        !number_query(query, STR("from"), MERKLE_SIZE_MAX, &from) ||
        !number_query(query, STR("max"), LIMIT_SYNC_PAGE_LEAVES, &max) || max == 0 ||
        !number_query(query, STR("wait"), LIMIT_SYNC_WAIT_S, &wait) ||
        sync_vouchers_read(query, &vouchers) != ERR_OK)
        return ERR_INVALID;
    *out = (struct sync_feed) {(uint32_t)epoch, from, (unsigned)max, (unsigned)wait, vouchers};
    return ERR_OK;
}

void sync_page_head_write(struct buf *out, uint32_t epoch, uint64_t from, uint32_t count)
{
    wr_u8(out, SYNC_FORMAT);
    wr_u16(out, SYNC_SUITE);
    wr_u32(out, epoch);
    wr_u64(out, from);
    wr_u32(out, count);
}

void sync_page_count_set(struct buf *page, size_t head_at, uint32_t count)
{
    if (buf_err(page) != ERR_OK)
        return;
    must(page->len >= HEAD_COUNT_AT + 4 && head_at <= page->len - (HEAD_COUNT_AT + 4));
    for (size_t i = 0; i < 4; i++)
        page->at[head_at + HEAD_COUNT_AT + i] = (uint8_t)(count >> (24 - 8 * i));
}

void sync_entry_write(struct buf *out, const struct leaf *leaf, const struct leaf_opening *opening,
                      struct bytes object, const struct sync_beside *beside)
{
    uint8_t leaf_wire[LEAF_SIZE], opening_wire[LEAF_OPENING_SIZE];
    bool content = opening != NULL && object.len > 0;
    unsigned parts = opening == NULL ? 0 : SYNC_OPENING;
    if (content) {
        must(beside->trail.len == 0 || beside->trail.len == LIMIT_TRAIL_BYTES);
        parts |= SYNC_OBJECT;
        parts |= beside->trail.len > 0 ? SYNC_TRAIL : 0;
        parts |= beside->voucher.len > 0 ? SYNC_VOUCHER : 0;
    }
    parts |= opening != NULL && beside->limits.text.len > 0 ? SYNC_LIMITS : 0;
    leaf_encode(leaf, leaf_wire);
    wr_bytes(out, bytes_of(leaf_wire, LEAF_SIZE));
    wr_u8(out, (uint8_t)parts);
    wr_u8(out, content ? beside->hops : 0);
    if (opening == NULL)
        return;
    leaf_opening_encode(opening, opening_wire);
    wr_bytes(out, bytes_of(opening_wire, LEAF_OPENING_SIZE));
    if (content)
        wr_blob(out, object);
    if ((parts & SYNC_LIMITS) != 0) {
        wr_bytes(out, bytes_of(beside->limits.salt.b, HASH_SIZE));
        wr_blob(out, bytes_from_str(beside->limits.text));
    }
    if ((parts & SYNC_TRAIL) != 0)
        wr_bytes(out, beside->trail);
    if ((parts & SYNC_VOUCHER) != 0)
        wr_bytes(out, beside->voucher);
}

void sync_page_tail_write(struct buf *out, struct str checkpoint, const struct merkle_proof *proof)
{
    wr_blob(out, bytes_from_str(checkpoint));
    sync_proof_write(out, proof);
}

/* Whole lines of UTF-8, at least one. What they say is for whoever passes the object on. */
static void limits_read(struct rd *rd, struct sync_limits *out)
{
    rd_copy(rd, out->salt.b, HASH_SIZE);
    out->text = str_from_bytes(rd_blob(rd, LIMIT_RESHARE_BYTES));
    if (rd->err == ERR_OK &&
        (out->text.len == 0 || out->text.at[out->text.len - 1] != '\n' || !str_is_utf8(out->text)))
        fail(rd, ERR_INVALID);
}

static struct bytes voucher_bytes(struct rd *rd)
{
    struct rd from = *rd;
    struct voucher voucher;
    voucher_read(rd, &voucher);
    return bytes_of(from.at, rd->err == ERR_OK ? from.left - rd->left : 0);
}

struct sync_entry sync_entry_next(struct rd *rd)
{
    enum {
        WHOLE = SYNC_OPENING | SYNC_OBJECT,
        ALL = WHOLE | SYNC_LIMITS | SYNC_TRAIL | SYNC_VOUCHER,
    };
    struct sync_entry entry = {.leaf = rd_bytes(rd, LEAF_SIZE)};
    entry.parts = rd_u8(rd);
    entry.beside.hops = rd_u8(rd);
    bool object = (entry.parts & SYNC_OBJECT) != 0;
    bool told = entry.parts <= SYNC_OPENING || entry.parts == (SYNC_OPENING | SYNC_LIMITS);
    if (entry.parts > ALL || (!told && (entry.parts & WHOLE) != WHOLE))
        fail(rd, ERR_INVALID);
    if ((entry.beside.hops != 0) != object)
        fail(rd, ERR_INVALID);
    if (entry.parts != 0)
        entry.opening = rd_bytes(rd, LEAF_OPENING_SIZE);
    if (object) {
        entry.object = rd_blob(rd, LIMIT_OBJECT_BYTES);
        if (entry.object.len == 0)
            fail(rd, ERR_INVALID);
    }
    if ((entry.parts & SYNC_LIMITS) != 0)
        limits_read(rd, &entry.beside.limits);
    if ((entry.parts & SYNC_TRAIL) != 0)
        entry.beside.trail = rd_bytes(rd, LIMIT_TRAIL_BYTES);
    if ((entry.parts & SYNC_VOUCHER) != 0)
        entry.beside.voucher = voucher_bytes(rd);
    return entry;
}

/* Walks every entry; the objects before the last one hold at most 3 MiB. */
static void entries_read(struct rd *rd, struct sync_page *page)
{
    const uint8_t *first = rd->at;
    size_t left = rd->left, before_last = 0;
    for (uint32_t i = 0; i < page->count && rd->err == ERR_OK; i++) {
        if (before_last > LIMIT_CHECKPOINT_BYTES)
            fail(rd, ERR_LIMIT);
        before_last += sync_entry_next(rd).object.len;
    }
    page->entries = bytes_of(first, left - rd->left);
}

static void page_read(struct rd *rd, struct sync_page *page)
{
    format_read(rd);
    if (rd_u16(rd) != SYNC_SUITE)
        fail(rd, ERR_VERSION);
    page->epoch = rd_u32(rd);
    page->from = rd_u64(rd);
    page->count = rd_u32(rd);
    if (page->count > LIMIT_SYNC_PAGE_LEAVES || page->from > MERKLE_SIZE_MAX - LIMIT_SYNC_PAGE_LEAVES)
        fail(rd, ERR_LIMIT);
    entries_read(rd, page);
    page->checkpoint = str_from_bytes(rd_blob(rd, LIMIT_NOTE_BYTES));
    sync_proof_read(rd, &page->proof);
    if ((page->count == 0) != (page->checkpoint.len == 0))
        fail(rd, ERR_INVALID);
    if ((page->count == 0 || page->from == 0) && page->proof.count != 0)
        fail(rd, ERR_INVALID);
}

err_t sync_page_read(struct bytes wire, struct sync_page *out, struct fault *fault)
{
    struct rd rd = rd_of(wire);
    struct sync_page page;
    if (wire.len > LIMIT_SYNC_PAGE_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "a page is at most %u bytes", LIMIT_SYNC_PAGE_BYTES);
    page_read(&rd, &page);
    err_t err = rd_end(&rd);
    if (err != ERR_OK)
        return fault_set(fault, err, wire.len - rd.left, "the page is not well formed");
    *out = page;
    return ERR_OK;
}

/* --- receipt --- */

void sync_receipt_write(struct buf *out, const struct sync_receipt *receipt, const struct sync_refusal *list)
{
    must(receipt->refusal_count <= LIMIT_SYNC_REFUSALS);
    wr_u8(out, SYNC_FORMAT);
    wr_u16(out, SYNC_SUITE);
    wr_u32(out, receipt->epoch);
    wr_u64(out, receipt->size);
    wr_blob(out, bytes_from_str(receipt->cosignature));
    wr_blob(out, bytes_from_str(receipt->disposition));
    wr_u64(out, receipt->before_count);
    wr_bytes(out, bytes_of(receipt->before.b, HASH_SIZE));
    wr_u32(out, (uint32_t)receipt->refusal_count);
    for (size_t i = 0; i < receipt->refusal_count; i++) {
        wr_u64(out, list[i].seq);
        wr_u16(out, list[i].code);
    }
}

struct sync_refusal sync_refusal_next(struct rd *rd)
{
    struct sync_refusal refusal = {.seq = rd_u64(rd)};
    refusal.code = rd_u16(rd);
    return refusal;
}

static void refusals_read(struct rd *rd, struct sync_receipt *receipt)
{
    uint64_t least = 0;
    receipt->refusal_count = rd_u32(rd);
    if (receipt->refusal_count > LIMIT_SYNC_REFUSALS) {
        fail(rd, ERR_LIMIT);
        return;
    }
    receipt->refusals = rd_bytes(rd, receipt->refusal_count * REFUSAL_SIZE);
    struct rd walk = rd_of(receipt->refusals);
    for (size_t i = 0; i < receipt->refusal_count && rd->err == ERR_OK; i++) {
        struct sync_refusal refusal = sync_refusal_next(&walk);
        if (refusal.seq < least || refusal.seq >= receipt->size)
            fail(rd, ERR_INVALID);
        least = refusal.seq + 1;
    }
}

err_t sync_receipt_read(struct bytes wire, struct sync_receipt *out)
{
    struct rd rd = rd_of(wire);
    struct sync_receipt receipt = {.epoch = 0};
    format_read(&rd);
    if (rd_u16(&rd) != SYNC_SUITE)
        fail(&rd, ERR_VERSION);
    receipt.epoch = rd_u32(&rd);
    receipt.size = rd_u64(&rd);
    receipt.cosignature = str_from_bytes(rd_blob(&rd, LIMIT_SYNC_SIGNATURE_BYTES));
    receipt.disposition = str_from_bytes(rd_blob(&rd, LIMIT_SYNC_SIGNATURE_BYTES));
    receipt.before_count = rd_u64(&rd);
    rd_copy(&rd, receipt.before.b, HASH_SIZE);
    if (receipt.size > MERKLE_SIZE_MAX || receipt.before_count > receipt.size)
        fail(&rd, ERR_LIMIT);
    refusals_read(&rd, &receipt);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = receipt;
    return err;
}

struct hash sync_receipt_digest(const struct sync_receipt *receipt)
{
    struct hash digest = receipt->before;
    struct rd rd = rd_of(receipt->refusals);
    for (size_t i = 0; i < receipt->refusal_count; i++) {
        struct sync_refusal refusal = sync_refusal_next(&rd);
        digest = disposition_refused_add(&digest, refusal.seq, refusal.code);
    }
    return digest;
}

void sync_received_write(struct buf *out, uint64_t receipted)
{
    wr_u8(out, SYNC_FORMAT);
    wr_u64(out, receipted);
}

err_t sync_received_read(struct bytes wire, uint64_t *out_receipted)
{
    struct rd rd = rd_of(wire);
    format_read(&rd);
    uint64_t receipted = rd_u64(&rd);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out_receipted = receipted;
    return err;
}

/* --- card --- */

void sync_shown_write(struct buf *out, const struct sync_shown *shown)
{
    must(shown->count >= 1 && shown->count <= LIMIT_CARDS_SHOWN);
    wr_u8(out, SYNC_FORMAT);
    wr_u64(out, shown->held);
    wr_u8(out, (uint8_t)shown->count);
    for (size_t i = 0; i < shown->count; i++)
        wr_blob(out, bytes_from_str(shown->cards[i]));
}

err_t sync_shown_read(struct bytes wire, struct sync_shown *out)
{
    struct rd rd = rd_of(wire);
    format_read(&rd);
    struct sync_shown shown = {.held = rd_u64(&rd), .count = rd_u8(&rd)};
    if (shown.count == 0 || shown.count > LIMIT_CARDS_SHOWN || shown.held > INT64_MAX)
        fail(&rd, ERR_LIMIT);
    for (size_t i = 0; rd.err == ERR_OK && i < shown.count; i++) {
        shown.cards[i] = str_from_bytes(rd_blob(&rd, LIMIT_CARD_BYTES));
        if (shown.cards[i].len == 0)
            fail(&rd, ERR_INVALID);
    }
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = shown;
    return err;
}
