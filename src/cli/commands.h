#pragma once

#include "cli/command.h"

// One line per command file: what commands.cc lists.
namespace posthorn::cli {

int run_alarms(const Arguments& arguments);
int run_bench_amqp(const Arguments& arguments);
int run_bench_rocketmq(const Arguments& arguments);
int run_torture(const Arguments& arguments);
int run_log_dump(const Arguments& arguments);
int run_version(const Arguments& arguments);

}  // namespace posthorn::cli
