#include "gate/automaton.h"

#include <string.h>

enum { START = 0, WORDS = AUTOMATON_POSITIONS / 64, NOT_YET = UINT16_MAX };

/* --- sets --- */

static void set_add(struct automaton_set *set, unsigned i)
{
    set->at[i / 64] |= UINT64_C(1) << i % 64;
}

static void set_take(struct automaton_set *set, unsigned i)
{
    set->at[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static bool set_has(const struct automaton_set *set, unsigned i)
{
    return (set->at[i / 64] >> i % 64 & 1) != 0;
}

static void set_join(struct automaton_set *set, const struct automaton_set *other)
{
    for (unsigned i = 0; i < WORDS; i++)
        set->at[i] |= other->at[i];
}

static bool set_meets(const struct automaton_set *set, const struct automaton_set *other)
{
    uint64_t met = 0;
    for (unsigned i = 0; i < WORDS; i++)
        met |= set->at[i] & other->at[i];
    return met != 0;
}

static bool set_is_empty(const struct automaton_set *set)
{
    return !set_meets(set, set);
}

/* The next member from `i` on; AUTOMATON_POSITIONS: none. */
static unsigned set_next(const struct automaton_set *set, unsigned i)
{
    for (unsigned word = i / 64; word < WORDS; word++, i = word * 64) {
        uint64_t rest = set->at[word] >> i % 64 << i % 64;
        if (rest != 0)
            return word * 64 + (unsigned)__builtin_ctzll(rest);
    }
    return AUTOMATON_POSITIONS;
}

/* --- parts --- */

static struct automaton_part part_of_nothing(const struct automaton *a)
{
    return (struct automaton_part) {.from = a->count, .nothing = true};
}

static void join_behind(struct automaton *a, const struct automaton_set *last,
                        const struct automaton_set *first)
{
    for (unsigned p = set_next(last, 0); p < AUTOMATON_POSITIONS; p = set_next(last, p + 1))
        set_join(&a->follow[p], first);
}

/* `part` behind `row`. */
static void part_append(struct automaton *a, struct automaton_part *row, const struct automaton_part *part)
{
    join_behind(a, &row->last, &part->first);
    if (row->nothing)
        set_join(&row->first, &part->first);
    if (!part->nothing)
        row->last = part->last;
    else
        set_join(&row->last, &part->last);
    row->nothing &= part->nothing;
}

static struct automaton_level *level_of(struct automaton *a)
{
    return &a->levels[a->depth];
}

/* What is behind the last part no longer changes. */
static void settle(struct automaton *a, struct automaton_level *level)
{
    part_append(a, &level->row, &level->last);
    level->last = part_of_nothing(a);
}

void automaton_begin(struct automaton *a)
{
    *a = (struct automaton) {.count = 1};
    a->levels[0] = (struct automaton_level) {.row = part_of_nothing(a), .last = part_of_nothing(a)};
}

/* With the last position, which then is every one that there was no room for: any text. */
static void put_rest(struct automaton *a, struct automaton_part *part)
{
    unsigned rest = AUTOMATON_POSITIONS - 1;
    for (unsigned c = 0; c < 256; c++)
        set_add(&a->takes[c], rest);
    set_add(&a->follow[rest], rest);
    set_add(&part->first, rest);
    set_add(&part->last, rest);
    part->nothing = true;
    part->from = rest;
}

static void put(struct automaton *a, const struct automaton_set *bytes)
{
    struct automaton_level *level = level_of(a);
    settle(a, level);
    if (a->count >= AUTOMATON_POSITIONS - 1) {
        put_rest(a, &level->last);
        return;
    }
    unsigned p = a->count++;
    for (unsigned c = set_next(bytes, 0); c < 256; c = set_next(bytes, c + 1))
        set_add(&a->takes[(uint8_t)str_lower((char)c)], p);
    level->last.nothing = false;
    set_add(&level->last.first, p);
    set_add(&level->last.last, p);
}

void automaton_put(struct automaton *a, const struct automaton_set *bytes)
{
    put(a, bytes);
}

static bool is_behind_first(uint8_t byte)
{
    return (byte & 0xc0) == 0x80; /* of a character in UTF-8 */
}

void automaton_put_byte(struct automaton *a, uint8_t byte)
{
    struct automaton_set one = {{0}};
    if (is_behind_first(byte))
        return;
    set_add(&one, byte);
    put(a, &one);
}

static struct automaton_set any_byte(void)
{
    struct automaton_set any;
    memset(&any, 0xff, sizeof any);
    return any;
}

void automaton_put_any(struct automaton *a)
{
    struct automaton_set any = any_byte();
    set_take(&any, AUTOMATON_BEGIN);
    set_take(&any, AUTOMATON_END);
    put(a, &any);
}

void automaton_put_all(struct automaton *a)
{
    struct automaton_set any = any_byte();
    put(a, &any);
    automaton_repeat(a, 0, AUTOMATON_ANY_TIMES);
}

/* --- repeating --- */

/* The same positions again, `by` behind these. */
static void shift(struct automaton_set *set, unsigned from, unsigned to, unsigned by)
{
    struct automaton_set moved = {{0}};
    for (unsigned p = set_next(set, from); p < to; p = set_next(set, p + 1))
        set_add(&moved, p + by);
    *set = moved;
}

static struct automaton_part part_again(struct automaton *a, const struct automaton_part *part, unsigned to)
{
    struct automaton_part again = *part;
    unsigned by = a->count - part->from;
    for (unsigned p = part->from; p < to; p++) {
        struct automaton_set follow = a->follow[p];
        shift(&follow, part->from, to, by);
        a->follow[p + by] = follow;
        for (unsigned c = 0; c < 256; c++)
            if (set_has(&a->takes[c], p))
                set_add(&a->takes[c], p + by);
    }
    shift(&again.first, part->from, to, by);
    shift(&again.last, part->from, to, by);
    again.from += by;
    a->count += to - part->from;
    return again;
}

void automaton_repeat(struct automaton *a, size_t least, size_t most)
{
    struct automaton_part *last = &level_of(a)->last, whole;
    unsigned to = a->count, len = to - last->from;
    size_t copies = most == AUTOMATON_ANY_TIMES ? least : most;
    bool loops = most == AUTOMATON_ANY_TIMES;
    if (last->from >= to || most == 0 || set_is_empty(&last->first)) {
        if (most == 0)
            *last = part_of_nothing(a);
        return;
    }
    copies += copies == 0;
    if (copies > (AUTOMATON_POSITIONS - 1 - to) / len + 1) { /* as often as one likes is at least that */
        copies = 1;
        loops = true;
    }
    struct automaton_part one = *last;
    whole = one;
    whole.nothing |= least == 0;
    for (size_t i = 1; i < copies; i++) {
        struct automaton_part again = part_again(a, &one, to);
        if (loops && i + 1 == copies)
            join_behind(a, &again.last, &again.first);
        again.nothing |= i >= least;
        part_append(a, &whole, &again);
    }
    if (loops && copies == 1)
        join_behind(a, &whole.last, &whole.first);
    *last = whole;
}

/* --- groups --- */

void automaton_open(struct automaton *a)
{
    must(a->depth + 1 < AUTOMATON_DEPTH);
    settle(a, level_of(a));
    a->levels[++a->depth] = (struct automaton_level) {.row = part_of_nothing(a), .last = part_of_nothing(a)};
}

void automaton_alternative(struct automaton *a)
{
    struct automaton_level *level = level_of(a);
    unsigned from = level->choice ? level->before.from : level->row.from;
    settle(a, level);
    if (!level->choice) {
        level->before = level->row;
    } else {
        set_join(&level->before.first, &level->row.first);
        set_join(&level->before.last, &level->row.last);
        level->before.nothing |= level->row.nothing;
    }
    level->before.from = from;
    level->choice = true;
    level->row = part_of_nothing(a);
}

void automaton_close(struct automaton *a, bool nothing)
{
    must(a->depth > 0);
    automaton_alternative(a);
    struct automaton_part group = level_of(a)->before;
    a->depth--;
    level_of(a)->last = nothing ? part_of_nothing(a) : group;
}

void automaton_of_like(struct automaton *a, struct str like)
{
    automaton_begin(a);
    automaton_put_byte(a, AUTOMATON_BEGIN);
    for (size_t i = 0; i < like.len; i++) {
        if (like.at[i] != '%' && like.at[i] != '_') {
            automaton_put_byte(a, (uint8_t)like.at[i]);
            continue;
        }
        automaton_put_any(a);
        if (like.at[i] == '%')
            automaton_repeat(a, 0, AUTOMATON_ANY_TIMES);
    }
    automaton_put_byte(a, AUTOMATON_END);
}

/* --- states --- */

static unsigned lose(struct automaton *a)
{
    a->lost = true;
    return 0;
}

static unsigned state_of(struct automaton *a, const struct automaton_set *set)
{
    for (unsigned i = 0; i < a->state_count; i++)
        if (memcmp(&a->states[i], set, sizeof *set) == 0)
            return i;
    if (a->state_count == AUTOMATON_STATES)
        return lose(a);
    memset(a->next + (size_t)a->state_count * 256, 0xff, 256 * sizeof *a->next); /* NOT_YET */
    a->states[a->state_count] = *set;
    return a->state_count++;
}

err_t automaton_end(struct automaton *a, struct arena *arena, uint64_t *steps)
{
    struct automaton_level *whole = &a->levels[0];
    struct automaton_set none = {{0}};
    must(a->depth == 0);
    automaton_alternative(a);
    a->follow[START] = whole->before.first;
    a->last = whole->before.last;
    if (whole->before.nothing)
        set_add(&a->last, START);
    a->steps = steps;
    a->states = arena_alloc(arena, AUTOMATON_STATES * sizeof *a->states);
    a->next = arena_alloc(arena, AUTOMATON_STATES * 256 * sizeof *a->next);
    if (a->states == NULL || a->next == NULL)
        return ERR_NOMEM;
    (void)state_of(a, &none);
    return ERR_OK;
}

unsigned automaton_start(struct automaton *a)
{
    struct automaton_set start = {{0}};
    set_add(&start, START);
    return state_of(a, &start);
}

/* Those that take one of these bytes. */
static struct automaton_set taking(const struct automaton *a, const struct automaton_set *bytes)
{
    struct automaton_set found = {{0}};
    for (unsigned c = set_next(bytes, 0); c < 256; c = set_next(bytes, c + 1))
        set_join(&found, &a->takes[c]);
    return found;
}

/* Those of `inside` that may follow one of `set`. */
static struct automaton_set behind(const struct automaton *a, const struct automaton_set *set,
                                   const struct automaton_set *inside)
{
    struct automaton_set found = {{0}};
    for (unsigned p = set_next(set, 0); p < AUTOMATON_POSITIONS; p = set_next(set, p + 1))
        set_join(&found, &a->follow[p]);
    for (unsigned i = 0; i < WORDS; i++)
        found.at[i] &= inside->at[i];
    return found;
}

unsigned automaton_step_far(struct automaton *a, unsigned state, uint8_t byte)
{
    enum { FAR_STEPS = 64 };
    unsigned found = state;
    automaton_spend(a, FAR_STEPS);
    if (!is_behind_first(byte)) {
        struct automaton_set next = behind(a, &a->states[state], &a->takes[byte]);
        found = state_of(a, &next);
    }
    if (!a->lost)
        a->next[state * 256 + byte] = (uint16_t)found;
    return found;
}

unsigned automaton_walk(struct automaton *a, unsigned state, struct str text)
{
    for (size_t i = 0; i < text.len && state != 0; i++)
        state = automaton_step(a, state, (uint8_t)str_lower(text.at[i]));
    return state;
}

unsigned automaton_union(struct automaton *a, unsigned one, unsigned other)
{
    struct automaton_set both = a->states[one];
    if (automaton_within(a, other, one))
        return one;
    set_join(&both, &a->states[other]);
    return one == 0 ? other : state_of(a, &both);
}

/* With all that can be reached from there by such positions. */
static void reach_on(const struct automaton *a, struct automaton_set *met, const struct automaton_set *inside)
{
    struct automaton_set before;
    do {
        before = *met;
        struct automaton_set next = behind(a, &before, inside);
        set_join(met, &next);
    } while (memcmp(met, &before, sizeof before) != 0);
}

unsigned automaton_anything(struct automaton *a, unsigned state, const char *but)
{
    struct automaton_set met = a->states[state], bytes = any_byte();
    set_take(&bytes, AUTOMATON_BEGIN);
    set_take(&bytes, AUTOMATON_END);
    for (; *but != '\0'; but++)
        set_take(&bytes, (uint8_t)*but);
    struct automaton_set inside = taking(a, &bytes);
    reach_on(a, &met, &inside);
    return state_of(a, &met);
}

unsigned automaton_any_name(struct automaton *a, unsigned state)
{
    static const char hosts[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    struct automaton_set bytes = {{0}};
    for (const char *c = hosts; *c != '\0'; c++)
        set_add(&bytes, (uint8_t)*c);
    for (unsigned c = 0x80; c < 256; c++)
        set_add(&bytes, c);
    struct automaton_set inside = taking(a, &bytes), met = behind(a, &a->states[state], &inside);
    reach_on(a, &met, &inside);
    return state_of(a, &met);
}

bool automaton_accepts(struct automaton *a, unsigned state)
{
    unsigned end = automaton_step(a, state, AUTOMATON_END);
    return set_meets(&a->states[end], &a->last);
}

bool automaton_within(const struct automaton *a, unsigned here, unsigned there)
{
    uint64_t more = 0;
    for (unsigned i = 0; i < WORDS; i++)
        more |= a->states[here].at[i] & ~a->states[there].at[i];
    return more == 0;
}

/* --- the tail --- */

/* The one byte that all of these take; 256: several. */
static unsigned byte_of(const struct automaton *a, const struct automaton_set *set)
{
    unsigned found = 256;
    for (unsigned c = 0; c < 256; c++) {
        if (!set_meets(&a->takes[c], set))
            continue;
        if (found != 256)
            return 256;
        found = c;
    }
    return found;
}

/* Those of `from` that one of `set` may follow. */
static struct automaton_set before(const struct automaton *a, const struct automaton_set *set,
                                   const struct automaton_set *from)
{
    struct automaton_set found = {{0}};
    for (unsigned p = set_next(from, 0); p < AUTOMATON_POSITIONS; p = set_next(from, p + 1))
        if (set_meets(&a->follow[p], set))
            set_add(&found, p);
    return found;
}

struct str automaton_tail(const struct automaton *a, char *out, size_t size)
{
    struct automaton_set alive = {{0}}, bytes = any_byte(), at = a->last;
    size_t from = size;
    /* A text ends once: what stands behind an end is in none. */
    set_take(&bytes, AUTOMATON_END);
    set_add(&alive, START);
    struct automaton_set inside = taking(a, &bytes);
    reach_on(a, &alive, &inside);
    for (unsigned i = 0; i < WORDS; i++)
        at.at[i] &= a->takes[AUTOMATON_END].at[i];
    while (from > 0) {
        at = before(a, &at, &alive);
        unsigned byte = set_has(&at, START) ? 256 : byte_of(a, &at);
        if (byte >= 0x80 || byte == AUTOMATON_BEGIN)
            break;
        out[--from] = (char)byte;
    }
    return (struct str) {out + from, size - from};
}
