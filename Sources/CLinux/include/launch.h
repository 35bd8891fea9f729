// Starting, watching and signalling processes by pidfd.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CLINUX_MAX_INHERITED = 64 };

// A descriptor of ours and the number, 3 or higher, under which the child finds it.
struct clinux_inherited {
  int descriptor;
  int number;
};

// Everything is computed beforehand: after the fork only async-signal-safe calls are made.
struct clinux_launch {
  const char *program;
  char *const *arguments;
  char *const *environment;
  const char *directory;  // NULL: as ours
  const struct clinux_inherited *inherited;
  size_t inherited_count;  // at most CLINUX_MAX_INHERITED
  int output;              // its standard output and error
  mode_t mask;
  int group_entrance;      // cgroup.procs of the control group that it joins, open for writing; 0: ours
  bool switches_user;
  uid_t user;
  gid_t group;
  const gid_t *groups;
  size_t group_count;
};

// Where a launch failed.
enum clinux_stage {
  CLINUX_STAGE_NONE,
  CLINUX_STAGE_PIPE,
  CLINUX_STAGE_FORK,
  CLINUX_STAGE_WATCH,
  CLINUX_STAGE_GROUP,
  CLINUX_STAGE_DESCRIPTORS,
  CLINUX_STAGE_USER,
  CLINUX_STAGE_DIRECTORY,
  CLINUX_STAGE_EXEC,
};

struct clinux_child {
  pid_t pid;
  int pidfd;
  int stage;  // enum clinux_stage
  int error;  // errno
};

// Forks and execs in a process group of its own, with a clean signal mask, default dispositions, /dev/null as
// standard input and no descriptor but those named. Returns 0 once the program runs; otherwise -1 with stage and
// error set, and no process or zombie is left.
int clinux_launch(const struct clinux_launch *launch, struct clinux_child *child);

// Orphaned descendants become children of this process.
int clinux_become_subreaper(void);

struct clinux_exit {
  int code;    // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  int status;  // exit status or signal
};

// 1: it has ended (and is reaped, if so wished); 0: it runs; -1: errno.
int clinux_wait(int pidfd, bool reap, struct clinux_exit *ended);

// Reaps one ended child of that process group (or, with group false, that very child) without waiting: its pid,
// 0 if there is none, -1 with errno.
pid_t clinux_reap(pid_t pid, bool group);

int clinux_pidfd_signal(int pidfd, int signal);

// Becomes another program under the same pid, with a clean signal mask and no descriptor but the first three. Returns
// only where that fails, -1 with errno; then every other descriptor is closed on exec.
int clinux_become(const char *program, char *const *arguments);

// A pidfd of any process, closed on exec; -1 with errno. Whose it is by then, the caller must look up afterwards.
int clinux_pidfd_open(pid_t pid);

// `KILL`, `TERM`; NULL for a number without a name.
const char *clinux_signal_name(int signal);

// A pipe for a child's output, that outlives whoever reads it: the child's end is open for reading too, so that it
// never breaks. It blocks as programs expect, once 1 MiB waits to be read. The reading end does not block; no other
// program inherits either.
int clinux_output_pipe(int ends[2]);

// The reading end of such a pipe, by the process that has it as its standard output or error; -1 with errno, ENOENT
// where it is another file than the pipe of that inode number.
int clinux_reopen_output(pid_t pid, ino_t pipe);

// An ordinary pipe; no other program inherits either end.
int clinux_pipe(int ends[2]);
