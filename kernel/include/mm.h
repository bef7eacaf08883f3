/*
 * mm.h: physical pages and address spaces.
 *
 * Until lab 4 CPU 0 alone owns all of this.  From then on any CPU may call what is marked "shared";
 * an address space itself is used by the CPU that made it, or that runs its threads.
 */
#ifndef CORRAL_MM_H
#define CORRAL_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

/* What a mapping allows.  Everything can be read. */
#define MAP_WRITE   1u
#define MAP_EXEC    2u
#define MAP_USER    4u
#define MAP_DEVICE  8u /* not cached */

struct address_space {
    uint64_t root; /* physical address of the top table; 0 while unused */
    unsigned refs; /* threads in it */
};

/* The address of RAM, and back.  Any level, any CPU, an NMI too. */
static inline void *phys_to_virt(uintptr_t phys)
{
    return (void *)(phys + DIRECT_BASE);
}
static inline uintptr_t virt_to_phys(const void *virt)
{
    uintptr_t address = (uintptr_t)virt;
    return address - (address >= KERNEL_BASE ? KERNEL_BASE : DIRECT_BASE);
}

/*
 * Takes the memory map of multiboot2, keeps what is in use, and replaces the boot page tables by
 * ones with NX and write protection.  CPU 0, once.
 */
void mm_init(const void *mbi);

/* Loads the kernel's own tables and turns on the protections that this CPU has.  Each CPU, once. */
void mm_init_cpu(void);

/* One page of zeros, by physical address; 0 if there is none.  Shared, DISPATCH or below. */
uintptr_t page_alloc(void);
void      page_free(uintptr_t phys);
size_t    page_count_free(void);

/* Clears what the boot loader left in pages that nobody has used yet.  CPU 0, once. */
void page_scrub(void);

/* Device registers, not cached.  `phys` to `phys + size` must not be RAM.  CPU 0. */
void *mmio_map(uint64_t phys, size_t size);

/* A new address space with only the kernel in it; NULL if there is no room.  Shared. */
struct address_space *as_create(void);

/* Takes its user pages back.  It must not be any CPU's present one.  Shared. */
void as_destroy(struct address_space *as);

/* Maps one new zeroed page at a user address; its kernel address, or NULL.  Shared. */
void *as_map_new(struct address_space *as, uintptr_t address, unsigned flags);

/*
 * Maps a page that the address space does not own: as_destroy() leaves it to whoever does.  False:
 * there is no room for a table, or something is there already.  And takes it out again, on the CPU
 * that runs the address space, or while none does.  `phys` is RAM.
 */
bool as_map_page(struct address_space *as, uintptr_t address, uintptr_t phys, unsigned flags);
void as_unmap_page(struct address_space *as, uintptr_t address);

/*
 * Loads CR3, the only place that does; NULL means the kernel alone.  Interrupts off, any CPU.
 */
void as_activate(struct address_space *as);

/* The kernel's own top table, for CPUs that start. */
uint64_t kernel_root(void);

/*
 * Copies between the kernel and ring 3.  0, or -EFAULT if any byte of the user's range is not
 * the user's to read (or write); then an unknown part was copied.  Not from an NMI.
 */
int copy_from_user(void *to, uintptr_t from, size_t size);
int copy_to_user(uintptr_t to, const void *from, size_t size);

/*
 * For a fault at `ip` in the kernel: where to go on, or 0 if no entry of the exception table names
 * it.  Any level.
 */
uintptr_t exception_fixup(uintptr_t ip);

#endif
