#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "load_stamp.h"
#include "wire/remoting/frame.h"

namespace posthorn::cli {

/// Send requests (code 310) of one topic, stamped out of a form: everything but the numbers is encoded once,
/// so that a request costs a copy and a few patches. What a Java client 4.9 sends: its fields, UNIQ_KEY,
/// WAIT.
class SendFrame {
  public:
    struct Shape {
        std::string topic;
        std::string group = "posthorn_bench";
        wire::remoting::Encoding encoding = wire::remoting::Encoding::json;
        std::size_t body_size = 128;
        std::uint32_t queues = 8;      ///< of the topic; `queue` below is less
        std::string extra_properties;  ///< "NAME\x01value\x02..." behind UNIQ_KEY and WAIT
        bool oneway = false;
    };
    explicit SendFrame(Shape shape);

    struct Numbers {
        std::uint32_t opaque = 0;  ///< comes back as `kOpaqueBase + opaque`; below 10^9
        std::uint32_t queue = 0;
        std::int64_t wall_ms = 0;  ///< born time
        LoadStamp stamp;           ///< left out where the body is too short for it
    };
    void append(Buffer& out, const Numbers& numbers) const;

    /// All opaques have ten digits, so that every request has the same length.
    static constexpr std::uint32_t kOpaqueBase = 1'000'000'000;

  private:
    struct Form {  ///< one per queue
        Buffer bytes;
        std::size_t opaque = 0;
        std::size_t born = 0;
        std::size_t key = 0;
        std::size_t body = 0;
    };
    Form make_form(std::uint32_t queue) const;

    Shape shape_;
    std::vector<Form> forms_;
};

}  // namespace posthorn::cli
