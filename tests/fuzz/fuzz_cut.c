/* Two texts parted by a NUL: selectors parted by blanks, and an object. What is left is JSON, and where all
 * granular markings named something they still do. */
#include <string.h>

#include "core/limit.h"
#include "stix/cut.h"
#include "stix/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES = 1 << 16, OUT_BYTES = 16 * TEXT_BYTES, SELECTORS_MAX = 64 };

/* Names that end in an odd digit are withheld, those in an a another's. */
static enum stix_cut_act name(void *ctx, const struct stix_key *key, struct str *out)
{
    (void)ctx;
    *out = STR("tool--00000000-0000-4000-8000-000000000002");
    unsigned last = key->b[15] & 15;
    return last % 2 == 1 ? STIX_CUT_DROP : last == 10 ? STIX_CUT_RENAME : STIX_CUT_KEEP;
}

static bool parse(struct json_parser *parser, struct buf *padded, struct str text, struct json_doc *doc)
{
    static const uint8_t padding[JSON_PADDING];
    buf_clear(padded);
    buf_put_str(padded, text);
    buf_put(padded, padding, sizeof padding);
    must(buf_err(padded) == ERR_OK);
    return json_parse(parser, bytes_of(padded->at, text.len), doc, NULL) == ERR_OK;
}

/* Does every selector of the granular markings name something? */
static bool all_there(struct json_val root, struct arena *arena)
{
    struct stix_object object;
    struct stix_granular granular;
    if (stix_read_held(root, arena, &object) != ERR_OK)
        return false;
    struct stix_granular_iter iter = stix_granular_iter(&object);
    while (stix_granular_next(&iter, &granular))
        if (!granular.resolved)
            return false;
    return true;
}

static void look(struct json_val root, const struct stix_cut *cut, struct arena *arena, struct buf *out)
{
    static struct json_parser *parser;
    struct buf padded;
    struct json_doc doc;
    if (parser == NULL)
        must(json_parser_new(OUT_BYTES + JSON_PADDING, &parser) == ERR_OK);
    buf_init(&padded, OUT_BYTES + JSON_PADDING);
    bool there = all_there(root, arena);
    if (stix_cut(root, cut, arena, out) == ERR_OK) {
        must(parse(parser, &padded, buf_str(out), &doc));
        must(!there || all_there(json_root(&doc), arena));
    }
    buf_deinit(&padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    struct str selectors[SELECTORS_MAX], object = {(const char *)data, size};
    struct stix_cut cut = {.selectors = selectors, .name = name};
    struct json_doc doc;
    struct arena arena;
    struct buf padded, out;
    if (size > TEXT_BYTES)
        return 0;
    if (parser == NULL)
        must(json_parser_new(TEXT_BYTES + JSON_PADDING, &parser) == ERR_OK);
    struct str list = str_cut(&object, '\0');
    while (list.len > 0 && cut.selector_count < SELECTORS_MAX)
        selectors[cut.selector_count++] = str_cut(&list, ' ');
    cut.id = STR("tool--00000000-0000-4000-8000-0000000000ff");
    arena_init(&arena, 64 << 20);
    buf_init(&padded, TEXT_BYTES + JSON_PADDING);
    buf_init(&out, OUT_BYTES);
    if (parse(parser, &padded, object, &doc))
        look(json_root(&doc), &cut, &arena, &out);
    buf_deinit(&padded);
    buf_deinit(&out);
    arena_deinit(&arena);
    return 0;
}
