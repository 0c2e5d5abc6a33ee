/** What the gateway is started with. `passivePorts` 0-0: any free port (tests). */
import type { SecureContext } from 'node:tls';
import type { GatewaySettings } from '../config/gateway-settings.ts';
import type { LimitSettings } from '../config/limit-settings.ts';
import type { Endpoint } from '../config/settings-api.ts';
import type { SlabPool } from '../ftp/slabs.ts';
import type { ReplicaSet } from '../peers/replica-set-api.ts';
import type { FairTurns } from '../system/fair-turns.ts';
import type { Logger } from '../system/logger-api.ts';
import type { PassivePorts } from './limits/passive-ports.ts';
import type { KeptLately } from './transfers/kept-lately.ts';
import type { UploadsUnderWay } from './transfers/uploads-under-way.ts';
import type { Users } from './users.ts';
import type { QuotaLedger } from './view/quota-ledger.ts';

export interface ProxyOptions extends GatewaySettings, LimitSettings {
  /** Host 0.0.0.0 stands for every address, IPv6 too; port 0 for any (tests). */
  readonly listen: Endpoint;
  readonly replicas: ReplicaSet;
  readonly logger: Logger;
  /** What people call this member; greets the client. */
  readonly name: string;
  /** Without it there is no TLS (tests). */
  readonly tls?: TlsProvider;
  /** Default: those of the network. */
  readonly users?: Users;
  readonly limits?: Partial<ProxyLimits>;
}

/** Certificate and key of the gateway. */
export interface TlsProvider {
  /** Of this moment: another one when the certificate was renewed. For control and data connections alike. */
  readonly context: SecureContext;
}

/** Limits in milliseconds and those without a setting of their own; tests shorten them. */
export interface ProxyLimits {
  /** --login-timeout-seconds. */
  readonly loginMs: number;
  readonly loginTries: number;
  /** When there are too many sessions: who has not logged in after so long makes place. */
  readonly strangerMs: number;
  /** Delay of the second failed login of an address; doubles with each one more. */
  readonly loginDelayMs: number;
  /** From the transfer command to the data connection. */
  readonly dataConnectionMs: number;
  /** How long PASV waits for a free port. */
  readonly passiveWaitMs: number;
  /** How long a passive port waits for a transfer command and its client. */
  readonly passiveLifetimeMs: number;
  /** --stall-timeout-seconds: a data connection on which the client does nothing. */
  readonly stallMs: number;
  /** Over how much of the client's time --min-data-rate is measured. */
  readonly paceWindowMs: number;
  /** So long without a byte, and the same client may go on with its upload in another session. */
  readonly silentMs: number;
  /** After so long without a data connection the 150 goes out ahead of it, for clients that wait for it. */
  readonly early150Ms: number;
  /** For a TLS handshake. */
  readonly handshakeMs: number;
}

const FIXED_LIMITS = {
  loginTries: 5,
  strangerMs: 5_000,
  loginDelayMs: 250,
  dataConnectionMs: 20_000,
  passiveWaitMs: 10_000,
  passiveLifetimeMs: 30_000,
  paceWindowMs: 60_000,
  silentMs: 10_000,
  early150Ms: 500,
  handshakeMs: 15_000,
};

/** As the settings say, unless `limits` says otherwise. */
export function limitsOf(options: ProxyOptions): ProxyLimits {
  return {
    ...FIXED_LIMITS,
    loginMs: options.loginTimeoutSeconds * 1000,
    stallMs: options.stallTimeoutSeconds * 1000,
    ...options.limits,
  };
}

/** What all sessions of a proxy share. */
export interface ProxyServices extends Omit<ProxyOptions, 'limits' | 'users'> {
  readonly users: Users;
  readonly limits: ProxyLimits;
  readonly throttle: LoginDelays;
  readonly loginRate: LoginCounter;
  /** Sessions that are logged in under this name now. */
  sessionsOf(user: string): number;
  readonly slabs: SlabPool;
  readonly uploads: UploadsUnderWay;
  readonly keptLately: KeptLately;
  readonly quotas: QuotaLedger;
  readonly passivePool: PassivePorts;
  /** Listings under way at once. */
  readonly listings: FairTurns;
  readonly rules: CommandPolicy;
  readonly passiveAddresses: PassiveAddresses;
}

/** Which commands clients may use (command-rules.ts). */
export interface CommandPolicy {
  /** `name` of a row of the command table. */
  allows(name: string): boolean;
}

/** What PASV names (passive-address.ts). */
export interface PassiveAddresses {
  /** IPv4, for a client of that address who reached us at `local`. */
  for(client: string, local: string): string;
}

/** Logins tried by one address in a minute (login-rate.ts). */
export interface LoginCounter {
  /** False: too many; it was not counted. */
  take(address: string): boolean;
}

/** Growing delays for addresses that guess passwords. */
export interface LoginDelays {
  /** Milliseconds to wait before looking at a password from there. */
  delayMs(address: string): number;
  failed(address: string): void;
}
