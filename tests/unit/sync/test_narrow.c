/* What a partner has may be passed on less far from now on: he is told, and obeys (LEDGER.md section 2). */
#define _GNU_SOURCE
#include "sites.h"

struct narrowing {
    struct gate *gate; /* of the receiver */
    unsigned jp, no;
    size_t objects, narrowed, ended, to_jp, to_no;
    char text[64]; /* what each leaf that narrows says */
};

static bool look_narrowed(void *ctx, const struct gate_leaf *leaf)
{
    struct narrowing *n = ctx;
    struct gate_reach reach;
    n->narrowed += leaf->leaf.op == LEAF_NARROW;
    n->ended += leaf->leaf.op == LEAF_EXPIRE;
    if (leaf->leaf.op == LEAF_NARROW)
        assert_true(leaf->object.len == 0 && leaf->opening.subject_seq < leaf->leaf.seq &&
                    str_starts(leaf->limits, str_of(n->text)));
    if (leaf->object.len == 0 || !str_starts(leaf->id, STR("indicator--")))
        return true;
    assert_int_equal(gate_reach(n->gate, &leaf->key, &reach), ERR_OK);
    n->objects++;
    n->to_jp += reach.released >> n->jp & 1;
    n->to_no += reach.released >> n->no & 1;
    return true;
}

static struct narrowing narrowed(struct pair *pair, unsigned jp, unsigned no)
{
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct narrowing n = {.gate = us->gate, .jp = jp, .no = no};
    uint64_t bad = 1;
    assert_true(pair_run(pair, 400));
    site_settle(pair, us);
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, look_narrowed, &n), ERR_OK);
    assert_true(n.objects > 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(gate_check(pair->site[i].gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
    }
    return n;
}

#define TO_ALL     "language 1\nrelease all-of-it if tlp <= green to all\n"
#define IOCS(with) TO_ALL "release iocs if type == indicator and tlp <= green to us-cert with " with "\n"

/* The scope of what the partner has became smaller: he keeps it, and takes it back from whoever has it from
 * him beyond that. Once said it stays said, through restarts of both. */
static void a_scope_that_narrows_is_told(void **state)
{
    (void)state;
    struct pair *pair = pair_new(21);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    unsigned jp = site_third(pair, us, "jp", "JP"), no = site_third(pair, us, "no", "XX");
    site_policy(pair, us, TO_ALL);
    site_policy(pair, kr, TO_ALL);
    exchange(pair);
    struct narrowing n = narrowed(pair, jp, no);
    size_t all = n.objects;
    assert_true(n.narrowed == 0 && n.to_jp == all && n.to_no == all);
    site_policy(pair, kr, IOCS("reshare partners [no]"));
    site_settle(pair, kr);
    n = narrowed(pair, jp, no);
    assert_int_equal(n.narrowed, all);
    assert_true(n.ended == 0 && n.to_jp == 0 && n.to_no == all);
    /* The same again, and a wider scope: nothing is said. */
    site_policy(pair, kr, IOCS("reshare partners [no]") "# again\n");
    site_settle(pair, kr);
    site_policy(pair, kr, TO_ALL);
    site_settle(pair, kr);
    for (unsigned i = 0; i < 2; i++) {
        site_close(&pair->site[i]);
        site_open(pair, &pair->site[i]);
        site_link(pair, &pair->site[i]);
    }
    site_policy(pair, kr, IOCS("reshare partners [no]"));
    site_settle(pair, kr);
    n = narrowed(pair, jp, no);
    assert_int_equal(n.narrowed, all);
    assert_true(n.to_jp == 0 && n.to_no == all);
    site_policy(pair, kr, IOCS("reshare never"));
    site_settle(pair, kr);
    n = narrowed(pair, jp, no);
    assert_int_equal(n.narrowed, 2 * all);
    assert_true(n.ended == 0 && n.to_jp == 0 && n.to_no == 0);
    pair_free(pair);
}

static bool opens(void *ctx, const struct gate_leaf *leaf)
{
    size_t *closed = ctx;
    closed[0] += leaf->closed;
    closed[1] += leaf->leaf.op == LEAF_NARROW && leaf->limits.len == 0;
    if (!leaf->closed)
        assert_int_equal(leaf_opening_verify(&leaf->leaf, &leaf->opening, false), ERR_OK);
    return true;
}

/* The leaf that narrowed what was destroyed since opens, says nothing more, and is taken over as any other.
 */
static void what_was_narrowed_is_destroyed(void **state)
{
    (void)state;
    struct pair *pair = pair_new(24);
    struct site *kr = &pair->site[0];
    struct gate_recalled told;
    struct stix_key key;
    uint64_t lsns[LIMIT_COPIES];
    size_t count, closed[2] = {0, 0};
    site_policy(pair, kr, TO_ALL);
    exchange(pair);
    site_policy(pair, kr, IOCS("reshare never"));
    site_settle(pair, kr);
    site_sign(pair, kr);
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, first_indicator, &key), ERR_OK);
    assert_int_equal(gate_spill_copies(kr->gate, &key, lsns, LIMIT_COPIES, &count), ERR_OK);
    assert_int_equal(gate_recall(kr->gate, lsns, count, 0, &by_test, true, pair->now_us, &told), ERR_OK);
    carry_out(pair, kr);
    site_close(kr);
    site_open(pair, kr);
    site_link(pair, kr);
    assert_true(pair_run(pair, 400));
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, opens, closed), ERR_OK);
    assert_true(closed[0] == 1 && closed[1] == 1);
    uint64_t bad = 1;
    assert_int_equal(gate_check(kr->gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    pair_free(pair);
}

/* Leaf and narrower leaf come in one page: what the first one brought is not durable yet. */
static void a_scope_that_narrows_in_the_same_page(void **state)
{
    (void)state;
    struct pair *pair = pair_new(22);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    unsigned jp = site_third(pair, us, "jp", "JP"), no = site_third(pair, us, "no", "XX");
    site_policy(pair, us, TO_ALL);
    site_policy(pair, kr, TO_ALL);
    exchange(pair);
    site_policy(pair, kr, IOCS("reshare partners [no]"));
    site_settle(pair, kr);
    struct narrowing n = narrowed(pair, jp, no);
    assert_int_equal(n.narrowed, n.objects);
    assert_true(n.to_jp == 0 && n.to_no == n.objects);
    pair_free(pair);
}

/* What was minted for him is narrowed as what he has. */
static void a_scope_narrows_what_was_minted(void **state)
{
    (void)state;
    struct pair *pair = pair_new(23);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    unsigned jp = site_third(pair, us, "jp", "JP"), no = site_third(pair, us, "no", "XX");
    site_policy(pair, us, TO_ALL);
    site_policy(pair, kr,
                "language 1\nrelease rest if tlp <= green and not type == indicator to all\n"
                "release iocs if type == indicator and tlp <= green to us-cert with redact \"description\", "
                "redact \"name\"\n");
    exchange(pair);
    struct narrowing n = narrowed(pair, jp, no);
    size_t all = n.objects;
    assert_true(n.narrowed == 0 && n.to_jp == all);
    site_policy(pair, kr,
                "language 1\nrelease rest if tlp <= green and not type == indicator to all\n"
                "release iocs if type == indicator and tlp <= green to us-cert with redact \"description\", "
                "redact \"name\", reshare partners [no]\n");
    site_settle(pair, kr);
    n = narrowed(pair, jp, no);
    assert_int_equal(n.narrowed, all);
    assert_true(n.to_jp == 0 && n.to_no == all);
    pair_free(pair);
}

/* Objects that never leave, some beside what leaves and some before it. */
static void hide(struct pair *pair, struct site *site, int from, int count)
{
    struct gate_source source = {.name = STR("hidden"), .own = true, .assume_until_us = INT64_MAX};
    struct fault fault = {0};
    uint32_t number;
    assert_int_equal(gate_source_put(site->gate, &source, &by_test, pair->now_us, &number), ERR_OK);
    for (int i = from; i < from + count; i++) {
        char text[512 + JSON_PADDING] = "";
        int len =
            snprintf(text, 512,
                     "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
                     "\"id\":\"indicator--00000000-0000-4000-8000-%012d\","
                     "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                     "\"pattern\":\"[ipv4-addr:value = '198.51.100.%d']\",\"pattern_type\":\"stix\","
                     "\"valid_from\":\"2026-01-01T00:00:00Z\",\"object_marking_refs\":"
                     "[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"]}",
                     i, i);
        struct gate_submission submission = {.source = number};
        assert_int_equal(gate_accept(site->gate, &submission, bytes_of(text, (size_t)len), pair->now_us, NULL,
                                     NULL, &fault),
                         ERR_OK);
    }
    assert_int_equal(gate_commit(site->gate), ERR_OK);
    site_settle(pair, site);
}

struct story {
    size_t count;
    struct {
        enum leaf_op op;
        uint64_t subject;
        struct hash content;
    } at[1000];
};

static bool write_down(void *ctx, const struct gate_leaf *leaf)
{
    struct story *story = ctx;
    assert_true(story->count < sizeof story->at / sizeof *story->at);
    story->at[story->count].op = leaf->leaf.op;
    story->at[story->count].subject = leaf->opening.subject_seq;
    story->at[story->count++].content = leaf->opening.content;
    return true;
}

static void tell_story(bool hidden, struct story *out)
{
    struct pair *pair = pair_new(25);
    struct site *kr = &pair->site[0];
    site_policy(pair, kr, TO_ALL);
    if (hidden)
        hide(pair, kr, 1, 7);
    exchange(pair);
    if (hidden)
        hide(pair, kr, 50, 7);
    site_policy(pair, kr, IOCS("reshare never"));
    site_settle(pair, kr);
    site_sign(pair, kr);
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, write_down, out), ERR_OK);
    pair_free(pair);
}

/* Twins: what never leaves changes neither which leaves narrow nor their order (DESIGN 2.4). */
static void what_is_withheld_changes_nothing(void **state)
{
    (void)state;
    static struct story plain, twin;
    tell_story(false, &plain);
    tell_story(true, &twin);
    assert_int_equal(plain.count, twin.count);
    assert_int_equal(plain.at[plain.count - 1].op, LEAF_NARROW);
    for (size_t i = 0; i < plain.count; i++) {
        assert_int_equal(plain.at[i].op, twin.at[i].op);
        assert_int_equal(plain.at[i].subject, twin.at[i].subject);
        assert_memory_equal(plain.at[i].content.b, twin.at[i].content.b, HASH_SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_that_narrows_is_told),
        cmocka_unit_test(a_scope_that_narrows_in_the_same_page),
        cmocka_unit_test(a_scope_narrows_what_was_minted),
        cmocka_unit_test(what_was_narrowed_is_destroyed),
        cmocka_unit_test(what_is_withheld_changes_nothing),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("sync narrow", tests, NULL, NULL);
}
