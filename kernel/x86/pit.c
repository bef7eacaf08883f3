/*
 * pit.c: channel 2 of the 8254 timer as a stop watch (Intel 8254 data sheet).
 */
#include "pit.h"

#include "io.h"
#include "panic.h"
#include "x86.h"

#define CHANNEL2     0x42
#define COMMAND      0x43
#define COMMAND_SHOT 0xb0 /* channel 2, both bytes, mode 0: output goes high at the end */
#define GATE         0x61
#define GATE_ON      0x01
#define GATE_SPEAKER 0x02
#define GATE_OUTPUT  0x20

#define HERTZ     1193182
#define POLLS_MAX 20000000 /* reading a port takes 1 us on a PC, 10 ns in an emulator */

void pit_start(uint32_t microseconds)
{
    /* Twice by 1000, since the product with 1000000 would not fit. */
    uint32_t count = microseconds * (HERTZ / 1000) / 1000 + 1;

    ASSERT(microseconds <= PIT_WAIT_MAX);
    outb(GATE, (uint8_t)((inb(GATE) & ~GATE_SPEAKER) | GATE_ON));
    outb(COMMAND, COMMAND_SHOT);
    outb(CHANNEL2, (uint8_t)count);
    outb(CHANNEL2, (uint8_t)(count >> 8));
}

bool pit_finish(void)
{
    for (uint32_t i = 0; i < POLLS_MAX; i++) {
        if (inb(GATE) & GATE_OUTPUT)
            return true;
        cpu_pause();
    }
    return false;
}

bool pit_wait(uint32_t microseconds)
{
    pit_start(microseconds);
    return pit_finish();
}
