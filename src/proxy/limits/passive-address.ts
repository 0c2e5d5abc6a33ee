/**
 * The address that PASV names (RFC 959 section 4.1.2): behind NAT the one on the outside, for clients on the outside.
 * A name is looked up again and again, because the addresses of homes change; while nobody can answer, the last good
 * answer stands.
 */
import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import type { GatewaySettings } from '../../config/gateway-settings.ts';
import { AddressList } from '../../ftp/address-list.ts';
import type { Logger } from '../../system/logger-api.ts';

export interface PassiveAddressOptions extends Pick<GatewaySettings, 'passiveAddress' | 'localNetworks'> {
  readonly logger: Logger;
  /** IPv4 address of a name (tests). @throws when there is none or nobody answers */
  readonly lookUp?: (name: string) => Promise<string>;
  /** After an answer (tests). */
  readonly everyMs?: number;
  /** After a failure (tests). */
  readonly againMs?: number;
}

const EVERY_MS = 5 * 60_000;
const AGAIN_MS = 30_000;

export class PassiveAddress {
  readonly #options: PassiveAddressOptions;
  readonly #local: AddressList;
  /** Null: none was asked for, or its name has never been answered. */
  #outside: string | null = null;
  #failing = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PassiveAddressOptions) {
    this.#options = options;
    this.#local = new AddressList(options.localNetworks);
    const { passiveAddress } = options;
    if (passiveAddress === null) return;
    if (isIPv4(passiveAddress)) this.#outside = passiveAddress;
    else void this.#keepLookingUp(passiveAddress);
  }

  /** `local`: where this client reached us, IPv4; all that is known about the way of a client inside. */
  for(client: string, local: string): string {
    if (this.#outside === null || this.#local.has(client)) return local;
    return this.#outside;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Never rejects. */
  async #keepLookingUp(name: string): Promise<void> {
    const { lookUp = firstIPv4, everyMs = EVERY_MS, againMs = AGAIN_MS, logger } = this.#options;
    let waitMs = everyMs;
    try {
      const address = await lookUp(name);
      if (!isIPv4(address)) throw new Error(`${address} is no IPv4 address`);
      if (address !== this.#outside || this.#failing) logger.info('PASV names', { name, address });
      this.#outside = address;
      this.#failing = false;
    } catch (error) {
      waitMs = againMs;
      if (!this.#failing) {
        logger.warn('nobody knows the address that PASV should name', {
          name,
          why: error instanceof Error ? error.message : String(error),
          instead: this.#outside ?? 'the local address',
        });
      }
      this.#failing = true;
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#keepLookingUp(name), waitMs).unref();
  }
}

async function firstIPv4(name: string): Promise<string> {
  return (await lookup(name, { family: 4 })).address;
}
