#include "publish_form.h"

#include <vector>

#include "wire/amqp/encode.h"
#include "wire/amqp/properties.h"

namespace posthorn::cli {
namespace amqp = wire::amqp;

PublishForm::PublishForm(const Shape& shape) {
    amqp::Properties properties;
    properties.delivery_mode = static_cast<std::uint8_t>(shape.persistent ? 2 : 1);
    Buffer encoded;
    amqp::append_properties(encoded, properties);
    amqp::BasicPublish method;
    method.exchange = shape.exchange;
    method.routing_key = shape.key;
    const std::vector<std::byte> body(shape.body_size, kFiller);

    amqp::append_content_head(bytes_, shape.channel, method, encoded.view(), body.size());
    body_ = bytes_.size() + amqp::kFrameHead;
    bytes_.clear();
    amqp::append_content(bytes_, shape.channel, method, encoded.view(), body, shape.frame_max);
}

}  // namespace posthorn::cli
