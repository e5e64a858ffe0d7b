#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "env/files.h"
#include "env/random.h"

namespace posthorn::env {

/// What goes wrong by chance. Probabilities per call, zero at first; set and reset at any time.
struct SimFaults {
    double write_error = 0;     ///< Errc::io, a random prefix is written
    double write_no_space = 0;  ///< Errc::no_space, a random prefix is written
    double read_error = 0;      ///< Errc::io from read_at
    double sync_error = 0;      ///< Errc::io from sync_data; see below
    double no_descriptor = 0;   ///< Errc::full from open and sync_directory, which do nothing
    double not_now = 0;         ///< read_now delivers less than asked, often nothing
};

/// Files in memory with a disk underneath that can fail the way disks do. One thread; the same calls with the
/// same seed give the same history.
///
/// There are two images: what the running system shows (its page cache) and what the disk holds for sure.
/// Writes go to the first and are remembered until `sync_data` moves them to the second; names made, renamed
/// or removed are remembered until `sync_directory`.
///
/// `power_cut` decides per page of 4096 bytes how many of the remembered writes reached the disk, in what
/// order pages did, and may tear a page at sectors of 512 bytes; the length of a file may be any it had since
/// its last sync; names may or may not be there, but never against the order of the changes to one name.
///
/// A failed `sync_data` behaves as Linux does: a random part of the pages reached the disk, the rest is
/// forgotten while still readable, and the next `sync_data` succeeds without saving them.
class SimFiles final : public Files {
  public:
    explicit SimFiles(std::uint64_t seed);
    ~SimFiles() override;

    // The world's side: what a test or the simulator does to the machine.

    SimFaults& faults();
    /// Total size of the disk; a whole number of pages is used for every file. One TiB at first.
    void set_capacity(std::uint64_t bytes);
    /// The n-th write, allocation, truncation, sync or change of a name from now (1 is the next) is cut short
    /// and everything after it fails until `power_cut` or `kill`: a crash in the middle of any step.
    void halt_after(std::uint64_t steps);
    /// Whether that has happened.
    bool halted() const;
    /// The n-th write from now fails with `code` (Errc::io or Errc::no_space); the n-th sync from now fails.
    void fail_write(std::uint64_t nth, Errc code);
    void fail_sync(std::uint64_t nth);
    /// Changes one bit of what is stored, on the disk and in the cache: rot, or a careless hand.
    Result<void> damage(std::string_view path, std::uint64_t offset, unsigned bit = 0);

    /// From now on no read that touches this place works, until an empty path takes that back.
    void fail_reads_at(std::string_view path, std::uint64_t offset);

    /// The machine loses power and starts again: open files and locks are dead, their calls fail.
    void power_cut(Random& random);
    /// The process dies and the machine goes on: all that was written is there, open files and locks are
    /// dead.
    void kill();

    /// Writes, allocations, truncations, syncs and changes of names so far, to aim `halt_after`.
    std::uint64_t steps() const;
    std::uint64_t writes() const;
    std::uint64_t syncs() const;
    /// Bytes written and not yet synced, over all files.
    std::uint64_t unsynced_bytes() const;

    // The program's side.

    Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) override;
    Result<std::unique_ptr<File>> open_unnamed(std::string_view directory) override;
    bool exists(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view directory) override;
    Result<void> rename(std::string_view from, std::string_view to) override;
    Result<void> remove(std::string_view path) override;
    Result<void> make_directories(std::string_view path) override;
    Result<void> sync_directory(std::string_view directory) override;
    Result<std::unique_ptr<FileLock>> lock(std::string_view path) override;
    std::string boot() override;
    Result<DiskSpace> disk_space() override;

    struct Machine;

  private:
    std::shared_ptr<Machine> machine_;  ///< shared with the open files, which may outlive this object
};

}  // namespace posthorn::env
