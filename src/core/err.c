#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    const char *word;
    const char *text;
};

static const struct entry entries[ERR_COUNT] = {
#define X(name, word, text) [ERR_##name] = {word, text},
    ERR_LIST(X)
#undef X
};

const char *err_name(err_t err)
{
    return (unsigned)err < ERR_COUNT ? entries[err].word : "unknown";
}

const char *err_text(err_t err)
{
    return (unsigned)err < ERR_COUNT ? entries[err].text : "an unknown error";
}

err_t fault_set(struct fault *fault, err_t code, size_t offset, const char *fmt, ...)
{
    if (fault == NULL)
        return code;
    fault->code = code;
    fault->offset = offset;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(fault->what, sizeof fault->what, fmt, args);
    va_end(args);
    return code;
}

void err_must_failed(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "bongsu: %s:%d: this must hold: %s\n", file, line, condition);
    abort();
}
