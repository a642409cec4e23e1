/* A collection of any TAXII 2.1 or 2.0 server, read from where the last run came to.
 *
 * Servers differ where the standard leaves room, and where it does not; what is done about it:
 *   - added_after is exclusive (TAXII 2.1 section 3.4), some answer inclusively, and many objects may carry
 * one date: the next run asks from one unit (as the server writes its dates) before the last date that came.
 *     What comes twice is a duplicate.
 *   - While `next` is followed the other parameters stay as they were in the first request (section 3.5).
 *   - `more` without `next`: by dates, as above; a page that is one single date is asked for larger.
 *   - `next` without `more`: the end.
 *   - A token that is not taken any more: from the last safe date.
 *   - Pages that repeat (told by their digest, Brent's cycle finding): by dates; then the end.
 *   - Empty pages with more to come: so many, then as pages that repeat.
 *   - Another media type than the one asked for is read all the same; for 406 and 415 the next form is asked.
 *   - A range of 2.0 has a blank before its numbers (TAXII 2.0 section 3.4) or "=" (RFC 7233 section 3.1, and
 *     medallion since 1.1): for 400 the other is sent.
 *   - No X-TAXII-Date-Added-Last: the server's own clock at the first answer, an hour earlier.
 * The cursor moves to a date only when all before it has been taken in: pages come in order of date_added
 * (section 3.5); where they do not, it moves at the end of the run. */
#include <stdio.h>

#include "core/mem.h"
#include "core/stamp.h"
#include "feeds/envelope.h"
#include "feeds/http_date.h"
#include "feeds/taxii_url.h"

enum { DATE_SIZE = 40, PAGE_ITEMS = 1000, LIMIT_GROWN_MAX = 1 << 17 };
#define NO_DATES_BACK_US (INT64_C(3600) * 1000000)

struct taxii {
    bool v20;
    bool by_date; /* `next` and ranges are of no use here */
    bool restarted, unsorted, skipped;
    unsigned grown;       /* wider pages asked for in a row */
    char base[DATE_SIZE]; /* added_after of what is asked now; empty: from the beginning */
    char page_last[DATE_SIZE], run_last[DATE_SIZE];
    char restart_last[DATE_SIZE]; /* run_last when a token was not taken */
    char asked_last[DATE_SIZE];   /* run_last when by_date asked last */
    char clock[DATE_SIZE];        /* of the server at the first answer, less an hour */
    char next[FEED_KEPT_BYTES];
    size_t next_len;
    uint64_t limit, limit_first; /* always sent: medallion answers 500 to `next` without it */
    uint64_t offset;             /* 2.0: items taken */
    bool equals, other_sign;     /* 2.0: "items=0-9" is sent; the one sign was not taken in this run */
    bool more;
    size_t count, count_before;
    unsigned accept;
    uint64_t pages, empties;
    struct hash mark; /* Brent: the page that later ones are compared with */
    uint64_t mark_at, mark_until;
    struct envelope envelope;
};

static const char *const accepts[2][5] = {
    {"application/taxii+json;version=2.1", "application/taxii+json; version=2.1", "application/taxii+json",
     "application/stix+json;version=2.1", "*/*"},
    {"application/vnd.oasis.stix+json; version=2.0", "application/vnd.oasis.stix+json",
     "application/vnd.oasis.taxii+json; version=2.0", "application/json", "*/*"},
};

/* --- dates --- */

static bool stamp_of(const char *text, struct stamp *out, unsigned *out_digits)
{
    return stamp_parse(str_of(text), out, out_digits) == ERR_OK;
}

static void copy_date(struct str from, char out[DATE_SIZE])
{
    struct stamp stamp;
    out[0] = '\0';
    if (from.len > 0 && from.len < DATE_SIZE && stamp_parse(from, &stamp, NULL) == ERR_OK) {
        memcpy(out, from.at, from.len);
        out[from.len] = '\0';
    }
}

/* One unit earlier, with as many decimals (six at most): whoever compares at that precision gives what
 * carries `date` again, exclusive or not. */
static void step_back(const char *date, char out[DATE_SIZE])
{
    struct stamp stamp;
    unsigned digits = 0;
    char text[TIME_TEXT_SIZE];
    int64_t unit = 1000000;
    if (!stamp_of(date, &stamp, &digits)) {
        out[0] = '\0';
        return;
    }
    if (digits > 6)
        digits = 6;
    for (unsigned i = 0; i < digits; i++)
        unit /= 10;
    time_text(stamp_us(stamp) - unit, text);
    size_t len = digits == 0 ? 19 : 20 + digits;
    (void)snprintf(out, DATE_SIZE, "%.*sZ", (int)len, text);
}

static int date_cmp(const char *a, const char *b)
{
    struct stamp x, y;
    bool has_a = stamp_of(a, &x, NULL), has_b = stamp_of(b, &y, NULL);
    if (!has_a || !has_b)
        return (int)has_a - (int)has_b;
    return stamp_cmp(x, y);
}

/* --- asking --- */

static void ask(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    struct buf target;
    char number[48];
    bool query;
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    query = taxii_url_put(feed, STR("objects/"), &target);
    taxii_url_param(&target, &query, "added_after", str_of(taxii->base));
    if (!taxii->v20) {
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)taxii->limit);
        taxii_url_param(&target, &query, "limit", str_of(number));
    }
    if (!taxii->by_date)
        taxii_url_param(&target, &query, "next", (struct str) {taxii->next, taxii->next_len});
    feed_ask(feed, buf_str(&target));
    feed_ask_field(feed, "accept", str_of(accepts[taxii->v20][taxii->accept]));
    if (taxii->v20) {
        uint64_t from = taxii->by_date ? 0 : taxii->offset;
        (void)snprintf(number, sizeof number, "items%c%llu-%llu", taxii->equals ? '=' : ' ',
                       (unsigned long long)from, (unsigned long long)(from + taxii->limit - 1));
        feed_ask_field(feed, "range", str_of(number));
    }
    /* Too long an address is refused where it is sent. */
    buf_deinit(&target);
}

static err_t begin(struct feed *feed, bool v20)
{
    struct taxii *taxii = mem_alloc(sizeof *taxii);
    uint64_t accept = 0;
    if (taxii == NULL)
        return ERR_NOMEM;
    *feed_work(feed) = taxii;
    taxii->v20 = v20;
    taxii->limit = PAGE_ITEMS;
    (void)str_to_u64(feed_option(feed, "limit"), LIMIT_GROWN_MAX, &taxii->limit);
    taxii->limit_first = taxii->limit;
    if (str_to_u64(feed_get(feed, "accept"), 4, &accept))
        taxii->accept = (unsigned)accept;
    taxii->equals = feed_get(feed, "range").len > 0;
    struct str next = feed_get(feed, "next");
    struct str after = feed_get(feed, "after");
    if (after.len == 0)
        after = feed_option(feed, "from");
    copy_date(next.len > 0 ? feed_get(feed, "base") : after, taxii->base);
    copy_date(feed_get(feed, "last"), taxii->run_last);
    if (next.len > 0 && next.len <= sizeof taxii->next) {
        memcpy(taxii->next, next.at, next.len);
        taxii->next_len = next.len;
    }
    ask(feed);
    return ERR_OK;
}

static err_t begin21(struct feed *feed)
{
    return begin(feed, false);
}

static err_t begin20(struct feed *feed)
{
    return begin(feed, true);
}

/* --- answers --- */

/* From the last date that is safe, once for each that is reached. */
static bool restart(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    if (taxii->next_len == 0 || (taxii->restarted && date_cmp(taxii->run_last, taxii->restart_last) <= 0))
        return false;
    taxii->restarted = true;
    memcpy(taxii->restart_last, taxii->run_last, sizeof taxii->restart_last);
    taxii->next_len = 0;
    copy_date(feed_get(feed, "after"), taxii->base);
    if (taxii->base[0] == '\0')
        copy_date(feed_option(feed, "from"), taxii->base);
    ask(feed);
    return true;
}

static void finish(struct feed *feed);

static void other_status(struct feed *feed, const struct feed_answer *answer)
{
    struct taxii *taxii = *feed_work(feed);
    bool form = answer->status == 406 || answer->status == 415;
    if (form && taxii->accept + 1 < sizeof accepts[0] / sizeof accepts[0][0]) {
        taxii->accept++;
        ask(feed);
    } else if (answer->status == 400 && taxii->v20 && !taxii->other_sign) {
        taxii->other_sign = true;
        taxii->equals = !taxii->equals;
        ask(feed);
    } else if (answer->status == 416 && taxii->v20) {
        finish(feed); /* nothing stands behind what came */
    } else if (answer->status >= 400 && answer->status != 401 && answer->status != 403 &&
               answer->status != 429 && answer->status != 503 && restart(feed)) {
        return;
    } else {
        feed_refused(feed, answer);
    }
}

/* "items 0-99/500", also with "items=" or bare. */
static void read_range(struct taxii *taxii, struct str range)
{
    struct str total = range, numbers;
    uint64_t last = 0, all = 0;
    numbers = str_cut(&total, '/');
    while (numbers.len > 0 && (numbers.at[0] < '0' || numbers.at[0] > '9'))
        numbers = (struct str) {numbers.at + 1, numbers.len - 1};
    struct str end = numbers;
    (void)str_cut(&end, '-');
    taxii->more = taxii->count >= taxii->limit;
    if (str_to_u64(str_trim(end), UINT32_MAX, &last) && str_to_u64(str_trim(total), UINT32_MAX, &all))
        taxii->more = last + 1 < all && taxii->count > 0;
}

/* Brent: every power of two pages the mark moves. True: this page was there before. */
static bool repeats(struct taxii *taxii)
{
    const struct hash *digest = &taxii->envelope.digest;
    if (taxii->count == 0)
        return false;
    bool same = taxii->mark_until > 0 && hash_eq(digest, &taxii->mark);
    if (++taxii->mark_at >= taxii->mark_until) {
        taxii->mark = *digest;
        taxii->mark_at = 0;
        taxii->mark_until = taxii->mark_until == 0 ? 1 : 2 * taxii->mark_until;
    }
    return same;
}

static void read_dates(struct taxii *taxii, const struct feed_answer *answer)
{
    char first[DATE_SIZE];
    int64_t clock_us;
    copy_date(feed_answer_field(answer, "x-taxii-date-added-last"), taxii->page_last);
    copy_date(feed_answer_field(answer, "x-taxii-date-added-first"), first);
    if (taxii->page_last[0] == '\0') /* medallion: of a page of one object only the first */
        memcpy(taxii->page_last, first, sizeof first);
    if (!taxii->by_date && taxii->pages > 0 && first[0] != '\0' && date_cmp(first, taxii->run_last) < 0)
        taxii->unsorted = true;
    if (taxii->clock[0] == '\0' && http_date_read(feed_answer_field(answer, "date"), &clock_us)) {
        char text[TIME_TEXT_SIZE];
        time_text(clock_us - NO_DATES_BACK_US, text);
        copy_date(str_of(text), taxii->clock);
    }
}

static void page(struct feed *feed, struct feed_answer *answer)
{
    struct taxii *taxii = *feed_work(feed);
    err_t err = envelope_read(feed_parser(feed), buf_bytes(answer->body), &taxii->envelope);
    if (err != ERR_OK) {
        feed_fail(feed, err, "is --url the address of a collection (or of an API root, with --collection)?",
                  "what came is no answer of a TAXII server: %s", err_text(err));
        return;
    }
    taxii->count_before = taxii->count;
    taxii->count = taxii->envelope.count;
    taxii->more = taxii->envelope.more;
    if (taxii->v20) {
        taxii->more = false;
        if (answer->status == 206)
            read_range(taxii, feed_answer_field(answer, "content-range"));
    }
    read_dates(taxii, answer);
    taxii->empties = taxii->count == 0 ? taxii->empties + 1 : 0;
    feed_take(feed, answer->body);
}

static void answer(struct feed *feed, struct feed_answer *answer)
{
    if (answer->status == 200 || answer->status == 206)
        page(feed, answer);
    else
        other_status(feed, answer);
}

/* --- after a page was taken in --- */

/* How far it came, as long as what came before is all there. */
static void keep_dates(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    char after[DATE_SIZE];
    step_back(taxii->run_last, after);
    if (after[0] == '\0')
        return;
    (void)feed_set(feed, "after", str_of(after));
    (void)feed_set(feed, "last", str_of(taxii->run_last));
}

/* The run has everything up to run_last. */
static void finish(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    char accept[8];
    keep_dates(feed);
    if (taxii->run_last[0] == '\0' && (taxii->pages > 1 || taxii->count > 0))
        (void)feed_set(feed, "after", str_of(taxii->clock));
    (void)feed_set(feed, "next", STR(""));
    (void)feed_set(feed, "base", STR(""));
    (void)snprintf(accept, sizeof accept, "%u", taxii->accept);
    (void)feed_set(feed, "accept", taxii->accept == 0 ? STR("") : str_of(accept));
    (void)feed_set(feed, "range", taxii->equals ? STR("=") : STR(""));
    if (taxii->skipped)
        feed_remark(feed,
                    "the server says that there is more and gives nothing new: it always says so, or more "
                    "objects carry one date_added than it gives in a page (--limit)");
    feed_done(feed);
}

/* On by dates: from just before the last one. A page that is one single date is asked for larger, as long as
 * that brings more; then it goes on behind that date. False: there is no way on. */
static bool by_date(struct taxii *taxii)
{
    char back[DATE_SIZE];
    bool news = !taxii->by_date || date_cmp(taxii->run_last, taxii->asked_last) > 0;
    step_back(taxii->run_last, back);
    if (back[0] == '\0')
        return false;
    memcpy(taxii->asked_last, taxii->run_last, sizeof taxii->asked_last);
    taxii->by_date = true;
    taxii->next_len = 0;
    if (news) {
        taxii->grown = 0;
        taxii->limit = taxii->limit_first;
        if (date_cmp(back, taxii->base) > 0)
            memcpy(taxii->base, back, sizeof back);
        return true;
    }
    uint64_t wider = 2 * (taxii->limit > taxii->count ? taxii->limit : taxii->count);
    if (wider <= LIMIT_GROWN_MAX && (taxii->grown == 0 || taxii->count > taxii->count_before)) {
        taxii->grown++;
        taxii->limit = wider;
        return true;
    }
    if (strcmp(taxii->base, taxii->run_last) == 0)
        return false;
    taxii->skipped = true;
    memcpy(taxii->base, taxii->run_last, sizeof taxii->base);
    return true;
}

static void go_on_by_date(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    (void)feed_set(feed, "next", STR(""));
    (void)feed_set(feed, "base", STR(""));
    if (by_date(taxii)) {
        keep_dates(feed);
        ask(feed);
    } else if (taxii->run_last[0] != '\0') {
        taxii->skipped = true;
        finish(feed);
    } else {
        feed_fail(feed, ERR_WRONGSTATE, "tell its operator; it is tried again",
                  "the server says that there is more, but gives neither `next` that works nor dates");
    }
}

static void go_on_by_token(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    memcpy(taxii->next, taxii->envelope.next, taxii->envelope.next_len);
    taxii->next_len = taxii->envelope.next_len;
    if (!feed_set(feed, "next", (struct str) {taxii->next, taxii->next_len}))
        (void)feed_set(feed, "next", STR(""));
    (void)feed_set(feed, "base", str_of(taxii->base));
    if (!taxii->unsorted)
        keep_dates(feed);
    ask(feed);
}

static void taken(struct feed *feed)
{
    struct taxii *taxii = *feed_work(feed);
    bool again = repeats(taxii) || taxii->empties > LIMIT_FEED_EMPTY_PAGES;
    taxii->pages++;
    taxii->offset += taxii->count;
    if (date_cmp(taxii->page_last, taxii->run_last) > 0)
        memcpy(taxii->run_last, taxii->page_last, sizeof taxii->run_last);
    if (!taxii->more)
        finish(feed);
    else if (taxii->pages >= LIMIT_FEED_PAGES)
        feed_done(feed); /* the next run goes on where this one came to */
    else if (taxii->by_date || again || (!taxii->v20 && taxii->envelope.next_len == 0))
        go_on_by_date(feed);
    else if (taxii->v20)
        ask(feed);
    else
        go_on_by_token(feed);
}

static bool is_limit(struct str value)
{
    uint64_t limit;
    return str_to_u64(value, LIMIT_GROWN_MAX, &limit) && limit > 0;
}

static bool is_date(struct str value)
{
    struct stamp stamp;
    return value.len < DATE_SIZE && stamp_parse(value, &stamp, NULL) == ERR_OK;
}

static const struct feed_option options[] = {
    {"collection", "the id or alias of a collection below the API root that --url names", false, NULL},
    {"limit", "how many objects a page asks for, 1 to 131072", false, is_limit},
    {"from", "a time as 2026-01-31T00:00:00Z: what was added before is left out", false, is_date},
    {NULL, NULL, false, NULL},
};

const struct feed_kind feed_kind_taxii21 = {
    .name = "taxii21",
    .summary = "a collection of a TAXII 2.1 server",
    .options = options,
    .begin = begin21,
    .answer = answer,
    .taken = taken,
    .end = mem_free,
};

const struct feed_kind feed_kind_taxii20 = {
    .name = "taxii20",
    .summary = "a collection of a TAXII 2.0 server",
    .options = options,
    .begin = begin20,
    .answer = answer,
    .taken = taken,
    .end = mem_free,
};
