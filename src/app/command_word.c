#include "app/command_word.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "gate/signed_word.h"
#include "gate/spill.h"

#define FORM      "bongsu/operator-word/v1"
#define NAMESPACE "bongsu"

enum { LINE_BYTES = 512 };

/* What some things want two of, or one of a declared operator. */
static const struct {
    const char *name; /* of the command that says it */
    bool waits;       /* without his signature nothing is done; else it is, and does not count as his word */
} kinds[WORD_COUNT] = {
    [WORD_ACTIVATE] = {"policy activate", true},
    [WORD_CONFIRM] = {"policy confirm", true},
    [WORD_APPROVE] = {"approve", true},
    [WORD_KEEP] = {"marking keep", true},
    [WORD_SPILL] = {"spill", false}, /* what must not be here, or comes back, does not wait for a token */
    [WORD_DESTROY] = {"spill destroy", true},
    [WORD_RECALL] = {"recall", false},
    [WORD_RECALL_CONFIRM] = {"recall confirm", true},
    [WORD_ORDER] = {"hold legal", true},
    [WORD_ORDER_LIFT] = {"hold legal lift", true},
};

/* --- the text --- */

void word_begin(struct command_call *call, enum word_kind kind, struct word *out)
{
    uint8_t *memory = arena_alloc(call->arena, LIMIT_WORD_BYTES);
    *out = (struct word) {.kind = kind, .by = command_by(call)};
    out->text = (struct buf) {.at = memory, .size = LIMIT_WORD_BYTES, .size_max = LIMIT_WORD_BYTES};
    if (memory == NULL)
        out->text = (struct buf) {.err = ERR_NOMEM};
    buf_printf(&out->text, FORM "\n");
    word_put(out, "node", "%s", call->host->conf->node);
    word_put(out, "operator", "%.*s", STR_ARG(call->who));
    word_put(out, "word", "%s", kinds[kind].name);
}

void word_put(struct word *word, const char *name, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    must(len >= 0 && (size_t)len < sizeof line);
    buf_printf(&word->text, "%s: ", name);
    buf_put_str(&word->text, str_of(line));
    buf_putc(&word->text, '\n');
}

void word_put_text(struct word *word, const char *name, struct str text)
{
    buf_printf(&word->text, "%s: ", name);
    json_write_str(&word->text, text);
    buf_putc(&word->text, '\n');
}

void word_put_digest(struct word *word, const char *name, const struct hash *digest)
{
    char hex[2 * HASH_SIZE];
    str_hex(digest->b, HASH_SIZE, hex);
    word_put(word, name, "sha256 %.*s", (int)sizeof hex, hex);
}

/* Over all of them, as `printf '%s\n' ... | sha256sum` has it. */
static err_t digest_of(const uint64_t *numbers, size_t count, struct hash *out)
{
    char line[24];
    struct hash_state *state = hash_state_new();
    if (state == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(line, sizeof line, "%llu\n", (unsigned long long)numbers[i]);
        hash_state_add(state, bytes_of(line, (size_t)len));
    }
    *out = hash_state_take(state);
    hash_state_free(state);
    return ERR_OK;
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

void word_put_numbers(struct word *word, const char *name, uint64_t *numbers, size_t count)
{
    struct hash digest;
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, by_size);
    word_put(word, "how many", "%zu", count);
    if (count > LIMIT_COPIES) {
        err_t err = digest_of(numbers, count, &digest);
        if (err != ERR_OK)
            word->text.err = err;
        else
            word_put_digest(word, name, &digest);
        return;
    }
    buf_printf(&word->text, "%s:", name);
    for (size_t i = 0; i < count; i++)
        buf_printf(&word->text, " %llu", (unsigned long long)numbers[i]);
    buf_putc(&word->text, '\n');
}

/* Why, and what makes it this one word and no other. */
static err_t finish(struct command_call *call, struct word *word)
{
    err_t err;
    word_put_text(word, "because", word->by.because);
    if (TRY(err, buf_err(&word->text)))
        return command_refuse(call, err, "say it of less", "the text to sign: %s", err_text(err));
    word->said = hash_sha256(buf_bytes(&word->text));
    if (TRY(err, gate_word_again(call->host->gate, &word->said, &word->again)))
        return command_refuse(call, err, NULL, "how often it was signed before: %s", err_text(err));
    word_put(word, "again", "%u", word->again);
    err = buf_err(&word->text);
    return err == ERR_OK ? err : command_refuse(call, err, "say it of less", "%s", err_text(err));
}

/* On a terminal a line ends behind it: so its own last end is left out there. */
static void show(struct command_call *call, struct word *word)
{
    struct str text = buf_str(&word->text);
    line_begin(call->out);
    line_text(call->out, "to_sign", text);
    line_text(call->out, "say", (struct str) {text.at, text.len - 1});
    line_end(call->out);
    word->shown = true;
}

/* --- the signature --- */

#define HOW                                                                                                  \
    "the same command with --to-sign > t, then ssh-keygen -Y sign -n " NAMESPACE                             \
    " -f KEY t, then with --signature t.sig"

static err_t refuse_key(struct command_call *call, const struct sshsig *sig)
{
    char theirs[SSHSIG_FINGERPRINT_SIZE];
    sshsig_fingerprint(&sig->key, theirs);
    return command_refuse(call, ERR_DENIED, "sign with the key that stands behind your name in operators",
                          "the signature is of another key (%s) than %.*s has here", theirs,
                          STR_ARG(call->who));
}

static err_t verify(struct command_call *call, struct word *word)
{
    struct sshsig sig;
    err_t err = sshsig_parse(word->signature, &sig);
    if (err == ERR_UNSUPPORTED)
        return command_refuse(call, ERR_DENIED, HOW,
                              "the signature is by a key of a kind that is not taken: " SSHSIG_KINDS " are");
    if (err != ERR_OK)
        return command_refuse(call, err == ERR_NOMEM ? err : ERR_DENIED, HOW,
                              "what was given is no signature of OpenSSH that is known here: %s",
                              err_text(err));
    err = sshsig_verify(&sig, word->row->key, STR(NAMESPACE), buf_bytes(&word->text));
    switch (err) {
    case ERR_OK:
        word->by.who = str_of(word->row->said);
        word->counts = true;
        return ERR_OK;
    case ERR_DENIED:
        return refuse_key(call, &sig);
    case ERR_INVALID:
        return command_refuse(call, ERR_DENIED, HOW,
                              "the signature was made for %.*s, and not for " NAMESPACE, (int)sig.name_len,
                              sig.name);
    case ERR_SIGNATURE:
        return command_refuse(
            call, ERR_DENIED, HOW,
            "the signature is over other words than these: something is otherwise than when "
            "they were printed, or it has served already");
    default:
        return command_refuse(call, err, NULL, "the signature cannot be looked at: %s", err_text(err));
    }
}

/* Whoever has no key signs nothing: his account is his word, or nothing is. */
static err_t without_key(struct command_call *call, struct word *word, const struct operators_row *row,
                         bool asked)
{
    word->counts = row != NULL && row->counts;
    if (asked)
        return command_refuse(call, ERR_DENIED,
                              "operators: [kim ssh-ed25519 AAAA...] in " CONF_FILE
                              " (docs/guide/operators.md)",
                              "%.*s has no key here that a signature could be of", STR_ARG(call->who));
    if (row != NULL && !row->counts && kinds[word->kind].waits)
        return command_refuse(call, ERR_DENIED, "his public key behind his name in operators, in " CONF_FILE,
                              "all operators sign here (operators-sign), and %.*s has no key",
                              STR_ARG(call->who));
    return ERR_OK;
}

err_t word_check(struct command_call *call, struct word *word)
{
    const struct operators_row *row =
        call->standing == STANDING_OPERATOR ? operators_find(call->host->operators, call->who) : NULL;
    bool to_sign = command_flag(call, "to_sign");
    err_t err;
    word->signature = command_text_or_empty(call, "signature");
    if (row == NULL || row->key == NULL)
        return without_key(call, word, row, to_sign || word->signature.len > 0);
    if (!to_sign && word->signature.len == 0 && kinds[word->kind].waits)
        return command_refuse(call, ERR_DENIED, HOW, "%.*s signs what he says here", STR_ARG(call->who));
    if (!to_sign && word->signature.len == 0) {
        line_say(call->out, "not signed: it is done, and counts as nobody's word where two are wanted");
        return ERR_OK;
    }
    if (TRY(err, finish(call, word)))
        return err;
    word->row = row;
    if (!to_sign)
        return verify(call, word);
    show(call, word);
    return ERR_OK;
}

err_t word_keep(struct command_call *call, const struct word *word)
{
    struct buf key;
    if (word->row == NULL)
        return ERR_OK;
    buf_init(&key, RECORD_TEXT_MAX);
    sshsig_key_print(word->row->key, &key);
    struct gate_word kept = {.who = word->by.who,
                             .key = buf_str(&key),
                             .text = buf_str(&word->text),
                             .signature = word->signature};
    err_t err = buf_err(&key);
    if (err == ERR_OK)
        err = gate_word_put(call->host->gate, &word->said, word->again, &kept, &word->by, call->now_us);
    buf_deinit(&key);
    return err == ERR_OK ? err
                         : command_refuse(call, err, NULL, "done, and the signature could not be kept: %s",
                                          err_text(err));
}

err_t word_keep_part(struct command_call *call, const struct word *word, bool done, err_t err)
{
    err_t kept = done ? word_keep(call, word) : ERR_OK;
    return kept != ERR_OK ? kept : err;
}

struct suspending {
    struct str who;
    int64_t now_us;
    bool found;
};

static void find_suspended(void *ctx, const struct gate_spill *spill)
{
    struct suspending *s = ctx;
    s->found |= spill->spilled_us == s->now_us && str_eq(spill->by, s->who);
}

bool word_suspended(struct command_call *call, const struct word *word)
{
    struct suspending s = {.who = word->by.who, .now_us = call->now_us};
    if (!word->counts || word->row == NULL)
        return false; /* nothing was signed */
    /* What cannot be looked up was. */
    return gate_spills(call->host->gate, find_suspended, &s) != ERR_OK || s.found;
}

/* --- looking at them again --- */

struct listing {
    struct command_call *call;
    struct gate_word *at; /* texts in the arena; NULL: they are counted */
    uint64_t number;      /* this one alone; 0: all */
    size_t count, size;
    bool short_of_memory;
};

static void list_one(void *ctx, const struct gate_word *word)
{
    struct listing *l = ctx;
    if (l->number != 0 && word->number != l->number)
        return;
    if (l->at == NULL || l->count == l->size) {
        l->count += l->at == NULL;
        return;
    }
    struct gate_word *kept = &l->at[l->count++];
    *kept = *word;
    kept->who = arena_str(l->call->arena, word->who);
    kept->key = arena_str(l->call->arena, word->key);
    kept->text = arena_str(l->call->arena, word->text);
    kept->signature = arena_str(l->call->arena, word->signature);
    l->short_of_memory |=
        kept->who.at == NULL || kept->key.at == NULL || kept->text.at == NULL || kept->signature.at == NULL;
}

static int by_number(const void *a, const void *b)
{
    const struct gate_word *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* What stands behind "name: " in its line. */
static struct str value_of(struct str text, const char *name)
{
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        struct str head = str_of(name);
        if (str_starts(line, head) && line.len > head.len + 1 && line.at[head.len] == ':')
            return (struct str) {line.at + head.len + 2, line.len - head.len - 2};
    }
    return STR("");
}

/* What the text says; when it is forgotten with its day, who signed it, and that it is. */
static void say_text(struct command_call *call, const struct gate_word *word)
{
    bool forgotten = !str_starts(word->text, STR(FORM "\n"));
    line_text(call->out, "operator",
              forgotten ? operators_account(word->who) : value_of(word->text, "operator"));
    if (!forgotten)
        line_text(call->out, "word", value_of(word->text, "word"));
    struct str because = value_of(word->text, "because");
    if (forgotten)
        line_text(call->out, "because", word->text);
    else if (because.len > 0)
        line_json(call->out, "because", because); /* in the text as JSON has it (word_put_text) */
    line_bool(call->out, "forgotten", forgotten);
}

/* All that anybody needs to verify it without this node. */
static void say_word(struct command_call *call, const struct gate_word *word)
{
    char fingerprint[SSHSIG_FINGERPRINT_SIZE] = "?";
    struct sshsig_key key;
    if (sshsig_key_parse(word->key, &key) == ERR_OK)
        sshsig_fingerprint(&key, fingerprint);
    line_begin(call->out);
    line_count(call->out, "number", word->number);
    line_time(call->out, "said", word->at_us);
    say_text(call, word);
    line_word(call->out, "fingerprint", fingerprint);
    line_text(call->out, "key", word->key);
    line_text(call->out, "text", word->text);
    line_text(call->out, "signature", word->signature);
    line_end(call->out);
}

static err_t words_list(struct command_call *call)
{
    struct listing counting = {.call = call};
    struct str all = command_text_or_empty(call, "number"), text = str_cut(&all, '\n');
    if (all.len > 0 || (text.len > 0 && !str_to_u64(text, UINT64_MAX, &counting.number)))
        return command_refuse(call, ERR_USAGE, "as `bongsu words` lists it", "give one number, or none");
    err_t err = gate_word_each(call->host->gate, list_one, &counting);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (counting.count == 0 && counting.number != 0)
        return command_refuse(call, ERR_NOTFOUND, "`bongsu words` lists them", "no word has this number");
    struct listing l = {.call = call, .number = counting.number, .size = counting.count};
    l.at = counting.count == 0 ? NULL : arena_zalloc(call->arena, l.size, sizeof *l.at);
    if (counting.count > 0 && l.at == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    if (l.at != NULL && (TRY(err, gate_word_each(call->host->gate, list_one, &l)) || l.short_of_memory))
        return command_refuse(call, err != ERR_OK ? err : ERR_NOMEM, "ask for one, by its number", "%s",
                              err_text(err != ERR_OK ? err : ERR_NOMEM));
    if (l.count > 1)
        qsort(l.at, l.count, sizeof *l.at, by_number);
    for (size_t i = 0; i < l.count; i++)
        say_word(call, &l.at[i]);
    if (l.count == 0)
        line_say(call->out, "No operator has signed anything here.");
    return ERR_OK;
}

const struct command command_word_rows[] = {
    {"words", false, words_list},
    {NULL, false, NULL},
};
