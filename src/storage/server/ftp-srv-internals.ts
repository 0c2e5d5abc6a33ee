/**
 * What we use of the inside of ftp-srv 4.6.3 besides its public face. test/storage/storage-server-contract.test.ts
 * fails when another version is installed or when one of these is not there any more.
 */
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Server, TLSSocket } from 'node:tls';
import { type FtpServerOptions, FtpSrv } from 'ftp-srv';

export const FTP_SRV_VERSION = '4.6.3';

/** What `Commands.parse` returns (src/commands/index.js). */
export interface SrvCommand {
  readonly directive: string;
  readonly arg: string | null;
  readonly flags: readonly string[];
  readonly raw: string;
}

/** src/commands/index.js: one for each connection, so that replacing its methods touches no other server. */
export interface SrvCommands {
  parse(message: string): SrvCommand;
  handle(command: string | SrvCommand): PromiseLike<unknown>;
}

/** src/connector/base.js: `end` is called when the control connection closes. */
export interface SrvConnector {
  end(): void;
}

/** src/connection.js */
export interface SrvConnection {
  readonly id: string;
  readonly commandSocket: TLSSocket;
  readonly commands: SrvCommands;
  connector: SrvConnector;
  authenticated?: boolean;
  restByteCount: number | undefined;
  close(code: number, message?: string): PromiseLike<unknown>;
}

/** src/index.js */
export interface SrvServer extends EventEmitter {
  readonly server: Server;
  listen(): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
}

/** A logger of the shape that ftp-srv expects (bunyan). */
export interface SrvLog {
  child(fields: object): SrvLog;
  trace(...words: readonly unknown[]): void;
  debug(...words: readonly unknown[]): void;
  info(...words: readonly unknown[]): void;
  warn(...words: readonly unknown[]): void;
  error(...words: readonly unknown[]): void;
}

const EXIT_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/** ftp-srv installs handlers that close the server and exit the process, and never removes them: ours decide that. */
export function makeSrvServer(options: FtpServerOptions): SrvServer {
  const before = new Map(EXIT_SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  const server = new FtpSrv(options) as unknown as SrvServer;
  for (const signal of EXIT_SIGNALS) {
    for (const listener of process.listeners(signal)) {
      if (before.get(signal)?.includes(listener) !== true) process.removeListener(signal, listener);
    }
  }
  return server;
}

export function installedFtpSrvVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('ftp-srv/package.json');
  return String(Object(manifest).version);
}
