/* Safety holds: indicators and observables whose value stands on a list that an operator supplied (own
 * networks, popular domains, public resolvers; gate/list.h) wait for a person, by the rule built-in.safety.
 * What came is taken in and kept all the same.
 *
 * A list is given in parts, because it may be larger than a fact of the log, and is in force when all of it
 * is there; every change of lists decides everything again. Nobody but this node's operators learns of it: to
 * a partner, held is withheld. */
#pragma once

#include "gate/gate.h"
#include "gate/list.h"

/* The tag that lets an object go although its value is on a list. */
#define GATE_SAFETY_OK "safety:ok"

struct gate_list {
    struct str name;
    enum gate_list_kind kind;
    size_t bytes;   /* of its text */
    size_t entries; /* that it came down to */
    bool broken;    /* cannot be read: not in force */
};

/* Part number `part` (from 0) of a list that is to be; at most LIMIT_LIST_PART_BYTES. What is in force under
 * this name stays so. */
NODISCARD err_t gate_list_part(struct gate *gate, struct str name, unsigned part, struct bytes bytes,
                               const struct gate_by *by, int64_t now_us);
/* Takes the first `parts` parts into force under this name. As list_read; ERR_NOTFOUND: a part is missing,
 * ERR_INVALID: no name, ERR_FULL. */
NODISCARD err_t gate_list_put(struct gate *gate, struct str name, enum gate_list_kind kind, unsigned parts,
                              const struct gate_by *by, int64_t now_us, struct fault *fault);
NODISCARD err_t gate_list_remove(struct gate *gate, struct str name, const struct gate_by *by,
                                 int64_t now_us);
size_t gate_list_count(const struct gate *gate);
/* In no order; good until the next fact. */
struct gate_list gate_list_get(const struct gate *gate, size_t index);
