// Preloaded (LD_PRELOAD) into dtbench by counts.py: counts its calls on files below a folder, by
// kind and by what they are for.
//
//   SCALE_ROOT    the folder of records
//   SCALE_COUNTS  a file of zeros, long[AREAS][KINDS], which all processes share
//
// Each process takes itself for another machine's: leases do not see each other's locks.
//
// Counted are calls that may ask a file server: not fstat(2), since the kernel knows the attributes
// of an open file, not a read(2) that finds the end, not close(2). A listing counts once, however
// many names it has.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../tests/interposed_calls.h"

// As in counts.py.
enum kind { OPEN, STAT, LIST, READ, WRITE, SYNC, RENAME, MAKE, REMOVE, LOCK, KINDS };
enum area { LEASE, ACCOUNT, RECORD, OTHER, AREAS };

static _Atomic long (*counts)[KINDS];
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
  const char* folder = getenv("SCALE_ROOT");
  const char* file = getenv("SCALE_COUNTS");
  if (folder == NULL || file == NULL || strlen(folder) >= sizeof root) return;
  if (strcmp(program_invocation_short_name, "dtbench") != 0) return;  // the engine's are its own
  const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (descriptor < 0) return;
  void* mapped = (void*)syscall(SYS_mmap, NULL, sizeof(long[AREAS][KINDS]), PROT_READ | PROT_WRITE,
                                MAP_SHARED, descriptor, 0);
  syscall(SYS_close, descriptor);
  if (mapped == MAP_FAILED) return;
  root_length = strlen(folder);
  memcpy(root, folder, root_length + 1);
  counts = mapped;
}

static enum area area_of(const char* below) {
  if (strncmp(below, "/.sweep/leases", 14) == 0) return LEASE;
  if (strncmp(below, "/.sweep/ledger", 14) == 0) return ACCOUNT;
  return strncmp(below, "/.sweep", 7) == 0 ? OTHER : RECORD;
}

static void count(enum kind kind, const char* path) {
  if (counts != NULL && path != NULL && strncmp(path, root, root_length) == 0)
    atomic_fetch_add(&counts[area_of(path + root_length)][kind], 1);
}

static void count_on(enum kind kind, int descriptor) {
  if (counts == NULL) return;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = '\0';
  count(kind, path);
}

static void count_at(enum kind kind, int folder, const char* path) {
  if (folder == AT_FDCWD || path[0] == '/') return count(kind, path);
  count_on(kind, folder);
}

// --- opening ---

#define DEFINE_OPEN(name)                                         \
  int name(const char* path, int flags, ...) {                    \
    va_list more;                                                 \
    va_start(more, flags);                                        \
    const mode_t mode = mode_of(flags, more);                     \
    va_end(more);                                                 \
    count(OPEN, path);                                            \
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode); \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

// Of a folder: fdopendir() counts it.
#define DEFINE_OPENAT(name)                                        \
  int name(int folder, const char* path, int flags, ...) {         \
    va_list more;                                                  \
    va_start(more, flags);                                         \
    const mode_t mode = mode_of(flags, more);                      \
    va_end(more);                                                  \
    if ((flags & O_DIRECTORY) == 0) count_at(OPEN, folder, path);  \
    return (int)syscall(SYS_openat, folder, path, flags, mode);    \
  }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

// A new number at each reading instead of this kernel's.
static const char* machine(const char* path) {
  const int own = counts != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0;
  return own ? "/proc/sys/kernel/random/uuid" : path;
}

#define DEFINE_FOPEN(name)                         \
  FILE* name(const char* path, const char* mode) { \
    REAL(FILE*, #name, const char*, const char*);  \
    count(OPEN, path);                             \
    return real(machine(path), mode);              \
  }
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

DIR* opendir(const char* path) {
  REAL(DIR*, "opendir", const char*);
  count(LIST, path);
  return real(path);
}

DIR* fdopendir(int descriptor) {
  REAL(DIR*, "fdopendir", int);
  count_on(LIST, descriptor);
  return real(descriptor);
}

// --- attributes ---

#define DEFINE_STAT(name, status, call, ...)                          \
  int name(const char* path, struct status* to) {                     \
    count(STAT, path);                                                \
    return (int)syscall(call, AT_FDCWD, path, to, __VA_ARGS__);       \
  }
DEFINE_STAT(stat, stat, SYS_newfstatat, 0)
DEFINE_STAT(stat64, stat64, SYS_newfstatat, 0)
DEFINE_STAT(lstat, stat, SYS_newfstatat, AT_SYMLINK_NOFOLLOW)
DEFINE_STAT(lstat64, stat64, SYS_newfstatat, AT_SYMLINK_NOFOLLOW)

#define DEFINE_FSTATAT(name, status)                                       \
  int name(int folder, const char* path, struct status* to, int flags) {   \
    if ((flags & AT_EMPTY_PATH) == 0) count_at(STAT, folder, path);        \
    return (int)syscall(SYS_newfstatat, folder, path, to, flags);          \
  }
DEFINE_FSTATAT(fstatat, stat)
DEFINE_FSTATAT(fstatat64, stat64)

// --- reading and writing ---

ssize_t read(int descriptor, void* to, size_t size) {
  const ssize_t got = syscall(SYS_read, descriptor, to, size);
  if (got > 0) count_on(READ, descriptor);
  return got;
}

#define DEFINE_PREAD(name, offset_type)                                      \
  ssize_t name(int descriptor, void* to, size_t size, offset_type offset) {  \
    const ssize_t got = syscall(SYS_pread64, descriptor, to, size, offset);  \
    if (got > 0) count_on(READ, descriptor);                                 \
    return got;                                                              \
  }
DEFINE_PREAD(pread, off_t)
DEFINE_PREAD(pread64, off64_t)

ssize_t write(int descriptor, const void* from, size_t size) {
  count_on(WRITE, descriptor);
  return syscall(SYS_write, descriptor, from, size);
}

#define DEFINE_TRUNCATE(name, offset_type)                 \
  int name(int descriptor, offset_type size) {             \
    count_on(WRITE, descriptor);                           \
    return (int)syscall(SYS_ftruncate, descriptor, size);  \
  }
DEFINE_TRUNCATE(ftruncate, off_t)
DEFINE_TRUNCATE(ftruncate64, off64_t)

int fsync(int descriptor) {
  count_on(SYNC, descriptor);
  return (int)syscall(SYS_fsync, descriptor);
}

// --- names ---

int rename(const char* from, const char* to) {
  count(RENAME, to);
  return (int)syscall(SYS_rename, from, to);
}

int mkdir(const char* path, mode_t mode) {
  count(MAKE, path);
  return (int)syscall(SYS_mkdir, path, mode);
}

int unlink(const char* path) {
  count(REMOVE, path);
  return (int)syscall(SYS_unlink, path);
}

int unlinkat(int folder, const char* path, int flags) {
  count_at(REMOVE, folder, path);
  return (int)syscall(SYS_unlinkat, folder, path, flags);
}

int rmdir(const char* path) {
  count(REMOVE, path);
  return (int)syscall(SYS_rmdir, path);
}

// --- locks ---

#define DEFINE_FCNTL(name)                                                            \
  int name(int descriptor, int command, ...) {                                        \
    va_list more;                                                                     \
    va_start(more, command);                                                          \
    void* const argument = va_arg(more, void*);                                       \
    va_end(more);                                                                     \
    if (command == F_OFD_SETLK || command == F_OFD_GETLK) count_on(LOCK, descriptor); \
    return (int)syscall(SYS_fcntl, descriptor, command, argument);                    \
  }
DEFINE_FCNTL(fcntl)
DEFINE_FCNTL(fcntl64)

int flock(int descriptor, int operation) {
  count_on(LOCK, descriptor);
  return (int)syscall(SYS_flock, descriptor, operation);
}
