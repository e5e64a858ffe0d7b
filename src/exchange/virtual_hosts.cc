#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/utf8.h"
#include "desk.h"
#include "host_state.h"

namespace posthorn::exchange {
namespace {

// After a start the bytes of what waits are summed up beside the work: so many messages at a time, so often.
constexpr std::uint32_t weigh_at_once = 4096;
constexpr std::int64_t weigh_interval_ms = 10;
// Copies of rejected messages are made so many at a time: a few ms.
constexpr std::size_t dying_at_once = 512;
// A jump of the wall clock by more than this moves everything that waits for a time of day.
constexpr std::int64_t clock_jump_ms = 500;

class Hosts final : public VirtualHosts {
  public:
    Hosts(broker::Broker& broker, Options options) : desk_(broker, options), definitions_(broker.catalog()) {}
    ~Hosts() override {
        // Consumers that are still joined belong to channels that end later or not at all.
        desk_.gone.clear();
        hosts_.clear();
    }

    Result<void> load();

    void set_codec(store::Format format, PayloadCodec& codec) override {
        desk_.codecs[format.value()] = &codec;
        for (const auto& [name, host] : hosts_)
            host->look_for_due();
    }

    Result<VirtualHost*> add(std::string_view name) override;
    VirtualHost* find(std::string_view name) const override {
        const auto at = hosts_.find(name);
        return at == hosts_.end() ? nullptr : at->second.get();
    }
    Result<void> remove(std::string_view name) override;
    void each(const std::function<void(VirtualHost&)>& visit) const override {
        for (const auto& [name, host] : hosts_)
            visit(*host);
    }

    void owner_gone(OwnerId owner) override;
    const DeathCounts& deaths(bool quorum) const { return quorum ? desk_.quorum_deaths : desk_.deaths; }

    void before_tick_end() override;
    void after_tick_end() override;
    bool work_left() const override;
    std::int64_t next_deadline_ms() const override;

  private:
    class Loader;
    HostState& add_host(std::string_view name, std::uint64_t number);
    void sweep_lanes(const std::vector<std::string>& known);
    void look_at_times();
    void bury_some();
    void forget_removed();

    Desk desk_;
    Definitions definitions_;
    NameMap<std::unique_ptr<HostState>> hosts_;
    std::vector<std::unique_ptr<HostState>> removed_;  ///< their last queues still have messages in flight
    std::vector<QueueState*> turning_;
    std::int64_t wall_minus_steady_ms_ = 0;
};

// --- opening -----------------------------------------------------------------------------------------------

class Hosts::Loader final : public Definitions::Visitor {
  public:
    explicit Loader(Hosts& hosts) : hosts_(hosts) {}
    void host(const std::string& name, std::uint64_t number, const HostLimits& limits) override {
        hosts_.add_host(name, number).restore_limits(limits);
    }
    void exchange(const std::string& host, const ExchangeSpec& spec) override {
        with(host, [&](HostState& in) { in.restore_exchange(spec); });
    }
    void queue(const std::string& host, const QueueSpec& spec, std::uint64_t number) override {
        with(host, [&](HostState& in) { in.restore_queue(spec, number); });
    }
    void binding(const std::string& host, const Binding& binding) override {
        with(host, [&](HostState& in) { in.restore_binding(binding); });
    }
    void policy(const std::string& host, const Policy& policy, bool of_operator) override {
        with(host, [&](HostState& in) { in.restore_policy(policy, of_operator); });
    }

  private:
    template <class Do>
    void with(const std::string& host, Do&& what) {
        const auto at = hosts_.hosts_.find(host);
        if (at != hosts_.hosts_.end())
            what(*at->second);
        else
            log_warn("exchange", "a definition of vhost '{}', which is not there, is left out", host);
    }
    Hosts& hosts_;
};

Result<void> Hosts::load() {
    Loader loader(*this);
    definitions_.load(loader);
    if (hosts_.empty())
        if (auto added = add("/"); !added) return added.error();
    std::vector<std::string> known;
    for (const auto& [name, host] : hosts_) {
        host->restored();
        known.push_back(fmt::format("{}{}", delayed_prefix, host->number()));
        host->each_queue([&](Queue& queue) {
            known.push_back(
                fmt::format("{}{}.", lane_prefix, static_cast<const QueueState&>(queue).number()));
        });
    }
    sweep_lanes(known);
    const broker::Now now = desk_.broker.now();
    wall_minus_steady_ms_ = now.wall_ms - now.steady_ms;
    return {};
}

/// Lanes of queues that went with the process, or that a crash left behind without their queue.
void Hosts::sweep_lanes(const std::vector<std::string>& known) {
    std::vector<std::string> sorted = known, nobodys;
    std::sort(sorted.begin(), sorted.end());
    desk_.broker.catalog().each_named_queue([&](const std::string& name, model::QueueId) {
        if (!name.starts_with("exchange.")) return;
        const std::size_t dot = name.rfind('.');
        const std::string owner = name.starts_with(lane_prefix) ? name.substr(0, dot + 1) : name;
        if (!std::binary_search(sorted.begin(), sorted.end(), owner)) nobodys.push_back(name);
    });
    for (const std::string& name : nobodys)
        if (auto gone = desk_.broker.catalog().delete_named_queue(name); !gone)
            log_warn("exchange", "{}", gone.error().message);
}

HostState& Hosts::add_host(std::string_view name, std::uint64_t number) {
    desk_.next_queue = std::max(desk_.next_queue, number + 1);
    auto& host = hosts_[std::string(name)];
    host = std::make_unique<HostState>(desk_, definitions_, std::string(name), number);
    return *host;
}

Result<VirtualHost*> Hosts::add(std::string_view name) {
    if (VirtualHost* there = find(name)) return there;
    if (name.empty() || name.size() > name_bytes_max || !is_utf8(name))
        return Error{Errc::invalid, "a virtual host needs a name of at most 255 bytes of UTF-8"};
    if (auto admitted = definitions_.admit(); !admitted) return admitted.error();
    HostState& host = add_host(name, desk_.next_queue);
    definitions_.put_host(name, host.number(), {});
    return static_cast<VirtualHost*>(&host);
}

Result<void> Hosts::remove(std::string_view name) {
    const auto at = hosts_.find(name);
    if (at == hosts_.end()) return Error{Errc::not_found, fmt::format("vhost '{}' not found", name)};
    if (auto admitted = definitions_.admit(); !admitted) return admitted;
    at->second->remove_all();
    definitions_.remove_host(name);
    removed_.push_back(std::move(at->second));
    hosts_.erase(at);
    return {};
}

void Hosts::owner_gone(OwnerId owner) {
    const auto at = desk_.exclusive.find(owner);
    if (at == desk_.exclusive.end()) return;
    const std::vector<QueueState*> queues = std::move(at->second);
    desk_.exclusive.erase(at);
    for (QueueState* queue : queues)
        queue->host().remove_queue(*queue);
}

// --- turns -------------------------------------------------------------------------------------------------

void Hosts::look_at_times() {
    const broker::Now now = desk_.broker.now();
    const std::int64_t difference = now.wall_ms - now.steady_ms;
    const bool jumped =
        std::abs(difference - std::exchange(wall_minus_steady_ms_, difference)) > clock_jump_ms;
    if (jumped)
        for (const auto& [at, queue] : desk_.expiries)
            queue->look();
    while (!desk_.expiries.empty() && desk_.expiries.begin()->first <= now.wall_ms) {
        QueueState& queue = *desk_.expiries.begin()->second;
        Desk::set_time(desk_.expiries, queue, queue.expiry, never);
        queue.look();
    }
    while (!desk_.idles.empty() && desk_.idles.begin()->first <= now.steady_ms) {
        QueueState& queue = *desk_.idles.begin()->second;
        log_debug("exchange", "{} was not used for {} ms and is deleted", queue.describe(),
                  *queue.settings().expires_ms);
        queue.host().remove_queue(queue);
    }
}

/// What is still on its way from the disk goes to the end of the list again; if that is all there is, the
/// tick in which it comes is soon enough.
void Hosts::bury_some() {
    const std::size_t all = desk_.dying.size(), share = std::min(all, dying_at_once);
    for (std::size_t n = 0; n < share; ++n) {
        const Desk::Dying one = desk_.dying.front();
        desk_.dying.pop_front();
        if (one.queue->deleted())
            one.queue->buried(one.id);
        else if (auto died = one.queue->die(one.id, one.reason); !died)
            log_warn("exchange", "{}: {}", one.queue->describe(), died.error().message);
    }
    desk_.dying_left = share < all && desk_.dying.size() < all;
}

void Hosts::forget_removed() {
    if (removed_.empty() || !desk_.dead.empty() || !desk_.dying.empty()) return;
    std::erase_if(removed_, [&](const auto& host) {
        return std::none_of(desk_.gone.begin(), desk_.gone.end(),
                            [&](const auto& queue) { return &queue.first->host() == host.get(); });
    });
}

void Hosts::before_tick_end() {
    desk_.tick_owed = false;
    look_at_times();
    bury_some();
    forget_removed();
    if (!desk_.unweighed.empty() && !desk_.unweighed.back()->weigh(weigh_at_once)) desk_.unweighed.pop_back();
    for (const auto& [name, host] : hosts_) {
        host->route_due();
        host->send_dead();
    }
}

void Hosts::after_tick_end() {
    std::uint32_t left = desk_.options.tick_messages;
    while (left > 0 && !desk_.turns.empty()) {
        turning_.swap(desk_.turns);
        std::size_t served = 0;
        for (; served < turning_.size() && left > 0; ++served) {
            QueueState* const queue = turning_[served];
            queue->scheduled = false;
            left -= std::min(left, queue->turn(std::min(left, desk_.options.turn_messages)));
            if (queue->again()) desk_.schedule(*queue);
            if (queue->deleted()) queue->host().perhaps_forget(*queue);
        }
        // Who got nothing is first in the next tick: before those that were served and want more.
        desk_.turns.insert(desk_.turns.begin(), turning_.begin() + static_cast<std::ptrdiff_t>(served),
                           turning_.end());
        turning_.clear();
    }
    // What was handed out is noted before a byte of it leaves, so that after a kill it comes again as what it
    // is: perhaps seen before.
    if (std::exchange(desk_.tick_owed, false)) desk_.broker.end_tick();
}

bool Hosts::work_left() const {
    return desk_.tick_owed || !desk_.turns.empty() || !desk_.dead.empty() || desk_.dying_left ||
           std::any_of(hosts_.begin(), hosts_.end(), [](const auto& one) { return one.second->due_left(); });
}

std::int64_t Hosts::next_deadline_ms() const {
    std::int64_t next = desk_.idles.empty() ? never : desk_.idles.begin()->first;
    const broker::Now now = desk_.broker.now();
    if (!desk_.unweighed.empty()) next = std::min(next, now.steady_ms + weigh_interval_ms);
    if (!desk_.expiries.empty())
        next = std::min(next, now.steady_ms + desk_.expiries.begin()->first - now.wall_ms);
    return next;
}

}  // namespace

std::string Desk::make_name(std::string_view prefix) {
    if (options.seed) return random_name(prefix, random(), random());
    return random_name(prefix, env::system_seed(), env::system_seed());
}

const DeathCounts& deaths(const VirtualHosts& hosts, bool in_quorum_queues) {
    return static_cast<const Hosts&>(hosts).deaths(in_quorum_queues);
}

std::size_t queue_count(const VirtualHost& host) {
    return static_cast<const HostState&>(host).queue_count();
}

std::size_t exchange_count(const VirtualHost& host) {
    return static_cast<const HostState&>(host).exchange_count();
}

Result<std::unique_ptr<VirtualHosts>> VirtualHosts::open(broker::Broker& broker, Options options) {
    auto hosts = std::make_unique<Hosts>(broker, options);
    if (auto loaded = hosts->load(); !loaded) return loaded.error();
    return std::unique_ptr<VirtualHosts>(std::move(hosts));
}

}  // namespace posthorn::exchange
