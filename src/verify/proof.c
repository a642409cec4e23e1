#include "verify/verify.h"

/* --- leaves --- */
/* What an opening carries, by op (LEDGER.md section 2): 1 content and subject, 0 none; MAY: either. */
enum { MAY = 2, ENTRY = 56 /* of the log of a node */ };
static const struct {
    const char *word;
    uint8_t content, subject;
} ops[] = {{NULL, 0, 0},     {"release", 1, 0}, {"supersede", MAY, 1}, {"revoke", MAY, 1},
           {"recall", 0, 1}, {"redact", 1, 1},  {"expire", 0, 1},      {"narrow", 0, 1}};

const char *verify_op_word(unsigned op)
{
    return op < sizeof ops / sizeof ops[0] ? ops[op].word : NULL;
}

bool verify_leaf_read(struct span bytes, struct verify_leaf *out, struct verify *v)
{
    const uint8_t *at = bytes.at;
    if (bytes.len != VERIFY_LEAF || at[0] != 1 || verify_u(at + 1, 2) != 1)
        return verify_refuse(v, "not a leaf of version 1 and suite 1");
    *out = (struct verify_leaf) {.op = at[3],
                                 .epoch = (uint32_t)verify_u(at + 4, 4),
                                 .seq = verify_u(at + 8, 8),
                                 .time_us = verify_u(at + 16, 8),
                                 .hash = verify_leaf_hash(bytes)};
    memcpy(out->partner.b, at + 24, VERIFY_HASH);
    memcpy(out->issuer.b, at + 56, VERIFY_HASH);
    return (verify_op_word(out->op) != NULL && out->seq < VERIFY_SIZE_MAX && out->time_us <= INT64_MAX) ||
           verify_refuse(v, "a leaf with an unknown op, or a seq or time beyond 2^63 - 1");
}

bool verify_opening_read(struct span bytes, const struct verify_leaf *leaf, bool urgent,
                         struct verify_opening *out, struct verify *v)
{
    static const char mark[] = "bongsu leaf partner v1"; /* with its terminating zero */
    const uint8_t op = (uint8_t)leaf->op;
    struct span parts[] = {{(const uint8_t *)mark, sizeof mark},
                           {bytes.at, VERIFY_HASH},
                           {&op, 1},
                           {bytes.at + VERIFY_HASH, VERIFY_HASH + 8}};
    struct digest made = verify_sha256(parts, 4);
    if (!verify_digest_same(&made, &leaf->partner))
        return verify_refuse(v, "the opening does not open leaf %" PRIu64, leaf->seq);
    memcpy(out->content.b, bytes.at + VERIFY_HASH, VERIFY_HASH);
    out->subject = verify_u(bytes.at + 2 * VERIFY_HASH, 8);
    bool content = !sodium_is_zero(out->content.b, VERIFY_HASH), about = out->subject != VERIFY_SUBJECT_NONE;
    return ((ops[op].content == MAY || ops[op].content == content) && ops[op].subject == about &&
            (!about || urgent || out->subject < leaf->seq)) ||
           verify_refuse(v, "leaf %" PRIu64 " opens to what a %s does not have", leaf->seq, ops[op].word);
}

/* u32 length and the bytes. */
static bool blob(struct span *rest, struct span *out)
{
    struct span len;
    return verify_take(rest, 4, &len) && verify_take(rest, verify_u(len.at, 4), out);
}

static bool text_blob(struct span *rest, char out[VERIFY_NAME_MAX + 1])
{
    struct span text;
    return blob(rest, &text) && text.len <= VERIFY_NAME_MAX && verify_text_ok(text) &&
           memcpy(out, text.at, text.len) == out;
}

static bool reason_read(struct span bytes, const struct verify_leaf *leaf, struct verify_reason *out,
                        struct verify *v)
{
    static const char mark[] = "bongsu leaf issuer v1"; /* with its terminating zero */
    struct span parts[] = {{(const uint8_t *)mark, sizeof mark}, bytes}, rest = bytes, policy, salt;
    struct digest made = verify_sha256(parts, 2);
    if (!verify_digest_same(&made, &leaf->issuer))
        return verify_refuse(v, "the reason is not what leaf %" PRIu64 " commits to", leaf->seq);
    if (!verify_take(&rest, VERIFY_HASH, &salt) || !text_blob(&rest, out->rule) || !blob(&rest, &policy) ||
        policy.len != VERIFY_HASH || !text_blob(&rest, out->approver) || !text_blob(&rest, out->source) ||
        rest.len > 0)
        return verify_refuse(v, "not a reason: rule, policy digest, approver, source");
    memcpy(out->policy.b, policy.at, VERIFY_HASH);
    return true;
}

/* --- proof files --- */
struct file {
    uint8_t extra[VERIFY_EXTRA_MAX];
    size_t extra_len, count;
    struct digest path[VERIFY_PATH_MAX];
    struct span checkpoint;
};

/* RFC 9162 section 2.1.3.2: exactly the hashes that are needed. */
static bool inclusion(const struct file *file, uint64_t index, uint64_t size, const struct digest *leaf,
                      const struct digest *root)
{
    struct digest hash = *leaf;
    uint64_t at = index, last = size - 1;
    for (size_t i = 0; i < file->count; i++) {
        if (last == 0)
            return false;
        bool left = (at & 1) != 0 || at == last;
        hash = left ? verify_node(&file->path[i], &hash) : verify_node(&hash, &file->path[i]);
        for (; left && (at & 1) == 0 && at != 0; at >>= 1)
            last >>= 1;
        at >>= 1, last >>= 1;
    }
    return index < size && last == 0 && verify_digest_same(&hash, root);
}

/* The lines before the checkpoint. */
static bool file_parse(struct span rest, struct file *file, uint64_t *index)
{
    struct span line;
    if (!verify_cut(&rest, '\n', &line) || !verify_same(line, verify_span_of("c2sp.org/tlog-proof@v1")) ||
        !verify_cut(&rest, '\n', &line))
        return false;
    if (verify_head_take(&line, "extra ") &&
        (!verify_base64(line, file->extra, sizeof file->extra, &file->extra_len) || file->extra_len == 0 ||
         !verify_cut(&rest, '\n', &line)))
        return false;
    if (!verify_head_take(&line, "index ") || !verify_number(line, VERIFY_SIZE_MAX - 1, index))
        return false;
    while (verify_cut(&rest, '\n', &line)) {
        if (line.len == 0) {
            file->checkpoint = rest;
            return true;
        }
        if (file->count == VERIFY_PATH_MAX || !verify_base64_digest(line, &file->path[file->count++]))
            return false;
    }
    return false;
}

/* Which checkpoint of a ledger an entry of the log names: the map is a tree of 2^32 places (section 12). */
static bool logged_open(const struct file *file, struct verify_proof *proof, struct verify *v)
{
    static const char places[] = "bongsu log place v1", slots[] = "bongsu log slot v1"; /* and their zeroes */
    enum { NAME = ENTRY + VERIFY_HASH, HEAD = 8 + VERIFY_HASH, BESIDE = 32 * VERIFY_HASH };
    const uint8_t *at = file->extra;
    struct span rest = {at + NAME, file->extra_len - NAME}, origin;
    struct file map = {.count = 32};
    if (verify_u(at, 4) != 0x01000101 || verify_u(at + 4, 4) != proof->checkpoint.origin.epoch ||
        verify_u(at + 8, 8) != proof->index || verify_u(at + 16, 8) > INT64_MAX)
        return verify_refuse(v, "not an entry of the log of a node at this place");
    if (!blob(&rest, &origin) || rest.len != HEAD + BESIDE ||
        !verify_origin_parse(origin, &proof->logged.origin) || !proof->logged.origin.ledger)
        return verify_refuse(v, "not an opening: salt, ledger, size, root, 32 hashes");
    struct span place[] = {{(const uint8_t *)places, sizeof places}, origin};
    struct span slot[] = {{(const uint8_t *)slots, sizeof slots},
                          {at + ENTRY, file->extra_len - ENTRY - BESIDE}};
    struct digest leaf = verify_sha256(slot, 2), hash = verify_sha256(place, 2);
    proof->leaf.time_us = verify_u(at + 16, 8);
    proof->logged.size = verify_u(rest.at, 8);
    memcpy(proof->logged.root.b, rest.at + 8, VERIFY_HASH);
    memcpy(map.path, rest.at + HEAD, BESIDE);
    return inclusion(&map, verify_u(hash.b, 4), UINT64_C(1) << 32, &leaf, (const void *)(at + 24)) ||
           verify_refuse(v, "the opening does not open entry %" PRIu64, proof->index);
}

/* The leaf, and behind it nothing, its opening, or (longer than any opening) its reason. */
static bool extra_open(const struct file *file, struct verify_proof *proof, struct verify *v)
{
    struct span leaf = {file->extra, VERIFY_LEAF};
    struct span behind = {file->extra + VERIFY_LEAF, file->extra_len - VERIFY_LEAF};
    if (!proof->checkpoint.origin.ledger)
        return verify_refuse(v, "its log is no release ledger; name the logged entry with --entry");
    if (!verify_leaf_read(leaf, &proof->leaf, v))
        return false;
    if (proof->leaf.seq != proof->index || proof->leaf.epoch != proof->checkpoint.origin.epoch)
        return verify_refuse(v, "the leaf stands at another place than it says");
    proof->has_opening = behind.len == VERIFY_OPENING;
    proof->has_reason = behind.len > VERIFY_OPENING;
    if (proof->has_opening)
        return verify_opening_read(behind, &proof->leaf, proof->checkpoint.origin.urgent, &proof->opening, v);
    if (proof->has_reason)
        return reason_read(behind, &proof->leaf, &proof->reason, v);
    return behind.len == 0 || verify_refuse(v, "the extra is neither a leaf, nor a leaf and what opens it");
}

bool verify_proof_open(struct span whole, struct span entry, struct verify_proof *out, struct verify *v)
{
    struct file file = {.extra_len = 0};
    *out = (struct verify_proof) {.has_leaf = entry.at == NULL};
    if (!file_parse(whole, &file, &out->index))
        return verify_refuse(v, "not a tlog-proof file: head, extra, index, at most %d hashes, an empty line",
                             VERIFY_PATH_MAX);
    if (out->has_leaf && file.extra_len < VERIFY_LEAF)
        return verify_refuse(v, "the extra holds no leaf of bongsu; name the logged entry with --entry");
    if (!verify_checkpoint_open(file.checkpoint, &out->checkpoint, v))
        return false;
    out->has_logged = out->has_leaf && out->checkpoint.origin.log;
    out->has_leaf = out->has_leaf && !out->has_logged;
    if (entry.at == NULL)
        entry = (struct span) {file.extra, out->has_logged ? ENTRY : VERIFY_LEAF};
    out->hash = verify_leaf_hash(entry);
    if (!inclusion(&file, out->index, out->checkpoint.size, &out->hash, &out->checkpoint.root))
        return verify_refuse(v, "the path does not lead from the leaf to the signed root");
    return out->has_logged ? logged_open(&file, out, v) : !out->has_leaf || extra_open(&file, out, v);
}

/* --- vouchers: SYNC.md section 4 --- */
enum { SAID = 2 + 4, ID = 4, SIGNATURE_MAX = 128 };

static const char statement[] = "bongsu voucher v1", ids[] = "bongsu voucher key v1"; /* with their zeroes */

/* A card's ledger key: of this node and a signer of this suite; `id` tells it from the node's other ones. */
static bool is_by(const struct verify_key *key, const char *node, unsigned suite, struct span id)
{
    struct span rest = verify_span_of(key->name);
    struct span parts[] = {{(const uint8_t *)ids, sizeof ids},
                           {key->bytes + key->form->head_len, key->form->size}};
    return key->begins && verify_head_take(&rest, "bongsu/") && verify_head_take(&rest, node) &&
           verify_same(rest, verify_span_of("/")) && key->form->size / 32 == suite / 2 + 1 &&
           memcmp(verify_sha256(parts, 2).b, id.at, ID) == 0;
}

bool verify_voucher_open(struct span whole, const struct digest *content, struct verify_voucher *out,
                         struct verify *v)
{
    uint8_t bytes[SAID + VERIFY_NAME_MAX + ID + 4 + VERIFY_LIMITS_MAX + 4 + SIGNATURE_MAX];
    uint8_t message[sizeof statement + SAID + VERIFY_NAME_MAX + VERIFY_HASH + 4 + VERIFY_LIMITS_MAX];
    struct span rest = {bytes, 0}, suite, node, id, limits, signature;
    *out = (struct verify_voucher) {.node = ""};
    whole.len -= whole.len > 0 && whole.at[whole.len - 1] == '\n';
    if (!verify_base64(whole, bytes, sizeof bytes, &rest.len) || !verify_take(&rest, 2, &suite) ||
        verify_u(suite.at, 2) - 1 > 4 || !blob(&rest, &node) || !verify_name(node, out->node) ||
        !verify_take(&rest, ID, &id) || !blob(&rest, &limits) || limits.len > VERIFY_LIMITS_MAX ||
        !verify_text_ok(limits) || (limits.len > 0 && limits.at[limits.len - 1] != '\n') ||
        !blob(&rest, &signature) || rest.len > 0)
        return verify_refuse(v, "not a voucher: suite, node, key, limits, signature");
    memcpy(out->limits, limits.at, limits.len);
    /* What is signed: suite and node as they stand, the object, the limits as they stand. */
    struct span parts[] = {{(const uint8_t *)statement, sizeof statement},
                           {bytes, SAID + node.len},
                           {content->b, VERIFY_HASH},
                           {limits.at - 4, 4 + limits.len}};
    struct span said = {message, 0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; said.len += parts[i++].len)
        memcpy(message + said.len, parts[i].at, parts[i].len);
    for (size_t k = 0; k < v->count; k++) {
        if (!is_by(&v->keys[k], out->node, (unsigned)verify_u(suite.at, 2), id))
            continue;
        memcpy(out->words, v->keys[k].words, sizeof out->words);
        return verify_key_holds(&v->keys[k], signature, said) ||
               verify_refuse(v, "%s did not sign these bytes with these limits", out->node);
    }
    return verify_refuse(v, "no given card of %s names the key that signed it", out->node);
}
