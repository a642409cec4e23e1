/* What a TAXII collection has to answer, worked out by brute force from its entries (TAXII 2.1 sections 3.4,
 * 3.5, 5.3 to 5.8). Nothing here asks bongsu. */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "core/err.h"

void shelf_date(int64_t date_us, char out[32])
{
    time_t seconds = date_us / 1000000;
    struct tm tm;
    must(gmtime_r(&seconds, &tm) != NULL);
    size_t len = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + len, 32 - len, ".%06dZ", (int)(date_us % 1000000));
}

bool shelf_has_version(const struct thing *thing)
{
    return thing->kind != THING_DOMAIN;
}

unsigned shelf_second(const struct thing *thing)
{
    return thing_is_marking(thing->kind) || !shelf_has_version(thing) ? 0 : thing->version;
}

static void version_text(const struct shelf_entry *entry, char out[32])
{
    if (shelf_has_version(entry->thing))
        (void)snprintf(out, 32, "2026-01-01T00:00:%02u.000Z", shelf_second(entry->thing));
    else
        shelf_date(entry->date_us, out);
}

/* --- which --- */

static bool is_there(const struct shelf *shelf, size_t i)
{
    return shelf->at[i].thing != NULL && !shelf->at[i].gone;
}

static bool same_object(const struct shelf *shelf, size_t i, size_t k)
{
    return i != k && is_there(shelf, k) && shelf->at[i].thing->target == shelf->at[k].thing->target;
}

/* Another copy of the very same version counts instead. */
static bool gives_way(const struct shelf *shelf, size_t i)
{
    const struct thing *thing = shelf->at[i].thing;
    for (size_t k = 0; shelf_has_version(thing) && k < shelf->count; k++)
        if (same_object(shelf, i, k) && shelf_second(shelf->at[k].thing) == shelf_second(thing) &&
            (shelf->first_wins ? k < i : k > i))
            return true;
    return false;
}

static bool is_of_versions(const struct shelf *shelf, const struct ask *ask, size_t i)
{
    const struct thing *thing = shelf->at[i].thing;
    bool first = true, last = true;
    if (gives_way(shelf, i))
        return false;
    for (size_t k = 0; k < shelf->count; k++) {
        if (!same_object(shelf, i, k) || gives_way(shelf, k))
            continue;
        unsigned mine = shelf_second(thing), other = shelf_second(shelf->at[k].thing);
        bool later = other > mine || (other == mine && k > i);
        last = last && !later;
        first = first && later;
    }
    switch (ask->versions) {
    case VERSIONS_FIRST:
        return first;
    case VERSIONS_ALL:
        return true;
    case VERSIONS_ENDS:
        return first || last;
    case VERSIONS_ONE:
        return shelf_has_version(thing) && shelf_second(thing) == ask->second;
    default:
        return ask->list == ASK_VERSIONS || last;
    }
}

static bool is_wanted(const struct shelf *shelf, const struct ask *ask, size_t i)
{
    if (!is_there(shelf, i) || i < ask->from || shelf->at[i].date_us <= ask->after_us)
        return false;
    const struct thing *thing = shelf->at[i].thing;
    bool one = ask->by_id || ask->list == ASK_OBJECT || ask->list == ASK_VERSIONS;
    return (!one || thing->target == ask->target) &&
           (ask->type == NULL || str_eq(str_of(ask->type), str_of(thing_type(thing->kind)))) &&
           is_of_versions(shelf, ask, i);
}

bool shelf_read(const struct shelf *shelf, const struct ask *ask, struct shelf_page *out)
{
    size_t limit = ask->limit == 0 ? SHELF_PAGE : ask->limit;
    bool found = ask->list != ASK_OBJECT && ask->list != ASK_VERSIONS;
    out->count = 0;
    out->more = false;
    for (size_t i = 0; i < shelf->count && !out->more; i++) {
        found = found || (is_there(shelf, i) && shelf->at[i].thing->target == ask->target);
        if (!is_wanted(shelf, ask, i))
            continue;
        out->more = out->count == limit;
        if (out->more)
            out->next = i;
        else
            out->at[out->count++] = i;
    }
    return found;
}

/* --- how --- */

static void write_entry(const struct shelf_entry *entry, enum ask_list list, struct buf *out)
{
    char id[THING_ID_SIZE], date[32], version[32];
    thing_id(entry->thing->target, id);
    shelf_date(entry->date_us, date);
    version_text(entry, version);
    if (list == ASK_VERSIONS)
        buf_printf(out, "\"%s\"", version);
    else if (list == ASK_MANIFEST)
        buf_printf(out,
                   "{\"id\":\"%s\",\"date_added\":\"%s\",\"version\":\"%s\","
                   "\"media_type\":\"application/stix+json;version=2.1\"}",
                   id, date, version);
    else
        buf_put(out, entry->thing->text, entry->thing->len);
}

void shelf_write(const struct shelf *shelf, const struct ask *ask, const struct shelf_page *page,
                 const char *next, struct buf *out)
{
    buf_putc(out, '{');
    if (page->more)
        buf_printf(out, "\"more\":true,\"next\":\"%s\"%s", next, page->count > 0 ? "," : "");
    if (page->count > 0)
        buf_printf(out, "\"%s\":[", ask->list == ASK_VERSIONS ? "versions" : "objects");
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        write_entry(&shelf->at[page->at[i]], ask->list, out);
    }
    buf_put_str(out, page->count > 0 ? STR("]}") : STR("}"));
}

/* --- what to ask --- */

static void say(char query[ASK_QUERY_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(char query[ASK_QUERY_MAX], const char *fmt, ...)
{
    va_list args;
    size_t len = strlen(query);
    if (len > 0)
        query[len++] = '&';
    va_start(args, fmt);
    int more = vsnprintf(query + len, ASK_QUERY_MAX - len, fmt, args);
    va_end(args);
    must(more > 0 && (size_t)more < ASK_QUERY_MAX - len);
}

static void print_path(const struct ask *ask, const char *id, char path[ASK_PATH_MAX])
{
    const char *list = ask->list == ASK_MANIFEST ? "manifest" : "objects";
    int len = snprintf(path, ASK_PATH_MAX, "/api/collections/%s/%s/",
                       ask->workspace ? "workspace" : "release", list);
    if (ask->list == ASK_OBJECT || ask->list == ASK_VERSIONS)
        (void)snprintf(path + len, ASK_PATH_MAX - (size_t)len, "%s/%s", id,
                       ask->list == ASK_OBJECT ? "" : "versions/");
}

void ask_print(const struct ask *ask, char path[ASK_PATH_MAX], char query[ASK_QUERY_MAX])
{
    static const char *const versions[] = {"", "last", "first", "all", "first,last"};
    char id[THING_ID_SIZE], date[32];
    thing_id(ask->target, id);
    print_path(ask, id, path);
    query[0] = '\0';
    if (ask->by_id)
        say(query, "match[id]=%s", id);
    if (ask->type != NULL)
        say(query, "match[type]=%s", ask->type);
    if (ask->versions == VERSIONS_ONE)
        say(query, "match[version]=2026-01-01T00:00:%02uZ", ask->second);
    else if (ask->versions != VERSIONS_UNSAID)
        say(query, "match[version]=%s", versions[ask->versions]);
    if (ask->limit > 0)
        say(query, "limit=%zu", ask->limit);
    if (ask->after_us != INT64_MIN) {
        shelf_date(ask->after_us, date);
        say(query, "added_after=%s", date);
    }
    if (ask->next[0] != '\0')
        say(query, "next=%s", ask->next);
}
