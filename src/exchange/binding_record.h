#pragma once

#include <string>

#include "exchange/virtual_host.h"

namespace posthorn::exchange {

class ExchangeState;
class QueueState;

/// A binding between two that exist; owned by its virtual host, and gone before either end.
struct BindingRecord {
    Binding binding;
    ExchangeState* source = nullptr;
    QueueState* queue = nullptr;        ///< the destination, or
    ExchangeState* exchange = nullptr;  ///< the destination
    bool durable = false;               ///< both ends are
    std::string identity;               ///< what makes it the same binding; its name in the definitions
};

}  // namespace posthorn::exchange
