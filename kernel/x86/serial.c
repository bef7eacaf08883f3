/*
 * serial.c: the first serial line, polled (16550A data sheet).
 */
#include "serial.h"

#include <stdint.h>

#include "io.h"
#include "x86.h"

#define COM1 0x3f8

/* Registers, from the base. */
#define DATA    0 /* and the divisor's low byte while LCR_DLAB is set */
#define IER     1 /* and its high byte */
#define FCR     2
#define LCR     3
#define MCR     4
#define LSR     5
#define SCRATCH 7

#define IER_INPUT 0x01 /* interrupt when a byte has come */
#define FCR_RESET 0x07 /* FIFOs on and empty; input interrupts at the first byte */
#define LCR_8N1   0x03
#define LCR_DLAB  0x80
#define MCR_OUT2  0x0b /* DTR, RTS, and the gate of the interrupt line */
#define LSR_INPUT 0x01
#define LSR_ROOM  0x20
#define LSR_EMPTY 0x40

#define POLLS_MAX 1000000 /* far above the 87 microseconds that one byte takes */

static bool present;
static bool stuck; /* the last wait was in vain */
static bool hasty; /* never wait, and never mind what is lost */

void serial_init(void)
{
    outb(COM1 + SCRATCH, 0x5a);
    present = inb(COM1 + SCRATCH) == 0x5a;
    if (!present)
        return;
    outb(COM1 + IER, 0);
    outb(COM1 + LCR, LCR_DLAB);
    outb(COM1 + DATA, 1); /* 115200 / 1 */
    outb(COM1 + IER, 0);
    outb(COM1 + LCR, LCR_8N1);
    outb(COM1 + FCR, FCR_RESET);
    outb(COM1 + MCR, MCR_OUT2);
}

/* True as soon as one of the bits is set. If nobody takes the bytes, only the first one waits. */
static bool wait_for(uint8_t bits)
{
    for (unsigned i = 0; i < (stuck ? 1 : POLLS_MAX); i++) {
        if (inb(COM1 + LSR) & bits) {
            stuck = false;
            return true;
        }
        cpu_pause();
    }
    stuck = true;
    return false;
}

void serial_put(char c)
{
    if (present && (hasty || wait_for(LSR_ROOM)))
        outb(COM1 + DATA, (uint8_t)c);
}

void serial_never_wait(void)
{
    hasty = true;
}

int serial_get(void)
{
    if (!present || !(inb(COM1 + LSR) & LSR_INPUT))
        return -1;
    return inb(COM1 + DATA);
}

void serial_flush(void)
{
    if (present)
        wait_for(LSR_EMPTY);
}

void serial_interrupt(bool on)
{
    if (present)
        outb(COM1 + IER, on ? IER_INPUT : 0);
}
