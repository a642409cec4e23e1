/* Who counts as a person where two are demanded: the accounts that `operators` of bongsu.yaml declares, each
 * once, however many names it has. Root, the account that the node runs as, and the one that stands for
 * accounts without a number are nobody there; neither is anybody while the node is stopped or runs in a user
 * namespace, where whoever made it says who is who (docs/decisions/0053-operators.md).
 *
 * Looked up once, at start, as the configuration is. Any thread. */
#pragma once

#include "app/conf.h"
#include "core/diag.h"
#include "gate/gate.h"

/* How well the kernel's word tells who asks. Its values stand in MESSAGE_COMMAND. */
enum standing {
    STANDING_ACCOUNT,    /* an account that is no operator */
    STANDING_OPERATOR,   /* a declared one */
    STANDING_STOPPED,    /* the node is stopped: a process of the asker's own opened the store */
    STANDING_NAMESPACED, /* the node runs in a user namespace */
    STANDING_COUNT
};

enum { WHO_BYTES = 64 }; /* a name as the log has it, with its end */

/* A declared account. */
struct operators_row {
    int64_t user;
    const char *name;             /* of the configuration: the first that is this account's */
    const struct sshsig_key *key; /* his signature is his word; NULL: his account is */
    bool counts;
    /* As the log has what counts as his word: the name, and behind it the key that signed it,
     * "kim (key QHZsrTGrAzQk+Iu9)", the first 16 digits of its fingerprint. So what was said without the key,
     * or with the one before it, is nobody's word, wherever words are counted. */
    char said[WHO_BYTES];
};

struct operators {
    const struct conf *conf;
    bool stopped, real;
    int64_t own;
    size_t known, count; /* accounts that are declared, and those of them that count */
    struct operators_row at[CONF_OPERATORS_MAX];
    struct str names[CONF_OPERATORS_MAX]; /* `said` of those who count */
    struct gate_operators persons;        /* ...the same; so it is not copied */
};

/* `stopped`: for a store that a command opened. `diag`: says which names count for nothing, and why; NULL:
 * silent. `conf` outlives it. */
void operators_open(const struct conf *conf, bool stopped, const struct diag *diag, struct operators *out);
/* May this account give commands? Where operators are declared the socket is their group's, and not everybody
 * in it is one. */
bool operators_admit(const struct operators *operators, int64_t user);
/* How it stands, and the name for the log: that of a declared account for its operator alone; "uid 4711"
 * where the system calls it as if a key stood behind its name. */
enum standing operators_who(const struct operators *operators, int64_t user, char out[WHO_BYTES]);
/* The declared operator of this name; NULL: none is. */
const struct operators_row *operators_find(const struct operators *operators, struct str name);
/* His account's name, of a name from the log that may have a key behind it. */
struct str operators_account(struct str said);
/* Is this name, from the log, one that counts today? */
bool operators_has(const struct operators *operators, struct str name);
/* Those who count: "kim, lee" */
void operators_names(const struct operators *operators, struct buf *out);
