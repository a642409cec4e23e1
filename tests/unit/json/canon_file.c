/* canon_file FILE...: one line a file: the canonical text, or "! " and the name of the error. For
 * tests/corpus. */
#include <stdio.h>
#include <stdlib.h>

#include "json/json.h"

enum { TEXT_MAX = 16 << 20 };

static err_t canon_of(struct json_parser *parser, struct bytes text, struct buf *out)
{
    struct json_doc doc;
    err_t err = json_parse(parser, text, &doc, NULL);
    if (err == ERR_OK && json_has_hard_number(json_root(&doc)))
        err = json_check_numbers(text, NULL);
    return err != ERR_OK ? err : json_canon(json_root(&doc), NULL, out, NULL);
}

int main(int argc, char **argv)
{
    struct json_parser *parser;
    struct buf out;
    uint8_t *text = malloc(TEXT_MAX + JSON_PADDING);
    must(text != NULL && json_parser_new(TEXT_MAX, &parser) == ERR_OK);
    buf_init(&out, 2 * TEXT_MAX);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL)
            return 1;
        size_t len = fread(text, 1, TEXT_MAX, file);
        (void)fclose(file);
        buf_clear(&out);
        err_t err = canon_of(parser, (struct bytes) {text, len}, &out);
        if (err == ERR_OK)
            printf("%.*s\n", STR_ARG(buf_str(&out)));
        else
            printf("! %s\n", err_name(err));
    }
    buf_deinit(&out);
    json_parser_free(parser);
    free(text);
    return 0;
}
