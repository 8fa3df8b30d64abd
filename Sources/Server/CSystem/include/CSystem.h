// The system libraries, in shapes that Swift can import: one header a library, static inline shims only.
#ifndef CSYSTEM_H
#define CSYSTEM_H
#include "CLinux.h"
#include "CUDP.h"
#include "COpenSSL.h"
#include "CSQLite.h"
#include "CCurl.h"
#endif
