/*
 * elf.h: what the loader reads of an ELF file of this width.
 */
#ifndef CORRAL_ELF_H
#define CORRAL_ELF_H

#include <stdint.h>

#define ELF_MAGIC 0x464c457fu
#define ELF_LOAD  1
#define ELF_X     1
#define ELF_W     2

struct elf_header {
    uint32_t  magic;
    uint8_t   width;         /* 1: 32 bits, 2: 64 bits */
    uint8_t   ident[11];
    uint16_t  type, machine;
    uint32_t  version;
    uintptr_t entry;
    uintptr_t segments_offset, sections_offset;
    uint32_t  flags;
    uint16_t  header_size, segment_size, segment_count;
    uint16_t  section_size, section_count, section_names;
};

#ifdef __x86_64__
#define ELF_WIDTH 2
struct elf_segment {
    uint32_t  type, flags;
    uintptr_t offset, address, physical, file_size, memory_size, align;
};
#else
#define ELF_WIDTH 1
struct elf_segment {
    uint32_t type, offset, address, physical, file_size, memory_size, flags, align;
};
#endif

#endif
