/* What the guard held: shown, and let go on. */
#include <stdio.h>

#include "app/command.h"
#include "core/wr.h"

enum { RECORD_MAX = 64 + LIMIT_GUARD_WAIVERS * (HASH_SIZE + 1) };

/* What was found goes from now on; whatever else is wrong is held again. */
static err_t waive(struct command_call *call, const struct gate_peer *peer, struct core_guarded *guarded)
{
    struct gate_by by = command_by(call);
    struct buf waivers;
    buf_init(&waivers, LIMIT_GUARD_WAIVERS * (HASH_SIZE + 1));
    wr_bytes(&waivers, guarded->waivers);
    if (guarded->finding.rule != GUARD_RULE_NONE) {
        wr_u8(&waivers, (uint8_t)guarded->finding.rule);
        wr_bytes(&waivers, bytes_of(guarded->finding.object.b, HASH_SIZE));
    }
    guarded->waivers = buf_bytes(&waivers);
    guarded->held = false;
    guarded->resumed++;
    err_t err = buf_err(&waivers);
    if (err == ERR_OK)
        err = core_guard_put(call->host->gate, peer, guarded, &by, call->now_us);
    buf_deinit(&waivers);
    return err;
}

static err_t resume(struct command_call *call)
{
    const struct gate_peer *peer;
    struct core_guarded guarded;
    struct str because;
    struct buf memory;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)) ||
        TRY(err, command_text(call, "because", &because)))
        return err;
    buf_init(&memory, RECORD_MAX);
    core_guard_get(call->host->gate, peer, &memory, &guarded);
    if (!guarded.held)
        err = command_refuse(call, ERR_WRONGSTATE, "bongsu status", "the guard holds nothing for %.*s",
                             STR_ARG(peer->audience));
    else if (TRY(err, waive(call, peer, &guarded)))
        err = command_refuse(call, err, NULL, "%s", err_text(err));
    else
        line_say(call->out, "pages go to %.*s again; what was found (%s) is let go, and nothing else",
                 STR_ARG(peer->audience), guard_rule_word(guarded.finding.rule));
    buf_deinit(&memory);
    return err;
}

void command_say_guarded(struct command_call *call, const struct gate_peer *peer)
{
    struct core_guarded guarded;
    struct buf memory;
    char hex[2 * HASH_SIZE];
    buf_init(&memory, RECORD_MAX);
    core_guard_get(call->host->gate, peer, &memory, &guarded);
    buf_deinit(&memory);
    if (!guarded.held)
        return;
    line_begin(call->out);
    line_text(call->out, "guard", peer->audience);
    line_word(call->out, "rule", guard_rule_word(guarded.finding.rule));
    if (guarded.finding.has_seq)
        line_count(call->out, "leaf", guarded.finding.seq);
    str_hex(guarded.finding.object.b, HASH_SIZE, hex);
    line_text(call->out, "sha256", (struct str) {hex, sizeof hex});
    line_time(call->out, "since", guarded.when_us);
    char say[300];
    int len =
        snprintf(say, sizeof say,
                 "HELD: the guard lets nothing go to %.*s, by the rule %s (look; then: bongsu guard resume "
                 "%.*s --because ...)",
                 STR_ARG(peer->audience), guard_rule_word(guarded.finding.rule), STR_ARG(peer->audience));
    must(len > 0 && (size_t)len < sizeof say);
    line_word(call->out, "say", say);
    line_end(call->out);
}

const struct command command_guard_rows[] = {
    {"guard.resume", true, resume},
    {NULL, false, NULL},
};
