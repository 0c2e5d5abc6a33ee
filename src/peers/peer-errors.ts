/** The one map from what can go wrong with a peer to the errors that callers know. */
import { FTPError } from 'basic-ftp';
import type { Endpoint } from '../config/settings-api.ts';
import { Refusal, type RefusalKind } from '../replication/operation.ts';
import { systemCodeOf } from '../system/exit-status.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { MemberRetired, ReplicaUnreachable, ReplicaUntrusted } from './replica-client-api.ts';
import { type TlsCredentials, WrongMember } from './trust.ts';
import { parseObject } from './wire.ts';

/** A HELLO of a network that was restarted thousands of times, and more. */
export const MAX_REPLY_CHARACTERS = 1024 * 1024;

const kinds: { readonly [kind in RefusalKind]: true } = {
  'not-found': true,
  exists: true,
  'not-a-directory': true,
  'is-a-directory': true,
  'not-empty': true,
  'forbidden-name': true,
  changed: true,
  'hash-mismatch': true,
  'missing-content': true,
  'no-space': true,
  'read-only': true,
  busy: true,
  invalid: true,
  io: true,
};

/** Another certificate than ours was shown, or ours was refused. */
const UNTRUSTED =
  /UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE|SELF_SIGNED|UNABLE_TO|^CERT_|DECRYPT_ERROR|HANDSHAKE_FAILURE/;

export function peerError(error: unknown, endpoint: Endpoint, credentials: TlsCredentials): Error {
  if (error instanceof Refusal || error instanceof ReplicaUnreachable || error instanceof ReplicaUntrusted) {
    return error;
  }
  const peer = formatEndpoint(endpoint);
  if (error instanceof FTPError) return errorOfReply(error, peer);
  if (error instanceof WrongMember) {
    return new ReplicaUntrusted(`${peer}: ${error.message}`, { cause: error });
  }
  const code = systemCodeOf(error) ?? '';
  const why = error instanceof Error ? error.message : String(error);
  if (UNTRUSTED.test(code)) return new ReplicaUntrusted(differentKeys(peer, credentials), { cause: error });
  if (/WRONG_VERSION|PACKET_LENGTH|UNSUPPORTED_PROTOCOL|HTTP_REQUEST/.test(code)) {
    return new ReplicaUnreachable(`${peer}: whatever answers there is no storage server of Cloudroid`, {
      cause: error,
    });
  }
  return new ReplicaUnreachable(`${peer}: ${why}`, { cause: error });
}

function differentKeys(peer: string, { keyFile, fingerprint }: TlsCredentials): string {
  return (
    `the network keys differ: ${peer} has another key than ${keyFile} (${fingerprint}) here. ` +
    `Copy that file from the member whose network it is to be to the other one, and restart that one`
  );
}

function errorOfReply(error: FTPError, peer: string): Error {
  const text = error.message.slice(4);
  if (text.startsWith('{')) {
    try {
      const { error: kind, message, path } = parseObject(text);
      const about = String(message);
      if (kind === 'retired') return new MemberRetired(`${peer} refuses this member: ${about}`);
      if (kind === 'refused') return new ReplicaUntrusted(`${peer} refuses this member: ${about}`);
      if (typeof kind === 'string' && Object.hasOwn(kinds, kind)) {
        return new Refusal(kind as RefusalKind, about, typeof path === 'string' ? { path } : {});
      }
    } catch (cause) {
      return new ReplicaUnreachable(`${peer} answered garbage: ${error.message.slice(0, 80)}`, { cause });
    }
  }
  if (error.code === 530)
    return new ReplicaUntrusted(`${peer} refuses this member: ${text}`, { cause: error });
  return new ReplicaUnreachable(`${peer} answered ${error.message.slice(0, 200)}`, { cause: error });
}
