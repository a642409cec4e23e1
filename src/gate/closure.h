/* Closure: which of these objects may leave together (DESIGN 7).
 *
 * The largest set whose members may leave together is the greatest fixed point: begin with everything that
 * the rules let go, and take away, until nothing changes, whatever refers to something that is neither in the
 * set nor already at the partner. Objects that refer to each other therefore leave together or not at all, in
 * whatever order they arrived. All partners are decided at once, a bit each.
 *
 * Followers (marking- and extension-definitions, creators that are no individual) need no rule of their own:
 * they come along when a referrer needs them, unless a rule denies them, and stay behind when nobody does.
 * Definitions that carry no marking have no right of their own either, whatever the rules say.
 *
 * Pure: no store, no objects, only numbers. One thread. */
#pragma once

#include <stdbool.h>

#include "core/arena.h"
#include "core/err.h"

/* Something that objects refer to: one id, whatever versions and variants of it there are. */
struct closure_target {
    uint64_t held; /* partners that have some copy already, or need none (built-in markings: all ones) */
    uint32_t first_copy; /* chain of members that are copies of it; CLOSURE_NONE: none in this set */
};

/* Where references may be left out: can it leave without this one? */
enum closure_how {
    CLOSURE_HARD,
    CLOSURE_ANY,   /* not without all that are so, of one group */
    CLOSURE_LOOSE, /* yes */
    CLOSURE_MAKER, /* who made it: needed where something is left out, and draws nothing along elsewhere */
};

/* One reference. A creator comes along only through the reference that makes it one; for any other (the
 * victim of a sighting) it must leave by its own right or be at the partner already: strict. */
struct closure_need {
    uint32_t target;
    bool strict;
    uint64_t except; /* partners for whom it is no need: their copy lacks the reference */
    enum closure_how how;
    uint8_t group; /* of CLOSURE_ANY: below CLOSURE_GROUPS. One of each group stays */
};

struct closure_member {
    uint64_t base;      /* partners to which the rules let it go; followers: those that no rule denies */
    uint64_t on_demand; /* followers: partners to which it goes only when a referrer asks (base minus own
                           release) */
    uint32_t target;    /* the id that it is a copy of */
    uint32_t next_copy; /* chain in closure_target */
    const struct closure_need *needs;
    uint32_t need_count;

    uint64_t allowed; /* result: the greatest fixed point */
    uint64_t release; /* result: allowed, and for on-demand partners asked for by a member that leaves */
};

#define CLOSURE_NONE UINT32_MAX
enum { CLOSURE_GROUPS = 16 };

/* Fills `allowed` and `release` of every member. Temporary memory from the arena. */
NODISCARD err_t closure_solve(struct closure_member *members, size_t member_count,
                              const struct closure_target *targets, size_t target_count, struct arena *arena);
