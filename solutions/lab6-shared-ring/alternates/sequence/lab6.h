/*
 * lab6.h: the two pages as this lab lays them out.  For ring 3 and for the kernel.
 */
#ifndef CORRAL_LAB6_H
#define CORRAL_LAB6_H

#include "ring_abi.h"

/* Two to a line; none lies in two lines. */
struct slot {
    struct ring_descriptor descriptor;
    uint32_t               number; /* of the descriptor, plus one: written last, and then it is whole */
    uint32_t               unused[3];
};

/* RING_USER. */
struct user_page {
    struct slot slots[RING_SLOTS_MAX];
};

/* RING_KERNEL. */
struct kernel_page {
    uint32_t armed; /* not 0: ring the doorbell */
    uint32_t unused[31];
    uint32_t taken; /* the number of the descriptor that is next; slots before it are free */
};

_Static_assert(sizeof(struct user_page) <= 4096 && sizeof(struct kernel_page) <= 4096,
               "each is one page");

#endif
