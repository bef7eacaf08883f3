/*
 * stacks.c: the stacks of all CPUs.
 */
#include "stacks.h"

/* Below each stack a page that mm_init() takes out of the tables: an overrun faults at once. */
struct guarded_stacks {
    uint8_t kernel_guard[PAGE_SIZE];
    uint8_t kernel[KSTACK_SIZE];
    struct {
        uint8_t guard[PAGE_SIZE];
        uint8_t stack[OWN_STACK_SIZE];
    } own[OWN_STACKS];
};

static struct guarded_stacks stacks[MAX_CPUS] __attribute__((aligned(PAGE_SIZE)));

struct cpu cpus[MAX_CPUS];
unsigned   ncpus = 1;

/* The stack on which the boot CPU enters kmain(), for start.S. */
uint8_t *const cpus_kstack0 = stacks[0].kernel + KSTACK_SIZE;

/* The word above each own stack says whose it is: such a handler can trust no other register. */
static uintptr_t own_stack_top(struct cpu *cpu, uint8_t *stack)
{
    struct cpu **top = (struct cpu **)(stack + OWN_STACK_SIZE - 16); /* 16: SP stays aligned */
    *top = cpu;
    return (uintptr_t)top;
}

void stacks_init(void)
{
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        cpus[i].id = i;
        cpus[i].self = &cpus[i];
        cpus[i].kstack_top = (uintptr_t)stacks[i].kernel + KSTACK_SIZE;
        for (unsigned own = 0; own < OWN_STACKS; own++)
            cpus[i].own_top[own] = own_stack_top(&cpus[i], stacks[i].own[own].stack);
    }
}

void *stack_guard(unsigned index)
{
    struct guarded_stacks *of_cpu = &stacks[index / (1 + OWN_STACKS)];
    unsigned               which = index % (1 + OWN_STACKS);
    return which == 0 ? of_cpu->kernel_guard : of_cpu->own[which - 1].guard;
}
