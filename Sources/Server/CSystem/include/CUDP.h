// UDP: one datagram at a time, or many with one call of the kernel.
#ifndef CSYSTEM_UDP_H
#define CSYSTEM_UDP_H
#include "CLinux.h"
#include <linux/errqueue.h>
#include <stdlib.h>

/// Opens a non-blocking UDP socket for IPv4 or IPv6 only; `-errno` on failure.
static inline int csys_udp_socket(int is_v6) {
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int yes = 1;
    if (is_v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    return fd;
}

/// Asks for what the network says about datagrams that were sent (`csys_udp_take_refusal`).
static inline int csys_udp_report_refusals(int fd, int is_v6) {
    return is_v6 ? csys_set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) : csys_set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
}

/// Marks what is sent with a class of traffic (DSCP in the upper six bits).
static inline int csys_udp_traffic_class(int fd, int is_v6, int value) {
    return is_v6 ? csys_set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, value) : csys_set_option(fd, IPPROTO_IP, IP_TOS, value);
}

static inline int csys_receive_buffer(int fd, int bytes) { return csys_set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes); }
static inline int csys_send_buffer(int fd, int bytes) { return csys_set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes); }

/// Receives one datagram and its source; its true length, which is more than `capacity` where it was cut, or `-errno`.
static inline long csys_udp_receive(int fd, void *into, size_t capacity, struct csys_address *from) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    storage.ss_family = AF_UNSPEC;
    long count = recvfrom(fd, into, capacity, MSG_TRUNC, (struct sockaddr *)&storage, &length);
    if (count < 0) return -(long)errno;
    csys_from_sockaddr(&storage, from);
    return count;
}

/// Sends one datagram; its length or `-errno`.
static inline long csys_udp_send(int fd, const void *from, size_t length, const struct csys_address *to) {
    struct sockaddr_storage storage;
    socklen_t storage_length = csys_to_sockaddr(to, &storage);
    long count = sendto(fd, from, length, MSG_NOSIGNAL, (struct sockaddr *)&storage, storage_length);
    return count < 0 ? -(long)errno : count;
}

/// Takes one report of a datagram that did not arrive: the error and whom it was sent to. 0 where there is none, or `-errno`.
static inline int csys_udp_take_refusal(int fd, struct csys_address *to) {
    struct sockaddr_storage storage = {0};
    char byte, control[512];
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_name = &storage, .msg_namelen = sizeof storage, .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return errno == EAGAIN ? 0 : -errno;
    csys_from_sockaddr(&storage, to);
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        int is_error = (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_RECVERR)
            || (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_RECVERR);
        if (!is_error) continue;
        struct sock_extended_err error;
        memcpy(&error, CMSG_DATA(one), sizeof error);
        return error.ee_errno ? (int)error.ee_errno : EIO;
    }
    return EIO;
}

/// The kernel's `struct mmsghdr`, which the C library shows with _GNU_SOURCE only.
struct csys_message {
    struct msghdr header;
    unsigned int length;
};

/// Room for a number of datagrams: their bytes, lengths and addresses.
struct csys_batch {
    int capacity;
    int size;
    struct csys_message *messages;
    struct iovec *parts;
    struct sockaddr_storage *addresses;
    uint8_t *bytes;
};

static inline void csys_batch_free(struct csys_batch *batch) {
    free(batch->messages);
    free(batch->parts);
    free(batch->addresses);
    free(batch->bytes);
    free(batch);
}

/// A batch of `capacity` datagrams of at most `size` bytes; NULL where memory is out.
static inline struct csys_batch *csys_batch_new(int capacity, int size) {
    struct csys_batch *batch = (struct csys_batch *)calloc(1, sizeof *batch);
    if (!batch) return NULL;
    batch->capacity = capacity;
    batch->size = size;
    batch->messages = (struct csys_message *)calloc((size_t)capacity, sizeof *batch->messages);
    batch->parts = (struct iovec *)calloc((size_t)capacity, sizeof *batch->parts);
    batch->addresses = (struct sockaddr_storage *)calloc((size_t)capacity, sizeof *batch->addresses);
    batch->bytes = (uint8_t *)calloc((size_t)capacity, (size_t)size);
    if (!batch->messages || !batch->parts || !batch->addresses || !batch->bytes) {
        csys_batch_free(batch);
        return NULL;
    }
    return batch;
}

static inline void csys_batch_point(struct csys_batch *batch, int index, size_t length, socklen_t address_length) {
    batch->parts[index].iov_base = batch->bytes + (size_t)index * (size_t)batch->size;
    batch->parts[index].iov_len = length;
    struct msghdr *header = &batch->messages[index].header;
    memset(header, 0, sizeof *header);
    header->msg_name = &batch->addresses[index];
    header->msg_namelen = address_length;
    header->msg_iov = &batch->parts[index];
    header->msg_iovlen = 1;
}

/// Receives what is there, up to the capacity; how many, or `-errno`.
static inline int csys_batch_receive(int fd, struct csys_batch *batch) {
    for (int i = 0; i < batch->capacity; i++) csys_batch_point(batch, i, (size_t)batch->size, sizeof *batch->addresses);
    long count = syscall(SYS_recvmmsg, fd, batch->messages, (unsigned)batch->capacity, MSG_DONTWAIT | MSG_TRUNC, NULL);
    return count < 0 ? -errno : (int)count;
}

/// Where datagram `index` came from, and its true length.
static inline long csys_batch_source(const struct csys_batch *batch, int index, struct csys_address *from) {
    csys_from_sockaddr(&batch->addresses[index], from);
    return (long)batch->messages[index].length;
}

/// Makes the bytes at `index` a datagram of `length` bytes to `to`.
static inline void csys_batch_address(struct csys_batch *batch, int index, size_t length, const struct csys_address *to) {
    socklen_t address_length = csys_to_sockaddr(to, &batch->addresses[index]);
    csys_batch_point(batch, index, length, address_length);
}

/// Sends `count` datagrams beginning with the one at `first`; how many went, or `-errno` of that first one.
static inline int csys_batch_send(int fd, struct csys_batch *batch, int first, int count) {
    long sent = syscall(SYS_sendmmsg, fd, batch->messages + first, (unsigned)count, MSG_NOSIGNAL);
    return sent < 0 ? -errno : (int)sent;
}

/// Raises how many descriptors the process may have to what the system allows; what it then is, or `-errno`.
static inline long csys_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -(long)errno;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -(long)errno;
    }
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (long)limit.rlim_cur;
}
#endif
