#include "verify/verify.h"

#include <openssl/x509.h>

enum { ID = 4, STAMP = 8, WHOLE = ID + VERIFY_SIGNATURE_MAX, CARD_MAX = 16 << 10, ROOT = 4 };

/* What stands before keys in verifier keys (LEDGER.md section 1): of Ed25519 a type; of ECDSA a type, behind
 * 0xff a name, and the SubjectPublicKeyInfo (RFC 5480) up to the point. Two rows for each signer. */
#define SPKI_256 "\x30\x59\x30\x13\6\7\x2a\x86\x48\xce\x3d\2\1\6\x08\x2a\x86\x48\xce\x3d\3\1\7\3\x42\0"
#define SPKI_384 "\x30\x76\x30\x10\6\7\x2a\x86\x48\xce\x3d\2\1\6\5\x2b\x81\4\0\x22\3\x62\0"
static const struct verify_form forms[] = {{"\1", 1, 32, false},
                                           {"\4", 1, 32, true},
                                           {"\2" SPKI_256, 1 + 26, 65, false},
                                           {"\377bongsu-cosignature-ecdsa-v1" SPKI_256, 28 + 26, 65, true},
                                           {"\377bongsu-ecdsa-p384-sha384-v1" SPKI_384, 28 + 23, 97, false},
                                           {"\377bongsu-cosignature-ecdsa-v1" SPKI_384, 28 + 23, 97, true}};

/* --- notes --- */
/* Em dash, space, name, space, base64 of an identifier and at least one byte. */
static bool line_parse(struct span line, struct verify_note *note)
{
    uint8_t bytes[WHOLE];
    struct span name;
    size_t len;
    if (!verify_head_take(&line, "\xe2\x80\x94 ") || !verify_cut(&line, ' ', &name) || name.len == 0 ||
        memchr(name.at, '+', name.len) != NULL || !verify_base64(line, bytes, sizeof bytes, &len) ||
        len <= ID)
        return false;
    note->lines[note->count].name = name;
    note->lines[note->count].base64 = line;
    note->lines[note->count++].id = (uint32_t)verify_u(bytes, ID);
    return true;
}

bool verify_note_parse(struct span whole, struct verify_note *out, struct verify *v)
{
    struct span line;
    size_t end = whole.len;
    out->count = 0;
    if (whole.len > VERIFY_NOTE_MAX || !verify_text_ok(whole))
        return verify_refuse(v, "a note that is too long, not UTF-8, or has a control character");
    while (end >= 2 && !(whole.at[end - 1] == '\n' && whole.at[end - 2] == '\n'))
        end--;
    if (end < 2)
        return verify_refuse(v, "no empty line before the signatures");
    out->text = (struct span) {whole.at, end - 1};
    struct span rest = {whole.at + end, whole.len - end};
    while (rest.len > 0) {
        if (out->count == VERIFY_LINES_MAX)
            return verify_refuse(v, "more than %d signature lines", VERIFY_LINES_MAX);
        if (!verify_cut(&rest, '\n', &line) || !line_parse(line, out))
            return verify_refuse(v, "line %zu behind the text is no signature line", out->count + 1);
    }
    return out->count > 0 || verify_refuse(v, "a note without a signature");
}

/* SHA-256(name || 0x0A || what stands before || public key)[:4]; of type 2 the SubjectPublicKeyInfo alone. */
static uint32_t key_id(const struct verify_key *key)
{
    size_t alone = key->bytes[0] == 2, len = key->form->head_len + key->form->size;
    struct span parts[] = {
        verify_span_of(key->name), verify_span_of("\n"), {key->bytes + alone, len - alone}};
    return (uint32_t)verify_u(verify_sha256(parts + 2 * alone, 3 - 2 * alone).b, ID);
}

/* OpenSSL takes one spelling of a signature (DER) alone; the point begins with 4 in ours. */
bool verify_key_holds(const struct verify_key *key, struct span signature, struct span message)
{
    const uint8_t *point = key->bytes + key->form->head_len;
    size_t spki = key->form->size == 97 ? 23 : 26;
    if (key->form->size == 32)
        return signature.len == crypto_sign_BYTES &&
               crypto_sign_verify_detached(signature.at, message.at, message.len, point) == 0;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &(const uint8_t *) {point - spki}, (long)(spki + key->form->size));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *hash = spki == 23 ? EVP_sha384() : EVP_sha256();
    bool good = public != NULL && point[0] == 4 && ctx != NULL &&
                EVP_DigestVerifyInit(ctx, NULL, hash, NULL, public) == 1 &&
                EVP_DigestVerify(ctx, signature.at, signature.len, message.at, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(public);
    return good;
}

/* Over the text; a cosignature's with two lines before it, of which the signature brings the time. */
static bool signature_holds(struct span text, const struct verify_key *key, struct span base64,
                            uint64_t *out_time_s)
{
    uint8_t bytes[WHOLE], message[64 + VERIFY_NOTE_MAX];
    size_t head = 0, len, skip = key->form->cosigns ? ID + STAMP : ID;
    if (!verify_base64(base64, bytes, sizeof bytes, &len) || len <= skip)
        return false;
    if (key->form->cosigns) {
        *out_time_s = verify_u(bytes + ID, STAMP);
        if (*out_time_s > INT64_MAX)
            return false;
        head = (size_t)snprintf((char *)message, 64, "cosignature/v1\ntime %" PRIu64 "\n", *out_time_s);
    }
    memcpy(message + head, text.at, text.len);
    return verify_key_holds(key, (struct span) {bytes + skip, len - skip},
                            (struct span) {message, head + text.len});
}

static bool key_fits(struct verify_key *key, enum verify_role role, struct span origin)
{
    struct span rest = origin, node = verify_span_of(key->name);
    if (role == VERIFY_COSIGNER || key->form->cosigns)
        return role == VERIFY_COSIGNER && key->form->cosigns;
    if (role == VERIFY_HOLDER || !key->begins)
        return !key->begins && (role == VERIFY_HOLDER || verify_same(verify_span_of(key->name), origin));
    bool log = verify_head_take(&rest, "bongsu-log/"); /* "bongsu/<node>/" begins both */
    if (origin.len > VERIFY_KEY_NAME_MAX || (log && !verify_head_take(&node, "bongsu/")) ||
        !verify_head_take(&rest, (const char *)node.at))
        return false;
    memcpy(key->name, origin.at, origin.len); /* a log's key has the log's name */
    key->name[origin.len] = '\0';
    return true;
}

bool verify_note_signed(const struct verify_note *note, enum verify_role role, struct span origin,
                        struct verify_signers *out, struct verify *v)
{
    out->count = 0;
    for (size_t k = 0; k < v->count; k++) {
        struct verify_key key = v->keys[k];
        uint64_t latest = 0, time_s = 0;
        bool found = false;
        if (!key_fits(&key, role, origin))
            continue;
        uint32_t id = key_id(&key);
        for (size_t i = 0; i < note->count; i++) {
            if (note->lines[i].id != id || !verify_same(note->lines[i].name, verify_span_of(key.name)))
                continue;
            if (!signature_holds(note->text, &key, note->lines[i].base64, &time_s))
                return verify_refuse(v, "the signature of %s is not over this text", key.name);
            latest = time_s > latest ? time_s : latest;
            found = true;
        }
        for (size_t i = 0; i < out->count; i++) /* a card and a verifier key may be of one signer */
            found = found && strcmp(out->at[i].key.name, key.name) != 0;
        if (found) {
            out->at[out->count].key = key;
            out->at[out->count++].time_s = latest;
        }
    }
    return true;
}

/* --- what is trusted --- */
static bool trust_add(const struct verify_key *key, struct verify *v)
{
    if (v->count == VERIFY_KEYS_MAX)
        return verify_refuse(v, "more than %d keys", VERIFY_KEYS_MAX);
    v->keys[v->count++] = *key;
    return true;
}

static bool key_parse(struct span vkey, struct verify_key *out)
{
    struct span name, id;
    char hex[2 * ID + 1];
    size_t len;
    *out = (struct verify_key) {.begins = false};
    if (!verify_cut(&vkey, '+', &name) || !verify_cut(&vkey, '+', &id) || name.len == 0 ||
        name.len > VERIFY_KEY_NAME_MAX || memchr(name.at, ' ', name.len) != NULL || !verify_text_ok(name) ||
        !verify_base64(vkey, out->bytes, sizeof out->bytes, &len))
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (len == forms[i].head_len + forms[i].size &&
            memcmp(out->bytes, forms[i].head, forms[i].head_len) == 0)
            out->form = &forms[i];
    if (out->form == NULL)
        return false;
    memcpy(out->name, name.at, name.len);
    (void)snprintf(hex, sizeof hex, "%08x", (unsigned)key_id(out));
    return verify_same(id, verify_span_of(hex));
}

bool verify_trust_keys(struct span text, struct verify *v)
{
    while (text.len > 0) {
        struct span line;
        struct verify_key key;
        if (!verify_cut(&text, '\n', &line)) /* the last one needs no newline */
            (void)verify_take(&text, text.len, &line);
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (!key_parse(line, &key))
            return verify_refuse(v, "not a verifier key of Ed25519, P-256 or P-384: NAME+ID+KEY, its own ID");
        if (!trust_add(&key, v))
            return false;
    }
    return true;
}

/* --- cards --- */
/* The next line: a word, a space, and what is wanted. */
static bool member(struct span *rest, const char *word, struct span *out)
{
    return verify_cut(rest, '\n', out) && verify_head_take(out, word) && verify_head_take(out, " ");
}

/* Eight words. Five letters are 16 bits: consonant 4, vowel 2, consonant 4, vowel 2, consonant 4. */
static void card_words(const struct verify_key *root, struct span node, char out[VERIFY_WORDS])
{
    static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
    static const char mark[] = "bongsu card words v1"; /* with its terminating zero */
    struct span parts[] = {
        {(const uint8_t *)mark, sizeof mark}, {root->bytes + root->form->head_len, root->form->size}, node};
    struct digest hash = verify_sha256(parts, 3);
    for (size_t i = 0; i < 8; i++) {
        unsigned n = (unsigned)verify_u(hash.b + 2 * i, 2);
        const char word[] = {consonants[n >> 12], vowels[n >> 10 & 3], consonants[n >> 6 & 15],
                             vowels[n >> 4 & 3],  consonants[n & 15],  ' '};
        memcpy(out + 6 * i, word, i < 7 ? 6 : 5); /* it is zeroed */
    }
}

/* In the page's order; identities and addresses follow. The keys stand at ROOT and behind it. */
static bool card_parse(struct span rest, struct verify *keys)
{
    static const char *const words[] = {"country", "number", "issued",      "expires", "root",    "tls",
                                        "ledger",  "cosign", "disposition", "recall",  "sealing", "policy"};
    struct span line, node, ahead;
    char name[VERIFY_NAME_MAX + 1];
    size_t len;
    unsigned suite = verify_cut(&rest, '\n', &line) ? verify_suite(line, "bongsu/card/v1") : 0;
    if (suite == 0 || !member(&rest, "node", &node) || !verify_name(node, name))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct verify_key *key = &keys->keys[i];
        bool ledger = strcmp(words[i], "ledger") == 0, cosign = strcmp(words[i], "cosign") == 0;
        *key = (struct verify_key) {.begins = ledger, .form = &forms[2 * (suite - 1) + cosign]};
        for (size_t k = 0; i == ROOT && k < 2; k++) /* what may stand before the keys says nothing here */
            rest = (ahead = rest, member(&ahead, k > 0 ? "minimum-suite" : "known-as", &line)) ? ahead : rest;
        memcpy(key->bytes, key->form->head, key->form->head_len);
        if (!member(&rest, words[i], &line) ||
            (i >= ROOT && (!verify_base64(line, key->bytes + key->form->head_len, key->form->size, &len) ||
                           len != key->form->size)))
            return false;
        (void)snprintf(key->name, sizeof key->name, "bongsu/%s/%s", name, ledger ? "" : words[i]);
        if (i >= ROOT)
            card_words(&keys->keys[ROOT], node, key->words);
    }
    return true;
}

bool verify_trust_card(struct span whole, struct verify *v)
{
    struct verify card = {.count = 0};
    struct verify_note note;
    struct verify_signers signers = {.count = 0};
    if (!verify_note_parse(whole, &note, v))
        return false;
    if (whole.len > CARD_MAX || !card_parse(note.text, &card))
        return verify_refuse(v, "not a node card");
    struct verify root = {.count = 1, .keys = {card.keys[ROOT]}}; /* alone may sign it */
    if (!verify_note_signed(&note, VERIFY_HOLDER, SPAN_NONE, &signers, &root) || signers.count == 0)
        return verify_refuse(v, "a card that its root key did not sign");
    return trust_add(&card.keys[ROOT + 2], v) && trust_add(&card.keys[ROOT + 3], v) &&
           trust_add(&card.keys[ROOT + 4], v); /* ledger, cosign, disposition */
}
