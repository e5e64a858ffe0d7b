#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "wire/remoting/header.h"
#include "wire/remoting/send_request.h"

namespace posthorn::wire::remoting {

/// The JSON header of a producer's sends (10, 310, 320) with holes where its messages differ: opaque, queue,
/// born time and properties. A producer writes all the rest alike every time, so a header is recognised by
/// comparing bytes, and only what fills the holes is read: a sixth of the work of decoding it.
///
/// What it reads is what decoding gives. Whenever `read` says yes, `HeaderDecoder` and `read_send_request`
/// would have taken the header too, and `header()` and `request()` are what they would have made of it.
class SendForm {
  public:
    /// A longer header has no form: forms are kept.
    static constexpr std::size_t kLongest = 1024;
    /// Longer ones are not read by a form, nor is scratch memory kept for them: full properties, each mark
    /// escaped.
    static constexpr std::size_t kLongestRead = 64 * 1024;

    /// The form this header has. Null when it has none: a binary header (which is cheap enough), another
    /// request, one written as no client writes it (spaces, escapes in names, a field twice).
    static std::unique_ptr<SendForm> of(Encoding encoding, Bytes header);

    /// Whether this header has the form. If so, `header()` and `request()` are valid until the next `read`,
    /// and no longer than `header` and `scratch` are left alone.
    bool read(Bytes header, Buffer& scratch);
    const Header& header() const { return decoder_.header_; }
    const SendRequest& request() const { return request_; }

  private:
    struct Hole {
        enum class Of : std::uint8_t {
            opaque,
            queue,
            born,
            properties
        };                   // as kVary has them, from the second
        std::size_t before;  ///< bytes between the last hole and this one
        std::size_t size;    ///< what fills it in `text_`
        std::size_t field;   ///< in `header()`
        Of of;
    };
    struct Place {
        std::string_view text;
        std::size_t field;
        Hole::Of of;
    };

    explicit SendForm(std::string_view header) : text_(header) {}
    bool make();
    bool find_places(std::vector<Place>& places);
    std::string_view value_text(std::string_view key, bool is_number) const;
    bool fill(const Hole& hole, const char*& at, const char* end, Buffer& scratch);

    const std::string text_;
    HeaderDecoder decoder_;  ///< has decoded `text_`; what fills the holes is put into its header
    SendRequest request_;
    std::vector<Hole> holes_;
};

}  // namespace posthorn::wire::remoting
