#!/usr/bin/env bash
# Tries the embedded PBX of a running gateway against other SIP software, and says of each case whether it held.
#
#   scripts/sip-lab.sh [options] [PART…]
#
# Parts, all of them where none is named:
#
#   scenarios   SIPp's calls over trunks and from telephones, also with a tenth of all packets lost
#   torture     the torture set over UDP and TCP, whole and byte by byte
#   sound       two telephones (baresip) with a tone each: calls, recordings, hold, transfer, voicemail
#   flood       sipvicious, and 20,000 bad packets a second beside a good call
#   crash       kill -9 in calls, and what is left of them
#   slow        what needs a minute of waiting: session timers, an ACK that never comes
#
#   --binary FILE     the gateway (.build/debug/kommutator, built where absent)
#   --fixtures DIR    where the scenarios and the torture set are (Tests/Fixtures)
#   --keep DIR        leave logs, messages and recordings in DIR
#   --calls N         how many calls are on when it is killed (50)
#
# Nothing leaves the loopback interface: everything has addresses of 127.77.0.0/24. Exit code: 0 everything held, 1 something did not, 2 it could
# not be tried, 64 wrong usage.
set -uo pipefail
cd "$(dirname "$0")/.."

binary='' fixtures=Tests/Fixtures keep='' calls=50
parts=()
usage() { sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 64; }
while [[ $# -gt 0 ]]; do
    case $1 in
        --binary | --fixtures | --keep | --calls)
            [[ $# -ge 2 ]] || usage
            printf -v "${1#--}" '%s' "$2"
            shift 2 ;;
        scenarios | torture | sound | flood | crash | slow) parts+=("$1"); shift ;;
        *) usage ;;
    esac
done
[[ $calls =~ ^[1-9][0-9]{0,2}$ ]] || usage
[[ ${#parts[@]} -gt 0 ]] || parts=(scenarios torture sound flood crash slow)

for part in common "${parts[@]}"; do
    source "scripts/sip-lab/$part.sh"
done
need sipp sip-tester
need python3 python3
need curl curl
need jq jq
need sox sox
wants sound && need baresip baresip-core
wants flood && need svmap sipvicious
missing && exit 2
if [[ -z $binary ]]; then
    swift build --product kommutator || exit 2
    binary=.build/debug/kommutator
fi

prepare
for part in "${parts[@]}"; do
    section "$part"
    "try_$part"
done
conclude
