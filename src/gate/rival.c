/* Rival copies: how many objects each source tightened, and operators' words that the owner's marking stands.
 * The facts' keys: 'n' and a source (the count); 'o' and an object, 's' and a source (a word in force); 'O'
 * and 'S' likewise (a word that waits for a second operator). */
#include "gate/rival.h"

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/state.h"
#include "gate/words.h"

enum { VALUE_VERSION = 1, KEY_SIZE = 1 + STIX_KEY_SIZE, ALARM_DAYS = 7 };

#define DAY_US (INT64_C(86400) * 1000000)

/* Of one source: what was counted up to which position of the log. */
struct tightened {
    uint32_t day, most_day; /* since 1970 */
    uint64_t count, most, upto;
    bool dirty; /* not logged yet */
};

/* --- words --- */

static struct bytes word_key(const struct gate_rival_word *word, bool waits, uint8_t out[KEY_SIZE])
{
    bool object = word->source == GATE_SOURCE_NONE;
    out[0] = (uint8_t)(object ? waits ? 'O' : 'o' : waits ? 'S' : 's');
    if (object)
        memcpy(out + 1, word->object.b, STIX_KEY_SIZE);
    else
        wr_at(out + 1, word->source, 2);
    return bytes_of(out, object ? KEY_SIZE : 3);
}

static err_t key_read(struct bytes key, struct gate_rival_word *out)
{
    struct rd rd = rd_of(key);
    uint8_t kind = rd_u8(&rd);
    *out = (struct gate_rival_word) {.waits = kind == 'O' || kind == 'S'};
    if (kind == 'o' || kind == 'O')
        rd_copy(&rd, out->object.b, STIX_KEY_SIZE);
    else if (kind == 's' || kind == 'S')
        out->source = rd_u16(&rd);
    else
        return ERR_NOTFOUND; /* a count */
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* Borrows from the value. */
static err_t word_read(struct bytes value, struct gate_rival_word *word)
{
    struct rd rd = rd_of(value);
    if (rd_u8(&rd) != VALUE_VERSION)
        return ERR_VERSION;
    word->before = rd_u64(&rd);
    word->at_us = (int64_t)rd_u64(&rd);
    word->until_us = (int64_t)rd_u64(&rd);
    word->by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    word->second = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    word->because = str_from_bytes(rd_blob(&rd, RECORD_WORDS_MAX));
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* What is said about the same, borrowed from the index. ERR_NOTFOUND. */
static err_t word_get(const struct gate *gate, const struct gate_rival_word *about, bool waits,
                      struct gate_rival_word *out)
{
    uint8_t key[KEY_SIZE];
    struct bytes value;
    err_t err = fact_get(gate, RECORD_FACT_RIVAL, word_key(about, waits, key), &value);
    *out = *about;
    out->waits = waits;
    return err != ERR_OK ? err : word_read(value, out);
}

/* --- for deciding --- */

/* What its owner says now under the version of this copy; NULL: nothing. */
static const struct copy *spoken_beside(const struct copies *copies, const struct copy *copy)
{
    const struct copy *spoken = NULL;
    for (size_t i = 0; i < copies->count; i++)
        if (copy_speaks(&copies->at[i]) && stamp_cmp(copies->at[i].version, copy->version) == 0)
            spoken = &copies->at[i];
    return spoken;
}

bool rival_is(const struct gate *gate, const struct stix_key *object, const struct copies *copies,
              const struct copy *copy)
{
    const struct copy *spoken = spoken_beside(copies, copy);
    return spoken != NULL && spoken != copy && (copy->flags & (COPY_SEEN | COPY_ASSERTION | COPY_SCO)) == 0 &&
           copy->source != copy->owner && !authority_speaks(gate, object, spoken, copy->source) &&
           !spilled(gate, copy->lsn);
}

bool rival_beside(const struct gate *gate, const struct stix_key *object, const struct copies *copies,
                  const struct copy *copy)
{
    for (size_t i = 0; copy_speaks(copy) && i < copies->count; i++)
        if (stamp_cmp(copies->at[i].version, copy->version) == 0 &&
            rival_is(gate, object, copies, &copies->at[i]))
            return true;
    return false;
}

err_t rival_aside(struct gate *gate, const struct stix_key *object, const struct copies *copies,
                  const struct copy *copy, int64_t now_us, struct gate_rival_word *out)
{
    const struct gate_rival_word about[] = {{.object = *object}, {.source = copy->source}};
    struct gate_rival_word word, found = {0};
    if ((gate->fact_kinds >> RECORD_FACT_RIVAL & 1) == 0 || !rival_is(gate, object, copies, copy))
        return ERR_NOTFOUND;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        err_t err = word_get(gate, &about[i], false, &word);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        if (err == ERR_OK && copy->lsn < word.before && now_us < word.until_us &&
            word.until_us > found.until_us)
            found = word;
    }
    if (found.until_us == 0)
        return ERR_NOTFOUND;
    *out = found;
    return ERR_OK;
}

bool rival_asks(const struct record_fact *fact, struct job *job)
{
    struct gate_rival_word word;
    if (key_read(fact->key, &word) != ERR_OK || word.waits)
        return false;
    job->scope = word.source == GATE_SOURCE_NONE ? JOB_OBJECT : JOB_RIVALS;
    job->key = word.object;
    job->source = (uint16_t)word.source;
    return true;
}

/* --- stating --- */

static bool wants_two(const struct gate *gate)
{
    return gate->policy != NULL && policy_activation_by(gate->policy) == 2;
}

static err_t word_put(struct gate *gate, const struct gate_rival_word *word, const struct gate_by *by,
                      int64_t now_us)
{
    uint8_t key[KEY_SIZE];
    buf_clear(&gate->scratch);
    wr_u8(&gate->scratch, VALUE_VERSION);
    wr_u64(&gate->scratch, word->before);
    wr_u64(&gate->scratch, (uint64_t)word->at_us);
    wr_u64(&gate->scratch, (uint64_t)word->until_us);
    wr_blob(&gate->scratch, bytes_from_str(word->by));
    wr_blob(&gate->scratch, bytes_from_str(word->second));
    err_t err = words_put(gate, &gate->scratch, word->because, now_us);
    if (err != ERR_OK)
        return err;
    return fact_state(gate, RECORD_FACT_RIVAL, word_key(word, word->waits, key), by, now_us);
}

static err_t word_end(struct gate *gate, const struct gate_rival_word *word, bool waits,
                      const struct gate_by *by, int64_t now_us)
{
    uint8_t key[KEY_SIZE];
    buf_clear(&gate->scratch);
    return fact_state(gate, RECORD_FACT_RIVAL, word_key(word, waits, key), by, now_us);
}

/* Is there anything that it could be about? */
static err_t check_about(struct gate *gate, const struct gate_rival_word *word)
{
    struct copies copies;
    if (word->source != GATE_SOURCE_NONE)
        return gate_source_get(gate, word->source) == NULL ? ERR_NOTFOUND : ERR_OK;
    err_t err = copies_load(gate, &word->object, &copies);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < copies.count; i++)
        if (rival_is(gate, &word->object, &copies, &copies.at[i]))
            return ERR_OK;
    return ERR_NOTFOUND;
}

/* The second word: `first` borrows from the index. */
static err_t agree(struct gate *gate, const struct gate_rival_word *first, const struct gate_by *by,
                   int64_t now_us)
{
    struct arena arena;
    struct gate_rival_word both = *first;
    arena_init(&arena, 8 * RECORD_TEXT_MAX);
    both.waits = false;
    both.by = arena_str(&arena, first->by);
    both.because = arena_str(&arena, first->because);
    both.second = by->who;
    err_t err = both.by.at == NULL || both.because.at == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK && !TRY(err, word_put(gate, &both, by, now_us)))
        err = word_end(gate, first, true, by, now_us);
    arena_deinit(&arena);
    return err;
}

err_t gate_rival_keep(struct gate *gate, const struct gate_rival_word *word, const struct gate_by *by,
                      int64_t now_us, bool *out_waits)
{
    struct gate_rival_word first, fresh = {.object = word->object,
                                           .source = word->source,
                                           .at_us = now_us,
                                           .until_us = word->until_us,
                                           .waits = wants_two(gate),
                                           .by = by->who,
                                           .because = by->because};
    err_t err;
    if (gate->read_only)
        return ERR_READONLY;
    if (TRY(err, check_about(gate, word)) || TRY(err, gate_group(gate)))
        return err;
    fresh.before = store_end_lsn(gate->store);
    err = fresh.waits ? word_get(gate, word, true, &first) : ERR_NOTFOUND;
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    /* Who is declared no more is no first of two: another takes his place. */
    if (err == ERR_NOTFOUND || !approval_is_person(gate, first.by)) {
        *out_waits = fresh.waits;
        return word_put(gate, &fresh, by, now_us);
    }
    if (str_eq(first.by, by->who) || !approval_is_person(gate, by->who))
        return ERR_DENIED;
    if (first.until_us != word->until_us)
        return ERR_CONFLICT;
    *out_waits = false;
    return agree(gate, &first, by, now_us);
}

err_t gate_rival_lift(struct gate *gate, const struct gate_rival_word *word, const struct gate_by *by,
                      int64_t now_us)
{
    struct gate_rival_word held;
    bool found = false;
    if (gate->read_only)
        return ERR_READONLY;
    for (int waits = 0; waits < 2; waits++) {
        err_t err = word_get(gate, word, waits == 1, &held);
        if (err == ERR_NOTFOUND)
            continue;
        if (err != ERR_OK || TRY(err, word_end(gate, word, waits == 1, by, now_us)))
            return err;
        found = true;
    }
    return found ? ERR_OK : ERR_NOTFOUND;
}

err_t gate_rival_words(struct gate *gate, void (*each)(void *ctx, const struct gate_rival_word *word),
                       void *ctx)
{
    uint8_t head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(RECORD_FACT_RIVAL, bytes_of(NULL, 0), head),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct gate_rival_word word;
        err = key_read(bytes_of(key.at + 2, key.len - 2), &word);
        if (err == ERR_NOTFOUND)
            continue;
        if (err != ERR_OK || TRY(err, word_read(value, &word)))
            break;
        each(ctx, &word);
    }
    store_scan_close(scan);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- the count --- */

static uint32_t day_of(int64_t time_us)
{
    return time_us < 0 ? 0 : (uint32_t)(time_us / DAY_US);
}

void gate_rival_bound(struct gate *gate, uint64_t objects)
{
    gate->tightened_bound = objects;
}

static err_t tightened_at(struct gate *gate, uint32_t source, struct tightened **out)
{
    if (gate->tightened == NULL)
        gate->tightened = mem_alloc_array(LIMIT_SOURCES + 1, sizeof *gate->tightened);
    if (gate->tightened == NULL)
        return ERR_NOMEM;
    must(source <= LIMIT_SOURCES);
    *out = &gate->tightened[source];
    return ERR_OK;
}

err_t rival_apply(struct gate *gate, const struct record_fact *fact)
{
    struct rd key = rd_of(fact->key), rd = rd_of(fact->value);
    struct tightened *held;
    if (rd_u8(&key) != 'n')
        return ERR_OK; /* words are looked up in the index */
    uint32_t source = rd_u16(&key);
    if (rd_end(&key) != ERR_OK || gate_source_get(gate, source) == NULL || rd_u8(&rd) != VALUE_VERSION)
        return ERR_CORRUPT;
    struct tightened read = {.day = rd_u32(&rd), .count = rd_u64(&rd)};
    read.most_day = rd_u32(&rd);
    read.most = rd_u64(&rd);
    read.upto = rd_u64(&rd);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    err_t err = tightened_at(gate, source, &held);
    if (err == ERR_OK)
        *held = read;
    return err;
}

void rivals_deinit(struct gate *gate)
{
    mem_free(gate->tightened);
    gate->tightened = NULL;
}

/* One more today. */
static void count(struct gate *gate, uint32_t source, struct tightened *held, uint32_t day)
{
    const struct gate_source *from = gate_source_get(gate, source);
    held->count = held->day == day ? held->count + 1 : 1;
    held->day = day;
    held->dirty = true;
    if (held->count <= gate->tightened_bound)
        return;
    held->most_day = day;
    held->most = held->count;
    if (held->count == gate->tightened_bound + 1)
        diag_say(gate->diag, DIAG_WARNING, ERR_OK, "gate",
                 "look at them (bongsu status); let the owners' markings stand: bongsu marking keep --source",
                 "%.*s tightened more than %llu objects of others today: its stricter copies bind, and take "
                 "them from everybody",
                 STR_ARG(from->name), (unsigned long long)gate->tightened_bound);
}

/* A level that an object has without anybody's copy: CLEAR keeps it from nobody. */
static err_t add_own(struct gate *gate, const struct subject *subject, int64_t now_us, struct arena *arena,
                     struct policy_facts *out)
{
    const struct gate_source *source = gate_source_get(gate, subject->envelope.source);
    enum policy_tlp assumed = POLICY_TLP_CLEAR;
    if (source != NULL && now_us < source->assume_until_us && (enum policy_tlp)source->assume > assumed)
        assumed = (enum policy_tlp)source->assume;
    err_t err = subject_alone(gate, subject, now_us, arena, out);
    if (err == ERR_OK && out->tlp < assumed)
        out->tlp = assumed;
    return err;
}

/* Does the copy at `lsn` tighten more than its owner, and what its source brought before? The subjects are
 * read one by one: their tapes share the parser. */
static err_t tightens(struct gate *gate, const struct stix_key *object, const struct copies *copies,
                      const struct copy *rival, int64_t now_us, struct arena *arena, bool *out)
{
    struct policy_facts one, before = {.onward = UINT64_MAX};
    struct subject subject;
    err_t err = subject_load(gate, rival->lsn, arena, &subject);
    if (err != ERR_OK || TRY(err, subject_alone(gate, &subject, now_us, arena, &one)))
        return err;
    for (size_t i = 0; i < copies->count; i++) {
        const struct copy *copy = &copies->at[i];
        struct policy_facts more;
        bool his =
            copy->source == rival->source && copy->lsn < rival->lsn && rival_is(gate, object, copies, copy);
        if (stamp_cmp(copy->version, rival->version) != 0 || (!his && !copy_speaks(copy)))
            continue;
        err = subject_load(gate, copy->lsn, arena, &subject);
        if (err == ERR_NOTFOUND) /* destroyed */
            continue;
        if (err != ERR_OK || TRY(err, add_own(gate, &subject, now_us, arena, &more)))
            return err;
        facts_add_strictest(&before, &more);
    }
    *out = facts_stricter(&one, &before);
    return ERR_OK;
}

err_t rival_note(struct gate *gate, uint64_t lsn, const struct record_envelope *envelope, int64_t now_us)
{
    struct subject subject;
    struct tightened *held;
    bool more = false;
    struct arena *arena = &gate->accept_arena;
    err_t err = tightened_at(gate, envelope->source, &held);
    if (err != ERR_OK || lsn < held->upto)
        return err; /* looked at by a step that did not come to its end */
    arena_reset(arena);
    err = subject_load(gate, lsn, arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    const struct copy *rival = subject.copy;
    if (rival_is(gate, &key, subject.copies, rival))
        err = tightens(gate, &key, subject.copies, rival, now_us, arena, &more);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    held->upto = lsn + 1;
    if (more)
        count(gate, envelope->source, held, day_of(envelope->received_us));
    return ERR_OK;
}

err_t rivals_log(struct gate *gate, int64_t now_us)
{
    const struct gate_by by = {STR("gate"), STR("its copies tightened them")};
    err_t err = ERR_OK;
    for (uint32_t n = 1; gate->tightened != NULL && n <= gate->source_count && err == ERR_OK; n++) {
        struct tightened *held = &gate->tightened[n];
        uint8_t key[3] = {'n'};
        if (!held->dirty)
            continue;
        wr_at(key + 1, n, 2);
        buf_clear(&gate->scratch);
        wr_u8(&gate->scratch, VALUE_VERSION);
        wr_u32(&gate->scratch, held->day);
        wr_u64(&gate->scratch, held->count);
        wr_u32(&gate->scratch, held->most_day);
        wr_u64(&gate->scratch, held->most);
        wr_u64(&gate->scratch, held->upto);
        err = fact_state(gate, RECORD_FACT_RIVAL, bytes_of(key, sizeof key), &by, now_us);
    }
    return err;
}

bool gate_tightened_get(struct gate *gate, uint32_t source, int64_t now_us, struct gate_tightened *out)
{
    struct gate_rival_word word;
    if (gate->tightened == NULL || gate_source_get(gate, source) == NULL ||
        gate->tightened[source].count == 0)
        return false;
    const struct tightened *held = &gate->tightened[source];
    uint32_t day = day_of(now_us);
    bool answered = word_get(gate, &(struct gate_rival_word) {.source = source}, false, &word) == ERR_OK &&
                    word.before >= held->upto && now_us < word.until_us;
    *out = (struct gate_tightened) {.today = held->day == day ? held->count : 0,
                                    .most = held->most,
                                    .most_us = held->most_day * DAY_US,
                                    .alarm = held->most > 0 && !answered &&
                                             (day < held->most_day || day - held->most_day < ALARM_DAYS)};
    return true;
}
