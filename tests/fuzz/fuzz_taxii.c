/* Any request: path, query, headers and body. The answer is a status and JSON or nothing, never speaks of
 * what is outside the identity's view, and a submission asks for a commit. */
#include "kit.h"
#include "json/json.h"

#include "core/mem.h"

/* Stands in every object that is not in the view. */
static const struct str WITHHELD = {"WITHHELD-6e1f", 13};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool contains(struct bytes in, struct str part)
{
    for (size_t i = 0; i < in.len && part.len <= in.len - i; i++) {
        if (memcmp(in.at + i, part.at, part.len) == 0)
            return true;
    }
    return false;
}

static void fill(struct kit *kit)
{
    kit_release(kit, kit_object(1, 1, "old"));
    kit_release(kit, kit_object(2, 1, "two"));
    kit_release(kit, kit_object(1, 2, "new"));
    kit_release(kit, kit_sco(1, "sco"));
    fake_leaf(kit->gate, kit->jp, LEAF_SUPERSEDE, ++kit->now_us, NULL, 0);
    fake_hold(kit->gate, kit->jp_source, 4, kit_object(3, 1, "own"));
    fake_hold(kit->gate, kit->desk_source, 5, kit_object(1, 3, WITHHELD.at));
    fake_hold(kit->gate, kit->ca_source, 6, kit_object(4, 1, WITHHELD.at));
    fake_leaf(kit->gate, kit->ca, LEAF_RELEASE, 7, kit_object(4, 1, WITHHELD.at), LEAF_SUBJECT_NONE);
}

static struct exchange_request request_of(struct bytes input, const uint8_t *padded)
{
    struct str rest = {(const char *)padded, input.len};
    uint8_t choice = padded[0];
    rest.at++;
    rest.len--;
    struct exchange_request request = {.method = (enum exchange_method)(choice % (EXCHANGE_OTHER + 1))};
    request.path = str_cut(&rest, '\n');
    request.query = str_cut(&rest, '\n');
    request.accept = str_cut(&rest, '\n');
    request.content_type = str_cut(&rest, '\n');
    struct str authorization = str_cut(&rest, '\n');
    if (choice & 0x40)
        request.authorization = authorization;
    if (choice & 0x80) {
        request.if_none_match = request.content_type;
        request.origin = authorization;
    }
    /* Where the text has ended the body still needs readable bytes behind it. */
    request.body = rest.at != NULL ? bytes_from_str(rest) : (struct bytes) {padded + input.len, 0};
    return request;
}

static void judge(struct kit *kit, struct bytes input)
{
    struct json_parser *parser;
    struct json_doc doc;
    struct buf *body = &kit->response.body;
    must(kit->response.status >= 200 && kit->response.status < 600 && kit->response.status != 500);
    bool removed = kit->response.status == 200 && kit->response.content_type == NULL;
    must(!kit->effect.needs_commit || kit->response.status == 202 || removed);
    must(kit->effect.needs_commit || kit->response.status != 202);
    body->len--; /* the kit's NUL */
    struct bytes text = buf_bytes(body);
    must(contains(input, WITHHELD) || !contains(text, WITHHELD));
    must((kit->response.content_type == NULL) == (text.len == 0));
    if (text.len == 0)
        return;
    must(buf_extend(body, JSON_PADDING) != NULL);
    text.at = body->at;
    must(json_parser_new(1u << 20, &parser) == ERR_OK);
    must(json_parse(parser, text, &doc, NULL) == ERR_OK && json_is(json_root(&doc), JSON_OBJECT));
    json_parser_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *state;
    if (size == 0 || size > 65536)
        return 0;
    uint8_t *padded = mem_alloc(size + JSON_PADDING);
    must(padded != NULL);
    memcpy(padded, data, size);
    kit_setup(&state);
    fill(state);
    struct exchange_request request = request_of(bytes_of(data, size), padded);
    kit_send(state, &request);
    judge(state, bytes_of(data, size));
    kit_teardown(&state);
    mem_free(padded);
    return 0;
}
