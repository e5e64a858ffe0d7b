#pragma once

#include "auth/users.h"
#include "json.h"

namespace posthorn::management {

Json user_row(const auth::User& user);
/// Makes or changes a user as a body or a definition says: tags, password or password_hash, limits.
Result<void> put_user(auth::Users& users, std::string_view name, const Json& body);

Json permission_row(const std::string& user, const std::string& vhost, const auth::Permission& may);
Json topic_permission_row(const std::string& user, const std::string& vhost,
                          const auth::TopicPermission& may);
/// Of a user in a virtual host that are both there.
Result<void> put_permission(auth::Users& users, std::string_view user, std::string_view vhost,
                            const Json& body);
Result<void> put_topic_permission(auth::Users& users, std::string_view user, std::string_view vhost,
                                  const Json& body);

}  // namespace posthorn::management
