/* Lists of values that must not go out by mistake (gate/list.h), as `lint --lists` names them: what a node
 * with these lists would hold. Read once; one thread. */
#pragma once

#include "cli/cli.h"
#include "gate/list.h"

enum { LINT_LISTS_MAX = 32, LINT_LIST_SAID = 200 };

struct lint_lists {
    struct {
        const char *name; /* of its file, or of its kind */
        const struct list *list;
    } at[LINT_LISTS_MAX];
    size_t count;
};

/* `said`: KIND:FILE, a FILE of MISP's, `reserved` or `broad`, with commas between them; lives as long as the
 * lists, and so does the arena. False, and says why: one of them cannot be read. */
NODISCARD bool lint_lists_read(const struct cli_call *call, const char *said, struct arena *arena,
                               struct lint_lists *out);
/* Is a value of the object (with its tape) on one of them? Then says which, in `out`. */
bool lint_lists_hit(const struct lint_lists *lists, const struct stix_object *object, struct arena *arena,
                    char out[LINT_LIST_SAID]);
