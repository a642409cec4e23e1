/* Names numbered in the order they come: the policy's own words, looked up for each object. Grows up to a
 * maximum while compiling and never changes later. Names are borrowed. The keys come from the policy's
 * author, so an unkeyed hash does: strangers choose only what is looked up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/str.h"

struct names {
    struct str *at;  /* by id; the first is names_init's start */
    uint16_t *slots; /* ids; UINT16_MAX: empty */
    uint32_t slot_count;
    uint32_t count;
    uint32_t count_max; /* below UINT16_MAX */
};

/* Ids begin at `first`, 0 or 1. */
NODISCARD err_t names_init(struct names *names, uint32_t count_max, uint32_t first);
void names_deinit(struct names *names);
/* Id of the name, or -1. */
int names_find(const struct names *names, struct str name);
/* Adds it, or finds it. ERR_LIMIT at the maximum. */
NODISCARD err_t names_add(struct names *names, struct str name, uint16_t *out_id);
