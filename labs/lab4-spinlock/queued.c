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
    /*
     * 1. The node as it must be when another CPU finds it.  What was in it before?
     * 2. Become the last, in one step, and learn who was.
     * 3. Nobody: the lock is yours.
     * 4. Else tell that one that you are behind it, and wait on your own node.
     */
    HOLE("4.4", "join the queue at its end, and wait on your own node");
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    /*
     * 1. Somebody is behind you: hand over, and do not touch its node afterwards.
     * 2. You see nobody.  If you are the last, the lock is free from now on: in one step.
     * 3. You are not the last?  Then who is missing, and what must you wait for?
     */
    HOLE("4.4", "hand over to the next one, or leave the lock free");
}
