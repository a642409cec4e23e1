#include "feeds/push_word.h"

#include "core/stamp.h"
#include "gate/query.h"
#include "json/json.h"

/* --- what is known of what goes --- */

static enum stix_tlp level_of(struct json_val id)
{
    struct stix_key key;
    enum stix_tlp level;
    return json_is(id, JSON_STRING) && stix_id_parse(json_str(id), &key) && stix_tlp_from_key(&key, &level)
               ? level
               : STIX_TLP_RED;
}

static enum stix_tlp strictest(struct json_val root)
{
    enum stix_tlp level = STIX_TLP_NONE;
    struct json_val list, one, id;
    if (json_get(root, STR("object_marking_refs"), &list) && json_is(list, JSON_ARRAY)) {
        struct json_iter iter = json_array_iter(list);
        while (json_array_next(&iter, &one))
            level = stix_tlp_narrowest(level, level_of(one));
    }
    if (json_get(root, STR("granular_markings"), &list) && json_is(list, JSON_ARRAY)) {
        struct json_iter iter = json_array_iter(list);
        while (json_array_next(&iter, &one))
            if (json_is(one, JSON_OBJECT) && json_get(one, STR("marking_ref"), &id))
                level = stix_tlp_narrowest(level, level_of(id));
    }
    return level;
}

struct push_sent push_sent_of(const struct gate *gate, struct str id, struct json_val root)
{
    struct push_sent sent = {.id = id, .level = strictest(root)};
    struct stix_key self, creator;
    struct stamp created;
    struct str text;
    if (json_get_str(root, STR("created"), &text) && stamp_parse(text, &created, NULL) == ERR_OK)
        sent.created_us = stamp_us(created);
    sent.own = gate_self(gate, &self) && json_get_str(root, STR("created_by_ref"), &text) &&
               stix_id_parse(text, &creator) && stix_key_eq(&self, &creator);
    return sent;
}

/* --- what a revoked version says in the place of what its type requires --- */

/* A type stands here when each property that it requires can hold words that say nothing of what it was, and
 * that nobody takes for something else: a name for people; a pattern in no language, valid from when it was
 * taken back, which is to say never. Elsewhere a reference, a number, a truth value or a date is required,
 * which would repeat what was taken back or lie. */
#define NAMED "\"name\":\"taken back\""
static const struct {
    const char *type, *members;
    bool valid_from;
} sayable[] = {
    {"attack-pattern", NAMED, false},
    {"campaign", NAMED, false},
    {"course-of-action", NAMED, false},
    {"identity", NAMED, false},
    {"incident", NAMED, false},
    {"indicator", "\"pattern\":\"taken back\",\"pattern_type\":\"taken-back\"", true},
    {"infrastructure", NAMED, false},
    {"intrusion-set", NAMED, false},
    {"threat-actor", NAMED, false},
    {"tool", NAMED, false},
    {"vulnerability", NAMED, false},
};

static bool write_revoked(struct str self, const struct push_taking *taking, const struct push_sent *sent,
                          struct buf *out)
{
    struct str type = stix_id_type(sent->id);
    char created[TIME_TEXT_SIZE], now[TIME_TEXT_SIZE];
    if (!sent->own || sent->created_us == 0)
        return false;
    for (size_t i = 0; i < sizeof sayable / sizeof sayable[0]; i++) {
        if (!str_eq(type, str_of(sayable[i].type)))
            continue;
        time_text(sent->created_us, created);
        time_text(taking->time_us, now);
        buf_printf(out,
                   "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%.*s\",\"created_by_ref\":\"%.*s\","
                   "\"created\":\"%s\",\"modified\":\"%s\",\"revoked\":true,%s",
                   sayable[i].type, STR_ARG(sent->id), STR_ARG(self), created, now, sayable[i].members);
        if (sayable[i].valid_from)
            buf_printf(out, ",\"valid_from\":\"%s\"", now);
        return true;
    }
    return false;
}

/* --- notes --- */

static const struct {
    enum leaf_op op;
    const char *what, *asks;
} words[] = {
    {LEAF_RECALL, "was called back", "Delete it, and what was made from it."},
    {LEAF_REDACT, "was replaced by an object that says less", "Delete it, and use that one."},
    {LEAF_EXPIRE, "was given for a time that is over, or may not be kept any more", "Delete it."},
    {LEAF_SUPERSEDE, "is no longer current", "Do not rely on it any more."},
    {LEAF_REVOKE, "was revoked by whoever made it", "Do not rely on it any more."},
};

static err_t write_note(struct gate *gate, struct str self, const struct push_taking *taking,
                        const struct push_sent *sent, struct buf *out, struct buf *out_id)
{
    struct buf about;
    char at[TIME_TEXT_SIZE];
    size_t row = 0, from = out_id->len;
    buf_init(&about, LIMIT_ID_BYTES + 32);
    buf_printf(&about, "%.*s %llu", STR_ARG(sent->id), (unsigned long long)taking->seq);
    err_t err = buf_err(&about);
    if (err == ERR_OK)
        err = gate_self_note_id(gate, taking->partner, buf_str(&about), out_id);
    buf_deinit(&about);
    if (err != ERR_OK)
        return err;
    while (row + 1 < sizeof words / sizeof words[0] && words[row].op != taking->op)
        row++;
    time_text(taking->time_us, at);
    buf_printf(
        out,
        "{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"%.*s\",\"created_by_ref\":\"%.*s\","
        "\"created\":\"%s\",\"modified\":\"%s\",\"abstract\":\"taken back\",\"content\":\"%.*s %s. %s\","
        "\"object_refs\":[\"%.*s\"]",
        (int)(out_id->len - from), (const char *)out_id->at + from, STR_ARG(self), at, at, STR_ARG(sent->id),
        words[row].what, words[row].asks, STR_ARG(sent->id));
    return ERR_OK;
}

/* --- both --- */

/* What carried no marking was let go on an assumption that its readers do not know. */
static void write_level(enum stix_tlp level, struct buf *out)
{
    struct stix_key key = stix_tlp_key(level == STIX_TLP_NONE ? STIX_TLP_AMBER : level);
    buf_put_str(out, STR(",\"object_marking_refs\":[\""));
    stix_key_print(&key, out);
    buf_put_str(out, STR("\"]}"));
}

err_t push_word_write(struct gate *gate, const struct push_taking *taking, const struct push_sent *sent,
                      struct buf *out, struct buf *out_id, enum feed_word *out_word)
{
    struct stix_key key;
    struct buf self;
    err_t err = ERR_OK;
    if (!gate_self(gate, &key))
        return ERR_NOTFOUND;
    buf_init(&self, LIMIT_ID_BYTES);
    stix_key_print(&key, &self);
    *out_word = FEED_WORD_REVOKED;
    if (write_revoked(buf_str(&self), taking, sent, out)) {
        buf_put_str(out_id, sent->id);
    } else {
        *out_word = FEED_WORD_NOTE;
        err = write_note(gate, buf_str(&self), taking, sent, out, out_id);
    }
    write_level(sent->level, out);
    if (err == ERR_OK)
        err = buf_err(&self) != ERR_OK ? buf_err(&self)
              : buf_err(out) != ERR_OK ? buf_err(out)
                                       : buf_err(out_id);
    buf_deinit(&self);
    return err;
}
