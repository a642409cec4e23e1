/* The pass over a text, as one reading has it. */
#include "privacy/scan.h"

#include <string.h>

void scan_keep(struct privacy_hits *hits, const struct privacy_hit *hit)
{
    if (hit->score < hits->score_min)
        return;
    if (hits->count == hits->size)
        hits->dropped++;
    else
        hits->at[hits->count++] = *hit;
}

static void keep(struct scan *scan, const struct find *find)
{
    int score = find->score < 0 ? 0 : find->score > 100 ? 100 : find->score;
    size_t from = stix_plain_from(scan->plain, find->from), end = stix_plain_end(scan->plain, find->end);
    /* Two may share a character whose escape stands for several bytes. */
    from = from < scan->told ? scan->told : from;
    if (end <= from)
        return;
    scan->told = end;
    if (score < scan->hits->score_min)
        return;
    must(scan->found_count < SCAN_FOUND);
    scan->found[scan->found_count++] = (struct privacy_hit) {.kind = find->kind,
                                                             .score = (uint8_t)score,
                                                             .reasons = find->reasons,
                                                             .text = scan->original,
                                                             .from = from,
                                                             .len = end - from};
}

static size_t keep_mail(struct scan *scan)
{
    const struct mail *mail = &scan->mail;
    struct find find = {.kind = PRIVACY_EMAIL, .score = 86, .from = mail->from, .end = mail->end};
    find.reasons = mail->defanged ? PRIVACY_DEFANGED : 0;
    if (mail_is_shared((struct str) {scan->text.at + mail->from, mail->end - mail->from})) {
        find.reasons |= PRIVACY_SHARED;
        find.score -= 46;
    }
    if (word_message_id(scan, mail->from)) {
        find.reasons |= PRIVACY_COUNTER;
        find.score -= 60;
    }
    keep(scan, &find);
    return mail->end;
}

/* An address that begins inside of what was found: the address it is. */
static bool is_free(const struct scan *scan, const struct find *find)
{
    return scan->mail.end <= find->from || scan->mail.from >= find->end;
}

static size_t take_number(struct scan *scan, size_t at)
{
    struct find find;
    if (!number_find(scan, at, &find))
        return find.end;
    if (!is_free(scan, &find))
        return scan->mail.from > at ? scan->mail.from : at + 1;
    keep(scan, &find);
    return find.end;
}

/* SSN219099998: where the digits begin that are grown together with a word for them; `end`: there are none.
 */
static size_t digits_behind(const struct scan *scan, size_t at, size_t end)
{
    size_t from = at, stop;
    while (from < end && scan_is_letter(scan_byte(scan, from)))
        from++;
    for (stop = from; scan_is_digit(scan_byte(scan, stop));)
        stop++;
    bool known =
        from > at && from < end && stop == end && word_is_known((struct str) {scan->text.at + at, from - at});
    return known ? from : end;
}

/* O1O-1234-5678, whose first digit is a letter. */
static bool begins_as_number(struct scan *scan, size_t at, struct find *out)
{
    return scan_digit_like(scan_byte(scan, at)) >= 0 &&
           (at == 0 || !scan_is_alnum(scan_byte(scan, at - 1))) && number_find_lookalike(scan, at, out) &&
           is_free(scan, out);
}

static size_t take_word(struct scan *scan, size_t at)
{
    struct find find;
    size_t end = at, size;
    while ((size = scan_alnum(scan, end)) > 0)
        end += size;
    scan->hits->steps += end - at;
    if (!token_passport(scan, at, end, &find)) {
        if (!begins_as_number(scan, at, &find))
            return digits_behind(scan, at, end);
        keep(scan, &find);
        return find.end;
    }
    word_weigh(scan, &find);
    if (find.odd && find.score < PRIVACY_SCORE_HIT)
        return end;
    keep(scan, &find);
    return find.end;
}

static size_t take_path(struct scan *scan, size_t at)
{
    struct find find;
    if (!token_path(scan, at, &find))
        return at + 1;
    keep(scan, &find);
    return find.end;
}

static size_t take_login(struct scan *scan, size_t at)
{
    struct find finds[LOGIN_FINDS];
    size_t count = login_url(scan, at, finds), end = at + 1;
    for (size_t i = 0; i < count; i++) {
        keep(scan, &finds[i]);
        end = finds[i].end;
    }
    return end;
}

static size_t take_switch(struct scan *scan, size_t at)
{
    struct find find;
    if (!login_switch(scan, at, &find))
        return at + 1;
    keep(scan, &find);
    return find.end;
}

/* " dot ", which stands in few texts. */
static bool is_dot_word(struct str text, size_t at)
{
    static const struct str dot = {" dot ", 5};
    return dot.len <= text.len - at && str_same((struct str) {text.at + at, dot.len}, dot);
}

/* 골뱅이 */
static bool is_snail(struct str text, size_t at)
{
    return str_starts((struct str) {text.at + at, text.len - at}, STR("골뱅이"));
}

/* Without any at-sign no word needs to be read as an address. */
static bool has_at_sign(struct str text)
{
    if (text.len == 0 || memchr(text.at, '@', text.len) != NULL)
        return text.len > 0;
    for (size_t i = 0; i + 2 < text.len; i++) {
        uint8_t c = (uint8_t)text.at[i];
        if (c == 0xea && is_snail(text, i))
            return true;
        if ((c == '[' || c == '(' || c == '{' || c == '<') && str_lower(text.at[i + 1]) == 'a' &&
            str_lower(text.at[i + 2]) == 't')
            return true;
        if (c == ' ' && (text.at[i + 1] | 0x20) == 'd' && is_dot_word(text, i))
            return true;
    }
    return false;
}

static size_t step(struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    if (at >= scan->mail.seen) {
        mail_look(scan, at);
        if (c == '"')
            mail_look_quoted(scan, at);
    }
    if (scan->mail.end > at && scan->mail.from == at)
        return keep_mail(scan);
    if (scan_is_digit(c))
        return take_number(scan, at);
    if (scan_alnum(scan, at) > 0)
        return take_word(scan, at);
    if (c == ':')
        return take_login(scan, at);
    size_t next = c == '/' || c == '-' ? take_switch(scan, at) : at + 1;
    return next == at + 1 && (c == '\\' || c == '/') ? take_path(scan, at) : next;
}

bool scan_next(struct scan *scan, struct privacy_hit *out)
{
    if (scan->taken == scan->found_count)
        scan->taken = scan->found_count = 0;
    while (scan->found_count == 0 && scan->at < scan->text.len) {
        size_t next = step(scan, scan->at);
        must(next > scan->at);
        /* Nothing that is skipped may hide where an address begins. */
        bool hidden = scan->mail.end > next && scan->mail.from > scan->at && scan->mail.from < next;
        scan->at = hidden ? scan->mail.from : next;
    }
    if (scan->found_count == 0)
        return false;
    *out = scan->found[scan->taken++];
    return true;
}

static struct scan begin(const struct stix_plain *plain, struct str text, struct str label,
                         struct privacy_hits *hits)
{
    struct scan scan = {.text = plain->text, .label = label, .original = text, .plain = plain, .hits = hits};
    hits->steps += text.len;
    if (!has_at_sign(scan.text))
        scan.mail.seen = scan.text.len;
    return scan;
}

/* As it stands where a digit in another dress is none. False: nobody knows. */
static bool look_again(struct scan *dressed, bool name)
{
    struct stix_plain plain;
    struct str text = dressed->original;
    if (stix_plain_open(text, name ? STIX_PLAIN_MEMBER_UNDRESSED : STIX_PLAIN_TEXT_UNDRESSED, &plain) !=
        ERR_OK)
        return false;
    struct scan undressed = begin(&plain, text, dressed->label, dressed->hits);
    scan_twice(&undressed, dressed, dressed->hits);
    stix_plain_close(&plain);
    return true;
}

static void look(struct str text, struct str label, bool name, struct privacy_hits *hits)
{
    struct stix_plain plain;
    struct privacy_hit hit;
    if (stix_plain_open(text, name ? STIX_PLAIN_MEMBER : STIX_PLAIN_TEXT, &plain) != ERR_OK) {
        hits->dropped++; /* nobody knows what is in it */
        return;
    }
    struct scan scan = begin(&plain, text, label, hits);
    if (plain.dressed && !look_again(&scan, name))
        hits->dropped++;
    while (scan_next(&scan, &hit))
        scan_keep(hits, &hit);
    stix_plain_close(&plain);
}

void privacy_text(struct str text, struct str label, struct privacy_hits *hits)
{
    look(text, label, false, hits);
}

void scan_name(struct str name, struct str label, struct privacy_hits *hits)
{
    look(name, label, true, hits);
}
