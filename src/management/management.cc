#include "management/management.h"

#include <chrono>

#include "console.h"
#include "desk.h"
#include "nouns.h"
#include "object_metrics.h"
#include "overview.h"
#include "routes.h"
#include "rows.h"

namespace posthorn::management {

class Management::Impl {
  public:
    Impl(const Foundation& foundation, ManagementOptions options)
        : desk_(foundation, std::move(options)), routes_(desk_) {
        add_overview(routes_);
        add_health(routes_);
        add_vhosts(routes_);
        add_exchanges(routes_);
        add_queues(routes_);
        add_bindings(routes_);
        add_messages(routes_);
        add_users(routes_);
        add_permissions(routes_);
        add_policies(routes_);
        add_parameters(routes_);
        add_host_limits(routes_);
        add_user_limits(routes_);
        add_alarm_limits(routes_);
        add_connections(routes_);
        add_definitions_export(routes_);
        add_definitions_import(routes_);
        note();
    }

    void route(http::Request request, const http::Reply& reply) const {
        routes_.route(std::move(request), reply);
    }

    void add_metrics(http::Router& router) { add_object_metrics(router, desk_); }

  private:
    void note() {
        note_overview(desk_);
        desk_.census.take();
        note_rates_of_sessions(desk_);
        timer_ = desk_.loop.after(std::chrono::milliseconds(Rates::interval_ms), [this] { note(); });
    }

    Desk desk_;
    Routes routes_;
    runtime::Timer timer_;
};

Management::Management(Foundation foundation, ManagementOptions options)
    : impl_(std::make_unique<Impl>(foundation, std::move(options))) {}
Management::~Management() = default;

void Management::add_to(http::Router& router) {
    add_console(router);
    impl_->add_metrics(router);
    router.mount("/api", [this](http::Request request, http::Reply reply) {
        impl_->route(std::move(request), reply);
    });
}

}  // namespace posthorn::management
