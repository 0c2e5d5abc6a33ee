/** Every setting of a member after defaults and checks; settings.ts makes it from options, variables and the file. */
import type { GatewaySettings } from './gateway-settings.ts';
import type { LimitSettings } from './limit-settings.ts';
import type { AckMode, Endpoint, LogLevel, OutsideDeletions, PortRange } from './setting-values.ts';

export type { AckMode, Endpoint, PortRange, Subnet } from './setting-values.ts';

export interface Settings extends GatewaySettings, LimitSettings {
  readonly dataDir: string;
  /** `<dataDir>/files` */
  readonly filesDir: string;
  /** `<dataDir>/state` unless set. */
  readonly stateDir: string;
  /** Where a disk must be mounted; null: nowhere. */
  readonly mountDir: string | null;
  /** Gateway. Host 0.0.0.0 stands for every address, IPv6 too. */
  readonly listen: Endpoint;
  readonly storageListen: Endpoint;
  readonly peersFile: string;
  /** What people call this member; default: the host name. */
  readonly name: string;
  readonly networkKeyFile: string;
  readonly storagePassivePorts: PortRange;
  readonly ack: AckMode;
  /** node-cron expression. */
  readonly sweep: string;
  /** What the absence of a catalogued file on disk means. */
  readonly outsideDeletions: OutsideDeletions;
  readonly logLevel: LogLevel;
}

/** Made at first start, kept in `<stateDir>/member.json`. */
export interface Identity {
  /** Permanent, `[a-z0-9-]{1,40}`: name at first start + random tail. */
  readonly member: string;
  readonly name: string;
}
