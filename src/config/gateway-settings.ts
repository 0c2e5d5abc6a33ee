/** Settings of the gateway: how clients reach it and what it takes. Its limits are in limit-settings.ts. */

import { endpointOrOff, hostOrNone, nameEncoding, optional, subnets } from './gateway-checks.ts';
import { setting, type ValuesOf } from './setting.ts';
import { path, portRange, wholeNumber, yesOrNo } from './setting-checks.ts';

export const gatewaySettings = {
  'passive-ports': setting({
    check: portRange,
    default: '30000-30099',
    description: 'Ports for the data connections of clients, outside 32768-60999',
    placeholder: 'from-to',
  }),
  'accept-abrupt-close': setting({
    check: yesOrNo,
    default: 'no',
    description: 'Keep uploads of devices that hang up without waiting for the reply',
    placeholder: null,
  }),
  'tls-listen': setting({
    check: endpointOrOff,
    default: 'off',
    description:
      'Where FTP clients connect that begin with TLS at once (implicit FTPS, mostly port 990); or off',
    placeholder: 'address:port',
  }),
  'tls-cert-file': setting({
    check: optional(path),
    default: '',
    defaultShown: 'one is made in <data>/state',
    description: 'Certificate for FTPS (PEM, with its chain); read again when it changes',
    placeholder: 'file',
    isPath: true,
  }),
  'tls-key-file': setting({
    check: optional(path),
    default: '',
    defaultShown: 'one is made in <data>/state',
    description: 'Private key of that certificate (PEM)',
    placeholder: 'file',
    isPath: true,
  }),
  'require-tls': setting({
    check: yesOrNo,
    default: 'no',
    description: 'Nobody logs in and nothing is transferred without TLS',
    placeholder: null,
  }),
  'strict-tls-close': setting({
    check: yesOrNo,
    default: 'no',
    description:
      'An upload over TLS whose end is not signed (close_notify) is not stored; some clients never do it',
    placeholder: null,
  }),
  'passive-address': setting({
    check: hostOrNone,
    default: '',
    defaultShown: 'the address that the client connected to',
    description: 'IPv4 address or name under which clients from outside reach this member (behind NAT)',
    placeholder: 'address',
  }),
  'local-networks': setting({
    check: subnets,
    default:
      '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.0/8,169.254.0.0/16,100.64.0.0/10,::1/128,fc00::/7,fe80::/10',
    defaultShown: 'the private ones',
    description: 'Clients from there are not told --passive-address but the address they connected to',
    placeholder: 'networks',
  }),
  'active-mode': setting({
    check: yesOrNo,
    default: 'yes',
    description: 'PORT and EPRT: this member connects to the client (only ever to its own address)',
    placeholder: 'yes|no',
  }),
  'name-encoding': setting({
    check: nameEncoding,
    default: 'utf-8',
    description:
      'latin-1: names that are not UTF-8 are taken for Latin-1, as old devices send them, not refused',
    placeholder: 'utf-8|latin-1',
  }),
  'keep-parts-hours': setting({
    check: wholeNumber(0, 720),
    default: '24',
    description:
      'How long an upload that broke off is kept, so that the client can go on with it; 0: not at all',
    placeholder: 'hours',
  }),
};

export type GatewaySettings = ValuesOf<typeof gatewaySettings>;
