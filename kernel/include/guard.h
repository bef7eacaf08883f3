/*
 * guard.h: the locks of the kernel's own structures that CPUs share.
 *
 *   guard           level     protects
 *   memory_guard    DISPATCH  the free pages and the list of address spaces
 *   threads_guard   CLOCK     the state of every thread, and whose each place in the table is
 *   rings_guard     DISPATCH  which places for rings are taken (kernel/sys/ring.c)
 *   contest_guard   DISPATCH  who takes part in a contest of locks (kernel/sys/contest.c)
 *   output_guard    HIGH      text on its way to the console
 *
 * A CPU that has one of them takes no other.  Nobody waits for a device while he has one, and nobody
 * goes back to ring 3 or to the idle loop with one.
 *
 * They do nothing until guards_init(): a kernel that is still alone, and one whose host lets one CPU
 * run at a time, does without lab 4.
 */
#ifndef CORRAL_GUARD_H
#define CORRAL_GUARD_H

#include <stdbool.h>

#include "boot.h"
#include "spinlock.h"

#define STAGE_SHARING 4 /* from this stage on all CPUs share all of the kernel */

struct guard {
    struct spinlock lock;
    bool            parted; /* until stage 4 each CPU has a part of its own, and needs no lock */
};
extern struct guard memory_guard, threads_guard, rings_guard, contest_guard, output_guard;

/* Turns them on.  CPU 0, once, before the other CPUs run threads. */
void guards_init(void);

/* Whether all CPUs may now use everything.  Any level, any CPU. */
bool sharing(void);

/* Takes one, gives it back.  Up to its level, any CPU, not from an NMI. */
void guard_enter(struct guard *guard, struct spin_handle *handle);
void guard_leave(struct guard *guard, struct spin_handle *handle);

#endif
