/* What came as an origin's signature, from whoever passed it on: what is read is written again in the same
 * bytes, and nobody's key made it. */
#include <stdlib.h>

#include "ledger/voucher.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct sign_public nobody = {SUITE_1, {1}};
    static const struct hash content;
    struct rd rd = rd_of(bytes_of(bytes, size));
    struct voucher voucher;
    struct buf made;
    if (sign_start() != ERR_OK)
        abort();
    voucher_read(&rd, &voucher);
    if (rd.err != ERR_OK)
        return 0;
    buf_init(&made, LIMIT_VOUCHER_BYTES);
    voucher_write(&made, &voucher);
    if (buf_err(&made) != ERR_OK || !bytes_eq(buf_bytes(&made), bytes_of(bytes, size - rd.left)))
        abort();
    voucher.key = voucher_key_id(&nobody);
    if (voucher_verify(&voucher, &content, &nobody) == ERR_OK)
        abort();
    buf_deinit(&made);
    return 0;
}
