// libcurl, in shapes that Swift can import: its variadics by the type of their last argument.
#ifndef CSYSTEM_CURL_H
#define CSYSTEM_CURL_H
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/// libcurl asks to watch a socket: `what` is CURL_POLL_IN, _OUT, _INOUT or _REMOVE.
typedef int (*csys_curl_socket_callback)(void *easy, int socket, int what, void *owner, void *unused);
/// libcurl asks to be called after so many milliseconds; -1 takes that back.
typedef int (*csys_curl_timer_callback)(void *multi, long milliseconds, void *owner);
/// `count` bytes of a header line or a body came; any other answer than `count` ends the transfer.
typedef size_t (*csys_curl_data_callback)(char *bytes, size_t one, size_t count, void *owner);

/// libcurl wants a socket for a connection; CURL_SOCKET_BAD where there is none.
typedef curl_socket_t (*csys_curl_open_callback)(void *owner, curlsocktype purpose, struct curl_sockaddr *address);
/// libcurl is done with a connection's socket: whoever is told closes it.
typedef int (*csys_curl_close_callback)(void *owner, curl_socket_t socket);

/// Prepares the library for this process, once. False where names would be looked up in the calling thread.
static inline int csys_curl_begin(void) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return 0;
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) != 0;
}

/// A multi handle that is driven from outside; NULL without memory.
static inline void *csys_curl_multi(
    csys_curl_socket_callback socket, csys_curl_timer_callback timer, void *owner, long per_host, long kept) {
    CURLM *multi = curl_multi_init();
    if (!multi) return NULL;
    (curl_multi_setopt)(multi, CURLMOPT_SOCKETFUNCTION, (curl_socket_callback)socket);
    (curl_multi_setopt)(multi, CURLMOPT_SOCKETDATA, owner);
    (curl_multi_setopt)(multi, CURLMOPT_TIMERFUNCTION, (curl_multi_timer_callback)timer);
    (curl_multi_setopt)(multi, CURLMOPT_TIMERDATA, owner);
    (curl_multi_setopt)(multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
    (curl_multi_setopt)(multi, CURLMOPT_MAXCONNECTS, kept);
    return multi;
}

static inline CURLcode csys_curl_set_number(void *easy, CURLoption option, long value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode csys_curl_set_size(void *easy, CURLoption option, int64_t value) {
    return (curl_easy_setopt)(easy, option, (curl_off_t)value);
}
/// Text is copied by libcurl.
static inline CURLcode csys_curl_set_text(void *easy, CURLoption option, const char *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode csys_curl_set_pointer(void *easy, CURLoption option, const void *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode csys_curl_set_receiver(void *easy, CURLoption option, csys_curl_data_callback receiver) {
    return (curl_easy_setopt)(easy, option, receiver);
}

/// Who makes and closes the sockets of connections.
static inline void csys_curl_set_sockets(
    void *easy, csys_curl_open_callback opens, csys_curl_close_callback closes, void *owner) {
    (curl_easy_setopt)(easy, CURLOPT_OPENSOCKETFUNCTION, opens);
    (curl_easy_setopt)(easy, CURLOPT_OPENSOCKETDATA, owner);
    (curl_easy_setopt)(easy, CURLOPT_CLOSESOCKETFUNCTION, closes);
    (curl_easy_setopt)(easy, CURLOPT_CLOSESOCKETDATA, owner);
}
static inline curl_socket_t csys_curl_open(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Nothing but HTTP, redirected or not.
static inline void csys_curl_only_http(void *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
    (curl_easy_setopt)(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (curl_easy_setopt)(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    (curl_easy_setopt)(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    (curl_easy_setopt)(easy, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/// Leaves a name lookup to its thread when the transfer ends before it, instead of waiting for it (since 7.87).
static inline void csys_curl_abandon_lookups(void *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
    (curl_easy_setopt)(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    (void)easy;
}

static inline void csys_curl_tls(void *easy, int maximum_is_12) {
    long maximum = maximum_is_12 ? CURL_SSLVERSION_MAX_TLSv1_2 : CURL_SSLVERSION_MAX_TLSv1_3;
    (curl_easy_setopt)(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2 | maximum);
}

static inline int csys_curl_status(void *easy) {
    long status = 0;
    (curl_easy_getinfo)(easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/// The owner that CURLOPT_PRIVATE was given.
static inline void *csys_curl_owner(void *easy) {
    char *owner = NULL;
    (curl_easy_getinfo)(easy, CURLINFO_PRIVATE, &owner);
    return owner;
}

/// Takes one transfer that has ended: its easy handle and how it went; NULL when there is none.
static inline void *csys_curl_next_done(void *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        *result = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}

/// Tells libcurl of a socket's readiness.
static inline void csys_curl_ready(void *multi, int socket, int readable, int writable, int failed) {
    int running = 0;
    int mask = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0) | (failed ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi, socket, mask, &running);
}

/// Tells libcurl that its time has come.
static inline void csys_curl_timeout(void *multi) {
    int running = 0;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

// Whether an IPv4 address, in network order, is one of the public Internet (IANA special-purpose registries, RFC 6890).
static inline int csys_is_public_v4(const uint8_t *a) {
    if (a[0] == 0 || a[0] == 10 || a[0] == 127 || a[0] >= 224) return 0;
    if (a[0] == 100 && (a[1] & 0xC0) == 64) return 0;
    if (a[0] == 169 && a[1] == 254) return 0;
    if (a[0] == 172 && (a[1] & 0xF0) == 16) return 0;
    if (a[0] == 192 && a[1] == 168) return 0;
    if (a[0] == 192 && a[1] == 0 && (a[2] == 0 || a[2] == 2)) return 0;
    if (a[0] == 198 && ((a[1] & 0xFE) == 18 || (a[1] == 51 && a[2] == 100))) return 0;
    if (a[0] == 203 && a[1] == 0 && a[2] == 113) return 0;
    return 1;
}

// The same for IPv6: global unicast, and what carries a public IPv4 address (mapped, NAT64, 6to4).
static inline int csys_is_public_v6(const uint8_t *a) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12)) return csys_is_public_v4(a + 12);
    if ((a[0] & 0xE0) != 0x20) return 0;
    if (a[0] == 0x20 && a[1] == 0x02) return csys_is_public_v4(a + 2);
    if (a[0] == 0x20 && a[1] == 0x01 && ((a[2] == 0x0d && a[3] == 0xb8) || (a[2] == 0 && a[3] == 0))) return 0;
    return 1;
}

static inline int csys_is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return csys_is_public_v4((const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return csys_is_public_v6((const uint8_t *)&((const struct sockaddr_in6 *)address)->sin6_addr);
    return 0;
}

static inline curl_socket_t csys_curl_open_public(void *refused, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    if (!csys_is_public(&address->addr)) {
        *(int *)refused = 1;
        return CURL_SOCKET_BAD;
    }
    return csys_curl_open(address);
}

// Connections to public addresses only, judged after the name was looked up. A kept connection was judged by other rules, perhaps:
// none is used again.
static inline void csys_curl_public_only(void *easy, int *refused) {
    (curl_easy_setopt)(easy, CURLOPT_OPENSOCKETFUNCTION, csys_curl_open_public);
    (curl_easy_setopt)(easy, CURLOPT_OPENSOCKETDATA, refused);
    (curl_easy_setopt)(easy, CURLOPT_FRESH_CONNECT, 1L);
}
#endif
