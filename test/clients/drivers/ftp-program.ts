/** What a test asks of an FTP program, whatever the program is. */
import type { ExecutionContext } from 'ava';

/** Plain FTP; TLS asked for by AUTH TLS; TLS from the first byte. Where there is TLS, data connections have it too. */
export type Security = 'none' | 'explicit' | 'implicit';

/** Where to connect, how, and as whom. */
export interface Door {
  readonly host: string;
  /** The one that fits `security`. */
  readonly port: number;
  readonly security: Security;
  readonly user: string;
  readonly password: string;
}

/**
 * Remote paths are absolute, local ones plain names in a folder of the test's own. Every call is a session of its own and
 * fails the test, with what the program said, when it did not work. What a program cannot do is left out.
 */
export interface FtpProgram {
  readonly title: string;
  /** Executables it needs. */
  readonly needs: readonly string[];
  /** Kinds of TLS it can do besides plain FTP. */
  readonly secures?: readonly Security[];
  /** What it needs for TLS besides. */
  readonly secureNeeds?: readonly string[];
  /** Why this program cannot say that name, or null. */
  cannotSay?(name: string): string | null;
  /** Why this program cannot send a file without bytes, or null. */
  cannotSendEmpty?(door: Door): string | null;
  /** Left out by programs that only fetch; what they fetch was stored by hand. */
  upload?(t: ExecutionContext, door: Door, local: string, remote: string): Promise<void>;
  download(t: ExecutionContext, door: Door, remote: string, local: string): Promise<void>;
  makeFolder?(t: ExecutionContext, door: Door, folder: string): Promise<void>;
  /** Bare names in the folder. */
  list?(t: ExecutionContext, door: Door, folder: string): Promise<string[]>;
  rename?(t: ExecutionContext, door: Door, from: string, to: string): Promise<void>;
  remove?(t: ExecutionContext, door: Door, remote: string): Promise<void>;
  removeFolder?(t: ExecutionContext, door: Door, folder: string): Promise<void>;
  append?(t: ExecutionContext, door: Door, local: string, remote: string): Promise<void>;
  /** The remote file holds the first `offset` bytes of the local one; send the rest. */
  resumeUpload?(
    t: ExecutionContext,
    door: Door,
    local: string,
    remote: string,
    offset: number,
  ): Promise<void>;
  /** The local file holds the first `offset` bytes of the remote one; fetch the rest. */
  resumeDownload?(
    t: ExecutionContext,
    door: Door,
    remote: string,
    local: string,
    offset: number,
  ): Promise<void>;
  /** Every file of a flat local folder (names of crowdNames) into a remote folder that exists, in one session where it can. */
  sendFolder?(t: ExecutionContext, door: Door, local: string, remote: string): Promise<void>;
  /** Every file of a flat remote folder into a local folder that exists and is empty. */
  fetchFolder?(t: ExecutionContext, door: Door, remote: string, local: string): Promise<void>;
}

/** `file-001` to `file-300`: plain, so that programs that count or glob can name them. */
export const crowdNames: readonly string[] = Array.from(
  { length: 300 },
  (_, index) => `file-${String(index + 1).padStart(3, '0')}`,
);

export function linesOf(output: Uint8Array): string[] {
  return Buffer.from(output)
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}
