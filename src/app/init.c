#include "app/init.h"

#include <stdio.h>

#include "app/anchor.h"
#include "app/file.h"
#include "app/keeper.h"
#include "app/keys.h"

static const int64_t DAY_US = INT64_C(86400000000);

/* Everything of a card but number and signature. */
static err_t card_of(const struct os *os, const struct conf *conf, const struct sign_public *root,
                     struct sync_card *out)
{
    *out = (struct sync_card) {.address_count = conf->address_count};
    memcpy(out->node, conf->node, sizeof out->node);
    memcpy(out->country, conf->country, sizeof out->country);
    out->issued_us = os->wall_us(os->ctx);
    out->expires_us = out->issued_us + INIT_CARD_DAYS * DAY_US;
    for (size_t i = 0; i < conf->address_count; i++) {
        memcpy(out->addresses[i].host, conf->addresses[i].host, sizeof out->addresses[i].host);
        out->addresses[i].port = conf->addresses[i].port;
        out->addresses[i].ipv6 = conf->addresses[i].ipv6;
    }
    out->key[SYNC_CARD_ROOT] = *root;
    return keys_public(os, conf->dir, out->key);
}

static err_t sign_and_write(const struct os *os, const char *dir, const struct sync_card *card,
                            const struct sign_key *root, struct fault *fault)
{
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = sync_card_sign(card, root, &text, fault);
    if (err == ERR_OK && TRY(err, file_replace(os, dir, INIT_CARD_FILE, buf_bytes(&text))))
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

err_t init_node(const struct os *os, const struct conf *conf, struct str passphrase,
                struct sync_card *out_card, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    struct sign_key root;
    struct sync_card card;
    err_t err;
    if (TRY(err, file_path(conf->dir, CONF_FILE, path)))
        return fault_set(fault, err, 0, "the path is too long");
    if (file_exists(os, path))
        return fault_set(fault, ERR_EXISTS, 0, "there is a node in %.150s already", conf->dir);
    if (passphrase.len < KEYS_PASSPHRASE_MIN || passphrase.len > KEYS_PASSPHRASE_MAX)
        return fault_set(fault, ERR_INVALID, 0, "a passphrase has %d to %d bytes", KEYS_PASSPHRASE_MIN,
                         KEYS_PASSPHRASE_MAX);
    if (TRY(err, os->dir_make(os->ctx, conf->dir)))
        return fault_set(fault, err, 0, "the directory %.120s could not be made: %s", conf->dir,
                         err == ERR_NOTFOUND ? "the one above it is missing" : err_text(err));
    if (TRY(err, keys_root_make(os, conf->dir, passphrase, &root)))
        return fault_set(fault, err, 0, "the root key could not be made: %s",
                         err == ERR_EXISTS ? "there is one already" : err_text(err));
    char anchor[FILE_PATH_SIZE];
    if (TRY(err, file_path(conf->dir, KEEPER_ANCHOR_FILE, anchor)) || TRY(err, anchor_make(os, anchor))) {
        (void)fault_set(fault, err, 0, "the anchor could not be made: %s", err_text(err));
        goto out;
    }
    if (TRY(err, keys_make(os, conf->dir)) || TRY(err, card_of(os, conf, &root.public, &card))) {
        (void)fault_set(fault, err, 0, "the working keys could not be made: %s", err_text(err));
        goto out;
    }
    card.number = 1;
    if (TRY(err, sign_and_write(os, conf->dir, &card, &root, fault)))
        goto out;
    /* Last: bongsu.yaml is what makes the directory a node. */
    if (TRY(err, write_conf(os, conf))) {
        (void)fault_set(fault, err, 0, CONF_FILE " could not be written: %s", err_text(err));
        goto out;
    }
    *out_card = card;
out:
    sign_key_wipe(&root);
    return err;
}

err_t init_card_read(const struct os *os, const char *dir, struct sync_card *out_card, struct buf *out_text,
                     struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(dir, INIT_CARD_FILE, path)) || TRY(err, file_read_all(os, path, out_text)))
        return fault_set(fault, err, 0, "the node's card could not be read: %s", err_text(err));
    return sync_card_parse(buf_str(out_text), out_card, fault);
}

err_t init_card_renew(const struct os *os, const struct conf *conf, const char *root_path,
                      struct str passphrase, const struct uuid *identities, size_t identity_count,
                      struct sync_card *out_card, struct fault *fault)
{
    struct sync_card held, card;
    struct sign_key root;
    struct buf text;
    err_t err;
    must(identity_count <= LIMIT_CARD_IDENTITIES);
    buf_init(&text, LIMIT_CARD_BYTES);
    err = init_card_read(os, conf->dir, &held, &text, fault);
    buf_deinit(&text);
    if (err != ERR_OK)
        return err;
    if (TRY(err, keys_root_open(os, root_path, passphrase, &root)))
        return fault_set(fault, err, 0, "%.120s: %s", root_path,
                         err == ERR_DENIED || err == ERR_INVALID ? "not the passphrase of this root key"
                         : err == ERR_NOTFOUND                   ? "not found; name it with --root-key"
                                                                 : err_text(err));
    if (TRY(err, card_of(os, conf, &root.public, &card))) {
        (void)fault_set(fault, err, 0, "the working keys could not be read: %s", err_text(err));
        goto out;
    }
    card.number = held.number + 1;
    card.identity_count = identity_count;
    if (identity_count > 0)
        memcpy(card.identities, identities, identity_count * sizeof *identities);
    if (!TRY(err, sync_card_replaces(&held, &card, fault)) &&
        !TRY(err, sign_and_write(os, conf->dir, &card, &root, fault)))
        *out_card = card;
out:
    sign_key_wipe(&root);
    return err;
}
