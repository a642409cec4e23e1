#include "ledger/note.h"

#define LINE_MARK STR("\xe2\x80\x94 ") /* em dash, space */

enum { ID_SIZE = 4, KEY_SIZE = 1 + SIGN_PUBLIC_SIZE };

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

void note_text_hash_put(const struct hash *hash, struct buf *out)
{
    char *to = (char *)buf_extend(out, str_base64_size(HASH_SIZE));
    if (to != NULL)
        str_base64(hash->b, HASH_SIZE, to);
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

static void key_bytes(const struct note_key *key, uint8_t out[KEY_SIZE])
{
    out[0] = (uint8_t)key->type;
    memcpy(out + 1, key->public.b, SIGN_PUBLIC_SIZE);
}

/* SHA-256(name || 0x0A || type || public key)[:4] */
static uint32_t key_id(const struct note_key *key)
{
    uint8_t made[LIMIT_KEY_NAME_BYTES + 1 + KEY_SIZE];
    memcpy(made, key->name, key->name_len);
    made[key->name_len] = '\n';
    key_bytes(key, made + key->name_len + 1);
    struct hash hash = hash_sha256(bytes_of(made, key->name_len + 1 + KEY_SIZE));
    return id_read(hash.b);
}

err_t note_key_make(struct str name, enum note_type type, const struct sign_public *public,
                    struct note_key *out)
{
    if (name.len > LIMIT_KEY_NAME_BYTES)
        return ERR_LIMIT;
    if (!note_name_ok(name) || (type != NOTE_ED25519 && type != NOTE_COSIGNATURE))
        return ERR_INVALID;
    struct note_key key = {.name_len = name.len, .type = type, .public = *public};
    memcpy(key.name, name.at, name.len);
    key.id = key_id(&key);
    *out = key;
    return ERR_OK;
}

void note_key_print(const struct note_key *key, struct buf *out)
{
    uint8_t bytes[KEY_SIZE];
    key_bytes(key, bytes);
    buf_put_str(out, note_key_name(key));
    buf_printf(out, "+%08x+", (unsigned)key->id);
    char *to = (char *)buf_extend(out, str_base64_size(KEY_SIZE));
    if (to != NULL)
        str_base64(bytes, KEY_SIZE, to);
}

err_t note_key_parse(struct str vkey, struct note_key *out)
{
    struct str name = str_cut(&vkey, '+');
    struct str hex = str_cut(&vkey, '+');
    uint8_t id[ID_SIZE], bytes[KEY_SIZE];
    size_t len;
    if (hex.len != 2 * ID_SIZE || !str_unhex(hex, id, ID_SIZE))
        return ERR_SYNTAX;
    for (size_t i = 0; i < hex.len; i++)
        if (hex.at[i] >= 'A' && hex.at[i] <= 'F')
            return ERR_SYNTAX;
    if (vkey.len != str_base64_size(KEY_SIZE) || !str_unbase64(vkey, bytes, KEY_SIZE, &len))
        return ERR_SYNTAX;
    if (len != KEY_SIZE)
        return ERR_SYNTAX;
    struct sign_public public;
    memcpy(public.b, bytes + 1, SIGN_PUBLIC_SIZE);
    struct note_key key;
    err_t err = note_key_make(name, (enum note_type)bytes[0], &public, &key);
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

/* --- Ed25519 --- */

err_t note_verify(const struct note *note, const struct note_key *key)
{
    bool found = false;
    if (key->type != NOTE_ED25519)
        return ERR_USAGE;
    for (size_t i = 0; i < note->count; i++) {
        if (!note_line_is(&note->lines[i], key))
            continue;
        struct signature signature;
        size_t len;
        if (note_line_signature(&note->lines[i], signature.b, sizeof signature.b, &len) != ERR_OK ||
            len != sizeof signature.b ||
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
    if (key->type != NOTE_ED25519 || memcmp(key->public.b, secret->public.b, SIGN_PUBLIC_SIZE) != 0)
        return ERR_USAGE;
    struct signature signature = sign_raw(secret, bytes_from_str(text));
    note_line_put(key, bytes_of(signature.b, sizeof signature.b), out);
    return buf_err(out);
}
