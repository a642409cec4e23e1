/* Where two persons are demanded: who may be one of them, and what is said to who may not. */
#include <stdio.h>

#include "app/command.h"

/* The names among operators that count: "kim, lee". In the call's arena. */
static struct str declared(struct command_call *call)
{
    struct buf names;
    buf_init(&names, CONF_OPERATORS_MAX * (CONF_ACCOUNT_BYTES + 2));
    operators_names(call->host->operators, &names);
    struct str out = arena_str(call->arena, buf_str(&names));
    buf_deinit(&names);
    return out.at == NULL ? STR("") : out;
}

err_t command_two(struct command_call *call, const char *what, struct str counted)
{
    const struct operators *operators = call->host->operators;
    struct str names = declared(call);
    if (call->standing == STANDING_STOPPED)
        return command_refuse(call, ERR_DENIED,
                              "start it (bongsu serve); each of the two asks it from an account of his own",
                              "%s, and the node is stopped: nobody can prove here who asks", what);
    if (call->standing == STANDING_NAMESPACED)
        return command_refuse(call, ERR_DENIED, "run it outside: no PrivateUsers=, no rootless container",
                              "%s, and the node runs in a user namespace: whoever made it says who is who",
                              what);
    if (operators->count < 2)
        return command_refuse(call, ERR_DENIED,
                              "operators: [kim, lee] in " CONF_FILE
                              ", accounts of two people; start it again "
                              "(docs/guide/operators.md)",
                              "%s, and this node has %s%.*s", what,
                              operators->count == 0 ? "no operators" : "no operator but ", STR_ARG(names));
    if (call->standing != STANDING_OPERATOR)
        return command_refuse(
            call, ERR_DENIED,
            "each asks from an account of his own; root and the node's account are nobody here",
            "%s, and %.*s is none of them (%.*s); counted so far: %.*s", what, STR_ARG(call->who),
            STR_ARG(names), STR_ARG(counted.len > 0 ? counted : STR("nobody")));
    return ERR_OK;
}

static bool wants_two(const struct policy *policy)
{
    struct policy_people people;
    bool two = policy_activation_by(policy) == 2;
    for (unsigned i = 0; i < policy_rule_count(policy) && !two; i++)
        two = policy_rule_people(policy, i, &people) && people.approvals == 2;
    return two;
}

void command_warn_two(struct command_call *call, const struct policy *policy)
{
    const struct operators *operators = call->host->operators;
    char say[COMMAND_TEXT_MAX];
    if (policy == NULL || !wants_two(policy) || (operators->count >= 2 && operators->real))
        return;
    struct str names = declared(call);
    (void)snprintf(
        say, sizeof say,
        "the policy wants two operators (by 2), and this node has %s%.*s: what needs two stays as it "
        "is (operators: [kim, lee] in " CONF_FILE "; docs/guide/operators.md)",
        !operators->real        ? "none that count in a user namespace"
        : operators->count == 0 ? "none"
                                : "no other than ",
        STR_ARG(operators->real ? names : STR("")));
    line_begin(call->out);
    line_word(call->out, "warning", say);
    line_word(call->out, "say", say);
    line_end(call->out);
}

/* Whose word is a signature, by which key. */
static void say_keys(struct command_call *call)
{
    const struct operators *operators = call->host->operators;
    char fingerprint[SSHSIG_FINGERPRINT_SIZE];
    for (size_t i = 0; i < operators->known; i++) {
        if (operators->at[i].key == NULL)
            continue;
        sshsig_fingerprint(operators->at[i].key, fingerprint);
        line_say(call->out, "%s signs with %s", operators->at[i].name, fingerprint);
    }
}

void command_say_operators(struct command_call *call)
{
    struct str names = declared(call);
    if (call->host->conf->operator_count == 0)
        return;
    line_begin(call->out);
    line_text(call->out, "operators", names);
    line_count(call->out, "operators_declared", call->host->conf->operator_count);
    line_end(call->out);
    line_say(call->out, "operators: %.*s%s", STR_ARG(names.len > 0 ? names : STR("none that counts")),
             call->host->operators->count < call->host->conf->operator_count
                 ? " (others that are declared count for nothing: the log says why)"
                 : "");
    say_keys(call);
}
