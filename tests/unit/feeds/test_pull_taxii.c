/* TAXII servers as they are, each habit a row: whatever the page size and however many objects share a date,
 * every object arrives, and is taken in once. */
#include "pull.h"

#include "core/stamp.h"

enum {
    INCLUSIVE = 1,        /* added_after gives what carries that date as well */
    NO_NEXT = 2,          /* more, and no token */
    MORE_FOREVER = 4,     /* more on every page, the empty ones too */
    REPEATS = 8,          /* whatever the token, the first page */
    NEXT_AT_END = 16,     /* a token on the last page, where more is false */
    PICKY = 32,           /* 406 for the first two media types */
    NO_DATES = 64,        /* no X-TAXII-Date-Added fields */
    FORGETFUL = 128,      /* a token is good once in three times */
    BUNDLE = 256,         /* a bundle where an envelope belongs */
    STUCK = 512,          /* the last page again and again, with its token */
    V20 = 1024,           /* ranges */
    NO_RANGE = 2048,      /* 206 and always the first items */
    WHOLE_SECONDS = 4096, /* compares and writes dates to the second */
    MOVED = 8192,         /* 308 to a path with another root */
    NUMBER_TOKEN = 16384,
    RANGE_EQUALS = 32768, /* 400 for a range without "=" */
};

struct server {
    unsigned habits;
    size_t count, page;
    int64_t *date_us; /* of each object, rising */
    size_t asked;
    char *body;
};

static char body[8 << 20];

static void date_of(const struct server *server, size_t i, char out[TIME_TEXT_SIZE])
{
    time_text(server->date_us[i], out);
    if ((server->habits & WHOLE_SECONDS) != 0)
        memcpy(out + 19, "Z", 2);
}

static const char *param(const char *target, const char *name, char *out, size_t size)
{
    char want[32];
    (void)snprintf(want, sizeof want, "%s=", name);
    const char *at = strstr(target, want);
    if (at == NULL)
        return NULL;
    at += strlen(want);
    size_t len = strcspn(at, "&");
    assert_true(len < size);
    memcpy(out, at, len);
    out[len] = '\0';
    return out;
}

/* The first object that added_after lets through. */
static size_t first_after(const struct server *server, const char *after)
{
    struct stamp stamp;
    size_t i = 0;
    if (after == NULL)
        return 0;
    assert_int_equal(stamp_parse(str_of(after), &stamp, NULL), ERR_OK);
    int64_t unit = (server->habits & WHOLE_SECONDS) != 0 ? 1000000 : 1;
    int64_t bound = stamp_us(stamp) / unit;
    while (i < server->count && ((server->habits & INCLUSIVE) != 0 ? server->date_us[i] / unit < bound
                                                                   : server->date_us[i] / unit <= bound))
        i++;
    return i;
}

static void write_objects(const struct server *server, size_t from, size_t to, bool bundle, bool more,
                          size_t next)
{
    size_t len =
        (size_t)snprintf(body, sizeof body, "{%s", bundle ? "\"type\":\"bundle\",\"id\":\"bundle--1\"," : "");
    if (more || (server->habits & NEXT_AT_END) != 0)
        len += (size_t)snprintf(body + len, sizeof body - len, "\"more\":%s,", more ? "true" : "false");
    if ((more || (server->habits & NEXT_AT_END) != 0) && (server->habits & (NO_NEXT | V20)) == 0)
        len += (size_t)snprintf(
            body + len, sizeof body - len,
            (server->habits & NUMBER_TOKEN) != 0 ? "\"next\":%zu," : "\"next\":\"t &%zu\",", next);
    len += (size_t)snprintf(body + len, sizeof body - len, "\"objects\":[");
    for (size_t i = from; i < to; i++)
        len += (size_t)snprintf(
            body + len, sizeof body - len,
            "%s{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-4000-"
            "8000-%012zu\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:"
            "00.000Z\",\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\",\"pattern_type\":\"stix\","
            "\"valid_from\":\"2026-01-01T00:00:00Z\"}",
            i == from ? "" : ",", i);
    (void)snprintf(body + len, sizeof body - len, "]}");
}

/* Of 2.0; false: it is written as this server does not take it, and refused. */
static bool read_range(struct pull *p, const struct server *server, unsigned long *a, unsigned long *b)
{
    bool equals = (server->habits & RANGE_EQUALS) != 0;
    if (equals && pull_field(p, "range")[5] != '=') {
        pull_answer(p, 400, NULL, 0, "{\"title\":\"ProcessingError\"}");
        return false;
    }
    assert_int_equal(sscanf(pull_field(p, "range"), equals ? "items=%lu-%lu" : "items %lu-%lu", a, b), 2);
    return true;
}

static void serve(struct pull *p, struct server *server)
{
    char text[64], token[64], first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE], range[64];
    struct feed_field fields[4];
    size_t count = 0, page = server->page;
    const char *after = param(p->target, "added_after", text, sizeof text);
    const char *next = param(p->target, "next", token, sizeof token);
    size_t start = first_after(server, after), from = start;
    server->asked++;
    assert_true(server->asked < 100000);
    if ((server->habits & PICKY) != 0 && strcmp(pull_field(p, "accept"), "application/taxii+json") != 0) {
        pull_answer(p, 406, NULL, 0, "{}");
        return;
    }
    if ((server->habits & MOVED) != 0 && strncmp(p->target, "/other/", 7) != 0) {
        (void)snprintf(body, sizeof body, "https://far.example/other%s", p->target);
        struct feed_field to = {STR("location"), str_of(body)};
        feed_head(p->feed, p->call.id, 308, &to, 1, p->bench.now_us);
        feed_over(p->feed, p->call.id, ERR_OK, NULL, p->bench.now_us);
        return;
    }
    if (next != NULL) {
        if ((server->habits & FORGETFUL) != 0 && server->asked % 3 == 0) {
            pull_answer(p, 400, NULL, 0, "{\"title\":\"no such token\"}");
            return;
        }
        /* "t%20%26<number>" */
        from = strtoul((server->habits & NUMBER_TOKEN) != 0 ? next : next + 7, NULL, 10);
        if ((server->habits & REPEATS) != 0)
            from = start;
    }
    if ((server->habits & V20) != 0) {
        unsigned long a = 0, b = 0;
        if (!read_range(p, server, &a, &b))
            return;
        from = (server->habits & NO_RANGE) != 0 ? start : start + a;
        page = b - a + 1 < page ? b - a + 1 : page;
    } else if (param(p->target, "limit", range, sizeof range) != NULL) {
        size_t limit = strtoul(range, NULL, 10);
        page = limit > 1000 ? 4 * server->page : limit < page ? limit : page;
    }
    size_t to = from > server->count          ? server->count
                : server->count - from > page ? from + page
                                              : server->count;
    if (from > to)
        from = to;
    bool more = to < server->count || (server->habits & MORE_FOREVER) != 0;
    if ((server->habits & STUCK) != 0 && from == to && from > 0)
        from = to > page ? to - page : 0;
    if ((server->habits & STUCK) != 0)
        more = true;
    if (to > from && (server->habits & NO_DATES) == 0) {
        date_of(server, from, first);
        date_of(server, to - 1, last);
        fields[count++] = (struct feed_field) {STR("x-taxii-date-added-first"), str_of(first)};
        fields[count++] = (struct feed_field) {STR("x-taxii-date-added-last"), str_of(last)};
    }
    fields[count++] = (struct feed_field) {STR("date"), STR("Fri, 01 Jan 2027 08:49:37 GMT")};
    if ((server->habits & V20) != 0) {
        if (from == to && from > start) {
            pull_answer(p, 416, NULL, 0, "");
            return;
        }
        (void)snprintf(range, sizeof range, "items %zu-%zu/%zu", from - start,
                       to == from ? from - start : to - start - 1, server->count - start);
        fields[count++] = (struct feed_field) {STR("content-range"), str_of(range)};
    }
    write_objects(server, from, to, (server->habits & (BUNDLE | V20)) != 0, more, to);
    pull_answer(p, (server->habits & V20) != 0 ? 206 : 200, fields, count, body);
}

static void make_dates(struct server *server, size_t ties, int64_t unit_us)
{
    server->date_us = calloc(server->count + 1000, sizeof *server->date_us);
    assert_non_null(server->date_us);
    for (size_t i = 0; i < server->count + 1000; i++)
        server->date_us[i] = NOW - 3000 * unit_us + (int64_t)(i / ties) * unit_us;
}

static void run(struct pull *p, struct server *server)
{
    server->asked = 0;
    while (pull_step(p))
        serve(p, server);
    pull_commit(p);
}

static void look(const char *habit, const struct pull *p, const struct server *server, bool remark)
{
    struct feed_status status = pull_status(p);
    struct gate_counts counts;
    gate_counts(p->bench.gate, &counts);
    if (counts.objects != server->count || status.counts.fresh != server->count || status.err != ERR_OK ||
        status.counts.refused != 0 || (!remark && status.what[0] != '\0'))
        fail_msg("%s: page %zu: %llu objects held, %llu new, %llu refused of %zu: %s", habit, server->page,
                 (unsigned long long)counts.objects, (unsigned long long)status.counts.fresh,
                 (unsigned long long)status.counts.refused, server->count, status.what);
}

static const struct {
    const char *name;
    unsigned habits;
    bool remark; /* the server says what cannot be so: that is told */
} habits[] = {
    {"as the standard says", 0, false},
    {"answers inclusively", INCLUSIVE, false},
    {"more, never next", NO_NEXT, false},
    {"more, never next, inclusive", NO_NEXT | INCLUSIVE, false},
    {"more for ever", MORE_FOREVER, true},
    {"more for ever, never next", MORE_FOREVER | NO_NEXT, true},
    {"more for ever, never next, inclusive", MORE_FOREVER | NO_NEXT | INCLUSIVE, true},
    {"next repeats the first page", REPEATS, false},
    {"next repeats the first page, inclusive", REPEATS | INCLUSIVE, false},
    {"next on the last page, more false", NEXT_AT_END, false},
    {"wants another media type", PICKY, false},
    {"no dates", NO_DATES, false},
    {"forgets its tokens", FORGETFUL, false},
    {"a bundle for an envelope", BUNDLE, false},
    {"the last page for ever", STUCK, true},
    {"the last page for ever, inclusive", STUCK | INCLUSIVE, true},
    {"dates of whole seconds", WHOLE_SECONDS, false},
    {"dates of whole seconds, never next", WHOLE_SECONDS | NO_NEXT, false},
    {"moved", MOVED, false},
    {"a number for a token", NUMBER_TOKEN, false},
    {"2.0", V20, false},
    {"2.0, inclusive", V20 | INCLUSIVE, false},
    {"2.0, ranges with an equals sign", V20 | RANGE_EQUALS, false},
    {"2.0, ranges make no difference", V20 | NO_RANGE, false},
    {"2.0, ranges make no difference, inclusive", V20 | NO_RANGE | INCLUSIVE, false},
};

static void begin(struct pull *p, unsigned which)
{
    pull_init(p, (which & V20) != 0 ? "taxii20" : "taxii21", "https://far.example/api1/collections/c/", NULL,
              0);
}

static void every_object_arrives_once_from_every_server(void **state)
{
    static const struct {
        size_t count, page, ties;
    } shapes[] = {{0, 10, 1}, {1, 10, 1}, {57, 10, 7}, {60, 10, 10}, {60, 10, 25}, {33, 100, 33}};
    (void)state;
    for (size_t h = 0; h < sizeof habits / sizeof habits[0]; h++) {
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            struct pull p;
            struct server server = {habits[h].habits, shapes[s].count, shapes[s].page, NULL, 0, NULL};
            if ((server.habits & (STUCK | MORE_FOREVER)) != 0 && server.count == 0)
                continue; /* more of nothing: that is a failure, see below */
            if ((server.habits & NO_RANGE) != 0 && shapes[s].ties >= shapes[s].page)
                continue; /* nobody can read that: see below */
            begin(&p, server.habits);
            make_dates(&server, shapes[s].ties, 1000000);
            run(&p, &server);
            look(habits[h].name, &p, &server, habits[h].remark || shapes[s].count == 0);
            /* Some come later, the first of them with the last date of before. */
            server.count += 13;
            if (server.count > 13)
                server.date_us[server.count - 13] = server.date_us[server.count - 14];
            pull_due(&p);
            run(&p, &server);
            look(habits[h].name, &p, &server, true);
            free(server.date_us);
            pull_deinit(&p);
        }
    }
}

static void the_power_may_go_between_any_two_pages(void **state)
{
    (void)state;
    for (size_t h = 0; h < sizeof habits / sizeof habits[0]; h++) {
        struct pull p;
        struct server server = {habits[h].habits, 57, 10, NULL, 0, NULL};
        size_t answers = 0;
        begin(&p, server.habits);
        make_dates(&server, 4, 1000000);
        while (pull_step(&p)) {
            serve(&p, &server);
            if (++answers % 2 > 0 || answers >= 12)
                continue;
            pull_restart(&p);
            p.bench.now_us += 5000000; /* it goes on within that, whatever its schedule */
        }
        for (int tries = 0; pull_status(&p).err != ERR_OK && tries < 5; tries++) {
            pull_due(&p);
            run(&p, &server);
        }
        struct gate_counts counts;
        pull_commit(&p);
        gate_counts(p.bench.gate, &counts);
        if (counts.objects != server.count)
            fail_msg("%s: %llu of %zu", habits[h].name, (unsigned long long)counts.objects, server.count);
        free(server.date_us);
        pull_deinit(&p);
    }
}

static void a_run_without_news_asks_once_and_writes_nothing(void **state)
{
    struct pull p;
    struct server server = {0, 57, 10, NULL, 0, NULL};
    struct gate_counts before, after;
    (void)state;
    begin(&p, 0);
    make_dates(&server, 1, 1000000);
    run(&p, &server);
    p.bench.now_us += INT64_C(900) * 1000000;
    run(&p, &server); /* counts one duplicate, which is written */
    gate_counts(p.bench.gate, &before);
    assert_int_equal(server.asked, 1);
    assert_int_equal(pull_status(&p).counts.duplicate, 1);
    gate_counts(p.bench.gate, &after);
    assert_int_equal(after.objects, before.objects);
    free(server.date_us);
    pull_deinit(&p);
}

static void refusals_say_what_to_do_and_wait(void **state)
{
    static const struct {
        unsigned status;
        err_t err;
    } rows[] = {{401, ERR_DENIED}, {403, ERR_DENIED}, {404, ERR_NOTFOUND}, {406, ERR_UNSUPPORTED},
                {429, ERR_BUSY},   {500, ERR_IO},     {503, ERR_IO},       {302, ERR_DENIED}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pull p;
        struct feed_field fields[] = {{STR("retry-after"), STR("7200")},
                                      {STR("location"), STR("https://elsewhere.example/api1/")}};
        begin(&p, 0);
        while (pull_step(&p))
            pull_answer(&p, rows[i].status, fields, 2, "{\"title\":\"no\"}");
        struct feed_status status = pull_status(&p);
        assert_int_equal(status.err, rows[i].err);
        assert_true(status.next[0] != '\0');
        assert_int_equal(status.next_us - p.bench.now_us, INT64_C(7200) * 1000000);
        assert_int_equal(status.counts.fresh, 0);
        pull_deinit(&p);
    }
}

static void a_server_that_wants_a_certificate_is_told_from_one_that_is_asked_wrongly(void **state)
{
    static const struct {
        unsigned status;
        const char *body, *what;
        err_t err;
    } rows[] = {
        {400, "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>",
         "the server wants a client certificate that it trusts (status 400: 400 No required SSL certificate "
         "was sent)",
         ERR_DENIED},
        {403, "<TITLE> Client Certificate required</TITLE>",
         "the server wants a client certificate that it trusts (status 403: Client Certificate required)",
         ERR_DENIED},
        {400, "{\"title\":\"Bad\",\"description\":\"limit\"}",
         "the server does not take the request (status 400: Bad: limit)", ERR_INVALID},
        {400, "<title>\xff</title>", "the server does not take the request (status 400)", ERR_INVALID},
        {400, "<title>cut", "the server does not take the request (status 400: cut)", ERR_INVALID},
        {500, "certificate", "the server has a fault of its own (status 500)", ERR_IO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pull p;
        begin(&p, 0);
        while (pull_step(&p))
            pull_answer(&p, rows[i].status, NULL, 0, rows[i].body);
        struct feed_status status = pull_status(&p);
        assert_string_equal(status.what, rows[i].what);
        assert_int_equal(status.err, rows[i].err);
        pull_deinit(&p);
    }
}

static void what_is_no_answer_of_a_taxii_server_is_refused(void **state)
{
    static const char *const bodies[] = {
        "",          "<html>login</html>",       "[1,2]",
        "{\"a\":1}", "{\"objects\":[{\"type\":", "{\"objects\":[]}{\"objects\":[]}",
        "\xff\xfe"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct pull p;
        begin(&p, 0);
        assert_true(pull_step(&p));
        pull_answer(&p, 200, NULL, 0, bodies[i]);
        assert_false(pull_step(&p));
        assert_int_not_equal(pull_status(&p).err, ERR_OK);
        assert_int_equal(pull_status(&p).failures, 1);
        pull_deinit(&p);
    }
}

static void what_cannot_be_read_is_told(void **state)
{
    struct pull p;
    struct server server = {V20 | NO_RANGE, 60, 10, NULL, 0, NULL};
    (void)state;
    begin(&p, V20);
    make_dates(&server, 25, 1000000);
    run(&p, &server);
    assert_int_equal(pull_status(&p).err, ERR_OK);
    assert_true(pull_status(&p).counts.fresh < 60);
    assert_non_null(strstr(pull_status(&p).what, "more objects carry one date_added"));
    free(server.date_us);
    pull_deinit(&p);
}

static void more_of_nothing_ends(void **state)
{
    struct pull p;
    (void)state;
    begin(&p, 0);
    while (pull_step(&p))
        pull_answer(&p, 200, NULL, 0, "{\"more\":true,\"next\":\"x\",\"objects\":[]}");
    assert_int_equal(pull_status(&p).err, ERR_WRONGSTATE);
    assert_true(p.calls <= LIMIT_FEED_EMPTY_PAGES + 1);
    pull_deinit(&p);
}

static void the_address_is_made_as_the_standard_says(void **state)
{
    static const struct {
        const char *url, *collection, *target;
    } rows[] = {
        {"https://h.example/api1/collections/c", NULL, "/api1/collections/c/objects/?limit=1000"},
        {"https://h.example/api1/collections/c/objects/", NULL, "/api1/collections/c/objects/?limit=1000"},
        {"https://h.example/api1/", "a b", "/api1/collections/a%20b/objects/?limit=1000"},
        {"https://h.example/c/?match[type]=indicator", NULL, "/c/objects/?match[type]=indicator&limit=5"},
        {"https://h.example", "c", "/collections/c/objects/?limit=1000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pull p;
        struct feed_setting options[2];
        size_t count = 0;
        if (rows[i].collection != NULL)
            options[count++] = (struct feed_setting) {STR("collection"), str_of(rows[i].collection)};
        if (strstr(rows[i].target, "limit=5") != NULL)
            options[count++] = (struct feed_setting) {STR("limit"), STR("5")};
        pull_init(&p, "taxii21", rows[i].url, options, count);
        assert_true(pull_step(&p));
        assert_string_equal(p.target, rows[i].target);
        pull_deinit(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_arrives_once_from_every_server),
        cmocka_unit_test(the_power_may_go_between_any_two_pages),
        cmocka_unit_test(a_run_without_news_asks_once_and_writes_nothing),
        cmocka_unit_test(refusals_say_what_to_do_and_wait),
        cmocka_unit_test(a_server_that_wants_a_certificate_is_told_from_one_that_is_asked_wrongly),
        cmocka_unit_test(what_is_no_answer_of_a_taxii_server_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(more_of_nothing_ends),
        cmocka_unit_test(the_address_is_made_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
