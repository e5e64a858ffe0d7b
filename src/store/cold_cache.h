#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/files.h"
#include "index_rows.h"
#include "runtime/worker.h"
#include "store/log.h"

namespace posthorn::store {

/// Names a piece of a file that is loaded and checked as a whole: a stretch of a segment between two cuts, or
/// a unit of an index file.
struct ColdKey {
    std::uint64_t segment = 0;  ///< its begin
    std::uint32_t piece = 0;
    bool index = false;
    auto operator<=>(const ColdKey&) const = default;
};

struct ColdPiece {
    std::uint64_t at = 0;  ///< in its file
    Buffer bytes;
    std::vector<DamagedRange> bad;  ///< places in the file that contradict their checksum
    bool ahead = false;             ///< loaded before anybody asked, and nobody asked yet
};

/// Where a piece comes from, and what checks it (on any thread).
struct ColdSource {
    std::shared_ptr<env::File> file;
    std::uint64_t at = 0;
    std::size_t size = 0;
    std::function<std::vector<DamagedRange>(Bytes)> check;
};

/// Pieces of older bytes, the least recently used given up first. What the system has in its page cache is
/// taken at once; what must come from the disk is read by the worker. What could not be read is not kept: the
/// failure is told once, and the next who asks tries again.
class ColdCache {
  public:
    struct Events {
        std::function<void()> loaded;  ///< inside `Worker::collect`: something that was loading is here
        std::function<void(const ColdKey&, const ColdPiece&)> damaged;  ///< just loaded, and partly bad
    };
    ColdCache(runtime::Worker& worker, std::uint64_t capacity, Events events);
    ~ColdCache();

    /// Null when it is not here. The piece stays until the next call that may load.
    const ColdPiece* find(const ColdKey& key);
    /// `ready`; or `loading` when it has to come from the disk: `loaded` will be called; or `failed`, and
    /// why.
    struct Loaded {
        Read read = Read::loading;
        const ColdPiece* piece = nullptr;
        std::optional<Error> error;
    };
    Loaded load(const ColdKey& key, const ColdSource& source);
    /// Lets the worker load what is probably wanted next. Does nothing when it is here, or when as many as
    /// fit into a quarter of the memory were loaded so and are not wanted yet.
    void load_ahead(const ColdKey& key, const std::function<ColdSource()>& source);
    bool has(const ColdKey& key) const { return by_key_.contains(key); }
    /// The segment goes away, or one of its pieces has grown.
    void forget(std::uint64_t segment);
    void forget(const ColdKey& key);

    std::uint64_t loads() const { return loads_; }

  private:
    struct Load;
    struct Node {
        ColdKey key;
        ColdPiece piece;
    };
    using Nodes = std::list<Node>;  // most recently used first

    static constexpr std::size_t failures_max = 64;  ///< more nobody asked for again are forgotten

    const ColdPiece* insert(const ColdKey& key, Load& load);
    void finish(const ColdKey& key, Load& load);
    void erase(Nodes::iterator node);
    bool start(const ColdKey& key, const std::shared_ptr<Load>& load);
    std::shared_ptr<Load> make_load(const ColdSource& source);
    void wanted(ColdPiece& piece);

    runtime::Worker& worker_;
    std::uint64_t capacity_, bytes_ = 0, loads_ = 0;
    std::uint64_t ahead_bytes_ = 0;  ///< of pieces loaded ahead, those on their way included
    Events events_;
    Nodes nodes_;
    std::map<ColdKey, Nodes::iterator> by_key_;
    std::map<ColdKey, std::shared_ptr<Load>> loading_;
    std::map<ColdKey, Error> failures_;  ///< of loads by the worker, to be told
    std::vector<Buffer> spare_;          ///< memory of given-up pieces, to be filled again
    std::shared_ptr<ColdCache*> self_;   ///< what finished work finds us by, if we still are
};

}  // namespace posthorn::store
