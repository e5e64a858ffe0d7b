#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "env/clock.h"

namespace posthorn::runtime {

class Loop;

/// A call that has not happened yet. Destroying or cancelling it, on the loop's thread, means it never will.
/// Must not outlive its loop.
class Timer {
  public:
    Timer() = default;
    Timer(Timer&& other) noexcept;
    Timer& operator=(Timer&& other) noexcept;
    ~Timer() { cancel(); }

    void cancel();
    bool pending() const;

  private:
    friend class Loop;
    Timer(Loop* loop, std::int64_t deadline_ns, std::uint64_t id)
        : loop_(loop), deadline_ns_(deadline_ns), id_(id) {}

    Loop* loop_ = nullptr;
    std::int64_t deadline_ns_ = 0;
    std::uint64_t id_ = 0;
};

/// What the end of a tick does, in this order. Within a phase hooks run in the order they were added.
enum class TickPhase {
    settle,  ///< closed connections are told to their handlers and go
    apply,   ///< the engine's turn: one gathered write per log, replies become true
    flush,   ///< one gathered send per connection with output
};

/// Keeps a tick hook in place; destroying it takes the hook away. Must not outlive its loop.
class TickHook {
  public:
    TickHook() = default;
    TickHook(TickHook&& other) noexcept;
    TickHook& operator=(TickHook&& other) noexcept;
    ~TickHook() { remove(); }

    void remove();

  private:
    friend class Loop;
    TickHook(Loop* loop, std::uint64_t id) : loop_(loop), id_(id) {}

    Loop* loop_ = nullptr;
    std::uint64_t id_ = 0;
};

/// Whoever wants to know when a descriptor is ready. `events` are epoll's (EPOLLIN, EPOLLOUT, EPOLLHUP, ...),
/// level-triggered.
class Watcher {
  public:
    virtual void on_ready(std::uint32_t events) = 0;

  protected:
    ~Watcher() = default;
};

/// One thread's event loop. It advances in ticks:
///
///   1. wait for descriptors, posts or the next timer;
///   2. run the hooks of the tick's beginning;
///   3. run what is ready, a bounded number of each kind (the rest comes next tick, without waiting);
///   4. run the hooks of the tick's end, phase by phase.
///
/// So whatever the handlers of one tick asked for can be done together at its end. Only `post` and `stop` may
/// be called from other threads; everything else belongs to the thread that runs the loop. Callbacks do not
/// throw.
class Loop {
  public:
    using Callback = std::function<void()>;

    explicit Loop(const env::Clock& clock);
    /// Callbacks that have not run are dropped.
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Ticks until `stop()`. A stop that came before is obeyed. May be run again.
    void run();
    /// Any thread. The tick that is running ends first, hooks included.
    void stop();
    /// One tick; waits at most `max_wait` for something to do. For tests and for programs with a loop of
    /// their own.
    void tick(std::chrono::milliseconds max_wait);

    /// Any thread. Runs `callback` on the loop's thread in the order of posting; a sleeping loop is woken
    /// once, however many are posted before it wakes.
    void post(Callback callback);

    /// Runs once, not before `delay`. Within a tick delays are measured from its
    /// beginning.
    [[nodiscard]] Timer after(std::chrono::milliseconds delay, Callback callback);

    /// Before any handler of the tick: the engine is told the time.
    [[nodiscard]] TickHook on_tick_begin(Callback callback);
    [[nodiscard]] TickHook on_tick_end(TickPhase phase, Callback callback);
    /// The next tick shall not wait. For a hook that has left something undone.
    void tick_again();

    /// `handler(signal)` runs on the loop for the first SIGINT, SIGTERM or SIGHUP; the next one ends the
    /// process at once, also while the loop is busy. SIGHUP stays ignored where it was. One loop per process.
    void on_signals(std::function<void(int)> handler);

    /// Steady time at the beginning of this tick: one clock reading for all its handlers.
    std::int64_t now_ns() const;
    /// Ticks begun so far; between two ticks the number of the last one.
    std::uint64_t ticks() const;

    /// For sockets and other descriptors. The watcher must be unwatched before it or its descriptor goes;
    /// this is safe at any moment, also from within another watcher's `on_ready`.
    void watch(int descriptor, std::uint32_t events, Watcher& watcher);
    void rewatch(int descriptor, std::uint32_t events, Watcher& watcher);
    void unwatch(int descriptor, Watcher& watcher);

  private:
    friend class Timer;
    friend class TickHook;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace posthorn::runtime
