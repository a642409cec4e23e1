#include "core/suite.h"

/* SubjectPublicKeyInfo up to the key: RFC 8410 section 4, RFC 5480 section 2 (uncompressed point). */
static const uint8_t spki_ed25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t spki_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

/* PrivateKeyInfo up to the key: RFC 8410 section 7; RFC 5958 with RFC 5915, without the public half. */
static const uint8_t pkcs8_ed25519[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                        0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t pkcs8_p256[] = {0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
                                     0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20};

static const uint8_t spki_p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
static const uint8_t pkcs8_p384[] = {0x30, 0x4e, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                     0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
                                     0x22, 0x04, 0x37, 0x30, 0x35, 0x02, 0x01, 0x01, 0x04, 0x30};

/* A point is uncompressed: one byte and both coordinates. */
#define EC_ROW(number, name, kind, of, bytes)                                                                \
    {                                                                                                        \
        .id = (number), .signer = (kind), .cipher = (name), .curve = &suite_##of,                            \
        .public_size = 1 + 2 * (bytes), .box_size = 1 + 2 * (bytes) + SUITE_KEY_SIZE + SUITE_TAG_SIZE,       \
        .spki = {spki_##of, sizeof spki_##of}, .pkcs8 = {pkcs8_##of, sizeof pkcs8_##of},                     \
        .private_size = (bytes), .key_make = suite_ec_make, .sign = suite_ec_sign,                           \
        .verify = suite_ec_verify, .public_ok = suite_ec_public_ok, .box_public = suite_ec_public,           \
        .box = suite_ec_box, .unbox = suite_ec_unbox, .seal = suite_gcm_seal, .unseal = suite_gcm_unseal,    \
        .stream_begin = suite_gcm_begin, .stream_put = suite_gcm_put, .stream_take = suite_gcm_take          \
    }

static const struct suite suites[] = {
    {.id = SUITE_1,
     .signer = SUITE_ED25519,
     .public_size = 32,
     .box_size = 32 + SUITE_KEY_SIZE + SUITE_TAG_SIZE,
     .spki = {spki_ed25519, sizeof spki_ed25519},
     .pkcs8 = {pkcs8_ed25519, sizeof pkcs8_ed25519},
     .private_size = 32,
     .key_make = suite_ed25519_make,
     .sign = suite_ed25519_sign,
     .verify = suite_ed25519_verify,
     .public_ok = suite_ed25519_public_ok,
     .box_public = suite_x25519_public,
     .box = suite_x25519_box,
     .unbox = suite_x25519_unbox,
     .seal = suite_xchacha_seal,
     .unseal = suite_xchacha_unseal,
     .stream_begin = suite_xchacha_begin,
     .stream_put = suite_xchacha_put,
     .stream_take = suite_xchacha_take},
    EC_ROW(SUITE_2, "AES-256-GCM", SUITE_ECDSA_P256, p256, 32),
    EC_ROW(SUITE_3, "ARIA-256-GCM", SUITE_ECDSA_P256, p256, 32),
    EC_ROW(SUITE_4, "AES-256-GCM", SUITE_ECDSA_P384, p384, 48),
    EC_ROW(SUITE_5, "ARIA-256-GCM", SUITE_ECDSA_P384, p384, 48),
};

const struct suite *suite_of(unsigned id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}
