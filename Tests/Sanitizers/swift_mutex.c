// Preloaded for runs under ThreadSanitizer. Swift's Mutex hands a contended lock over within the kernel (FUTEX_LOCK_PI),
// in a library that is not instrumented: the sanitizer does not see who had it before and takes all that it guards for
// raced over. These two stand in front of the library's own and tell it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT_METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

// Only there in a program that is instrumented.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

typedef SWIFT_METHOD void lock_method(uint32_t thread, SELF);
typedef SWIFT_METHOD void unlock_method(SELF);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT_METHOD void lock_slow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT_METHOD void unlock_slow(SELF) __asm__(UNLOCK);

SWIFT_METHOD void lock_slow(uint32_t thread, SELF) {
  static lock_method *real;
  if (!real) real = (lock_method *)dlsym(RTLD_NEXT, LOCK);
  real(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT_METHOD void unlock_slow(SELF) {
  static unlock_method *real;
  if (!real) real = (unlock_method *)dlsym(RTLD_NEXT, UNLOCK);
  if (__tsan_release) __tsan_release(self);
  real(self);
}
