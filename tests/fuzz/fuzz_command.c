/* A request line of the control socket (docs/protocol/CONTROL.md), run as core runs it over a store in a
 * directory of its own: whatever comes, every line of the answer is JSON, a refusal says why, and the node
 * stays well. What a command appended stays for the next: long runs reach states that one line cannot. */
#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "core/sign.h"
#include "os/os.h"
#include "taxii/server.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An account that every machine has, and a key whose private half nobody has. */
static const char signer[] = "daemon";
#define SIGNERS_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgguwDx1VBVAGwr6R4FW4aJsalrbjtvYi6PZdF9WA6p"

static struct place {
    char dir[64];
    struct conf conf;
    struct operators operators;
    struct gate *gate;
    struct taxii *taxii;
    struct json_parser *parser;
    struct arena arena;
    struct command_host host;
    uint64_t turns;
} place;

static void nothing(void *ctx)
{
    (void)ctx;
}

static void no_peer_status(void *ctx, unsigned partner, struct buf *out)
{
    (void)ctx;
    (void)partner;
    (void)out;
}

static void no_status(void *ctx, struct buf *out)
{
    (void)ctx;
    (void)out;
}

static void leave(void)
{
    char command[96];
    taxii_close(place.taxii);
    gate_close(place.gate);
    json_parser_free(place.parser);
    arena_deinit(&place.arena);
    (void)snprintf(command, sizeof command, "rm -rf %s", place.dir);
    must(system(command) == 0);
}

static void no_lines(void *ctx, struct buf *out)
{
    (void)ctx;
    (void)out;
}

static void nobody_reads(void *ctx, unsigned partner)
{
    (void)ctx;
    (void)partner;
}

static err_t no_card(void *ctx, struct str whole, const struct gate_by *by, struct fault *fault)
{
    (void)ctx;
    (void)whole;
    (void)by;
    return fault_set(fault, ERR_WRONGSTATE, 0, "this node has no keys");
}

static err_t no_epoch(void *ctx, unsigned partner, uint32_t epoch)
{
    (void)ctx;
    (void)partner;
    (void)epoch;
    return ERR_CLOSED;
}

static void no_witness(void *ctx, size_t witness, struct command_witness *out)
{
    (void)ctx;
    (void)witness;
    *out = (struct command_witness) {.trouble = ""};
}

static void enter(void)
{
    static const struct gate_by by = {{"fuzz", 4}, {"a seed", 6}};
    static const char object[] =
        "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--00000000-0000-4000-8000-"
        "000000000001\","
        "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"n\"}\n"
        "{\"type\":\"indicator\"}";
    const struct os *os = os_linux();
    struct gate_submission submission = {0};
    uint8_t padded[sizeof object + JSON_PADDING] = {0};
    (void)snprintf(place.dir, sizeof place.dir, "%s/bongsu-fuzz-XXXXXX", P_tmpdir);
    must(mkdtemp(place.dir) != NULL && sign_start() == ERR_OK);
    place.conf = (struct conf) {.node = "kr", .country = "KR"};
    (void)snprintf(place.conf.operators[0], CONF_ACCOUNT_BYTES, "%s", signer);
    must(sshsig_key_parse(STR(SIGNERS_KEY), &place.conf.operator_keys[0]) == ERR_OK);
    place.conf.operator_count = 1;
    operators_open(&place.conf, false, NULL, &place.operators);
    struct gate_setup gate = {.os = os, .dir = place.dir, .node_name = STR("kr")};
    must(gate_open(&gate, &place.gate) == ERR_OK);
    struct taxii_setup taxii = {
        .gate = place.gate, .random = os->random, .random_ctx = os->ctx, .title = STR("kr")};
    must(taxii_open(&taxii, 1, &place.taxii) == ERR_OK);
    must(json_parser_new(LIMIT_CONTROL_LINE_BYTES, &place.parser) == ERR_OK);
    arena_init(&place.arena, 64u << 20);
    struct gate_source source = {.name = STR("feed"), .partner = -1, .assume_until_us = INT64_MAX};
    must(gate_source_put(place.gate, &source, &by, 1, &submission.source) == ERR_OK);
    memcpy(padded, object, sizeof object - 1);
    must(gate_accept(place.gate, &submission, bytes_of(padded, sizeof object - 1), 1, NULL, NULL, NULL) ==
         ERR_OK);
    must(gate_commit(place.gate) == ERR_OK);
    place.host = (struct command_host) {.gate = place.gate,
                                        .taxii = place.taxii,
                                        .conf = &place.conf,
                                        .operators = &place.operators,
                                        .os = os,
                                        .peers_changed = nothing,
                                        .card_take = no_card,
                                        .links_say = no_lines,
                                        .cards_changed = nothing,
                                        .reader_gone = nobody_reads,
                                        .epoch_begins = no_epoch,
                                        .peer_status = no_peer_status,
                                        .node_status = no_status,
                                        .log_changed = nothing,
                                        .log_status = no_witness};
    must(atexit(leave) == 0);
}

/* Each line of `out` is one JSON object. */
static void check_lines(struct bytes out)
{
    struct json_doc doc;
    while (out.len > 0) {
        const uint8_t *end = memchr(out.at, '\n', out.len);
        must(end != NULL);
        size_t len = (size_t)(end - out.at);
        uint8_t *padded = calloc(1, len + JSON_PADDING);
        must(padded != NULL);
        memcpy(padded, out.at, len);
        must(json_parse(place.parser, bytes_of(padded, len), &doc, NULL) == ERR_OK &&
             json_is(json_root(&doc), JSON_OBJECT));
        free(padded);
        out = bytes_of(end + 1, out.len - len - 1);
    }
}

/* A signature, or the text for one, is asked of an operator who has a key. */
static bool is_signed(struct json_val args)
{
    struct json_val of;
    return json_get(args, STR("signature"), &of) || json_get(args, STR("to_sign"), &of);
}

static void run(const struct command *command, struct json_val args)
{
    struct buf out;
    bool signing = is_signed(args);
    struct command_call call = {.host = &place.host,
                                .args = args,
                                .who = signing ? str_of(signer) : STR("fuzz"),
                                .standing = signing ? STANDING_OPERATOR : STANDING_ACCOUNT,
                                .now_us = 2,
                                .arena = &place.arena,
                                .out = &out};
    buf_init(&out, LIMIT_CONTROL_REPLY_BYTES);
    err_t err = command->run(&call);
    must(err == ERR_OK || err == ERR_NOMEM || call.what[0] != '\0');
    must(memchr(call.what, '\0', sizeof call.what) != NULL);
    must(buf_err(&out) == ERR_OK);
    check_lines(buf_bytes(&out));
    buf_deinit(&out);
    arena_reset(&place.arena);
    must(!gate_health(place.gate).read_only);
    if (command->writes || ++place.turns % 64 == 0)
        must(gate_commit(place.gate) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_doc doc;
    struct str name;
    struct json_val args;
    if (place.gate == NULL)
        enter();
    if (size > LIMIT_CONTROL_LINE_BYTES)
        return 0;
    uint8_t *line = calloc(1, size + JSON_PADDING);
    must(line != NULL);
    if (size > 0)
        memcpy(line, data, size);
    if (json_parse(place.parser, bytes_of(line, size), &doc, NULL) == ERR_OK &&
        json_get_str(json_root(&doc), STR("command"), &name) &&
        json_get(json_root(&doc), STR("args"), &args) && json_is(args, JSON_OBJECT)) {
        const struct command *command = command_find(name);
        if (command != NULL)
            run(command, args);
    }
    free(line);
    return 0;
}
