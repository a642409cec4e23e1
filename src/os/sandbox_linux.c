#define _GNU_SOURCE

#include "os/sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0u
#endif

enum { PROGRAM_MAX = 256, X32_BIT = 0x40000000 };

static const int running[] = {SYS_execve, SYS_execveat};

static const int always[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_open_by_handle_at,
    SYS_pidfd_getfd,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
};

/* Every way to another account but those that are looked at. */
static const int changing[] = {
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setfsuid, SYS_setfsgid,
};

static const int network[] = {
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
};

static const int writing[] = {
    SYS_openat2, /* its flags stand in memory, where a filter cannot look */
    SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_mkdirat,  SYS_linkat, SYS_symlinkat,
    SYS_mknodat,  SYS_fchmodat,  SYS_fchownat, SYS_truncate,
#if defined(__x86_64__)
    SYS_creat,    SYS_rename,    SYS_unlink,   SYS_mkdir,    SYS_rmdir,  SYS_link,
    SYS_symlink,  SYS_mknod,     SYS_chmod,    SYS_chown,    SYS_lchown,
#endif
};

struct program {
    struct sock_filter code[PROGRAM_MAX];
    unsigned short len;
};

static void emit(struct program *program, unsigned code, uint32_t k, unsigned yes, unsigned no)
{
    must(program->len < PROGRAM_MAX);
    program->code[program->len++] =
        (struct sock_filter) {(unsigned short)code, (unsigned char)yes, (unsigned char)no, k};
}

static void refuse(struct program *program)
{
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1u /* EPERM */, 0, 0);
}

static void deny(struct program *program, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
        refuse(program);
    }
}

/* `argument` holds open's flags; both machines are little-endian, so its low half comes first. */
static void deny_open_to_write(struct program *program, int call, unsigned argument)
{
    const uint32_t flags = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    const uint32_t at = (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
    emit(program, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
    emit(program, BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1);
    refuse(program);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static uint32_t argument_at(unsigned argument)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
}

/* One account: all three arguments are its number. The kernel takes their low halves. */
static void allow_three(struct program *program, uint32_t number)
{
    for (unsigned i = 0; i < 3; i++) {
        emit(program, BPF_LD | BPF_W | BPF_ABS, argument_at(i), 0, 0);
        emit(program, BPF_JMP | BPF_JEQ | BPF_K, number, 0, (2 - i) * 2 + 1);
    }
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* Only to one of these; `group` says which of their numbers. */
static void bind_change(struct program *program, int call, const struct os_account *accounts, size_t count,
                        bool group)
{
    const unsigned each = 7; /* instructions of allow_three */
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (unsigned)count * each + 1);
    for (size_t i = 0; i < count; i++)
        allow_three(program, (uint32_t)(group ? accounts[i].group : accounts[i].user));
    refuse(program);
}

/* No group beside the account's own. */
static void bind_groups(struct program *program)
{
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_setgroups, 0, 4);
    emit(program, BPF_LD | BPF_W | BPF_ABS, argument_at(0), 0, 0);
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    refuse(program);
}

static void begin(struct program *program)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    emit(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    /* The 32-bit table of x86-64 has the same calls under other numbers. */
    emit(program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    refuse(program);
    deny(program, always, sizeof always / sizeof always[0]);
}

static void compile(struct program *program, unsigned what)
{
    begin(program);
    deny(program, running, sizeof running / sizeof running[0]);
    if ((what & OS_SANDBOX_NO_NETWORK) != 0)
        deny(program, network, sizeof network / sizeof network[0]);
    if ((what & OS_SANDBOX_NO_WRITING) != 0) {
        deny(program, writing, sizeof writing / sizeof writing[0]);
        deny_open_to_write(program, SYS_openat, 2);
#if defined(__x86_64__)
        deny_open_to_write(program, SYS_open, 1);
#endif
    }
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static err_t install(struct program *program)
{
    const struct rlimit no_core = {0, 0};
    const struct sock_fprog filter = {program->len, program->code};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR_UNSUPPORTED;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return result == 0 ? ERR_OK : ERR_UNSUPPORTED;
}

err_t os_sandbox_enter(unsigned what)
{
    struct program program = {.len = 0};
    if (ARCH == 0)
        return ERR_UNSUPPORTED;
    compile(&program, what);
    return install(&program);
}

err_t os_sandbox_accounts(const struct os_account *accounts, size_t count)
{
    struct program program = {.len = 0};
    if (ARCH == 0 || count > OS_SANDBOX_ACCOUNTS_MAX)
        return ERR_UNSUPPORTED;
    begin(&program);
    deny(&program, changing, sizeof changing / sizeof changing[0]);
    bind_change(&program, SYS_setresuid, accounts, count, false);
    bind_change(&program, SYS_setresgid, accounts, count, true);
    bind_groups(&program);
    emit(&program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    return install(&program);
}
