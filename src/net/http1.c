#include "net/http1.h"

/* token = 1*tchar, RFC 9110 section 5.6.2 */
static bool is_token_byte(uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_byte((uint8_t)s.at[i]))
            return false;
    return s.len > 0;
}

/* Refusals with a status of their own name its section of RFC 9110. */
#define TARGET_TOO_LONG    "15.5.15"
#define EXPECTATION_FAILED "15.5.18"

static const struct status {
    err_t code;
    const char *section; /* empty: any other */
    int status;
} statuses[] = {
    {ERR_LIMIT, TARGET_TOO_LONG, 414},          {ERR_LIMIT, "", 431}, /* RFC 6585 section 5 */
    {ERR_UNSUPPORTED, EXPECTATION_FAILED, 417}, {ERR_UNSUPPORTED, "", 501}, {ERR_VERSION, "", 505},
};

int http1_refusal_status(const struct fault *fault)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (fault->code == statuses[i].code &&
            (statuses[i].section[0] == '\0' || strcmp(statuses[i].section, fault->section) == 0))
            return statuses[i].status;
    return 400;
}

static err_t set_fault(struct fault *fault, err_t code, const char *section, size_t offset, const char *what)
{
    if (fault != NULL)
        memcpy(fault->section, section, strlen(section) + 1);
    return fault_set(fault, code, offset, "%s", what);
}

static enum http1_step refuse(struct fault *fault, err_t code, size_t offset, const char *what)
{
    (void)set_fault(fault, code, "", offset, what);
    return HTTP1_REFUSED;
}

static enum http1_step refuse_length(struct fault *fault, struct bytes input)
{
    if (memchr(input.at, '\n', LIMIT_HTTP_HEAD_BYTES) != NULL)
        return refuse(fault, ERR_LIMIT, LIMIT_HTTP_HEAD_BYTES, "the head is longer than 16 KiB");
    (void)set_fault(fault, ERR_LIMIT, TARGET_TOO_LONG, LIMIT_HTTP_HEAD_BYTES,
                    "the request line is longer than 16 KiB");
    return HTTP1_REFUSED;
}

enum http1_step http1_head_find(struct bytes input, size_t *scanned, size_t *out_len, struct fault *fault)
{
    for (size_t i = *scanned; i < input.len; i++) {
        uint8_t c = input.at[i];
        if (i >= LIMIT_HTTP_HEAD_BYTES)
            return refuse_length(fault, input);
        bool after_cr = i > 0 && input.at[i - 1] == '\r';
        if (after_cr != (c == '\n'))
            return refuse(fault, ERR_SYNTAX, i, after_cr ? "a CR without LF" : "an LF without CR");
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
            return refuse(fault, ERR_SYNTAX, i, "a control byte in the head");
        if (c != '\n')
            continue;
        if (i == 1)
            return refuse(fault, ERR_SYNTAX, 0, "an empty line before the request");
        if (i >= 3 && input.at[i - 2] == '\n') {
            *out_len = i + 1;
            return HTTP1_DONE;
        }
    }
    *scanned = input.len;
    return HTTP1_NEED;
}

/* --- the head --- */

struct parse {
    struct bytes head;
    struct http1_head *out;
    struct fault *fault;
    unsigned seen; /* bit i: row i of specials */
};

/* The first rows of specials, and that the connection is to close. */
enum { SEEN_LENGTH = 1, SEEN_CODING = 2, SEEN_HOST = 4, SEEN_CLOSE = 1 << 30 };

static err_t fail_by(const struct parse *p, err_t code, const char *section, struct str at, const char *what)
{
    return set_fault(p->fault, code, section, (size_t)((const uint8_t *)at.at - p->head.at), what);
}

static err_t fail(const struct parse *p, err_t code, struct str at, const char *what)
{
    return fail_by(p, code, "", at, what);
}

static bool is_host(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (strchr("/?#@,\\ \t\"<>", value.at[i]) != NULL || (uint8_t)value.at[i] >= 0x80)
            return false;
    return true;
}

/* "http://host/path" (RFC 9112 section 3.2.2): *target is then the path alone. */
static bool cut_origin(struct str *target, struct http1_head *out)
{
    static const struct str schemes[] = {{"https", 5}, {"http", 4}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct str rest = *target, scheme = str_cut(&rest, ':');
        if (!str_same(scheme, schemes[i]) || !str_starts(rest, STR("//")))
            continue;
        size_t len = 0;
        while (len < rest.len - 2 && strchr("/?", rest.at[2 + len]) == NULL)
            len++;
        out->scheme = scheme;
        out->host = (struct str) {rest.at + 2, len};
        *target = (struct str) {rest.at + 2 + len, rest.len - 2 - len};
        return len > 0 && out->host.at[0] != ':' && is_host(out->host); /* RFC 9110 section 4.2.1 */
    }
    return false;
}

static err_t parse_target(struct parse *p, struct str target)
{
    if (target.len > LIMIT_HTTP_TARGET_BYTES)
        return fail_by(p, ERR_LIMIT, TARGET_TOO_LONG, target, "the target is longer than 8192 bytes");
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = (uint8_t)target.at[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"#<>\\^`{|}", c) != NULL)
            return fail(p, ERR_SYNTAX, target, "a byte in the target that a URI cannot hold");
    }
    if (target.len == 0 || (target.at[0] != '/' && !str_eq(target, STR("*")) && !cut_origin(&target, p->out)))
        return fail(p, ERR_SYNTAX, target, "the target is neither a path nor a URL of http or https");
    const char *mark = memchr(target.at, '?', target.len);
    size_t path_len = mark == NULL ? target.len : (size_t)(mark - target.at);
    p->out->path = (struct str) {target.at, path_len};
    if (path_len == 0) /* RFC 9110 section 4.2.3: as "/", here the second of "//" */
        p->out->path = (struct str) {p->out->host.at - 1, 1};
    if (mark != NULL)
        p->out->query = (struct str) {mark + 1, target.len - path_len - 1};
    return ERR_OK;
}

static err_t parse_request_line(struct parse *p, struct str line)
{
    struct str rest = line;
    struct str method = str_cut(&rest, ' ');
    if (!is_token(method) || method.len > LIMIT_HTTP_METHOD_BYTES || rest.at == NULL)
        return fail(p, ERR_SYNTAX, line, "the method is not a token");
    struct str target = str_cut(&rest, ' ');
    if (rest.at == NULL)
        return fail(p, ERR_SYNTAX, line, "the request line has no version");
    if (rest.len != 8 || !str_starts(rest, STR("HTTP/")) || rest.at[6] != '.')
        return fail(p, ERR_SYNTAX, rest, "the version is not HTTP/1.1 or HTTP/1.0");
    if (rest.at[5] != '1' || (rest.at[7] != '0' && rest.at[7] != '1'))
        return fail(p, ERR_VERSION, rest, "the version is not HTTP/1.1 or HTTP/1.0");
    p->out->method = method;
    p->out->minor = (unsigned)(rest.at[7] - '0');
    p->out->keep_open = p->out->minor == 1;
    return parse_target(p, target);
}

static err_t take_length(struct parse *p, struct str value)
{
    if (!str_to_u64(value, UINT64_MAX, &p->out->content_length))
        return fail(p, ERR_SYNTAX, value, "Content-Length is not one number");
    p->out->framing = HTTP1_LENGTH;
    return ERR_OK;
}

static err_t take_coding(struct parse *p, struct str value)
{
    if (!str_same(value, STR("chunked")))
        return fail(p, ERR_UNSUPPORTED, value, "Transfer-Encoding is not \"chunked\"");
    if (p->out->minor == 0)
        return fail(p, ERR_SYNTAX, value, "Transfer-Encoding in HTTP/1.0");
    p->out->framing = HTTP1_CHUNKED;
    return ERR_OK;
}

/* The host of a target counts, whatever the field says (RFC 9112 section 3.2.2). */
static err_t take_host(struct parse *p, struct str value)
{
    if (!is_host(value))
        return fail(p, ERR_SYNTAX, value, "Host is not one host");
    if (p->out->scheme.at == NULL)
        p->out->host = value;
    return ERR_OK;
}

static err_t take_expect(struct parse *p, struct str value)
{
    if (!str_same(value, STR("100-continue")))
        return fail_by(p, ERR_UNSUPPORTED, EXPECTATION_FAILED, value, "Expect is not \"100-continue\"");
    p->out->expect_continue = p->out->minor == 1;
    return ERR_OK;
}

/* May come several times (RFC 9110 section 7.6.1 makes it a list): "close" anywhere wins. */
static err_t take_connection(struct parse *p, struct str value)
{
    struct str rest = value;
    while (rest.at != NULL) {
        struct str option = str_trim(str_cut(&rest, ','));
        if (str_same(option, STR("close"))) {
            p->out->keep_open = false;
            p->seen |= SEEN_CLOSE;
        } else if (str_same(option, STR("keep-alive")) && (p->seen & SEEN_CLOSE) == 0) {
            p->out->keep_open = true;
        }
    }
    return ERR_OK;
}

static err_t take_nothing(struct parse *p, struct str value)
{
    (void)p;
    (void)value;
    return ERR_OK;
}

/* Fields that steer this reader, or that another reader might take from another line than we do. */
static const struct special {
    struct str name;
    bool once;
    err_t (*take)(struct parse *p, struct str value);
} specials[] = {
    {{"content-length", 14}, true, take_length},
    {{"transfer-encoding", 17}, true, take_coding},
    {{"host", 4}, true, take_host},
    {{"expect", 6}, true, take_expect},
    {{"authorization", 13}, true, take_nothing},
    {{"content-type", 12}, true, take_nothing},
    {{"content-encoding", 16}, true, take_nothing},
    {{"connection", 10}, false, take_connection},
};

static err_t take_special(struct parse *p, const struct http1_field *field)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (!str_same(field->name, specials[i].name))
            continue;
        if (specials[i].once && (p->seen & 1u << i) != 0)
            return fail(p, ERR_SYNTAX, field->name, "a field that may stand once is repeated");
        p->seen |= 1u << i;
        return specials[i].take(p, field->value);
    }
    return ERR_OK;
}

static err_t parse_field(struct parse *p, struct str line)
{
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return fail(p, ERR_SYNTAX, line, "a folded field");
    if (p->out->field_count == LIMIT_HTTP_FIELDS)
        return fail(p, ERR_LIMIT, line, "more than 64 fields");
    struct str rest = line;
    struct str name = str_cut(&rest, ':');
    if (rest.at == NULL || !is_token(name))
        return fail(p, ERR_SYNTAX, line, "a field name is not a token followed by a colon");
    struct http1_field *field = &p->out->fields[p->out->field_count++];
    *field = (struct http1_field) {name, str_trim(rest)};
    if (field->value.len == 0)
        field->value = (struct str) {rest.at, 0};
    return take_special(p, field);
}

static err_t check_framing(const struct parse *p, struct str at)
{
    if ((p->seen & SEEN_LENGTH) != 0 && (p->seen & SEEN_CODING) != 0)
        return fail(p, ERR_SYNTAX, at, "Content-Length together with Transfer-Encoding");
    if (p->out->minor == 1 && (p->seen & SEEN_HOST) == 0)
        return fail(p, ERR_SYNTAX, at, "no Host field");
    return ERR_OK;
}

static struct str cut_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.len > 0)
        line.len--; /* the CR, which http1_head_find has seen */
    return line;
}

err_t http1_head_parse(struct bytes head, struct http1_head *out, struct fault *fault)
{
    size_t scanned = 0, len = 0;
    if (http1_head_find(head, &scanned, &len, fault) != HTTP1_DONE || len != head.len)
        return fault_set(fault, ERR_SYNTAX, len, "not one whole head");
    struct http1_head found;
    memset(&found, 0, sizeof found);
    struct parse p = {head, &found, fault, 0};
    struct str rest = str_from_bytes(head);
    struct str first = cut_line(&rest);
    err_t err = parse_request_line(&p, first);
    while (err == ERR_OK) {
        struct str line = cut_line(&rest);
        if (line.len == 0)
            break;
        err = parse_field(&p, line);
    }
    if (err == ERR_OK)
        err = check_framing(&p, first);
    if (err == ERR_OK)
        *out = found;
    return err;
}

struct str http1_field_get(const struct http1_head *head, struct str name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (str_same(head->fields[i].name, name))
            return head->fields[i].value;
    return (struct str) {NULL, 0};
}

struct str http1_field_list(const struct http1_head *head, struct str name, char *out)
{
    struct str found = {NULL, 0};
    size_t len = 0;
    for (size_t i = 0; i < head->field_count; i++) {
        struct str value = head->fields[i].value;
        if (!str_same(head->fields[i].name, name))
            continue;
        if (found.at == NULL) {
            found = value; /* mostly the only one: nothing is copied */
            continue;
        }
        if (len == 0) {
            memcpy(out, found.at, found.len);
            len = found.len;
        }
        /* Name, colon and line end took more in the head than the comma does here. */
        must(len <= LIMIT_HTTP_HEAD_BYTES && value.len + 2 <= LIMIT_HTTP_HEAD_BYTES - len);
        out[len++] = ',';
        out[len++] = ' ';
        memcpy(out + len, value.at, value.len);
        len += value.len;
        found = (struct str) {out, len};
    }
    return found;
}

/* --- bodies --- */

enum { SIZE, SIZE_LF, DATA, DATA_CR, DATA_LF, END_CR, END_LF, LENGTH_DATA, FINISHED };
enum { CHUNK_DIGITS_MAX = 15 };

err_t http1_body_init(struct http1_body *body, const struct http1_head *head, uint64_t max)
{
    if (head->framing == HTTP1_LENGTH && head->content_length > max)
        return ERR_LIMIT;
    *body = (struct http1_body) {.state = FINISHED, .max = max};
    if (head->framing == HTTP1_CHUNKED)
        body->state = SIZE;
    if (head->framing == HTTP1_LENGTH && head->content_length > 0) {
        body->state = LENGTH_DATA;
        body->left = head->content_length;
    }
    return ERR_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of chunk framing, RFC 9112 section 7.1. */
static const char *frame_byte(struct http1_body *body, uint8_t c)
{
    int digit = hex_digit(c);
    switch (body->state) {
    case SIZE:
        if (digit >= 0 && body->digits < CHUNK_DIGITS_MAX) {
            body->left = body->left << 4 | (uint64_t)digit;
            body->digits++;
            return NULL;
        }
        if (c != '\r' || body->digits == 0)
            return "a chunk size is not plain hexadecimal digits and CR LF";
        body->state = SIZE_LF;
        return NULL;
    case SIZE_LF:
        body->state = body->left > 0 ? DATA : END_CR;
        return c == '\n' ? NULL : "a chunk size without LF";
    case DATA_CR:
        body->state = DATA_LF;
        return c == '\r' ? NULL : "a chunk longer than its size";
    case DATA_LF:
        body->state = SIZE;
        body->digits = 0;
        return c == '\n' ? NULL : "a chunk without its LF";
    case END_CR:
        body->state = END_LF;
        return c == '\r' ? NULL : "trailer fields are not accepted";
    default:
        must(body->state == END_LF);
        body->state = FINISHED;
        return c == '\n' ? NULL : "the last chunk without its LF";
    }
}

enum http1_step http1_body_step(struct http1_body *body, struct bytes input, size_t *out_used,
                                struct bytes *out_data, struct fault *fault)
{
    *out_data = (struct bytes) {NULL, 0};
    size_t used = 0;
    while (body->state != FINISHED && body->state != DATA && body->state != LENGTH_DATA && used < input.len) {
        const char *wrong = frame_byte(body, input.at[used]);
        if (wrong != NULL)
            return refuse(fault, ERR_SYNTAX, used, wrong);
        used++;
        if (body->state == DATA && body->left > body->max - body->total)
            return refuse(fault, ERR_LIMIT, used, "the body is longer than this path accepts");
    }
    if ((body->state == DATA || body->state == LENGTH_DATA) && used < input.len) {
        size_t here = input.len - used;
        if (here > body->left)
            here = (size_t)body->left;
        *out_data = (struct bytes) {input.at + used, here};
        used += here;
        body->left -= here;
        body->total += here;
        if (body->left == 0)
            body->state = body->state == DATA ? DATA_CR : FINISHED;
    }
    *out_used = used;
    return body->state == FINISHED ? HTTP1_DONE : HTTP1_NEED;
}
