#include "topic_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <set>

#include "binding_record.h"
#include "env/random.h"

namespace posthorn::exchange {
namespace {

/// What the words mean, said as plainly as possible.
bool matches(const std::vector<std::string>& pattern, std::size_t p, const std::vector<std::string>& key,
             std::size_t k) {
    if (p == pattern.size()) return k == key.size();
    if (pattern[p] == "#") {
        for (std::size_t skip = k; skip <= key.size(); ++skip)
            if (matches(pattern, p + 1, key, skip)) return true;
        return false;
    }
    if (k == key.size()) return false;
    return (pattern[p] == "*" || pattern[p] == key[k]) && matches(pattern, p + 1, key, k + 1);
}

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> found;
    if (text.empty()) return found;
    std::size_t at = 0;
    for (;;) {
        const std::size_t dot = text.find('.', at);
        found.push_back(text.substr(at, dot - at));
        if (dot == std::string::npos) return found;
        at = dot + 1;
    }
}

std::set<std::string> match(const TopicTrie& trie, const std::string& key) {
    std::vector<BindingRecord*> found;
    trie.match(key, found);
    std::set<std::string> identities;
    for (const BindingRecord* one : found)
        EXPECT_TRUE(identities.insert(one->identity).second) << one->identity << " twice for " << key;
    return identities;
}

bool matches(const std::string& pattern, const std::string& key) {
    TopicTrie trie;
    BindingRecord record;
    record.identity = pattern;
    trie.add(pattern, record);
    return !match(trie, key).empty();
}

TEST(TopicTrie, AStarIsOneWordAndAHashAnyNumber) {
    EXPECT_TRUE(matches("a.b", "a.b"));
    EXPECT_FALSE(matches("a.b", "a.b.c"));
    EXPECT_TRUE(matches("a.*", "a.b"));
    EXPECT_FALSE(matches("a.*", "a"));
    EXPECT_FALSE(matches("*", "a.b"));
    EXPECT_TRUE(matches("#", "a.b.c"));
    EXPECT_TRUE(matches("a.#", "a"));
    EXPECT_TRUE(matches("a.#.c", "a.c"));
    EXPECT_TRUE(matches("a.#.c", "a.b.b.c"));
    EXPECT_TRUE(matches("#.*", "a"));
    EXPECT_FALSE(matches("#.*.#", ""));
    EXPECT_TRUE(matches("*.stock.#", "usd.stock.db"));
}

TEST(TopicTrie, EmptyKeysAndEmptyWordsAreWhatRabbitMqMakesOfThem) {
    EXPECT_TRUE(matches("#", ""));
    EXPECT_TRUE(matches("", ""));
    EXPECT_FALSE(matches("*", ""));
    EXPECT_TRUE(matches("*.*", "a."));
    EXPECT_TRUE(matches("a..b", "a..b"));
    EXPECT_TRUE(matches("a.*.b", "a..b"));
}

TEST(TopicTrie, FindsWhatThePlainMeaningFinds) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        env::Random random(seed);
        const auto text = [&](std::initializer_list<const char*> alphabet) {
            std::string made;
            const std::uint64_t count = random.below(6);
            for (std::uint64_t n = 0; n < count; ++n) {
                if (n > 0) made += '.';
                made += alphabet.begin()[random.below(alphabet.size())];
            }
            return made;
        };
        TopicTrie trie;
        std::deque<BindingRecord> records;
        std::map<std::string, BindingRecord*> there;
        for (int step = 0; step < 200; ++step) {
            const std::string pattern = text({"a", "b", "*", "#", "#", ""});
            if (const auto at = there.find(pattern); at != there.end()) {
                trie.remove(pattern, *at->second);
                there.erase(at);
            } else {
                records.emplace_back().identity = pattern;
                trie.add(pattern, records.back());
                there.emplace(pattern, &records.back());
            }
            const std::string key = text({"a", "b", "c", ""});
            std::set<std::string> expected;
            for (const auto& [one, record] : there)
                if (matches(words(one), 0, words(key), 0)) expected.insert(one);
            ASSERT_EQ(match(trie, key), expected) << "seed " << seed << " key '" << key << "'";
        }
        for (const auto& [pattern, record] : there)
            trie.remove(pattern, *record);
        EXPECT_TRUE(trie.empty());
    }
}

TEST(TopicTrie, ManyHashesCostNoMoreThanTheWordsTimesTheNodes) {
    std::string pattern = "#", key = "a";
    for (int n = 0; n < 60; ++n) {
        pattern += ".a.#";
        key += ".a";
    }
    for (int n = 0; n < 60; ++n)
        key += ".b.a";
    pattern += ".nothing";
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(matches(pattern, key));
    // Without memory of visits this takes longer than the sun will shine.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace posthorn::exchange
