#!/usr/bin/env bash
# Throws mutated input at the parsers that read what strangers send: libFuzzer with AddressSanitizer.
#
#   scripts/fuzz.sh [SECONDS] [TARGET…]     60 seconds each of http, json, form, multipart, xml, ami, sip, rtp, rtcp, sdp, digest
#
# Starts from Tests/Fuzz/Corpus; what it finds new stays in .build/fuzz/corpus. A crash ends the run: its input is printed, and
# lies in .build/fuzz as TARGET-crash-…; make a test of it. SwiftPM cannot link a libFuzzer program (it renames `main`), so each is
# compiled here from the very files of the package, as one module with them.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(http json form multipart xml ami sip rtp rtcp sdp digest)

swiftc=${SWIFTC:-swiftc}
work=.build/fuzz
flags=(-O -g -swift-version 6 -package-name kommutator -parse-as-library -whole-module-optimization -sanitize=fuzzer,address -use-ld=lld)

# The C declarations that the parsers use, as a module of that name.
make_csystem() {
    mkdir -p "$work/include/CSystem"
    printf 'module CSystem [system] { header "%s" export * }\n' "$PWD/Sources/Server/CSystem/include/CSystem.h" \
        > "$work/include/CSystem/module.modulemap"
}

# JSON alone, as the module the readers of fields import.
make_connector() {
    "$swiftc" "${flags[@]}" -emit-module -emit-module-path "$work/Connector.swiftmodule" -module-name Connector \
        -c -o "$work/Connector.o" Sources/Connector/JSON/*.swift
}

# Addresses and moments, as the module the media plane's values import.
make_network_types() {
    "$swiftc" "${flags[@]}" -emit-module -emit-module-path "$work/NetworkTypes.swiftmodule" -module-name NetworkTypes \
        -c -o "$work/NetworkTypes.o" Sources/Server/NetworkTypes/*.swift
}

# Hashes, as the module that digests import.
make_digests() {
    "$swiftc" "${flags[@]}" -I "$work/include/CSystem" -emit-module -emit-module-path "$work/Digests.swiftmodule" -module-name Digests \
        -c -o "$work/Digests.o" Sources/Server/Digests/*.swift
}

build() {
    local kit=Sources/Adapters/Kit http=Sources/Server/HTTP media=Sources/Server/Media
    case $1 in
        http) "$swiftc" "${flags[@]}" -module-name FuzzHTTP -I "$work/include/CSystem" -o "$work/http" Tests/Fuzz/FuzzHTTP.swift \
            "$http"/{HeadParser,ChunkedBody,ByteView,HTTPParseError,HTTPStatus}.swift ;;
        json) "$swiftc" "${flags[@]}" -module-name FuzzJSON -I "$work" -o "$work/json" Tests/Fuzz/FuzzJSON.swift \
            "$work/Connector.o" ;;
        form) "$swiftc" "${flags[@]}" -module-name FuzzForm -I "$work" -o "$work/form" Tests/Fuzz/FuzzForm.swift \
            "$kit"/{FormBody,FormReader,FieldTable,FieldError,NamedFields}.swift "$work/Connector.o" ;;
        multipart) "$swiftc" "${flags[@]}" -module-name FuzzMultipart -I "$work" -o "$work/multipart" \
            Tests/Fuzz/FuzzMultipart.swift "$kit"/{MultipartBody,HeaderParameters,FieldError,NamedFields}.swift \
            "$work/Connector.o" ;;
        xml) "$swiftc" "${flags[@]}" -module-name FuzzXML -I "$work" -o "$work/xml" Tests/Fuzz/FuzzXML.swift \
            "$kit"/{XMLTree,XMLReader,XMLBytes,XMLError}.swift "$work/Connector.o" ;;
        ami) "$swiftc" "${flags[@]}" -module-name FuzzAMI -o "$work/ami" Tests/Fuzz/FuzzAMI.swift \
            Sources/Adapters/Asterisk/Manager/{ManagerFraming,ManagerMessage,ManagerEvent}.swift ;;
        sip) "$swiftc" "${flags[@]}" -module-name FuzzSIP -o "$work/sip" Tests/Fuzz/FuzzSIP.swift Sources/Server/SIP/Message/*.swift ;;
        rtp) "$swiftc" "${flags[@]}" -module-name FuzzRTP -I "$work" -o "$work/rtp" Tests/Fuzz/FuzzRTP.swift \
            "$media"/Packets/{NetworkNumbers,RTPHeader,RTPReceiver,RTPSequence,RTPSplice}.swift \
            "$media"/Keys/{KeyReceiver,KeyToneDetector,KeyTones,TelephoneEvent}.swift \
            "$media"/Sound/{AudioClip,AudioCodec,G711}.swift "$work/NetworkTypes.o" ;;
        rtcp) "$swiftc" "${flags[@]}" -module-name FuzzRTCP -I "$work" -o "$work/rtcp" Tests/Fuzz/FuzzRTCP.swift \
            "$media"/Packets/{NetworkNumbers,RTCPReader,RTCPWriter,RTPSequence}.swift "$work/NetworkTypes.o" ;;
        sdp) "$swiftc" "${flags[@]}" -module-name FuzzSDP -I "$work" -o "$work/sdp" Tests/Fuzz/FuzzSDP.swift \
            Sources/Server/SIP/SDP/*.swift Sources/Server/SIP/Message/{ByteClasses,ByteRange}.swift "$work/NetworkTypes.o" ;;
        digest) "$swiftc" "${flags[@]}" -module-name FuzzDigest -I "$work" -I "$work/include/CSystem" -o "$work/digest" \
            Tests/Fuzz/FuzzDigest.swift Sources/Server/SIP/*/*.swift \
            "$work/NetworkTypes.o" "$work/Digests.o" -lcrypto ;;
        *) printf 'fuzz: there is no target %s; there are http, json, form, multipart, xml, ami, sip, rtp, rtcp, sdp, digest\n' "$1" >&2 && exit 64 ;;
    esac
}

run() {
    local found="$work/corpus/$1" log="$work/$1.log"
    mkdir -p "$found"
    printf '%-10s ' "$1"
    if "$work/$1" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$work/$1-" "$found" "Tests/Fuzz/Corpus/$1" > "$log" 2>&1; then
        awk '/number_of_executed_units/ { units = $2 } /cov:/ { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
            END { printf "%s inputs, %s edges, no crash\n", units, edges }' "$log"
    else
        printf 'CRASH\n'
        tail -n 40 "$log"
        exit 1
    fi
}

make_csystem
make_connector
make_network_types
make_digests
for target in "${targets[@]}"; do build "$target"; done
for target in "${targets[@]}"; do run "$target"; done
