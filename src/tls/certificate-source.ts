/**
 * The certificate of the gateway: the one from the settings, read again when its files change and on SIGHUP, or the one
 * that the member makes for itself. New handshakes take the newest; sessions that run go on with theirs.
 */
import { X509Certificate } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { SecureContext } from 'node:tls';
import { CommandError, exitStatus } from '../system/exit-status.ts';
import type { Logger } from '../system/logger-api.ts';
import { loadOrMakeOwnCertificate, makeCertificate } from './own-certificate.ts';
import { type KeyPair, secureContextFor } from './secure-context.ts';

/** Where the folder cannot be watched (network mounts), and after links were changed elsewhere. */
const POLL_MS = 30_000;
/** Certificate and key are written one after the other. */
const SETTLE_MS = 500;

export interface CertificateOptions {
  readonly tlsCertFile: string | null;
  readonly tlsKeyFile: string | null;
  readonly stateDir: string;
  /** What people call the member. */
  readonly name: string;
  readonly logger: Logger;
  /** Milliseconds a changed file must rest; tests shorten it. */
  readonly settleMs?: number;
}

export interface CertificateSource {
  /** The newest. */
  readonly context: SecureContext;
  /** SHA-256 of the newest certificate, as `AB:CD:...`. */
  readonly fingerprint: string;
  close(): void;
}

interface Loaded {
  readonly text: string;
  readonly context: SecureContext;
  readonly fingerprint: string;
}

/** @throws CommandError when the files of the settings cannot be used. */
export async function openCertificateSource(options: CertificateOptions): Promise<CertificateSource> {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, logger } = options;
  if (certFile === null && keyFile === null) {
    const own = load(await ownCertificate(options));
    tell(logger, own, 'the certificate for FTPS is the own one of this member');
    return { ...own, close: () => undefined };
  }
  if (certFile === null || keyFile === null) {
    throw new CommandError(exitStatus.configuration, 'tls-cert-file and tls-key-file belong together.');
  }
  return watchFiles(certFile, keyFile, logger, options.settleMs ?? SETTLE_MS);
}

/** A disk that is full or read-only must not keep clients out: then the certificate lives as long as the process. */
async function ownCertificate({ stateDir, name, logger }: CertificateOptions): Promise<KeyPair> {
  try {
    return await loadOrMakeOwnCertificate(stateDir, name);
  } catch (error) {
    logger.error('the own certificate can neither be read nor kept; the next start has another one', {
      why: messageOf(error),
    });
    return await makeCertificate(name);
  }
}

function watchFiles(certFile: string, keyFile: string, logger: Logger, settleMs: number): CertificateSource {
  let loaded: Loaded;
  try {
    loaded = load(readPair(certFile, keyFile));
  } catch (error) {
    throw new CommandError(
      exitStatus.configuration,
      `The certificate ${certFile} with the key ${keyFile} cannot be used: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  tell(logger, loaded, 'the certificate for FTPS is the one of the settings', { file: certFile });
  let lastTrouble = '';
  const look = (): void => {
    try {
      const pair = readPair(certFile, keyFile);
      if (textOf(pair) === loaded.text) {
        lastTrouble = '';
        return;
      }
      loaded = load(pair);
      lastTrouble = '';
      tell(logger, loaded, 'the certificate for FTPS was renewed', { file: certFile });
    } catch (error) {
      const why = messageOf(error);
      if (why !== lastTrouble) {
        logger.error('the new certificate cannot be used; the old one stays', { file: certFile, why });
      }
      lastTrouble = why;
    }
  };

  let settle: NodeJS.Timeout | null = null;
  const lookSoon = (): void => {
    if (settle !== null) clearTimeout(settle);
    settle = setTimeout(look, settleMs).unref();
  };
  const watchers = [...new Set([dirname(certFile), dirname(keyFile)])].flatMap((folder) =>
    watchFolder(folder, lookSoon, logger),
  );
  const poll = setInterval(look, POLL_MS).unref();
  process.on('SIGHUP', look);
  return {
    get context() {
      return loaded.context;
    },
    get fingerprint() {
      return loaded.fingerprint;
    },
    close() {
      process.off('SIGHUP', look);
      clearInterval(poll);
      if (settle !== null) clearTimeout(settle);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Files are replaced rather than written into, often by a link beside them: any change in the folder is worth a look. */
function watchFolder(folder: string, onChange: () => void, logger: Logger): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, onChange);
    watcher.once('error', () => watcher.close());
    return [watcher];
  } catch (error) {
    logger.debug('the folder of the certificate cannot be watched; looking now and then', { folder, error });
    return [];
  }
}

function readPair(certFile: string, keyFile: string): KeyPair {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

function load(pair: KeyPair): Loaded {
  const context = secureContextFor(pair);
  return { text: textOf(pair), context, fingerprint: new X509Certificate(pair.cert).fingerprint256 };
}

function textOf({ cert, key }: KeyPair): string {
  return `${cert}\0${key}`;
}

function tell(logger: Logger, { fingerprint }: Loaded, message: string, more: object = {}): void {
  logger.info(message, { ...more, sha256: fingerprint });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
