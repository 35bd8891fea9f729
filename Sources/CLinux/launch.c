#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct report {
  int stage;
  int error;
};

static _Noreturn void give_up(int reports, int stage) {
  struct report report = {stage, errno};
  // Shorter than PIPE_BUF, so it arrives whole or not at all.
  (void)!write(reports, &report, sizeof report);
  _exit(127);
}

// An ignored signal would stay ignored across exec; handlers of ours must not run in the child. Plain system calls:
// glibc's function refuses the two signals that it keeps for itself, and a parent may have ignored even these.
static void default_dispositions(void) {
  // The kernel's own structure: handler, flags, restorer and mask, all of them zero.
  const unsigned long action[4] = {0};
  for (int signal = 1; signal < NSIG; signal++) syscall(SYS_rt_sigaction, signal, action, NULL, sizeof(long));
}

// Copies go above every wanted number first, so that no dup2 overwrites a source that is still needed.
static void arrange_descriptors(const struct clinux_launch *launch, int *reports) {
  int base = 3;
  for (size_t i = 0; i < launch->inherited_count; i++)
    if (launch->inherited[i].number >= base) base = launch->inherited[i].number + 1;
  int moved = fcntl(*reports, F_DUPFD_CLOEXEC, base);
  if (moved < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
  *reports = moved;

  int copies[CLINUX_MAX_INHERITED];
  for (size_t i = 0; i < launch->inherited_count; i++) {
    copies[i] = fcntl(launch->inherited[i].descriptor, F_DUPFD_CLOEXEC, base);
    if (copies[i] < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
  }
  int output = fcntl(launch->output, F_DUPFD_CLOEXEC, base);
  if (output < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
  int input = fcntl(null, F_DUPFD_CLOEXEC, base);
  if (input < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);

  // Exec closes them all, the report pipe included; dup2 below clears the mark where it must be clear.
  if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
    give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
  for (size_t i = 0; i < launch->inherited_count; i++)
    if (dup2(copies[i], launch->inherited[i].number) < 0) give_up(*reports, CLINUX_STAGE_DESCRIPTORS);
}

// Plain system calls: glibc's wrappers would signal the other threads, of which a forked child has none.
static void switch_user(const struct clinux_launch *launch, int reports) {
  if (syscall(SYS_setgroups, launch->group_count, launch->groups) < 0 ||
      syscall(SYS_setresgid, launch->group, launch->group, launch->group) < 0 ||
      syscall(SYS_setresuid, launch->user, launch->user, launch->user) < 0)
    give_up(reports, CLINUX_STAGE_USER);
}

static _Noreturn void become(const struct clinux_launch *launch, int reports) {
  if (setpgid(0, 0) < 0) give_up(reports, CLINUX_STAGE_GROUP);
  default_dispositions();
  // Before it can start anything. Where it may not join, its process group has to do.
  if (launch->group_entrance > 0) (void)!write(launch->group_entrance, "0", 1);
  arrange_descriptors(launch, &reports);
  umask(launch->mask);
  if (launch->switches_user) switch_user(launch, reports);
  if (launch->directory && chdir(launch->directory) < 0) give_up(reports, CLINUX_STAGE_DIRECTORY);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(launch->program, launch->arguments, launch->environment);
  give_up(reports, CLINUX_STAGE_EXEC);
}

// A parent that ignored SIGCHLD hands that down to us, and the kernel would then reap our children by itself.
static void keep_ended_children(void) {
  struct sigaction action;
  if (sigaction(SIGCHLD, NULL, &action) < 0) return;
  if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT)) return;
  action = (struct sigaction){.sa_handler = SIG_DFL};
  sigaction(SIGCHLD, &action, NULL);
}

static int refuse(struct clinux_child *child, int stage, int error) {
  child->stage = stage;
  child->error = error;
  return -1;
}

static void reap_failed(pid_t pid) {
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

int clinux_launch(const struct clinux_launch *launch, struct clinux_child *child) {
  *child = (struct clinux_child){.pid = -1, .pidfd = -1};
  if (launch->inherited_count > CLINUX_MAX_INHERITED) return refuse(child, CLINUX_STAGE_DESCRIPTORS, E2BIG);
  for (size_t i = 0; i < launch->inherited_count; i++)
    if (launch->inherited[i].number < 3) return refuse(child, CLINUX_STAGE_DESCRIPTORS, EINVAL);
  keep_ended_children();

  int reports[2];
  if (pipe2(reports, O_CLOEXEC) < 0) return refuse(child, CLINUX_STAGE_PIPE, errno);
  // No handler of ours may run in the child before its dispositions are reset.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = _Fork();
  if (pid == 0) become(launch, reports[1]);
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(reports[1]);
  if (pid < 0) {
    close(reports[0]);
    return refuse(child, CLINUX_STAGE_FORK, fork_error);
  }

  // Child and parent both do it: whoever is second finds it done (or the child past its exec, EACCES).
  setpgid(pid, pid);
  int pidfd = clinux_pidfd_open(pid);
  if (pidfd < 0) {
    int error = errno;
    kill(pid, SIGKILL);
    reap_failed(pid);
    close(reports[0]);
    return refuse(child, CLINUX_STAGE_WATCH, error);
  }

  struct report report;
  ssize_t count;
  while ((count = read(reports[0], &report, sizeof report)) < 0 && errno == EINTR) {}
  close(reports[0]);
  if (count == (ssize_t)sizeof report) {
    reap_failed(pid);
    close(pidfd);
    return refuse(child, report.stage, report.error);
  }
  child->pid = pid;
  child->pidfd = pidfd;
  return 0;
}

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_wait(int pidfd, bool reap, struct clinux_exit *ended) {
  siginfo_t info = {0};
  int result;
  do {
    result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | (reap ? 0 : WNOWAIT));
  } while (result < 0 && errno == EINTR);
  if (result < 0) return -1;
  if (info.si_pid == 0) return 0;
  ended->code = info.si_code;
  ended->status = info.si_status;
  return 1;
}

pid_t clinux_reap(pid_t pid, bool group) {
  siginfo_t info = {0};
  int result;
  do {
    result = waitid(group ? P_PGID : P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -1 : info.si_pid;
}

const char *clinux_signal_name(int signal) { return sigabbrev_np(signal); }

int clinux_output_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  // Fails for no pipe.
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // What a child can say until somebody reads; the kernel gives the pages only when they are written. It may refuse so
  // much to who is not root.
  fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", ends[1]);
  int both = open(name, O_RDWR | O_CLOEXEC);
  if (both < 0) return 0;
  close(ends[1]);
  ends[1] = both;
  return 0;
}

int clinux_reopen_output(pid_t pid, ino_t pipe) {
  for (int number = 1; number <= 2; number++) {
    char name[48];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)pid, number);
    int descriptor = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return -1;
    struct stat status;
    if (fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) && status.st_ino == pipe) return descriptor;
    close(descriptor);
  }
  errno = ENOENT;
  return -1;
}

int clinux_become(const char *program, char *const *arguments) {
  if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) return -1;
  // Ignored signals stay ignored, so that none ends us before there is a handler again.
  sigset_t none, before;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, &before);
  execv(program, arguments);
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return -1;
}

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_pidfd_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u);
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
