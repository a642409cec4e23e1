/* Reads every byte of what each partner is shown, and looks in it for what he may not know: canaries of
 * fields, and identifiers. One pass over the text, a table for each find. */
#include "leak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT = 256 };

static uint64_t bytes_read;

uint64_t watch_bytes(void)
{
    return bytes_read;
}

/* --- finding tokens --- */

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_hex(const uint8_t *at, size_t count, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        int d = digit(at[i]);
        if (d < 0)
            return false;
        *out = *out << 4 | (uint32_t)d;
    }
    return true;
}

bool watch_canary(struct bytes text, size_t *at, uint32_t *out)
{
    for (; *at + 12 <= text.len; ++*at) {
        const uint8_t *c = text.at + *at;
        if (c[0] == 'c' && memcmp(c, "ca7a", 4) == 0 && read_hex(c + 4, 8, out)) {
            *at += 12;
            return true;
        }
    }
    return false;
}

enum { UUID_TEXT = 36 };

static bool read_uuid(const uint8_t *c, uint8_t out[16])
{
    size_t n = 0;
    for (size_t i = 0; i < UUID_TEXT;) {
        uint32_t byte;
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            i++;
            continue;
        }
        if (!read_hex(c + i, 2, &byte))
            return false;
        out[n++] = (uint8_t)byte;
        i += 2;
    }
    return true;
}

static bool next_uuid(struct bytes text, size_t *at, uint8_t out[16])
{
    for (; *at + UUID_TEXT <= text.len; ++*at) {
        const uint8_t *c = text.at + *at;
        if (c[8] == '-' && c[13] == '-' && c[18] == '-' && c[23] == '-' && read_uuid(c, out)) {
            *at += UUID_TEXT;
            return true;
        }
    }
    return false;
}

/* --- what they mean --- */

static const struct field *field_of(const struct saying *saying, uint32_t canary)
{
    for (size_t i = 0; i < saying->field_count; i++)
        if (saying->fields[i].canary == canary)
            return &saying->fields[i];
    return NULL;
}

static int saying_of(const struct world *w, uint32_t anchor)
{
    for (int i = 0; i < w->plan->saying_count; i++)
        if (w->plan->sayings[i].anchor == anchor)
            return i;
    return -1;
}

static int thing_of(const struct world *w, const uint8_t uuid[16])
{
    for (int i = 0; i < w->plan->thing_count; i++)
        if (memcmp(w->plan->things[i].uuid, uuid, 16) == 0)
            return i;
    return -1;
}

/* Built in: everybody's. */
static bool is_level(const uint8_t uuid[16])
{
    static const uint8_t heads[][4] = {{0x94, 0x86, 0x8c, 0x89}, {0xba, 0xb4, 0xa6, 0x3c},
                                       {0x55, 0xd9, 0x20, 0xb0}, {0x93, 0x9a, 0x94, 0x14},
                                       {0xe8, 0x28, 0xb3, 0x79}, {0x3a, 0x65, 0x88, 0x4d}, /* ACS 3.0 */
                                       {0x76, 0x2e, 0x2e, 0x97}};                          /* IEP 2.0 */
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (memcmp(heads[i], uuid, 4) == 0)
            return true;
    return false;
}

/* Does `p` know this identifier by right: as that of a leaf, or because he said it himself? */
static bool is_known(const struct world *w, unsigned p, const uint8_t uuid[16])
{
    int thing = thing_of(w, uuid);
    for (size_t i = 0; i < w->view[p].count; i++)
        if (memcmp(w->view[p].at[i].uuid, uuid, 16) == 0)
            return true;
    for (size_t i = 0; thing >= 0 && i < w->copy_count; i++)
        if (w->plan->sayings[w->copies[i].saying].thing == thing && w->copies[i].source == LOCALS + p)
            return true;
    return is_level(uuid);
}

/* --- one leaf --- */

struct watching {
    struct world *w;
    unsigned p;
    struct judged judged; /* what could go when it went */
    size_t first;         /* leaves that are new */
    struct str limits;    /* beside the leaf in hand */
};

void watch_tell(struct world *w, unsigned p, const char *what, struct bytes text)
{
    const struct policy_plan *policy = w->policy < 0 ? NULL : &w->plan->policies[w->policy];
    struct buf rules;
    buf_init(&rules, 1 << 16);
    if (policy != NULL)
        policy_write(policy, w->plan->partners, w->unbound, &rules);
    world_break(w, "p%u: %s\n%.*s\nunder\n%.*s", p, what, (int)text.len, (const char *)text.at,
                (int)rules.len, (const char *)rules.at);
    buf_deinit(&rules);
}

static void tell(struct watching *g, const char *what, struct bytes text)
{
    watch_tell(g->w, g->p, what, text);
}

/* Every canary in it is of a field of this object that goes to him; else `what` says which is not. */
static bool values_may_go(const struct watching *g, const struct had *had, const struct item *item,
                          char what[WHAT])
{
    const struct saying *saying = &g->w->plan->sayings[had->saying];
    size_t at = 0;
    uint32_t canary;
    while (watch_canary(had->text, &at, &canary)) {
        const struct field *field = field_of(saying, canary);
        if (canary > g->w->plan->canaries)
            continue; /* chance, in the digits of a pseudonym */
        bool person = field != NULL && field->personal && item->personal != TREAT_NOT;
        if (field != NULL && !person && !(item->form == FORM_CUT && item_covers(item, field->at)))
            continue;
        (void)snprintf(what, WHAT, "has ca7a%08x%s%s", canary,
                       field == NULL ? ", which is not of it"
                       : person      ? " of a person, in "
                                     : " of ",
                       field == NULL ? "" : field->at);
        return false;
    }
    return true;
}

static void look_minted_id(struct watching *g, const struct had *had)
{
    struct world *w = g->w;
    bool observable = had->thing != NODE_THING && kind_is_observable(w->plan->things[had->thing].kind);
    for (unsigned other = 0; other < w->plan->partners && had->thing != NODE_THING && !observable; other++)
        for (size_t i = 0; other != g->p && i < w->view[other].count; i++)
            if (memcmp(w->view[other].at[i].uuid, had->uuid, 16) == 0)
                tell(g, "a minted identifier that another partner has as well", had->text);
}

/* An observable from which nothing is taken is the same, minted or not. */
static bool stays_same(const struct world *w, const struct item *item)
{
    return kind_is_observable(w->plan->things[item->thing].kind) && item->selector_count == 0 &&
           item->hidden < 0 && item->personal == TREAT_NOT;
}

/* The limits on passing on that its rules ask for stand beside it; every partner here is in US. */
static bool is_limited(struct str limits, unsigned reshare)
{
    unsigned told = 0;
    while (limits.len > 0) {
        struct str line = str_cut(&limits, '\n');
        told |= str_eq(line, STR("never")) ? RESHARE_NEVER : 0;
        told |= str_eq(line, STR("country US")) ? RESHARE_COUNTRY : 0;
    }
    return (reshare & ~told) == 0;
}

/* As this copy may go? */
static bool may_go_so(const struct watching *g, const struct had *had, const struct item *item, bool same,
                      char what[WHAT])
{
    const char *why = NULL;
    if (!is_limited(g->limits, item->reshare))
        why = "got without its limit on passing on";
    else if (!had->minted && !same)
        why = "got under its own identifier what is not as it came";
    else if (!had->minted && item->form == FORM_CUT && !stays_same(g->w, item))
        why = "got whole what may go in part";
    if (why == NULL)
        return values_may_go(g, had, item, what);
    (void)snprintf(what, WHAT, "%s", why);
    return false;
}

/* As any copy that says so may go: several sources may have said the same of an observable. */
static bool fits_any(struct watching *g, struct had *had, bool same, char what[WHAT])
{
    bool fits = false, lasts = false;
    for (size_t i = 0; i < g->judged.count; i++) {
        const struct item *item = &g->judged.at[i];
        if (item->copy < 0 || g->w->copies[item->copy].saying != had->saying || !item->in ||
            item->on_demand || !may_go_so(g, had, item, same, what))
            continue;
        fits = true;
        lasts |= item->expire_us == 0;
        int64_t ends_us = item->expire_us == 0 ? 0 : g->w->now_us + item->expire_us;
        if (ends_us > had->expires_us)
            had->expires_us = ends_us;
        if (ends_us != 0 && (had->may_end_us == 0 || ends_us < had->may_end_us))
            had->may_end_us = ends_us;
    }
    had->expires_us = lasts ? 0 : had->expires_us;
    return fits;
}

/* What ended in the same step makes room for what comes along now: it is judged again. */
static void look_forms(struct watching *g, struct had *had, bool same)
{
    char what[WHAT] = "got what nothing lets go";
    if (fits_any(g, had, same, what))
        return;
    judge(g->w, g->p, &g->judged);
    if (!fits_any(g, had, same, what))
        tell(g, what, had->text);
}

static void look_object(struct watching *g, struct had *had)
{
    struct world *w = g->w;
    uint32_t anchor = 0;
    const char *mark = memmem(had->text.at, had->text.len, "\"x_anchor\":\"ca7a", 16);
    int thing = thing_of(w, had->uuid);
    had->saying = had->thing = -1;
    if (mark == NULL && memmem(had->text.at, had->text.len, "\"identity_class\":\"system\"", 25) != NULL) {
        had->thing = NODE_THING;
        return;
    }
    if (mark == NULL || !read_hex((const uint8_t *)mark + 16, 8, &anchor) ||
        (had->saying = saying_of(w, anchor)) < 0) {
        tell(g, "got what nobody said", had->text);
        return;
    }
    const struct saying *saying = &w->plan->sayings[had->saying];
    had->thing = saying->thing;
    bool same = had->text.len == saying->len && memcmp(had->text.at, saying->text, saying->len) == 0;
    /* What gives an observable its identifier may have stayed. */
    had->minted =
        thing < 0 || (!same && thing == saying->thing && kind_is_observable(w->plan->things[thing].kind));
    look_forms(g, had, same && thing == saying->thing);
    if (!w->broken && had->minted)
        look_minted_id(g, had);
}

static bool look_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct watching *g = ctx;
    struct world *w = g->w;
    struct shown *view = &w->view[g->p];
    struct had had = {.thing = -1, .saying = -1, .seq = view->seq++, .at_us = leaf->leaf.time_us};
    w->leaves++;
    g->limits = leaf->limits;
    bytes_read += leaf->object.len + leaf->id.len + leaf->version.len + sizeof leaf->leaf;
    if (w->verbose)
        (void)printf("p%u leaf %llu op %u of %lld: %.*s\n", g->p, (unsigned long long)had.seq, leaf->leaf.op,
                     (long long)leaf->opening.subject_seq, (int)leaf->object.len,
                     (const char *)leaf->object.at);
    if (leaf->object.len == 0) {
        if (leaf->id.len != 0 || leaf->version.len != 0)
            tell(g, "a leaf without content names something", bytes_from_str(leaf->id));
        bool about = false;
        for (size_t i = 0; i < view->count; i++) {
            bool this = view->at[i].seq == leaf->opening.subject_seq;
            if (this && (leaf->leaf.op == LEAF_EXPIRE || leaf->leaf.op == LEAF_RECALL) && !view->at[i].gone) {
                view->at[i].gone = true;
                view->at[i].gone_us = w->now_us;
            }
            w->expired += this && leaf->leaf.op == LEAF_EXPIRE && !view->at[i].over;
            about |= this;
        }
        /* It may have been taken back before he read it. */
        if (!about && leaf->opening.subject_seq >= had.seq)
            tell(g, "a leaf about nothing that he ever had", bytes_of(NULL, 0));
        return !w->broken;
    }
    char *text = calloc(1, leaf->object.len + 1);
    must(text != NULL);
    if (view->count == LEAVES) {
        free(text);
        tell(g, "gets one leaf after the other", bytes_of(leaf->object.at, leaf->object.len));
        return false;
    }
    memcpy(text, leaf->object.at, leaf->object.len);
    had.text = bytes_of(text, leaf->object.len);
    size_t at = 0;
    if (leaf->id.len == 0 || !next_uuid(bytes_from_str(leaf->id), &at, had.uuid))
        tell(g, "an object without an identifier", had.text);
    else
        look_object(g, &had);
    w->minted += had.minted || had.thing == NODE_THING;
    view->at[view->count++] = had;
    return !w->broken;
}

/* Sixteen bytes in hexadecimal that end at `end`: of which thing? */
static int thing_ending(const struct world *w, const char *text, size_t end)
{
    uint8_t uuid[16];
    for (size_t i = 0; i < 16; i++) {
        uint32_t byte;
        if (!read_hex((const uint8_t *)text + end - 32 + 2 * i, 2, &byte))
            return -1;
        uuid[i] = (uint8_t)byte;
    }
    return thing_of(w, uuid);
}

/* However an identifier is dressed, its digits stand there in their order. */
static void look_dressed(struct watching *g, struct bytes text)
{
    struct world *w = g->w;
    bool ends[256] = {false}; /* two digits that one of them ends with */
    char *plain = malloc(text.len + 1);
    must(plain != NULL);
    memcpy(plain, text.at, text.len);
    size_t len = dress_undo(plain, text.len);
    for (int i = 0; i < w->plan->thing_count; i++)
        ends[w->plan->things[i].uuid[15]] = true;
    for (size_t end = 32; end <= len && !w->broken; end++) {
        int high = digit((uint8_t)plain[end - 2]), low = digit((uint8_t)plain[end - 1]);
        if (high < 0 || low < 0 || !ends[high << 4 | low])
            continue;
        int thing = thing_ending(w, plain, end);
        if (thing >= 0 && !is_known(w, g->p, w->plan->things[thing].uuid)) {
            char what[WHAT];
            (void)snprintf(what, sizeof what, "is told of %.100s, in dress, which he has not",
                           w->plan->things[thing].id);
            tell(g, what, text);
        }
    }
    free(plain);
}

/* All that is named is his: looked at when everything that left together is there. */
static void look_names(struct watching *g)
{
    struct shown *view = &g->w->view[g->p];
    uint8_t uuid[16];
    for (size_t i = g->first; i < view->count && !g->w->broken; i++) {
        size_t at = 0;
        while (!g->w->broken && next_uuid(view->at[i].text, &at, uuid)) {
            char what[128];
            if (is_known(g->w, g->p, uuid))
                continue;
            (void)snprintf(what, sizeof what, "is told of %.36s, which he has not",
                           (const char *)view->at[i].text.at + at - UUID_TEXT);
            tell(g, what, view->at[i].text);
        }
        if (!g->w->broken)
            look_dressed(g, view->at[i].text);
    }
}

/* --- nothing stuck --- */

static void no_step(void *ctx, const struct policy_step *step)
{
    (void)ctx;
    (void)step;
}

/* With the gate's own word about it, for whoever reads the failure. */
static void tell_stuck(struct watching *g, const struct item *item, const struct saying *saying)
{
    char what[512];
    struct gate_why why = {0};
    struct arena arena;
    struct stix_key key;
    must(stix_id_parse(str_of(g->w->plan->things[saying->thing].id), &key));
    arena_init(&arena, 64u << 20);
    err_t err = gate_explain(g->w->gate, &key, g->p, g->w->now_us, &arena, no_step, NULL, &why);
    (void)snprintf(what, sizeof what,
                   "never got%s what may go (the gate: %s by %.*s%s%s, blocked by %.*s; without %.*s)",
                   item->form == FORM_CUT ? " in part" : "",
                   err == ERR_OK ? policy_effect_name(why.effect) : err_text(err), STR_ARG(why.rule),
                   why.released ? ", released" : "", why.minted ? ", minted" : "", STR_ARG(why.blocked_by),
                   STR_ARG(why.without));
    tell(g, what, bytes_of(saying->text, saying->len));
    arena_deinit(&arena);
}

static void look_stuck(struct watching *g)
{
    struct world *w = g->w;
    const struct shown *view = &w->view[g->p];
    const struct policy_plan *policy = w->policy < 0 ? NULL : &w->plan->policies[w->policy];
    if (policy != NULL && !w->unbound && (policy->budget.partners >> g->p & 1))
        return; /* what waits for its budget goes in the end (OP_UNBIND) */
    w->sure = true;
    judge(w, g->p, &g->judged);
    w->sure = false;
    for (size_t i = 0; i < g->judged.count && !w->broken; i++) {
        const struct item *item = &g->judged.at[i];
        bool found = item->copy < 0;
        if (!item->in || item->on_demand) {
            w->withheld++;
            continue;
        }
        if (item->copy < 0)
            continue;
        const struct saying *saying = &w->plan->sayings[w->copies[item->copy].saying];
        for (size_t k = 0; k < view->count && !found; k++)
            found = view->at[k].saying == w->copies[item->copy].saying && !view->at[k].gone;
        if (!found)
            tell_stuck(g, item, saying);
    }
}

void watch(struct world *w, bool settled)
{
    static struct watching watching;
    struct watching *g = &watching;
    for (unsigned p = 0; p < w->plan->partners && !w->broken; p++) {
        struct gate_ledger ledger;
        g->w = w;
        g->p = p;
        g->first = w->fresh = w->view[p].count;
        if (gate_ledger(w->gate, p, &ledger) != ERR_OK || ledger.visible != ledger.size) {
            world_break(w, "p%u: a ledger that nobody can read", p);
            return;
        }
        if (ledger.visible > w->view[p].seq) {
            judge(w, p, &g->judged);
            err_t err = gate_leaves(w->gate, p, w->view[p].seq, look_leaf, g);
            if (err != ERR_OK)
                world_break(w, "p%u: reading the leaves failed: %s", p, err_text(err));
            look_names(g);
            back_budget(w, p);
        }
        w->fresh = SIZE_MAX;
        if (settled && !w->broken)
            look_stuck(g);
        if (settled && !w->broken)
            back_expire(w, p);
        if (settled && !w->broken && w->plan->seed % 4 == 0) /* much work */
            back_denied(w, p);
    }
}

void watch_free(struct world *w)
{
    for (unsigned p = 0; p < PARTNERS; p++)
        for (size_t i = 0; i < w->view[p].count; i++)
            free((void *)(uintptr_t)w->view[p].at[i].text.at);
}
