/*
 * fault: touches what it must not. First it asks the kernel to do so in its name, which is
 * an error code; then it does so itself, which is its end. The kernel goes on both times.
 */
#include <stdint.h>
#include "lib/print.h"
#include "lib/syscall.h"

/* An address that belongs to the kernel in either width. */
#define KERNEL_ADDRESS (UINTPTR_MAX - 0xfff)

/* volatile: a compiler that sees a NULL here may leave out the very access that is the point. */
static int *volatile nowhere = NULL;

int main(void)
{
    long result = sys_write((const void *)KERNEL_ADDRESS, 16);

    printf("fault: writing out the kernel's memory gives %ld (%s)\n", result,
           result < 0 ? error_text(result) : "which is wrong");
    printf("fault: reading address %p; nothing should come after this line\n", (void *)nowhere);
    printf("fault: read %d, and that is wrong\n", *nowhere);
    return 1;
}
