#include "gate/broad.h"

#include <string.h>

#include "gate/overlap.h"

size_t broad_like_literals(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] != '%' && text.at[i] != '_';
    return count;
}

/* --- regular expressions --- */

enum { LITERALS_MAX = 1000 }; /* more is as good as that */

/* A group, or the whole. */
struct level {
    size_t least;           /* of the alternatives before */
    size_t sum;             /* of this alternative */
    size_t last;            /* of its last part: what a quantifier is about */
    bool nothing;           /* looks around, or is a comment: demands nothing */
    bool unknown;           /* may as well be a part that demands something */
    size_t from, last_from; /* of the sample: where this begins, where its last part does */
    unsigned alternative;
    size_t chosen; /* where the sample of the chosen alternative ends, + 1; 0: it is not behind us */
};

struct regex {
    struct str rest;
    struct level levels[LIMIT_BROAD_DEPTH];
    size_t depth;
    bool lost;    /* cannot be read */
    char *sample; /* a text that it matches, UNKNOWN where one of several characters stands; or NULL */
    size_t len, size;
    unsigned choice;        /* of alternatives: that number, or the last */
    bool chose;             /* there were so many somewhere */
    struct automaton *made; /* of what it matches; or NULL */
};

#define UNKNOWN '\0'

static void sample_put(struct regex *r, char c)
{
    r->levels[r->depth].last_from = r->len;
    if (r->len < r->size)
        r->sample[r->len] = c;
    r->len += r->sample != NULL; /* beyond its size it is none */
}

static bool next_is(const struct regex *r, char c)
{
    return r->rest.len > 0 && r->rest.at[0] == c;
}

static char take(struct regex *r)
{
    char c = r->rest.at[0];
    r->rest = (struct str) {r->rest.at + 1, r->rest.len - 1};
    return c;
}

static bool take_if(struct regex *r, char c)
{
    bool is = next_is(r, c);
    if (is)
        (void)take(r);
    return is;
}

/* Everything up to and with this character. */
static void take_to(struct regex *r, char c)
{
    while (r->rest.len > 0 && !next_is(r, c))
        (void)take(r);
    r->lost |= !take_if(r, c);
}

static void add(struct regex *r, size_t literals)
{
    struct level *level = &r->levels[r->depth];
    level->last = literals;
    level->sum = level->sum + literals > LITERALS_MAX ? LITERALS_MAX : level->sum + literals;
}

/* `ends`: the level does. Of the sample the chosen alternative is left. */
static void sample_alternative(struct regex *r, bool ends)
{
    struct level *level = &r->levels[r->depth];
    if (level->chosen > 0)
        r->len = level->chosen - 1;
    else if (level->alternative == r->choice) {
        level->chosen = r->len + 1;
        r->chose = true;
    } else if (!ends) {
        r->len = level->from;
    }
    level->alternative++;
    level->last_from = r->len;
}

static void take_alternative(struct level *level)
{
    if (level->sum < level->least)
        level->least = level->sum;
    level->sum = level->last = 0;
}

static bool open_level(struct regex *r, bool nothing)
{
    r->lost |= r->depth + 1 == LIMIT_BROAD_DEPTH;
    if (r->lost)
        return false;
    if (r->made != NULL)
        automaton_open(r->made);
    r->levels[++r->depth] =
        (struct level) {.least = LITERALS_MAX, .nothing = nothing, .from = r->len, .last_from = r->len};
    return true;
}

/* What was matched before, or any one character. */
static void make_unknown(struct regex *r, bool before)
{
    if (r->made == NULL)
        return;
    automaton_put_any(r->made);
    if (before)
        automaton_repeat(r->made, 0, AUTOMATON_ANY_TIMES);
}

static void close_level(struct regex *r)
{
    r->lost |= r->depth == 0;
    if (r->lost)
        return;
    struct level *level = &r->levels[r->depth];
    if (r->made != NULL)
        automaton_close(r->made, level->nothing);
    if (level->unknown)
        make_unknown(r, true);
    sample_alternative(r, true);
    r->len = level->nothing ? level->from : r->len;
    r->depth--;
    r->levels[r->depth].last_from = level->from;
    take_alternative(level);
    add(r, level->nothing ? 0 : level->least);
}

/* Behind "(?": a kind of group, or settings, which close at once. */
static void take_group_kind(struct regex *r)
{
    if (take_if(r, ':') || take_if(r, '>')) {
        (void)open_level(r, false);
        return;
    }
    bool named = take_if(r, 'P');
    if (next_is(r, '<') && r->rest.len > 1 && r->rest.at[1] != '=' && r->rest.at[1] != '!') {
        take_to(r, '>');
        (void)open_level(r, false);
        return;
    }
    if (named || next_is(r, 'x')) { /* other extensions; (?x) gives blanks another meaning */
        r->lost = true;
        return;
    }
    if (next_is(r, 'i') || next_is(r, 's') || next_is(r, 'm')) {
        while (next_is(r, 'i') || next_is(r, 's') || next_is(r, 'm'))
            (void)take(r);
        if (take_if(r, ':'))
            (void)open_level(r, false);
        else
            r->lost |= !take_if(r, ')');
        return;
    }
    /* (?= (?! (?<= (?# and whatever is not known */
    bool known = r->rest.len > 0 && memchr("=!<#", r->rest.at[0], 4) != NULL;
    if (open_level(r, true))
        r->levels[r->depth].unknown = !known;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return str_lower(c) >= 'a' && str_lower(c) <= 'z';
}

/* --- one of several characters --- */

enum { SEVERAL = -1 };

static void bytes_add(struct automaton_set *set, unsigned low, unsigned high)
{
    for (unsigned c = low; c <= high; c++)
        set->at[c / 64] |= UINT64_C(1) << c % 64;
}

/* All but these; of what is beyond ASCII a byte is not all of a character, and capitals are no letters of
 * their own: [^a] is not A. */
static void bytes_invert(struct automaton_set *set)
{
    for (size_t i = 0; i < sizeof set->at / sizeof set->at[0]; i++)
        set->at[i] = ~set->at[i];
    for (unsigned c = 'A'; c <= 'Z'; c++)
        set->at[c / 64] &= ~(UINT64_C(1) << c % 64);
    bytes_add(set, 0x80, 0xff);
    set->at[0] &= ~(UINT64_C(1) << AUTOMATON_BEGIN | UINT64_C(1) << AUTOMATON_END);
}

/* \d, \W. False: not known. */
static bool bytes_add_kind(struct automaton_set *set, char kind)
{
    static const struct {
        char kind;
        const char *ranges;
    } rows[] = {{'d', "09"}, {'s', "\t\r  "}, {'h', "\t\t  "}, {'w', "09AZaz__\x80\xff"}};
    struct automaton_set found = {{0}};
    size_t i = 0;
    while (i < sizeof rows / sizeof *rows && rows[i].kind != str_lower(kind))
        i++;
    const char *range = i == sizeof rows / sizeof *rows ? "" : rows[i].ranges;
    for (const char *at = range; *at != '\0'; at += 2)
        bytes_add(&found, (uint8_t)at[0], (uint8_t)at[1]);
    if (kind != str_lower(kind))
        bytes_invert(&found);
    for (i = 0; i < sizeof set->at / sizeof set->at[0]; i++)
        set->at[i] |= found.at[i];
    return *range != '\0';
}

/* \x41, \x{41}, behind the x: the character, or SEVERAL where it is not told. */
static int take_code(struct regex *r)
{
    bool braces = take_if(r, '{');
    unsigned code = 0;
    size_t count = 0;
    for (; r->rest.len > 0 && count < (braces ? 6 : 2); count++) {
        char c = str_lower(r->rest.at[0]);
        if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
            break;
        code = code * 16 + (unsigned)(is_digit(c) ? c - '0' : c - 'a' + 10);
        (void)take(r);
    }
    if (braces)
        take_to(r, '}');
    return count == 0 || code >= 0x80 ? SEVERAL : (int)code;
}

/* Behind a backslash: a letter that stands for one character. */
static int control(char c)
{
    static const char letters[] = "tnrf", meant[] = "\t\n\r\f";
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    return found == NULL ? SEVERAL : meant[found - letters];
}

/* [ ]: one of these characters. */
struct class
{
    struct automaton_set bytes;
    bool unknown; /* has members that are not told: it may take any character */
};

/* One member, or several at once, which are added. */
static int take_member(struct regex *r, struct class *class)
{
    char c = take(r);
    if (c == '[' && next_is(r, ':')) { /* [[:alpha:]] */
        take_to(r, ']');
        class->unknown = true;
        return SEVERAL;
    }
    if (c != '\\' || r->rest.len == 0)
        return (uint8_t)c;
    c = take(r);
    int one = c == 'x' ? take_code(r) : is_letter(c) || is_digit(c) ? control(c) : (uint8_t)c;
    class->unknown |= one == SEVERAL && !bytes_add_kind(&class->bytes, c);
    return one;
}

/* One member, or from one to another. */
static void take_members(struct regex *r, struct class *class)
{
    int low = take_member(r, class), high = low;
    if (low == SEVERAL)
        return;
    if (next_is(r, '-') && r->rest.len > 1 && r->rest.at[1] != ']') {
        (void)take(r);
        high = take_member(r, class);
    }
    if (high == SEVERAL) /* [a-\d] has a dash */
        bytes_add(&class->bytes, '-', '-');
    bytes_add(&class->bytes, (unsigned)low, (unsigned)(high == SEVERAL ? low : high));
}

static void take_class(struct regex *r)
{
    struct class class = {.unknown = false};
    bool inverted = take_if(r, '^');
    if (next_is(r, ']')) /* the first one is a member */
        take_members(r, &class);
    while (r->rest.len > 0 && !next_is(r, ']'))
        take_members(r, &class);
    r->lost |= !take_if(r, ']');
    if (inverted)
        bytes_invert(&class.bytes);
    if (class.unknown)
        make_unknown(r, false);
    else if (r->made != NULL)
        automaton_put(r->made, &class.bytes);
    sample_put(r, UNKNOWN);
    add(r, 0);
}

/* --- escapes --- */

static void make_kind(struct regex *r, char c)
{
    struct automaton_set set = {{0}};
    int one = is_letter(c) ? control(c) : (uint8_t)c;
    bool known = one != SEVERAL || bytes_add_kind(&set, c);
    if (one != SEVERAL)
        bytes_add(&set, (unsigned)one, (unsigned)one);
    if (!known)
        make_unknown(r, false);
    else if (r->made != NULL)
        automaton_put(r->made, &set);
}

static void make_place(struct regex *r, char c)
{
    if (r->made != NULL && (c == 'A' || c == 'z' || c == 'Z'))
        automaton_put_byte(r->made, c == 'A' ? AUTOMATON_BEGIN : AUTOMATON_END);
}

/* {L}, <name>; or one letter, but not of what was matched before. */
static void take_name(struct regex *r, bool before)
{
    if (next_is(r, '{') || next_is(r, '<'))
        take_to(r, next_is(r, '{') ? '}' : '>');
    else if (before || r->rest.len == 0)
        r->lost = true;
    else
        (void)take(r);
}

static void take_escape(struct regex *r)
{
    r->lost |= r->rest.len == 0;
    if (r->lost)
        return;
    char c = take(r);
    if (c == 'x') {
        int code = take_code(r);
        if (code == SEVERAL)
            make_unknown(r, false);
        else if (r->made != NULL)
            automaton_put_byte(r->made, (uint8_t)code);
        sample_put(r, UNKNOWN); /* nobody writes a host so */
        add(r, 1);
    } else if (strchr("QEcoN", c) != NULL && c != '\0') {
        r->lost = true; /* quoting, \cA, \N{U+41}: nobody writes these, and they change what is behind */
    } else if (c == 'p' || c == 'P' || c == 'k' || c == 'g') {
        take_name(r, c == 'k' || c == 'g');
        make_unknown(r, true);
        sample_put(r, UNKNOWN);
        add(r, 0);
    } else {
        while (is_digit(c) && r->rest.len > 0 && is_digit(r->rest.at[0]))
            (void)take(r);
        bool itself = !is_letter(c) && !is_digit(c), nowhere = c != '\0' && strchr("bBAzZG", c) != NULL;
        if (nowhere)
            make_place(r, c);
        else if (is_digit(c) || c == 'K' || c == 'R' || c == 'X')
            make_unknown(r, true);
        else
            make_kind(r, c);
        if (!nowhere)
            sample_put(r, itself ? c : UNKNOWN);
        /* Of letters and digits only these stand for themselves or one character: the rest are classes,
         * places and what was matched before. */
        add(r, itself || c == 't' || c == 'n' || c == 'r' || c == 'f');
    }
}

/* "{2,}", "{2}": how often at least, and at most. False: no quantifier, and the brace is a character. */
static bool take_count(struct regex *r, size_t *out, size_t *out_most)
{
    size_t i = 1, least = 0, most = 0;
    while (i < r->rest.len && is_digit(r->rest.at[i]) && least < LITERALS_MAX)
        least = least * 10 + (size_t)(r->rest.at[i++] - '0');
    size_t digits = i - 1;
    bool open = digits > 0 && i < r->rest.len && r->rest.at[i] == ',';
    i += open;
    for (size_t from = i; i < r->rest.len && is_digit(r->rest.at[i]); i++)
        most = i - from > 3 ? AUTOMATON_ANY_TIMES : most * 10 + (size_t)(r->rest.at[i] - '0');
    if (digits == 0 || i >= r->rest.len || r->rest.at[i] != '}')
        return false;
    r->rest = (struct str) {r->rest.at + i + 1, r->rest.len - i - 1};
    *out = least;
    *out_most = !open ? least : most < least || most == 0 ? AUTOMATON_ANY_TIMES : most;
    return true;
}

static void repeat(struct regex *r, size_t least, size_t most)
{
    struct level *level = &r->levels[r->depth];
    size_t once = level->last;
    size_t sum = level->sum < once ? 0 : level->sum - once;
    if (r->made != NULL)
        automaton_repeat(r->made, least, most);
    if (least == 0)
        r->len = level->last_from;
    else if (least > 1)
        sample_put(r, UNKNOWN);
    level->sum = sum;
    add(r, once * least > LITERALS_MAX ? LITERALS_MAX : once * least);
    if (!take_if(r, '?')) /* lazy, possessive: no matter */
        (void)take_if(r, '+');
}

/* A dot in an address or a name is one that nobody escaped: it matches a dot too. */
static void take_literal(struct regex *r, char c)
{
    if (c != '^' && c != '$')
        sample_put(r, c);
    if (c == '.')
        make_unknown(r, false);
    else if (r->made != NULL)
        automaton_put_byte(r->made, c == '^' ? AUTOMATON_BEGIN : c == '$' ? AUTOMATON_END : (uint8_t)c);
    add(r, c != '.' && c != '^' && c != '$');
}

static void take_part(struct regex *r)
{
    size_t least, most;
    if (next_is(r, '{') && take_count(r, &least, &most)) {
        repeat(r, least, most);
        return;
    }
    char c = take(r);
    if (c == '\\')
        take_escape(r);
    else if (c == '[')
        take_class(r);
    else if (c == '(' && take_if(r, '?'))
        take_group_kind(r);
    else if (c == '(')
        (void)open_level(r, false);
    else if (c == ')')
        close_level(r);
    else if (c == '|') {
        sample_alternative(r, false);
        take_alternative(&r->levels[r->depth]);
        if (r->made != NULL)
            automaton_alternative(r->made);
    } else if (c == '*' || c == '?')
        repeat(r, 0, c == '*' ? AUTOMATON_ANY_TIMES : 1);
    else if (c == '+')
        repeat(r, 1, AUTOMATON_ANY_TIMES);
    else
        take_literal(r, c);
}

size_t broad_regex_literals(struct str text)
{
    struct regex r = {.rest = text, .levels = {{.least = LITERALS_MAX}}};
    while (r.rest.len > 0 && !r.lost)
        take_part(&r);
    if (r.lost || r.depth > 0)
        return 0;
    take_alternative(&r.levels[0]);
    return r.levels[0].least;
}

bool broad_regex_sample(struct str text, unsigned choice, char *out, size_t size, size_t *out_len)
{
    struct regex r = {
        .rest = text, .levels = {{.least = LITERALS_MAX}}, .sample = out, .size = size, .choice = choice};
    while (r.rest.len > 0 && !r.lost)
        take_part(&r);
    if (r.lost || r.depth > 0)
        return false;
    sample_alternative(&r, true);
    *out_len = r.len;
    return r.len <= size && memchr(out, UNKNOWN, r.len) == NULL && (choice == 0 || r.chose);
}

bool broad_regex_automaton(struct str text, struct automaton *a)
{
    struct regex r = {.rest = text, .levels = {{.least = LITERALS_MAX}}, .made = a};
    automaton_begin(a);
    automaton_put_all(a);
    automaton_open(a);
    while (r.rest.len > 0 && !r.lost)
        take_part(&r);
    bool told = !r.lost && r.depth == 0;
    if (told)
        automaton_close(a, false);
    else
        automaton_begin(a);
    automaton_put_all(a);
    return told;
}

/* --- numbers and times --- */

/* Everything that has such a number at all has one like that: no size is below 0, no port above 65535. Where
 * else a number is large is nobody's to say: behind two bytes it is. */
enum { SMALL = 1, LARGE = 65535 };

static bool orders_anything(const struct stix_pattern *pattern, const struct stix_pattern_node *node)
{
    const struct stix_pattern_constant *constant = &pattern->constants[node->constant];
    enum stix_pattern_op op = (enum stix_pattern_op)node->op;
    if (node->constant_count == 0)
        return false;
    if (constant->kind == STIX_PATTERN_STRING || constant->kind == STIX_PATTERN_TIME)
        return true; /* half of all lies behind any */
    if (constant->kind != STIX_PATTERN_INT && constant->kind != STIX_PATTERN_FLOAT)
        return false;
    double number = stix_pattern_number(constant);
    bool above = (op == STIX_PATTERN_GT || op == STIX_PATTERN_GE) != node->negated;
    bool equal = (op == STIX_PATTERN_GE || op == STIX_PATTERN_LE) != node->negated;
    if (above)
        return equal ? number <= SMALL : number < SMALL;
    return equal ? number >= LARGE : number > LARGE;
}

/* --- patterns --- */

/* All URLs, though it demands what each of them has: `https://%`; all names behind www. */
static bool matches_anything(const struct stix_pattern_node *node, struct str text)
{
    bool url = str_eq(node->type, STR("url")), name = str_eq(node->type, STR("domain-name"));
    struct overlap overlap;
    uint64_t steps = LIMIT_BROAD_STEPS;
    if ((!url && !name) || node->step_count != 1)
        return false;
    overlap_open(&overlap, url ? OVERLAP_URL : OVERLAP_NAME, text, node->op == STIX_PATTERN_LIKE, &steps);
    bool open = overlap_is_open(&overlap);
    overlap_close(&overlap);
    return open;
}

/* LIKE, MATCHES: the constant that demands least; there is one. */
static bool demands_little(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                           struct arena *arena)
{
    for (uint32_t i = 0; i < node->constant_count; i++) {
        const struct stix_pattern_constant *constant = &pattern->constants[node->constant + i];
        if (constant->kind != STIX_PATTERN_STRING)
            continue;
        struct str text = stix_pattern_text(constant->text, constant->escaped, arena);
        size_t literals = text.at == NULL                 ? 0
                          : node->op == STIX_PATTERN_LIKE ? broad_like_literals(text)
                                                          : broad_regex_literals(text);
        if (literals < BROAD_LITERALS_MIN || matches_anything(node, text))
            return true;
    }
    return false;
}

static bool broad_comparison(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                             struct arena *arena)
{
    switch ((enum stix_pattern_op)node->op) {
    case STIX_PATTERN_NE:
        return !node->negated;
    case STIX_PATTERN_EXISTS:
        return true;
    case STIX_PATTERN_LT:
    case STIX_PATTERN_LE:
    case STIX_PATTERN_GT:
    case STIX_PATTERN_GE:
        return orders_anything(pattern, node);
    case STIX_PATTERN_LIKE:
    case STIX_PATTERN_MATCHES:
        return node->negated || demands_little(pattern, node, arena);
    case STIX_PATTERN_EQ:
    case STIX_PATTERN_IN:
    case STIX_PATTERN_ISSUBSET:
    case STIX_PATTERN_ISSUPERSET:
        break;
    }
    return node->negated;
}

/* One child is enough for OR; of everything else all of them. */
static bool broad_parent(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                         const bool *broad)
{
    bool one = node->kind == STIX_PATTERN_OR || node->kind == STIX_PATTERN_EITHER, all = true, any = false;
    for (uint32_t child = node->first; child != STIX_PATTERN_NONE; child = pattern->nodes[child].next) {
        all &= broad[child];
        any |= broad[child];
    }
    return one ? any : all;
}

bool broad_pattern(const struct stix_pattern *pattern, struct arena *arena)
{
    bool *broad = arena_zalloc(arena, pattern->node_count + 1, sizeof *broad);
    if (broad == NULL)
        return true;
    for (uint32_t i = 0; i < pattern->node_count; i++) {
        const struct stix_pattern_node *node = &pattern->nodes[i];
        broad[i] = node->kind == STIX_PATTERN_COMPARISON ? broad_comparison(pattern, node, arena)
                                                         : broad_parent(pattern, node, broad);
    }
    return broad[pattern->root];
}
