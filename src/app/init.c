#include "app/init.h"

#include <stdio.h>

#include "app/anchor.h"
#include "app/file.h"
#include "app/keeper.h"
#include "app/keys.h"
#include "app/root.h"

static const int64_t DAY_US = INT64_C(86400000000);

/* What bongsu.yaml says of it. */
static void card_of_conf(const struct conf *conf, struct sync_card *out)
{
    *out = (struct sync_card) {.address_count = conf->address_count, .minimum = (uint16_t)conf->minimum};
    memcpy(out->node, conf->node, sizeof out->node);
    memcpy(out->known_as, conf->known_as, sizeof out->known_as);
    memcpy(out->country, conf->country, sizeof out->country);
    for (size_t i = 0; i < conf->address_count; i++) {
        memcpy(out->addresses[i].host, conf->addresses[i].host, sizeof out->addresses[i].host);
        out->addresses[i].port = conf->addresses[i].port;
        out->addresses[i].ipv6 = conf->addresses[i].ipv6;
    }
}

/* Everything of the first card but number and signature. */
static err_t card_of(const struct os *os, const struct conf *conf, const struct sign_public *root,
                     struct sync_card *out)
{
    card_of_conf(conf, out);
    out->issued_us = os->wall_us(os->ctx);
    out->expires_us = out->issued_us + INIT_CARD_DAYS * DAY_US;
    out->key[SYNC_CARD_ROOT] = *root;
    return keys_public(os, conf->dir, out->key);
}

/* It is kept for as long as the node: whoever verifies what an older key signed needs it. */
static err_t keep_card(const struct os *os, const char *dir, uint64_t number, struct bytes text)
{
    char below[FILE_PATH_SIZE], name[24];
    err_t err;
    (void)snprintf(name, sizeof name, "%llu", (unsigned long long)number);
    if (TRY(err, file_path(dir, INIT_CARDS_DIR, below)) || TRY(err, os->dir_make(os->ctx, below)))
        return err;
    return file_replace(os, below, name, text);
}

/* `file` last: what stands there counts. */
static err_t sign_and_write(const struct os *os, const char *dir, const char *file,
                            const struct sync_card *card, const struct root *root, struct fault *fault)
{
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = sync_card_sign_by(card, root->signer, &text, fault);
    if (err == ERR_OK && (TRY(err, keep_card(os, dir, card->number, buf_bytes(&text))) ||
                          TRY(err, file_replace(os, dir, file, buf_bytes(&text)))))
        (void)fault_set(fault, err, 0, "the card could not be written: %s", err_text(err));
    buf_deinit(&text);
    return err;
}

static err_t write_conf(const struct os *os, const struct conf *conf)
{
    struct buf text;
    buf_init(&text, 64 << 10);
    conf_write(&text, conf);
    err_t err = buf_err(&text);
    if (err == ERR_OK)
        err = file_replace(os, conf->dir, CONF_FILE, buf_bytes(&text));
    buf_deinit(&text);
    return err;
}

static err_t make_dir(const struct os *os, const char *dir, struct fault *fault)
{
    err_t err = os->dir_make(os->ctx, dir);
    return err == ERR_OK ? ERR_OK
                         : fault_set(fault, err, 0, "the directory %.120s could not be made: %s", dir,
                                     err == ERR_NOTFOUND ? "the one above it is missing" : err_text(err));
}

static unsigned suite_made(const struct conf *conf)
{
    return conf->suite == 0 ? SUITE_1 : conf->suite;
}

/* A token needs no directory, and a passphrase is looked at first. */
static err_t make_root(const struct os *os, const struct conf *conf, const char *where, struct str secret,
                       struct root *out, struct fault *fault)
{
    unsigned suite = suite_made(conf);
    err_t err;
    if (where == NULL)
        return TRY(err, root_passphrase_ok(secret, fault)) || TRY(err, make_dir(os, conf->dir, fault))
                   ? err
                   : root_make(os, conf->dir, suite, NULL, secret, out, fault);
    if (TRY(err, root_make(os, conf->dir, suite, where, secret, out, fault)))
        return err;
    err = make_dir(os, conf->dir, fault);
    if (err != ERR_OK)
        root_close(out);
    return err;
}

static err_t make_anchor(const struct os *os, const char *dir)
{
    char path[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(dir, KEEPER_DIR, path)) || TRY(err, os->dir_make(os->ctx, path)) ||
        TRY(err, os->dir_sync(os->ctx, dir)) || TRY(err, file_path(dir, KEEPER_ANCHOR_FILE, path)))
        return err;
    return anchor_make(os, path);
}

err_t init_node(const struct os *os, const struct conf *conf, const char *where, struct str secret,
                struct sync_card *out_card, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    struct root root;
    struct sync_card card;
    err_t err;
    if (TRY(err, file_path(conf->dir, CONF_FILE, path)))
        return fault_set(fault, err, 0, "the path is too long");
    if (file_exists(os, path))
        return fault_set(fault, ERR_EXISTS, 0, "there is a node in %.150s already", conf->dir);
    /* What is refused leaves nothing behind. */
    card_of_conf(conf, &card);
    if (TRY(err, sync_card_says_well(&card, fault)) ||
        TRY(err, make_root(os, conf, where, secret, &root, fault)))
        return err;
    if (TRY(err, make_anchor(os, conf->dir))) {
        (void)fault_set(fault, err, 0, "the anchor could not be made: %s", err_text(err));
        goto out;
    }
    if (TRY(err, keys_make(os, conf->dir, suite_made(conf))) || TRY(err, keys_dirs(os, conf->dir)) ||
        TRY(err, card_of(os, conf, root.signer.public, &card))) {
        (void)fault_set(fault, err, 0, "the working keys could not be made: %s", err_text(err));
        goto out;
    }
    card.number = 1;
    if (TRY(err, sign_and_write(os, conf->dir, INIT_CARD_FILE, &card, &root, fault)))
        goto out;
    /* Last: bongsu.yaml is what makes the directory a node. */
    if (TRY(err, write_conf(os, conf))) {
        (void)fault_set(fault, err, 0, CONF_FILE " could not be written: %s", err_text(err));
        goto out;
    }
    *out_card = card;
out:
    root_close(&root);
    return err;
}

static err_t card_file(const struct os *os, const char *dir, const char *name, struct sync_card *out_card,
                       struct buf *out_text, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(dir, name, path)) || TRY(err, file_read_all(os, path, out_text)))
        return fault_set(fault, err, 0, "the node's card could not be read: %s", err_text(err));
    return sync_card_parse(buf_str(out_text), out_card, fault);
}

/* card.next, whether or not its time has come; ERR_NOTFOUND also when `held` is newer. */
static err_t later_file(const struct os *os, const char *dir, const struct sync_card *held,
                        struct sync_card *out_card, struct buf *out_text)
{
    err_t err = card_file(os, dir, INIT_CARD_NEXT_FILE, out_card, out_text, NULL);
    if (err == ERR_OK && sync_card_replaces(held, out_card, NULL) != ERR_OK)
        err = ERR_NOTFOUND;
    if (err != ERR_OK)
        buf_clear(out_text);
    return err;
}

err_t init_card_read(const struct os *os, const char *dir, struct sync_card *out_card, struct buf *out_text,
                     struct fault *fault)
{
    struct sync_card card, later;
    struct buf text;
    err_t err = card_file(os, dir, INIT_CARD_FILE, &card, out_text, fault);
    if (err != ERR_OK)
        return err;
    *out_card = card;
    buf_init(&text, LIMIT_CARD_BYTES);
    if (later_file(os, dir, &card, &later, &text) == ERR_OK && later.issued_us <= os->wall_us(os->ctx)) {
        *out_card = later;
        buf_clear(out_text);
        buf_put(out_text, text.at, text.len);
        err = buf_err(out_text);
    }
    buf_deinit(&text);
    return err;
}

unsigned init_suite(const struct os *os, const char *dir)
{
    struct sync_card card;
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = init_card_read(os, dir, &card, &text, NULL);
    buf_deinit(&text);
    return err == ERR_OK ? sync_card_suite(&card) : 0;
}

err_t init_card_read_next(const struct os *os, const char *dir, struct sync_card *out_card,
                          struct buf *out_text)
{
    struct sync_card held;
    err_t err = init_card_read(os, dir, &held, out_text, NULL);
    buf_clear(out_text);
    return err != ERR_OK ? err : later_file(os, dir, &held, out_card, out_text);
}

err_t init_card_read_past(const struct os *os, const char *dir, uint64_t number, struct buf *out_text)
{
    char name[64], path[FILE_PATH_SIZE];
    (void)snprintf(name, sizeof name, INIT_CARDS_DIR "/%llu", (unsigned long long)number);
    err_t err = file_path(dir, name, path);
    return err != ERR_OK ? err : file_read_all(os, path, out_text);
}

/* --- renewing --- */

struct renewing {
    const struct os *os;
    const struct conf *conf;
    const struct init_renewal *renewal;
    struct sync_card held, waiting, card;
    bool has_waiting;
    struct root root;
    struct fault *fault;
};

static err_t read_held(struct renewing *r)
{
    struct buf text;
    char when[TIME_TEXT_SIZE];
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = init_card_read(r->os, r->conf->dir, &r->held, &text, r->fault);
    /* When card.next is in force it is first moved to where it belongs; one of an older program is kept with
     * the others. */
    if (err == ERR_OK && (TRY(err, keep_card(r->os, r->conf->dir, r->held.number, buf_bytes(&text))) ||
                          TRY(err, file_replace(r->os, r->conf->dir, INIT_CARD_FILE, buf_bytes(&text)))))
        (void)fault_set(r->fault, err, 0, "the card could not be written: %s", err_text(err));
    buf_clear(&text);
    r->has_waiting = err == ERR_OK && init_card_read_next(r->os, r->conf->dir, &r->waiting, &text) == ERR_OK;
    buf_deinit(&text);
    if (err != ERR_OK || !r->has_waiting || r->renewal->now)
        return err;
    time_text(r->waiting.issued_us, when);
    return fault_set(r->fault, ERR_EXISTS, 0,
                     "card %llu is signed and begins at %s; what cannot wait for it: --from now",
                     (unsigned long long)r->waiting.number, when);
}

static err_t fill_card(struct renewing *r)
{
    const struct init_renewal *renewal = r->renewal;
    struct sync_card *card = &r->card;
    int64_t now_us = r->os->wall_us(r->os->ctx);
    err_t err;
    card_of_conf(r->conf, card);
    card->issued_us = renewal->now || renewal->from_us < now_us ? now_us : renewal->from_us;
    card->expires_us = card->issued_us + INIT_CARD_DAYS * DAY_US;
    card->number = r->has_waiting ? r->waiting.number : r->held.number;
    card->number = (renewal->above > card->number ? renewal->above : card->number) + 1;
    memcpy(card->key, r->held.key, sizeof card->key);
    card->key[SYNC_CARD_ROOT] = *r->root.signer.public;
    card->identity_count = renewal->same_identities ? r->held.identity_count : renewal->identity_count;
    if (card->identity_count > 0)
        memcpy(card->identities, renewal->same_identities ? r->held.identities : renewal->identities,
               card->identity_count * sizeof card->identities[0]);
    for (unsigned use = SYNC_CARD_TLS; use < SYNC_CARD_KEYS; use++)
        if ((renewal->rotate >> use & 1) != 0 &&
            TRY(err, keys_make_next(r->os, r->conf->dir, (enum sync_card_key)use, sync_card_suite(&r->held),
                                    &card->key[use])))
            return fault_set(r->fault, err, 0, "a new key could not be made: %s", err_text(err));
    return ERR_OK;
}

static err_t write_card(struct renewing *r)
{
    bool ahead = r->card.issued_us > r->os->wall_us(r->os->ctx);
    char path[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, sync_card_replaces(&r->held, &r->card, r->fault)) ||
        TRY(err, sign_and_write(r->os, r->conf->dir, ahead ? INIT_CARD_NEXT_FILE : INIT_CARD_FILE, &r->card,
                                &r->root, r->fault)))
        return err;
    /* One that waited is void: its number is smaller. Where it stays for a crash it is passed over. */
    if (!ahead && file_path(r->conf->dir, INIT_CARD_NEXT_FILE, path) == ERR_OK)
        (void)!r->os->path_unlink(r->os->ctx, path);
    /* Keys that nobody believes any more are good for thieves alone. */
    const struct sync_card *cards[] = {&r->card, &r->held};
    err = keys_prune(r->os, r->conf->dir, cards, ahead ? 2 : 1);
    if (err != ERR_OK)
        return fault_set(r->fault, err, 0,
                         "the card is signed, and older private keys could not be removed: %s",
                         err_text(err));
    return ERR_OK;
}

err_t init_card_renew(const struct os *os, const struct conf *conf, const struct init_renewal *renewal,
                      struct sync_card *out_card, struct fault *fault)
{
    struct renewing r = {.os = os, .conf = conf, .renewal = renewal, .fault = fault};
    err_t err;
    must(renewal->identity_count <= LIMIT_CARD_IDENTITIES);
    if (TRY(err, read_held(&r)) || TRY(err, root_open(os, renewal->root_path, sync_card_suite(&r.held),
                                                      renewal->secret, &r.root, fault)))
        return err;
    if (!TRY(err, fill_card(&r)) && !TRY(err, write_card(&r)))
        *out_card = r.card;
    root_close(&r.root);
    return err;
}
