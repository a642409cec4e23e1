/* What each suite costs: sealing and opening what a store keeps, signing and verifying; beside what
 * libsodium, suite 1, takes for the same in the same run. */
#include <string.h>
#include <time.h>

#include "bench_out.h"
#include "core/mem.h"
#include "core/seal.h"
#include "core/sign.h"

enum { COUNT = 512, ROUNDS = 9, BOUND = 26 + 46, SMALL = 720, LARGE = 64 << 10 };

static uint8_t plain[LARGE], sealed[LARGE + SEAL_TAG_SIZE], opened[LARGE];

struct subject {
    unsigned suite;
    size_t size;
    struct sign_key key;
    struct signature signature;
};

typedef void round(struct subject *subject, uint64_t number);

static struct seal_secret secret_of(uint64_t number)
{
    struct seal_secret secret = {{1}};
    memcpy(secret.b + 8, &number, sizeof number);
    return secret;
}

static void seal_one(struct subject *subject, uint64_t number)
{
    struct seal_secret secret = secret_of(number);
    bench_check(
        seal_close(subject->suite, &secret, bytes_of(plain, subject->size), bytes_of(plain, BOUND), sealed),
        "sealing");
}

static void open_one(struct subject *subject, uint64_t number)
{
    struct seal_secret secret = secret_of(0);
    (void)number;
    bench_check(seal_open(subject->suite, &secret, bytes_of(sealed, subject->size + SEAL_TAG_SIZE),
                          bytes_of(plain, BOUND), opened),
                "opening");
}

static void sign_one(struct subject *subject, uint64_t number)
{
    bench_check(
        sign_raw(&subject->key, bytes_of((const uint8_t *)&number, sizeof number), &subject->signature),
        "signing");
}

static void verify_one(struct subject *subject, uint64_t number)
{
    number = COUNT - 1; /* what was signed last */
    bench_check(sign_raw_verify(&subject->key.public, bytes_of((const uint8_t *)&number, sizeof number),
                                &subject->signature),
                "verifying");
}

/* Processor time of one thread. */
static double best_us(round *run, struct subject *subject)
{
    double best = 1e9;
    for (unsigned i = 0; i < ROUNDS; i++) {
        clock_t start = clock();
        for (uint64_t n = 0; n < COUNT; n++)
            run(subject, n);
        double us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / COUNT;
        best = us < best ? us : best;
    }
    return best;
}

static const struct task {
    const char *what;
    round *run;
    size_t size;
} tasks[] = {
    {"sealing 720 bytes", seal_one, SMALL},
    {"opening 720 bytes", open_one, SMALL},
    {"sealing 64 KiB", seal_one, LARGE},
    {"opening 64 KiB", open_one, LARGE},
    {"signing", sign_one, 0},
    {"verifying", verify_one, 0},
};

static double measure(const struct task *task, unsigned suite)
{
    struct subject subject = {.suite = suite, .size = task->size};
    struct sign_seed seed = {(uint16_t)suite, {7}};
    bench_check(sign_key_make(&seed, &subject.key), "a key");
    seal_one(&subject, 0); /* what is opened, and verified */
    sign_one(&subject, COUNT - 1);
    return best_us(task->run, &subject);
}

int main(void)
{
    bench_check(sign_start(), "a start");
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        double floor_us = measure(&tasks[i], SUITE_OLDEST);
        for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
            char name[64];
            double us = suite == SUITE_OLDEST ? floor_us : measure(&tasks[i], suite);
            (void)snprintf(name, sizeof name, "suite %u: %s", suite, tasks[i].what);
            bench_row(name, us, "us", floor_us, us / floor_us, "processor time");
        }
    }
    return 0;
}
