#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace posthorn::cli {

/// The server under torture: a child process that is killed and started again. Its output goes to a file.
/// Dies with its owner.
class Victim {
  public:
    /// `command` is given to /bin/sh, which is replaced by it.
    Victim(std::string command, std::string log_file)
        : command_(std::move(command)), log_file_(std::move(log_file)) {}
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;
    ~Victim();

    Result<void> start();
    bool running();    ///< false also when it ended by itself
    void kill_hard();  ///< SIGKILL, and waits until it is gone
    /// SIGTERM; true when it ended by itself with code 0 within `seconds`. Killed otherwise.
    bool stop(double seconds);
    pid_t pid() const { return pid_; }

  private:
    std::string command_;
    std::string log_file_;
    pid_t pid_ = -1;
    int status_ = 0;
};

}  // namespace posthorn::cli
