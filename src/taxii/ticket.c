#include "taxii/ticket.h"

#include "core/rd.h"

enum { MAC_SIZE = 16, NUMBER_SIZE = 8, STATUS_MAC_SIZE = 9, BOUND_MAX = 512 };

static void number_put(uint8_t out[NUMBER_SIZE], uint64_t number)
{
    for (int i = 0; i < NUMBER_SIZE; i++)
        out[i] = (uint8_t)(number >> (8 * (NUMBER_SIZE - 1 - i)));
}

static struct hash mac_of(const struct taxii *taxii, const char *label, struct bytes bound, uint64_t number)
{
    uint8_t context[BOUND_MAX + NUMBER_SIZE];
    must(bound.len <= BOUND_MAX);
    number_put(context, number);
    memcpy(context + NUMBER_SIZE, bound.at, bound.len);
    return taxii_mac(taxii, label, bytes_of(context, NUMBER_SIZE + bound.len));
}

/* The bits that hide the number, out of the MAC that stands beside it. */
static uint64_t mask_of(const struct taxii *taxii, const char *label, const uint8_t *mac, size_t len)
{
    struct hash mask = taxii_mac(taxii, label, bytes_of(mac, len));
    struct rd rd = rd_of(bytes_of(mask.b, NUMBER_SIZE));
    return rd_u64(&rd);
}

void ticket_next(const struct taxii *taxii, struct bytes bound, uint64_t position, char out[TICKET_TEXT_SIZE])
{
    uint8_t ticket[MAC_SIZE + NUMBER_SIZE];
    struct hash mac = mac_of(taxii, "next", bound, position);
    memcpy(ticket, mac.b, MAC_SIZE);
    number_put(ticket + MAC_SIZE, position ^ mask_of(taxii, "next mask", ticket, MAC_SIZE));
    str_hex(ticket, sizeof ticket, out);
}

err_t ticket_next_read(const struct taxii *taxii, struct bytes bound, struct str text, uint64_t *out_position)
{
    uint8_t ticket[MAC_SIZE + NUMBER_SIZE];
    if (text.len != TICKET_TEXT_SIZE || !str_unhex(text, ticket, sizeof ticket))
        return ERR_INVALID;
    struct rd rd = rd_of(bytes_of(ticket + MAC_SIZE, NUMBER_SIZE));
    uint64_t position = rd_u64(&rd) ^ mask_of(taxii, "next mask", ticket, MAC_SIZE);
    struct hash mac = mac_of(taxii, "next", bound, position);
    if (memcmp(mac.b, ticket, MAC_SIZE) != 0)
        return ERR_SIGNATURE;
    *out_position = position;
    return ERR_OK;
}

struct uuid ticket_status(const struct taxii *taxii, struct str identity, uint64_t number)
{
    must(number >> TICKET_NUMBER_BITS == 0);
    struct hash mac = mac_of(taxii, "status", bytes_from_str(identity), number);
    /* Version and variant go in before the mask is taken over the first nine bytes. */
    struct uuid uuid = uuid_v4(mac.b);
    uint8_t hidden[NUMBER_SIZE];
    number_put(hidden, number ^ mask_of(taxii, "status mask", uuid.b, STATUS_MAC_SIZE) >> 8);
    memcpy(uuid.b + STATUS_MAC_SIZE, hidden + 1, NUMBER_SIZE - 1);
    return uuid;
}

err_t ticket_status_read(const struct taxii *taxii, struct str identity, const struct uuid *uuid,
                         uint64_t *out_number)
{
    struct rd rd = rd_of(bytes_of(uuid->b + STATUS_MAC_SIZE, NUMBER_SIZE - 1));
    uint64_t hidden = rd_uint(&rd, NUMBER_SIZE - 1);
    uint64_t number = hidden ^ mask_of(taxii, "status mask", uuid->b, STATUS_MAC_SIZE) >> 8;
    struct uuid real = ticket_status(taxii, identity, number);
    if (memcmp(real.b, uuid->b, UUID_SIZE) != 0)
        return ERR_NOTFOUND;
    *out_number = number;
    return ERR_OK;
}
