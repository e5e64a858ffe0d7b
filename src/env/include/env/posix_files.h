#pragma once

#include <string>

#include "env/files.h"

namespace posthorn::env {

/// The real files below one directory. Any thread may call.
class PosixFiles final : public Files {
  public:
    /// Touches nothing; `make_directories("")` makes the root.
    explicit PosixFiles(std::string root);

    const std::string& root() const { return root_; }

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

  private:
    std::string full(std::string_view path) const;

    std::string root_;
};

}  // namespace posthorn::env
