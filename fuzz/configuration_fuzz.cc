// Configuration files: Posthorn's YAML, RocketMQ's broker.conf and namesrv.conf, and the value of a single
// setting; the first byte says which. What is taken shows the same when it is written and read again.

#include <string>

#include "fuzz.h"
#include "load.h"
#include "rocketmq_conf.h"
#include "settings.h"

using namespace posthorn;
using namespace posthorn::server;

namespace {

void check_shown(const Config& config) {
    Config again;
    for (const Setting& setting : settings()) {
        const std::string shown = setting.show(config);
        const auto set = set_value(again, setting.key, shown);
        POSTHORN_CHECK(set.ok(), setting.key);
        // A share is shown rounded, everything else as it is.
        POSTHORN_CHECK(setting.show(again) == shown, setting.key);
    }
}

/// The setting by the first byte, its value behind.
Result<void> one_value(Config& config, std::string_view text) {
    if (text.empty()) return {};
    const auto& all = settings();
    const Setting& setting = all[static_cast<unsigned char>(text[0]) % all.size()];
    return set_value(config, setting.key, text.substr(1));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string content(as_text(input(data + 1, size - 1)));
    Config config;
    Notes notes;
    Result<void> done;
    (void)is_rocketmq_conf("file", content);
    switch (data[0] % 4) {
        case 0:
            done = apply_yaml(config, "posthorn.yaml", content, notes);
            break;
        case 1:
            done = apply_rocketmq_conf(config, "broker.conf", content, notes);
            break;
        case 2:
            done = apply_rocketmq_conf(config, "namesrv.conf", content, notes);
            break;
        case 3:
            done = one_value(config, content);
            break;
    }
    for (const Note& note : notes)
        touch(note.text);
    if (!done) {
        touch(done.error().message);
        return 0;
    }
    check_shown(config);
    (void)complete(config);
    return 0;
}
