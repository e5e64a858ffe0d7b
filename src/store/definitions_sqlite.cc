#include <sqlite3.h>

#include <fmt/format.h>

#include <memory>
#include <mutex>

#include "store/definitions.h"

namespace posthorn::store {
namespace {

struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

constexpr int schema_version = 1;

class SqliteDefinitions final : public Definitions {
  public:
    explicit SqliteDefinitions(std::string path) : path_(std::move(path)) {}

    Result<void> open() {
        sqlite3* raw = nullptr;
        const int code =
            sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
        database_.reset(raw);  // to be closed even when opening failed
        if (code != SQLITE_OK) return failure("open");
        sqlite3_busy_timeout(raw, 1000);
        for (const char* sql : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"})
            if (auto done = run(sql); !done) return done;
        if (auto checked = check_version(); !checked) return checked;
        if (auto done = run("CREATE TABLE IF NOT EXISTS definitions("
                            "kind TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL,"
                            "PRIMARY KEY(kind, name)) WITHOUT ROWID");
            !done)
            return done;
        return prepare_all();
    }

    Result<void> commit(std::span<const DefinitionChange> changes) override {
        if (changes.empty()) return {};
        const std::lock_guard lock(mutex_);
        auto done = run("BEGIN IMMEDIATE");
        for (std::size_t n = 0; done && n < changes.size(); ++n)
            done = apply(changes[n]);
        if (done) done = run("COMMIT");
        if (!done && !sqlite3_get_autocommit(database_.get()))
            sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        return done;
    }

    Result<void> load(
        const std::function<void(std::string_view, std::string_view, std::string_view)>& visit) override {
        int code;
        while ((code = sqlite3_step(select_.get())) == SQLITE_ROW)
            visit(column(0), column(1), column(2));
        auto result = code == SQLITE_DONE ? Result<void>() : failure("load");
        sqlite3_reset(select_.get());
        return result;
    }

  private:
    Result<void> check_version() {
        Statement statement;
        if (auto made = prepare("PRAGMA user_version", statement); !made) return made;
        if (sqlite3_step(statement.get()) != SQLITE_ROW) return failure("read its version");
        const int version = sqlite3_column_int(statement.get(), 0);
        statement.reset();
        if (version > schema_version)
            return Error{Errc::unsupported, fmt::format("{} has version {}, this program knows up to {}",
                                                        path_, version, schema_version)};
        return version == 0 ? run("PRAGMA user_version=1") : Result<void>();
    }

    Result<void> prepare_all() {
        if (auto made = prepare("INSERT INTO definitions(kind, name, json) VALUES(?1, ?2, ?3) "
                                "ON CONFLICT(kind, name) DO UPDATE SET json = excluded.json",
                                put_);
            !made)
            return made;
        if (auto made = prepare("DELETE FROM definitions WHERE kind = ?1 AND name = ?2", remove_); !made)
            return made;
        return prepare("SELECT kind, name, json FROM definitions ORDER BY kind, name", select_);
    }

    Result<void> prepare(const char* sql, Statement& into) {
        sqlite3_stmt* raw = nullptr;
        const int code = sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr);
        into.reset(raw);
        return code == SQLITE_OK ? Result<void>() : failure("prepare");
    }

    Result<void> apply(const DefinitionChange& change) {
        sqlite3_stmt* statement = change.json ? put_.get() : remove_.get();
        bind(statement, 1, change.kind);
        bind(statement, 2, change.name);
        if (change.json) bind(statement, 3, *change.json);
        const int code = sqlite3_step(statement);
        auto result = code == SQLITE_DONE ? Result<void>() : failure("write");
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        return result;
    }

    static void bind(sqlite3_stmt* statement, int at, const std::string& text) {
        // SQLITE_STATIC: `text` outlives the step.
        sqlite3_bind_text64(statement, at, text.data(), text.size(), nullptr, SQLITE_UTF8);
    }

    std::string_view column(int at) {
        const auto* text = static_cast<const char*>(sqlite3_column_blob(select_.get(), at));
        return {text, static_cast<std::size_t>(sqlite3_column_bytes(select_.get(), at))};
    }

    Result<void> run(const char* sql) {
        return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK ? Result<void>()
                                                                                          : failure(sql);
    }

    Error failure(std::string_view what) const {
        const int code = sqlite3_errcode(database_.get());
        const Errc errc = code == SQLITE_FULL                               ? Errc::no_space
                          : code == SQLITE_BUSY || code == SQLITE_LOCKED    ? Errc::busy
                          : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Errc::damaged
                                                                            : Errc::io;
        return {errc, fmt::format("{}: cannot {}: {}", path_, what, sqlite3_errmsg(database_.get()))};
    }

    std::string path_;
    Database database_;
    Statement put_, remove_, select_;  // before the database goes
    std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Definitions>> open_sqlite_definitions(const std::string& path) {
    auto definitions = std::make_unique<SqliteDefinitions>(path);
    if (auto opened = definitions->open(); !opened) return opened.error();
    return Result<std::unique_ptr<Definitions>>(std::move(definitions));
}

}  // namespace posthorn::store
