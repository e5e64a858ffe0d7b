#include "jobs.h"

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
    if (waiting_.front()()) waiting_.pop_front();
    if (!waiting_.empty()) post();
}

}  // namespace posthorn::management
