/* The search file as a whole: what is found, how far it says it has come, what it forgets, and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/limit.h"
#include "core/mem.h"
#include "search/search.h"

enum { FOUND_MAX = 4096 };

struct bed {
    char dir[64], path[80];
    struct search *search;
    bool remade;
};

static err_t bed_open(struct bed *bed, const char *node, uint64_t end)
{
    struct search_setup setup = {
        .os = os_linux(), .path = bed->path, .node = str_of(node), .first_lsn = 10, .end_lsn = end};
    return search_open(&setup, &bed->search, &bed->remade);
}

static void bed_init(struct bed *bed)
{
    *bed = (struct bed) {.remade = true};
    (void)snprintf(bed->dir, sizeof bed->dir, "%s/bongsu-search-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(bed->dir));
    (void)snprintf(bed->path, sizeof bed->path, "%s/search.db", bed->dir);
    assert_int_equal(bed_open(bed, "kr", UINT64_MAX), ERR_OK);
    assert_false(bed->remade);
}

static void bed_deinit(struct bed *bed)
{
    static const char *const names[] = {"search.db", "search.db-wal", "search.db-shm"};
    search_close(bed->search);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", bed->dir, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(bed->dir), 0);
}

/* One object with this value (may be NULL) and text. */
static void add(struct bed *bed, uint64_t lsn, const char *value, const char *text)
{
    struct buf terms;
    buf_init(&terms, 4096);
    term_put(&terms, TERM_ALL, STR("."));
    if (value != NULL)
        term_put_value(&terms, str_of(value));
    struct search_doc doc = {lsn, buf_str(&terms), str_of(text)};
    struct search_batch batch = {search_next(bed->search), &doc, 1, lsn + 1};
    assert_int_equal(search_added(bed->search, &batch, search_add(bed->search, &batch)), ERR_OK);
    buf_deinit(&terms);
}

static err_t find_all(struct bed *bed, const struct search_query *query, bool descending, uint64_t *out,
                      size_t *count)
{
    struct search_page page = {
        .from = descending ? UINT64_MAX : 0, .descending = descending, .lsns = out, .size = 7};
    *count = 0;
    do {
        err_t err = search_find(bed->search, query, &page);
        if (err != ERR_OK)
            return err;
        *count += page.count;
        page.lsns += page.count;
        page.from = page.next;
        assert_true(*count < FOUND_MAX - 7);
    } while (!page.end);
    return ERR_OK;
}

static void finds(struct bed *bed, struct search_query *query, const char *what, const char *lsns)
{
    uint64_t found[FOUND_MAX];
    char out[512] = "";
    size_t count, len = 0;
    assert_int_equal(find_all(bed, query, false, found, &count), ERR_OK);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%llu", i == 0 ? "" : " ",
                                (unsigned long long)found[i]);
    if (strcmp(out, lsns) != 0)
        fail_msg("%s: found %s, not %s", what, out, lsns);
    search_query_deinit(query);
}

static void finds_value(struct bed *bed, const char *value, const char *lsns)
{
    struct search_query query;
    search_query_init(&query);
    assert_int_equal(search_query_value(&query, str_of(value)), ERR_OK);
    finds(bed, &query, value, lsns);
}

static void finds_text(struct bed *bed, const char *text, const char *lsns)
{
    struct search_query query;
    search_query_init(&query);
    assert_int_equal(search_query_text(&query, str_of(text)), ERR_OK);
    finds(bed, &query, text, lsns);
}

static void networks(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed);
    add(&bed, 11, "203.0.113.7", "");
    add(&bed, 12, "203.0.113.0/24", "");
    add(&bed, 13, "203.0.0.0/16", "");
    add(&bed, 14, "203.0.114.1", "");
    add(&bed, 15, "2001:db8::1", "");
    add(&bed, 16, "2001:db8::/32", "");
    add(&bed, 17, "0.0.0.0/0", "");
    add(&bed, 18, "203.0.113.128/25", "");
    finds_value(&bed, "203.0.113.7", "11 12 13 17");
    finds_value(&bed, "203.0.113.0/24", "11 12 13 17 18");
    finds_value(&bed, "203.0.112.0/23", "11 12 13 17 18");
    finds_value(&bed, "203.0.112.0/21", "11 12 13 14 17 18");
    finds_value(&bed, "203.0.113.128/25", "12 13 17 18");
    finds_value(&bed, "0.0.0.0/0", "11 12 13 14 17 18");
    finds_value(&bed, "2001:DB8:0::1", "15 16");
    finds_value(&bed, "2001:db8::/16", "15 16");
    finds_value(&bed, "::/0", "15 16");
    finds_value(&bed, "2001:db9::/32", "");
    bed_deinit(&bed);
}

static void names_and_hashes(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed);
    add(&bed, 11, "evil.example", "");
    add(&bed, 12, "www.Evil.example", "");
    add(&bed, 13, "https://www.evil.example:8443/x", "");
    add(&bed, 14, "notevil.example", "");
    add(&bed, 15, "d41d8cd98f00b204e9800998ecf8427e", "");
    add(&bed, 16, "CVE-2024-3094", "");
    add(&bed, 17, "CVE-2024-4000", "");
    add(&bed, 18, "say \"hi\" AND (go)", "");
    finds_value(&bed, "evil.example", "11");
    finds_value(&bed, ".evil.example", "11 12 13");
    finds_value(&bed, ".EXAMPLE", "11 12 13 14");
    finds_value(&bed, "www.evil.example", "12 13");
    finds_value(&bed, "D41D8CD98F00B204E9800998ECF8427E", "15");
    finds_value(&bed, "cve-2024-3094", "16");
    finds_value(&bed, "CVE-2024-*", "16 17");
    finds_value(&bed, "say \"hi\" AND (go)", "18");
    finds_value(&bed, "..", "");
    bed_deinit(&bed);
}

static void text(void **state)
{
    struct bed bed;
    struct search_query query;
    (void)state;
    bed_init(&bed);
    add(&bed, 11, NULL, "북한 해커의 공급망 공격을 분석");
    add(&bed, 12, NULL, "A supply-chain attack by Lazarus (라자루스)");
    add(&bed, 13, NULL, "공격 없는 공급");
    add(&bed, 14, NULL, "chain of supply");
    finds_text(&bed, "공격", "11 13");
    add(&bed, 15, NULL, "랜섬웨어2.0판 APT37의");
    finds_text(&bed, "랜섬웨어2.0", "15");
    finds_text(&bed, "apt37의", "15");
    finds_text(&bed, "웨어2", "15");
    add(&bed, 16, NULL, "\001*. forged\037word");
    finds_text(&bed, "forged word", "16");
    finds_text(&bed, "공급망 공격", "11");
    finds_text(&bed, "공급망", "11");
    finds_text(&bed, "망", "11");
    finds_text(&bed, "라자루스 SUPPLY", "12");
    finds_text(&bed, "supply chain", "12 14");
    finds_text(&bed, "\"supply chain\"", "12");
    finds_text(&bed, "supply-chain", "12");
    finds_text(&bed, "laz*", "12");
    finds_text(&bed, "laz", "");
    finds_text(&bed, "\xe1\x84\x80\xe1\x85\xa9\xe1\x86\xbc\xe1\x84\x80\xe1\x85\xa7\xe1\x86\xa8", "11 13");
    search_query_init(&query);
    assert_int_equal(search_query_text(&query, STR(" \"-\" ... ")), ERR_INVALID);
    assert_int_equal(search_query_value(&query, STR("  ")), ERR_INVALID);
    search_query_deinit(&query);
    bed_deinit(&bed);
}

/* Both directions give the same, page by page, over several parts, and the file opens again as it was. */
static void parts_and_pages(void **state)
{
    enum { DOCS = LIMIT_SEARCH_PART_DOCS + 500, BATCH = 1000 };
    struct bed bed;
    struct search_query query;
    uint64_t up[FOUND_MAX], down[FOUND_MAX];
    size_t up_count, down_count;
    struct search_doc *docs = mem_alloc_array(BATCH, sizeof *docs);
    (void)state;
    bed_init(&bed);
    for (uint64_t i = 0; i < DOCS; i += BATCH) {
        for (uint64_t k = 0; k < BATCH; k++)
            docs[k] = (struct search_doc) {10 + (i + k) * 3, STR("*.\x1f"),
                                           (i + k) % 100 == 0 ? STR("rare") : STR("often")};
        struct search_batch batch = {search_next(bed.search), docs, BATCH, 10 + (i + BATCH) * 3};
        assert_int_equal(search_added(bed.search, &batch, search_add(bed.search, &batch)), ERR_OK);
    }
    assert_int_equal(search_next(bed.search).part, 1);
    uint64_t applied = search_applied(bed.search);
    search_close(bed.search);
    assert_int_equal(bed_open(&bed, "kr", applied), ERR_OK);
    assert_false(bed.remade);
    assert_int_equal(search_applied(bed.search), applied);
    assert_int_equal(search_holes(bed.search), 0);
    search_query_init(&query);
    assert_int_equal(search_query_text(&query, STR("rare")), ERR_OK);
    assert_int_equal(find_all(&bed, &query, false, up, &up_count), ERR_OK);
    assert_int_equal(find_all(&bed, &query, true, down, &down_count), ERR_OK);
    assert_int_equal(up_count, (DOCS + BATCH - 1) / BATCH * BATCH / 100);
    assert_int_equal(down_count, up_count);
    for (size_t i = 0; i < up_count; i++) {
        assert_int_equal(up[i], 10 + i * 300);
        assert_int_equal(down[down_count - 1 - i], up[i]);
    }
    search_query_deinit(&query);
    mem_free(docs);
    bed_deinit(&bed);
}

/* --- forgetting --- */

static bool file_holds(const char *path, const char *what)
{
    size_t len = strlen(what), size = 0;
    bool held = false;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    char *all = mem_alloc(64 << 20);
    size = fread(all, 1, 64 << 20, file);
    (void)fclose(file);
    held = memmem(all, size, what, len) != NULL;
    mem_free(all);
    return held;
}

static bool disk_holds(const struct bed *bed, const char *what)
{
    char wal[100];
    (void)snprintf(wal, sizeof wal, "%s-wal", bed->path);
    return file_holds(bed->path, what) || file_holds(wal, what);
}

static void forgets(void **state)
{
    struct bed bed;
    struct stat info;
    (void)state;
    bed_init(&bed);
    for (uint64_t i = 0; i < 300; i++) {
        char value[64];
        (void)snprintf(value, sizeof value, "value%llu.example", (unsigned long long)i);
        add(&bed, 11 + i, value, "gwanggaeto and others");
    }
    add(&bed, 400, "zxqvunique.example", "zxqvsecretword stood here");
    /* So that the test can fail: it is there before. The beginning of a word may be shared with its
     * neighbour's. */
    assert_true(disk_holds(&bed, "qvsecretword"));
    assert_int_equal(stat(bed.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    finds_text(&bed, "zxqvsecretword", "400");
    uint64_t gone = 400;
    assert_int_equal(search_forget(bed.search, &gone, 1), ERR_OK);
    assert_false(disk_holds(&bed, "qvsecretword"));
    assert_false(disk_holds(&bed, "zxqvuni"));
    finds_text(&bed, "zxqvsecretword", "");
    /* Its part is made again from what may still be read. */
    struct search_range range = search_next(bed.search);
    assert_int_equal(range.from, 10);
    assert_int_equal(search_applied(bed.search), 10);
    for (uint64_t i = 0; i < 300; i++)
        add(&bed, 11 + i, NULL, "gwanggaeto again");
    finds_text(&bed, "others", "");
    finds_text(&bed, "again zxqv*", "");
    finds_value(&bed, "value7.example", "");
    add(&bed, 401, NULL, "the last");
    finds_text(&bed, "last", "401");
    bed_deinit(&bed);
}

/* --- damage --- */

static void scribble(const struct bed *bed, long at, size_t len)
{
    FILE *file = fopen(bed->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    for (size_t i = 0; i < len; i++)
        assert_int_not_equal(fputc((int)(i * 7 % 251), file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void damage(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed);
    add(&bed, 11, "203.0.113.7", "one");
    search_close(bed.search);
    scribble(&bed, 0, 4096);
    assert_int_equal(bed_open(&bed, "kr", 100), ERR_OK);
    assert_true(bed.remade);
    assert_int_equal(search_applied(bed.search), 10);
    add(&bed, 11, "203.0.113.7", "one");
    finds_text(&bed, "one", "11");
    search_close(bed.search);
    /* Another node's, and one that knows more than the log holds. */
    assert_int_equal(bed_open(&bed, "us", 100), ERR_OK);
    assert_true(bed.remade);
    add(&bed, 50, NULL, "two");
    search_close(bed.search);
    assert_int_equal(bed_open(&bed, "us", 40), ERR_OK);
    assert_true(bed.remade);
    add(&bed, 20, NULL, "three");
    assert_int_equal(search_reset(bed.search), ERR_OK);
    finds_text(&bed, "three", "");
    bed_deinit(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),        cmocka_unit_test(names_and_hashes), cmocka_unit_test(text),
        cmocka_unit_test(parts_and_pages), cmocka_unit_test(forgets),          cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
