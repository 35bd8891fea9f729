#define _GNU_SOURCE
#include "epoll.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int clinux_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, operation, descriptor, &event);
}

int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_milliseconds) {
  int count = epoll_wait(epoll, events, capacity, timeout_milliseconds);
  return count < 0 && errno == EINTR ? 0 : count;
}

int clinux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

static int termination = -1;

static void note_termination(int number) {
  (void)number;
  int saved = errno;
  uint64_t one = 1;
  if (write(termination, &one, sizeof one) < 0) {
    // Nothing that a handler could do.
  }
  errno = saved;
}

int clinux_take_termination(void) {
  if (termination < 0) termination = clinux_eventfd();
  if (termination < 0) return -1;
  struct sigaction action = {.sa_handler = note_termination, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  return termination;
}

int clinux_accept(int listener, struct sockaddr_storage *peer, socklen_t *peer_length) {
  return accept4(listener, (struct sockaddr *)peer, peer_length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int clinux_datagram_socket(int family) { return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int clinux_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }
