/*
 * panic.h: the end of the kernel, in words.
 *
 * Level: any. CPU: any. NMI: yes. Needs neither GS nor the local APIC nor memory, so that it can
 * report that one of these is broken.
 */
#ifndef CORRAL_PANIC_H
#define CORRAL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

/* The text of the first panic, without "panic on CPU n: ". Empty as long as there was none. */
extern char panic_message[512];

/*
 * Turns interrupts off, writes the text to panic_message, prints it with a backtrace, and stops
 * this CPU in panic_stop(). Only the first panic of the machine is kept and printed in full: one
 * inside it adds its text and ends the report, one on another CPU stops that CPU in silence.
 */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether this CPU is the one that panics. */
bool panicking(void);

/* This CPU's index in cpus[], by CPUID: needs no GS and no APIC; 0 while nobody knows it yet. */
unsigned cpu_number(void);

/*
 * Stops this CPU with interrupts off; an NMI is answered and the CPU stops again.  Not inlined: the
 * host stops here.
 */
__attribute__((noinline)) _Noreturn void panic_stop(void);

/*
 * Prints the callers by name, starting at a frame pointer (EBP, RBP; __builtin_frame_address(0)
 * for one's own). Ends at the first frame that is not in kernel space or does not lie higher.
 */
void backtrace(uintptr_t frame);

#define ASSERT(condition) \
    ((condition) ? (void)0 : panic("assertion failed: %s:%d: %s", __FILE__, __LINE__, #condition))

#endif
