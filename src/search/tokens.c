/* The tokenizer of the full-text index: terms as they are, text by search/words.h. */
#include "search/state.h"
#include "search/words.h"

typedef int (*token_fn)(void *ctx, int flags, const char *text, int len, int from, int to);

static int tokens_create(void *ctx, const char **args, int count, Fts5Tokenizer **out)
{
    (void)args;
    (void)count;
    *out = ctx; /* has no state: anything but NULL */
    return SQLITE_OK;
}

static void tokens_delete(Fts5Tokenizer *tokenizer)
{
    (void)tokenizer;
}

static int put_terms(struct str text, void *ctx, token_fn token)
{
    int status = SQLITE_OK;
    size_t at = 1;
    while (status == SQLITE_OK && at < text.len) {
        const char *end = memchr(text.at + at, TERM_END, text.len - at);
        size_t len = (end == NULL ? text.len : (size_t)(end - text.at)) - at;
        if (len > 0)
            status = token(ctx, 0, text.at + at, (int)len, (int)at, (int)(at + len));
        at += len + 1;
    }
    return status;
}

static int tokens_put(Fts5Tokenizer *tokenizer, void *ctx, int flags, const char *at, int len, token_fn token)
{
    struct str text = {at, len < 0 || at == NULL ? 0 : (size_t)len};
    struct word word;
    int status = SQLITE_OK;
    (void)tokenizer;
    if (text.len > 0 && text.at[0] == TERM_BEGIN)
        return put_terms(text, ctx, token);
    struct words words = words_of(text, (flags & FTS5_TOKENIZE_QUERY) != 0);
    while (status == SQLITE_OK && words_next(&words, &word))
        status = token(ctx, word.beside ? FTS5_TOKEN_COLOCATED : 0, word.text, (int)word.len, (int)word.from,
                       (int)word.to);
    return status;
}

err_t tokens_register(sqlite3 *db)
{
    fts5_tokenizer tokenizer = {tokens_create, tokens_delete, tokens_put};
    fts5_api *api = NULL;
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL) != SQLITE_OK)
        return ERR_UNSUPPORTED;
    (void)sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
    (void)sqlite3_step(statement);
    (void)sqlite3_finalize(statement);
    if (api == NULL || api->iVersion < 2)
        return ERR_UNSUPPORTED;
    return search_err(api->xCreateTokenizer(api, "bongsu", api, &tokenizer, NULL));
}
