#include "commands.h"

namespace posthorn::cli {

std::span<const Command> commands() {
    static constexpr Command table[] = {
        {"alarms", "show or set what holds AMQP publishers back, while the server runs", run_alarms},
        {"bench amqp", "load any AMQP 0-9-1 server and measure it", run_bench_amqp},
        {"bench rocketmq", "load any RocketMQ server and measure it", run_bench_rocketmq},
        {"log dump", "print a segment file field by field, and check it", run_log_dump},
        {"torture", "kill the real server under load and check that it kept its word", run_torture},
        {"version", "print the version and how the program was built", run_version},
    };
    return table;
}

}  // namespace posthorn::cli
