#include "app/keeper_role.h"

#include "app/keeper.h"
#include "app/link.h"
#include "core/mem.h"

struct keeper_role {
    const struct diag *diag;
    void (*broken)(void *ctx);
    void *broken_ctx;
    struct keeper *keeper;
    struct link *core;
    struct buf out;
};

static void from_core(void *ctx, unsigned kind, struct bytes body)
{
    struct keeper_role *role = ctx;
    unsigned answer;
    keeper_handle(role->keeper, kind, body, &answer, &role->out);
    if (answer == 0)
        return;
    err_t err = link_send(role->core, answer, buf_bytes(&role->out));
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "keeper", "restart the node", "a signature was dropped: %s",
                 err_text(err));
}

static void core_fresh(void *ctx)
{
    (void)ctx; /* the keeper answers at once and remembers nothing of whom it answered */
}

static void core_broken(void *ctx)
{
    struct keeper_role *role = ctx;
    diag_say(role->diag, DIAG_ERROR, ERR_CORRUPT, "keeper", "the node restarts this role",
             "another role wrote nonsense into shared memory");
    role->broken(role->broken_ctx);
}

err_t keeper_role_open(struct loop *loop, const struct os *os, const struct conf *conf,
                       const struct diag *diag, const struct os_channel_fds *core, void (*broken)(void *ctx),
                       void *ctx, struct keeper_role **out)
{
    struct keeper_role *role = mem_alloc(sizeof *role);
    err_t err;
    if (role == NULL)
        return ERR_NOMEM;
    role->diag = diag;
    role->broken = broken;
    role->broken_ctx = ctx;
    buf_init(&role->out, LIMIT_LINK_SMALL_BYTES);
    struct link_handler handler = {from_core, core_fresh, NULL, core_broken, NULL, role};
    if (TRY(err, keeper_open(os, conf, diag, &role->keeper)) ||
        TRY(err, link_open(loop, os, core, 1, &handler, &role->core))) {
        keeper_role_close(role);
        return err;
    }
    *out = role;
    return ERR_OK;
}

void keeper_role_close(struct keeper_role *role)
{
    if (role == NULL)
        return;
    link_close(role->core);
    keeper_close(role->keeper);
    buf_deinit(&role->out);
    mem_free(role);
}
