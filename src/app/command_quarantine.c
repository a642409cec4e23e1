/* What was refused: listed, shown with its bytes, tried again, dropped. */
#include "app/command.h"

/* What `quarantine list` is asked for. */
struct wish {
    uint32_t source;   /* GATE_SOURCE_NONE: any */
    struct str reason; /* empty: any */
    uint64_t skip;     /* so many that would be told come before the newest that are wanted */
};

struct look {
    struct command_call *call;
    struct wish wish;
    uint64_t fitting; /* entries that fit the wish, so far */
    bool count_only;
    uint64_t lsn;         /* 0: all */
    uint64_t first, next; /* of a piece shown: the first of them, and the one behind it */
    bool found;
};

static const char *reason_word(const struct gate_quarantined *entry)
{
    return entry->reason == RECORD_QUARANTINE_CONFLICT ? "conflict"
           : entry->reason == RECORD_QUARANTINE_PIECE  ? "piece"
                                                       : "refused";
}

static void say_head(struct command_call *call, const struct gate_quarantined *entry)
{
    const struct gate_source *source = gate_source_get(call->host->gate, entry->source);
    line_count(call->out, "number", entry->lsn);
    line_time(call->out, "received", entry->received_us);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_word(call->out, "reason", reason_word(entry));
    line_word(call->out, "code", err_name(entry->fault.code));
    line_word(call->out, "what", entry->fault.what);
    line_word(call->out, "section", entry->fault.section);
    line_word(call->out, "pointer", entry->fault.pointer);
    line_count(call->out, "offset", entry->fault.offset);
    line_count(call->out, "bytes", entry->bytes.len);
}

static bool say_entry(void *ctx, const struct gate_quarantined *entry)
{
    struct look *look = ctx;
    if (look->lsn != 0 && look->lsn != entry->lsn)
        return false;
    look->found = true;
    look->first = entry->first;
    line_begin(look->call->out);
    say_head(look->call, entry);
    if (look->lsn != 0 && str_is_utf8(str_from_bytes(entry->bytes))) {
        line_text(look->call->out, "text", str_from_bytes(entry->bytes));
    } else if (look->lsn != 0) {
        size_t size = str_base64_size(entry->bytes.len);
        char *base64 = arena_alloc(look->call->arena, size + 1);
        if (base64 != NULL)
            line_text(look->call->out, "base64",
                      (struct str) {base64, str_base64(entry->bytes.at, entry->bytes.len, base64)});
    }
    if (look->lsn == 0)
        line_end(look->call->out);
    return look->lsn == 0 && buf_err(look->call->out) == ERR_OK;
}

static bool list_entry(void *ctx, const struct gate_quarantined *entry)
{
    struct look *look = ctx;
    const struct wish *wish = &look->wish;
    bool fits = (entry->first == 0 || entry->first == entry->lsn) && /* the first piece stands for all */
                (wish->source == GATE_SOURCE_NONE || wish->source == entry->source) &&
                (wish->reason.len == 0 || str_eq(wish->reason, str_of(reason_word(entry))));
    if (!fits)
        return true;
    look->fitting++;
    if (look->count_only || look->fitting <= wish->skip)
        return true;
    return say_entry(look, entry);
}

static err_t read_wish(struct command_call *call, struct wish *out, uint64_t *out_limit)
{
    struct str limit = command_text_or_empty(call, "limit");
    err_t err = command_source(call, "source", &out->source);
    out->reason = command_text_or_empty(call, "reason");
    *out_limit = UINT64_MAX;
    if (err != ERR_OK)
        return err;
    if (limit.len > 0 && (!str_to_u64(limit, UINT64_MAX, out_limit) || *out_limit == 0))
        return command_refuse(call, ERR_USAGE, NULL, "--limit is no number above 0");
    if (out->reason.len > 0 && !str_eq(out->reason, STR("refused")) &&
        !str_eq(out->reason, STR("conflict")) && !str_eq(out->reason, STR("piece")))
        return command_refuse(call, ERR_USAGE, NULL, "--reason is refused, conflict or piece");
    return ERR_OK;
}

/* Oldest first; with a limit the newest so many, which takes a count before. */
static err_t quarantine_list(struct command_call *call)
{
    struct look look = {.call = call, .count_only = true};
    uint64_t limit;
    err_t err = read_wish(call, &look.wish, &limit);
    if (err != ERR_OK)
        return err;
    if (limit != UINT64_MAX)
        err = gate_quarantine_list(call->host->gate, 0, list_entry, &look);
    look.wish.skip = look.fitting > limit ? look.fitting - limit : 0;
    look.fitting = 0;
    look.count_only = false;
    if (err == ERR_OK)
        err = gate_quarantine_list(call->host->gate, 0, list_entry, &look);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "%s", err_text(err));
}

static err_t number_of(struct command_call *call, uint64_t *out)
{
    struct str text;
    err_t err;
    if (TRY(err, command_text(call, "number", &text)))
        return err;
    if (!str_to_u64(text, UINT64_MAX, out) || *out == 0)
        return command_refuse(call, ERR_USAGE, "`bongsu quarantine list` numbers them", "not a number");
    return ERR_OK;
}

static bool find_next(void *ctx, const struct gate_quarantined *entry)
{
    struct look *look = ctx;
    look->next = entry->first == look->first ? entry->lsn : 0;
    return look->next == 0;
}

static err_t quarantine_show(struct command_call *call)
{
    struct look look = {.call = call};
    err_t err;
    if (TRY(err, number_of(call, &look.lsn)))
        return err;
    err = gate_quarantine_list(call->host->gate, look.lsn, say_entry, &look);
    if (err == ERR_OK && look.found && look.first != 0)
        err = gate_quarantine_list(call->host->gate, look.lsn + 1, find_next, &look);
    if (look.found) {
        if (look.next != 0)
            line_count(call->out, "next_piece", look.next);
        line_end(call->out);
    }
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (!look.found)
        return command_refuse(call, ERR_NOTFOUND, "`bongsu quarantine list` numbers them", "no such entry");
    return ERR_OK;
}

struct retrying {
    struct command_call *call;
    bool again; /* refused again */
};

static void say_answer(void *ctx, const struct gate_answer *answer)
{
    struct retrying *retrying = ctx;
    struct command_call *call = retrying->call;
    line_begin(call->out);
    line_text(call->out, "id", answer->id);
    line_word(call->out, "disposition", gate_disposition_word(answer->disposition));
    if (answer->fault == NULL) {
        line_word(call->out, "say", gate_disposition_word(answer->disposition));
        line_end(call->out);
        return;
    }
    retrying->again = true;
    line_count(call->out, "number", answer->lsn);
    line_word(call->out, "what", answer->fault->what);
    line_word(call->out, "pointer", answer->fault->pointer);
    line_end(call->out);
    line_say(call->out, "%s: %s%s%s; kept as %llu", gate_disposition_word(answer->disposition),
             answer->fault->what, answer->fault->pointer[0] == '\0' ? "" : ", ", answer->fault->pointer,
             (unsigned long long)answer->lsn);
}

static err_t quarantine_retry(struct command_call *call)
{
    uint64_t lsn;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, number_of(call, &lsn)))
        return err;
    struct retrying retrying = {.call = call};
    err = gate_quarantine_retry(call->host->gate, lsn, &by, call->now_us, say_answer, &retrying);
    if (err == ERR_UNSUPPORTED)
        return command_refuse(call, err, "bongsu quarantine show NUMBER > FILE, mend it there, and add that",
                              "it is larger than an object may be, of another format than STIX, or not what "
                              "its origin signed");
    if (err != ERR_OK)
        return command_refuse(call, err, "`bongsu quarantine list` numbers them", "%s",
                              err == ERR_NOTFOUND ? "no such entry" : err_text(err));
    if (retrying.again)
        return command_refuse(call, ERR_INVALID, "change what stood against it first",
                              "it was refused again");
    return ERR_OK;
}

static err_t quarantine_drop(struct command_call *call)
{
    uint64_t lsn;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, number_of(call, &lsn)))
        return err;
    if (TRY(err, gate_quarantine_drop(call->host->gate, lsn, &by, call->now_us)))
        return command_refuse(call, err, "`bongsu quarantine list` numbers them", "%s",
                              err == ERR_NOTFOUND ? "no such entry" : err_text(err));
    line_say(call->out, "dropped; the next run of the retention destroys its bytes for good");
    return ERR_OK;
}

const struct command command_quarantine_rows[] = {
    {"quarantine.list", false, quarantine_list},
    {"quarantine.show", false, quarantine_show},
    {"quarantine.retry", true, quarantine_retry},
    {"quarantine.drop", true, quarantine_drop},
    {NULL, false, NULL},
};
