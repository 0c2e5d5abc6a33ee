/**
 * The network key: what the members of one network have in common and nobody else has. One line of text in a file that
 * is copied from board to board; everything else (authority, certificates) is derived from it (trust.ts).
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { chmod, readFile, stat } from 'node:fs/promises';
import { CommandError, exitStatus, exitStatusOf, systemCodeOf } from '../system/exit-status.ts';
import { makeSecretFile } from '../system/secret-file.ts';

export interface NetworkKey {
  readonly file: string;
  /** 32 bytes. Never logged. */
  readonly secret: Buffer;
  /** 16 hex characters that tell two keys apart and say nothing about them; shown in messages. */
  readonly fingerprint: string;
  /** True when this process has just made it. */
  readonly made: boolean;
}

const SECRET_BYTES = 32;
const LABEL = 'cloudroid-network-key-1';
/** Nothing in a key file may be longer: a disk image given by mistake is not read. */
const MAX_FILE_BYTES = 4096;

/**
 * Three processes that start at once agree on one key: the file appears whole, by link(2), or not at all.
 * @throws CommandError when the file is damaged, is not readable or cannot be made; it names the file.
 */
export async function loadOrMakeNetworkKey(file: string): Promise<NetworkKey> {
  try {
    const found = await read(file);
    if (found !== null) return toKey(file, parse(file, found), false);
    const made = await publish(file, randomBytes(SECRET_BYTES));
    // Read back in any case: another process may have been first.
    const text = await read(file);
    if (text === null) throw new CommandError(exitStatus.cannotCreate, `${file} vanished while it was read.`);
    return toKey(file, parse(file, text), made);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      exitStatusOf(error),
      `The network key ${file} can neither be read nor made: ${why}.`,
      {
        cause: error,
      },
    );
  }
}

function toKey(file: string, secret: Buffer, made: boolean): NetworkKey {
  const print = Buffer.from(hkdfSync('sha256', secret, 'cloudroid', 'fingerprint of the network key', 8));
  return { file, secret, fingerprint: print.toString('hex'), made };
}

/** Null when there is none. */
async function read(file: string): Promise<string | null> {
  try {
    const { size, mode } = await stat(file);
    if (size > MAX_FILE_BYTES) throw damaged(file, `it has ${size} bytes`);
    // Copying over a USB stick makes keys readable for everybody; a file system without modes refuses, which is no news.
    if ((mode & 0o077) !== 0) {
      await chmod(file, 0o600).catch((error: unknown) => {
        if (!['EPERM', 'EROFS', 'ENOTSUP'].includes(systemCodeOf(error) ?? '')) throw error;
      });
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function parse(file: string, text: string): Buffer {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [label, encoded, ...more] = (lines[0] ?? '').trim().split(/\s+/);
  if (lines.length !== 1 || label !== LABEL || encoded === undefined || more.length > 0) {
    throw damaged(file, `it is not one line "${LABEL} <43 letters>"`);
  }
  const secret = Buffer.from(encoded, 'base64url');
  if (secret.length !== SECRET_BYTES || secret.toString('base64url') !== encoded) {
    throw damaged(file, 'the key in it is cut off or mistyped');
  }
  return secret;
}

function damaged(file: string, what: string): CommandError {
  return new CommandError(
    exitStatus.configuration,
    `${file} is not a network key: ${what}. Copy it again from a member of your network, or remove it to begin a new network.`,
  );
}

/** False when another process was first. */
async function publish(file: string, secret: Buffer): Promise<boolean> {
  const text = [
    '# The network key of Cloudroid. Every member of the network needs the same one; keep it secret.',
    `${LABEL} ${secret.toString('base64url')}`,
    '',
  ].join('\n');
  return await makeSecretFile(file, text);
}
