/*
 * ring_abi.h: what the kernel and a program of ring 3 agree on about their ring.  Both include it.
 *
 *   in ring 3      size    the program may   what is there
 *   RING_USER      4096    read and write    the program's words, and the slots
 *   RING_KERNEL    4096    read              the kernel's words
 *   RING_DATA      4096    read and write    bytes that descriptors name
 *
 * The program puts a descriptor into a slot and says so; the kernel takes it out again.  One program
 * fills, one CPU at a time drains.  The kernel believes nothing that the program may write.
 */
#ifndef CORRAL_RING_ABI_H
#define CORRAL_RING_ABI_H

#include <stdint.h>

#define RING_USER      0x10000000
#define RING_KERNEL    0x10001000
#define RING_DATA      0x10002000
#define RING_DATA_SIZE 4096

#define RING_SLOTS_MAX 64 /* slots of a ring: a power of two, from 1 */
#define RING_BUFFERS   8  /* buffers that a program may have granted at a time */

/* Names bytes of a buffer, never their address.  The same in both widths. */
struct ring_descriptor {
    uint32_t handle; /* from SYS_RING_GRANT */
    uint32_t offset; /* in that buffer */
    uint32_t length; /* bytes, 0 too */
    uint32_t cookie; /* the program's own: the kernel gives it to its sink as it is */
};

/*
 * Where the lab keeps what both sides look at: one of three ways, all of them right.  The
 * grader reads this table in the kernel.
 *
 *   RING_FREE_RUNNING  the program counts what it has put in, the kernel what it has taken out, both
 *                      modulo 2^32; their difference is what waits
 *   RING_MASKED        the same, modulo the number of slots, so one slot stays empty
 *   RING_SEQUENCE      no count of the program's: a slot holds the number of its descriptor plus one,
 *                      written last; the first descriptor has the number that the kernel's count
 *                      begins with
 */
enum ring_kind { RING_FREE_RUNNING, RING_MASKED, RING_SEQUENCE };

struct ring_layout {
    uint32_t kind;       /* enum ring_kind */
    uint32_t produced;   /* offset in RING_USER of the program's count, 4 bytes (not RING_SEQUENCE) */
    uint32_t slots;      /* offset in RING_USER of the first slot */
    uint32_t slot_size;  /* bytes from one slot to the next */
    uint32_t descriptor; /* offset in a slot of its descriptor */
    uint32_t sequence;   /* offset in a slot of its number plus one, 4 bytes (RING_SEQUENCE) */
    uint32_t consumed;   /* offset in RING_KERNEL of the kernel's count, 4 bytes */
    uint32_t armed;      /* offset in RING_KERNEL of a word that is not 0 while the kernel asks for a
                            doorbell, 4 bytes */
};
extern const struct ring_layout ring_layout;

/* ---- written in lab 6, in a file ring3_*.c: compiled for ring 3, and once more into the kernel ---- */

/* What a program keeps of its ring, in memory of its own. */
struct ring_producer {
    void       *user;   /* where RING_USER is for whoever runs this */
    const void *kernel; /* RING_KERNEL */
    uint32_t    slots;
    uint32_t    next;   /* the lab's own: the number of the next descriptor, for example */
};

/*
 * Fills in the producer of a ring that is new and empty.  `slots` as they were asked for.
 */
void ring_producer_init(struct ring_producer *producer, void *user, const void *kernel,
                        uint32_t slots);

/*
 * Puts a copy of the descriptor into the ring, if there is room, and never waits.  A ring of n slots
 * has room for n descriptors; with masked counts for n - 1.  RING_DOORBELL: it is in, and the kernel
 * sleeps, so SYS_RING_DOORBELL has to be called; never without need.
 */
enum ring_pushed { RING_FULL, RING_PUSHED, RING_DOORBELL };
enum ring_pushed ring_push(struct ring_producer *producer, const struct ring_descriptor *descriptor);

#endif
