/*
 * ipis.c: what lab 5's functions are asked to run, and normal code for them to stop.
 */
#include "probe_ipis.h"

#include "irql.h"
#include "probe.h"
#include "x86.h"

#define OLD_RESULT 4 /* of probe_patched() as it is built */
#define PATCHED    0 /* where probe_seen[].word has the results of each */
#define POKED      3

uint32_t probe_arg[PROBE_ARG_WORDS];
uint8_t  probe_new_bytes[TEXT_MAX];
uint8_t  probe_other_bytes[TEXT_SITE];
uint32_t probe_new_size;
uint32_t probe_new_result;
uint32_t probe_go;
uint32_t probe_run_patched;
uint32_t probe_poll_inside;

struct probe_line probe_got[MAX_CPUS];
struct probe_line probe_one_got;
struct probe_line probe_steps[MAX_CPUS];
struct probe_line probe_seen[MAX_CPUS];
struct probe_line probe_polls[MAX_CPUS];
struct probe_line probe_then[MAX_CPUS];

/* A caller's argument, on its stack. */
struct argument {
    uint32_t word[PROBE_ARG_WORDS];
};

/* The host writes behind the compiler: each word is loaded, and each stored, once. */
static void copy_words(uint32_t *to, const uint32_t *from)
{
    for (unsigned i = 0; i < PROBE_ARG_WORDS; i++)
        __atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

/* What a call left, before whoever called here puts it right. */
static bool noted(bool done)
{
    uint32_t *then = probe_then[this_cpu()->id].word;
    then[4] = irql_get();
    then[5] = (read_flags() & FLAGS_IF) != 0;
    return done;
}

static void poison(struct argument *argument)
{
    for (unsigned i = 0; i < PROBE_ARG_WORDS; i++)
        __atomic_store_n(&argument->word[i], PROBE_POISON, __ATOMIC_RELAXED);
}

HOST_STOPS_OFTEN void probe_phase(unsigned which, const void *arg)
{
    __asm__ volatile("" : : "r"(which), "r"(arg) : "memory");
}

/* As much of the stack as a function of the kernel may take. */
static void use_stack(void)
{
    uint32_t room[PROBE_ROOM / sizeof(uint32_t)];
    for (unsigned i = 0; i < sizeof(room) / sizeof(room[0]); i += 16)
        room[i] = PROBE_POISON;
    __asm__ volatile("" : : "r"(room) : "memory");
}

static void fn(void *arg)
{
    struct argument *argument = arg;
    probe_phase(0, arg);
    use_stack();
    copy_words(probe_got[this_cpu()->id].word, argument->word);
    probe_got[this_cpu()->id].word[PROBE_ARG_WORDS]++;
    if (probe_poll_inside)
        ipi_poll();
    probe_phase(1, arg);
}

__attribute__((noinline)) bool probe_call(void)
{
    struct argument argument;
    copy_words(argument.word, probe_arg);
    bool done = noted(ipi_call(fn, &argument));
    poison(&argument);
    return done;
}

uint32_t probe_calls(uint32_t times)
{
    uint32_t done = 0;
    while (times--)
        done += probe_call();
    return done;
}

void probe_then_rest(probe_call_function *fn, uintptr_t arg)
{
    uintptr_t result = fn(arg);
    uint32_t *then = probe_then[this_cpu()->id].word;
    then[0] = (uint32_t)result;
    then[1]++;
    probe_rest();
}

void probe_from_interrupt(probe_call_function *fn)
{
    uintptr_t result = fn(0);
    uint32_t *then = probe_then[this_cpu()->id].word;
    then[2] = (uint32_t)result;
    then[3]++;
}

static void count(uint32_t result, unsigned first, uint32_t old, uint32_t new)
{
    uint32_t *seen = &probe_seen[this_cpu()->id].word[first];
    /* Whole, because an interrupt of this CPU may count too. */
    __atomic_fetch_add(&seen[result == old ? 0 : result == new ? 1 : 2], 1, __ATOMIC_RELAXED);
}

HOST_STOPS_OFTEN void probe_one(void *arg)
{
    struct argument *argument = arg;
    copy_words(probe_one_got.word, argument->word);
    probe_one_got.word[PROBE_ARG_WORDS] = 1 + this_cpu()->id;
    __atomic_fetch_add(&probe_one_got.word[PROBE_ARG_WORDS + 1], 1, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < probe_new_size; i++)
        *(uint8_t *)text_alias(probe_patch_site + i) = probe_new_bytes[i];
}

HOST_STOPS_OFTEN void probe_all(void *arg)
{
    struct argument *argument = arg;
    probe_patched_round(1);
    copy_words(probe_got[this_cpu()->id].word, argument->word);
}

__attribute__((noinline)) bool probe_two_phase(void)
{
    struct argument argument;
    copy_words(argument.word, probe_arg);
    bool done = noted(ipi_two_phase(probe_one, probe_all, &argument));
    poison(&argument);
    return done;
}

__attribute__((noinline)) bool probe_patch(void)
{
    return noted(text_patch(probe_patch_site, probe_new_bytes, probe_new_size));
}

__attribute__((noinline)) bool probe_poke(void)
{
    return noted(text_poke(probe_poke_site, probe_new_bytes));
}

__attribute__((noinline)) bool probe_poke_other(void)
{
    return text_poke(probe_other_site, probe_other_bytes);
}

__attribute__((noinline)) void probe_step(unsigned cpu)
{
    probe_steps[cpu].word[0]++;
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) void probe_normal(uint32_t steps)
{
    for (unsigned cpu = this_cpu()->id; steps; steps--)
        probe_step(cpu);
}

void probe_patched_round(uint32_t times)
{
    while (times--)
        count(probe_patched(), PATCHED, OLD_RESULT, probe_new_result);
}

void probe_poked_round(uint32_t times)
{
    while (times--)
        count(probe_poked(), POKED, 1, 2);
}

void probe_other_round(uint32_t times)
{
    while (times--)
        count(probe_other(), POKED, 3, 4);
}

void probe_spin_wait(void)
{
    uint32_t *turns = probe_polls[this_cpu()->id].word;
    while (!__atomic_load_n(&probe_go, __ATOMIC_ACQUIRE)) {
        (*turns)++;
        cpu_pause();
        ipi_poll();
    }
}
