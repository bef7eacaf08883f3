/*
 * queued.c: as in the reference, but who waits looks seldom.
 */
#include "lab4.h"

#define PAUSES 250

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;
    /* Relaxed: nobody knows the node yet.  Before it can be found, since it may be an old one. */
    __atomic_store_n(&self->next, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&self->waiting, 1, __ATOMIC_RELAXED);
    /* Release: the next one finds the two words as they are now.  Acquire: if the lock was free,
       what its last holder wrote is seen. */
    struct node_room *front = __atomic_exchange_n(&mine->tail, self, __ATOMIC_ACQ_REL);
    if (!front)
        return;
    /* Release: whoever follows the pointer finds `waiting` set. */
    __atomic_store_n(&front->next, self, __ATOMIC_RELEASE);
    /* Acquire: it pairs with the hand-over. */
    while (__atomic_load_n(&self->waiting, __ATOMIC_ACQUIRE)) {
        for (unsigned i = 0; i < PAUSES; i++)
            cpu_pause();
        spin_relax();
    }
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;
    /* Acquire: the next one's `waiting` is set before we clear it. */
    struct node_room *next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE);
    if (!next) {
        struct node_room *last = self;
        /* Release: all that we did in the lock comes before it is free. */
        if (__atomic_compare_exchange_n(&mine->tail, &last, NULL, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
        /* Somebody has the tail, and is about to say who it is. */
        while (!(next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE)))
            spin_relax();
    }
    /* Release: the hand-over.  The node is its owner's again: nobody touches it after this. */
    __atomic_store_n(&next->waiting, 0, __ATOMIC_RELEASE);
}
