#include "core/sshsig.h"

#include "core/hash.h"
#include "core/rd.h"
#include "core/suite.h"
#include "core/wr.h"

enum { VERSION = 1, TOUCHED = 1, MPINT_MAX = 33, DER_MAX = SUITE_SIGNATURE_MAX, KIND_MAX = 32 };

static const char magic[] = "SSHSIG", armor_begin[] = "-----BEGIN SSH SIGNATURE-----\n",
                  armor_end[] = "-----END SSH SIGNATURE-----";

/* What a key and a signature of each kind hold behind the kind's name (RFC 5656, RFC 8709, PROTOCOL.u2f). */
static const struct kind {
    const char *name;
    unsigned suite;    /* whose algorithm it is */
    const char *curve; /* of ECDSA; NULL: none is named */
    bool token;        /* an application behind the key, flags and a counter behind the signature */
} kinds[] = {
    {"ssh-ed25519", SUITE_1, NULL, false},
    {"sk-ssh-ed25519@openssh.com", SUITE_1, NULL, true},
    {"ecdsa-sha2-nistp256", SUITE_2, "nistp256", false},
};

static const struct kind *kind_of(struct bytes name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(str_from_bytes(name), str_of(kinds[i].name)))
            return &kinds[i];
    return NULL;
}

/* --- keys --- */

struct opened {
    const struct kind *kind;
    struct bytes public, application; /* borrowed from the key */
};

static err_t key_open(struct bytes wire, struct opened *out)
{
    struct rd rd = rd_of(wire);
    struct opened key = {.kind = kind_of(rd_blob(&rd, KIND_MAX))};
    if (rd.err == ERR_OK && key.kind == NULL)
        return ERR_UNSUPPORTED;
    if (rd.err == ERR_OK && key.kind->curve != NULL &&
        !str_eq(str_from_bytes(rd_blob(&rd, KIND_MAX)), str_of(key.kind->curve)))
        return ERR_SYNTAX;
    key.public = rd_blob(&rd, SUITE_PUBLIC_MAX);
    if (rd.err == ERR_OK && key.kind->token)
        key.application = rd_blob(&rd, SSHSIG_KEY_MAX);
    if (rd_end(&rd) != ERR_OK)
        return ERR_SYNTAX;
    const struct suite *suite = suite_of(key.kind->suite);
    if (key.public.len != suite->public_size || !suite->public_ok(suite, key.public.at))
        return ERR_SYNTAX;
    *out = key;
    return ERR_OK;
}

static err_t key_take(struct bytes wire, struct sshsig_key *out)
{
    struct opened opened;
    err_t err = wire.len > SSHSIG_KEY_MAX ? ERR_LIMIT : key_open(wire, &opened);
    if (err != ERR_OK)
        return err;
    *out = (struct sshsig_key) {.len = wire.len};
    memcpy(out->b, wire.at, wire.len);
    return ERR_OK;
}

err_t sshsig_key_parse(struct str text, struct sshsig_key *out)
{
    uint8_t wire[SSHSIG_KEY_MAX];
    size_t len;
    struct rd rd;
    struct str name = str_cut(&text, ' '), base64 = str_cut(&text, ' ');
    if (kind_of(bytes_from_str(name)) == NULL)
        return ERR_UNSUPPORTED;
    if (!str_unbase64(base64, wire, sizeof wire, &len))
        return ERR_SYNTAX;
    rd = rd_of(bytes_of(wire, len));
    if (!str_eq(str_from_bytes(rd_blob(&rd, KIND_MAX)), name))
        return ERR_SYNTAX;
    return key_take(bytes_of(wire, len), out);
}

void sshsig_key_print(const struct sshsig_key *key, struct buf *out)
{
    char base64[(SSHSIG_KEY_MAX / 3 + 1) * 4];
    struct rd rd = rd_of(bytes_of(key->b, key->len));
    buf_put_str(out, str_from_bytes(rd_blob(&rd, KIND_MAX)));
    buf_putc(out, ' ');
    buf_put_str(out, (struct str) {base64, str_base64(key->b, key->len, base64)});
}

bool sshsig_key_eq(const struct sshsig_key *a, const struct sshsig_key *b)
{
    return bytes_eq(bytes_of(a->b, a->len), bytes_of(b->b, b->len));
}

void sshsig_fingerprint(const struct sshsig_key *key, char out[SSHSIG_FINGERPRINT_SIZE])
{
    static const char head[] = "SHA256:";
    char base64[44]; /* of 32 bytes, the last digit a sign of padding, which ssh-keygen leaves out */
    struct hash digest = hash_sha256(bytes_of(key->b, key->len));
    (void)str_base64(digest.b, HASH_SIZE, base64);
    memcpy(out, head, sizeof head - 1);
    memcpy(out + sizeof head - 1, base64, sizeof base64 - 1);
    out[SSHSIG_FINGERPRINT_SIZE - 1] = '\0';
}

/* --- reading --- */

/* What stands between the two lines, without the ends of lines. ERR_SYNTAX. */
static err_t unarmor(struct str text, uint8_t *out, size_t size, size_t *out_len)
{
    char base64[LIMIT_SSHSIG_BYTES];
    struct str begin = str_of(armor_begin), end = str_of(armor_end);
    size_t len = 0;
    if (text.len > sizeof base64)
        return ERR_LIMIT;
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len < begin.len + end.len || !str_starts(text, begin) || !str_ends(text, end))
        return ERR_SYNTAX;
    struct str inside = {text.at + begin.len, text.len - begin.len - end.len};
    if (inside.len == 0 || inside.at[inside.len - 1] != '\n')
        return ERR_SYNTAX;
    for (size_t i = 0; i < inside.len; i++)
        if (inside.at[i] != '\n')
            base64[len++] = inside.at[i];
    return str_unbase64((struct str) {base64, len}, out, size, out_len) ? ERR_OK : ERR_SYNTAX;
}

static err_t take_digest(struct bytes name, bool *out_sha512)
{
    *out_sha512 = str_eq(str_from_bytes(name), STR("sha512"));
    return *out_sha512 || str_eq(str_from_bytes(name), STR("sha256")) ? ERR_OK : ERR_UNSUPPORTED;
}

static err_t take_blob(struct bytes wire, struct sshsig *out)
{
    struct rd rd = rd_of(wire);
    struct bytes head = rd_bytes(&rd, sizeof magic - 1);
    uint32_t version = rd_u32(&rd);
    if (rd.err != ERR_OK || !bytes_eq(head, bytes_from_str(str_of(magic))))
        return ERR_SYNTAX;
    if (version != VERSION)
        return ERR_VERSION;
    struct bytes key = rd_blob(&rd, SSHSIG_KEY_MAX), name = rd_blob(&rd, sizeof out->name);
    struct bytes reserved = rd_blob(&rd, 0), digest = rd_blob(&rd, KIND_MAX);
    struct bytes signature = rd_blob(&rd, sizeof out->signature);
    (void)reserved; /* what it were to say, nobody knows: it is empty */
    err_t err;
    if (rd_end(&rd) != ERR_OK || name.len == 0)
        return ERR_SYNTAX;
    if (TRY(err, key_take(key, &out->key)) || TRY(err, take_digest(digest, &out->sha512)))
        return err;
    out->name_len = name.len;
    memcpy(out->name, name.at, name.len);
    out->signature_len = signature.len;
    if (signature.len > 0)
        memcpy(out->signature, signature.at, signature.len);
    return ERR_OK;
}

err_t sshsig_parse(struct str armored, struct sshsig *out)
{
    uint8_t wire[LIMIT_SSHSIG_BYTES];
    size_t len;
    struct sshsig sig = {.sha512 = false};
    err_t err;
    if (TRY(err, unarmor(armored, wire, sizeof wire, &len)) || TRY(err, take_blob(bytes_of(wire, len), &sig)))
        return err;
    *out = sig;
    return ERR_OK;
}

/* --- verifying --- */

/* The bytes that the key signs: those of the armor with the message's digest in the place of key and
 * signature. */
static void put_signed(const struct sshsig *sig, struct bytes message, struct buf *out)
{
    uint8_t digest[HASH_SHA512_SIZE];
    struct hash sha256 = hash_sha256(message);
    hash_sha512(message, digest);
    buf_put_str(out, str_of(magic));
    wr_blob(out, bytes_of(sig->name, sig->name_len));
    wr_blob(out, bytes_of(NULL, 0));
    wr_blob(out, bytes_from_str(sig->sha512 ? STR("sha512") : STR("sha256")));
    wr_blob(out, sig->sha512 ? bytes_of(digest, sizeof digest) : bytes_of(sha256.b, HASH_SIZE));
}

/* Two numbers of ECDSA as OpenSSL wants them: a number of SSH and one of DER are the same bytes. */
static struct bytes der_of(struct bytes wire, uint8_t out[DER_MAX])
{
    struct rd rd = rd_of(wire);
    struct bytes part[2];
    size_t at = 2;
    for (size_t i = 0; i < 2; i++)
        part[i] = rd_blob(&rd, MPINT_MAX);
    if (rd_end(&rd) != ERR_OK)
        return bytes_of(NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        out[at++] = 0x02;
        out[at++] = (uint8_t)part[i].len;
        if (part[i].len > 0)
            memcpy(out + at, part[i].at, part[i].len);
        at += part[i].len;
    }
    out[0] = 0x30;
    out[1] = (uint8_t)(at - 2);
    return bytes_of(out, at);
}

/* A token signs digests, between them how it was asked and its counter. Nobody touched it: it proves nobody.
 */
static bool through_token(struct rd *rd, struct bytes application, struct buf *message)
{
    struct hash whole = hash_sha256(buf_bytes(message)), app = hash_sha256(application);
    uint8_t flags = rd_u8(rd);
    uint32_t counter = rd_u32(rd);
    buf_clear(message);
    wr_bytes(message, bytes_of(app.b, HASH_SIZE));
    wr_u8(message, flags);
    wr_u32(message, counter);
    wr_bytes(message, bytes_of(whole.b, HASH_SIZE));
    return (flags & TOUCHED) != 0;
}

static err_t verify_signed(const struct sshsig *sig, const struct opened *key, struct buf *message)
{
    struct rd rd = rd_of(bytes_of(sig->signature, sig->signature_len));
    struct bytes kind = rd_blob(&rd, KIND_MAX), raw = rd_blob(&rd, SSHSIG_SIGNATURE_MAX);
    uint8_t der[DER_MAX];
    bool good = str_eq(str_from_bytes(kind), str_of(key->kind->name)) &&
                (!key->kind->token || through_token(&rd, key->application, message));
    if (!good || rd_end(&rd) != ERR_OK)
        return ERR_SIGNATURE;
    if (key->kind->curve != NULL)
        raw = der_of(raw, der);
    err_t err = buf_err(message);
    const struct suite *suite = suite_of(key->kind->suite);
    return err != ERR_OK ? err : suite->verify(suite, key->public.at, buf_bytes(message), raw);
}

err_t sshsig_verify(const struct sshsig *sig, const struct sshsig_key *key, struct str name,
                    struct bytes message)
{
    struct opened opened;
    struct buf text;
    if (!sshsig_key_eq(&sig->key, key))
        return ERR_DENIED;
    if (!str_eq(sshsig_namespace(sig), name))
        return ERR_INVALID;
    err_t err = key_open(bytes_of(key->b, key->len), &opened);
    if (err != ERR_OK)
        return ERR_DENIED;
    buf_init(&text, 512);
    put_signed(sig, message, &text);
    err = verify_signed(sig, &opened, &text);
    buf_deinit(&text);
    return err;
}
