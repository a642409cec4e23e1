/* Markings with terms of their own, ACS 3.0 and IEP 2.0, and lists of readers, a row each: what a definition
 * says, and, written beside it by hand, what that means (docs/protocol/POLICY.md section 5a). */
#include "leak.h"

const char *const nation_names[NATIONS] = {"", "USA", "KOR"};
const char *const clearance_names[CLEARANCES] = {"", "U", "C", "S"};

#define ACS "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"
#define IEP "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
#define ACS_SAYS(controls, more)                                                                             \
    "\"identifier\":\"i\",\"create_date_time\":\"2018-05-27T14:10:26.723Z\",\"responsible_entity_"           \
    "custodian\":"                                                                                           \
    "\"USA.DHS\",\"policy_reference\":\"urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault="         \
    "permit\","                                                                                              \
    "\"control_set\":{\"classification\":" controls "}" more
#define IEP_SAYS(start, end, tlp)                                                                            \
    "\"iep_id\":\"i\",\"iep_version\":2.0,\"start_date\":\"" start "\",\"end_date\":\"" end                  \
    "\",\"tlp\":\"" tlp "\",\"encrypt_in_transit\":\"must\",\"permitted_actions\":\"none\",\"affected_"      \
    "party_notifications\":\"may\","                                                                         \
    "\"provider_attribution\":\"must\",\"unmodified_resale\":\"must-not\""
#define DISPOSED ",\"resource_disposition\":{\"disposition_date\":\"2027-01-19T00:00:00.000Z\"}"

/* 2027-01-15T08:00:00Z is START. */
static const int64_t day_us = INT64_C(24) * 3600 * 1000000, first_day_us = INT64_C(1799971200000000);

static const struct {
    const char *extension, *says;
    int tlp;
    bool names;
    unsigned nations;     /* that may read it, a bit each; 0: all */
    int clearance;        /* that a reader needs */
    int from_day, to_day; /* since 2027-01-15; 0: always */
} rows[] = {
    {"", "", 0, false, 0, 0, 0, 0}, /* a statement */
    {ACS, ACS_SAYS("\"U\",\"permitted_nationalities\":[\"USA\",\"KOR\"]", ""), 5, true, 6, 0, 0, 0},
    {ACS, ACS_SAYS("\"U\",\"permitted_nationalities\":[\"KOR\"]", ""), 5, true, 1u << NATION_KOR, 0, 0, 0},
    {ACS, ACS_SAYS("\"C\"", ""), 5, true, 0, CLEARANCE_C, 0, 0},
    {ACS, ACS_SAYS("\"S\",\"permitted_nationalities\":[\"USA\"]", ""), 5, true, 1u << NATION_USA, CLEARANCE_S,
     0, 0},
    {ACS, ACS_SAYS("\"U\",\"formal_determination\":[\"NF\"]", ""), 5, true, 1u << NATION_USA, 0, 0, 0},
    {ACS, ACS_SAYS("\"U\"", DISPOSED), 5, true, 0, 0, 0, 4},
    {IEP, IEP_SAYS("2026-01-01T00:00:00Z", "2046-01-01T00:00:00Z", "white"), 1, false, 0, 0, 0, 0},
    {IEP, IEP_SAYS("2026-01-01T00:00:00Z", "2046-01-01T00:00:00Z", "amber"), 3, false, 0, 0, 0, 0},
    {IEP, IEP_SAYS("2026-01-01T00:00:00Z", "2027-01-18T00:00:00Z", "green"), 2, false, 0, 0, 0, 3},
    {IEP, IEP_SAYS("2027-01-17T00:00:00Z", "2046-01-01T00:00:00Z", "green"), 2, false, 0, 0, 2, 0},
};

size_t marks_count(void)
{
    return sizeof rows / sizeof *rows;
}

void marks_write(int row, struct buf *out)
{
    buf_printf(out, ",\"extensions\":{\"%s\":{\"extension_type\":\"property-extension\",%s}}",
               rows[row].extension, rows[row].says);
}

static bool in_time(int row, int64_t now_us)
{
    return now_us >= first_day_us + rows[row].from_day * day_us &&
           (rows[row].to_day == 0 || now_us < first_day_us + rows[row].to_day * day_us);
}

int marks_tlp(int row, int64_t now_us)
{
    return rows[row].names || in_time(row, now_us) ? rows[row].tlp : 0;
}

bool marks_names(int row)
{
    return rows[row].names;
}

/* Nobody is known to be without a nation: the node has one for each. */
static int nation_of(const struct policy_plan *policy, unsigned p)
{
    return policy->nation[p] != 0 ? policy->nation[p] : NATION_USA;
}

bool marks_lets_read(int row, const struct policy_plan *policy, unsigned p, int64_t now_us)
{
    if (!rows[row].names)
        return true;
    bool nation = rows[row].nations == 0 || (rows[row].nations >> nation_of(policy, p) & 1) != 0;
    return nation && policy->clearance[p] >= rows[row].clearance && in_time(row, now_us);
}

/* --- REL TO --- */

static const struct {
    const char *const *names;
    size_t count;
    unsigned nations, communities;
} lists[] = {
    {NULL, 0, 0, 0},
    {&nation_names[NATION_USA], 1, 1u << NATION_USA, 0},
    {&nation_names[NATION_KOR], 1, 1u << NATION_KOR, 0},
    {&nation_names[NATION_USA], 2, 1u << NATION_USA | 1u << NATION_KOR, 0},
    {&policy_communities[0], 1, 0, 1},
    {&policy_communities[0], 2, 0, 3},
};

size_t marks_list_count(void)
{
    return sizeof lists / sizeof *lists;
}

size_t marks_list(int list, const char *const **out)
{
    *out = lists[list].names;
    return lists[list].count;
}

bool marks_list_has(int list, const struct policy_plan *policy, unsigned p)
{
    bool has = list == 0 || (lists[list].nations >> nation_of(policy, p) & 1) != 0;
    for (unsigned c = 0; c < COMMUNITIES; c++)
        has |= (lists[list].communities >> c & 1) != 0 && (policy->community[c] >> p & 1) != 0;
    return has;
}
