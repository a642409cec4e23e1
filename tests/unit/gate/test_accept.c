/* The way in: how each object of a submission is answered, what is kept, and where a fault points. */
#include "gate_test.h"

static void dispositions(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t one = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    uint32_t two = bench_source(&b, "two", STIX_TLP_NONE, false, false);
    assert_int_equal(bench_add(&b, one, indicator(text, 1, 1, "")), GATE_NEW);
    uint64_t first = b.last_lsn;
    assert_int_equal(bench_add(&b, one, indicator(text, 1, 1, "")), GATE_DUPLICATE);
    assert_int_equal(b.last_lsn, first);
    /* Defaults and spelling make no other version. */
    assert_int_equal(bench_add(&b, one, indicator(text, 1, 1, ",\"revoked\":false ")), GATE_DUPLICATE);
    assert_int_equal(bench_add(&b, two, indicator(text, 1, 1, "")), GATE_SEEN);
    assert_int_equal(bench_add(&b, two, indicator(text, 1, 1, "")), GATE_DUPLICATE);
    assert_int_equal(bench_add(&b, two, indicator(text, 1, 2, "")), GATE_ASSERTION);
    assert_int_equal(bench_add(&b, one, indicator(text, 1, 1, ",\"confidence\":3")), GATE_CONFLICT);
    uint64_t conflict = b.last_lsn;
    assert_int_not_equal(conflict, first);
    struct gate_counts counts;
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 1);
    assert_int_equal(counts.objects, 2);
    assert_int_equal(bench_add(&b, one, indicator(text, 1, 1, ",\"confidence\":3")), GATE_CONFLICT);
    assert_int_equal(b.last_lsn, conflict);
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 1);
    assert_int_equal(bench_add(&b, one, "{\"type\":\"indicator\"}"), GATE_REFUSED);
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 2);
    bench_deinit(&b);
}

static void unknown_source_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_int_equal(bench_accept(&b, GATE_SOURCE_NONE, "{}", 2), ERR_NOTFOUND);
    assert_int_equal(bench_accept(&b, 77, "{}", 2), ERR_NOTFOUND);
    bench_deinit(&b);
}

static void a_source_that_rewrites(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t plain = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_add(&b, plain, indicator(text, 1, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, plain, indicator(text, 1, 1, ",\"confidence\":3")), GATE_CONFLICT);
    uint64_t waits = b.last_lsn;
    assert_int_equal(bench_source(&b, "feed", STIX_TLP_NONE, true, true), plain);
    /* Its later copy wins now, and what waits may be tried again. */
    assert_int_equal(gate_quarantine_retry(b.gate, waits, &by_test, b.now_us, bench_answer, &b), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    struct gate_counts counts;
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 0);
    assert_int_equal(bench_add(&b, plain, indicator(text, 1, 1, ",\"confidence\":4")), GATE_NEW);
    assert_int_equal(bench_add(&b, plain, indicator(text, 1, 1, ",\"confidence\":4")), GATE_DUPLICATE);
    /* Back to what it said before: that is what it says now. */
    assert_int_equal(bench_add(&b, plain, indicator(text, 1, 1, ",\"confidence\":3")), GATE_NEW);
    assert_int_equal(bench_add(&b, plain, indicator(text, 1, 1, ",\"confidence\":3")), GATE_DUPLICATE);
    bench_deinit(&b);
}

static void variants_per_source(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t one = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    uint32_t two = bench_source(&b, "two", STIX_TLP_NONE, false, false);
    assert_int_equal(bench_add(&b, one, address(text, 1, MARKED(TLP_GREEN))), GATE_NEW);
    assert_int_equal(bench_add(&b, two, address(text, 1, MARKED(TLP_AMBER))), GATE_NEW);
    assert_int_equal(bench_add(&b, two, address(text, 1, MARKED(TLP_GREEN))), GATE_SEEN);
    assert_int_equal(bench_add(&b, one, address(text, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, one, address(text, 1, "")), GATE_DUPLICATE);
    /* Others' variants are nothing that a rewriting source takes back; its own is. */
    uint32_t three = bench_source(&b, "three", STIX_TLP_NONE, false, true);
    assert_int_equal(bench_add(&b, three, address(text, 1, MARKED(TLP_GREEN))), GATE_SEEN);
    assert_int_equal(bench_add(&b, three, address(text, 1, MARKED(TLP_RED))), GATE_NEW);
    assert_int_equal(bench_add(&b, three, address(text, 1, MARKED(TLP_GREEN))), GATE_NEW);
    assert_int_equal(bench_add(&b, three, address(text, 1, MARKED(TLP_GREEN))), GATE_DUPLICATE);
    bench_deinit(&b);
}

/* --- faults --- */

static void the_offset_points_at_the_value(void **state)
{
    (void)state;
    struct bench b;
    char good[TEXT_MAX], bad[TEXT_MAX], text[3 * TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    indicator(good, 1, 1, "");
    indicator(bad, 2, 1, ",\"confidence\":\"high\"");
    static const char *const shapes[] = {"{\"type\":\"bundle\",\"objects\":[ %s ,\n%s]}",
                                         "{\"objects\":[%s,%s]}", "%s\n%s\n"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        (void)snprintf(text, sizeof text, shapes[i], good, bad);
        assert_int_equal(bench_accept(&b, source, text, strlen(text)), ERR_OK);
        assert_int_equal(b.answers[i == 0 ? GATE_NEW : GATE_DUPLICATE], 1);
        assert_int_equal(b.answers[GATE_REFUSED], 1);
        assert_string_equal(b.last_pointer, "/confidence");
        assert_memory_equal(text + b.last_offset, "\"high\"", 6);
    }
    /* A syntax error inside one line. */
    (void)snprintf(text, sizeof text, "%s\n{\"type\": tru, \"a\": 1}\n%s\n", good, good);
    assert_int_equal(bench_accept(&b, source, text, strlen(text)), ERR_OK);
    assert_int_equal(b.answers[GATE_DUPLICATE], 2);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_in_range(b.last_offset, strlen(good) + 1, strlen(good) + 16);
    /* A conflict points at the id. */
    indicator(bad, 1, 1, ",\"confidence\":3");
    (void)snprintf(text, sizeof text, "{\"objects\":[%s,%s]}", good, bad);
    assert_int_equal(bench_accept(&b, source, text, strlen(text)), ERR_OK);
    assert_int_equal(b.answers[GATE_CONFLICT], 1);
    assert_int_equal(b.last_code, ERR_CONFLICT);
    assert_memory_equal(text + b.last_offset, "\"indicator--", 12);
    assert_true(b.last_offset > strlen(good));
    bench_deinit(&b);
}

/* --- quarantine --- */

struct found {
    size_t count;
    uint64_t lsn;
    struct buf bytes; /* of the last one */
    enum record_quarantine reason;
    err_t code;
    uint32_t source;
};

static bool find(void *ctx, const struct gate_quarantined *entry)
{
    struct found *found = ctx;
    found->count++;
    found->lsn = entry->lsn;
    found->reason = entry->reason;
    found->code = entry->fault.code;
    found->source = entry->source;
    buf_clear(&found->bytes);
    buf_put(&found->bytes, entry->bytes.at, entry->bytes.len);
    return true;
}

static struct found listed(struct bench *b)
{
    struct found found = {0};
    buf_init(&found.bytes, 8 << 20);
    assert_int_equal(gate_quarantine_list(b->gate, 0, find, &found), ERR_OK);
    return found;
}

static void refused_bytes_are_kept(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    static const char odd[] =
        "  {\"type\" :\t\"indicator\", \"id\": \"\\u00e9\xc3\xa9\", \"n\": [1e2, 1.50]  }";
    assert_int_equal(bench_add(&b, source, odd), GATE_REFUSED);
    for (int again = 0; again < 2; again++) {
        struct found found = listed(&b);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.reason, RECORD_QUARANTINE_REFUSED);
        assert_int_equal(found.source, source);
        assert_int_equal(found.code, b.last_code);
        assert_int_equal(found.bytes.len, strlen(odd) - 2);
        assert_memory_equal(found.bytes.at, odd + 2, found.bytes.len);
        if (again == 1) {
            assert_int_equal(gate_quarantine_drop(b.gate, found.lsn, &by_test, b.now_us), ERR_OK);
            assert_int_equal(gate_quarantine_drop(b.gate, found.lsn, &by_test, b.now_us), ERR_NOTFOUND);
            assert_int_equal(gate_quarantine_retry(b.gate, found.lsn, &by_test, b.now_us, NULL, NULL),
                             ERR_NOTFOUND);
            assert_int_equal(gate_quarantine_drop(b.gate, 12345, &by_test, b.now_us), ERR_NOTFOUND);
            assert_int_equal(gate_commit(b.gate), ERR_OK);
        }
        buf_deinit(&found.bytes);
        bench_reopen(&b);
    }
    struct found found = listed(&b);
    assert_int_equal(found.count, 0);
    buf_deinit(&found.bytes);
    bench_deinit(&b);
}

static void retry_keeps_the_entry_while_nothing_changed(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_add(&b, source, "{\"type\":\"indicator\"}"), GATE_REFUSED);
    uint64_t first = b.last_lsn;
    assert_int_equal(gate_quarantine_retry(b.gate, first, &by_test, b.now_us, bench_answer, &b), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    struct found found = listed(&b);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.lsn, first);
    assert_int_equal(found.bytes.len, 20);
    buf_deinit(&found.bytes);
    assert_int_equal(gate_quarantine_drop(b.gate, found.lsn, &by_test, b.now_us), ERR_OK);
    /* The same conflict again stays where it is. */
    assert_int_equal(bench_add(&b, source, indicator(text, 1, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, source, indicator(text, 1, 1, ",\"confidence\":3")), GATE_CONFLICT);
    uint64_t conflict = b.last_lsn;
    assert_int_equal(gate_quarantine_retry(b.gate, conflict, &by_test, b.now_us, bench_answer, &b), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    found = listed(&b);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.lsn, conflict);
    assert_memory_equal(found.bytes.at, text, strlen(text));
    buf_deinit(&found.bytes);
    /* What cannot be cut at all, too. */
    assert_int_equal(bench_accept(&b, source, "{\"objects\":[", 12), ERR_SHORT);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    found = listed(&b);
    assert_int_equal(found.count, 2);
    assert_int_equal(gate_quarantine_retry(b.gate, found.lsn, &by_test, b.now_us, NULL, NULL), ERR_OK);
    buf_deinit(&found.bytes);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    found = listed(&b);
    assert_int_equal(found.count, 2);
    buf_deinit(&found.bytes);
    bench_reopen(&b);
    bench_deinit(&b);
}

static size_t count_open(struct bench *b)
{
    struct found found = listed(b);
    buf_deinit(&found.bytes);
    return found.count;
}

static void refused_again_is_one_entry(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t one = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    uint32_t two = bench_source(&b, "two", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_add(&b, one, "{\"type\":\"indicator\"}"), GATE_REFUSED);
    uint64_t first = b.last_lsn;
    /* Behind another object: the place in the batch is no reason of its own. */
    (void)snprintf(text, sizeof text, "\n\n  {\"type\":\"indicator\"}");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bench_add(&b, one, text), GATE_REFUSED);
        assert_int_equal(b.last_lsn, first);
        assert_int_equal(count_open(&b), 1);
        bench_reopen(&b); /* it is known from the index, and from the log alone */
    }
    /* Another source, other bytes, another reason: other entries. */
    assert_int_equal(bench_add(&b, two, text), GATE_REFUSED);
    assert_int_not_equal(b.last_lsn, first);
    assert_int_equal(bench_add(&b, one, "{\"type\":\"indicator\" }"), GATE_REFUSED);
    assert_int_not_equal(b.last_lsn, first);
    assert_int_equal(bench_add(&b, one, "{\"type\":\"malware\"}"), GATE_REFUSED);
    assert_int_equal(count_open(&b), 4);
    /* Once closed it is opened anew. */
    assert_int_equal(gate_quarantine_drop(b.gate, first, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_int_equal(count_open(&b), 3);
    assert_int_equal(bench_add(&b, one, text), GATE_REFUSED);
    assert_int_not_equal(b.last_lsn, first);
    assert_int_equal(count_open(&b), 4);
    bench_deinit(&b);
}

static void nothing_to_keep_opens_no_entry(void **state)
{
    (void)state;
    struct bench b;
    char one[TEXT_MAX], text[2 * TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    (void)snprintf(text, sizeof text, "{\"objects\":[%s,\n", indicator(one, 1, 1, ""));
    assert_int_equal(bench_accept(&b, source, text, strlen(text)), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_lsn, 0);
    assert_int_equal(count_open(&b), 0);
    bench_deinit(&b);
}

enum { GIANT = 2 * LIMIT_OBJECT_BYTES + 12345 };

struct pieces {
    struct buf bytes;
    uint64_t first, lsns[4];
    size_t count;
};

static bool find_piece(void *ctx, const struct gate_quarantined *entry)
{
    struct pieces *pieces = ctx;
    assert_int_equal(entry->reason, RECORD_QUARANTINE_PIECE);
    assert_int_equal(entry->fault.code, ERR_LIMIT);
    assert_int_equal(entry->fault.offset, pieces->bytes.len);
    assert_true(pieces->count < 4);
    if (pieces->count == 0)
        pieces->first = entry->lsn;
    assert_int_equal(entry->first, pieces->first);
    pieces->lsns[pieces->count++] = entry->lsn;
    buf_put(&pieces->bytes, entry->bytes.at, entry->bytes.len);
    return true;
}

static void larger_than_an_object_is_kept_in_pieces(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    char *giant = mem_alloc(GIANT);
    for (size_t i = 0; i < GIANT; i++)
        giant[i] = (char)('a' + i % 23);
    memcpy(giant, "{\"x\":\"", 6);
    memcpy(giant + GIANT - 2, "\"}", 2);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(bench_accept(&b, source, giant, GIANT), ERR_OK);
        assert_int_equal(b.answers[GATE_REFUSED], 1);
        struct pieces pieces = {.count = 0};
        buf_init(&pieces.bytes, 8 << 20);
        assert_int_equal(gate_quarantine_list(b.gate, 0, find_piece, &pieces), ERR_OK);
        assert_int_equal(pieces.count, 3);
        assert_int_equal(pieces.first, b.last_lsn);
        assert_int_equal(pieces.bytes.len, GIANT);
        assert_memory_equal(pieces.bytes.at, giant, GIANT);
        buf_deinit(&pieces.bytes);
        assert_int_equal(gate_quarantine_retry(b.gate, pieces.lsns[1], &by_test, b.now_us, NULL, NULL),
                         ERR_UNSUPPORTED);
        if (again == 1) /* any of them drops all */
            assert_int_equal(gate_quarantine_drop(b.gate, pieces.lsns[1], &by_test, b.now_us), ERR_OK);
        assert_int_equal(gate_commit(b.gate), ERR_OK);
        bench_reopen(&b);
        assert_int_equal(count_open(&b), again == 1 ? 0 : 3);
    }
    mem_free(giant);
    bench_deinit(&b);
}

static void pieces_that_are_none(void **state)
{
    (void)state;
    struct bench b;
    uint64_t lsn = 7;
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    const struct gate_piece good = {.whole = 10, .bytes = bytes_of("0123456789", 10)};
    struct gate_piece bad[] = {good, good, good, good, good};
    bad[0].bytes.len = 0;
    bad[1].at = 1;       /* no first piece */
    bad[2].first = 1234; /* the first one has none before it */
    bad[3].whole = 9;
    bad[4].at = UINT64_MAX;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(gate_quarantine_piece(b.gate, source, &bad[i], b.now_us, &lsn), ERR_INVALID);
    struct gate_piece far = {
        .whole = UINT64_MAX, .at = LIMIT_REFUSED_BYTES - 9, .bytes = good.bytes, .first = 1234};
    assert_int_equal(gate_quarantine_piece(b.gate, source, &far, b.now_us, &lsn), ERR_LIMIT);
    assert_int_equal(gate_quarantine_piece(b.gate, 4000, &good, b.now_us, &lsn), ERR_NOTFOUND);
    assert_int_equal(lsn, 7);
    assert_int_equal(gate_quarantine_piece(b.gate, source, &good, b.now_us, &lsn), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(count_open(&b), 1);
    bench_deinit(&b);
}

/* --- shapes of submissions --- */

static void a_tail_that_is_cut_off_is_kept(void **state)
{
    (void)state;
    struct bench b;
    char one[TEXT_MAX], two[TEXT_MAX], text[3 * TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    (void)snprintf(text, sizeof text, "{\"objects\":[%s,%s]}", indicator(one, 1, 1, ""),
                   indicator(two, 2, 1, ""));
    size_t cut = strlen("{\"objects\":[") + strlen(one) + 1;
    assert_int_equal(bench_accept(&b, source, text, cut + 40), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_offset, cut);
    struct found found = listed(&b);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.bytes.len, 40);
    assert_memory_equal(found.bytes.at, two, 40);
    buf_deinit(&found.bytes);
    /* A second list: its objects are not taken from it, nor lost. */
    (void)snprintf(text, sizeof text, "{\"objects\":[%s],\"objects\":[%s]}", one, two);
    assert_int_equal(bench_accept(&b, source, text, strlen(text)), ERR_OK);
    assert_int_equal(b.answers[GATE_DUPLICATE], 1);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_code, ERR_DUPLICATE_NAME);
    assert_memory_equal(text + b.last_offset, "\"objects\":[", 11);
    assert_true(b.last_offset > strlen(one));
    bench_deinit(&b);
}

/* Every prefix of a submission: answered, never a crash, and whole objects are taken. */
static void every_prefix(void **state)
{
    (void)state;
    struct bench b;
    char one[TEXT_MAX], two[TEXT_MAX], text[3 * TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    int len = snprintf(text, sizeof text, "{\"type\":\"bundle\",\"objects\":[%s,%s]}",
                       indicator(one, 1, 1, ""), indicator(two, 2, 1, ""));
    size_t first_end = (size_t)len - strlen(two) - 3;
    for (size_t cut = 0; cut < (size_t)len; cut++) {
        struct gate_submission submission = {.source = source};
        struct fault fault = {0};
        char *padded = mem_alloc(cut + JSON_PADDING);
        memcpy(padded, text, cut);
        memset(b.answers, 0, sizeof b.answers);
        err_t err =
            gate_accept(b.gate, &submission, bytes_of(padded, cut), b.now_us, bench_answer, &b, &fault);
        mem_free(padded);
        assert_true((err == ERR_OK) == (cut >= first_end));
        assert_int_equal(b.answers[GATE_REFUSED], 1);
        if (cut >= first_end)
            assert_true(b.answers[GATE_NEW] + b.answers[GATE_DUPLICATE] >= 1);
    }
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    bench_deinit(&b);
}

/* More than one group holds, and the largest submission. */
static void a_huge_batch(void **state)
{
    (void)state;
    struct bench b;
    struct buf text;
    char *one = mem_alloc(TEXT_MAX), *more = mem_alloc(1200);
    size_t count = 0;
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    buf_init(&text, LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES);
    (void)snprintf(more, 1200, ",\"description\":\"%01000d\"", 0);
    while (text.len < LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES - 2 * TEXT_MAX) {
        indicator(one, (int)count++, 1, more);
        buf_put(&text, one, strlen(one));
        buf_put(&text, "\n", 1);
    }
    assert_int_equal(buf_err(&text), ERR_OK);
    assert_int_equal(bench_accept(&b, source, (char *)text.at, text.len), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], count);
    bench_reopen(&b);
    assert_int_equal(bench_accept(&b, source, (char *)text.at, text.len), ERR_OK);
    assert_int_equal(b.answers[GATE_DUPLICATE], count);
    while (text.len < LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES)
        buf_put(&text, "\n", 1);
    struct gate_submission submission = {.source = source};
    struct fault fault = {0};
    assert_int_equal(
        gate_accept(b.gate, &submission, bytes_of(text.at, text.len + 1), b.now_us, NULL, NULL, &fault),
        ERR_LIMIT);
    buf_deinit(&text);
    mem_free(one);
    mem_free(more);
    bench_deinit(&b);
}

static void an_object_too_large(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint32_t source = bench_source(&b, "one", STIX_TLP_NONE, true, false);
    size_t len = LIMIT_OBJECT_BYTES + 100;
    char *text = mem_alloc(len + 1), good[TEXT_MAX];
    memset(text, 'a', len);
    memcpy(text, "{\"id\":\"", 7);
    memcpy(text + len - 2, "\"}", 2);
    assert_int_equal(bench_accept(&b, source, text, len), ERR_OK);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_code, ERR_LIMIT);
    assert_int_equal(count_open(&b), 2); /* pieces: see above */
    assert_int_equal(bench_add(&b, source, indicator(good, 1, 1, "")), GATE_NEW);
    mem_free(text);
    bench_deinit(&b);
}

/* --- the shipped hostile files --- */

static void hostile_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t accepted; /* samples/hostile/expected.json: accepted_at_most, which good neighbours reach */
    } files[] = {{"duplicate-names", 0},       {"lone-surrogate", 0},
                 {"invalid-utf8", 0},          {"number-beyond-2-53", 0},
                 {"number-not-round-trip", 0}, {"truncated-bundle", 2},
                 {"deep-nesting", 0},          {"missing-required", 0},
                 {"bad-timestamp", 0},         {"modified-before-created", 0},
                 {"wrong-id-prefix", 0},       {"null-value", 0},
                 {"one-bad-of-five", 4},       {"same-version-twice", 1},
                 {"red-as-clear", 2}};
    size_t expected_len = 0, expected_count = 0;
    char *expected = bench_file("samples/hostile/expected.json", &expected_len);
    assert_non_null(expected);
    expected = mem_grow(expected, expected_len + 1);
    expected[expected_len] = '\0';
    for (const char *at = expected; (at = strstr(at, "accepted_at_most")) != NULL; at++)
        expected_count++;
    assert_int_equal(expected_count, sizeof files / sizeof *files);
    struct bench b;
    bench_init(&b);
    bench_policy(&b);
    unsigned us = bench_partner(&b, "us-cisa");
    uint32_t source = bench_source(&b, "one", STIX_TLP_CLEAR, true, false);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128], line[160];
        size_t len = 0;
        (void)snprintf(path, sizeof path, "samples/hostile/%s.json", files[i].name);
        (void)snprintf(line, sizeof line, "\"%s.json\": {\n    \"accepted_at_most\": %zu,", files[i].name,
                       files[i].accepted);
        assert_non_null(strstr(expected, line));
        char *text = bench_file(path, &len);
        assert_non_null(text);
        struct gate_counts before, after;
        gate_counts(b.gate, &before);
        err_t err = bench_accept(&b, source, text, len);
        assert_int_equal(gate_commit(b.gate), ERR_OK);
        gate_counts(b.gate, &after);
        if (err != ERR_OK || files[i].accepted != after.objects - before.objects)
            print_message("# %s: %s, %zu objects\n", files[i].name, err_text(err),
                          (size_t)(after.objects - before.objects));
        assert_true(after.objects - before.objects <= files[i].accepted);
        if (strcmp(files[i].name, "red-as-clear") == 0) {
            assert_true(after.objects > before.objects);
        } else {
            assert_int_equal(after.objects - before.objects, files[i].accepted);
            assert_true(after.quarantined > before.quarantined);
        }
        mem_free(text);
    }
    bench_settle(&b);
    bench_sign(&b);
    /* The object under the redefined RED never leaves, whatever the definition says. */
    struct bench_leaves *leaves = bench_ledger(&b, us);
    for (size_t i = 0; i < leaves->count; i++) {
        struct stix_key red = bench_key(TLP_RED);
        assert_false(stix_key_eq(&leaves->at[i].key, &red));
    }
    mem_free(leaves);
    mem_free(expected);
    bench_reopen(&b);
    bench_deinit(&b);
}

static bool keep_original(void *ctx, const struct gate_object *object)
{
    char *out = ctx;
    (void)snprintf(out, TEXT_MAX, "%.*s|%.*s|%.*s", STR_ARG(str_from_bytes(object->bytes)),
                   STR_ARG(str_from_bytes(object->original)), STR_ARG(object->mended));
    return true;
}

static void only_copy(struct bench *b, const char *id, char out[TEXT_MAX])
{
    struct stix_key key = bench_key(id);
    out[0] = '\0';
    assert_int_equal(gate_versions(b->gate, &key, keep_original, out), ERR_OK);
}

static void set_profile(struct bench *b, const char *name, enum gate_profile profile)
{
    struct gate_source source = {.name = str_of(name), .profile = profile, .assume_until_us = INT64_MAX};
    uint32_t number;
    assert_int_equal(gate_source_put(b->gate, &source, &by_test, b->now_us, &number), ERR_OK);
}

/* A lenient source's STIX 2.0 is held as a minted object beside its own bytes, once; whoever is not lenient
 * is refused. */
static void a_lenient_source(void **state)
{
    (void)state;
    static const char text[] =
        "{\"type\":\"tool\",\"id\":\"tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\","
        "\"created\":\"2020-01-02T03:04:05.678Z\",\"modified\":\"2020-01-02T03:04:05.678Z\","
        "\"name\":\"x\",\"labels\":[\"remote-access\"]}";
    struct bench b;
    struct gate_counts counts;
    char held[TEXT_MAX], again[TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_add(&b, source, text), GATE_REFUSED);
    set_profile(&b, "feed", GATE_PROFILE_LENIENT);
    assert_int_equal(bench_add(&b, source, text), GATE_NEW);
    assert_int_equal(bench_add(&b, source, text), GATE_DUPLICATE);
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.objects, 2); /* it, and the identity of this node */
    assert_int_equal(counts.quarantined, 1);
    only_copy(&b, b.last_id, held);
    assert_null(strstr(held, "tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9|"));
    assert_non_null(strstr(held, text)); /* byte for byte */
    assert_non_null(strstr(held, "labels became its types"));
    char minted[LIMIT_ID_BYTES + 1];
    (void)snprintf(minted, sizeof minted, "%s", b.last_id);
    /* The log alone brings both back. */
    bench_reopen(&b);
    only_copy(&b, minted, again);
    assert_string_equal(held, again);
    assert_int_equal(bench_add(&b, source, text), GATE_DUPLICATE);
    /* Other content under the same version waits with the bytes that came, like everything. */
    static const char other[] =
        "{\"type\":\"tool\",\"id\":\"tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\","
        "\"created\":\"2020-01-02T03:04:05.678Z\",\"modified\":\"2020-01-02T03:04:05.678Z\","
        "\"name\":\"y\",\"labels\":[\"remote-access\"]}";
    assert_int_equal(bench_add(&b, source, other), GATE_CONFLICT);
    only_copy(&b, minted, again);
    assert_non_null(strstr(again, other));
    /* Who asks by the name that the source uses is told the other. */
    struct buf name;
    buf_init(&name, LIMIT_ID_BYTES);
    gate_minted_id(b.gate, STR("tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9"), &name);
    assert_true(str_eq(buf_str(&name), str_of(minted)));
    buf_deinit(&name);
    /* Refused in every profile. */
    assert_int_equal(bench_add(&b, source,
                               "{\"type\":\"tool\",\"type\":\"tool\",\"id\":"
                               "\"tool--6b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\",\"name\":\"x\","
                               "\"created\":\"2020-01-02T03:04:05.678Z\"}"),
                     GATE_REFUSED);
    assert_int_equal(
        bench_add(&b, source,
                  "{\"type\":\"tool\",\"id\":\"tool--6b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\","
                  "\"name\":\"x\",\"created\":\"2020-01-02T03:04:05.678Z\",\"x_n\":0.1234567890123456789}"),
        GATE_REFUSED);
    bench_deinit(&b);
}

/* Between what was minted and what stayed as it came no reference is bridged, in neither direction and
 * whatever comes first: what names the other waits, and who asks is told under which name it is held. */
static void both_versions_of_one_source(void **state)
{
    (void)state;
    static const char old[] =
        "{\"type\":\"tool\",\"id\":\"tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\","
        "\"created\":\"2020-01-02T03:04:05.678Z\",\"modified\":\"2020-01-02T03:04:05.678Z\","
        "\"name\":\"x\",\"labels\":[\"remote-access\"]" MARKED(TLP_GREEN) "}";
    static const char old_names_new[] =
        "{\"type\":\"relationship\",\"id\":\"relationship--6b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\","
        "\"created\":\"2020-01-02T03:04:05.678Z\",\"modified\":\"2020-01-02T03:04:05.678Z\","
        "\"relationship_type\":\"related-to\",\"source_ref\":\"tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\","
        "\"target_ref\":\"indicator--00000000-0000-4000-8000-000000000001\"" MARKED(TLP_GREEN) "}";
    for (int old_first = 0; old_first < 2; old_first++) {
        struct bench b;
        struct gate_why why;
        struct arena arena;
        char text[TEXT_MAX];
        bench_init(&b);
        bench_policy(&b);
        unsigned us = bench_partner(&b, "us-cisa");
        uint32_t source = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
        set_profile(&b, "feed", GATE_PROFILE_LENIENT);
        if (old_first)
            assert_int_equal(bench_add(&b, source, old), GATE_NEW);
        (void)bench_add(&b, source, indicator(text, 1, 1, MARKED(TLP_GREEN)));
        (void)bench_add(
            &b, source,
            indicator(text, 2, 1,
                      ",\"x_tool\":\"tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\"" MARKED(TLP_GREEN)));
        if (!old_first)
            assert_int_equal(bench_add(&b, source, old), GATE_NEW);
        struct stix_key names_old = key_of("indicator", 2), held_as;
        arena_init(&arena, 64 << 20);
        bench_settle(&b);
        assert_true(bench_is_released(&b, us, "indicator", 1));
        assert_int_equal(gate_explain(b.gate, &names_old, us, b.now_us, &arena, NULL, NULL, &why), ERR_OK);
        assert_true(why.blocked && why.blocked_by_unknown && !why.released);
        assert_true(str_eq(why.blocked_by, STR("tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9")));
        assert_true(str_starts(why.held_as, STR("tool--")) && !str_eq(why.held_as, why.blocked_by));
        assert_true(stix_id_parse(why.held_as, &held_as));
        assert_int_equal(gate_explain(b.gate, &held_as, us, b.now_us, &arena, NULL, NULL, &why), ERR_OK);
        assert_true(why.released);
        assert_int_equal(bench_add(&b, source, old_names_new), GATE_NEW);
        struct stix_key relation = bench_key(b.last_id);
        bench_settle(&b);
        assert_int_equal(gate_explain(b.gate, &relation, us, b.now_us, &arena, NULL, NULL, &why), ERR_OK);
        assert_true(why.blocked && why.blocked_by_unknown && str_starts(why.blocked_by, STR("indicator--")));
        arena_deinit(&arena);
        bench_deinit(&b);
    }
}

/* A breach of a MUST that leaves one reading: a warning, or for a strict source a refusal that names it. */
static void a_strict_source(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t source = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_add(&b, source, indicator(text, 1, 1, ",\"labels\":[]")), GATE_NEW);
    set_profile(&b, "feed", GATE_PROFILE_STRICT);
    assert_int_equal(bench_add(&b, source, indicator(text, 2, 1, ",\"labels\":[]")), GATE_REFUSED);
    assert_string_equal(b.last_pointer, "/labels");
    assert_int_equal(bench_add(&b, source, indicator(text, 2, 1, "")), GATE_NEW);
    bench_reopen(&b);
    assert_int_equal(bench_add(&b, source, indicator(text, 3, 1, ",\"labels\":[]")), GATE_REFUSED);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dispositions),
        cmocka_unit_test(unknown_source_is_refused),
        cmocka_unit_test(a_source_that_rewrites),
        cmocka_unit_test(variants_per_source),
        cmocka_unit_test(the_offset_points_at_the_value),
        cmocka_unit_test(refused_bytes_are_kept),
        cmocka_unit_test(retry_keeps_the_entry_while_nothing_changed),
        cmocka_unit_test(refused_again_is_one_entry),
        cmocka_unit_test(nothing_to_keep_opens_no_entry),
        cmocka_unit_test(larger_than_an_object_is_kept_in_pieces),
        cmocka_unit_test(pieces_that_are_none),
        cmocka_unit_test(a_tail_that_is_cut_off_is_kept),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(a_huge_batch),
        cmocka_unit_test(an_object_too_large),
        cmocka_unit_test(hostile_files),
        cmocka_unit_test(a_lenient_source),
        cmocka_unit_test(both_versions_of_one_source),
        cmocka_unit_test(a_strict_source),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate accept", tests, NULL, NULL);
}
