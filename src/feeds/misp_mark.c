/* Distribution and TLP tags as data markings. */
#include "feeds/misp_state.h"

#include <stdio.h>

static const struct statement {
    unsigned bit;
    struct str id, name, text;
} statements[] = {
    {MISP_MARK_COMMUNITY,
     {"marking-definition--51f0a7c2-3d6b-5e19-8c4a-7b2e9d0f6a31", 56},
     {"MISP distribution 1", 19},
     {"MISP: this community only", 25}},
    {MISP_MARK_CONNECTED,
     {"marking-definition--62e1b8d3-4e7c-5f2a-9d5b-8c3fae107b42", 56},
     {"MISP distribution 2", 19},
     {"MISP: connected communities", 27}},
};

static const struct {
    struct str id;
    enum stix_tlp level;
} tlp_ids[] = {
    {{"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", 56}, STIX_TLP_CLEAR},
    {{"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", 56}, STIX_TLP_GREEN},
    {{"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", 56}, STIX_TLP_AMBER},
    {{"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", 56}, STIX_TLP_AMBER_STRICT},
    {{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", 56}, STIX_TLP_RED},
};

/* Namespace of the markings of sharing groups: the UUID of the extension. */
static const struct uuid name_space = {
    {0x8a, 0x1f, 0x6d, 0x4e, 0x52, 0xc7, 0x4b, 0x0f, 0x9d, 0x3a, 0x6e, 0x7c, 0x0b, 0x95, 0xf2, 0xd1}};

static void add_group(struct misp_marks *marks, const struct uuid *group)
{
    for (size_t i = 0; i < marks->group_count; i++)
        if (memcmp(marks->groups[i].b, group->b, UUID_SIZE) == 0)
            return;
    if (marks->group_count == MISP_GROUPS) {
        marks->bits |= MISP_MARK_STAYS; /* in more groups at once than anybody judges */
        return;
    }
    marks->groups[marks->group_count++] = *group;
}

void misp_marks_add(struct misp_marks *marks, const struct misp_marks *more)
{
    marks->bits |= more->bits;
    for (size_t i = 0; i < more->group_count; i++)
        add_group(marks, &more->groups[i]);
}

static void add_sharing_group(struct json_val element, struct misp_marks *marks)
{
    struct json_val group;
    struct str text;
    struct uuid uuid;
    if (json_get(element, STR("SharingGroup"), &group) && json_get_str(group, STR("uuid"), &text) &&
        uuid_parse(text, &uuid))
        add_group(marks, &uuid);
    else
        marks->bits |= MISP_MARK_STAYS; /* a number means nothing outside its own MISP */
}

static void add_distribution(struct json_val element, bool inherits, struct misp_marks *marks)
{
    char digits[24];
    struct str text = misp_text(element, "distribution", digits);
    uint64_t level;
    if (text.len == 0 && inherits)
        return;
    if (!str_to_u64(text, 5, &level))
        level = 0;
    switch (level) {
    case 1:
        marks->bits |= MISP_MARK_COMMUNITY;
        break;
    case 2:
        marks->bits |= MISP_MARK_CONNECTED;
        break;
    case 3:
        break;
    case 4:
        add_sharing_group(element, marks);
        break;
    default:
        if (level != 5 || !inherits)
            marks->bits |= MISP_MARK_STAYS;
    }
}

bool misp_tag_tlp(struct str tag, enum stix_tlp *out)
{
    char name[32];
    if (tag.len <= 4 || tag.len >= sizeof name)
        return false;
    for (size_t i = 0; i < tag.len; i++)
        name[i] = str_lower(tag.at[i]);
    if (memcmp(name, "tlp:", 4) != 0)
        return false;
    return stix_tlp_from_name((struct str) {name + 4, tag.len - 4}, out);
}

/* A tag that says tlp: and nothing that anybody can read may mean anything. */
static void add_tag(struct str tag, struct misp_marks *marks)
{
    enum stix_tlp level;
    if (misp_tag_tlp(tag, &level))
        marks->bits |= (unsigned)MISP_MARK_TLP << level;
    else if (tag.len >= 4 && str_lower(tag.at[0]) == 't' && str_lower(tag.at[1]) == 'l' &&
             str_lower(tag.at[2]) == 'p' && tag.at[3] == ':')
        marks->bits |= MISP_MARK_STAYS;
}

void misp_marks_of(struct json_val element, bool inherits, struct misp_marks *marks)
{
    struct json_val tags, tag;
    struct str name;
    add_distribution(element, inherits, marks);
    if (!json_get(element, STR("Tag"), &tags) || !json_is(tags, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(tags);
    while (json_array_next(&iter, &tag))
        if (json_get_str(tag, STR("name"), &name))
            add_tag(name, marks);
}

void misp_group_marking(const struct uuid *group, char out[MISP_GROUP_MARKING_SIZE])
{
    static const struct str head = {"marking-definition--", MISP_GROUP_MARKING_SIZE - UUID_TEXT_SIZE};
    struct uuid id = uuid_v5(&name_space, bytes_of(group->b, UUID_SIZE));
    memcpy(out, head.at, head.len);
    uuid_text(&id, out + head.len);
}

static void put_group_id(const struct uuid *group, struct buf *out)
{
    char id[MISP_GROUP_MARKING_SIZE];
    misp_group_marking(group, id);
    buf_put(out, id, sizeof id);
}

void misp_marks_put(const struct misp_marks *marks, struct buf *out)
{
    const char *comma = "";
    if (marks->bits == 0 && marks->group_count == 0)
        return;
    buf_put_str(out, STR(",\"object_marking_refs\":["));
    if ((marks->bits & MISP_MARK_STAYS) != 0) {
        buf_printf(out, "\"%s\"", STIX_MARKING_STAYS_ID);
        comma = ",";
    }
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if ((marks->bits & statements[i].bit) != 0) {
            buf_printf(out, "%s\"%.*s\"", comma, STR_ARG(statements[i].id));
            comma = ",";
        }
    for (size_t i = 0; i < marks->group_count; i++) {
        buf_printf(out, "%s\"", comma);
        put_group_id(&marks->groups[i], out);
        buf_putc(out, '"');
        comma = ",";
    }
    for (size_t i = 0; i < sizeof tlp_ids / sizeof tlp_ids[0]; i++)
        if ((marks->bits & (unsigned)MISP_MARK_TLP << tlp_ids[i].level) != 0) {
            buf_printf(out, "%s\"%.*s\"", comma, STR_ARG(tlp_ids[i].id));
            comma = ",";
        }
    buf_putc(out, ']');
}

static void put_statement(struct str name, struct str text, struct buf *out)
{
    buf_put_str(out, STR(",\"created\":\"" MISP_EPOCH "\",\"name\":"));
    json_write_str(out, name);
    buf_put_str(out, STR(",\"definition_type\":\"statement\",\"definition\":{\"statement\":"));
    json_write_str(out, text);
    buf_put_str(out, STR("}},"));
}

static void define_group(const struct misp_marks *marks, size_t i, struct buf *out)
{
    char uuid[UUID_TEXT_SIZE], text[96];
    uuid_text(&marks->groups[i], uuid);
    buf_put_str(out, STR("{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\""));
    put_group_id(&marks->groups[i], out);
    buf_putc(out, '"');
    /* The group's name may change and is not everybody's business: the uuid is what it is. */
    int len = snprintf(text, sizeof text, "MISP sharing group %.*s", UUID_TEXT_SIZE, uuid);
    put_statement(STR("MISP sharing group"), (struct str) {text, (size_t)len}, out);
}

void misp_marks_define(const struct misp_marks *marks, struct buf *out)
{
    if ((marks->bits & MISP_MARK_STAYS) != 0)
        buf_put_str(
            out,
            STR("{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"" STIX_MARKING_STAYS_ID
                "\",\"created\":\"" MISP_EPOCH "\",\"name\":\"stays here\",\"extensions\":{\"" MISP_EXTENSION
                "\":{\"extension_type\":\"property-extension\",\"kind\":\"stays\"}}},"));
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if ((marks->bits & statements[i].bit) != 0) {
            buf_printf(out, "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%.*s\"",
                       STR_ARG(statements[i].id));
            put_statement(statements[i].name, statements[i].text, out);
        }
    for (size_t i = 0; i < marks->group_count; i++)
        define_group(marks, i, out);
}
