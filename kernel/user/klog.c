/*
 * klog: takes what is in the kernel's log out of it, and prints a line for each record.
 */
#include "lib/print.h"
#include "lib/string.h"
#include "lib/syscall.h"
#include "logring.h"

enum { CPUS = 8 };

static struct cpu_entry entries[CPUS];
static long             cpu_count;

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"NMI", "start", "end"};

    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

/* The kernel has names only for where the last NMI of each CPU came. */
static const char *place_name(const struct log_record *record, uint64_t place)
{
    for (long i = 0; i < cpu_count; i++)
        if (entries[i].id == record->cpu && entries[i].nmi_ip == place)
            return entries[i].nmi_place;
    return "";
}

static void show(const struct log_record *record)
{
    struct log_event event;

    if (record->size != sizeof(event)) {
        printf("%3u   a record of %u bytes\n", record->cpu, record->size);
        return;
    }
    memcpy(&event, record->bytes, sizeof(event));
    printf("%3u %8u %-6s %6u  ", record->cpu, event.ticks, kind_name(event.kind), event.tid);
    if (event.kind == LOG_NMI)
        printf("at %p %s\n", (void *)(uintptr_t)event.place, place_name(record, event.place));
    else
        printf("thread %u\n", (unsigned)event.place);
}

int main(void)
{
    static struct log_record records[LOGRING_RECORDS_MAX];
    uint32_t                 dropped = 0;
    long                     count = 0, result = 0;

    while (count < LOGRING_RECORDS_MAX && (result = sys_log_read(&records[count], &dropped)) == 1)
        count++;
    if (result == -ENOSYS) {
        printf("The kernel's log comes with lab 6: %s.\n", error_text(result));
        return 1;
    }
    if (result < 0) {
        printf("The log cannot be read: %s.\n", error_text(result));
        return 1;
    }
    cpu_count = sys_cpus(entries, CPUS);
    printf("%3s %8s %-6s %6s  %s\n", "CPU", "TICK", "KIND", "THREAD", "WHAT");
    for (long i = 0; i < count; i++)
        show(&records[i]);
    printf("%ld records; %u were dropped since the start.\n", count, dropped);
    return 0;
}
