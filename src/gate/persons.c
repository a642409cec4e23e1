#include "gate/persons.h"

#include "core/mem.h"
#include "gate/destroy.h"
#include "gate/personal.h"

struct reading {
    struct gate *gate;
    struct gate_persons *persons;
    size_t told; /* pointers */
    struct {
        struct json_iter iter;
        bool is_object;
        struct str name;
        size_t index;
    } stack[LIMIT_JSON_DEPTH + 1];
    size_t depth;
    bool found;
};

void gate_persons_init(struct gate_persons *persons, const struct privacy_person *person)
{
    *persons = (struct gate_persons) {.person = *person};
    arena_init(&persons->arena, LIMIT_NEIGHBOUR_BYTES);
    buf_init(&persons->pointers, LIMIT_OBJECT_BYTES);
}

void gate_persons_deinit(struct gate_persons *persons)
{
    mem_wipe(&persons->person, sizeof persons->person);
    arena_deinit(&persons->arena);
    buf_deinit(&persons->pointers);
}

/* --- one text --- */

static void put_name(struct str name, struct buf *out)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            buf_put_str(out, name.at[i] == '~' ? STR("~0") : STR("~1"));
        else
            buf_putc(out, name.at[i] == '\n' ? ' ' : name.at[i]);
    }
}

static void put_pointer(struct reading *r)
{
    struct buf *out = &r->persons->pointers;
    if (r->told++ >= LIMIT_PERSON_POINTERS)
        return;
    if (out->len > 0)
        buf_putc(out, '\n');
    for (size_t i = 0; i < r->depth; i++) {
        buf_putc(out, '/');
        if (r->stack[i].is_object)
            put_name(r->stack[i].name, out);
        else
            buf_printf(out, "%zu", r->stack[i].index - 1);
    }
}

static void enter(struct reading *r, struct json_val value)
{
    bool is_object = json_is(value, JSON_OBJECT);
    if (r->depth == sizeof r->stack / sizeof r->stack[0] || (!is_object && !json_is(value, JSON_ARRAY)))
        return;
    r->stack[r->depth].is_object = is_object;
    r->stack[r->depth].index = 0;
    r->stack[r->depth].name = STR("");
    r->stack[r->depth].iter = is_object ? json_object_iter(value) : json_array_iter(value);
    r->depth++;
}

static bool is_said(const struct privacy_person *person, struct json_val value)
{
    if (json_is(value, JSON_STRING))
        return privacy_person_said(person, json_str(value));
    if (json_is(value, JSON_UINT) || (json_is(value, JSON_INT) && json_int(value) > 0))
        return privacy_person_is(person,
                                 json_is(value, JSON_UINT) ? json_uint(value) : (uint64_t)json_int(value));
    return false;
}

/* Every string, every whole number, and every member's name. */
static void read_strings(struct reading *r, struct json_val root)
{
    const struct privacy_person *person = &r->persons->person;
    struct json_val value;
    enter(r, root);
    while (r->depth > 0) {
        size_t at = r->depth - 1;
        bool more = r->stack[at].is_object ? json_object_next(&r->stack[at].iter, &r->stack[at].name, &value)
                                           : json_array_next(&r->stack[at].iter, &value);
        r->stack[at].index++;
        if (!more) {
            r->depth--;
            continue;
        }
        if (is_said(person, value) || privacy_person_said(person, r->stack[at].name)) {
            r->found = true;
            put_pointer(r);
        }
        enter(r, value);
    }
}

static void read_text(struct reading *r, struct bytes bytes, struct gate_place *place)
{
    struct json_doc doc;
    if (json_parse(r->gate->parser_one, bytes, &doc, NULL) != ERR_OK) {
        r->found = privacy_person_said(&r->persons->person, str_from_bytes(bytes));
        return;
    }
    struct json_val root = json_root(&doc);
    read_strings(r, root);
    if (!r->found || !json_is(root, JSON_OBJECT))
        return;
    (void)json_get_str(root, STR("id"), &place->id);
    if (!json_get_str(root, STR("modified"), &place->version))
        (void)json_get_str(root, STR("created"), &place->version);
    /* The tape is gone when somebody asks the gate. */
    place->id = arena_str(&r->persons->arena, place->id);
    place->version = arena_str(&r->persons->arena, place->version);
}

/* --- one frame --- */

static err_t read_frame(struct reading *r, const struct frame *frame, struct gate_place *place)
{
    struct record_envelope envelope;
    struct record_mint mint;
    struct bytes bytes;
    err_t err;
    if (frame->kind == FRAME_MINT) {
        if (TRY(err, record_mint_read(frame->envelope, &mint)))
            return err;
        envelope = mint.envelope;
        place->partner = mint.partner;
        place->kind = GATE_PLACE_MINTED;
    } else {
        if (TRY(err, record_envelope_read(frame->envelope, &envelope)))
            return err;
        place->kind = frame->kind == FRAME_OBJ ? GATE_PLACE_HELD : GATE_PLACE_QUARANTINED;
    }
    if (gate_is_destroyed(r->gate, frame->lsn))
        return ERR_OK;
    bool made = frame->kind == FRAME_MINT ||
                (frame->kind == FRAME_QUAR && envelope.reason == RECORD_QUARANTINE_MENDED);
    place->lsn = frame->lsn;
    place->whole = made ? envelope.about : frame->lsn;
    place->source = envelope.source;
    place->received_us = envelope.received_us;
    if (TRY(err, frame_bytes(r->gate, frame, &r->persons->arena, &bytes)))
        return err == ERR_NOTFOUND ? ERR_OK : err; /* it was destroyed */
    read_text(r, bytes, place);
    place->pointers = buf_str(&r->persons->pointers);
    return buf_err(&r->persons->pointers);
}

err_t gate_persons_next(struct gate *gate, struct gate_persons *persons, size_t frames,
                        void (*visit)(void *ctx, const struct gate_place *place), void *ctx)
{
    struct frame frame;
    err_t err = ERR_OK;
    struct store_iter iter = store_iter(gate->store, persons->from == 0 ? LSN_FIRST : persons->from,
                                        store_durable_lsn(gate->store));
    while (frames-- > 0 && (err = store_iter_next(&iter, &frame)) == ERR_OK) {
        persons->from = iter.lsn;
        if (frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR && frame.kind != FRAME_MINT)
            continue;
        struct gate_place place = {.id = STR(""), .version = STR("")};
        struct reading reading = {.gate = gate, .persons = persons};
        arena_reset(&persons->arena);
        buf_clear(&persons->pointers);
        persons->read++;
        if (TRY(err, read_frame(&reading, &frame, &place)))
            break;
        if (!reading.found)
            continue;
        persons->found++;
        visit(ctx, &place);
        break; /* whoever was asked may have moved what the iterator reads */
    }
    persons->end = err == ERR_NOTFOUND;
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- what is in one object --- */

err_t gate_personal(struct gate *gate, const struct stix_key *object,
                    void (*each)(void *ctx, const struct privacy_hit *hit), void *ctx)
{
    struct privacy_hits hits;
    struct arena arena;
    arena_init(&arena, LIMIT_NEIGHBOUR_BYTES);
    struct subject *subject = arena_alloc(&arena, sizeof *subject);
    err_t err = subject == NULL ? ERR_NOMEM : subject_newest(gate, object, &arena, subject);
    if (err == ERR_OK)
        err = personal_look(gate, subject->object.root, &arena, &hits);
    for (size_t i = 0; err == ERR_OK && i < hits.count; i++)
        each(ctx, &hits.at[i]);
    store_view_end(gate->store);
    arena_deinit(&arena);
    return err;
}

/* --- digests, pseudonyms --- */

err_t gate_person_digest(const struct gate *gate, const struct privacy_person *person, struct hash *out)
{
    static const char label[] = "bongsu person 1";
    struct hash secret;
    struct buf value;
    if (gate->peer_count == 0)
        return ERR_NOTFOUND;
    err_t err = mint_secret_of(gate, 0, &secret);
    if (err != ERR_OK)
        return err;
    buf_init(&value, sizeof label + sizeof person->text);
    buf_put(&value, label, sizeof label);
    buf_put(&value, person->text, person->len);
    err = buf_err(&value);
    if (err == ERR_OK)
        *out = hash_hmac_sha256(bytes_of(secret.b, sizeof secret.b), buf_bytes(&value));
    buf_deinit(&value);
    mem_wipe(&secret, sizeof secret);
    return err;
}

err_t gate_reveal(const struct gate *gate, struct str text, struct buf *out)
{
    struct seal_secret key;
    struct buf texts[2];
    size_t now = 0;
    err_t err = ERR_OK;
    buf_init(&texts[0], LIMIT_OBJECT_BYTES);
    buf_init(&texts[1], LIMIT_OBJECT_BYTES);
    buf_put_str(&texts[0], text);
    for (unsigned p = 0; p < gate->peer_count && !TRY(err, personal_key(gate, p, &key)); p++, now = !now) {
        buf_clear(&texts[!now]);
        privacy_reveal(buf_str(&texts[now]), &key, &texts[!now]);
    }
    mem_wipe(&key, sizeof key);
    buf_put_str(out, buf_str(&texts[now]));
    for (size_t i = 0; i < 2; i++) {
        if (err == ERR_OK)
            err = buf_err(&texts[i]);
        buf_deinit(&texts[i]);
    }
    return err != ERR_OK ? err : buf_err(out);
}
