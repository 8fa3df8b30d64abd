<?php
// Reads the webhooks of an invented telephone system for Kommutator: one JSON object a line in, one out.
// The same system as in ../python/my_pbx.py. What goes to STDERR is in the gateway's log; STDOUT belongs to the answers.
declare(strict_types=1);
ini_set('display_errors', 'stderr');

const REASONS = [
    'normal' => 'normal',
    'no_answer' => 'no_answer',
    'busy' => 'busy',
    'caller_gone' => 'caller_hung_up',
    'transferred' => 'transferred',
];
const KNOWN = [
    'event', 'call', 'leg', 'direction', 'at', 'from', 'to', 'line', 'reason', 'last', 'transferred_from', 'file',
];
const DIRECTIONS = ['in' => 'inbound', 'out' => 'outbound', 'internal' => 'internal'];

/** An employee has a short number; everybody else is outside. */
function party(string $number): array
{
    return strlen($number) <= 4 ? ['kind' => 'user', 'extension' => $number] : ['kind' => 'external', 'number' => $number];
}

function text(array $message, string $name): string
{
    $value = $message[$name] ?? null;
    if (!is_string($value) || $value === '') {
        throw new UnexpectedValueException("$name is missing");
    }
    return $value;
}

function word(array $table, mixed $key, ?string $otherwise): ?string
{
    return is_string($key) ? ($table[$key] ?? $otherwise) : $otherwise;
}

/** What this program does not know is kept with the call. */
function rest(array $message, array $known): object
{
    $found = array_filter($message, fn ($value, $name) => !in_array($name, $known, true) && $value !== null, ARRAY_FILTER_USE_BOTH);
    $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;
    return (object) array_map(fn ($value) => is_string($value) ? $value : json_encode($value, $flags), array_slice($found, 0, 64, true));
}

/** What one webhook says: events, or why there are none. It must depend on nothing but the request. */
function read(array $request): array
{
    $body = $request['body'] ?? base64_decode($request['body_base64']);
    $message = json_decode($body, true, 32, JSON_THROW_ON_ERROR);
    if (!is_array($message)) {
        throw new UnexpectedValueException('the body is no object');
    }
    if ($request['source'] === 'history') {
        return readLog($message);
    }
    $kind = text($message, 'event');
    $call = text($message, 'call');
    $leg = ($message['leg'] ?? '') ?: $call;
    $event = [
        'repeat_key' => [$call, $leg, $kind, text($message, 'at')],
        'external_ids' => [['kind' => 'call', 'value' => $call]],
        'occurred_at' => text($message, 'at'),
        'custom' => rest($message, KNOWN),
    ];
    if ($kind === 'recorded') {
        $event['type'] = 'recording.ready';
        $event['recording'] = ['key' => text($message, 'file'), 'phase' => 'ready', 'leg' => $leg];
        return ['events' => [$event]];
    }
    if (!in_array($kind, ['ringing', 'answered', 'hangup', 'transferred'], true)) {
        return ['ignored' => 'a kind of event this program does not know'];
    }
    $event['facts'] = ['direction' => word(DIRECTIONS, $message['direction'] ?? null, null), 'line' => $message['line'] ?? null];
    $event['leg'] = ['key' => $leg, 'from' => party(text($message, 'from')), 'to' => party(text($message, 'to'))];
    if ($kind === 'ringing') {
        $event['type'] = 'call.ringing';
        $event['leg']['phase'] = 'ringing';
        if (!empty($message['transferred_from'])) {
            $event['leg']['parent'] = $message['transferred_from'];
            $event['leg']['handover'] = 'blind';
        }
    } elseif ($kind === 'answered') {
        $event['type'] = 'call.answered';
        $event['leg']['phase'] = 'answered';
    } else {
        $reason = $kind === 'transferred' ? 'transferred' : word(REASONS, $message['reason'] ?? null, 'unknown');
        $event['type'] = 'call.updated';
        $event['leg']['phase'] = 'ended';
        $event['leg']['reason'] = $reason;
        if (!empty($message['last'])) {
            $event['type'] = 'call.ended';
            $event['end'] = [
                'reason' => $reason, 'provider_code' => $message['reason'] ?? null, 'ended_at' => $event['occurred_at'],
            ];
        }
    }
    return ['events' => [$event]];
}

/** What a page of the log says, as `askLog` handed it over: the calls as they ended, and their recordings. */
function readLog(array $page): array
{
    $events = [];
    foreach ($page['calls'] ?? [] as $row) {
        $call = text($row, 'call');
        $direction = word(DIRECTIONS, $row['direction'] ?? null, null);
        [$outside, $inside] = $direction === 'outbound' ? ['to', 'from'] : ['from', 'to'];
        $names = [['kind' => 'call', 'value' => $call]];
        $ended = text($row, 'ended');
        $events[] = [
            'repeat_key' => [$call, 'log', $ended], 'type' => 'call.ended', 'external_ids' => $names, 'occurred_at' => $ended,
            'facts' => [
                'direction' => $direction, 'started' => text($row, 'started'),
                'external_number' => in_array($direction, ['inbound', 'outbound'], true) ? text($row, $outside) : null,
            ],
            'end' => [
                'reason' => word(REASONS, $row['reason'] ?? null, 'unknown'), 'answered' => !empty($row['answered']),
                'ended_at' => $ended, 'user' => party(text($row, $inside)),
            ],
        ];
        if (!empty($row['file'])) {
            $events[] = [
                'repeat_key' => [$call, 'log', text($row, 'file')], 'type' => 'recording.ready', 'external_ids' => $names,
                'occurred_at' => $ended, 'recording' => ['key' => text($row, 'file'), 'phase' => 'ready'],
            ];
        }
    }
    return $events ? ['events' => $events] : ['ignored' => 'a page of the log without calls'];
}

/** Carries out one command: here the request to your telephone system would be. */
function carryOut(array $order): array
{
    if ($order['action']['type'] === 'originate') {
        return ['done' => ['code' => 'ok', 'call' => ['kind' => 'call', 'value' => 'c-' . $order['command']]]];
    }
    return ['failed' => ['kind' => 'unsupported', 'code' => 'action', 'text' => 'My PBX cannot do that']];
}

/** Where the file of `recording.key` can be fetched now, and what must be sent along: a real one has a key there. */
function findRecording(string $reference): array
{
    $url = 'http://127.0.0.1:9/recordings/' . rawurlencode($reference) . '.mp3';
    return ['fetch' => ['url' => $url, 'headers' => ['x-key' => 'made-up']]];
}

/** Pages of the telephone system's log of calls that began between `from` and `to`: here it would be asked. */
function askLog(array $question): array
{
    return ['bodies' => [json_encode(['calls' => []])], 'more' => false];
}

function answer(array $question): array
{
    if ($question['do'] === 'hello') {
        return ['protocol' => 1, 'name' => 'my-pbx', 'version' => '1'];
    }
    if ($question['do'] === 'perform') {
        return carryOut($question);
    }
    if ($question['do'] === 'recording') {
        return findRecording($question['reference']);
    }
    if ($question['do'] === 'history') {
        return askLog($question);
    }
    try {
        return read($question['request']);
    } catch (Throwable) {
        // The reason is shown to people: it must carry neither the body nor a number.
        return ['undecoded' => 'the body is not as My PBX writes it'];
    }
}

while (($line = fgets(STDIN)) !== false) {
    $question = json_decode($line, true, 64, JSON_THROW_ON_ERROR);
    $answer = ['id' => $question['id']] + answer($question);
    fwrite(STDOUT, json_encode($answer, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
}
