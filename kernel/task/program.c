/*
 * program.c: ring-3 programs.  Each is an ELF file that GRUB loaded as a module.
 */
#include "program.h"

#include "elf.h"
#include "log.h"
#include "mm.h"
#include "multiboot.h"
#include "string.h"

static const void *boot_information;

void program_init(const void *mbi)
{
    boot_information = mbi;
}

const char *program_name(unsigned index)
{
    const struct multiboot_module *module = NULL;
    while ((module = multiboot_find(boot_information, MULTIBOOT_MODULE, module)))
        if (index-- == 0)
            return module->name;
    return NULL;
}

static const void *find_file(const char *name)
{
    const struct multiboot_module *module = NULL;
    while ((module = multiboot_find(boot_information, MULTIBOOT_MODULE, module)))
        if (strcmp(module->name, name) == 0)
            return phys_to_virt(module->start);
    return NULL;
}

/* Copies what the file has for one page; the rest of the page stays zero. */
static void fill_page(uint8_t *page, uintptr_t address, const uint8_t *file,
                      const struct elf_segment *segment)
{
    uintptr_t start = segment->address, end = start + segment->file_size;
    uintptr_t from = address > start ? address : start;
    uintptr_t to = address + PAGE_SIZE < end ? address + PAGE_SIZE : end;
    if (from < to)
        memcpy(page + (from - address), file + segment->offset + (from - start), to - from);
}

static bool map_segment(struct address_space *as, const uint8_t *file,
                        const struct elf_segment *segment)
{
    uintptr_t page = segment->address & -(uintptr_t)PAGE_SIZE;
    unsigned  flags = (segment->flags & ELF_W ? MAP_WRITE : 0) |
                     (segment->flags & ELF_X ? MAP_EXEC : 0);
    for (; page < segment->address + segment->memory_size; page += PAGE_SIZE) {
        if (page < USER_START || page >= USER_END)
            return false;
        uint8_t *memory = as_map_new(as, page, flags);
        if (!memory)
            return false;
        fill_page(memory, page, file, segment);
    }
    return true;
}

static bool map_program(struct address_space *as, const struct elf_header *elf)
{
    const struct elf_segment *segments = (const void *)((uintptr_t)elf + elf->segments_offset);
    for (unsigned i = 0; i < elf->segment_count; i++)
        if (segments[i].type == ELF_LOAD && segments[i].memory_size > 0 &&
            !map_segment(as, (const uint8_t *)elf, &segments[i]))
            return false;
    for (uintptr_t page = USER_STACK_TOP - USER_STACK_SIZE; page < USER_STACK_TOP; page += PAGE_SIZE)
        if (!as_map_new(as, page, MAP_WRITE))
            return false;
    return true;
}

bool program_exists(const char *name)
{
    return find_file(name) != NULL;
}

struct thread *program_start(const char *name, struct cpu *cpu)
{
    const struct elf_header *elf = find_file(name);
    if (!elf || elf->magic != ELF_MAGIC || elf->width != ELF_WIDTH)
        return NULL;
    struct address_space *as = as_create();
    if (!as)
        return NULL;
    struct thread *thread = NULL;
    if (map_program(as, elf))
        thread = thread_create(name, cpu, as, elf->entry, USER_STACK_TOP - 64);
    if (thread)
        log_program(LOG_START, thread->tid);
    else
        as_destroy(as);
    return thread;
}
