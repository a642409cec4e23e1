/* Inside the room: declaring feeds, for the commands that do it: of a feed (command_feed.c), and of a partner
 * who is reached by a server of his (command_server.c). */
#pragma once

#include "app/command.h"
#include "app/feed_secret.h"

/* Credentials among the arguments; borrowed. */
struct feed_secret command_feed_secret(const struct command_call *call);
/* How often, and where its server may stand. */
NODISCARD err_t command_feed_common(struct command_call *call, struct feed_conf *out);
/* Whether it may be declared; then says so in `conf->secrets`. */
NODISCARD err_t command_feed_check(struct command_call *call, struct feed_conf *conf,
                                   const struct feed_secret *secret);
/* Declares what was checked: source or audience must be known. */
NODISCARD err_t command_feed_put(struct command_call *call, const struct feed_conf *conf,
                                 const struct feed_secret *secret);
/* With its credentials. */
NODISCARD err_t command_feed_forget(struct command_call *call, struct str name);

/* --- command_server.c: the server by which a partner without a node is reached, one feed each way --- */

struct command_server {
    struct feed_conf feeds[2];
    size_t count; /* 0: none was named */
    struct feed_secret secret;
    char names[2][LIMIT_NAME_BYTES + 8];
    char source[LIMIT_NAME_BYTES + 8];
};
/* As the call says, checked; nothing is declared yet. `audience`: the partner's name, who may not exist. */
NODISCARD err_t command_server_read(struct command_call *call, struct str audience,
                                    struct command_server *out);
NODISCARD err_t command_server_put(struct command_call *call, const struct command_server *server);
/* All feeds of this partner, with their credentials. */
NODISCARD err_t command_server_remove(struct command_call *call, unsigned partner);
/* Members of a line: how far both directions came. */
void command_server_say(struct command_call *call, unsigned partner);
