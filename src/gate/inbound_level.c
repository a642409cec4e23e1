/* How high a source may mark what it sends: each definition that it ever said, as the level that it comes
 * down to, kept when it is taken in. One row a source and definition of the index, which follows from the
 * frames.
 *
 * What another source says of a definition is never asked: an answer would tell that it is here. A partner's
 * objects may stand under what he has from this node as well, which he does not send back. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"
#include "stix/marking.h"

enum { ROW_SIZE = 1 + 2 + STIX_KEY_SIZE, VALUE_SIZE = 1 + HASH_SIZE };

/* What a definition comes down to, besides TLP's levels; STIX_TLP_NONE: a statement, which says none. */
enum { LEVEL_UNREADABLE = STIX_TLP_RED + 1, LEVEL_UNSAID };

struct said {
    uint8_t level;
    struct hash meaning; /* zero: it said several */
};

static struct bytes row_key(uint32_t source, const struct stix_key *key, uint8_t out[ROW_SIZE])
{
    out[0] = 'i';
    wr_at(out + 1, source, 2);
    memcpy(out + 3, key->b, STIX_KEY_SIZE);
    return bytes_of(out, ROW_SIZE);
}

static err_t said_get(struct gate *gate, uint32_t source, const struct stix_key *key, struct said *out)
{
    uint8_t row[ROW_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, row_key(source, key, row), &value);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(value);
    struct said said = {.level = rd_u8(&rd)};
    rd_copy(&rd, said.meaning.b, HASH_SIZE);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    *out = said;
    return ERR_OK;
}

/* As marking.c reads it, of its own source and at any time: an IEP that is not in force may be tomorrow. */
static uint8_t level_of(const struct stix_marking *marking)
{
    if (marking->kind == STIX_MARKING_ACS && marking->acs.fits && marking->tlp == STIX_TLP_NONE)
        return STIX_TLP_RED;
    if (marking->tlp != STIX_TLP_NONE)
        return (uint8_t)marking->tlp;
    return marking->kind == STIX_MARKING_STATEMENT ? STIX_TLP_NONE : LEVEL_UNREADABLE;
}

err_t inbound_note(struct gate *gate, uint32_t source, const struct stix_object *object)
{
    struct stix_marking marking;
    struct said held, said = {.level = LEVEL_UNREADABLE};
    uint8_t row[ROW_SIZE], value[VALUE_SIZE];
    if (object->type->code != STIX_TYPE_MARKING_DEFINITION)
        return ERR_OK;
    err_t err = stix_marking_read(object, &marking, NULL);
    if (err == ERR_NOMEM)
        return err;
    if (err == ERR_OK) {
        said.level = level_of(&marking);
        said.meaning = marking.meaning;
    }
    err = said_get(gate, source, &object->key, &held);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    if (err == ERR_OK && !hash_eq(&held.meaning, &said.meaning)) { /* two words: the stricter one */
        said.level = held.level > said.level ? held.level : said.level;
        said.meaning = (struct hash) {{0}};
    }
    value[0] = said.level;
    memcpy(value + 1, said.meaning.b, HASH_SIZE);
    return store_put(gate->store, TABLE_FACT, row_key(source, &object->key, row),
                     bytes_of(value, sizeof value));
}

err_t inbound_forget(struct gate *gate, uint32_t source, const struct stix_object *object)
{
    uint8_t row[ROW_SIZE];
    if (object->type->code != STIX_TYPE_MARKING_DEFINITION)
        return ERR_OK;
    return store_delete(gate->store, TABLE_FACT, row_key(source, &object->key, row));
}

/* What the partner has of it from this node, as its own source said it. ERR_NOTFOUND: nothing. */
static err_t given_get(struct gate *gate, int partner, const struct stix_key *key, struct said *out)
{
    struct copies copies;
    struct state state;
    err_t err = copies_load(gate, key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++) {
        err = state_load(gate, copies.at[i].lsn, &state);
        if (err == ERR_OK && (state.released >> partner & 1) != 0)
            return said_get(gate, copies.at[i].source, key, out);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    return err == ERR_OK ? ERR_NOTFOUND : err;
}

static err_t level_at(struct gate *gate, uint32_t source, const struct stix_key *key, uint8_t *out)
{
    const struct gate_source *from = gate_source_get(gate, source);
    const struct classified *as = marking_classified(gate, key);
    struct said said;
    enum stix_tlp tlp;
    bool fixed = stix_tlp_from_key(key, &tlp);
    if (fixed || stix_marking_stays(key)) {
        *out = fixed ? (uint8_t)tlp : LEVEL_UNREADABLE;
        return ERR_OK;
    }
    err_t err = said_get(gate, source, key, &said);
    if (err == ERR_NOTFOUND && from != NULL && from->partner >= 0)
        err = given_get(gate, from->partner, key, &said);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    *out = err == ERR_NOTFOUND                                  ? LEVEL_UNSAID
           : as != NULL && hash_eq(&as->meaning, &said.meaning) ? (uint8_t)as->as
                                                                : said.level;
    return ERR_OK;
}

err_t inbound_ceiling(struct gate *gate, uint32_t source, const struct stix_object *object, int64_t now_us,
                      enum stix_tlp ceiling, const char **out_why)
{
    const struct gate_source *held = gate_source_get(gate, source);
    uint8_t strictest = STIX_TLP_NONE, level;
    bool marked = false;
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        if (ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING)
            continue;
        marked |= ref->role == STIX_REF_MARKING;
        err_t err = level_at(gate, source, &ref->key, &level);
        if (err != ERR_OK)
            return err;
        strictest = level > strictest ? level : strictest;
    }
    if (!marked && now_us < held->assume_until_us && (uint8_t)held->assume > strictest)
        strictest = (uint8_t)held->assume;
    *out_why = strictest <= (uint8_t)ceiling ? NULL
               : strictest == LEVEL_UNSAID
                   ? "carries a marking that its source never sent, and must stay below TLP:%.*s; send the "
                     "definition first"
               : strictest == LEVEL_UNREADABLE
                   ? "carries a marking that cannot be read, and must stay below TLP:%.*s"
                   : "marked above TLP:%.*s, the ceiling of this source";
    return ERR_OK;
}
