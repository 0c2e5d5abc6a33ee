/** Every setting of a member after defaults and checks; settings.ts makes it from options, variables and the file. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
export interface PortRange {
  readonly from: number;
  readonly to: number;
}
export type AckMode = 'reachable' | 'local' | 'two' | 'quorum' | 'all';

export interface Settings {
  readonly dataDir: string;
  /** `<dataDir>/files` */
  readonly filesDir: string;
  /** `<dataDir>/state` */
  readonly stateDir: string;
  /** Gateway. Host 0.0.0.0 stands for every address, IPv6 too. */
  readonly listen: Endpoint;
  readonly storageListen: Endpoint;
  readonly peersFile: string;
  /** What people call this member; default: the host name. */
  readonly name: string;
  readonly networkKeyFile: string;
  readonly passivePorts: PortRange;
  readonly storagePassivePorts: PortRange;
  readonly ack: AckMode;
  /** node-cron expression. */
  readonly sweep: string;
  /** What the absence of a catalogued file on disk means. */
  readonly outsideDeletions: 'restore' | 'propagate';
  readonly acceptAbruptClose: boolean;
  readonly maxSessions: number;
  readonly maxSessionsPerAddress: number;
  readonly idleTimeoutSeconds: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
}

/** Made at first start, kept in `<stateDir>/member.json`. */
export interface Identity {
  /** Permanent, `[a-z0-9-]{1,40}`: name at first start + random tail. */
  readonly member: string;
  readonly name: string;
}
