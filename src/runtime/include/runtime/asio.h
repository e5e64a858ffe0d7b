#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace posthorn::runtime {

/// A thread that runs a Boost.Asio io_context, for rooms that are built on Asio (HTTP with Beast, gRPC has
/// its own). The only header of ours that includes Boost. Work for the engine goes over with `Loop::post`,
/// answers come back with `boost::asio::post(thread.context(), ...)`.
class AsioThread {
  public:
    explicit AsioThread(const char* name);
    /// Stops the context and waits for the thread; handlers that have not run are dropped with the context.
    ~AsioThread();
    AsioThread(const AsioThread&) = delete;
    AsioThread& operator=(const AsioThread&) = delete;

    boost::asio::io_context& context() { return context_; }

  private:
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace posthorn::runtime
