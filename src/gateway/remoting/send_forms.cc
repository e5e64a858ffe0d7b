#include "send_forms.h"

#include <algorithm>

namespace posthorn::gateway::remoting {

namespace {

constexpr std::uint32_t kPatience = 8;     // misses one after the other, each looked at
constexpr std::uint32_t kOneOfThese = 64;  // of later ones

/// To the front; the last falls off, or the place it had closes.
void move_to_front(SendForms::Recent& recent, std::uint8_t form) {
    auto& forms = recent.forms;
    const auto place = std::min(std::find(forms.begin(), forms.end(), form), forms.end() - 1);
    std::move_backward(forms.begin(), place, place + 1);
    forms.front() = form;
}

}  // namespace

const wire::SendForm* SendForms::recognise(Recent& recent, const wire::Frame& frame) {
    if (frame.encoding != wire::Encoding::json) return nullptr;
    for (const std::uint8_t index : recent.forms) {
        if (index == Recent::kNone) break;
        if (!forms_[index]->read(frame.header, scratch_)) continue;
        recent.misses = 0;
        if (index != recent.forms.front()) move_to_front(recent, index);
        return forms_[index].get();
    }
    return nullptr;
}

void SendForms::learn(Recent& recent, const wire::Frame& frame) {
    if (frame.encoding != wire::Encoding::json) return;
    if (++recent.misses > kPatience && recent.misses % kOneOfThese != 0) return;
    const auto known = std::find_if(forms_.begin(), forms_.end(), [&](const auto& form) {
        return form && form->read(frame.header, scratch_);
    });
    if (known != forms_.end())
        return move_to_front(recent, static_cast<std::uint8_t>(known - forms_.begin()));
    auto form = wire::SendForm::of(frame.encoding, frame.header);
    if (!form) return;
    forms_[next_] = std::move(form);
    move_to_front(recent, static_cast<std::uint8_t>(next_));
    next_ = (next_ + 1) % kForms;
}

}  // namespace posthorn::gateway::remoting
