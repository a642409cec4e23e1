/* What was pushed and is taken back: the node's own object is revoked there without its content, of others' a
 * note says so; once each, whatever happens in between; and what was done is known by the leaf. */
#include "far.h"

#include "feeds/push_word.h"
#include "gate/query.h"
#include "guard/word.h"

#define WORD      "canarytakenback"
#define REDACTING "language 1\nrelease part if tlp <= green and onward to all with redact \"description\"\n"

static void add(struct far *t, int n, int version, const char *more)
{
    char text[TEXT_MAX];
    assert_int_equal(bench_add(&t->p.bench, t->desk, indicator(text, n, version, more)), GATE_NEW);
}

static const char *name(int n)
{
    static char id[ID_MAX];
    return id_of(id, "indicator", n);
}

static size_t count_words(const struct far *t, const char *words)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        count += strstr(t->at[i].text, words) != NULL;
    return count;
}

/* --- what was done about the last leaf of a kind --- */

struct found {
    enum leaf_op op;
    uint64_t seq;
    struct feed_taken_back done;
};

static bool find_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct found *found = ctx;
    if (leaf->leaf.op == found->op)
        found->seq = leaf->leaf.seq;
    return true;
}

static struct found done_about(struct far *t, enum leaf_op op)
{
    struct found found = {.op = op, .seq = UINT64_MAX};
    struct gate *gate = t->p.bench.gate;
    assert_int_equal(gate_leaves(gate, t->partner, 0, find_leaf, &found), ERR_OK);
    assert_true(found.seq != UINT64_MAX);
    assert_int_equal(feed_taken_back(gate, STR("isac.out"), gate_peer_get(gate, t->partner)->epoch, found.seq,
                                     &found.done),
                     ERR_OK);
    return found;
}

/* What stands there must be taken by the strictest reader that we have. */
static void expect_valid(const char *text)
{
    struct gate_source source = {.name = STR("judge"),
                                 .own = true,
                                 .profile = GATE_PROFILE_STRICT,
                                 .partner = -1,
                                 .assume_until_us = INT64_MAX};
    struct bench judge;
    uint32_t number;
    bench_init(&judge);
    assert_int_equal(gate_source_put(judge.gate, &source, &by_test, judge.now_us, &number), ERR_OK);
    assert_int_equal(bench_add(&judge, number, text), GATE_NEW);
    bench_deinit(&judge);
}

/* The last look takes each word for one: it knows the forms from the same page, and not from here. */
static enum word_kind known_as(struct far *t, struct bytes text, struct str own)
{
    struct stix_key self;
    struct buf id;
    buf_init(&id, LIMIT_ID_BYTES);
    if (gate_self(t->p.bench.gate, &self))
        stix_key_print(&self, &id);
    struct word word = word_read(text, buf_str(&id));
    if (word.kind == WORD_NONE)
        fail_msg("the guard takes this for no word: %.*s", (int)text.len, (const char *)text.at);
    assert_true(str_eq(word.own, own));
    buf_deinit(&id);
    return word.kind;
}

static void end(struct far *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct far_object *at = &t->at[i];
        if (at->posts > 0 && (strstr(at->text, "taken back") != NULL || strstr(at->id, "identity--") != NULL))
            (void)known_as(t, bytes_of(at->text, strlen(at->text)), str_of(at->id));
    }
    far_deinit(t);
}

/* --- tests --- */

/* Of others' objects, and of what cannot be revoked without its content: a note, once. */
static void noted(void **state)
{
    struct far *t = *state;
    far_init(t, NULL, 0);
    add(t, 1, 0, ",\"description\":\"" WORD "\"" MARKED(TLP_GREEN));
    far_round(t);
    assert_non_null(far_find(t, name(1)));
    far_recall(t, "indicator", 1);
    for (int i = 0; i < 3; i++)
        far_round(t);
    assert_int_equal(count_words(t, "\"type\":\"note\""), 1);
    assert_int_equal(count_words(t, "\"type\":\"identity\""), 1);
    assert_int_equal(count_words(t, WORD), 1); /* what he had; nothing that was said since */
    struct far_object *note = far_says(t, "\"type\":\"note\"");
    assert_int_equal(note->posts, 1);
    assert_non_null(strstr(note->text, "was called back"));
    assert_non_null(strstr(note->text, name(1)));
    assert_non_null(strstr(note->text, TLP_GREEN));
    assert_null(strstr(note->text, "198.51.100"));
    expect_valid(note->text);
    expect_valid(far_says(t, "\"type\":\"identity\"")->text);
    struct found found = done_about(t, LEAF_RECALL);
    assert_int_equal(found.done.word, FEED_WORD_NOTE);
    assert_int_equal(found.done.fate, FEED_FATE_TAKEN);
    assert_int_equal(found.done.deleted, 0);
    assert_true(found.done.at_us > 0);
    struct feed_counts counts = far_status(t, FAR_OUT).counts;
    assert_int_equal(counts.unconfirmed, 1);
    assert_int_equal(counts.taken_back, 1);
    /* It comes back to where it came from, and nothing is made of it. */
    assert_int_equal(far_status(t, FAR_IN).counts.fresh, 0);
    assert_int_equal(far_status(t, FAR_IN).counts.asserted, 0);
    end(t);
}

/* The node's own copy, made without a description, is revoked: newer, and empty. */
static void revoked(void **state)
{
    struct far *t = *state;
    struct far_object before;
    far_init(t, NULL, 0);
    bench_policy_text(&t->p.bench, REDACTING);
    add(t, 1, 0, ",\"description\":\"" WORD "\",\"name\":\"" WORD "\"" MARKED(TLP_GREEN));
    far_round(t);
    struct far_object *made = far_says(t, "\"type\":\"indicator\"");
    assert_non_null(made);
    before = *made;
    assert_true(strcmp(before.id, name(1)) != 0);
    far_recall(t, "indicator", 1);
    far_round(t);
    far_round(t);
    struct far_object *now = far_find(t, before.id);
    assert_true(strcmp(now->version, before.version) > 0);
    assert_non_null(strstr(now->text, "\"revoked\":true"));
    assert_non_null(strstr(now->text, TLP_GREEN));
    assert_null(strstr(now->text, WORD));
    assert_null(strstr(now->text, "198.51.100"));
    assert_int_equal(count_words(t, "\"type\":\"note\""), 0);
    assert_int_equal(count_words(t, "\"revoked\":true"), 1);
    /* It has the same birth, to a reader that knows no other way to write it. */
    struct stamp born, then;
    char *at = strstr(before.text, "\"created\":\""), *later = strstr(now->text, "\"created\":\"");
    assert_int_equal(stamp_parse((struct str) {at + 11, strcspn(at + 11, "\"")}, &born, NULL), ERR_OK);
    assert_int_equal(stamp_parse((struct str) {later + 11, strcspn(later + 11, "\"")}, &then, NULL), ERR_OK);
    assert_int_equal(stamp_cmp(born, then), 0);
    expect_valid(now->text);
    struct found found = done_about(t, LEAF_RECALL);
    assert_int_equal(found.done.word, FEED_WORD_REVOKED);
    assert_int_equal(found.done.fate, FEED_FATE_TAKEN);
    /* What he has of before comes again, and is not taken in either. */
    for (size_t i = 0; i < t->count; i++)
        t->at[i].added = ++t->clock;
    far_round(t);
    struct feed_counts in = far_status(t, FAR_IN).counts;
    assert_int_equal(in.asserted + in.fresh, 0);
    assert_true(in.echo >= 3);
    end(t);
}

/* Every type of the standard, as though the node had made it: what can be said without content is revoked, of
 * the rest a note speaks; the strictest reader takes both. */
static void every_type(void **state)
{
    static const enum stix_code sayable[] = {
        STIX_TYPE_ATTACK_PATTERN, STIX_TYPE_CAMPAIGN,  STIX_TYPE_COURSE_OF_ACTION, STIX_TYPE_IDENTITY,
        STIX_TYPE_INCIDENT,       STIX_TYPE_INDICATOR, STIX_TYPE_INFRASTRUCTURE,   STIX_TYPE_INTRUSION_SET,
        STIX_TYPE_THREAT_ACTOR,   STIX_TYPE_TOOL,      STIX_TYPE_VULNERABILITY};
    struct far *t = *state;
    far_init(t, NULL, 0);
    for (int code = STIX_TYPE_UNKNOWN; code < STIX_TYPE_COUNT; code++) {
        char id[ID_MAX];
        const char *type = stix_type_row((enum stix_code)code)->name;
        struct push_sent sent = {.id = str_of(id_of(id, type[0] == '\0' ? "x-thing" : type, code)),
                                 .own = true,
                                 .created_us = NOW,
                                 .level = STIX_TLP_GREEN};
        struct push_taking taking = {t->partner, 7, NOW + 5, LEAF_RECALL};
        enum feed_word word;
        struct buf text, said;
        bool revocable = false;
        buf_init(&text, 4096);
        buf_init(&said, 512);
        for (size_t i = 0; i < sizeof sayable / sizeof sayable[0]; i++)
            revocable |= (int)sayable[i] == code;
        assert_int_equal(push_word_write(t->p.bench.gate, &taking, &sent, &text, &said, &word), ERR_OK);
        assert_int_equal(word, revocable ? FEED_WORD_REVOKED : FEED_WORD_NOTE);
        assert_int_equal(str_eq(buf_str(&said), sent.id), revocable);
        assert_int_equal(known_as(t, buf_bytes(&text), buf_str(&said)), revocable ? WORD_REVOKED : WORD_NOTE);
        buf_putc(&text, '\0');
        expect_valid((const char *)text.at);
        buf_clear(&text); /* another's is not revoked, whatever it is */
        sent.own = false;
        assert_int_equal(push_word_write(t->p.bench.gate, &taking, &sent, &text, &said, &word), ERR_OK);
        assert_int_equal(word, FEED_WORD_NOTE);
        for (int op = LEAF_RELEASE; op <= LEAF_NARROW; op++) {
            taking.op = (enum leaf_op)op;
            buf_clear(&text);
            buf_clear(&said);
            assert_int_equal(push_word_write(t->p.bench.gate, &taking, &sent, &text, &said, &word), ERR_OK);
            assert_int_equal(known_as(t, buf_bytes(&text), buf_str(&said)), WORD_NOTE);
        }
        buf_deinit(&text);
        buf_deinit(&said);
    }
    end(t);
}

/* Two versions went, both are called back: that is said once, and known of both leaves. */
static void once_an_object(void **state)
{
    struct far *t = *state;
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    far_round(t);
    add(t, 1, 1, "");
    far_round(t);
    far_recall(t, "indicator", 1);
    far_round(t);
    assert_int_equal(count_words(t, "\"type\":\"note\""), 1);
    assert_int_equal(far_status(t, FAR_OUT).counts.unconfirmed, 2);
    assert_int_equal(done_about(t, LEAF_RECALL).done.fate, FEED_FATE_TAKEN);
    end(t);
}

/* What never went there is nothing to speak of. */
static void nothing_of_what_did_not_go(void **state)
{
    struct far *t = *state;
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    bench_settle(&t->p.bench);
    far_recall(t, "indicator", 1);
    far_round(t);
    assert_int_equal(t->count, 0);
    assert_int_equal(far_status(t, FAR_OUT).counts.unconfirmed, 0);
    end(t);
}

/* Withdrawn without a newer version; by its time; and seen again when it is let go again. */
static void other_ends(void **state)
{
    struct far *t = *state;
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    add(t, 2, 0, "");
    far_round(t);
    add(t, 1, 1, MARKED(TLP_RED));
    far_round(t);
    struct far_object *note = far_says(t, "no longer current");
    assert_non_null(note);
    assert_non_null(strstr(note->text, TLP_AMBER)); /* it carried no marking: who got it knows of none */
    add(t, 1, 2, "");
    far_round(t);
    assert_int_equal(count_words(t, "\"type\":\"note\""), 1);
    add(t, 1, 3, MARKED(TLP_RED));
    far_round(t);
    assert_int_equal(count_words(t, "no longer current"), 2); /* another word, about another release */
    bench_policy_text(&t->p.bench, "language 1\ndeny shut if tlp <= red to all\n");
    far_round(t);
    assert_int_equal(count_words(t, "given for a time"), 2); /* also of what was outdated: delete says more */
    end(t);
}

/* Asked to, the server deletes: the object first, then the word. */
static void deleted(void **state)
{
    struct far *t = *state;
    struct feed_setting option[] = {{STR("delete"), STR("yes")}};
    far_init(t, option, 1);
    add(t, 1, 0, "");
    add(t, 2, 0, "");
    add(t, 3, 0, "");
    far_round(t);
    far_recall(t, "indicator", 1);
    far_round(t);
    assert_int_equal(t->deletes, 1);
    assert_null(far_find(t, name(1)));
    assert_int_equal(count_words(t, "\"type\":\"note\""), 1);
    assert_int_equal(done_about(t, LEAF_RECALL).done.deleted, 200);
    t->delete_status = 405;
    far_recall(t, "indicator", 2);
    far_round(t);
    assert_int_equal(t->deletes, 2);
    assert_non_null(far_find(t, name(2)));
    assert_int_equal(count_words(t, "\"type\":\"note\""), 2);
    assert_int_equal(done_about(t, LEAF_RECALL).done.deleted, 405);
    t->delete_status = 503; /* not now: nothing is passed */
    far_recall(t, "indicator", 3);
    far_round(t);
    assert_int_equal(count_words(t, "\"type\":\"note\""), 2);
    t->delete_status = 0;
    far_round(t);
    assert_null(far_find(t, name(3)));
    assert_int_equal(count_words(t, "\"type\":\"note\""), 3);
    end(t);
}

/* Refused as a whole: known, and the rest goes on. */
static void refused(void **state)
{
    struct far *t = *state;
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    far_round(t);
    far_recall(t, "indicator", 1);
    t->post_status = 422;
    far_round(t);
    t->post_status = 0;
    add(t, 2, 0, "");
    far_round(t);
    assert_int_equal(count_words(t, "\"type\":\"note\""), 0);
    assert_non_null(far_find(t, name(2)));
    assert_int_equal(done_about(t, LEAF_RECALL).done.fate, FEED_FATE_REFUSED);
    assert_int_equal(far_status(t, FAR_OUT).counts.taken_back, 0);
    end(t);
}

/* The server needs time: what it did is asked for after a restart, and its failure is heard of then. */
static void pending(void **state)
{
    static const char status[] = "{\"id\":\"2d086da7-4bdc-4f91-900e-d77486753710\",\"status\":\"%s\","
                                 "\"success_count\":%d,\"failure_count\":%d,\"pending_count\":%d%s}";
    struct far *t = *state;
    char text[512], failures[256];
    for (int fails = 0; fails < 2; fails++) {
        far_init(t, NULL, 0);
        add(t, 1, 0, "");
        far_round(t);
        far_recall(t, "indicator", 1);
        bench_sign(&t->p.bench);
        t->p.feed = t->feeds[FAR_OUT];
        t->p.bench.now_us += INT64_C(7200) * 1000000;
        while (pull_step(&t->p) && t->p.call.method != EXCHANGE_POST)
            pull_answer(&t->p, 200, NULL, 0, "{}");
        far_slices(t);
        struct far_object *note = far_says(t, "\"type\":\"note\"");
        (void)snprintf(text, sizeof text, status, "pending", 0, 0, 2, "");
        pull_answer(&t->p, 202, NULL, 0, text);
        pull_commit(&t->p);
        assert_int_equal(done_about(t, LEAF_RECALL).done.fate, FEED_FATE_GIVEN);
        far_restart(t);
        t->p.feed = t->feeds[FAR_OUT];
        t->p.bench.now_us += INT64_C(7200) * 1000000;
        assert_true(pull_step(&t->p));
        assert_non_null(strstr(t->p.target, "/status/"));
        (void)snprintf(failures, sizeof failures, ",\"failures\":[{\"id\":\"%s\"}]", note->id);
        (void)snprintf(text, sizeof text, status, "complete", 2 - fails, fails, 0, fails ? failures : "");
        pull_answer(&t->p, 200, NULL, 0, text);
        pull_commit(&t->p);
        assert_int_equal(done_about(t, LEAF_RECALL).done.fate, fails ? FEED_FATE_REFUSED : FEED_FATE_TAKEN);
        assert_int_equal(far_status(t, FAR_OUT).counts.taken_back, !fails);
        end(t);
    }
}

/* The power goes before every answer, after every answer, and with one object an envelope: what is said is
 * the same object each time. */
static void power_goes(void **state)
{
    struct far *t = *state;
    struct feed_setting option[] = {{STR("limit"), STR("1")}};
    far_init(t, option, 1);
    for (int n = 1; n <= 4; n++)
        add(t, n, 0, "");
    bench_settle(&t->p.bench);
    bench_sign(&t->p.bench);
    int calls = 0;
    for (int i = 0; i < 200 && count_words(t, "\"type\":\"note\"") < 3; i++) {
        t->p.feed = t->feeds[FAR_OUT];
        t->p.bench.now_us += INT64_C(7200) * 1000000;
        if (i == 40)
            for (int n = 1; n <= 3; n++)
                far_recall(t, "indicator", n);
        bench_sign(&t->p.bench);
        while (pull_step(&t->p)) {
            assert_int_equal(gate_commit(t->p.bench.gate), ERR_OK);
            calls++;
            if (calls % 3 == 0) { /* it went, and nobody heard the answer */
                if (t->p.call.method == EXCHANGE_POST)
                    far_post(t);
                break;
            }
            if (t->p.call.method == EXCHANGE_POST)
                far_post(t);
            else
                pull_answer(&t->p, 200, NULL, 0, "{}");
            if (calls % 3 == 1)
                pull_commit(&t->p);
        }
        far_feeds_close(t);
        if (calls % 2 == 0)
            assert_int_equal(gate_commit(t->p.bench.gate), ERR_OK);
        bench_reopen(&t->p.bench);
        far_feeds_open(t);
    }
    far_round(t);
    assert_int_equal(count_words(t, "\"type\":\"note\""), 3);
    assert_int_equal(count_words(t, "\"type\":\"identity\""), 1);
    assert_int_equal(count_words(t, "\"type\":\"indicator\""), 4);
    assert_int_equal(done_about(t, LEAF_RECALL).done.fate, FEED_FATE_TAKEN);
    end(t);
}

/* A feed that is removed forgets what it sent. */
static void forgotten(void **state)
{
    struct far *t = *state;
    struct gate *gate;
    struct buf held;
    far_init(t, NULL, 0);
    gate = t->p.bench.gate;
    add(t, 1, 0, "");
    far_round(t);
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    assert_true(gate_setting_get(gate, STR("feed/isac.out/s0"), &held));
    far_feeds_close(t);
    assert_int_equal(feed_conf_remove(gate, STR("isac.out"), &by_test, t->p.bench.now_us), ERR_OK);
    buf_clear(&held);
    assert_false(gate_setting_get(gate, STR("feed/isac.out/s0"), &held) && held.len > 0);
    assert_false(gate_setting_get(gate, STR("feed/isac.out/s"), &held) && held.len > 0);
    buf_deinit(&held);
    end(t);
}

static int make(void **state)
{
    *state = mem_alloc(sizeof(struct far));
    return *state == NULL;
}

static int unmake(void **state)
{
    mem_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(noted, make, unmake),
        cmocka_unit_test_setup_teardown(revoked, make, unmake),
        cmocka_unit_test_setup_teardown(every_type, make, unmake),
        cmocka_unit_test_setup_teardown(once_an_object, make, unmake),
        cmocka_unit_test_setup_teardown(nothing_of_what_did_not_go, make, unmake),
        cmocka_unit_test_setup_teardown(other_ends, make, unmake),
        cmocka_unit_test_setup_teardown(deleted, make, unmake),
        cmocka_unit_test_setup_teardown(refused, make, unmake),
        cmocka_unit_test_setup_teardown(pending, make, unmake),
        cmocka_unit_test_setup_teardown(power_goes, make, unmake),
        cmocka_unit_test_setup_teardown(forgotten, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
