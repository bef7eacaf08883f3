/* shell: reads a line, does what it says. The first program, started by the kernel. */
#include <stdbool.h>
#include "lib/line.h"
#include "lib/print.h"
#include "lib/string.h"
#include "lib/syscall.h"

enum { MAX_LINE = 80, MAX_WORDS = 16, MAX_THREADS = 64, MAX_CPUS = 8, MAX_JOBS = 16 };

struct command {
    const char *name;
    const char *usage;          /* what to type                   */
    const char *does;           /* for help                       */
    void (*run)(int argc, char **argv);
};

static long jobs[MAX_JOBS];     /* threads started with &; 0 = free */
static struct ps_entry threads[MAX_THREADS];
static struct cpu_entry cpus[MAX_CPUS];
static char programs[512];

static void say_end(long tid, const char *name, long code)
{
    if (code < 0)
        printf("Thread %ld (%s): %s.\n", tid, name, error_text(code));
    else if (code >= EXIT_KILLED && code < EXIT_KILLED + 32)
        printf("Thread %ld (%s) was ended by exception %ld.\n", tid, name, code - EXIT_KILLED);
    else if (code > 0)
        printf("Thread %ld (%s) ended with code %ld.\n", tid, name, code);
}

/* Says which background programs have ended, so that their threads can be used again. */
static void collect_jobs(void)
{
    long count = sys_ps(threads, MAX_THREADS);

    for (long i = 0; i < count; i++) {
        const struct ps_entry *t = &threads[i];

        for (int j = 0; j < MAX_JOBS && t->state == PS_DEAD; j++) {
            if (jobs[j] != (long)t->tid)
                continue;
            printf("[%u] %s is done.\n", t->tid, t->name);
            say_end(jobs[j], t->name, sys_wait(jobs[j]));
            jobs[j] = 0;
        }
    }
}

static bool is_program(const char *name)
{
    long len = sys_programs(programs, sizeof(programs));
    size_t wanted = strlen(name);

    for (long start = 0, i = 0; i < len; i++) {
        if (programs[i] != '\n')
            continue;
        if ((size_t)(i - start) == wanted && memcmp(programs + start, name, wanted) == 0)
            return true;
        start = i + 1;
    }
    return false;
}

static void ps(int argc, char **argv)
{
    static const char *const states[] = { "ready", "running", "waiting", "dead" };
    long count = sys_ps(threads, MAX_THREADS);

    (void)argc, (void)argv;
    printf("%5s %-8s %3s %8s  %-*s  %s\n", "TID", "STATE", "CPU", "TICKS",
           (int)(2 * sizeof(void *)), "IP", "NAME");
    for (long i = 0; i < count; i++) {
        const struct ps_entry *t = &threads[i];

        printf("%5u %-8s %3u %8u  %p  %s\n", t->tid, t->state < 4 ? states[t->state] : "?",
               t->cpu, t->ticks, (void *)(uintptr_t)t->ip, t->name);
    }
}

static void print_cpus(void)
{
    long count = sys_cpus(cpus, MAX_CPUS);

    printf("%3s %4s %-7s %6s %10s %8s %8s %6s  %s\n", "CPU", "APIC", "STATE", "THREAD",
           "INTERRUPTS", "TICKS", "IDLE", "NMIS", "LAST NMI");
    for (long i = 0; i < count; i++) {
        const struct cpu_entry *c = &cpus[i];
        const char *state = !c->online ? "offline" : c->current_tid ? "busy" : "idle";

        printf("%3u %4u %-7s %6u %10u %8u %8u %6u  %s\n", c->id, c->apic_id, state, c->current_tid,
               c->interrupts, c->ticks, c->idle_ticks, c->nmis, c->nmi_place);
    }
}

/* A number from 0 to `most`, or -1. */
static long number(const char *text, long most)
{
    long value = 0;

    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || value > most)
            return -1;
        value = value * 10 + (*c - '0');
    }
    return *text && value <= most ? value : -1;
}

static void show_cpus(int argc, char **argv)
{
    long seconds = argc > 1 ? number(argv[1], 60) : 0;

    if (seconds < 0) {
        printf("Type: cpus, or cpus SECONDS (at most 60) to see it again each second.\n");
        return;
    }
    print_cpus();
    while (seconds-- > 0) {
        sys_sleep(TICKS_PER_SECOND);
        print_cpus();
    }
}

static void send_nmi(int argc, char **argv)
{
    long cpu = argc > 1 ? number(argv[1], MAX_CPUS - 1) : -1, error;
    unsigned before = 0;

    if (cpu < 0) {
        printf("Type: nmi CPU. It is sent an NMI; you see what that CPU was doing.\n");
        return;
    }
    if (sys_cpus(cpus, MAX_CPUS) > cpu)
        before = cpus[cpu].nmis;
    error = sys_nmi((unsigned long)cpu);
    if (error < 0) {
        printf("No NMI was sent to CPU %ld: %s.\n", cpu, error_text(error));
        return;
    }
    /* On an emulator the other CPU may have to wait for its turn on the host. */
    for (int ticks = 0; ticks < TICKS_PER_SECOND && cpus[cpu].nmis == before; ticks++) {
        sys_sleep(1);
        sys_cpus(cpus, MAX_CPUS);
    }
    if (sys_cpus(cpus, MAX_CPUS) > cpu)
        printf("CPU %ld: NMI number %u, at %p %s\n", cpu, cpus[cpu].nmis,
               (void *)(uintptr_t)cpus[cpu].nmi_ip, cpus[cpu].nmi_place);
}

static void corral(int argc, char **argv)
{
    static struct corral_entry seen[MAX_CPUS];
    long count = sys_corral(seen, MAX_CPUS, 0);

    (void)argc, (void)argv;
    if (count >= 0) {
        sys_sleep(TICKS_PER_SECOND / 10);
        count = sys_corral(seen, MAX_CPUS, 1);
    }
    if (count < 0) {
        printf("No CPU was stopped: %s.\n", error_text(count));
        return;
    }
    printf("All %ld CPUs stood still while code was written that each clock tick executes.\n"
           "%3s %6s %6s %10s %10s %6s\n", count, "CPU", "BEFORE", "AFTER", "OLD TICKS", "NEW TICKS",
           "OTHER");
    for (long i = 0; i < count; i++)
        printf("%3u %6u %6u %10u %10u %6u\n", seen[i].id, seen[i].before, seen[i].after,
               seen[i].ticks_old, seen[i].ticks_new, seen[i].ticks_other);
}

static void remember_job(long tid)
{
    for (int j = 0; j < MAX_JOBS; j++) {
        if (jobs[j] == 0) {
            jobs[j] = tid;
            return;
        }
    }
}

static void run(int argc, char **argv)
{
    char *last = argv[argc - 1];
    size_t len = strlen(last);
    bool background = last[len - 1] == '&';
    long tid;

    if (background && len == 1)
        argc--;                         /* `run count &` */
    else if (background)
        last[len - 1] = '\0';           /* `run count&`  */
    if (argc != 2) {
        printf("Type: run NAME, or run NAME & to go on at once.\n");
        return;
    }
    tid = sys_spawn(argv[1]);
    if (tid < 0) {
        printf("Cannot run \"%s\": %s.\n", argv[1], error_text(tid));
    } else if (background) {
        printf("[%ld] %s\n", tid, argv[1]);
        remember_job(tid);
    } else {
        say_end(tid, argv[1], sys_wait(tid));
    }
}

/* A command that is a program of the same name. */
static void demo(int argc, char **argv)
{
    long tid = sys_spawn(argv[0]);

    (void)argc;
    if (tid < 0)
        printf("There is no program \"%s\": %s.\n", argv[0], error_text(tid));
    else
        sys_wait(tid);
}

static void echo(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf(i + 1 < argc ? "%s " : "%s", argv[i]);
    printf("\n");
}

static void list_programs(int argc, char **argv)
{
    long len = sys_programs(programs, sizeof(programs));

    (void)argc, (void)argv;
    if (len > 0)
        write_all(programs, (size_t)len);
}

static void halt(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("The machine goes off.\n");
    printf("It did not: %s.\n", error_text(sys_halt()));
}

static void help(int argc, char **argv);

static const struct command commands[] = {
    { "help",     "help",         "shows this list",                        help          },
    { "programs", "programs",     "lists the programs that can be run",     list_programs },
    { "run",      "run NAME [&]", "runs a program; & does not wait for it", run           },
    { "ps",       "ps",           "lists the threads",                      ps            },
    { "cpus",     "cpus [SECONDS]", "lists the CPUs and what they do",      show_cpus     },
    { "nmi",      "nmi CPU",      "sends a CPU an NMI, shows where it came", send_nmi     },
    { "locks",    "locks",        "lets all CPUs compete for locks",        demo          },
    { "corral",   "corral",       "stops every CPU and writes over code of theirs", corral },
    { "ring",     "ring",         "shares memory with the kernel, and lies to it", demo     },
    { "klog",     "klog",         "reads the kernel's log",                 demo          },
    { "trace",    "trace",        "records what the CPUs do, and prints it", demo         },
    { "echo",     "echo WORDS",   "prints the words",                       echo          },
    { "halt",     "halt",         "switches the machine off",               halt          },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void help(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-14s %s\n", commands[i].usage, commands[i].does);
}

/* Cuts `line` at its spaces; returns the number of words. What is over MAX_WORDS is dropped. */
static int split(char *line, char **words)
{
    int count = 0;

    while (count < MAX_WORDS) {
        while (*line == ' ')
            *line++ = '\0';
        if (!*line)
            break;
        words[count++] = line;
        while (*line && *line != ' ')
            line++;
    }
    *line = '\0';
    return count;
}

static void obey(int argc, char **argv)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[0], commands[i].name) == 0) {
            commands[i].run(argc, argv);
            return;
        }
    }
    if (is_program(argv[0]))
        printf("\"%s\" is a program: type \"run %s\".\n", argv[0], argv[0]);
    else
        printf("There is no command \"%s\"; \"help\" lists them.\n", argv[0]);
}

int main(void)
{
    char line[MAX_LINE];
    char *words[MAX_WORDS];

    printf("\nCorral, %s. Type \"help\".\n",
           sizeof(void *) == 8 ? "x86_64 (64 bits)" : "i386 (32 bits)");
    for (;;) {
        int count;

        collect_jobs();
        printf("corral> ");
        read_line(line, sizeof(line));
        count = split(line, words);
        if (count > 0)
            obey(count, words);
    }
}
