#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::env {

enum class OpenMode {
    read,        ///< must exist; writing is an error
    write,       ///< must exist; read and write
    create,      ///< read and write, made empty if missing
    create_new,  ///< read and write; Errc::exists if it is there
};

/// One open file. Positions are explicit, so there is no cursor to share: the operating system's `File` may
/// be used by several threads at once (a writer, a sync thread, readers); the simulated one belongs to one
/// thread.
///
/// There is no writable mapping on purpose: a failing disk shall be an error that is handled, not a signal.
/// Every error names the path and the system's reason. Errc::full: the system has no descriptor or no memory
/// for it right now (never from a sync of a file).
class File {
  public:
    virtual ~File() = default;  ///< closes; says nothing about durability

    /// As given to `Files::open`.
    virtual const std::string& path() const = 0;

    /// Writes all of it, growing the file if needed; a gap left before `offset` reads as zeros. After an
    /// error any prefix may have been written. Errc::no_space when the disk is full.
    virtual Result<void> write_at(std::uint64_t offset, Bytes bytes) = 0;
    /// The same for several pieces laid one after the other: one system call for any usual number of pieces.
    virtual Result<void> write_at(std::uint64_t offset, std::span<const Bytes> pieces) = 0;

    /// Reads until `into` is full or the file ends; returns the number of bytes. May wait for the disk.
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;
    /// What can be had without waiting for the disk: the first n bytes, n from 0 to the size of `into`. Fewer
    /// than asked (also on any error) means: take the slow way, which will say why.
    virtual std::size_t read_now(std::uint64_t offset, std::span<std::byte> into) = 0;

    /// The first place at `offset` or later where something may have been written: everything before it reads
    /// as zeros, so that nobody need read it. The size of the file if there is none.
    virtual std::uint64_t next_written(std::uint64_t offset) = 0;

    /// fdatasync: what was written before is durable when this returns well, the file's size included, but
    /// not its name (`Files::sync_directory`). After a failure it must not be tried again: the system may
    /// have dropped the pages, and the second call would lie.
    virtual Result<void> sync_data() = 0;

    /// Makes the file at least `size` long with its blocks reserved, so that "no space" shows here and not in
    /// a later write below `size`. New bytes read as zeros.
    virtual Result<void> allocate(std::uint64_t size) = 0;
    /// Cuts or extends (with zeros, no blocks reserved).
    virtual Result<void> truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() const = 0;
};

/// Held until destroyed, or until the process dies, however it dies.
class FileLock {
  public:
    virtual ~FileLock() = default;
};

struct DiskSpace {
    std::uint64_t total = 0;  ///< used and free together, without what only root may write: as df counts
    std::uint64_t free = 0;   ///< what this user may still write
};

/// A directory tree and the only door to it. Paths are relative to its root, with '/' between the parts and
/// no
/// "..": "log/00000000000000000000". The empty path is the root itself.
///
/// Making, renaming or removing a name is durable only after `sync_directory` of the directory that holds it.
class Files {
  public:
    virtual ~Files() = default;

    virtual Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) = 0;
    /// A new file without a name, on the disk of that directory: read and write, gone with the `File` or with
    /// the process, however it ends.
    virtual Result<std::unique_ptr<File>> open_unnamed(std::string_view directory) = 0;
    /// False also for what cannot be seen; `open` says why.
    virtual bool exists(std::string_view path) = 0;
    /// The names in a directory (not paths), files and directories, sorted.
    virtual Result<std::vector<std::string>> list(std::string_view directory) = 0;
    /// Gives a file another name in the same directory, replacing what had it, in one step.
    virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
    /// Removes a file or an empty directory. An open `File` stays usable.
    virtual Result<void> remove(std::string_view path) = 0;
    /// Makes the directory and all above it, the root included; those it makes are durable when it returns.
    virtual Result<void> make_directories(std::string_view path) = 0;
    /// Errc::full: the directory could not be opened, nothing was done and nothing has failed.
    virtual Result<void> sync_directory(std::string_view directory) = 0;
    /// Takes the lock file, making it if missing. Errc::busy, with the holder's process id in the text, while
    /// somebody else has it: another process, or another lock object in this one.
    virtual Result<std::unique_ptr<FileLock>> lock(std::string_view path) = 0;
    /// Names the machine's run since it was last started: as long as it is the same, nothing that was written
    /// was lost to a power cut. Empty if it is not known.
    virtual std::string boot() = 0;
    /// The disk that holds the root.
    virtual Result<DiskSpace> disk_space() = 0;
};

}  // namespace posthorn::env
