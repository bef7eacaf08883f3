/*
 * uaccess.c: copies to and from ring 3.  The copy itself is one instruction that may fault; the
 * exception table says where to go on when it does.
 */
#include "mm.h"
#include "sysnum.h"

/* size_t user_copy(void *to, const void *from, size_t size): bytes not copied.  In uaccess.S. */
size_t user_copy(void *to, const void *from, size_t size);

/* EFLAGS.AC if SMAP is on, so that user_copy() may pass; set by mm_init_cpu(). */
uint32_t uaccess_ac;

struct exception_entry {
    uintptr_t fault, fixup;
};
extern const struct exception_entry extable_start[], extable_end[];

uintptr_t exception_fixup(uintptr_t ip)
{
    for (const struct exception_entry *entry = extable_start; entry < extable_end; entry++)
        if (entry->fault == ip)
            return entry->fixup;
    return 0;
}

/* The page tables decide about pages; this keeps the kernel's half out of reach. */
static bool is_users(uintptr_t address, size_t size)
{
    return address >= USER_START && address < USER_END && size <= USER_END - address;
}

int copy_from_user(void *to, uintptr_t from, size_t size)
{
    return is_users(from, size) && user_copy(to, (const void *)from, size) == 0 ? 0 : -EFAULT;
}

int copy_to_user(uintptr_t to, const void *from, size_t size)
{
    return is_users(to, size) && user_copy((void *)to, from, size) == 0 ? 0 : -EFAULT;
}
