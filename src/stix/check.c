#include "stix/shape.h"

enum { NAME_LEN_MAX = 250, NAME_LEN_MIN = 3 };

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool alnum(char c)
{
    return digit(c) || lower(c) || (c >= 'A' && c <= 'Z');
}

static bool lower_hex(char c)
{
    return digit(c) || (c >= 'a' && c <= 'f');
}

static bool any_hex(char c)
{
    return lower_hex(c) || (c >= 'A' && c <= 'F');
}

/* Inlined with its test: hashes alone are a tenth of many feeds. */
static inline __attribute__((always_inline)) bool all(struct str text, bool (*of)(char c))
{
    for (size_t i = 0; i < text.len; i++)
        if (!of(text.at[i]))
            return false;
    return true;
}

static bool key_char(char c)
{
    return alnum(c) || c == '-' || c == '_';
}

static bool custom_char(char c)
{
    return lower(c) || digit(c) || c == '_';
}

bool stix_check_key(struct str key)
{
    return key.len > 0 && key.len <= NAME_LEN_MAX && all(key, key_char);
}

bool stix_check_custom_name(struct str name)
{
    return name.len >= NAME_LEN_MIN && name.len <= NAME_LEN_MAX && all(name, custom_char);
}

/* RFC 5646 section 2.1, the shape alone: subtags of 1 to 8 letters or digits; the registry is not consulted.
 */
bool stix_check_lang(struct str tag)
{
    struct str rest = tag;
    if (tag.len == 0 || tag.at[tag.len - 1] == '-')
        return false;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '-');
        if (part.len == 0 || part.len > 8 || !all(part, alnum))
            return false;
    }
    return true;
}

/* Section 7.2.3: names or keys and "[n]", separated by dots, a name first. */
static bool selector_ok(struct str selector)
{
    struct str rest = selector;
    if (selector.len == 0 || selector.at[0] == '[' || selector.at[selector.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '.');
        if (part.len > 2 && part.at[0] == '[' && part.at[part.len - 1] == ']') {
            if (!all((struct str) {part.at + 1, part.len - 2}, digit))
                return false;
        } else if (part.len == 0 || !all(part, key_char)) {
            return false;
        }
    }
    return true;
}

/* RFC 4648 section 4 with padding; nothing is decoded. */
static bool base64_ok(struct str text)
{
    if (text.len % 4 != 0)
        return false;
    size_t pad = 0;
    while (pad < 2 && pad < text.len && text.at[text.len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < text.len - pad; i++)
        if (!alnum(text.at[i]) && text.at[i] != '+' && text.at[i] != '/')
            return false;
    return true;
}

static bool mac_ok(struct str text)
{
    static const char shape[] = "hh:hh:hh:hh:hh:hh";
    if (text.len != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] == 'h' ? !lower_hex(text.at[i]) : text.at[i] != ':')
            return false;
    return true;
}

bool stix_check_hex(struct str text)
{
    return text.len % 2 == 0 && all(text, lower_hex);
}

bool stix_check_base64(struct str text)
{
    return base64_ok(text);
}

/* --- forms of other standards --- */

static bool url_char(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' &&
           c != '{' && c != '|' && c != '}';
}

static bool scheme_char(char c)
{
    return alnum(c) || c == '+' || c == '-' || c == '.';
}

/* RFC 3986: a scheme, and no character that has to be encoded. */
static bool url_ok(struct str text)
{
    struct str rest = text;
    struct str scheme = str_cut(&rest, ':');
    return scheme.len > 0 && scheme.len < text.len && !digit(scheme.at[0]) && all(scheme, scheme_char) &&
           all(rest, url_char);
}

static bool label_char(char c)
{
    return alnum(c) || c == '-' || c == '_' || (c & 0x80) != 0;
}

static bool label_ok(struct str label)
{
    return label.len > 0 && label.len <= 63 && label.at[0] != '-' && label.at[label.len - 1] != '-' &&
           all(label, label_char);
}

/* RFC 1034 section 3.1 with the underscores that services use, and U-labels of RFC 5890. */
static bool domain_ok(struct str text)
{
    if (text.len > 0 && text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > 253)
        return false;
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '.')
            continue;
        if (!label_ok((struct str) {text.at + from, i - from}))
            return false;
        from = i + 1;
    }
    return true;
}

static bool address_char(char c)
{
    return (uint8_t)c > ' ' && c != 0x7f && c != '<' && c != '>' && c != ',';
}

/* addr-spec of RFC 5322, its quoted local parts unseen: no display name, one address. */
static bool email_ok(struct str text)
{
    const char *at = text.len > 2 ? memchr(text.at + 1, '@', text.len - 2) : NULL;
    return at != NULL && (text.at[0] == '"' || all(text, address_char));
}

static bool number_ok(struct str text, unsigned max)
{
    unsigned value = 0;
    if (text.len == 0 || text.len > 3 || (text.len > 1 && text.at[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!digit(text.at[i]))
            return false;
        value = 10 * value + (unsigned)(text.at[i] - '0');
    }
    return value <= max;
}

/* Cuts a CIDR suffix off; false when it is no number up to `max`. */
static bool cut_prefix(struct str *text, unsigned max)
{
    struct str rest = *text;
    struct str address = str_cut(&rest, '/');
    bool has = address.len < text->len;
    *text = address;
    return !has || number_ok(rest, max);
}

static bool ipv4_bare(struct str text)
{
    size_t parts = 0;
    for (struct str rest = text; rest.at != NULL; parts++)
        if (parts == 4 || !number_ok(str_cut(&rest, '.'), 255))
            return false;
    return parts == 4;
}

static bool ipv4_ok(struct str text)
{
    return cut_prefix(&text, 32) && ipv4_bare(text);
}

/* The groups of one side of "::"; an IPv4 address may stand last and counts for two. */
static bool count_groups(struct str side, bool last, size_t *out)
{
    struct str rest = side;
    size_t count = 0;
    while (side.len > 0 && rest.at != NULL) {
        struct str group = str_cut(&rest, ':');
        bool is_v4 = last && rest.at == NULL && memchr(group.at, '.', group.len) != NULL;
        if (is_v4 ? !ipv4_bare(group) : group.len == 0 || group.len > 4 || !all(group, any_hex))
            return false;
        count += is_v4 ? 2 : 1;
    }
    *out = count;
    return true;
}

/* RFC 4291 section 2.2. */
static bool ipv6_ok(struct str text)
{
    size_t head, tail, gap = 0;
    if (!cut_prefix(&text, 128) || text.len < 2 || text.len > 45)
        return false;
    while (gap + 1 < text.len && (text.at[gap] != ':' || text.at[gap + 1] != ':'))
        gap++;
    if (gap + 1 >= text.len)
        return count_groups(text, true, &head) && head == 8;
    return count_groups((struct str) {text.at, gap}, false, &head) &&
           count_groups((struct str) {text.at + gap + 2, text.len - gap - 2}, true, &tail) && head + tail < 8;
}

static bool verb_char(char c)
{
    return lower(c) || digit(c) || c == '-';
}

static bool verb_ok(struct str text)
{
    return text.len > 0 && all(text, verb_char);
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool phase_char(char c)
{
    return !upper(c) && c != ' ' && c != '_';
}

static bool phase_ok(struct str text)
{
    return all(text, phase_char);
}

/* The hive in full: HKEY_LOCAL_MACHINE, not HKLM. */
static bool hive_ok(struct str text)
{
    static const struct str shorts[] = {{"HKLM", 4}, {"HKCU", 4}, {"HKCR", 4}, {"HKCC", 4},
                                        {"HKPD", 4}, {"HKDD", 4}, {"HKU", 3}};
    struct str rest = text;
    struct str hive = str_cut(&rest, '\\');
    for (size_t i = 0; i < sizeof shorts / sizeof shorts[0]; i++) {
        bool same = hive.len == shorts[i].len;
        for (size_t k = 0; same && k < hive.len; k++)
            same = (hive.at[k] & ~0x20) == shorts[i].at[k];
        if (same)
            return false;
    }
    return true;
}

/* No encoded word of RFC 2047 section 2 is left: "=?charset?q?text?=". */
static bool header_ok(struct str text)
{
    for (size_t i = 0; i + 8 < text.len; i++) {
        if (text.at[i] != '=' || text.at[i + 1] != '?')
            continue;
        struct str rest = {text.at + i + 2, text.len - i - 2};
        (void)str_cut(&rest, '?');
        struct str encoding = str_cut(&rest, '?');
        if (encoding.len == 1 && strchr("qQbB", encoding.at[0]) != NULL && rest.len > 0)
            return false;
    }
    return true;
}

/* ISO 3166-1 alpha-2, either case. */
static bool country_ok(struct str text)
{
    static const char codes[] =
        "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR"
        "CU"
        "CVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUID"
        "IE"
        "ILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMS"
        "MT"
        "MUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSL"
        "SM"
        "SNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";
    if (text.len != 2)
        return false;
    for (size_t i = 0; i + 1 < sizeof codes; i += 2)
        if ((text.at[0] & ~0x20) == codes[i] && (text.at[1] & ~0x20) == codes[i + 1])
            return true;
    return false;
}

static bool product_ok(struct str text)
{
    return all(text, phase_char);
}

static bool priority_ok(struct str text)
{
    return str_ends(text, STR("_CLASS"));
}

static bool not_upper(char c)
{
    return !upper(c);
}

static bool protocol_ok(struct str text)
{
    return all(text, not_upper);
}

/* clang-format off */
static const struct stix_format formats[STIX_KIND_SHAPE] = {
    [STIX_KIND_HEX] = {stix_check_hex, STIX_ERROR, false, "2.8", "is not lower-case hexadecimal"},
    [STIX_KIND_BINARY] = {base64_ok, STIX_ERROR, false, "2.1", "is not base64"},
    [STIX_KIND_LANG] = {stix_check_lang, STIX_ERROR, false, NULL, "is no RFC 5646 language code"},
    [STIX_KIND_SELECTOR] = {selector_ok, STIX_ERROR, false, NULL, "is no selector"},
    [STIX_KIND_MAC] = {mac_ok, STIX_ERROR, false, NULL,
                       "is not a lower-case, colon-delimited MAC-48 address"},
    [STIX_KIND_URL] = {url_ok, STIX_WARNING, true, NULL, "not a URL of RFC 3986"},
    [STIX_KIND_DOMAIN] = {domain_ok, STIX_WARNING, true, NULL, "not a domain name of RFC 1034 and RFC 5890"},
    [STIX_KIND_EMAIL] = {email_ok, STIX_WARNING, true, NULL, "not an addr-spec of RFC 5322 alone"},
    [STIX_KIND_IPV4] = {ipv4_ok, STIX_REMARK, true, NULL, "not an IPv4 address or network"},
    [STIX_KIND_IPV6] = {ipv6_ok, STIX_REMARK, true, NULL, "not an IPv6 address or network"},
    [STIX_KIND_CPE] = {stix_check_cpe, STIX_WARNING, false, NULL, "not a CPE of version 2.3"},
    [STIX_KIND_MIME] = {stix_check_mime, STIX_REMARK, false, NULL, "not a media type of RFC 6838"},
    [STIX_KIND_CHARSET] = {stix_check_charset, STIX_WARNING, false, NULL,
                           "not the name of an IANA character set"},
    [STIX_KIND_VERB] = {verb_ok, STIX_WARNING, false, NULL, "has other than a-z, 0-9 and -"},
    [STIX_KIND_PHASE] = {phase_ok, STIX_REMARK, false, NULL, "not lower-case words with hyphens between"},
    [STIX_KIND_HIVE] = {hive_ok, STIX_WARNING, false, NULL, "the hive is shortened"},
    [STIX_KIND_HEADER] = {header_ok, STIX_WARNING, false, "6.6", "an encoded word of RFC 2047 is left"},
    [STIX_KIND_COUNTRY] = {country_ok, STIX_REMARK, false, NULL, "not an ISO 3166-1 alpha-2 code"},
    [STIX_KIND_PRODUCT] = {product_ok, STIX_REMARK, false, NULL, "not lower-case words with hyphens between"},
    [STIX_KIND_PRIORITY] = {priority_ok, STIX_REMARK, false, NULL, "does not end in _CLASS"},
    [STIX_KIND_PROTOCOL] = {protocol_ok, STIX_REMARK, false, NULL, "a protocol that is not in lower case"},
    [STIX_KIND_NEW_NAME] = {stix_check_custom_name, STIX_WARNING, false, "7.3.2",
                            "a property's name is not a-z, 0-9 and _, 3 to 250"},
};
/* clang-format on */

const struct stix_format *stix_format(uint8_t kind)
{
    must(kind < STIX_KIND_SHAPE);
    return formats[kind].ok != NULL ? &formats[kind] : NULL;
}

/* ssdeep: a block size and two signatures. */
static bool ssdeep_ok(struct str text)
{
    struct str rest = text;
    uint64_t size;
    if (!str_to_u64(str_cut(&rest, ':'), UINT32_MAX, &size) || rest.at == NULL)
        return false;
    (void)str_cut(&rest, ':');
    return rest.at != NULL;
}

/* TLSH: 35 bytes; newer writers put their version "T1" before. */
static bool tlsh_ok(struct str text)
{
    if (str_starts(text, STR("T1")))
        text = (struct str) {text.at + 2, text.len - 2};
    return text.len == 70 && all(text, any_hex);
}

const char *stix_check_hash(struct str name, struct str text)
{
    static const struct {
        struct str name;
        size_t digits;
        bool (*ok)(struct str text);
    } known[] = {{{"MD5", 3}, 32, NULL},        {{"SHA-1", 5}, 40, NULL},    {{"SHA-256", 7}, 64, NULL},
                 {{"SHA-512", 7}, 128, NULL},   {{"SHA3-256", 8}, 64, NULL}, {{"SHA3-512", 8}, 128, NULL},
                 {{"SSDEEP", 6}, 0, ssdeep_ok}, {{"TLSH", 4}, 0, tlsh_ok}};
    if (name.len < NAME_LEN_MIN || !stix_check_key(name))
        return "has a name that is no hash algorithm's";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!str_eq(name, known[i].name))
            continue;
        bool good =
            known[i].ok != NULL ? known[i].ok(text) : text.len == known[i].digits && all(text, any_hex);
        return good ? NULL : "is not a value of its algorithm";
    }
    return NULL;
}
