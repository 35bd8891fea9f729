// Event loops: epoll, event descriptors, signals as descriptors, and accept4.
#pragma once
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

int clinux_epoll_create(void);
/// `operation` is EPOLL_CTL_ADD, _MOD or _DEL.
int clinux_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token);
/// At most `capacity` reports into `events`; a negative timeout waits for ever. 0 when a signal interrupted it.
int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_milliseconds);
/// Non-blocking and closed on exec.
int clinux_eventfd(void);
/// From now on a SIGTERM to this process, whichever thread takes it, adds one to this eventfd. SIGINT and SIGHUP are
/// ignored: a terminal sends them to supervisor and proxy alike, and the supervisor acts on them.
int clinux_take_termination(void);
/// Non-blocking and closed on exec.
int clinux_accept(int listener, struct sockaddr_storage *peer, socklen_t *peer_length);
/// A non-blocking stream socket, closed on exec.
int clinux_stream_socket(int family);
/// A non-blocking datagram socket, closed on exec.
int clinux_datagram_socket(int family);

// Constants that are macros over casts or enums which Swift sees as other types.
static const uint32_t clinux_epoll_in = EPOLLIN;
static const uint32_t clinux_epoll_out = EPOLLOUT;
static const uint32_t clinux_epoll_hangup = EPOLLHUP;
static const uint32_t clinux_epoll_error = EPOLLERR;
static const uint32_t clinux_epoll_read_hangup = EPOLLRDHUP;
static const uint32_t clinux_epoll_edge = (uint32_t)EPOLLET;
static const uint32_t clinux_epoll_exclusive = EPOLLEXCLUSIVE;
