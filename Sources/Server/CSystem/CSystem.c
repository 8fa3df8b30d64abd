#define _GNU_SOURCE
#include "CSystem.h"
#include <arpa/nameser.h>
#include <resolv.h>
#include <spawn.h>

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

int csys_look_up_service(const char *name, struct csys_service *out, int capacity) {
    unsigned char answer[8192];
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) < 0) return -1;
    int length = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, sizeof answer);
    int isMissing = length < 0 && (state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA);
    res_nclose(&state);
    if (length < 0) return isMissing ? 0 : -1;
    ns_msg message;
    if (length > (int)sizeof answer || ns_initparse(answer, length, &message) < 0) return -1;
    int count = 0;
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && count < capacity; i++) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, i, &record) < 0) return -1;
        // Three numbers, and a name of one byte at least.
        if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7) continue;
        const unsigned char *data = ns_rr_rdata(record);
        struct csys_service *one = &out[count];
        one->priority = (uint16_t)ns_get16(data);
        one->weight = (uint16_t)ns_get16(data + 2);
        one->port = (uint16_t)ns_get16(data + 4);
        one->seconds = ns_rr_ttl(record);
        if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + 6, one->host, sizeof one->host) < 0) return -1;
        count++;
    }
    return count;
}

int csys_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    for (int i = 0; i < 2; i++) {
        if (ends[i] > 2) continue;
        int higher = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        int failure = errno;
        close(ends[i]);
        ends[i] = higher;
        if (higher < 0) {
            close(ends[1 - i]);
            return -failure;
        }
    }
    return 0;
}

int csys_spawn(char *const *argv, char *const *envp, const char *folder, const int ends[3], int *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t manner;
    int failure = posix_spawn_file_actions_init(&files);
    if (failure) return failure;
    failure = posix_spawnattr_init(&manner);
    if (failure) {
        posix_spawn_file_actions_destroy(&files);
        return failure;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&manner, &none);
    posix_spawnattr_setsigdefault(&manner, &all);
    posix_spawnattr_setpgroup(&manner, 0);
    posix_spawnattr_setflags(&manner, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    for (int i = 0; !failure && i < 3; i++) failure = posix_spawn_file_actions_adddup2(&files, ends[i], i);
    if (!failure) failure = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (!failure && folder) failure = posix_spawn_file_actions_addchdir_np(&files, folder);
    if (!failure) failure = posix_spawnp(pid, argv[0], &files, &manner, argv, envp);
    posix_spawnattr_destroy(&manner);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}
