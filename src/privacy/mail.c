/* E-mail addresses: found by their at-sign, as it is or defanged, within one word that is read once. */
#include <string.h>

#include "core/limit.h"
#include "privacy/scan.h"
#include "privacy/sign.h"

/* --- letters --- */

static bool is_hangul(const struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    return c >= 0xea && c <= 0xed && scan_size(c) == 3 && at + 3 <= scan->text.len;
}

/* Bytes of a character of a local part at `at`; 0: none. Of RFC 5322's marks those that people use. */
static size_t local_size(const struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    if (scan_is_alnum(c) || (c != 0 && c < 0x80 && strchr("._%+-'~", c) != NULL))
        return 1;
    return is_hangul(scan, at) ? 3 : c >= 0x80 ? scan_alnum(scan, at) : 0;
}

static size_t label_size(const struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    if (scan_is_alnum(c) || c == '-')
        return 1;
    return is_hangul(scan, at) ? 3 : c >= 0x80 ? scan_alnum(scan, at) : 0;
}

/* --- the two parts --- */

/* Where the local part that ends at `end` begins; `end` when it cannot be one. A particle or a word of Hangul
 * that stands before ASCII is of the sentence. */
static size_t local_from(const struct scan *scan, size_t word, size_t end)
{
    size_t from = word;
    for (size_t at = word; at < end;) {
        size_t size = local_size(scan, at);
        if (size == 3 && is_hangul(scan, at) && at + 3 < end && !is_hangul(scan, at + 3))
            from = at + 3;
        at += size;
    }
    while (from < end && strchr(".-'%+~", scan_byte(scan, from)) != NULL)
        from++;
    return end - from > LIMIT_PRIVACY_LOCAL ? end : from;
}

/* Files and units of systemd, which are written with an at-sign too. */
static bool is_file_ending(struct str top)
{
    static const struct str endings[] = {
        {"png", 3},    {"jpg", 3},     {"jpeg", 4},  {"gif", 3},    {"svg", 3},   {"webp", 4},  {"ico", 3},
        {"css", 3},    {"js", 2},      {"ts", 2},    {"mjs", 3},    {"map", 3},   {"dll", 3},   {"exe", 3},
        {"json", 4},   {"service", 7}, {"timer", 5}, {"socket", 6}, {"mount", 5}, {"slice", 5}, {"scope", 5},
        {"target", 6}, {"conf", 4},    {"txt", 3},   {"log", 3},    {"gz", 2},    {"zip", 3},   {"tgz", 3},
    };
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (str_same(top, endings[i]))
            return true;
    return false;
}

static bool is_top(struct str label)
{
    if (label.len < 2 || is_file_ending(label))
        return false;
    if ((uint8_t)label.at[0] >= 0x80)
        return true;
    if (label.len > 4 && str_same((struct str) {label.at, 4}, STR("xn--")))
        return true;
    for (size_t i = 0; i < label.len; i++)
        if (!scan_is_letter((uint8_t)label.at[i]))
            return false;
    return true;
}

/* 네이버닷컴, 네이버닷com: a dot in words that is grown together with Hangul. */
static bool dot_stands(const struct scan *scan, size_t at)
{
    struct str is;
    unsigned dot = 0;
    return sign_top(scan->text, at, &is) > 0 || sign_dot(scan->text, at, &dot) > 0;
}

/* One label: a particle that follows ASCII, or Korea's own top level, ends it. */
static size_t take_label(const struct scan *scan, size_t at, bool first)
{
    static const struct str korea = {"한국", 6};
    size_t end = at, size;
    bool ascii = scan_byte(scan, at) < 0x80;
    struct str rest = {scan->text.at + at, scan->text.len - at};
    if (!first && str_starts(rest, korea))
        return at + korea.len;
    while ((size = label_size(scan, end)) > 0 && (size == 1) == ascii && end - at < LIMIT_PRIVACY_LABEL &&
           !(end > at && !ascii && dot_stands(scan, end)))
        end += size;
    while (end > at && scan_byte(scan, end - 1) == '-')
        end--;
    return end;
}

/* example닷컴, example 닷 컴: where the top levels in words behind a label end; `at`: there are none. Behind
 * a top level a blank parts words: "kim@example.com 닷넷" has none. Only ASCII before it says that no
 * sentence goes on there. */
static size_t top_words_end(const struct scan *scan, size_t at, bool blank, unsigned *is)
{
    struct str top;
    size_t end = at, size;
    bool ascii = scan_is_alnum(scan_byte(scan, at - 1));
    while (end - at < LIMIT_PRIVACY_LABEL && (blank || scan_byte(scan, end) != ' ') &&
           (size = sign_top(scan->text, end, &top)) > 0) {
        end += size;
        *is |= SIGN_DEFANGED | SIGN_TOP_WORD | (ascii ? SIGN_SPOKEN_DOT : 0u);
    }
    return end;
}

/* Where the domain that begins at `at` ends; `at`: it is none. `any`: of hosts and files too. */
static size_t domain_end(const struct scan *scan, size_t at, bool any, unsigned *is)
{
    size_t end = at, good = at;
    for (size_t labels = 0; end - at < LIMIT_PRIVACY_DOMAIN; labels++) {
        size_t label = take_label(scan, end, labels == 0);
        if (label == end)
            break;
        struct str text = {scan->text.at + end, label - end};
        bool blank = labels == 0 || (*is & SIGN_SPOKEN_DOT) != 0;
        if (any || (labels > 0 && is_top(text)))
            good = label;
        else if (labels > 0)
            good = at; /* of more labels the last one counts */
        size_t words = top_words_end(scan, label, blank, is);
        good = words > label ? words : good;
        unsigned dot = *is;
        size_t size = sign_dot(scan->text, words, &dot);
        if (size == 0 || label_size(scan, words + size) == 0)
            break;
        *is = dot;
        end = words + size;
    }
    return good;
}

/* user:password@host in an address of the web. */
static bool is_in_url(const struct scan *scan, size_t from)
{
    size_t at = from;
    while (at > 0 && from - at < LIMIT_PRIVACY_BEFORE && scan_byte(scan, at - 1) != '/' &&
           scan_byte(scan, at - 1) > ' ')
        at--;
    return at >= 3 && memcmp(scan->text.at + at - 3, "://", 3) == 0;
}

/* "look at the dot com years": where the sign is a word, an article behind it begins no domain. */
static bool is_article(const struct scan *scan, size_t at)
{
    static const struct str articles[] = {
        {"the ", 4},  {"a ", 2},    {"an ", 3},  {"this ", 5}, {"that ", 5}, {"every ", 6},
        {"each ", 5}, {"your ", 5}, {"our ", 4}, {"its ", 4},  {"one ", 4},
    };
    for (size_t i = 0; i < sizeof articles / sizeof articles[0]; i++)
        if (articles[i].len <= scan->text.len - at &&
            str_same((struct str) {scan->text.at + at, articles[i].len}, articles[i]))
            return true;
    return false;
}

static bool is_all(const struct scan *scan, size_t from, size_t end)
{
    return str_trim(scan->text).len == end - from;
}

/* Does the domain that ends at `end` have a top level that exists, or one in words? */
static bool ends_as_known(const struct scan *scan, size_t end, unsigned is)
{
    static const struct str korea = {"한국", 6};
    size_t from = end;
    while (from > 0 && scan_is_alnum(scan_byte(scan, from - 1)))
        from--;
    return (is & SIGN_TOP_WORD) != 0 || str_ends((struct str) {scan->text.at, end}, korea) ||
           sign_is_known_top((struct str) {scan->text.at + from, end - from});
}

static bool has_letter(const struct scan *scan, size_t from, size_t end)
{
    while (from < end && !scan_is_letter(scan_byte(scan, from)))
        from++;
    return from < end;
}

/* 골뱅이 is also a snail, and what is eaten has a shop, which has a domain: "IPA 골뱅이 beer.com", "3골뱅이
 * food.com". Nobody says the dot of that one in words. */
static bool may_be_dish(const struct scan *scan, size_t from, size_t end, unsigned is)
{
    bool alone = (is & SIGN_NEEDS_TOP) != 0 && !has_letter(scan, from, end);
    return ((is & SIGN_SNAIL) != 0 || alone) && (is & (SIGN_SPOKEN_DOT | SIGN_DOT_WORD)) == 0;
}

/* The local part is [from, end): what stands behind it makes it an address, or not. */
static void take_rest(struct scan *scan, size_t from, size_t end)
{
    unsigned is = 0;
    size_t size = sign_at(scan->text, end, &is);
    if (size == 0)
        return;
    size_t stop = domain_end(scan, end + size, false, &is);
    scan->hits->steps += stop - end;
    /* " @ " stands in sentences; with a whole domain behind it is an address. " at " needs a dot in words. */
    if (from == end || stop == end + size || is_in_url(scan, from) ||
        ((is & SIGN_AT_WORD) != 0 && ((is & SIGN_DOT_WORD) == 0 || is_article(scan, end + size))))
        return;
    if ((is & SIGN_NEEDS_TOP) != 0 && !ends_as_known(scan, stop, is))
        return;
    if (may_be_dish(scan, from, end, is) && !is_all(scan, from, stop) && !word_of_mail(scan, from, stop))
        return;
    scan->mail.from = from;
    scan->mail.end = stop;
    scan->mail.defanged = is != 0;
}

/* No local part is longer; before it a word of the sentence may be grown together with it. */
enum { WORD_MAX = 4 * LIMIT_PRIVACY_LOCAL };

/* Where to begin to look for a local part that ends at `end`, in a word that begins at `word`. */
static size_t word_near(const struct scan *scan, size_t word, size_t end)
{
    size_t from = end - word > WORD_MAX ? end - WORD_MAX : word;
    while (from < end && (scan_byte(scan, from) & 0xc0) == 0x80)
        from++;
    return from;
}

/* kim골뱅이example.com: a sign that is made of letters of words. */
static bool take_word_sign(struct scan *scan, size_t at, size_t end)
{
    static const struct str sign = {"골뱅이", 9};
    if (end == at || !str_starts((struct str) {scan->text.at + end, scan->text.len - end}, sign))
        return false;
    size_t word = word_near(scan, at, end);
    scan->hits->steps += end - word;
    take_rest(scan, local_from(scan, word, end), end);
    return scan->mail.end > scan->mail.from;
}

void mail_look(struct scan *scan, size_t at)
{
    size_t end = at, size;
    struct mail *mail = &scan->mail;
    mail->from = mail->end = 0;
    while ((size = local_size(scan, end)) > 0 && !take_word_sign(scan, at, end))
        end += size;
    scan->hits->steps += end - at;
    mail->seen = end > at ? end : at + 1;
    if (end > at && size == 0)
        take_rest(scan, local_from(scan, at, end), end);
}

void mail_look_quoted(struct scan *scan, size_t at)
{
    size_t end = at + 1;
    while (end < scan->text.len && end - at < LIMIT_PRIVACY_LOCAL && scan_byte(scan, end) != '"' &&
           scan_byte(scan, end) >= ' ')
        end++;
    scan->hits->steps += end - at;
    if (scan_byte(scan, end) == '"' && end - at > 1)
        take_rest(scan, at, end + 1);
}

/* --- around an at-sign --- */

/* Where the characters of a local part that end at `end` begin. */
static size_t word_from(const struct scan *scan, size_t end)
{
    size_t from = end;
    while (from > 0 && end - from < WORD_MAX) {
        size_t at = from - 1;
        while (at > 0 && from - at < 4 && (scan_byte(scan, at) & 0xc0) == 0x80)
            at--;
        if (local_size(scan, at) != from - at)
            break;
        from = at;
    }
    return from;
}

/* The same where a quote ends it. */
static size_t quote_from(const struct scan *scan, size_t end)
{
    for (size_t at = end - 1; at > 0 && end - at < LIMIT_PRIVACY_LOCAL && scan_byte(scan, at - 1) >= ' ';
         at--)
        if (scan_byte(scan, at - 1) == '"')
            return at - 1;
    return end;
}

bool mail_around(struct str text, size_t sign, size_t size, size_t *out_from, size_t *out_end)
{
    struct scan scan = {.text = text};
    unsigned is = 0;
    bool quoted = sign > 0 && text.at[sign - 1] == '"';
    size_t from = quoted ? quote_from(&scan, sign) : local_from(&scan, word_from(&scan, sign), sign);
    size_t end = domain_end(&scan, sign + size, true, &is);
    if (from == sign || end == sign + size)
        return false;
    *out_from = from;
    *out_end = end;
    return true;
}

size_t mail_needless_quote(struct str text)
{
    struct scan scan = {.text = text};
    struct str sign;
    size_t at = 1, size;
    if (text.len == 0 || text.at[0] != '"')
        return 0;
    while ((size = local_size(&scan, at)) > 0)
        at += size;
    bool quoted = at > 1 && scan_byte(&scan, at) == '"' && mail_sign(text, at + 1, &sign) > 0;
    return quoted && sign.at[0] == '@' ? at : 0;
}

/* --- whose it is --- */

bool mail_is_shared(struct str address)
{
    static const struct str offices[] = {
        {"abuse", 5},       {"admin", 5},         {"administrator", 13},
        {"billing", 7},     {"cert", 4},          {"contact", 7},
        {"csirt", 5},       {"do-not-reply", 12}, {"donotreply", 10},
        {"git", 3},         {"help", 4},          {"helpdesk", 8},
        {"hostmaster", 10}, {"info", 4},          {"mailer-daemon", 13},
        {"marketing", 9},   {"newsletter", 10},   {"no-reply", 8},
        {"noc", 3},         {"noreply", 7},       {"notifications", 13},
        {"office", 6},      {"postmaster", 10},   {"press", 5},
        {"privacy", 7},     {"report", 6},        {"root", 4},
        {"sales", 5},       {"security", 8},      {"service", 7},
        {"soc", 3},         {"support", 7},       {"webmaster", 9},
        {"www-data", 8},    {"psirt", 5},         {"hg", 2},
        {"alerts", 6},      {"incident", 8},      {"mailer", 6},
        {"nobody", 6},
    };
    struct str local = str_cut(&address, '@');
    for (size_t i = 0; i < sizeof offices / sizeof offices[0]; i++)
        if (str_same(local, offices[i]) ||
            (local.len > offices[i].len && str_same((struct str) {local.at, offices[i].len}, offices[i]) &&
             memchr("[({<+ ", local.at[offices[i].len], 6) != NULL))
            return true;
    return false;
}
