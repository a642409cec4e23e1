/* Two texts parted by a NUL: a schema and what stands under the extension's id. Compile, then check: nothing
 * is read outside, findings are bounded, and a schema that refuses nothing warns of nothing. */
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "stix/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ID    "extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e"
#define TIMES "\"created\":\"2014-02-20T09:16:08.989Z\",\"modified\":\"2014-02-20T09:16:08.989Z\","

enum { ARENA_BYTES = 16 << 20 };

static const char definition[] =
    "{\"id\":\"" ID "\",\"type\":\"extension-definition\",\"spec_version\":\"2.1\",\"name\":\"Foo\"," TIMES
    "\"created_by_ref\":\"identity--11b76a96-5d2b-45e0-8a5a-f6994f370731\",\"schema\":\"a text\","
    "\"version\":\"1.2.1\",\"extension_types\":[\"property-extension\",\"toplevel-property-extension\"]}";

/* Under the id, and as members of the object: both ways that a value can be checked. */
static void put_object(struct buf *out, struct str content, const char *type)
{
    static const uint8_t padding[JSON_PADDING];
    bool top = strcmp(type, "property-extension") != 0;
    buf_printf(out, "{\"type\":\"malware\",\"spec_version\":\"2.1\",\"is_family\":false,"
                    "\"id\":\"malware--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e\"," TIMES);
    if (top && content.len > 0)
        buf_printf(out, "%.*s,", STR_ARG(content));
    buf_printf(out, "\"extensions\":{\"" ID "\":{\"extension_type\":\"%s\"", type);
    if (!top && content.len > 0)
        buf_printf(out, ",%.*s", STR_ARG(content));
    buf_printf(out, "}}}");
    buf_put(out, padding, sizeof padding);
}

static void check(struct json_parser *parser, const struct stix_extensions *extensions, struct str content,
                  const char *type)
{
    struct buf text;
    struct arena arena;
    struct json_doc doc;
    struct stix_object object, plain;
    struct fault fault = {0};
    buf_init(&text, 2 * LIMIT_OBJECT_BYTES);
    arena_init(&arena, ARENA_BYTES);
    put_object(&text, content, type);
    if (json_parse(parser, bytes_of(text.at, text.len - JSON_PADDING), &doc, NULL) == ERR_OK) {
        err_t err = stix_read(json_root(&doc), extensions, &arena, &object, &fault);
        must(stix_read(json_root(&doc), NULL, &arena, &plain, NULL) == err); /* no breach refuses */
        must(err != ERR_OK || object.warning_count <= LIMIT_STIX_WARNINGS);
        for (size_t i = 0; err == ERR_OK && i < object.warning_count; i++)
            must(strlen(object.warnings[i].what) < FAULT_WHAT_MAX);
    }
    buf_deinit(&text);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct json_parser *parser;
    struct arena arena;
    struct stix_extensions extensions = {0};
    const struct stix_extension *extension;
    struct fault fault = {0};
    if (size > LIMIT_OBJECT_BYTES / 2)
        return 0;
    struct str rest = {(const char *)bytes, size};
    struct str schema = str_cut(&rest, '\0');
    arena_init(&arena, ARENA_BYTES);
    must(json_parser_new(2 * LIMIT_OBJECT_BYTES, &parser) == ERR_OK);
    err_t err = stix_extension_read(parser, bytes_of(definition, sizeof definition - 1), schema, &arena,
                                    &extension, &fault);
    must(err == ERR_OK || fault.what[0] != '\0');
    if (err == ERR_OK) {
        must(stix_extensions_put(&extensions, extension) == ERR_OK);
        check(parser, &extensions, rest, "property-extension");
        check(parser, &extensions, rest, "toplevel-property-extension");
    }
    json_parser_free(parser);
    arena_deinit(&arena);
    return 0;
}
