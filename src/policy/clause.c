/* What follows a rule's condition: to whom, for how long, after what wait, with which duties, and what a hold
 * asks of people. One row a clause. */
#include "policy/parse.h"

static err_t twice(struct parse *parse, uint32_t at, const char *what)
{
    return parse_fail(parse, ERR_EXISTS, at, "`%s` stands here twice", what);
}

/* From 1s on. */
err_t clause_read_duration(struct parse *parse, int64_t *out_us)
{
    err_t err;
    struct value value;
    uint32_t at = parse->now.at;
    if (TRY(err, value_read(parse, "a duration", &value)))
        return err;
    if (!value.quoted && lex_duration(value.text, out_us) && *out_us > 0)
        return ERR_OK;
    err = parse_fail(parse, ERR_INVALID, at, "this is no duration of 1s to 36500d");
    parse_suggest(parse, "write a whole number and one of s m h d w: 10m");
    return err;
}

/* --- to, until, after --- */

err_t clause_read_to(struct parse *parse, uint64_t *out)
{
    err_t err;
    struct value_list list;
    if (lex_is_word(parse, STR("all"))) {
        *out = parse->policy->partners;
        return lex_next(parse);
    }
    if (parse->now.kind == TOKEN_WORD && names_find(&parse->set_names, parse->now.text) >= 0) {
        err = value_read_in(parse, &list);
    } else if (lex_is_mark(parse, '[')) {
        err = value_read_list(parse, &list);
    } else {
        struct value value;
        if (TRY(err, value_read(parse, "`all`, a partner, a set or a list", &value)))
            return err;
        err = value_as_list(parse, &value, &list);
    }
    if (err != ERR_OK || TRY(err, statement_partners(parse, &list, out)))
        return err;
    value_drop(parse, &list);
    return ERR_OK;
}

static err_t read_to(struct parse *parse, struct rule *rule, uint32_t at)
{
    (void)at;
    return clause_read_to(parse, &rule->to);
}

/* `by 1` or `by 2`, or nothing. */
static err_t read_by(struct parse *parse, struct rule *rule)
{
    err_t err;
    if (!lex_is_word(parse, STR("by")))
        return ERR_OK;
    if (TRY(err, lex_next(parse)))
        return err;
    if (!lex_is_word(parse, STR("1")) && !lex_is_word(parse, STR("2")))
        return parse_expected(parse, "`2`: how many operators approve");
    rule->approvals = (uint8_t)(parse->now.text.at[0] - '0');
    return lex_next(parse);
}

/* `with basis`, or nothing. */
static err_t read_basis(struct parse *parse, struct rule *rule)
{
    err_t err;
    if (!lex_is_word(parse, STR("with")))
        return ERR_OK;
    if (TRY(err, lex_next(parse)))
        return err;
    if (!lex_is_word(parse, STR("basis")))
        return parse_expected(parse, "`basis`: whoever approves says what it rests on");
    rule->basis = true;
    return lex_next(parse);
}

/* `approved`, and perhaps `by 2`, and perhaps `with basis`. */
static err_t read_approved(struct parse *parse, struct rule *rule)
{
    err_t err;
    if (rule->effect != POLICY_HOLD)
        return parse_fail(parse, ERR_INVALID, parse->now.at, "only a hold ends with an approval");
    if (rule->approvals != 0)
        return twice(parse, parse->now.at, "until approved");
    rule->approvals = 1;
    if (TRY(err, lex_next(parse)) || TRY(err, read_by(parse, rule)))
        return err;
    return read_basis(parse, rule);
}

static err_t read_until(struct parse *parse, struct rule *rule, uint32_t clause)
{
    err_t err;
    int64_t until_us;
    struct value value;
    (void)clause;
    if (lex_is_word(parse, STR("approved")))
        return read_approved(parse, rule);
    uint32_t at = parse->now.at;
    if (TRY(err, value_read(parse, "`approved` or a time", &value)))
        return err;
    if (TRY(err, statement_time(parse, &value, &until_us))) {
        parse_suggest(parse, "write 2026-12-31, 2026-12-31T09:00:00Z, or `approved`");
        return err;
    }
    if (rule->until_us != INT64_MAX)
        return parse_fail(parse, ERR_EXISTS, at, "a second time after `until`");
    rule->until_us = until_us;
    return ERR_OK;
}

static err_t read_after(struct parse *parse, struct rule *rule, uint32_t clause)
{
    uint32_t at = parse->now.at;
    (void)clause;
    if (rule->effect != POLICY_RELEASE) {
        err_t err = parse_fail(parse, ERR_INVALID, at, "only a release waits: `after` cannot stand here");
        parse_suggest(parse, "a hold that ends by itself is: hold NAME if age < 10m");
        return err;
    }
    return rule->after_us != 0 ? twice(parse, at, "after") : clause_read_duration(parse, &rule->after_us);
}

/* --- what a hold asks of people --- */

static err_t hold_only(struct parse *parse, const struct rule *rule, uint32_t at, const char *what)
{
    if (rule->effect == POLICY_HOLD)
        return ERR_OK;
    return parse_fail(parse, ERR_INVALID, at, "only a hold waits for people: `%s` cannot stand here", what);
}

static err_t read_deadline(struct parse *parse, struct rule *rule, uint32_t at)
{
    err_t err;
    if (TRY(err, hold_only(parse, rule, at, "deadline")))
        return err;
    return rule->deadline_us != 0 ? twice(parse, at, "deadline")
                                  : clause_read_duration(parse, &rule->deadline_us);
}

static err_t read_remind(struct parse *parse, struct rule *rule, uint32_t at)
{
    err_t err;
    if (TRY(err, hold_only(parse, rule, at, "remind")))
        return err;
    return rule->remind_us != 0 ? twice(parse, at, "remind") : clause_read_duration(parse, &rule->remind_us);
}

static err_t read_default(struct parse *parse, struct rule *rule, uint32_t at)
{
    static const char *const words[] = {"deny", "release"};
    err_t err;
    if (TRY(err, hold_only(parse, rule, at, "default")))
        return err;
    if (rule->lapse != POLICY_LAPSE_NONE)
        return twice(parse, at, "default");
    if (lex_is_word(parse, STR("deny")))
        rule->lapse = POLICY_LAPSE_DENY;
    else if (lex_is_word(parse, STR("release")))
        rule->lapse = POLICY_LAPSE_RELEASE;
    else
        return parse_expected_word(parse, "`deny` or `release`: what happens at the deadline", words, 2);
    return lex_next(parse);
}

/* --- duties --- */

/* The duties of the rule that is being read. */
static err_t duties_of(struct parse *parse, struct rule *rule, struct duties **out)
{
    struct policy *policy = parse->policy;
    err_t err;
    if (rule->duties == 0) {
        if (TRY(err, TABLE_ROOM(policy->duties, LIMIT_POLICY_RULES)))
            return err;
        policy->duties.at[policy->duties.count++] = (struct duties) {.said = {.what = 0}};
        rule->duties = (uint16_t)policy->duties.count;
    }
    *out = &policy->duties.at[rule->duties - 1];
    return ERR_OK;
}

/* One step of a selector: a property's name, or `[3]`. */
static bool step_ok(struct str step)
{
    bool list = step.len > 2 && step.at[0] == '[' && step.at[step.len - 1] == ']';
    struct str inner = list ? (struct str) {step.at + 1, step.len - 2} : step;
    for (size_t i = 0; i < inner.len; i++) {
        char c = inner.at[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && (list || !((c >= 'a' && c <= 'z') || c == '_' || c == '-')))
            return false;
    }
    return inner.len > 0;
}

/* As granular markings name a property (STIX 2.1 section 7.2.3.1). What identifies the object stays. */
static bool selector_ok(struct str text)
{
    static const char *const never[] = {"id", "type", "spec_version", "created", "modified"};
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '.')
            continue;
        if (!step_ok((struct str) {text.at + from, i - from}))
            return false;
        from = i + 1;
    }
    return text.at[0] != '[' && words_find(never, sizeof never / sizeof *never, text) < 0;
}

static err_t read_redact(struct parse *parse, struct duties *duties)
{
    err_t err;
    struct value value;
    uint32_t at = parse->now.at;
    if (TRY(err, value_read(parse, "a selector in quotes, such as \"description\"", &value)))
        return err;
    if (!selector_ok(value.text)) {
        err = parse_fail(parse, ERR_INVALID, at, "this is no selector of something that can be taken out");
        parse_suggest(parse, "as in granular markings: \"description\", \"external_references.[0].url\"");
        return err;
    }
    struct policy_duties *said = &duties->said;
    if (said->redact_count == LIMIT_POLICY_SELECTORS)
        return parse_fail(parse, ERR_LIMIT, at, "more than %d selectors", LIMIT_POLICY_SELECTORS);
    duties->redact[said->redact_count++] = value.text;
    return ERR_OK;
}

/* A node's name (LEDGER.md section 1): as whoever passes it on knows the others. */
static bool node_name_ok(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr("-_.", c) == NULL)
            return false;
    }
    return name.len > 0 && name.len <= LIMIT_NAME_BYTES && name.at[0] != '.';
}

/* `partners jp au`, in the policy's own memory. */
static err_t read_reshare_to(struct parse *parse, struct str *out)
{
    struct value_list list;
    struct buf line;
    err_t err;
    if (TRY(err, value_read_list(parse, &list)))
        return err;
    buf_init(&line, LIMIT_RESHARE_BYTES);
    buf_put_str(&line, STR("partners"));
    for (uint32_t i = 0; i < list.count && err == ERR_OK; i++) {
        const struct value *value = &parse->values.at[list.first + i];
        if (!node_name_ok(value->text))
            err = parse_fail(parse, ERR_INVALID, value->at, "this is no name of a node: a-z 0-9 . _ -");
        buf_putc(&line, ' ');
        buf_put_str(&line, value->text);
    }
    if (err == ERR_OK && buf_err(&line) != ERR_OK)
        err = parse_fail(parse, ERR_LIMIT, parse->values.at[list.first].at, "more than %d bytes of names",
                         LIMIT_RESHARE_BYTES);
    if (err == ERR_OK) {
        *out = arena_str(&parse->policy->arena, buf_str(&line));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&line);
    value_drop(parse, &list);
    return err;
}

static err_t read_reshare(struct parse *parse, struct duties *duties)
{
    static const char *const words[] = {"never", "own-country", "community", "partners"};
    err_t err;
    int word = parse->now.kind == TOKEN_WORD ? words_find(words, 4, parse->now.text) : -1;
    if (word < 0)
        return parse_expected_word(parse, "`never`, `own-country`, `community` or `partners [...]`", words,
                                   4);
    duties->reshare = str_of(words[word]);
    duties->said.reshare_count = 1;
    if (TRY(err, lex_next(parse)) || word != 3)
        return err;
    return read_reshare_to(parse, &duties->reshare);
}

/* By bit of enum policy_duty. */
static const char *const duty_words[] = {
    "anonymise-creator",         "redact", "drop-references", "expire", "reshare", "mask-personal-data",
    "pseudonymise-personal-data"};
enum { DUTIES = sizeof duty_words / sizeof *duty_words };

const char *policy_duty_name(enum policy_duty duty)
{
    return duty_words[__builtin_ctz(duty)];
}

static err_t read_duty(struct parse *parse, struct duties *duties)
{
    int row = parse->now.kind == TOKEN_WORD ? words_find(duty_words, DUTIES, parse->now.text) : -1;
    err_t err;
    if (row < 0)
        return parse_expected_word(parse, "a duty", duty_words, DUTIES);
    enum policy_duty duty = (enum policy_duty)(1u << row);
    if ((duties->said.what & duty) != 0 && duty != POLICY_DUTY_REDACT)
        return twice(parse, parse->now.at, duty_words[row]);
    duties->said.what |= duty;
    if (TRY(err, lex_next(parse)))
        return err;
    switch (duty) {
    case POLICY_DUTY_REDACT:
        return read_redact(parse, duties);
    case POLICY_DUTY_EXPIRE:
        return clause_read_duration(parse, &duties->said.expire_us);
    case POLICY_DUTY_RESHARE:
        return read_reshare(parse, duties);
    case POLICY_DUTY_MASK:
    case POLICY_DUTY_PSEUDONYMISE:
        parse->policy->needs |= POLICY_NEED_PERSONAL;
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static err_t read_with(struct parse *parse, struct rule *rule, uint32_t at)
{
    struct duties *duties;
    err_t err;
    if (rule->effect != POLICY_RELEASE) {
        err = parse_fail(parse, ERR_INVALID, at, "only a release has duties: `with` cannot stand here");
        parse_suggest(parse, "what stays here needs none");
        return err;
    }
    if (rule->duties != 0)
        return twice(parse, at, "with");
    uint32_t first = parse->now.at;
    if (TRY(err, duties_of(parse, rule, &duties)) || TRY(err, read_duty(parse, duties)))
        return err;
    while (lex_is_mark(parse, ','))
        if (TRY(err, lex_next(parse)) || TRY(err, read_duty(parse, duties)))
            return err;
    duties->said.text = (struct str) {parse->text.at + first, parse->last_end - first};
    return ERR_OK;
}

/* --- all of them --- */

static const struct clause {
    const char *word;
    err_t (*read)(struct parse *parse, struct rule *rule, uint32_t at);
} clauses[] = {{"to", read_to},        {"until", read_until},     {"after", read_after},
               {"with", read_with},    {"default", read_default}, {"deadline", read_deadline},
               {"remind", read_remind}};

/* What one clause says about another can be checked only when all stand there. */
static err_t check_together(struct parse *parse, struct rule *rule, uint32_t at)
{
    if (rule->deadline_us == 0 && (rule->lapse != POLICY_LAPSE_NONE || rule->remind_us != 0)) {
        err_t err = parse_fail(parse, ERR_INVALID, at, "`%s` needs a deadline",
                               rule->remind_us != 0 ? "remind" : "default");
        parse_suggest(parse, "write: deadline 48h remind 24h default deny");
        return err;
    }
    if (rule->deadline_us != 0 && rule->lapse == POLICY_LAPSE_NONE) {
        err_t err = parse_fail(parse, ERR_INVALID, at, "a deadline needs a default: what happens then?");
        parse_suggest(parse, "write `default deny`, or `default release` where that is meant");
        return err;
    }
    if (rule->basis && rule->lapse == POLICY_LAPSE_RELEASE) {
        err_t err = parse_fail(parse, ERR_INVALID, at, "at the deadline it would go without a basis");
        parse_suggest(parse, "write `default deny`, or leave `with basis` away");
        return err;
    }
    if (rule->remind_us >= rule->deadline_us && rule->remind_us != 0)
        return parse_fail(parse, ERR_INVALID, at, "the reminder would come after the deadline");
    if (rule->deadline_us != 0 && rule->approvals == 0)
        rule->approvals = 1; /* who waits for people waits for their word */
    return ERR_OK;
}

err_t clause_read_all(struct parse *parse, struct rule *rule, bool *out_to)
{
    enum { CLAUSES = sizeof clauses / sizeof *clauses };
    err_t err;
    uint32_t last = parse->now.at;
    while (parse->now.kind == TOKEN_WORD) {
        uint32_t at = parse->now.at;
        unsigned row = 0;
        while (row < CLAUSES && !lex_is_word(parse, str_of(clauses[row].word)))
            row++;
        if (row == CLAUSES)
            break;
        bool to = clauses[row].read == read_to;
        if (to && *out_to)
            return twice(parse, at, "to");
        if (TRY(err, lex_next(parse)) || TRY(err, clauses[row].read(parse, rule, at)))
            return err;
        *out_to = *out_to || to;
        last = at;
    }
    return check_together(parse, rule, last);
}
