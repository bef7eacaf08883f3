/*
 * symbols.h: the names of the kernel's functions, from the ELF symbols that GRUB loads with it.
 */
#ifndef CORRAL_SYMBOLS_H
#define CORRAL_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds the symbols in the boot information, which is not needed afterwards.
 * Level: any. CPU: 0, once, before the page allocator starts. Multiboot2 3.6.7.
 */
void symbols_init(const void *mbi);

/*
 * The physical ranges that the names live in, for i = 0, 1, ...: they must stay as they are.
 * False, and nothing is set, when there is no more. Level: any. CPU: any. NMI: yes.
 */
bool symbols_range(unsigned i, uintptr_t *start, uintptr_t *end);

/*
 * The name of the function or label that address lies in, and how many bytes behind its start.
 * "?" and 0 if there is none. Level: any. CPU: any. NMI: yes.
 */
const char *symbol_name(uintptr_t address, uintptr_t *offset);

#endif
