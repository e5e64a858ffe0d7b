#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/users.h"
#include "names.h"

namespace posthorn::gateway::amqp {

/// What one user may do in one virtual host, with the last few answers kept: most connections ask the same
/// again and again.
class Access {
  public:
    explicit Access(const auth::Users& users) : users_(users) {}
    void enter(std::string_view user, std::string_view virtual_host);

    const std::string& user() const { return user_; }
    const std::string& virtual_host() const { return virtual_host_; }

    /// 403 unless the user has this right on the exchange or queue of this name.
    Refusal on_exchange(auth::Right right, std::string_view name) { return on("exchange", right, name); }
    Refusal on_queue(auth::Right right, std::string_view name) { return on("queue", right, name); }
    /// 403 unless the routing key is allowed on this topic exchange.
    Refusal on_topic(auth::Right right, std::string_view exchange, std::string_view key) const;

    /// Changes whenever an answer may.
    std::uint64_t version() const { return users_.version(); }

  private:
    struct Answer {
        auth::Right right{};
        bool allowed = false;
        std::string name;
    };
    Refusal on(std::string_view kind, auth::Right right, std::string_view name);
    bool may(auth::Right right, std::string_view name);

    const auth::Users& users_;
    std::string user_, virtual_host_;
    std::array<Answer, 12> answers_;
    std::size_t known_ = 0, oldest_ = 0;
    std::uint64_t answers_version_ = 0;
};

}  // namespace posthorn::gateway::amqp
