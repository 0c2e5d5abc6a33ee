/** What a test asks of an FTP program, whatever the program is. */
import type { ExecutionContext } from 'ava';

/** Where to connect and as whom. */
export interface Door {
  readonly host: string;
  readonly port: number;
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
  /** Why this program cannot say that name, or null. */
  cannotSay?(name: string): string | null;
  upload(t: ExecutionContext, door: Door, local: string, remote: string): Promise<void>;
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
}

export function linesOf(output: Uint8Array): string[] {
  return Buffer.from(output)
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}
