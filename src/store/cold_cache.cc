#include "cold_cache.h"

#include <fmt/format.h>

#include <utility>

namespace posthorn::store {
namespace {

constexpr std::size_t spare_buffers = 4;

}  // namespace

/// A piece on its way. Belongs to the worker while it runs.
struct ColdCache::Load {
    ColdSource source;
    ColdPiece piece;
    std::optional<Error> error;

    void check() { piece.bad = source.check(piece.bytes.view()); }
    bool now() {
        const bool all = source.file->read_now(source.at, {piece.bytes.data(), source.size}) == source.size;
        if (all) check();
        return all;
    }
    void wait() {
        auto got = source.file->read_at(source.at, {piece.bytes.data(), source.size});
        if (!got)
            error = Error{got.error().code, fmt::format("cannot read {} bytes at {} of {}: {}", source.size,
                                                        source.at, source.file->path(), got.error().message)};
        else if (*got == source.size)
            check();
        else  // the file is too short
            piece.bad = {{static_cast<std::uint32_t>(piece.at), static_cast<std::uint32_t>(source.size)}};
    }
};

ColdCache::ColdCache(runtime::Worker& worker, std::uint64_t capacity, Events events)
    : worker_(worker),
      capacity_(capacity),
      events_(std::move(events)),
      self_(std::make_shared<ColdCache*>(this)) {}

ColdCache::~ColdCache() = default;

const ColdPiece* ColdCache::find(const ColdKey& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    nodes_.splice(nodes_.begin(), nodes_, found->second);
    wanted(found->second->piece);
    return &found->second->piece;
}

void ColdCache::wanted(ColdPiece& piece) {
    if (std::exchange(piece.ahead, false)) ahead_bytes_ -= piece.bytes.size();
}

std::shared_ptr<ColdCache::Load> ColdCache::make_load(const ColdSource& source) {
    auto load = std::make_shared<Load>();
    load->source = source;
    load->piece.at = source.at;
    if (!spare_.empty()) {
        load->piece.bytes = std::move(spare_.back());
        spare_.pop_back();
    }
    load->piece.bytes.resize(source.size);
    ++loads_;
    return load;
}

ColdCache::Loaded ColdCache::load(const ColdKey& key, const ColdSource& source) {
    if (const auto under_way = loading_.find(key); under_way != loading_.end()) {
        wanted(under_way->second->piece);
        return {};
    }
    if (auto failed = failures_.extract(key)) return {Read::failed, nullptr, std::move(failed.mapped())};
    const auto load = make_load(source);
    if (!load->now()) {
        if (start(key, load)) return {};
        load->wait();  // the worker is drowned in work: better slow than never
        if (load->error) return {Read::failed, nullptr, std::move(load->error)};
    }
    return {Read::ready, insert(key, *load), {}};
}

void ColdCache::load_ahead(const ColdKey& key, const std::function<ColdSource()>& source) {
    if (ahead_bytes_ >= capacity_ / 4 || has(key) || loading_.contains(key)) return;
    const auto load = make_load(source());
    load->piece.ahead = true;
    ahead_bytes_ += load->piece.bytes.size();
    if (!start(key, load)) wanted(load->piece);
}

bool ColdCache::start(const ColdKey& key, const std::shared_ptr<Load>& load) {
    const bool taken = worker_.submit([load] { load->wait(); },
                                      [load, key, self = std::weak_ptr(self_)] {
                                          const auto cache = self.lock();
                                          if (!cache) return;
                                          const auto found = (*cache)->loading_.find(key);
                                          const bool wanted =
                                              found != (*cache)->loading_.end() && found->second == load;
                                          if (wanted) {
                                              (*cache)->loading_.erase(found);
                                              (*cache)->finish(key, *load);
                                          }
                                          if (load->piece.ahead) return;
                                          if ((*cache)->events_.loaded) (*cache)->events_.loaded();
                                      });
    if (taken) loading_[key] = load;
    return taken;
}

void ColdCache::finish(const ColdKey& key, Load& load) {
    if (!load.error) {
        insert(key, load);
        return;
    }
    wanted(load.piece);
    if (failures_.size() >= failures_max) failures_.clear();
    failures_.insert_or_assign(key, *load.error);
}

const ColdPiece* ColdCache::insert(const ColdKey& key, Load& load) {
    forget(key);
    while (!nodes_.empty() && bytes_ + load.source.size > capacity_)
        erase(std::prev(nodes_.end()));
    nodes_.push_front({key, std::move(load.piece)});
    by_key_[key] = nodes_.begin();
    bytes_ += load.source.size;
    const ColdPiece& piece = nodes_.front().piece;
    if (!piece.bad.empty() && events_.damaged) events_.damaged(key, piece);
    return &piece;
}

void ColdCache::erase(Nodes::iterator node) {
    wanted(node->piece);
    bytes_ -= node->piece.bytes.size();
    if (spare_.size() < spare_buffers) spare_.push_back(std::move(node->piece.bytes));
    by_key_.erase(node->key);
    nodes_.erase(node);
}

void ColdCache::forget(const ColdKey& key) {
    failures_.erase(key);
    if (const auto under_way = loading_.find(key); under_way != loading_.end()) {
        wanted(under_way->second->piece);
        loading_.erase(under_way);
    }
    if (const auto found = by_key_.find(key); found != by_key_.end()) erase(found->second);
}

void ColdCache::forget(std::uint64_t segment) {
    for (auto at = nodes_.begin(); at != nodes_.end();) {
        const auto here = at++;
        if (here->key.segment == segment) erase(here);
    }
    std::erase_if(failures_, [&](const auto& failure) { return failure.first.segment == segment; });
    std::erase_if(loading_, [&](const auto& load) {
        if (load.first.segment != segment) return false;
        wanted(load.second->piece);
        return true;
    });
}

}  // namespace posthorn::store
