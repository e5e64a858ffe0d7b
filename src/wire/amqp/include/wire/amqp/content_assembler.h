#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/properties.h"
#include "wire/amqp/violation.h"

namespace posthorn::wire::amqp {

/// A method with its content, whole. Views: see `ContentAssembler`.
struct Content {
    MethodCode code = MethodCode::none;
    Bytes method;      ///< payload of the method frame, for `decode`
    Bytes properties;  ///< flags and values, not yet looked at: see `decode_properties`
    Bytes body;
};

/// The frames of one channel (not 0), one after the other: methods without content pass through, a method
/// with content waits for its header and bodies.
///
///     switch (assembler.feed(frame)) {
///         case Step::method:    handle(frame.payload)            // method_of, decode
///         case Step::content:   handle(assembler.content())
///         case Step::more:      // nothing to do yet
///         case Step::violation: close(assembler.violation())     // says whether channel or connection
///
/// Nothing is copied while the frames of one message lie in one stretch of input: the content then points
/// into it. After a violation that closes only the channel (a message over `max_body_size`) the rest of the
/// message still comes: a closing channel must drop all frames but methods. Before that input goes away (at
/// the end of the session's `on_data`) call `keep()` on every assembler that is `waiting()`: it takes over
/// what it points to. Memory grows with what has really come, never with what was announced, and is bounded
/// by `max_body_size`.
class ContentAssembler {
  public:
    enum class Step { method, content, more, violation };

    /// RabbitMQ 3.10's max_message_size.
    static constexpr std::uint64_t kDefaultMaxBody = std::uint64_t{128} << 20;
    /// Body sizes above it are a FRAME_ERROR, between it and `max_body_size` a PRECONDITION_FAILED.
    static constexpr std::uint64_t kHardMaxBody = std::uint64_t{512} << 20;

    explicit ContentAssembler(std::uint64_t max_body_size = kDefaultMaxBody) : max_body_(max_body_size) {}

    /// Frames of type method, header or body; others are `unknown_frame` or `unexpected_frame` violations.
    Step feed(const Frame& frame);

    /// After `Step::content`, until the next `feed` or until the input goes.
    const Content& content() const { return content_; }
    /// After `Step::violation`. The assembler is then as new.
    const Violation& violation() const { return violation_; }

    /// Between a method with content and its last body frame.
    bool waiting() const { return state_ != State::method; }
    /// Takes over the bytes it points to. Cheap when it has them already.
    void keep();
    /// Bytes of its own it holds, for the gateway's account of memory.
    std::size_t buffered() const { return kept_.capacity() + body_.capacity(); }
    /// Forgets a message under way (the channel closes), and gives the memory back.
    void reset();

  private:
    enum class State { method, header, body };

    Step take_method(Bytes payload);
    Step take_header(Bytes payload);
    Step take_body(Bytes payload);
    void begin(MethodCode code, Bytes method);
    Step complete();
    Step out_of_place();
    Step fail(Violation violation);

    std::uint64_t max_body_;
    std::uint64_t left_ = 0;  ///< of the body
    State state_ = State::method;
    bool own_body_ = false;  ///< the body gathers in body_
    Content content_;
    Buffer kept_;  ///< method and properties once kept
    Buffer body_;
    Violation violation_;
};

}  // namespace posthorn::wire::amqp
