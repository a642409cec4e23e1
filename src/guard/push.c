#include "guard/state.h"

/* TAXII 2.1 section 3.4: what is given and asked for there has this type and nothing else. */
static const char media[] = "application/taxii+json;version=2.1";

static enum guard_verdict hold(struct guard *guard, enum guard_rule rule)
{
    (void)look_fail(guard, rule, NULL);
    return GUARD_HOLD;
}

/* --- what is named in an address --- */

/* Behind percent signs as well; what does not decode stands as it is. */
static bool decode(struct str text, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte;
        bool coded = text.at[i] == '%' && text.len - i > 2 &&
                     str_unhex((struct str) {text.at + i + 1, 2}, &byte, sizeof byte);
        buf_putc(out, coded ? (char)byte : text.at[i]);
        i += coded ? 2 : 0;
    }
    return buf_err(out) == ERR_OK;
}

static bool stands_in(struct str text, struct str id)
{
    for (size_t i = 0; i + id.len <= text.len; i++)
        if (str_same((struct str) {text.at + i, id.len}, id))
            return true;
    return false;
}

struct naming {
    struct guard *guard;
    const struct guard_call *call;
};

/* What stands in an address that an operator or the server itself gave is not ours to keep; to a partner's
 * server what he has may be named; to anybody else's nothing. */
static bool take_named(void *ctx, enum scan_role role, struct str id)
{
    const struct naming *naming = ctx;
    (void)role;
    if (mark_is_common(id) || stands_in(naming->call->given[0], id) || stands_in(naming->call->given[1], id))
        return true;
    return naming->call->partner < 0 ? look_fail(naming->guard, GUARD_RULE_STRAY, NULL)
                                     : look_mention(naming->guard, id);
}

static bool look_at(struct guard *guard, const struct guard_call *call, struct str text)
{
    struct naming naming = {guard, call};
    struct scan_sink sink = {take_named, NULL, &naming};
    if (!decode(text, &guard->scratch))
        return look_fail(guard, GUARD_RULE_FORM, NULL);
    return scan_text(buf_str(&guard->scratch), &sink);
}

/* --- a server that is read from --- */

/* What a server calls a place in its list, or what it gave, is its own word, whatever it makes it of: a
 * page's `next` (TAXII 2.1 section 3.4) and validators (RFC 9110 section 8.8). */
static bool look_at_parts(struct guard *guard, const struct guard_call *call)
{
    struct str query = call->target;
    bool good = look_at(guard, call, str_cut(&query, '?'));
    while (good && query.len > 0) {
        struct str part = str_cut(&query, '&');
        good = str_starts(part, STR("next=")) || look_at(guard, call, part);
    }
    return good;
}

static bool is_validator(struct str name)
{
    return str_same(name, STR("if-none-match")) || str_same(name, STR("if-modified-since"));
}

static enum guard_verdict check_read(struct guard *guard, const struct guard_call *call)
{
    if (call->method != GUARD_READS || call->body.len > 0)
        return hold(guard, GUARD_RULE_FORM);
    if (!look_at_parts(guard, call))
        return GUARD_HOLD;
    for (size_t i = 0; i < call->field_count; i++)
        if (!look_at(guard, call, call->fields[i].name) ||
            (!is_validator(call->fields[i].name) && !look_at(guard, call, call->fields[i].value)))
            return GUARD_HOLD;
    return GUARD_PASS;
}

/* --- a server that is given a view --- */

static bool fields_fit(const struct guard_call *call)
{
    for (size_t i = 0; i < call->field_count; i++)
        if ((!str_same(call->fields[i].name, STR("accept")) &&
             !str_same(call->fields[i].name, STR("content-type"))) ||
            !str_eq(call->fields[i].value, STR(media)))
            return false;
    return true;
}

static enum guard_verdict check_push(struct guard *guard, const struct guard_call *call,
                                     struct guard_finding *out)
{
    bool gives = call->method == GUARD_GIVES;
    if (!guard_may_receive(guard, call->partner, call->now_s, out))
        return GUARD_HOLD;
    if (call->method == GUARD_OTHER || gives != (call->body.len > 0) || !fields_fit(call))
        return hold(guard, GUARD_RULE_FORM);
    guard->look.around = hash_sha256(bytes_from_str(call->target));
    guard->look.self = call->self;
    if ((gives && !look_pushed(guard, call->body)) || !look_at(guard, call, call->target))
        return GUARD_HOLD;
    return look_end(guard);
}

/* --- a witness --- */

static enum guard_verdict check_witness(struct guard *guard, const struct guard_call *call)
{
    bool good = call->method == GUARD_GIVES && call->field_count == 0 &&
                str_eq(call->target, call->given[0]) && witness_request_ok(str_from_bytes(call->body));
    return good ? GUARD_PASS : hold(guard, GUARD_RULE_FORM);
}

enum guard_verdict guard_check_call(struct guard *guard, struct guard_case *c, const struct guard_call *call,
                                    struct guard_finding *out)
{
    bool pushes = call->partner >= 0 && !call->witness;
    *out = (struct guard_finding) {.partner = pushes ? call->partner : -1};
    guard->counts.answers += c->asked_count == 0;
    guard->ask_count = 0;
    look_begin(guard, pushes ? LOOK_PUSH : LOOK_PLAIN, pushes ? (unsigned)call->partner : LIMIT_PARTNERS, c,
               out);
    enum guard_verdict verdict = pushes          ? check_push(guard, call, out)
                                 : call->witness ? check_witness(guard, call)
                                                 : check_read(guard, call);
    return guard_conclude(guard, verdict, call->body.len > 0 ? call->body : bytes_from_str(call->target),
                          out);
}
