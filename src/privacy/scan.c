/* The one pass over a text. */
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
    scan_keep(scan->hits, &(struct privacy_hit) {.kind = find->kind,
                                                 .score = (uint8_t)score,
                                                 .reasons = find->reasons,
                                                 .text = scan->text,
                                                 .from = find->from,
                                                 .len = find->end - find->from});
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

static size_t take_word(struct scan *scan, size_t at)
{
    struct find find;
    size_t end = at, size;
    while ((size = scan_alnum(scan, end)) > 0)
        end += size;
    scan->hits->steps += end - at;
    if (token_passport(scan, at, end, &find)) {
        word_weigh(scan, &find);
        keep(scan, &find);
    }
    return end;
}

static size_t take_path(struct scan *scan, size_t at)
{
    struct find find;
    if (!token_path(scan, at, &find))
        return at + 1;
    keep(scan, &find);
    return find.end;
}

/* Without any at-sign no word needs to be read as an address. */
static bool has_at_sign(struct str text)
{
    if (text.len == 0 || memchr(text.at, '@', text.len) != NULL)
        return text.len > 0;
    for (size_t i = 0; i + 2 < text.len; i++) {
        uint8_t c = (uint8_t)text.at[i];
        if (c == 0xef && (uint8_t)text.at[i + 1] == 0xbc && (uint8_t)text.at[i + 2] == 0xa0)
            return true;
        if ((c == '%' && text.at[i + 1] == '4') || (c == '&' && text.at[i + 1] == '#'))
            return true;
        if ((c == '[' || c == '(' || c == '{' || c == '<') && str_lower(text.at[i + 1]) == 'a' &&
            str_lower(text.at[i + 2]) == 't')
            return true;
    }
    return false;
}

static size_t step(struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    size_t size;
    if (at >= scan->mail.seen)
        mail_look(scan, at);
    if (scan->mail.end > at && scan->mail.from == at)
        return keep_mail(scan);
    if (scan_digit(scan, at, &size) >= 0)
        return take_number(scan, at);
    if (scan_alnum(scan, at) > 0)
        return take_word(scan, at);
    if (c == '\\' || c == '/')
        return take_path(scan, at);
    return at + 1;
}

void privacy_text(struct str text, struct str label, struct privacy_hits *hits)
{
    struct scan scan = {.text = text, .label = label, .hits = hits};
    if (!has_at_sign(text))
        scan.mail.seen = text.len;
    hits->steps += text.len;
    for (size_t at = 0; at < text.len;) {
        size_t next = step(&scan, at);
        must(next > at);
        /* Nothing that is skipped may hide where an address begins. */
        at = scan.mail.end > next && scan.mail.from > at && scan.mail.from < next ? scan.mail.from : next;
    }
}
