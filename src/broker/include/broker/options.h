#pragma once

#include <cstdint>

namespace posthorn::broker {

enum class Flush {
    async,  ///< answered and readable after the tick's write: survives a kill of the process
    sync,   ///< answered and readable after the shared fdatasync: survives a power cut
};

/// Every limit of the engine with its reason. Sizes in bytes, times in milliseconds.
struct BrokerOptions {
    Flush flush = Flush::async;

    std::uint64_t stream_segment_bytes = 256ull
                                         << 20;  ///< few files for terabytes, small enough to go by age
    std::uint64_t queue_segment_bytes = 64ull
                                        << 20;  ///< smaller: a segment lives as long as its oldest message
    std::uint64_t stream_tail_bytes = 64ull << 20;  ///< consumers this close to the end never touch a file
    std::uint64_t queue_tail_bytes = 16ull << 20;
    std::uint64_t cold_bytes = 16ull << 20;  ///< per log, for readers far behind

    std::uint64_t volatile_memory_bytes = 64ull << 20;  ///< transient messages beyond this go to a file
    std::uint64_t volatile_index_bytes = 256ull << 20;  ///< 9 bytes each: 28 million of them wait at most

    std::uint32_t max_message_bytes = 4u << 20;                 ///< body; RocketMQ's own default
    std::int64_t max_delay_ms = 10ll * 366 * 24 * 3600 * 1000;  ///< a typing error of thirty years is refused

    std::int64_t sync_interval_ms = 500;             ///< async flush: what a power cut may cost at most
    std::uint64_t unsynced_bytes_max = 32ull << 20;  ///< sync earlier than the interval beyond this
    std::int64_t progress_interval_ms = 1000;  ///< group offsets are noted this often (the original: 5 s)

    std::int64_t retention_ms = 72ll * 3600 * 1000;  ///< fileReservedTime
    std::uint64_t retention_bytes = 0;               ///< 0: by time and disk only
    int delete_hour = 4;              ///< deleteWhen: local hour at which age is looked at; -1: always
    double disk_clean_ratio = 0.75;   ///< used share of the disk: drop what is old enough, any hour
    double disk_force_ratio = 0.85;   ///< drop the oldest segment whatever its age
    double disk_refuse_ratio = 0.90;  ///< refuse writes; reads go on; recovers by itself

    /// Of a new data directory: seeds its checksums. 0: random; a simulation that must replay gives its own.
    std::uint64_t new_store_id = 0;

    std::uint32_t topics_max = 50'000;
    std::uint32_t queues_max = 400'000;
    std::uint32_t groups_max = 50'000;
    std::uint32_t in_flight_max = 1'000'000;  ///< taken and not settled, over all readers
    /// Group offsets, one per group and queue it reads. All of them are written down whenever the queue log
    /// begins a segment, 16 bytes each: the most is a quarter of a segment.
    std::uint32_t progress_max = 1'000'000;
    /// Delayed messages in memory, 16 bytes each, those that are due first; beyond it only what is due within
    /// two minutes. The due times of the others are on the disk.
    std::uint32_t near_timers = 256 * 1024;
};

}  // namespace posthorn::broker
