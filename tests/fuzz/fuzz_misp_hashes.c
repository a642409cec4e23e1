/* hashes.csv of a MISP feed: whatever comes in, the events stand in order, each once, with a digest; the
 * lines in another order are the same list. */
#include <stdlib.h>

#include "core/mem.h"
#include "feeds/misp_hashes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines from the last to the first. */
static uint8_t *turned(const uint8_t *data, size_t size)
{
    uint8_t *out = malloc(size + 2);
    size_t to = 0;
    must(out != NULL);
    for (size_t end = size; end > 0;) {
        size_t from = end;
        while (from > 0 && data[from - 1] != '\n')
            from--;
        memcpy(out + to, data + from, end - from);
        to += end - from;
        if (from > 0)
            out[to++] = '\n';
        end = from > 0 ? from - 1 : 0;
        if (end == 0 && from == 1)
            break;
    }
    out[to] = '\0';
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct misp_listed *list, *other;
    size_t count, other_count;
    struct fault fault = {0};
    if (misp_hashes_read(bytes_of(data, size), &list, &count, &fault) != ERR_OK) {
        must(fault.offset <= size);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        must(list[i].digest != 0 && (i == 0 || memcmp(list[i - 1].uuid.b, list[i].uuid.b, UUID_SIZE) < 0));
    uint8_t *back = turned(data, size);
    size_t len = strlen((const char *)back);
    must(misp_hashes_read(bytes_of(back, len), &other, &other_count, &fault) == ERR_OK);
    must(other_count == count);
    for (size_t i = 0; i < count; i++)
        must(other[i].digest == list[i].digest);
    mem_free(list);
    mem_free(other);
    free(back);
    return 0;
}
