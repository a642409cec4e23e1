/* Looking at one object: every copy that is held, and where it went. */
#include "app/command.h"

/* False: no origin signed it. */
static bool origin_of(const struct gate_object *object, struct voucher *out)
{
    struct rd rd = rd_of(object->voucher.wire);
    voucher_read(&rd, out);
    return object->voucher.wire.len > 0;
}

/* Beside a copy: the node where it entered, when that signed it, and what is known of the signature. */
void command_put_origin(struct buf *out, const struct gate_object *object)
{
    const struct gate_voucher *came = &object->voucher;
    struct voucher voucher;
    if (!origin_of(object, &voucher))
        return;
    line_text(out, "origin", voucher.node);
    line_bool(out, "origin_verified", came->state == GATE_VOUCHED_VERIFIED);
    if (came->state == GATE_VOUCHED_VERIFIED)
        line_count(out, "origin_card", came->card);
    if (voucher.limits.len > 0)
        line_text(out, "origin_limits", voucher.limits);
    line_base64(out, "voucher", came->wire);
}

void command_say_origin(struct buf *out, const struct gate_object *object)
{
    const struct gate_voucher *came = &object->voucher;
    struct voucher voucher;
    if (!origin_of(object, &voucher))
        return;
    if (came->state == GATE_VOUCHED_VERIFIED)
        line_say(out, "lsn %llu, origin: %.*s, signed, verified (card %llu)", (unsigned long long)object->lsn,
                 STR_ARG(voucher.node), (unsigned long long)came->card);
    else
        line_say(out, "lsn %llu, origin: %.*s, signed, not verified: no card that is here names that key",
                 (unsigned long long)object->lsn, STR_ARG(voucher.node));
}

static bool say_copy(void *ctx, const struct gate_object *object)
{
    struct command_call *call = ctx;
    const struct gate_source *source = gate_source_get(call->host->gate, object->envelope.source);
    line_begin(call->out);
    line_count(call->out, "lsn", object->lsn);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_time(call->out, "received", object->envelope.received_us);
    line_bool(call->out, "newest", object->newest);
    line_bool(call->out, "current", object->current_view);
    line_bool(call->out, "assertion", object->assertion);
    line_bool(call->out, "quarantined", object->quarantined);
    line_count(call->out, "bytes", object->bytes.len);
    if (object->mended.len > 0) {
        line_text(call->out, "mended", object->mended);
        line_text(call->out, "original", str_from_bytes(object->original));
    }
    command_put_origin(call->out, object);
    line_text(call->out, "object", str_from_bytes(object->bytes));
    line_end(call->out);
    command_say_origin(call->out, object);
    if (object->mended.len > 0)
        line_say(call->out, "minted from what came, whose %zu bytes are kept (--json shows them): %.*s",
                 object->original.len, STR_ARG(object->mended));
    return buf_err(call->out) == ERR_OK;
}

bool command_say_marking(void *ctx, const struct gate_marking *marking)
{
    struct command_call *call = ctx;
    line_begin(call->out);
    line_text(call->out, "marking", marking->id);
    line_bool(call->out, "granular", marking->granular);
    line_word(call->out, "state", marking->state);
    line_word(call->out, "tlp", stix_tlp_name(marking->tlp));
    line_word(call->out, "read", marking->why);
    if (marking->keeps != NULL)
        line_word(call->out, "keeps", marking->keeps);
    line_end(call->out);
    line_say(call->out, "marking %.*s%s: %s%s%s (%s)%s%s", STR_ARG(marking->id),
             marking->granular ? " (granular)" : "", marking->state,
             marking->tlp == STIX_TLP_NONE ? "" : ", tlp:",
             marking->tlp == STIX_TLP_NONE ? "" : stix_tlp_name(marking->tlp), marking->why,
             marking->keeps == NULL ? "" : "; ", marking->keeps == NULL ? "" : marking->keeps);
    return buf_err(call->out) == ERR_OK;
}

/* What a lenient source calls by its own identifier is held under a minted one. */
static err_t each_minted(struct command_call *call, bool (*say)(void *ctx, const struct gate_object *object))
{
    struct stix_key object;
    struct str id;
    struct buf minted;
    err_t err = command_text(call, "id", &id);
    if (err != ERR_OK)
        return err;
    buf_init(&minted, LIMIT_ID_BYTES);
    gate_minted_id(call->host->gate, id, &minted);
    if (minted.len > 0 && stix_id_parse(buf_str(&minted), &object)) {
        size_t before = call->out->len;
        line_say(call->out, "%.*s is held as %.*s", STR_ARG(id), STR_ARG(buf_str(&minted)));
        size_t told = call->out->len;
        err = gate_versions(call->host->gate, &object, say, call);
        if (call->out->len == told)
            call->out->len = before;
    }
    buf_deinit(&minted);
    return err;
}

/* Nothing is held under what this node minted for others: whoever asks for it is told what it stands for. */
static err_t refuse_unknown(struct command_call *call)
{
    struct command_meant meant;
    char id[COMMAND_ID_SIZE];
    err_t err;
    if (TRY(err, command_meant(call, "id", &meant)))
        return err;
    command_id_text(&meant.key, id);
    if (call->out->len == 0)
        command_say_meant(call, &meant);
    if (meant.source)
        return command_refuse(call, ERR_NOTFOUND, "`bongsu get ID` shows that one",
                              "no such object is held; it was minted for a partner from %s", id);
    return command_refuse(call, ERR_NOTFOUND, NULL, "no such object is held");
}

err_t command_each_copy(struct command_call *call, bool (*say)(void *ctx, const struct gate_object *object))
{
    struct stix_key object;
    err_t err;
    if (TRY(err, command_object(call, "id", &object)))
        return err;
    size_t before = call->out->len;
    err = gate_versions(call->host->gate, &object, say, call);
    if (err == ERR_OK && call->out->len == before)
        err = each_minted(call, say);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (call->out->len == before)
        return refuse_unknown(call);
    return ERR_OK;
}

static err_t object_show(struct command_call *call)
{
    return command_each_copy(call, say_copy);
}

const struct command command_object_rows[] = {
    {"object.show", false, object_show},
    {NULL, false, NULL},
};
