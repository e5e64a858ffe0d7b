#include <fmt/core.h>
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <ctime>
#include <string>
#include <string_view>

#include "runtime/tls.h"

namespace posthorn::runtime {

namespace {

/// rabbit_cert_info's names of attributes; all others go by their number.
std::string attribute_name(const ASN1_OBJECT* object) {
    switch (OBJ_obj2nid(object)) {
        case NID_surname:
            return "SN";
        case NID_givenName:
            return "GIVENNAME";
        case NID_initials:
            return "INITIALS";
        case NID_generationQualifier:
            return "GENERATIONQUALIFIER";
        case NID_commonName:
            return "CN";
        case NID_localityName:
            return "L";
        case NID_stateOrProvinceName:
            return "ST";
        case NID_organizationName:
            return "O";
        case NID_organizationalUnitName:
            return "OU";
        case NID_title:
            return "TITLE";
        case NID_countryName:
            return "C";
        case NID_serialNumber:
            return "SERIALNUMBER";
        case NID_pseudonym:
            return "PSEUDONYM";
        case NID_domainComponent:
            return "DC";
        case NID_pkcs9_emailAddress:
            return "EMAILADDRESS";
        case NID_streetAddress:
            return "STREET";
        case NID_userId:
            return "UID";
        default:
            break;
    }
    char number[128];
    const int size = OBJ_obj2txt(number, sizeof number, object, 1);
    return size > 0 ? std::string(number) : "?";
}

std::string utf8(const ASN1_STRING* value) {
    unsigned char* bytes = nullptr;
    const int size = ASN1_STRING_to_UTF8(&bytes, value);
    if (size < 0) return {};
    std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return text;
}

/// RFC 4514, and whatever is not printable ASCII, as rabbit_cert_info does it.
std::string escaped(std::string_view value) {
    constexpr std::string_view special = "\"+,;<>\\";
    std::string text;
    for (std::size_t at = 0; at < value.size(); ++at) {
        const char c = value[at];
        const auto byte = static_cast<unsigned char>(c);
        const bool first = at == 0, last = at + 1 == value.size();
        if (((first || last) && c == ' ') || (first && c == '#') || special.find(c) != std::string_view::npos)
            text += fmt::format("\\{}", c);
        else if (byte < 32 || byte >= 126)
            text += fmt::format("\\{:02X}", byte);
        else
            text += c;
    }
    return text;
}

/// The most particular part first. Parts of one set are joined by "+".
std::string name_text(const X509_NAME* name) {
    std::string text;
    int set = -1;
    std::string part;
    for (int at = 0; at < X509_NAME_entry_count(name); ++at) {
        const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(name, at);
        const std::string one = attribute_name(X509_NAME_ENTRY_get_object(entry)) + "=" +
                                escaped(utf8(X509_NAME_ENTRY_get_data(entry)));
        if (at > 0 && X509_NAME_ENTRY_set(entry) == set) {
            part += "+" + one;
            continue;
        }
        if (at > 0) text = text.empty() ? part : part + "," + text;
        set = X509_NAME_ENTRY_set(entry);
        part = one;
    }
    return text.empty() ? part : part + "," + text;
}

std::string common_names(const X509_NAME* name) {
    std::string text;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) {
        const std::string one = utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        text += text.empty() ? one : "," + one;
    }
    return text;
}

std::int64_t unix_time(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return ::timegm(&parts);
}

}  // namespace

Certificate Certificate::of(x509_st& certificate) {
    const X509_NAME* const subject = X509_get_subject_name(&certificate);
    return {.subject = name_text(subject),
            .issuer = name_text(X509_get_issuer_name(&certificate)),
            .common_name = common_names(subject),
            .not_before_s = unix_time(X509_get0_notBefore(&certificate)),
            .not_after_s = unix_time(X509_get0_notAfter(&certificate))};
}

}  // namespace posthorn::runtime
