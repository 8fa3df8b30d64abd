# Telephones with a tone each, in network namespaces: 101 has 440 Hz, 102 has 600 Hz, the carrier 1000 Hz; music on hold is 800 Hz.

declare -A tone=([101]=440 [102]=600 [199]=1000)
declare -A network=([101]=1 [102]=2 [199]=3)

try_sound() {
    if [[ $(id -u) != 0 ]] || ! ip netns add lab-pbx 2> /dev/null; then
        hides sound 'needs root and ip netns'
        return
    fi
    stop_gateway
    sound=$work/sound
    mkdir -p "$sound/adapters/prompts" "$sound/data"
    cp "$work/adapters/prompts/"* "$sound/adapters/prompts/"
    write_sound_connections
    start_sound && try_talks
    verdict $? 'the telephones are registered'
    stop_sound
    start_gateway
}

phone_network() { printf '10.77.%s' "${network[$1]}"; }

write_sound_connections() {
    cat > "$sound/adapters/carrier.yaml" <<YAML
adapter: sip-trunk
enabled: true
settings:
  domain: 10.77.3.2
  registrar: 10.77.3.2:5060
  login: "74950000001"
  password: env:TRUNK_PASSWORD
  register: "no"
  keep_alive: "0"
  numbers: ["+74950000001"]
YAML
    cat > "$sound/adapters/office.yaml" <<'YAML'
adapter: pbx
enabled: true
settings:
  listen: ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"]
  rtp_ports: 30000-33999
pbx:
  prompts: prompts
  everyone: {may_dial: any, record: on}
  extensions:
    "101": {secret: env:PBX_101}
    "102": {secret: env:PBX_102}
  voicemail:
    box: {greeting: greeting, for: ["101"]}
  incoming:
    "+74950000001": [{record: on}, {ring: "101"}]
    "+74950000012": {voicemail: box}
  outgoing:
    - {to: any, by: carrier}
YAML
}

start_sound() {
    local phone net
    ip -n lab-pbx link set lo up
    for phone in 101 102 199; do
        net=$(phone_network "$phone")
        ip netns add "lab-$phone"
        ip link add "lab$phone" netns lab-pbx type veth peer name eth0 netns "lab-$phone"
        ip -n lab-pbx addr add "$net.1/24" dev "lab$phone"
        ip -n lab-pbx link set "lab$phone" up
        ip -n "lab-$phone" addr add "$net.2/24" dev eth0
        ip -n "lab-$phone" link set eth0 up
        ip -n "lab-$phone" link set lo up
    done
    PBX_101=secret101 PBX_102=secret102 TRUNK_PASSWORD=x ip netns exec lab-pbx \
        "$binary" serve --adapters "$sound/adapters" --data "$sound/data" --listen 127.0.0.1:18080 > "$sound/log" 2>&1 &
    gateway=$!
    local round
    for ((round = 0; round < 100; round++)); do
        ip netns exec lab-pbx ss -Hlnu 'sport = 5060' | grep -q . && break
        sleep 0.1
    done
    for phone in 101 102 199; do start_phone "$phone"; done
    for ((round = 0; round < 50; round++)); do
        [[ $(grep -lE '200 OK|registered successfully' "$sound"/10[12]/log 2> /dev/null | wc -l) == 2 ]] && return 0
        sleep 0.1
    done
    return 1
}

start_phone() { # SHORT
    local short=$1 net folder
    net=$(phone_network "$short")
    folder=$sound/$short
    mkdir -p "$folder"
    sox -q -n -r 8000 -b 16 -c 1 "$folder/tone.wav" synth 60 sine "${tone[$short]}" vol 0.4
    cat > "$folder/config" <<CONFIG
poll_method epoll
sip_listen $net.2:5060
audio_source aufile,$folder/tone.wav
audio_srate 8000-8000
audio_channels 1-1
module_path $(dirname "$(find /usr/lib -name aufile.so -path '*baresip*' | head -n 1)")
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
snd_path $folder
ctrl_tcp_listen $net.2:4444
CONFIG
    if [[ $short == 199 ]]; then
        printf '<sip:79000000199@%s.2>;regint=0;answermode=auto\n' "$net" > "$folder/accounts"
    else
        printf '<sip:%s@%s.1>;auth_pass=secret%s;answermode=auto\n' "$short" "$net" "$short" > "$folder/accounts"
    fi
    touch "$folder/contacts"
    ip netns exec "lab-$short" baresip -4 -f "$folder" > "$folder/log" 2>&1 < /dev/null &
    phones+=($!)
    children+=($!)
}
phones=()

stop_sound() {
    local phone
    for phone in "${phones[@]}"; do kill "$phone" 2> /dev/null; done
    stop_gateway
    for phone in pbx 101 102 199; do ip netns del "lab-$phone" 2> /dev/null; done
}

# order SHORT COMMAND [PARAMETERS]: by the telephone's control port.
order() {
    local text="{\"command\":\"$2\",\"params\":\"${3:-}\",\"token\":\"lab\"}"
    ip netns exec "lab-$1" bash -c "exec 3<>/dev/tcp/$(phone_network "$1").2/4444 && printf '%d:%s,' ${#text} '$text' >&3 && timeout 0.3 cat <&3" \
        >> "$sound/$1/orders" 2>&1
    printf '\n' >> "$sound/$1/orders"
}

# The frequency of a channel of a file, in Hz, from SECOND for LENGTH; by zero crossings, after a high pass.
frequency() { # FILE CHANNEL [SECOND LENGTH]
    sox -t wav "$1" -n remix "$2" trim "${3:-1}" "${4:-1.5}" stat 2>&1 | awk '/Rough/ { print int($3) }'
}
near() { # MEASURED WANTED: within 5 percent
    [[ $1 =~ ^[0-9]+$ ]] && (($1 * 100 > $2 * 95 && $1 * 100 < $2 * 105))
}

# What the newest file of a folder is; $2 a pattern.
newest() { find "$1" \( -name "$2" -o -path '*/recordings/??/*' \) -type f -newer "$sound/mark" -printf '%T@ %p\n' 2> /dev/null | sort -n | tail -n 1 | cut -d' ' -f2-; }
# From now on files are new: recordings of before lie in the store.
mark() {
    local round
    for ((round = 0; round < 100; round++)); do
        [[ -n $(find "$sound/data/pbx" -maxdepth 1 -name '*.wav' 2> /dev/null) ]] || break
        sleep 0.1
    done
    touch "$sound/mark"
    sleep 0.05
}

recorded() { # NAME LEFT RIGHT
    local file left right
    sleep 1.5
    file=$(newest "$sound/data" '*.wav')
    [[ -n $file ]] || { verdict 1 "$1" 'no recording'; return; }
    left=$(frequency "$file" 1) right=$(frequency "$file" 2)
    near "$left" "$2" && near "$right" "$3"
    verdict $? "$1" "$left Hz left ($2), $right Hz right ($3)"
}

try_talks() {
    mark
    order 101 dial sip:79000000199@10.77.1.1
    sleep 4
    order 101 hangup
    recorded 'telephone to carrier, recording' 440 1000

    mark
    order 199 dial sip:74950000001@10.77.3.1
    sleep 4
    order 199 hangup
    recorded 'carrier to telephone, recording' 1000 440

    try_hold
    try_transfer
    try_voicemail
}

heard() { # NAME SHORT WANTED SECOND: what a telephone heard
    local file measured
    file=$(newest "$sound/$2" 'dump*dec.wav')
    [[ -n $file ]] || { verdict 1 "$1" 'heard nothing'; return; }
    measured=$(frequency "$file" 1 "$4" 1)
    near "$measured" "$3"
    verdict $? "$1" "$2 heard $measured Hz ($3)"
}

try_hold() {
    mark
    order 101 dial sip:79000000199@10.77.1.1
    sleep 3
    order 101 hold
    sleep 3
    order 101 resume
    sleep 3
    order 101 hangup
    sleep 1
    heard 'before hold' 199 440 1
    heard 'on hold: music' 199 800 4
    heard 'after resume' 199 440 7.2
}

try_transfer() {
    mark
    order 199 dial sip:74950000001@10.77.3.1
    sleep 3
    order 101 transfer sip:102@10.77.1.1
    sleep 4
    order 199 hangup
    sleep 1
    heard 'before the transfer' 199 440 1
    heard 'after the transfer to 102' 199 600 5
    heard 'the target of the transfer' 102 1000 1
}

try_voicemail() {
    local file measured
    mark
    order 199 dial sip:74950000012@10.77.3.1
    sleep 5
    order 199 hangup
    sleep 1.5
    file=$(newest "$sound/data" '*.wav')
    measured=$([[ -n $file ]] && frequency "$file" 1)
    near "$measured" 1000
    verdict $? 'a message left' "$measured Hz (1000)"
    mark
    order 101 dial 'sip:*97@10.77.1.1'
    sleep 4
    order 101 hangup
    sleep 1
    heard 'the message heard by *97' 101 1000 1.5
}
