/* Registered copies of the key file: those of the configuration are registered when the node begins to serve;
 * then all are looked at, soon where something was added, and rarely otherwise. */
#include "app/core_state.h"
#include "gate/key_copies.h"

enum { SOON_US = 1000 * 1000, RARELY_US = 10 * 1000 * 1000, CLOSE_STEPS = 64 /* of 1 MiB of each copy */ };

static int64_t steady_us(const struct core_role *role)
{
    return role->os->mono_us(role->os->ctx);
}

static void cannot(struct core_role *role, err_t err, const char *what)
{
    diag_say(role->diag, DIAG_ERROR, err, "copies", "`bongsu keys copies` says more", "%s: %s", what,
             err_text(err));
}

void core_copies_open(struct core_role *role)
{
    static const struct gate_by by = {{"bongsu.yaml", 11}, {"", 0}};
    struct str dirs[LIMIT_KEY_COPIES];
    for (size_t i = 0; i < role->conf->key_copy_count; i++) {
        dirs[i] = str_of(role->conf->key_copies[i]);
        if (os_sandbox_place(role->conf->key_copies[i], &role->copying.places[i]) != ERR_OK)
            role->copying.places[i] = (struct os_sandbox_place) {0};
    }
    if (role->edge == NULL || role->conf->key_copy_count == 0 || gate_health(role->gate).read_only)
        return;
    err_t err = gate_key_copies_set(role->gate, dirs, role->conf->key_copy_count, &by, core_now(role));
    if (err != ERR_OK)
        cannot(role, err, "not every folder of key-copies could be registered");
}

/* Once when one goes, and once when all are there again. */
static void say_away(struct core_role *role, const struct gate_key_copies_count *count)
{
    if (count->away > role->copying.away)
        diag_say(role->diag, DIAG_WARNING, ERR_OK, "copies", "`bongsu keys copies` says why",
                 "%zu of %zu registered copies of the key file cannot be written: what is destroyed "
                 "meanwhile cannot be confirmed",
                 count->away, count->registered);
    else if (count->away == 0 && role->copying.away > 0)
        diag_say(role->diag, DIAG_NOTICE, ERR_OK, "copies", NULL,
                 "all registered copies of the key file are there again");
    role->copying.away = count->away;
}

/* --- a disk that came back --- */

struct coming_back {
    const struct core_role *role;
    bool found;
};

static void look_there(void *ctx, const struct gate_key_copy *copy)
{
    struct coming_back *c = ctx;
    const struct conf *conf = c->role->conf;
    struct os_sandbox_place now;
    if (copy->state != GATE_KEY_COPY_UNREACHABLE || copy->err != ERR_DENIED)
        return;
    for (size_t i = 0; i < conf->key_copy_count; i++) {
        const struct os_sandbox_place *then = &c->role->copying.places[i];
        if (str_eq(copy->dir, str_of(conf->key_copies[i])) &&
            os_sandbox_place(conf->key_copies[i], &now) == ERR_OK)
            c->found |= now.device != then->device || now.number != then->number;
    }
}

/* Which files may be opened was settled when this role began: a disk that was mounted since is for the next
 * one. It finds what stands there now, so it does not end for that again. */
static void begin_anew(struct core_role *role)
{
    struct coming_back c = {.role = role};
    if (!role->bounded || role->edge == NULL || gate_key_copies(role->gate, look_there, &c) != ERR_OK ||
        !c.found)
        return;
    diag_say(role->diag, DIAG_NOTICE, ERR_OK, "copies", NULL,
             "a disk with a copy of the key file came back: the role core begins anew, to reach it");
    role->broken(role->broken_ctx);
}

void core_copies_turn(struct core_role *role)
{
    struct gate_key_copies_count count;
    int64_t now_us = steady_us(role);
    bool more = false;
    gate_key_copies_count(role->gate, &count);
    if (count.registered == 0 && count.unconfirmed == 0) {
        role->copying.next_us = INT64_MAX;
        return;
    }
    if (count.behind > 0 && role->copying.next_us > now_us + SOON_US)
        role->copying.next_us = now_us + SOON_US; /* many are added at once */
    if (now_us < role->copying.next_us)
        return;
    role->copying.next_us = now_us + RARELY_US;
    err_t err = gate_key_copies_step(role->gate, core_now(role), &more);
    if (err != ERR_OK) {
        cannot(role, err, "the copies of the key file are not brought on");
        return;
    }
    size_t unconfirmed = count.unconfirmed;
    gate_key_copies_count(role->gate, &count);
    say_away(role, &count);
    if (count.away > 0)
        begin_anew(role);
    if (more)
        role->copying.next_us = now_us;
    if (more || count.unconfirmed < unconfirmed)
        core_wake(role); /* who called it back may be owed an answer */
}

void core_copies_close(struct core_role *role)
{
    bool more = role->edge != NULL;
    for (unsigned i = 0; more && i < CLOSE_STEPS; i++)
        if (gate_key_copies_step(role->gate, core_now(role), &more) != ERR_OK)
            return;
}

int64_t core_copies_until(const struct core_role *role)
{
    int64_t next_us = role->copying.next_us;
    return next_us == INT64_MAX ? INT64_MAX : core_now(role) + (next_us - steady_us(role));
}
