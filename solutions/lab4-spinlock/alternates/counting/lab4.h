/*
 * lab4.h: what this lab keeps in the room of each lock, each node and each handle.
 */
#ifndef CORRAL_LAB4_H
#define CORRAL_LAB4_H

#include "spinlock.h"

struct tas_room {
    uint32_t asked; /* 0: free */
};

struct ticket_room {
    uint8_t next, serving;
};

struct node_room {
    struct node_room *next;    /* who waits behind us, or NULL */
    uint8_t           granted; /* 1: the lock is ours */
};

struct queued_room {
    struct node_room *tail; /* who came last, or NULL: it is free */
};

struct spin_room {
    uint8_t     taken;
    uint32_t    number; /* of acquisitions that are over; the holder's */
    const char *name;
    uint32_t    level, flags;
    int32_t     owner; /* with SPIN_CHECKED: minus 1 minus its CPU, or 0 */
    uintptr_t   owner_place;
};

struct handle_room {
    uint32_t before; /* the level to go back to */
};

_Static_assert(sizeof(struct spin_room) <= LOCK_SIZE, "a lock has no more room");

static inline struct spin_room *room_of(struct spinlock *lock)
{
    return (struct spin_room *)lock->room;
}

bool take_at_level(struct spinlock *lock, struct spin_handle *handle, uintptr_t place);

#endif
