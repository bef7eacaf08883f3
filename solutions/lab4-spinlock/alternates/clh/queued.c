/*
 * queued.c: exercise 4.4.  Each waits on the cell of the one in front, and takes that cell along.
 */
#include "lab4.h"

/* The cells that this CPU has.  An interrupt between the two lines would get the same one. */
static struct cell *get_cell(void)
{
    uintptr_t     flags = read_flags();
    struct cells *mine = lab4_cpu_area(this_cpu());

    cli();
    if (!mine->begun)
        for (mine->begun = 1; mine->number < CELLS; mine->number++)
            mine->free[mine->number] = &mine->cell[mine->number].is;
    struct cell *cell = mine->free[--mine->number];
    write_flags(flags);
    return cell;
}

static void put_cell(struct cell *cell)
{
    uintptr_t     flags = read_flags();
    struct cells *mine = lab4_cpu_area(this_cpu());

    cli();
    mine->free[mine->number++] = cell;
    write_flags(flags);
}

/* queued_acquire(lock, node): see spinlock.h. */
void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    struct queued_room *mine = (struct queued_room *)lock->room;
    struct node_room   *self = (struct node_room *)node->room;

    self->mine = get_cell();
    __atomic_store_n(&self->mine->busy, 1, __ATOMIC_RELAXED);
    struct cell *front = __atomic_exchange_n(&mine->tail, self->mine, __ATOMIC_ACQ_REL);
    self->front = front ? front : &mine->first;
    while (__atomic_load_n(&self->front->busy, __ATOMIC_ACQUIRE))
        spin_relax();
}

/* queued_release(lock, node): see spinlock.h. */
void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    struct node_room *self = (struct node_room *)node->room;
    struct cell      *front = self->front;

    (void)lock;
    __atomic_store_n(&self->mine->busy, 0, __ATOMIC_RELEASE);
    put_cell(front);
}
