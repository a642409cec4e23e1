/* Edge's part of feeds: makes the calls that core asks for, to the servers that operators declared, and adds
 * what they are to be called with (feed_secret.h). A feed has a client of its own while a run goes on: its
 * own connections, trust and secrets; nothing is shared with another.
 *
 * TLS 1.2 or better, by the system's authorities, or by those or the key that the operator named instead.
 * Never to a private address unless the declaration says so. What arrives is handed on in parts; a call whose
 * parts core does not keep up with is ended, and the feed goes on from where it came to. One thread, the
 * loop's. */
#pragma once

#include "app/conf.h"
#include "app/link.h"
#include "core/diag.h"

struct edge_feeds;

struct edge_feeds_setup {
    struct loop *loop;
    const struct os *os;
    const struct conf *conf;
    const struct diag *diag;
    struct link *core;
};

NODISCARD err_t edge_feeds_new(const struct edge_feeds_setup *setup, struct edge_feeds **out);
void edge_feeds_free(struct edge_feeds *feeds); /* accepts NULL */
/* False: no message of feeds. */
bool edge_feeds_message(struct edge_feeds *feeds, unsigned kind, struct bytes body);
/* Core is new: nobody waits for anything. */
void edge_feeds_clear(struct edge_feeds *feeds);
