/* Bugs of the gate and of whoever makes its pages, planted by the linker (--wrap) in front of the real guard
 * (watch.c): each is one that lets something leave, and the guard has to hold it. */
#include <stdio.h>

#include "gate/deciding.h"
#include "gate/state.h"
#include "stix/cut.h"
#include "sync/wire.h"
#include "taxii/answer.h"
#include "world.h"

/* Of the functions' own types: one that changes is seen here. */
#define WRAP(name) __typeof__(name) __real_##name, __wrap_##name
WRAP(closure_solve);
WRAP(copies_held);
WRAP(marking_judge);
WRAP(policy_decide);
WRAP(withdraw_begin);
WRAP(set_take_back);
WRAP(leaf_ended);
WRAP(leaf_may_go);
WRAP(gate_leaves);
WRAP(sync_serve_handle);
WRAP(sync_entry_write);
WRAP(sync_page_count_set);
WRAP(answer_not_found);
WRAP(stix_cut);

/* --- references --- */

static bool is_member(const struct stix_ref *ref)
{
    return ref->role == STIX_REF_MEMBER;
}

static bool is_end(const struct stix_ref *ref)
{
    return ref->role == STIX_REF_SRO_END;
}

static bool is_other(const struct stix_ref *ref)
{
    return ref->role == STIX_REF_OTHER;
}

static bool is_creator(const struct stix_ref *ref)
{
    return ref->role == STIX_REF_CREATED_BY;
}

static bool is_granular(const struct stix_ref *ref)
{
    return ref->role == STIX_REF_GRANULAR_MARKING;
}

bool (*plant_gate(enum bug bug))(const struct stix_ref *ref)
{
    switch (bug) {
    case BUG_GATE_MEMBERS:
        return is_member;
    case BUG_GATE_ENDS:
        return is_end;
    case BUG_GATE_OTHERS:
        return is_other;
    case BUG_GATE_CREATORS:
        return is_creator;
    case BUG_GATE_GRANULAR:
        return is_granular;
    default:
        return NULL;
    }
}

err_t __wrap_closure_solve(struct closure_member *members, size_t member_count,
                           const struct closure_target *targets, size_t target_count, struct arena *arena)
{
    for (size_t m = 0; planted() == BUG_GATE_LAST_NEED && m < member_count; m++)
        members[m].need_count -= members[m].need_count > 0;
    return __real_closure_solve(members, member_count, targets, target_count, arena);
}

err_t __wrap_copies_held(struct gate *gate, const struct copies *copies, struct holders *out)
{
    err_t err = __real_copies_held(gate, copies, out);
    if (err == ERR_OK && planted() == BUG_GATE_HELD_BY_ALL && out->plain != 0)
        out->plain = UINT64_MAX;
    return err;
}

/* --- markings and rules --- */

err_t __wrap_marking_judge(struct gate *gate, const struct policy *policy, const struct stix_key *key,
                           uint32_t source, int64_t now_us, struct arena *arena, struct marking_reading *out)
{
    static const char old_red[] = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
    struct stix_key red;
    err_t err = __real_marking_judge(gate, policy, key, source, now_us, arena, out);
    if (err == ERR_OK && planted() == BUG_GATE_OLD_RED && stix_id_parse(str_of(old_red), &red) &&
        stix_key_eq(&red, key))
        out->tlp = STIX_TLP_CLEAR;
    return err;
}

/* For partners of `which`: what the rules deny, they release. */
static void let_go(struct policy_verdict *verdict, uint64_t which)
{
    verdict->release |= verdict->deny & which;
    verdict->deny &= ~which;
}

static uint64_t swap_two(uint64_t mask)
{
    return (mask & ~UINT64_C(3)) | (mask & 1) << 1 | (mask >> 1 & 1);
}

static void exchange(struct policy_verdict *verdict)
{
    uint16_t rule = verdict->rule[0];
    verdict->release = swap_two(verdict->release);
    verdict->hold = swap_two(verdict->hold);
    verdict->deny = swap_two(verdict->deny);
    verdict->rule[0] = verdict->rule[1];
    verdict->rule[1] = rule;
}

/* The bits of partners behind the second one are those of the second. */
static uint64_t spread(uint64_t mask, uint64_t partners)
{
    const uint64_t first_two = 3;
    return (mask & first_two) | ((mask >> 1 & 1) != 0 ? partners & ~first_two : 0);
}

/* As of a program that was only ever run with two partners. */
static void as_the_second(struct policy_verdict *verdict)
{
    const uint64_t partners = verdict->release | verdict->hold | verdict->deny;
    verdict->release = spread(verdict->release, partners);
    verdict->hold = spread(verdict->hold, partners);
    verdict->deny = spread(verdict->deny, partners);
}

void __wrap_policy_decide(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                          struct policy_verdict *out)
{
    __real_policy_decide(policy, facts, now_us, out);
    if (planted() == BUG_GATE_DENY_ONE)
        let_go(out, 1);
    for (unsigned p = 0; planted() == BUG_GATE_TLP_MAX && p < NODES_MAX; p++)
        if (out->rule[p] == POLICY_RULE_TLP_MAX)
            let_go(out, UINT64_C(1) << p);
    if (planted() == BUG_GATE_VERDICT_ROW)
        exchange(out);
    if (planted() == BUG_THIRD_PARTNER)
        as_the_second(out);
}

/* --- taking back --- */

err_t __wrap_withdraw_begin(struct gate *gate, uint64_t partners, uint64_t until)
{
    return planted() == BUG_GATE_KEEPS_ALL ? ERR_OK : __real_withdraw_begin(gate, partners, until);
}

err_t __wrap_set_take_back(struct deciding *d, bool *out_did)
{
    *out_did = false;
    return planted() == BUG_GATE_KEEPS_ALL || planted() == BUG_KEEPS_DENIED
               ? ERR_OK
               : __real_set_take_back(d, out_did);
}

err_t __wrap_leaf_ended(struct gate *gate, unsigned partner, uint64_t lsn, uint64_t decide_lsn, size_t entry,
                        bool *out)
{
    err_t err = __real_leaf_ended(gate, partner, lsn, decide_lsn, entry, out);
    if (planted() == BUG_GATE_ENDED || (planted() == BUG_CALLED_BACK && recalled(gate, lsn)))
        *out = false;
    return err;
}

err_t __wrap_leaf_may_go(struct gate *gate, unsigned partner, uint64_t lsn,
                         const struct record_decide *decide)
{
    return planted() == BUG_CALLED_BACK && recalled(gate, lsn)
               ? ERR_OK
               : __real_leaf_may_go(gate, partner, lsn, decide);
}

/* --- cutting --- */

static enum stix_cut_act keep_name(void *ctx, const struct stix_key *key, struct str *out)
{
    (void)ctx, (void)key, (void)out;
    return STIX_CUT_KEEP;
}

enum { SELECTORS_MAX = 64 };

/* Objects that have hidden parts begin them with x_ (thing.c). */
static size_t drop_marked(const struct str *selectors, size_t count, struct str out[SELECTORS_MAX])
{
    size_t kept = 0;
    must(count <= SELECTORS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!str_starts(selectors[i], STR("x_")))
            out[kept++] = selectors[i];
    return kept;
}

err_t __wrap_stix_cut(struct json_val root, const struct stix_cut *cut, struct arena *arena, struct buf *out)
{
    struct stix_cut other = *cut;
    static struct str selectors[SELECTORS_MAX];
    char created[32];
    if (planted() == BUG_GATE_NO_RENAME)
        other.name = keep_name;
    if (planted() == BUG_GATE_CUT_MARKED) {
        other.selector_count = drop_marked(cut->selectors, cut->selector_count, selectors);
        other.selectors = selectors;
    }
    if (planted() == BUG_CUT_LESS && cut->selector_count > 0) {
        other.selectors++;
        other.selector_count--;
    }
    if (planted() == BUG_CUT_COUNT && cut->created.len > 1 && cut->created.len < sizeof created) {
        memcpy(created, cut->created.at, cut->created.len);
        created[cut->created.len - 2] = (char)('0' + cut->selector_count % 10);
        other.created.at = created;
    }
    return __real_stix_cut(root, &other, arena, out);
}

/* --- pages of the feed --- */

void __wrap_sync_serve_handle(struct sync_serve *serve, const struct exchange_request *request,
                              int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    static uint8_t before[EXCHANGE_KEY_SIZE];
    struct exchange_request other = *request;
    if (planted() == BUG_GATE_FEED_ROW && str_eq(request->path, STR("/bongsu/v1/feed")))
        memcpy(other.peer_key, before, sizeof before);
    memcpy(before, request->peer_key, sizeof before);
    __real_sync_serve_handle(serve, &other, now_us, response, out_commit);
}

void __wrap_sync_entry_write(struct buf *out, const struct leaf *leaf, const struct leaf_opening *opening,
                             struct bytes object, const struct sync_beside *beside)
{
    static struct {
        struct leaf_opening opening;
        uint8_t object[THING_TEXT];
        size_t len;
    } before;
    struct leaf_opening last = before.opening;
    uint8_t text[THING_TEXT];
    size_t len = before.len;
    memcpy(text, before.object, len);
    if (opening != NULL && object.len > 0 && object.len <= sizeof before.object) {
        before.opening = *opening;
        before.len = object.len;
        memcpy(before.object, object.at, object.len);
    }
    if (planted() == BUG_GATE_OPENING && opening != NULL)
        opening = &last;
    if (planted() == BUG_GATE_BYTES && object.len > 0 && len > 0)
        object = bytes_of(text, len);
    __real_sync_entry_write(out, leaf, opening, object, beside);
}

void __wrap_sync_page_count_set(struct buf *page, size_t head_at, uint32_t count)
{
    __real_sync_page_count_set(page, head_at, count - (planted() == BUG_GATE_COUNT));
}

/* Two partners a node: the other one's leaves, at the same places of the same epoch. */
err_t __wrap_gate_leaves(struct gate *gate, unsigned partner, uint64_t seq,
                         bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    unsigned other = planted() == BUG_GATE_LEDGER_ROW && partner < 2 ? 1 - partner : partner;
    return __real_gate_leaves(gate, other, seq, visit, ctx);
}

/* --- words --- */

void __wrap_answer_not_found(struct exchange_response *response)
{
    char text[128], id[THING_ID_SIZE];
    __real_answer_not_found(response);
    if (planted() != BUG_GATE_TELLING)
        return;
    thing_id(thing_target(THING_MALWARE, 0), id);
    (void)snprintf(text, sizeof text, "it was replaced by %s", id);
    answer_error(response, 404, "Not found", str_of(text));
}
