#include "gate/foreign.h"

#include "gate/broad.h"
#include "gate/reach.h"
#include "gate/spelling.h"
#include "search/term.h"

struct reading {
    struct arena *arena;
    bool (*each)(void *ctx, struct str value, bool open);
    void *ctx;
};

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (str_lower(c) >= 'a' && str_lower(c) <= 'z') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool word_is(struct str text, struct str word)
{
    size_t i = 0;
    while (i < text.len && i < word.len && str_lower(text.at[i]) == word.at[i])
        i++;
    return i == text.len && i == word.len;
}

/* A value that lists know by itself, and not by chance: a word is none. */
static bool stands_alone(struct str text)
{
    struct reach reach;
    char name[TERM_BYTES_MAX];
    size_t len;
    reach_read(text, false, &reach);
    return reach.span_count > 0 || reach.url || term_is_hash(text) || term_domain(reach.whole, name, &len);
}

static bool offer(const struct reading *r, struct str text)
{
    struct str plain;
    text = str_trim(text);
    if (text.len == 0 || text.len > SPELLING_BYTES_MAX)
        return false;
    bool begins = text.at[text.len - 1] == '.' || text.at[text.len - 1] == ':';
    if (begins && spelling_open_address(text, r->arena, &plain))
        return r->each(r->ctx, plain, false);
    bool alone = stands_alone(text) || (spelling_plain(text, r->arena, &plain) && stands_alone(plain)) ||
                 spelling_hash(text, r->arena, &plain);
    return alone && r->each(r->ctx, text, false);
}

static bool open_rule(const struct reading *r, struct str text)
{
    return r->each(r->ctx, text, true);
}

/* Moves *at behind the text between quotes that begins there; *out: what stands between them, escapes as they
 * are. */
static struct str take_quoted(struct str text, size_t *at)
{
    char quote = text.at[*at];
    size_t from = ++*at;
    while (*at < text.len && text.at[*at] != quote)
        *at += text.at[*at] == '\\' && *at + 1 < text.len ? 2 : 1;
    size_t end = *at > text.len ? text.len : *at;
    *at = end < text.len ? end + 1 : end;
    return (struct str) {text.at + from, end - from};
}

/* --- YARA: what stands behind `strings:` and `condition:`; what behind `meta:` is about the rule --- */

enum yara_part { YARA_ELSEWHERE, YARA_META, YARA_STRINGS, YARA_CONDITION };

static enum yara_part yara_part(struct str word, enum yara_part now)
{
    static const struct {
        struct str word;
        enum yara_part part;
    } rows[] = {{{"meta", 4}, YARA_META}, {{"strings", 7}, YARA_STRINGS}, {{"condition", 9}, YARA_CONDITION}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (word_is(word, rows[i].word))
            return rows[i].part;
    return now;
}

/* Behind a comment that begins here; 0: none does. */
static size_t comment_end(struct str text, size_t at)
{
    bool line = at + 1 < text.len && text.at[at] == '/' && text.at[at + 1] == '/';
    bool block = at + 1 < text.len && text.at[at] == '/' && text.at[at + 1] == '*';
    size_t end = at + 2;
    while (line && end < text.len && text.at[end] != '\n')
        end++;
    while (block && end < text.len && !(text.at[end] == '/' && end > at + 2 && text.at[end - 1] == '*'))
        end++;
    return line || block ? (end < text.len ? end + 1 : text.len) : 0;
}

/* Without blanks and parentheses around. */
static struct str bare(struct str text)
{
    while (text.len > 0 && (is_blank(text.at[0]) || text.at[0] == '('))
        text = (struct str) {text.at + 1, text.len - 1};
    while (text.len > 0 && (is_blank(text.at[text.len - 1]) || text.at[text.len - 1] == ')'))
        text.len--;
    return text;
}

static bool holds_always(struct str condition)
{
    static const struct str always[] = {{"true", 4},           {"not false", 9},   {"filesize > 0", 12},
                                        {"filesize >= 0", 13}, {"filesize>0", 10}, {"1 == 1", 6},
                                        {"filesize>=0", 11},   {"1==1", 4}};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (word_is(bare(condition), always[i]))
            return true;
    return false;
}

static bool each_of_yara(const struct reading *r, struct str text)
{
    enum yara_part part = YARA_ELSEWHERE;
    size_t condition = 0; /* where it begins */
    for (size_t at = 0; at < text.len;) {
        size_t past = comment_end(text, at), end = at;
        if (past > 0) {
            at = past;
            continue;
        }
        if (text.at[at] == '"') {
            struct str literal = take_quoted(text, &at);
            if ((part == YARA_STRINGS || part == YARA_CONDITION) && offer(r, literal))
                return true;
            continue;
        }
        while (end < text.len && is_word(text.at[end]))
            end++;
        struct str word = {text.at + at, end - at};
        at = end == at ? at + 1 : end;
        if (word.len == 0 && text.at[at - 1] == '}' && part == YARA_CONDITION) {
            if (holds_always((struct str) {text.at + condition, at - 1 - condition}))
                return open_rule(r, text);
            part = YARA_ELSEWHERE;
        }
        if (word.len == 0 || at == text.len || text.at[at] != ':')
            continue;
        part = yara_part(word, part);
        condition = at + 1;
    }
    return false;
}

/* --- Snort, Suricata: ACTION PROTOCOL ADDRESS PORT -> ADDRESS PORT (OPTIONS) --- */

enum { HEADER_WORDS = 7 };

static bool is_any(struct str word)
{
    return word_is(word, STR("any")) || (word.len > 0 && word.at[0] == '$');
}

/* [1.2.3.4,10.0.0.0/8]; what is negated is not compared with. */
static bool each_address(const struct reading *r, struct str word)
{
    if (word.len > 0 && word.at[0] == '!')
        return false;
    while (word.len > 0) {
        struct str one = bare(str_cut(&word, ','));
        while (one.len > 0 && one.at[0] == '[')
            one = (struct str) {one.at + 1, one.len - 1};
        while (one.len > 0 && one.at[one.len - 1] == ']')
            one.len--;
        if (one.len > 0 && one.at[0] != '!' && offer(r, one))
            return true;
    }
    return false;
}

/* What says something about the rule, or where and how often, and not what is in a packet. */
static bool asks_nothing(struct str option)
{
    static const char *const names[] = {
        "msg",    "sid",      "rev",      "gid",       "classtype", "reference",       "flow",
        "target", "priority", "metadata", "threshold", "tag",       "detection_filter"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (word_is(option, str_of(names[i])))
            return true;
    return false;
}

struct snort {
    bool asks;   /* for something in a packet */
    bool closed; /* the rule ended */
};

/* One option, to its semicolon. */
static bool take_option(const struct reading *r, struct str text, size_t *at, struct snort *out)
{
    size_t from = *at;
    while (*at < text.len && is_blank(text.at[*at]))
        from = ++*at;
    while (*at < text.len && (is_word(text.at[*at]) || text.at[*at] == '.' || text.at[*at] == '-'))
        ++*at;
    struct str name = {text.at + from, *at - from};
    bool about = asks_nothing(name), negated = false;
    out->asks |= name.len > 0 && !about;
    while (*at < text.len && text.at[*at] != ';') {
        if (text.at[*at] == ')' && name.len == 0) {
            out->closed = true;
            break;
        }
        negated |= text.at[*at] == '!';
        if (text.at[*at] != '"') {
            ++*at;
            continue;
        }
        struct str literal = take_quoted(text, at);
        if (!about && !negated && offer(r, literal))
            return true;
    }
    *at += *at < text.len;
    return false;
}

static bool each_of_snort_rule(const struct reading *r, struct str text)
{
    struct str words[HEADER_WORDS] = {{NULL, 0}};
    size_t at = 0;
    unsigned count = 0;
    while (count < HEADER_WORDS && at < text.len) {
        size_t depth = 0, from = at;
        for (; at < text.len && (depth > 0 || !is_blank(text.at[at])); at++)
            depth += text.at[at] == '[' ? 1 : text.at[at] == ']' && depth > 0 ? (size_t)-1 : 0;
        if (at > from)
            words[count++] = (struct str) {text.at + from, at - from};
        while (at < text.len && is_blank(text.at[at]))
            at++;
    }
    if (count < HEADER_WORDS)
        return false;
    if (each_address(r, words[2]) || each_address(r, words[5]))
        return true;
    struct snort snort = {0};
    at += at < text.len && text.at[at] == '(';
    while (at < text.len && !snort.closed)
        if (take_option(r, text, &at, &snort))
            return true;
    return !snort.asks && is_any(words[2]) && is_any(words[3]) && is_any(words[5]) && is_any(words[6]) &&
           open_rule(r, text);
}

static bool each_of_snort(const struct reading *r, struct str text)
{
    bool hit = false;
    while (text.len > 0 && !hit) {
        struct str line = str_trim(str_cut(&text, '\n'));
        hit = line.len > 0 && line.at[0] != '#' && each_of_snort_rule(r, line);
    }
    return hit;
}

/* --- Sigma: the values below `detection:` --- */

static bool offer_sigma(const struct reading *r, struct str text)
{
    while (text.len > 0) {
        struct str one = str_trim(str_cut(&text, ','));
        while (one.len > 0 && memchr("['\"*.", one.at[0], 5) != NULL)
            one = (struct str) {one.at + 1, one.len - 1};
        while (one.len > 0 && memchr("]'\"*", one.at[one.len - 1], 4) != NULL)
            one.len--;
        if (offer(r, one))
            return true;
    }
    return false;
}

static bool each_of_sigma(const struct reading *r, struct str text)
{
    bool detection = false;
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n'), trimmed = str_trim(line);
        if (trimmed.len == 0 || trimmed.at[0] == '#')
            continue;
        if (!is_blank(line.at[0]) && trimmed.at[0] != '-')
            detection = str_starts(trimmed, STR("detection:"));
        if (!detection)
            continue;
        if (str_starts(trimmed, STR("- ")))
            trimmed = str_trim((struct str) {trimmed.at + 2, trimmed.len - 2});
        struct str value = trimmed;
        for (size_t i = 0; i + 1 < trimmed.len; i++) /* key: value */
            if (trimmed.at[i] == ':' && is_blank(trimmed.at[i + 1])) {
                value = (struct str) {trimmed.at + i + 1, trimmed.len - i - 1};
                break;
            }
        if (offer_sigma(r, value))
            return true;
    }
    return false;
}

/* --- PCRE: the expression itself --- */

static bool each_of_pcre(const struct reading *r, struct str text)
{
    char sample[SPELLING_BYTES_MAX];
    size_t len;
    if (broad_regex_literals(text) < BROAD_LITERALS_MIN && open_rule(r, text))
        return true;
    for (unsigned choice = 0; choice < BROAD_CHOICES_MAX; choice++)
        if (broad_regex_sample(text, choice, sample, sizeof sample, &len)) {
            struct str copy = arena_str(r->arena, (struct str) {sample, len});
            if (copy.at != NULL && offer(r, copy))
                return true;
        }
    return false;
}

/* --- all of them --- */

static const struct language {
    const char *name;
    bool (*each)(const struct reading *r, struct str text);
} languages[] = {
    {"yara", each_of_yara},   {"snort", each_of_snort}, {"suricata", each_of_snort},
    {"sigma", each_of_sigma}, {"pcre", each_of_pcre},
};

static const struct language *language_of(struct str name)
{
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (word_is(name, str_of(languages[i].name)))
            return &languages[i];
    return NULL;
}

bool foreign_known(struct str pattern_type)
{
    return language_of(pattern_type) != NULL;
}

bool foreign_each(struct str pattern_type, struct str text, struct arena *arena,
                  bool (*each)(void *ctx, struct str value, bool open), void *ctx)
{
    const struct language *language = language_of(pattern_type);
    struct reading r = {arena, each, ctx};
    return language != NULL && language->each(&r, text);
}
