#pragma once

#include <cstdint>
#include <vector>

#include "broker/catalog.h"
#include "http/router.h"
#include "runtime/loop.h"

namespace posthorn::management {

/// Answers about names (queues, users, policies, ...) that go out when what they say is durable, or as an
/// error when it could not be made so. Each holds an HTTP connection, so there are not many.
class HeldAnswers {
  public:
    HeldAnswers(runtime::Loop& loop, const broker::Catalog& catalog);

    /// At once if change `change` of the catalog is durable, as 0 is.
    void hold(std::uint64_t change, http::Response response, http::Reply reply);

  private:
    struct Held {
        std::uint64_t change;
        http::Response response;
        http::Reply reply;
    };
    void release();

    const broker::Catalog& catalog_;
    std::vector<Held> held_;
    runtime::TickHook hook_;
};

}  // namespace posthorn::management
