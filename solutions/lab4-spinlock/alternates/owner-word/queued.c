/*
 * queued.c: exercise 4.4, a list with a small lock around it.  Whoever waits does so on its own node.
 * The small lock must be fair too: who asks first has to be in the list first.
 */
#include "lab4.h"

static void enter(struct queued_room *mine)
{
    uint32_t ticket = __atomic_fetch_add(&mine->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&mine->serving, __ATOMIC_ACQUIRE) != ticket)
        spin_relax();
}

static void leave(struct queued_room *mine)
{
    __atomic_store_n(&mine->serving, mine->serving + 1, __ATOMIC_RELEASE);
}

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;

    enter(mine);
    bool waits = mine->taken;
    if (waits) {
        self->next = NULL;
        self->turn = 0;
        if (mine->first)
            mine->last->next = self;
        else
            mine->first = self;
        mine->last = self;
    }
    mine->taken = 1;
    leave(mine);
    while (waits && !__atomic_load_n(&self->turn, __ATOMIC_ACQUIRE))
        spin_relax();
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;

    (void)node;
    enter(mine);
    struct node_room *first = mine->first;
    if (first)
        mine->first = first->next;
    else
        mine->taken = 0;
    leave(mine);
    if (first)
        __atomic_store_n(&first->turn, 1, __ATOMIC_RELEASE);
}
