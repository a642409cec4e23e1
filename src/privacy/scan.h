/* Inside the room: one pass over a text. Every step is bounded or moves the place on, so that the time is
 * linear; `steps` counts what was looked at. */
#pragma once

#include "privacy/privacy.h"
#include "stix/plain.h"

/* For every kind, where in a piece of text the last word for it ends; behind them, where the last word
 * against all ends. 0: none. */
struct scan_words {
    size_t end[PRIVACY_KINDS + 1];
    size_t size;        /* of the piece */
    struct scan_other { /* the name of another number that belongs to what comes behind; end == 0: none */
        size_t from, end;
        size_t before[PRIVACY_KINDS]; /* as `end`, of the words before it */
        bool sure;                    /* of a public one: whatever its digits say */
    } other;
};

enum { SCAN_FOUND = 2 }; /* by one step: a user and a password */

struct scan {
    struct str text; /* as stix/plain.h has it */
    struct str label;
    struct str original;
    const struct stix_plain *plain;
    size_t told; /* of the original: what lies before is in a hit */
    struct privacy_hits *hits;
    size_t at;                            /* of the text: what lies before was looked at */
    struct privacy_hit found[SCAN_FOUND]; /* by the last step, from `taken` on not handed out */
    size_t found_count, taken;
    struct mail {
        size_t seen;      /* addresses that begin before it are known */
        size_t from, end; /* the next one; from == end: none */
        bool defanged;
    } mail;
    struct around { /* the number that was looked at last (word.c) */
        bool known;
        size_t from, end;
        struct scan_words label, before, after;
    } around;
};

/* What was found at one place, before words around it are asked. */
struct find {
    enum privacy_kind kind;
    int score;
    uint16_t reasons;
    size_t from, end;
    bool bare; /* digits in one run: words beside it count more */
    bool odd;  /* parted by marks that are not usual: a hit, or nothing at all */
};

/* --- letters (letter.c) --- */

static inline uint8_t scan_byte(const struct scan *scan, size_t at)
{
    return at < scan->text.len ? (uint8_t)scan->text.at[at] : 0;
}

static inline bool scan_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* What a digit says, or a letter that is drawn like one (O1O-l234-5678); -1: neither. */
static inline int scan_digit_like(uint8_t c)
{
    return scan_is_digit(c) ? c - '0' : c == 'O' || c == 'o' ? 0 : c == 'I' || c == 'l' ? 1 : -1;
}

static inline bool scan_is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool scan_is_alnum(uint8_t c)
{
    return scan_is_digit(c) || scan_is_letter(c);
}

/* Bytes of the letter or digit at `at`; 0: none. Hangul is none: particles follow numbers directly. */
static inline size_t scan_alnum(const struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    if (c < 0x80)
        return scan_is_alnum(c) ? 1 : 0;
    /* Latin letters with marks: U+00C0..024F. */
    return c >= 0xc3 && c <= 0xc9 && at + 1 < scan->text.len ? 2 : 0;
}

/* Bytes of the code point at `at`: 1..4. */
size_t scan_size(uint8_t lead);

enum { SEP_DASH = 1, SEP_DOT = 2, SEP_SPACE = 4, SEP_CLOSE = 8, SEP_OPEN = 16, SEP_ODD = 32, SEP_COMMA = 64 };

/* What may stand between two groups of digits: bits of SEP_*, and where it ends; 0: nothing of the kind. */
unsigned scan_separator(const struct scan *scan, size_t at, size_t *out_end);

/* The best reading of the digits that begin at `at`, which no letter or digit precedes (number.c). False:
 * none; then `out->end` is where to go on: behind this group and what is grown together with it. */
bool number_find(struct scan *scan, size_t at, struct find *out);
/* The same where letters stand for some digits, perhaps for the first one. False: `out` is left alone. */
bool number_find_lookalike(struct scan *scan, size_t at, struct find *out);

/* --- the rest --- */

/* The next address at or behind `at` within the word that begins there, into scan->mail (mail.c). */
void mail_look(struct scan *scan, size_t at);
/* The same for an address whose local part is quoted, the quote being at `at`. */
void mail_look_quoted(struct scan *scan, size_t at);
/* The whole address around an at-sign, whose top level may be anything. False: none. Linear in a text all of
 * whose at-signs are asked. */
bool mail_around(struct str text, size_t sign, size_t size, size_t *out_from, size_t *out_end);
/* "kim"@example.com is kim@example.com: where the closing quote of such an address stands; 0: it has none. */
size_t mail_needless_quote(struct str text);
/* A passport's number, or the person whose home directory a path leads through (token.c). */
bool token_passport(struct scan *scan, size_t at, size_t end, struct find *out);
bool token_path(struct scan *scan, size_t at, struct find *out);
/* The user and the password of a URL whose "://" begins at `at`; how many of them. */
enum { LOGIN_FINDS = 2 };
size_t login_url(struct scan *scan, size_t at, struct find out[LOGIN_FINDS]);
/* The value of a switch that begins at `at` and asks for a user or a password (login.c). */
bool login_switch(struct scan *scan, size_t at, struct find *out);
/* Asks the words around it and the label, and keeps it when it is good enough (word.c). */
void word_weigh(struct scan *scan, struct find *find);
/* Is it, from its beginning to its end, a word for one of the kinds? */
bool word_is_known(struct str text);
/* A name of which a word says that it is an organisation's, or many people's (organisation.inc). */
bool scan_says_organisation(struct str name);
/* A word of mail stands beside what lies from `from` to `end`, or in the label. */
bool word_of_mail(struct scan *scan, size_t from, size_t end);
/* A region's name stands directly before `at`: of a driver's licence. */
bool word_region_before(const struct scan *scan, size_t at);
/* The line before `at` is a header of mail whose value looks like an address and names a message. */
bool word_message_id(const struct scan *scan, size_t at);
/* The next hit of a scan that holds a text; false: there is none. Steps are counted in `hits`, and nothing is
 * kept there. */
bool scan_next(struct scan *scan, struct privacy_hit *out);
/* Keeps what two readings of one text find, in order and not overlapping: all places that either one finds
 * (twice.c). */
void scan_twice(struct scan *undressed, struct scan *dressed, struct privacy_hits *hits);
/* privacy_text of a member's name. */
void scan_name(struct str name, struct str label, struct privacy_hits *hits);
void scan_keep(struct privacy_hits *hits, const struct privacy_hit *hit);
/* Is it an office's or a machine's (abuse@, noreply@), not one person's? */
bool mail_is_shared(struct str address);
/* An account that every system has (token.c). */
bool token_is_system(struct str name);
/* What stands before `root` is the method of a request, whose path begins there. */
bool token_is_request(const struct scan *scan, size_t root);
