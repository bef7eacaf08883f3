/*
 * lab4.h: what this lab keeps in the room of each lock, each node and each handle.
 */
#ifndef CORRAL_LAB4_H
#define CORRAL_LAB4_H

#include "spinlock.h"

struct tas_room {
    uint32_t taken; /* bit 0 */
};

struct ticket_room {
    union {
        uint32_t both; /* the next number, and in the upper half the one that is served */
        uint16_t half[2];
    };
};

#define NEXT    0
#define SERVING 1

struct node_room {
    struct node_room *next; /* who waits behind us; in the list's lock */
    uint32_t          turn; /* 1: the lock is ours */
};

struct queued_room {
    uint32_t          next, serving; /* the list's own lock: tickets */
    uint32_t          taken;
    struct node_room *first, *last;
};

/* word: the acquisition's number times 16, plus 1 + the CPU that has the lock, or 0 */
#define OWNER_BITS 4
#define OWNER_MASK ((1u << OWNER_BITS) - 1)

struct spin_room {
    uint32_t    word;
    const char *name;
    uint32_t    level, flags;
    uintptr_t   place; /* where it was taken */
};

struct handle_room {
    irql_t before; /* the level to go back to */
};

_Static_assert(MAX_CPUS < OWNER_MASK, "a CPU's number has no room in the word");
_Static_assert(sizeof(struct spin_room) <= LOCK_SIZE, "a lock has no more room");

static inline struct spin_room *room_of(struct spinlock *lock)
{
    return (struct spin_room *)lock->room;
}

struct waiting {
    uintptr_t place; /* where it called spin_acquire() */
    uint32_t  word;  /* the acquisition that it waits for, 0: not looked yet */
    uint32_t  since; /* spin_clock() when it first saw that */
};

void check_level(struct spinlock *lock, uintptr_t place);
void check_wait(struct spinlock *lock, struct waiting *waiting);
void check_owner(struct spinlock *lock, uintptr_t place);

#endif
