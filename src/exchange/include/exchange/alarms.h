#pragma once

#include <cstdint>
#include <vector>

namespace posthorn::exchange {

/// Memory or disk are short: whoever publishes is held back until it is over, nobody else. Knows what is too
/// much, is told from time to time what there is, and tells its listeners when an alarm begins or ends.
/// Limits may change at any time and count at once. Owner thread only.
class Alarms {
  public:
    struct Limits {
        std::uint64_t memory_bytes = 0;     ///< alarm above that much resident; 0: never
        std::uint64_t disk_free_bytes = 0;  ///< alarm below that much free; 0: never
    };
    enum class Kind : std::uint8_t { memory, disk };

    /// Leaves by itself when it is destroyed.
    class Listener {
      public:
        Listener() = default;
        Listener(const Listener&) = delete;
        Listener& operator=(const Listener&) = delete;
        virtual ~Listener();
        /// May ask, not change the limits.
        virtual void on_alarm(Kind kind, bool raised) = 0;

      private:
        friend class Alarms;
        Alarms* at_ = nullptr;
    };

    Alarms() = default;
    Alarms(const Alarms&) = delete;
    Alarms& operator=(const Alarms&) = delete;
    ~Alarms();

    const Limits& limits() const { return limits_; }
    void set_limits(Limits limits);
    /// `disk_refuses`: the engine takes no messages for want of space, whatever is free.
    void observe(std::uint64_t memory_bytes, std::uint64_t disk_free_bytes, bool disk_refuses = false);

    bool raised(Kind kind) const { return kind == Kind::memory ? memory_ : disk_; }
    bool any() const { return memory_ || disk_; }
    /// What was observed last.
    std::uint64_t memory_bytes() const { return memory_bytes_; }
    std::uint64_t disk_free_bytes() const { return disk_free_bytes_; }

    void listen(Listener& listener);

  private:
    void judge();
    void tell(Kind kind, bool& state, bool now);

    Limits limits_;
    std::uint64_t memory_bytes_ = 0, disk_free_bytes_ = UINT64_MAX;
    bool disk_refuses_ = false;
    bool memory_ = false, disk_ = false;
    std::vector<Listener*> listeners_;
};

}  // namespace posthorn::exchange
