#include "app/edge_cache.h"

#include "core/limit.h"
#include "core/mem.h"
#include "os/channel.h"

enum { TEXT_SIZE = 768, REQUEST_BYTES_MAX = 128 << 10 };

struct kept {
    struct page *page; /* the body; NULL: free */
    struct page *packed[CODING_COUNT];
    struct hash key;
    struct exchange_marks marks;
    uint64_t asked; /* order of asking */
    int status;
    uint32_t used; /* times given again, not yet told */
    size_t note_len;
    uint8_t note[EXCHANGE_NOTE_MAX];
    char text[TEXT_SIZE]; /* type, 0, then names and values */
    struct http1_field fields[ANSWER_FIELDS_MAX];
};

struct edge_cache {
    struct hash key;
    struct edge_cache_now now;
    size_t bytes_max;
    struct edge_cache_count count;
    uint64_t asked, swept;
    struct buf wire;
    struct kept sets[EDGE_CACHE_SETS][EDGE_CACHE_WAYS];
};

err_t edge_cache_new(const struct hash *key, size_t bytes_max, const struct edge_cache_now *now,
                     struct edge_cache **out)
{
    struct edge_cache *cache = mem_alloc(sizeof *cache);
    if (cache == NULL)
        return ERR_NOMEM;
    cache->key = *key;
    cache->now = *now;
    cache->bytes_max = bytes_max;
    buf_init(&cache->wire, REQUEST_BYTES_MAX);
    *out = cache;
    return ERR_OK;
}

void edge_cache_free(struct edge_cache *cache)
{
    if (cache == NULL)
        return;
    edge_cache_clear(cache);
    buf_deinit(&cache->wire);
    mem_free_secret(cache, sizeof *cache);
}

/* --- pages --- */

static size_t size_of(const struct kept *kept)
{
    size_t size = page_bytes(kept->page).len;
    for (size_t i = 0; i < CODING_COUNT; i++)
        size += kept->packed[i] == NULL ? 0 : page_bytes(kept->packed[i]).len;
    return size;
}

static void tell(struct edge_cache *cache, struct kept *kept)
{
    const struct message_used used = {.note = bytes_of(kept->note, kept->note_len),
                                      .status = (unsigned)kept->status,
                                      .count = kept->used,
                                      .bytes = page_bytes(kept->page).len};
    if (kept->used > 0 && kept->note_len > 0)
        cache->now.used(cache->now.ctx, &used);
    kept->used = 0;
}

static void drop(struct edge_cache *cache, struct kept *kept)
{
    tell(cache, kept);
    cache->count.pages--;
    cache->count.bytes -= size_of(kept);
    page_unref(kept->page);
    kept->page = NULL;
    for (size_t i = 0; i < CODING_COUNT; i++) {
        page_unref(kept->packed[i]);
        kept->packed[i] = NULL;
    }
}

static bool is_true(const struct edge_cache *cache, const struct exchange_marks *marks)
{
    const struct edge_cache_now *now = &cache->now;
    return marks->view >= MARK_VIEWS && marks->view < MARK_TAKEN &&
           now->mark(now->ctx, MARK_WHO) == marks->who && now->mark(now->ctx, marks->view) == marks->shown &&
           now->mark(now->ctx, marks->view + MARK_TAKEN - MARK_VIEWS) == marks->taken;
}

static struct kept *set_of(struct edge_cache *cache, const struct hash *key)
{
    return cache->sets[key->b[0] % EDGE_CACHE_SETS];
}

static struct kept *find(struct edge_cache *cache, const struct hash *key)
{
    struct kept *set = set_of(cache, key);
    for (size_t i = 0; i < EDGE_CACHE_WAYS; i++)
        if (set[i].page != NULL && hash_eq(&set[i].key, key))
            return &set[i];
    return NULL;
}

/* The one asked for longest ago, but not `but`. */
static struct kept *oldest(struct edge_cache *cache, const struct kept *but)
{
    struct kept *found = NULL;
    for (size_t i = 0; i < EDGE_CACHE_SETS * EDGE_CACHE_WAYS; i++) {
        struct kept *kept = &cache->sets[i / EDGE_CACHE_WAYS][i % EDGE_CACHE_WAYS];
        if (kept->page != NULL && kept != but && (found == NULL || kept->asked < found->asked))
            found = kept;
    }
    return found;
}

/* A free place in the key's set, with the bytes for `len` free as well. `len` is within bytes_max. */
static struct kept *make_place(struct edge_cache *cache, const struct hash *key, size_t len)
{
    struct kept *set = set_of(cache, key), *place = &set[0];
    while (cache->count.bytes > cache->bytes_max - len)
        drop(cache, oldest(cache, NULL));
    for (size_t i = 0; i < EDGE_CACHE_WAYS && place->page != NULL; i++)
        if (set[i].page == NULL || set[i].asked < place->asked)
            place = &set[i];
    if (place->page != NULL)
        drop(cache, place);
    return place;
}

/* --- heads --- */

static bool put_text(struct kept *kept, size_t *used, struct str text, struct str *out)
{
    if (text.len >= TEXT_SIZE - *used)
        return false;
    if (text.len > 0)
        memcpy(kept->text + *used, text.at, text.len);
    kept->text[*used + text.len] = '\0';
    *out = (struct str) {kept->text + *used, text.len};
    *used += text.len + 1;
    return true;
}

static bool put_head(struct kept *kept, const struct exchange_answer *answer)
{
    size_t used = 0;
    struct str type;
    memset(kept->fields, 0, sizeof kept->fields);
    bool fits =
        answer->header_count <= ANSWER_FIELDS_MAX && put_text(kept, &used, answer->content_type, &type);
    for (size_t i = 0; fits && i < answer->header_count; i++)
        fits = put_text(kept, &used, answer->headers[i].name, &kept->fields[i].name) &&
               put_text(kept, &used, answer->headers[i].value, &kept->fields[i].value);
    return fits;
}

/* The packed form, made now if nobody asked for it before; NULL: there is no room for it. */
static struct page *packed_form(struct edge_cache *cache, struct kept *kept, enum coding coding)
{
    if (kept->packed[coding] != NULL)
        return kept->packed[coding];
    struct page *page = edge_pack_page(coding, page_bytes(kept->page));
    if (page == NULL)
        return NULL;
    size_t len = page_bytes(page).len;
    if (len > cache->bytes_max - size_of(kept)) {
        page_unref(page);
        return NULL;
    }
    while (cache->count.bytes > cache->bytes_max - len)
        drop(cache, oldest(cache, kept));
    kept->packed[coding] = page;
    cache->count.bytes += len;
    cache->count.packings++;
    return page;
}

static void give(struct edge_cache *cache, struct kept *kept, const struct edge_wish *wish,
                 struct answer *out)
{
    bool pays = edge_pack_pays(wish, page_bytes(kept->page).len);
    struct page *packed = pays ? packed_form(cache, kept, wish->coding) : NULL;
    kept->asked = ++cache->asked;
    *out = (struct answer) {.status = kept->status,
                            .type = kept->text[0] == '\0' ? NULL : kept->text,
                            .ground = {kept->marks.view, kept->marks.taken},
                            .page = packed != NULL ? packed : kept->page};
    memcpy(out->fields, kept->fields, sizeof out->fields);
    edge_pack_say(packed != NULL ? wish->coding : CODING_IDENTITY, out);
}

/* --- the cache --- */

bool edge_cache_key(struct edge_cache *cache, const struct exchange_request *request, struct hash *out)
{
    struct exchange_request same = *request;
    if (request->method != EXCHANGE_GET || request->body.len > 0)
        return false;
    same.id = 0;
    buf_clear(&cache->wire);
    exchange_request_write(&cache->wire, &same);
    if (buf_err(&cache->wire) != ERR_OK)
        return false;
    *out = hash_hmac_sha256(bytes_of(cache->key.b, HASH_SIZE), buf_bytes(&cache->wire));
    mem_wipe(cache->wire.at, cache->wire.len); /* credentials */
    return true;
}

bool edge_cache_find(struct edge_cache *cache, const struct hash *key, const struct edge_wish *wish,
                     struct answer *out)
{
    struct kept *kept = find(cache, key);
    if (kept != NULL && !is_true(cache, &kept->marks)) {
        drop(cache, kept);
        kept = NULL;
    }
    if (kept == NULL) {
        cache->count.misses++;
        return false;
    }
    cache->count.hits++;
    kept->used += kept->used < UINT32_MAX;
    give(cache, kept, wish, out);
    return true;
}

bool edge_cache_keep(struct edge_cache *cache, const struct hash *key, const struct exchange_answer *answer,
                     const struct edge_wish *wish, struct answer *out)
{
    if (!answer->cacheable || answer->body.len > cache->bytes_max || !is_true(cache, &answer->marks))
        return false;
    struct kept *kept = find(cache, key);
    if (kept != NULL)
        drop(cache, kept);
    struct page *page = page_copy(answer->body);
    if (page == NULL)
        return false;
    kept = make_place(cache, key, answer->body.len);
    if (!put_head(kept, answer)) {
        page_unref(page);
        return false;
    }
    kept->page = page;
    kept->key = *key;
    kept->marks = answer->marks;
    kept->used = 0;
    kept->note_len = answer->note.len;
    if (kept->note_len > 0)
        memcpy(kept->note, answer->note.at, kept->note_len);
    kept->status = (int)answer->status;
    cache->count.pages++;
    cache->count.bytes += answer->body.len;
    give(cache, kept, wish, out);
    return true;
}

bool edge_cache_sweep(struct edge_cache *cache)
{
    for (size_t i = 0; i < EDGE_CACHE_SETS * EDGE_CACHE_WAYS; i++) {
        struct kept *kept = &cache->sets[i / EDGE_CACHE_WAYS][i % EDGE_CACHE_WAYS];
        if (kept->page != NULL && (kept->asked <= cache->swept || !is_true(cache, &kept->marks)))
            drop(cache, kept);
    }
    cache->swept = cache->asked;
    return cache->count.pages > 0;
}

void edge_cache_clear(struct edge_cache *cache)
{
    for (size_t i = 0; i < EDGE_CACHE_SETS * EDGE_CACHE_WAYS; i++) {
        struct kept *kept = &cache->sets[i / EDGE_CACHE_WAYS][i % EDGE_CACHE_WAYS];
        if (kept->page != NULL)
            drop(cache, kept);
    }
}

void edge_cache_tell(struct edge_cache *cache)
{
    for (size_t i = 0; i < EDGE_CACHE_SETS * EDGE_CACHE_WAYS; i++) {
        struct kept *kept = &cache->sets[i / EDGE_CACHE_WAYS][i % EDGE_CACHE_WAYS];
        if (kept->page != NULL)
            tell(cache, kept);
    }
}

struct edge_cache_count edge_cache_count(const struct edge_cache *cache)
{
    return cache->count;
}
