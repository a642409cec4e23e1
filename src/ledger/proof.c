#include "ledger/proof.h"

#define PROOF_HEAD STR("c2sp.org/tlog-proof@v1")
#define EXTRA_HEAD STR("extra ")
#define INDEX_HEAD STR("index ")

enum { LEAF_EXTRA = LEAF_SIZE + LEAF_OPENING_SIZE };

static bool head_take(struct str *line, struct str head)
{
    if (!str_starts(*line, head))
        return false;
    line->at += head.len;
    line->len -= head.len;
    return true;
}

err_t proof_print(const struct proof *proof, struct buf *out)
{
    struct note note;
    if (proof->extra_len > LIMIT_PROOF_EXTRA_BYTES || proof->path.count > MERKLE_PROOF_MAX)
        return ERR_LIMIT;
    if (proof->index >= MERKLE_SIZE_MAX || note_parse(proof->checkpoint, &note, NULL) != ERR_OK)
        return ERR_INVALID;
    buf_put_str(out, PROOF_HEAD);
    buf_putc(out, '\n');
    if (proof->extra_len > 0) {
        buf_put_str(out, EXTRA_HEAD);
        char *to = (char *)buf_extend(out, str_base64_size(proof->extra_len));
        if (to != NULL)
            str_base64(proof->extra, proof->extra_len, to);
        buf_putc(out, '\n');
    }
    buf_printf(out, "index %llu\n", (unsigned long long)proof->index);
    for (size_t i = 0; i < proof->path.count; i++) {
        note_text_hash_put(&proof->path.at[i], out);
        buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
    buf_put_str(out, proof->checkpoint);
    return buf_err(out);
}

/* The lines up to the empty one. */
static bool path_parse(struct str *rest, struct merkle_proof *path)
{
    struct str line;
    for (path->count = 0; note_text_line(rest, &line); path->count++) {
        if (line.len == 0)
            return true;
        if (path->count == MERKLE_PROOF_MAX || !note_text_hash(line, &path->at[path->count]))
            return false;
    }
    return false;
}

static bool head_parse(struct str *rest, struct proof *out)
{
    struct str line;
    if (!note_text_line(rest, &line) || !str_eq(line, PROOF_HEAD) || !note_text_line(rest, &line))
        return false;
    if (head_take(&line, EXTRA_HEAD)) {
        /* "If no extra data is present, this line is omitted." */
        if (!str_unbase64(line, out->extra, sizeof out->extra, &out->extra_len) || out->extra_len == 0)
            return false;
        if (!note_text_line(rest, &line))
            return false;
    }
    return head_take(&line, INDEX_HEAD) && note_text_u64(line, MERKLE_SIZE_MAX - 1, &out->index);
}

err_t proof_parse(struct str whole, struct proof *out, struct fault *fault)
{
    struct proof made = {.index = 0};
    struct str rest = whole;
    if (!head_parse(&rest, &made))
        return fault_set(fault, ERR_SYNTAX, 0, "not the head of a tlog-proof file");
    size_t offset = (size_t)(rest.at - whole.at);
    if (!path_parse(&rest, &made.path))
        return fault_set(fault, ERR_SYNTAX, offset, "not a list of at most 64 hashes and an empty line");
    offset = (size_t)(rest.at - whole.at);
    struct note note;
    err_t err = note_parse(rest, &note, fault);
    if (err != ERR_OK) {
        if (fault != NULL)
            fault->offset += offset;
        return err;
    }
    made.checkpoint = rest;
    *out = made;
    return ERR_OK;
}

err_t proof_verify(const struct proof *proof, const struct hash *leaf, struct str origin,
                   const struct note_key *key, struct checkpoint *out_checkpoint, struct fault *fault)
{
    struct checkpoint checkpoint;
    err_t err = checkpoint_open(proof->checkpoint, origin, key, &checkpoint, NULL, fault);
    if (err != ERR_OK)
        return err;
    err = merkle_inclusion_verify(&proof->path, proof->index, checkpoint.size, leaf, &checkpoint.root);
    if (err != ERR_OK)
        return fault_set(fault, err, 0, "the path does not lead from the leaf to the signed root");
    if (out_checkpoint != NULL)
        *out_checkpoint = checkpoint;
    return ERR_OK;
}

/* --- bongsu leaves --- */

void proof_leaf_set(struct proof *proof, const struct leaf *leaf, const struct leaf_opening *opening)
{
    proof->index = leaf->seq;
    proof->extra_len = LEAF_EXTRA;
    leaf_encode(leaf, proof->extra);
    leaf_opening_encode(opening, proof->extra + LEAF_SIZE);
}

void proof_reason_set(struct proof *proof, const struct leaf *leaf, const struct leaf_reason *reason)
{
    struct buf bytes = {.at = proof->extra, .size = sizeof proof->extra, .size_max = sizeof proof->extra};
    uint8_t wire[LEAF_SIZE];
    leaf_encode(leaf, wire);
    buf_put(&bytes, wire, sizeof wire);
    leaf_reason_encode(reason, &bytes);
    must(buf_err(&bytes) == ERR_OK);
    proof->index = leaf->seq;
    proof->extra_len = bytes.len;
}

err_t proof_leaf_verify(const struct proof *proof, struct str origin, const struct note_key *key,
                        struct leaf *out_leaf, struct leaf_opening *out_opening, struct fault *fault)
{
    struct ledger_origin name;
    struct leaf leaf;
    struct leaf_opening opening;
    if (proof->extra_len != LEAF_EXTRA)
        return fault_set(fault, ERR_INVALID, 0, "extra is not a leaf and its opening");
    struct hash hash = merkle_leaf(bytes_of(proof->extra, LEAF_SIZE));
    err_t err = proof_verify(proof, &hash, origin, key, NULL, fault);
    if (err != ERR_OK)
        return err;
    if (TRY(err, ledger_origin_parse(origin, &name)) ||
        TRY(err, leaf_decode(bytes_of(proof->extra, LEAF_SIZE), &leaf)) ||
        TRY(err, leaf_opening_decode(bytes_of(proof->extra + LEAF_SIZE, LEAF_OPENING_SIZE), &opening)))
        return fault_set(fault, err, 0, "extra does not hold a leaf of this ledger");
    if (leaf.seq != proof->index || leaf.epoch != name.epoch)
        return fault_set(fault, ERR_CONFLICT, 0, "the leaf stands at another place than it says");
    if (TRY(err, leaf_opening_verify(&leaf, &opening, name.urgent)))
        return fault_set(fault, err, 0, "the opening does not open the leaf");
    *out_leaf = leaf;
    *out_opening = opening;
    return ERR_OK;
}
