/**
 * How a process of ours ends, in the numbers of sysexits.h; the unit files and the supervisor know them.
 * A failure that a person can mend is a `CommandError`: one line, no stack.
 */
export const exitStatus = {
  done: 0,
  failed: 1,
  /** `status`: no member runs here. As `systemctl status` answers. */
  notRunning: 3,
  usage: 64,
  /** Something stored is not what was written. */
  damaged: 65,
  /** A port, or the data folder, is in use by another program. */
  inUse: 69,
  internal: 70,
  cannotCreate: 73,
  inputOutput: 74,
  /** Start me again: something is there now that was missing (the disk). */
  again: 75,
  noPermission: 77,
  configuration: 78,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** A process that ended like this would end the same way again: it is not restarted. */
const fatal: ReadonlySet<number> = new Set([
  exitStatus.usage,
  exitStatus.damaged,
  exitStatus.inUse,
  exitStatus.cannotCreate,
  exitStatus.noPermission,
  exitStatus.configuration,
]);

export function isFatal(status: number | null): boolean {
  return status !== null && fatal.has(status);
}

/** What went wrong and what to do about it, in one line for a person. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: ExitStatus;

  constructor(status: ExitStatus, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

const bySystemCode: { readonly [code: string]: ExitStatus } = {
  EADDRINUSE: exitStatus.inUse,
  EADDRNOTAVAIL: exitStatus.configuration,
  EACCES: exitStatus.noPermission,
  EPERM: exitStatus.noPermission,
  EROFS: exitStatus.cannotCreate,
  ENOSPC: exitStatus.cannotCreate,
  ENOTDIR: exitStatus.cannotCreate,
  EIO: exitStatus.inputOutput,
};

/** The code of a failed system call (`ENOENT`), or null. */
export function systemCodeOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : null;
}

export function exitStatusOf(error: unknown): ExitStatus {
  if (error instanceof CommandError) return error.status;
  return bySystemCode[systemCodeOf(error) ?? ''] ?? exitStatus.internal;
}
