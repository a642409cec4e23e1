/* Everything that the guard reads: what it is told, evidence, answers, and calls of feeds. The first byte
 * chooses. Whatever comes, it says the same when it is asked again; what does not begin as a page is held;
 * nothing that names RED passes. */
#include <stdlib.h>

#include "guard/state.h"
#include "guard/word.h"

#define RED "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define HEX "00000000000000000000000000000000000000000000000000000000000000a0"
#define RULES                                                                                                \
    "bongsu guard 1\npolicy " HEX "\npartner 0 nz green 4 - " HEX " 0 0\nreader nz 0 - - " HEX "\nvouch 0\n"

static bool see(void *ctx, enum scan_role role, struct str id)
{
    bool *red = ctx;
    *red = *red || (role == SCAN_MARKING && str_eq(id, STR(RED)));
    return id.len <= SCAN_ID_MAX;
}

static bool see_item(void *ctx, const struct scan_item *item)
{
    (void)ctx;
    return item->id.len > 0;
}

static bool names_red(struct bytes text)
{
    bool red = false;
    struct buf scratch;
    struct scan_sink sink = {see, see_item, &red};
    buf_init(&scratch, LIMIT_OBJECT_BYTES);
    bool read = scan_json(text, true, &scratch, &sink);
    buf_deinit(&scratch);
    return read && red;
}

static void answer(struct guard *guard, const char *path, struct bytes body)
{
    static struct guard_case c;
    struct guard_finding finding, again;
    uint8_t key[RULES_KEY_SIZE] = {0};
    key[31] = 0xa0;
    struct guard_request request = {.reads = true, .has_key = true, .key = key, .path = str_of(path)};
    struct guard_answer given = {.status = 200, .body = body};
    guard_case_open(&c, &request);
    enum guard_verdict verdict = guard_check(guard, &c, &given, &finding);
    if (verdict == GUARD_PASS && guard->look.kind == LOOK_OBJECTS && names_red(body))
        abort();
    if (verdict == GUARD_HOLD && finding.rule == GUARD_RULE_NONE)
        abort();
    for (size_t i = 0; i < guard_ask_count(guard); i++)
        if (guard_ask_get(guard, i).id.len > SCAN_ID_MAX)
            abort();
    /* Nobody answered: then what was asked for is held. */
    if (verdict == GUARD_ASK && guard_check(guard, &c, &given, &again) == GUARD_PASS)
        abort();
}

#define SELF "identity--00000000-0000-4000-8000-00000000005e"

/* What is a word is none when something is missing, or in nobody's name. */
static void word(struct bytes text)
{
    struct word found = word_read(text, STR(SELF));
    if (found.kind == WORD_NONE)
        return;
    if (found.own.len > SCAN_ID_MAX || found.about.len > SCAN_ID_MAX ||
        word_read(text, STR("")).kind != WORD_NONE ||
        word_read(bytes_of(text.at, text.len - 1), STR(SELF)).kind != WORD_NONE)
        abort();
}

/* What is given, where the text is no address; else an address. Nothing that was not proved goes. */
static void call(struct guard *guard, int partner, bool gives, struct bytes text)
{
    static const struct guard_request none = {.reads = false};
    static struct guard_case c;
    struct guard_finding finding;
    struct guard_call wanted = {.partner = partner,
                                .method = gives ? GUARD_GIVES : GUARD_READS,
                                .self = STR(SELF),
                                .target = gives ? STR("/api/") : str_from_bytes(text),
                                .body = gives ? text : bytes_of(NULL, 0)};
    guard_case_open(&c, &none);
    enum guard_verdict verdict = guard_check_call(guard, &c, &wanted, &finding);
    if (verdict == GUARD_HOLD && finding.rule == GUARD_RULE_NONE)
        abort();
    if (verdict == GUARD_PASS && gives && (partner < 0 || names_red(text)))
        abort();
    if (verdict == GUARD_ASK && guard_check_call(guard, &c, &wanted, &finding) == GUARD_PASS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct hash_sip_key key;
    static struct guard_told rules;
    struct guard *guard;
    struct fault fault = {.code = ERR_OK};
    if (size == 0 || guard_new(&key, &guard) != ERR_OK)
        return 0;
    struct bytes rest = bytes_of(bytes + 1, size - 1);
    if (guard_rules(guard, STR(RULES), &fault) != ERR_OK)
        abort();
    switch (bytes[0] % 12) {
    case 0:
        answer(guard, "/bongsu/v1/feed", rest);
        break;
    case 1:
        answer(guard, "/api/collections/release/objects/", rest);
        break;
    case 2:
        answer(guard, "/api/collections/release/manifest/", rest);
        break;
    case 3:
        if (rules_read(str_from_bytes(rest), &rules, &fault) != ERR_OK && fault.code == ERR_OK)
            abort();
        break;
    case 5:
        call(guard, 0, true, rest);
        break;
    case 6:
        call(guard, 0, false, rest);
        break;
    case 7:
        call(guard, -1, false, rest);
        break;
    case 8:
        word(rest);
        break;
    case 9:
        answer(guard, "/bongsu/v1/urgent/feed", rest);
        break;
    case 10:
        answer(guard, "/bongsu/v1/fetch", rest);
        break;
    case 11:
        answer(guard, "/bongsu/v1/reconcile", rest);
        break;
    default:
        guard_evidence(guard, 0, STR("tool--x"), GUARD_RELEASED, rest);
    }
    guard_free(guard);
    return 0;
}
