/*
 * spinlock.h: the contract of lab 4, locks between CPUs.
 *
 * A lock that one CPU has makes the others wait in a loop.  All of them lie in memory that the kernel
 * gives: LOCK_SIZE bytes of the lab's own for a lock, as many for what one acquisition needs.  All
 * zeros is a lock that is free.  A lock that is taken and given back is all that the memory after it
 * may be seen through: what one holder wrote, the next one reads.
 */
#ifndef CORRAL_SPINLOCK_H
#define CORRAL_SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "ipi.h"
#include "irql.h"
#include "x86.h"

#define LOCK_SIZE 64 /* bytes: a cache line */

/* Opaque to the kernel.  Each has a line of its own, so that waiting for one does not disturb another. */
#define LOCK_ROOM(name)                                                      \
    struct name {                                                            \
        uint8_t room[LOCK_SIZE] __attribute__((aligned(LOCK_SIZE)));         \
    }

/*
 * ---- written in lab 4: three ways to wait ----
 *
 * They leave the level and IF alone.  To give a lock back is to wait for nobody; queued_release() alone
 * may wait, for a CPU that has come into the queue and has not said so yet.  So a lock that an interrupt's
 * handler may want there is given back before this one.
 */

/*
 * Test-and-test-and-set.  One word; a CPU that waits only reads it, with PAUSE, until it seems free.
 * Interrupts off or at a level at which nothing else on this CPU takes the lock.  Not from an NMI.
 */
LOCK_ROOM(tas_lock);
void tas_acquire(struct tas_lock *lock);
void tas_release(struct tas_lock *lock);

/*
 * Tickets: who asks first gets it first.  Right for any number of acquisitions, of 2 to MAX_CPUS CPUs
 * at a time; the numbers may wrap.  Levels as above.
 */
LOCK_ROOM(ticket_lock);
void ticket_acquire(struct ticket_lock *lock);
void ticket_release(struct ticket_lock *lock);

/*
 * A queue: who asks first gets it first, and each CPU waits on a line of its own (Mellor-Crummey and
 * Scott 1991).  The node is the caller's, from before acquire to after release, whatever was in it
 * before; a CPU that holds several locks has a node for each.  Levels as above.
 */
LOCK_ROOM(queued_lock);
LOCK_ROOM(queued_node);
void queued_acquire(struct queued_lock *lock, struct queued_node *node);
void queued_release(struct queued_lock *lock, struct queued_node *node);

/* ---- written in lab 4: the lock that the kernel uses ---- */

LOCK_ROOM(spinlock);
LOCK_ROOM(spin_handle); /* one acquisition: the level to go back to, and what the lock needs */

#define SPIN_CHECKED 1u /* flag: finds mistakes of its users, see spin_report() */

/*
 * A free lock, whatever was in its room.  `level` is the highest level at which it is ever taken,
 * DISPATCH_LEVEL to HIGH_LEVEL; its holder runs at that level.  `name` is kept.  Before its first use,
 * any CPU.
 */
void spin_init(struct spinlock *lock, const char *name, irql_t level, unsigned flags);

/*
 * Takes the lock; this CPU is at the lock's level afterwards, and `handle` knows the level before.
 * While it waits it is at the level of the caller, so what the caller could be interrupted by still
 * comes, and an IPI too.  IF is not touched.  Up to the lock's level, any CPU.  Not from an NMI, which
 * may have interrupted the holder.
 */
void spin_acquire(struct spinlock *lock, struct spin_handle *handle);

/*
 * Gives it back, then goes back to the level before spin_acquire() or spin_try().  At the lock's level,
 * on the CPU that took it, with the same handle.  From an NMI: if it took it.
 */
void spin_release(struct spinlock *lock, struct spin_handle *handle);

/*
 * Takes the lock if it is free, as spin_acquire() does, but never waits.  False: it was not free, and
 * nothing has changed, the level neither.  IF is not touched.  Any level and CPU; an NMI may call it:
 * there the level may be above the lock's, and stays.  A holder on this same CPU is no mistake here.
 */
bool spin_try(struct spinlock *lock, struct spin_handle *handle);

/* ---- written in lab 4: a log that all CPUs share, in shared_log below ---- */

/* Makes the log's lock.  Before its first line, CPU 0, once. */
void log_init(void);

/*
 * Adds a line, whole and once, under a spinlock of the lab's own.  At most LOG_TEXT_SIZE - 1 bytes are
 * kept.  Any level, any CPU, with interrupts on or off; both stay as they are.  Not from an NMI.
 */
void log_line(const char *text);

/* The same without waiting.  False: the log is busy, and the line is not in it.  From an NMI too. */
bool log_try(const char *text);

/* ---- given ---- */

/* The lab's own memory in this CPU: LAB4_AREA_SIZE bytes, aligned to 64, zero. */
static inline void *lab4_cpu_area(struct cpu *cpu)
{
    return cpu->lab4.bytes;
}

#define LOG_TEXT_SIZE 56
#define LOG_LINES     32

/* Line n (from 0) is text[n % LOG_LINES] and ends in NUL; `count` lines were ever written. */
struct shared_log {
    uint32_t count;
    char     text[LOG_LINES][LOG_TEXT_SIZE];
};
extern struct shared_log shared_log;

/*
 * For each turn of a loop that waits: tells the CPU so (PAUSE) and answers IPIs that cannot come by
 * themselves.  Any level.  Not from an NMI.
 */
static inline void spin_relax(void)
{
    cpu_pause();
    ipi_poll();
}

/*
 * Mistakes that a lock with SPIN_CHECKED finds:
 *
 *   SPIN_RECURSION  a CPU waits for a lock that it has
 *   SPIN_OWNER      it is given back by a CPU that does not have it
 *   SPIN_LEVEL      spin_acquire() above the lock's level, or spin_release() below it
 *   SPIN_STUCK      somebody has waited SPIN_STUCK_TICKS of spin_clock() and the same acquisition has
 *                   had the lock all that time
 */
enum spin_trouble { SPIN_RECURSION = 1, SPIN_OWNER, SPIN_LEVEL, SPIN_STUCK };
#define SPIN_STUCK_TICKS 200

struct spin_report {
    enum spin_trouble what;
    struct spinlock  *lock;
    const char       *name;
    unsigned          cpu;         /* whose mistake it is: the CPU that calls spin_report() */
    uintptr_t         place;       /* where it called spin_acquire() or spin_release(): the return address */
    int               owner;       /* the CPU that has the lock, or -1 */
    uintptr_t         owner_place; /* where that one called spin_acquire() or spin_try(), or 0 */
};

/* Stops the kernel with a sentence.  Any level, any CPU. */
_Noreturn void spin_report(const struct spin_report *report);

/* A clock in ticks, TICKS_PER_SECOND of sysnum.h, which goes on with interrupts off.  Any level, an NMI too. */
uint32_t spin_clock(void);

#endif
