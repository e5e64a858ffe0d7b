#pragma once

#include <cstdint>
#include <map>

namespace posthorn::store {

/// Which stretches of a file are in use. Takes the first gap that is large enough, else the end.
class FileSpace {
  public:
    std::uint64_t take(std::uint64_t size);
    void give(std::uint64_t at, std::uint64_t size);

    /// Nothing is in use from here on.
    std::uint64_t end() const { return end_; }
    std::uint64_t used() const { return used_; }

  private:
    std::map<std::uint64_t, std::uint64_t> gaps_;  ///< begin to size; never neighbours, never at the end
    std::uint64_t end_ = 0, used_ = 0;
};

}  // namespace posthorn::store
