/* Real feeds: nothing leaves before somebody says what they are, and then exactly what may. The numbers were
 * computed from the files alone (for each file: the largest set of its and all earlier objects whose every
 * reference by value is in the set). */
#include "gate_test.h"

static char *data_file(const char *name, size_t *out_len)
{
    char path[256];
    const char *base = getenv("BONGSU_DATA");
    if (base == NULL)
        return (void)snprintf(path, sizeof path, "../shared/data/stix/%s", name), bench_file(path, out_len);
    (void)snprintf(path, sizeof path, "%s/stix/%s", base, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    (void)fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    char *text = mem_alloc(size + 1);
    (void)fseek(file, 0, SEEK_SET);
    *out_len = fread(text, 1, size, file);
    (void)fclose(file);
    return text;
}

/* Adds a file whole, in pieces that a submission may have. */
static void add_file(struct bench *b, uint32_t source, const char *name)
{
    size_t len = 0;
    char *text = data_file(name, &len);
    if (text == NULL)
        skip();
    assert_int_equal(bench_accept(b, source, text, len), ERR_OK);
    mem_free(text);
}

static const struct {
    const char *name;
    size_t objects;
} rows[] = {
    {"attack-ics/ics-attack-18.1.json", 1826},
    {"ioc/candiru.stix2", 251},
    {"ioc/kingspawn.stix2", 335},
    {"ioc/operation_triangulation.stix2", 225},
    {"ioc/pegasus.stix2", 3099},
    {"ioc/predator.stix2", 1171},
    {"ioc/residentbat.stix2", 97},
    {"ioc/wintego_helios.stix2", 352},
    {"spec-examples/apt1.json", 76},
    {"spec-examples/poisonivy.json", 155},
};

static void expect_tally(struct bench *b, unsigned partner, size_t released, size_t held, size_t blocked)
{
    bench_settle(b);
    struct gate_tally tally = bench_tally(b, partner);
    assert_int_equal(tally.released, released);
    assert_int_equal(tally.held, held);
    assert_int_equal(tally.blocked, blocked);
    assert_int_equal(tally.denied, 0);
}

/* 7,587 objects, 1,825 of them with ATT&CK's copyright statement; 5,760 of the unmarked ones refer to nothing
 * marked or missing, 7,586 of all to nothing missing. */
static void feeds_before_and_after(void **state)
{
    (void)state;
    struct bench b;
    size_t total = 0;
    bench_init(&b);
    bench_policy(&b);
    unsigned us = bench_partner(&b, "us-cisa");
    uint32_t mitre = bench_source(&b, "feeds", STIX_TLP_NONE, true, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add_file(&b, mitre, rows[i].name);
        assert_int_equal(b.answers[GATE_NEW], rows[i].objects);
        assert_int_equal(b.answers[GATE_REFUSED] + b.answers[GATE_CONFLICT], 0);
        total += rows[i].objects;
        expect_tally(&b, us, 0, total, 0);
    }
    assert_int_equal(total, 7587);
    (void)bench_source(&b, "feeds", STIX_TLP_CLEAR, true, false);
    /* 1,825 with the statement, and its definition, which goes with them. */
    expect_tally(&b, us, 5760, 1826, 1);
    struct stix_key marking = bench_key("marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168");
    assert_int_equal(gate_marking_classify(b.gate, &marking, STIX_TLP_CLEAR, &by_test, NOW), ERR_OK);
    expect_tally(&b, us, 7586, 0, 1);
    struct bench_leaves *leaves = bench_ledger(&b, us);
    assert_int_equal(leaves->count, 7586);
    mem_free(leaves);
    bench_deinit(&b);
}

static const char *const releases[] = {"attack-ics/ics-attack-14.1.json", "attack-ics/ics-attack-16.1.json",
                                       "attack-ics/ics-attack-17.1.json", "attack-ics/ics-attack-18.1.json"};

/* 73 copies arrive that differ from the first under their version (../shared/data/SOURCES.md); one of them is
 * the same conflict for the second time, which is not kept again. */
static void four_releases_of_a_plain_source(void **state)
{
    (void)state;
    static const size_t conflicts[] = {0, 1, 1, 71};
    struct bench b;
    struct gate_counts counts;
    bench_init(&b);
    uint32_t mitre = bench_source(&b, "mitre", STIX_TLP_CLEAR, true, false);
    for (size_t i = 0; i < sizeof releases / sizeof *releases; i++) {
        add_file(&b, mitre, releases[i]);
        assert_int_equal(b.answers[GATE_CONFLICT], conflicts[i]);
        assert_int_equal(b.answers[GATE_REFUSED], 0);
    }
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 72);
    assert_int_equal(counts.objects, 4028);
    bench_reopen(&b);
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 72);
    bench_deinit(&b);
}

/* One object of the last release, and whether the gate holds exactly its bytes as the newest. */
struct live {
    struct bench *b;
    struct bytes text;
    struct bytes slice;
    size_t checked, right;
};

static bool is_live(void *ctx, const struct gate_object *object)
{
    struct live *live = ctx;
    if (object->newest)
        live->right += object->bytes.len == live->slice.len &&
                       memcmp(object->bytes.at, live->slice.at, live->slice.len) == 0;
    return true;
}

static bool check_slice(void *ctx, struct json_slice slice)
{
    struct live *live = ctx;
    char id[ID_MAX];
    live->slice = bytes_of(live->text.at + slice.from, slice.len);
    /* The object's own id is the one behind "id": at its first level; ATT&CK writes it before any other. */
    const char *at = memmem(live->slice.at, live->slice.len, "\"id\": \"", 7);
    assert_non_null(at);
    size_t len = strcspn(at + 7, "\"");
    assert_in_range(len, 40, ID_MAX - 1);
    memcpy(id, at + 7, len);
    id[len] = '\0';
    struct stix_key key = bench_key(id);
    assert_int_equal(gate_versions(live->b->gate, &key, is_live, live), ERR_OK);
    live->checked++;
    return true;
}

static void four_releases_of_one_that_rewrites(void **state)
{
    (void)state;
    struct bench b;
    struct gate_counts counts;
    size_t len = 0;
    bench_init(&b);
    uint32_t mitre = bench_source(&b, "mitre", STIX_TLP_CLEAR, true, true);
    for (size_t i = 0; i < sizeof releases / sizeof *releases; i++) {
        add_file(&b, mitre, releases[i]);
        assert_int_equal(b.answers[GATE_REFUSED] + b.answers[GATE_CONFLICT], 0);
    }
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 0);
    assert_int_equal(counts.objects, 4028 + 72);
    char *text = data_file(releases[3], &len);
    struct live live = {.b = &b, .text = bytes_of(text, len)};
    enum json_split_kind kind;
    assert_int_equal(json_split(live.text, STR("objects"), &kind, check_slice, &live, NULL), ERR_OK);
    assert_int_equal(live.checked, 1826);
    /* The other 24 are spelled otherwise than an earlier, equal copy, whose bytes stay. */
    assert_int_equal(live.right, 1802);
    add_file(&b, mitre, releases[3]);
    assert_int_equal(b.answers[GATE_DUPLICATE], 1826);
    mem_free(text);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feeds_before_and_after),
        cmocka_unit_test(four_releases_of_a_plain_source),
        cmocka_unit_test(four_releases_of_one_that_rewrites),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate real", tests, NULL, NULL);
}
