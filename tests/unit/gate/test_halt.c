/* A link that stands still stays so through restarts, an index made anew, a pause and a newer card; the first
 * evidence is the one that is kept; only a reason lets it go on. */
#include "gate/halt.h"
#include "gate_test.h"

static const struct gate_halt first = {{"another history", 15}, {"held\n", 5}, {"shown\n", 6}, NOW + 5};

static unsigned partner_make(struct bench *b, const char *name)
{
    unsigned index;
    assert_int_equal(gate_peer_put(b->gate, str_of(name), str_of(name), STR("US"), bytes_of(NULL, 0),
                                   &by_test, b->now_us, &index),
                     ERR_OK);
    assert_int_equal(gate_peer_set(b->gate, index, GATE_PEER_STARTED, false, &by_test, b->now_us), ERR_OK);
    return index;
}

static void assert_stands(struct bench *b, unsigned partner)
{
    struct arena arena;
    struct gate_halt halt;
    arena_init(&arena, 1 << 20);
    assert_true(gate_is_halted(b->gate, partner));
    assert_int_equal(gate_halted(b->gate, partner, &arena, &halt), ERR_OK);
    assert_true(str_eq(halt.what, first.what) && str_eq(halt.held, first.held) &&
                str_eq(halt.shown, first.shown) && halt.at_us == first.at_us);
    arena_deinit(&arena);
}

static void only_a_reason_ends_it(void **state)
{
    (void)state;
    struct bench b;
    const struct gate_by silent = {{"kim", 3}, {NULL, 0}};
    struct gate_halt later = first;
    bench_init(&b);
    unsigned us = partner_make(&b, "us"), jp = partner_make(&b, "jp");
    assert_int_equal(gate_resume(b.gate, us, &by_test, b.now_us), ERR_NOTFOUND);
    assert_int_equal(gate_halt(b.gate, us, &first), ERR_OK);
    later.what = STR("something else");
    assert_int_equal(gate_halt(b.gate, us, &later), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_stands(&b, us);
    assert_false(gate_is_halted(b.gate, jp));
    bench_reopen(&b);
    assert_stands(&b, us);
    struct gate_setup again = {
        .os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    gate_close(b.gate);
    assert_int_equal(gate_open(&again, &b.gate), ERR_OK);
    assert_stands(&b, us);
    assert_int_equal(gate_peer_set(b.gate, us, GATE_PEER_PAUSED, false, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_peer_set(b.gate, us, GATE_PEER_STARTED, false, &by_test, b.now_us), ERR_OK);
    assert_stands(&b, us);
    assert_int_equal(gate_resume(b.gate, us, &silent, b.now_us), ERR_USAGE);
    assert_int_equal(gate_resume(b.gate, us, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_false(gate_is_halted(b.gate, us));
    bench_deinit(&b);
}

static void texts_are_bounded(void **state)
{
    (void)state;
    static char wide[GATE_HALT_NOTE_MAX + 1];
    struct bench b;
    struct gate_halt halt = first;
    memset(wide, 'x', sizeof wide);
    halt.shown = (struct str) {wide, sizeof wide};
    bench_init(&b);
    unsigned us = partner_make(&b, "us");
    assert_int_equal(gate_halt(b.gate, us, &halt), ERR_LIMIT);
    halt.shown.len--;
    halt.held = halt.shown;
    assert_int_equal(gate_halt(b.gate, us, &halt), ERR_OK);
    assert_int_equal(gate_halt(b.gate, 63, &first), ERR_NOTFOUND);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_reason_ends_it),
        cmocka_unit_test(texts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
