/* privacy scan: what in files could name a person, without a node. STIX is read object by object: a first
 * pass learns how observables are referred to (the recipient of a mail is a victim, its sender is not), the
 * second looks. Anything else is one text. Values are masked unless asked for. */
#include <stdio.h>

#include "cli/cmd_privacy.h"
#include "cli/text.h"
#include "core/limit.h"
#include "core/map.h"
#include "stix/stix.h"

enum { OUT_BYTES_MAX = 64 << 20, ARENA_BYTES_MAX = 64 << 20, SUSPICION = 20 };

struct look {
    const struct cli_call *call;
    const char *path;
    struct text text;
    struct json_parser *parser;
    struct arena arena;
    struct buf padded, out;
    struct map roles; /* identifier -> role, of what is referred to */
    bool inherit;     /* this pass hands an observed-data's role on to its members */
    struct privacy_hits hits;
    uint64_t objects, unread, found, counts[PRIVACY_KINDS];
    bool failed;
};

/* --- output --- */

static void flush(struct look *look)
{
    if (buf_err(&look->out) != ERR_OK || fwrite(look->out.at, 1, look->out.len, stdout) != look->out.len)
        look->failed = true;
    buf_clear(&look->out);
}

static void put_value(struct look *look, const struct privacy_hit *hit, struct buf *out)
{
    struct str value = privacy_value(hit);
    struct privacy_hit whole = {.len = hit->len};
    if (cli_option(look->call, "values") != NULL)
        buf_put_str(out, value);
    else
        privacy_mask(value, &whole, 1, out);
}

static void say_json(struct look *look, struct str id, struct str value, const struct privacy_hit *hit,
                     struct str why)
{
    struct buf *out = &look->out;
    buf_printf(out, "{\"kind\":\"%s\",\"score\":%u,\"role\":\"%s\",\"from\":%zu,\"length\":%zu",
               privacy_kind_name(hit->kind), hit->score, privacy_role_name(hit->role), hit->from, hit->len);
    print_member(out, "file", str_of(look->path));
    if (id.at != NULL) {
        buf_printf(out, ",\"object\":%llu", (unsigned long long)look->objects);
        print_member(out, "id", id);
        print_member(out, "pointer", hit->pointer);
    }
    print_member(out, "value", value);
    print_member(out, "why", why);
    buf_printf(out, "}\n");
}

static void say_text(struct look *look, struct str id, struct str value, const struct privacy_hit *hit,
                     struct str why)
{
    struct buf *out = &look->out;
    print_clean(out, str_of(look->path));
    if (id.at != NULL) {
        buf_printf(out, ": object %llu ", (unsigned long long)look->objects);
        print_clean(out, id);
        buf_printf(out, ", ");
        print_clean(out, hit->pointer);
    }
    buf_printf(out, ": byte %zu: %s %u (%s) ", hit->from, privacy_kind_name(hit->kind), hit->score,
               privacy_role_name(hit->role));
    print_clean(out, value);
    buf_printf(out, ": ");
    buf_put_str(out, why);
    buf_putc(out, '\n');
}

/* `id.at` NULL: of a plain text. */
static void say(struct look *look, struct str id, const struct privacy_hit *hit)
{
    struct buf value, why;
    buf_init(&value, OUT_BYTES_MAX);
    buf_init(&why, 1 << 12);
    put_value(look, hit, &value);
    privacy_reasons(hit->reasons, &why);
    if (look->call->json)
        say_json(look, id, buf_str(&value), hit, buf_str(&why));
    else
        say_text(look, id, buf_str(&value), hit, buf_str(&why));
    buf_deinit(&value);
    buf_deinit(&why);
    if (hit->score >= PRIVACY_SCORE_HIT) {
        look->found++;
        look->counts[hit->kind]++;
    }
    flush(look);
}

static void say_sum(struct look *look)
{
    struct buf *out = &look->out;
    const char *before = "";
    buf_printf(out,
               look->call->json ? "{\"found\":%llu,\"objects\":%llu,\"unread\":%llu"
                                : "%llu found, %llu objects, %llu not readable",
               (unsigned long long)look->found, (unsigned long long)look->objects,
               (unsigned long long)look->unread);
    buf_printf(out, look->call->json ? ",\"kinds\":{" : "");
    for (unsigned i = 0; i < PRIVACY_KINDS; i++) {
        if (look->counts[i] == 0)
            continue;
        buf_printf(out, look->call->json ? "%s\"%s\":%llu" : "%s %s %llu", look->call->json ? before : ",",
                   privacy_kind_name((enum privacy_kind)i), (unsigned long long)look->counts[i]);
        before = ",";
    }
    buf_printf(out, look->call->json ? "}}\n" : "\n");
    flush(look);
}

/* --- STIX --- */

static bool parse(struct look *look, struct json_slice slice, struct json_doc *doc)
{
    static const uint8_t padding[JSON_PADDING];
    if (slice.len > LIMIT_OBJECT_BYTES)
        return false;
    buf_clear(&look->padded);
    buf_put(&look->padded, look->text.bytes.at + slice.from, slice.len);
    buf_put(&look->padded, padding, sizeof padding);
    return buf_err(&look->padded) == ERR_OK &&
           json_parse(look->parser, bytes_of(look->padded.at, slice.len), doc, NULL) == ERR_OK;
}

static void note(struct look *look, const struct stix_key *key, enum privacy_role role)
{
    uint64_t *known = map_get(&look->roles, key);
    enum privacy_role before = known == NULL ? PRIVACY_TEXT : (enum privacy_role) * known;
    if (role != PRIVACY_TEXT &&
        map_put(&look->roles, key, (uint64_t)privacy_role_stricter(before, role)) != ERR_OK)
        look->failed = true;
}

/* An indicator is based on observed data: the observables in it are what is shared. */
static enum privacy_role handed_on(const struct look *look, const struct stix_object *object,
                                   const struct stix_ref *ref)
{
    struct str kind;
    const uint64_t *own = map_get(&look->roles, &object->key);
    if (object->type->code == STIX_TYPE_OBSERVED_DATA && ref->role == STIX_REF_MEMBER && look->inherit)
        return own == NULL ? PRIVACY_TEXT : (enum privacy_role) * own;
    if (object->type->code == STIX_TYPE_RELATIONSHIP && str_eq(ref->property, STR("target_ref")) &&
        json_get_str(object->root, STR("relationship_type"), &kind) && str_eq(kind, STR("based-on")))
        return PRIVACY_INDICATOR;
    return PRIVACY_TEXT;
}

static bool learn(void *ctx, struct json_slice slice)
{
    struct look *look = ctx;
    struct json_doc doc;
    struct stix_object object;
    arena_reset(&look->arena);
    if (!parse(look, slice, &doc) || stix_read_held(json_root(&doc), &look->arena, &object) != ERR_OK)
        return true;
    for (size_t i = 0; i < object.ref_count; i++) {
        enum privacy_role role = privacy_ref_role(object.type_name, object.refs[i].property);
        note(look, &object.refs[i].key,
             role != PRIVACY_TEXT ? role : handed_on(look, &object, &object.refs[i]));
    }
    return true;
}

/* Who reads 0 found believes it: what was not looked at, or not as it is meant, is named. */
static void unreadable(struct look *look, size_t at, const char *why)
{
    look->unread++;
    (void)cli_fail("it may hold what is not told", "%s, byte %zu: not readable: %s", look->path, at, why);
}

static bool look_at_object(void *ctx, struct json_slice slice)
{
    struct look *look = ctx;
    struct json_doc doc;
    struct stix_key key;
    struct str id = STR("");
    enum privacy_role role = PRIVACY_TEXT;
    arena_reset(&look->arena);
    look->hits.count = look->hits.dropped = 0;
    if (parse(look, slice, &doc) && json_is(json_root(&doc), JSON_OBJECT)) {
        struct json_val root = json_root(&doc);
        if (json_get_str(root, STR("id"), &id) && stix_id_parse(id, &key)) {
            const uint64_t *known = map_get(&look->roles, &key);
            role = known == NULL ? PRIVACY_TEXT : (enum privacy_role) * known;
        }
        if (privacy_object(root, role, &look->arena, &look->hits) != ERR_OK)
            look->failed = true;
        for (size_t i = 0; i < look->hits.count; i++)
            say(look, id, &look->hits.at[i]);
        if (look->hits.dropped > 0)
            (void)cli_fail("mask or hold the whole", "%s: object %llu: more was found than is told",
                           look->path, (unsigned long long)look->objects);
    } else {
        unreadable(look, slice.from, "an object that is no JSON, or too large");
    }
    look->objects++;
    return true;
}

static void scan_stix(struct look *look)
{
    enum json_split_kind kind;
    struct fault fault = {.code = ERR_OK};
    bool (*const passes[])(void *, struct json_slice) = {learn, learn, look_at_object};
    map_clear(&look->roles);
    for (size_t i = 0; i < 3; i++) {
        look->inherit = i == 1;
        if (json_split(look->text.bytes, STR("objects"), &kind, passes[i], look, i == 2 ? &fault : NULL) !=
                ERR_OK &&
            i == 2)
            unreadable(look, fault.offset, fault.what[0] != '\0' ? fault.what : "it is no JSON");
    }
}

/* --- texts --- */

static void scan_piece(struct look *look, struct str piece)
{
    size_t gone = (size_t)(piece.at - (const char *)look->text.bytes.at);
    look->hits.count = 0;
    privacy_text(piece, STR(""), &look->hits);
    for (size_t i = 0; i < look->hits.count; i++) {
        struct privacy_hit hit = look->hits.at[i];
        hit.text = str_from_bytes(look->text.bytes);
        hit.from += gone;
        say(look, (struct str) {0}, &hit);
    }
}

/* Whole lines of an object's size at a time, so that hits of any number find room. */
static void scan_text(struct look *look)
{
    struct str text = str_from_bytes(look->text.bytes);
    look->hits.dropped = 0;
    while (text.len > 0) {
        size_t size = text.len > LIMIT_OBJECT_BYTES ? LIMIT_OBJECT_BYTES : text.len;
        while (size < text.len && size > LIMIT_OBJECT_BYTES / 2 && text.at[size - 1] != '\n')
            size--;
        scan_piece(look, (struct str) {text.at, size});
        text.at += size;
        text.len -= size;
    }
    if (look->hits.dropped > 0)
        (void)cli_fail(NULL, "%s: %zu more were found than are told", look->path, look->hits.dropped);
}

/* Other encodings, packed documents and pictures have a zero or what is no UTF-8. They are looked at all the
 * same: what stands in them as it is is found. */
static void look_for_text(struct look *look)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct str text = str_from_bytes(look->text.bytes);
    const char *zero = text.len == 0 ? NULL : memchr(text.at, '\0', text.len);
    if (zero != NULL)
        unreadable(look, (size_t)(zero - text.at), "no text in UTF-8: convert it, or unpack it, first");
    else if (!str_is_utf8(text))
        unreadable(look, 0, "no text in UTF-8: convert it first");
    if (str_starts(text, str_of(mark)))
        look->text.bytes = bytes_of(look->text.bytes.at + sizeof mark - 1, text.len - (sizeof mark - 1));
}

static bool is_stix(const struct look *look)
{
    struct str text = str_trim(str_from_bytes(look->text.bytes));
    return cli_option(look->call, "text") == NULL && text.len > 0 && text.at[0] == '{';
}

static void scan_file(struct look *look, const char *path)
{
    look->path = path;
    if (!text_open(path, "it was not looked at", &look->text)) {
        look->failed = true;
        return;
    }
    struct bytes whole = look->text.bytes;
    look_for_text(look);
    if (is_stix(look))
        scan_stix(look);
    else
        scan_text(look);
    look->text.bytes = whole; /* as it is mapped */
    text_close(&look->text);
}

static void scan_files(struct look *look, struct cli_call *call)
{
    arena_init(&look->arena, ARENA_BYTES_MAX);
    buf_init(&look->padded, LIMIT_OBJECT_BYTES + JSON_PADDING);
    buf_init(&look->out, OUT_BYTES_MAX);
    look->hits.score_min = cli_option(call, "all") != NULL ? SUSPICION : PRIVACY_SCORE_HIT;
    for (size_t i = 0; i < call->arg_count; i++)
        scan_file(look, call->args[i]);
    say_sum(look);
    arena_deinit(&look->arena);
    buf_deinit(&look->padded);
    buf_deinit(&look->out);
}

static int run_scan(struct cli_call *call)
{
    struct look look = {.call = call, .hits = {.size = LIMIT_PRIVACY_HITS}};
    struct hash_sip_key sip;
    struct arena hits;
    arena_init(&hits, LIMIT_PRIVACY_HITS * sizeof(struct privacy_hit));
    look.hits.at = arena_zalloc(&hits, LIMIT_PRIVACY_HITS, sizeof(struct privacy_hit));
    if (look.hits.at == NULL || call->os->random(call->os->ctx, sip.b, sizeof sip.b) != ERR_OK ||
        json_parser_new(LIMIT_OBJECT_BYTES, &look.parser) != ERR_OK) {
        arena_deinit(&hits);
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    }
    map_init(&look.roles, STIX_KEY_SIZE, LIMIT_STIX_TOGETHER, &sip);
    scan_files(&look, call);
    map_deinit(&look.roles);
    json_parser_free(look.parser);
    arena_deinit(&hits);
    return look.found > 0 || look.unread > 0 || look.failed ? CLI_FAILED : CLI_OK;
}

static const struct cli_command commands[] = {
    {.words = "privacy scan",
     .summary = "find personal data in STIX files and texts; needs no node",
     .help =
         "Korean registration numbers, passports, licences and business numbers, American social security\n"
         "numbers, telephones, addresses, cards, names, accounts and references to victims: what it is, how\n"
         "sure (0 to 100; 50 counts), whose by the field's role, where and why. A file that begins with { "
         "is\n"
         "STIX, anything else one text. Values are masked.\n"
         "What is no text in UTF-8 (UTF-16, a .docx, a PDF) is not readable, which is said.\n"
         "Exit status 1 when something was found or could not be read; otherwise 0.",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "- is standard input"}},
     .many = true,
     .options = {{"all", CLI_FLAG, NULL, NULL, "also what is only suspected: scores from 20"},
                 {"text", CLI_FLAG, NULL, NULL, "read every file as one text"},
                 {"values", CLI_FLAG, NULL, NULL, "show what was found, not its shape"}},
     .run = run_scan},
    {.words = "privacy measure",
     .summary = "how well personal data is found in labelled texts: precision and recall",
     .help = "FILE is a table of labelled cases as in tests/corpus/privacy. Right is what has the kind and\n"
             "covers the whole value. Exit status 1 when a bound is missed or a file could not be read.",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "- is standard input"}},
     .many = true,
     .options = {{"misses", CLI_FLAG, NULL, NULL, "also each case that was got wrong"},
                 {"recall", CLI_TEXT, NULL, "PERCENT", "at least so much of the structured kinds in all"},
                 {"precision", CLI_TEXT, NULL, "PERCENT", "likewise"}},
     .run = run_privacy_measure},
    {.words = "privacy find",
     .summary = "where one person's data stands, and who has got it",
     .help =
         "VALUE is a number, an address or a name. Numbers are found however their groups are parted, +82\n"
         "as 0, addresses defanged too, letters in either case. Every version that is kept is read, what "
         "was\n"
         "minted of it, and all that was refused. The access record says who asked, and names the value by "
         "a\n"
         "keyed digest alone. Values that stand encoded (payload_bin) are not read.",
     .args = {{"VALUE", CLI_TEXT, "value", NULL, "as the person writes it"}},
     .control = "privacy.find",
     .columns = {{"PLACE", "place"},
                 {"ID", "id"},
                 {"VERSION", "version"},
                 {"SOURCE", "source"},
                 {"AUDIENCE", "audience"},
                 {"WHEN", "when"},
                 {"LEAF", "leaf"},
                 {"WHERE", "pointers"}}},
    {.words = "privacy report",
     .summary = "what became of personal data, by partner and week; never a value",
     .help = "In how many objects it was denied, held, masked (or taken out), pseudonymised or released, by "
             "which\n"
             "rule, on which basis (of the agreements with the partner), by whose approval, and in how many\n"
             "the approval said on what basis.",
     .control = "privacy.report",
     .columns = {{"AUDIENCE", "audience"},
                 {"WEEK", "week"},
                 {"OUTCOME", "outcome"},
                 {"OBJECTS", "objects"},
                 {"RULE", "rule"},
                 {"BASIS", "basis"},
                 {"APPROVER", "approver"},
                 {"WITH BASIS", "based"}}},
    {.words = "privacy reveal",
     .summary = "what a pseudonym stands for that this node gave a partner",
     .help =
         "The value is in the token itself, sealed for this node: what `privacy erase` took away everywhere\n"
         "is still told by a token that somebody kept. docs/guide/personal-data.md says what to do about it.",
     .args = {{"TOKEN", CLI_TEXT, "token", NULL, "[pseudonym:KIND:...], or a text with some"}},
     .control = "privacy.reveal"},
};

const struct cli_group cli_privacy = {commands, sizeof commands / sizeof commands[0]};
