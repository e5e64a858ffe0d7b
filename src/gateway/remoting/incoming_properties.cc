#include "incoming_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "names.h"
#include "wire/remoting/header.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {

namespace {

template <class T>
bool set_number(std::optional<T>& out, const wire::Parsed<T>& parsed) {
    if (parsed.ok()) out = parsed.value;
    return !parsed.malformed();
}

/// Copies the items it is given, those that are neighbours in one piece.
class Keeper {
  public:
    explicit Keeper(Buffer& out) : out_(out) { out_.clear(); }

    void keep(const wire::Property& item) {
        if (!begin_ || item.name.data() != end_ + 1) {
            finish();
            begin_ = item.name.data();
        }
        end_ = item.value.data() + item.value.size();
    }
    void finish() {
        if (!begin_) return;
        const auto size = static_cast<std::size_t>(end_ - begin_);
        std::byte* const to = out_.extend(size + 1);
        std::memcpy(to, begin_, size);
        to[size] = static_cast<std::byte>(wire::kPropertyEnd);
    }

  private:
    Buffer& out_;
    const char* begin_ = nullptr;  ///< of the piece that is not copied yet
    const char* end_ = nullptr;    ///< its last separator stands here, or should
};

}  // namespace

Result<IncomingProperties> IncomingProperties::read(std::string_view list, Buffer& stored) {
    namespace property = wire::property;
    IncomingProperties found;
    Keeper keeper(stored);
    wire::PropertyCursor cursor(list);
    for (wire::Property one; cursor.next(one);) {
        bool good = true, done = false;
        // The first letter sorts out nearly everything.
        switch (one.name.empty() ? '\0' : one.name.front()) {
            case 'T':
                if (one.name == property::tags) {
                    found.tags = one.value;
                } else if (one.name == property::transaction_prepared) {
                    found.transaction = one.value == "true";
                } else if (one.name == property::timer_delay_ms) {
                    good = set_number(found.delay_ms, wire::parse_int64(one.value));
                } else if (one.name == property::timer_delay_s) {
                    good = set_number(found.delay_s, wire::parse_int64(one.value));
                } else if (one.name == property::timer_deliver_ms) {
                    good = set_number(found.deliver_ms, wire::parse_int64(one.value));
                }
                break;
            case 'U':
                if (one.name == property::unique_key) found.unique_key = one.value;
                break;
            case 'W':
                if (one.name == property::wait) {
                    found.wait = one.value != "false";
                    done = one.value == "true";
                }
                break;
            case 'D':
                if (one.name == property::delay) {
                    done = true;
                    const auto level = wire::parse_int32(one.value);
                    good = !level.malformed();
                    if (level.ok()) found.delay_level = level.value;
                }
                break;
            case 'C':
                if (one.name == property::cluster) found.cluster = one.value;
                break;
            default:
                break;
        }
        if (!good)
            return Error{Errc::invalid, fmt::format("property {} is '{}', which is no number in its range",
                                                    one.name, one.value)};
        if (!done) keeper.keep(one);
    }
    keeper.finish();
    return found;
}

std::int64_t IncomingProperties::due_ms(std::int64_t wall_ms, const DelayLevels& levels) const {
    // Whatever number it is: no overflow. What is too far away is refused by the engine.
    const auto after = [&](std::int64_t ms) {
        return ms <= 0 ? 0 : wall_ms + std::min(ms, INT64_MAX - wall_ms);
    };
    if (delay_level > 0) {
        const auto level = std::min<std::size_t>(static_cast<std::size_t>(delay_level), levels.size());
        return after(levels[level - 1]);
    }
    if (delay_s)
        return after(*delay_s > INT64_MAX / 1000 ? INT64_MAX : std::max<std::int64_t>(*delay_s, 0) * 1000);
    if (delay_ms) return after(*delay_ms);
    return deliver_ms && *deliver_ms > wall_ms ? *deliver_ms : 0;
}

}  // namespace posthorn::gateway::remoting
