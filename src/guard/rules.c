#include "guard/rules.h"

static const char *const words[GUARD_RULES] = {[GUARD_RULE_NONE] = "none",
#define X(name, word) [GUARD_RULE_##name] = word,
                                               GUARD_RULE_LIST(X)
#undef X
};

const char *guard_rule_word(enum guard_rule rule)
{
    must(rule < GUARD_RULES);
    return words[rule];
}

enum guard_rule guard_rule_find(struct str word)
{
    for (unsigned i = 1; i < GUARD_RULES; i++)
        if (str_eq(word, str_of(words[i])))
            return (enum guard_rule)i;
    return GUARD_RULE_NONE;
}

/* --- fields --- */

static bool is_none(struct str field)
{
    return str_eq(field, STR("-"));
}

static bool read_name(struct str field, char out[LIMIT_NAME_BYTES + 1])
{
    if (field.len == 0 || field.len > LIMIT_NAME_BYTES)
        return false;
    memcpy(out, field.at, field.len);
    out[field.len] = '\0';
    return true;
}

static bool read_partner_index(struct str field, unsigned *out)
{
    uint64_t index;
    if (!str_to_u64(field, LIMIT_PARTNERS - 1, &index))
        return false;
    *out = (unsigned)index;
    return true;
}

static bool read_hash(struct str field, void *out)
{
    return field.len == 2 * HASH_SIZE && str_unhex(field, out, HASH_SIZE);
}

/* "-" is absent. */
static bool read_maybe_hash(struct str field, bool *out_has, void *out)
{
    *out_has = !is_none(field);
    return !*out_has || read_hash(field, out);
}

/* --- lines --- */

static bool read_policy(struct guard_told *rules, struct str line)
{
    return read_hash(line, rules->policy.b);
}

static bool read_partner(struct guard_told *rules, struct str line)
{
    struct rules_partner partner = {.known = true};
    unsigned index;
    uint64_t epoch, until = 0, held;
    if (!read_partner_index(str_cut(&line, ' '), &index) || !read_name(str_cut(&line, ' '), partner.name))
        return false;
    partner.ceiling = mark_word(str_cut(&line, ' '));
    if (partner.ceiling == GUARD_UNMARKED || !str_to_u64(str_cut(&line, ' '), UINT32_MAX, &epoch))
        return false;
    struct str field = str_cut(&line, ' ');
    partner.limited = !is_none(field);
    if ((partner.limited && !str_to_u64(field, INT64_MAX, &until)) ||
        !read_maybe_hash(str_cut(&line, ' '), &partner.has_key, partner.key) ||
        !str_to_u64(str_cut(&line, ' '), 1, &held) || !str_to_u64(line, UINT64_MAX, &partner.resumed))
        return false;
    partner.epoch = (uint32_t)epoch;
    partner.until_s = (int64_t)until;
    partner.held = held == 1;
    rules->partners[index] = partner;
    return true;
}

static bool read_key(struct guard_told *rules, struct str line)
{
    unsigned index;
    if (!read_partner_index(str_cut(&line, ' '), &index))
        return false;
    rules->partners[index].has_also = true;
    return read_hash(line, rules->partners[index].also);
}

static bool read_vouch(struct guard_told *rules, struct str line)
{
    unsigned index;
    if (!read_partner_index(line, &index))
        return false;
    rules->partners[index].vouched = true;
    return true;
}

static bool read_texts(struct guard_told *rules, struct str line)
{
    unsigned index;
    if (!read_partner_index(line, &index))
        return false;
    rules->partners[index].texts = true;
    return true;
}

static bool read_own(struct guard_told *rules, struct str line)
{
    if (rules->own_count == RULES_OWN || line.len != sizeof rules->own[0] ||
        !str_starts(line, STR("identity--")))
        return false;
    memcpy(rules->own[rules->own_count++], line.at, line.len);
    return true;
}

static bool read_waiver(struct guard_told *rules, struct str line)
{
    struct rules_waiver waiver;
    unsigned index;
    if (rules->waiver_count == LIMIT_GUARD_WAIVERS || !read_partner_index(str_cut(&line, ' '), &index))
        return false;
    waiver.partner = (uint8_t)index;
    waiver.rule = guard_rule_find(str_cut(&line, ' '));
    if (waiver.rule == GUARD_RULE_NONE || !read_hash(line, waiver.object.b))
        return false;
    rules->waivers[rules->waiver_count++] = waiver;
    return true;
}

static bool read_reader(struct guard_told *rules, struct str line)
{
    struct rules_reader reader = {.partner = -1};
    unsigned index;
    if (rules->reader_count == RULES_READERS || !read_name(str_cut(&line, ' '), reader.name))
        return false;
    struct str field = str_cut(&line, ' ');
    if (!is_none(field)) {
        if (!read_partner_index(field, &index))
            return false;
        reader.partner = (int)index;
    }
    field = str_cut(&line, ' ');
    reader.has_collection = !is_none(field);
    if (reader.has_collection) {
        if (field.len != sizeof reader.collection)
            return false;
        memcpy(reader.collection, field.at, field.len);
    }
    if (!read_maybe_hash(str_cut(&line, ' '), &reader.has_token, reader.token.b) ||
        !read_maybe_hash(line, &reader.has_key, reader.key))
        return false;
    rules->readers[rules->reader_count++] = reader;
    return true;
}

static bool read_line(struct guard_told *rules, struct str line)
{
    static const struct {
        const char *word;
        bool (*read)(struct guard_told *rules, struct str line);
    } kinds[] = {{"policy", read_policy}, {"partner", read_partner}, {"key", read_key},
                 {"vouch", read_vouch},   {"own", read_own},         {"waive", read_waiver},
                 {"reader", read_reader}, {"texts", read_texts}};
    struct str word = str_cut(&line, ' ');
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(word, str_of(kinds[i].word)))
            return kinds[i].read(rules, line);
    return false;
}

err_t rules_read(struct str text, struct guard_told *out, struct fault *fault)
{
    memset(out, 0, sizeof *out);
    if (!str_eq(str_cut(&text, '\n'), STR("bongsu guard 1")))
        return fault_set(fault, ERR_VERSION, 1, "not rules that this guard reads");
    for (size_t number = 2; text.len > 0; number++)
        if (!read_line(out, str_cut(&text, '\n')))
            return fault_set(fault, ERR_INVALID, number, "line %zu of the guard's rules makes no sense",
                             number);
    return ERR_OK;
}
