/* lint: what a node would say of files, without a node: every object is read as the gate reads it, and
 * nothing is kept. The file is mapped and cut; memory holds one object at a time, and where the others are.
 */
#include <stdio.h>

#include "cli/lint_kinds.h"
#include "cli/lint_lists.h"
#include "cli/text.h"
#include "core/mem.h"
#include "stix/extension.h"
#include "stix/stix.h"
#include "stix/together.h"
#include "json/json.h"

enum {
    OUT_BYTES_MAX = 64 << 20,
    CANON_BYTES_MAX = 16 << 20,
    ARENA_BYTES_MAX = 256 << 20,
    KEPT_BYTES_MAX = 1 << 30, /* a list of the largest that there may be has 224 MiB */
};

enum level { ERROR, WARNING, REMARK, LEVELS };

static const char *const level_names[] = {"error", "warning", "remark"};

struct counts {
    uint64_t files, objects;
    uint64_t found[LEVELS];
    uint64_t dropped; /* beyond LIMIT_STIX_FINDINGS of an object: not told */
};

/* A byte of the file as people count: from 1; columns are code points, what is not UTF-8 counts by the byte
 * that begins it. */
struct place {
    size_t at;
    uint64_t line, column;
};

struct finding {
    enum level level;
    size_t offset; /* in the file */
    struct str id, pointer;
    const char *code; /* of a refusal */
    const char *what, *section;
    uint64_t object;       /* its number */
    const uint64_t *other; /* number of another object that it takes to see this; NULL: none */
    bool bundle;           /* about what holds the objects */
};

struct lint {
    struct stix_extensions extensions; /* of --extension, in `kept` */
    struct arena kept;
    const struct cli_call *call;
    const char *path;
    struct text text;
    struct json_parser *parser;
    struct stix_together *together;
    struct arena arena;
    struct buf padded, canon, out;
    struct counts counts, all;
    struct lint_kinds kinds; /* of --kinds, their texts in `kept` */
    bool by_kind;
    struct lint_lists lists; /* of --lists */
    struct place here;       /* where the last object with a finding begins: the next is counted from there */
    size_t cut_end;
    bool failed; /* something could not be read or written */
    bool broken; /* no memory: stop */
};

/* --- places --- */

static void place_move(struct place *place, struct bytes text, size_t to)
{
    if (to < place->at)
        *place = (struct place) {0, 1, 1};
    for (; place->at < to && place->at < text.len; place->at++) {
        uint8_t c = text.at[place->at];
        if (c == '\n') {
            place->line++;
            place->column = 1;
        } else if ((c & 0xc0) != 0x80) {
            place->column++;
        }
    }
}

/* --- output --- */

static void write_out(struct lint *lint)
{
    if (buf_err(&lint->out) != ERR_OK || fwrite(lint->out.at, 1, lint->out.len, stdout) != lint->out.len)
        lint->failed = true;
    buf_clear(&lint->out);
}

static void say_json(struct lint *lint, const struct finding *finding, const struct place *place)
{
    struct buf *out = &lint->out;
    buf_printf(out, "{\"level\":\"%s\",\"line\":%llu,\"column\":%llu,\"offset\":%zu",
               level_names[finding->level], (unsigned long long)place->line,
               (unsigned long long)place->column, finding->offset);
    if (!finding->bundle)
        buf_printf(out, ",\"object\":%llu", (unsigned long long)finding->object);
    if (finding->other != NULL)
        buf_printf(out, ",\"other\":%llu", (unsigned long long)*finding->other);
    print_member(out, "file", str_of(lint->path));
    print_member(out, "id", finding->id);
    print_member(out, "pointer", finding->pointer);
    print_member(out, "code", str_of(finding->code));
    print_member(out, "what", str_of(finding->what));
    print_member(out, "section", str_of(finding->section));
    buf_printf(out, "}\n");
}

static void say_text(struct lint *lint, const struct finding *finding, const struct place *place)
{
    struct buf *out = &lint->out;
    print_clean(out, str_of(lint->path));
    buf_printf(out, ":%llu:%llu: %s: ", (unsigned long long)place->line, (unsigned long long)place->column,
               level_names[finding->level]);
    if (finding->bundle)
        buf_printf(out, "bundle");
    else
        buf_printf(out, "object %llu", (unsigned long long)finding->object);
    if (finding->id.len > 0)
        buf_putc(out, ' ');
    print_clean(out, finding->id);
    if (finding->pointer.len > 0)
        buf_printf(out, ", ");
    print_clean(out, finding->pointer);
    buf_printf(out, ": ");
    print_clean(out, str_of(finding->what));
    if (finding->section[0] != '\0') {
        buf_printf(out, " (STIX 2.1, ");
        print_clean(out, str_of(finding->section));
        buf_putc(out, ')');
    }
    buf_putc(out, '\n');
}

static void count_kind(struct lint *lint, const struct finding *finding, const struct place *place)
{
    const struct lint_kind kind = {.level = finding->level,
                                   .what = str_of(finding->what),
                                   .section = str_of(finding->section),
                                   .path = str_of(lint->path),
                                   .line = place->line,
                                   .column = place->column};
    lint->broken |= lint_kinds_add(&lint->kinds, &kind, &lint->kept) != ERR_OK;
}

/* `from`: where the object begins. */
static void say(struct lint *lint, size_t from, const struct finding *finding)
{
    place_move(&lint->here, lint->text.bytes, from);
    struct place place = lint->here;
    place_move(&place, lint->text.bytes, finding->offset);
    lint->counts.found[finding->level]++;
    if (lint->by_kind)
        count_kind(lint, finding, &place);
    else if (lint->call->json)
        say_json(lint, finding, &place);
    else
        say_text(lint, finding, &place);
    write_out(lint);
}

static void say_kind_json(struct buf *out, const struct lint_kind *kind)
{
    buf_printf(out, "{\"level\":\"%s\",\"count\":%llu,\"line\":%llu,\"column\":%llu",
               level_names[kind->level], (unsigned long long)kind->count, (unsigned long long)kind->line,
               (unsigned long long)kind->column);
    print_member(out, "file", kind->path);
    print_member(out, "what", kind->what);
    print_member(out, "section", kind->section);
    buf_printf(out, "}\n");
}

static void say_kind_text(struct buf *out, const struct lint_kind *kind)
{
    buf_printf(out, "%8llu  %-7s  ", (unsigned long long)kind->count, level_names[kind->level]);
    print_clean(out, kind->what);
    if (kind->section.len > 0) {
        buf_printf(out, " (STIX 2.1, ");
        print_clean(out, kind->section);
        buf_putc(out, ')');
    }
    buf_printf(out, ", first at ");
    print_clean(out, kind->path);
    buf_printf(out, ":%llu:%llu\n", (unsigned long long)kind->line, (unsigned long long)kind->column);
}

static void say_kinds(struct lint *lint)
{
    lint_kinds_sort(&lint->kinds);
    for (size_t i = 0; i < lint->kinds.count; i++)
        (lint->call->json ? say_kind_json : say_kind_text)(&lint->out, &lint->kinds.at[i]);
    if (lint->kinds.beyond > 0 && !lint->call->json)
        buf_printf(&lint->out, "%8llu  of further kinds\n", (unsigned long long)lint->kinds.beyond);
    write_out(lint);
}

static void put_count(struct buf *out, uint64_t count, const char *one, const char *many)
{
    buf_printf(out, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

/* `path` NULL: of all files. */
static void say_counts(struct lint *lint, const struct counts *counts, const char *path)
{
    struct buf *out = &lint->out;
    const uint64_t *found = counts->found;
    if (lint->call->json) {
        buf_printf(out,
                   "{\"files\":%llu,\"objects\":%llu,\"errors\":%llu,\"warnings\":%llu,\"remarks\":%llu,"
                   "\"not_told\":%llu",
                   (unsigned long long)counts->files, (unsigned long long)counts->objects,
                   (unsigned long long)found[ERROR], (unsigned long long)found[WARNING],
                   (unsigned long long)found[REMARK], (unsigned long long)counts->dropped);
        if (path != NULL)
            print_member(out, "file", str_of(path));
        buf_printf(out, "}\n");
    } else {
        if (path != NULL)
            print_clean(out, str_of(path));
        else
            put_count(out, counts->files, "file", "files");
        buf_printf(out, ": ");
        put_count(out, counts->objects, "object, ", "objects, ");
        put_count(out, found[ERROR], "error, ", "errors, ");
        put_count(out, found[WARNING], "warning, ", "warnings, ");
        put_count(out, found[REMARK], "remark", "remarks");
        if (counts->dropped > 0)
            buf_printf(out, ", %llu more not told", (unsigned long long)counts->dropped);
        buf_putc(out, '\n');
    }
    write_out(lint);
}

/* --- one object --- */

static struct bytes bytes_in(const struct lint *lint, struct json_slice slice)
{
    return bytes_of(lint->text.bytes.at + slice.from, slice.len);
}

static void refuse(struct lint *lint, struct json_slice slice, struct str id, err_t err, struct fault *fault)
{
    size_t offset = fault->offset; /* exact where the text itself is at fault; rules give the pointer alone */
    if (offset == 0 && fault->pointer[0] != '\0')
        offset = json_pointer_offset(bytes_in(lint, slice), str_of(fault->pointer));
    say(lint, slice.from,
        &(struct finding) {.level = ERROR,
                           .offset = slice.from + offset,
                           .id = id,
                           .pointer = str_of(fault->pointer),
                           .code = err_name(err),
                           .what = fault->what[0] != '\0' ? fault->what : err_text(err),
                           .section = fault->section,
                           .object = lint->counts.objects});
}

/* `finding` says which object. */
static void say_found(struct lint *lint, struct json_slice slice, const struct stix_warning *found,
                      struct finding finding)
{
    static const enum level levels[] = {
        [STIX_REMARK] = REMARK, [STIX_CAUTION] = WARNING, [STIX_WARNING] = WARNING, [STIX_ERROR] = ERROR};
    err_t code = finding.other != NULL ? ERR_CONFLICT : ERR_INVALID;
    finding.level = levels[found->level];
    finding.offset = slice.from + json_pointer_offset(bytes_in(lint, slice), found->pointer);
    finding.pointer = found->pointer;
    finding.code = found->level == STIX_ERROR ? err_name(code) : "";
    finding.what = found->what;
    finding.section = found->section;
    say(lint, slice.from, &finding);
}

static void say_findings(struct lint *lint, struct json_slice slice, const struct stix_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        say_found(lint, slice, &findings->at[i],
                  (struct finding) {.id = findings->object.id, .object = lint->counts.objects});
    lint->counts.dropped += findings->dropped;
}

/* What a node with these lists would hold: nothing is wrong with it. */
static void check_lists(struct lint *lint, struct json_slice slice, const struct stix_object *object)
{
    char what[LINT_LIST_SAID];
    struct str pointer = object->type->code == STIX_TYPE_INDICATOR ? STR("/pattern")
                         : object->type->code == STIX_TYPE_FILE    ? STR("/hashes")
                                                                   : STR("/value");
    if (!lint_lists_hit(&lint->lists, object, &lint->arena, what))
        return;
    say(lint, slice.from,
        &(struct finding) {.level = REMARK,
                           .offset = slice.from + json_pointer_offset(bytes_in(lint, slice), pointer),
                           .id = object->id,
                           .pointer = pointer,
                           .code = "",
                           .what = what,
                           .section = "",
                           .object = lint->counts.objects});
}

static void say_told(void *ctx, const struct stix_told *told)
{
    uint64_t other = told->other;
    say_found(ctx, told->slice, &told->warning,
              (struct finding) {.id = told->id, .object = told->number, .other = &other});
}

static struct str id_text(struct json_val value)
{
    struct str id = {"", 0};
    if (json_is(value, JSON_OBJECT) && json_get_str(value, STR("id"), &id) && id.len > LIMIT_ID_BYTES)
        id.len = LIMIT_ID_BYTES;
    return id;
}

/* As the gate examines it (gate/accept.c), but to the end: every error that can be seen, not the first. */
static err_t check_value(struct lint *lint, struct json_slice slice, struct json_val value,
                         struct fault *fault)
{
    struct stix_findings findings;
    struct fault ignored = {0};
    err_t err;
    arena_reset(&lint->arena);
    buf_clear(&lint->canon);
    if (TRY(err, stix_lint(value, &lint->extensions, &lint->arena, &findings, &ignored)))
        return err;
    say_findings(lint, slice, &findings);
    err = findings.errors == 0 ? stix_canon(&findings.object, &lint->canon, fault)
                               : json_canon(value, NULL, &lint->canon, fault);
    if (err != ERR_OK || TRY(err, buf_err(&lint->canon)))
        return err;
    if (json_has_hard_number(value) && TRY(err, json_check_numbers(bytes_in(lint, slice), fault)))
        return err;
    if (findings.errors == 0)
        check_lists(lint, slice, &findings.object);
    if (findings.errors > 0 || lint->counts.objects > UINT32_MAX)
        return ERR_OK;
    return stix_together_add(lint->together, &findings.object, slice, (uint32_t)lint->counts.objects);
}

static err_t parse(struct lint *lint, struct json_slice slice, struct json_doc *doc, struct fault *fault)
{
    static const uint8_t padding[JSON_PADDING];
    if (slice.len > LIMIT_OBJECT_BYTES)
        return fault_set(fault, ERR_LIMIT, 0, "the object is larger than %u bytes", LIMIT_OBJECT_BYTES);
    buf_clear(&lint->padded);
    buf_put(&lint->padded, lint->text.bytes.at + slice.from, slice.len);
    buf_put(&lint->padded, padding, sizeof padding);
    err_t err = buf_err(&lint->padded);
    return err != ERR_OK ? err : json_parse(lint->parser, bytes_of(lint->padded.at, slice.len), doc, fault);
}

/* --- bundles (section 8.1) --- */

/* A bundle that lists nothing: the whole text is what holds the objects. */
static bool is_bare_bundle(const struct lint *lint, struct json_slice slice, struct json_val root)
{
    struct json_val objects;
    struct str type;
    return slice.from == json_pointer_offset(lint->text.bytes, STR("")) && json_is(root, JSON_OBJECT) &&
           json_get_str(root, STR("type"), &type) && str_eq(type, STR("bundle")) &&
           !json_get(root, STR("objects"), &objects);
}

/* The text of a string of the root, as written; false when there is none of that name. Nothing else of the
 * bundle is parsed: it may be larger than memory. */
static bool bundle_text(const struct lint *lint, const char *pointer, struct str *out, size_t *out_offset)
{
    struct bytes text = lint->text.bytes;
    size_t root = json_pointer_offset(text, STR(""));
    size_t at = json_pointer_offset(text, str_of(pointer));
    if (at == root || at >= text.len)
        return false;
    *out_offset = at;
    const uint8_t *end = text.at[at] == '"' ? memchr(text.at + at + 1, '"', text.len - at - 1) : NULL;
    *out =
        end == NULL ? STR("") : str_from_bytes(bytes_of(text.at + at + 1, (size_t)(end - text.at) - at - 1));
    return true;
}

static void say_bundle(struct lint *lint, enum level level, size_t offset, const char *pointer,
                       const char *what, const char *section)
{
    say(lint, 0,
        &(struct finding) {.level = level,
                           .offset = offset,
                           .id = STR(""),
                           .pointer = str_of(pointer),
                           .code = "",
                           .what = what,
                           .section = section,
                           .bundle = true});
}

static void check_bundle_id(struct lint *lint)
{
    struct stix_key key;
    struct str id;
    size_t at = json_pointer_offset(lint->text.bytes, STR(""));
    if (!bundle_text(lint, "/id", &id, &at))
        say_bundle(lint, WARNING, at, "", "id is required", "8.1");
    else if (!stix_id_parse(id, &key))
        say_bundle(lint, WARNING, at, "/id", "not an identifier of the form type--UUID", "2.9");
    else if (!str_eq(stix_id_type(id), STR("bundle")))
        say_bundle(lint, WARNING, at, "/id", "does not begin with the type bundle", "2.9");
    else if (key.b[6] >> 4 != 4)
        say_bundle(lint, REMARK, at, "/id", "not a UUIDv4", "2.9");
}

/* An envelope of TAXII has no type: nothing is asked of it. What a bundle says of itself is not kept by a
 * node and keeps no object out. */
static void check_bundle(struct lint *lint)
{
    struct str type, version;
    size_t at;
    if (!bundle_text(lint, "/type", &type, &at))
        return;
    if (!str_eq(type, STR("bundle"))) {
        say_bundle(lint, WARNING, at, "/type", "holds a list of objects, and its type is not bundle", "8.1");
        return;
    }
    check_bundle_id(lint);
    if (bundle_text(lint, "/spec_version", &version, &at))
        say_bundle(lint, WARNING, at, "/spec_version", "a bundle of STIX 2.1 has no spec_version", "8.1");
    if (lint->counts.objects == 0 && bundle_text(lint, "/objects", &type, &at))
        say_bundle(lint, WARNING, at, "/objects", "an empty list", "2.12");
}

/* --- files --- */

static bool check_slice(void *ctx, struct json_slice slice)
{
    struct lint *lint = ctx;
    struct fault fault = {0};
    struct json_doc doc;
    struct str id = {"", 0};
    err_t err = parse(lint, slice, &doc, &fault);
    if (err == ERR_OK) {
        struct json_val root = json_root(&doc);
        id = id_text(root);
        if (is_bare_bundle(lint, slice, root))
            return true;
        err = check_value(lint, slice, root, &fault);
    }
    if (err == ERR_NOMEM) {
        lint->broken = true;
        return false;
    }
    if (err != ERR_OK)
        refuse(lint, slice, id, err, &fault);
    lint->counts.objects++;
    lint->cut_end = slice.from + slice.len;
    return true;
}

/* What stands behind the last object that could be cut, or a text that could not be cut at all. */
static void refuse_rest(struct lint *lint, err_t err, struct fault *fault)
{
    struct json_slice rest = {lint->cut_end, lint->text.bytes.len - lint->cut_end};
    fault->pointer[0] = '\0';
    fault->offset = fault->offset > rest.from ? fault->offset - rest.from : 0;
    refuse(lint, rest, STR(""), err, fault);
}

static bool refuse_memory(struct lint *lint)
{
    lint->broken = true;
    (void)cli_fail(NULL, "%s: %s", lint->path, err_text(ERR_NOMEM));
    return false;
}

static void add_counts(struct counts *all, const struct counts *counts)
{
    all->files += counts->files;
    all->objects += counts->objects;
    all->dropped += counts->dropped;
    for (size_t i = 0; i < LEVELS; i++)
        all->found[i] += counts->found[i];
}

static void say_limit(struct lint *lint, enum stix_together_limit limit)
{
    static const struct {
        unsigned most;
        const char *what;
    } rows[STIX_TOGETHER_LIMITS] = {
        [STIX_TOGETHER_OBJECTS] = {LIMIT_STIX_TOGETHER,
                                   "objects: the later ones were not compared with others"},
        [STIX_TOGETHER_VERSIONS] = {LIMIT_STIX_TOGETHER_VERSIONS,
                                    "objects of one UUID: the later ones were not compared with each other"},
        [STIX_TOGETHER_MARKINGS] =
            {LIMIT_STIX_TOGETHER_EDGES,
             "markings of marking definitions: circles through the later ones are not seen"},
        [STIX_TOGETHER_DEFINITIONS] =
            {LIMIT_EXTENSIONS, "extension definitions: the later ones were not compared with their use"},
        [STIX_TOGETHER_BYTES] = {LIMIT_STIX_TOGETHER_RATIO,
                                 "times the file would have to be read again: not all of what refers to each "
                                 "other was compared"},
    };
    char what[FAULT_WHAT_MAX];
    (void)snprintf(what, sizeof what, "more than %u %s", rows[limit].most, rows[limit].what);
    say_bundle(lint, REMARK, 0, "", what, "");
}

/* The rules that take two objects. False: no memory. */
static bool check_together(struct lint *lint)
{
    struct stix_together_sum sum;
    if (stix_together_check(lint->together, lint->text.bytes, say_told, lint, &sum) != ERR_OK)
        return refuse_memory(lint);
    lint->counts.dropped += sum.dropped;
    for (size_t i = 0; i < STIX_TOGETHER_LIMITS; i++)
        if (sum.beyond[i] > 0)
            say_limit(lint, (enum stix_together_limit)i);
    return true;
}

static void check_file(struct lint *lint)
{
    struct fault fault = {0};
    enum json_split_kind kind;
    stix_together_clear(lint->together);
    lint->counts = (struct counts) {.files = 1};
    lint->here = (struct place) {0, 1, 1};
    lint->cut_end = 0;
    err_t err = json_split(lint->text.bytes, STR("objects"), &kind, check_slice, lint, &fault);
    if (lint->broken) {
        (void)refuse_memory(lint);
        return;
    }
    if (err != ERR_OK)
        refuse_rest(lint, err, &fault);
    else if (kind == JSON_SPLIT_LIST || lint->counts.objects == 0)
        check_bundle(lint);
    if (!check_together(lint))
        return;
    say_counts(lint, &lint->counts, lint->path);
    add_counts(&lint->all, &lint->counts);
}

static void open_and_check(struct lint *lint, const char *path)
{
    lint->path = path;
    if (!text_open(path, "it was not looked at", &lint->text)) {
        lint->failed = true;
        return;
    }
    if (lint->text.bytes.len == 0) {
        (void)cli_fail("is it the right one?", "%s: it is empty", path);
        lint->failed = true;
    } else {
        check_file(lint);
    }
    text_close(&lint->text);
}

static int status_of(const struct lint *lint)
{
    const struct counts *all = &lint->all;
    bool strict = cli_option(lint->call, "strict") != NULL;
    bool found = all->found[ERROR] > 0 || (strict && (all->found[WARNING] > 0 || all->dropped > 0));
    return found || lint->failed || lint->broken ? CLI_FAILED : CLI_OK;
}

/* --- extensions --- */

static int refuse_extension(const char *path, err_t err, const struct fault *fault)
{
    return cli_fail("bongsu extension add --help", "%s: %s%s%s", path, fault->pointer,
                    fault->pointer[0] == '\0' ? "" : ": ",
                    fault->what[0] == '\0' ? err_text(err) : fault->what);
}

/* Every extension-definition in the file is known; --schema is for a file with one. */
static bool read_extensions(struct lint *lint, const char *path, struct bytes text, struct str schema)
{
    struct json_slice slices[LIMIT_EXTENSIONS];
    struct fault fault = {0};
    const struct stix_extension *extension;
    size_t count = 0;
    err_t err = stix_extension_cut(lint->parser, text, slices, &count, &fault);
    if (err == ERR_OK && (count == 0 || (schema.len > 0 && count > 1)))
        err = fault_set(&fault, ERR_INVALID, 0, "it holds %s extension-definition",
                        count == 0 ? "no" : "more than one");
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        err = stix_extension_read(lint->parser, bytes_of(text.at + slices[i].from, slices[i].len), schema,
                                  &lint->kept, &extension, &fault);
        if (err == ERR_OK)
            err = stix_extensions_put(&lint->extensions, extension);
    }
    return err == ERR_OK || refuse_extension(path, err, &fault) == CLI_OK;
}

static bool take_extensions(struct lint *lint)
{
    const char *path = cli_option(lint->call, "extension"), *schema_path = cli_option(lint->call, "schema");
    struct buf text, schema;
    if (path == NULL)
        return schema_path == NULL || cli_fail(NULL, "--schema goes with --extension") == CLI_OK;
    buf_init(&text, CANON_BYTES_MAX);
    buf_init(&schema, CANON_BYTES_MAX);
    bool good = cli_read(lint->call, path, &text) &&
                (schema_path == NULL || cli_read(lint->call, schema_path, &schema)) &&
                read_extensions(lint, path, buf_bytes(&text), buf_str(&schema));
    buf_deinit(&text);
    buf_deinit(&schema);
    return good;
}

static int run_lint(struct cli_call *call)
{
    struct lint lint = {.call = call, .by_kind = cli_option(call, "kinds") != NULL};
    if (json_parser_new(LIMIT_OBJECT_BYTES, &lint.parser) != ERR_OK ||
        stix_together_new(&lint.together) != ERR_OK) {
        json_parser_free(lint.parser);
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    }
    arena_init(&lint.arena, ARENA_BYTES_MAX);
    arena_init(&lint.kept, KEPT_BYTES_MAX);
    buf_init(&lint.padded, LIMIT_OBJECT_BYTES + JSON_PADDING);
    buf_init(&lint.canon, CANON_BYTES_MAX);
    buf_init(&lint.out, OUT_BYTES_MAX);
    const char *lists = cli_option(call, "lists");
    bool known =
        take_extensions(&lint) && (lists == NULL || lint_lists_read(call, lists, &lint.kept, &lint.lists));
    for (size_t i = 0; known && i < call->arg_count && !lint.broken; i++)
        open_and_check(&lint, call->args[i]);
    if (known)
        say_kinds(&lint);
    if (known)
        say_counts(&lint, &lint.all, NULL);
    else
        lint.failed = true;
    int status = status_of(&lint);
    json_parser_free(lint.parser);
    stix_together_free(lint.together);
    arena_deinit(&lint.arena);
    arena_deinit(&lint.kept);
    buf_deinit(&lint.padded);
    buf_deinit(&lint.canon);
    buf_deinit(&lint.out);
    return status;
}

static const struct cli_command commands[] = {
    {.words = "lint",
     .summary = "say what a node would refuse or warn of in files; needs no node",
     .help =
         "Bundles, single objects, or one object a line; gzip and zstd are unpacked. Nothing is kept.\n"
         "FILE:LINE:COLUMN: an error would be refused, a warning breaks a MUST and is taken all the same, a\n"
         "remark breaks a SHOULD. Lines, and columns in code points, count from 1, objects from 0. What is\n"
         "unpacked is counted in its unpacked text. Every error of an object is told, not the first alone;\n"
         "beyond 1000 findings of one object, further ones are counted. Objects of one file are compared "
         "with each\n"
         "other: versions of one id, a translation and its original, and the like.\n"
         "Exit status 1 when there is an error, or a file could not be read; otherwise 0.",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "- is standard input"}},
     .many = true,
     .options = {{"strict", CLI_FLAG, NULL, NULL,
                  "exit status 1 also for warnings, and for what was not told"},
                 {"kinds", CLI_FLAG, NULL, NULL, "each kind of finding once: how often, and where first"},
                 {"extension", CLI_TEXT, NULL, "FILE",
                  "check what uses the extension-definitions in it, as after bongsu extension add"},
                 {"schema", CLI_TEXT, NULL, "FILE", "the schema of the one in it"},
                 {"lists", CLI_TEXT, NULL, "KIND:FILE,...",
                  "a remark where a value is on one of these, as of bongsu list add; also a\n"
                  "warninglist's FILE, reserved, broad"}},
     .run = run_lint},
};

const struct cli_group cli_lint = {commands, 1};
