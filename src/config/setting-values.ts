/** What settings are made of. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
export interface PortRange {
  readonly from: number;
  readonly to: number;
}
/** `192.168.0.0/16` is {address: '192.168.0.0', prefix: 16, family: 'ipv4'}. */
export interface Subnet {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}
export type AckMode = 'reachable' | 'local' | 'two' | 'quorum' | 'all';
export type OutsideDeletions = 'restore' | 'propagate';
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
