#include "jobs.h"

#include <chrono>
#include <utility>

namespace posthorn::management {

void Jobs::add(Step step) {
    waiting_.push_back(std::move(step));
    if (waiting_.size() == 1) post();
}

void Jobs::post() {
    loop_.post([self = self_] {
        if (*self) (*self)->run();
    });
}

void Jobs::run() {
    const Left left = waiting_.front()();
    if (left == Left::later) return run_later();
    if (left == Left::nothing) waiting_.pop_front();
    if (!waiting_.empty()) post();
}

void Jobs::run_later() {
    timer_ = loop_.after(std::chrono::milliseconds(1), [this] { run(); });
}

}  // namespace posthorn::management
