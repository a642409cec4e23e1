#include "taxii/post.h"

#include <stdio.h>

#include "core/mem.h"
#include "taxii/quota.h"
#include "taxii/remove.h"
#include "taxii/status.h"
#include "taxii/text.h"
#include "taxii/view.h"

/* One object's way; the order is that of the submission. */
struct outcome {
    struct json_slice slice;
    bool answered, success, conflict;
    bool again;                     /* it was held already: it may have been deleted meanwhile */
    uint64_t lsn;                   /* where it stands; 0: nowhere */
    size_t message_at, message_len; /* in `messages` */
};

struct submission {
    const struct call *call;
    const struct collection *collection;
    struct bytes body;
    struct outcome *outcomes;
    size_t count;
    struct buf messages;
    struct buf batch;
    size_t batch_first, batch_count; /* outcomes in the gate's hands */
    struct buf successes, failures;  /* finished items of the status */
    size_t success_count;
};

/* --- cutting --- */

static bool count_slice(void *ctx, struct json_slice slice)
{
    (void)slice;
    size_t *count = ctx;
    return ++*count <= LIMIT_TAXII_POST_OBJECTS;
}

static bool note_slice(void *ctx, struct json_slice slice)
{
    struct submission *s = ctx;
    s->outcomes[s->count++].slice = slice;
    return true;
}

/* "{}", an envelope without objects (section 3.7). */
static bool is_empty(struct bytes body)
{
    struct str text = str_trim(str_from_bytes(body));
    if (text.len < 2 || text.at[0] != '{' || text.at[text.len - 1] != '}')
        return false;
    return str_trim((struct str) {text.at + 1, text.len - 2}).len == 0;
}

static bool is_bundle(const struct submission *s)
{
    struct json_doc doc;
    struct str type;
    return json_parse(s->call->taxii->parser, s->body, &doc, NULL) == ERR_OK &&
           json_get_str(json_root(&doc), STR("type"), &type);
}

/* Answers the request and says false when the body is no envelope. */
static bool cut(struct submission *s)
{
    enum json_split_kind kind = JSON_SPLIT_OBJECT;
    struct fault fault = {0};
    struct exchange_response *response = s->call->response;
    size_t count = 0;
    err_t err = json_split(s->body, STR("objects"), &kind, count_slice, &count, &fault);
    if (err != ERR_OK) {
        char text[FAULT_WHAT_MAX + 64];
        int len = snprintf(text, sizeof text, "at byte %zu: %s", fault.offset, fault.what);
        answer_error(response, 400, "The body is no JSON", (struct str) {text, (size_t)len});
    } else if (kind != JSON_SPLIT_LIST && !is_empty(s->body)) {
        answer_error(response, 400, "The body is no envelope", STR("{\"objects\": [...]} is one"));
    } else if (kind != JSON_SPLIT_LIST || count == 0) {
        answer_error(response, 422, "The envelope holds no objects", STR(""));
    } else if ((s->call->identity->roles & TAXII_STRICT) && is_bundle(s)) {
        answer_error(response, 400, "The body is a bundle, not an envelope", STR(""));
    } else if (count > LIMIT_TAXII_POST_OBJECTS) {
        answer_error(response, 422, "Too many objects at once", STR(""));
    } else if ((s->outcomes = mem_alloc_array(count, sizeof *s->outcomes)) == NULL) {
        answer_failed(response, ERR_NOMEM);
    } else {
        err = json_split(s->body, STR("objects"), &kind, note_slice, s, &fault);
        must(err == ERR_OK && s->count == count);
        return true;
    }
    return false;
}

/* --- the gate's answers --- */

/* The pointer as the submitter counts: the gate saw a part of the list. */
static struct str own_pointer(const char *pointer)
{
    struct str rest = str_of(pointer);
    if (!str_starts(rest, STR("/objects/")))
        return rest;
    size_t at = sizeof "/objects/" - 1;
    while (at < rest.len && rest.at[at] >= '0' && rest.at[at] <= '9')
        at++;
    return (struct str) {rest.at + at, rest.len - at};
}

static void message_put(struct submission *s, size_t index, const struct fault *fault)
{
    char text[LIMIT_TAXII_STATUS_MESSAGE];
    struct str pointer = own_pointer(fault->pointer);
    int len = snprintf(text, sizeof text, "/objects/%zu%.*s: %s%s%s%s", index, STR_ARG(pointer), fault->what,
                       fault->section[0] != '\0' ? " (STIX 2.1 section " : "", fault->section,
                       fault->section[0] != '\0' ? ")" : "");
    struct outcome *outcome = &s->outcomes[index];
    outcome->message_at = s->messages.len;
    outcome->message_len = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    buf_put(&s->messages, text, outcome->message_len);
}

static void on_answer(void *ctx, const struct gate_answer *answer)
{
    struct submission *s = ctx;
    if (answer->index >= s->batch_count)
        return;
    size_t index = s->batch_first + answer->index;
    struct outcome *outcome = &s->outcomes[index];
    outcome->answered = true;
    outcome->lsn = answer->lsn;
    outcome->conflict = answer->disposition == GATE_CONFLICT;
    outcome->again = outcome->conflict || answer->disposition == GATE_DUPLICATE;
    outcome->success = answer->disposition != GATE_REFUSED && !outcome->conflict;
    if (!outcome->success && !outcome->conflict && answer->fault != NULL)
        message_put(s, index, answer->fault);
}

/* --- batches --- */

/* What a platform gives back of what it had from here is known as that where it is declared as one that
 * rewrites. In its workspace it is not: so it is compared with what stands in its view, and nothing else. */
static struct gate_submission submission_of(const struct submission *s)
{
    const struct gate_source *source = gate_source_get(s->call->taxii->gate, s->collection->source);
    int reader = s->call->identity->partner;
    struct gate_submission submission = {.source = s->collection->source};
    if (source != NULL && source->rewrites && reader >= 0) {
        submission.echoes = GATE_ECHOES_OF_VIEW;
        submission.reader = (unsigned)reader;
    }
    return submission;
}

static err_t batch_accept(struct submission *s, struct fault *fault)
{
    const struct outcome *first = &s->outcomes[s->batch_first], *last = first + s->batch_count - 1;
    size_t end = last->slice.from + last->slice.len;
    buf_clear(&s->batch);
    buf_put_str(&s->batch, STR("{\"objects\":["));
    buf_put(&s->batch, s->body.at + first->slice.from, end - first->slice.from);
    buf_put_str(&s->batch, STR("]}"));
    size_t len = s->batch.len;
    uint8_t *padding = buf_extend(&s->batch, JSON_PADDING);
    if (padding == NULL)
        return buf_err(&s->batch);
    memset(padding, 0, JSON_PADDING);
    const struct gate_submission submission = submission_of(s);
    return gate_accept(s->call->taxii->gate, &submission, (struct bytes) {s->batch.at, len}, s->call->now_us,
                       on_answer, s, fault);
}

/* What no group of the log can hold does not reach the gate. */
static bool is_too_large(struct submission *s, size_t index)
{
    if (s->outcomes[index].slice.len <= LIMIT_OBJECT_BYTES)
        return false;
    struct fault fault = {0};
    fault_set(&fault, ERR_LIMIT, 0, "the object is larger than %u bytes", LIMIT_OBJECT_BYTES);
    message_put(s, index, &fault);
    s->outcomes[index].answered = true;
    return true;
}

static err_t accept_all(struct submission *s, struct fault *fault)
{
    size_t index = 0;
    while (index < s->count) {
        if (is_too_large(s, index)) {
            index++;
            continue;
        }
        size_t from = s->outcomes[index].slice.from;
        s->batch_first = index;
        s->batch_count = 0;
        while (index < s->count && s->batch_count < LIMIT_BATCH_OBJECTS &&
               s->outcomes[index].slice.len <= LIMIT_OBJECT_BYTES) {
            const struct json_slice *slice = &s->outcomes[index].slice;
            bool fits = slice->from + slice->len - from <= LIMIT_BATCH_BYTES;
            if (!fits && s->batch_count > 0)
                break;
            s->batch_count++;
            index++;
        }
        err_t err = batch_accept(s, fault);
        if (err != ERR_OK)
            return err;
    }
    return buf_err(&s->messages);
}

/* --- conflicts --- */

/* A conflict is told only when the other copy is the submitter's own or in its view; otherwise it would tell
 * that somebody else holds that object (DESIGN 5). And whether the other copy is its own is judged here, not
 * by what the gate made of this one: that depends on what others hold. */
struct rival {
    struct submission *s;
    struct stamp version;
    uint64_t lsn;
    bool found;
};

static bool own_visit(void *ctx, const struct gate_submitted *submitted)
{
    struct rival *rival = ctx;
    const struct submission *s = rival->s;
    rival->found = !submitted->versionless && submitted->lsn < rival->lsn &&
                   stamp_cmp(submitted->version, rival->version) == 0 &&
                   !remove_is(s->call->taxii, s->collection->source, submitted->lsn);
    return !rival->found;
}

/* Did this source hand in other content for the same version before? */
static bool is_own_conflict(struct submission *s, const struct outcome *outcome, const struct stix_key *key,
                            struct stamp version)
{
    struct rival rival = {s, version, outcome->lsn, false};
    const struct gate_source *source = gate_source_get(s->call->taxii->gate, s->collection->source);
    if (source == NULL || source->rewrites)
        return false;
    err_t err = gate_source_versions(s->call->taxii->gate, s->collection->source, key, own_visit, &rival);
    return err == ERR_OK && rival.found;
}

static bool is_in_view(struct submission *s, const struct stix_key *key, struct stamp version)
{
    struct collection release;
    struct view view;
    size_t count = 0;
    bool found = false;
    if (!collection_find(s->call->taxii, s->call->identity, STR("release"), &release))
        return false;
    struct version *versions = mem_alloc_array(LIMIT_TAXII_VERSIONS, sizeof *versions);
    err_t err = view_init(&view, s->call->taxii, &release);
    if (err == ERR_OK && versions != NULL)
        err = view_versions(&view, key, versions, LIMIT_TAXII_VERSIONS, &count);
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        found = found || (!versions[i].versionless && stamp_cmp(versions[i].stamp, version) == 0);
    view_deinit(&view);
    mem_free(versions);
    return found;
}

static void settle(struct submission *s, size_t index, struct str id, struct str version)
{
    struct outcome *outcome = &s->outcomes[index];
    struct stix_key key;
    struct stamp stamp;
    struct fault fault = {0};
    outcome->success = true;
    if (!stix_id_parse(id, &key) || stamp_parse(version, &stamp, NULL) != ERR_OK)
        return;
    outcome->success =
        !is_own_conflict(s, outcome, &key, stamp) && !(outcome->conflict && is_in_view(s, &key, stamp));
    fault_set(&fault, ERR_CONFLICT, 0, "differs from what is held under the same id and version");
    if (!outcome->success)
        message_put(s, index, &fault);
}

/* --- the status --- */

static struct bytes slice_of(const struct submission *s, size_t index)
{
    const struct json_slice *slice = &s->outcomes[index].slice;
    return (struct bytes) {s->body.at + slice->from, slice->len};
}

/* What has no identifier of its own may be given any value as its id (section 4.3.1): where it stands, which
 * no reader takes for an object's. */
static struct str place_text(size_t index, char out[32])
{
    int len = snprintf(out, 32, "/objects/%zu", index);
    return (struct str) {out, (size_t)len};
}

/* Nothing else may use the parser, from which id and version are borrowed, before they are written. */
static void item_write(struct submission *s, size_t index, const char *date)
{
    struct outcome *outcome = &s->outcomes[index];
    struct str id = STR(""), version = STR("");
    struct stamp stamp;
    bool readable = view_object_read(s->call->taxii, slice_of(s, index), &id, &version);
    if (readable && (outcome->success || outcome->conflict))
        settle(s, index, id, version);
    char place[32];
    if (!readable || id.len == 0 || id.len > LIMIT_ID_BYTES)
        id = place_text(index, place);
    if (stamp_parse(version, &stamp, NULL) != ERR_OK)
        version = str_of(date);
    struct buf *out = outcome->success ? &s->successes : &s->failures;
    s->success_count += outcome->success;
    buf_put_str(out, out->len > 0 ? STR(",{\"id\":") : STR("{\"id\":"));
    json_write_str(out, id);
    buf_put_str(out, STR(",\"version\":"));
    json_write_str(out, version);
    if (!outcome->success) {
        struct str message = {(const char *)s->messages.at + outcome->message_at, outcome->message_len};
        buf_put_str(out, STR(",\"message\":"));
        json_write_str(out, outcome->message_len > 0 ? message : STR("the object was not taken"));
    }
    buf_putc(out, '}');
}

/* A list is whole or left out: clients compare its length with the count. */
static void list_write(struct buf *out, const char *name, const struct buf *items, size_t room)
{
    if (items->len == 0 || out->len > room || items->len + 64 > room - out->len)
        return;
    buf_printf(out, "\"%s\":[", name);
    buf_put_str(out, buf_str(items));
    buf_put_str(out, STR("],"));
}

static void status_write(const struct submission *s, const struct uuid *id, const char *date, size_t room,
                         struct buf *out)
{
    char text[UUID_TEXT_SIZE];
    uuid_text(id, text);
    buf_printf(out, "{\"id\":\"%.*s\",\"status\":\"complete\",\"request_timestamp\":\"%s\",", UUID_TEXT_SIZE,
               text, date);
    buf_printf(out, "\"total_count\":%zu,\"success_count\":%zu,\"failure_count\":%zu,", s->count,
               s->success_count, s->count - s->success_count);
    list_write(out, "failures", &s->failures, room);
    list_write(out, "successes", &s->successes, room);
    buf_put_str(out, STR("\"pending_count\":0}"));
}

static void answer_status(struct submission *s)
{
    const struct call *call = s->call;
    char date[TIME_TEXT_SIZE];
    time_text(call->now_us, date);
    err_t undone = ERR_OK;
    for (size_t i = 0; i < s->count && undone == ERR_OK; i++) {
        if (s->outcomes[i].lsn != 0 && s->outcomes[i].again)
            undone = remove_undo(call, s->collection->source, s->outcomes[i].lsn);
        item_write(s, i, date);
    }
    if (undone != ERR_OK) {
        answer_failed(call->response, undone);
        return;
    }
    call->effect->access.objects = s->success_count;
    uint64_t number;
    if (TRY(undone, status_next(call->taxii, call->identity, &number))) {
        answer_failed(call->response, undone);
        return;
    }
    struct uuid id = status_id(call->taxii, call->identity, number);
    struct buf kept;
    buf_init(&kept, LIMIT_TAXII_STATUS_BYTES);
    status_write(s, &id, date, LIMIT_TAXII_STATUS_BYTES, &kept);
    err_t err = buf_err(&kept);
    if (err == ERR_OK)
        err = buf_err(&s->successes) != ERR_OK ? buf_err(&s->successes) : buf_err(&s->failures);
    if (err == ERR_OK)
        err = status_keep(call, number, buf_bytes(&kept));
    buf_deinit(&kept);
    if (err != ERR_OK) {
        answer_failed(call->response, err);
        return;
    }
    answer_begin(call->response, 202);
    status_write(s, &id, date, call->response->body.size_max, &call->response->body);
    call->effect->needs_commit = true;
}

/* --- */

static void submit(struct submission *s)
{
    struct exchange_response *response = s->call->response;
    struct fault fault = {0};
    if (!cut(s) || !status_room(s->call) || !quota_objects(s->call, s->count))
        return;
    err_t err = accept_all(s, &fault);
    if (err == ERR_OK)
        answer_status(s);
    else if (err == ERR_SYNTAX || err == ERR_INVALID || err == ERR_ENCODING || err == ERR_SHORT)
        answer_error(response, 422, "The objects cannot be told apart", str_of(fault.what));
    else
        answer_failed(response, err);
}

static bool media_ok(const struct call *call)
{
    enum media media = media_of(call->request->content_type);
    return media == MEDIA_TAXII || (!(call->identity->roles & TAXII_STRICT) && media != MEDIA_OTHER);
}

void post_objects(const struct call *call, const struct place *place)
{
    if (!media_ok(call)) {
        answer_error(call->response, 415, "Send " TAXII_TYPE, STR(""));
        return;
    }
    if (call->request->body.len > LIMIT_TAXII_CONTENT_BYTES) {
        answer_error(call->response, 413, "The body exceeds max_content_length", STR(""));
        return;
    }
    struct submission s = {.call = call, .collection = &place->collection, .body = call->request->body};
    buf_init(&s.messages, (size_t)LIMIT_TAXII_POST_OBJECTS * LIMIT_TAXII_STATUS_MESSAGE);
    buf_init(&s.batch, LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES + 256);
    buf_init(&s.successes, LIMIT_TAXII_ANSWER_BYTES);
    buf_init(&s.failures, LIMIT_TAXII_ANSWER_BYTES * 2);
    submit(&s);
    mem_free(s.outcomes);
    buf_deinit(&s.messages);
    buf_deinit(&s.batch);
    buf_deinit(&s.successes);
    buf_deinit(&s.failures);
}
