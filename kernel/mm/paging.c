/*
 * paging.c: page tables.  PAE in 32 bits, so that both widths have the same 8-byte entries and the
 * no-execute bit; only the number of levels differs (SDM 3A 4.4, 4.5).
 */
#include "cpu.h"
#include "guard.h"
#include "ipi.h"
#include "mm.h"
#include "nmi.h"
#include "page.h"
#include "panic.h"
#include "stacks.h"
#include "string.h"
#include "x86.h"

#define PTE_PRESENT 0x001ull
#define PTE_WRITE   0x002ull
#define PTE_USER    0x004ull
#define PTE_PWT     0x008ull
#define PTE_PCD     0x010ull
#define PTE_LARGE   0x080ull
#define PTE_SHARED  0x200ull /* free for software: not this address space's page */
#define PTE_NX      0x8000000000000000ull
#define PTE_ADDRESS 0x000ffffffffff000ull

#ifdef __x86_64__
#define TOP_LEVEL   4
#define TOP_ENTRIES 512
#define TOP_KERNEL  256 /* first entry of the kernel's half */
#else
#define TOP_LEVEL   3
#define TOP_ENTRIES 4
#define TOP_KERNEL  3
#endif
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER)

static uint64_t root; /* the kernel's own top table */

extern uint32_t uaccess_ac;

static uint64_t *table_at(uint64_t entry)
{
    return phys_to_virt((uintptr_t)(entry & PTE_ADDRESS));
}

static unsigned index_at(uintptr_t address, int level)
{
    unsigned index = (address >> (12 + 9 * (level - 1))) & 511;
    return level == TOP_LEVEL ? index & (TOP_ENTRIES - 1) : index;
}

/*
 * The entry of `address` at `level` (1: a page, 2: a large page).  Missing tables are made if
 * `make`; NULL if one is missing or there is no page for it.
 */
static uint64_t *entry_of(uint64_t top, uintptr_t address, int level, bool make)
{
    uint64_t *table = phys_to_virt((uintptr_t)top);
    for (int at = TOP_LEVEL; at > level; at--) {
        uint64_t *entry = &table[index_at(address, at)];
        if (!(*entry & PTE_PRESENT)) {
            uintptr_t page = make ? page_alloc() : 0;
            if (!page)
                return NULL;
            /* The entries of the top table in PAE have no such bits (SDM 3A 4.4.1). */
            *entry = page | (TOP_LEVEL == 3 && at == 3 ? PTE_PRESENT : TABLE_FLAGS);
        }
        table = table_at(*entry);
    }
    return &table[index_at(address, level)];
}

static uint64_t entry_flags(unsigned flags)
{
    uint64_t entry = PTE_PRESENT;
    if (flags & MAP_WRITE)
        entry |= PTE_WRITE;
    if (flags & MAP_USER)
        entry |= PTE_USER;
    if (flags & MAP_DEVICE)
        entry |= PTE_PCD | PTE_PWT;
    if (!(flags & MAP_EXEC))
        entry |= PTE_NX;
    return entry;
}

/* Maps kernel memory, with large pages where they fit. */
static void map_kernel(uintptr_t address, uint64_t phys, uintptr_t size, unsigned flags)
{
    for (uintptr_t done = 0; done < size;) {
        bool large = ((address + done) | (uintptr_t)(phys + done)) % LARGE_PAGE_SIZE == 0 &&
                     size - done >= LARGE_PAGE_SIZE;
        uint64_t *entry = entry_of(root, address + done, large ? 2 : 1, true);
        if (!entry)
            panic("no memory for the kernel's page tables");
        *entry = (phys + done) | entry_flags(flags) | (large ? PTE_LARGE : 0);
        done += large ? LARGE_PAGE_SIZE : PAGE_SIZE;
    }
}

/* Takes away one page of the kernel's image: a guard below a stack. */
static void unmap_guard(const void *page)
{
    *entry_of(root, (uintptr_t)page, 1, false) = 0;
}

static void map_image(uintptr_t base)
{
    uintptr_t text = virt_to_phys(kernel_text_start), rodata = virt_to_phys(kernel_text_end);
    uintptr_t data = virt_to_phys(kernel_rodata_end), end = virt_to_phys(kernel_end);
    map_kernel(base + text, text, rodata - text, MAP_EXEC);
    map_kernel(base + rodata, rodata, data - rodata, 0);
    map_kernel(base + data, data, end - data, MAP_WRITE);
}

void mm_init(const void *mbi)
{
    page_init(mbi);
    uintptr_t ram_end = page_ram_end();
    root = page_alloc();
#ifdef __x86_64__
    map_kernel(DIRECT_BASE, 0, ram_end, MAP_WRITE);
    map_image(KERNEL_BASE);
#else
    uintptr_t start = virt_to_phys(kernel_text_start);
    uintptr_t end = (virt_to_phys(kernel_end) + LARGE_PAGE_SIZE - 1) & -(uintptr_t)LARGE_PAGE_SIZE;
    uintptr_t image_end = virt_to_phys(kernel_end);
    map_kernel(DIRECT_BASE, 0, start, MAP_WRITE);
    map_image(DIRECT_BASE);
    map_kernel(DIRECT_BASE + image_end, image_end, end - image_end, MAP_WRITE);
    map_kernel(DIRECT_BASE + end, end, ram_end - end, MAP_WRITE);
    uintptr_t text = virt_to_phys(kernel_text_end) - start;
    ASSERT(text <= DEVICE_BASE - TEXT_ALIAS);
    map_kernel(TEXT_ALIAS, start, text, MAP_WRITE);
#endif
    for (unsigned i = 0; i < STACK_GUARDS; i++)
        unmap_guard(stack_guard(i));
}

void *text_alias(const void *at)
{
#ifdef __x86_64__
    return phys_to_virt(virt_to_phys(at)); /* the image is mapped a second time, as RAM */
#else
    return (void *)((uintptr_t)at - (uintptr_t)kernel_text_start + TEXT_ALIAS);
#endif
}

void mm_init_cpu(void)
{
    struct cpuid has = {0};
    if (cpu_has_leaf(7))
        has = cpuid(7, 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    write_cr3((uintptr_t)root);
    write_cr0(read_cr0() | CR0_WP);
    write_cr4(read_cr4() | (has.ebx & CPUID7_SMEP ? CR4_SMEP : 0) |
              (has.ebx & CPUID7_SMAP ? CR4_SMAP : 0) |
              (sizeof(void *) == 8 && has.ebx & CPUID7_FSGSBASE ? CR4_FSGSBASE : 0));
    uaccess_ac = has.ebx & CPUID7_SMAP ? FLAGS_AC : 0;
}

uint64_t kernel_root(void)
{
    return root;
}

/*
 * ---- address spaces ----
 * The kernel's half of every top table holds the same entries, made by mm_init() and never changed:
 * what is mapped there later goes into tables that all spaces share.
 */
static struct address_space spaces[MAX_THREADS];

/* A place in the list with this top table, or NULL. */
static struct address_space *claim_space(uintptr_t top)
{
    struct address_space *as = spaces;
    struct spin_handle    handle;
    guard_enter(&memory_guard, &handle);
    while (as < spaces + MAX_THREADS && as->root)
        as++;
    if (as < spaces + MAX_THREADS) {
        as->root = top;
        as->refs = 0;
    }
    guard_leave(&memory_guard, &handle);
    return as < spaces + MAX_THREADS ? as : NULL;
}

struct address_space *as_create(void)
{
    uintptr_t top = page_alloc();
    if (!top)
        return NULL;
    memcpy((uint64_t *)phys_to_virt(top) + TOP_KERNEL,
           (uint64_t *)phys_to_virt((uintptr_t)root) + TOP_KERNEL,
           (TOP_ENTRIES - TOP_KERNEL) * sizeof(uint64_t));
    struct address_space *as = claim_space(top);
    if (!as)
        page_free(top);
    return as;
}

static void free_table(uint64_t *table, int level, unsigned entries)
{
    for (unsigned i = 0; i < entries; i++) {
        if (!(table[i] & PTE_PRESENT))
            continue;
        if (level > 1)
            free_table(table_at(table[i]), level - 1, 512);
        if (!(table[i] & PTE_SHARED))
            page_free((uintptr_t)(table[i] & PTE_ADDRESS));
    }
}

void as_destroy(struct address_space *as)
{
    free_table(phys_to_virt((uintptr_t)as->root), TOP_LEVEL, TOP_KERNEL);
    page_free((uintptr_t)as->root);
    struct spin_handle handle;
    guard_enter(&memory_guard, &handle);
    as->root = 0; /* the place is free: not before its pages are */
    guard_leave(&memory_guard, &handle);
}

void *as_map_new(struct address_space *as, uintptr_t address, unsigned flags)
{
    uint64_t *entry = entry_of(as->root, address, 1, true);
    if (!entry)
        return NULL;
    if (!(*entry & PTE_PRESENT)) {
        uintptr_t fresh = page_alloc();
        if (!fresh)
            return NULL;
        *entry = fresh | entry_flags(flags | MAP_USER);
    }
    return table_at(*entry);
}

bool as_map_page(struct address_space *as, uintptr_t address, uintptr_t phys, unsigned flags)
{
    uint64_t *entry = entry_of(as->root, address, 1, true);
    if (!entry || *entry & PTE_PRESENT)
        return false;
    *entry = phys | entry_flags(flags | MAP_USER) | PTE_SHARED;
    return true;
}

void as_unmap_page(struct address_space *as, uintptr_t address)
{
    uint64_t *entry = entry_of(as->root, address, 1, false);
    if (entry && *entry & PTE_SHARED) {
        *entry = 0;
        invlpg(address);
    }
}

void as_activate(struct address_space *as)
{
    struct cpu *cpu = this_cpu();
    uintptr_t   cr3 = (uintptr_t)(as ? as->root : root);
    cpu->as = as;
    nmi_note_cr3(cpu, cr3);
    write_cr3(cr3);
}

void *mmio_map(uint64_t phys, size_t size)
{
    uint64_t  first = phys & -(uint64_t)PAGE_SIZE;
    uintptr_t length = (uintptr_t)(phys + size - first + PAGE_SIZE - 1) & -(uintptr_t)PAGE_SIZE;
#ifdef __x86_64__
    uintptr_t base = DIRECT_BASE + first;
#else
    uintptr_t base = (uintptr_t)first;
    ASSERT(base >= DEVICE_BASE);
#endif
    map_kernel(base, first, length, MAP_WRITE | MAP_DEVICE);
    return (void *)(base + (uintptr_t)(phys - first));
}
