/*
 * queued.c: exercise 4.4.
 */
#include "lab4.h"

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;
    struct node_room   *front = __atomic_load_n(&mine->tail, __ATOMIC_RELAXED);

    *self = (struct node_room){0};
    while (!__atomic_compare_exchange_n(&mine->tail, &front, self, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
        continue;
    if (!front)
        return;
    __atomic_store_n(&front->next, self, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&self->granted, __ATOMIC_ACQUIRE))
        spin_relax();
}

/* Nobody is behind us, and the lock is free now. */
static bool was_last(struct queued_room *mine, struct node_room *self)
{
    struct node_room *last = self;
    return __atomic_load_n(&mine->tail, __ATOMIC_RELAXED) == self &&
           __atomic_compare_exchange_n(&mine->tail, &last, NULL, false, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;
    struct node_room   *next;

    if (was_last(mine, self))
        return;
    while (!(next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE)))
        spin_relax();
    __atomic_exchange_n(&next->granted, 1, __ATOMIC_RELEASE);
}
