/* What a partner's view shows, for exports: the same leaves that its feed and its TAXII collection show, and
 * like those they pass the guard's reader before anybody sees them. */
#include "app/command.h"
#include "feeds/misp.h"

enum {
    PAGE_BYTES = 6 << 20, /* escaped it may double, and an object crosses it: below the reply's limit */
    PAGE_OBJECTS = 1000,  /* what the guard reads at a time */
};

struct showing {
    struct buf lines;    /* what is told */
    struct buf envelope; /* the objects of it, as the guard reads them */
    uint64_t to, next;
    size_t objects;
    bool withdrawn;
};

static void show_object(struct showing *showing, const struct gate_leaf *leaf)
{
    if (showing->objects++ > 0)
        buf_putc(&showing->envelope, ',');
    buf_put_str(&showing->envelope, str_from_bytes(leaf->object));
    line_begin(&showing->lines);
    line_count(&showing->lines, "seq", leaf->leaf.seq);
    line_text(&showing->lines, "object", str_from_bytes(leaf->object));
    line_end(&showing->lines);
}

/* Every op but a release takes what its subject brought out of the view; its content, if any, comes in. */
static bool show_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct showing *showing = ctx;
    struct buf *lines = &showing->lines;
    if (leaf->leaf.seq >= showing->to || buf_err(lines) != ERR_OK || lines->len >= PAGE_BYTES ||
        showing->objects == PAGE_OBJECTS)
        return false;
    showing->next = leaf->leaf.seq + 1;
    if (showing->withdrawn && leaf->opening.subject_seq != LEAF_SUBJECT_NONE) {
        line_begin(lines);
        line_count(lines, "withdrawn", leaf->opening.subject_seq);
        line_end(lines);
    } else if (!showing->withdrawn && leaf->object.len > 0) {
        show_object(showing, leaf);
    }
    return true;
}

/* Nothing is told of a page that the guard did not let go. */
static err_t look_last(struct command_call *call, const struct gate_peer *peer, struct showing *showing)
{
    err_t err;
    buf_put_str(&showing->envelope, STR("]}"));
    if (TRY(err, buf_err(&showing->lines)) || TRY(err, buf_err(&showing->envelope)))
        return command_refuse(call, err, NULL, "the view cannot be read: %s", err_text(err));
    if (showing->objects > 0)
        err = call->host->last_look == NULL
                  ? ERR_UNSUPPORTED
                  : call->host->last_look(call->host->ctx, peer->index, buf_bytes(&showing->envelope));
    if (err == ERR_DENIED)
        return command_refuse(call, err, "`bongsu status`; after a look at the object `bongsu guard resume`",
                              "the guard holds what is for %.*s", STR_ARG(peer->audience));
    if (err != ERR_OK)
        return command_refuse(call, err, "try again", "the guard could not read the view: %s", err_text(err));
    buf_put_str(call->out, buf_str(&showing->lines));
    return ERR_OK;
}

static err_t show_page(struct command_call *call, const struct gate_peer *peer, struct showing *showing)
{
    err_t err = ERR_OK;
    buf_init(&showing->lines, LIMIT_CONTROL_REPLY_BYTES);
    buf_init(&showing->envelope, LIMIT_CONTROL_REPLY_BYTES);
    buf_put_str(&showing->envelope, STR("{\"objects\":["));
    if (showing->next < showing->to &&
        TRY(err, gate_leaves(call->host->gate, peer->index, showing->next, show_leaf, showing)))
        err = command_refuse(call, err, NULL, "the view cannot be read: %s", err_text(err));
    else
        err = look_last(call, peer, showing);
    buf_deinit(&showing->envelope);
    buf_deinit(&showing->lines);
    return err;
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
    struct showing showing = {.to = to < ledger.visible ? to : ledger.visible,
                              .next = from,
                              .withdrawn = command_flag(call, "withdrawn")};
    if (TRY(err, show_page(call, peer, &showing)))
        return err;
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
