/* What the gate writes into log frames: there and back, cut anywhere, bent anywhere. */
#include "gate_test.h"

#include "gate/record.h"

static const struct str names[] = {{"open", 4}, {"own-amber", 9}, {"", 0}, {"with\nnever\n", 11}};

static void make_decide(struct record_decide *d)
{
    static struct record_start starts[2] = {{1, 3, 77, NOW}, {5, 1, 0, NOW + 1}};
    static struct record_class classes[2];
    static struct record_entry entries[3];
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        classes[0].rule[p] = classes[1].rule[p] = classes[0].terms[p] = classes[1].terms[p] =
            RECORD_NAME_NONE;
    classes[0].release = 0x22;
    classes[0].rule[1] = 0;
    classes[0].rule[5] = 1;
    classes[0].terms[5] = 3;
    classes[1].hold = 0x02;
    classes[1].rule[1] = 2;
    entries[0] = (struct record_entry) {100, 0, LEAF_RELEASE, RECORD_NAME_NONE, 0, 0x22, 0, INT64_MAX};
    entries[1] = (struct record_entry) {200, 100, LEAF_SUPERSEDE, 1, 1, 0x02, 0x20, NOW};
    entries[2] = (struct record_entry) {300, 300, LEAF_SUPERSEDE, RECORD_NAME_NONE, 1, 0x20, 0, INT64_MAX};
    *d = (struct record_decide) {.from = 64,
                                 .to = 4096,
                                 .policy = 8,
                                 .now_us = NOW,
                                 .partners = 0x22,
                                 .job = 9,
                                 .job_cursor = UINT64_MAX,
                                 .policy_digest = {{1, 2, 3}},
                                 .names = names,
                                 .name_count = 4,
                                 .starts = starts,
                                 .start_count = 2,
                                 .classes = classes,
                                 .class_count = 2,
                                 .entries = entries,
                                 .entry_count = 3};
}

enum kind { ENVELOPE, FAULT, DECIDE, FACT, POLICY, NOTE, SECRET, WORDS, PURGED, UNSURE, KINDS };

static void write_kind(enum kind kind, struct buf *out)
{
    struct record_decide decide;
    struct record_envelope envelope = {7, 3, 99, 2, 1, -5, 1234567};
    struct fault fault = {.code = ERR_NUMBER, .offset = 17};
    struct record_fact fact = {RECORD_FACT_TAG,
                               {(const uint8_t *)"key", 3},
                               {(const uint8_t *)"value", 5},
                               {"me", 2},
                               {"so", 2},
                               NOW};
    struct record_policy policy = {NOW, {"me", 2}, {"language 1\n", 11}};
    struct record_note note = {.ledger = GATE_LEDGERS - 1,
                               .epoch = 2,
                               .size = 9,
                               .root = {{4}},
                               .at_us = NOW,
                               .edge = {(const uint8_t *)"edge", 4},
                               .note = {(const uint8_t *)"note", 4}};
    switch (kind) {
    case ENVELOPE:
        record_envelope_write(out, &envelope);
        break;
    case FAULT:
        memcpy(fault.what, "what", 5);
        memcpy(fault.section, "3.6", 4);
        memcpy(fault.pointer, "/id", 4);
        record_fault_write(out, &fault, bytes_of("bytes", 5));
        break;
    case DECIDE:
        make_decide(&decide);
        record_decide_write(out, &decide);
        break;
    case FACT:
        record_fact_write(out, &fact);
        break;
    case POLICY:
        record_policy_write(out, &policy);
        break;
    case NOTE:
        record_note_write(out, &note);
        break;
    case SECRET:
        record_secret_write(out, &(struct record_secret) {.purpose = RECORD_SECRET_MINTING});
        break;
    case WORDS:
        record_secret_write(out, &(struct record_secret) {RECORD_SECRET_WORDS, NOW});
        break;
    case PURGED:
        record_purged_write(out, &(struct record_purged) {.recall = 77, .at_us = NOW});
        break;
    case UNSURE:
        record_purged_write(out, &(struct record_purged) {.recall = 77, .at_us = NOW, .unsure = 3});
        break;
    case KINDS:
        break;
    }
    assert_int_equal(buf_err(out), ERR_OK);
}

/* Reads, and writes what was read again; the error of reading otherwise. */
static err_t read_kind(enum kind kind, struct bytes payload, struct arena *arena, struct buf *again)
{
    struct record_decide decide;
    struct record_envelope envelope;
    struct fault fault;
    struct bytes refused;
    struct record_fact fact;
    struct record_policy policy;
    struct record_note note;
    struct record_secret secret;
    struct record_purged purged;
    err_t err = ERR_USAGE;
    if (kind == ENVELOPE && (err = record_envelope_read(payload, &envelope)) == ERR_OK)
        record_envelope_write(again, &envelope);
    if (kind == FAULT && (err = record_fault_read(payload, &fault, &refused)) == ERR_OK)
        record_fault_write(again, &fault, refused);
    if (kind == DECIDE && (err = record_decide_read(payload, arena, &decide)) == ERR_OK)
        record_decide_write(again, &decide);
    if (kind == FACT && (err = record_fact_read(payload, &fact)) == ERR_OK)
        record_fact_write(again, &fact);
    if (kind == POLICY && (err = record_policy_read(payload, &policy)) == ERR_OK)
        record_policy_write(again, &policy);
    if (kind == NOTE && (err = record_note_read(payload, &note)) == ERR_OK)
        record_note_write(again, &note);
    if ((kind == SECRET || kind == WORDS) && (err = record_secret_read(payload, &secret)) == ERR_OK)
        record_secret_write(again, &secret);
    if ((kind == PURGED || kind == UNSURE) && (err = record_purged_read(payload, &purged)) == ERR_OK)
        record_purged_write(again, &purged);
    return err;
}

static void there_and_back(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out, again;
        buf_init(&out, 1 << 16);
        buf_init(&again, 1 << 16);
        write_kind((enum kind)kind, &out);
        assert_int_equal(read_kind((enum kind)kind, buf_bytes(&out), &arena, &again), ERR_OK);
        assert_int_equal(out.len, again.len);
        assert_memory_equal(out.at, again.at, out.len);
        buf_deinit(&out);
        buf_deinit(&again);
    }
    arena_deinit(&arena);
}

/* A payload has one length. Only the refused bytes behind a fault may end anywhere. */
static void every_truncation(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out, again;
        buf_init(&out, 1 << 16);
        buf_init(&again, 1 << 16);
        write_kind((enum kind)kind, &out);
        size_t least = kind == FAULT ? out.len - 5 : out.len;
        for (size_t len = 0; len < least; len++) {
            /* On the heap, exactly as long: a sanitizer sees every byte too far. */
            uint8_t *cut = mem_alloc(len + 1);
            memcpy(cut, out.at, len);
            assert_int_not_equal(read_kind((enum kind)kind, bytes_of(cut, len), &arena, &again), ERR_OK);
            mem_free(cut);
        }
        if (kind != FAULT) {
            buf_put(&out, "", 1);
            assert_int_not_equal(read_kind((enum kind)kind, buf_bytes(&out), &arena, &again), ERR_OK);
        }
        buf_deinit(&out);
        buf_deinit(&again);
    }
    arena_deinit(&arena);
}

/* Whatever is read can be written again, and gives the same bytes: there is one spelling. */
static void every_bit_bent(void **state)
{
    (void)state;
    struct arena arena;
    size_t read = 0, refused = 0;
    arena_init(&arena, 1 << 20);
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out, again;
        buf_init(&out, 1 << 16);
        buf_init(&again, 1 << 20);
        write_kind((enum kind)kind, &out);
        for (size_t bit = 0; bit < 8 * out.len; bit++) {
            out.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
            arena_reset(&arena);
            buf_clear(&again);
            if (read_kind((enum kind)kind, buf_bytes(&out), &arena, &again) == ERR_OK) {
                read++;
                bool text =
                    kind == FAULT; /* a NUL inside a fault's text ends it, an odd code is normalised */
                assert_true(text || (again.len == out.len && memcmp(again.at, out.at, out.len) == 0));
            } else {
                refused++;
            }
            out.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        buf_deinit(&out);
        buf_deinit(&again);
    }
    assert_true(read > 100 && refused > 100);
    arena_deinit(&arena);
}

static void masks_and_numbers_are_held_against_the_rest(void **state)
{
    (void)state;
    struct arena arena;
    struct buf out;
    struct record_decide decide, read;
    struct record_entry entry;
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 16);
    for (int wrong = 0; wrong < 6; wrong++) {
        make_decide(&decide);
        entry = decide.entries[0];
        decide.entries = &entry;
        decide.entry_count = 1;
        struct record_start start = {GATE_LEDGERS, 1, 0, 0};
        switch (wrong) {
        case 0:
            entry.release |= 1;
            break;
        case 1:
            entry.blocked |= UINT64_C(1) << 63;
            break;
        case 2:
            entry.class = 2;
            break;
        case 3:
            entry.approver = 4;
            break;
        case 4:
            decide.starts = &start;
            decide.start_count = 1;
            break;
        default:
            decide.name_count = 1; /* the classes name two */
        }
        buf_clear(&out);
        record_decide_write(&out, &decide);
        assert_int_equal(record_decide_read(buf_bytes(&out), &arena, &read), ERR_CORRUPT);
    }
    out.at[0] = 3;
    assert_int_equal(record_decide_read(buf_bytes(&out), &arena, &read), ERR_VERSION);
    buf_deinit(&out);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_bit_bent),
        cmocka_unit_test(masks_and_numbers_are_held_against_the_rest),
    };
    return cmocka_run_group_tests_name("gate record", tests, NULL, NULL);
}
