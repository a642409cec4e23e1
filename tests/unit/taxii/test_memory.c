/* Memory that is short: a request is answered as ever, or the server says that it failed. It never takes
 * what is there for absent, nor a query for a wrong one. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

static unsigned fails_in; /* the n-th allocation from now on gets nothing; 0: none */

__typeof__(mem_alloc) __real_mem_alloc, __wrap_mem_alloc;
__typeof__(mem_alloc_array) __real_mem_alloc_array, __wrap_mem_alloc_array;
__typeof__(mem_grow) __real_mem_grow, __wrap_mem_grow;

static bool runs_out(void)
{
    return fails_in > 0 && --fails_in == 0;
}

void *__wrap_mem_alloc(size_t size)
{
    return runs_out() ? NULL : __real_mem_alloc(size);
}

void *__wrap_mem_alloc_array(size_t count, size_t size)
{
    return runs_out() ? NULL : __real_mem_alloc_array(count, size);
}

void *__wrap_mem_grow(void *at, size_t size)
{
    return runs_out() ? NULL : __real_mem_grow(at, size);
}

/* Each allocation in turn, one failure a request. How many requests failed for it. */
static unsigned try_each(struct kit *kit, const char *path, const char *query)
{
    unsigned failed = 0;
    assert_int_equal(kit_get(kit, path, query), 200);
    for (unsigned n = 1; n < 40; n++) {
        fails_in = n;
        unsigned status = kit_get(kit, path, query);
        fails_in = 0;
        if (status != 200)
            assert_in_range(status, 500, 599);
        failed += status != 200;
    }
    return failed;
}

static void what_is_there_is_never_absent(void **state)
{
    struct kit *kit = *state;
    char id[64], path[128], body[2048];
    (void)snprintf(body, sizeof body, "{\"objects\":[%s]}", kit_object(1, 1, "a"));
    assert_int_equal(kit_post(kit, "/api/collections/workspace/objects/", body), 202);
    kit_member(kit, "id", id, sizeof id);
    (void)snprintf(path, sizeof path, "/api/status/%s/", id);
    assert_true(try_each(kit, path, "") > 0);
    assert_true(try_each(kit, "/api/collections/workspace/objects/", "match[version]=first,last&limit=1") >
                0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_there_is_never_absent, kit_setup, kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
