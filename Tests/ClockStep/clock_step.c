// Preloaded: the wall clock of these processes runs as far off as a file says, in nanoseconds, and steps when that changes.
// Clocks that do not step are left alone. No machine's clock is touched.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *offset;

__attribute__((constructor)) static void find(void) {
  const char *path = getenv("CHAOS_CLOCK_OFFSET");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *map = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (map != MAP_FAILED) offset = map;
}

static int64_t now(void) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  struct timespec time;
  real(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec + (offset ? atomic_load(offset) : 0);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return real(clock, time);
  int64_t shifted = now();
  time->tv_sec = shifted / 1000000000LL;
  time->tv_nsec = shifted % 1000000000LL;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  int64_t shifted = now();
  time->tv_sec = shifted / 1000000000LL;
  time->tv_usec = shifted % 1000000000LL / 1000;
  return 0;
}

time_t time(time_t *out) {
  time_t seconds = now() / 1000000000LL;
  if (out) *out = seconds;
  return seconds;
}
