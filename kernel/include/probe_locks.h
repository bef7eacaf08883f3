/*
 * probe_locks.h: locks and short pieces of code that the host lets CPUs compete with.
 *
 * Each function is called by the host on the CPUs that it lets run, step by step.
 */
#ifndef CORRAL_PROBE_LOCKS_H
#define CORRAL_PROBE_LOCKS_H

#include <stdint.h>

#include "cpu.h"
#include "spinlock.h"

extern struct tas_lock    probe_tas;
extern struct ticket_lock probe_ticket;
extern struct queued_lock probe_queued[2];
extern struct queued_node probe_node[MAX_CPUS][2];
extern struct spinlock    probe_spin[2];
extern struct spin_handle probe_handle[MAX_CPUS][2];
extern uint32_t           probe_shared;            /* what the locks protect */
extern uint32_t           probe_level_inside[MAX_CPUS], probe_level[MAX_CPUS];
extern uint32_t           probe_clock;             /* what spin_clock() says in a graded boot */
extern uintptr_t          probe_lock_in_interrupt; /* 1 + the spinlock that each interrupt takes */

/* Takes the lock, adds 1 to probe_shared in two steps, gives it back.  `which` is 0 or 1. */
void probe_tas_round(void);
void probe_ticket_round(void);
void probe_queued_round(uintptr_t which);
void probe_spin_round(uintptr_t which);

/* So many rounds of one of them, with lock 0. */
void probe_rounds(void (*round)(uintptr_t which), uintptr_t times);

/*
 * Lock 0, lock 1, both back: with a node, or a handle, for each.  The last one first; of the queues a
 * CPU with an odd number gives the first one back first.
 */
void probe_queued_nested(void);
void probe_spin_nested(void);

/* The two halves of a round on their own, for the host to misuse; try gives 1 or 0. */
void      probe_spin_init(uintptr_t which, uintptr_t level, uintptr_t flags);
void      probe_spin_take(uintptr_t which);
uintptr_t probe_spin_try(uintptr_t which);
void      probe_spin_give(uintptr_t which);

/*
 * In the lock; after what is done in it; between the two spinlocks that are given back; and when the
 * last call of the contract has returned, where the level is still the lab's own.  The host stops here,
 * so none is inlined.
 */
void probe_inside(void);
void probe_outside(void);
void probe_between(void);
void probe_after(void);

#endif
