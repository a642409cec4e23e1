/* What operators say: checks, one logged fact each, applied at once (facts.c). */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"
#include "gate/words.h"

err_t fact_state(struct gate *gate, enum record_fact_kind kind, struct bytes key, const struct gate_by *by,
                 int64_t now_us)
{
    err_t err = buf_err(&gate->scratch);
    if (err != ERR_OK)
        return err;
    if (key.len > RECORD_FACT_KEY_MAX || gate->scratch.len > RECORD_FACT_VALUE_MAX ||
        by->who.len > RECORD_TEXT_MAX)
        return ERR_LIMIT;
    char room[RECORD_WORDS_MAX];
    struct str because = by->because;
    if (words_in(kind) && TRY(err, words_seal(gate, by->because, now_us, room, &because)))
        return err;
    struct record_fact fact = {kind, key, buf_bytes(&gate->scratch), by->who, because, now_us};
    uint64_t lsn;
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    if (TRY(err, gate_append(gate, FRAME_JOB, &lsn)))
        return err;
    return gate_torn(gate, fact_apply(gate, lsn, &fact), "a statement could not be taken over");
}

static struct buf *value_begin(struct gate *gate)
{
    buf_clear(&gate->scratch);
    return &gate->scratch;
}

/* --- sources --- */

static err_t source_fresh(struct gate *gate, const struct gate_source *wanted, const struct gate_by *by,
                          int64_t now_us, uint32_t *out_number)
{
    if (gate->source_count >= LIMIT_SOURCES)
        return ERR_FULL;
    struct gate_source source = *wanted;
    source.number = (uint32_t)gate->source_count + 1;
    source_write(value_begin(gate), &source);
    err_t err = fact_state(gate, RECORD_FACT_SOURCE, bytes_from_str(source.name), by, now_us);
    if (err == ERR_OK)
        *out_number = source.number;
    return err;
}

/* Of a partner without a node, who has no card. */
static bool is_of_platform(const struct gate *gate, const struct gate_source *source)
{
    return gate->peers[source->partner].node.len == 0;
}

err_t gate_source_put(struct gate *gate, const struct gate_source *source, const struct gate_by *by,
                      int64_t now_us, uint32_t *out_number)
{
    if (!ledger_name_ok(source->name))
        return ERR_INVALID;
    const struct gate_source *held = gate_source_find(gate, source->name);
    struct gate_source wanted = *source;
    wanted.partner = -1;
    if (held == NULL)
        return source_fresh(gate, &wanted, by, now_us, out_number);
    /* A partner's source: its facts come from its card. */
    if (held->partner >= 0 && !is_of_platform(gate, held))
        return ERR_DENIED;
    if (held->partner >= 0) {
        wanted = *held;
        wanted.rewrites = source->rewrites;
    }
    wanted.number = held->number;
    wanted.name = held->name;
    uint32_t number = held->number;
    source_write(value_begin(gate), &wanted);
    err_t err = fact_state(gate, RECORD_FACT_SOURCE, bytes_from_str(wanted.name), by, now_us);
    if (err == ERR_OK)
        *out_number = number;
    return err;
}

err_t gate_identity_bind(struct gate *gate, const struct stix_key *identity, uint32_t source,
                         const struct gate_by *by, int64_t now_us)
{
    if (gate_source_get(gate, source) == NULL)
        return ERR_NOTFOUND;
    const uint64_t *held = map_get(&gate->identities, identity->b);
    if (held != NULL && *held == source)
        return ERR_OK;
    if (held != NULL)
        return ERR_CONFLICT; /* one home: taking an identity over is not a side effect of anything */
    if (gate->identities.count >= gate->identities.count_max)
        return ERR_FULL;
    wr_u32(value_begin(gate), source);
    return fact_state(gate, RECORD_FACT_IDENTITY, bytes_of(identity->b, STIX_KEY_SIZE), by, now_us);
}

uint32_t gate_identity_home(const struct gate *gate, const struct stix_key *identity)
{
    const uint64_t *held = map_get(&gate->identities, identity->b);
    return held == NULL ? 0 : (uint32_t)*held;
}

err_t gate_identity_move(struct gate *gate, const struct stix_key *identity, uint32_t source,
                         const struct gate_by *by, int64_t now_us)
{
    uint32_t held = gate_identity_home(gate, identity);
    if (held == 0 || gate_source_get(gate, source) == NULL)
        return ERR_NOTFOUND;
    if (held == source)
        return ERR_OK;
    wr_u32(value_begin(gate), source);
    return fact_state(gate, RECORD_FACT_IDENTITY, bytes_of(identity->b, STIX_KEY_SIZE), by, now_us);
}

err_t gate_marking_classify(struct gate *gate, const struct stix_key *marking, enum stix_tlp as,
                            const struct gate_by *by, int64_t now_us)
{
    return gate_marking_grant(gate, marking, as, UINT64_MAX, by, now_us);
}

err_t gate_marking_grant(struct gate *gate, const struct stix_key *marking, enum stix_tlp as,
                         uint64_t partners, const struct gate_by *by, int64_t now_us)
{
    return gate_marking_rel_to(gate, marking, as, partners, (struct policy_list) {NULL, 0}, by, now_us);
}

err_t gate_marking_rel_to(struct gate *gate, const struct stix_key *marking, enum stix_tlp as,
                          uint64_t partners, struct policy_list rel_to, const struct gate_by *by,
                          int64_t now_us)
{
    struct stix_marking read;
    arena_reset(&gate->step_arena);
    err_t err = marking_read_held(gate, marking, &gate->step_arena, &read);
    if (err != ERR_OK)
        return err;
    if (read.kind == STIX_MARKING_TLP || stix_marking_stays(marking))
        return ERR_DENIED; /* built in: nobody decides what TLP:RED means */
    if (gate->marking_count >= LIMIT_MARKINGS)
        return ERR_FULL;
    if (rel_to.count > LIMIT_REL_TO)
        return ERR_LIMIT;
    for (size_t i = 0; i < rel_to.count; i++)
        if (rel_to.at[i].len == 0 || rel_to.at[i].len > LIMIT_NAME_BYTES)
            return ERR_INVALID;
    struct buf *value = value_begin(gate);
    wr_u8(value, (uint8_t)as);
    wr_bytes(value, bytes_of(read.meaning.b, HASH_SIZE));
    if (partners != UINT64_MAX || rel_to.count > 0)
        wr_u64(value, partners);
    for (size_t i = 0; i < rel_to.count; i++)
        wr_blob(value, bytes_from_str(rel_to.at[i]));
    return fact_state(gate, RECORD_FACT_MARKING, bytes_of(marking->b, STIX_KEY_SIZE), by, now_us);
}

/* --- tags --- */

static bool tag_ok(struct str tag)
{
    if (tag.len == 0 || tag.len > LIMIT_NAME_BYTES || !str_is_utf8(tag))
        return false;
    for (size_t i = 0; i < tag.len; i++)
        if ((unsigned char)tag.at[i] <= ' ' || tag.at[i] == 0x7f)
            return false;
    return true;
}

err_t gate_tag(struct gate *gate, const struct stix_key *object, struct str tag, bool add,
               const struct gate_by *by, int64_t now_us)
{
    if (!tag_ok(tag))
        return ERR_INVALID;
    struct str tags[LIMIT_TAGS_PER_OBJECT];
    size_t count = 0;
    int64_t settled_us;
    arena_reset(&gate->step_arena);
    err_t err = tags_load(gate, object, &gate->step_arena, tags, &count, &settled_us);
    if (err != ERR_OK)
        return err;
    struct buf *value = value_begin(gate);
    wr_u64(value, (uint64_t)now_us);
    size_t kept = 0;
    bool held = false;
    for (size_t i = 0; i < count; i++) {
        bool same = str_eq(tags[i], tag);
        held |= same;
        if (same && !add)
            continue;
        wr_blob(value, bytes_from_str(tags[i]));
        kept++;
    }
    if (held == add)
        return add ? ERR_OK : ERR_NOTFOUND;
    if (add && kept >= LIMIT_TAGS_PER_OBJECT)
        return ERR_FULL;
    if (add)
        wr_blob(value, bytes_from_str(tag));
    return fact_state(gate, RECORD_FACT_TAG, bytes_of(object->b, STIX_KEY_SIZE), by, now_us);
}

/* --- stops and settings --- */

/* This very one, not one that says more. */
static bool stop_stands(const struct gate *gate, enum gate_stop_kind kind, struct str name)
{
    struct str held;
    for (size_t i = 0; i < gate->stop_count; i++)
        if (gate_stop_get(gate, i, &held) == kind && str_eq(held, name))
            return true;
    return false;
}

err_t gate_stop(struct gate *gate, enum gate_stop_kind kind, struct str name, bool stop,
                const struct gate_by *by, int64_t now_us)
{
    if (name.len > LIMIT_NAME_BYTES || (kind == GATE_STOP_ALL) != (name.len == 0))
        return ERR_USAGE;
    if (stop && gate->stop_count >= STOPS_MAX)
        return ERR_FULL;
    if (!stop && !stop_stands(gate, kind, name))
        return ERR_NOTFOUND;
    uint8_t key[1 + LIMIT_NAME_BYTES];
    key[0] = (uint8_t)kind;
    if (name.len > 0)
        memcpy(key + 1, name.at, name.len);
    struct buf *value = value_begin(gate);
    if (stop)
        wr_u8(value, 1);
    return fact_state(gate, RECORD_FACT_STOP, bytes_of(key, 1 + name.len), by, now_us);
}

size_t gate_stop_count(const struct gate *gate)
{
    return gate->stop_count;
}

enum gate_stop_kind gate_stop_get(const struct gate *gate, size_t index, struct str *out_name)
{
    must(index < gate->stop_count);
    const struct stop *stop = &gate->stops[index];
    *out_name = (struct str) {stop->name, stop->name_len};
    return stop->kind;
}

err_t gate_setting_put(struct gate *gate, struct str key, struct bytes value, const struct gate_by *by,
                       int64_t now_us)
{
    wr_bytes(value_begin(gate), value);
    return fact_state(gate, RECORD_FACT_NODE, bytes_from_str(key), by, now_us);
}

bool gate_setting_get(const struct gate *gate, struct str key, struct buf *out)
{
    struct bytes value;
    err_t err = fact_get(gate, RECORD_FACT_NODE, bytes_from_str(key), &value);
    if (err != ERR_OK && err != ERR_NOTFOUND && out->err == ERR_OK)
        out->err = err;
    if (err != ERR_OK)
        return false;
    buf_put(out, value.at, value.len);
    return buf_err(out) == ERR_OK;
}

/* --- partners --- */

err_t peer_state(struct gate *gate, const struct gate_peer *peer, const struct gate_by *by, int64_t now_us)
{
    peer_write(value_begin(gate), peer);
    return fact_state(gate, RECORD_FACT_PEER, bytes_from_str(peer->audience), by, now_us);
}

/* What a partner sends arrives under a source of its own, which nobody declares by hand. */
static err_t peer_source(struct gate *gate, struct str audience, unsigned partner, const struct gate_by *by,
                         int64_t now_us, uint32_t *out_number)
{
    char name[LIMIT_NAME_BYTES];
    static const char head[] = "peer.";
    if (audience.len > sizeof name - (sizeof head - 1))
        return ERR_LIMIT;
    memcpy(name, head, sizeof head - 1);
    memcpy(name + sizeof head - 1, audience.at, audience.len);
    struct gate_source source = {.name = {name, sizeof head - 1 + audience.len},
                                 .partner = (int)partner,
                                 .assume_until_us = INT64_MAX};
    return source_fresh(gate, &source, by, now_us, out_number);
}

static err_t peer_fresh(struct gate *gate, const struct gate_by *by, int64_t now_us, struct gate_peer *peer)
{
    err_t err;
    if (gate->peer_count >= LIMIT_PARTNERS)
        return ERR_FULL;
    peer->index = gate->peer_count;
    if (TRY(err, peer_source(gate, peer->audience, peer->index, by, now_us, &peer->source)) ||
        TRY(err, gate_group(gate)))
        return err;
    peer->since_lsn = peer->epoch_lsn = store_end_lsn(gate->store);
    /* Under this name another partner may have been known before a backup came back. */
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (gate->peers[p].epoch > peer->epoch)
            peer->epoch = gate->peers[p].epoch;
    return ERR_OK;
}

err_t gate_peer_put(struct gate *gate, struct str audience, struct str node, struct str country,
                    struct bytes card, const struct gate_by *by, int64_t now_us, unsigned *out_index)
{
    if (!ledger_name_ok(audience) || (node.len > 0 && !ledger_name_ok(node)) ||
        country.len > LIMIT_NAME_BYTES)
        return ERR_INVALID;
    const struct gate_peer *held = gate_peer_find(gate, audience);
    struct gate_peer peer = {.audience = audience, .state = GATE_PEER_PAUSED};
    err_t err;
    if (held != NULL)
        peer = *held;
    else if (TRY(err, peer_fresh(gate, by, now_us, &peer)))
        return err;
    if (held != NULL && held->state == GATE_PEER_REMOVED) {
        /* A new agreement with an old partner: its ledger goes on, without what it missed. */
        if (TRY(err, gate_group(gate)))
            return err;
        peer.state = GATE_PEER_PAUSED;
        peer.since_lsn = store_end_lsn(gate->store);
    }
    peer.node = node;
    peer.country = country;
    peer.card = card;
    /* Drawn before anything is minted: when that first happened is nobody's business. */
    struct hash secret;
    err = mint_secret(gate, now_us, &secret);
    mem_wipe(&secret, sizeof secret);
    if ((err != ERR_OK && err != ERR_NOTFOUND) || TRY(err, peer_state(gate, &peer, by, now_us)))
        return err;
    *out_index = peer.index;
    return ERR_OK;
}

err_t peer_history(struct gate *gate, const struct gate_peer *peer, const struct gate_by *by, int64_t now_us)
{
    wr_u64(value_begin(gate), peer->since_lsn);
    return fact_state(gate, RECORD_FACT_HISTORY, bytes_from_str(peer->audience), by, now_us);
}

err_t gate_peer_set(struct gate *gate, unsigned partner, enum gate_peer_state state, bool history,
                    const struct gate_by *by, int64_t now_us)
{
    const struct gate_peer *held = gate_peer_get(gate, partner);
    if (held == NULL || held->state == GATE_PEER_REMOVED)
        return ERR_NOTFOUND;
    struct gate_peer peer = *held;
    bool starts = state == GATE_PEER_STARTED && peer.state != GATE_PEER_STARTED;
    peer.state = state;
    if (history)
        peer.since_lsn = LSN_FIRST;
    err_t err = peer_state(gate, &peer, by, now_us);
    if (err != ERR_OK || state != GATE_PEER_STARTED || (!starts && !history))
        return err;
    return peer_history(gate, &peer, by, now_us);
}

err_t gate_peer_urgent(struct gate *gate, unsigned partner, bool follows, int64_t now_us)
{
    const struct gate_peer *held = gate_peer_get(gate, partner);
    uint64_t bit = UINT64_C(1) << partner % LIMIT_PARTNERS;
    if (held == NULL)
        return ERR_NOTFOUND;
    gate->not_urgent = follows ? gate->not_urgent & ~bit : gate->not_urgent | bit;
    if (!follows || held->urgent)
        return ERR_OK;
    struct gate_peer peer = *held;
    struct gate_by by = {held->audience, STR("hello: follows the urgent ledger")};
    peer.urgent = true;
    return peer_state(gate, &peer, &by, now_us);
}

/* --- policy --- */

/* `everybody`: removed partners too. A policy in force that names one stays what it is; a new one may not. */
static err_t compile_for(const struct gate *gate, struct str text, bool everybody, struct policy **out,
                         struct policy_fault *fault)
{
    struct policy_partner partners[LIMIT_PARTNERS];
    struct policy_attribute countries[LIMIT_PARTNERS];
    size_t count = 0;
    for (unsigned p = 0; p < gate->peer_count; p++) {
        const struct gate_peer *peer = &gate->peers[p];
        if (peer->state == GATE_PEER_REMOVED && !everybody)
            continue;
        countries[count] = (struct policy_attribute) {STR("country"), peer->country};
        partners[count] = (struct policy_partner) {peer->audience, (uint8_t)p, &countries[count],
                                                   peer->country.len > 0 ? 1 : 0};
        count++;
    }
    return everybody ? policy_compile_held(text, partners, count, out, fault)
                     : policy_compile(text, partners, count, out, fault);
}

err_t gate_policy_compile(const struct gate *gate, struct str text, struct policy **out,
                          struct policy_fault *fault)
{
    return compile_for(gate, text, false, out, fault);
}

err_t policy_compile_logged(const struct gate *gate, struct str text, struct policy **out,
                            struct policy_fault *fault)
{
    return compile_for(gate, text, true, out, fault);
}

const struct policy *gate_policy(const struct gate *gate)
{
    return gate->policy;
}

err_t policy_recompile(struct gate *gate)
{
    if (gate->policy == NULL)
        return ERR_OK;
    struct policy *fresh;
    struct policy_fault fault;
    err_t err = policy_compile_logged(gate, policy_text(gate->policy), &fresh, &fault);
    if (err != ERR_OK) {
        /* A country that changed, for one: the old table stays. */
        diag_say(gate->diag, DIAG_WARNING, err, "gate", "activate a policy that fits the present partners",
                 "the policy in force does not compile for the present partners: line %u: %s", fault.line,
                 fault.what);
        return ERR_OK;
    }
    policy_unref(gate->policy);
    gate->policy = fresh;
    return ERR_OK;
}

err_t policy_apply(struct gate *gate, uint64_t lsn, const struct record_policy *policy)
{
    struct policy *fresh;
    struct policy_fault fault;
    err_t err = policy_compile_logged(gate, policy->text, &fresh, &fault);
    if (err != ERR_OK)
        return err;
    policy_unref(gate->policy);
    gate->policy = fresh;
    bool loading = lsn < store_applied_lsn(gate->store);
    gate->policy_lsn = lsn;
    gate->policy_us = policy->at_us;
    views_take(gate, UINT64_MAX);
    if (loading)
        return ERR_OK; /* from the index: its job is there as well */
    struct job job = {.scope = JOB_ALL, .cursor = LSN_FIRST, .until = lsn};
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (gate->peers[p].state == GATE_PEER_STARTED)
            job.partners |= UINT64_C(1) << p;
    if (TRY(err, meta_put_u64(gate, "policy", lsn)))
        return err;
    if (gate->peer_count > 0 && TRY(err, withdraw_begin(gate, UINT64_MAX >> (64 - gate->peer_count), lsn)))
        return err;
    return job.partners == 0 ? ERR_OK : job_add(gate, &job);
}

/* Every rule's name that decided once is kept for good: a DECIDE that names one too many could not be
 * applied.
 */
static bool names_fit(const struct gate *gate, const struct policy *policy)
{
    size_t fresh = 0;
    for (unsigned rule = 0; rule < policy_rule_count(policy); rule++) {
        struct hash digest = hash_sha256(bytes_from_str(policy_rule_name(policy, rule)));
        fresh += map_get(&gate->name_ids, digest.b) == NULL;
    }
    return gate->name_count + fresh + 16 <= NAMES_MAX; /* "history", "closure" and their like */
}

err_t gate_policy_activate(struct gate *gate, struct str text, const struct gate_by *by, int64_t now_us,
                           struct policy_fault *fault)
{
    struct policy *trial;
    err_t err = gate_policy_compile(gate, text, &trial, fault);
    if (err != ERR_OK)
        return err;
    bool fits = names_fit(gate, trial);
    policy_unref(trial);
    if (!fits) {
        *fault = (struct policy_fault) {0};
        return ERR_FULL;
    }
    struct record_policy policy = {now_us, by->who, text};
    uint64_t lsn;
    buf_clear(&gate->record);
    record_policy_write(&gate->record, &policy);
    if (TRY(err, gate_append(gate, FRAME_POLICY, &lsn)))
        return err;
    return gate_torn(gate, policy_apply(gate, lsn, &policy), "a policy could not be taken over");
}
