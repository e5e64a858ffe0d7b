#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/check.h"
#include "exchange/virtual_host.h"

namespace posthorn::exchange {

class ExchangeState;
class QueueState;

/// A binding between two that exist; owned by its virtual host, and gone before either end.
struct BindingRecord {
    Binding binding;
    ExchangeState* source = nullptr;
    QueueState* queue = nullptr;        ///< the destination, or
    ExchangeState* exchange = nullptr;  ///< the destination
    bool durable = false;               ///< both ends are
    std::string identity;               ///< what makes it the same binding; its name in the definitions
    std::size_t at_source = 0;          ///< its place in the list of its source's matcher
    std::size_t at_queue = 0;           ///< its place in the list of its queue
};

/// Bindings in no order that matters, each of which knows its place: one of a million is taken out as fast as
/// one of two. A binding is in one list by the same `Place`.
template <std::size_t BindingRecord::*Place>
class BindingList {
  public:
    void add(BindingRecord& binding) {
        binding.*Place = all_.size();
        all_.push_back(&binding);
    }
    void remove(BindingRecord& binding) {
        const std::size_t place = binding.*Place;
        POSTHORN_CHECK(place < all_.size() && all_[place] == &binding, "a binding is not where it says");
        all_[place] = all_.back();
        all_[place]->*Place = place;
        all_.pop_back();
    }
    bool empty() const { return all_.empty(); }
    std::size_t size() const { return all_.size(); }
    BindingRecord& back() const { return *all_.back(); }
    BindingRecord* operator[](std::size_t n) const { return all_[n]; }
    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }

  private:
    std::vector<BindingRecord*> all_;
};
using BindingsOfSource = BindingList<&BindingRecord::at_source>;
using BindingsOfQueue = BindingList<&BindingRecord::at_queue>;

}  // namespace posthorn::exchange
