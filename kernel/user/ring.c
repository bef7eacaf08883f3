/*
 * ring: gives the kernel bytes without a system call for each: descriptors in memory that both see,
 * and a doorbell when the kernel sleeps.  Then it lies about what is there, and is honest again.
 */
#include "lib/print.h"
#include "lib/string.h"
#include "lib/syscall.h"
#include "ring_abi.h"

enum { SLOTS = 64, ITEMS = 4000, AGAIN = 500, LONGEST = 256, BATCH = 32, ONE_BAD_IN = 100 };

static struct ring_producer producer;
static struct ring_seen     mine; /* what the kernel should have seen */
static unsigned             pushed, doorbells;
static uint32_t             handle;

static uint32_t random(uint32_t below)
{
    static uint32_t state;

    if (!state)
        state = (uint32_t)sys_ticks() | 1;
    state = state * 1103515245 + 12345;
    return (state >> 16) % below;
}

static void ring_doorbell(void)
{
    doorbells++;
    sys_ring_doorbell();
}

/* Bytes of the buffer; now and then one that is not there, which the kernel must refuse. */
static struct ring_descriptor next_item(void)
{
    const uint8_t *data = (const uint8_t *)RING_DATA;
    uint32_t       length = random(LONGEST), offset = random(RING_DATA_SIZE - LONGEST);

    if (random(ONE_BAD_IN) == 0) {
        mine.refused++;
        return (struct ring_descriptor){handle, RING_DATA_SIZE - length, length + 1, pushed};
    }
    mine.taken++;
    mine.bytes += length;
    for (uint32_t i = 0; i < length; i++)
        mine.sum += data[offset + i];
    return (struct ring_descriptor){handle, offset, length, pushed};
}

/* In batches of any size: the kernel is told once for each, and only if it has asked for that. */
static void push(unsigned items)
{
    while (items > 0) {
        unsigned batch = 1 + random(BATCH);
        int      asked = 0;

        for (; batch > 0 && items > 0; batch--, items--, pushed++) {
            struct ring_descriptor item = next_item();
            enum ring_pushed       result;

            while ((result = ring_push(&producer, &item)) == RING_FULL) {
                if (asked)
                    ring_doorbell();
                else
                    sys_sleep(1); /* the kernel looks by itself: its turn was over, not its work */
                asked = 0;
            }
            asked |= result == RING_DOORBELL;
        }
        if (asked)
            ring_doorbell();
    }
}

/* What the kernel has seen, once it has seen all that is in the ring. */
static struct ring_seen seen(void)
{
    struct ring_seen kernel = {0, 0, 0, 0};

    for (int ticks = 0; ticks < TICKS_PER_SECOND; ticks++) {
        sys_ring_seen(&kernel);
        if (kernel.taken + kernel.refused == mine.taken + mine.refused)
            break;
        sys_sleep(1);
    }
    return kernel;
}

static void show(const char *who, const struct ring_seen *what)
{
    printf("  %-10s %8u %8u %10u %10u\n", who, what->taken, what->refused, what->bytes, what->sum);
}

static int compare(void)
{
    struct ring_seen kernel = seen();
    int              equal = memcmp(&kernel, &mine, sizeof(mine)) == 0;

    printf("%u items, %u doorbells, %u refused.\n  %-10s %8s %8s %10s %10s\n", pushed, doorbells,
           kernel.refused, "", "GOOD", "REFUSED", "BYTES", "SUM");
    show("sent", &mine);
    show("seen", &kernel);
    if (!equal)
        printf("WRONG: the kernel has seen something else.\n");
    return equal;
}

/* Writes the same word everywhere in the page that the kernel gets its news from. */
static int lie(uint32_t word)
{
    static uint32_t  truth[4096 / sizeof(uint32_t)];
    uint32_t        *page = (uint32_t *)RING_USER;
    struct ring_seen before = seen(), after;

    memcpy(truth, page, sizeof(truth));
    for (unsigned i = 0; i < 4096 / sizeof(uint32_t); i++)
        page[i] = word;
    sys_ring_doorbell();
    sys_sleep(2); /* and it looks by itself, too */
    sys_ring_seen(&after);
    memcpy(page, truth, sizeof(truth));
    printf("A lie, %08x everywhere: the kernel took %u, refused %u.\n", word,
           after.taken - before.taken, after.refused - before.refused);
    return memcmp(&before, &after, sizeof(after)) == 0;
}

int main(void)
{
    long error = sys_ring_map(SLOTS);

    if (error == -ENOSYS) {
        printf("Rings come with lab 6: %s.\n", error_text(error));
        return 1;
    }
    if (error < 0) {
        printf("There is no ring: %s.\n", error_text(error));
        return 1;
    }
    for (unsigned i = 0; i < RING_DATA_SIZE; i++)
        ((uint8_t *)RING_DATA)[i] = (uint8_t)random(256);
    ring_producer_init(&producer, (void *)RING_USER, (const void *)RING_KERNEL, SLOTS);
    handle = (uint32_t)sys_ring_grant(0, RING_DATA_SIZE);
    push(ITEMS);
    int good = compare();
    good &= lie(0x7fffffff) & lie(0x80000000) & lie(0xffffffff);
    push(AGAIN);
    good &= compare();
    return !good;
}
