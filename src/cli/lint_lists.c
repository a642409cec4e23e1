#include "cli/lint_lists.h"

#include <stdio.h>

#include "core/limit.h"
#include "json/json.h"

static bool refuse(struct str said, const char *why)
{
    (void)cli_fail("bongsu list add --help names the kinds", "--lists: %.*s: %s", STR_ARG(said), why);
    return false;
}

/* "domain:top.txt", "warninglist.json", "reserved". */
static bool parse(struct str said, enum gate_list_kind *out_kind, struct str *out_file)
{
    struct str rest = said, word = str_cut(&rest, ':');
    bool built_in = gate_list_kind_find(said, out_kind) &&
                    (*out_kind == GATE_LIST_RESERVED || *out_kind == GATE_LIST_BROAD);
    *out_file = STR("");
    if (built_in)
        return true;
    *out_file = said;
    if (word.len < said.len && gate_list_kind_find(word, out_kind))
        *out_file = rest;
    else
        *out_kind = GATE_LIST_MISP;
    return out_file->len > 0;
}

static bool read_one(const struct cli_call *call, struct str said, struct arena *arena,
                     struct lint_lists *out)
{
    static const uint8_t padding[JSON_PADDING];
    enum gate_list_kind kind;
    struct fault fault = {0};
    struct str file;
    struct buf text;
    if (out->count == LINT_LISTS_MAX)
        return refuse(said, "too many lists");
    if (!parse(said, &kind, &file))
        return refuse(said, "KIND:FILE, a warninglist's FILE, reserved or broad");
    char *name = arena_zalloc(arena, said.len + 1, 1), *path = arena_zalloc(arena, file.len + 1, 1);
    if (name == NULL || path == NULL)
        return refuse(said, err_text(ERR_NOMEM));
    memcpy(name, said.at, said.len);
    memcpy(path, file.at, file.len);
    buf_init(&text, LIMIT_LIST_BYTES + JSON_PADDING);
    bool good = file.len == 0 || cli_read(call, path, &text);
    size_t len = text.len;
    buf_put(&text, padding, sizeof padding);
    if (good && buf_err(&text) != ERR_OK)
        good = refuse(said, err_text(buf_err(&text)));
    if (good && list_read(kind, bytes_of(text.at, len), arena, &out->at[out->count].list, &fault) != ERR_OK)
        good = refuse(said, fault.what[0] != '\0' ? fault.what : "it cannot be read");
    buf_deinit(&text);
    out->at[out->count].name = name;
    out->count += good;
    return good;
}

bool lint_lists_read(const struct cli_call *call, const char *said, struct arena *arena,
                     struct lint_lists *out)
{
    struct str rest = str_of(said);
    *out = (struct lint_lists) {.count = 0};
    while (rest.len > 0)
        if (!read_one(call, str_cut(&rest, ','), arena, out))
            return false;
    return true;
}

struct asking {
    const struct lint_lists *lists;
    char *out;
};

static bool ask(void *ctx, const struct list_value *value)
{
    const struct asking *asking = ctx;
    for (size_t i = 0; i < asking->lists->count; i++) {
        if (!list_hits(asking->lists->at[i].list, value))
            continue;
        (void)snprintf(
            asking->out, LINT_LIST_SAID,
            "its value is on the list %.80s: a node that has it holds the object (built-in.safety)",
            asking->lists->at[i].name);
        return true;
    }
    return false;
}

bool lint_lists_hit(const struct lint_lists *lists, const struct stix_object *object, struct arena *arena,
                    char out[LINT_LIST_SAID])
{
    struct asking asking = {lists, out};
    uint64_t steps = LIMIT_LIST_STEPS;
    return lists->count > 0 && list_each_value(object, arena, &steps, ask, &asking);
}
