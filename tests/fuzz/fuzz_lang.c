/* Three texts parted by NULs: a language tag, an object, a language-content. What is merged is JSON with the
 * object's own shape: only strings differ, and merging the same again changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "stix/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    struct json_parser *parser;
    struct json_doc doc;
    struct buf padded;
};

enum { TEXT_BYTES = 1 << 18, OUT_BYTES = 16 * TEXT_BYTES };

static bool parse(struct text *text, struct str from)
{
    static const uint8_t padding[JSON_PADDING];
    buf_clear(&text->padded);
    buf_put_str(&text->padded, from);
    buf_put(&text->padded, padding, sizeof padding);
    must(buf_err(&text->padded) == ERR_OK);
    return json_parse(text->parser, bytes_of(text->padded.at, from.len), &text->doc, NULL) == ERR_OK;
}

/* The text without what its strings say; names stay. */
static void shape(struct json_val root, struct buf *out)
{
    struct {
        struct json_iter iter;
        bool object;
    } levels[LIMIT_JSON_DEPTH + 1];
    size_t depth = 0;
    struct json_val value = root;
    for (;;) {
        bool object = json_is(value, JSON_OBJECT);
        if (object || json_is(value, JSON_ARRAY)) {
            must(depth < sizeof levels / sizeof levels[0]);
            levels[depth].iter = object ? json_object_iter(value) : json_array_iter(value);
            levels[depth++].object = object;
            buf_putc(out, object ? '{' : '[');
        } else if (json_is(value, JSON_STRING)) {
            buf_putc(out, '"');
        } else {
            json_write_scalar(out, value);
        }
        for (bool more = false; !more; depth -= more ? 0 : 1) {
            struct str name = STR("");
            if (depth == 0)
                return;
            more = levels[depth - 1].object ? json_object_next(&levels[depth - 1].iter, &name, &value)
                                            : json_array_next(&levels[depth - 1].iter, &value);
            if (more && levels[depth - 1].object)
                json_write_str(out, name);
            buf_putc(out, more ? ',' : '.');
        }
    }
}

static void look(struct text texts[3], struct str lang, struct buf *merged, struct buf *shapes)
{
    struct json_val object = json_root(&texts[0].doc), content = json_root(&texts[1].doc);
    (void)stix_lang_applies(content, object);
    if (stix_lang_merge(object, content, lang, &merged[0]) != ERR_OK)
        return;
    must(parse(&texts[2], buf_str(&merged[0])));
    shape(object, &shapes[0]);
    shape(json_root(&texts[2].doc), &shapes[1]);
    must(str_eq(buf_str(&shapes[0]), buf_str(&shapes[1])));
    must(stix_lang_merge(json_root(&texts[2].doc), content, lang, &merged[1]) == ERR_OK);
    must(str_eq(buf_str(&merged[0]), buf_str(&merged[1])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text texts[3];
    struct buf merged[2], shapes[2];
    if (size > TEXT_BYTES)
        return 0;
    struct str content = {(const char *)data, size};
    struct str lang = str_cut(&content, '\0');
    struct str object = str_cut(&content, '\0');
    for (size_t i = 0; i < 3; i++) {
        if (texts[i].parser == NULL)
            must(json_parser_new(OUT_BYTES + JSON_PADDING, &texts[i].parser) == ERR_OK);
        buf_init(&texts[i].padded, OUT_BYTES + JSON_PADDING);
    }
    for (size_t i = 0; i < 2; i++) {
        buf_init(&merged[i], OUT_BYTES);
        buf_init(&shapes[i], OUT_BYTES);
    }
    if (parse(&texts[0], object) && parse(&texts[1], content))
        look(texts, lang, merged, shapes);
    for (size_t i = 0; i < 2; i++) {
        buf_deinit(&merged[i]);
        buf_deinit(&shapes[i]);
    }
    for (size_t i = 0; i < 3; i++)
        buf_deinit(&texts[i].padded);
    return 0;
}
