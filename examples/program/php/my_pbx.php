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

/** What one webhook says: events, or why there are none. It must depend on nothing but the request. */
function read(array $request): array
{
    $body = $request['body'] ?? base64_decode($request['body_base64']);
    $message = json_decode($body, true, 32, JSON_THROW_ON_ERROR);
    if (!is_array($message)) {
        throw new UnexpectedValueException('the body is no object');
    }
    $kind = text($message, 'event');
    $call = text($message, 'call');
    $leg = ($message['leg'] ?? '') ?: $call;
    $event = [
        'repeat_key' => [$call, $leg, $kind, text($message, 'at')],
        'external_ids' => [['kind' => 'call', 'value' => $call]],
        'occurred_at' => text($message, 'at'),
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

/** Carries out one command: here the request to your telephone system would be. */
function carryOut(array $order): array
{
    if ($order['action']['type'] === 'originate') {
        return ['done' => ['code' => 'ok', 'call' => ['kind' => 'call', 'value' => 'c-' . $order['command']]]];
    }
    return ['failed' => ['kind' => 'unsupported', 'code' => 'action', 'text' => 'My PBX cannot do that']];
}

function answer(array $question): array
{
    if ($question['do'] === 'hello') {
        return ['protocol' => 1, 'name' => 'my-pbx', 'version' => '1'];
    }
    if ($question['do'] === 'perform') {
        return carryOut($question);
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
