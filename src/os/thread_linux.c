#include "os/thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "core/mem.h"

/* A tenth of a processor that the loop wants too, all of one that it does not. */
enum { BESIDE_NICE = 10 };

struct os_thread {
    pthread_t thread;
    void (*run)(void *ctx);
    void *ctx;
};

static void *begin(void *arg)
{
    struct os_thread *thread = arg;
    /* Linux gives each thread a niceness of its own: 0 is the one that asks. Not to be had is no harm. */
    (void)setpriority(PRIO_PROCESS, 0, BESIDE_NICE);
    thread->run(thread->ctx);
    return NULL;
}

err_t os_thread_begin(void (*run)(void *ctx), void *ctx, struct os_thread **out)
{
    sigset_t all, before;
    struct os_thread *thread = mem_alloc(sizeof *thread);
    if (thread == NULL)
        return ERR_NOMEM;
    *thread = (struct os_thread) {.run = run, .ctx = ctx};
    (void)sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int failed = pthread_create(&thread->thread, NULL, begin, thread);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (failed != 0) {
        mem_free(thread);
        return ERR_NOMEM;
    }
    *out = thread;
    return ERR_OK;
}

void os_thread_join(struct os_thread *thread)
{
    if (thread == NULL)
        return;
    must(pthread_join(thread->thread, NULL) == 0);
    mem_free(thread);
}
