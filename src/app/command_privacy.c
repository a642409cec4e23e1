/* Personal data, asked by operators: where one person stands in what is kept and who has got it, and what a
 * pseudonym stands for. Who asked is written down, the value itself nowhere. */
#include "app/command.h"

#include <stdio.h>

#include "core/mem.h"
#include "gate/handled.h"
#include "gate/persons.h"
#include "gate/quality.h"
#include "gate/recall.h"

enum { PORTION_FRAMES = 256, DIGEST_BYTES = 16 };

static const char *const place_words[] = {"held", "minted", "quarantine"};

struct seeking {
    struct gate_persons persons;
    struct command_call *call; /* of the portion being written */
    char who[LIMIT_NAME_BYTES];
    size_t who_len;
    /* While a place is told: */
    const struct gate_place *place;
    const struct gate_peer *peer;
    bool logged;
};

/* --- to whom, and when --- */

static bool say_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct seeking *s = ctx;
    struct buf *out = s->call->out;
    if (!str_eq(leaf->version, s->place->version) && s->place->version.len > 0)
        return true;
    line_begin(out);
    line_word(out, "place", "released");
    line_text(out, "id", s->place->id);
    line_text(out, "version", s->place->version);
    line_text(out, "audience", s->peer->audience);
    line_count(out, "leaf", leaf->leaf.seq);
    line_time(out, "when", leaf->leaf.time_us);
    line_bool(out, "minted", s->place->kind == GATE_PLACE_MINTED);
    line_end(out);
    return true;
}

static void say_leaves(struct seeking *s, const struct gate_place *place)
{
    struct gate *gate = s->call->host->gate;
    struct stix_key key;
    if (place->kind == GATE_PLACE_QUARANTINED || !stix_id_parse(place->id, &key))
        return;
    s->place = place;
    for (unsigned p = 0; p < gate_peer_count(gate); p++) {
        s->peer = gate_peer_get(gate, p);
        if (place->kind == GATE_PLACE_MINTED && p != place->partner)
            continue;
        err_t err = gate_leaves_of(gate, p, &key, say_leaf, s);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            line_say(s->call->out, "What %.*s was told of it cannot be read: %s", STR_ARG(s->peer->audience),
                     err_text(err));
    }
}

static void say_place(void *ctx, const struct gate_place *place)
{
    struct seeking *s = ctx;
    struct buf *out = s->call->out;
    const struct gate_source *source = gate_source_get(s->call->host->gate, place->source);
    line_begin(out);
    line_word(out, "place", place_words[place->kind]);
    line_text(out, "id", place->id);
    line_text(out, "version", place->version);
    line_text(out, "source", source == NULL ? STR("?") : source->name);
    line_time(out, "when", place->received_us);
    if (place->kind == GATE_PLACE_MINTED)
        line_text(out, "audience", gate_peer_get(s->call->host->gate, place->partner)->audience);
    line_text(out, "pointers", place->pointers);
    line_count(out, "lsn", place->lsn);
    line_end(out);
    say_leaves(s, place);
}

/* --- the search --- */

err_t command_person_begin(struct command_call *call, void **out)
{
    struct privacy_person person;
    struct str value;
    err_t err;
    if (TRY(err, command_text(call, "value", &value)))
        return err;
    if (!privacy_person(value, &person))
        return command_refuse(call, ERR_USAGE, "a number, an address or a name",
                              "what is looked for has three to %d bytes", PRIVACY_VALUE_MAX);
    struct seeking *s = mem_alloc(sizeof *s);
    if (s == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    *s = (struct seeking) {.who_len = call->who.len < LIMIT_NAME_BYTES ? call->who.len : LIMIT_NAME_BYTES};
    memcpy(s->who, call->who.at, s->who_len);
    gate_persons_init(&s->persons, &person);
    mem_wipe(&person, sizeof person);
    *out = s;
    return ERR_OK;
}

/* "privacy.find 9f86d081884c7d65..." in the access record, before the first answer. */
static void note(struct command_call *call, struct str who, const char *word,
                 const struct privacy_person *person)
{
    char what[64], hex[2 * DIGEST_BYTES];
    struct access *access = call->host->access;
    struct hash digest;
    if (access == NULL)
        return;
    (void)snprintf(what, sizeof what, "%s", word);
    if (gate_person_digest(call->host->gate, person, &digest) == ERR_OK) {
        str_hex(digest.b, DIGEST_BYTES, hex);
        (void)snprintf(what, sizeof what, "%s %.*s", word, (int)sizeof hex, hex);
    }
    access_put(access, &(struct access_entry) {.time_us = call->now_us,
                                               .method = EXCHANGE_GET,
                                               .who = who,
                                               .what = str_of(what),
                                               .status = 200,
                                               .requests = 1});
    if (access_flush(access, call->now_us))
        access_tick(access, call->now_us);
}

/* What was decided and nobody has read yet is told as well, once it is signed. */
static void sign_all(struct command_call *call)
{
    for (unsigned p = 0; call->host->view_read != NULL && p < gate_peer_count(call->host->gate); p++)
        call->host->view_read(call->host->ctx, p);
}

err_t command_person_next(struct command_call *call, void *state, bool *out_end)
{
    struct seeking *s = state;
    s->call = call;
    if (s->persons.from == 0)
        sign_all(call);
    if (!s->logged)
        note(call, (struct str) {s->who, s->who_len}, "privacy.find", &s->persons.person);
    s->logged = true;
    err_t err = gate_persons_next(call->host->gate, &s->persons, PORTION_FRAMES, say_place, s);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    *out_end = s->persons.end;
    if (!*out_end)
        return ERR_OK;
    line_begin(call->out);
    line_count(call->out, "read", s->persons.read);
    line_count(call->out, "found", s->persons.found);
    char say[96];
    (void)snprintf(say, sizeof say, "%llu of %llu kept objects and entries hold it.",
                   (unsigned long long)s->persons.found, (unsigned long long)s->persons.read);
    line_word(call->out, "say", say);
    line_end(call->out);
    return ERR_OK;
}

void command_person_end(void *state)
{
    struct seeking *s = state;
    gate_persons_deinit(&s->persons);
    mem_free(s);
}

/* --- erasing --- */

struct listing {
    struct command_call *call;
    size_t listed, more;
    err_t err;
};

/* Who has it, as it came or minted. False: it is called back already. */
static bool holders_of(struct listing *listing, const struct gate_place *place, uint64_t *out)
{
    struct gate_recalled reach = {.partners = 0};
    err_t err = gate_recall_reach(listing->call->host->gate, &place->whole, 1, listing->call->now_us, &reach);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        listing->err = err;
    *out = place->kind == GATE_PLACE_MINTED ? UINT64_C(1) << place->partner : reach.partners;
    return err == ERR_OK;
}

static void list_place(void *ctx, const struct gate_place *place)
{
    struct listing *listing = ctx;
    struct command_call *call = listing->call;
    const struct gate_source *source = gate_source_get(call->host->gate, place->source);
    struct stix_key key;
    bool named = stix_id_parse(place->id, &key);
    struct str type = {place->id.at, named ? place->id.len - 38 : 0}; /* without -- and the UUID */
    struct buf partners;
    uint64_t holders;
    if (listing->listed == LIMIT_RECALL_LISTED) {
        listing->more++;
        return;
    }
    if (!holders_of(listing, place, &holders))
        return;
    listing->listed++;
    buf_init(&partners, LIMIT_PARTNERS * (LIMIT_NAME_BYTES + 2));
    command_put_partners(call->host->gate, holders, &partners);
    line_begin(call->out);
    line_word(call->out, "place", place_words[place->kind]);
    line_text(call->out, "id", place->id);
    line_text(call->out, "type", type);
    line_text(call->out, "version", place->version);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_text(call->out, "pointers", place->pointers);
    line_text(call->out, "partners", buf_str(&partners));
    line_count(call->out, "lsn", place->lsn);
    line_end(call->out);
    buf_deinit(&partners);
}

/* What would go, one by one: what is destroyed is looked at before. */
static err_t list_erased(struct command_call *call, const struct privacy_person *person)
{
    struct listing listing = {.call = call};
    struct gate_persons persons;
    err_t err = ERR_OK;
    gate_persons_init(&persons, person);
    while (err == ERR_OK && !persons.end)
        err = gate_persons_next(call->host->gate, &persons, PORTION_FRAMES, list_place, &listing);
    gate_persons_deinit(&persons);
    if (err == ERR_OK)
        err = listing.err;
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (listing.more > 0)
        line_say(call->out, "and %zu more, which `bongsu privacy find` lists", listing.more);
    return ERR_OK;
}

/* Everything that holds it is called back: what was minted of that goes with it. */
static err_t privacy_erase(struct command_call *call)
{
    struct privacy_person person;
    struct str value;
    err_t err = command_text(call, "person", &value);
    if (err != ERR_OK)
        return err;
    bool good = privacy_person(value, &person);
    if (good)
        note(call, call->who, "privacy.erase", &person);
    err = command_recall_add(call);
    if (err == ERR_OK && good && command_flag(call, "dry_run"))
        err = list_erased(call, &person);
    mem_wipe(&person, sizeof person);
    return err;
}

/* --- pseudonyms --- */

static err_t privacy_reveal_one(struct command_call *call)
{
    struct str token;
    struct buf text;
    err_t err;
    if (TRY(err, command_text(call, "token", &token)))
        return err;
    buf_init(&text, LIMIT_OBJECT_BYTES);
    err = gate_reveal(call->host->gate, token, &text);
    if (err == ERR_NOTFOUND || (err == ERR_OK && str_eq(buf_str(&text), token))) {
        err = command_refuse(call, ERR_NOTFOUND, "give it with its brackets, as it stands in the object",
                             "this node made no such pseudonym");
    } else if (err == ERR_OK) {
        line_begin(call->out);
        line_text(call->out, "value", buf_str(&text));
        line_text(call->out, "say", buf_str(&text));
        line_end(call->out);
    }
    if (text.at != NULL)
        mem_wipe(text.at, text.len);
    buf_deinit(&text);
    return err;
}

/* --- what became of it --- */

struct telling {
    struct gate_handled handled;
    size_t told;
};

err_t command_handled_begin(struct command_call *call, void **out)
{
    struct telling *t = mem_alloc(sizeof *t);
    if (t == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    gate_handled_init(call->host->gate, &t->handled);
    *out = t;
    return ERR_OK;
}

static void say_handled(struct command_call *call, const struct gate_handled_row *row)
{
    char week[GATE_WEEK_TEXT_SIZE];
    gate_week_text(row->week, week);
    line_begin(call->out);
    line_text(call->out, "audience", gate_peer_get(call->host->gate, row->partner)->audience);
    line_word(call->out, "week", week);
    line_word(call->out, "outcome", gate_handled_word(row->kind));
    line_count(call->out, "objects", row->objects);
    line_text(call->out, "rule", row->rule);
    line_text(call->out, "basis", row->basis);
    line_text(call->out, "approver", row->approver);
    line_count(call->out, "based", row->based);
    line_end(call->out);
}

err_t command_handled_next(struct command_call *call, void *state, bool *out_end)
{
    struct telling *t = state;
    if (!t->handled.end) {
        err_t err = gate_handled_next(&t->handled, PORTION_FRAMES);
        *out_end = false;
        if (err == ERR_OK && t->handled.end)
            gate_handled_sort(&t->handled);
        return err == ERR_OK ? err : command_refuse(call, err, NULL, "%s", err_text(err));
    }
    for (size_t i = 0; i < PORTION_FRAMES && t->told < t->handled.count; i++)
        say_handled(call, &t->handled.rows[t->told++]);
    *out_end = t->told == t->handled.count;
    if (*out_end && t->handled.count == 0)
        line_say(call->out, "No decision was ever made about personal data.");
    return ERR_OK;
}

void command_handled_end(void *state)
{
    struct telling *t = state;
    gate_handled_deinit(&t->handled);
    mem_free(t);
}

const struct command command_privacy_rows[] = {
    {"privacy.reveal", false, privacy_reveal_one},
    {"privacy.erase", true, privacy_erase},
    {NULL, false, NULL},
};
