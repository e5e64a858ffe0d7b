#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace posthorn::management {

/// Puts things in order without ever sorting many at once: short runs are sorted as they fill, and what is
/// taken out is the least of the runs' heads. Taking out is a few comparisons each.
template <class T, class Before>
class Ordered {
  public:
    explicit Ordered(Before before) : before_(std::move(before)) {}

    void add(T value) {
        if (runs_.empty() || runs_.back().items.size() == run_items) runs_.emplace_back();
        Run& run = runs_.back();
        run.items.push_back(std::move(value));
        if (run.items.size() == run_items) std::sort(run.items.begin(), run.items.end(), before_);
    }
    /// Nothing is added after this.
    void begin_taking() {
        if (!runs_.empty()) std::sort(runs_.back().items.begin(), runs_.back().items.end(), before_);
        for (std::size_t n = 0; n < runs_.size(); ++n)
            heads_.push_back(n);
        std::make_heap(heads_.begin(), heads_.end(), later());
    }
    bool empty() const { return heads_.empty(); }
    /// The first of what is left.
    T take() {
        std::pop_heap(heads_.begin(), heads_.end(), later());
        Run& run = runs_[heads_.back()];
        T value = std::move(run.items[run.next++]);
        if (run.next == run.items.size())
            heads_.pop_back();
        else
            std::push_heap(heads_.begin(), heads_.end(), later());
        return value;
    }

  private:
    static constexpr std::size_t run_items = 1'024;
    struct Run {
        std::vector<T> items;
        std::size_t next = 0;
    };
    auto later() const {
        return [this](std::size_t a, std::size_t b) {
            return before_(runs_[b].items[runs_[b].next], runs_[a].items[runs_[a].next]);
        };
    }

    const Before before_;
    std::vector<Run> runs_;
    std::vector<std::size_t> heads_;  ///< a heap of the runs that have something left
};

}  // namespace posthorn::management
