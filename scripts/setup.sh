#!/usr/bin/env bash
# Makes this machine ready to build: installs the Debian packages that are missing and checks Swift's version.
# Does nothing, and fast, where all is there. May be run again at any time.
set -euo pipefail

needed_swift=6.2
debian_packages=(
    ca-certificates g++ git libcurl4-openssl-dev libphonenumber-dev libsqlite3-dev libssl-dev make tzdata
)

say() { printf '%s\n' "$*" >&2; }
die() {
    say "set-up: $1"
    shift
    for line in "$@"; do say "  $line"; done
    exit 1
}

missing_packages() {
    local package
    for package in "${debian_packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
    done
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "these packages are missing and there is no sudo; as root, run:" "apt-get install ${missing[*]}"
    fi
}

install_debian_packages() {
    mapfile -t missing < <(missing_packages)
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "set-up: installing ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Elsewhere the headers tell; the names of packages are for the reader.
check_headers() {
    local header
    for header in openssl/ssl.h sqlite3.h curl/curl.h phonenumbers/phonenumberutil.h; do
        find /usr/include /usr/local/include /opt/homebrew/include -path "*/$header" -print -quit 2>/dev/null | grep -q . || die \
            "$header is missing, and this is no Debian to install it on. The packages are called:" \
            "Fedora, RHEL:  openssl-devel sqlite-devel libcurl-devel libphonenumber-devel gcc-c++ make git tzdata" \
            "Arch:          openssl sqlite curl libphonenumber gcc make git tzdata" \
            "openSUSE:      libopenssl-devel sqlite3-devel libcurl-devel libphonenumber-devel gcc-c++ make git timezone" \
            "Install them and run this again."
    done
}

check_swift() {
    local swift=${SWIFT:-swift} directory version
    if ! command -v "$swift" >/dev/null; then
        for directory in /opt/swift/usr/bin /usr/local/swift/usr/bin "$HOME/.local/share/swiftly/bin" "$HOME/.swiftly/bin"; do
            [[ ! -x $directory/swift ]] || die "Swift is at $directory but not in PATH; run:" "export PATH=\"$directory:\$PATH\""
        done
        die "Swift is missing. Version $needed_swift or newer is needed:" "${how_to_get_swift[@]}"
    fi
    version=$("$swift" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || die "\`$swift --version\` names no version; is it the Swift compiler?" "${how_to_get_swift[@]}"
    if [[ $(printf '%s\n' "$needed_swift" "$version" | sort -V | head -n 1) != "$needed_swift" ]]; then
        die "Swift $version is too old. Version $needed_swift or newer is needed:" "${how_to_get_swift[@]}"
    fi
}

how_to_get_swift=(
    "1. Get it from https://www.swift.org/install/linux/ (swiftly, or the archive for your distribution)."
    "2. An archive goes anywhere, such as /opt/swift; then: export PATH=\"/opt/swift/usr/bin:\$PATH\""
    "3. Check with: swift --version"
)

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_debian_packages
else
    check_headers
fi
check_swift
