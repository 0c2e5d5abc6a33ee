/** FTPS: AUTH, PBSZ, PROT (RFC 4217). There is no way back to plain text: CCC is 502. */
import { type Reply, reply } from '../../ftp/reply.ts';
import type { CommandDefinition } from '../command-definition.ts';
import type { Session } from '../session.ts';
import type { Protection } from '../session-security.ts';

/**
 * With what each begins for data connections. The names beside TLS are those of drafts that devices still say; who says SSL
 * or TLS-P says neither PBSZ nor PROT, and protects its data connections at once (vsftpd and ProFTPD have it so too).
 */
const MECHANISMS = new Map<string, Protection>([
  ['TLS', 'C'],
  ['TLS-C', 'C'],
  ['TLS-P', 'P'],
  ['SSL', 'P'],
]);
const LARGEST_BUFFER = 2 ** 32 - 1;

export const securityCommands: readonly CommandDefinition[] = [
  {
    name: 'AUTH',
    argument: 'required',
    syntax: 'TLS',
    needsLogin: false,
    feature: (session) => whereTlsIs(session, 'AUTH TLS'),
    help: 'TLS 1.2 or 1.3 from here on. What was sent behind it in plain text is dropped, a login made before it too. AUTH SSL and AUTH TLS-P begin with PROT P, AUTH TLS and AUTH TLS-C with PROT C. A second one is 503, other mechanisms are 504.',
    reference: 'RFC 4217 4',
    run: startTls,
  },
  {
    name: 'PBSZ',
    argument: 'required',
    syntax: '0',
    needsLogin: false,
    feature: (session) => whereTlsIs(session, 'PBSZ'),
    help: 'Comes before PROT; always 0 with TLS. 503 without AUTH.',
    reference: 'RFC 4217 8',
    run(session, argument) {
      if (!session.security.encrypted) return reply(503, 'AUTH TLS comes first.');
      const size = argument.trim();
      if (!/^\d{1,10}$/.test(size) || Number(size) > LARGEST_BUFFER) return reply(501, 'Say PBSZ 0.');
      session.security.bufferSizeSaid = true;
      return reply(200, 'PBSZ=0');
    },
  },
  {
    name: 'PROT',
    argument: 'required',
    syntax: 'P | C',
    needsLogin: false,
    feature: (session) => whereTlsIs(session, 'PROT'),
    help: 'P: data connections are under TLS; C: they are not. 503 without PBSZ, 536 for S and E, 534 for C where TLS is required; transfers without P are 521 there.',
    reference: 'RFC 4217 9',
    run: protect,
  },
];

/** Here nobody logs in without TLS. */
export function isTlsMissing({ services, security }: Session): boolean {
  return services.requireTls && !security.encrypted;
}

function whereTlsIs({ services }: Session, feature: string): string | null {
  return services.tls === undefined ? null : feature;
}

function startTls(session: Session, argument: string): Reply {
  const protection = MECHANISMS.get(argument.trim().toUpperCase());
  if (session.services.tls === undefined || protection === undefined) {
    return reply(504, session.services.tls === undefined ? 'There is no TLS here.' : 'Say AUTH TLS.');
  }
  if (session.security.encrypted) return reply(503, 'TLS is on already.');
  session.reset();
  session.security.begin(protection);
  return { ...reply(234, 'Begin with TLS.'), startsTls: true };
}

function protect({ services, security }: Session, argument: string): Reply {
  if (!security.encrypted || !security.bufferSizeSaid) return reply(503, 'AUTH TLS and PBSZ come first.');
  switch (argument.trim().toUpperCase()) {
    case 'P':
      security.protection = 'P';
      return reply(200, 'Data connections are private.');
    case 'C':
      if (services.requireTls) return reply(534, 'Here data connections are private: PROT P.');
      security.protection = 'C';
      return reply(200, 'Data connections are clear.');
    case 'S':
    case 'E':
      return reply(536, 'Only PROT P and PROT C with TLS.');
    default:
      return reply(504, 'Say PROT P or PROT C.');
  }
}
