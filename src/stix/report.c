#include <stdarg.h>
#include <stdio.h>

#include "stix/reader.h"

enum { FIRST_SIZE = 16 };

/* A JSON pointer being written; `whole` turns false when it does not fit. */
struct pointer {
    char *at;
    size_t len, size;
    bool whole;
};

static void put_char(struct pointer *out, char c)
{
    if (out->size - out->len > 1)
        out->at[out->len++] = c;
    else
        out->whole = false;
}

static void put_text(struct pointer *out, const char *text)
{
    for (; *text != '\0'; text++)
        put_char(out, *text);
}

static void put_name(struct pointer *out, struct str name)
{
    put_char(out, '/');
    for (size_t i = 0; i < name.len && out->whole; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            put_text(out, name.at[i] == '~' ? "~0" : "~1");
        else
            put_char(out, name.at[i]);
    }
}

static struct pointer write_pointer(const struct stix_reader *r, char *at, size_t size)
{
    struct pointer out = {at, 0, size, true};
    char index[24];
    for (size_t i = 0; i < r->depth; i++) {
        const struct stix_frame *frame = &r->frames[i];
        if (!frame->array && frame->name.at != NULL) {
            put_name(&out, frame->name);
        } else if (frame->array && frame->index != SIZE_MAX) {
            (void)snprintf(index, sizeof index, "/%zu", frame->index);
            put_text(&out, index);
        }
    }
    put_text(&out, r->tail);
    out.at[out.len] = '\0';
    return out;
}

static void set_fault(const struct stix_reader *r, err_t code, const char *section, const char *what)
{
    struct fault *fault = r->fault;
    (void)fault_set(fault, code, 0, "%s", what);
    (void)snprintf(fault->section, sizeof fault->section, "%s", section);
    struct pointer pointer = write_pointer(r, fault->pointer, sizeof fault->pointer);
    if (!pointer.whole) {
        size_t keep = pointer.len < sizeof fault->pointer - 4 ? pointer.len : sizeof fault->pointer - 4;
        memcpy(fault->pointer + keep, "...", 4);
    }
}

/* Room for one more finding; `*out` is NULL when there are as many as are kept. */
static err_t next_slot(struct stix_reader *r, struct stix_warning **out)
{
    struct stix_object *object = r->object;
    *out = NULL;
    if (object->warning_count >= r->warning_max) {
        object->warnings_dropped++;
        return ERR_OK;
    }
    if (object->warning_count == r->warning_size) {
        size_t size = r->warning_size == 0 ? FIRST_SIZE : 2 * r->warning_size;
        struct stix_warning *at = arena_alloc(r->arena, size * sizeof *at);
        if (at == NULL)
            return ERR_NOMEM;
        if (r->warning_size > 0)
            memcpy(at, r->warnings, r->warning_size * sizeof *at);
        r->warnings = at;
        r->warning_size = size;
        object->warnings = at;
    }
    *out = &r->warnings[object->warning_count++];
    return ERR_OK;
}

/* Pointers beyond LIMIT_STIX_POINTER bytes are left out; the finding stays. */
static err_t keep(struct stix_reader *r, enum stix_level level, const char *section, const char *what)
{
    char text[LIMIT_STIX_POINTER];
    struct stix_warning *slot;
    err_t err = next_slot(r, &slot);
    if (err != ERR_OK || slot == NULL)
        return err;
    struct pointer pointer = write_pointer(r, text, sizeof text);
    struct str kept = arena_str(r->arena, (struct str) {text, pointer.whole ? pointer.len : 0});
    if (kept.at == NULL)
        return ERR_NOMEM;
    *slot = (struct stix_warning) {level, what, section, kept};
    return ERR_OK;
}

static err_t keep_refusal(struct stix_reader *r, const char *section, const char *what)
{
    struct str text = arena_str(r->arena, str_of(what));
    if (text.at == NULL)
        return ERR_NOMEM;
    r->errors++;
    return keep(r, STIX_ERROR, section, text.at);
}

err_t stix_refuse(struct stix_reader *r, err_t code, const char *section, const char *fmt, ...)
{
    if (r->fault == NULL && !r->all)
        return code;
    va_list args;
    va_start(args, fmt);
    char what[FAULT_WHAT_MAX];
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    bool goes_on = r->all && code != ERR_NOMEM;
    if (r->fault != NULL && r->errors == 0)
        set_fault(r, code, section, what);
    return goes_on ? keep_refusal(r, section, what) : code;
}

err_t stix_warn(struct stix_reader *r, enum stix_level level, const char *section, const char *what)
{
    if (level == STIX_REMARK) {
        r->object->remarks++;
        if (!r->all)
            return ERR_OK;
    }
    return keep(r, level, section, what) == ERR_OK ? ERR_OK
                                                   : stix_refuse(r, ERR_NOMEM, "", "no memory for warnings");
}

err_t stix_warn_at(struct stix_reader *r, enum stix_level level, const char *section, const char *what,
                   const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(r->tail, sizeof r->tail, fmt, args);
    va_end(args);
    err_t err = stix_warn(r, level, section, what);
    r->tail[0] = '\0';
    return err;
}

struct str stix_shown(struct str text)
{
    return (struct str) {text.at, text.len > 60 ? 60 : text.len};
}
