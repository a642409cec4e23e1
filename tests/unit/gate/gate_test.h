/* A gate on a temporary directory, with a signer in the keeper's place. Tests only. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "gate/gate.h"
#include "ledger/checkpoint.h"
#include "json/json.h"

#define NOW INT64_C(1800000000000000)

struct bench {
    char dir[64];
    struct gate *gate;
    struct sign_key key;
    int64_t now_us;
    size_t answers[GATE_REFUSED + 1];
    char last_fault[FAULT_WHAT_MAX];
    char last_pointer[FAULT_POINTER_MAX];
    err_t last_code;
    size_t last_offset; /* of the fault, from the start of the submission */
    uint64_t last_lsn;
    char last_id[LIMIT_ID_BYTES + 1];
    uint8_t hops; /* of the next submission */
};

static const struct gate_by by_test = {{"tester", 6}, {"because", 7}};

static inline void bench_line(void *ctx, const struct diag_line *line)
{
    (void)ctx;
    print_message("# %s: %s (%s)\n", line->room, line->what, err_text(line->err));
}

static const struct diag bench_diag = {bench_line, NULL};

/* What the store is sealed by: some of these programs run once more with another suite. */
static inline unsigned bench_suite(void)
{
    const char *suite = getenv("BONGSU_STORE_SUITE");
    return suite == NULL ? SUITE_1 : (unsigned)strtoul(suite, NULL, 10);
}

static inline void bench_open(struct bench *b)
{
    struct gate_setup setup = {
        .os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .suite = bench_suite(), .diag = &bench_diag};
    assert_int_equal(gate_open(&setup, &b->gate), ERR_OK);
}

static inline void bench_init(struct bench *b)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {7};
    *b = (struct bench) {.now_us = NOW, .key = sign_key_from_seed(seed)};
    (void)snprintf(b->dir, sizeof b->dir, "%s/bongsu-gate-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(b->dir));
    bench_open(b);
}

static inline void bench_reopen(struct bench *b)
{
    gate_close(b->gate);
    bench_open(b);
}

/* The index is made again from the log. */
static inline void bench_reindex(struct bench *b)
{
    struct gate_setup setup = {
        .os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    gate_close(b->gate);
    assert_int_equal(gate_open(&setup, &b->gate), ERR_OK);
}

static inline void bench_deinit(struct bench *b)
{
    char command[128];
    gate_close(b->gate);
    (void)snprintf(command, sizeof command, "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
}

static inline void bench_answer(void *ctx, const struct gate_answer *answer)
{
    struct bench *b = ctx;
    b->answers[answer->disposition]++;
    b->last_lsn = answer->lsn;
    (void)snprintf(b->last_id, sizeof b->last_id, "%.*s", STR_ARG(answer->id));
    if (answer->fault != NULL) {
        (void)snprintf(b->last_fault, sizeof b->last_fault, "%s", answer->fault->what);
        b->last_code = answer->fault->code;
        b->last_offset = answer->fault->offset;
        (void)snprintf(b->last_pointer, sizeof b->last_pointer, "%s", answer->fault->pointer);
    }
}

static inline uint32_t bench_source(struct bench *b, const char *name, enum stix_tlp assume, bool own,
                                    bool rewrites)
{
    struct gate_source source = {.name = str_of(name),
                                 .own = own,
                                 .rewrites = rewrites,
                                 .assume = assume,
                                 .assume_until_us = INT64_MAX};
    uint32_t number;
    assert_int_equal(gate_source_put(b->gate, &source, &by_test, b->now_us, &number), ERR_OK);
    return number;
}

static inline err_t bench_accept(struct bench *b, uint32_t source, const char *text, size_t len)
{
    struct gate_submission submission = {.source = source, .hops = b->hops};
    struct fault fault = {0};
    char *padded = mem_alloc(len + JSON_PADDING);
    memcpy(padded, text, len);
    memset(b->answers, 0, sizeof b->answers);
    err_t err = gate_accept(b->gate, &submission, bytes_of(padded, len), b->now_us, bench_answer, b, &fault);
    mem_free(padded);
    if (err == ERR_OK)
        err = gate_commit(b->gate);
    return err;
}

/* A file of the repository; tests run from anywhere below it. */
static inline char *bench_file(const char *path, size_t *out_len)
{
    char full[1024];
    (void)snprintf(full, sizeof full, "%s/%s", BONGSU_ROOT, path);
    FILE *file = fopen(full, "rb");
    if (file == NULL)
        return NULL;
    struct stat st;
    assert_int_equal(fstat(fileno(file), &st), 0);
    char *text = mem_alloc((size_t)st.st_size + 1);
    *out_len = fread(text, 1, (size_t)st.st_size, file);
    (void)fclose(file);
    return text;
}

static inline void bench_settle(struct bench *b)
{
    bool more = true;
    int64_t next;
    while (more) {
        b->now_us += 1000;
        assert_int_equal(gate_step(b->gate, b->now_us, &more, &next), ERR_OK);
    }
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

/* Signs all that waits, as the keeper would. */
static inline void bench_sign(struct bench *b)
{
    static struct gate_sign_request request;
    for (unsigned p = 0; p < gate_peer_count(b->gate); p++) {
        while (gate_sign_next(b->gate, p, &request)) {
            struct str notes[16];
            struct buf texts[16];
            for (size_t i = 0; i < request.count; i++) {
                struct buf origin;
                struct note_key key;
                buf_init(&origin, 512);
                assert_int_equal(ledger_origin_print(&request.origin, &origin), ERR_OK);
                assert_int_equal(note_key_make(buf_str(&origin), NOTE_SIGNATURE, &b->key.public, &key),
                                 ERR_OK);
                struct checkpoint checkpoint = {.origin = buf_str(&origin),
                                                .size = request.at[i].size,
                                                .root = request.at[i].root,
                                                .extension = STR("")};
                buf_init(&texts[i], LIMIT_NOTE_BYTES);
                assert_int_equal(checkpoint_sign(&checkpoint, &key, &b->key, &texts[i]), ERR_OK);
                notes[i] = buf_str(&texts[i]);
                buf_deinit(&origin);
            }
            assert_int_equal(gate_signed(b->gate, &request, notes, b->now_us), ERR_OK);
            assert_int_equal(gate_commit(b->gate), ERR_OK);
            for (size_t i = 0; i < request.count; i++)
                buf_deinit(&texts[i]);
        }
    }
}

static inline unsigned bench_partner(struct bench *b, const char *audience)
{
    unsigned partner;
    assert_int_equal(gate_peer_put(b->gate, str_of(audience), STR("us"), STR("US"), bytes_of(NULL, 0),
                                   &by_test, b->now_us, &partner),
                     ERR_OK);
    assert_int_equal(gate_peer_set(b->gate, partner, GATE_PEER_STARTED, false, &by_test, b->now_us), ERR_OK);
    return partner;
}

static inline void bench_policy(struct bench *b)
{
    size_t len = 0;
    char *text = bench_file("share/default.policy", &len);
    struct policy_fault fault = {0};
    assert_non_null(text);
    assert_int_equal(gate_policy_activate(b->gate, (struct str) {text, len}, &by_test, b->now_us, &fault),
                     ERR_OK);
    mem_free(text);
}

static inline struct stix_key bench_key(const char *id)
{
    struct stix_key key;
    assert_int_equal(stix_key_from_id(str_of(id), &key, NULL), ERR_OK);
    return key;
}

/* --- objects made to measure --- */

#define TLP_CLEAR       "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define TLP_GREEN       "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define TLP_AMBER       "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define TLP_RED         "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define MARKED(marking) ",\"object_marking_refs\":[\"" marking "\"]"

enum { TEXT_MAX = 2048, ID_MAX = 80 };

static inline const char *id_of(char out[ID_MAX], const char *type, int n)
{
    (void)snprintf(out, ID_MAX, "%s--00000000-0000-4000-8000-%012d", type, n);
    return out;
}

static inline struct stix_key key_of(const char *type, int n)
{
    char id[ID_MAX];
    return bench_key(id_of(id, type, n));
}

/* Indicator number `n` as of second `version` of its life, with further members. */
static inline const char *indicator(char out[TEXT_MAX], int n, int version, const char *more)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:%02d:%02d.000Z\","
                   "\"pattern\":\"[ipv4-addr:value = '198.51.100.%d']\",\"pattern_type\":\"stix\","
                   "\"valid_from\":\"2026-01-01T00:00:00Z\"%s}",
                   id_of(id, "indicator", n), version / 60, version % 60, n % 256, more);
    return out;
}

static inline const char *identity(char out[TEXT_MAX], int n, const char *class, const char *more)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"name\":\"number %d\",\"identity_class\":\"%s\"%s}",
                   id_of(id, "identity", n), n, class, more);
    return out;
}

static inline const char *statement(char out[TEXT_MAX], int n, const char *says)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"definition_type\":\"statement\","
                   "\"definition\":{\"statement\":\"%s\"}}",
                   id_of(id, "marking-definition", n), says);
    return out;
}

/* A relationship between two indicators. */
static inline const char *relationship(char out[TEXT_MAX], int n, int from, int to, const char *more)
{
    char id[ID_MAX], source[ID_MAX], target[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"relationship\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"relationship_type\":\"related-to\",\"source_ref\":\"%s\",\"target_ref\":\"%s\"%s}",
                   id_of(id, "relationship", n), id_of(source, "indicator", from),
                   id_of(target, "indicator", to), more);
    return out;
}

static inline const char *address(char out[TEXT_MAX], int n, const char *more)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"value\":\"203.0.113.%d\"%s}",
                   id_of(id, "ipv4-addr", n), n % 256, more);
    return out;
}

/* Adds one object and answers how it was taken. */
static inline enum gate_disposition bench_add(struct bench *b, uint32_t source, const char *text)
{
    assert_int_equal(bench_accept(b, source, text, strlen(text)), ERR_OK);
    size_t one = 0;
    enum gate_disposition found = GATE_REFUSED;
    for (int d = GATE_NEW; d <= GATE_REFUSED; d++) {
        one += b->answers[d];
        if (b->answers[d] > 0)
            found = (enum gate_disposition)d;
    }
    assert_int_equal(one, 1);
    return found;
}

static inline bool bench_is_released(struct bench *b, unsigned partner, const char *type, int n)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of(type, n);
    arena_init(&arena, 64 << 20);
    err_t err = gate_explain(b->gate, &key, partner, b->now_us, &arena, NULL, NULL, &why);
    arena_deinit(&arena);
    assert_int_equal(err, ERR_OK);
    return why.released;
}

static inline struct gate_tally bench_tally(struct bench *b, unsigned partner)
{
    struct gate_tally tally;
    assert_int_equal(gate_tally(b->gate, partner, &tally), ERR_OK);
    return tally;
}

static inline void bench_policy_text(struct bench *b, const char *text)
{
    struct policy_fault fault = {0};
    err_t err = gate_policy_activate(b->gate, str_of(text), &by_test, b->now_us, &fault);
    if (err != ERR_OK)
        print_message("line %u: %s %s\n", fault.line, fault.what, fault.suggestion);
    assert_int_equal(err, ERR_OK);
}

/* What a partner's ledger says, leaf by leaf. */
enum { LEAVES_MAX = 16384 };
struct bench_leaves {
    size_t count;
    struct {
        struct leaf leaf;
        struct leaf_opening opening;
        struct stix_key key;
        struct stamp stamp;
        size_t bytes;
    } at[LEAVES_MAX];
};

static inline bool bench_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct bench_leaves *leaves = ctx;
    assert_in_range(leaves->count, 0, LEAVES_MAX - 1);
    size_t i = leaves->count++;
    leaves->at[i].leaf = leaf->leaf;
    leaves->at[i].opening = leaf->opening;
    leaves->at[i].key = leaf->key;
    leaves->at[i].stamp = leaf->stamp;
    leaves->at[i].bytes = leaf->object.len;
    return true;
}

/* Decides, signs and reads the whole ledger. The caller frees it with mem_free. */
static inline struct bench_leaves *bench_ledger(struct bench *b, unsigned partner)
{
    struct bench_leaves *leaves = mem_alloc(sizeof *leaves);
    bench_settle(b);
    bench_sign(b);
    assert_non_null(leaves);
    assert_int_equal(gate_leaves(b->gate, partner, 0, bench_leaf, leaves), ERR_OK);
    return leaves;
}
