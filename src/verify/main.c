#include "verify/verify.h"

#include <errno.h>
#include <stdarg.h>

enum { VERIFIED, REFUSED, USAGE, OBJECT_MAX = (2 << 20) + 2, PATH_BYTES = 4096 };

static const char usage[] =
    "usage: bongsu-verify proof [OPTION...] FILE...       --object FILE, --entry FILE\n"
    "       bongsu-verify voucher [OPTION...] FILE...     --object FILE\n"
    "       bongsu-verify checkpoint [OPTION...] FILE...  --receipt DISPOSITION\n"
    "       bongsu-verify ledger [OPTION...] DIR...       --since CHECKPOINT (may repeat)\n"
    "Whose signatures count, before other options: --card FILE, --keys FILE; both may repeat.\n"
    "--cosigners N wants so many of them as witnesses. --json writes a line of JSON for each file.\n"
    "Status: 0 all verified, 1 something not, 2 wrong usage. See bongsu-verify(1).\n";

struct job {
    bool json;
    const char *kind, *object, *entry, *disposition;
    uint64_t cosigners;
    size_t since_count;
    struct verify_checkpoint since[VERIFY_SINCE_MAX];
    struct verify v;
    uint8_t file[VERIFY_FILE_MAX], bytes[OBJECT_MAX];
};

/* --- saying --- */
/* A member of a JSON object, or a line. What somebody else wrote cannot end a string or drive a terminal. */
__attribute__((format(printf, 3, 4))) static void say(struct job *job, const char *name, const char *fmt, ...)
{
    char text[PATH_BYTES + 1];
    bool bare = strcmp(fmt, "%" PRIu64) == 0;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)printf(job->json ? ",\"%s\":%s" : "  %-14s %s", name, job->json && !bare ? "\"" : "");
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0'; at++) {
        bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        at += c1;
        if (c1 || *at < 0x20 || *at == 0x7f)
            (void)printf("\\u%04x", *at);
        else
            (void)printf(*at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    }
    (void)printf(job->json ? "%s" : "\n", bare ? "" : "\"");
}

static void say_hash(struct job *job, const char *name, const struct digest *hash)
{
    char hex[2 * VERIFY_HASH + 1];
    say(job, name, "%s", sodium_bin2hex(hex, sizeof hex, hash->b, VERIFY_HASH));
}

static void say_verdict(struct job *job, const char *path)
{
    bool good = job->v.why[0] == '\0';
    (void)printf(job->json ? "{\"verified\":%s" : "%s\n",
                 job->json ? (good ? "true" : "false") : (good ? "verified" : "NOT VERIFIED"));
    say(job, job->kind, "%s", path);
}

static void say_checkpoint(struct job *job, const char *path, const struct verify_checkpoint *checkpoint)
{
    say_verdict(job, path);
    say(job, "log", "%s", checkpoint->origin.text);
    say(job, "tree_size", "%" PRIu64, checkpoint->size);
    say_hash(job, "root", &checkpoint->root);
    if (checkpoint->words[0] != '\0')
        say(job, "card_words", "%s", checkpoint->words);
    for (size_t i = 0; i < checkpoint->cosigners.count; i++) {
        char name[32], time[VERIFY_TIME];
        (void)snprintf(name, sizeof name, "cosigner_%zu", i + 1);
        verify_time(checkpoint->cosigners.at[i].time_s, 0, time);
        say(job, name, "%s at %s", checkpoint->cosigners.at[i].key.name, time);
    }
}

static void say_receipt(struct job *job, const struct verify_receipt *receipt)
{
    say(job, "held_by", "%s", receipt->holder);
    say(job, "held", "%" PRIu64, receipt->size - receipt->refused_count);
    say(job, "refused", "%" PRIu64, receipt->refused_count);
}

/* --- files --- */
/* `ctx`: the directory, or NULL. */
static bool file_read(const void *ctx, const char *path, uint8_t *out, size_t size, size_t *out_len,
                      struct verify *v)
{
    char whole[PATH_BYTES];
    int length = snprintf(whole, sizeof whole, "%s%s%s", ctx == NULL ? "" : (const char *)ctx,
                          ctx == NULL ? "" : "/", path);
    if (length < 0 || (size_t)length >= sizeof whole)
        return verify_refuse(v, "a path above %d bytes", PATH_BYTES - 1);
    FILE *file = fopen(whole, "rb");
    if (file == NULL)
        return errno != ENOENT && verify_refuse(v, "%.150s: %s", whole, strerror(errno));
    *out_len = fread(out, 1, size, file);
    bool whole_read = !ferror(file) && fgetc(file) == EOF && !ferror(file);
    (void)fclose(file);
    return whole_read || verify_refuse(v, "%.150s cannot be read, or is too long", whole);
}

static bool get(struct job *job, const char *path, uint8_t *out, size_t size, struct span *out_span)
{
    out_span->at = out;
    return file_read(NULL, path, out, size, &out_span->len, &job->v) ||
           verify_refuse(&job->v, "%.150s is not there", path);
}

/* --- the kinds: true when it is verified, and then all of it is said by `say` --- */
static bool enough(struct job *job, const struct verify_checkpoint *checkpoint)
{
    return checkpoint->cosigners.count >= job->cosigners ||
           verify_refuse(&job->v, "%zu of the given cosigners signed, %" PRIu64 " are wanted",
                         checkpoint->cosigners.count, job->cosigners);
}

/* The SHA-256 of the exact bytes, which is `content`; NULL: of whatever they are. A line end is forgiven. */
static bool object_hash(struct job *job, const struct digest *content, struct digest *out)
{
    struct span object;
    if (job->object == NULL || !get(job, job->object, job->bytes, sizeof job->bytes, &object))
        return verify_refuse(&job->v, "give the object: --object FILE");
    *out = verify_sha256(&object, 1);
    if (content != NULL && verify_digest_same(out, content))
        return true;
    object.len -= object.len > 0 && object.at[object.len - 1] == '\n';
    *out = verify_sha256(&object, 1);
    return content == NULL || verify_digest_same(out, content) ||
           verify_refuse(&job->v, "the leaf does not open to the bytes of %.150s", job->object);
}

/* What somebody kept of a ledger is what stands in the log of the node. */
static bool since_fits(struct job *job, const struct verify_checkpoint *logged)
{
    for (size_t i = 0; i < job->since_count; i++)
        if (strcmp(logged->origin.text, job->since[i].origin.text) != 0 ||
            logged->size != job->since[i].size || !verify_digest_same(&logged->root, &job->since[i].root))
            return verify_refuse(&job->v, "another checkpoint than the given one stands there");
    return true;
}

static void say_proof(struct job *job, const struct verify_proof *proof)
{
    char time[VERIFY_TIME];
    say(job, "index", "%" PRIu64, proof->index);
    say_hash(job, "leaf_hash", &proof->hash);
    if (proof->has_leaf)
        say(job, "op", "%s", verify_op_word(proof->leaf.op));
    verify_time(proof->leaf.time_us / 1000000, (unsigned)(proof->leaf.time_us % 1000000), time);
    if (proof->has_leaf || proof->has_logged)
        say(job, "time", "%s", time);
    if (proof->has_logged) {
        say(job, "ledger", "%s", proof->logged.origin.text);
        say(job, "ledger_size", "%" PRIu64, proof->logged.size);
        say_hash(job, "ledger_root", &proof->logged.root);
    }
    if (proof->has_opening && !sodium_is_zero(proof->opening.content.b, VERIFY_HASH))
        say_hash(job, "object_sha256", &proof->opening.content);
    if (proof->has_opening && proof->opening.subject != VERIFY_SUBJECT_NONE)
        say(job, "about_leaf", "%" PRIu64, proof->opening.subject);
    if (proof->has_reason) {
        say(job, "rule", "%s", proof->reason.rule);
        say_hash(job, "policy_sha256", &proof->reason.policy);
        say(job, "approver", "%s", proof->reason.approver);
        say(job, "source", "%s", proof->reason.source);
    }
    if (proof->has_leaf && !proof->has_opening && !proof->has_reason)
        say(job, "content", "not opened by this file");
    if (job->object != NULL)
        say(job, "object", "%s holds these bytes", job->object);
}

static bool run_proof(struct job *job, const char *path)
{
    struct verify_proof proof;
    struct digest object;
    struct span whole, entry = {NULL, 0};
    if ((job->entry != NULL && !get(job, job->entry, job->bytes, UINT16_MAX, &entry)) ||
        !get(job, path, job->file, sizeof job->file, &whole) ||
        !verify_proof_open(whole, entry, &proof, &job->v) || !enough(job, &proof.checkpoint) ||
        (job->object != NULL && !object_hash(job, &proof.opening.content, &object)) ||
        !since_fits(job, &proof.logged))
        return false;
    say_checkpoint(job, path, &proof.checkpoint);
    say_proof(job, &proof);
    return true;
}

static bool run_checkpoint(struct job *job, const char *path)
{
    struct verify_checkpoint checkpoint;
    struct verify_receipt receipt;
    struct span whole, note;
    if (!get(job, path, job->file, sizeof job->file, &whole) ||
        !verify_checkpoint_open(whole, &checkpoint, &job->v) || !enough(job, &checkpoint) ||
        (job->disposition != NULL && (!get(job, job->disposition, job->bytes, VERIFY_NOTE_MAX, &note) ||
                                      !verify_receipt_open(note, &checkpoint, &receipt, &job->v))))
        return false;
    say_checkpoint(job, path, &checkpoint);
    if (job->disposition != NULL)
        say_receipt(job, &receipt);
    return true;
}

static bool run_ledger(struct job *job, const char *dir)
{
    struct verify_files files = {dir, file_read};
    struct verify_ledger ledger = {.since_count = job->since_count};
    memcpy(ledger.since, job->since, sizeof job->since);
    if (!verify_ledger_open(&files, &ledger, &job->v) || !enough(job, &ledger.checkpoint))
        return false;
    say_checkpoint(job, dir, &ledger.checkpoint);
    say(job, "opened", "%" PRIu64, ledger.opened);
    say(job, "not_opened", "%" PRIu64, ledger.closed);
    if (ledger.receipt_known)
        say_receipt(job, &ledger.receipt);
    else
        say(job, "receipt", "%s", ledger.has_receipt ? "not looked at: give the partner's card" : "none");
    return true;
}

static bool run_voucher(struct job *job, const char *path)
{
    struct verify_voucher voucher;
    struct digest object;
    struct span file;
    if (!object_hash(job, NULL, &object) || !get(job, path, job->file, sizeof job->file, &file) ||
        !verify_voucher_open(file, &object, &voucher, &job->v))
        return false;
    say_verdict(job, path);
    say(job, "origin", "%s", voucher.node);
    say(job, "card_words", "%s", voucher.words);
    say_hash(job, "object_sha256", &object);
    say(job, "limits", "%s", voucher.limits);
    return true;
}

/* --- the command line --- */
static bool take(struct job *job, const char *option, const char *value)
{
    struct span whole;
    const char **named = strcmp(option, "--object") == 0    ? &job->object
                         : strcmp(option, "--entry") == 0   ? &job->entry
                         : strcmp(option, "--receipt") == 0 ? &job->disposition
                                                            : NULL;
    if (named != NULL)
        return (*named = value) != NULL;
    if (strcmp(option, "--cosigners") == 0)
        return verify_number(verify_span_of(value), VERIFY_KEYS_MAX, &job->cosigners) ||
               verify_refuse(&job->v, "not a number up to %d", VERIFY_KEYS_MAX);
    if (!get(job, value, job->file, sizeof job->file, &whole))
        return false;
    if (strcmp(option, "--keys") == 0)
        return verify_trust_keys(whole, &job->v);
    if (strcmp(option, "--card") == 0)
        return verify_trust_card(whole, &job->v);
    if (strcmp(option, "--since") != 0 || job->since_count == VERIFY_SINCE_MAX)
        return verify_refuse(&job->v, "no such option, or more than %d of it", VERIFY_SINCE_MAX);
    return verify_checkpoint_open(whole, &job->since[job->since_count], &job->v) && ++job->since_count > 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        bool (*run)(struct job *job, const char *path);
    } kinds[] = {{"proof", run_proof},
                 {"checkpoint", run_checkpoint},
                 {"ledger", run_ledger},
                 {"voucher", run_voucher}};
    struct job job = {.kind = argc < 2 ? "" : argv[1]};
    bool (*run)(struct job * job, const char *path) = NULL;
    int status = VERIFIED, at = 2;
    if (strcmp(job.kind, "--version") == 0 || strcmp(job.kind, "--help") == 0)
        return fputs(job.kind[2] == 'h' ? usage : "bongsu-verify " BONGSU_VERSION "\n", stdout) < 0;
    for (size_t k = 0; sodium_init() >= 0 && k < sizeof kinds / sizeof kinds[0]; k++)
        run = strcmp(job.kind, kinds[k].word) == 0 ? kinds[k].run : run;
    for (; run != NULL && at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--json") == 0)
            job.json = true;
        else if (at + 1 == argc)
            run = NULL;
        else if (at++, !take(&job, argv[at - 1], argv[at]))
            return fprintf(stderr, "bongsu-verify: %s: %s\n", argv[at], job.v.why) < 0 ? USAGE : REFUSED;
    }
    if (run == NULL || at >= argc)
        return fputs(usage, stderr) < 0 ? REFUSED : USAGE;
    for (; at < argc; at++) {
        job.v.why[0] = '\0';
        if (!run(&job, argv[at])) {
            status = REFUSED;
            say_verdict(&job, argv[at]);
            say(&job, "why", "%s", job.v.why);
        }
        (void)printf(job.json ? "}\n" : "");
    }
    return status;
}
