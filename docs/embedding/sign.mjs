/**
 * Tells the chat who is signed in with you. For your server: whoever has the secret can be anybody.
 *
 * Set in its environment:
 * CHAT_URL     address of the chat, such as https://chat.example.com
 * CHAT_EMBED   id of the embed
 * CHAT_KID     id of the key
 * CHAT_SECRET  the key: at least 32 random bytes
 */
import { createHmac, randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

const LIFETIME = 60; // seconds; the chat takes no token of more than 300
const OPTIONAL = ["name", "email", "email_verified", "groups"];

/**
 * A token for one use within a minute. Throws if a setting is missing, the secret is too short, or there is no `sub`.
 * @param user `sub`, an id that stays this person's for ever; and, if you like, `name`, `email`, `email_verified`,
 *   `groups` (an array). Take it from your session, never from what a browser sends.
 */
export function chatToken(user) {
  if (typeof user.sub !== "string" || !user.sub) throw new Error("sub must be a text, and not empty.");
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: "HS256", typ: "JWT", kid: setting("CHAT_KID") };
  const claims = {
    aud: `${setting("CHAT_URL").replace(/\/+$/, "")}/embed/${setting("CHAT_EMBED")}`,
    sub: user.sub,
    iat: now,
    exp: now + LIFETIME,
    jti: randomUUID(),
  };
  for (const name of OPTIONAL) if (user[name] != null) claims[name] = user[name];
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${createHmac("sha256", secret()).update(signed).digest("base64url")}`;
}

function encoded(part) {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function secret() {
  const key = Buffer.from(setting("CHAT_SECRET"));
  if (key.length < 32) throw new Error("CHAT_SECRET is too short: at least 32 bytes are needed.");
  return key;
}

function setting(name) {
  if (!process.env[name]) throw new Error(`${name} is not set.`);
  return process.env[name];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(chatToken({ sub: process.argv[2] }));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
