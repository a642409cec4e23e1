/* A server over a fake gate with three identities, and requests in one line. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_gate.h"
#include "taxii/identity.h"

enum { KIT_T0_S = 1795300000 };
#define KIT_T0_US    ((int64_t)KIT_T0_S * 1000000)
#define KIT_PASSWORD "correct horse battery"

/* jp reads its view and submits; ca reads another; desk only submits. */
struct kit {
    struct gate *gate;
    struct taxii *taxii;
    unsigned jp, ca; /* partners */
    uint32_t jp_source, ca_source, desk_source;
    char jp_token[TAXII_TOKEN_SIZE + 8], ca_token[TAXII_TOKEN_SIZE + 8], desk_token[TAXII_TOKEN_SIZE + 8];
    uint8_t seed;
    int64_t now_us;
    struct taxii_effect effect;
    struct exchange_response response; /* the last; body ends with NUL */
};

extern const struct gate_by kit_by;

int kit_setup(void **state);
int kit_setup_strict(void **state);
int kit_teardown(void **state);
/* Starts the server anew, with these origins for CORS. */
void kit_origins(struct kit *kit, const struct str *origins, size_t count);

/* As jp, unless the request names another authorization. */
unsigned kit_send(struct kit *kit, const struct exchange_request *request);
unsigned kit_get(struct kit *kit, const char *path, const char *query);
unsigned kit_get_as(struct kit *kit, const char *token, const char *path, const char *query);
unsigned kit_post_as(struct kit *kit, const char *token, const char *path, const char *body);
unsigned kit_post(struct kit *kit, const char *path, const char *body);

const char *kit_body(const struct kit *kit);
/* NULL when absent. */
const char *kit_header(const struct kit *kit, const char *name);
bool kit_says(const struct kit *kit, const char *text);
size_t kit_occurs(const struct kit *kit, const char *text);
/* Copies what follows `"name":"` up to the quote. */
void kit_member(const struct kit *kit, const char *name, char *out, size_t size);

/* An indicator with this number, version (seconds after a base) and note. Static buffer, used in turns. */
const char *kit_object(unsigned number, unsigned version, const char *note);
/* An ipv4-addr: no version. */
const char *kit_sco(unsigned number, const char *note);
/* Releases to jp, a second after the last. */
void kit_release(struct kit *kit, const char *text);
