/* What the node where an object entered signed of it (ledger/voucher.h) stands beside it: what came with it
 * is kept and passed on as it is, and of what entered here the keeper signs before a checkpoint covers the
 * leaf. Who has not been allowed to get such by an operator gets none: it names the origin
 * (docs/decisions/0150).
 *
 * A signature over a plain digest would let anybody who guesses it find out what was destroyed: so it lies in
 * the log sealed under the secret of its object, and goes with that. One object may have several of ours, one
 * for each limits that it left with; of what came the first counts.
 *
 * After a crash the same is signed once more. Ed25519 then gives the same bytes; ECDSA does not, and a key of
 * GCM seals one text alone: so each sealing brings a salt, which stands before it. */
#include <stdio.h>

#include "core/mem.h"
#include "core/suite.h"
#include "core/wr.h"
#include "gate/state.h"

enum {
    VERSION = 1,
    HEAD = 1 + 1 + 8, /* version, state, card */
    PLAIN_MAX = HEAD + LIMIT_VOUCHER_BYTES,
    WHICH = 8, /* begin of the digest of the limits; zeros: it came so */
    KEY_SIZE = STIX_KEY_SIZE + 8 + WHICH,
    SETTING_MAX = 8 + LIMIT_NAME_BYTES,
    OWN = 0,   /* the state of what this node signed itself */
    SALT = 16, /* before what is sealed, unless in suite 1 */
};

static const char seal_label[] = "bongsu voucher seal 1";

/* --- who gets them --- */

static struct str setting_of(const struct gate *gate, unsigned partner, char out[SETTING_MAX])
{
    int len = snprintf(out, SETTING_MAX, "vouch/%.*s", STR_ARG(gate->peers[partner].audience));
    return (struct str) {out, (size_t)len};
}

err_t gate_vouch(struct gate *gate, unsigned partner, bool with, const struct gate_by *by, int64_t now_us)
{
    static const uint8_t yes = 1;
    char key[SETTING_MAX];
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    if (gate_vouches(gate, partner) == with)
        return ERR_EXISTS;
    return gate_setting_put(gate, setting_of(gate, partner, key), bytes_of(&yes, with ? 1 : 0), by, now_us);
}

void vouches_apply(struct gate *gate, const struct record_fact *fact)
{
    static const struct str head = {"vouch/", 6};
    struct str key = str_from_bytes(fact->key);
    if (!str_starts(key, head))
        return;
    const struct gate_peer *peer = gate_peer_find(gate, (struct str) {key.at + head.len, key.len - head.len});
    if (peer != NULL && fact->value.len == 1)
        gate->vouches |= UINT64_C(1) << peer->index;
    else if (peer != NULL)
        gate->vouches &= ~(UINT64_C(1) << peer->index);
}

bool gate_vouches(const struct gate *gate, unsigned partner)
{
    return partner < gate->peer_count && (gate->vouches >> partner & 1) != 0;
}

err_t vouches_load(struct gate *gate)
{
    char key[SETTING_MAX];
    struct bytes value;
    for (unsigned p = 0; p < gate->peer_count; p++) {
        err_t err = fact_get(gate, RECORD_FACT_NODE, bytes_from_str(setting_of(gate, p, key)), &value);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        gate->vouches |= (uint64_t)(err == ERR_OK && value.len == 1) << p;
    }
    return ERR_OK;
}

/* --- beside an object --- */

static void which_of(struct str limits, uint8_t out[WHICH])
{
    struct hash hash = hash_sha256(bytes_from_str(limits));
    memcpy(out, hash.b, WHICH);
}

static struct bytes key_of(const struct stix_key *object, uint64_t lsn, const uint8_t which[WHICH],
                           uint8_t out[KEY_SIZE])
{
    memcpy(out, object->b, STIX_KEY_SIZE);
    wr_at_u64(out + STIX_KEY_SIZE, lsn);
    memcpy(out + STIX_KEY_SIZE + 8, which, WHICH);
    return bytes_of(out, KEY_SIZE);
}

static size_t salt_size(const struct gate *gate)
{
    return store_suite(gate->store) == SUITE_1 ? 0 : SALT;
}

/* Of the object's own, for this one row. ERR_NOTFOUND: destroyed. */
static err_t seal_secret_of(struct gate *gate, uint64_t slot, struct bytes key, const uint8_t *salt,
                            struct seal_secret *out)
{
    uint8_t context[KEY_SIZE + SALT];
    size_t len = salt_size(gate);
    memcpy(context, key.at, KEY_SIZE);
    memcpy(context + KEY_SIZE, salt, len);
    struct seal_secret secret;
    err_t err = store_group_secret(gate->store, slot, &secret);
    if (err == ERR_NOTFOUND)
        err = store_secret(gate->store, slot, &secret);
    if (err != ERR_OK)
        return err;
    struct seal_salts salts = seal_salts(&secret, seal_label, bytes_of(context, KEY_SIZE + len));
    memcpy(out->b, salts.a.b, SEAL_SECRET_SIZE);
    mem_wipe(&secret, sizeof secret);
    mem_wipe(&salts, sizeof salts);
    return ERR_OK;
}

/* Into gate->scratch, as the fact's value. */
static err_t seal_into(struct gate *gate, uint64_t slot, struct bytes key, struct bytes plain)
{
    struct seal_secret secret;
    uint8_t salt[SALT];
    size_t len = salt_size(gate);
    err_t err;
    if (TRY(err, gate->os->random(gate->os->ctx, salt, len)) ||
        TRY(err, seal_secret_of(gate, slot, key, salt, &secret)))
        return err;
    buf_clear(&gate->scratch);
    buf_put(&gate->scratch, salt, len);
    uint8_t *to = buf_extend(&gate->scratch, plain.len + SEAL_TAG_SIZE);
    err =
        to == NULL ? buf_err(&gate->scratch) : seal_close(store_suite(gate->store), &secret, plain, key, to);
    mem_wipe(&secret, sizeof secret);
    return err;
}

static err_t put(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t slot,
                 const uint8_t which[WHICH], const struct gate_voucher *voucher, const struct gate_by *by,
                 int64_t now_us)
{
    uint8_t key[KEY_SIZE], raw[PLAIN_MAX];
    struct buf plain = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u8(&plain, VERSION);
    wr_u8(&plain, (uint8_t)voucher->state);
    wr_u64(&plain, voucher->card);
    wr_bytes(&plain, voucher->wire);
    struct bytes where = key_of(object, lsn, which, key);
    err_t err = buf_err(&plain);
    if (err != ERR_OK || TRY(err, seal_into(gate, slot, where, buf_bytes(&plain))))
        return err;
    return fact_state(gate, RECORD_FACT_VOUCHER, where, by, now_us);
}

static err_t get(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t slot,
                 const uint8_t which[WHICH], struct arena *arena, struct gate_voucher *out)
{
    uint8_t key[KEY_SIZE];
    struct bytes where = key_of(object, lsn, which, key), sealed;
    struct seal_secret secret;
    err_t err = fact_get(gate, RECORD_FACT_VOUCHER, where, &sealed);
    size_t before = salt_size(gate) + SEAL_TAG_SIZE;
    if (err != ERR_OK)
        return err;
    if (sealed.len <= before + HEAD || sealed.len > before + PLAIN_MAX)
        return ERR_CORRUPT;
    if (TRY(err, seal_secret_of(gate, slot, where, sealed.at, &secret)))
        return err;
    size_t len = sealed.len - before;
    uint8_t *plain = arena_alloc(arena, len);
    sealed = bytes_of(sealed.at + salt_size(gate), len + SEAL_TAG_SIZE);
    err = plain == NULL ? ERR_NOMEM : seal_open(store_suite(gate->store), &secret, sealed, where, plain);
    mem_wipe(&secret, sizeof secret);
    if (err != ERR_OK)
        return err == ERR_SIGNATURE ? ERR_CORRUPT : err;
    struct rd rd = rd_of(bytes_of(plain, len));
    if (rd_u8(&rd) != VERSION)
        return ERR_VERSION;
    uint8_t state = rd_u8(&rd);
    *out = (struct gate_voucher) {.state = (enum gate_vouched)state, .card = rd_u64(&rd)};
    out->wire = bytes_of(rd.at, rd.left);
    return ERR_OK;
}

/* --- what came --- */

static const uint8_t came[WHICH];

err_t voucher_judge(const struct gate_submission *submission, struct fault *fault)
{
    struct voucher voucher;
    if (submission->voucher == NULL || submission->voucher->state != GATE_VOUCHED_FALSE)
        return ERR_OK;
    struct rd rd = rd_of(submission->voucher->wire);
    voucher_read(&rd, &voucher);
    return fault_set(fault, ERR_SIGNATURE, 0,
                     "the signature of its origin %.*s does not verify: bytes or limits were changed on "
                     "their way, or it never signed them",
                     STR_ARG(voucher.node));
}

static const struct gate_peer *peer_of_node(const struct gate *gate, struct str node)
{
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (gate->peers[p].state != GATE_PEER_REMOVED && str_eq(gate->peers[p].node, node))
            return &gate->peers[p];
    return NULL;
}

/* With whom is `community` one of a node that is no partner? With nobody. */
static void without_community(struct str limits, struct buf *out)
{
    while (limits.len > 0) {
        struct str line = str_cut(&limits, '\n');
        buf_put_str(out, str_eq(line, STR("community")) ? STR("never") : line);
        buf_putc(out, '\n');
    }
}

/* What the origin said binds whoever holds the object, whoever brought it, and also when it cannot be told
 * that the origin said it: to bind more than necessary gives nothing away. */
static err_t bind_limits(struct gate *gate, const struct gate_submission *submission,
                         const struct voucher *voucher, const struct stix_key *object, uint64_t lsn,
                         int64_t now_us)
{
    char raw[LIMIT_RESHARE_BYTES];
    struct buf lines = {.at = (uint8_t *)raw, .size = sizeof raw, .size_max = sizeof raw};
    const struct gate_peer *origin = peer_of_node(gate, voucher->node);
    int brought = gate_source_get(gate, submission->source)->partner;
    if (voucher->limits.len == 0 || brought < 0)
        return ERR_OK;
    if (origin != NULL)
        return reshare_keep(gate, origin, object, lsn, voucher->limits, now_us);
    without_community(voucher->limits, &lines);
    return reshare_keep(gate, &gate->peers[brought], object, lsn, buf_str(&lines), now_us);
}

err_t voucher_take(struct gate *gate, const struct gate_submission *submission, const struct stix_key *object,
                   uint64_t lsn, uint64_t slot, int64_t now_us)
{
    struct voucher voucher;
    err_t err;
    if (submission->voucher == NULL)
        return ERR_OK;
    struct rd rd = rd_of(submission->voucher->wire);
    voucher_read(&rd, &voucher);
    must(rd_end(&rd) == ERR_OK);
    const struct gate_by by = {gate_source_get(gate, submission->source)->name, STR("its origin signed it")};
    if (TRY(err, put(gate, object, lsn, slot, came, submission->voucher, &by, now_us)))
        return err;
    return bind_limits(gate, submission, &voucher, object, lsn, now_us);
}

err_t voucher_came(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t slot,
                   struct arena *arena, struct gate_voucher *out)
{
    return get(gate, object, lsn, slot, came, arena, out);
}

/* The node's name lives in the arena. */
err_t voucher_signer(struct gate *gate, const struct policy *policy, const struct subject *subject,
                     struct arena *arena, struct policy_facts *facts)
{
    struct gate_voucher came_with;
    struct voucher voucher;
    if (policy == NULL || (policy_needs(policy) & POLICY_NEED_SIGNER) == 0)
        return ERR_OK;
    err_t err = voucher_came(gate, &subject->object.key, subject->lsn, subject->slot, arena, &came_with);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (came_with.state != GATE_VOUCHED_VERIFIED)
        return ERR_OK;
    struct rd rd = rd_of(came_with.wire);
    voucher_read(&rd, &voucher);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    facts->signed_by = voucher.node;
    return ERR_OK;
}

/* --- what goes with a leaf --- */

bool voucher_entered_here(const struct gate *gate, const struct frame *frame,
                          const struct record_envelope *envelope)
{
    const struct gate_source *source = gate_source_get(gate, envelope->source);
    if (frame->kind == FRAME_MINT)
        return envelope->hops < HOPS_HIDDEN; /* it was made here */
    return frame->kind == FRAME_OBJ && envelope->hops == 0 && source != NULL && source->partner < 0;
}

err_t voucher_show(struct gate *gate, const struct frame *frame, struct arena *arena, struct gate_leaf *leaf)
{
    uint8_t which[WHICH] = {0};
    struct gate_voucher voucher;
    if (frame->kind == FRAME_MINT && !leaf->entered_here)
        return ERR_OK;
    if (leaf->entered_here)
        which_of(leaf->limits, which);
    err_t err = get(gate, &leaf->key, frame->lsn, frame->slot, which, arena, &voucher);
    if (err == ERR_OK)
        leaf->voucher = voucher.wire;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- what this node signs --- */

struct vouching {
    struct gate_vouching wanted;
    bool out;
    uint32_t epoch; /* of the ledger */
    err_t err;
    struct arena arena; /* of the limits; memory of `at` is its own */
};

enum { VOUCHING_BYTES = LIMIT_CHECKPOINT_LEAVES * (LIMIT_RESHARE_BYTES + 64) };

uint64_t vouched_size(const struct gate *gate, unsigned ledger)
{
    const struct view *view = &gate->views[ledger];
    if (gate_ledger_is_urgent(ledger) || !gate_vouches(gate, ledger))
        return UINT64_MAX;
    return view->vouched_size > view->signed_size ? view->vouched_size : view->signed_size;
}

static bool collect(void *ctx, const struct gate_leaf *leaf)
{
    struct vouching *vouching = ctx;
    if (!leaf->entered_here || leaf->withheld || leaf->object.len == 0 || leaf->voucher.len > 0)
        return true;
    struct str limits = arena_str(&vouching->arena, leaf->limits);
    if (limits.at == NULL && leaf->limits.len > 0) {
        vouching->err = ERR_NOMEM;
        return false;
    }
    vouching->wanted.at[vouching->wanted.count++] =
        (struct gate_vouch) {leaf->opening.content, limits, leaf->key, leaf->lsn};
    return true;
}

static struct vouching *vouching_of(struct gate *gate)
{
    if (gate->vouching != NULL)
        return gate->vouching;
    struct vouching *vouching = mem_alloc(sizeof *vouching);
    struct gate_vouch *at = mem_alloc_array(LIMIT_CHECKPOINT_LEAVES, sizeof *at);
    if (vouching == NULL || at == NULL) {
        mem_free(vouching);
        mem_free(at);
        return NULL;
    }
    *vouching = (struct vouching) {.wanted.at = at};
    arena_init(&vouching->arena, VOUCHING_BYTES);
    return gate->vouching = vouching;
}

void vouching_close(struct gate *gate)
{
    if (gate->vouching == NULL)
        return;
    arena_deinit(&gate->vouching->arena);
    mem_free(gate->vouching->wanted.at);
    mem_free(gate->vouching);
    gate->vouching = NULL;
}

const struct gate_vouching *gate_vouch_out(const struct gate *gate)
{
    return gate->vouching != NULL && gate->vouching->out ? &gate->vouching->wanted : NULL;
}

const struct gate_vouching *gate_vouch_next(struct gate *gate, unsigned partner)
{
    if (!ledger_held(gate, partner) || gate->read_only || gate->group_open || gate_vouch_out(gate) != NULL)
        return NULL;
    struct view *view = &gate->views[partner];
    uint64_t from = vouched_size(gate, partner), end = view->tree.edge.size;
    struct vouching *vouching = from < end && !view->stopped ? vouching_of(gate) : NULL;
    if (vouching == NULL)
        return NULL;
    uint64_t to = end - from < LIMIT_CHECKPOINT_LEAVES ? end : from + LIMIT_CHECKPOINT_LEAVES;
    arena_reset(&vouching->arena);
    vouching->wanted = (struct gate_vouching) {partner, from, to, 0, vouching->wanted.at};
    vouching->epoch = gate->peers[partner].epoch;
    vouching->err = ERR_OK;
    err_t err = leaves_ahead(gate, partner, from, to, collect, vouching);
    if (err == ERR_OK && vouching->err == ERR_OK && vouching->wanted.count > 0) {
        vouching->out = true;
        return &vouching->wanted;
    }
    /* What cannot be read is no reason to keep back what can. Without memory: the next time. */
    if (err != ERR_NOMEM && vouching->err != ERR_NOMEM)
        view->vouched_size = to;
    return NULL;
}

/* What is out is over, and no checkpoint waits for it. */
static void settle(struct gate *gate)
{
    const struct gate_vouching *wanted = &gate->vouching->wanted;
    gate->vouching->out = false;
    if (gate->vouching->epoch == gate->peers[wanted->partner].epoch)
        gate->views[wanted->partner].vouched_size = wanted->to;
}

void gate_vouch_abandon(struct gate *gate)
{
    if (gate->vouching != NULL)
        gate->vouching->out = false;
}

void gate_vouch_skip(struct gate *gate)
{
    if (gate_vouch_out(gate) != NULL)
        settle(gate);
}

static err_t put_own(struct gate *gate, const struct gate_vouch *vouch, uint16_t suite, uint32_t key_id,
                     const struct signature *signature, int64_t now_us)
{
    uint8_t raw[LIMIT_VOUCHER_BYTES], which[WHICH];
    struct buf wire = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    struct voucher voucher = {suite, gate->node_name, key_id, vouch->limits, signature_bytes(signature)};
    const struct gate_by by = {STR("bongsu"), STR("it entered here")};
    struct frame frame;
    err_t err;
    voucher_write(&wire, &voucher);
    if (TRY(err, buf_err(&wire)) || TRY(err, store_read(gate->store, vouch->lsn, &frame)))
        return err;
    which_of(vouch->limits, which);
    const struct gate_voucher own = {buf_bytes(&wire), (enum gate_vouched)OWN, 0};
    err = put(gate, &vouch->key, vouch->lsn, frame.slot, which, &own, &by, now_us);
    return err == ERR_NOTFOUND ? ERR_OK : err; /* its content was destroyed meanwhile */
}

err_t gate_vouched(struct gate *gate, uint16_t suite, uint32_t key_id, const struct signature *signatures,
                   int64_t now_us)
{
    const struct gate_vouching *out = gate_vouch_out(gate);
    err_t err = ERR_OK;
    if (out == NULL)
        return ERR_NOTFOUND;
    for (size_t i = 0; i < out->count && err == ERR_OK; i++)
        err = put_own(gate, &out->at[i], suite, key_id, &signatures[i], now_us);
    if (err == ERR_OK)
        settle(gate);
    gate_vouch_abandon(gate); /* on failure they are asked for again */
    return err;
}
