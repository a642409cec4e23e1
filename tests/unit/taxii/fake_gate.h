/* A gate of the tests' own, in memory: what gate.h promises to the TAXII server and no more. Objects are
 * refused when they have no identifier or a member "broken". */
#pragma once

#include "gate/gate.h"

struct gate *fake_new(void);
void fake_free(struct gate *gate);
/* Numbers count from 1. */
uint32_t fake_source(struct gate *gate, const char *name);
/* Indices count from 0. */
unsigned fake_peer(struct gate *gate, const char *audience, uint32_t source);
void fake_peer_state(struct gate *gate, unsigned partner, enum gate_peer_state state);
/* One more leaf; `text` may be NULL: no content. */
void fake_leaf(struct gate *gate, unsigned partner, enum leaf_op op, int64_t time_us, const char *text,
               uint64_t subject_seq);
/* So many of the last leaves have no checkpoint yet; 0: all have. They are shown all the same. */
void fake_unsigned(struct gate *gate, unsigned partner, size_t count);
/* An object that some other source delivered. */
void fake_hold(struct gate *gate, uint32_t source, int64_t now_us, const char *text);
/* What the next gate_accept answers. */
void fake_fail(struct gate *gate, err_t err);
size_t fake_object_count(const struct gate *gate);
