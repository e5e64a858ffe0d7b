#include "listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "model/pattern.h"
#include "ordered.h"
#include "stream.h"

namespace posthorn::management {
namespace {

constexpr std::size_t page_size_default = 100, page_size_max = 500;
/// Found and filtered, or put in order, about a microsecond each.
constexpr std::size_t names_per_share = 1'000;
/// Lists that are put into another order keep the names of their table meanwhile.
constexpr int reordered_max = 8;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// Where "a.b" leads in a row. Names may have dots of their own.
const Json* at_path(const Json& row, std::string_view path) {
    if (!row.is_object()) return nullptr;
    if (const auto found = row.find(path); found != row.end()) return &*found;
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return nullptr;
    const auto found = row.find(path.substr(0, dot));
    return found == row.end() ? nullptr : at_path(*found, path.substr(dot + 1));
}

void copy_path(const Json& from, std::string_view path, Json& to) {
    if (!from.is_object()) return;
    if (const auto found = from.find(path); found != from.end()) {
        to[std::string(path)] = *found;
        return;
    }
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return;
    const auto found = from.find(path.substr(0, dot));
    if (found == from.end() || !found->is_object()) return;
    Json& inner = to[std::string(path.substr(0, dot))];
    if (!inner.is_object()) inner = Json::object();
    copy_path(*found, path.substr(dot + 1), inner);
}

struct Query {
    std::string sort;
    bool reverse = false;
    std::optional<std::size_t> page;  ///< from 1
    std::size_t page_size = page_size_default;
    std::string name;
    bool regex = false;
    std::vector<std::string> columns;
};

std::optional<std::size_t> positive(const std::string& text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
    return number;
}

Result<Query> read_query(const http::Request& request) {
    Query query;
    query.sort = request.query("sort");
    query.reverse = request.query("sort_reverse") == "true";
    query.columns = columns_of(request);
    query.name = request.query("name");
    query.regex = request.query("use_regex") == "true";
    const std::string page = request.query("page"), size = request.query("page_size");
    if (page.empty()) return query;
    query.page = positive(page);
    const auto wanted = size.empty() ? std::optional(page_size_default) : positive(size);
    if (!query.page || !wanted || *wanted > page_size_max)
        return Error{Errc::invalid, fmt::format("Invalid pagination parameters: page number {}, page size {}",
                                                page, size.empty() ? "undefined" : size)};
    query.page_size = *wanted;
    return query;
}

/// Which names the query wants.
class NameFilter {
  public:
    static Result<NameFilter> of(const Query& query) {
        NameFilter filter;
        if (!query.page || query.name.empty()) return filter;
        if (!query.regex) {
            filter.part_ = lower(query.name);
            return filter;
        }
        auto pattern = model::Pattern::compile("(?i)" + query.name);
        if (!pattern) return Error{Errc::invalid, "Pagination parameters are invalid"};
        filter.pattern_ = *std::move(pattern);
        return filter;
    }
    bool wants(const std::string& name) const {
        if (pattern_) return !pattern_->gave_up() && pattern_->found_in(name);
        return part_.empty() || lower(name).find(part_) != std::string::npos;
    }

    /// The expression takes too long for what it asks.
    bool gave_up() const { return pattern_ && pattern_->gave_up(); }

  private:
    std::string part_;
    std::optional<model::Pattern> pattern_;
};

/// Numbers before texts, what is missing before either.
bool before(const Json& a, const Json& b) {
    if (a.is_number() && b.is_number()) return a < b;
    const auto rank = [](const Json& value) { return value.is_null() ? 0 : value.is_number() ? 1 : 2; };
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return a < b;
}

/// A listing being made.
class Work {
  public:
    Work(Listing listing, Query query, NameFilter filter, std::shared_ptr<const void> slot)
        : listing_(std::move(listing)),
          query_(std::move(query)),
          filter_(std::move(filter)),
          slot_(std::move(slot)),
          first_(query_.page ? (*query_.page - 1) * query_.page_size : 0) {}

    /// See `Share`.
    Result<Jobs::Left> share(std::string& text) {
        if (begun_) return rows(text);
        if (query_.page || reorders(query_)) return collect();
        return as_found(text);
    }

    static bool reorders(const Query& query) { return query.reverse || !query.sort.empty(); }

  private:
    struct Kept {
        Json key;
        std::size_t number;  ///< as it was found
        Listing::Entry entry;
    };
    struct Before {
        bool reverse;
        bool operator()(const Kept& left, const Kept& right) const {
            const Kept &a = reverse ? right : left, &b = reverse ? left : right;
            if (before(a.key, b.key)) return true;
            return !before(b.key, a.key) && a.number < b.number;
        }
    };

    Result<Jobs::Left> as_found(std::string& text) {
        text += std::exchange(any_share_, true) ? "" : "[";
        const bool more = listing_.walk(listing_.rows_per_share,
                                        [&](const Listing::Entry& entry) { add_row(entry, text); });
        if (more) return Jobs::Left::more;
        text += "]";
        return Jobs::Left::nothing;
    }

    bool orders_by_row() const { return !query_.sort.empty() && query_.sort != "name"; }

    Result<Jobs::Left> collect() {
        const std::size_t most = orders_by_row() ? listing_.rows_per_share : names_per_share;
        if (listing_.walk(most, [this](Listing::Entry entry) { consider(std::move(entry)); }))
            return Jobs::Left::more;
        if (filter_.gave_up())
            return Error{Errc::invalid, "the regular expression takes too long: nothing nested like (a*)*"};
        if (query_.page && *query_.page > pages())
            return Error{Errc::invalid, fmt::format("Page out of range, page: {} page size: {}, len: {}",
                                                    *query_.page, query_.page_size, filtered_)};
        kept_.begin_taking();
        begun_ = true;
        return Jobs::Left::more;
    }

    void consider(Listing::Entry entry) {
        ++total_;
        if (!filter_.wants(entry.name)) return;
        const std::size_t number = filtered_++;
        if (!reorders(query_)) {  // a page of what is in order already
            if (number >= first_ && number < first_ + query_.page_size)
                kept_.add({Json(), number, std::move(entry)});
            return;
        }
        if (!orders_by_row()) {
            Json key = query_.sort.empty() ? Json() : Json(entry.name);
            return kept_.add({std::move(key), number, std::move(entry)});
        }
        const auto row = listing_.row(entry);
        const Json* key = row ? at_path(*row, query_.sort) : nullptr;
        kept_.add({key ? *key : Json(), number, std::move(entry)});
    }

    Result<Jobs::Left> rows(std::string& text) {
        if (!std::exchange(any_share_, true)) {
            text += query_.page ? "{\"items\":[" : "[";
            skip_ = reorders(query_) ? first_ : 0;
            left_ = query_.page ? query_.page_size : filtered_;
        }
        for (std::size_t n = 0; n < names_per_share && skip_ > 0 && !kept_.empty(); ++n, --skip_)
            kept_.take();
        if (skip_ > 0 && !kept_.empty()) return Jobs::Left::more;
        for (std::size_t n = 0; n < listing_.rows_per_share && left_ > 0 && !kept_.empty(); ++n, --left_)
            add_row(kept_.take().entry, text);
        if (left_ > 0 && !kept_.empty()) return Jobs::Left::more;
        text += "]";
        if (query_.page)
            text += fmt::format(
                ",\"filtered_count\":{},\"item_count\":{},\"page\":{},\"page_count\":{},\"page_size\":{},"
                "\"total_count\":{}}}",
                filtered_, items_, *query_.page, pages(), query_.page_size, total_);
        return Jobs::Left::nothing;
    }

    void add_row(const Listing::Entry& entry, std::string& text) {
        const auto row = listing_.row(entry);
        if (!row) return;
        text += items_++ == 0 ? "" : ",";
        text += query_.columns.empty() ? text_of(*row) : text_of(cut(*row, query_.columns));
    }

    /// An empty table has a first page.
    std::size_t pages() const {
        return std::max<std::size_t>(1, (filtered_ + query_.page_size - 1) / query_.page_size);
    }

    Listing listing_;
    const Query query_;
    const NameFilter filter_;
    const std::shared_ptr<const void> slot_;
    const std::size_t first_;  ///< of the page
    std::size_t total_ = 0, filtered_ = 0, items_ = 0, skip_ = 0, left_ = 0;
    bool begun_ = false;      ///< everything is found: rows
    bool any_share_ = false;  ///< of text
    Ordered<Kept, Before> kept_{Before{query_.reverse}};
};

http::Response page_out_of_range(const Error& error) {
    return http::Response::failure(400, "page_out_of_range", error.message);
}

}  // namespace

Listing::Walk walk_numbers(std::size_t count, std::function<std::string(std::size_t)> name) {
    return [count, name = std::move(name), next = std::size_t{0}](
               std::size_t max, const std::function<void(Listing::Entry)>& take) mutable {
        for (; max > 0 && next < count; --max, ++next)
            take({{}, name(next), next});
        return next < count;
    };
}

Listing Listing::of(std::vector<Json> rows) {
    const auto all = std::make_shared<const std::vector<Json>>(std::move(rows));
    Listing listing;
    listing.walk = walk_numbers(all->size(), [all](std::size_t number) {
        const Json* name = at_path((*all)[number], "name");
        return name && name->is_string() ? name->get<std::string>() : std::string();
    });
    listing.row = [all](const Entry& entry) { return std::optional((*all)[entry.number]); };
    return listing;
}

Listing::Walk walk_hosts(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts, PlacesInHost places) {
    struct State {
        std::vector<std::string> hosts;  // by name: they may go
        std::size_t at = 0;
        std::string from;
    };
    auto state = std::make_shared<State>();
    for (const exchange::VirtualHost* host : hosts)
        state->hosts.push_back(host->name());
    return [&desk, state, places = std::move(places)](std::size_t max,
                                                      const std::function<void(Listing::Entry)>& take) {
        for (; state->at < state->hosts.size(); ++state->at, state->from.clear()) {
            const std::string& name = state->hosts[state->at];
            exchange::VirtualHost* const host = desk.hosts.find(name);
            if (!host) continue;
            bool stopped = false;
            const std::string from = state->from;
            places(*host, from, [&](std::string place, bool wanted) {
                stopped = max == 0;
                if (stopped) return false;
                --max;
                state->from = place + '\0';
                if (wanted) take({name, std::move(place), 0});
                return true;
            });
            if (stopped) return true;
        }
        return false;
    };
}

Listing::Walk walk_queues(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts) {
    return walk_hosts(
        desk, hosts, [](exchange::VirtualHost& host, const std::string& from, const auto& visit) {
            host.walk_queues(from,
                             [&](const exchange::Queue& queue) { return visit(queue.spec().name, true); });
        });
}

Listing::Walk walk_exchanges(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts) {
    return walk_hosts(
        desk, hosts, [](exchange::VirtualHost& host, const std::string& from, const auto& visit) {
            host.walk_exchanges(from,
                                [&](const exchange::ExchangeSpec& spec) { return visit(spec.name, true); });
        });
}

void list(Desk& desk, const Call& call, Listing listing, const http::Reply& reply) {
    auto query = read_query(call.request);
    if (!query)
        return reply(http::Response::failure(400, "invalid_pagination_parameters", query.error().message));
    auto filter = NameFilter::of(*query);
    if (!filter) return reply(failed(filter.error()));
    std::shared_ptr<const void> slot;
    if (Work::reorders(*query)) {
        if (desk.reordering.use_count() > reordered_max)
            return reply(failed({Errc::full, "too many lists are being sorted, try again later"}));
        slot = desk.reordering;
    }
    auto work =
        std::make_shared<Work>(std::move(listing), *std::move(query), *std::move(filter), std::move(slot));
    stream(
        desk.jobs, [work](std::string& text) { return work->share(text); }, {}, reply, &page_out_of_range);
}

bool Items::add_to(std::string& text) {
    return listing_.walk(listing_.rows_per_share, [&](const Listing::Entry& entry) {
        const auto row = listing_.row(entry);
        if (!row) return;
        text += std::exchange(any_, true) ? "," : "";
        text += text_of(*row);
    });
}

http::Response one(const Call& call, Json row) {
    const auto columns = columns_of(call.request);
    return answer(columns.empty() ? std::move(row) : cut(row, columns));
}

Json cut(const Json& row, const std::vector<std::string>& columns) {
    Json out = Json::object();
    for (const std::string& column : columns)
        copy_path(row, column, out);
    return out;
}

std::vector<std::string> columns_of(const http::Request& request) {
    std::vector<std::string> columns;
    const std::string text = request.query("columns");
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        if (comma > at) columns.push_back(text.substr(at, comma - at));
        at = comma + 1;
    }
    return columns;
}

}  // namespace posthorn::management
