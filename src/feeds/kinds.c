/* The kinds of feeds: a new one is a file and a row here. */
#include "feeds/kind.h"

static const struct feed_kind *const kinds[] = {
    &feed_kind_taxii21, &feed_kind_taxii21_push, &feed_kind_taxii20, &feed_kind_opencti,
    &feed_kind_misp,    &feed_kind_stix,         &feed_kind_csv,     &feed_kind_list,
};

const struct feed_kind *feed_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? kinds[index] : NULL;
}

const struct feed_kind *feed_kind_find(struct str name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(name, str_of(kinds[i]->name)))
            return kinds[i];
    return NULL;
}

const char *feed_kind_name(const struct feed_kind *kind)
{
    return kind->name;
}

bool feed_kind_pushes(const struct feed_kind *kind)
{
    return kind->push;
}

const char *feed_kind_summary(const struct feed_kind *kind)
{
    return kind->summary;
}
