/*
 * lab6.h: the two pages as this lab lays them out.  For ring 3 and for the kernel.
 */
#ifndef CORRAL_LAB6_H
#define CORRAL_LAB6_H

#include "ring_abi.h"

/* BEGIN 6.1 */
#define LINE 64 /* words of different writers lie in lines of their own */

/* RING_USER. */
struct user_page {
    uint32_t               produced; /* descriptors ever put in; published after the slot */
    struct ring_descriptor slots[RING_SLOTS_MAX] __attribute__((aligned(LINE)));
};

/* RING_KERNEL.  Nothing else may be in this page: ring 3 sees all of it. */
struct kernel_page {
    uint32_t consumed; /* descriptors ever taken out; published after the last look at the slot */
    uint32_t armed __attribute__((aligned(LINE))); /* not 0: ring the doorbell */
};
/* INSTEAD 6.1 */
//| /*
//|  * What is in RING_USER, and what in RING_KERNEL?  Whose is each word, and who may not be able to
//|  * write it?  Which of them should not share a line?
//|  */
//| struct user_page {
//|     uint32_t unused;
//| };
//| struct kernel_page {
//|     uint32_t unused;
//| };
/* END 6.1 */

_Static_assert(sizeof(struct user_page) <= 4096 && sizeof(struct kernel_page) <= 4096,
               "each is one page");

/* In ring3_push.c: exercise 6.5. */
int kernel_sleeps(const struct kernel_page *kernel);

#endif
