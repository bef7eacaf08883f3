/*
 * export.c: exercise 7.4, the timeline in memory that a program reads.  The page's own count is the
 * truth: ring 3 cannot write it.
 */
#include "errno.h"
#include "lab7.h"

/* Both pages are there before one is mapped. */
int trace_map(struct trace_reader *reader, struct address_space *as)
{
    uintptr_t user = page_alloc(), kernel = user ? page_alloc() : 0;
    if (kernel && as_map_page(as, TRACE_KERNEL, kernel, 0)) {
        if (as_map_page(as, TRACE_USER, user, MAP_WRITE)) {
            reader->user = phys_to_virt(user);
            reader->kernel = phys_to_virt(kernel);
            return 0;
        }
        as_unmap_page(as, TRACE_KERNEL);
    }
    if (kernel)
        page_free(kernel);
    if (user)
        page_free(user);
    return -ENOMEM;
}

void trace_unmap(struct trace_reader *reader)
{
    page_free(virt_to_phys(reader->kernel));
    page_free(virt_to_phys(reader->user));
    reader->kernel = reader->user = NULL;
}

/* One look at what the program says, each time that there may be an event. */
static int free_slots(const struct trace_reader *reader, uint32_t produced)
{
    const struct trace_user *user = reader->user;
    uint32_t consumed = __atomic_load_n(&user->consumed, __ATOMIC_ACQUIRE);
    return produced - consumed > TRACE_SLOTS ? TRACE_LIES
                                             : (int)(consumed + TRACE_SLOTS - produced);
}

/* A lie behind the first event ends this call; the next one says so. */
int trace_export(struct trace_reader *reader)
{
    struct trace_kernel *page = reader->kernel;
    uint32_t             produced = page->produced;
    int                  moved = 0, left;
    while ((left = free_slots(reader, produced)) > 0) {
        if (!trace_next(&page->slots[produced % TRACE_SLOTS]))
            return moved;
        __atomic_store_n(&page->produced, ++produced, __ATOMIC_RELEASE);
        moved++;
    }
    return moved ? moved : left;
}
