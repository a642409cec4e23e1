/* hello, and the checkpoints that it and pages end with: signed by the key that our card names now, or signed
 * once more. */
#include "sync/serve_state.h"

/* The greatest version that both speak; 0: none, or no suite. */
static uint8_t version_of(const struct sync_hello *hello)
{
    uint8_t version = 0;
    bool suite = false;
    for (size_t i = 0; i < hello->version_count; i++)
        if (hello->versions[i] >= SYNC_VERSION_MAIN && hello->versions[i] <= SYNC_VERSION_NEWEST)
            version = hello->versions[i];
    for (size_t i = 0; i < hello->suite_count; i++)
        suite = suite || hello->suites[i] == SYNC_SUITE;
    return suite ? version : 0;
}

static bool is_enough(const struct sync_serve *serve, unsigned number)
{
    return sync_own_enough(serve->own, &serve->partners[gate_ledger_partner(number)].cards.present, NULL) ==
           ERR_OK;
}

/* Compares with what the caller holds; *proof is written when it may go on. */
static err_t judge(struct sync_serve *serve, unsigned number, const struct sync_hello *hello,
                   const struct gate_ledger *ledger, struct sync_welcome *welcome)
{
    welcome->verdict = SYNC_GO_ON;
    if (!is_enough(serve, number) ||
        welcome->version < (ledger->origin.urgent ? SYNC_VERSION_URGENT : SYNC_VERSION_MAIN))
        welcome->verdict = SYNC_NOTHING_IN_COMMON;
    else if (hello->size > 0 && hello->epoch != ledger->origin.epoch)
        welcome->verdict = SYNC_OTHER_EPOCH;
    else if (hello->size > ledger->visible || ledger->receipted > ledger->visible)
        welcome->verdict = SYNC_AHEAD;
    if (welcome->verdict != SYNC_GO_ON || hello->size == 0)
        return ERR_OK;
    struct merkle_proof proof;
    err_t err = gate_consistency(serve->gate, number, hello->size, ledger->visible, &proof);
    if (err != ERR_OK)
        return err;
    /* Our own proof holds for exactly one root of that size: the caller's, if we agree. */
    if (merkle_consistency_verify(&proof, hello->size, ledger->visible, &hello->root,
                                  &ledger->visible_root) == ERR_OK)
        welcome->proof = proof;
    else
        welcome->verdict = SYNC_ROOT_DIFFERS;
    return ERR_OK;
}

void serve_alarm(struct sync_serve *serve, unsigned number, const char *what, const char *next)
{
    struct served *served = &serve->ledgers[number];
    if (what != NULL && served->alarm != what)
        diag_say(&serve->diag, DIAG_ERROR, ERR_PROOF, "sync", next, "%s (%s)", what,
                 serve_name_of(serve, gate_ledger_partner(number)));
    served->alarm = what;
    served->alarm_next = next;
}

static void raise_alarm(struct sync_serve *serve, unsigned number, enum sync_verdict verdict)
{
    static const struct {
        const char *what, *next;
    } alarms[SYNC_VERDICTS] = {
        [SYNC_OTHER_EPOCH] =
            {"the partner follows another epoch of our ledger",
             "tell its operators the present one (bongsu ledger show): they follow it by bongsu "
             "peer resume AUDIENCE --epoch N --because ..."},
        [SYNC_ROOT_DIFFERS] = {"the partner holds another history of our ledger than we do",
                               "stop the link, keep both logs, compare checkpoints with bongsu ledger show"},
        [SYNC_AHEAD] = {"the partner holds more of our ledger than we do: this node was set back",
                        "restore the newest log; if there is none: bongsu peer epoch AUDIENCE --because ..."},
        [SYNC_NOTHING_IN_COMMON] = {"the partner's program speaks no version or suite that we speak",
                                    "upgrade the older side"},
    };
    if (is_enough(serve, number))
        serve_alarm(serve, number, alarms[verdict].what, alarms[verdict].next);
    else
        serve_alarm(serve, number, "the partner's card is of a suite below minimum-suite: it gets nothing",
                    "have the partner make its node anew (bongsu init --suite), or lower minimum-suite in "
                    "bongsu.yaml");
}

/* Is the checkpoint in serve->note signed by the key that our card names now? */
static bool is_ours_now(const struct sync_serve *serve, unsigned number)
{
    struct gate_ledger ledger;
    struct note_key key;
    struct buf origin;
    struct note note;
    if (sync_own_number(serve->own) == 0)
        return true;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    bool ours = gate_ledger(serve->gate, number, &ledger) == ERR_OK &&
                ledger_origin_print(&ledger.origin, &origin) == ERR_OK &&
                sync_card_ledger_key(&serve->own->card, buf_str(&origin), &key) == ERR_OK &&
                note_parse(buf_str(&serve->note), &note, NULL) == ERR_OK &&
                note_verify(&note, &key) == ERR_OK;
    buf_deinit(&origin);
    return ours;
}

err_t serve_checkpoint_kept(struct sync_serve *serve, unsigned number, uint64_t size)
{
    uint64_t found;
    buf_clear(&serve->note);
    err_t err = gate_checkpoint(serve->gate, number, size, &found, &serve->note);
    return err != ERR_OK ? err : found == size ? ERR_OK : ERR_NOTFOUND;
}

err_t serve_checkpoint_at(struct sync_serve *serve, unsigned number, uint64_t size)
{
    err_t err = serve_checkpoint_kept(serve, number, size);
    if (err != ERR_OK || is_ours_now(serve, number))
        return err;
    return gate_sign_anew(serve->gate, number, size) ? ERR_BUSY : ERR_NOTFOUND;
}

static err_t hello_body(struct sync_serve *serve, unsigned number, const struct sync_hello *hello,
                        struct buf *body)
{
    struct gate_ledger ledger;
    struct sync_welcome welcome = {.version = version_of(hello), .suite = SYNC_SUITE};
    struct buf origin;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    err_t err;
    if (TRY(err, gate_ledger(serve->gate, number, &ledger)) ||
        TRY(err, ledger_origin_print(&ledger.origin, &origin)) ||
        TRY(err, judge(serve, number, hello, &ledger, &welcome)))
        goto out;
    if (welcome.verdict == SYNC_NOTHING_IN_COMMON)
        welcome.version = 0, welcome.suite = 0;
    if (ledger.visible > 0 && TRY(err, serve_checkpoint_at(serve, number, ledger.visible)))
        goto out;
    welcome.origin = buf_str(&origin);
    welcome.size = ledger.visible;
    welcome.receipted = ledger.receipted;
    welcome.checkpoint = ledger.visible > 0 ? buf_str(&serve->note) : (struct str) {NULL, 0};
    raise_alarm(serve, number, welcome.verdict);
    sync_welcome_write(body, &welcome);
out:
    buf_deinit(&origin);
    return err;
}

/* Where he is told of recalls from now on. What stands in the urgent ledger stays there. */
static void note_urgent(struct sync_serve *serve, unsigned partner, bool follows, int64_t now_us)
{
    struct gate_ledger ledger;
    err_t err = gate_peer_urgent(serve->gate, partner, follows, now_us);
    if (err != ERR_OK) /* then they stand in the main one */
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "look at the disk",
                 "that %s follows the urgent ledger could not be written: %s", serve_name_of(serve, partner),
                 err_text(err));
    if (!follows && gate_ledger(serve->gate, gate_urgent(partner), &ledger) == ERR_OK &&
        ledger.visible > ledger.receipted)
        serve_alarm(
            serve, gate_urgent(partner),
            "the partner's program follows the urgent ledger no longer, and has not read all recalls there",
            "have the partner upgrade its node; meanwhile: bongsu recall status");
}

void serve_hello(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                 int64_t now_us, struct exchange_response *response)
{
    struct sync_hello hello;
    if (sync_hello_read(request->body, &hello) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    if (!gate_ledger_is_urgent(number))
        note_urgent(serve, number, version_of(&hello) >= SYNC_VERSION_URGENT, now_us);
    serve_answer_body(serve, response, hello_body(serve, number, &hello, &response->body));
}
