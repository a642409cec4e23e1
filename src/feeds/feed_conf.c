/* Declarations of feeds: checked, kept in the log as settings, read back. */
#include <stdio.h>

#include "core/mem.h"
#include "feeds/kept.h"
#include "feeds/kind.h"
#include "feeds/push_sent.h"

enum { CONF_BYTES_MAX = 32 << 10 };

static const char list_key[] = "feeds";

/* --- URLs and times --- */

static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.at[i] <= ' ' || (uint8_t)s.at[i] >= 0x7f || s.at[i] == '#' || s.at[i] == '\\')
            return false;
    return true;
}

err_t feed_url_read(struct str url, struct feed_url *out)
{
    struct feed_url read = {.secure = str_starts(url, STR("https://"))};
    size_t scheme = read.secure ? 8 : 7;
    if ((!read.secure && !str_starts(url, STR("http://"))) || !is_clean(url) || url.len > FEED_TEXT_MAX)
        return ERR_SYNTAX;
    size_t host_end = scheme;
    while (host_end < url.len && url.at[host_end] != '/' && url.at[host_end] != '?')
        host_end++;
    struct str host = {url.at + scheme, host_end - scheme};
    if (host.len == 0 || host.len > LIMIT_HOST_BYTES || memchr(host.at, '@', host.len) != NULL)
        return ERR_SYNTAX;
    read.origin = (struct str) {url.at, host_end};
    read.target = (struct str) {url.at + host_end, url.len - host_end};
    if (read.target.len > 0 && read.target.at[0] != '/')
        return ERR_SYNTAX;
    *out = read;
    return ERR_OK;
}

bool feed_every_read(struct str text, uint64_t *out_s)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t factor = 1, count;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.at[text.len - 1] == units[i].unit) {
            factor = units[i].seconds;
            text.len--;
            break;
        }
    }
    if (!str_to_u64(text, LIMIT_FEED_EVERY_MAX_S / factor, &count))
        return false;
    if (count * factor < LIMIT_FEED_EVERY_MIN_S)
        return false;
    *out_s = count * factor;
    return true;
}

/* --- checking --- */

static const struct feed_option *option_of(const struct feed_kind *kind, struct str name)
{
    for (const struct feed_option *row = kind->options; row != NULL && row->name != NULL; row++)
        if (str_eq(name, str_of(row->name)))
            return row;
    return NULL;
}

static bool given(const struct feed_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->option_count; i++)
        if (str_eq(conf->options[i].name, str_of(name)))
            return true;
    return false;
}

static err_t check_options(const struct feed_conf *conf, struct fault *fault)
{
    if (conf->option_count > FEED_OPTIONS_MAX)
        return fault_set(fault, ERR_LIMIT, 0, "too many options");
    for (size_t i = 0; i < conf->option_count; i++) {
        const struct feed_setting *option = &conf->options[i];
        const struct feed_option *row = option_of(conf->kind, option->name);
        if (row == NULL)
            return fault_set(fault, ERR_USAGE, 0, "a feed of kind %s has no option %.*s", conf->kind->name,
                             STR_ARG(option->name));
        if (option->value.len > FEED_TEXT_MAX || !str_is_utf8(option->value) ||
            (row->fits != NULL && !row->fits(option->value)))
            return fault_set(fault, ERR_USAGE, 0, "%s: it is %s", row->name, row->help);
    }
    for (const struct feed_option *row = conf->kind->options; row != NULL && row->name != NULL; row++)
        if (row->required && !given(conf, row->name))
            return fault_set(fault, ERR_USAGE, 0, "a feed of kind %s needs --%s: %s", conf->kind->name,
                             row->name, row->help);
    return ERR_OK;
}

static bool name_fits(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return name.len > 0 && name.len <= LIMIT_NAME_BYTES && name.at[0] != '.';
}

err_t feed_conf_check(const struct feed_conf *conf, struct fault *fault)
{
    struct feed_url url;
    if (!name_fits(conf->name))
        return fault_set(fault, ERR_USAGE, 0, "a name is of a-z 0-9 . _ - and has at most %d bytes",
                         LIMIT_NAME_BYTES);
    if (feed_url_read(conf->url, &url) != ERR_OK)
        return fault_set(fault, ERR_USAGE, 0,
                         "the address is no http or https URL without user, blanks and fragment");
    if (!url.secure && conf->secrets && !conf->private)
        return fault_set(fault, ERR_DENIED, 0,
                         "credentials would go over http in the clear: use https, or --private for a server "
                         "beside this one");
    if (conf->kind->push && conf->source.len > 0)
        return fault_set(fault, ERR_USAGE, 0, "a feed of kind %s brings nothing: no --source",
                         conf->kind->name);
    if (conf->every_s < LIMIT_FEED_EVERY_MIN_S || conf->every_s > LIMIT_FEED_EVERY_MAX_S)
        return fault_set(fault, ERR_USAGE, 0, "a feed runs every %d seconds to every %d days",
                         LIMIT_FEED_EVERY_MIN_S, LIMIT_FEED_EVERY_MAX_S / 86400);
    return check_options(conf, fault);
}

/* --- the list of names --- */

static void list_read(struct gate *gate, struct buf *out)
{
    buf_init(out, LIMIT_FEEDS * (LIMIT_NAME_BYTES + 1));
    (void)gate_setting_get(gate, str_of(list_key), out);
}

void feed_conf_each(struct gate *gate, void (*each)(void *ctx, struct str name), void *ctx)
{
    struct buf names;
    list_read(gate, &names);
    struct str rest = buf_str(&names);
    while (rest.len > 0) {
        struct str name = str_cut(&rest, '\n');
        if (name.len > 0)
            each(ctx, name);
    }
    buf_deinit(&names);
}

/* The names without `name`, and with it at the end when `add`. */
static err_t list_change(struct gate *gate, struct str name, bool add, const struct gate_by *by,
                         int64_t now_us)
{
    struct buf names, changed;
    size_t count = 0;
    list_read(gate, &names);
    buf_init(&changed, LIMIT_FEEDS * (LIMIT_NAME_BYTES + 1));
    struct str rest = buf_str(&names);
    while (rest.len > 0) {
        struct str held = str_cut(&rest, '\n');
        if (held.len == 0 || str_eq(held, name))
            continue;
        count++;
        buf_put_str(&changed, held);
        buf_putc(&changed, '\n');
    }
    if (add) {
        buf_put_str(&changed, name);
        buf_putc(&changed, '\n');
    }
    err_t err = add && count >= LIMIT_FEEDS ? ERR_FULL : buf_err(&changed);
    if (err == ERR_OK)
        err = gate_setting_put(gate, str_of(list_key), buf_bytes(&changed), by, now_us);
    buf_deinit(&names);
    buf_deinit(&changed);
    return err;
}

/* --- in the log --- */

static void put_text(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, value);
}

static void write_conf(struct buf *out, const struct feed_conf *conf)
{
    buf_printf(out, "{\"v\":1");
    put_text(out, "kind", str_of(conf->kind->name));
    put_text(out, "url", conf->url);
    put_text(out, "source", conf->source);
    buf_printf(out, ",\"every_s\":%llu,\"paused\":%s,\"private\":%s,\"secrets\":%s,\"options\":{",
               (unsigned long long)conf->every_s, conf->paused ? "true" : "false",
               conf->private ? "true" : "false", conf->secrets ? "true" : "false");
    for (size_t i = 0; i < conf->option_count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_write_str(out, conf->options[i].name);
        buf_putc(out, ':');
        json_write_str(out, conf->options[i].value);
    }
    buf_printf(out, "}}");
}

err_t feed_conf_put(struct gate *gate, const struct feed_conf *conf, const struct gate_by *by, int64_t now_us,
                    struct fault *fault)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf out, held;
    err_t err = feed_conf_check(conf, fault);
    if (err != ERR_OK)
        return err;
    buf_init(&held, CONF_BYTES_MAX);
    bool known = gate_setting_get(gate, kept_key(conf->name, "", key), &held) && held.len > 0;
    buf_deinit(&held);
    if (!known && TRY(err, list_change(gate, conf->name, true, by, now_us)))
        return fault_set(fault, err, 0, "a node has at most %d feeds", LIMIT_FEEDS);
    buf_init(&out, CONF_BYTES_MAX);
    write_conf(&out, conf);
    err = buf_err(&out);
    if (err == ERR_OK)
        err = gate_setting_put(gate, kept_key(conf->name, "", key), buf_bytes(&out), by, now_us);
    buf_deinit(&out);
    return err == ERR_OK ? ERR_OK : fault_set(fault, err, 0, "it could not be written: %s", err_text(err));
}

err_t feed_conf_remove(struct gate *gate, struct str name, const struct gate_by *by, int64_t now_us)
{
    static const char *const tails[] = {"", "state"};
    char key[RECORD_FACT_KEY_MAX];
    struct buf held;
    buf_init(&held, CONF_BYTES_MAX);
    bool known = name_fits(name) && gate_setting_get(gate, kept_key(name, "", key), &held) && held.len > 0;
    buf_deinit(&held);
    if (!known)
        return ERR_NOTFOUND;
    err_t err = list_change(gate, name, false, by, now_us);
    for (size_t i = 0; err == ERR_OK && i < sizeof tails / sizeof tails[0]; i++)
        err = gate_setting_put(gate, kept_key(name, tails[i], key), bytes_of(NULL, 0), by, now_us);
    if (err == ERR_OK)
        feed_memory_forget(gate, name, by, now_us);
    return err == ERR_OK ? push_rows_forget(gate, name, by, now_us) : err;
}

static bool get_flag(struct json_val root, const char *name)
{
    struct json_val value;
    return json_get(root, str_of(name), &value) && json_is(value, JSON_TRUE);
}

static bool get_text(struct json_val root, const char *name, struct arena *arena, struct str *out)
{
    struct str text;
    if (!json_get_str(root, str_of(name), &text))
        return false;
    *out = arena_str(arena, text);
    return out->at != NULL;
}

static bool read_options(struct json_val root, struct arena *arena, struct feed_conf *out)
{
    struct json_val options, value;
    struct str name;
    if (!json_get(root, STR("options"), &options) || !json_is(options, JSON_OBJECT))
        return false;
    struct json_iter iter = json_object_iter(options);
    while (json_object_next(&iter, &name, &value)) {
        if (out->option_count == FEED_OPTIONS_MAX || !json_is(value, JSON_STRING))
            return false;
        struct feed_setting *option = &out->options[out->option_count++];
        option->name = arena_str(arena, name);
        option->value = arena_str(arena, json_str(value));
        if (option->name.at == NULL || option->value.at == NULL)
            return false;
    }
    return true;
}

static err_t read_conf(struct json_val root, struct arena *arena, struct feed_conf *out)
{
    struct str kind;
    struct json_val every;
    if (!get_text(root, "kind", arena, &kind) || !get_text(root, "url", arena, &out->url) ||
        !get_text(root, "source", arena, &out->source) || !json_get(root, STR("every_s"), &every) ||
        !json_is(every, JSON_INT) || !read_options(root, arena, out))
        return ERR_CORRUPT;
    out->kind = feed_kind_find(kind);
    out->every_s = (uint64_t)json_int(every);
    out->paused = get_flag(root, "paused");
    out->private = get_flag(root, "private");
    out->secrets = get_flag(root, "secrets");
    struct fault fault = {0};
    return out->kind == NULL || feed_conf_check(out, &fault) != ERR_OK ? ERR_CORRUPT : ERR_OK;
}

err_t feed_conf_get(struct gate *gate, struct str name, struct arena *arena, struct feed_conf *out)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf text;
    struct json_parser *parser;
    struct json_doc doc;
    struct feed_conf conf = {0};
    if (!name_fits(name))
        return ERR_NOTFOUND;
    err_t err = json_parser_new(CONF_BYTES_MAX, &parser);
    if (err != ERR_OK)
        return err;
    buf_init(&text, CONF_BYTES_MAX + JSON_PADDING);
    if (!gate_setting_get(gate, kept_key(name, "", key), &text) || text.len == 0) {
        err = ERR_NOTFOUND;
        goto out;
    }
    size_t len = text.len;
    conf.name = arena_str(arena, name);
    if (conf.name.at == NULL || buf_extend(&text, JSON_PADDING) == NULL)
        err = ERR_NOMEM;
    else if (json_parse(parser, bytes_of(text.at, len), &doc, NULL) != ERR_OK)
        err = ERR_CORRUPT;
    else
        err = read_conf(json_root(&doc), arena, &conf);
    if (err == ERR_OK)
        *out = conf;
out:
    json_parser_free(parser);
    buf_deinit(&text);
    return err;
}
