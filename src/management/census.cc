#include "census.h"

#include "desk.h"
#include "exchange/totals.h"
#include "rows.h"

namespace posthorn::management {
namespace {

using exchange::VirtualHost;

/// 300 nanoseconds each, with the note of its rates a microsecond.
constexpr std::size_t per_share = 2'000;

void add_queue(const exchange::Queue& queue, HostTotals& totals) {
    const exchange::QueueCounts counts = queue.counts();
    MessageCounts& messages = totals.messages;
    ++totals.queues;
    totals.ready += counts.ready, totals.unacked += counts.unacked;
    messages.delivered += counts.delivered, messages.delivered_no_ack += counts.delivered_settled;
    messages.got += counts.got, messages.got_no_ack += counts.got_settled;
    messages.acknowledged += counts.acknowledged, messages.redelivered += counts.redelivered;
}

void add_exchange(const VirtualHost& host, const exchange::ExchangeSpec& spec, HostTotals& totals) {
    ++totals.exchanges;
    totals.messages.published += host.exchange_counts(spec.name).in;
}

HostTotals sum_up(const VirtualHost& host) {
    HostTotals totals;
    host.each_queue([&](const exchange::Queue& queue) { add_queue(queue, totals); });
    host.each_exchange([&](const exchange::ExchangeSpec& spec) { add_exchange(host, spec, totals); });
    return totals;
}

/// What the last census found; how many queues and exchanges there are is known without one.
HostTotals as_found(const std::map<std::string, HostTotals>& last, const VirtualHost& host) {
    HostTotals totals;
    if (const auto at = last.find(host.name()); at != last.end()) totals = at->second;
    totals.queues = exchange::queue_count(host), totals.exchanges = exchange::exchange_count(host);
    return totals;
}

}  // namespace

HostTotals& HostTotals::operator+=(const HostTotals& more) {
    queues += more.queues, exchanges += more.exchanges;
    ready += more.ready, unacked += more.unacked;
    messages.published += more.messages.published, messages.delivered += more.messages.delivered;
    messages.delivered_no_ack += more.messages.delivered_no_ack, messages.got += more.messages.got;
    messages.got_no_ack += more.messages.got_no_ack, messages.redelivered += more.messages.redelivered;
    messages.acknowledged += more.messages.acknowledged;
    return *this;
}

void Census::take() {
    if (pass_) return;
    pass_ = std::make_unique<Pass>();
    desk_.hosts.each([&](const VirtualHost& host) { pass_->hosts.push_back(host.name()); });
    if (step() != Jobs::Left::nothing) desk_.jobs.add([this] { return step(); });
}

Jobs::Left Census::step() {
    for (; pass_->at < pass_->hosts.size(); next_host())
        if (VirtualHost* const host = desk_.hosts.find(pass_->hosts[pass_->at]); host && share_of_host(*host))
            return Jobs::Left::more;
    last_ = std::move(pass_->found);
    pass_.reset();
    return Jobs::Left::nothing;
}

void Census::next_host() {
    ++pass_->at;
    pass_->queues_done = false;
    pass_->from.clear();
}

/// True: there is more of it.
bool Census::share_of_host(VirtualHost& host) {
    HostTotals& totals = pass_->found[host.name()];
    const bool noted = exchange::queue_count(host) <= at_once_max;
    std::size_t left = per_share;
    const auto take = [&](const std::string& name) {
        if (left == 0) return false;
        --left;
        (pass_->from = name) += '\0';
        return true;
    };
    if (!pass_->queues_done) {
        host.walk_queues(std::string(pass_->from), [&](const exchange::Queue& queue) {
            if (!take(queue.spec().name)) return false;
            add_queue(queue, totals);
            if (noted) note_rates(desk_, host, queue);
            return true;
        });
        if (left == 0) return true;
        pass_->queues_done = true, pass_->from.clear();
    }
    host.walk_exchanges(std::string(pass_->from), [&](const exchange::ExchangeSpec& spec) {
        if (!take(spec.name)) return false;
        add_exchange(host, spec, totals);
        if (noted) note_rates(desk_, host, spec);
        return true;
    });
    return left == 0;
}

bool Census::many() const {
    std::size_t count = 0;
    desk_.hosts.each([&](const VirtualHost& host) {
        count += exchange::queue_count(host) + exchange::exchange_count(host);
    });
    return count > at_once_max;
}

HostTotals Census::of(VirtualHost& host) const {
    return many() ? as_found(last_, host) : sum_up(host);
}

HostTotals Census::of_all_for(const Call& call) const {
    HostTotals totals;
    const bool too_many = many();
    desk_.hosts.each([&](const VirtualHost& host) {
        if (call.monitors() || desk_.users.may_enter(call.user.name, host.name()))
            totals += too_many ? as_found(last_, host) : sum_up(host);
    });
    return totals;
}

}  // namespace posthorn::management
