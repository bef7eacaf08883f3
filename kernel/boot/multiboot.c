/*
 * multiboot.c: a walk over the tags of the boot information.
 */
#include "multiboot.h"

#include <stddef.h>

#define TAG_END 0

static const struct multiboot_tag *next_tag(const struct multiboot_tag *tag)
{
    return (const void *)((uintptr_t)tag + ((tag->size + 7) & ~7u));
}

const void *multiboot_find(const void *mbi, enum multiboot_type type, const void *after)
{
    const struct multiboot_tag *tag = after ? next_tag(after) : (const void *)((uintptr_t)mbi + 8);
    for (; tag->type != TAG_END; tag = next_tag(tag))
        if (tag->type == type)
            return tag;
    return NULL;
}

uint32_t multiboot_size(const void *mbi)
{
    return *(const uint32_t *)mbi;
}
