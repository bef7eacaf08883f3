/*
 * queued.c: exercise 4.4.  Each waits on the cell of the one in front, and takes that cell along.
 */
#include "lab4.h"

/* What one waits on.  Alone in its line, but for the first one of each lock. */
struct cell {
    uint32_t busy; /* 1 until it is given back */
};

/* In the room of a lock. */
struct line_of_cells {
    struct cell *tail;  /* of whoever came last; NULL: as if `first` were there */
    struct cell  first; /* so that there is always one in front */
};

/* In the room of a node. */
struct place {
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
    struct line_of_cells *mine = (struct line_of_cells *)lock->room;
    struct place         *self = (struct place *)node->room;

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
    struct place *self = (struct place *)node->room;
    struct cell  *front = self->front;

    (void)lock;
    __atomic_store_n(&self->mine->busy, 0, __ATOMIC_RELEASE);
    put_cell(front);
}
