#include "sync/bundle.h"

#include "core/mem.h"
#include "core/stamp.h"
#include "core/wr.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

#define HEAD       "bongsu/bundle/v1"
#define HEAD_ANY   STR("bongsu/bundle/")
#define REPORT     STR("bongsu/bundle-receipt/v1/suite1")
#define WORDS_MARK "bongsu receipt words v1"
#define BODY_CHARS (str_base64_size(LIMIT_SYNC_BODY_BYTES))

enum { TIME_CHARS = TIME_TEXT_SIZE - 1, NUMBER_CHARS = 20, ID_CHARS = 2 * BUNDLE_ID_SIZE };

/* --- the head --- */

void bundle_cuts_write(const struct bundle_plan *plan, struct buf *out)
{
    must(plan->volumes >= 1 && plan->volumes <= LIMIT_BUNDLE_VOLUMES);
    for (unsigned i = 0; i <= plan->volumes; i++)
        buf_printf(out, i == 0 ? "%llu" : " %llu", (unsigned long long)plan->cuts[i]);
}

err_t bundle_cuts_read(struct str text, struct bundle_plan *out)
{
    size_t count = 0;
    if (text.len == 0 || text.at[text.len - 1] == ' ')
        return ERR_SYNTAX;
    while (text.len > 0) {
        struct str word = str_cut(&text, ' ');
        if (count > LIMIT_BUNDLE_VOLUMES || !note_text_u64(word, MERKLE_SIZE_MAX, &out->cuts[count]) ||
            (count > 0 && out->cuts[count] <= out->cuts[count - 1]))
            return ERR_SYNTAX;
        count++;
    }
    if (count < 2)
        return ERR_SYNTAX;
    out->volumes = (unsigned)count - 1;
    return ERR_OK;
}

static void base64_line(struct buf *out, const char *word, const uint8_t *at, size_t len)
{
    buf_printf(out, "%s ", word);
    char *to = (char *)buf_extend(out, str_base64_size(len));
    if (to != NULL)
        (void)str_base64(at, len, to);
    buf_putc(out, '\n');
}

void bundle_head_write(struct buf *out, const struct bundle_head *head)
{
    char time[TIME_TEXT_SIZE], id[ID_CHARS];
    time_text(head->written_us, time);
    str_hex(head->plan.id, BUNDLE_ID_SIZE, id);
    note_text_head_put(HEAD, head->suite, out);
    buf_printf(out, "\norigin %.*s\nrecipient %.*s\nbundle %.*s\nvolume %u of %u\ncuts ",
               STR_ARG(head->origin), STR_ARG(head->recipient), (int)sizeof id, id, head->volume,
               head->plan.volumes);
    bundle_cuts_write(&head->plan, out);
    buf_printf(out, "\nwritten %s\n", time);
    base64_line(out, "stream", head->stream, sizeof head->stream);
    base64_line(out, "key", head->box, sealed_box_size(head->suite));
}

/* The rest of the next line when it begins with `word` and a space. */
static bool take(struct str *rest, const char *word, struct str *out)
{
    struct str line, head = str_of(word);
    if (!note_text_line(rest, &line) || !str_starts(line, head) || line.len <= head.len + 1 ||
        line.at[head.len] != ' ')
        return false;
    *out = (struct str) {line.at + head.len + 1, line.len - head.len - 1};
    return true;
}

static bool id_take(struct str *rest, uint8_t out[BUNDLE_ID_SIZE])
{
    struct str value;
    char again[ID_CHARS];
    if (!take(rest, "bundle", &value) || value.len != ID_CHARS || !str_unhex(value, out, BUNDLE_ID_SIZE))
        return false;
    str_hex(out, BUNDLE_ID_SIZE, again);
    return memcmp(again, value.at, ID_CHARS) == 0; /* one spelling */
}

static bool volume_take(struct str *rest, struct bundle_head *head)
{
    struct str value, cuts;
    uint64_t volume, volumes;
    if (!take(rest, "volume", &value) || !take(rest, "cuts", &cuts) ||
        bundle_cuts_read(cuts, &head->plan) != ERR_OK)
        return false;
    struct str first = str_cut(&value, ' '), of = str_cut(&value, ' ');
    if (!str_eq(of, STR("of")) || !note_text_u64(first, LIMIT_BUNDLE_VOLUMES, &volume) ||
        !note_text_u64(value, LIMIT_BUNDLE_VOLUMES, &volumes))
        return false;
    head->volume = (unsigned)volume;
    return volume >= 1 && volume <= volumes && volumes == head->plan.volumes;
}

static bool time_take(struct str *rest, int64_t *out)
{
    struct str value;
    struct stamp stamp;
    unsigned digits;
    if (!take(rest, "written", &value) || value.len != TIME_CHARS ||
        stamp_parse(value, &stamp, &digits) != ERR_OK)
        return false;
    *out = stamp_us(stamp);
    return true;
}

static bool base64_take(struct str *rest, const char *word, uint8_t *out, size_t size)
{
    struct str value;
    size_t len;
    return take(rest, word, &value) && value.len == str_base64_size(size) &&
           str_unbase64(value, out, size, &len) && len == size;
}

err_t bundle_head_read(struct str text, struct bundle_head *out, struct fault *fault)
{
    struct str rest = text, line = {NULL, 0};
    struct ledger_origin origin;
    out->suite = note_text_line(&rest, &line) ? note_text_head(line, HEAD) : 0;
    if (out->suite == 0)
        return fault_set(fault, str_starts(line, HEAD_ANY) ? ERR_VERSION : ERR_SYNTAX, 0,
                         "not a bundle of version 1 and a suite from %d to %d", SUITE_OLDEST, SUITE_NEWEST);
    if (!take(&rest, "origin", &out->origin) || !take(&rest, "recipient", &out->recipient) ||
        !id_take(&rest, out->plan.id) || !volume_take(&rest, out) || !time_take(&rest, &out->written_us) ||
        !base64_take(&rest, "stream", out->stream, sizeof out->stream) ||
        !base64_take(&rest, "key", out->box, sealed_box_size(out->suite)) || rest.len > 0)
        return fault_set(fault, ERR_SYNTAX, (size_t)(rest.at - text.at),
                         "a line of the bundle's head is wrong");
    if (ledger_origin_parse(out->origin, &origin) != ERR_OK || origin.urgent ||
        !ledger_name_ok(out->recipient))
        return fault_set(fault, ERR_INVALID, 0, "the bundle's head names no ledger or no node");
    return ERR_OK;
}

err_t bundle_key_make(struct str node, const struct sign_public *ledger, struct note_key *out)
{
    struct buf name;
    buf_init(&name, LIMIT_KEY_NAME_BYTES);
    buf_printf(&name, "bongsu/%.*s/bundle", STR_ARG(node));
    err_t err = buf_err(&name);
    if (err == ERR_OK)
        err = note_key_make(buf_str(&name), NOTE_SIGNATURE, ledger, out);
    buf_deinit(&name);
    return err;
}

err_t bundle_head_open(struct str whole, const struct sync_card *issuer, struct bundle_head *out,
                       struct fault *fault)
{
    struct note note;
    struct note_key key;
    struct ledger_origin origin;
    err_t err;
    if (whole.len > LIMIT_BUNDLE_HEAD_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "the head of a bundle has at most %u bytes",
                         LIMIT_BUNDLE_HEAD_BYTES);
    if (TRY(err, note_parse(whole, &note, fault)) || TRY(err, bundle_head_read(note.text, out, fault)))
        return err;
    if (ledger_origin_parse(out->origin, &origin) != ERR_OK || !str_eq(origin.issuer, str_of(issuer->node)))
        return fault_set(fault, ERR_CONFLICT, 0, "the bundle is not of %s", issuer->node);
    if (TRY(err, bundle_key_make(str_of(issuer->node), &issuer->key[SYNC_CARD_LEDGER], &key)) ||
        TRY(err, note_verify(&note, &key)))
        return fault_set(fault, ERR_SIGNATURE, 0,
                         "the head of the bundle is not signed by %s: it was changed, or "
                         "its newest card is not here",
                         issuer->node);
    return ERR_OK;
}

/* --- the stream --- */

struct hash bundle_bound(struct str head)
{
    return hash_sha256(bytes_from_str(head));
}

static err_t record_write(struct sealed_stream *stream, const struct hash *bound, struct bytes plain,
                          enum sealed_mark mark, struct buf *out)
{
    size_t len = plain.len + SEALED_RECORD_EXTRA;
    wr_u32(out, (uint32_t)len);
    uint8_t *to = buf_extend(out, len);
    return to == NULL ? buf_err(out) : sealed_put(stream, plain, bytes_of(bound->b, HASH_SIZE), mark, to);
}

err_t bundle_page_write(struct sealed_stream *stream, const struct hash *bound, struct bytes page,
                        struct buf *out)
{
    err_t err;
    while (page.len > LIMIT_BUNDLE_RECORD_BYTES) {
        if (TRY(err,
                record_write(stream, bound, bytes_of(page.at, LIMIT_BUNDLE_RECORD_BYTES), SEALED_MORE, out)))
            return err;
        page = bytes_of(page.at + LIMIT_BUNDLE_RECORD_BYTES, page.len - LIMIT_BUNDLE_RECORD_BYTES);
    }
    return record_write(stream, bound, page, SEALED_PART, out);
}

err_t bundle_end_write(struct sealed_stream *stream, const struct hash *bound, struct buf *out)
{
    return record_write(stream, bound, bytes_of(NULL, 0), SEALED_LAST, out);
}

struct bundle_reader {
    struct sealed_stream *stream;
    struct hash bound;
    uint32_t epoch;
    uint64_t at, to, page_from;
    struct buf page;
    bool over;
};

err_t bundle_reader_new(const struct bundle_head *head, const struct hash *bound,
                        const struct sealed_key *key, struct bundle_reader **out)
{
    struct ledger_origin origin;
    struct bundle_reader *reader = mem_alloc(sizeof *reader);
    err_t err = reader == NULL ? ERR_NOMEM : ledger_origin_parse(head->origin, &origin);
    if (err == ERR_OK && (reader->stream = sealed_new(key, head->stream)) == NULL)
        err = ERR_NOMEM;
    if (err != ERR_OK) {
        mem_free(reader);
        return err;
    }
    reader->bound = *bound;
    reader->epoch = origin.epoch;
    reader->at = bundle_from(head);
    reader->to = bundle_to(head);
    buf_init(&reader->page, LIMIT_SYNC_PAGE_BYTES);
    *out = reader;
    return ERR_OK;
}

void bundle_reader_free(struct bundle_reader *reader)
{
    if (reader == NULL)
        return;
    sealed_free(reader->stream);
    buf_deinit(&reader->page);
    mem_free(reader);
}

/* The page that is now whole is the next one of the volume. */
static err_t page_fits(struct bundle_reader *reader, struct fault *fault)
{
    struct sync_page page;
    err_t err = sync_page_read(buf_bytes(&reader->page), &page, fault);
    if (err != ERR_OK)
        return err;
    if (page.epoch != reader->epoch || page.from != reader->at || page.count == 0 ||
        page.count > reader->to - reader->at)
        return fault_set(fault, ERR_INVALID, 0, "a page of the bundle is not the one that follows entry %llu",
                         (unsigned long long)reader->at);
    reader->page_from = reader->at;
    reader->at += page.count;
    return ERR_OK;
}

static err_t end_fits(const struct bundle_reader *reader, struct fault *fault)
{
    if (reader->page.len > 0 || reader->at != reader->to)
        return fault_set(fault, ERR_INVALID, 0, "the volume ends before its last entry");
    return ERR_OK;
}

static err_t record_take(struct bundle_reader *reader, struct bytes record, enum bundle_took *out,
                         struct fault *fault)
{
    enum sealed_mark mark;
    err_t err;
    if (record.len < SEALED_RECORD_EXTRA || record.len > BUNDLE_SEALED_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "a record of the bundle is too short or too long");
    size_t before = reader->page.len, len = record.len - SEALED_RECORD_EXTRA;
    uint8_t *to = buf_extend(&reader->page, len);
    if (to == NULL && len > 0)
        return fault_set(fault, buf_err(&reader->page), 0, "a page of the bundle is too large");
    uint8_t nothing;
    if (TRY(err, sealed_take(reader->stream, record, bytes_of(reader->bound.b, HASH_SIZE),
                             len > 0 ? to : &nothing, &mark)))
        return fault_set(fault, err, 0, "the bundle was changed or cut behind entry %llu",
                         (unsigned long long)reader->at);
    *out = mark == SEALED_MORE ? BUNDLE_MORE : mark == SEALED_PART ? BUNDLE_PAGE : BUNDLE_END;
    if (mark == SEALED_LAST && reader->page.len != before)
        return fault_set(fault, ERR_INVALID, 0, "the record that ends the volume is not empty");
    return mark == SEALED_PART   ? page_fits(reader, fault)
           : mark == SEALED_LAST ? end_fits(reader, fault)
                                 : ERR_OK;
}

err_t bundle_reader_take(struct bundle_reader *reader, struct bytes record, enum bundle_took *out,
                         struct fault *fault)
{
    if (reader->over)
        return fault_set(fault, ERR_INVALID, 0, "there is more behind the end of the volume");
    enum bundle_took took = BUNDLE_MORE;
    err_t err = record_take(reader, record, &took, fault);
    reader->over = err != ERR_OK || took == BUNDLE_END;
    if (err == ERR_OK)
        *out = took;
    return err;
}

void bundle_reader_page(struct bundle_reader *reader, uint64_t *out_from, uint64_t *out_to, struct buf *out)
{
    *out_from = reader->page_from;
    *out_to = reader->at;
    buf_deinit(out);
    *out = reader->page;
    buf_init(&reader->page, LIMIT_SYNC_PAGE_BYTES);
}

uint64_t bundle_reader_at(const struct bundle_reader *reader)
{
    return reader->at;
}

/* --- receipts --- */

void bundle_words(struct str origin, uint64_t size, const struct hash *root, char out[SYNC_CARD_WORDS_SIZE])
{
    uint8_t number[8];
    wr_at_u64(number, size);
    struct bytes parts[] = {
        bytes_of(WORDS_MARK, sizeof WORDS_MARK), /* with its terminating zero */
        bytes_of(number, sizeof number),
        bytes_of(root->b, HASH_SIZE),
        bytes_from_str(origin),
    };
    struct hash digest = hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
    sync_words(&digest, out);
}

bool bundle_words_are(struct str said, struct str origin, uint64_t size, const struct hash *root)
{
    char words[SYNC_CARD_WORDS_SIZE];
    size_t at = 0;
    bundle_words(origin, size, root, words);
    for (size_t i = 0; i < said.len; i++) {
        char c = str_lower(said.at[i]);
        if (c == ' ' || c == '\n' || c == '\t' || c == '-')
            continue;
        at += words[at] == ' ';
        if (words[at] != c || c == '\0')
            return false;
        at++;
    }
    return words[at] == '\0';
}

void bundle_report_begin(struct buf *out)
{
    buf_put_str(out, REPORT);
    buf_putc(out, '\n');
}

void bundle_report_put(struct buf *out, const char *word, struct bytes body)
{
    base64_line(out, word, body.at, body.len);
}

err_t bundle_report_next(struct str *rest, bool first, struct str *out_word, struct buf *body)
{
    struct str line;
    size_t len;
    if (first && (!note_text_line(rest, &line) || !str_eq(line, REPORT)))
        return ERR_VERSION;
    if (rest->len == 0)
        return ERR_NOTFOUND;
    if (!note_text_line(rest, &line) || line.len > BODY_CHARS + 64)
        return ERR_SYNTAX;
    struct str word = str_cut(&line, ' ');
    buf_clear(body);
    uint8_t *to = buf_extend(body, line.len);
    if (!str_eq(word, STR("receipt")) && !str_eq(word, STR("recall-done")))
        return ERR_SYNTAX;
    if (line.len == 0 || to == NULL || !str_unbase64(line, to, line.len, &len))
        return ERR_SYNTAX;
    body->len = len;
    *out_word = word;
    return ERR_OK;
}
