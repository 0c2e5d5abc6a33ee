/** `cloudroid peers retire MEMBER`: for a board that will never come back. */
import type { StatusReply } from '../peers/protocol-reports.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';
import { confirmed } from './confirm.ts';
import { withRunningMember } from './running-member.ts';
import { tellMembers } from './tell-members.ts';

/** The id of a member given by id or by the name that it has at the moment. Throws CommandError. */
export function memberToRetire({ hello, proxy }: StatusReply, wanted: string): string {
  const others = hello.members.filter((member) => member !== hello.member);
  if (wanted === hello.member || wanted === hello.name) {
    throw new CommandError(
      exitStatus.usage,
      `${wanted} is this very member. Retire it from another one: it would not be taken for a member any more.`,
    );
  }
  if (others.includes(wanted) || hello.retired.includes(wanted)) return wanted;
  const named = new Set(
    (proxy?.members ?? []).flatMap(({ name, member }) =>
      name === wanted && member !== null ? [member] : [],
    ),
  );
  const [only, ...more] = named;
  if (only !== undefined && more.length === 0) return only;
  const which =
    only === undefined ? `No member ${wanted} was ever met` : `${wanted} is the name of several members`;
  const known = others.length === 0 ? 'this member has met no other' : `there are ${others.join(', ')}`;
  throw new CommandError(exitStatus.usage, `${which}; ${known}.`);
}

export async function retire(input: CommandInput, wanted: string): Promise<ExitStatus> {
  return await withRunningMember(input.settings, async (replica) => {
    const status = await replica.status();
    const member = memberToRetire(status, wanted);
    if (status.hello.retired.includes(member)) {
      process.stdout.write(`${member} is retired already.\n`);
      return exitStatus.done;
    }
    process.stdout.write(
      `Retiring ${member} means: it will never come back under this name. Nobody waits any longer for it to hear of\n` +
        'deletions, all members hear of it, and from now on they refuse it. Should the board live on, empty its data\n' +
        'folder: it then joins as a new member. Files that only it has are lost to the network.\n',
    );
    if (!(await confirmed(input, `Retire ${member} for ever?`))) return exitStatus.failed;
    await replica.members.retire(member);
    await tellMembers(input.settings, replica, 'a member was retired');
    process.stdout.write(
      `${member} is retired. Take its address out of PEERS.txt on every member (cloudroid peers remove).\n`,
    );
    return exitStatus.done;
  });
}
