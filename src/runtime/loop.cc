#include "runtime/loop.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"

namespace posthorn::runtime {

namespace {

/// Per tick at most; what is left over comes in the next one, which does not wait. Small enough that a tick
/// of cheap handlers stays far below a millisecond, large enough to gather a write worth having.
constexpr std::size_t events_per_tick = 256;
constexpr std::size_t posts_per_tick = 1024;
constexpr std::size_t timers_per_tick = 1024;

void check_system(bool ok, const char* call) {
    if (!ok) panic(fmt::format("{} failed: {}", call, std::strerror(errno)));
}

void ring(int descriptor) {
    const std::uint64_t one = 1;
    // The only possible failure is a counter that is full, and then the reader is awake anyway.
    [[maybe_unused]] const ssize_t n = ::write(descriptor, &one, sizeof one);
}

/// Signals: the handler may do next to nothing, so it notes the number and rings the loop.
std::atomic<int> signal_bell{-1};
std::atomic<int> signal_number{0};
constexpr std::array stop_signals{SIGINT, SIGTERM, SIGHUP};

/// But for one that was to be ignored from the start ("nohup").
void restore_signals() {
    for (const int number : stop_signals) {
        struct sigaction now {};
        if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
        std::signal(number, SIG_DFL);
    }
}

void note_signal(int number) {
    const int error = errno;
    restore_signals();  // here and not on the loop, which may be busy for long
    signal_number.store(number);
    if (const int bell = signal_bell.load(); bell >= 0) ring(bell);
    errno = error;
}

}  // namespace

struct Loop::State final : Watcher {
    explicit State(const env::Clock& given) : clock(given) {
        poll = ::epoll_create1(EPOLL_CLOEXEC);
        check_system(poll >= 0, "epoll_create1");
        bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        check_system(bell >= 0, "eventfd");
        // Edge-triggered: every ring is an event of its own, so the bell need not be read.
        control(EPOLL_CTL_ADD, bell, EPOLLIN | EPOLLET, *this);
        now_ns = clock.steady_ns();
    }
    ~State() {
        if (signal_handler) release_signals();
        ::close(bell);
        ::close(poll);
    }

    struct Hook {
        std::uint64_t id;
        Callback callback;
        bool removed = false;
    };
    using TimerKey = std::pair<std::int64_t, std::uint64_t>;  ///< deadline, id

    const env::Clock& clock;
    int poll = -1;
    int bell = -1;
    std::int64_t now_ns = 0;
    std::uint64_t ticks = 0;
    std::uint64_t last_id = 0;
    bool again = false;
    bool inside = false;  ///< a tick's handlers are running
    std::array<epoll_event, events_per_tick> events;
    std::span<epoll_event> ready;  ///< of this tick, not yet handled
    std::map<TimerKey, Callback> timers;
    using Hooks = std::vector<std::unique_ptr<Hook>>;
    Hooks begin_hooks;
    std::array<Hooks, 3> end_hooks;  ///< by phase
    bool hooks_removed = false;
    std::vector<Callback> batch;  ///< posts taken over by this tick
    std::size_t batch_next = 0;
    std::function<void(int)> signal_handler;

    std::mutex mutex;
    std::vector<Callback> posted;  ///< guarded by mutex
    bool sleeping = false;         ///< guarded by mutex: a post must ring
    bool stopped = false;          ///< guarded by mutex

    void control(int operation, int descriptor, std::uint32_t interest, Watcher& watcher) {
        epoll_event event{};
        event.events = interest;
        event.data.ptr = &watcher;
        check_system(::epoll_ctl(poll, operation, descriptor, &event) == 0, "epoll_ctl");
    }

    /// The bell rang.
    void on_ready(std::uint32_t) override {
        if (const int number = signal_handler ? signal_number.exchange(0) : 0; number != 0)
            signal_handler(number);
    }

    void release_signals() {
        restore_signals();
        signal_bell.store(-1);
    }

    /// How long this tick may sleep; from here to `woken` a post rings the bell.
    int timeout_ms(std::chrono::milliseconds max_wait) {
        std::int64_t wait = max_wait.count();
        if (!timers.empty()) {
            // Rounded up: waking a moment early would only spin.
            const std::int64_t left = timers.begin()->first.first - clock.steady_ns();
            wait = std::min(wait, left <= 0 ? 0 : (left + 999'999) / 1'000'000);
        }
        if (std::exchange(again, false) || batch_next < batch.size()) wait = 0;
        const std::lock_guard lock(mutex);
        if (!posted.empty() || stopped) wait = 0;
        sleeping = wait > 0;
        return static_cast<int>(wait);
    }

    void take_posts() {
        const std::lock_guard lock(mutex);
        sleeping = false;
        if (batch_next < batch.size()) return;
        batch.clear();
        batch_next = 0;
        batch.swap(posted);
    }

    void wait(std::chrono::milliseconds max_wait) {
        const int timeout = timeout_ms(max_wait);
        const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), timeout);
        check_system(count >= 0 || errno == EINTR, "epoll_wait");
        ready = std::span(events).first(static_cast<std::size_t>(std::max(count, 0)));
        now_ns = clock.steady_ns();
        ++ticks;
        take_posts();
    }

    void run_ready() {
        while (!ready.empty()) {
            const epoll_event event = ready.front();
            ready = ready.subspan(1);
            if (event.data.ptr) static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
        }
    }

    void run_posts() {
        for (std::size_t n = 0; n < posts_per_tick && batch_next < batch.size(); ++n) {
            const Callback callback = std::move(batch[batch_next++]);
            callback();
        }
    }

    void run_timers() {
        // Those that a timer sets now wait for the next tick, even with no delay: they sort behind all that
        // are due.
        const std::uint64_t newest = last_id;
        for (std::size_t n = 0; n < timers_per_tick && !timers.empty(); ++n) {
            const auto first = timers.begin();
            if (first->first.first > now_ns || first->first.second > newest) return;
            const Callback callback = std::move(first->second);
            timers.erase(first);
            callback();
        }
    }

    static void run_hooks(Hooks& hooks) {
        // By index, for a hook may add hooks; what it removes stays until all have run.
        for (std::size_t i = 0; i < hooks.size(); ++i) {
            if (Hook& hook = *hooks[i]; !hook.removed) hook.callback();
        }
    }

    void run_end_hooks() {
        for (Hooks& phase : end_hooks)
            run_hooks(phase);
        if (!std::exchange(hooks_removed, false)) return;
        each_hooks(
            [](Hooks& hooks) { std::erase_if(hooks, [](const auto& hook) { return hook->removed; }); });
    }

    TickHook add_hook(Loop& loop, Hooks& hooks, Callback callback) {
        hooks.push_back(std::make_unique<Hook>(Hook{++last_id, std::move(callback)}));
        return TickHook(&loop, last_id);
    }

    template <class Visit>
    void each_hooks(Visit visit) {
        visit(begin_hooks);
        for (Hooks& phase : end_hooks)
            visit(phase);
    }
};

Loop::Loop(const env::Clock& clock) : state_(std::make_unique<State>(clock)) {}
Loop::~Loop() = default;

void Loop::run() {
    while (true) {
        {
            const std::lock_guard lock(state_->mutex);
            if (std::exchange(state_->stopped, false)) return;
        }
        tick(std::chrono::hours(1));
    }
}

void Loop::stop() {
    bool ring_it;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
        ring_it = std::exchange(state_->sleeping, false);
    }
    if (ring_it) ring(state_->bell);
}

void Loop::tick(std::chrono::milliseconds max_wait) {
    State& s = *state_;
    s.wait(max_wait);
    s.inside = true;
    State::run_hooks(s.begin_hooks);
    s.run_ready();
    s.run_posts();
    s.run_timers();
    s.run_end_hooks();
    s.inside = false;
}

void Loop::post(Callback callback) {
    bool ring_it;
    {
        const std::lock_guard lock(state_->mutex);
        state_->posted.push_back(std::move(callback));
        ring_it = std::exchange(state_->sleeping, false);
    }
    if (ring_it) ring(state_->bell);
}

Timer Loop::after(std::chrono::milliseconds delay, Callback callback) {
    const std::int64_t now = state_->inside ? state_->now_ns : state_->clock.steady_ns();
    const std::int64_t deadline = now + std::max<std::int64_t>(delay.count(), 0) * 1'000'000;
    const std::uint64_t id = ++state_->last_id;
    state_->timers.emplace(State::TimerKey{deadline, id}, std::move(callback));
    return Timer(this, deadline, id);
}

TickHook Loop::on_tick_begin(Callback callback) {
    return state_->add_hook(*this, state_->begin_hooks, std::move(callback));
}

TickHook Loop::on_tick_end(TickPhase phase, Callback callback) {
    return state_->add_hook(*this, state_->end_hooks[static_cast<std::size_t>(phase)], std::move(callback));
}

void Loop::tick_again() {
    state_->again = true;
}

void Loop::on_signals(std::function<void(int)> handler) {
    int nobody = -1;
    const bool first = signal_bell.compare_exchange_strong(nobody, state_->bell) || nobody == state_->bell;
    POSTHORN_CHECK(first, "two loops want the signals");
    state_->signal_handler = std::move(handler);
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    for (const int number : stop_signals) {
        struct sigaction before {};
        check_system(::sigaction(number, &action, &before) == 0, "sigaction");
        if (number == SIGHUP && before.sa_handler == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
    }
}

std::int64_t Loop::now_ns() const {
    return state_->now_ns;
}
std::uint64_t Loop::ticks() const {
    return state_->ticks;
}

void Loop::watch(int descriptor, std::uint32_t events, Watcher& watcher) {
    state_->control(EPOLL_CTL_ADD, descriptor, events, watcher);
}
void Loop::rewatch(int descriptor, std::uint32_t events, Watcher& watcher) {
    state_->control(EPOLL_CTL_MOD, descriptor, events, watcher);
}
void Loop::unwatch(int descriptor, Watcher& watcher) {
    state_->control(EPOLL_CTL_DEL, descriptor, 0, watcher);
    for (epoll_event& event : state_->ready) {
        if (event.data.ptr == &watcher) event.data.ptr = nullptr;
    }
}

Timer::Timer(Timer&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), deadline_ns_(other.deadline_ns_), id_(other.id_) {}

Timer& Timer::operator=(Timer&& other) noexcept {
    if (this == &other) return *this;
    cancel();
    loop_ = std::exchange(other.loop_, nullptr);
    deadline_ns_ = other.deadline_ns_;
    id_ = other.id_;
    return *this;
}

void Timer::cancel() {
    if (Loop* loop = std::exchange(loop_, nullptr)) loop->state_->timers.erase({deadline_ns_, id_});
}

bool Timer::pending() const {
    return loop_ && loop_->state_->timers.contains({deadline_ns_, id_});
}

TickHook::TickHook(TickHook&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_) {}

TickHook& TickHook::operator=(TickHook&& other) noexcept {
    if (this == &other) return *this;
    remove();
    loop_ = std::exchange(other.loop_, nullptr);
    id_ = other.id_;
    return *this;
}

void TickHook::remove() {
    Loop* loop = std::exchange(loop_, nullptr);
    if (!loop) return;
    loop->state_->each_hooks([&](auto& hooks) {
        for (auto& hook : hooks) {
            if (hook->id == id_) hook->removed = loop->state_->hooks_removed = true;
        }
    });
}

}  // namespace posthorn::runtime
