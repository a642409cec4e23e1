/* MISP events: everything that goes in comes out the same event, and every object on the way is valid STIX.
 */
#include "misp_test.h"

#include <dirent.h>

struct totals {
    unsigned events, same, attributes, objects, stix, custom, invalid, extended;
};

static struct totals totals;

struct writing {
    struct kit *kit;
    struct misp_writer *writer;
    unsigned objects;
    bool (*wanted)(struct str object);
};

static bool add_object(void *ctx, struct json_slice slice)
{
    struct writing *writing = ctx;
    struct kit *kit = writing->kit;
    struct str text = {(const char *)kit->stix.at + slice.from, slice.len};
    char *copy = padded(text);
    struct json_doc doc;
    struct arena arena;
    struct stix_object object;
    struct fault fault = {0};
    arena_init(&arena, 16 << 20);
    assert_int_equal(json_parse(kit->other, bytes_of(copy, slice.len), &doc, &fault), ERR_OK);
    err_t err = stix_read(json_root(&doc), &kit->extensions, &arena, &object, &fault);
    if (err != ERR_OK)
        print_message("# %s at %s: %.*s\n", fault.what, fault.pointer,
                      (int)(slice.len < 600 ? slice.len : 600), copy);
    assert_int_equal(err, ERR_OK);
    for (size_t i = 0; i < object.warning_count; i++)
        if (strcmp(object.warnings[i].section, "7.3") == 0 ||
            str_starts(object.warnings[i].pointer, STR("/extensions")))
            fail_msg("%.*s: %s", STR_ARG(object.warnings[i].pointer), object.warnings[i].what);
    for (size_t i = 0; i < object.ref_count; i++)
        totals.extended += object.refs[i].role == STIX_REF_EXTENSION;
    if (writing->wanted == NULL || writing->wanted(text))
        assert_int_equal(misp_writer_add(writing->writer, bytes_of(copy, slice.len), &fault), ERR_OK);
    arena_deinit(&arena);
    free(copy);
    writing->objects++;
    return true;
}

/* Cuts the bundle and hands every object to a new writer. */
static struct misp_writer *write_all(struct kit *kit, bool (*wanted)(struct str object),
                                     unsigned *out_objects)
{
    struct writing writing = {.kit = kit, .wanted = wanted};
    enum json_split_kind kind;
    assert_int_equal(misp_writer_new(NULL, 0, &writing.writer), ERR_OK);
    assert_int_equal(
        json_split(buf_bytes(&kit->stix), STR("objects"), &kind, add_object, &writing, &kit->fault), ERR_OK);
    *out_objects = writing.objects;
    return writing.writer;
}

static void canonical(struct kit *kit, struct str text, struct buf *out)
{
    struct json_doc doc;
    struct json_val inner;
    char *copy = padded(text);
    assert_int_equal(json_parse(kit->other, bytes_of(copy, text.len), &doc, &kit->fault), ERR_OK);
    struct json_val root = json_root(&doc);
    buf_clear(out);
    assert_int_equal(json_canon(json_get(root, STR("Event"), &inner) ? inner : root, NULL, out, &kit->fault),
                     ERR_OK);
    free(copy);
}

struct comparing {
    struct kit *kit;
    struct buf expected;
    unsigned same, other;
};

static bool compare(void *ctx, const struct misp_written *written)
{
    struct comparing *comparing = ctx;
    struct buf got;
    buf_init(&got, TEXT_MAX);
    canonical(comparing->kit, written->event, &got);
    struct str a = buf_str(&got), b = buf_str(&comparing->expected);
    if (str_eq(a, b)) {
        comparing->same++;
    } else {
        size_t at = 0;
        while (at < a.len && at < b.len && a.at[at] == b.at[at])
            at++;
        size_t from = at < 60 ? 0 : at - 60;
        print_message("# differs at %zu: got %.*s expected %.*s\n", at,
                      (int)(a.len - from < 120 ? a.len - from : 120), a.at + from,
                      (int)(b.len - from < 120 ? b.len - from : 120), b.at + from);
        comparing->other++;
    }
    buf_deinit(&got);
    return true;
}

static bool round_trip(struct kit *kit, struct str event, unsigned *out_objects)
{
    struct comparing comparing = {.kit = kit};
    err_t err = kit_read(kit, event);
    if (err != ERR_OK)
        print_message("# refused: %s\n", kit->fault.what);
    assert_int_equal(err, ERR_OK);
    struct misp_writer *writer = write_all(kit, NULL, out_objects);
    buf_init(&comparing.expected, TEXT_MAX);
    canonical(kit, event, &comparing.expected);
    assert_int_equal(misp_writer_finish(writer, compare, &comparing), ERR_OK);
    misp_writer_free(writer);
    buf_deinit(&comparing.expected);
    return comparing.same == 1 && comparing.other == 0;
}

/* --- the sample events --- */

static struct buf share_text(const char *name)
{
    char path[1024];
    struct buf text;
    (void)snprintf(path, sizeof path, "%s/share/%s", BONGSU_ROOT, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buf_init(&text, LIMIT_EXTENSION_BYTES);
    size_t len = fread(buf_extend(&text, LIMIT_EXTENSION_BYTES), 1, LIMIT_EXTENSION_BYTES, file);
    (void)fclose(file);
    text.len = len;
    return text;
}

/* What share/ says of our extension is what every object of an event is then checked against. */
static void register_extension(struct kit *kit)
{
    struct buf definition = share_text("misp-extension.json"),
               schema = share_text("misp-extension.schema.json");
    const struct stix_extension *extension;
    err_t err = stix_extension_read(kit->other, buf_bytes(&definition), buf_str(&schema), &kit->kept,
                                    &extension, &kit->fault);
    if (err != ERR_OK)
        fail_msg("%s %s", kit->fault.pointer, kit->fault.what);
    assert_int_equal(stix_extensions_put(&kit->extensions, extension), ERR_OK);
    buf_deinit(&definition);
    buf_deinit(&schema);
}

/* ...and its definition the one that stands in every event's bundle. */
static void the_definition_is_the_one_we_ship(void **state)
{
    static const char event[] =
        "{\"Event\":{\"uuid\":\"5f6b1b0a-0000-4000-8000-000000000001\",\"info\":\"x\","
        "\"date\":\"2026-01-01\",\"timestamp\":\"1767225600\",\"Attribute\":[]}}";
    struct json_slice slices[LIMIT_EXTENSIONS];
    struct buf shipped = share_text("misp-extension.json"), want, got;
    struct kit kit;
    size_t count = 0;
    (void)state;
    kit_init(&kit);
    buf_init(&want, TEXT_MAX);
    buf_init(&got, TEXT_MAX);
    assert_int_equal(kit_read(&kit, str_of(event)), ERR_OK);
    assert_int_equal(stix_extension_cut(kit.other, buf_bytes(&kit.stix), slices, &count, &kit.fault), ERR_OK);
    assert_int_equal(count, 1);
    canonical(&kit, (struct str) {(const char *)kit.stix.at + slices[0].from, slices[0].len}, &got);
    canonical(&kit, buf_str(&shipped), &want);
    assert_true(str_eq(buf_str(&got), buf_str(&want)));
    buf_deinit(&shipped);
    buf_deinit(&want);
    buf_deinit(&got);
    kit_deinit(&kit);
}

static bool sample(void *ctx, struct bytes event)
{
    struct kit *kit = ctx;
    unsigned objects = 0;
    totals.events++;
    totals.same += round_trip(kit, str_from_bytes(event), &objects);
    totals.stix += objects;
    totals.attributes += (unsigned)kit->report.attributes;
    totals.objects += (unsigned)kit->report.objects;
    totals.custom += (unsigned)kit->report.custom;
    totals.invalid += (unsigned)kit->report.invalid;
    return true;
}

static void sample_file(struct kit *kit, const char *path)
{
    struct buf scratch;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, TEXT_MAX + JSON_PADDING);
    size_t len = fread(text, 1, TEXT_MAX, file);
    fclose(file);
    buf_init(&scratch, 2 * TEXT_MAX);
    assert_int_equal(misp_split(bytes_of(text, len), &scratch, sample, kit, &kit->fault), ERR_OK);
    buf_deinit(&scratch);
    free(text);
}

static void every_sample_event_comes_out_the_same(void **state)
{
    (void)state;
    const char *base = getenv("BONGSU_DATA");
    char path[1024], folder[900];
    struct dirent *entry;
    struct kit kit;
    (void)snprintf(folder, sizeof folder, "%s/misp/events", base != NULL ? base : DATA_DEFAULT);
    DIR *dir = opendir(folder);
    if (dir == NULL)
        skip();
    kit_init(&kit);
    register_extension(&kit);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%.100s", folder, entry->d_name);
        sample_file(&kit, path);
    }
    closedir(dir);
    kit_deinit(&kit);
    print_message(
        "# %u events in, %u the same event out, 0 refused: %u attributes, %u objects; %u STIX objects, "
        "%u of them custom, %u values not what their type says\n",
        totals.events, totals.same, totals.attributes, totals.objects, totals.stix, totals.custom,
        totals.invalid);
    assert_true(totals.events >= 13);
    assert_true(totals.extended >
                totals.attributes); /* objects that the schema of our extension was asked of */
    assert_int_equal(totals.same, totals.events);
}

/* --- generated events --- */

/* clang-format off */
#define UUID(n) "5e000000-0000-4000-8000-00000000000" #n
#define HEAD                                                                                                 \
    "{\"Event\":{\"uuid\":\"" UUID(                                                                          \
        0) "\",\"info\":\"i\",\"date\":\"2026-01-02\",\"timestamp\":\"1760000000\",\"published\":true,"      \
           "\"publish_timestamp\":\"1760000009\",\"distribution\":\"3\",\"Orgc\":{\"name\":\"O\",\"uuid\":"  \
           "\"" UUID(9) "\"}"

static const char
    *const
        events[] =
            {
                HEAD "}}",
                HEAD ",\"Attribute\":[],\"Object\":[],\"Tag\":[]}}",
                /* what stays here: local tags and galaxies in the middle, proposals, who typed it, other
                   events */
                HEAD ",\"event_creator_email\":\"a@b\",\"RelatedEvent\":[{\"Event\":{\"id\":1}}],"
                     "\"ShadowAttribute\":[{\"id\":\"1\"}],"
                     "\"Tag\":[{\"name\":\"x\",\"local\":1},{\"name\":\"tlp:green\"},{\"name\":\"y\","
                     "\"exportable\":false},{\"name\":\"z\"},"
                     "{\"name\":\"w\",\"local\":true}],\"Galaxy\":[{\"type\":\"threat-actor\",\"name\":\"T\","
                     "\"GalaxyCluster\":[{\"uuid\":\"" UUID(5) "\",\"value\":\"V\",\"local\":true}]}]}}",
                /* every kind of value; a number that is none, a hash that is none */
                HEAD ",\"Attribute\":[{\"uuid\":\"" UUID(
                    1) "\",\"type\":\"ip-dst|port\",\"category\":\"Network activity\",\"value\":\"::1|80\","
                       "\"to_ids\":true,\"timestamp\":5,\"Sighting\":[{\"uuid\":\"" UUID(
                           8) "\",\"type\":\"0\",\"date_sighting\":\"7\"}],"
                              "\"Tag\":[{\"name\":\"t\",\"local\":true}]},"
                              "{\"uuid\":\"" UUID(2) "\",\"type\":\"AS\",\"value\":\"none\",\"to_ids\":true},"
                                                     "{\"uuid\":\"" UUID(
                                                         3) "\",\"type\":\"md5\",\"value\":\"12\",\"to_ids\":"
                                                            "true,\"deleted\":true},"
                                                            "{\"uuid\":\"" UUID(
                                                                4) "\",\"type\":\"filename\",\"value\":\"a'"
                                                                   "b\\\\c\\\"\\u0001\",\"to_ids\":true,"
                                                                   "\"first_seen\":\"2026-01-02T03:04:05."
                                                                   "678901+09:00\",\"last_seen\":null}]}}",
                /* objects, references between them and to nowhere, reports */
                HEAD ",\"Object\":[{\"uuid\":\"" UUID(1) "\",\"name\":\"file\",\"meta-category\":\"file\","
                                                         "\"Attribute\":[{\"uuid\":\"" UUID(
                                                             2) "\",\"type\":\"sha1\",\"object_relation\":"
                                                                "\"sha1\",\"value\":"
                                                                "\"70e9078f9d2df6dfb394a5016b5f6581b810e7a6\""
                                                                ",\"to_ids\":true,"
                                                                "\"ShadowAttribute\":[{\"id\":2}],\"Tag\":[{"
                                                                "\"name\":\"l\",\"local\":true},{\"name\":"
                                                                "\"m\"}]}],"
                                                                "\"ObjectReference\":[{\"uuid\":\""
        UUID(3) "\",\"referenced_uuid\":\"" UUID(
                                                                    4) "\",\"relationship_type\":\"Drops "
                                                                       "By\"},"
                                                                       "{\"uuid\":\"" UUID(
                                                                           7) "\",\"referenced_uuid\":"
                                                                              "\"" UUID(8) "\","
                                                                                           "\"relationship_"
                                                                                           "type\":\"x\"}]}],"
                                                                                           "\"Attribute\":[{"
                                                                                           "\"uuid\":\"" UUID(
                                                                                               4) "\","
                                                                                                  "\"type\":"
                                                                                                  "\"vulnerab"
                                                                                                  "ility\","
                                                                                                  "\"value\":"
                                                                                                  "\"CVE-"
                                                                                                  "2026-1\"}]"
                                                                                                  ","
                                                                                                  "\"EventRep"
                                                                                                  "ort\":[{"
                                                                                                  "\"uuid\":"
                                                                                                  "\"" UUID(
                                                                                                      6) "\","
                                                                                                         "\"n"
                                                                                                         "ame"
                                                                                                         "\":"
                                                                                                         "\"n"
                                                                                                         "\","
                                                                                                         "\"c"
                                                                                                         "ont"
                                                                                                         "ent"
                                                                                                         "\":"
                                                                                                         "\"c"
                                                                                                         "\"}"
                                                                                                         ",{"
                                                                                                         "\"u"
                                                                                                         "uid"
                                                                                                         "\":"

        "\"" UUID(5) "\",\"name\":\"m\"}]}}",
};
/* clang-format on */

static void generated_events_come_out_the_same(void **state)
{
    (void)state;
    struct kit kit;
    unsigned objects;
    kit_init(&kit);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        assert_true(round_trip(&kit, str_of(events[i]), &objects));
    kit_deinit(&kit);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        for (size_t len = 0; len < strlen(events[i]); len++)
            assert_int_not_equal(kit_read(&kit, (struct str) {events[i], len}), ERR_OK);
    kit_deinit(&kit);
}

/* clang-format off */
static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "1",
        "{\"Event\":[]}",
        "{\"Event\":{\"uuid\":\"x\",\"timestamp\":\"1\"}}",
        "{\"Event\":{\"uuid\":\"" UUID(0) "\"}}",
        HEAD ",\"Attribute\":{}}}",
        HEAD ",\"info\":\"twice\"}}",
    };
    struct kit kit;
    kit_init(&kit);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(kit_read(&kit, str_of(bad[i])), ERR_OK);
        assert_int_equal(kit.stix.len, 0);
    }
    kit_deinit(&kit);
}
/* clang-format on */

static bool has(const struct kit *kit, const char *text)
{
    return memmem(kit->stix.at, kit->stix.len, text, strlen(text)) != NULL;
}

static void patterns_are_escaped(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    assert_int_equal(kit_read(&kit, str_of(events[3])), ERR_OK);
    assert_true(has(&kit, "[file:name = 'a\\\\'b\\\\\\\\c\\\"\\u0001']"));
    assert_true(has(&kit, "network-traffic:dst_ref.type = 'ipv6-addr'"));
    assert_true(has(&kit, "\"first_observed\":\"2026-01-01T18:04:05.678Z\""));
    assert_int_equal(kit.report.invalid, 2);
    kit_deinit(&kit);
}

/* --- distribution --- */

#define STAYS "marking-definition--4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842"

static bool leaves(struct str object)
{
    return memmem(object.at, object.len, STAYS, sizeof STAYS - 1) == NULL;
}

struct counting {
    unsigned events;
    bool secret, open;
};

static bool look(void *ctx, const struct misp_written *written)
{
    struct counting *counting = ctx;
    counting->events++;
    counting->secret |= memmem(written->event.at, written->event.len, "secret", 6) != NULL;
    counting->open |= memmem(written->event.at, written->event.len, "\"open\"", 6) != NULL;
    return true;
}

static struct counting released(struct kit *kit, const char *event)
{
    struct counting counting = {0};
    unsigned objects;
    assert_int_equal(kit_read(kit, str_of(event)), ERR_OK);
    struct misp_writer *writer = write_all(kit, leaves, &objects);
    assert_int_equal(misp_writer_finish(writer, look, &counting), ERR_OK);
    misp_writer_free(writer);
    return counting;
}

#define ATTRIBUTE(n, distribution, value)                                                                    \
    "{\"uuid\":\"" UUID(n) "\",\"type\":\"text\",\"value\":\"" value "\",\"distribution\":\"" distribution   \
                           "\"}"

/* clang-format off */
static void the_narrowest_distribution_binds(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    struct counting some = released(
        &kit, HEAD ",\"Attribute\":[" ATTRIBUTE(1, "0", "secret") "," ATTRIBUTE(2, "5", "open") "]}}");
    assert_true(some.open);
    assert_false(some.secret);
    /* an object keeps back what one of its attributes keeps back */
    some = released(
        &kit,
        HEAD ",\"Object\":[{\"uuid\":\"" UUID(3) "\",\"name\":\"o\",\"distribution\":\"3\",\"Attribute\":"
                                                 "[" ATTRIBUTE(1, "0", "secret") "]}]"
                                                                                 ",\"Attribute\":[" ATTRIBUTE(
                                                                                     2, "3", "open") "]}}");
    assert_true(some.open);
    assert_false(some.secret);
    /* an attribute cannot be wider than its object */
    some = released(
        &kit, HEAD ",\"Object\":[{\"uuid\":\"" UUID(
                  3) "\",\"name\":\"o\",\"distribution\":\"0\",\"Attribute\":[" ATTRIBUTE(1, "3",
                                                                                          "secret") "]}]}}");
    assert_false(some.secret);
    /* a sharing group that only has a number, a level that nobody knows */
    some = released(&kit, HEAD
                    ",\"Attribute\":[" ATTRIBUTE(1, "4", "secret") "," ATTRIBUTE(2, "7", "secret") "]}}");
    assert_false(some.secret);
    kit_deinit(&kit);
}

static void a_narrow_event_keeps_all_back(void **state)
{
    (void)state;
    static const char *const narrow[] = {
        "{\"uuid\":\"" UUID(0) "\",\"timestamp\":\"1\",\"published\":true,\"distribution\":\"0\",\"info\":"
                               "\"secret\",\"Attribute\":[" ATTRIBUTE(1, "3", "secret") "]}",
        "{\"uuid\":\"" UUID(0) "\",\"timestamp\":\"1\",\"published\":false,\"distribution\":\"3\",\"info\":"
                               "\"secret\",\"Attribute\":[" ATTRIBUTE(1, "3", "secret") "]}",
        "{\"uuid\":\"" UUID(0) "\",\"timestamp\":\"1\",\"published\":true,\"info\":\"secret\",\"Attribute\":"
                               "[" ATTRIBUTE(1, "3", "secret") "]}",
        HEAD ",\"Tag\":[{\"name\":\"TLP:PURPLE\"}],\"Attribute\":[" ATTRIBUTE(1, "3", "secret") "]}}",
    };
    struct kit kit;
    kit_init(&kit);
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
        assert_int_equal(released(&kit, narrow[i]).events, 0);
    kit_deinit(&kit);
}
/* clang-format on */

static void local_parts_do_not_leave(void **state)
{
    (void)state;
    struct kit kit;
    unsigned objects;
    kit_init(&kit);
    assert_int_equal(kit_read(&kit, str_of(events[2])), ERR_OK);
    assert_int_equal(kit.report.kept_here, 7);
    struct misp_writer *writer = write_all(&kit, leaves, &objects);
    struct comparing comparing = {.kit = &kit};
    buf_init(&comparing.expected, TEXT_MAX);
    canonical(&kit, STR(HEAD ",\"Galaxy\":[],\"Tag\":[{\"name\":\"tlp:green\"},{\"name\":\"z\"}]}}"),
              &comparing.expected);
    assert_int_equal(misp_writer_finish(writer, compare, &comparing), ERR_OK);
    assert_int_equal(comparing.same, 1);
    buf_deinit(&comparing.expected);
    misp_writer_free(writer);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_event_comes_out_the_same),
        cmocka_unit_test(the_definition_is_the_one_we_ship),
        cmocka_unit_test(generated_events_come_out_the_same),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(patterns_are_escaped),
        cmocka_unit_test(the_narrowest_distribution_binds),
        cmocka_unit_test(a_narrow_event_keeps_all_back),
        cmocka_unit_test(local_parts_do_not_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
