/*
 * export.c: exercise 7.4, the timeline in memory that a program reads.
 */
#include "errno.h"
#include "lab7.h"

static void *map_new(struct address_space *as, uintptr_t address, unsigned flags)
{
    uintptr_t page = page_alloc();
    if (!page)
        return NULL;
    if (as_map_page(as, address, page, flags))
        return phys_to_virt(page);
    page_free(page);
    return NULL;
}

/* Room in the slots, or TRACE_LIES: the program's count comes from ring 3, and is fetched once. */
static int room(struct trace_reader *reader)
{
    const struct lab7_reader *mine = lab7_reader_area(reader);
    const struct trace_user  *user = reader->user;
    /* Acquire: the program has read a slot before it says so. */
    uint32_t unread = mine->produced - __atomic_load_n(&user->consumed, __ATOMIC_ACQUIRE);
    return unread > TRACE_SLOTS ? TRACE_LIES : (int)(TRACE_SLOTS - unread);
}

int trace_map(struct trace_reader *reader, struct address_space *as)
{
    reader->user = map_new(as, TRACE_USER, MAP_WRITE);
    if (!reader->user)
        return -ENOMEM;
    reader->kernel = map_new(as, TRACE_KERNEL, 0);
    if (!reader->kernel) {
        as_unmap_page(as, TRACE_USER);
        page_free(virt_to_phys(reader->user));
        return -ENOMEM;
    }
    ((struct lab7_reader *)lab7_reader_area(reader))->produced = 0;
    return 0;
}

void trace_unmap(struct trace_reader *reader)
{
    page_free(virt_to_phys(reader->user));
    page_free(virt_to_phys(reader->kernel));
}

int trace_export(struct trace_reader *reader)
{
    struct lab7_reader  *mine = lab7_reader_area(reader);
    struct trace_kernel *page = reader->kernel;
    int                  free = room(reader), moved = 0;
    if (free == TRACE_LIES)
        return TRACE_LIES;
    struct trace_event event;
    for (; moved < free && trace_next(&event); moved++) {
        page->slots[mine->produced % TRACE_SLOTS] = event;
        __atomic_store_n(&page->produced, ++mine->produced, __ATOMIC_RELEASE); /* the slot is whole */
    }
    return moved;
}
