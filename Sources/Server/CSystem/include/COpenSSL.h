// OpenSSL, with its casting macros as functions.
#ifndef CSYSTEM_OPENSSL_H
#define CSYSTEM_OPENSSL_H
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

/// Says that we speak HTTP/1.1, where the client asks (RFC 7301).
static int csys_tls_select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                                    const unsigned char *in, unsigned int in_length, void *argument) {
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)argument;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours - 1, in, in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/// A server context: TLS 1.2 and 1.3, session cache and tickets, buffers released while idle.
static inline SSL_CTX *csys_tls_server_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // One read from the socket for a record's header and content together.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"kommutator", 10);
    SSL_CTX_set_alpn_select_cb(context, csys_tls_select_protocol, NULL);
    return context;
}

/// A client context for tests and outbound checks: `version` 0 for any, else the one version to speak.
static inline SSL_CTX *csys_tls_client_context(int version) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || version == 0) return context;
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    return context;
}

/// A client context that judges certificates by the system's authorities but goes on in any case, for looking at servers.
static inline SSL_CTX *csys_tls_probe_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return context;
}

/// A client context for lasting streams: TLS 1.2 and later. With `verify` a handshake fails unless the system's authorities, or those
/// of the file `authorities` (may be NULL), vouch for the certificate. NULL on failure.
static inline SSL_CTX *csys_tls_stream_context(int verify, const char *authorities) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (!verify) return context;
    int loaded = authorities ? SSL_CTX_load_verify_locations(context, authorities, NULL) : SSL_CTX_set_default_verify_paths(context);
    if (loaded == 1) return context;
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

/// Says which host is meant, for servers of many (SNI, RFC 6066); a name, not an address.
static inline int csys_tls_name_host(SSL *ssl, const char *name) { return SSL_set_tlsext_host_name(ssl, name) == 1; }

/// Seconds since 1970 of a certificate's time; INT64_MIN where it cannot be read.
static inline int64_t csys_certificate_time(const ASN1_TIME *time) {
    struct tm parts;
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return INT64_MIN;
    return (int64_t)timegm(&parts);
}

/// The newest error as text, and an empty error queue.
static inline void csys_tls_take_error(char *out, size_t capacity) {
    unsigned long code = ERR_peek_last_error();
    ERR_error_string_n(code, out, capacity);
    ERR_clear_error();
}

/// A fresh P-256 key, for tests and first runs; NULL on failure.
static inline EVP_PKEY *csys_test_key(void) { return EVP_EC_gen("P-256"); }

/// A self-signed certificate for `name`, valid for so many seconds before and after now; NULL on failure.
static inline X509 *csys_test_certificate_valid(EVP_PKEY *key, const char *name, long from, long until) {
    X509 *certificate = X509_new();
    if (!certificate) return NULL;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    if (X509_sign(certificate, key, EVP_sha256())) return certificate;
    X509_free(certificate);
    return NULL;
}

/// A self-signed certificate of one day for `name`; NULL on failure.
static inline X509 *csys_test_certificate(EVP_PKEY *key, const char *name) {
    return csys_test_certificate_valid(key, name, -3600, 24 * 3600);
}

static const int csys_tls_1_2 = TLS1_2_VERSION;
static const int csys_tls_1_3 = TLS1_3_VERSION;
#endif
