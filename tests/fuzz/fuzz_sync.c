/* Everything of synchronisation that parses a stranger's bytes: cards, the six bodies, the feed's query. The
 * first byte chooses. What was read is written again and must be the same bytes: there is one spelling. */
#include <stdlib.h>

#include "sync/card.h"
#include "sync/recall.h"
#include "sync/wire.h"

static void same(const struct buf *made, struct bytes wire)
{
    if (buf_err(made) != ERR_OK || !bytes_eq(buf_bytes(made), wire))
        abort();
}

static void page(struct bytes wire)
{
    struct sync_page page;
    struct fault fault = {.code = ERR_OK};
    if (sync_page_read(wire, &page, &fault) != ERR_OK) {
        if (fault.code == ERR_OK || fault.offset > wire.len)
            abort();
        return;
    }
    struct rd rd = rd_of(page.entries);
    for (uint32_t i = 0; i < page.count; i++) {
        struct sync_entry entry = sync_entry_next(&rd);
        struct leaf leaf;
        struct leaf_opening opening;
        if (leaf_decode(entry.leaf, &leaf) == ERR_OK && entry.parts != 0 &&
            leaf_opening_decode(entry.opening, &opening) == ERR_OK)
            (void)!leaf_opening_verify(&leaf, &opening, false);
    }
    if (rd_end(&rd) != ERR_OK)
        abort();
}

static void receipt(struct bytes wire, struct buf *made)
{
    static struct sync_refusal list[LIMIT_SYNC_REFUSALS];
    struct sync_receipt receipt;
    if (sync_receipt_read(wire, &receipt) != ERR_OK)
        return;
    struct rd rd = rd_of(receipt.refusals);
    for (size_t i = 0; i < receipt.refusal_count; i++)
        list[i] = sync_refusal_next(&rd);
    (void)sync_receipt_digest(&receipt);
    sync_receipt_write(made, &receipt, list);
    same(made, wire);
}

static void hello(struct bytes wire, struct buf *made)
{
    struct sync_hello hello;
    if (sync_hello_read(wire, &hello) != ERR_OK)
        return;
    sync_hello_write(made, &hello);
    same(made, wire);
}

static void welcome(struct bytes wire, struct buf *made)
{
    struct sync_welcome welcome;
    if (sync_welcome_read(wire, &welcome) != ERR_OK)
        return;
    sync_welcome_write(made, &welcome);
    same(made, wire);
}

/* A card that a fuzzer finds is not signed; the words are for any. */
static void card(struct bytes wire)
{
    struct sync_card card;
    struct fault fault = {.code = ERR_OK};
    char words[SYNC_CARD_WORDS_SIZE];
    if (sync_card_parse(str_from_bytes(wire), &card, &fault) == ERR_OK)
        sync_card_words(&card, words);
    else if (fault.code == ERR_OK)
        abort();
}

static void shown(struct bytes wire, struct buf *made)
{
    struct sync_shown shown;
    if (sync_shown_read(wire, &shown) != ERR_OK)
        return;
    sync_shown_write(made, &shown);
    same(made, wire);
    for (size_t i = 0; i < shown.count; i++)
        card(bytes_from_str(shown.cards[i]));
}

/* The note is not signed by anybody. */
static void recall(struct bytes wire, struct buf *made)
{
    struct sync_recall_done done;
    struct note_key key;
    struct sign_public nobody = {SUITE_1, {1}};
    uint32_t epoch;
    struct str note;
    if (sync_recall_read(wire, &epoch, &note) != ERR_OK)
        return;
    sync_recall_write(made, epoch, note);
    same(made, wire);
    must(note_key_make(STR("bongsu/us/recall"), NOTE_SIGNATURE, &nobody, &key) == ERR_OK);
    if (sync_recall_open(note, &key, &done) == ERR_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static int started;
    struct sync_feed feed;
    struct buf made;
    if (!started && sign_start() != ERR_OK)
        abort();
    started = 1;
    if (size == 0)
        return 0;
    struct bytes wire = bytes_of(bytes + 1, size - 1);
    uint64_t receipted;
    buf_init(&made, LIMIT_SYNC_PAGE_BYTES);
    switch (bytes[0] % 8) {
    case 0:
        page(wire);
        break;
    case 1:
        receipt(wire, &made);
        break;
    case 2:
        hello(wire, &made);
        break;
    case 3:
        welcome(wire, &made);
        break;
    case 4:
        card(wire);
        break;
    case 5:
        (void)!sync_feed_read(str_from_bytes(wire), &feed);
        break;
    case 7:
        shown(wire, &made);
        break;
    default:
        (void)!sync_received_read(wire, &receipted);
        recall(wire, &made);
    }
    buf_deinit(&made);
    return 0;
}
