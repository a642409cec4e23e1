/* What in a STIX pattern matches nearly everything (the built-in list `broad`, docs/guide/feeds.md): a
 * reading of its text that is bounded and that a person can follow. Nothing is ever matched here: a regular
 * expression that somebody sends is not run. Pure; any thread. Inside src/gate, and tests. */
#pragma once

#include "core/arena.h"
#include "gate/automaton.h"
#include "stix/pattern.h"

/* Fewer demanded bytes than these match nearly everything: four are an ending (.com, .exe) or the first
 * number of an address (192.). */
enum { BROAD_LITERALS_MIN = 5 };
/* So many alternatives are asked for what they match: (a|b|c). */
enum { BROAD_CHOICES_MAX = 8 };

/* How many bytes a text must have, each of them as written here, to be matched by LIKE (all but % and _)...
 */
size_t broad_like_literals(struct str text);
/* ...or by MATCHES: of alternatives the one that demands least; what may be missing (? * {0,}), classes, a
 * dot, escapes that stand for classes, anchors and what looks around count nothing. What cannot be read so
 * (unbalanced, nested beyond LIMIT_BROAD_DEPTH, extended syntax) demands nothing. */
size_t broad_regex_literals(struct str text);

/* A text that MATCHES matches, when all of it is told: what may be missing is left out, of alternatives
 * number `choice` is taken everywhere, or the last. False: it has characters that may be one of several, is
 * longer than `size`, or cannot be read; or nowhere are there so many alternatives (choice above 0). */
bool broad_regex_sample(struct str text, unsigned choice, char *out, size_t size, size_t *out_len);

/* What MATCHES matches, for a text that stands between AUTOMATON_BEGIN and AUTOMATON_END; what looks around,
 * and what refers to what was matched before, is anything. False: it cannot be read, and is all anything.
 * automaton_end is the caller's. */
bool broad_regex_automaton(struct str text, struct automaton *a);

/* Is there a way to match it by comparisons alone that each match nearly everything: != and whatever is
 * negated, an order of texts or of times (< > <= >=), one of numbers that leaves next to none out (size > 0,
 * port <= 65535), EXISTS, LIKE and MATCHES that demand too little? What is joined to
 * such a one by AND or FOLLOWEDBY and demands more makes it narrow. Takes node_count bytes of the arena;
 * without room for these it is broad. */
bool broad_pattern(const struct stix_pattern *pattern, struct arena *arena);
