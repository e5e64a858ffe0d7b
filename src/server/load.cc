#include "load.h"

#include <fmt/core.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "env/posix_files.h"
#include "perhaps_meant.h"
#include "rocketmq_conf.h"
#include "settings.h"

namespace posthorn::server {
namespace {

constexpr std::uint64_t file_bytes_max = 1 << 20;  // a configuration file; anything larger is a mistake
/// Notes one file may cause. YAML's aliases can make a short file long, so its size alone is no limit.
constexpr std::size_t unknown_keys_max = 100;

Result<std::string> read_file(const std::string& path) {
    const std::filesystem::path whole(path);
    const std::string directory = whole.has_parent_path() ? whole.parent_path().string() : std::string(".");
    env::PosixFiles files(directory);
    auto file = files.open(whole.filename().string(), env::OpenMode::read);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    if (size.value() > file_bytes_max)
        return Error{Errc::invalid,
                     fmt::format("{} is larger than 1 MiB: is it a configuration file?", path)};
    std::string text(size.value(), '\0');
    auto read = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
    if (!read) return read.error();
    text.resize(*read);
    return text;
}

std::string unknown(std::string_view what, std::string_view key,
                    const std::function<std::string(const Setting&)>& name_of) {
    std::vector<std::string> known;
    for (const Setting& setting : settings())
        known.push_back(name_of(setting));
    return fmt::format("{} '{}' is not known and not used{}", what, key, perhaps_meant(key, known));
}

/// "flush" for "store"; empty for what is no section.
std::string first_key_of_section(const std::string& name) {
    for (const Setting& setting : settings())
        if (setting.key.starts_with(name + ".")) return std::string(setting.key.substr(name.size() + 1));
    return {};
}

/// Walks a YAML tree and sets what it finds. No deeper than keys have parts: an anchor may hold itself.
class YamlReader {
  public:
    YamlReader(Config& config, std::string_view path, Notes& notes)
        : config_(config), path_(path), notes_(notes) {}

    Result<void> read(const YAML::Node& root) {
        for (const auto& room : root) {
            if (!room.second.IsMap()) {
                if (auto done = set(room.first, room.first.Scalar(), room.second); !done) return done;
                continue;
            }
            for (const auto& pair : room.second)
                if (auto done = set(pair.first, room.first.Scalar() + "." + pair.first.Scalar(), pair.second);
                    !done)
                    return done;
        }
        return {};
    }

  private:
    Result<void> set(const YAML::Node& at, const std::string& key, const YAML::Node& value) {
        const std::string where = fmt::format("{}:{}", path_, at.Mark().line + 1);
        if (find_setting(key) == nullptr) {
            if (++unknown_keys_ > unknown_keys_max)
                return Error{Errc::invalid, fmt::format("{}: more than {} keys are not known: is this "
                                                        "Posthorn's configuration?",
                                                        where, unknown_keys_max)};
            const auto inside = first_key_of_section(key);
            if (!inside.empty() && value.IsNull()) return {};
            if (!inside.empty())
                return Error{Errc::invalid,
                             fmt::format("{}: '{}' is a section, not a setting: its settings stand below it, "
                                         "indented, as '{}:'",
                                         where, key, inside)};
            notes_.push_back(
                {LogLevel::warn, fmt::format("{}: {}", where, unknown("key", key, [](const Setting& known) {
                                                 return std::string(known.key);
                                             }))});
            return {};
        }
        if (value.IsNull()) {
            notes_.push_back(
                {LogLevel::warn,
                 fmt::format("{}: '{}' has no value: left as it is (\"\" is an empty one)", where, key)});
            return {};
        }
        if (value.IsMap())
            return Error{Errc::invalid,
                         fmt::format("{}: '{}' is one value, nothing stands below it", where, key)};
        std::string text;
        if (value.IsSequence())
            for (const auto& item : value)
                text += (text.empty() ? "" : " ") + item.Scalar();
        else if (value.IsScalar())
            text = value.Scalar();
        if (auto done = set_value(config_, key, text); !done)
            return Error{done.error().code, fmt::format("{}: {}", where, done.error().message)};
        return {};
    }

    Config& config_;
    std::string_view path_;
    Notes& notes_;
    std::size_t unknown_keys_ = 0;
};

Result<void> apply_environment(Config& config, const Sources& sources, Notes& notes) {
    for (const auto& [name, value] : sources.environment) {
        const auto& all = settings();
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&, &name = name](const Setting& s) { return s.variable() == name; });
        if (found == all.end()) {
            notes.push_back({LogLevel::warn, unknown("variable", name, &Setting::variable)});
            continue;
        }
        if (auto done = set_value(config, found->key, value); !done)
            return Error{done.error().code, fmt::format("{}: {}", name, done.error().message)};
    }
    return {};
}

}  // namespace

Result<void> apply_yaml(Config& config, std::string_view path, const std::string& content, Notes& notes) {
    try {
        const YAML::Node root = YAML::Load(content);
        if (root.IsNull()) return {};
        if (!root.IsMap())
            return Error{Errc::invalid,
                         fmt::format("{}: expected keys and values, 'ports:' and the like", path)};
        return YamlReader(config, path, notes).read(root);
    } catch (const YAML::Exception& trouble) {
        return Error{Errc::invalid, fmt::format("{}: {}", path, trouble.what())};
    }
}

Result<Loaded> load_config(const Sources& sources) {
    Loaded loaded;
    for (const std::string& path : sources.files) {
        auto content = read_file(path);
        if (!content)
            return Error{content.error().code, fmt::format("-c {}: {}", path, content.error().message)};
#if POSTHORN_WITH_REMOTING
        const bool rocketmq = is_rocketmq_conf(path, *content);
        auto done = rocketmq ? apply_rocketmq_conf(loaded.config, path, *content, loaded.notes)
                             : apply_yaml(loaded.config, path, *content, loaded.notes);
#else
        auto done = apply_yaml(loaded.config, path, *content, loaded.notes);
#endif
        if (!done) return done.error();
    }
    if (auto done = apply_environment(loaded.config, sources, loaded.notes); !done) return done.error();
    for (const auto& [key, value] : sources.flags)
        if (auto done = set_value(loaded.config, key, value); !done)
            return Error{done.error().code,
                         fmt::format("{}: {}", find_setting(key)->flag(), done.error().message)};
    if (auto done = complete(loaded.config); !done) return done.error();
    return loaded;
}

std::vector<std::pair<std::string, std::string>> posthorn_environment() {
    std::vector<std::pair<std::string, std::string>> found;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view variable(*entry);
        const auto equals = variable.find('=');
        if (variable.starts_with("POSTHORN_") && equals != std::string_view::npos)
            found.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
    }
    return found;
}

}  // namespace posthorn::server
