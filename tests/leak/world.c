/* One world through a real gate on a virtual disk, operation by operation. */
#include "leak.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/disk.h"
#include "core/sign.h"
#include "gate/destroy.h"
#include "gate/recall.h"
#include "store/index.h"
#include "store/index_mem.h"

static const struct gate_by by_leak = {{"leak", 4}, {"because", 7}},
                            by_other = {{"other", 5}, {"because", 7}};
static const char *const peer_names[PARTNERS] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};
static const char *const tag_names[TAGS] = {"t0", "t1", "t2"};

void world_break(struct world *w, const char *format, ...)
{
    va_list args;
    if (w->broken)
        return;
    w->broken = true;
    va_start(args, format);
    (void)vsnprintf(w->what, sizeof w->what, format, args);
    va_end(args);
}

static void line(void *ctx, const struct diag_line *line)
{
    const struct world *w = ctx;
    if (w->verbose)
        (void)printf("# %s: %s (%s)\n", line->room, line->what, err_text(line->err));
}

static bool must_work(struct world *w, err_t err, const char *what)
{
    if (err != ERR_OK)
        world_break(w, "%s failed: %s", what, err_text(err));
    return err == ERR_OK;
}

static void open_gate(struct world *w)
{
    struct diag diag = {line, w};
    struct gate_setup setup = {
        .os = disk_os(w->disk), .dir = "node", .node_name = STR("kr"), .index = w->index, .diag = &diag};
    static struct diag kept;
    kept = diag;
    setup.diag = &kept;
    (void)must_work(w, gate_open(&setup, &w->gate), "opening the gate");
}

static void put_source(struct world *w, unsigned s)
{
    struct gate_source source = {.name = str_of(policy_sources[s]),
                                 .own = s == 0,
                                 .assume = (enum stix_tlp)w->assume[s],
                                 .assume_until_us = INT64_MAX};
    (void)must_work(w, gate_source_put(w->gate, &source, &by_leak, w->now_us, &w->source[s]), "a source");
}

static void start(struct world *w, unsigned p)
{
    if (w->started >> p & 1)
        return;
    if (must_work(w, gate_peer_set(w->gate, p, GATE_PEER_STARTED, true, &by_leak, w->now_us), "starting"))
        w->started |= 1u << p;
}

static void set_up(struct world *w)
{
    w->assume[0] = 1;
    w->assume[1] = 1;
    for (unsigned s = 0; s < LOCALS; s++)
        put_source(w, s);
    for (unsigned p = 0; p < w->plan->partners; p++) {
        unsigned index = 0;
        if (!must_work(w,
                       gate_peer_put(w->gate, str_of(peer_names[p]), str_of(peer_names[p]), STR("US"),
                                     bytes_of(NULL, 0), &by_leak, w->now_us, &index),
                       "a partner"))
            return;
        w->source[LOCALS + p] = gate_peer_get(w->gate, p)->source;
    }
    for (unsigned p = 0; p < w->plan->partners; p++)
        if (w->plan->started >> p & 1)
            start(w, p);
    (void)must_work(w, gate_commit(w->gate), "setting up");
}

/* --- the keeper --- */

static err_t sign_one(struct gate *gate, struct gate_sign_request *request, const struct sign_key *key,
                      int64_t now_us)
{
    struct str notes[16];
    struct buf texts[16], origin;
    struct note_key named;
    buf_init(&origin, 512);
    err_t err = ledger_origin_print(&request->origin, &origin);
    if (err == ERR_OK)
        err = note_key_make(buf_str(&origin), NOTE_SIGNATURE, &key->public, &named);
    for (size_t i = 0; i < request->count; i++) {
        struct checkpoint checkpoint = {.origin = buf_str(&origin),
                                        .size = request->at[i].size,
                                        .root = request->at[i].root,
                                        .extension = STR("")};
        buf_init(&texts[i], LIMIT_NOTE_BYTES);
        if (err == ERR_OK)
            err = checkpoint_sign(&checkpoint, &named, key, &texts[i]);
        notes[i] = buf_str(&texts[i]);
    }
    if (err == ERR_OK)
        err = gate_signed(gate, request, notes, now_us);
    if (err == ERR_OK)
        err = gate_commit(gate);
    for (size_t i = 0; i < request->count; i++)
        buf_deinit(&texts[i]);
    buf_deinit(&origin);
    return err;
}

static void sign_all(struct world *w)
{
    static struct gate_sign_request request;
    static const uint8_t seed[SIGN_SEED_SIZE] = {7};
    struct sign_key key = sign_key_from_seed(seed);
    for (unsigned p = 0; p < w->plan->partners && !w->broken; p++)
        while (!w->broken && gate_sign_next(w->gate, p, &request))
            (void)must_work(w, sign_one(w->gate, &request, &key, w->now_us), "signing");
}

/* --- operations --- */

static void settled(struct world *w)
{
    enum { UNTILS_HOURS = 310 };
    watch(w, true);
    back_look(w);
    if (w->calm_us == INT64_MAX && w->now_us > START + UNTILS_HOURS * 3600 * SECOND)
        w->calm_us = w->now_us;
}

static void step(struct world *w, int most)
{
    enum { SPINS = 20000 };
    bool more = true;
    int64_t next;
    int done = 0;
    while (more && !w->broken && (most == 0 || done < most)) {
        w->now_us += 1000;
        if (!must_work(w, gate_step(w->gate, w->now_us, &more, &next), "a step") ||
            !must_work(w, gate_commit(w->gate), "a commit"))
            return;
        if (w->looks_back)
            back_begin(w);
        w->looks_back = false;
        sign_all(w);
        watch(w, false);
        if (++done == SPINS)
            world_break(w, "it never settles");
    }
    if (most == 0 && !w->broken)
        settled(w);
}

struct taken {
    enum gate_disposition disposition;
    uint64_t lsn;
    char why[256];
};

static void answer(void *ctx, const struct gate_answer *answer)
{
    struct taken *taken = ctx;
    taken->disposition = answer->disposition;
    taken->lsn = answer->lsn;
    (void)snprintf(taken->why, sizeof taken->why, "%s", answer->fault == NULL ? "" : answer->fault->what);
}

static void say(struct world *w, int number, unsigned source)
{
    const struct saying *saying = &w->plan->sayings[number];
    if (w->recalled[saying->thing]) /* the same is not taken in again */
        return;
    struct gate_submission submission = {.source = w->source[source]};
    struct taken taken = {GATE_REFUSED, 0, ""};
    struct fault fault = {0};
    err_t err = gate_accept(w->gate, &submission, bytes_of(saying->text, saying->len), w->now_us, answer,
                            &taken, &fault);
    if (!must_work(w, err, "taking in") || !must_work(w, gate_commit(w->gate), "a commit"))
        return;
    if (taken.disposition == GATE_REFUSED) {
        world_break(w, "refused what is right: %s\n%s", taken.why, saying->text);
        return;
    }
    if (w->verbose)
        (void)printf("%s, lsn %llu\n", gate_disposition_word(taken.disposition),
                     (unsigned long long)taken.lsn);
    if (taken.disposition == GATE_DUPLICATE || w->copy_count == COPIES)
        return;
    w->copies[w->copy_count++] = (struct kept) {.saying = number,
                                                .source = source,
                                                .lsn = taken.lsn,
                                                .received_us = w->now_us,
                                                .assertion = taken.disposition == GATE_ASSERTION,
                                                .quarantined = taken.disposition == GATE_CONFLICT,
                                                .seen = taken.disposition == GATE_SEEN};
}

static struct stix_key key_of(const struct world *w, int thing)
{
    struct stix_key key;
    must(stix_id_parse(str_of(w->plan->things[thing].id), &key));
    return key;
}

static void activate(struct world *w, int number, bool unbound)
{
    struct policy_fault fault = {0};
    struct buf text;
    buf_init(&text, 1 << 16);
    policy_write(&w->plan->policies[number], w->plan->partners, unbound, &text);
    err_t err = gate_policy_activate(w->gate, buf_str(&text), &by_leak, w->now_us, &fault);
    if (err != ERR_OK)
        world_break(w, "a policy was refused: line %u: %s\n%.*s", fault.line, fault.what, (int)text.len,
                    (const char *)text.at);
    w->policy = number;
    w->unbound = unbound;
    w->policies++;
    w->policy_us = w->now_us;
    buf_deinit(&text);
    w->looks_back = must_work(w, gate_commit(w->gate), "a policy");
    back_begin(w);
    w->looks_back = true;
}

static void unbind(struct world *w)
{
    if (w->policy >= 0 && w->plan->policies[w->policy].budget.partners != 0)
        activate(w, w->policy, true);
}

/* For some readers alone: partners one by one (a bit each), or a list of nations and communities. */
static void classify_for(struct world *w, int thing, int tlp, int whom)
{
    struct stix_key key = key_of(w, thing);
    const char *const *names = NULL;
    struct str texts[4];
    int lists = (int)marks_list_count(), list = whom < lists ? whom : 0;
    size_t count = marks_list(list, &names);
    uint32_t partners = list > 0 ? UINT32_MAX : (uint32_t)whom;
    for (size_t i = 0; i < count; i++)
        texts[i] = str_of(names[i]);
    err_t err =
        gate_marking_rel_to(w->gate, &key, (enum stix_tlp)tlp, partners == UINT32_MAX ? UINT64_MAX : partners,
                            (struct policy_list) {texts, count}, &by_leak, w->now_us);
    if (err == ERR_NOTFOUND || !must_work(w, err, "classifying for some"))
        return;
    w->classified[thing] = tlp;
    w->granted[thing] = partners;
    w->rel_to[thing] = list;
}

static void classify(struct world *w, int thing, int tlp, uint32_t partners)
{
    struct stix_key key = key_of(w, thing);
    err_t err = partners == 0
                    ? gate_marking_classify(w->gate, &key, (enum stix_tlp)tlp, &by_leak, w->now_us)
                    : gate_marking_grant(w->gate, &key, (enum stix_tlp)tlp, partners, &by_leak, w->now_us);
    if (err == ERR_NOTFOUND || !must_work(w, err, "classifying"))
        return;
    w->classified[thing] = tlp;
    w->granted[thing] = partners == 0 ? UINT32_MAX : partners;
    w->rel_to[thing] = 0;
}

static void tag(struct world *w, int thing, int number, bool add)
{
    struct stix_key key = key_of(w, thing);
    err_t err = gate_tag(w->gate, &key, str_of(tag_names[number]), add, &by_leak, w->now_us);
    if (err == ERR_NOTFOUND || !must_work(w, err, "tagging"))
        return;
    w->tagged[thing][number] = add;
    w->settled_us[thing] = w->now_us;
}

/* Which rule of the policy the gate says asks: -1 none does. An operator reads it too. */
static bool find_asking(struct world *w, const struct stix_key *key, int partner, int *out)
{
    struct gate_asked asked;
    uint64_t number;
    *out = -1;
    err_t err = gate_asked(w->gate, key, (unsigned)partner, w->now_us, &asked);
    if (err != ERR_OK || asked.rule.len == 0)
        return err == ERR_NOTFOUND || must_work(w, err, "asking what asks");
    if (str_eq(asked.rule, STR("built-in.duties"))) {
        *out = ANSWERS_DUTIES;
        return true;
    }
    struct str digits = {asked.rule.at + 1, asked.rule.len - 1};
    bool known = str_to_u64(digits, RULES - 1, &number) && number < w->plan->policies[w->policy].rule_count &&
                 w->plan->policies[w->policy].rule[number].effect != EFFECT_DENY;
    *out = known ? (int)number : -1;
    return must_work(w, known ? ERR_OK : ERR_CORRUPT, "a rule that asks, and is none that does");
}

static void note_answer(struct world *w, struct kept *about, int rule, int operator, uint32_t bit)
{
    size_t i = 0;
    while (i < about->answer_count && (about->answer[i].policy != w->policy || about->answer[i].rule != rule))
        i++;
    must(i < ANSWERS);
    if (i == about->answer_count)
        about->answer[about->answer_count++] = (struct answer) {.policy = w->policy, .rule = rule};
    about->answer[i].by[operator] |= bit;
}

/* False: no rule asked. */
static bool approve(struct world *w, int thing, int partner, int word, int operator)
{
    struct stix_key key = key_of(w, thing);
    struct kept *about = NULL;
    int rule = -1;
    if (word == GATE_APPROVE && !find_asking(w, &key, partner, &rule))
        return false;
    err_t err = gate_approve(w->gate, &key, (unsigned)partner, (enum gate_approval)word,
                             0, operator== 0 ? &by_leak : & by_other, w->now_us);
    if (err == ERR_NOTFOUND || !must_work(w, err, "approving"))
        return false;
    for (size_t i = 0; i < w->copy_count; i++) {
        struct kept *copy = &w->copies[i];
        const struct saying *saying = &w->plan->sayings[copy->saying];
        if (saying->thing != thing || copy->assertion || copy->quarantined || copy->seen)
            continue;
        int order = about == NULL ? 1 : saying->version - w->plan->sayings[about->saying].version;
        if (order > 0 || (order == 0 && copy->lsn > about->lsn))
            about = copy;
    }
    must(about != NULL);
    uint32_t bit = 1u << partner;
    for (int i = 0; i < OPERATORS; i++) {
        if (word == GATE_APPROVE && (about->denied & bit) == 0)
            continue;
        about->approved[i] &= ~bit;
        for (size_t k = 0; k < about->answer_count; k++)
            about->answer[k].by[i] &= ~bit;
    }
    if (word == GATE_APPROVE && rule != -1)
        note_answer(w, about, rule, operator, bit);
    else if (word == GATE_APPROVE)
        about->approved[operator] |= bit;
    about->denied = (about->denied & ~bit) | (word == GATE_DENY ? bit : 0);
    return rule != -1;
}

/* Everything for one partner, by so many. */
static void approve_all(struct world *w, int partner, int operators)
{
    for (int thing = 0; thing < w->plan->thing_count && !w->broken; thing++)
        for (int round = 0, asked = true; asked && round <= RULES; round++) {
            asked = false;
            for (int operator= 0; operator<operators; operator++)
                asked |= approve(w, thing, partner, GATE_APPROVE, operator);
        }
}

static void stop(struct world *w, int kind, int partner, bool on)
{
    static const enum gate_stop_kind kinds[] = {GATE_STOP_ALL, GATE_STOP_PARTNER, GATE_STOP_SOURCE};
    int source = partner % LOCALS;
    const char *name = kind == 0 ? "" : kind == 1 ? peer_names[partner] : policy_sources[source];
    err_t err = gate_stop(w->gate, kinds[kind], str_of(name), on, &by_leak, w->now_us);
    if (err == ERR_NOTFOUND || !must_work(w, err, "a stop"))
        return;
    if (kind == 0)
        w->stop_all = on;
    else if (kind == 1)
        w->stop_partner[partner] = on;
    else
        w->stop_source[source] = on;
}

/* What is suspended is looked at as though it were there: it lets nothing go any more. */
static void step_suspended(struct world *w)
{
    bool more = true;
    int64_t next;
    while (more && !w->broken) {
        w->now_us += 1000;
        if (!must_work(w, gate_step(w->gate, w->now_us, &more, &next), "a step") ||
            !must_work(w, gate_commit(w->gate), "a commit"))
            return;
        sign_all(w);
        watch(w, false);
    }
}

/* Every copy of it goes, from everybody. */
static void recall(struct world *w, int thing)
{
    uint64_t lsns[COPIES];
    size_t count = 0, left = 0;
    struct gate_recalled told;
    bool did = true;
    for (size_t i = 0; i < w->copy_count; i++)
        if (w->plan->sayings[w->copies[i].saying].thing == thing && !w->copies[i].seen)
            lsns[count++] = w->copies[i].lsn;
    if (count == 0 || w->policy < 0)
        return;
    step(w, 0);
    if (w->broken)
        return;
    gate_recall_budget(w->gate, LIMIT_SPILLS);
    if (!must_work(w,
                   gate_recall(w->gate, lsns, count, w->now_us + SECOND, &by_leak, false, w->now_us, &told),
                   "a recall"))
        return;
    w->recalled[thing] = true;
    step_suspended(w);
    while (did && !w->broken)
        (void)must_work(w, gate_recall_step(w->gate, w->now_us, &did), "destroying");
    for (size_t i = 0; i < w->copy_count; i++)
        if (w->plan->sayings[w->copies[i].saying].thing != thing)
            w->copies[left++] = w->copies[i];
    w->copy_count = left;
    for (size_t i = 0; i < count && !w->broken; i++)
        if (!gate_is_destroyed(w->gate, lsns[i]))
            world_break(w, "what was called back is not destroyed");
}

static void restart(struct world *w, int how)
{
    gate_close(w->gate);
    w->gate = NULL;
    disk_crash(w->disk);
    size_t held = index_mem_states(w->index);
    if (how > 0 && held > 0)
        (void)must_work(w, index_mem_rollback(w->index, how == 1 ? 0 : held / 2), "an older index");
    open_gate(w);
}

static void do_op(struct world *w, const struct op *op)
{
    switch (op->kind) {
    case OP_SAY:
        say(w, op->a, (unsigned)op->b);
        break;
    case OP_STEP:
        step(w, op->a);
        break;
    case OP_RECALL:
        recall(w, op->a);
        break;
    case OP_SETTLE:
        step(w, 0);
        break;
    case OP_POLICY:
        activate(w, op->a, false);
        break;
    case OP_CLASSIFY:
        classify(w, op->a, op->b, (uint32_t)op->c);
        break;
    case OP_TAG:
        tag(w, op->a, op->b, op->c != 0);
        break;
    case OP_APPROVE:
        (void)approve(w, op->a, op->b, op->c % 3, op->c / 3);
        break;
    case OP_STOP:
        stop(w, op->a, op->b, op->c != 0);
        break;
    case OP_TIME:
        w->now_us += op->a * SECOND;
        disk_time_set(w->disk, w->now_us);
        break;
    case OP_RESTART:
        restart(w, op->a);
        break;
    case OP_START:
        start(w, (unsigned)op->a);
        break;
    case OP_ASSUME:
        w->assume[op->a] = op->b;
        put_source(w, (unsigned)op->a);
        break;
    case OP_NAME:
        classify_for(w, op->a, op->b, op->c);
        break;
    case OP_UNBIND:
        unbind(w);
        break;
    case OP_RELEASE:
        approve_all(w, op->a, op->b);
        break;
    default:
        (void)must_work(w, gate_merge(w->gate, true), "merging");
        break;
    }
}

static void tell_op(const struct plan *plan, const struct op *op)
{
    static const char *const words[OP_KINDS] = {"say",     "step", "settle", "policy",  "classify", "tag",
                                                "approve", "stop", "time",   "restart", "start",    "assume",
                                                "merge",   "name", "unbind", "release", "recall"};
    (void)printf("%s %d %d %d", words[op->kind], op->a, op->b, op->c);
    if (op->kind == OP_SAY)
        (void)printf("  %s", plan->sayings[op->a].text);
    else if (op->kind == OP_CLASSIFY || op->kind == OP_NAME || op->kind == OP_TAG || op->kind == OP_APPROVE ||
             op->kind == OP_RECALL)
        (void)printf("  %s", plan->things[op->a].id);
    (void)putchar('\n');
}

void world_tell(const struct plan *plan)
{
    for (int i = 0; i < plan->op_count; i++)
        if (!plan->ops[i].off)
            tell_op(plan, &plan->ops[i]);
}

bool world_run(struct world *w, struct plan *plan, bool verbose)
{
    *w = (struct world) {
        .plan = plan, .policy = -1, .now_us = START, .verbose = verbose, .calm_us = INT64_MAX};
    w->disk = disk_new(plan->seed);
    disk_time_set(w->disk, w->now_us);
    must(index_mem_new(&w->index) == ERR_OK);
    open_gate(w);
    if (!w->broken)
        set_up(w);
    for (int i = 0; i < plan->op_count && !w->broken; i++) {
        const struct op *op = &plan->ops[i];
        if (op->off)
            continue;
        if (verbose)
            tell_op(plan, op);
        w->now_us += 1000;
        bool happens = op->kind != OP_STEP && op->kind != OP_SETTLE && op->kind != OP_TIME &&
                       op->kind != OP_RESTART && op->kind != OP_MERGE;
        if (happens)
            w->calm_us = INT64_MAX;
        do_op(w, op);
        if (!w->broken && w->gate != NULL && op->kind != OP_SAY)
            (void)must_work(w, gate_commit(w->gate), "a commit");
    }
    if (w->gate != NULL)
        gate_close(w->gate);
    w->index->ops->close(w->index);
    disk_free(w->disk);
    watch_free(w);
    return !w->broken;
}
