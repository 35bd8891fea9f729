// libcurl without its variadic functions, which Swift cannot call.
#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

// As curl's callbacks: how many of the bytes were taken; any other number ends the transfer.
typedef size_t (*ccurl_taker)(char *bytes, size_t size, size_t count, void *context);

CURLcode ccurl_set_number(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value);
// Copies the bytes.
CURLcode ccurl_set_body(CURL *easy, const void *bytes, size_t count);
// The list must live as long as the transfer.
CURLcode ccurl_set_headers(CURL *easy, struct curl_slist *headers);
// At least CURL_ERROR_SIZE bytes that live as long as the transfer.
CURLcode ccurl_set_error_buffer(CURL *easy, char *buffer);
CURLcode ccurl_set_takers(CURL *easy, ccurl_taker body, ccurl_taker header, void *context);

// 0 where there was no answer yet.
long ccurl_status(CURL *easy);
// The errno of the connection's failure, or 0.
long ccurl_system_error(CURL *easy);
// What a proxy answered to CONNECT, 0: it was not asked, or gave no answer.
long ccurl_connect_status(CURL *easy);

// False: no transfer has ended since the last call.
bool ccurl_next_ended(CURLM *multi, CURL **easy, CURLcode *result);
