/* The tree of a pattern while it grows. Private to the pattern parser. */
#pragma once

#include "stix/pattern_in.h"

/* Each appends to its list and gives the index; without an arena, STIX_PATTERN_NONE. ERR_NOMEM. */
NODISCARD err_t pattern_add_node(struct pattern *p, const struct stix_pattern_node *node, uint32_t *out);
NODISCARD err_t pattern_add_step(struct pattern *p, const struct stix_pattern_step *step, uint32_t *out);
NODISCARD err_t pattern_add_constant(struct pattern *p, const struct stix_pattern_constant *constant,
                                     uint32_t *out);

/* pattern_path.c: one comparison expression, blanks before it already skipped. `out` is not yet in the list.
 */
NODISCARD err_t pattern_comparison(struct pattern *p, struct stix_pattern_node *out);
