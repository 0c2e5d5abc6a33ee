/** Tells once for each address why it got no further than the TLS handshake, and what to do about it. */
import type { TlsCredentials } from '../peers/trust.ts';
import { systemCodeOf } from '../system/exit-status.ts';
import type { Logger } from '../system/logger-api.ts';

const AGAIN_MS = 3_600_000;
const MAX_ADDRESSES = 1000;

export class HandshakeLog {
  readonly #credentials: TlsCredentials;
  readonly #logger: Logger;
  readonly #told = new Map<string, number>();

  constructor(credentials: TlsCredentials, logger: Logger) {
    this.#credentials = credentials;
    this.#logger = logger;
  }

  refused(address: string, error: Error): void {
    const now = performance.now();
    const told = this.#told.get(address);
    if (address === '' || (told !== undefined && now - told < AGAIN_MS)) return;
    const cause = this.#causeOf(error);
    if (cause === null) {
      this.#logger.debug('a handshake was broken off', { address, error });
      return;
    }
    if (this.#told.size >= MAX_ADDRESSES) this.#told.clear();
    this.#told.set(address, now);
    this.#logger.warn(`${address} was refused on the storage port: ${cause}`, { why: error.message });
  }

  /** Null: connections that simply ended. */
  #causeOf(error: Error): string | null {
    const code = systemCodeOf(error) ?? '';
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
    return code.startsWith('ERR_SSL') ? `its TLS handshake failed; ${cure}` : null;
  }
}
