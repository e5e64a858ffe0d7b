#include "env/sim_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "sim_inode.h"

namespace posthorn::env {

namespace {

using InodeRef = std::shared_ptr<SimInode>;  ///< null: a directory
using Tree = std::map<std::string, InodeRef, std::less<>>;

/// A change of names in one directory that its disk may not have seen: `removed` goes, `made` comes.
struct NameChange {
    std::string removed;
    std::string made;
    InodeRef inode;
};

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

void apply_change(Tree& tree, const NameChange& change) {
    if (!change.removed.empty()) tree.erase(change.removed);
    if (!change.made.empty()) tree[change.made] = change.inode;
}

bool share_a_name(const NameChange& a, const NameChange& b) {
    const auto is = [](const std::string& x, const std::string& y) { return !x.empty() && x == y; };
    return is(a.removed, b.removed) || is(a.removed, b.made) || is(a.made, b.removed) || is(a.made, b.made);
}

}  // namespace

struct SimFiles::Machine {
    explicit Machine(std::uint64_t seed) : random(seed) {}

    Random random;
    SimFaults faults;
    Tree shown;  ///< what the running system shows; the root is the empty path
    Tree disk;   ///< what the disk holds for sure
    std::map<std::string, std::vector<NameChange>, std::less<>> unsynced_names;  ///< by directory
    std::set<std::string, std::less<>> locks;
    std::uint64_t capacity_pages = (std::uint64_t{1} << 40) / SimInode::page_size;
    std::uint64_t used_pages = 0;
    std::uint64_t boots = 1;  ///< starts of the process
    std::uint64_t power_cuts = 0;
    std::uint64_t steps = 0, writes = 0, syncs = 0;
    std::uint64_t halt_at = 0, fail_write_at = 0, fail_sync_at = 0;
    Errc fail_write_code = Errc::io;
    bool halted = false;
    std::string bad_path;  ///< its byte `bad_offset` cannot be read; empty: all can
    std::uint64_t bad_offset = 0;

    static Error off(std::string_view what, std::string_view path) {
        return {Errc::io, fmt::format("cannot {} {}: the simulated machine has stopped", what, path)};
    }
    static Error injected(std::string_view what, std::string_view path, Errc code) {
        return {code, fmt::format("cannot {} {}: {} (simulated)", what, path,
                                  code == Errc::no_space ? "No space left on device"
                                  : code == Errc::full   ? "Too many open files"
                                                         : "Input/output error")};
    }
    static Error missing(std::string_view what, std::string_view path) {
        return {Errc::not_found, fmt::format("cannot {} {}: No such file or directory", what, path)};
    }

    /// Counts a step. True: it is the one that the halt cuts short.
    bool last_step() {
        ++steps;
        if (halt_at == 0 || steps < halt_at) return false;
        halted = true;
        return true;
    }

    std::uint64_t free_pages() const { return capacity_pages > used_pages ? capacity_pages - used_pages : 0; }

    void release_if_gone(const SimInode& inode) {
        if (inode.links == 0 && inode.handles == 0) used_pages -= inode.charged();
    }

    bool is_directory(std::string_view path) const {
        const auto found = shown.find(path);
        return found != shown.end() && !found->second;
    }

    void change_names(std::string_view directory, NameChange change) {
        if (!change.made.empty()) {
            if (const auto old = shown.find(change.made); old != shown.end()) unlink(*old->second);
        }
        apply_change(shown, change);
        auto changes = unsynced_names.find(directory);
        if (changes == unsynced_names.end()) changes = unsynced_names.emplace(directory, 0).first;
        changes->second.push_back(std::move(change));
    }

    void unlink(SimInode& inode) {
        --inode.links;
        release_if_gone(inode);
    }

    void sync_names(std::string_view directory) {
        const auto changes = unsynced_names.find(directory);
        if (changes == unsynced_names.end()) return;
        for (const NameChange& change : changes->second)
            apply_change(disk, change);
        unsynced_names.erase(changes);
    }

    /// Some of the changes reach the disk, but none before an earlier one of the same name.
    void cut_names(Random& cut, const CutStyle& style) {
        for (const auto& [directory, changes] : unsynced_names) {
            std::vector<const NameChange*> lost;
            const double keep = style.keep == CutStyle::nothing      ? 0
                                : style.keep == CutStyle::everything ? 1
                                                                     : 0.7;
            for (const NameChange& change : changes) {
                const bool blocked = std::any_of(lost.begin(), lost.end(), [&](const NameChange* earlier) {
                    return share_a_name(*earlier, change);
                });
                if (!blocked && cut.chance(keep))
                    apply_change(disk, change);
                else
                    lost.push_back(&change);
            }
        }
        unsynced_names.clear();
        // The tree is sorted, so what stands above comes first.
        for (auto node = disk.begin(); node != disk.end();) {
            const bool orphan = !node->first.empty() && !disk.contains(parent_of(node->first));
            node = orphan ? disk.erase(node) : std::next(node);
        }
    }

    void restart() {
        ++boots;
        halted = false;
        halt_at = fail_write_at = fail_sync_at = 0;
        locks.clear();
        used_pages = 0;
        for (auto& [path, inode] : shown) {
            if (!inode) continue;
            inode->links = 1;
            inode->handles = 0;
            used_pages += inode->charged();
        }
    }
};

namespace {

class SimFile final : public File {
  public:
    using Machine = SimFiles::Machine;

    enum class Kind { readable, writable, unnamed };
    SimFile(std::shared_ptr<Machine> machine, std::string path, InodeRef inode, Kind kind)
        : machine_(std::move(machine)),
          path_(std::move(path)),
          inode_(std::move(inode)),
          boot_(machine_->boots),
          kind_(kind) {
        ++inode_->handles;
    }
    ~SimFile() override {
        if (boot_ != machine_->boots) return;
        --inode_->handles;
        machine_->release_if_gone(*inode_);
    }

    const std::string& path() const override { return path_; }

    Result<void> write_at(std::uint64_t offset, Bytes bytes) override {
        return write_at(offset, {&bytes, 1});
    }

    Result<void> write_at(std::uint64_t offset, std::span<const Bytes> pieces) override {
        if (auto may = may_change("write"); !may) return may;
        std::uint64_t size = 0;
        for (const Bytes piece : pieces)
            size += piece.size();
        Machine& m = *machine_;
        ++m.writes;
        if (m.last_step()) {
            put(offset, pieces, m.random.below(size + 1));
            return Machine::off("write", path_);
        }
        if (const Errc* code = write_fault()) {
            put(offset, pieces, m.random.below(size + 1));
            return Machine::injected("write", path_, *code);
        }
        if (put(offset, pieces, size) < size) return Machine::injected("write", path_, Errc::no_space);
        return {};
    }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        if (!alive()) return Machine::off("read", path_);
        if (machine_->random.chance(machine_->faults.read_error) || bad(offset, into.size()))
            return Machine::injected("read", path_, Errc::io);
        return inode_->read(offset, into);
    }

    std::size_t read_now(std::uint64_t offset, std::span<std::byte> into) override {
        if (!alive()) return 0;
        Random& random = machine_->random;
        if (random.chance(machine_->faults.not_now))
            into = into.first(random.chance(0.5) ? 0 : random.below(into.size() + 1));
        if (bad(offset, into.size())) return 0;
        return inode_->read(offset, into);
    }

    std::uint64_t next_written(std::uint64_t offset) override { return inode_->next_written(offset); }

    Result<void> sync_data() override {
        if (!alive()) return Machine::off("sync", path_);
        Machine& m = *machine_;
        ++m.syncs;
        if (m.last_step()) return Machine::off("sync", path_);
        if (m.syncs == m.fail_sync_at || m.random.chance(m.faults.sync_error)) {
            inode_->failed_sync(m.random);
            return Machine::injected("sync", path_, Errc::io);
        }
        inode_->sync();
        return {};
    }

    Result<void> allocate(std::uint64_t size) override {
        if (auto may = may_change("reserve space for"); !may) return may;
        const bool cut = machine_->last_step();
        if (inode_->missing_for(size) > machine_->free_pages())
            return Machine::injected("reserve space for", path_, Errc::no_space);
        if (!cut || machine_->random.chance(0.5)) recharge([&] { inode_->reserve(size); });
        if (cut) return Machine::off("reserve space for", path_);
        return {};
    }

    Result<void> truncate(std::uint64_t size) override {
        if (auto may = may_change("change the length of"); !may) return may;
        const bool cut = machine_->last_step();
        if (!cut || machine_->random.chance(0.5)) recharge([&] { inode_->truncate(size); });
        if (kind_ == Kind::unnamed) inode_->sync();
        if (cut) return Machine::off("change the length of", path_);
        return {};
    }

    Result<std::uint64_t> size() const override {
        if (!alive()) return Machine::off("look at", path_);
        return inode_->size();
    }

  private:
    bool bad(std::uint64_t offset, std::size_t size) const {
        return machine_->bad_path == path_ && offset <= machine_->bad_offset &&
               machine_->bad_offset < offset + size;
    }
    bool alive() const { return boot_ == machine_->boots && !machine_->halted; }

    Result<void> may_change(std::string_view what) const {
        if (!alive()) return Machine::off(what, path_);
        if (kind_ == Kind::readable) return Machine::injected(what, path_, Errc::io);
        return {};
    }

    const Errc* write_fault() {
        static constexpr Errc io = Errc::io, no_space = Errc::no_space;
        Machine& m = *machine_;
        if (m.writes == m.fail_write_at) return &m.fail_write_code;
        if (m.random.chance(m.faults.write_error)) return &io;
        if (m.random.chance(m.faults.write_no_space)) return &no_space;
        return nullptr;
    }

    /// Writes as much of `limit` as the disk has room for; returns how much.
    std::uint64_t put(std::uint64_t offset, std::span<const Bytes> pieces, std::uint64_t limit) {
        limit = inode_->fitting(offset, limit, machine_->free_pages());
        recharge([&] { inode_->write(offset, pieces, limit); });
        if (kind_ == Kind::unnamed) inode_->sync();  // no power cut will ever ask what was
        return limit;
    }

    template <class Change>
    void recharge(Change change) {
        machine_->used_pages -= inode_->charged();
        change();
        machine_->used_pages += inode_->charged();
    }

    std::shared_ptr<Machine> machine_;
    std::string path_;
    InodeRef inode_;
    std::uint64_t boot_;
    Kind kind_;
};

class SimLock final : public FileLock {
  public:
    SimLock(std::shared_ptr<SimFiles::Machine> machine, std::string path)
        : machine_(std::move(machine)), path_(std::move(path)), boot_(machine_->boots) {}
    ~SimLock() override {
        if (boot_ == machine_->boots) machine_->locks.erase(path_);
    }

  private:
    std::shared_ptr<SimFiles::Machine> machine_;
    std::string path_;
    std::uint64_t boot_;
};

}  // namespace

SimFiles::SimFiles(std::uint64_t seed) : machine_(std::make_shared<Machine>(seed)) {}
SimFiles::~SimFiles() = default;

SimFaults& SimFiles::faults() {
    return machine_->faults;
}
void SimFiles::set_capacity(std::uint64_t bytes) {
    machine_->capacity_pages = bytes / SimInode::page_size;
}
void SimFiles::halt_after(std::uint64_t steps) {
    machine_->halt_at = machine_->steps + steps;
}
bool SimFiles::halted() const {
    return machine_->halted;
}
void SimFiles::fail_sync(std::uint64_t nth) {
    machine_->fail_sync_at = machine_->syncs + nth;
}
std::uint64_t SimFiles::steps() const {
    return machine_->steps;
}
std::uint64_t SimFiles::writes() const {
    return machine_->writes;
}
std::uint64_t SimFiles::syncs() const {
    return machine_->syncs;
}

void SimFiles::fail_write(std::uint64_t nth, Errc code) {
    machine_->fail_write_at = machine_->writes + nth;
    machine_->fail_write_code = code;
}

std::uint64_t SimFiles::unsynced_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, inode] : machine_->shown)
        bytes += inode ? inode->unsynced_bytes() : 0;
    return bytes;
}

void SimFiles::fail_reads_at(std::string_view path, std::uint64_t offset) {
    machine_->bad_path = path;
    machine_->bad_offset = offset;
}

Result<void> SimFiles::damage(std::string_view path, std::uint64_t offset, unsigned bit) {
    const auto found = machine_->shown.find(path);
    if (found == machine_->shown.end() || !found->second) return Machine::missing("damage", path);
    if (offset >= found->second->size())
        return Error{Errc::invalid, fmt::format("cannot damage {}: it ends before byte {}", path, offset)};
    found->second->flip_bit(offset, bit);
    return {};
}

void SimFiles::power_cut(Random& random) {
    Machine& m = *machine_;
    const CutStyle style = CutStyle::draw(random);
    m.cut_names(random, style);
    for (auto& [path, inode] : m.disk) {
        if (inode) inode->power_cut(random, style);
    }
    m.shown = m.disk;
    ++m.power_cuts;
    m.restart();
}

void SimFiles::kill() {
    machine_->restart();
}

Result<std::unique_ptr<File>> SimFiles::open(std::string_view path, OpenMode mode) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("open", path);
    if (m.random.chance(m.faults.no_descriptor)) return Machine::injected("open", path, Errc::full);
    auto found = m.shown.find(path);
    if (found == m.shown.end()) {
        const bool may_make = mode == OpenMode::create || mode == OpenMode::create_new;
        if (!may_make || !m.is_directory(parent_of(path))) return Machine::missing("open", path);
        const bool cut = m.last_step();
        if (!cut || m.random.chance(0.5)) {
            auto inode = std::make_shared<SimInode>();
            inode->links = 1;
            m.change_names(parent_of(path), {{}, std::string(path), std::move(inode)});
        }
        if (cut) return Machine::off("open", path);
        found = m.shown.find(path);
    } else if (mode == OpenMode::create_new) {
        return Error{Errc::exists, fmt::format("cannot open {}: File exists", path)};
    }
    if (!found->second) return Error{Errc::invalid, fmt::format("cannot open {}: Is a directory", path)};
    return std::unique_ptr<File>(std::make_unique<SimFile>(
        machine_, std::string(path), found->second,
        mode == OpenMode::read ? SimFile::Kind::readable : SimFile::Kind::writable));
}

Result<std::unique_ptr<File>> SimFiles::open_unnamed(std::string_view directory) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("make an unnamed file in", directory);
    if (!m.is_directory(directory)) return Machine::missing("make an unnamed file in", directory);
    return std::unique_ptr<File>(std::make_unique<SimFile>(
        machine_, std::string(directory), std::make_shared<SimInode>(), SimFile::Kind::unnamed));
}

bool SimFiles::exists(std::string_view path) {
    return !machine_->halted && machine_->shown.contains(path);
}

Result<std::vector<std::string>> SimFiles::list(std::string_view directory) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("list directory", directory);
    if (!m.is_directory(directory)) return Machine::missing("list directory", directory);
    const std::string prefix = directory.empty() ? std::string() : fmt::format("{}/", directory);
    std::vector<std::string> names;
    for (auto node = m.shown.lower_bound(prefix); node != m.shown.end(); ++node) {
        const std::string_view path = node->first;
        if (!path.starts_with(prefix)) break;
        const std::string_view name = path.substr(prefix.size());
        if (!name.empty() && name.find('/') == std::string_view::npos) names.emplace_back(name);
    }
    return names;
}

Result<void> SimFiles::rename(std::string_view from, std::string_view to) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("rename", from);
    POSTHORN_CHECK(parent_of(from) == parent_of(to), "a rename stays within its directory");
    const auto found = m.shown.find(from);
    if (found == m.shown.end()) return Machine::missing("rename", from);
    if (!found->second || m.is_directory(to))
        return Error{Errc::invalid, fmt::format("cannot rename {}: Is a directory", from)};
    const bool cut = m.last_step();
    if (from != to && (!cut || m.random.chance(0.5)))
        m.change_names(parent_of(from), {std::string(from), std::string(to), InodeRef(found->second)});
    if (cut) return Machine::off("rename", from);
    return {};
}

Result<void> SimFiles::remove(std::string_view path) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("remove", path);
    const auto found = m.shown.find(path);
    if (found == m.shown.end()) return Machine::missing("remove", path);
    if (!found->second) {
        if (auto names = list(path); !names || !names->empty())
            return Error{Errc::exists, fmt::format("cannot remove {}: Directory not empty", path)};
    }
    const bool cut = m.last_step();
    if (!cut || m.random.chance(0.5)) {
        const InodeRef inode = found->second;
        m.change_names(parent_of(path), {std::string(path), {}, nullptr});
        if (inode) m.unlink(*inode);
    }
    if (cut) return Machine::off("remove", path);
    return {};
}

Result<void> SimFiles::make_directories(std::string_view path) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("make directory", path);
    std::size_t end = 0;
    while (true) {
        const std::string_view above = path.substr(0, end);
        if (const auto found = m.shown.find(above); found == m.shown.end()) {
            if (m.last_step()) return Machine::off("make directory", path);
            m.shown.emplace(above, nullptr);
            m.sync_names(parent_of(above));
            m.disk.emplace(above, nullptr);
        } else if (found->second) {
            return Error{Errc::exists, fmt::format("cannot make directory {}: File exists", above)};
        }
        if (end == path.size()) return {};
        end = std::min(path.find('/', end + 1), path.size());
    }
}

Result<void> SimFiles::sync_directory(std::string_view directory) {
    Machine& m = *machine_;
    if (m.halted) return Machine::off("sync directory", directory);
    if (m.random.chance(m.faults.no_descriptor))
        return Machine::injected("open directory", directory, Errc::full);
    if (!m.is_directory(directory)) return Machine::missing("open directory", directory);
    ++m.syncs;
    if (m.last_step()) return Machine::off("sync directory", directory);
    if (m.syncs == m.fail_sync_at || m.random.chance(m.faults.sync_error))
        return Machine::injected("sync directory", directory, Errc::io);
    m.sync_names(directory);
    return {};
}

Result<std::unique_ptr<FileLock>> SimFiles::lock(std::string_view path) {
    Machine& m = *machine_;
    if (m.locks.contains(path)) {
        return Error{
            Errc::busy,
            fmt::format("{} is in use by process {}; stop it first or use another directory", path, m.boots)};
    }
    if (auto file = open(path, OpenMode::create); !file) return file.error();
    m.locks.emplace(path);
    return std::unique_ptr<FileLock>(std::make_unique<SimLock>(machine_, std::string(path)));
}

std::string SimFiles::boot() {
    return fmt::format("boot {}", machine_->power_cuts);
}

Result<DiskSpace> SimFiles::disk_space() {
    const Machine& m = *machine_;
    if (m.halted) return Machine::off("ask for the free space of", "the disk");
    return DiskSpace{m.capacity_pages * SimInode::page_size, m.free_pages() * SimInode::page_size};
}

}  // namespace posthorn::env
