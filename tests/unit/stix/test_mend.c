/* What a lenient source sends, read as it was meant: each habit alone, whole objects of STIX 2.0, and what
 * must not be mended. */
#include <stdio.h>

#include "core/uuid.h"
#include "stix/mend.h"
#include "stix_test.h"

#define ID_A     "indicator--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9"
#define NODE     "identity--0d6a1a43-8f6e-4c39-9d65-0e6f4a2e9a11"
#define WHITE    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
#define CREATED  "\"created\":\"2020-01-02T03:04:05.678Z\""
#define MODIFIED "\"modified\":\"2020-01-02T03:04:05.678Z\""

struct outcome {
    err_t err;
    struct buf text, report;
    struct reading r; /* of the minted object */
};

static const struct stix_mint mint = {.key = {{7, 7, 7}}, .creator_id = {NODE, sizeof NODE - 1}};

static void outcome_open(struct outcome *o)
{
    reading_open(&o->r);
    buf_init(&o->text, LIMIT_OBJECT_BYTES);
    buf_init(&o->report, 1024);
}

static void outcome_close(struct outcome *o)
{
    reading_close(&o->r);
    buf_deinit(&o->text);
    buf_deinit(&o->report);
}

/* Mends `text`; what comes out must be STIX 2.1 of this node. */
static void mend(struct outcome *o, const char *text)
{
    buf_clear(&o->text);
    buf_clear(&o->report);
    assert_int_not_equal(reading_read(&o->r, str_of(text)), ERR_OK);
    reading_parse(&o->r, str_of(text));
    o->err = stix_mend(json_root(&o->r.doc), &mint, &o->text, &o->report);
    if (o->err != ERR_OK)
        return;
    if (reading_read(&o->r, buf_str(&o->text)) != ERR_OK)
        fail_msg("%s (%s): %.*s", o->r.fault.what, o->r.fault.pointer, STR_ARG(buf_str(&o->text)));
    assert_true(o->report.len > 0);
}

/* NULL: it is not there. */
static const char *find(struct str in, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = 0; in.len - i >= len && i < in.len; i++)
        if (memcmp(in.at + i, what, len) == 0)
            return in.at + i;
    return NULL;
}

static bool says(const struct outcome *o, const char *what)
{
    return find(buf_str(&o->report), what) != NULL;
}

static bool holds(const struct outcome *o, const char *what)
{
    return find(buf_str(&o->text), what) != NULL;
}

/* "relationship--..." as the node mints it from `id`. */
static const char *minted(const char *id)
{
    static char text[LIMIT_ID_BYTES + 1];
    struct buf out;
    buf_init(&out, LIMIT_ID_BYTES);
    stix_mint_id(&mint, str_of(id), &out);
    (void)snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_deinit(&out);
    return text;
}

static void stix_20(void **state)
{
    (void)state;
    struct outcome o;
    outcome_open(&o);
    mend(&o, "{\"type\":\"indicator\",\"id\":\"" ID_A "\"," CREATED "," MODIFIED
             ",\"created_by_ref\":\"identity--aaaaaaaa-8f6e-4c39-9d65-0e6f4a2e9a11\",\"labels\":[\"malicious-"
             "activity\"],"
             "\"pattern\":\"[ipv4-addr:value = '198.51.100.7']\",\"valid_from\":\"2020-01-02T03:04:05Z\","
             "\"object_marking_refs\":[\"" WHITE "\"]}");
    assert_int_equal(o.err, ERR_OK);
    assert_true(holds(&o, "\"indicator_types\":[\"malicious-activity\"]"));
    assert_false(holds(&o, "labels"));
    assert_true(holds(&o, "\"pattern_type\":\"stix\""));
    assert_true(holds(&o, WHITE)); /* built in: the same in both versions */
    assert_true(str_eq(o.r.object.creator_id, str_of(NODE)));
    assert_true(str_eq(o.r.object.id, str_of(minted(ID_A))));
    assert_false(holds(&o, ID_A));
    assert_true(says(&o, "STIX 2.0") && says(&o, "labels became its types") && says(&o, "pattern_type"));
    mend(&o, "{\"type\":\"malware\",\"id\":\"malware--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\"," CREATED
             "," MODIFIED ",\"name\":\"x\",\"labels\":[\"worm\"]}");
    assert_int_equal(o.err, ERR_OK);
    assert_true(holds(&o, "\"is_family\":true") && holds(&o, "\"malware_types\":[\"worm\"]"));
    outcome_close(&o);
}

/* Whoever refers to a minted object refers to what it became, wherever the reference stands. */
static void references_follow(void **state)
{
    (void)state;
    struct outcome o;
    outcome_open(&o);
    mend(&o,
         "{\"type\":\"report\",\"id\":\"report--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\"," CREATED "," MODIFIED
         ",\"name\":\"x\",\"labels\":[\"threat-report\"],\"published\":\"2020-01-02T03:04:05Z\",\"object_"
         "refs\":[\"" ID_A "\"],\"x_more\":{\"deep\":[{\"at\":\"" ID_A "\"}]}}");
    assert_int_equal(o.err, ERR_OK);
    assert_false(holds(&o, ID_A));
    const char *became = minted(ID_A);
    const char *first = find(buf_str(&o.text), became);
    assert_non_null(first);
    size_t behind = o.text.len - (size_t)(first - (const char *)o.text.at) - 1;
    assert_non_null(find((struct str) {first + 1, behind}, became));
    outcome_close(&o);
}

/* An object of STIX 2.1 with a fault of its own keeps its references: what they name was not minted. */
static void references_stay(void **state)
{
    (void)state;
    struct outcome o;
    outcome_open(&o);
    mend(&o, "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--5b0d3c6e-1f7a-4c52-9e21-"
             "84b3d7602af9\"," CREATED "," MODIFIED
             ",\"name\":\"x\",\"report_types\":\"threat-report\",\"published\":\"2020-01-02T03:04:05Z\","
             "\"object_refs\":[\"" ID_A "\"]}");
    assert_int_equal(o.err, ERR_OK);
    assert_true(holds(&o, ID_A));
    assert_true(holds(&o, "\"report_types\":[\"threat-report\"]"));
    assert_string_equal((buf_putc(&o.report, '\0'), (char *)o.report.at), "single values became lists");
    outcome_close(&o);
}

static void habits(void **state)
{
    (void)state;
    static const struct {
        const char *members, *says, *holds;
    } rows[] = {
        {CREATED "," MODIFIED ",\"spec_version\":\"2.1\",\"name\":\"x\",\"description\":null", "null",
         "\"name\":\"x\""},
        {CREATED "," MODIFIED ",\"name\":\"x\",\"confidence\":5", "spec_version", "\"confidence\":5"},
        {"\"created\":\"2020-01-02T03:04:05.678+09:00\"," MODIFIED ",\"spec_version\":\"2.1\",\"name\":\"x\"",
         "UTC", "\"created\":\"2020-01-01T18:04:05.678000Z\""},
        {"\"created\":\"2020-01-02 03:04:05.678\"," MODIFIED ",\"spec_version\":\"2.1\",\"name\":\"x\"",
         "UTC", "\"created\":\"2020-01-02T03:04:05.678Z\""},
        {CREATED ",\"spec_version\":\"2.1\",\"name\":\"x\"", "taken from each other", MODIFIED},
        {MODIFIED ",\"spec_version\":\"2.1\",\"name\":\"x\"", "taken from each other", CREATED},
        {CREATED ",\"modified\":\"2019-01-02T03:04:05.678Z\",\"spec_version\":\"2.1\",\"name\":\"x\"",
         "before created", MODIFIED},
        {CREATED "," MODIFIED ",\"spec_version\":\"2.1\",\"name\":[\"x\"]", "lists of one", "\"name\":\"x\""},
    };
    struct outcome o;
    char text[1024];
    outcome_open(&o);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"campaign\",\"id\":\"campaign--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\",%s}",
                       rows[i].members);
        mend(&o, text);
        assert_int_equal(o.err, ERR_OK);
        if (!says(&o, rows[i].says) || !holds(&o, rows[i].holds))
            fail_msg("%s: %.*s: %.*s", rows[i].says, STR_ARG(buf_str(&o.report)), STR_ARG(buf_str(&o.text)));
    }
    outcome_close(&o);
}

/* Two readings, nothing to hold on to, or an identifier that says what the object is: refused as before. */
static void not_mended(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--5b0d3c6e-1f7a-5c52-9e21-84b3d7602af9\",\"value\":null}",
        "{\"type\":\"campaign\",\"spec_version\":\"2.1\",\"id\":\"tool--5b0d3c6e-1f7a-4c52-9e21-"
        "84b3d7602af9\"," CREATED "," MODIFIED "}",
        "{\"type\":\"campaign\"}",
        "{\"id\":\"campaign--1\",\"type\":\"campaign\"}",
        "[]",
        "7",
    };
    struct outcome o;
    outcome_open(&o);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mend(&o, rows[i]);
        assert_int_equal(o.err, ERR_UNSUPPORTED);
    }
    /* A year that is no year stays one. */
    reading_parse(&o.r, STR("{\"type\":\"campaign\",\"spec_version\":\"2.1\",\"id\":\"campaign--5b0d3c6e-"
                            "1f7a-4c52-9e21-84b3d7602af9\","
                            "\"created\":\"yesterday\"," MODIFIED ",\"name\":\"x\"}"));
    assert_int_equal(stix_mend(json_root(&o.r.doc), &mint, &o.text, &o.report), ERR_UNSUPPORTED);
    outcome_close(&o);
}

/* The same under the same secret, another under another: an identifier confirms no guess. */
static void identifiers(void **state)
{
    (void)state;
    char first[LIMIT_ID_BYTES + 1];
    struct stix_mint other = mint;
    struct stix_key key;
    struct buf out;
    (void)snprintf(first, sizeof first, "%s", minted(ID_A));
    assert_string_equal(first, minted(ID_A));
    assert_true(stix_id_parse(str_of(first), &key));
    assert_int_equal(key.b[6] >> 4, 5);
    other.key.b[0]++;
    buf_init(&out, LIMIT_ID_BYTES);
    stix_mint_id(&other, str_of(ID_A), &out);
    assert_false(str_eq(buf_str(&out), str_of(first)));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stix_20), cmocka_unit_test(references_follow), cmocka_unit_test(references_stay),
        cmocka_unit_test(habits),  cmocka_unit_test(not_mended),        cmocka_unit_test(identifiers),
    };
    return cmocka_run_group_tests_name("stix mend", tests, NULL, NULL);
}
