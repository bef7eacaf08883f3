/*
 * lab6.h: the two pages as this lab lays them out.  For ring 3 and for the kernel.
 */
#ifndef CORRAL_LAB6_H
#define CORRAL_LAB6_H

#include "ring_abi.h"

#define LINE 64

/* RING_USER. */
struct user_page {
    uint32_t               produced; /* descriptors ever put in */
    uint32_t               seen __attribute__((aligned(LINE))); /* `consumed`, at the last look */
    struct ring_descriptor slots[RING_SLOTS_MAX] __attribute__((aligned(LINE)));
};

/* RING_KERNEL. */
struct kernel_page {
    uint32_t consumed; /* descriptors ever taken out */
    uint32_t armed __attribute__((aligned(LINE)));
};

_Static_assert(sizeof(struct user_page) <= 4096 && sizeof(struct kernel_page) <= 4096,
               "each is one page");

#endif
