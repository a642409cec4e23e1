/* What is told by one word: a passport's number, and the person whose home directory a path leads through. */
#include <string.h>

#include "core/limit.h"
#include "privacy/scan.h"

enum { PASSPORT_SIZE = 9, PASSPORT_ODD = 10 };

/* M12345678, or M 12345678 and M-12345678, as one word from `at` on, whose first part ends at `end`. Where it
 * ends; 0: it has another length. */
static size_t passport_end(const struct scan *scan, size_t at, size_t end, char out[PASSPORT_SIZE])
{
    size_t from = at + 1;
    if (end == at + 1 && (scan_byte(scan, end) == ' ' || scan_byte(scan, end) == '-'))
        from++;
    else if (end != at + PASSPORT_SIZE)
        return 0;
    for (size_t i = 1; i < PASSPORT_SIZE; i++, from++) {
        if (!scan_is_alnum(scan_byte(scan, from)))
            return 0;
        out[i] = (char)scan_byte(scan, from);
    }
    out[0] = (char)scan_byte(scan, at);
    return scan_alnum(scan, from) == 0 ? from : 0;
}

/* M ordinary, S single journey, R residents abroad, O official, D diplomatic, G former official. */
bool token_passport(struct scan *scan, size_t at, size_t end, struct find *out)
{
    char text[PASSPORT_SIZE];
    size_t stop = passport_end(scan, at, end, text);
    if (stop == 0 || memchr("MSRODGmsrodg", text[0], 12) == NULL)
        return false;
    bool old = true, new = true, odd = stop != end || text[0] >= 'a';
    for (size_t i = 1; i < PASSPORT_SIZE; i++) {
        uint8_t c = (uint8_t)text[i];
        bool digit = scan_is_digit(c);
        old = old && digit;
        new = new && (i == 4 ? scan_is_letter(c) : digit);
    }
    if (!old && !new)
        return false;
    *out = (struct find) {.kind = PRIVACY_KR_PASSPORT,
                          .score = (new ? 46 : 24) - (odd ? PASSPORT_ODD : 0),
                          .reasons = PRIVACY_PREFIX,
                          .from = at,
                          .end = stop,
                          .bare = true,
                          .odd = odd};
    uint8_t before = at > 0 ? scan_byte(scan, at - 1) : 0, behind = scan_byte(scan, stop);
    if (before == '-' || behind == '-' || before == '.' || before == '_') {
        out->reasons |= PRIVACY_JOINED;
        out->score -= 30;
    }
    return true;
}

/* Accounts that every system has. */
bool token_is_system(struct str name)
{
    static const struct str names[] = {
        {"public", 6},
        {"default", 7},
        {"administrator", 13},
        {"admin", 5},
        {"all users", 9},
        {"user", 4},
        {"users", 5},
        {"guest", 5},
        {"root", 4},
        {"ubuntu", 6},
        {"debian", 6},
        {"ec2-user", 8},
        {"shared", 6},
        {"username", 8},
        {"%username%", 10},
        {"$user", 5},
        {"system", 6},
        {"nobody", 6},
        {"www-data", 8},
        {"daemon", 6},
        {"localsystem", 11},
        {"linuxbrew", 9},
        {"git", 3},
        {"centos", 6},
        {"vagrant", 7},
        {"jenkins", 7},
        {"runner", 6},
        {"defaultuser0", 12},
        {"mysql", 5},
        {"postgres", 8},
        {"nt authority\\system", 19},
        {"local service", 13},
        {"network service", 15},
        {"sshd", 4},
        {"krbtgt", 6},
        {"wdagutilityaccount", 18},
        {"defaultaccount", 14},
        {"oracle", 6},
        {"default user", 12},
        {"anonymous", 9},
        {"nginx", 5},
        {"apache", 6},
        {"name", 4},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_same(name, names[i]))
            return true;
    return false;
}

/* GET /home/news: a request's path. */
bool token_is_request(const struct scan *scan, size_t root)
{
    static const struct str methods[] = {
        {"GET ", 4}, {"POST ", 5}, {"PUT ", 4}, {"HEAD ", 5}, {"DELETE ", 7}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (str_ends((struct str) {scan->text.at, root}, methods[i]))
            return true;
    return false;
}

/* The component before `at`, which stands at a separator: Users below a drive or the root, home, Documents
 * and Settings. */
static bool is_homes(const struct scan *scan, size_t at)
{
    static const struct str homes[] = {{"users", 5}, {"home", 4}, {"documents and settings", 22}};
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
        size_t len = homes[i].len;
        if (at < len + 1 || !str_same((struct str) {scan->text.at + at - len, len}, homes[i]))
            continue;
        size_t root = at - len;
        uint8_t mark = scan_byte(scan, root - 1);
        while (root > 0 && scan_byte(scan, root - 1) == mark && at - root < len + 4)
            root--;
        uint8_t before = root > 0 ? scan_byte(scan, root - 1) : ' ';
        if (mark == '\\')
            return before == ':' || before == '%';
        return mark == '/' && !scan_is_alnum(before) && before < 0x80 && before != '.' && before != '/' &&
               !token_is_request(scan, root);
    }
    return false;
}

static bool ends_name(uint8_t c)
{
    return c < ' ' || memchr("\\/:\"'<>|?*,;()[]{}`", c, 19) != NULL;
}

/* With its spaces when a path goes on behind it, else the first word. */
static size_t name_end(const struct scan *scan, size_t at)
{
    size_t end = at, word = 0;
    while (end < scan->text.len && end - at < LIMIT_PRIVACY_LOCAL && !ends_name(scan_byte(scan, end))) {
        if (scan_byte(scan, end) == ' ' && word == 0)
            word = end;
        end++;
    }
    uint8_t c = scan_byte(scan, end);
    return (c == '\\' || c == '/') || word == 0 ? end : word;
}

bool token_path(struct scan *scan, size_t at, struct find *out)
{
    if (!is_homes(scan, at))
        return false;
    uint8_t mark = scan_byte(scan, at);
    size_t from = at;
    while (scan_byte(scan, from) == mark && from - at < 4)
        from++;
    size_t end = name_end(scan, from);
    scan->hits->steps += end - at;
    struct str name = {scan->text.at + from, end - from};
    if (name.len < 2 || name.at[0] == '.' || name.at[0] == '%' || name.at[0] == '$' || token_is_system(name))
        return false;
    *out = (struct find) {
        .kind = PRIVACY_ACCOUNT, .score = 62, .reasons = PRIVACY_PREFIX, .from = from, .end = end};
    return true;
}
