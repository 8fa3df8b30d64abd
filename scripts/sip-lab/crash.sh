# kill -9 in calls: what is left of them.

try_crash() {
    local caller talking before ended broken
    register 101
    touch "$work/mark"
    answer crash-uas uas_basic "$(phone_address 101)" 6000 "$calls"
    run_sipp crash-uac uac_talk "$carrier_address" 7000 -s 74950000001 -m "$calls" -r 25 -timeout 60s "$gateway_address:$port" &
    caller=$!
    children+=("$caller")
    sleep 14
    talking=$(api "http://127.77.0.1:18080/api/v1/calls?limit=500" | jq '[.calls[] | select(.state != "ended")] | length')
    kill -9 "$gateway"
    wait "$gateway" 2> /dev/null
    local began
    began=$(date +%s%N)
    start_gateway
    verdict $? 'the gateway starts again' "$talking calls were on"
    sleep 2
    broken=0 before=0
    local file seconds least=999 most=0
    for file in $(find "$work/data" \( -name '*.wav' -o -path '*/recordings/??/*' \) -type f -newer "$work/mark"); do
        before=$((before + 1))
        seconds=$(sox -t wav "$file" -n stat 2>&1 | awk '/^Length/ { print int($3) }')
        [[ -n $seconds ]] || { broken=$((broken + 1)); continue; }
        ((seconds < least)) && least=$seconds
        ((seconds > most)) && most=$seconds
    done
    # Recordings of silence that are as long as each other are one file in the store.
    local kept=0 tries
    for tries in $(seq 20); do
        kept=$(api "http://127.77.0.1:18080/api/v1/calls?limit=500" | jq '[.calls[].recordings[] | select(.status == "available")] | length')
        [[ $kept -ge $calls ]] && break
        sleep 0.5
    done
    [[ $broken == 0 && $kept -ge $calls ]] && ((least >= 3))
    verdict $? 'recordings can be played' "$kept of $calls available in $before files, $broken broken, $least to $most s of some 13"
    kill "$caller" "${answering[@]}" 2> /dev/null
    wait "$caller" "${answering[@]}" 2> /dev/null
    answering=()
    sleep 5
    api "http://127.77.0.1:18080/api/v1/calls?limit=$calls" > "$work/calls-after.json"
    ended=$(jq '[.calls[] | select(.state == "ended")] | length' "$work/calls-after.json")
    [[ $ended -ge $calls ]]
    verdict $? 'the records are closed' "$ended of $calls; $(jq -c '[.calls[] | {disposition, ended_by, cause: .cause.text}] | group_by(.) | map({n: length} + .[0])' "$work/calls-after.json" | cut -c1-300)"
}
