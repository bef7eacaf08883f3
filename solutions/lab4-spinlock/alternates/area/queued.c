/*
 * queued.c: exercise 4.4, a queue whose nodes lie in the memory of their CPUs.
 */
#include "hole.h"
#include "lab4.h"

#define NODES 7 /* of one CPU, a line each; it has fewer locks at a time */

/* lab4_cpu_area(): which nodes are in use, and the nodes.  Only their CPU takes one and gives it back. */
struct own_nodes {
    uint32_t         used __attribute__((aligned(64)));
    struct own_node {
        struct own_node *next __attribute__((aligned(64)));
        uint32_t         waiting;
    } node[NODES];
};
_Static_assert(sizeof(struct own_nodes) <= LAB4_AREA_SIZE, "the nodes do not fit");

/* Interrupts off: a handler that takes a queued lock takes a node, too. */
static struct own_node *take_node(void)
{
    struct own_nodes *mine = lab4_cpu_area(this_cpu());
    uintptr_t         flags = read_flags();
    cli();
    unsigned n = (unsigned)__builtin_ctz(~mine->used);
    mine->used |= 1u << n;
    write_flags(flags);
    return &mine->node[n];
}

static void give_node(const struct own_node *node)
{
    struct own_nodes *mine = lab4_cpu_area(this_cpu());
    uintptr_t         flags = read_flags();
    cli();
    mine->used &= ~(1u << (node - mine->node));
    write_flags(flags);
}

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct own_node    *self = take_node();
    *(struct own_node **)node->room = self;
    for (unsigned n = 0; n < sizeof(*self); n++)
        ((volatile char *)self)[n] = 0;
    __atomic_store_n(&self->waiting, 1, __ATOMIC_RELAXED);
    struct own_node *front = (struct own_node *)__atomic_exchange_n(
        &mine->tail, (struct node_room *)self, __ATOMIC_ACQ_REL);
    if (!front)
        return;
    __atomic_store_n(&front->next, self, __ATOMIC_RELEASE);
    while (__atomic_load_n(&self->waiting, __ATOMIC_ACQUIRE))
        spin_relax();
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct own_node    *self = *(struct own_node **)node->room;
    struct own_node    *next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE);
    struct node_room   *last = (struct node_room *)self;
    bool left = !next && __atomic_compare_exchange_n(&mine->tail, &last, NULL, false, __ATOMIC_RELEASE,
                                                     __ATOMIC_RELAXED);
    while (!left && !next) { /* somebody has the tail, and is about to say who it is */
        spin_relax();
        next = __atomic_load_n(&self->next, __ATOMIC_ACQUIRE);
    }
    give_node(self);
    if (next)
        __atomic_store_n(&next->waiting, 0, __ATOMIC_RELEASE);
}
