#!/usr/bin/env bash
# Measures the gateway against nginx and against nginx + php-fpm + SQLite, on loopback, and prints a table.
#
#   scripts/bench.sh [--quick] [--yes] [--baseline] [--only saturation,half,changes,answers,routing,idle,start,sip,rtp,micro,memory]
#
# --quick     three minutes at most, one round: for looking, not for comparing
# --yes       installs what is missing (nginx-light, php-fpm, php-sqlite3, wrk, sip-tester, kamailio, rtpengine-daemon) without asking; so does BENCH_YES=1
# --baseline  writes Tests/Benchmarks/Baseline.md
#
# BENCH_FOLDER is where journals and requests are kept meanwhile (about 12 GB; /tmp where not set), best on the disk that counts.
set -euo pipefail
cd "$(dirname "$0")/.."

swift=${SWIFT:-swift}
build=(-c release --static-swift-stdlib)
packages=(nginx-light php-fpm php-sqlite3 wrk openssl python3 sip-tester kamailio rtpengine-daemon)

say() { printf '%s\n' "$*" >&2; }
die() {
    say "bench: $*"
    exit 1
}

arguments=()
agreed=${BENCH_YES:-}
for argument in "$@"; do
    case $argument in
    --yes) agreed=1 ;;
    --help | -h) exec sed -n '2,12s/^# \{0,1\}//p' "$0" ;;
    *) arguments+=("$argument") ;;
    esac
done

is_there() {
    case $1 in
    nginx-light) [[ -x /usr/sbin/nginx ]] || command -v nginx >/dev/null ;;
    php-fpm) compgen -G '/usr/sbin/php-fpm*' >/dev/null ;;
    sip-tester) command -v sipp >/dev/null ;;
    rtpengine-daemon) command -v rtpengine >/dev/null ;;
    kamailio) [[ -x /usr/sbin/kamailio ]] ;;
    php-sqlite3) command -v php >/dev/null && php -m | grep -q pdo_sqlite ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

install_missing() {
    local package missing=() root=()
    for package in "${packages[@]}"; do is_there "$package" || missing+=("$package"); done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v apt-get >/dev/null || die "these are missing, and this is no Debian to install them on: ${missing[*]}"
    say "bench: needs ${missing[*]}. Debian may start nginx and php-fpm as services, kamailio and rtpengine, too; the benchmark does not use those."
    if [[ -z $agreed ]]; then
        [[ -t 0 ]] || die "run it with --yes to install them, or: apt-get install ${missing[*]}"
        read -r -p "Install them now? [y/N] " answer
        [[ $answer == [yY]* ]] || die "nothing was installed"
    fi
    [[ $(id -u) == 0 ]] || root=(sudo)
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install_missing
"$swift" build "${build[@]}" --product kommutator >&2
"$swift" build "${build[@]}" --product benchmarks >&2
bin=$("$swift" build "${build[@]}" --show-bin-path)
exec python3 -B scripts/bench/bench.py --root . --binary "$bin/kommutator" --micro "$bin/benchmarks" "${arguments[@]}"
