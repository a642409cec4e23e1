#include "core/rd.h"
#include "guard/state.h"

enum {
    NOTE_MAX = 128 << 10,
    PROOF_MAX = 64,
    OBJECT_MAX = LIMIT_OBJECT_BYTES,
    OP_RECALL = 4,
    OP_NARROW = 7, /* the last one */
    OP_AT = 3,
    BATCH = 2, /* entries at a time: more are read before the memory has brought them */
    WITH_OPENING = 1,
    WITH_OBJECT = 2,
    WITH_LIMITS = 4,
    WITH_TRAIL = 8,
    WITH_VOUCHER = 16,
    LIMITS_MAX = 512,
    TRAIL_SIZE = 128,
    NODE_MAX = 64,
    SIGNATURE_MAX = 128,
    SIGNATURE_SIZE = 64, /* of suite 1 */
    FETCH_MAX = 256,
    BLOCK_LEAVES = 4096,
    BLOCK_FAN = 64,
    BLOCK_SUM = 16,
    BLOCK_LEVELS = 3,
    BLOCK_SET = 1 << 28,
};

/* --- LEDGER.md sections 2 and 3 --- */

static const char partner_label[] = "bongsu leaf partner v1"; /* with its zero */
enum { COMMITMENT = sizeof partner_label + 1 + GUARD_OPENING_SIZE };

static void commitment_text(uint8_t op, struct bytes opening, uint8_t out[COMMITMENT])
{
    uint8_t *at = out + sizeof partner_label;
    memcpy(out, partner_label, sizeof partner_label);
    memcpy(at, opening.at, HASH_SIZE);
    at[HASH_SIZE] = op;
    memcpy(at + HASH_SIZE + 1, opening.at + HASH_SIZE, GUARD_OPENING_SIZE - HASH_SIZE);
}

/* Does it open to `made`, the hash of its commitment's text? */
static bool opens(struct bytes leaf, struct bytes opening, const struct hash *made, struct guard_leaf *out)
{
    struct rd rd = rd_of(leaf);
    struct hash said;
    if (leaf.len != GUARD_LEAF_SIZE || opening.len != GUARD_OPENING_SIZE || rd_u8(&rd) != 1 ||
        rd_u16(&rd) != 1)
        return false;
    out->op = rd_u8(&rd);
    out->epoch = rd_u32(&rd);
    out->seq = rd_u64(&rd);
    (void)rd_u64(&rd);
    rd_copy(&rd, said.b, HASH_SIZE);
    memcpy(out->content.b, opening.at + HASH_SIZE, HASH_SIZE);
    return out->op >= 1 && out->op <= OP_NARROW && hash_eq(&said, made);
}

bool leaf_opens(struct bytes leaf, struct bytes opening, struct guard_leaf *out)
{
    uint8_t text[COMMITMENT];
    if (leaf.len != GUARD_LEAF_SIZE || opening.len != GUARD_OPENING_SIZE)
        return false;
    commitment_text(leaf.at[OP_AT], opening, text);
    struct hash made = hash_sha256(bytes_of(text, sizeof text));
    return opens(leaf, opening, &made, out);
}

bool leaf_has_content(const struct guard_leaf *leaf)
{
    static const struct hash none = {{0}};
    return !hash_eq(&leaf->content, &none);
}

/* --- SYNC.md section 4 --- */

static bool parts_known(uint8_t parts)
{
    const uint8_t content = WITH_OPENING | WITH_OBJECT;
    return parts == 0 || parts == WITH_OPENING || parts == (WITH_OPENING | WITH_LIMITS) ||
           ((parts & content) == content &&
            (parts & ~(content | WITH_LIMITS | WITH_TRAIL | WITH_VOUCHER)) == 0);
}

/* The salt in the opening was made with these limits (LEDGER.md section 5). */
static bool limits_open(struct bytes opening, struct bytes salt, struct bytes limits)
{
    static const char label[] = "bongsu leaf limits v1"; /* with its zero */
    const struct bytes parts[] = {{(const uint8_t *)label, sizeof label}, salt, limits};
    struct hash made = hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
    return limits.len > 0 && opening.len == GUARD_OPENING_SIZE && memcmp(made.b, opening.at, HASH_SIZE) == 0;
}

static bool is_node(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (memchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name.at[i], 39) == NULL)
            return false;
    return name.len > 0;
}

/* What an origin signed: it names a node, and says lines that nobody else looks at. Neither may be where an
 * identifier hides, and who has no word of an operator gets none. */
static bool voucher(struct guard *guard, const struct rules_partner *partner, struct rd *rd)
{
    uint16_t suite = rd_u16(rd);
    struct str node = str_from_bytes(rd_blob(rd, NODE_MAX));
    (void)rd_u32(rd); /* which key */
    struct str limits = str_from_bytes(rd_blob(rd, LIMITS_MAX));
    struct bytes signature = rd_blob(rd, SIGNATURE_MAX);
    if (rd->err != ERR_OK || suite == 0 || !is_node(node) || signature.len == 0 ||
        (suite == 1 && signature.len != SIGNATURE_SIZE) ||
        (limits.len > 0 && (limits.at[limits.len - 1] != '\n' || !str_is_utf8(limits))))
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    if (!partner->vouched && !look_fail(guard, GUARD_RULE_STRAY, NULL))
        return false;
    return look_plain(guard, node) && look_plain(guard, limits);
}

/* A leaf and what goes with it, as it stands on the page. What does not go is empty. */
struct entry {
    uint64_t seq;
    uint8_t parts;
    struct bytes leaf, opening, object, salt, limits;
};

static bool entry_read(struct guard *guard, const struct rules_partner *partner, uint64_t seq, struct rd *rd,
                       struct entry *out)
{
    struct look *look = &guard->look;
    *out = (struct entry) {.seq = seq, .leaf = rd_bytes(rd, GUARD_LEAF_SIZE)};
    out->parts = rd_u8(rd);
    (void)rd_u8(rd);
    if ((out->parts & WITH_OPENING) != 0)
        out->opening = rd_bytes(rd, GUARD_OPENING_SIZE);
    if ((out->parts & WITH_OBJECT) != 0)
        out->object = rd_blob(rd, OBJECT_MAX);
    if ((out->parts & WITH_LIMITS) != 0) {
        out->salt = rd_bytes(rd, HASH_SIZE);
        out->limits = rd_blob(rd, LIMITS_MAX);
    }
    if ((out->parts & WITH_TRAIL) != 0)
        (void)rd_bytes(rd, TRAIL_SIZE); /* marks of nodes: they open nothing and name nobody */
    look->has_seq = true;
    look->seq = seq;
    if ((out->parts & WITH_VOUCHER) != 0 && rd->err == ERR_OK && parts_known(out->parts) &&
        !voucher(guard, partner, rd))
        return false;
    if (rd->err != ERR_OK || !parts_known(out->parts) ||
        (look->urgent && (out->leaf.at[OP_AT] != OP_RECALL || out->object.len > 0))) /* and no content */
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    return true;
}

/* What has to be hashed of an entry, whatever it says. */
enum { HASH_OBJECT, HASH_COMMITMENT, HASH_LEAF, HASHES };

static void entries_hash(const struct entry *entries, size_t count, struct hash (*out)[HASHES])
{
    uint8_t commitments[BATCH][COMMITMENT], leaves[BATCH][TREE_LEAF_TEXT];
    struct bytes data[BATCH][HASHES];
    for (size_t i = 0; i < count; i++) {
        static const uint8_t none[GUARD_OPENING_SIZE];
        bool opened = entries[i].opening.len > 0;
        commitment_text(entries[i].leaf.at[OP_AT], opened ? entries[i].opening : bytes_of(none, sizeof none),
                        commitments[i]);
        tree_leaf_text(entries[i].leaf, leaves[i]);
        data[i][HASH_OBJECT] = entries[i].object;
        data[i][HASH_COMMITMENT] = bytes_of(commitments[i], COMMITMENT);
        data[i][HASH_LEAF] = bytes_of(leaves[i], TREE_LEAF_TEXT);
    }
    hash_sha256_each(data[0], count * HASHES, out[0]);
}

static bool entry_check(struct guard *guard, const struct rules_partner *partner, const struct entry *entry,
                        const struct hash hashes[HASHES])
{
    struct guard_leaf leaf;
    const struct hash none = {{0}}, *hash = entry->object.len > 0 ? &hashes[HASH_OBJECT] : &none;
    guard->look.seq = entry->seq;
    if (entry->parts == 0) /* a destroyed secret: nothing is told */
        return true;
    if (!opens(entry->leaf, entry->opening, &hashes[HASH_COMMITMENT], &leaf) || leaf.seq != entry->seq ||
        leaf.epoch != partner->epoch || leaf_has_content(&leaf) != ((entry->parts & WITH_OBJECT) != 0) ||
        !hash_eq(hash, &leaf.content) ||
        ((entry->parts & WITH_LIMITS) != 0 && !limits_open(entry->opening, entry->salt, entry->limits)) ||
        (entry->parts == (WITH_OPENING | WITH_LIMITS) && leaf.op != OP_NARROW)) {
        if (!look_fail(guard, GUARD_RULE_OPENING, entry->object.len > 0 ? hash : NULL))
            return false;
    }
    return entry->object.len == 0 || look_object(guard, entry->object, hash);
}

/* Some that follow each other, so that their hashes are made together. */
static bool entries(struct guard *guard, const struct rules_partner *partner, uint64_t seq, size_t count,
                    struct rd *rd, struct hash *out_leaves)
{
    struct entry list[BATCH];
    struct hash hashes[BATCH][HASHES];
    if (!look_may_have(guard))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!entry_read(guard, partner, seq + i, rd, &list[i]))
            return false;
    entries_hash(list, count, hashes);
    for (size_t i = 0; i < count; i++) {
        out_leaves[i] = hashes[i][HASH_LEAF];
        if (!entry_check(guard, partner, &list[i], hashes[i]))
            return false;
    }
    return true;
}

static bool is_origin(struct str line, const char *audience, uint32_t epoch, bool urgent)
{
    uint64_t number;
    if (!str_eq(str_cut(&line, '/'), STR("bongsu")))
        return false;
    (void)str_cut(&line, '/'); /* the issuer */
    return str_eq(str_cut(&line, '/'), str_of(audience)) &&
           str_to_u64(str_cut(&line, '/'), UINT32_MAX, &number) && number == epoch &&
           (urgent ? str_eq(line, STR("urgent")) : line.at == NULL);
}

/* Of this partner's own ledger, of the two the one that was asked for. */
static bool checkpoint(struct guard *guard, const struct rules_partner *partner, struct str note,
                       struct tree_end *out)
{
    size_t len;
    if (!is_origin(str_cut(&note, '\n'), partner->name, partner->epoch, guard->look.urgent))
        return look_fail(guard, GUARD_RULE_RECIPIENT, NULL);
    if (!str_to_u64(str_cut(&note, '\n'), UINT64_MAX, &out->size) ||
        !str_unbase64(str_cut(&note, '\n'), out->root.b, HASH_SIZE, &len) || len != HASH_SIZE)
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    out->epoch = partner->epoch;
    return true;
}

/* ...and its leaves are those of that ledger, all of them: another partner's would make another root. */
static bool grows(struct guard *guard, const struct rules_partner *partner, uint64_t count,
                  struct bytes proof)
{
    struct look *look = &guard->look;
    const struct tree_end *end = &guard->ends[look->urgent][look->partner];
    struct tree_page page = {look->first_seq, look->leaves, count, proof, look->end.root};
    bool follows = end->epoch == partner->epoch && end->size == look->first_seq;
    return tree_grows(&page, follows ? &end->root : NULL) || look_fail(guard, GUARD_RULE_VIEW, NULL);
}

bool leaf_page(struct guard *guard, const struct rules_partner *partner, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint8_t format = rd_u8(&rd);
    uint16_t suite = rd_u16(&rd);
    uint32_t epoch = rd_u32(&rd);
    uint64_t from = rd_u64(&rd);
    uint32_t count = rd_u32(&rd);
    if (rd.err != ERR_OK || format != 1 || suite != 1 || count > LOOK_ITEMS || from > UINT64_MAX - count)
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    if (epoch != partner->epoch)
        return look_fail(guard, GUARD_RULE_RECIPIENT, NULL);
    guard->look.first_seq = from;
    for (uint32_t i = 0; i < count; i += BATCH)
        if (!entries(guard, partner, from + i, count - i < BATCH ? count - i : BATCH, &rd,
                     guard->look.leaves + i))
            return false;
    guard->look.has_seq = false;
    struct bytes note = rd_blob(&rd, NOTE_MAX);
    uint8_t hashes = rd_u8(&rd);
    struct bytes proof = rd_bytes(&rd, (size_t)hashes * HASH_SIZE);
    if (rd_end(&rd) != ERR_OK || hashes > PROOF_MAX || (note.len == 0) != (count == 0))
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    if (count == 0)
        return true;
    if (!checkpoint(guard, partner, str_from_bytes(note), &guard->look.end))
        return false;
    if (guard->look.end.size != from + count) /* the page ends there */
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    return grows(guard, partner, count, proof);
}

/* --- RECONCILE.md --- */

/* The leaf says where it stands, and the proof that it does. */
static bool fetched(struct guard *guard, const struct rules_partner *partner, size_t index,
                    const struct tree_end *end, struct rd *rd)
{
    struct rd ahead = *rd;
    (void)rd_u64(&ahead); /* version, suite, op, epoch */
    uint64_t seq = rd_u64(&ahead);
    if (!entries(guard, partner, seq, 1, rd, &guard->look.leaves[index]))
        return false;
    uint8_t hashes = rd_u8(rd);
    struct bytes proof = rd_bytes(rd, (size_t)hashes * HASH_SIZE);
    if (rd->err != ERR_OK || hashes > PROOF_MAX)
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    return tree_holds(&guard->look.leaves[index], seq, end->size, proof, &end->root) ||
           look_fail(guard, GUARD_RULE_VIEW, NULL);
}

bool leaf_fetched(struct guard *guard, const struct rules_partner *partner, struct bytes body)
{
    struct rd rd = rd_of(body);
    struct tree_end end = {.size = 0};
    uint8_t format = rd_u8(&rd);
    uint16_t suite = rd_u16(&rd);
    uint32_t epoch = rd_u32(&rd);
    struct bytes note = rd_blob(&rd, NOTE_MAX);
    uint16_t count = rd_u16(&rd);
    if (rd.err != ERR_OK || format != 1 || suite != 1 || count == 0 || count > FETCH_MAX)
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    if (epoch != partner->epoch)
        return look_fail(guard, GUARD_RULE_RECIPIENT, NULL);
    if (!checkpoint(guard, partner, str_from_bytes(note), &end))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!fetched(guard, partner, i, &end, &rd))
            return false;
    guard->look.has_seq = false;
    return rd_end(&rd) == ERR_OK || look_fail(guard, GUARD_RULE_FORM, NULL);
}

/* Things of so many leaves each, in a set of this size. */
static uint64_t count_of(uint64_t size, uint64_t leaves)
{
    return (size + leaves - 1) / leaves;
}

/* Bytes behind this node: of a block its bits, else a sum for each child. 0: there is no such node. */
static size_t behind(uint64_t size, uint8_t level, uint32_t index)
{
    uint64_t below = BLOCK_LEAVES; /* leaves of a child */
    for (unsigned i = 1; i < level; i++)
        below *= BLOCK_FAN;
    uint64_t own = level == 0 ? BLOCK_LEAVES : below * BLOCK_FAN, first = index * own;
    if (level > BLOCK_LEVELS || first >= size)
        return 0;
    uint64_t leaves = size - first < own ? size - first : own;
    return (size_t)(level == 0 ? count_of(leaves, 8) : count_of(leaves, below) * BLOCK_SUM);
}

bool leaf_sums(struct guard *guard, const struct rules_partner *partner, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint8_t format = rd_u8(&rd);
    uint32_t epoch = rd_u32(&rd);
    uint64_t size = rd_u64(&rd);
    uint16_t count = rd_u16(&rd);
    if (rd.err != ERR_OK || format != 1 || size == 0 || size > BLOCK_SET || count == 0)
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    if (!look_may_have(guard))
        return false;
    if (epoch != partner->epoch)
        return look_fail(guard, GUARD_RULE_RECIPIENT, NULL);
    for (size_t i = 0; i < count && rd.err == ERR_OK; i++) {
        uint8_t level = rd_u8(&rd);
        size_t bytes = behind(size, level, rd_u32(&rd));
        if (bytes == 0)
            return look_fail(guard, GUARD_RULE_FORM, NULL);
        (void)rd_bytes(&rd, bytes);
    }
    return rd_end(&rd) == ERR_OK || look_fail(guard, GUARD_RULE_FORM, NULL);
}
