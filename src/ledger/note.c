#include "ledger/note.h"

#define LINE_MARK STR("\xe2\x80\x94 ") /* em dash, space */

enum { ID_SIZE = 4, KEY_MAX = 64 + SIGN_SPKI_MAX };

/* How a key stands in a verifier key. Identifiers: SHA-256(name || 0x0A || head || key)[:4], but of 0x02, as
 * others have it, of the SubjectPublicKeyInfo alone. */
struct form {
    enum suite_signer signer;
    enum note_type type;
    struct str head;      /* the type's byte; behind 0xff what keeps it apart from others' types */
    bool is_spki, is_key; /* the key as SubjectPublicKeyInfo; the identifier is of the key alone */
};

#define COSIGNS_ECDSA                                                                                        \
    "\xff"                                                                                                   \
    "bongsu-cosignature-ecdsa-v1" /* in two parts: the b would be a digit of the first */
#define SIGNS_P384                                                                                           \
    "\xff"                                                                                                   \
    "bongsu-ecdsa-p384-sha384-v1"

static const struct form forms[] = {
    {SUITE_ED25519, NOTE_SIGNATURE, {"\x01", 1}, false, false},
    {SUITE_ED25519, NOTE_COSIGNATURE, {"\x04", 1}, false, false},
    {SUITE_ECDSA_P256, NOTE_SIGNATURE, {"\x02", 1}, true, true},
    {SUITE_ECDSA_P256, NOTE_COSIGNATURE, {COSIGNS_ECDSA, 28}, true, false},
    {SUITE_ECDSA_P384, NOTE_SIGNATURE, {SIGNS_P384, 28}, true, false},
    {SUITE_ECDSA_P384, NOTE_COSIGNATURE, {COSIGNS_ECDSA, 28}, true, false},
};

enum { FORMS = sizeof forms / sizeof forms[0] };

/* --- text --- */

bool note_text_line(struct str *rest, struct str *out)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
    if (end == NULL)
        return false;
    *out = (struct str) {rest->at, (size_t)(end - rest->at)};
    rest->len -= out->len + 1;
    rest->at = end + 1;
    return true;
}

bool note_text_u64(struct str line, uint64_t max, uint64_t *out)
{
    return !(line.len > 1 && line.at[0] == '0') && str_to_u64(line, max, out);
}

bool note_text_hash(struct str line, struct hash *out)
{
    struct hash hash;
    size_t len;
    if (line.len != str_base64_size(HASH_SIZE) || !str_unbase64(line, hash.b, sizeof hash.b, &len) ||
        len != HASH_SIZE)
        return false;
    *out = hash;
    return true;
}

bool note_text_key(struct str line, unsigned suite, struct sign_public *out)
{
    uint8_t bytes[SIGN_PUBLIC_MAX];
    size_t len;
    return line.len <= str_base64_size(sizeof bytes) && str_unbase64(line, bytes, sizeof bytes, &len) &&
           sign_public_of(suite, bytes_of(bytes, len), out) == ERR_OK;
}

static void base64_put(struct bytes bytes, struct buf *out)
{
    char *to = (char *)buf_extend(out, str_base64_size(bytes.len));
    if (to != NULL)
        str_base64(bytes.at, bytes.len, to);
}

void note_text_hash_put(const struct hash *hash, struct buf *out)
{
    base64_put(bytes_of(hash->b, HASH_SIZE), out);
}

void note_text_key_put(const struct sign_public *key, struct buf *out)
{
    base64_put(sign_public_bytes(key), out);
}

void note_text_head_put(const char *form, unsigned suite, struct buf *out)
{
    buf_printf(out, "%s/suite%u", form, suite);
}

unsigned note_text_head(struct str line, const char *form)
{
    struct str head = str_of(form), mark = STR("/suite");
    uint64_t suite;
    if (!str_starts(line, head))
        return 0;
    struct str rest = {line.at + head.len, line.len - head.len};
    if (!str_starts(rest, mark))
        return 0;
    struct str number = {rest.at + mark.len, rest.len - mark.len};
    bool known = note_text_u64(number, UINT16_MAX, &suite) && suite_of((unsigned)suite) != NULL;
    return known ? (unsigned)suite : 0;
}

bool note_text_head_by(struct str line, const char *form, const struct note_key *key)
{
    const struct suite *said = suite_of(note_text_head(line, form)), *has = suite_of(key->public.suite);
    return said != NULL && has != NULL && said->signer == has->signer;
}

static bool control_free(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < 0x20 && s.at[i] != '\n')
            return false;
    return true;
}

/* --- key names --- */

/* The next code point of well-formed UTF-8. */
static uint32_t rune_next(struct str *s)
{
    const unsigned char *at = (const unsigned char *)s->at;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t rune = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    must(len <= s->len);
    for (size_t i = 1; i < len; i++)
        rune = rune << 6 | (at[i] & 0x3fu);
    s->at += len;
    s->len -= len;
    return rune;
}

/* Unicode's White_Space, the set that other implementations use as well. */
static bool rune_is_space(uint32_t r)
{
    return (r >= 0x09 && r <= 0x0d) || r == 0x20 || r == 0x85 || r == 0xa0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f ||
           r == 0x3000;
}

bool note_name_ok(struct str name)
{
    if (name.len == 0 || !str_is_utf8(name))
        return false;
    while (name.len > 0) {
        uint32_t rune = rune_next(&name);
        if (rune < 0x20 || rune == '+' || rune_is_space(rune))
            return false;
    }
    return true;
}

/* --- keys --- */

static uint32_t id_read(const uint8_t at[ID_SIZE])
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const struct form *form_of(unsigned number, enum note_type type)
{
    const struct suite *suite = suite_of(number);
    for (size_t i = 0; suite != NULL && i < FORMS; i++)
        if (forms[i].signer == suite->signer && forms[i].type == type)
            return &forms[i];
    return NULL;
}

static struct bytes form_key(const struct form *form, const struct sign_public *public,
                             uint8_t spki[SIGN_SPKI_MAX])
{
    return form->is_spki ? sign_public_spki(public, spki) : sign_public_bytes(public);
}

static uint32_t key_id(const struct note_key *key, const struct form *form)
{
    uint8_t spki[SIGN_SPKI_MAX];
    struct bytes parts[] = {bytes_from_str(note_key_name(key)), bytes_of("\n", 1), bytes_from_str(form->head),
                            form_key(form, &key->public, spki)};
    struct hash hash = form->is_key ? hash_sha256(parts[3]) : hash_sha256_parts(parts, 4);
    return id_read(hash.b);
}

err_t note_key_make(struct str name, enum note_type type, const struct sign_public *public,
                    struct note_key *out)
{
    const struct form *form = form_of(public->suite, type);
    if (name.len > LIMIT_KEY_NAME_BYTES)
        return ERR_LIMIT;
    if (!note_name_ok(name) || form == NULL)
        return ERR_INVALID;
    struct note_key key = {.name_len = name.len, .type = type, .public = *public};
    memcpy(key.name, name.at, name.len);
    key.id = key_id(&key, form);
    *out = key;
    return ERR_OK;
}

void note_key_print(const struct note_key *key, struct buf *out)
{
    const struct form *form = form_of(key->public.suite, key->type);
    uint8_t spki[SIGN_SPKI_MAX], bytes[KEY_MAX];
    must(form != NULL);
    struct bytes public = form_key(form, &key->public, spki);
    must(form->head.len + public.len <= sizeof bytes);
    memcpy(bytes, form->head.at, form->head.len);
    memcpy(bytes + form->head.len, public.at, public.len);
    buf_put_str(out, note_key_name(key));
    buf_printf(out, "+%08x+", (unsigned)key->id);
    base64_put(bytes_of(bytes, form->head.len + public.len), out);
}

/* The type and key that a verifier key's bytes hold: of the form that spells them so, and of the first suite
 * with its signer. */
static bool key_read(struct bytes bytes, enum note_type *out_type, struct sign_public *out)
{
    for (size_t i = 0; i < FORMS; i++)
        for (unsigned number = SUITE_OLDEST; number <= SUITE_NEWEST; number++) {
            const struct suite *suite = suite_of(number);
            size_t head = forms[i].head.len, spki = forms[i].is_spki ? suite->spki.len : 0;
            if (suite->signer != forms[i].signer || bytes.len != head + spki + suite->public_size ||
                memcmp(bytes.at, forms[i].head.at, head) != 0 ||
                (spki > 0 && memcmp(bytes.at + head, suite->spki.at, spki) != 0))
                continue;
            *out_type = forms[i].type;
            return sign_public_of(number, bytes_of(bytes.at + head + spki, suite->public_size), out) ==
                   ERR_OK;
        }
    return false;
}

err_t note_key_parse(struct str vkey, struct note_key *out)
{
    struct str name = str_cut(&vkey, '+');
    struct str hex = str_cut(&vkey, '+');
    uint8_t id[ID_SIZE], bytes[KEY_MAX];
    size_t len;
    if (hex.len != 2 * ID_SIZE || !str_unhex(hex, id, ID_SIZE))
        return ERR_SYNTAX;
    for (size_t i = 0; i < hex.len; i++)
        if (hex.at[i] >= 'A' && hex.at[i] <= 'F')
            return ERR_SYNTAX;
    if (vkey.len > str_base64_size(KEY_MAX) || !str_unbase64(vkey, bytes, KEY_MAX, &len))
        return ERR_SYNTAX;
    struct sign_public public;
    enum note_type type;
    if (!key_read(bytes_of(bytes, len), &type, &public))
        return ERR_SYNTAX;
    struct note_key key;
    err_t err = note_key_make(name, type, &public, &key);
    if (err != ERR_OK)
        return err;
    if (key.id != id_read(id))
        return ERR_INVALID;
    *out = key;
    return ERR_OK;
}

/* --- parsing --- */

/* Where the text ends: at the last empty line. False without one. */
static bool text_end(struct str whole, size_t *out)
{
    for (size_t at = whole.len; at >= 2; at--) {
        if (whole.at[at - 1] == '\n' && whole.at[at - 2] == '\n') {
            *out = at - 1;
            return true;
        }
    }
    return false;
}

static bool line_parse(struct str line, struct note_line *out)
{
    if (!str_starts(line, LINE_MARK))
        return false;
    struct str rest = {line.at + LINE_MARK.len, line.len - LINE_MARK.len};
    struct str name = str_cut(&rest, ' ');
    uint8_t bytes[LIMIT_NOTE_SIGNATURE_BYTES + ID_SIZE];
    size_t len;
    if (rest.len == 0 || !note_name_ok(name) || !str_unbase64(rest, bytes, sizeof bytes, &len))
        return false;
    if (len <= ID_SIZE)
        return false;
    *out = (struct note_line) {name, id_read(bytes), rest};
    return true;
}

err_t note_parse(struct str whole, struct note *out, struct fault *fault)
{
    if (whole.len > LIMIT_NOTE_BYTES)
        return fault_set(fault, ERR_LIMIT, LIMIT_NOTE_BYTES, "a note above %u bytes", LIMIT_NOTE_BYTES);
    if (!str_is_utf8(whole))
        return fault_set(fault, ERR_ENCODING, 0, "a note that is not UTF-8");
    if (!control_free(whole))
        return fault_set(fault, ERR_SYNTAX, 0, "a control character in a note");
    size_t end;
    if (!text_end(whole, &end))
        return fault_set(fault, ERR_SYNTAX, whole.len, "no empty line before the signatures");
    struct note note = {.text = {whole.at, end}, .count = 0};
    struct str rest = {whole.at + end + 1, whole.len - end - 1}, line;
    while (rest.len > 0) {
        size_t offset = (size_t)(rest.at - whole.at);
        if (note.count == LIMIT_NOTE_SIGNATURES)
            return fault_set(fault, ERR_LIMIT, offset, "more than %d signature lines", LIMIT_NOTE_SIGNATURES);
        if (!note_text_line(&rest, &line) || !line_parse(line, &note.lines[note.count]))
            return fault_set(fault, ERR_SYNTAX, offset, "not a signature line");
        note.count++;
    }
    if (note.count == 0)
        return fault_set(fault, ERR_SYNTAX, whole.len, "a note without a signature");
    *out = note;
    return ERR_OK;
}

/* --- signature lines --- */

bool note_line_is(const struct note_line *line, const struct note_key *key)
{
    return line->id == key->id && str_eq(line->name, note_key_name(key));
}

err_t note_line_signature(const struct note_line *line, uint8_t *out, size_t size, size_t *out_len)
{
    uint8_t bytes[LIMIT_NOTE_SIGNATURE_BYTES + ID_SIZE];
    size_t len;
    if (!str_unbase64(line->base64, bytes, sizeof bytes, &len) || len <= ID_SIZE)
        return ERR_SYNTAX;
    if (len - ID_SIZE > size)
        return ERR_LIMIT;
    memcpy(out, bytes + ID_SIZE, len - ID_SIZE);
    *out_len = len - ID_SIZE;
    return ERR_OK;
}

void note_line_put(const struct note_key *key, struct bytes signature, struct buf *out)
{
    uint8_t bytes[ID_SIZE + LIMIT_NOTE_SIGNATURE_BYTES];
    must(signature.len > 0 && signature.len <= LIMIT_NOTE_SIGNATURE_BYTES);
    for (size_t i = 0; i < ID_SIZE; i++)
        bytes[i] = (uint8_t)(key->id >> (8 * (ID_SIZE - 1 - i)));
    memcpy(bytes + ID_SIZE, signature.at, signature.len);
    buf_put_str(out, LINE_MARK);
    buf_put_str(out, note_key_name(key));
    buf_putc(out, ' ');
    char *to = (char *)buf_extend(out, str_base64_size(ID_SIZE + signature.len));
    if (to != NULL)
        str_base64(bytes, ID_SIZE + signature.len, to);
    buf_putc(out, '\n');
}

void note_only(const struct note *note, const struct note_key *key, struct buf *out)
{
    buf_put_str(out, note->text);
    buf_putc(out, '\n');
    for (size_t i = 0; i < note->count; i++) {
        if (!note_line_is(&note->lines[i], key))
            continue;
        buf_put_str(out, LINE_MARK);
        buf_put_str(out, note->lines[i].name);
        buf_putc(out, ' ');
        buf_put_str(out, note->lines[i].base64);
        buf_putc(out, '\n');
    }
}

/* --- signatures over the text --- */

err_t note_verify(const struct note *note, const struct note_key *key)
{
    bool found = false;
    if (key->type != NOTE_SIGNATURE)
        return ERR_USAGE;
    for (size_t i = 0; i < note->count; i++) {
        if (!note_line_is(&note->lines[i], key))
            continue;
        struct signature signature;
        if (note_line_signature(&note->lines[i], signature.b, sizeof signature.b, &signature.len) != ERR_OK ||
            sign_raw_verify(&key->public, bytes_from_str(note->text), &signature) != ERR_OK)
            return ERR_SIGNATURE;
        found = true;
    }
    return found ? ERR_OK : ERR_NOTFOUND;
}

err_t note_begin(struct str text, struct buf *out)
{
    if (text.len == 0 || text.at[text.len - 1] != '\n' || !control_free(text) || !str_is_utf8(text))
        return ERR_INVALID;
    if (text.len >= LIMIT_NOTE_BYTES)
        return ERR_LIMIT;
    buf_put_str(out, text);
    buf_putc(out, '\n');
    return buf_err(out);
}

err_t note_sign(struct str text, const struct note_key *key, const struct sign_key *secret, struct buf *out)
{
    struct signature signature;
    if (key->type != NOTE_SIGNATURE || !sign_public_eq(&key->public, &secret->public))
        return ERR_USAGE;
    err_t err = sign_raw(secret, bytes_from_str(text), &signature);
    if (err != ERR_OK)
        return err;
    note_line_put(key, signature_bytes(&signature), out);
    return buf_err(out);
}
