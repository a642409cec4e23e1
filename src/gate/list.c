#include "gate/list.h"

#include <stdlib.h>

#include "core/mem.h"
#include "gate/broad.h"
#include "gate/foreign.h"
#include "gate/list_in.h"
#include "gate/overlap.h"
#include "gate/spelling.h"
#include "gate/wordlist.h"
#include "stix/pattern.h"
#include "json/json.h"

/* Wider than a /16, or a /32 of IPv6, is no indicator: the largest network that one organisation usually
 * holds. */
enum { BROAD_BITS4 = 16 };

/* A word takes its text, a letter, a line end, and what memory is aligned to. */
enum { LIST_WORDS_BYTES = LIMIT_LIST_BYTES + 24 * LIMIT_LIST_ENTRIES };

static const char *const kinds[GATE_LIST_KINDS] = {
    [GATE_LIST_CIDR] = "cidr",     [GATE_LIST_DOMAIN] = "domain", [GATE_LIST_HASH] = "hash",
    [GATE_LIST_STRING] = "string", [GATE_LIST_MISP] = "misp",     [GATE_LIST_RESERVED] = "reserved",
    [GATE_LIST_BROAD] = "broad",
};

static const char reserved[] =
    "0.0.0.0/8\n10.0.0.0/8\n100.64.0.0/10\n127.0.0.0/8\n169.254.0.0/16\n172.16.0.0/12\n192.0.0.0/24\n"
    "192.0.2.0/24\n192.168.0.0/16\n198.18.0.0/15\n198.51.100.0/24\n203.0.113.0/24\n224.0.0.0/4\n240.0.0.0/4\n"
    "::/128\n::1/128\n64:ff9b:1::/48\n100::/64\n2001:db8::/32\n3fff::/20\nfc00::/7\nfe80::/10\nff00::/8\n"
    "example\ntest\ninvalid\nlocalhost\nlocal\nhome.arpa\nexample.com\nexample.net\nexample.org\n";

/* Of the empty file: MD5, SHA-1, SHA-256, SHA-512. */
static const char empty_file[] =
    "d41d8cd98f00b204e9800998ecf8427e\nda39a3ee5e6b4b0d3255bfef95601890afd80709\n"
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e\n";

const char *gate_list_kind_name(enum gate_list_kind kind)
{
    return kinds[kind];
}

bool gate_list_kind_find(struct str name, enum gate_list_kind *out)
{
    for (int kind = 0; kind < GATE_LIST_KINDS; kind++)
        if (str_eq(name, str_of(kinds[kind]))) {
            *out = (enum gate_list_kind)kind;
            return true;
        }
    return false;
}

size_t list_entries(const struct list *list)
{
    return list->net_count + list->word_count;
}

/* --- order --- */

static int net_order(const void *a, const void *b)
{
    const struct net *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    int order = memcmp(x->bytes, y->bytes, sizeof x->bytes);
    return order != 0 ? order : (int)x->bits - (int)y->bits;
}

/* Is `inner` in `outer`? */
static bool net_in(const struct net *inner, const struct net *outer)
{
    unsigned whole = outer->bits / 8u, rest = outer->bits % 8u;
    if (inner->size != outer->size || inner->bits < outer->bits ||
        memcmp(inner->bytes, outer->bytes, whole) != 0)
        return false;
    return rest == 0 || ((inner->bytes[whole] ^ outer->bytes[whole]) >> (8 - rest)) == 0;
}

/* Bits behind the prefix are cleared: the order rests on it. */
static struct net net_of(const struct term_network *network)
{
    struct net net = {.bits = (uint8_t)network->bits, .size = (uint8_t)network->size};
    memcpy(net.bytes, network->bytes, network->size / 8u);
    for (unsigned bit = network->bits; bit < network->size; bit++)
        net.bytes[bit / 8u] &= (uint8_t) ~(0x80u >> bit % 8u);
    return net;
}

/* --- reading --- */

struct reading {
    struct list list;
    struct arena *arena;
    struct arena words; /* as they come: given back when they are in order */
    size_t words_bytes;
};

/* "www.example.com" as "dcom.example.www."; one label is a name too. Returns its length, 0: it is none. */
static size_t domain_word(struct str text, char out[TERM_BYTES_MAX + 2])
{
    char whole[TERM_BYTES_MAX];
    size_t len;
    if (text.len > 0 && text.at[0] == '.')
        text = (struct str) {text.at + 1, text.len - 1};
    if (text.len == 0 || text.len > sizeof whole - 2)
        return 0;
    memcpy(whole, "x.", 2);
    memcpy(whole + 2, text.at, text.len);
    if (!term_domain((struct str) {whole, text.len + 2}, out + 1, &len))
        return 0;
    out[0] = 'd';
    return 1 + len - 2; /* without the label that was added */
}

/* Room for the entries is asked for once: there are no more than line ends, or elements. */
static err_t reading_begin(struct reading *r, size_t entries, struct fault *fault)
{
    if (entries > LIMIT_LIST_ENTRIES)
        return fault_set(fault, ERR_LIMIT, 0, "a list has at most %u entries", LIMIT_LIST_ENTRIES);
    r->list.nets = arena_alloc(r->arena, (entries + 1) * sizeof *r->list.nets);
    r->list.words = arena_alloc(r->arena, (entries + 1) * sizeof *r->list.words);
    return r->list.nets == NULL || r->list.words == NULL ? ERR_NOMEM : ERR_OK;
}

static err_t put_word(struct reading *r, char kind, struct str text)
{
    char *word = arena_alloc(&r->words, text.len + 2);
    if (word == NULL)
        return ERR_NOMEM;
    word[0] = kind;
    for (size_t i = 0; i < text.len; i++)
        word[1 + i] = str_lower(text.at[i]);
    word[1 + text.len] = '\n';
    r->list.words[r->list.word_count++] = word;
    r->words_bytes += text.len + 2;
    return ERR_OK;
}

/* What can be a name is kept like one, so that each of its spellings is the same word. */
static err_t put_value(struct reading *r, struct str text)
{
    char labels[TERM_BYTES_MAX];
    size_t len;
    if (memchr(text.at, '\n', text.len) != NULL)
        return ERR_INVALID;
    return term_labels(text, labels, &len) ? put_word(r, 'n', (struct str) {labels, len})
                                           : put_word(r, 'v', text);
}

static err_t take(struct reading *r, enum gate_list_kind kind, struct str text)
{
    struct term_network network;
    char domain[TERM_BYTES_MAX + 2];
    size_t len;
    bool addresses = kind == GATE_LIST_CIDR || kind == GATE_LIST_STRING || kind == GATE_LIST_RESERVED;
    if (addresses && term_network_parse(text, &network)) {
        r->list.nets[r->list.net_count++] = net_of(&network);
        return ERR_OK;
    }
    if (kind == GATE_LIST_HASH || kind == GATE_LIST_BROAD)
        return term_is_hash(text) ? put_word(r, 'h', text) : ERR_INVALID;
    if (kind == GATE_LIST_STRING)
        return put_value(r, text);
    if (kind == GATE_LIST_CIDR || (len = domain_word(text, domain)) == 0)
        return ERR_INVALID;
    return put_word(r, 'd', (struct str) {domain + 1, len - 1});
}

static err_t read_lines(struct reading *r, enum gate_list_kind kind, struct str text, struct fault *fault)
{
    size_t lines = 1;
    unsigned number = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    err_t err = reading_begin(r, lines, fault);
    while (err == ERR_OK && text.len > 0) {
        struct str line = str_cut(&text, '\n');
        line = str_trim(str_cut(&line, '#'));
        number++;
        if (line.len > 0 && TRY(err, take(r, kind, line)) && err == ERR_INVALID)
            return fault_set(fault, err, 0, "line %u is no entry of a list of kind %s", number, kinds[kind]);
    }
    return err;
}

/* What a MISP warninglist calls it. */
static bool misp_kind(struct str type, enum gate_list_kind *out)
{
    if (str_eq(type, STR("hostname")))
        *out = GATE_LIST_DOMAIN;
    else if (str_eq(type, STR("cidr")))
        *out = GATE_LIST_CIDR;
    else if (str_eq(type, STR("string")))
        *out = GATE_LIST_STRING;
    else
        return false;
    return true;
}

static err_t read_misp(struct reading *r, struct json_val root, struct fault *fault)
{
    struct json_val list, element;
    struct str type = STR(""), text;
    enum gate_list_kind kind = GATE_LIST_STRING;
    if (!json_get_str(root, STR("type"), &type) || !json_get(root, STR("list"), &list) ||
        !json_is(list, JSON_ARRAY))
        return fault_set(fault, ERR_INVALID, 0, "no warninglist: it has no `type` or no `list`");
    if (!misp_kind(type, &kind))
        return fault_set(fault, ERR_UNSUPPORTED, 0, "a warninglist of type %.*s cannot be used",
                         type.len > 40 ? 40 : (int)type.len, type.at);
    err_t err = reading_begin(r, json_array_count(list), fault);
    struct json_iter iter = json_array_iter(list);
    while (err == ERR_OK && json_array_next(&iter, &element)) {
        if (!json_is(element, JSON_STRING))
            return fault_set(fault, ERR_INVALID, 0, "an entry of the list is no string");
        text = str_trim(json_str(element));
        /* Those lists are kept by hand: what is no network or domain is passed over, as MISP does. */
        if (text.len > 0 && TRY(err, take(r, kind, text)) && err == ERR_INVALID)
            err = ERR_OK;
    }
    return err;
}

static err_t read_json(struct reading *r, struct bytes text, struct fault *fault)
{
    struct json_parser *parser;
    struct json_doc doc;
    err_t err = json_parser_new(LIMIT_LIST_BYTES + JSON_PADDING, &parser);
    if (err != ERR_OK)
        return err;
    err = json_parse(parser, text, &doc, fault);
    if (err == ERR_OK && !json_is(json_root(&doc), JSON_OBJECT))
        err = fault_set(fault, ERR_INVALID, 0, "no warninglist: no JSON object");
    if (err == ERR_OK)
        err = read_misp(r, json_root(&doc), fault);
    json_parser_free(parser);
    return err;
}

static void settle_nets(struct list *list)
{
    size_t kept = 0;
    qsort(list->nets, list->net_count, sizeof *list->nets, net_order);
    for (size_t i = 0; i < list->net_count; i++)
        if (kept == 0 || !net_in(&list->nets[i], &list->nets[kept - 1]))
            list->nets[kept++] = list->nets[i];
    list->net_count = kept;
}

/* One behind the other: whoever looks at all of them waits for no memory. */
static err_t settle_words(struct reading *r)
{
    struct list *list = &r->list;
    qsort(list->words, list->word_count, sizeof *list->words, wordlist_order);
    char *at = arena_alloc(r->arena, r->words_bytes + 1);
    if (at == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < list->word_count; i++) {
        size_t len = wordlist_len(list->words[i]) + 1;
        memcpy(at, list->words[i], len);
        list->words[i] = at;
        at += len;
    }
    return ERR_OK;
}

static err_t read_kind(struct reading *r, enum gate_list_kind kind, struct bytes text, struct fault *fault)
{
    switch (kind) {
    case GATE_LIST_MISP:
        return read_json(r, text, fault);
    case GATE_LIST_RESERVED:
        return read_lines(r, kind, str_of(reserved), fault);
    case GATE_LIST_BROAD:
        return read_lines(r, kind, str_of(empty_file), fault);
    default:
        return read_lines(r, kind, str_from_bytes(text), fault);
    }
}

err_t list_read(enum gate_list_kind kind, struct bytes text, struct arena *arena, const struct list **out,
                struct fault *fault)
{
    struct reading r = {.list = {.kind = kind}, .arena = arena};
    if (text.len > LIMIT_LIST_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "a list has at most %u bytes", LIMIT_LIST_BYTES);
    arena_init(&r.words, LIST_WORDS_BYTES);
    err_t err = read_kind(&r, kind, text, fault);
    if (err == ERR_OK)
        err = settle_words(&r);
    arena_deinit(&r.words);
    if (err != ERR_OK)
        return err;
    settle_nets(&r.list);
    struct list *list = arena_alloc(arena, sizeof *list);
    if (list == NULL)
        return ERR_NOMEM;
    *list = r.list;
    *out = list;
    return ERR_OK;
}

/* --- asking --- */

/* Bytes of the last address of a network: at or behind those of `low`? */
static bool net_reaches(const struct net *net, const uint8_t *low)
{
    uint8_t last[16];
    memcpy(last, net->bytes, sizeof last);
    for (unsigned bit = net->bits; bit < net->size; bit++)
        last[bit / 8u] |= (uint8_t)(0x80u >> bit % 8u);
    return memcmp(last, low, net->size / 8u) >= 0;
}

/* One that shares an address with it. They lie apart: it is the last one that begins early enough, or none.
 */
static bool span_hits(const struct list *list, const struct reach_span *span)
{
    struct net end = {.size = span->size, .bits = UINT8_MAX};
    size_t low = 0, high = list->net_count;
    memcpy(end.bytes, span->high, span->size / 8u);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (net_order(&list->nets[mid], &end) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 && list->nets[low - 1].size == span->size && net_reaches(&list->nets[low - 1], span->low);
}

/* `searches`: as of struct list_value. */
static bool word_hits(const struct list *list, const char *word, unsigned *searches)
{
    const char *end = strchr(word, '\n');
    bool unknown = searches != NULL && memchr(word, WORDLIST_UNKNOWN, (size_t)(end - word)) != NULL;
    return unknown ? wordlist_match(list->words, list->word_count, word, searches)
                   : wordlist_have(list->words, list->word_count, word);
}

/* Itself, or what it lies below: every beginning that ends with a label. */
static bool domain_hits(const struct list *list, const char *word, size_t len, unsigned *searches)
{
    char part[WORDLIST_BYTES_MAX];
    memcpy(part, word, len);
    for (size_t i = 1; i < len; i++) {
        if (word[i] != '.')
            continue;
        part[i + 1] = '\n';
        if (word_hits(list, part, searches))
            return true;
        part[i + 1] = i + 1 < len ? word[i + 1] : '\n';
    }
    return false;
}

/* Both ends as far as prefixes of indicators go: more than a /16, or a /32. */
static bool is_wide(const struct reach_span *span)
{
    uint64_t low = 0, high = 0;
    for (size_t i = 0; i < 8; i++) {
        low = low << 8 | span->low[i];
        high = high << 8 | span->high[i];
    }
    return (high - low) >> 32 >= (span->size == 32 ? UINT64_C(1) << BROAD_BITS4 : 1);
}

static bool is_broad(const struct list_value *value)
{
    struct str text = str_trim(value->text);
    if (value->observed || value->open || value->again)
        return value->open;
    if (value->matched) {
        /* Only wildcards: %, _, and of regular expressions . * + ^ $ ( ). */
        for (size_t i = 0; i < text.len; i++)
            if (strchr("%_.*+^$()?", text.at[i]) == NULL)
                return false;
        return true;
    }
    for (size_t i = 0; value->host && i < value->reach->span_count; i++)
        if (is_wide(&value->reach->spans[i]))
            return true;
    return value->is_domain && value->reach->name_count > 0 &&
           memchr(value->reach->names[0].at, '.', value->reach->names[0].len) == NULL;
}

static bool reach_hits(const struct list *list, const struct reach *reach, unsigned *searches)
{
    char name[TERM_BYTES_MAX + 2];
    for (size_t i = 0; i < reach->span_count; i++)
        if (span_hits(list, &reach->spans[i]))
            return true;
    for (size_t i = 0; i < reach->name_count; i++) {
        size_t len = domain_word(reach->names[i], name);
        if (len > 0 && domain_hits(list, name, len, searches))
            return true;
    }
    return false;
}

/* The whole value as a name, in whatever way it is written. */
static bool name_hits(const struct list *list, struct str text, unsigned *searches)
{
    char word[TERM_BYTES_MAX + 2];
    size_t len;
    text = str_trim(text);
    if (text.len == 0 || !term_labels(text, word + 1, &len))
        return false;
    word[0] = 'n';
    word[1 + len] = '\n';
    return word_hits(list, word, searches);
}

static bool word_of_kind_hits(const struct list *list, enum term_kind kind, struct str text)
{
    char word[TERM_BYTES_MAX + 3];
    struct buf term = {.at = (uint8_t *)word, .size = sizeof word, .size_max = sizeof word};
    term_put(&term, kind, text);
    if (term.len == 0)
        return false;
    word[term.len - 1] = '\n';
    return word_hits(list, word, NULL);
}

static bool hits(const struct list *list, const struct list_value *value)
{
    struct str text = str_trim(value->text);
    if (list->kind == GATE_LIST_BROAD && is_broad(value))
        return true;
    if (value->matched || value->open || text.len == 0)
        return false;
    if (value->host && (reach_hits(list, value->reach, value->searches) ||
                        name_hits(list, value->reach->whole, value->searches)))
        return true;
    return name_hits(list, text, value->searches) || word_of_kind_hits(list, TERM_VALUE, text) ||
           (!value->serial && term_is_hash(text) && word_of_kind_hits(list, TERM_HASH, text));
}

bool list_hits(const struct list *list, const struct list_value *value)
{
    struct list_value read = *value;
    struct reach reach;
    if (value->overlap != NULL)
        return overlap_hits(value->overlap, list);
    if (value->reach == NULL) {
        reach_read(value->text, value->is_place, &reach);
        read.reach = &reach;
    }
    return hits(list, &read);
}

/* --- values --- */

/* Observables whose constants in a pattern may be, or hold, an address or a domain. */
static bool holds_hosts(struct str type)
{
    static const char *const types[] = {"ipv4-addr",  "ipv6-addr",     "domain-name",     "url",
                                        "email-addr", "email-message", "network-traffic", "artifact"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq(type, str_of(types[i])))
            return true;
    return false;
}

struct values {
    struct arena *arena;
    bool (*each)(void *ctx, const struct list_value *value);
    void *ctx;
    unsigned *searches; /* for unknown characters, of the whole object */
    uint64_t *steps;    /* of walks over lists, of the whole object */
};

/* What the last step of a path says of what stands there; type "": of any, where a host may stand. */
static const struct property {
    struct str type, key;
    bool place, serial;
} properties[] = {
    {{"", 0}, {"value", 5}, true, false},
    {{"artifact", 8}, {"url", 3}, true, false},
    {{"network-traffic", 15}, {"host", 4}, true, false}, /* a header of a web request */
    {{"x509-certificate", 16}, {"serial_number", 13}, false, true},
};

static const struct property *property_of(const struct stix_pattern *pattern,
                                          const struct stix_pattern_node *node)
{
    static const struct property none = {.place = false};
    const struct stix_pattern_step *last = &pattern->steps[node->step + node->step_count - 1];
    for (size_t i = 0; node->step_count > 0 && i < sizeof properties / sizeof *properties; i++)
        if (last->kind == STIX_PATTERN_KEY && str_same(last->key, properties[i].key) &&
            (properties[i].type.len == 0 || str_eq(properties[i].type, node->type)))
            return &properties[i];
    return &none;
}

/* process:opened_connection_refs[*].dst_ref.value. */
static bool follows(const struct stix_pattern *pattern, const struct stix_pattern_node *node)
{
    for (uint32_t i = 0; i < node->step_count; i++)
        if (pattern->steps[node->step + i].follows)
            return true;
    return false;
}

static bool ask(const struct values *v, struct list_value value)
{
    struct reach reach;
    reach_read(value.text, value.is_place, &reach);
    value.reach = &reach;
    return v->each(v->ctx, &value);
}

/* As it stands, and as it is meant. */
static bool emit(const struct values *v, struct list_value value)
{
    struct list_value meant = value;
    if (value.text.at == NULL || ask(v, value))
        return value.text.at != NULL;
    meant.again = true;
    if (value.matched)
        return false;
    if (value.host && spelling_plain(value.text, v->arena, &meant.text) && ask(v, meant))
        return true;
    meant.host = meant.is_domain = meant.is_place = false;
    return !value.serial && spelling_hash(value.text, v->arena, &meant.text) && ask(v, meant);
}

/* With a dot for each `_` whose bit is set. */
static struct str with_dots(struct str text, unsigned dots, struct arena *arena)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy == NULL)
        return (struct str) {0};
    memcpy(copy, text.at, text.len);
    for (size_t i = 0; i < text.len && dots != 0; i++)
        if (text.at[i] == WORDLIST_UNKNOWN) {
            copy[i] = (dots & 1) != 0 ? '.' : WORDLIST_UNKNOWN;
            dots >>= 1;
        }
    return (struct str) {copy, text.len};
}

enum { DOTS_MAX = 3 }; /* of the unknown characters of a value, the first ones that are asked as dots, too */

/* What LIKE matches: its text, each _ one unknown character. */
static bool emit_like(const struct values *v, struct list_value value)
{
    struct str text;
    unsigned unknown = 0;
    if (!spelling_of_like(value.text, v->arena, &text))
        return false;
    for (size_t i = 0; i < text.len && value.host && unknown < DOTS_MAX; i++)
        unknown += text.at[i] == WORDLIST_UNKNOWN;
    value.searches = v->searches;
    for (unsigned dots = 0; dots < 1u << unknown; dots++) {
        value.text = with_dots(text, dots, v->arena);
        if (emit(v, value))
            return true;
    }
    return false;
}

/* A text that LIKE or MATCHES would match, where all of it is told. */
static bool emit_matched(const struct values *v, enum stix_pattern_op op, struct list_value value)
{
    char sample[TERM_BYTES_MAX * 4];
    struct str text = value.text;
    size_t len;
    value.matched = value.is_domain = false;
    value.again = true;
    if (op == STIX_PATTERN_LIKE)
        return emit_like(v, value);
    if (value.host && spelling_of_open_regex(text, v->arena, &value.text) && emit(v, value))
        return true;
    for (unsigned choice = 0; choice < BROAD_CHOICES_MAX; choice++) {
        if (!broad_regex_sample(text, choice, sample, sizeof sample, &len) || len == 0)
            continue;
        /* "paypal\.com\." is about what goes on behind it. */
        if (sample[len - 1] == '.' && text.at[text.len - 1] != '$')
            continue;
        value.text = arena_str(v->arena, (struct str) {sample, len});
        if (emit(v, value))
            return true;
    }
    return false;
}

/* The bytes that h'' or b'' say. */
static struct str octets(const struct stix_pattern_constant *constant, struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, constant->text.len + 1);
    size_t len = constant->text.len / 2;
    bool hex = constant->kind == STIX_PATTERN_HEX;
    if (bytes == NULL || (hex && !str_unhex((struct str) {constant->text.at, 2 * len}, bytes, len)) ||
        (!hex && !str_unbase64(constant->text, bytes, constant->text.len, &len)))
        return (struct str) {0};
    return (struct str) {(const char *)bytes, len};
}

/* A text written in bytes, or a hash. */
static bool emit_octets(const struct values *v, const struct stix_pattern_constant *constant,
                        struct list_value value)
{
    enum { HASH_BYTES_MAX = 64 };
    struct str bytes = octets(constant, v->arena);
    value.text = bytes;
    if (bytes.len == 0 || (str_is_utf8(bytes) && emit(v, value)))
        return bytes.len > 0;
    char *hex = bytes.len > HASH_BYTES_MAX ? NULL : arena_alloc(v->arena, 2 * bytes.len);
    if (hex == NULL)
        return false;
    str_hex((const uint8_t *)bytes.at, bytes.len, hex);
    value.text = (struct str) {hex, 2 * bytes.len};
    value.host = value.is_place = value.is_domain = false;
    return emit(v, value);
}

static bool emit_constant(const struct values *v, const struct stix_pattern_constant *constant,
                          enum stix_pattern_op op, struct list_value value)
{
    if (constant->kind == STIX_PATTERN_HEX || constant->kind == STIX_PATTERN_BINARY)
        return !value.matched && emit_octets(v, constant, value);
    if (constant->kind != STIX_PATTERN_STRING)
        return false;
    value.text = stix_pattern_text(constant->text, constant->escaped, v->arena);
    return emit(v, value) || (value.matched && value.text.len > 0 && emit_matched(v, op, value));
}

/* Is it one that what it compares with matches? NOT != is. */
static bool is_asked(const struct stix_pattern_node *node)
{
    switch ((enum stix_pattern_op)node->op) {
    case STIX_PATTERN_EQ:
    case STIX_PATTERN_IN:
    case STIX_PATTERN_LIKE:
    case STIX_PATTERN_MATCHES:
    case STIX_PATTERN_ISSUBSET:
    case STIX_PATTERN_ISSUPERSET:
        return !node->negated;
    case STIX_PATTERN_NE:
        return node->negated;
    default:
        return false;
    }
}

static bool each_constant(const struct values *v, const struct stix_pattern *pattern,
                          const struct stix_pattern_node *node)
{
    const struct property *property = property_of(pattern, node);
    bool host = holds_hosts(node->type) || (property->place && follows(pattern, node));
    struct list_value value = {.host = host,
                               .is_place = host && property->place,
                               .matched = node->op == STIX_PATTERN_LIKE || node->op == STIX_PATTERN_MATCHES,
                               .is_domain = str_eq(node->type, STR("domain-name")) && node->step_count == 1,
                               .serial = property->serial};
    for (uint32_t i = 0; i < node->constant_count; i++)
        if (emit_constant(v, &pattern->constants[node->constant + i], (enum stix_pattern_op)node->op, value))
            return true;
    return false;
}

/* --- what LIKE and MATCHES match --- */

/* Where what is compared stands. */
static enum overlap_place place_of(const struct stix_pattern *pattern, const struct stix_pattern_node *node)
{
    static const struct {
        struct str type;
        enum overlap_place place;
    } rows[] = {{{"ipv4-addr", 9}, OVERLAP_ADDRESS}, {{"ipv6-addr", 9}, OVERLAP_ADDRESS},
                {{"domain-name", 11}, OVERLAP_NAME}, {{"url", 3}, OVERLAP_URL},
                {{"artifact", 8}, OVERLAP_URL},      {{"email-addr", 10}, OVERLAP_MAIL}};
    bool follow = follows(pattern, node);
    for (uint32_t i = 0; i < node->step_count; i++)
        if (pattern->steps[node->step + i].kind == STIX_PATTERN_KEY &&
            str_same(pattern->steps[node->step + i].key, STR("hashes")))
            return OVERLAP_HASH;
    if (!property_of(pattern, node)->place || (!follow && !holds_hosts(node->type)))
        return OVERLAP_VALUE;
    for (size_t i = 0; !follow && i < sizeof rows / sizeof *rows; i++)
        if (str_eq(node->type, rows[i].type))
            return rows[i].place;
    return OVERLAP_HOST;
}

static bool emit_overlap(const struct values *v, enum overlap_place place, struct str pattern, bool like)
{
    struct overlap overlap;
    overlap_open(&overlap, place, pattern, like, v->steps);
    bool hit = v->each(v->ctx, &(struct list_value) {.text = pattern, .overlap = &overlap});
    overlap_close(&overlap);
    return hit;
}

static bool each_overlap(const struct values *v, const struct stix_pattern *pattern)
{
    for (uint32_t i = 0; i < pattern->node_count; i++) {
        const struct stix_pattern_node *node = &pattern->nodes[i];
        bool like = node->op == STIX_PATTERN_LIKE;
        if (node->kind != STIX_PATTERN_COMPARISON || node->negated ||
            (!like && node->op != STIX_PATTERN_MATCHES))
            continue;
        for (uint32_t k = 0; k < node->constant_count; k++) {
            const struct stix_pattern_constant *constant = &pattern->constants[node->constant + k];
            struct str text = stix_pattern_text(constant->text, constant->escaped, v->arena);
            text = text.at == NULL ? constant->text : text; /* no memory: at least nearly so */
            if (constant->kind == STIX_PATTERN_STRING && emit_overlap(v, place_of(pattern, node), text, like))
                return true;
        }
    }
    return false;
}

static bool emit_foreign(void *ctx, struct str value, bool open)
{
    const struct values *v = ctx;
    if (open)
        return v->each(v->ctx, &(struct list_value) {.text = value, .open = true});
    return emit(v, (struct list_value) {.text = value, .host = true, .is_place = true, .again = true});
}

static bool each_of_pattern(const struct values *v, struct str language, struct str text)
{
    struct stix_pattern pattern;
    if (foreign_known(language)) {
        struct values each = *v;
        return foreign_each(language, text, v->arena, emit_foreign, &each);
    }
    if (stix_pattern_parse(text, STIX_PATTERN_2_1, v->arena, &pattern, NULL, NULL) != ERR_OK &&
        stix_pattern_parse(text, STIX_PATTERN_2_0, v->arena, &pattern, NULL, NULL) != ERR_OK)
        return false; /* another language than STIX */
    for (uint32_t i = 0; i < pattern.node_count; i++) {
        const struct stix_pattern_node *node = &pattern.nodes[i];
        if (node->kind == STIX_PATTERN_COMPARISON && is_asked(node) && each_constant(v, &pattern, node))
            return true;
    }
    if (broad_pattern(&pattern, v->arena) &&
        v->each(v->ctx, &(struct list_value) {.text = text, .open = true}))
        return true;
    return each_overlap(v, &pattern);
}

/* --- observables --- */

static bool each_hash(const struct values *v, struct json_val hashes)
{
    struct json_iter iter = json_object_iter(hashes);
    struct json_val element;
    struct str name;
    while (json_object_next(&iter, &name, &element))
        if (json_is(element, JSON_STRING) &&
            emit(v, (struct list_value) {.text = json_str(element), .observed = true}))
            return true;
    return false;
}

/* The value of a header, or each one of several. */
static bool each_header(const struct values *v, struct json_val header)
{
    struct list_value value = {.host = true, .observed = true, .is_place = true};
    struct json_iter iter;
    struct json_val element;
    if (json_is(header, JSON_STRING)) {
        value.text = json_str(header);
        return emit(v, value);
    }
    if (!json_is(header, JSON_ARRAY))
        return false;
    for (iter = json_array_iter(header); json_array_next(&iter, &element);) {
        value.text = json_is(element, JSON_STRING) ? json_str(element) : STR("");
        if (value.text.len > 0 && emit(v, value))
            return true;
    }
    return false;
}

/* Whom a web request asks, and for what (section 6.12.2.1): a path alone is no place. */
static bool each_of_request(const struct values *v, struct json_val root)
{
    struct list_value value = {.host = true, .observed = true};
    struct json_val extensions, request, headers, element;
    struct str name;
    if (!json_get(root, STR("extensions"), &extensions) || !json_is(extensions, JSON_OBJECT) ||
        !json_get(extensions, STR("http-request-ext"), &request) || !json_is(request, JSON_OBJECT))
        return false;
    if (json_get_str(request, STR("request_value"), &value.text) && emit(v, value))
        return true;
    if (!json_get(request, STR("request_header"), &headers) || !json_is(headers, JSON_OBJECT))
        return false;
    for (struct json_iter iter = json_object_iter(headers); json_object_next(&iter, &name, &element);)
        if (str_same(name, STR("host")) && each_header(v, element))
            return true;
    return false;
}

/* What lists ask of an observable. */
static const struct observed {
    enum stix_code code;
    const char *member; /* with its value; "": none */
    bool hashes, request;
} observed[] = {
    {STIX_TYPE_IPV4_ADDR, "value", false, false},   {STIX_TYPE_IPV6_ADDR, "value", false, false},
    {STIX_TYPE_DOMAIN_NAME, "value", false, false}, {STIX_TYPE_URL, "value", false, false},
    {STIX_TYPE_EMAIL_ADDR, "value", false, false},  {STIX_TYPE_FILE, "", true, false},
    {STIX_TYPE_ARTIFACT, "url", true, false},       {STIX_TYPE_X509_CERTIFICATE, "", true, false},
    {STIX_TYPE_NETWORK_TRAFFIC, "", false, true},
};

static const struct observed *observed_of(const struct stix_object *object)
{
    for (size_t i = 0; i < sizeof observed / sizeof *observed; i++)
        if (observed[i].code == object->type->code)
            return &observed[i];
    return NULL;
}

static bool each_of_observed(const struct values *v, const struct observed *row, struct json_val root)
{
    struct list_value value = {.host = true, .observed = true, .is_place = true};
    struct json_val hashes;
    if (row->hashes && json_get(root, STR("hashes"), &hashes) && json_is(hashes, JSON_OBJECT) &&
        each_hash(v, hashes))
        return true;
    if (row->request && each_of_request(v, root))
        return true;
    return row->member[0] != '\0' && json_get_str(root, str_of(row->member), &value.text) && emit(v, value);
}

bool list_concerns(const struct stix_object *object)
{
    return object->type->code == STIX_TYPE_INDICATOR || observed_of(object) != NULL;
}

bool list_each_value(const struct stix_object *object, struct arena *arena, uint64_t *steps,
                     bool (*each)(void *ctx, const struct list_value *value), void *ctx)
{
    unsigned searches = LIMIT_LIST_SEARCHES;
    struct values v = {arena, each, ctx, &searches, steps};
    struct str text, language;
    const struct observed *row = observed_of(object);
    if (row != NULL)
        return each_of_observed(&v, row, object->root);
    if (object->type->code != STIX_TYPE_INDICATOR || !json_get_str(object->root, STR("pattern"), &text))
        return false;
    if (!json_get_str(object->root, STR("pattern_type"), &language))
        language = STR("");
    return each_of_pattern(&v, language, text);
}
