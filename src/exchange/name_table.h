#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "names.h"

namespace posthorn::exchange {

/// A table by name whose names can also be walked in their order, some now and the others later: places in a
/// hash table do not outlive its growing. 64 bytes a name.
template <class T>
class NameTable {
  public:
    using Map = NameMap<T>;
    using iterator = typename Map::iterator;
    using const_iterator = typename Map::const_iterator;

    iterator find(std::string_view name) { return map_.find(name); }
    const_iterator find(std::string_view name) const { return map_.find(name); }
    iterator begin() { return map_.begin(); }
    iterator end() { return map_.end(); }
    const_iterator begin() const { return map_.begin(); }
    const_iterator end() const { return map_.end(); }
    std::size_t size() const { return map_.size(); }
    bool empty() const { return map_.empty(); }

    void emplace(std::string_view name, T value) {
        const auto [at, fresh] = map_.emplace(name, std::move(value));
        if (fresh) order_.insert(at->first);
    }
    void erase(iterator at) {
        order_.erase(at->first);
        map_.erase(at);
    }

    /// From `first` on in the order of the names, until `visit(value)` says false. It must change nothing.
    template <class Visit>
    void walk(std::string_view first, Visit visit) const {
        for (auto at = order_.lower_bound(first); at != order_.end(); ++at)
            if (!visit(map_.find(*at)->second)) return;
    }

  private:
    Map map_;
    std::set<std::string_view> order_;  ///< views into the keys of the map, which stay where they are
};

}  // namespace posthorn::exchange
