/* The access record: what is written is found again, bounded by files and days, whatever the last run did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/access.h"

#define NOW INT64_C(1800000000000000)
#define DAY INT64_C(86400000000)

struct kit {
    char dir[64];
    struct access *access;
    unsigned said;
    char lines[8][512];
    size_t count, max;
};

static void say(void *ctx, const struct diag_line *line)
{
    (void)line;
    ((struct kit *)ctx)->said++;
}

static void open_days(struct kit *kit, unsigned days)
{
    struct diag diag = {say, kit};
    static struct diag kept;
    kept = diag;
    assert_int_equal(access_open(os_linux(), kit->dir, days, &kept, &kit->access), ERR_OK);
}

static int setup(void **state)
{
    struct kit *kit = calloc(1, sizeof *kit);
    (void)snprintf(kit->dir, sizeof kit->dir, "%s/bongsu-access-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(kit->dir));
    kit->max = 8;
    open_days(kit, 30);
    *state = kit;
    return 0;
}

static int teardown(void **state)
{
    struct kit *kit = *state;
    char command[128];
    access_close(kit->access);
    (void)snprintf(command, sizeof command, "rm -rf %s", kit->dir);
    assert_int_equal(system(command), 0);
    free(kit);
    return 0;
}

static void put(struct kit *kit, const char *who, int64_t time_us, unsigned status)
{
    const struct access_entry entry = {.time_us = time_us,
                                       .method = EXCHANGE_GET,
                                       .who = str_of(who),
                                       .what = STR("objects"),
                                       .collection = STR("release"),
                                       .audience = STR("us-\"cisa\""),
                                       .status = status,
                                       .requests = 1,
                                       .objects = 7,
                                       .bytes = 1234};
    access_put(kit->access, &entry);
}

static bool keep(void *ctx, struct str line)
{
    struct kit *kit = ctx;
    if (kit->count < 8)
        (void)snprintf(kit->lines[kit->count], sizeof kit->lines[0], "%.*s", STR_ARG(line));
    return ++kit->count < kit->max;
}

static size_t find(struct kit *kit, int64_t since_us)
{
    kit->count = 0;
    assert_int_equal(access_each(kit->access, since_us, keep, kit), ERR_OK);
    return kit->count;
}

static size_t files(struct kit *kit)
{
    char command[128], text[32] = "";
    (void)snprintf(command, sizeof command, "ls %s/access 2>/dev/null | wc -l", kit->dir);
    FILE *pipe = popen(command, "r");
    assert_non_null(fgets(text, sizeof text, pipe));
    (void)pclose(pipe);
    return strtoul(text, NULL, 10);
}

static void nothing_is_made_before_the_first_request(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(find(kit, 0), 0);
    assert_int_equal(files(kit), 0);
}

static void lines_are_found_newest_first(void **state)
{
    struct kit *kit = *state;
    put(kit, "jp", NOW, 200);
    put(kit, "ca", NOW + 1, 404);
    assert_true(access_flush(kit->access, NOW));
    put(kit, "jp", NOW + 2, 304); /* not flushed yet: found all the same */
    assert_int_equal(find(kit, 0), 3);
    assert_string_equal(kit->lines[1],
                        "{\"time\":\"2027-01-15T08:00:00.000001Z\",\"who\":\"ca\",\"method\":\"GET\","
                        "\"what\":\"objects\",\"collection\":\"release\",\"audience\":\"us-\\\"cisa\\\"\","
                        "\"status\":404,\"requests\":1,\"objects\":7,\"bytes\":1234,\"by\":\"core\"}");
    assert_non_null(strstr(kit->lines[0], "304"));
    assert_int_equal(find(kit, NOW + 1), 2);
    assert_int_equal(find(kit, NOW + 3), 0);
    kit->max = 1;
    assert_int_equal(find(kit, 0), 1);
}

static void strangers_are_counted_by_status(void **state)
{
    struct kit *kit = *state;
    for (int i = 0; i < 1000; i++)
        put(kit, "", NOW + i, i % 4 == 0 ? 429 : 401);
    put(kit, "jp", NOW, 200);
    assert_int_equal(find(kit, 0), 3);
    assert_non_null(strstr(kit->lines[0], "\"who\":\"\""));
    assert_non_null(strstr(kit->lines[0], "\"status\":401,\"requests\":750"));
    assert_non_null(strstr(kit->lines[1], "\"status\":429,\"requests\":250"));
}

static void the_next_run_goes_on_behind_a_torn_line(void **state)
{
    struct kit *kit = *state;
    char command[256];
    put(kit, "jp", NOW, 200);
    access_close(kit->access);
    (void)snprintf(command, sizeof command, "printf '{\"time\":\"2027-01' | tee -a %s/access/* > /dev/null",
                   kit->dir);
    assert_int_equal(system(command), 0);
    open_days(kit, 30);
    put(kit, "ca", NOW + 1, 200);
    assert_int_equal(find(kit, 0), 2);
    assert_non_null(strstr(kit->lines[0], "\"ca\""));
    assert_int_equal(files(kit), 1);
}

static void days_end(void **state)
{
    struct kit *kit = *state;
    size_t dropped = 0;
    int64_t oldest_us = 0;
    for (int day = 0; day < 40; day++) {
        put(kit, "jp", NOW + day * DAY, 200);
        (void)access_flush(kit->access, NOW + day * DAY);
    }
    kit->max = 100;
    assert_int_equal(find(kit, 0), 40); /* nothing goes by itself */
    assert_true(access_oldest(kit->access, &oldest_us));
    assert_int_equal(oldest_us, NOW);
    dropped = access_forget(kit->access, NOW + 40 * DAY);
    assert_in_range(dropped, 1, 10);
    assert_in_range(find(kit, 0), 30, 32); /* a file covers a day and a quarter */
    assert_int_equal(access_forget(kit->access, NOW + 40 * DAY), 0);
    /* Also the last one, when nobody asks for anything any more. */
    dropped = files(kit);
    assert_int_equal(access_forget(kit->access, NOW + 400 * DAY), dropped);
    assert_int_equal(find(kit, 0), 0);
    assert_int_equal(files(kit), 0);
    put(kit, "ca", NOW + 400 * DAY, 200);
    assert_int_equal(find(kit, 0), 1);
}

static void files_and_their_size_are_bounded(void **state)
{
    struct kit *kit = *state;
    char command[128], text[32];
    uint64_t line = 180, lines = (LIMIT_ACCESS_FILES + 2) * (uint64_t)LIMIT_ACCESS_FILE_BYTES / line;
    for (uint64_t i = 0; i < lines; i++)
        put(kit, "jp", NOW + (int64_t)i, 200);
    access_tick(kit->access, NOW + (int64_t)lines);
    assert_int_equal(files(kit), LIMIT_ACCESS_FILES);
    (void)snprintf(command, sizeof command, "du -sm %s/access | cut -f1", kit->dir);
    FILE *pipe = popen(command, "r");
    assert_non_null(fgets(text, sizeof text, pipe));
    (void)pclose(pipe);
    assert_in_range(strtoul(text, NULL, 10), 100, 144);
    kit->max = 2;
    assert_int_equal(find(kit, 0), 2);
}

static void a_directory_that_cannot_be_written_is_told_once(void **state)
{
    struct kit *kit = *state;
    char command[128];
    (void)snprintf(command, sizeof command, "touch %s/access", kit->dir); /* a file where it should be */
    assert_int_equal(system(command), 0);
    for (int i = 0; i < 3; i++) {
        put(kit, "jp", NOW + i, 200);
        (void)access_flush(kit->access, NOW + i);
    }
    assert_int_equal(kit->said, 1);
}

static void notes_are_read_back_and_nonsense_is_not(void **state)
{
    struct buf note;
    struct access_entry entry;
    struct taxii_access access = {STR("jp"), "manifest", "workspace", STR("desk"), 12};
    (void)state;
    buf_init(&note, EXCHANGE_NOTE_MAX);
    access_note_write(&note, EXCHANGE_HEAD, &access);
    assert_int_equal(access_note_read(buf_bytes(&note), &entry), ERR_OK);
    assert_true(str_eq(entry.who, STR("jp")) && str_eq(entry.what, STR("manifest")) &&
                str_eq(entry.collection, STR("workspace")) && str_eq(entry.audience, STR("desk")));
    assert_true(entry.method == EXCHANGE_HEAD && entry.objects == 12 && entry.requests == 1);
    for (size_t len = 0; len < note.len; len++)
        assert_int_not_equal(access_note_read(bytes_of(note.at, len), &entry), ERR_OK);
    note.at[0] = 77;
    assert_int_not_equal(access_note_read(buf_bytes(&note), &entry), ERR_OK);
    buf_deinit(&note);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(nothing_is_made_before_the_first_request),
        ROW(lines_are_found_newest_first),
        ROW(strangers_are_counted_by_status),
        ROW(the_next_run_goes_on_behind_a_torn_line),
        ROW(days_end),
        ROW(files_and_their_size_are_bounded),
        ROW(a_directory_that_cannot_be_written_is_told_once),
        ROW(notes_are_read_back_and_nonsense_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
