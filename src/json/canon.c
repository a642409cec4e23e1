/* RFC 8785 over a tape. Members of an object are collected, sorted by the UTF-16 code units of their names
 * (section 3.2.3), and written; objects inside wait on an explicit stack. */
#include "core/limit.h"
#include "core/mem.h"
#include "json/json.h"
#include "json/pointer.h"
#include "json/tape.h"
#include "json/write.h"

enum { MEMBERS_FIRST = 128, INSERTION_MAX = 24, HEAD_SIZE = 8 };

struct member {
    uint64_t
        head; /* first 8 bytes of the name, big-endian, zero behind its end: most orders are decided here */
    const char *name;
    uint32_t len;
    uint32_t value; /* index on the tape */
};

/* An open container. For an object next and end index the sorted members, for an array the tape. */
struct frame {
    size_t next, end;
    size_t first; /* object: where its members start; array: index of the next element */
    bool is_object;
    bool is_written; /* something stands before: a comma is due */
};

struct canon {
    struct write w;
    const uint64_t *tape;
    const uint8_t *strings;
    const struct json_doc *doc;
    const struct json_canon_hook *hook;
    struct fault *fault;
    struct member *members; /* of all open objects, innermost last */
    size_t count, size;
    struct member *heap; /* NULL while members are at home in `home` */
    unsigned depth;
    struct frame frames[LIMIT_JSON_DEPTH + 1];
    struct member home[MEMBERS_FIRST];
};

/* UTF-16 orders like UTF-8 except that U+E000..U+FFFF (lead bytes EE, EF) come behind the planes above
 * (F0..F4). */
static int utf16_weight(uint8_t c)
{
    return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int compare_from(const struct member *a, const struct member *b, size_t i)
{
    size_t common = a->len < b->len ? a->len : b->len;
    for (; i < common; i++)
        if (a->name[i] != b->name[i])
            return utf16_weight((uint8_t)a->name[i]) - utf16_weight((uint8_t)b->name[i]);
    return (a->len > b->len) - (a->len < b->len);
}

static inline int compare(const struct member *a, const struct member *b)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    if (a->head == b->head)
        return compare_from(a, b,
                            a->len < b->len ? (a->len < HEAD_SIZE ? a->len : HEAD_SIZE)
                                            : (b->len < HEAD_SIZE ? b->len : HEAD_SIZE));
    if ((a->head & b->head & high_bits) != 0)
        return compare_from(a, b, 0);
    return a->head < b->head ? -1 : 1;
}

static inline uint64_t head_of(const char *name, size_t len)
{
    /* May read behind the name: the string buffer is padded. */
    uint64_t word;
    memcpy(&word, name, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    if (len >= HEAD_SIZE)
        return word;
    return len == 0 ? 0 : word & ~UINT64_C(0) << (64 - 8 * len);
}

static inline struct str string_at(const struct canon *c, size_t at)
{
    const uint8_t *entry = c->strings + tape_payload(c->tape[at]);
    uint32_t len;
    memcpy(&len, entry, sizeof len);
    return (struct str) {(const char *)entry + sizeof len, len};
}

static err_t grow_members(struct canon *c, size_t need)
{
    size_t size = c->size;
    while (size < need)
        size *= 2;
    struct member *heap = mem_grow(c->heap, size * sizeof *heap);
    if (heap == NULL)
        return fault_set(c->fault, ERR_NOMEM, 0, "no memory to sort %zu member names", need);
    if (c->heap == NULL)
        memcpy(heap, c->home, c->count * sizeof *heap);
    c->members = c->heap = heap;
    c->size = size;
    return ERR_OK;
}

static err_t collect(struct canon *c, size_t object)
{
    size_t end = tape_after(c->tape, object) - 1;
    for (size_t at = object + 1; at < end; at = tape_after(c->tape, at + 1)) {
        err_t err;
        if (c->count == c->size && TRY(err, grow_members(c, c->count + 1)))
            return err;
        struct str name = string_at(c, at);
        c->members[c->count++] =
            (struct member) {head_of(name.at, name.len), name.at, (uint32_t)name.len, (uint32_t)(at + 1)};
    }
    return ERR_OK;
}

static void sort_by_insertion(struct member *at, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare(&at[i - 1], &at[i]) <= 0)
            continue;
        struct member moving = at[i];
        size_t k = i;
        do
            at[k] = at[k - 1];
        while (--k > 0 && compare(&at[k - 1], &moving) > 0);
        at[k] = moving;
    }
}

static void merge(struct member *at, size_t middle, size_t count, struct member *spare)
{
    if (compare(&at[middle - 1], &at[middle]) <= 0)
        return;
    memcpy(spare, at, middle * sizeof *at);
    size_t left = 0, right = middle, to = 0;
    while (left < middle && right < count)
        at[to++] = compare(&spare[left], &at[right]) <= 0 ? spare[left++] : at[right++];
    memcpy(at + to, spare + left, (middle - left) * sizeof *at);
}

static err_t sort(struct canon *c, size_t first)
{
    size_t count = c->count - first;
    if (count <= INSERTION_MAX) {
        sort_by_insertion(c->members + first, count);
        return ERR_OK;
    }
    err_t err;
    if (count > c->size - c->count && TRY(err, grow_members(c, c->count + count)))
        return err;
    struct member *at = c->members + first, *spare = c->members + c->count;
    for (size_t i = 0; i < count; i += INSERTION_MAX)
        sort_by_insertion(at + i, count - i < INSERTION_MAX ? count - i : INSERTION_MAX);
    for (size_t run = INSERTION_MAX; run < count; run *= 2)
        for (size_t i = 0; count - i > run; i += 2 * run) {
            merge(at + i, run, count - i < 2 * run ? count - i : 2 * run, spare);
            if (count - i <= 2 * run)
                break;
        }
    return ERR_OK;
}

/* The pointer to what the innermost frame is writing. */
static void point(struct canon *c)
{
    if (c->fault == NULL)
        return;
    c->fault->pointer[0] = '\0';
    for (unsigned i = 0; i < c->depth; i++) {
        const struct frame *f = &c->frames[i];
        if (f->is_object) {
            const struct member *m = &c->members[f->next - 1];
            pointer_add_name(c->fault, (struct str) {m->name, m->len});
        } else {
            pointer_add_index(c->fault, f->first - 1);
        }
    }
}

static err_t refuse_twins(struct canon *c, size_t first)
{
    for (size_t i = first + 1; i < c->count; i++) {
        const struct member *m = &c->members[i];
        if (m->head != m[-1].head || compare(m - 1, m) != 0)
            continue;
        point(c);
        pointer_add_name(c->fault, (struct str) {m->name, m->len});
        return fault_set(c->fault, ERR_DUPLICATE_NAME, 0, "the member \"%.*s\" occurs twice in one object",
                         (int)(m->len < 100 ? m->len : 100), m->name);
    }
    return ERR_OK;
}

static err_t open_object(struct canon *c, size_t at)
{
    size_t first = c->count;
    err_t err;
    if (TRY(err, collect(c, at)) || TRY(err, sort(c, first)) || TRY(err, refuse_twins(c, first)))
        return err;
    must(c->depth <= LIMIT_JSON_DEPTH);
    c->frames[c->depth++] = (struct frame) {first, c->count, first, true, false};
    write_byte(&c->w, '{');
    return ERR_OK;
}

static void open_array(struct canon *c, size_t at)
{
    must(c->depth <= LIMIT_JSON_DEPTH);
    c->frames[c->depth++] = (struct frame) {at + 1, tape_after(c->tape, at) - 1, 0, false, false};
    write_byte(&c->w, '[');
}

static err_t put_double(struct canon *c, double v)
{
    if (v - v != 0)
        return fault_set(c->fault, ERR_NUMBER, 0, "a number that is not finite has no JSON form");
    write_double(&c->w, v);
    return ERR_OK;
}

/* RFC 8785 knows only doubles: beyond 2^53 an integer is written as the double that reads it. */
static err_t put_int(struct canon *c, int64_t v)
{
    const int64_t exact = INT64_C(1) << 53;
    if (v > exact || v < -exact)
        return put_double(c, (double)v);
    write_int(&c->w, v);
    return ERR_OK;
}

static err_t put_value(struct canon *c, size_t at)
{
    double d;
    struct str s;
    switch (tape_type(c->tape[at])) {
    case TAPE_STRING:
        s = string_at(c, at);
        write_string(&c->w, s.at, s.len, TAPE_STRINGS_PADDING);
        return ERR_OK;
    case TAPE_OBJECT:
        return open_object(c, at);
    case TAPE_ARRAY:
        open_array(c, at);
        return ERR_OK;
    case TAPE_INT:
        return put_int(c, (int64_t)c->tape[at + 1]);
    case TAPE_UINT:
        return put_double(c, (double)c->tape[at + 1]);
    case TAPE_DOUBLE:
        memcpy(&d, &c->tape[at + 1], sizeof d);
        return put_double(c, d);
    case TAPE_TRUE:
        write_text(&c->w, "true", 4);
        return ERR_OK;
    case TAPE_FALSE:
        write_text(&c->w, "false", 5);
        return ERR_OK;
    default:
        must(tape_type(c->tape[at]) == TAPE_NULL);
        write_text(&c->w, "null", 4);
        return ERR_OK;
    }
}

/* What the hook says about a member whose name stands in the output already; the hook writes behind it. */
static enum json_canon_act ask_hook(struct canon *c, const struct member *m)
{
    if (c->hook == NULL)
        return JSON_CANON_KEEP;
    write_sync(&c->w);
    struct buf *buf = c->w.buf;
    enum json_canon_act act = c->hook->member(c->hook->ctx, c->depth - 1, (struct str) {m->name, m->len},
                                              (struct json_val) {c->doc, m->value}, buf);
    write_begin(&c->w, buf);
    return act;
}

static void end_hook(struct canon *c, const struct frame *f)
{
    write_sync(&c->w);
    struct buf *buf = c->w.buf;
    c->hook->end(c->hook->ctx, c->depth - 1, f->is_written, buf);
    write_begin(&c->w, buf);
}

static err_t step_object(struct canon *c, struct frame *f)
{
    if (f->next == f->end) {
        if (c->hook != NULL && c->hook->end != NULL)
            end_hook(c, f);
        write_byte(&c->w, '}');
        c->count = f->first;
        c->depth--;
        return ERR_OK;
    }
    const struct member *m = &c->members[f->next++];
    write_sync(&c->w);
    size_t before = c->w.buf->len;
    if (f->is_written)
        write_byte(&c->w, ',');
    write_string(&c->w, m->name, m->len, TAPE_STRINGS_PADDING);
    write_byte(&c->w, ':');
    enum json_canon_act act = ask_hook(c, m);
    if (act == JSON_CANON_DROP) {
        c->w.buf->len = before;
        write_begin(&c->w, c->w.buf);
        return ERR_OK;
    }
    f->is_written = true;
    return act == JSON_CANON_TEXT ? ERR_OK : put_value(c, m->value);
}

static err_t step_array(struct canon *c, struct frame *f)
{
    if (f->next == f->end) {
        write_byte(&c->w, ']');
        c->depth--;
        return ERR_OK;
    }
    if (f->is_written)
        write_byte(&c->w, ',');
    f->is_written = true;
    size_t at = f->next;
    f->next = tape_after(c->tape, at);
    f->first++;
    return put_value(c, at);
}

static err_t run(struct canon *c, size_t at)
{
    err_t err = put_value(c, at);
    while (err == ERR_OK && c->depth > 0) {
        struct frame *f = &c->frames[c->depth - 1];
        err = f->is_object ? step_object(c, f) : step_array(c, f);
    }
    write_sync(&c->w);
    return err;
}

err_t json_canon(struct json_val v, const struct json_canon_hook *hook, struct buf *out, struct fault *fault)
{
    struct canon c;
    c.tape = v.doc->tape;
    c.strings = v.doc->strings;
    c.doc = v.doc;
    c.hook = hook;
    c.fault = fault;
    c.members = c.home;
    c.heap = NULL;
    c.count = 0;
    c.size = MEMBERS_FIRST;
    c.depth = 0;
    write_begin(&c.w, out);
    err_t err = run(&c, v.at);
    mem_free(c.heap);
    if (err == ERR_OK && buf_err(out) != ERR_OK)
        err = fault_set(fault, buf_err(out), 0, "the canonical text does not fit its buffer");
    return err;
}
