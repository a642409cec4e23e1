/* Reads every object of the sample feeds beside the repository and compares how many are refused, and why,
 * with tests/corpus/stix.expected. Skipped by name where the samples are absent. */
#include <stdio.h>

#include "core/uuid.h"
#include "stix_test.h"

enum { PATH_MAX_BYTES = 4096, REASONS_MAX = 12, LINE_BYTES = 512 };

struct reason {
    char text[FAULT_WHAT_MAX + 32];
    unsigned count;
};

struct tally {
    unsigned objects, refused, warned, tlp, statement, unmarked, id_differs;
    struct reason reasons[REASONS_MAX];
    size_t reason_count;
};

static const char *data_folder(void)
{
    const char *folder = getenv("BONGSU_DATA");
    return folder != NULL ? folder : DATA_DEFAULT;
}

/* NULL when there is no such file. */
static char *load(const char *name, size_t *out_len)
{
    char path[PATH_MAX_BYTES];
    assert_true(snprintf(path, sizeof path, "%s/stix/%s", data_folder(), name) < (int)sizeof path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    char *text = malloc((size_t)size + JSON_PADDING);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    memset(text + size, 0, JSON_PADDING);
    *out_len = (size_t)size;
    return text;
}

/* The fault without the words in quotes, so that like refusals count together. */
static void count_reason(struct tally *tally, const struct fault *fault)
{
    char text[sizeof tally->reasons[0].text];
    size_t n = 0;
    bool quoted = false;
    n = (size_t)snprintf(text, sizeof text, "%s ", fault->section);
    for (const char *at = fault->what; *at != '\0' && n < sizeof text - 1; at++) {
        if (*at == '"')
            quoted = !quoted;
        if (!quoted)
            text[n++] = *at;
    }
    text[n] = '\0';
    for (size_t i = 0; i < tally->reason_count; i++) {
        if (strcmp(tally->reasons[i].text, text) == 0) {
            tally->reasons[i].count++;
            return;
        }
    }
    if (tally->reason_count == REASONS_MAX)
        return;
    memcpy(tally->reasons[tally->reason_count].text, text, sizeof text);
    tally->reasons[tally->reason_count++].count = 1;
}

static void count_markings(struct tally *tally, const struct stix_object *object)
{
    bool marked = false, tlp = false;
    enum stix_tlp level;
    for (size_t i = 0; i < object->ref_count; i++) {
        if (object->refs[i].role != STIX_REF_MARKING && object->refs[i].role != STIX_REF_GRANULAR_MARKING)
            continue;
        marked = true;
        tlp = tlp || stix_tlp_from_key(&object->refs[i].key, &level);
    }
    tally->tlp += tlp;
    tally->statement += marked && !tlp;
    tally->unmarked += !marked;
}

static void read_one(struct reading *r, struct json_val v, struct tally *tally)
{
    enum stix_sco_id sco;
    arena_reset(&r->arena);
    memset(&r->fault, 0, sizeof r->fault);
    tally->objects++;
    if (stix_read(v, NULL, &r->arena, &r->object, &r->fault) != ERR_OK) {
        tally->refused++;
        count_reason(tally, &r->fault);
        return;
    }
    tally->warned += r->object.warning_count > 0;
    count_markings(tally, &r->object);
    assert_int_equal(r->object.named_count, 0); /* what 0049 rests on: real texts hardly name others */
    assert_int_equal(stix_sco_id_check(&r->object, &sco, NULL), ERR_OK);
    tally->id_differs += sco == STIX_SCO_ID_DIFFERS;
}

static void read_document(struct reading *r, struct tally *tally)
{
    struct json_val root = json_root(&r->doc), objects, v;
    bool bundle = json_get(root, STR("objects"), &objects) && json_is(objects, JSON_ARRAY);
    if (!bundle && !json_is(root, JSON_ARRAY)) {
        read_one(r, root, tally);
        return;
    }
    struct json_iter iter = json_array_iter(json_is(root, JSON_ARRAY) ? root : objects);
    while (json_array_next(&iter, &v))
        read_one(r, v, tally);
}

static void print_tally(const char *name, const struct tally *t)
{
    printf("# %s: %u objects, %u refused, %u with warnings; %u TLP, %u other marking, %u unmarked; %u SCO "
           "ids differ\n",
           name, t->objects, t->refused, t->warned, t->tlp, t->statement, t->unmarked, t->id_differs);
    for (size_t i = 0; i < t->reason_count; i++)
        printf("#   %u refused: %s\n", t->reasons[i].count, t->reasons[i].text);
}

/* UUIDs without the type of an identifier. */
static unsigned lone_uuids(struct str text)
{
    struct uuid uuid;
    unsigned count = 0;
    for (size_t at = 0; at + UUID_TEXT_SIZE <= text.len; at++) {
        if (text.at[at + 8] != '-' || !uuid_parse((struct str) {text.at + at, UUID_TEXT_SIZE}, &uuid))
            continue;
        count += at < 2 || text.at[at - 1] != '-' || text.at[at - 2] != '-';
        at += UUID_TEXT_SIZE - 1;
    }
    return count;
}

/* One line of the expectations: path, objects, refused, warned. */
static bool read_file(struct reading *r, const char *line, unsigned *mismatches, unsigned *lone)
{
    char name[LINE_BYTES], want[64], got[64];
    unsigned objects, refused, warned;
    assert_int_equal(sscanf(line, "%511s %u %u %u", name, &objects, &refused, &warned), 4);
    size_t len = 0;
    char *text = load(name, &len);
    if (text == NULL)
        return false;
    struct tally tally = {0};
    *lone += lone_uuids((struct str) {text, len});
    err_t err = json_parse(r->parser, bytes_of(text, len), &r->doc, &r->fault);
    if (err == ERR_OK)
        read_document(r, &tally);
    else
        printf("# %s: not JSON: %s\n", name, r->fault.what);
    print_tally(name, &tally);
    snprintf(got, sizeof got, "%u %u %u", tally.objects, tally.refused, tally.warned);
    snprintf(want, sizeof want, "%u %u %u", objects, refused, warned);
    if (strcmp(got, want) != 0)
        fprintf(stderr, "%s: objects, refused, warned: %s, expected %s\n", name, got, want);
    *mismatches += strcmp(got, want) != 0;
    free(text);
    return true;
}

static void corpus_is_read_as_expected(void **state)
{
    (void)state;
    struct reading r;
    char line[LINE_BYTES];
    unsigned read = 0, mismatches = 0, lone = 0;
    FILE *expected = fopen(EXPECTED, "r");
    assert_non_null(expected);
    reading_open(&r);
    while (fgets(line, sizeof line, expected) != NULL)
        if (line[0] != '#')
            read += read_file(&r, line, &mismatches, &lone);
    reading_close(&r);
    fclose(expected);
    assert_int_equal(mismatches, 0);
    printf("# UUIDs without a type: %u\n", lone);
    assert_true(lone <= 40); /* 0049: what taking them for names would touch in real texts */
    if (read == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus_is_read_as_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
