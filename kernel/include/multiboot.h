/*
 * multiboot.h: what GRUB tells the kernel (Multiboot2 3.6).
 */
#ifndef CORRAL_MULTIBOOT_H
#define CORRAL_MULTIBOOT_H

#include <stdint.h>

#define MULTIBOOT_MAGIC 0x36d76289u

enum multiboot_type {
    MULTIBOOT_MODULE   = 3,
    MULTIBOOT_MEMORY   = 6,
    MULTIBOOT_SECTIONS = 9,
    MULTIBOOT_RSDP1    = 14,
    MULTIBOOT_RSDP2    = 15,
};

struct multiboot_tag {
    uint32_t type;
    uint32_t size; /* of the whole tag; the next one starts at a multiple of 8 */
};

struct multiboot_module {
    struct multiboot_tag tag;
    uint32_t             start, end; /* physical, end exclusive */
    char                 name[];
};

struct multiboot_memory {
    struct multiboot_tag tag;
    uint32_t             entry_size, version;
    struct multiboot_area {
        uint64_t base, size;
        uint32_t type; /* 1 is RAM that may be used */
        uint32_t reserved;
    } areas[];
};

/*
 * The next tag of this type after `after` (NULL: the first), or NULL.  `mbi` is the kernel's address
 * of the boot information.  Any level.
 */
const void *multiboot_find(const void *mbi, enum multiboot_type type, const void *after);

/* Its size in bytes. */
uint32_t multiboot_size(const void *mbi);

#endif
