#!/usr/bin/env bash
# Makes this machine ready to build: installs the Debian packages that are missing and checks Swift's version.
# Does nothing, and fast, where all is there. May be run again at any time.
set -euo pipefail

needed_swift=6.2
# The last two are what the Swift compiler itself is linked against.
debian_packages=(
    ca-certificates g++ git libcurl4-openssl-dev libphonenumber-dev libsqlite3-dev libssl-dev make tzdata
    libncurses-dev libxml2-dev
)

say() { printf '%s\n' "$*" >&2; }
die() {
    say "set-up: $1"
    shift
    for line in "$@"; do say "  $line"; done
    exit 1
}

find_missing_packages() {
    local package
    missing=()
    for package in "${debian_packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
}

install_debian_packages() {
    find_missing_packages
    [[ ${#missing[@]} -gt 0 ]] || return 0
    local as_root=() by_hand=("apt-get update" "apt-get install ${missing[*]}")
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || die "packages are missing, and there is no sudo; as root, run:" "${by_hand[@]}"
        as_root=(sudo)
    fi
    say "set-up: installing ${missing[*]}"
    # A list that cannot be fetched may be none of those needed: the installation tells.
    "${as_root[@]}" apt-get update -q || say "set-up: not all lists of packages could be fetched"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}" ||
        die "the packages could not be installed, as said above; as root, try:" "${by_hand[@]}"
}

# Elsewhere the headers tell; the names of packages are for the reader.
check_headers() {
    local header
    for header in openssl/ssl.h sqlite3.h curl/curl.h phonenumbers/phonenumberutil.h; do
        [[ -n $(find /usr/include /usr/local/include -path "*/$header" -print -quit 2>/dev/null) ]] || die \
            "$header is missing, and this is no Debian to install it on. The packages are called:" \
            "Fedora, RHEL:  openssl-devel sqlite-devel libcurl-devel libphonenumber-devel gcc-c++ make git tzdata" \
            "Arch:          openssl sqlite curl libphonenumber gcc make git tzdata" \
            "openSUSE:      libopenssl-devel sqlite3-devel libcurl-devel libphonenumber-devel gcc-c++ make git timezone" \
            "Install them and run this again."
    done
}

check_swift() {
    local swift=${SWIFT:-swift} home=${HOME:-/root} directory said version
    if ! command -v "$swift" >/dev/null; then
        for directory in /opt/swift/usr/bin /usr/local/swift/usr/bin "$home/.local/share/swiftly/bin" "$home/.swiftly/bin"; do
            [[ ! -x $directory/swift ]] || die "Swift is at $directory but not in PATH; run:" "export PATH=\"$directory:\$PATH\""
        done
        die "Swift is missing. Version $needed_swift or newer is needed:" "${how_to_get_swift[@]}"
    fi
    said=$("$swift" --version 2>&1) || die "\`$swift --version\` fails:" "${said:-without a word}"
    version=$(sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' <<<"$said" | head -n 1)
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
