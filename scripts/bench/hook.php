<?php
// The webhook receiver as it is mostly written: verify, insert, answer. SQLite in WAL mode, each commit synced.

function refuse(int $status): never
{
    http_response_code($status);
    exit;
}

$path = $_SERVER['REQUEST_URI'];
if (str_starts_with($path, '/hooks/mango')) {
    $json = $_POST['json'] ?? '';
    $sign = hash('sha256', getenv('BENCH_MANGO_KEY') . $json . getenv('BENCH_MANGO_SALT'));
    if (!hash_equals($sign, $_POST['sign'] ?? '')) {
        refuse(403);
    }
} else {
    $signed = match ($_POST['event'] ?? '') {
        'NOTIFY_START', 'NOTIFY_INTERNAL', 'NOTIFY_END' => ['caller_id', 'called_did', 'call_start'],
        'NOTIFY_ANSWER' => ['caller_id', 'destination', 'call_start'],
        'NOTIFY_OUT_START', 'NOTIFY_OUT_END' => ['internal', 'destination', 'call_start'],
        'NOTIFY_RECORD' => ['pbx_call_id', 'call_id_with_rec'],
        default => refuse(401),
    };
    $text = implode('', array_map(fn ($name) => $_POST[$name] ?? '', $signed));
    $sign = base64_encode(hash_hmac('sha1', $text, getenv('BENCH_ZADARMA_SECRET')));
    if (!hash_equals($sign, $_SERVER['HTTP_SIGNATURE'] ?? '')) {
        refuse(403);
    }
}

$database = new PDO('sqlite:' . getenv('BENCH_DATABASE'), null, null, [
    PDO::ATTR_PERSISTENT => true, PDO::ATTR_TIMEOUT => 30, PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
]);
$database->exec('PRAGMA synchronous = FULL');
$insert = $database->prepare('INSERT INTO raw(received_at, path, body) VALUES (?, ?, ?)');
$insert->execute([(int) (microtime(true) * 1000), $path, file_get_contents('php://input')]);
echo "ok\n";
