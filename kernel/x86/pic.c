/*
 * pic.c: silences the two 8259 interrupt controllers (Intel 8259A data sheet).
 */
#include "pic.h"

#include "io.h"

#define FIRST        0x20
#define SECOND       0xa0
#define DATA         1    /* from a controller's port */
#define INIT         0x11 /* ICW1: a sequence of four words starts */
#define MODE_8086    0x01
#define CASCADE_LINE 2 /* the second one hangs on line 2 of the first */

/* Even a masked 8259 can raise its line 7 when noise ends too soon. Here, at level 15, the gates
   of the spurious interrupts of both controllers lead nowhere. */
#define VECTOR_FIRST  0xf0
#define VECTOR_SECOND 0xf8

static void set_up(uint16_t port, uint8_t vector, uint8_t cascade)
{
    outb(port, INIT);
    io_wait();
    outb(port + DATA, vector);
    io_wait();
    outb(port + DATA, cascade);
    io_wait();
    outb(port + DATA, MODE_8086);
    io_wait();
    outb(port + DATA, 0xff);
}

void pic_disable(void)
{
    set_up(FIRST, VECTOR_FIRST, 1 << CASCADE_LINE);
    set_up(SECOND, VECTOR_SECOND, CASCADE_LINE);
}
