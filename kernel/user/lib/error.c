#include "print.h"
#include "sysnum.h"

static const struct {
    int number;
    const char *text;
} errors[] = {
    { ENOENT, "there is no program of that name" },
    { ECHILD, "there is no such thread" },
    { EAGAIN, "not now, try again" },
    { ENOMEM, "no memory or no thread is left" },
    { EFAULT, "bad address" },
    { EBUSY,  "this CPU may not do that at this stage" },
    { EINVAL, "bad argument" },
    { ENOSYS, "the kernel has no such system call" },
};

const char *error_text(long result)
{
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (result == -errors[i].number)
            return errors[i].text;
    }
    return "unknown error";
}
