/* privacy measure: what privacy_text and privacy_object find in labelled cases, against their labels.
 *
 * A line is FORM, language, labels, text, parted by tabs; lines that begin with # are for people. Of form
 * "text" the labels stand in the text: U+27E6 KIND | VALUE U+27E7; "\n", "\t" and "\\" are escapes. Of form
 * "object" the text is one STIX object and the labels are KIND@POINTER or KIND@POINTER:ROLE, parted by ";".
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cmd_privacy.h"
#include "cli/text.h"
#include "core/limit.h"

enum { LABELS_MAX = 64, HITS_MAX = 256, SLACK = 8, LINE_BYTES_MAX = 1 << 20 };

struct label {
    enum privacy_kind kind;
    size_t from, len;
    struct str pointer, role; /* of an object */
    bool found;
};

struct tally {
    uint64_t right, missed, wrong;
};

struct measure {
    const struct cli_call *call;
    const char *path;
    struct json_parser *parser;
    struct arena arena;
    struct buf text, out;
    struct label labels[LABELS_MAX];
    size_t label_count;
    struct privacy_hit hits[HITS_MAX];
    struct tally kinds[PRIVACY_KINDS];
    uint64_t cases, quiet, line; /* quiet: cases that have nothing to find */
    bool failed;
};

/* --- a case --- */

static bool add_label(struct measure *measure, struct label label)
{
    if (label.kind == PRIVACY_KINDS || measure->label_count == LABELS_MAX)
        return false;
    measure->labels[measure->label_count++] = label;
    return true;
}

/* The text without its marks and escapes. */
static bool read_text(struct measure *measure, struct str raw)
{
    static const struct str open = {"\xe2\x9f\xa6", 3}, close = {"\xe2\x9f\xa7", 3};
    struct buf *text = &measure->text;
    bool inside = false;
    while (raw.len > 0 && measure->label_count <= LABELS_MAX) {
        size_t skip = 1;
        if (str_starts(raw, open)) {
            struct str rest = {raw.at + 3, raw.len - 3};
            struct str kind = str_cut(&rest, '|');
            if (inside ||
                !add_label(measure, (struct label) {privacy_kind_find(kind), text->len, 0, {0}, {0}, 0}))
                return false;
            inside = true;
            skip = 3 + kind.len + 1;
        } else if (str_starts(raw, close)) {
            struct label *label = &measure->labels[measure->label_count - 1];
            if (!inside)
                return false;
            label->len = text->len - label->from;
            inside = false;
            skip = 3;
        } else if (raw.at[0] == '\\' && raw.len > 1) {
            buf_putc(text, raw.at[1] == 'n' ? '\n' : raw.at[1] == 't' ? '\t' : raw.at[1]);
            skip = 2;
        } else {
            buf_putc(text, raw.at[0]);
        }
        raw.at += skip;
        raw.len -= skip;
    }
    return !inside;
}

static bool read_labels(struct measure *measure, struct str labels)
{
    while (labels.len > 0 && !str_eq(labels, STR("-"))) {
        struct str one = str_cut(&labels, ';');
        struct str kind = str_cut(&one, '@');
        struct str pointer = str_cut(&one, ':');
        if (!add_label(measure, (struct label) {privacy_kind_find(kind), 0, 0, pointer, one, false}))
            return false;
    }
    return true;
}

/* --- comparing --- */

static bool is_right(const struct label *label, const struct privacy_hit *hit)
{
    if (label->found || label->kind != hit->kind)
        return false;
    if (label->pointer.at != NULL)
        return str_eq(label->pointer, hit->pointer) &&
               (label->role.len == 0 || str_eq(label->role, str_of(privacy_role_name(hit->role))));
    return hit->from <= label->from && label->from - hit->from <= SLACK &&
           hit->from + hit->len >= label->from + label->len &&
           hit->from + hit->len - label->from - label->len <= SLACK;
}

static void tell(struct measure *measure, const char *what, enum privacy_kind kind, struct str text)
{
    struct buf *out = &measure->out;
    if (cli_option(measure->call, "misses") == NULL)
        return;
    buf_printf(out, "%s:%llu: %s %s: ", measure->path, (unsigned long long)measure->line, what,
               privacy_kind_name(kind));
    print_clean(out, text);
    buf_putc(out, '\n');
}

static void compare(struct measure *measure, const struct privacy_hits *hits, struct str text)
{
    for (size_t i = 0; i < hits->count; i++) {
        const struct privacy_hit *hit = &hits->at[i];
        struct label *label = NULL;
        for (size_t j = 0; label == NULL && j < measure->label_count; j++)
            label = is_right(&measure->labels[j], hit) ? &measure->labels[j] : NULL;
        if (label != NULL) {
            label->found = true;
            measure->kinds[hit->kind].right++;
        } else {
            measure->kinds[hit->kind].wrong++;
            tell(measure, "wrong", hit->kind, text);
        }
    }
    for (size_t j = 0; j < measure->label_count; j++) {
        if (measure->labels[j].found)
            continue;
        measure->kinds[measure->labels[j].kind].missed++;
        tell(measure, "missed", measure->labels[j].kind, text);
    }
}

static bool run_case(struct measure *measure, struct str line)
{
    static const uint8_t padding[JSON_PADDING];
    struct privacy_hits hits = {.at = measure->hits, .size = HITS_MAX, .score_min = PRIVACY_SCORE_HIT};
    struct json_doc doc;
    struct str form = str_cut(&line, '\t');
    (void)str_cut(&line, '\t');
    struct str labels = str_cut(&line, '\t');
    measure->label_count = 0;
    buf_clear(&measure->text);
    arena_reset(&measure->arena);
    if (str_eq(form, STR("text"))) {
        if (!read_text(measure, line) || buf_err(&measure->text) != ERR_OK)
            return false;
        privacy_text(buf_str(&measure->text), STR(""), &hits);
    } else if (str_eq(form, STR("object"))) {
        buf_put_str(&measure->text, line);
        buf_put(&measure->text, padding, sizeof padding);
        if (!read_labels(measure, labels) || buf_err(&measure->text) != ERR_OK ||
            json_parse(measure->parser, bytes_of(measure->text.at, line.len), &doc, NULL) != ERR_OK ||
            privacy_object(json_root(&doc), PRIVACY_TEXT, &measure->arena, &hits) != ERR_OK)
            return false;
    } else {
        return false;
    }
    measure->cases++;
    measure->quiet += measure->label_count == 0;
    compare(measure, &hits, line);
    return true;
}

static void run_file(struct measure *measure, const char *path)
{
    struct text text;
    measure->path = path;
    measure->line = 0;
    if (!text_open(path, "it was not looked at", &text)) {
        measure->failed = true;
        return;
    }
    for (struct str rest = str_from_bytes(text.bytes); rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        measure->line++;
        if (line.len == 0 || line.at[0] == '#' || run_case(measure, line))
            continue;
        measure->failed = true;
        (void)cli_fail("bongsu privacy measure --help", "%s:%llu: not a labelled case", path,
                       (unsigned long long)measure->line);
    }
    text_close(&text);
}

/* --- figures --- */

/* In percent; of nothing: 100. */
static double share(uint64_t part, uint64_t rest)
{
    return part + rest == 0 ? 100.0 : 100.0 * (double)part / (double)(part + rest);
}

static void put_row(struct measure *measure, const char *name, const struct tally *tally)
{
    double recall = share(tally->right, tally->missed), precision = share(tally->right, tally->wrong);
    if (measure->call->json)
        buf_printf(&measure->out,
                   "{\"kind\":\"%s\",\"right\":%llu,\"missed\":%llu,\"wrong\":%llu,\"recall\":%.2f,"
                   "\"precision\":%.2f}\n",
                   name, (unsigned long long)tally->right, (unsigned long long)tally->missed,
                   (unsigned long long)tally->wrong, recall, precision);
    else
        buf_printf(&measure->out, "%-18s %7llu %7llu %7llu %8.2f %% %9.2f %%\n", name,
                   (unsigned long long)tally->right, (unsigned long long)tally->missed,
                   (unsigned long long)tally->wrong, recall, precision);
}

static struct tally put_rows(struct measure *measure)
{
    struct tally structured = {0}, all = {0};
    if (!measure->call->json)
        buf_printf(&measure->out, "%-18s %7s %7s %7s %10s %11s\n", "kind", "right", "missed", "wrong",
                   "recall", "precision");
    for (unsigned i = 0; i < PRIVACY_KINDS; i++) {
        const struct tally *tally = &measure->kinds[i];
        struct tally *const sums[] = {&all,
                                      privacy_kind_structured((enum privacy_kind)i) ? &structured : NULL};
        for (size_t j = 0; j < 2 && sums[j] != NULL; j++) {
            sums[j]->right += tally->right;
            sums[j]->missed += tally->missed;
            sums[j]->wrong += tally->wrong;
        }
        if (tally->right + tally->missed + tally->wrong > 0)
            put_row(measure, privacy_kind_name((enum privacy_kind)i), tally);
    }
    put_row(measure, "structured", &structured);
    put_row(measure, "all", &all);
    if (!measure->call->json)
        buf_printf(&measure->out, "%llu cases, %llu of them with nothing to find\n",
                   (unsigned long long)measure->cases, (unsigned long long)measure->quiet);
    return structured;
}

/* True when the option is not given, or reached. */
static bool reaches(const struct cli_call *call, const char *name, double figure)
{
    const char *bound = cli_option(call, name);
    return bound == NULL || figure >= strtod(bound, NULL) ||
           cli_fail(NULL, "%s of the structured kinds is %.2f %%, not %s", name, figure, bound) == CLI_OK;
}

int run_privacy_measure(struct cli_call *call)
{
    struct measure *measure;
    struct arena memory;
    arena_init(&memory, sizeof *measure);
    measure = arena_zalloc(&memory, 1, sizeof *measure);
    if (measure == NULL || json_parser_new(LIMIT_OBJECT_BYTES, &measure->parser) != ERR_OK) {
        arena_deinit(&memory);
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    }
    measure->call = call;
    arena_init(&measure->arena, LINE_BYTES_MAX * 16);
    buf_init(&measure->text, LINE_BYTES_MAX);
    buf_init(&measure->out, LINE_BYTES_MAX * 64);
    for (size_t i = 0; i < call->arg_count; i++)
        run_file(measure, call->args[i]);
    struct tally sum = put_rows(measure);
    bool good = buf_err(&measure->out) == ERR_OK && !measure->failed &&
                fwrite(measure->out.at, 1, measure->out.len, stdout) == measure->out.len;
    good = reaches(call, "recall", share(sum.right, sum.missed)) && good;
    good = reaches(call, "precision", share(sum.right, sum.wrong)) && good;
    json_parser_free(measure->parser);
    arena_deinit(&measure->arena);
    buf_deinit(&measure->text);
    buf_deinit(&measure->out);
    arena_deinit(&memory);
    return good ? CLI_OK : CLI_FAILED;
}
