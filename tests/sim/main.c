/* bongsu-sim: runs seeds, each in a process of its own, some at a time. Prints "N passed, N failed, N
 * skipped": one a seed, and one a planted bug.
 *
 *     bongsu-sim --seeds N [--first N] [--jobs N]     that many lives, and every planted bug
 *     bongsu-sim --seed N [-v]             one life, told step by step with -v
 *     bongsu-sim --twins ...               every life twice, not each fourth
 *     bongsu-sim --duties ...              every life with duties and hidden parts, not each fourth
 *     bongsu-sim --with WORD ...           every life with recalls, ... (WITH_LIST)
 *     bongsu-sim --sweep [--first N]       a short life of that seed, in which each call of a disk fails
 *     bongsu-sim --sweep-memory STEP ...   ...in which each STEP-th allocation fails
 *     bongsu-sim --bug NAME [--seeds N]    how often that bug is found */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sign.h"
#include "world.h"

enum { NOT_STRUCK = 5 }; /* exit code of a life of a sweep in which nothing failed */
enum { TWINS_EVERY = 4, DUTIES_EVERY = 8, WITH_EVERY = 64, BUG_SEEDS = 120, JOBS = 2, JOBS_MAX = 64 };

static const struct {
    const char *name, *text;
} bugs[] = {[BUG_NONE] = {"", ""},
#define X(name, word, text) [BUG_##name] = {word, text},
            BUG_LIST(X)
#undef X
#define X(name, word, text) [BUG_GATE_##name] = {word, text},
                GATE_BUG_LIST(X)
#undef X
};

static const struct {
    const char *name;
    uint64_t seeds; /* bit: seed % WITH_EVERY */
} withs[] = {
#define X(name, word, seeds) {word, seeds},
    WITH_LIST(X)
#undef X
};

/* Bugs that only such a life can meet. */
static const unsigned bug_with[BUGS] = {[BUG_FORGETS_ONE] = WITH_RECALLS,
                                        [BUG_SAYS_DONE] = WITH_RECALLS,
                                        [BUG_FORGETS_RECALL] = WITH_RECALLS,
                                        [BUG_TAKES_AGAIN] = WITH_RECALLS,
                                        [BUG_CALLED_BACK] = WITH_RECALLS,
                                        [BUG_OVERTAKEN] = WITH_RECALLS,
                                        [BUG_UNTOLD] = WITH_RECALLS,
                                        [BUG_NO_FLOOR] = WITH_RESTORES,
                                        [BUG_NO_HALT] = WITH_RESTORES,
                                        [BUG_ANY_EPOCH] = WITH_RESTORES,
                                        [BUG_UNHEARD] = WITH_DISKS,
                                        [BUG_TIME_AGAIN] = WITH_CLOCKS,
                                        [BUG_THIRD_PARTNER] = WITH_NODES,
                                        [BUG_NO_ROOM] = WITH_MEMORY,
                                        [BUG_SECOND_PAST] = WITH_LIARS,
                                        [BUG_ANY_SIGNATURE] = WITH_LIARS,
                                        [BUG_ANY_OPENING] = WITH_LIARS,
                                        [BUG_NO_ALARM] = WITH_LIARS,
                                        [BUG_ANY_RECEIPT] = WITH_LIARS,
                                        [BUG_OLD_KEY] = WITH_THIEVES,
                                        [BUG_MADE_ALIKE] = WITH_COLLUDERS,
                                        [BUG_OTHERS_DATE] = WITH_COLLUDERS,
                                        [BUG_TIME_FLIES] = WITH_RETENTION | WITH_CLOCKS,
                                        [BUG_STAYS_UNSURE] = WITH_RETENTION,
                                        [BUG_NO_ORDER] = WITH_RETENTION,
                                        [BUG_FORGETS_LESS] = WITH_RETENTION,
                                        [BUG_ANY_VOUCHER] = WITH_VOUCHERS,
                                        [BUG_NO_VOUCHER] = WITH_VOUCHERS,
                                        [BUG_UNBOUND] = WITH_VOUCHERS};

static unsigned with_of(uint64_t seed, enum bug bug)
{
    unsigned with = bug_with[bug];
    for (unsigned b = 0; b < WITH_BITS && with == 0; b++)
        with |= (unsigned)(withs[b].seeds >> seed % WITH_EVERY & 1) << b;
    return with;
}

struct arguments {
    uint64_t first, seeds, jobs;
    uint64_t memory_step; /* of a sweep of allocations; 0: of disk calls */
    bool one, verbose, twins, duties, sweep;
    unsigned with;
    enum bug bug;
};

static uint64_t running; /* for the handler of a failed assertion */

static void aborted(int number)
{
    char text[80];
    int len = snprintf(text, sizeof text, "seed (or call) %llu: %s\n", (unsigned long long)running,
                       number == SIGABRT ? "an assertion failed" : "a signal ended it");
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(4);
    _exit(3);
}

/* Where two transcripts part. */
static void compare(struct world *one, const struct world *two)
{
    for (unsigned p = 1; p < one->node_count; p++) {
        if (world_has(one, WITH_COLLUDERS) && p == THIRD)
            continue; /* who got more */
        const struct transcript *a = &one->transcript[p], *b = &two->transcript[p];
        size_t at = 0;
        while (at < a->count && at < b->count && a->at[at].digest == b->at[at].digest)
            at++;
        if (at < a->count || at < b->count)
            world_break(one, "twins: what %s tells %s depends on what it withholds: message %zu at %.6f",
                        "kr", one->nodes[p].name, at,
                        at < a->count ? (double)(a->at[at].at_us - WORLD_START) / 1e6 : -1.0);
    }
}

/* Whatever a life took it gave back. */
static bool gave_back(size_t before, char what[BROKEN_SIZE])
{
    size_t after = memory_outstanding();
    if (after != before)
        (void)snprintf(what, BROKEN_SIZE, "%zu blocks of memory were never given back", after - before);
    return after == before;
}

static bool run_seed(uint64_t seed, enum bug bug, const struct arguments *arguments, char what[BROKEN_SIZE])
{
    const size_t before = memory_outstanding();
    static struct world one, two;
    bool verbose = arguments->verbose;
    struct world_options options = {.seed = seed, .bug = bug, .verbose = verbose};
    bool guards = bug > BUG_BEFORE_GATE;
    options.with = arguments->with | with_of(seed, bug);
    if (options.with &
        WITH_LIARS) /* who answers a recall to a liar, or what he held before, is not followed */
        options.with &= ~(unsigned)(WITH_RECALLS | WITH_RESTORES);
    if (options.with & (WITH_RECALLS | WITH_RESTORES | WITH_LIARS | WITH_COLLUDERS))
        options.with &= ~(unsigned)WITH_RETENTION; /* which keeps other logs apart, and orders recalls */
    if (options.with &
        (WITH_RECALLS | WITH_RESTORES | WITH_LIARS | WITH_COLLUDERS | WITH_THIEVES | WITH_CLOCKS))
        options.with &= ~(unsigned)WITH_VOUCHERS; /* other keys, epochs and programs */
    if (options.with & WITH_THIEVES)              /* cards have their time */
        options.with &= ~(unsigned)(WITH_CLOCKS | WITH_RESTORES);
    options.twin = !guards && (arguments->twins || seed % TWINS_EVERY == 0);
    options.duties =
        arguments->duties || (options.with == 0 && (seed % DUTIES_EVERY == 4 || seed % DUTIES_EVERY == 6));
    options.twin &= options.with == 0;
    if (options.with == WITH_COLLUDERS) {
        options.twin = true;
        options.duties |= seed / 2 % 2 == 0 && bug != BUG_OTHERS_DATE;
    }
    running = seed;
    bool good = world_run(&one, &options) || (guards && one.held_by == NULL);
    if (good && options.twin) {
        options.extras = true;
        good = world_run(&two, &options);
        if (good) {
            compare(&one, &two);
            good = !one.broken;
        } else {
            memcpy(one.broken_what, two.broken_what, sizeof one.broken_what);
        }
        world_deinit(&two);
    }
    memcpy(what, one.broken_what, BROKEN_SIZE);
    if (verbose)
        (void)printf(
            "seed %llu: %llu objects fed, %llu leaves, %llu minted, %llu crashes, %llu messages, %llu pages, "
            "%llu TAXII requests, %llu failures, %llu forgotten, %llu vouched for, %llu false\n",
            (unsigned long long)seed, (unsigned long long)one.counts.fed,
            (unsigned long long)one.counts.leaves, (unsigned long long)one.counts.minted,
            (unsigned long long)one.counts.crashes, (unsigned long long)one.counts.messages,
            (unsigned long long)one.counts.syncs, (unsigned long long)one.counts.asks,
            (unsigned long long)one.counts.failures, (unsigned long long)one.counts.forgotten,
            (unsigned long long)one.counts.vouched, (unsigned long long)one.counts.bent);
    world_deinit(&one);
    return good && gave_back(before, what);
}

/* In a process of its own: a planted bug may also trip an assertion. The first seed that finds it; 0: none
 * of them. */
static uint64_t find_bug(enum bug bug, uint64_t seeds, const struct arguments *arguments)
{
    char what[BROKEN_SIZE] = "an assertion failed";
    for (uint64_t seed = arguments->first; seed < arguments->first + seeds; seed++) {
        int status;
        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            bool good = run_seed(seed, bug, arguments, what);
            char unplanted[BROKEN_SIZE];
            struct arguments same = {.twins = arguments->twins,
                                     .duties = arguments->duties,
                                     .with = arguments->with | with_of(seed, bug)};
            if (!good && !run_seed(seed, BUG_NONE, &same, unplanted))
                good = true; /* that seed is broken anyway: it shows nothing */
            if (!good)
                (void)printf("%-14s found by seed %llu: %s\n", bugs[bug].name, (unsigned long long)seed,
                             what);
            (void)fflush(stdout);
            _exit(good ? 0 : 1);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0)
            return 0;
        bool ended = !WIFEXITED(status) || WEXITSTATUS(status) > 1;
        if (ended && bug > BUG_BEFORE_GATE)
            continue; /* the guard held nothing */
        if (ended)
            (void)printf("%-14s found by seed %llu: an assertion or a signal ended it\n", bugs[bug].name,
                         (unsigned long long)seed);
        if (status != 0)
            return seed;
    }
    return 0;
}

/* Every step-th allocation; of each two one failure alone, and one that lasts. */
static void sweep_memory(uint64_t number, uint64_t step, struct world_options *out)
{
    out->with = WITH_MEMORY;
    out->sweep_memory = true;
    out->sweep = 1 + number / 2 * step;
    out->sweep_stays = number % 2 != 0;
}

/* Does life `number` of a sweep go well? *out_struck: its call was made. Each call once as an error of the
 * device, once as a full disk. */
static bool sweep_seed(uint64_t number, const struct arguments *arguments, bool *out_struck)
{
    static struct world world;
    struct world_options options = {.seed = arguments->first,
                                    .bug = arguments->bug,
                                    .verbose = arguments->verbose,
                                    .with = WITH_DISKS,
                                    .sweep = 1 + number / 2,
                                    .sweep_err = number % 2 == 0 ? ERR_IO : ERR_FULL};
    const size_t before = memory_outstanding();
    if (arguments->memory_step > 0)
        sweep_memory(number, arguments->memory_step, &options);
    running = options.sweep;
    bool good = world_run(&world, &options);
    *out_struck = options.sweep_memory ? world.nodes[0].memory.ever : disk_struck(world.nodes[0].disk);
    world_deinit(&world);
    good = good && gave_back(before, world.broken_what);
    if (!good)
        (void)printf("%s %llu (%s) FAILED: %s\n", options.sweep_memory ? "allocation" : "call",
                     (unsigned long long)options.sweep,
                     options.sweep_memory ? options.sweep_stays ? "from there on" : "once"
                                          : err_text(options.sweep_err),
                     world.broken_what);
    return good;
}

static bool read_number(const char *text, uint64_t *out)
{
    return text != NULL && str_to_u64(str_of(text), UINT64_MAX, out);
}

static bool read_bug(const char *text, enum bug *out)
{
    for (unsigned b = 1; text != NULL && b < BUGS; b++)
        if (str_eq(str_of(text), str_of(bugs[b].name))) {
            *out = (enum bug)b;
            return true;
        }
    return false;
}

static bool read_with(const char *text, unsigned *out)
{
    for (unsigned b = 0; text != NULL && b < WITH_BITS; b++)
        if (str_eq(str_of(text), str_of(withs[b].name))) {
            *out |= 1u << b;
            return true;
        }
    return false;
}

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    *out = (struct arguments) {.first = 1, .seeds = 1000, .jobs = JOBS};
    for (int i = 1; i < argc; i++) {
        struct str word = str_of(argv[i]);
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (str_eq(word, STR("-v"))) {
            out->verbose = true;
            continue;
        }
        if (str_eq(word, STR("--twins"))) {
            out->twins = true;
            continue;
        }
        if (str_eq(word, STR("--sweep"))) {
            out->sweep = true;
            continue;
        }
        if (str_eq(word, STR("--duties"))) {
            out->duties = true;
            continue;
        }
        i++;
        if (str_eq(word, STR("--sweep-memory")) && read_number(value, &out->memory_step) &&
            out->memory_step > 0) {
            out->sweep = true;
            continue;
        }
        if (str_eq(word, STR("--seeds")) && read_number(value, &out->seeds))
            continue;
        if (str_eq(word, STR("--first")) && read_number(value, &out->first))
            continue;
        if (str_eq(word, STR("--jobs")) && read_number(value, &out->jobs) && out->jobs > 0 &&
            out->jobs <= JOBS_MAX)
            continue;
        if (str_eq(word, STR("--seed")) && read_number(value, &out->first)) {
            out->one = true;
            out->seeds = 1;
            continue;
        }
        if (str_eq(word, STR("--with")) && read_with(value, &out->with))
            continue;
        if (!str_eq(word, STR("--bug")) || !read_bug(value, &out->bug))
            return false;
    }
    return true;
}

/* --- some at a time --- */

/* What the program is to do, in order: seeds, then bugs. */
struct plan {
    const struct arguments *arguments;
    uint64_t next_seed, seeds_end;
    unsigned next_bug;
    uint64_t running, passed, failed;
};

static bool try_seed(uint64_t seed, const struct arguments *arguments)
{
    char what[BROKEN_SIZE];
    bool good = run_seed(seed, BUG_NONE, arguments, what);
    if (!good)
        (void)printf("seed %llu FAILED: %s\n", (unsigned long long)seed, what);
    return good;
}

static bool try_bug(enum bug bug, const struct arguments *arguments)
{
    uint64_t seeds = arguments->bug != BUG_NONE ? arguments->seeds : BUG_SEEDS;
    bool found = find_bug(bug, seeds, arguments) != 0;
    if (!found)
        (void)printf("planted bug %s was NOT found in %llu seeds\n", bugs[bug].name,
                     (unsigned long long)seeds);
    return found;
}

static bool next_bug(struct plan *plan, enum bug *out)
{
    enum bug wanted = plan->arguments->bug;
    while (plan->next_bug < BUGS && wanted != BUG_NONE && plan->next_bug != wanted)
        plan->next_bug++;
    if (plan->next_bug == BUGS || plan->arguments->one)
        return false;
    *out = (enum bug)plan->next_bug++;
    return true;
}

/* Starts the next one; false when there is none. */
static bool start_next(struct plan *plan)
{
    enum bug bug = BUG_NONE;
    if (plan->next_seed == plan->seeds_end && !next_bug(plan, &bug))
        return false;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0 && plan->arguments->sweep) {
        bool struck, good = sweep_seed(plan->next_seed, plan->arguments, &struck);
        (void)fflush(stdout);
        _exit(!good ? 1 : struck ? 0 : NOT_STRUCK);
    }
    if (child == 0) {
        bool good =
            bug == BUG_NONE ? try_seed(plan->next_seed, plan->arguments) : try_bug(bug, plan->arguments);
        (void)fflush(stdout);
        _exit(good ? 0 : 1);
    }
    plan->next_seed += bug == BUG_NONE;
    plan->running += child > 0;
    plan->failed += child < 0;
    return true;
}

static void run_all(struct plan *plan)
{
    bool more = true;
    while (more || plan->running > 0) {
        int status;
        while (more && plan->running < plan->arguments->jobs)
            more = start_next(plan);
        if (plan->running == 0 || waitpid(-1, &status, 0) < 0)
            continue;
        plan->running--;
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_STRUCK) {
            more = false; /* no life makes so many calls */
            continue;
        }
        plan->passed += status == 0;
        plan->failed += status != 0;
        if (WIFSIGNALED(status))
            (void)printf("a life ended by signal %d\n", WTERMSIG(status));
    }
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    if (!read_arguments(argc, argv, &arguments)) {
        (void)fprintf(stderr, "bongsu-sim [--seeds N] [--first N] [--jobs N] [--seed N] [--twins] [--duties] "
                              "[--with WORD] [--sweep] [--sweep-memory STEP] [--bug NAME] [-v]; bugs:\n");
        for (unsigned b = 1; b < BUGS; b++)
            (void)fprintf(stderr, "  %-14s %s\n", bugs[b].name, bugs[b].text);
        return 2;
    }
    (void)signal(SIGABRT, aborted);
    (void)signal(SIGSEGV, aborted);
    must(sign_start() == ERR_OK);
    struct plan plan = {.arguments = &arguments,
                        .next_seed = arguments.first,
                        .seeds_end = arguments.first + (arguments.bug == BUG_NONE ? arguments.seeds : 0),
                        .next_bug = 1};
    if (arguments.sweep) {
        plan.next_seed = 0;
        plan.seeds_end = UINT64_MAX;
    }
    run_all(&plan);
    (void)printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)plan.passed,
                 (unsigned long long)plan.failed);
    return plan.failed == 0 ? 0 : 1;
}
