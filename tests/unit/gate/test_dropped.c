/* What leaves without references that its reader may not have: of some an object needs one, or another. */
#include "texts.h"

static const char dropping[] = "language 1\nrelease r if tlp <= green to us-cisa with drop-references\n";

#define AMBER_ONES MARKED(TLP_AMBER)
#define GREEN_ONES MARKED(TLP_GREEN)

static void begin(struct node *n)
{
    node_init(n);
    bench_policy_text(&n->b, dropping);
}

static void add_address(struct node *n, int number, const char *marking)
{
    char text[TEXT_MAX];
    (void)bench_add(&n->b, n->own, address(text, number, marking));
}

/* An object of this type, with `body`, in which %1 to %3 stand for the addresses of these numbers. */
static void add_with(struct node *n, const char *type, int number, const char *body)
{
    char id[ID_MAX];
    struct buf text;
    buf_init(&text, TEXT_MAX - 1);
    buf_printf(&text, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"", type,
               id_of(id, type, number));
    for (const char *c = body; *c != '\0'; c++)
        if (*c == '%')
            buf_printf(&text, "%s", id_of(id, "ipv4-addr", *++c - '0'));
        else
            buf_putc(&text, *c);
    buf_printf(&text, GREEN_ONES "}");
    assert_int_equal(buf_err(&text), ERR_OK);
    buf_putc(&text, '\0');
    if (bench_add(&n->b, n->own, (const char *)text.at) != GATE_NEW)
        print_message("# %s\n", n->b.last_fault);
    assert_int_equal(n->b.answers[GATE_NEW], 1);
    buf_deinit(&text);
}

static void add_traffic(struct node *n, int number, const char *more)
{
    char body[512];
    (void)snprintf(body, sizeof body, ",\"protocols\":[\"tcp\",\"p%d\"]%s", number, more);
    add_with(n, "network-traffic", number, body);
}

static const char *traffic_text(const struct texts *texts, int number)
{
    char name[16];
    (void)snprintf(name, sizeof name, "\"p%d\"", number);
    return text_with(texts, name);
}

static const char *id_in(int number)
{
    static char id[ID_MAX];
    return id_of(id, "ipv4-addr", number);
}

/* Section 6.12: one of its ends must be there. Each leaves without the end that may not go, and whole when
 * that may. */
static void traffic_leaves_with_one_end(void **state)
{
    (void)state;
    struct node n;
    struct gate_why why;
    struct arena arena;
    struct stix_key both = key_of("network-traffic", 3);
    begin(&n);
    add_address(&n, 1, GREEN_ONES);
    add_address(&n, 2, AMBER_ONES);
    add_traffic(&n, 1, ",\"src_ref\":\"%1\",\"dst_ref\":\"%2\"");
    add_traffic(&n, 2, ",\"src_ref\":\"%2\",\"dst_ref\":\"%1\"");
    add_traffic(&n, 3, ",\"src_ref\":\"%2\",\"dst_ref\":\"%2\",\"x_of\":\"%1\"");
    add_traffic(&n, 4, ",\"src_ref\":\"%2\",\"dst_ref\":\"%3\"");
    add_traffic(&n, 5, ",\"src_ref\":\"%1\",\"dst_ref\":\"%1\"");
    struct texts *us = texts_of(&n, n.us);
    const char *first = traffic_text(us, 1), *second = traffic_text(us, 2);
    assert_non_null(first);
    assert_non_null(second);
    assert_non_null(strstr(first, "\"src_ref\""));
    assert_null(strstr(first, "\"dst_ref\""));
    assert_non_null(strstr(first, id_in(1)));
    assert_non_null(strstr(second, "\"dst_ref\""));
    assert_null(strstr(second, "\"src_ref\""));
    assert_null(text_with(us, id_in(2)));
    assert_null(traffic_text(us, 3)); /* nothing that is traffic would be left */
    assert_null(traffic_text(us, 4));
    assert_non_null(strstr(traffic_text(us, 5), "network-traffic--00000000-0000-4000-8000-000000000005"));
    mem_free(us);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n.b.gate, &both, n.us, n.b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(why.blocked);
    assert_string_equal(why.blocked_by.at, id_in(2));
    arena_deinit(&arena);
    /* One comes of which nobody had heard: the fourth leaves with it; and another reads as GREEN now. */
    add_address(&n, 3, GREEN_ONES);
    us = texts_of(&n, n.us);
    assert_non_null(strstr(traffic_text(us, 4), "\"dst_ref\""));
    assert_null(strstr(traffic_text(us, 4), "\"src_ref\""));
    mem_free(us);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= amber to us-cisa with drop-references\n");
    us = texts_of(&n, n.us);
    for (int i = 1; i <= 5; i++) {
        assert_non_null(strstr(traffic_text(us, i), "\"src_ref\""));
        assert_non_null(strstr(traffic_text(us, i), "\"dst_ref\""));
        assert_non_null(strstr(traffic_text(us, i), "network-traffic--00000000-0000-4000-8000-00000000000"));
    }
    mem_free(us);
    bench_deinit(&n.b);
}

/* Beside its ends it leaves without whatever else may not go, for one partner other than for the other. */
static void what_else_it_names_goes_by_itself(void **state)
{
    (void)state;
    struct node n;
    node_init(&n);
    bench_policy_text(&n.b, "language 1\n"
                            "release r if tlp <= green to us-cisa with drop-references\n"
                            "release s if tlp <= amber to jp-nisc with drop-references\n");
    add_address(&n, 1, GREEN_ONES);
    add_address(&n, 2, AMBER_ONES);
    add_address(&n, 3, MARKED(TLP_RED));
    add_traffic(&n, 1, ",\"src_ref\":\"%1\",\"dst_ref\":\"%2\",\"x_seen\":[\"%3\",\"%1\"],\"x_by\":\"%3\"");
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    const char *text = traffic_text(us, 1);
    assert_non_null(text);
    assert_null(strstr(text, "dst_ref"));
    assert_null(strstr(text, "x_by"));
    assert_non_null(strstr(text, "\"x_seen\":[\"ipv4-addr--00000000-0000-4000-8000-000000000001\"]"));
    text = traffic_text(jp, 1);
    assert_non_null(text);
    assert_non_null(strstr(text, "src_ref"));
    assert_non_null(strstr(text, "dst_ref"));
    assert_null(strstr(text, "x_by"));
    assert_null(text_with(jp, id_in(3)));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* A list of which one must stay, since nothing else says what the analysis found; with a result none must. A
 * list of a required property in an extension. */
static void one_of_a_list_stays(void **state)
{
    (void)state;
#define ANALYSIS                                                                                             \
    ",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"product\":\"a\","
    struct node n;
    begin(&n);
    add_address(&n, 1, GREEN_ONES);
    add_address(&n, 2, AMBER_ONES);
    add_with(&n, "malware-analysis", 1, ANALYSIS "\"version\":\"one\",\"analysis_sco_refs\":[\"%2\",\"%1\"]");
    add_with(&n, "malware-analysis", 2, ANALYSIS "\"version\":\"two\",\"analysis_sco_refs\":[\"%2\"]");
    add_with(&n, "malware-analysis", 3,
             ANALYSIS "\"version\":\"three\",\"result\":\"benign\",\"analysis_sco_refs\":[\"%2\"]");
    struct texts *us = texts_of(&n, n.us);
    assert_non_null(text_with(us, "\"one\""));
    assert_non_null(strstr(text_with(us, "\"one\""), id_in(1)));
    assert_null(text_with(us, "\"two\""));
    assert_non_null(text_with(us, "\"three\""));
    assert_null(strstr(text_with(us, "\"three\""), "analysis_sco_refs"));
    assert_null(text_with(us, id_in(2)));
    mem_free(us);
    bench_deinit(&n.b);
}

/* Each part of a message needs its own; the sender may stay behind. */
static void each_of_several_needs_its_own(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    begin(&n);
    add_address(&n, 2, AMBER_ONES);
    for (int i = 1; i <= 2; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"type\":\"artifact\",\"spec_version\":\"2.1\",\"id\":\"artifact--00000000-0000-4000-"
            "8000-00000000000%d\",\"payload_bin\":\"VGhpcw==\"%s}",
            i, i == 1 ? GREEN_ONES : AMBER_ONES);
        (void)bench_add(&n.b, n.own, text);
        (void)snprintf(text, sizeof text,
                       ",\"is_multipart\":true,\"subject\":\"s%d\",\"x_of\":\"%%2\",\"body_multipart\":["
                       "{\"content_type\":\"a/b\",\"body_raw_ref\":"
                       "\"artifact--00000000-0000-4000-8000-000000000001\"},"
                       "{\"content_type\":\"a/"
                       "c\",\"body_raw_ref\":\"artifact--00000000-0000-4000-8000-00000000000%d\"}]",
                       i, i);
        add_with(&n, "email-message", i, text);
    }
    struct texts *us = texts_of(&n, n.us);
    assert_non_null(text_with(us, "\"s1\""));
    assert_null(strstr(text_with(us, "\"s1\""), "x_of"));
    assert_null(text_with(us, "\"s2\""));
    mem_free(us);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traffic_leaves_with_one_end),
        cmocka_unit_test(what_else_it_names_goes_by_itself),
        cmocka_unit_test(one_of_a_list_stays),
        cmocka_unit_test(each_of_several_needs_its_own),
    };
    return cmocka_run_group_tests_name("gate dropped", tests, NULL, NULL);
}
