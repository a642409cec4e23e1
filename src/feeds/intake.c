#include "feeds/intake.h"

#include "core/mem.h"
#include "core/stamp.h"
#include "gate/query.h"
#include "json/json.h"

struct intake {
    struct gate *gate;
    uint32_t source;
    uint8_t hops; /* what a partner gives came from a node at least as far away */
    struct json_parser *parser, *held_parser;
    struct buf text;
    struct json_slice *slices;
    size_t slice_count, slice_room, at;
    struct buf batch;
    struct buf held, canon; /* a copy that is held; canonical texts */
    bool out_of_memory;
};

err_t intake_new(struct gate *gate, uint32_t source, struct intake **out)
{
    struct intake *intake = mem_alloc(sizeof *intake);
    err_t err;
    if (intake == NULL)
        return ERR_NOMEM;
    intake->gate = gate;
    intake->source = source;
    intake->hops = gate_source_get(gate, source)->partner >= 0;
    buf_init(&intake->text, LIMIT_FEED_ANSWER_BYTES + JSON_PADDING);
    buf_init(&intake->batch, LIMIT_BATCH_BYTES + JSON_PADDING);
    buf_init(&intake->held, LIMIT_OBJECT_BYTES + JSON_PADDING);
    buf_init(&intake->canon, 4 * LIMIT_OBJECT_BYTES);
    if (TRY(err, json_parser_new(LIMIT_OBJECT_BYTES, &intake->parser)) ||
        TRY(err, json_parser_new(LIMIT_OBJECT_BYTES, &intake->held_parser))) {
        intake_free(intake);
        return err;
    }
    *out = intake;
    return ERR_OK;
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    json_parser_free(intake->parser);
    json_parser_free(intake->held_parser);
    mem_free(intake->slices);
    buf_deinit(&intake->text);
    buf_deinit(&intake->batch);
    buf_deinit(&intake->held);
    buf_deinit(&intake->canon);
    mem_free(intake);
}

bool intake_idle(const struct intake *intake)
{
    return intake->at == intake->slice_count;
}

void intake_drop(struct intake *intake)
{
    intake->slice_count = intake->at = 0;
    buf_deinit(&intake->text);
}

/* --- cutting --- */

static bool add_slice(struct intake *intake, struct json_slice slice)
{
    if (intake->slice_count == intake->slice_room) {
        size_t room = intake->slice_room == 0 ? 256 : 2 * intake->slice_room;
        struct json_slice *grown = mem_grow(intake->slices, room * sizeof *grown);
        if (grown == NULL) {
            intake->out_of_memory = true;
            return false;
        }
        intake->slices = grown;
        intake->slice_room = room;
    }
    intake->slices[intake->slice_count++] = slice;
    return true;
}

static bool take_slice(void *ctx, struct json_slice slice)
{
    return add_slice(ctx, slice);
}

static size_t skip_blanks(struct bytes text, size_t from)
{
    while (from < text.len && text.at[from] != '\0' && strchr(" \t\r\n,", text.at[from]) != NULL)
        from++;
    return from;
}

/* What stands behind the last object that could be cut goes as it is: the gate refuses it and keeps it. */
static void add_rest(struct intake *intake)
{
    struct bytes text = buf_bytes(&intake->text);
    size_t from = 0;
    if (intake->slice_count > 0) {
        const struct json_slice *last = &intake->slices[intake->slice_count - 1];
        from = skip_blanks(text, last->from + last->len);
    }
    if (from < text.len)
        (void)add_slice(intake, (struct json_slice) {from, text.len - from});
}

err_t intake_begin(struct intake *intake, struct buf *text)
{
    struct fault fault = {0};
    enum json_split_kind kind;
    must(intake_idle(intake));
    intake_drop(intake);
    intake->out_of_memory = false;
    intake->text = *text;
    buf_init(text, text->size_max);
    /* Parsers read a little further than the text goes. */
    if (buf_extend(&intake->text, JSON_PADDING) == NULL)
        return buf_err(&intake->text);
    intake->text.len -= JSON_PADDING;
    err_t err = json_split(buf_bytes(&intake->text), STR("objects"), &kind, take_slice, intake, &fault);
    if (err != ERR_OK)
        add_rest(intake);
    if (!intake->out_of_memory)
        return ERR_OK;
    intake_drop(intake);
    return ERR_NOMEM;
}

/* --- echoes --- */

static bool is_opencti(struct str name)
{
    return str_eq(name, STR("extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba")) ||
           str_eq(name, STR("extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"));
}

/* The one member that is left of `extensions` when OpenCTI's are taken away is told from none at all by its
 * text; OpenCTI's alone amount to none. */
static bool only_opencti(struct json_val extensions)
{
    struct str name;
    struct json_val value;
    if (!json_is(extensions, JSON_OBJECT))
        return false;
    struct json_iter iter = json_object_iter(extensions);
    while (json_object_next(&iter, &name, &value))
        if (!is_opencti(name))
            return false;
    return true;
}

/* The same instant in other decimals: what systems write of ours. Without the zeros that end it. */
static enum json_canon_act put_time(struct json_val value, struct buf *out)
{
    struct stamp stamp;
    if (!json_is(value, JSON_STRING) || stamp_parse(json_str(value), &stamp, NULL) != ERR_OK)
        return JSON_CANON_KEEP;
    struct str text = json_str(value);
    text.len--; /* the Z */
    if (memchr(text.at, '.', text.len) != NULL)
        while (text.at[text.len - 1] == '0' || text.at[text.len - 1] == '.') {
            bool point = text.at[--text.len] == '.';
            if (point)
                break;
        }
    buf_putc(out, '"');
    buf_put_str(out, text);
    buf_put_str(out, STR("Z\""));
    return JSON_CANON_TEXT;
}

static bool is_time(struct str name)
{
    static const char *const names[] = {"valid_from", "valid_until",    "first_seen",
                                        "last_seen",  "published",      "start_time",
                                        "stop_time",  "first_observed", "last_observed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* Drops what systems rewrite on the way, and defaults (section 3.6) that some write and some do not. */
static enum json_canon_act drop_volatile(void *ctx, unsigned depth, struct str name, struct json_val value,
                                         struct buf *out)
{
    static const char *const names[] = {"created", "modified", "created_by_ref", "spec_version"};
    (void)ctx;
    for (size_t i = 0; depth == 0 && i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, str_of(names[i])))
            return JSON_CANON_DROP;
    if (depth == 0 &&
        (str_starts(name, STR("x_opencti_")) || (str_eq(name, STR("extensions")) && only_opencti(value))))
        return JSON_CANON_DROP;
    if (depth == 0 && str_eq(name, STR("revoked")) && json_is(value, JSON_FALSE))
        return JSON_CANON_DROP;
    if (depth == 0 && is_time(name))
        return put_time(value, out);
    return depth == 1 && is_opencti(name) ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

enum echo { ECHO_NONE, ECHO_UNCHANGED, ECHO_REWRITTEN };

static bool digests(struct intake *intake, struct json_val v, struct hash *whole, struct hash *lasting)
{
    static const struct json_canon_hook hook = {.member = drop_volatile};
    buf_clear(&intake->canon);
    if (json_canon(v, NULL, &intake->canon, NULL) != ERR_OK || buf_err(&intake->canon) != ERR_OK)
        return false;
    *whole = hash_sha256(buf_bytes(&intake->canon));
    buf_clear(&intake->canon);
    if (json_canon(v, &hook, &intake->canon, NULL) != ERR_OK || buf_err(&intake->canon) != ERR_OK)
        return false;
    *lasting = hash_sha256(buf_bytes(&intake->canon));
    return true;
}

struct looking {
    struct intake *intake;
    struct json_val came;
    bool known; /* the digests of what came */
    struct hash whole, lasting;
    enum echo echo;
};

/* Did somebody else bring it, and is it one that others may have got from us? */
static bool may_echo(const struct intake *intake, const struct gate_object *object)
{
    const struct gate_source *source = gate_source_get(intake->gate, object->envelope.source);
    if (object->quarantined || object->envelope.source == intake->source || source == NULL)
        return false;
    return source->own || source->partner >= 0 || object->released != 0;
}

/* Is `held` of a date up to that of `came`? */
static bool is_before(struct json_val held, struct json_val came)
{
    struct str a, b;
    struct stamp x, y;
    return json_get_str(held, STR("modified"), &a) && json_get_str(came, STR("modified"), &b) &&
           stamp_parse(a, &x, NULL) == ERR_OK && stamp_parse(b, &y, NULL) == ERR_OK && stamp_cmp(x, y) <= 0;
}

/* Versions come in order: of those up to the date of what came, the last one counts. */
static bool compare(void *ctx, const struct gate_object *object)
{
    struct looking *looking = ctx;
    struct intake *intake = looking->intake;
    struct json_doc doc;
    struct hash whole, lasting;
    if (!may_echo(intake, object))
        return true;
    if (!looking->known && !digests(intake, looking->came, &looking->whole, &looking->lasting))
        return false;
    looking->known = true;
    buf_clear(&intake->held);
    buf_put(&intake->held, object->bytes.at, object->bytes.len);
    if (buf_extend(&intake->held, JSON_PADDING) == NULL ||
        json_parse(intake->held_parser, bytes_of(intake->held.at, object->bytes.len), &doc, NULL) != ERR_OK ||
        !digests(intake, json_root(&doc), &whole, &lasting))
        return true;
    if (hash_eq(&whole, &looking->whole))
        looking->echo = ECHO_UNCHANGED;
    else if (hash_eq(&lasting, &looking->lasting))
        looking->echo = ECHO_REWRITTEN;
    else if (is_before(json_root(&doc), looking->came))
        looking->echo = ECHO_NONE; /* older content under a newer date: somebody took that version back */
    return looking->echo != ECHO_UNCHANGED;
}

/* In this node's own name, and not held here: its word that something was taken back, its identity. Nobody
 * else speaks in its name. */
static bool is_own_word(const struct intake *intake, struct json_val root, const struct stix_key *key)
{
    struct stix_key self, creator;
    struct gate_minted minted;
    struct gate_reach reach;
    struct json_val revoked;
    struct str text;
    if (!gate_self(intake->gate, &self) ||
        (!stix_key_eq(&self, key) && (!json_get_str(root, STR("created_by_ref"), &text) ||
                                      !stix_id_parse(text, &creator) || !stix_key_eq(&self, &creator))))
        return false;
    if (json_get(root, STR("revoked"), &revoked) && json_is(revoked, JSON_TRUE))
        return true;
    return gate_minted(intake->gate, key, &minted) == ERR_NOTFOUND &&
           gate_reach(intake->gate, key, &reach) == ERR_OK && !reach.held;
}

static enum echo echo_of(struct intake *intake, struct bytes object)
{
    struct json_doc doc;
    struct str id;
    struct stix_key key;
    if (json_parse(intake->parser, object, &doc, NULL) != ERR_OK ||
        !json_get_str(json_root(&doc), STR("id"), &id) || !stix_id_parse(id, &key))
        return ECHO_NONE; /* the gate says what is wrong */
    struct looking looking = {.intake = intake, .came = json_root(&doc)};
    if (gate_versions(intake->gate, &key, compare, &looking) != ERR_OK)
        return ECHO_NONE;
    if (looking.echo == ECHO_NONE && is_own_word(intake, json_root(&doc), &key))
        return ECHO_REWRITTEN;
    return looking.echo;
}

/* --- batches --- */

static void count_answer(void *ctx, const struct gate_answer *answer)
{
    struct feed_counts *counts = ctx;
    switch (answer->disposition) {
    case GATE_NEW:
        counts->fresh++;
        break;
    case GATE_DUPLICATE:
    case GATE_SEEN:
        counts->duplicate++;
        break;
    case GATE_ASSERTION:
        counts->asserted++;
        break;
    case GATE_CONFLICT:
        counts->conflict++;
        break;
    case GATE_REFUSED:
        counts->refused++;
        break;
    }
}

static bool is_rest(const struct intake *intake, struct json_slice slice)
{
    const uint8_t *at = intake->text.at + slice.from;
    return slice.len == 0 || at[0] != '{' || at[slice.len - 1] != '}';
}

static err_t submit(struct intake *intake, struct bytes text, int64_t now_us, struct feed_counts *counts)
{
    struct fault fault = {0};
    struct gate_submission submission = {.source = intake->source, .hops = intake->hops};
    uint64_t refused = counts->refused;
    err_t err = gate_accept(intake->gate, &submission, text, now_us, count_answer, counts, &fault);
    if (err == ERR_OK || err == ERR_BUSY || err == ERR_READONLY || err == ERR_NOMEM || err == ERR_IO ||
        err == ERR_FULL)
        return err;
    if (counts->refused == refused)
        counts->refused++; /* as a whole */
    return ERR_OK;
}

/* More than an object may hold: kept in quarantine piece by piece. */
static err_t keep_pieces(struct intake *intake, struct bytes whole, int64_t now_us,
                         struct feed_counts *counts)
{
    struct gate_piece piece = {.whole = whole.len, .digest = hash_sha256(whole)};
    for (size_t at = 0; at < whole.len; at += LIMIT_OBJECT_BYTES) {
        uint64_t lsn;
        size_t left = whole.len - at;
        piece.at = at;
        piece.bytes = bytes_of(whole.at + at, left < LIMIT_OBJECT_BYTES ? left : LIMIT_OBJECT_BYTES);
        err_t err = gate_quarantine_piece(intake->gate, intake->source, &piece, now_us, &lsn);
        if (err != ERR_OK)
            return err;
        if (at == 0)
            piece.first = lsn;
    }
    counts->refused++;
    return ERR_OK;
}

/* Gathers objects from `at` on; *out_end: the first that did not fit. */
static err_t gather(struct intake *intake, size_t *out_end, struct feed_counts *counts)
{
    size_t taken = 0, end = intake->at;
    buf_clear(&intake->batch);
    buf_put_str(&intake->batch, STR("{\"objects\":["));
    for (; end < intake->slice_count && end - intake->at < LIMIT_FEED_BATCH_OBJECTS; end++) {
        struct json_slice slice = intake->slices[end];
        struct bytes object = bytes_of(intake->text.at + slice.from, slice.len);
        if (slice.len > LIMIT_OBJECT_BYTES || is_rest(intake, slice) ||
            (taken > 0 && slice.len > LIMIT_FEED_BATCH_BYTES - intake->batch.len))
            break;
        enum echo echo = echo_of(intake, object);
        counts->echo += echo != ECHO_NONE;
        if (echo == ECHO_REWRITTEN)
            continue;
        if (taken++ > 0)
            buf_putc(&intake->batch, ',');
        buf_put(&intake->batch, object.at, object.len);
        if (intake->batch.len >= LIMIT_FEED_BATCH_BYTES) {
            end++;
            break;
        }
    }
    buf_put_str(&intake->batch, STR("]}"));
    *out_end = end;
    if (taken == 0)
        buf_clear(&intake->batch);
    else if (buf_extend(&intake->batch, JSON_PADDING) != NULL)
        intake->batch.len -= JSON_PADDING;
    return buf_err(&intake->batch);
}

err_t intake_step(struct intake *intake, int64_t now_us, struct feed_counts *counts)
{
    struct feed_counts before = *counts;
    size_t end;
    if (intake_idle(intake))
        return ERR_OK;
    err_t err = gather(intake, &end, counts);
    if (err != ERR_OK)
        return err;
    if (end > intake->at) {
        err = intake->batch.len == 0 ? ERR_OK : submit(intake, buf_bytes(&intake->batch), now_us, counts);
    } else {
        struct json_slice slice = intake->slices[end++];
        struct bytes text = bytes_of(intake->text.at + slice.from, slice.len);
        err = slice.len > LIMIT_OBJECT_BYTES ? keep_pieces(intake, text, now_us, counts)
                                             : submit(intake, text, now_us, counts);
    }
    if (err != ERR_OK) {
        *counts = before;
        return err;
    }
    intake->at = end;
    if (intake_idle(intake))
        intake_drop(intake);
    return ERR_OK;
}

err_t intake_refuse(struct intake *intake, struct bytes text, const struct fault *fault, int64_t now_us,
                    struct feed_counts *counts)
{
    uint64_t lsn;
    err_t err = gate_quarantine_foreign(intake->gate, intake->source, fault, text, now_us, &lsn);
    counts->refused += err == ERR_OK;
    return err;
}
