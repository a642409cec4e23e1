#include "gate/overlap.h"

#include <string.h>

#include "gate/broad.h"
#include "gate/list_in.h"
#include "gate/wordlist.h"

enum {
    ARENA_BYTES = 1 << 20,
    BUILD_STEPS = 20000, /* what it costs to make one, in steps of a walk */
    WORD_STEPS = 8,      /* to come to a word, before any of it is walked */
    NET4_STEPS = 40,
    NET6_STEPS = 400,
    AHEAD = 16, /* words that are asked for before they are walked: they lie anywhere in memory */
};

/* Where hosts stand, by the value's place. */
enum { ALONE = 1, IN_URL = 2, IN_MAIL = 4, NETS = 8, NAMES = 16 };
static const uint8_t sorts[OVERLAP_PLACES] = {
    [OVERLAP_ADDRESS] = ALONE | NETS,
    [OVERLAP_NAME] = ALONE | NAMES,
    [OVERLAP_URL] = ALONE | IN_URL | NETS | NAMES,
    [OVERLAP_MAIL] = IN_MAIL | NETS | NAMES,
    [OVERLAP_HOST] = ALONE | IN_URL | IN_MAIL | NETS | NAMES,
};

/* What stands before an entry when it is meant plainly. */
static const struct dress {
    struct str text;
    uint8_t sort; /* where, and before what */
} dresses[] = {
    {{"", 0}, ALONE | NETS | NAMES},           {{"www.", 4}, ALONE | NAMES},
    {{"http://", 7}, IN_URL | NETS | NAMES},   {{"https://", 8}, IN_URL | NETS | NAMES},
    {{"http://www.", 11}, IN_URL | NAMES},     {{"https://www.", 12}, IN_URL | NAMES},
    {{"qzxjvkw@", 8}, IN_MAIL | NETS | NAMES},
};

/* Nobody has these, and no pattern is about them. */
#define NOBODY "qzxjvkwqhpf"
static const struct str nobody_name = {NOBODY ".zqxk", sizeof NOBODY + 4};
static const struct str nobody_net4 = {"151.73.219.46", 13}, nobody_net6 = {"2a0d:9c41:77e3:1::51b7", 22};

static uint8_t sort_of(const struct overlap *o)
{
    return sorts[o->place];
}

/* --- ending --- */

static bool ends_plainly(struct overlap *o, unsigned state)
{
    struct automaton *a = o->automaton;
    if (state == 0)
        return false;
    return automaton_accepts(a, state) ||
           ((sort_of(o) & IN_URL) != 0 && automaton_accepts(a, automaton_step(a, state, '/')));
}

/* Behind a host in a URL: a path, a question, a fragment or a port. */
static unsigned walk_end(struct overlap *o, unsigned state, char end)
{
    struct automaton *a = o->automaton;
    unsigned found = 0;
    state = automaton_step(a, state, (uint8_t)end);
    if (end != ':')
        return state;
    for (uint8_t digit = '0'; digit <= '9' && state != 0; digit++)
        found = automaton_union(a, found, automaton_step(a, state, digit));
    return found;
}

/* Does the pattern tell what led here from what nobody has? */
static bool is_told(struct overlap *o, unsigned here, unsigned nobody)
{
    struct automaton *a = o->automaton;
    if (automaton_accepts(a, here) && !automaton_accepts(a, nobody))
        return true;
    for (const char *end = "/?#:"; (sort_of(o) & IN_URL) != 0 && *end != '\0'; end++)
        if (!automaton_within(a, walk_end(o, here, *end), walk_end(o, nobody, *end)))
            return true;
    return false;
}

/* --- beginning --- */

static unsigned plainly(struct overlap *o, uint8_t what)
{
    unsigned found = 0;
    for (size_t i = 0; i < sizeof dresses / sizeof *dresses; i++)
        if ((dresses[i].sort & what) != 0 &&
            (dresses[i].sort & ~what & sort_of(o) & (ALONE | IN_URL | IN_MAIL)))
            found =
                automaton_union(o->automaton, found, automaton_walk(o->automaton, o->alone, dresses[i].text));
    return found;
}

/* Behind other text of the host, or of who is there, and one of these marks. */
static unsigned within(struct overlap *o, const char *marks)
{
    unsigned hosts = automaton_union(o->automaton, o->alone, plainly(o, NETS));
    unsigned all = automaton_anything(o->automaton, hosts, "/?#"), found = 0;
    for (; *marks != '\0'; marks++)
        found = automaton_union(o->automaton, found, automaton_step(o->automaton, all, (uint8_t)*marks));
    return found;
}

/* Is any name the same to the pattern as one that nobody has? Then no list needs to be looked through. */
static bool is_any(struct overlap *o, unsigned begin, unsigned nobody)
{
    return !is_told(o, automaton_any_name(o->automaton, begin), nobody) && !ends_plainly(o, nobody);
}

static struct overlap_begin begin_of(struct overlap *o, uint8_t what, const char *marks, struct str nobody)
{
    struct overlap_begin begin = {.plain = plainly(o, what), .within = within(o, marks)};
    begin.plain_nobody = automaton_walk(o->automaton, begin.plain, nobody);
    begin.within_nobody = automaton_walk(o->automaton, begin.within, nobody);
    /* What goes on as it likes is not about how it ends. */
    if ((sort_of(o) & IN_URL) == 0 && automaton_accepts(o->automaton, begin.within_nobody))
        begin.within = 0;
    return begin;
}

static void begin(struct overlap *o)
{
    uint8_t sort = sort_of(o);
    bool people = (sort & (IN_URL | IN_MAIL)) != 0;
    o->alone = automaton_step(o->automaton, automaton_start(o->automaton), AUTOMATON_BEGIN);
    if ((sort & NAMES) != 0)
        o->name = begin_of(o, NAMES, people ? ".@" : ".", nobody_name);
    if (is_any(o, o->name.plain, o->name.plain_nobody))
        o->name.plain = 0;
    if (is_any(o, o->name.within, o->name.within_nobody))
        o->name.within = 0;
    if ((sort & NETS) == 0)
        return;
    o->net4 = begin_of(o, NETS, people ? "@" : "", nobody_net4);
    o->net6 = begin_of(o, NETS, people ? "[" : "", nobody_net6);
    if ((sort & IN_URL) != 0)
        o->net6.plain =
            automaton_union(o->automaton, o->net6.plain, automaton_step(o->automaton, o->net6.plain, '['));
}

static err_t make(struct overlap *o, struct str pattern, bool like, uint64_t *steps)
{
    struct automaton *a = arena_alloc(&o->arena, sizeof *a);
    o->octets = arena_zalloc(&o->arena, AUTOMATON_STATES, sizeof *o->octets);
    o->digits = arena_zalloc(&o->arena, AUTOMATON_STATES, sizeof *o->digits);
    if (a == NULL || o->octets == NULL || o->digits == NULL)
        return ERR_NOMEM;
    if (like)
        automaton_of_like(a, pattern);
    else
        (void)broad_regex_automaton(pattern, a);
    err_t err = automaton_end(a, &o->arena, steps);
    o->automaton = err == ERR_OK ? a : NULL;
    return err;
}

void overlap_open(struct overlap *o, enum overlap_place place, struct str pattern, bool like, uint64_t *steps)
{
    *o = (struct overlap) {.place = place};
    arena_init(&o->arena, ARENA_BYTES);
    if (make(o, pattern, like, steps) != ERR_OK)
        return;
    automaton_spend(o->automaton, BUILD_STEPS);
    begin(o);
}

void overlap_close(struct overlap *o)
{
    arena_deinit(&o->arena);
}

bool overlap_lost(const struct overlap *o)
{
    return o->automaton == NULL || o->automaton->lost;
}

bool overlap_spent(const struct overlap *o)
{
    return o->automaton != NULL && o->automaton->spent;
}

/* --- names --- */

/* "com.google." is walked as google.com, or with the name of nobody in its first label's place. */
static unsigned walk_name(struct overlap *o, unsigned state, struct str word, bool other)
{
    size_t end = word.len - 1;
    while (state != 0) {
        size_t from = end;
        while (from > 0 && word.at[from - 1] != '.')
            from--;
        struct str label = other ? STR(NOBODY) : (struct str) {word.at + from, end - from};
        size_t i = 0;
        for (; i < label.len && state != 0; i++) /* small letters */
            state = automaton_step(o->automaton, state, (uint8_t)label.at[i]);
        o->walked += i + 1;
        if (from == 0)
            return state;
        state = automaton_step(o->automaton, state, '.');
        other = false;
        end = from - 1;
    }
    return 0;
}

static bool name_hits(struct overlap *o, struct str word)
{
    const struct overlap_begin *begin = &o->name;
    unsigned plain = walk_name(o, begin->plain, word, false);
    unsigned within = walk_name(o, begin->within, word, false);
    if (ends_plainly(o, plain))
        return true;
    if (plain != 0 && plain != begin->plain_nobody &&
        is_told(o, plain, walk_name(o, begin->plain, word, true)))
        return true;
    return within != 0 && within != begin->within_nobody &&
           is_told(o, within, walk_name(o, begin->within, word, true));
}

/* Of a list of strings: itself, and nothing below. */
static bool string_name_hits(struct overlap *o, struct str word)
{
    return automaton_accepts(o->automaton, walk_name(o, o->alone, word, false));
}

static bool text_hits(struct overlap *o, struct str word)
{
    o->walked += word.len;
    return automaton_accepts(o->automaton, automaton_walk(o->automaton, o->alone, word));
}

/* --- words --- */

typedef bool hits_word(struct overlap *o, struct str word);

static bool words_hit(struct overlap *o, const struct list *list, const char *prefix, hits_word *hits)
{
    size_t end, i = wordlist_range(list->words, list->word_count, prefix, &end);
    for (; i < end && !o->automaton->lost; i++) {
        __builtin_prefetch(list->words[i + AHEAD < end ? i + AHEAD : i]);
        const char *word = list->words[i] + 1;
        o->walked = WORD_STEPS;
        bool hit = hits(o, (struct str) {word, wordlist_len(word)});
        automaton_spend(o->automaton, o->walked);
        if (hit)
            return true;
    }
    return o->automaton->lost;
}

/* Only those that end as the pattern demands, and those that lie above: a few of a million. */
static bool names_hit(struct overlap *o, const struct list *list)
{
    char tail[TERM_BYTES_MAX], prefix[TERM_BYTES_MAX + 3] = "d\n", labels[TERM_BYTES_MAX];
    struct str told = automaton_tail(o->automaton, tail, 64);
    size_t len, at = 0;
    (void)str_cut(&told, '.'); /* the first label may go on before */
    if (o->name.plain == 0 && o->name.within == 0)
        return false;
    if ((sort_of(o) & IN_URL) != 0 || told.at == NULL || !term_labels(told, labels, &len))
        return words_hit(o, list, prefix, name_hits);
    for (; at < len; at++) {
        prefix[1 + at] = labels[at];
        prefix[2 + at] = '\n';
        if (labels[at] == '.' && at + 1 < len && wordlist_have(list->words, list->word_count, prefix) &&
            name_hits(o, (struct str) {prefix + 1, at + 1}))
            return true;
    }
    return words_hit(o, list, prefix, name_hits);
}

/* --- addresses --- */

/* Any of the numbers, in their digits. */
static unsigned walk_numbers(struct overlap *o, unsigned state, unsigned low, unsigned high)
{
    static const char digit[] = "0123456789";
    struct automaton *a = o->automaton;
    unsigned found = 0;
    for (unsigned n = low; n <= high && state != 0; n++) {
        unsigned next = state;
        if (n >= 100)
            next = automaton_step(a, next, (uint8_t)digit[n / 100]);
        if (n >= 10)
            next = automaton_step(a, next, (uint8_t)digit[n / 10 % 10]);
        found = automaton_union(a, found, automaton_step(a, next, (uint8_t)digit[n % 10]));
    }
    if (low != high)
        automaton_spend(a, high - low);
    return found;
}

/* Any number up to `last`, asked once a state. */
static unsigned walk_octet(struct overlap *o, unsigned state)
{
    if (o->octets[state] == 0)
        o->octets[state] = (uint16_t)(walk_numbers(o, state, 0, 255) + 1);
    return o->octets[state] - 1u;
}

static unsigned walk_net4(struct overlap *o, unsigned state, const struct net *net)
{
    for (unsigned i = 0; i < 4 && state != 0; i++) {
        unsigned bits = net->bits > 8 * i ? net->bits - 8 * i : 0, low = net->bytes[i];
        if (i > 0)
            state = automaton_step(o->automaton, state, '.');
        state = bits == 0 ? walk_octet(o, state)
                          : walk_numbers(o, state, low, bits >= 8 ? low : low | 0xffu >> bits);
    }
    return state;
}

static unsigned walk_digits(struct overlap *o, unsigned state, unsigned low, unsigned high)
{
    static const char digit[] = "0123456789abcdef";
    unsigned found = 0;
    if (low == 0 && high == 15 && o->digits[state] != 0)
        return o->digits[state] - 1u;
    for (unsigned d = low; d <= high && state != 0; d++)
        found = automaton_union(o->automaton, found, automaton_step(o->automaton, state, (uint8_t)digit[d]));
    if (low == 0 && high == 15)
        o->digits[state] = (uint16_t)(found + 1);
    return found;
}

/* The lowest and the highest that digit number `i` of 32 may be. */
static unsigned digit_low(const struct net *net, unsigned i)
{
    return net->bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15u;
}

static unsigned digit_high(const struct net *net, unsigned i)
{
    unsigned bits = net->bits > 4 * i ? net->bits - 4 * i : 0;
    return bits >= 4 ? digit_low(net, i) : digit_low(net, i) | 15u >> bits;
}

/* Four digits; zeros before may be left out. */
static unsigned walk_group(struct overlap *o, unsigned state, const struct net *net, unsigned group)
{
    unsigned found = 0;
    for (unsigned from = 4 * group; from < 4 * group + 4 && state != 0; from++) {
        unsigned next = state;
        for (unsigned i = from; i < 4 * group + 4; i++)
            next = walk_digits(o, next, digit_low(net, i), digit_high(net, i));
        found = automaton_union(o->automaton, found, next);
        if (digit_low(net, from) != 0)
            break;
    }
    return found;
}

static bool may_be_zero(const struct net *net, unsigned group)
{
    return net->bytes[2 * group] == 0 && net->bytes[2 * group + 1] == 0;
}

/* Eight groups, of which some zeros may be ::. By the number of groups behind: `whole` and `short_` (which
 * has its ::) before what parts the next one, `gap` behind the ::. */
static unsigned walk_net6(struct overlap *o, unsigned state, const struct net *net)
{
    struct automaton *a = o->automaton;
    unsigned gap[9] = {0}, whole = state, brief = 0;
    for (unsigned g = 0; g < 8; g++) {
        unsigned colon = automaton_step(a, whole, ':'), two = automaton_step(a, colon, ':');
        for (unsigned h = g; h < 8 && two != 0 && may_be_zero(net, h); h++)
            gap[h + 1] = automaton_union(a, gap[h + 1], two);
        unsigned next = automaton_union(a, automaton_step(a, brief, ':'), gap[g]);
        whole = walk_group(o, g == 0 ? whole : colon, net, g);
        brief = walk_group(o, next, net, g);
    }
    return automaton_union(a, automaton_union(a, whole, brief), gap[8]);
}

/* In brackets, or not. */
static unsigned walk_net(struct overlap *o, unsigned state, const struct net *net)
{
    automaton_spend(o->automaton, net->size == 32 ? NET4_STEPS : NET6_STEPS);
    if (net->size == 32)
        return walk_net4(o, state, net);
    state = walk_net6(o, state, net);
    return automaton_union(o->automaton, state, automaton_step(o->automaton, state, ']'));
}

static bool net_hits(struct overlap *o, const struct overlap_begin *begin, const struct net *net)
{
    unsigned plain = begin->plain == 0 ? 0 : walk_net(o, begin->plain, net);
    unsigned within = begin->within == 0 ? 0 : walk_net(o, begin->within, net);
    return ends_plainly(o, plain) || (plain != 0 && is_told(o, plain, begin->plain_nobody)) ||
           (within != 0 && is_told(o, within, begin->within_nobody));
}

static bool nets_hit(struct overlap *o, const struct list *list)
{
    static const struct net all4 = {.size = 32}, all6 = {.size = 128};
    bool any4 = net_hits(o, &o->net4, &all4), any6 = net_hits(o, &o->net6, &all6); /* has it any address? */
    for (size_t i = 0; (any4 || any6) && i < list->net_count && !o->automaton->lost; i++) {
        const struct net *net = &list->nets[i];
        if (net->size == 32 ? any4 && net_hits(o, &o->net4, net) : any6 && net_hits(o, &o->net6, net))
            return true;
    }
    return o->automaton->lost;
}

/* --- asking --- */

bool overlap_hits(struct overlap *o, const struct list *list)
{
    uint8_t sort = sort_of(o);
    if (list->kind == GATE_LIST_BROAD && o->place != OVERLAP_HASH)
        return false;
    if (overlap_lost(o))
        return true;
    if ((sort & NETS) != 0 && nets_hit(o, list))
        return true;
    if ((sort & NAMES) != 0 && (names_hit(o, list) || words_hit(o, list, "n\n", string_name_hits)))
        return true;
    if (o->place == OVERLAP_HASH && words_hit(o, list, "h\n", text_hits))
        return true;
    return words_hit(o, list, "v\n", text_hits);
}

bool overlap_is_open(struct overlap *o)
{
    static const struct str names[] = {{NOBODY ".com", sizeof NOBODY + 3},
                                       {NOBODY ".com/", sizeof NOBODY + 4},
                                       {NOBODY ".com/" NOBODY, 2 * sizeof NOBODY + 3}};
    if (overlap_lost(o))
        return true;
    for (size_t i = 0; i < ((sort_of(o) & IN_URL) != 0 ? 3u : 1u); i++)
        if (automaton_accepts(o->automaton, automaton_walk(o->automaton, o->name.plain, names[i])))
            return true;
    return o->automaton->lost;
}
