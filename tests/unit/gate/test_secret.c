/* Where the secret stands that identifiers are minted under: in the key file, in no byte of the log. */
#include "gate_test.h"

#include <dirent.h>

#include "gate/mint.h"

#define CUT                                                                                                  \
    ",\"description\":\"d\",\"granular_markings\":[{\"marking_ref\":\"" TLP_RED                              \
    "\",\"selectors\":[\"description\"]}]"

static const char policy[] = "language 1\nrelease open if tlp <= green to all\n";

static void node_init(struct bench *b, const struct hash *old, unsigned *out_us, uint32_t *out_own)
{
    bench_init(b);
    if (old != NULL) { /* as earlier versions kept it */
        struct bytes value = bytes_of(old->b, HASH_SIZE);
        assert_int_equal(gate_setting_put(b->gate, STR("gate/mint"), value, &by_test, b->now_us), ERR_OK);
        assert_int_equal(gate_commit(b->gate), ERR_OK);
    }
    *out_us = bench_partner(b, "us-cisa");
    bench_policy_text(b, policy);
    *out_own = bench_source(b, "own", STIX_TLP_CLEAR, true, false);
}

/* How often these bytes stand in the files of a folder of the store. */
static size_t found_in(const struct bench *b, const char *folder, const struct hash *secret)
{
    char path[512];
    size_t found = 0;
    (void)snprintf(path, sizeof path, "%s/%s", b->dir, folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s/%s", b->dir, folder, entry->d_name);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        FILE *file = fopen(path, "rb");
        char *all = mem_alloc((size_t)st.st_size + 1);
        assert_non_null(file);
        assert_non_null(all);
        size_t len = fread(all, 1, (size_t)st.st_size, file);
        const char *at = all;
        while ((at = memmem(at, len - (size_t)(at - all), secret->b, HASH_SIZE)) != NULL)
            found++, at++;
        mem_free(all);
        (void)fclose(file);
    }
    (void)closedir(dir);
    return found;
}

static bool take_id(void *ctx, const struct gate_leaf *leaf)
{
    char *id = ctx;
    (void)snprintf(id, ID_MAX, "%.*s", STR_ARG(leaf->id));
    return true;
}

/* The last one that this partner got. */
static const char *last_id(struct bench *b, unsigned partner, char out[ID_MAX])
{
    out[0] = '\0';
    bench_settle(b);
    bench_sign(b);
    assert_int_equal(gate_leaves(b->gate, partner, 0, take_id, out), ERR_OK);
    return out;
}

struct findings {
    size_t lines, clear;
};

static void take_line(void *ctx, const char *text)
{
    struct findings *findings = ctx;
    findings->lines++;
    findings->clear += strstr(text, "in clear") != NULL;
}

static uint64_t check(struct bench *b, struct findings *out)
{
    uint64_t bad = 99;
    *out = (struct findings) {0};
    assert_int_equal(gate_check(b->gate, take_line, out, &bad), ERR_OK);
    return bad;
}

static void no_byte_of_the_log_holds_it(void **state)
{
    (void)state;
    struct bench b;
    struct hash secret, again;
    struct findings findings;
    char text[TEXT_MAX], id[ID_MAX], next[ID_MAX];
    unsigned us;
    uint32_t own;
    node_init(&b, NULL, &us, &own);
    (void)bench_add(&b, own, indicator(text, 1, 1, CUT));
    assert_string_not_equal(last_id(&b, us, id), "");
    assert_int_equal(gate_merge(b.gate, true), ERR_OK);
    assert_int_equal(secret_held(b.gate, &secret), ERR_OK);
    assert_int_equal(found_in(&b, "log", &secret), 0);
    assert_int_equal(found_in(&b, "index", &secret), 0);
    assert_int_equal(found_in(&b, "keys", &secret), 1);
    assert_int_equal(check(&b, &findings), 0);
    assert_int_equal(findings.lines, 0);
    /* An index made again finds it again, and what is minted keeps its name. */
    bench_reindex(&b);
    assert_int_equal(secret_held(b.gate, &again), ERR_OK);
    assert_memory_equal(again.b, secret.b, HASH_SIZE);
    (void)bench_add(&b, own, indicator(text, 1, 2, ",\"name\":\"n\"" CUT));
    assert_string_equal(last_id(&b, us, next), id);
    assert_int_equal(found_in(&b, "log", &secret), 0);
    bench_deinit(&b);
}

/* A log of an earlier version: the same secret, the same names; from here on it stands in the key file. */
static void an_older_store_takes_it_there(void **state)
{
    (void)state;
    static const struct hash old = {{7, 1, 9, 4, 4, 2, 200, 31, 5}};
    struct bench b;
    struct hash secret;
    struct buf held;
    struct findings findings;
    unsigned us;
    uint32_t own;
    bench_init(&b);
    assert_int_equal(gate_setting_put(b.gate, STR("gate/mint"), bytes_of(old.b, HASH_SIZE), &by_test, NOW),
                     ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(secret_held(b.gate, &secret),
                     ERR_OK); /* as it stands, also where nothing can be written */
    assert_memory_equal(secret.b, old.b, HASH_SIZE);
    assert_int_equal(found_in(&b, "log", &old), 1);
    assert_int_equal(found_in(&b, "keys", &old), 0);
    bench_settle(&b); /* the first step takes it over */
    bench_reopen(&b);
    us = bench_partner(&b, "us-cisa");
    bench_policy_text(&b, policy);
    own = bench_source(&b, "own", STIX_TLP_CLEAR, true, false);
    buf_init(&held, HASH_SIZE);
    assert_false(gate_setting_get(b.gate, STR("gate/mint"), &held));
    buf_deinit(&held);
    char text[TEXT_MAX], id[ID_MAX];
    (void)bench_add(&b, own, indicator(text, 1, 1, CUT));
    assert_string_not_equal(last_id(&b, us, id), "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(secret_held(b.gate, &secret), ERR_OK);
        assert_memory_equal(secret.b, old.b, HASH_SIZE);
        assert_int_equal(found_in(&b, "keys", &old), 1);
        assert_int_equal(found_in(&b, "log", &old), 1); /* where it stood: a log only grows */
        assert_int_equal(check(&b, &findings), 0);
        assert_int_equal(findings.lines, 1);
        assert_int_equal(findings.clear, 1);
        bench_reindex(&b);
    }
    bench_deinit(&b);
}

/* Its slot is overwritten like any other: nothing more is minted, what may go whole goes on. */
static void destroyed_it_is_gone(void **state)
{
    (void)state;
    struct bench b;
    struct hash secret, again;
    struct findings findings;
    char text[TEXT_MAX], id[ID_MAX], more[ID_MAX];
    unsigned us;
    uint32_t own;
    node_init(&b, NULL, &us, &own);
    (void)bench_add(&b, own, indicator(text, 1, 1, CUT));
    (void)last_id(&b, us, id);
    assert_int_equal(secret_held(b.gate, &secret), ERR_OK);
    uint64_t slot = b.gate->mint_slot - 1;
    assert_int_equal(store_secrets_destroy(b.gate->store, &slot, 1), ERR_OK);
    assert_int_equal(found_in(&b, "keys", &secret), 0);
    assert_true(check(&b, &findings) > 0);
    bench_reopen(&b);
    assert_int_equal(mint_secret(b.gate, b.now_us, &again), ERR_NOTFOUND); /* and draws no other */
    (void)bench_add(&b, own, indicator(text, 2, 1, CUT));
    (void)bench_add(&b, own, relationship(text, 1, 1, 3, "")); /* names what he knows by another name */
    assert_string_equal(last_id(&b, us, more), id);
    (void)bench_add(&b, own, indicator(text, 3, 1, ""));
    (void)id_of(id, "indicator", 3);
    assert_string_equal(last_id(&b, us, more), id);
    (void)bench_partner(&b, "jp-nisc");
    bench_deinit(&b);
}

/* A backup of the log alone: it can be read as far as it says anything, and mints nothing. */
static void without_the_key_file_it_is_useless(void **state)
{
    (void)state;
    struct bench b;
    struct hash secret;
    char text[TEXT_MAX], id[ID_MAX], path[256];
    unsigned us;
    uint32_t own;
    node_init(&b, NULL, &us, &own);
    (void)bench_add(&b, own, indicator(text, 1, 1, CUT));
    (void)last_id(&b, us, id);
    assert_int_equal(gate_merge(b.gate, true), ERR_OK);
    (void)snprintf(path, sizeof path, "%s/keys/secrets.key", b.dir);
    assert_int_equal(unlink(path), 0);
    bench_reopen(&b);
    assert_true(gate_health(b.gate).read_only);
    assert_int_not_equal(secret_held(b.gate, &secret), ERR_OK);
    assert_int_not_equal(mint_secret_of(b.gate, us, &secret), ERR_OK);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_of_the_log_holds_it),
        cmocka_unit_test(an_older_store_takes_it_there),
        cmocka_unit_test(destroyed_it_is_gone),
        cmocka_unit_test(without_the_key_file_it_is_useless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
