// SQLite: what its header states by macros with casts or by variadic functions.
#ifndef CSYSTEM_SQLITE_H
#define CSYSTEM_SQLITE_H
#include <sqlite3.h>

/// Turns off SQLite's memory statistics, which take a global lock at each allocation. To be called before anything else of SQLite.
static inline int csqlite_disable_memory_statistics(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/// Binds bytes that stay where they are until the statement is reset.
static inline int csqlite_bind_borrowed_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_STATIC);
}

/// Binds a copy of bytes.
static inline int csqlite_bind_copied_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Binds a copy of UTF-8.
static inline int csqlite_bind_copied_text(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}
#endif
