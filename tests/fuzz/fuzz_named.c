/* Any text: what names it gives lies in it and is plain; a plain name put before it is found, and so is one
 * in each dress; a text read twice is read as once; what somebody is called is heard wherever it stands
 * between blanks. The first byte chooses the dress. */
#include <string.h>

#include "core/mem.h"
#include "stix/called.h"
#include "stix/cut.h"
#include "stix/named.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES = 1 << 16 };

#define UUID "5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9"

static struct stix_key wanted;
static bool seen;
static size_t count;

static void take(void *ctx, const struct stix_key *key, struct str id)
{
    struct stix_key again;
    (void)ctx;
    must(stix_id_parse(id, &again) && stix_key_eq(key, &again));
    seen = seen || stix_key_eq(key, &wanted);
    count++;
}

/* Every span lies in the text, behind the one before it or in the same character. */
static void look_at_spans(struct str text, enum stix_plain_way way)
{
    struct stix_plain plain;
    struct stix_named found;
    size_t last = 0;
    must(stix_plain_open(text, way, &plain) == ERR_OK);
    must(plain.text.len <= text.len);
    for (size_t i = 0; i < plain.text.len; i++) {
        size_t from = stix_plain_from(&plain, i), end = stix_plain_end(&plain, i + 1);
        must(from < end && end <= text.len && from >= last);
        last = plain.spans == NULL ? end : from;
    }
    for (size_t from = 0; way == STIX_PLAIN_NAMES && stix_named_next(&plain, 0, from, &found);) {
        must(found.from >= from && found.from < found.end && found.end <= plain.text.len);
        must(stix_named_may(text)); /* the first look misses nothing */
        from = found.from + 1;
    }
    stix_plain_close(&plain);
}

/* Nothing that stands before or behind a name hides it, when a blank parts them. */
static void look_for_name(struct str text, unsigned dress)
{
    static const char *const dresses[] = {"tool--" UUID,
                                          "tool\xe2\x80\x93" UUID,
                                          "tool%2D%2D" UUID,
                                          "tool&ndash;" UUID,
                                          "tool\\u002d\\u002d" UUID,
                                          "tool\n--" UUID,
                                          "tool/" UUID,
                                          "t\xe2\x80\x8bool--" UUID,
                                          "t\xd0\xbe\xd0\xbel--" UUID,
                                          "tool__5b0d3c6e_1f7a_4c52_9e21_84b3d7602af9",
                                          "tool&#45&#45" UUID,
                                          "tool\\u{2d}\\u{2d}" UUID,
                                          "tool=E2=80=94" UUID,
                                          "tool--5b0d3c6e:1f7a:4c52:9e21:84b3d7602af9",
                                          "tool--urn:uuid:" UUID,
                                          "tool id " UUID,
                                          "t\xcc\xb6ool--\xd9\xa5"
                                          "b0d3c6e-1f7a-4c52-9e21-84b3d7602af9",
                                          "tool--5b0d\xc2\xa0"
                                          "3c6e-1f7a-4c52-9e21-84b3d7602af9",
                                          "dG9vbC0tNWIwZDNjNmUtMWY3YS00YzUyLTllMjEtODRiM2Q3NjAyYWY5"};
    struct buf whole;
    must(stix_id_parse(STR("tool--" UUID), &wanted));
    buf_init(&whole, 4u * TEXT_BYTES);
    buf_put_str(&whole, text);
    buf_put_str(&whole, STR(" . "));
    buf_put_str(&whole, str_of(dresses[dress % (sizeof dresses / sizeof *dresses)]));
    buf_put_str(&whole, STR(" . "));
    buf_put_str(&whole, text);
    must(buf_err(&whole) == ERR_OK);
    seen = false;
    must(stix_cut_names(buf_str(&whole), take, NULL) == ERR_OK && seen);
    buf_deinit(&whole);
}

/* The text up to its first zero is what somebody is called, and the rest says it. */
static void listen_for_name(struct str text)
{
    struct str said = text, name = str_cut(&said, '\0');
    struct stix_called called;
    struct arena arena;
    struct buf whole;
    bool heard;
    arena_init(&arena, 4u * TEXT_BYTES);
    buf_init(&whole, 4u * TEXT_BYTES);
    must(stix_called_new(name, &arena, &called) == ERR_OK);
    must(stix_called_in_text(&called, 1, said, &heard) == ERR_OK);
    buf_put_str(&whole, said);
    buf_put_str(&whole, STR(" . "));
    buf_put_str(&whole, name);
    buf_put_str(&whole, STR(" . "));
    buf_put_str(&whole, said);
    must(stix_called_in_text(&called, 1, buf_str(&whole), &heard) == ERR_OK && (heard || name.len == 0));
    buf_deinit(&whole);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data + 1, size - 1};
    if (size == 0 || size > TEXT_BYTES)
        return 0;
    look_at_spans(text, STIX_PLAIN_TEXT);
    look_at_spans(text, STIX_PLAIN_MEMBER);
    look_at_spans(text, STIX_PLAIN_NAMES);
    count = 0;
    must(stix_cut_names(text, take, NULL) == ERR_OK && count <= text.len);
    look_for_name(text, data[0]);
    listen_for_name(text);
    return 0;
}
