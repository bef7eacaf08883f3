/*
 * errno.h: why a system call failed; it returns the negative number.
 */
#ifndef CORRAL_ERRNO_H
#define CORRAL_ERRNO_H

#define ENOENT 2  /* no program of that name */
#define ECHILD 10 /* no thread of that id to wait for */
#define EAGAIN 11 /* not now: try again */
#define ENOMEM 12 /* out of memory or of threads */
#define EFAULT 14 /* an address that the program may not use */
#define EBUSY  16 /* this CPU may not ask for that at this stage */
#define EINVAL 22 /* an argument makes no sense */
#define ENOSYS 38 /* no such system call */

#endif
