/* One decision for 64 partners under 200 rules, against the aim of 2 microseconds, which stands in the place
 * of a floor. Prints one row of build/bench/results.json. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/policy.h"

enum { RULES = 200, DECISIONS = 200000, ROUNDS = 7, FACTS = 64, TEXT_SIZE = 1 << 17 };
static const double aim_us = 2.0;

static double seconds(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A fifth denies, a tenth holds; conditions as operators write them: type, level, tag, partner, age, hops,
 * terms of markings, neighbours and victims; some by name, some for a community, under agreements of which
 * one ends. */
static size_t write_rules(char *text, size_t size)
{
    static const char *const types[] = {"indicator", "malware", "url", "file", "ipv4-addr", "report", "tool"};
    static const char *const levels[] = {"clear", "green", "amber"};
    char others[512];
    size_t others_used = 0;
    for (unsigned i = 7; i < LIMIT_PARTNERS; i++)
        others_used += (size_t)snprintf(others + others_used, sizeof others - others_used, "p%u ", i);
    size_t used = (size_t)snprintf(text, size,
                                   "language 1\nset iocs = [indicator url file domain-name]\n"
                                   "community north = [p1 p2 p3 p5 p8 p13 p21 p34 p55]\n"
                                   "agreement a { partners [north]; valid-until 2030-01-01 }\n"
                                   "agreement b { partners [p4 p6]; valid-until 2031-01-01 }\n"
                                   "agreements required\n"
                                   "agreement c { partners [p0 %s] }\n"
                                   "define fresh = confidence >= 50 and age.modified < 90d\n"
                                   "define near = neighbour.tlp > amber\n",
                                   others);
    for (unsigned i = 0; i < RULES; i++) {
        const char *type = types[i % 7], *level = levels[i % 3];
        const char *form;
        if (i % 5 == 0)
            form = i % 15 == 0 ? "deny r%u if type == %s and near and tlp > %s and hops > %u\n"
                               : "deny r%u if type == %s and has tlp and tlp > %s and tag secret-%u\n";
        else if (i % 10 == 1)
            form =
                i % 20 == 1
                    ? "hold r%u if type == %s and tlp > %s and victim.sector in [energy s%u] to north until "
                      "approved\n"
                    : "hold r%u if type == %s and has tlp and tlp > %s and tag \"ask-%u\" until approved\n";
        else if (i % 10 == 2)
            form = "release r%u if type != %s and tlp <= %s and partner.group == g%u to all\n";
        else if (i % 10 == 3)
            form =
                i % 20 == 3
                    ? "release r%u if not type == %s and classification <= C and tlp <= %s and hops < %u and "
                      "origin-node != far to north\n"
                    : "release r%u if not type == %s and tlp <= %s and tag \"share-%u:{partner}\" to all "
                      "after 10m\n";
        else
            form = "release r%u if type == %s and tlp <= %s and source == source-%u and fresh to all\n";
        used += (size_t)snprintf(text + used, size - used, form, i, type, level, i % 40);
    }
    return used;
}

static void fill_facts(struct policy_facts *facts, struct str *tags, unsigned i)
{
    static const char *const types[] = {"indicator", "malware", "url", "identity"};
    static const struct str sectors[] = {{"water", 5}, {"energy", 6}};
    tags[0] = STR("share-3:p17");
    tags[1] = STR("seen");
    *facts = (struct policy_facts) {.type = str_of(types[i % 4]),
                                    .owner = STR("kr"),
                                    .source = i % 3 == 0 ? STR("source-4") : STR("elsewhere"),
                                    .tags = tags,
                                    .tag_count = i % 3,
                                    .category = POLICY_CATEGORY_SDO,
                                    .tlp = (enum policy_tlp)(1 + i % 3),
                                    .markings = POLICY_MARKING_KNOWN,
                                    .confidence = (int)(i * 7 % 100),
                                    .own = true,
                                    .origin_node = STR("kr"),
                                    .hops = i % 3,
                                    .terms = {[POLICY_TERM_CLASSIFICATION] = (uint8_t)(i % 4)},
                                    .neighbours_known = true,
                                    .neighbour_tlp = (enum policy_tlp)(i % 5),
                                    .victims_known = true,
                                    .victim_sectors = sectors,
                                    .victim_sector_count = i % 3,
                                    .origin = POLICY_ORIGIN_OWN,
                                    .modified_us = 1,
                                    .received_us = 1,
                                    .settled_us = POLICY_TIME_NONE,
                                    .onward = UINT64_MAX};
}

static struct policy *compile(void)
{
    static char text[TEXT_SIZE], names[LIMIT_PARTNERS][8], groups[LIMIT_PARTNERS][8];
    struct policy_attribute attributes[LIMIT_PARTNERS];
    struct policy_partner partners[LIMIT_PARTNERS];
    struct policy_fault fault;
    struct policy *policy = NULL;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++) {
        snprintf(names[i], sizeof names[i], "p%u", i);
        snprintf(groups[i], sizeof groups[i], "g%u", i % 40);
        attributes[i] = (struct policy_attribute) {STR("group"), str_of(groups[i])};
        partners[i] = (struct policy_partner) {str_of(names[i]), (uint8_t)i, &attributes[i], 1};
    }
    struct str whole = {text, write_rules(text, sizeof text)};
    if (policy_compile(whole, partners, LIMIT_PARTNERS, &policy, &fault) != ERR_OK)
        fprintf(stderr, "%u:%u: %s\n", fault.line, fault.column, fault.what);
    return policy;
}

int main(void)
{
    struct policy_facts facts[FACTS];
    struct str tags[FACTS][2];
    struct policy *policy = compile();
    if (policy == NULL)
        return 1;
    for (unsigned i = 0; i < FACTS; i++)
        fill_facts(&facts[i], tags[i], i);
    double best_us = 1e9;
    uint64_t released = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct policy_verdict verdict;
        double start = seconds();
        for (unsigned i = 0; i < DECISIONS; i++) {
            policy_decide(policy, &facts[i % FACTS], 1000000, &verdict);
            released += (uint64_t)__builtin_popcountll(verdict.release);
        }
        double us = (seconds() - start) * 1e6 / DECISIONS;
        best_us = us < best_us ? us : best_us;
    }
    printf(
        "{\"name\": \"policy decide, 64 partners, %d rules\", \"value\": %.3f, \"unit\": \"us\", \"floor\": "
        "%.1f, \"ratio\": %.2f, \"note\": \"aim over measured; %.1f partners released on average; best of "
        "%d rounds\"}\n",
        RULES, best_us, aim_us, aim_us / best_us, (double)released / DECISIONS / ROUNDS, ROUNDS);
    policy_unref(policy);
    return 0;
}
