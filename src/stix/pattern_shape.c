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

/* What a reference may name: does any type of it have the property? Types that the standard does not define
 * may. */
static bool find_behind(const struct stix_prop *reference, struct str key)
{
    if ((reference->targets & 1) != 0)
        return true;
    for (unsigned code = 1; code < STIX_TYPE_COUNT; code++) {
        const struct stix_shape *shape =
            (reference->targets >> code & 1) != 0 ? stix_shape_of_type((enum stix_code)code) : NULL;
        if (shape != NULL && find(shape, key) != NULL)
            return true;
    }
    return false;
}

/* Sections 9.7.3 and 9.7.4: behind a property that holds no others, or refers to what has no such. */
static const char *wrong_behind(const struct stix_prop *last, struct str key)
{
    if (last->kind == STIX_KIND_ANY || last->kind >= STIX_KIND_SHAPE)
        return NULL;
    if (last->kind != STIX_KIND_REF)
        return "the property before holds no others";
    return find_behind(last, key) ? NULL : "nothing that the property before refers to has such a property";
}

void pattern_walk_key(struct pattern *p, struct pattern_walk *walk, struct str key, size_t offset)
{
    const struct stix_prop *last = walk->prop;
    if (walk->list && !walk->silent) {
        pattern_remark(p, false, offset, "9.7.2", "the property before is a list and needs [*] or an index");
        walk->silent = true;
    }
    const char *wrong = last != NULL && !walk->silent ? wrong_behind(last, key) : NULL;
    if (wrong != NULL) {
        pattern_remark(p, false, offset, last->kind == STIX_KIND_REF ? "9.7.4" : "9.7.3", wrong);
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

/* Section 9.2: the types of constants that a property of this kind is compared with; 0: any. */
static unsigned comparable(uint8_t kind)
{
    enum { STRING = 1u << STIX_PATTERN_STRING, OCTETS = 1u << STIX_PATTERN_HEX | 1u << STIX_PATTERN_BINARY };
    switch (kind) {
    case STIX_KIND_BOOL:
        return 1u << STIX_PATTERN_BOOL;
    case STIX_KIND_INT:
    case STIX_KIND_FLOAT:
        return 1u << STIX_PATTERN_INT | 1u << STIX_PATTERN_FLOAT;
    case STIX_KIND_TIME:
        return 1u << STIX_PATTERN_TIME;
    default:
        return kind == STIX_KIND_ANY || kind >= STIX_KIND_SHAPE ? 0 : STRING | OCTETS;
    }
}

/* An address or network of the property's family; of either where the family is not known. */
static bool is_address(const struct stix_prop *prop, struct str text)
{
    bool v4 = stix_format(STIX_KIND_IPV4)->ok(text), v6 = stix_format(STIX_KIND_IPV6)->ok(text);
    return prop == NULL ? v4 || v6 : prop->kind == STIX_KIND_IPV4 ? v4 : v6;
}

void pattern_walk_constant(struct pattern *p, const struct pattern_walk *walk, uint8_t op,
                           const struct stix_pattern_constant *constant, size_t offset)
{
    const struct stix_prop *prop = walk->list ? NULL : walk->prop;
    bool must = p->version == STIX_PATTERN_2_1;
    unsigned kinds = prop != NULL ? comparable(prop->kind) : 0;
    if (p->remarks == NULL || walk->silent)
        return;
    if (kinds != 0 && (kinds >> constant->kind & 1) == 0)
        pattern_remark(p, must, offset, "9.2", "the property is not compared with a constant of this type");
    if (op != STIX_PATTERN_ISSUBSET && op != STIX_PATTERN_ISSUPERSET)
        return;
    if (prop != NULL && prop->kind != STIX_KIND_IPV4 && prop->kind != STIX_KIND_IPV6)
        pattern_remark(p, must, offset, "9.6.1", "only the value of an address is part of a network");
    else if (!constant->escaped && !is_address(prop, constant->text))
        pattern_remark(p, must, offset, "9.6.1", "not an address or network of the property's type");
}
