# Scanners, and a flood beside good calls.

try_flood() {
    register 101
    try_scanners
    local quiet flooded before during after
    quiet=$(set_up_times quiet)
    before=$(memory)
    python3 scripts/sip-lab/flood.py "$gateway_address:$port" 20000 15 > "$work/flood" &
    local flood=$!
    children+=("$flood")
    sleep 5
    during=$(memory)
    flooded=$(set_up_times flooded)
    wait "$flood"
    after=$(memory)
    is_up
    verdict $? 'the gateway stands after the flood' "$(cat "$work/flood")"
    [[ -n $flooded ]] && ((flooded < 200))
    verdict $? 'calls set up in the flood' "slowest ${flooded:-none} ms of 20 (without: ${quiet:-none} ms)"
    ((after < during + 4096))
    verdict $? 'memory flat in the flood' "$before kB before, $during kB after 5 s, $after kB after 15 s"
}

# The slowest of 20 calls from INVITE to 200, in ms; nothing where one failed.
set_up_times() {
    answer "setup-$1-uas" uas_basic "$(phone_address 101)" 6000 20 > /dev/null
    call "setup-$1" uac_basic "$carrier_address" 74950000001 20 -r 4 -trace_rtt -rtt_freq 1 || return
    answered || return
    awk -F';' 'NR > 1 && $2 > most { most = $2 } END { print int(most + 0.5) }' "$work"/sipp/uac_basic_*_rtt.csv
    rm -f "$work"/sipp/uac_basic_*_rtt.csv
}

try_scanners() {
    local found
    (cd "$work" && timeout 20 svmap -p 5060 -P 5070 "$gateway_address" > svmap 2>&1)
    ! grep -q "$gateway_address:$port" "$work/svmap"
    verdict $? svmap "$(grep -m 1 -E 'found nothing|SIP Device|5060' "$work/svmap" | cut -c1-80)"
    (cd "$work" && timeout 30 svwar -P 5071 -e100-130 "$gateway_address" > svwar 2>&1)
    found=$(grep -cE '\| 1[0-9]{2} ' "$work/svwar")
    [[ $found == 0 ]]
    verdict $? svwar "$found extensions told"
    (cd "$work" && timeout 30 svcrack -P 5072 -u 101 -r 100-600 "$gateway_address" > svcrack 2>&1)
    ! grep -q 'secret101' "$work/svcrack"
    verdict $? svcrack "$(tail -n 1 "$work/svcrack" | cut -c1-80)"
    # They had the machine's own address, which is shut out now for a quarter of an hour; the telephones have others.
}
