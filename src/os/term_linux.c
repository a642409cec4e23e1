#define _DEFAULT_SOURCE /* dprintf, getpwuid_r */

#include "os/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

bool os_term_is(int fd)
{
    return isatty(fd) == 1;
}

unsigned os_term_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

static err_t read_line(int fd, struct buf *out)
{
    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0 || c == '\n')
            return buf_err(out);
        buf_putc(out, c);
        if (buf_err(out) != ERR_OK)
            return buf_err(out);
    }
}

err_t os_term_secret(const char *prompt, struct buf *out)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before, quiet;
    if (fd < 0)
        return ERR_NOTFOUND;
    if (tcgetattr(fd, &before) != 0) {
        close(fd);
        return ERR_NOTFOUND;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    err_t err = tcsetattr(fd, TCSAFLUSH, &quiet) == 0 ? ERR_OK : ERR_IO;
    if (err == ERR_OK) {
        (void)dprintf(fd, "%s", prompt);
        err = read_line(fd, out);
        (void)dprintf(fd, "\n");
    }
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    close(fd);
    return err;
}

err_t os_term_input(struct buf *out, size_t size, bool *out_end)
{
    size_t before = out->len;
    uint8_t *to = buf_extend(out, size);
    if (to == NULL)
        return buf_err(out);
    ssize_t got;
    do
        got = read(0, to, size);
    while (got < 0 && errno == EINTR);
    out->len = before + (got > 0 ? (size_t)got : 0);
    if (got < 0)
        return ERR_IO;
    *out_end = got == 0;
    return ERR_OK;
}

const char *os_term_env(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

void os_term_user(unsigned uid, char *out, size_t size)
{
    struct passwd entry, *found = NULL;
    char room[4096];
    if (getpwuid_r((uid_t)uid, &entry, room, sizeof room, &found) == 0 && found != NULL)
        (void)snprintf(out, size, "%s", found->pw_name);
    else
        (void)snprintf(out, size, "uid %u", uid);
}

void os_term_pause(unsigned ms)
{
    (void)poll(NULL, 0, (int)ms);
}
