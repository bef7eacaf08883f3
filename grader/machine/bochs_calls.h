/*
 * bochs_calls.h: what the grader's half calls inside Bochs 2.7 or 3.0, found by its C++ names.
 *
 * Debian's Bochs exports all its functions.  Nothing here depends on the layout of a C++ object:
 * registers are reached through Bochs' own tree of parameters.
 */
#ifndef BOCHS_CALLS_H
#define BOCHS_CALLS_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* What is called in Bochs. */
static void ***cpus;                                    /* BX_CPU_C **bx_cpu_array */
static void *jump_buffer, **sim, *pc_system;
static int (*handle_async_event)(void *cpu);
static void (*step_n)(int cpu, unsigned count);
static void (*deliver)(uint8_t vector, unsigned dest, uint8_t mode, char logical, char level,
                       char trigger);
static char (*translate)(void *cpu, uint64_t linear, uint64_t *physical, uint64_t *mask,
                         char verbose, char nested);    /* 2.7 has no `nested` */
static char (*fetch)(void *cpu, uint64_t physical, unsigned size, uint8_t *data);
static char (*store)(void *cpu, uint64_t physical, unsigned size, uint8_t *data);
static int (*add_breakpoint)(int kind, uint64_t linear, const char *condition);
static void (*delete_breakpoint)(unsigned id);
static void (*forget_code)(uint64_t physical, uint32_t lines);
static void (*tick)(void *pc_system);
static void *(*param_num)(void *sim, const char *name, void *base);
static void *(*root_of)(void *sim);
static int get_slot, set_slot;          /* of the virtual functions get64() and set() */

static int number_of_cpus;

static void die(const char *what)
{
    fprintf(stderr, "bochs_fork: %s\n", what);
    _exit(3);
}

static void *find(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found)
        die(name);
    return found;
}

/* A function that got one more argument in a later Bochs, and with it another name. */
static void *find_either(const char *old, const char *later)
{
    void *found = dlsym(RTLD_DEFAULT, old);
    return found ? found : find(later);
}

/* Where a C++ class for numbers keeps a virtual function: some parameters are of other classes. */
static int slot_of(const char *function)
{
    void **table = (void **)find("_ZTV15bx_shadow_num_c") + 2, *wanted = find(function);
    for (int slot = 0; slot < 32; slot++)
        if (table[slot] == wanted)
            return slot;
    die(function);
    return 0;
}

static int64_t get64(void *param)
{
    return (*(int64_t (***)(void *))param)[get_slot](param);
}

static void set64(void *param, int64_t value)
{
    (*(void (***)(void *, int64_t))param)[set_slot](param, value);
}

/* A triple fault is a panic of Bochs: it must not end the process, whatever bochsrc says. */
static void keep_panics_alive(void)
{
    enum { LEVEL_PANIC = 3, ACTION_REPORT = 1 };
    int (*modules)(void *) = find("_ZN13bx_real_sim_c17get_n_log_modulesEv");
    void (*set)(void *, int, int, int) = find("_ZN13bx_real_sim_c14set_log_actionEiii");
    for (int module = 0; module < modules(*sim); module++)
        set(*sim, module, LEVEL_PANIC, ACTION_REPORT);
}

static void resolve(void)
{
    cpus = find("bx_cpu_array");
    jump_buffer = find("_ZN8BX_CPU_C11jmp_buf_envE");
    sim = find("SIM");
    pc_system = find("bx_pc_system");
    handle_async_event = find("_ZN8BX_CPU_C16handleAsyncEventEv");
    step_n = find("_Z20bx_dbg_stepN_commandij");
    deliver = find("_Z26apic_bus_deliver_interrupthjhbbb");
    add_breakpoint = find("_Z26bx_dbg_lbreakpoint_command14BreakpointKindmPKc");
    delete_breakpoint = find("_Z29bx_dbg_del_breakpoint_commandj");
    translate = find_either("_ZN8BX_CPU_C20dbg_xlate_linear2phyEmPmS0_b",
                            "_ZN8BX_CPU_C20dbg_xlate_linear2phyEmPmS0_bb");
    fetch = find("_ZN8BX_MEM_C13dbg_fetch_memEP8BX_CPU_CmjPh");
    store = find("_ZN8BX_MEM_C11dbg_set_memEP8BX_CPU_CmjPh");
    forget_code = find("_Z9handleSMCmj");
    tick = find("_ZN14bx_pc_system_c13isa_bus_delayEv");
    param_num = find("_ZN13bx_real_sim_c13get_param_numEPKcP10bx_param_c");
    root_of = find("_ZN13bx_real_sim_c14get_bochs_rootEv");
    get_slot = slot_of("_ZN15bx_shadow_num_c5get64Ev");
    set_slot = slot_of("_ZN15bx_shadow_num_c3setEl");
    ((void (*)(char))find("_Z27bx_dbg_set_auto_disassembleb"))(0);
    number_of_cpus = *(uint8_t *)find("bx_cpu_count");
    keep_panics_alive();
}

static void *param(int cpu, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "cpu%d.%s", cpu, name);
    return param_num(*sim, path, root_of(*sim));
}

#endif
