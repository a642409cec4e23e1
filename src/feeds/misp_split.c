/* The shapes that files of events have. */
#include "feeds/misp.h"

struct cutting {
    struct bytes text;
    bool (*event)(void *ctx, struct bytes event);
    void *ctx;
};

static bool take(void *ctx, struct json_slice slice)
{
    struct cutting *cutting = ctx;
    return cutting->event(cutting->ctx, (struct bytes) {cutting->text.at + slice.from, slice.len});
}

static bool is_list(struct bytes text)
{
    size_t at = 0;
    while (at < text.len &&
           (text.at[at] == ' ' || text.at[at] == '\t' || text.at[at] == '\r' || text.at[at] == '\n'))
        at++;
    return at < text.len && text.at[at] == '[';
}

err_t misp_split(struct bytes text, struct buf *scratch, bool (*event)(void *ctx, struct bytes event),
                 void *ctx, struct fault *fault)
{
    struct cutting cutting = {text, event, ctx};
    enum json_split_kind kind;
    if (is_list(text)) {
        buf_clear(scratch);
        buf_put_str(scratch, STR("{\"response\":"));
        buf_put(scratch, text.at, text.len);
        buf_putc(scratch, '}');
        size_t len = scratch->len;
        uint8_t *padding = buf_extend(scratch, JSON_PADDING);
        if (padding == NULL)
            return buf_err(scratch);
        memset(padding, ' ', JSON_PADDING);
        cutting.text = bytes_of(scratch->at, len);
    }
    return json_split(cutting.text, STR("response"), &kind, take, &cutting, fault);
}
