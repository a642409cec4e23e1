/* init, card, serve, accounts, reindex, backup, restore. */
#include <stdio.h>

#include "app/accounts.h"
#include "app/backup.h"
#include "app/certificate.h"
#include "app/core_role.h"
#include "app/file.h"
#include "app/init.h"
#include "app/keys.h"
#include "app/node.h"
#include "app/report.h"
#include "cli/cli.h"
#include "core/mem.h"
#include "gate/gate.h"
#include "os/local.h"
#include "os/os_net.h"
#include "os/token.h"
#include "json/json.h"

static void wipe(struct buf *buf)
{
    if (buf->at != NULL)
        mem_wipe(buf->at, buf->size);
    buf_deinit(buf);
}

static void say_words(const struct sync_card *card, FILE *to)
{
    char words[SYNC_CARD_WORDS_SIZE];
    sync_card_words(card, words);
    (void)fprintf(to, "words: %s\n", words);
}

static bool read_addresses(const struct cli_call *call, struct conf *conf)
{
    const char *listen = cli_option(call, "listen"), *address = cli_option(call, "address");
    if (conf_address_parse(str_of(listen == NULL ? "127.0.0.1:7443" : listen), &conf->listen) != ERR_OK)
        return cli_usage(call, "--listen is not HOST:PORT") == CLI_OK;
    if (address != NULL && conf_address_parse(str_of(address), &conf->addresses[0]) != ERR_OK)
        return cli_usage(call, "--address is not HOST:PORT") == CLI_OK;
    if (address == NULL)
        conf->addresses[0] = conf->listen;
    conf->address_count = 1;
    return true;
}

/* Of `init`: which suite the keys are of, and the least of partners'. */
static bool read_suite(const struct cli_call *call, const char *option, unsigned *out)
{
    const char *text = cli_option(call, option);
    uint64_t suite = SUITE_OLDEST;
    if (text != NULL && (!str_to_u64(str_of(text), SUITE_NEWEST, &suite) || suite < SUITE_OLDEST))
        return cli_usage(call, "--%s is a number from %d to %d", option, SUITE_OLDEST, SUITE_NEWEST) ==
               CLI_OK;
    *out = text == NULL ? 0 : (unsigned)suite;
    return true;
}

static void say_root(const struct conf *conf, const char *token)
{
    if (token != NULL)
        (void)printf("Its root key is in the token, which signs your cards (bongsu card --renew --root-key "
                     "'%s'); nothing else needs it.\n",
                     token);
    else
        (void)printf("Move %s/" KEYS_ROOT
                     " to a medium that stays offline: it signs your cards, and nothing else needs it.\n",
                     conf->dir);
}

static int init(struct cli_call *call)
{
    struct conf conf = {0}, check;
    struct sync_card card;
    struct fault fault = {0};
    struct buf passphrase, text;
    int status = CLI_OK;
    const char *name = cli_option(call, "name"), *country = cli_option(call, "country");
    const char *root = cli_option(call, "root-key");
    if (name == NULL || country == NULL)
        return cli_usage(call, "--name and --country are needed");
    if (root != NULL && !os_token_named(root))
        return cli_usage(call, "--root-key is a token's URI, such as 'pkcs11:token=roots;object=%s'", name);
    if (!read_addresses(call, &conf) || !read_suite(call, "suite", &conf.suite) ||
        !read_suite(call, "minimum-suite", &conf.minimum))
        return CLI_USAGE;
    conf.minimum = conf.minimum > SUITE_OLDEST ? conf.minimum : 0;
    (void)snprintf(conf.dir, sizeof conf.dir, "%s", call->args[0]);
    (void)snprintf(conf.node, sizeof conf.node, "%s", name);
    (void)snprintf(conf.country, sizeof conf.country, "%s", country);
    buf_init(&text, 64 << 10);
    conf_write(&text, &conf);
    err_t err = strlen(name) > LIMIT_NAME_BYTES ? fault_set(&fault, ERR_INVALID, 0, "the name is too long")
                                                : conf_parse(buf_str(&text), conf.dir, &check, &fault);
    buf_deinit(&text);
    if (err != ERR_OK)
        return cli_usage(call, "%s", fault.what);
    buf_init(&passphrase, KEYS_PASSPHRASE_MAX + 64);
    if (!cli_passphrase(call, root != NULL ? CLI_PIN : CLI_PASSPHRASE_NEW, &passphrase))
        status = CLI_FAILED;
    else if (init_node(call->os, &conf, root, buf_str(&passphrase), &card, &fault) != ERR_OK)
        status = cli_fail(NULL, "%s", fault.what);
    wipe(&passphrase);
    if (status != CLI_OK)
        return status;
    (void)printf("%s is made in %s.\n", conf.node, conf.dir);
    say_root(&conf, root);
    (void)printf("Next: bongsu serve %s; give partners the output of: bongsu card %s\n", conf.dir, conf.dir);
    say_words(&card, stdout);
    return CLI_OK;
}

static bool read_identities(const char *path, const struct cli_call *call, struct uuid *out,
                            size_t *out_count)
{
    struct buf text;
    buf_init(&text, 64 << 10);
    bool good = cli_read(call, path, &text);
    struct str rest = buf_str(&text);
    *out_count = 0;
    while (good && rest.len > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.len == 0)
            continue;
        struct str uuid = {line.at + 10, line.len - (line.len < 10 ? line.len : 10)};
        good = *out_count < LIMIT_CARD_IDENTITIES && str_starts(line, STR("identity--")) &&
               uuid_parse(uuid, &out[(*out_count)++]);
        if (!good)
            (void)cli_fail("one identity--UUID a line, at most 64", "%s: cannot be read", path);
    }
    buf_deinit(&text);
    return good;
}

/* KEY[,KEY] or all, as bits; false: it was said what is wrong. */
static bool read_uses(const struct cli_call *call, const char *text, unsigned *out)
{
    struct str rest = str_of(text == NULL ? "" : text);
    *out = 0;
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ',');
        unsigned found = str_eq(word, STR("all")) ? ~0u << SYNC_CARD_TLS : 0;
        for (unsigned use = SYNC_CARD_TLS; use < SYNC_CARD_KEYS; use++)
            if (str_eq(word, str_of(sync_card_key_word((enum sync_card_key)use))))
                found = 1u << use;
        if (found == 0)
            return cli_usage(call, "--rotate takes all, or of: tls ledger cosign disposition recall sealing "
                                   "policy") == CLI_OK;
        *out |= found;
    }
    return true;
}

static bool read_from(const struct cli_call *call, struct init_renewal *out)
{
    const char *text = cli_option(call, "from");
    struct stamp stamp;
    unsigned digits;
    int64_t now_us = call->os->wall_us(call->os->ctx);
    out->now = text != NULL && strcmp(text, "now") == 0;
    if (out->now)
        return true;
    if (text == NULL) {
        out->from_us = out->rotate == 0 ? now_us : now_us + INIT_ROTATE_DAYS * INT64_C(86400000000);
        return true;
    }
    if (stamp_parse(str_of(text), &stamp, &digits) != ERR_OK)
        return cli_usage(call, "--from is `now`, or a time such as 2026-12-01T03:00:00Z") == CLI_OK;
    out->from_us = stamp_us(stamp);
    return true;
}

/* A node that runs takes it at once; one that does not reads it at its start. */
static int tell_node(const struct cli_call *call, const struct conf *conf, struct str card)
{
    struct control_link link;
    struct str line;
    struct buf text;
    int fd, status = CLI_OK;
    if (os_local_connect(conf->control, &fd) != ERR_OK)
        return CLI_OK;
    os_net_close(fd);
    if (!control_connect(call, &link))
        return CLI_FAILED;
    buf_init(&text, 4 * LIMIT_CARD_BYTES);
    buf_printf(&text, "{\"command\":\"card.take\",\"args\":{\"card\":");
    json_write_str(&text, card);
    buf_printf(&text, "}}\n");
    err_t err = buf_err(&text);
    if (err != ERR_OK || TRY(err, control_send(&link, buf_bytes(&text))) ||
        TRY(err, control_line(&link, &line)))
        status = cli_fail("restart the node: it reads the card at its start",
                          "the card is signed, and the node did not take it: %s", err_text(err));
    else
        status = control_result(line);
    control_hang_up(&link);
    buf_deinit(&text);
    return status;
}

static int tell_card(const struct cli_call *call, const struct conf *conf, const struct sync_card *card)
{
    struct sync_card read;
    struct buf text;
    char when[TIME_TEXT_SIZE];
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = init_card_read_past(call->os, conf->dir, card->number, &text);
    if (err == ERR_OK)
        err = sync_card_parse(buf_str(&text), &read, NULL);
    int status = err == ERR_OK ? tell_node(call, conf, buf_str(&text))
                               : cli_fail(NULL, "the new card cannot be read: %s", err_text(err));
    time_text(card->issued_us, when);
    if (status == CLI_OK)
        (void)fprintf(stderr, "card %llu is signed, in force from %s\n", (unsigned long long)card->number,
                      when);
    buf_deinit(&text);
    return status;
}

static int renew(struct cli_call *call, const struct conf *conf)
{
    struct sync_card card;
    struct fault fault = {0};
    struct uuid identities[LIMIT_CARD_IDENTITIES];
    struct buf passphrase;
    char beside[LIMIT_PATH_BYTES];
    int status = CLI_OK;
    const char *root = cli_option(call, "root-key"), *list = cli_option(call, "identities");
    struct init_renewal renewal = {.same_identities = list == NULL, .identities = identities};
    if (list != NULL && !read_identities(list, call, identities, &renewal.identity_count))
        return CLI_FAILED;
    const char *above = cli_option(call, "above");
    if (above != NULL && !str_to_u64(str_of(above), INT64_MAX - 1, &renewal.above))
        return cli_usage(call, "--above is not the number of a card");
    if (!read_uses(call, cli_option(call, "rotate"), &renewal.rotate) || !read_from(call, &renewal))
        return CLI_USAGE;
    if (file_path(conf->dir, KEYS_ROOT, beside) != ERR_OK)
        return cli_fail(NULL, "the path is too long");
    buf_init(&passphrase, KEYS_PASSPHRASE_MAX + 64);
    renewal.root_path = root == NULL ? beside : root;
    if (!cli_passphrase(call, os_token_named(renewal.root_path) ? CLI_PIN : CLI_PASSPHRASE, &passphrase)) {
        status = CLI_FAILED;
    } else {
        renewal.secret = buf_str(&passphrase);
        if (init_card_renew(call->os, conf, &renewal, &card, &fault) != ERR_OK)
            status = cli_fail(NULL, "%s", fault.what);
    }
    wipe(&passphrase);
    if (status == CLI_OK && accounts_keep(call->os, conf->dir, &fault) != ERR_OK)
        status = cli_fail("bongsu accounts, when the node stands", "the card is signed, but %s", fault.what);
    return status == CLI_OK ? tell_card(call, conf, &card) : status;
}

/* What a client by HTTPS must trust. An operator's own certificate is his to hand out, or its authority's. */
static int print_certificate(struct cli_call *call, const struct conf *conf)
{
    struct tls_identity *identity = NULL;
    struct buf pem;
    if (conf->certificate[0] != '\0')
        return cli_fail("clients trust that file, or the authority that signed it",
                        "the node shows the certificate in %s", conf->certificate);
    buf_init(&pem, LIMIT_CARD_BYTES);
    struct sync_card held;
    err_t err = init_card_read(call->os, conf->dir, &held, &pem, NULL);
    buf_clear(&pem);
    if (err == ERR_OK)
        err = certificate_make(call->os, conf, &held.key[SYNC_CARD_TLS], &identity);
    if (err == ERR_OK)
        err = tls_identity_pem(identity, &pem);
    if (err == ERR_OK)
        (void)printf("%.*s", STR_ARG(buf_str(&pem)));
    else
        (void)cli_fail("is it yours?", "no certificate can be made of the TLS key: %s", err_text(err));
    tls_identity_free(identity);
    buf_deinit(&pem);
    return err == ERR_OK ? CLI_OK : CLI_FAILED;
}

/* The card in force, the one that waits, or one of before. */
static err_t read_wanted(const struct cli_call *call, const struct conf *conf, struct sync_card *out,
                         struct buf *text, struct fault *fault)
{
    const char *number = cli_option(call, "number");
    uint64_t wanted;
    err_t err;
    if (cli_option(call, "next") != NULL) {
        err = init_card_read_next(call->os, conf->dir, out, text);
        return err == ERR_NOTFOUND ? fault_set(fault, err, 0, "no card waits for its time") : err;
    }
    if (number == NULL)
        return init_card_read(call->os, conf->dir, out, text, fault);
    if (!str_to_u64(str_of(number), INT64_MAX, &wanted))
        return fault_set(fault, ERR_USAGE, 0, "--number is not a number");
    if (TRY(err, init_card_read_past(call->os, conf->dir, wanted, text)))
        return fault_set(fault, err, 0, "card %s is not kept here: %s", number, err_text(err));
    return sync_card_parse(buf_str(text), out, fault);
}

static int card(struct cli_call *call)
{
    struct conf conf;
    struct sync_card held;
    struct fault fault = {0};
    struct buf text;
    err_t err;
    if (call->arg_count > 0)
        call->dir = call->args[0];
    if (!cli_conf(call, &conf))
        return CLI_FAILED;
    if (cli_option(call, "tls-certificate") != NULL)
        return print_certificate(call, &conf);
    if (cli_option(call, "renew") != NULL) {
        int status = renew(call, &conf);
        if (status != CLI_OK)
            return status;
    }
    buf_init(&text, LIMIT_CARD_BYTES);
    int status = CLI_OK;
    if (TRY(err, read_wanted(call, &conf, &held, &text, &fault))) {
        status = cli_fail(NULL, "%s", fault.what[0] != '\0' ? fault.what : err_text(err));
    } else {
        (void)printf("%.*s", STR_ARG(buf_str(&text)));
        say_words(&held, stderr);
    }
    buf_deinit(&text);
    return status;
}

/* The launcher first: what reads a file and what talks to anybody has no capability of it. */
static int serve_roles(struct cli_call *call)
{
    struct conf conf;
    struct launcher launcher;
    err_t err = call->dir == NULL ? ERR_NOTFOUND
                                  : launcher_open(call->dir, cli_option(call, "accounts") != NULL, &launcher);
    if (err != ERR_OK)
        return !cli_conf(call, &conf) ? CLI_FAILED
                                      : cli_fail(NULL, "the node could not start: %s", err_text(err));
    int status = cli_conf(call, &conf) ? node_serve(call->os, &conf, &launcher) : CLI_FAILED;
    launcher_close(&launcher);
    return status;
}

static int serve(struct cli_call *call)
{
    struct conf conf;
    int status;
    bool alone = cli_option(call, "one-process") != NULL;
    if (alone && cli_option(call, "accounts") != NULL)
        return cli_usage(call, "--accounts and --one-process: one process is of one account");
    if (call->arg_count > 0)
        call->dir = call->args[0];
    if (alone)
        status = cli_conf(call, &conf) ? node_serve_alone(call->os, &conf) : CLI_FAILED;
    else
        status = serve_roles(call);
    return status == 0 ? CLI_OK : CLI_FAILED;
}

/* Reads nothing of the node: root has no business there. */
static int give_accounts(struct cli_call *call)
{
    struct accounts accounts;
    struct fault fault = {0};
    err_t err;
    bool join = cli_option(call, "one") != NULL;
    if (call->arg_count > 0)
        call->dir = call->args[0];
    if (call->dir == NULL)
        return cli_refuse(call->json, CLI_FAILED, "give DIR, or set BONGSU_DIR", "which node?");
    if (os_account_own() != OS_ACCOUNT_ROOT)
        return cli_refuse(call->json, CLI_FAILED, "sudo", "only root can give files to other accounts");
    if (TRY(err, accounts_read(&accounts, &fault)) ||
        TRY(err, join ? accounts_join(call->os, &accounts, call->dir, &fault)
                      : accounts_divide(call->os, &accounts, call->dir, &fault)))
        return cli_refuse(call->json, CLI_FAILED, NULL, "%s",
                          fault.what[0] != '\0' ? fault.what : err_text(err));
    return CLI_OK;
}

/* The search file is made again by whoever opens the store next. */
static err_t drop_search(const struct cli_call *call, const struct conf *conf)
{
    static const char *const names[] = {CORE_SEARCH_FILE, CORE_SEARCH_FILE "-wal", CORE_SEARCH_FILE "-shm"};
    char path[FILE_PATH_SIZE];
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && err == ERR_OK; i++) {
        err = file_path(conf->dir, names[i], path);
        if (err == ERR_OK)
            err = call->os->path_unlink(call->os->ctx, path);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    return err;
}

static err_t make_index(const struct cli_call *call, const struct conf *conf, uint64_t *out_objects)
{
    struct report report;
    struct gate *gate = NULL;
    struct gate_counts counts;
    char dir[FILE_PATH_SIZE];
    err_t err = file_path(conf->dir, CORE_STORE_DIR, dir);
    if (err != ERR_OK)
        return err;
    report_init(&report, call->os, conf->node, "reindex");
    struct gate_setup setup = {.os = call->os,
                               .dir = dir,
                               .node_name = str_of(conf->node),
                               .suite = init_suite(call->os, conf->dir),
                               .reindex = true,
                               .diag = &report.diag};
    if (TRY(err, gate_open(&setup, &gate)))
        return err;
    if (gate_health(gate).read_only)
        err = ERR_READONLY;
    else
        err = gate_merge(gate, true);
    gate_counts(gate, &counts);
    gate_close(gate);
    *out_objects = counts.objects;
    return err;
}

static int reindex(struct cli_call *call)
{
    struct conf conf;
    uint64_t objects = 0;
    int fd;
    if (call->arg_count > 0)
        call->dir = call->args[0];
    if (!cli_conf(call, &conf))
        return CLI_FAILED;
    if (os_local_connect(conf.control, &fd) == ERR_OK) {
        os_net_close(fd);
        return cli_fail("stop it first", "the node in %s runs", call->dir);
    }
    err_t err = make_index(call, &conf, &objects);
    if (err == ERR_OK)
        err = drop_search(call, &conf);
    if (err == ERR_BUSY)
        return cli_fail("stop it first", "something else has the store in %s open", call->dir);
    if (err != ERR_OK)
        return cli_fail("is there room, is the log whole? see the guide", "the index could not be made: %s",
                        err_text(err));
    if (call->json)
        (void)printf("{\"objects\":%llu}\n", (unsigned long long)objects);
    else
        (void)printf("the index is made again from the log: %llu objects\n", (unsigned long long)objects);
    return CLI_OK;
}

/* What was said after the backup is forgotten: nobody gets anything before somebody has looked. */
static err_t pause_all(const struct cli_call *call, const struct conf *conf, unsigned *out_count)
{
    static const struct gate_by by = {{"restore", 7}, {"made of a backup", 16}};
    struct report report;
    struct gate *gate = NULL;
    char dir[FILE_PATH_SIZE];
    err_t err = file_path(conf->dir, CORE_STORE_DIR, dir);
    *out_count = 0;
    if (err != ERR_OK)
        return err;
    report_init(&report, call->os, conf->node, "restore");
    struct gate_setup setup = {.os = call->os,
                               .dir = dir,
                               .node_name = str_of(conf->node),
                               .suite = init_suite(call->os, conf->dir),
                               .diag = &report.diag};
    if (TRY(err, gate_open(&setup, &gate)))
        return err;
    for (unsigned p = 0; p < gate_peer_count(gate) && err == ERR_OK; p++)
        if (gate_peer_get(gate, p)->state == GATE_PEER_STARTED) {
            err = gate_peer_set(gate, p, GATE_PEER_PAUSED, false, &by, call->os->wall_us(call->os->ctx));
            ++*out_count;
        }
    if (err == ERR_OK)
        err = gate_commit(gate);
    gate_close(gate);
    return err;
}

static int say_backup(const struct cli_call *call, const struct backup *backup,
                      const struct backup_told *told)
{
    if (call->json)
        (void)printf("{\"folder\":\"%s\",\"files\":%llu,\"bytes\":%llu,\"kept\":%llu}\n", backup->folder,
                     (unsigned long long)told->files, (unsigned long long)told->bytes,
                     (unsigned long long)told->kept);
    return CLI_OK;
}

static int backup(struct cli_call *call)
{
    struct conf conf;
    struct backup_told told;
    struct fault fault = {.code = ERR_OK};
    if (!cli_conf(call, &conf))
        return CLI_FAILED;
    struct backup copy = {.os = call->os,
                          .node = call->dir,
                          .name = conf.node,
                          .folder = call->args[0],
                          .secrets = cli_option(call, "secrets")};
    if (backup_make(&copy, &told, &fault) != ERR_OK)
        return cli_fail("what was written is no backup; try again, or another folder", "%s", fault.what);
    if (!call->json)
        (void)printf(
            "%s is copied to %s, as it stood at position %llu: %llu files of %llu bytes, %llu as they were.\n"
            "Not in it: root.key and the anchor. `sha256sum -c " BACKUP_SUMS "` there looks at it; what is "
            "destroyed from now on is destroyed in it by the next backup to the same folder.\n"
            "The key file in %s is no registered copy: a recall does not wait for it (`bongsu keys "
            "copies`).\n",
            conf.node, copy.folder, (unsigned long long)told.lsn, (unsigned long long)told.files,
            (unsigned long long)told.bytes, (unsigned long long)told.kept,
            copy.secrets != NULL ? copy.secrets : copy.folder);
    return say_backup(call, &copy, &told);
}

static int restore(struct cli_call *call)
{
    struct conf conf;
    struct backup_told told;
    struct fault fault = {.code = ERR_OK};
    uint64_t objects = 0;
    unsigned paused = 0;
    struct backup copy = {.os = call->os,
                          .node = call->args[1],
                          .folder = call->args[0],
                          .secrets = cli_option(call, "secrets")};
    if (backup_restore(&copy, &told, &fault) != ERR_OK)
        return cli_fail("an empty directory, and a whole backup", "%s", fault.what);
    call->dir = copy.node;
    if (!cli_conf(call, &conf))
        return CLI_FAILED;
    err_t err = make_index(call, &conf, &objects);
    if (err == ERR_OK)
        err = pause_all(call, &conf, &paused);
    if (err != ERR_OK)
        return cli_fail("do the two folders belong together? else another backup",
                        "the log of the backup cannot be read: %s", err_text(err));
    if (!call->json)
        (void)printf(
            "%s stands in %s with %llu objects, as it was backed up, and its partners (%u) are paused.\n"
            "What was recalled, denied, spilled, stopped or activated after the backup is forgotten here: "
            "say it "
            "again before bongsu peer start.\n"
            "Next: bongsu serve %s, and for each partner bongsu peer epoch AUDIENCE --because ... "
            "(docs/guide/disk-dies.md)\n",
            conf.node, conf.dir, (unsigned long long)objects, paused, conf.dir);
    return say_backup(call, &copy, &told);
}

#define SECRETS                                                                                              \
    {                                                                                                        \
        "secrets", CLI_TEXT, NULL, "FOLDER",                                                                 \
            "keys and secrets are there, apart: neither opens anything alone"                                \
    }
#define PASSPHRASE                                                                                           \
    {                                                                                                        \
        "passphrase-file", CLI_TEXT, NULL, "FILE",                                                           \
            "instead of asking (or BONGSU_PASSPHRASE_FILE); of a token: its PIN"                             \
    }

static const struct cli_command commands[] = {
    {.words = "init",
     .summary = "make a node: configuration, keys, its first card",
     .args = {{"DIR", CLI_TEXT, NULL, NULL, "a directory that is made"}},
     .options =
         {{"name", CLI_TEXT, NULL, "NAME", "a-z 0-9 . _ -, as partners will know it"},
          {"country", CLI_TEXT, NULL, "KR", "two capital letters"},
          {"listen", CLI_TEXT, NULL, "HOST:PORT", "where to serve (127.0.0.1:7443)"},
          {"address", CLI_TEXT, NULL, "HOST:PORT", "where partners reach it, if that is another place"},
          {"root-key", CLI_TEXT, NULL, "URI",
           "the root key in a token: pkcs11:token=T;object=NAME[?module-path=FILE]"},
          {"suite", CLI_TEXT, NULL, "N",
           "its algorithms: 1 Ed25519 (default), 2 P-256 and AES, 3 P-256 and ARIA, 4 and 5 with P-384"},
          {"minimum-suite", CLI_TEXT, NULL, "N", "the least that a partner's card must be of (1)"},
          PASSPHRASE},
     .run = init},
    {.words = "card",
     .summary = "print the node's signed card, for partners",
     .help = "With --renew: sign the next one, with today's addresses; needs the root key. A node that runs "
             "shows it "
             "to\n"
             "its partners by itself. New keys (--rotate) are used from --from on, by itself as well:\n"
             "docs/guide/keys.md.",
     .many = true,
     .options = {{"renew", CLI_FLAG, NULL, NULL, "sign a new one first"},
                 {"rotate", CLI_TEXT, NULL, "KEY[,KEY]",
                  "...with new keys: all, or of tls ledger cosign disposition recall sealing policy"},
                 {"from", CLI_TEXT, NULL, "TIME",
                  "...in force from then on (with --rotate in three days), or now: a key was stolen"},
                 {"above", CLI_TEXT, NULL, "N",
                  "...with a number above this one, which a partner holds since before a backup came back"},
                 {"root-key", CLI_TEXT, NULL, "FILE",
                  "where the root key is now, also a token's URI (pkcs11:...)"},
                 {"identities", CLI_TEXT, NULL, "FILE",
                  "STIX identities at home here, one a line, instead of those of the card before"},
                 {"next", CLI_FLAG, NULL, NULL, "the one that waits for its time, instead"},
                 {"number", CLI_TEXT, NULL, "N", "one that was signed before, instead"},
                 {"tls-certificate", CLI_FLAG, NULL, NULL,
                  "print the certificate that TAXII clients are to trust (PEM) instead"},
                 PASSPHRASE},
     .run = card},
    {.words = "serve",
     .summary = "run the node until SIGTERM",
     .many = true,
     .options = {{"accounts", CLI_FLAG, NULL, NULL,
                  "each role in its account, or not at all; the node's unit grants what that needs"},
                 {"one-process", CLI_FLAG, NULL, NULL, "all roles in one process: for tests"}},
     .run = serve},
    {.words = "accounts",
     .summary = "give each role's files to its account; as root, and the node must not run",
     .help = "The unit of the package does it before each start (serve --accounts).",
     .many = true,
     .options = {{"one", CLI_FLAG, NULL, NULL, "everything to the account bongsu again"}},
     .run = give_accounts},
    {.words = "reindex",
     .summary = "make the index again from the log; the node must not run",
     .help = "The log is what is true; the index only makes it quick. Nothing is lost by this.",
     .many = true,
     .run = reindex},
    {.words = "backup",
     .summary = "copy the node to a folder, also while it runs",
     .help =
         "A folder of before is brought up to date: what the log had is not copied again. Whoever has it has "
         "all\n"
         "that the node has, unless the secrets go elsewhere. The root key and the anchor are never in it. "
         "Its\n"
         "key file is of one moment and not registered (`bongsu keys copies`): what is destroyed later is\n"
         "destroyed in it by the next backup to the same folder, and no recall waits for that.",
     .args = {{"FOLDER", CLI_TEXT, NULL, NULL, "a folder that is made, or a backup of this node"}},
     .options = {SECRETS},
     .run = backup},
    {.words = "restore",
     .summary = "make a node of a backup",
     .help = "Every file is compared with SHA256SUMS. All partners are paused: nothing leaves before `bongsu "
             "peer\n"
             "start`, and without its anchor the node signs nothing before `bongsu peer epoch`:\n"
             "docs/guide/disk-dies.md.",
     .args = {{"FOLDER", CLI_TEXT, NULL, NULL, "the backup"},
              {"DIR", CLI_TEXT, NULL, NULL, "a directory that is made"}},
     .options = {SECRETS},
     .run = restore},
};

const struct cli_group cli_node = {commands, sizeof commands / sizeof commands[0]};
