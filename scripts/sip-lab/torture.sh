# The torture set, each way against a gateway that has not seen it.

try_torture() {
    local way result before
    for way in udp tcp bytes; do
        stop_gateway
        start_gateway || die 'the gateway does not start'
        sleep 1 # its trunks are known a moment later
        before=$(memory)
        timeout 300 python3 scripts/sip-lab/torture.py "$way" "$fixtures/sip-torture" "$torture_address" "$gateway_address:$port" > "$work/torture-$way"
        result=$?
        grep '^FAIL' "$work/torture-$way"
        verdict $result "torture set, $way" "$(tail -n 1 "$work/torture-$way"); memory $before -> $(memory) kB"
        is_up
        verdict $? "the gateway stands after $way"
    done
}
