/* A node with two partners, and what each of them holds, as text: for tests of what leaves changed. */
#pragma once

#include "gate_test.h"

struct node {
    struct bench b;
    unsigned us, jp;
    uint32_t own;
};

/* Everything to both, but AMBER and above only to jp. */
static const char policy[] = "language 1\n"
                             "release open if tlp <= green to all\n"
                             "release inner if tlp <= amber to jp-nisc\n";

/* On a bench that is there. */
static inline void node_begin(struct node *n)
{
    n->us = bench_partner(&n->b, "us-cisa");
    n->jp = bench_partner(&n->b, "jp-nisc");
    bench_policy_text(&n->b, policy);
    n->own = bench_source(&n->b, "own", STIX_TLP_CLEAR, true, false);
}

static inline void node_init(struct node *n)
{
    bench_init(&n->b);
    node_begin(n);
}

/* --- what a partner holds, as text --- */

enum { TEXTS_MAX = 64, TEXT_BYTES = 4096 };
struct texts {
    size_t count;
    struct {
        char text[TEXT_BYTES];
        char id[ID_MAX];
        enum leaf_op op;
        uint64_t subject;
    } at[TEXTS_MAX];
};

static inline bool take_text(void *ctx, const struct gate_leaf *leaf)
{
    struct texts *texts = ctx;
    assert_in_range(texts->count, 0, TEXTS_MAX - 1);
    size_t i = texts->count++;
    assert_in_range(leaf->object.len, 0, TEXT_BYTES - 1);
    (void)snprintf(texts->at[i].text, TEXT_BYTES, "%.*s", (int)leaf->object.len,
                   leaf->object.len > 0 ? (const char *)leaf->object.at : "");
    (void)snprintf(texts->at[i].id, ID_MAX, "%.*s", STR_ARG(leaf->id));
    texts->at[i].op = leaf->leaf.op;
    texts->at[i].subject = leaf->opening.subject_seq;
    return true;
}

static inline struct texts *texts_of(struct node *n, unsigned partner)
{
    struct texts *texts = mem_alloc(sizeof *texts);
    assert_non_null(texts);
    texts->count = 0;
    bench_settle(&n->b);
    bench_sign(&n->b);
    assert_int_equal(gate_leaves(n->b.gate, partner, 0, take_text, texts), ERR_OK);
    return texts;
}

/* The last text with `part` in it; NULL: none has. */
static inline const char *text_with(const struct texts *texts, const char *part)
{
    for (size_t i = texts->count; i-- > 0;)
        if (strstr(texts->at[i].text, part) != NULL)
            return texts->at[i].text;
    return NULL;
}

static inline size_t ids_of(const struct texts *texts, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < texts->count; i++)
        count += strncmp(texts->at[i].id, type, strlen(type)) == 0;
    return count;
}

#define CUT(marking, ...)                                                                                    \
    ",\"granular_markings\":[{\"marking_ref\":\"" marking "\",\"selectors\":[" __VA_ARGS__ "]}]"
