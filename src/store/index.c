#include "store/index.h"

struct table_row {
    const char *name;
    size_t prefix;
};

static const struct table_row tables[TABLE_COUNT] = {
#define X(name, number, text, prefix) [number] = {(text), (prefix)},
    INDEX_TABLE_LIST(X)
#undef X
};

const char *index_table_name(enum index_table table)
{
    must(table < TABLE_COUNT);
    return tables[table].name;
}

size_t index_table_prefix(enum index_table table)
{
    must(table < TABLE_COUNT);
    return tables[table].prefix;
}

int index_key_cmp(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.at, b.at, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}
