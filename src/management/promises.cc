#include "promises.h"

#include <chrono>
#include <utility>

namespace posthorn::management {

void Promises::wait(const broker::Receipt& receipt, bool must_sync, std::function<void(bool)> done) {
    waiting_.push_back({receipt, must_sync, std::move(done)});
    if (!timer_.pending()) look();
}

void Promises::look() {
    std::vector<Waiting> still;
    for (Waiting& one : std::exchange(waiting_, {})) {
        const broker::Promise state = broker_.state(one.receipt, one.must_sync);
        if (state == broker::Promise::pending)
            still.push_back(std::move(one));
        else
            one.done(state == broker::Promise::kept);
    }
    for (Waiting& one : still)
        waiting_.push_back(std::move(one));
    if (!waiting_.empty()) timer_ = loop_.after(std::chrono::milliseconds(1), [this] { look(); });
}

}  // namespace posthorn::management
