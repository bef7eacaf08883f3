/*
 * acpi.c: finds ACPI tables. All of them are read where the firmware left them; nothing is kept.
 */
#include "acpi.h"

#include <stdbool.h>

#include "mm.h"
#include "multiboot.h"
#include "print.h"
#include "string.h"

#define EBDA_SEGMENT 0x40e /* where the BIOS keeps the segment of its data area */
#define EBDA_SIZE    1024  /* the part that may hold the pointer */
#define BIOS_START   0xe0000
#define BIOS_END     0x100000
#define MAPPED_END   0x40000000 /* what the boot page tables map */

/* The root pointer (ACPI 5.2.5.3). */
struct rsdp {
    char     signature[8];
    uint8_t  checksum; /* of the first 20 bytes */
    char     oem[6];
    uint8_t  revision; /* 0: the fields behind rsdt do not exist */
    uint32_t rsdt;     /* a table of 32-bit addresses */
    uint32_t length;
    uint64_t xsdt;              /* a table of 64-bit addresses */
    uint8_t  extended_checksum; /* of length bytes */
    uint8_t  reserved[3];
} __attribute__((packed));

#define RSDP1_SIZE 20

static bool sums_to_zero(const void *start, size_t size)
{
    const uint8_t *bytes = start;
    uint8_t        sum = 0;

    while (size-- > 0)
        sum += *bytes++;
    return sum == 0;
}

/* A copy of a sound root pointer, or one with two zero addresses. */
static struct rsdp checked(const void *at)
{
    const struct rsdp *p = at;
    struct rsdp        rsdp = {.rsdt = 0};

    if (memcmp(p->signature, "RSD PTR ", 8) != 0 || !sums_to_zero(p, RSDP1_SIZE))
        return rsdp;
    if (p->revision < 2 || p->length < sizeof(*p) || !sums_to_zero(p, p->length))
        memcpy(&rsdp, p, RSDP1_SIZE);
    else
        rsdp = *p;
    return rsdp;
}

static struct rsdp scan(uintptr_t start, uintptr_t end)
{
    struct rsdp rsdp = {.rsdt = 0};

    for (uintptr_t at = start; at + sizeof(rsdp) <= end && !rsdp.rsdt && !rsdp.xsdt; at += 16)
        rsdp = checked(phys_to_virt(at));
    return rsdp;
}

/* GRUB's copies first, the newer one before the older one, then the two places of ACPI 5.2.5.1. */
static struct rsdp find_rsdp(const void *mbi)
{
    const struct multiboot_tag *tag = multiboot_find(mbi, MULTIBOOT_RSDP2, NULL);
    struct rsdp                 rsdp;
    const uint16_t             *segment;
    uintptr_t                   ebda;

    if (tag == NULL)
        tag = multiboot_find(mbi, MULTIBOOT_RSDP1, NULL);
    if (tag != NULL)
        return checked(tag + 1);
    segment = phys_to_virt(EBDA_SEGMENT);
    ebda = (uintptr_t)*segment << 4;
    rsdp = scan(ebda, ebda + EBDA_SIZE);
    return rsdp.rsdt || rsdp.xsdt ? rsdp : scan(BIOS_START, BIOS_END);
}

/* The table at this address, if it is in reach and sound. */
static const struct acpi_table *table_at(uint64_t phys)
{
    const struct acpi_table *table;

    if (phys == 0 || phys >= MAPPED_END - sizeof(*table)) {
        if (phys != 0)
            kprintf("acpi: the table at 0x%llx is above 1 GiB and not read\n",
                    (unsigned long long)phys);
        return NULL;
    }
    table = phys_to_virt((uintptr_t)phys);
    if (table->length < sizeof(*table) || table->length > MAPPED_END - phys ||
        !sums_to_zero(table, table->length)) {
        kprintf("acpi: the table at 0x%llx is damaged\n", (unsigned long long)phys);
        return NULL;
    }
    return table;
}

const struct acpi_table *acpi_find(const void *mbi, const char *signature)
{
    struct rsdp              rsdp = find_rsdp(mbi);
    size_t                   size = rsdp.xsdt ? sizeof(uint64_t) : sizeof(uint32_t);
    const struct acpi_table *root = table_at(rsdp.xsdt ? rsdp.xsdt : rsdp.rsdt), *table;

    for (uint32_t at = sizeof(*root); root != NULL && at + size <= root->length; at += size) {
        uint64_t phys = 0;

        memcpy(&phys, (const char *)root + at, size);
        table = table_at(phys);
        if (table != NULL && memcmp(table->signature, signature, 4) == 0)
            return table;
    }
    return NULL;
}
