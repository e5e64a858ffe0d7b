#include "runtime/worker.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace posthorn::runtime {

namespace {

struct Job {
    Worker::Task work;
    Worker::Task done;
};

void run_done(const Worker::Task& done) {
    if (done) done();
}

}  // namespace

struct ThreadWorker::Shared {
    Shared(Options given, std::function<void()> wake_owner) : options(given), wake(std::move(wake_owner)) {}

    const Options options;
    const std::function<void()> wake;
    std::size_t outstanding = 0;  ///< the owner's alone

    std::mutex mutex;
    std::condition_variable wanted;      ///< work to do, or the end
    std::condition_variable done;        ///< something is in `finished`
    std::deque<Job> waiting;             ///< guarded by mutex
    std::vector<Worker::Task> finished;  ///< guarded by mutex
    bool stopping = false;               ///< guarded by mutex
    std::vector<std::thread> threads;

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            wanted.wait(lock, [&] { return stopping || !waiting.empty(); });
            if (stopping) return;
            Job job = std::move(waiting.front());
            waiting.pop_front();
            lock.unlock();
            job.work();
            job.work = nullptr;  // what it captured ends here, not under the lock
            lock.lock();
            const bool first = finished.empty();
            finished.push_back(std::move(job.done));
            done.notify_one();
            if (!first || stopping) continue;
            lock.unlock();
            if (wake) wake();
            lock.lock();
        }
    }
};

ThreadWorker::ThreadWorker(Options options, std::function<void()> wake)
    : shared_(std::make_unique<Shared>(options, std::move(wake))) {
    for (std::size_t i = 0; i < options.threads; ++i) {
        shared_->threads.emplace_back([shared = shared_.get()] { shared->run(); });
        ::pthread_setname_np(shared_->threads.back().native_handle(),
                             std::string(options.name, 0, 15).c_str());
    }
}

ThreadWorker::~ThreadWorker() {
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->stopping = true;
    }
    shared_->wanted.notify_all();
    for (auto& thread : shared_->threads)
        thread.join();
}

bool ThreadWorker::submit(Task work, Task done) {
    if (shared_->outstanding >= shared_->options.capacity) return false;
    ++shared_->outstanding;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->waiting.push_back({std::move(work), std::move(done)});
    }
    shared_->wanted.notify_one();
    return true;
}

std::size_t ThreadWorker::collect() {
    std::vector<Task> finished;
    {
        const std::lock_guard lock(shared_->mutex);
        finished.swap(shared_->finished);
    }
    shared_->outstanding -= finished.size();
    for (const Task& done : finished)
        run_done(done);
    return finished.size();
}

std::size_t ThreadWorker::outstanding() const {
    return shared_->outstanding;
}

void ThreadWorker::wait() {
    if (shared_->outstanding == 0) return;
    std::unique_lock lock(shared_->mutex);
    shared_->done.wait(lock, [&] { return !shared_->finished.empty(); });
}

struct SimWorker::State {
    std::size_t threads;
    std::size_t capacity;
    std::deque<Job> waiting;
    std::vector<Task> finished;

    void run(std::size_t index) {
        Job job = std::move(waiting[index]);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
        job.work();
        finished.push_back(std::move(job.done));
    }
};

SimWorker::SimWorker(std::size_t threads, std::size_t capacity)
    : state_(std::make_unique<State>(State{threads, capacity, {}, {}})) {}
SimWorker::~SimWorker() = default;

bool SimWorker::submit(Task work, Task done) {
    if (outstanding() >= state_->capacity) return false;
    state_->waiting.push_back({std::move(work), std::move(done)});
    return true;
}

std::size_t SimWorker::collect() {
    const std::vector<Task> finished = std::exchange(state_->finished, {});
    for (const Task& done : finished)
        run_done(done);
    return finished.size();
}

std::size_t SimWorker::outstanding() const {
    return state_->waiting.size() + state_->finished.size();
}
std::size_t SimWorker::waiting() const {
    return state_->waiting.size();
}

void SimWorker::wait() {
    if (state_->finished.empty() && !state_->waiting.empty()) state_->run(0);
}

bool SimWorker::run_one(env::Random& random) {
    if (state_->waiting.empty()) return false;
    state_->run(random.below(std::min(state_->threads, state_->waiting.size())));
    return true;
}

void SimWorker::run_all() {
    while (!state_->waiting.empty())
        state_->run(0);
}

void SimWorker::drop_all() {
    state_->waiting.clear();
    state_->finished.clear();
}

struct InlineWorker::State {
    std::vector<Task> finished;
};

InlineWorker::InlineWorker() : state_(std::make_unique<State>()) {}
InlineWorker::~InlineWorker() = default;

bool InlineWorker::submit(Task work, Task done) {
    work();
    state_->finished.push_back(std::move(done));
    return true;
}

std::size_t InlineWorker::collect() {
    const std::vector<Task> finished = std::exchange(state_->finished, {});
    for (const Task& done : finished)
        run_done(done);
    return finished.size();
}

std::size_t InlineWorker::outstanding() const {
    return state_->finished.size();
}

void InlineWorker::wait() {}

}  // namespace posthorn::runtime
