#include <fmt/format.h>

#include <array>

#include "desk.h"
#include "nouns.h"
#include "policies.h"
#include "runtime_parameters.h"
#include "users.h"
#include "vhosts.h"

namespace posthorn::management {
namespace {

using exchange::VirtualHost;
using http::Response;

/// One thing of a section. `vhost` is where it goes if it says nothing itself.
Result<VirtualHost*> host_for(Desk& desk, const Json& item, const std::string& vhost) {
    auto name = text_in(item, "vhost", vhost);
    if (!name) return name.error();
    if (VirtualHost* host = desk.hosts.find(*name)) return host;
    return Error{Errc::invalid, fmt::format("no_such_vhost: {}", *name)};
}

Result<void> import_user(Desk& desk, const Json& item, const std::string&) {
    const auto name = text_in(item, "name", "");
    return name ? put_user(desk.users, *name, item) : name.error();
}

Result<void> import_vhost(Desk& desk, const Json& item, const std::string&) {
    const auto name = text_in(item, "name", "");
    if (!name) return name.error();
    const auto metadata = item.find("metadata");
    return put_vhost(desk, *name, metadata != item.end() && metadata->is_object() ? *metadata : item, {});
}

Result<std::string> known_user(const Desk& desk, const Json& item) {
    auto user = text_in(item, "user", "");
    if (user && !desk.users.user(*user)) return Error{Errc::invalid, fmt::format("no_such_user: {}", *user)};
    return user;
}

Result<void> import_permission(Desk& desk, const Json& item, const std::string& vhost) {
    const auto user = known_user(desk, item);
    if (!user) return user.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_permission(desk.users, *user, (*host)->name(), item) : host.error();
}

Result<void> import_topic_permission(Desk& desk, const Json& item, const std::string& vhost) {
    const auto user = known_user(desk, item);
    if (!user) return user.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_topic_permission(desk.users, *user, (*host)->name(), item) : host.error();
}

Result<void> import_parameter(Desk& desk, const Json& item, const std::string& vhost) {
    if (auto all = require(item, {"component", "name", "value"}); !all) return all;
    const auto component = text_in(item, "component", ""), name = text_in(item, "name", "");
    if (!component) return component.error();
    if (!name) return name.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_parameter(desk, *component, **host, *name, item["value"]) : host.error();
}

Result<void> import_global(Desk& desk, const Json& item, const std::string&) {
    if (auto all = require(item, {"name", "value"}); !all) return all;
    const auto name = text_in(item, "name", "");
    if (!name) return name.error();
    return desk.parameters.put(Parameters::global, "", *name, item["value"]);
}

Result<void> import_policy(Desk& desk, const Json& item, const std::string& vhost) {
    const auto name = text_in(item, "name", "");
    if (!name) return name.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_policy(**host, *name, item, false) : host.error();
}

Result<void> import_queue(Desk& desk, const Json& item, const std::string& vhost) {
    const auto host = host_for(desk, item, vhost);
    if (!host) return host.error();
    exchange::QueueSpec spec;
    auto name = text_in(item, "name", "");
    auto durable = flag_in(item, "durable", true), auto_delete = flag_in(item, "auto_delete", false);
    auto arguments = arguments_in(item, "arguments");
    if (!name || name->empty()) return Error{Errc::invalid, "a queue needs a name"};
    if (!durable) return durable.error();
    if (!auto_delete) return auto_delete.error();
    if (!arguments) return arguments.error();
    if ((*host)->queue(*name)) return {};  // stays as it is, as in the original
    spec.name = *std::move(name), spec.durable = *durable, spec.auto_delete = *auto_delete;
    spec.arguments = *std::move(arguments);
    const auto declared = (*host)->declare_queue(spec);
    return declared ? Result<void>() : declared.error();
}

Result<void> import_exchange(Desk& desk, const Json& item, const std::string& vhost) {
    const auto host = host_for(desk, item, vhost);
    if (!host) return host.error();
    exchange::ExchangeSpec spec;
    auto name = text_in(item, "name", ""), type = text_in(item, "type", "direct");
    auto durable = flag_in(item, "durable", true), auto_delete = flag_in(item, "auto_delete", false),
         internal = flag_in(item, "internal", false);
    auto arguments = arguments_in(item, "arguments");
    if (!name || name->empty()) return Error{Errc::invalid, "an exchange needs a name"};
    if (!type) return type.error();
    for (const auto* flag : {&durable, &auto_delete, &internal})
        if (!flag->ok()) return flag->error();
    if (!arguments) return arguments.error();
    if ((*host)->exchange(*name)) return {};
    spec.name = *std::move(name), spec.type = *std::move(type), spec.arguments = *std::move(arguments);
    spec.durable = *durable, spec.auto_delete = *auto_delete, spec.internal = *internal;
    return (*host)->declare_exchange(spec);
}

Result<void> import_binding(Desk& desk, const Json& item, const std::string& vhost) {
    const auto host = host_for(desk, item, vhost);
    if (!host) return host.error();
    auto source = text_in(item, "source", ""), destination = text_in(item, "destination", ""),
         kind = text_in(item, "destination_type", "queue"), key = text_in(item, "routing_key", "");
    auto arguments = arguments_in(item, "arguments");
    for (const auto* text : {&source, &destination, &kind, &key})
        if (!text->ok()) return text->error();
    if (!arguments) return arguments.error();
    if (key->size() > 255) return Error{Errc::invalid, "a routing key has 255 bytes at most"};
    auto bound = (*host)->bind(
        {*source, *kind == "queue" ? exchange::DestinationKind::queue : exchange::DestinationKind::exchange,
         *destination, *key, *arguments},
        0);
    // The original says nothing when an end is missing; neither do we, so that its files go through.
    return bound || bound.error().code == Errc::not_found ? Result<void>() : bound;
}

using ImportOne = Result<void> (*)(Desk&, const Json&, const std::string& vhost);
struct Section {
    const char* name;
    ImportOne import;
    bool of_vhost;  ///< also in the definitions of one virtual host
};
/// In the order in which one needs the other.
constexpr std::array<Section, 10> sections{{{"users", &import_user, false},
                                            {"vhosts", &import_vhost, false},
                                            {"permissions", &import_permission, false},
                                            {"topic_permissions", &import_topic_permission, false},
                                            {"parameters", &import_parameter, true},
                                            {"global_parameters", &import_global, false},
                                            {"policies", &import_policy, true},
                                            {"queues", &import_queue, true},
                                            {"exchanges", &import_exchange, true},
                                            {"bindings", &import_binding, true}}};

/// Definitions on their way in: some per slice, until the first that cannot be taken. Those before it stay.
class Import {
  public:
    Import(Desk& desk, std::string text, std::string vhost, http::Reply reply)
        : desk_(desk), text_(std::move(text)), vhost_(std::move(vhost)), reply_(std::move(reply)) {}

    Jobs::Left step() {
        const broker::Catalog& catalog = desk_.broker.catalog();
        if (auto admitted = catalog.admit(); !admitted && admitted.error().code == Errc::full)
            return Jobs::Left::later;  // the disk catches up
        if (!parsing_) return parse();
        if (!parsing_->done) return Jobs::Left::later;
        if (!parsing_->body) return stop({Errc::invalid, "failed_to_parse_json"});
        for (int n = 0; n < per_slice; ++n) {
            if (section_ == sections.size()) {
                desk_.held_answers.hold(catalog.changes(), no_content(), reply_);
                return Jobs::Left::nothing;
            }
            const Section& section = sections[section_];
            const auto items = parsing_->body->find(section.name);
            if (items == parsing_->body->end() || !items->is_array() || item_ >= items->size() ||
                (!vhost_.empty() && !section.of_vhost)) {
                ++section_, item_ = 0;
                continue;
            }
            const Json item = std::move((*items)[item_++]);
            if (!item.is_object())
                return stop({Errc::invalid, fmt::format("{} has something that is no object", section.name)});
            if (auto imported = section.import(desk_, item, vhost_); !imported)
                return stop({imported.error().code == Errc::no_space ? Errc::no_space : Errc::invalid,
                             fmt::format("{}: {}", section.name, imported.error().message)});
        }
        return Jobs::Left::more;
    }

  private:
    static constexpr int per_slice = 64;
    /// Eight million bytes take a tenth of a second.
    struct Parsing {
        std::string text;
        Result<Json> body = Json();
        bool done = false;  ///< of the loop's thread
    };

    Jobs::Left parse() {
        auto parsing = std::make_shared<Parsing>();
        parsing->text = std::move(text_);
        const bool taken = desk_.worker.submit(
            [parsing] {
                parsing->body = parse_body(parsing->text);
                parsing->text = {};
            },
            [parsing] { parsing->done = true; });
        if (taken)
            parsing_ = std::move(parsing);
        else
            text_ = std::move(parsing->text);  // it has too much to do
        return Jobs::Left::later;
    }
    Jobs::Left stop(const Error& error) {
        reply_(failed(error));
        return Jobs::Left::nothing;
    }

    Desk& desk_;
    std::string text_;
    const std::string vhost_;
    const http::Reply reply_;
    std::shared_ptr<Parsing> parsing_;
    std::size_t section_ = 0, item_ = 0;
};

void import(Desk& desk, Call call, http::Reply reply) {
    std::string vhost(call.vhost());
    auto work =
        std::make_shared<Import>(desk, std::move(call.request.body), std::move(vhost), std::move(reply));
    desk.imports.add([work] { return work->step(); });
}

}  // namespace

void add_definitions_import(Routes& routes) {
    routes.post("/definitions", Needs::administrator, &import);
    routes.post("/definitions/{vhost}", Needs::administrator, &import);
}

}  // namespace posthorn::management
