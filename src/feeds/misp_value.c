/* One value of MISP: what it must look like, and how templates take it. */
#include <math.h>
#include <stdlib.h>

#include "feeds/form.h"
#include "feeds/misp_state.h"
#include "stix/pattern.h"
#include "stix/shape.h"

/* --- characters --- */

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Of base64, ssdeep has the letters too. */
static bool is_base64_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
}

static bool all(struct str s, bool (*is)(char c))
{
    for (size_t i = 0; i < s.len; i++)
        if (!is(s.at[i]))
            return false;
    return true;
}

/* --- hashes --- */

/* A block size and two signatures. */
static bool is_ssdeep(struct str s)
{
    uint64_t size;
    struct str rest = s, block = str_cut(&rest, ':'), one = str_cut(&rest, ':');
    return str_to_u64(block, UINT32_MAX, &size) && one.len > 0 && rest.len > 0 && all(one, is_base64_digit) &&
           all(rest, is_base64_digit);
}

/* 35 bytes; newer writers put their version before. */
static bool is_tlsh(struct str s)
{
    if (str_starts(s, STR("T1")))
        s = (struct str) {s.at + 2, s.len - 2};
    return s.len == 70 && all(s, is_hex_digit);
}

/* The hash's name in STIX (section 10.7 where it has one) and its hexadecimal digits; 0: no such form. */
static const struct hash_row {
    struct str type, name;
    size_t digits;
    bool (*ok)(struct str text);
} hashes[] = {
    {{"md5", 3}, {"MD5", 3}, 32, NULL},
    {{"sha1", 4}, {"SHA-1", 5}, 40, NULL},
    {{"sha224", 6}, {"SHA-224", 7}, 56, NULL},
    {{"sha256", 6}, {"SHA-256", 7}, 64, NULL},
    {{"sha384", 6}, {"SHA-384", 7}, 96, NULL},
    {{"sha512", 6}, {"SHA-512", 7}, 128, NULL},
    {{"sha512/224", 10}, {"SHA-512-224", 11}, 56, NULL},
    {{"sha512/256", 10}, {"SHA-512-256", 11}, 64, NULL},
    {{"sha3-224", 8}, {"SHA3-224", 8}, 56, NULL},
    {{"sha3-256", 8}, {"SHA3-256", 8}, 64, NULL},
    {{"sha3-384", 8}, {"SHA3-384", 8}, 96, NULL},
    {{"sha3-512", 8}, {"SHA3-512", 8}, 128, NULL},
    {{"authentihash", 12}, {"AUTHENTIHASH", 12}, 0, NULL},
    {{"cdhash", 6}, {"CDHASH", 6}, 0, NULL},
    {{"imphash", 7}, {"IMPHASH", 7}, 32, NULL},
    {{"impfuzzy", 8}, {"IMPFUZZY", 8}, 0, NULL},
    {{"pehash", 6}, {"PEHASH", 6}, 40, NULL},
    {{"ssdeep", 6}, {"SSDEEP", 6}, 0, is_ssdeep},
    {{"telfhash", 8}, {"TELFHASH", 8}, 0, NULL},
    {{"tlsh", 4}, {"TLSH", 4}, 0, is_tlsh},
    {{"vhash", 5}, {"VHASH", 5}, 0, NULL},
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
    return s.len == digits && all(s, is_hex_digit);
}

static bool is_hash(const struct hash_row *hash, struct str s)
{
    if (hash == NULL || s.len == 0)
        return false;
    if (hash->ok != NULL)
        return hash->ok(s);
    return hash->digits == 0 || is_hex(s, hash->digits);
}

bool misp_is_hash(struct str type)
{
    return hash_of(type) != NULL;
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

/* An address or a network of one. */
static bool is_ip(struct str ip)
{
    return stix_format(is_six(ip) ? STIX_KIND_IPV6 : STIX_KIND_IPV4)->ok(ip);
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
        if (!pad && !is_base64_digit(c))
            return false;
    }
    return true;
}

/* Six bytes with colons between; STIX wants small letters, which templates see to. */
static bool is_mac(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (i % 3 == 2 ? s.at[i] != ':' : !is_hex_digit(s.at[i]))
            return false;
    return s.len == 17;
}

static struct parts parts_by(enum misp_check check, const struct misp_value *value)
{
    return parts_of(value, check == MISP_CHECK_HASH2 || check == MISP_CHECK_DATA2);
}

/* A decimal number that stays finite: what simdjson would read of it, written back by the nearest double. */
static bool read_double(struct str s, double *out)
{
    char text[40], *end;
    if (s.len == 0 || s.len >= sizeof text || s.at[0] == '+' || s.at[0] == ' ')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (memchr("0123456789.eE+-", s.at[i], 15) == NULL)
            return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    *out = strtod(text, &end);
    /* What is beyond 2^53 would be an integer that others read differently. */
    return *end == '\0' && isfinite(*out) && fabs(*out) < 9e15;
}

static bool is_within(struct str s, double from, double to)
{
    double number;
    return read_double(s, &number) && number >= from && number <= to;
}

/* 1: yes, 0: no, -1: neither. */
static int flag_of(struct str s)
{
    static const char *const words[] = {"0", "1", "false", "true"};
    for (int i = 0; i < 4; i++)
        if (str_same(s, str_of(words[i])))
            return i % 2;
    return -1;
}

/* Checks that are a list of words, and those that are a beginning. */
static const struct words {
    enum misp_check check;
    const char *words;
} lists[] =
    {
        {MISP_CHECK_AF, "AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH"},
        {MISP_CHECK_SOCK, "SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET"},
        {MISP_CHECK_REGTYPE, "REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN "
                             "REG_DWORD_LITTLE_ENDIAN REG_LINK REG_MULTI_SZ REG_RESOURCE_LIST "
                             "REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD "
                             "REG_INVALID_TYPE"},
        {MISP_CHECK_LISTENING, "listening"},
        {MISP_CHECK_BLOCKING, "blocking"},
        {MISP_CHECK_MALICIOUS, "Malicious"},
},
  beginnings[] = {
      {MISP_CHECK_CVE, "CVE-"},
      {MISP_CHECK_CAPEC, "CAPEC-"},
};

static bool is_listed(enum misp_check check, struct str s)
{
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (beginnings[i].check == check)
            return str_starts(s, str_of(beginnings[i].words));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct str rest = str_of(lists[i].words);
        while (lists[i].check == check && rest.len > 0)
            if (str_eq(str_cut(&rest, ' '), s))
                return true;
    }
    return false;
}

static bool is_lower_hex(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] >= 'A' && s.at[i] <= 'F')
            return false;
    return s.len % 2 == 0 && is_hex(s, s.len);
}

/* Checks of one whole value; the composite ones are below. */
static bool fits_whole(enum misp_check check, struct str value)
{
    struct misp_time time;
    struct fault fault;
    switch (check) {
    case MISP_CHECK_ANY:
    case MISP_CHECK_LOWER:
        return true;
    case MISP_CHECK_AS:
        return is_number(as_number(value), UINT32_MAX);
    case MISP_CHECK_DIGITS:
        return is_number(value, INT64_MAX);
    case MISP_CHECK_DOMAIN:
        return form_domain(value);
    case MISP_CHECK_EMAIL:
        return form_email(value);
    case MISP_CHECK_URL:
        return form_url(value);
    case MISP_CHECK_INT:
        return is_number(value, (1ull << 53) - 1);
    case MISP_CHECK_PORT:
        return is_number(value, 65535);
    case MISP_CHECK_NUMBER:
        return is_within(value, 0, 9e12);
    case MISP_CHECK_LATITUDE:
        return is_within(value, -90, 90);
    case MISP_CHECK_LONGITUDE:
        return is_within(value, -180, 180);
    case MISP_CHECK_FLAG:
        return flag_of(value) >= 0;
    case MISP_CHECK_TIME:
        return misp_time_parse(value, &time);
    case MISP_CHECK_HEX:
        return is_lower_hex(value);
    case MISP_CHECK_IP1:
        return is_ip(value);
    case MISP_CHECK_MAC:
        return is_mac(value);
    case MISP_CHECK_PATTERN:
        return stix_pattern_check(value, STIX_PATTERN_2_1, NULL, &fault) == ERR_OK;
    default:
        return is_listed(check, value);
    }
}

bool misp_fits(enum misp_check check, const struct misp_value *value)
{
    struct parts parts = parts_by(check, value);
    const struct hash_row *hash = hash_of(value->type);
    /* A pattern has no way to write NUL. */
    if (value->value.len == 0 || memchr(value->value.at, '\0', value->value.len) != NULL)
        return false;
    switch (check) {
    case MISP_CHECK_BAR:
        return parts.one.len > 0 && parts.two.len > 0;
    case MISP_CHECK_DATA:
        return is_base64(value->data);
    case MISP_CHECK_DATA2:
        return parts.one.len > 0 && is_hex(parts.two, 32) && is_base64(value->data);
    case MISP_CHECK_HASH1:
        return is_hash(hash, value->value);
    case MISP_CHECK_HASH2:
        return parts.one.len > 0 && is_hash(hash, parts.two);
    case MISP_CHECK_DOMAIN1IP2:
        return form_domain(parts.one) && is_ip(parts.two);
    case MISP_CHECK_DOMAIN1PORT2:
        return form_domain(parts.one) && is_number(parts.two, 65535);
    case MISP_CHECK_IP1PORT2:
        return is_ip(parts.one) && is_number(parts.two, 65535);
    default:
        return fits_whole(check, value->value);
    }
}

/* --- templates --- */

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

static void put_text(struct str text, enum misp_quoting quoting, struct buf *out)
{
    if (quoting == MISP_QUOTE_JSON) {
        put_json(text, out);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (quoting == MISP_QUOTE_PATTERN && (text.at[i] == '\'' || text.at[i] == '\\'))
            buf_putc(out, '\\');
        buf_putc(out, text.at[i]);
    }
}

static void put_hash_name(struct str type, enum misp_quoting quoting, struct buf *out)
{
    const struct hash_row *hash = hash_of(type);
    if (hash == NULL)
        return;
    bool quote = quoting == MISP_QUOTE_PATTERN && memchr(hash->name.at, '-', hash->name.len) != NULL;
    buf_printf(out, quote ? "'%.*s'" : "%.*s", STR_ARG(hash->name));
}

static struct str family(struct str ip)
{
    return is_six(ip) ? STR("ipv6-addr") : STR("ipv4-addr");
}

static void put_double(struct str text, double times, struct buf *out)
{
    double number;
    if (read_double(text, &number))
        json_write_double(out, number * times);
}

static void put_lower(struct str text, enum misp_quoting quoting, struct buf *out)
{
    size_t at = out->len;
    put_text(text, quoting, out);
    for (; buf_err(out) == ERR_OK && at < out->len; at++)
        out->at[at] = (uint8_t)str_lower((char)out->at[at]);
}

/* What is derived from the whole value; the parts are below. */
static void put_derived(char field, const struct misp_fill *fill, struct buf *out)
{
    struct str value = fill->value->value;
    struct misp_time time = {{0}};
    switch (field) {
    case 'f':
        buf_put_str(out, flag_of(value) == 1 ? STR("true") : STR("false"));
        break;
    case 'k':
        put_double(value, 1000, out);
        break;
    case 'l':
        put_lower(value, fill->quoting, out);
        break;
    case 'n':
        buf_printf(out, "%zu", fill->index);
        break;
    case 'r':
        buf_put_str(out, fill->ref);
        break;
    case 't':
        if (misp_time_parse(value, &time))
            buf_put(out, time.text, MISP_TIME_BYTES);
        break;
    case 'x':
        put_double(value, 1, out);
        break;
    default:
        put_hash_name(fill->value->type, fill->quoting, out);
    }
}

static void put_field(char field, const struct misp_fill *fill, struct buf *out)
{
    const struct misp_value *value = fill->value;
    struct parts parts = parts_by(fill->check, value);
    switch (field) {
    case 'v':
        put_text(value->value, fill->quoting, out);
        break;
    case '1':
        put_text(fill->check == MISP_CHECK_AS ? as_number(value->value) : parts.one, fill->quoting, out);
        break;
    case '2':
        put_text(parts.two, fill->quoting, out);
        break;
    case 'a':
        buf_put_str(out, family(parts.one));
        break;
    case 'b':
        buf_put_str(out, family(parts.two));
        break;
    case 'd':
        put_text(value->data, fill->quoting, out);
        break;
    case 'u':
        buf_put_str(out, value->uuid);
        break;
    default:
        put_derived(field, fill, out);
    }
}

const char *misp_fill(const struct misp_fill *fill, const char *from, char end, struct buf *out)
{
    const char *at = from;
    for (; *at != '\0' && *at != end; at++) {
        if (*at == '$')
            put_field(*++at, fill, out);
        else
            buf_putc(out, *at == '`' ? '"' : *at);
    }
    return at;
}
