/* Runs a fuzz target once over the empty input and over each file of the folder that argv[1] names, as TAP. A
 * target that crashes ends the program, which the test harness counts as a failure; there is nothing else to
 * compare. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const size_t INPUT_BYTES_MAX = 16u << 20;

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return -1;
    }
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    int result = -1;
    if (file != NULL && bytes != NULL) {
        size_t size = fread(bytes, 1, INPUT_BYTES_MAX, file);
        if (!ferror(file) && feof(file)) {
            /* An exact copy, so that the sanitizer sees a read past the end. */
            uint8_t *exact = malloc(size > 0 ? size : 1);
            if (exact != NULL) {
                memcpy(exact, bytes, size);
                (void)LLVMFuzzerTestOneInput(exact, size);
                free(exact);
                result = 0;
            }
        }
    }
    free(bytes);
    if (file != NULL) {
        (void)fclose(file);
    }
    return result;
}

int main(int argc, char **argv)
{
    uint8_t nothing = 0;
    int count = 1;
    (void)LLVMFuzzerTestOneInput(&nothing, 0);
    printf("ok 1 - the empty input\n");
    (void)fflush(stdout);
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            int result = replay_file(argv[1], entry->d_name);
            printf("%s %d - %s\n", result == 0 ? "ok" : "not ok", ++count, entry->d_name);
            (void)fflush(stdout);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    printf("1..%d\n", count);
    return 0;
}
