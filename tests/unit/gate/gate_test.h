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
};

static const struct gate_by by_test = {{"tester", 6}, {"because", 7}};

static inline void bench_line(void *ctx, const struct diag_line *line)
{
    (void)ctx;
    print_message("# %s: %s (%s)\n", line->room, line->what, err_text(line->err));
}

static const struct diag bench_diag = {bench_line, NULL};

static inline void bench_open(struct bench *b)
{
    struct gate_setup setup = {.os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .diag = &bench_diag};
    assert_int_equal(gate_open(&setup, &b->gate), ERR_OK);
}

static inline void bench_init(struct bench *b)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {7};
    *b = (struct bench) {.now_us = NOW, .key = sign_key_from_seed(seed)};
    memcpy(b->dir, "/tmp/bongsu-gate-XXXXXX", 24);
    assert_non_null(mkdtemp(b->dir));
    bench_open(b);
}

static inline void bench_reopen(struct bench *b)
{
    gate_close(b->gate);
    bench_open(b);
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
    if (answer->fault != NULL) {
        (void)snprintf(b->last_fault, sizeof b->last_fault, "%s", answer->fault->what);
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
    struct gate_submission submission = {.source = source};
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
    char full[512];
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
                assert_int_equal(note_key_make(buf_str(&origin), NOTE_ED25519, &b->key.public, &key), ERR_OK);
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
