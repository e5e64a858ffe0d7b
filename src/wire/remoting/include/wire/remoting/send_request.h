#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/header.h"
#include "wire/remoting/properties.h"

namespace posthorn::wire::remoting {

/// The header of a send, whichever way it was spelled: full names (10, 324) or one letter each (310, 320,
/// 325). Views live as long as the header's.
struct SendRequest {
    std::string_view producer_group;                  // a
    std::string_view topic;                           // b
    std::string_view default_topic;                   // c: the template an unknown topic is created from
    std::int32_t default_topic_queues = 0;            // d
    std::int32_t queue_id = 0;                        // e: negative lets the broker choose
    std::int32_t sys_flag = 0;                        // f
    std::int64_t born_ms = 0;                         // g
    std::int32_t flag = 0;                            // h
    std::string_view properties;                      // i
    std::span<const Property> items;                  // or i, item by item: what a SendForm makes of it
    std::int32_t reconsume_times = 0;                 // j
    bool unit_mode = false;                           // k
    std::optional<std::int32_t> max_reconsume_times;  // l
    bool batch = false;                               // m; always true for 320
    std::string_view broker_name;                     // n
};

/// Reads the header of code 10, 310, 320, 324 or 325. Producer group, topic, queue id, system flag, born time
/// and flag must be there as numbers and text; the error names the field (`Errc::invalid`).
Result<SendRequest> read_send_request(const Header& header);

/// Writes the fields with letters (codes 310, 320, 325) or with full names (10, 324): the client's side.
void write_send_request(FrameWriter& writer, const SendRequest& request, bool letters);

}  // namespace posthorn::wire::remoting
