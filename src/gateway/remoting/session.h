#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/catalog.h"
#include "names.h"
#include "send_forms.h"
#include "wire/remoting/frame.h"
#include "wire/remoting/header.h"
#include "wire/remoting/host.h"

namespace posthorn {
class LogLimit;
}

namespace posthorn::gateway::remoting {

struct CodeStats;
struct Gateway;
struct HeldPull;

/// The far end of a session as the session sees it: a TCP connection, or a test that drives it with bytes.
class Channel {
  public:
    virtual ~Channel() = default;
    /// What is appended goes to the client at the tick's end. Good until the current callback returns.
    virtual Buffer& out() = 0;
    /// The client does not read what it was sent; ask it for nothing more.
    virtual bool congested() const = 0;
    /// Closes now; the session's destructor follows, never from inside.
    virtual void close(std::string_view why) = 0;
};

/// Names a session without keeping it alive: replies that wait hold one.
struct SessionHandle {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;  ///< 0 is no session
    bool operator==(const SessionHandle&) const = default;
};

/// A name looked up last time is usually the one looked up next. Good until the catalog changes.
template <class Thing>
struct LastFound {
    std::string name;
    const Thing* thing = nullptr;
    std::uint64_t version = ~std::uint64_t{0};

    bool has(std::string_view wanted, std::uint64_t now) const { return version == now && name == wanted; }
    void set(std::string_view wanted, const Thing* found, std::uint64_t now) {
        name.assign(wanted), thing = found, version = now;
    }
};

/// One connection: frames in, replies out. Owned by whoever owns the connection; everything that answers
/// later (a send waiting for the disk, a pull waiting for a message, a tool waiting for a client) finds it
/// through its handle or is taken down by its destructor.
class Session {
  public:
    Session(Gateway& gateway, Channel& channel, const wire::Host& peer, const wire::Host& local);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Takes what whole frames are in `data`; returns the bytes taken. Stops early when the client is
    /// congested: the caller offers the rest again later.
    std::size_t on_data(Bytes data);

    SessionHandle handle() const { return handle_; }
    Buffer& out() { return channel_.out(); }
    bool congested() const { return channel_.congested(); }
    void close(std::string_view why);

    const wire::Host& peer() const { return peer_; }
    const std::string& peer_text() const { return peer_text_; }
    /// The host clients are told to find this broker at, and its port for the remoting protocol.
    const wire::Host& advertised() const { return advertised_; }
    /// How this client frames its own requests: pushes to it go the same way.
    wire::Encoding encoding() const { return encoding_; }
    std::int64_t last_arrival_ns() const { return arrival_ns_; }

    const model::Topic* topic(std::string_view name);
    const model::Group* group(std::string_view name);

    // Held pulls of this session, a list through the pulls themselves (see pull.cc).
    HeldPull* first_held = nullptr;
    std::size_t held = 0;

  private:
    bool take(const wire::Frame& frame);
    /// Closes a connection whose bytes make no sense. A stranger must not fill the log with them.
    void refuse(LogLimit& lines, std::string_view why);

    Gateway& gateway_;
    Channel& channel_;
    SessionHandle handle_;
    wire::Host peer_;
    std::string peer_text_;
    wire::Host advertised_;
    wire::Encoding encoding_ = wire::Encoding::json;
    std::int64_t arrival_ns_ = 0;
    SendForms::Recent send_forms_;
    LastFound<model::Topic> topic_;
    LastFound<model::Group> group_;
    bool closed_ = false;
};

/// All sessions by handle.
class SessionTable {
  public:
    SessionHandle add(Session& session);
    void remove(SessionHandle handle);
    Session* find(SessionHandle handle) const {
        if (handle.slot >= slots_.size()) return nullptr;
        const Slot& slot = slots_[handle.slot];
        return slot.generation == handle.generation ? slot.session : nullptr;
    }
    std::size_t size() const { return size_; }

  private:
    struct Slot {
        Session* session = nullptr;
        std::uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace posthorn::gateway::remoting
