/*
 * symbols.c: the names of the kernel's functions (System V ABI, chapter 4).
 */
#include "symbols.h"

#include <stddef.h>

#include "mm.h"
#include "multiboot.h"

#define SECTION_SYMBOLS 2 /* sh_type of .symtab */
#define SYMBOL_LABEL    0 /* low four bits of info: no type, as labels in assembly have */
#define SYMBOL_FUNCTION 2

/* The boot information's tag: the section headers of the kernel's file. */
struct sections_tag {
    struct multiboot_tag tag;
    uint32_t             count, entry_size, names;
    char                 headers[];
};

#ifdef __x86_64__
struct section {
    uint32_t name, type;
    uint64_t flags;
    uint64_t address; /* where GRUB put it: physical */
    uint64_t offset, size;
    uint32_t link; /* of a symbol table: the section with its names */
    uint32_t info;
    uint64_t align, entry_size;
};

struct symbol {
    uint32_t name; /* offset in the section with the names */
    uint8_t  info, other;
    uint16_t section;
    uint64_t value, size;
};
#else
struct section {
    uint32_t name, type, flags;
    uint32_t address; /* where GRUB put it: physical */
    uint32_t offset, size;
    uint32_t link; /* of a symbol table: the section with its names */
    uint32_t info, align, entry_size;
};

struct symbol {
    uint32_t name; /* offset in the section with the names */
    uint32_t value, size;
    uint8_t  info, other;
    uint16_t section;
};
#endif

extern const char kernel_text_start[], kernel_text_end[];

static const struct symbol *symbols;
static const char          *names;
static size_t               symbols_size, names_size; /* in bytes; 0: there are no symbols */

void symbols_init(const void *mbi)
{
    const struct sections_tag *tag = multiboot_find(mbi, MULTIBOOT_SECTIONS, NULL);

    for (uint32_t i = 0; tag != NULL && i < tag->count; i++) {
        const struct section *s = (const void *)(tag->headers + i * tag->entry_size);
        const struct section *n = (const void *)(tag->headers + s->link * tag->entry_size);

        if (s->type != SECTION_SYMBOLS || s->link >= tag->count)
            continue;
        /* GRUB puts them anywhere below 4 GiB; out of reach they are the same as not there. */
        if (s->address + s->size > RAM_LIMIT || n->address + n->size > RAM_LIMIT)
            continue;
        symbols = phys_to_virt(s->address);
        symbols_size = s->size;
        names = phys_to_virt(n->address);
        names_size = n->size;
    }
}

bool symbols_range(unsigned i, uintptr_t *start, uintptr_t *end)
{
    if (symbols_size == 0 || i > 1)
        return false;
    *start = virt_to_phys(i == 0 ? (const void *)symbols : names);
    *end = *start + (i == 0 ? symbols_size : names_size);
    return true;
}

const char *symbol_name(uintptr_t address, uintptr_t *offset)
{
    const struct symbol *best = NULL;

    *offset = 0;
    if (address < (uintptr_t)kernel_text_start || address >= (uintptr_t)kernel_text_end)
        return "?";
    for (size_t i = 0; i < symbols_size / sizeof(*symbols); i++) {
        const struct symbol *s = &symbols[i];
        uint8_t              type = s->info & 0xf;

        if ((type != SYMBOL_LABEL && type != SYMBOL_FUNCTION) || s->section == 0)
            continue;
        if (s->value < (uintptr_t)kernel_text_start || s->value > address || s->name >= names_size)
            continue;
        if (best == NULL || s->value > best->value ||
            (s->value == best->value && type == SYMBOL_FUNCTION))
            best = s;
    }
    if (best == NULL)
        return "?";
    *offset = address - best->value;
    return names + best->name;
}
