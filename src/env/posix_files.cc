#include "env/posix_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace posthorn::env {

namespace {

Errc code_of(int error) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return Errc::not_found;
        case EISDIR:
        case EINVAL:
            return Errc::invalid;
        case EEXIST:
        case ENOTEMPTY:
            return Errc::exists;
        case EACCES:
        case EPERM:
        case EROFS:
            return Errc::denied;
        case ENOSPC:
        case EDQUOT:
            return Errc::no_space;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return Errc::full;
        default:
            return Errc::io;
    }
}

const char* advice(int error) {
    switch (error) {
        case ENOSPC:
            return "; free space on this disk or move the data directory";
        case EDQUOT:
            return "; raise the disk quota of this user";
        case EACCES:
        case EPERM:
            return "; give the user that runs this program access to it";
        case EROFS:
            return "; the file system is mounted read-only, often after a disk error: see the kernel's log";
        case EIO:
            return "; the disk failed: see the kernel's log";
        case EMFILE:
        case ENFILE:
            return "; raise the limit of open files (ulimit -n)";
        default:
            return "";
    }
}

Error fail(const char* what, const std::string& path, int error) {
    return {code_of(error),
            fmt::format("cannot {} {}: {}{}", what, path, std::strerror(error), advice(error))};
}

/// After a failed sync nobody knows what is on the disk, whatever the reason was: never a lack that passes.
Error sync_failed(const char* what, const std::string& path, int error) {
    Error failed = fail(what, path, error);
    failed.code = Errc::io;
    return failed;
}

/// A file descriptor with an owner.
class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    bool ok() const { return fd_ >= 0; }

  private:
    int fd_;
};

Descriptor open_descriptor(const std::string& path, int flags) {
    int fd;
    do {
        fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    } while (fd < 0 && errno == EINTR);
    return Descriptor(fd);
}

class PosixFile final : public File {
  public:
    PosixFile(std::string path, std::string full, Descriptor descriptor)
        : path_(std::move(path)), full_(std::move(full)), descriptor_(std::move(descriptor)) {}

    const std::string& path() const override { return path_; }

    Result<void> write_at(std::uint64_t offset, Bytes bytes) override {
        while (!bytes.empty()) {
            const ssize_t n = ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (n < 0) {
                if (errno == EINTR) continue;
                return fail("write", full_, errno);
            }
            bytes = bytes.subspan(static_cast<std::size_t>(n));
            offset += static_cast<std::uint64_t>(n);
        }
        return {};
    }

    Result<void> write_at(std::uint64_t offset, std::span<const Bytes> pieces) override {
        std::size_t skip = 0;  // of the first piece: written already
        while (!pieces.empty()) {
            std::array<iovec, 256> parts;
            const int count = gather(pieces, skip, parts);
            ssize_t n = ::pwritev(fd(), parts.data(), count, static_cast<off_t>(offset));
            if (n < 0) {
                if (errno == EINTR) continue;
                return fail("write", full_, errno);
            }
            offset += static_cast<std::uint64_t>(n);
            skip += static_cast<std::size_t>(n);
            while (!pieces.empty() && skip >= pieces.front().size()) {
                skip -= pieces.front().size();
                pieces = pieces.subspan(1);
            }
        }
        return {};
    }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        std::size_t done = 0;
        while (done < into.size()) {
            const ssize_t n =
                ::pread(fd(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
            if (n < 0) {
                if (errno == EINTR) continue;
                return fail("read", full_, errno);
            }
            if (n == 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

    std::size_t read_now(std::uint64_t offset, std::span<std::byte> into) override {
        const iovec part{into.data(), into.size()};
        const ssize_t n = ::preadv2(fd(), &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
        return n < 0 ? 0 : static_cast<std::size_t>(n);
    }

    std::uint64_t next_written(std::uint64_t offset) override {
        // Blocks that are reserved and not written count as holes (ext4, xfs); where they do not, or where
        // the question is not understood, everything may have been written.
        const off_t at = ::lseek(fd(), static_cast<off_t>(offset), SEEK_DATA);
        if (at >= 0) return static_cast<std::uint64_t>(at);
        if (errno != ENXIO) return offset;
        const auto end = size();
        return end ? std::max(offset, *end) : offset;
    }

    Result<void> sync_data() override {
        if (::fdatasync(fd()) != 0) return sync_failed("sync", full_, errno);
        return {};
    }

    Result<void> allocate(std::uint64_t size) override {
        if (size == 0) return {};
        int error;
        do {
            error = ::posix_fallocate(fd(), 0, static_cast<off_t>(size));
        } while (error == EINTR);
        if (error != 0) return fail("reserve space for", full_, error);
        return {};
    }

    Result<void> truncate(std::uint64_t size) override {
        if (::ftruncate(fd(), static_cast<off_t>(size)) != 0)
            return fail("change the length of", full_, errno);
        return {};
    }

    Result<std::uint64_t> size() const override {
        struct stat status;
        if (::fstat(fd(), &status) != 0) return fail("look at", full_, errno);
        return static_cast<std::uint64_t>(status.st_size);
    }

  private:
    int fd() const { return descriptor_.get(); }

    static int gather(std::span<const Bytes> pieces, std::size_t skip, std::array<iovec, 256>& parts) {
        int count = 0;
        for (Bytes piece : pieces.first(std::min(pieces.size(), parts.size()))) {
            piece = piece.subspan(skip);
            skip = 0;
            parts[static_cast<std::size_t>(count++)] = {const_cast<std::byte*>(piece.data()), piece.size()};
        }
        return count;
    }

    std::string path_;
    std::string full_;
    Descriptor descriptor_;
};

/// flock, because it belongs to the open file: a second lock in the same process is refused too, and no close
/// of another descriptor of the same file releases it.
class PosixLock final : public FileLock {
  public:
    explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  private:
    Descriptor descriptor_;
};

std::string holder_of(int fd) {
    std::array<char, 32> text{};
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    std::string pid(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    while (!pid.empty() && pid.back() == '\n')
        pid.pop_back();
    return pid.empty() ? "unknown" : pid;
}

int flags_of(OpenMode mode) {
    switch (mode) {
        case OpenMode::read:
            return O_RDONLY;
        case OpenMode::write:
            return O_RDWR;
        case OpenMode::create:
            return O_RDWR | O_CREAT;
        case OpenMode::create_new:
            return O_RDWR | O_CREAT | O_EXCL;
    }
    panic("an open mode that does not exist");
}

Result<void> sync_path(const std::string& path) {
    const Descriptor directory = open_descriptor(path, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) return fail("open directory", path, errno);
    if (::fsync(directory.get()) != 0) return sync_failed("sync directory", path, errno);
    return {};
}

}  // namespace

PosixFiles::PosixFiles(std::string root) : root_(std::move(root)) {
    while (root_.size() > 1 && root_.back() == '/')
        root_.pop_back();
    if (root_.empty()) root_ = ".";
}

std::string PosixFiles::full(std::string_view path) const {
    if (path.empty()) return root_;
    return fmt::format("{}{}{}", root_, root_ == "/" ? "" : "/", path);
}

Result<std::unique_ptr<File>> PosixFiles::open(std::string_view path, OpenMode mode) {
    std::string where = full(path);
    Descriptor descriptor = open_descriptor(where, flags_of(mode));
    if (!descriptor.ok()) return fail("open", where, errno);
    struct stat status;
    if (::fstat(descriptor.get(), &status) != 0) return fail("look at", where, errno);
    if (S_ISDIR(status.st_mode)) return fail("open", where, EISDIR);
    return std::unique_ptr<File>(
        std::make_unique<PosixFile>(std::string(path), std::move(where), std::move(descriptor)));
}

Result<std::unique_ptr<File>> PosixFiles::open_unnamed(std::string_view directory) {
    std::string where = full(directory);
    Descriptor descriptor = open_descriptor(where, O_RDWR | O_TMPFILE);
    if (!descriptor.ok() && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        // A file system without them: a name that is gone before anybody can use it.
        std::string name = where + "/unnamed-XXXXXX";
        descriptor = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
        if (descriptor.ok() && ::unlink(name.c_str()) != 0) return fail("remove", name, errno);
    }
    if (!descriptor.ok()) return fail("make an unnamed file in", where, errno);
    return std::unique_ptr<File>(
        std::make_unique<PosixFile>(std::string(directory), std::move(where), std::move(descriptor)));
}

bool PosixFiles::exists(std::string_view path) {
    struct stat status;
    return ::stat(full(path).c_str(), &status) == 0;
}

Result<std::vector<std::string>> PosixFiles::list(std::string_view directory) {
    const std::string where = full(directory);
    DIR* open = ::opendir(where.c_str());
    if (!open) return fail("list directory", where, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(open)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
        errno = 0;
    }
    const int error = errno;
    ::closedir(open);
    if (error != 0) return fail("list directory", where, error);
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> PosixFiles::rename(std::string_view from, std::string_view to) {
    POSTHORN_CHECK(from.substr(0, from.rfind('/') + 1) == to.substr(0, to.rfind('/') + 1),
                   "a rename stays within its directory");
    const std::string old_name = full(from);
    if (::rename(old_name.c_str(), full(to).c_str()) != 0) return fail("rename", old_name, errno);
    return {};
}

Result<void> PosixFiles::remove(std::string_view path) {
    const std::string where = full(path);
    if (::remove(where.c_str()) != 0) return fail("remove", where, errno);
    return {};
}

Result<void> PosixFiles::make_directories(std::string_view path) {
    const std::filesystem::path whole = full(path);
    std::filesystem::path above;
    for (const auto& part : whole) {
        const std::filesystem::path parent = above.empty() ? "." : above;
        above /= part;
        if (::mkdir(above.c_str(), 0755) == 0) {
            if (auto synced = sync_path(parent); !synced) return synced;
        } else if (errno != EEXIST) {
            return fail("make directory", above, errno);
        }
    }
    struct stat status;
    if (::stat(whole.c_str(), &status) != 0) return fail("look at", whole, errno);
    if (!S_ISDIR(status.st_mode)) return fail("make directory", whole, EEXIST);
    return {};
}

Result<void> PosixFiles::sync_directory(std::string_view directory) {
    return sync_path(full(directory));
}

Result<std::unique_ptr<FileLock>> PosixFiles::lock(std::string_view path) {
    const std::string where = full(path);
    Descriptor descriptor = open_descriptor(where, O_RDWR | O_CREAT);
    if (!descriptor.ok()) return fail("open lock file", where, errno);
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return fail("lock", where, errno);
        return Error{Errc::busy,
                     fmt::format("{} is in use by process {}; stop it first or use another directory", where,
                                 holder_of(descriptor.get()))};
    }
    // The number is for people; who holds the lock is known to the kernel alone, so a failure here is told
    // but a full disk must not keep a server from starting.
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(descriptor.get(), 0) != 0) return fail("write lock file", where, errno);
    const ssize_t n = ::pwrite(descriptor.get(), pid.data(), pid.size(), 0);
    if (n < 0 && errno != ENOSPC) return fail("write lock file", where, errno);
    return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(descriptor)));
}

std::string PosixFiles::boot() {
    const Descriptor file = open_descriptor("/proc/sys/kernel/random/boot_id", O_RDONLY);
    std::array<char, 64> text{};
    const ssize_t n = file.ok() ? ::read(file.get(), text.data(), text.size()) : 0;
    std::string id(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    while (!id.empty() && id.back() == '\n')
        id.pop_back();
    return id;
}

Result<DiskSpace> PosixFiles::disk_space() {
    struct statvfs status;
    if (::statvfs(root_.c_str(), &status) != 0) return fail("ask for the free space of", root_, errno);
    const std::uint64_t block = status.f_frsize;
    const std::uint64_t used = status.f_blocks - status.f_bfree;
    return DiskSpace{(used + status.f_bavail) * block, status.f_bavail * block};
}

}  // namespace posthorn::env
