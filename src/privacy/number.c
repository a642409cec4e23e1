/* Groups of digits: reading a run of them once, and trying every form of form.inc on how it begins. */
#include "privacy/number.h"

enum { DASH, DOT, SPACE, CLOSE, BARE, ODD, COMMA, NO_WAY, WAYS };

static const struct form {
    enum privacy_kind kind;
    const char *groups;
    uint8_t scores[WAYS];
    number_check *check;
} forms[] = {
#define FORM(kind, groups, dash, dot, space, close, bare, odd, comma, check)                                 \
    {PRIVACY_##kind, groups, {dash, dot, space, close, bare, odd, comma}, check},
#include "privacy/form.inc"
#undef FORM
};

/* --- reading --- */

/* -1: none. */
static int digit_of(const struct scan *scan, const struct run *run, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    return scan_is_digit(c) || run->loose ? scan_digit_like(c) : -1;
}

/* Where an extension of two to six digits (x123) that begins at `at` ends; `at`: there is none. */
static size_t extension_end(const struct scan *scan, size_t at)
{
    size_t end = at + 1;
    if ((scan_byte(scan, at) | 0x20) != 'x')
        return at;
    while (scan_is_digit(scan_byte(scan, end)))
        end++;
    return end - at >= 3 && end - at <= 7 && scan_alnum(scan, end) == 0 ? end : at;
}

/* One group at `at`. False when it is grown together with letters or has more digits than any number. */
static bool take_group(struct scan *scan, struct run *run, size_t at, unsigned separator, size_t *out_end)
{
    struct group *group = &run->groups[run->group_count];
    size_t size;
    *group = (struct group) {.first = (uint8_t)run->digit_count, .separator = (uint8_t)separator, .from = at};
    bool fits = true;
    for (int digit; (digit = digit_of(scan, run, at)) >= 0; at++) {
        fits = fits && run->digit_count < RUN_DIGITS;
        if (!fits)
            continue;
        run->digits[run->digit_count++] = (uint8_t)digit;
        group->letters = (uint8_t)(group->letters + !scan_is_digit(scan_byte(scan, at)));
    }
    group->end = group->extended = at;
    bool grown = false;
    if (at - group->from >= 4 && extension_end(scan, at) > at)
        group->extended = at = extension_end(scan, at);
    while ((size = scan_alnum(scan, at)) > 0) {
        grown = true;
        at += size;
    }
    scan->hits->steps += at - group->from;
    *out_end = at;
    group->count = (uint8_t)(run->digit_count - group->first);
    if (grown || !fits) {
        run->digit_count = group->first;
        return false;
    }
    run->group_count++;
    return true;
}

enum { THOUSAND = 3 };

/* 9,001,011,987,654: a comma at `at` behind one to three digits and further groups of three. */
static bool goes_on_by_thousands(const struct scan *scan, const struct run *run, size_t at)
{
    size_t digits = 0;
    for (size_t i = 0; i < run->group_count; i++)
        if (run->groups[i].count > THOUSAND ||
            (i > 0 && (run->groups[i].separator != SEP_COMMA || run->groups[i].count != THOUSAND)))
            return false;
    while (scan_is_digit(scan_byte(scan, at + 1 + digits)) && digits <= THOUSAND)
        digits++;
    return scan_byte(scan, at) == ',' && digits == THOUSAND;
}

static unsigned separator_of(const struct scan *scan, const struct run *run, size_t at, size_t *out_end)
{
    unsigned separator = scan_separator(scan, at, out_end);
    if (separator != 0 || !goes_on_by_thousands(scan, run, at))
        return separator;
    *out_end = at + 1;
    return SEP_COMMA;
}

static bool read_run(struct scan *scan, size_t at, bool loose, struct run *run, size_t *out_end)
{
    *run = (struct run) {.from = at, .loose = loose};
    if (!take_group(scan, run, at, 0, out_end))
        return false;
    size_t end = *out_end;
    /* Behind an extension nothing goes on. */
    while (run->group_count < RUN_GROUPS && end == run->groups[run->group_count - 1].end) {
        size_t next = end;
        unsigned separator = separator_of(scan, run, end, &next);
        scan->hits->steps += next - end;
        if (separator == 0 || digit_of(scan, run, next) < 0 || !take_group(scan, run, next, separator, &end))
            break;
    }
    return true;
}

/* --- what stands around it --- */

/* Bytes of the dot of a host that ends at `end`, perhaps written so that nobody clicks on it; 0: none. */
static size_t dot_before(const struct scan *scan, size_t end)
{
    static const struct str dots[] = {{".", 1}, {"[.]", 3}, {"(.)", 3}, {"[dot]", 5}, {"(dot)", 5}};
    for (size_t i = 0; i < sizeof dots / sizeof *dots; i++)
        if (end >= dots[i].len &&
            str_same((struct str) {scan->text.at + end - dots[i].len, dots[i].len}, dots[i]))
            return dots[i].len;
    return 0;
}

static bool link_ends_at(const struct scan *scan, size_t at, struct str link)
{
    for (size_t i = link.len, size; i > 0; i--, at -= size) {
        size = link.at[i - 1] == '.' ? dot_before(scan, at)
                                     : at > 0 && str_lower(scan->text.at[at - 1]) == link.at[i - 1];
        if (size == 0)
            return false;
    }
    return at == 0 || !scan_is_alnum(scan_byte(scan, at - 1));
}

/* Messengers' links, which name a telephone with its country and without a plus; Vietnam's also as it is
 * called at home. */
static void look_for_link(const struct scan *scan, struct run *run)
{
    static const struct {
        struct str text;
        bool home;
    } links[] = {
        {{"wa.me/", 6}, false},
        {{"wa.me/c/", 8}, false},
        {{"whatsapp.com/send?phone=", 24}, false},
        {{"whatsapp.com/send/?phone=", 25}, false},
        {{"whatsapp://send?phone=", 22}, false},
        {{"whatsapp://send/?phone=", 23}, false},
        {{"tg://resolve?phone=", 19}, false},
        {{"viber://chat?number=", 20}, false},
        {{"viber://add?number=", 19}, false},
        {{"zalo.me/", 8}, true},
    };
    for (size_t i = 0; i < sizeof links / sizeof *links && !run->abroad; i++) {
        run->abroad = link_ends_at(scan, run->from, links[i].text);
        run->home = run->abroad && links[i].home;
    }
}

static void look_before(const struct scan *scan, struct run *run)
{
    size_t at = run->from;
    look_for_link(scan, run);
    if (at > 0 && scan_byte(scan, at - 1) == '+') {
        run->plus = true;
        at--;
    }
    /* In base64 and sums a plus is no sign. */
    if (run->plus && at > 0 && scan_is_alnum(scan_byte(scan, at - 1))) {
        run->plus = false;
        at = run->from;
    }
    if (at > 0 && scan_byte(scan, at - 1) == '(') {
        run->open = true;
        at--;
    }
    run->from = at;
}

/* False when the digits go on what stands before: 1-900101-..., 10.0.0.900, 12:30. */
static bool begins(const struct scan *scan, struct run *run)
{
    size_t at = run->from;
    if (at < 2)
        return true;
    uint8_t c = scan_byte(scan, at - 1), before = scan_byte(scan, at - 2);
    if ((c == '-' || c == '.') && scan_is_digit(before))
        return false;
    if (c == ':' && scan_is_digit(before) && at >= 3 && scan_is_digit(scan_byte(scan, at - 3)))
        return false;
    run->joined = (c == '-' || c == '_') && scan_is_letter(before);
    return true;
}

static bool is_digit_at(const struct scan *scan, size_t at)
{
    return scan_is_digit(scan_byte(scan, at));
}

enum { JOINED_PENALTY = 15, LISTED_PENALTY = 10 };

/* False when they go on behind: another group, an address, a decimal. `penalty`: a word is joined to them,
 * or, where their groups are parted by spaces (`way`), one more follows that may belong to them. */
static bool ends(const struct scan *scan, size_t end, unsigned way, int *penalty)
{
    uint8_t c = scan_byte(scan, end);
    size_t next = end;
    *penalty = c == '-' && scan_is_letter(scan_byte(scan, end + 1)) ? JOINED_PENALTY : 0;
    if (c == '@' || ((c == ':' || (c == ',' && way == COMMA)) && is_digit_at(scan, end + 1)))
        return false;
    unsigned separator = scan_separator(scan, end, &next);
    if (separator == 0 || !is_digit_at(scan, next))
        return true;
    if (way == SPACE && separator == SEP_SPACE)
        *penalty = LISTED_PENALTY;
    return (separator & (SEP_DASH | SEP_DOT)) == 0 || (separator & SEP_ODD) != 0;
}

/* --- forms --- */

static unsigned width_of(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* How the first `count` groups are parted. */
static unsigned way_of(const struct run *run, size_t count)
{
    unsigned all = 0;
    bool odd = false;
    for (size_t i = 1; i < count; i++) {
        unsigned separator = run->groups[i].separator;
        odd = odd || (separator & (SEP_OPEN | SEP_ODD)) != 0 || ((separator & SEP_CLOSE) != 0 && i > 1);
        all |= separator;
    }
    if (count <= 1)
        return BARE;
    if ((all & SEP_COMMA) != 0)
        return all == SEP_COMMA ? COMMA : NO_WAY;
    return odd                      ? ODD
           : (all & SEP_CLOSE) != 0 ? CLOSE
           : all == SEP_DOT         ? DOT
           : (all & SEP_DOT) != 0   ? ODD
           : (all & SEP_DASH) != 0  ? DASH
                                    : SPACE;
}

static bool fits(const struct run *run, const char *groups, size_t *out_count)
{
    size_t count = 0;
    for (; groups[count] != '\0'; count++)
        if (count == run->group_count || run->groups[count].count != width_of(groups[count]))
            return false;
    *out_count = count;
    return true;
}

/* 901015(1234567): with its closing parenthesis. */
static size_t end_of(const struct scan *scan, const struct group *last)
{
    return (last->separator & SEP_OPEN) != 0 && scan_byte(scan, last->extended) == ')' ? last->extended + 1
                                                                                       : last->extended;
}

enum { PROGRAM_PENALTY = 30 };

/* malware_210315-1845123.exe: a date and a time. Of documents, whoever they are about is named. */
static bool is_program(const struct scan *scan, size_t end)
{
    static const struct str endings[] = {
        {".exe", 4}, {".dll", 4}, {".sys", 4}, {".bin", 4}, {".elf", 4}, {".so", 3},   {".apk", 4},
        {".ps1", 4}, {".bat", 4}, {".msi", 4}, {".dmp", 4}, {".log", 4}, {".evtx", 5}, {".pcap", 5},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (endings[i].len <= scan->text.len - end &&
            str_same((struct str) {scan->text.at + end, endings[i].len}, endings[i]) &&
            !scan_is_alnum(scan_byte(scan, end + endings[i].len)))
            return true;
    return false;
}

static bool is_registration(enum privacy_kind kind)
{
    return kind == PRIVACY_KR_RRN || kind == PRIVACY_KR_FRN;
}

static int joined_penalty(const struct scan *scan, const struct find *find)
{
    return is_registration(find->kind) && is_program(scan, find->end) ? PROGRAM_PENALTY : JOINED_PENALTY;
}

enum { LOOKALIKE_PENALTY = 15, LOOKALIKE_MOBILE = 10 };

/* O1O.2345.6789: nothing else begins so and has these three groups. */
static bool is_grouped_mobile(const struct run *run, size_t group_count)
{
    return group_count == 3 && run->groups[0].count == 3 && run->groups[1].count == 4 &&
           run->digits[0] == 0 && run->digits[1] == 1 && run->digits[2] == 0;
}

/* Of numbers whose form says much: at least every other digit is one, and the marks are usual. */
static bool is_unmistakable(const struct run *run, size_t group_count, const struct find *find)
{
    size_t letters = 0, digits = 0;
    for (size_t i = 0; i < group_count; i++) {
        letters += run->groups[i].letters;
        digits += run->groups[i].count;
    }
    return letters > 0 && 2 * letters <= digits && !find->odd &&
           (PRIVACY_FACT(find->kind) & (PRIVACY_FACT(PRIVACY_KR_RRN) | PRIVACY_FACT(PRIVACY_KR_FRN) |
                                        PRIVACY_FACT(PRIVACY_KR_PHONE) | PRIVACY_FACT(PRIVACY_US_PHONE))) !=
               0;
}

/* What letters take from the score of what was read. False: it does not count at all. */
static bool weigh_letters(const struct run *run, size_t group_count, struct find *find)
{
    if (!run->loose)
        return true;
    find->score -= is_grouped_mobile(run, group_count) ? LOOKALIKE_MOBILE : LOOKALIKE_PENALTY;
    find->reasons |= PRIVACY_LOOKALIKE;
    return is_unmistakable(run, group_count, find);
}

static bool try_form(struct scan *scan, const struct run *run, const struct form *form, struct find *out)
{
    size_t count;
    int penalty;
    if (!fits(run, form->groups, &count))
        return false;
    unsigned way = way_of(run, count);
    if (form->scores[way] == 0)
        return false;
    const struct group *last = &run->groups[count - 1];
    if (!ends(scan, last->extended, way, &penalty) ||
        (last->extended > last->end && form->kind != PRIVACY_US_PHONE))
        return false;
    struct digits digits = {run->digits, (size_t)last->first + last->count, way == BARE};
    *out = (struct find) {.kind = form->kind,
                          .score = form->scores[way],
                          .reasons = way == BARE || way == ODD ? 0 : PRIVACY_SEPARATED,
                          .from = way == CLOSE ? run->from : run->groups[0].from,
                          .end = end_of(scan, last),
                          .bare = way == BARE,
                          .odd = way == ODD};
    if (!form->check(digits, &out->score, &out->reasons) || !weigh_letters(run, count, out))
        return false;
    penalty = run->joined ? joined_penalty(scan, out) : penalty;
    out->reasons |= penalty > 0 ? PRIVACY_JOINED : 0;
    out->score -= penalty;
    return true;
}

/* --- with a plus, or 00 before 82 or 1 --- */

static bool country(const struct run *run, size_t digit_count, struct find *out)
{
    const uint8_t *digits = run->digits;
    size_t count = digit_count;
    if (run->home && digits[0] == 0) {
        enum { AT_HOME = 10 };
        out->kind = PRIVACY_PHONE;
        out->score = 54;
        return count == AT_HOME && digits[1] >= 2;
    }
    if (!run->plus && !(run->abroad && digits[0] != 0)) {
        bool korea = count > 4 && digits[2] == 8 && digits[3] == 2, america = count == 13 && digits[2] == 1;
        if (count < 4 || digits[0] != 0 || digits[1] != 0 || !(korea || america))
            return false;
        digits += 2;
        count -= 2;
    }
    struct digits all = {digits, count, false};
    if (count > 2 && digits[0] == 8 && digits[1] == 2) {
        out->kind = PRIVACY_KR_PHONE;
        out->score = 76;
        return number_82(all, &out->score, &out->reasons);
    }
    if (digits[0] == 1) {
        out->kind = PRIVACY_US_PHONE;
        out->score = 76;
        return count == 11 && number_nanp_1(all, &out->score, &out->reasons);
    }
    out->kind = PRIVACY_PHONE;
    out->score = run->group_count > 1 ? 60 : 54;
    return digits[0] != 0 && count >= 9 && count <= 15;
}

/* The longest beginning of the run that is a number of its country. */
static bool try_country(struct scan *scan, const struct run *run, struct find *out)
{
    bool found = false;
    int penalty;
    for (size_t i = 0; i < run->group_count; i++) {
        const struct group *group = &run->groups[i];
        struct find find = {.reasons = PRIVACY_PREFIX, .from = run->from, .end = group->extended};
        if ((group->separator == SEP_DOT && run->group_count == 2) || group->separator == SEP_COMMA)
            break; /* a decimal number with its sign, an amount */
        if (!country(run, (size_t)group->first + group->count, &find) || !weigh_letters(run, i + 1, &find))
            continue;
        if (!ends(scan, group->extended, NO_WAY, &penalty))
            continue;
        *out = find;
        found = true;
    }
    /* An opening parenthesis without its end inside belongs to the sentence. */
    if (found && run->open && memchr(scan->text.at + out->from, ')', out->end - out->from) == NULL)
        out->from++;
    return found;
}

/* 서울 12-345678-90: the region by its name. */
static bool try_region(struct scan *scan, const struct run *run, struct find *out)
{
    size_t count;
    int penalty;
    if (!fits(run, "262", &count) || way_of(run, count) != DASH || run->loose ||
        !ends(scan, run->groups[2].end, NO_WAY, &penalty) || !word_region_before(scan, run->from))
        return false;
    *out = (struct find) {.kind = PRIVACY_KR_LICENCE,
                          .score = 64,
                          .reasons = PRIVACY_SEPARATED | PRIVACY_PREFIX,
                          .from = run->from,
                          .end = run->groups[2].end};
    return true;
}

static void take_better(struct find *best, bool *found, const struct find *find)
{
    if (!*found || find->score > best->score ||
        (find->score == best->score && find->end - find->from > best->end - best->from))
        *best = *find;
    *found = true;
}

static bool has_letters(const struct run *run)
{
    for (size_t i = 0; i < run->group_count; i++)
        if (run->groups[i].letters > 0)
            return true;
    return false;
}

static bool find_number(struct scan *scan, size_t at, bool loose, struct find *out)
{
    struct run run;
    struct find find;
    size_t end;
    bool found = false;
    bool whole = read_run(scan, at, loose, &run, &end) && (!loose || has_letters(&run));
    out->from = at;
    out->end = end;
    if (!whole)
        return false;
    look_before(scan, &run);
    if (!begins(scan, &run))
        return false;
    if ((run.plus || run.abroad || run.digits[0] == 0) && try_country(scan, &run, &find)) {
        word_weigh(scan, &find);
        take_better(out, &found, &find);
    }
    for (size_t i = 0; !run.plus && i < sizeof forms / sizeof forms[0]; i++) {
        scan->hits->steps++;
        if (!try_form(scan, &run, &forms[i], &find))
            continue;
        word_weigh(scan, &find);
        /* Dates and paths look so: as a suspicion it would hide what begins inside of it. */
        if (!find.odd || find.score >= PRIVACY_SCORE_HIT)
            take_better(out, &found, &find);
    }
    if (!found && try_region(scan, &run, &find)) {
        word_weigh(scan, &find);
        take_better(out, &found, &find);
    }
    if (!found)
        out->end = end;
    return found;
}

bool number_find_lookalike(struct scan *scan, size_t at, struct find *out)
{
    struct find find;
    if (!find_number(scan, at, true, &find) || find.score < PRIVACY_SCORE_HIT)
        return false;
    *out = find;
    return true;
}

bool number_find(struct scan *scan, size_t at, struct find *out)
{
    return find_number(scan, at, false, out) || number_find_lookalike(scan, at, out);
}
