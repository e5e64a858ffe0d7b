#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "desk.h"

namespace posthorn::management {

/// Rows of a table, made only when they are wanted: with pages and no other order than by name, only those of
/// the page are.
struct Listing {
    struct Entry {
        std::string vhost, name;
        std::size_t number = 0;  ///< for whoever makes the row
    };
    std::vector<Entry> entries;  ///< in the order they are shown when nobody asks for another
    /// Nothing: it has gone since.
    std::function<std::optional<Json>(const Entry&)> row;

    /// Rows that are there already.
    static Listing of(std::vector<Json> rows);
};

/// Sorts, pages and cuts to columns as the query says (`sort`, `sort_reverse`, `page`, `page_size`, `name`,
/// `use_regex`, `columns`; a few RabbitMQ knows for some tables only, here they are the same for all). Small
/// tables are answered at once, large ones in slices.
void list(Desk& desk, const Call& call, Listing listing, const http::Reply& reply);
/// One thing, cut to the query's `columns`.
http::Response one(const Call& call, Json row);

/// Only these columns; "a.b" is a column of a column.
Json cut(const Json& row, const std::vector<std::string>& columns);
std::vector<std::string> columns_of(const http::Request& request);

}  // namespace posthorn::management
