#include "data_directory.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "env/random.h"

namespace posthorn::broker {
namespace {

constexpr std::string_view title = "posthorn data directory\n", version_word = "format ", id_word = "store ";

std::string join(const std::string& directory, std::string_view name) {
    return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}

std::string encode(const DataDirectory& data) {
    return fmt::format("{}{}{}\n{}{:016x}\n", title, version_word, DataDirectory::format_version, id_word,
                       data.store_id);
}

/// The number after `word`, to the end of the line; moves `text` behind it.
bool read_line(std::string_view& text, std::string_view word, int base, std::uint64_t& value) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end == text.data() + text.size() || *end != '\n') return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return true;
}

Result<DataDirectory> decode(std::string_view text, const std::string& path) {
    std::uint64_t version = 0;
    DataDirectory data;
    if (!text.starts_with(title))
        return Error{Errc::damaged, fmt::format("{} was not written by Posthorn", path)};
    text.remove_prefix(title.size());
    if (!read_line(text, version_word, 10, version))
        return Error{Errc::damaged, fmt::format("{} names no format version", path)};
    if (version != DataDirectory::format_version)
        return Error{Errc::unsupported, fmt::format("{} has format {}, this program knows {}", path, version,
                                                    DataDirectory::format_version)};
    if (!read_line(text, id_word, 16, data.store_id))
        return Error{Errc::damaged, fmt::format("{} names no store id", path)};
    return data;
}

Result<DataDirectory> read(env::Files& files, const std::string& path) {
    auto file = files.open(path, env::OpenMode::read);
    if (!file) return file.error();
    std::array<std::byte, 256> bytes;
    auto size = (*file)->read_at(0, bytes);
    if (!size) return size.error();
    return decode(as_text(Bytes(bytes).first(*size)), path);
}

/// A new id would make every segment that is there another store's.
Result<void> check_empty(env::Files& files, const std::string& log, const std::string& missing) {
    const auto names = files.list(log);
    if (!names && names.error().code == Errc::not_found) return {};
    if (!names) return names.error();
    for (const std::string& name : *names)
        if (name.ends_with(".seg") || name.ends_with(".idx"))
            return Error{Errc::damaged,
                         fmt::format("{} is missing beside the messages in {}: put it back from a backup, or "
                                     "move the whole data directory away to begin with an empty one",
                                     missing, log)};
    return {};
}

Result<void> write_durably(env::Files& files, const std::string& directory, std::string_view name,
                           std::string_view text) {
    const std::string path = join(directory, name), fresh = path + ".new";
    auto file = files.open(fresh, env::OpenMode::create);
    if (!file) return file.error();
    auto done = (*file)->truncate(0);
    if (done) done = (*file)->write_at(0, as_bytes(text));
    if (done) done = (*file)->sync_data();
    if (done) done = files.rename(fresh, path);
    if (done) done = files.sync_directory(directory);
    return done;
}

}  // namespace

Result<DataDirectory> DataDirectory::open(env::Files& files, const std::string& directory,
                                          std::uint64_t new_store_id) {
    const std::string path = join(directory, "posthorn.meta");
    auto known = read(files, path);
    if (known || known.error().code != Errc::not_found) return known;
    for (const std::string_view log : {"log/stream", "log/queue"})
        if (auto empty = check_empty(files, join(directory, log), path); !empty) return empty.error();
    DataDirectory data;
    data.store_id = new_store_id ? new_store_id : env::system_seed();
    if (auto done = write_durably(files, directory, "posthorn.meta", encode(data)); !done)
        return done.error();
    return data;
}

}  // namespace posthorn::broker
