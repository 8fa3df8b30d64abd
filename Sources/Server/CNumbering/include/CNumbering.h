// A C face over libphonenumber: one function, plain values, no exception crosses.
#ifndef CNUMBERING_H
#define CNUMBERING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    cnumbering_unknown = 0,
    cnumbering_geographic = 1,
    cnumbering_mobile = 2,
    cnumbering_toll_free = 3,
};

typedef struct {
    // The plan says that such a number exists.
    bool valid;
    // Its length at least fits the plan of its country.
    bool possible;
    // One of the constants above.
    int32_t kind;
    // Digits of the national number, without trunk prefix and country code.
    int32_t national_digits;
    // Ended by a zero each; empty where unknown.
    char e164[24];
    char national[64];
    char country[4];
} cnumbering_number;

// Reads `length` bytes of UTF-8 with the numbering plan of `country` (ISO 3166-1 alpha-2, upper case).
// False where they are no number. May be called from any thread; the first call loads the tables.
bool cnumbering_parse(const char *text, size_t length, const char *country, cnumbering_number *result);

#ifdef __cplusplus
}
#endif
#endif
