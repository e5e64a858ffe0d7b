#pragma once

#include "auth/keep.h"
#include "broker/catalog.h"

namespace posthorn::server {

/// Users and permissions, kept among the engine's settings: durable soon after the tick that
/// changed them.
class CatalogKeep final : public auth::Keep {
  public:
    explicit CatalogKeep(broker::Catalog& catalog) : catalog_(catalog) {}

    Result<void> admit() const override { return catalog_.admit(); }
    void put(std::string_view space, std::string_view key, std::string_view text) override {
        catalog_.set(space, key, text);
    }
    void remove(std::string_view space, std::string_view key) override { catalog_.unset(space, key); }
    void each(std::string_view space,
              const std::function<void(std::string_view key, std::string_view text)>& visit) const override {
        catalog_.each_setting(
            space, [&visit](const std::string& key, const std::string& value) { visit(key, value); });
    }

  private:
    broker::Catalog& catalog_;
};

}  // namespace posthorn::server
