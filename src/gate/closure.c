#include "gate/closure.h"

#include "core/limit.h"

/* Members that refer to each target, as one packed list: referrers of t are list[start[t] .. start[t + 1]).
 */
struct reverse {
    uint32_t *start;
    uint32_t *list;
};

static err_t reverse_build(const struct closure_member *members, size_t member_count, size_t target_count,
                           struct arena *arena, struct reverse *out)
{
    size_t edges = 0;
    for (size_t m = 0; m < member_count; m++)
        edges += members[m].need_count;
    uint32_t *start = arena_zalloc(arena, target_count + 2, sizeof *start);
    uint32_t *list = arena_zalloc(arena, edges, sizeof *list);
    if (start == NULL || list == NULL)
        return ERR_NOMEM;
    /* Counting sort: counts land two places on, so that filling leaves start[] as the offsets. */
    for (size_t m = 0; m < member_count; m++)
        for (uint32_t i = 0; i < members[m].need_count; i++)
            start[members[m].needs[i].target + 2]++;
    for (size_t t = 2; t < target_count + 2; t++)
        start[t] += start[t - 1];
    for (size_t m = 0; m < member_count; m++)
        for (uint32_t i = 0; i < members[m].need_count; i++)
            list[start[members[m].needs[i].target + 1]++] = (uint32_t)m;
    *out = (struct reverse) {start, list};
    return ERR_OK;
}

/* A stack in which each number stands at most once at a time. */
struct work {
    uint32_t *items;
    size_t count;
    bool *queued;
};

static err_t work_init(struct work *work, size_t size, struct arena *arena)
{
    work->items = arena_zalloc(arena, size, sizeof *work->items);
    work->queued = arena_zalloc(arena, size, sizeof *work->queued);
    work->count = 0;
    return work->items == NULL || work->queued == NULL ? ERR_NOMEM : ERR_OK;
}

static void work_push(struct work *work, uint32_t item)
{
    if (work->queued[item])
        return;
    work->queued[item] = true;
    work->items[work->count++] = item;
}

static uint32_t work_pop(struct work *work)
{
    uint32_t item = work->items[--work->count];
    work->queued[item] = false;
    return item;
}

static uint64_t available(const struct closure_member *members, const struct closure_target *targets,
                          struct closure_need need)
{
    uint64_t mask = targets[need.target].held | need.except;
    for (uint32_t m = targets[need.target].first_copy; m != CLOSURE_NONE; m = members[m].next_copy)
        mask |= need.strict ? members[m].allowed & ~members[m].on_demand : members[m].allowed;
    return mask;
}

/* Partners whose copy would lack something that it can do without. What draws nothing along is there only
 * where it leaves by itself. */
static uint64_t lacking(const struct closure_member *members, const struct closure_target *targets,
                        const struct closure_member *member)
{
    uint64_t lacks = 0;
    for (uint32_t i = 0; i < member->need_count; i++) {
        struct closure_need need = member->needs[i];
        need.strict = true;
        if (need.how == CLOSURE_ANY || need.how == CLOSURE_LOOSE)
            lacks |= ~available(members, targets, need);
    }
    return lacks;
}

/* Partners for whom one of each group stays. */
static uint64_t any_stays(const struct closure_member *members, const struct closure_target *targets,
                          const struct closure_member *member)
{
    uint64_t any[CLOSURE_GROUPS] = {0}, some[CLOSURE_GROUPS] = {0}, stays = UINT64_MAX;
    for (uint32_t i = 0; i < member->need_count; i++) {
        struct closure_need need = member->needs[i];
        if (need.how != CLOSURE_ANY)
            continue;
        must(need.group < CLOSURE_GROUPS);
        any[need.group] |= ~need.except;
        some[need.group] |= available(members, targets, need) & ~need.except;
    }
    for (unsigned g = 0; g < CLOSURE_GROUPS; g++)
        stays &= ~any[g] | some[g];
    return stays;
}

/* Takes away until nothing changes. Every round removes at least one bit of one member, so it ends. */
static void shrink(struct closure_member *members, const struct closure_target *targets,
                   const struct reverse *reverse, struct work *work)
{
    while (work->count > 0) {
        struct closure_member *member = &members[work_pop(work)];
        uint64_t allowed = member->allowed, maker = UINT64_MAX;
        bool any = false;
        for (uint32_t i = 0; i < member->need_count && allowed != 0; i++) {
            struct closure_need need = member->needs[i];
            if (need.how == CLOSURE_HARD)
                allowed &= available(members, targets, need);
            if (need.how == CLOSURE_MAKER)
                maker &= available(members, targets, need);
            any |= need.how == CLOSURE_ANY;
        }
        if (any)
            allowed &= any_stays(members, targets, member);
        if ((allowed & ~maker) != 0)
            allowed &= ~lacking(members, targets, member) | maker;
        if (allowed == member->allowed)
            continue;
        member->allowed = allowed;
        for (uint32_t i = reverse->start[member->target]; i < reverse->start[member->target + 1]; i++)
            work_push(work, reverse->list[i]);
    }
}

/* Followers come along with what leaves: the demand of each leaving member spreads to the copies of what it
 * needs. */
static void spread_demand(struct closure_member *members, size_t member_count,
                          const struct closure_target *targets, struct work *work)
{
    for (size_t m = 0; m < member_count; m++) {
        members[m].release = members[m].allowed & ~members[m].on_demand;
        if (members[m].release != 0)
            work_push(work, (uint32_t)m);
    }
    while (work->count > 0) {
        const struct closure_member *member = &members[work_pop(work)];
        for (uint32_t i = 0; i < member->need_count; i++) {
            const struct closure_target *target = &targets[member->needs[i].target];
            enum closure_how how = member->needs[i].how;
            uint64_t asks = how == CLOSURE_HARD    ? UINT64_MAX
                            : how == CLOSURE_MAKER ? lacking(members, targets, member)
                                                   : 0; /* what may be left out draws nothing along */
            if (asks == 0)
                continue;
            for (uint32_t c = target->first_copy; c != CLOSURE_NONE; c = members[c].next_copy) {
                uint64_t more = member->release & asks & members[c].allowed & members[c].on_demand &
                                ~(target->held | member->needs[i].except);
                if ((more & ~members[c].release) == 0)
                    continue;
                members[c].release |= more;
                work_push(work, c);
            }
        }
    }
}

/* What was asked for leaves by its own right from now on, which may let more leave through strict references.
 * Without this the outcome would depend on the order of arrival. True when anything changed. */
static bool settle_demand(struct closure_member *members, size_t member_count)
{
    bool changed = false;
    for (size_t m = 0; m < member_count; m++) {
        if ((members[m].release & members[m].on_demand) == 0)
            continue;
        members[m].on_demand &= ~members[m].release;
        changed = true;
    }
    return changed;
}

err_t closure_solve(struct closure_member *members, size_t member_count, const struct closure_target *targets,
                    size_t target_count, struct arena *arena)
{
    must(member_count < CLOSURE_NONE && target_count < CLOSURE_NONE);
    struct reverse reverse;
    struct work work;
    err_t err;
    if (TRY(err, reverse_build(members, member_count, target_count, arena, &reverse)) ||
        TRY(err, work_init(&work, member_count, arena)))
        return err;
    for (unsigned round = 0; round < LIMIT_CLOSURE_ROUNDS; round++) {
        for (size_t m = 0; m < member_count; m++) {
            members[m].allowed = members[m].base;
            work_push(&work, (uint32_t)m);
        }
        shrink(members, targets, &reverse, &work);
        spread_demand(members, member_count, targets, &work);
        if (!settle_demand(members, member_count))
            break;
    }
    return ERR_OK;
}
