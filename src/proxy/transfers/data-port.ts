/** Where a session's next data connection will come from; one preparation at a time. */
import type { Socket } from 'node:net';
import type { PortRange } from '../../config/settings-api.ts';
import { connectActive, NothingPrepared, type PassiveListener } from '../../ftp/data-connection.ts';
import type { PassivePorts } from '../limits/passive-ports.ts';

type Preparation =
  | { readonly kind: 'none' }
  | { readonly kind: 'passive'; readonly listener: PassiveListener }
  | { readonly kind: 'active'; readonly port: number };

export interface DataPortOptions {
  readonly localAddress: string;
  readonly clientAddress: string;
  readonly ports: PortRange;
  readonly pool: PassivePorts;
  readonly lifetimeMs: number;
  readonly timeoutMs: number;
  readonly onStranger: (address: string) => void;
}

export class DataPort {
  readonly #options: DataPortOptions;
  #preparation: Preparation = { kind: 'none' };

  constructor(options: DataPortOptions) {
    this.#options = options;
  }

  /** The port to connect to. @throws NoDataConnection */
  async listen(): Promise<number> {
    this.close();
    const listener = await this.#options.pool.open(this.#options);
    this.#preparation = { kind: 'passive', listener };
    return listener.port;
  }

  /** Only ever the client's own address (RFC 2577 section 3); the caller has compared. */
  connectTo(port: number): void {
    this.close();
    this.#preparation = { kind: 'active', port };
  }

  get prepared(): boolean {
    return this.#preparation.kind !== 'none';
  }

  /** The connection, paused. @throws NoDataConnection, or the signal's reason. */
  open(signal: AbortSignal): Promise<Socket> {
    const preparation = this.#preparation;
    this.#preparation = { kind: 'none' };
    const { localAddress, clientAddress: host, timeoutMs } = this.#options;
    switch (preparation.kind) {
      case 'none':
        return Promise.reject(new NothingPrepared('Use EPSV, PASV, EPRT or PORT first.'));
      case 'passive':
        return preparation.listener.accept(signal, timeoutMs);
      case 'active':
        return connectActive({ localAddress, host, port: preparation.port, timeoutMs }, signal);
    }
  }

  close(): void {
    if (this.#preparation.kind === 'passive') this.#preparation.listener.close();
    this.#preparation = { kind: 'none' };
  }
}
