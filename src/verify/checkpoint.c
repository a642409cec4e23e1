#include "verify/verify.h"

/* "bongsu/<issuer>/<audience>/<epoch>", and "/urgent" behind it; or "bongsu-log/<node>/<epoch>". Another
 * log's origin is a name like any other; one that begins as ours must be ours. */
bool verify_origin_parse(struct span line, struct verify_origin *out)
{
    struct span rest = line, issuer, audience, number;
    char name[VERIFY_NAME_MAX + 1];
    uint64_t epoch;
    *out = (struct verify_origin) {.ledger = false};
    if (line.len == 0 || line.len > VERIFY_KEY_NAME_MAX)
        return false;
    memcpy(out->text, line.at, line.len);
    out->log = verify_head_take(&rest, "bongsu-log/");
    out->ledger = !out->log && verify_head_take(&rest, "bongsu/");
    if (out->log || out->ledger) {
        if (!verify_cut(&rest, '/', &issuer) || !verify_name(issuer, name) ||
            (out->ledger && (!verify_cut(&rest, '/', &audience) || !verify_name(audience, name))))
            return false;
        out->urgent = out->ledger && verify_cut(&rest, '/', &number);
        if (!verify_number(out->urgent ? number : rest, UINT32_MAX, &epoch) ||
            (out->urgent && !verify_same(rest, verify_span_of("urgent"))))
            return false;
        out->epoch = (uint32_t)epoch;
    }
    return true;
}

static bool checkpoint_parse(struct span text, struct verify_checkpoint *out)
{
    struct span line;
    if (!verify_cut(&text, '\n', &line) || !verify_origin_parse(line, &out->origin) ||
        !verify_number_line(&text, VERIFY_SIZE_MAX, &out->size) || !verify_digest_line(&text, &out->root))
        return false;
    /* Extension lines: none in ours, none that is empty in another log. */
    while (verify_cut(&text, '\n', &line))
        if (out->origin.ledger || out->origin.log || line.len == 0)
            return false;
    return text.len == 0;
}

bool verify_checkpoint_open(struct span whole, struct verify_checkpoint *out, struct verify *v)
{
    struct verify_note note;
    struct span rest, origin;
    struct verify_signers signers;
    *out = (struct verify_checkpoint) {.size = 0};
    if (!verify_note_parse(whole, &note, v))
        return false;
    /* The first line names the key to try, and nothing else: the key's own name must be the line. */
    rest = note.text;
    if (!verify_cut(&rest, '\n', &origin) || !verify_note_signed(&note, VERIFY_LOG, origin, &signers, v))
        return verify_refuse(v, "a checkpoint without an origin");
    if (signers.count == 0)
        return verify_refuse(v, "not signed by any given key or card of the log %.*s",
                             origin.len > VERIFY_KEY_NAME_MAX ? VERIFY_KEY_NAME_MAX : (int)origin.len,
                             origin.at);
    if (!checkpoint_parse(note.text, out))
        return verify_refuse(v, "a signed text that is no checkpoint: origin, size, root");
    memcpy(out->words, signers.at[0].key.words, sizeof out->words);
    return verify_note_signed(&note, VERIFY_COSIGNER, origin, &out->cosigners, v);
}

/* --- receipts --- */
static bool disposition_parse(struct span text, unsigned kind, struct verify_receipt *out)
{
    struct span line;
    return verify_cut(&text, '\n', &line) && verify_suite(line, "bongsu/disposition/v1") == kind &&
           verify_cut(&text, '\n', &line) && verify_origin_parse(line, &out->origin) && out->origin.ledger &&
           verify_cut(&text, '\n', &line) && verify_name(line, out->holder) &&
           verify_number_line(&text, VERIFY_SIZE_MAX, &out->size) && verify_digest_line(&text, &out->root) &&
           verify_number_line(&text, out->size, &out->refused_count) &&
           verify_digest_line(&text, &out->refused) && text.len == 0;
}

/* "bongsu/<holder>/<role>" is among them. */
static bool signed_as(const struct verify_signers *signers, const char *holder, const char *role)
{
    char name[VERIFY_KEY_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, "bongsu/%s/%s", holder, role);
    for (size_t i = 0; i < signers->count; i++)
        if (strcmp(signers->at[i].key.name, name) == 0)
            return true;
    return false;
}

bool verify_receipt_open(struct span disposition, const struct verify_checkpoint *checkpoint,
                         struct verify_receipt *out, struct verify *v)
{
    struct verify_note note;
    struct verify_signers signers;
    if (!verify_note_parse(disposition, &note, v) ||
        !verify_note_signed(&note, VERIFY_HOLDER, SPAN_NONE, &signers, v))
        return false;
    if (signers.count == 0)
        return verify_refuse(v, "the disposition note is not signed by any given key or card");
    if (!disposition_parse(note.text, (unsigned)signers.at[0].key.form->size / 32, out))
        return verify_refuse(v, "a signed text that is no disposition note");
    if (!signed_as(&signers, out->holder, "disposition"))
        return verify_refuse(v, "a disposition note of %s, signed by %s", out->holder,
                             signers.at[0].key.name);
    if (strcmp(checkpoint->origin.text, out->origin.text) != 0 || checkpoint->size != out->size ||
        !verify_digest_same(&checkpoint->root, &out->root))
        return verify_refuse(v, "the disposition note is of another checkpoint");
    return signed_as(&checkpoint->cosigners, out->holder, "cosign") ||
           verify_refuse(v, "%s did not cosign the checkpoint: a receipt is both", out->holder);
}
