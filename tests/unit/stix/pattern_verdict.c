/* pattern_verdict [2.0]: patterns on standard input, each ended by a NUL byte; a line a pattern on standard
 * output: "ok", "must SECTION OFFSET what" (read, but breaks a rule), or "refused SECTION OFFSET what". No
 * test by itself: tests/corpus/test_patterns.py compares its lines with another implementation's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stix/pattern.h"

enum { INPUT_MAX = 64 << 20 };

static void judge(struct str text, enum stix_pattern_version version)
{
    struct fault fault = {0};
    struct stix_pattern_remarks remarks;
    if (stix_pattern_check(text, version, &remarks, &fault) != ERR_OK) {
        printf("refused %s %zu %s\n", fault.section, fault.offset, fault.what);
        return;
    }
    for (size_t i = 0; i < remarks.count; i++) {
        if (remarks.at[i].must) {
            printf("must %s %zu %s\n", remarks.at[i].section, remarks.at[i].offset, remarks.at[i].what);
            return;
        }
    }
    puts("ok");
}

int main(int count, char **arguments)
{
    enum stix_pattern_version version =
        count > 1 && strcmp(arguments[1], "2.0") == 0 ? STIX_PATTERN_2_0 : STIX_PATTERN_2_1;
    char *text = malloc(INPUT_MAX);
    if (text == NULL)
        return 1;
    size_t size = fread(text, 1, INPUT_MAX, stdin);
    struct str rest = {text, size};
    while (rest.len > 0)
        judge(str_cut(&rest, '\0'), version);
    free(text);
    return 0;
}
