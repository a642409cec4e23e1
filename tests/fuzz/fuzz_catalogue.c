/* A catalogue that anybody wrote: what is read is in its ranges, a refusal says why and the next line is
 * read all the same. */
#include <math.h>
#include <string.h>

#include "space/elements.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct space_elements *e)
{
    must(e->number <= 999999999 && e->eccentricity >= 0 && e->eccentricity < 1 && e->motion > 0);
    must(e->inclination >= 0 && e->inclination <= 180 && e->node >= 0 && e->node <= 360);
    must(isfinite(e->motion) && isfinite(e->bstar) && isfinite(e->motion_dot) && isfinite(e->motion_ddot));
    must(memchr(e->name, '\0', sizeof e->name) != NULL);
    must(memchr(e->designator, '\0', sizeof e->designator) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct space_csv csv;
    struct space_elements elements;
    struct fault fault = {.code = ERR_OK};
    if (space_csv_open(&csv, text, &fault) != ERR_OK) {
        must(fault.what[0] != '\0' && fault.offset <= size);
        return 0;
    }
    for (;;) {
        size_t before = csv.at;
        fault = (struct fault) {.code = ERR_OK};
        err_t err = space_csv_next(&csv, &elements, &fault);
        if (err == ERR_NOTFOUND)
            break;
        must(csv.at > before && csv.at <= size);
        if (err == ERR_OK)
            look_at(&elements);
        else
            must(fault.what[0] != '\0' && fault.offset <= size);
    }
    must(csv.at == size);
    return 0;
}
