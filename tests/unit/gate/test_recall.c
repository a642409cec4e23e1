/* Recall: whom it reaches, what goes, whose word counts, how much one word destroys; and the power goes
 * between any two of its steps. */
#include "disk.h"
#include "gate/key_copies.h"
#include "gate/legal.h"
#include "recall_test.h"
#include "store/index_mem.h"

static const struct gate_by by_other = {{"second", 6}, {"I read it", 9}};

/* --- helpers --- */

static void count_holder(void *ctx, const struct gate_recall_holder *holder)
{
    assert_int_equal(holder->answered_us, 0);
    ++*(size_t *)ctx;
}

/* --- an operator's word --- */

/* Whoever ever had it is told: also who was told before that its time is over; nobody else. */
static void everybody_who_had_it(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    size_t holders = 0;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned now = bench_partner(&b, "us-cisa"), before = bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    bench_policy_text(
        &b, "language 1\ndeny no if tlp <= green to jp-nisc\nrelease open if tlp <= green to all\n");
    assert_int_equal(ops(&b, before, LEAF_EXPIRE), 1);
    unsigned never = bench_partner(&b, "fr-anssi");
    assert_int_equal(gate_recall_reach(b.gate, &lsn, 1, b.now_us, &told), ERR_OK);
    assert_int_equal(told.objects, 1);
    assert_int_equal(told.partners, UINT64_C(1) << now | UINT64_C(1) << before);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_false(told.waits);
    assert_int_equal(shown(&b, 1), 0); /* at once */
    bool did = true;
    assert_int_equal(gate_recall_step(b.gate, b.now_us, &did), ERR_OK);
    assert_false(did); /* they are told first */
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_NOTFOUND);
    assert_int_equal(carry_out(&b), 1);
    assert_true(gate_is_destroyed(b.gate, lsn));
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ops(&b, now, LEAF_RECALL), 1);
        assert_int_equal(ops(&b, before, LEAF_RECALL), 1);
        assert_int_equal(ops(&b, never, LEAF_RECALL), 0);
        assert_int_equal(ops(&b, now, LEAF_EXPIRE), 0);
        assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_REFUSED);
        holders = 0;
        assert_int_equal(gate_recall_holders(b.gate, lsn, count_holder, &holders), ERR_OK);
        assert_int_equal(holders, 2);
        expect_whole(&b);
        if (round == 0)
            bench_reopen(&b);
        else
            bench_reindex(&b);
    }
    bench_deinit(&b);
}

/* What names it, and left with it, still goes to who had it: they know the identifier. */
static void who_knew_it(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    struct gate_reach reach;
    struct stix_key key = key_of("indicator", 1);
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned giver = bench_partner(&b, "us-cisa"), reader = bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    uint32_t source = gate_peer_get(b.gate, giver)->source;
    assert_int_equal(bench_add(&b, source, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_SEEN);
    assert_int_equal(ops(&b, reader, LEAF_RELEASE), 1);
    unsigned never = bench_partner(&b, "fr-anssi");
    assert_int_equal(gate_reach(b.gate, &key, &reach), ERR_OK);
    assert_int_equal(reach.gone, 0);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(carry_out(&b), 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(gate_reach(b.gate, &key, &reach), ERR_OK);
        assert_int_equal(reach.gone, UINT64_C(1) << giver | UINT64_C(1) << reader);
        assert_false(reach.gone >> never & 1);
        bench_reindex(&b);
    }
    bench_deinit(&b);
}

/* What was minted for a partner of it is called back by its own leaf. */
static void minted_copies(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned us = bench_partner(&b, "us-cisa");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(
        bench_add(&b, feed,
                  indicator(text, 1, 1,
                            ",\"description\":\"the secret part\"" MARKED(
                                TLP_GREEN) ",\"granular_markings\":[{\"marking_ref\":\"" TLP_AMBER
                                           "\",\"selectors\":[\"description\"]}]")),
        GATE_NEW);
    uint64_t lsn = b.last_lsn;
    assert_int_equal(ops(&b, us, LEAF_RELEASE), 2); /* the node's identity, and the copy */
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(told.partners, UINT64_C(1) << us);
    assert_int_equal(carry_out(&b), 1);
    for (int round = 0; round < 2; round++) {
        size_t holders = 0;
        assert_int_equal(ops(&b, us, LEAF_RECALL), 1);
        assert_int_equal(gate_recall_holders(b.gate, lsn, count_holder, &holders), ERR_OK);
        assert_int_equal(holders, 1);
        expect_whole(&b);
        bench_reindex(&b);
    }
    bench_deinit(&b);
}

/* Beyond the budget everything is suspended, and two officers have it destroyed. */
static void two_officers(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    uint64_t lsns[LIMIT_RECALL_DAY + 1];
    struct gate_recalled told;
    size_t agreed = 0, first = 0;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    for (int i = 0; i <= LIMIT_RECALL_DAY; i++) {
        assert_int_equal(bench_add(&b, feed, indicator(text, i, 1, MARKED(TLP_GREEN))), GATE_NEW);
        lsns[i] = b.last_lsn;
    }
    bench_settle(&b);
    assert_int_equal(gate_recall_reach(b.gate, lsns, LIMIT_RECALL_DAY, b.now_us, &told), ERR_OK);
    assert_false(told.waits);
    assert_int_equal(gate_recall_reach(b.gate, lsns, LIMIT_RECALL_DAY + 1, b.now_us, &told), ERR_OK);
    assert_true(told.waits);
    assert_int_equal(gate_recall(b.gate, lsns, LIMIT_RECALL_DAY, DEADLINE, &officer, true, b.now_us, &told),
                     ERR_OK);
    assert_int_equal(carry_out(&b), 1);
    /* The day's last object is one too many. */
    uint64_t last = lsns[LIMIT_RECALL_DAY];
    assert_int_equal(gate_recall(b.gate, &last, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_true(told.waits);
    assert_int_equal(shown(&b, LIMIT_RECALL_DAY), 0);
    assert_int_equal(carry_out(&b), 0);
    assert_false(gate_is_destroyed(b.gate, last));
    struct gate_recall_which which = {.number = last};
    assert_int_equal(gate_recall_confirm(b.gate, &which, &officer, b.now_us, &agreed, &first), ERR_DENIED);
    bench_reopen(&b);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(gate_recall_confirm(b.gate, &which, &by_other, b.now_us, &agreed, &first), ERR_OK);
    assert_int_equal(agreed, 1);
    assert_int_equal(carry_out(&b), 1);
    assert_true(gate_is_destroyed(b.gate, last));
    assert_int_equal(gate_recall_confirm(b.gate, &which, &by_other, b.now_us, &agreed, &first), ERR_NOTFOUND);
    expect_whole(&b);
    bench_deinit(&b);
}

/* The first officer is declared no more when the second comes, or has another key: two words are wanted
 * still. */
static void who_is_no_officer_any_more(void **state)
{
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    struct gate_by third = {STR("third"), STR("so did I")};
    struct str names[] = {STR("officer"), STR("second"), STR("third")};
    struct gate_operators operators = {3, names};
    size_t agreed = 0, first = 0;
    (void)state;
    bench_init(&b);
    gate_close(b.gate);
    struct gate_setup setup = {
        .os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .diag = &bench_diag, .persons = &operators};
    assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
    gate_recall_budget(b.gate, 0);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_true(told.waits);
    names[0] = STR("officer (key QHZsrTGrAzQk+Iu9)");
    struct gate_recall_which which = {.number = lsn};
    assert_int_equal(gate_recall_confirm(b.gate, &which, &by_other, b.now_us, &agreed, &first), ERR_OK);
    assert_int_equal(agreed, 0);
    assert_int_equal(first, 1);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(gate_recall_confirm(b.gate, &which, &third, b.now_us, &agreed, &first), ERR_OK);
    assert_int_equal(agreed, 1);
    assert_int_equal(carry_out(&b), 1);
    bench_deinit(&b);
}

/* A holder's answer: only for a leaf that is a recall of his, once. */
static void answers(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned us = bench_partner(&b, "us-cisa");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(carry_out(&b), 1);
    assert_int_equal(gate_recall_answered(b.gate, us, 0, false, bytes_of("note", 4), b.now_us), ERR_NOTFOUND);
    assert_int_equal(gate_recall_answered(b.gate, us, 1, false, bytes_of("note", 4), b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_int_equal(gate_recall_answered(b.gate, us, 1, false, bytes_of("note", 4), b.now_us), ERR_EXISTS);
    bench_deinit(&b);
}

static struct gate_recall_counts counts_at(struct bench *b, int64_t now_us)
{
    struct gate_recall_counts counts;
    assert_int_equal(gate_recall_count(b->gate, now_us, &counts), ERR_OK);
    return counts;
}

/* Who is asked, who let the deadline pass, who keeps it under an order and who is done: each counted once. */
static void deadlines(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned us = bench_partner(&b, "us-cisa"), jp = bench_partner(&b, "jp-nisc"), au;
    assert_int_equal(
        gate_peer_put(b.gate, STR("au"), STR(""), STR("AU"), bytes_of(NULL, 0), &by_test, b.now_us, &au),
        ERR_OK);
    assert_int_equal(gate_peer_set(b.gate, au, GATE_PEER_STARTED, false, &by_test, b.now_us), ERR_OK);
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    assert_int_equal(counts_at(&b, b.now_us).pending, 0);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(carry_out(&b), 1);
    for (int round = 0; round < 2; round++) {
        struct gate_recall_counts counts = counts_at(&b, DEADLINE);
        assert_int_equal(counts.pending, 2);
        assert_int_equal(counts.cannot, 1);
        assert_int_equal(counts.overdue, 0);
        assert_int_equal(counts.next_us, DEADLINE);
        counts = counts_at(&b, DEADLINE + 1);
        assert_int_equal(counts.overdue, 2);
        assert_int_equal(counts.pending, 0);
        assert_int_equal(counts.overdue_us, DEADLINE);
        assert_int_equal(counts.next_us, INT64_MAX);
        bench_reopen(&b);
    }
    assert_int_equal(gate_recall_answered(b.gate, us, 1, true, bytes_of("note", 4), b.now_us), ERR_OK);
    assert_int_equal(gate_recall_answered(b.gate, us, 1, true, bytes_of("note", 4), b.now_us), ERR_EXISTS);
    assert_int_equal(gate_recall_answered(b.gate, jp, 1, false, bytes_of("note", 4), b.now_us), ERR_OK);
    assert_int_equal(gate_recall_answered(b.gate, jp, 1, true, bytes_of("note", 4), b.now_us), ERR_EXISTS);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    struct gate_recall_counts counts = counts_at(&b, DEADLINE + 1);
    assert_true(counts.held == 1 && counts.done == 1 && counts.overdue == 0);
    assert_int_equal(gate_recall_answered(b.gate, us, 1, false, bytes_of("note", 4), b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    counts = counts_at(&b, DEADLINE + 1);
    assert_true(counts.held == 0 && counts.done == 2);
    bench_deinit(&b);
}

/* --- legal hold --- */

static void count_legal(void *ctx, const struct gate_legal *legal)
{
    assert_true(str_eq(legal->by, officer.who));
    ++*(size_t *)ctx;
}

static err_t owed_held(struct bench *b, const struct giver *g, bool *out_held)
{
    struct gate_recall_owed answer = {0};
    err_t err = gate_recall_owed(b->gate, g->partner, 0, &answer);
    *out_held = answer.held;
    return err;
}

/* Called back by its giver: suspended, kept, answered so once; when the order is lifted it goes, and that is
 * answered too. Through a restart and a replay at each step. */
static void held_under_order(void **state)
{
    (void)state;
    struct bench b;
    struct giver us;
    char text[TEXT_MAX];
    bool held = false;
    size_t orders = 0;
    struct stix_key key = key_of("indicator", 1);
    bench_init(&b);
    giver_init(&b, &us, "us-cisa");
    unsigned jp = bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    uint64_t at = give(&b, &us, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    bench_settle(&b);
    assert_int_equal(gate_legal_put(b.gate, &key, false, &officer, b.now_us), ERR_NOTFOUND);
    assert_int_equal(gate_legal_put(b.gate, &key, true, &officer, b.now_us), ERR_OK);
    assert_int_equal(gate_legal_put(b.gate, &key, true, &officer, b.now_us), ERR_EXISTS);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(shown(&b, 1), 1); /* an order hides nothing */
    assert_false(call_back(&b, &us, at).refused);
    uint64_t lsn;
    size_t count;
    assert_int_equal(gate_spill_copies(b.gate, &key, &lsn, 1, &count), ERR_OK);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(shown(&b, 1), 0);
        assert_int_equal(carry_out(&b), 0);
        assert_false(gate_is_destroyed(b.gate, lsn));
        assert_int_equal(ops(&b, jp, LEAF_RECALL), 1); /* it travels on all the same */
        assert_int_equal(owed_held(&b, &us, &held), ERR_OK);
        assert_true(held);
        struct gate_destroyed gone;
        assert_int_equal(gate_spill_destroy(b.gate, &lsn, 1, &by_other, b.now_us, &gone), ERR_WRONGSTATE);
        orders = 0;
        assert_int_equal(gate_legal_each(b.gate, count_legal, &orders), ERR_OK);
        assert_int_equal(orders, 1);
        if (round == 1)
            bench_reopen(&b);
        else
            bench_reindex(&b);
    }
    assert_int_equal(gate_recall_acknowledged(b.gate, us.partner, 1, true, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(owed_held(&b, &us, &held), ERR_NOTFOUND);
    bench_reopen(&b);
    assert_int_equal(owed_held(&b, &us, &held), ERR_NOTFOUND);
    assert_int_equal(gate_legal_put(b.gate, &key, false, &officer, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(owed_held(&b, &us, &held), ERR_NOTFOUND); /* not gone yet */
    assert_int_equal(carry_out(&b), 1);
    assert_true(gate_is_destroyed(b.gate, lsn));
    assert_int_equal(owed_held(&b, &us, &held), ERR_OK);
    assert_false(held);
    expect_whole(&b);
    buf_deinit(&us.cursor.note);
    bench_deinit(&b);
}

/* Files below this folder of the node that hold these bytes. */
static size_t files_with(struct bench *b, const char *folder, const void *part, size_t len)
{
    char command[160], path[512];
    size_t count = 0;
    (void)snprintf(command, sizeof command, "find %s/%s -type f", b->dir, folder);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    while (fgets(path, sizeof path, list) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        FILE *file = fopen(path, "rb");
        struct stat st;
        if (file == NULL)
            continue;
        assert_int_equal(fstat(fileno(file), &st), 0);
        char *bytes = mem_alloc((size_t)st.st_size + 1);
        size_t got = fread(bytes, 1, (size_t)st.st_size, file);
        (void)fclose(file);
        count += memmem(bytes, got, part, len) != NULL;
        mem_free(bytes);
    }
    (void)pclose(list);
    return count;
}

static struct hash canonical_hash(const char *text)
{
    struct json_parser *parser;
    struct json_doc doc;
    struct stix_object object;
    struct arena arena;
    struct buf canon;
    char padded[TEXT_MAX + JSON_PADDING] = {0};
    (void)snprintf(padded, TEXT_MAX, "%s", text);
    arena_init(&arena, 1 << 20);
    buf_init(&canon, TEXT_MAX * 2);
    assert_int_equal(json_parser_new(TEXT_MAX, &parser), ERR_OK);
    assert_int_equal(json_parse(parser, bytes_of(padded, strlen(padded)), &doc, NULL), ERR_OK);
    assert_int_equal(stix_read_held(json_root(&doc), &arena, &object), ERR_OK);
    assert_int_equal(stix_canon(&object, &canon, NULL), ERR_OK);
    struct hash hash = hash_sha256(buf_bytes(&canon));
    json_parser_free(parser);
    buf_deinit(&canon);
    arena_deinit(&arena);
    return hash;
}

/* Who guesses the content cannot confirm the guess: no file holds a plain hash of it, nor its head. While it
 * is held the index does. */
static void tombstones_are_keyed(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_recalled told;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    bench_partner(&b, "us-cisa");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    struct hash canon = canonical_hash(text), bytes = hash_sha256(bytes_from_str(str_of(text)));
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    assert_int_equal(gate_merge(b.gate, true), ERR_OK);
    assert_in_range(files_with(&b, "index", canon.b, 16), 1, 9);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(carry_out(&b), 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(bench_add(&b, feed, text), GATE_REFUSED); /* and yet it is known */
        bench_reindex(&b);
        assert_int_equal(gate_merge(b.gate, true), ERR_OK);
        for (size_t i = 0; i < 3; i++) {
            static const char *const folders[] = {"log", "keys", "ledger"};
            assert_int_equal(files_with(&b, folders[i], canon.b, 16), 0);
            assert_int_equal(files_with(&b, folders[i], bytes.b, 16), 0);
        }
    }
    bench_deinit(&b);
}

/* --- the power goes --- */

struct life {
    struct bench b;
    struct disk *disk;
    struct index *index;
    uint64_t lsn;
    uint32_t feed;
    char text[TEXT_MAX];
};

enum { TURNS = 8 }; /* at each place */

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
    *l = (struct life) {.disk = disk_new(seed)};
    l->b = (struct bench) {.now_us = NOW, .key = sign_key_from_seed(key)};
    assert_int_equal(index_mem_new(&l->index), ERR_OK);
    assert_int_equal(wake(l), ERR_OK);
    l->feed = bench_source(&l->b, "feed", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&l->b, "us-cisa");
    bench_policy_text(&l->b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(bench_add(&l->b, l->feed, indicator(l->text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    l->lsn = l->b.last_lsn;
    bench_settle(&l->b);
    bench_sign(&l->b);
}

/* From the word to PURGED; stops where the power goes. *out_said: the word was acknowledged. */
static err_t whole_way(struct life *l, bool *out_said)
{
    struct gate_recalled told;
    bool more = true, did = true;
    int64_t next;
    err_t err = gate_recall(l->b.gate, &l->lsn, 1, DEADLINE, &officer, true, l->b.now_us, &told);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    *out_said = true;
    while (more)
        if (TRY(err, gate_step(l->b.gate, l->b.now_us++, &more, &next)))
            return err;
    if (TRY(err, gate_commit(l->b.gate)))
        return err;
    while (did)
        if (TRY(err, gate_recall_step(l->b.gate, l->b.now_us, &did)))
            return err;
    return gate_purge(l->b.gate, NULL, l->b.now_us);
}

static bool count_content(void *ctx, const struct gate_leaf *leaf)
{
    *(size_t *)ctx += leaf->object.len > 0;
    return true;
}

/* The disk refuses the group in which somebody is told that it is over: what was denied, or called back,
 * before is not given again until a restart. */
static void the_disk_refuses(void **state)
{
    (void)state;
    static struct life l;
    struct gate_recalled told;
    struct policy_fault fault;
    for (unsigned recall = 0; recall <= 1; recall++) {
        size_t given = 0;
        bool more = true;
        int64_t next;
        born(&l, 1);
        err_t err = recall
                        ? gate_recall(l.b.gate, &l.lsn, 1, DEADLINE, &officer, true, l.b.now_us, &told)
                        : gate_policy_activate(l.b.gate, STR("language 1\ndeny no if tlp <= green to all\n"),
                                               &officer, l.b.now_us, &fault);
        assert_int_equal(err, ERR_OK);
        assert_int_equal(gate_commit(l.b.gate), ERR_OK);
        disk_faults(l.disk)->write_fails = 1;
        while (more && gate_step(l.b.gate, l.b.now_us++, &more, &next) == ERR_OK)
            if (gate_commit(l.b.gate) != ERR_OK)
                break;
        assert_true(gate_health(l.b.gate).read_only);
        err = gate_leaves(l.b.gate, 0, 0, count_content, &given);
        assert_true(err == ERR_OK || err == ERR_BUSY);
        assert_int_equal(given, 0);
        gate_close(l.b.gate);
        l.index->ops->close(l.index);
        disk_free(l.disk);
    }
}

/* After every change of the disk in turn: once the word was given it holds, and in the end all of it is done;
 * also when the index is lost as well, and a secret was half overwritten. */
static void power_goes(void **state)
{
    (void)state;
    static struct life l;
    bool whole = false;
    size_t lives = 0;
    for (uint64_t turn = TURNS; !whole || turn % TURNS != 0; turn++) {
        bool said = false;
        uint64_t at = turn / TURNS;
        born(&l, turn);
        disk_faults(l.disk)->power_fails = at;
        err_t err = whole_way(&l, &said);
        whole = err == ERR_OK && !disk_dead(l.disk);
        lives++;
        gate_close(l.b.gate);
        disk_crash(l.disk);
        if (turn % 2 != 0)
            assert_int_equal(index_mem_rollback(l.index, 0), ERR_OK);
        assert_int_equal(wake(&l), ERR_OK);
        if (said)
            assert_int_equal(shown(&l.b, 1), 0);
        assert_int_equal(whole_way(&l, &said), ERR_OK);
        assert_true(gate_is_destroyed(l.b.gate, l.lsn));
        assert_false(gate_purge_due(l.b.gate));
        assert_int_equal(ops(&l.b, 0, LEAF_RECALL), 1);
        assert_int_equal(bench_add(&l.b, l.feed, l.text), GATE_REFUSED);
        expect_whole(&l.b);
        gate_close(l.b.gate);
        l.index->ops->close(l.index);
        disk_free(l.disk);
    }
    print_message("# the power went at %zu places\n", lives - 1);
    assert_in_range(lives, 10, 1000);
}

/* --- ...and there are copies of the key file --- */

enum { KEY_BYTES = 4096 + 32 * 64 };

static const struct str copies[] = {{"usb/a", 5}, {"usb/b", 5}};

static err_t copies_on(struct life *l)
{
    bool more = true;
    err_t err = gate_key_copies_set(l->b.gate, copies, 2, &officer, l->b.now_us);
    while (more && err == ERR_OK)
        err = gate_key_copies_step(l->b.gate, l->b.now_us, &more);
    return err;
}

static err_t way_with_copies(struct life *l, bool *out_said)
{
    err_t err = copies_on(l);
    if (err != ERR_OK || TRY(err, whole_way(l, out_said)))
        return err;
    return copies_on(l);
}

static bool read_keys(struct life *l, const char *dir, uint8_t out[KEY_BYTES])
{
    char path[64];
    struct os_file *file;
    const struct os *os = disk_os(l->disk);
    (void)snprintf(path, sizeof path, "%s/secrets.key", dir);
    memset(out, 0, KEY_BYTES);
    if (os->file_open(os->ctx, path, OS_READ, &file) != ERR_OK)
        return false;
    err_t err = os->file_read(os->ctx, file, 0, out, KEY_BYTES);
    os->file_close(os->ctx, file);
    return err == ERR_OK;
}

/* What the key file has destroyed is in no copy; with `equal` they hold all the rest. */
static void expect_copies(struct life *l, bool equal)
{
    static uint8_t ours[KEY_BYTES], theirs[KEY_BYTES];
    static const uint8_t zero[32];
    size_t held = 0, gone = 0, end = 4096 + 32 * (size_t)gate_key_slots(l->b.gate);
    assert_in_range(end, 4096, KEY_BYTES);
    assert_true(read_keys(l, "base/node/keys", ours));
    for (size_t i = 0; i < 2; i++) {
        bool there = read_keys(l, copies[i].at, theirs);
        assert_true(there || !equal);
        for (size_t slot = 4096; there && slot < end; slot += 32) {
            bool is_gone = memcmp(ours + slot, zero, 32) == 0;
            gone += is_gone;
            held += !is_gone;
            if (is_gone || equal)
                assert_memory_equal(theirs + slot, ours + slot, 32);
        }
    }
    assert_true(!equal || (held > 0 && gone > 0));
}

/* Whoever says that it is gone, before or after the power went, is right. */
static void power_goes_with_copies(void **state)
{
    (void)state;
    static struct life l;
    bool whole = false;
    size_t lives = 0, sure = 0;
    for (uint64_t turn = TURNS; !whole || turn % TURNS != 0; turn++) {
        bool said = false;
        struct gate_key_copies_count count;
        born(&l, turn);
        disk_faults(l.disk)->power_fails = turn / TURNS;
        err_t err = way_with_copies(&l, &said);
        whole = err == ERR_OK && !disk_dead(l.disk);
        lives++;
        gate_close(l.b.gate);
        disk_crash(l.disk);
        if (turn % 2 != 0)
            assert_int_equal(index_mem_rollback(l.index, 0), ERR_OK);
        assert_int_equal(wake(&l), ERR_OK);
        gate_key_copies_count(l.b.gate, &count);
        bool was_sure = gate_is_destroyed(l.b.gate, l.lsn) && !gate_purge_due(l.b.gate) &&
                        !gate_is_unconfirmed(l.b.gate, l.lsn) && count.registered == 2;
        sure += was_sure;
        if (was_sure)
            expect_copies(&l, false);
        assert_int_equal(way_with_copies(&l, &said), ERR_OK);
        gate_key_copies_count(l.b.gate, &count);
        assert_true(gate_is_destroyed(l.b.gate, l.lsn) && !gate_purge_due(l.b.gate));
        assert_int_equal(count.unconfirmed + count.away + count.behind, 0);
        expect_copies(&l, true);
        expect_whole(&l.b);
        gate_close(l.b.gate);
        l.index->ops->close(l.index);
        disk_free(l.disk);
    }
    print_message("# the power went at %zu places, and %zu times all was said to be gone\n", lives - 1, sure);
    assert_true(lives > 100 && sure > 0);
}

/* An index of before the recall comes back, from a backup: under which identifier what is destroyed stands
 * there nobody can read any more. What comes under it afterwards goes like anything else. */
static void an_older_index(void **state)
{
    (void)state;
    static struct life l;
    struct gate_recalled told;
    bool said;
    born(&l, 1);
    assert_int_equal(gate_merge(l.b.gate, true), ERR_OK);
    size_t before = index_mem_states(l.index);
    assert_int_equal(whole_way(&l, &said), ERR_OK);
    assert_true(gate_is_destroyed(l.b.gate, l.lsn));
    gate_close(l.b.gate);
    assert_int_equal(index_mem_rollback(l.index, before), ERR_OK);
    assert_int_equal(wake(&l), ERR_OK);
    uint32_t other = bench_source(&l.b, "other", STIX_TLP_CLEAR, true, false);
    assert_int_equal(bench_add(&l.b, other, l.text), GATE_NEW);
    uint64_t lsn = l.b.last_lsn;
    bench_settle(&l.b);
    assert_int_equal(shown(&l.b, 1), 1);
    assert_int_equal(gate_recall(l.b.gate, &lsn, 1, DEADLINE, &officer, true, l.b.now_us, &told), ERR_OK);
    assert_int_equal(carry_out(&l.b), 1);
    assert_true(gate_is_destroyed(l.b.gate, lsn));
    assert_int_equal(ops(&l.b, 0, LEAF_RECALL), 2);
    expect_whole(&l.b);
    gate_close(l.b.gate);
    l.index->ops->close(l.index);
    disk_free(l.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_who_had_it),
        cmocka_unit_test(who_knew_it),
        cmocka_unit_test(minted_copies),
        cmocka_unit_test(two_officers),
        cmocka_unit_test(who_is_no_officer_any_more),
        cmocka_unit_test(answers),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(held_under_order),
        cmocka_unit_test(tombstones_are_keyed),
        cmocka_unit_test(the_disk_refuses),
        cmocka_unit_test(power_goes),
        cmocka_unit_test(power_goes_with_copies),
        cmocka_unit_test(an_older_index),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
