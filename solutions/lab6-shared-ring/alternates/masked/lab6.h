/*
 * lab6.h: the two pages as this lab lays them out.  For ring 3 and for the kernel.
 *
 * Both words are numbers of slots, from 0 to slots - 1.  They are equal when nothing waits, so one slot
 * is always empty.
 */
#ifndef CORRAL_LAB6_H
#define CORRAL_LAB6_H

#include "ring_abi.h"

#define LINE 64

/* RING_USER.  The slots come first here. */
struct user_page {
    struct ring_descriptor slots[RING_SLOTS_MAX];
    uint32_t               in __attribute__((aligned(LINE))); /* the slot that is filled next */
};

/* RING_KERNEL. */
struct kernel_page {
    uint32_t armed;                             /* 1: ring the doorbell */
    uint32_t out __attribute__((aligned(LINE))); /* the slot that is looked at next */
};

_Static_assert(sizeof(struct user_page) <= 4096 && sizeof(struct kernel_page) <= 4096,
               "each is one page");

#endif
