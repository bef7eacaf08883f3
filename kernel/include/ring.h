/*
 * ring.h: the contract of lab 6, memory shared with a program that nobody trusts.
 *
 * The kernel's half of a ring.  What the program writes may change between any two instructions of
 * the kernel, to anything.  It may cost the program its own data, never a fault, a loop without end,
 * or a byte that is not its own.
 */
#ifndef CORRAL_RING_H
#define CORRAL_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "mm.h"
#include "ring_abi.h"
#include "spinlock.h"
#include "sysnum.h"

#define STAGE_RINGS 6 /* from this stage on there are rings, and a log */
#define MAX_RINGS   8
#define RING_LIES   (-1) /* of ring_drain(): the program's count cannot be */

LAB_AREA(lab6_area, LAB6_AREA_SIZE);

/* One ring.  Ring 3 never sees any of this. */
struct ring {
    bool                  used;   /* this place is taken, until ring_gone() */
    struct address_space *as;     /* whose program fills it; NULL: that has ended */
    uint32_t              slots;  /* as the program asked, unchecked before ring_map() has said 0 */
    void                 *user;   /* the three pages as the kernel sees them: set by ring_map() */
    void                 *kernel;
    void                 *data;
    struct spinlock       drainer; /* one CPU at a time drains */
    uint32_t              taken;   /* what the sink has seen: descriptors, */
    uint32_t              bytes;   /* .. their bytes, */
    uint32_t              sum;     /* .. these added up, */
    uint32_t              refused; /* .. and descriptors that were refused */
    struct ring_seen      sent;    /* .. without the ring: only the program's own CPU writes it */
    struct lab6_area      lab6 __attribute__((aligned(64)));
};
extern struct ring rings[MAX_RINGS];

/* ---- written in lab 6; all of it leaves the level and IF as they were ---- */

/*
 * Makes the three pages of a ring and maps them into ring->as as ring_abi.h says, none of them
 * executable.  Both counts begin with `first`, or with what `first` is modulo the slots.  Nothing
 * waits, no buffer is granted, and the kernel asks for a doorbell.  All other bytes of the pages are
 * 0, but for numbers of empty slots.  The program has the first reference.  0; -EINVAL: ring->slots
 * is not a power of two from 1 (masked counts: 2) to RING_SLOTS_MAX; -ENOMEM: no page left, and all
 * is as before.  Any CPU, DISPATCH or below.  The lab's area is zeros before, and other CPUs may
 * call ring_get() at any time: there is no reference until all of this is done.
 */
int ring_map(struct ring *ring, uint32_t first);

/*
 * Takes at most `budget` descriptors out of the ring, in order, and calls ring_sink() for each one
 * that is good, ring_refuse() for the others.  It reads each byte of a descriptor once.  How many it
 * took; RING_LIES: the program's count cannot be, and nothing was taken; the next call looks again.  While it runs, and until ring_arm(),
 * no doorbell is asked for.  At DISPATCH, one CPU at a time for each ring.
 */
int ring_drain(struct ring *ring, uint32_t budget);

/*
 * The kernel is about to leave this ring alone, and asks for a doorbell.  True: it may.  False:
 * something waits already, and no doorbell is asked for; not if the program's count cannot be: it
 * may ring itself.  Whatever the program puts in from now on, either this sees it or ring_push()
 * says RING_DOORBELL; one doorbell is enough until the kernel wakes.  As ring_drain().
 */
bool ring_arm(struct ring *ring);

/*
 * A handle for `length` bytes of RING_DATA from `offset`; -EINVAL if they are not all in it,
 * -ENOMEM if RING_BUFFERS are granted.  And its end: false if there is no such handle.  A handle is
 * 0 or more and names nothing any more once it was given back, for at least the next 1000 grants.  A
 * drain that is under way elsewhere may still know it, or know the next one already: what it hands on is
 * in RING_DATA all the same.  Any CPU, one at a time for each ring.
 */
int  ring_grant(struct ring *ring, uint32_t offset, uint32_t length);
bool ring_revoke(struct ring *ring, uint32_t handle);

/*
 * A reference, for as long as somebody uses the ring's pages, and its end.  False: there is none to
 * be had, because the ring is closed.  With the last one the pages are freed and ring_gone() is
 * called.  ring_close() is for the program, which has ended; it has run for the last time.  Any CPU,
 * DISPATCH or below.
 */
bool ring_get(struct ring *ring);
void ring_put(struct ring *ring);
void ring_close(struct ring *ring);

/* ---- given ---- */

/*
 * What the kernel does with the bytes of a good descriptor: `length` bytes of a buffer that was
 * granted, or of a copy.  They may change while it looks at them.  And with the cookie of a bad one.
 */
void ring_sink(struct ring *ring, const void *bytes, uint32_t length, uint32_t cookie);
void ring_refuse(struct ring *ring, uint32_t cookie);

/* All that becomes of good bytes: they are added up. */
uint32_t ring_sum(const void *bytes, uint32_t length);

/* The ring of the present program, or NULL: it has one at most.  Interrupts off. */
struct ring *ring_own(void);

/* Its place in rings[] is free again. */
void ring_gone(struct ring *ring);

/* Drains a ring until it is empty or its turn is over.  Any CPU, up to DISPATCH. */
void ring_service(struct ring *ring);

/* Looks at all rings: CPU 0's deferred work at each clock interrupt. */
void ring_service_all(void);

/* The program of an address space has ended, which is about to be taken apart. */
void ring_exit(struct address_space *as);

static inline void *lab6_ring_area(struct ring *ring)
{
    return ring->lab6.bytes;
}

#endif
