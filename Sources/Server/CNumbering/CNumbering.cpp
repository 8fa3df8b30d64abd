#include "CNumbering.h"

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include <cstring>
#include <string>

namespace {

using i18n::phonenumbers::NullLogger;
using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// Built on first need: the tables take megabytes. Its const functions may be called from several threads
// (its cache of expressions has a lock of its own). Without another logger it would write to standard output.
const PhoneNumberUtil &plans() {
    static const PhoneNumberUtil *const instance = [] {
        PhoneNumberUtil *built = PhoneNumberUtil::GetInstance();
        built->SetLogger(new NullLogger()); // taken over by the library
        return built;
    }();
    return *instance;
}

int32_t kindOf(PhoneNumberUtil::PhoneNumberType type) {
    switch (type) {
    case PhoneNumberUtil::FIXED_LINE:
    case PhoneNumberUtil::FIXED_LINE_OR_MOBILE:
        return cnumbering_geographic;
    case PhoneNumberUtil::MOBILE:
        return cnumbering_mobile;
    case PhoneNumberUtil::TOLL_FREE:
        return cnumbering_toll_free;
    default:
        return cnumbering_unknown;
    }
}

// Leaves the field empty where the text does not fit: half a number is worse than none.
template <size_t size> void put(const std::string &text, char (&field)[size]) {
    if (text.size() < size) std::memcpy(field, text.data(), text.size());
}

bool parse(const std::string &text, const std::string &country, cnumbering_number &result) {
    const PhoneNumberUtil &plan = plans();
    PhoneNumber number;
    if (plan.Parse(text, country, &number) != PhoneNumberUtil::NO_PARSING_ERROR) return false;
    std::string written;
    plan.Format(number, PhoneNumberUtil::E164, &written);
    put(written, result.e164);
    plan.Format(number, PhoneNumberUtil::NATIONAL, &written);
    put(written, result.national);
    plan.GetRegionCodeForNumber(number, &written);
    if (written.size() != 2) plan.GetRegionCodeForCountryCode(number.country_code(), &written);
    if (written.size() == 2 && written != "ZZ") put(written, result.country);
    plan.GetNationalSignificantNumber(number, &written);
    result.national_digits = static_cast<int32_t>(written.size());
    result.valid = plan.IsValidNumber(number);
    result.possible = plan.IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE;
    result.kind = kindOf(plan.GetNumberType(number));
    return true;
}

} // namespace

bool cnumbering_parse(const char *text, size_t length, const char *country, cnumbering_number *result) {
    std::memset(result, 0, sizeof *result);
    try {
        return parse(std::string(text, length), country, *result);
    } catch (...) {
        std::memset(result, 0, sizeof *result);
        return false;
    }
}
