#pragma once

#include "routes.h"

namespace posthorn::management {

// Each noun puts its endpoints into the table.
void add_overview(Routes& routes);
void add_health(Routes& routes);
void add_vhosts(Routes& routes);
void add_exchanges(Routes& routes);
void add_queues(Routes& routes);
void add_bindings(Routes& routes);
void add_messages(Routes& routes);
void add_users(Routes& routes);
void add_permissions(Routes& routes);
void add_policies(Routes& routes);
void add_parameters(Routes& routes);
void add_host_limits(Routes& routes);
void add_user_limits(Routes& routes);
void add_alarm_limits(Routes& routes);
void add_connections(Routes& routes);
void add_definitions_export(Routes& routes);
void add_definitions_import(Routes& routes);

}  // namespace posthorn::management
