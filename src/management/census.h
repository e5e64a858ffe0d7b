#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "call.h"
#include "exchange/virtual_host.h"
#include "jobs.h"
#include "management/sessions.h"

namespace posthorn::management {

struct Desk;

/// Sums over what one virtual host has.
struct HostTotals {
    std::size_t queues = 0, exchanges = 0;
    std::uint64_t ready = 0, unacked = 0;
    MessageCounts messages;  ///< `published`: to its exchanges; confirms and returns are not known by host

    HostTotals& operator+=(const HostTotals& more);
};

/// Goes through all queues and exchanges every five seconds, in shares: sums them up, and notes their
/// counters where rates are kept. Few enough are summed up whenever somebody asks; of many he is told what
/// the last census found.
class Census {
  public:
    /// More queues than these, over all virtual hosts, are not gone through in one go: one to two
    /// milliseconds.
    static constexpr std::size_t at_once_max = 5'000;

    explicit Census(Desk& desk) : desk_(desk) {}

    /// Unless one is under way.
    void take();
    HostTotals of(exchange::VirtualHost& host) const;
    /// Over the virtual hosts a user sees: all of them for who monitors.
    HostTotals of_all_for(const Call& call) const;

  private:
    struct Pass {
        std::vector<std::string> hosts;
        std::size_t at = 0;
        bool queues_done = false;  ///< of this host: its exchanges
        std::string from;
        std::map<std::string, HostTotals> found;
    };
    Jobs::Left step();
    void next_host();
    bool share_of_host(exchange::VirtualHost& host);
    bool many() const;

    Desk& desk_;
    std::unique_ptr<Pass> pass_;  ///< while one is under way
    std::map<std::string, HostTotals> last_;
};

}  // namespace posthorn::management
