/* Inside the room: a run of digits in groups, and the checks of form.inc. */
#pragma once

#include "privacy/scan.h"

enum { RUN_DIGITS = 24, RUN_GROUPS = 6 };

struct run {
    size_t from; /* with its plus or opening parenthesis */
    bool plus, open;
    bool abroad; /* a messenger's link stands before it: with its country, and no plus */
    bool home;   /* the link's messenger also takes numbers as they are called in its country */
    bool loose;  /* letters that are drawn like digits are read as such */
    size_t group_count, digit_count;
    uint8_t digits[RUN_DIGITS];
    struct group {
        uint8_t first, count;
        uint8_t separator; /* SEP_* before it */
        uint8_t letters;   /* of its digits, those that are letters */
        size_t from, end;
        size_t extended; /* behind an extension (x123), which telephones alone have; else `end` */
    } groups[RUN_GROUPS];
    bool joined; /* a word and a dash stand before it */
};

/* Checks of form.inc: false refuses, otherwise what the digits add to the form's score. */
struct digits {
    const uint8_t *at;
    size_t count;
    bool bare;
};

typedef bool number_check(struct digits digits, int *score, uint16_t *reasons);
bool number_rrn(struct digits digits, int *score, uint16_t *reasons);
bool number_rrn_long(struct digits digits, int *score, uint16_t *reasons);
bool number_frn(struct digits digits, int *score, uint16_t *reasons);
bool number_licence(struct digits digits, int *score, uint16_t *reasons);
bool number_business(struct digits digits, int *score, uint16_t *reasons);
bool number_mobile(struct digits digits, int *score, uint16_t *reasons);
bool number_mobile_old(struct digits digits, int *score, uint16_t *reasons);
bool number_land(struct digits digits, int *score, uint16_t *reasons);
bool number_service(struct digits digits, int *score, uint16_t *reasons);
bool number_82(struct digits digits, int *score, uint16_t *reasons);
bool number_ssn(struct digits digits, int *score, uint16_t *reasons);
bool number_nanp(struct digits digits, int *score, uint16_t *reasons);
bool number_nanp_1(struct digits digits, int *score, uint16_t *reasons);
bool number_card(struct digits digits, int *score, uint16_t *reasons);
