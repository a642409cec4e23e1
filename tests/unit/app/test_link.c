#define _XOPEN_SOURCE 700
#include "app_test.h"

#include "app/link.h"
#include "core/limit.h"

enum { RING = 1 << 16, NOTE = 7, ENDS = 2 };

struct end {
    struct link *link;
    unsigned fresh, messages, broken;
    size_t bytes;
    char last[64];
};

struct pair {
    struct loop *loop;
    struct os_channel_fds fds;
    struct end end[ENDS];
};

static void on_message(void *ctx, unsigned kind, struct bytes body)
{
    struct end *end = ctx;
    assert_int_equal(kind, NOTE);
    end->messages++;
    end->bytes += body.len;
    (void)snprintf(end->last, sizeof end->last, "%.*s", body.len > 60 ? 60 : (int)body.len,
                   (const char *)body.at);
}

static void on_fresh(void *ctx)
{
    ((struct end *)ctx)->fresh++;
}

static void on_broken(void *ctx)
{
    ((struct end *)ctx)->broken++;
}

static void take_up(struct pair *pair, int side)
{
    struct link_handler handler = {on_message, on_fresh, NULL, on_broken, NULL, &pair->end[side]};
    assert_int_equal(link_open(pair->loop, os_linux(), &pair->fds, side, &handler, &pair->end[side].link),
                     ERR_OK);
}

static void turns(struct pair *pair, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        loop_turn(pair->loop, 0);
}

static void say(struct pair *pair, int side, const char *text)
{
    assert_int_equal(link_send(pair->end[side].link, NOTE, bytes_of(text, strlen(text))), ERR_OK);
}

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_int_equal(loop_open(&pair->loop), ERR_OK);
    assert_int_equal(os_channel_make(RING, &pair->fds), ERR_OK);
    take_up(pair, 0);
    take_up(pair, 1);
    turns(pair, 8);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    link_close(pair->end[0].link);
    link_close(pair->end[1].link);
    os_channel_fds_close(&pair->fds);
    loop_close(pair->loop);
    free(pair);
    return 0;
}

static void both_meet_once(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(pair->end[0].fresh, 1);
    assert_int_equal(pair->end[1].fresh, 1);
    say(pair, 0, "to one");
    say(pair, 1, "to zero");
    turns(pair, 8);
    assert_string_equal(pair->end[1].last, "to one");
    assert_string_equal(pair->end[0].last, "to zero");
}

/* What was meant for a dead end is thrown away; the other end hears once that there is a new one. */
static void a_new_end_begins_anew(void **state)
{
    struct pair *pair = *state;
    say(pair, 0, "for the dead one");
    link_close(pair->end[1].link);
    say(pair, 0, "for the dead one too");
    pair->end[1] = (struct end) {0};
    take_up(pair, 1);
    turns(pair, 8);
    assert_int_equal(pair->end[0].fresh, 2);
    assert_int_equal(pair->end[1].fresh, 1);
    assert_int_equal(pair->end[1].messages, 0);
    say(pair, 0, "for the new one");
    turns(pair, 8);
    assert_string_equal(pair->end[1].last, "for the new one");
    assert_int_equal(pair->end[0].broken + pair->end[1].broken, 0);
}

/* More than the ring holds: nothing is lost, and there is an end to what may wait. */
static void waits_for_room(void **state)
{
    struct pair *pair = *state;
    static uint8_t piece[RING / 4];
    link_pause(pair->end[1].link, true);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(link_send(pair->end[0].link, NOTE, bytes_of(piece, sizeof piece)), ERR_OK);
    assert_true(link_pending(pair->end[0].link) > 0);
    turns(pair, 8);
    assert_int_equal(pair->end[1].messages, 0);
    link_pause(pair->end[1].link, false);
    turns(pair, 300);
    assert_int_equal(pair->end[1].messages, 100);
    assert_int_equal(pair->end[1].bytes, 100 * sizeof piece);
    assert_int_equal(link_pending(pair->end[0].link), 0);
    link_pause(pair->end[1].link, true);
    err_t err = ERR_OK;
    for (size_t sent = 0; err == ERR_OK; sent += sizeof piece) {
        assert_true(sent < 2 * (size_t)LIMIT_LINK_PENDING_BYTES);
        err = link_send(pair->end[0].link, NOTE, bytes_of(piece, sizeof piece));
    }
    assert_int_equal(err, ERR_FULL);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {ROW(both_meet_once), ROW(a_new_end_begins_anew), ROW(waits_for_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
