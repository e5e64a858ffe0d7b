#include "listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/pattern.h"

namespace posthorn::management {
namespace {

constexpr std::size_t page_size_default = 100, page_size_max = 500;
/// A row takes about 20 microseconds.
constexpr std::size_t rows_per_slice = 128;

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

Result<void> keep_named(std::vector<Listing::Entry>& entries, const Query& query) {
    if (query.name.empty()) return {};
    if (!query.regex) {
        const std::string wanted = lower(query.name);
        std::erase_if(entries, [&](const Listing::Entry& entry) {
            return lower(entry.name).find(wanted) == std::string::npos;
        });
        return {};
    }
    const auto pattern = model::Pattern::compile("(?i)" + query.name);
    if (!pattern) return Error{Errc::invalid, "Pagination parameters are invalid"};
    std::erase_if(entries, [&](const Listing::Entry& entry) { return !pattern->found_in(entry.name); });
    return {};
}

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
    Work(Listing listing, Query query, http::Reply reply)
        : listing_(std::move(listing)), query_(std::move(query)), reply_(std::move(reply)) {}

    /// False: it has been answered, for the query is wrong.
    bool begin();
    /// A slice; true when it is answered.
    bool step();

  private:
    bool sorts_rows() const { return !query_.sort.empty() && query_.sort != "name"; }
    bool cut_to_page(std::size_t size);
    void add(const Json& row);
    void finish();

    Listing listing_;
    const Query query_;
    const http::Reply reply_;
    std::size_t total_ = 0, filtered_ = 0, next_ = 0, items_ = 0;
    std::string text_;
    struct Row {
        Json key;
        std::string text;
    };
    std::vector<Row> rows_;             ///< only when they are to be sorted
    std::size_t first_ = 0, last_ = 0;  ///< of the page
};

bool Work::begin() {
    auto& entries = listing_.entries;
    total_ = entries.size();
    if (query_.page)
        if (auto kept = keep_named(entries, query_); !kept) {
            reply_(failed(kept.error()));
            return false;
        }
    filtered_ = entries.size();
    if (query_.sort == "name")
        std::stable_sort(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; });
    if (query_.reverse && !sorts_rows()) std::reverse(entries.begin(), entries.end());
    if (!cut_to_page(entries.size())) return false;
    if (query_.page && !sorts_rows()) {
        entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(last_), entries.end());
        entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(first_));
    }
    return true;
}

bool Work::cut_to_page(std::size_t size) {
    last_ = size;
    if (!query_.page) return true;
    // An empty table has a first page.
    if (*query_.page > std::max<std::size_t>(1, (size + query_.page_size - 1) / query_.page_size)) {
        reply_(http::Response::failure(400, "page_out_of_range",
                                       fmt::format("Page out of range, page: {} page size: {}, len: {}",
                                                   *query_.page, query_.page_size, size)));
        return false;
    }
    first_ = (*query_.page - 1) * query_.page_size;
    last_ = std::min(size, first_ + query_.page_size);
    return true;
}

bool Work::step() {
    for (std::size_t n = 0; n < rows_per_slice && next_ < listing_.entries.size(); ++n, ++next_)
        if (const auto row = listing_.row(listing_.entries[next_])) add(*row);
    if (next_ < listing_.entries.size()) return false;
    finish();
    return true;
}

void Work::add(const Json& row) {
    std::string text = query_.columns.empty() ? text_of(row) : text_of(cut(row, query_.columns));
    if (sorts_rows()) {
        const Json* key = at_path(row, query_.sort);
        rows_.push_back({key ? *key : Json(), std::move(text)});
        return;
    }
    text_ += items_++ == 0 ? "" : ",";
    text_ += text;
}

void Work::finish() {
    if (sorts_rows()) {
        std::stable_sort(rows_.begin(), rows_.end(),
                         [](const Row& a, const Row& b) { return before(a.key, b.key); });
        if (query_.reverse) std::reverse(rows_.begin(), rows_.end());
        for (std::size_t i = first_; i < std::min(last_, rows_.size()); ++i) {
            text_ += items_++ == 0 ? "" : ",";
            text_ += rows_[i].text;
        }
    }
    http::Response response;
    response.body = "[" + text_ + "]";
    if (query_.page)
        response.body = fmt::format(
            "{{\"filtered_count\":{},\"item_count\":{},\"items\":{},\"page\":{},\"page_count\":{},\"page_"
            "size\":{},"
            "\"total_count\":{}}}",
            filtered_, items_, response.body, *query_.page,
            std::max<std::size_t>(1, (filtered_ + query_.page_size - 1) / query_.page_size), query_.page_size,
            total_);
    reply_(std::move(response));
}

}  // namespace

Listing Listing::of(std::vector<Json> rows) {
    Listing listing;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Json* name = at_path(rows[i], "name");
        listing.entries.push_back(
            {{}, name && name->is_string() ? name->get<std::string>() : std::string(), i});
    }
    listing.row = [rows = std::make_shared<const std::vector<Json>>(std::move(rows))](const Entry& entry) {
        return std::optional((*rows)[entry.number]);
    };
    return listing;
}

void list(Desk& desk, const Call& call, Listing listing, const http::Reply& reply) {
    auto query = read_query(call.request);
    if (!query)
        return reply(http::Response::failure(400, "invalid_pagination_parameters", query.error().message));
    auto work = std::make_shared<Work>(std::move(listing), *std::move(query), reply);
    if (!work->begin() || work->step()) return;
    desk.jobs.add([work] { return work->step(); });
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
