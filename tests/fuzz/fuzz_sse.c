/* Server-sent events: however a stream is cut into parts, it reads the same. The first byte chooses the cut.
 */
#include <stdlib.h>

#include "core/hash.h"
#include "feeds/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct hash_state *state;
    size_t events;
};

static void take(void *ctx, const struct sse_event *event)
{
    struct seen *seen = ctx;
    const struct str all[] = {event->type, event->id, event->data};
    for (size_t i = 0; i < 3; i++) {
        uint64_t len = all[i].len;
        hash_state_add(seen->state, bytes_of(&len, sizeof len));
        hash_state_add(seen->state, bytes_from_str(all[i]));
    }
    seen->events++;
}

static struct hash read_all(struct bytes text, size_t step, size_t *out_events)
{
    struct sse sse;
    struct seen seen = {.state = hash_state_new()};
    if (seen.state == NULL)
        abort();
    sse_init(&sse, take, &seen);
    for (size_t at = 0; at < text.len; at += step) {
        size_t len = text.len - at < step ? text.len - at : step;
        if (sse_feed(&sse, bytes_of(text.at + at, len)) != ERR_OK)
            break;
    }
    sse_deinit(&sse);
    struct hash hash = hash_state_take(seen.state);
    hash_state_free(seen.state);
    *out_events = seen.events;
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole_events, cut_events;
    if (size < 2)
        return 0;
    struct bytes text = bytes_of(data + 1, size - 1);
    struct hash whole = read_all(text, text.len, &whole_events);
    struct hash cut = read_all(text, 1 + data[0] % 31, &cut_events);
    if (whole_events != cut_events || !hash_eq(&whole, &cut))
        abort();
    return 0;
}
