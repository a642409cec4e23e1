/* A table or a list of values at a URL, asked with its ETag. What it held the last time is remembered, id by
 * id: a row that is as it was costs nothing, one that is new, changed or back goes in as a version behind the
 * one that is held, and an indicator whose row is gone gets an end. See docs/protocol/CSV.md.
 *
 * The rows are read in steps and brought into the order of their ids; then list and memory are gone through
 * share by share, and what a share has become is remembered behind the objects of it. So a run that breaks
 * off goes on there: what went in already is found to be held. */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "feeds/csv_held.h"
#include "feeds/fresh.h"
#include "feeds/kind.h"

enum { SKIPPED_MAX = 320 };

struct value { /* of the list as it is now */
    struct feed_member member;
    size_t at, line;
};

struct list {
    struct fresh *fresh;
    struct csv_map map; /* its strings are the declaration's */
    struct buf text;
    struct csv_rows rows;
    struct csv_held held; /* what the node holds */
    struct value *values; /* as they stand in the text, then by id */
    size_t value_count, value_room, value_at;
    struct feed_member *members; /* as remembered, by id */
    size_t member_count, member_at;
    unsigned share, first; /* the next one; the first that is not remembered yet */
    bool differs[FEED_SHARES];
    size_t ended; /* objects of `out` */
    struct buf out;
    bool open, compared;
    char skipped[SKIPPED_MAX]; /* about rows that hold no value */
};

static void end(void *work)
{
    struct list *list = work;
    if (list->fresh != NULL)
        fresh_end(list->fresh);
    if (list->open)
        csv_rows_close(&list->rows);
    csv_held_deinit(&list->held);
    buf_deinit(&list->text);
    buf_deinit(&list->out);
    mem_free(list->values);
    mem_free(list->members);
    mem_free(list);
}

/* --- asking --- */

static bool is_table(const struct feed *feed)
{
    return feed_conf_of(feed)->kind == &feed_kind_csv;
}

static err_t read_map(const struct feed *feed, struct csv_map *out)
{
    struct str text = feed_option(feed, "map");
    if (text.len == 0)
        text = STR("");
    return is_table(feed) ? csv_map_parse(text, out, NULL) : csv_map_parse_list(text, out, NULL);
}

/* What decides which objects a text makes. Declared anew, an unchanged text is read again. */
static struct str reading(const struct feed *feed, char out[17])
{
    const struct feed_conf *conf = feed_conf_of(feed);
    struct bytes parts[] = {bytes_from_str(str_of(feed_kind_name(conf->kind))), bytes_from_str(conf->url),
                            bytes_from_str(conf->source), bytes_from_str(feed_option(feed, "map"))};
    uint64_t mixed = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        mixed = mixed * UINT64_C(0x9e3779b97f4a7c15) + hash_xxh3(parts[i]);
    (void)snprintf(out, 17, "%016llx", (unsigned long long)mixed);
    return (struct str) {out, 16};
}

static err_t begin(struct feed *feed)
{
    char now[17];
    struct list *list = mem_alloc(sizeof *list);
    if (list == NULL)
        return ERR_NOMEM;
    *feed_work(feed) = list;
    csv_held_init(&list->held);
    buf_init(&list->out, LIMIT_FEED_ANSWER_BYTES);
    err_t err = fresh_new(&list->fresh);
    if (err == ERR_OK)
        err = read_map(feed, &list->map);
    if (err != ERR_OK)
        return err;
    feed_remark(feed, "%.*s", STR_ARG(feed_get(feed, "skipped")));
    feed_ask(feed, feed_url(feed).target);
    feed_ask_field(feed, "accept", STR("text/csv, text/plain;q=0.9, */*;q=0.1"));
    if (str_eq(feed_get(feed, "reading"), reading(feed, now)))
        fresh_ask(feed);
    return ERR_OK;
}

/* --- reading --- */

static void note_skipped(void *ctx, size_t line, struct str value, const char *what)
{
    struct list *list = ctx;
    (void)value; /* somebody else's text */
    if (list->skipped[0] == '\0')
        (void)snprintf(list->skipped, sizeof list->skipped, "the first in line %zu: %s", line, what);
}

static err_t add_value(struct list *list, const struct csv_row *row)
{
    if (list->value_count >= LIMIT_FEED_LIST_VALUES)
        return ERR_LIMIT;
    if (list->value_count == list->value_room) {
        size_t room = list->value_room == 0 ? 1024 : 2 * list->value_room;
        struct value *grown = mem_grow(list->values, room * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        list->values = grown;
        list->value_room = room;
    }
    list->values[list->value_count++] = (struct value) {{row->id, row->content}, row->at, row->line};
    return ERR_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    int order = memcmp(x->member.id.b, y->member.id.b, UUID_SIZE);
    return order != 0 ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* Of a value that stands in the list twice the first row counts. */
static void order_values(struct list *list)
{
    size_t kept = 0;
    if (list->value_count > 0)
        qsort(list->values, list->value_count, sizeof list->values[0], by_id);
    for (size_t i = 0; i < list->value_count; i++) {
        struct value *last = kept == 0 ? NULL : &list->values[kept - 1];
        if (last == NULL || memcmp(last->member.id.b, list->values[i].member.id.b, UUID_SIZE) != 0)
            list->values[kept++] = list->values[i];
    }
    list->value_count = kept;
}

/* csv_least says why. False: the run has ended. */
static bool is_believed(struct feed *feed, struct list *list)
{
    struct str option = feed_option(feed, "least");
    uint64_t least = csv_least(list->member_count);
    bool declared = option.len > 0 && str_to_u64(option, UINT64_MAX, &least);
    size_t skipped = list->rows.refused;
    if (list->value_count == 0 && skipped > 0) {
        feed_fail(feed, ERR_INVALID, "look at --url and --map; nothing of it was taken in, nothing ended",
                  "none of its %zu rows holds a value; %s", skipped, list->skipped);
        return false;
    }
    if (list->value_count >= least)
        return true;
    feed_fail(feed, ERR_DENIED,
              "nothing of it was taken in, nothing ended; if it is right: bongsu feed add with the same name "
              "and --least N",
              declared ? "the list had %zu values and has %zu: fewer than --least"
                       : "the list had %zu values and has %zu: less than half",
              list->member_count, list->value_count);
    return false;
}

static void proceed(struct feed *feed);

static void read_some(struct feed *feed)
{
    struct list *list = *feed_work(feed);
    struct csv_row row;
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < LIMIT_FEED_LIST_STEP; i++)
        if ((err = csv_rows_next(&list->rows, &row)) == ERR_OK)
            err = add_value(list, &row);
    if (err == ERR_OK) {
        feed_later(feed, 0);
        return;
    }
    if (err != ERR_NOTFOUND) {
        feed_fail(feed, err, "more than a list may have is to be taken in parts",
                  "the list cannot be held: %s (it may have %d values)", err_text(err),
                  LIMIT_FEED_LIST_VALUES);
        return;
    }
    order_values(list);
    if (!is_believed(feed, list))
        return;
    list->compared = true;
    if (list->rows.refused > 0)
        feed_remark(feed, "%zu rows hold no value that could be taken; %s", list->rows.refused,
                    list->skipped);
    else
        feed_remark(feed, "%s", "");
    proceed(feed);
}

/* A page where a list should be: of an error, of a login. */
static bool is_page(struct bytes text)
{
    size_t at = text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < text.len && text.at[at] != '\0' && strchr(" \t\r\n", text.at[at]) != NULL)
        at++;
    if (at + 1 >= text.len || text.at[at] != '<')
        return false;
    char next = str_lower((char)text.at[at + 1]);
    return next == '!' || next == '?' || (next >= 'a' && next <= 'z');
}

static void answer(struct feed *feed, struct feed_answer *answer)
{
    struct list *list = *feed_work(feed);
    struct fault fault = {0};
    if (!fresh_answered(feed, list->fresh, answer))
        return;
    if (is_page(buf_bytes(answer->body))) {
        feed_fail(feed, ERR_INVALID, "look at --url; nothing of it was taken in, nothing ended",
                  "a page of HTML or XML came instead of a list");
        return;
    }
    list->text = *answer->body;
    buf_init(answer->body, answer->body->size_max);
    list->held.gate = feed_gate(feed);
    list->held.parser = feed_parser(feed);
    list->held.source = gate_source_find(feed_gate(feed), feed_conf_of(feed)->source)->number;
    list->rows = (struct csv_rows) {
        .map = &list->map, .source = feed_conf_of(feed)->source, .refuse = note_skipped, .ctx = list};
    list->open = true;
    err_t err = csv_rows_open(&list->rows, buf_bytes(&list->text), &fault);
    if (err == ERR_OK)
        err = feed_members_read(feed, &list->members, &list->member_count);
    if (err != ERR_OK)
        feed_fail(feed, err, "look at --map", "the list cannot be read: %s",
                  fault.what[0] == '\0' ? err_text(err) : fault.what);
    else
        read_some(feed);
}

/* --- what differs --- */

static err_t put_value(struct list *list, const struct value *value)
{
    struct csv_row row;
    csv_rows_seek(&list->rows, value->at, value->line);
    err_t err = csv_rows_next(&list->rows, &row);
    must(err == ERR_NOMEM || (err == ERR_OK && row.content == value->member.value));
    return err == ERR_OK ? csv_held_put(&list->held, &list->rows, &row, &list->out) : err;
}

static err_t end_member(struct list *list, const struct feed_member *member)
{
    size_t before = list->out.len;
    err_t err = csv_held_end(&list->held, &member->id, &list->out);
    list->ended += list->out.len > before;
    return err;
}

/* The next value, the next member, or both when it is the same one, of this share; false: there is none. */
static bool next_pair(struct list *list, const struct value **out_value,
                      const struct feed_member **out_member)
{
    const struct value *value = list->value_at < list->value_count ? &list->values[list->value_at] : NULL;
    const struct feed_member *member =
        list->member_at < list->member_count ? &list->members[list->member_at] : NULL;
    bool has_value = value != NULL && value->member.id.b[0] == list->share;
    bool has_member = member != NULL && member->id.b[0] == list->share;
    int order = has_value && has_member ? memcmp(value->member.id.b, member->id.b, UUID_SIZE)
                                        : (int)has_member - (int)has_value;
    *out_value = has_value && order <= 0 ? value : NULL;
    *out_member = has_member && order >= 0 ? member : NULL;
    list->value_at += *out_value != NULL;
    list->member_at += *out_member != NULL;
    return has_value || has_member;
}

static err_t compare_share(struct list *list)
{
    const struct value *value;
    const struct feed_member *member;
    err_t err = ERR_OK;
    while (err == ERR_OK && next_pair(list, &value, &member)) {
        if (value != NULL && member != NULL && value->member.value == member->value)
            continue;
        list->differs[list->share] = true;
        err = value != NULL ? put_value(list, value) : end_member(list, member);
    }
    list->share++;
    return err;
}

/* --- what is remembered --- */

/* Values of a share stand together. */
static err_t remember_share(struct feed *feed, const struct list *list, unsigned share, size_t *at)
{
    struct feed_member *members = NULL;
    size_t from = *at, count = 0;
    while (*at < list->value_count && list->values[*at].member.id.b[0] == share)
        ++*at;
    if (!list->differs[share])
        return ERR_OK;
    if (*at > from && (members = mem_alloc((*at - from) * sizeof *members)) == NULL)
        return ERR_NOMEM;
    for (size_t i = from; i < *at; i++)
        members[count++] = list->values[i].member;
    err_t err = feed_members_put(feed, share, members, count);
    mem_free(members);
    return err;
}

static bool remember(struct feed *feed, struct list *list)
{
    err_t err = ERR_OK;
    size_t at = 0;
    while (at < list->value_count && list->values[at].member.id.b[0] < list->first)
        at++;
    for (; err == ERR_OK && list->first < list->share; list->first++)
        err = remember_share(feed, list, list->first, &at);
    if (err != ERR_OK) {
        feed_fail(feed, err, "look at bongsu status", "which values it has could not be kept: %s",
                  err_text(err));
        return false;
    }
    feed_tally(feed)->withdrawn += list->ended;
    list->ended = 0;
    return true;
}

static void finish(struct feed *feed, const struct list *list)
{
    char now[17], skipped[SKIPPED_MAX + 64];
    (void)snprintf(skipped, sizeof skipped, "%zu rows hold no value that could be taken; %s",
                   list->rows.refused, list->skipped);
    (void)feed_set(feed, "skipped", list->skipped[0] == '\0' ? STR("") : str_of(skipped));
    (void)feed_set(feed, "reading", reading(feed, now));
    fresh_taken(feed, list->fresh);
    feed_done(feed);
}

/* Some shares; then what differs is taken in, or there is nothing and the next ones follow. */
static void proceed(struct feed *feed)
{
    struct list *list = *feed_work(feed);
    err_t err = ERR_OK;
    list->held.looked = 0;
    list->held.now_us = feed_now(feed);
    buf_clear(&list->out);
    buf_put_str(&list->out, STR("{\"objects\":["));
    size_t empty = list->out.len;
    while (err == ERR_OK && list->share < FEED_SHARES && list->out.len < LIMIT_FEED_BATCH_BYTES &&
           list->held.looked < LIMIT_FEED_LIST_STEP)
        err = compare_share(list);
    if (err != ERR_OK) {
        feed_fail(feed, err, NULL, "what differs could not be told: %s", err_text(err));
    } else if (list->out.len > empty) {
        list->out.len--; /* the last comma */
        buf_put_str(&list->out, STR("]}"));
        feed_take(feed, &list->out);
    } else if (remember(feed, list)) {
        if (list->share < FEED_SHARES)
            feed_later(feed, 0);
        else
            finish(feed, list);
    }
}

static void taken(struct feed *feed)
{
    struct list *list = *feed_work(feed);
    if (!remember(feed, list))
        return;
    if (list->share < FEED_SHARES)
        proceed(feed);
    else
        finish(feed, list);
}

static void later(struct feed *feed)
{
    struct list *list = *feed_work(feed);
    if (list->compared)
        proceed(feed);
    else
        read_some(feed);
}

/* --- the two kinds --- */

static bool fits_table(struct str text)
{
    struct csv_map map;
    return str_trim(text).len > 0 && csv_map_parse(text, &map, NULL) == ERR_OK;
}

static bool fits_list(struct str text)
{
    struct csv_map map;
    return csv_map_parse_list(text, &map, NULL) == ERR_OK;
}

static bool fits_count(struct str text)
{
    uint64_t count;
    return str_to_u64(text, LIMIT_FEED_LIST_VALUES, &count);
}

#define LEAST                                                                                                \
    {                                                                                                        \
        "least", "the fewest values that the list may come down to; without it half of what it had", false,  \
            fits_count                                                                                       \
    }

static const struct feed_option table_options[] = {
    {"map", "a mapping as of add --as csv: type=ipv4-addr value=col:ip labels=botnet", true, fits_table},
    LEAST,
    {0},
};

static const struct feed_option list_options[] = {
    {"map", "a mapping as of add --as list, without columns: type=ipv4-addr labels=botnet", false, fits_list},
    LEAST,
    {0},
};

const struct feed_kind feed_kind_csv = {
    .name = "csv",
    .summary = "a table at a URL, with a mapping",
    .options = table_options,
    .begin = begin,
    .answer = answer,
    .taken = taken,
    .later = later,
    .end = end,
};

const struct feed_kind feed_kind_list = {
    .name = "list",
    .summary = "a list of values at a URL, one a line",
    .options = list_options,
    .begin = begin,
    .answer = answer,
    .taken = taken,
    .later = later,
    .end = end,
};
