/* Rival copies: another's copy of a version that is held. Its stricter marking binds at once (DESIGN 5),
 * whoever brought it: it may be right. So a source that sends such copies of many objects takes them from
 * everybody. Two things stand against that here:
 *
 * A count. How many objects each source tightened in a day (UTC) is a fact in the log; above the bound it is
 * told as a warning, by `status` and as a metric.
 *
 * An operator's word that the owner's marking stands: about one object, or about all that one source
 * tightened. It is about the copies that were here when it was given, since nobody has seen those that come
 * later: they bind again, and are counted. It is about copies of every version: what
 * translates an older one goes again; the older one itself was replaced, and does not. It sets a rival's
 * marking aside and nothing else: no marking of the copy that speaks, and no copy of its owner, whoever that
 * is. The copies stay where they are, in quarantine. Where the policy wants two operators to activate one
 * (`activation by 2`), it wants two here as well.
 *
 * The gate's thread. */
#pragma once

#include "gate/gate.h"

struct gate_rival_word {
    struct stix_key object;         /* all zero: it is about a source */
    uint32_t source;                /* GATE_SOURCE_NONE: it is about the object */
    uint64_t before;                /* copies that stand below this position of the log */
    int64_t at_us, until_us;        /* INT64_MAX: no end */
    bool waits;                     /* for a second operator: it changes nothing yet */
    struct str by, second, because; /* `second` is empty where one was enough */
};

/* Of `word` object or source, and until_us, are read. What waits for a second operator comes into force by
 * the word of another about the same, with the same end. *out_waits: it waits now. ERR_NOTFOUND: no rival
 * copy of any version is here, or there is no such source; ERR_DENIED: it waits for somebody else than
 * him; ERR_CONFLICT: it waits with another end. */
NODISCARD err_t gate_rival_keep(struct gate *gate, const struct gate_rival_word *word,
                                const struct gate_by *by, int64_t now_us, bool *out_waits);
/* The stricter copies bind again: one is enough to tighten. Takes back what waits as well. ERR_NOTFOUND. */
NODISCARD err_t gate_rival_lift(struct gate *gate, const struct gate_rival_word *word,
                                const struct gate_by *by, int64_t now_us);
/* Those in force (also past their end) and those that wait. Texts are good during the call. */
NODISCARD err_t gate_rival_words(struct gate *gate,
                                 void (*each)(void *ctx, const struct gate_rival_word *word), void *ctx);

/* --- the count --- */

/* Above so many objects tightened by one source in a day, it is told; before: LIMIT_TIGHTENED_DAY. */
void gate_rival_bound(struct gate *gate, uint64_t objects);

struct gate_tightened {
    uint64_t today;  /* in the day of now_us */
    uint64_t most;   /* on the last day on which it was above the bound; 0: there was none */
    int64_t most_us; /* when that day began */
    bool alarm;      /* within a week of it, and no word in force is about all of it */
};
/* False: this source never tightened anything. */
bool gate_tightened_get(struct gate *gate, uint32_t source, int64_t now_us, struct gate_tightened *out);
