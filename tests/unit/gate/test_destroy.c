/* Destroyed content: gone everywhere, through crashes and reindexing, and every proof stays whole. */
#include "gate/spill.h"

#include "gate/query.h"
#include "gate_test.h"
#include "store/index_mem.h"
#include "store/store.h"

static const struct gate_by by_other = {{"second", 6}, {"the desk asked", 14}};

/* What stands open is shown to all; what a field is marked with is minted for us-cisa. */
static const char policy[] = "language 1\n"
                             "release open if tlp <= green to all\n"
                             "release inner if tlp <= amber to jp-nisc\n";
#define SECRET                                                                                               \
    ",\"description\":\"the secret part\"" MARKED(TLP_GREEN) ",\"granular_markings\":[{\"marking_ref\":"     \
                                                             "\"" TLP_AMBER                                  \
                                                             "\",\"selectors\":[\"description\"]}]"

struct node {
    struct bench b;
    unsigned us, jp;
    uint32_t feed, other;
    uint64_t lsn; /* of the object that goes */
    char text[TEXT_MAX];
};

static void node_init(struct node *n)
{
    char text[TEXT_MAX + 32];
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    n->jp = bench_partner(&n->b, "jp-nisc");
    bench_policy_text(&n->b, policy);
    n->feed = bench_source(&n->b, "feed", STIX_TLP_CLEAR, true, false);
    n->other = bench_source(&n->b, "other", STIX_TLP_CLEAR, false, false);
    /* Its bytes wait in the quarantine before they come whole, and another brings them as well. */
    (void)snprintf(text, sizeof text, "no bundle: %s", indicator(n->text, 1, 1, SECRET));
    assert_int_equal(bench_accept(&n->b, n->feed, text, strlen(text)), ERR_SYNTAX);
    assert_int_equal(gate_commit(n->b.gate), ERR_OK);
    assert_int_equal(bench_add(&n->b, n->feed, n->text), GATE_NEW);
    n->lsn = n->b.last_lsn;
    assert_int_equal(bench_add(&n->b, n->other, n->text), GATE_SEEN);
    assert_int_equal(bench_add(&n->b, n->feed, indicator(text, 2, 1, MARKED(TLP_GREEN))), GATE_NEW);
    bench_settle(&n->b);
    bench_sign(&n->b);
}

/* By two operators, and told to everybody first. */
static struct gate_destroyed destroy(struct node *n)
{
    struct gate_spill spill;
    struct gate_destroyed gone;
    assert_int_equal(gate_spill_destroy(n->b.gate, &n->lsn, 1, &by_other, n->b.now_us, &gone), ERR_NOTFOUND);
    assert_int_equal(gate_spill(n->b.gate, n->lsn, &by_test, n->b.now_us, &spill), ERR_OK);
    assert_int_equal(gate_commit(n->b.gate), ERR_OK);
    assert_int_equal(gate_spill_destroy(n->b.gate, &n->lsn, 1, &by_test, n->b.now_us, &gone), ERR_DENIED);
    assert_int_equal(gate_spill_destroy(n->b.gate, &n->lsn, 1, &by_other, n->b.now_us, &gone), ERR_BUSY);
    bench_settle(&n->b);
    assert_int_equal(gate_spill_destroy(n->b.gate, &n->lsn, 1, &by_other, n->b.now_us, &gone), ERR_OK);
    assert_true(gate_purge_due(n->b.gate));
    return gone;
}

static void purge(struct node *n)
{
    assert_int_equal(gate_purge(n->b.gate, NULL, n->b.now_us), ERR_OK);
    assert_false(gate_purge_due(n->b.gate));
}

static void say_bad(void *ctx, const char *text)
{
    (void)ctx;
    print_message("# %s\n", text);
}

static bool count_copy(void *ctx, const struct gate_object *object)
{
    (void)object;
    ++*(size_t *)ctx;
    return true;
}

static bool count_entry(void *ctx, const struct gate_quarantined *entry)
{
    (void)entry;
    ++*(size_t *)ctx;
    return true;
}

/* Oversight reads why a leaf was written, also when nobody can read any more what it was. */
static void expect_reason(struct gate *gate, unsigned partner, const struct leaf *leaf)
{
    struct leaf_reason reason;
    struct leaf found;
    struct buf bytes;
    uint64_t about;
    buf_init(&bytes, LIMIT_PROOF_EXTRA_BYTES);
    assert_int_equal(gate_leaf_reason(gate, partner, leaf->seq, &found, &about, &bytes), ERR_OK);
    assert_int_equal(leaf_reason_decode(buf_bytes(&bytes), &reason), ERR_OK);
    assert_int_equal(leaf_reason_verify(&found, &reason), ERR_OK);
    assert_int_equal(leaf_reason_verify(leaf, &reason), ERR_OK);
    assert_true(reason.rule.len > 0 && reason.source.len > 0);
    buf_deinit(&bytes);
}

/* Nothing shows it, every leaf opens what it may, and all that is derived agrees with the log. */
static void expect_gone_of(struct node *n, size_t destroyed)
{
    struct stix_key key = key_of("indicator", 1);
    size_t copies = 0, waiting = 0, submitted = 0;
    uint64_t bad = 1;
    assert_int_equal(gate_versions(n->b.gate, &key, count_copy, &copies), ERR_OK);
    assert_int_equal(copies, 0);
    assert_int_equal(gate_quarantine_list(n->b.gate, 0, count_entry, &waiting), ERR_OK);
    assert_int_equal(waiting, 0);
    assert_int_equal(gate_source_objects(n->b.gate, n->other, 0, count_copy, &submitted), ERR_OK);
    assert_int_equal(submitted, 0);
    for (unsigned p = 0; p < 2; p++) {
        struct bench_leaves *leaves = bench_ledger(&n->b, p);
        size_t ended = 0;
        for (size_t i = 0; i < leaves->count; i++) {
            const struct leaf *leaf = &leaves->at[i].leaf;
            expect_reason(n->b.gate, p, leaf);
            if (leaf->op != LEAF_EXPIRE && leaves->at[i].bytes == 0)
                continue; /* withheld: neither bytes nor opening are his */
            assert_int_equal(leaf_opening_verify(leaf, &leaves->at[i].opening, false), ERR_OK);
            ended += leaf->op == LEAF_EXPIRE;
        }
        assert_int_equal(ended, destroyed);
        mem_free(leaves);
    }
    assert_int_equal(gate_check(n->b.gate, say_bad, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

static void expect_gone(struct node *n)
{
    expect_gone_of(n, 1);
}

static struct hash root_of(struct node *n, unsigned partner)
{
    struct gate_ledger ledger;
    bench_settle(&n->b);
    bench_sign(&n->b);
    assert_int_equal(gate_ledger(n->b.gate, partner, &ledger), ERR_OK);
    return ledger.visible_root;
}

static void gone_everywhere(void **state)
{
    (void)state;
    struct node n;
    struct gate_counts before, after;
    node_init(&n);
    gate_counts(n.b.gate, &before);
    struct gate_destroyed gone = destroy(&n);
    assert_int_equal(gone.objects, 1);
    assert_int_equal(gone.reports, 1);
    assert_int_equal(gone.quarantined, 1);
    assert_int_equal(gone.minted, 1);
    assert_int_equal(gone.leaves, 4); /* the object, its copy for us-cisa, and an end of each */
    struct hash us = root_of(&n, n.us), jp = root_of(&n, n.jp);
    purge(&n);
    for (int round = 0; round < 4; round++) {
        struct hash us_again = root_of(&n, n.us), jp_again = root_of(&n, n.jp);
        expect_gone(&n);
        assert_memory_equal(&us_again, &us, sizeof us);
        assert_memory_equal(&jp_again, &jp, sizeof jp);
        gate_counts(n.b.gate, &after);
        assert_int_equal(after.objects, before.objects - 1);
        assert_int_equal(after.quarantined, 0);
        /* Not taken in again from whom it came, and nothing of it is kept. */
        assert_int_equal(bench_add(&n.b, n.feed, n.text), GATE_REFUSED);
        assert_int_equal(bench_add(&n.b, n.other, n.text), GATE_REFUSED);
        if (round % 2 == 0)
            bench_reopen(&n.b);
        else
            bench_reindex(&n.b);
    }
    struct gate_destroyed again;
    assert_int_equal(gate_spill_destroy(n.b.gate, &n.lsn, 1, &by_other, n.b.now_us, &again), ERR_EXISTS);
    bench_deinit(&n.b);
}

/* The power goes between the RECALL and what it asks for. */
static void redone_after_a_crash(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct node n;
        node_init(&n);
        (void)destroy(&n);
        if (how == 0)
            bench_reopen(&n.b);
        else
            bench_reindex(&n.b);
        assert_true(gate_purge_due(n.b.gate));
        expect_gone(&n);
        purge(&n);
        expect_gone(&n);
        bench_reindex(&n.b);
        expect_gone(&n);
        bench_deinit(&n.b);
    }
}

/* One is carried out and one is not, when the index is made again: what stands ahead in the log is known. */
static void two_of_them(void **state)
{
    (void)state;
    struct node n;
    struct gate_spill spill;
    struct gate_destroyed gone;
    struct stix_key key = key_of("indicator", 3);
    char text[TEXT_MAX];
    size_t copies = 0;
    uint64_t bad = 1;
    node_init(&n);
    assert_int_equal(bench_add(&n.b, n.feed, indicator(text, 3, 1, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t third = n.b.last_lsn;
    assert_int_equal(bench_add(&n.b, n.feed, indicator(text, 3, 2, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t newer = n.b.last_lsn;
    (void)destroy(&n);
    purge(&n);
    assert_int_equal(gate_spill(n.b.gate, newer, &by_test, n.b.now_us, &spill), ERR_OK);
    bench_settle(&n.b);
    assert_int_equal(gate_spill_destroy(n.b.gate, &newer, 1, &by_other, n.b.now_us, &gone), ERR_OK);
    struct gate_tally before = bench_tally(&n.b, n.us), after;
    bench_reindex(&n.b);
    after = bench_tally(&n.b, n.us);
    assert_memory_equal(&after, &before, sizeof after);
    purge(&n);
    expect_gone_of(&n, 2);
    assert_int_equal(gate_versions(n.b.gate, &key, count_copy, &copies), ERR_OK);
    assert_int_equal(copies, 1); /* the older version */
    assert_false(gate_is_destroyed(n.b.gate, third));
    bench_reindex(&n.b);
    assert_int_equal(gate_check(n.b.gate, say_bad, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_deinit(&n.b);
}

/* --- copies of the disk --- */

static void shell(const char *command)
{
    assert_int_equal(system(command), 0);
}

/* Opens the sealed frame at `lsn` of a copied store. */
static err_t unseal_copy(const char *dir, uint64_t lsn, struct buf *out)
{
    struct store_options options = {.os = os_linux(), .dir = dir, .read_only = true};
    struct hash node = hash_sha256(bytes_of("kr", 2));
    struct store *store;
    struct frame frame;
    memcpy(options.node.b, node.b, NODE_ID_SIZE);
    assert_int_equal(index_mem_new(&options.index), ERR_OK);
    err_t err = store_open(&options, &store);
    if (err == ERR_OK) {
        err = store_read(store, lsn, &frame);
        if (err == ERR_OK)
            err = store_unseal(store, &frame, out);
        store_close(store);
    }
    options.index->ops->close(options.index);
    return err;
}

/* A backup of everything is made before; what it opens afterwards depends on the key file alone. */
static void no_copy_of_the_log_opens_it(void **state)
{
    (void)state;
    struct node n;
    struct buf plain;
    char copy[96], command[512];
    buf_init(&plain, LIMIT_OBJECT_BYTES);
    node_init(&n);
    (void)snprintf(copy, sizeof copy, "%s-copy", n.b.dir);
    (void)snprintf(command, sizeof command, "mkdir %s && cp -a %s/log %s/keys %s", copy, n.b.dir, n.b.dir,
                   copy);
    shell(command);
    (void)destroy(&n);
    purge(&n);
    /* With the keys as they were: this is what no backup may hold. */
    assert_int_equal(unseal_copy(copy, n.lsn, &plain), ERR_OK);
    assert_non_null(memmem(plain.at, plain.len, "the secret part", 15));
    buf_clear(&plain);
    (void)snprintf(command, sizeof command, "cp %s/keys/secrets.key %s/keys/", n.b.dir, copy);
    shell(command);
    assert_int_equal(unseal_copy(copy, n.lsn, &plain), ERR_NOTFOUND);
    (void)snprintf(command, sizeof command, "rm -r %s/keys", copy);
    shell(command);
    assert_int_not_equal(unseal_copy(copy, n.lsn, &plain), ERR_OK);
    assert_int_equal(plain.len, 0);
    (void)snprintf(command, sizeof command, "rm -r %s", copy);
    shell(command);
    buf_deinit(&plain);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gone_everywhere),
                                       cmocka_unit_test(redone_after_a_crash), cmocka_unit_test(two_of_them),
                                       cmocka_unit_test(no_copy_of_the_log_opens_it)};
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
