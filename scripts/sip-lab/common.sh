# What every part of the lab uses: addresses, the gateway, SIPp, verdicts.

gateway_address=127.77.0.1
torture_address=127.77.0.2
carrier_address=127.77.0.3
spare_address=127.77.0.4
registrar_address=127.77.0.5
stranger_address=127.77.0.66
port=5060

# MARK: Tools

absent=()
need() { command -v "$1" > /dev/null || absent+=("$2"); }
missing() {
    [[ ${#absent[@]} -gt 0 ]] || return 1
    printf 'lab: missing; install them with: apt-get install %s\n' "${absent[*]}" >&2
}
wants() {
    local part
    for part in "${parts[@]}"; do [[ $part != "$1" ]] || return 0; done
    return 1
}

# MARK: Verdicts

passed=0 failed=0
section() { printf '\n== %s\n' "$1"; }
verdict() { # RESULT NAME [WORDS]
    if [[ $1 == 0 ]]; then
        passed=$((passed + 1))
        printf 'PASS  %-44s %s\n' "$2" "${3:-}"
    else
        failed=$((failed + 1))
        printf 'FAIL  %-44s %s\n' "$2" "${3:-}"
    fi
}
hides() { printf 'N/A   %-44s %s\n' "$1" "$2"; }
conclude() {
    printf '\n%d held, %d did not\n' "$passed" "$failed"
    [[ $failed == 0 ]]
    exit $?
}

# MARK: The folder, and what runs

prepare() {
    work=$(mktemp -d)
    chmod 700 "$work"
    trap finish EXIT
    trap 'exit 2' INT TERM
    mkdir -p "$work/data" "$work/adapters/prompts" "$work/sipp"
    fixtures=$(realpath "$fixtures")
    binary=$(realpath "$binary")
    write_connections
    make_prompts
    start_gateway || die 'the gateway does not start'
    key=$("$binary" key create --name lab --scope read,command,admin --data "$work/data" --adapters "$work/adapters" 2>> "$work/log" | tail -n 1)
    (umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$key" > "$work/curl")
}

children=()
finish() {
    ! declare -F stop_sound > /dev/null || [[ ${#phones[@]} == 0 ]] || stop_sound
    local child
    for child in "${children[@]}"; do kill "$child" 2> /dev/null; done
    stop_gateway
    if [[ -n $keep ]]; then
        mkdir -p "$keep" && cp -r "$work/." "$keep/" && rm -f "$keep/curl"
    fi
    rm -rf "$work"
}
die() {
    printf 'lab: %s\n' "$1" >&2
    [[ -s $work/log ]] && tail -n 5 "$work/log" >&2
    exit 2
}

start_gateway() {
    PBX_101=secret101 PBX_102=secret102 PBX_103=secret103 PBX_104=secret104 PBX_300=secret300 TRUNK_PASSWORD=secret101 \
        "$binary" serve --adapters "$work/adapters" --data "$work/data" --listen 127.77.0.1:18080 >> "$work/log" 2>&1 &
    gateway=$!
    local round
    for ((round = 0; round < 200; round++)); do
        ss -Hlnu "src $gateway_address:$port" | grep -q . && return 0
        kill -0 "$gateway" 2> /dev/null || return 1
        sleep 0.1
    done
    return 1
}
gateway=''
stop_gateway() {
    [[ -n $gateway ]] || return 0
    kill "$gateway" 2> /dev/null
    wait "$gateway" 2> /dev/null
    gateway=''
}
is_up() { kill -0 "$gateway" 2> /dev/null; }

write_connections() {
    local trunk address numbers
    while read -r trunk address numbers; do
        cat > "$work/adapters/$trunk.yaml" <<YAML
adapter: sip-trunk
enabled: true
settings:
  domain: $address
  registrar: $address:6100
  login: "101"
  password: env:TRUNK_PASSWORD
  register: "no"
  keep_alive: "0"
  numbers: [$numbers]
YAML
    done <<LIST
torture $torture_address "+74950000009"
carrier $carrier_address "+74950000001"
spare $spare_address "+74950000002"
LIST
    cat > "$work/adapters/registered.yaml" <<YAML
adapter: sip-trunk
enabled: true
settings:
  domain: lab
  registrar: $registrar_address:6100
  login: "101"
  password: env:TRUNK_PASSWORD
  keep_alive: "0"
  numbers: ["+74950000003"]
YAML
    cat > "$work/adapters/office.yaml" <<YAML
adapter: pbx
enabled: true
settings:
  listen: ["udp:$gateway_address:$port", "tcp:$gateway_address:$port"]
  rtp_ports: 30000-33999
pbx:
  prompts: prompts
  everyone: {may_dial: any, calls: 100, limits: {at_once: 200, an_hour: 2000}}
  extensions:
    "101": {secret: env:PBX_101}
    "102": {secret: env:PBX_102}
    "103": {secret: env:PBX_103}
    "104": {secret: env:PBX_104}
    "300": {secret: env:PBX_300}
  groups:
    hunt: {number: "200", members: ["101", "102"], ring: in_turn, for: 10s}
  menus:
    keys: {prompt: menu, keys: {"5": {ring: "102"}}, wait: 5s}
  voicemail:
    box: {greeting: greeting, for: ["103"]} # whose lamp no scenario expects
  incoming:
    "+74950000001": [{record: on}, {ring: "101"}]
    "+74950000010": [{record: on}, {ring: hunt}]
    "+74950000011": {hang_up: busy}
    "+74950000012": {voicemail: box}
    "+74950000013": {menu: keys}
    "+74950000014": {forward: "+79000000199"}
    "+74950000015": [{record: on}, {ring: "102"}]
    "+74950000016": {ring: "103"}
    "+74950000017": {ring: "104"}
    other: {hang_up: not_found}
  outgoing:
    - {to: any, by: carrier, priority: 1}
    - {to: any, by: spare, priority: 2}
  trunks:
    carrier: {limits: {at_once: 200}}
YAML
}

make_prompts() {
    local prompt
    for prompt in greeting menu; do
        sox -q -n -r 8000 -b 16 -c 1 "$work/adapters/prompts/$prompt.wav" synth 1 sine 700 vol 0.3
    done
    sox -q -n -r 8000 -b 16 -c 1 "$work/adapters/prompts/music.wav" synth 4 sine 800 vol 0.3
}

api() { curl -sS --max-time 5 -K "$work/curl" "$@"; }
# Memory of the gateway, in kB.
memory() { awk '/VmRSS/ { print $2 }' "/proc/$gateway/status"; }

# MARK: SIPp

# Every telephone has an address of its own, 127.77.0.101 for 101; 300 is 127.77.0.130.
phone_address() { [[ $1 == 300 ]] && printf 127.77.0.130 || printf '127.77.0.%s' "$1"; }

# run_sipp NAME SCENARIO ADDRESS PORT [ARGUMENTS…]: to its end; prints nothing.
run_sipp() {
    local name=$1 scenario=$2 address=$3 at=$4
    shift 4
    (cd "$work/sipp" && exec sipp -sf "$fixtures/sipp/$scenario.xml" -i "$address" -mi "$address" -p "$at" -nostdin \
        -timeout_error -trace_err -error_file "$name.err" -trace_msg -message_file "$name.msg" "$@" > "$name.out" 2>&1)
}

register() { # SHORT [PASSWORD] [ARGUMENTS…]
    local short=$1 password=${2:-secret$1}
    printf 'SEQUENTIAL\n%s;[authentication username=%s password=%s]\n' "$short" "$short" "$password" > "$work/sipp/$short.csv"
    run_sipp "register-$short" phone_register "$(phone_address "$short")" 6000 -inf "$work/sipp/$short.csv" -m 1 -timeout 5s \
        "$gateway_address:$port" "${@:3}"
}

# answer NAME SCENARIO ADDRESS PORT COUNT [ARGUMENTS…]: in the background; `answered` waits for it.
answering=()
answer() {
    local name=$1 scenario=$2 address=$3 at=$4 count=$5
    shift 5
    run_sipp "$name" "$scenario" "$address" "$at" -m "$count" -timeout "${patience:-20}s" "$@" &
    answering+=($!)
    children+=($!)
    local round
    for ((round = 0; round < 50; round++)); do
        ss -Hlnu "src $address:$at" | grep -q . && return 0
        ss -Hlnt "src $address:$at" | grep -q . && return 0
        sleep 0.05
    done
}
answered() {
    local job result=0
    for job in "${answering[@]}"; do wait "$job" || result=1; done
    answering=()
    return $result
}

# call NAME SCENARIO ADDRESS TO COUNT [ARGUMENTS…]
call() {
    local name=$1 scenario=$2 address=$3 to=$4 count=$5
    shift 5
    run_sipp "$name" "$scenario" "$address" 7000 -s "$to" -m "$count" -timeout "${patience:-20}s" "$@" "$gateway_address:$port"
}

# The first thing that SIPp had against a call.
why() {
    local file
    for file in "$@"; do
        [[ -s $work/sipp/$file.err ]] && grep -m 1 -oE 'Aborting call.*|unexpected.*|Failed.*|Error.*' "$work/sipp/$file.err" | cut -c1-150 && return
    done
    printf 'see %s.out' "$1"
}
