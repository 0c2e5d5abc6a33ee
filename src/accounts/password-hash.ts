/** Passwords as scrypt hashes (RFC 7914). */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** Binary values in base64. */
export interface PasswordHash {
  readonly kind: 'scrypt';
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: string;
  readonly hash: string;
}

/** 16 MiB and about 40 ms on a PC, 200 ms on a small board: what a board of 2 GB can spare for two logins at once. */
const COST = 2 ** 14;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** A hash from elsewhere must not take all memory: 64 MiB. */
const MOST_MEMORY_BYTES = 64 * 1024 * 1024;
export const LONGEST_PASSWORD_BYTES = 256;

/** Fit for the record of an account; parameters within what one login may cost here. */
export function isPasswordHash(value: unknown): value is PasswordHash {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, cost, blockSize, parallelization, salt, hash } = value as { readonly [key: string]: unknown };
  const numbers = [cost, blockSize, parallelization];
  if (kind !== 'scrypt' || typeof salt !== 'string' || typeof hash !== 'string') return false;
  if (!numbers.every((each) => typeof each === 'number' && Number.isInteger(each) && each >= 1)) return false;
  const [n = 0, r = 0, p = 0] = numbers.map(Number);
  if (n < 2 || (n & (n - 1)) !== 0 || 128 * n * r + 128 * r * p > MOST_MEMORY_BYTES || p > 16) return false;
  return Buffer.from(hash, 'base64').length === HASH_BYTES && Buffer.from(salt, 'base64').length >= 8;
}

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES);
  const parameters = { cost: COST, blockSize: BLOCK_SIZE, parallelization: PARALLELIZATION };
  const hash = await derive(password, salt, parameters);
  return { kind: 'scrypt', ...parameters, salt: salt.toString('base64'), hash: hash.toString('base64') };
}

export async function isPassword(
  password: string,
  { salt, hash, ...stored }: PasswordHash,
): Promise<boolean> {
  const { cost, blockSize, parallelization } = stored;
  const given = await derive(password, Buffer.from(salt, 'base64'), { cost, blockSize, parallelization });
  return timingSafeEqual(given, Buffer.from(hash, 'base64')) && fits(password);
}

/** As much work as for an account, for a name that has none: the answer comes neither sooner nor later. */
export async function pretendToCheck(password: string): Promise<false> {
  await derive(password, NO_SALT, { cost: COST, blockSize: BLOCK_SIZE, parallelization: PARALLELIZATION });
  return false;
}

const NO_SALT = randomBytes(SALT_BYTES);

function fits(password: string): boolean {
  return Buffer.byteLength(password) <= LONGEST_PASSWORD_BYTES;
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  // Hashing a longer one costs more, and 8 KiB fit into a line.
  const bytes = Buffer.from(password, 'utf8').subarray(0, LONGEST_PASSWORD_BYTES);
  return new Promise((resolve, reject) => {
    scrypt(bytes, salt, HASH_BYTES, { ...options, maxmem: 2 * MOST_MEMORY_BYTES }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
