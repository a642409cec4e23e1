/* What `policy diff` says against what activation then does, in random worlds under random policies: what two
 * partners can read before and after is compared, text by text, with the lines that were told before. */
#include "gate_test.h"

enum { THINGS = 14, ROUNDS = 5, WORLDS = 60, PARTNERS = 2, POLICY_BYTES = 4096, LEAF_BYTES = 4096 };

enum kind { INDICATOR, NOTE, REPORT, RELATION, CREATOR, STATEMENT, TRANSLATION, KINDS };
static const char *const types[KINDS] = {
    "indicator", "note", "report", "relationship", "identity", "marking-definition", "language-content"};

struct thing {
    enum kind kind;
    char text[TEXT_MAX]; /* as it came */
};

struct world {
    struct bench b;
    unsigned partners[PARTNERS];
    uint32_t own;
    bool brought[PARTNERS][THINGS]; /* said by the partner himself as well */
    struct thing at[THINGS];
};

/* What a partner reads of each thing: the last text of it that is given. */
struct view {
    char texts[PARTNERS][THINGS][LEAF_BYTES];
    uint64_t leaves[PARTNERS][THINGS]; /* where they stand in his ledger, from 1 */
};

struct reading {
    struct view *view;
    unsigned partner;
    uint64_t leaf;
};

struct told {
    size_t counts[PARTNERS][THINGS][GATE_DIFF_KINDS];
    size_t named_by[PARTNERS][THINGS], named_minted[PARTNERS][THINGS];
};

static uint64_t draw(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool one_in(uint64_t *seed, unsigned n)
{
    return draw(seed) % n == 0;
}

/* --- worlds --- */

static const char *name_of(const struct world *w, int n, char out[ID_MAX])
{
    return id_of(out, types[w->at[n].kind], n + 1);
}

/* Some thing of this kind other than `but`; -1: none was found. */
static int any_of(const struct world *w, uint64_t *seed, enum kind kind, int but)
{
    for (int tries = 0; tries < 2 * THINGS; tries++) {
        int n = (int)(draw(seed) % THINGS);
        if (w->at[n].kind == kind && n != but)
            return n;
    }
    return -1;
}

static void put_ref(const struct world *w, int n, const char *member, struct buf *out)
{
    char id[ID_MAX];
    if (n >= 0)
        buf_printf(out, ",\"%s\":\"%s\"", member, name_of(w, n, id));
}

static void put_markings(const struct world *w, uint64_t *seed, struct buf *out)
{
    static const char *const levels[] = {TLP_CLEAR, TLP_GREEN, TLP_GREEN, TLP_GREEN, TLP_AMBER};
    char id[ID_MAX];
    int said = one_in(seed, 4) ? any_of(w, seed, STATEMENT, -1) : -1;
    buf_printf(out, ",\"object_marking_refs\":[\"%s\"", levels[draw(seed) % 5]);
    if (said >= 0)
        buf_printf(out, ",\"%s\"", name_of(w, said, id));
    buf_putc(out, ']');
}

/* Members that any object may have: what is named in texts, what rules take out, who made it. */
static void put_more(const struct world *w, int n, uint64_t *seed, struct buf *out)
{
    char id[ID_MAX];
    buf_printf(out, ",\"x_tok\":\"tok%d.\"", n);
    if (one_in(seed, 2))
        put_ref(w, any_of(w, seed, CREATOR, n), "created_by_ref", out);
    if (one_in(seed, 2))
        buf_printf(out, ",\"labels\":[\"one\",\"two\"]");
    if (one_in(seed, 2))
        buf_printf(out, ",\"confidence\":%d", (int)(draw(seed) % 100));
    if (one_in(seed, 3))
        put_ref(w, any_of(w, seed, INDICATOR, n), "x_of_ref", out);
    int named = one_in(seed, 2) ? any_of(w, seed, (enum kind)(draw(seed) % CREATOR), n) : n;
    named = named < 0 ? n : named;
    if (named != n)
        buf_printf(out, ",\"description\":\"see %s\"", name_of(w, named, id));
    if (named != n && one_in(seed, 4))
        buf_printf(out, ",\"granular_markings\":[{\"marking_ref\":\"%s\",\"selectors\":[\"description\"]}]",
                   TLP_AMBER);
}

static void put_head(const struct world *w, int n, struct buf *out)
{
    char id[ID_MAX];
    buf_printf(out,
               "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\","
               "\"created\":\"2026-01-01T00:00:00.000Z\"",
               types[w->at[n].kind], name_of(w, n, id));
    if (w->at[n].kind != STATEMENT)
        buf_printf(out, ",\"modified\":\"2026-01-01T00:00:00.000Z\"");
}

/* Of something that comes before it: what speaks of itself, through others, is another matter. */
static void put_translation(const struct world *w, int n, uint64_t *seed, struct buf *out)
{
    static const char *const said[] = {"\"name\":\"t\"", "\"description\":\"t\"",
                                       "\"name\":\"t\",\"description\":\"t\",\"labels\":[\"t\",\"u\"]"};
    int of = (int)(draw(seed) % (unsigned)n);
    while (w->at[of].kind == STATEMENT)
        of = (of + 1) % n;
    put_ref(w, of, "object_ref", out);
    if (one_in(seed, 2))
        buf_printf(out, ",\"object_modified\":\"2026-01-01T00:00:00.000Z\"");
    buf_printf(out, ",\"contents\":{\"ko\":{%s}", said[draw(seed) % 3]);
    if (one_in(seed, 2))
        buf_printf(out, ",\"fr\":{%s}", said[draw(seed) % 3]);
    buf_putc(out, '}');
}

static void put_body(const struct world *w, int n, uint64_t *seed, struct buf *out)
{
    char a[ID_MAX], b[ID_MAX];
    int from = any_of(w, seed, INDICATOR, n), to = any_of(w, seed, INDICATOR, n);
    (void)name_of(w, from < 0 ? 0 : from, a);
    (void)name_of(w, to < 0 ? 0 : to, b);
    switch (w->at[n].kind) {
    case INDICATOR:
        buf_printf(out,
                   ",\"pattern\":\"[url:value = 'http://t%d.test/']\",\"pattern_type\":\"stix\","
                   "\"valid_from\":\"2026-01-01T00:00:00Z\"",
                   n);
        break;
    case NOTE:
        buf_printf(out, ",\"content\":\"of it\",\"object_refs\":[\"%s\"]", a);
        break;
    case REPORT:
        buf_printf(
            out, ",\"name\":\"of %s\",\"published\":\"2026-01-01T00:00:00Z\",\"object_refs\":[\"%s\",\"%s\"]",
            one_in(seed, 3) ? b : "both", a, b);
        break;
    case RELATION:
        buf_printf(out, ",\"relationship_type\":\"related-to\",\"source_ref\":\"%s\",\"target_ref\":\"%s\"",
                   a, b);
        break;
    case CREATOR:
        buf_printf(out, ",\"name\":\"maker %d\",\"identity_class\":\"organization\"", n);
        break;
    case TRANSLATION:
        put_translation(w, n, seed, out);
        break;
    default:
        buf_printf(out, ",\"definition_type\":\"statement\",\"definition\":{\"statement\":\"for %d\"}", n);
    }
}

static void world_draw(struct world *w, uint64_t *seed)
{
    static const enum kind first[] = {INDICATOR, INDICATOR, CREATOR, STATEMENT};
    for (int n = 0; n < THINGS; n++)
        w->at[n].kind = n < 4 ? first[n] : (enum kind)(draw(seed) % KINDS);
    for (int n = 0; n < THINGS; n++) {
        struct buf text;
        bool plain = w->at[n].kind == STATEMENT || (w->at[n].kind == CREATOR && one_in(seed, 2));
        buf_init(&text, TEXT_MAX - 1);
        put_head(w, n, &text);
        put_body(w, n, seed, &text);
        if (w->at[n].kind == STATEMENT)
            buf_printf(&text, ",\"x_tok\":\"tok%d.\"", n);
        else
            put_more(w, n, seed, &text);
        if (!plain)
            put_markings(w, seed, &text);
        buf_putc(&text, '}');
        assert_int_equal(buf_err(&text), ERR_OK);
        (void)snprintf(w->at[n].text, TEXT_MAX, "%.*s", STR_ARG(buf_str(&text)));
        buf_deinit(&text);
    }
}

static void world_begin(struct world *w)
{
    static const char *const names[PARTNERS] = {"us-cisa", "jp-nisc"};
    bench_init(&w->b);
    memset(w->brought, 0, sizeof w->brought);
    for (unsigned p = 0; p < PARTNERS; p++) {
        w->partners[p] = bench_partner(&w->b, names[p]);
        assert_int_equal(w->partners[p], p);
    }
    w->own = bench_source(&w->b, "own", STIX_TLP_GREEN, true, false);
}

static void arrive(struct world *w, int n)
{
    if (bench_add(&w->b, w->own, w->at[n].text) != GATE_NEW)
        print_message("# %s\n# %s\n", w->b.last_fault, w->at[n].text);
    assert_int_equal(w->b.answers[GATE_NEW], 1);
    struct stix_key key = key_of(types[STATEMENT], n + 1);
    if (w->at[n].kind == STATEMENT)
        assert_int_equal(gate_marking_classify(w->b.gate, &key, STIX_TLP_GREEN, &by_test, w->b.now_us),
                         ERR_OK);
}

/* --- policies --- */

static void put_release(uint64_t *seed, int number, struct buf *out)
{
    static const char *const levels[] = {"clear", "green", "green", "amber"};
    static const char *const whom[] = {"all", "us-cisa", "jp-nisc"};
    static const char *const duties[] = {
        "",
        "",
        "",
        " with redact \"description\"",
        " with redact \"labels\"",
        " with anonymise-creator",
        " with anonymise-creator",
        " with drop-references",
        " with redact \"labels\", drop-references",
        " with expire 30d",
    };
    static const char *const also[] = {"", "", " and type != report", " and type == indicator",
                                       " and type in [relationship, note, report]"};
    /* One after the other: in what order arguments are made is the compiler's business. */
    const char *duty = duties[draw(seed) % 10], *to = whom[draw(seed) % 3], *besides = also[draw(seed) % 5];
    const char *level = levels[draw(seed) % 4];
    buf_printf(out, "release r%d if tlp <= %s%s to %s%s\n", number, level, besides, to, duty);
}

static void policy_draw(uint64_t *seed, char out[POLICY_BYTES])
{
    static const char *const others[] = {
        "deny d1 if has confidence and confidence < 20\n",
        "deny d2 if type == report to us-cisa\n",
        "deny d3 if type == identity and has confidence to jp-nisc\n",
        "deny d4 if has confidence and confidence > 80 to us-cisa\n",
        "hold h1 if has confidence and confidence < 50 until approved\n",
        "hold h2 if type == relationship to us-cisa\n",
        "hold h3 if type == indicator and confidence > 60 to jp-nisc until approved\n",
        "hold h4 if marking none\n",
    };
    struct buf text;
    buf_init(&text, POLICY_BYTES - 1);
    buf_printf(&text, "language 1\n");
    if (one_in(seed, 3))
        buf_printf(&text, "partner jp-nisc { names-in-texts any }\n");
    if (one_in(seed, 3))
        buf_printf(&text, "partner us-cisa { names-in-texts any }\n");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (one_in(seed, 6))
            buf_printf(&text, "%s", others[i]);
    for (int i = 1 + (int)(draw(seed) % 3); i > 0; i--)
        put_release(seed, i, &text);
    assert_int_equal(buf_err(&text), ERR_OK);
    (void)snprintf(out, POLICY_BYTES, "%.*s", STR_ARG(buf_str(&text)));
    buf_deinit(&text);
}

/* --- what partners read --- */

static bool take(void *ctx, const struct gate_leaf *leaf)
{
    struct reading *r = ctx;
    r->leaf++;
    for (int n = 0; n < THINGS; n++) {
        char token[16];
        (void)snprintf(token, sizeof token, "\"tok%d.\"", n);
        assert_in_range(leaf->object.len, 0, LEAF_BYTES - 1);
        if (leaf->object.len == 0 || memmem(leaf->object.at, leaf->object.len, token, strlen(token)) == NULL)
            continue;
        (void)snprintf(r->view->texts[r->partner][n], LEAF_BYTES, "%.*s", (int)leaf->object.len,
                       (const char *)leaf->object.at);
        r->view->leaves[r->partner][n] = r->leaf;
    }
    return true;
}

static void look(struct world *w, struct view *view)
{
    memset(view, 0, sizeof *view);
    bench_sign(&w->b);
    for (unsigned p = 0; p < PARTNERS; p++) {
        struct reading r = {view, p, 0};
        assert_int_equal(gate_leaves(w->b.gate, w->partners[p], 0, take, &r), ERR_OK);
    }
}

/* When it was made tells nothing of what it is. */
static void without_times(char text[LEAF_BYTES])
{
    static const char *const members[] = {"\"created\":\"", "\"modified\":\""};
    for (size_t i = 0; i < 2; i++) {
        char *at = strstr(text, members[i]);
        for (char *c = at == NULL ? NULL : at + strlen(members[i]); c != NULL && *c != '"' && *c != '\0'; c++)
            *c = '0';
    }
}

/* --- what diff says, and what happens --- */

struct telling {
    const struct world *w;
    struct told *told;
};

static bool tell(void *ctx, const struct gate_diff_line *line)
{
    struct telling *t = ctx;
    char id[ID_MAX];
    for (int n = 0; n < THINGS; n++)
        if (str_eq(line->id, str_of(name_of(t->w, n, id)))) {
            t->told->counts[line->partner][n][line->change]++;
            t->told->named_by[line->partner][n] += line->named_by;
            t->told->named_minted[line->partner][n] += line->named_minted;
        }
    return true;
}

static void differences(struct world *w, const char *policy, size_t most, struct told *out)
{
    struct policy *other;
    struct policy_fault fault;
    struct telling t = {w, out};
    uint64_t cursor = 0;
    memset(out, 0, sizeof *out);
    assert_int_equal(gate_policy_compile(w->b.gate, str_of(policy), &other, &fault), ERR_OK);
    while (cursor != UINT64_MAX)
        assert_int_equal(gate_policy_diff(w->b.gate, other, w->b.now_us, &cursor, most, tell, &t), ERR_OK);
    policy_unref(other);
}

/* What happened, in diff's words; GATE_DIFF_KINDS: nothing that he could see. */
static enum gate_diff_kind happened(const struct world *w, int n, char before[LEAF_BYTES],
                                    char after[LEAF_BYTES])
{
    bool whole = strcmp(after, w->at[n].text) == 0, was = strcmp(before, w->at[n].text) == 0;
    without_times(before);
    without_times(after);
    if (strcmp(before, after) == 0)
        return GATE_DIFF_KINDS;
    return before[0] == '\0'  ? GATE_DIFF_RELEASED
           : after[0] == '\0' ? GATE_DIFF_WITHDRAWN
           : whole            ? GATE_DIFF_WHOLE
           : was              ? GATE_DIFF_PART
                              : GATE_DIFF_OTHER;
}

/* Is it right to say just that? What merely comes along is not told of when it first goes. */
static bool is_told(const struct world *w, int n, const size_t counts[GATE_DIFF_KINDS],
                    enum gate_diff_kind change)
{
    static const enum gate_diff_kind seen[] = {GATE_DIFF_RELEASED, GATE_DIFF_WITHDRAWN, GATE_DIFF_WHOLE,
                                               GATE_DIFF_PART, GATE_DIFF_OTHER};
    size_t said = 0;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        said += counts[seen[i]];
    if ((w->at[n].kind == CREATOR || w->at[n].kind == STATEMENT) && change == GATE_DIFF_RELEASED && said == 0)
        return true;
    return said == (change != GATE_DIFF_KINDS) && (said == 0 || counts[change] == 1);
}

struct tallies {
    size_t counts[GATE_DIFF_KINDS + 1];
    size_t wrong, named;
};

/* Things that stay as they were with a partner and name this one as he knew it, which he lost: those that
 * came as they are, and all. */
static size_t left_naming(const struct world *w, const struct view *before, const struct view *after,
                          unsigned p, int n, size_t *out_whole)
{
    char id[ID_MAX] = {0}, own[ID_MAX];
    size_t count = 0;
    *out_whole = 0;
    const char *known = strstr(before->texts[p][n], "\"id\":\"");
    bool came = strstr(before->texts[p][n], name_of(w, n, id)) != NULL;
    if (known == NULL || (!came && after->texts[p][n][0] != '\0') || sscanf(known + 6, "%79[^\"]", id) != 1 ||
        strstr(after->texts[p][n], id) != NULL)
        return 0; /* what was minted and goes as it came is no more than outdated */
    if (came && w->brought[p][n])
        return 0; /* that name is his own */
    for (int m = 0; m < THINGS; m++) {
        const char *is = after->texts[p][m];
        bool stays = m != n && before->leaves[p][m] == after->leaves[p][m] && strstr(is, id) != NULL;
        count += stays;
        *out_whole += stays && strstr(is, name_of(w, m, own)) != NULL;
    }
    return count;
}

static void compare(const struct world *w, uint64_t world, const struct told *told, struct view *before,
                    struct view *after, const char *policies[2], struct tallies *sum)
{
    for (unsigned p = 0; p < PARTNERS; p++)
        for (int n = 0; n < THINGS; n++) {
            char *was = before->texts[p][n], *is = after->texts[p][n];
            enum gate_diff_kind change = happened(w, n, was, is);
            sum->counts[change]++;
            size_t whole, named = left_naming(w, before, after, p, n, &whole);
            sum->named += named;
            if (whole != told->named_by[p][n] || named > whole + told->named_minted[p][n]) {
                sum->wrong++;
                print_message("# world %d, partner %u, thing %d: named by %zu and %zu, told %zu and %zu\n",
                              (int)world, p, n, whole, named - whole, told->named_by[p][n],
                              told->named_minted[p][n]);
                print_message("# was  %s\n# is   %s\n# from\n%s# to\n%s\n", was, is, policies[0],
                              policies[1]);
            }
            if (is_told(w, n, told->counts[p][n], change))
                continue;
            sum->wrong++;
            print_message("# world %d, partner %u, thing %d: %d happened; told:", (int)world, p, n, change);
            for (int k = 0; k < GATE_DIFF_KINDS; k++)
                print_message(" %zu", told->counts[p][n][k]);
            print_message("\n# was  %s\n", was);
            print_message("# is   %s\n", is);
            print_message("# came %s\n# from\n%s# to\n%s\n", w->at[n].text, policies[0], policies[1]);
        }
}

/* However much is looked at in one go. */
static void alike(const struct world *w, uint64_t world, const struct told *told, const struct told *small,
                  const char *policies[2], struct tallies *sum)
{
    for (unsigned p = 0; p < PARTNERS; p++)
        for (int n = 0; n < THINGS; n++) {
            const size_t *one = told->counts[p][n], *two = small->counts[p][n];
            if (memcmp(one, two, sizeof told->counts[p][n]) == 0)
                continue;
            sum->wrong++;
            print_message("# world %d, partner %u, thing %d: told at once, in portions:", (int)world, p, n);
            for (int k = 0; k < GATE_DIFF_KINDS; k++)
                print_message(" %zu %zu", one[k], two[k]);
            print_message("\n# came as %s\n# from\n%s# to\n%s\n", w->at[n].text, policies[0], policies[1]);
        }
}

/* Something else happens between two policies. */
static void disturb(struct world *w, uint64_t *seed)
{
    int n = (int)(draw(seed) % THINGS), translation = any_of(w, seed, TRANSLATION, -1);
    unsigned p = (unsigned)(draw(seed) % PARTNERS);
    unsigned what = (unsigned)(draw(seed) % 8);
    enum gate_approval word = what == 0 ? GATE_DENY : GATE_APPROVE;
    n = what > 5 && translation >= 0 ? translation
                                     : n; /* of an anonymous thing it waits for somebody's word */
    struct stix_key key = key_of(types[w->at[n].kind], n + 1);
    if (what < 2 || what > 5) {
        err_t err = gate_approve(w->b.gate, &key, w->partners[p], word, 0, &by_test, w->b.now_us);
        assert_true(err == ERR_OK || word == GATE_APPROVE); /* nothing may ask for it */
    } else if (what == 2) {                                 /* he says it too */
        w->brought[p][n] = true;
        (void)bench_add(&w->b, gate_peer_get(w->b.gate, w->partners[p])->source, w->at[n].text);
    }
    bench_settle(&w->b);
}

static void live(uint64_t number, struct tallies *sum)
{
    static struct world w;
    static struct view before, after;
    static struct told told, small;
    char policies[2][POLICY_BYTES];
    uint64_t seed = number;
    world_draw(&w, &seed);
    world_begin(&w);
    policy_draw(&seed, policies[0]);
    bench_policy_text(&w.b, policies[0]);
    for (int n = 0; n < THINGS; n++)
        arrive(&w, n);
    bench_settle(&w.b);
    for (int round = 0; round < ROUNDS; round++) {
        disturb(&w, &seed);
        policy_draw(&seed, policies[1]);
        differences(&w, policies[1], 1000, &told);
        differences(&w, policies[1], 1 + draw(&seed) % 5, &small);
        alike(&w, number, &told, &small, (const char *[2]) {policies[0], policies[1]}, sum);
        look(&w, &before);
        bench_policy_text(&w.b, policies[1]);
        bench_settle(&w.b);
        look(&w, &after);
        compare(&w, number, &told, &before, &after, (const char *[2]) {policies[0], policies[1]}, sum);
        memcpy(policies[0], policies[1], POLICY_BYTES);
    }
    bench_deinit(&w.b);
}

static void what_is_told_is_what_happens(void **state)
{
    (void)state;
    struct tallies sum = {0};
    const char *first = getenv("BONGSU_DIFF_WORLD"), *count = getenv("BONGSU_DIFF_WORLDS");
    uint64_t from = first == NULL ? 1 : strtoull(first, NULL, 10);
    uint64_t worlds = count == NULL ? WORLDS : strtoull(count, NULL, 10);
    for (uint64_t number = from; number < from + worlds; number++)
        live(number, &sum);
    print_message(
        "# %zu released, %zu withdrawn, %zu whole, %zu in part, %zu in other parts, %zu as before\n",
        sum.counts[GATE_DIFF_RELEASED], sum.counts[GATE_DIFF_WITHDRAWN], sum.counts[GATE_DIFF_WHOLE],
        sum.counts[GATE_DIFF_PART], sum.counts[GATE_DIFF_OTHER], sum.counts[GATE_DIFF_KINDS]);
    assert_int_equal(sum.wrong, 0);
    assert_true(worlds < WORLDS || sum.named > 20);
    if (worlds >= WORLDS)
        for (enum gate_diff_kind k = GATE_DIFF_RELEASED; k <= GATE_DIFF_OTHER; k++)
            assert_true(k == GATE_DIFF_HELD_BACK || sum.counts[k] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_what_happens),
    };
    return cmocka_run_group_tests_name("gate diff worlds", tests, NULL, NULL);
}
