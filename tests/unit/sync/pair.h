/* One direction of a link in one process: an issuer's gate behind sync/serve, a follower's session before its
 * own gate, and between them a network with a seed that delays, loses, repeats and reorders. The clock is a
 * number. */
#pragma once

#include "fake_gate.h"
#include "sync/serve.h"
#include "sync/session.h"

#define PAIR_START_US INT64_C(1795300000000000)

struct pair_weather {
    unsigned lost, repeated, sign_lost; /* of 1,000 */
    int64_t delay_us, jitter_us;
    unsigned bytes_s;  /* that a line carries of an answer; 0: all at once */
    int64_t breaks_us; /* an answer that takes longer breaks off; 0: none does */
};

struct pair;

struct pair *pair_new(uint64_t seed, const struct pair_weather *weather);
void pair_free(struct pair *pair);
struct gate *pair_issuer(struct pair *pair);
struct gate *pair_follower(struct pair *pair);
struct sync_session *pair_session(struct pair *pair);
struct sync_serve *pair_serve(struct pair *pair);
const struct fake_keys *pair_keys(struct pair *pair, bool issuer);
int64_t pair_now(const struct pair *pair);

/* Releases `count` objects that name themselves, one in fifty refused by the follower, one in seven without
 * content, and a checkpoint at least every `every` leaves. */
void pair_release(struct pair *pair, unsigned count, unsigned every);
/* Runs until the virtual time has passed, or `until` says so. True when it said so. */
bool pair_run(struct pair *pair, int64_t for_us, bool (*until)(struct pair *pair));
/* Held and receipted everything that was released? */
bool pair_in_step(struct pair *pair);
/* The follower's process ends and starts again: a new session over the same gate. Messages under way are
 * lost. */
void pair_restart_follower(struct pair *pair);
void pair_restart_issuer(struct pair *pair);
/* May change the bytes of an answer on its way. */
void pair_meddle(struct pair *pair, void (*meddle)(void *ctx, const char *path, struct buf *body), void *ctx);
unsigned pair_requests(const struct pair *pair, const char *path);
struct sync_status pair_status(struct pair *pair);
/* Asserts that follower and issuer agree leaf by leaf. */
void pair_assert_equal(struct pair *pair);
/* The text of the object that pair_release gave to leaf `seq`. */
void pair_object(uint64_t seq, struct buf *out);
