/* What a list is once it is read. Only for list.c, which reads it, and overlap.c. */
#pragma once

#include "gate/list.h"

struct net {
    uint8_t bytes[16]; /* behind the prefix they are 0 */
    uint8_t bits, size;
};

/* Words begin with the letter of their kind ('d' a domain from the top, 'h' a hash, 'v' a value, 'n' a value
 * that can be a name, from the top) and end with a line end, which no word holds. */
struct list {
    enum gate_list_kind kind;
    struct net *nets; /* sorted; none inside another */
    size_t net_count;
    const char **words; /* sorted */
    size_t word_count;
};
