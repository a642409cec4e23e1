#include "feeds/misp_hashes.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/limit.h"
#include "core/mem.h"

enum { MD5_DIGITS = 32 };

/* Two of one kind of line: the event of the one that is being read, and what is known of its MD5. */
static bool read_line(struct str line, struct misp_listed *out)
{
    uint8_t md5[MD5_DIGITS / 2];
    struct str rest = line, hash = str_cut(&rest, ',');
    if (hash.len != MD5_DIGITS || !str_unhex(hash, md5, sizeof md5) || !uuid_parse(rest, &out->uuid))
        return false;
    out->digest = hash_xxh3(bytes_of(md5, sizeof md5));
    return true;
}

static err_t add(struct misp_listed **list, size_t *count, size_t *size, struct misp_listed line)
{
    if (*count == *size) {
        size_t grown_size = *size == 0 ? 1024 : 2 * *size;
        struct misp_listed *grown = mem_grow(*list, grown_size * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        *list = grown;
        *size = grown_size;
    }
    (*list)[(*count)++] = line;
    return ERR_OK;
}

static int by_event(const void *a, const void *b)
{
    const struct misp_listed *x = a, *y = b;
    int order = memcmp(x->uuid.b, y->uuid.b, UUID_SIZE);
    return order != 0 ? order : (x->digest > y->digest) - (x->digest < y->digest);
}

/* Lines to events, in place: each distinct value counts once, so that a list that repeats a line is the same.
 */
static size_t fold(struct misp_listed *list, size_t count)
{
    size_t events = 0;
    for (size_t i = 0; i < count;) {
        struct misp_listed event = {.uuid = list[i].uuid};
        uint64_t before = 0;
        size_t first = i;
        for (; i < count && memcmp(list[i].uuid.b, event.uuid.b, UUID_SIZE) == 0; i++)
            if (i == first || list[i].digest != before) {
                before = list[i].digest;
                event.digest = hash_xxh3(bytes_of(&(uint64_t[2]) {event.digest, before}, 16));
            }
        event.digest += event.digest == 0;
        list[events++] = event;
    }
    return events;
}

static err_t read_lines(struct str text, struct misp_listed **list, size_t *count, struct fault *fault)
{
    const char *start = text.at;
    size_t size = 0;
    while (text.len > 0) {
        struct misp_listed listed;
        const char *at = text.at;
        struct str line = str_cut(&text, '\n');
        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            continue;
        if (!read_line(line, &listed))
            return fault_set(fault, ERR_INVALID, (size_t)(at - start),
                             "a line is no MD5, a comma and the uuid of an event");
        err_t err = add(list, count, &size, listed);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t misp_hashes_read(struct bytes text, struct misp_listed **out, size_t *out_count, struct fault *fault)
{
    struct misp_listed *list = NULL;
    size_t count = 0;
    err_t err = read_lines(str_from_bytes(text), &list, &count, fault);
    if (err == ERR_OK && count > 0) {
        qsort(list, count, sizeof *list, by_event);
        count = fold(list, count);
    }
    if (err == ERR_OK && count > LIMIT_FEED_THINGS)
        err = fault_set(fault, ERR_LIMIT, 0, "more than %d events", LIMIT_FEED_THINGS);
    if (err != ERR_OK) {
        mem_free(list);
        return err;
    }
    *out = list;
    *out_count = count;
    return ERR_OK;
}
