/** Tells once for each address why it got no further than the TLS handshake, and what to do about it. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { normaliseAddress } from '../../ftp/address.ts';
import type { TlsCredentials } from '../../peers/trust.ts';
import { systemCodeOf } from '../../system/exit-status.ts';
import type { Logger } from '../../system/logger-api.ts';

const AGAIN_MS = 3_600_000;
const REPEATED_MS = 60_000;
const MAX_ADDRESSES = 1000;
/** Somebody with a whole network of addresses must not fill the log either. */
const MOST_LINES_A_MINUTE = 20;

export class HandshakeLog {
  readonly #credentials: TlsCredentials;
  readonly #logger: Logger;
  readonly #told = new Map<string, number>();
  readonly #brokenOff = new Map<string, number>();
  #minute = { startedAt: Number.NEGATIVE_INFINITY, lines: 0 };

  constructor(credentials: TlsCredentials, logger: Logger) {
    this.#credentials = credentials;
    this.#logger = logger;
  }

  /** For the event 'tlsClientError'. */
  refused(error: Error, socket: TLSSocket): void {
    const now = performance.now();
    const address = addressOf(socket);
    const told = this.#told.get(address);
    if (told !== undefined && now - told < AGAIN_MS) return;
    // A certificate that does not verify is no error of the handshake: Node cuts the socket and says ECONNRESET.
    const unverified: unknown = socket.authorizationError;
    const code = typeof unverified === 'string' ? unverified : (systemCodeOf(error) ?? '');
    const cause = this.#causeOf(code, below(socket)?.bytesRead ?? 0);
    if (cause === null || (code === 'ECONNRESET' && !this.#isRepeated(address, now))) {
      this.#logger.debug('a handshake was broken off', { address, error });
      return;
    }
    if (!this.#mayTell(now)) return;
    if (this.#told.size >= MAX_ADDRESSES) this.#told.clear();
    this.#told.set(address, now);
    this.#logger.warn(`${address} was refused on the storage port: ${cause}`, { code });
  }

  #mayTell(now: number): boolean {
    if (now - this.#minute.startedAt >= REPEATED_MS) this.#minute = { startedAt: now, lines: 0 };
    this.#minute.lines += 1;
    return this.#minute.lines <= MOST_LINES_A_MINUTE;
  }

  /** A process of ours that is stopped in the middle of a handshake hangs up too, once; a member with another key goes on. */
  #isRepeated(address: string, now: number): boolean {
    const before = this.#brokenOff.get(address);
    if (this.#brokenOff.size >= MAX_ADDRESSES) this.#brokenOff.clear();
    this.#brokenOff.set(address, now);
    return before !== undefined && now - before < REPEATED_MS;
  }

  /** Null: connections that simply ended. */
  #causeOf(code: string, received: number): string | null {
    const { keyFile, fingerprint } = this.#credentials;
    const cure = `if it is to be a member, copy ${keyFile} of this machine (key ${fingerprint}) to it and restart it, or the other way round`;
    if (/UNKNOWN_CA|BAD_CERTIFICATE|SELF_SIGNED|UNABLE_TO|CERT_|DECRYPT_ERROR/.test(code)) {
      return `it has another network key; ${cure}`;
    }
    if (/PEER_DID_NOT_RETURN|CERTIFICATE_REQUIRED/.test(code)) return `it has no network key; ${cure}`;
    if (
      /HTTP_REQUEST|WRONG_VERSION|UNEXPECTED_MESSAGE|UNSUPPORTED_PROTOCOL|RECORD|PACKET_LENGTH/.test(code)
    ) {
      return 'it does not speak TLS; this port is for members only, FTP clients use port 6000';
    }
    // A Cloudroid with another key sees our certificate first and hangs up without a word.
    if (code === 'ECONNRESET' && received > 0) {
      return `it broke the TLS handshake off, as a member with another network key does; ${cure}`;
    }
    return code.startsWith('ERR_SSL') ? `its TLS handshake failed; ${cure}` : null;
  }
}

/** The TCP socket below, which still knows what the TLS socket has forgotten when the event comes. */
function below(socket: TLSSocket): Socket | null {
  return '_parent' in socket ? (socket._parent as Socket | null) : null;
}

/** connection-limits.ts asks every socket for its address when it comes, so that it is known to the end. */
function addressOf(socket: TLSSocket): string {
  return normaliseAddress(socket.remoteAddress ?? below(socket)?.remoteAddress) || 'somebody';
}
