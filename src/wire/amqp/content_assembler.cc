#include "wire/amqp/content_assembler.h"

#include <fmt/format.h>

#include "base/check.h"
#include "wire/amqp/decode.h"

namespace posthorn::wire::amqp {
namespace {

/// A body buffer above it is given back once its message is done with: 2,047 channels may each hold one.
constexpr std::size_t kSpareBody = std::size_t{256} << 10;

Violation unexpected(MethodCode method, std::string detail) {
    return {ReplyCode::unexpected_frame, method, std::move(detail)};
}

}  // namespace

ContentAssembler::Step ContentAssembler::feed(const Frame& frame) {
    if (!well_formed(frame)) [[unlikely]]
        return fail(unknown_frame(frame));
    if (frame.type == FrameType::method) return take_method(frame.payload);
    if (frame.type == FrameType::header) return take_header(frame.payload);
    if (frame.type == FrameType::body) return take_body(frame.payload);
    return fail(unexpected_frame(frame));
}

ContentAssembler::Step ContentAssembler::take_method(Bytes payload) {
    if (state_ != State::method) return out_of_place();
    const MethodCode code = method_of(payload);
    if (!has_content(code)) return Step::method;
    begin(code, payload);
    return Step::more;
}

void ContentAssembler::begin(MethodCode code, Bytes method) {
    if (body_.capacity() > kSpareBody) body_.release();
    body_.clear();
    kept_.clear();
    own_body_ = false;
    content_ = {code, method, {}, {}};
    state_ = State::header;
}

ContentAssembler::Step ContentAssembler::take_header(Bytes payload) {
    ContentHeader header;
    POSTHORN_CHECK(decode_content_header(payload, header), "a well-formed header frame that is none");
    if (state_ != State::header || header.weight != 0) return out_of_place();
    if (header.class_id != class_id(content_.code))
        return fail(unexpected(
            content_.code, fmt::format("expected content header for class {}, got one for class {} instead",
                                       class_id(content_.code), header.class_id)));
    if (header.body_size > kHardMaxBody)
        return fail({ReplyCode::frame_error, content_.code,
                     fmt::format("content body size {} exceeds maximum allowed size {}", header.body_size,
                                 kHardMaxBody)});
    if (header.body_size > max_body_)
        return fail({ReplyCode::precondition_failed, content_.code,
                     fmt::format("message size {} is larger than configured max size {}", header.body_size,
                                 max_body_)});
    content_.properties = header.properties;
    left_ = header.body_size;
    if (left_ == 0) return complete();
    state_ = State::body;
    return Step::more;
}

ContentAssembler::Step ContentAssembler::take_body(Bytes payload) {
    if (state_ != State::body) return out_of_place();
    if (payload.size() > left_)
        return fail(
            {ReplyCode::frame_error, content_.code, "content body frame exceeds remaining content size"});
    left_ -= payload.size();
    if (left_ == 0 && !own_body_) {
        content_.body = payload;
        return complete();
    }
    own_body_ = true;
    body_.append(payload);
    return left_ == 0 ? complete() : Step::more;
}

ContentAssembler::Step ContentAssembler::complete() {
    if (own_body_) content_.body = body_.view();
    state_ = State::method;
    return Step::content;
}

ContentAssembler::Step ContentAssembler::out_of_place() {
    switch (state_) {
        case State::method:
            return fail(unexpected(MethodCode::none, "expected method frame, got non method frame instead"));
        case State::header:
            return fail(unexpected(
                content_.code,
                fmt::format("expected content header for class {}, got non content header frame instead",
                            class_id(content_.code))));
        case State::body:
            break;
    }
    return fail(unexpected(content_.code, "expected content body, got non content body frame instead"));
}

ContentAssembler::Step ContentAssembler::fail(Violation violation) {
    reset();
    violation_ = std::move(violation);
    return Step::violation;
}

void ContentAssembler::keep() {
    if (!waiting()) return;
    const std::size_t method = content_.method.size();
    const std::size_t properties = content_.properties.size();
    if (kept_.empty()) kept_.append(content_.method);
    if (kept_.size() == method) kept_.append(content_.properties);
    content_.method = kept_.view().first(method);
    content_.properties = kept_.view().subspan(method, properties);
}

void ContentAssembler::reset() {
    state_ = State::method;
    content_ = {};
    own_body_ = false;
    kept_.release();
    body_.release();
}

}  // namespace posthorn::wire::amqp
