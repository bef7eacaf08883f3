/*
 * contest.c: the system call behind `locks`.  All CPUs that come compete for one lock for a while.
 */
#include "guard.h"
#include "layout.h"
#include "mm.h"
#include "percpu.h"
#include "syscall.h"
#include "sysnum.h"
#include "x86.h"

#define INVITE_TICKS 50 /* for the other CPUs' threads to come */

enum phase { CLOSED, INVITING, RUNNING };

static struct tas_lock    tas;
static struct ticket_lock ticket;
static struct queued_lock queued;
static struct spinlock    spin;

static unsigned           phase;   /* enum phase: changes inside contest_guard, is read outside */
static uint32_t           joined;  /* a bit for each CPU that has come and not left */
static uint32_t           started; /* relaxed: for deciding when to end, nothing hangs on it */
static uintptr_t          kind;
static uint32_t           rounds;
static struct contest     score;   /* inside the lock that is competed for */
static unsigned           last;    /* 1 + the CPU that had it before */

union room {
    struct queued_node node;
    struct spin_handle handle;
};

static void acquire(union room *room)
{
    switch (kind) {
    case CONTEST_TAS:
        tas_acquire(&tas);
        break;
    case CONTEST_TICKET:
        ticket_acquire(&ticket);
        break;
    case CONTEST_QUEUED:
        queued_acquire(&queued, &room->node);
        break;
    default:
        spin_acquire(&spin, &room->handle);
    }
}

static void release(union room *room)
{
    switch (kind) {
    case CONTEST_TAS:
        tas_release(&tas);
        break;
    case CONTEST_TICKET:
        ticket_release(&ticket);
        break;
    case CONTEST_QUEUED:
        queued_release(&queued, &room->node);
        break;
    default:
        spin_release(&spin, &room->handle);
    }
}

/* One turn.  Interrupts are off in it: three of the kinds know nothing of levels. */
static void take_turn(unsigned cpu)
{
    union room room;
    cli();
    acquire(&room);
    score.total++;
    score.taken[cpu]++;
    score.again[cpu] += last == cpu + 1;
    last = cpu + 1;
    release(&room);
    sti();
}

static void compete(unsigned cpu)
{
    uint32_t since = spin_clock(); /* each CPU by its own clock */
    sti();
    while (__atomic_fetch_add(&started, 1, __ATOMIC_RELAXED) < rounds &&
           spin_clock() - since < CONTEST_TICKS)
        take_turn(cpu);
    cli();
}

/* Moves the contest on, and gives its phase before. */
static enum phase change(enum phase from, enum phase to, uint32_t come, uint32_t go)
{
    struct spin_handle handle;
    guard_enter(&contest_guard, &handle);
    enum phase before = phase;
    if (before == from) {
        __atomic_store_n(&phase, to, __ATOMIC_RELEASE);
        joined |= come;
    }
    /* Release: what this CPU wrote comes before its leaving. */
    __atomic_store_n(&joined, joined & ~go, __ATOMIC_RELEASE);
    guard_leave(&contest_guard, &handle);
    return before;
}

static void wait_while_inviting(void)
{
    sti();
    while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == INVITING)
        spin_relax();
    cli();
}

static intptr_t join(unsigned cpu)
{
    if (__atomic_load_n(&phase, __ATOMIC_RELAXED) != INVITING ||
        change(INVITING, INVITING, 1u << cpu, 0) != INVITING)
        return 0;
    wait_while_inviting();
    compete(cpu);
    change(RUNNING, RUNNING, 0, 1u << cpu);
    return 1;
}

/* Only its opener sets one up, and while it is closed nobody else looks. */
static void invite(unsigned cpu)
{
    uint32_t since = spin_clock();
    uint32_t all = (1u << ncpus) - 1;
    sti();
    while (spin_clock() - since < INVITE_TICKS &&
           __atomic_load_n(&joined, __ATOMIC_RELAXED) != all)
        spin_relax();
    cli();
    change(INVITING, RUNNING, 0, 0);
    since = spin_clock();
    compete(cpu);
    change(RUNNING, RUNNING, 0, 1u << cpu);
    sti();
    while (__atomic_load_n(&joined, __ATOMIC_ACQUIRE)) /* each leaves after its last turn */
        spin_relax();
    cli();
    score.ticks = spin_clock() - since;
}

intptr_t sys_contest(uintptr_t to, uintptr_t which, uintptr_t number)
{
    static bool busy; /* somebody opens one, or has one open */
    unsigned    cpu = this_cpu()->id;
    if (corral_stage < STAGE_SHARING)
        return -ENOSYS;
    if (which == CONTEST_JOIN)
        return join(cpu);
    if (which > CONTEST_JOIN)
        return -EINVAL;
    if (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        return -EBUSY;
    kind = which;
    rounds = (uint32_t)number;
    score = (struct contest){0};
    last = started = 0;
    spin_init(&spin, "contest of locks", DISPATCH_LEVEL, SPIN_CHECKED);
    change(CLOSED, INVITING, 1u << cpu, 0);
    invite(cpu);
    struct contest result = score;
    change(RUNNING, CLOSED, 0, 0);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return copy_to_user(to, &result, sizeof(result));
}
