/* Objects without what may not leave (section 7.2.3). */
#include "stix_test.h"

#include <stdio.h>

#include "stix/cut.h"
#include "json/json.h"

#define NEW_ID "report--11111111-2222-4333-8444-555555555555"

static const char *dropped; /* an identifier that goes */
static const char *renamed_from, *renamed_to;

static enum stix_cut_act name(void *ctx, const struct stix_key *key, struct str *out)
{
    struct stix_key other;
    (void)ctx;
    if (dropped != NULL && stix_id_parse(str_of(dropped), &other) && stix_key_eq(&other, key))
        return STIX_CUT_DROP;
    if (renamed_from == NULL || !stix_id_parse(str_of(renamed_from), &other) || !stix_key_eq(&other, key))
        return STIX_CUT_KEEP;
    *out = str_of(renamed_to);
    return STIX_CUT_RENAME;
}

/* Cuts `text` along `selectors`, separated by blanks. */
static err_t cut_text(struct reading *r, const char *text, const char *selectors, struct buf *out)
{
    struct str list[16], rest = str_of(selectors);
    struct stix_cut cut = {.selectors = list, .name = name, .id = STR(NEW_ID)};
    while (rest.len > 0)
        list[cut.selector_count++] = str_cut(&rest, ' ');
    arena_reset(&r->arena);
    reading_parse(r, str_of(text));
    buf_clear(out);
    return stix_cut(json_root(&r->doc), &cut, &r->arena, out);
}

/* The members behind the head, as they come out; "!" when it is refused. */
static void becomes(const char *members, const char *selectors, const char *wanted)
{
    char text[4096], whole[4096];
    struct reading r;
    struct buf out;
    reading_open(&r);
    buf_init(&out, 1 << 20);
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--00000000-0000-4000-8000-"
                   "000000000001\"%s%s}",
                   members[0] == '\0' ? "" : ",", members);
    (void)snprintf(whole, sizeof whole,
                   "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"" NEW_ID "\"%s%s}",
                   wanted[0] == '\0' ? "" : ",", wanted);
    err_t err = cut_text(&r, text, selectors, &out);
    if (wanted[0] == '!') {
        assert_int_equal(err, ERR_DENIED);
    } else {
        assert_int_equal(err, ERR_OK);
        buf_putc(&out, '\0');
        assert_string_equal((const char *)out.at, whole);
    }
    buf_deinit(&out);
    reading_close(&r);
}

/* What is left of the contents of a translation; empty: of all of it nothing. */
static void tells(const char *contents, const char *selectors, const char *wanted)
{
    char text[4096], left[4096];
    struct reading r;
    struct buf out;
    reading_open(&r);
    buf_init(&out, 1 << 20);
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-"
        "0000-4000-8000-000000000001\",\"labels\":[\"a\",\"%s\"],\"contents\":%s}",
        dropped == NULL ? "b" : dropped, contents);
    assert_int_equal(cut_text(&r, text, selectors, &out), ERR_OK);
    buf_putc(&out, '\0');
    (void)snprintf(left, sizeof left, "%s%s}", wanted[0] == '\0' ? "" : ",\"contents\":", wanted);
    const char *end =
        strstr((const char *)out.at, dropped == NULL ? "\"labels\":[\"a\",\"b\"]" : "\"labels\":[\"a\"]");
    assert_non_null(end);
    assert_string_equal(strchr(end, ']') + 1, left);
    buf_deinit(&out);
    reading_close(&r);
}

/* Item by item a list is told (section 7.1): what goes with the item that it tells goes alone; of what is
 * lost for another reason the list goes. Lists of its own are no such ones. */
static void lists_of_translations(void **state)
{
    (void)state;
#define SEEN "campaign--00000000-0000-4000-8000-000000000009"
    tells("{\"ko\":{\"x\":[\"1\",\"2\"]}}", "contents.ko.x.[0]", "{\"ko\":{\"x\":[\"2\"]}}");
    tells("{\"ko\":{\"x\":[{\"d\":\"1\"},{\"d\":\"2\"}],\"n\":\"k\"}}", "contents.ko.x.[0].d",
          "{\"ko\":{\"n\":\"k\"}}");
    tells("{\"ko\":{\"x\":[{\"d\":\"1\",\"e\":\"1\"},{\"d\":\"2\"}]}}", "contents.ko.x.[0].d",
          "{\"ko\":{\"x\":[{\"e\":\"1\"},{\"d\":\"2\"}]}}");
    dropped = SEEN;
    tells("{\"ko\":{\"x\":[\"1\",\"see " SEEN "\",\"3\"],\"n\":\"k\"}}", "", "{\"ko\":{\"n\":\"k\"}}");
    tells("{\"ko\":{\"x\":[{\"d\":\"" SEEN "\"},{\"d\":\"2\"}]},\"de\":{\"n\":\"d\"}}", "",
          "{\"de\":{\"n\":\"d\"}}");
    tells("{\"ko\":{\"x\":[\"1\"],\"n\":\"" SEEN "\"}}", "", "{\"ko\":{\"x\":[\"1\"]}}");
    dropped = NULL;
#undef SEEN
}

static void every_sort_of_selector(void **state)
{
    (void)state;
    becomes("\"name\":\"n\",\"description\":\"d\"", "description", "\"name\":\"n\"");
    becomes("\"name\":\"n\"", "description", "\"name\":\"n\"");
    becomes("\"labels\":[\"a\",\"b\",\"c\"]", "labels", "");
    becomes("\"labels\":[\"a\",\"b\",\"c\"]", "labels.[1]", "\"labels\":[\"a\",\"c\"]");
    becomes("\"labels\":[\"a\",\"b\",\"c\"]", "labels.[0] labels.[2]", "\"labels\":[\"b\"]");
    becomes("\"labels\":[\"a\"]", "labels.[0]", "");
    becomes("\"labels\":[\"a\"]", "labels.[1]", "\"labels\":[\"a\"]");
    becomes("\"x_a\":{\"b\":{\"c\":1,\"d\":[{\"e\":2},{\"f\":3}]}}", "x_a.b.d.[0].e",
            "\"x_a\":{\"b\":{\"c\":1,\"d\":[{\"f\":3}]}}");
    becomes("\"x_a\":{\"b\":{\"c\":1}},\"x_z\":null", "x_a.b.c", "\"x_z\":null");
    becomes("\"x_a\":{},\"x_b\":[]", "x_c", "\"x_a\":{},\"x_b\":[]"); /* what was empty stays so */
    becomes("\"x_a\":[[1,2],[3]],\"x_n\":[1.5,true,false,null,-3]", "x_a.[1].[0]",
            "\"x_a\":[[1,2]],\"x_n\":[1.5,true,false,null,-3]");
    becomes("\"x_t\":\"q\\\"\\\\\\u00e9\\n\"", "x", "\"x_t\":\"q\\\"\\\\\xc3\xa9\\n\"");
    for (size_t i = 0; i < 4; i++) {
        static const char *const fixed[] = {"type", "id", "spec_version", "object_marking_refs"};
        becomes("\"object_marking_refs\":[\"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487\"]",
                fixed[i], "!");
    }
    becomes("\"object_marking_refs\":[\"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487\"]",
            "object_marking_refs.[0]", "!");
}

#define CLEAR "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"

static void selectors_follow(void **state)
{
    (void)state;
    /* Elements move up; what names a cut value goes; an entry without selectors goes; a list of none too. */
    becomes("\"labels\":[\"a\",\"b\",\"c\"],\"granular_markings\":[{\"selectors\":[\"labels.[0]\",\"labels.["
            "2]\"],"
            "\"marking_ref\":\"" CLEAR "\"},{\"selectors\":[\"labels.[1]\"],\"lang\":\"de\"}]",
            "labels.[0]",
            "\"labels\":[\"b\",\"c\"],\"granular_markings\":[{\"selectors\":[\"labels.[1]\"],\"marking_ref\":"
            "\"" CLEAR "\"},{\"selectors\":[\"labels.[0]\"],\"lang\":\"de\"}]");
    becomes("\"description\":\"d\",\"name\":\"n\",\"granular_markings\":[{\"marking_ref\":\"" CLEAR
            "\",\"selectors\":[\"description\"]},{\"marking_ref\":\"" CLEAR "\",\"selectors\":[\"name\"]}]",
            "description",
            "\"name\":\"n\",\"granular_markings\":[{\"selectors\":[\"name\"],\"marking_ref\":\"" CLEAR
            "\"}]");
    becomes("\"x_a\":{\"b\":\"d\"},\"granular_markings\":[{\"marking_ref\":\"" CLEAR
            "\",\"selectors\":[\"x_a\",\"x_a.b\"]}]",
            "x_a.b", "");
}

/* What a selector may mean goes, and what is left of what another one may mean stays marked. */
static void names_with_dots(void **state)
{
    (void)state;
    becomes("\"x_d\":{\"a.b\":1,\"a\":{\"b\":2,\"c\":3},\"d\":4}", "x_d.a.b",
            "\"x_d\":{\"a\":{\"c\":3},\"d\":4}");
    becomes("\"x_d.a\":{\"b\":1,\"c\":2},\"x_d.a.b\":3", "x_d.a.b", "\"x_d.a\":{\"c\":2}");
    becomes("\"x_d\":{\"a\":[1,2],\"a.[1]\":3,\"b\":4}", "x_d.a.[1]", "\"x_d\":{\"a\":[1],\"b\":4}");
    becomes("\"x_d\":{\"a\":[1,2],\"a.[1]\":3},\"granular_markings\":[{\"selectors\":[\"x_d.a.[1]\"],"
            "\"lang\":\"de\"}]",
            "x_d.a.[0]",
            "\"x_d\":{\"a\":[2],\"a.[1]\":3},\"granular_markings\":[{\"selectors\":[\"x_d.a.[0]\","
            "\"x_d.a.[1]\"],\"lang\":\"de\"}]");
    becomes("\"x_d\":{\"a.b\":{\"c\":1,\"d\":2},\"a\":{\"b\":3}},\"granular_markings\":[{\"selectors\":["
            "\"x_d.a.b\"],\"lang\":\"de\"}]",
            "x_d.a.b.c",
            "\"x_d\":{\"a.b\":{\"d\":2},\"a\":{\"b\":3}},\"granular_markings\":[{\"selectors\":["
            "\"x_d.a.b\"],\"lang\":\"de\"}]");
}

static void identifiers_go_and_change(void **state)
{
    (void)state;
    static const char a[] = "tool--00000000-0000-4000-8000-00000000000a",
                      b[] = "tool--00000000-0000-4000-8000-00000000000b";
    dropped = a;
    becomes(
        "\"object_refs\":[\"tool--00000000-0000-4000-8000-00000000000a\",\"tool--00000000-0000-4000-8000-"
        "00000000000b\"],\"x_one\":\"see "
        "(TOOL/tool--00000000-0000-4000-8000-00000000000A)\",\"x_map\":{\"tool--"
        "00000000-0000-4000-8000-00000000000a\":1},\"x_two\":\"xtool--00000000-0000-4000-8000-00000000000a\"",
        "", "\"object_refs\":[\"tool--00000000-0000-4000-8000-00000000000b\"]");
    /* A marking that would be lifted. */
    dropped = "marking-definition--00000000-0000-4000-8000-000000000001";
    becomes("\"object_marking_refs\":[\"marking-definition--00000000-0000-4000-8000-000000000001\"]", "",
            "!");
    becomes("\"name\":\"n\",\"granular_markings\":[{\"marking_ref\":\"marking-definition--00000000-0000-4000-"
            "8000-"
            "000000000001\",\"selectors\":[\"name\"]}]",
            "", "!");
    dropped = NULL;
    renamed_from = a;
    renamed_to = b;
    becomes("\"x_one\":\"tool--00000000-0000-4000-8000-00000000000a and "
            "tool--00000000-0000-4000-8000-00000000000c, "
            "tool--00000000-0000-4000-8000-00000000000a\",\"x_map\":{\"tool--00000000-0000-4000-8000-"
            "00000000000a\":1}",
            "",
            "\"x_one\":\"tool--00000000-0000-4000-8000-00000000000b and "
            "tool--00000000-0000-4000-8000-00000000000c, "
            "tool--00000000-0000-4000-8000-00000000000b\",\"x_map\":{\"tool--00000000-0000-4000-8000-"
            "00000000000b\":1}");
    renamed_from = NULL;
    /* Its own name, wherever it says it. */
    becomes("\"x_self\":\"report--00000000-0000-4000-8000-000000000001\"", "", "\"x_self\":\"" NEW_ID "\"");
}

#define A    "00000000-0000-4000-8000-00000000000a"
#define OWN  "00000000-0000-4000-8000-000000000001"
#define OURS "11111111-2222-4333-8444-555555555555"

/* Neither capitals nor a missing type hide whose name it is. */
static void names_in_disguise(void **state)
{
    (void)state;
    dropped = "tool--" A;
    becomes("\"x_t\":\"see TOOL--00000000-0000-4000-8000-00000000000A\",\"x_u\":\"Tool--" A "\"", "", "");
    /* A UUID alone belongs to nobody who is not named here. */
    becomes("\"x_t\":\"" A "\"", "", "\"x_t\":\"" A "\"");
    becomes("\"x_t\":\"(" A ")\",\"x_map\":{\"00000000-0000-4000-8000-00000000000A\":1},\"object_refs\":"
            "[\"tool--" A "\",\"malware--" A "\"]",
            "", "\"object_refs\":[\"malware--" A "\"]");
    becomes("\"x_t\":\"x0000" A "\",\"x_r\":\"tool--" A "\"", "", "");
    dropped = NULL;
    /* What a selector cuts is not told beside it. */
    becomes("\"object_refs\":[\"tool--" A "\"],\"x_t\":\"" A "\",\"x_v\":1", "object_refs", "\"x_v\":1");
    renamed_from = "tool--" A;
    renamed_to = "tool--00000000-0000-4000-8000-00000000000b";
    becomes("\"x_t\":\"" A ", TOOL--" A "\",\"x_r\":\"tool--" A "\"", "",
            "\"x_t\":\"00000000-0000-4000-8000-00000000000b, "
            "tool--00000000-0000-4000-8000-00000000000b\",\"x_r\":\"tool--00000000-0000-4000-8000-"
            "00000000000b\"");
    renamed_from = NULL;
    becomes("\"x_id\":\"" OWN
            "\",\"external_references\":[{\"source_name\":\"s\",\"external_id\":\"REPORT--" OWN
            "\"}],\"x_z\":\"--" OWN "/" OWN "\"",
            "",
            "\"x_id\":\"" OURS
            "\",\"external_references\":[{\"source_name\":\"s\",\"external_id\":\"report--" OURS
            "\"}],\"x_z\":\"--" OURS "/" OURS "\"");
}

/* Nor does what parts its digits, or touches them, where it stands alone. */
static void lone_digits(void **state)
{
    static const struct {
        const char *before, *digits, *behind; /* all but the last digit */
    } forms[] = {
        {"", "0000000000004000800000000000000", ""},
        {"", "00000000:0000:4000:8000:00000000000", " x"},
        {"by ", "00000000-0000+4000, 8000, 00000000000", "."},
        {"", "0000 0000 0000 4000 8000 0000 0000 000", ""},
        {"x", "0000000000004000800000000000000", "z"},
        {"id", "0000000000004000800000000000000", ""},
        {"ffff", "0000000000004000800000000000000", "fff"},
        {"urn:uuid:", "00000000-0000-4000-8000-00000000000", ""},
        {"{", "00000000/0000/4000/8000/00000000000", "}"},
        {"", "00000000-0000-4000\\n// -8000-00000000000", ""},
        {"", "00000000-0000-4000-80\\\\\\n00-00000000000", ""},
        {"", "00000000%3A0000%3a4000&colon;8000\\\\u003a00000000000", ""},
        {"",
         "\xef\xbc\x90"
         "000000000004000800000000000000",
         ""},
    };
    char text[512], wanted[512];
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *before = forms[i].before, *digits = forms[i].digits, *behind = forms[i].behind;
        dropped = "tool--" A;
        (void)snprintf(text, sizeof text,
                       "\"x_t\":\"%s%sa%s\",\"x_k\":{\"%s%sA%s\":1},\"x_r\":\"tool--" A "\",\"x_v\":2",
                       before, digits, behind, before, digits, behind);
        becomes(text, "", "\"x_v\":2");
        dropped = NULL;
        renamed_from = "tool--" A;
        renamed_to = "tool--00000000-0000-4000-8000-00000000000b";
        (void)snprintf(text, sizeof text, "\"x_t\":\"%s%sa%s\",\"x_r\":\"tool--" A "\"", before, digits,
                       behind);
        (void)snprintf(
            wanted, sizeof wanted,
            "\"x_t\":\"%s00000000-0000-4000-8000-00000000000b%s\",\"x_r\":\"tool--00000000-0000-4000-"
            "8000-00000000000b\"",
            before, behind);
        becomes(text, "", wanted);
        renamed_from = NULL;
        (void)snprintf(text, sizeof text, "\"x_t\":\"%s%s1%s\"", before, digits, behind);
        (void)snprintf(wanted, sizeof wanted, "\"x_t\":\"%s" OURS "%s\"", before, behind);
        becomes(text, "", wanted);
        /* Nobody's who is not named here, and as it stands. */
        (void)snprintf(text, sizeof text, "\"x_t\":\"%s%sa%s\"", before, digits, behind);
        if (strchr(digits, '\\') == NULL)
            becomes(text, "", text);
    }
}

/* Identifiers and UUIDs alone side by side, in any order: each goes as it must. */
static void lone_digits_among_others(void **state)
{
    (void)state;
    renamed_from = "tool--" A;
    renamed_to = "tool--00000000-0000-4000-8000-00000000000b";
    becomes("\"x_r\":\"tool--" A "\",\"x_t\":\"" OWN " malware--" A
            " 0000000000004000800000000000000a tool/" A " 00000000000040008000000000000001tool--" A "\"",
            "",
            "\"x_r\":\"tool--00000000-0000-4000-8000-00000000000b\",\"x_t\":\"" OURS " malware--" A
            " 00000000-0000-4000-8000-00000000000b tool--00000000-0000-4000-8000-00000000000b " OURS
            "tool--00000000-0000-4000-8000-00000000000b\"");
    renamed_from = NULL;
}

/* What an editor made of a name goes, or is renamed, with all that it was made of; the rest stays as it
 * stands. */
static void names_in_dress(void **state)
{
    (void)state;
    dropped = "tool--" A;
    becomes("\"x_t\":\"see tool\xe2\x80\x93" A "\",\"x_u\":\"tool%2D%2D" A "\",\"x_k\":{\"of tool: " A
            "\":1},"
            "\"x_l\":\"tool-- 00000000\xe2\x80\x91"
            "0000-4000-8000-00000000000a\",\"x_v\":\"\xe2\x80\x93 %2D\"",
            "", "\"x_v\":\"\xe2\x80\x93 %2D\"");
    /* Nor the UUID alone. */
    becomes("\"x_t\":\"(00000000\xe2\x80\x91"
            "0000&#45;4000-8000-0000\xc2\xad"
            "0000000a)\",\"x_r\":\"tool--" A "\"",
            "", "");
    dropped = NULL;
    renamed_from = "tool--" A;
    renamed_to = "tool--00000000-0000-4000-8000-00000000000b";
    becomes("\"x_t\":\"\xe2\x80\x9c%2Dtool&ndash;" A "%20\xef\xbc\xa1: t\xe2\x80\x8bool/" A "\xe2\x80\x9d\"",
            "",
            "\"x_t\":\"\xe2\x80\x9c%2Dtool--00000000-0000-4000-8000-00000000000b%20\xef\xbc\xa1: "
            "tool--00000000-0000-4000-8000-00000000000b\xe2\x80\x9d\"");
    becomes("\"x_t\":\"see dG9vbC0tMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDBh, t o o l - - 0 0 0 0 0 0 "
            "0 0-0 0 0 0-4 0 0 0-8 0 0 0-0 0 0 0 0 0 0 0 0 0 0 a; t\xd0\xbe\xd0\xbel--" A "\"",
            "",
            "\"x_t\":\"see tool--00000000-0000-4000-8000-00000000000b, "
            "tool--00000000-0000-4000-8000-00000000000b; "
            "tool--00000000-0000-4000-8000-00000000000b\"");
    renamed_from = NULL;
    becomes("\"x_t\":\"report\xe2\x80\x94" OWN "\"", "", "\"x_t\":\"report--" OURS "\"");
}

/* Text after text shorter by a byte: parsed or not, never out of bounds, and never more than there was. */
static void every_prefix(void **state)
{
    (void)state;
    static const char text[] = "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--00000000-0000-"
                               "4000-8000-000000000001\",\"labels\":"
                               "[\"a\",\"b\"],\"granular_markings\":[{\"selectors\":[\"labels.[1]\"],"
                               "\"lang\":\"de\"}],\"x_a\":{\"b\":[1]}}";
    static const char selectors[] = "labels.[0] x_a.b.[0] description.[0].x";
    char part[sizeof selectors];
    struct reading r;
    struct buf out;
    reading_open(&r);
    buf_init(&out, 1 << 20);
    for (size_t len = 0; len < sizeof selectors; len++) {
        memcpy(part, selectors, len);
        part[len] = '\0';
        assert_int_equal(cut_text(&r, text, part, &out), ERR_OK);
        assert_in_range(out.len, 1, sizeof text);
        /* `labels`, and `labels.[0]` whole and with whatever begins behind it, name the first label. */
        bool named = len == strlen("labels") || len >= strlen("labels.[0]");
        buf_putc(&out, '\0');
        assert_int_equal(strstr((const char *)out.at, "\"a\"") == NULL, named);
        reading_parse(&r, (struct str) {(const char *)out.at, out.len - 1});
    }
    buf_deinit(&out);
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sort_of_selector),
        cmocka_unit_test(lists_of_translations),
        cmocka_unit_test(selectors_follow),
        cmocka_unit_test(names_with_dots),
        cmocka_unit_test(identifiers_go_and_change),
        cmocka_unit_test(names_in_disguise),
        cmocka_unit_test(names_in_dress),
        cmocka_unit_test(lone_digits),
        cmocka_unit_test(lone_digits_among_others),
        cmocka_unit_test(every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
