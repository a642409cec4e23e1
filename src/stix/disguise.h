/* Identifiers disguised on purpose, as far as a person can undo it at sight or with one tool: letters of
 * other scripts that are drawn alike, in bold, in circles, struck through, digits of other scripts, letters
 * set apart one by one, base64. Part of plain.h's reading of names, where the form of an identifier is what
 * keeps ordinary texts out. Private to stix/. Linear; pure; any thread. */
#pragma once

#include "core/str.h"

/* The code point at the beginning, which is not ASCII; its bytes. 0: none that is whole. */
size_t stix_disguise_code(struct str rest, uint32_t *out);

/* Bytes of a letter or digit that is drawn like one that identifiers have, which *out is, or of a mark upon
 * the one before (*out 0); 0: it is none. */
size_t stix_disguise_letter(struct str rest, char *out);
/* May such a letter or digit begin with this byte? */
bool stix_disguise_leads(uint8_t byte);

/* The end of single letters, digits and dashes with one blank between each, at least 32 letters or digits,
 * that begin at `at`; 0: nothing of the kind. *out_next: where to look next. */
size_t stix_disguise_apart(struct str text, size_t at, size_t *out_next);

/* A text in base64 (of either alphabet) that is long enough to hold an identifier, and of which every byte
 * can be seen. */
enum { STIX_BASE64_MIN = 54 };
struct stix_base64 {
    size_t bad[4]; /* what begins before, in step with these, is none. Zero at the beginning */
};
/* One that begins at `at`; asked for rising places. */
bool stix_base64_at(struct stix_base64 *scan, struct str text, size_t at, size_t *out_end);
/* Its first bytes: of up to four characters, moved over, up to three. */
size_t stix_base64_take(struct str text, size_t *at, size_t end, char out[3]);
/* Is there a run that may be one? */
bool stix_base64_may(struct str text);
