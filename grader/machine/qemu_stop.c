/*
 * The grader's half inside QEMU 7.2.  Preloaded, it makes a stop of the machine cheap; without it, or
 * in another QEMU, all works as well and takes longer.  It uses what the program exports, and changes
 * no code.
 *
 * 1. When a CPU comes to a breakpoint, QEMU's gdbstub throws away all code that was translated so far.
 *    In 7.2 that is not needed any more: code that was translated with breakpoints in its page, or for
 *    a single step, is told from the rest by its flags (check_for_breakpoints() and curr_cflags() in
 *    accel/tcg/cpu-exec.c), and a write to code throws away what was made of it.  The gdbstub asks
 *    tcg_enabled() first; while it is told of such a stop, the answer is no.
 *
 * 2. What the grader asks for at every stop and says before every start lies in memory that both map:
 *    the registers of each CPU as in the gdbstub's reply to `g`, and the breakpoints that are to be
 *    put in and taken out.  A packet for each is most of the work of a short run.
 *
 * 3. A timer that the grader asks for is set when the machine starts: virtual time gains a little
 *    between a stop and the next start, and by then it has.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK = 4096, CPUS = 8, CHANGES = 65535, RUN_STATE_DEBUG = 0, GDB_BREAKPOINT_SW = 0 };

/* QEMU's gdbstub is told with 0.  What has a greater number is told before it when the machine stops,
   and what has a smaller one is told after it. */
enum { BEFORE_GDBSTUB = 1, AFTER_GDBSTUB = -1 };

struct cpu;

struct bytes {                  /* GByteArray */
    uint8_t *data;
    unsigned length;
};

struct version {
    struct {
        int64_t major, minor, micro;
    } *qemu;
    char *package;
};

/* See shared.py. */
struct shared {
    uint8_t registers[CPUS][BLOCK];
    uint32_t ready;             /* this file works in this QEMU */
    uint32_t count;             /* of changes that are not made yet */
    uint64_t timer_set;         /* a timer is to be set; where it lies in the HPET: */
    uint64_t counter, comparator, target;
    uint64_t ticks;             /* after so many */
    uint64_t whom;              /* it sends its message there */
    /* Of the counter and of all instructions ever executed, when a timer was last set and when the
       machine stopped.  Time may pass while no instruction is executed. */
    uint64_t began, ended, first, last;
    uint64_t wanted;            /* so many registers of each CPU; 0: all */
    struct {
        uint64_t address, insert;
    } changes[CHANGES];
};

typedef void told(void *opaque, bool running, int state);

static bool *tcg_allowed;
static struct cpu *(*get_cpu)(int index);
static int (*read_register)(struct cpu *cpu, struct bytes *to, int number);
static void (*account_warp)(void);
static int64_t (*executed)(void);
static void (*physical_memory)(uint64_t address, void *data, uint64_t size, bool write);
static struct bytes *(*set_size)(struct bytes *array, unsigned length);
static int (*insert_breakpoint)(struct cpu *, int type, uint64_t address, uint64_t length);
static int (*remove_breakpoint)(struct cpu *, int type, uint64_t address, uint64_t length);
static struct bytes *registers;
static struct shared *shared;

static void show_registers(void)
{
    struct cpu *cpu;
    for (int index = 0; index < CPUS && (cpu = get_cpu(index)); index++) {
        set_size(registers, 0);
        for (unsigned number = 0; !shared->wanted || number < shared->wanted; number++)
            if (!read_register(cpu, registers, number))
                break;
        memcpy(shared->registers[index], registers->data, registers->length < BLOCK ? registers->length : BLOCK);
    }
}

/* A breakpoint is there for all CPUs, whichever is named. */
static void change_breakpoints(void)
{
    for (uint32_t at = 0; at < shared->count && at < CHANGES; at++)
        (shared->changes[at].insert ? insert_breakpoint : remove_breakpoint)(
            get_cpu(0), GDB_BREAKPOINT_SW, shared->changes[at].address, 1);
    shared->count = 0;
}

static void set_timer(void)
{
    account_warp();             /* what virtual time has gained, it has now */
    physical_memory(shared->counter, &shared->began, sizeof(shared->began), false);
    shared->first = executed();
    uint32_t whom = shared->whom;
    uint64_t at = shared->began + shared->ticks;
    physical_memory(shared->target, &whom, sizeof(whom), true);
    physical_memory(shared->comparator, &at, sizeof(at), true);
    shared->timer_set = 0;
}

static void before_gdbstub(void *opaque, bool running, int state)
{
    (void)opaque;
    if (running)
        return;
    show_registers();
    if (shared->counter)
        physical_memory(shared->counter, &shared->ended, sizeof(shared->ended), false);
    shared->last = executed();
    if (state == RUN_STATE_DEBUG)
        *tcg_allowed = false;
}

static void after_gdbstub(void *opaque, bool running, int state)
{
    (void)opaque, (void)state;
    if (!running) {
        *tcg_allowed = true;
        return;
    }
    change_breakpoints();
    if (shared->timer_set)
        set_timer();
}

static void *symbol(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

static struct shared *map(const char *descriptor)
{
    void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(descriptor), 0);
    return at == MAP_FAILED ? NULL : at;
}

__attribute__((constructor)) static void begin(void)
{
    struct version *(*query_version)(void *error) = symbol("qmp_query_version");
    void *(*tell)(told *, void *opaque, int priority) = symbol("qemu_add_vm_change_state_handler_prio");
    struct bytes *(*new_array)(void) = symbol("g_byte_array_new");
    const char *descriptor = getenv("CORRAL_SHARED");

    tcg_allowed = symbol("tcg_allowed");
    get_cpu = symbol("qemu_get_cpu");
    read_register = symbol("x86_cpu_gdb_read_register");
    set_size = symbol("g_byte_array_set_size");
    account_warp = symbol("icount_account_warp_timer");
    executed = symbol("icount_get_raw");
    physical_memory = symbol("cpu_physical_memory_rw");
    insert_breakpoint = symbol("gdb_breakpoint_insert");
    remove_breakpoint = symbol("gdb_breakpoint_remove");
    if (!query_version || !tell || !new_array || !tcg_allowed || !get_cpu || !read_register || !set_size
        || !insert_breakpoint || !remove_breakpoint || !account_warp || !executed
        || !physical_memory || !descriptor)
        return;                 /* a shell that starts QEMU, or a QEMU that exports other things */
    struct version *version = query_version(NULL);
    if (version->qemu->major != 7 || version->qemu->minor != 2 || !(shared = map(descriptor)))
        return;
    registers = new_array();
    tell(before_gdbstub, NULL, BEFORE_GDBSTUB);
    tell(after_gdbstub, NULL, AFTER_GDBSTUB);
    shared->ready = 1;
}
