/* Bundles from strangers: heads, cuts, receipts as files and as words, and the pages inside a stream that was
 * sealed by somebody who has the key. The first byte chooses. A head that was read is written again and must
 * be the same bytes: there is one spelling. */
#include <stdlib.h>

#include "sync/bundle.h"

static void head(struct str text)
{
    static struct bundle_head head;
    struct fault fault = {.code = ERR_OK};
    struct buf made;
    if (bundle_head_read(text, &head, &fault) != ERR_OK) {
        if (fault.code == ERR_OK)
            abort();
        return;
    }
    if (bundle_from(&head) >= bundle_to(&head))
        abort();
    buf_init(&made, 1 << 20);
    bundle_head_write(&made, &head);
    if (!str_eq(buf_str(&made), text))
        abort();
    buf_deinit(&made);
}

static void cuts(struct str text)
{
    static struct bundle_plan plan;
    struct buf made;
    if (bundle_cuts_read(text, &plan) != ERR_OK)
        return;
    buf_init(&made, 1 << 20);
    bundle_cuts_write(&plan, &made);
    if (!str_eq(buf_str(&made), text))
        abort();
    buf_deinit(&made);
}

static void report(struct str text)
{
    struct buf body;
    struct str word;
    bool first = true;
    buf_init(&body, LIMIT_BUNDLE_REPORT_BYTES);
    while (bundle_report_next(&text, first, &word, &body) == ERR_OK)
        first = false;
    buf_deinit(&body);
}

static void words(struct str said)
{
    struct hash root = {{1}};
    (void)bundle_words_are(said, STR("bongsu/kr/us/0"), 7, &root);
}

/* Records as the input says: a byte of marks, a byte of length, the bytes. */
static void pages(struct bytes input)
{
    static const struct sealed_key key = {SUITE_1, {9}};
    static struct bundle_head head = {.plan = {.volumes = 1, .cuts = {0, 3}}, .volume = 1};
    struct hash bound = {{2}};
    struct bundle_reader *reader;
    struct fault fault;
    struct rd rd = rd_of(input);
    head.origin = STR("bongsu/kr/us/0");
    struct sealed_stream *stream = sealed_new(&key, head.stream);
    if (stream == NULL || bundle_reader_new(&head, &bound, &key, &reader) != ERR_OK)
        abort();
    while (rd.left > 0) {
        enum bundle_took took;
        uint8_t mark = rd_u8(&rd), sealed[UINT8_MAX + SEALED_RECORD_EXTRA];
        size_t len = rd_u8(&rd);
        struct bytes plain = rd_bytes(&rd, len < rd.left ? len : rd.left);
        if (rd.err != ERR_OK)
            break;
        if (sealed_put(stream, plain, bytes_of(bound.b, HASH_SIZE), (enum sealed_mark)(mark % 3), sealed) !=
            ERR_OK)
            abort();
        if (bundle_reader_take(reader, bytes_of(sealed, plain.len + SEALED_RECORD_EXTRA), &took, &fault) !=
            ERR_OK)
            break;
        if (took == BUNDLE_PAGE) {
            struct buf page;
            uint64_t from, to;
            buf_init(&page, LIMIT_SYNC_PAGE_BYTES);
            bundle_reader_page(reader, &from, &to, &page);
            if (from >= to || to > 3 || page.len == 0)
                abort();
            buf_deinit(&page);
        } else if (took == BUNDLE_END && bundle_reader_at(reader) != 3) {
            abort();
        }
    }
    bundle_reader_free(reader);
    sealed_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || sign_start() != ERR_OK)
        return 0;
    struct bytes rest = bytes_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        head(str_from_bytes(rest));
        break;
    case 1:
        cuts(str_from_bytes(rest));
        break;
    case 2:
        report(str_from_bytes(rest));
        break;
    case 3:
        words(str_from_bytes(rest));
        break;
    default:
        pages(rest);
        break;
    }
    return 0;
}
