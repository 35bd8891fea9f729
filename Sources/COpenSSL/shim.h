// The system's OpenSSL, with functions for the macros that Swift cannot import.
#pragma once
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>

static inline int copenssl_set_minimum_tls12(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline int copenssl_print_rfc2253(BIO *bio, const X509_NAME *name) {
  return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
}

// Writes may be cut short and repeated from elsewhere; buffers of idle connections are given back.
static inline void copenssl_set_modes(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
}

// Sessions live in tickets alone.
static inline void copenssl_disable_session_cache(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline int copenssl_certificate_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
static inline X509 *copenssl_certificate(const STACK_OF(X509) *chain, int index) { return sk_X509_value(chain, index); }

// Where the certificate's file brought no chain, OpenSSL would look for one among the authorities, and verify it, anew
// in each handshake: once is enough. Where there is none to be found, the certificate goes alone.
static inline void copenssl_settle_chain(SSL_CTX *context) {
  STACK_OF(X509) *chain = NULL;
  if (SSL_CTX_get0_chain_certs(context, &chain) != 1 || sk_X509_num(chain) <= 0) {
    SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_NO_ROOT | SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR |
                                          SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
  }
  ERR_clear_error();
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
}

// What hangs on a context and is freed with it.
static inline int copenssl_new_context_slot(CRYPTO_EX_free *release) {
  return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, release);
}

static const int copenssl_ticket_vector = 16;

// Looked up once: by its name it would be in each handshake, under a lock that all threads share. NULL out of memory.
static inline const EVP_CIPHER *copenssl_ticket_cipher(void) {
  static EVP_CIPHER *kept;
  EVP_CIPHER *cipher = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
  if (cipher != NULL) return cipher;
  EVP_CIPHER *fetched = EVP_CIPHER_fetch(OSSL_LIB_CTX_get0_global_default(), "AES-256-CBC", NULL);
  if (fetched == NULL || __atomic_compare_exchange_n(&kept, &cipher, fetched, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    return fetched;
  }
  EVP_CIPHER_free(fetched);
  return cipher;
}

// AES-256-CBC and HMAC-SHA-256 by 32 bytes of key each; for sealing or for opening. 1 when done.
static inline int copenssl_key_ticket(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *authentication, const unsigned char *keys,
                                      const unsigned char *vector, int sealing) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(keys + 32), 32),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  const EVP_CIPHER *kind = copenssl_ticket_cipher();
  return kind != NULL && EVP_CipherInit_ex(cipher, kind, NULL, keys, vector, sealing) == 1 &&
         EVP_MAC_CTX_set_params(authentication, parameters) == 1;
}

// One read for a record's head and body.
static inline void copenssl_set_read_ahead(SSL_CTX *context) { SSL_CTX_set_read_ahead(context, 1); }

static inline int copenssl_no_passphrase(char *buffer, int size, int writing, void *data) {
  (void)buffer, (void)size, (void)writing, (void)data;
  return -1;
}

// An encrypted key is an error, never a question on the terminal.
static inline void copenssl_refuse_passphrases(SSL_CTX *context) {
  SSL_CTX_set_default_passwd_cb(context, copenssl_no_passphrase);
}

static inline long copenssl_read_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }
static inline int copenssl_is_pem_end(unsigned long error) { return ERR_GET_REASON(error) == PEM_R_NO_START_LINE; }
// Of an error in the SSL library itself; 0: it comes from elsewhere.
static inline int copenssl_ssl_reason(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
}
// Reasons from here on are alerts that the other side sent.
static const int copenssl_first_alert = SSL_AD_REASON_OFFSET;
static inline void copenssl_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void copenssl_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline void copenssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// For clients: one version, and each new session goes to `keep` and nowhere else.
static inline int copenssl_set_version(SSL_CTX *context, int version) {
  return SSL_CTX_set_min_proto_version(context, version) && SSL_CTX_set_max_proto_version(context, version);
}
static inline void copenssl_keep_client_sessions(SSL_CTX *context, int (*keep)(SSL *, SSL_SESSION *)) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep);
}
