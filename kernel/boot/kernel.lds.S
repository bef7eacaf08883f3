/*
 * kernel.lds.S: where the parts of the image go.  .boot runs at its physical address, before paging;
 * everything else at KERNEL_BASE + its physical address.  Each part starts on a page of its own,
 * because mm_init() gives each its own protection.
 */
#include "layout.h"

ENTRY(start)

SECTIONS
{
    . = KERNEL_LOAD;
    boot_start = .;
    .boot : ALIGN(4096) { KEEP(*(.multiboot)) *(.boot.text) *(.boot.data) }
    .boot.bss (NOLOAD) : ALIGN(4096) { *(.boot.bss) }
    . = ALIGN(4096);
    boot_end = .;

    . += KERNEL_BASE;
    kernel_text_start = .;
    .text : AT(ADDR(.text) - KERNEL_BASE) { *(.text .text.*) }
    . = ALIGN(4096);
    kernel_text_end = .;
    .rodata : AT(ADDR(.rodata) - KERNEL_BASE) { *(.rodata .rodata.*) }
    .extable : AT(ADDR(.extable) - KERNEL_BASE) ALIGN(8) {
        extable_start = .;
        KEEP(*(.extable))
        extable_end = .;
    }
    .corral.trace : AT(ADDR(.corral.trace) - KERNEL_BASE) ALIGN(8) {
        trace_sites = .;
        KEEP(*(.corral.trace))
        trace_sites_end = .;
    }
    .corral.holes : AT(ADDR(.corral.holes) - KERNEL_BASE) ALIGN(32) { KEEP(*(.corral.holes)) }
    . = ALIGN(4096);
    kernel_rodata_end = .;
    .data : AT(ADDR(.data) - KERNEL_BASE) { *(.data .data.*) }
    .bss : AT(ADDR(.bss) - KERNEL_BASE) ALIGN(4096) { *(.bss .bss.* COMMON) }
    . = ALIGN(4096);
    kernel_end = .;

    /DISCARD/ : { *(.comment) *(.eh_frame) *(.note .note.*) *(__patchable_function_entries) }
}
