/*
 * syscall.c: what ring 3 may ask for.  A call never blocks: one that has to wait parks its thread
 * with the result in its registers already, and runs no further.
 *
 * Until lab 4 the CPUs share nothing: memory, programs and the console are CPU 0's, and threads of
 * the others get -EBUSY for what would need them.  The keyboard stays CPU 0's.
 */
#include "boot.h"
#include "syscall.h"

#include "entry.h"
#include "errno.h"
#include "guard.h"
#include "halt.h"
#include "lapic.h"
#include "mm.h"
#include "output.h"
#include "percpu.h"
#include "program.h"
#include "string.h"
#include "sysnum.h"
#include "trace.h"
#include "x86.h"

typedef intptr_t syscall(uintptr_t a, uintptr_t b, uintptr_t c);

static struct thread *current(void)
{
    return this_cpu()->current;
}

static intptr_t sys_exit(uintptr_t code, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    thread_exit(current(), (int32_t)code);
    return 0;
}

/* The console is slow, so interrupts are on while it prints. */
static intptr_t sys_write(uintptr_t from, uintptr_t size, uintptr_t c)
{
    (void)c;
    char     part[256]; /* what stays together on the console */
    intptr_t done = 0;
    while ((uintptr_t)done < size) {
        uintptr_t left = size - (uintptr_t)done;
        uintptr_t count = left < sizeof(part) ? left : sizeof(part);
        if (copy_from_user(part, from + (uintptr_t)done, count) != 0)
            return done ? done : -EFAULT;
        sti();
        output_write(part, count);
        cli();
        done += (intptr_t)count;
    }
    return done;
}

static intptr_t sys_read(uintptr_t to, uintptr_t size, uintptr_t c)
{
    (void)c;
    intptr_t done = 0;
    while ((uintptr_t)done < size && input_waits()) {
        char key = (char)input_take();
        if (copy_to_user(to + (uintptr_t)done, &key, 1) != 0)
            return done ? done : -EFAULT;
        done++;
    }
    return done;
}

static intptr_t sys_yield(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    this_cpu()->resched = true;
    return 0;
}

/* Copies a NUL-terminated name of at most NAME_MAX_BYTES; 0 or a negative number. */
static int copy_name(char *name, uintptr_t from)
{
    for (unsigned i = 0; i < NAME_MAX_BYTES; i++) {
        if (copy_from_user(&name[i], from + i, 1) != 0)
            return -EFAULT;
        if (!name[i])
            return 0;
    }
    return -ENOENT;
}

static intptr_t sys_spawn(uintptr_t from, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    char name[NAME_MAX_BYTES];
    int  error = copy_name(name, from);
    if (error)
        return error;
    if (!program_exists(name))
        return -ENOENT;
    struct thread *thread = program_start(name, this_cpu());
    if (!thread)
        return -ENOMEM;
    thread->wait_parent = current()->tid;
    thread_ready(thread);
    return (intptr_t)thread->tid;
}

static intptr_t sys_wait(uintptr_t tid, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    return thread_join((uint32_t)tid);
}

static intptr_t sys_halt(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    machine_halt();
}

static intptr_t sys_sleep(uintptr_t ticks, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    if (ticks > 0)
        thread_wait(WAIT_TICKS, this_cpu()->ticks + (uint32_t)ticks);
    return 0;
}

static intptr_t sys_ticks(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    return (intptr_t)this_cpu()->ticks;
}

static intptr_t sys_gettid(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    return (intptr_t)current()->tid;
}

static intptr_t sys_wait_input(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    if (!input_waits())
        thread_wait(WAIT_INPUT, 0);
    return 0;
}

static intptr_t sys_programs(uintptr_t to, uintptr_t size, uintptr_t c)
{
    (void)c;
    uintptr_t   done = 0;
    const char *name;
    for (unsigned i = 0; (name = program_name(i)); i++) {
        size_t length = strlen(name);
        if (done + length + 1 > size)
            return -EINVAL;
        if (copy_to_user(to + done, name, length) || copy_to_user(to + done + length, "\n", 1))
            return -EFAULT;
        done += length + 1;
    }
    return (intptr_t)done;
}

static intptr_t sys_getcpu(uintptr_t a, uintptr_t b, uintptr_t c)
{
    (void)a, (void)b, (void)c;
    return (intptr_t)this_cpu()->id;
}

static intptr_t sys_set_gs(uintptr_t base, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    if (base >= USER_END)
        return -EINVAL; /* not ring 3's, or not even an address */
    return gs_set_user_base(base) ? 0 : -ENOSYS;
}

static intptr_t sys_nmi(uintptr_t cpu, uintptr_t b, uintptr_t c)
{
    (void)b, (void)c;
    if (corral_stage < 3)
        return -ENOSYS;
    if (cpu >= ncpus)
        return -EINVAL;
    lapic_send_nmi(cpus[cpu].apic_id);
    return 0;
}

#define ALWAYS 1  /* touches nothing that CPUs share */
#define NEVER  99

static const struct {
    syscall *call;
    unsigned any_cpu; /* from this stage on; before, only CPU 0 */
} calls[] = {
    [SYS_EXIT] = {sys_exit, ALWAYS},
    [SYS_WRITE] = {sys_write, ALWAYS},
    [SYS_READ] = {sys_read, NEVER},
    [SYS_YIELD] = {sys_yield, ALWAYS},
    [SYS_SPAWN] = {sys_spawn, STAGE_SHARING},
    [SYS_WAIT] = {sys_wait, STAGE_SHARING},
    [SYS_PS] = {sys_ps, STAGE_SHARING},
    [SYS_CPUS] = {sys_cpus, STAGE_SHARING},
    [SYS_HALT] = {sys_halt, STAGE_SHARING},
    [SYS_SLEEP] = {sys_sleep, ALWAYS},
    [SYS_TICKS] = {sys_ticks, ALWAYS},
    [SYS_GETTID] = {sys_gettid, ALWAYS},
    [SYS_WAIT_INPUT] = {sys_wait_input, NEVER},
    [SYS_PROGRAMS] = {sys_programs, STAGE_SHARING},
    [SYS_GETCPU] = {sys_getcpu, ALWAYS},
    [SYS_SET_GS] = {sys_set_gs, ALWAYS},
    [SYS_NMI] = {sys_nmi, STAGE_SHARING},
    [SYS_CONTEST] = {sys_contest, ALWAYS},
    [SYS_CORRAL] = {sys_corral, STAGE_SHARING},
    [SYS_RING_MAP] = {sys_ring_map, STAGE_SHARING},
    [SYS_RING_GRANT] = {sys_ring_grant, STAGE_SHARING},
    [SYS_RING_REVOKE] = {sys_ring_revoke, STAGE_SHARING},
    [SYS_RING_DOORBELL] = {sys_ring_doorbell, STAGE_SHARING},
    [SYS_RING_SEEN] = {sys_ring_seen, STAGE_SHARING},
    [SYS_LOG_READ] = {sys_log_read, STAGE_SHARING},
    [SYS_TRACE] = {sys_trace, STAGE_SHARING},
    [SYS_TRACE_MAP] = {sys_trace_map, STAGE_SHARING},
    [SYS_TRACE_PULL] = {sys_trace_pull, STAGE_SHARING},
    [SYS_SEND] = {sys_send, STAGE_SHARING},
    [SYS_SEND_MANY] = {sys_send_many, STAGE_SHARING},
    [SYS_SEND_PENDING] = {sys_send_pending, STAGE_SHARING},
};

static uintptr_t dispatch(const struct regs *regs)
{
    uintptr_t number = REGS_NUMBER(regs);
    TRACE_POINT(TRACE_SYSCALL, number);
    if (number >= sizeof(calls) / sizeof(calls[0]) || !calls[number].call)
        return (uintptr_t)-ENOSYS;
    if (corral_stage < calls[number].any_cpu && this_cpu()->id != 0)
        return (uintptr_t)-EBUSY;
    return (uintptr_t)calls[number].call(REGS_ARG0(regs), REGS_ARG1(regs), REGS_ARG2(regs));
}

void ksyscall(struct regs *regs)
{
    REGS_RESULT(regs) = dispatch(regs);
}
