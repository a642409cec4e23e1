#include "taxii/route.h"

#include "taxii/objects.h"
#include "taxii/post.h"
#include "taxii/remove.h"
#include "taxii/simple.h"
#include "taxii/status.h"
#include "taxii/text.h"

enum { SEGMENTS_MAX = 6, RIGHT_READ = 1, RIGHT_WRITE = 2 };

typedef void handler(const struct call *call, const struct place *place);

/* "{c}" takes a collection, "{i}" an id. GET serves HEAD as well; OPTIONS is answered everywhere. `content`:
 * reading it needs the right to read the collection. */
struct resource {
    const char *pattern;
    const char *name; /* in the access record */
    bool content;
    handler *get, *post, *remove;
};

static const struct resource resources[] = {
    {"taxii2", "discovery", false, simple_discovery, NULL, NULL},
    {"api", "root", false, simple_root, NULL, NULL},
    {"api/status/{i}", "status", false, status_get, NULL, NULL},
    {"api/collections", "collections", false, simple_collections, NULL, NULL},
    {"api/collections/{c}", "collection", false, simple_collection, NULL, NULL},
    {"api/collections/{c}/manifest", "manifest", true, objects_manifest, NULL, NULL},
    {"api/collections/{c}/objects", "objects", true, objects_all, post_objects, NULL},
    {"api/collections/{c}/objects/{i}", "object", true, objects_one, NULL, remove_object},
    {"api/collections/{c}/objects/{i}/versions", "versions", true, objects_versions, NULL, NULL},
};
enum { RESOURCES = sizeof resources / sizeof resources[0] };

/* --- paths --- */

struct path {
    struct str part[SEGMENTS_MAX];
    size_t count;
};

/* False for paths that no resource has. A missing last "/" is let pass. */
static bool path_read(struct str text, struct path *out)
{
    *out = (struct path) {0};
    if (text.len == 0 || text.at[0] != '/')
        return false;
    text.at++;
    text.len--;
    while (text.len > 0) {
        struct str part = str_cut(&text, '/');
        if (part.len == 0 || out->count == SEGMENTS_MAX)
            return false;
        out->part[out->count++] = part;
    }
    return out->count > 0;
}

static bool matches(const char *pattern, const struct path *path, struct str *collection, struct str *id)
{
    struct str rest = str_of(pattern);
    for (size_t i = 0; i < path->count; i++) {
        struct str word = str_cut(&rest, '/');
        if (str_eq(word, STR("{c}")))
            *collection = path->part[i];
        else if (str_eq(word, STR("{i}")))
            *id = path->part[i];
        else if (!str_eq(word, path->part[i]))
            return false;
    }
    return rest.len == 0;
}

/* NULL: nothing that this identity could know of. */
static const struct resource *find(const struct call *call, struct place *out)
{
    struct path path;
    if (!path_read(call->request->path, &path))
        return NULL;
    for (size_t i = 0; i < RESOURCES; i++) {
        struct str collection = STR(""), id = STR("");
        if (!matches(resources[i].pattern, &path, &collection, &id))
            continue;
        out->id = id;
        if (collection.len > 0 && !collection_find(call->taxii, call->identity, collection, &out->collection))
            return NULL;
        return &resources[i];
    }
    return NULL;
}

/* --- methods and rights --- */

static const char *allowed(const struct resource *resource)
{
    return resource->post != NULL     ? "GET, HEAD, POST, OPTIONS"
           : resource->remove != NULL ? "GET, HEAD, DELETE, OPTIONS"
                                      : "GET, HEAD, OPTIONS";
}

static handler *handler_of(const struct resource *resource, enum exchange_method method, unsigned *out_rights)
{
    switch (method) {
    case EXCHANGE_GET:
    case EXCHANGE_HEAD:
        *out_rights = resource->content ? RIGHT_READ : 0;
        return resource->get;
    case EXCHANGE_POST:
        *out_rights = RIGHT_WRITE;
        return resource->post;
    case EXCHANGE_DELETE:
        *out_rights = RIGHT_READ | RIGHT_WRITE;
        return resource->remove;
    default:
        return NULL;
    }
}

static bool may(const struct collection *collection, unsigned rights)
{
    return (!(rights & RIGHT_READ) || collection->can_read) &&
           (!(rights & RIGHT_WRITE) || collection->can_write);
}

/* The access record tells whose view it was. */
static void note_collection(const struct call *call, const struct collection *collection)
{
    struct taxii_access *access = &call->effect->access;
    access->collection = collection->alias;
    access->audience = collection->name;
}

static void answer_options(const struct call *call, const struct resource *resource)
{
    answer_begin(call->response, 200);
    call->response->content_type = NULL;
    exchange_header_put(call->response, "Allow", str_of(allowed(resource)));
}

void route(const struct call *call)
{
    struct place place = {0};
    unsigned rights = 0;
    const struct resource *resource = find(call, &place);
    if (resource == NULL) {
        answer_not_found(call->response);
        return;
    }
    handler *handle = handler_of(resource, call->request->method, &rights);
    call->effect->access.what = resource->name;
    if (place.collection.alias != NULL)
        note_collection(call, &place.collection);
    if (call->request->method == EXCHANGE_OPTIONS)
        answer_options(call, resource);
    else if (handle == NULL)
        answer_method(call->response, allowed(resource));
    else if (!media_accepted(call->request->accept))
        answer_error(call->response, 406, "Accept " TAXII_TYPE, STR(""));
    else if (!may(&place.collection, rights))
        answer_error(call->response, 403, "The collection does not permit it", STR(""));
    else
        handle(call, &place);
}
