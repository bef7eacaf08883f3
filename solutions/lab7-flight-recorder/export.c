/*
 * export.c: exercise 7.4, the timeline in memory that a program reads.
 */
#include "errno.h"
#include "hole.h"
#include "lab7.h"

/* BEGIN 7.4 */
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
/* INSTEAD 7.4 */
/* END 7.4 */

int trace_map(struct trace_reader *reader, struct address_space *as)
{
    /* BEGIN 7.4 */
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
    /* INSTEAD 7.4 */
    //| /* Two pages of zeros, with the rights of trace_abi.h. */
    //| HOLE("7.4", "show the timeline to a program, and believe nothing that it says");
    /* END 7.4 */
}

void trace_unmap(struct trace_reader *reader)
{
    /* BEGIN 7.4 */
    page_free(virt_to_phys(reader->user));
    page_free(virt_to_phys(reader->kernel));
    /* INSTEAD 7.4 */
    //| (void)reader;
    /* END 7.4 */
}

int trace_export(struct trace_reader *reader)
{
    /* BEGIN 7.4 */
    struct lab7_reader  *mine = lab7_reader_area(reader);
    struct trace_kernel *page = reader->kernel;
    int                  free = room(reader), moved = 0;
    /* First room, then an event: what was taken out of the timeline cannot be put back. */
    while (moved < free && trace_next(&page->slots[mine->produced % TRACE_SLOTS])) {
        mine->produced++;
        moved++;
    }
    if (free == TRACE_LIES)
        return TRACE_LIES;
    /* Release: the slots are whole before the program is told. */
    __atomic_store_n(&page->produced, mine->produced, __ATOMIC_RELEASE);
    return moved;
    /* INSTEAD 7.4 */
    //| /* How much room is there, if what the program says can be true?  In which order: room, event,
    //|    slot, count? */
    //| HOLE("7.4", "move events into the slots that the program has read");
    /* END 7.4 */
}
