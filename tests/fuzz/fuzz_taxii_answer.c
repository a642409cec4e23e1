/* What a TAXII server answers to a feed: a token and a count never come from outside the text, and the same
 * text reads the same twice. */
#include <stdlib.h>
#include <string.h>

#include "feeds/envelope.h"
#include "feeds/push_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct envelope first, second; /* large: not for the stack */

static void two_texts(void *ctx, struct str id, struct str words)
{
    size_t *sum = ctx;
    char cut[PUSH_WORDS_MAX];
    push_words(words, cut);
    if (strlen(cut) >= sizeof cut || !str_is_utf8(str_of(cut)))
        abort();
    *sum += id.len + words.len;
}

/* What is said to somebody who posts. */
static void read_push(struct json_parser *parser, struct bytes text)
{
    struct push_status status;
    char words[PUSH_WORDS_MAX];
    size_t sum = 0;
    if (push_status_read(parser, text, &status, two_texts, &sum) == ERR_OK &&
        (strlen(status.id) >= sizeof status.id || strchr(status.id, '/') != NULL || status.id[0] == '.'))
        abort();
    if (push_manifest_read(parser, text, two_texts, &sum) == ERR_OK && sum > 4 * text.len)
        abort();
    (void)push_root_read(parser, text);
    push_error_read(parser, text, words);
    if (strlen(words) >= sizeof words || !str_is_utf8(str_of(words)))
        abort();
}

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
    read_push(parser, bytes_of(text, size));
    free(text);
    return 0;
}
