/* The loop's own promises: what is due is done in the turn in which it is due. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "net/loop.h"

struct kit {
    struct loop *loop;
    struct loop_timer timer, late;
    struct loop_task task;
    unsigned ran, late_fired, again;
};

static int setup(void **state)
{
    static struct kit kit;
    kit = (struct kit) {0};
    assert_int_equal(loop_open(&kit.loop), ERR_OK);
    *state = &kit;
    return 0;
}

static int teardown(void **state)
{
    struct kit *kit = *state;
    loop_timer_stop(kit->loop, &kit->timer);
    loop_timer_stop(kit->loop, &kit->late);
    loop_later_cancel(kit->loop, &kit->task);
    loop_close(kit->loop);
    return 0;
}

static void run(void *ctx)
{
    struct kit *kit = ctx;
    kit->ran++;
    if (kit->again > 0) {
        kit->again--;
        loop_later(kit->loop, &kit->task);
    }
}

static void queue(void *ctx)
{
    struct kit *kit = ctx;
    loop_later(kit->loop, &kit->task);
}

static void be_late(void *ctx)
{
    ((struct kit *)ctx)->late_fired++;
}

static void sleep_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&time, NULL);
}

/* The timer became due while nobody looked: it fires at the head of the turn, before the wait. */
static void a_task_of_a_timer_that_is_due_does_not_wait_for_the_next_event(void **state)
{
    struct kit *kit = *state;
    kit->task = (struct loop_task) {.run = run, .ctx = kit};
    kit->timer = (struct loop_timer) {.fire = queue, .ctx = kit};
    kit->late = (struct loop_timer) {.fire = be_late, .ctx = kit};
    assert_int_equal(loop_timer_set(kit->loop, &kit->timer, loop_now_ms(kit->loop) + 1), ERR_OK);
    assert_int_equal(loop_timer_set(kit->loop, &kit->late, loop_now_ms(kit->loop) + 3000), ERR_OK);
    sleep_ms(5);
    loop_turn(kit->loop, -1);
    assert_int_equal(kit->ran, 1);
    assert_int_equal(kit->late_fired, 0);
}

static void tasks_give_way_and_leave_the_loop_able_to_sleep(void **state)
{
    struct kit *kit = *state;
    kit->task = (struct loop_task) {.run = run, .ctx = kit};
    kit->late = (struct loop_timer) {.fire = be_late, .ctx = kit};
    kit->again = 2;
    queue(kit);
    loop_turn(kit->loop, -1);
    assert_int_equal(kit->ran, 1); /* once a turn, though it queued itself again */
    loop_turn(kit->loop, -1);
    loop_turn(kit->loop, -1);
    assert_int_equal(kit->ran, 3);
    queue(kit);
    loop_later_cancel(kit->loop, &kit->task);
    loop_turn(kit->loop, 0);
    /* Nothing is queued: a turn now lasts until the timer fires. */
    assert_int_equal(loop_timer_set(kit->loop, &kit->late, loop_now_ms(kit->loop) + 20), ERR_OK);
    loop_turn(kit->loop, -1);
    assert_int_equal(kit->late_fired, 1);
    assert_int_equal(kit->ran, 3);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(a_task_of_a_timer_that_is_due_does_not_wait_for_the_next_event),
        ROW(tasks_give_way_and_leave_the_loop_able_to_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
