#include "gate/words.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/destroy.h"
#include "gate/legal.h"
#include "gate/mint.h"
#include "gate/retention.h"
#include "gate/signed_word.h"

/* --- sealed words: 0xff, which no text of people begins with, version, slot of the day's secret, a name that
 * the secret and the words make, then the words sealed under what the secret and that name make --- */

enum {
    MARK = 0xff,
    VERSION = 1,
    NAME_SIZE = 16,
    HEAD_SIZE = 1 + 1 + 8 + NAME_SIZE,
    OVERHEAD = HEAD_SIZE + SEAL_TAG_SIZE
};
_Static_assert((int)RECORD_WORDS_MAX == (int)RECORD_TEXT_MAX + (int)OVERHEAD, "sealed, a text is so long");

#define DAY_US (INT64_C(86400) * 1000 * 1000)

static const char name_label[] = "bongsu words name 1", seal_label[] = "bongsu words seal 1";

static bool slot_of(struct str words, uint64_t *out)
{
    struct rd rd = rd_of(bytes_from_str(words));
    if (words.len < OVERHEAD || rd_u8(&rd) != MARK || rd_u8(&rd) != VERSION)
        return false;
    *out = rd_u64(&rd);
    return rd.err == ERR_OK;
}

static bool is_blank(struct str words)
{
    for (size_t i = 0; i < words.len; i++)
        if ((unsigned char)words.at[i] > ' ')
            return false;
    return true;
}

static bool is_bare(struct str words)
{
    uint64_t slot;
    return !is_blank(words) && !slot_of(words, &slot);
}

/* Two texts never get one name, so nothing is sealed twice under one key but the same. */
static struct seal_secret secret_for(const struct seal_secret *day, struct bytes name)
{
    struct seal_secret out;
    struct seal_salts salts = seal_salts(day, seal_label, name);
    memcpy(out.b, salts.a.b, SEAL_SECRET_SIZE);
    mem_wipe(&salts, sizeof salts);
    return out;
}

/* --- rows: 'Z' slot: begin of the day, position of the SECRET, when it was forgotten; 'z' slot, kind, object
 * or partner: what words of that day are about; with no object: about one that nothing names --- */

enum { DAY_KEY_SIZE = 1 + 8, ABOUT_HEAD = 1 + 8 + 1, ABOUT_KEY_MAX = ABOUT_HEAD + RECORD_FACT_KEY_MAX };

struct day {
    uint64_t slot, lsn;
    int64_t from_us, forgotten_us; /* 0: kept */
};

static struct bytes day_key(char letter, uint64_t slot, uint8_t out[DAY_KEY_SIZE])
{
    out[0] = (uint8_t)letter;
    wr_at_u64(out + 1, slot);
    return bytes_of(out, DAY_KEY_SIZE);
}

static err_t day_read(struct bytes value, struct day *out)
{
    struct rd rd = rd_of(value);
    out->from_us = (int64_t)rd_u64(&rd);
    out->lsn = rd_u64(&rd);
    out->forgotten_us = (int64_t)rd_u64(&rd);
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static err_t day_get(struct gate *gate, uint64_t slot, struct day *out)
{
    uint8_t key[DAY_KEY_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, day_key('Z', slot, key), &value);
    *out = (struct day) {.slot = slot};
    return err != ERR_OK ? err : day_read(value, out);
}

static err_t day_put(struct gate *gate, const struct day *day)
{
    uint8_t key[DAY_KEY_SIZE], raw[3 * 8];
    wr_at_u64(raw, (uint64_t)day->from_us);
    wr_at_u64(raw + 8, day->lsn);
    wr_at_u64(raw + 16, (uint64_t)day->forgotten_us);
    return store_put(gate->store, TABLE_FACT, day_key('Z', day->slot, key), bytes_of(raw, sizeof raw));
}

static err_t days_each(struct gate *gate, bool (*visit)(void *ctx, const struct day *day), void *ctx)
{
    struct store_scan *scan;
    struct bytes key, value;
    bool more = true;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("Z", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while (more && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 1, key.len - 1));
        struct day day = {.slot = rd_u64(&rd)};
        if (rd_end(&rd) != ERR_OK || TRY(err, day_read(value, &day))) {
            err = ERR_CORRUPT;
            break;
        }
        more = visit(ctx, &day);
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- the day's secret --- */

static int64_t day_of(int64_t now_us)
{
    return now_us < 0 ? 0 : now_us - now_us % DAY_US;
}

err_t words_apply(struct gate *gate, uint64_t lsn, uint64_t slot, int64_t from_us)
{
    gate->words_slot = slot + 1;
    gate->words_from_us = from_us;
    return day_put(gate, &(struct day) {.slot = slot, .lsn = lsn, .from_us = from_us});
}

err_t words_forget(struct gate *gate, uint64_t slot, int64_t at_us)
{
    struct day day;
    err_t err = day_get(gate, slot, &day);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    if (gate->words_slot == slot + 1)
        gate->words_slot = 0;
    day.forgotten_us = at_us;
    return day_put(gate, &day);
}

static bool take_last(void *ctx, const struct day *day)
{
    struct gate *gate = ctx;
    gate->words_slot = day->forgotten_us != 0 ? 0 : day->slot + 1;
    gate->words_from_us = day->from_us;
    return true;
}

err_t words_load(struct gate *gate)
{
    return days_each(gate, take_last, gate);
}

static err_t secret_of(const struct gate *gate, uint64_t slot, struct seal_secret *out)
{
    err_t err = store_group_secret(gate->store, slot, out);
    return err == ERR_NOTFOUND ? store_secret(gate->store, slot, out) : err;
}

static err_t day_begin(struct gate *gate, int64_t from_us)
{
    struct record_secret record = {RECORD_SECRET_WORDS, from_us};
    struct hash fresh;
    uint64_t lsn, slot;
    err_t err = gate->os->random(gate->os->ctx, fresh.b, HASH_SIZE);
    if (err == ERR_OK)
        err = secret_append(gate, &record, &fresh, &lsn, &slot);
    mem_wipe(&fresh, sizeof fresh);
    if (err != ERR_OK)
        return err;
    return gate_torn(gate, words_apply(gate, lsn, slot, from_us), "the secret of a day could not be noted");
}

/* --- sealing --- */

/* `out` holds words.len + OVERHEAD bytes. */
static err_t seal_into(struct gate *gate, struct str words, int64_t now_us, uint8_t *out)
{
    struct seal_secret day, one;
    int64_t from_us = day_of(now_us);
    err_t err = ERR_OK;
    if ((gate->words_slot == 0 || gate->words_from_us != from_us) && TRY(err, day_begin(gate, from_us)))
        return err;
    uint64_t slot = gate->words_slot - 1;
    if (TRY(err, secret_of(gate, slot, &day)))
        return err;
    struct seal_salts name = seal_salts(&day, name_label, bytes_from_str(words));
    out[0] = MARK;
    out[1] = VERSION;
    wr_at_u64(out + 2, slot);
    memcpy(out + 10, name.a.b, NAME_SIZE);
    one = secret_for(&day, bytes_of(out + 10, NAME_SIZE));
    err = seal_close(store_suite(gate->store), &one, bytes_from_str(words), bytes_of(out, HEAD_SIZE),
                     out + HEAD_SIZE);
    mem_wipe(&name, sizeof name);
    mem_wipe(&day, sizeof day);
    mem_wipe(&one, sizeof one);
    return err;
}

err_t words_seal(struct gate *gate, struct str words, int64_t now_us, char room[RECORD_WORDS_MAX],
                 struct str *out)
{
    err_t err = ERR_OK;
    if (!is_bare(words)) {
        if (words.len > RECORD_WORDS_MAX)
            return ERR_LIMIT;
        *out = words;
        return ERR_OK;
    }
    if (words.len > RECORD_TEXT_MAX)
        return ERR_LIMIT;
    if (TRY(err, seal_into(gate, words, now_us, (uint8_t *)room)))
        return err;
    *out = (struct str) {room, words.len + OVERHEAD};
    return ERR_OK;
}

err_t words_put(struct gate *gate, struct buf *out, struct str words, int64_t now_us)
{
    if (!is_bare(words)) {
        wr_blob(out, bytes_from_str(words));
        return buf_err(out);
    }
    wr_u32(out, (uint32_t)(words.len + OVERHEAD));
    uint8_t *at = buf_extend(out, words.len + OVERHEAD);
    return at == NULL ? buf_err(out) : seal_into(gate, words, now_us, at);
}

/* --- opening --- */

static void put_forgotten(struct buf *out, int64_t at_us)
{
    char when[TIME_TEXT_SIZE];
    time_text(at_us, when);
    buf_printf(out, "(the words were forgotten by retention on %.10s)", when);
}

static err_t unseal(struct gate *gate, uint64_t slot, struct str words, struct buf *out)
{
    struct seal_secret day, one;
    struct bytes head = bytes_of(words.at, HEAD_SIZE);
    struct bytes sealed = bytes_of(words.at + HEAD_SIZE, words.len - HEAD_SIZE);
    err_t err = secret_of(gate, slot, &day);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    one = secret_for(&day, bytes_of(head.at + 10, NAME_SIZE));
    uint8_t *at = buf_extend(out, sealed.len - SEAL_TAG_SIZE);
    err = at == NULL ? buf_err(out) : seal_open(store_suite(gate->store), &one, sealed, head, at);
    mem_wipe(&day, sizeof day);
    mem_wipe(&one, sizeof one);
    return err == ERR_SIGNATURE ? ERR_CORRUPT : err;
}

err_t words_open(struct gate *gate, struct str words, struct buf *out)
{
    struct day day;
    uint64_t slot;
    if (!slot_of(words, &slot)) {
        buf_put_str(out, words);
        return buf_err(out);
    }
    err_t err = day_get(gate, slot, &day);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    if (day.forgotten_us == 0)
        return unseal(gate, slot, words, out);
    put_forgotten(out, day.forgotten_us);
    return buf_err(out);
}

err_t gate_words(struct gate *gate, struct str words, struct arena *arena, struct str *out)
{
    struct buf text;
    buf_init(&text, words.len + FAULT_WHAT_MAX);
    err_t err = words_open(gate, words, &text);
    if (err == ERR_OK) {
        *out = arena_str(arena, buf_str(&text));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&text);
    return err;
}

/* --- what they are about --- */

static err_t about_put(struct gate *gate, uint64_t slot, enum record_fact_kind kind, struct bytes about)
{
    uint8_t key[ABOUT_KEY_MAX];
    (void)day_key('z', slot, key);
    key[ABOUT_HEAD - 1] = (uint8_t)kind;
    memcpy(key + ABOUT_HEAD, about.at, about.len);
    return store_put(gate->store, TABLE_FACT, bytes_of(key, ABOUT_HEAD + about.len), bytes_of("", 0));
}

err_t words_note_object(struct gate *gate, struct str words, const struct stix_key *object)
{
    uint64_t slot;
    return slot_of(words, &slot)
               ? about_put(gate, slot, RECORD_FACT_LEGAL, bytes_of(object->b, STIX_KEY_SIZE))
               : ERR_OK;
}

/* Of what was refused and of what was signed nobody can tell later which objects they were about: bytes are
 * destroyed before words are, and what is signed may be sealed. Any order keeps these. */
static err_t note_nameless(struct gate *gate, const struct record_fact *fact)
{
    struct str words = fact->because;
    uint64_t slot;
    err_t err = fact->kind == RECORD_FACT_WORD ? signed_words(fact, &words) : ERR_OK;
    return err != ERR_OK || !slot_of(words, &slot)
               ? err
               : about_put(gate, slot, RECORD_FACT_LEGAL, bytes_of("", 0));
}

err_t words_note(struct gate *gate, const struct record_fact *fact)
{
    struct stix_key object;
    uint64_t slot;
    if (fact->kind == RECORD_FACT_QUARANTINE || fact->kind == RECORD_FACT_WORD)
        return note_nameless(gate, fact);
    if (!slot_of(fact->because, &slot))
        return ERR_OK;
    if (fact->kind == RECORD_FACT_HALT)
        return about_put(gate, slot, fact->kind, fact->key);
    if (fact->kind == RECORD_FACT_SPILL) {
        err_t err = spill_key(fact, &object);
        return err != ERR_OK ? err : words_note_object(gate, fact->because, &object);
    }
    struct bytes key = fact->key;
    if (fact->kind == RECORD_FACT_RIVAL && key.len > 0)
        key = bytes_of(key.at + 1, key.len - 1);
    bool named = fact->kind != RECORD_FACT_NODE && fact->kind != RECORD_FACT_LIST_PART;
    if (!named || key.len != STIX_KEY_SIZE)
        return ERR_OK;
    return about_put(gate, slot, RECORD_FACT_LEGAL, key);
}

/* Does any order stand? */
static bool is_ordered(struct gate *gate)
{
    uint8_t head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(RECORD_FACT_LEGAL, bytes_of("", 0), head),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return true;
    err = store_scan_next(scan, &key, &value);
    store_scan_close(scan);
    return err != ERR_NOTFOUND;
}

/* Does an order, or a link that stands still, keep the words of this day? What cannot be looked up does. */
static bool is_held(struct gate *gate, uint64_t slot)
{
    uint8_t prefix[DAY_KEY_SIZE];
    struct store_scan *scan;
    struct bytes key, value;
    bool held = false;
    err_t err =
        store_scan_open(gate->store, TABLE_FACT, day_key('z', slot, prefix), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return true;
    while (!held && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct bytes about = bytes_of(key.at + ABOUT_HEAD, key.len - ABOUT_HEAD);
        enum record_fact_kind kind = (enum record_fact_kind)key.at[ABOUT_HEAD - 1];
        held = about.len == 0 ? is_ordered(gate) : fact_get(gate, kind, about, &value) != ERR_NOTFOUND;
    }
    store_scan_close(scan);
    return held || err != ERR_NOTFOUND;
}

/* --- retention --- */

static bool is_over(const struct day *day, unsigned days, int64_t now_us)
{
    return days != 0 && day->forgotten_us == 0 && now_us - day->from_us > DAY_US + (int64_t)days * DAY_US;
}

struct page {
    struct gate *gate;
    unsigned days;
    int64_t now_us;
    uint64_t lsns[64];
    size_t count;
};

static bool take_over(void *ctx, const struct day *day)
{
    struct page *page = ctx;
    if (is_over(day, page->days, page->now_us) && day->lsn < store_durable_lsn(page->gate->store) &&
        !is_held(page->gate, day->slot))
        page->lsns[page->count++] = day->lsn;
    return page->count < sizeof page->lsns / sizeof *page->lsns;
}

err_t gate_retain_words(struct gate *gate, unsigned days, int64_t now_us, size_t *out_gone)
{
    char because[64];
    struct page page = {.gate = gate, .days = days, .now_us = now_us};
    struct gate_destroyed gone;
    struct gate_kept kept;
    err_t err;
    must(days != 0);
    if (TRY(err, gate_kept_get(gate, &kept)))
        return err;
    if (gate_clock(&kept, now_us) != GATE_CLOCK_GOOD)
        return ERR_DENIED;
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    err = days_each(gate, take_over, &page);
    store_view_end(gate->store);
    if (err == ERR_OK && page.count > 0) {
        (void)snprintf(because, sizeof because, "words kept for %u days", days);
        const struct gate_by by = {STR("retention"), str_of(because)};
        err = gate_destroy(gate, page.lsns, page.count, RECORD_CAUSE_RETENTION, &by, now_us, &gone);
    }
    if (err == ERR_OK)
        *out_gone = page.count;
    return err;
}

struct counting {
    struct gate *gate;
    unsigned days;
    int64_t now_us;
    uint64_t first_lsn; /* of the first day's secret; UINT64_MAX */
    struct gate_words_kept *out;
};

static bool count_day(void *ctx, const struct day *day)
{
    struct counting *c = ctx;
    struct gate_words_kept *out = c->out;
    if (day->lsn < c->first_lsn)
        c->first_lsn = day->lsn;
    out->forgotten += day->forgotten_us != 0;
    if (day->forgotten_us != 0)
        return true;
    bool held = is_held(c->gate, day->slot);
    out->days++;
    out->held += held;
    out->due += !held && is_over(day, c->days, c->now_us);
    if (out->oldest_us == 0 || day->from_us < out->oldest_us)
        out->oldest_us = day->from_us;
    return true;
}

/* A log of an earlier version begins with what its operators said. */
static bool begins_bare(struct gate *gate, uint64_t until)
{
    enum { LOOK = 1024 };
    struct store_iter iter = store_iter(gate->store, LSN_FIRST, until);
    struct frame frame;
    for (size_t looked = 0; looked < LOOK && store_iter_next(&iter, &frame) == ERR_OK; looked++)
        if (words_are_bare(&frame))
            return true;
    return false;
}

err_t gate_words_keeping(struct gate *gate, unsigned days, int64_t now_us, struct gate_words_kept *out)
{
    struct counting c = {gate, days, now_us, UINT64_MAX, out};
    *out = (struct gate_words_kept) {0};
    err_t err = days_each(gate, count_day, &c);
    if (err == ERR_OK)
        out->bare = begins_bare(gate, c.first_lsn);
    store_view_end(gate->store);
    return err;
}

/* --- which --- */

bool words_in(enum record_fact_kind kind)
{
    static const uint32_t programs = UINT32_C(1) << RECORD_FACT_RECHECK | UINT32_C(1) << RECORD_FACT_TOLD |
                                     UINT32_C(1) << RECORD_FACT_REPEATS | UINT32_C(1) << RECORD_FACT_LIMITED |
                                     UINT32_C(1) << RECORD_FACT_TRAIL | UINT32_C(1) << RECORD_FACT_RECALL |
                                     UINT32_C(1) << RECORD_FACT_AGAIN | UINT32_C(1) << RECORD_FACT_ANSWER |
                                     UINT32_C(1) << RECORD_FACT_VOUCHER | UINT32_C(1) << RECORD_FACT_AHEAD |
                                     UINT32_C(1) << RECORD_FACT_UNSAID;
    return (programs >> kind & 1) == 0;
}

bool words_are_bare(const struct frame *frame)
{
    struct record_fact fact;
    struct record_recall recall;
    struct arena arena;
    if (frame->kind == FRAME_JOB)
        return record_fact_read(frame->payload, &fact) == ERR_OK && words_in(fact.kind) &&
               is_bare(fact.because);
    if (frame->kind != FRAME_RECALL)
        return false;
    arena_init(&arena, LIMIT_FRAME_BYTES * 4u);
    bool bare = record_recall_read(frame->payload, &arena, &recall) == ERR_OK &&
                recall.cause != RECORD_CAUSE_RETENTION && is_bare(recall.because);
    arena_deinit(&arena);
    return bare;
}
