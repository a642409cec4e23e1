/* Whose time with an object is over (the duty `expire`), in whatever version or form he was given it. */
#include "gate/expire.h"

static err_t add(struct givens *givens, struct arena *arena, uint64_t lsn, uint64_t obj, uint32_t variant)
{
    if (givens->count == givens->size) {
        size_t size = givens->size == 0 ? 16 : 2 * givens->size;
        struct given *wider = arena_alloc(arena, size * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        if (givens->count > 0)
            memcpy(wider, givens->at, givens->count * sizeof *wider);
        givens->at = wider;
        givens->size = size;
    }
    givens->at[givens->count++] = (struct given) {lsn, obj, variant};
    return ERR_OK;
}

/* An observable's variants are their sources' own; versions are one object's. */
static uint32_t variant_at(const struct stix_key *key, const struct copies *copies, uint64_t obj)
{
    for (size_t i = 0; i < copies->count && key_is_observable(key); i++)
        if (copies->at[i].lsn == obj)
            return copies->at[i].source;
    return 0;
}

static err_t add_minted(struct gate *gate, const struct stix_key *key, const struct copies *copies,
                        unsigned partner, struct arena *arena, struct givens *out)
{
    struct mint *variants;
    struct stix_key id, last = {{0}};
    err_t err = mint_variants(gate, key, partner, arena, &variants);
    for (; err == ERR_OK && variants != NULL; variants = variants->next) {
        struct copies made;
        if (!stix_id_parse(variants->id, &id))
            return ERR_CORRUPT;
        if (stix_key_eq(&id, &last)) /* two variants of one identifier */
            continue;
        last = id;
        err = mint_copies(gate, &id, partner, &made);
        for (size_t i = 0; err == ERR_OK && i < made.count; i++) {
            struct mint mint;
            if (!TRY(err, mint_at(gate, made.at[i].lsn, arena, &mint)) && !mint.derived)
                err = add(out, arena, mint.lsn, mint.obj, variant_at(key, copies, mint.obj));
        }
    }
    return err;
}

err_t givens_load(struct gate *gate, const struct stix_key *key, const struct copies *copies, uint64_t minted,
                  struct arena *arena, struct givens *out)
{
    err_t err = ERR_OK;
    *out = (struct givens) {0};
    for (size_t i = 0; i < copies->count && err == ERR_OK; i++)
        if ((copies->at[i].flags & COPY_SEEN) == 0)
            err = add(out, arena, copies->at[i].lsn, copies->at[i].lsn,
                      variant_at(key, copies, copies->at[i].lsn));
    for (unsigned p = 0; p < gate->peer_count && mint_any(gate) && err == ERR_OK; p++)
        if (minted >> p & 1)
            err = add_minted(gate, key, copies, p, arena, out);
    return err;
}

/* When what is over with each was given last. */
static void note_over(const struct state *state, int64_t now_us, uint64_t last[LIMIT_PARTNERS])
{
    for (size_t r = 0; r < state->release_count; r++) {
        const struct state_release *release = &state->releases[r];
        uint64_t over = release->expires_us <= now_us ? release->mask | release->before : 0;
        for (; over != 0; over &= over - 1) {
            uint64_t *at = &last[__builtin_ctzll(over)];
            *at = release->decide > *at ? release->decide : *at;
        }
    }
}

err_t givens_over(struct gate *gate, const struct givens *givens, uint32_t variant, int64_t now_us,
                  struct over *out)
{
    *out = (struct over) {.now_us = now_us};
    for (size_t i = 0; i < givens->count; i++) {
        struct state state;
        err_t err =
            givens->at[i].variant != variant ? ERR_NOTFOUND : state_load(gate, givens->at[i].lsn, &state);
        if (err == ERR_OK)
            note_over(&state, now_us, out->last);
        else if (err != ERR_NOTFOUND)
            return err;
    }
    return ERR_OK;
}

uint64_t over_with(const struct over *over, const struct state *state)
{
    uint64_t was = 0, is = 0;
    for (size_t r = 0; r < state->release_count; r++) {
        const struct state_release *release = &state->releases[r];
        for (uint64_t left = release->mask | release->before; left != 0; left &= left - 1) {
            uint64_t bit = left & -left, last = over->last[__builtin_ctzll(left)];
            bool live = (release->ended & bit) == 0 && release->expires_us > over->now_us;
            was |= last != 0 && release->decide <= last ? bit : 0;
            is |= live && release->decide > last ? bit : 0;
        }
    }
    return was & ~is;
}

err_t over_of(struct gate *gate, const struct stix_key *key, const struct copies *copies, uint64_t lsn,
              int64_t now_us, struct arena *arena, uint64_t *out)
{
    struct givens givens;
    struct over over;
    err_t err;
    *out = 0;
    if (TRY(err, givens_load(gate, key, copies, UINT64_MAX, arena, &givens)) ||
        TRY(err, givens_over(gate, &givens, variant_at(key, copies, lsn), now_us, &over)))
        return err;
    for (size_t i = 0; i < givens.count; i++) {
        struct state state;
        err = givens.at[i].obj != lsn ? ERR_NOTFOUND : state_load(gate, givens.at[i].lsn, &state);
        if (err == ERR_OK)
            *out |= over_with(&over, &state);
        else if (err != ERR_NOTFOUND)
            return err;
    }
    return ERR_OK;
}
