/* The event loop: descriptors, timers, deferred tasks and wake-ups for one thread, over libuv. It knows
 * nothing of HTTP, and the step functions (parsers, sync sessions) know nothing of it: the simulator runs
 * them without a loop.
 *
 * Watches, timers and tasks are embedded in their owners and may be freed as soon as they are removed: libuv,
 * whose handles outlive their closing, has its own piece of memory for each behind the pointer. Everything
 * belongs to the thread that runs the loop, except loop_stop and loop_wake, which any thread and any signal
 * handler may call. A callback may add, change and remove anything, itself included; what it removes is not
 * called again. Nothing may be freed while the loop holds it: remove first. */
#pragma once

#include <stdbool.h>

#include "core/err.h"

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_watch {
    int fd;
    unsigned want; /* LOOP_READ | LOOP_WRITE; 0: nothing is reported, not even an error */
    void (*ready)(void *ctx, unsigned ready); /* an error or a hang-up shows as all that was wanted */
    void *ctx;
    struct loop_poll_handle *handle; /* NULL: not held */
};

struct loop_timer {
    void (*fire)(void *ctx);
    void *ctx;
    struct loop_timer_handle *handle; /* NULL: never set, or stopped */
};

/* Runs once, after the events of this turn: the place to free what a caller up the stack still uses. */
struct loop_task {
    struct loop_task *next;
    void (*run)(void *ctx);
    void *ctx;
    bool queued;
};

/* Also makes the process ignore SIGPIPE (os_net_start). */
NODISCARD err_t loop_open(struct loop **out);
/* Everything must have been removed before. Accepts NULL. */
void loop_close(struct loop *loop);

NODISCARD err_t loop_watch(struct loop *loop, struct loop_watch *watch, int fd, unsigned want,
                           void (*ready)(void *ctx, unsigned ready), void *ctx);
NODISCARD err_t loop_want(struct loop *loop, struct loop_watch *watch, unsigned want);
/* Does not close the descriptor. Harmless when not held. */
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* Sets or moves a timer to a time of loop_now_ms; fire and ctx must be filled in. It fires once. ERR_NOMEM.
 */
NODISCARD err_t loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ms);
/* Also gives the memory back: an owner stops its timers before it goes, fired or not. */
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Harmless when queued already. */
void loop_later(struct loop *loop, struct loop_task *task);
void loop_later_cancel(struct loop *loop, struct loop_task *task);

/* Milliseconds of the monotonic clock at which this turn began. */
uint64_t loop_now_ms(const struct loop *loop);

/* Counts turns: what happens in one turn sees one number. */
uint64_t loop_turns(const struct loop *loop);
/* Microseconds of the monotonic clock, now: to measure the loop's own work. */
uint64_t loop_clock_us(void);

/* One turn: waits at most wait_ms (< 0: until something happens), then runs what is ready. */
void loop_turn(struct loop *loop, int wait_ms);
/* Turns until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Makes a sleeping loop take a turn and call `woken`, set once before the loop runs; wake-ups fold together.
 */
void loop_on_wake(struct loop *loop, void (*woken)(void *ctx), void *ctx);
void loop_wake(struct loop *loop);
