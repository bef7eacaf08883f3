/*
 * fastcall.c: where SYSCALL and SYSENTER go (SDM 3A 5.8.7, 5.8.8).
 */
#include "fastcall.h"

#include "entry.h"
#include "x86.h"

void fastcall_init(struct cpu *cpu)
{
#ifdef __x86_64__
    (void)cpu;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
    /* SYSCALL: CS, SS = 0x08, 0x10.  SYSRET: SS, CS = 0x20 + 3, 0x28 + 3. */
    wrmsr(MSR_STAR, (uint64_t)(USER_DS - 8) << 48 | (uint64_t)KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
    wrmsr(MSR_SFMASK, FLAGS_IF | FLAGS_TF | FLAGS_DF | FLAGS_NT | FLAGS_AC);
#else
    wrmsr(MSR_SYSENTER_CS, KERNEL_CS);
    wrmsr(MSR_SYSENTER_ESP, (uintptr_t)(cpu->sysenter_stack + SYSENTER_WORDS));
    wrmsr(MSR_SYSENTER_EIP, (uintptr_t)syscall_entry);
#endif
}
