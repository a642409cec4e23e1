#include "guard/state.h"
#include "guard/word.h"

void look_begin(struct guard *guard, enum look_kind kind, unsigned partner, struct guard_case *c,
                struct guard_finding *finding)
{
    struct look *look = &guard->look;
    look->kind = kind;
    look->partner = partner;
    look->c = c;
    look->has_seq = look->found = look->urgent = false;
    look->item_count = look->ref_count = look->named = 0;
    look->end.size = 0;
    look->finding = finding;
    look->around = (struct hash) {{0}};
    look->self = STR("");
    memset(look->own, 0, sizeof look->own);
    look->own_count = 0;
    buf_clear(&look->ids);
}

static bool is_waived(const struct guard *guard, enum guard_rule rule, const struct hash *object)
{
    for (size_t i = 0; object != NULL && i < guard->rules.waiver_count; i++) {
        const struct rules_waiver *waiver = &guard->rules.waivers[i];
        if (waiver->partner == guard->look.partner && waiver->rule == rule &&
            hash_eq(&waiver->object, object))
            return true;
    }
    return false;
}

bool look_fail(struct guard *guard, enum guard_rule rule, const struct hash *object)
{
    struct look *look = &guard->look;
    if (is_waived(guard, rule, object))
        return true;
    look->found = true;
    look->finding->rule = rule;
    look->finding->has_seq = look->has_seq;
    look->finding->seq = look->seq;
    if (object != NULL)
        look->finding->object = *object;
    return false;
}

/* --- what stands on this page itself --- */

/* Where it stands, or would. */
static size_t own_slot(const struct look *look, uint64_t print)
{
    size_t at = print & (LOOK_OWN_SLOTS - 1);
    while (look->own[at] != 0 && look->own[at] != print)
        at = (at + 1) & (LOOK_OWN_SLOTS - 1);
    return at;
}

static bool own_has(const struct look *look, uint64_t print)
{
    return look->own[own_slot(look, print)] == print;
}

/* More than there may be items: the item that is too many is not held back here. */
static void own_add(struct guard *guard, struct str id)
{
    struct look *look = &guard->look;
    uint64_t print = known_print_id(&guard->known, KNOWN_ID, look->partner, id);
    size_t at = own_slot(look, print);
    if (look->own[at] == print || look->own_count == LOOK_ITEMS)
        return;
    look->own[at] = print;
    look->own_at[look->own_count++] = (uint16_t)at;
    known_expect(&guard->known, print);
}

/* --- the sink --- */

static bool is_known(const struct guard *guard, struct str id, bool mention, uint64_t *out_print)
{
    const struct look *look = &guard->look;
    *out_print = known_print_id(&guard->known, KNOWN_ID, look->partner, id);
    if (known_has(&guard->known, *out_print))
        return true;
    return mention &&
           known_has(&guard->known, known_print_id(&guard->known, KNOWN_HARMLESS, look->partner, id));
}

static bool ref_add(struct guard *guard, struct str id, bool mention)
{
    struct look *look = &guard->look;
    uint64_t print;
    if (mark_is_common(id) || is_known(guard, id, mention, &print))
        return true;
    if (look->ref_count > 0 && look->refs[look->ref_count - 1].print == print &&
        look->refs[look->ref_count - 1].item == look->item_count)
        return true;
    if (look->ref_count == LIMIT_GUARD_REFS)
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    look->refs[look->ref_count++] = (struct look_ref) {.print = print,
                                                       .id_at = (uint32_t)look->ids.len,
                                                       .id_len = (uint16_t)id.len,
                                                       .mention = mention,
                                                       .item = (uint32_t)look->item_count};
    buf_put_str(&look->ids, id);
    return buf_err(&look->ids) == ERR_OK || look_fail(guard, GUARD_RULE_FORM, NULL);
}

static bool take_id(void *ctx, enum scan_role role, struct str id)
{
    struct guard *guard = ctx;
    struct look *look = &guard->look;
    if (role == SCAN_OWN && look->kind == LOOK_PUSH) /* only at its end it is clear what it is */
        return true;
    if (role == SCAN_OWN && look->kind != LOOK_MANIFEST) {
        own_add(guard, id);
        return true;
    }
    if (role == SCAN_PROSE || (role == SCAN_NAMED && guard->rules.partners[look->partner].texts)) {
        uint64_t print;
        look->named += !mark_is_common(id) && !is_known(guard, id, true, &print);
        return true;
    }
    return ref_add(guard, id, role == SCAN_MENTION || role == SCAN_NAMED);
}

bool look_may_have(struct guard *guard)
{
    static const struct hash none = {{0}};
    return !hash_eq(&guard->rules.policy, &none) || look_fail(guard, GUARD_RULE_LAPSED, NULL);
}

static struct look_item *item_add(struct guard *guard, const struct hash *hash)
{
    struct look *look = &guard->look;
    if (!look_may_have(guard))
        return NULL;
    if (look->item_count == LOOK_ITEMS) {
        (void)look_fail(guard, GUARD_RULE_FORM, NULL);
        return NULL;
    }
    struct look_item *item = &look->items[look->item_count];
    *item = (struct look_item) {.hash = *hash};
    return item;
}

static bool take_level(struct guard *guard, const struct scan_item *found, const struct hash *hash)
{
    return found->level <= guard->rules.partners[guard->look.partner].ceiling ||
           look_fail(guard, GUARD_RULE_CEILING, hash);
}

/* Beside its leaf: `hash` stands in look.items already. */
static bool take_entry(void *ctx, const struct scan_item *found)
{
    struct guard *guard = ctx;
    return take_level(guard, found, &guard->look.items[guard->look.item_count].hash);
}

static uint64_t content_print(const struct guard *guard, const struct hash *hash)
{
    return known_print_content(&guard->known, guard->look.partner, hash);
}

/* That it has a leaf is to be shown. */
static bool take_whole(struct guard *guard, const struct scan_item *found, const struct hash *hash)
{
    struct look *look = &guard->look;
    struct look_item *item = item_add(guard, hash);
    if (item == NULL || !take_level(guard, found, hash))
        return false;
    uint64_t content = content_print(guard, hash);
    if (!known_has(&guard->known, content)) {
        item->content = content;
        item->id_at = (uint32_t)look->ids.len;
        item->id_len = (uint16_t)found->id.len;
        buf_put_str(&look->ids, found->id);
    }
    look->item_count++;
    return buf_err(&look->ids) == ERR_OK || look_fail(guard, GUARD_RULE_FORM, NULL);
}

/* In a list. */
static bool take_listed(void *ctx, const struct scan_item *found)
{
    struct guard *guard = ctx;
    struct hash hash = {{0}};
    if (guard->look.kind == LOOK_MANIFEST) {
        struct look_item *entry = item_add(guard, &hash);
        guard->look.item_count += entry != NULL;
        return entry != NULL;
    }
    hash = hash_sha256(found->bytes);
    return take_whole(guard, found, &hash);
}

/* A word says nothing but what its form says and what it is about: that is asked for in the place of what
 * was read in it. How it is marked is how its object was: also what an operator let go above the level. */
static bool take_word(struct guard *guard, const struct word *word, const struct hash *hash)
{
    struct look *look = &guard->look;
    while (look->ref_count > 0 && look->refs[look->ref_count - 1].item == look->item_count)
        look->ref_count--;
    if (item_add(guard, hash) == NULL || (word->kind == WORD_NOTE && !look_mention(guard, word->own)) ||
        (word->about.len > 0 && !look_mention(guard, word->about)))
        return false;
    if (word->kind == WORD_SELF)
        own_add(guard, word->own);
    look->item_count++;
    return true;
}

static bool take_pushed(void *ctx, const struct scan_item *found)
{
    struct guard *guard = ctx;
    struct look *look = &guard->look;
    struct hash hash = hash_sha256(found->bytes);
    struct word word = {.kind = WORD_NONE};
    if (found->bytes.at != look->at) /* between objects stands a comma, and nothing else anywhere */
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    look->at += found->bytes.len + 1;
    if (!known_has(&guard->known, content_print(guard, &hash)))
        word = word_read(found->bytes, look->self);
    if (word.kind != WORD_NONE)
        return take_word(guard, &word, &hash);
    own_add(guard, found->id);
    return take_whole(guard, found, &hash);
}

bool look_mention(struct guard *guard, struct str id)
{
    char lower[SCAN_ID_MAX];
    return ref_add(guard, scan_lowered(id, lower), true);
}

bool look_object(struct guard *guard, struct bytes object, const struct hash *hash)
{
    struct scan_sink sink = {take_id, take_entry, guard};
    if (item_add(guard, hash) == NULL)
        return false;
    if (!scan_json(object, false, &guard->scratch, &sink))
        return guard->look.found ? false : look_fail(guard, GUARD_RULE_FORM, hash);
    guard->look.item_count++;
    return true;
}

static bool look_list(struct guard *guard, struct bytes body,
                      bool (*take)(void *ctx, const struct scan_item *item))
{
    struct scan_sink sink = {take_id, take, guard};
    if (scan_json(body, true, &guard->scratch, &sink))
        return true;
    return guard->look.found ? false : look_fail(guard, GUARD_RULE_FORM, NULL);
}

bool look_body(struct guard *guard, struct bytes body)
{
    return look_list(guard, body, take_listed);
}

bool look_pushed(struct guard *guard, struct bytes body)
{
    static const char head[] = "{\"objects\":[", tail[] = "]}";
    struct str text = str_from_bytes(body);
    if (!str_starts(text, str_of(head)) || !str_ends(text, str_of(tail)))
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    guard->look.at = body.at + sizeof head - 1;
    if (!look_list(guard, body, take_pushed))
        return false;
    /* Behind the last object its comma is the list's end. */
    return guard->look.at + sizeof tail - 2 == body.at + body.len || look_fail(guard, GUARD_RULE_FORM, NULL);
}

/* --- where no object belongs --- */

static bool names(const char *text, size_t len, struct str id)
{
    for (size_t i = 0; i + id.len <= len; i++)
        if (str_same((struct str) {text + i, id.len}, id))
            return true;
    return false;
}

/* Of our own cards: whoever is shown one may read what stands in it. */
static bool is_own_home(const struct guard *guard, struct str id)
{
    for (size_t i = 0; i < guard->rules.own_count; i++)
        if (str_same((struct str) {guard->rules.own[i], sizeof guard->rules.own[i]}, id))
            return true;
    return false;
}

static bool take_stray(void *ctx, enum scan_role role, struct str id)
{
    struct guard *guard = ctx;
    const struct guard_case *c = guard->look.c;
    (void)role;
    /* Who asks after an identifier may read it in the answer, whatever the answer says. */
    return mark_is_common(id) || is_own_home(guard, id) || names(c->path, c->path_len, id) ||
           names(c->query, c->query_len, id) || look_fail(guard, GUARD_RULE_STRAY, NULL);
}

bool look_plain(struct guard *guard, struct str text)
{
    struct scan_sink sink = {take_stray, NULL, guard};
    return scan_text(text, &sink);
}

/* --- the end of the page --- */

static void ask_add(struct guard *guard, uint64_t print, uint32_t id_at, uint16_t id_len, unsigned run)
{
    struct guard_case *c = guard->look.c;
    size_t at = guard->ask_count++;
    guard->asks[at].partner = guard->look.partner;
    guard->asks[at].run = run;
    guard->asks[at].id_at = id_at;
    guard->asks[at].id_len = id_len;
    c->asked[at] = print;
    c->asked_count = guard->ask_count;
}

static bool was_asked(const uint64_t *asked, size_t count, uint64_t print)
{
    for (size_t i = 0; i < count; i++)
        if (asked[i] == print)
            return true;
    return false;
}

/* Of the items whose leaf nobody has shown yet only the first is asked for, with what follows in the ledger:
 * that is usually the page. Then each of the others. */
static bool end_items(struct guard *guard, const uint64_t *asked, size_t asked_count)
{
    struct look *look = &guard->look;
    for (size_t i = 0; i < look->item_count && guard->ask_count < LIMIT_GUARD_ASKS; i++) {
        struct look_item *item = &look->items[i];
        if (item->content == 0)
            continue;
        if (was_asked(asked, asked_count, item->content)) {
            if (!look_fail(guard, GUARD_RULE_VIEW, &item->hash))
                return false;
            continue;
        }
        bool first = asked_count == 0;
        ask_add(guard, item->content, item->id_at, item->id_len, first ? LIMIT_GUARD_RUN : 0);
        if (first)
            break;
    }
    return true;
}

static bool end_refs(struct guard *guard, const uint64_t *asked, size_t asked_count)
{
    struct look *look = &guard->look;
    for (size_t i = 0; i < look->ref_count && guard->ask_count < LIMIT_GUARD_ASKS; i++) {
        const struct look_ref *ref = &look->refs[i];
        if (own_has(look, ref->print) || was_asked(look->c->asked, guard->ask_count, ref->print))
            continue;
        if (was_asked(asked, asked_count, ref->print)) {
            look->has_seq = look->kind == LOOK_FEED;
            look->seq = look->first_seq + ref->item;
            if (!look_fail(guard, GUARD_RULE_REFERENCE,
                           ref->item < look->item_count ? &look->items[ref->item].hash : &look->around))
                return false;
            continue;
        }
        ask_add(guard, ref->print, ref->id_at, ref->id_len, 0);
    }
    return true;
}

/* What went is known from now on. By identifier alone: whoever follows a ledger hardly reads the same by
 * TAXII. */
static void remember(struct guard *guard)
{
    struct look *look = &guard->look;
    if (look->end.size > 0)
        guard->ends[look->urgent][look->partner] = look->end;
    for (size_t i = 0; look->kind != LOOK_PLAIN && i < look->own_count; i++)
        known_add(&guard->known, look->own[look->own_at[i]]);
}

enum guard_verdict look_end(struct guard *guard)
{
    uint64_t asked[LIMIT_GUARD_ASKS];
    size_t asked_count = guard->look.c->asked_count;
    memcpy(asked, guard->look.c->asked, asked_count * sizeof *asked);
    guard->ask_count = 0;
    if (!end_items(guard, asked, asked_count) || !end_refs(guard, asked, asked_count))
        return GUARD_HOLD;
    if (guard->ask_count > 0) {
        guard->counts.asked += guard->ask_count;
        return GUARD_ASK;
    }
    remember(guard);
    return GUARD_PASS;
}
