#include "app/feed_secret.h"

#include <stdio.h>

#include "app/file.h"
#include "app/keys.h"
#include "core/mem.h"
#include "net/tls.h"
#include "json/json.h"

enum { PARTS = 7 };

static const char *const names[PARTS] = {"user", "password",    "token", "certificate",
                                         "key",  "authorities", "pin"};

static struct str *part(struct feed_secret *secret, size_t index)
{
    struct str *const all[PARTS] = {&secret->user, &secret->password,    &secret->token, &secret->certificate,
                                    &secret->key,  &secret->authorities, &secret->pin};
    return all[index];
}

bool feed_secret_any(const struct feed_secret *secret)
{
    struct feed_secret copy = *secret;
    for (size_t i = 0; i < PARTS; i++)
        if (part(&copy, i)->len > 0)
            return true;
    return false;
}

static bool one_line(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.at[i] < ' ' || s.at[i] == 0x7f)
            return false;
    return true;
}

err_t feed_secret_check(const struct feed_secret *secret, struct fault *fault)
{
    struct tls_identity *identity = NULL;
    uint8_t pin[32];
    if ((secret->user.len > 0) != (secret->password.len > 0))
        return fault_set(fault, ERR_USAGE, 0, "--user and --password-file belong together");
    if (secret->user.len > 0 && secret->token.len > 0)
        return fault_set(fault, ERR_USAGE, 0, "a password or a token, not both");
    if (memchr(secret->user.len > 0 ? secret->user.at : "", ':', secret->user.len) != NULL ||
        !one_line(secret->user) || !one_line(secret->password) || !one_line(secret->token))
        return fault_set(fault, ERR_USAGE, 0, "a user has no colon; user, password and token are one line");
    if ((secret->certificate.len > 0) != (secret->key.len > 0))
        return fault_set(fault, ERR_USAGE, 0, "--cert and --key belong together");
    if (secret->pin.len > 0 && (secret->pin.len != 64 || !str_unhex(secret->pin, pin, sizeof pin)))
        return fault_set(fault, ERR_USAGE, 0,
                         "--pin: 64 hexadecimal digits, SHA-256 of the server's public key");
    if (secret->certificate.len == 0)
        return ERR_OK;
    err_t err =
        tls_identity_read(bytes_from_str(secret->certificate), bytes_from_str(secret->key), &identity);
    tls_identity_free(identity);
    return err == ERR_OK ? ERR_OK
                         : fault_set(fault, ERR_USAGE, 0, "--cert and --key: %s",
                                     err == ERR_CONFLICT ? "the key is not the certificate's"
                                                         : "not PEM, or the key has a passphrase");
}

static void file_name(struct str feed, char *out, size_t size)
{
    (void)snprintf(out, size, "feed-%.*s.json", STR_ARG(feed));
}

static void wipe(struct buf *text)
{
    if (text->at != NULL)
        mem_wipe(text->at, text->size);
    buf_deinit(text);
}

err_t feed_secret_write(const struct os *os, const char *dir, struct str feed,
                        const struct feed_secret *secret, struct fault *fault)
{
    struct feed_secret copy = *secret;
    char secrets[FILE_PATH_SIZE], name[LIMIT_NAME_BYTES + 16];
    struct buf text;
    err_t err;
    if (TRY(err, feed_secret_check(secret, fault)))
        return err;
    if (!feed_secret_any(secret)) {
        feed_secret_remove(os, dir, feed);
        return ERR_OK;
    }
    buf_init(&text, 2 * LIMIT_FEED_SECRET_BYTES);
    /* In one piece from the start: a buffer that grows leaves copies behind. */
    if (buf_extend(&text, 2 * LIMIT_FEED_SECRET_BYTES) != NULL)
        text.len = 0;
    buf_printf(&text, "{\"v\":1");
    for (size_t i = 0; i < PARTS; i++) {
        if (part(&copy, i)->len == 0)
            continue;
        buf_printf(&text, ",\"%s\":", names[i]);
        json_write_str(&text, *part(&copy, i));
    }
    buf_printf(&text, "}\n");
    file_name(feed, name, sizeof name);
    err = buf_err(&text);
    if (err == ERR_OK)
        err = file_path(dir, FEED_SECRET_DIR, secrets);
    if (err == ERR_OK)
        err = os->dir_make(os->ctx, secrets);
    if (err == ERR_OK)
        err = file_replace_shared(os, secrets, name, buf_bytes(&text));
    wipe(&text);
    return err == ERR_OK ? ERR_OK
                         : fault_set(fault, err, 0, "its credentials could not be written to %s: %s",
                                     FEED_SECRET_DIR, err_text(err));
}

void feed_secret_remove(const struct os *os, const char *dir, struct str feed)
{
    char secrets[FILE_PATH_SIZE], name[LIMIT_NAME_BYTES + 16], path[FILE_PATH_SIZE];
    file_name(feed, name, sizeof name);
    if (file_path(dir, FEED_SECRET_DIR, secrets) == ERR_OK && file_path(secrets, name, path) == ERR_OK &&
        os->path_unlink(os->ctx, path) == ERR_OK)
        (void)!os->dir_sync(os->ctx, secrets); /* at worst the name comes back, without a feed */
}

struct moving {
    const struct os *os;
    char keys[FILE_PATH_SIZE], secrets[FILE_PATH_SIZE];
    bool any;
};

static err_t move_one(void *ctx, const char *name)
{
    struct moving *moving = ctx;
    char from[FILE_PATH_SIZE], to[FILE_PATH_SIZE];
    err_t err;
    if (!str_starts(str_of(name), STR("feed-")))
        return ERR_OK;
    if (TRY(err, file_path(moving->keys, name, from)) || TRY(err, file_path(moving->secrets, name, to)))
        return err;
    moving->any = true;
    return moving->os->path_rename(moving->os->ctx, from, to);
}

err_t feed_secret_settle(const struct os *os, const char *dir)
{
    struct moving moving = {.os = os};
    err_t err;
    if (TRY(err, file_path(dir, KEYS_DIR, moving.keys)) ||
        TRY(err, file_path(dir, FEED_SECRET_DIR, moving.secrets)) ||
        TRY(err, os->dir_make(os->ctx, moving.secrets)) ||
        /* Denied: the keys are another account's, and who gave them away has looked. */
        (TRY(err, os->dir_list(os->ctx, moving.keys, move_one, &moving)) && err != ERR_NOTFOUND &&
         err != ERR_DENIED))
        return err;
    if (moving.any &&
        (TRY(err, os->dir_sync(os->ctx, moving.secrets)) || TRY(err, os->dir_sync(os->ctx, moving.keys))))
        return err;
    return os->dir_sync(os->ctx, dir);
}

/* Moves the strings of the document into `text`, so that nothing of the parser is needed. */
static err_t take_parts(const struct json_doc *doc, struct buf *text, struct feed_secret *out)
{
    struct feed_secret secret = {0};
    size_t at[PARTS] = {0};
    struct json_val root = json_root(doc);
    if (!json_is(root, JSON_OBJECT))
        return ERR_CORRUPT;
    buf_clear(text);
    for (size_t i = 0; i < PARTS; i++) {
        (void)json_get_str(root, str_of(names[i]), part(&secret, i));
        at[i] = text->len;
        buf_put_str(text, *part(&secret, i));
    }
    if (buf_err(text) != ERR_OK)
        return buf_err(text);
    for (size_t i = 0; i < PARTS; i++)
        *part(&secret, i) = (struct str) {(const char *)text->at + at[i], part(&secret, i)->len};
    *out = secret;
    return ERR_OK;
}

err_t feed_secret_read(const struct os *os, const char *dir, struct str feed, struct buf *text,
                       struct feed_secret *out)
{
    char secrets[FILE_PATH_SIZE], name[LIMIT_NAME_BYTES + 16], path[FILE_PATH_SIZE];
    struct json_parser *parser = NULL;
    struct json_doc doc;
    err_t err;
    buf_init(text, 2 * LIMIT_FEED_SECRET_BYTES + JSON_PADDING);
    file_name(feed, name, sizeof name);
    if (buf_extend(text, 2 * LIMIT_FEED_SECRET_BYTES + JSON_PADDING) != NULL)
        text->len = 0;
    if (TRY(err, file_path(dir, FEED_SECRET_DIR, secrets)) || TRY(err, file_path(secrets, name, path)) ||
        TRY(err, file_read_all(os, path, text)) ||
        TRY(err, json_parser_new(2 * LIMIT_FEED_SECRET_BYTES, &parser)))
        return err;
    if (json_parse(parser, buf_bytes(text), &doc, NULL) != ERR_OK)
        err = ERR_CORRUPT;
    else
        err = take_parts(&doc, text, out);
    json_parser_free(parser);
    return err;
}
