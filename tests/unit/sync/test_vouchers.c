/* What an object's origin signed reaches who gets it from a third node, and nobody on the way can change it:
 * kr is the origin, us passes on, jp gets it (SYNC.md section 4, "Vouchers"). */
#define _GNU_SOURCE
#include "lose.h"
#include "sites.h"

#include "core/wr.h"
#include "gate/state.h"

#define TO_ALL "language 1\nrelease all-of-it if tlp <= green to all\n"

struct chain {
    struct pair *near; /* kr, us */
    struct pair *far;  /* us once more, jp */
    unsigned no;       /* a partner of jp */
};

static struct site *kr(struct chain *chain)
{
    return &chain->near->site[0];
}

static struct site *us(struct chain *chain)
{
    return &chain->near->site[1];
}

static struct site *jp(struct chain *chain)
{
    return &chain->far->site[1];
}

/* jp may have the card of a node that is no partner to release to: paused. */
static void introduce(struct chain *chain, struct site *to, struct site *who)
{
    unsigned index;
    assert_int_equal(gate_peer_put(to->gate, STR("origin"), str_of(who->name), STR("KR"),
                                   buf_bytes(&who->card_text), &by_test, chain->near->now_us, &index),
                     ERR_OK);
    assert_int_equal(gate_commit(to->gate), ERR_OK);
}

static void vouch(struct site *site, bool with)
{
    assert_int_equal(gate_vouch(site->gate, site->partner, with, &by_test, NOW_US), ERR_OK);
    assert_int_equal(gate_commit(site->gate), ERR_OK);
}

enum { KR_VOUCHES = 1, US_VOUCHES = 2, JP_KNOWS = 4, ALL = 7 };

static struct chain chain_new(uint64_t seed, unsigned what)
{
    struct chain chain = {pair_new(seed), calloc(1, sizeof(struct pair)), 0};
    struct pair *far = chain.far;
    far->now_us = NOW_US;
    far->random = seed + 7;
    site_make(far, 1, "jp");
    far->site[0] = *us(&chain);
    far->site[0].other = jp(&chain);
    far->site[0].session = NULL;
    far->site[0].serve = NULL;
    site_join(far, &far->site[0]);
    site_join(far, jp(&chain));
    site_policy(chain.near, kr(&chain), TO_ALL);
    site_policy(far, &far->site[0], TO_ALL);
    site_policy(far, jp(&chain), TO_ALL);
    chain.no = site_third(far, jp(&chain), "no", "NO");
    if ((what & KR_VOUCHES) != 0)
        vouch(kr(&chain), true);
    if ((what & US_VOUCHES) != 0)
        vouch(&far->site[0], true);
    if ((what & JP_KNOWS) != 0)
        introduce(&chain, jp(&chain), kr(&chain));
    return chain;
}

static void chain_free(struct chain *chain)
{
    sync_session_free(chain->far->site[0].session);
    sync_serve_free(chain->far->site[0].serve);
    site_close(jp(chain));
    jp(chain)->index->ops->close(jp(chain)->index);
    disk_free(jp(chain)->disk);
    buf_deinit(&jp(chain)->card_text);
    free(chain->far);
    pair_free(chain->near);
}

/* Everybody has what he may have. */
static void run(struct chain *chain)
{
    for (unsigned i = 0; i < 3; i++) {
        act_both(chain->near, 200);
        site_settle(chain->near, us(chain));
        chain->far->now_us = chain->near->now_us;
        act_both(chain->far, 200);
        site_settle(chain->far, jp(chain));
        chain->near->now_us = chain->far->now_us;
    }
}

static void enters(struct chain *chain)
{
    site_add(chain->near, kr(chain), "samples/campaign/kr-cert.json");
    site_settle(chain->near, kr(chain));
    run(chain);
}

/* --- what stands beside what kr released --- */

struct found {
    struct chain *chain;
    struct site *at;
    size_t objects, none, unknown, verified;
    uint64_t card, lsn;
};

static bool count(void *ctx, const struct gate_object *object)
{
    struct found *found = ctx;
    const struct gate_voucher *voucher = &object->voucher;
    struct voucher read;
    found->objects++;
    found->lsn = object->lsn;
    if (voucher->wire.len == 0) {
        found->none++;
        return true;
    }
    struct rd rd = rd_of(voucher->wire);
    voucher_read(&rd, &read);
    assert_int_equal(rd_end(&rd), ERR_OK);
    assert_true(str_eq(read.node, STR("kr")));
    found->unknown += voucher->state == GATE_VOUCHED_UNKNOWN;
    found->verified += voucher->state == GATE_VOUCHED_VERIFIED;
    found->card = voucher->card;
    return true;
}

static bool look(void *ctx, const struct gate_leaf *leaf)
{
    struct found *found = ctx;
    if (leaf->object.len > 0)
        assert_int_equal(gate_versions(found->at->gate, &leaf->key, count, found), ERR_OK);
    return true;
}

/* What stands beside the objects of kr at this site. */
static struct found found_at(struct chain *chain, struct site *site)
{
    struct found found = {.chain = chain, .at = site};
    uint64_t bad = 1;
    assert_int_equal(gate_leaves(kr(chain)->gate, kr(chain)->partner, 0, look, &found), ERR_OK);
    assert_int_equal(gate_check(site->gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    return found;
}

static void it_survives_a_node_between(void **state)
{
    (void)state;
    struct chain chain = chain_new(1, ALL);
    enters(&chain);
    struct found at_us = found_at(&chain, us(&chain)), at_jp = found_at(&chain, jp(&chain));
    assert_true(at_us.objects > 10 && at_us.verified == at_us.objects);
    assert_true(at_jp.objects > 10 && at_jp.verified == at_jp.objects);
    assert_true(at_us.card == 1 && at_jp.card == 1);
    chain_free(&chain);
}

/* Another card of kr at jp: with another ledger key, or whose time is over. */
static void introduce_otherwise(struct chain *chain, bool key)
{
    struct site other = *kr(chain);
    uint8_t seed[SIGN_SEED_SIZE] = {77};
    if (key)
        other.card.key[SYNC_CARD_LEDGER] = sign_key_from_seed(seed).public;
    else
        other.card.issued_us = NOW_US - 2 * SECOND_US, other.card.expires_us = NOW_US - SECOND_US;
    buf_init(&other.card_text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&other.card, &other.keys[SYNC_CARD_ROOT], &other.card_text, NULL),
                     ERR_OK);
    introduce(chain, jp(chain), &other);
    buf_deinit(&other.card_text);
}

/* Without a card in its time that names the key nothing is proved, and it goes on as it came. */
static void an_origin_that_nobody_knows(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 3; which++) {
        struct chain chain = chain_new(2, KR_VOUCHES | US_VOUCHES);
        if (which > 0)
            introduce_otherwise(&chain, which == 1);
        enters(&chain);
        struct found at_jp = found_at(&chain, jp(&chain));
        assert_true(at_jp.objects > 10 && at_jp.unknown == at_jp.objects);
        chain_free(&chain);
    }
}

static bool is_bare(void *ctx, const struct gate_leaf *leaf)
{
    *(size_t *)ctx += leaf->voucher.len > 0;
    return true;
}

/* Who has no word of an operator gets none, and nobody's name goes with what he gets. */
static void nothing_goes_without_a_word(void **state)
{
    (void)state;
    static const unsigned whats[] = {JP_KNOWS, JP_KNOWS | US_VOUCHES, JP_KNOWS | KR_VOUCHES};
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        struct chain chain = chain_new(3 + i, whats[i]);
        enters(&chain);
        struct found at_us = found_at(&chain, us(&chain)), at_jp = found_at(&chain, jp(&chain));
        size_t shown = 0;
        assert_true(at_jp.objects > 10 && at_jp.none == at_jp.objects);
        assert_int_equal(at_us.none, (whats[i] & KR_VOUCHES) != 0 ? 0 : at_us.objects);
        struct site *from = &chain.far->site[0];
        assert_int_equal(gate_leaves(from->gate, from->partner, 0, is_bare, &shown), ERR_OK);
        /* What us itself added is signed where us lets its own go. */
        assert_int_equal(shown, 0);
        chain_free(&chain);
    }
}

/* The word is taken back: what goes from then on goes without. */
static void a_word_is_taken_back(void **state)
{
    (void)state;
    struct chain chain = chain_new(6, ALL);
    struct site *from = &chain.far->site[0];
    size_t shown = 0;
    enters(&chain);
    assert_int_equal(gate_vouch(from->gate, from->partner, true, &by_test, NOW_US), ERR_EXISTS);
    vouch(from, false);
    assert_int_equal(gate_leaves(from->gate, from->partner, 0, is_bare, &shown), ERR_OK);
    assert_int_equal(shown, 0);
    chain_free(&chain);
}

/* An older program neither asks for it nor is given it, and is followed all the same. */
static void an_older_program_between(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        struct chain chain = chain_new(10 + which, ALL);
        us(&chain)->old = which == 0;
        jp(&chain)->old = which == 1;
        enters(&chain);
        struct found at_us = found_at(&chain, us(&chain)), at_jp = found_at(&chain, jp(&chain));
        assert_true(at_jp.objects > 10 && at_jp.none == at_jp.objects);
        assert_int_equal(at_us.verified, which == 0 ? 0 : at_us.objects);
        chain_free(&chain);
    }
}

/* --- before a checkpoint covers it --- */

/* What nobody has signed yet no checkpoint covers, however much there is; and nothing waits for a keeper who
 * signs none. */
static void it_is_there_before_its_checkpoint(void **state)
{
    (void)state;
    enum { MANY = 2500 };
    static struct gate_sign_request request;
    struct chain chain = chain_new(60, KR_VOUCHES);
    struct site *from = kr(&chain);
    struct gate_source source = {
        .name = STR("own"), .own = true, .assume = STIX_TLP_CLEAR, .assume_until_us = INT64_MAX};
    struct gate_submission submission;
    struct fault fault = {0};
    struct gate_ledger ledger;
    assert_int_equal(gate_source_put(from->gate, &source, &by_test, NOW_US, &submission.source), ERR_OK);
    submission = (struct gate_submission) {.source = submission.source};
    for (unsigned i = 0; i < MANY; i++) {
        char text[256 + JSON_PADDING] = "";
        int len = snprintf(text, 256,
                           "{\"type\":\"malware\",\"spec_version\":\"2.1\",\"is_family\":false,"
                           "\"id\":\"malware--00000000-0000-4000-8000-%012u\","
                           "\"created\":\"2026-01-01T00:00:00.000Z\","
                           "\"modified\":\"2026-01-01T00:00:00.000Z\"}",
                           i);
        assert_int_equal(
            gate_accept(from->gate, &submission, bytes_of(text, (size_t)len), NOW_US, NULL, NULL, &fault),
            ERR_OK);
    }
    assert_int_equal(gate_commit(from->gate), ERR_OK);
    site_settle(chain.near, from);
    assert_int_equal(gate_ledger(from->gate, from->partner, &ledger), ERR_OK);
    assert_int_equal(ledger.size, MANY);
    assert_false(gate_sign_next(from->gate, from->partner, &request));
    const struct gate_vouching *wanted = gate_vouch_next(from->gate, from->partner);
    assert_true(wanted != NULL && wanted->from == 0 && wanted->count == LIMIT_CHECKPOINT_LEAVES);
    assert_null(gate_vouch_next(from->gate, from->partner)); /* one at a time */
    assert_false(gate_sign_next(from->gate, from->partner, &request));
    gate_vouch_abandon(from->gate); /* the keeper could not be asked: again */
    site_vouch(chain.near, from);
    assert_true(gate_sign_next(from->gate, from->partner, &request));
    assert_int_equal(request.at[request.count - 1].size, LIMIT_CHECKPOINT_LEAVES);
    gate_sign_abandon(from->gate, from->partner);
    assert_non_null(gate_vouch_next(from->gate, from->partner));
    gate_vouch_skip(from->gate); /* it signs none: the next thousand goes without */
    assert_true(gate_sign_next(from->gate, from->partner, &request));
    assert_int_equal(request.at[request.count - 1].size, 2 * LIMIT_CHECKPOINT_LEAVES);
    gate_sign_abandon(from->gate, from->partner);
    site_vouch(chain.near, from);
    assert_null(gate_vouch_next(from->gate, from->partner));
    site_sign(chain.near, from);
    size_t shown = 0;
    assert_int_equal(gate_leaves(from->gate, from->partner, 0, is_bare, &shown), ERR_OK);
    assert_int_equal(shown, MANY - LIMIT_CHECKPOINT_LEAVES);
    /* After a restart nothing is asked for once more. */
    site_close(from);
    site_open(chain.near, from);
    site_link(chain.near, from);
    assert_null(gate_vouch_next(from->gate, from->partner));
    chain_free(&chain);
}

/* --- what is made anew --- */

struct makers {
    struct gate *gate;
    size_t of_kr, of_us, none;
};

static bool maker(void *ctx, const struct gate_object *object)
{
    struct makers *makers = ctx;
    struct voucher voucher;
    struct rd rd = rd_of(object->voucher.wire);
    if (rd.left == 0) {
        makers->none++;
        return true;
    }
    voucher_read(&rd, &voucher);
    assert_int_equal(rd_end(&rd), ERR_OK);
    makers->of_kr += str_eq(voucher.node, STR("kr"));
    makers->of_us += str_eq(voucher.node, STR("us"));
    return true;
}

static bool made(void *ctx, const struct gate_leaf *leaf)
{
    struct makers *makers = ctx;
    if (leaf->object.len > 0 && str_starts(leaf->id, STR("indicator--")))
        assert_int_equal(gate_versions(makers->gate, &leaf->key, maker, makers), ERR_OK);
    return true;
}

/* Its maker is its origin, where it is known who that is; of what it was made of nothing goes along. */
static void what_is_made_anew(void **state)
{
    (void)state;
    static const char *const duties[] = {"redact \"description\"",
                                         "redact \"description\", anonymise-creator"};
    for (unsigned i = 0; i < 2; i++) {
        struct chain chain = chain_new(70 + i, ALL);
        struct site *from = &chain.far->site[0];
        struct makers makers = {.gate = jp(&chain)->gate};
        char policy[256];
        (void)snprintf(policy, sizeof policy,
                       "language 1\nrelease iocs if type == indicator and tlp <= green to jp-cert with %s\n"
                       "release rest if tlp <= green to all\n",
                       duties[i]);
        site_policy(chain.far, from, policy);
        enters(&chain);
        assert_int_equal(gate_leaves(from->gate, from->partner, 0, made, &makers), ERR_OK);
        assert_int_equal(makers.of_kr, 0);
        assert_true(i == 0 ? makers.of_us > 3 && makers.none == 0 : makers.of_us == 0 && makers.none > 3);
        chain_free(&chain);
    }
}

/* --- through restarts --- */

static void far_again(struct chain *chain, bool reindex)
{
    struct site *site = jp(chain);
    site_close(site);
    if (reindex) {
        site->index->ops->close(site->index);
        assert_int_equal(index_mem_new(&site->index), ERR_OK);
    }
    site_open(chain->far, site);
    site_link(chain->far, site);
}

static void it_outlives_restarts(void **state)
{
    (void)state;
    struct chain chain = chain_new(20, ALL);
    enters(&chain);
    size_t all = found_at(&chain, jp(&chain)).objects;
    far_again(&chain, false);
    assert_int_equal(found_at(&chain, jp(&chain)).verified, all);
    far_again(&chain, true);
    assert_int_equal(found_at(&chain, jp(&chain)).verified, all);
    power_fails(chain.far, jp(&chain));
    assert_int_equal(found_at(&chain, jp(&chain)).verified, all);
    chain_free(&chain);
}

/* The word itself, also when the index forgot it, and when it was taken back. */
static void the_word_outlives_restarts(void **state)
{
    (void)state;
    struct chain chain = chain_new(22, KR_VOUCHES);
    struct site *site = kr(&chain);
    for (unsigned i = 0; i < 12; i++) {
        bool with = gate_vouches(site->gate, site->partner);
        assert_int_equal(with, i < 6);
        power_fails(chain.near, site);
        assert_int_equal(gate_vouches(site->gate, site->partner), with);
        site_close(site);
        site->index->ops->close(site->index);
        assert_int_equal(index_mem_new(&site->index), ERR_OK);
        site_open(chain.near, site);
        site_link(chain.near, site);
        assert_int_equal(gate_vouches(site->gate, site->partner), with);
        if (i == 5)
            vouch(site, false);
    }
    chain_free(&chain);
}

/* The power goes at jp again and again while it takes over. */
static void power_fails_meanwhile(void **state)
{
    (void)state;
    struct chain chain = chain_new(21, ALL);
    site_add(chain.near, kr(&chain), "samples/campaign/kr-cert.json");
    site_settle(chain.near, kr(&chain));
    act_both(chain.near, 200);
    site_settle(chain.near, us(&chain));
    chain.far->now_us = chain.near->now_us;
    for (unsigned i = 0; i < 40; i++) {
        act_both(chain.far, 1 + i % 7);
        power_fails(chain.far, jp(&chain));
    }
    run(&chain);
    struct found at_jp = found_at(&chain, jp(&chain));
    assert_true(at_jp.objects > 10 && at_jp.verified == at_jp.objects);
    chain_free(&chain);
}

/* --- without a network --- */

/* What us gave to jp since, as a bundle carries it: pages that nobody asked for over the line. */
static void carry(struct chain *chain)
{
    struct site *from = &chain->far->site[0], *to = jp(chain);
    struct sync_feed feed = {.max = LIMIT_SYNC_PAGE_LEAVES, .vouchers = true};
    struct exchange_response response;
    struct fault fault = {0};
    struct buf query;
    bool commit;
    site_settle(chain->near, from);
    site_sign(chain->far, from);
    buf_init(&query, 256);
    sync_feed_write(&query, &feed);
    struct exchange_request request = {
        .method = EXCHANGE_GET, .path = STR(SYNC_PATH_FEED), .query = buf_str(&query)};
    exchange_response_init(&response, 0, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_carried(from->serve, from->partner, &request, chain->far->now_us, &response, &commit);
    assert_int_equal(response.status, 200);
    assert_int_equal(sync_session_carried(to->session, STR("bongsu/us/jp-cert/0"), &response.body,
                                          chain->far->now_us, &fault),
                     ERR_OK);
    act_both(chain->far, 20);
    exchange_response_deinit(&response);
    buf_deinit(&query);
}

/* In a bundle it is what it is on a page: who has the origin's card knows, and what is false is refused. */
static void it_goes_in_bundles(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 3; what++) {
        struct chain chain = chain_new(90 + what, what == 0 ? ALL : what == 1 ? KR_VOUCHES | US_VOUCHES : 0);
        chain.far->down = true;
        enters(&chain);
        carry(&chain);
        struct found at_jp = found_at(&chain, jp(&chain));
        assert_true(at_jp.objects > 10);
        assert_int_equal(what == 0 ? at_jp.verified : what == 1 ? at_jp.unknown : at_jp.none, at_jp.objects);
        chain_free(&chain);
    }
}

/* --- a node between that lies --- */

#define LIE_HEAD                                                                                             \
    "{\"type\":\"indicator\",\"spec_version\":\"2.1\","                                                      \
    "\"id\":\"indicator--00000000-0000-4000-8000-0000000000aa\","                                            \
    "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
#define LIE(address, marking)                                                                                \
    LIE_HEAD "\"pattern\":\"[ipv4-addr:value = '" address "']\",\"pattern_type\":\"stix\","                  \
             "\"valid_from\":\"2026-01-01T00:00:00Z\",\"object_marking_refs\":[\"" marking "\"]}"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define CLEAR "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"

/* us holds `text` as if kr had given it with what kr signed of `said` under `limits`, and says it came with
 * `told`. */
static void us_lies(struct chain *chain, const char *text, const char *said, const char *limits,
                    const char *told)
{
    const struct sign_key *key = &kr(chain)->keys[SYNC_CARD_LEDGER];
    struct signature made;
    struct buf wire;
    struct fault fault = {0};
    struct hash content = hash_sha256(bytes_from_str(str_of(said)));
    char padded[1024 + JSON_PADDING] = "";
    assert_int_equal(voucher_sign(STR("kr"), &content, str_of(limits), key, &made), ERR_OK);
    struct voucher voucher = {SUITE_1, STR("kr"), voucher_key_id(&key->public), str_of(told),
                              signature_bytes(&made)};
    buf_init(&wire, LIMIT_VOUCHER_BYTES);
    voucher_write(&wire, &voucher);
    struct gate_voucher came = {buf_bytes(&wire), GATE_VOUCHED_VERIFIED, 1};
    (void)snprintf(padded, 1024, "%s", text);
    struct gate_submission submission = {.source = gate_peer_get(us(chain)->gate, us(chain)->partner)->source,
                                         .hops = 1,
                                         .leaf = 1,
                                         .voucher = &came};
    assert_int_equal(gate_accept(us(chain)->gate, &submission, bytes_of(padded, strlen(padded)),
                                 chain->near->now_us, count_answer, us(chain), &fault),
                     ERR_OK);
    assert_int_equal(gate_commit(us(chain)->gate), ERR_OK);
    buf_deinit(&wire);
    site_settle(chain->near, us(chain));
    run(chain);
}

struct waiting {
    size_t count;
    uint64_t lsn;
    struct fault fault;
};

static bool waits(void *ctx, const struct gate_quarantined *one)
{
    struct waiting *waiting = ctx;
    waiting->count++;
    waiting->fault = one->fault;
    waiting->lsn = one->lsn;
    return true;
}

static struct waiting quarantine_of(struct site *site)
{
    struct waiting waiting = {0};
    assert_int_equal(gate_quarantine_list(site->gate, 0, waits, &waiting), ERR_OK);
    return waiting;
}

static void a_node_between_that_lies(void **state)
{
    (void)state;
    static const struct lie {
        const char *text, *said, *limits, *told;
        bool found_out;
    } lies[] = {
        {LIE("198.51.100.1", GREEN), LIE("198.51.100.1", GREEN), "partners jp\n", "partners jp\n", false},
        {LIE("198.51.100.2", GREEN), LIE("198.51.100.1", GREEN), "", "", true},              /* a byte */
        {LIE("198.51.100.1", CLEAR), LIE("198.51.100.1", GREEN), "", "", true},              /* marking */
        {LIE("198.51.100.1", GREEN), LIE("198.51.100.1", GREEN), "partners jp\n", "", true}, /* limits */
        {LIE("198.51.100.1", GREEN), LIE("198.51.100.1", GREEN), "partners jp\n", "partners jp no\n", true},
        {LIE("198.51.100.1", GREEN), "{\"type\":\"other\"}", "", "", true}, /* replay */
    };
    for (size_t i = 0; i < 2 * sizeof lies / sizeof *lies; i++) {
        const struct lie *row = &lies[i / 2];
        struct chain chain = chain_new(30 + i, ALL);
        chain.far->down = i % 2 == 1; /* and the same in a bundle */
        us_lies(&chain, row->text, row->said, row->limits, row->told);
        if (chain.far->down)
            carry(&chain);
        chain.far->down = false;
        struct waiting waiting = quarantine_of(jp(&chain));
        struct sync_status status;
        sync_session_status(jp(&chain)->session, &status);
        assert_int_equal(status.refused, row->found_out);
        assert_int_equal(waiting.count, row->found_out);
        if (row->found_out) {
            assert_int_equal(waiting.fault.code, ERR_SIGNATURE);
            assert_non_null(strstr(waiting.fault.what, "origin kr"));
            /* It cannot come in as the word of who passed it on. */
            assert_int_equal(
                gate_quarantine_retry(jp(&chain)->gate, waiting.lsn, &by_test, chain.far->now_us, NULL, NULL),
                ERR_UNSUPPORTED);
        }
        /* One bad object stops none of its neighbours. */
        enters(&chain);
        struct found at_jp = found_at(&chain, jp(&chain));
        assert_true(at_jp.objects > 10 && at_jp.verified == at_jp.objects);
        chain_free(&chain);
    }
}

/* --- what was lost --- */

/* jp loses the object, finds that out, and has it again. */
static void lost_and_fetched(struct chain *chain, const struct stix_key *key)
{
    struct site *site = jp(chain);
    struct found found = {0};
    size_t rows;
    assert_int_equal(gate_merge(site->gate, true), ERR_OK);
    site_close(site);
    assert_int_equal(lose_object(site->index, key, &rows), ERR_OK);
    site_open(chain->far, site);
    site_link(chain->far, site);
    act_both(chain->far, 20);
    assert_int_equal(gate_versions(site->gate, key, count, &found), ERR_OK);
    assert_int_equal(found.objects, 0);
    assert_int_equal(sync_session_reconcile(site->session, chain->far->now_us), ERR_OK);
    for (unsigned i = 0; i < 200 && sync_session_reconciled(site->session)->running; i++)
        act_both(chain->far, 1);
    const struct sync_reconciled *result = sync_session_reconciled(site->session);
    assert_string_equal(result->what, "");
    assert_true(!result->running && result->missing == 1 && result->fetches == 1);
}

static void it_is_fetched_with_its_object(void **state)
{
    (void)state;
    static const struct {
        unsigned what;
        bool verified, unknown;
    } rows[] = {
        {ALL, true, false}, {KR_VOUCHES | US_VOUCHES, false, true}, {KR_VOUCHES | JP_KNOWS, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chain chain = chain_new(80 + i, rows[i].what);
        struct found found = {0};
        enters(&chain);
        struct stix_key key = indicator(kr(&chain), 0, 0);
        lost_and_fetched(&chain, &key);
        assert_int_equal(gate_versions(jp(&chain)->gate, &key, count, &found), ERR_OK);
        assert_int_equal(found.objects, 1);
        assert_int_equal(found.verified, rows[i].verified);
        assert_int_equal(found.unknown, rows[i].unknown);
        far_again(&chain, true);
        struct found at_jp = found_at(&chain, jp(&chain));
        assert_int_equal(rows[i].verified  ? at_jp.verified
                         : rows[i].unknown ? at_jp.unknown
                                           : at_jp.none,
                         at_jp.objects);
        chain_free(&chain);
    }
}

/* A program that knew no vouchers took it over; the one of now fetches it, and sees. */
static void a_lie_is_found_out_by_fetching(void **state)
{
    (void)state;
    struct chain chain = chain_new(84, ALL);
    struct found found = {0};
    struct stix_key key;
    jp(&chain)->old = true;
    us_lies(&chain, LIE("198.51.100.2", GREEN), LIE("198.51.100.1", GREEN), "", "");
    assert_true(stix_id_parse(STR("indicator--00000000-0000-4000-8000-0000000000aa"), &key));
    assert_int_equal(gate_versions(jp(&chain)->gate, &key, count, &found), ERR_OK);
    assert_int_equal(found.none, 1);
    assert_int_equal(quarantine_of(jp(&chain)).count, 0);
    jp(&chain)->old = false;
    lost_and_fetched(&chain, &key);
    struct waiting waiting = quarantine_of(jp(&chain));
    assert_int_equal(waiting.count, 1);
    assert_int_equal(waiting.fault.code, ERR_SIGNATURE);
    assert_int_equal(sync_session_reconciled(jp(&chain)->session)->refused, 1);
    chain_free(&chain);
}

/* --- limits --- */

struct reaching {
    struct chain *chain;
    size_t objects, to_no;
};

static bool reaches(void *ctx, const struct gate_leaf *leaf)
{
    struct reaching *reaching = ctx;
    struct gate_reach reach;
    if (leaf->object.len == 0 || !str_starts(leaf->id, STR("indicator--")))
        return true;
    assert_int_equal(gate_reach(jp(reaching->chain)->gate, &leaf->key, &reach), ERR_OK);
    reaching->objects += reach.held;
    reaching->to_no += reach.released >> reaching->chain->no & 1;
    return true;
}

/* What the origin said of passing on binds behind the next node, too. */
static void limits_bind_behind_the_next_node(void **state)
{
    (void)state;
    static const struct {
        unsigned what;
        bool bound;
        const char *reshare;
    } rows[] = {
        {ALL, true, "partners [us, jp]"},
        {KR_VOUCHES | US_VOUCHES, true, "partners [us, jp]"}, /* also when nobody knows whose they are */
        {JP_KNOWS, false, "partners [us, jp]"},               /* as ever */
        {ALL, false, "partners [us, jp, no]"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chain chain = chain_new(40 + i, rows[i].what);
        char policy[256];
        (void)snprintf(policy, sizeof policy,
                       "language 1\nrelease iocs if type == indicator and tlp <= green to us-cert with "
                       "reshare %s\nrelease rest if tlp <= green to all\n",
                       rows[i].reshare);
        site_policy(chain.near, kr(&chain), policy);
        enters(&chain);
        struct reaching reaching = {.chain = &chain};
        assert_int_equal(gate_leaves(kr(&chain)->gate, kr(&chain)->partner, 0, reaches, &reaching), ERR_OK);
        assert_true(reaching.objects > 3);
        assert_int_equal(reaching.to_no, rows[i].bound ? 0 : reaching.objects);
        chain_free(&chain);
    }
}

/* --- a policy asks --- */

struct verdict {
    enum policy_effect effect;
    bool named; /* `policy explain` says whose signature it is */
};

static void say_step(void *ctx, const struct policy_step *step)
{
    struct verdict *verdict = ctx;
    verdict->named |= str_eq(step->value, STR("signed-by is kr"));
}

/* Of an object as jp holds it, to its other partner. */
static struct verdict asked(struct chain *chain, const struct stix_key *key)
{
    struct verdict verdict = {.named = false};
    struct gate_why why;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    assert_int_equal(
        gate_explain(jp(chain)->gate, key, chain->no, chain->far->now_us, &arena, say_step, &verdict, &why),
        ERR_OK);
    verdict.effect = why.effect;
    arena_deinit(&arena);
    return verdict;
}

/* What was verified is known by its signer's name; what was not, by nobody's. */
static void a_policy_asks_who_signed(void **state)
{
    (void)state;
    static const struct {
        unsigned what;
        bool verified;
    } rows[] = {{ALL, true}, {KR_VOUCHES | US_VOUCHES, false}, {JP_KNOWS, false}};
    static const char *const releases[] = {"signed-by == kr", "has signed-by", "not signed-by in [us jp]"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chain chain = chain_new(100 + i, rows[i].what);
        enters(&chain);
        struct stix_key key = indicator(kr(&chain), 0, 0);
        for (size_t c = 0; c < 2 * sizeof releases / sizeof *releases; c++) {
            char policy[160];
            (void)snprintf(policy, sizeof policy, "language 1\nrelease sure if tlp <= green and %s to all\n",
                           releases[c / 2]);
            if (c % 2 == 1)
                far_again(&chain, true); /* it is in the log */
            site_policy(chain.far, jp(&chain), policy);
            struct verdict verdict = asked(&chain, &key);
            assert_int_equal(verdict.effect == POLICY_RELEASE, rows[i].verified);
            assert_int_equal(verdict.named, rows[i].verified);
        }
        site_policy(chain.far, jp(&chain), "language 1\nrelease sure if signed-by != kr to all\n");
        assert_int_not_equal(asked(&chain, &key).effect, POLICY_RELEASE); /* absent is no other */
        chain_free(&chain);
    }
}

/* --- what was destroyed --- */

static err_t kept_beside(struct site *site, const struct stix_key *key, uint64_t lsn)
{
    struct gate_voucher voucher;
    struct frame frame;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_int_equal(store_read(site->gate->store, lsn, &frame), ERR_OK);
    err_t err = voucher_came(site->gate, key, lsn, frame.slot, &arena, &voucher);
    arena_deinit(&arena);
    return err;
}

/* What lies in the log opens by no secret but that of the object. */
static void lies_sealed(struct site *site, const struct stix_key *key, uint64_t lsn)
{
    static const struct seal_secret nothing;
    enum { WHERE = STIX_KEY_SIZE + 8 + 8, SALT = 16 };
    uint8_t where[WHERE + SALT] = {0}, plain[1024];
    size_t salt = site_suite() == SUITE_1 ? 0 : SALT; /* before what is sealed */
    struct seal_secret secret;
    struct bytes sealed;
    memcpy(where, key->b, STIX_KEY_SIZE);
    wr_at_u64(where + STIX_KEY_SIZE, lsn);
    struct bytes bound = bytes_of(where, WHERE);
    assert_int_equal(fact_get(site->gate, RECORD_FACT_VOUCHER, bound, &sealed), ERR_OK);
    assert_true(sealed.len < sizeof plain);
    assert_null(memmem(sealed.at, sealed.len, "\0\0\0\002kr", 6));
    memcpy(where + WHERE, sealed.at, salt);
    struct seal_salts salts = seal_salts(&nothing, "bongsu voucher seal 1", bytes_of(where, WHERE + salt));
    memcpy(secret.b, salts.a.b, SEAL_SECRET_SIZE);
    sealed = bytes_of(sealed.at + salt, sealed.len - salt);
    assert_int_equal(seal_open(site_suite(), &secret, sealed, bound, plain), ERR_SIGNATURE);
}

/* A signature over a plain digest would let guesses be confirmed: it goes with the content. */
static void it_goes_with_its_object(void **state)
{
    (void)state;
    struct chain chain = chain_new(50, ALL);
    enters(&chain);
    struct stix_key key = indicator(kr(&chain), 0, 0);
    struct found found = {0};
    assert_int_equal(gate_versions(jp(&chain)->gate, &key, count, &found), ERR_OK);
    assert_int_equal(found.verified, 1);
    assert_int_equal(kept_beside(jp(&chain), &key, found.lsn), ERR_OK);
    lies_sealed(jp(&chain), &key, found.lsn);
    (void)call_back(chain.near, kr(&chain), &key);
    run(&chain);
    carry_out(chain.near, us(&chain));
    run(&chain);
    carry_out(chain.far, jp(&chain));
    assert_int_equal(kept_beside(jp(&chain), &key, found.lsn), ERR_NOTFOUND);
    far_again(&chain, true);
    assert_int_equal(kept_beside(jp(&chain), &key, found.lsn), ERR_NOTFOUND);
    chain_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_survives_a_node_between),
        cmocka_unit_test(an_origin_that_nobody_knows),
        cmocka_unit_test(nothing_goes_without_a_word),
        cmocka_unit_test(a_word_is_taken_back),
        cmocka_unit_test(an_older_program_between),
        cmocka_unit_test(it_is_there_before_its_checkpoint),
        cmocka_unit_test(what_is_made_anew),
        cmocka_unit_test(it_outlives_restarts),
        cmocka_unit_test(the_word_outlives_restarts),
        cmocka_unit_test(power_fails_meanwhile),
        cmocka_unit_test(it_goes_in_bundles),
        cmocka_unit_test(a_node_between_that_lies),
        cmocka_unit_test(limits_bind_behind_the_next_node),
        cmocka_unit_test(it_goes_with_its_object),
        cmocka_unit_test(it_is_fetched_with_its_object),
        cmocka_unit_test(a_policy_asks_who_signed),
        cmocka_unit_test(a_lie_is_found_out_by_fetching),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("sync vouchers", tests, NULL, NULL);
}
