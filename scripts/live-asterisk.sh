#!/usr/bin/env bash
# Tries the gateway on a real Asterisk: has it call you, pass you on and hang up, and says of each rule whether it held.
#
#   scripts/live-asterisk.sh HOST USER [SECRET] [options]
#
# SECRET is better not written there, where others see it: ASTERISK_SECRET holds it, or it is asked for.
#
#   --port N          the manager interface's port (5038)
#   --tls MODE        off, on, unverified (off)
#   --context NAME    where numbers are dialled (from-internal)
#   --trunks LIST     names of the endpoints that lead outside, where the adapter guesses wrong
#   --from NUMBER     your telephone (101)
#   --to NUMBER       whom to call: a number outside that answers; asked for where absent
#   --transfer NUMBER the telephone to pass the call on to; asked for where absent, none where empty
#   --talk SECONDS    how long to talk before each step (3)
#   --patience SECONDS for everything that a person must do (60)
#   --yes             do not ask whether to begin
#   --binary FILE     the gateway (built here where absent)
#
# Real telephones ring. Needs curl and jq. Exit code: 0 all rules held, 1 some did not, 2 it could not be tried, 64 wrong usage.
set -euo pipefail
cd "$(dirname "$0")/.."

port=5038 tls=off context=from-internal trunks='' from=101 to='' transfer=- talk=3 patience=60 yes='' binary=''
words=()
usage() { sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 64; }
while [[ $# -gt 0 ]]; do
    case $1 in
        --port | --tls | --context | --trunks | --from | --to | --transfer | --talk | --patience | --binary)
            [[ $# -ge 2 ]] || usage
            printf -v "${1#--}" '%s' "$2"
            shift 2 ;;
        --yes) yes=1; shift ;;
        -*) usage ;;
        *) words+=("$1"); shift ;;
    esac
done
[[ ${#words[@]} -ge 2 && ${#words[@]} -le 3 ]] || usage
host=${words[0]} user=${words[1]} secret=${words[2]:-${ASTERISK_SECRET:-}}
if [[ -z $yes ]]; then
    [[ -n $to ]] || read -rp 'Which number outside is to be called? ' to
    [[ $transfer != - ]] || read -rp 'Which telephone is the call to be passed on to (none: Enter)? ' transfer
fi
[[ $transfer != - ]] || transfer=''
for number in "$port" "$talk" "$patience"; do [[ $number =~ ^[0-9]{1,5}$ ]] || usage; done
for word in "$host" "$user" "$context" "$from" "$to"; do [[ $word =~ ^[A-Za-z0-9_.:+-]+$ ]] || usage; done
[[ $transfer =~ ^[0-9+]*$ && $trunks =~ ^[A-Za-z0-9_.,\ -]*$ && $tls =~ ^[a-z]+$ ]] || usage
for tool in curl jq; do command -v "$tool" > /dev/null || { printf 'live: %s is missing\n' "$tool" >&2; exit 2; }; done
if [[ -z $secret ]]; then
    read -rsp "Secret of [$user] in manager.conf: " secret
    printf '\n' >&2
fi
if [[ -z $binary ]]; then
    swift build -c release --static-swift-stdlib --product kommutator
    binary=$(swift build -c release --static-swift-stdlib --show-bin-path)/kommutator
fi

# MARK: The gateway

work=$(mktemp -d)
chmod 700 "$work"
gateway=''
finish() {
    if [[ -n $gateway ]]; then
        kill "$gateway" 2> /dev/null || true
        wait "$gateway" 2> /dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 2' INT TERM

mkdir -p "$work/data" "$work/adapters/secrets"
(umask 077 && printf '%s\n' "$secret" > "$work/adapters/secrets/asterisk")
cat > "$work/adapters/live.yaml" <<YAML
adapter: asterisk
enabled: true
settings:
  host: "$host"
  port: "$port"
  tls: "$tls"
  username: "$user"
  secret: file:secrets/asterisk
  contexts: "$context"
${trunks:+  trunks: "$trunks"}
YAML
printf 'recordings: {at_once: 0}\n' > "$work/kommutator.yaml"
common=(--config "$work/kommutator.yaml" --data "$work/data" --adapters "$work/adapters")

fail() {
    printf 'live: %s\n' "$1" >&2
    [[ -s $work/log ]] && tail -n 5 "$work/log" >&2
    exit 2
}

"$binary" doctor asterisk live "${common[@]}" || fail 'the manager interface is not as it must be: see above'
[[ -n $yes ]] || { read -rp "Telephone $from will ring, then $to${transfer:+, then $transfer}. Begin? [y/N] " yes && [[ $yes == [yY]* ]]; } || exit 2

"$binary" serve "${common[@]}" --listen 127.0.0.1:0 > "$work/log" 2>&1 &
gateway=$!
address=''
for ((round = 0; round < 100; round++)); do
    address=$(sed -n 's/.*event=serving.*\(127\.0\.0\.1:[0-9]*\).*/\1/p' "$work/log" | head -n 1)
    [[ -z $address ]] || break
    kill -0 "$gateway" 2> /dev/null || fail 'the gateway ended'
    sleep 0.1
done
[[ -n $address ]] || fail 'the gateway does not listen'
key=$("$binary" key create --name live --scope read,command,admin "${common[@]}" 2>> "$work/log" | tail -n 1)
# The key goes by a file: an argument is seen by others.
(umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$key" > "$work/curl")

api() { curl -sS -m 20 -K "$work/curl" "$@"; }
get() { api "http://$address/api/v1$1"; }

# Orders something; prints the command's address.
order() {
    local place=$1 body=$2
    api -o "$work/answer" -D "$work/head" -H 'Content-Type: application/json' -H "Idempotency-Key: live-$RANDOM$RANDOM" \
        -d "$body" "http://$address/api/v1$place"
    sed -n 's/^[Ll]ocation: *\/api\/v1\([^[:space:]]*\).*/\1/p' "$work/head"
}

# Waits until `jq` says true of what an address answers; the answer is in $seen.
seen=''
wait_for() {
    local place=$1 filter=$2 end=$((SECONDS + patience))
    while ((SECONDS < end)); do
        seen=$(get "$place" || true)
        if jq -e "$filter" > /dev/null 2>&1 <<< "$seen"; then return 0; fi
        sleep 0.2
    done
    return 1
}

failures=0
rule() {
    if [[ $2 == true ]]; then printf 'PASS  %s\n' "$1"; else
        printf 'FAIL  %s\n' "$1"
        failures=$((failures + 1))
    fi
}
# A rule that is asked of the call's record.
holds() { rule "$1" "$(jq -r "if ($2) then true else false end" 2> /dev/null <<< "$record" || printf false)"; }
say() { printf '\n%s\n' "$1"; }

# MARK: The call

wait_for /connections/live '.upkeep.condition == "good" or .upkeep.condition == "impaired"' || fail 'the gateway does not reach Asterisk'
say "Telephone $from rings now: take it. Then $to is called: let somebody answer there, or a machine."
place=$(order /calls "$(jq -nc --arg from "$from" --arg to "$to" '{from: {extension: $from}, to: $to, connection: "live"}')")
[[ -n $place ]] || fail "the order was not taken: $(cat "$work/answer")"
wait_for "$place" '.result_call_id != null or .status == "failed"' || true
call=$(jq -r '.result_call_id // empty' <<< "$seen")
rule 'the order is confirmed, and its call is linked with it' "$([[ -n $call ]] && printf true)"
[[ -n $call ]] || fail "no call came of the order: $(jq -c '{status, error}' <<< "$seen")"
answered=true
wait_for "/calls/$call" '.answered_at != null' || answered=false
rule 'the call is answered' "$answered"

owner=$from
if [[ -n $transfer && $answered == true ]]; then
    sleep "$talk"
    say "The call is passed on to $transfer: take it there."
    place=$(order "/calls/$call/transfer" "$(jq -nc --arg to "$transfer" '{to: $to, kind: "blind"}')")
    done=false
    if [[ -n $place ]] && wait_for "$place" '.status != "accepted" and .status != "sent"'; then
        done=$(jq -r '.status == "confirmed"' <<< "$seen")
    fi
    rule 'the order to pass it on is confirmed' "$done"
    moved=false
    if wait_for "/calls/$call" 'any(.transfers[]; .status == "completed") or .state == "ended"'; then
        moved=$(jq -r 'any(.transfers[]; .status == "completed")' <<< "$seen")
    fi
    rule 'the transfer is completed' "$moved"
    owner=$transfer
fi

sleep "$talk"
state=$(get "/calls/$call" | jq -r '.state')
if [[ $state != ended ]]; then
    say 'The gateway hangs up.'
    place=$(order "/calls/$call/hangup" '{}')
    done=false
    if [[ -n $place ]] && wait_for "$place" '.status != "accepted" and .status != "sent"'; then
        done=$(jq -r '.status == "confirmed"' <<< "$seen")
    fi
    rule 'the order to hang up is confirmed' "$done"
else
    rule 'the call is still on when the gateway is to hang up' false
fi
wait_for "/calls/$call" '.state == "ended"' || true

# MARK: The record

say 'The record:'
record=$(get "/calls/$call")
count=$(get '/calls?limit=100' | jq '[.calls[] | select(.connection_id == "live" and .merged_into == null)] | length')
if ((${#to} >= 7)); then direction=outbound; else direction=internal; fi
rule 'it is one call' "$([[ $count == 1 ]] && printf true)"
holds 'it has ended' '.state == "ended"'
holds "its direction is $direction" ".direction == \"$direction\" or (.origin == \"click_to_call\" and .direction == \"outbound\")"
holds 'it began by an order' '.origin == "click_to_call"'
holds 'it was answered' '.disposition == "answered" and .answered_at != null'
holds "it belongs to $owner" ".owner_user_id == \"live/$owner\""
holds 'it was ended by a user: by the order' '.ended_by == "user"'
holds 'its times are in order' '[.started_at, .answered_at, .ended_at] as $t | ($t | all(. != null)) and $t == ($t | sort)'
holds 'talk is no longer than the call' '.talk_ms > 0 and .talk_ms <= .total_ms'
holds 'nobody took part twice' '[.participants[] | .extension // empty] | length == (unique | length)'
holds 'no leg is a Local channel' '[.legs[] | .endpoint // "" | select(startswith("Local/"))] == []'
holds 'it was told by the manager interface' '.sources | index("ami") != null'
if ((failures > 0)); then
    say "$failures rules did not hold. The record, without numbers:"
    jq -c '{state, direction, origin, disposition, ended_by, cause, owner_user_id, started_at, answered_at, ended_at, talk_ms, total_ms,
        transfers: [.transfers[] | {kind, status}], legs: [.legs[] | {result, started_at, answered_at, ended_at}]}' <<< "$record"
    exit 1
fi
say 'All rules held.'
