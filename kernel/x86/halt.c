/*
 * halt.c: turning the machine off.
 */
#include "halt.h"

#include "io.h"
#include "serial.h"
#include "x86.h"

/* PM1a control of the chipsets that QEMU and Bochs have; SLP_EN with sleep type 0 (ACPI 4.8.3.2). */
#define QEMU_PM1A  0x604
#define BOCHS_PM1A 0xb004
#define SLP_EN     0x2000

_Noreturn void machine_halt(void)
{
    cli();
    serial_flush();
    outw(QEMU_PM1A, SLP_EN);
    outw(BOCHS_PM1A, SLP_EN);
    for (;;)
        hlt();
}
