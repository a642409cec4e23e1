/* policy test: golden examples beside a policy, decided without a node; policy activate asks them first.
 * policy check: what a policy says by itself, where no node is named. */
#include "cli/cmd_policy.h"

#include <stdio.h>

#include "app/file.h"
#include "policy/golden.h"

enum { SHOWN_BYTES = 1 << 20 };

struct tally {
    const struct cli_call *call;
    bool quiet; /* only what is wrong */
    uint64_t right, wrong;
};

/* --- telling --- */

static void put_step(void *ctx, const struct policy_step *step)
{
    struct buf *out = ctx;
    if (!step->addressed || !step->reached || (!step->matched && step->effect != POLICY_RELEASE))
        return;
    buf_printf(out, "    %s %.*s %s: ", policy_effect_name(step->effect), STR_ARG(step->name),
               step->decided   ? "decides"
               : step->matched ? "matches"
                               : "does not match");
    print_clean(out, step->condition);
    if (step->value.len > 0)
        buf_printf(out, "; ");
    print_clean(out, step->value);
    if (step->change.len > 0)
        buf_printf(out, "; it would be otherwise with ");
    print_clean(out, step->change);
    buf_putc(out, '\n');
}

static void put_text(struct buf *out, const struct golden_result *result)
{
    buf_printf(out, "%s  line %u, ", result->right ? "right" : "WRONG", result->line);
    print_clean(out, result->example);
    buf_printf(out, ", %.*s: %s by %.*s", STR_ARG(result->partner), policy_effect_name(result->effect),
               STR_ARG(result->rule));
    if (!result->right) {
        buf_printf(out, ", expected %s by ", policy_effect_name(result->wanted));
        print_clean(out, result->wanted_rule);
    }
    buf_putc(out, '\n');
}

static void put_json(struct buf *out, const struct golden_result *result, const struct buf *steps)
{
    buf_printf(out, "{\"line\":%u,\"right\":%s", result->line, result->right ? "true" : "false");
    print_member(out, "example", result->example);
    print_member(out, "audience", result->partner);
    print_member(out, "effect", str_of(policy_effect_name(result->effect)));
    print_member(out, "rule", result->rule);
    print_member(out, "expected_effect", str_of(policy_effect_name(result->wanted)));
    print_member(out, "expected_rule", result->wanted_rule);
    if (!result->right)
        print_member(out, "because", str_trim(buf_str(steps)));
    buf_printf(out, "}\n");
}

static void tell(void *ctx, const struct golden_result *result)
{
    struct tally *tally = ctx;
    struct buf out, steps;
    *(result->right ? &tally->right : &tally->wrong) += 1;
    if (result->right && tally->quiet)
        return;
    buf_init(&out, SHOWN_BYTES);
    buf_init(&steps, SHOWN_BYTES);
    if (!result->right)
        (void)policy_explain(result->policy, result->facts, result->now_us, result->partner_index, put_step,
                             &steps);
    if (tally->call->json) {
        put_json(&out, result, &steps);
    } else {
        put_text(&out, result);
        buf_put_str(&out, buf_str(&steps));
    }
    (void)fwrite(out.at, 1, out.len, stdout);
    buf_deinit(&out);
    buf_deinit(&steps);
}

/* --- running --- */

static const char how[] = "example NAME, then an object, then expect PARTNER release RULE; "
                          "share/default.expect has some, docs/protocol/POLICY.md the form";

static int run_examples(const char *policy, const char *path, struct str policy_text, struct str examples,
                        struct tally *tally)
{
    struct golden_fault fault;
    const struct policy_fault *place = &fault.place;
    err_t err = golden_run(policy_text, examples, tell, tally, &fault);
    if (err != ERR_OK)
        return cli_refuse(tally->call->json, CLI_FAILED,
                          fault.in_policy || place->suggestion[0] != '\0' ? place->suggestion : how,
                          "%s: line %u: %s", fault.in_policy ? policy : path, place->line,
                          place->what[0] == '\0' ? err_text(err) : place->what);
    return tally->wrong == 0 ? CLI_OK : CLI_FAILED;
}

static int test_files(const struct cli_call *call, const char *policy, const char *path, struct tally *tally)
{
    struct buf text, examples;
    buf_init(&text, LIMIT_POLICY_BYTES);
    buf_init(&examples, LIMIT_GOLDEN_BYTES);
    int status = cli_read(call, policy, &text) && cli_read(call, path, &examples)
                     ? run_examples(policy, path, buf_str(&text), buf_str(&examples), tally)
                     : CLI_FAILED;
    buf_deinit(&text);
    buf_deinit(&examples);
    return status;
}

/* share/default.policy: share/default.expect. */
static bool path_beside(const char *policy, char out[FILE_PATH_SIZE])
{
    struct str name = str_of(policy), end = STR(".policy");
    if (str_ends(name, end))
        name.len -= end.len;
    int len = snprintf(out, FILE_PATH_SIZE, "%.*s.expect", STR_ARG(name));
    return len > 0 && len < FILE_PATH_SIZE;
}

int run_policy_test(struct cli_call *call)
{
    char beside[FILE_PATH_SIZE];
    struct tally tally = {.call = call};
    const char *path = call->args[1];
    if (call->arg_count > 2)
        return cli_usage(call, "what is %s?", call->args[2]);
    if (call->arg_count == 1) {
        if (!path_beside(call->args[0], beside))
            return cli_usage(call, "the name of the policy is too long");
        path = beside;
    }
    if (strcmp(path, "-") != 0 && !file_exists(call->os, path))
        return cli_refuse(call->json, CLI_FAILED, how,
                          "there is no %s: no example says what %s should decide", path, call->args[0]);
    int status = test_files(call, call->args[0], path, &tally);
    if (!call->json && tally.right + tally.wrong > 0)
        (void)printf("%llu right, %llu wrong\n", (unsigned long long)tally.right,
                     (unsigned long long)tally.wrong);
    return status;
}

/* --- checking without a node --- */

static void tell_remark(void *ctx, const struct policy_remark *remark)
{
    const struct cli_call *call = ctx;
    struct buf out;
    buf_init(&out, SHOWN_BYTES);
    if (call->json) {
        buf_printf(&out, "{\"line\":%u,\"column\":%u", remark->line, remark->column);
        print_member(&out, "warning", str_of(remark->what));
        buf_putc(&out, '}');
    } else {
        buf_printf(&out, "line %u, column %u: ", remark->line, remark->column);
        print_clean(&out, str_of(remark->what));
    }
    (void)printf("%.*s\n", STR_ARG(buf_str(&out)));
    buf_deinit(&out);
}

static void tell_named(const struct cli_call *call, const struct policy *policy, const struct str *names,
                       size_t count)
{
    struct buf out;
    buf_init(&out, SHOWN_BYTES);
    for (size_t i = 0; i < count; i++) {
        buf_put_str(&out, i > 0 ? STR(", ") : STR(""));
        print_clean(&out, names[i]);
    }
    unsigned rules = policy_rule_count(policy) - POLICY_RULE_BUILTIN_COUNT;
    if (call->json)
        (void)printf("{\"rules\":%u,\"node\":false}\n", rules);
    else
        (void)printf(
            "the policy is well formed (%u rules)\n"
            "looked at without a node (--dir DIR asks one), so these are taken for partners: %.*s%s\n",
            rules, STR_ARG(buf_str(&out)),
            count == 0 ? "one that is not named" : ", and one that is not named");
    buf_deinit(&out);
}

/* Behind those that the text names, one more: `all` means also whoever is added later. How many. */
static size_t assume_partners(const struct str names[LIMIT_PARTNERS], size_t named,
                              struct policy_partner out[LIMIT_PARTNERS])
{
    struct str more = STR("another-partner");
    bool fits = named < LIMIT_PARTNERS;
    for (size_t i = 0; i < named; i++) {
        out[i] = (struct policy_partner) {.name = names[i], .index = (uint8_t)i};
        fits = fits && !str_eq(names[i], more);
    }
    if (fits)
        out[named] = (struct policy_partner) {.name = more, .index = (uint8_t)named};
    return named + fits;
}

static int check_text(struct cli_call *call, struct str text)
{
    struct str names[LIMIT_PARTNERS];
    struct policy_partner partners[LIMIT_PARTNERS];
    struct policy *policy;
    struct policy_fault fault;
    size_t count = policy_partners_named(text, names);
    if (policy_compile(text, partners, assume_partners(names, count, partners), &policy, &fault) != ERR_OK)
        return cli_refuse(call->json, CLI_FAILED, fault.suggestion, "%s: line %u, column %u: %s",
                          call->args[0], fault.line, fault.column, fault.what);
    policy_review(policy, call->os->wall_us(call->os->ctx), tell_remark, call);
    policy_review_redact(policy, tell_remark, call);
    tell_named(call, policy, names, count);
    policy_unref(policy);
    return CLI_OK;
}

int run_policy_check(struct cli_call *call)
{
    struct buf text;
    if (call->dir != NULL)
        return control_run(call);
    buf_init(&text, LIMIT_POLICY_BYTES);
    int status = cli_read(call, call->args[0], &text) ? check_text(call, buf_str(&text)) : CLI_FAILED;
    buf_deinit(&text);
    return status;
}

static void show_line(void *ctx, struct str json)
{
    const struct cli_call *call = ctx;
    struct line *line = call->json ? NULL : line_read(json);
    if (call->json)
        (void)printf("%.*s\n", STR_ARG(json));
    else if (line != NULL && line_has(line, "text"))
        print_say(json);
    else
        print_beside(json);
    line_free(line);
}

int run_policy_show(struct cli_call *call)
{
    return control_each(call, show_line, call);
}

int run_policy_activate(struct cli_call *call)
{
    char beside[FILE_PATH_SIZE];
    struct tally tally = {.call = call, .quiet = true};
    bool untested = cli_option(call, "untested") != NULL;
    if (untested && cli_option(call, "because") == NULL)
        return cli_usage(call, "--untested wants --because REASON");
    if (!untested && path_beside(call->args[0], beside) && file_exists(call->os, beside) &&
        test_files(call, call->args[0], beside, &tally) != CLI_OK)
        /* What could not be read was refused by then: a program is told one last line. */
        return cli_refuse(call->json && tally.wrong > 0, CLI_FAILED,
                          "mend the policy or the examples, or give --untested --because REASON",
                          "the policy in force was not touched: the examples in %s do not hold", beside);
    return control_run(call);
}
