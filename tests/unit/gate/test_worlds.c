/* Random graphs of marked objects against an oracle that computes from nothing who may have what; and twins:
 * what a partner gets is the same bytes whether or not the node holds things that he may not have, and
 * whatever else stands in what he gets a part of.
 *
 * The oracle knows the objects as they were drawn. It knows nothing of the gate but what a partner reads. */
#include "gate_test.h"

enum { THINGS = 14, REFS = 3, WORLDS = 150, TEXTS_MAX = 512, TEXT_BYTES = 3072 };

enum kind { INDICATOR, MALWARE, NOTE, REPORT, RELATION, FILE_SCO, KINDS };
static const char *const types[KINDS] = {"indicator", "malware", "note", "report", "relationship", "file"};

/* Where a reference stands. */
enum place { IN_MEMBERS, IN_LIST, IN_CUT, IN_TEXT };

struct thing {
    enum kind kind;
    bool red;     /* the whole object */
    bool cut;     /* its x_part is RED */
    bool labels;  /* and its first label */
    bool secret;  /* only the twin holds it */
    int from, to; /* of a relationship */
    size_t ref_count;
    struct {
        int to;
        enum place place;
    } refs[REFS];
};

struct world {
    struct thing at[THINGS];
};

/* What a twin has and who reads does not see; and who reads what. */
enum {
    TWIN_THINGS = 1,  /* things that are withheld */
    TWIN_MEMBERS = 2, /* in what leaves in part: other texts, other references, further members */
    REDACTING = 4,    /* the rule takes x_redacted out of everything */
    AGAIN = 8,        /* made again from the log */
};

static uint64_t draw(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const char *name_of(const struct world *w, int n, char out[ID_MAX])
{
    return id_of(out, types[w->at[n].kind], n + 1);
}

/* May a relationship have it as an end? */
static bool is_end(const struct world *w, int n)
{
    enum kind kind = w->at[n].kind;
    return kind != RELATION && kind != NOTE && kind != REPORT;
}

static void world_draw(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    for (int n = 0; n < THINGS; n++) {
        struct thing *t = &w->at[n];
        t->kind = (enum kind)(draw(&seed) % KINDS);
        t->red = draw(&seed) % 5 == 0;
        t->cut = draw(&seed) % 3 == 0;
        t->labels = draw(&seed) % 4 == 0 && t->kind != FILE_SCO;
        t->secret = draw(&seed) % 5 == 0;
        t->red |= t->secret;
        t->from = (int)(draw(&seed) % THINGS);
        t->to = (int)(draw(&seed) % THINGS);
        t->ref_count = draw(&seed) % (REFS + 1);
        if (t->ref_count == 0 && (t->kind == NOTE || t->kind == REPORT))
            t->ref_count = 1;
        for (size_t r = 0; r < t->ref_count; r++) {
            t->refs[r].to = (int)(draw(&seed) % THINGS);
            t->refs[r].place = (enum place)(draw(&seed) % 4);
        }
        if (t->kind == NOTE || t->kind == REPORT)
            t->refs[0].place = IN_MEMBERS;
    }
    /* Ends of relationships are no relationships. */
    for (int n = 0; n < THINGS; n++)
        for (int tries = 0; w->at[n].kind == RELATION && tries < THINGS; tries++) {
            struct thing *t = &w->at[n];
            t->from = is_end(w, t->from) ? t->from : (t->from + 1) % THINGS;
            t->to = is_end(w, t->to) ? t->to : (t->to + 1) % THINGS;
        }
}

static void put(struct buf *out, const struct world *w, int n, const char *before, enum place place)
{
    char id[ID_MAX];
    bool any = false;
    const struct thing *t = &w->at[n];
    for (size_t r = 0; r < t->ref_count; r++) {
        bool members = t->kind == NOTE || t->kind == REPORT;
        enum place at = !members && t->refs[r].place == IN_MEMBERS ? IN_LIST : t->refs[r].place;
        if (at != place)
            continue;
        buf_printf(out, "%s\"%s\"", any ? "," : before, name_of(w, t->refs[r].to, id));
        any = true;
    }
    if (any)
        buf_putc(out, ']');
}

/* What is taken out, marked or by the rule: none of it is seen. */
static void put_hidden(const struct world *w, int n, unsigned how, struct buf *out)
{
    const struct thing *t = &w->at[n];
    bool more = (how & TWIN_MEMBERS) != 0, twin = more && t->cut;
    buf_printf(out, ",\"x_part\":{\"says\":\"hid%d.%s\"", n, twin ? " and a good deal more" : "");
    if (!twin)
        put(out, w, n, ",\"names\":[", IN_CUT);
    buf_putc(out, '}');
    if (twin)
        buf_printf(out, ",\"x_more\":[\"hid%d.\"]", n);
    if (more && (how & REDACTING))
        buf_printf(out, ",\"x_redacted\":\"hid%d.\"", n);
    if (t->cut || t->labels)
        buf_printf(out, ",\"granular_markings\":[{\"marking_ref\":\"%s\",\"selectors\":[%s%s%s%s]}]", TLP_RED,
                   t->cut ? "\"x_part\"" : "", t->cut && t->labels ? "," : "",
                   t->labels ? "\"labels.[0]\"" : "", twin ? ",\"x_more\"" : "");
}

/* Every thing says "tok<n>." once, where nothing is cut, and "hid<n>." where something is. */
static void thing_write(const struct world *w, int n, int version, unsigned how, struct buf *out)
{
    const struct thing *t = &w->at[n];
    char id[ID_MAX], a[ID_MAX], b[ID_MAX];
    buf_printf(out, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"", types[t->kind],
               name_of(w, n, id));
    if (t->kind != FILE_SCO)
        buf_printf(out,
                   ",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:0%d.000Z\"",
                   version);
    if (t->kind == INDICATOR)
        buf_printf(out,
                   ",\"pattern\":\"[url:value = 'http://tok%d.test/']\",\"pattern_type\":\"stix\","
                   "\"valid_from\":\"2026-01-01T00:00:00Z\"",
                   n);
    else if (t->kind == MALWARE)
        buf_printf(out, ",\"is_family\":false,\"name\":\"tok%d.\"", n);
    else if (t->kind == NOTE)
        buf_printf(out, ",\"content\":\"tok%d.\"", n);
    else if (t->kind == REPORT)
        buf_printf(out, ",\"name\":\"tok%d.\",\"published\":\"2026-01-01T00:00:00Z\"", n);
    else if (t->kind == RELATION)
        buf_printf(out,
                   ",\"relationship_type\":\"related-to\",\"description\":\"tok%d.\","
                   "\"source_ref\":\"%s\",\"target_ref\":\"%s\"",
                   n, name_of(w, t->from, a), name_of(w, t->to, b));
    else
        buf_printf(out, ",\"name\":\"tok%d.\"", n);
    put(out, w, n, ",\"object_refs\":[", IN_MEMBERS);
    put(out, w, n, ",\"x_list\":[", IN_LIST);
    put(out, w, n, ",\"x_text\":[\"of old\",", IN_TEXT);
    if (t->kind != FILE_SCO)
        buf_printf(out, ",\"labels\":[\"hid%dl.\",\"shown\"]", n);
    buf_printf(out, ",\"object_marking_refs\":[\"%s\"]", t->red ? TLP_RED : TLP_GREEN);
    put_hidden(w, n, how, out);
    buf_putc(out, '}');
    assert_int_equal(buf_err(out), ERR_OK);
}

/* --- the oracle --- */

/* Does thing `n` name `other` in what may leave of it? */
static bool names(const struct thing *t, int other)
{
    bool found = t->kind == RELATION && (t->from == other || t->to == other);
    for (size_t r = 0; r < t->ref_count; r++)
        found |= t->refs[r].to == other && !(t->refs[r].place == IN_CUT && t->cut);
    return found;
}

/* The largest set that may leave together, and of it those that cannot leave as they are. */
static void judge(const struct world *w, bool leaves[THINGS], bool minted[THINGS])
{
    bool changed = true;
    for (int n = 0; n < THINGS; n++)
        leaves[n] = !w->at[n].red;
    while (changed) {
        changed = false;
        for (int n = 0; n < THINGS; n++)
            for (int m = 0; m < THINGS; m++)
                if (leaves[n] && m != n && names(&w->at[n], m) && !leaves[m])
                    leaves[n] = false, changed = true;
    }
    for (int n = 0; n < THINGS; n++)
        minted[n] = leaves[n] && (w->at[n].cut || w->at[n].labels);
    for (changed = true; changed;) {
        changed = false;
        for (int n = 0; n < THINGS; n++)
            for (int m = 0; m < THINGS; m++)
                /* An observable that loses nothing itself keeps its identifier. */
                if (leaves[n] && !minted[n] && m != n && names(&w->at[n], m) && minted[m] &&
                    (w->at[m].kind != FILE_SCO || w->at[m].cut))
                    minted[n] = changed = true;
    }
}

/* --- a node, and what its partner reads --- */

struct reading {
    size_t count;
    struct {
        char text[TEXT_BYTES];
        enum leaf_op op;
        uint64_t subject;
        int64_t time_us;
    } at[TEXTS_MAX];
};

static bool take(void *ctx, const struct gate_leaf *leaf)
{
    struct reading *r = ctx;
    assert_in_range(r->count, 0, TEXTS_MAX - 1);
    size_t i = r->count++;
    assert_in_range(leaf->object.len, 0, TEXT_BYTES - 1);
    (void)snprintf(r->at[i].text, TEXT_BYTES, "%.*s", (int)leaf->object.len,
                   leaf->object.len > 0 ? (const char *)leaf->object.at : "");
    r->at[i].op = leaf->leaf.op;
    r->at[i].subject = leaf->opening.subject_seq;
    r->at[i].time_us = leaf->leaf.time_us;
    return true;
}

static void step_all(struct bench *b)
{
    bool more = true;
    int64_t next;
    while (more)
        assert_int_equal(gate_step(b->gate, b->now_us, &more, &next), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

static void arrive(struct bench *b, uint32_t source, const struct world *w, int n, int version, unsigned how)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    thing_write(w, n, version, how, &text);
    assert_int_equal(bench_accept(b, source, (const char *)text.at, text.len), ERR_OK);
    if (b->answers[GATE_NEW] != 1)
        print_message("# %s\n", b->last_fault);
    assert_int_equal(b->answers[GATE_NEW], 1);
    buf_deinit(&text);
}

/* Lives through the arrivals in the order of the seed, and through later versions of some of them. */
static struct reading *live(const struct world *w, uint64_t seed, unsigned how)
{
    struct reading *r = mem_alloc(sizeof *r);
    struct bench b;
    uint8_t secret[HASH_SIZE] = {1, 2, 3};
    int order[THINGS];
    assert_non_null(r);
    r->count = 0;
    bench_init(&b);
    struct bytes key = bytes_of(secret, sizeof secret);
    assert_int_equal(gate_setting_put(b.gate, STR("gate/mint"), key, &by_test, b.now_us), ERR_OK);
    unsigned us = bench_partner(&b, "us-cisa");
    bench_policy_text(&b, how & REDACTING ? "language 1\nrelease open if tlp <= green to all with redact "
                                            "\"x_redacted\"\n"
                                          : "language 1\nrelease open if tlp <= green to all\n");
    uint32_t own = bench_source(&b, "own", STIX_TLP_NONE, true, false);
    step_all(&b);
    for (int n = 0; n < THINGS; n++)
        order[n] = n;
    for (int n = THINGS - 1; n > 0; n--) {
        int k = (int)(draw(&seed) % (uint64_t)(n + 1)), swap = order[n];
        order[n] = order[k];
        order[k] = swap;
    }
    for (int i = 0; i < THINGS; i++) {
        bool pause = draw(&seed) % 3 == 0;
        b.now_us += 1000000;
        if (!w->at[order[i]].secret || (how & TWIN_THINGS))
            arrive(&b, own, w, order[i], 0, how);
        if (pause)
            step_all(&b);
    }
    step_all(&b);
    for (int i = 0; i < THINGS; i += 3) { /* here the twin's hidden members come, and there they go */
        b.now_us += 1000000;
        if (w->at[i].kind != FILE_SCO && !w->at[i].secret)
            arrive(&b, own, w, i, 1, how ^ (how & TWIN_MEMBERS));
    }
    step_all(&b);
    if (how & AGAIN)
        bench_reopen(&b);
    bench_sign(&b);
    assert_int_equal(gate_leaves(b.gate, us, 0, take, r), ERR_OK);
    bench_deinit(&b);
    return r;
}

static bool says(const struct reading *r, const char *what)
{
    for (size_t i = 0; i < r->count; i++)
        if (strstr(r->at[i].text, what) != NULL)
            return true;
    return false;
}

static void compare(const struct reading *a, const struct reading *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->at[i].text, b->at[i].text);
        assert_int_equal(a->at[i].op, b->at[i].op);
        assert_int_equal(a->at[i].subject, b->at[i].subject);
        assert_int_equal(a->at[i].time_us, b->at[i].time_us);
    }
}

static void nothing_withheld_and_nothing_stuck(void **state)
{
    (void)state;
    size_t leaving = 0, changed = 0, kept = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct world w;
        bool leaves[THINGS], minted[THINGS];
        char id[ID_MAX], token[32], hidden[32];
        world_draw(&w, seed);
        judge(&w, leaves, minted);
        struct reading *r = live(&w, seed * 1000, TWIN_THINGS | (seed % 8 == 0 ? AGAIN : 0));
        for (int n = 0; n < THINGS; n++) {
            (void)snprintf(token, sizeof token, "tok%d.", n);
            (void)snprintf(hidden, sizeof hidden, "hid%d.", n);
            if (says(r, token) != leaves[n])
                print_message("# seed %d: thing %d\n", (int)seed, n);
            assert_int_equal(says(r, token), leaves[n]);
            assert_int_equal(says(r, hidden), leaves[n] && !w.at[n].cut);
            (void)snprintf(hidden, sizeof hidden, "hid%dl.", n);
            assert_int_equal(says(r, hidden), leaves[n] && !w.at[n].labels && w.at[n].kind != FILE_SCO);
            /* A name that is somebody's own: of what he has as it is. An observable keeps its own. */
            bool named = leaves[n] && (!minted[n] || w.at[n].kind == FILE_SCO);
            if (w.at[n].kind != FILE_SCO)
                assert_int_equal(says(r, name_of(&w, n, id)), named);
            leaving += leaves[n];
            changed += minted[n];
            kept += !leaves[n];
        }
        mem_free(r);
    }
    print_message("# %zu left, %zu of them minted, %zu stayed\n", leaving, changed, kept);
    assert_true(leaving > 200 && changed > 100 && kept > 200);
}

static void twins(unsigned worlds, unsigned common, unsigned differ)
{
    size_t read = 0;
    for (uint64_t seed = 1000; seed < 1000 + worlds; seed++) {
        struct world w;
        world_draw(&w, seed);
        struct reading *one = live(&w, seed, common), *two = live(&w, seed, common | differ);
        compare(one, two);
        read += one->count;
        mem_free(one);
        mem_free(two);
    }
    assert_true(read > 2 * worlds);
}

static void twins_read_the_same(void **state)
{
    (void)state;
    twins(50, 0, TWIN_THINGS);
}

/* What leaves in part tells nothing of the rest: not what it is, not how much, not that it changed. */
static void hidden_members_change_nothing(void **state)
{
    (void)state;
    twins(15, TWIN_THINGS, TWIN_MEMBERS);
    twins(15, TWIN_THINGS | REDACTING, TWIN_MEMBERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_withheld_and_nothing_stuck),
        cmocka_unit_test(twins_read_the_same),
        cmocka_unit_test(hidden_members_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
