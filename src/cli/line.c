#include "cli/cli.h"
#include "core/mem.h"
#include "json/json.h"

struct line {
    struct json_parser *parser;
    struct json_doc doc;
    struct buf padded;
};

struct line *line_read(struct str json)
{
    struct fault fault;
    struct line *line = mem_alloc(sizeof *line);
    if (line == NULL)
        return NULL;
    buf_init(&line->padded, json.len + JSON_PADDING);
    buf_put_str(&line->padded, json);
    if (buf_extend(&line->padded, JSON_PADDING) == NULL ||
        json_parser_new(json.len + JSON_PADDING, &line->parser) != ERR_OK ||
        json_parse(line->parser, bytes_of(line->padded.at, json.len), &line->doc, &fault) != ERR_OK ||
        !json_is(json_root(&line->doc), JSON_OBJECT)) {
        line_free(line);
        return NULL;
    }
    return line;
}

void line_free(struct line *line)
{
    if (line == NULL)
        return;
    json_parser_free(line->parser);
    buf_deinit(&line->padded);
    mem_free(line);
}

struct str line_str(const struct line *line, const char *name)
{
    struct str text = {"", 0};
    (void)json_get_str(json_root(&line->doc), str_of(name), &text);
    return text;
}

uint64_t line_u64(const struct line *line, const char *name)
{
    struct json_val value;
    if (!json_get(json_root(&line->doc), str_of(name), &value))
        return 0;
    return json_is(value, JSON_INT)    ? (uint64_t)json_int(value)
           : json_is(value, JSON_UINT) ? json_uint(value)
                                       : 0;
}

bool line_is(const struct line *line, const char *name)
{
    struct json_val value;
    return json_get(json_root(&line->doc), str_of(name), &value) && json_is(value, JSON_TRUE);
}

bool line_has(const struct line *line, const char *name)
{
    struct json_val value;
    return json_get(json_root(&line->doc), str_of(name), &value);
}

struct str line_error(const struct line *line, const char *name)
{
    struct json_val error;
    struct str text = {"", 0};
    if (json_get(json_root(&line->doc), STR("error"), &error) && json_is(error, JSON_OBJECT))
        (void)json_get_str(error, str_of(name), &text);
    return text;
}
