/* Sources, identities, markings, tags: what operators state about where things come from and what they mean.
 */
#include "app/command.h"

#include <stdio.h>

#include "gate/quality.h"

err_t command_until(struct command_call *call, int64_t *out)
{
    struct str text = command_text_or_empty(call, "until");
    char whole[TIME_TEXT_SIZE];
    struct stamp stamp;
    *out = INT64_MAX;
    if (text.len == 0)
        return ERR_OK;
    if (text.len == 10) { /* a day: its end */
        memcpy(whole, text.at, 10);
        memcpy(whole + 10, "T23:59:59Z", 10);
        text = (struct str) {whole, 20};
    }
    if (stamp_parse(text, &stamp, NULL) != ERR_OK)
        return command_refuse(call, ERR_USAGE, "write 2027-01-31 or 2027-01-31T12:00:00Z",
                              "until: not a date");
    if (stamp_us(stamp) <= call->now_us)
        return command_refuse(call, ERR_USAGE, "give a day to come", "until: that is over");
    *out = stamp_us(stamp);
    return ERR_OK;
}

static const char *const profiles[] = {[GATE_PROFILE_STANDARD] = "standard",
                                       [GATE_PROFILE_STRICT] = "strict",
                                       [GATE_PROFILE_LENIENT] = "lenient"};

static err_t read_profile(struct command_call *call, enum gate_profile *out)
{
    struct str text = command_text_or_empty(call, "profile");
    *out = GATE_PROFILE_STANDARD;
    if (text.len == 0)
        return ERR_OK;
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (str_eq(text, str_of(profiles[i]))) {
            *out = (enum gate_profile)i;
            return ERR_OK;
        }
    return command_refuse(call, ERR_USAGE, "write strict, standard or lenient", "profile: there is no %.*s",
                          STR_ARG(text));
}

/* A partner's source stands for what he says of himself: his card. Without a node he has none, and an
 * operator knows whether the platform behind it rewrites. */
static err_t check_partner(struct command_call *call, const struct gate_source *held)
{
    static const char *const local[] = {"assume", "until", "profile"};
    if (held == NULL || held->partner < 0)
        return ERR_OK;
    if (gate_peer_get(call->host->gate, (unsigned)held->partner)->node.len > 0)
        return command_refuse(
            call, ERR_DENIED, "bongsu source accept says what is taken from it, its card all else",
            "%.*s is a partner's source: what stands for it comes with its card", STR_ARG(held->name));
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (command_text_or_empty(call, local[i]).len > 0)
            return command_refuse(call, ERR_DENIED, "bongsu source accept says what is taken from it",
                                  "%.*s is a partner's source: only --rewrites can be declared of it",
                                  STR_ARG(held->name));
    return ERR_OK;
}

static err_t source_add(struct command_call *call)
{
    struct gate_source source = {
        .own = !command_flag(call, "foreign"), .rewrites = command_flag(call, "rewrites"), .partner = -1};
    struct gate_by by = command_by(call);
    uint32_t number;
    err_t err;
    if (TRY(err, command_text(call, "name", &source.name)) || TRY(err, read_profile(call, &source.profile)) ||
        TRY(err, command_until(call, &source.assume_until_us)))
        return err;
    if (command_text_or_empty(call, "assume").len > 0) {
        if (TRY(err, command_tlp(call, "assume", &source.assume)))
            return err;
        if (by.because.len == 0)
            return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                                  "assuming a marking needs a reason");
    }
    const struct gate_source *held = gate_source_find(call->host->gate, source.name);
    if (TRY(err, check_partner(call, held)))
        return err;
    if (TRY(err, gate_source_put(call->host->gate, &source, &by, call->now_us, &number)))
        return command_refuse(call, err, err == ERR_INVALID ? "names are of a-z 0-9 . _ -" : NULL,
                              "the source was not declared: %s",
                              err == ERR_INVALID ? "its name cannot be one" : err_text(err));
    line_begin(call->out);
    line_text(call->out, "source", source.name);
    line_count(call->out, "number", number);
    line_word(call->out, "say",
              held != NULL && held->partner >= 0 ? "declared"
              : source.assume == STIX_TLP_NONE   ? "declared; its unmarked objects are held"
                                                 : "declared; its unmarked objects are decided again");
    line_end(call->out);
    return ERR_OK;
}

static err_t source_list(struct command_call *call)
{
    for (uint32_t number = 1; number <= gate_source_count(call->host->gate); number++) {
        const struct gate_source *source = gate_source_get(call->host->gate, number);
        uint64_t echoes;
        if (source == NULL)
            continue;
        line_begin(call->out);
        line_text(call->out, "name", source->name);
        line_word(call->out, "kind", source->partner >= 0 ? "partner" : source->own ? "own" : "foreign");
        line_bool(call->out, "declared", !source->undeclared);
        line_bool(call->out, "rewrites", source->rewrites);
        if (gate_echoes(call->host->gate, number, &echoes) == ERR_OK)
            line_count(call->out, "echo", echoes);
        line_word(call->out, "profile", profiles[source->profile]);
        line_word(call->out, "assume", stix_tlp_name(source->assume));
        line_time(call->out, "until", source->assume_until_us);
        line_end(call->out);
    }
    return ERR_OK;
}

static err_t identity_bind(struct command_call *call)
{
    struct stix_key identity;
    struct str name;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, command_object(call, "id", &identity)) || TRY(err, command_text(call, "source", &name)))
        return err;
    const struct gate_source *source = gate_source_find(call->host->gate, name);
    if (source == NULL)
        return command_refuse(call, ERR_NOTFOUND, "declare it: bongsu source add", "there is no source %.*s",
                              STR_ARG(name));
    if (TRY(err, gate_identity_bind(call->host->gate, &identity, source->number, &by, call->now_us)))
        return command_refuse(call, err, NULL, "the identity was not bound: %s", err_text(err));
    line_say(call->out, "bound: only %.*s speaks for it now", STR_ARG(source->name));
    return ERR_OK;
}

/* "us,jp" as a bit each; a name that no partner has shares with nobody by mistake, so it is refused. */
static err_t read_partners(struct command_call *call, struct str names, uint64_t *out)
{
    uint64_t mask = 0;
    while (names.len > 0) {
        struct str name = str_cut(&names, ',');
        const struct gate_peer *peer = gate_peer_find(call->host->gate, name);
        if (peer == NULL || peer->state == GATE_PEER_REMOVED)
            return command_refuse(call, ERR_NOTFOUND, "bongsu peer list", "there is no partner %.*s",
                                  STR_ARG(name));
        mask |= UINT64_C(1) << peer->index;
    }
    *out = mask;
    return ERR_OK;
}

/* Neither a nation nor a community of the policy in force: nobody is in it now. */
static bool is_nobody(const struct command_call *call, struct str name)
{
    const struct policy *policy = gate_policy(call->host->gate);
    struct policy_list list = {&name, 1};
    struct str nation = policy_nation(name);
    return (nation.at == NULL || !str_eq(nation, name)) &&
           (policy_partners_any(policy, STR("communities"), list) |
            policy_partners_any(policy, STR("nation"), list)) == 0;
}

/* A slip in a code keeps everybody out, in silence. A community may come with the next policy. */
static err_t check_rel_to(struct command_call *call, struct str name)
{
    struct str nation = policy_nation(name);
    if (!is_nobody(call, name) || (nation.at == NULL && name.len > 3))
        return ERR_OK;
    return command_refuse(call, ERR_USAGE, "--rel-to KOR,USA,pacific: nations, or communities of the policy",
                          "%.*s is no three-letter code of ISO 3166%s%.*s%s", STR_ARG(name),
                          nation.at != NULL ? "; did you mean " : "", STR_ARG(nation),
                          nation.at != NULL ? "?" : "");
}

err_t command_grant(struct command_call *call, const struct stix_key *marking)
{
    enum stix_tlp as;
    struct gate_by by = command_by(call);
    struct str names = command_text_or_empty(call, "partners");
    struct str rest = command_text_or_empty(call, "rel_to"), all = rest, rel_to[LIMIT_REL_TO];
    size_t rel_to_count = 0;
    bool none = str_eq(names, STR("none"));
    uint64_t partners = none ? 0 : UINT64_MAX;
    err_t err;
    if (stix_tlp_is_fixed(marking))
        return command_refuse(call, ERR_INVALID, "say it in the policy: tlp <= green",
                              "this marking is built in and says its level itself: nothing to classify");
    if (TRY(err, command_tlp(call, "as", &as)))
        return err;
    if (!none && names.len > 0 && TRY(err, read_partners(call, names, &partners)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "classifying a marking needs a reason");
    while (rest.len > 0 && rel_to_count < LIMIT_REL_TO) {
        rel_to[rel_to_count] = str_trim(str_cut(&rest, ','));
        if (TRY(err, check_rel_to(call, rel_to[rel_to_count++])))
            return err;
    }
    if (rest.len > 0)
        return command_refuse(call, ERR_LIMIT, NULL, "more than %d names after --rel-to", LIMIT_REL_TO);
    err = gate_marking_rel_to(call->host->gate, marking, as, partners,
                              (struct policy_list) {rel_to, rel_to_count}, &by, call->now_us);
    if (err != ERR_OK)
        return command_refuse(call, err, "add what carries it first", "the marking was not classified: %s",
                              err_text(err));
    line_say(call->out, "classified as tlp:%s%s%.*s%s%.*s; what carries it is decided again",
             stix_tlp_name(as), names.len > 0 ? ", for " : "", STR_ARG(names), all.len > 0 ? ", REL TO " : "",
             STR_ARG(all));
    for (size_t i = 0; i < rel_to_count; i++)
        if (is_nobody(call, rel_to[i]))
            line_say(call->out,
                     "%.*s is no community of the policy in force: nobody is in it until it is one",
                     STR_ARG(rel_to[i]));
    return ERR_OK;
}

static err_t marking_classify(struct command_call *call)
{
    struct stix_key marking;
    err_t err;
    if (TRY(err, command_object(call, "id", &marking)))
        return err;
    return command_grant(call, &marking);
}

static err_t tag_set(struct command_call *call, bool add)
{
    struct stix_key object;
    struct str tag;
    struct gate_by by = command_by(call);
    struct gate_reach reach;
    err_t err;
    if (TRY(err, command_object_meant(call, "id", &object)) || TRY(err, command_text(call, "tag", &tag)))
        return err;
    if (TRY(err, gate_reach(call->host->gate, &object, &reach)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (TRY(err, gate_tag(call->host->gate, &object, tag, add, &by, call->now_us)))
        return command_refuse(call, err,
                              err == ERR_INVALID
                                  ? "up to 64 bytes of UTF-8 without blanks (a Korean letter is "
                                    "three), such as share:kr"
                                  : NULL,
                              "the tag was not %s: %s", add ? "added" : "removed",
                              err == ERR_INVALID ? "it cannot be one" : err_text(err));
    line_begin(call->out);
    line_bool(call->out, "held", reach.held);
    line_word(
        call->out, "say",
        reach.held
            ? (add ? "tagged; the object is decided again" : "tag removed; the object is decided again")
        : add ? "tagged, and not here yet: nothing is held under this identifier; the tag counts from the "
                "moment when it comes (was it typed right?)"
              : "tag removed; nothing is held under this identifier");
    line_end(call->out);
    return ERR_OK;
}

static err_t tag_add(struct command_call *call)
{
    return tag_set(call, true);
}

static err_t tag_remove(struct command_call *call)
{
    return tag_set(call, false);
}

const struct command command_source_rows[] = {
    {"source.add", true, source_add},
    {"source.list", false, source_list},
    {"identity.bind", true, identity_bind},
    {"marking.classify", true, marking_classify},
    {"tag.add", true, tag_add},
    {"tag.remove", true, tag_remove},
    {NULL, false, NULL},
};
