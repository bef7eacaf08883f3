/*
 * prompt.c: stand-in for lab 1: what stage 0 does instead of going to ring 3.  It makes the five
 * faults once, so that a debugger sees them without a word typed, then asks for commands.
 */
#include "console.h"
#include "entry.h"
#include "faults.h"
#include "halt.h"
#include "print.h"
#include "string.h"
#include "x86.h"

/* The bytes around the line are the host's, in a graded boot. */
struct {
    uint8_t     below[16];
    struct line line;
    uint8_t     above[16];
} line_room;

void tss_init(struct cpu *cpu)
{
    (void)cpu;
}
void tss_set_sp0(struct cpu *cpu, struct thread *thread)
{
    (void)cpu;
    (void)thread;
}
struct regs *thread_regs(struct thread *thread)
{
    return lab1_thread_area(thread);
}

static void make(unsigned number)
{
    kprintf("fault %u .. ", number);
    fault_make(number);
    kprintf("came back\n");
}

/* One line from the console; what does not fit is not echoed. */
static void read_line(struct line *line)
{
    memset(line, 0, sizeof(*line));
    for (;;) {
        int c = console_get();
        if (c == '\n')
            break;
        if (c >= ' ' && line_put(line, (char)c))
            console_put((char)c);
        else if (c < 0)
            cpu_pause();
    }
    console_put('\n');
}

static void obey(const struct line *line)
{
    unsigned number = line->length == 7 ? (unsigned)(line->text[6] - '0') : 0;
    if (strncmp(line->text, "fault ", 6) == 0 && number >= 1 && number <= FAULTS)
        make(number);
    else if (strcmp(line->text, "halt") == 0)
        machine_halt();
    else if (line->length)
        kprintf("fault 1 to fault %u, halt\n", FAULTS);
}

_Noreturn void ret_to_user(void)
{
    kprintf("Lab 0, number %u: nothing goes to ring 3 yet.\n", (unsigned)my_number());
    for (unsigned number = 1; number <= FAULTS; number++)
        make(number);
    for (;;) {
        kprintf("lab 0> ");
        read_line(&line_room.line);
        obey(&line_room.line);
    }
}
_Noreturn void idle_loop(void)
{
    ret_to_user();
}
_Noreturn void iret_fixup(struct regs *regs)
{
    (void)regs;
    machine_halt();
}
