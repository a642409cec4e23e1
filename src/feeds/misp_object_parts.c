/* Attributes of a MISP object to members of STIX objects, by the rows of misp_objects.inc. */
#include <stdio.h>

#include "feeds/misp_object.h"

struct misp_field {
    struct str relation; /* empty: a default; NULL: the end of a template */
    enum misp_check check;
    const char *path, *value;
    const char *type, *members; /* of a linked object; NULL: a member */
    const char *pattern, *glue;
};

/* Each row of the table is one of `fields`; a template's own line ends the one before it. */
enum {
#define LINE(line)        LINE_##line
#define LINE_OF(line)     LINE(line)
#define TEMPLATE(id, ...) FIELDS_##id,
#define ROW(...)          LINE_OF(__LINE__),
#include "feeds/misp_objects.inc"
    FIELD_COUNT
};

#define NAME(text)                                                                                           \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }

static const struct misp_field fields[FIELD_COUNT + 1] = {
#define TEMPLATE(...) {.relation = {NULL, 0}},
#define ROW(relation, check, path, value, type, members, pattern, glue)                                      \
    {NAME(relation), MISP_CHECK_##check, path, value, type, members, pattern, glue},
#include "feeds/misp_objects.inc"
};

static const struct misp_template templates[] = {
#define TEMPLATE(id, name, when, kind, type, need, fixed)                                                    \
    {NAME(name), when, MISP_OBJECT_##kind, NAME(type), need, fixed, FIELDS_##id + 1},
#define ROW(...)
#include "feeds/misp_objects.inc"
};

/* What STIX asks for beside the template's own needs: who has the first must have the second. */
static const struct whole {
    struct str has, needs;
} wholes[] =
    {
        {NAME("latitude"), NAME("longitude")},
        {NAME("longitude"), NAME("latitude")},
        {NAME("precision"), NAME("latitude")},
        {NAME("name_enc"), NAME("name")},
        {NAME("extensions.http-request-ext"), NAME("extensions.http-request-ext.request_method")},
        {NAME("extensions.http-request-ext"), NAME("extensions.http-request-ext.request_value")},
        {NAME("extensions.socket-ext"), NAME("extensions.socket-ext.address_family")},
        {NAME("extensions.windows-pebinary-ext"), NAME("extensions.windows-pebinary-ext.pe_type")},
},
  orders[] = {
      /* ...and times that must not run backwards: then the second is left out. */
      {NAME("start"), NAME("end")},
      {NAME("first_seen"), NAME("last_seen")},
      {NAME("validity_not_before"), NAME("validity_not_after")},
};

/* --- templates --- */

static bool holds(const char *when, struct json_val attributes)
{
    struct json_val v;
    struct str value = str_of(when), text, relation = str_cut(&value, '=');
    struct json_iter iter = json_array_iter(attributes);
    if (when == NULL)
        return true;
    while (json_array_next(&iter, &v))
        if (json_get_str(v, STR("object_relation"), &text) && str_eq(text, relation) &&
            json_get_str(v, STR("value"), &text) && str_eq(text, value))
            return true;
    return false;
}

const struct misp_template *misp_template_find(struct str name, struct json_val attributes)
{
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
        if (str_eq(templates[i].name, name) && holds(templates[i].when, attributes))
            return &templates[i];
    return NULL;
}

/* --- gathering --- */

/* `x_misp_` and the relation, as STIX names properties (section 3.1); empty: no such name. */
static struct str custom_name(struct misp_parts *parts, struct str relation)
{
    static const struct str head = {"x_misp_", 7};
    if (relation.len == 0 || relation.len > 250 - head.len)
        return (struct str) {0};
    char *at = arena_alloc(&parts->arena, head.len + relation.len);
    if (at == NULL) {
        parts->over = true;
        return (struct str) {0};
    }
    memcpy(at, head.at, head.len);
    for (size_t i = 0; i < relation.len; i++) {
        char c = str_lower(relation.at[i]);
        at[head.len + i] = (char)((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_');
    }
    return (struct str) {at, head.len + relation.len};
}

void misp_parts_gather(struct misp_parts *parts, struct json_val attributes, unsigned part)
{
    struct json_val v;
    struct str text;
    struct uuid uuid;
    struct json_iter iter = json_array_iter(attributes);
    while (json_array_next(&iter, &v)) {
        struct misp_item item = {.part = part, .to_ids = misp_flag(v, "to_ids")};
        if (misp_flag(v, "deleted"))
            continue;
        if (parts->item_count == LIMIT_MISP_OBJECT) {
            parts->over = true;
            return;
        }
        if (!json_get_str(v, STR("uuid"), &text) || !uuid_parse(text, &uuid))
            continue; /* the event is refused for it */
        uuid_text(&uuid, item.uuid);
        (void)json_get_str(v, STR("object_relation"), &item.relation);
        (void)json_get_str(v, STR("type"), &item.value.type);
        (void)json_get_str(v, STR("value"), &item.value.value);
        (void)json_get_str(v, STR("data"), &item.value.data);
        item.custom = part == 0 ? custom_name(parts, item.relation) : (struct str) {0};
        struct misp_item *kept = &parts->items[parts->item_count++];
        *kept = item;
        kept->value.uuid = (struct str) {kept->uuid, UUID_TEXT_SIZE};
    }
}

/* --- collecting --- */

static bool is_list(struct str path)
{
    return str_ends(path, STR("[]"));
}

/* The path itself, or something below it. */
static bool is_below(struct str path, struct str head)
{
    return str_starts(path, head) &&
           (path.len == head.len || path.at[head.len] == '.' || path.at[head.len] == '[');
}

static bool has_path(const struct misp_parts *parts, unsigned owner, struct str path)
{
    for (size_t i = 0; i < parts->leaf_count; i++)
        if (parts->leaves[i].owner == owner && is_below(parts->leaves[i].path, path))
            return true;
    return false;
}

static bool is_claimed(const struct misp_parts *parts, const struct misp_item *item)
{
    for (size_t i = 0; i < parts->leaf_count; i++)
        if (parts->leaves[i].item == item && parts->leaves[i].owner != MISP_OWNER_NONE)
            return true;
    return false;
}

/* Fills a template into the arena. */
static struct str fill_short(struct misp_parts *parts, const struct misp_item *item, enum misp_check check,
                             const char *from, size_t index)
{
    static const struct misp_value none = {0};
    struct misp_fill fill = {.check = check, .value = item != NULL ? &item->value : &none, .index = index};
    struct buf text;
    buf_init(&text, 256);
    (void)misp_fill(&fill, from, '\0', &text);
    char *at = buf_err(&text) == ERR_OK ? arena_alloc(&parts->arena, text.len + 1) : NULL;
    struct str out = {at, text.len};
    if (at != NULL && text.len > 0)
        memcpy(at, text.at, text.len);
    buf_deinit(&text);
    parts->over |= at == NULL;
    return at != NULL ? out : (struct str) {0};
}

static void add_leaf(struct misp_parts *parts, const struct misp_field *field, const struct misp_item *item,
                     unsigned owner, struct str path, bool says)
{
    size_t index = 0;
    if (parts->leaf_count == LIMIT_MISP_LEAVES) {
        parts->over = true;
        return;
    }
    for (size_t i = 0; i < parts->leaf_count; i++)
        index += parts->leaves[i].owner == owner && path.len > 0 && str_eq(parts->leaves[i].path, path);
    parts->leaves[parts->leaf_count++] = (struct misp_leaf) {field, item, owner, path, says, index};
}

/* Another attribute has the member; in a list, this one stands there already. */
static bool is_taken(const struct misp_parts *parts, const struct misp_field *field,
                     const struct misp_item *item, unsigned owner, struct str path)
{
    for (size_t i = 0; i < parts->leaf_count; i++) {
        const struct misp_leaf *leaf = &parts->leaves[i];
        if (leaf->owner != owner || !str_eq(leaf->path, path))
            continue;
        if (is_list(path) ? leaf->item == item : field->glue == NULL || leaf->field->glue == NULL)
            return true;
    }
    return false;
}

static unsigned linked(const struct misp_parts *parts, unsigned owner, struct str link)
{
    for (unsigned i = 1; i < parts->made_count; i++)
        if (parts->made[i].owner == owner && str_eq(parts->made[i].link, link))
            return i;
    return MISP_OWNER_NONE;
}

/* A second attribute of the object that another one made; each row says something of it once. */
static void join(struct misp_parts *parts, const struct misp_field *field, const struct misp_item *item,
                 unsigned made)
{
    for (size_t i = 0; i < parts->leaf_count; i++)
        if (parts->leaves[i].owner == made && parts->leaves[i].field == field)
            return;
    add_leaf(parts, field, item, made, (struct str) {0}, true);
}

static void link_new(struct misp_parts *parts, const struct misp_field *field, const struct misp_item *item,
                     unsigned owner, struct str link)
{
    unsigned made = (unsigned)parts->made_count++;
    struct str type = fill_short(parts, item, field->check, field->type, 0);
    parts->made[made] = (struct misp_made) {type, item, owner, link};
    if (link.len > 0)
        add_leaf(parts, field, item, owner, link, false);
    size_t index = parts->leaf_count > 0 ? parts->leaves[parts->leaf_count - 1].index : 0;
    add_leaf(parts, field, item, made, (struct str) {0}, true);
    if (link.len > 0)
        parts->leaves[parts->leaf_count - 1].index = index;
}

static void put_link(struct misp_parts *parts, const struct misp_field *field, const struct misp_item *item)
{
    struct str link = str_of(field->path), owner_link;
    unsigned owner = 0;
    bool joins = str_starts(link, STR("+"));
    if (joins)
        link = (struct str) {link.at + 1, link.len - 1};
    if (memchr(link.at, '>', link.len) != NULL) {
        owner_link = str_cut(&link, '>');
        owner = linked(parts, 0, owner_link);
    }
    if (owner == MISP_OWNER_NONE || is_claimed(parts, item))
        return;
    unsigned made = link.len > 0 && !is_list(link) ? linked(parts, owner, link) : MISP_OWNER_NONE;
    if (made == MISP_OWNER_NONE)
        link_new(parts, field, item, owner, link);
    else if (joins)
        join(parts, field, item, made);
}

static void put_item(struct misp_parts *parts, const struct misp_field *field, const struct misp_item *item,
                     size_t index, bool detecting)
{
    if (field->type != NULL) {
        put_link(parts, field, item);
    } else if (field->path == NULL) {
        if (detecting)
            add_leaf(parts, field, item, 0, (struct str) {0}, true);
    } else {
        struct str path = fill_short(parts, item, field->check, field->path, index);
        if (!is_taken(parts, field, item, 0, path))
            add_leaf(parts, field, item, 0, path, true);
    }
}

static bool concerns(const struct misp_field *field, const struct misp_item *item)
{
    if (str_eq(field->relation, STR("#")))
        return str_eq(item->relation, item->value.type) && misp_is_hash(item->value.type);
    return str_eq(field->relation, item->relation);
}

/* `part`: 0 the object itself. */
static void collect_rows(struct misp_parts *parts, const struct misp_template *template, unsigned part,
                         size_t index, bool detecting)
{
    for (const struct misp_field *field = &fields[template->first]; field->relation.at != NULL; field++) {
        if (field->relation.len == 0) {
            struct str path = str_of(field->path);
            if (!detecting && !has_path(parts, 0, path))
                add_leaf(parts, field, NULL, 0, path, false);
            continue;
        }
        for (size_t i = 0; i < parts->item_count; i++) {
            const struct misp_item *item = &parts->items[i];
            if (item->part == part && (item->to_ids || !detecting) && concerns(field, item) &&
                misp_fits(field->check, &item->value))
                put_item(parts, field, item, index, detecting);
        }
    }
}

/* --- what must be there --- */

static bool is_met(struct misp_parts *parts, const char *need, size_t index)
{
    struct str rest = fill_short(parts, NULL, MISP_CHECK_ANY, need, index);
    while (rest.len > 0) {
        struct str group = str_cut(&rest, ',');
        bool met = false;
        while (group.len > 0)
            met |= has_path(parts, 0, str_cut(&group, ' '));
        if (!met)
            return false;
    }
    return true;
}

static void take_back(struct misp_parts *parts, struct str path)
{
    for (size_t i = 0; i < parts->leaf_count; i++)
        if (parts->leaves[i].owner == 0 && parts->leaves[i].path.len > 0 &&
            is_below(parts->leaves[i].path, path))
            parts->leaves[i].owner = MISP_OWNER_NONE;
}

static const struct misp_leaf *leaf_at(const struct misp_parts *parts, struct str path)
{
    for (size_t i = 0; i < parts->leaf_count; i++)
        if (parts->leaves[i].owner == 0 && str_eq(parts->leaves[i].path, path))
            return &parts->leaves[i];
    return NULL;
}

static void keep_whole(struct misp_parts *parts)
{
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++)
        if (!has_path(parts, 0, wholes[i].needs))
            take_back(parts, wholes[i].has);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        const struct misp_leaf *first = leaf_at(parts, orders[i].has),
                               *last = leaf_at(parts, orders[i].needs);
        struct misp_time from, to;
        if (first != NULL && last != NULL && misp_time_parse(first->item->value.value, &from) &&
            misp_time_parse(last->item->value.value, &to) && memcmp(to.text, from.text, MISP_TIME_BYTES) < 0)
            take_back(parts, orders[i].needs);
    }
}

/* The object has a first one of what its parts are: a registry key with a value of its own. */
static bool has_own(const struct misp_parts *parts)
{
    for (const struct misp_field *field = &fields[parts->template->first]; field->relation.at != NULL;
         field++)
        for (size_t i = 0; i < parts->item_count; i++)
            if (parts->items[i].part == 0 && field->path != NULL && strstr(field->path, "[0]") != NULL &&
                concerns(field, &parts->items[i]))
                return true;
    return false;
}

/* The parts behind the object: sections of a file, values of a registry key. */
static void collect_parts(struct misp_parts *parts, bool detecting)
{
    size_t own = parts->part_count > 0 && has_own(parts);
    for (size_t i = 0; i < parts->part_count; i++) {
        const struct misp_part part = {parts->parts[i].template, parts->parts[i].index + own};
        collect_rows(parts, part.template, (unsigned)i + 1, part.index, detecting);
        if (!detecting && part.template->kind == MISP_OBJECT_PART &&
            !is_met(parts, part.template->need, part.index)) {
            struct str path = fill_short(parts, NULL, MISP_CHECK_ANY, part.template->need, part.index);
            while (path.len > 0 && path.at[path.len - 1] != ']')
                path.len--; /* the section as a whole */
            take_back(parts, path);
        }
    }
}

bool misp_parts_collect(struct misp_parts *parts, bool detecting)
{
    parts->leaf_count = 0;
    parts->made_count = 1;
    parts->made[0] = (struct misp_made) {.type = parts->template->type};
    collect_rows(parts, parts->template, 0, 0, detecting);
    collect_parts(parts, detecting);
    if (detecting)
        return true;
    keep_whole(parts);
    return !parts->over && is_met(parts, parts->template->need, 0);
}

/* --- members --- */

struct step {
    struct str name;  /* without its index */
    struct str index; /* "[0]"; empty: none */
};

struct tree {
    struct step open[LIMIT_MISP_STEPS];
    size_t depth;
    struct str list; /* of scalars that is open */
    bool first;
    struct buf *out;
};

static struct step step_of(struct str text)
{
    struct step step = {.name = text};
    const char *at = memchr(text.at, '[', text.len);
    if (at != NULL) {
        step.name.len = (size_t)(at - text.at);
        step.index = (struct str) {at, text.len - step.name.len};
    }
    return step;
}

static size_t steps_of(struct str path, struct step steps[LIMIT_MISP_STEPS])
{
    size_t count = 0;
    while (path.len > 0) {
        must(count < LIMIT_MISP_STEPS);
        steps[count++] = step_of(str_cut(&path, '.'));
    }
    return count;
}

static void close_to(struct tree *tree, size_t depth)
{
    if (tree->list.len > 0)
        buf_putc(tree->out, ']');
    tree->list = (struct str) {0};
    while (tree->depth > depth)
        buf_put_str(tree->out, tree->open[--tree->depth].index.len > 0 ? STR("}]") : STR("}"));
}

static void put_comma(struct tree *tree)
{
    if (!tree->first)
        buf_putc(tree->out, ',');
    tree->first = false;
}

static void put_name(struct tree *tree, struct str name)
{
    put_comma(tree);
    json_write_str(tree->out, name);
    buf_putc(tree->out, ':');
}

/* Opens the objects that the path leads through; its last step is not opened. */
static void walk_to(struct tree *tree, const struct step *steps, size_t count)
{
    size_t same = 0;
    while (same < tree->depth && same + 1 < count && str_eq(tree->open[same].name, steps[same].name) &&
           str_eq(tree->open[same].index, steps[same].index))
        same++;
    bool next = same < tree->depth && same + 1 < count && steps[same].index.len > 0 &&
                str_eq(tree->open[same].name, steps[same].name);
    close_to(tree, next ? same + 1 : same);
    if (next) {
        buf_put_str(tree->out, STR("},{"));
        tree->open[same] = steps[same];
        tree->first = true;
        same++;
    }
    for (; same + 1 < count; same++) {
        put_name(tree, steps[same].name);
        buf_put_str(tree->out, steps[same].index.len > 0 ? STR("[{") : STR("{"));
        tree->open[same] = steps[same];
        tree->depth = same + 1;
        tree->first = true;
    }
}

static void put_value(const struct misp_parts *parts, const struct misp_leaf *leaf, struct buf *out)
{
    static const struct misp_value none = {0};
    char ref[96];
    struct misp_fill fill = {.check = leaf->field->check,
                             .value = leaf->item != NULL ? &leaf->item->value : &none,
                             .quoting = MISP_QUOTE_JSON};
    const char *from = leaf->field->value;
    if (leaf->field->type != NULL) {
        for (size_t i = 1; i < parts->made_count; i++)
            if (parts->made[i].item == leaf->item) {
                int len =
                    snprintf(ref, sizeof ref, "%.*s--%s", STR_ARG(parts->made[i].type), leaf->item->uuid);
                fill.ref = (struct str) {ref, (size_t)len};
            }
        from = from != NULL ? from : "`$r`";
    }
    (void)misp_fill(&fill, from != NULL ? from : "`$v`", '\0', out);
}

static void put_leaf(struct tree *tree, const struct misp_parts *parts, const struct misp_leaf *leaf,
                     const struct misp_leaf *before)
{
    struct step steps[LIMIT_MISP_STEPS];
    bool again = before != NULL && leaf->path.len > 0 && str_eq(before->path, leaf->path);
    if (leaf->path.len == 0) { /* whole members */
        struct misp_fill fill = {leaf->field->check, &leaf->item->value, MISP_QUOTE_JSON, 0, {NULL, 0}};
        close_to(tree, 0);
        put_comma(tree);
        (void)misp_fill(&fill, leaf->field->members, '\0', tree->out);
    } else if (again && is_list(leaf->path)) {
        buf_putc(tree->out, ',');
        put_value(parts, leaf, tree->out);
    } else if (again) { /* one text of several */
        size_t at = tree->out->len - 1;
        tree->out->len = at;
        buf_put_str(tree->out, str_of(leaf->field->glue));
        size_t joint = tree->out->len;
        put_value(parts, leaf, tree->out);
        if (buf_err(tree->out) != ERR_OK)
            return;
        memmove(tree->out->at + joint, tree->out->at + joint + 1, tree->out->len - joint - 1);
        tree->out->len--;
    } else {
        size_t count = steps_of(leaf->path, steps);
        if (tree->list.len > 0)
            close_to(tree, tree->depth);
        walk_to(tree, steps, count);
        put_name(tree, steps[count - 1].name);
        if (is_list(leaf->path)) {
            tree->list = leaf->path;
            buf_putc(tree->out, '[');
        }
        put_value(parts, leaf, tree->out);
    }
}

/* --- what no row takes --- */

static bool is_loose(const struct misp_parts *parts, const struct misp_item *item)
{
    return item->part == 0 && item->custom.len > 0 && !is_claimed(parts, item);
}

size_t misp_parts_misfits(const struct misp_parts *parts)
{
    size_t count = 0;
    for (size_t i = 0; i < parts->item_count; i++) {
        const struct misp_item *item = &parts->items[i];
        const struct misp_field *field = &fields[parts->template->first];
        bool wanted = false, fits = false;
        for (; field->relation.at != NULL; field++)
            if (field->relation.len > 0 && concerns(field, item)) {
                wanted = true;
                fits |= misp_fits(field->check, &item->value);
            }
        count += item->part == 0 && wanted && !fits;
    }
    return count;
}

/* All attributes of this relation, unless an earlier one brought them. */
static void put_custom(const struct misp_parts *parts, size_t at, struct buf *out)
{
    const struct misp_item *items = parts->items, *end = items + parts->item_count;
    bool several = false;
    for (const struct misp_item *item = items; item < items + at; item++)
        if (str_eq(item->custom, items[at].custom) && is_loose(parts, item))
            return;
    for (const struct misp_item *item = items + at + 1; item < end; item++)
        several |= str_eq(item->custom, items[at].custom) && is_loose(parts, item);
    buf_printf(out, "%s\"%.*s\":%s", out->len > 0 ? "," : "", STR_ARG(items[at].custom), several ? "[" : "");
    const char *comma = "";
    for (const struct misp_item *item = items + at; item < end; item++)
        if (str_eq(item->custom, items[at].custom) && is_loose(parts, item)) {
            buf_printf(out, "%s", comma);
            json_write_str(out, item->value.value);
            comma = ",";
        }
    if (several)
        buf_putc(out, ']');
}

void misp_parts_members(const struct misp_parts *parts, unsigned owner, struct buf *out)
{
    struct tree tree = {.first = true, .out = out};
    const struct misp_leaf *before = NULL;
    for (size_t i = 0; i < parts->leaf_count; i++)
        if (parts->leaves[i].owner == owner) {
            put_leaf(&tree, parts, &parts->leaves[i], before);
            before = &parts->leaves[i];
        }
    close_to(&tree, 0);
    for (size_t i = 0; owner == 0 && i < parts->item_count; i++)
        if (is_loose(parts, &parts->items[i]))
            put_custom(parts, i, out);
}

/* --- the pattern --- */

/* `type:path`, steps with other than letters in quotation marks, a list by the place in it. */
static void put_path(const struct misp_parts *parts, const struct misp_leaf *leaf, struct buf *out)
{
    struct str rest = leaf->path;
    const char *dot = ":";
    buf_put_str(out, parts->template->type);
    while (rest.len > 0) {
        struct step step = step_of(str_cut(&rest, '.'));
        bool quoted = memchr(step.name.at, '-', step.name.len) != NULL;
        buf_printf(out, quoted ? "%s'%.*s'" : "%s%.*s", dot, STR_ARG(step.name));
        if (str_eq(step.index, STR("[]")))
            buf_printf(out, "[%zu]", leaf->index);
        else
            buf_put_str(out, step.index);
        dot = ".";
    }
}

/* As STIX types it (section 9.6): what is compared with a constant of another type is never equal. */
static const char *constant_of(const struct misp_field *field)
{
    switch (field->check) {
    case MISP_CHECK_INT:
    case MISP_CHECK_PORT:
        return "$v";
    case MISP_CHECK_LATITUDE:
    case MISP_CHECK_LONGITUDE:
    case MISP_CHECK_NUMBER:
        return "$x";
    case MISP_CHECK_FLAG:
        return "$f";
    case MISP_CHECK_TIME:
        return "t'$t'";
    case MISP_CHECK_LOWER:
        return "'$l'";
    default:
        return "'$v'";
    }
}

void misp_parts_pattern(const struct misp_parts *parts, struct buf *out)
{
    const char *fixed = parts->template->fixed;
    for (size_t i = 0; i < parts->leaf_count; i++) {
        const struct misp_leaf *leaf = &parts->leaves[i];
        const struct misp_field *field = leaf->field;
        if (!leaf->says || (field->pattern != NULL && field->pattern[0] == '\0'))
            continue;
        struct misp_fill fill = {
            field->check, &leaf->item->value, MISP_QUOTE_PATTERN, leaf->index, {NULL, 0}};
        if (out->len == 0 && fixed != NULL)
            buf_put_str(out, str_of(fixed));
        buf_put_str(out, out->len > 0 ? STR(" AND ") : STR(""));
        if (field->pattern != NULL) {
            (void)misp_fill(&fill, field->pattern, '\0', out);
            continue;
        }
        put_path(parts, leaf, out);
        buf_put_str(out, STR(" = "));
        (void)misp_fill(&fill, constant_of(field), '\0', out);
    }
}
