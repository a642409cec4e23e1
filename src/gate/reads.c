/* What a partner reads of one copy: of all the leaves that gave it to him, as it is or minted, the last one
 * that still gives it. An earlier form may stay with him when the newest is taken back. */
#include "gate/deciding.h"

struct reading {
    struct gate *gate;
    uint64_t lsn; /* of the copy */
    const struct judged *judged;
    unsigned partner;
    struct arena *arena;
    uint64_t decide; /* the last leaf that was found */
    uint32_t entry;
    struct reads found;
};

/* Is one of its leaves later than all before, and not over? */
static bool is_later(struct reading *r, const struct state *state)
{
    bool later = false;
    for (size_t i = 0; i < state->release_count; i++) {
        const struct state_release *release = &state->releases[i];
        bool gives = (release->mask & ~release->ended) >> r->partner & 1;
        bool after =
            release->decide > r->decide || (release->decide == r->decide && release->entry >= r->entry);
        if (!gives || !after)
            continue;
        r->decide = release->decide;
        r->entry = release->entry;
        later = true;
    }
    return later;
}

static err_t look_at(struct reading *r, uint64_t lsn)
{
    struct mint mint;
    struct state state;
    uint64_t bit = UINT64_C(1) << r->partner, denied = 0;
    err_t err;
    if (TRY(err, mint_at(r->gate, lsn, r->arena, &mint)) || mint.obj != r->lsn || mint.derived)
        return err;
    err = state_load(r->gate, lsn, &state);
    if (err == ERR_OK && (state.released & bit) != 0 && r->judged != NULL)
        err = judged_denied(r->gate, r->judged, &mint, bit, r->arena, &denied);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* never let go: a crash came between */
    if ((state.released & bit & ~denied) != 0 && is_later(r, &state))
        r->found = (struct reads) {READS_MINTED, mint};
    return ERR_OK;
}

static err_t look_at_minted(struct reading *r, const struct stix_key *key)
{
    struct mint *variants;
    struct copies made;
    struct stix_key id;
    err_t err = mint_variants(r->gate, key, r->partner, r->arena, &variants);
    for (; err == ERR_OK && variants != NULL; variants = variants->next) {
        if (!stix_id_parse(variants->id, &id))
            return ERR_CORRUPT;
        err = mint_copies(r->gate, &id, r->partner, &made);
        for (size_t i = 0; i < made.count && err == ERR_OK; i++)
            err = look_at(r, made.at[i].lsn);
    }
    return err;
}

err_t reads_of(struct gate *gate, const struct stix_key *key, uint64_t lsn, const struct state *state,
               const struct judged *judged, unsigned partner, struct arena *arena, struct reads *out)
{
    struct reading r = {.gate = gate, .lsn = lsn, .judged = judged, .partner = partner, .arena = arena};
    err_t err = ERR_OK;
    if ((state->released >> partner & 1) && is_later(&r, state))
        r.found.what = READS_WHOLE;
    if (state->minted >> partner & 1)
        err = look_at_minted(&r, key);
    *out = r.found;
    return err;
}
