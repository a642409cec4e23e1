/* Elements of MISP events one by one: what cannot be read fails none of its neighbours, what is empty comes
 * back, a value has the form of its type, and what has ended detects nothing. */
#include "misp_test.h"

#include "feeds/misp_hashes.h"

#define UUID(n) "5e000000-0000-4000-8000-00000000000" #n
#define HEAD                                                                                                 \
    "{\"Event\":{\"uuid\":\"" UUID(0) "\",\"info\":\"i\",\"timestamp\":\"1760000000\",\"published\":true,"   \
                                      "\"distribution\":\"3\""

/* --- what cannot be read --- */

struct refusals {
    size_t count;
    char text[16][256], pointer[16][64], what[16][128];
};

static void keep_refusal(void *ctx, struct bytes text, const struct fault *fault)
{
    struct refusals *refusals = ctx;
    assert_true(refusals->count < 16);
    (void)snprintf(refusals->text[refusals->count], 256, "%.*s", (int)text.len, (const char *)text.at);
    (void)snprintf(refusals->pointer[refusals->count], 64, "%.60s", fault->pointer);
    (void)snprintf(refusals->what[refusals->count++], 128, "%.120s", fault->what);
}

static err_t read_with(struct kit *kit, const char *event, struct refusals *refusals)
{
    const struct misp_refuse refuse = {keep_refusal, refusals};
    char *copy = padded(str_of(event));
    buf_clear(&kit->stix);
    kit->fault = (struct fault) {0};
    refusals->count = 0;
    err_t err =
        misp_read(kit->parser, bytes_of(copy, strlen(event)), &refuse, &kit->stix, &kit->report, &kit->fault);
    free(copy);
    return err;
}

static bool has(const struct kit *kit, const char *text)
{
    return memmem(kit->stix.at, kit->stix.len, text, strlen(text)) != NULL;
}

static size_t ids(const struct kit *kit, const char *id)
{
    size_t count = 0, len = strlen(id);
    for (size_t at = 0; at + len <= kit->stix.len; at++)
        count += memcmp(kit->stix.at + at, id, len) == 0;
    return count;
}

#define TEXT(n, value) "{\"uuid\":\"" UUID(n) "\",\"type\":\"text\",\"value\":\"" value "\"}"

static void one_bad_element_fails_none_of_its_neighbours(void **state)
{
    static const char good[] = TEXT(1, "good"), last[] = TEXT(8, "last");
    static const struct {
        const char *list, *bad, *what;
    } rows[] = {
        {"Attribute", "1", "an element of the event is no object, or has no uuid: an attribute"},
        {"Attribute", "{\"uuid\":\"x\",\"type\":\"text\",\"value\":\"v\"}",
         "an element of the event is no object, or has no uuid: an attribute"},
        {"Attribute", "{\"uuid\":\"" UUID(2) "\",\"type\":\"text\"}",
         "an attribute has no type or no value: " UUID(2)},
        {"Attribute", TEXT(1, "twice"), "two elements of the event have one uuid: " UUID(1)},
        {"Attribute", "{\"uuid\":\"" UUID(2) "\",\"type\":\"text\",\"value\":\"v\",\"a\":1,\"a\":2}",
         "the member \"a\" occurs twice in one object"},
        {"Attribute", "{\"uuid\":\"" UUID(2) "\",\"type\":\"text\",\"value\":\"v\",\"x_empty\":1}",
         "x_empty is no name of MISP's"},
        {"Object", "{\"uuid\":\"" UUID(2) "\",\"Attribute\":[" TEXT(3, "v") "]}",
         "an object has no name or no attributes: " UUID(2)},
        {"Object",
         "{\"uuid\":\"" UUID(2) "\",\"name\":\"x\",\"Attribute\":[" TEXT(3, "v") "," TEXT(1, "v") "]}",
         "two elements of the event have one uuid: " UUID(1)},
        {"Object", "{\"uuid\":\"" UUID(2) "\",\"name\":\"x\",\"Attribute\":[1]}",
         "an attribute is no object: " UUID(2)},
        {"EventReport", "{\"name\":\"x\"}", "an element of the event is no object, or has no uuid: a report"},
    };
    struct kit kit;
    struct refusals refusals;
    (void)state;
    kit_init(&kit);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char event[2048], pointer[64];
        bool attribute = strcmp(rows[i].list, "Attribute") == 0;
        if (attribute)
            (void)snprintf(event, sizeof event, HEAD ",\"Attribute\":[%s, %s ,%s]}}", good, rows[i].bad,
                           last);
        else
            (void)snprintf(event, sizeof event, HEAD ",\"Attribute\":[%s],\"%s\":[%s]}}", good, rows[i].list,
                           rows[i].bad);
        (void)snprintf(pointer, sizeof pointer, "/Event/%s/%d", rows[i].list, attribute);
        assert_int_equal(read_with(&kit, event, &refusals), ERR_OK);
        assert_int_equal(refusals.count, 1);
        assert_string_equal(refusals.text[0], rows[i].bad);
        assert_string_equal(refusals.what[0], rows[i].what);
        assert_memory_equal(refusals.pointer[0], pointer, strlen(pointer));
        assert_int_equal(kit.report.refused, 1);
        assert_true(has(&kit, "\"x_misp_value\":\"good\""));
        assert_int_equal(has(&kit, "\"x_misp_value\":\"last\""), attribute);
        assert_false(has(&kit, "twice"));
        assert_int_equal(ids(&kit, "\"id\":\"x-misp-attribute--" UUID(1) "\""), 1);
        assert_false(has(&kit, "--" UUID(2)));
        assert_int_equal(kit.report.attributes, 1 + attribute);
    }
    kit_deinit(&kit);
}

/* clang-format off */
#define REFERENCE(n, to) \
    "\"ObjectReference\":[{\"uuid\":\"" UUID(n) "\",\"referenced_uuid\":\"" UUID(to) \
    "\",\"relationship_type\":\"uses\"}]"
/* What an object that was refused had taken is free again. */
static void what_is_refused_leaves_nothing(void **state)
{
    static const char event[] = HEAD
        ",\"Object\":[{\"uuid\":\"" UUID(1) "\",\"name\":\"x\",\"Attribute\":["
            TEXT(2, "a") "," TEXT(2, "b") "]," REFERENCE(3, 4) "},"
        "{\"uuid\":\"" UUID(4) "\",\"name\":\"x\",\"Attribute\":["
            TEXT(2, "c") "]," REFERENCE(5, 1) "}]}}";
    struct kit kit;
    struct refusals refusals;
    (void)state;
    kit_init(&kit);
    assert_int_equal(read_with(&kit, event, &refusals), ERR_OK);
    assert_int_equal(refusals.count, 1);
    assert_string_equal(refusals.pointer[0], "/Event/Object/0");
    assert_true(has(&kit, "x-misp-object--" UUID(4)));
    assert_false(has(&kit, "x-misp-object--" UUID(1)));
    assert_false(has(&kit, "\"relationship--"));
    kit_deinit(&kit);
}
/* clang-format on */

/* More than anybody looks at: then it is the event. */
static void too_many_bad_elements_fail_the_event(void **state)
{
    struct kit kit;
    struct refusals refusals = {0};
    struct buf event;
    (void)state;
    kit_init(&kit);
    buf_init(&event, TEXT_MAX);
    buf_put_str(&event, STR(HEAD ",\"Attribute\":["));
    for (int i = 0; i <= LIMIT_MISP_REFUSED; i++)
        buf_printf(&event, "%s1", i == 0 ? "" : ",");
    buf_put_str(&event, STR("]}}"));
    buf_putc(&event, '\0');
    assert_int_equal(read_with(&kit, (const char *)event.at, &refusals), ERR_LIMIT);
    assert_int_equal(refusals.count, 0);
    assert_int_equal(kit.stix.len, 0);
    buf_deinit(&event);
    kit_deinit(&kit);
}

/* --- values --- */

static void a_value_has_the_form_of_its_type(void **state)
{
    static const struct {
        const char *type, *value, *wanted; /* "": it stays text */
    } rows[] = {
        {"domain", "evil.example", "[domain-name:value = 'evil.example']"},
        {"domain", "EVIL.Example.", "[domain-name:value = 'EVIL.Example.']"},
        {"domain", "xn--9n2bp8q.example", "[domain-name:value = 'xn--9n2bp8q.example']"},
        {"domain", "\xed\x95\x9c\xea\xb5\xad.example",
         "[domain-name:value = '\xed\x95\x9c\xea\xb5\xad.example']"},
        {"domain", "_dmarc.evil.example", "[domain-name:value = '_dmarc.evil.example']"},
        {"domain", "evil[.]example", ""},
        {"domain", "evil(dot)example", ""},
        {"domain", "198.51.100.1", ""},
        {"domain", "evil example", ""},
        {"domain", "http://evil.example", ""},
        {"hostname", "localhost", ""},
        {"hostname", "-x.example", ""},
        {"domain|ip", "evil.example|198.51.100.1", "domain-name:value = 'evil.example' AND"},
        {"domain|ip", "evil[.]example|198.51.100.1", ""},
        {"hostname|port", "evil.example|443", "domain-name:value = 'evil.example' AND"},
        {"hostname|port", "evil/example|443", ""},
        {"url", "https://evil.example/a?b=[c]|d", "[url:value = 'https://evil.example/a?b=[c]|d']"},
        {"url", "http://[2001:db8::1]:8080/", "[url:value = 'http://[2001:db8::1]:8080/']"},
        {"url", "http://198.51.100.1/x", "[url:value = 'http://198.51.100.1/x']"},
        {"url", "hxxp://evil.example/", ""},
        {"url", "hxxps://evil.example/", ""},
        {"url", "http://evil[.]example/", ""},
        {"url", "evil.example/a", ""},
        {"url", "http://evil.example/a b", ""},
        {"url", "http://", ""},
        {"link", "https://evil.example/", "[url:value = 'https://evil.example/']"},
        {"uri", "/index.php", ""},
        {"email-src", "a.b@evil.example", "[email-message:from_ref.value = 'a.b@evil.example']"},
        {"email-dst", "\\\"a b\\\"@evil.example",
         "[email-message:to_refs[*].value = '\\\"a b\\\"@evil.example']"},
        {"email", "a[@]evil.example", ""},
        {"email", "A <a@evil.example>", ""},
        {"email", "a@evil", ""},
        {"email-src", "a@b.example, c@d.example", ""},
    };
    struct kit kit;
    (void)state;
    kit_init(&kit);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char event[1024], value[256];
        (void)snprintf(
            event, sizeof event,
            HEAD ",\"Attribute\":[{\"uuid\":\"" UUID(1) "\",\"type\":\"%s\",\"value\":\"%s\",\"to_ids\":"
                                                        "true}]}}",
            rows[i].type, rows[i].value);
        (void)snprintf(value, sizeof value, "\"x_misp_value\":\"%s\"", rows[i].value);
        assert_int_equal(kit_read(&kit, str_of(event)), ERR_OK);
        bool text = rows[i].wanted[0] == '\0';
        if (kit.report.invalid != text || has(&kit, value) != text || has(&kit, "\"pattern\"") == text ||
            (!text && !has(&kit, rows[i].wanted)))
            fail_msg("%s %s: %.*s", rows[i].type, rows[i].value, (int)kit.stix.len,
                     (const char *)kit.stix.at);
    }
    kit_deinit(&kit);
}

static void of_an_object_the_value_stays_beside(void **state)
{
    static const char event[] = HEAD ",\"Object\":[{\"uuid\":\"" UUID(
        1) "\",\"name\":\"domain-ip\",\"Attribute\":["
           "{\"uuid\":\"" UUID(
               2) "\",\"object_relation\":\"domain\",\"type\":\"domain\",\"value\":\"evil.example\"},"
                  "{\"uuid\":\"" UUID(
                      3) "\",\"object_relation\":\"hostname\",\"type\":\"hostname\",\"value\":\"a[.]b\"},"
                         "{\"uuid\":\"" UUID(
                             4) "\",\"object_relation\":\"text\",\"type\":\"text\",\"value\":\"t\"}]}]}}";
    struct kit kit;
    (void)state;
    kit_init(&kit);
    assert_int_equal(kit_read(&kit, str_of(event)), ERR_OK);
    assert_int_equal(kit.report.invalid, 1);
    assert_true(has(&kit, "\"x_misp_hostname\":\"a[.]b\""));
    assert_true(has(&kit, "\"value\":\"evil.example\""));
    kit_deinit(&kit);
}

/* --- what has ended --- */

struct written {
    char event[8192];
    size_t count;
};

static bool keep_written(void *ctx, const struct misp_written *event)
{
    struct written *written = ctx;
    (void)snprintf(written->event, sizeof written->event, "%.*s", STR_ARG(event->event));
    written->count++;
    return true;
}

static void write_at(const char *object, int64_t now_us, struct written *out)
{
    struct misp_writer *writer;
    struct fault fault = {0};
    char *copy = padded(str_of(object));
    *out = (struct written) {.count = 0};
    assert_int_equal(misp_writer_new(NULL, now_us, &writer), ERR_OK);
    assert_int_equal(misp_writer_add(writer, bytes_of(copy, strlen(object)), &fault), ERR_OK);
    assert_int_equal(misp_writer_finish(writer, keep_written, out), ERR_OK);
    assert_int_equal(out->count, 1);
    misp_writer_free(writer);
    free(copy);
}

#define INDICATOR                                                                                            \
    "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" UUID(                            \
        1) "\",\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:00Z\",\"pattern_type\":" \
           "\"stix\",\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\",\"valid_from\":"
#define JANUARY INT64_C(1767225600)

static void what_has_ended_detects_nothing(void **state)
{
    static const char ends[] =
        INDICATOR "\"2026-01-01T00:00:00Z\",\"valid_until\":\"2026-01-03T00:00:00.5Z\"}";
    static const char open[] = INDICATOR "\"2026-01-01T00:00:00Z\"}";
    static const char early[] = INDICATOR "\"2025-12-01T00:00:00Z\"}";
    const int64_t end_us = (JANUARY + 2 * 86400) * 1000000 + 500000;
    struct written written;
    (void)state;
    write_at(ends, end_us - 1, &written);
    assert_non_null(strstr(written.event, "\"to_ids\":true"));
    assert_non_null(strstr(written.event, "\"timestamp\":\"1767225600\",\"publish"));
    assert_non_null(strstr(
        written.event, "\"first_seen\":\"2026-01-01T00:00:00Z\",\"last_seen\":\"2026-01-03T00:00:00.5Z\""));
    write_at(ends, end_us, &written);
    assert_non_null(strstr(written.event, "\"to_ids\":false"));
    assert_null(strstr(written.event, "\"to_ids\":true"));
    /* so that whoever has the event fetches it again */
    assert_null(strstr(written.event, "\"timestamp\":\"1767225600\""));
    assert_non_null(strstr(written.event, "\"timestamp\":\"1767398400\",\"publish"));
    write_at(open, INT64_MAX, &written);
    assert_non_null(strstr(written.event, "\"to_ids\":true"));
    assert_null(strstr(written.event, "first_seen")); /* it says no more than when it was written */
    write_at(early, 0, &written);
    assert_non_null(strstr(written.event, "\"first_seen\":\"2025-12-01T00:00:00Z\""));
    assert_null(strstr(written.event, "last_seen"));
}

/* One that MISP made, ended by whoever wrote a newer version of it. */
static void of_an_event_the_rest_detects_on(void **state)
{
    static const char event[] = HEAD ",\"Attribute\":[{\"uuid\":\"" UUID(
        1) "\",\"type\":\"ip-dst\",\"value\":\"192.0.2.1\",\"to_ids\":true,"
           "\"timestamp\":\"1760000000\"}]}}";
    struct kit kit;
    struct written written;
    char *object, *end;
    (void)state;
    kit_init(&kit);
    assert_int_equal(kit_read(&kit, str_of(event)), ERR_OK);
    buf_putc(&kit.stix, '\0');
    object = strstr((char *)kit.stix.at, "{\"type\":\"indicator\"");
    assert_non_null(object);
    end = strstr(object, "},{\"type\"");
    assert_non_null(end);
    char text[4096];
    (void)snprintf(text, sizeof text, "%.*s,\"valid_until\":\"2026-01-01T00:00:00Z\"}", (int)(end - object),
                   object);
    write_at(text, 0, &written);
    assert_non_null(strstr(written.event, "\"to_ids\":true"));
    write_at(text, JANUARY * 1000000, &written);
    assert_non_null(strstr(written.event, "\"to_ids\":false"));
    kit_deinit(&kit);
}

/* --- hashes.csv --- */

#define MD5(c) "5d41402abc4b2a76b9719d911017c5" c

static size_t listed(const char *text, struct misp_listed *first)
{
    struct misp_listed *list;
    size_t count;
    struct fault fault = {0};
    assert_int_equal(misp_hashes_read(bytes_from_str(str_of(text)), &list, &count, &fault), ERR_OK);
    if (count > 0)
        *first = list[0];
    mem_free(list);
    return count;
}

static void a_list_of_hashes_names_the_events(void **state)
{
    static const char whole[] =
        MD5("92") "," UUID(1) "\r\n\n" MD5("93") "," UUID(2) "\n" MD5("94") "," UUID(1);
    struct misp_listed one = {0}, two = {0}, three = {0};
    (void)state;
    assert_int_equal(listed(whole, &one), 2);
    assert_int_equal(listed("", &one), 0);
    assert_int_equal(listed(whole, &one), 2);
    /* order and repetition are nothing new; another value is */
    assert_int_equal(
        listed(MD5("94") "," UUID(1) "\n" MD5("92") "," UUID(1) "\n" MD5("94") "," UUID(1) "\n", &two), 1);
    assert_int_equal(listed(MD5("94") "," UUID(1) "\n", &three), 1);
    assert_memory_equal(one.uuid.b, two.uuid.b, UUID_SIZE);
    assert_true(one.digest == two.digest && one.digest != three.digest);
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        struct misp_listed *list = NULL;
        size_t count = 0;
        struct fault fault = {0};
        bool ends =
            whole[len] == '\r' || whole[len] == '\n' || whole[len - 1] == '\n' || whole[len - 1] == '\r';
        err_t err = misp_hashes_read(bytes_of(whole, len), &list, &count, &fault);
        assert_int_equal(err, ends ? ERR_OK : ERR_INVALID);
        mem_free(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bad_element_fails_none_of_its_neighbours),
        cmocka_unit_test(what_is_refused_leaves_nothing),
        cmocka_unit_test(too_many_bad_elements_fail_the_event),
        cmocka_unit_test(a_value_has_the_form_of_its_type),
        cmocka_unit_test(of_an_object_the_value_stays_beside),
        cmocka_unit_test(what_has_ended_detects_nothing),
        cmocka_unit_test(of_an_event_the_rest_detects_on),
        cmocka_unit_test(a_list_of_hashes_names_the_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
