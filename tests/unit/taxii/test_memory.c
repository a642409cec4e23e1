/* Memory that is short: a request is answered as ever, or the server says that it failed. It never takes
 * what is there for absent, nor a query for a wrong one. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include "../short_memory.h"

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
