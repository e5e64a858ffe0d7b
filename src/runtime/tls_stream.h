#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "runtime/tls.h"

struct ssl_st;
struct bio_st;

namespace posthorn::runtime {

/// A record's plaintext at most.
inline constexpr std::size_t tls_record_size = std::size_t{16} << 10;

/// The server's half of one TLS session, between bytes and bytes: it knows no socket and never waits. What it
/// wants to say to the peer, and what is sealed, gathers in `sealed()`.
class TlsStream {
  public:
    enum class Step {
        more,    ///< all input is used; go on when there is more
        done,    ///< the handshake is over
        ended,   ///< the peer has said that it is done
        failed,  ///< against the protocol, or our rules: `why()`; perhaps an alert waits to be sent
    };

    explicit TlsStream(const TlsContext& context);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    /// What arrived. Is used up by the next `handshake` and `open`; must stay until then.
    void feed(Bytes ciphertext) { input_ = ciphertext; }
    Step handshake();
    bool ended() const { return ended_; }  ///< the peer has said that it is done
    /// The plaintext of what was fed; `room` is for as many bytes as were fed and `tls_record_size` more, for
    /// the piece of a record that came earlier. `size` is how much it is, also when the step is a bad one.
    Step open(std::byte* into, std::size_t room, std::size_t& size);
    /// At most one record's worth. False: failed.
    bool seal(Bytes plaintext);
    /// Tells the peer that nothing more comes.
    void end();

    Buffer& sealed() { return sealed_; }
    std::size_t sealed_sent = 0;  ///< of `sealed()`, taken by the socket
    std::size_t unsent() const { return sealed_.size() - sealed_sent; }

    const TlsSession& session() const { return session_; }
    const std::string& why() const { return why_; }

    std::int64_t began_ms = 0;

  private:
    static int read_input(bio_st* bio, char* into, int room);
    static int write_sealed(bio_st* bio, const char* from, int size);
    static long control(bio_st* bio, int command, long number, void* pointer);
    friend struct StreamBio;
    Step stopped(int result);
    void note_session();

    ssl_st* ssl_;
    Bytes input_;
    Buffer sealed_;
    TlsSession session_;
    std::string why_;
    bool ended_ = false;
    bool asks_peer_ = false;
};

}  // namespace posthorn::runtime
