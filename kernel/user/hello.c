/* hello: the smallest program that says where it is. */
#include "lib/print.h"
#include "lib/syscall.h"

int main(void)
{
    printf("hello from ring 3: thread %ld, %u bits, main at %p\n",
           sys_gettid(), (unsigned)(8 * sizeof(void *)), (void *)main);
    return 0;
}
