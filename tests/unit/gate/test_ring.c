/* Two nodes of a ring that both give under their own names what passes, and between them others who pass it
 * on as it came: kr, a relay, us, a relay, and kr again. */
#include "texts.h"

#include "gate/mint.h"

enum { CARRIED_MAX = 16, RELAY_HOPS = 2 };

struct side {
    struct bench b;
    unsigned out, in; /* the neighbour that it gives to, the one that it gets from */
    uint32_t own;
    uint64_t sent;            /* leaves that its neighbour has taken over */
    struct merkle_edge taken; /* of the other side's */
    bool trails;              /* the relay behind it hands trails on */
};

struct ring {
    struct side kr, us;
};

/* What a relay carries at once. */
struct carried {
    size_t count;
    struct gate_received at[CARRIED_MAX];
    char text[CARRIED_MAX][TEXT_BYTES + JSON_PADDING];
    uint8_t trail[CARRIED_MAX][LIMIT_TRAIL_BYTES];
    bool trails;
};

static bool carry(void *ctx, const struct gate_leaf *leaf)
{
    struct carried *carried = ctx;
    assert_in_range(carried->count, 0, CARRIED_MAX - 1);
    assert_in_range(leaf->object.len, 0, TEXT_BYTES);
    size_t i = carried->count++;
    struct gate_received *got = &carried->at[i];
    *got = (struct gate_received) {.leaf = leaf->leaf, .opening = leaf->opening, .withheld = leaf->withheld};
    if (leaf->object.len == 0)
        return true;
    memcpy(carried->text[i], leaf->object.at, leaf->object.len);
    got->object = bytes_of((const uint8_t *)carried->text[i], leaf->object.len);
    got->hops = (uint8_t)(leaf->hops + RELAY_HOPS);
    if (carried->trails && leaf->trail.len > 0) {
        assert_int_equal(leaf->trail.len, LIMIT_TRAIL_BYTES);
        memcpy(carried->trail[i], leaf->trail.at, LIMIT_TRAIL_BYTES);
        got->trail = bytes_of(carried->trail[i], LIMIT_TRAIL_BYTES);
    }
    return true;
}

static void side_init(struct side *side, const char *rules)
{
    bench_init(&side->b);
    side->out = bench_partner(&side->b, "out");
    side->in = bench_partner(&side->b, "in");
    bench_policy_text(&side->b, rules);
    side->own = bench_source(&side->b, "own", STIX_TLP_CLEAR, true, false);
    side->trails = true;
}

static void ring_init(struct ring *ring, const char *rules)
{
    *ring = (struct ring) {0};
    side_init(&ring->kr, rules);
    side_init(&ring->us, rules);
}

static void ring_deinit(struct ring *ring)
{
    bench_deinit(&ring->kr.b);
    bench_deinit(&ring->us.b);
}

/* All that `from` gives to its neighbour arrives at `to`. How many leaves that were. */
static size_t hand_on(struct side *from, struct side *to)
{
    struct carried *carried = mem_alloc(sizeof *carried);
    struct gate_cursor cursor = {.edge = to->taken};
    memset(carried, 0, sizeof *carried);
    carried->trails = from->trails;
    bench_settle(&from->b);
    bench_sign(&from->b);
    assert_int_equal(gate_leaves(from->b.gate, from->out, from->sent, carry, carried), ERR_OK);
    for (size_t i = 0; i < carried->count; i++) {
        struct hash hash = {{(uint8_t)i}};
        merkle_edge_append(&cursor.edge, &hash);
    }
    size_t count = carried->count;
    if (count > 0) {
        assert_int_equal(gate_receive(to->b.gate, to->in, carried->at, count, &cursor, to->b.now_us), ERR_OK);
        assert_int_equal(gate_commit(to->b.gate), ERR_OK);
        bench_settle(&to->b);
    }
    to->taken = cursor.edge;
    from->sent += count;
    mem_free(carried);
    return count;
}

/* How many times something went round before nothing moved any more. */
static unsigned laps(struct ring *ring, unsigned most)
{
    unsigned lap = 0;
    while (lap < most && hand_on(&ring->kr, &ring->us) + hand_on(&ring->us, &ring->kr) > 0)
        lap++;
    return lap;
}

static struct texts *given_to(struct side *side, unsigned partner)
{
    struct texts *texts = mem_alloc(sizeof *texts);
    texts->count = 0;
    assert_int_equal(gate_leaves(side->b.gate, partner, 0, take_text, texts), ERR_OK);
    return texts;
}

/* Why what `from` gave last does not go on from `to`. */
static const char *rule_of_last(struct side *from, struct side *to)
{
    static char rule[64];
    struct texts *given = given_to(from, from->out);
    struct stix_key key = bench_key(given->at[given->count - 1].id);
    struct gate_why why;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(to->b.gate, &key, to->out, to->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    (void)snprintf(rule, sizeof rule, "%.*s", STR_ARG(why.rule));
    assert_false(why.released);
    arena_deinit(&arena);
    mem_free(given);
    return rule;
}

static const char quiet[] = "language 1\n"
                            "release quiet if tlp <= green and onward to all with anonymise-creator\n";
static const char cutting[] = "language 1\n"
                              "release less if tlp <= green and onward to all with redact \"labels\"\n";

static void what_both_rename_goes_round_once(void **state)
{
    (void)state;
    const char *rules[] = {quiet, cutting};
    for (size_t i = 0; i < 2; i++) {
        struct ring ring;
        char text[TEXT_MAX];
        ring_init(&ring, rules[i]);
        (void)bench_add(&ring.kr.b, ring.kr.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
        (void)bench_add(&ring.us.b, ring.us.own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
        assert_in_range(laps(&ring, 10), 1, 3);
        struct texts *kr = given_to(&ring.kr, ring.kr.out), *us = given_to(&ring.us, ring.us.out);
        assert_int_equal(ids_of(kr, "indicator"), 2); /* its own, and the other's: each once */
        assert_int_equal(ids_of(us, "indicator"), 2);
        assert_string_equal(rule_of_last(&ring.us, &ring.kr), "built-in.loop");
        mem_free(kr);
        mem_free(us);
        ring_deinit(&ring);
    }
}

/* A newer version goes the same way, and stops where the first did. */
static void a_newer_version_goes_round_once_too(void **state)
{
    (void)state;
    struct ring ring;
    char text[TEXT_MAX];
    ring_init(&ring, quiet);
    (void)bench_add(&ring.kr.b, ring.kr.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_in_range(laps(&ring, 10), 1, 3);
    (void)bench_add(&ring.kr.b, ring.kr.own,
                    indicator(text, 1, 2, ",\"name\":\"said again\"" MARKED(TLP_GREEN)));
    assert_in_range(laps(&ring, 10), 1, 3);
    struct texts *us = given_to(&ring.us, ring.us.out);
    assert_int_equal(ids_of(us, "indicator"), 2);
    assert_non_null(text_with(us, "said again"));
    mem_free(us);
    ring_deinit(&ring);
}

/* What is read again from the log alone is stopped as before. */
static void it_stops_after_a_start_too(void **state)
{
    (void)state;
    struct ring ring;
    char text[TEXT_MAX];
    ring_init(&ring, quiet);
    (void)bench_add(&ring.kr.b, ring.kr.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_int_equal(hand_on(&ring.kr, &ring.us), 2);
    bench_reopen(&ring.us.b);
    bench_reopen(&ring.kr.b);
    assert_int_equal(hand_on(&ring.us, &ring.kr), 3); /* who both are, too */
    bench_reopen(&ring.kr.b);
    bench_policy_text(&ring.kr.b, cutting); /* and everything is decided again */
    bench_settle(&ring.kr.b);
    assert_string_equal(rule_of_last(&ring.us, &ring.kr), "built-in.loop");
    ring_deinit(&ring);
}

/* Relays that know of no trails: the hops end it. */
static void without_trails_it_ends_by_hops(void **state)
{
    (void)state;
    const char *rules[] = {quiet, cutting};
    const unsigned most[] = {5, 5};
    for (size_t i = 0; i < 2; i++) {
        struct ring ring;
        char text[TEXT_MAX];
        ring_init(&ring, rules[i]);
        ring.kr.trails = ring.us.trails = false;
        (void)bench_add(&ring.kr.b, ring.kr.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
        assert_in_range(laps(&ring, 20), 1, most[i]);
        ring_deinit(&ring);
    }
}

/* A trail that this node did not make stops nothing, and goes on. */
static void other_nodes_marks_stop_nothing(void **state)
{
    (void)state;
    struct ring ring;
    char text[TEXT_MAX];
    ring_init(&ring, quiet);
    (void)bench_add(&ring.us.b, ring.us.own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&ring.kr.b, ring.kr.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    (void)hand_on(&ring.kr, &ring.us);
    struct carried *kr = calloc(2, sizeof *kr), *us = kr + 1;
    kr->trails = us->trails = true;
    bench_settle(&ring.us.b);
    bench_sign(&ring.us.b);
    assert_int_equal(gate_leaves(ring.kr.b.gate, ring.kr.out, 0, carry, kr), ERR_OK);
    assert_int_equal(gate_leaves(ring.us.b.gate, ring.us.out, 0, carry, us), ERR_OK);
    assert_int_equal(us->count, 4); /* who both are, its own, and what kr gave */
    assert_int_equal(kr->at[0].trail.len, 0);
    assert_int_equal(us->at[1].trail.len, LIMIT_TRAIL_BYTES);
    size_t alike = 0;
    for (size_t i = 0; i < LIMIT_TRAIL_MARKS; i++)
        alike += memcmp(kr->at[1].trail.at + i * 16, us->at[3].trail.at + i * 16, 16) == 0;
    assert_int_equal(alike, LIMIT_TRAIL_MARKS - 1);
    free(kr);
    ring_deinit(&ring);
}

/* Whether this node made what it gives, or somebody before it, is not told by hops where nobody is named. */
static void hops_do_not_tell_who_is_not_named(void **state)
{
    (void)state;
    struct ring ring;
    char text[TEXT_MAX];
    ring_init(&ring, quiet);
    (void)bench_add(&ring.kr.b, ring.kr.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    uint32_t feed = bench_source(&ring.kr.b, "feed", STIX_TLP_CLEAR, false, false);
    ring.kr.b.hops = 3;
    (void)bench_add(&ring.kr.b, feed, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    struct carried *kr = calloc(1, sizeof *kr);
    bench_settle(&ring.kr.b);
    bench_sign(&ring.kr.b);
    assert_int_equal(gate_leaves(ring.kr.b.gate, ring.kr.out, 0, carry, kr), ERR_OK);
    assert_int_equal(kr->count, 3);
    assert_int_equal(kr->at[1].hops, kr->at[2].hops);
    free(kr);
    ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_rename_goes_round_once),
        cmocka_unit_test(a_newer_version_goes_round_once_too),
        cmocka_unit_test(it_stops_after_a_start_too),
        cmocka_unit_test(without_trails_it_ends_by_hops),
        cmocka_unit_test(other_nodes_marks_stop_nothing),
        cmocka_unit_test(hops_do_not_tell_who_is_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
