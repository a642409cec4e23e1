/* Retention: runs that destroy what was kept long enough, orders to keep, clocks that jumped and operators
 * who confirm them, or do not (docs/guide/retention.md). What must go, what may and what has to stay is
 * worked out from what was refused, from what was said on which day, and from the runs; that it went is seen
 * in the log itself, by its secrets. How far a clock is believed is worked out here too: the oracle lets go
 * by it. */
#include "gate/legal.h"
#include "gate/retention.h"
#include "gate/words.h"

#include <stdlib.h>

#include "store/store.h"
#include "world.h"

#define DAY_US   (24 * 60 * MINUTE_US)
#define EVERY_US (4 * MINUTE_US) /* an hour, of a node that serves */

enum { SAID_MAX = 1024, RUNS_MAX = 1024, PAGES_MAX = 64, NAMELESS = UINT16_MAX };

static const struct gate_by by_operator = {{"operator", 8}, {"looked at the clock", 19}};

static void *zeroed(size_t count, size_t size)
{
    void *at = calloc(count, size);
    must(at != NULL);
    return at;
}

void keep_init(struct node *node)
{
    struct keeping *k = &node->keeping;
    struct draw draw = draw_of(node->world->options.seed, 31, node->number);
    if (!world_has(node->world, WITH_RETENTION))
        return;
    k->quarantine_days = 1 + draw_below(&draw, 2);
    k->evidence_days = draw_below(&draw, 3); /* 0: nobody stated an end */
    k->next_us = WORLD_START + (int64_t)draw_below(&draw, 20) * MINUTE_US;
    k->confirms = draw_chance(&draw, 500);
    k->said = zeroed(SAID_MAX, sizeof *k->said);
    k->runs = zeroed(RUNS_MAX, sizeof *k->runs);
    k->closed = zeroed(SAID_MAX, sizeof *k->closed);
}

void keep_deinit(struct node *node)
{
    free(node->keeping.said);
    free(node->keeping.runs);
    free(node->keeping.closed);
}

/* --- the clock --- */

static int64_t apart(const struct keeping *k, int64_t now_us)
{
    return k->run_us == 0 ? 0 : now_us - k->run_us;
}

struct moment keep_moment(const struct node *node)
{
    int64_t now_us = node_now(node), ahead = apart(&node->keeping, now_us) - DAY_US;
    return (struct moment) {now_us, ahead > 0 ? now_us - ahead : now_us};
}

static bool is_believed(const struct node *node)
{
    int64_t off = apart(&node->keeping, node_now(node));
    return off <= DAY_US && off >= -DAY_US;
}

void keep_learn(struct node *node)
{
    struct keeping *k = &node->keeping;
    struct gate_kept kept;
    if (!world_has(node->world, WITH_RETENTION) || node_stands_still(node))
        return; /* whose last words are not durable */
    must(gate_kept_get(node->gate, &kept) == ERR_OK);
    if (kept.run_us != k->run_us && kept.run_us != k->tried_us)
        world_break(node->world, "%s forgot when it last forgot anything: %lld, and it was %lld", node->name,
                    (long long)kept.run_us, (long long)k->run_us);
    k->run_us = kept.run_us;
    k->tried_us = kept.run_us;
}

/* It is about to decide. What it decides may be seen later, by another clock. */
void keep_step(struct node *node)
{
    struct keeping *k = &node->keeping;
    struct moment now = keep_moment(node);
    if (!world_is_timed(node->world))
        return;
    if (k->moment_count > 0 && k->moments[k->moment_count - 1].now_us == now.now_us &&
        k->moments[k->moment_count - 1].believed_us == now.believed_us)
        return;
    must(k->moment_count < MOMENTS_MAX);
    k->moments[k->moment_count++] = now;
}

/* --- operators --- */

void keep_draw(const struct node *node, struct draw *draw, bool *out_order, bool *out_confirm)
{
    unsigned what = draw_below(draw, 1000);
    *out_order = what < 80;
    *out_confirm = what >= 850 && node_is_up(node) && !is_believed(node);
}

err_t keep_order(struct node *node, uint16_t target, bool on, const struct gate_by *by)
{
    struct stix_key key = thing_key(target);
    err_t err = gate_legal_put(node->gate, &key, on, by, node_now(node));
    return err == ERR_EXISTS || err == ERR_NOTFOUND ? ERR_OK : err; /* before a crash, perhaps */
}

void keep_ordered(struct node *node, uint16_t target, bool on)
{
    node->keeping.ordered[target] = on;
}

err_t keep_confirm(struct node *node)
{
    struct keeping *k = &node->keeping;
    if (is_believed(node))
        return ERR_NOTFOUND; /* nothing is to be confirmed */
    k->tried_us = node_now(node);
    k->next_us = node->world->now_us;
    return gate_clock_confirm(node->gate, &by_operator, node_now(node));
}

bool keep_finish(struct node *node)
{
    if (!world_has(node->world, WITH_RETENTION) || !node->keeping.confirms || is_believed(node))
        return true;
    world_say(node->world, "%s: its operator believes the clock", node->name);
    err_t err = keep_confirm(node);
    if (err == ERR_OK)
        err = node_commit(node);
    return !node_failed(node, err, "confirming the clock");
}

/* --- what was said, and what was closed --- */

static uint64_t durable(const struct node *node)
{
    struct gate_counts counts;
    gate_counts(node->gate, &counts);
    return counts.durable_lsn;
}

static int64_t day_of(int64_t now_us)
{
    return now_us - now_us % DAY_US;
}

/* Words about `target` may stand in the log from now on, under the day's secret; `sure`: they do. */
static void note_said(struct node *node, uint16_t target, bool sure)
{
    struct keeping *k = &node->keeping;
    must(k->said_count < SAID_MAX);
    k->said[k->said_count++] = (struct said) {target, day_of(node_now(node)), sure ? durable(node) : 0, sure};
}

void keep_says(struct node *node, uint16_t target)
{
    if (world_has(node->world, WITH_RETENTION))
        note_said(node, target, false);
}

void keep_said(struct node *node, uint16_t target, uint64_t before)
{
    if (world_has(node->world, WITH_RETENTION) && durable(node) > before)
        note_said(node, target, true);
}

void keep_closes(struct node *node, uint64_t entry, bool sure)
{
    struct keeping *k = &node->keeping;
    if (!world_has(node->world, WITH_RETENTION))
        return;
    note_said(node, NAMELESS, false);
    must(k->closed_count < SAID_MAX);
    k->closed[k->closed_count++] = (struct closed) {entry, durable(node), sure};
}

/* --- runs --- */

static err_t purge(struct node *node)
{
    return gate_purge_due(node->gate) ? gate_purge(node->gate, NULL, node_now(node)) : ERR_OK;
}

/* What it says that it destroyed is gone, and not found again by the next page. */
static err_t forget_words(struct node *node, struct gate_forgotten *out)
{
    unsigned days = node->keeping.evidence_days;
    size_t gone = days != 0;
    err_t err = ERR_OK;
    for (unsigned page = 0; err == ERR_OK && gone > 0 && !node->world->broken; page++) {
        if (page == PAGES_MAX)
            world_break(node->world, "%s never comes to an end with forgetting", node->name);
        if (TRY(err, gate_retain_words(node->gate, days, node_now(node), &gone)))
            break;
        out->words += gone;
        err = purge(node);
    }
    return err;
}

static err_t forget(struct node *node, struct gate_forgotten *out)
{
    uint64_t cursor = 0;
    size_t gone;
    err_t err = ERR_OK;
    while (err == ERR_OK && cursor != UINT64_MAX) {
        unsigned days = node->keeping.quarantine_days;
        if (TRY(err, gate_retain(node->gate, days, node_now(node), &cursor, &gone)))
            break;
        out->quarantined += gone;
        err = purge(node);
    }
    return err == ERR_OK ? forget_words(node, out) : err;
}

/* The gate refuses by itself to destroy anything by a clock that nobody confirmed. */
static err_t refused(struct node *node, bool by_right)
{
    if (!by_right)
        world_break(node->world, "%s destroys nothing, and its clock is right", node->name);
    return ERR_OK;
}

static err_t run(struct node *node)
{
    struct keeping *k = &node->keeping;
    struct gate_forgotten gone = {0};
    bool first = k->run_us == 0, believed = is_believed(node);
    err_t err = ERR_OK;
    must(k->run_count < RUNS_MAX);
    struct kept_run *this = &k->runs[k->run_count++];
    *this = (struct kept_run) {.at_us = node_now(node), .lsn = durable(node)};
    memcpy(this->ordered, k->ordered, sizeof this->ordered);
    if (!first)
        err = forget(node, &gone);
    if (err == ERR_DENIED)
        return refused(node, !believed);
    if (err == ERR_OK && !believed)
        world_break(node->world, "%s forgets by a clock that nobody believes", node->name);
    if (err != ERR_OK)
        return err;
    int64_t now = node_now(node);
    k->tried_us = now > k->run_us ? now : k->run_us;
    if (TRY(err, gate_retained(node->gate, &gone, now)) || TRY(err, node_commit(node)))
        return err;
    keep_learn(node);
    this->done = !first;
    if (gone.quarantined + gone.words > 0)
        world_say(node->world, "%s: %llu entries are forgotten, and the words of %llu days", node->name,
                  (unsigned long long)gone.quarantined, (unsigned long long)gone.words);
    node->world->counts.forgotten += gone.quarantined + gone.words;
    return ERR_OK;
}

bool keep_turn(struct node *node)
{
    struct keeping *k = &node->keeping;
    if (!world_has(node->world, WITH_RETENTION) || node->world->now_us < k->next_us)
        return true;
    keep_learn(node);
    k->next_us = node->world->now_us + EVERY_US;
    (void)memory_of(node);
    err_t err = run(node);
    (void)memory_of(NULL);
    if (err == ERR_BUSY) { /* once more, and from the beginning */
        k->next_us = node->world->now_us + SECOND_US;
        return true;
    }
    return !node_failed(node, err, "forgetting") && !node->world->broken;
}

/* --- at the end: what is gone, and what is not --- */

struct day {
    uint64_t lsn;
    int64_t from_us;
    bool open;
};

enum { DAYS_MAX = 512 };

struct looking {
    struct node *node;
    struct day days[DAYS_MAX];
    size_t day_count;
};

static bool any_order(const struct kept_run *run)
{
    for (size_t t = 0; t < THING_TARGETS; t++)
        if (run->ordered[t])
            return true;
    return false;
}

static bool is_kept(const struct kept_run *run, const struct said *said)
{
    return said->target == NAMELESS ? any_order(run) : run->ordered[said->target];
}

/* The secret under which that was sealed, which stands in the log by then: the last one of all. */
static const struct day *sealed_under(const struct looking *looking, const struct said *said)
{
    const struct day *found = NULL;
    for (size_t d = 0; d < looking->day_count; d++)
        if (looking->days[d].lsn < said->lsn)
            found = &looking->days[d];
    return found;
}

/* Does an order that stood at that run keep this day: surely, or perhaps? */
static bool is_held(const struct looking *looking, const struct kept_run *run, const struct day *day,
                    bool surely)
{
    const struct keeping *k = &looking->node->keeping;
    for (size_t i = 0; i < k->said_count; i++) {
        const struct said *said = &k->said[i];
        bool here = surely ? said->sure && said->lsn <= run->lsn && sealed_under(looking, said) == day
                           : said->day_us == day->from_us;
        if (here && is_kept(run, said))
            return true;
    }
    return false;
}

static void check_day(const struct looking *looking, const struct day *day)
{
    const struct keeping *k = &looking->node->keeping;
    bool had_to = false, could = false;
    for (size_t r = 0; r < k->run_count; r++) {
        const struct kept_run *run = &k->runs[r];
        if (k->evidence_days == 0 || day->lsn >= run->lsn ||
            run->at_us - day->from_us <= DAY_US + (int64_t)k->evidence_days * DAY_US)
            continue;
        had_to |= run->done && !is_held(looking, run, day, false);
        could |= !is_held(looking, run, day, true);
    }
    if (day->open ? had_to : !could)
        world_break(looking->node->world, "%s %s the words of a day (secret at lsn %llu)",
                    looking->node->name, day->open ? "never forgot" : "forgot, though it had to keep,",
                    (unsigned long long)day->lsn);
}

static bool is_closed(const struct keeping *k, uint64_t entry, const struct kept_run *run, bool surely)
{
    for (size_t i = 0; i < k->closed_count; i++)
        if (k->closed[i].entry == entry && (!surely || (k->closed[i].sure && k->closed[i].lsn <= run->lsn)))
            return true;
    return false;
}

/* Refused input. Conflicting copies stay. */
static void check_refused(const struct looking *looking, const struct frame *frame, bool open)
{
    const struct keeping *k = &looking->node->keeping;
    struct record_envelope envelope;
    bool had_to = false, could = false;
    must(record_envelope_read(frame->envelope, &envelope) == ERR_OK);
    for (size_t r = 0; r < k->run_count && envelope.reason == RECORD_QUARANTINE_REFUSED; r++) {
        const struct kept_run *run = &k->runs[r];
        if (frame->lsn >= run->lsn)
            continue;
        bool over = run->at_us - envelope.received_us > (int64_t)k->quarantine_days * DAY_US;
        had_to |= run->done && (over || is_closed(k, frame->lsn, run, true));
        could |= over || is_closed(k, frame->lsn, run, false);
    }
    if (open ? had_to : !could)
        world_break(looking->node->world, "%s %s what it refused (lsn %llu)", looking->node->name,
                    open ? "never forgot" : "forgot, though it had to keep,", (unsigned long long)frame->lsn);
}

static void look_frame(struct looking *looking, struct log *log, const struct frame *frame)
{
    struct record_secret record;
    struct seal_secret secret;
    bool keyed = frame->kind == FRAME_SECRET;
    if (!keyed && !frame_kind_sealed(frame->kind))
        return;
    bool open = store_secret(log->store, frame->slot, &secret) == ERR_OK;
    if (keyed && record_secret_read(frame->envelope, &record) == ERR_OK &&
        record.purpose == RECORD_SECRET_WORDS) {
        must(looking->day_count < DAYS_MAX);
        looking->days[looking->day_count++] = (struct day) {frame->lsn, record.from_us, open};
    } else if (frame->kind == FRAME_QUAR) {
        check_refused(looking, frame, open);
    } else if (!open) {
        world_break(looking->node->world, "%s destroyed what nobody wants gone (lsn %llu)",
                    looking->node->name, (unsigned long long)frame->lsn);
    }
}

void keep_settled(struct node *node)
{
    static struct looking looking;
    struct frame frame;
    struct log log;
    if (!world_has(node->world, WITH_RETENTION) || log_open(node, &log) != ERR_OK)
        return;
    looking.node = node;
    looking.day_count = 0;
    struct store_iter iter = store_iter(log.store, LSN_FIRST, store_durable_lsn(log.store));
    while (!node->world->broken && store_iter_next(&iter, &frame) == ERR_OK)
        look_frame(&looking, &log, &frame);
    for (size_t d = 0; d < looking.day_count && !node->world->broken; d++)
        check_day(&looking, &looking.days[d]);
    log_close(&log);
}
