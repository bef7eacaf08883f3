/*
 * queued.c: exercise 4.4, a queue in which each CPU waits on a line of its own.
 *
 *      lock.tail ─────────────────────────────┐
 *                                             v
 *      node of the holder ──next──> node ──next──> node
 *        (waiting 0)              (waiting 1)    (waiting 1, next NULL)
 *
 * The tail moves first, in one step; the pointer to the new node follows later.  In between the one
 * in front does not see who is behind it, but the tail tells that somebody is.
 */
#include "hole.h"
#include "lab4.h"

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    /* BEGIN 4.4 */
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
    while (__atomic_load_n(&self->waiting, __ATOMIC_ACQUIRE))
        spin_relax();
    /* INSTEAD 4.4 */
    //| /*
    //|  * 1. The node as it must be when another CPU finds it.  What was in it before?
    //|  * 2. Become the last, in one step, and learn who was.
    //|  * 3. Nobody: the lock is yours.
    //|  * 4. Else tell that one that you are behind it, and wait on your own node.
    //|  */
    //| HOLE("4.4", "join the queue at its end, and wait on your own node");
    /* END 4.4 */
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    /* BEGIN 4.4 */
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
    /* INSTEAD 4.4 */
    //| /*
    //|  * 1. Somebody is behind you: hand over, and do not touch its node afterwards.
    //|  * 2. You see nobody.  If you are the last, the lock is free from now on: in one step.
    //|  * 3. You are not the last?  Then who is missing, and what must you wait for?
    //|  */
    //| HOLE("4.4", "hand over to the next one, or leave the lock free");
    /* END 4.4 */
}
