/* Leaks that are planted to see that they are found. They replace functions of bongsu when this program is
 * linked (--wrap), so that nothing of them stands in src/. */
#include "leak.h"

#include "../sim/blind.h"
#include "core/uuid.h"
#include "gate/closure.h"
#include "gate/mint.h"
#include "gate/state.h"
#include "policy/policy.h"
#include "stix/cut.h"

/* Of the functions' own types: one that changes is seen here. */
#define WRAP(name) __typeof__(name) __real_##name, __wrap_##name
WRAP(stix_cut);
WRAP(stix_cut_found);
WRAP(stix_cut_names);
WRAP(mint_id);
WRAP(copies_load);
WRAP(marking_judge);
WRAP(policy_decide);
WRAP(stop_holds);
WRAP(closure_solve);

static enum leak active;

/* --- objects as they are read --- */

static bool is_hidden(const struct stix_ref *ref)
{
    switch (active) {
    case LEAK_MEMBERS:
        return ref->role == STIX_REF_MEMBER;
    case LEAK_ENDS:
        return ref->role == STIX_REF_SRO_END;
    case LEAK_OTHERS:
        return ref->role == STIX_REF_OTHER;
    case LEAK_GRANULAR:
        return ref->role == STIX_REF_GRANULAR_MARKING;
    default:
        return false;
    }
}

void plant(enum leak leak)
{
    active = leak;
    blind_to(leak == LEAK_NONE ? NULL : is_hidden);
}

/* --- cutting --- */

static enum stix_cut_act keep_name(void *ctx, const struct stix_key *key, struct str *out)
{
    (void)ctx, (void)key, (void)out;
    return STIX_CUT_KEEP;
}

err_t __wrap_stix_cut(struct json_val root, const struct stix_cut *cut, struct arena *arena, struct buf *out)
{
    struct stix_cut other = *cut;
    if (active == LEAK_SELECTOR && other.selector_count > 0)
        other.selector_count--;
    if (active == LEAK_RENAME)
        other.name = keep_name;
    return __real_stix_cut(root, &other, arena, out);
}

size_t __wrap_stix_cut_found(struct json_val root, const struct str *selectors, size_t count, struct str *out)
{
    size_t found = __real_stix_cut_found(root, selectors, count, out), kept = 0;
    for (size_t i = 0; i < found; i++)
        if (active != LEAK_TRANSLATION || out[i].len < 9 || memcmp(out[i].at, "contents.", 9) != 0)
            out[kept++] = out[i];
    return kept;
}

void __wrap_stix_cut_names(struct str text,
                           void (*each)(void *ctx, const struct stix_key *key, struct str id), void *ctx)
{
    if (active != LEAK_TEXTS)
        __real_stix_cut_names(text, each, ctx);
}

err_t __wrap_mint_id(struct gate *gate, unsigned partner, const struct stix_key *source, struct str type,
                     struct buf *out)
{
    return __real_mint_id(gate, active == LEAK_UNKEYED ? 0 : partner, source, type, out);
}

/* --- markings --- */

err_t __wrap_copies_load(struct gate *gate, const struct stix_key *key, struct copies *out)
{
    err_t err = __real_copies_load(gate, key, out);
    for (size_t i = 0; err == ERR_OK && active == LEAK_CONFLICT && i < out->count; i++)
        if ((out->at[i].flags & COPY_QUARANTINED) != 0)
            out->at[i].flags |= COPY_ASSERTION;
    return err;
}

err_t __wrap_marking_judge(struct gate *gate, const struct policy *policy, const struct stix_key *key,
                           uint32_t source, int64_t now_us, struct arena *arena, struct marking_reading *out)
{
    err_t err = __real_marking_judge(gate, policy, key, source, now_us, arena, out);
    bool clear = (active == LEAK_UNRESOLVED && out->state == POLICY_MARKING_UNRESOLVED) ||
                 (active == LEAK_STATEMENT && out->state == POLICY_MARKING_STATEMENT);
    if (err == ERR_OK && clear) {
        out->state = POLICY_MARKING_KNOWN;
        out->tlp = STIX_TLP_CLEAR;
    }
    return err;
}

/* --- rules --- */

void __wrap_policy_decide(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                          struct policy_verdict *out)
{
    struct policy_facts other = *facts;
    if (active == LEAK_CARRIER && facts->category == POLICY_CATEGORY_SCO &&
        (facts->markings & POLICY_MARKING_NONE) == 0 && facts->tlp != POLICY_TLP_NONE)
        other.tlp = POLICY_TLP_CLEAR;
    __real_policy_decide(policy, &other, now_us, out);
    for (unsigned p = 0; active == LEAK_DENY && p < PARTNERS; p++)
        if ((out->deny >> p & 1) && facts->tlp == POLICY_TLP_AMBER) {
            out->deny &= ~(UINT64_C(1) << p);
            out->release |= UINT64_C(1) << p;
        }
}

bool __wrap_stop_holds(const struct gate *gate, enum gate_stop_kind kind, struct str name)
{
    return active != LEAK_STOP && __real_stop_holds(gate, kind, name);
}

/* --- closure --- */

/* As if an object had to wait until what it refers to has left. */
err_t __wrap_closure_solve(struct closure_member *members, size_t member_count,
                           const struct closure_target *targets, size_t target_count, struct arena *arena)
{
    err_t err = __real_closure_solve(members, member_count, targets, target_count, arena);
    for (size_t m = 0; err == ERR_OK && active == LEAK_STUCK && m < member_count; m++)
        if (members[m].need_count > 2)
            members[m].release = members[m].allowed = 0;
    return err;
}
