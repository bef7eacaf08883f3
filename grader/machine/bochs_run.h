/*
 * bochs_run.h: registers of the CPUs, and running one of them, or all, for the grader.
 *
 * Part of bochs_fork.c, which says how requests come and replies go: reply().
 */
#ifndef BOCHS_RUN_H
#define BOCHS_RUN_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bochs_calls.h"

enum { MAX_CPUS = 8, MAX_VALUES = 64, TICK_EVERY = 10, ALL_IDLE = 2000000 };

/* Why a run ended; bochs.py has the same numbers. */
enum { ENDED_COUNT, ENDED_ADDRESS, ENDED_HALTED, ENDED_SHUTDOWN, ENDED_RESET };

/* Bochs' activity states, an inhibition, and where a CPU begins after a reset. */
enum { ACTIVE, HALTED, SHUT_DOWN, INHIBIT_INTERRUPTS = 1, RESET_PC = 0xfff0 };

struct run_request {
    uint32_t cpu;
    uint32_t hold;              /* pending interrupts stay pending */
    uint32_t trace;             /* a record for each instruction */
    uint32_t addresses;         /* how many follow */
    uint64_t limit;             /* instructions; the addresses follow */
} __attribute__((packed));

struct run_reply {
    uint32_t why;
    uint32_t records;
    uint64_t steps;
    uint64_t pc;
} __attribute__((packed));

struct record {
    uint64_t pc, sp, flags, gs_base, cs;
} __attribute__((packed));

static char names[MAX_VALUES][32];
static int number_of_names;
static void *values[MAX_CPUS][MAX_VALUES];
static struct {
    void *pc, *sp, *flags, *gs_base, *cs, *activity, *icount, *inhibit_icount, *inhibit_mask;
} hot[MAX_CPUS];

/* ---- registers ---- */

/* Takes the list of names that later register requests answer in. */
static void name_registers(char *list)
{
    number_of_names = 0;
    for (char *name = strtok(list, " "); name && number_of_names < MAX_VALUES;
         name = strtok(0, " ")) {
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
        hot[cpu].cs = param(cpu, "CS.selector");
        hot[cpu].inhibit_icount = param(cpu, "inhibit_icount");
        hot[cpu].inhibit_mask = param(cpu, "inhibit_mask");
        hot[cpu].activity = param(cpu, "activity_state");
        hot[cpu].icount = param(cpu, "icount");
    }
    reply("", 0);
}

static void read_registers(int cpu, int64_t *out)
{
    for (int n = 0; n < number_of_names; n++)
        out[n] = values[cpu][n] ? get64(values[cpu][n]) : 0;
}

static void send_registers(int cpu)
{
    int64_t out[MAX_VALUES];
    read_registers(cpu, out);
    reply(out, number_of_names * sizeof out[0]);
}

/* ---- running one CPU ---- */

/*
 * Delivers a pending interrupt, if one can be taken now, without executing the handler's first
 * instruction: Bochs' own loop does both at once and would run past a breakpoint there.  A fault
 * during the delivery leaves by longjmp.  Gives 1 if the CPU went elsewhere.
 */
static int take_event(int cpu)
{
    int64_t pc = get64(hot[cpu].pc), sp = get64(hot[cpu].sp);
    if (!_setjmp(jump_buffer))
        handle_async_event((*cpus)[cpu]);
    return get64(hot[cpu].pc) != pc || get64(hot[cpu].sp) != sp;
}

/* One instruction that no interrupt precedes: it is executed as if in the shadow of an STI. */
static void step_held(int cpu)
{
    set64(hot[cpu].inhibit_mask, INHIBIT_INTERRUPTS);
    set64(hot[cpu].inhibit_icount, get64(hot[cpu].icount));
    step_n(cpu, 1);
}

/*
 * One step: an interrupt's delivery or one instruction.  Gives 0, or why the CPU cannot go on.
 * HLT with an event that wakes the CPU ends in the event's handler, as in QEMU.
 */
static int step(int cpu, int hold)
{
    int64_t before = get64(hot[cpu].icount);
    if (hold)
        step_held(cpu);
    else if (take_event(cpu))
        return 0;
    else
        step_n(cpu, 1);
    switch (get64(hot[cpu].activity)) {
    case ACTIVE: return get64(hot[cpu].icount) == before ? ENDED_HALTED : 0;
    case SHUT_DOWN: return ENDED_SHUTDOWN;
    default: return !hold && take_event(cpu) ? 0 : ENDED_HALTED;
    }
}

static int is_one_of(uint64_t pc, const uint64_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == pc)
            return 1;
    return 0;
}

/* Replies with the records of a run that is traced, and else with the registers at its end. */
static void run(const struct run_request *ask, const uint64_t *addresses)
{
    int cpu = ask->cpu;
    size_t room = ask->trace ? ask->limit * sizeof(struct record) : MAX_VALUES * sizeof(int64_t);
    struct run_reply *out = malloc(sizeof *out + room);
    struct record *records = (struct record *)(out + 1);

    *out = (struct run_reply){ .why = ENDED_COUNT, .pc = get64(hot[cpu].pc) };
    while (out->steps < ask->limit && out->why == ENDED_COUNT) {
        if (ask->trace)
            records[out->records++] = (struct record){
                out->pc, get64(hot[cpu].sp), get64(hot[cpu].flags), get64(hot[cpu].gs_base),
                get64(hot[cpu].cs),
            };
        int stuck = step(cpu, ask->hold);
        out->pc = get64(hot[cpu].pc);
        if (++out->steps % TICK_EVERY == 0)
            tick(pc_system);                            /* time stands still in a step of one CPU */
        if (stuck)
            out->why = stuck;
        else if (out->pc == RESET_PC)
            out->why = ENDED_RESET;
        else if (is_one_of(out->pc, addresses, ask->addresses))
            out->why = ENDED_ADDRESS;
    }
    if (!ask->trace)
        read_registers(cpu, (int64_t *)(out + 1));
    reply(out, sizeof *out + (ask->trace ? out->records * sizeof(struct record)
                                         : number_of_names * sizeof(int64_t)));
    free(out);
}

/*
 * Lets all CPUs run in turns, a few instructions each, until one is about to execute one of the
 * addresses.  Bochs checks its breakpoints within a turn but not at its end, so that is done here;
 * and its own `continue` would miss both that and a limit.
 */
static void run_all(uint64_t limit, unsigned turn, const uint64_t *addresses, uint32_t count)
{
    int ids[16], number = 0, idle = 0, owed = 0;
    struct run_reply out = { .why = ENDED_COUNT };

    for (uint32_t i = 0; i < count && i < 16; i++)
        ids[number++] = add_breakpoint(0, addresses[i], 0);
    for (; out.steps < limit && out.why == ENDED_COUNT; out.steps += turn) {
        int moved = 0;
        for (int cpu = 0; cpu < number_of_cpus && out.why == ENDED_COUNT; cpu++) {
            int64_t before = get64(hot[cpu].icount);
            step_n(cpu, turn);
            moved |= get64(hot[cpu].icount) != before;
            out.pc = get64(hot[cpu].pc);
            out.records = cpu;
            if (is_one_of(out.pc, addresses, count))
                out.why = ENDED_ADDRESS;
            else if (get64(hot[cpu].activity) == SHUT_DOWN)
                out.why = ENDED_SHUTDOWN;
        }
        for (owed += turn; owed >= TICK_EVERY; owed -= TICK_EVERY)
            tick(pc_system);
        idle = moved ? 0 : idle + turn;
        if (idle > ALL_IDLE)
            out.why = ENDED_HALTED;
    }
    while (number)
        delete_breakpoint(ids[--number]);
    reply(&out, sizeof out);
}

#endif
