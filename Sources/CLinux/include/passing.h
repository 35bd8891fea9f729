// Handing descriptors to another process over a unix socket.
#pragma once
#include <stddef.h>
#include <sys/types.h>

// As many as the kernel takes at once (SCM_MAX_FD).
enum { CLINUX_MAX_PASSED = 253 };

// Sends these bytes and, with the first of them, the descriptors. How many bytes were taken, or -1 with errno.
ssize_t clinux_send_descriptors(
    int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);

// Receives at most `count` bytes and, into room for CLINUX_MAX_PASSED of them, what descriptors came along, closed on
// exec. 0: the peer has ended; -1: errno.
ssize_t clinux_receive_descriptors(int socket, void *bytes, size_t count, int *descriptors, size_t *descriptor_count);

// Who connected (SO_PEERCRED); -1 with errno.
int clinux_peer_user(int socket, uid_t *user);

// Sends what is too long for a datagram as one without bytes that carries a sealed file in memory, as the journal takes
// it. 0, or -1 with errno.
int clinux_send_sealed(int socket, const void *bytes, size_t count);
