/* What LIKE and MATCHES match, against lists: the first line is the pattern, the others are a list's. No
 * pattern breaks it, or walks on without end; and what a LIKE matches, letter by letter, is hit. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "gate/broad.h"
#include "gate/list.h"
#include "gate/overlap.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 1 << 22, TEXT_MAX = 200 };

/* The plain way: where it last could have gone on behind a %. */
static bool like_matches(struct str like, struct str text)
{
    size_t i = 0, k = 0, back = SIZE_MAX, from = 0;
    while (k < text.len) {
        if (i < like.len && like.at[i] == '%') {
            back = ++i;
            from = k;
        } else if (i < like.len && (like.at[i] == '_' || str_lower(like.at[i]) == str_lower(text.at[k]))) {
            i++;
            k++;
        } else if (back != SIZE_MAX) {
            i = back;
            k = ++from;
        } else {
            return false;
        }
    }
    while (i < like.len && like.at[i] == '%')
        i++;
    return i == like.len;
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.at[i] < ' ' || (uint8_t)text.at[i] > '~')
            return false;
    return text.len > 0 && text.len < TEXT_MAX;
}

/* A name as lists have it: small, and of labels that a name may have. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.at[i] < 'a' || text.at[i] > 'z') && text.at[i] != '.')
            return false;
    return is_plain(text) && text.at[0] != '.' && text.at[text.len - 1] != '.';
}

static void must_meet(const struct overlap *asked, bool hit, struct str like, struct str rest)
{
    while (rest.len > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (asked->place == OVERLAP_NAME && is_name(line) && is_plain(like) && like_matches(like, line))
            must(hit);
    }
}

static void ask(struct str pattern, bool like, enum overlap_place place, const struct list *list,
                struct str lines)
{
    struct overlap overlap;
    uint64_t steps = STEPS;
    overlap_open(&overlap, place, pattern, like, &steps);
    (void)overlap_is_open(&overlap);
    bool hit = list != NULL && overlap_hits(&overlap, list);
    must(steps <= STEPS);
    if (like && list != NULL && lines.len > 0)
        must_meet(&overlap, hit, pattern, lines);
    overlap_close(&overlap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum gate_list_kind kinds[] = {GATE_LIST_DOMAIN, GATE_LIST_CIDR,     GATE_LIST_HASH,
                                                GATE_LIST_STRING, GATE_LIST_RESERVED, GATE_LIST_BROAD};
    const struct list *list = NULL;
    struct arena arena;
    if (size < 2 || size > 1 << 12)
        return 0;
    uint8_t *padded = mem_alloc(size + JSON_PADDING);
    memcpy(padded, data, size);
    memset(padded + size, 0, JSON_PADDING);
    struct str lines = {(const char *)padded + 1, size - 1};
    struct str pattern = str_cut(&lines, '\n');
    arena_init(&arena, 1 << 20);
    if (lines.at == NULL)
        lines = STR("");
    enum gate_list_kind kind = kinds[(data[0] & 0x7f) % 6];
    bool names = kind == GATE_LIST_DOMAIN || kind == GATE_LIST_STRING;
    if (list_read(kind, bytes_from_str(lines), &arena, &list, NULL) != ERR_OK)
        list = NULL;
    for (enum overlap_place place = 0; place < OVERLAP_PLACES; place++)
        ask(pattern, (data[0] & 0x80) == 0, place, list, names ? lines : STR(""));
    arena_deinit(&arena);
    mem_free(padded);
    return 0;
}
