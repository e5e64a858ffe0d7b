#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "doctor.h"
#include "env/posix_files.h"

namespace posthorn::server {
namespace {

namespace fs = std::filesystem;

constexpr double kMebi = 1024.0 * 1024.0;

/// The directory itself, or the nearest one above it that is there.
fs::path nearest(const std::string& directory) {
    std::error_code trouble;
    fs::path at = fs::absolute(directory, trouble).lexically_normal();
    while (!at.empty() && at != at.root_path() && !fs::exists(at, trouble))
        at = at.parent_path();
    return at;
}

/// A file that is gone with this object.
class ScratchFile {
  public:
    explicit ScratchFile(const fs::path& directory)
        : path_((directory / fmt::format(".posthorn-doctor-{}", ::getpid())).string()),
          descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
    ~ScratchFile() {
        if (descriptor_ < 0) return;
        ::close(descriptor_);
        ::unlink(path_.c_str());
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    int descriptor() const { return descriptor_; }

  private:
    std::string path_;
    int descriptor_;
};

Finding examine_place(const Config& config, const fs::path& place) {
    const std::string check = "data.directory";
    const std::string shown = fs::absolute(config.data_directory).lexically_normal().string();
    if (fs::exists(shown + "/commitlog"))
        return {Verdict::bad, check,
                shown + " holds a store of Apache RocketMQ, which Posthorn does not read",
                "choose another directory with --data-directory"};
    if (!fs::is_directory(place))
        return {Verdict::bad, check, place.string() + " is no directory",
                "choose another directory with --data-directory"};
    if (::access(place.c_str(), W_OK | X_OK) != 0)
        return {Verdict::bad, check,
                fmt::format("{} may not be written: {}", place.string(), std::strerror(errno)),
                "let the user Posthorn runs as own it, or choose another with --data-directory"};
    if (fs::exists(shown + "/lock")) {
        env::PosixFiles files(shown);
        if (const auto lock = files.lock("lock"); !lock)
            return {Verdict::bad, check, fmt::format("{} is in use: {}", shown, lock.error().message),
                    "stop the other Posthorn, or choose another directory with --data-directory"};
        return {Verdict::good, check, shown + " is there, and nobody uses it", {}};
    }
    return {Verdict::good, check, shown + " can be made", {}};
}

Finding examine_file_system(const fs::path& place) {
    const std::string check = "file system";
    struct statfs info {};
    if (::statfs(place.c_str(), &info) != 0)
        return {Verdict::warning, check, std::strerror(errno), "see dmesg"};
    switch (static_cast<unsigned long>(info.f_type)) {
        case TMPFS_MAGIC:
        case RAMFS_MAGIC:
            return {Verdict::warning, check, "the data directory lies in memory: it is gone with a restart",
                    "choose a directory on a disk"};
        case OVERLAYFS_SUPER_MAGIC:
            return {Verdict::warning, check,
                    "the data directory lies in a container's own layer: it goes with the container",
                    "mount a volume and name it with --data-directory"};
        case NFS_SUPER_MAGIC:
        case SMB_SUPER_MAGIC:
        case FUSE_SUPER_MAGIC:
            return {
                Verdict::warning, check,
                "the data directory lies on a network or user-space file system: what is synced and locked "
                "there is another machine's word",
                "choose a local disk"};
        default:
            return {Verdict::good, check, "a local file system", {}};
    }
}

Finding examine_space(const Config& config, const fs::path& place) {
    const std::string check = "disk space";
    struct statvfs info {};
    if (::statvfs(place.c_str(), &info) != 0)
        return {Verdict::warning, check, std::strerror(errno), "see dmesg"};
    const double free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
    // As df counts, and the engine: what only root may write is neither used nor free.
    const double total = static_cast<double>(info.f_blocks - info.f_bfree + info.f_bavail) *
                         static_cast<double>(info.f_frsize);
    // A log allocates its active segment in full; the queue log keeps a spare one.
    const auto needed =
        static_cast<double>(config.engine.stream_segment_bytes + 2 * config.engine.queue_segment_bytes);
    const double used = total > 0 ? 1 - free / total : 0;
    const std::string found = fmt::format("{:.0f} MiB free, {:.0f} % used", free / kMebi, used * 100);
    if (free < needed)
        return {Verdict::bad, check, found,
                fmt::format("a start takes {:.0f} MiB: free some, or make store.stream_segment smaller",
                            needed / kMebi)};
    if (used >= config.engine.disk_refuse_ratio)
        return {Verdict::bad, check, found,
                fmt::format("sends are refused from {:.0f} % on (store.disk_refuse): free some space",
                            config.engine.disk_refuse_ratio * 100)};
    if (used >= config.engine.disk_clean_ratio)
        return {Verdict::warning, check, found,
                fmt::format("old messages go early from {:.0f} % on (store.disk_clean): free some space",
                            config.engine.disk_clean_ratio * 100)};
    if (info.f_files > 0 && info.f_favail < 1'000)
        return {Verdict::warning, check, fmt::format("{} files can still be made", info.f_favail),
                "free some inodes"};
    return {Verdict::good, check, found, {}};
}

/// How long the disk takes to promise 4 KiB, the middle of nine tries. Negative when it cannot.
double sync_ms(int descriptor) {
    std::array<char, 4096> bytes{};
    std::array<double, 9> times{};
    for (double& time : times) {
        if (::pwrite(descriptor, bytes.data(), bytes.size(), 0) < 0) return -1;
        const auto begin = std::chrono::steady_clock::now();
        if (::fdatasync(descriptor) != 0) return -1;
        time = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    }
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
}

Finding examine_sync(const Config& config, int descriptor) {
    constexpr double slow_ms = 20;
    const double ms = sync_ms(descriptor);
    if (ms < 0)
        return {Verdict::bad, "disk sync", fmt::format("the disk cannot be synced: {}", std::strerror(errno)),
                "see dmesg; this disk must not hold messages"};
    const std::string found = fmt::format("a sync takes {:.2f} ms", ms);
    if (config.engine.flush == broker::Flush::sync && ms > slow_ms)
        return {Verdict::warning, "disk sync", found,
                "with store.flush: sync every answer waits so long; a disk with a protected cache is faster"};
    return {Verdict::good, "disk sync", found, {}};
}

void examine_abilities(int descriptor, Findings& findings) {
    if (::fallocate(descriptor, 0, 0, 1 << 20) == 0)
        findings.push_back({Verdict::good, "disk allocation", "space can be reserved ahead", {}});
    else
        findings.push_back({Verdict::warning, "disk allocation",
                            fmt::format("space cannot be reserved ahead ({}): segments are filled with zeros "
                                        "first, which takes time",
                                        std::strerror(errno)),
                            "ext4, xfs and btrfs can"});
    std::array<char, 512> bytes{};
    iovec part{bytes.data(), bytes.size()};
    const bool can = ::preadv2(descriptor, &part, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
    if (can)
        findings.push_back({Verdict::good, "cached reads", "what is in the page cache is read at once", {}});
    else
        findings.push_back(
            {Verdict::warning, "cached reads",
             "the kernel does not tell what is in the page cache: readers far behind are slower",
             "Linux 4.14 and a local file system do"});
}

}  // namespace

void examine_data_directory(const Config& config, Findings& findings) {
    const fs::path place = nearest(config.data_directory);
    findings.push_back(examine_place(config, place));
    if (!fs::is_directory(place)) return;
    findings.push_back(examine_file_system(place));
    findings.push_back(examine_space(config, place));
    const ScratchFile scratch(place);
    if (scratch.descriptor() < 0) return;
    findings.push_back(examine_sync(config, scratch.descriptor()));
    examine_abilities(scratch.descriptor(), findings);
}

}  // namespace posthorn::server
