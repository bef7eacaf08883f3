/*
 * lab2.h: what this lab keeps in each CPU and in each thread.
 */
#ifndef CORRAL_LAB2_H
#define CORRAL_LAB2_H

#include "percpu.h"

struct lab2_cpu {
    uintptr_t user_sp; /* SYSCALL's user stack pointer, between syscall_stack and push_user_sp */
};

struct lab2_thread {
    uint64_t gs_base; /* 64 bits: ring 3's base while another thread has its turn */
};

_Static_assert(sizeof(struct lab2_cpu) <= LAB2_AREA_SIZE, "the area is too small");
_Static_assert(sizeof(struct lab2_thread) <= LAB2_AREA_SIZE, "the area is too small");
_Static_assert(sizeof(struct cpu) < USER_START, "an offset from GS could be an address of ring 3");

#endif
