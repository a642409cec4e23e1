/* Operators' words about single objects: read for deciding, for people, and written. */
#include "gate/approval.h"

#include "core/wr.h"
#include "gate/state.h"

/* In the log: an approval with a basis has a word of its own, and the basis behind the name. */
enum { WORD_BASED = 3 };

err_t approval_next(struct rd *rd, struct approval *out)
{
    if (rd->left == 0)
        return ERR_NOTFOUND;
    struct approval row = {.lsn = rd_u64(rd), .partner = rd_u8(rd)};
    uint8_t word = rd_u8(rd);
    row.who = str_from_bytes(rd_blob(rd, RECORD_TEXT_MAX));
    if (word == WORD_BASED)
        row.basis = str_from_bytes(rd_blob(rd, RECORD_TEXT_MAX));
    if (rd->err != ERR_OK || word > WORD_BASED)
        return ERR_CORRUPT;
    row.word = word == WORD_BASED ? GATE_APPROVE : (enum gate_approval)word;
    *out = row;
    return ERR_OK;
}

static void approval_write(struct buf *out, const struct approval *row)
{
    wr_u64(out, row->lsn);
    wr_u8(out, (uint8_t)row->partner);
    wr_u8(out, row->basis.len > 0 ? WORD_BASED : (uint8_t)row->word);
    wr_blob(out, bytes_from_str(row->who));
    if (row->basis.len > 0)
        wr_blob(out, bytes_from_str(row->basis));
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

static bool is_person(const struct gate *gate, struct str who)
{
    if (gate->persons == NULL)
        return true;
    for (size_t i = 0; i < gate->persons->count; i++)
        if (str_eq(who, gate->persons->name[i]))
            return true;
    return false;
}

err_t approvals_add(struct gate *gate, const struct stix_key *object, uint64_t lsn,
                    struct policy_facts *facts)
{
    struct approval row;
    struct rd rd;
    uint64_t persons = 0, based = 0; /* partners for which one of two did */
    err_t err = rows_of(gate, object, &rd);
    while (err == ERR_OK && (err = approval_next(&rd, &row)) == ERR_OK) {
        uint64_t bit = UINT64_C(1) << (row.partner % LIMIT_PARTNERS);
        uint64_t yes = row.word == GATE_APPROVE ? bit : 0, on = row.basis.len > 0 ? yes : 0;
        /* Who lets go has read one version; who denies means those before it as well. */
        if (row.lsn != lsn && (row.word != GATE_DENY || row.lsn < lsn || key_is_observable(object)))
            continue;
        facts->approvals |= yes;
        facts->based |= on;
        facts->denials |= row.word == GATE_DENY ? bit : 0;
        if (!is_person(gate, row.who))
            continue;
        facts->approvals2 |= persons & yes;
        facts->based2 |= based & on;
        persons |= yes;
        based |= on;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- for people --- */

err_t approvals_count(struct gate *gate, const struct stix_key *object, uint64_t lsn, unsigned partner,
                      const struct policy_people *asked, unsigned *out)
{
    struct approval row;
    struct rd rd;
    unsigned count = 0;
    err_t err = rows_of(gate, object, &rd);
    while (err == ERR_OK && (err = approval_next(&rd, &row)) == ERR_OK)
        count += row.lsn == lsn && row.partner == partner && row.word == GATE_APPROVE &&
                 (!asked->basis || row.basis.len > 0) && (asked->approvals < 2 || is_person(gate, row.who));
    if (err != ERR_NOTFOUND)
        return err;
    *out = count;
    return ERR_OK;
}

/* Everybody who approved for this partner, in the order in which they did: "alice, bob"; with `basis` those
 * who said on what: "alice: warrant 12; bob: request 7". */
static err_t put_approvers(struct rd rd, uint64_t lsn, unsigned partner, bool basis, struct buf *out)
{
    struct approval row;
    err_t err;
    while ((err = approval_next(&rd, &row)) == ERR_OK) {
        if (row.lsn != lsn || row.word != GATE_APPROVE || row.partner != partner ||
            (basis && row.basis.len == 0))
            continue;
        buf_put_str(out, out->len == 0 ? STR("") : basis ? STR("; ") : STR(", "));
        buf_put_str(out, row.who);
        if (basis) {
            buf_put_str(out, STR(": "));
            buf_put_str(out, row.basis);
        }
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t approver_of(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t partners,
                  struct arena *arena, struct str *out)
{
    struct buf names[2];
    struct rd rd;
    bool alike = true;
    *out = STR("");
    err_t err = rows_of(gate, object, &rd);
    if (err != ERR_OK || rd.left == 0)
        return err;
    buf_init(&names[0], RECORD_TEXT_MAX);
    buf_init(&names[1], RECORD_TEXT_MAX);
    for (uint64_t left = partners; err == ERR_OK && left != 0; left &= left - 1) {
        struct buf *now = &names[left != partners];
        buf_clear(now);
        err = put_approvers(rd, lsn, (unsigned)__builtin_ctzll(left), false, now);
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
    struct buf text;
    struct rd rd;
    *out = STR("");
    err_t err = rows_of(gate, object, &rd);
    if (err != ERR_OK || rd.left == 0)
        return err;
    buf_init(&text, 2 * RECORD_FACT_VALUE_MAX);
    if (!TRY(err, put_approvers(rd, lsn, partner, true, &text)) && !TRY(err, buf_err(&text))) {
        *out = arena_str(arena, buf_str(&text));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&text);
    return err;
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

/* Does the new word leave the old one standing? Others' approvals stand beside one's own; everything else
 * about the same copy and partner is replaced. */
static bool stands(const struct approval *new, const struct approval *held)
{
    if (held->lsn != new->lsn || held->partner != new->partner)
        return true;
    return new->word == GATE_APPROVE && held->word == GATE_APPROVE && !str_eq(held->who, new->who);
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

err_t gate_approve(struct gate *gate, const struct stix_key *object, unsigned partner,
                   enum gate_approval approval, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    struct copies copies;
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    err_t err = copies_load(gate, object, &copies);
    if (err != ERR_OK)
        return err;
    const struct copy *newest = copies_newest(&copies);
    if (newest == NULL)
        return ERR_NOTFOUND;
    if (lsn != 0 && lsn != newest->lsn)
        return ERR_CONFLICT;
    struct approval said = {newest->lsn, partner, approval, by->who, STR("")};
    if (approval == GATE_APPROVE)
        said.basis = basis_in(by->because);
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
