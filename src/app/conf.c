#include "app/conf.h"

#include <cyaml/cyaml.h>
#include <stdio.h>

#include "app/file.h"
#include "feeds/feed.h"
#include "ledger/checkpoint.h"
#include "net/tls.h"
#include "os/proc.h"

enum {
    CONF_BYTES_MAX = 64 << 10,
    VKEY_BYTES_MAX = LIMIT_KEY_NAME_BYTES + 64,
    NUMBER_BYTES = 64,
    LOG_EVERY_S = 600,
    LOG_EVERY_MAX_S =
        86400, /* a witness that hears less than daily of a log cannot tell a quiet one from a lost one */
};

/* The schema: what libcyaml fills in. Strings are its memory. */
struct yaml_conf {
    char *node, *known_as, *country, *listen, *certificate, *certificate_key, *control, *metrics,
        *operators_sign;
    /* Numbers, which libcyaml would take in any base and with anything behind them: `10y` for 10. */
    char *access_days, *quarantine_days, *evidence_days, *pad_records, *recall_objects, *tightened_objects,
        *log_every, *minimum_suite;
    char **addresses, **cors, **operators, **key_copies;
    unsigned addresses_count, cors_count, operators_count, key_copies_count;
    bool *compress;
    struct yaml_witness *witnesses;
    unsigned witnesses_count;
};

struct yaml_witness {
    char *url, *key;
};

static const cyaml_schema_value_t address_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_HOST_BYTES + 8),
};

static const cyaml_schema_value_t origin_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_TAXII_ORIGIN_BYTES - 1),
};

static const cyaml_schema_value_t operator_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CONF_OPERATOR_BYTES - 1),
};

static const cyaml_schema_value_t folder_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_PATH_BYTES - 1),
};

static const cyaml_schema_field_t witness_fields[] = {
    CYAML_FIELD_STRING_PTR("url", CYAML_FLAG_POINTER, struct yaml_witness, url, 1, CONF_URL_BYTES - 1),
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct yaml_witness, key, 1, VKEY_BYTES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t witness_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_witness, witness_fields),
};

/* Read by take_number. */
#define NUMBER(name, member)                                                                                 \
    CYAML_FIELD_STRING_PTR(name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, member, 0,      \
                           NUMBER_BYTES)

static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("node", CYAML_FLAG_POINTER, struct yaml_conf, node, 1, LIMIT_NAME_BYTES),
    CYAML_FIELD_STRING_PTR("known-as", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, known_as,
                           1, LIMIT_NAME_BYTES),
    CYAML_FIELD_STRING_PTR("country", CYAML_FLAG_POINTER, struct yaml_conf, country, 2, 2),
    CYAML_FIELD_STRING_PTR("listen", CYAML_FLAG_POINTER, struct yaml_conf, listen, 1, LIMIT_HOST_BYTES + 8),
    CYAML_FIELD_SEQUENCE("addresses", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, addresses,
                         &address_schema, 0, LIMIT_CARD_ADDRESSES),
    CYAML_FIELD_STRING_PTR("certificate", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf,
                           certificate, 0, LIMIT_PATH_BYTES - 1),
    CYAML_FIELD_STRING_PTR("certificate-key", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf,
                           certificate_key, 0, LIMIT_PATH_BYTES - 1),
    CYAML_FIELD_STRING_PTR("control", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, control, 1,
                           LIMIT_PATH_BYTES - 1),
    CYAML_FIELD_STRING_PTR("metrics", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, metrics, 1,
                           LIMIT_PATH_BYTES - 1),
    CYAML_FIELD_SEQUENCE("operators", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, operators,
                         &operator_schema, 0, CONF_OPERATORS_MAX),
    CYAML_FIELD_STRING_PTR("operators-sign", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf,
                           operators_sign, 1, CONF_ACCOUNT_BYTES),
    CYAML_FIELD_SEQUENCE("cors", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, cors,
                         &origin_schema, 0, LIMIT_TAXII_ORIGINS),
    CYAML_FIELD_BOOL_PTR("compress", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, compress),
    NUMBER("pad-records", pad_records),
    NUMBER("access-days", access_days),
    NUMBER("quarantine-days", quarantine_days),
    NUMBER("evidence-days", evidence_days),
    NUMBER("recall-objects", recall_objects),
    NUMBER("tightened-objects", tightened_objects),
    CYAML_FIELD_SEQUENCE("key-copies", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, key_copies,
                         &folder_schema, 0, LIMIT_KEY_COPIES),
    NUMBER("minimum-suite", minimum_suite),
    NUMBER("log-every", log_every),
    CYAML_FIELD_SEQUENCE("witnesses", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_conf, witnesses,
                         &witness_schema, 0, LIMIT_WITNESSES),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_conf, fields),
};

/* libcyaml tells what is wrong in one message and where in the ones that follow: keep the first, and the
 * first place. */
struct complaint {
    char what[FAULT_WHAT_MAX];
    unsigned line;
};

static void listen_to(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct complaint *complaint = ctx;
    char text[FAULT_WHAT_MAX];
    if (level < CYAML_LOG_ERROR)
        return;
    (void)vsnprintf(text, sizeof text, format, args);
    const char *at = strstr(text, "line: ");
    unsigned line = 0;
    if (at != NULL && complaint->line == 0 && sscanf(at, "line: %u", &line) == 1)
        complaint->line = line;
    if (complaint->what[0] != '\0')
        return;
    struct str said = str_trim(str_of(text));
    if (str_starts(said, STR("Load: ")))
        said = (struct str) {said.at + 6, said.len - 6};
    memcpy(complaint->what, said.at, said.len);
}

static cyaml_config_t config_of(struct complaint *complaint)
{
    return (cyaml_config_t) {
        .log_fn = listen_to,
        .log_ctx = complaint,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

err_t conf_address_parse(struct str text, struct conf_address *out)
{
    struct conf_address address = {.ipv6 = text.len > 0 && text.at[0] == '['};
    struct str host, port;
    if (address.ipv6) {
        const char *end = memchr(text.at, ']', text.len);
        if (end == NULL)
            return ERR_SYNTAX;
        host = (struct str) {text.at + 1, (size_t)(end - text.at) - 1};
        port = (struct str) {end + 1, text.len - host.len - 2};
        if (port.len == 0 || port.at[0] != ':')
            return ERR_SYNTAX;
        port = (struct str) {port.at + 1, port.len - 1};
    } else {
        port = text;
        host = str_cut(&port, ':');
    }
    uint64_t number = 0;
    if (host.len == 0 || host.len >= sizeof address.host || !str_to_u64(port, UINT16_MAX, &number))
        return ERR_SYNTAX;
    memcpy(address.host, host.at, host.len);
    address.port = (uint16_t)number;
    *out = address;
    return ERR_OK;
}

void conf_address_write(struct buf *out, const struct conf_address *address)
{
    buf_printf(out, address->ipv6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

static err_t refuse(struct fault *fault, const char *field, const char *rule)
{
    return fault_set(fault, ERR_INVALID, 0, "%s: %s %s", CONF_FILE, field, rule);
}

/* libcyaml bounds the lengths. */
static void copy_text(char *to, size_t size, const char *from)
{
    if (from != NULL)
        (void)snprintf(to, size, "%s", from);
}

static err_t take_addresses(const struct yaml_conf *yaml, struct conf *conf, struct fault *fault)
{
    if (conf_address_parse(str_of(yaml->listen), &conf->listen) != ERR_OK)
        return refuse(fault, "listen", "is not HOST:PORT");
    for (unsigned i = 0; i < yaml->addresses_count; i++)
        if (conf_address_parse(str_of(yaml->addresses[i]), &conf->addresses[i]) != ERR_OK)
            return refuse(fault, "addresses", "holds something that is not HOST:PORT");
    conf->address_count = yaml->addresses_count;
    if (conf->address_count == 0)
        conf->addresses[conf->address_count++] = conf->listen;
    return ERR_OK;
}

/* As browsers send it: scheme, host and, unless it goes without saying, port. Nothing else can match. */
static bool origin_ok(struct str origin)
{
    if (!str_starts(origin, STR("https://")) && !str_starts(origin, STR("http://")))
        return false;
    struct str host = {strchr(origin.at, ':') + 3, 0};
    host.len = (size_t)(origin.at + origin.len - host.at);
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] <= ' ' || host.at[i] == '/' || host.at[i] == '*' || host.at[i] == ',')
            return false;
    return host.len > 0;
}

/* Digits alone: a unit would be a guess, and days decide what is destroyed. `text` NULL: `otherwise`. */
static err_t take_number(const char *text, const char *key, unsigned otherwise, unsigned most,
                         const char *beyond, unsigned *out, struct fault *fault)
{
    uint64_t number = otherwise;
    *out = otherwise;
    if (text == NULL)
        return ERR_OK;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return refuse(fault, key, "is not a whole number, in digits alone");
    if (!str_to_u64(str_of(text), most, &number))
        return refuse(fault, key, beyond);
    *out = (unsigned)number;
    return ERR_OK;
}

static err_t take_taxii(const struct yaml_conf *yaml, struct conf *conf, struct fault *fault)
{
    for (unsigned i = 0; i < yaml->cors_count; i++) {
        if (!origin_ok(str_of(yaml->cors[i])))
            return refuse(fault, "cors", "holds something that is not like https://console.example");
        copy_text(conf->cors[conf->cors_count++], LIMIT_TAXII_ORIGIN_BYTES, yaml->cors[i]);
    }
    conf->compress = yaml->compress == NULL || *yaml->compress;
    return take_number(yaml->pad_records, "pad-records", 0, TLS_PAD_MAX,
                       "is more than a record holds (16384)", &conf->pad_records, fault);
}

/* Names stand in sentences and lists of the log: nothing in one may read as the end of it. */
static bool account_ok(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] <= ' ' || strchr(",;:()\"'\x7f", name.at[i]) != NULL)
            return false;
    return name.len > 0;
}

/* A row as in OpenSSH's allowed_signers: the account, and the public key that he signs with, if any. */
static err_t take_operator(struct str row, struct conf *conf, struct fault *fault)
{
    struct str key = row, name = str_cut(&key, ' ');
    struct sshsig_key *own = &conf->operator_keys[conf->operator_count];
    if (!account_ok(name) || name.len >= CONF_ACCOUNT_BYTES)
        return refuse(fault, "operators", "holds something that is not an account's name");
    if (str_eq(name, STR("root")))
        return refuse(fault, "operators", "names root, which anybody is who may become it");
    key = str_trim(key);
    err_t err = key.len > 0 ? sshsig_key_parse(key, own) : ERR_OK;
    if (err == ERR_UNSUPPORTED)
        return refuse(fault, "operators",
                      "has a key of a kind that is not taken, such as ssh-rsa: " SSHSIG_KINDS
                      " are (ssh-keygen -t ed25519 makes one)");
    if (err != ERR_OK)
        return refuse(fault, "operators",
                      "has a key that cannot be read (NAME KIND BASE64, as in the .pub file)");
    for (size_t k = 0; k < conf->operator_count; k++) {
        if (str_eq(name, str_of(conf->operators[k])))
            return refuse(fault, "operators", "names an account twice");
        if (own->len > 0 && sshsig_key_eq(own, &conf->operator_keys[k]))
            return refuse(fault, "operators", "gives one key to two operators");
    }
    memcpy(conf->operators[conf->operator_count++], name.at, name.len);
    return ERR_OK;
}

static err_t take_operators(const struct yaml_conf *yaml, struct conf *conf, struct fault *fault)
{
    err_t err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < yaml->operators_count; i++)
        err = take_operator(str_of(yaml->operators[i]), conf, fault);
    conf->operators_sign = yaml->operators_sign != NULL;
    if (err == ERR_OK && conf->operators_sign && !str_eq(str_of(yaml->operators_sign), STR("required")))
        return refuse(fault, "operators-sign", "is `required`, or is left out");
    return err;
}

static err_t take_retention(const struct yaml_conf *yaml, struct conf *conf, struct fault *fault)
{
    enum { DAYS_MAX = 36500 };
    static const char long_time[] = "is more than 100 years";
    err_t err;
    if (TRY(err, take_number(yaml->access_days, "access-days", 0, DAYS_MAX, long_time, &conf->access_days,
                             fault)) ||
        TRY(err, take_number(yaml->quarantine_days, "quarantine-days", 0, DAYS_MAX, long_time,
                             &conf->quarantine_days, fault)) ||
        TRY(err, take_number(yaml->evidence_days, "evidence-days", 0, DAYS_MAX, long_time,
                             &conf->evidence_days, fault)) ||
        TRY(err, take_number(yaml->recall_objects, "recall-objects", LIMIT_RECALL_DAY, LIMIT_RECALL_OBJECTS,
                             "is more than one recall can name", &conf->recall_objects, fault)) ||
        TRY(err, take_number(yaml->tightened_objects, "tightened-objects", LIMIT_TIGHTENED_DAY, UINT32_MAX,
                             "is more than a node holds", &conf->tightened_objects, fault)))
        return err;
    conf->access_days = conf->access_days == 0 ? LIMIT_ACCESS_DAYS : conf->access_days;
    conf->quarantine_days = conf->quarantine_days == 0 ? LIMIT_QUARANTINE_DAYS : conf->quarantine_days;
    return ERR_OK;
}

static bool is_within(struct str path, struct str folder)
{
    return str_starts(path, folder) && (path.len == folder.len || path.at[folder.len] == '/');
}

/* As it is written it stands in the log: one way to write a folder. */
static bool folder_ok(struct str path)
{
    bool plain = path.len > 1 && path.at[0] == '/';
    while (plain && path.len > 0) {
        struct str name;
        path = (struct str) {path.at + 1, path.len - 1};
        const char *end = memchr(path.at, '/', path.len);
        name = (struct str) {path.at, end == NULL ? path.len : (size_t)(end - path.at)};
        plain = name.len > 0 && !str_eq(name, STR(".")) && !str_eq(name, STR(".."));
        path = (struct str) {path.at + name.len, path.len - name.len};
    }
    return plain;
}

static err_t take_copies(const struct yaml_conf *yaml, struct conf *conf, struct fault *fault)
{
    for (unsigned i = 0; i < yaml->key_copies_count; i++) {
        struct str folder = str_of(yaml->key_copies[i]);
        if (!folder_ok(folder))
            return refuse(fault, "key-copies",
                          "holds something that is not a folder like /media/safe/kr (no . or .., no slash at "
                          "the end)");
        if (is_within(folder, str_of(conf->dir)) || is_within(str_of(conf->dir), folder))
            return refuse(fault, "key-copies", "names a folder of the node itself, or one that it lies in");
        for (size_t k = 0; k < conf->key_copy_count; k++)
            if (is_within(folder, str_of(conf->key_copies[k])) ||
                is_within(str_of(conf->key_copies[k]), folder))
                return refuse(fault, "key-copies", "names a folder twice, or one within another");
        copy_text(conf->key_copies[conf->key_copy_count++], LIMIT_PATH_BYTES, yaml->key_copies[i]);
    }
    return ERR_OK;
}

static err_t take_witness(const struct yaml_witness *yaml, struct conf *conf, struct fault *fault)
{
    struct conf_witness *witness = &conf->witnesses[conf->witness_count];
    struct feed_url url;
    copy_text(witness->url, sizeof witness->url, yaml->url);
    size_t len = strlen(witness->url);
    if (len > 0 && witness->url[len - 1] == '/')
        witness->url[len - 1] = '\0';
    if (feed_url_read(str_of(witness->url), &url) != ERR_OK || strchr(witness->url, '?') != NULL)
        return refuse(fault, "witnesses", "has a url that is not like https://witness.example/prefix");
    if (note_key_parse(str_of(yaml->key), &witness->key) != ERR_OK || witness->key.type != NOTE_COSIGNATURE ||
        witness->key.public.suite != SUITE_1 || witness->key.name_len > LIMIT_WITNESS_NAME_BYTES)
        return refuse(fault, "witnesses",
                      "has a key that is no verifier key of an Ed25519 cosigner (NAME+ID+KEY, its type 4)");
    for (size_t i = 0; i < conf->witness_count; i++)
        if (str_eq(note_key_name(&conf->witnesses[i].key), note_key_name(&witness->key)))
            return refuse(fault, "witnesses", "names one witness twice");
    conf->witness_count++;
    return ERR_OK;
}

static err_t take_log(const struct yaml_conf *yaml, struct conf *conf, struct fault *fault)
{
    err_t err = take_number(yaml->log_every, "log-every", yaml->witnesses_count > 0 ? LOG_EVERY_S : 0,
                            LOG_EVERY_MAX_S, "is more than a day (86400 seconds)", &conf->log_every_s, fault);
    if (err != ERR_OK)
        return err;
    if (conf->log_every_s == 0 && yaml->witnesses_count > 0)
        return refuse(fault, "log-every", "is 0, and there are witnesses of the log");
    for (unsigned i = 0; err == ERR_OK && i < yaml->witnesses_count; i++)
        err = take_witness(&yaml->witnesses[i], conf, fault);
    return err;
}

static err_t take(const struct yaml_conf *yaml, const char *dir, struct conf *conf, struct fault *fault)
{
    err_t err;
    copy_text(conf->dir, sizeof conf->dir, dir);
    copy_text(conf->node, sizeof conf->node, yaml->node);
    copy_text(conf->country, sizeof conf->country, yaml->country);
    if (!ledger_name_ok(str_of(conf->node)))
        return refuse(fault, "node", "is not a name of a-z 0-9 . _ -");
    if (yaml->known_as != NULL)
        copy_text(conf->known_as, sizeof conf->known_as, yaml->known_as);
    if (yaml->known_as != NULL &&
        (!ledger_name_ok(str_of(conf->known_as)) || strcmp(conf->known_as, conf->node) == 0))
        return refuse(fault, "known-as", "is not another name of a-z 0-9 . _ -");
    for (size_t i = 0; i < 2; i++)
        if (conf->country[i] < 'A' || conf->country[i] > 'Z')
            return refuse(fault, "country", "is not two capital letters");
    if (TRY(err, take_number(yaml->minimum_suite, "minimum-suite", 0, SUITE_NEWEST,
                             "is above every suite that this program knows", &conf->minimum, fault)))
        return err;
    conf->minimum = conf->minimum > SUITE_OLDEST ? conf->minimum : 0;
    if ((yaml->certificate == NULL) != (yaml->certificate_key == NULL))
        return refuse(fault, "certificate", "and certificate-key belong together");
    if (yaml->certificate != NULL && (TRY(err, file_path(dir, yaml->certificate, conf->certificate)) ||
                                      TRY(err, file_path(dir, yaml->certificate_key, conf->certificate_key))))
        return refuse(fault, "certificate", "is too long a path");
    if (TRY(err, file_path(dir, yaml->control == NULL ? CONF_CONTROL : yaml->control, conf->control)) ||
        TRY(err, file_path(dir, yaml->metrics == NULL ? "metrics.sock" : yaml->metrics, conf->metrics)))
        return refuse(fault, "control or metrics", "is too long a path");
    if (TRY(err, take_taxii(yaml, conf, fault)) || TRY(err, take_retention(yaml, conf, fault)) ||
        TRY(err, take_operators(yaml, conf, fault)) || TRY(err, take_log(yaml, conf, fault)) ||
        TRY(err, take_copies(yaml, conf, fault)))
        return err;
    return take_addresses(yaml, conf, fault);
}

/* For a key that it does not know libcyaml tells the place of the one before: look for it. */
static unsigned line_of(struct str text, const struct complaint *complaint)
{
    static const char unknown[] = "Unexpected key: ";
    struct str key = str_of(complaint->what);
    if (!str_starts(key, str_of(unknown)))
        return complaint->line;
    key = (struct str) {key.at + sizeof unknown - 1, key.len - (sizeof unknown - 1)};
    for (unsigned line = 1; text.len > 0; line++) {
        struct str one = str_trim(str_cut(&text, '\n'));
        if (str_starts(one, key) && one.len > key.len && one.at[key.len] == ':')
            return line;
    }
    return complaint->line;
}

err_t conf_parse(struct str text, const char *dir, struct conf *out, struct fault *fault)
{
    struct complaint complaint = {0};
    cyaml_config_t config = config_of(&complaint);
    cyaml_data_t *data = NULL;
    cyaml_err_t result = cyaml_load_data((const uint8_t *)text.at, text.len, &config, &schema, &data, NULL);
    if (result != CYAML_OK)
        return fault_set(fault, ERR_SYNTAX, 0, "%s line %u: %.120s", CONF_FILE, line_of(text, &complaint),
                         complaint.what[0] == '\0' ? cyaml_strerror(result) : complaint.what);
    struct conf conf = {0};
    err_t err = take((const struct yaml_conf *)data, dir, &conf, fault);
    (void)cyaml_free(&config, &schema, data, 0);
    if (err == ERR_OK)
        *out = conf;
    return err;
}

err_t conf_load(const struct os *os, const char *dir, struct conf *out, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    struct buf text;
    err_t err;
    buf_init(&text, CONF_BYTES_MAX);
    if (TRY(err, file_path(dir, CONF_FILE, path)) || TRY(err, file_read_all(os, path, &text)))
        (void)fault_set(fault, err, 0, "%s/%s: %s", dir, CONF_FILE, err_text(err));
    else
        err = conf_parse(buf_str(&text), dir, out, fault);
    buf_deinit(&text);
    return err;
}

err_t conf_load_handed(int fd, const char *dir, struct conf *out, struct fault *fault)
{
    struct buf text;
    buf_init(&text, CONF_BYTES_MAX);
    void *at = buf_extend(&text, CONF_BYTES_MAX);
    size_t len = 0;
    err_t err = at == NULL ? buf_err(&text) : os_proc_file_read(fd, at, CONF_BYTES_MAX, &len);
    if (err != ERR_OK)
        (void)fault_set(fault, err, 0, CONF_FILE ": %s", err_text(err));
    else
        err = conf_parse((struct str) {at, len}, dir, out, fault);
    buf_deinit(&text);
    return err;
}

static void write_operators(struct buf *out, const struct conf *conf)
{
    buf_printf(out, conf->operator_count == 0 ? "# operators: [kim, lee]\n" : "operators:\n");
    for (size_t i = 0; i < conf->operator_count; i++) {
        buf_printf(out, "  - \"%s", conf->operators[i]);
        if (conf->operator_keys[i].len > 0)
            buf_putc(out, ' ');
        if (conf->operator_keys[i].len > 0)
            sshsig_key_print(&conf->operator_keys[i], out);
        buf_printf(out, "\"\n");
    }
    buf_printf(out,
               "# Behind a name may stand the public key that he signs with, as in a .pub file of OpenSSH:\n"
               "# then nothing counts as his word without it. With `required` nobody counts without one.\n"
               "%soperators-sign: required\n",
               conf->operators_sign ? "" : "# ");
}

static void write_minimum(struct buf *out, const struct conf *conf)
{
    buf_printf(out,
               "# The least suite of algorithms that a partner's card must be of; goes onto the card.\n");
    buf_printf(out, conf->minimum == 0 ? "# minimum-suite: 2\n\n" : "minimum-suite: %u\n\n", conf->minimum);
}

/* What is kept how long, how much one may do, and who witnesses. */
static void write_bounds(struct buf *out)
{
    buf_printf(
        out,
        "# Days that `bongsu access` looks back (at most 128 MiB of it), and that refused input waits in "
        "the\n"
        "# quarantine before its bytes are destroyed (bongsu retention).\n"
        "# access-days: 90\n"
        "# quarantine-days: 90\n"
        "\n"
        "# Days that operators' reasons, stated bases and the evidence of stopped links can be read; then "
        "they "
        "are\n"
        "# forgotten for good (docs/guide/retention.md). 0: they have no end.\n"
        "# evidence-days: 0\n"
        "\n"
        "# Objects a day that a recall destroys by the word of one operator, or of one partner; what is more "
        "is\n"
        "# suspended at once and destroyed when two operators agree. 0: always two.\n"
        "# recall-objects: 100\n"
        "\n"
        "# Objects of others that one source may tighten in a day, by copies with a stricter marking, before "
        "an\n"
        "# alarm says so (log, bongsu status, metrics). 0: the first one does.\n"
        "# tightened-objects: 100\n"
        "\n"
        "# Folders on other disks, each with a copy of the key file: what is destroyed is destroyed there as "
        "well,\n"
        "# and nobody is told that it is gone before (docs/guide/key-copies.md).\n"
        "# key-copies: [/media/safe/kr]\n"
        "\n"
        "# A log of the whole node that others witness: every so many seconds one entry, which tells nobody "
        "what\n"
        "# stands in it, until it is opened to a partner or an auditor (bongsu ledger log). None without "
        "either.\n"
        "# log-every: 600\n"
        "# witnesses:\n"
        "#   - url: https://witness.example\n"
        "#     key: \"witness.example/w1+5e2b8f64+BPw...\"\n");
}

void conf_write(struct buf *out, const struct conf *conf)
{
    buf_printf(
        out,
        "# bongsu.yaml: this node. Read once at start; sources, partners and policy live in the log.\n"
        "\n"
        "# Name and country as they stand on the node's card. Other nodes know it by them: never change.\n"
        "node: %s\n"
        "country: %s\n"
        "\n"
        "# Another name, when the first one is no longer what people say (docs/guide/keys.md). Goes onto the "
        "card.\n"
        "# known-as: ncsc-kr\n"
        "\n"
        "# Where partners and TAXII clients connect (HTTPS): a numeric address and a port.\n"
        "listen: \"",
        conf->node, conf->country);
    conf_address_write(out, &conf->listen);
    buf_printf(out, "\"\n\n"
                    "# Where partners reach this node from outside: goes onto the card. Without it: listen.\n"
                    "addresses:\n");
    for (size_t i = 0; i < conf->address_count; i++) {
        buf_printf(out, "  - \"");
        conf_address_write(out, &conf->addresses[i]);
        buf_printf(out, "\"\n");
    }
    buf_printf(
        out,
        "\n"
        "# A certificate and key (PEM) of an authority that your TAXII clients trust. Without them the node\n"
        "# shows a self-signed certificate; other bongsu nodes know it by the key on the card either way.\n"
        "# certificate: /etc/ssl/kr.pem\n"
        "# certificate-key: /etc/ssl/private/kr.key\n"
        "\n"
        "# Local sockets, from this directory: the command line talks to the first, Prometheus reads the "
        "second.\n"
        "control: control.sock\n"
        "metrics: metrics.sock\n"
        "\n"
        "# Accounts of this machine that are people: where two have to agree, two of these. With any, the "
        "group\n"
        "# that the node runs under reaches the control socket (docs/guide/operators.md).\n");
    write_operators(out, conf);
    buf_printf(
        out,
        "\n"
        "# Web pages whose scripts may use the TAXII server (CORS). None without this.\n"
        "# cors:\n"
        "#   - https://console.example\n"
        "\n"
        "# Answers are packed (gzip, zstd) for who asks. With false they never are: their sizes tell less.\n"
        "# compress: true\n"
        "\n"
        "# TLS records are filled up to multiples of so many bytes, here and on calls to partners: an "
        "observer "
        "of\n"
        "# the network sees classes of sizes. At most 16384; 4096 costs a quarter of a record on average.\n"
        "# pad-records: 4096\n"
        "\n");
    write_minimum(out, conf);
    write_bounds(out);
}
