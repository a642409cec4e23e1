/* Two real gates follow each other, both ways at once, on virtual disks: the samples' campaign is exchanged,
 * every object arrives byte for byte, nothing returns to where it came from, and after power failures at any
 * moment both converge. */
#define _GNU_SOURCE
#include "gate/nodelog.h"
#include "sites.h"

/* --- what must be true --- */

struct comparing {
    struct site *to;
    struct bytes wanted;
    size_t found, leaves;
};

static bool compare_copy(void *ctx, const struct gate_object *object)
{
    struct comparing *comparing = ctx;
    comparing->found += bytes_eq(object->bytes, comparing->wanted);
    return true;
}

static bool compare_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct comparing *comparing = ctx;
    if (leaf->object.len == 0)
        return true;
    comparing->leaves++;
    comparing->found = 0;
    comparing->wanted = leaf->object;
    assert_int_equal(gate_versions(comparing->to->gate, &leaf->key, compare_copy, comparing), ERR_OK);
    assert_int_equal(comparing->found, 1); /* exactly these bytes, once */
    return true;
}

static bool count_leaf(void *ctx, const struct gate_leaf *leaf)
{
    assert_int_equal(leaf->hops, 0); /* each side released only what is its own */
    ++*(size_t *)ctx;
    return true;
}

static void assert_exchanged(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct site *from = &pair->site[i];
        struct comparing comparing = {.to = from->other};
        size_t count = 0;
        uint64_t bad = 1;
        assert_int_equal(gate_leaves(from->gate, from->partner, 0, compare_leaf, &comparing), ERR_OK);
        assert_int_equal(gate_leaves(from->gate, from->partner, 0, count_leaf, &count), ERR_OK);
        assert_true(comparing.leaves > 10);
        assert_int_equal(gate_check(from->gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
    }
}

static void test_both_ways(void **state)
{
    (void)state;
    struct pair *pair = pair_new(1);
    exchange(pair);
    assert_true(pair_run(pair, 200));
    assert_exchanged(pair);
    struct sync_status status;
    sync_session_status(pair->site[1].session, &status);
    assert_int_equal(status.failures, 0);
    assert_int_equal(status.refused, 0);
    /* Settled means settled: what arrived is released to nobody, least of all back. */
    struct gate_ledger before, after;
    assert_int_equal(gate_ledger(pair->site[1].gate, 0, &before), ERR_OK);
    (void)pair_run(pair, 50);
    assert_int_equal(gate_ledger(pair->site[1].gate, 0, &after), ERR_OK);
    assert_int_equal(before.size, after.size);
    /* More goes the same way. */
    site_add(pair, &pair->site[0], "samples/campaign/kr-sensor.json");
    site_settle(pair, &pair->site[0]);
    assert_true(pair_run(pair, 200));
    assert_exchanged(pair);
    pair_free(pair);
}

/* --- limits on passing on --- */

struct passing {
    struct gate *gate; /* of the receiver */
    unsigned partner;
    size_t limited, passed, kept;
    char text[64]; /* the limit that each of `limited` has */
};

/* One leaf of the issuer's: did the receiver pass its object on? */
static bool look_on(void *ctx, const struct gate_leaf *leaf)
{
    struct passing *passing = ctx;
    struct gate_reach reach;
    if (leaf->object.len == 0)
        return true;
    bool limited = leaf->limits.len > 0;
    assert_int_equal(limited, memmem(leaf->object.at, leaf->object.len, "\"indicator\"", 11) != NULL &&
                                  str_starts(leaf->id, STR("indicator--")));
    if (limited)
        assert_true(str_eq(leaf->limits, str_of(passing->text)));
    assert_int_equal(gate_reach(passing->gate, &leaf->key, &reach), ERR_OK);
    bool passed = (reach.released >> passing->partner & 1) != 0;
    passing->limited += limited;
    passing->passed += passed;
    passing->kept += limited && !passed;
    return true;
}

static struct passing pass_on(struct pair *pair, unsigned partner, const char *limit)
{
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct passing passing = {.gate = us->gate, .partner = partner};
    (void)snprintf(passing.text, sizeof passing.text, "%s", limit);
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, look_on, &passing), ERR_OK);
    assert_true(passing.limited > 0);
    return passing;
}

static void a_limit_binds_at_the_receiver(void **state)
{
    (void)state;
    static const char us_policy[] =
        "language 1\npartner kr-cert { communities [north] }\n"
        "partner no { communities [north] }\nrelease any if tlp <= green to all\n";
    struct pair *pair = pair_new(5);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    unsigned jp = site_third(pair, us, "jp", "JP"), no = site_third(pair, us, "no", "XX");
    site_policy(pair, us, us_policy);
    site_policy(pair, kr,
                "language 1\nrelease plain if tlp <= green to all\n"
                "release iocs if type == indicator and tlp <= green to us-cert with reshare never\n");
    exchange(pair);
    assert_true(pair_run(pair, 200));
    struct passing to_jp = pass_on(pair, jp, "never\n"), to_no = pass_on(pair, no, "never\n");
    assert_true(to_jp.passed > 0 && to_jp.kept == to_jp.limited && to_no.kept == to_no.limited);
    /* It says whose word that is, and a restart, and an index made anew, change nothing. */
    struct arena arena;
    struct gate_why why;
    struct stix_key key;
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, first_indicator, &key), ERR_OK);
    arena_init(&arena, 1 << 20);
    assert_int_equal(gate_explain(us->gate, &key, jp, pair->now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(str_eq(why.rule, STR("built-in.onward")) && !why.released);
    assert_true(str_eq(why.limited_by, STR("kr-cert")) && str_eq(why.limit, STR("never")));
    arena_deinit(&arena);
    site_close(us);
    site_open(pair, us);
    site_link(pair, us);
    site_policy(pair, us, us_policy);
    site_settle(pair, us);
    assert_int_equal(pass_on(pair, jp, "never\n").kept, to_jp.kept);
    uint64_t bad = 1;
    assert_int_equal(gate_check(us->gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    pair_free(pair);
}

static void limits_name_countries_communities_and_partners(void **state)
{
    (void)state;
    static const struct {
        const char *scope, *limit;
        bool jp, no;
    } cases[] = {{"own-country", "country XX\n", false, true}, /* as kr has it of us */
                 {"community", "community\n", false, true},
                 {"partners [jp de]", "partners jp de\n", true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        struct pair *pair = pair_new(6 + i);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        unsigned jp = site_third(pair, us, "jp", "JP"), no = site_third(pair, us, "no", "XX");
        site_policy(pair, us,
                    "language 1\npartner kr-cert { communities [north] }\n"
                    "partner no { communities [north] }\nrelease any if tlp <= green to all\n");
        (void)snprintf(text, sizeof text,
                       "language 1\nrelease rest if tlp <= green to all\n"
                       "release iocs if type == indicator and tlp <= green to all with reshare %s\n",
                       cases[i].scope);
        site_policy(pair, kr, text);
        exchange(pair);
        assert_true(pair_run(pair, 200));
        struct passing to_jp = pass_on(pair, jp, cases[i].limit), to_no = pass_on(pair, no, cases[i].limit);
        assert_int_equal(to_jp.kept, cases[i].jp ? 0 : to_jp.limited);
        assert_int_equal(to_no.kept, cases[i].no ? 0 : to_no.limited);
        pair_free(pair);
    }
}

/* --- a rival copy --- */

#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define RED   "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

/* The site's own copy of a version that the other site may have as well: `name` is what differs. */
static void site_rival(struct pair *pair, struct site *site, unsigned number, const char *name, bool red)
{
    struct gate_source source = {.name = STR("own"), .own = true};
    struct gate_submission submission = {0};
    struct fault fault = {0};
    char text[512 + JSON_PADDING] = "";
    int len = snprintf(text, 512,
                       "{\"type\":\"tool\",\"spec_version\":\"2.1\","
                       "\"id\":\"tool--00000000-0000-4000-8000-%012u\",\"name\":\"%s\","
                       "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                       "\"object_marking_refs\":[\"%s\"]}",
                       number, name, red ? RED : GREEN);
    assert_int_equal(gate_source_put(site->gate, &source, &by_test, pair->now_us, &submission.source),
                     ERR_OK);
    size_t added = site->answers[GATE_NEW];
    assert_int_equal(gate_accept(site->gate, &submission, bytes_of(text, (size_t)len), pair->now_us,
                                 count_answer, site, &fault),
                     ERR_OK);
    assert_int_equal(site->answers[GATE_NEW], added + 1);
    assert_int_equal(gate_commit(site->gate), ERR_OK);
}

static bool count_conflict(void *ctx, const struct gate_quarantined *quarantined)
{
    *(size_t *)ctx += quarantined->fault.code == ERR_CONFLICT;
    return true;
}

/* Which leaf of kr's brought this object; what us says of it if it is told as a conflict. */
struct telling {
    unsigned told; /* bit n: of object n */
    uint64_t count;
    struct hash digest;
};

static bool tell_of(void *ctx, const struct gate_leaf *leaf)
{
    struct telling *telling = ctx;
    unsigned number = (unsigned)(leaf->id.at[leaf->id.len - 1] - '0');
    if ((telling->told >> number & 1) == 0)
        return true;
    telling->count++;
    telling->digest = disposition_refused_add(&telling->digest, leaf->leaf.seq, ERR_CONFLICT);
    return true;
}

/* Two of kr's objects are rivals of what us holds. kr hears of a conflict where us gives him its copy, and of
 * the other, whose copy here he is not to know of, what he hears of anything that was taken (DESIGN 5). */
static void a_conflict_is_told_only_within_the_view(void **state)
{
    (void)state;
    for (unsigned hidden = 0; hidden < 4; hidden++) { /* bit n: us keeps object n + 1 from kr */
        struct pair *pair = pair_new(20 + hidden);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        static const char policy[] = "language 1\nrelease open if tlp <= green to all\n";
        site_policy(pair, kr, policy);
        site_policy(pair, us, policy);
        for (unsigned i = 0; i < 2; i++) {
            site_rival(pair, us, 1 + i, "theirs", (hidden >> i & 1) != 0);
            site_rival(pair, kr, 1 + i, "ours", false);
        }
        site_rival(pair, kr, 3, "kr alone", false);
        site_rival(pair, us, 4, "us alone", false);
        site_settle(pair, kr);
        site_settle(pair, us);
        assert_true(pair_run(pair, 200));

        struct telling telling = {.told = (~hidden & 3) << 1, .digest = disposition_refused_begin()};
        struct gate_ledger ledger;
        struct gate_cursor cursor = {0};
        size_t conflicts = 0;
        assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, tell_of, &telling), ERR_OK);
        assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
        assert_int_equal(ledger.receipted, 3);
        assert_int_equal(ledger.refused, telling.count);
        assert_int_equal(gate_cursor(us->gate, us->partner, &cursor), ERR_OK);
        assert_int_equal(cursor.refused, telling.count);
        assert_memory_equal(cursor.refused_digest.b, telling.digest.b, HASH_SIZE);
        buf_deinit(&cursor.note);
        /* us itself has both waiting. */
        assert_int_equal(gate_quarantine_list(us->gate, 0, count_conflict, &conflicts), ERR_OK);
        assert_int_equal(conflicts, 2);
        pair_free(pair);
    }
}

/* The partner's ledger as files: asked for as an auditor would, hashed without anything of ours but SHA-256.
 */
static void audit_get(struct site *server, const char *path, bool admitted, unsigned status,
                      struct exchange_response *out)
{
    bool commit;
    struct exchange_request request = {
        .id = 1, .method = EXCHANGE_GET, .path = str_of(path), .secure = true, .has_peer_key = true};
    const struct site *asker = admitted ? server->other : server;
    memcpy(request.peer_key, asker->card.key[SYNC_CARD_TLS].b, EXCHANGE_KEY_SIZE);
    exchange_response_init(out, 1, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(server->serve, &request, NOW_US, out, &commit);
    assert_int_equal(out->status, status);
}

static void test_ledger_as_files(void **state)
{
    (void)state;
    struct pair *pair = pair_new(3);
    struct exchange_response checkpoint, tile, bundle;
    struct gate_ledger ledger;
    struct site *kr = &pair->site[0];
    char path[96];
    exchange(pair);
    assert_true(pair_run(pair, 200));
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    unsigned width = (unsigned)ledger.visible;
    assert_true(width > 0 && width < 256);
    audit_get(kr, "/bongsu/v1/ledger/checkpoint", true, 200, &checkpoint);
    (void)snprintf(path, sizeof path, "/bongsu/v1/ledger/tile/0/000.p/%u", width);
    audit_get(kr, path, true, 200, &tile);
    (void)snprintf(path, sizeof path, "/bongsu/v1/ledger/tile/entries/000.p/%u", width);
    audit_get(kr, path, true, 200, &bundle);
    /* Bundle to leaf hashes, leaf hashes to tile, tile to root. */
    struct merkle_edge edge = {0};
    assert_int_equal(tile.body.len, width * HASH_SIZE);
    assert_int_equal(bundle.body.len, width * (2 + LEAF_SIZE));
    for (unsigned i = 0; i < width; i++) {
        struct hash hash = merkle_leaf(bytes_of(bundle.body.at + i * (2 + LEAF_SIZE) + 2, LEAF_SIZE));
        assert_memory_equal(hash.b, tile.body.at + i * HASH_SIZE, HASH_SIZE);
        merkle_edge_append(&edge, &hash);
    }
    struct hash root = merkle_edge_root(&edge);
    assert_memory_equal(root.b, ledger.visible_root.b, HASH_SIZE);
    char base64[64];
    size_t len = str_base64(root.b, HASH_SIZE, base64);
    assert_non_null(memmem(checkpoint.body.at, checkpoint.body.len, base64, len));
    exchange_response_deinit(&checkpoint);
    exchange_response_deinit(&tile);
    exchange_response_deinit(&bundle);
    /* Beyond the checkpoint, no tile at all, and a stranger: the same 404. */
    (void)snprintf(path, sizeof path, "/bongsu/v1/ledger/tile/0/000.p/%u", width + 1);
    audit_get(kr, path, true, 404, &tile);
    exchange_response_deinit(&tile);
    audit_get(kr, "/bongsu/v1/ledger/tile/0/../1", true, 404, &tile);
    exchange_response_deinit(&tile);
    audit_get(kr, "/bongsu/v1/ledger/checkpoint", false, 404, &tile);
    exchange_response_deinit(&tile);
    pair_free(pair);
}

/* The log of the node, signed as its keeper would. */
static void log_grow(struct site *kr, int count)
{
    static struct gate_sign_request request;
    for (int i = 0; i < count; i++) {
        struct buf origin, note;
        struct note_key key;
        buf_init(&origin, LEDGER_ORIGIN_MAX);
        buf_init(&note, LIMIT_NOTE_BYTES);
        assert_int_equal(gate_log_append(kr->gate, NOW_US + i), ERR_OK);
        assert_int_equal(gate_commit(kr->gate), ERR_OK);
        assert_true(gate_log_sign_next(kr->gate, &request));
        assert_int_equal(gate_log_origin(kr->gate, &origin), ERR_OK);
        assert_int_equal(
            note_key_make(buf_str(&origin), NOTE_SIGNATURE, &kr->keys[SYNC_CARD_LEDGER].public, &key),
            ERR_OK);
        struct checkpoint checkpoint = {buf_str(&origin), request.at[0].size, request.at[0].root, {NULL, 0}};
        assert_int_equal(checkpoint_sign(&checkpoint, &key, &kr->keys[SYNC_CARD_LEDGER], &note), ERR_OK);
        assert_int_equal(gate_log_signed(kr->gate, &request, buf_str(&note), NOW_US), ERR_OK);
        assert_int_equal(gate_commit(kr->gate), ERR_OK);
        buf_deinit(&origin);
        buf_deinit(&note);
    }
}

static void test_log_as_files(void **state)
{
    (void)state;
    struct pair *pair = pair_new(4);
    struct exchange_response got;
    struct site *kr = &pair->site[0];
    exchange(pair);
    assert_true(pair_run(pair, 200));
    audit_get(kr, "/bongsu/v1/log/checkpoint", true, 404, &got); /* none is kept */
    exchange_response_deinit(&got);
    log_grow(kr, 3);
    audit_get(kr, "/bongsu/v1/log/tile/entries/000.p/3", true, 200, &got);
    struct merkle_edge edge = {0};
    assert_int_equal(got.body.len, 3 * (2 + NODELOG_ENTRY_SIZE));
    for (size_t i = 0; i < 3; i++) {
        struct hash hash =
            merkle_leaf(bytes_of(got.body.at + i * (2 + NODELOG_ENTRY_SIZE) + 2, NODELOG_ENTRY_SIZE));
        merkle_edge_append(&edge, &hash);
    }
    exchange_response_deinit(&got);
    struct hash root = merkle_edge_root(&edge);
    char base64[64];
    size_t len = str_base64(root.b, HASH_SIZE, base64);
    audit_get(kr, "/bongsu/v1/log/checkpoint", true, 200, &got);
    assert_non_null(memmem(got.body.at, got.body.len, base64, len));
    assert_non_null(memmem(got.body.at, got.body.len, "bongsu-log/kr/0\n3\n", 18));
    exchange_response_deinit(&got);
    /* With the line of whoever cosigned it; not with one of another size. */
    struct gate_cosigned cosigned = {.size = 2, .time_s = 1, .at_us = NOW_US, .line = STR("a line\n")};
    assert_int_equal(gate_log_cosigned_put(kr->gate, STR("w.example/1"), &cosigned), ERR_OK);
    assert_int_equal(gate_commit(kr->gate), ERR_OK);
    audit_get(kr, "/bongsu/v1/log/checkpoint", true, 200, &got);
    assert_non_null(memmem(got.body.at, got.body.len, "bongsu-log/kr/0\n2\n", 18));
    assert_non_null(memmem(got.body.at, got.body.len, "a line\n", 7));
    exchange_response_deinit(&got);
    audit_get(kr, "/bongsu/v1/log/tile/0/000.p/4", true, 404, &got);
    exchange_response_deinit(&got);
    audit_get(kr, "/bongsu/v1/log/tile/0/../0", true, 404, &got);
    exchange_response_deinit(&got);
    audit_get(kr, "/bongsu/v1/log/checkpoint", false, 404, &got); /* a stranger */
    exchange_response_deinit(&got);
    pair_free(pair);
}

/* --- recall --- */

/* Who has it destroys it and says so under his recall key; nothing else counts as an answer. The power may go
 * between the two. */
static void test_a_recall_is_answered(void **state)
{
    (void)state;
    struct pair *pair = pair_new(9);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct gate_recall_holder holder = {0};
    struct gate_recalled told;
    struct stix_key key;
    uint64_t lsns[LIMIT_COPIES];
    size_t count;
    struct comparing looking = {.to = us};
    exchange(pair);
    assert_true(pair_run(pair, 200));
    assert_int_equal(gate_leaves(kr->gate, kr->partner, 0, first_indicator, &key), ERR_OK);
    assert_int_equal(gate_spill_copies(kr->gate, &key, lsns, LIMIT_COPIES, &count), ERR_OK);
    assert_int_equal(gate_recall(kr->gate, lsns, count, 0, &by_test, true, pair->now_us, &told), ERR_OK);
    carry_out(pair, kr);
    pair->forges = true;
    assert_true(pair_run(pair, 200));
    assert_int_equal(gate_versions(us->gate, &key, compare_copy, &looking), ERR_OK);
    assert_int_equal(looking.found, 0);
    assert_int_equal(gate_recall_holders(kr->gate, lsns[0], take_holder, &holder), ERR_OK);
    assert_true(holder.fetched && holder.answered_us == 0); /* taken over, and not destroyed yet */
    carry_out(pair, us);
    act_both(pair, 60);
    assert_int_equal(gate_recall_holders(kr->gate, lsns[0], take_holder, &holder), ERR_OK);
    assert_int_equal(holder.answered_us, 0); /* by another key it is no answer */
    pair->forges = false;
    power_fails(pair, us);
    carry_out(pair, us);
    for (int i = 0; i < 40 && holder.answered_us == 0; i++) {
        act_both(pair, 20);
        assert_int_equal(gate_recall_holders(kr->gate, lsns[0], take_holder, &holder), ERR_OK);
    }
    assert_true(holder.answered_us != 0);
    /* Once: nothing is owed any more, also after a restart. */
    struct gate_recall_owed owed;
    assert_int_equal(gate_commit(us->gate), ERR_OK);
    assert_int_equal(gate_recall_owed(us->gate, us->partner, 0, &owed), ERR_NOTFOUND);
    power_fails(pair, kr);
    holder.answered_us = 0;
    assert_int_equal(gate_recall_holders(kr->gate, lsns[0], take_holder, &holder), ERR_OK);
    assert_true(holder.answered_us != 0);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bad = 1;
        assert_int_equal(gate_check(pair->site[i].gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
    }
    pair_free(pair);
}

/* --- restored backups --- */

/* What `site` held of the other's ledger stays, the link stands still with its evidence through a restart,
 * and nothing but a person's reason lets it go on. */
static void assert_halted(struct pair *pair, struct site *site, uint64_t held)
{
    struct arena arena;
    struct gate_halt halt;
    struct note note;
    struct checkpoint checkpoint;
    arena_init(&arena, 1 << 20);
    assert_true(gate_is_halted(site->gate, site->partner));
    power_fails(pair, site);
    act_both(pair, 20);
    assert_int_equal(gate_halted(site->gate, site->partner, &arena, &halt), ERR_OK);
    assert_int_equal(note_parse(halt.held, &note, NULL), ERR_OK);
    assert_int_equal(checkpoint_parse(note.text, &checkpoint, NULL), ERR_OK);
    assert_int_equal(checkpoint.size, held);
    assert_int_equal(held_of(site), held);
    assert_int_equal(gate_resume(site->gate, site->partner, &(struct gate_by) {STR("kim"), STR("")}, 0),
                     ERR_USAGE);
    arena_deinit(&arena);
}

/* The restored side begins its ledger anew, and the other's operator lets the link go on with it: both are in
 * step again, the other has what it had, and nothing of the epoch before is followed any more. */
static void begin_anew(struct pair *pair, struct site *old, uint32_t epoch)
{
    static const struct gate_by by = {{"kim", 3}, {"the disk died", 13}};
    struct site *other = old->other;
    struct gate_counts before, after;
    struct gate_ledger ledger;
    gate_counts(other->gate, &before);
    assert_int_equal(gate_peer_epoch(old->gate, old->partner, epoch, &by, pair->now_us), ERR_OK);
    assert_int_equal(gate_commit(old->gate), ERR_OK);
    site_settle(pair, old);
    act_both(pair, 20);
    assert_true(gate_is_halted(other->gate, other->partner)); /* not by itself */
    assert_int_equal(gate_follow_epoch(other->gate, other->partner, 0, &by, pair->now_us), ERR_EXISTS);
    assert_int_equal(gate_follow_epoch(other->gate, other->partner, epoch, &by, pair->now_us), ERR_OK);
    assert_int_equal(gate_commit(other->gate), ERR_OK);
    if (next_random(pair, 2) == 0)
        power_fails(pair, other);
    sync_session_stop(other->session);
    assert_int_equal(sync_session_start(other->session, pair->now_us), ERR_OK);
    assert_true(pair_run(pair, 2000));
    assert_false(gate_is_halted(other->gate, other->partner));
    assert_int_equal(gate_ledger(old->gate, old->partner, &ledger), ERR_OK);
    assert_int_equal(ledger.origin.epoch, epoch);
    assert_true(ledger.size > 0);
    assert_int_equal(held_of(other), ledger.size);
    assert_int_equal(gate_following(other->gate, other->partner), epoch);
    gate_counts(other->gate, &after);
    assert_true(after.objects >= before.objects); /* what it had it has */
    /* It lives: what comes now arrives under the new one. */
    site_add(pair, old, "samples/campaign/jp-taxii.json");
    site_settle(pair, old);
    assert_true(pair_run(pair, 2000));
    for (int i = 0; i < 2; i++) {
        uint64_t bad = 1;
        assert_int_equal(gate_check(pair->site[i].gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
    }
}

/* A hundred backups, each of either side, from any moment: who lost leaves that the other holds is found out,
 * and the two go on under a new epoch. */
static void test_restores(void **state)
{
    (void)state;
    unsigned halted = 0, same = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct pair *pair = pair_new(seed);
        struct site *old = &pair->site[next_random(pair, 2)], *other = old->other;
        struct gate_ledger then, now;
        exchange(pair);
        (void)pair_run(pair, (unsigned)next_random(pair, 30));
        struct disk *backup = disk_copy(old->disk, seed);
        assert_int_equal(gate_ledger(old->gate, old->partner, &then), ERR_OK);
        if (next_random(pair, 4) > 0)
            site_add(pair, old, "samples/campaign/jp-taxii.json");
        site_settle(pair, old);
        assert_true(pair_run(pair, 400));
        assert_int_equal(gate_ledger(old->gate, old->partner, &now), ERR_OK);
        uint64_t held = held_of(other);
        site_restore(pair, old, backup);
        if (next_random(pair, 2) == 0) { /* it takes in something else before anybody asks */
            site_add(pair, old, "samples/campaign/kr-sensor.json");
            site_settle(pair, old);
        }
        act_both(pair, 400);
        if (then.visible < held) {
            assert_halted(pair, other, held);
            halted++;
            begin_anew(pair, old, 1 + (uint32_t)next_random(pair, 3));
        } else {
            assert_false(gate_is_halted(other->gate, other->partner));
            assert_true(pair_run(pair, 2000));
            same++;
        }
        /* What the restored side had not taken over when the backup was made it takes over again. */
        assert_false(gate_is_halted(old->gate, old->partner));
        assert_int_equal(gate_ledger(other->gate, other->partner, &now), ERR_OK);
        assert_int_equal(held_of(old), now.size);
        pair_free(pair);
    }
    assert_true(halted >= 50 && same >= 5);
}

static void test_power_failures(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct pair *pair = pair_new(seed);
        exchange(pair);
        for (unsigned i = 0; i < 4; i++) {
            (void)pair_run(pair, (unsigned)next_random(pair, 12));
            power_fails(pair, &pair->site[next_random(pair, 2)]);
        }
        assert_true(pair_run(pair, 2000));
        assert_exchanged(pair);
        pair_free(pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(a_limit_binds_at_the_receiver),
        cmocka_unit_test(limits_name_countries_communities_and_partners),
        cmocka_unit_test(a_conflict_is_told_only_within_the_view),
        cmocka_unit_test(test_ledger_as_files),
        cmocka_unit_test(test_log_as_files),
        cmocka_unit_test(test_a_recall_is_answered),
        cmocka_unit_test(test_restores),
        cmocka_unit_test(test_power_failures),
    };
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
