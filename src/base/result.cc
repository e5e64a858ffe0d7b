#include "base/result.h"

namespace posthorn {

const char* name(Errc code) {
    switch (code) {
        case Errc::invalid:
            return "invalid";
        case Errc::not_found:
            return "not found";
        case Errc::exists:
            return "exists";
        case Errc::denied:
            return "denied";
        case Errc::full:
            return "full";
        case Errc::no_space:
            return "no space";
        case Errc::read_only:
            return "read only";
        case Errc::io:
            return "i/o";
        case Errc::damaged:
            return "damaged";
        case Errc::unsupported:
            return "unsupported";
        case Errc::busy:
            return "busy";
        case Errc::loading:
            return "loading";
    }
    return "?";
}

}  // namespace posthorn
