/* Comparing two sets of bits: whatever differs is found, nothing else is; what it costs; and an answerer that
 * lies is found out and cannot make the asker go on without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "sync/reconcile.h"

enum { EPOCH = 3, SIZE_MAX_TESTED = 10000000, FOUND_MAX = 1 << 20 };

static uint64_t random_state;

static uint64_t next_random(uint64_t below)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* --- two sides --- */

struct sides {
    uint64_t size;
    uint8_t *bits[2];
    struct reconcile_set set[2];
};

static void sides_begin(struct sides *sides, uint64_t size)
{
    *sides = (struct sides) {.size = size};
    for (unsigned i = 0; i < 2; i++)
        sides->bits[i] = calloc(reconcile_blocks(size), RECONCILE_BITMAP);
}

static void set_make(struct sides *sides, unsigned side)
{
    assert_int_equal(reconcile_set_begin(&sides->set[side], sides->size), ERR_OK);
    while (!reconcile_set_whole(&sides->set[side])) {
        size_t at = (size_t)sides->set[side].made * RECONCILE_BITMAP;
        memcpy(reconcile_set_next(&sides->set[side]), sides->bits[side] + at, RECONCILE_BITMAP);
        reconcile_set_made(&sides->set[side]);
    }
}

static void sides_end(struct sides *sides)
{
    for (unsigned i = 0; i < 2; i++) {
        reconcile_set_deinit(&sides->set[i]);
        free(sides->bits[i]);
    }
}

/* --- a run --- */

struct run {
    const struct sides *sides;
    unsigned round_trips;
    size_t bytes;
    uint64_t *found;
    size_t found_count;
    /* What the answerer does wrong. */
    void (*meddle)(struct buf *answer, unsigned round);
};

static err_t note_block(void *ctx, uint32_t block, const uint8_t *theirs)
{
    struct run *run = ctx;
    const uint8_t *ours = reconcile_set_block(&run->sides->set[0], block);
    for (unsigned i = 0; i < reconcile_leaves(run->sides->size, block); i++)
        if (reconcile_bit(ours, i) != reconcile_bit(theirs, i)) {
            assert_true(run->found_count < FOUND_MAX);
            run->found[run->found_count++] = (uint64_t)block * RECONCILE_BLOCK + i;
        }
    return ERR_OK;
}

static err_t run_round(struct run *run, struct reconcile *walk, struct fault *fault)
{
    struct reconcile_question question;
    struct buf asked, answer;
    buf_init(&asked, 1u << 20);
    buf_init(&answer, 1u << 20);
    reconcile_ask(walk, &asked);
    assert_int_equal(reconcile_question_read(buf_bytes(&asked), &question), ERR_OK);
    reconcile_answer_write(&answer, &question, &run->sides->set[1]);
    assert_int_equal(buf_err(&answer), ERR_OK);
    if (run->meddle != NULL)
        run->meddle(&answer, run->round_trips);
    run->round_trips++;
    run->bytes += asked.len + answer.len;
    err_t err = reconcile_take(walk, buf_bytes(&answer), note_block, run, fault);
    buf_deinit(&asked);
    buf_deinit(&answer);
    return err;
}

static err_t run_over(struct run *run, struct fault *fault)
{
    struct reconcile walk;
    err_t err = ERR_OK;
    run->round_trips = 0;
    run->bytes = run->found_count = 0;
    assert_int_equal(reconcile_begin(&walk, &run->sides->set[0], EPOCH), ERR_OK);
    while (err == ERR_OK && !reconcile_done(&walk))
        err = run_round(run, &walk, fault);
    reconcile_end(&walk);
    return err;
}

/* Finds exactly what differs. */
static struct run expect_found(struct sides *sides)
{
    struct fault fault = {.code = ERR_OK};
    struct run run = {.sides = sides, .found = calloc(FOUND_MAX, sizeof *run.found)};
    size_t differ = 0;
    set_make(sides, 0);
    set_make(sides, 1);
    assert_int_equal(run_over(&run, &fault), ERR_OK);
    for (uint64_t i = 0; i < sides->size; i++)
        differ += reconcile_bit(sides->bits[0], i) != reconcile_bit(sides->bits[1], i);
    assert_int_equal(run.found_count, differ);
    for (size_t i = 0; i < differ; i++) { /* each once */
        reconcile_flip(sides->bits[0], run.found[i]);
        assert_true(reconcile_bit(sides->bits[0], run.found[i]) ==
                    reconcile_bit(sides->bits[1], run.found[i]));
    }
    free(run.found);
    return run;
}

static void fill(struct sides *sides, unsigned permille)
{
    for (uint64_t i = 0; i < sides->size; i++)
        if (next_random(1000) < permille) {
            reconcile_flip(sides->bits[0], i);
            reconcile_flip(sides->bits[1], i);
        }
}

/* --- tests --- */

static const uint64_t sizes[] = {1,      7,      8,      9,       4095,    4096,   4097,    262143,
                                 262144, 262145, 300000, 1000000, 1048577, 123457, 16777217};

static void test_equal_sets_take_one_question(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sides sides;
        sides_begin(&sides, sizes[i]);
        fill(&sides, i % 3 == 0 ? 1000 : 700);
        struct run run = expect_found(&sides);
        assert_int_equal(run.round_trips, 1);
        assert_true(run.bytes < 1100);
        sides_end(&sides);
    }
}

/* 0 to many of random sizes, on either side, beside each other or anywhere. */
static void test_what_differs_is_found(void **state)
{
    (void)state;
    random_state = 1;
    for (unsigned turn = 0; turn < 200; turn++) {
        struct sides sides;
        uint64_t size = 1 + next_random(turn % 10 == 0 ? 400000 : 20000);
        uint64_t differ = turn % 4 == 0 ? 1 : next_random(turn % 7 == 0 ? size : 60) + 1;
        uint64_t from = next_random(size), among = turn % 2 == 0 ? size : 1 + next_random(100);
        sides_begin(&sides, size);
        fill(&sides, (unsigned)next_random(1001));
        for (uint64_t k = 0; k < differ; k++)
            reconcile_flip(sides.bits[next_random(2)], (from + next_random(among)) % size);
        (void)expect_found(&sides);
        sides_end(&sides);
    }
}

static void test_everything_differs(void **state)
{
    (void)state;
    for (unsigned empty = 0; empty < 2; empty++) {
        struct sides sides;
        sides_begin(&sides, 1000001);
        for (uint64_t i = 0; i < sides.size; i++)
            reconcile_flip(sides.bits[empty], i);
        struct run run = expect_found(&sides);
        assert_int_equal(run.found_count, sides.size);
        assert_int_equal(run.round_trips, 3); /* top, four nodes, 245 blocks */
        sides_end(&sides);
    }
}

/* Issue 5: one difference among ten million in four round trips and five thousand bytes. */
static void test_one_in_ten_million(void **state)
{
    (void)state;
    struct sides sides;
    random_state = 5;
    sides_begin(&sides, SIZE_MAX_TESTED);
    fill(&sides, 900);
    reconcile_flip(sides.bits[0], 7654321);
    struct run run = expect_found(&sides);
    assert_true(run.round_trips <= 3); /* one is left to fetch it */
    assert_true(run.bytes < 2400);
    sides_end(&sides);
}

/* --- liars --- */

static void flip_last(struct buf *answer, unsigned round)
{
    if (round > 0)
        answer->at[answer->len - 1] ^= 1;
}

static void flip_first_sum(struct buf *answer, unsigned round)
{
    (void)round;
    answer->at[1 + 4 + 8 + 2 + 5] ^= 1;
}

/* Other sums at every level: what it asks for next never is what was stated. */
static void flip_all_sums(struct buf *answer, unsigned round)
{
    for (size_t i = 1 + 4 + 8 + 2 + 5; i < answer->len && round < 1000; i++)
        answer->at[i] ^= 0x55;
}

static void cut_short(struct buf *answer, unsigned round)
{
    (void)round;
    answer->len--;
}

static void go_on(struct buf *answer, unsigned round)
{
    (void)round;
    wr_u8(answer, 0);
}

static void other_node(struct buf *answer, unsigned round)
{
    if (round > 0)
        answer->at[1 + 4 + 8 + 2 + 4] ^= 1;
}

static void other_size(struct buf *answer, unsigned round)
{
    (void)round;
    answer->at[12] ^= 1;
}

static void test_who_lies_is_found_out(void **state)
{
    (void)state;
    static void (*const lies[])(struct buf * answer, unsigned round) = {
        flip_last, flip_first_sum, flip_all_sums, cut_short, go_on, other_node, other_size};
    struct sides sides;
    sides_begin(&sides, 1000000);
    fill(&sides, 900);
    reconcile_flip(sides.bits[0], 777777);
    set_make(&sides, 0);
    set_make(&sides, 1);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct fault fault = {.code = ERR_OK};
        struct run run = {.sides = &sides, .found = calloc(FOUND_MAX, sizeof *run.found), .meddle = lies[i]};
        assert_int_equal(run_over(&run, &fault), lies[i] == cut_short ? ERR_SHORT : ERR_INVALID);
        assert_true(fault.what[0] != '\0');
        assert_true(run.round_trips <= 3);
        free(run.found);
    }
    sides_end(&sides);
}

/* An answerer that is consistent and says whatever it likes costs no more questions than there are nodes. */
static void test_the_worst_has_an_end(void **state)
{
    (void)state;
    struct sides sides;
    struct fault fault = {.code = ERR_OK};
    sides_begin(&sides, 5000000);
    fill(&sides, 500);
    for (uint64_t i = 0; i < sides.size; i += RECONCILE_BLOCK)
        reconcile_flip(sides.bits[1], i); /* every block differs */
    set_make(&sides, 0);
    set_make(&sides, 1);
    struct run run = {.sides = &sides, .found = calloc(FOUND_MAX, sizeof *run.found)};
    assert_int_equal(run_over(&run, &fault), ERR_OK);
    assert_int_equal(run.found_count, reconcile_blocks(sides.size));
    assert_true(run.round_trips <= 2 + reconcile_blocks(sides.size) / LIMIT_RECONCILE_NODES + 1);
    free(run.found);
    sides_end(&sides);
}

/* Bits behind the last leaf are nobody's. */
static void test_unused_bits_are_refused(void **state)
{
    (void)state;
    struct sides sides;
    struct fault fault = {.code = ERR_OK};
    sides_begin(&sides, 5);
    reconcile_flip(sides.bits[1], 6);
    set_make(&sides, 0);
    set_make(&sides, 1);
    struct run run = {.sides = &sides, .found = calloc(FOUND_MAX, sizeof *run.found)};
    assert_int_equal(run_over(&run, &fault), ERR_INVALID);
    assert_int_equal(run.found_count, 0);
    free(run.found);
    sides_end(&sides);
}

/* --- the question --- */

static void question_make(struct buf *out)
{
    const struct reconcile_node nodes[] = {{2, 0}, {1, 3}, {0, 244}};
    reconcile_question_write(out, EPOCH, 1000000, nodes, 3);
}

static void test_questions_are_read_whole(void **state)
{
    (void)state;
    struct reconcile_question question;
    struct buf wire;
    buf_init(&wire, 1u << 16);
    question_make(&wire);
    assert_int_equal(reconcile_question_read(buf_bytes(&wire), &question), ERR_OK);
    assert_int_equal(question.count, 3);
    for (size_t len = 0; len < wire.len; len++)
        assert_int_not_equal(reconcile_question_read(bytes_of(wire.at, len), &question), ERR_OK);
    wr_u8(&wire, 0);
    assert_int_not_equal(reconcile_question_read(buf_bytes(&wire), &question), ERR_OK);
    buf_deinit(&wire);
}

static void expect_refused(uint64_t size, struct reconcile_node node, err_t expected)
{
    struct reconcile_question question;
    struct buf wire;
    buf_init(&wire, 1u << 16);
    reconcile_question_write(&wire, EPOCH, size, &node, 1);
    assert_int_equal(reconcile_question_read(buf_bytes(&wire), &question), expected);
    buf_deinit(&wire);
}

static void test_questions_beyond_the_tree_are_refused(void **state)
{
    (void)state;
    expect_refused(0, (struct reconcile_node) {1, 0}, ERR_INVALID);
    expect_refused((uint64_t)LIMIT_RECONCILE_LEAVES + 1, (struct reconcile_node) {1, 0}, ERR_LIMIT);
    expect_refused(LIMIT_RECONCILE_LEAVES, (struct reconcile_node) {3, 0}, ERR_OK);
    expect_refused(LIMIT_RECONCILE_LEAVES, (struct reconcile_node) {4, 0}, ERR_INVALID);
    expect_refused(4096, (struct reconcile_node) {0, 1}, ERR_INVALID);
    expect_refused(4097, (struct reconcile_node) {0, 1}, ERR_OK);
    expect_refused(4096, (struct reconcile_node) {2, 0}, ERR_INVALID);
    expect_refused(4096, (struct reconcile_node) {1, 1}, ERR_INVALID);
    expect_refused(300000, (struct reconcile_node) {0, UINT32_MAX}, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_sets_take_one_question),
        cmocka_unit_test(test_what_differs_is_found),
        cmocka_unit_test(test_everything_differs),
        cmocka_unit_test(test_one_in_ten_million),
        cmocka_unit_test(test_who_lies_is_found_out),
        cmocka_unit_test(test_the_worst_has_an_end),
        cmocka_unit_test(test_unused_bits_are_refused),
        cmocka_unit_test(test_questions_are_read_whole),
        cmocka_unit_test(test_questions_beyond_the_tree_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
