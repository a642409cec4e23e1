/* An object as deciding sees it: its bytes, its copies, its effective markings, and the facts that follow. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/destroy.h"
#include "gate/mint.h"
#include "gate/personal.h"
#include "gate/rival.h"
#include "gate/safety.h"
#include "gate/spill.h"

/* The extensions in which definitions of TLP 2.0, IEP 2.0 and ACS 3.0 speak (OASIS common objects): read by
 * this program itself, and hardly ever sent along. A definition that waited for its own would hold all that
 * it marks. */
static const uint8_t marking_extensions[][16] = {
    {0x60, 0xa3, 0xc5, 0xc5, 0x0d, 0x10, 0x41, 0x3e, 0xaa, 0xb3, 0x9e, 0x08, 0xdd, 0xe9, 0xe8, 0x8d},
    {0x76, 0x2e, 0x2e, 0x97, 0xee, 0x51, 0x43, 0xe5, 0xa9, 0xea, 0x16, 0x5f, 0xbb, 0x86, 0x2c, 0x4a},
    {0x3a, 0x65, 0x88, 0x4d, 0x00, 0x5a, 0x42, 0x90, 0x83, 0x35, 0xcb, 0x2d, 0x77, 0x8a, 0x83, 0xce},
};

bool key_is_builtin(const struct stix_key *key)
{
    if (stix_tlp_is_fixed(key))
        return true;
    const struct stix_type *extension = stix_type_row(STIX_TYPE_EXTENSION_DEFINITION);
    if (memcmp(key->b + 16, extension->digest, STIX_TYPE_DIGEST_SIZE) != 0)
        return false;
    for (size_t i = 0; i < sizeof marking_extensions / sizeof *marking_extensions; i++)
        if (memcmp(key->b, marking_extensions[i], 16) == 0)
            return true;
    return false;
}

bool ref_role_follows(enum stix_ref_role role)
{
    return role == STIX_REF_CREATED_BY || role == STIX_REF_MARKING || role == STIX_REF_GRANULAR_MARKING ||
           role == STIX_REF_EXTENSION;
}

/* What objects are marked by, or extended by. */
static bool is_definition(const struct stix_object *object)
{
    return object->type->code == STIX_TYPE_MARKING_DEFINITION ||
           object->type->code == STIX_TYPE_EXTENSION_DEFINITION;
}

bool object_follows(const struct stix_object *object)
{
    struct str class;
    if (object->type->code != STIX_TYPE_IDENTITY)
        return is_definition(object);
    /* A person leaves by a rule or not at all; without a class it might be one. */
    return json_get_str(object->root, STR("identity_class"), &class) && !str_eq(class, STR("individual")) &&
           !str_eq(class, STR("unknown"));
}

err_t frame_bytes(struct gate *gate, const struct frame *frame, struct arena *arena, struct bytes *out)
{
    buf_clear(&gate->plain);
    err_t err = store_unseal(gate->store, frame, &gate->plain);
    if (err != ERR_OK)
        return err;
    struct bytes bytes = buf_bytes(&gate->plain);
    if (TRY(err, mint_object(frame, bytes, &bytes, NULL)))
        return err;
    if (frame->kind == FRAME_QUAR) {
        struct fault fault;
        if (TRY(err, record_fault_read(bytes, &fault, &bytes)))
            return err;
    }
    uint8_t *copy = arena_zalloc(arena, bytes.len + JSON_PADDING, 1);
    if (copy == NULL)
        return ERR_NOMEM;
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    *out = bytes_of(copy, bytes.len);
    return ERR_OK;
}

/* The parser's tape is gone with its next use; what outlives it is copied here: text that the facts point to,
 * and references. */
static err_t settle(struct stix_object *object, struct arena *arena)
{
    object->id = arena_str(arena, object->id);
    object->type_name = arena_str(arena, object->type_name);
    return object->id.at == NULL || object->type_name.at == NULL ? ERR_NOMEM : ERR_OK;
}

static err_t parse_subject(struct gate *gate, struct arena *arena, struct subject *subject)
{
    err_t err;
    struct json_doc *doc = arena_zalloc(arena, 1, sizeof *doc);
    if (doc == NULL)
        return ERR_NOMEM;
    if (TRY(err, json_parse(gate->parser_one, subject->bytes, doc, NULL)) ||
        TRY(err, stix_read_held(json_root(doc), arena, &subject->object)))
        return err == ERR_NOMEM ? err
                                : ERR_CORRUPT; /* it was accepted once: these are not the bytes that came */
    if (TRY(err, safety_find(gate, &subject->object, subject->envelope.flags, arena, &subject->safety)))
        return err;
    return settle(&subject->object, arena);
}

/* The copies of its id, and itself among them. */
static err_t add_copies(struct gate *gate, struct arena *arena, struct subject *subject)
{
    struct copies *copies = arena_alloc(arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    err_t err = copies_load(gate, &subject->object.key, copies);
    if (err != ERR_OK)
        return err;
    subject->copies = copies;
    subject->copy = NULL;
    for (size_t i = 0; i < copies->count; i++)
        if (copies->at[i].lsn == subject->lsn)
            subject->copy = &copies->at[i];
    /* Somebody's word too many about one id (LIMIT_COPIES) is kept and has no part in anything. */
    if (subject->copy == NULL)
        return copies->count == LIMIT_COPIES ? ERR_NOTFOUND : ERR_CORRUPT;
    return ERR_OK;
}

err_t subject_load(struct gate *gate, uint64_t lsn, struct arena *arena, struct subject *out)
{
    struct subject subject = {.lsn = lsn};
    struct frame frame;
    err_t err;
    gate->opened++;
    if (TRY(err, store_read(gate->store, lsn, &frame)))
        return err;
    if (frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR)
        return ERR_NOTFOUND;
    subject.slot = frame.slot;
    /* Its RECALL is durable, and the secret goes in a moment: nothing leads to it any more. */
    if (gate_is_destroyed(gate, lsn))
        return ERR_NOTFOUND;
    if (TRY(err, record_envelope_read(frame.envelope, &subject.envelope)) ||
        TRY(err, frame_bytes(gate, &frame, arena, &subject.bytes)) ||
        TRY(err, parse_subject(gate, arena, &subject)))
        return err;
    subject.follows = object_follows(&subject.object);
    subject.content = hash_sha256(subject.bytes);
    subject.size = subject.bytes.len;
    if (TRY(err, add_copies(gate, arena, &subject)))
        return err;
    *out = subject;
    return ERR_OK;
}

err_t subject_newest(struct gate *gate, const struct stix_key *key, struct arena *arena, struct subject *out)
{
    struct copies copies;
    err_t err = copies_load(gate, key, &copies);
    if (err != ERR_OK)
        return err;
    const struct copy *newest = copies_newest(&copies);
    if (newest == NULL || newest->lsn >= store_durable_lsn(gate->store))
        return ERR_NOTFOUND;
    return subject_load(gate, newest->lsn, arena, out);
}

err_t subject_recall(struct gate *gate, uint64_t lsn, struct arena *arena, struct subject *out)
{
    struct subject subject;
    err_t err;
    if (!fresh_find(gate, lsn, &subject))
        return subject_load(gate, lsn, arena, out);
    if (TRY(err, add_copies(gate, arena, &subject)))
        return err;
    *out = subject;
    return ERR_OK;
}

/* Its content was destroyed later on: it stands in no index, and counts as what came. */
static err_t gone_replay(struct gate *gate, const struct frame *frame, const struct frame *about,
                         const struct record_envelope *envelope)
{
    struct record_gone gone;
    err_t err = gone_find(gate, about->lsn, &gone);
    if (err != ERR_OK ||
        (envelope->seq != 0 && TRY(err, received_put(gate, envelope->source, envelope->seq - 1, frame->lsn))))
        return err;
    if (frame->kind == FRAME_QUAR && TRY(err, quarantine_opened(gate, frame->lsn)))
        return err;
    size_t size = frame->kind == FRAME_OBJ ? frame->sealed.len - SEAL_TAG_SIZE : 0;
    return inbound_count(gate, envelope, size);
}

err_t object_replay(struct gate *gate, const struct frame *frame)
{
    struct record_envelope envelope;
    struct frame about = *frame;
    struct stix_object object;
    struct json_doc doc;
    struct bytes bytes;
    err_t err;
    arena_reset(&gate->step_arena);
    struct bytes head = frame->kind == FRAME_SEEN ? frame->payload : frame->envelope;
    if (TRY(err, record_envelope_read(head, &envelope)))
        return err;
    if (frame->kind == FRAME_QUAR && envelope.reason != RECORD_QUARANTINE_CONFLICT)
        return quarantine_replay(gate, frame, &envelope);
    if (frame->kind == FRAME_SEEN && TRY(err, store_read(gate->store, envelope.about, &about)))
        return err;
    err = frame_bytes(gate, &about, &gate->step_arena, &bytes);
    if (err == ERR_NOTFOUND)
        return gone_replay(gate, frame, &about, &envelope);
    if (err != ERR_OK)
        return err;
    buf_clear(&gate->canon);
    if (TRY(err, json_parse(gate->parser_one, bytes, &doc, NULL)) ||
        TRY(err, stix_read_held(json_root(&doc), &gate->step_arena, &object)) ||
        TRY(err, stix_canon(&object, &gate->canon, NULL)))
        return err;
    struct hash canon = hash_sha256(buf_bytes(&gate->canon));
    if (TRY(err, object_apply(gate, frame->lsn, frame->kind, &envelope, &object, &canon)))
        return err;
    return inbound_count(gate, &envelope, frame->kind == FRAME_SEEN ? 0 : bytes.len);
}

/* --- markings --- */

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us == 0 || (b_us != 0 && b_us < a_us) ? b_us : a_us;
}

static enum policy_tlp narrower(enum policy_tlp a, enum policy_tlp b)
{
    return a > b ? a : b;
}

void facts_add_strictest(struct policy_facts *facts, const struct policy_facts *more)
{
    facts->markings |= more->markings;
    facts->onward &= more->onward;
    facts->granted |= more->granted;
    facts->turns_us = earlier(facts->turns_us, more->turns_us);
    facts->tlp = narrower(facts->tlp, more->tlp);
    facts->bare_tlp = narrower(facts->bare_tlp, more->bare_tlp);
    for (unsigned term = 0; term < POLICY_TERM_COUNT; term++) {
        uint8_t value = more->terms[term], *held = &facts->terms[term];
        bool fewer = term == POLICY_TERM_ACTIONS; /* the fewest actions; else the later word is stricter */
        if (value != 0 && (*held == 0 || (fewer ? value < *held : value > *held)))
            *held = value;
    }
}

bool facts_stricter(const struct policy_facts *one, const struct policy_facts *than)
{
    const unsigned unjudged = POLICY_MARKING_STATEMENT | POLICY_MARKING_UNRESOLVED | POLICY_MARKING_UNKNOWN;
    return one->tlp > than->tlp || (one->markings & ~than->markings & unjudged) != 0 ||
           (than->onward & ~one->onward) != 0;
}

static void add_reading(const struct marking_reading *reading, struct policy_facts *facts)
{
    bool known = reading->state == POLICY_MARKING_KNOWN;
    struct policy_facts one = {.markings = reading->state,
                               .onward = reading->partners,
                               .granted = known && reading->names,
                               .turns_us = reading->turns_us == INT64_MAX ? 0 : reading->turns_us,
                               .tlp = known ? (enum policy_tlp)reading->tlp : POLICY_TLP_NONE};
    one.bare_tlp = one.granted ? POLICY_TLP_NONE : one.tlp;
    memcpy(one.terms, reading->terms, sizeof one.terms);
    facts_add_strictest(facts, &one);
}

/* Granular markings only tighten. Taken together they say who may have the whole object; one by one, who may
 * have what each of them marks (cut.c). */
err_t subject_add_markings(struct gate *gate, const struct policy *policy, const struct subject *subject,
                           int64_t now_us, struct arena *arena, struct policy_facts *facts, bool *out_any)
{
    const struct stix_object *object = &subject->object;
    struct marking_reading reading;
    *out_any = false;
    for (size_t i = 0; i < object->ref_count; i++) {
        enum stix_ref_role role = object->refs[i].role;
        if (role != STIX_REF_MARKING && role != STIX_REF_GRANULAR_MARKING)
            continue;
        if (role == STIX_REF_GRANULAR_MARKING && subject->granular != NULL &&
            !stix_key_eq(subject->granular, &object->refs[i].key))
            continue;
        *out_any |= role == STIX_REF_MARKING;
        err_t err = marking_judge(gate, policy, &object->refs[i].key, subject->envelope.source, now_us, arena,
                                  &reading);
        if (err != ERR_OK)
            return err;
        add_reading(&reading, facts);
    }
    return ERR_OK;
}

err_t subject_alone(struct gate *gate, const struct subject *subject, int64_t now_us, struct arena *arena,
                    struct policy_facts *out)
{
    bool any;
    *out = (struct policy_facts) {.onward = UINT64_MAX};
    return subject_add_markings(gate, gate->policy, subject, now_us, arena, out, &any);
}

enum carried { CARRIED_NOT, CARRIED_TIGHTER, CARRIED_MARKED };

/* Does an operator let the owner's marking stand against this copy? As long as his word says. */
static err_t set_aside(struct gate *gate, const struct subject *subject, const struct copy *copy,
                       int64_t now_us, struct policy_facts *facts, bool *out)
{
    struct gate_rival_word word;
    err_t err = rival_aside(gate, &subject->object.key, subject->copies, copy, now_us, &word);
    *out = err == ERR_OK;
    if (err == ERR_OK && word.until_us != INT64_MAX)
        facts->turns_us = earlier(facts->turns_us, word.until_us);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* What copies under the version of one subject add: how many more are read, and where. */
struct binding {
    struct gate *gate;
    const struct policy *policy;
    int64_t now_us;
    struct arena arena; /* of the one that is read */
    size_t left;
};

/* Copies that differ under the same version bind with their marking, wherever they wait (DESIGN 5); they mark
 * nothing that is not marked itself. What is not read any more might be RED. */
static err_t add_twins(struct binding *a, const struct subject *subject, struct policy_facts *facts,
                       enum carried *out)
{
    *out = CARRIED_NOT;
    for (size_t i = 0; i < subject->copies->count; i++) {
        const struct copy *copy = &subject->copies->at[i];
        if (copy->lsn == subject->lsn || (copy->flags & (COPY_SEEN | COPY_ASSERTION)) != 0 ||
            stamp_cmp(copy->version, subject->copy->version) != 0 ||
            copy->lsn >= store_durable_lsn(a->gate->store))
            continue;
        /* A variant's marking binds that variant alone. */
        if ((copy->flags & COPY_SCO) != 0)
            continue;
        struct subject twin;
        struct policy_facts one = {.onward = UINT64_MAX};
        bool any, aside;
        err_t err = set_aside(a->gate, subject, copy, a->now_us, facts, &aside);
        if (err != ERR_OK)
            return err;
        if (aside)
            continue;
        if (a->left == 0) {
            facts->markings |= POLICY_MARKING_UNRESOLVED;
            return ERR_OK;
        }
        a->left--;
        arena_reset(&a->arena);
        if (TRY(err, subject_load(a->gate, copy->lsn, &a->arena, &twin)) ||
            TRY(err, subject_add_markings(a->gate, a->policy, &twin, a->now_us, &a->arena, &one, &any)))
            return err;
        one.granted = false; /* it binds, and lets nothing go: whoever sent it may be a stranger */
        facts_add_strictest(facts, &one);
        *out = one.markings != 0 ? CARRIED_TIGHTER : *out;
        facts->revoked |= (copy->flags & COPY_REVOKED) != 0 && copy->source == copy->owner;
    }
    return ERR_OK;
}

/* What a carrier comes down to: its own markings, and other copies of its version, which bind what it carries
 * as they bind itself. What waits in quarantine, or marks only some of its fields, tightens: alone it marks
 * nothing (CARRIED_TIGHTER). */
static err_t carrier_facts(struct binding *a, const struct subject *carrier, struct arena *arena,
                           struct policy_facts *out, enum carried *out_here)
{
    enum carried twins;
    bool any;
    err_t err;
    *out = (struct policy_facts) {.onward = UINT64_MAX};
    if (TRY(err, subject_add_markings(a->gate, a->policy, carrier, a->now_us, arena, out, &any)))
        return err;
    bool waits = (carrier->copy->flags & COPY_QUARANTINED) != 0;
    enum carried here = out->markings == 0 ? CARRIED_NOT : any && !waits ? CARRIED_MARKED : CARRIED_TIGHTER;
    out->granted = out->granted && here == CARRIED_MARKED;
    if (TRY(err, add_twins(a, carrier, out, &twins)))
        return err;
    if (out->tlp > POLICY_TLP_GREEN && !out->granted)
        out->bare_tlp = POLICY_TLP_RED; /* this one's originator let nobody pass it on */
    *out_here = twins > here ? twins : here;
    return ERR_OK;
}

/* Did this source say it, or report what another had said before? */
static bool says_it(const struct gate *gate, const struct subject *carrier, uint32_t source)
{
    bool says = carrier->envelope.source == source;
    for (size_t i = 0; i < carrier->copies->count && !says; i++) {
        const struct copy *copy = &carrier->copies->at[i];
        says = (copy->flags & COPY_SEEN) != 0 && copy->source == source &&
               copy->lsn < store_durable_lsn(gate->store) && copy_says_same(copy, carrier->copy);
    }
    return says;
}

/* What may be spilled again says nothing for what it carries until a person looked at it: that waits too. */
static err_t add_doubt(struct gate *gate, const struct subject *carrier, struct arena *arena,
                       struct policy_facts *facts)
{
    struct str *tags;
    size_t count;
    int64_t settled_us;
    err_t err;
    if (!safety_of_spill(carrier->safety))
        return ERR_OK;
    tags = arena_zalloc(arena, LIMIT_TAGS_PER_OBJECT, sizeof *tags);
    if (tags == NULL)
        return ERR_NOMEM;
    if (TRY(err, tags_load(gate, &carrier->object.key, arena, tags, &count, &settled_us)))
        return err;
    bool looked_at = false;
    for (size_t i = 0; i < count; i++)
        looked_at |= str_eq(tags[i], STR(GATE_SPILL_OK));
    if (!looked_at)
        facts->safety = carrier->safety;
    return ERR_OK;
}

/* An unmarked SCO is as secret as the strictest of what carries it, by the word of the same source. */
static err_t add_carriers(struct binding *a, const struct subject *subject, struct arena *arena,
                          struct policy_facts *facts, enum carried *out)
{
    uint64_t carriers[LIMIT_CARRIERS];
    size_t count = 0;
    *out = CARRIED_NOT;
    a->left = LIMIT_CARRIERS;
    err_t err = referrers(a->gate, &subject->object.key, 0, carriers, LIMIT_CARRIERS, &count);
    if (err != ERR_OK)
        return err;
    if (count == LIMIT_CARRIERS)
        facts->markings |= POLICY_MARKING_UNRESOLVED; /* one that is not asked might be RED */
    for (size_t i = 0; i < count; i++) {
        struct subject carrier;
        struct policy_facts one;
        enum carried here;
        err = subject_recall(a->gate, carriers[i], arena, &carrier);
        if (err == ERR_NOTFOUND) /* somebody's word too many about its id: it has no part in anything */
            continue;
        if (err != ERR_OK)
            return err;
        if (!says_it(a->gate, &carrier, subject->envelope.source) ||
            carrier.object.type->category == STIX_SCO ||
            (subject->unsuspended && spilled(a->gate, carriers[i])))
            continue;
        carrier.envelope.source = subject->envelope.source; /* whose definitions are vouched for */
        if (TRY(err, carrier_facts(a, &carrier, arena, &one, &here)) ||
            (!spilled(a->gate, carriers[i]) && TRY(err, add_doubt(a->gate, &carrier, arena, facts))))
            return err;
        facts_add_strictest(facts, &one);
        *out = here > *out ? here : *out;
    }
    return ERR_OK;
}

enum naming { BY_REFERENCE = 1, AS_TRANSLATION = 2, IN_TEXT = 4 };

static enum naming naming_of(struct bytes row)
{
    return row.len == 0 ? BY_REFERENCE : row.at[0] == 'l' ? AS_TRANSLATION : IN_TEXT;
}

/* Those that name it in one of these ways. */
static err_t find_referrers(struct gate *gate, const struct stix_key *key, unsigned ways, uint64_t from,
                            uint64_t *out, size_t size, size_t *out_count)
{
    struct store_scan *scan;
    struct bytes found, value;
    uint8_t start[STIX_KEY_SIZE + 8];
    memcpy(start, key->b, STIX_KEY_SIZE);
    wr_at_u64(start + STIX_KEY_SIZE, from);
    uint64_t durable = store_durable_lsn(gate->store);
    size_t count = 0;
    err_t err = store_scan_open(gate->store, TABLE_REF, bytes_of(key->b, STIX_KEY_SIZE),
                                bytes_of(start, sizeof start), &scan);
    if (err != ERR_OK)
        return err;
    while (count < size && (err = store_scan_next(scan, &found, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(found.at + STIX_KEY_SIZE, found.len - STIX_KEY_SIZE));
        uint64_t lsn = rd_u64(&rd);
        if (lsn < durable && (naming_of(value) & ways) != 0)
            out[count++] = lsn;
    }
    store_scan_close(scan);
    *out_count = count;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t referrers(struct gate *gate, const struct stix_key *key, uint64_t from, uint64_t *out, size_t size,
                size_t *out_count)
{
    return find_referrers(gate, key, BY_REFERENCE | AS_TRANSLATION, from, out, size, out_count);
}

err_t namers(struct gate *gate, const struct stix_key *key, uint64_t from, uint64_t *out, size_t size,
             size_t *out_count)
{
    return find_referrers(gate, key, BY_REFERENCE | AS_TRANSLATION | IN_TEXT, from, out, size, out_count);
}

err_t translations(struct gate *gate, const struct stix_key *key, uint64_t from, uint64_t *out, size_t size,
                   size_t *out_count)
{
    return find_referrers(gate, key, AS_TRANSLATION, from, out, size, out_count);
}

/* --- facts --- */

err_t tags_load(struct gate *gate, const struct stix_key *object, struct arena *arena, struct str *out_tags,
                size_t *out_count, int64_t *out_settled_us)
{
    struct bytes value;
    *out_count = 0;
    *out_settled_us = POLICY_TIME_NONE;
    err_t err = fact_get(gate, RECORD_FACT_TAG, bytes_of(object->b, STIX_KEY_SIZE), &value);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(value);
    *out_settled_us = (int64_t)rd_u64(&rd);
    while (rd.left > 0 && *out_count < LIMIT_TAGS_PER_OBJECT) {
        struct str tag = arena_str(arena, str_from_bytes(rd_blob(&rd, LIMIT_NAME_BYTES)));
        if (rd.err != ERR_OK)
            return ERR_CORRUPT;
        if (tag.at == NULL)
            return ERR_NOMEM;
        out_tags[(*out_count)++] = tag;
    }
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static err_t add_source(const struct gate *gate, const struct subject *subject, struct policy_facts *facts)
{
    const struct gate_source *source = gate_source_get(gate, subject->envelope.source);
    const struct gate_source *owner = gate_source_get(gate, subject->copy->owner);
    if (source == NULL || owner == NULL)
        return ERR_CORRUPT;
    facts->source = source->name;
    facts->owner = owner->name;
    facts->own = owner->own && owner->partner < 0;
    facts->origin = source->partner >= 0 ? source->partner : POLICY_ORIGIN_OWN;
    facts->origin_node = owner->partner < 0 ? gate->node_name : gate->peers[owner->partner].node;
    return ERR_OK;
}

/* What others than itself mark it with. */
static err_t add_others(struct binding *a, const struct subject *subject, bool any, struct arena *arena,
                        struct policy_facts *facts, enum carried *out)
{
    err_t err;
    a->left = LIMIT_COPIES;
    if (TRY(err, add_twins(a, subject, facts, out)))
        return err;
    return any || subject->object.type->category != STIX_SCO ? ERR_OK
                                                             : add_carriers(a, subject, arena, facts, out);
}

static err_t add_all_markings(struct gate *gate, const struct policy *policy, const struct subject *subject,
                              int64_t now_us, struct arena *arena, struct policy_facts *facts)
{
    struct binding asking = {.gate = gate, .policy = policy, .now_us = now_us};
    enum carried carried;
    bool any;
    err_t err = subject_add_markings(gate, policy, subject, now_us, arena, facts, &any);
    if (err != ERR_OK)
        return err;
    arena_init(&asking.arena, LIMIT_NEIGHBOUR_BYTES);
    err = add_others(&asking, subject, any, arena, facts, &carried);
    arena_deinit(&asking.arena);
    if (err != ERR_OK)
        return err;
    /* The node's own identity goes with what it minted and never by itself: who gets nothing minted would see
     * when something first was, for somebody else. */
    struct stix_key self;
    if (subject->follows && mint_creator_key(gate, &self) && stix_key_eq(&self, &subject->object.key))
        facts->follows = true;
    if (any || carried == CARRIED_MARKED)
        return ERR_OK;
    /* A definition says nothing by itself: what is assumed of its source's objects is not meant for it, nor
     * is its originator's word about passing on. It is a part of what names it, and goes where that may go.
     */
    facts->follows |= is_definition(&subject->object) && facts->markings == 0;
    facts->markings |= POLICY_MARKING_NONE;
    if (facts->follows)
        return ERR_OK;
    const struct gate_source *source = gate_source_get(gate, subject->envelope.source);
    if (source->assume != STIX_TLP_NONE && now_us < source->assume_until_us) {
        facts->markings |= POLICY_MARKING_ASSUMED;
        facts->tlp = narrower(facts->tlp, (enum policy_tlp)source->assume);
        if (source->assume_until_us != INT64_MAX)
            facts->turns_us = earlier(facts->turns_us, source->assume_until_us);
    } else if (carried == CARRIED_TIGHTER) {
        facts->markings |= POLICY_MARKING_UNRESOLVED; /* no level to be let go by */
    }
    return ERR_OK;
}

err_t subject_facts(struct gate *gate, const struct subject *subject, const struct policy *policy,
                    int64_t now_us, struct arena *arena, struct policy_facts *out)
{
    const struct stix_object *object = &subject->object;
    struct policy_facts facts = {
        .type = object->type_name,
        .category = (enum policy_category)object->type->category,
        .confidence = object->confidence < 0 ? POLICY_CONFIDENCE_NONE : object->confidence,
        .hops = subject->envelope.hops,
        .revoked = object->revoked,
        .created_us = object->has_created ? stamp_us(object->created) : POLICY_TIME_NONE,
        .modified_us = object->has_modified ? stamp_us(object->modified) : POLICY_TIME_NONE,
        .received_us = subject->envelope.received_us,
        .unsure_us = gate->unsure_us,
        .onward = UINT64_MAX, /* markings only take partners away */
    };
    struct str *tags = arena_zalloc(arena, LIMIT_TAGS_PER_OBJECT + 1, sizeof *tags); /* one of safety */
    if (tags == NULL)
        return ERR_NOMEM;
    facts.tags = tags;
    err_t err;
    if (TRY(err, add_source(gate, subject, &facts)) ||
        TRY(err, tags_load(gate, &object->key, arena, tags, &facts.tag_count, &facts.settled_us)) ||
        TRY(err, approvals_add(gate, &object->key, subject->lsn, arena, &facts)) ||
        TRY(err, add_all_markings(gate, policy, subject, now_us, arena, &facts)) ||
        TRY(err, neighbours_add(gate, policy, subject, now_us, arena, &facts)) ||
        TRY(err, personal_add(gate, policy, subject, &facts)) ||
        TRY(err, voucher_signer(gate, policy, subject, arena, &facts)) ||
        TRY(err, waits_load(gate, subject->lsn, arena, &facts)))
        return err;
    if (spilled(gate, subject->lsn))
        facts.denials = UINT64_MAX; /* an operator's word against everybody */
    struct str safety = subject->safety.len > 0 ? subject->safety : facts.safety;
    facts.safety = STR("");
    if (safety.len > 0 && TRY(err, safety_add(safety, arena, tags, &facts)))
        return err;
    uint64_t within = UINT64_MAX;
    if (!facts.own && TRY(err, reshare_mask(gate, policy, &object->key, subject->lsn, NULL, &within)))
        return err;
    facts.onward &= policy_onward(&facts) & within;
    *out = facts;
    return ERR_OK;
}

/* --- deciding --- */

/* Partners that reported the same content themselves: nothing goes back to where it came from. */
static uint64_t reporters(const struct gate *gate, const struct subject *subject)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < subject->copies->count; i++) {
        const struct copy *copy = &subject->copies->at[i];
        const struct gate_source *source = gate_source_get(gate, copy->source);
        bool same = memcmp(copy->canon, subject->copy->canon, sizeof copy->canon) == 0;
        if (same && source != NULL && source->partner >= 0)
            mask |= UINT64_C(1) << source->partner;
    }
    return mask;
}

static void hold(struct policy_verdict *verdict, uint64_t mask)
{
    verdict->hold |= verdict->release & mask;
    verdict->release &= ~mask;
}

void verdict_hold(struct policy_verdict *verdict, uint64_t mask, enum policy_builtin rule)
{
    for (uint64_t left = verdict->release & mask; left != 0; left &= left - 1)
        verdict->rule[__builtin_ctzll(left)] = (uint16_t)rule;
    hold(verdict, mask);
}

/* What would be released is denied instead. */
static void deny(const struct gate *gate, struct policy_verdict *verdict, uint64_t mask, uint16_t rule)
{
    mask &= verdict->release;
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (mask >> p & 1)
            verdict->rule[p] = rule;
    verdict->release &= ~mask;
    verdict->deny |= mask;
}

/* ...and whatever else nobody denied by name: it does not even come along. */
static void deny_all(const struct gate *gate, struct policy_verdict *verdict, uint16_t rule)
{
    for (unsigned p = 0; p < gate->peer_count; p++)
        if ((verdict->deny >> p & 1) == 0 || verdict->rule[p] == POLICY_RULE_DEFAULT)
            verdict->rule[p] = rule;
    verdict->deny |= verdict->release | verdict->hold;
    verdict->release = verdict->hold = verdict->dutied = 0;
}

uint64_t stops_mask(const struct gate *gate, const struct policy_facts *facts)
{
    uint64_t mask = 0;
    if (gate->stop_count == 0)
        return 0;
    if (stop_holds(gate, GATE_STOP_SOURCE, facts->source))
        return UINT64_MAX;
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (stop_holds(gate, GATE_STOP_PARTNER, gate->peers[p].audience))
            mask |= UINT64_C(1) << p;
    return mask;
}

/* A duty that nobody here carries out keeps back what it was asked for; so does a limit on passing on, of a
 * partner whose readers nobody could tell of it. */
static err_t hold_for_duties(const struct gate *gate, const struct policy *policy,
                             const struct policy_facts *facts, int64_t now_us, struct arena *arena,
                             struct policy_verdict *verdict)
{
    struct policy_bound *bound;
    size_t count;
    uint64_t readers = 0;
    err_t err;
    if (verdict->dutied == 0)
        return ERR_OK;
    if (TRY(err, policy_bind(policy, facts, now_us, verdict->release, arena, &bound, &count)))
        return err;
    for (unsigned p = 0; p < gate->peer_count; p++)
        readers |= gate->peers[p].node.len == 0 ? UINT64_C(1) << p : 0;
    for (size_t i = 0; i < count; i++) {
        unsigned what = bound[i].duties.what;
        uint64_t cannot = (what & ~(unsigned)DUTIES_DONE) != 0 ? UINT64_MAX
                          : (what & POLICY_DUTY_RESHARE) != 0  ? readers
                                                               : 0;
        verdict_hold(verdict, bound[i].partners & cannot, POLICY_RULE_DUTIES);
    }
    return ERR_OK;
}

/* Stops turn release into hold; they are no rules, so that a policy file cannot lift them. */
static void apply_stops(const struct gate *gate, const struct policy *policy,
                        const struct policy_facts *facts, struct policy_verdict *verdict)
{
    if (gate->stop_count == 0)
        return;
    hold(verdict, stops_mask(gate, facts));
    for (unsigned p = 0; p < gate->peer_count; p++)
        if ((verdict->release >> p & 1) &&
            stop_holds(gate, GATE_STOP_RULE, policy_rule_name(policy, verdict->rule[p])))
            hold(verdict, UINT64_C(1) << p);
}

/* Its origin said that it is no longer current: it does not go on from here. */
static bool told_outdated(const struct gate *gate, const struct subject *subject,
                          const struct policy_facts *facts)
{
    uint8_t key[8];
    struct bytes value;
    if (facts->origin == POLICY_ORIGIN_OWN)
        return false;
    wr_at_u64(key, subject->lsn);
    return fact_get(gate, RECORD_FACT_TOLD, bytes_of(key, sizeof key), &value) == ERR_OK;
}

uint64_t subject_comes_along(const struct gate *gate, const struct subject *subject,
                             const struct policy_facts *facts, const struct policy_verdict *verdict)
{
    bool unmarked = (facts->markings & ~(unsigned)(POLICY_MARKING_NONE | POLICY_MARKING_ASSUMED)) == 0;
    struct stix_key self;
    if (!subject->follows)
        return 0;
    /* Whoever gets what this node minted may know who did. */
    if (!unmarked && (!mint_creator_key(gate, &self) || !stix_key_eq(&self, &subject->object.key)))
        return 0;
    uint64_t kept = stops_mask(gate, facts);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        if ((verdict->deny >> p & 1) && verdict->rule[p] != POLICY_RULE_DEFAULT)
            kept |= UINT64_C(1) << p;
    if (told_outdated(gate, subject, facts))
        return 0;
    return ~kept;
}

/* What only tightens (a rival copy, a carrier in quarantine) makes nothing known that is unmarked itself. */
static void tighten(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                    struct policy_verdict *verdict)
{
    enum { BOTH = POLICY_MARKING_NONE | POLICY_MARKING_KNOWN };
    struct policy_facts bare = *facts;
    struct policy_verdict less;
    if ((facts->markings & BOTH) != BOTH)
        return;
    bare.markings &= ~(unsigned)POLICY_MARKING_KNOWN;
    policy_decide(policy, &bare, now_us, &less);
    uint64_t kept = verdict->release & ~less.release;
    for (uint64_t left = kept; left != 0; left &= left - 1)
        verdict->rule[__builtin_ctzll(left)] = less.rule[__builtin_ctzll(left)];
    verdict->release &= ~kept;
    verdict->hold |= kept & less.hold;
    verdict->deny |= kept & ~less.hold;
    if (less.next_change_us < verdict->next_change_us)
        verdict->next_change_us = less.next_change_us;
}

/* What is suspended binds what it carries to its end, and lets nothing go: what would be denied when it is
 * destroyed is denied now, so that it goes back first. */
static err_t deny_unsuspended(struct gate *gate, const struct subject *subject, const struct policy *policy,
                              int64_t now_us, struct arena *arena, struct policy_verdict *verdict)
{
    struct subject without = *subject;
    struct policy_facts facts;
    struct policy_verdict less;
    if (gate->spill_count == 0 || subject->object.type->category != STIX_SCO)
        return ERR_OK;
    without.unsuspended = true;
    err_t err = subject_facts(gate, &without, policy, now_us, arena, &facts);
    if (err != ERR_OK)
        return err;
    policy_decide(policy, &facts, now_us, &less);
    tighten(policy, &facts, now_us, &less);
    uint64_t held = verdict->release & less.hold, denied = (verdict->release | verdict->hold) & less.deny;
    for (uint64_t left = held | denied; left != 0; left &= left - 1)
        verdict->rule[__builtin_ctzll(left)] = less.rule[__builtin_ctzll(left)];
    verdict->release &= ~(held | denied);
    verdict->hold = (verdict->hold | held) & ~denied;
    verdict->deny |= denied;
    if (less.next_change_us < verdict->next_change_us)
        verdict->next_change_us = less.next_change_us;
    return ERR_OK;
}

err_t subject_decide(struct gate *gate, const struct subject *subject, const struct policy *policy,
                     int64_t now_us, struct arena *arena, struct policy_facts *out_facts,
                     struct policy_verdict *out)
{
    err_t err = subject_facts(gate, subject, policy, now_us, arena, out_facts);
    if (err != ERR_OK)
        return err;
    policy_decide(policy, out_facts, now_us, out);
    tighten(policy, out_facts, now_us, out);
    if (TRY(err, deny_unsuspended(gate, subject, policy, now_us, arena, out)))
        return err;
    /* Built-in markings are everybody's already: a copy, true or forged, is nobody's to send. */
    if (key_is_builtin(&subject->object.key))
        deny(gate, out, UINT64_MAX, POLICY_RULE_DEFAULT);
    bool ends;
    if (TRY(err, trail_ends(gate, subject, arena, &ends)))
        return err;
    if (!subject->gone) { /* who says it himself does not lose what he was given */
        deny(gate, out, reporters(gate, subject), POLICY_RULE_ORIGIN);
        if (ends)
            deny_all(gate, out, POLICY_RULE_LOOP);
        apply_stops(gate, policy, out_facts, out);
    }
    if (TRY(err, hold_for_duties(gate, policy, out_facts, now_us, arena, out)))
        return err;
    if (!subject->gone && told_outdated(gate, subject, out_facts))
        hold(out, UINT64_MAX);
    return ERR_OK;
}
