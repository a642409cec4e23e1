#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static void widths(void **state)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},     {"abc", 3},        {"나라", 4},     {"한국 CERT", 9},
        {"日本", 4}, {"é", 1},          {"e\u0301", 1},  {"\u1112\u1161\u11ab", 2},
        {"—", 1},    {"\U0001f525", 2}, {"\xed\xff", 2}, {"\xf0", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (print_width(str_of(cases[i].text)) != cases[i].width)
            fail_msg("%s: %zu, not %zu", cases[i].text, print_width(str_of(cases[i].text)), cases[i].width);
}

/* What a table prints, in *out. */
static void printed(const struct cli_column *columns, const char *const *lines, char *out, size_t size)
{
    FILE *file = tmpfile(), *before = stdout;
    assert_non_null(file);
    struct table *table = table_new(columns);
    for (; *lines != NULL; lines++)
        assert_true(table_take(table, str_of(*lines)));
    stdout = file;
    table_print(table);
    (void)fflush(file);
    stdout = before;
    rewind(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    table_free(table);
}

static void columns_stand(void **state)
{
    static const struct cli_column columns[] = {{"NAME", "n"}, {"COUNT", "c"}, {"TEXT", "t"}, {NULL, NULL}};
    static const char *const lines[] = {"{\"n\":\"나라\",\"c\":7,\"t\":\"a\\nb\\u001b[2J\"}",
                                        "{\"n\":\"k\",\"c\":123456,\"t\":\"끝\"}", NULL};
    char out[400];
    (void)state;
    printed(columns, lines, out, sizeof out);
    assert_string_equal(out, "NAME   COUNT  TEXT\n"
                             "나라       7  a b [2J\n"
                             "k     123456  끝\n");
}

/* A cell is cut between characters. */
static void long_cells(void **state)
{
    static const struct cli_column columns[] = {{"A", "a"}, {NULL, NULL}};
    char line[400], out[800];
    size_t len = (size_t)snprintf(line, sizeof line, "{\"a\":\"x");
    const char *lines[] = {line, NULL};
    (void)state;
    for (int i = 0; i < 50; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "한");
    (void)snprintf(line + len, sizeof line - len, "\"}");
    printed(columns, lines, out, sizeof out);
    assert_true(str_is_utf8(str_of(out)));
}

/* What a sender wrote begins no line and drives no terminal. */
static void clean_text(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    print_clean(&out, STR("\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf")); /* turns the direction, has no width */
    assert_true(str_eq(buf_str(&out), STR("   ")));
    buf_clear(&out);
    print_clean(&out, STR("나\n\x1b[2J\x7f\xc2\x9b\x9bz"));
    assert_int_equal(buf_err(&out), ERR_OK);
    assert_true(str_eq(buf_str(&out), STR("나  [2J   z")));
    buf_clear(&out);
    print_member(&out, "a", STR("\"\n"));
    print_member(&out, "b", STR("\xff"));
    assert_true(str_eq(buf_str(&out), STR(",\"a\":\"\\\"\\n\",\"b\":\"(not UTF-8)\"")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),
        cmocka_unit_test(columns_stand),
        cmocka_unit_test(long_cells),
        cmocka_unit_test(clean_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
