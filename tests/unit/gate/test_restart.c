/* A restart at every point changes nothing, whatever of the index was merged; and check finds what was bent.
 */
#include "gate_test.h"

#include <dirent.h>

#include "gate/state.h"

/* All that can be seen from outside, as one digest. */
static bool mix_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct buf *seen = ctx;
    uint8_t raw[LEAF_SIZE];
    leaf_encode(&leaf->leaf, raw);
    buf_put(seen, raw, sizeof raw);
    buf_put(seen, &leaf->opening, sizeof leaf->opening);
    buf_put(seen, leaf->object.at, leaf->object.len);
    return true;
}

static bool mix_object(void *ctx, const struct gate_object *object)
{
    struct buf *seen = ctx;
    uint64_t numbers[] = {object->lsn,       object->released,    object->newest,
                          object->assertion, object->quarantined, object->current_view};
    buf_put(seen, numbers, sizeof numbers);
    buf_put(seen, object->bytes.at, object->bytes.len);
    return true;
}

static bool mix_quarantined(void *ctx, const struct gate_quarantined *entry)
{
    struct buf *seen = ctx;
    buf_put(seen, &entry->lsn, sizeof entry->lsn);
    buf_put(seen, entry->bytes.at, entry->bytes.len);
    return true;
}

static void mix_rule(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    struct buf *seen = ctx;
    buf_put(seen, name.at, name.len);
    buf_put(seen, &effect, sizeof effect);
    buf_put(seen, &count, sizeof count);
}

static struct hash picture(struct bench *b)
{
    struct buf seen;
    struct gate_counts counts;
    buf_init(&seen, 64 << 20);
    gate_counts(b->gate, &counts);
    counts.applied_lsn = 0; /* how far the index is: the one thing that may differ */
    buf_put(&seen, &counts, sizeof counts);
    for (unsigned p = 0; p < gate_peer_count(b->gate); p++) {
        struct gate_tally tally = bench_tally(b, p);
        struct gate_ledger ledger;
        assert_int_equal(gate_ledger(b->gate, p, &ledger), ERR_OK);
        uint64_t numbers[] = {ledger.size, ledger.visible, (uint64_t)ledger.last_time_us, ledger.receipted};
        buf_put(&seen, &tally, sizeof tally);
        buf_put(&seen, numbers, sizeof numbers);
        buf_put(&seen, ledger.visible_root.b, HASH_SIZE);
        assert_int_equal(gate_tally_rules(b->gate, p, mix_rule, &seen), ERR_OK);
        assert_int_equal(gate_leaves(b->gate, p, 0, mix_leaf, &seen), ERR_OK);
    }
    for (uint32_t s = 1; s <= gate_source_count(b->gate); s++)
        assert_int_equal(gate_source_objects(b->gate, s, 0, mix_object, &seen), ERR_OK);
    assert_int_equal(gate_quarantine_list(b->gate, 0, mix_quarantined, &seen), ERR_OK);
    assert_int_equal(buf_err(&seen), ERR_OK);
    struct hash hash = hash_sha256(buf_bytes(&seen));
    buf_deinit(&seen);
    return hash;
}

static void clean(struct bench *b)
{
    uint64_t bad = 1;
    assert_int_equal(gate_check(b->gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

/* As an earlier version logged it: an update reads on, in every way that a log is read. */
static void a_policy_of_an_earlier_version_is_read(void **state)
{
    (void)state;
    static const char text[] = "language 1\ndeny d if collection == inbox and tlp > green\n"
                               "release r if tlp <= green to all\n";
    struct bench b;
    uint64_t lsn;
    char object[TEXT_MAX];
    struct policy_fault fault;
    bench_init(&b);
    unsigned us = bench_partner(&b, "us-cisa");
    uint32_t own = bench_source(&b, "own", STIX_TLP_NONE, true, false);
    assert_int_equal(gate_policy_activate(b.gate, STR(text), &by_test, b.now_us, &fault), ERR_NOTFOUND);
    struct record_policy policy = {b.now_us, by_test.who, STR(text)};
    buf_clear(&b.gate->record);
    record_policy_write(&b.gate->record, &policy);
    assert_int_equal(gate_append(b.gate, FRAME_POLICY, &lsn), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_true(str_eq(policy_text(gate_policy(b.gate)), STR(text)));
    (void)bench_add(&b, own, indicator(object, 1, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&b, own, indicator(object, 2, 1, MARKED(TLP_AMBER)));
    bench_settle(&b);
    assert_int_equal(bench_tally(&b, us).released, 1);
    assert_int_equal(bench_tally(&b, us).denied, 1);
    struct hash before = picture(&b);
    bench_reindex(&b);
    struct hash after = picture(&b);
    assert_true(hash_eq(&before, &after));
    clean(&b);
    assert_int_equal(gate_policy_activate(b.gate, STR(text), &by_test, b.now_us, &fault), ERR_NOTFOUND);
    assert_int_equal(fault.line, 2);
    bench_deinit(&b);
}

enum { STEPS = 14 };

static void state_facts(struct bench *b)
{
    struct stix_key key = key_of("indicator", 3);
    assert_int_equal(gate_tag(b->gate, &key, STR("share:us-cisa"), true, &by_test, b->now_us), ERR_OK);
    assert_int_equal(gate_stop(b->gate, GATE_STOP_PARTNER, STR("jp-nisc"), true, &by_test, b->now_us),
                     ERR_OK);
    (void)bench_source(b, "own", STIX_TLP_CLEAR, true, false);
    assert_int_equal(gate_setting_put(b->gate, STR("name"), bytes_of("value", 5), &by_test, b->now_us),
                     ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

/* One thing that happens to a node. */
static void happen(struct bench *b, int step)
{
    char text[TEXT_MAX];
    uint32_t own = 3, theirs = 1; /* sources in order of birth: two partners', then ours */
    switch (step) {
    case 0:
        bench_policy(b);
        (void)bench_partner(b, "us-cisa");
        (void)bench_partner(b, "jp-nisc");
        assert_int_equal(bench_source(b, "own", STIX_TLP_NONE, true, false), own);
        break;
    case 1:
        for (int i = 1; i <= 2; i++)
            (void)bench_add(b, own, indicator(text, i, 1, MARKED(TLP_GREEN)));
        (void)bench_add(b, own, indicator(text, 3, 1, MARKED(TLP_AMBER)));
        (void)bench_add(b, own, indicator(text, 4, 1, ""));
        (void)bench_add(b, own, relationship(text, 1, 1, 9, MARKED(TLP_GREEN)));
        break;
    case 2:
    case 6:
    case 10:
        bench_settle(b);
        break;
    case 3:
    case 11:
        bench_sign(b);
        break;
    case 4:
        (void)bench_add(b, own, indicator(text, 1, 1, ",\"confidence\":1"));
        (void)bench_add(b, own, indicator(text, 2, 2, MARKED(TLP_RED)));
        (void)bench_add(b, own, "{\"type\":\"indicator\"}");
        (void)bench_add(b, own, "{\"type\":\"malware\"}");
        break;
    case 5:
        (void)bench_add(b, theirs, indicator(text, 9, 1, MARKED(TLP_GREEN)));
        (void)bench_add(b, theirs, indicator(text, 1, 1, MARKED(TLP_GREEN)));
        (void)bench_add(b, theirs, indicator(text, 1, 5, MARKED(TLP_GREEN)));
        break;
    case 7:
        state_facts(b);
        break;
    case 8: {
        bool more;
        int64_t next;
        assert_int_equal(gate_step(b->gate, b->now_us, &more, &next), ERR_OK);
        assert_true(more); /* jobs wait across the restart */
        assert_int_equal(gate_commit(b->gate), ERR_OK);
        break;
    }
    case 9:
        b->now_us += INT64_C(3600) * 1000000;
        (void)bench_add(b, own, indicator(text, 1, 9, MARKED(TLP_GREEN) ",\"revoked\":true"));
        break;
    case 12: {
        struct gate_ledger ledger;
        assert_int_equal(gate_ledger(b->gate, 0, &ledger), ERR_OK);
        assert_true(ledger.visible > 2);
        assert_int_equal(gate_receipt(b->gate, 0, ledger.visible, 1, bytes_of("notes", 5), b->now_us),
                         ERR_OK);
        assert_int_equal(gate_commit(b->gate), ERR_OK);
        break;
    }
    default:
        assert_int_equal(gate_stop(b->gate, GATE_STOP_PARTNER, STR("jp-nisc"), false, &by_test, b->now_us),
                         ERR_OK);
        bench_settle(b);
        bench_sign(b);
    }
}

/* `when`: after which steps it is restarted; `merge`: before which of them the index is merged. */
static void live(struct bench *b, unsigned when, unsigned merge)
{
    bench_init(b);
    for (int step = 0; step < STEPS; step++) {
        happen(b, step);
        assert_int_equal(gate_commit(b->gate), ERR_OK);
        if (merge >> step & 1)
            assert_int_equal(gate_merge(b->gate, true), ERR_OK);
        if ((when >> step & 1) == 0)
            continue;
        struct hash before = picture(b);
        bench_reopen(b);
        struct hash after = picture(b);
        assert_memory_equal(before.b, after.b, HASH_SIZE);
        struct buf value;
        buf_init(&value, 100);
        assert_int_equal(gate_setting_get(b->gate, STR("name"), &value), step >= 7);
        buf_deinit(&value);
    }
    clean(b);
}

static void at_every_point(void **state)
{
    (void)state;
    static const unsigned merges[] = {0, 0x3fff, 0x1555, 0x2aaa, 0x0124, 0x0040};
    struct gate_tally tally[2], first[2];
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        for (int often = 0; often < 2; often++) {
            struct bench b;
            live(&b, often == 0 ? 0x3fff : 0x1249, merges[i]);
            for (unsigned p = 0; p < 2; p++)
                tally[p] = bench_tally(&b, p);
            if (i == 0 && often == 0)
                memcpy(first, tally, sizeof first);
            assert_memory_equal(first, tally, sizeof first);
            assert_true(tally[0].released > 2);
            bench_deinit(&b);
        }
    }
}

/* --- planted corruption --- */

/* Turns one bit of each occurrence of `needle` (an index keeps stale pages too); false when it is not there.
 */
static bool bend(const char *path, const void *needle, size_t len)
{
    bool found = false;
    FILE *file = fopen(path, "r+b");
    if (file == NULL)
        return false;
    (void)fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    uint8_t *text = mem_alloc(size + 1);
    (void)fseek(file, 0, SEEK_SET);
    assert_int_equal(fread(text, 1, size, file), size);
    for (uint8_t *at = text; (at = memmem(at, size - (size_t)(at - text), needle, len)) != NULL; at++) {
        uint8_t bent = *at ^ 1;
        found = true;
        (void)fseek(file, at - text, SEEK_SET);
        assert_int_equal(fwrite(&bent, 1, 1, file), 1);
    }
    (void)fclose(file);
    mem_free(text);
    return found;
}

static unsigned bend_all(const char *dir, const void *needle, size_t len)
{
    unsigned bent = 0;
    struct dirent *entry;
    DIR *files = opendir(dir);
    assert_non_null(files);
    while ((entry = readdir(files)) != NULL) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.')
            bent += bend(path, needle, len);
    }
    (void)closedir(files);
    return bent;
}

/* The gate opens or says why not; what opens is found out. */
static bool found_out(struct bench *b)
{
    struct gate_setup setup = {.os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .diag = NULL};
    uint64_t bad = 0;
    if (gate_open(&setup, &b->gate) != ERR_OK) {
        b->gate = NULL;
        return true;
    }
    return gate_check(b->gate, NULL, NULL, &bad) != ERR_OK || bad > 0;
}

static void planted(const char *below, const void *needle, size_t len)
{
    struct bench b;
    char dir[128];
    live(&b, 0, 0x3fff);
    gate_close(b.gate);
    (void)snprintf(dir, sizeof dir, "%s/%s", b.dir, below);
    assert_true(bend_all(dir, needle, len) > 0);
    assert_true(found_out(&b));
    bench_deinit(&b);
}

static void check_finds_a_bent_tile(void **state)
{
    (void)state;
    struct bench b;
    struct gate_ledger ledger;
    char path[1024];
    live(&b, 0, 0x3fff);
    assert_int_equal(gate_ledger(b.gate, 0, &ledger), ERR_OK);
    gate_close(b.gate);
    (void)snprintf(path, sizeof path, "%s/ledger", b.dir);
    DIR *files = opendir(path);
    assert_non_null(files);
    struct dirent *entry;
    unsigned bent = 0;
    while ((entry = readdir(files)) != NULL) {
        if (strncmp(entry->d_name, "us-cisa", 7) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/ledger/%s", b.dir, entry->d_name);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        (void)fseek(file, 5, SEEK_SET);
        int c = fgetc(file);
        (void)fseek(file, 5, SEEK_SET);
        assert_int_equal(fputc(c ^ 1, file), c ^ 1);
        (void)fclose(file);
        bent++;
    }
    (void)closedir(files);
    assert_true(bent > 0);
    assert_true(found_out(&b));
    bench_deinit(&b);
}

static void check_finds_a_bent_frame(void **state)
{
    (void)state;
    planted("log", "language 1", 10); /* the policy stands in clear */
}

/* The head of the canonical text's digest in the ID table, and an object's key in the table of references. */
static void check_finds_a_bent_index(void **state)
{
    (void)state;
    struct stix_key key = key_of("indicator", 9);
    planted("index", key.b, STIX_KEY_SIZE);
    key = key_of("relationship", 1);
    planted("index", key.b, STIX_KEY_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_of_an_earlier_version_is_read),
        cmocka_unit_test(at_every_point),
        cmocka_unit_test(check_finds_a_bent_tile),
        cmocka_unit_test(check_finds_a_bent_frame),
        cmocka_unit_test(check_finds_a_bent_index),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate restart", tests, NULL, NULL);
}
