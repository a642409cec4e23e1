#include "taxii/simple.h"

#include "taxii/text.h"

/* Section 4.1.1. */
void simple_discovery(const struct call *call, const struct place *place)
{
    (void)place;
    struct buf *body = &call->response->body;
    answer_begin(call->response, 200);
    buf_put_str(body, STR("{\"title\":"));
    json_write_str(body, str_of(call->taxii->title));
    if (call->taxii->description[0] != '\0') {
        buf_put_str(body, STR(",\"description\":"));
        json_write_str(body, str_of(call->taxii->description));
    }
    buf_put_str(body, STR(",\"default\":\"/api/\",\"api_roots\":[\"/api/\"]}"));
}

/* Section 4.2.1. */
void simple_root(const struct call *call, const struct place *place)
{
    (void)place;
    struct buf *body = &call->response->body;
    answer_begin(call->response, 200);
    buf_put_str(body, STR("{\"title\":"));
    json_write_str(body, str_of(call->taxii->title));
    buf_printf(body, ",\"versions\":[\"" TAXII_TYPE "\"],\"max_content_length\":%u}",
               LIMIT_TAXII_CONTENT_BYTES);
}

void simple_collections(const struct call *call, const struct place *place)
{
    (void)place;
    struct collection collections[COLLECTION_KINDS];
    size_t count = collections_of(call->taxii, call->identity, collections);
    struct buf *body = &call->response->body;
    answer_begin(call->response, 200);
    buf_put_str(body, count > 0 ? STR("{\"collections\":[") : STR("{"));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_putc(body, ',');
        collection_write(body, &collections[i]);
    }
    buf_put_str(body, count > 0 ? STR("]}") : STR("}"));
}

void simple_collection(const struct call *call, const struct place *place)
{
    answer_begin(call->response, 200);
    collection_write(&call->response->body, &place->collection);
}
