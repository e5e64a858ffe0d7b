#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace posthorn {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::integral T>
constexpr T byteswap(T value) {
    using U = std::make_unsigned_t<T>;
    const auto u = static_cast<U>(value);
    if constexpr (sizeof(T) == 1)
        return value;
    else if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(u));
    else if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(u));
    else
        return static_cast<T>(__builtin_bswap64(u));
}

/// Unaligned loads and stores. `be` is network order (both wire protocols), `le` is the order of our files.
template <std::integral T>
T load_be(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? byteswap(value) : value;
}
template <std::integral T>
T load_le(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? value : byteswap(value);
}
template <std::integral T>
void store_be(std::byte* to, T value) {
    if constexpr (std::endian::native == std::endian::little) value = byteswap(value);
    std::memcpy(to, &value, sizeof value);
}
template <std::integral T>
void store_le(std::byte* to, T value) {
    if constexpr (std::endian::native != std::endian::little) value = byteswap(value);
    std::memcpy(to, &value, sizeof value);
}

/// Reads forward through bytes somebody else owns. Reading past the end never touches memory: it returns
/// zero or an empty span and makes `ok()` false for good, so a decoder checks once, at its end.
class ByteReader {
  public:
    explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

    bool ok() const { return ok_; }
    std::size_t position() const { return position_; }
    std::size_t remaining() const { return bytes_.size() - position_; }

    template <std::integral T>
    T be() {
        const std::byte* at = take(sizeof(T));
        return at ? load_be<T>(at) : T{};
    }
    template <std::integral T>
    T le() {
        const std::byte* at = take(sizeof(T));
        return at ? load_le<T>(at) : T{};
    }
    Bytes bytes(std::size_t size) {
        const std::byte* at = take(size);
        return at ? Bytes(at, size) : Bytes();
    }
    std::string_view text(std::size_t size) { return as_text(bytes(size)); }
    void skip(std::size_t size) { take(size); }

  private:
    const std::byte* take(std::size_t size) {
        if (!ok_ || size > remaining()) {
            ok_ = false;
            return nullptr;
        }
        const std::byte* at = bytes_.data() + position_;
        position_ += size;
        return at;
    }

    Bytes bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

/// A growing run of bytes: the output side of every codec and of every socket. Growth doubles, so a buffer
/// that is reused stops allocating. `clear()` keeps the memory.
class Buffer {
  public:
    Buffer() = default;

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::byte* data() { return storage_.data(); }
    const std::byte* data() const { return storage_.data(); }
    Bytes view() const { return {storage_.data(), size_}; }
    void clear() { size_ = 0; }
    void resize(std::size_t size) {
        if (size > storage_.size()) grow(size);
        size_ = size;
    }
    std::size_t capacity() const { return storage_.size(); }
    /// Gives memory back; for buffers that once held a giant.
    void release() { storage_ = {}, size_ = 0; }

    /// Room for `size` more bytes at the end, uninitialised, counted as written.
    std::byte* extend(std::size_t size) {
        const std::size_t at = size_;
        resize(size_ + size);
        return storage_.data() + at;
    }
    void append(Bytes bytes) {
        if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
    }
    void append(std::string_view text) { append(as_bytes(text)); }
    template <std::integral T>
    void be(T value) {
        store_be(extend(sizeof(T)), value);
    }
    template <std::integral T>
    void le(T value) {
        store_le(extend(sizeof(T)), value);
    }

    /// Overwrites bytes written earlier: lengths that are known only at the end.
    template <std::integral T>
    void patch_be(std::size_t at, T value) {
        store_be(storage_.data() + at, value);
    }
    template <std::integral T>
    void patch_le(std::size_t at, T value) {
        store_le(storage_.data() + at, value);
    }

  private:
    /// Plain memory: a vector would zero what is about to be overwritten.
    class Raw {
      public:
        Raw() = default;
        Raw(Raw&& other) noexcept : data_(other.data_), size_(other.size_) {
            other.data_ = nullptr, other.size_ = 0;
        }
        Raw& operator=(Raw&& other) noexcept {
            std::swap(data_, other.data_);
            std::swap(size_, other.size_);
            return *this;
        }
        ~Raw() { ::operator delete(data_); }
        std::byte* data() const { return data_; }
        std::size_t size() const { return size_; }
        void reallocate(std::size_t size, std::size_t keep) {
            auto* fresh = static_cast<std::byte*>(::operator new(size));
            if (keep) std::memcpy(fresh, data_, keep);
            ::operator delete(data_);
            data_ = fresh, size_ = size;
        }

      private:
        std::byte* data_ = nullptr;
        std::size_t size_ = 0;
    };

    void grow(std::size_t size) {
        std::size_t next = storage_.size() < 256 ? 256 : storage_.size() * 2;
        while (next < size)
            next *= 2;
        storage_.reallocate(next, size_);
    }

    Raw storage_;
    std::size_t size_ = 0;
};

}  // namespace posthorn
