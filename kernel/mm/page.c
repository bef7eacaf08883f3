/*
 * page.c: physical pages.  Pages that came back are a list; the link is the first word of the page
 * itself.  Pages that were never used are not touched before they are: RAM that is still zero makes
 * the host's snapshots small.
 */
#include "page.h"

#include "guard.h"
#include "mm.h"
#include "multiboot.h"
#include "panic.h"
#include "string.h"
#include "symbols.h"

#define USED_MAX 48

struct free_page {
    struct free_page *next;
};

static struct free_page *free_list;   /* pages that came back */
static size_t            free_count;  /* these, and the fresh ones */
static uintptr_t         fresh;       /* no page from here on was ever given out */
static const void       *boot_information;

/* What GRUB loaded or left for us: read once, since it is asked for each page of RAM. */
static struct {
    uintptr_t start, end;
} used[USED_MAX];
static unsigned used_count;

static void use(uintptr_t start, uintptr_t end)
{
    ASSERT(used_count < USED_MAX);
    used[used_count].start = start;
    used[used_count++].end = end;
}

static void find_used(const void *mbi)
{
    const struct multiboot_module *module = NULL;
    uintptr_t                      start, end;
    use(0, virt_to_phys(kernel_end)); /* below the kernel: the firmware's, and the page for APs */
    use(virt_to_phys(mbi), virt_to_phys(mbi) + multiboot_size(mbi));
    while ((module = multiboot_find(mbi, MULTIBOOT_MODULE, module)))
        use(module->start, module->end);
    for (unsigned i = 0; symbols_range(i, &start, &end); i++)
        use(start, end);
}

static bool in_use(uintptr_t page)
{
    for (unsigned i = 0; i < used_count; i++)
        if (page < used[i].end && page + PAGE_SIZE > used[i].start)
            return true;
    return false;
}

/*
 * The bounds of entry `index` of the memory map: what of it is RAM below RAM_LIMIT, or nothing
 * (both 0).  False: there is no such entry.
 */
static bool ram_area(uint32_t index, uintptr_t *start, uintptr_t *end)
{
    const struct multiboot_memory *map = multiboot_find(boot_information, MULTIBOOT_MEMORY, NULL);
    if (index >= (map->tag.size - sizeof(*map)) / map->entry_size)
        return false;
    const struct multiboot_area *area =
        (const void *)((uintptr_t)map->areas + index * map->entry_size);
    *start = *end = 0;
    if (area->type == 1 && area->base < RAM_LIMIT) {
        uint64_t last = area->base + area->size;
        *start = (uintptr_t)area->base;
        *end = last < RAM_LIMIT ? (uintptr_t)last : RAM_LIMIT;
    }
    return true;
}

static uintptr_t page_above(uintptr_t address)
{
    return (address + PAGE_SIZE - 1) & -(uintptr_t)PAGE_SIZE;
}

/* The lowest free page of RAM at or above `from` that nobody uses; 0 if there is none. */
static uintptr_t next_usable(uintptr_t from)
{
    uintptr_t best = 0, start, end;
    for (uint32_t i = 0; ram_area(i, &start, &end); i++) {
        uintptr_t page = page_above(start > from ? start : from);
        while (page + PAGE_SIZE <= end && in_use(page))
            page += PAGE_SIZE;
        if (page + PAGE_SIZE <= end && (!best || page < best))
            best = page;
    }
    return best;
}

/* Inside memory_guard. */
static uintptr_t take(void)
{
    uintptr_t phys;
    if (free_list) {
        phys = virt_to_phys(free_list);
        free_list = free_list->next;
    } else {
        phys = next_usable(fresh);
        if (!phys)
            return 0;
        fresh = phys + PAGE_SIZE;
    }
    free_count--;
    return phys;
}

uintptr_t page_alloc(void)
{
    struct spin_handle handle;
    guard_enter(&memory_guard, &handle);
    uintptr_t phys = take();
    guard_leave(&memory_guard, &handle);
    if (phys)
        memset(phys_to_virt(phys), 0, PAGE_SIZE); /* it is ours already: no need to hold others up */
    return phys;
}

void page_free(uintptr_t phys)
{
    struct free_page  *page = phys_to_virt(phys);
    struct spin_handle handle;
    guard_enter(&memory_guard, &handle);
    page->next = free_list;
    free_list = page;
    free_count++;
    guard_leave(&memory_guard, &handle);
}

size_t page_count_free(void)
{
    return free_count;
}

/* Calls visit() for each page of RAM that nobody uses, from `from` on. */
static void each_usable(uintptr_t from, void (*visit)(uintptr_t page))
{
    uintptr_t start, end;
    for (uint32_t i = 0; ram_area(i, &start, &end); i++)
        for (uintptr_t page = page_above(start > from ? start : from); page + PAGE_SIZE <= end;
             page += PAGE_SIZE)
            if (!in_use(page))
                visit(page);
}

static void clear(uintptr_t page)
{
    memset(phys_to_virt(page), 0, PAGE_SIZE);
}

static void count(uintptr_t page)
{
    (void)page;
    free_count++;
}

void page_scrub(void)
{
    each_usable(fresh, clear);
}

void page_init(const void *mbi)
{
    boot_information = mbi;
    find_used(mbi);
    each_usable(0, count);
}

uintptr_t page_ram_end(void)
{
    uintptr_t ram_end = 0, start, end;
    for (uint32_t i = 0; ram_area(i, &start, &end); i++)
        if (end > ram_end)
            ram_end = end;
    return ram_end;
}
