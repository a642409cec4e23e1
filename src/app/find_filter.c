#include "app/find_filter.h"

#include <stdio.h>

#include "search/term.h"

void find_filter_init(struct find_filter *filter)
{
    *filter = (struct find_filter) {.tag = ""};
    search_query_init(&filter->gate.query);
}

void find_filter_deinit(struct find_filter *filter)
{
    search_query_deinit(&filter->gate.query);
}

bool find_filter_pass(const struct find_filter *filter, const struct gate_found *found)
{
    return find_times_pass(&filter->times, found->stix);
}

/* Options that are a term as they stand. */
static const struct {
    const char *name;
    enum term_kind kind;
    bool id; /* an identifier, which would else be found nowhere and in silence */
} plain[] = {{"type", TERM_TYPE, false},
             {"label", TERM_LABEL, false},
             {"sector", TERM_SECTOR, false},
             {"creator", TERM_CREATOR, true}};

static err_t read_plain(struct command_call *call, struct search_query *query)
{
    struct stix_key key;
    struct json_val given;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        struct str text = command_text_or_empty(call, plain[i].name);
        if (!json_get(call->args, str_of(plain[i].name), &given))
            continue;
        if (text.len == 0)
            return command_refuse(call, ERR_USAGE, NULL, "--%s is empty", plain[i].name);
        err_t err = plain[i].id ? command_object(call, plain[i].name, &key) : ERR_OK;
        if (err != ERR_OK)
            return err;
        search_query_term(query, plain[i].kind, text);
    }
    return ERR_OK;
}

static err_t read_marking(struct command_call *call, struct search_query *query)
{
    struct str text = command_text_or_empty(call, "marking");
    char name[32];
    enum stix_tlp tlp;
    struct stix_key key;
    err_t err;
    if (text.len == 0)
        return ERR_OK;
    if (!str_starts(text, STR("tlp:")) && !str_eq(text, STR("none")) &&
        TRY(err, command_object(call, "marking", &key)))
        return err;
    if (str_starts(text, STR("tlp:"))) {
        if (TRY(err, command_tlp(call, "marking", &tlp)))
            return err;
        int len = snprintf(name, sizeof name, "tlp:%s", stix_tlp_name(tlp));
        text = (struct str) {name, (size_t)len};
    }
    search_query_term(query, TERM_MARKING, text);
    return ERR_OK;
}

static err_t read_values(struct command_call *call, struct search_query *query)
{
    struct str values = command_text_or_empty(call, "values"), text = command_text_or_empty(call, "text");
    if (values.len > 0 && search_query_values(query, values) != ERR_OK)
        return command_refuse(call, ERR_USAGE, NULL, "an empty value cannot be searched for");
    struct json_val given;
    if (json_get(call->args, STR("text"), &given) && search_query_text(query, text) != ERR_OK)
        return command_refuse(call, ERR_USAGE, "letters or digits of any script", "--text has no word in it");
    return ERR_OK;
}

err_t find_filter_read(struct command_call *call, struct find_filter *out)
{
    struct search_query *query = &out->gate.query;
    struct str tag = command_text_or_empty(call, "tag");
    char number[16];
    err_t err;
    if (TRY(err, command_none_empty(call)) || TRY(err, read_plain(call, query)) ||
        TRY(err, command_source(call, "source", &out->gate.source)) ||
        TRY(err, command_source(call, "owner", &out->gate.owner)) || TRY(err, read_marking(call, query)) ||
        TRY(err, read_values(call, query)) ||
        TRY(err, command_time(call, "since", INT64_MIN, &out->gate.since_us)) ||
        TRY(err, command_time(call, "until", INT64_MAX, &out->gate.until_us)) ||
        TRY(err, find_times_read(call, &out->times)))
        return err;
    if (out->gate.source != GATE_SOURCE_NONE) {
        int len = snprintf(number, sizeof number, "%u", out->gate.source);
        search_query_term(query, TERM_SOURCE, (struct str) {number, (size_t)len});
    }
    if (search_query_err(query) != ERR_OK)
        return command_refuse(call, ERR_LIMIT, "ask for less at once", "the question is too long");
    if (tag.len > sizeof out->tag)
        return command_refuse(call, ERR_USAGE, NULL, "--tag is longer than any tag");
    if (tag.len > 0)
        memcpy(out->tag, tag.at, tag.len);
    out->gate.tag = (struct str) {out->tag, tag.len};
    out->gate.all = command_flag(call, "all");
    return ERR_OK;
}

bool find_filter_given(const struct command_call *call)
{
    static const char *const names[] = {
        "type",          "label",         "sector",         "creator",        "source",  "owner",
        "marking",       "values",        "text",           "since",          "until",   "tag",
        "created-since", "created-until", "modified-since", "modified-until", "valid-at"};
    struct json_val value;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_get(call->args, str_of(names[i]), &value))
            return true;
    return false;
}
