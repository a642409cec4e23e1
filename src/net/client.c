#define _GNU_SOURCE /* sys/select.h through curl.h */

#include "net/client.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include "core/mem.h"
#include "net/tls_context.h"
#include "os/os_address.h"

struct client {
    struct loop *loop;
    CURLM *multi;
    struct tls *tls;
    char *origin;
    char *proxy;
    uint64_t connect_ms;
    bool public_only;
    struct loop_timer timer;
    struct client_call *calls;
    struct socket_watch *watches;
};

struct client_call {
    struct client *client;
    struct client_call *next, *prev;
    CURL *easy;
    struct curl_slist *fields;
    struct buf body;
    bool (*part)(void *ctx, struct client_call *call, struct bytes part);
    size_t part_max, part_bytes; /* 0: endless; so many came */
    err_t stopped;               /* why we ended it */
    const void *connection;      /* the SSL that its body comes over; NULL: none, or not known yet */
    bool notified;               /* the other side ended that in form */
    void (*coming)(void *ctx);
    void (*done)(void *ctx, struct client_call *call, struct client_answer *answer);
    void *ctx;
    char what[CURL_ERROR_SIZE];
};

struct socket_watch {
    struct socket_watch *next, *prev;
    struct client *client;
    struct loop_watch watch;
};

/* --- ends of calls --- */

static void call_free(struct client_call *call)
{
    struct client *client = call->client;
    if (call->easy != NULL) {
        (void)curl_multi_remove_handle(client->multi, call->easy);
        curl_easy_cleanup(call->easy);
    }
    curl_slist_free_all(call->fields);
    buf_deinit(&call->body);
    if (call->prev != NULL)
        call->prev->next = call->next;
    else if (client->calls == call)
        client->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    mem_free(call);
}

/* In TLS 1.3 the other side's no to our certificate comes behind the handshake, as an error of reading; only
 * OpenSSL's words, which libcurl hands on, tell it from a connection that broke. */
static bool is_alert(const struct client_call *call)
{
    return strstr(call->what, " alert ") != NULL;
}

static err_t from_curl(const struct client_call *call, CURLcode code)
{
    if (call->stopped != ERR_OK)
        return call->stopped;
    switch (code) {
    case CURLE_OK:
        return ERR_OK;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
        return ERR_DENIED;
    case CURLE_WRITE_ERROR:
        return buf_err(&call->body) != ERR_OK ? buf_err(&call->body) : ERR_IO;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return is_alert(call) ? ERR_DENIED : ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

/* A body that ends with its TLS connection (neither a length nor chunks) has come whole only when that ended
 * with close_notify (RFC 9112 section 9.8); libcurl does not look. */
static bool is_cut(const struct client_call *call)
{
    struct curl_header *header = NULL;
    return call->connection != NULL && !call->notified &&
           curl_easy_header(call->easy, "content-length", 0, CURLH_HEADER, -1, &header) != CURLHE_OK &&
           curl_easy_header(call->easy, "transfer-encoding", 0, CURLH_HEADER, -1, &header) != CURLHE_OK;
}

static void finish_call(struct client_call *call, CURLcode code)
{
    static const char cut[] = "TLS ended without close_notify: the body may be cut";
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    struct client_answer answer = {from_curl(call, code), (int)status, &call->body, call->what};
    if (code != CURLE_OK && call->stopped == ERR_DENIED)
        answer.what = CLIENT_PRIVATE;
    if (code == CURLE_OK && is_cut(call)) {
        answer.err = ERR_CLOSED;
        answer.what = cut;
    }
    call->done(call->ctx, call, &answer);
    call_free(call);
}

static void finish_calls(struct client *client)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct client_call *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        finish_call(call, code);
    }
}

/* --- libcurl on the loop --- */

static void on_socket(void *ctx, unsigned ready)
{
    struct socket_watch *watch = ctx;
    struct client *client = watch->client;
    int running = 0;
    int mask =
        ((ready & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) | ((ready & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(client->multi, watch->watch.fd, mask, &running);
    finish_calls(client);
}

static void on_timer(void *ctx)
{
    struct client *client = ctx;
    int running = 0;
    (void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_calls(client);
}

static void drop_watch(struct socket_watch *watch)
{
    loop_unwatch(watch->client->loop, &watch->watch);
    if (watch->prev != NULL)
        watch->prev->next = watch->next;
    else
        watch->client->watches = watch->next;
    if (watch->next != NULL)
        watch->next->prev = watch->prev;
    mem_free(watch);
}

static int add_watch(struct client *client, curl_socket_t fd, unsigned want)
{
    struct socket_watch *watch = mem_alloc(sizeof *watch);
    if (watch == NULL)
        return -1;
    watch->client = client;
    if (loop_watch(client->loop, &watch->watch, fd, want, on_socket, watch) != ERR_OK) {
        mem_free(watch);
        return -1;
    }
    watch->next = client->watches;
    if (watch->next != NULL)
        watch->next->prev = watch;
    client->watches = watch;
    (void)curl_multi_assign(client->multi, fd, watch);
    return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
    struct client *client = ctx;
    struct socket_watch *watch = socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            drop_watch(watch);
        return 0;
    }
    unsigned want =
        ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0u) | ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0u);
    if (watch == NULL)
        return add_watch(client, fd, want);
    return loop_want(client->loop, &watch->watch, want) == ERR_OK ? 0 : -1;
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct client *client = ctx;
    (void)multi;
    if (timeout_ms < 0) {
        loop_timer_stop(client->loop, &client->timer);
        return 0;
    }
    uint64_t due = loop_now_ms(client->loop) + (uint64_t)timeout_ms;
    return loop_timer_set(client->loop, &client->timer, due) == ERR_OK ? 0 : -1;
}

/* --- clients --- */

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.at[i] < 0x20 || s.at[i] == 0x7f)
            return false;
    return true;
}

static bool conf_fits(const struct client_conf *conf)
{
    struct str origin = str_of(conf->origin);
    struct str scheme = conf->tls != NULL ? STR("https://") : STR("http://");
    return str_starts(origin, scheme) && is_clean(origin) && origin.len > scheme.len &&
           memchr(origin.at + scheme.len, '/', origin.len - scheme.len) == NULL;
}

err_t client_open(struct loop *loop, const struct client_conf *conf, struct client **out)
{
    if (!conf_fits(conf))
        return ERR_USAGE;
    struct client *client = mem_alloc(sizeof *client);
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        mem_free(client);
        return ERR_NOMEM;
    }
    client->loop = loop;
    client->tls = conf->tls;
    client->public_only = conf->public_only;
    client->connect_ms = conf->connect_ms == 0 ? LIMIT_CLIENT_CONNECT_MS : conf->connect_ms;
    client->timer = (struct loop_timer) {on_timer, client, NULL};
    client->origin = copy_text(conf->origin);
    client->proxy = copy_text(conf->proxy == NULL ? "" : conf->proxy);
    client->multi = curl_multi_init();
    if (client->origin == NULL || client->proxy == NULL || client->multi == NULL) {
        client_close(client);
        return ERR_NOMEM;
    }
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)LIMIT_CLIENT_CONNECTIONS);
    *out = client;
    return ERR_OK;
}

void client_close(struct client *client)
{
    if (client == NULL)
        return;
    while (client->calls != NULL)
        call_free(client->calls);
    if (client->multi != NULL)
        (void)curl_multi_cleanup(client->multi);
    while (client->watches != NULL)
        drop_watch(client->watches);
    loop_timer_stop(client->loop, &client->timer);
    mem_free(client->origin);
    mem_free(client->proxy);
    mem_free(client);
    curl_global_cleanup();
}

/* --- calls --- */

static bool hand_over(struct client_call *call, struct bytes part)
{
    if (call->part_max > 0 && part.len > call->part_max - call->part_bytes)
        call->stopped = ERR_LIMIT;
    else if (!call->part(call->ctx, call, part))
        call->stopped = ERR_FULL;
    call->part_bytes += part.len;
    return call->stopped == ERR_OK;
}

static void note_connection(struct client_call *call)
{
    struct curl_tlssessioninfo *session = NULL;
    if (call->client->tls != NULL && call->connection == NULL &&
        curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session != NULL)
        call->connection = session->internals;
}

static size_t take_body(char *at, size_t size, size_t count, void *ctx)
{
    struct client_call *call = ctx;
    note_connection(call);
    if (call->coming != NULL)
        call->coming(call->ctx);
    if (call->part != NULL)
        return hand_over(call, bytes_of(at, size * count)) ? size * count : 0;
    buf_put(&call->body, at, size * count);
    return buf_err(&call->body) == ERR_OK ? size * count : 0;
}

static void see_alert(const SSL *connection, int where, int alert)
{
    struct client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection));
    if (where != SSL_CB_READ_ALERT || (alert & 0xff) != SSL_AD_CLOSE_NOTIFY)
        return;
    for (struct client_call *call = client->calls; call != NULL; call = call->next)
        call->notified |= call->connection == connection;
}

static CURLcode take_context(CURL *easy, void *context, void *ctx)
{
    struct client *client = ctx;
    (void)easy;
    SSL_CTX_set_app_data(context, client);
    SSL_CTX_set_info_callback(context, see_alert);
    return tls_setup(client->tls, context) == ERR_OK ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* Looks at the address that the name has turned out to be. */
static curl_socket_t open_public(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct client_call *call = ctx;
    int fd = -1;
    (void)purpose;
    if (address->addrlen > sizeof(struct sockaddr_storage))
        return CURL_SOCKET_BAD;
    err_t err = os_address_socket(&address->addr, address->addrlen, &fd);
    call->stopped = err; /* of several addresses, the last one tried counts */
    return err == ERR_OK ? fd : CURL_SOCKET_BAD;
}

static bool put_fields(struct client_call *call, const struct client_request *request)
{
    struct buf line;
    buf_init(&line, LIMIT_HTTP_HEAD_BYTES);
    /* An empty Expect keeps libcurl from waiting a second for a "100 Continue". */
    call->fields = curl_slist_append(NULL, "Expect:");
    bool good = call->fields != NULL;
    for (size_t i = 0; good && i < CLIENT_FIELDS_MAX && request->fields[i].name.at != NULL; i++) {
        const struct http1_field *field = &request->fields[i];
        good = is_clean(field->name) && is_clean(field->value) && field->value.len > 0;
        buf_clear(&line);
        buf_put_str(&line, field->name);
        buf_put_str(&line, STR(": "));
        buf_put_str(&line, field->value);
        buf_putc(&line, 0);
        good = good && buf_err(&line) == ERR_OK;
        struct curl_slist *longer = good ? curl_slist_append(call->fields, (const char *)line.at) : NULL;
        good = longer != NULL;
        call->fields = good ? longer : call->fields;
    }
    buf_deinit(&line);
    return good;
}

static CURLcode set_url(struct client_call *call, const struct client_request *request)
{
    struct buf url;
    buf_init(&url, LIMIT_HTTP_HEAD_BYTES);
    buf_put_str(&url, str_of(call->client->origin));
    buf_put_str(&url, str_of(request->target));
    buf_putc(&url, 0);
    CURLcode code = buf_err(&url) == ERR_OK ? curl_easy_setopt(call->easy, CURLOPT_URL, (const char *)url.at)
                                            : CURLE_OUT_OF_MEMORY;
    buf_deinit(&url);
    return code;
}

static CURLcode set_tls(CURL *easy, struct client *client)
{
    const struct tls *tls = client->tls;
    if (tls == NULL)
        return CURLE_OK;
    /* The system's authorities mean nothing here: the context brings what is trusted. */
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->conf.trust == TLS_TRUST_CA ? 2L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, client);
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, take_context);
}

static CURLcode set_method(CURL *easy, const struct client_request *request)
{
    if (strcmp(request->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (request->body.len > 0 || strcmp(request->method, "POST") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        const void *body = request->body.len > 0 ? (const void *)request->body.at : "";
        CURLcode code = curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
        if (code != CURLE_OK)
            return code;
    }
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static CURLcode set_options(struct client_call *call, const struct client_request *request)
{
    CURL *easy = call->easy;
    const struct client *client = call->client;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->what);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, client->tls != NULL ? "https" : "http");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CURL_MAX_READ_SIZE);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_ms);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (request->quiet_ms > 0) {
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((request->quiet_ms + 999) / 1000));
    }
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->fields);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    if (request->unpack)
        (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (client->public_only) {
        (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
        (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    }
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
    if (code == CURLE_OK)
        code = set_tls(easy, call->client);
    if (code == CURLE_OK)
        code = set_url(call, request);
    return code == CURLE_OK ? set_method(easy, request) : code;
}

err_t client_call(struct client *client, const struct client_request *request, struct client_call **out)
{
    if (!is_clean(str_of(request->method)) || !is_clean(str_of(request->target)) || request->target[0] != '/')
        return ERR_USAGE;
    struct client_call *call = mem_alloc(sizeof *call);
    if (call == NULL)
        return ERR_NOMEM;
    call->client = client;
    call->done = request->done;
    call->coming = request->coming;
    call->ctx = request->ctx;
    call->part = request->part;
    call->part_max = request->answer_max;
    buf_init(&call->body, request->part != NULL ? 0 : request->answer_max);
    call->next = client->calls;
    if (call->next != NULL)
        call->next->prev = call;
    client->calls = call;
    err_t err = ERR_OK;
    if (!put_fields(call, request))
        err = ERR_USAGE;
    else if ((call->easy = curl_easy_init()) == NULL || set_options(call, request) != CURLE_OK ||
             curl_multi_add_handle(client->multi, call->easy) != CURLM_OK)
        err = ERR_NOMEM;
    if (err != ERR_OK)
        call_free(call);
    else if (out != NULL)
        *out = call;
    return err;
}

void client_cancel(struct client_call *call)
{
    call_free(call);
}

int client_status(struct client_call *call)
{
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

struct str client_field(struct client_call *call, const char *name)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return (struct str) {NULL, 0};
    return str_of(header->value);
}
