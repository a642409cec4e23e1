/* Generated STIX 2.1 objects for measuring: seeded, about 740 bytes each, 40 % indicator, 25 % relationship,
 * 10 % each ipv4-addr, file and sighting, 5 % malware; relationships and sightings refer to objects made
 * before them. Every object carries TLP:CLEAR and one of 16 creators, whose identities come first. Tests and
 * benchmarks only. */
#pragma once

#include "core/buf.h"

struct corpus {
    uint64_t state;
    uint64_t made;
};

void corpus_init(struct corpus *corpus, uint64_t seed);
/* Appends one object, no line end. */
void corpus_next(struct corpus *corpus, struct buf *out);
/* A bundle of `count` objects. */
void corpus_bundle(struct corpus *corpus, size_t count, struct buf *out);
