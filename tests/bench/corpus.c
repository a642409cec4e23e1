#include "corpus.h"

#include <string.h>

#include "core/hash.h"
#include "core/uuid.h"

enum { CREATORS = 16 };

static const char marking[] = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
static const char *const words[] = {"campaign", "loader",  "beacon",  "operator", "telecom", "supplier",
                                    "router",   "implant", "domain",  "session",  "gateway", "traffic",
                                    "signal",   "account", "archive", "tunnel"};

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void corpus_init(struct corpus *corpus, uint64_t seed)
{
    *corpus = (struct corpus) {.state = seed};
}

/* Kinds go round in a fixed pattern of twenty, so that what object n is follows from n alone. */
static const char *type_of(uint64_t n)
{
    static const char pattern[20] = "iririfirivsiirmirvsf";
    if (n < CREATORS)
        return "identity";
    switch (pattern[n % 20]) {
    case 'i':
        return "indicator";
    case 'r':
        return "relationship";
    case 'v':
        return "ipv4-addr";
    case 'f':
        return "file";
    case 's':
        return "sighting";
    default:
        return "malware";
    }
}

static void put_id(struct buf *out, uint64_t n)
{
    struct hash hash = hash_sha256(bytes_of(&n, sizeof n));
    struct uuid uuid = uuid_v4(hash.b);
    char text[UUID_TEXT_SIZE];
    uuid_text(&uuid, text);
    buf_printf(out, "%s--%.*s", type_of(n), UUID_TEXT_SIZE, text);
}

static void put_words(struct corpus *corpus, struct buf *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : " ", words[next_random(&corpus->state) % 16]);
}

/* An earlier indicator or malware: what relationships and sightings may point at. Object CREATORS is the
 * first candidate. */
static uint64_t earlier(struct corpus *corpus, uint64_t n)
{
    uint64_t reach = n - CREATORS < 5000 ? n - CREATORS : 5000;
    for (unsigned tries = 0; reach > 0 && tries < 64; tries++) {
        uint64_t target = n - 1 - next_random(&corpus->state) % reach;
        if (type_of(target)[0] == 'i' && type_of(target)[1] == 'n')
            return target;
    }
    return 20; /* an indicator: the first of the second round */
}

static void put_common(struct corpus *corpus, struct buf *out, uint64_t n)
{
    unsigned seconds = (unsigned)(n % 60), minutes = (unsigned)(n / 60 % 60),
             hours = (unsigned)(n / 3600 % 24);
    buf_printf(out, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"", type_of(n));
    put_id(out, n);
    buf_printf(
        out,
        "\",\"created\":\"2026-01-02T%02u:%02u:%02u.000Z\",\"modified\":\"2026-03-04T%02u:%02u:%02u.%03uZ\","
        "\"object_marking_refs\":[\"%s\"]",
        hours, minutes, seconds, hours, minutes, seconds, (unsigned)(next_random(&corpus->state) % 1000),
        marking);
    if (n >= CREATORS) {
        buf_put_str(out, STR(",\"created_by_ref\":\""));
        put_id(out, n % CREATORS);
        buf_putc(out, '"');
    }
}

static void put_sco(struct corpus *corpus, struct buf *out, uint64_t n)
{
    buf_printf(out, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"", type_of(n));
    put_id(out, n);
    buf_printf(out, "\",\"object_marking_refs\":[\"%s\"]", marking);
    uint64_t r = next_random(&corpus->state);
    if (strcmp(type_of(n), "ipv4-addr") == 0) {
        buf_printf(out, ",\"value\":\"198.51.%u.%u\"", (unsigned)(r & 255), (unsigned)(r >> 8 & 255));
    } else {
        char hex[64];
        struct hash hash = hash_sha256(bytes_of(&r, sizeof r));
        str_hex(hash.b, HASH_SIZE, hex);
        buf_printf(out, ",\"name\":\"%s.bin\",\"hashes\":{\"SHA-256\":\"%.64s\"}", words[r % 16], hex);
    }
    buf_put_str(out, STR(",\"x_note\":\""));
    put_words(corpus, out, 36);
    buf_put_str(out, STR("\"}"));
}

static void put_relation(struct corpus *corpus, struct buf *out, uint64_t n)
{
    bool sighting = strcmp(type_of(n), "sighting") == 0;
    put_common(corpus, out, n);
    buf_put_str(out, sighting ? STR(",\"sighting_of_ref\":\"")
                              : STR(",\"relationship_type\":\"related-to\",\"source_ref\":\""));
    put_id(out, earlier(corpus, n));
    if (!sighting) {
        buf_put_str(out, STR("\",\"target_ref\":\""));
        put_id(out, earlier(corpus, n));
    }
    buf_put_str(out, STR("\",\"description\":\""));
    put_words(corpus, out, 36);
    buf_put_str(out, STR("\"}"));
}

static void put_domain(struct corpus *corpus, struct buf *out, uint64_t n)
{
    const char *type = type_of(n);
    put_common(corpus, out, n);
    buf_put_str(out, STR(",\"name\":\""));
    put_words(corpus, out, 3);
    buf_put_str(out, STR("\",\"description\":\""));
    put_words(corpus, out, 38);
    buf_putc(out, '"');
    if (strcmp(type, "indicator") == 0)
        buf_printf(out,
                   ",\"pattern\":\"[ipv4-addr:value = '203.0.113.%u']\",\"pattern_type\":\"stix\","
                   "\"valid_from\":\"2026-01-02T00:00:00Z\",\"confidence\":%u",
                   (unsigned)(n & 255), (unsigned)(n % 101));
    else if (strcmp(type, "malware") == 0)
        buf_put_str(out, STR(",\"is_family\":true"));
    else
        buf_put_str(out, STR(",\"identity_class\":\"organization\""));
    buf_putc(out, '}');
}

void corpus_next(struct corpus *corpus, struct buf *out)
{
    uint64_t n = corpus->made++;
    const char *type = type_of(n);
    if (strcmp(type, "ipv4-addr") == 0 || strcmp(type, "file") == 0)
        put_sco(corpus, out, n);
    else if (strcmp(type, "relationship") == 0 || strcmp(type, "sighting") == 0)
        put_relation(corpus, out, n);
    else
        put_domain(corpus, out, n);
}

void corpus_bundle(struct corpus *corpus, size_t count, struct buf *out)
{
    buf_printf(out, "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-%012llx\",\"objects\":[",
               (unsigned long long)corpus->made);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        corpus_next(corpus, out);
    }
    buf_put_str(out, STR("]}"));
}
