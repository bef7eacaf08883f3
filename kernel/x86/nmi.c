/*
 * nmi.c: what the kernel does in an NMI and in a machine check, and with work that they put off.
 */
#include "nmi.h"

#include "intr.h"
#include "ipi.h"
#include "lapic.h"
#include "log.h"
#include "probe.h"
#include "ring.h"
#include "trace.h"

/*
 * The source of our NMIs is the shell's command `nmi`, so all there is to do is to remember where it
 * found this CPU.
 */
void knmi(const struct regs *regs)
{
    stop_here(); /* another CPU may be in a panic */
    struct cpu *cpu = this_cpu();
    cpu->nmis++;
    cpu->nmi_ip = (uintptr_t)regs->ip;
    if (trace_nmi_on)
        trace_hit(TRACE_NMI, (uintptr_t)regs->ip);
    if (probe_boot)
        probe_nmi(regs);
    else
        log_event(LOG_NMI, (uintptr_t)regs->ip);
}

void kmce(const struct regs *regs)
{
    this_cpu()->machine_checks++;
    if (probe_boot)
        probe_mce(regs);
}

void nmi_work(unsigned work)
{
    if (probe_boot)
        probe_work(work);
    else if (work == NMI_WORK_RINGS) {
        ring_service_all();
        trace_service();
    }
}

static void dispatch_interrupt(unsigned vector, bool user)
{
    (void)vector, (void)user;
    nmi_run_deferred();
}

void dispatch_init(void)
{
    intr_set_handler(VECTOR_DISPATCH, dispatch_interrupt);
}

void dispatch_request(void)
{
    lapic_send(lapic_id(), VECTOR_DISPATCH);
}
