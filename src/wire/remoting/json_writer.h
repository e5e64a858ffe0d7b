#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "json_text.h"
#include "wire/remoting/message_queue.h"

namespace posthorn::wire::remoting {

/// Writes JSON forward, and the one thing RocketMQ bodies have that JSON has not: an object as a key. Keeps
/// the commas; that begin and end match is the caller's.
class JsonWriter {
  public:
    explicit JsonWriter(Buffer& out) : out_(out) {}

    void begin_object() { open("{"); }
    void end_object() { close("}"); }
    void begin_list() { open("["); }
    void end_list() { close("]"); }

    void key(std::string_view name);
    /// `{"brokerName":"b","queueId":0,"topic":"t"}:`
    void key(const MessageQueue& queue);

    void value(std::string_view text);
    void value(const char* text) { value(std::string_view(text)); }
    void value(bool truth) { plain(truth ? "true" : "false"); }
    void value(std::int32_t number) { value(std::int64_t{number}); }
    void value(std::int64_t number);
    void value(double number);
    void value(const MessageQueue& queue);

    template <class T>
    void member(std::string_view name, const T& what) {
        key(name);
        value(what);
    }
    /// A list of texts, numbers or queues.
    template <class List>
    void list(std::string_view name, const List& items) {
        key(name);
        begin_list();
        for (const auto& item : items)
            value(item);
        end_list();
    }

  private:
    void separate();
    void open(std::string_view bracket);
    void close(std::string_view bracket);
    void plain(std::string_view text);

    Buffer& out_;
    bool comma_ = false;
};

}  // namespace posthorn::wire::remoting
