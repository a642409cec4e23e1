/* A partner that lies: from a drawn moment on, until the life heals, what one node sends is not what its
 * program said, but something bent, cut, repeated, old, meant for others, or signed anew by its own keys. Its
 * program knows nothing of it. What must hold: docs/simulation.md. */
#include <stdlib.h>

#include "core/wr.h"
#include "gate/halt.h"
#include "ledger/checkpoint.h"
#include "sync/wire.h"
#include "world.h"

/* What stops a link with an alarm, rightly; nothing else may. */
enum { LIES_OFTEN = 350, EVIDENCE_MAX = 1 << 20 };

void liar_init(struct world *world)
{
    struct liar *liar = &world->liar;
    liar->draw = draw_of(world->options.seed, 40, 0);
    liar->number = draw_below(&liar->draw, world->node_count);
    liar->ops_left = world->ops_left * (20 + draw_below(&liar->draw, 70)) / 100;
    if (world_has(world, WITH_LIARS))
        world_say(world, "%s lies, when %u operations are left", world->nodes[liar->number].name,
                  liar->ops_left);
}

void liar_deinit(struct world *world)
{
    for (size_t i = 0; i < world->liar.kept_count; i++)
        buf_deinit(&world->liar.kept[i].body);
}

static bool lies(struct world *world, unsigned from)
{
    struct liar *liar = &world->liar;
    return world_has(world, WITH_LIARS) && from == liar->number && world->ops_left > 0 &&
           world->ops_left <= liar->ops_left && draw_chance(&liar->draw, LIES_OFTEN);
}

static bool ends(const char *path, const char *word)
{
    size_t len = strlen(path), n = strlen(word);
    return len >= n && strcmp(path + len - n, word) == 0;
}

/* --- any body --- */

enum raw { RAW_FLIP, RAW_CUT, RAW_MORE, RAW_EMPTY, RAW_STATUS, RAW_LOST, RAW_OLD, RAW_OTHERS, RAWS };

static const struct buf *kept_answer(struct world *world, unsigned to, const char *path, bool others)
{
    const struct liar *liar = &world->liar;
    size_t first = draw_below(&world->liar.draw, LIAR_KEPT);
    for (size_t i = 0; i < liar->kept_count; i++) {
        const struct liar_kept *kept = &liar->kept[(first + i) % liar->kept_count];
        if ((kept->to != to) == others && strcmp(kept->path, path) == 0)
            return &kept->body;
    }
    return NULL;
}

static void replace(struct buf *body, struct bytes with)
{
    buf_clear(body);
    buf_put(body, with.at, with.len);
}

/* True: it may stop a link by right, since any word may stand where it was bent. */
static bool tell_raw(struct world *world, struct message *message, const char *path, enum raw raw)
{
    static const unsigned statuses[] = {200, 204, 302, 400, 404, 409, 500, 503, 999};
    struct draw *draw = &world->liar.draw;
    struct buf *body = &message->body;
    const struct buf *other = NULL;
    uint64_t at = draw_next(draw);
    switch (raw) {
    case RAW_FLIP:
        if (body->len > 0)
            body->at[at % body->len] ^= (uint8_t)(1u << draw_below(draw, 8));
        return true;
    case RAW_CUT:
        body->len = body->len > 0 ? at % body->len : 0;
        return false;
    case RAW_MORE:
        wr_u8(body, (uint8_t)at);
        return false;
    case RAW_EMPTY:
        buf_clear(body);
        return false;
    case RAW_STATUS:
        message->status = statuses[at % (sizeof statuses / sizeof *statuses)];
        return false;
    case RAW_LOST:
        message->at_us = -1;
        return false;
    default:
        other = kept_answer(world, message->to, path, raw == RAW_OTHERS);
        if (other != NULL)
            replace(body, buf_bytes(other));
        return other != NULL && ends(path, "hello"); /* it compares other sizes */
    }
}

/* --- pages --- */

struct page {
    struct sync_page head;
    struct bytes whole[LIMIT_SYNC_PAGE_LEAVES]; /* each entry as it stands there */
    struct sync_entry entry[LIMIT_SYNC_PAGE_LEAVES];
    struct buf text; /* a copy of the body, into which all of this points */
};

static bool page_open(struct page *page, const struct buf *body)
{
    buf_init(&page->text, LIMIT_SYNC_PAGE_BYTES);
    buf_put(&page->text, body->at, body->len);
    if (sync_page_read(buf_bytes(&page->text), &page->head, NULL) != ERR_OK || page->head.count == 0) {
        buf_deinit(&page->text);
        return false;
    }
    struct rd rd = rd_of(page->head.entries);
    for (uint32_t i = 0; i < page->head.count; i++) {
        const uint8_t *at = rd.at;
        page->entry[i] = sync_entry_next(&rd);
        page->whole[i] = bytes_of(at, (size_t)(rd.at - at));
    }
    return true;
}

static void page_say(const struct page *page, struct buf *body, struct str checkpoint,
                     const struct merkle_proof *proof)
{
    buf_clear(body);
    sync_page_head_write(body, page->head.epoch, page->head.from, page->head.count);
    for (uint32_t i = 0; i < page->head.count; i++)
        buf_put(body, page->whole[i].at, page->whole[i].len);
    sync_page_tail_write(body, checkpoint, proof);
}

/* Signed by a key of the liar's: its ledger's, or another. */
static void sign(struct world *world, struct str origin, uint64_t size, const struct hash *root,
                 enum sync_card_key by, struct buf *out)
{
    const struct node *node = &world->nodes[world->liar.number];
    struct note_key key;
    struct checkpoint checkpoint = {.origin = origin, .size = size, .root = *root, .extension = STR("")};
    buf_init(out, LIMIT_NOTE_BYTES);
    must(note_key_make(origin, NOTE_SIGNATURE, &node->keys[by].public, &key) == ERR_OK);
    must(checkpoint_sign(&checkpoint, &key, &node->keys[by], out) == ERR_OK);
}

static bool origin_of(struct str note, char out[LEDGER_ORIGIN_MAX], struct checkpoint *checkpoint)
{
    struct note parsed;
    if (note_parse(note, &parsed, NULL) != ERR_OK ||
        checkpoint_parse(parsed.text, checkpoint, NULL) != ERR_OK)
        return false;
    memcpy(out, checkpoint->origin.at, checkpoint->origin.len);
    checkpoint->origin.at = out;
    return true;
}

struct forged {
    const struct seen_ledger *ledger;
    struct hash last; /* in the place of leaf `size` - 1 */
    uint64_t size;
};

static err_t forged_hash(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    const struct forged *f = ctx;
    if (level > 0) {
        struct hash left, right;
        (void)forged_hash(ctx, level - 1, 2 * index, &left);
        (void)forged_hash(ctx, level - 1, 2 * index + 1, &right);
        *out = merkle_node(&left, &right);
        return ERR_OK;
    }
    *out = index == f->size - 1 ? f->last : f->ledger->at[index].leaf;
    return ERR_OK;
}

/* Another last leaf, in a tree that fits what came before it: nothing of it is wrong, but that the liar keeps
 * another one. */
static bool page_fork(struct world *world, struct page *page, struct message *message)
{
    char origin[LEDGER_ORIGIN_MAX];
    static uint8_t room[LIMIT_SYNC_PAGE_BYTES];
    const struct node *node = &world->nodes[world->liar.number];
    struct forged forged = {&node->ledger[message->to], {{0}}, page->head.from + page->head.count};
    struct bytes *last = &page->whole[page->head.count - 1];
    struct checkpoint checkpoint;
    struct merkle_proof proof = {0};
    struct hash root;
    struct buf note;
    if (forged.size > forged.ledger->count || last->len > sizeof room ||
        !origin_of(page->head.checkpoint, origin, &checkpoint) || ends(message->path, "urgent"))
        return false;
    memcpy(room, last->at, last->len);
    room[LEAF_SIZE - 1] ^= 1; /* of the commitment that only the issuer opens */
    *last = bytes_of(room, last->len);
    forged.last = merkle_leaf(bytes_of(room, LEAF_SIZE));
    struct merkle_source source = {&forged, forged_hash};
    must(merkle_root(&source, forged.size, &root) == ERR_OK);
    if (page->head.from > 0)
        must(merkle_consistency(&source, page->head.from, forged.size, &proof) == ERR_OK);
    sign(world, checkpoint.origin, forged.size, &root, SYNC_CARD_LEDGER, &note);
    page_say(page, &message->body, buf_str(&note), &proof);
    buf_deinit(&note);
    return true;
}

enum page_lie {
    PAGE_DROP,
    PAGE_SWAP,
    PAGE_DOUBLE,
    PAGE_BODIES,
    PAGE_OTHER,
    PAGE_STRANGER,
    PAGE_SECOND_PAST,
    PAGE_FORK,
    PAGE_LIES
};

/* With this leaf comes something else that was said once. */
static void page_other(struct world *world, struct page *page, unsigned at, struct buf *body)
{
    const struct things *things = &world->things;
    const struct thing *other = things->at[draw_below(&world->liar.draw, (unsigned)things->count)];
    const struct sync_entry *entry = &page->entry[at];
    struct leaf_opening opening;
    struct leaf leaf;
    struct buf text;
    if (entry->object.len == 0 || leaf_decode(entry->leaf, &leaf) != ERR_OK ||
        leaf_opening_decode(entry->opening, &opening) != ERR_OK)
        return;
    opening.content = hash_sha256(bytes_of(other->text, other->len));
    buf_init(&text, LIMIT_SYNC_PAGE_BYTES);
    sync_entry_write(&text, &leaf, &opening, bytes_of(other->text, other->len), &entry->beside);
    page->whole[at] = buf_bytes(&text);
    page_say(page, body, page->head.checkpoint, &page->head.proof);
    buf_deinit(&text);
}

/* What came with one leaf comes with the next. */
static void page_bodies(struct page *page, unsigned a, struct buf *body)
{
    struct buf text[2];
    for (unsigned i = 0; i < 2; i++) {
        struct bytes whole = page->whole[a + 1 - i];
        buf_init(&text[i], LIMIT_SYNC_PAGE_BYTES);
        buf_put(&text[i], page->entry[a + i].leaf.at, LEAF_SIZE);
        buf_put(&text[i], whole.at + LEAF_SIZE, whole.len - LEAF_SIZE);
    }
    for (unsigned i = 0; i < 2; i++)
        page->whole[a + i] = buf_bytes(&text[i]);
    page_say(page, body, page->head.checkpoint, &page->head.proof);
    buf_deinit(&text[0]);
    buf_deinit(&text[1]);
}

static bool tell_page(struct world *world, struct message *message, enum page_lie lie)
{
    static struct page page;
    struct draw *draw = &world->liar.draw;
    char origin[LEDGER_ORIGIN_MAX];
    struct checkpoint checkpoint;
    struct buf note;
    bool stops = false;
    if (!page_open(&page, &message->body) || !origin_of(page.head.checkpoint, origin, &checkpoint))
        return false;
    unsigned a = draw_below(draw, page.head.count), b = draw_below(draw, page.head.count);
    struct bytes was = page.whole[a];
    struct hash root = checkpoint.root;
    switch (lie) {
    case PAGE_DROP:
        memmove(page.whole + a, page.whole + a + 1, (page.head.count - a - 1) * sizeof *page.whole);
        page.head.count--;
        page_say(&page, &message->body, page.head.checkpoint, &page.head.proof);
        break;
    case PAGE_SWAP:
        page.whole[a] = page.whole[b];
        page.whole[b] = was;
        page_say(&page, &message->body, page.head.checkpoint, &page.head.proof);
        break;
    case PAGE_DOUBLE:
        page.whole[b] = was;
        page_say(&page, &message->body, page.head.checkpoint, &page.head.proof);
        break;
    case PAGE_BODIES:
        if (a + 1 < page.head.count)
            page_bodies(&page, a, &message->body);
        break;
    case PAGE_OTHER:
        page_other(world, &page, a, &message->body);
        break;
    case PAGE_FORK:
        stops = page_fork(world, &page, message);
        break;
    default:
        stops = lie == PAGE_SECOND_PAST;
        root.b[draw_below(draw, HASH_SIZE)] ^= stops ? 1 : 0;
        sign(world, checkpoint.origin, checkpoint.size, &root, stops ? SYNC_CARD_LEDGER : SYNC_CARD_COSIGN,
             &note);
        page_say(&page, &message->body, buf_str(&note), &page.head.proof);
        buf_deinit(&note);
        /* A tree of nothing fits every other one. */
        message->second_past = stops && page.head.from > 0;
    }
    buf_deinit(&page.text);
    return stops;
}

/* --- answers to hello --- */

enum hello_lie { HELLO_VERDICT, HELLO_RECEIPTED, HELLO_STRANGER, HELLO_SECOND_PAST, HELLO_EPOCH, HELLO_LIES };

static bool tell_hello(struct world *world, struct message *message, enum hello_lie lie)
{
    struct draw *draw = &world->liar.draw;
    struct sync_welcome welcome;
    struct checkpoint checkpoint;
    char origin[LEDGER_ORIGIN_MAX], other[LEDGER_ORIGIN_MAX];
    struct buf text, note;
    buf_init(&text, LIMIT_SYNC_PAGE_BYTES);
    buf_put(&text, message->body.at, message->body.len);
    buf_init(&note, LIMIT_NOTE_BYTES);
    bool stops = true;
    if (sync_welcome_read(buf_bytes(&text), &welcome) != ERR_OK || welcome.verdict != SYNC_GO_ON ||
        !origin_of(welcome.checkpoint, origin, &checkpoint)) {
        buf_deinit(&text);
        return false;
    }
    if (lie == HELLO_VERDICT) {
        welcome.verdict = (enum sync_verdict)(1 + draw_below(draw, SYNC_VERDICTS - 2));
        welcome.proof.count = 0;
    } else if (lie == HELLO_RECEIPTED) {
        welcome.receipted = draw_next(draw) % (welcome.size + 1);
        stops = false;
    } else if (lie == HELLO_EPOCH) {
        memcpy(other, welcome.origin.at, welcome.origin.len);
        other[welcome.origin.len - 1] ^= 1;
        welcome.origin.at = other;
    } else {
        struct hash root = checkpoint.root;
        stops = lie == HELLO_SECOND_PAST;
        root.b[0] ^= stops ? 1 : 0;
        buf_deinit(&note);
        sign(world, checkpoint.origin, checkpoint.size, &root, stops ? SYNC_CARD_LEDGER : SYNC_CARD_COSIGN,
             &note);
        welcome.checkpoint = buf_str(&note);
    }
    buf_clear(&message->body);
    sync_welcome_write(&message->body, &welcome);
    buf_deinit(&text);
    buf_deinit(&note);
    return stops;
}

/* --- what is told --- */

static void keep(struct world *world, const struct message *message, const char *path)
{
    struct liar *liar = &world->liar;
    if (message->from != liar->number || !world_has(world, WITH_LIARS) || message->body.len == 0)
        return;
    struct liar_kept *kept = &liar->kept[liar->kept_next];
    if (liar->kept_count == LIAR_KEPT)
        buf_deinit(&kept->body);
    else
        liar->kept_count++;
    liar->kept_next = (liar->kept_next + 1) % LIAR_KEPT;
    kept->to = message->to;
    memcpy(kept->path, path, strlen(path) + 1);
    buf_init(&kept->body, LIMIT_SYNC_PAGE_BYTES);
    buf_put(&kept->body, message->body.at, message->body.len);
}

void liar_answers(struct world *world, struct message *message, const char *path)
{
    struct draw *draw = &world->liar.draw;
    keep(world, message, path);
    if (!lies(world, message->from))
        return;
    bool shaped = message->status == 200 && draw_chance(draw, 600), stops;
    memcpy(message->path, path, strlen(path) + 1);
    if (shaped && ends(path, "feed"))
        stops = tell_page(world, message, (enum page_lie)draw_below(draw, PAGE_LIES));
    else if (shaped && ends(path, "hello"))
        stops = tell_hello(world, message, (enum hello_lie)draw_below(draw, HELLO_LIES));
    else
        stops = tell_raw(world, message, path, (enum raw)draw_below(draw, RAWS));
    world->liar.told++;
    world->liar.may_stop[message->to] |= stops && (ends(path, "feed") || ends(path, "hello"));
    world_say(world, "%s lies to %s about %s%s", world->nodes[message->from].name,
              world->nodes[message->to].name, path, stops ? ", which stops the link" : "");
}

/* --- what is asked --- */

enum receipt_lie { RECEIPT_ROOT, RECEIPT_REFUSED, RECEIPT_KEY, RECEIPT_HOLDER, RECEIPT_LIES };

/* A receipt by the liar's own keys that says what is not so, or says so by the wrong one of them. */
static void tell_receipt(struct world *world, struct message *message, enum receipt_lie lie)
{
    const struct node *node = &world->nodes[message->from];
    struct sync_receipt receipt;
    struct disposition held;
    struct note_key key;
    struct buf text, note;
    sync_card_receipt_key(&node->card, SYNC_CARD_DISPOSITION, &key);
    buf_init(&text, LIMIT_SYNC_PAGE_BYTES);
    buf_init(&note, LIMIT_NOTE_BYTES);
    buf_put(&text, message->body.at, message->body.len);
    if (sync_receipt_read(buf_bytes(&text), &receipt) == ERR_OK && receipt.refusal_count == 0 &&
        disposition_open(receipt.disposition, &key, &held, NULL) == ERR_OK) {
        struct sync_refusal refusal = {receipt.size - 1, ERR_DENIED};
        held.root.b[0] ^= lie == RECEIPT_ROOT;
        held.holder = lie == RECEIPT_HOLDER ? STR("somebody") : held.holder;
        if (lie == RECEIPT_REFUSED && receipt.before_count == 0) { /* it says no to what it has */
            receipt.refusal_count = held.refused_count = 1;
            held.refused = disposition_refused_add(&held.refused, refusal.seq, refusal.code);
        }
        enum sync_card_key by = lie == RECEIPT_KEY ? SYNC_CARD_COSIGN : SYNC_CARD_DISPOSITION;
        struct note_key signer;
        must(note_key_make(note_key_name(&key), NOTE_SIGNATURE, &node->keys[by].public, &signer) == ERR_OK);
        must(disposition_sign(&held, &signer, &node->keys[by], &note) == ERR_OK);
        receipt.disposition = buf_str(&note);
        buf_clear(&message->body);
        sync_receipt_write(&message->body, &receipt, &refusal);
    }
    buf_deinit(&text);
    buf_deinit(&note);
}

void liar_asks(struct world *world, struct message *message)
{
    struct draw *draw = &world->liar.draw;
    if (!lies(world, message->from))
        return;
    char *query = message->query;
    size_t len = strlen(query);
    world->liar.told++;
    if (ends(message->path, "receipt") && draw_chance(draw, 600))
        tell_receipt(world, message, (enum receipt_lie)draw_below(draw, RECEIPT_LIES));
    else if (len > 0 && draw_chance(draw, 800)) { /* another epoch, place or number: a digit of them */
        size_t at = draw_below(draw, (unsigned)len);
        query[at] = query[at] >= '0' && query[at] <= '9' ? (char)('0' + draw_below(draw, 10)) : query[at];
    } else
        (void)tell_raw(world, message, message->path, (enum raw)draw_below(draw, RAW_STATUS));
    world_say(world, "%s asks %s for %s?%s, and lies", world->nodes[message->from].name,
              world->nodes[message->to].name, message->path, query);
}

/* --- what must hold --- */

bool liar_about(const struct world *world, unsigned a, unsigned b)
{
    return world_has(world, WITH_LIARS) && (a == world->liar.number || b == world->liar.number);
}

/* What a signature shows to be a second past is not heard and passed over, and is kept as it was heard. */
void liar_heard(struct node *node, const struct message *message, const struct sync_status *before)
{
    struct sync_status status;
    struct gate_halt halt;
    struct arena arena;
    sync_session_status(node->session[message->from], &status);
    if (!message->second_past || status.failures == before->failures || before->state == SYNC_ALARM ||
        !node_is_up(node) || node->memory.struck || node_stands_still(node))
        return;
    arena_init(&arena, EVIDENCE_MAX);
    if (status.state != SYNC_ALARM)
        world_break(node->world, "%s heard of a second past of the ledger of %s and goes on: %s", node->name,
                    node->world->nodes[message->from].name, status.trouble.what);
    else if (gate_halted(node->gate, node->partner[message->from], &arena, &halt) != ERR_OK ||
             halt.shown.len == 0)
        world_break(node->world, "%s keeps no evidence of the second past of %s", node->name,
                    node->world->nodes[message->from].name);
    arena_deinit(&arena);
}

/* Only who was told what stops a link stands still, and takes nothing more. */
void liar_stopped(struct node *node, unsigned issuer, const struct sync_status *status)
{
    struct liar *liar = &node->world->liar;
    struct gate_halt halt;
    struct arena arena;
    if (node->number == liar->number)
        return; /* by the answers to its own lies */
    if (!liar_about(node->world, issuer, issuer) || !liar->may_stop[node->number]) {
        world_break(node->world, "%s: alarm on the link from %s: %s", node->name,
                    node->world->nodes[issuer].name, status->trouble.what);
        return;
    }
    arena_init(&arena, EVIDENCE_MAX);
    if (!node_stands_still(node) && gate_halted(node->gate, node->partner[issuer], &arena, &halt) != ERR_OK)
        world_break(node->world, "%s forgot why its link from %s stands still", node->name,
                    node->world->nodes[issuer].name);
    arena_deinit(&arena);
    if (liar->stopped[node->number] && status->held > liar->stopped_at[node->number])
        world_break(node->world, "%s takes over what %s shows after an alarm", node->name,
                    node->world->nodes[issuer].name);
    if (!liar->stopped[node->number])
        liar->stopped_at[node->number] = status->verified; /* a page may wait for its commit */
    liar->stopped[node->number] = true;
}

bool liar_stands_still(const struct node *node, unsigned issuer)
{
    struct sync_status status;
    sync_session_status(node->session[issuer], &status);
    return liar_about(node->world, node->number, issuer) && status.state == SYNC_ALARM;
}

/* A leaf of the liar's brought this: it is what the leaf commits to. */
void liar_brought(struct node *node, uint64_t leaf, uint32_t source, const struct thing *thing)
{
    const struct world *world = node->world;
    unsigned liar = world->liar.number;
    if (!world_has(world, WITH_LIARS) || !world_linked(world, node->number, liar) || leaf == 0 ||
        gate_peer_get(node->gate, node->partner[liar])->source != source)
        return;
    const struct seen_ledger *ledger = &world->nodes[liar].ledger[node->number];
    if (leaf > ledger->count || ledger->at[leaf - 1].thing != thing)
        world_break(node->world, "%s believes something else of leaf %llu of %s than it says:\n%.400s",
                    node->name, (unsigned long long)leaf - 1, world->nodes[liar].name, thing->text);
}

/* What is kept of the liar's ledger is signed by its ledger key. */
static void check_cursor(struct node *node, unsigned issuer)
{
    const struct node *liar = &node->world->nodes[issuer];
    struct gate_cursor cursor;
    struct checkpoint checkpoint;
    struct note_key key;
    char origin[LEDGER_ORIGIN_MAX];
    if (gate_cursor(node->gate, node->partner[issuer], &cursor) != ERR_OK)
        return;
    struct hash root = merkle_edge_root(&cursor.edge);
    if (cursor.edge.size > 0 &&
        (!origin_of(buf_str(&cursor.note), origin, &checkpoint) ||
         sync_card_ledger_key(&liar->card, checkpoint.origin, &key) != ERR_OK ||
         checkpoint_open(buf_str(&cursor.note), checkpoint.origin, &key, &checkpoint, NULL, NULL) != ERR_OK ||
         checkpoint.size != cursor.edge.size || !hash_eq(&checkpoint.root, &root)))
        world_break(node->world, "%s follows what %s never signed", node->name, liar->name);
    buf_deinit(&cursor.note);
}

/* The receipt that is kept is about what this node gave, by both keys of the liar. */
static void check_receipt(struct node *node, unsigned partner)
{
    const struct node *liar = &node->world->nodes[partner];
    struct sync_receipt receipt;
    struct disposition held;
    struct note_key key;
    struct hash root;
    struct buf notes;
    uint64_t size;
    buf_init(&notes, LIMIT_SYNC_PAGE_BYTES);
    sync_card_receipt_key(&liar->card, SYNC_CARD_DISPOSITION, &key);
    if (gate_receipt_notes(node->gate, node->partner[partner], &size, &notes) == ERR_OK &&
        (sync_receipt_read(buf_bytes(&notes), &receipt) != ERR_OK ||
         disposition_open(receipt.disposition, &key, &held, NULL) != ERR_OK || held.size != size ||
         gate_root(node->gate, node->partner[partner], size, &root) != ERR_OK ||
         !hash_eq(&held.root, &root) || !str_eq(held.holder, str_of(liar->name))))
        world_break(node->world, "%s keeps a receipt of %s for what it never gave", node->name, liar->name);
    buf_deinit(&notes);
}

void liar_settled(struct world *world)
{
    unsigned liar = world->liar.number;
    if (!world_has(world, WITH_LIARS) || world->broken)
        return;
    plant(BUG_NONE); /* who looks reads for himself */
    for (unsigned n = 0; n < world->node_count && !world->broken; n++) {
        if (n == liar || !world_linked(world, n, liar) || !node_is_up(&world->nodes[n]))
            continue;
        check_cursor(&world->nodes[n], liar);
        check_receipt(&world->nodes[n], liar);
    }
    plant(world->options.bug);
}

/* Now and then somebody asks the liar whether what it gave is here still. */
void liar_compare(struct world *world)
{
    struct liar *liar = &world->liar;
    if (!world_has(world, WITH_LIARS) || !draw_chance(&liar->draw, 200))
        return;
    struct node *node = &world->nodes[world_partner(world, liar->number, 0)];
    if (!node_is_up(node))
        return;
    (void)memory_of(node);
    (void)!sync_session_reconcile(node->session[liar->number], node_now(node));
    (void)memory_of(NULL);
    node->wake_at = world->now_us;
}

void liar_heal(struct world *world)
{
    if (world_has(world, WITH_LIARS) && node_is_up(&world->nodes[world->liar.number]))
        node_crash(&world->nodes[world->liar.number], SECOND_US); /* all say hello to it again */
}
