/*
 * The grader's half inside Bochs 2.7.  Preloaded, it takes the place of readline(), which Bochs'
 * debugger calls for each command: instead of a person it serves the grader over a private socket.
 *
 * A process is a machine that stands still.  FORK makes a second one: the child connects to the
 * grader by itself and goes on, the parent stays as it is and can fork again.  That is a snapshot.
 *
 * Every request and every reply is a frame { u32 length; bytes }, so nothing that the guest or the
 * debugger prints can end a reply or look like one.  Bochs exports its functions; they are called by
 * their C++ names, and registers are found through Bochs' own tree of parameters.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_CPUS = 8, MAX_FRAME = 1 << 20, MAX_VALUES = 64, TICK_EVERY = 10 };

/* Why a run ended; bochs.py has the same numbers. */
enum { ENDED_ADDRESS, ENDED_COUNT, ENDED_HALTED, ENDED_SHUTDOWN };

struct run_request {
    uint32_t cpu;
    uint32_t hold;              /* pending interrupts stay pending */
    uint32_t trace;             /* a record for each instruction */
    uint32_t addresses;         /* how many follow */
    uint64_t limit;             /* instructions */
    uint64_t at[];
} __attribute__((packed));

struct run_reply {
    uint32_t why;
    uint32_t records;
    uint64_t steps;
    uint64_t pc;
} __attribute__((packed));

struct record {
    uint64_t pc, sp, flags, gs_base, cpl;
} __attribute__((packed));

struct memory_request {
    uint32_t cpu;               /* ~0: the address is physical */
    uint32_t size;
    uint64_t address;
    uint8_t data[];             /* for a write */
} __attribute__((packed));

/* What is called in Bochs. */
static void ***cpus;                                    /* BX_CPU_C **bx_cpu_array */
static void *memory, *jump_buffer, **sim, *pc_system;
static int (*handle_async_event)(void *cpu);
static void (*step_n)(int cpu, unsigned count);
static void (*deliver)(uint8_t vector, unsigned dest, uint8_t mode, char logical, char level,
                       char trigger);
static char (*translate)(void *cpu, uint64_t linear, uint64_t *physical, uint64_t *mask, char verbose);
static char (*fetch)(void *mem, void *cpu, uint64_t physical, unsigned size, uint8_t *data);
static char (*store)(void *mem, void *cpu_or_0, uint64_t physical, unsigned size, uint8_t *data);
static void (*tick)(void *pc_system);
static void *(*param_num)(void *sim, const char *name, void *base);
static void *(*root_of)(void *sim);
static int64_t (*get64)(void *param);
static void (*set64)(void *param, int64_t value);

static int link_fd = -1, output_fd = -1, number_of_cpus, person;
static char *frame;
static char names[MAX_VALUES][32];
static int number_of_names;
static void *values[MAX_CPUS][MAX_VALUES];
static struct { void *pc, *sp, *flags, *gs_base, *cpl, *activity, *icount; } hot[MAX_CPUS];

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

static void resolve(void)
{
    cpus = find("bx_cpu_array");
    memory = find("bx_mem");
    jump_buffer = find("_ZN8BX_CPU_C11jmp_buf_envE");
    sim = find("SIM");
    pc_system = find("bx_pc_system");
    handle_async_event = find("_ZN8BX_CPU_C16handleAsyncEventEv");
    step_n = find("_Z20bx_dbg_stepN_commandij");
    deliver = find("_Z26apic_bus_deliver_interrupthjhbbb");
    translate = find("_ZN8BX_CPU_C21dbg_xlate_linear2phyEmPmS0_b");
    fetch = find("_ZN8BX_MEM_C13dbg_fetch_memEP8BX_CPU_CmjPh");
    store = find("_ZN8BX_MEM_C11dbg_set_memEP8BX_CPU_CmjPh");
    tick = find("_ZN14bx_pc_system_c13isa_bus_delayEv");
    param_num = find("_ZN13bx_real_sim_c13get_param_numEPKcP10bx_param_c");
    root_of = find("_ZN13bx_real_sim_c14get_bochs_rootEv");
    get64 = find("_ZN15bx_shadow_num_c5get64Ev");
    set64 = find("_ZN15bx_shadow_num_c3setEl");
    ((void (*)(char))find("_Z27bx_dbg_set_auto_disassembleb"))(0);
    number_of_cpus = *(uint8_t *)find("bx_cpu_count");
}

/* ---- frames ---- */

static void read_all(void *to, size_t size)
{
    for (char *at = to; size;) {
        ssize_t got = read(link_fd, at, size);
        if (got <= 0)
            _exit(0);                                   /* the grader is gone, or drops us */
        at += got;
        size -= got;
    }
}

static void write_all(const void *from, size_t size)
{
    for (const char *at = from; size;) {
        ssize_t put = write(link_fd, at, size);
        if (put <= 0)
            _exit(0);
        at += put;
        size -= put;
    }
}

static void reply(const void *data, uint32_t size)
{
    char *whole = malloc(size + 4);
    memcpy(whole, &size, 4);
    memcpy(whole + 4, data, size);
    write_all(whole, size + 4);
    free(whole);
}

/* What is printed goes to a file in memory of this process, and from there into a reply. */
static void own_output(void)
{
    fflush(stdout);
    if (output_fd >= 0)
        close(output_fd);
    output_fd = memfd_create("output", MFD_CLOEXEC);
    dup2(output_fd, 1);
}

static void reply_output(void)
{
    fflush(stdout);
    struct stat st;
    fstat(output_fd, &st);
    uint32_t size = st.st_size < MAX_FRAME ? st.st_size : MAX_FRAME;
    char *text = malloc(size + 1);
    ssize_t got = pread(output_fd, text, size, 0);
    reply(text, got < 0 ? 0 : got);
    free(text);
    ftruncate(output_fd, 0);
    lseek(output_fd, 0, SEEK_SET);
}

static void connect_to_grader(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *path = getenv("CORRAL_SOCKET");
    if (!path || strlen(path) >= sizeof to.sun_path)
        die("CORRAL_SOCKET");
    strcpy(to.sun_path, path);
    link_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(link_fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    uint32_t pid = getpid();
    reply(&pid, sizeof pid);
}

/* ---- registers ---- */

static void *param(int cpu, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "cpu%d.%s", cpu, name);
    return param_num(*sim, path, root_of(*sim));
}

/* Takes the list of names that later register requests answer in. */
static void name_registers(char *list)
{
    number_of_names = 0;
    for (char *name = strtok(list, " "); name && number_of_names < MAX_VALUES; name = strtok(0, " ")) {
        snprintf(names[number_of_names], sizeof names[0], "%s", name);
        for (int cpu = 0; cpu < number_of_cpus; cpu++)
            values[cpu][number_of_names] = param(cpu, name);
        number_of_names++;
    }
    for (int cpu = 0; cpu < number_of_cpus; cpu++) {
        hot[cpu].pc = param(cpu, "RIP");
        hot[cpu].sp = param(cpu, "RSP");
        hot[cpu].flags = param(cpu, "EFLAGS");
        hot[cpu].gs_base = param(cpu, "GS.base");
        hot[cpu].cpl = param(cpu, "CS.selector");
        hot[cpu].activity = param(cpu, "activity_state");
        hot[cpu].icount = param(cpu, "icount");
    }
    reply("", 0);
}
