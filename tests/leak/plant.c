/* Leaks that are planted to see that they are found. They replace functions of bongsu when this program is
 * linked (--wrap), so that nothing of them stands in src/. */
#include "plant.h"

#include <string.h>

#include "../sim/blind.h"
#include "core/uuid.h"
#include "gate/closure.h"
#include "gate/mint.h"
#include "gate/personal.h"
#include "gate/state.h"
#include "policy/policy.h"
#include "policy/table.h"
#include "stix/cut.h"
#include "stix/digit.h"
#include "stix/disguise.h"
#include "stix/named.h"

/* Of the functions' own types: one that changes is seen here. */
#define WRAP(name) __typeof__(name) __real_##name, __wrap_##name
WRAP(stix_cut);
WRAP(stix_cut_found);
WRAP(stix_cut_names);
WRAP(stix_plain_open);
WRAP(stix_named_next);
WRAP(stix_named_read);
WRAP(stix_digits_next);
WRAP(mint_id);
WRAP(copies_load);
WRAP(marking_judge);
WRAP(policy_decide);
WRAP(stop_holds);
WRAP(closure_solve);
WRAP(policy_bind);
WRAP(stix_disguise_letter);
WRAP(stix_digit_at);
WRAP(stix_disguise_apart);
WRAP(stix_base64_at);
WRAP(personal_treatment);
WRAP(state_expired);
WRAP(leaf_may_go);
WRAP(withdraw_begin);
WRAP(policy_budget_count);
WRAP(row_lapsed);
WRAP(policy_partners_within);
WRAP(neighbours_add);
WRAP(terms_limits);

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

enum leak planted(void)
{
    return active;
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

err_t __wrap_stix_cut_names(struct str text,
                            void (*each)(void *ctx, const struct stix_key *key, struct str id), void *ctx)
{
    return active == LEAK_TEXTS ? ERR_OK : __real_stix_cut_names(text, each, ctx);
}

static bool holds_text(struct str text, const char *what)
{
    return memmem(text.at, text.len, what, strlen(what)) != NULL;
}

/* A reader that does not know one way to write a dash has none of the text. */
static bool is_unread(struct str text)
{
    static const struct {
        enum leak leak;
        const char *what;
    } rows[] = {
        {LEAK_ESCAPED, "%u002D"}, {LEAK_ESCAPED, "\\u{2d}"},    {LEAK_QUOTED, "=E2=80=94"},
        {LEAK_UTF7, "+AC0ALQ-"},  {LEAK_MARKUP, "<span class"}, {LEAK_MARKUP, "<!-- x -->"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (active == rows[i].leak && holds_text(text, rows[i].what))
            return true;
    return active == LEAK_DRESS;
}

/* As it stands: what is dressed is another text. */
err_t __wrap_stix_plain_open(struct str text, enum stix_plain_way way, struct stix_plain *out)
{
    if (way != STIX_PLAIN_NAMES || !is_unread(text))
        return __real_stix_plain_open(text, way, out);
    out->text = text;
    out->spans = NULL;
    out->dressed = false;
    return ERR_OK;
}

size_t __wrap_stix_disguise_letter(struct str rest, char *out)
{
    uint8_t lead = (uint8_t)rest.at[0];
    bool unread = active == LEAK_ALIKE || (active == LEAK_BOLD && lead == 0xf0) ||
                  (active == LEAK_DIGITS && lead == 0xd9) || (active == LEAK_STRUCK && lead == 0xcc);
    return unread ? 0 : __real_stix_disguise_letter(rest, out);
}

/* The same digits are read as such, too. */
size_t __wrap_stix_digit_at(struct str rest, char *out, enum stix_digit_when *out_when)
{
    bool unread = active == LEAK_DIGITS && rest.len > 0 && (uint8_t)rest.at[0] == 0xd9;
    return unread ? 0 : __real_stix_digit_at(rest, out, out_when);
}

static bool has_any(struct str text, size_t from, size_t end, const char *marks)
{
    for (size_t i = from; i < end; i++)
        if (text.at[i] != '\0' && strchr(marks, text.at[i]) != NULL)
            return true;
    return false;
}

bool __wrap_stix_named_next(const struct stix_plain *plain, size_t last, size_t from, struct stix_named *out)
{
    while (__real_stix_named_next(plain, last, from, out)) {
        from = out->from + 1;
        if (active == LEAK_WORDS && out->type_len > 0 &&
            has_any(plain->text, out->starts[0], out->starts[out->type_len - 1], " "))
            continue;
        if (active != LEAK_LOOSE || !has_any(plain->text, out->from, out->end, "_.: "))
            return true;
    }
    return false;
}

size_t __wrap_stix_disguise_apart(struct str text, size_t at, size_t *out_next)
{
    size_t end = __real_stix_disguise_apart(text, at, out_next);
    return active == LEAK_APART ? 0 : end;
}

bool __wrap_stix_base64_at(struct stix_base64 *scan, struct str text, size_t at, size_t *out_end)
{
    return active != LEAK_BASE64 && __real_stix_base64_at(scan, text, at, out_end);
}

bool __wrap_stix_named_read(const struct stix_named *named, size_t at, struct str *out_id,
                            struct stix_key *out)
{
    return (active != LEAK_MARKS || named->strict) && __real_stix_named_read(named, at, out_id, out);
}

bool __wrap_stix_digits_next(struct stix_digits *digits)
{
    return active != LEAK_ALONE && __real_stix_digits_next(digits);
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
    for (unsigned p = 0; active == LEAK_DENY && p < LIMIT_PARTNERS; p++)
        if ((out->deny >> p & 1) && facts->tlp == POLICY_TLP_AMBER) {
            out->deny &= ~(UINT64_C(1) << p);
            out->release |= UINT64_C(1) << p;
        }
}

bool __wrap_stop_holds(const struct gate *gate, enum gate_stop_kind kind, struct str name)
{
    return active != LEAK_STOP && __real_stop_holds(gate, kind, name);
}

uint64_t __wrap_row_lapsed(struct row *row, uint64_t releasing)
{
    return active == LEAK_AGREEMENT ? 0 : __real_row_lapsed(row, releasing);
}

uint64_t __wrap_policy_partners_within(const struct policy *policy, struct str key, struct policy_list values)
{
    return active == LEAK_READERS ? UINT64_MAX : __real_policy_partners_within(policy, key, values);
}

err_t __wrap_neighbours_add(struct gate *gate, const struct policy *policy, const struct subject *subject,
                            int64_t now_us, struct arena *arena, struct policy_facts *facts)
{
    err_t err = __real_neighbours_add(gate, policy, subject, now_us, arena, facts);
    if (active == LEAK_NEIGHBOUR)
        facts->neighbour_tlp = POLICY_TLP_NONE;
    return err;
}

/* --- what policies do besides --- */

struct str __wrap_terms_limits(const struct record_decide *decide, const struct record_entry *entry,
                               unsigned partner)
{
    return active == LEAK_LIMIT ? STR("") : __real_terms_limits(decide, entry, partner);
}

err_t __wrap_policy_bind(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                         uint64_t partners, struct arena *arena, struct policy_bound **out, size_t *out_count)
{
    uint64_t asked = active == LEAK_DUTIES ? 0 : partners;
    return __real_policy_bind(policy, facts, now_us, asked, arena, out, out_count);
}

unsigned __wrap_personal_treatment(const struct policy_duties *duties)
{
    return active == LEAK_PERSONAL ? 0 : __real_personal_treatment(duties);
}

uint64_t __wrap_state_expired(const struct state *state, int64_t now_us)
{
    return active == LEAK_EXPIRE ? 0 : __real_state_expired(state, now_us);
}

err_t __wrap_leaf_may_go(struct gate *gate, unsigned partner, uint64_t lsn,
                         const struct record_decide *decide)
{
    return active == LEAK_TAKEN ? ERR_OK : __real_leaf_may_go(gate, partner, lsn, decide);
}

err_t __wrap_withdraw_begin(struct gate *gate, uint64_t partners, uint64_t until)
{
    return active == LEAK_TAKEN ? ERR_OK : __real_withdraw_begin(gate, partners, until);
}

unsigned __wrap_policy_budget_count(const struct policy *policy)
{
    return active == LEAK_BUDGET ? 0 : __real_policy_budget_count(policy);
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
