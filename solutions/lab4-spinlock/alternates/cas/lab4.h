/*
 * lab4.h: what this lab keeps in the room of each lock, each node and each handle.
 */
#ifndef CORRAL_LAB4_H
#define CORRAL_LAB4_H

#include "spinlock.h"

struct tas_room {
    uint32_t owner; /* 1 + the CPU that has it, or 0 */
};

/* Two numbers in one word, so that a compare-exchange sees both. */
struct pair {
    uint16_t next, serving;
};

struct ticket_room {
    union {
        uint32_t    both;
        struct pair is;
    };
};

/* A node is in use only while its CPU waits. */
struct node_room {
    struct node_room *next;    /* who waits behind us, or NULL */
    uint32_t          waiting; /* 1 until the lock is ours */
};

/*
 * As if the lock were a node: the holder's, whoever it is.  tail NULL: free; tail == head: taken, and
 * nobody waits.
 */
struct queued_room {
    struct node_room  head; /* next: the first that waits */
    struct node_room *tail;
};

struct spin_room {
    union {
        uint32_t    both; /* taken while next is not serving */
        struct pair is;
    };
    const char *name;
    uint32_t    level, flags;
    uint32_t    owner;       /* with SPIN_CHECKED: 1 + its CPU */
    uintptr_t   owner_place; /* where it took the lock */
};

struct handle_room {
    uint32_t before; /* the level to go back to */
};

_Static_assert(sizeof(struct spin_room) <= LOCK_SIZE, "a lock has no more room");
_Static_assert(sizeof(struct queued_room) <= LOCK_SIZE, "a lock has no more room");

static inline struct spin_room *room_of(struct spinlock *lock)
{
    return (struct spin_room *)lock->room;
}

/* The pair behind a word that was read. */
static inline struct pair pair_of(uint32_t both)
{
    return (struct pair){.next = (uint16_t)both, .serving = (uint16_t)(both >> 16)};
}

/* The word with the next number drawn; a carry does not reach the other half. */
static inline uint32_t drawn(uint32_t both)
{
    return (both & 0xffff0000u) | (uint16_t)(both + 1);
}

struct waiting {
    uintptr_t place; /* where it called spin_acquire() */
    uint32_t  since; /* spin_clock() when it first saw `serving` */
    uint16_t  serving;
    bool      looked;
};

void check_level(struct spinlock *lock, uintptr_t place);
void check_wait(struct spinlock *lock, struct waiting *waiting);
void check_owner(struct spinlock *lock, uintptr_t place);
void note_owner(struct spin_room *room, uintptr_t place);

#endif
