/* Registered copies of the key file: what is destroyed is destroyed in them, and nothing is confirmed while
 * one of them may still open it. */
#include "gate/key_copies.h"

#include "gate/spill.h"
#include "recall_test.h"
#include "store/index_mem.h"
#include "store/store.h"

enum { COPIES = 2, PATH = 160 };

static const struct gate_by by_other = {{"second", 6}, {"the desk asked", 14}};
static const struct gate_by by_conf = {{"bongsu.yaml", 11}, {"key-copies", 10}};

struct node {
    struct bench b;
    uint32_t feed;
    char dir[COPIES][PATH];
    uint64_t lsn[4]; /* of objects */
};

static void shell(const char *format, const char *a, const char *b)
{
    char command[3 * PATH];
    (void)snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

static void step(struct node *n)
{
    bool more = true;
    while (more)
        assert_int_equal(gate_key_copies_step(n->b.gate, n->b.now_us, &more), ERR_OK);
}

static err_t set(struct node *n, size_t count)
{
    struct str dirs[COPIES];
    for (size_t i = 0; i < count; i++)
        dirs[i] = str_of(n->dir[i]);
    return gate_key_copies_set(n->b.gate, dirs, count, &by_conf, n->b.now_us);
}

static void node_init(struct node *n)
{
    char text[TEXT_MAX];
    bench_init(&n->b);
    bench_policy_text(&n->b, "language 1\nrelease open if tlp <= green to all\n");
    n->feed = bench_source(&n->b, "feed", STIX_TLP_CLEAR, true, false);
    for (int i = 0; i < COPIES; i++) {
        (void)snprintf(n->dir[i], PATH, "%s/usb-%d", n->b.dir, i);
        shell("mkdir %s", n->dir[i], "");
    }
    assert_int_equal(set(n, COPIES), ERR_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bench_add(&n->b, n->feed, indicator(text, i + 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
        n->lsn[i] = n->b.last_lsn;
    }
    bench_settle(&n->b);
    step(n);
}

static void take_away(struct node *n, int i)
{
    shell("mv %s %s.drawer", n->dir[i], n->dir[i]);
}

static void bring_back(struct node *n, int i)
{
    shell("mv %s.drawer %s", n->dir[i], n->dir[i]);
}

static void logged(struct node *n, int which)
{
    struct gate_spill spill;
    struct gate_destroyed gone;
    assert_int_equal(gate_spill(n->b.gate, n->lsn[which], &by_test, n->b.now_us, &spill), ERR_OK);
    bench_settle(&n->b);
    assert_int_equal(gate_spill_destroy(n->b.gate, &n->lsn[which], 1, &by_other, n->b.now_us, &gone), ERR_OK);
}

static void destroy(struct node *n, int which)
{
    logged(n, which);
    assert_int_equal(gate_purge(n->b.gate, NULL, n->b.now_us), ERR_OK);
    assert_false(gate_purge_due(n->b.gate));
}

static size_t unconfirmed(struct node *n)
{
    struct gate_key_copies_count count;
    gate_key_copies_count(n->b.gate, &count);
    return count.unconfirmed;
}

/* --- what a copy opens --- */

static err_t unseal(const char *dir, uint64_t lsn)
{
    struct store_options options = {.os = os_linux(), .dir = dir, .read_only = true};
    struct hash node = hash_sha256(bytes_of("kr", 2));
    struct store *store;
    struct frame frame;
    struct buf plain;
    memcpy(options.node.b, node.b, NODE_ID_SIZE);
    assert_int_equal(index_mem_new(&options.index), ERR_OK);
    buf_init(&plain, LIMIT_OBJECT_BYTES);
    err_t err = store_open(&options, &store);
    if (err == ERR_OK) {
        err = store_read(store, lsn, &frame);
        if (err == ERR_OK)
            err = store_unseal(store, &frame, &plain);
        store_close(store);
    }
    options.index->ops->close(options.index);
    buf_deinit(&plain);
    return err;
}

/* The log as it is now, with this copy for its key file. */
static err_t opens(struct node *n, int i, const char *drawer, int which)
{
    char copy[PATH], keys[PATH + 32];
    (void)snprintf(copy, sizeof copy, "%s-copy", n->b.dir);
    (void)snprintf(keys, sizeof keys, "%s%s", n->dir[i], drawer);
    shell("mkdir -p %s/keys", copy, "");
    shell("cp -a %s/log %s/", n->b.dir, copy);
    shell("cp %s/secrets.key %s/keys/", keys, copy);
    err_t err = unseal(copy, n->lsn[which]);
    shell("rm -r %s", copy, "");
    return err;
}

struct looking {
    struct node *n;
    struct gate_key_copy at[COPIES];
    size_t forgotten;
};

static void look_one(void *ctx, const struct gate_key_copy *copy)
{
    struct looking *l = ctx;
    l->forgotten += copy->state == GATE_KEY_COPY_FORGOTTEN;
    for (int i = 0; copy->state != GATE_KEY_COPY_FORGOTTEN && i < COPIES; i++)
        if (str_eq(copy->dir, str_of(l->n->dir[i])))
            l->at[i] = *copy;
}

static struct looking look(struct node *n)
{
    struct looking l = {.n = n};
    assert_int_equal(gate_key_copies(n->b.gate, look_one, &l), ERR_OK);
    return l;
}

/* --- tests --- */

static void destroyed_in_all(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    for (int i = 0; i < COPIES; i++)
        assert_int_equal(opens(&n, i, "", 0), ERR_OK);
    assert_int_equal(bench_add(&n.b, n.feed, indicator(text, 9, 1, MARKED(TLP_GREEN))), GATE_NEW);
    destroy(&n, 0); /* what was added since the last step is brought there, too */
    assert_int_equal(unconfirmed(&n), 0);
    assert_false(gate_is_unconfirmed(n.b.gate, n.lsn[0]));
    for (int i = 0; i < COPIES; i++) {
        assert_int_equal(opens(&n, i, "", 0), ERR_NOTFOUND);
        assert_int_equal(opens(&n, i, "", 1), ERR_OK);
        assert_int_equal(look(&n).at[i].state, GATE_KEY_COPY_CURRENT);
    }
    expect_whole(&n.b);
    bench_deinit(&n.b);
}

static void one_that_is_away_is_waited_for(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct node n;
        node_init(&n);
        take_away(&n, 1);
        destroy(&n, 0);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(unconfirmed(&n), 1);
            assert_true(gate_is_destroyed(n.b.gate, n.lsn[0]));
            assert_true(gate_is_unconfirmed(n.b.gate, n.lsn[0]));
            assert_false(gate_is_unconfirmed(n.b.gate, n.lsn[1]));
            step(&n);
            assert_int_equal(look(&n).at[0].state, GATE_KEY_COPY_CURRENT);
            assert_int_equal(look(&n).at[1].state, GATE_KEY_COPY_UNREACHABLE);
            expect_whole(&n.b);
            if (how == 1)
                bench_reopen(&n.b);
            else if (how == 2)
                bench_reindex(&n.b);
        }
        assert_int_equal(opens(&n, 0, "", 0), ERR_NOTFOUND);
        assert_int_equal(opens(&n, 1, ".drawer", 0), ERR_OK);
        bring_back(&n, 1);
        step(&n);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(unconfirmed(&n), 0);
            assert_false(gate_is_unconfirmed(n.b.gate, n.lsn[0]));
            assert_true(gate_is_destroyed(n.b.gate, n.lsn[0]));
            expect_whole(&n.b);
            if (how > 0)
                bench_reindex(&n.b);
        }
        assert_int_equal(opens(&n, 1, "", 0), ERR_NOTFOUND);
        assert_int_equal(opens(&n, 1, "", 1), ERR_OK);
        bench_deinit(&n.b);
    }
}

/* A RECALL that nobody carried out: redone at the copies as well, whichever of them is there. */
static void redone_after_a_crash(void **state)
{
    (void)state;
    struct node n;
    node_init(&n);
    logged(&n, 0);
    take_away(&n, 0);
    bench_reopen(&n.b);
    assert_true(gate_purge_due(n.b.gate));
    assert_int_equal(opens(&n, 1, "", 0), ERR_OK);
    assert_int_equal(gate_purge(n.b.gate, NULL, n.b.now_us), ERR_OK);
    assert_int_equal(opens(&n, 1, "", 0), ERR_NOTFOUND);
    assert_int_equal(unconfirmed(&n), 1);
    bring_back(&n, 0);
    bench_reopen(&n.b); /* before anybody looked */
    assert_int_equal(unconfirmed(&n), 1);
    step(&n);
    assert_int_equal(unconfirmed(&n), 0);
    assert_int_equal(opens(&n, 0, "", 0), ERR_NOTFOUND);
    bench_deinit(&n.b);
}

/* Several wait, and one copy after the other comes back. */
static void all_of_them_must_be_there(void **state)
{
    (void)state;
    struct node n;
    node_init(&n);
    take_away(&n, 0);
    destroy(&n, 0);
    take_away(&n, 1);
    destroy(&n, 1);
    bring_back(&n, 0);
    step(&n);
    assert_int_equal(unconfirmed(&n), 2); /* of the first, the other had lost it when it went */
    bring_back(&n, 1);
    step(&n);
    assert_int_equal(unconfirmed(&n), 0);
    for (int i = 0; i < COPIES; i++)
        for (int which = 0; which < 4; which++)
            assert_int_equal(opens(&n, i, "", which), which < 2 ? ERR_NOTFOUND : ERR_OK);
    take_away(&n, 0); /* once more */
    destroy(&n, 2);
    bring_back(&n, 0);
    step(&n);
    assert_int_equal(unconfirmed(&n), 0);
    bench_deinit(&n.b);
}

static void one_lost_for_good_confirms_nothing(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    bool held = false;
    node_init(&n);
    destroy(&n, 0);
    take_away(&n, 1);
    destroy(&n, 1);
    assert_int_equal(gate_key_copy_forget(n.b.gate, STR("/nowhere"), false, &by_test, n.b.now_us, &held),
                     ERR_NOTFOUND);
    assert_int_equal(gate_key_copy_forget(n.b.gate, str_of(n.dir[1]), false, &by_test, n.b.now_us, &held),
                     ERR_OK);
    assert_true(held);
    destroy(&n, 2);
    step(&n);
    /* It never had this one. */
    assert_int_equal(bench_add(&n.b, n.feed, indicator(text, 9, 1, MARKED(TLP_GREEN))), GATE_NEW);
    n.lsn[3] = n.b.last_lsn;
    bench_settle(&n.b);
    destroy(&n, 3);
    for (int round = 0; round < 3; round++) {
        step(&n);
        assert_false(gate_is_unconfirmed(n.b.gate, n.lsn[0])); /* gone before */
        assert_true(gate_is_unconfirmed(n.b.gate, n.lsn[1]));
        assert_true(gate_is_unconfirmed(n.b.gate, n.lsn[2]));
        assert_false(gate_is_unconfirmed(n.b.gate, n.lsn[3]));
        assert_int_equal(unconfirmed(&n), 2);
        struct looking l = look(&n);
        assert_int_equal(l.forgotten, 1);
        assert_int_equal(l.at[0].state, GATE_KEY_COPY_CURRENT);
        if (round == 0)
            bench_reopen(&n.b);
        else
            bench_reindex(&n.b);
    }
    /* In the same place another one is begun. */
    shell("mkdir %s", n.dir[1], "");
    assert_int_equal(set(&n, COPIES), ERR_OK);
    step(&n);
    assert_int_equal(look(&n).at[1].state, GATE_KEY_COPY_CURRENT);
    assert_int_equal(unconfirmed(&n), 2);
    expect_whole(&n.b);
    bench_deinit(&n.b);
}

/* In good order: nothing is left in it, and all can be confirmed. */
static void one_given_up_is_overwritten(void **state)
{
    (void)state;
    struct node n;
    bool held = true;
    node_init(&n);
    take_away(&n, 1);
    destroy(&n, 0);
    assert_int_equal(gate_key_copy_forget(n.b.gate, str_of(n.dir[1]), true, &by_test, n.b.now_us, &held),
                     ERR_NOTFOUND);
    assert_int_equal(look(&n).forgotten, 0);
    assert_int_equal(look(&n).at[1].state, GATE_KEY_COPY_UNREACHABLE);
    bring_back(&n, 1);
    assert_int_equal(gate_key_copy_forget(n.b.gate, str_of(n.dir[1]), true, &by_test, n.b.now_us, &held),
                     ERR_OK);
    assert_false(held);
    for (int which = 0; which < 4; which++)
        assert_int_equal(opens(&n, 1, "", which), ERR_NOTFOUND);
    step(&n);
    assert_int_equal(unconfirmed(&n), 0);
    destroy(&n, 1);
    bench_reindex(&n.b);
    step(&n);
    assert_int_equal(unconfirmed(&n), 0);
    assert_int_equal(opens(&n, 1, "", 2), ERR_NOTFOUND); /* and nothing comes there again */
    assert_int_equal(look(&n).forgotten, 0);
    /* Until it is registered anew. */
    assert_int_equal(set(&n, COPIES), ERR_OK);
    step(&n);
    assert_int_equal(opens(&n, 1, "", 2), ERR_OK);
    assert_int_equal(opens(&n, 1, "", 1), ERR_NOTFOUND);
    bench_deinit(&n.b);
}

/* Its folder is not there yet; later it is, and later it is an empty place where a disk was mounted. */
static void made_once_and_never_again(void **state)
{
    (void)state;
    struct node n;
    bool held = true;
    node_init(&n);
    assert_int_equal(gate_key_copy_forget(n.b.gate, str_of(n.dir[1]), false, &by_test, n.b.now_us, &held),
                     ERR_OK);
    shell("rm -r %s", n.dir[1], "");
    assert_int_equal(set(&n, COPIES), ERR_OK);
    assert_int_equal(set(&n, COPIES), ERR_OK);
    step(&n);
    assert_int_equal(look(&n).at[1].state, GATE_KEY_COPY_UNREACHABLE);
    assert_false(look(&n).at[1].made);
    assert_int_equal(gate_key_copy_forget(n.b.gate, str_of(n.dir[1]), false, &by_test, n.b.now_us, &held),
                     ERR_OK);
    assert_false(held);
    assert_int_equal(look(&n).forgotten, 1);
    assert_int_equal(set(&n, COPIES), ERR_OK);
    bench_reopen(&n.b);
    shell("mkdir %s", n.dir[1], "");
    step(&n);
    assert_int_equal(look(&n).at[1].state, GATE_KEY_COPY_CURRENT);
    assert_true(look(&n).at[1].made);
    assert_int_equal(opens(&n, 1, "", 0), ERR_OK);
    take_away(&n, 1);
    shell("mkdir %s", n.dir[1], "");
    bench_reopen(&n.b);
    step(&n);
    assert_int_equal(look(&n).at[1].state, GATE_KEY_COPY_UNREACHABLE);
    shell("rmdir %s", n.dir[1], ""); /* nothing was made in it */
    bench_deinit(&n.b);
}

/* Who called it back hears that it is gone when it is. */
static void no_partner_is_answered_before(void **state)
{
    (void)state;
    struct node n;
    struct giver us;
    char text[TEXT_MAX];
    uint64_t seq;
    node_init(&n);
    giver_init(&n.b, &us, "us-cisa");
    uint64_t first = give(&n.b, &us, indicator(text, 11, 1, MARKED(TLP_CLEAR)));
    uint64_t second = give(&n.b, &us, indicator(text, 12, 1, MARKED(TLP_CLEAR)));
    step(&n);
    assert_false(call_back(&n.b, &us, first).refused);
    assert_int_equal(carry_out(&n.b), 1);
    assert_int_equal(owed(&n.b, &us, &seq), ERR_OK);
    assert_int_equal(gate_recall_acknowledged(n.b.gate, us.partner, seq, false, n.b.now_us), ERR_OK);
    take_away(&n, 0);
    assert_false(call_back(&n.b, &us, second).refused);
    assert_int_equal(carry_out(&n.b), 1);
    assert_int_equal(shown(&n.b, 12), 0);
    assert_int_equal(owed(&n.b, &us, &seq), ERR_NOTFOUND);
    step(&n);
    assert_int_equal(owed(&n.b, &us, &seq), ERR_NOTFOUND);
    bench_reopen(&n.b);
    assert_int_equal(owed(&n.b, &us, &seq), ERR_NOTFOUND);
    bring_back(&n, 0);
    step(&n);
    assert_int_equal(owed(&n.b, &us, &seq), ERR_OK);
    assert_int_equal(seq, 3);
    buf_deinit(&us.cursor.note);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(destroyed_in_all),
                                       cmocka_unit_test(one_that_is_away_is_waited_for),
                                       cmocka_unit_test(redone_after_a_crash),
                                       cmocka_unit_test(all_of_them_must_be_there),
                                       cmocka_unit_test(one_lost_for_good_confirms_nothing),
                                       cmocka_unit_test(one_given_up_is_overwritten),
                                       cmocka_unit_test(made_once_and_never_again),
                                       cmocka_unit_test(no_partner_is_answered_before)};
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
