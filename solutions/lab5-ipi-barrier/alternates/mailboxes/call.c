/*
 * call.c: letters and receipts.
 */
#include "lab5.h"

/* Comes, and runs the request: on every CPU, on the one that made it too. */
static void join(struct request *request)
{
    /* Release: what came before is done; acquire, for the last: it is on every CPU. */
    if (__atomic_sub_fetch(&request->missing, 1, __ATOMIC_ACQ_REL) == 0) {
        if (request->one)
            request->one(request->arg);
        __atomic_store_n(&request->go, 1, __ATOMIC_RELEASE); /* what one() wrote comes before */
    }
    while (!__atomic_load_n(&request->go, __ATOMIC_ACQUIRE))
        cpu_pause();
    serialise();
    request->all(request->arg);
}

/* At IPI_LEVEL or above. */
static void read_mail(struct lab5_cpu *mine)
{
    /* Out of the box first: whoever looks again, in fn() say, finds it empty. */
    struct request *request = __atomic_exchange_n(&mine->mail, 0, __ATOMIC_ACQUIRE);
    if (!request)
        return;
    join(request);
    __atomic_store_n(&mine->left, 1, __ATOMIC_RELEASE); /* from here on the request is not there */
}

void corral_run(ipi_function *one, ipi_function *all, void *arg)
{
    struct cpu    *self = this_cpu();
    struct request request = {one, all, arg, 1, 0};
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        struct lab5_cpu *its = lab5_cpu_area(&cpus[i]);
        its->asked = &cpus[i] != self && __atomic_load_n(&cpus[i].online, __ATOMIC_ACQUIRE);
        request.missing += its->asked;
    }
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        struct lab5_cpu *its = lab5_cpu_area(&cpus[i]);
        if (!its->asked)
            continue;
        its->left = 0;
        __atomic_store_n(&its->mail, &request, __ATOMIC_RELEASE);
        ipi_send(&cpus[i]);
    }
    join(&request);
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        struct lab5_cpu *its = lab5_cpu_area(&cpus[i]);
        while (its->asked && !__atomic_load_n(&its->left, __ATOMIC_ACQUIRE))
            cpu_pause();
    }
}

void ipi_init(struct cpu *cpu)
{
    struct lab5_cpu *its = lab5_cpu_area(cpu);
    its->mail = 0;
}

bool ipi_call(ipi_function *fn, void *arg)
{
    return ipi_two_phase(0, fn, arg);
}

void ipi_interrupt(void)
{
    read_mail(lab5_cpu_area(this_cpu()));
}

void ipi_poll(void)
{
    irql_t before = irql_get();
    if (!__atomic_load_n(&((struct lab5_cpu *)lab5_cpu_area(this_cpu()))->mail, __ATOMIC_RELAXED))
        return;
    if (before < IPI_LEVEL)
        irql_raise(IPI_LEVEL);
    read_mail(lab5_cpu_area(this_cpu()));
    irql_lower(before);
}
