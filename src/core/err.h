/* Errors: one list, one text each, for the whole program.
 *
 * A function that can fail returns err_t; ERR_OK is 0. Outputs are written only on success. A parser of
 * outside bytes also fills a caller's `struct fault`, which says where and what: there is no thread-local
 * error text. must() is the assertion for what has to hold; it stays on in release builds and is never
 * applied to input. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*    name, the name that machines see, a sentence for people */
#define ERR_LIST(X)                                                                                          \
    X(OK, "ok", "success")                                                                                   \
    X(NOMEM, "nomem", "out of memory, or a set limit on memory was reached")                                 \
    X(LIMIT, "limit", "a limit on size, depth or number was exceeded")                                       \
    X(SYNTAX, "syntax", "the text is not well formed")                                                       \
    X(INVALID, "invalid", "well formed, but a rule of the standard is broken")                               \
    X(ENCODING, "encoding", "invalid UTF-8, or a lone surrogate")                                            \
    X(DUPLICATE_NAME, "duplicate_name", "a member name occurs twice in one object")                          \
    X(NUMBER, "number", "a number that does not survive a round trip")                                       \
    X(SHORT, "short", "the input ends too early")                                                            \
    X(NOTFOUND, "notfound", "not found")                                                                     \
    X(EXISTS, "exists", "exists already")                                                                    \
    X(CONFLICT, "conflict", "differs from what is held under the same key")                                  \
    X(DENIED, "denied", "not permitted")                                                                     \
    X(SIGNATURE, "signature", "a signature, seal or digest does not verify")                                 \
    X(PROOF, "proof", "a Merkle proof or root does not verify")                                              \
    X(CORRUPT, "corrupt", "stored bytes are damaged")                                                        \
    X(IO, "io", "the system refused to read or write")                                                       \
    X(FULL, "full", "the disk, a queue or a table is full")                                                  \
    X(READONLY, "readonly", "the store serves what is durable but accepts nothing")                          \
    X(BUSY, "busy", "busy; try again later")                                                                 \
    X(CLOSED, "closed", "the other side closed")                                                             \
    X(TIMEOUT, "timeout", "took too long")                                                                   \
    X(VERSION, "version", "an unknown version or suite")                                                     \
    X(EXPIRED, "expired", "no longer valid")                                                                 \
    X(WRONGSTATE, "wrongstate", "not possible in the present state")                                         \
    X(USAGE, "usage", "wrong arguments")                                                                     \
    X(UNSUPPORTED, "unsupported", "not supported")

typedef enum err {
#define X(name, word, text) ERR_##name,
    ERR_LIST(X)
#undef X
        ERR_COUNT
} err_t;

#define NODISCARD __attribute__((warn_unused_result))

/* Stable lower-case name ("duplicate_name") for machines, and a sentence for people. Both are static. */
const char *err_name(err_t err);
const char *err_text(err_t err);

enum { FAULT_WHAT_MAX = 200, FAULT_POINTER_MAX = 200 };

/* Where and why outside bytes were refused. Zero-initialise. Owned by the caller; holds no pointers. */
struct fault {
    err_t code;
    size_t offset;             /* byte offset in the input as it came */
    char what[FAULT_WHAT_MAX]; /* one sentence: what is wrong, with the offending name */
    char section[24];          /* section of the standard, "3.2" of STIX 2.1 unless `what` names another */
    char pointer[FAULT_POINTER_MAX]; /* JSON pointer (RFC 6901), cut with "..." when longer; empty: whole
                                        input */
};

/* Fills `fault` (may be NULL) and returns `code`, so that a refusal is one statement. */
err_t fault_set(struct fault *fault, err_t code, size_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends the process with the place and the condition: a broken invariant must never be served from. */
_Noreturn void err_must_failed(const char *file, int line, const char *condition);
#define must(condition) ((condition) ? (void)0 : err_must_failed(__FILE__, __LINE__, #condition))

/* if (TRY(err, call)) goto out; */
#define TRY(err, call) (((err) = (call)) != ERR_OK)
