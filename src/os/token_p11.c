/* By p11-kit, which reads the URI, knows the machine's modules and loads them. */
#include "os/token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <string.h>

#include "core/mem.h"

enum { SLOTS_MAX = 64, POINT_MAX = SIGN_PUBLIC_MAX + 3 };

struct os_token {
    CK_FUNCTION_LIST **registered; /* all modules of the machine, ended by NULL; or */
    CK_FUNCTION_LIST *one[2];      /* ...the one that the URI names */
    CK_FUNCTION_LIST *api;         /* of the module whose token it is; with it a session and a login */
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    const struct kind *kind;
    struct sign_public public;
};

struct opening {
    struct os_token *token;
    P11KitUri *uri;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    struct str pin;
    unsigned suite;
    struct fault *fault;
};

/* --- kinds of keys --- */

/* CKA_EC_PARAMS (PKCS#11 v3.0 section 2.3.3): an object identifier, in DER; of Ed25519 the curve's name and,
 * for modules of before that (section 2.3.10), its identifier. */
static const uint8_t ed25519_name[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
                                       'd',  's',  '2', '5', '5', '1', '9'};
static const uint8_t ed25519_oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t p256_oid[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384_oid[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

/* What the keys of a suite are for tokens. */
static const struct kind {
    unsigned suites; /* bits */
    const char *name;
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE make, sign;
    struct bytes curve[2]; /* the second where the first is not known; or none */
} kinds[] = {
    {1u << SUITE_1,
     "Ed25519",
     CKK_EC_EDWARDS,
     CKM_EC_EDWARDS_KEY_PAIR_GEN,
     CKM_EDDSA,
     {{ed25519_name, sizeof ed25519_name}, {ed25519_oid, sizeof ed25519_oid}}},
    {1u << SUITE_2 | 1u << SUITE_3,
     "P-256",
     CKK_EC,
     CKM_EC_KEY_PAIR_GEN,
     CKM_ECDSA,
     {{p256_oid, sizeof p256_oid}}},
    {1u << SUITE_4 | 1u << SUITE_5,
     "P-384",
     CKK_EC,
     CKM_EC_KEY_PAIR_GEN,
     CKM_ECDSA,
     {{p384_oid, sizeof p384_oid}}},
};

static const struct kind *kind_of(unsigned suite)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (suite < 32 && (kinds[i].suites >> suite & 1) != 0)
            return &kinds[i];
    return NULL;
}

bool os_token_named(const char *name)
{
    return strncmp(name, "pkcs11:", 7) == 0;
}

/* --- what modules answer --- */

static const struct {
    CK_RV answer;
    err_t err;
    const char *what;
} answers[] = {
    {CKR_PIN_INCORRECT, ERR_DENIED, "not the PIN of this token"},
    {CKR_PIN_LEN_RANGE, ERR_DENIED, "not the PIN of this token: its length"},
    {CKR_PIN_INVALID, ERR_DENIED, "not the PIN of this token"},
    {CKR_PIN_LOCKED, ERR_DENIED, "the PIN of this token is locked"},
    {CKR_PIN_EXPIRED, ERR_DENIED, "the PIN of this token has expired"},
    {CKR_USER_PIN_NOT_INITIALIZED, ERR_DENIED, "this token has no PIN yet"},
    {CKR_MECHANISM_INVALID, ERR_UNSUPPORTED, "this token knows no keys of the node's suite"},
    {CKR_CURVE_NOT_SUPPORTED, ERR_UNSUPPORTED, "this token knows no keys of the node's suite"},
    {CKR_TOKEN_WRITE_PROTECTED, ERR_DENIED, "nothing can be written to this token"},
    {CKR_DEVICE_REMOVED, ERR_IO, "the token was removed"},
    {CKR_TOKEN_NOT_PRESENT, ERR_IO, "the token was removed"},
};

static err_t answered(struct fault *fault, CK_RV answer)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i].answer == answer)
            return fault_set(fault, answers[i].err, 0, "%s", answers[i].what);
    return answer == CKR_OK
               ? ERR_OK
               : fault_set(fault, ERR_IO, 0, "the token refused: %.120s", p11_kit_strerror(answer));
}

/* --- the URI and its modules --- */

static err_t read_uri(struct opening *o, const char *text)
{
    o->uri = p11_kit_uri_new();
    if (o->uri == NULL)
        return ERR_NOMEM;
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, o->uri) != P11_KIT_URI_OK ||
        p11_kit_uri_any_unrecognized(o->uri))
        return fault_set(o->fault, ERR_INVALID, 0,
                         "not a PKCS#11 URI (RFC 7512), such as pkcs11:token=roots;object=kr");
    if (p11_kit_uri_get_pin_value(o->uri) != NULL || p11_kit_uri_get_pin_source(o->uri) != NULL)
        return fault_set(o->fault, ERR_INVALID, 0,
                         "the URI holds a PIN, which everybody on this machine can read there");
    if (p11_kit_uri_get_attribute(o->uri, CKA_LABEL) == NULL &&
        p11_kit_uri_get_attribute(o->uri, CKA_ID) == NULL)
        return fault_set(o->fault, ERR_INVALID, 0, "the URI names no key: object=NAME");
    return ERR_OK;
}

static err_t load_one(struct opening *o, const char *path)
{
    CK_FUNCTION_LIST *module = p11_kit_module_load(path, 0);
    if (module == NULL)
        return fault_set(o->fault, ERR_NOTFOUND, 0, "no PKCS#11 module in %.150s", path);
    if (p11_kit_module_initialize(module) != CKR_OK) {
        p11_kit_module_release(module);
        return fault_set(o->fault, ERR_IO, 0, "the module %.150s does not start", path);
    }
    o->token->one[0] = module;
    return ERR_OK;
}

static err_t load_modules(struct opening *o)
{
    const char *path = p11_kit_uri_get_module_path(o->uri);
    if (path != NULL)
        return load_one(o, path);
    o->token->registered = p11_kit_modules_load_and_initialize(0);
    return o->token->registered != NULL
               ? ERR_OK
               : fault_set(o->fault, ERR_NOTFOUND, 0,
                           "this machine has registered no module; name one: ?module-path=FILE");
}

/* --- the token --- */

static bool token_fits(struct opening *o, CK_FUNCTION_LIST *api, CK_SLOT_ID slot, CK_TOKEN_INFO *out)
{
    return api->C_GetTokenInfo(slot, out) == CKR_OK && (out->flags & CKF_TOKEN_INITIALIZED) != 0 &&
           p11_kit_uri_match_token_info(o->uri, out) == 1;
}

static err_t look_in_module(struct opening *o, CK_FUNCTION_LIST *api)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    if (api->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return ERR_OK; /* a module that has nothing to say */
    for (CK_ULONG i = 0; i < count; i++) {
        if (!token_fits(o, api, slots[i], &info))
            continue;
        if (o->token->api != NULL)
            return fault_set(o->fault, ERR_CONFLICT, 0,
                             "several tokens fit the URI; name one: token=LABEL or serial=NUMBER");
        o->token->api = api;
        o->slot = slots[i];
        o->info = info;
    }
    return ERR_OK;
}

static err_t find_token(struct opening *o)
{
    CK_FUNCTION_LIST **modules = o->token->registered != NULL ? o->token->registered : o->token->one;
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && modules[i] != NULL; i++)
        err = look_in_module(o, modules[i]);
    if (err != ERR_OK)
        o->token->api = NULL;
    return err != ERR_OK           ? err
           : o->token->api == NULL ? fault_set(o->fault, ERR_NOTFOUND, 0, "no token fits the URI")
                                   : ERR_OK;
}

static err_t log_in(struct opening *o, bool make)
{
    struct os_token *token = o->token;
    CK_FLAGS flags = CKF_SERIAL_SESSION | (make ? CKF_RW_SESSION : 0);
    /* A reader with keys of its own asks there, and is given none. */
    bool elsewhere = (o->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
    CK_RV answer = token->api->C_OpenSession(o->slot, flags, NULL, NULL, &token->session);
    if (answer != CKR_OK) {
        token->api = NULL;
        return answered(o->fault, answer);
    }
    answer =
        token->api->C_Login(token->session, CKU_USER, elsewhere ? NULL : (CK_UTF8CHAR *)(uintptr_t)o->pin.at,
                            elsewhere ? 0 : o->pin.len);
    return answered(o->fault, answer == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : answer);
}

/* --- the key --- */

enum { KEY_ATTRIBUTES = 6 };

/* What the URI says of the key, and these two. */
static CK_ULONG key_wanted(const struct opening *o, CK_OBJECT_CLASS *class, CK_KEY_TYPE *type,
                           CK_ATTRIBUTE out[KEY_ATTRIBUTES])
{
    CK_ULONG count = 0;
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(o->uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(o->uri, CKA_ID);
    out[count++] = (CK_ATTRIBUTE) {CKA_CLASS, class, sizeof *class};
    out[count++] = (CK_ATTRIBUTE) {CKA_KEY_TYPE, type, sizeof *type};
    if (label != NULL)
        out[count++] = *label;
    if (id != NULL)
        out[count++] = *id;
    return count;
}

static err_t find_object(const struct opening *o, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out)
{
    CK_FUNCTION_LIST *api = o->token->api;
    CK_SESSION_HANDLE session = o->token->session;
    CK_KEY_TYPE type = o->token->kind->type;
    CK_ATTRIBUTE wanted[KEY_ATTRIBUTES];
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;
    CK_RV answer = api->C_FindObjectsInit(session, wanted, key_wanted(o, &class, &type, wanted));
    if (answer == CKR_OK) {
        answer = api->C_FindObjects(session, found, 2, &count);
        (void)api->C_FindObjectsFinal(session);
    }
    if (answer != CKR_OK)
        return answered(o->fault, answer);
    if (count == 0)
        return fault_set(o->fault, ERR_NOTFOUND, 0, "the token holds no such %s key", o->token->kind->name);
    if (count > 1)
        return fault_set(o->fault, ERR_CONFLICT, 0,
                         "several keys of the token fit the URI; name one: id=...");
    *out = found[0];
    return ERR_OK;
}

/* CKA_EC_POINT: the point in an OCTET STRING, in a BIT STRING, or, by some modules, as it is. */
static bool point_read(unsigned suite, const uint8_t *at, size_t len, struct sign_public *out)
{
    bool octets = len > 2 && at[0] == 0x04 && at[1] == len - 2;
    bool bits = len > 3 && at[0] == 0x03 && at[1] == len - 2 && at[2] == 0;
    return (octets && sign_public_of(suite, bytes_of(at + 2, len - 2), out) == ERR_OK) ||
           (bits && sign_public_of(suite, bytes_of(at + 3, len - 3), out) == ERR_OK) ||
           sign_public_of(suite, bytes_of(at, len), out) == ERR_OK;
}

static err_t read_public(struct opening *o)
{
    struct os_token *token = o->token;
    uint8_t point[POINT_MAX];
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, point, sizeof point};
    CK_OBJECT_HANDLE object;
    err_t err = find_object(o, CKO_PUBLIC_KEY, &object);
    if (err != ERR_OK)
        return err;
    CK_RV answer = token->api->C_GetAttributeValue(token->session, object, &wanted, 1);
    if (answer != CKR_OK)
        return answered(o->fault, answer);
    return wanted.ulValueLen <= sizeof point && point_read(o->suite, point, wanted.ulValueLen, &token->public)
               ? ERR_OK
               : fault_set(o->fault, ERR_UNSUPPORTED, 0, "the key is no %s key", token->kind->name);
}

/* --- making one --- */

static CK_RV generate(const struct opening *o, struct bytes curve)
{
    CK_FUNCTION_LIST *api = o->token->api;
    CK_MECHANISM mechanism = {o->token->kind->make, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE none = {CKA_ID, NULL, 0};
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(o->uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(o->uri, CKA_ID);
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof yes},
                             {CKA_PRIVATE, &no, sizeof no},
                             {CKA_VERIFY, &yes, sizeof yes},
                             {CKA_EC_PARAMS, (void *)(uintptr_t)curve.at, curve.len},
                             *label,
                             id != NULL ? *id : none};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes},
                              {CKA_PRIVATE, &yes, sizeof yes},
                              {CKA_SENSITIVE, &yes, sizeof yes},
                              {CKA_EXTRACTABLE, &no, sizeof no},
                              {CKA_SIGN, &yes, sizeof yes},
                              *label,
                              id != NULL ? *id : none};
    CK_OBJECT_HANDLE made[2];
    CK_ULONG without = id != NULL ? 0 : 1;
    return api->C_GenerateKeyPair(o->token->session, &mechanism, public,
                                  sizeof public / sizeof public[0] - without, private,
                                  sizeof private / sizeof private[0] - without, &made[0], &made[1]);
}

static err_t make_key(struct opening *o)
{
    if (p11_kit_uri_get_attribute(o->uri, CKA_LABEL) == NULL)
        return fault_set(o->fault, ERR_INVALID, 0, "a new key needs a name: object=NAME");
    const struct bytes *curve = o->token->kind->curve;
    CK_RV answer = generate(o, curve[0]);
    if (answer != CKR_OK && answer != CKR_MECHANISM_INVALID && curve[1].len > 0)
        answer = generate(o, curve[1]);
    return answered(o->fault, answer);
}

static err_t find_key(struct opening *o, bool make)
{
    err_t err = find_object(o, CKO_PRIVATE_KEY, &o->token->key);
    if (err == ERR_NOTFOUND && make) {
        err = make_key(o);
        if (err == ERR_OK)
            err = find_object(o, CKO_PRIVATE_KEY, &o->token->key);
    }
    return err == ERR_OK ? read_public(o) : err;
}

err_t os_token_open(const char *uri, unsigned suite, struct str pin, bool make, struct os_token **out,
                    struct fault *fault)
{
    struct os_token *token = mem_alloc(sizeof *token);
    struct opening o = {.token = token, .pin = pin, .suite = suite, .fault = fault};
    err_t err;
    *out = NULL;
    if (token == NULL)
        return ERR_NOMEM;
    token->kind = kind_of(suite);
    if (token->kind == NULL) {
        mem_free(token);
        return fault_set(fault, ERR_UNSUPPORTED, 0, "no token holds keys of suite %u", suite);
    }
    p11_kit_be_quiet();
    if (TRY(err, read_uri(&o, uri)) || TRY(err, load_modules(&o)) || TRY(err, find_token(&o)) ||
        TRY(err, log_in(&o, make)) || TRY(err, find_key(&o, make))) {
        os_token_close(token);
        token = NULL;
    }
    p11_kit_uri_free(o.uri);
    *out = token;
    return err;
}

void os_token_close(struct os_token *token)
{
    if (token == NULL)
        return;
    if (token->api != NULL) {
        (void)token->api->C_Logout(token->session);
        (void)token->api->C_CloseSession(token->session);
    }
    if (token->registered != NULL)
        p11_kit_modules_finalize_and_release(token->registered);
    if (token->one[0] != NULL) {
        (void)p11_kit_module_finalize(token->one[0]);
        p11_kit_module_release(token->one[0]);
    }
    mem_free(token);
}

/* --- signing --- */

/* What the token gives for `message`, as its kind of key signs. */
static err_t sign_there(const struct os_token *token, struct bytes message, uint8_t *out, CK_ULONG *out_len)
{
    CK_MECHANISM mechanism = {token->kind->sign, NULL, 0};
    CK_RV answer = token->api->C_SignInit(token->session, &mechanism, token->key);
    if (answer == CKR_OK)
        answer =
            token->api->C_Sign(token->session, (CK_BYTE *)(uintptr_t)message.at, message.len, out, out_len);
    return answer == CKR_OK ? ERR_OK : ERR_IO;
}

/* ECDSA: of the digest, which is made here, since few tokens make it (CKM_ECDSA). */
static err_t sign_by_numbers(const struct os_token *token, struct bytes message, size_t size,
                             struct signature *out)
{
    uint8_t digest[SIGN_NUMBER_MAX], numbers[2 * SIGN_NUMBER_MAX];
    CK_ULONG len = sizeof numbers;
    err_t err = sign_digest(&token->public, message, digest);
    if (err == ERR_OK)
        err = sign_there(token, bytes_of(digest, size), numbers, &len);
    return err != ERR_OK ? err : len == 2 * size ? sign_spell(&token->public, numbers, out) : ERR_IO;
}

static err_t sign_whole(const struct os_token *token, struct bytes message, struct signature *out)
{
    CK_ULONG len = sizeof out->b;
    err_t err = sign_there(token, message, out->b, &len);
    out->len = len;
    return err == ERR_OK && len > sizeof out->b ? ERR_IO : err;
}

static err_t token_sign(const void *ctx, struct bytes message, struct signature *out)
{
    const struct os_token *token = ctx;
    size_t size = sign_number_size(&token->public);
    err_t err = size > 0 ? sign_by_numbers(token, message, size, out) : sign_whole(token, message, out);
    return err == ERR_OK && sign_raw_verify(&token->public, message, out) != ERR_OK ? ERR_IO : err;
}

struct sign_hand os_token_signer(const struct os_token *token)
{
    return (struct sign_hand) {&token->public, token_sign, token};
}
