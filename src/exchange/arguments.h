#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exchange/exchange.h"
#include "exchange/policy.h"
#include "exchange/queue.h"

namespace posthorn::exchange {

/// Arguments as RabbitMQ 3.10.8 judges them, in its words. `whose` is what `describe` says of the queue or
/// exchange.

/// Types and values of the arguments of a queue that is to be made, and what its type forbids.
Result<void> check_queue_arguments(const QueueSpec& spec, const std::string& whose);
/// Whether what is there is what was asked for now. Exclusiveness is checked elsewhere.
Result<void> same_queue(const QueueSpec& there, const QueueSpec& wanted, const std::string& whose);
Result<void> same_exchange(const ExchangeSpec& there, const ExchangeSpec& wanted, const std::string& whose);
/// The arguments of a consumer.
Result<void> check_consumer_arguments(const model::Arguments& arguments, bool quorum,
                                      const std::string& whose);

bool is_quorum(const model::Arguments& arguments);
/// What the arguments mean together with the definitions of the policies in force (null: none).
QueueSettings queue_settings(const model::Arguments& arguments, const model::Arguments* policy,
                             const model::Arguments* operator_policy);
/// The text of an argument or, without it, of the same setting in the policies.
std::optional<std::string> text_setting(const model::Arguments& arguments, std::string_view argument,
                                        const model::Arguments* policy,
                                        const model::Arguments* operator_policy, std::string_view setting);

}  // namespace posthorn::exchange
