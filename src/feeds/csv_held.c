#include "feeds/csv_held.h"

#include "core/stamp.h"
#include "feeds/misp_state.h"
#include "stix/stix.h"

enum { ID_BYTES = sizeof "indicator--" - 1 + UUID_TEXT_SIZE };

void csv_held_init(struct csv_held *held)
{
    buf_init(&held->text, LIMIT_OBJECT_BYTES + JSON_PADDING);
    buf_init(&held->made, 2 * LIMIT_OBJECT_BYTES);
}

void csv_held_deinit(struct csv_held *held)
{
    buf_deinit(&held->text);
    buf_deinit(&held->made);
}

/* Versions come in order: the last one of this source stays. */
static bool keep_copy(void *ctx, const struct gate_object *object)
{
    struct csv_held *held = ctx;
    if (object->quarantined || object->envelope.source != held->source)
        return true;
    buf_clear(&held->text);
    buf_put(&held->text, object->bytes.at, object->bytes.len);
    return true;
}

/* The newest version of this source; ERR_NOTFOUND: none. Its text without padding is held->text. */
static err_t find(struct csv_held *held, const struct uuid *id, struct json_val *out)
{
    char text[ID_BYTES] = "indicator--";
    struct stix_key key;
    uuid_text(id, text + sizeof "indicator--" - 1);
    must(stix_id_parse((struct str) {text, sizeof text}, &key));
    buf_clear(&held->text);
    held->looked++;
    err_t err = gate_versions(held->gate, &key, keep_copy, held);
    if (err != ERR_OK || held->text.len == 0)
        return err == ERR_OK ? ERR_NOTFOUND : err;
    if (buf_extend(&held->text, JSON_PADDING) == NULL)
        return buf_err(&held->text);
    held->text.len -= JSON_PADDING;
    err = json_parse(held->parser, buf_bytes(&held->text), &held->doc, NULL);
    if (err == ERR_OK)
        *out = json_root(&held->doc);
    return err;
}

static bool time_of(struct json_val root, const char *name, int64_t *out)
{
    struct str text;
    struct stamp stamp;
    if (!json_get_str(root, str_of(name), &text) || stamp_parse(text, &stamp, NULL) != ERR_OK)
        return false;
    *out = stamp_us(stamp);
    return true;
}

static bool says_the_same(struct csv_held *held, const struct csv_rows *rows, const struct csv_row *row,
                          const struct csv_life *life)
{
    buf_clear(&held->made);
    csv_rows_put(rows, row, life, &held->made);
    return buf_err(&held->made) == ERR_OK && str_eq(buf_str(&held->made), buf_str(&held->text));
}

err_t csv_held_put(struct csv_held *held, const struct csv_rows *rows, const struct csv_row *row,
                   struct buf *out)
{
    struct csv_life life = csv_life_new(row, held->now_us);
    struct csv_life was = {.over_us = CSV_TIME_NONE};
    struct json_val root;
    err_t err = rows->map->observables ? ERR_NOTFOUND : find(held, &row->id, &root);
    if (err == ERR_OK && time_of(root, "created", &was.created_us) &&
        time_of(root, "modified", &was.modified_us)) {
        if (says_the_same(held, rows, row, &was))
            return ERR_OK;
        life = csv_life_changed(row, was.created_us, was.modified_us, held->now_us);
    }
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    csv_rows_put(rows, row, &life, out);
    buf_putc(out, ',');
    return buf_err(out);
}

/* --- the end --- */

static enum json_canon_act drop_times(void *ctx, unsigned depth, struct str name, struct json_val value,
                                      struct buf *out)
{
    (void)ctx;
    (void)value;
    (void)out;
    bool mine = depth == 0 && (str_eq(name, STR("modified")) || str_eq(name, STR("valid_until")));
    return mine ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

static bool has_ended(const struct csv_held *held, struct json_val root)
{
    struct json_val revoked;
    int64_t until_us;
    return (json_get(root, STR("revoked"), &revoked) && json_is(revoked, JSON_TRUE)) ||
           (time_of(root, "valid_until", &until_us) && until_us <= held->now_us);
}

err_t csv_held_end(struct csv_held *held, const struct uuid *id, struct buf *out)
{
    static const struct json_canon_hook hook = {.member = drop_times};
    struct json_val root;
    int64_t modified_us;
    err_t err = find(held, id, &root);
    if (err == ERR_NOTFOUND || (err == ERR_OK && has_ended(held, root)))
        return ERR_OK;
    if (err != ERR_OK || !time_of(root, "modified", &modified_us))
        return err;
    err = json_canon(root, &hook, out, NULL);
    if (err != ERR_OK || buf_err(out) != ERR_OK)
        return err != ERR_OK ? err : buf_err(out);
    struct misp_time over =
        misp_time_of_us(csv_behind(modified_us, modified_us, held->now_us)); /* behind valid_from as well */
    out->len--;                                                              /* the brace */
    buf_printf(out, ",\"modified\":\"%.*s\",\"valid_until\":\"%.*s\"},", MISP_TIME_BYTES, over.text,
               MISP_TIME_BYTES, over.text);
    return buf_err(out);
}
