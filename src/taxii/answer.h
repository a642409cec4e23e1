/* What every answer of the server has in common (TAXII 2.1 sections 1.6.8, 3.6.1). For taxii/ only. */
#pragma once

#include "taxii/state.h"

/* A handled request on its way: one per call of taxii_handle. */
struct call {
    struct taxii *taxii;
    const struct exchange_request *request;
    int64_t now_us;
    const struct taxii_identity *identity;
    struct exchange_response *response;
    struct taxii_effect *effect;
    bool may_wait; /* a view that is not signed up to date: leave the answer empty */
};

/* Status and media type; the body is the caller's to write. */
void answer_begin(struct exchange_response *response, unsigned status);
/* An error message; replaces whatever stands in the body. `description` may be empty. */
void answer_error(struct exchange_response *response, unsigned status, const char *title,
                  struct str description);
/* The one answer about anything that is not in the identity's view. */
void answer_not_found(struct exchange_response *response);
void answer_method(struct exchange_response *response, const char *allowed);
/* What a failure of the gate means to a client. */
void answer_failed(struct exchange_response *response, err_t err);
