/* Quantiles against a sorted list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sync/latency.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_quantiles(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static struct sync_latency latency;
    int64_t *list = calloc(MANY, sizeof *list);
    uint64_t random = 1;
    assert_int_equal(sync_latency_quantile(&latency, 500), 0);
    for (size_t i = 0; i < MANY; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        list[i] = (int64_t)(random >> 33) >> (random >> 20 & 31); /* of every magnitude */
        sync_latency_add(&latency, list[i]);
    }
    qsort(list, MANY, sizeof *list, compare);
    for (unsigned permille = 1; permille <= 1000; permille++) {
        int64_t exact = list[(MANY * permille + 999) / 1000 - 1];
        int64_t found = sync_latency_quantile(&latency, permille);
        assert_true(found >= exact && found <= exact + exact / 16);
    }
    free(list);
}

static void test_ends(void **state)
{
    (void)state;
    static struct sync_latency latency;
    sync_latency_add(&latency, -5); /* the other clock is ahead */
    assert_int_equal(sync_latency_quantile(&latency, 1000), 0);
    sync_latency_add(&latency, INT64_MAX);
    assert_int_equal(sync_latency_quantile(&latency, 500), 0);
    assert_true(sync_latency_quantile(&latency, 1000) > INT64_C(1) << 43);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quantiles), cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
