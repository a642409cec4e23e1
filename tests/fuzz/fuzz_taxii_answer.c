/* What a TAXII server answers to a feed: a token and a count never come from outside the text, and the same
 * text reads the same twice. */
#include <stdlib.h>
#include <string.h>

#include "feeds/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct envelope first, second; /* large: not for the stack */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    if (parser == NULL && json_parser_new(1 << 20, &parser) != ERR_OK)
        abort();
    if (size > (1 << 20) - JSON_PADDING)
        return 0;
    uint8_t *text = calloc(1, size + JSON_PADDING);
    if (text == NULL)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    err_t err = envelope_read(parser, bytes_of(text, size), &first);
    if (envelope_read(parser, bytes_of(text, size), &second) != err)
        abort();
    if (err == ERR_OK) {
        if (first.count > size || first.next_len > sizeof first.next || first.count != second.count ||
            first.more != second.more || !hash_eq(&first.digest, &second.digest))
            abort();
    }
    free(text);
    return 0;
}
