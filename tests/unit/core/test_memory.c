/* arena and map. */
#include "core/arena.h"
#include "core/map.h"

#include "core_test.h"

static void an_arena_hands_out_aligned_separate_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint8_t *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = 1 + i * 7;
        blocks[i] = arena_alloc(&arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < 1 + i * 7; k++)
            assert_int_equal(blocks[i][k], (uint8_t)i);
    uint8_t *zeros = arena_zalloc(&arena, 100, 3);
    assert_non_null(zeros);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(zeros[i], 0);
    struct str copy = arena_str(&arena, STR("text"));
    assert_true(str_eq(copy, STR("text")) && copy.at[4] == '\0');
    assert_non_null(arena_str(&arena, STR("")).at);
    arena_deinit(&arena);
}

static void an_arena_stops_at_its_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    assert_null(arena_alloc(&arena, 1001));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 20));
    assert_null(arena_zalloc(&arena, SIZE_MAX / 2, 4));
    assert_non_null(arena_alloc(&arena, 992));
    assert_null(arena_alloc(&arena, 9));
    assert_null(arena_str(&arena, STR("too long for it")).at);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 992));
    arena_deinit(&arena);
    assert_non_null(arena_alloc(&arena, 992));
    arena_deinit(&arena);
}

/* After a reset the largest chunk is used again, and what was zeroed is zeroed again. */
static void a_reset_arena_is_clean(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int round = 0; round < 3; round++) {
        uint8_t *large = arena_alloc(&arena, 300000);
        assert_non_null(large);
        memset(large, 0xff, 300000);
        assert_non_null(arena_alloc(&arena, 10));
        arena_reset(&arena);
        uint8_t *zeros = arena_zalloc(&arena, 1, 300000);
        assert_ptr_equal(zeros, large);
        for (size_t i = 0; i < 300000; i += 1000)
            assert_int_equal(zeros[i], 0);
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

enum { ENTRIES = 3000 };

static void key_of(uint64_t i, uint8_t key[20])
{
    memset(key, 0x5a, 20);
    for (int k = 0; k < 8; k++)
        key[k] = (uint8_t)(i >> 8 * k);
}

static bool sum_up(void *ctx, const void *key, uint64_t *value)
{
    (void)key;
    uint64_t *sums = ctx;
    sums[0]++;
    sums[1] += *value;
    return sums[0] < sums[2];
}

static void a_map_keeps_what_is_put(void **state)
{
    (void)state;
    static const struct hash_sip_key sip = {{1, 2, 3}};
    struct map map;
    uint8_t key[20];
    map_init(&map, sizeof key, ENTRIES, &sip);
    key_of(0, key);
    assert_null(map_get(&map, key));
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ENTRIES; i++) {
        key_of(i, key);
        assert_int_equal(map_put(&map, key, i), ERR_OK);
        assert_int_equal(map_put(&map, key, i * 3), ERR_OK);
        sum += i * 3;
    }
    assert_int_equal(map.count, ENTRIES);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        key_of(i, key);
        assert_non_null(map_get(&map, key));
        assert_int_equal(*map_get(&map, key), i * 3);
    }
    key_of(ENTRIES, key);
    assert_null(map_get(&map, key));
    assert_int_equal(map_put(&map, key, 1), ERR_FULL);
    key_of(7, key);
    assert_int_equal(map_put(&map, key, 21), ERR_OK); /* replacing is possible when full */
    uint64_t sums[3] = {0, 0, UINT64_MAX};
    map_each(&map, sum_up, sums);
    assert_true(sums[0] == ENTRIES && sums[1] == sum);
    sums[0] = 0;
    sums[2] = 10;
    map_each(&map, sum_up, sums);
    assert_int_equal(sums[0], 10);
    map_clear(&map);
    assert_null(map_get(&map, key));
    assert_int_equal(map_put(&map, key, 5), ERR_OK);
    assert_int_equal(*map_get(&map, key), 5);
    map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_hands_out_aligned_separate_memory),
        cmocka_unit_test(an_arena_stops_at_its_limit),
        cmocka_unit_test(a_reset_arena_is_clean),
        cmocka_unit_test(a_map_keeps_what_is_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
