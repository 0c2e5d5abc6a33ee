/** `cloudroid doctor`: one page of checks, each with its cure; ends with 1 when there is a problem. */
import { existsSync } from 'node:fs';
import { readMemberId } from '../config/identity.ts';
import { strangeVariables } from '../config/settings.ts';
import type { Settings } from '../config/settings-api.ts';
import type { StatusReply } from '../peers/protocol-reports.ts';
import { credentialsFor, loadOrMakeNetworkKey, type TlsCredentials } from '../peers/trust.ts';
import { type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';
import { checkCertificate } from './doctor/certificate.ts';
import { checkClock } from './doctor/clock.ts';
import { checkDisks } from './doctor/disks.ts';
import { type Finding, messageOf, ok, warning } from './doctor/finding.ts';
import { checkMember, describeSettings } from './doctor/member.ts';
import { checkNetworkKey } from './doctor/network-key.ts';
import { checkPeers } from './doctor/peers.ts';
import { checkPorts } from './doctor/ports.ts';
import { checkVolume } from './doctor/volume.ts';
import { askStatus } from './running-member.ts';
import { plural } from './status-page.ts';

export async function examine(settings: Settings, environment = process.env): Promise<Finding[]> {
  const strange = strangeVariables(environment).map((text) =>
    warning('configuration', text, 'Take it away, or mend its name.'),
  );
  const key = await checkNetworkKey(settings);
  const { status, why } = await runningMember(settings);
  return [
    // Had it not loaded, this command would have said so and ended.
    ok('configuration', describeSettings(settings)),
    ...strange,
    ...key,
    ...checkMember(status, why),
    ...(await checkPorts(settings)),
    ...(await checkPeers(settings, await credentials(settings), status)),
    ...(await checkClock()),
    ...checkDisks(settings),
    ...checkVolume(settings, status),
    ...checkCertificate(settings),
  ];
}

async function runningMember(
  settings: Settings,
): Promise<{ status: StatusReply | null; why: string | null }> {
  try {
    return { status: await askStatus(settings), why: null };
  } catch (error) {
    return { status: null, why: messageOf(error) };
  }
}

/** Null: this member was never started, or its key is damaged, which has been said. */
async function credentials({ stateDir, networkKeyFile }: Settings): Promise<TlsCredentials | null> {
  try {
    const member = readMemberId(stateDir);
    if (member === null || !existsSync(networkKeyFile)) return null;
    return await credentialsFor(await loadOrMakeNetworkKey(networkKeyFile), member);
  } catch {
    return null;
  }
}

const signs: { readonly [level in Finding['level']]: string } = {
  ok: '  ok     ',
  warning: '  LOOK   ',
  problem: '  PROBLEM',
};

export function doctorPage(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, level, text, cure }) => [
    `${signs[level]}  ${check.padEnd(width)}  ${text}`,
    ...(cure === null ? [] : [`${' '.repeat(width + 13)}-> ${cure}`]),
  ]);
  const count = (level: Finding['level']) => findings.filter((one) => one.level === level).length;
  const sum =
    count('problem') > 0
      ? `${plural(count('problem'), 'problem')}, ${plural(count('warning'), 'thing')} to look at.`
      : count('warning') > 0
        ? `No problem, ${plural(count('warning'), 'thing')} to look at.`
        : 'All is well.';
  return `${lines.join('\n')}\n\n${sum}\n`;
}

export async function doctor({ settings, switches }: CommandInput): Promise<ExitStatus> {
  const findings = await examine(settings);
  process.stdout.write(
    switches.has('json') ? `${JSON.stringify(findings, null, 2)}\n` : doctorPage(findings),
  );
  return findings.some(({ level }) => level === 'problem') ? exitStatus.failed : exitStatus.done;
}
