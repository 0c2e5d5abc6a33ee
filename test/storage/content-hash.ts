import { createHash } from 'node:crypto';

/** sha256, lower-case hex. */
export function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
