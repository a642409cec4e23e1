// The only C++ of the program: simdjson behind C functions, and the standard library's shortest doubles.
#include "json/tape.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <new>

using simdjson::dom::document;
using simdjson::internal::tape_type;

// The C side walks document.tape and document.string_buf itself: another major version is another format.
static_assert(simdjson::SIMDJSON_VERSION_MAJOR == 3, "src/json/tape.h describes the tape of simdjson 3");
static_assert(std::is_same_v<decltype(document::tape), std::unique_ptr<uint64_t[]>>);
static_assert(std::is_same_v<decltype(document::string_buf), std::unique_ptr<uint8_t[]>>);
static_assert(simdjson::internal::JSON_VALUE_MASK == 0x00ffffffffffffff);
static_assert(simdjson::SIMDJSON_PADDING >= TAPE_STRINGS_PADDING);
static_assert(char(tape_type::ROOT) == TAPE_ROOT && char(tape_type::STRING) == TAPE_STRING &&
              char(tape_type::START_OBJECT) == TAPE_OBJECT &&
              char(tape_type::END_OBJECT) == TAPE_OBJECT_END && char(tape_type::START_ARRAY) == TAPE_ARRAY &&
              char(tape_type::END_ARRAY) == TAPE_ARRAY_END && char(tape_type::INT64) == TAPE_INT &&
              char(tape_type::UINT64) == TAPE_UINT && char(tape_type::DOUBLE) == TAPE_DOUBLE &&
              char(tape_type::TRUE_VALUE) == TAPE_TRUE && char(tape_type::FALSE_VALUE) == TAPE_FALSE &&
              char(tape_type::NULL_VALUE) == TAPE_NULL);

namespace
{
struct parser {
    simdjson::dom::parser dom;
    size_t depth_max;
};
} // namespace

void *tape_parser_new(size_t size_max, unsigned depth_max)
{
    return new (std::nothrow) parser {simdjson::dom::parser(size_max), depth_max};
}

void tape_parser_free(void *handle)
{
    delete static_cast<parser *>(handle);
}

enum tape_result tape_parser_reserve(void *handle, size_t size)
{
    auto p = static_cast<parser *>(handle);
    if (size <= p->dom.capacity())
        return TAPE_OK;
    return p->dom.allocate(size, p->depth_max) == simdjson::SUCCESS ? TAPE_OK : TAPE_NOMEM;
}

enum tape_result tape_parse(void *handle, const uint8_t *text, size_t size, struct tape_view *out)
{
    auto p = static_cast<parser *>(handle);
    simdjson::error_code error = p->dom.parse(text, size, false).error();
    if (error != simdjson::SUCCESS)
        return error == simdjson::MEMALLOC ? TAPE_NOMEM : TAPE_REFUSED;
    *out = {p->dom.doc.tape.get(), p->dom.doc.string_buf.get()};
    return TAPE_OK;
}

size_t tape_shortest(double v, char out[TAPE_SHORTEST_SIZE])
{
    return size_t(std::to_chars(out, out + TAPE_SHORTEST_SIZE, v, std::chars_format::scientific).ptr - out);
}

int tape_read_double(const char *text, size_t len, double *out)
{
    auto [end, error] = std::from_chars(text, text + len, *out);
    return error == std::errc() && end == text + len && std::isfinite(*out);
}
