#include "gate/echo.h"

#include "core/mem.h"
#include "core/stamp.h"
#include "gate/echo_form.h"
#include "gate/echo_misp.h"
#include "gate/query.h"
#include "gate/state.h"

enum { ARENA_BYTES = 16 << 20 }; /* two patterns of the largest size, as trees */

struct echo {
    struct json_parser *parser, *held_parser;
    struct buf held, canon; /* a copy that is held; canonical texts */
    struct arena arena;
};

static err_t echo_new(struct echo **out)
{
    struct echo *echo = mem_alloc(sizeof *echo);
    err_t err;
    if (echo == NULL)
        return ERR_NOMEM;
    buf_init(&echo->held, LIMIT_OBJECT_BYTES + JSON_PADDING);
    buf_init(&echo->canon, 4 * LIMIT_OBJECT_BYTES);
    arena_init(&echo->arena, ARENA_BYTES);
    if (TRY(err, json_parser_new(LIMIT_OBJECT_BYTES, &echo->parser)) ||
        TRY(err, json_parser_new(LIMIT_OBJECT_BYTES, &echo->held_parser))) {
        echo_close(echo);
        return err;
    }
    *out = echo;
    return ERR_OK;
}

void echo_close(struct echo *echo)
{
    if (echo == NULL)
        return;
    json_parser_free(echo->parser);
    json_parser_free(echo->held_parser);
    buf_deinit(&echo->held);
    buf_deinit(&echo->canon);
    arena_deinit(&echo->arena);
    mem_free(echo);
}

/* --- one copy that is held --- */

struct looking {
    struct gate *gate;
    struct echo *echo;
    const struct gate_submission *submission;
    struct json_val came;
    bool known;   /* the digests of what came */
    bool settled; /* a version of the same date was held against it */
    struct hash whole, lasting;
    enum echo_kind kind;
};

/* Of what somebody else brought: is it one that others may have got from us? */
static bool may_echo(const struct gate *gate, const struct gate_object *object)
{
    const struct gate_source *source = gate_source_get(gate, object->envelope.source);
    return source != NULL && (source->own || source->partner >= 0 || object->released != 0);
}

/* What MISP shortened it has from here: what a partner alone said it has from him, and is not to hide what
 * others say of it. */
static bool may_have_left(const struct gate *gate, const struct gate_object *object)
{
    return object->released != 0 || gate_source_get(gate, object->envelope.source)->own;
}

/* Does the submitter know of it? Only under this identifier: what was minted of it says nothing of this one.
 */
static bool is_told(const struct looking *looking, const struct gate_object *object)
{
    const struct gate_submission *submission = looking->submission;
    struct state state;
    return submission->echoes != GATE_ECHOES_OF_VIEW ||
           (state_load(looking->gate, object->lsn, &state) == ERR_OK &&
            (state.released >> submission->reader & 1) != 0);
}

static bool know(struct looking *looking)
{
    struct echo *echo = looking->echo;
    looking->known = looking->known || (echo_digest(looking->came, false, &echo->canon, &looking->whole) &&
                                        echo_digest(looking->came, true, &echo->canon, &looking->lasting));
    return looking->known;
}

static enum echo_kind kind_of(struct looking *looking, const struct gate_object *object, struct json_val held)
{
    struct echo *echo = looking->echo;
    struct hash whole, lasting;
    if (!know(looking) || !echo_digest(held, false, &echo->canon, &whole) ||
        !echo_digest(held, true, &echo->canon, &lasting))
        return ECHO_NONE;
    if (hash_eq(&whole, &looking->whole))
        return ECHO_UNCHANGED;
    bool rewritten = hash_eq(&lasting, &looking->lasting) ||
                     (may_have_left(looking->gate, object) &&
                      echo_is_misp(looking->came, held, &echo->arena, &echo->canon));
    return rewritten ? ECHO_REWRITTEN : ECHO_NONE;
}

static bool read_held(struct echo *echo, const struct gate_object *object, struct json_doc *out)
{
    buf_clear(&echo->held);
    buf_put(&echo->held, object->bytes.at, object->bytes.len);
    return buf_extend(&echo->held, JSON_PADDING) != NULL &&
           json_parse(echo->held_parser, bytes_of(echo->held.at, object->bytes.len), out, NULL) == ERR_OK;
}

/* --- all of them --- */

/* Date of `held` against that of `came`; what has none counts as later. */
static int order_of(struct json_val held, struct json_val came)
{
    struct str a, b;
    struct stamp x, y;
    if (!json_get_str(held, STR("modified"), &a) || !json_get_str(came, STR("modified"), &b) ||
        stamp_parse(a, &x, NULL) != ERR_OK || stamp_parse(b, &y, NULL) != ERR_OK)
        return 1;
    return stamp_cmp(x, y);
}

/* Versions come in order: of those up to the date of what came, the last one counts. Under that date itself
 * the version that is held counts, whoever brought it: another copy of it may be stricter, and binds. */
static bool compare(void *ctx, const struct gate_object *object)
{
    struct looking *looking = ctx;
    struct echo *echo = looking->echo;
    struct json_doc doc;
    if (object->quarantined || object->envelope.source == looking->submission->source ||
        !is_told(looking, object) || !read_held(echo, object, &doc))
        return true;
    int order = order_of(json_root(&doc), looking->came);
    if (order > 0 && looking->settled)
        return false;
    bool may = may_echo(looking->gate, object), settles = order == 0 && !object->assertion;
    enum echo_kind kind = may ? kind_of(looking, object, json_root(&doc)) : ECHO_NONE;
    if (kind != ECHO_NONE || (may && order <= 0) || settles)
        looking->kind = kind; /* none: older content under a newer date: somebody took that version back */
    looking->settled = looking->settled || settles;
    return looking->kind != ECHO_UNCHANGED;
}

/* --- the node's own words --- */

/* In this node's own name, and not held here: its word that something was taken back, its identity. Nobody
 * else speaks in its name. */
static bool is_own_word(struct gate *gate, struct json_val root, const struct stix_key *key)
{
    struct stix_key self, creator;
    struct gate_minted minted;
    struct gate_reach reach;
    struct json_val revoked;
    struct str text;
    if (!gate_self(gate, &self) ||
        (!stix_key_eq(&self, key) && (!json_get_str(root, STR("created_by_ref"), &text) ||
                                      !stix_id_parse(text, &creator) || !stix_key_eq(&self, &creator))))
        return false;
    if (json_get(root, STR("revoked"), &revoked) && json_is(revoked, JSON_TRUE))
        return true;
    return gate_minted(gate, key, &minted) == ERR_NOTFOUND && gate_reach(gate, key, &reach) == ERR_OK &&
           !reach.held;
}

static enum echo_kind judge(struct gate *gate, const struct gate_submission *submission, struct bytes object)
{
    struct json_doc doc;
    struct str id;
    struct stix_key key;
    bool speaks = false;
    if (json_parse(gate->echo->parser, object, &doc, NULL) != ERR_OK ||
        !json_get_str(json_root(&doc), STR("id"), &id) || !stix_id_parse(id, &key))
        return ECHO_NONE; /* the gate says what is wrong */
    struct looking looking = {
        .gate = gate, .echo = gate->echo, .submission = submission, .came = json_root(&doc)};
    if (gate_versions(gate, &key, compare, &looking) != ERR_OK)
        return ECHO_NONE;
    if (looking.kind == ECHO_REWRITTEN)
        return gate_speaks(gate, &key, submission->source, &speaks) != ERR_OK || speaks ? ECHO_NONE
                                                                                        : ECHO_REWRITTEN;
    if (looking.kind == ECHO_NONE && is_own_word(gate, json_root(&doc), &key))
        return ECHO_REWRITTEN;
    return looking.kind;
}

err_t echo_look(struct gate *gate, const struct gate_submission *submission, struct bytes object,
                enum echo_kind *out)
{
    err_t err;
    *out = ECHO_NONE;
    if (submission->echoes == GATE_ECHOES_TAKEN)
        return ERR_OK;
    if (gate->echo == NULL && TRY(err, echo_new(&gate->echo)))
        return err;
    *out = judge(gate, submission, object);
    return ERR_OK;
}
