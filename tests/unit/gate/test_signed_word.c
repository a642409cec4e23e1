/* What operators signed: kept beside their words, counted, and there again when the index is made from the
 * log. */
#include "gate/signed_word.h"

#include "gate_test.h"

static const struct gate_by kim = {{"kim (key QHZsrTGrAzQk+Iu9)", 26}, {"read it", 7}};

static struct hash digest_of(const char *said)
{
    return hash_sha256(bytes_from_str(str_of(said)));
}

static struct gate_word word_of(const char *text)
{
    return (struct gate_word) {.who = kim.who,
                               .key = STR("ssh-ed25519 AAAA"),
                               .text = str_of(text),
                               .signature = STR("-----BEGIN SSH SIGNATURE-----\n")};
}

static err_t put(struct bench *b, const char *said, uint32_t again, const char *text)
{
    struct hash digest = digest_of(said);
    struct gate_word word = word_of(text);
    err_t err = gate_word_put(b->gate, &digest, again, &word, &kim, b->now_us);
    return err != ERR_OK ? err : gate_commit(b->gate);
}

static uint32_t again(struct bench *b, const char *said)
{
    struct hash digest = digest_of(said);
    uint32_t count = UINT32_MAX;
    assert_int_equal(gate_word_again(b->gate, &digest, &count), ERR_OK);
    return count;
}

struct seen {
    size_t count;
    uint64_t sum; /* of their numbers */
    int64_t at_us;
};

static void see(void *ctx, const struct gate_word *word)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->sum += word->number;
    seen->at_us = word->at_us;
    assert_true(word->number > 0);
    assert_true(str_eq(word->who, kim.who) && str_eq(word->key, STR("ssh-ed25519 AAAA")));
    assert_true(str_starts(word->text, STR("text ")) && str_ends(word->signature, STR("-----\n")));
}

static struct seen all(struct bench *b)
{
    struct seen seen = {0};
    assert_int_equal(gate_word_each(b->gate, see, &seen), ERR_OK);
    return seen;
}

static void counts_what_was_said_before(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b);
    assert_int_equal(again(&b, "a"), 0);
    assert_int_equal(all(&b).count, 0);
    assert_int_equal(put(&b, "a", 0, "text a"), ERR_OK);
    assert_int_equal(put(&b, "b", 0, "text b"), ERR_OK);
    assert_int_equal(again(&b, "a"), 1);
    assert_int_equal(put(&b, "a", 1, "text a, again"), ERR_OK);
    assert_int_equal(again(&b, "a"), 2);
    assert_int_equal(again(&b, "b"), 1);
    assert_int_equal(again(&b, "c"), 0);
    struct seen seen = all(&b);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.at_us, b.now_us);
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            bench_reopen(&b);
        else
            bench_reindex(&b);
        struct seen later = all(&b);
        assert_int_equal(later.count, 3);
        assert_true(later.sum == seen.sum);
        assert_int_equal(again(&b, "a"), 2);
    }
    bench_deinit(&b);
}

static void ends_somewhere(void **state)
{
    struct bench b;
    struct hash digest = digest_of("a");
    uint32_t count;
    (void)state;
    bench_init(&b);
    for (uint32_t i = 0; i < LIMIT_WORD_AGAIN; i++) {
        struct gate_word word = word_of("text");
        assert_int_equal(gate_word_put(b.gate, &digest, i, &word, &kim, b.now_us), ERR_OK);
    }
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(gate_word_again(b.gate, &digest, &count), ERR_FULL);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_what_was_said_before),
                                       cmocka_unit_test(ends_somewhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
