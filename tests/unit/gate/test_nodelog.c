/* The log of the whole node: what it says of ledgers, that replay gives the tree that was signed, whatever
 * the power took, and that it stands still rather than say two things. */
#include "gate/nodelog.h"

#include "disk.h"
#include "gate_test.h"
#include "store/index_mem.h"

static const struct gate_by officer = {{"officer", 7}, {"the backup came back", 20}};

/* --- helpers --- */

static void note_of(struct bench *b, const struct gate_sign_request *request, struct buf *out)
{
    struct buf origin;
    struct note_key key;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    assert_int_equal(request->origin.audience.len, 0);
    assert_int_equal(nodelog_origin_print(request->origin.issuer, request->origin.epoch, &origin), ERR_OK);
    assert_int_equal(note_key_make(buf_str(&origin), NOTE_SIGNATURE, &b->key.public, &key), ERR_OK);
    struct checkpoint checkpoint = {buf_str(&origin), request->at[0].size, request->at[0].root, {NULL, 0}};
    assert_int_equal(checkpoint_sign(&checkpoint, &key, &b->key, out), ERR_OK);
    buf_deinit(&origin);
}

/* The keeper's part. False: nothing waits. */
static bool sign_log(struct bench *b)
{
    static struct gate_sign_request request;
    struct buf note;
    if (!gate_log_sign_next(b->gate, &request))
        return false;
    assert_int_equal(request.at[0].size, request.old_size + 1);
    buf_init(&note, LIMIT_NOTE_BYTES);
    note_of(b, &request, &note);
    assert_int_equal(gate_log_signed(b->gate, &request, buf_str(&note), b->now_us), ERR_OK);
    buf_deinit(&note);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    return true;
}

static void tick(struct bench *b)
{
    b->now_us += INT64_C(600) * 1000 * 1000;
    assert_int_equal(gate_log_append(b->gate, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    assert_true(sign_log(b));
}

static struct gate_log look(struct bench *b)
{
    struct gate_log log;
    gate_log(b->gate, &log);
    return log;
}

static void release(struct bench *b, uint32_t feed, int n)
{
    char text[TEXT_MAX];
    assert_int_equal(bench_add(b, feed, indicator(text, n, 1, MARKED(TLP_GREEN))), GATE_NEW);
    bench_settle(b);
    bench_sign(b);
}

static void begin(struct bench *b, uint32_t *feed)
{
    bench_init(b);
    *feed = bench_source(b, "feed", STIX_TLP_CLEAR, true, false);
    bench_policy_text(b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

static void expect_whole(struct bench *b)
{
    uint64_t bad = 1;
    assert_int_equal(gate_check(b->gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

/* The proof of what entry `index` says of a ledger, verified from its parts: the head, or size 0. */
static uint64_t opened(struct bench *b, uint64_t index, const char *origin)
{
    static struct proof proof;
    struct nodelog_entry entry;
    struct nodelog_opening opening, again;
    struct gate_log log = look(b);
    err_t err = gate_log_open(b->gate, index, str_of(origin), &proof, &opening);
    if (err == ERR_NOTFOUND)
        return 0;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(nodelog_extra_read(bytes_of(proof.extra, proof.extra_len), &entry, &again), ERR_OK);
    assert_int_equal(entry.index, index);
    assert_int_equal(entry.epoch, log.epoch);
    assert_int_equal(gate_log_inclusion(b->gate, index, log.visible, &proof.path), ERR_OK);
    struct hash hash = nodelog_entry_hash(&entry);
    assert_int_equal(merkle_inclusion_verify(&proof.path, index, log.visible, &hash, &log.visible_root),
                     ERR_OK);
    return again.head.size;
}

/* --- tests --- */

static void says_what_each_ledger_showed(void **state)
{
    (void)state;
    struct bench b;
    uint32_t feed;
    begin(&b, &feed);
    tick(&b); /* of nothing */
    unsigned us = bench_partner(&b, "us-cisa");
    bench_partner(&b, "jp-nisc");
    release(&b, feed, 1);
    release(&b, feed, 2);
    tick(&b);
    release(&b, feed, 3);
    tick(&b);
    tick(&b); /* nothing new: it says so again, under another seed */
    for (int round = 0; round < 2; round++) {
        assert_int_equal(look(&b).visible, 4);
        assert_int_equal(opened(&b, 0, "bongsu/kr/us-cisa/0"), 0);
        assert_int_equal(opened(&b, 1, "bongsu/kr/us-cisa/0"), 2);
        assert_int_equal(opened(&b, 2, "bongsu/kr/us-cisa/0"), 3);
        assert_int_equal(opened(&b, 3, "bongsu/kr/jp-nisc/0"), 3);
        assert_int_equal(opened(&b, 3, "bongsu/kr/nobody/0"), 0);
        expect_whole(&b);
        bench_reopen(&b);
    }
    /* The head is the ledger's own checkpoint. */
    static struct proof proof;
    struct nodelog_opening opening;
    struct gate_ledger ledger;
    assert_int_equal(gate_log_open(b.gate, 3, STR("bongsu/kr/us-cisa/0"), &proof, &opening), ERR_OK);
    assert_int_equal(gate_ledger(b.gate, us, &ledger), ERR_OK);
    assert_memory_equal(opening.head.root.b, ledger.visible_root.b, HASH_SIZE);
    bench_deinit(&b);
}

/* What is served has the same size and shape with traffic and without; an entry a tick, whatever happened. */
static void others_see_ticks_alone(void **state)
{
    (void)state;
    struct bench quiet, busy;
    uint32_t feed;
    struct buf one, two;
    begin(&quiet, &feed);
    begin(&busy, &feed);
    bench_partner(&busy, "us-cisa");
    bench_partner(&busy, "jp-nisc");
    for (int i = 0; i < 5; i++) {
        release(&busy, feed, i);
        tick(&quiet);
        busy.now_us = quiet.now_us - INT64_C(600) * 1000 * 1000;
        tick(&busy);
    }
    static const char *const paths[] = {"tile/0/000.p/5", "tile/entries/000.p/5"};
    for (size_t i = 0; i < 2; i++) {
        buf_init(&one, 1 << 16);
        buf_init(&two, 1 << 16);
        assert_int_equal(gate_log_tile(quiet.gate, str_of(paths[i]), &one), ERR_OK);
        assert_int_equal(gate_log_tile(busy.gate, str_of(paths[i]), &two), ERR_OK);
        assert_int_equal(one.len, two.len);
        if (i == 1)
            for (size_t at = 0; at < one.len; at += 2 + NODELOG_ENTRY_SIZE) /* all but the maps */
                assert_memory_equal(one.at + at, two.at + at, 2 + 24);
        buf_deinit(&one);
        buf_deinit(&two);
    }
    assert_int_equal(gate_log_tile(busy.gate, STR("tile/entries/000.p/6"), &one), ERR_NOTFOUND);
    assert_int_equal(gate_log_tile(busy.gate, STR("tile/entries/../000"), &one), ERR_SYNTAX);
    bench_deinit(&quiet);
    bench_deinit(&busy);
}

static void nothing_unsigned_is_shown(void **state)
{
    (void)state;
    struct bench b;
    uint32_t feed;
    static struct gate_sign_request request;
    struct buf note;
    buf_init(&note, LIMIT_NOTE_BYTES);
    begin(&b, &feed);
    assert_false(gate_log_sign_next(b.gate, &request));
    assert_int_equal(gate_log_append(b.gate, b.now_us), ERR_OK);
    assert_false(gate_log_sign_next(b.gate, &request)); /* not durable */
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(gate_log_append(b.gate, b.now_us), ERR_BUSY);
    assert_true(gate_log_sign_next(b.gate, &request));
    assert_false(gate_log_sign_next(b.gate, &request)); /* it is out */
    note_of(&b, &request, &note);
    assert_int_equal(gate_log_signed(b.gate, &request, buf_str(&note), b.now_us), ERR_OK);
    assert_int_equal(look(&b).visible, 0); /* not durable */
    assert_int_equal(gate_log_inclusion(b.gate, 0, 1, &request.at[0].proof), ERR_NOTFOUND);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(look(&b).visible, 1);
    buf_clear(&note);
    assert_int_equal(gate_log_checkpoint(b.gate, 1, &note), ERR_OK);
    assert_int_equal(gate_log_checkpoint(b.gate, 2, &note), ERR_NOTFOUND);
    buf_deinit(&note);
    bench_deinit(&b);
}

static void cosignatures_stay(void **state)
{
    (void)state;
    struct bench b;
    uint32_t feed;
    struct buf line;
    struct gate_cosigned got, put = {.size = 1, .time_s = 17, .at_us = NOW, .line = STR("one\n")};
    begin(&b, &feed);
    tick(&b);
    buf_init(&line, 1024);
    assert_int_equal(gate_log_cosigned(b.gate, STR("w.example/1"), &line, &got), ERR_NOTFOUND);
    assert_int_equal(gate_log_cosigned_put(b.gate, STR("w.example/1"), &put), ERR_OK);
    put.size = 2;
    put.line = STR("two\n");
    assert_int_equal(gate_log_cosigned_put(b.gate, STR("w.example/2"), &put), ERR_OK);
    assert_int_equal(gate_log_cosigned_put(b.gate, STR("w.example/1"), &put), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_int_equal(gate_log_cosigned(b.gate, STR("w.example/1"), &line, &got), ERR_OK);
    assert_true(got.size == 2 && got.time_s == 17 && got.at_us == NOW && str_eq(got.line, STR("two\n")));
    /* Of a log that is over it says nothing. */
    assert_int_equal(gate_log_anew(b.gate, 1, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_log_cosigned(b.gate, STR("w.example/1"), &line, &got), ERR_NOTFOUND);
    buf_deinit(&line);
    bench_deinit(&b);
}

static void begins_anew_by_a_word(void **state)
{
    (void)state;
    struct bench b;
    uint32_t feed;
    struct buf out;
    begin(&b, &feed);
    tick(&b);
    tick(&b);
    assert_int_equal(gate_log_anew(b.gate, 0, &officer, b.now_us), ERR_EXISTS);
    assert_int_equal(gate_log_anew(b.gate, 3, &(struct gate_by) {.who = STR("x")}, b.now_us), ERR_USAGE);
    assert_int_equal(gate_log_anew(b.gate, LIMIT_EPOCH + 1u, &officer, b.now_us), ERR_LIMIT);
    assert_int_equal(gate_log_anew(b.gate, 3, &officer, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(look(&b).size, 0);
    tick(&b);
    bench_reopen(&b);
    struct gate_log log = look(&b);
    assert_true(log.epoch == 3 && log.visible == 1);
    buf_init(&out, LEDGER_ORIGIN_MAX);
    assert_int_equal(gate_log_origin(b.gate, &out), ERR_OK);
    assert_true(str_eq(buf_str(&out), STR("bongsu-log/kr/3")));
    buf_deinit(&out);
    expect_whole(&b);
    bench_deinit(&b);
}

/* More than a tile, through an index that is made again. */
static void many(void **state)
{
    (void)state;
    struct bench b;
    uint32_t feed;
    begin(&b, &feed);
    bench_partner(&b, "us-cisa");
    release(&b, feed, 1);
    for (int i = 0; i < 300; i++)
        tick(&b);
    struct hash root = look(&b).visible_root;
    struct gate_setup setup = {
        .os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    gate_close(b.gate);
    assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
    assert_int_equal(look(&b).visible, 300);
    assert_memory_equal(look(&b).visible_root.b, root.b, HASH_SIZE);
    assert_int_equal(opened(&b, 299, "bongsu/kr/us-cisa/0"), 1);
    struct merkle_proof proof;
    struct hash old;
    assert_int_equal(gate_log_root(b.gate, 255, &old), ERR_OK);
    assert_int_equal(gate_log_consistency(b.gate, 255, 300, &proof), ERR_OK);
    assert_int_equal(merkle_consistency_verify(&proof, 255, 300, &old, &root), ERR_OK);
    expect_whole(&b);
    bench_deinit(&b);
}

/* --- the power goes --- */

struct life {
    struct disk *disk;
    struct index *index;
    struct bench b;
    /* As the keeper has it, on a disk of its own: what it signed last. */
    uint64_t size;
    struct hash root;
    /* ...and what others saw. */
    uint64_t seen;
    struct hash seen_root;
};

enum { TURNS = 4, ENTRIES = 3 };

static err_t wake(struct life *l)
{
    struct gate_setup setup = {.os = disk_os(l->disk),
                               .dir = "base/node",
                               .node_name = STR("kr"),
                               .index = l->index,
                               .diag = &bench_diag};
    return gate_open(&setup, &l->b.gate);
}

static void born(struct life *l, uint64_t seed)
{
    static const uint8_t key[SIGN_SEED_SIZE] = {7};
    *l = (struct life) {.disk = disk_new(seed), .root = merkle_empty()};
    l->b = (struct bench) {.now_us = NOW, .key = sign_key_from_seed(key)};
    assert_int_equal(index_mem_new(&l->index), ERR_OK);
    assert_int_equal(wake(l), ERR_OK);
    uint32_t feed = bench_source(&l->b, "feed", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&l->b, "us-cisa");
    bench_policy_text(&l->b, "language 1\nrelease open if tlp <= green to all\n");
    release(&l->b, feed, 1);
}

/* What the keeper allows: the tree grows from what it signed last, or ends exactly there. */
static bool keeper_signs(struct life *l, const struct gate_sign_request *request)
{
    if (request->old_size != l->size)
        return request->at[0].size == l->size && hash_eq(&request->at[0].root, &l->root);
    if (merkle_consistency_verify(&request->at[0].proof, l->size, request->at[0].size, &l->root,
                                  &request->at[0].root) != ERR_OK)
        return false;
    l->size = request->at[0].size;
    l->root = request->at[0].root;
    return true;
}

static err_t sign_step(struct life *l)
{
    static struct gate_sign_request request;
    struct buf note;
    err_t err = ERR_OK;
    if (!gate_log_sign_next(l->b.gate, &request))
        return ERR_OK;
    assert_true(keeper_signs(l, &request));
    buf_init(&note, LIMIT_NOTE_BYTES);
    note_of(&l->b, &request, &note);
    if (!TRY(err, gate_log_signed(l->b.gate, &request, buf_str(&note), l->b.now_us)))
        err = gate_commit(l->b.gate);
    buf_deinit(&note);
    return err;
}

static err_t live(struct life *l)
{
    for (int i = 0; i < ENTRIES; i++) {
        err_t err;
        l->b.now_us += 1000000;
        if (TRY(err, sign_step(l)) || TRY(err, gate_log_append(l->b.gate, l->b.now_us)) ||
            TRY(err, gate_commit(l->b.gate)) || TRY(err, sign_step(l)))
            return err;
        struct gate_log log = look(&l->b);
        l->seen = log.visible;
        l->seen_root = log.visible_root;
    }
    return ERR_OK;
}

/* At every change of the disk in turn, also with the index lost: nothing that others saw is ever taken back,
 * and the keeper, which forgets nothing, never has to refuse. */
static void power_goes(void **state)
{
    (void)state;
    static struct life l;
    bool whole = false;
    size_t lives = 0;
    for (uint64_t turn = TURNS; !whole || turn % TURNS != 0; turn++, lives++) {
        born(&l, turn);
        disk_faults(l.disk)->power_fails = turn / TURNS;
        whole = live(&l) == ERR_OK && !disk_dead(l.disk);
        gate_close(l.b.gate);
        disk_crash(l.disk);
        if (turn % 2 != 0)
            assert_int_equal(index_mem_rollback(l.index, 0), ERR_OK);
        assert_int_equal(wake(&l), ERR_OK);
        struct gate_log log = look(&l.b);
        struct hash root;
        assert_false(log.stopped);
        assert_true(log.visible >= l.seen);
        assert_int_equal(gate_log_root(l.b.gate, l.seen, &root), ERR_OK);
        assert_true(l.seen == 0 || hash_eq(&root, &l.seen_root));
        assert_int_equal(live(&l), ERR_OK);
        assert_int_equal(look(&l.b).visible, l.size);
        assert_int_equal(opened(&l.b, l.size - 1, "bongsu/kr/us-cisa/0"), 1);
        expect_whole(&l.b);
        gate_close(l.b.gate);
        l.index->ops->close(l.index);
        disk_free(l.disk);
    }
    print_message("# the power went at %zu places\n", lives - 1);
    assert_in_range(lives, 10, 2000);
}

/* A backup comes back: what it asks to have signed is not what the keeper signed, and it shows no more. */
static void a_backup_is_found_out(void **state)
{
    (void)state;
    static struct life l;
    static struct gate_sign_request request;
    born(&l, 99);
    assert_int_equal(live(&l), ERR_OK);
    struct disk *backup = disk_copy(l.disk, 100);
    assert_int_equal(live(&l), ERR_OK);
    gate_close(l.b.gate);
    l.index->ops->close(l.index);
    disk_free(l.disk);
    l.disk = backup;
    assert_int_equal(index_mem_new(&l.index), ERR_OK);
    assert_int_equal(wake(&l), ERR_OK);
    assert_int_equal(look(&l.b).visible, ENTRIES);
    assert_int_equal(gate_log_append(l.b.gate, l.b.now_us), ERR_OK);
    assert_int_equal(gate_commit(l.b.gate), ERR_OK);
    assert_true(gate_log_sign_next(l.b.gate, &request));
    assert_false(keeper_signs(&l, &request));
    assert_int_equal(gate_log_append(l.b.gate, l.b.now_us), ERR_BUSY); /* and it grows no more */
    gate_close(l.b.gate);
    l.index->ops->close(l.index);
    disk_free(l.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_each_ledger_showed),
        cmocka_unit_test(others_see_ticks_alone),
        cmocka_unit_test(nothing_unsigned_is_shown),
        cmocka_unit_test(cosignatures_stay),
        cmocka_unit_test(begins_anew_by_a_word),
        cmocka_unit_test(many),
        cmocka_unit_test(power_goes),
        cmocka_unit_test(a_backup_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
