/* Answers of any size to operators: a portion when the client has read the one before. */
#include "app/core_state.h"
#include "core/rd.h"

static void close_one(struct stream *stream)
{
    if (stream->row != NULL)
        stream->row->end(stream->state);
    *stream = (struct stream) {.row = NULL};
}

err_t core_stream_begin(struct core_role *role, struct command_call *call, const struct command_stream *row,
                        uint32_t client)
{
    struct stream *stream = NULL;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS && stream == NULL; i++)
        if (role->streams[i].row == NULL)
            stream = &role->streams[i];
    if (stream == NULL)
        return command_refuse(call, ERR_BUSY, "try again later", "too many questions at once");
    void *state;
    err_t err = row->begin(call, &state);
    if (err != ERR_OK)
        return err;
    *stream = (struct stream) {.row = row, .state = state, .client = client};
    core_wake(role);
    return ERR_OK;
}

/* True: it did something and wants another turn; *pause: it waits for somebody, and wants it after a while.
 */
static bool step(struct core_role *role, struct stream *stream, bool *pause)
{
    struct buf out;
    bool end = false;
    struct command_call call = {
        .host = &role->host, .now_us = core_now(role), .arena = &role->arena, .out = &out};
    buf_init(&out, LIMIT_CONTROL_REPLY_BYTES);
    err_t err = stream->row->next(&call, stream->state, &end);
    if (err == ERR_OK && buf_err(&out) != ERR_OK) {
        err = buf_err(&out);
        buf_clear(&out);
        (void)command_refuse(&call, err, NULL, "%s", err_text(err));
    }
    arena_reset(&role->arena);
    end = end || err != ERR_OK;
    if (end)
        core_write_done(&out, err, call.what[0] == '\0' ? err_text(err) : call.what, call.next);
    bool more = out.len == 0;
    *pause = more && call.pause;
    if (out.len > 0)
        core_lines_send(role, stream->client, end ? LINES_LAST : LINES_MORE, buf_bytes(&out));
    buf_deinit(&out);
    stream->reading = !more;
    if (end)
        close_one(stream);
    return more;
}

void core_streams_turn(struct core_role *role)
{
    bool works = false, waits = false, pause;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->streams[i].row != NULL && !role->streams[i].reading) {
            bool more = step(role, &role->streams[i], &pause);
            works |= more && !pause;
            waits |= pause;
        }
    /* Who waits for the search file waits for its thread, and need not spin until then. */
    waits |= works && role->searching.running;
    role->streams_until_us = waits ? core_now(role) + LIMIT_STREAM_PAUSE_US : INT64_MAX;
    if (works && !role->searching.running)
        core_wake(role);
}

static struct stream *stream_of(struct core_role *role, uint32_t client)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->streams[i].row != NULL && role->streams[i].client == client)
            return &role->streams[i];
    return NULL;
}

void core_stream_more(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    struct stream *stream = stream_of(role, rd_u32(&rd));
    if (rd.err != ERR_OK || stream == NULL)
        return;
    stream->reading = false;
    core_wake(role);
}

void core_stream_gone(struct core_role *role, uint32_t client)
{
    struct stream *stream = stream_of(role, client);
    if (stream != NULL)
        close_one(stream);
}

void core_streams_close(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        close_one(&role->streams[i]);
}
