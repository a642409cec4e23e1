/* Talking to the node. When it does not run, its store is opened by a process of this program that lives as
 * long as somebody asks it (`--role store`), whoever began it, and answers in the same way. */
#include <stdio.h>

#include "app/file.h"
#include "app/node.h"
#include "cli/cli.h"
#include "os/local.h"
#include "os/os_net.h"
#include "os/proc.h"
#include "json/json.h"

enum {
    READ_BYTES = 64 << 10,
    LINE_BYTES_MAX = 40 << 20,
    START_TRIES = 600,
    TRY_MS = 10,
    AGAIN_TRIES = 500,
    STORE_END_MS = 5000
};

/* Waits for a store of our own to answer. */
static err_t start_store(const struct cli_call *call, const struct conf *conf, int *out_fd,
                         struct os_proc *out_proc)
{
    const char *args[] = {"bongsu", "--role", "store", call->dir, NULL};
    struct os_proc proc;
    struct os_proc_end end;
    err_t err = os_proc_spawn_apart(args, &proc);
    for (int i = 0; err == ERR_OK && i < START_TRIES; i++) {
        if (os_local_connect(conf->control, out_fd) == ERR_OK) {
            *out_proc = proc;
            return ERR_OK;
        }
        (void)os_local_readable(proc.fd, TRY_MS);
        if (os_proc_reap(&proc, &end) == ERR_OK)
            /* 0: it served another command, and ended before this one reached it. */
            return !end.by_signal && (end.code == NODE_BUSY || end.code == 0) ? ERR_BUSY : ERR_CLOSED;
    }
    if (err != ERR_OK)
        return err;
    os_proc_leave(&proc);
    return ERR_TIMEOUT;
}

/* Operators reach the socket and need not read the configuration: then it is where it usually is. */
static bool find_socket(const struct cli_call *call, struct conf *out, bool *out_own)
{
    char path[FILE_PATH_SIZE];
    struct conf read;
    struct fault fault;
    *out_own = call->dir == NULL || conf_load(call->os, call->dir, &read, &fault) != ERR_DENIED;
    if (*out_own)
        return cli_conf(call, out);
    if (file_path(call->dir, CONF_CONTROL, path) != ERR_OK)
        return cli_refuse(call->json, CLI_FAILED, NULL, "%s is too long a path", call->dir) == CLI_OK;
    *out = (struct conf) {0};
    (void)snprintf(out->control, sizeof out->control, "%s", path);
    return true;
}

bool control_connect(const struct cli_call *call, struct control_link *out)
{
    struct conf conf;
    int fd;
    struct os_proc store = {-1, -1};
    bool own;
    if (!find_socket(call, &conf, &own))
        return false;
    err_t err = os_local_connect(conf.control, &fd);
    if (err == ERR_NOTFOUND && !own) {
        (void)cli_refuse(call->json, CLI_FAILED, "whoever looks after it starts it (bongsu serve)",
                         "the node in %s does not run, and its files are another account's", call->dir);
        return false;
    }
    /* The store of another command may be opening or closing still: a second one does not get it. */
    for (int i = 0; i < AGAIN_TRIES && (err == ERR_NOTFOUND || err == ERR_BUSY); i++) {
        err = start_store(call, &conf, &fd, &store);
        if (err == ERR_BUSY && os_local_connect(conf.control, &fd) == ERR_OK)
            err = ERR_OK;
    }
    if (err != ERR_OK) {
        (void)cli_refuse(call->json, CLI_FAILED,
                         err == ERR_DENIED
                             ? "you are none of its operators (operators in bongsu.yaml), or not in its group"
                             : "is it yours? see what the node said",
                         "the node in %s does not answer: %s", call->dir, err_text(err));
        return false;
    }
    *out = (struct control_link) {.fd = fd, .store = store};
    buf_init(&out->in, LINE_BYTES_MAX);
    return true;
}

void control_hang_up(struct control_link *link)
{
    os_net_close(link->fd);
    /* A store that nobody else asks ends now: then the directory is free for whatever comes next. One that
     * others ask goes on without us. */
    if (link->store.fd >= 0)
        (void)os_local_readable(link->store.fd, STORE_END_MS);
    os_proc_leave(&link->store);
    buf_deinit(&link->in);
}

err_t control_send(struct control_link *link, struct bytes bytes)
{
    return os_local_write(link->fd, bytes);
}

err_t control_line(struct control_link *link, struct str *out)
{
    buf_drop(&link->in, link->taken);
    link->taken = 0;
    size_t seen = 0;
    for (;;) {
        const uint8_t *end =
            link->in.len > seen ? memchr(link->in.at + seen, '\n', link->in.len - seen) : NULL;
        if (end != NULL) {
            link->taken = (size_t)(end - link->in.at) + 1;
            *out = (struct str) {(const char *)link->in.at, link->taken - 1};
            return ERR_OK;
        }
        seen = link->in.len;
        size_t got = 0;
        uint8_t *to = buf_extend(&link->in, READ_BYTES);
        if (to == NULL)
            return buf_err(&link->in);
        err_t err = os_local_read(link->fd, to, READ_BYTES, &got);
        link->in.len -= READ_BYTES - got;
        if (err != ERR_OK)
            return err;
    }
}

bool control_pending(struct control_link *link)
{
    return link->in.len > link->taken || os_local_readable(link->fd, 0);
}

bool control_is_done(struct str line)
{
    return str_starts(line, STR("{\"done\":true"));
}

/* A line as JSON; the caller frees the parser. */
static struct json_parser *parse(struct str line, struct buf *padded, struct json_doc *doc)
{
    struct json_parser *parser;
    struct fault fault;
    buf_init(padded, LINE_BYTES_MAX + 2 * JSON_PADDING);
    buf_put_str(padded, line);
    if (buf_extend(padded, JSON_PADDING) == NULL || json_parser_new(LINE_BYTES_MAX, &parser) != ERR_OK)
        return NULL;
    if (json_parse(parser, bytes_of(padded->at, line.len), doc, &fault) == ERR_OK)
        return parser;
    json_parser_free(parser);
    return NULL;
}

int control_result(struct str line)
{
    struct buf padded;
    struct json_doc doc;
    struct json_val error;
    struct str code = STR("?"), what = STR("the node refused"), next = {NULL, 0};
    int status = CLI_FAILED;
    struct json_parser *parser = parse(line, &padded, &doc);
    if (parser == NULL) {
        status = cli_fail(NULL, "the node's answer cannot be read");
    } else if (!json_get(json_root(&doc), STR("error"), &error) || json_is(error, JSON_NULL)) {
        status = CLI_OK;
    } else {
        (void)json_get_str(error, STR("code"), &code);
        (void)json_get_str(error, STR("what"), &what);
        (void)json_get_str(error, STR("next"), &next);
        (void)cli_fail(NULL, "%.*s%s%.*s%s", STR_ARG(what), next.len > 0 ? " (" : "", STR_ARG(next),
                       next.len > 0 ? ")" : "");
        status = str_eq(code, STR("usage")) ? CLI_USAGE : CLI_FAILED;
    }
    json_parser_free(parser);
    buf_deinit(&padded);
    return status;
}

static void put_member(struct buf *out, const char *key, struct str value)
{
    if (out->at[out->len - 1] != '{')
        buf_putc(out, ',');
    json_write_str(out, str_of(key));
    buf_putc(out, ':');
    json_write_str(out, value);
}

static bool refuse_empty(const struct cli_call *call, const struct cli_option *option)
{
    bool named = option >= call->command->options && option < call->command->options + CLI_OPTIONS_MAX;
    return cli_usage(call, "%s%s is empty%s", named ? "--" : "", option->name,
                     named ? ": give it a value, or leave it out" : "") == CLI_OK;
}

static bool put_value(const struct cli_call *call, struct buf *out, const struct cli_option *option,
                      const char *value)
{
    struct buf content;
    if (option->key == NULL || value == NULL)
        return true;
    if (option->kind == CLI_FLAG) {
        if (out->at[out->len - 1] != '{')
            buf_putc(out, ',');
        json_write_str(out, str_of(option->key));
        buf_printf(out, ":true");
        return true;
    }
    if (option->kind == CLI_TEXT) {
        if (value[0] == '\0') /* an unset variable of a shell, most of the time */
            return refuse_empty(call, option);
        if (!str_is_utf8(str_of(value)))
            return cli_usage(call, "%s is not UTF-8", option->name) == CLI_OK;
        put_member(out, option->key, str_of(value));
        return true;
    }
    buf_init(&content, LIMIT_POLICY_BYTES);
    bool good = cli_read(call, value, &content);
    if (good && !str_is_utf8(buf_str(&content)))
        good = cli_refuse(call->json, CLI_FAILED, NULL, "%s is not UTF-8 text", value) == CLI_OK;
    if (good)
        put_member(out, option->key, buf_str(&content));
    buf_deinit(&content);
    return good;
}

/* All positions in one member, one a line. */
static bool put_rest(const struct cli_call *call, struct buf *out)
{
    struct buf lines;
    buf_init(&lines, LIMIT_CONTROL_LINE_BYTES);
    for (size_t i = 0; i < call->arg_count; i++) {
        if (call->args[i][0] == '\0') {
            buf_deinit(&lines);
            return cli_usage(call, "%s is empty", call->command->rest) == CLI_OK;
        }
        buf_put_str(&lines, str_of(call->args[i]));
        buf_putc(&lines, '\n');
    }
    bool good = str_is_utf8(buf_str(&lines)) || cli_usage(call, "a value is not UTF-8") == CLI_OK;
    if (good)
        put_member(out, call->command->rest, buf_str(&lines));
    buf_deinit(&lines);
    return good;
}

/* False: said why, *status is what it means. */
static bool write_request(const struct cli_call *call, struct buf *out, int *status)
{
    const struct cli_command *command = call->command;
    *status = CLI_USAGE;
    buf_printf(out, "{\"command\":\"%s\",\"args\":{", command->control);
    for (size_t i = 0; i < call->arg_count && i < 4; i++)
        if (!put_value(call, out, &command->args[i], call->args[i]))
            return false;
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name != NULL; i++)
        if (!put_value(call, out, &command->options[i], call->values[i]))
            return false;
    if (command->rest != NULL && call->arg_count > 0 && !put_rest(call, out))
        return false;
    if (call->extra != NULL)
        buf_put_str(out, str_of(out->at[out->len - 1] == '{' ? call->extra + 1 : call->extra));
    buf_printf(out, "}}\n");
    *status = CLI_FAILED;
    if (buf_err(out) != ERR_OK)
        return cli_refuse(call->json, CLI_FAILED, NULL, "%s", err_text(buf_err(out))) == CLI_OK;
    return true;
}

int control_each(struct cli_call *call, void (*each)(void *ctx, struct str line), void *ctx)
{
    struct buf request;
    struct control_link link;
    struct str line;
    int status = CLI_FAILED;
    buf_init(&request, LIMIT_CONTROL_LINE_BYTES);
    if (!write_request(call, &request, &status) || !control_connect(call, &link))
        goto out;
    err_t err = control_send(&link, buf_bytes(&request));
    while (err == ERR_OK && !TRY(err, control_line(&link, &line))) {
        if (control_is_done(line)) {
            if (call->json)
                (void)printf("%.*s\n", STR_ARG(line));
            status = control_result(line);
            break;
        }
        each(ctx, line);
    }
    if (err != ERR_OK)
        status = cli_refuse(call->json, CLI_FAILED, "is it still running?", "the node broke off: %s",
                            err_text(err));
    control_hang_up(&link);
out:
    buf_deinit(&request);
    return status;
}

struct printing {
    const struct cli_call *call;
    struct table *table;
    bool any; /* line came */
};

/* Sentences stand where they came: a table that was begun ends before them. */
static void print_line(void *ctx, struct str line)
{
    struct printing *printing = ctx;
    printing->any = true;
    if (printing->call->json) {
        (void)printf("%.*s\n", STR_ARG(line));
    } else if (!table_take(printing->table, line)) {
        table_print(printing->table);
        print_say(line);
    }
}

int control_run(struct cli_call *call)
{
    struct printing printing = {call, table_new(call->command->columns), false};
    int status = control_each(call, print_line, &printing);
    table_print(printing.table);
    if (status == CLI_OK && !printing.any && !call->json && call->command->none != NULL)
        (void)printf("%s\n", call->command->none);
    table_free(printing.table);
    return status;
}
