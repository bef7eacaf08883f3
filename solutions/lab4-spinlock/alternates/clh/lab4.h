/*
 * lab4.h: what this lab keeps in the room of each lock, each node and each handle.
 *
 * Everything that two CPUs touch is read and written with __atomic_ builtins, each with the weakest
 * ordering that is right.  On x86 a plain load acquires and a plain store releases, so what the
 * ordering does here is to keep the compiler from moving other accesses; the LOCK prefix, or XCHG,
 * which has it by itself, is what makes a read and a write of memory one step.
 */
#ifndef CORRAL_LAB4_H
#define CORRAL_LAB4_H

#include "spinlock.h"

struct tas_room {
    uint32_t taken;
};

struct ticket_room {
    uint32_t next;    /* the number of whoever comes next */
    uint32_t serving; /* the number of whoever has the lock, or may take it */
};

/* What one waits on.  Alone in its line, but for the first one of each lock. */
struct cell {
    uint32_t busy; /* 1 until it is given back */
};

struct queued_room {
    struct cell *tail;  /* of whoever came last; NULL: as if `first` were there */
    struct cell  first; /* so that there is always one in front */
};

struct node_room {
    struct cell *mine, *front;
};

/* The cells that this CPU has, and those with which it began, in its lab4_cpu_area(). */
#define CELLS 6
struct cells {
    uint32_t     begun, number;
    struct cell *free[CELLS];
    struct {
        struct cell is;
        uint32_t    unused[15];
    } cell[CELLS] __attribute__((aligned(64)));
};

_Static_assert(sizeof(struct cells) <= LAB4_AREA_SIZE, "a CPU has no more room");

struct spin_room {
    uint32_t    word; /* odd: taken.  Never the same for two acquisitions (but it wraps) */
    const char *name;
    uint32_t    level, flags;
    uint32_t    owner;       /* with SPIN_CHECKED: 1 + its CPU; stored by this CPU alone */
    uintptr_t   owner_place; /* where it took the lock */
};

struct handle_room {
    uint32_t before; /* the level to go back to */
};

_Static_assert(sizeof(struct spin_room) <= LOCK_SIZE, "a lock has no more room");

static inline struct spin_room *room_of(struct spinlock *lock)
{
    return (struct spin_room *)lock->room;
}

/* What one CPU knows of its waiting, for the check of SPIN_STUCK. */
struct waiting {
    uintptr_t place; /* where it called spin_acquire() */
    uint32_t  word;  /* the acquisition that it waits for, 0: not looked yet */
    uint32_t  since; /* spin_clock() when it first saw that */
};

/* Exercise 4.5.  They do nothing for a lock without SPIN_CHECKED, and return if all is well. */
void check_level(struct spinlock *lock, uintptr_t place);
void check_wait(struct spinlock *lock, struct waiting *waiting);
void check_owner(struct spinlock *lock, uintptr_t place);
void note_owner(struct spin_room *room, uintptr_t place);

/* Exercise 4.7.  Around the time in which spin_acquire() only waits. */
void wait_begins(irql_t before);
void wait_ends(irql_t level);

#endif
