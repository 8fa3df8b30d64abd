# What needs a minute: an ACK that comes late or never, a session that must be refreshed.

try_slow() {
    local result patience=75
    register 101
    register 102
    answer late-uas uas_answer_and_leave "$(phone_address 101)" 6000 1
    call late uac_bye_before_ack "$carrier_address" 74950000001 1 &
    local late=$!
    children+=("$late")
    local first=("${answering[@]}")
    answering=()
    answer refreshed uas_session_timer_short "$(phone_address 102)" 6000 1
    run_sipp refresh uac_long "$spare_address" 7000 -s 74950000015 -m 1 -timeout 75s "$gateway_address:$port"
    result=$?
    answered || result=1
    verdict $result 'uas_session_timer_short: refreshed by UPDATE' "$(why refresh refreshed)"
    wait "$late"
    result=$?
    wait "${first[@]}"
    verdict $result 'uac_bye_before_ack: BYE waits for the ACK' "$(why late late-uas)"
}
