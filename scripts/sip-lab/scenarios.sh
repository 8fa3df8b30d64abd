# SIPp's scenarios: over trunks, from telephones, with loss.

# pair NAME UAC TO UAS SHORT: a call over the carrier's trunk that rings a telephone.
pair() {
    local name=$1 uac=$2 to=$3 uas=$4 short=$5 result=0
    answer "$name-uas" "$uas" "$(phone_address "$short")" 6000 1
    call "$name-uac" "$uac" "$carrier_address" "$to" 1 || result=1
    answered || result=1
    verdict $result "$name" "$([[ $result == 0 ]] || why "$name-uac" "$name-uas")"
}

# outward NAME UAS [UAS OF THE SPARE TRUNK]: telephone 102 calls outside; the carrier answers as the scenario says.
outward() {
    local name=$1 uas=$2 spare=${3:-} result=0
    answer "$name-carrier" "$uas" "$carrier_address" 6100 1
    [[ -z $spare ]] || answer "$name-spare" "$spare" "$spare_address" 6100 1
    call "$name-uac" uac_invite_digest "$(phone_address 102)" 79000000199 1 -inf "$work/sipp/102.csv" || result=1
    answered || result=1
    verdict $result "$name" "$([[ $result == 0 ]] || why "$name-uac" "$name-carrier" "$name-spare")"
}

try_scenarios() {
    local short result
    for short in 101 102 300; do
        register "$short"
        verdict $? "phone_register $short" "$(cat "$work/sipp/register-$short.err" 2> /dev/null | head -n 1)"
    done
    run_sipp register-digest uac_register_digest "$(phone_address 103)" 6000 -inf "$fixtures/sipp/users.csv" -m 1 -timeout 5s \
        "$gateway_address:$port"
    verdict $? uac_register_digest "$(why register-digest)"
    register 101 # that one took its binding back
    run_sipp register-wrong uac_register_digest "$stranger_address" 6000 -inf "$fixtures/sipp/users_wrong.csv" -m 1 -timeout 5s \
        "$gateway_address:$port"
    result=$?
    verdict $((result == 0)) 'uac_register_digest, users_wrong' 'must fail'
    run_sipp options uac_options "$carrier_address" 7000 -s 74950000001 -m 3 -timeout 5s "$gateway_address:$port"
    verdict $? uac_options

    try_calls_from_outside
    try_calls_to_outside
    try_losses
    try_streams

    hides uac_forked 'wants to see the tags of the far side, which the PBX hides'
    hides uas_hold_reinvite 'the PBX plays music itself and leaves the other side alone'
    hides uas_refer_blind 'the PBX carries a REFER out itself'
    hides uas_options 'the PBX asks nobody for OPTIONS'
    hides uas_session_timer 'wants the far side'"'"'s 90 s; uas_session_timer_short has its place'
}

try_calls_from_outside() {
    pair 'uac_basic to uas_basic' uac_basic 74950000001 uas_basic 101
    pair 'uac_cancel to uas_cancel' uac_cancel 74950000001 uas_cancel 101
    pair 'uac_hold_reinvite to uas_basic' uac_hold_reinvite 74950000001 uas_basic 101
    pair 'uac_session_timer to uas_basic' uac_session_timer 74950000001 uas_basic 101
    pair 'uac_dtmf_info to uas_basic' uac_dtmf_info 74950000001 uas_basic 101
    pair 'uac_basic to uas_forked' uac_basic 74950000001 uas_forked 101
    pair 'uac_basic to uas_prack' uac_basic 74950000001 uas_prack 101

    local result=0
    call refused uac_refused "$carrier_address" 74950000011 1
    verdict $? 'uac_refused, hang_up busy' "$(why refused)"
    answer busy uas_busy486 "$(phone_address 101)" 6000 1
    call refused-busy uac_refused "$carrier_address" 74950000001 1 || result=1
    answered || result=1
    verdict $result 'uac_refused to uas_busy486' "$(why refused-busy busy)"

    result=0
    answer busy-first uas_busy486 "$(phone_address 101)" 6000 1
    answer next uas_basic "$(phone_address 102)" 6000 1
    call hunt uac_basic "$carrier_address" 74950000010 1 || result=1
    answered || result=1
    verdict $result 'uas_busy486, then the next of the group' "$(why hunt busy-first next)"

    result=0
    answer refer-101 uas_basic "$(phone_address 101)" 6000 1
    answer refer-300 uas_answer_and_leave "$(phone_address 300)" 6000 1
    call refer uac_refer_blind "$carrier_address" 74950000001 1 || result=1
    answered || result=1
    verdict $result 'uac_refer_blind to 300' "$(why refer refer-101 refer-300)"
}

try_calls_to_outside() {
    outward 'uac_invite_digest to uas_basic' uas_basic
    outward 'uac_invite_digest to uas_invite_digest' uas_invite_digest
    outward 'uac_invite_digest to uas_invite_digest_407' uas_invite_digest_407
    outward 'uas_503, then the spare trunk' uas_503 uas_basic
    local result=0
    answer inside uas_basic "$(phone_address 101)" 6000 1
    call inside-uac uac_invite_digest "$(phone_address 102)" 101 1 -inf "$work/sipp/102.csv" || result=1
    answered || result=1
    verdict $result 'uac_invite_digest to a colleague' "$(why inside-uac inside)"
    run_sipp invite-wrong uac_invite_digest "$stranger_address" 7000 -s 101 -inf "$fixtures/sipp/users_wrong.csv" -m 1 -timeout 5s \
        "$gateway_address:$port"
    result=$?
    verdict $((result == 0)) 'uac_invite_digest, users_wrong' 'must fail'

    result=0
    answer prack uas_prack "$carrier_address" 6100 1
    call prack-uac uac_prack "$carrier_address" 74950000014 1 || result=1
    answered || result=1
    verdict $result 'uac_prack to uas_prack' "$(why prack-uac prack)"
    result=0
    answer refusing uas_busy486 "$carrier_address" 6100 1
    call refused-outside uac_refused "$carrier_address" 74950000014 1 || result=1
    answered || result=1
    verdict $result 'uac_refused to uas_busy486 of a trunk' "$(why refused-outside refusing)"
}

try_losses() {
    local result=0 patience=60
    answer lost uas_lossy "$(phone_address 101)" 6000 20 -lost 10
    call lost-uac uac_basic "$carrier_address" 74950000001 20 -r 5 -lost 10 || result=1
    answered || result=1
    verdict $result 'uac_basic to uas_lossy, -lost 10, 20 calls' "$(why lost-uac lost)"
}

try_streams() {
    local result=0
    register 104 secret104 -t t1
    verdict $? 'phone_register over TCP' "$(why register-104)"
    answer stream uas_basic "$(phone_address 102)" 6000 3
    call stream-uac uac_basic "$carrier_address" 74950000015 3 -r 3 -t t1 || result=1
    answered || result=1
    verdict $result 'uac_basic over TCP, 3 calls' "$(why stream-uac stream)"
}
