/* Rival copies (gate/rival.h): that the owner's marking stands against them, and what each source tightened.
 */
#include "app/command_word.h"
#include "gate/rival.h"

/* An identifier, or a source. */
static err_t read_about(struct command_call *call, struct gate_rival_word *out)
{
    struct str all = command_text_or_empty(call, "id"), id = str_cut(&all, '\n');
    err_t err;
    if (TRY(err, command_source(call, "source", &out->source)))
        return err;
    if (all.len > 0 || (id.len > 0) == (out->source != GATE_SOURCE_NONE))
        return command_refuse(call, ERR_USAGE, "`bongsu help marking keep`",
                              "give the identifier of one object, or --source NAME");
    if (id.len > 0 && !stix_id_parse(id, &out->object))
        return command_refuse(call, ERR_USAGE, "type--uuid, as `bongsu policy explain` has it",
                              "%.*s is no identifier", id.len > 100 ? 100 : (int)id.len, id.at);
    return ERR_OK;
}

static err_t lift(struct command_call *call, const struct gate_rival_word *word, const struct gate_by *by)
{
    err_t err = gate_rival_lift(call->host->gate, word, by, call->now_us);
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "see `bongsu marking kept`", "no such word stands");
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    line_say(call->out, "taken back: the stricter copies bind again, and what they touch is decided again");
    return ERR_OK;
}

static err_t refuse_keep(struct command_call *call, err_t err)
{
    if (err == ERR_NOTFOUND)
        return command_refuse(
            call, err, "`bongsu policy explain ID PARTNER` says whose copies bind",
            "nobody else's copy of a version that its owner said is here (the owner's own always "
            "bind)");
    if (err == ERR_DENIED)
        return command_refuse(call, err, "ask another operator to say it too",
                              "two operators have to agree: yours is the first word already");
    if (err == ERR_CONFLICT)
        return command_refuse(call, err, "see `bongsu marking kept`; --lift takes back what waits",
                              "what waits for a second operator has another end (--until)");
    return command_refuse(call, err, NULL, "%s", err_text(err));
}

static err_t check_word(struct command_call *call, const struct gate_rival_word *about, struct word *word)
{
    char text[COMMAND_ID_SIZE];
    const struct gate_source *source = gate_source_get(call->host->gate, about->source);
    if (source != NULL)
        word_put_text(word, "source", source->name);
    else {
        command_id_text(&about->object, text);
        word_put(word, "object", "%s", text);
    }
    if (about->until_us == INT64_MAX)
        word_put(word, "until", "it is taken back");
    else {
        time_text(about->until_us, text);
        word_put(word, "until", "%s", text);
    }
    return word_check(call, word);
}

static err_t marking_keep(struct command_call *call)
{
    struct gate *gate = call->host->gate;
    struct word said;
    struct gate_rival_word word = {0};
    const struct policy *policy = gate_policy(gate);
    bool two = policy != NULL && policy_activation_by(policy) == 2, waits;
    err_t err;
    word_begin(call, WORD_KEEP, &said);
    if (said.by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "whose marking stands needs a reason");
    if (TRY(err, read_about(call, &word)))
        return err;
    if (command_flag(call, "lift"))
        return lift(call, &word, &said.by);
    if (TRY(err, command_until(call, &word.until_us)) ||
        (two &&
         TRY(err, command_two(call, "the policy in force wants two operators (activation by 2)", STR("")))))
        return err;
    if (TRY(err, check_word(call, &word, &said)) || said.shown)
        return err;
    if (TRY(err, gate_rival_keep(gate, &word, &said.by, call->now_us, &waits)))
        return refuse_keep(call, err);
    line_begin(call->out);
    line_bool(call->out, "waits", waits);
    line_end(call->out);
    line_say(call->out, waits ? "noted: nothing changes until a second operator says it too"
                              : "the owners' markings stand against the copies that are here now; what they "
                                "touch is decided again");
    return word_keep(call, &said);
}

static void say_word(void *ctx, const struct gate_rival_word *word)
{
    struct command_call *call = ctx;
    char id[COMMAND_ID_SIZE];
    const struct gate_source *source = gate_source_get(call->host->gate, word->source);
    command_id_text(&word->object, id);
    line_begin(call->out);
    line_text(call->out, "about", source != NULL ? source->name : str_of(id));
    line_word(call->out, "state",
              word->waits                      ? "waits for a second operator"
              : word->until_us <= call->now_us ? "ended"
                                               : "stands");
    line_count(call->out, "before", word->before);
    line_time(call->out, "since", word->at_us);
    if (word->until_us != INT64_MAX)
        line_time(call->out, "until", word->until_us);
    line_text(call->out, "by", word->by);
    line_text(call->out, "second", word->second);
    line_text(call->out, "because", command_words(call, word->because));
    line_end(call->out);
}

static err_t marking_kept(struct command_call *call)
{
    struct gate *gate = call->host->gate;
    struct gate_tightened told;
    err_t err = gate_rival_words(gate, say_word, call);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    for (uint32_t n = 1; n <= gate_source_count(gate); n++)
        if (gate_tightened_get(gate, n, call->now_us, &told) && told.today > 0)
            line_say(call->out, "%.*s tightened %llu objects of others today",
                     STR_ARG(gate_source_get(gate, n)->name), (unsigned long long)told.today);
    return ERR_OK;
}

void command_say_tightened(struct command_call *call)
{
    struct gate *gate = call->host->gate;
    struct gate_tightened told;
    char day[TIME_TEXT_SIZE];
    for (uint32_t n = 1; n <= gate_source_count(gate); n++) {
        if (!gate_tightened_get(gate, n, call->now_us, &told) || !told.alarm)
            continue;
        struct str name = gate_source_get(gate, n)->name;
        struct buf say;
        time_text(told.most_us, day);
        buf_init(&say, COMMAND_TEXT_MAX + LIMIT_NAME_BYTES * 3);
        buf_printf(
            &say,
            "TIGHTENED: stricter copies by %.*s bind %llu objects of others since %.10s (tightened-objects: "
            "%u): nobody "
            "gets them above that marking. Let the owners' markings stand: bongsu marking keep --source "
            "%.*s; refuse it at the door from now on: bongsu source accept %.*s --tlp-max LEVEL",
            STR_ARG(name), (unsigned long long)told.most, day, call->host->conf->tightened_objects,
            STR_ARG(name), STR_ARG(name));
        line_begin(call->out);
        line_text(call->out, "tightened_by", name);
        line_count(call->out, "tightened", told.most);
        line_count(call->out, "tightened_today", told.today);
        line_text(call->out, "say", buf_str(&say));
        line_end(call->out);
        buf_deinit(&say);
    }
}

const struct command command_rival_rows[] = {
    {"marking.keep", true, marking_keep},
    {"marking.kept", false, marking_kept},
    {NULL, false, NULL},
};
