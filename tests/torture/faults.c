// Preloaded (LD_PRELOAD) into a program and its children by scripts/torture: one call on a file
// below TORTURE_ROOT fails, once, as a disk or a network drive would have it fail; and the time of
// day is wrong.
//
//   TORTURE_ROOT   the folder whose files count
//   TORTURE_STATE  a file of zeros, struct state, which all processes share: which call is to fail,
//                  and how many there were of each kind
//   TORTURE_ONLY   the program (dtbench-engine) whose calls count, and no other's
//   TORTURE_CLOCK  seconds by which the time of day is wrong; "jump": by years, at each look anew
//
// The libraries' own calls of the kernel are caught where they go through libc's exported names,
// as libstdc++'s streams, zlib's and OpenSSL's do; libc's own streams by fopen, fread, fwrite,
// fflush and fclose.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "../interposed_calls.h"

// As in shim.py.
enum kind { OPEN, READ, WRITE, SHORT_WRITE, SYNC, RENAME, MAKE, REMOVE, TRUNCATE, MAP, LIST, KINDS };

struct state {
  _Atomic long calls[KINDS];
  long kind, number, error;  // the call to fail: its kind, its number from 1, errno
  _Atomic long failed;       // how many did: one at most
  char what[256];            // which: for the report
};

static struct state* shared;
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
  const char* folder = getenv("TORTURE_ROOT");
  const char* file = getenv("TORTURE_STATE");
  const char* only = getenv("TORTURE_ONLY");
  if (folder == NULL || file == NULL || strlen(folder) >= sizeof root) return;
  if (only != NULL && strcmp(only, program_invocation_short_name) != 0) return;
  int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (descriptor < 0) return;
  void* mapped = (void*)syscall(SYS_mmap, NULL, sizeof(struct state), PROT_READ | PROT_WRITE,
                                MAP_SHARED, descriptor, 0);
  syscall(SYS_close, descriptor);
  if (mapped == MAP_FAILED) return;
  root_length = strlen(folder);
  memcpy(root, folder, root_length + 1);
  shared = mapped;
}

static int is_below(const char* path) {
  char whole[PATH_MAX];
  if (path == NULL) return 0;
  if (path[0] != '/') {  // relative to where the program is
    if (syscall(SYS_getcwd, whole, sizeof whole) < 0) return 0;
    path = whole;
  }
  return strncmp(path, root, root_length) == 0;
}

static int path_of(int descriptor, char* path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
  path[length < 0 ? 0 : length] = '\0';
  return length > 0;
}

// Whether this call, on a path that counts, is to fail.
static int fails_at(enum kind kind, const char* path) {
  const int before = errno;
  const long number = atomic_fetch_add(&shared->calls[kind], 1) + 1;
  errno = before;
  if (shared->kind != kind || number != shared->number) return 0;
  atomic_fetch_add(&shared->failed, 1);
  snprintf(shared->what, sizeof shared->what, "%s", path);
  errno = (int)shared->error;
  return 1;
}

static int fails(enum kind kind, const char* path) {
  return shared != NULL && is_below(path) && fails_at(kind, path);
}

static int fails_on(enum kind kind, int descriptor) {
  char path[PATH_MAX];
  // Without the "pipe:[7]" of what is no file.
  return shared != NULL && path_of(descriptor, path, sizeof path) && path[0] == '/' &&
         is_below(path) && fails_at(kind, path);
}

// --- opening ---

#define DEFINE_OPEN(name)                                                   \
  int name(const char* path, int flags, ...) {                              \
    va_list more;                                                           \
    va_start(more, flags);                                                  \
    const mode_t mode = mode_of(flags, more);                               \
    va_end(more);                                                           \
    if (fails(OPEN, path)) return -1;                                       \
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);           \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                 \
  int name(int folder, const char* path, int flags, ...) {                  \
    va_list more;                                                           \
    va_start(more, flags);                                                  \
    const mode_t mode = mode_of(flags, more);                               \
    va_end(more);                                                           \
    if (path[0] == '/' ? fails(OPEN, path) : fails_on(OPEN, folder)) return -1; \
    return (int)syscall(SYS_openat, folder, path, flags, mode);             \
  }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

#define DEFINE_FOPEN(name)                                                  \
  FILE* name(const char* path, const char* mode) {                          \
    REAL(FILE*, #name, const char*, const char*);                           \
    return fails(OPEN, path) ? NULL : real(path, mode);                     \
  }
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

DIR* opendir(const char* path) {
  REAL(DIR*, "opendir", const char*);
  return fails(LIST, path) ? NULL : real(path);
}

DIR* fdopendir(int descriptor) {
  REAL(DIR*, "fdopendir", int);
  return fails_on(LIST, descriptor) ? NULL : real(descriptor);
}

#define DEFINE_READDIR(name, entry)                                         \
  struct entry* name(DIR* folder) {                                         \
    REAL(struct entry*, #name, DIR*);                                       \
    return fails_on(LIST, dirfd(folder)) ? NULL : real(folder);             \
  }
DEFINE_READDIR(readdir, dirent)
DEFINE_READDIR(readdir64, dirent64)

// --- reading ---

ssize_t read(int descriptor, void* to, size_t size) {
  if (fails_on(READ, descriptor)) return -1;
  return syscall(SYS_read, descriptor, to, size);
}

#define DEFINE_PREAD(name, offset_type)                                     \
  ssize_t name(int descriptor, void* to, size_t size, offset_type offset) { \
    if (fails_on(READ, descriptor)) return -1;                              \
    return syscall(SYS_pread64, descriptor, to, size, offset);              \
  }
DEFINE_PREAD(pread, off_t)
DEFINE_PREAD(pread64, off64_t)

ssize_t readv(int descriptor, const struct iovec* parts, int count) {
  if (fails_on(READ, descriptor)) return -1;
  return syscall(SYS_readv, descriptor, parts, count);
}

size_t fread(void* to, size_t size, size_t count, FILE* file) {
  REAL(size_t, "fread", void*, size_t, size_t, FILE*);
  return fails_on(READ, fileno(file)) ? 0 : real(to, size, count, file);
}

#define DEFINE_MMAP(name, offset_type)                                                        \
  void* name(void* at, size_t length, int protection, int flags, int descriptor,              \
             offset_type offset) {                                                            \
    if (descriptor >= 0 && fails_on(MAP, descriptor)) return MAP_FAILED;                      \
    return (void*)syscall(SYS_mmap, at, length, protection, flags, descriptor, offset);       \
  }
DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)

// --- writing ---

// Half of it and then the error, or nothing: both happen on a full disk.
static size_t part_of(int descriptor, size_t size) {
  return size > 1 && fails_on(SHORT_WRITE, descriptor) ? size / 2 : size;
}

ssize_t write(int descriptor, const void* from, size_t size) {
  if (fails_on(WRITE, descriptor)) return -1;
  return syscall(SYS_write, descriptor, from, part_of(descriptor, size));
}

#define DEFINE_PWRITE(name, offset_type)                                          \
  ssize_t name(int descriptor, const void* from, size_t size, offset_type offset) { \
    if (fails_on(WRITE, descriptor)) return -1;                                   \
    return syscall(SYS_pwrite64, descriptor, from, part_of(descriptor, size), offset); \
  }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  if (fails_on(WRITE, descriptor)) return -1;
  return syscall(SYS_writev, descriptor, parts, count);
}

size_t fwrite(const void* from, size_t size, size_t count, FILE* file) {
  REAL(size_t, "fwrite", const void*, size_t, size_t, FILE*);
  return fails_on(WRITE, fileno(file)) ? 0 : real(from, size, count, file);
}

int fflush(FILE* file) {
  REAL(int, "fflush", FILE*);
  return file != NULL && fails_on(WRITE, fileno(file)) ? EOF : real(file);
}

int fclose(FILE* file) {
  REAL(int, "fclose", FILE*);
  const int failed = fails_on(WRITE, fileno(file));
  const int error = errno;
  const int result = real(file);
  if (failed) errno = error;
  return failed ? EOF : result;
}

int fsync(int descriptor) {
  return fails_on(SYNC, descriptor) ? -1 : (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
  return fails_on(SYNC, descriptor) ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

#define DEFINE_TRUNCATE(name, offset_type)                                  \
  int name(int descriptor, offset_type size) {                              \
    if (fails_on(TRUNCATE, descriptor)) return -1;                          \
    return (int)syscall(SYS_ftruncate, descriptor, size);                   \
  }
DEFINE_TRUNCATE(ftruncate, off_t)
DEFINE_TRUNCATE(ftruncate64, off64_t)

// --- names ---

int rename(const char* from, const char* to) {
  return fails(RENAME, to) ? -1 : (int)syscall(SYS_rename, from, to);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  return fails(RENAME, to) ? -1 : (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
}

int mkdir(const char* path, mode_t mode) {
  return fails(MAKE, path) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int unlink(const char* path) {
  return fails(REMOVE, path) ? -1 : (int)syscall(SYS_unlink, path);
}

int unlinkat(int folder, const char* path, int flags) {
  if (path[0] == '/' ? fails(REMOVE, path) : fails_on(REMOVE, folder)) return -1;
  return (int)syscall(SYS_unlinkat, folder, path, flags);
}

int rmdir(const char* path) {
  return fails(REMOVE, path) ? -1 : (int)syscall(SYS_rmdir, path);
}

int remove(const char* path) {
  REAL(int, "remove", const char*);
  return fails(REMOVE, path) ? -1 : real(path);
}

// --- clocks ---

static long long error_of_clock(void) {
  static _Atomic unsigned looks;
  const char* text = getenv("TORTURE_CLOCK");
  if (text == NULL) return 0;
  if (strcmp(text, "jump") == 0)
    return atomic_fetch_add(&looks, 1) % 2 == 0 ? 100000000LL : -100000000LL;
  return atoll(text);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += (time_t)error_of_clock();
  return result;
}

int gettimeofday(struct timeval* now, void* zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* now) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now != NULL) *now = precise.tv_sec;
  return precise.tv_sec;
}
