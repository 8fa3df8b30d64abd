// Linux sockets and epoll, in shapes that Swift can import: typed constants, no variadics, no casting macros.
#ifndef CSYSTEM_LINUX_H
#define CSYSTEM_LINUX_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netdb.h>
#include <poll.h>
#include <arpa/inet.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <malloc.h>

// Declared here: _GNU_SOURCE would make this module's view of the C library differ from that of Swift's Glibc module.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pthread_setname_np(pthread_t, const char *);

static const uint32_t csys_epollin = EPOLLIN;
static const uint32_t csys_epollout = EPOLLOUT;
static const uint32_t csys_epollrdhup = EPOLLRDHUP;
static const uint32_t csys_epollhup = EPOLLHUP;
static const uint32_t csys_epollerr = EPOLLERR;
static const uint32_t csys_epollet = EPOLLET;
static const uint32_t csys_epolloneshot = EPOLLONESHOT;

/// One entry of an epoll answer, without the union.
struct csys_event {
    uint64_t tag;
    uint32_t events;
};

static inline int csys_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int csys_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

static inline int csys_epoll_add(int epoll, int fd, uint32_t events, uint64_t tag) {
    struct epoll_event event = {.events = events, .data = {.u64 = tag}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static inline int csys_epoll_modify(int epoll, int fd, uint32_t events, uint64_t tag) {
    struct epoll_event event = {.events = events, .data = {.u64 = tag}};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

static inline int csys_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

/// Waits for events; `timeout` in milliseconds, -1 for ever. An interrupted wait is an empty answer.
static inline int csys_epoll_wait(int epoll, struct csys_event *out, int capacity, int timeout) {
    struct epoll_event events[512];
    if (capacity > 512) capacity = 512;
    int count = epoll_wait(epoll, events, capacity, timeout);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        out[i].tag = events[i].data.u64;
        out[i].events = events[i].events;
    }
    return count;
}

/// Opens a non-blocking TCP socket for IPv4 or IPv6 only; `-errno` on failure.
static inline int csys_tcp_socket(int is_v6) {
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int yes = 1;
    if (is_v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    return fd;
}

static inline int csys_set_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static inline int csys_reuse_address(int fd) { return csys_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); }
static inline int csys_reuse_port(int fd) { return csys_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1); }
static inline int csys_no_delay(int fd) { return csys_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

/// An address as 16 bytes (IPv4 in its IPv4-mapped IPv6 form) and a port in host order.
struct csys_address {
    uint8_t bytes[16];
    uint16_t port;
    uint8_t is_v6;
};

static inline socklen_t csys_to_sockaddr(const struct csys_address *address, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (address->is_v6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address->port);
        memcpy(&v6->sin6_addr, address->bytes, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address->port);
    memcpy(&v4->sin_addr, address->bytes + 12, 4);
    return sizeof *v4;
}

static inline void csys_from_sockaddr(const struct sockaddr_storage *in, struct csys_address *out) {
    memset(out, 0, sizeof *out);
    if (in->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;
        out->is_v6 = 1;
        out->port = ntohs(v6->sin6_port);
        memcpy(out->bytes, &v6->sin6_addr, 16);
        return;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
    out->port = ntohs(v4->sin_port);
    out->bytes[10] = out->bytes[11] = 0xff;
    memcpy(out->bytes + 12, &v4->sin_addr, 4);
}

/// Binds; 0 or `-errno`.
static inline int csys_bind(int fd, const struct csys_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = csys_to_sockaddr(address, &storage);
    return bind(fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static inline int csys_listen(int fd, int backlog) { return listen(fd, backlog) < 0 ? -errno : 0; }

/// Starts to connect; 0, `-EINPROGRESS` or another `-errno`.
static inline int csys_connect(int fd, const struct csys_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = csys_to_sockaddr(address, &storage);
    return connect(fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static inline int csys_local_address(int fd, struct csys_address *out) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    csys_from_sockaddr(&storage, out);
    return 0;
}

/// What became of a connection that was begun: 0 or the error.
static inline int csys_connect_result(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

/// Waits until `fd` can be written to or, for 0, read from: 1 where it can, 0 after `milliseconds`, `-errno`.
static inline int csys_wait_ready(int fd, int for_writing, int milliseconds) {
    struct pollfd one = {.fd = fd, .events = for_writing ? POLLOUT : POLLIN};
    int count = poll(&one, 1, milliseconds);
    return count < 0 ? (errno == EINTR ? 0 : -errno) : count;
}

/// The addresses of a host of the internet, for TCP: up to `capacity` of them; their count, or the negated error of getaddrinfo.
int csys_look_up(const char *host, struct csys_address *out, int capacity);

// One SRV record (RFC 2782).
struct csys_service {
    uint16_t priority, weight, port;
    uint32_t seconds;
    char host[256];
};
// Asks for the SRV records of `_sip._udp.example.org`; blocks as long as the resolver does. How many were found, none included, or -1.
int csys_look_up_service(const char *name, struct csys_service *out, int capacity);

/// Accepts one non-blocking connection with TCP_NODELAY; its descriptor or `-errno`.
static inline int csys_accept(int listener, struct csys_address *peer) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    int fd = accept4(listener, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return -errno;
    csys_from_sockaddr(&storage, peer);
    csys_no_delay(fd);
    return fd;
}

/// Receives; the count, 0 at the end of the stream, or `-errno`.
static inline long csys_recv(int fd, void *into, size_t capacity) {
    long count = recv(fd, into, capacity, 0);
    return count < 0 ? -(long)errno : count;
}

/// Sends without SIGPIPE; the count or `-errno`.
static inline long csys_send(int fd, const void *from, size_t length) {
    long count = send(fd, from, length, MSG_NOSIGNAL);
    return count < 0 ? -(long)errno : count;
}

static inline int64_t csys_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
/// Monotonic nanoseconds.
// Bytes of the heap that are in use.
static inline size_t csys_heap_bytes(void) { return mallinfo2().uordblks; }

static inline int64_t csys_monotonic(void) { return csys_clock(CLOCK_MONOTONIC); }
/// Nanoseconds since 1970, UTC.
static inline int64_t csys_realtime(void) { return csys_clock(CLOCK_REALTIME); }

/// Leaves signals to other threads, apart from those that report a fault of this one.
static inline void csys_block_signals(void) {
    sigset_t set;
    sigfillset(&set);
    const int faults[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
    for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++) sigdelset(&set, faults[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/// Makes writing to a connection that is gone an error of the calling thread instead of the end of the process.
static inline void csys_block_pipe_signal(void) {
    static __thread int is_blocked;
    if (is_blocked) return;
    is_blocked = 1;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/// Has each of `signals` written to a pipe as a byte, whichever thread it comes to; its reading end, or `-errno`. Once a process.
int csys_signal_pipe(const int *signals, int count);

/// Two ends of a pipe, close-on-exec and above the standard streams: reading end first. 0 or `-errno`.
int csys_pipe(int ends[2]);

/// Has reading and writing return at once.
static inline void csys_unblock(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

/// Starts `argv` in a process group of its own; `ends` become its standard streams, everything else is closed, signals are as they
/// were born. `argv` and `envp` end with NULL; `folder` may be NULL. 0 or an error number.
int csys_spawn(char *const *argv, char *const *envp, const char *folder, const int ends[3], int *pid);

/// A descriptor that becomes readable when the process ends; `-errno`. Linux 5.3.
static inline int csys_watch_process(int pid) {
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

static inline uintptr_t csys_thread_id(void) { return (uintptr_t)pthread_self(); }
/* The niceness of the calling thread alone: on Linux it belongs to the thread. */
static inline int csys_set_thread_niceness(int niceness) {
    return setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), niceness);
}

#endif
