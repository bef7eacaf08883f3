/*
 * The grader's half inside Bochs 2.7 or 3.0.  Preloaded, it takes the place of readline(), which Bochs'
 * debugger calls for each command: instead of a person it serves the grader over a private socket.
 *
 * A process is a machine that stands still.  FORK makes a second one: the child connects to the
 * grader by itself and goes on, the parent stays as it is and can fork again.  That is a snapshot.
 *
 * Every request and every reply is a frame { u32 length; bytes }, so nothing that the guest or the
 * debugger prints can end a reply or look like one.  Bochs exports its functions; they are called
 * by their C++ names, and registers are found through Bochs' own tree of parameters.
 */
#include "bochs_calls.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_FRAME = 1 << 20 };

struct memory_request {
    uint32_t cpu;               /* ~0: the address is physical */
    uint32_t size;
    uint64_t address;
    uint8_t data[];             /* for a write */
} __attribute__((packed));

static int link_fd = -1, output_fd = -1, person;
static char *frame;
/* ---- frames ---- */

static void read_all(void *to, size_t size)
{
    for (char *at = to; size;) {
        ssize_t got = read(link_fd, at, size);
        if (got <= 0)
            _exit(0);                                   /* the grader is gone, or drops us */
        at += got;
        size -= got;
    }
}

static void write_all(const void *from, size_t size)
{
    for (const char *at = from; size;) {
        ssize_t put = write(link_fd, at, size);
        if (put <= 0)
            _exit(0);
        at += put;
        size -= put;
    }
}

/* The replies to several requests, which are sent together. */
static struct {
    int on;
    char *bytes;
    size_t size, room;
} together;

static void reply(const void *data, uint32_t size)
{
    size_t at = together.on ? together.size : 0;
    if (at + size + 4 > together.room) {
        together.room = 2 * (at + size + 4);
        together.bytes = realloc(together.bytes, together.room);
    }
    memcpy(together.bytes + at, &size, 4);
    memcpy(together.bytes + at + 4, data, size);
    together.size = at + size + 4;
    if (!together.on)
        write_all(together.bytes, together.size);
}

/* What is printed goes to a file in memory of this process, and from there into a reply. */
static void own_output(void)
{
    fflush(stdout);
    if (output_fd >= 0)
        close(output_fd);
    output_fd = memfd_create("output", MFD_CLOEXEC);
    dup2(output_fd, 1);
}

static void reply_output(void)
{
    fflush(stdout);
    struct stat st;
    fstat(output_fd, &st);
    uint32_t size = st.st_size < MAX_FRAME ? st.st_size : MAX_FRAME;
    char *text = malloc(size + 1);
    ssize_t got = pread(output_fd, text, size, 0);
    reply(text, got < 0 ? 0 : got);
    free(text);
    ftruncate(output_fd, 0);
    lseek(output_fd, 0, SEEK_SET);
}

static void connect_to_grader(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *path = getenv("CORRAL_SOCKET");
    if (!path || strlen(path) >= sizeof to.sun_path)
        die("CORRAL_SOCKET");
    strcpy(to.sun_path, path);
    link_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(link_fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    uint32_t pid = getpid();
    reply(&pid, sizeof pid);
}

#include "bochs_run.h"

/* ---- memory ---- */

/* Copies between the frame and guest memory, page by page; replies with the data, or nothing. */
static void move(struct memory_request *ask, int writing)
{
    uint8_t *data = writing ? ask->data : malloc(ask->size + 1);
    void *cpu = (*cpus)[ask->cpu == ~0u ? 0 : ask->cpu];
    uint32_t done = 0;
    while (done < ask->size) {
        uint64_t address = ask->address + done, physical = address, mask;
        uint32_t part = 4096 - (address & 4095);
        if (part > ask->size - done)
            part = ask->size - done;
        if (ask->cpu != ~0u && !translate(cpu, address, &physical, &mask, 0, 0))
            break;
        if (!(writing ? store(cpu, physical, part, data + done)
                      : fetch(cpu, physical, part, data + done)))
            break;
        if (writing)
            forget_code(physical, ~0u);                 /* instructions decoded from this page */
        done += part;
    }
    int good = done == ask->size;
    if (writing)
        reply(good ? "ok" : "", good ? 2 : 0);
    else {
        reply(data, good ? done : 0);
        free(data);
    }
}

/* ---- snapshots, and a person at the prompt ---- */

/*
 * Asks for huge pages behind Bochs' big blocks: a fork then copies dozens of page table entries
 * instead of twenty thousand.  Where the kernel cannot, forks are slower and nothing else changes.
 */
static void gather_pages(void)
{
    enum { COLLAPSE = 25, HUGE = 1 << 21 };         /* MADV_COLLAPSE is newer than the headers */
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long from, to, inode;
    char line[512], mode[8];
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, mode, &inode) != 4)
            continue;
        from = (from + HUGE - 1) & -(unsigned long)HUGE;
        to &= -(unsigned long)HUGE;
        if (inode || mode[1] != 'w' || from >= to)
            continue;
        madvise((void *)from, to - from, MADV_HUGEPAGE);
        madvise((void *)from, to - from, COLLAPSE);
    }
    if (maps)
        fclose(maps);
}

static void make_child(void)
{
    static int gathered;
    if (!gathered++)
        gather_pages();
    pid_t parent = getpid();
    pid_t child = fork();
    if (child)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    close(link_fd);
    own_output();
    connect_to_grader();
}

/* Takes over the terminal whose descriptors come with the request. */
static void meet_person(void)
{
    char byte, space[CMSG_SPACE(2 * sizeof(int))];
    struct iovec vector = { &byte, 1 };
    struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1,
                              .msg_control = space, .msg_controllen = sizeof space };
    if (recvmsg(link_fd, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
        die("no terminal");
    int *fds = (int *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    dup2(fds[0], 0);
    dup2(fds[1], 1);
    ((void (*)(char))find("_Z27bx_dbg_set_auto_disassembleb"))(1);
    person = 1;
}

static char *ask_person(const char *prompt)
{
    char *(*real)(const char *) = dlsym(RTLD_NEXT, "readline");
    if (real && isatty(0))
        return real(prompt);
    char *line = 0;
    size_t room = 0;
    fputs(prompt, stdout);
    fflush(stdout);
    ssize_t got = getline(&line, &room, stdin);
    if (got <= 0)
        return 0;
    line[strcspn(line, "\n")] = 0;
    return line;
}

static void serve_all(char *requests, uint32_t size);

/* Answers a request: a letter and what follows it.  Gives a command for Bochs' debugger, or 0. */
static char *serve(char *request, uint32_t size)
{
    char *body = request + 1;
    switch (request[0]) {
    case 'D': return strdup(body);
    case 'N': name_registers(body); break;
    case 'G': send_registers(*(uint32_t *)body); break;
    case 'P': {                                         /* cpu, index, value */
        uint64_t *ask = (uint64_t *)body;
        set64(values[ask[0]][ask[1]], ask[2]);
        reply("", 0);
        break;
    }
    case 'X': {
        struct run_request *ask = (struct run_request *)body;
        run(ask, (uint64_t *)(body + sizeof *ask));
        break;
    }
    case 'A': {                                         /* limit, instructions a turn, addresses */
        uint64_t *ask = (uint64_t *)body;
        run_all(ask[0], ask[1], ask + 2, size / sizeof *ask - 2);
        break;
    }
    case 'I': {                                         /* vector, destination, delivery mode */
        uint32_t *ask = (uint32_t *)body;
        deliver(ask[0], ask[1], ask[2], 0, 1, 0);
        reply("", 0);
        break;
    }
    case 'R': move((struct memory_request *)body, 0); break;
    case 'W': move((struct memory_request *)body, 1); break;
    case 'M': serve_all(body, size - 1); break;
    case 'F': make_child(); break;
    case 'H': meet_person(); return strdup("u /4");
    default: die("unknown request");
    }
    return 0;
}

/* Several requests of which each has one reply, as frames; their replies come as frames too. */
static void serve_all(char *requests, uint32_t size)
{
    together.on = 1;
    together.size = 0;
    for (uint32_t at = 0; at + 4 < size;) {
        uint32_t length = *(uint32_t *)(requests + at);
        if (length < 1 || length > size - at - 4 || !strchr("GPIRW", requests[at + 4]))
            die("bad frame");
        serve(requests + at + 4, length);
        at += 4 + length;
    }
    together.on = 0;
    write_all(together.bytes, together.size);
}

char *readline(const char *prompt)
{
    static int replying;

    if (person) {
        char *line = ask_person(prompt);
        if (!line)
            _exit(0);                                   /* end of input ends the debugger */
        return line;
    }
    if (link_fd < 0) {
        signal(SIGCHLD, SIG_IGN);                       /* nobody waits for a snapshot's children */
        resolve();
        frame = (char *)malloc(MAX_FRAME + 16) + 7;      /* what follows the letter is aligned */
        own_output();
        connect_to_grader();
    }
    if (replying) {
        replying = 0;
        reply_output();
    }
    for (;;) {
        uint32_t size;
        read_all(&size, sizeof size);
        if (size < 1 || size > MAX_FRAME)
            die("bad frame");
        read_all(frame, size);
        frame[size] = 0;
        char *command = serve(frame, size);
        replying = command && !person;
        if (command)
            return command;
    }
}

void add_history(const char *line)
{
    (void)line;
}
