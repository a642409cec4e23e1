#include "app/edge_pack.h"

#include "core/limit.h"
#include "net/exchange.h"

bool edge_pack_pays(const struct edge_wish *wish, size_t len)
{
    if (wish->coding == CODING_IDENTITY || len == 0)
        return false;
    return !wish->plain || (len >= LIMIT_EDGE_PACK_MIN && len <= LIMIT_EDGE_PACK_MAX);
}

struct page *edge_pack_page(enum coding coding, struct bytes body)
{
    struct buf packed;
    buf_init(&packed, 2 * body.len + 4096); /* more than either coding asks for */
    struct page *page = coding_pack(coding, body, &packed) == ERR_OK ? page_new(&packed) : NULL;
    struct page *fitted =
        page == NULL ? NULL : page_copy(page_bytes(page)); /* packers want room for the worst */
    page_unref(page);
    buf_deinit(&packed);
    return fitted;
}

static void add(struct answer *answer, const char *name, const char *value)
{
    size_t i = 0;
    while (i < ANSWER_FIELDS_MAX - 1 && answer->fields[i].name.at != NULL)
        i++;
    must(i < ANSWER_FIELDS_MAX - 1); /* core fills EXCHANGE_HEADERS_MAX at most */
    answer->fields[i] = (struct http1_field) {str_of(name), str_of(value)};
}

void edge_pack_say(enum coding coding, struct answer *answer)
{
    _Static_assert(EXCHANGE_HEADERS_MAX + 2 < ANSWER_FIELDS_MAX, "room for both fields");
    if (coding != CODING_IDENTITY)
        add(answer, "Content-Encoding", coding_name(coding));
    add(answer, "Vary", "Accept-Encoding");
}
