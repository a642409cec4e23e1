/* Lists for safety holds: any text read as any kind; whatever was read is asked for every line of it. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "gate/broad.h"
#include "gate/foreign.h"
#include "gate/list.h"
#include "gate/reach.h"
#include "gate/spelling.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool in_text(void *ctx, struct str value, bool open)
{
    const struct str *text = ctx;
    (void)open;
    must(value.len <= text->len + 1); /* an address's beginning has an asterisk behind it */
    return false;
}

static void in_place(struct str text, struct str part)
{
    must(part.len == 0 ||
         (part.at >= text.at && part.len <= text.len && (size_t)(part.at - text.at) <= text.len - part.len));
}

/* Hosts lie in the text; of spans neither end is behind the other. */
static void read_place(struct str text)
{
    struct reach reach;
    for (int belongs = 0; belongs < 2; belongs++) {
        reach_read(text, belongs != 0, &reach);
        must(reach.span_count <= REACH_SPANS_MAX && reach.name_count <= REACH_NAMES_MAX);
        in_place(text, reach.whole);
        for (size_t i = 0; i < reach.name_count; i++)
            in_place(text, reach.names[i]);
        for (size_t i = 0; i < reach.span_count; i++)
            must(memcmp(reach.spans[i].low, reach.spans[i].high, sizeof reach.spans[i].low) <= 0);
    }
}

/* A rule of another language, and a value in another spelling: never longer than they came. */
static void read_otherwise(struct str text, struct arena *arena)
{
    static const char *const languages[] = {"yara", "snort", "sigma", "pcre"};
    char sample[64];
    struct str plain;
    size_t len;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        (void)foreign_each(str_of(languages[i]), text, arena, in_text, &text);
    if (spelling_plain(text, arena, &plain))
        must(plain.len <= text.len);
    if (spelling_of_like(text, arena, &plain))
        must(plain.len > 0 && plain.len <= text.len);
    if (spelling_of_open_regex(text, arena, &plain))
        must(plain.len > 1 && plain.len <= text.len + 1);
    if (spelling_hash(text, arena, &plain))
        must(term_is_hash(plain) && plain.len <= text.len);
    read_place(text);
    for (unsigned choice = 0; choice < 3; choice++)
        if (broad_regex_sample(text, choice, sample, sizeof sample, &len))
            must(len <= sizeof sample && len <= text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault = {0};
    const struct list *list;
    struct arena arena;
    if (size == 0 || size > 1 << 16)
        return 0;
    uint8_t *padded = mem_alloc(size + JSON_PADDING);
    memcpy(padded, data + 1, size - 1);
    arena_init(&arena, 64 << 20);
    read_otherwise((struct str) {(const char *)padded, size - 1}, &arena);
    enum gate_list_kind kind = (enum gate_list_kind)(data[0] % GATE_LIST_KINDS);
    if (list_read(kind, bytes_of(padded, size - 1), &arena, &list, &fault) == ERR_OK) {
        struct str rest = {(const char *)padded, size - 1};
        for (int lines = 0; rest.len > 0 && lines < 100; lines++) {
            struct list_value value = {
                .text = str_trim(str_cut(&rest, '\n')), .host = true, .is_domain = true};
            /* What a list of networks or domains was read from stands on it. */
            bool hit = list_hits(list, &value);
            bool plain = value.text.len > 0 && value.text.at[0] != '.';
            for (size_t i = 0; i < value.text.len; i++)
                plain &= strchr("#@/:", value.text.at[i]) == NULL;
            if (plain && value.text.len < 200 && (kind == GATE_LIST_CIDR || kind == GATE_LIST_DOMAIN))
                must(hit);
            value.matched = true;
            (void)list_hits(list, &value);
            value.matched = false;
            value.is_place = true;
            (void)list_hits(list, &value);
            /* No more is demanded than stands there, and a quantifier's count of it. */
            must(broad_like_literals(value.text) <= value.text.len);
            must(broad_regex_literals(value.text) <= 1000);
        }
    }
    arena_deinit(&arena);
    mem_free(padded);
    return 0;
}
