#include "guard/guard.h"

#include "core/mem.h"
#include "core/rd.h"
#include "guard/state.h"

enum { OK = 200, CREDENTIALS_MAX = 512 };

err_t guard_new(const struct hash_sip_key *key, struct guard **out)
{
    struct guard *guard = mem_alloc(sizeof *guard);
    if (guard == NULL)
        return ERR_NOMEM;
    err_t err = known_init(&guard->known, LIMIT_GUARD_SETS, key);
    if (err != ERR_OK) {
        mem_free(guard);
        return err;
    }
    buf_init(&guard->scratch, LIMIT_OBJECT_BYTES);
    buf_init(&guard->look.ids, LOOK_ID_BYTES);
    *out = guard;
    return ERR_OK;
}

void guard_free(struct guard *guard)
{
    if (guard == NULL)
        return;
    known_deinit(&guard->known);
    buf_deinit(&guard->scratch);
    buf_deinit(&guard->look.ids);
    mem_free(guard);
}

err_t guard_rules(struct guard *guard, struct str text, struct fault *fault)
{
    err_t err = rules_read(text, &guard->next, fault);
    if (err != ERR_OK) {
        memset(&guard->rules, 0, sizeof guard->rules);
        return err;
    }
    guard->rules = guard->next;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++) {
        struct rules_partner *partner = &guard->rules.partners[i];
        if (partner->resumed > guard->resumed[i])
            guard->held[i] = false;
        guard->resumed[i] = partner->resumed;
        guard->held[i] = guard->held[i] || partner->held;
    }
    return ERR_OK;
}

bool guard_is_held(const struct guard *guard, unsigned partner)
{
    return partner < LIMIT_PARTNERS && guard->held[partner];
}

struct guard_counts guard_count(const struct guard *guard)
{
    return guard->counts;
}

/* --- who asks --- */

/* "Basic " with base64 of user:password; the password is not looked at. */
static void take_user(struct guard_case *c, struct str encoded)
{
    uint8_t plain[CREDENTIALS_MAX];
    size_t len;
    if (!str_unbase64(encoded, plain, sizeof plain, &len))
        return;
    struct str rest = str_from_bytes(bytes_of(plain, len));
    struct str user = str_cut(&rest, ':');
    if (user.len <= sizeof c->user) {
        memcpy(c->user, user.at, user.len);
        c->user_len = user.len;
    }
    mem_wipe(plain, sizeof plain);
}

static void take_credentials(struct guard_case *c, struct str authorization)
{
    struct str rest = authorization, scheme = str_cut(&rest, ' ');
    rest = str_trim(rest);
    if (str_same(scheme, STR("basic")))
        take_user(c, rest);
    c->has_token = str_same(scheme, STR("bearer")) || str_same(scheme, STR("token"));
    if (c->has_token)
        c->token = hash_sha256(bytes_from_str(rest));
}

static size_t copy(struct str from, char to[GUARD_TARGET_MAX], bool *cut)
{
    size_t len = from.len < GUARD_TARGET_MAX ? from.len : GUARD_TARGET_MAX;
    if (len > 0)
        memcpy(to, from.at, len);
    *cut = *cut || len < from.len;
    return len;
}

void guard_case_open(struct guard_case *out, const struct guard_request *request)
{
    bool query_cut = false;
    out->reads = request->reads;
    out->has_key = request->has_key;
    if (request->has_key)
        memcpy(out->key, request->key, sizeof out->key);
    out->long_target = false;
    out->user_len = out->asked_count = 0;
    take_credentials(out, request->authorization);
    out->path_len = copy(request->path, out->path, &out->long_target);
    out->query_len = copy(request->query, out->query, &query_cut);
}

static int partner_of_key(const struct guard *guard, const struct guard_case *c)
{
    for (unsigned i = 0; c->has_key && i < LIMIT_PARTNERS; i++) {
        const struct rules_partner *partner = &guard->rules.partners[i];
        if (partner->known && ((partner->has_key && memcmp(partner->key, c->key, sizeof c->key) == 0) ||
                               (partner->has_also && memcmp(partner->also, c->key, sizeof c->key) == 0)))
            return (int)i;
    }
    return -1;
}

static bool is_reader(const struct rules_reader *reader, const struct guard_case *c)
{
    if (c->has_token)
        return reader->has_token && hash_eq(&reader->token, &c->token);
    if (c->user_len > 0)
        return str_eq(str_of(reader->name), (struct str) {c->user, c->user_len});
    return c->has_key && reader->has_key && memcmp(reader->key, c->key, sizeof c->key) == 0;
}

static const struct rules_reader *reader_of(const struct guard *guard, const struct guard_case *c)
{
    for (size_t i = 0; i < guard->rules.reader_count; i++)
        if (is_reader(&guard->rules.readers[i], c))
            return &guard->rules.readers[i];
    return NULL;
}

/* --- what is asked for --- */

/* The segments of a path behind "/api/collections/": a collection, a list, an object, versions. */
struct target {
    struct str collection, list, object, last;
};

static bool collection_target(struct str path, struct target *out)
{
    static const struct str head = {"/api/collections/", 17};
    if (!str_starts(path, head))
        return false;
    path = (struct str) {path.at + head.len, path.len - head.len};
    out->collection = str_cut(&path, '/');
    out->list = str_cut(&path, '/');
    out->object = str_cut(&path, '/');
    out->last = str_cut(&path, '/');
    return out->collection.len > 0 && out->list.len > 0;
}

/* --- the answers --- */

static bool hold(struct guard_finding *out, enum guard_rule rule, int partner)
{
    out->rule = rule;
    out->partner = partner;
    return false;
}

bool guard_may_receive(const struct guard *guard, int partner, int64_t now_s, struct guard_finding *out)
{
    if (partner < 0)
        return hold(out, GUARD_RULE_RECIPIENT, -1);
    const struct rules_partner *row = &guard->rules.partners[partner];
    out->partner = partner;
    out->again = guard->held[partner];
    if (!row->known)
        return hold(out, GUARD_RULE_RECIPIENT, partner);
    if (row->limited && now_s >= row->until_s)
        return hold(out, GUARD_RULE_LAPSED, partner);
    return !out->again;
}

static enum guard_verdict check_feed(struct guard *guard, struct guard_case *c, bool urgent,
                                     const struct guard_answer *answer, struct guard_finding *out)
{
    int partner = partner_of_key(guard, c);
    if (!guard_may_receive(guard, partner, answer->now_s, out))
        return GUARD_HOLD;
    look_begin(guard, LOOK_FEED, (unsigned)partner, c, out);
    guard->look.urgent = urgent;
    if (!leaf_page(guard, &guard->rules.partners[partner], answer->body))
        return GUARD_HOLD;
    return look_end(guard);
}

/* What is compared with a partner, and what he fetches. */
static enum guard_verdict check_compared(struct guard *guard, struct guard_case *c, bool fetch,
                                         const struct guard_answer *answer, struct guard_finding *out)
{
    int partner = partner_of_key(guard, c);
    if (!guard_may_receive(guard, partner, answer->now_s, out))
        return GUARD_HOLD;
    const struct rules_partner *row = &guard->rules.partners[partner];
    look_begin(guard, fetch ? LOOK_FETCH : LOOK_PLAIN, (unsigned)partner, c, out);
    if (!fetch)
        return leaf_sums(guard, row, answer->body) ? GUARD_PASS : GUARD_HOLD;
    return leaf_fetched(guard, row, answer->body) ? look_end(guard) : GUARD_HOLD;
}

static enum guard_verdict check_plain(struct guard *guard, struct guard_case *c,
                                      const struct guard_answer *answer, struct guard_finding *out)
{
    look_begin(guard, LOOK_PLAIN, LIMIT_PARTNERS, c, out);
    return look_plain(guard, str_from_bytes(answer->body)) ? GUARD_PASS : GUARD_HOLD;
}

static enum guard_verdict check_release(struct guard *guard, struct guard_case *c, int partner,
                                        const struct target *target, const struct guard_answer *answer,
                                        struct guard_finding *out)
{
    bool manifest = str_eq(target->list, STR("manifest"));
    if (!guard_may_receive(guard, partner, answer->now_s, out))
        return GUARD_HOLD;
    if (target->last.len > 0) /* versions of an object: times */
        return check_plain(guard, c, answer, out);
    look_begin(guard, manifest ? LOOK_MANIFEST : LOOK_OBJECTS, (unsigned)partner, c, out);
    if (!look_body(guard, answer->body))
        return GUARD_HOLD;
    return look_end(guard);
}

/* An identity's own submissions come back to it: inbox, workspace. */
static enum guard_verdict pass_own(struct guard *guard)
{
    guard->counts.own++;
    return GUARD_PASS;
}

static enum guard_verdict check_collection(struct guard *guard, struct guard_case *c,
                                           const struct target *target, const struct guard_answer *answer,
                                           struct guard_finding *out)
{
    const struct rules_reader *reader = reader_of(guard, c);
    if (reader == NULL || c->long_target) {
        hold(out, GUARD_RULE_RECIPIENT, -1);
        return GUARD_HOLD;
    }
    struct str id = {reader->collection, sizeof reader->collection};
    bool release = str_eq(target->collection, STR("release")) ||
                   (reader->has_collection && str_same(target->collection, id));
    return release ? check_release(guard, c, reader->partner, target, answer, out) : pass_own(guard);
}

static enum guard_verdict check(struct guard *guard, struct guard_case *c, const struct guard_answer *answer,
                                struct guard_finding *out)
{
    struct str path = {c->path, c->path_len};
    struct target target;
    bool shown = answer->status == OK && answer->body.len > 0;
    look_begin(guard, LOOK_PLAIN, LIMIT_PARTNERS, c, out);
    if (!look_plain(guard, answer->headers))
        return GUARD_HOLD;
    if (answer->body.len == 0)
        return GUARD_PASS;
    bool urgent = str_eq(path, STR("/bongsu/v1/urgent/feed"));
    if ((urgent || str_eq(path, STR("/bongsu/v1/feed"))) && shown)
        return check_feed(guard, c, urgent, answer, out);
    bool fetch = str_eq(path, STR("/bongsu/v1/fetch"));
    if ((fetch || str_eq(path, STR("/bongsu/v1/reconcile"))) && shown)
        return check_compared(guard, c, fetch, answer, out);
    if (collection_target(path, &target) && c->reads && shown)
        return check_collection(guard, c, &target, answer, out);
    /* What became of a submission names what was submitted. */
    if (str_starts(path, STR("/api/status/")) || (collection_target(path, &target) && !c->reads))
        return pass_own(guard);
    return check_plain(guard, c, answer, out);
}

enum guard_verdict guard_conclude(struct guard *guard, enum guard_verdict verdict, struct bytes body,
                                  struct guard_finding *out)
{
    if (verdict == GUARD_PASS && guard->look.kind != LOOK_PLAIN) {
        guard->counts.pages++;
        guard->counts.objects += guard->look.item_count;
        guard->counts.named += guard->look.named;
        guard->counts.bytes += body.len;
    }
    if (verdict != GUARD_HOLD)
        return verdict;
    guard->counts.held++;
    if (hash_eq(&out->object, &(struct hash) {{0}}))
        out->object = hash_sha256(body);
    if (out->partner < 0 && guard->look.kind != LOOK_PLAIN)
        out->partner = (int)guard->look.partner;
    if (out->partner >= 0)
        guard->held[out->partner] = true;
    return verdict;
}

enum guard_verdict guard_check(struct guard *guard, struct guard_case *c, const struct guard_answer *answer,
                               struct guard_finding *out)
{
    *out = (struct guard_finding) {.partner = -1};
    bool first = c->asked_count == 0;
    guard->ask_count = 0;
    guard->counts.answers += first;
    return guard_conclude(guard, check(guard, c, answer, out), answer->body, out);
}

bool guard_plain(struct guard *guard, struct str text)
{
    struct guard_finding finding;
    look_begin(guard, LOOK_PLAIN, LIMIT_PARTNERS, &guard->nobody, &finding);
    guard->counts.answers++;
    return look_plain(guard, text);
}

/* --- questions --- */

size_t guard_ask_count(const struct guard *guard)
{
    return guard->ask_count;
}

struct guard_ask guard_ask_get(const struct guard *guard, size_t index)
{
    must(index < guard->ask_count);
    return (struct guard_ask) {
        guard->asks[index].partner,
        {(const char *)guard->look.ids.at + guard->asks[index].id_at, guard->asks[index].id_len},
        guard->asks[index].run};
}

static bool is_own(void *ctx, enum scan_role role, struct str id)
{
    struct str *own = ctx;
    /* Told by its place: where it lies is over after the call. */
    if (role == SCAN_OWN && own->at != NULL && str_eq(id, *own))
        own->at = NULL;
    return true;
}

static bool any_item(void *ctx, const struct scan_item *item)
{
    (void)ctx;
    (void)item;
    return true;
}

/* Is this the object that the leaf commits to, and `id` its own? */
static bool names_it(struct guard *guard, const struct guard_leaf *leaf, struct bytes object, struct str id)
{
    struct str wanted = id;
    struct scan_sink sink = {is_own, any_item, &wanted};
    struct hash hash = hash_sha256(object);
    return hash_eq(&hash, &leaf->content) && scan_json(object, false, &guard->scratch, &sink) &&
           wanted.at == NULL;
}

/* Of one leaf; false when the list makes no sense any more. */
static bool take_leaf(struct guard *guard, unsigned partner, struct str id, bool over, struct rd *rd)
{
    struct guard_leaf leaf;
    struct bytes leaf_bytes = rd_bytes(rd, GUARD_LEAF_SIZE);
    struct bytes opening = rd_bytes(rd, GUARD_OPENING_SIZE);
    struct bytes object = rd_blob(rd, LIMIT_OBJECT_BYTES);
    if (rd->err != ERR_OK)
        return false;
    if (!leaf_opens(leaf_bytes, opening, &leaf) || leaf.epoch != guard->rules.partners[partner].epoch ||
        !leaf_has_content(&leaf))
        return true;
    if (over || (object.len > 0 && names_it(guard, &leaf, object, id)))
        known_add(&guard->known, known_print_id(&guard->known, KNOWN_ID, partner, id));
    if (!over)
        known_add(&guard->known, known_print_content(&guard->known, partner, &leaf.content));
    return true;
}

void guard_evidence(struct guard *guard, unsigned partner, struct str id, enum guard_held held,
                    struct bytes leaves)
{
    struct rd rd = rd_of(leaves);
    if (partner >= LIMIT_PARTNERS || !scan_is_id(id))
        return;
    if (held == GUARD_NOTHING)
        known_add(&guard->known, known_print_id(&guard->known, KNOWN_HARMLESS, partner, id));
    if (held == GUARD_GIVEN)
        known_add(&guard->known, known_print_id(&guard->known, KNOWN_ID, partner, id));
    bool shown = held == GUARD_RELEASED || held == GUARD_OVER;
    while (shown && rd.left > 0 && take_leaf(guard, partner, id, held == GUARD_OVER, &rd))
        continue;
}
