#include "topic_trie.h"

#include <algorithm>

namespace posthorn::exchange {
namespace {

/// Cuts the first word off. An empty key has no word at all; "a." has two.
std::string_view take_word(std::string_view& rest, bool& ended) {
    const std::size_t dot = rest.find('.');
    const std::string_view word = rest.substr(0, dot);
    ended = dot == std::string_view::npos;
    rest = ended ? std::string_view() : rest.substr(dot + 1);
    return word;
}

}  // namespace

std::unique_ptr<TopicTrie::Node>& TopicTrie::child(Node& node, std::string_view word) const {
    if (word == "*") return node.star;
    if (word == "#") return node.hash;
    if (const auto at = node.words.find(word); at != node.words.end()) return at->second;
    return node.words.try_emplace(std::string(word)).first->second;
}

void TopicTrie::add(std::string_view pattern, BindingRecord& binding) {
    Node* node = &root_;
    for (bool ended = pattern.empty(); !ended;) {
        auto& next = child(*node, take_word(pattern, ended));
        if (!next) next = std::make_unique<Node>();
        node = next.get();
    }
    node->bindings.add(binding);
}

void TopicTrie::remove(std::string_view pattern, BindingRecord& binding) {
    remove(root_, pattern, pattern.empty(), binding);
}

/// True when the node is of no more use.
bool TopicTrie::remove(Node& node, std::string_view rest, bool ended, BindingRecord& binding) {
    if (ended) {
        node.bindings.remove(binding);
        return node.empty();
    }
    bool last = false;
    const std::string_view word = take_word(rest, last);
    auto& next = child(node, word);
    if (next && remove(*next, rest, last, binding)) next.reset();
    if (const auto at = node.words.find(word); at != node.words.end() && !at->second) node.words.erase(at);
    return node.empty();
}

void TopicTrie::match(std::string_view key, std::vector<BindingRecord*>& found) const {
    words_.clear();
    for (bool ended = key.empty(); !ended;)
        words_.push_back(take_word(key, ended));
    ++visits_;
    match(root_, 0, found);
}

void TopicTrie::match(const Node& node, std::size_t word, std::vector<BindingRecord*>& found) const {
    if (node.hash) match_any(*node.hash, word, found);
    if (word == words_.size()) {
        found.insert(found.end(), node.bindings.begin(), node.bindings.end());
        return;
    }
    if (node.star) match(*node.star, word + 1, found);
    if (const auto at = node.words.find(words_[word]); at != node.words.end())
        match(*at->second, word + 1, found);
}

/// Any number of words from `word` on belong to the `#`. Where an earlier visit of this match began further
/// on, only the words before that are new.
void TopicTrie::match_any(const Node& hash, std::size_t word, std::vector<BindingRecord*>& found) const {
    const bool seen = hash.visit == visits_;
    const std::size_t end = seen ? hash.from : words_.size() + 1;
    if (word >= end) return;
    hash.visit = visits_;
    hash.from = word;
    for (; word < end; ++word)
        match(hash, word, found);
}

}  // namespace posthorn::exchange
