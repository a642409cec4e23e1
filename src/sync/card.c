#include "sync/card.h"

#define HEAD         "bongsu/card/v1"
#define HEAD_ANY     STR("bongsu/card/")
#define IDENTITY     STR("identity--")
#define WORDS_MARK   "bongsu card words v1"
#define CARD_DAY_US  (INT64_C(86400) * 1000000)
#define CARD_TIME_US (LIMIT_CARD_DAYS * CARD_DAY_US)

enum { TIME_CHARS = TIME_TEXT_SIZE - 1, SIX_DECIMALS = 6 };

static const char *const key_words[SYNC_CARD_KEYS] = {
#define X(name, word) word,
    SYNC_CARD_KEY_LIST(X)
#undef X
};

const char *sync_card_key_word(enum sync_card_key key)
{
    must(key < SYNC_CARD_KEYS);
    return key_words[key];
}

/* --- rules that printing and parsing share --- */

static bool host_ok(const struct sync_card_address *address)
{
    size_t len = strlen(address->host);
    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = address->host[i];
        bool digit = c >= '0' && c <= '9', hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (address->ipv6 ? !(hex || c == ':' || c == '.') : !(letter || digit || c == '.' || c == '-'))
            return false;
    }
    return true;
}

static err_t lists_ok(const struct sync_card *card, struct fault *fault)
{
    for (size_t i = 0; i < card->identity_count; i++)
        for (size_t k = 0; k < i; k++)
            if (memcmp(card->identities[i].b, card->identities[k].b, UUID_SIZE) == 0)
                return fault_set(fault, ERR_INVALID, 0, "a card names an identity twice");
    for (size_t i = 0; i < card->address_count; i++) {
        const struct sync_card_address *a = &card->addresses[i];
        if (!host_ok(a) || a->port == 0)
            return fault_set(fault, ERR_INVALID, 0, "a card's address is not host:port");
        for (size_t k = 0; k < i; k++)
            if (a->port == card->addresses[k].port && strcmp(a->host, card->addresses[k].host) == 0)
                return fault_set(fault, ERR_INVALID, 0, "a card names an address twice");
    }
    return ERR_OK;
}

err_t sync_card_says_well(const struct sync_card *card, struct fault *fault)
{
    if (!ledger_name_ok(str_of(card->node)))
        return fault_set(fault, ERR_INVALID, 0, "a card's node name is 1 to %d of a-z 0-9 . _ -",
                         LIMIT_NAME_BYTES);
    if (card->known_as[0] != '\0' &&
        (!ledger_name_ok(str_of(card->known_as)) || strcmp(card->known_as, card->node) == 0))
        return fault_set(fault, ERR_INVALID, 0, "what a node is known as is another name than its own");
    for (size_t i = 0; i < 2; i++)
        if (card->country[i] < 'A' || card->country[i] > 'Z')
            return fault_set(fault, ERR_INVALID, 0, "a card's country is two capital letters");
    return lists_ok(card, fault);
}

static err_t card_ok(const struct sync_card *card, struct fault *fault)
{
    err_t err = sync_card_says_well(card, fault);
    if (err != ERR_OK)
        return err;
    if (card->number == 0 || card->number > INT64_MAX)
        return fault_set(fault, ERR_INVALID, 0, "a card's number counts from 1");
    if (card->issued_us < 0 || card->expires_us <= card->issued_us ||
        card->expires_us - card->issued_us > CARD_TIME_US)
        return fault_set(fault, ERR_INVALID, 0, "a card expires after it is issued, by at most %d days",
                         LIMIT_CARD_DAYS);
    for (size_t i = 0; i < SYNC_CARD_KEYS; i++)
        for (size_t k = 0; k < i; k++)
            if (sign_public_eq(&card->key[i], &card->key[k]))
                return fault_set(fault, ERR_INVALID, 0, "a card's %s and %s keys are the same", key_words[k],
                                 key_words[i]);
    for (size_t i = 0; i < SYNC_CARD_KEYS; i++)
        if (card->key[i].suite != sync_card_suite(card) || suite_of(card->key[i].suite) == NULL)
            return fault_set(fault, ERR_INVALID, 0, "a card's %s key is not of the card's suite",
                             key_words[i]);
    return ERR_OK;
}

/* "bongsu/<node>/<word>"; the node name was checked, so it always fits. */
static err_t role_key(const struct sync_card *card, enum sync_card_key key, enum note_type type,
                      struct note_key *out)
{
    char name[LIMIT_KEY_NAME_BYTES];
    struct str parts[] = {STR("bongsu/"), str_of(card->node), STR("/"), str_of(key_words[key])};
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        must(parts[i].len <= sizeof name - len);
        memcpy(name + len, parts[i].at, parts[i].len);
        len += parts[i].len;
    }
    return note_key_make((struct str) {name, len}, type, &card->key[key], out);
}

/* --- printing --- */

static void card_print(const struct sync_card *card, struct buf *out)
{
    char issued[TIME_TEXT_SIZE], expires[TIME_TEXT_SIZE], text[UUID_TEXT_SIZE];
    time_text(card->issued_us, issued);
    time_text(card->expires_us, expires);
    note_text_head_put(HEAD, sync_card_suite(card), out);
    buf_printf(out, "\nnode %s\ncountry %.2s\nnumber %llu\nissued %s\nexpires %s\n", card->node,
               card->country, (unsigned long long)card->number, issued, expires);
    if (card->known_as[0] != '\0')
        buf_printf(out, "known-as %s\n", card->known_as);
    if (card->minimum > 0)
        buf_printf(out, "minimum-suite %u\n", (unsigned)card->minimum);
    for (size_t i = 0; i < SYNC_CARD_KEYS; i++) {
        buf_printf(out, "%s ", key_words[i]);
        note_text_key_put(&card->key[i], out);
        buf_putc(out, '\n');
    }
    for (size_t i = 0; i < card->identity_count; i++) {
        uuid_text(&card->identities[i], text);
        buf_printf(out, "identity identity--%.*s\n", UUID_TEXT_SIZE, text);
    }
    for (size_t i = 0; i < card->address_count; i++) {
        const struct sync_card_address *a = &card->addresses[i];
        buf_printf(out, a->ipv6 ? "address [%s]:%u\n" : "address %s:%u\n", a->host, (unsigned)a->port);
    }
}

err_t sync_card_sign_by(const struct sync_card *card, struct sign_hand root, struct buf *out,
                        struct fault *fault)
{
    struct note_key key;
    struct buf text;
    struct signature signature;
    err_t err;
    must(card->identity_count <= LIMIT_CARD_IDENTITIES && card->address_count <= LIMIT_CARD_ADDRESSES);
    if (TRY(err, card_ok(card, fault)))
        return err;
    if (!sign_public_eq(&card->key[SYNC_CARD_ROOT], root.public))
        return fault_set(fault, ERR_USAGE, 0, "the root key is not the one that the card names");
    buf_init(&text, LIMIT_CARD_BYTES);
    card_print(card, &text);
    if (TRY(err, role_key(card, SYNC_CARD_ROOT, NOTE_SIGNATURE, &key)) || TRY(err, buf_err(&text)) ||
        TRY(err, note_begin(buf_str(&text), out)) ||
        TRY(err, root.sign(root.ctx, buf_bytes(&text), &signature)))
        goto out;
    note_line_put(&key, signature_bytes(&signature), out);
    err = buf_err(out);
out:
    buf_deinit(&text);
    return err == ERR_OK ? ERR_OK
                         : fault_set(fault, err, 0, "the card could not be signed: %s", err_text(err));
}

err_t sync_card_sign(const struct sync_card *card, const struct sign_key *root, struct buf *out,
                     struct fault *fault)
{
    return sync_card_sign_by(card, sign_hand_of(root), out, fault);
}

/* --- parsing --- */

struct reader {
    struct str text, rest;
    struct str value; /* of the line taken last */
    size_t offset;    /* of that line */
    struct fault *fault;
};

/* Takes the next line when it begins with `word` and a space; leaves it otherwise. */
static bool take(struct reader *reader, const char *word)
{
    struct str rest = reader->rest, line, head = str_of(word);
    if (!note_text_line(&rest, &line) || !str_starts(line, head))
        return false;
    if (line.len <= head.len || line.at[head.len] != ' ')
        return false;
    reader->offset = (size_t)(line.at - reader->text.at);
    reader->value = (struct str) {line.at + head.len + 1, line.len - head.len - 1};
    reader->rest = rest;
    return true;
}

static err_t wrong(const struct reader *reader, const char *what)
{
    return fault_set(reader->fault, ERR_SYNTAX, reader->offset, "a card's %s line is missing or wrong", what);
}

static bool copy_text(struct str value, char *out, size_t size)
{
    if (value.len >= size || memchr(value.at, '\0', value.len) != NULL)
        return false;
    memcpy(out, value.at, value.len);
    out[value.len] = '\0';
    return true;
}

/* One spelling a time: six decimals. */
static bool time_take(struct reader *reader, const char *word, int64_t *out)
{
    struct stamp stamp;
    unsigned digits;
    if (!take(reader, word) || reader->value.len != TIME_CHARS ||
        stamp_parse(reader->value, &stamp, &digits) != ERR_OK || digits != SIX_DECIMALS || stamp.seconds < 0)
        return false;
    *out = stamp_us(stamp);
    return true;
}

static bool identity_take(struct reader *reader, struct uuid *out)
{
    struct str id = reader->value;
    char text[UUID_TEXT_SIZE];
    if (!str_starts(id, IDENTITY) || id.len != IDENTITY.len + UUID_TEXT_SIZE)
        return false;
    struct str uuid = {id.at + IDENTITY.len, UUID_TEXT_SIZE};
    if (!uuid_parse(uuid, out))
        return false;
    uuid_text(out, text);
    return memcmp(text, uuid.at, UUID_TEXT_SIZE) == 0;
}

static bool address_take(struct reader *reader, struct sync_card_address *out)
{
    struct str host = reader->value, port;
    uint64_t number;
    size_t at = host.len;
    while (at > 0 && host.at[at - 1] != ':')
        at--;
    if (at == 0)
        return false;
    port = (struct str) {host.at + at, host.len - at};
    host.len = at - 1;
    if (port.len == 0 || port.at[0] == '0' || !str_to_u64(port, UINT16_MAX, &number))
        return false;
    out->port = (uint16_t)number;
    out->ipv6 = host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (out->ipv6)
        host = (struct str) {host.at + 1, host.len - 2};
    return copy_text(host, out->host, sizeof out->host);
}

static err_t keys_take(struct reader *reader, unsigned suite, struct sync_card *card)
{
    for (size_t i = 0; i < SYNC_CARD_KEYS; i++)
        if (!take(reader, key_words[i]) || !note_text_key(reader->value, suite, &card->key[i]))
            return wrong(reader, key_words[i]);
    return ERR_OK;
}

/* The line stands only where it says something: card_ok refuses an empty name, and the node's own. */
static bool known_as_take(struct reader *reader, struct sync_card *card)
{
    return !take(reader, "known-as") ||
           (reader->value.len > 0 && copy_text(reader->value, card->known_as, sizeof card->known_as));
}

/* The line stands only where it says something. It may ask for what only later programs know. */
static bool minimum_take(struct reader *reader, struct sync_card *card)
{
    uint64_t minimum = SUITE_2;
    if (!take(reader, "minimum-suite"))
        return true;
    bool good = note_text_u64(reader->value, UINT16_MAX, &minimum) && minimum > SUITE_OLDEST;
    card->minimum = (uint16_t)minimum;
    return good;
}

static err_t lists_take(struct reader *reader, struct sync_card *card)
{
    while (take(reader, "identity")) {
        if (card->identity_count == LIMIT_CARD_IDENTITIES)
            return fault_set(reader->fault, ERR_LIMIT, reader->offset, "a card names too many identities");
        if (!identity_take(reader, &card->identities[card->identity_count++]))
            return wrong(reader, "identity");
    }
    while (take(reader, "address")) {
        if (card->address_count == LIMIT_CARD_ADDRESSES)
            return fault_set(reader->fault, ERR_LIMIT, reader->offset, "a card names too many addresses");
        if (!address_take(reader, &card->addresses[card->address_count++]))
            return wrong(reader, "address");
    }
    if (reader->rest.len > 0)
        return fault_set(reader->fault, ERR_SYNTAX, (size_t)(reader->rest.at - reader->text.at),
                         "an unknown or misplaced line in a card");
    return ERR_OK;
}

static err_t text_take(struct reader *reader, struct sync_card *card)
{
    struct str line = {NULL, 0};
    unsigned suite = note_text_line(&reader->rest, &line) ? note_text_head(line, HEAD) : 0;
    err_t err;
    if (suite == 0)
        return fault_set(reader->fault, str_starts(line, HEAD_ANY) ? ERR_VERSION : ERR_SYNTAX, 0,
                         "not a node card of version 1 and a suite from %d to %d", SUITE_OLDEST,
                         SUITE_NEWEST);
    if (!take(reader, "node") || !copy_text(reader->value, card->node, sizeof card->node))
        return wrong(reader, "node");
    if (!take(reader, "country") || reader->value.len != 2 ||
        !copy_text(reader->value, card->country, sizeof card->country))
        return wrong(reader, "country");
    if (!take(reader, "number") || !note_text_u64(reader->value, INT64_MAX, &card->number))
        return wrong(reader, "number");
    if (!time_take(reader, "issued", &card->issued_us))
        return wrong(reader, "issued");
    if (!time_take(reader, "expires", &card->expires_us))
        return wrong(reader, "expires");
    if (!known_as_take(reader, card))
        return wrong(reader, "known-as");
    if (!minimum_take(reader, card))
        return wrong(reader, "minimum-suite");
    if (TRY(err, keys_take(reader, suite, card)))
        return err;
    return lists_take(reader, card);
}

err_t sync_card_parse(struct str whole, struct sync_card *out, struct fault *fault)
{
    struct note note;
    struct note_key key;
    struct sync_card card = {.number = 0};
    err_t err;
    if (whole.len > LIMIT_CARD_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "a node card is at most %u bytes", LIMIT_CARD_BYTES);
    if (TRY(err, note_parse(whole, &note, fault)))
        return err;
    struct reader reader = {.text = note.text, .rest = note.text, .fault = fault};
    /* The key that signs stands in the text, so the text is read first and believed only afterwards. */
    if (TRY(err, text_take(&reader, &card)) || TRY(err, card_ok(&card, fault)))
        return err;
    if (TRY(err, role_key(&card, SYNC_CARD_ROOT, NOTE_SIGNATURE, &key)) || TRY(err, note_verify(&note, &key)))
        return fault_set(fault, err == ERR_NOTFOUND ? ERR_SIGNATURE : err, note.text.len + 1,
                         "the card is not signed by the root key that it names");
    *out = card;
    return ERR_OK;
}

/* --- use --- */

err_t sync_card_valid(const struct sync_card *card, int64_t now_us, struct fault *fault)
{
    char when[TIME_TEXT_SIZE];
    if (now_us < card->issued_us - CARD_DAY_US) {
        time_text(card->issued_us, when);
        return fault_set(fault, ERR_EXPIRED, 0, "the card of %s is valid from %s only", card->node, when);
    }
    if (now_us >= card->expires_us) {
        time_text(card->expires_us, when);
        return fault_set(fault, ERR_EXPIRED, 0, "the card of %s expired at %s", card->node, when);
    }
    return ERR_OK;
}

bool sync_card_downgrades(const struct sync_card *held, const struct sync_card *card)
{
    return strcmp(held->node, card->node) == 0 && sync_card_suite(card) < sync_card_suite(held);
}

bool sync_card_downgrade_said(int64_t last_us, int64_t now_us)
{
    return last_us != 0 && now_us >= last_us && now_us - last_us < CARD_DAY_US / 24;
}

err_t sync_card_replaces(const struct sync_card *held, const struct sync_card *next, struct fault *fault)
{
    if (strcmp(held->node, next->node) != 0)
        return fault_set(fault, ERR_CONFLICT, 0, "a card of node %s cannot replace one of node %s",
                         next->node, held->node);
    if (sync_card_downgrades(held, next))
        return fault_set(fault, ERR_UNSUPPORTED, 0,
                         "card %llu of %s is of suite %u, and the one that is held of suite %u: a downgrade",
                         (unsigned long long)next->number, next->node, sync_card_suite(next),
                         sync_card_suite(held));
    if (!sign_public_eq(&held->key[SYNC_CARD_ROOT], &next->key[SYNC_CARD_ROOT]))
        return fault_set(fault, ERR_CONFLICT, 0, "the card of %s is signed by another root key", next->node);
    if (next->number <= held->number)
        return fault_set(fault, ERR_EXISTS, 0, "card %llu of %s is not newer than card %llu, which is held",
                         (unsigned long long)next->number, next->node, (unsigned long long)held->number);
    return ERR_OK;
}

err_t sync_card_enough(const struct sync_card *card, unsigned minimum, struct fault *fault)
{
    if (sync_card_suite(card) < minimum)
        return fault_set(fault, ERR_UNSUPPORTED, 0,
                         "the card of %s is of suite %u, and suite %u is the least", card->node,
                         sync_card_suite(card), minimum);
    return ERR_OK;
}

void sync_words(const struct hash *digest, char out[SYNC_CARD_WORDS_SIZE])
{
    static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
    char *to = out;
    for (size_t i = 0; i < 8; i++) {
        unsigned bits = (unsigned)digest->b[2 * i] << 8 | digest->b[2 * i + 1];
        if (i > 0)
            *to++ = ' ';
        *to++ = consonants[bits >> 12];
        *to++ = vowels[bits >> 10 & 3];
        *to++ = consonants[bits >> 6 & 15];
        *to++ = vowels[bits >> 4 & 3];
        *to++ = consonants[bits & 15];
    }
    *to++ = '\0';
    must(to == out + SYNC_CARD_WORDS_SIZE);
}

void sync_card_words(const struct sync_card *card, char out[SYNC_CARD_WORDS_SIZE])
{
    struct bytes parts[] = {
        bytes_of(WORDS_MARK, sizeof WORDS_MARK), /* with its terminating zero */
        sign_public_bytes(&card->key[SYNC_CARD_ROOT]),
        bytes_from_str(str_of(card->node)),
    };
    struct hash digest = hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
    sync_words(&digest, out);
}

void sync_card_receipt_key(const struct sync_card *card, enum sync_card_key key, struct note_key *out)
{
    must(key == SYNC_CARD_COSIGN || key == SYNC_CARD_DISPOSITION || key == SYNC_CARD_RECALL);
    err_t err = role_key(card, key, key == SYNC_CARD_COSIGN ? NOTE_COSIGNATURE : NOTE_SIGNATURE, out);
    must(err == ERR_OK); /* a checked node name makes a usable key name */
}

err_t sync_card_ledger_key(const struct sync_card *card, struct str origin, struct note_key *out)
{
    return note_key_make(origin, NOTE_SIGNATURE, &card->key[SYNC_CARD_LEDGER], out);
}
