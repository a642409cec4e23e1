/* One object: as it is held, in another language, compared with another version, and what surrounds it. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/mem.h"
#include "os/term.h"
#include "stix/lang.h"
#include "stix/shape.h"
#include "json/json.h"

enum { MERGES_MAX = 64 };

/* --- get --- */

struct getting {
    struct cli_call *call;
    bool original;
    struct buf object; /* the last one that came, for translations */
    struct buf text;
    unsigned merged;
};

struct parsed {
    struct json_parser *parser;
    struct json_doc doc;
    uint8_t *padded;
};

static bool parse(struct str text, struct parsed *out)
{
    *out = (struct parsed) {.padded = mem_alloc(text.len + JSON_PADDING)};
    if (out->padded == NULL || json_parser_new(text.len + JSON_PADDING, &out->parser) != ERR_OK)
        return false;
    memcpy(out->padded, text.at, text.len);
    return json_parse(out->parser, bytes_of(out->padded, text.len), &out->doc, NULL) == ERR_OK;
}

static void parsed_free(struct parsed *parsed)
{
    json_parser_free(parsed->parser);
    mem_free(parsed->padded);
}

static void put_object(struct getting *g, struct str object)
{
    buf_clear(&g->text);
    if (!g->original && pretty_json(object, &g->text))
        object = buf_str(&g->text);
    (void)fwrite(object.at, 1, object.len, stdout);
    if (object.len > 0 && object.at[object.len - 1] != '\n' && (!g->original || os_term_is(1)))
        (void)fputc('\n', stdout);
}

/* The translation in place of the original text. */
static void merge(struct getting *g, struct str content, struct str lang)
{
    struct parsed object, other;
    bool good = parse(buf_str(&g->object), &object);
    good = parse(content, &other) && good; /* both are to be freed */
    buf_clear(&g->text);
    if (good && stix_lang_applies(json_root(&other.doc), json_root(&object.doc)) &&
        stix_lang_merge(json_root(&object.doc), json_root(&other.doc), lang, &g->text) == ERR_OK) {
        buf_clear(&g->object);
        buf_put_str(&g->object, buf_str(&g->text));
        g->merged++;
    }
    parsed_free(&object);
    parsed_free(&other);
}

static void get_line(void *ctx, struct str json)
{
    struct getting *g = ctx;
    const char *lang = cli_option(g->call, "lang");
    if (g->call->json && lang == NULL) {
        (void)printf("%.*s\n", STR_ARG(json));
        return;
    }
    struct line *line = line_read(json);
    if (line != NULL && line_has(line, "object")) {
        if (lang == NULL)
            put_object(g, line_str(line, "object"));
        buf_clear(&g->object);
        buf_put_str(&g->object, line_str(line, "object"));
    } else if (line != NULL && line_has(line, "translation") && lang != NULL) {
        merge(g, line_str(line, "translation"), str_of(lang));
    } else {
        print_beside(json);
    }
    line_free(line);
}

int run_get(struct cli_call *call)
{
    struct getting g = {.call = call};
    const char *format = cli_option(call, "format"), *lang = cli_option(call, "lang");
    if (format != NULL && strcmp(format, "original") != 0 && strcmp(format, "json") != 0)
        return cli_usage(call, "--format is original or json");
    g.original = format != NULL && strcmp(format, "original") == 0;
    if (lang != NULL && !stix_check_lang(str_of(lang)))
        return cli_usage(call, "--lang is no language tag (RFC 5646): ko, en-US");
    if (lang != NULL && (g.original || cli_option(call, "all") != NULL))
        return cli_usage(call, "--lang shows one version for reading: neither --all nor the original bytes");
    if (lang != NULL)
        call->extra = ",\"translations\":true";
    buf_init(&g.object, LIMIT_OBJECT_BYTES * 2);
    buf_init(&g.text, LIMIT_OBJECT_BYTES * 16);
    int status = control_each(call, get_line, &g);
    if (status == CLI_OK && lang != NULL) {
        put_object(&g, buf_str(&g.object));
        if (g.merged == 0)
            (void)fprintf(stderr, "no translation of this version into %s is held\n", lang);
        else
            (void)fprintf(stderr, "a view for reading, with %u translation%s: not the object itself\n",
                          g.merged, g.merged == 1 ? "" : "s");
    }
    buf_deinit(&g.object);
    buf_deinit(&g.text);
    return status;
}

/* --- diff --- */

/* A side: a log position, a version, or the name of a source. */
struct side {
    const char *name; /* NULL: by default */
    struct buf object;
    char label[128];
    bool found;
};

struct comparing {
    const struct cli_call *call;
    struct side sides[2];
    uint64_t differences;
};

static bool version_is(const struct line *line, const char *wanted)
{
    struct parsed parsed;
    struct str object = line_str(line, "object"), text;
    struct stamp a, b;
    bool same = parse(object, &parsed) &&
                (json_get_str(json_root(&parsed.doc), STR("modified"), &text) ||
                 json_get_str(json_root(&parsed.doc), STR("created"), &text)) &&
                stamp_parse(text, &a, NULL) == ERR_OK && stamp_parse(str_of(wanted), &b, NULL) == ERR_OK &&
                stamp_cmp(a, b) == 0;
    parsed_free(&parsed);
    return same;
}

static bool side_is(const struct line *line, const char *wanted)
{
    char lsn[24];
    (void)snprintf(lsn, sizeof lsn, "%llu", (unsigned long long)line_u64(line, "lsn"));
    return strcmp(lsn, wanted) == 0 || str_eq(line_str(line, "source"), str_of(wanted)) ||
           version_is(line, wanted);
}

static void set_side(struct side *side, const struct line *line)
{
    struct str source = line_str(line, "source");
    buf_clear(&side->object);
    buf_put_str(&side->object, line_str(line, "object"));
    (void)snprintf(side->label, sizeof side->label, "%llu (%.*s)", (unsigned long long)line_u64(line, "lsn"),
                   STR_ARG(source));
    side->found = true;
}

/* Without names: the last two copies that came. */
static void diff_line(void *ctx, struct str json)
{
    struct comparing *c = ctx;
    struct line *line = line_read(json);
    if (line == NULL || !line_has(line, "object")) {
        print_beside(json);
        line_free(line);
        return;
    }
    if (c->sides[0].name == NULL) {
        struct side before = c->sides[0];
        c->sides[0] = c->sides[1];
        c->sides[1] = before;
        set_side(&c->sides[1], line);
    }
    for (size_t i = 0; i < 2 && c->sides[0].name != NULL; i++)
        if (!c->sides[i].found && side_is(line, c->sides[i].name))
            set_side(&c->sides[i], line);
    line_free(line);
}

static void put_clean(const char *mark, struct str pointer, const struct str *value)
{
    struct buf text;
    if (value == NULL)
        return;
    buf_init(&text, LIMIT_OBJECT_BYTES * 8);
    print_clean(&text, pointer);
    (void)printf("%s %.*s: %.*s\n", mark, STR_ARG(buf_str(&text)), STR_ARG(*value));
    buf_deinit(&text);
}

static void difference(void *ctx, struct str pointer, const struct str *old, const struct str *new)
{
    struct comparing *c = ctx;
    struct buf out;
    c->differences++;
    if (!c->call->json) {
        put_clean("-", pointer, old);
        put_clean("+", pointer, new);
        return;
    }
    buf_init(&out, LIMIT_OBJECT_BYTES * 16);
    buf_put_str(&out, STR("{\"pointer\":"));
    json_write_str(&out, pointer);
    if (old != NULL) {
        buf_put_str(&out, STR(",\"before\":"));
        buf_put_str(&out, *old);
    }
    if (new != NULL) {
        buf_put_str(&out, STR(",\"after\":"));
        buf_put_str(&out, *new);
    }
    (void)printf("%.*s}\n", STR_ARG(buf_str(&out)));
    buf_deinit(&out);
}

static int compare(struct comparing *c)
{
    for (size_t i = 0; i < 2; i++)
        if (!c->sides[i].found && c->sides[i].name != NULL)
            return cli_fail("`bongsu versions ID` lists them", "there is no copy %s", c->sides[i].name);
    if (!c->sides[0].found || !c->sides[1].found)
        return cli_fail("`bongsu versions ID` lists them",
                        "only one copy is held: nothing to compare it with");
    if (!c->call->json)
        (void)printf("--- %s\n+++ %s\n", c->sides[0].label, c->sides[1].label);
    if (!pretty_diff(buf_str(&c->sides[0].object), buf_str(&c->sides[1].object), difference, c))
        return cli_fail(NULL, "the copies cannot be compared: %s", err_text(ERR_NOMEM));
    if (c->differences == 0 && !c->call->json)
        (void)printf("they say the same\n");
    return CLI_OK;
}

int run_diff(struct cli_call *call)
{
    struct comparing c = {.call = call};
    if (call->arg_count != 1 && call->arg_count != 3)
        return cli_usage(call, "give an ID, or an ID and two of its copies");
    for (size_t i = 0; i < 2; i++) {
        c.sides[i].name = call->arg_count == 3 ? call->args[1 + i] : NULL;
        buf_init(&c.sides[i].object, LIMIT_OBJECT_BYTES * 2);
    }
    call->arg_count = 1;
    call->extra = ",\"all\":true";
    bool json = call->json;
    call->json = false; /* the node's own lines are not the answer */
    int status = control_each(call, diff_line, &c);
    call->json = json;
    if (status == CLI_OK)
        status = compare(&c);
    buf_deinit(&c.sides[0].object);
    buf_deinit(&c.sides[1].object);
    return status;
}

/* --- graph --- */

static void print_text(struct str text)
{
    struct buf clean;
    buf_init(&clean, LIMIT_OBJECT_BYTES * 2);
    print_clean(&clean, text);
    (void)fwrite(clean.at, 1, clean.len, stdout);
    buf_deinit(&clean);
}

/* A quoted identifier of Graphviz. */
static void print_quoted(struct str text)
{
    struct buf quoted;
    buf_init(&quoted, LIMIT_OBJECT_BYTES * 2);
    buf_putc(&quoted, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_putc(&quoted, '\\');
        buf_putc(&quoted, text.at[i]);
    }
    buf_putc(&quoted, '"');
    print_text(buf_str(&quoted));
    buf_deinit(&quoted);
}

static void dot_line(void *ctx, struct str json)
{
    struct line *line = line_read(json);
    (void)ctx;
    if (line != NULL && line_has(line, "from")) {
        print_quoted(line_str(line, "from"));
        (void)fputs(" -> ", stdout);
        print_quoted(line_str(line, "to"));
        (void)fputs(" [label=", stdout);
        print_quoted(line_str(line, "property"));
        (void)fputs("];\n", stdout);
    } else if (line != NULL && line_has(line, "id")) {
        struct str name = line_str(line, "name");
        print_quoted(line_str(line, "id"));
        (void)fputs(" [label=", stdout);
        print_quoted(name.len == 0 ? line_str(line, "type") : name);
        (void)fputs("];\n", stdout);
    } else {
        print_beside(json);
    }
    line_free(line);
}

static void text_line(void *ctx, struct str json)
{
    const struct cli_call *call = ctx;
    const char *format = cli_option(call, "format");
    if (call->json || (format != NULL && strcmp(format, "lines") == 0)) {
        (void)printf("%.*s\n", STR_ARG(json));
        return;
    }
    struct line *line = line_read(json);
    if (line != NULL && line_has(line, "from")) {
        (void)fputs("    ", stdout);
        print_text(line_str(line, "from"));
        (void)fputs(" --", stdout);
        print_text(line_str(line, "property"));
        (void)fputs("--> ", stdout);
        print_text(line_str(line, "to"));
        (void)fputc('\n', stdout);
    } else if (line != NULL && line_has(line, "id")) {
        (void)printf("%llu  ", (unsigned long long)line_u64(line, "depth"));
        print_text(line_str(line, "id"));
        (void)fputs("  ", stdout);
        print_text(line_str(line, "name"));
        (void)fputc('\n', stdout);
    } else {
        print_say(json);
    }
    line_free(line);
}

int run_graph(struct cli_call *call)
{
    const char *format = cli_option(call, "format");
    bool dot = format != NULL && strcmp(format, "dot") == 0 && !call->json;
    if (format != NULL && strcmp(format, "bundle") == 0 && !call->json)
        return run_bundle(call);
    if (format != NULL && !dot && strcmp(format, "table") != 0 && strcmp(format, "lines") != 0)
        return cli_usage(call, "--format is table, lines, bundle or dot");
    if (dot)
        (void)puts("digraph bongsu {\nrankdir=LR;\nnode [shape=box];");
    int status = control_each(call, dot ? dot_line : text_line, call);
    if (dot && status == CLI_OK)
        (void)puts("}");
    return status;
}
