#pragma once

#include <functional>

#include "env/posix_files.h"
#include "exchange/alarms.h"
#include "runtime/loop.h"

namespace posthorn::server {

/// Tells the alarms once a second what memory the process has and how much disk is free. Runs on the loop.
class AlarmWatch {
  public:
    /// `memory_ratio` of the machine's memory, or less free disk than `disk_free_bytes`, raise an alarm. The
    /// engine refuses writes at `disk_refuse_ratio`: publishers are held back before that hits them; and when
    /// `disk_refuses` says that it has no space for other reasons.
    AlarmWatch(runtime::Loop& loop, env::PosixFiles& files, exchange::Alarms& alarms, double memory_ratio,
               std::uint64_t disk_free_bytes, double disk_refuse_ratio, std::function<bool()> disk_refuses);

  private:
    void observe();

    runtime::Loop& loop_;
    env::PosixFiles& files_;
    exchange::Alarms& alarms_;
    std::function<bool()> disk_refuses_;
    runtime::Timer timer_;
};

}  // namespace posthorn::server
