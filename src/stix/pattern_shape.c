#include "stix/pattern_in.h"
#include "stix/shape.h"

/* Nothing here refuses: feeds have custom types and properties, and the standard lets them. */

void pattern_walk_type(struct pattern *p, struct pattern_walk *walk, struct str type, size_t offset)
{
    const struct stix_type *row = stix_type_find(type);
    if (p->remarks == NULL)
        return;
    if (row->category == STIX_SCO)
        walk->shape = stix_shape_of_type(row->code);
    else if (!str_starts(type, STR("x-")))
        pattern_remark(p, false, offset, "9.7", "no type of a cyber-observable object");
}

/* What the value of `prop` is, once a list's index is behind it. */
static const struct stix_shape *shape_in(const struct stix_prop *prop)
{
    return prop != NULL && prop->kind == STIX_KIND_SHAPE ? stix_shape((enum stix_shape_code)prop->bound)
                                                         : NULL;
}

static const struct stix_prop *find(const struct stix_shape *shape, struct str key)
{
    const struct stix_prop *prop = stix_prop_find(shape, key);
    return prop != NULL ? prop : stix_prop_common(key);
}

void pattern_walk_key(struct pattern *p, struct pattern_walk *walk, struct str key, size_t offset)
{
    const struct stix_prop *last = walk->prop;
    if (walk->list && !walk->silent) {
        pattern_remark(p, false, offset, "9.7.2", "the property before is a list and needs [*] or an index");
        walk->silent = true;
    }
    if (last != NULL && last->kind == STIX_KIND_EXTENSIONS)
        walk->shape = stix_shape_of_extension(key);
    else if (last != NULL)
        walk->shape = shape_in(last);
    walk->list = false;
    walk->prop = NULL;
    if (walk->shape == NULL || (last != NULL && last->kind == STIX_KIND_EXTENSIONS))
        return;
    const struct stix_prop *prop = find(walk->shape, key);
    if (prop == NULL && !walk->silent) {
        pattern_remark(p, false, offset, "9.7", "the standard defines no such property here");
        walk->silent = true;
    }
    walk->prop = prop;
    walk->shape = NULL;
    walk->list = prop != NULL && (prop->flags & STIX_PROP_LIST) != 0;
}

void pattern_walk_index(struct pattern *p, struct pattern_walk *walk, size_t offset)
{
    if (walk->prop != NULL && !walk->list && !walk->silent) {
        pattern_remark(p, false, offset, "9.7.2", "an index behind a property that is no list");
        walk->silent = true;
    }
    walk->list = false;
}

void pattern_walk_end(struct pattern *p, struct pattern_walk *walk, uint8_t op, size_t offset)
{
    if (walk->list && !walk->silent && op != STIX_PATTERN_EXISTS)
        pattern_remark(p, false, offset, "9.7.2", "the property is a list and needs [*] or an index");
}
