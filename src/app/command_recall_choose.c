#include "app/recall_choice.h"

#include <stdlib.h>

#include "app/find_filter.h"
#include "core/mem.h"
#include "gate/persons.h"
#include "gate/recall.h"

enum { STEP_OBJECTS = 1024, DIGEST_HEX_MIN = 8 };

/* --- sets of positions --- */

struct set {
    uint64_t *at;
    size_t count, size;
    bool full; /* not all of it is here: too many, or no memory */
};

static int by_number(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void set_sort(struct set *set)
{
    size_t kept = 0;
    if (set->count > 1)
        qsort(set->at, set->count, sizeof *set->at, by_number);
    for (size_t i = 0; i < set->count; i++)
        if (i == 0 || set->at[i] != set->at[i - 1])
            set->at[kept++] = set->at[i];
    set->count = kept;
}

static void set_add(void *ctx, uint64_t lsn)
{
    struct set *set = ctx;
    if (set->count == LIMIT_RECALL_CANDIDATES)
        set_sort(set); /* the same often comes more than once */
    if (set->count == set->size && set->size < LIMIT_RECALL_CANDIDATES) {
        size_t size = set->size == 0 ? 256 : set->size * 2;
        uint64_t *wider = mem_grow(set->at, size * sizeof *wider);
        set->at = wider == NULL ? set->at : wider;
        set->size = wider == NULL ? set->size : size;
    }
    if (set->count == set->size)
        set->full = true;
    else
        set->at[set->count++] = lsn;
}

static void set_free(struct set *set)
{
    mem_free(set->at);
    *set = (struct set) {0};
}

/* What stands in both; both are sorted. */
static void set_meet(struct set *set, const struct set *other)
{
    size_t kept = 0;
    for (size_t i = 0, k = 0; i < set->count; i++) {
        while (k < other->count && other->at[k] < set->at[i])
            k++;
        if (k < other->count && other->at[k] == set->at[i])
            set->at[kept++] = set->at[i];
    }
    set->count = kept;
}

/* --- by identifier or number --- */

static err_t take_named(struct command_call *call, struct set *out)
{
    uint64_t lsns[LIMIT_COPIES];
    struct str all = command_text_or_empty(call, "what"), what = str_cut(&all, '\n');
    struct command_meant meant;
    size_t count = 0;
    if (all.len > 0)
        return command_refuse(call, ERR_USAGE, "call the others back by words of their own",
                              "give one identifier or number");
    if (str_to_u64(what, UINT64_MAX, &lsns[0])) {
        set_add(out, lsns[0]);
        return ERR_OK;
    }
    if (!command_meant_by(call, what, &meant))
        return command_refuse(call, ERR_USAGE, "a STIX identifier, or a number of `bongsu object show`",
                              "%.*s is neither", what.len > 100 ? 100 : (int)what.len, what.at);
    command_say_meant(call, &meant);
    err_t err = gate_spill_copies(call->host->gate, &meant.key, lsns, LIMIT_COPIES, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        set_add(out, lsns[i]);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "nothing is called back: %s", err_text(err));
}

/* --- by the conditions of find --- */

struct walking {
    struct find_filter filter;
    struct gate_walk walk;
    struct set *out;
};

static bool take_found(void *ctx, const struct gate_found *found)
{
    struct walking *w = ctx;
    if (find_filter_pass(&w->filter, found))
        set_add(w->out, found->object.lsn);
    return true;
}

/* Whoever calls back must not miss what came in last. */
static err_t need_whole_search(struct command_call *call)
{
    struct gate_search_status status;
    err_t err = call->host->search_whole == NULL ? ERR_WRONGSTATE : call->host->search_whole(call->host->ctx);
    if (call->host->search == NULL)
        return command_refuse(call, ERR_WRONGSTATE, "see what the node said when it started",
                              "this node has no search file");
    gate_search_status(call->host->search, &status);
    if (err == ERR_OK && !status.off && status.holes == 0 && status.applied >= status.durable)
        return ERR_OK;
    return command_refuse(call, status.off ? ERR_WRONGSTATE : ERR_BUSY, "ask again in a while",
                          "the search file does not know everything yet: what came in last would be missed");
}

static err_t take_query(struct command_call *call, struct set *out)
{
    err_t err = need_whole_search(call);
    struct walking *w = err != ERR_OK ? NULL : mem_alloc(sizeof *w);
    if (w == NULL)
        return err != ERR_OK ? err : command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    find_filter_init(&w->filter);
    w->out = out;
    err = find_filter_read(call, &w->filter);
    w->filter.gate.all = true; /* every version that fits, not only what stands */
    while (err == ERR_OK && !w->walk.end && !out->full) {
        err = gate_find(call->host->search, &w->filter.gate, &w->walk, STEP_OBJECTS, take_found, w);
        if (err != ERR_OK)
            err = command_refuse(call, err, NULL, "it cannot be searched for: %s", err_text(err));
    }
    find_filter_deinit(&w->filter);
    mem_free(w);
    return err;
}

/* --- an incident, a report, a grouping --- */

static err_t take_incident(struct command_call *call, struct set *out, size_t *stays)
{
    struct stix_key key;
    err_t err = command_object_meant(call, "incident", &key);
    if (err != ERR_OK)
        return err;
    err = gate_recall_around(call->host->gate, &key, set_add, out, stays);
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, NULL, "this object is not held, or called back already");
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "nothing is called back: %s", err_text(err));
}

/* --- what was released --- */

static bool released_given(const struct command_call *call)
{
    static const char *const names[] = {"rule", "policy", "released-since", "released-until", "to"};
    struct json_val value;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_get(call->args, str_of(names[i]), &value))
            return true;
    return false;
}

/* Whole, as `policy show` has it, or the first characters of its hexadecimal form. */
static err_t read_digest(struct command_call *call, struct gate_released *out)
{
    struct str text = command_text_or_empty(call, "policy");
    size_t len = 0;
    if (text.len == 0)
        return ERR_OK;
    if (text.len == str_base64_size(HASH_SIZE) && str_unbase64(text, out->policy.b, HASH_SIZE, &len))
        out->policy_bytes = HASH_SIZE;
    else if (text.len >= DIGEST_HEX_MIN && text.len % 2 == 0 && text.len <= (size_t)2 * HASH_SIZE &&
             str_unhex(text, out->policy.b, text.len / 2))
        out->policy_bytes = text.len / 2;
    else
        return command_refuse(call, ERR_USAGE, "`bongsu policy show` prints it",
                              "--policy is a digest, or the first %d characters and more of its "
                              "hexadecimal form",
                              DIGEST_HEX_MIN);
    return ERR_OK;
}

static err_t take_released(struct command_call *call, struct set *out)
{
    struct gate_released wanted = {.rule = command_text_or_empty(call, "rule"), .partners = UINT64_MAX};
    struct str to = command_text_or_empty(call, "to");
    err_t err;
    if (TRY(err, read_digest(call, &wanted)) ||
        TRY(err, command_time(call, "released-since", INT64_MIN, &wanted.since_us)) ||
        TRY(err, command_time(call, "released-until", INT64_MAX, &wanted.until_us)))
        return err;
    if (to.len > 0) {
        const struct gate_peer *peer = gate_peer_find(call->host->gate, to);
        if (peer == NULL)
            return command_refuse(call, ERR_NOTFOUND, "`bongsu peer list` names them",
                                  "there is no partner %.*s", to.len > 100 ? 100 : (int)to.len, to.at);
        wanted.partners = UINT64_C(1) << peer->index;
    }
    err = gate_recall_released(call->host->gate, &wanted, set_add, out);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "the log cannot be read: %s", err_text(err));
}

/* --- a person --- */

static void take_place(void *ctx, const struct gate_place *place)
{
    set_add(ctx, place->whole);
}

static err_t take_person(struct command_call *call, struct set *out)
{
    enum { FRAMES = 4096 };
    struct gate_persons persons;
    struct privacy_person person;
    err_t err = ERR_OK;
    if (!privacy_person(command_text_or_empty(call, "person"), &person))
        return command_refuse(call, ERR_USAGE, "a number, an address or a name",
                              "what is looked for has three to %d bytes", PRIVACY_VALUE_MAX);
    gate_persons_init(&persons, &person);
    mem_wipe(&person, sizeof person);
    while (err == ERR_OK && !persons.end && !out->full)
        err = gate_persons_next(call->host->gate, &persons, FRAMES, take_place, out);
    gate_persons_deinit(&persons);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "the log cannot be read: %s", err_text(err));
}

/* --- all together --- */

enum { PARTS = 5 };

static err_t take(struct command_call *call, unsigned part, struct set *out, size_t *stays)
{
    switch (part) {
    case 0:
        return take_named(call, out);
    case 1:
        return take_query(call, out);
    case 2:
        return take_incident(call, out, stays);
    case 3:
        return take_released(call, out);
    default:
        return take_person(call, out);
    }
}

static err_t give(struct command_call *call, const struct set *set, struct recall_choice *out)
{
    if (set->full || set->count > LIMIT_RECALL_OBJECTS)
        return command_refuse(call, ERR_LIMIT, "say it in parts: --since and --until, or --released-since",
                              "that is more than %u versions, which is too much for one recall",
                              LIMIT_RECALL_OBJECTS);
    out->count = set->count;
    out->lsns = arena_zalloc(call->arena, set->count + 1, sizeof *out->lsns);
    if (out->lsns == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    if (set->count > 0)
        memcpy(out->lsns, set->at, set->count * sizeof *set->at);
    return ERR_OK;
}

err_t recall_choose(struct command_call *call, struct recall_choice *out)
{
    const bool given[PARTS] = {command_text_or_empty(call, "what").len > 0, find_filter_given(call),
                               command_text_or_empty(call, "incident").len > 0, released_given(call),
                               command_text_or_empty(call, "person").len > 0};
    struct set chosen = {0}, next = {0};
    bool any = false;
    err_t err = command_none_empty(call);
    *out = (struct recall_choice) {0};
    for (unsigned part = 0; part < PARTS && err == ERR_OK; part++) {
        if (!given[part])
            continue;
        err = take(call, part, any ? &next : &chosen, &out->stays);
        set_sort(any ? &next : &chosen);
        if (any) {
            set_meet(&chosen, &next);
            chosen.full |= next.full;
            set_free(&next);
        }
        any = true;
    }
    if (err == ERR_OK && !any)
        err = command_refuse(call, ERR_USAGE, "an identifier, --incident, --source, --text, --rule ...",
                             "what is to be called back?");
    if (err == ERR_OK)
        err = give(call, &chosen, out);
    set_free(&chosen);
    return err;
}
