/*
 * page.h: what only the memory code itself needs of the page allocator.
 */
#ifndef CORRAL_MM_PAGE_H
#define CORRAL_MM_PAGE_H

#include <stdint.h>

extern char kernel_text_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

/* Frees all RAM that nobody uses.  CPU 0, once. */
void page_init(const void *mbi);

/* The end of the RAM that the kernel can use; a physical address.  After page_init(). */
uintptr_t page_ram_end(void);

#endif
