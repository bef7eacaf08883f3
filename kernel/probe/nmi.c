/*
 * nmi.c: what an NMI, a machine check and deferred work do for the host.
 *
 * The host writes probe_nmi_order through the debugger before it sends an NMI.  What happened is
 * kept for each CPU by the number that this_cpu() gives: with a wrong GS it lands elsewhere.
 */
#include "mm.h"
#include "nmi.h"
#include "probe.h"
#include "probe_ipis.h"
#include "probe_locks.h"
#include "probe_rings.h"
#include "string.h"

/* What the next NMIs do, besides answering. */
struct {
    uint32_t faults;   /* on so many levels of nesting the handler faults: an IRET lets the next in */
    uint32_t defer;    /* a bit for each work that it defers */
    uint32_t log;      /* not 0: it writes probe_nmi_line to the log */
    uint32_t lock;     /* not 0: it tries to take probe_spin[0] */
    uint32_t log_shared; /* not 0: it tries to write probe_nmi_line to the log of all CPUs */
    uint32_t logring;    /* not 0: it writes a record of 8 bytes to probe_log, with this number */
    uint32_t logrings;   /* so many more, each with a number 8 above the last */
} probe_nmi_order;
char probe_nmi_line[LOG_TEXT_SIZE];
char probe_text[LOG_LINE_SIZE * 2]; /* a line of the host's own calls */
uint32_t probe_nmi_allowed;
uint32_t probe_nmi_poked; /* not 0: an NMI executes what text_poke() writes */

struct {
    uint32_t  count;   /* NMIs that came */
    uint32_t  answer;  /* the token, turned over */
    uint32_t  depth;   /* handlers that have begun and not ended */
    uint32_t  deepest;
    uint32_t  faulted; /* faults that came back as they must */
    uint32_t  checks;  /* machine checks */
    uintptr_t ip, sp;  /* registers of what the last one interrupted, as the lab said; ring 3's SP */
    uint32_t  works[32];
    uint32_t  tries, taken;                          /* of probe_spin[0] */
    uint32_t  level_before, level_held, level_after; /* the last one's interrupt levels */
    uint32_t  lines;                                 /* that log_try() said it wrote */
    uint32_t  records;                               /* that there was room for in probe_log */
} probe_nmis[MAX_CPUS];

extern uint32_t probe_token;

#define NOWHERE (USER_START + 0x6fff0000) /* an address of ring 3 that nobody maps */

/* nmi_log() of a line on the stack, which somebody else uses as soon as it comes back. */
void probe_log_line(const char *text)
{
    char line[LOG_LINE_SIZE * 2];
    strlcpy(line, text, sizeof(line));
    nmi_log(line);
    memset(line, '?', sizeof(line) - 1);
    __asm__ volatile("" : : "r"(line) : "memory");
}

static void try_lock(__typeof__(&probe_nmis[0]) mine)
{
    struct spin_handle handle;
    mine->tries++;
    mine->level_before = irql_get();
    if (spin_try(&probe_spin[0], &handle)) {
        mine->taken++;
        mine->level_held = irql_get();
        probe_inside();
        spin_release(&probe_spin[0], &handle);
    }
    mine->level_after = irql_get();
}

/* After the fault, if there is one: it lets another NMI come while this one writes. */
static void write_records(__typeof__(&probe_nmis[0]) mine)
{
    for (uint32_t left = probe_nmi_order.logrings + 1; left; left--) {
        uint32_t number = probe_nmi_order.logring;
        probe_nmi_order.logring += 8;
        mine->records += probe_log_write(number, 8);
    }
}

void probe_nmi(const struct regs *regs)
{
    __typeof__(&probe_nmis[0]) mine = &probe_nmis[this_cpu()->id];
    mine->count++;
    mine->ip = (uintptr_t)regs->ip;
    mine->sp = regs_from_user(regs) ? (uintptr_t)regs->sp : 0; /* only then surely there */
    if (++mine->depth > mine->deepest)
        mine->deepest = mine->depth;
    for (unsigned work = 0; work < NMI_WORKS; work++)
        if (probe_nmi_order.defer >> work & 1)
            nmi_defer(work);
    if (probe_nmi_order.log)
        probe_log_line(probe_nmi_line);
    if (probe_nmi_order.lock)
        try_lock(mine);
    if (probe_nmi_order.log_shared)
        mine->lines += log_try(probe_nmi_line);
    if (probe_nmi_poked)
        probe_poked_round(1);
    if (mine->depth <= probe_nmi_order.faults) {
        uint32_t bytes;
        mine->faulted += copy_from_user(&bytes, NOWHERE, sizeof(bytes)) != 0;
    }
    if (probe_nmi_order.logring)
        write_records(mine);
    mine->depth--;
    mine->answer = ~probe_token;
}

void probe_mce(const struct regs *regs)
{
    __typeof__(&probe_nmis[0]) mine = &probe_nmis[this_cpu()->id];
    mine->checks++;
    mine->ip = (uintptr_t)regs->ip;
    mine->answer = ~probe_token;
}

void probe_work(unsigned work)
{
    probe_nmis[this_cpu()->id].works[work]++;
}

/* For the host to call: each word of the address space that NULL pointers reach. */
uint32_t probe_read32(uintptr_t address);
uint32_t probe_read32(uintptr_t address)
{
    return *(const volatile uint32_t *)address;
}
