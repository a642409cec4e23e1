/* Two lines of elements that anybody wrote, and where they say that an object is. The first byte says at
 * which time. What is read is in its ranges; a state that counts is made of numbers, and the same when asked
 * again. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "space/sgp4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void follow(const struct space_elements *elements, double minutes)
{
    struct sgp4 model;
    struct sgp4_state once, again;
    struct fault fault = {.code = ERR_OK};
    if (sgp4_init(elements, &model, &fault) != ERR_OK) {
        must(fault.what[0] != '\0');
        return;
    }
    enum sgp4_end end = sgp4_at(&model, minutes, &once);
    must(sgp4_at(&model, minutes, &again) == end);
    if (end != SGP4_OK)
        return;
    for (unsigned k = 0; k < 3; k++)
        must(isfinite(once.r[k]) && isfinite(once.v[k]) && once.r[k] == again.r[k] &&
             once.v[k] == again.v[k]);
}

enum { LINE = 69, TEXT_MAX = 256 };

static void sum(char *line, size_t len)
{
    unsigned total = 0;
    for (size_t i = 0; i + 1 < LINE && len >= LINE; i++)
        total += line[i] >= '0' && line[i] <= '9' ? (unsigned)(line[i] - '0') : line[i] == '-';
    if (len >= LINE)
        line[LINE - 1] = (char)('0' + total % 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char copy[TEXT_MAX];
    struct space_elements elements;
    struct fault fault = {.code = ERR_OK};
    if (size == 0 || size > TEXT_MAX)
        return 0;
    memcpy(copy, data + 1, size - 1);
    struct str text = {copy, size - 1};
    const char *end = memchr(text.at, '\n', text.len);
    size_t len = end == NULL ? text.len : (size_t)(end - text.at);
    struct str first = {text.at, len}, second = {text.at + len, text.len - len};
    if (second.len > 0)
        second = (struct str) {second.at + 1, second.len - 1};
    if ((data[0] & 1) != 0) {
        sum(copy, first.len);
        sum(copy + (second.at - copy), second.len);
    }
    if (space_tle_read(first, second, &elements, &fault) != ERR_OK) {
        must(fault.what[0] != '\0');
        return 0;
    }
    must(elements.number <= 339999 && elements.eccentricity >= 0 && elements.eccentricity < 1);
    must(strlen(elements.designator) < SPACE_DESIGNATOR_SIZE && elements.motion > 0);
    follow(&elements, ((int)data[0] - 128) * 700.0);
    return 0;
}
