<?php
/**
 * Tells the chat who is signed in with you. For your server: whoever has the secret can be anybody.
 *
 * Set in its environment:
 * CHAT_URL     address of the chat, such as https://chat.example.com
 * CHAT_EMBED   id of the embed
 * CHAT_KID     id of the key
 * CHAT_SECRET  the key: at least 32 random bytes
 */
declare(strict_types=1);

const CHAT_LIFETIME = 60; // seconds; the chat takes no token of more than 300
const CHAT_OPTIONAL = ['name', 'email', 'email_verified', 'groups'];

/**
 * A token for one use within a minute.
 *
 * @param array $user `sub`, an id that stays this person's for ever; and, if you like, `name`, `email`,
 *   `email_verified`, `groups` (a list). Take it from your session, never from what a browser sends.
 * @throws InvalidArgumentException a setting is missing, the secret is too short, or there is no `sub`
 */
function chat_token(array $user): string
{
    if (!is_string($user['sub'] ?? null) || $user['sub'] === '') {
        throw new InvalidArgumentException('sub must be a text, and not empty.');
    }
    $now = time();
    $header = ['alg' => 'HS256', 'typ' => 'JWT', 'kid' => chat_setting('CHAT_KID')];
    $claims = [
        'aud' => rtrim(chat_setting('CHAT_URL'), '/') . '/embed/' . chat_setting('CHAT_EMBED'),
        'sub' => $user['sub'],
        'iat' => $now,
        'exp' => $now + CHAT_LIFETIME,
        'jti' => bin2hex(random_bytes(16)),
    ];
    foreach (CHAT_OPTIONAL as $name) {
        if (isset($user[$name])) {
            // Without gaps in its keys, or JSON makes an object of a list.
            $claims[$name] = is_array($user[$name]) ? array_values($user[$name]) : $user[$name];
        }
    }
    $signed = chat_encoded($header) . '.' . chat_encoded($claims);
    return $signed . '.' . chat_base64url(hash_hmac('sha256', $signed, chat_secret(), true));
}

function chat_encoded(array $part): string
{
    return chat_base64url(json_encode($part, JSON_THROW_ON_ERROR));
}

function chat_base64url(string $content): string
{
    return rtrim(strtr(base64_encode($content), '+/', '-_'), '=');
}

function chat_secret(): string
{
    $key = chat_setting('CHAT_SECRET');
    if (strlen($key) < 32) {
        throw new InvalidArgumentException('CHAT_SECRET is too short: at least 32 bytes are needed.');
    }
    return $key;
}

function chat_setting(string $name): string
{
    $value = getenv($name);
    if ($value === false || $value === '') {
        throw new InvalidArgumentException("$name is not set.");
    }
    return $value;
}

if (PHP_SAPI === 'cli' && realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    try {
        echo chat_token(['sub' => $argv[1] ?? '']), "\n";
    } catch (InvalidArgumentException $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        exit(1);
    }
}
