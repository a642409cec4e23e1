/* Operators' words about single objects: read for deciding, for people, and written. */
#include "gate/approval.h"

#include "core/wr.h"
#include "gate/cut.h"
#include "gate/words.h"

/* In the log: an approval with a basis has a word of its own, and the basis behind the name; since approvals
 * say what they answer there is one for that, with basis, rule and question behind the name. */
enum { WORD_BASED = 3, WORD_BOUND = 4 };

err_t approval_next(struct rd *rd, struct approval *out)
{
    if (rd->left == 0)
        return ERR_NOTFOUND;
    struct approval row = {.lsn = rd_u64(rd), .partner = rd_u8(rd), .basis = STR(""), .rule = STR("")};
    uint8_t word = rd_u8(rd);
    row.who = str_from_bytes(rd_blob(rd, RECORD_TEXT_MAX));
    if (word >= WORD_BASED)
        row.basis = str_from_bytes(rd_blob(rd, RECORD_WORDS_MAX));
    row.bound = word == WORD_BOUND;
    if (row.bound) {
        row.rule = str_from_bytes(rd_blob(rd, LIMIT_NAME_BYTES));
        rd_copy(rd, row.asked.b, HASH_SIZE);
    }
    if (rd->err != ERR_OK || word > WORD_BOUND)
        return ERR_CORRUPT;
    row.word = word >= WORD_BASED ? GATE_APPROVE : (enum gate_approval)word;
    *out = row;
    return ERR_OK;
}

static void approval_write(struct buf *out, const struct approval *row)
{
    uint8_t word = row->bound ? WORD_BOUND : row->basis.len > 0 ? WORD_BASED : (uint8_t)row->word;
    wr_u64(out, row->lsn);
    wr_u8(out, (uint8_t)row->partner);
    wr_u8(out, word);
    wr_blob(out, bytes_from_str(row->who));
    if (word >= WORD_BASED)
        wr_blob(out, bytes_from_str(row->basis));
    if (!row->bound)
        return;
    wr_blob(out, bytes_from_str(row->rule));
    wr_bytes(out, bytes_of(row->asked.b, HASH_SIZE));
}

/* All rows about one object; nothing said: none. */
static err_t rows_of(struct gate *gate, const struct stix_key *object, struct rd *out)
{
    struct bytes value = {NULL, 0};
    err_t err = fact_get(gate, RECORD_FACT_APPROVAL, bytes_of(object->b, STIX_KEY_SIZE), &value);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    *out = rd_of(value);
    return ERR_OK;
}

/* --- for deciding --- */

bool approval_is_person(const struct gate *gate, struct str who)
{
    if (gate->persons == NULL)
        return true;
    for (size_t i = 0; i < gate->persons->count; i++)
        if (str_eq(who, gate->persons->name[i]))
            return true;
    return false;
}

/* Who said which of the answers so far: two of them make two. */
struct said {
    uint64_t persons, based; /* partners for which one of two did */
};

/* The answers' entry for this question; a new one when there is none. */
static size_t answer_at(struct policy_answer *answers, size_t *count, const struct hash *asked)
{
    size_t i = 0;
    while (i < *count && !hash_eq(&answers[i].asked, asked))
        i++;
    if (i == *count)
        answers[(*count)++] = (struct policy_answer) {.asked = *asked};
    return i;
}

static void add_answer(const struct gate *gate, const struct approval *row, struct policy_answer *answer,
                       struct said *said)
{
    uint64_t yes = UINT64_C(1) << (row->partner % LIMIT_PARTNERS), on = row->basis.len > 0 ? yes : 0;
    answer->one |= yes;
    answer->based |= on;
    if (!approval_is_person(gate, row->who))
        return;
    answer->two |= said->persons & yes;
    answer->based2 |= said->based & on;
    said->persons |= yes;
    said->based |= on;
}

static size_t count_rows(struct rd rd)
{
    struct approval row;
    size_t count = 0;
    while (approval_next(&rd, &row) == ERR_OK)
        count++;
    return count;
}

err_t approvals_add(struct gate *gate, const struct stix_key *object, uint64_t lsn, struct arena *arena,
                    struct policy_facts *facts)
{
    struct approval row;
    struct rd rd;
    size_t count = 0;
    err_t err = rows_of(gate, object, &rd);
    if (err != ERR_OK || rd.left == 0)
        return err;
    size_t rows = count_rows(rd);
    struct policy_answer *answers = arena_zalloc(arena, rows + 1, sizeof *answers);
    struct said *said = arena_zalloc(arena, rows + 1, sizeof *said);
    if (answers == NULL || said == NULL)
        return ERR_NOMEM;
    while ((err = approval_next(&rd, &row)) == ERR_OK) {
        uint64_t bit = UINT64_C(1) << (row.partner % LIMIT_PARTNERS);
        /* Who lets go has read one version; who denies means those before it as well. */
        if (row.lsn != lsn && (row.word != GATE_DENY || row.lsn < lsn || key_is_observable(object)))
            continue;
        facts->denials |= row.word == GATE_DENY ? bit : 0;
        if (row.word != GATE_APPROVE)
            continue;
        if (row.rule.len == 0) {
            facts->approvals |= bit;
            continue;
        }
        size_t at = answer_at(answers, &count, &row.asked);
        add_answer(gate, &row, &answers[at], &said[at]);
    }
    facts->answers = answers;
    facts->answer_count = count;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- what an approval answers --- */

/* The rule of the policy in force that asks, and what it asks; -1: none does. Of an object that is cut as its
 * parts are marked, of the form that it has now, then of the others: a word may let a part go as well. */
static err_t find_asking(struct gate *gate, uint64_t lsn, unsigned partner, int64_t now_us,
                         struct arena *arena, int *out_rule, struct hash *out_asked)
{
    struct subject subject;
    struct cutting cutting;
    *out_rule = -1;
    if (gate->policy == NULL || lsn >= store_durable_lsn(gate->store))
        return ERR_OK;
    err_t err = subject_load(gate, lsn, arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (TRY(err, cut_decide(gate, &subject, gate->policy, now_us, arena, arena, &cutting)))
        return err;
    bool bare = cutting.by_bare >> partner & 1;
    const struct policy_facts *const asked[] = {bare ? &cutting.bare : &cutting.facts,
                                                bare ? &cutting.facts : &cutting.bare};
    for (size_t i = 0; i < 2 && *out_rule < 0; i++)
        *out_rule = policy_asked(gate->policy, asked[i], now_us, partner);
    struct policy_people people;
    if (*out_rule < 0 && (cutting.kept_along >> partner & 1) &&
        policy_rule_people(gate->policy, cutting.verdict.rule[partner], &people) && people.approvals > 0)
        *out_rule = cutting.verdict.rule[partner];
    if (*out_rule < 0 && (cutting.untold >> partner & 1))
        *out_rule = POLICY_RULE_DUTIES;
    if (*out_rule >= 0)
        *out_asked = policy_rule_asks(gate->policy, (unsigned)*out_rule, &cutting.facts);
    store_view_end(gate->store);
    return ERR_OK;
}

err_t approval_asked(struct gate *gate, uint64_t lsn, unsigned partner, int64_t now_us, struct arena *arena,
                     struct gate_asked *out)
{
    struct hash asked;
    int rule;
    err_t err = find_asking(gate, lsn, partner, now_us, arena, &rule, &asked);
    *out = (struct gate_asked) {.rule = STR(""), .approvers = STR("")};
    if (err == ERR_OK && rule >= 0)
        out->rule = policy_rule_name(gate->policy, (unsigned)rule);
    return err;
}

/* The version that a word would be about. ERR_NOTFOUND: there is none, or no such partner. */
static err_t newest_for(struct gate *gate, const struct stix_key *object, unsigned partner,
                        struct copies *copies, const struct copy **out)
{
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    err_t err = copies_load(gate, object, copies);
    if (err != ERR_OK)
        return err;
    *out = copies_newest(copies);
    return *out == NULL ? ERR_NOTFOUND : ERR_OK;
}

err_t gate_asked(struct gate *gate, const struct stix_key *object, unsigned partner, int64_t now_us,
                 struct gate_asked *out)
{
    struct asking asking = {.people = {.approvals = 0}};
    struct gate_asked asked = {.rule = STR(""), .approvers = STR("")};
    struct copies copies;
    const struct copy *newest;
    err_t err;
    int rule;
    if (TRY(err, newest_for(gate, object, partner, &copies, &newest)))
        return err;
    arena_reset(&gate->step_arena);
    if (TRY(err, find_asking(gate, newest->lsn, partner, now_us, &gate->step_arena, &rule, &asking.asked)))
        return err;
    if (rule >= 0) {
        asked.rule = policy_rule_name(gate->policy, (unsigned)rule);
        asked.needed = 1;
        if (policy_rule_people(gate->policy, (unsigned)rule, &asking.people)) {
            asked.needed = asking.people.approvals;
            asked.basis = asking.people.basis;
        }
        unsigned count;
        err = approvals_so_far(gate, object, newest->lsn, partner, &asking, &gate->step_arena, &count,
                               &asked.approvers);
    }
    if (err == ERR_OK)
        *out = asked;
    return err;
}

/* --- rows of before --- */

/* Why it was held when the word was said: the log holds no more. */
static err_t bind_by_state(struct gate *gate, struct approval *row)
{
    struct state state;
    struct subject subject = {.safety = STR("")};
    struct policy_people people;
    struct arena arena;
    row->bound = true;
    err_t err = state_load(gate, row->lsn, &state);
    if (err != ERR_OK || gate->policy == NULL || row->partner >= LIMIT_PARTNERS)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    const struct outcome *outcome = &gate->outcomes[state.outcome];
    struct str name = gate->names[outcome->rule[row->partner]];
    int rule = (outcome->hold >> row->partner & 1) ? policy_rule_find(gate->policy, name) : -1;
    bool ends =
        rule >= 0 &&
        (policy_rule_effect(gate->policy, (unsigned)rule) == POLICY_RELEASE || rule == POLICY_RULE_DUTIES ||
         (policy_rule_people(gate->policy, (unsigned)rule, &people) && people.approvals > 0));
    if (!ends)
        return ERR_OK;
    arena_init(&arena, LIMIT_NEIGHBOUR_BYTES);
    if (rule == POLICY_RULE_SAFETY)
        err = subject_load(gate, row->lsn, &arena, &subject);
    if (err == ERR_OK) {
        struct policy_facts facts = {.safety = subject.safety};
        row->rule = policy_rule_name(gate->policy, (unsigned)rule);
        row->asked = policy_rule_asks(gate->policy, (unsigned)rule, &facts);
    }
    arena_deinit(&arena);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Was it said before? Then it stays what it was. */
static bool stands_as(struct rd before, struct approval *row)
{
    struct approval held;
    while (approval_next(&before, &held) == ERR_OK)
        if (held.lsn == row->lsn && held.partner == row->partner && held.word == row->word &&
            str_eq(held.who, row->who) && str_eq(held.basis, row->basis)) {
            *row = held;
            return true;
        }
    return false;
}

err_t approval_settle(struct gate *gate, const struct record_fact *fact, struct bytes *out)
{
    struct approval row;
    struct rd rd = rd_of(fact->value), before;
    struct stix_key object;
    bool settled = true;
    err_t err;
    while ((err = approval_next(&rd, &row)) == ERR_OK)
        settled &= row.word != GATE_APPROVE || row.bound;
    *out = fact->value;
    if (err != ERR_NOTFOUND || settled)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    rd = rd_of(fact->key);
    rd_copy(&rd, object.b, STIX_KEY_SIZE);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    buf_clear(&gate->plain);
    rd = rd_of(fact->value);
    while ((err = approval_next(&rd, &row)) == ERR_OK) {
        if (TRY(err, rows_of(gate, &object, &before)))
            return err;
        bool said = row.word != GATE_APPROVE || row.bound || stands_as(before, &row);
        if (!said && TRY(err, bind_by_state(gate, &row)))
            return err;
        approval_write(&gate->plain, &row);
    }
    *out = buf_bytes(&gate->plain);
    return err == ERR_NOTFOUND ? buf_err(&gate->plain) : err;
}

/* --- for people --- */

/* Whose words are asked about: about one version and partner, of those that answer `asked`, or, without it,
 * any question of the policy in force. */
struct choice {
    const struct gate *gate;
    uint64_t lsn;
    unsigned partner;
    const struct hash *asked;
    bool basis, person; /* those alone who said on what basis, and who count as one of two */
    bool weighs;        /* ...who count as one of two where the rule they answered wants two */
};

static bool wants_two(const struct policy *policy, const struct approval *row)
{
    struct policy_people people;
    int rule = policy == NULL || row->rule.len == 0 ? -1 : policy_rule_find(policy, row->rule);
    return rule >= 0 && policy_rule_people(policy, (unsigned)rule, &people) && people.approvals == 2;
}

static bool chosen(const struct choice *choice, const struct approval *row)
{
    const struct policy *policy = choice->gate->policy;
    bool counts =
        choice->asked != NULL
            ? row->rule.len > 0 && hash_eq(&row->asked, choice->asked)
            : row->rule.len == 0 || (policy != NULL && policy_has_question(policy, row->rule, &row->asked));
    return row->lsn == choice->lsn && row->partner == choice->partner && row->word == GATE_APPROVE &&
           counts && (!choice->basis || row->basis.len > 0) &&
           (!(choice->person || (choice->weighs && wants_two(policy, row))) ||
            approval_is_person(choice->gate, row->who));
}

/* Did he say so before this row, about something else? */
static bool named_before(struct rd rd, const struct choice *choice, const struct approval *row, size_t left)
{
    struct approval earlier;
    while (rd.left > left && approval_next(&rd, &earlier) == ERR_OK)
        if (rd.left > left && chosen(choice, &earlier) && str_eq(earlier.who, row->who))
            return true;
    return false;
}

/* Everybody who approved for this partner, in the order in which they did: "alice, bob"; with `basis` those
 * who said on what: "alice: warrant 12; bob: request 7". */
static err_t put_approvers(struct gate *gate, struct rd rd, const struct choice *choice, struct buf *out,
                           unsigned *out_count)
{
    struct approval row;
    struct rd all = rd;
    err_t err;
    *out_count = 0;
    while ((err = approval_next(&rd, &row)) == ERR_OK) {
        if (!chosen(choice, &row) || (!choice->basis && named_before(all, choice, &row, rd.left)))
            continue;
        buf_put_str(out, out->len == 0 ? STR("") : choice->basis ? STR("; ") : STR(", "));
        buf_put_str(out, row.who);
        if (choice->basis) {
            buf_put_str(out, STR(": "));
            if (TRY(err, words_open(gate, row.basis, out)))
                return err;
        }
        ++*out_count;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The same in the arena. */
static err_t approvers_of(struct gate *gate, const struct stix_key *object, const struct choice *choice,
                          struct arena *arena, struct str *out, unsigned *out_count)
{
    struct buf text;
    struct rd rd;
    *out = STR("");
    *out_count = 0;
    err_t err = rows_of(gate, object, &rd);
    if (err != ERR_OK || rd.left == 0)
        return err;
    buf_init(&text, 2 * RECORD_FACT_VALUE_MAX);
    if (!TRY(err, put_approvers(gate, rd, choice, &text, out_count)) && !TRY(err, buf_err(&text))) {
        *out = arena_str(arena, buf_str(&text));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&text);
    return err;
}

err_t approvals_so_far(struct gate *gate, const struct stix_key *object, uint64_t lsn, unsigned partner,
                       const struct asking *asking, struct arena *arena, unsigned *out_count,
                       struct str *out_who)
{
    struct choice choice = {.gate = gate,
                            .lsn = lsn,
                            .partner = partner,
                            .asked = &asking->asked,
                            .person = asking->people.approvals == 2};
    struct str who;
    unsigned count;
    err_t err = approvers_of(gate, object, &choice, arena, &who, &count);
    choice.basis = asking->people.basis;
    struct str based = who;
    if (err == ERR_OK && choice.basis)
        err = approvers_of(gate, object, &choice, arena, &based, &count);
    if (err != ERR_OK)
        return err;
    *out_count = count;
    *out_who = who;
    return ERR_OK;
}

err_t approver_of(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t partners,
                  struct arena *arena, struct str *out)
{
    struct buf names[2];
    struct rd rd;
    bool alike = true;
    unsigned count;
    *out = STR("");
    err_t err = rows_of(gate, object, &rd);
    if (err != ERR_OK || rd.left == 0)
        return err;
    buf_init(&names[0], RECORD_TEXT_MAX);
    buf_init(&names[1], RECORD_TEXT_MAX);
    for (uint64_t left = partners; err == ERR_OK && left != 0; left &= left - 1) {
        struct choice choice = {
            .gate = gate, .lsn = lsn, .partner = (unsigned)__builtin_ctzll(left), .weighs = true};
        struct buf *now = &names[left != partners];
        buf_clear(now);
        err = put_approvers(gate, rd, &choice, now, &count);
        alike &= str_eq(buf_str(&names[0]), buf_str(now)); /* one leaf cannot name several; the log does */
    }
    if (err == ERR_OK && alike && buf_err(&names[0]) == ERR_OK) {
        *out = arena_str(arena, buf_str(&names[0]));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&names[0]);
    buf_deinit(&names[1]);
    return err;
}

err_t approval_basis(struct gate *gate, const struct stix_key *object, uint64_t lsn, unsigned partner,
                     struct arena *arena, struct str *out)
{
    struct choice choice = {.gate = gate, .lsn = lsn, .partner = partner, .basis = true};
    unsigned count;
    return approvers_of(gate, object, &choice, arena, out, &count);
}

err_t gate_basis(struct gate *gate, uint64_t lsn, unsigned partner, struct arena *arena, struct str *out)
{
    struct subject subject;
    err_t err = subject_load(gate, lsn, arena, &subject);
    if (err == ERR_OK)
        err = approval_basis(gate, &subject.object.key, lsn, partner, arena, out);
    store_view_end(gate->store);
    return err;
}

/* --- saying --- */

/* Does the new word leave the old one standing? Others' approvals stand beside one's own, and one's own
 * beside what one says to another question; everything else about the same copy and partner is replaced. */
static bool stands(const struct approval *new, const struct approval *held)
{
    if (held->lsn != new->lsn || held->partner != new->partner)
        return true;
    bool same =
        str_eq(held->who, new->who) && str_eq(held->rule, new->rule) && hash_eq(&held->asked, &new->asked);
    return new->word == GATE_APPROVE && held->word == GATE_APPROVE && !same;
}

/* What was said before about this object and still stands, and the new word. */
static err_t put_words(struct gate *gate, const struct stix_key *object, const struct approval *new,
                       struct buf *value)
{
    struct approval row;
    struct rd rd;
    err_t err = rows_of(gate, object, &rd);
    while (err == ERR_OK && (err = approval_next(&rd, &row)) == ERR_OK)
        if (stands(new, &row))
            approval_write(value, &row);
    if (err != ERR_NOTFOUND)
        return err;
    if (new->word != GATE_APPROVAL_NONE)
        approval_write(value, new);
    return ERR_OK;
}

/* Blanks say nothing. */
static struct str basis_in(struct str because)
{
    for (size_t i = 0; i < because.len; i++)
        if ((unsigned char)because.at[i] > ' ')
            return because;
    return STR("");
}

/* To what it answers. */
static err_t bind_to_asking(struct gate *gate, struct approval *said, int64_t now_us)
{
    int rule;
    arena_reset(&gate->step_arena);
    err_t err = find_asking(gate, said->lsn, said->partner, now_us, &gate->step_arena, &rule, &said->asked);
    said->bound = true;
    if (err == ERR_OK && rule >= 0)
        said->rule = policy_rule_name(gate->policy, (unsigned)rule);
    return err;
}

err_t gate_approve(struct gate *gate, const struct stix_key *object, unsigned partner,
                   enum gate_approval approval, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    struct copies copies;
    const struct copy *newest;
    err_t err;
    if (TRY(err, newest_for(gate, object, partner, &copies, &newest)))
        return err;
    if (lsn != 0 && lsn != newest->lsn)
        return ERR_CONFLICT;
    struct approval said = {.lsn = newest->lsn,
                            .partner = partner,
                            .word = approval,
                            .who = by->who,
                            .basis = STR(""),
                            .rule = STR("")};
    if (approval == GATE_APPROVE && TRY(err, bind_to_asking(gate, &said, now_us)))
        return err;
    char room[RECORD_WORDS_MAX];
    if (approval == GATE_APPROVE &&
        TRY(err, words_seal(gate, basis_in(by->because), now_us, room, &said.basis)))
        return err;
    buf_clear(&gate->scratch);
    if (TRY(err, put_words(gate, object, &said, &gate->scratch)))
        return err;
    return fact_state(gate, RECORD_FACT_APPROVAL, bytes_of(object->b, STIX_KEY_SIZE), by, now_us);
}

err_t gate_approve_which(struct gate *gate, const struct stix_key *object, uint64_t *out_lsn,
                         struct stamp *out_version)
{
    struct copies copies;
    err_t err = copies_load(gate, object, &copies);
    if (err != ERR_OK)
        return err;
    const struct copy *newest = copies_newest(&copies);
    if (newest == NULL)
        return ERR_NOTFOUND;
    *out_lsn = newest->lsn;
    *out_version = newest->version;
    return ERR_OK;
}
