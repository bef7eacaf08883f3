/*
 * lab6.h: the two pages as this lab lays them out.  For ring 3 and for the kernel.
 */
#ifndef CORRAL_LAB6_H
#define CORRAL_LAB6_H

#include "ring_abi.h"

/*
 * What is in RING_USER, and what in RING_KERNEL?  Whose is each word, and who may not be able to
 * write it?  Which of them should not share a line?
 */
struct user_page {
    uint32_t unused;
};
struct kernel_page {
    uint32_t unused;
};

_Static_assert(sizeof(struct user_page) <= 4096 && sizeof(struct kernel_page) <= 4096,
               "each is one page");

/* In ring3_push.c: exercise 6.5. */
int kernel_sleeps(const struct kernel_page *kernel);

#endif
