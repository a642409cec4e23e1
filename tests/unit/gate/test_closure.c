/* The greatest fixed point against a solver that knows nothing but the definition. */
#include "gate_test.h"

#include "gate/closure.h"

/* xorshift64*: seeded, so that a failure replays. */
static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

enum { MEMBERS = 7, TARGETS = 8, NEEDS = 4, PARTNERS = 3 };

struct graph {
    struct closure_member members[MEMBERS];
    struct closure_need needs[MEMBERS][NEEDS];
    struct closure_target targets[TARGETS];
};

static uint64_t some_partners(uint64_t *seed)
{
    return draw(seed) & draw(seed) & ((1u << PARTNERS) - 1);
}

static void graph_make(struct graph *g, uint64_t *seed)
{
    memset(g, 0, sizeof *g);
    for (uint32_t t = 0; t < TARGETS; t++)
        g->targets[t] = (struct closure_target) {some_partners(seed) & draw(seed), CLOSURE_NONE};
    for (uint32_t m = 0; m < MEMBERS; m++) {
        struct closure_member *member = &g->members[m];
        member->base = some_partners(seed) | some_partners(seed);
        /* Objects; creators that the rules let go to some; definitions, which never go by themselves. */
        uint64_t along = draw(seed) % 4;
        member->on_demand = along == 0 ? member->base & draw(seed) : along == 1 ? member->base : 0;
        /* Most ids have one copy, some two, and one target has none. */
        member->target = draw(seed) % 4 == 0 ? (uint32_t)(draw(seed) % MEMBERS) : m;
        member->next_copy = g->targets[member->target].first_copy;
        g->targets[member->target].first_copy = m;
        member->needs = g->needs[m];
        member->need_count = (uint32_t)(draw(seed) % (NEEDS + 1));
        for (uint32_t i = 0; i < member->need_count; i++)
            g->needs[m][i] = (struct closure_need) {(uint32_t)(draw(seed) % TARGETS), draw(seed) % 3 == 0,
                                                    draw(seed) % 4 == 0 ? some_partners(seed) : 0,
                                                    draw(seed) % 4 == 0   ? CLOSURE_LOOSE
                                                    : draw(seed) % 4 == 0 ? CLOSURE_ANY
                                                                          : CLOSURE_HARD,
                                                    draw(seed) % 2};
    }
}

/* May exactly these members (a bit each) leave together to the partner? `own`: those that need nobody to ask
 * for them. */
static bool set_stands(const struct graph *g, unsigned set, unsigned own, unsigned partner)
{
    for (uint32_t m = 0; m < MEMBERS; m++) {
        if ((set >> m & 1) == 0)
            continue;
        if ((g->members[m].base >> partner & 1) == 0)
            return false;
        bool any[2] = {false}, some[2] = {false};
        for (uint32_t i = 0; i < g->members[m].need_count; i++) {
            const struct closure_need *need = &g->members[m].needs[i];
            bool met = (g->targets[need->target].held | need->except) >> partner & 1;
            for (uint32_t c = 0; c < MEMBERS; c++)
                met |= g->members[c].target == need->target && (set >> c & 1) &&
                       (!need->strict || (own >> c & 1));
            if (!met && need->how == CLOSURE_HARD)
                return false;
            bool asks = need->how == CLOSURE_ANY && (need->except >> partner & 1) == 0;
            any[need->group] |= asks;
            some[need->group] |= asks && met;
        }
        if ((any[0] && !some[0]) || (any[1] && !some[1]))
            return false;
    }
    return true;
}

/* The union of all sets that stand, found by trying all of them. */
static unsigned largest(const struct graph *g, unsigned own, unsigned partner)
{
    unsigned all = 0;
    for (unsigned set = 0; set < 1u << MEMBERS; set++)
        if (set_stands(g, set, own, partner))
            all |= set;
    return all;
}

/* Members that leave, by definition: those with a right of their own in the largest set, and followers that
 * they ask for; what was asked for has a right of its own from then on, until nothing changes. */
static unsigned naive(const struct graph *g, unsigned partner, unsigned *out_allowed)
{
    unsigned own = 0, release;
    for (uint32_t m = 0; m < MEMBERS; m++)
        own |= (unsigned)((g->members[m].base & ~g->members[m].on_demand) >> partner & 1) << m;
    for (;;) {
        unsigned allowed = largest(g, own, partner), before;
        release = allowed & own;
        do {
            before = release;
            for (uint32_t m = 0; m < MEMBERS; m++)
                for (uint32_t i = 0; (release >> m & 1) && i < g->members[m].need_count; i++)
                    for (uint32_t c = 0; c < MEMBERS; c++)
                        if (g->members[m].needs[i].how == CLOSURE_HARD &&
                            g->members[c].target == g->members[m].needs[i].target && (allowed >> c & 1) &&
                            ((g->targets[g->members[c].target].held | g->members[m].needs[i].except) >>
                                 partner &
                             1) == 0)
                            release |= 1u << c;
        } while (release != before);
        *out_allowed = allowed;
        if ((release & ~own) == 0)
            return release;
        own |= release;
    }
}

/* What goes to the partner only along with others: something that goes there names it; and it goes wherever
 * something that goes there needs it and has it from nowhere else. */
static void goes_along(const struct closure_member *members, const struct closure_target *targets, uint32_t m,
                       unsigned partner)
{
    bool named = false;
    const struct closure_member *along = &members[m];
    if ((along->on_demand >> partner & 1) == 0)
        return;
    for (uint32_t other = 0; other < MEMBERS; other++)
        for (uint32_t i = 0; i < members[other].need_count && (members[other].release >> partner & 1); i++)
            named |= members[other].needs[i].target == along->target && other != m &&
                     members[other].needs[i].how == CLOSURE_HARD &&
                     (members[other].needs[i].except >> partner & 1) == 0;
    bool held = targets[along->target].held >> partner & 1;
    bool goes = along->release >> partner & 1;
    assert_true(named || !goes);
    assert_true(goes || held || !named || !(along->allowed >> partner & 1));
}

static void equals_brute_force(void **state)
{
    (void)state;
    uint64_t seed = 42;
    size_t released = 0, kept = 0;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int round = 0; round < 4000; round++) {
        struct graph g, solved;
        graph_make(&g, &seed);
        solved = g;
        for (uint32_t m = 0; m < MEMBERS; m++)
            solved.members[m].needs = solved.needs[m];
        assert_int_equal(closure_solve(solved.members, MEMBERS, solved.targets, TARGETS, &arena), ERR_OK);
        for (unsigned p = 0; p < PARTNERS; p++) {
            unsigned allowed, release = naive(&g, p, &allowed);
            for (uint32_t m = 0; m < MEMBERS; m++) {
                assert_int_equal(solved.members[m].allowed >> p & 1, allowed >> m & 1);
                assert_int_equal(solved.members[m].release >> p & 1, release >> m & 1);
                released += release >> m & 1;
                kept += (g.members[m].base >> p & 1) && !(release >> m & 1);
                solved.members[m].on_demand = g.members[m].on_demand;
                goes_along(solved.members, solved.targets, m, p);
            }
        }
        arena_reset(&arena);
    }
    /* The graphs are no walkovers. */
    assert_in_range(released, 4000, 60000);
    assert_in_range(kept, 4000, 60000);
    arena_deinit(&arena);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    assert_int_equal(closure_solve(NULL, 0, NULL, 0, &arena), ERR_OK);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_brute_force),
        cmocka_unit_test(nothing_at_all),
    };
    return cmocka_run_group_tests_name("gate closure", tests, NULL, NULL);
}
