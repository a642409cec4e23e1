/* Language content (section 7.1) merged into an object for a person to read. What comes out is a view, not a
 * STIX object: it has the id and version of something else and must never be stored, released or sent. */
#pragma once

#include "stix/stix.h"

/* Does this language-content speak of that version of `object`? object_ref must be its id; object_modified,
 * when present, its modified time (compared as a number). */
bool stix_lang_applies(struct json_val content, struct json_val object);

/* Appends `object` with what `content` says in `lang` in place of the original text: strings, items of lists
 * of the same length (an empty one keeps the original), members of objects. Properties that are not text for
 * people (identifiers, times, references, patterns, hashes and the like) and those that the object does not
 * have are ignored. `lang` is an RFC 5646 tag; "ko" takes "ko-KR" where there is no "ko", and the other way
 * round. ERR_NOTFOUND: nothing in that language; ERR_LIMIT: too deep. */
NODISCARD err_t stix_lang_merge(struct json_val object, struct json_val content, struct str lang,
                                struct buf *out);

/* May a property of this name hold text for people, and is this such text: no identifier, no timestamp? */
bool stix_lang_translatable(struct str name);
bool stix_lang_is_text(struct str text);
