/* Registered copies of the key file (store/keycopy.h): which places there are, and what none of them opens
 * any more. A place is registered before its file is made, in the log, and stays registered until somebody
 * says that it is lost for good: what is not in the configuration any more counts like a disk that lies in a
 * drawer.
 *
 * Whatever is destroyed (destroy.h) goes at the copies with the key file. Where one cannot be reached then,
 * PURGED says that it cannot confirm; when all of them are reached again, a second PURGED says that nothing
 * is left. Until then no partner is answered that it is done. A copy that was lost for good keeps for ever
 * what it held: of that nothing is confirmed any more.
 *
 * Step machine like the rest of the gate; its thread. */
#pragma once

#include "gate/gate.h"

enum gate_key_copy_state {
    GATE_KEY_COPY_UNREACHABLE,
    GATE_KEY_COPY_FOREIGN,
    GATE_KEY_COPY_BEHIND,
    GATE_KEY_COPY_CURRENT,
    GATE_KEY_COPY_FORGOTTEN, /* lost for good, by somebody's word */
};

struct gate_key_copy {
    struct str dir;
    enum gate_key_copy_state state;
    err_t err;            /* why unreachable or foreign (store/keycopy.h) */
    bool made;            /* its file was made once */
    uint64_t slots, lost; /* brought so far; of these, what the key file has lost */
    int64_t at_us;        /* registered, or forgotten */
    struct str by;        /* who did */
    struct str because;   /* why, sealed (words.h) */
};

/* Registers those of these folders (absolute) that are not. Their files are made by the next step. ERR_FULL:
 * more than LIMIT_KEY_COPIES. Durable when it returns. */
NODISCARD err_t gate_key_copies_set(struct gate *gate, const struct str *dirs, size_t count,
                                    const struct gate_by *by, int64_t now_us);
/* Looks at all of them, brings those on that are behind, and says PURGED of what all of them have lost.
 * *out_more: there is more to do at once. Every second or so, and when somebody asks. */
NODISCARD err_t gate_key_copies_step(struct gate *gate, int64_t now_us, bool *out_more);
/* A place is given up. With `erase` all that its file holds is overwritten first, or nothing is given up.
 * Without, it is lost for good. *out_held: its file may hold secrets, which are never confirmed to be gone.
 * Durable when it returns. ERR_NOTFOUND: none is registered there, or its file is not there. */
NODISCARD err_t gate_key_copy_forget(struct gate *gate, struct str dir, bool erase, const struct gate_by *by,
                                     int64_t now_us, bool *out_held);
/* All of them, as the last step left them, and those that were forgotten. Texts are good during the call. */
NODISCARD err_t gate_key_copies(struct gate *gate, void (*each)(void *ctx, const struct gate_key_copy *copy),
                                void *ctx);
/* Live ones; of these unreachable or foreign, and behind; and RECALLs that are not confirmed. */
struct gate_key_copies_count {
    size_t registered, away, behind;
    size_t unconfirmed;
};
void gate_key_copies_count(const struct gate *gate, struct gate_key_copies_count *out);

/* Is the content of this frame destroyed here, and perhaps not in every copy of the key file? */
bool gate_is_unconfirmed(struct gate *gate, uint64_t lsn);
/* How much of the key file there is to bring to the copies. */
uint64_t gate_key_slots(const struct gate *gate);
