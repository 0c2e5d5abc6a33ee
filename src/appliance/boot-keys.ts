/** What cloudroid.txt may say: every key once, with its check. */
import { parsePeer, peerExpected } from '../config/peers-file.ts';
import { isHost, Unfit } from '../config/setting-checks.ts';

type Check = (text: string) => string;

function oneOf(words: readonly string[], expected: string): Check {
  return (text) => {
    const word = text.toLowerCase();
    if (!words.includes(word)) throw new Unfit(expected);
    return word;
  };
}

function matching(pattern: RegExp, expected: string, change: Check = (text) => text): Check {
  return (text) => {
    if (!pattern.test(text)) throw new Unfit(expected);
    return change(text);
  };
}

/** Words with commas, spaces or lines between them; `none` alone: no longer any. */
function listOf(check: (word: string) => boolean, expected: string): Check {
  return (text) => {
    const words = text.split(/[\s,;]+/).filter((word) => word !== '');
    if (words.length === 1 && words[0]?.toLowerCase() === 'none') return '';
    const wrong = words.filter((word) => word.toLowerCase() === 'none' || !check(word));
    if (wrong.length > 0) throw new Unfit(`${expected}, or none; not so: ${wrong.join(', ')}`);
    return [...new Set(words)].join(' ');
  };
}

const KEY_LABEL = 'cloudroid-network-key-1';

/** As it stands in the file network.key; of people the last word alone is taken too. */
function networkKey(text: string): string {
  const [, encoded = ''] = /^(?:cloudroid-network-key-1\s+)?(\S+)$/.exec(text) ?? [];
  const secret = Buffer.from(encoded, 'base64url');
  if (secret.length !== 32 || secret.toString('base64url') !== encoded) {
    throw new Unfit(`${KEY_LABEL} and 43 letters, copied whole from network-key.txt of another board`);
  }
  return `${KEY_LABEL} ${encoded}`;
}

const diskExpected =
  'none, auto, LABEL=NAME, UUID=NUMBER or /dev/NAME; auto takes a disk labelled CLOUDROID-DATA';

function dataDisk(text: string): string {
  if (/^(none|auto)$/i.test(text)) return text.toLowerCase();
  const [, kind = '', name = ''] = /^(label|uuid)\s*=\s*(.*)$/i.exec(text) ?? [];
  // Of the card itself.
  if (/^(cl-root|cloudroid)$/i.test(name))
    throw new Unfit(`${diskExpected}, and not a part of the card itself`);
  if (/^label$/i.test(kind) && /^[\w.-]{1,36}$/.test(name)) return `LABEL=${name}`;
  if (/^uuid$/i.test(kind) && /^[\da-f-]{4,36}$/i.test(name)) return `UUID=${name}`;
  if (/^\/dev\/[\w/.:-]+$/.test(text) && !text.includes('..')) return text;
  throw new Unfit(diskExpected);
}

const sshKeyStart =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[\w-]+@openssh\.com) [A-Za-z0-9+/]{40,}={0,3}( .*)?$/;

function sshKeys(text: string): string {
  if (text.toLowerCase() === 'none') return '';
  const lines = text.split('\n');
  if (!lines.every((line) => sshKeyStart.test(line))) {
    throw new Unfit(
      'the one line of a public key file (id_ed25519.pub), beginning with ssh-ed25519, or none',
    );
  }
  return lines.join('\n');
}

const checks = {
  hostname: matching(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i,
    'letters a to z, digits and -, at most 63, such as cellar',
    (text) => text.toLowerCase(),
  ),
  peers: listOf((word) => parsePeer(word) !== null, `${peerExpected}; several with commas between them`),
  'network-key': networkKey,
  'replace-network-key': oneOf(['yes', 'no'], 'yes or no'),
  'show-network-key': oneOf(['yes', 'no'], 'yes or no'),
  guest: oneOf(['on', 'off', 'read-only'], 'on, off or read-only'),
  'data-disk': dataDisk,
  'accept-disk': oneOf(
    ['empty', 'files'],
    'empty (a new, empty disk) or files (the files on it are taken in)',
  ),
  timezone: matching(
    /^[A-Za-z][\w+-]*(\/[A-Za-z][\w+-]*){0,2}$/,
    'the name of a time zone, such as Europe/Berlin or UTC',
  ),
  ntp: listOf((word) => isHost(word), 'names or addresses of time servers, such as 192.168.1.1'),
  'ssh-key': sshKeys,
} as const satisfies { readonly [key: string]: Check };

export type BootKey = keyof typeof checks;

export const bootKeys = Object.keys(checks).filter((key): key is BootKey => isBootKey(key));
/** Shown nowhere, kept nowhere but in their place. */
export const secretKeys: readonly BootKey[] = ['network-key'];

export function isBootKey(word: string): word is BootKey {
  return Object.hasOwn(checks, word);
}

/** The value in its one form. Throws Unfit. */
export function checkBootValue(key: BootKey, text: string): string {
  return checks[key](text);
}
