/*
 * acpi.h: which CPUs and interrupt controllers the machine has.
 */
#ifndef CORRAL_ACPI_H
#define CORRAL_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"

#define ACPI_OVERRIDES_MAX 16

/* Flags of an override (ACPI 5.2.12.5); 0 in a field means: as ISA has it, high and edge. */
#define ACPI_POLARITY      0x3
#define ACPI_POLARITY_LOW  0x3
#define ACPI_TRIGGER       0xc
#define ACPI_TRIGGER_LEVEL 0xc

/* What the MADT says. Filled in by acpi_init(), constant afterwards. */
struct acpi_cpus {
    unsigned  count;             /* enabled CPUs, 1 to MAX_CPUS */
    uint8_t   apic_id[MAX_CPUS]; /* theirs; the boot CPU's first, the others as they are listed */
    uintptr_t lapic_phys;        /* the local APIC's registers */
    uintptr_t ioapic_phys;       /* the I/O APIC's registers */
    uint32_t  ioapic_gsi_base;   /* the interrupt number of its pin 0 */
    unsigned  override_count;
    struct {
        uint8_t  irq; /* the ISA interrupt ... */
        uint32_t gsi; /* ... comes in as this number */
        uint16_t flags;
    } overrides[ACPI_OVERRIDES_MAX];
};

extern struct acpi_cpus acpi_cpus;

/*
 * Reads the tables. Without any, or with none that is sound, the machine has one CPU and its
 * controllers are at their usual addresses.
 * Level: any. CPU: 0, once, while the boot page tables map the first GiB: before mm_init().
 */
void acpi_init(const void *mbi);

/* What every table starts with (ACPI 5.2.6). */
struct acpi_table {
    char     signature[4];
    uint32_t length; /* of the whole table, this header included */
    uint8_t  revision, checksum;
    char     oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

/*
 * The table with this signature ("APIC"), its length and checksum proven, or NULL.
 * As acpi_init(); mbi is where the root pointer is looked for first. ACPI 5.2.5 to 5.2.8.
 */
const struct acpi_table *acpi_find(const void *mbi, const char *signature);

#endif
