/* Whose it is what stands in a rule of YARA or Sigma: what it says about itself (who wrote it, for whom, by
 * which report) is a text like any other; what it looks for is the attacker's. Read by the words that begin
 * the parts; linear, no recursion. */
#include <string.h>

#include "privacy/field.h"
#include "privacy/scan.h"

struct telling {
    struct privacy_hits *hits;
    size_t next; /* the first hit that is not judged */
};

/* Everything found before `end` was said about the rule, or is what it looks for. */
static void judge_to(struct telling *telling, size_t end, bool about)
{
    for (; telling->next < telling->hits->count && telling->hits->at[telling->next].from < end;
         telling->next++)
        if (about)
            telling->hits->at[telling->next].role = PRIVACY_TEXT;
}

static bool is_word(uint8_t c)
{
    return scan_is_alnum(c) || c == '_';
}

/* --- YARA --- */

/* Behind a text between quotes, or a comment, that begins at `at`; `at`: neither does. */
static size_t past_text(struct str text, size_t at, bool *comment)
{
    size_t end = at + 1;
    char c = text.at[at], next = end < text.len ? text.at[end] : 0;
    *comment = c == '/' && (next == '/' || next == '*');
    if (c != '"' && !*comment)
        return at;
    if (c == '"') {
        for (; end < text.len && text.at[end] != '"' && text.at[end] != '\n'; end++)
            end += text.at[end] == '\\';
        return end < text.len ? end + 1 : text.len;
    }
    for (end++; end < text.len; end++)
        if (next == '/' ? text.at[end] == '\n'
                        : text.at[end] == '/' && text.at[end - 1] == '*' && end > at + 2)
            return end + 1;
    return text.len;
}

/* "meta:", "strings:" or "condition:" begins a part. */
static bool yara_part(struct str word, bool *about)
{
    *about = str_eq(word, STR("meta"));
    return *about || str_eq(word, STR("strings")) || str_eq(word, STR("condition"));
}

static void judge_yara(struct str text, struct telling *telling)
{
    bool about = false, comment, is;
    for (size_t at = 0, end; at < text.len; at = end) {
        end = past_text(text, at, &comment);
        if (end > at) {
            judge_to(telling, at, about);
            judge_to(telling, end, about || comment);
            continue;
        }
        while (end < text.len && is_word((uint8_t)text.at[end]))
            end++;
        size_t colon = end;
        while (colon < text.len && (text.at[colon] == ' ' || text.at[colon] == '\t'))
            colon++;
        if (end > at && colon < text.len && text.at[colon] == ':' &&
            yara_part((struct str) {text.at + at, end - at}, &is)) {
            judge_to(telling, at, about);
            about = is;
        }
        about = about && text.at[at] != '}';
        end += end == at;
    }
    judge_to(telling, text.len, about);
}

/* --- Sigma --- */

/* A line that is not set in names a part. */
static void judge_sigma(struct str text, struct telling *telling)
{
    bool detects = false;
    for (size_t at = 0, end; at < text.len; at = end) {
        struct str rest = {text.at + at, text.len - at}, line = str_cut(&rest, '\n');
        bool names = line.len > 0 && line.at[0] != ' ' && line.at[0] != '\t' && line.at[0] != '-';
        bool comment = str_starts(str_trim(line), STR("#"));
        end = at + line.len + (rest.at != NULL);
        detects = names && !comment ? str_starts(line, STR("detection:")) : detects;
        judge_to(telling, end, !detects || comment);
    }
}

/* --- both --- */

static const struct {
    struct str language;
    void (*judge)(struct str text, struct telling *telling);
} languages[] = {{{"yara", 4}, judge_yara}, {{"sigma", 5}, judge_sigma}};

enum { LANGUAGES = sizeof languages / sizeof languages[0] };

static size_t find(struct str language)
{
    size_t i = 0;
    while (i < LANGUAGES && !str_same(languages[i].language, language))
        i++;
    return i;
}

bool rule_is_known(struct str language)
{
    return find(language) < LANGUAGES;
}

void rule_judge(struct str language, struct str text, size_t first, struct privacy_hits *hits)
{
    struct telling telling = {hits, first};
    size_t at = find(language);
    if (at < LANGUAGES)
        languages[at].judge(text, &telling);
}
