/*
 * page.c: physical pages.  Pages that came back are a list; the link is the first word of the page
 * itself.  Pages that were never used are not touched before they are: RAM that is still zero makes
 * the host's snapshots small.
 */
#include "page.h"

#include "mm.h"
#include "multiboot.h"
#include "string.h"
#include "symbols.h"

struct free_page {
    struct free_page *next;
};

static struct free_page *free_list;   /* pages that came back */
static size_t            free_count;  /* these, and the fresh ones */
static uintptr_t         fresh;       /* no page from here on was ever given out */
static const void       *boot_information;

static bool overlaps(uintptr_t page, uintptr_t start, uintptr_t end)
{
    return page < end && page + PAGE_SIZE > start;
}

/* True if the page holds something that GRUB loaded or left for us. */
static bool in_use(const void *mbi, uintptr_t page)
{
    uintptr_t boot_information = virt_to_phys(mbi);
    if (page < KERNEL_LOAD || overlaps(page, KERNEL_LOAD, virt_to_phys(kernel_end)))
        return true;
    if (overlaps(page, boot_information, boot_information + multiboot_size(mbi)))
        return true;
    const struct multiboot_module *module = NULL;
    while ((module = multiboot_find(mbi, MULTIBOOT_MODULE, module)))
        if (overlaps(page, module->start, module->end))
            return true;
    uintptr_t start, end;
    for (unsigned i = 0; symbols_range(i, &start, &end); i++)
        if (overlaps(page, start, end))
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

/* The lowest free page of RAM at or above `from` that nobody uses; 0 if there is none. */
static uintptr_t next_usable(uintptr_t from)
{
    uintptr_t best = 0, start, end;
    for (uint32_t i = 0; ram_area(i, &start, &end); i++) {
        uintptr_t page = (start + PAGE_SIZE - 1) & -(uintptr_t)PAGE_SIZE;
        page = page > from ? page : from;
        while (page + PAGE_SIZE <= end && in_use(boot_information, page))
            page += PAGE_SIZE;
        if (page + PAGE_SIZE <= end && (!best || page < best))
            best = page;
    }
    return best;
}

uintptr_t page_alloc(void)
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
    memset(phys_to_virt(phys), 0, PAGE_SIZE);
    return phys;
}

void page_free(uintptr_t phys)
{
    struct free_page *page = phys_to_virt(phys);
    page->next = free_list;
    free_list = page;
    free_count++;
}

size_t page_count_free(void)
{
    return free_count;
}

void page_scrub(void)
{
    for (uintptr_t page = fresh; (page = next_usable(page)); page += PAGE_SIZE)
        memset(phys_to_virt(page), 0, PAGE_SIZE);
}

void page_init(const void *mbi)
{
    boot_information = mbi;
    for (uintptr_t page = 0; (page = next_usable(page)); page += PAGE_SIZE)
        free_count++;
}

uintptr_t page_ram_end(void)
{
    uintptr_t ram_end = 0, start, end;
    for (uint32_t i = 0; ram_area(i, &start, &end); i++)
        if (end > ram_end)
            ram_end = end;
    return ram_end;
}
