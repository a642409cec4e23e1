#include "stix/cut.h"

#include <stdlib.h>

#include "core/limit.h"
#include "stix/named.h"
#include "stix/selector.h"

/* One open object or list. */
struct level {
    struct json_iter iter;
    struct json_val value;
    size_t alive, all;         /* members seen so far, and those that stay */
    bool is_object, open_refs; /* open_refs: what is dropped from it would lift a marking */
    bool sources, source;      /* external_references; one of them, which goes with what it names */
    bool told; /* what a translation says: item by item of a list (section 7.1), so a list goes as a whole */
    bool gone;
};

/* A UUID that is not to be read alone either: that of a name that goes or changes. */
struct lone {
    struct uuid uuid;
    bool dropped;
    char to[UUID_TEXT_SIZE];
};

struct cutting {
    const struct stix_cut *cut;
    struct json_val root;
    struct stix_key key;
    bool translation;  /* a language-content */
    uint8_t *gone;     /* by index on the tape */
    struct lone *lone; /* sorted, once all are gathered */
    size_t lone_count, lone_size;
    struct buf *out;
    struct level levels[LIMIT_JSON_DEPTH + 2];
    size_t depth;
    err_t err; /* a text that could not be read */
};

/* Written anew, or part of what the object is: a selector cannot cut them. */
static const char *const fixed[] = {
    "type", "id", "spec_version", "created", "modified", "object_marking_refs", "granular_markings"};
/* Stand in the head that is written first. */
static const char *const headed[] = {"type", "id", "spec_version", "created_by_ref", "created", "modified"};

static bool among(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}
#define AMONG(name, names) among((name), (names), sizeof(names) / sizeof(names)[0])

static bool is_gone(const struct cutting *c, struct json_val value)
{
    return c->gone[value.at] != 0;
}

/* --- identifiers in texts --- */

static enum stix_cut_act ask(const struct cutting *c, const struct stix_key *key, struct str *out)
{
    if (stix_key_eq(key, &c->key)) {
        *out = c->cut->id;
        return STIX_CUT_RENAME;
    }
    return c->cut->name == NULL ? STIX_CUT_KEEP : c->cut->name(c->cut->ctx, key, out);
}

/* An identifier, or a UUID that stands alone, in a text, and what becomes of it. Places are the plain text's.
 */
struct spot {
    size_t start, end;
    enum stix_cut_act act;
    struct str name;
    struct stix_key key;     /* of an identifier */
    struct stix_named found; /* where `name` stands, unless it is renamed */
};

/* Where other letters touch its type both readings are asked about. False: none can be read. `look_only`:
 * nobody is asked. */
static bool read_id(const struct cutting *c, bool look_only, struct spot *out)
{
    bool any = false;
    for (size_t at = 0; at < out->found.type_len; at++) {
        struct stix_key key;
        struct str id;
        if (!stix_named_read(&out->found, at, &id, &key))
            continue;
        out->start = out->found.starts[at];
        out->end = out->found.end;
        out->act = STIX_CUT_KEEP;
        out->name = id;
        out->key = key;
        any = true;
        if (look_only || (out->act = ask(c, &key, &out->name)) != STIX_CUT_KEEP)
            return true;
    }
    return any;
}

/* The next identifier behind `last`. */
static bool next_id(const struct cutting *c, const struct stix_plain *plain, size_t last, bool look_only,
                    struct spot *out)
{
    for (size_t from = last; stix_named_next(plain, last, from, &out->found); from = out->found.from + 1)
        if (read_id(c, look_only, out))
            return true;
    return false;
}

static int uuid_order(const void *a, const void *b)
{
    const struct lone *left = a, *right = b;
    int order = memcmp(left->uuid.b, right->uuid.b, UUID_SIZE);
    return order != 0 ? order : (int)right->dropped - (int)left->dropped;
}

static int uuid_find(const void *a, const void *b)
{
    return memcmp(((const struct lone *)a)->uuid.b, ((const struct lone *)b)->uuid.b, UUID_SIZE);
}

/* A UUID without its type tells as much as with it. */
static bool read_lone(const struct cutting *c, const struct uuid *uuid, struct spot *out)
{
    struct lone wanted = {.uuid = *uuid};
    const struct lone *found =
        c->lone_count == 0 ? NULL : bsearch(&wanted, c->lone, c->lone_count, sizeof wanted, uuid_find);
    out->act = STIX_CUT_RENAME;
    if (found != NULL) {
        out->act = found->dropped ? STIX_CUT_DROP : STIX_CUT_RENAME;
        out->name = (struct str) {found->to, UUID_TEXT_SIZE};
        return true;
    }
    if (memcmp(uuid->b, c->key.b, UUID_SIZE) != 0 || c->cut->id.len < UUID_TEXT_SIZE)
        return false;
    out->name = (struct str) {c->cut->id.at + c->cut->id.len - UUID_TEXT_SIZE, UUID_TEXT_SIZE};
    return true;
}

/* Identifiers and lone UUIDs of a text in the order of their places. */
struct looking {
    const struct stix_plain *plain;
    struct stix_digits digits;
    size_t last;          /* where the last one ended */
    struct spot id, lone; /* the next of each, unless there is none left */
    bool has_id, has_lone;
};

static bool next_lone(const struct cutting *c, struct looking *l)
{
    while (stix_digits_next(&l->digits))
        if (read_lone(c, &l->digits.uuid, &l->lone)) {
            l->lone.start = stix_digits_from(&l->digits);
            l->lone.end = l->digits.at;
            return true;
        }
    return false;
}

static void look_begin(const struct cutting *c, const struct stix_plain *plain, struct looking *l)
{
    *l = (struct looking) {.plain = plain, .digits = {.plain = plain}};
    l->has_id = next_id(c, plain, 0, false, &l->id);
    l->has_lone = next_lone(c, l);
}

/* NULL: there is none left. An identifier goes before the lone UUID in it. */
static const struct spot *next_spot(const struct cutting *c, struct looking *l)
{
    if (l->has_id && l->id.start < l->last)
        l->has_id = next_id(c, l->plain, l->last, false, &l->id);
    while (l->has_lone && l->lone.start < l->last)
        l->has_lone = next_lone(c, l);
    const struct spot *spot = l->has_id && !(l->has_lone && l->lone.start < l->id.start) ? &l->id
                              : l->has_lone                                              ? &l->lone
                                                                                         : NULL;
    if (spot != NULL)
        l->last = spot->end;
    return spot;
}

/* A text in which there may be names. False: there is none, or `c->err` says why nobody can tell. */
static bool open_text(struct cutting *c, struct str text, struct stix_plain *out)
{
    if (!stix_named_may_alone(text))
        return false;
    err_t err = stix_plain_open(text, STIX_PLAIN_NAMES, out);
    if (err != ERR_OK)
        c->err = err;
    return err == ERR_OK;
}

static bool names_dropped(struct cutting *c, struct str text)
{
    struct stix_plain plain;
    struct looking look;
    bool dropped = false;
    if (!open_text(c, text, &plain))
        return false;
    look_begin(c, &plain, &look);
    for (const struct spot *spot; !dropped && (spot = next_spot(c, &look)) != NULL;)
        dropped = spot->act == STIX_CUT_DROP;
    stix_plain_close(&plain);
    return dropped;
}

/* `text` with what is renamed in it. */
static void put_renamed(struct cutting *c, struct str text, struct buf *out)
{
    struct stix_plain plain;
    struct looking look;
    size_t written = 0;
    if (open_text(c, text, &plain)) {
        look_begin(c, &plain, &look);
        for (const struct spot *spot; (spot = next_spot(c, &look)) != NULL;) {
            size_t from = stix_plain_from(&plain, spot->start), end = stix_plain_end(&plain, spot->end);
            if (spot->act != STIX_CUT_RENAME || from < written)
                continue;
            buf_put(out, text.at + written, from - written);
            buf_put_str(out, spot->name);
            written = end;
        }
        stix_plain_close(&plain);
    }
    buf_put(out, text.at + written, text.len - written);
}

/* The same as a JSON string or (raw) as it is. */
static void put_text(struct cutting *c, struct str text, bool raw)
{
    struct buf renamed;
    buf_init(&renamed, LIMIT_OBJECT_BYTES * 2u);
    put_renamed(c, text, &renamed);
    if (buf_err(&renamed) != ERR_OK)
        c->out->err = buf_err(&renamed);
    else if (raw)
        buf_put_str(c->out, buf_str(&renamed));
    else
        json_write_str(c->out, buf_str(&renamed));
    buf_deinit(&renamed);
}

/* --- what goes --- */

static err_t mark_selected(struct cutting *c)
{
    size_t steps = LIMIT_STIX_SELECTOR_STEPS;
    struct stix_selector_walk walk;
    for (size_t i = 0; i < c->cut->selector_count; i++) {
        struct str rest = c->cut->selectors[i];
        struct json_val value;
        stix_selector_begin(&walk, c->root, rest, &steps);
        struct str member = str_cut(&rest, '.'), type;
        /* Section 4.11.1 of the OASIS Standard requires it; the Errata do not, and so does what is taken in.
         */
        bool family = str_eq(member, STR("is_family")) && json_get_str(c->root, STR("type"), &type) &&
                      str_eq(type, STR("malware"));
        while (stix_selector_next(&walk, &value)) {
            if (family || AMONG(member, fixed))
                return ERR_DENIED;
            c->gone[value.at] = 1;
        }
        if (steps == 0)
            return ERR_LIMIT;
    }
    return ERR_OK;
}

static err_t enter(struct cutting *c, struct json_val value, bool open_refs)
{
    if (c->depth == sizeof c->levels / sizeof c->levels[0])
        return ERR_LIMIT;
    bool is_object = json_is(value, JSON_OBJECT);
    c->levels[c->depth++] = (struct level) {
        .iter = is_object ? json_object_iter(value) : json_array_iter(value),
        .value = value,
        .is_object = is_object,
        .open_refs = open_refs,
    };
    return ERR_OK;
}

static bool step(struct level *level, struct str *name, struct json_val *value)
{
    *name = (struct str) {"", 0};
    return level->is_object ? json_object_next(&level->iter, name, value)
                            : json_array_next(&level->iter, value);
}

static bool is_container(struct json_val value)
{
    return json_is(value, JSON_OBJECT) || json_is(value, JSON_ARRAY);
}

/* It is lost, and not because what it translates is: of a list of a translation none stays then, or each
 * behind it would be told of another. */
static void lose(struct cutting *c, const struct level *of, struct json_val value)
{
    c->gone[value.at] = 1;
    if (of->told && !of->is_object)
        c->gone[of->value.at] = 1;
}

/* Done with the innermost: what lost everything is gone itself. */
static void leave(struct cutting *c)
{
    const struct level *level = &c->levels[--c->depth];
    if (c->depth == 0)
        return;
    if ((level->all > 0 && level->alive == 0) || is_gone(c, level->value))
        lose(c, &c->levels[c->depth - 1], level->value);
    else
        c->levels[c->depth - 1].alive++;
}

static err_t lone_add(struct cutting *c, struct arena *arena, const struct spot *spot, bool gone)
{
    if (c->lone_count == c->lone_size) {
        size_t size = c->lone_size == 0 ? 64 : 2 * c->lone_size;
        struct lone *at = arena_zalloc(arena, size, sizeof *at);
        if (at == NULL)
            return ERR_NOMEM;
        if (c->lone_count > 0)
            memcpy(at, c->lone, c->lone_count * sizeof *at);
        c->lone = at;
        c->lone_size = size;
    }
    struct lone *lone = &c->lone[c->lone_count++];
    memcpy(lone->uuid.b, spot->key.b, UUID_SIZE);
    lone->dropped = gone || spot->act == STIX_CUT_DROP || spot->name.len < UUID_TEXT_SIZE;
    if (!lone->dropped)
        memcpy(lone->to, spot->name.at + spot->name.len - UUID_TEXT_SIZE, UUID_TEXT_SIZE);
    return ERR_OK;
}

/* Of what is cut anyway nobody is asked. */
static err_t gather_text(struct cutting *c, struct arena *arena, struct str text, bool gone)
{
    struct stix_plain plain;
    struct spot spot;
    err_t err = ERR_OK;
    if (!open_text(c, text, &plain))
        return c->err;
    for (size_t last = 0; err == ERR_OK && next_id(c, &plain, last, gone, &spot); last = spot.end) {
        bool own = stix_key_eq(&spot.key, &c->key);
        if (!own && (gone || spot.act != STIX_CUT_KEEP))
            err = lone_add(c, arena, &spot, gone);
    }
    stix_plain_close(&plain);
    return err;
}

static err_t gather_member(struct cutting *c, struct arena *arena, struct str name, struct json_val value)
{
    bool gone = c->levels[c->depth - 1].gone || is_gone(c, value);
    err_t err;
    if (c->depth == 1 && str_eq(name, STR("granular_markings")))
        return ERR_OK;
    if (TRY(err, gather_text(c, arena, name, gone)))
        return err;
    if (json_is(value, JSON_STRING))
        return gather_text(c, arena, json_str(value), gone);
    if (!is_container(value) || TRY(err, enter(c, value, false)))
        return is_container(value) ? err : ERR_OK;
    c->levels[c->depth - 1].gone = gone;
    return ERR_OK;
}

/* Before anything is cut: whose UUIDs are to be looked for. */
static err_t gather_all(struct cutting *c, struct arena *arena)
{
    size_t kept = 0;
    err_t err = enter(c, c->root, false);
    while (err == ERR_OK && c->depth > 0) {
        struct str name;
        struct json_val value;
        if (step(&c->levels[c->depth - 1], &name, &value))
            err = gather_member(c, arena, name, value);
        else
            c->depth--;
    }
    if (c->lone_count > 0)
        qsort(c->lone, c->lone_count, sizeof *c->lone, uuid_order);
    for (size_t i = 0; i < c->lone_count; i++)
        if (kept == 0 || uuid_find(&c->lone[kept - 1], &c->lone[i]) != 0)
            c->lone[kept++] = c->lone[i];
    c->lone_count = kept;
    return err;
}

static err_t mark_member(struct cutting *c, struct str name, struct json_val value)
{
    struct level *level = &c->levels[c->depth - 1];
    bool markings = c->depth == 1 && str_eq(name, STR("object_marking_refs"));
    bool sources = c->depth == 1 && str_eq(name, STR("external_references"));
    bool told = level->told || (c->translation && c->depth == 1 && str_eq(name, STR("contents")));
    err_t err;
    level->all++;
    /* Heads are written anew, and granular markings by their selectors. */
    if (c->depth == 1 && (AMONG(name, headed) || str_eq(name, STR("granular_markings")))) {
        level->alive++;
        return ERR_OK;
    }
    if (is_gone(c, value))
        return ERR_OK;
    if ((level->is_object && names_dropped(c, name)) ||
        (json_is(value, JSON_STRING) && names_dropped(c, json_str(value)))) {
        lose(c, level, value);
        if (level->source)
            c->gone[level->value.at] = 1; /* without it the rest may be none (section 2.5.2) */
        return level->open_refs ? ERR_DENIED : ERR_OK;
    }
    if (!is_container(value)) {
        level->alive++;
        return ERR_OK;
    }
    bool source = level->sources;
    if (TRY(err, enter(c, value, markings || level->open_refs)))
        return err;
    c->levels[c->depth - 1].told = told;
    c->levels[c->depth - 1].sources = sources;
    c->levels[c->depth - 1].source = source && json_is(value, JSON_OBJECT);
    return ERR_OK;
}

static err_t mark_all(struct cutting *c)
{
    err_t err = enter(c, c->root, false);
    while (err == ERR_OK && c->depth > 0) {
        struct str name;
        struct json_val value;
        if (step(&c->levels[c->depth - 1], &name, &value))
            err = mark_member(c, name, value);
        else
            leave(c);
    }
    return err;
}

/* --- writing --- */

static void put_member(struct cutting *c, struct level *level, struct str name)
{
    if (level->alive++ > 0)
        buf_putc(c->out, ',');
    if (!level->is_object)
        return;
    put_text(c, name, false);
    buf_putc(c->out, ':');
}

static void put_string(struct cutting *c, struct json_val value)
{
    struct str text = json_str(value);
    put_text(c, c->cut->text == NULL ? text : c->cut->text(c->cut->text_ctx, text), false);
}

/* Everything in a value that stays. */
static err_t put_value(struct cutting *c, struct json_val value)
{
    size_t base = c->depth;
    err_t err = ERR_OK;
    if (json_is(value, JSON_STRING)) {
        put_string(c, value);
        return ERR_OK;
    }
    if (!is_container(value)) {
        json_write_scalar(c->out, value);
        return ERR_OK;
    }
    if (TRY(err, enter(c, value, false)))
        return err;
    buf_putc(c->out, c->levels[base].is_object ? '{' : '[');
    while (err == ERR_OK && c->depth > base) {
        struct level *level = &c->levels[c->depth - 1];
        struct str name;
        struct json_val member;
        if (!step(level, &name, &member)) {
            buf_putc(c->out, level->is_object ? '}' : ']');
            c->depth--;
            continue;
        }
        if (is_gone(c, member))
            continue;
        put_member(c, level, name);
        if (is_container(member)) {
            err = enter(c, member, false);
            buf_putc(c->out, json_is(member, JSON_OBJECT) ? '{' : '[');
        } else if (json_is(member, JSON_STRING)) {
            put_string(c, member);
        } else {
            json_write_scalar(c->out, member);
        }
    }
    return err;
}

/* Of the elements before this one those that stay. */
static uint64_t kept_before(const struct cutting *c, const struct stix_selector_level *level)
{
    struct json_iter iter = json_array_iter(level->value);
    struct json_val value;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < level->index && json_array_next(&iter, &value); i++)
        kept += !is_gone(c, value);
    return kept;
}

/* Appends one way of reading a selector as it reads after the cut; false when what it names is gone. */
static bool put_way(struct cutting *c, const struct stix_selector_walk *walk, struct json_val value)
{
    bool gone = is_gone(c, value);
    for (size_t i = 1; i < walk->depth; i++)
        gone |= is_gone(c, walk->levels[i].value);
    for (size_t i = 0; i < walk->depth && !gone; i++) {
        const struct stix_selector_level *level = &walk->levels[i];
        if (i > 0)
            buf_putc(c->out, '.');
        if (level->is_object)
            put_text(c, level->name, true);
        else
            buf_printf(c->out, "[%llu]", (unsigned long long)kept_before(c, level));
    }
    return !gone;
}

/* One selector as JSON strings, one for each value that it names; nothing is written for what is gone. */
static bool put_selector_text(struct cutting *c, struct str selector, bool first)
{
    struct buf plain, last, *out = c->out;
    struct stix_selector_walk walk;
    struct json_val value;
    size_t steps = LIMIT_STIX_SELECTOR_STEPS;
    bool any = false;
    buf_init(&plain, LIMIT_OBJECT_BYTES);
    buf_init(&last, LIMIT_OBJECT_BYTES);
    stix_selector_begin(&walk, c->root, selector, &steps);
    while (stix_selector_next(&walk, &value)) {
        buf_clear(&plain);
        c->out = &plain;
        bool stays = put_way(c, &walk, value);
        c->out = out;
        if (buf_err(&plain) != ERR_OK)
            out->err = buf_err(&plain);
        if (!stays || (any && str_eq(buf_str(&plain), buf_str(&last))))
            continue;
        if (!first || any)
            buf_putc(out, ',');
        json_write_str(out, buf_str(&plain));
        buf_clear(&last);
        buf_put_str(&last, buf_str(&plain));
        any = true;
    }
    if (buf_err(&last) != ERR_OK)
        out->err = buf_err(&last);
    buf_deinit(&plain);
    buf_deinit(&last);
    return any;
}

/* The entries that still name something. */
static err_t put_granular(struct cutting *c, struct json_val list)
{
    struct json_iter entries = json_array_iter(list), selectors;
    struct json_val entry, texts, text;
    size_t start = c->out->len, written = 0;
    buf_put_str(c->out, STR(",\"granular_markings\":["));
    while (json_array_next(&entries, &entry)) {
        size_t before = c->out->len, count = 0;
        struct str ref = {"", 0}, lang = {"", 0};
        (void)json_get_str(entry, STR("marking_ref"), &ref);
        (void)json_get_str(entry, STR("lang"), &lang);
        if (!json_get(entry, STR("selectors"), &texts) || !json_is(texts, JSON_ARRAY))
            return ERR_DENIED;
        buf_put_str(c->out, written > 0 ? STR(",{\"selectors\":[") : STR("{\"selectors\":["));
        selectors = json_array_iter(texts);
        while (json_array_next(&selectors, &text))
            count += json_is(text, JSON_STRING) && put_selector_text(c, json_str(text), count == 0);
        if (count == 0) {
            c->out->len = before;
            continue;
        }
        if (ref.len > 0 && names_dropped(c, ref))
            return ERR_DENIED; /* what it marks would leave without its marking */
        buf_put_str(c->out, ref.len > 0 ? STR("],\"marking_ref\":") : STR("],\"lang\":"));
        json_write_str(c->out, ref.len > 0 ? ref : lang);
        buf_putc(c->out, '}');
        written++;
    }
    buf_putc(c->out, ']');
    if (written == 0)
        c->out->len = start;
    return ERR_OK;
}

static void put_pair(struct cutting *c, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    buf_printf(c->out, ",\"%s\":", name);
    json_write_str(c->out, text);
}

static err_t put_all(struct cutting *c)
{
    struct json_iter members = json_object_iter(c->root);
    struct str name, type = {"", 0}, version = {"", 0};
    struct json_val value;
    err_t err = ERR_OK;
    (void)json_get_str(c->root, STR("type"), &type);
    (void)json_get_str(c->root, STR("spec_version"), &version);
    buf_put_str(c->out, STR("{\"type\":"));
    json_write_str(c->out, type);
    put_pair(c, "spec_version", version);
    put_pair(c, "id", c->cut->id);
    put_pair(c, "created_by_ref", c->cut->creator);
    put_pair(c, "created", c->cut->created);
    put_pair(c, "modified", c->cut->modified);
    while (err == ERR_OK && json_object_next(&members, &name, &value)) {
        if (AMONG(name, headed) || is_gone(c, value))
            continue;
        if (str_eq(name, STR("granular_markings")) && json_is(value, JSON_ARRAY)) {
            err = put_granular(c, value);
            continue;
        }
        if (c->cut->about_modified.at != NULL && str_eq(name, STR("object_modified"))) {
            put_pair(c, "object_modified", c->cut->about_modified);
            continue;
        }
        buf_putc(c->out, ',');
        put_text(c, name, false);
        buf_putc(c->out, ':');
        err = put_value(c, value);
    }
    buf_putc(c->out, '}');
    return err != ERR_OK ? err : buf_err(c->out);
}

err_t stix_cut(struct json_val root, const struct stix_cut *cut, struct arena *arena, struct buf *out)
{
    struct str id;
    err_t err;
    if (!json_is(root, JSON_OBJECT) || !json_get_str(root, STR("id"), &id))
        return ERR_INVALID;
    struct cutting *c = arena_zalloc(arena, 1, sizeof *c);
    uint8_t *gone = arena_zalloc(arena, root.doc->tape_len + 1, 1);
    if (c == NULL || gone == NULL)
        return ERR_NOMEM;
    *c = (struct cutting) {.cut = cut,
                           .root = root,
                           .translation = str_starts(id, STR("language-content--")),
                           .gone = gone,
                           .out = out};
    if (!stix_id_parse(id, &c->key))
        return ERR_INVALID;
    if (TRY(err, mark_selected(c)) || TRY(err, gather_all(c, arena)) || TRY(err, mark_all(c)))
        return err;
    return TRY(err, put_all(c)) ? err : c->err;
}

/* --- looking without cutting --- */

err_t stix_cut_names(struct str text, void (*each)(void *ctx, const struct stix_key *key, struct str id),
                     void *ctx)
{
    struct stix_plain plain;
    struct stix_named found;
    struct stix_key key;
    struct str id;
    err_t err;
    if (!stix_named_may(text))
        return ERR_OK;
    if (TRY(err, stix_plain_open(text, STIX_PLAIN_NAMES, &plain)))
        return err;
    for (size_t last = 0, from = 0; stix_named_next(&plain, last, from, &found);) {
        from = found.from + 1;
        for (size_t at = 0; at < found.type_len; at++) {
            if (!stix_named_read(&found, at, &id, &key))
                continue;
            each(ctx, &key, id);
            last = from = found.end;
        }
    }
    stix_plain_close(&plain);
    return ERR_OK;
}

size_t stix_cut_found(struct json_val root, const struct str *selectors, size_t count, struct str *out)
{
    size_t found = 0, steps = LIMIT_STIX_SELECTOR_STEPS;
    struct json_val value;
    for (size_t i = 0; i < count; i++)
        if (stix_selector_resolve(root, selectors[i], &steps, &value))
            out[found++] = selectors[i];
    return found;
}
