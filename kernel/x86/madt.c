/*
 * madt.c: reads the table of CPUs and interrupt controllers (ACPI 5.2.12).
 */
#include "acpi.h"

#include "print.h"
#include "string.h"
#include "x86.h"

#define LAPIC_USUAL  0xfee00000
#define IOAPIC_USUAL 0xfec00000

/* Types of entries. */
#define ENTRY_LAPIC         0
#define ENTRY_IOAPIC        1
#define ENTRY_OVERRIDE      2
#define ENTRY_LAPIC_ADDRESS 5

#define LAPIC_ENABLED 0x1

struct madt {
    struct acpi_table table;
    uint32_t          lapic_phys;
    uint32_t          flags;
    uint8_t           entries[];
} __attribute__((packed));

struct entry {
    uint8_t type;
    uint8_t length; /* of the whole entry */
    union {
        struct {
            uint8_t  processor, apic_id;
            uint32_t flags;
        } __attribute__((packed)) lapic;
        struct {
            uint8_t  id, reserved;
            uint32_t phys, gsi_base;
        } __attribute__((packed)) ioapic;
        struct {
            uint8_t  bus, irq;
            uint32_t gsi;
            uint16_t flags;
        } __attribute__((packed)) override;
        struct {
            uint16_t reserved;
            uint64_t phys;
        } __attribute__((packed)) lapic_address;
    } __attribute__((packed));
} __attribute__((packed));

struct acpi_cpus acpi_cpus;

static void add_cpu(struct acpi_cpus *to, uint8_t apic_id)
{
    if (apic_id == to->apic_id[0])
        return; /* the boot CPU is there already */
    if (to->count == MAX_CPUS) {
        kprintf("acpi: the CPU with APIC id %u is one too many and left out\n", apic_id);
        return;
    }
    to->apic_id[to->count++] = apic_id;
}

static void add_override(struct acpi_cpus *to, const struct entry *e)
{
    if (to->override_count == ACPI_OVERRIDES_MAX)
        return;
    to->overrides[to->override_count].irq = e->override.irq;
    to->overrides[to->override_count].gsi = e->override.gsi;
    to->overrides[to->override_count].flags = e->override.flags;
    to->override_count++;
}

static void add_entry(struct acpi_cpus *to, const struct entry *e)
{
    switch (e->type) {
    case ENTRY_LAPIC:
        if (e->lapic.flags & LAPIC_ENABLED)
            add_cpu(to, e->lapic.apic_id);
        break;
    case ENTRY_IOAPIC:
        /* The one whose pins come first has the ISA interrupts. */
        if (to->ioapic_phys == 0 || e->ioapic.gsi_base < to->ioapic_gsi_base) {
            to->ioapic_phys = e->ioapic.phys;
            to->ioapic_gsi_base = e->ioapic.gsi_base;
        }
        break;
    case ENTRY_OVERRIDE:
        add_override(to, e);
        break;
    case ENTRY_LAPIC_ADDRESS:
        to->lapic_phys = (uintptr_t)e->lapic_address.phys;
        break;
    }
}

void acpi_init(const void *mbi)
{
    struct acpi_cpus  *to = &acpi_cpus;
    const struct madt *madt = (const void *)acpi_find(mbi, "APIC");
    uint32_t           size = madt ? madt->table.length : 0, at = sizeof(*madt);

    memset(to, 0, sizeof(*to));
    to->count = 1;
    to->apic_id[0] = cpuid_apic_id();
    to->lapic_phys = madt ? madt->lapic_phys : LAPIC_USUAL;
    while (at + 2 <= size) {
        const struct entry *e = (const void *)((const char *)madt + at);

        if (e->length < 2 || e->length > size - at)
            break;
        add_entry(to, e);
        at += e->length;
    }
    if (to->ioapic_phys == 0)
        to->ioapic_phys = IOAPIC_USUAL;
}
