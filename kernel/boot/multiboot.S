/*
 * multiboot.S: the header by which GRUB knows this file (Multiboot2 3.1).
 */
#define MAGIC 0xe85250d6
#define ARCH  0            /* protected mode of i386, for both widths */

    .section .multiboot, "a"
    .balign 8
header:
    .long MAGIC, ARCH, header_end - header
    .long -(MAGIC + ARCH + (header_end - header))
    .balign 8
    .short 6, 0            /* modules on page boundaries */
    .long 8
    .balign 8
    .short 0, 0            /* the end */
    .long 8
header_end:
