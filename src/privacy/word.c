/* Words around a number, and what they add to its score. */
#include <string.h>

#include "core/limit.h"
#include "privacy/scan.h"

#define KIND(kind)   PRIVACY_FACT(PRIVACY_##kind)
#define REGISTRATION (KIND(KR_RRN) | KIND(KR_FRN))
#define PHONES       (KIND(KR_PHONE) | KIND(US_PHONE) | KIND(PHONE))
#define WORD(t, k)   {{t, sizeof t - 1}, k, SAYS_KIND},
#define COUNTER(t)   {{t, sizeof t - 1}, 0, SAYS_NOTHING},
#define OTHER(t)     {{t, sizeof t - 1}, 0, SAYS_OTHER},
#define PUBLIC(t)    {{t, sizeof t - 1}, 0, SAYS_PUBLIC},

static const struct word {
    struct str text;
    uint32_t kinds; /* 0: a counter */
    enum { SAYS_KIND, SAYS_NOTHING, SAYS_OTHER, SAYS_PUBLIC } says;
} words[] = {
#include "privacy/word.inc"
};

#undef WORD
#undef COUNTER

#define FORM(t) {{t, sizeof t - 1}, true},
#define HEAD(t) {{t, sizeof t - 1}, false},
static const struct {
    struct str text;
    bool anywhere;
} organisations[] = {
#include "privacy/organisation.inc"
};
#undef FORM
#undef HEAD

/* Headers of mail whose value looks like an address and names a message. */
static const struct str message_ids[] = {
    {"message-id", 10}, {"references", 10},        {"in-reply-to", 11},
    {"content-id", 10}, {"resent-message-id", 17},
};

/* Kinds whose form other numbers have by chance; telephones and cards of Korea are known by their beginnings.
 */
#define CHANCE (REGISTRATION | KIND(US_SSN) | KIND(US_PHONE))

/* --- finding words --- */

static bool is_low(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

/* A space of the word may be the underscore of a member's name. */
static bool starts_same(struct str text, size_t at, struct str word)
{
    if (word.len > text.len - at)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = str_lower(text.at[at + i]);
        if (c != word.at[i] && !(c == '_' && word.at[i] == ' '))
            return false;
    }
    return true;
}

static uint8_t byte_of(struct str text, size_t at)
{
    return at < text.len ? (uint8_t)text.at[at] : 0;
}

/* "ssn" stands in user_ssn, SSNs and userSsn, not in "lessness". */
static bool may_begin(struct str text, size_t at)
{
    uint8_t first = byte_of(text, at), before = at == 0 ? 0 : byte_of(text, at - 1);
    if (first >= 0x80)
        return first >= 0xc0;
    return scan_is_letter(first) && !(scan_is_letter(before) && !(is_low(before) && !is_low(first)));
}

/* `end`: behind the word, or behind its plural. */
static bool ends_at(struct str text, uint8_t last, size_t end)
{
    uint8_t behind = byte_of(text, end);
    return !is_low(behind) && !(scan_is_letter(behind) && !is_low(last));
}

static bool may_end(struct str text, size_t end)
{
    uint8_t last = byte_of(text, end - 1);
    return last >= 0x80 || ends_at(text, last, byte_of(text, end) == 's' ? end + 1 : end);
}

static void take_word(struct scan_words *found, const struct word *word, size_t at)
{
    size_t end = at + word->text.len;
    if (word->says >= SAYS_OTHER && end > found->other.end) {
        found->other = (struct scan_other) {.from = at, .end = end, .sure = word->says == SAYS_PUBLIC};
        memcpy(found->other.before, found->end, sizeof found->other.before);
    }
    for (size_t kind = 0; kind < PRIVACY_KINDS; kind++)
        if ((word->kinds >> kind & 1) != 0)
            found->end[kind] = end;
    if (word->kinds == 0)
        found->end[PRIVACY_KINDS] = end;
}

static bool is_mark(uint8_t c)
{
    return c < 0x80 && !scan_is_alnum(c);
}

/* Does what `end` ends belong to what comes behind the text? Marks, particles and "no." may stand between; a
 * comma parts. */
static bool is_joined(struct str text, size_t end)
{
    static const struct str joints[] = {{"은", 3},     {"는", 3}, {"이", 3},   {"가", 3},     {"을", 3},
                                        {"를", 3},     {"의", 3}, {"번호", 6}, {"제", 3},     {"is", 2},
                                        {"no", 2},     {"id", 2}, {"code", 4}, {"number", 6}, {"#", 1},
                                        {"issued", 6}, {"was", 3}};
    for (size_t at = end, size; at < text.len; at += size) {
        size = is_mark(byte_of(text, at)) && text.at[at] != ',' && text.at[at] != ';';
        for (size_t i = 0; size == 0 && i < sizeof joints / sizeof *joints; i++)
            size = starts_same(text, at, joints[i]) ? joints[i].len : 0;
        if (size == 0)
            return false;
    }
    return true;
}

/* "resident or corporate number": one of two, of which the first ends at `end`. */
static bool is_one_of_two(struct str text, size_t end, size_t from)
{
    static const struct str links[] = {{"", 0}, {"또는", 6}, {"및", 3}, {"or", 2}, {"and", 3}};
    if (end == 0 || end > from)
        return false;
    while (end < from && is_mark(byte_of(text, end)))
        end++;
    while (end < from && is_mark(byte_of(text, from - 1)))
        from--;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (str_same((struct str) {text.at + end, from - end}, links[i]))
            return true;
    return false;
}

static void find_words(struct str text, struct scan_words *found, uint64_t *steps)
{
    *found = (struct scan_words) {.size = text.len};
    for (size_t at = 0; at < text.len; at++) {
        if (!may_begin(text, at))
            continue;
        char first = str_lower(text.at[at]);
        *steps += 1;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            const struct word *word = &words[i];
            if (word->text.at[0] == first && starts_same(text, at, word->text) &&
                may_end(text, at + word->text.len))
                take_word(found, word, at);
        }
    }
    if (!is_joined(text, found->other.end))
        found->other.end = 0;
}

/* --- organisations --- */

/* Where what the name is ends, and where it belongs may begin: "Kim Minsu, Example Bank". */
static size_t head_len(struct str name)
{
    static const struct str parts[] = {{",", 1}, {"(", 1}, {"/", 1}, {" at ", 4}, {" of ", 4}};
    for (size_t at = 1; at < name.len; at++)
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            if (starts_same(name, at, parts[i]))
                return at;
    return name.len;
}

/* A name has no particles: in Hangul the word ends there too. */
static bool is_whole(struct str name, size_t at, struct str word)
{
    size_t end = at + word.len;
    uint8_t last = byte_of(name, end - 1);
    if (!scan_is_letter((uint8_t)word.at[0]))
        return (uint8_t)word.at[0] < 0x80 || byte_of(name, end) < 0x80 || word.len <= strlen("㈜");
    return may_begin(name, at) && ends_at(name, last, end) && byte_of(name, end) < 0x80;
}

bool scan_says_organisation(struct str name)
{
    size_t head = head_len(name);
    for (size_t at = 0; at < name.len; at++)
        for (size_t i = 0; i < sizeof organisations / sizeof organisations[0]; i++)
            if ((at < head || organisations[i].anywhere) && starts_same(name, at, organisations[i].text) &&
                is_whole(name, at, organisations[i].text))
                return true;
    return false;
}

/* --- windows --- */

static struct str before(const struct scan *scan, size_t at)
{
    size_t from = at > LIMIT_PRIVACY_BEFORE ? at - LIMIT_PRIVACY_BEFORE : 0;
    return (struct str) {scan->text.at + from, at - from};
}

/* Up to the next digit, which may have a word of its own, and never behind a colon: that word is for what
 * comes. */
static struct str after(const struct scan *scan, size_t at)
{
    size_t end = at;
    while (end < scan->text.len && end - at < LIMIT_PRIVACY_AFTER && !scan_is_digit(scan_byte(scan, end)) &&
           scan_byte(scan, end) != '\n')
        end++;
    struct str text = {scan->text.at + at, end - at};
    return memchr(text.at, ':', text.len) == NULL ? text : STR("");
}

enum {
    BEFORE_BARE = 42,
    BEFORE_FORMED = 26,
    AFTER_BARE = 36,
    AFTER_FORMED = 24,
    AGAINST_BARE = 38,
    AGAINST_FORMED = 14,
    AGAINST_OTHER = 44,
    AGAINST_SURE = 150
};

/* What stands directly before it is the name of another number. A right checksum says more, but for what is
 * public. */
static bool is_other(const struct scan *scan, const struct find *find, struct str text,
                     const struct scan_words *found)
{
    const struct scan_other *other = &found->other;
    bool telling = find->bare || (find->reasons & PRIVACY_CHECKSUM) != 0 ||
                   memchr(scan->text.at + find->from, '+', find->end - find->from) != NULL;
    return other->end > 0 && (CHANCE >> find->kind & 1) != 0 && found->end[find->kind] <= other->end &&
           (other->sure || !telling) && !is_one_of_two(text, other->before[find->kind], other->from);
}

static void weigh(const struct scan *scan, struct find *find, struct str text, const struct scan_words *found,
                  uint16_t reason)
{
    size_t word = found->end[find->kind], counter = found->end[PRIVACY_KINDS];
    if (is_other(scan, find, text, found)) {
        find->reasons |= PRIVACY_COUNTER;
        find->score -= found->other.sure ? AGAINST_SURE : AGAINST_OTHER;
        return;
    }
    /* "build" and "order" are also ordinary words: farther away they say nothing. */
    if (found->size - counter > LIMIT_PRIVACY_AGAINST)
        counter = 0;
    if (word > 0 && word >= counter) {
        find->reasons |= reason;
        find->score += find->bare ? BEFORE_BARE : BEFORE_FORMED;
    } else if (counter > 0) {
        find->reasons |= PRIVACY_COUNTER;
        find->score -= find->bare ? AGAINST_BARE : AGAINST_FORMED;
    }
}

/* Several readings of one number begin or end at the same place: its words are looked for once. */
static void look_around(struct scan *scan, const struct find *find)
{
    struct around *around = &scan->around;
    if (!around->known) {
        find_words(scan->label, &around->label, &scan->hits->steps);
        around->known = true;
        around->from = around->end = SIZE_MAX;
    }
    if (around->from != find->from)
        find_words(before(scan, find->from), &around->before, &scan->hits->steps);
    if (around->end != find->end)
        find_words(after(scan, find->end), &around->after, &scan->hits->steps);
    around->from = find->from;
    around->end = find->end;
}

/* A member's name says of its whole value what that is, and of a number in a text nothing against it. */
static void weigh_label(const struct scan *scan, struct find *find)
{
    struct scan_words label = scan->around.label;
    if (find->from > 0 || find->end < scan->text.len)
        label.other.end = 0;
    weigh(scan, find, scan->label, &label, PRIVACY_LABEL);
}

void word_weigh(struct scan *scan, struct find *find)
{
    const struct around *around = &scan->around;
    look_around(scan, find);
    weigh(scan, find, before(scan, find->from), &around->before, PRIVACY_BEFORE);
    if ((find->reasons & (PRIVACY_BEFORE | PRIVACY_COUNTER)) == 0)
        weigh_label(scan, find);
    bool named = (find->reasons & (PRIVACY_BEFORE | PRIVACY_LABEL)) != 0;
    if (!named && around->after.end[find->kind] > 0) {
        find->reasons |= PRIVACY_AFTER;
        find->score += find->bare ? AFTER_BARE : AFTER_FORMED;
    }
    /* A time has no such word beside it: what is left of the doubt is small. */
    if (named && (find->reasons & PRIVACY_CLOCK) != 0)
        find->score += 15;
}

bool word_is_known(struct str text)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].kinds != 0 && str_same(text, words[i].text))
            return true;
    return false;
}

static bool has_mail(struct scan *scan, struct str text)
{
    static const struct str mails[] = {{"mail", 4}, {"contact", 7}, {"메일", 6},   {"연락", 6},   {"주소", 6},
                                       {"계정", 6}, {"문의", 6},    {"아이디", 9}, {"수신", 6},   {"발신", 6},
                                       {"보낸", 6}, {"받는", 6},    {"회신", 6},   {"address", 7}};
    scan->hits->steps += text.len;
    for (size_t at = 0; at < text.len; at++)
        for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
            if (starts_same(text, at, mails[i]))
                return true;
    return false;
}

bool word_of_mail(struct scan *scan, size_t from, size_t end)
{
    struct str label = scan->label;
    label.len = label.len > LIMIT_PRIVACY_BEFORE ? LIMIT_PRIVACY_BEFORE : label.len;
    return has_mail(scan, before(scan, from)) || has_mail(scan, after(scan, end)) || has_mail(scan, label);
}

bool word_message_id(const struct scan *scan, size_t at)
{
    struct str text = before(scan, at);
    for (size_t i = 0; i < sizeof message_ids / sizeof message_ids[0]; i++)
        for (size_t j = 0; j + message_ids[i].len <= text.len; j++)
            if (starts_same(text, j, message_ids[i]) && memchr(text.at + j, '\n', text.len - j) == NULL)
                return true;
    return false;
}

bool word_region_before(const struct scan *scan, size_t at)
{
    static const struct str regions[] = {
        {"서울", 6}, {"부산", 6}, {"대구", 6}, {"인천", 6}, {"광주", 6}, {"대전", 6}, {"울산", 6},
        {"세종", 6}, {"경기", 6}, {"강원", 6}, {"충북", 6}, {"충남", 6}, {"전북", 6}, {"전남", 6},
        {"경북", 6}, {"경남", 6}, {"제주", 6}, {"남부", 6}, {"북부", 6},
    };
    struct str text = {scan->text.at, at};
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '-'))
        text.len--;
    if (at - text.len > 2)
        return false;
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        if (str_ends(text, regions[i]))
            return true;
    return false;
}
