#include "stream.h"

#include <memory>
#include <utility>

#include "base/check.h"

namespace posthorn::management {
namespace {

/// Worth a round to the HTTP thread and back.
constexpr std::size_t piece_bytes = 64 * 1024;

class Stream final : public http::BodySource, public std::enable_shared_from_this<Stream> {
  public:
    Stream(Jobs& jobs, Share share, http::Response head, http::Reply reply,
           http::Response (*refuse)(const Error&))
        : jobs_(jobs),
          share_(std::move(share)),
          head_(std::move(head)),
          reply_(std::move(reply)),
          refuse_(refuse) {}

    void begin() {
        if (step() != Jobs::Left::nothing) go_on();
    }

    void next(Give give) override {
        if (done_) return give({});
        give_ = std::move(give);
        go_on();
    }

  private:
    void go_on() {
        jobs_.add([self = shared_from_this()] { return self->step(); });
    }

    /// What is left of the next piece.
    Jobs::Left step() {
        const auto left = share_(text_);
        if (!left) {
            POSTHORN_CHECK(reply_, "an answer failed after it had begun");
            std::exchange(reply_, {})(refuse_(left.error()));
            return Jobs::Left::nothing;
        }
        done_ = *left == Jobs::Left::nothing;
        if (!done_ && text_.size() < piece_bytes) return *left;
        hand_over();
        return Jobs::Left::nothing;
    }

    void hand_over() {
        std::string piece = std::exchange(text_, {});
        if (give_) return std::exchange(give_, {})(std::move(piece));
        head_.body = std::move(piece);
        if (!done_) head_.rest = shared_from_this();
        std::exchange(reply_, {})(std::move(head_));
    }

    Jobs& jobs_;
    const Share share_;
    http::Response head_;
    http::Reply reply_;  ///< until the answer has begun
    http::Response (*const refuse_)(const Error&);
    Give give_;  ///< while a piece is wanted
    std::string text_;
    bool done_ = false;
};

}  // namespace

void stream(Jobs& jobs, Share share, http::Response head, http::Reply reply,
            http::Response (*refuse)(const Error&)) {
    std::make_shared<Stream>(jobs, std::move(share), std::move(head), std::move(reply), refuse)->begin();
}

}  // namespace posthorn::management
