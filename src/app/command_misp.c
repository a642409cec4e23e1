/* What a partner's view shows, for exports: the same leaves that its feed and its TAXII collection show. */
#include "app/command.h"
#include "feeds/misp.h"

enum { PAGE_BYTES = 6 << 20 }; /* escaped it may double, and an object crosses it: below the reply's limit */

struct showing {
    struct command_call *call;
    uint64_t to, next;
    bool withdrawn;
};

/* Every op but a release takes what its subject brought out of the view; its content, if any, comes in. */
static bool show_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct showing *showing = ctx;
    struct buf *out = showing->call->out;
    if (leaf->leaf.seq >= showing->to || buf_err(out) != ERR_OK || out->len >= PAGE_BYTES)
        return false;
    showing->next = leaf->leaf.seq + 1;
    if (showing->withdrawn && leaf->opening.subject_seq != LEAF_SUBJECT_NONE) {
        line_begin(out);
        line_count(out, "withdrawn", leaf->opening.subject_seq);
        line_end(out);
    } else if (!showing->withdrawn && leaf->object.len > 0) {
        line_begin(out);
        line_count(out, "seq", leaf->leaf.seq);
        line_text(out, "object", str_from_bytes(leaf->object));
        line_end(out);
    }
    return true;
}

/* Leaves [from, to) of a view, a page at a time; `to` is what is visible when none is given. */
static err_t misp_view(struct command_call *call)
{
    const struct gate_peer *peer;
    struct gate_ledger ledger;
    uint64_t from = 0, to = UINT64_MAX;
    struct str text = command_text_or_empty(call, "from");
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    if (text.len > 0 && !str_to_u64(text, INT64_MAX, &from))
        return command_refuse(call, ERR_USAGE, NULL, "from is no number");
    text = command_text_or_empty(call, "to");
    if (text.len > 0 && !str_to_u64(text, INT64_MAX, &to))
        return command_refuse(call, ERR_USAGE, NULL, "to is no number");
    if (TRY(err, gate_ledger(call->host->gate, peer->index, &ledger)))
        return command_refuse(call, err, NULL, "the view cannot be read: %s", err_text(err));
    if (ledger.stopped)
        return command_refuse(call, ERR_CORRUPT, "bongsu check", "the ledger of this view is stopped");
    if (call->host->view_read != NULL)
        call->host->view_read(call->host->ctx, peer->index);
    struct showing showing = {.call = call,
                              .to = to < ledger.visible ? to : ledger.visible,
                              .next = from,
                              .withdrawn = command_flag(call, "withdrawn")};
    if (from < showing.to && TRY(err, gate_leaves(call->host->gate, peer->index, from, show_leaf, &showing)))
        return command_refuse(call, err, NULL, "the view cannot be read: %s", err_text(err));
    line_begin(call->out);
    line_count(call->out, "next", showing.next);
    line_count(call->out, "to", showing.to);
    /* Decided and not yet signed: ask again in a moment. */
    line_bool(call->out, "more", call->host->view_read != NULL && ledger.size > ledger.visible);
    line_end(call->out);
    return ERR_OK;
}

/* A sharing group names organisations of somebody's MISP; only an operator knows which partners those are. */
static err_t misp_group(struct command_call *call)
{
    struct str text;
    struct uuid group;
    struct stix_key marking;
    char id[MISP_GROUP_MARKING_SIZE];
    err_t err;
    if (TRY(err, command_text(call, "group", &text)))
        return err;
    if (!uuid_parse(text, &group))
        return command_refuse(call, ERR_USAGE, "MISP shows it: Global Actions, List Sharing Groups",
                              "%.*s is no uuid", STR_ARG(text));
    if (command_text_or_empty(call, "partners").len == 0)
        return command_refuse(call, ERR_USAGE, "--partners us-cisa,jp-nisc, or --partners none",
                              "which partners are in the group?");
    misp_group_marking(&group, id);
    must(stix_id_parse((struct str) {id, sizeof id}, &marking));
    return command_grant(call, &marking);
}

const struct command command_misp_rows[] = {
    {"misp.view", false, misp_view},
    {"misp.group", true, misp_group},
    {NULL, false, NULL},
};
