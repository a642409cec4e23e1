#include "gate/echo_form.h"

#include "core/stamp.h"

static bool is_opencti(struct str name)
{
    return str_eq(name, STR("extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba")) ||
           str_eq(name, STR("extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"));
}

/* The one member that is left of `extensions` when OpenCTI's are taken away is told from none at all by its
 * text; OpenCTI's alone amount to none. */
static bool only_opencti(struct json_val extensions)
{
    struct str name;
    struct json_val value;
    if (!json_is(extensions, JSON_OBJECT))
        return false;
    struct json_iter iter = json_object_iter(extensions);
    while (json_object_next(&iter, &name, &value))
        if (!is_opencti(name))
            return false;
    return true;
}

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

bool echo_is_volatile(struct str name, struct json_val value)
{
    static const char *const names[] = {"created", "modified", "created_by_ref", "spec_version"};
    return is_one_of(name, names, sizeof names / sizeof *names) || str_starts(name, STR("x_opencti_")) ||
           (str_eq(name, STR("extensions")) && only_opencti(value)) ||
           (str_eq(name, STR("revoked")) && json_is(value, JSON_FALSE));
}

bool echo_is_time(struct str name)
{
    static const char *const names[] = {"valid_from",     "valid_until",   "first_seen", "last_seen",
                                        "first_observed", "last_observed", "published",  "analysis_started",
                                        "analysis_ended", "submitted",     "start_time", "stop_time"};
    return is_one_of(name, names, sizeof names / sizeof *names);
}

/* The same instant in other decimals: what systems write of ours. Without the zeros that end it. */
static enum json_canon_act put_time(struct json_val value, struct buf *out)
{
    struct stamp stamp;
    if (!json_is(value, JSON_STRING) || stamp_parse(json_str(value), &stamp, NULL) != ERR_OK)
        return JSON_CANON_KEEP;
    struct str text = json_str(value);
    text.len--; /* the Z */
    if (memchr(text.at, '.', text.len) != NULL)
        while (text.at[text.len - 1] == '0' || text.at[text.len - 1] == '.') {
            bool point = text.at[--text.len] == '.';
            if (point)
                break;
        }
    buf_putc(out, '"');
    buf_put_str(out, text);
    buf_put_str(out, STR("Z\""));
    return JSON_CANON_TEXT;
}

static enum json_canon_act drop_volatile(void *ctx, unsigned depth, struct str name, struct json_val value,
                                         struct buf *out)
{
    (void)ctx;
    if (depth == 0 && echo_is_volatile(name, value))
        return JSON_CANON_DROP;
    if (depth == 0 && echo_is_time(name))
        return put_time(value, out);
    return depth == 1 && is_opencti(name) ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

bool echo_digest(struct json_val v, bool lasting, struct buf *canon, struct hash *out)
{
    static const struct json_canon_hook hook = {.member = drop_volatile};
    buf_clear(canon);
    if (json_canon(v, lasting ? &hook : NULL, canon, NULL) != ERR_OK || buf_err(canon) != ERR_OK)
        return false;
    *out = hash_sha256(buf_bytes(canon));
    return true;
}
