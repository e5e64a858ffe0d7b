#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "desk.h"

namespace posthorn::management {

/// Rows of a table: found by a walk in shares, and made only when they are wanted.
struct Listing {
    struct Entry {
        std::string vhost, name;
        std::size_t number = 0;  ///< for whoever makes the row
    };
    /// Looks at `max` places at most, takes what is there, and goes on behind it when called again. False:
    /// that was all. In the order in which things are shown when nobody asks for another.
    using Walk = std::function<bool(std::size_t max, const std::function<void(Entry)>& take)>;
    /// Nothing: it has gone since, or is not shown.
    using Row = std::function<std::optional<Json>(const Entry&)>;

    Walk walk;
    Row row;
    std::size_t rows_per_share = 128;  ///< a row takes about 20 microseconds

    /// Rows that are there already.
    static Listing of(std::vector<Json> rows);
};

/// So many, that have names.
Listing::Walk walk_numbers(std::size_t count, std::function<std::string(std::size_t)> name);

/// What one virtual host has in a table, by its places in their order, from `from` on: tells `visit` a place,
/// whether it is wanted, and stops when that says so.
using PlacesInHost = std::function<void(exchange::VirtualHost& host, const std::string& from,
                                        const std::function<bool(std::string place, bool wanted)>& visit)>;
/// One after the other; the name of an entry is its place.
Listing::Walk walk_hosts(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts, PlacesInHost places);

// Places of queues and exchanges are their names.
Listing::Walk walk_queues(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts);
Listing::Walk walk_exchanges(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts);

/// Sorts, pages and cuts to columns as the query says (`sort`, `sort_reverse`, `page`, `page_size`, `name`,
/// `use_regex`, `columns`; a few RabbitMQ knows for some tables only, here they are the same for all). Made
/// in shares and sent in pieces. Only what is to be put into another order is kept meanwhile: names, and what
/// they are ordered by.
void list(Desk& desk, const Call& call, Listing listing, const http::Reply& reply);
/// One thing, cut to the query's `columns`.
http::Response one(const Call& call, Json row);

/// A listing as the items of an array, in the order of its walk: adds a share of them with the commas
/// between.
class Items {
  public:
    explicit Items(Listing listing) : listing_(std::move(listing)) {}
    /// False: that was all.
    bool add_to(std::string& text);

  private:
    Listing listing_;
    bool any_ = false;
};

/// Only these columns; "a.b" is a column of a column.
Json cut(const Json& row, const std::vector<std::string>& columns);
std::vector<std::string> columns_of(const http::Request& request);

}  // namespace posthorn::management
