/* Any text, and any JSON object: hits lie in their text, in order and apart; what was masked holds nothing
 * that is found; what was made a pseudonym opens to the value's one form. The first byte chooses. */
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "privacy/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES = 1 << 16, HITS = 4096 };

static struct privacy_hit at[HITS];

static void check(struct str text, const struct privacy_hits *hits)
{
    size_t end = 0;
    for (size_t i = 0; i < hits->count; i++) {
        must(hits->at[i].from >= end && hits->at[i].from < text.len && hits->at[i].len > 0);
        must(hits->at[i].len <= text.len - hits->at[i].from);
        end = hits->at[i].from + hits->at[i].len;
    }
    must(hits->steps <= 4096 + (uint64_t)text.len * 8192);
}

/* What pseudonyms of these open to: each value's one form, which the value's owner would be found by. True:
 * nobody can say, some had no room. */
static bool put_forms(struct str text, const struct privacy_hits *hits, struct buf *out)
{
    char form[PRIVACY_VALUE_MAX];
    size_t done = 0;
    bool unknown = hits->dropped > 0;
    for (size_t i = 0; i < hits->count; i++) {
        const struct privacy_hit *hit = &hits->at[i];
        struct str value = privacy_value(hit);
        size_t len = canon_value(hit->kind, value, form);
        struct str is = len > 0 ? (struct str) {form, len} : value;
        unknown = unknown || hit->len > PRIVACY_VALUE_MAX;
        buf_put(out, text.at + done, hit->from - done);
        buf_put_str(out, is);
        done = hit->from + hit->len;
    }
    buf_put(out, text.at + done, text.len - done);
    return unknown;
}

/* Asking for anything is survived. */
static void ask(struct str text)
{
    struct privacy_person person;
    struct str value = {text.at, text.len < PRIVACY_VALUE_MAX ? text.len : PRIVACY_VALUE_MAX};
    if (privacy_person(value, &person))
        (void)privacy_person_said(&person, text);
}

static void look_at_text(struct str text)
{
    static const struct seal_secret key = {{7}};
    struct privacy_hits hits = {.at = at, .size = HITS, .score_min = PRIVACY_SCORE_HIT};
    struct buf out, back;
    buf_init(&out, (size_t)TEXT_BYTES * 64);
    buf_init(&back, (size_t)TEXT_BYTES * 64);
    ask(text);
    privacy_text(text, STR("phone"), &hits);
    check(text, &hits);
    privacy_pseudonymise(text, hits.at, hits.count, &key, &out);
    privacy_reveal(buf_str(&out), &key, &back);
    buf_clear(&out);
    must(put_forms(text, &hits, &out) || buf_err(&back) != ERR_OK || str_eq(buf_str(&back), buf_str(&out)));
    buf_clear(&out);
    privacy_mask(text, hits.at, hits.count, &out);
    must(!str_is_utf8(text) || str_is_utf8(buf_str(&out)));
    buf_deinit(&out);
    buf_deinit(&back);
}

static void look_at_object(struct str text)
{
    static struct json_parser *parser;
    static uint8_t padded[TEXT_BYTES + JSON_PADDING];
    struct privacy_hits hits = {.at = at, .size = HITS, .score_min = 0};
    struct json_doc doc;
    struct arena arena;
    if (parser == NULL)
        must(json_parser_new(TEXT_BYTES, &parser) == ERR_OK);
    memcpy(padded, text.at, text.len);
    if (json_parse(parser, bytes_of(padded, text.len), &doc, NULL) != ERR_OK)
        return;
    arena_init(&arena, 8 << 20);
    err_t err = privacy_object(json_root(&doc), (enum privacy_role)(text.len % PRIVACY_ROLES), &arena, &hits);
    must(err == ERR_OK || err == ERR_NOMEM || err == ERR_INVALID);
    for (size_t i = 0; i < hits.count && err == ERR_OK; i++)
        must(hits.at[i].len <= hits.at[i].text.len &&
             hits.at[i].from <= hits.at[i].text.len - hits.at[i].len && hits.at[i].pointer.at != NULL);
    (void)privacy_facts(&hits);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > TEXT_BYTES)
        return 0;
    struct str text = {(const char *)data, size};
    if (data[0] == '{')
        look_at_object(text);
    look_at_text(text);
    return 0;
}
