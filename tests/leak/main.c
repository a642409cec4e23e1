/* bongsu-leak: the leak hunt (docs/leak-hunt.md). Prints what it hunted and "N passed, N failed, N skipped":
 * one a run of worlds, and one a planted leak.
 *
 *     --objects N [--first SEED] [--jobs N] [--worlds]
 *         worlds from that seed on, until N objects were taken in; then, but for --worlds, every planted leak
 *     --seed N [-v]
 *         one world; when it fails, the smallest that still fails so
 *     --leak NAME
 *         which seed finds this planted leak */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leak.h"

enum {
    JOBS = 2,
    JOBS_MAX = 64,
    BATCH = 25,
    LEAK_SEEDS = 400,
    FAILURES_MAX = 10,
    SHRINK_SECONDS = 30,
    PROGRESS = 100000
};

static const struct {
    const char *name, *text;
} leaks[] = {[LEAK_NONE] = {"", ""},
#define X(name, word, text) [LEAK_##name] = {word, text},
             LEAK_LIST(X)
#undef X
};

struct arguments {
    uint64_t objects, first, seed, jobs;
    enum leak leak;
    bool one, only, worlds, verbose;
};

/* What the children did; shared with them. */
struct tally {
    uint64_t worlds, objects, partners, policies, leaves, minted, withheld, taken, expired, bytes, failed;
};
static struct tally *tally;

/* An interrupted hunt tells what it has seen. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static struct plan plan;
static struct world world;

/* --- one world --- */

static bool run(uint64_t seed, bool verbose)
{
    uint64_t before = watch_bytes();
    plan_make(&plan, seed);
    bool good = world_run(&world, &plan, verbose);
    (void)__atomic_add_fetch(&tally->worlds, 1, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->objects, world.copy_count, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->partners, plan.partners, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->policies, world.policies, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->taken, world.taken, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->expired, world.expired, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->leaves, world.leaves, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->minted, world.minted, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->withheld, world.withheld, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&tally->bytes, watch_bytes() - before, __ATOMIC_RELAXED);
    return good;
}

/* What kind of failure, as far as a child's status can tell; 0: none. */
static int kind_of_failure(void)
{
    const char *text = strchr(world.what, ':');
    unsigned kind = 0;
    for (size_t i = 0; text != NULL && text[i] != '\0' && text[i] != '\n' && i < 20; i++)
        kind = kind * 31 + (unsigned char)text[i];
    return world.broken ? 1 + (int)(kind % 100) : 0;
}

/* In a process of its own: it may end with a failed assertion. */
static int try_plan(void)
{
    int status;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(0);
        (void)world_run(&world, &plan, false);
        _exit(kind_of_failure());
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Takes operations away, half of them at a time, then fewer, while it fails the same way. */
static void shrink(uint64_t seed, bool verbose)
{
    plan_make(&plan, seed);
    int kind = try_plan();
    double end = seconds() + SHRINK_SECONDS;
    for (int size = plan.op_count / 2; size > 0; size /= 2)
        for (int round = 0; round < (size == 1 ? 2 : 1); round++)
            for (int from = 0; from < plan.op_count && seconds() < end; from += size) {
                struct op kept[OPS];
                memcpy(kept, plan.ops, sizeof kept);
                for (int i = from; i < from + size && i < plan.op_count; i++)
                    plan.ops[i].off = true;
                if (try_plan() != kind)
                    memcpy(plan.ops, kept, sizeof kept);
            }
    (void)printf("the smallest world that fails so:\n");
    world_tell(&plan);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)world_run(&world, &plan, verbose);
        (void)printf("%s\n", world.what);
        (void)fflush(stdout);
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    plan_free(&plan);
}

/* --- many --- */

static bool run_batch(uint64_t first)
{
    bool good = true;
    for (uint64_t seed = first; seed < first + BATCH; seed++) {
        if (run(seed, false)) {
            plan_free(&plan);
            continue;
        }
        (void)printf("seed %llu FAILED: %s\n", (unsigned long long)seed, world.what);
        plan_free(&plan);
        if (__atomic_add_fetch(&tally->failed, 1, __ATOMIC_RELAXED) == 1)
            shrink(seed, false);
        good = false;
    }
    return good;
}

static void tell(const struct arguments *arguments, uint64_t next, double took)
{
    const struct {
        uint64_t count;
        const char *what;
    } parts[] = {{tally->objects, "objects"},
                 {tally->partners, "partners"},
                 {tally->policies, "policies in force"},
                 {tally->leaves, "leaves"},
                 {tally->minted, "minted"},
                 {tally->taken, "taken back"},
                 {tally->expired, "expired"},
                 {tally->withheld, "times withheld"},
                 {tally->failed, "findings"}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        (void)printf("%s%llu %s", i == 0 ? "" : ", ", (unsigned long long)parts[i].count, parts[i].what);
    (void)printf(" (%llu worlds, seeds %llu to %llu; %.1f MB read, %.0f s)\n",
                 (unsigned long long)tally->worlds, (unsigned long long)arguments->first,
                 (unsigned long long)next - 1, (double)tally->bytes / 1e6, took);
}

/* True when every world passed. */
static bool hunt(const struct arguments *arguments)
{
    uint64_t next = arguments->first, running = 0;
    double start = seconds();
    uint64_t told = 0;
    bool good = true;
    (void)signal(SIGINT, interrupt);
    for (;;) {
        bool more = tally->objects < arguments->objects && tally->failed < FAILURES_MAX && interrupted == 0;
        int status;
        while (more && running < arguments->jobs) {
            (void)fflush(stdout);
            pid_t child = fork();
            if (child == 0) {
                (void)signal(SIGINT, SIG_IGN);
                bool passed = run_batch(next);
                (void)fflush(stdout);
                _exit(passed ? 0 : 1);
            }
            good &= child > 0;
            running += child > 0;
            next += BATCH;
        }
        if (running == 0)
            break;
        if (waitpid(-1, &status, 0) < 0)
            continue;
        running--;
        good &= status == 0;
        if (tally->objects - told >= PROGRESS) {
            told = tally->objects;
            (void)printf("%llu objects, %llu findings\n", (unsigned long long)told,
                         (unsigned long long)tally->failed);
            (void)fflush(stdout);
        }
        if (WIFSIGNALED(status))
            (void)printf("a world below seed %llu ended by signal %d\n", (unsigned long long)next,
                         WTERMSIG(status));
        if (WIFSIGNALED(status))
            (void)__atomic_add_fetch(&tally->failed, 1, __ATOMIC_RELAXED);
    }
    double took = seconds() - start;
    tell(arguments, next, took);
    return good;
}

/* --- planted leaks --- */

/* Found by a world that passes without it. */
static bool find(enum leak leak, uint64_t first)
{
    for (uint64_t seed = first; seed < first + LEAK_SEEDS; seed++) {
        plan_make(&plan, seed);
        plant(leak);
        int with = try_plan();
        plant(LEAK_NONE);
        bool found = with != 0 && try_plan() == 0;
        if (found && with < 1000) {
            plant(leak);
            (void)world_run(&world, &plan, false);
            plant(LEAK_NONE);
            (void)printf("%-12s found by seed %llu: %.*s\n", leaks[leak].name, (unsigned long long)seed,
                         (int)strcspn(world.what, "\n"), world.what);
        } else if (found) {
            (void)printf("%-12s found by seed %llu: signal %d\n", leaks[leak].name, (unsigned long long)seed,
                         with - 1000);
        }
        plan_free(&plan);
        if (found)
            return true;
    }
    (void)printf("planted leak %s was NOT found in %d seeds\n", leaks[leak].name, LEAK_SEEDS);
    return false;
}

/* --- */

static bool read_number(const char *text, uint64_t *out)
{
    return text != NULL && str_to_u64(str_of(text), UINT64_MAX, out);
}

static bool read_leak(const char *text, enum leak *out)
{
    for (unsigned b = 1; text != NULL && b < LEAKS; b++)
        if (str_eq(str_of(text), str_of(leaks[b].name))) {
            *out = (enum leak)b;
            return true;
        }
    return false;
}

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    *out = (struct arguments) {.objects = 30000, .first = 1, .jobs = JOBS};
    for (int i = 1; i < argc; i++) {
        struct str word = str_of(argv[i]);
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (str_eq(word, STR("-v"))) {
            out->verbose = true;
            continue;
        }
        if (str_eq(word, STR("--worlds"))) {
            out->worlds = true;
            continue;
        }
        i++;
        if (str_eq(word, STR("--objects")) && read_number(value, &out->objects))
            continue;
        if (str_eq(word, STR("--first")) && read_number(value, &out->first))
            continue;
        if (str_eq(word, STR("--jobs")) && read_number(value, &out->jobs) && out->jobs > 0 &&
            out->jobs <= JOBS_MAX)
            continue;
        bool only = str_eq(word, STR("--try"));
        if ((only || str_eq(word, STR("--seed"))) && read_number(value, &out->seed)) {
            out->one = true;
            out->only = only;
            continue;
        }
        if (!str_eq(word, STR("--leak")) || !read_leak(value, &out->leak))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    uint64_t passed = 0, failed = 0;
    if (!read_arguments(argc, argv, &arguments)) {
        (void)fprintf(stderr,
                      "usage: bongsu-leak [--objects N] [--first SEED] [--jobs N] [--worlds] [--leak NAME]\n"
                      "       bongsu-leak --seed N [-v]\n");
        return 2;
    }
    /* A world takes much memory and gives it back: the next one shall have the same pages. But for segments
     * of the log: of these little is ever written, and nobody has to clear the rest. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 25);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(tally != MAP_FAILED);
    if (arguments.one) {
        bool good = run(arguments.seed, arguments.verbose);
        (void)printf("seed %llu: %s\n", (unsigned long long)arguments.seed, good ? "passed" : world.what);
        plan_free(&plan);
        if (!good && !arguments.only)
            shrink(arguments.seed, arguments.verbose);
        return good ? 0 : 1;
    }
    if (arguments.leak == LEAK_NONE) {
        bool good = hunt(&arguments);
        passed += good;
        failed += !good;
    }
    for (unsigned b = 1; b < LEAKS && !arguments.worlds; b++) {
        if (arguments.leak != LEAK_NONE && arguments.leak != (enum leak)b)
            continue;
        bool found = find((enum leak)b, arguments.first);
        passed += found;
        failed += !found;
    }
    (void)printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)passed,
                 (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}
