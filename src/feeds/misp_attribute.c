/* One attribute: patterns and observables by templates. */
#include "feeds/misp_state.h"

enum check { ANY, AS, BAR, DATA, DATA2, DIGITS, HASH1, HASH2, IP1, IP2, IP1PORT2, PORT2 };

struct misp_row {
    struct str type;
    enum check check;
    enum misp_kind kind;
    const char *pattern;
    const char *objects;
};

static const struct misp_row rows[] = {
#define ROW(type, check, kind, pattern, objects)                                                             \
    {{type, sizeof(type) - 1}, check, MISP_KIND_##kind, pattern, objects},
#include "feeds/misp_types.inc"
#undef ROW
};

/* The hash's name in STIX (section 10.7 where it has one) and its hexadecimal digits; 0: no such form. */
static const struct hash_row {
    struct str type, name;
    size_t digits;
} hashes[] = {
    {{"md5", 3}, {"MD5", 3}, 32},
    {{"sha1", 4}, {"SHA-1", 5}, 40},
    {{"sha224", 6}, {"SHA-224", 7}, 56},
    {{"sha256", 6}, {"SHA-256", 7}, 64},
    {{"sha384", 6}, {"SHA-384", 7}, 96},
    {{"sha512", 6}, {"SHA-512", 7}, 128},
    {{"sha512/224", 10}, {"SHA-512-224", 11}, 56},
    {{"sha512/256", 10}, {"SHA-512-256", 11}, 64},
    {{"sha3-224", 8}, {"SHA3-224", 8}, 56},
    {{"sha3-256", 8}, {"SHA3-256", 8}, 64},
    {{"sha3-384", 8}, {"SHA3-384", 8}, 96},
    {{"sha3-512", 8}, {"SHA3-512", 8}, 128},
    {{"authentihash", 12}, {"AUTHENTIHASH", 12}, 0},
    {{"cdhash", 6}, {"CDHASH", 6}, 0},
    {{"imphash", 7}, {"IMPHASH", 7}, 32},
    {{"impfuzzy", 8}, {"IMPFUZZY", 8}, 0},
    {{"pehash", 6}, {"PEHASH", 6}, 40},
    {{"ssdeep", 6}, {"SSDEEP", 6}, 0},
    {{"telfhash", 8}, {"TELFHASH", 8}, 0},
    {{"tlsh", 4}, {"TLSH", 4}, 0},
    {{"vhash", 5}, {"VHASH", 5}, 0},
};

static struct str behind(struct str s, struct str head)
{
    return (struct str) {s.at + head.len, s.len - head.len};
}

static const struct hash_row *hash_of(struct str type)
{
    static const struct str heads[] = {{"filename|", 9}, {"x509-fingerprint-", 17}};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (str_starts(type, heads[i]))
            type = behind(type, heads[i]);
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        if (str_eq(hashes[i].type, type))
            return &hashes[i];
    return NULL;
}

/* --- parts and checks --- */

struct parts {
    struct str one, two;
};

/* Around the first bar; a name may contain one, a hash may not: there it is the last. */
static struct parts parts_of(const struct misp_value *value, bool last)
{
    struct parts parts = {.one = value->value};
    for (size_t i = 0; i < value->value.len; i++)
        if (value->value.at[i] == '|') {
            parts.one.len = i;
            parts.two = (struct str) {value->value.at + i + 1, value->value.len - i - 1};
            if (!last)
                break;
        }
    return parts;
}

static bool is_hex(struct str s, size_t digits)
{
    if (s.len == 0 || (digits > 0 && s.len != digits))
        return false;
    for (size_t i = 0; digits > 0 && i < s.len; i++)
        if (!((s.at[i] >= '0' && s.at[i] <= '9') || (s.at[i] >= 'a' && s.at[i] <= 'f') ||
              (s.at[i] >= 'A' && s.at[i] <= 'F')))
            return false;
    return true;
}

static bool is_number(struct str s, uint64_t max)
{
    uint64_t number;
    return s.len > 0 && (s.len == 1 || s.at[0] != '0') && str_to_u64(s, max, &number);
}

static bool is_six(struct str ip)
{
    return ip.len > 0 && memchr(ip.at, ':', ip.len) != NULL;
}

/* Only what tells the two families apart and keeps a sentence out; the STIX check knows the rest. */
static bool is_ip(struct str ip)
{
    bool dot = false;
    for (size_t i = 0; i < ip.len; i++) {
        char c = ip.at[i];
        dot |= c == '.';
        if (!((c >= '0' && c <= '9') || c == '.' || c == '/' ||
              (is_six(ip) && (c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))))
            return false;
    }
    return ip.len >= 2 && (dot || is_six(ip));
}

static struct str as_number(struct str s)
{
    static const struct str head = {"AS", 2};
    return str_starts(s, head) ? behind(s, head) : s;
}

static bool is_base64(struct str s)
{
    if (s.len == 0 || s.len % 4 != 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool pad = c == '=' && i + 2 >= s.len;
        if (!(pad || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
              c == '/'))
            return false;
    }
    return true;
}

static bool fits(const struct misp_row *row, const struct misp_value *value)
{
    struct parts parts = parts_of(value, row->check == HASH2 || row->check == DATA2);
    const struct hash_row *hash = hash_of(value->type);
    if (value->value.len == 0)
        return false;
    switch (row->check) {
    case ANY:
        return true;
    case AS:
        return is_number(as_number(value->value), UINT32_MAX);
    case BAR:
        return parts.one.len > 0 && parts.two.len > 0;
    case DATA:
        return is_base64(value->data);
    case DATA2:
        return parts.one.len > 0 && is_hex(parts.two, 32) && is_base64(value->data);
    case DIGITS:
        return is_number(value->value, INT64_MAX);
    case HASH1:
        return hash != NULL && is_hex(value->value, hash->digits);
    case HASH2:
        return hash != NULL && parts.one.len > 0 && is_hex(parts.two, hash->digits);
    case IP1:
        return is_ip(value->value);
    case IP2:
        return parts.one.len > 0 && is_ip(parts.two);
    case IP1PORT2:
        return is_ip(parts.one) && is_number(parts.two, 65535);
    case PORT2:
        return parts.one.len > 0 && is_number(parts.two, 65535);
    }
    return false;
}

static const struct misp_row *row_of(struct str type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type.len > 0 && str_eq(rows[i].type, type))
            return &rows[i];
    if (hash_of(type) == NULL)
        return NULL;
    static const struct str name = {"filename|", 9};
    return &rows[sizeof rows / sizeof rows[0] - (str_starts(type, name) ? 1 : 2)];
}

const struct misp_row *misp_row_find(const struct misp_value *value, bool *out_invalid)
{
    const struct misp_row *row = row_of(value->type);
    *out_invalid = row != NULL && !fits(row, value);
    return *out_invalid ? NULL : row;
}

enum misp_kind misp_row_kind(const struct misp_row *row)
{
    return row->kind;
}

bool misp_row_has_observables(const struct misp_row *row)
{
    return row->kind == MISP_KIND_OBSERVABLE && row->objects != NULL;
}

bool misp_row_has_pattern(const struct misp_row *row)
{
    return row->pattern != NULL;
}

struct str misp_row_language(const struct misp_row *row)
{
    return row->kind == MISP_KIND_RULE ? row->type : STR("stix");
}

/* --- templates --- */

enum quoting { QUOTE_NONE, QUOTE_PATTERN, QUOTE_JSON };

static void put_json(struct str text, struct buf *out)
{
    size_t at = out->len;
    json_write_str(out, text);
    if (buf_err(out) != ERR_OK)
        return;
    /* Without its quotation marks: the template has them. */
    memmove(out->at + at, out->at + at + 1, out->len - at - 2);
    out->len -= 2;
}

static void put_text(struct str text, enum quoting quoting, struct buf *out)
{
    if (quoting == QUOTE_JSON) {
        put_json(text, out);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (quoting == QUOTE_PATTERN && (text.at[i] == '\'' || text.at[i] == '\\'))
            buf_putc(out, '\\');
        buf_putc(out, text.at[i]);
    }
}

static void put_hash_name(struct str type, enum quoting quoting, struct buf *out)
{
    const struct hash_row *hash = hash_of(type);
    if (hash == NULL)
        return;
    bool quote = quoting == QUOTE_PATTERN && memchr(hash->name.at, '-', hash->name.len) != NULL;
    buf_printf(out, quote ? "'%.*s'" : "%.*s", STR_ARG(hash->name));
}

static struct str family(struct str ip)
{
    return is_six(ip) ? STR("ipv6-addr") : STR("ipv4-addr");
}

static void put_field(char field, const struct misp_row *row, const struct misp_value *value,
                      enum quoting quoting, struct buf *out)
{
    struct parts parts = parts_of(value, row->check == HASH2 || row->check == DATA2);
    switch (field) {
    case 'v':
        put_text(value->value, quoting, out);
        break;
    case '1':
        put_text(row->check == AS ? as_number(value->value) : parts.one, quoting, out);
        break;
    case '2':
        put_text(parts.two, quoting, out);
        break;
    case 'a':
        buf_put_str(out, family(parts.one));
        break;
    case 'b':
        buf_put_str(out, family(parts.two));
        break;
    case 'd':
        put_text(value->data, quoting, out);
        break;
    case 'u':
        buf_put_str(out, value->uuid);
        break;
    default:
        put_hash_name(value->type, quoting, out);
    }
}

/* Up to `end` (or a NUL); returns where it stopped. */
static const char *render(const char *from, char end, const struct misp_row *row,
                          const struct misp_value *value, enum quoting quoting, struct buf *out)
{
    const char *at = from;
    for (; *at != '\0' && *at != end; at++) {
        if (*at == '$')
            put_field(*++at, row, value, quoting, out);
        else
            buf_putc(out, *at == '`' ? '"' : *at);
    }
    return at;
}

void misp_row_pattern(const struct misp_row *row, const struct misp_value *value, struct buf *out)
{
    (void)render(row->pattern, '\0', row, value, row->kind == MISP_KIND_RULE ? QUOTE_NONE : QUOTE_PATTERN,
                 out);
}

void misp_row_sdo(const struct misp_row *row, const struct misp_value *value, struct str *out_type,
                  struct buf *out)
{
    const char *space = strchr(row->objects, ' ');
    must(space != NULL);
    *out_type = (struct str) {row->objects, (size_t)(space - row->objects)};
    (void)render(space + 1, '\0', row, value, QUOTE_JSON, out);
}

void misp_row_observables(const struct misp_row *row, const struct misp_value *value, struct str tail,
                          struct buf *out, struct buf *refs)
{
    const char *at = row->objects;
    for (;;) {
        size_t id = refs->len;
        buf_printf(refs, "%s\"", id > 0 ? "," : "");
        size_t type = refs->len;
        at = render(at, ' ', row, value, QUOTE_NONE, refs);
        size_t type_len = refs->len - type;
        buf_printf(refs, "--%.*s\"", STR_ARG(value->uuid));
        if (buf_err(refs) != ERR_OK)
            return;
        struct str name = {(const char *)refs->at + type, type_len};
        buf_printf(out, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":\"%.*s--%.*s\",", STR_ARG(name),
                   STR_ARG(name), STR_ARG(value->uuid));
        at = render(at + 1, ';', row, value, QUOTE_JSON, out);
        buf_put_str(out, tail);
        buf_put_str(out, STR("},"));
        if (*at == '\0')
            return;
        at++;
    }
}
