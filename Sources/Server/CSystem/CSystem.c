#define _GNU_SOURCE
#include "CSystem.h"

static int signal_writer = -1;

/// A full pipe drops the signal: there are others in it already.
static void relay_signal(int signal) {
    int kept = errno;
    unsigned char byte = (unsigned char)signal;
    ssize_t written = write(signal_writer, &byte, 1);
    (void)written;
    errno = kept;
}

int csys_signal_pipe(const int *signals, int count) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    signal_writer = ends[1];
    struct sigaction action = {.sa_handler = relay_signal, .sa_flags = SA_RESTART};
    for (int i = 0; i < count; i++) sigaction(signals[i], &action, NULL);
    return ends[0];
}

int csys_look_up(const char *host, struct csys_address *out, int capacity) {
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int failure = getaddrinfo(host, NULL, &wanted, &found);
    if (failure) return failure < 0 ? failure : -failure;
    int count = 0;
    for (struct addrinfo *one = found; one && count < capacity; one = one->ai_next) {
        struct sockaddr_storage storage = {0};
        if (one->ai_addrlen > sizeof storage) continue;
        memcpy(&storage, one->ai_addr, one->ai_addrlen);
        csys_from_sockaddr(&storage, &out[count++]);
    }
    freeaddrinfo(found);
    return count;
}
