/* What of an object may leave to whom: the rules, asked about the object without its granular markings, then
 * with each of them, and the duties of the rules that release. Inside src/gate. */
#pragma once

#include "gate/closure.h"
#include "gate/mint.h"
#include "stix/called.h"

/* How an object leaves for some partners: what is taken out of it, and what then refers to what. */
struct form {
    uint64_t partners;
    const struct str *selectors; /* sorted, each once; some may name nothing that it has */
    size_t selector_count;
    bool minted;           /* it never leaves whole, whether or not it has what its rule takes out */
    bool anonymous;        /* its creator is named nowhere */
    bool brings;           /* its creator would come along all the same: nobody gets it for as long */
    bool loose;            /* references that a partner lacks are left out, and not only names in texts */
    unsigned personal;     /* how personal data is treated: POLICY_DUTY_MASK or _PSEUDONYMISE; 0: it stays */
    struct str profile;    /* all of that as text: what another policy is compared by */
    struct str sco_id;     /* an observable's, from what is left; empty: a keyed one */
    struct stix_ref *refs; /* of what is left; keys and roles only */
    uint8_t *how, *group;  /* of each: struct closure_need */
    size_t ref_count;
    const char *unmade; /* why nobody gets it so, for people; NULL: he does */
};

/* To whom an unmarked creator or definition does not come along, or not as it is. */
struct along {
    uint64_t untreated;
    uint64_t held;                  /* of these, for whom a hold alone keeps it: by `rule` */
    uint16_t rule[LIMIT_PARTNERS];  /* indices of the policy */
    uint64_t masked;                /* others, to whom a creator comes with its personal data treated */
    uint16_t masks[LIMIT_PARTNERS]; /* ...by these POLICY_DUTY_* */
    int64_t change_us;              /* when a deadline of these passes */
};

struct cutting {
    struct policy_facts facts; /* of the whole object, as its markings bind together */
    struct policy_facts bare;  /* without granular markings */
    uint64_t untreated;        /* partners to whom it does not come along (along_untreated) */
    uint64_t kept_along;       /* of these, for whom a hold alone keeps it: the rule of the verdict */
    uint64_t treated;          /* of these, for whom a duty would change it, held as well or not */
    uint64_t by_bare;          /* partners for whom the verdict is that of `bare` */
    uint64_t clean;            /* partners to whom its texts may name nothing but what they have */
    uint64_t untold; /* partners for whom it waits for what it translates to leave, or for its creator to be
                      * named no more by what comes along with it */
    struct policy_verdict verdict;
    struct policy_bound *bound; /* the duties of what is released */
    size_t bound_count;
    struct form *forms;
    size_t form_count;
    size_t unmade_count; /* behind these, which nobody gets: `refs` NULL */
    uint64_t unmade;     /* partners for whom duties take out what it cannot be without */
    uint64_t hidden; /* partners who may by no rule have something that it translates, or its maker's name */
};

/* Decides. `arena`: while deciding; `keep`: what `out` borrows. The subject's tape is gone afterwards. */
NODISCARD err_t cut_decide(struct gate *gate, const struct subject *subject, const struct policy *policy,
                           int64_t now_us, struct arena *arena, struct arena *keep, struct cutting *out);
/* What that is for `partner`; NULL: he gets it whole, or not at all. */
const struct form *cut_form(const struct cutting *cutting, unsigned partner);
/* The form that he would have to get, and that cannot be made; NULL: there is none, or it cannot be told. */
const struct form *cut_unmade(const struct cutting *cutting, unsigned partner);

/* The minted text of a form, checked. Appended to `out`; ERR_DENIED: it would be no object any more. `object`
 * as read from it, in `arena`, until parser_one is used again. */
struct cut_order {
    struct json_val root; /* the source */
    size_t warnings;      /* rules that the source breaks itself */
    const struct stix_cut *cut;
};
NODISCARD err_t cut_make(struct gate *gate, const struct cut_order *order, struct arena *arena,
                         struct buf *out, struct stix_object *object);
/* Rules of the standard that an object breaks and that no strict source may. */
NODISCARD err_t cut_warnings(struct gate *gate, struct json_val root, struct arena *arena, size_t *out);
/* Makes `form` of `source` once for a partner of form->partners: fills sco_id, refs, how and ref_count.
 * ERR_DENIED: it cannot be made; `unmade` says why. trial.c */
struct cut_trial {
    struct gate *gate;
    int64_t now_us;
    struct arena *arena, *keep; /* while trying; what the form borrows */
};
NODISCARD err_t cut_try(const struct cut_trial *by, const struct stix_object *source, size_t warnings,
                        struct form *form);
/* Head of SHA-256 over an object without its times. */
NODISCARD err_t mint_form(struct gate *gate, struct json_val root, uint8_t out[16]);
/* Would anything that comes along with these references, however far, name `hidden`? True also where there is
 * more than LIMIT_ALONG to look at. along.c */
NODISCARD err_t along_names(struct gate *gate, const struct stix_ref *refs, size_t ref_count,
                            const struct stix_key *hidden, struct arena *arena, bool *out_named);
/* Names under which an identity ever stood here, in the arena. along.c */
struct along_called {
    struct stix_called *names;
    size_t count;
};
NODISCARD err_t along_called(struct gate *gate, const struct stix_key *who, struct arena *arena,
                             struct along_called *out);
/* Of an unmarked creator or definition: partners for whom some release rule would match it, as it is or were
 * it marked, and asks for duties that change it; and those for whom some hold matches it for
 * its personal data alone, and nobody approved it. A creator whose personal data alone is to be treated is
 * made anew. along.c */
NODISCARD err_t along_untreated(const struct policy *policy, const struct stix_object *source,
                                const struct policy_facts *facts, int64_t now_us, struct arena *arena,
                                struct along *out);
