#include "taxii/remove.h"

#include <stdio.h>

#include "core/mem.h"
#include "taxii/page.h"

enum { KEY_MAX = 64 };

static struct str gone_key(uint32_t source, uint64_t order, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "taxii/gone/%lu/%llu", (unsigned long)source, (unsigned long long)order);
    return (struct str) {out, (size_t)len};
}

bool remove_is(const struct taxii *taxii, uint32_t source, uint64_t order)
{
    char key[KEY_MAX];
    uint8_t raw[8]; /* short of memory, what was deleted would be there again */
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    return gate_setting_get(taxii->gate, gone_key(source, order, key), &value);
}

static err_t put(const struct call *call, uint32_t source, uint64_t order, struct bytes value,
                 const char *because)
{
    const struct gate_by by = {call->identity->name, str_of(because)};
    char key[KEY_MAX];
    return gate_setting_put(call->taxii->gate, gone_key(source, order, key), value, &by, call->now_us);
}

err_t remove_undo(const struct call *call, uint32_t source, uint64_t order)
{
    if (!remove_is(call->taxii, source, order))
        return ERR_OK;
    return put(call, source, order, bytes_of(NULL, 0), "TAXII submission");
}

struct removal {
    const struct call *call;
    struct view view;
    struct query query;
    struct version *versions; /* LIMIT_TAXII_VERSIONS */
    size_t count, removed;
};

/* Marks what match[version] names in `wanted`, and every other copy of the same versions: or one that gave
 * way would come to light. */
static err_t mark_matching(struct removal *removal, bool *wanted)
{
    struct version *versions = removal->versions;
    err_t err = ERR_OK;
    for (size_t i = 0; i < removal->count && err == ERR_OK; i++) {
        bool matches = false;
        err = page_matches(&removal->view, &removal->query, versions, removal->count, i, &matches);
        for (size_t k = 0; matches && k < removal->count; k++)
            wanted[k] = wanted[k] || k == i ||
                        (!versions[i].versionless && !versions[k].versionless &&
                         stamp_cmp(versions[i].stamp, versions[k].stamp) == 0);
    }
    return err;
}

static err_t remove_matching(struct removal *removal)
{
    bool *wanted = mem_alloc_array(removal->count + 1, sizeof *wanted);
    err_t err = wanted == NULL ? ERR_NOMEM : mark_matching(removal, wanted);
    for (size_t i = 0; i < removal->count && err == ERR_OK; i++) {
        if (!wanted[i])
            continue;
        err = put(removal->call, removal->view.workspace->source, removal->versions[i].order,
                  bytes_of("1", 1), "TAXII DELETE");
        removal->removed++;
    }
    mem_free(wanted);
    return err;
}

static err_t removal_run(struct removal *removal, const struct place *place, const struct stix_key *key)
{
    err_t err;
    removal->versions = mem_alloc_array(LIMIT_TAXII_VERSIONS, sizeof *removal->versions);
    if (removal->versions == NULL)
        return ERR_NOMEM;
    if (!TRY(err, view_init(&removal->view, removal->call->taxii, &place->collection)) &&
        !TRY(err,
             view_versions(&removal->view, key, removal->versions, LIMIT_TAXII_VERSIONS, &removal->count)) &&
        removal->query.spec_matches)
        err = remove_matching(removal);
    view_deinit(&removal->view);
    mem_free(removal->versions);
    return err;
}

static void answer_removal(const struct call *call, const struct removal *removal, err_t err)
{
    call->effect->needs_commit = removal->removed > 0;
    call->effect->access.objects = removal->removed;
    if (err != ERR_OK) {
        answer_failed(call->response, err);
    } else if (removal->removed == 0) {
        answer_not_found(call->response);
    } else {
        answer_begin(call->response, 200);
        call->response->content_type = NULL;
    }
}

void remove_object(const struct call *call, const struct place *place)
{
    struct removal removal = {.call = call};
    struct stix_key key;
    struct arena arena;
    struct fault fault = {0};
    if (!stix_id_parse(place->id, &key)) {
        answer_not_found(call->response);
        return;
    }
    arena_init(&arena, 1u << 20);
    err_t err = query_read(call->request->query, QUERY_VERSION | QUERY_SPEC | QUERY_ALL, &arena,
                           &removal.query, &fault);
    if (err == ERR_INVALID)
        answer_error(call->response, 400, "Bad query", str_of(fault.what));
    else
        answer_removal(call, &removal, err == ERR_OK ? removal_run(&removal, place, &key) : err);
    arena_deinit(&arena);
}
