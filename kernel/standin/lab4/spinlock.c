/*
 * spinlock.c: stand-in for lab 4.  A lock is interrupts off, and the CPU that took it first is the
 * only one that ever may.
 */
#include "spinlock.h"

#include "cpu.h"
#include "panic.h"

struct one_cpu_lock {
    const char *name;
    unsigned    owner; /* 1 + the number of its CPU; 0: nobody has used it */
};

void spin_init(struct spinlock *lock, const char *name, irql_t level, unsigned flags)
{
    struct one_cpu_lock *mine = (void *)lock;
    (void)level, (void)flags;
    mine->name = name;
    mine->owner = 0;
}

void spin_acquire(struct spinlock *lock, struct spin_handle *handle)
{
    struct one_cpu_lock *mine = (void *)lock;
    unsigned             self = this_cpu()->id + 1;
    *(uintptr_t *)handle = read_flags();
    cli();
    if (mine->owner && mine->owner != self)
        panic("until lab 4 \"%s\" is CPU %u's alone, and this is CPU %u",
              mine->name ? mine->name : "?", mine->owner - 1, self - 1);
    mine->owner = self;
}

void spin_release(struct spinlock *lock, struct spin_handle *handle)
{
    (void)lock;
    write_flags(*(uintptr_t *)handle);
}

bool spin_try(struct spinlock *lock, struct spin_handle *handle)
{
    spin_acquire(lock, handle);
    return true;
}
