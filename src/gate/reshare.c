/* How far what a partner gets may go on from him (`reshare` of a policy): written beside the leaf by the
 * issuer, kept as a fact about the object by whoever gets it, and a part of `onward` there.
 *
 * A limit is a line (SYNC.md section 4); all lines bind, and one that cannot be read lets it go to nobody. */
#include <stdio.h>

#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

/* --- what a DECIDE says of a release --- */

static void put_limit(const struct gate *gate, unsigned partner, struct str limit, struct buf *out)
{
    struct str country = gate->peers[partner].country;
    if (!str_eq(limit, STR("own-country")))
        buf_put_str(out, limit);
    else if (country.len > 0)
        buf_printf(out, "country %.*s", STR_ARG(country));
    else
        buf_put_str(out, STR("never")); /* nobody said which */
    buf_putc(out, '\n');
}

err_t terms_text(const struct gate *gate, const struct policy_duties *duties, unsigned partner,
                 struct arena *arena, struct str *out)
{
    struct buf limits, text;
    buf_init(&limits, LIMIT_RESHARE_BYTES);
    buf_init(&text, RECORD_TEXT_MAX);
    for (size_t i = 0; i < duties->reshare_count; i++)
        put_limit(gate, partner, duties->reshare[i], &limits);
    buf_put_str(&text, STR("with"));
    if (duties->expire_us != 0)
        buf_printf(&text, " expire %lld", (long long)duties->expire_us);
    buf_putc(&text, '\n');
    if (buf_err(&limits) == ERR_NOMEM)
        buf_putc(&text, '\0');
    buf_put_str(&text, buf_err(&limits) == ERR_OK ? buf_str(&limits) : STR("never\n"));
    err_t err = buf_err(&limits) == ERR_NOMEM ? ERR_NOMEM : buf_err(&text);
    if (err == ERR_OK) {
        *out = arena_str(arena, buf_str(&text));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&limits);
    buf_deinit(&text);
    return err;
}

bool terms_is(struct str name)
{
    return str_starts(name, STR("with\n")) || str_starts(name, STR("with "));
}

/* The text of this class's terms for a partner; empty: there are none. */
static struct str terms_of(const struct record_decide *decide, const struct record_entry *entry,
                           unsigned partner)
{
    uint16_t name = decide->classes[entry->class].terms[partner];
    bool says = !entry_contentless(entry) || entry->op == LEAF_NARROW;
    return name < decide->name_count && says ? decide->names[name] : STR("");
}

bool terms_expire(const struct record_decide *decide, const struct record_entry *entry, unsigned partner,
                  int64_t *out_us)
{
    struct str text = terms_of(decide, entry, partner), line = str_cut(&text, '\n');
    uint64_t us;
    (void)str_cut(&line, ' ');
    if (!str_eq(str_cut(&line, ' '), STR("expire")) || !str_to_u64(line, INT64_MAX, &us))
        return false;
    *out_us = (int64_t)us;
    return true;
}

struct str terms_limits(const struct record_decide *decide, const struct record_entry *entry,
                        unsigned partner)
{
    struct str text = terms_of(decide, entry, partner);
    (void)str_cut(&text, '\n');
    return text;
}

/* --- what came with an object --- */

enum { KEY_SIZE = STIX_KEY_SIZE + 8 };

static struct bytes limit_key(const struct stix_key *object, uint64_t lsn, uint8_t out[KEY_SIZE])
{
    memcpy(out, object->b, STIX_KEY_SIZE);
    wr_at_u64(out + STIX_KEY_SIZE, lsn);
    return bytes_of(out, KEY_SIZE);
}

struct given {
    unsigned partner;
    struct str limits;
};

/* The next giver and his lines; false at the end. */
static bool given_next(struct rd *rd, struct given *out)
{
    if (rd->left == 0 || rd->err != ERR_OK)
        return false;
    out->partner = rd_u8(rd);
    out->limits = str_from_bytes(rd_blob(rd, LIMIT_RESHARE_BYTES));
    return rd->err == ERR_OK && out->partner < LIMIT_PARTNERS;
}

static bool has_line(struct str text, struct str line)
{
    while (text.len > 0)
        if (str_eq(str_cut(&text, '\n'), line))
            return true;
    return false;
}

bool limits_told(struct str limits, struct str told)
{
    while (limits.len > 0 && !has_line(told, STR("never"))) {
        struct str line = str_cut(&limits, '\n');
        if (line.len > 0 && !has_line(told, line))
            return false;
    }
    return true;
}

/* What the same partner said before of the same object stays: what has left with a limit keeps it. */
static void join(struct str before, struct str now, struct buf *out)
{
    buf_init(out, LIMIT_RESHARE_BYTES);
    buf_put_str(out, before);
    while (now.len > 0) {
        struct str line = str_cut(&now, '\n');
        if (line.len == 0 || has_line(before, line))
            continue;
        buf_put_str(out, line);
        buf_putc(out, '\n');
    }
    if (buf_err(out) != ERR_LIMIT)
        return;
    buf_deinit(out);
    buf_init(out, LIMIT_RESHARE_BYTES);
    buf_put_str(out, STR("never\n"));
}

static void put_given(struct buf *out, unsigned partner, struct str limits)
{
    wr_u8(out, (uint8_t)partner);
    wr_blob(out, bytes_from_str(limits));
}

/* Everybody's lines, with these of `partner` among them, into gate->scratch. */
static err_t write_value(struct gate *gate, struct bytes held, unsigned partner, struct str limits)
{
    struct rd rd = rd_of(held);
    struct given given;
    struct str before = STR("");
    struct buf lines;
    buf_clear(&gate->scratch);
    while (given_next(&rd, &given))
        if (given.partner == partner)
            before = given.limits;
        else
            put_given(&gate->scratch, given.partner, given.limits);
    join(before, limits, &lines);
    put_given(&gate->scratch, partner, buf_str(&lines));
    err_t err = buf_err(&lines) != ERR_OK ? buf_err(&lines) : buf_err(&gate->scratch);
    buf_deinit(&lines);
    return err;
}

err_t reshare_keep(struct gate *gate, const struct gate_peer *peer, const struct stix_key *object,
                   uint64_t lsn, struct str limits, int64_t now_us)
{
    uint8_t key[KEY_SIZE];
    struct bytes held;
    uint64_t at;
    err_t err = fact_get(gate, RECORD_FACT_LIMITED, limit_key(object, lsn, key), &held);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    if (TRY(err, write_value(gate, err == ERR_OK ? held : bytes_of(NULL, 0), peer->index, limits)))
        return err;
    struct record_fact fact = {.kind = RECORD_FACT_LIMITED,
                               .key = bytes_of(key, sizeof key),
                               .value = buf_bytes(&gate->scratch),
                               .by = peer->audience,
                               .because = STR("it came with a limit"),
                               .at_us = now_us};
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    if (TRY(err, gate_append(gate, FRAME_JOB, &at)))
        return err;
    return gate_torn(gate, fact_apply(gate, at, &fact), "a limit could not be taken over");
}

/* --- whom it lets read --- */

static bool named(const struct gate_peer *peer, struct str names)
{
    struct str known = peer->node.len > 0 ? peer->node : peer->audience;
    while (names.len > 0)
        if (str_eq(str_cut(&names, ' '), known))
            return true;
    return false;
}

/* Partners to whom this line lets it go. */
static uint64_t reach(const struct gate *gate, const struct policy *policy, unsigned giver, struct str line)
{
    uint64_t mask = 0;
    struct str word = str_cut(&line, ' ');
    if (str_eq(word, STR("community")) && line.len == 0)
        return policy_partners_beside(policy, STR("communities"), giver);
    for (unsigned p = 0; p < gate->peer_count; p++) {
        const struct gate_peer *peer = &gate->peers[p];
        bool yes = (str_eq(word, STR("partners")) && named(peer, line)) ||
                   (str_eq(word, STR("country")) && line.len > 0 && str_eq(peer->country, line));
        mask |= yes ? UINT64_C(1) << p : 0;
    }
    return mask;
}

err_t reshare_mask(struct gate *gate, const struct policy *policy, const struct stix_key *object,
                   uint64_t lsn, struct reshare_limit *limit, uint64_t *out)
{
    uint8_t key[KEY_SIZE];
    struct bytes value;
    struct given given;
    *out = UINT64_MAX;
    err_t err = fact_get(gate, RECORD_FACT_LIMITED, limit_key(object, lsn, key), &value);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct rd rd = rd_of(value);
    while (given_next(&rd, &given)) {
        while (given.limits.len > 0) {
            struct str line = str_cut(&given.limits, '\n');
            uint64_t mask = reach(gate, policy, given.partner, line);
            if (limit != NULL && limit->line.at == NULL && (mask >> limit->partner & 1) == 0) {
                limit->giver = given.partner;
                limit->line = line;
            }
            *out &= mask;
        }
    }
    return rd.err == ERR_OK && rd.left == 0 ? ERR_OK : ERR_CORRUPT;
}
