/* The way in: cut, parse once, check, settle authority and version, append (DESIGN 4 step 3, DESIGN 5). */
#include <stdio.h>

#include "core/wr.h"
#include "gate/echo.h"
#include "gate/mint.h"

static const char half_taken[] = "an object could not be taken in whole";

enum { SLICES_FIRST = 8 }; /* a partner's objects come one by one, feeds by the thousand */

/* One submission under way. */
struct intake {
    struct gate *gate;
    const struct gate_submission *submission;
    struct bytes text;
    int64_t now_us;
    void (*answer)(void *ctx, const struct gate_answer *answer);
    void *ctx;

    struct json_slice *slices;
    size_t slice_count;
    size_t slice_size;
    bool mended;             /* the object at hand was minted from what came */
    bool spilled;            /* the object at hand was suspended before */
    bool own;                /* the node's: no policy of a source is asked */
    enum echo_kind echo;     /* what the object at hand is to what is held */
    bool has_creator;        /* what came names one */
    struct stix_key creator; /* then this one */
    err_t err;               /* sticky, of the whole submission */
};

static struct bytes slice_bytes(const struct intake *in, struct json_slice slice)
{
    return (struct bytes) {in->text.at + slice.from, slice.len};
}

const char *gate_disposition_word(enum gate_disposition disposition)
{
    static const char *const words[] = {
        [GATE_NEW] = "new",         [GATE_DUPLICATE] = "duplicate",
        [GATE_SEEN] = "seen",       [GATE_ASSERTION] = "assertion",
        [GATE_ECHO] = "echo",       [GATE_CONFLICT] = "conflict",
        [GATE_REFUSED] = "refused",
    };
    return words[disposition];
}

/* --- what a logged object means for the index --- */

/* What it is a translation of; NULL: of nothing. */
static const struct stix_key *translated(const struct stix_object *object)
{
    if (object->type->code != STIX_TYPE_LANGUAGE_CONTENT)
        return NULL;
    for (size_t i = 0; i < object->ref_count; i++)
        if (object->refs[i].role == STIX_REF_LANG_TARGET)
            return &object->refs[i].key;
    return NULL;
}

/* Rows of REF hold how it is named: nothing: by a reference; "l": as a translation; "t": within a text. */
static err_t index_refs(struct gate *gate, uint64_t lsn, const struct stix_object *object)
{
    const struct stix_key *told = translated(object);
    uint8_t key[STIX_KEY_SIZE + 8];
    for (int i = 0; i < 8; i++)
        key[STIX_KEY_SIZE + i] = (uint8_t)(lsn >> (56 - 8 * i));
    const struct stix_key *last = NULL;
    for (size_t i = 0; i < object->named_count; i++) {
        memcpy(key, object->named[i].key.b, STIX_KEY_SIZE);
        err_t err = store_put(gate->store, TABLE_REF, bytes_of(key, sizeof key), bytes_of("t", 1));
        if (err != ERR_OK)
            return err;
    }
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_key *target = &object->refs[i].key;
        if ((last != NULL && stix_key_eq(last, target)) || key_is_builtin(target))
            continue;
        last = target;
        struct bytes how = bytes_of("l", told != NULL && stix_key_eq(told, target) ? 1 : 0);
        memcpy(key, target->b, STIX_KEY_SIZE);
        err_t err = store_put(gate->store, TABLE_REF, bytes_of(key, sizeof key), how);
        if (err != ERR_OK)
            return err;
        /* Who holds only what was minted for him speaks of its source. */
        struct stix_key meant = mint_meant(gate, target);
        memcpy(key, meant.b, STIX_KEY_SIZE);
        if (!stix_key_eq(&meant, target) &&
            TRY(err, store_put(gate->store, TABLE_REF, bytes_of(key, sizeof key), how)))
            return err;
    }
    return ERR_OK;
}

static err_t index_source(struct gate *gate, uint64_t lsn, uint32_t source)
{
    uint8_t key[10] = {(uint8_t)(source >> 8), (uint8_t)source};
    for (int i = 0; i < 8; i++)
        key[2 + i] = (uint8_t)(lsn >> (56 - 8 * i));
    return store_put(gate->store, TABLE_SOURCE, bytes_of(key, sizeof key), bytes_of(NULL, 0));
}

/* `fresh` was not among the copies yet: those that spoke before and that it replaces are no longer counted.
 */
static err_t retire_older(struct gate *gate, const struct copies *copies, const struct copy *fresh)
{
    for (size_t i = 0; i < copies->count; i++) {
        const struct copy *older = &copies->at[i];
        if (!copy_is_current(copies, older) || stamp_cmp(older->version, fresh->version) > 0 ||
            ((fresh->flags & COPY_SCO) != 0 && older->source != fresh->source))
            continue;
        err_t err = state_retire(gate, older->lsn);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t object_apply(struct gate *gate, uint64_t lsn, enum frame_kind kind,
                   const struct record_envelope *envelope, const struct stix_object *object,
                   const struct hash *canon)
{
    struct copies copies;
    err_t err = copies_load(gate, &object->key, &copies);
    if (err != ERR_OK)
        return err;
    struct copies heard = copies;
    copies_unspilled(gate, &heard);
    bool sco = object->type->category == STIX_SCO;
    struct copy copy = {
        .version = object->version,
        .lsn = lsn,
        .source = (uint16_t)envelope->source,
        .owner = authority_owner(gate, object, &heard, envelope->source),
    };
    memcpy(copy.canon, canon->b, sizeof copy.canon);
    copy_set_creator(&copy, object);
    copy.flags =
        (uint8_t)((sco ? COPY_SCO : 0) | (object->revoked ? COPY_REVOKED : 0) |
                  (envelope->flags & RECORD_OBJECT_ASSERTION ? COPY_ASSERTION : 0) |
                  (envelope->flags & RECORD_OBJECT_REWRITE ? COPY_REWRITE : 0) |
                  (kind == FRAME_QUAR ? COPY_QUARANTINED : 0) | (kind == FRAME_SEEN ? COPY_SEEN : 0));
    if (TRY(err, copy_put(gate, &object->key, &copy)) ||
        (envelope->seq != 0 && TRY(err, received_put(gate, envelope->source, envelope->seq - 1, lsn))))
        return err;
    if (TRY(err, index_source(gate, lsn, envelope->source)) ||
        TRY(err, inbound_note(gate, envelope->source, object)) || kind == FRAME_SEEN)
        return err;
    /* What waits in quarantine binds with its marking: who classifies that marking has to find it. */
    if (TRY(err, index_refs(gate, lsn, object)))
        return err;
    if (kind == FRAME_QUAR)
        return quarantine_opened(gate, lsn);
    gate->object_count++;
    bool asserted = (envelope->flags & RECORD_OBJECT_ASSERTION) != 0;
    return asserted ? ERR_OK : retire_older(gate, &copies, &copy);
}

static err_t forget_refs(struct gate *gate, uint64_t lsn, const struct stix_object *object)
{
    uint8_t key[STIX_KEY_SIZE + 8];
    wr_at_u64(key + STIX_KEY_SIZE, lsn);
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_key ends[] = {object->refs[i].key, mint_meant(gate, &object->refs[i].key)};
        for (size_t k = 0; k < 2; k++) {
            memcpy(key, ends[k].b, STIX_KEY_SIZE);
            err_t err = store_delete(gate->store, TABLE_REF, bytes_of(key, sizeof key));
            if (err != ERR_OK)
                return err;
        }
    }
    return ERR_OK;
}

err_t object_forget(struct gate *gate, const struct frame *frame, const struct record_envelope *envelope,
                    const struct stix_object *object)
{
    struct copies copies;
    uint8_t source[10] = {(uint8_t)(envelope->source >> 8), (uint8_t)envelope->source};
    err_t err;
    wr_at_u64(source + 2, frame->lsn);
    if (TRY(err, copy_delete(gate, &object->key, object->version, frame->lsn)) ||
        TRY(err, store_delete(gate->store, TABLE_SOURCE, bytes_of(source, sizeof source))) ||
        TRY(err, inbound_forget(gate, envelope->source, object)) || frame->kind == FRAME_SEEN ||
        TRY(err, forget_refs(gate, frame->lsn, object)) || frame->kind == FRAME_QUAR)
        return err;
    gate->object_count--;
    if (TRY(err, state_retire(gate, frame->lsn)) || TRY(err, copies_load(gate, &object->key, &copies)))
        return err;
    for (size_t i = 0; i < copies.count && err == ERR_OK; i++)
        if (copy_is_current(&copies, &copies.at[i]))
            err = state_revive(gate, copies.at[i].lsn);
    return err;
}

/* --- appending --- */

err_t object_append(struct gate *gate, enum frame_kind kind, const struct record_envelope *envelope,
                    struct bytes plain, uint64_t *out_lsn, uint64_t *out_slot)
{
    uint8_t raw[48];
    struct buf head = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    record_envelope_write(&head, envelope);
    must(buf_err(&head) == ERR_OK);
    return sealed_append(gate, kind, buf_bytes(&head), plain, out_lsn, out_slot);
}

err_t sealed_append(struct gate *gate, enum frame_kind kind, struct bytes envelope, struct bytes plain,
                    uint64_t *out_lsn, uint64_t *out_slot)
{
    err_t err;
    *out_slot = 0;
    for (int tries = 0; tries < 2; tries++) {
        if (TRY(err, gate_group(gate)))
            return err;
        if (kind == FRAME_SEEN) {
            err = store_append(gate->store, kind, &envelope, 1, out_lsn);
        } else {
            err = store_append_sealed(gate->store, kind, envelope, plain, out_lsn, out_slot);
        }
        if (err != ERR_FULL)
            return err;
        /* The group is full: what it holds becomes durable, the object opens the next. */
        if (TRY(err, gate_commit(gate)))
            return err;
    }
    return err;
}

static void tell(struct intake *in, const struct gate_answer *answer)
{
    if (in->answer != NULL)
        in->answer(in->ctx, answer);
}

/* Bytes that an operator does not want to have here are not kept again. */
static err_t forget_spilled(const struct intake *in, const struct fault *fault, struct bytes *bytes)
{
    bool known = fault->code == ERR_DENIED && fault->pointer[0] == '\0' && in->spilled;
    struct hash content = hash_sha256(*bytes);
    err_t err = known ? ERR_OK : spill_known(in->gate, in->submission->source, &content, &known);
    if (known)
        bytes->len = 0;
    return err;
}

/* Who has no node cannot be made to forget: his server still holds what was called back from him. */
static bool is_left_over(const struct intake *in, const struct stix_key *key)
{
    const struct gate_source *source = gate_source_get(in->gate, in->submission->source);
    return source->partner >= 0 && in->gate->peers[source->partner].node.len == 0 &&
           recalled_from(in->gate, key, (unsigned)source->partner);
}

/* ERR_DENIED, with the fault: an operator suspended this content of this source, or called it back from him
 * who sends it. */
static err_t look_for_spill(struct intake *in, const struct stix_key *key, const struct hash *canon,
                            struct fault *fault)
{
    in->spilled = is_left_over(in, key);
    if (in->spilled)
        return fault_set(fault, ERR_DENIED, 0, "this was called back from who sends it");
    err_t err = spill_known(in->gate, in->submission->source, canon, &in->spilled);
    if (err != ERR_OK || !in->spilled)
        return err;
    return fault_set(fault, ERR_DENIED, 0, "this content is not accepted from this source again");
}

/* Keeps the bytes and the reason; the submission goes on with the next object. */
static err_t refuse(struct intake *in, size_t index, struct json_slice slice, struct str id,
                    struct fault *fault)
{
    struct gate *gate = in->gate;
    struct bytes bytes = slice_bytes(in, slice);
    if (fault->pointer[0] != '\0')
        fault->offset = json_pointer_offset(bytes, str_of(fault->pointer));
    uint64_t lsn;
    err_t err;
    if (gate->spill_count > 0 && TRY(err, forget_spilled(in, fault, &bytes)))
        return err;
    err = quarantine_keep(gate, in->submission, fault, bytes, in->now_us, &lsn);
    if (err != ERR_OK)
        return err;
    /* Kept, it counts from the first byte that is kept; told, from that of the submission. */
    fault->offset += slice.from;
    tell(in, &(struct gate_answer) {.disposition = GATE_REFUSED,
                                    .index = index,
                                    .id = id,
                                    .lsn = lsn,
                                    .offset = slice.from,
                                    .fault = fault,
                                    .echo = in->echo != ECHO_NONE});
    return ERR_OK;
}

/* --- conflicts --- */

static void conflict_fault(const struct stix_object *object, struct bytes bytes, struct fault *out)
{
    char pointer[] = "/id";
    *out = (struct fault) {.section = "3.6"};
    (void)fault_set(out, ERR_CONFLICT, 0,
                    "%.*s is held with other content under the same version; the newer arrival waits",
                    STR_ARG(object->id));
    memcpy(out->pointer, pointer, sizeof pointer);
    out->offset = json_pointer_offset(bytes, str_of(pointer));
}

/* A known conflict that comes again changes nothing; a new one is kept with its bytes. */
static err_t keep_conflict(struct intake *in, const struct ruling *ruling, const struct stix_object *object,
                           const struct hash *canon, struct bytes bytes, bool known, uint64_t *out_lsn,
                           struct fault *fault)
{
    struct gate *gate = in->gate;
    conflict_fault(object, bytes, fault);
    *out_lsn = ruling->about;
    if (known)
        return repeat_note(gate, in->submission->source, in->now_us, REPEAT_CONFLICT);
    struct record_envelope envelope = {.source = in->submission->source,
                                       .reason = RECORD_QUARANTINE_CONFLICT,
                                       .hops = in->submission->hops,
                                       .seq = in->submission->leaf,
                                       .received_us = in->now_us,
                                       .about = ruling->about};
    (void)safety_first(gate, object, &envelope); /* its marking binds: it is looked at as well */
    buf_clear(&gate->plain);
    record_fault_write(&gate->plain, fault, bytes);
    uint64_t slot;
    err_t err = buf_err(&gate->plain);
    if (err != ERR_OK ||
        TRY(err, object_append(gate, FRAME_QUAR, &envelope, buf_bytes(&gate->plain), out_lsn, &slot)))
        return err;
    if (!TRY(err, object_apply(gate, *out_lsn, FRAME_QUAR, &envelope, object, canon)))
        err = inbound_count(gate, &envelope, bytes.len);
    return gate_torn(gate, err, half_taken);
}

static bool conflict_known(const struct copies *copies, uint64_t about)
{
    for (size_t i = 0; i < copies->count; i++)
        if (copies->at[i].lsn == about)
            return (copies->at[i].flags & COPY_QUARANTINED) != 0;
    return false;
}

static err_t keep_new(struct intake *in, struct record_envelope *envelope, const struct stix_object *object,
                      const struct hash *canon, struct bytes bytes, uint64_t *out_lsn)
{
    struct gate *gate = in->gate;
    uint64_t slot;
    struct str safety = safety_first(gate, object, envelope);
    err_t err = object_append(gate, FRAME_OBJ, envelope, bytes, out_lsn, &slot);
    if (err != ERR_OK)
        return err;
    if (TRY(err, object_apply(gate, *out_lsn, FRAME_OBJ, envelope, object, canon)) ||
        TRY(err, inbound_count(gate, envelope, bytes.len)))
        return gate_torn(gate, err, half_taken);
    fresh_put(gate, *out_lsn, slot, envelope, object, bytes, safety);
    /* What was mended is not what was signed. */
    if (in->mended)
        return ERR_OK;
    err = voucher_take(gate, in->submission, &object->key, *out_lsn, slot, in->now_us);
    return gate_torn(gate, err, half_taken);
}

/* `bytes` are what is held: those of the slice, or what was minted from it. */
static err_t keep(struct intake *in, size_t index, struct json_slice slice, struct bytes bytes,
                  const struct stix_object *object, const struct hash *canon)
{
    struct gate *gate = in->gate;
    struct copies copies;
    bool minted;
    err_t err = copies_load(gate, &object->key, &copies);
    if (err != ERR_OK || TRY(err, mint_is_echo(gate, object, &gate->accept_arena, &minted)))
        return err;
    copies_unspilled(gate, &copies);
    struct ruling ruling = authority_rule(gate, &copies, object, canon, in->submission->source);
    if (minted) /* what was minted here comes back: it is held, and nobody is alarmed */
        ruling = (struct ruling) {GATE_DUPLICATE, 0, 0};
    struct record_envelope envelope = {.source = in->submission->source,
                                       .flags = ruling.flags,
                                       .hops = in->submission->hops,
                                       .seq = in->submission->leaf,
                                       .received_us = in->now_us,
                                       .about = ruling.about};
    uint64_t lsn = ruling.about, slot;
    struct fault fault = {0};
    if (TRY(err, voucher_judge(in->submission, &fault)))
        return refuse(in, index, slice, object->id, &fault);
    if (gate->spill_count > 0 && !in->own && TRY(err, look_for_spill(in, &object->key, canon, &fault)))
        return err == ERR_DENIED ? refuse(in, index, slice, object->id, &fault) : err;
    if (ruling.disposition != GATE_DUPLICATE && !in->own &&
        TRY(err, inbound_judge(gate, envelope.source, object, in->has_creator ? &in->creator : NULL,
                               bytes.len, in->now_us, &fault)))
        return err == ERR_DENIED ? refuse(in, index, slice, object->id, &fault) : err;
    switch (ruling.disposition) {
    case GATE_NEW:
    case GATE_ASSERTION:
        if (TRY(err, keep_new(in, &envelope, object, canon, bytes, &lsn)))
            return err;
        break;
    case GATE_SEEN:
        if (TRY(err, object_append(gate, FRAME_SEEN, &envelope, bytes, &lsn, &slot)))
            return err;
        if (TRY(err, object_apply(gate, lsn, FRAME_SEEN, &envelope, object, canon)) ||
            TRY(err, inbound_count(gate, &envelope, 0)))
            return gate_torn(gate, err, half_taken);
        break;
    case GATE_CONFLICT:
        if (TRY(err, keep_conflict(in, &ruling, object, canon, bytes, conflict_known(&copies, ruling.about),
                                   &lsn, &fault)))
            return err;
        fault.offset += slice.from;
        break;
    case GATE_DUPLICATE:
        if (TRY(err, repeat_note(gate, envelope.source, in->now_us, REPEAT_DUPLICATE)))
            return err;
        break;
    case GATE_ECHO:
    case GATE_REFUSED:
        break;
    }
    /* Whatever became of what was minted: the bytes that came stay beside it. */
    if (in->mended && TRY(err, mend_keep(gate, &envelope, lsn, slice_bytes(in, slice))))
        return err;
    tell(in, &(struct gate_answer) {.disposition = ruling.disposition,
                                    .index = index,
                                    .id = object->id,
                                    .version = object->version,
                                    .lsn = lsn,
                                    .offset = slice.from,
                                    .fault = ruling.disposition == GATE_CONFLICT ? &fault : NULL,
                                    .mended = in->mended ? mend_report(gate) : STR(""),
                                    .warnings = object->warning_count + object->warnings_dropped,
                                    .echo = in->echo != ECHO_NONE});
    return ERR_OK;
}

/* --- one object --- */

static err_t too_large(struct fault *fault)
{
    return fault_set(fault, ERR_LIMIT, 0, "the object is larger than %u bytes", LIMIT_OBJECT_BYTES);
}

/* Everything that can be said about it without the store. */
static err_t examine(struct gate *gate, struct json_val value, struct bytes bytes, struct stix_object *object,
                     struct hash *canon, struct fault *fault)
{
    err_t err;
    if (bytes.len > LIMIT_OBJECT_BYTES)
        return too_large(fault);
    buf_clear(&gate->canon);
    if (TRY(err, stix_read(value, &gate->extensions, &gate->accept_arena, object, fault)) ||
        TRY(err, stix_canon(object, &gate->canon, fault)) || TRY(err, buf_err(&gate->canon)))
        return err;
    if (json_has_hard_number(value) && TRY(err, json_check_numbers(bytes, fault)))
        return err;
    *canon = hash_sha256(buf_bytes(&gate->canon));
    return ERR_OK;
}

static bool faults_of_input(err_t err)
{
    switch (err) {
    case ERR_LIMIT:
    case ERR_SYNTAX:
    case ERR_INVALID:
    case ERR_ENCODING:
    case ERR_DUPLICATE_NAME:
    case ERR_NUMBER:
    case ERR_SHORT:
    case ERR_UNSUPPORTED:
        return true;
    default:
        return false;
    }
}

static struct str id_text(struct json_val value)
{
    struct str id = {"", 0};
    if (json_is(value, JSON_OBJECT) && json_get_str(value, STR("id"), &id) && id.len > LIMIT_ID_BYTES)
        id.len = LIMIT_ID_BYTES;
    return id;
}

err_t accept_one(struct gate *gate, const struct gate_submission *submission, struct bytes text,
                 int64_t now_us)
{
    struct intake in = {.gate = gate, .submission = submission, .text = text, .now_us = now_us, .own = true};
    struct stix_object object;
    struct hash canon;
    struct json_doc doc;
    err_t err;
    if (TRY(err, json_parse(gate->parser_one, text, &doc, NULL)) ||
        TRY(err, examine(gate, json_root(&doc), text, &object, &canon, NULL)))
        return err;
    return keep(&in, 0, (struct json_slice) {0, text.len}, text, &object, &canon);
}

/* A strict source's object must not break a rule that others may. */
static err_t stay_strict(const struct stix_object *object, struct fault *fault)
{
    for (size_t i = 0; i < object->warning_count; i++) {
        const struct stix_warning *warning = &object->warnings[i];
        if (warning->level != STIX_WARNING)
            continue;
        (void)snprintf(fault->section, sizeof fault->section, "%s", warning->section);
        (void)snprintf(fault->pointer, sizeof fault->pointer, "%.*s", STR_ARG(warning->pointer));
        return fault_set(fault, ERR_INVALID, 0, "%s", warning->what);
    }
    return ERR_OK;
}

/* What a lenient source sent and STIX 2.1 refuses. ERR_UNSUPPORTED: it stays refused, for its first reason.
 */
static err_t accept_mended(struct intake *in, size_t index, struct json_slice slice, struct json_val value)
{
    struct gate *gate = in->gate;
    struct stix_object object;
    struct hash canon;
    struct fault fault = {0};
    struct json_doc doc;
    struct bytes minted;
    err_t err;
    struct str creator;
    /* Whom the minted object names is this node. */
    in->has_creator =
        json_get_str(value, STR("created_by_ref"), &creator) && stix_id_parse(creator, &in->creator);
    if (slice.len > LIMIT_OBJECT_BYTES ||
        TRY(err, mend_object(gate, in->submission, value, slice_bytes(in, slice), in->now_us, &minted)))
        return slice.len > LIMIT_OBJECT_BYTES ? ERR_UNSUPPORTED : err;
    if (TRY(err, json_parse(gate->parser_one, minted, &doc, &fault)) ||
        TRY(err, examine(gate, json_root(&doc), minted, &object, &canon, &fault)))
        return faults_of_input(err) ? ERR_UNSUPPORTED : err;
    in->mended = true;
    err = keep(in, index, slice, minted, &object, &canon);
    in->mended = false;
    return err;
}

/* Before the object at hand is parsed: what is held is read meanwhile, with parser_one. */
static err_t look_for_echo(struct intake *in, struct json_slice slice)
{
    err_t err = echo_look(in->gate, in->submission, slice_bytes(in, slice), &in->echo);
    return err != ERR_OK || in->echo == ECHO_NONE
               ? err
               : repeat_note(in->gate, in->submission->source, in->now_us, REPEAT_ECHO);
}

static err_t accept_value(struct intake *in, size_t index, struct json_slice slice, struct json_val value)
{
    struct stix_object object;
    struct hash canon;
    struct fault fault = {0};
    enum gate_profile profile = gate_source_get(in->gate, in->submission->source)->profile;
    struct str id = id_text(value);
    if (in->echo == ECHO_REWRITTEN) {
        tell(in, &(struct gate_answer) {
                     .disposition = GATE_ECHO, .index = index, .id = id, .offset = slice.from, .echo = true});
        return ERR_OK;
    }
    err_t err = examine(in->gate, value, slice_bytes(in, slice), &object, &canon, &fault);
    if (err == ERR_OK && profile == GATE_PROFILE_STRICT)
        err = stay_strict(&object, &fault);
    if (err == ERR_OK) {
        in->has_creator = object.has_creator;
        in->creator = object.creator;
        return keep(in, index, slice, slice_bytes(in, slice), &object, &canon);
    }
    if (!faults_of_input(err))
        return err;
    fault.code = err;
    if (err == ERR_INVALID && profile == GATE_PROFILE_LENIENT) {
        id = arena_str(&in->gate->accept_arena, id); /* the tape makes way for the minted one's */
        if (id.at == NULL)
            return ERR_NOMEM;
        err = accept_mended(in, index, slice, value);
        if (err != ERR_UNSUPPORTED)
            return err;
    }
    return refuse(in, index, slice, id, &fault);
}

/* Parses a slice by itself: the batch as a whole does not parse, or it is one of many lines. */
static err_t accept_slice(struct intake *in, size_t index, struct json_slice slice)
{
    struct gate *gate = in->gate;
    struct fault fault = {0};
    struct json_doc doc;
    if (slice.len > LIMIT_OBJECT_BYTES) {
        (void)too_large(&fault);
        return refuse(in, index, slice, STR(""), &fault);
    }
    static const uint8_t padding[JSON_PADDING];
    err_t err = look_for_echo(in, slice);
    if (err != ERR_OK)
        return err;
    buf_clear(&gate->scratch);
    buf_put(&gate->scratch, in->text.at + slice.from, slice.len);
    buf_put(&gate->scratch, padding, sizeof padding);
    if (TRY(err, buf_err(&gate->scratch)))
        return err;
    err = json_parse(gate->parser_one, bytes_of(gate->scratch.at, slice.len), &doc, &fault);
    if (err == ERR_OK)
        return accept_value(in, index, slice, json_root(&doc));
    if (!faults_of_input(err))
        return err;
    return refuse(in, index, slice, STR(""), &fault);
}

/* --- the whole submission --- */

static bool collect(void *ctx, struct json_slice slice)
{
    struct intake *in = ctx;
    if (in->slice_count == in->slice_size) {
        size_t wider = in->slice_size == 0 ? SLICES_FIRST : in->slice_size * 2;
        struct json_slice *slices = arena_alloc(&in->gate->accept_arena, wider * sizeof *slices);
        if (slices == NULL) {
            in->err = ERR_NOMEM;
            return false;
        }
        if (in->slice_count > 0)
            memcpy(slices, in->slices, in->slice_count * sizeof *slices);
        in->slices = slices;
        in->slice_size = wider;
    }
    in->slices[in->slice_count++] = slice;
    return true;
}

/* The elements of the one "objects" member of the root; false unless they are exactly as many as the slices.
 * Two such members would let bytes and meaning differ. */
static bool batch_elements(const struct intake *in, const struct json_doc *doc, struct json_iter *out)
{
    struct json_iter members = json_object_iter(json_root(doc));
    struct str name;
    struct json_val value, list = {0};
    unsigned lists = 0;
    while (json_object_next(&members, &name, &value)) {
        if (!str_eq(name, STR("objects")))
            continue;
        lists++;
        list = value;
    }
    if (lists != 1 || !json_is(list, JSON_ARRAY) || json_array_count(list) != in->slice_count)
        return false;
    *out = json_array_iter(list);
    return true;
}

/* Definitions, or all that is none. */
enum { PASS_ALL, PASS_DEFINITIONS, PASS_REST };

static bool in_pass(int pass, struct json_val value)
{
    struct str type;
    bool definition = json_is(value, JSON_OBJECT) && json_get_str(value, STR("type"), &type) &&
                      str_eq(type, STR("marking-definition"));
    return pass == PASS_ALL || definition == (pass == PASS_DEFINITIONS);
}

static err_t accept_elements(struct intake *in, struct json_iter elements, int pass)
{
    struct json_val value;
    for (size_t i = 0; json_array_next(&elements, &value); i++) {
        if (!in_pass(pass, value))
            continue;
        err_t err = look_for_echo(in, in->slices[i]);
        if (err != ERR_OK || TRY(err, accept_value(in, i, in->slices[i], value)))
            return err;
    }
    return ERR_OK;
}

static err_t accept_batch(struct intake *in, bool *out_done)
{
    struct json_doc doc;
    struct json_iter elements;
    err_t err;
    *out_done = false;
    if (json_parse(in->gate->parser, in->text, &doc, NULL) != ERR_OK ||
        !json_is(json_root(&doc), JSON_OBJECT) || !batch_elements(in, &doc, &elements))
        return ERR_OK;
    *out_done = true;
    if (!inbound_has_ceiling(in->gate, in->submission->source))
        return accept_elements(in, elements, PASS_ALL);
    err = accept_elements(in, elements, PASS_DEFINITIONS);
    return err != ERR_OK ? err : accept_elements(in, elements, PASS_REST);
}

static err_t accept_each(struct intake *in)
{
    for (size_t i = 0; i < in->slice_count; i++) {
        err_t err = accept_slice(in, i, in->slices[i]);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* What stands behind the last object that could be cut: kept, and answered for. */
static err_t refuse_rest(struct intake *in, struct fault *fault)
{
    const struct json_slice *last = &in->slices[in->slice_count - 1];
    size_t from = last->from + last->len;
    while (from < in->text.len && memchr(" \t\r\n,", in->text.at[from], 5) != NULL)
        from++;
    fault->offset = fault->offset > from ? fault->offset - from : 0;
    return refuse(in, in->slice_count, (struct json_slice) {from, in->text.len - from}, STR(""), fault);
}

/* Nothing in it can be told apart: all of it goes to quarantine. */
static err_t refuse_whole(struct intake *in, struct fault *fault)
{
    struct fault copy = *fault;
    return refuse(in, 0, (struct json_slice) {0, in->text.len}, STR(""), &copy);
}

err_t gate_accept(struct gate *gate, const struct gate_submission *submission, struct bytes text,
                  int64_t now_us, void (*answer)(void *ctx, const struct gate_answer *answer), void *ctx,
                  struct fault *fault)
{
    must(gate->magic == GATE_MAGIC);
    if (gate->read_only)
        return ERR_READONLY;
    if (gate_source_get(gate, submission->source) == NULL)
        return ERR_NOTFOUND;
    if (text.len > LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "a submission holds at most %u bytes",
                         LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES);
    struct intake in = {
        .gate = gate, .submission = submission, .text = text, .now_us = now_us, .answer = answer, .ctx = ctx};
    struct fault split_fault = {0};
    enum json_split_kind kind;
    arena_reset(&gate->accept_arena);
    err_t err = json_split(text, STR("objects"), &kind, collect, &in, &split_fault);
    if (in.err != ERR_OK)
        return in.err;
    if (err != ERR_OK && in.slice_count == 0) {
        if (fault != NULL)
            *fault = split_fault;
        err_t kept = refuse_whole(&in, &split_fault);
        return kept != ERR_OK ? kept : err;
    }
    bool done = false, whole = err == ERR_OK;
    err = whole && kind == JSON_SPLIT_LIST ? accept_batch(&in, &done) : ERR_OK;
    if (err == ERR_OK && !done)
        err = accept_each(&in);
    if (err == ERR_OK && !whole)
        err = refuse_rest(&in, &split_fault);
    store_view_end(gate->store);
    return err;
}
