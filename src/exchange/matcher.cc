#include "matcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "header_match.h"
#include "names.h"
#include "route_hash.h"
#include "terms.h"
#include "topic_trie.h"

namespace posthorn::exchange {
namespace {

class Direct final : public Matcher {
  public:
    void add(BindingRecord& binding) override { by_key_[binding.binding.key].add(binding); }
    void remove(BindingRecord& binding) override {
        const auto at = by_key_.find(binding.binding.key);
        at->second.remove(binding);
        if (at->second.empty()) by_key_.erase(at);
    }
    void match(const RoutingInput& input, std::vector<BindingRecord*>& found) const override {
        if (const auto at = by_key_.find(input.key); at != by_key_.end())
            found.insert(found.end(), at->second.begin(), at->second.end());
    }

  private:
    NameMap<BindingsOfSource> by_key_;
};

/// For types that look at every binding.
class Listed : public Matcher {
  public:
    void add(BindingRecord& binding) override { all_.add(binding); }
    void remove(BindingRecord& binding) override { all_.remove(binding); }

  protected:
    BindingsOfSource all_;
};

class Fanout final : public Listed {
  public:
    void match(const RoutingInput&, std::vector<BindingRecord*>& found) const override {
        found.insert(found.end(), all_.begin(), all_.end());
    }
};

class Topic final : public Matcher {
  public:
    void add(BindingRecord& binding) override { trie_.add(binding.binding.key, binding); }
    void remove(BindingRecord& binding) override { trie_.remove(binding.binding.key, binding); }
    void match(const RoutingInput& input, std::vector<BindingRecord*>& found) const override {
        trie_.match(input.key, found);
    }

  private:
    TopicTrie trie_;
};

class Headers final : public Listed {
  public:
    Result<void> check(const Binding& binding) const override { return check_x_match(binding.arguments); }
    void match(const RoutingInput& input, std::vector<BindingRecord*>& found) const override {
        for (BindingRecord* binding : all_)
            if (headers_match(binding->binding.arguments, input.headers)) found.push_back(binding);
    }
    bool by_key_alone() const override { return false; }
};

class Random final : public Listed {
  public:
    void match(const RoutingInput& input, std::vector<BindingRecord*>& found) const override {
        if (!all_.empty()) found.push_back(all_[input.chance % all_.size()]);
    }
    bool by_key_alone() const override { return false; }
};

/// A binding has as many buckets as its key says, its weight; a key's bucket moves only when it must (jump
/// hash). Buckets are not kept: the binding of one is found by the sums of the weights before it.
class ConsistentHash final : public Matcher {
  public:
    explicit ConsistentHash(const model::Arguments& exchange) {
        if (const auto* name = exchange.find("hash-header"); name && name->text()) header_ = *name->text();
        if (const auto* name = exchange.find("hash-property"); name && name->text())
            property_ = *name->text();
    }

    Result<void> check(const Binding& binding) const override {
        const auto weight = weight_of(binding.key);
        if (!weight)
            return Error{Errc::invalid,
                         fmt::format("The binding key must be an integer: <<\"{}\">>", binding.key)};
        if (*weight < 1) return Error{Errc::invalid, "The binding key must be greater than 0"};
        if (*weight > buckets_max - buckets_)
            return Error{Errc::invalid, fmt::format("The binding keys of the exchange may sum up to {} at "
                                                    "most",
                                                    buckets_max)};
        return {};
    }
    void add(BindingRecord& binding) override {
        if (gaps_) close_gaps();
        buckets_ += weight_in(binding);
        binding.at_source = stretches_.size();
        stretches_.push_back({&binding, buckets_});
    }
    /// The others keep their order. Who looks next closes the gaps of all that have gone.
    void remove(BindingRecord& binding) override {
        stretches_[binding.at_source].binding = nullptr;
        buckets_ -= weight_in(binding);
        gaps_ = true;
    }
    void match(const RoutingInput& input, std::vector<BindingRecord*>& found) const override {
        if (buckets_ == 0) return;
        if (gaps_) close_gaps();
        const std::int64_t bucket = jump(hash_of(input), buckets_);
        const auto at =
            std::upper_bound(stretches_.begin(), stretches_.end(), bucket,
                             [](std::int64_t one, const Stretch& stretch) { return one < stretch.end; });
        found.push_back(at->binding);
    }
    bool by_key_alone() const override { return !header_ && !property_; }

  private:
    // What the arithmetic of the hash can tell apart; weights say proportions, so small numbers do.
    static constexpr std::int64_t buckets_max = 1'000'000'000;

    struct Stretch {
        BindingRecord* binding;
        std::int64_t end;  ///< behind its last bucket
    };

    void close_gaps() const {
        std::erase_if(stretches_, [](const Stretch& stretch) { return stretch.binding == nullptr; });
        std::int64_t end = 0;
        for (std::size_t n = 0; n < stretches_.size(); ++n) {
            stretches_[n].binding->at_source = n;
            stretches_[n].end = end += weight_in(*stretches_[n].binding);
        }
        gaps_ = false;
    }
    static std::int64_t weight_in(const BindingRecord& binding) {
        return weight_of(binding.binding.key).value_or(1);
    }

    static std::optional<std::int64_t> weight_of(std::string_view key) {
        std::int64_t weight = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), weight);
        if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
        return weight;
    }
    std::uint64_t hash_of(const RoutingInput& input) const {
        if (!header_ && !property_) return route_hash(input.key);
        if (!input.headers) return route_hash("");
        if (property_) return route_hash(input.headers->property(*property_).value_or(""));
        const auto value = input.headers->find(*header_);
        return route_hash(value ? term(*value) : "");
    }
    static std::int64_t jump(std::uint64_t key, std::int64_t buckets) {
        std::int64_t bucket = -1, next = 0;
        while (next < buckets) {
            bucket = next;
            key = key * 2862933555777941757ull + 1;
            next = static_cast<std::int64_t>(
                static_cast<double>(bucket + 1) *
                (static_cast<double>(1ll << 31) / static_cast<double>((key >> 33) + 1)));
        }
        return bucket;
    }

    std::optional<std::string> header_, property_;
    mutable std::vector<Stretch> stretches_;  ///< of buckets, in the order of their bindings
    std::int64_t buckets_ = 0;
    mutable bool gaps_ = false;  ///< where bindings were, and the ends behind them are too high
};

}  // namespace

Result<void> Matcher::check(const Binding&) const {
    return {};
}

std::unique_ptr<Matcher> Matcher::make(ExchangeType type, const model::Arguments& exchange) {
    switch (type) {
        case ExchangeType::direct:
            return std::make_unique<Direct>();
        case ExchangeType::fanout:
            return std::make_unique<Fanout>();
        case ExchangeType::topic:
            return std::make_unique<Topic>();
        case ExchangeType::headers:
            return std::make_unique<Headers>();
        case ExchangeType::consistent_hash:
            return std::make_unique<ConsistentHash>(exchange);
        case ExchangeType::random:
            return std::make_unique<Random>();
    }
    panic("an exchange type without matcher");
}

Result<ExchangeType> exchange_type(const ExchangeSpec& spec) {
    std::string type = spec.type;
    if (type == delayed_type) {
        const model::Value* inner = spec.arguments.find("x-delayed-type");
        if (!inner || !inner->text() || *inner->text() == delayed_type)
            return Error{Errc::invalid,
                         "Invalid argument, 'x-delayed-type' must be an existing exchange type"};
        type = *inner->text();
    }
    if (type == "direct") return ExchangeType::direct;
    if (type == "fanout") return ExchangeType::fanout;
    if (type == "topic") return ExchangeType::topic;
    if (type == "headers") return ExchangeType::headers;
    if (type == "x-consistent-hash") return ExchangeType::consistent_hash;
    if (type == "x-random") return ExchangeType::random;
    if (spec.type == delayed_type)
        return Error{Errc::invalid, "Invalid argument, 'x-delayed-type' must be an existing exchange type"};
    return Error{Errc::unsupported, fmt::format("unknown exchange type '{}'", type)};
}

}  // namespace posthorn::exchange
