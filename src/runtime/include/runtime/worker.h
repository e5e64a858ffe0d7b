#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "env/random.h"

namespace posthorn::runtime {

/// Background work of an owner that must not wait: syncs, slow reads, seals. `work` runs elsewhere; `done`
/// runs on the owner's thread, inside `collect()`, and never before it. Both are called at most once.
///
/// `submit` and `collect` belong to the owner's thread.
class Worker {
  public:
    using Task = std::function<void()>;

    virtual ~Worker() = default;

    /// False when the bounded queue is full: nothing was taken, try again after a `collect`.
    [[nodiscard]] virtual bool submit(Task work, Task done) = 0;
    /// Runs the `done` of all work finished so far, in the order it finished; returns how many.
    virtual std::size_t collect() = 0;
    /// Submitted and not yet collected.
    virtual std::size_t outstanding() const = 0;
    /// Blocks until `collect` has something to run; returns at once when nothing is outstanding. For the ends
    /// of an owner's life, where waiting is all there is to do.
    virtual void wait() = 0;
};

/// Real threads. With one thread, work finishes in the order it was submitted.
///
/// The destructor waits for the work that is running, drops work that has not begun, and calls no `done`:
/// whatever these capture must outlive the worker, and who needs them collects until `outstanding()` is zero
/// first.
class ThreadWorker final : public Worker {
  public:
    struct Options {
        const char* name = "worker";  ///< of the threads, at most 15 characters
        std::size_t threads = 1;
        /// Outstanding at most. A few per thread keep it busy; more would only hide that it is too slow.
        std::size_t capacity = 256;
    };

    /// `wake` is called from a worker thread when something is finished and the owner has not been woken
    /// since its last `collect`: once per batch. Typically `[&loop] { loop.post(...); }`. It must not call
    /// this object.
    ThreadWorker(Options options, std::function<void()> wake);
    ~ThreadWorker() override;

    bool submit(Task work, Task done) override;
    std::size_t collect() override;
    std::size_t outstanding() const override;
    void wait() override;

  private:
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

/// Runs work when the simulator says so, on its thread.
class SimWorker final : public Worker {
  public:
    /// `threads`: how many of the oldest waiting may overtake each other.
    explicit SimWorker(std::size_t threads = 1, std::size_t capacity = 256);
    ~SimWorker() override;

    bool submit(Task work, Task done) override;
    std::size_t collect() override;
    std::size_t outstanding() const override;
    void wait() override;  ///< runs the oldest waiting work

    /// Runs one waiting work; false if there is none. Its `done` waits for `collect`.
    bool run_one(env::Random& random);
    void run_all();
    std::size_t waiting() const;
    /// The process died: nothing that was submitted happens any more.
    void drop_all();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Does the work inside `submit`; `done` still waits for `collect`. For embedded use and tests.
class InlineWorker final : public Worker {
  public:
    InlineWorker();
    ~InlineWorker() override;

    bool submit(Task work, Task done) override;
    std::size_t collect() override;
    std::size_t outstanding() const override;
    void wait() override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace posthorn::runtime
