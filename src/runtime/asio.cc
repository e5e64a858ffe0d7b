#include "runtime/asio.h"

#include <pthread.h>

#include <string>

namespace posthorn::runtime {

AsioThread::AsioThread(const char* name)
    : work_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {
    ::pthread_setname_np(thread_.native_handle(), std::string(name, 0, 15).c_str());
}

AsioThread::~AsioThread() {
    context_.stop();
    thread_.join();
}

}  // namespace posthorn::runtime
