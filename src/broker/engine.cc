#include "broker/engine.h"

#include "env/clock.h"
#include "env/posix_files.h"
#include "runtime/worker.h"
#include "store/definitions.h"

namespace posthorn::broker {

struct Engine::Parts {
    explicit Parts(const std::string& directory) : files(directory) {}

    Now now() const { return {clock.wall_ms(), clock.steady_ns() / 1'000'000}; }

    env::PosixFiles files;
    env::SystemClock clock;
    runtime::ThreadWorker worker{{"posthorn-sync", 1, 256}, [] {}};
    runtime::InlineWorker names_worker;
    std::unique_ptr<Broker> broker;
};

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const std::string& directory, BrokerOptions options) {
    auto parts = std::make_unique<Parts>(directory);
    if (auto made = parts->files.make_directories(""); !made) return made.error();
    auto definitions = store::open_sqlite_definitions(directory + "/" + std::string(store::definitions_file));
    if (!definitions) return definitions.error();
    auto broker = Broker::open(parts->files, "", std::move(*definitions), options,
                               {parts->worker, parts->names_worker}, parts->now());
    if (!broker) return broker.error();
    parts->broker = std::move(*broker);
    parts->broker->begin_tick(parts->now());
    return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

Broker& Engine::broker() {
    return *parts_->broker;
}

void Engine::tick() {
    parts_->broker->end_tick();
    parts_->broker->begin_tick(parts_->now());
}

Result<void> Engine::close() {
    return parts_->broker->close();
}

}  // namespace posthorn::broker
