#include "app/find_times.h"

enum side { FROM_THEN, BEFORE_THEN, HOLDS_THEN };

static const struct {
    const char *option, *property;
    enum side side;
} rows[FIND_TIMES] = {{"created-since", "created", FROM_THEN},
                      {"created-until", "created", BEFORE_THEN},
                      {"modified-since", "modified", FROM_THEN},
                      {"modified-until", "modified", BEFORE_THEN},
                      {"valid-at", "valid_from", HOLDS_THEN}};

err_t find_times_read(struct command_call *call, struct find_times *out)
{
    *out = (struct find_times) {0};
    for (size_t i = 0; i < FIND_TIMES; i++) {
        int64_t time_us;
        err_t err = command_time(call, rows[i].option, INT64_MIN, &time_us);
        if (err != ERR_OK)
            return err;
        out->given[i] = time_us != INT64_MIN;
        out->at[i] = stamp_from_us(time_us);
    }
    return ERR_OK;
}

static bool stated(const struct stix_object *object, const char *property, struct stamp *out)
{
    struct str text;
    return json_get_str(object->root, str_of(property), &text) && stamp_parse(text, out, NULL) == ERR_OK;
}

bool find_times_pass(const struct find_times *times, const struct stix_object *object)
{
    struct stamp stamp, end;
    for (size_t i = 0; i < FIND_TIMES; i++) {
        if (!times->given[i])
            continue;
        if (!stated(object, rows[i].property, &stamp))
            return false;
        int order = stamp_cmp(stamp, times->at[i]);
        if (rows[i].side == FROM_THEN ? order < 0 : rows[i].side == BEFORE_THEN ? order >= 0 : order > 0)
            return false;
        if (rows[i].side == HOLDS_THEN && stated(object, "valid_until", &end) &&
            stamp_cmp(end, times->at[i]) <= 0)
            return false;
    }
    return true;
}
