/*
 * queued.c: exercise 4.4.  The first that waits hangs on the lock itself, not on the holder's node.
 */
#include "lab4.h"

/* The lock is ours: the queue behind our node now begins at the lock. */
static void take_over(struct queued_room *mine, struct node_room *self)
{
    struct node_room *next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE);

    if (!next) {
        struct node_room *last = self;
        __atomic_store_n(&mine->head.next, NULL, __ATOMIC_RELAXED);
        if (__atomic_compare_exchange_n(&mine->tail, &last, &mine->head, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return;
        while (!(next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE)))
            spin_relax();
    }
    __atomic_store_n(&mine->head.next, next, __ATOMIC_RELEASE);
}

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;
    struct node_room   *front = NULL;

    __atomic_store_n(&self->next, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&self->waiting, 1, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&mine->tail, &front, front ? self : &mine->head, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        cpu_pause();
    if (!front)
        return;
    __atomic_store_n(&front->next, self, __ATOMIC_RELEASE);
    while (__atomic_load_n(&self->waiting, __ATOMIC_ACQUIRE))
        spin_relax();
    take_over(mine, self);
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *next = __atomic_load_n(&mine->head.next, __ATOMIC_ACQUIRE);

    (void)node;
    if (!next) {
        struct node_room *last = &mine->head;
        if (__atomic_compare_exchange_n(&mine->tail, &last, NULL, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
        while (!(next = __atomic_load_n(&mine->head.next, __ATOMIC_ACQUIRE)))
            spin_relax();
    }
    /* Ours until the hand-over; the next one finds no old pointer if it leaves the queue empty. */
    __atomic_store_n(&mine->head.next, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&next->waiting, 0, __ATOMIC_RELEASE);
}
