#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "binding_record.h"
#include "names.h"

namespace posthorn::exchange {

/// Binding keys of words between dots: `*` stands for one word, `#` for any number, none included. Matching
/// visits each node at most once per word of the key, however many `#` there are.
class TopicTrie {
  public:
    void add(std::string_view pattern, BindingRecord& binding);
    void remove(std::string_view pattern, BindingRecord& binding);
    void match(std::string_view key, std::vector<BindingRecord*>& found) const;
    bool empty() const { return root_.empty(); }

  private:
    struct Node {
        NameMap<std::unique_ptr<Node>> words;
        std::unique_ptr<Node> star, hash;
        BindingsOfSource bindings;
        /// Of a `#`: the match that last came here, and from which word on.
        mutable std::uint64_t visit = 0;
        mutable std::size_t from = 0;
        bool empty() const { return words.empty() && !star && !hash && bindings.empty(); }
    };

    std::unique_ptr<Node>& child(Node& node, std::string_view word) const;
    bool remove(Node& node, std::string_view rest, bool ended, BindingRecord& binding);
    void match(const Node& node, std::size_t word, std::vector<BindingRecord*>& found) const;
    void match_any(const Node& hash, std::size_t word, std::vector<BindingRecord*>& found) const;

    Node root_;
    mutable std::vector<std::string_view> words_;  ///< of the key being matched
    mutable std::uint64_t visits_ = 0;
};

}  // namespace posthorn::exchange
