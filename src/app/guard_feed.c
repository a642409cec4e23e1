#include "app/guard_feed.h"

#include "core/mem.h"

struct watched {
    bool open;
    int partner;
    struct buf address, moved, self;
    struct guard_case c;
};

struct guard_feeds {
    struct watched at[MESSAGE_FEEDS_MAX];
};

err_t guard_feeds_new(struct guard_feeds **out)
{
    struct guard_feeds *feeds = mem_alloc(sizeof *feeds);
    if (feeds == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < MESSAGE_FEEDS_MAX; i++) {
        buf_init(&feeds->at[i].address, LIMIT_HTTP_TARGET_BYTES);
        buf_init(&feeds->at[i].moved, LIMIT_FEED_HEAD_BYTES);
        buf_init(&feeds->at[i].self, LIMIT_ID_BYTES);
    }
    *out = feeds;
    return ERR_OK;
}

void guard_feeds_free(struct guard_feeds *feeds)
{
    if (feeds == NULL)
        return;
    for (size_t i = 0; i < MESSAGE_FEEDS_MAX; i++) {
        buf_deinit(&feeds->at[i].address);
        buf_deinit(&feeds->at[i].moved);
        buf_deinit(&feeds->at[i].self);
    }
    mem_free(feeds);
}

void guard_feeds_clear(struct guard_feeds *feeds)
{
    for (size_t i = 0; i < MESSAGE_FEEDS_MAX; i++)
        feeds->at[i].open = false;
}

bool guard_feeds_open(struct guard_feeds *feeds, struct bytes body)
{
    struct message_feed_open message;
    if (message_feed_open_read(body, &message) != ERR_OK)
        return false;
    struct watched *one = &feeds->at[message.feed];
    one->partner = message.partner;
    buf_clear(&one->address);
    buf_clear(&one->moved);
    buf_clear(&one->self);
    buf_put_str(&one->address, message.target);
    buf_put_str(&one->self, message.self);
    one->open = buf_err(&one->address) == ERR_OK && buf_err(&one->self) == ERR_OK;
    return one->open;
}

void guard_feeds_close(struct guard_feeds *feeds, uint32_t feed)
{
    if (feed < MESSAGE_FEEDS_MAX)
        feeds->at[feed].open = false;
}

void guard_feeds_head(struct guard_feeds *feeds, struct bytes body)
{
    struct message_feed_head head;
    if (message_feed_head_read(body, &head) != ERR_OK)
        return;
    struct watched *one = &feeds->at[head.feed];
    buf_clear(&one->moved);
    for (uint8_t i = 0; i < head.field_count; i++)
        if (str_same(head.fields[i].name, STR("location")))
            buf_put_str(&one->moved, head.fields[i].value);
    if (buf_err(&one->moved) != ERR_OK) /* then what it names is not known here */
        buf_clear(&one->moved);
}

void guard_feeds_begin(struct guard_feeds *feeds, uint32_t feed)
{
    static const struct guard_request none = {.reads = false};
    if (feed < MESSAGE_FEEDS_MAX)
        guard_case_open(&feeds->at[feed].c, &none);
}

struct guard_case *guard_feeds_case(struct guard_feeds *feeds, uint32_t feed)
{
    return feed < MESSAGE_FEEDS_MAX ? &feeds->at[feed].c : NULL;
}

static enum guard_method method_of(uint8_t method)
{
    static const struct {
        enum exchange_method wire;
        enum guard_method method;
    } rows[] = {
        {EXCHANGE_GET, GUARD_READS},
        {EXCHANGE_HEAD, GUARD_READS},
        {EXCHANGE_POST, GUARD_GIVES},
        {EXCHANGE_DELETE, GUARD_DELETES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].wire == (enum exchange_method)method)
            return rows[i].method;
    return GUARD_OTHER;
}

enum guard_verdict guard_feeds_check(struct guard_feeds *feeds, struct guard *guard,
                                     const struct message_feed_call *call, int64_t now_s,
                                     struct guard_finding *out)
{
    struct guard_field fields[FEED_FIELDS_MAX];
    struct watched *one = &feeds->at[call->feed];
    struct guard_call said = {.partner = one->open ? one->partner : -1,
                              .method = one->open ? method_of(call->method) : GUARD_OTHER,
                              .self = buf_str(&one->self),
                              .given = {buf_str(&one->address), buf_str(&one->moved)},
                              .target = call->target,
                              .fields = fields,
                              .field_count = call->field_count,
                              .body = call->body,
                              .now_s = now_s,
                              .witness = message_is_witness(call->feed)};
    for (uint8_t i = 0; i < call->field_count; i++)
        fields[i] = (struct guard_field) {call->fields[i].name, call->fields[i].value};
    return guard_check_call(guard, &one->c, &said, out);
}
