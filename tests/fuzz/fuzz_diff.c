/* Two texts parted by a NUL, compared as `bongsu diff` does: nothing differs from itself; the other way round
 * says the same with before and after exchanged; every pointer is told once, in order, and what is told
 * differs. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/limit.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES = 1 << 16, OUT_BYTES = 64 << 20 };

/* Objects that are held name each member once; only they are compared. */
static bool is_canonical(struct str text)
{
    struct json_parser *parser = NULL;
    struct json_doc doc;
    struct buf padded, canon;
    buf_init(&padded, TEXT_BYTES + JSON_PADDING);
    buf_init(&canon, OUT_BYTES);
    must(json_parser_new(TEXT_BYTES + JSON_PADDING, &parser) == ERR_OK);
    buf_put_str(&padded, text);
    must(buf_extend(&padded, JSON_PADDING) != NULL);
    bool good = json_parse(parser, bytes_of(padded.at, text.len), &doc, NULL) == ERR_OK &&
                json_canon(json_root(&doc), NULL, &canon, NULL) == ERR_OK;
    json_parser_free(parser);
    buf_deinit(&padded);
    buf_deinit(&canon);
    return good;
}

struct telling {
    struct buf out, last;
    bool swapped;
    size_t count;
};

static void put(struct buf *out, const struct str *value)
{
    if (value != NULL)
        buf_put_str(out, *value);
    buf_putc(out, value == NULL ? '-' : '\n'); /* no value has an end of line */
}

static void tell(void *ctx, struct str pointer, const struct str *old, const struct str *new)
{
    struct telling *telling = ctx;
    const struct str *before = telling->swapped ? new : old, *after = telling->swapped ? old : new;
    must(before != NULL || after != NULL);
    must(before == NULL || after == NULL || !str_eq(*before, *after));
    must(telling->count++ == 0 || !str_eq(pointer, buf_str(&telling->last)));
    buf_clear(&telling->last);
    buf_put_str(&telling->last, pointer);
    buf_put_str(&telling->out, pointer);
    put(&telling->out, before);
    put(&telling->out, after);
}

static void compare(struct str a, struct str b, bool swapped, struct buf *out)
{
    struct telling telling = {.swapped = swapped};
    buf_init(&telling.out, OUT_BYTES);
    buf_init(&telling.last, OUT_BYTES);
    must(pretty_diff(a, b, tell, &telling));
    buf_deinit(&telling.last);
    *out = telling.out;
}

static void tell_nobody(void *ctx, struct str pointer, const struct str *old, const struct str *new)
{
    size_t *sum = ctx;
    *sum += pointer.len + (old == NULL ? 0 : old->len) + (new == NULL ? 0 : new->len);
}

static void look_laid_out(struct str text)
{
    struct buf out, again;
    buf_init(&out, OUT_BYTES);
    buf_init(&again, OUT_BYTES);
    must(pretty_json(text, &out) && pretty_json(buf_str(&out), &again));
    must(str_eq(buf_str(&out), buf_str(&again)));
    must(pretty_diff(text, buf_str(&out), tell, NULL)); /* nothing is told: there is nobody to tell it to */
    buf_deinit(&out);
    buf_deinit(&again);
}

static void look(struct str before, struct str after)
{
    struct buf there, back, same;
    compare(before, after, false, &there);
    compare(after, before, true, &back);
    compare(before, before, false, &same);
    must(str_eq(buf_str(&there), buf_str(&back)) && same.len == 0);
    look_laid_out(before);
    buf_deinit(&there);
    buf_deinit(&back);
    buf_deinit(&same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t sum = 0;
    if (size > TEXT_BYTES)
        return 0;
    struct str after = {(const char *)data, size};
    struct str before = str_cut(&after, '\0');
    if (is_canonical(before) && is_canonical(after))
        look(before, after);
    else
        (void)pretty_diff(before, after, tell_nobody, &sum);
    return 0;
}
