/* Two objects parted by a NUL, what came and what is held: what is called an echo revokes nothing, ends
 * nothing, and carries no marking that is not there. */
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "gate/echo_misp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES = 1 << 16, ARENA_BYTES = 16 << 20, CANON_BYTES = 1 << 20 };

struct side {
    struct json_parser *parser;
    struct buf padded;
    struct json_doc doc;
};

static bool side_init(struct side *side, struct bytes text)
{
    buf_init(&side->padded, TEXT_BYTES + JSON_PADDING);
    must(json_parser_new(TEXT_BYTES, &side->parser) == ERR_OK);
    buf_put(&side->padded, text.at, text.len);
    must(buf_extend(&side->padded, JSON_PADDING) != NULL);
    return json_parse(side->parser, bytes_of(side->padded.at, text.len), &side->doc, NULL) == ERR_OK;
}

static void side_deinit(struct side *side)
{
    json_parser_free(side->parser);
    buf_deinit(&side->padded);
}

static bool has(const struct side *side, const char *name)
{
    struct json_val value;
    return json_get(json_root(&side->doc), str_of(name), &value) && !json_is(value, JSON_FALSE);
}

static void look_at(const struct side *came, const struct side *held)
{
    static const char *const claims[] = {"valid_until", "object_marking_refs", "granular_markings", "name"};
    struct arena arena;
    struct buf scratch;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&scratch, CANON_BYTES);
    if (echo_is_misp(json_root(&came->doc), json_root(&held->doc), &arena, &scratch)) {
        must(has(came, "revoked") == has(held, "revoked"));
        for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
            must(!has(came, claims[i]) || has(held, claims[i]));
    }
    buf_deinit(&scratch);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size > TEXT_BYTES ? NULL : memchr(data, '\0', size);
    struct side came, held;
    if (mark == NULL)
        return 0;
    size_t len = (size_t)(mark - data);
    bool good = side_init(&came, bytes_of(data, len));
    if (side_init(&held, bytes_of(mark + 1, size - len - 1)) && good)
        look_at(&came, &held);
    side_deinit(&came);
    side_deinit(&held);
    return 0;
}
