#include "search/query.h"

#include "core/limit.h"
#include "search/words.h"

void search_query_init(struct search_query *query)
{
    buf_init(&query->match, LIMIT_SEARCH_QUERY_BYTES);
}

void search_query_deinit(struct search_query *query)
{
    buf_deinit(&query->match);
}

err_t search_query_err(const struct search_query *query)
{
    return buf_err(&query->match);
}

static void and_then(struct buf *out)
{
    if (out->len > 0)
        buf_put_str(out, STR(" AND "));
}

/* A string of the index's question language: quotes are doubled, nothing else means anything. Only the first
 * byte of a term may be a control character. */
static void put_quoted(struct buf *out, struct str text, bool term)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_putc(out, '"');
        bool control = (uint8_t)text.at[i] < 0x20 && !(term && i == 0);
        buf_putc(out, control ? ' ' : text.at[i]);
    }
    buf_putc(out, '"');
}

/* A term in the spelling that it has in the index. `open`: all that begin so. */
static void put_term(struct buf *out, enum term_kind kind, struct str value, bool open)
{
    uint8_t raw[TERM_BYTES_MAX + 3] = {TERM_BEGIN};
    struct buf term = {.at = raw, .len = 1, .size = sizeof raw, .size_max = sizeof raw};
    term_put(&term, kind, value);
    if (term.len > 1)
        term.len--; /* TERM_END */
    put_quoted(out, buf_str(&term), true);
    if (open)
        buf_put_str(out, STR(" *"));
}

void search_query_term(struct search_query *query, enum term_kind kind, struct str value)
{
    and_then(&query->match);
    buf_put_str(&query->match, STR("t:"));
    put_term(&query->match, kind, value, false);
}

static void put_network(struct buf *out, const struct term_network *network)
{
    char text[TERM_NETWORK_TEXT_MAX];
    bool v4 = network->size == 32, host = network->bits == network->size;
    enum term_kind addresses = v4 ? TERM_ADDRESS4 : TERM_ADDRESS6;
    enum term_kind networks = v4 ? TERM_NETWORK4 : TERM_NETWORK6;
    struct str inside = {text, term_network_text(network, network->bits, false, text)};
    /* Nothing begins with no bits at all: the whole space is both its halves. */
    unsigned halves = network->bits == 0 ? 2 : 1;
    for (unsigned i = 0; i < halves; i++) {
        char half = i == 0 ? '0' : '1';
        struct str begins = halves == 2 ? (struct str) {&half, 1} : inside;
        buf_put_str(out, STR(" OR "));
        put_term(out, addresses, begins, !host);
        if (!host) {
            buf_put_str(out, STR(" OR "));
            put_term(out, networks, begins, true);
        }
    }
    for (unsigned bits = 0; bits <= network->bits && bits < network->size; bits++) {
        size_t len = term_network_text(network, bits, true, text);
        buf_put_str(out, STR(" OR "));
        put_term(out, networks, (struct str) {text, len}, false);
    }
}

/* `.example`: it and all below. A top level alone (.kr) is no domain, but one can ask what stands below it.
 */
static void put_domain(struct buf *out, struct str value)
{
    char domain[TERM_BYTES_MAX];
    size_t len;
    bool below = value.len > 1 && value.at[0] == '.';
    struct str name = {value.at + below, value.len - below};
    if (!(below ? term_labels(name, domain, &len) : term_domain(name, domain, &len)))
        return;
    buf_put_str(out, STR(" OR "));
    put_term(out, TERM_DOMAIN, (struct str) {domain, len}, below);
}

static void put_value(struct buf *out, struct str value)
{
    struct term_network network;
    bool open = value.len > 1 && value.at[value.len - 1] == '*';
    put_term(out, TERM_VALUE, (struct str) {value.at, value.len - open}, open);
    buf_put_str(out, STR(" OR "));
    put_term(out, TERM_HASH, value, false);
    if (term_network_parse(value, &network))
        put_network(out, &network);
    else
        put_domain(out, value);
}

err_t search_query_values(struct search_query *query, struct str lines)
{
    struct buf *out = &query->match;
    bool any = false;
    if (str_trim(lines).len == 0)
        return ERR_INVALID;
    and_then(out);
    buf_put_str(out, STR("t:("));
    while (lines.len > 0) {
        struct str value = str_trim(str_cut(&lines, '\n'));
        if (value.len == 0)
            continue;
        if (any)
            buf_put_str(out, STR(" OR "));
        put_value(out, value);
        any = true;
    }
    buf_putc(out, ')');
    return ERR_OK;
}

err_t search_query_value(struct search_query *query, struct str value)
{
    return value.len > 0 && memchr(value.at, '\n', value.len) != NULL ? ERR_INVALID
                                                                      : search_query_values(query, value);
}

/* What stands without a blank, or in quotes: its words stand together. */
static bool put_phrase(struct buf *out, struct str phrase, bool open)
{
    struct words words = words_of(phrase, true);
    struct word word, last = {.len = 0};
    bool any = false;
    while (words_next(&words, &word)) {
        any = true;
        last = word;
    }
    if (!any)
        return false;
    and_then(out);
    buf_put_str(out, STR("w:"));
    put_quoted(out, phrase, false);
    if (open || last.single)
        buf_put_str(out, STR(" *"));
    return true;
}

static struct str next_phrase(struct str *rest, bool *out_open)
{
    *rest = str_trim(*rest);
    *out_open = false;
    if (rest->len > 1 && rest->at[0] == '"') {
        *rest = (struct str) {rest->at + 1, rest->len - 1};
        return str_cut(rest, '"');
    }
    struct str all = *rest, word = str_cut(rest, ' ');
    const char *quote = memchr(word.at, '"', word.len);
    if (quote != NULL && quote > word.at) { /* word"phrase": two */
        word.len = (size_t)(quote - word.at);
        *rest = (struct str) {quote, all.len - word.len};
    }
    if (word.len > 1 && word.at[word.len - 1] == '*') {
        word.len--;
        *out_open = true;
    }
    return word;
}

err_t search_query_text(struct search_query *query, struct str text)
{
    bool any = false, open;
    while (text.len > 0) {
        struct str phrase = next_phrase(&text, &open);
        any |= phrase.len > 0 && put_phrase(&query->match, phrase, open);
    }
    return any ? ERR_OK : ERR_INVALID;
}
